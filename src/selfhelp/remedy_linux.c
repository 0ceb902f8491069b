/* SPDX-License-Identifier: Apache-2.0 */
/* remedy_linux.c -- packages and units of a Debian system. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "codes.h"
#include "remedy_internal.h"

/* ---- packages ---- */

/* Epoch and revision left out: "1:7.2+dfsg-7" is 7.2.  ${to} holds ${room} bytes. */
static void
upstream(const char *version, char *to, size_t room)
{
    const char *colon = strchr(version, ':');
    const char *s = colon == NULL ? version : colon + 1;
    size_t n = strspn(s, "0123456789.");

    while (n > 0 && s[n - 1] == '.')
        n--;
    (void)snprintf(to, room, "%.*s", (int)n, s);
}

static struct err *
look_version(struct target *t, const char *name, const char *least, struct remedy_look *ret)
{
    auto_free char *version = NULL;
    char have[128], want[128];
    bool found;
    int order = 0;

    TRY(target_package_version(t, name, &version, &found));
    if (!found)
        return remedy_saw(ret, REMEDY_NOT, "%s is not installed", name);
    if (least == NULL)
        return remedy_saw(ret, REMEDY_HOLDS, "%s %s is installed", name, version);
    upstream(version, have, sizeof(have));
    upstream(least, want, sizeof(want));
    if (!target_version_compare(have, want, &order))
        return remedy_saw(ret, REMEDY_UNKNOWN, "%s %s is installed; is it at least %s?", name,
            version, least);
    return remedy_saw(ret, order >= 0 ? REMEDY_HOLDS : REMEDY_NOT, "%s %s is installed", name,
        version);
}

static struct err *
look_package(struct target *t, const struct action *a, struct deadline by,
    struct remedy_look *ret)
{
    (void)by;
    TRY(look_version(t, action_get(a, "name"), action_get(a, "version"), ret));
    return NULL;
}

static struct err *
look_component(struct target *t, const struct action *a, struct deadline by,
    struct remedy_look *ret)
{
    (void)by;
    TRY(look_version(t, action_get(a, "component"), action_get(a, "version"), ret));
    return NULL;
}

static char *
wanted_package(const struct action *a)
{
    char *s;

    return asprintf(&s, "%s is installed", action_get(a, "name")) < 0 ? NULL : s;
}

static char *
wanted_file(const struct action *a)
{
    char *s;

    return asprintf(&s, "%s is installed", action_get(a, "path")) < 0 ? NULL : s;
}

/* The package of a file "name_version_arch.deb"; NULL when the name is of another form. */
static char *
package_of_file(const char *path)
{
    const char *name = strrchr(path, '/');

    name = name == NULL ? path : name + 1;
    const char *end = strchr(name, '_');

    return end == NULL || end == name ? NULL : strndup(name, (size_t)(end - name));
}

static struct err *
look_file(struct target *t, const struct action *a, struct deadline by,
    struct remedy_look *ret)
{
    auto_free char *name = package_of_file(action_get(a, "path"));

    (void)by;
    if (name == NULL)
        return remedy_saw(ret, REMEDY_UNKNOWN, "the file's name does not tell its package");
    TRY(look_version(t, name, NULL, ret));
    return NULL;
}

static struct err *
record_one(struct target *t, const char *name, const char *path, json_t **ret)
{
    auto_free char *version = NULL;
    bool found = false;

    if (name != NULL)
        TRY(target_package_version(t, name, &version, &found));
    TRY(remedy_json(json_pack("{s:s?, s:b, s:s?, s:s?}", "name", name, "present", found,
                        "version", version, "path", path),
        ret));
    return NULL;
}

static struct err *
record_package(struct target *t, const struct action *a, json_t **ret)
{
    TRY(record_one(t, action_get(a, "name"), NULL, ret));
    return NULL;
}

static struct err *
record_file(struct target *t, const struct action *a, json_t **ret)
{
    auto_free char *path = NULL;

    TRY(target_latest(t, action_get(a, "path"), &path));
    auto_free char *name = path == NULL ? NULL : package_of_file(path);

    TRY(record_one(t, name, path, ret));
    return NULL;
}

static struct err *
settle(struct err *e, char *output, struct remedy_done *ret)
{
    if (err_code(e) == E_DeadlinePassed) {
        err_free(e);
        free(output);
        ret->class = EXIT_HUNG;
        ret->end = REMEDY_FAILED;
        return NULL;
    }
    ret->has_exit = e == NULL;
    ret->class = e == NULL ? exitcode_class_dpkg(ret->exit, output) : EXIT_UNKNOWN;
    ret->end = ret->class == EXIT_OK ? REMEDY_DONE : REMEDY_FAILED;
    if (output != NULL && *output != '\0' && e == NULL) {
        struct remedy_look said = { 0 };
        size_t len = strlen(output);

        e = remedy_saw(&said, REMEDY_HOLDS, "%s", len > 2000 ? output + len - 2000 : output);
        ret->words = said.observed;
    }
    free(output);
    return e;
}

