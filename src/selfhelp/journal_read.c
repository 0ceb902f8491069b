/* SPDX-License-Identifier: Apache-2.0 */
/* journal_read.c -- from the file back to a run: line by line, each of a closed list of
 * forms, in the only order in which a run writes them. */
#include <stdio.h>
#include <string.h>

#include "codes.h"
#include "journal.h"
#include "journal_internal.h"

static struct err *
damaged(const struct journal *j, size_t line, const char *why)
{
    return fail(JournalDamaged, j->path, (int64_t)line, why);
}

static const char *
string_at(const json_t *o, const char *name)
{
    return json_string_value(json_object_get(o, name));
}

static struct err *
read_head(struct journal *j, const json_t *o)
{
    const char *run = string_at(o, "run"), *target = string_at(o, "target");
    const char *code = string_at(o, "code");

    if (json_integer_value(json_object_get(o, "schema")) != 1 || run == NULL ||
        strcmp(run, j->id) != 0 || target == NULL || code == NULL)
        return damaged(j, 1, "it does not begin as a run does");
    j->target = strdup(target);
    j->code = strdup(code);
    return j->target == NULL || j->code == NULL ? fail(OutOfMemory) : NULL;
}

static struct err *
read_intent(struct journal *j, const json_t *o, size_t line)
{
    const char *step = string_at(o, "step"), *text = string_at(o, "action");
    json_t *before = json_object_get(o, "before");
    struct journal_entry *e = &j->entries[j->n];
    enum action_fault f;

    if (j->n >= JOURNAL_ENTRIES_MAX ||
        json_integer_value(json_object_get(o, "intent")) != (json_int_t)j->n ||
        step == NULL || text == NULL || !json_is_object(before))
        return damaged(j, line, "an intent is not whole");
    *e = (struct journal_entry){ 0 };
    f = action_parse(text, &e->action, NULL);
    if (f == ACTION_NO_MEMORY)
        return fail(OutOfMemory);
    if (f != ACTION_OK)
        return damaged(j, line, action_fault_text(f));
    journal_goes_on(j);
    j->n++; /* from here on journal_free ends it */
    if (!action_complete(&e->action))
        return damaged(j, line, "an action is not complete");
    e->step = strdup(step);
    e->before = json_incref(before);
    return e->step == NULL ? fail(OutOfMemory) : NULL;
}

/* The entry that a result or an undoing names; NULL when it is none. */
static struct journal_entry *
named(struct journal *j, const json_t *number)
{
    json_int_t i = json_integer_value(number);

    return json_is_integer(number) && i >= 0 && (size_t)i < j->n ? &j->entries[i] : NULL;
}

static struct err *
read_wait(struct journal *j, const json_t *o, size_t line)
{
    const char *what_for = string_at(o, "waits");
    const struct journal_person p = { string_at(o, "step"), string_at(o, "text"),
        string_at(o, "done"), string_at(o, "what"), string_at(o, "boot"),
        json_is_true(json_object_get(o, "restart")) };

    if (what_for == NULL || strcmp(what_for, "person") != 0)
        return journal_keep_wait(j, p.boot, json_is_true(json_object_get(o, "itself")));
    if (p.step == NULL || p.text == NULL || p.done == NULL || p.what == NULL)
        return damaged(j, line, "what it waits for is not whole");
    return journal_keep_person(j, &p);
}

static struct err *
read_line(struct journal *j, const json_t *o, size_t line)
{
    struct journal_entry *e;
    const char *s;

    if (line == 1)
        return read_head(j, o);
    if (json_object_get(o, "intent") != NULL)
        return read_intent(j, o, line);
    if (json_object_get(o, "result") != NULL) {
        e = named(j, json_object_get(o, "result"));
        s = string_at(o, "is");
        if (e == NULL || s == NULL)
            return damaged(j, line, "a result belongs to nothing");
        free(e->result);
        e->result = strdup(s);
        return e->result == NULL ? fail(OutOfMemory) : NULL;
    }
    if (json_object_get(o, "undone") != NULL) {
        e = named(j, json_object_get(o, "undone"));
        if (e == NULL)
            return damaged(j, line, "what was undone is not there");
        e->undone = true;
        journal_goes_on(j);
        return NULL;
    }
    if (json_object_get(o, "waits") != NULL)
        return read_wait(j, o, line);
    s = string_at(o, "end");
    if (s == NULL)
        return damaged(j, line, "it is of no known form");
    free(j->outcome);
    j->outcome = strdup(s);
    return j->outcome == NULL ? fail(OutOfMemory) : NULL;
}

static struct err *
read_all(struct journal *j, const char *data, size_t len)
{
    size_t line = 0;

    for (size_t at = 0; at < len;) {
        const char *end = memchr(data + at, '\n', len - at);
        size_t n = end == NULL ? 0 : (size_t)(end - data) - at;

        if (end == NULL)
            break; /* torn: never finished */
        if (n > JOURNAL_LINE_MAX)
            return damaged(j, line + 1, "it is too long");
        json_t *o = json_loadb(data + at, n, JSON_REJECT_DUPLICATES, NULL);
        struct err *e = json_is_object(o) ? read_line(j, o, ++line)
                                          : damaged(j, line + 1, "it is no JSON object");

        json_decref(o);
        TRY(e);
        at += n + 1;
        j->len = at;
    }
    return line == 0 ? damaged(j, 1, "it is empty") : NULL;
}

static struct err *
read_file(struct journal *j)
{
    auto_free char *data = NULL;
    size_t len = 0;

    TRY(record_read(j->file, JOURNAL_FILE_MAX, &data, &len));
    if (data == NULL)
        return damaged(j, 1, "it is no file of a run, or too long");
    TRY(read_all(j, data, len));
    if (j->len < len) /* a look leaves a whole file as it is */
        TRY(record_cut(j->file, j->len));
    return NULL;
}

struct err *
journal_open(const char *folder, const char *id, struct journal **ret)
{
    auto_ptr(journal) j = NULL;
    enum record_state state;

    if (!journal_is_id(id, strlen(id)))
        return fail(JournalMissing, id, folder);
    j = calloc(1, sizeof(*j));
    if (j == NULL)
        return fail(OutOfMemory);
    memcpy(j->id, id, JOURNAL_ID_LEN + 1);
    if (asprintf(&j->path, "%s/%s.jsonl", folder, id) < 0)
        return fail(OutOfMemory);
    TRY(record_open(j->path, &j->file, &state));
    if (state != RECORD_HELD)
        return state == RECORD_BUSY ? fail(JournalBusy, id) : fail(JournalMissing, id, folder);
    TRY(read_file(j));
    *ret = take(j);
    return NULL;
}
