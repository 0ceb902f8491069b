/* SPDX-License-Identifier: Apache-2.0 */
/* remedy.c -- find the row of a kind, ask whether the target can, and call it; and what the
 * areas share. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "codes.h"
#include "remedy_internal.h"
#include "text.h"

static const struct remedy_body *const areas[] = { remedy_registry, remedy_services,
    remedy_msi, remedy_installers, remedy_linux, remedy_files, remedy_configs, remedy_machine };

static const struct {
    unsigned bit;
    const char *what;
} abilities[] = {
    { TARGET_REGISTRY, "read and write the registry" },
    { TARGET_SERVICES, "speak to the service manager" },
    { TARGET_FILES, "read and write files" },
    { TARGET_PROGRAMS, "run programs" },
    { TARGET_LIBRARIES, "load a library" },
    { TARGET_RESTART, "restart the machine" },
    { TARGET_PACKAGES, "use the package manager" },
    { TARGET_UNITS, "speak to systemd" },
};

static const struct remedy_body *
body_of(const struct action *a)
{
    for (size_t i = 0; i < sizeof(areas) / sizeof(areas[0]); i++)
        for (const struct remedy_body *b = areas[i]; b->kind != NULL; b++)
            if (strcmp(b->kind, a->kind->name) == 0)
                return b;
    return NULL;
}

/* NULL when ${can} is all there. */
static const char *
lacks(const struct target *t, unsigned can)
{
    for (size_t i = 0; i < sizeof(abilities) / sizeof(abilities[0]); i++)
        if ((can & ~t->can & abilities[i].bit) != 0)
            return abilities[i].what;
    return NULL;
}

/* Why ${a} can be neither asked nor done there; NULL when it can. */
static const char *
obstacle(const struct target *t, const struct action *a, bool apply)
{
    const struct remedy_body *b = body_of(a);

    if (a->kind->person)
        return "do what only a person can do";
    if (a->kind->os != ACTION_ANY && a->kind->os != t->os)
        return "do what belongs to another system";
    if (b == NULL || (apply ? b->apply == NULL : b->look == NULL))
        return apply ? "do this step" : "check this";
    return lacks(t, apply ? b->can : b->look_can);
}

bool
remedy_can(const struct target *t, const struct action *a, char **ret_why)
{
    const char *what = obstacle(t, a, a->kind->risk != RISK_READ);

    if (ret_why != NULL)
        *ret_why = NULL;
    if (what != NULL && ret_why != NULL &&
        asprintf(ret_why, "%s offers no way to %s", t->name, what) < 0)
        *ret_why = NULL;
    return what == NULL;
}

struct err *
remedy_look(struct target *t, const struct action *a, struct deadline by,
    struct remedy_look *ret)
{
    const char *what = obstacle(t, a, false);
    struct err *e;

    if (what != NULL)
        return remedy_saw(ret, REMEDY_UNKNOWN, "%s offers no way to %s", t->name, what);
    e = body_of(a)->look(t, a, by, ret);
    if (err_code(e) == E_TargetCannot) {
        struct err *told = remedy_saw(ret, REMEDY_UNKNOWN, "%s", err_message(e));

        err_free(e);
        return told;
    }
    TRY(e);
    return NULL;
}

struct err *
remedy_change(struct target *t, const struct action *a, struct deadline by, char **ret)
{
    const struct remedy_body *b = body_of(a);
    struct remedy_look now = { 0 };
    auto_free char *wanted = NULL, *around = NULL;

    if (b != NULL && b->wanted != NULL) {
        wanted = b->wanted(a);
        if (wanted == NULL)
            return fail(OutOfMemory);
    }
    const char *to = wanted != NULL ? wanted : a->kind->about;

    TRY(remedy_around(t, a, &around));
    TRY(remedy_look(t, a, by, &now));
    int n = now.state == REMEDY_HOLDS ? asprintf(ret, "nothing: %s", now.observed)
        : now.state == REMEDY_UNKNOWN || wanted == NULL ? asprintf(ret, "%s", to)
                                                        : asprintf(ret, "%s -> %s%s",
                                                              now.observed, to, around);
    remedy_look_done(&now);
    return n < 0 ? fail(OutOfMemory) : NULL;
}

