/* SPDX-License-Identifier: Apache-2.0 */
/* remedy_registry.c -- registry values, the overrides among them, and what else is no more
 * than a value: short names, a pending restart. */
#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "codes.h"
#include "remedy_internal.h"
#include "text.h"

#define FILESYSTEM_KEY "HKLM\\SYSTEM\\CurrentControlSet\\Control\\FileSystem"
#define SHORT_NAMES "NtfsDisable8dot3NameCreation"
#define WINDOWS_KEY "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\"
#define SESSION_KEY "HKLM\\SYSTEM\\CurrentControlSet\\Control\\Session Manager"

static const struct {
    const char *word;
    uint32_t type;
} types[] = {
    { "sz", TARGET_REG_SZ },
    { "expand_sz", TARGET_REG_EXPAND_SZ },
    { "dword", TARGET_REG_DWORD },
    { "qword", TARGET_REG_QWORD },
    { "multi_sz", TARGET_REG_MULTI_SZ },
    { "binary", TARGET_REG_BINARY },
};

static uint32_t
type_of(const char *word)
{
    for (size_t i = 0; word != NULL && i < sizeof(types) / sizeof(types[0]); i++)
        if (strcmp(types[i].word, word) == 0)
            return types[i].type;
    return 0;
}

/* Strings with \0 between them, each with its NUL, and one more at the end. */
static struct err *
multi_value(const char *data, struct target_value *ret)
{
    auto_free uint8_t *all = NULL;
    size_t len = 0;

    for (const char *s = data; *s != '\0';) {
        const char *end = strstr(s, "\\0");
        auto_free char *one = strndup(s, end == NULL ? strlen(s) : (size_t)(end - s));
        struct target_value v = { 0 };

        if (one == NULL)
            return fail(OutOfMemory);
        TRY(target_value_of_text(TARGET_REG_SZ, one, &v));
        uint8_t *more = realloc(all, len + v.len + 2);

        if (more == NULL) {
            target_value_done(&v);
            return fail(OutOfMemory);
        }
        all = more;
        memcpy(all + len, v.data, v.len);
        len += v.len;
        target_value_done(&v);
        s = end == NULL ? s + strlen(s) : end + 2;
    }
    uint8_t *whole = realloc(all, len + 2);

    if (whole == NULL)
        return fail(OutOfMemory);
    all = whole;
    put_le(all + len, 0, 2);
    *ret = (struct target_value){ TARGET_REG_MULTI_SZ, take(all), len + 2 };
    return NULL;
}

static struct err *
make_value(uint32_t type, const char *data, struct target_value *ret)
{
    uint64_t n;

    if (type == TARGET_REG_DWORD || type == TARGET_REG_QWORD) {
        if (!action_number_of(data, &n))
            return fail(InputInvalid, "a registry value", "it is no number");
        TRY(target_value_of_number(type, n, ret));
        return NULL;
    }
    if (type == TARGET_REG_MULTI_SZ) {
        TRY(multi_value(data, ret));
        return NULL;
    }
    if (type == TARGET_REG_BINARY) {
        size_t len = strlen(data) / 2;
        uint8_t *raw = malloc(len + 1);

        if (raw == NULL)
            return fail(OutOfMemory);
        if (!bytes_from_hex(data, raw, len)) {
            free(raw);
            return fail(InputInvalid, "a registry value", "it is not hex");
        }
        *ret = (struct target_value){ type, raw, len };
        return NULL;
    }
    TRY(target_value_of_text(type, data, ret));
    return NULL;
}

/* Does the value on the machine say ${data}?  Without a type it may be a number or a text. */
static struct err *
says(const struct target_value *v, uint32_t type, const char *data, bool *ret)
{
    struct target_value want = { 0 };
    uint64_t a, b;
    char *s;

    *ret = false;
    if (type != 0) {
        TRY(make_value(type, data, &want));
        *ret = target_value_equal(v, &want);
        target_value_done(&want);
        return NULL;
    }
    if (target_value_number(v, &a)) {
        *ret = action_number_of(data, &b) && a == b;
    } else if (target_value_text(v, &s)) {
        *ret = strcmp(s, data) == 0;
        free(s);
    }
    return NULL;
}

