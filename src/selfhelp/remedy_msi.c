/* SPDX-License-Identifier: Apache-2.0 */
/* remedy_msi.c -- the registration of the Windows Installer.
 *
 * msiexec /unregister deletes the installer service.  So it is recorded first, and whatever
 * happens after the deletion, it is made again: by /regserver, else from the record, else
 * from the values that Windows ships with.  This is tried before any failure is handed up;
 * should the machine be out of reach by then, the journal has the record. */
#include <stdio.h>
#include <string.h>

#include "codes.h"
#include "remedy_internal.h"
#include "remedy_service.h"

#define MSI_IMAGE "%systemroot%\\system32\\msiexec.exe /V"

enum { TYPE_OWN = 0x10, TYPE_SHARE = 0x20, ERROR_NO_SERVICE = 1060, ERROR_INVALID = 13,
    GOING_MS = 3000, GOING_STEP_MS = 250 };

static bool
image_is_good(const char *image)
{
    const char *name = image == NULL ? NULL : strstr(image, "msiexec");

    for (const char *s = image; name == NULL && s != NULL && *s != '\0'; s++)
        if (strncasecmp(s, "msiexec", 7) == 0)
            name = s;
    return name != NULL && strncasecmp(name, "msiexec.exe", 11) == 0;
}

static struct err *
look_registered(struct target *t, const struct action *a, struct deadline by,
    struct remedy_look *ret)
{
    struct remedy_views v;
    struct target_service s = { 0 };
    bool found = false;

    (void)a;
    (void)by;
    TRY(remedy_see(t, REMEDY_MSISERVER, &v));
    if (!remedy_start_is(&v, START_DEMAND) && !remedy_start_is(&v, START_AUTO))
        return remedy_tell_start(&v, REMEDY_NOT, ret);
    if (v.live)
        TRY(target_service_get(t, REMEDY_MSISERVER, &s, &found));
    bool good = !v.live || (found && image_is_good(s.image));

    target_service_done(&s);
    if (!good)
        return remedy_saw(ret, REMEDY_NOT, "the service starts another program");
    return remedy_tell_start(&v, REMEDY_HOLDS, ret);
}

static char *
wanted_registered(const struct action *a)
{
    (void)a;
    return strdup("registered anew, start type 3 (on demand)");
}

static json_t *
depends_json(char *const *depends)
{
    json_t *all = json_array();

    for (size_t i = 0; depends != NULL && depends[i] != NULL; i++)
        (void)json_array_append_new(all, json_string(depends[i]));
    return all;
}

static struct err *
record_registered(struct target *t, const struct action *a, json_t **ret)
{
    static const char *const names[] = { "Start", "Type", "ErrorControl", "ImagePath",
        "ObjectName", "DependOnService" };
    struct target_service s = { 0 };
    auto_free char *key = remedy_service_key(REMEDY_MSISERVER);
    bool found = false;
    json_t *values = json_array(), *one;
    struct err *e = NULL;

    (void)a;
    if (key == NULL || values == NULL)
        return fail(OutOfMemory);
    for (size_t i = 0; e == NULL && i < sizeof(names) / sizeof(names[0]) &&
         (t->can & TARGET_REGISTRY) != 0; i++) {
        e = remedy_record_value(t, key, names[i], &one);
        if (e == NULL)
            (void)json_array_append_new(values, one);
    }
    if (e == NULL && (t->can & TARGET_SERVICES) != 0)
        e = target_service_get(t, REMEDY_MSISERVER, &s, &found);
    if (e != NULL) {
        json_decref(values);
        return e;
    }
    json_t *o = json_pack("{s:b, s:o}", "there", found && !s.marked, "values", values);

    if (o != NULL && found)
        (void)json_object_update_new(o,
            json_pack("{s:i, s:i, s:i, s:s?, s:s?, s:s?, s:o}", "type", (int)s.type, "start",
                (int)s.start, "errors", (int)s.error_control, "image", s.image, "account",
                s.account, "display", s.display, "depends", depends_json(s.depends)));
    target_service_done(&s);
    TRY(remedy_json(o, ret));
    return NULL;
}