static struct err *
apply_package(struct target *t, const struct action *a, const json_t *before,
    struct deadline by, struct remedy_done *ret)
{
    char *output = NULL;
    struct err *e = target_package_install(t, action_get(a, "name"), by, &ret->exit, &output);

    (void)before;
    TRY(settle(e, output, ret));
    return NULL;
}

static struct err *
apply_file(struct target *t, const struct action *a, const json_t *before, struct deadline by,
    struct remedy_done *ret)
{
    const char *path = json_string_value(json_object_get(before, "path"));
    char *output = NULL;

    (void)a;
    if (path == NULL) {
        ret->class = EXIT_MISSING;
        ret->end = REMEDY_FAILED;
        return NULL;
    }
    struct err *e = target_package_install(t, path, by, &ret->exit, &output);

    TRY(settle(e, output, ret));
    return NULL;
}

static struct err *
undo_package(struct target *t, const struct action *a, const json_t *before,
    struct deadline by, char **ret_kept)
{
    const char *name = json_string_value(json_object_get(before, "name"));
    auto_free char *version = NULL, *output = NULL;
    uint32_t code = 0;
    bool found;

    if (!json_is_boolean(json_object_get(before, "present")))
        return remedy_bad_record(a);
    if (name == NULL || json_is_true(json_object_get(before, "present"))) {
        *ret_kept = strdup("what was installed before is left as it is");
        return *ret_kept == NULL ? fail(OutOfMemory) : NULL;
    }
    TRY(target_package_version(t, name, &version, &found));
    if (!found)
        return NULL;
    TRY(target_package_remove(t, name, by, &code, &output));
    return exitcode_error(exitcode_class_dpkg(code, output), name, code);
}

static struct err *
apply_remove(struct target *t, const struct action *a, const json_t *before,
    struct deadline by, struct remedy_done *ret)
{
    char *output = NULL;
    struct err *e = target_package_remove(t, action_get(a, "name"), by, &ret->exit, &output);

    (void)before;
    TRY(settle(e, output, ret));
    return NULL;
}

static struct err *
look_removed(struct target *t, const struct action *a, struct deadline by,
    struct remedy_look *ret)
{
    (void)by;
    TRY(look_version(t, action_get(a, "name"), NULL, ret));
    ret->state = ret->state == REMEDY_NOT ? REMEDY_HOLDS : REMEDY_NOT;
    return NULL;
}

static struct err *
look_ready(struct target *t, const struct action *a, struct deadline by,
    struct remedy_look *ret)
{
    bool interrupted;

    (void)a;
    (void)by;
    TRY(target_package_interrupted(t, &interrupted));
    return interrupted ? remedy_saw(ret, REMEDY_NOT, "an installation was interrupted")
                       : remedy_saw(ret, REMEDY_HOLDS, "no installation was interrupted");
}

static char *
wanted_ready(const struct action *a)
{
    (void)a;
    return strdup("no installation is interrupted");
}

static struct err *
apply_configure(struct target *t, const struct action *a, const json_t *before,
    struct deadline by, struct remedy_done *ret)
{
    char *output = NULL;
    struct err *e = target_package_configure(t, by, &ret->exit, &output);

    (void)a;
    (void)before;
    TRY(settle(e, output, ret));
    return NULL;
}

static struct err *
look_idle(struct target *t, const struct action *a, struct deadline by,
    struct remedy_look *ret)
{
    auto_free char *who = NULL;
    bool busy;

    (void)a;
    (void)by;
    TRY(target_installer_busy(t, &busy, &who));
    return busy ? remedy_saw(ret, REMEDY_NOT, "the package manager is locked by %s",
                      who == NULL ? "somebody" : who)
                : remedy_saw(ret, REMEDY_HOLDS, "the package manager is idle");
}

/* ---- units ---- */

static const char *
unit_name(enum target_unit u)
{
    static const char *const names[] = { "missing", "masked", "disabled", "enabled",
        "static" };

    return names[u];
}

static struct err *
look_unit(struct target *t, const struct action *a, struct deadline by,
    struct remedy_look *ret)
{
    const char *want = action_get(a, "state");
    enum target_unit u;
    bool active, so;

    (void)by;
    TRY(target_unit_get(t, action_get(a, "unit"), &u, &active));
    if (u == UNIT_MISSING)
        return remedy_saw(ret, REMEDY_NOT, "the unit is missing");
    so = strcmp(want, "active") == 0 ? active : strcmp(want, "inactive") == 0 ? !active :
        strcmp(want, "unmasked") == 0 ? u != UNIT_MASKED :
        strcmp(want, "enabled") == 0 ? u == UNIT_ENABLED || u == UNIT_STATIC :
        strcmp(want, unit_name(u)) == 0;
    return remedy_saw(ret, so ? REMEDY_HOLDS : REMEDY_NOT, "the unit is %s and %s",
        unit_name(u), active ? "active" : "not active");
}

static struct err *
look_unit_enabled(struct target *t, const struct action *a, struct deadline by,
    struct remedy_look *ret)
{
    const char *want = action_get(a, "want");
    enum target_unit u;
    bool active;