/* "3 (dword)", "True (sz)", "12 bytes (binary)"; NULL without memory. */
static char *
show_value(const struct target_value *v)
{
    const char *word = "of an odd type";
    uint64_t n;
    char *s, *out = NULL;

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (types[i].type == v->type)
            word = types[i].word;
    if (target_value_number(v, &n))
        return asprintf(&out, "%llu (%s)", (unsigned long long)n, word) < 0 ? NULL : out;
    if (target_value_text(v, &s)) {
        int made = asprintf(&out, "%s (%s)", s, word);

        free(s);
        return made < 0 ? NULL : out;
    }
    return asprintf(&out, "%zu byte%s (%s)", v->len, v->len == 1 ? "" : "s", word) < 0 ? NULL
                                                                                : out;
}

static struct err *
look_value(struct target *t, const char *key, const char *name, uint32_t type,
    const char *data, const char *not, struct remedy_look *ret)
{
    struct target_value v = { 0 };
    bool found, same = true, excluded = false;
    struct err *e = NULL;

    TRY(target_reg_get(t, key, name, &v, &found));
    if (!found)
        return remedy_saw(ret, REMEDY_NOT, "%s is not set", name);
    if (data != NULL)
        e = says(&v, type, data, &same);
    else if (type != 0)
        same = v.type == type;
    if (e == NULL && not != NULL)
        e = says(&v, 0, not, &excluded);
    auto_free char *shown = show_value(&v);

    target_value_done(&v);
    TRY(e);
    if (shown == NULL)
        return fail(OutOfMemory);
    return remedy_saw(ret, same && !excluded ? REMEDY_HOLDS : REMEDY_NOT, "%s is %s", name,
        shown);
}

static struct err *
look_is(struct target *t, const struct action *a, struct deadline by, struct remedy_look *ret)
{
    (void)by;
    TRY(look_value(t, action_get(a, "key"), action_get(a, "name"),
        type_of(action_get(a, "type")), action_get(a, "data"), action_get(a, "not"), ret));
    return NULL;
}

static struct err *
look_set(struct target *t, const struct action *a, struct deadline by, struct remedy_look *ret)
{
    (void)by;
    TRY(look_value(t, action_get(a, "key"), action_get(a, "name"),
        type_of(action_get(a, "type")), action_get(a, "data"), NULL, ret));
    return NULL;
}

static struct err *
look_absent(struct target *t, const struct action *a, struct deadline by,
    struct remedy_look *ret)
{
    const char *key = action_get(a, "key"), *name = action_get(a, "name");
    bool found;

    (void)by;
    if (name == NULL) {
        TRY(target_reg_key(t, key, &found));
        return remedy_saw(ret, found ? REMEDY_NOT : REMEDY_HOLDS, "the key is %s",
            found ? "there" : "not there");
    }
    TRY(look_value(t, key, name, 0, NULL, NULL, ret));
    ret->state = ret->state == REMEDY_HOLDS ? REMEDY_NOT : REMEDY_HOLDS;
    return NULL;
}

static char *
wanted_value(const struct action *a)
{
    char *s;

    return asprintf(&s, "%s is %s (%s)", action_get(a, "name"), action_get(a, "data"),
               action_get(a, "type")) < 0 ? NULL : s;
}

static char *
wanted_absent(const struct action *a)
{
    char *s;

    return asprintf(&s, "%s is not set", action_get(a, "name")) < 0 ? NULL : s;
}

static struct err *
record_value(struct target *t, const struct action *a, json_t **ret)
{
    TRY(remedy_record_value(t, action_get(a, "key"), action_get(a, "name"), ret));
    return NULL;
}