/* From the record where it says something sensible, else as Windows ships it. */
static struct err *
create_installer_service(struct target *t, const json_t *before, uint32_t start)
{
    const char *image = json_string_value(json_object_get(before, "image"));
    const json_t *depends = json_object_get(before, "depends");
    json_int_t type = json_integer_value(json_object_get(before, "type"));
    char *deps[9] = { NULL };
    char usual_image[] = MSI_IMAGE, usual_account[] = "LocalSystem",
        usual_display[] = "Windows Installer", usual_depends[] = "rpcss";
    struct target_service s = { .type = type == TYPE_SHARE ? TYPE_SHARE : TYPE_OWN,
        .start = start, .error_control = 1, .account = usual_account,
        .display = usual_display, .depends = deps };

    s.image = image_is_good(image) ? (char *)image : usual_image;
    for (size_t i = 0; i < json_array_size(depends) && i < 8; i++)
        deps[i] = (char *)json_string_value(json_array_get(depends, i));
    if (deps[0] == NULL)
        deps[0] = usual_depends;
    TRY(target_service_create(t, REMEDY_MSISERVER, &s));
    return NULL;
}

/* A service that was deleted is there until the last handle to it is closed.  Not every manager
 * notes that where it can be read; but none changes such a service, so it is told what it has
 * already. */
static struct err *
is_going(struct target *t, bool *ret_there, bool *ret_going)
{
    struct target_service s = { 0 };
    uint32_t start;

    TRY(target_service_get(t, REMEDY_MSISERVER, &s, ret_there));
    *ret_going = *ret_there && s.marked;
    start = s.start;
    target_service_done(&s);
    if (!*ret_there || *ret_going)
        return NULL;
    struct err *e = target_service_set_start(t, REMEDY_MSISERVER, start);

    *ret_going = remedy_service_goes(e);
    if (e != NULL && err_code(e) != E_TargetRefused)
        return e;
    err_free(e); /* refused, but not for that: it is not going */
    return NULL;
}

/* Most handles are closed soon, when a program has ended. */
static struct err *
await_gone(struct target *t, bool *ret_there, bool *ret_going)
{
    int64_t until = target_now_ns(t) + GOING_MS * CLOCK_MS;

    for (;;) {
        TRY(is_going(t, ret_there, ret_going));
        if (!*ret_going || target_now_ns(t) >= until)
            return NULL;
        TRY(target_wait(t, GOING_STEP_MS));
    }
}

/* It must exist when this returns; a failure says that it may not. */
static struct err *
ensure_installer_service(struct target *t, const json_t *before, uint32_t start)
{
    bool there, going;

    TRY(await_gone(t, &there, &going));
    if (going)
        return fail(TargetRefused, t->name,
            "make the installer service again before a restart", REMEDY_MARKED);
    if (!there)
        TRY(create_installer_service(t, before, start));
    return NULL;
}

struct err *
remedy_keep_installer(struct target *t, const json_t *before)
{
    struct target_service s = { 0 };
    bool found;

    if ((t->can & TARGET_SERVICES) == 0)
        return NULL;
    TRY(target_service_get(t, REMEDY_MSISERVER, &s, &found));
    target_service_done(&s);
    if (!found) /* one that is marked goes with the next restart, and is made again then */
        TRY(create_installer_service(t, before, START_DEMAND));
    return NULL;
}

static struct err *
unregister_and_register(struct target *t, struct deadline by)
{
    uint32_t code;

    TRY(remedy_run(t, by, &code, NULL, REMEDY_SYSTEM32 "msiexec.exe", "/unregister", NULL));
    TRY(remedy_run(t, by, &code, NULL, REMEDY_SYSTEM32 "msiexec.exe", "/regserver", NULL));
    return NULL; /* exit codes prove nothing here: the service is looked at */
}

