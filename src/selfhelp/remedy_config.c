/* SPDX-License-Identifier: Apache-2.0 */
/* remedy_config.c -- one setting of a configuration file, and nothing else of it.
 *
 * ini and conf files are lines: the line of the setting is replaced, or one is added at the
 * end of its section; every other byte stays.  JSON is read and written whole (jansson keeps
 * the order), since its layout means nothing.
 *
 * Undo puts the old file back, byte for byte.  When somebody else has written to the file since
 * (the person, whose turn a step of the article is), it takes back the setting alone. */
#include <stdio.h>
#include <string.h>

#include "codes.h"
#include "remedy_internal.h"
#include "text.h"

enum { CONFIG_MAX = REMEDY_RECORD_MAX };

/* A file as lines.  ${at} is the line of the setting, or where a new one belongs. */
struct place {
    const char *at, *end; /* of the line, without its newline */
    bool found;
    bool section_missing;
    const char *value;
    size_t value_len;
};

static size_t
trimmed(const char **s, const char *end)
{
    while (*s < end && (**s == ' ' || **s == '\t'))
        ++*s;
    while (end > *s && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
        end--;
    return (size_t)(end - *s);
}

static bool
same(const char *s, size_t len, const char *want)
{
    return strlen(want) == len && strncmp(s, want, len) == 0;
}

/* "key = value", and for conf also "key value". */
static bool
is_setting(const char *line, const char *end, const char *key, bool conf, struct place *p)
{
    const char *s = line, *sep;
    size_t n;

    (void)trimmed(&s, end);
    if (s < end && (*s == '#' || *s == ';'))
        return false;
    sep = memchr(s, '=', (size_t)(end - s));
    if (sep == NULL && conf)
        sep = memchr(s, ' ', (size_t)(end - s));
    if (sep == NULL)
        return false;
    const char *name = s;

    n = trimmed(&name, sep);
    if (!same(name, n, key))
        return false;
    p->value = sep + 1;
    p->value_len = trimmed(&p->value, end);
    return true;
}

static struct place
find_setting(const char *file, size_t len, const struct action *a)
{
    const char *section = action_get(a, "section"), *key = action_get(a, "key");
    bool conf = strcmp(action_get(a, "format"), "conf") == 0;
    bool inside = section == NULL;
    struct place p = { .at = file + len, .end = file + len, .section_missing = !inside };

    for (const char *line = file; line < file + len;) {
        const char *end = memchr(line, '\n', (size_t)(file + len - line));

        if (end == NULL)
            end = file + len;
        const char *s = line;
        size_t n = trimmed(&s, end);

        if (n >= 2 && s[0] == '[' && s[n - 1] == ']') {
            if (inside && section != NULL)
                break;
            if (section == NULL) { /* a setting of no section stands before the first */
                p.at = p.end = line;
                break;
            }
            inside = same(s + 1, n - 2, section);
        } else if (inside && is_setting(line, end, key, conf, &p)) {
            p.at = line;
            p.end = end;
            p.found = true;
            return p;
        }
        if (inside) {
            p.section_missing = false;
            p.at = p.end = end < file + len ? end + 1 : end;
        }
        line = end + 1;
    }
    return p;
}

static void
set_line(const char *file, size_t len, const struct action *a, struct text *to)
{
    struct place p = find_setting(file, len, a);
    const char *section = action_get(a, "section");

    if (p.found) {
        text_add(to, file, (size_t)(p.value - file));
        text_str(to, action_get(a, "value"));
        text_add(to, p.value + p.value_len, len - (size_t)(p.value + p.value_len - file));
        return;
    }
    text_add(to, file, (size_t)(p.at - file));
    if (p.at > file && p.at[-1] != '\n')
        text_str(to, "\n");
    if (p.section_missing && section != NULL)
        text_fmt(to, "[%s]\n", section);
    text_fmt(to, "%s%s%s\n", action_get(a, "key"), "=", action_get(a, "value"));
    text_add(to, p.at, len - (size_t)(p.at - file));
}

/* ---- JSON: section is a path of names with dots ---- */

static json_t *
json_section(json_t *root, const char *section, bool make)
{
    auto_free char *names = strdup(section == NULL ? "" : section);
    char *save = NULL;
    json_t *at = root;

    for (char *s = names == NULL ? NULL : strtok_r(names, ".", &save); s != NULL;
         s = strtok_r(NULL, ".", &save)) {
        json_t *next = json_object_get(at, s);

        if (next == NULL && make) {
            next = json_object();
            if (json_object_set_new(at, s, next) != 0)
                return NULL;
        }
        if (!json_is_object(next))
            return NULL;
        at = next;
    }
    return at;
}

/* The value as JSON where it is some, else as a string. */
static json_t *
json_value(const char *value)
{
    json_t *v = json_loads(value, JSON_DECODE_ANY, NULL);

    return v != NULL ? v : json_string(value);
}

static struct err *
read_json(const char *path, const char *file, size_t len, json_t **ret)
{
    json_t *root = json_loadb(file, len, JSON_REJECT_DUPLICATES, NULL);

    if (!json_is_object(root)) {
        json_decref(root);
        return fail(InputInvalid, path, "it is no JSON object");
    }
    *ret = root;
    return NULL;
}

/* ---- the action ---- */

static struct err *
read_file(struct target *t, const struct action *a, char **ret, size_t *ret_len,
    bool *ret_found)
{
    void *data = NULL;

    TRY(target_file_read(t, action_get(a, "file"), &data, ret_len, ret_found));
    if (!*ret_found)
        return NULL;
    if (*ret_len > CONFIG_MAX || memchr(data, 0, *ret_len) != NULL) {
        free(data);
        return fail(InputInvalid, action_get(a, "file"), "it is no text, or too long");
    }
    *ret = data;
    return NULL;
}

static struct err *
look_json(const struct action *a, const char *file, size_t len, struct remedy_look *ret)
{
    json_t *root;

    TRY(read_json(action_get(a, "file"), file, len, &root));
    const json_t *now = json_object_get(json_section(root, action_get(a, "section"), false),
        action_get(a, "key"));
    json_t *want = json_value(action_get(a, "value"));
    bool so = json_equal(now, want) == 1;
    auto_free char *shown = now == NULL ? NULL : json_dumps(now, JSON_ENCODE_ANY);

    json_decref(want);
    json_decref(root);
    return remedy_saw(ret, so ? REMEDY_HOLDS : REMEDY_NOT, "%s is %s", action_get(a, "key"),
        shown == NULL ? "not set" : shown);
}

static struct err *
look_config(struct target *t, const struct action *a, struct deadline by,
    struct remedy_look *ret)
{
    auto_free char *file = NULL;
    size_t len = 0;
    bool found;

    (void)by;
    TRY(read_file(t, a, &file, &len, &found));
    if (!found)
        return remedy_saw(ret, REMEDY_NOT, "the file is not there");
    if (strcmp(action_get(a, "format"), "json") == 0) {
        TRY(look_json(a, file, len, ret));
        return NULL;
    }
    struct place p = find_setting(file, len, a);

    if (!p.found)
        return remedy_saw(ret, REMEDY_NOT, "%s is not set", action_get(a, "key"));
    return remedy_saw(ret,
        same(p.value, p.value_len, action_get(a, "value")) ? REMEDY_HOLDS : REMEDY_NOT,
        "%s is %.*s", action_get(a, "key"), (int)p.value_len, p.value);
}

static char *
wanted_config(const struct action *a)
{
    char *s;

    return asprintf(&s, "%s is %s", action_get(a, "key"), action_get(a, "value")) < 0 ? NULL
                                                                                      : s;
}

static struct err *
record_config(struct target *t, const struct action *a, json_t **ret)
{
    TRY(remedy_record_file(t, action_get(a, "file"), ret));
    return NULL;
}

static struct err *
set_json(const struct action *a, const char *file, size_t len, struct text *to)
{
    json_t *root, *in;
    char *out = NULL;

    TRY(read_json(action_get(a, "file"), len == 0 ? "{}" : file, len == 0 ? 2 : len, &root));
    in = json_section(root, action_get(a, "section"), true);
    if (in != NULL &&
        json_object_set_new(in, action_get(a, "key"), json_value(action_get(a, "value"))) == 0)
        out = json_dumps(root, JSON_INDENT(4));
    json_decref(root);
    if (out == NULL)
        return fail(InputInvalid, action_get(a, "file"), "its section is no JSON object");
    text_fmt(to, "%s\n", out);
    free(out);
    return NULL;
}

/* ${file} with the setting that ${a} names. */
static struct err *
make_config(const struct action *a, const char *file, size_t len, struct text *to)
{
    if (strcmp(action_get(a, "format"), "json") == 0)
        TRY(set_json(a, file, len, to));
    else
        set_line(file, len, a, to);
    return to->no_memory ? fail(OutOfMemory) : NULL;
}

static struct err *
apply_config(struct target *t, const struct action *a, const json_t *before,
    struct deadline by, struct remedy_done *ret)
{
    auto_free char *file = NULL;
    struct text to = { 0 };
    size_t len = 0;
    bool found;
    struct err *e;

    (void)before;
    (void)by;
    (void)ret;
    TRY(read_file(t, a, &file, &len, &found));
    e = make_config(a, found ? file : "", len, &to);
    if (e == NULL)
        e = target_file_write(t, action_get(a, "file"), to.s, to.len);
    text_done(&to);
    TRY(e);
    return NULL;
}

/* ---- back ---- */

/* Is ${file} what firn left there: all of it, or the part that a write came to before it
 * ended?  Or still what was there before? */
static bool
is_as_left(const struct action *a, const char *old, size_t old_len, const char *file,
    size_t len)
{
    struct text made = { 0 };
    struct err *e = make_config(a, old, old_len, &made);
    bool so = e != NULL || (len <= made.len && memcmp(file, made.s, len) == 0) ||
        (len == old_len && memcmp(file, old, len) == 0);

    err_free(e);
    text_done(&made);
    return so;
}

/* The old value in the place of ours in ${file}, or no line where there was none; *ret_ours =
 * false when another value is there now. */
static void
take_line_back(const struct action *a, const char *old, size_t old_len, const char *file,
    size_t len, struct text *to, bool *ret_ours)
{
    struct place was = find_setting(old, old_len, a), now = find_setting(file, len, a);
    const char *from = was.found ? now.value : now.at;
    const char *end = was.found ? now.value + now.value_len : now.end + (now.end < file + len);

    *ret_ours = now.found && same(now.value, now.value_len, action_get(a, "value"));
    if (!*ret_ours)
        return;
    text_add(to, file, (size_t)(from - file));
    if (was.found)
        text_add(to, was.value, was.value_len);
    text_add(to, end, (size_t)(file + len - end));
}

/* The same for JSON, of which both are objects. */
static struct err *
swap_json(const struct action *a, const json_t *old, json_t *root, struct text *to,
    bool *ret_ours)
{
    const char *key = action_get(a, "key"), *section = action_get(a, "section");
    json_t *was = json_object_get(json_section((json_t *)(uintptr_t)old, section, false), key);
    json_t *in = json_section(root, section, false);
    json_t *want = json_value(action_get(a, "value"));

    *ret_ours = json_equal(json_object_get(in, key), want) == 1;
    json_decref(want);
    if (!*ret_ours)
        return NULL;
    if ((was == NULL ? json_object_del(in, key) : json_object_set(in, key, was)) != 0)
        return fail(OutOfMemory);
    auto_free char *out = json_dumps(root, JSON_INDENT(4));

    if (out == NULL)
        return fail(OutOfMemory);
    text_fmt(to, "%s\n", out);
    return NULL;
}

static struct err *
take_json_back(const struct action *a, const char *old, size_t old_len, const char *file,
    size_t len, struct text *to, bool *ret_ours)
{
    const char *path = action_get(a, "file");
    json_t *was, *now;
    struct err *e;

    TRY(read_json(path, old_len == 0 ? "{}" : old, old_len == 0 ? 2 : old_len, &was));
    e = read_json(path, file, len, &now);
    if (e == NULL) {
        e = swap_json(a, was, now, to, ret_ours);
        json_decref(now);
    }
    json_decref(was);
    return e;
}

/* Somebody else has written to the file since. */
static struct err *
take_setting_back(struct target *t, const struct action *a, const char *old, size_t old_len,
    const char *file, size_t len, char **ret_kept)
{
    bool json = strcmp(action_get(a, "format"), "json") == 0, ours = false;
    struct text to = { 0 };
    struct err *e = NULL;

    if (json)
        e = take_json_back(a, old, old_len, file, len, &to, &ours);
    else
        take_line_back(a, old, old_len, file, len, &to, &ours);
    if (e == NULL && to.no_memory)
        e = fail(OutOfMemory);
    if (e == NULL && ours)
        e = target_file_write(t, action_get(a, "file"), to.s == NULL ? "" : to.s, to.len);
    if (e == NULL && !ours && asprintf(ret_kept, "%s was set by somebody else since",
            action_get(a, "key")) < 0)
        e = fail(OutOfMemory);
    text_done(&to);
    return e;
}

static struct err *
undo_config(struct target *t, const struct action *a, const json_t *before,
    struct deadline by, char **ret_kept)
{
    const char *path = json_string_value(json_object_get(before, "path"));
    auto_free char *file = NULL;
    auto_free uint8_t *old = NULL;
    size_t len = 0, old_len = 0;
    bool found;

    (void)by;
    if (path == NULL || strcmp(path, action_get(a, "file")) != 0)
        return remedy_bad_record(a);
    TRY(remedy_recorded_file(before, &old, &old_len));
    TRY(read_file(t, a, &file, &len, &found));
    const char *was = old != NULL ? (const char *)old : "";

    if (!found || is_as_left(a, was, old_len, file, len))
        TRY(remedy_restore_file(t, before));
    else
        TRY(take_setting_back(t, a, was, old_len, file, len, ret_kept));
    return NULL;
}

const struct remedy_body remedy_configs[] = {
    { "config.is", TARGET_FILES, 0, look_config, NULL, NULL, NULL, NULL },
    { "config.set", TARGET_FILES, TARGET_FILES, look_config, wanted_config, record_config,
        apply_config, undo_config },
    { 0 },
};