static struct err *
apply_set(struct target *t, const struct action *a, const json_t *before, struct deadline by,
    struct remedy_done *ret)
{
    struct target_value v = { 0 };

    (void)before;
    (void)by;
    (void)ret;
    TRY(make_value(type_of(action_get(a, "type")), action_get(a, "data"), &v));
    struct err *e = target_reg_set(t, action_get(a, "key"), action_get(a, "name"), &v);

    target_value_done(&v);
    TRY(e);
    return NULL;
}

static struct err *
apply_delete(struct target *t, const struct action *a, const json_t *before,
    struct deadline by, struct remedy_done *ret)
{
    (void)before;
    (void)by;
    (void)ret;
    TRY(target_reg_delete(t, action_get(a, "key"), action_get(a, "name")));
    return NULL;
}

static struct err *
undo_value(struct target *t, const struct action *a, const json_t *before, struct deadline by,
    char **ret_kept)
{
    const char *key = json_string_value(json_object_get(before, "key"));
    const char *name = json_string_value(json_object_get(before, "name"));

    (void)by;
    (void)ret_kept;
    if (key == NULL || name == NULL || strcmp(key, action_get(a, "key")) != 0 ||
        strcmp(name, action_get(a, "name")) != 0)
        return remedy_bad_record(a);
    TRY(remedy_restore_value(t, before));
    return NULL;
}

/* ---- part=data inside a longer string ---- */

/* Where "part=" begins in ${s} as a word of its own, and how long the word is. */
static const char *
find_part(const char *s, const char *part, size_t *ret_len)
{
    size_t n = strlen(part);

    for (const char *at = s; (at = strstr(at, part)) != NULL; at++)
        if ((at == s || at[-1] == ' ') && at[n] == '=') {
            *ret_len = strcspn(at, " ");
            return at;
        }
    return NULL;
}

static struct err *
read_text(struct target *t, const struct action *a, struct target_value *ret, char **ret_text)
{
    bool found;

    *ret_text = NULL;
    TRY(target_reg_get(t, action_get(a, "key"), action_get(a, "name"), ret, &found));
    if (found && !target_value_text(ret, ret_text))
        *ret_text = NULL;
    return NULL;
}

static struct err *
look_part(struct target *t, const struct action *a, struct deadline by,
    struct remedy_look *ret)
{
    const char *part = action_get(a, "part"), *data = action_get(a, "data");
    struct target_value v = { 0 };
    auto_free char *s = NULL;
    size_t len = 0;

    (void)by;
    struct err *e = read_text(t, a, &v, &s);

    target_value_done(&v);
    TRY(e);
    const char *at = s == NULL ? NULL : find_part(s, part, &len);

    if (at == NULL)
        return remedy_saw(ret, REMEDY_NOT, "%s has no %s", action_get(a, "name"), part);
    size_t skip = strlen(part) + 1;

    return remedy_saw(ret,
        len - skip == strlen(data) && strncmp(at + skip, data, len - skip) == 0
            ? REMEDY_HOLDS : REMEDY_NOT,
        "%.*s", (int)len, at);
}

static char *
wanted_part(const struct action *a)
{
    char *s;

    return asprintf(&s, "%s=%s", action_get(a, "part"), action_get(a, "data")) < 0 ? NULL : s;
}

static struct err *
apply_part(struct target *t, const struct action *a, const json_t *before, struct deadline by,
    struct remedy_done *ret)
{
    struct target_value old = { 0 }, v = { 0 };
    auto_free char *s = NULL, *now = NULL;
    size_t len = 0;

    (void)before;
    (void)by;
    (void)ret;
    struct err *e = read_text(t, a, &old, &s);
    uint32_t type = old.type;

    target_value_done(&old);
    TRY(e);
    const char *at = s == NULL ? NULL : find_part(s, action_get(a, "part"), &len);