/* On a disk that is off there is only the key: give it the values that Windows ships. */
static struct err *
write_installer_key(struct target *t)
{
    auto_free char *key = remedy_service_key(REMEDY_MSISERVER);
    static const struct {
        const char *name;
        uint32_t number;
    } numbers[] = { { "Type", TYPE_OWN }, { "ErrorControl", 1 }, { "Start", START_DEMAND } };
    struct target_value v = { 0 };
    struct err *e = NULL;

    if (key == NULL)
        return fail(OutOfMemory);
    TRY(target_value_of_text(TARGET_REG_EXPAND_SZ, MSI_IMAGE, &v));
    e = target_reg_set(t, key, "ImagePath", &v);
    target_value_done(&v);
    TRY(e);
    TRY(target_value_of_text(TARGET_REG_SZ, "LocalSystem", &v));
    e = target_reg_set(t, key, "ObjectName", &v);
    target_value_done(&v);
    TRY(e);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        TRY(target_value_of_number(TARGET_REG_DWORD, numbers[i].number, &v));
        e = target_reg_set(t, key, numbers[i].name, &v);
        target_value_done(&v);
        TRY(e);
    }
    return NULL;
}

static struct err *
apply_registered(struct target *t, const struct action *a, const json_t *before,
    struct deadline by, struct remedy_done *ret)
{
    struct err *e, *second;
    struct remedy_views v;
    bool later;

    (void)a;
    if ((t->can & TARGET_SERVICES) == 0) {
        TRY(write_installer_key(t));
        return NULL;
    }
    e = unregister_and_register(t, by);
    second = ensure_installer_service(t, before, START_DEMAND);
    if (remedy_service_goes(second) && e == NULL) {
        err_free(second); /* the end says it */
        ret->end = REMEDY_AFTER_RESTART;
        ret->words = strdup("the old service is marked for deletion: it is made again after a "
                            "restart");
        return NULL;
    }
    if (e != NULL || second != NULL)
        return e == NULL ? second : err_also(e, second);
    TRY(remedy_see(t, REMEDY_MSISERVER, &v));
    if (v.manager != START_DEMAND && v.manager != START_AUTO) {
        TRY(remedy_set_start(t, REMEDY_MSISERVER, START_DEMAND, &later));
        if (later)
            ret->end = REMEDY_AFTER_RESTART;
    }
    return NULL;
}

static bool
same_text(const char *is, const json_t *before, const char *name)
{
    const char *was = json_string_value(json_object_get(before, name));

    return was == NULL || (is != NULL && strcmp(is, was) == 0);
}

/* Registering makes a service of another name and program.  The service manager writes its own
 * copy over the registry when anything of a service is changed, so it must be told, too. */
static struct err *
configure_as_before(struct target *t, const json_t *before, uint32_t start)
{
    struct target_service is = { 0 }, was = { .start = start,
        .type = (uint32_t)json_integer_value(json_object_get(before, "type")),
        .error_control = (uint32_t)json_integer_value(json_object_get(before, "errors")),
        .image = (char *)json_string_value(json_object_get(before, "image")),
        .account = (char *)json_string_value(json_object_get(before, "account")),
        .display = (char *)json_string_value(json_object_get(before, "display")) };
    const json_t *depends = json_object_get(before, "depends");
    char *deps[9] = { NULL };
    bool found;

    TRY(target_service_get(t, REMEDY_MSISERVER, &is, &found));
    bool same = !found || was.image == NULL ||
        (is.type == was.type && is.error_control == was.error_control &&
            same_text(is.image, before, "image") && same_text(is.account, before, "account") &&
            same_text(is.display, before, "display"));
    target_service_done(&is);
    if (same || (was.type != TYPE_OWN && was.type != TYPE_SHARE))
        return NULL;
    for (size_t i = 0; i < json_array_size(depends) && i < 8; i++)
        deps[i] = (char *)json_string_value(json_array_get(depends, i));
    was.depends = deps;
    TRY(target_service_configure(t, REMEDY_MSISERVER, &was));
    return NULL;
}