    (void)by;
    TRY(target_unit_get(t, action_get(a, "unit"), &u, &active));
    bool so = strcmp(want, "unmasked") == 0 ? u != UNIT_MASKED && u != UNIT_MISSING :
        strcmp(want, "enabled") == 0 ? u == UNIT_ENABLED || u == UNIT_STATIC :
        u == UNIT_DISABLED;

    return remedy_saw(ret, so ? REMEDY_HOLDS : REMEDY_NOT, "the unit is %s", unit_name(u));
}

static struct err *
look_unit_state(struct target *t, const struct action *a, struct deadline by,
    struct remedy_look *ret)
{
    const char *want = action_get(a, "want");
    enum target_unit u;
    bool active;

    (void)by;
    TRY(target_unit_get(t, action_get(a, "unit"), &u, &active));
    bool so = u != UNIT_MISSING && strcmp(want, "restarted") != 0 &&
        active == (strcmp(want, "running") == 0);

    return remedy_saw(ret, so ? REMEDY_HOLDS : REMEDY_NOT, "the unit is %s",
        u == UNIT_MISSING ? "missing" : active ? "running" : "stopped");
}

static char *
wanted_unit(const struct action *a)
{
    char *s;

    return asprintf(&s, "the unit is %s", action_get(a, "want")) < 0 ? NULL : s;
}

static struct err *
record_unit(struct target *t, const struct action *a, json_t **ret)
{
    enum target_unit u;
    bool active;

    TRY(target_unit_get(t, action_get(a, "unit"), &u, &active));
    TRY(remedy_json(json_pack("{s:i, s:b}", "unit", (int)u, "active", active), ret));
    return NULL;
}

static struct err *
apply_unit_enabled(struct target *t, const struct action *a, const json_t *before,
    struct deadline by, struct remedy_done *ret)
{
    const char *want = action_get(a, "want");

    (void)before;
    (void)by;
    (void)ret;
    TRY(target_unit_set(t, action_get(a, "unit"),
        strcmp(want, "enabled") == 0 ? UNIT_ENABLED : UNIT_DISABLED));
    return NULL;
}

static struct err *
apply_unit_state(struct target *t, const struct action *a, const json_t *before,
    struct deadline by, struct remedy_done *ret)
{
    const char *unit = action_get(a, "unit"), *want = action_get(a, "want");

    (void)ret;
    if (strcmp(want, "restarted") == 0 && json_is_true(json_object_get(before, "active")))
        TRY(target_unit_control(t, unit, false, by));
    TRY(target_unit_control(t, unit, strcmp(want, "stopped") != 0, by));
    return NULL;
}

static struct err *
undo_unit(struct target *t, const struct action *a, const json_t *before, struct deadline by,
    char **ret_kept)
{
    const json_t *unit = json_object_get(before, "unit");
    const json_t *active = json_object_get(before, "active");
    json_int_t old = json_integer_value(unit);
    enum target_unit now;
    bool running;

    (void)ret_kept;
    if (!json_is_integer(unit) || !json_is_boolean(active) || old < UNIT_MISSING ||
        old > UNIT_STATIC)
        return remedy_bad_record(a);
    TRY(target_unit_get(t, action_get(a, "unit"), &now, &running));
    if (now == UNIT_MISSING)
        return NULL;
    if (running != json_is_true(active))
        TRY(target_unit_control(t, action_get(a, "unit"), json_is_true(active), by));
    if (now != (enum target_unit)old && old != UNIT_MISSING && old != UNIT_STATIC)
        TRY(target_unit_set(t, action_get(a, "unit"), (enum target_unit)old));
    return NULL;
}

#define PKG TARGET_PACKAGES
#define UNITS TARGET_UNITS

const struct remedy_body remedy_linux[] = {
    { "linux.package.installed", PKG, 0, look_package, NULL, NULL, NULL, NULL },
    { "version.at_least", PKG, 0, look_component, NULL, NULL, NULL, NULL },
    { "linux.package.install", PKG, PKG, look_package, wanted_package, record_package,
        apply_package, undo_package },
    { "linux.package.install_file", PKG, PKG | TARGET_FILES, look_file, wanted_file,
        record_file, apply_file, undo_package },
    { "linux.package.upgrade", PKG, PKG, look_package, wanted_package, record_package,
        apply_package, NULL },
    { "linux.package.remove", PKG, PKG, look_removed, NULL, record_package, apply_remove,
        NULL },
    { "linux.package.ready", PKG, 0, look_ready, NULL, NULL, NULL, NULL },
    { "linux.package.configure", PKG, PKG, look_ready, wanted_ready, NULL, apply_configure,
        NULL },
    { "linux.package.fix", PKG, PKG, look_ready, wanted_ready, NULL, apply_configure, NULL },
    { "linux.package.idle", 0, 0, look_idle, NULL, NULL, NULL, NULL },
    { "linux.unit.is", UNITS, 0, look_unit, NULL, NULL, NULL, NULL },
    { "linux.unit.enabled", UNITS, UNITS, look_unit_enabled, wanted_unit, record_unit,
        apply_unit_enabled, undo_unit },
    { "linux.unit.state", UNITS, UNITS, look_unit_state, wanted_unit, record_unit,
        apply_unit_state, undo_unit },
    { 0 },
};