    if (at == NULL)
        return fail(InputInvalid, action_get(a, "name"), "it has no such part to change");
    if (asprintf(&now, "%.*s%s=%s%s", (int)(at - s), s, action_get(a, "part"),
            action_get(a, "data"), at + len) < 0)
        return fail(OutOfMemory);
    TRY(target_value_of_text(type, now, &v));
    e = target_reg_set(t, action_get(a, "key"), action_get(a, "name"), &v);
    target_value_done(&v);
    TRY(e);
    return NULL;
}

/* ---- short names ---- */

static struct err *
look_short_names(struct target *t, const struct action *a, struct deadline by,
    struct remedy_look *ret)
{
    (void)by;
    TRY(look_value(t, FILESYSTEM_KEY, SHORT_NAMES, TARGET_REG_DWORD, action_get(a, "want"),
        NULL, ret));
    return NULL;
}

static struct err *
record_short_names(struct target *t, const struct action *a, json_t **ret)
{
    (void)a;
    TRY(remedy_record_value(t, FILESYSTEM_KEY, SHORT_NAMES, ret));
    return NULL;
}

static struct err *
apply_short_names(struct target *t, const struct action *a, const json_t *before,
    struct deadline by, struct remedy_done *ret)
{
    struct target_value v = { 0 };

    (void)before;
    (void)by;
    (void)ret;
    TRY(make_value(TARGET_REG_DWORD, action_get(a, "want"), &v));
    struct err *e = target_reg_set(t, FILESYSTEM_KEY, SHORT_NAMES, &v);

    target_value_done(&v);
    TRY(e);
    return NULL;
}

static struct err *
undo_short_names(struct target *t, const struct action *a, const json_t *before,
    struct deadline by, char **ret_kept)
{
    const char *key = json_string_value(json_object_get(before, "key"));

    (void)by;
    (void)ret_kept;
    if (key == NULL || strcmp(key, FILESYSTEM_KEY) != 0)
        return remedy_bad_record(a);
    TRY(remedy_restore_value(t, before));
    return NULL;
}

/* ---- a restart that Windows waits for ---- */

static struct err *
look_restart(struct target *t, const struct action *a, struct deadline by,
    struct remedy_look *ret)
{
    static const char *const keys[] = {
        WINDOWS_KEY "Component Based Servicing\\RebootPending",
        WINDOWS_KEY "WindowsUpdate\\Auto Update\\RebootRequired",
    };
    struct target_value v = { 0 };
    bool found;

    (void)a;
    (void)by;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        TRY(target_reg_key(t, keys[i], &found));
        if (found)
            return remedy_saw(ret, REMEDY_NOT, "a restart is pending: %s",
                strrchr(keys[i], '\\') + 1);
    }
    TRY(target_reg_get(t, SESSION_KEY, "PendingFileRenameOperations", &v, &found));
    bool renames = found && v.len > 2;

    target_value_done(&v);
    return remedy_saw(ret, renames ? REMEDY_NOT : REMEDY_HOLDS,
        renames ? "a restart is pending: files are to be renamed" : "no restart is pending");
}

#define REG TARGET_REGISTRY

const struct remedy_body remedy_registry[] = {
    { "windows.registry.is", REG, 0, look_is, NULL, NULL, NULL, NULL },
    { "windows.registry.absent", REG, 0, look_absent, NULL, NULL, NULL, NULL },
    { "windows.registry.set", REG, REG, look_set, wanted_value, record_value, apply_set,
        undo_value },
    { "override.set", REG, REG, look_set, wanted_value, record_value, apply_set, undo_value },
    { "windows.registry.delete", REG, REG, look_absent, wanted_absent, record_value,
        apply_delete, undo_value },
    { "windows.registry.part.is", REG, 0, look_part, NULL, NULL, NULL, NULL },
    { "windows.registry.part.set", REG, REG, look_part, wanted_part, record_value, apply_part,
        undo_value },
    { "windows.short_names", REG, REG, look_short_names, NULL, record_short_names,
        apply_short_names, undo_short_names },
    { "windows.restart.not_pending", REG, 0, look_restart, NULL, NULL, NULL, NULL },
    { 0 },
};
