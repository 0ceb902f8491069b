/* SPDX-License-Identifier: Apache-2.0 */
/* runbook_bundle.c -- everything about a run that ended without success, in one JSON file
 * for those who go on from here.
 *
 * Secrets are removed by the names that stand before them, in texts and as members: nobody
 * should have to read a bundle before it is sent.  Bytes of registry values and files stand in
 * records as hex, where no name could be seen: of those only numbers stay. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "clock.h"
#include "codes.h"
#include "number.h"
#include "record.h"
#include "runbook_internal.h"
#include "text.h"

#define REMOVED "[removed]"

static const char *const secret_names[] = { "password", "passphrase", "passwd", "pwd",
    "secret", "token", "accountkey", "sharedaccesssignature", "sig", "apikey", "api_key",
    "protectedsettings", "authorization", "credential" };

enum { SECRETS = sizeof(secret_names) / sizeof(secret_names[0]) };

static bool
is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
        c == '_' || c == '-';
}

/* How long a secret's name is that ends a word right before a separator; 0: none is there. */
static size_t
name_at(const char *s, bool word_begins)
{
    size_t len = 0;

    if (!word_begins)
        return 0;
    while (is_name_char(s[len]))
        len++;
    for (size_t i = 0; i < SECRETS; i++) {
        size_t n = strlen(secret_names[i]);

        if (len >= n && strncasecmp(s + len - n, secret_names[i], n) == 0)
            return len;
    }
    return 0;
}

/* What follows "password=", "sig: " or "\"token\": \"" up to the end of the value. */
static char *
without_secrets(const char *s)
{
    struct text t = { 0 };

    for (size_t i = 0; s[i] != '\0';) {
        size_t n = name_at(s + i, i == 0 || !is_name_char(s[i - 1]));
        size_t after = i + n;

        if (n == 0) {
            text_add(&t, s + i, 1);
            i++;
            continue;
        }
        after += strspn(s + after, "\"' ");
        if (s[after] != '=' && s[after] != ':') {
            text_add(&t, s + i, n);
            i += n;
            continue;
        }
        after++;
        after += strspn(s + after, "\"' ");
        if (strncasecmp(s + after, "bearer ", 7) == 0)
            after += 7;
        text_add(&t, s + i, after - i);
        text_str(&t, REMOVED);
        i = after + strcspn(s + after, "\"'&;, \t\r\n");
    }
    if (t.no_memory)
        text_done(&t);
    return t.s != NULL ? t.s : strdup("");
}

/* Is the member ${name} of the record ${v} bytes of a value or file, and no plain number? */
static bool
is_bytes(const json_t *v, const char *name, const json_t *one)
{
    json_int_t type = json_integer_value(json_object_get(v, "type"));

    return strcmp(name, "data") == 0 && json_is_string(one) &&
        json_is_boolean(json_object_get(v, "found")) && type != TARGET_REG_DWORD &&
        type != TARGET_REG_QWORD;
}

static json_t *clean(const json_t *v);

static json_t *
clean_member(const json_t *v, const char *name, const json_t *one)
{
    char size[48];

    if (is_bytes(v, name, one)) {
        (void)snprintf(size, sizeof(size), "[in the journal, bytes: %u]",
            (unsigned)(strlen(json_string_value(one)) / 2));
        return json_string(size);
    }
    if (name_at(name, true) > 0 && !json_is_object(one))
        return json_string(REMOVED);
    return clean(one);
}

/* A copy of ${v} without secrets; NULL without memory. */
static json_t *
clean(const json_t *v)
{
    if (json_is_string(v)) {
        auto_free char *s = without_secrets(json_string_value(v));

        return s == NULL ? NULL : json_string(s);
    }
    if (json_is_array(v)) {
        json_t *all = json_array();

        for (size_t i = 0; all != NULL && i < json_array_size(v); i++)
            (void)json_array_append_new(all, clean(json_array_get(v, i)));
        return all;
    }
    if (json_is_object(v)) {
        json_t *all = json_object(), *one;
        const char *name;

        json_object_foreach((json_t *)v, name, one)
            (void)json_object_set_new(all, name, clean_member(v, name, one));
        return all;
    }
    return json_deep_copy(v);
}

struct err *
run_keep_changes(struct run *r)
{
    if (r->changes == NULL && (r->changes = json_array()) == NULL)
        return fail(OutOfMemory);
    for (size_t i = 0; r->j != NULL && i < journal_entries(r->j); i++) {
        const struct journal_entry *e = journal_entry(r->j, i);
        auto_free char *text = action_text(&e->action);

        if (json_array_append_new(r->changes,
                json_pack("{s:s, s:s?, s:O, s:s?, s:b}", "step", e->step, "action", text,
                    "before", e->before, "result", e->result, "undone", e->undone)) != 0)
            return fail(OutOfMemory);
    }
    return NULL;
}

static struct err *
write_bundle(const char *path, json_t *doc)
{
    auto_free char *s = json_dumps(doc, JSON_INDENT(2));

    return s == NULL ? fail(OutOfMemory) : record_put(path, s, strlen(s));
}

struct err *
run_bundle(struct run *r)
{
    char now[NUMBER_TIME_MAX];
    auto_free char *path = NULL;
    json_t *report, *doc, *safe;

    char id[JOURNAL_ID_LEN + 1];

    TRY(journal_new_id(id));
    if (asprintf(&path, "%s/%s.json", r->policy->bundles,
            r->r->journal != NULL ? r->r->journal : id) < 0)
        return fail(OutOfMemory);
    TRY(record_folder(r->policy->bundles));
    number_time(now, clock_real_ns());
    TRY(run_keep_changes(r));
    TRY(runbook_json(r->r, &report));
    doc = json_pack("{s:i, s:s, s:s, s:s, s:b, s:b, s:o, s:O}", "schema", 1, "time", now,
        "target", r->t->name, "system", r->t->os == ACTION_WINDOWS ? "windows" : "linux",
        "offline", r->t->offline, "bits64", r->t->bits64, "report", report, "changes",
        r->changes);
    safe = doc == NULL ? NULL : clean(doc);
    json_decref(doc);
    struct err *e = safe == NULL ? fail(OutOfMemory) : write_bundle(path, safe);

    json_decref(safe);
    TRY(e);
    free(r->r->bundle);
    r->r->bundle = take(path);
    return NULL;
}