static struct err *
check_apply(const struct target *t, const struct action *a)
{
    const char *what = obstacle(t, a, true);

    return what == NULL ? NULL : fail(TargetCannot, t->name, what);
}

struct err *
remedy_record(struct target *t, const struct action *a, json_t **ret)
{
    const struct remedy_body *b = body_of(a);

    TRY(check_apply(t, a));
    if (b->record == NULL)
        TRY(remedy_json(json_object(), ret));
    else
        TRY(b->record(t, a, ret));
    return NULL;
}

struct err *
remedy_apply(struct target *t, const struct action *a, const json_t *before,
    struct deadline by, struct remedy_done *ret)
{
    TRY(check_apply(t, a));
    *ret = (struct remedy_done){ .end = REMEDY_DONE };
    TRY(body_of(a)->apply(t, a, before, by, ret));
    return NULL;
}

struct err *
remedy_undo(struct target *t, const struct action *a, const json_t *before, struct deadline by,
    char **ret_kept)
{
    const struct remedy_body *b = body_of(a);

    TRY(check_apply(t, a));
    *ret_kept = NULL;
    if (b->undo == NULL) {
        *ret_kept = strdup(a->kind->fixed != NULL ? a->kind->fixed : "nothing to undo");
        return *ret_kept == NULL ? fail(OutOfMemory) : NULL;
    }
    TRY(b->undo(t, a, before, by, ret_kept));
    return NULL;
}

void
remedy_look_done(struct remedy_look *l)
{
    free(l->observed);
    *l = (struct remedy_look){ 0 };
}

void
remedy_done_done(struct remedy_done *d)
{
    free(d->words);
    *d = (struct remedy_done){ 0 };
}

const char *
remedy_state_name(enum remedy_state s)
{
    return s == REMEDY_HOLDS ? "holds" : s == REMEDY_NOT ? "not" : "unknown";
}

/* ---- shared ---- */

struct err *
remedy_saw(struct remedy_look *ret, enum remedy_state state, const char *format, ...)
{
    struct text t = { 0 };
    va_list args;
    char *s;

    va_start(args, format);
    int n = vasprintf(&s, format, args);
    va_end(args);
    if (n < 0)
        return fail(OutOfMemory);
    text_escaped(&t, s); /* it may hold what the machine said, and goes into JSON */
    free(s);
    if (t.no_memory) {
        text_done(&t);
        return fail(OutOfMemory);
    }
    *ret = (struct remedy_look){ state, t.s };
    return NULL;
}

struct err *
remedy_json(json_t *o, json_t **ret)
{
    if (o == NULL)
        return fail(OutOfMemory);
    *ret = o;
    return NULL;
}

struct err *
remedy_bad_record(const struct action *a)
{
    return fail(InputInvalid, a->kind->name, "its record in the journal is not one");
}

json_t *
remedy_to_hex(const void *data, size_t len)
{
    auto_free char *hex = malloc(2 * len + 1);

    if (hex == NULL)
        return NULL;
    bytes_to_hex(data, len, hex);
    return json_string(hex);
}

/* False when it is no even number of hex digits or memory is short. */
bool
remedy_from_hex(const json_t *from, uint8_t **ret, size_t *ret_len)
{
    const char *hex = json_string_value(from);
    size_t len = hex == NULL ? 0 : strlen(hex) / 2;
    uint8_t *data = hex == NULL ? NULL : malloc(len + 1);

    if (data == NULL || !bytes_from_hex(hex, data, len)) {
        free(data);
        return false;
    }
    *ret = data;
    *ret_len = len;
    return true;
}

/* The keys on the way to ${key}, below its first two parts, that are not there. */
static struct err *
missing_keys(struct target *t, const char *key, json_t *made)
{
    const char *end = strchr(key, '\\');

    end = end == NULL ? NULL : strchr(end + 1, '\\');
    while (end != NULL) {
        end = strchr(end + 1, '\\');
        auto_free char *part = strndup(key, end == NULL ? strlen(key) : (size_t)(end - key));
        bool found;

        if (part == NULL)
            return fail(OutOfMemory);
        TRY(target_reg_key(t, part, &found));
        if (!found && json_array_append_new(made, json_string(part)) != 0)
            return fail(OutOfMemory);
    }
    return NULL;
}