/* A service that was missing before stays: nobody wants that state back.  Where the manager
 * makes none, it is missing as it was. */
static struct err *
leave_service(struct target *t, const json_t *before, char **ret_kept)
{
    struct remedy_views v = { .there = true };

    if ((t->can & TARGET_SERVICES) != 0) {
        struct err *e = ensure_installer_service(t, before, START_DEMAND);

        if (e != NULL && !err_has(e, E_TargetRefused))
            return e;
        struct err *second = remedy_see(t, REMEDY_MSISERVER, &v);

        if (second != NULL || (e != NULL && v.there))
            return err_also(e, second);
        err_free(e); /* it is missing, as it was */
    }
    *ret_kept = strdup(v.there ? "the installer service stays: it was missing before"
                               : "the installer service is missing, as it was before");
    return *ret_kept == NULL ? fail(OutOfMemory) : NULL;
}

/* What undo calls undone is looked at: a service that goes with its last handle takes what was
 * written to its key along. */
static struct err *
check_as_before(struct target *t, const json_t *values)
{
    static const char what[] = "make the installer service again as it was";
    bool there = true;

    for (size_t i = 0; i < json_array_size(values); i++) {
        const json_t *was = json_array_get(values, i);
        json_t *is = NULL;

        TRY(remedy_record_value(t, json_string_value(json_object_get(was, "key")),
            json_string_value(json_object_get(was, "name")), &is));
        bool same = json_equal(json_object_get(is, "found"), json_object_get(was, "found")) &&
            json_equal(json_object_get(is, "data"), json_object_get(was, "data"));

        json_decref(is);
        if (!same)
            return fail(TargetRefused, t->name, what, ERROR_INVALID);
    }
    if ((t->can & TARGET_SERVICES) != 0) {
        struct target_service s = { 0 };

        TRY(target_service_get(t, REMEDY_MSISERVER, &s, &there));
        target_service_done(&s);
    }
    return there ? NULL : fail(TargetRefused, t->name, what, ERROR_NO_SERVICE);
}

static struct err *
undo_registered(struct target *t, const struct action *a, const json_t *before,
    struct deadline by, char **ret_kept)
{
    const json_t *there = json_object_get(before, "there");
    const json_t *values = json_object_get(before, "values");
    json_int_t start = json_integer_value(json_object_get(before, "start"));
    bool live = (t->can & TARGET_SERVICES) != 0, later;
    struct remedy_views v;

    (void)by;
    if (!json_is_boolean(there) || !json_is_array(values))
        return remedy_bad_record(a);
    if (live ? json_is_false(there) : !json_is_true(json_object_get(json_array_get(values, 0),
            "found")))
        return leave_service(t, before, ret_kept);
    if (live) {
        if (start < 0 || start > START_DISABLED)
            return remedy_bad_record(a);
        TRY(ensure_installer_service(t, before, (uint32_t)start));
        TRY(configure_as_before(t, before, (uint32_t)start));
        TRY(remedy_see(t, REMEDY_MSISERVER, &v));
        if (v.manager != (uint32_t)start)
            TRY(remedy_set_start(t, REMEDY_MSISERVER, (uint32_t)start, &later));
    }
    for (size_t i = 0; i < json_array_size(values); i++)
        TRY(remedy_restore_value(t, json_array_get(values, i)));
    TRY(check_as_before(t, values));
    return NULL;
}

const struct remedy_body remedy_msi[] = {
    { "windows.installer.register", TARGET_REGISTRY, TARGET_REGISTRY, look_registered,
        wanted_registered, record_registered, apply_registered, undo_registered },
    { 0 },
};