struct err *
remedy_record_value(struct target *t, const char *key, const char *name, json_t **ret)
{
    struct target_value v = { 0 };
    bool found;
    json_t *made, *data;
    struct err *e;

    TRY(target_reg_get(t, key, name, &v, &found));
    data = found ? remedy_to_hex(v.data, v.len) : json_null();
    made = json_array();
    e = missing_keys(t, key, made);
    *ret = json_pack("{s:s, s:s, s:b, s:i, s:o, s:o}", "key", key, "name", name, "found",
        found, "type", (int)v.type, "data", data, "made", made);
    target_value_done(&v);
    if (e == NULL && *ret == NULL)
        e = fail(OutOfMemory);
    if (e != NULL) {
        json_decref(*ret);
        *ret = NULL;
    }
    return e;
}

struct err *
remedy_restore_value(struct target *t, const json_t *record)
{
    const char *key = json_string_value(json_object_get(record, "key"));
    const char *name = json_string_value(json_object_get(record, "name"));
    const json_t *found = json_object_get(record, "found");
    const json_t *type = json_object_get(record, "type");
    const json_t *made = json_object_get(record, "made");

    if (key == NULL || name == NULL || !json_is_boolean(found) || !json_is_integer(type) ||
        !json_is_array(made))
        return fail(InputInvalid, "a registry value's record", "parts of it are missing");
    if (json_is_true(found)) {
        struct target_value v = { .type = (uint32_t)json_integer_value(type) };

        if (!remedy_from_hex(json_object_get(record, "data"), &v.data, &v.len))
            return fail(InputInvalid, "a registry value's record", "its data is not hex");
        struct err *e = target_reg_set(t, key, name, &v);

        target_value_done(&v);
        TRY(e);
        return NULL;
    }
    TRY(target_reg_delete(t, key, name));
    for (size_t i = json_array_size(made); i > 0; i--) {
        const char *one = json_string_value(json_array_get(made, i - 1));

        if (one == NULL || strncasecmp(one, key, strlen(one)) != 0)
            return fail(InputInvalid, "a registry value's record", "it names other keys");
        TRY(target_reg_delete_key(t, one));
    }
    return NULL;
}

struct err *
remedy_record_file(struct target *t, const char *path, json_t **ret)
{
    auto_free void *data = NULL;
    size_t len = 0;
    bool found;

    TRY(target_file_read(t, path, &data, &len, &found));
    if (found && len > REMEDY_RECORD_MAX)
        return fail(InputInvalid, path, "it is too large for its old state to be kept");
    TRY(remedy_json(json_pack("{s:s, s:b, s:o}", "path", path, "found", found, "data",
                        found ? remedy_to_hex(data, len) : json_null()),
        ret));
    return NULL;
}

struct err *
remedy_recorded_file(const json_t *record, uint8_t **ret, size_t *ret_len)
{
    const json_t *found = json_object_get(record, "found");

    if (!json_is_string(json_object_get(record, "path")) || !json_is_boolean(found))
        return fail(InputInvalid, "a file's record", "parts of it are missing");
    if (json_is_true(found) && !remedy_from_hex(json_object_get(record, "data"), ret, ret_len))
        return fail(InputInvalid, "a file's record", "its data is not hex");
    return NULL;
}

struct err *
remedy_restore_file(struct target *t, const json_t *record)
{
    const char *path = json_string_value(json_object_get(record, "path"));
    auto_free uint8_t *data = NULL;
    size_t len = 0;

    TRY(remedy_recorded_file(record, &data, &len));
    if (data == NULL)
        TRY(target_file_delete(t, path));
    else
        TRY(target_file_write(t, path, data, len));
    return NULL;
}

struct err *
remedy_run(struct target *t, struct deadline by, uint32_t *ret_exit, char **ret_output,
    const char *program, ...)
{
    const char *argv[16] = { program };
    size_t n = 1;
    va_list args;

    va_start(args, program);
    while (n < 15 && (argv[n] = va_arg(args, const char *)) != NULL)
        n++;
    va_end(args);
    argv[n] = NULL;
    TRY(target_run(t, argv, deadline_first(by, deadline_in_ms(REMEDY_SHORT_MS)), ret_exit,
        ret_output));
    return NULL;
}

char *
remedy_service_key(const char *service)
{
    char *key;

    return asprintf(&key, REMEDY_SERVICES_KEY "%s", service) < 0 ? NULL : key;
}
