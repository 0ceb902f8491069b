/* SPDX-License-Identifier: Apache-2.0 */
/* remedy_service.c -- Windows services: start type, state, account.
 *
 * A service has two places: its key in the registry and the service manager's own copy,
 * which is read when the machine starts.  Looking compares both where both can be seen; an
 * offline disk has the key alone.  A change goes through the manager, which writes both;
 * where the manager refuses, through the key, and then counts after a restart. */
#include <stdio.h>
#include <string.h>

#include "codes.h"
#include "remedy_internal.h"
#include "remedy_service.h"

static const char *
start_name(uint32_t start)
{
    return start == START_AUTO ? " (automatic)" : start == START_DEMAND ? " (on demand)" :
        start == START_DISABLED ? " (disabled)" : "";
}

static uint32_t
start_wanted(const char *word)
{
    return word == NULL ? START_NONE : strcmp(word, "2") == 0 || strcmp(word, "auto") == 0
        ? START_AUTO : strcmp(word, "4") == 0 || strcmp(word, "disabled") == 0
        ? START_DISABLED : START_DEMAND;
}

/* START_NONE when the key or the value is not there, or is no number. */
static struct err *
start_in_registry(struct target *t, const char *service, uint32_t *ret)
{
    auto_free char *key = remedy_service_key(service);
    struct target_value v = { 0 };
    uint64_t n;
    bool found;

    *ret = START_NONE;
    if (key == NULL)
        return fail(OutOfMemory);
    if ((t->can & TARGET_REGISTRY) == 0)
        return NULL;
    TRY(target_reg_get(t, key, "Start", &v, &found));
    if (found && target_value_number(&v, &n) && n < START_NONE)
        *ret = (uint32_t)n;
    target_value_done(&v);
    return NULL;
}

struct err *
remedy_see(struct target *t, const char *service, struct remedy_views *ret)
{
    struct target_service s = { 0 };
    bool found;

    *ret = (struct remedy_views){
        .manager = START_NONE, .live = (t->can & TARGET_SERVICES) != 0 };
    TRY(start_in_registry(t, service, &ret->registry));
    if (!ret->live) {
        auto_free char *key = remedy_service_key(service);

        if (key == NULL)
            return fail(OutOfMemory);
        TRY(target_reg_key(t, key, &ret->there));
        return NULL;
    }
    TRY(target_service_get(t, service, &s, &found));
    ret->there = found;
    if (found) {
        ret->manager = s.start;
        ret->state = s.state;
        ret->marked = s.marked;
    }
    target_service_done(&s);
    return NULL;
}

bool
remedy_start_is(const struct remedy_views *v, uint32_t want)
{
    return v->there && !v->marked && (!v->live || v->manager == want) &&
        (v->registry == want || (v->live && v->registry == START_NONE));
}

struct err *
remedy_tell_start(const struct remedy_views *v, enum remedy_state state,
    struct remedy_look *ret)
{
    uint32_t one = v->live ? v->manager : v->registry;

    if (!v->there)
        return remedy_saw(ret, state, "the service is missing");
    if (v->marked)
        return remedy_saw(ret, state, "the service is marked for deletion until a restart");
    if (one == START_NONE)
        return remedy_saw(ret, state, "the service has no start type");
    if (v->live && v->registry != START_NONE && v->registry != v->manager)
        return remedy_saw(ret, state,
            "start type %u in the registry, %u in the service manager until a restart",
            v->registry, v->manager);
    return remedy_saw(ret, state, "start type %u%s", one, start_name(one));
}

static struct err *
account_is(struct target *t, const char *service, const char *account, bool *ret,
    char **ret_now)
{
    struct target_service s = { 0 };
    bool found;

    TRY(target_service_get(t, service, &s, &found));
    const char *now = !found ? NULL : s.account != NULL ? s.account : "LocalSystem";
    const char *last = now == NULL ? "" : strrchr(now, '\\') != NULL ? strrchr(now, '\\') + 1
                                                                     : now;

    *ret = found && strcasecmp(last, account) == 0;
    *ret_now = strdup(now == NULL ? "nobody: the service is missing" : now);
    target_service_done(&s);
    return *ret_now == NULL ? fail(OutOfMemory) : NULL;
}

static struct err *
look_is(struct target *t, const struct action *a, struct deadline by, struct remedy_look *ret)
{
    const char *service = action_get(a, "service"), *state = action_get(a, "state");
    const char *account = action_get(a, "account");
    uint32_t start = start_wanted(action_get(a, "start"));
    struct remedy_views v;
    bool same = true;

    (void)by;
    TRY(remedy_see(t, service, &v));
    if (start != START_NONE && !remedy_start_is(&v, start))
        return remedy_tell_start(&v, REMEDY_NOT, ret);
    if (!v.there || v.marked)
        return remedy_tell_start(&v, REMEDY_NOT, ret);
    if (state != NULL && !v.live)
        return remedy_saw(ret, REMEDY_UNKNOWN, "the machine is off");
    bool running = v.state == SERVICE_IS_RUNNING;

    if (state != NULL && running != (strcmp(state, "running") == 0))
        return remedy_saw(ret, REMEDY_NOT, "the service is %s",
            running ? "running" : v.state == SERVICE_IS_BETWEEN ? "changing" : "stopped");
    if (account != NULL) {
        auto_free char *now = NULL;

        TRY(account_is(t, service, account, &same, &now));
        if (!same)
            return remedy_saw(ret, REMEDY_NOT, "it logs on as %s", now);
    }
    if (state != NULL)
        return remedy_saw(ret, REMEDY_HOLDS, "the service is %s", state);
    return remedy_tell_start(&v, REMEDY_HOLDS, ret);
}

/* ---- start type ---- */

static struct err *
look_start(struct target *t, const struct action *a, struct deadline by,
    struct remedy_look *ret)
{
    struct remedy_views v;

    (void)by;
    TRY(remedy_see(t, action_get(a, "service"), &v));
    return remedy_tell_start(&v,
        remedy_start_is(&v, start_wanted(action_get(a, "want"))) ? REMEDY_HOLDS : REMEDY_NOT,
        ret);
}

static char *
wanted_start(const struct action *a)
{
    uint32_t want = start_wanted(action_get(a, "want"));
    char *s;

    return asprintf(&s, "start type %u%s", want, start_name(want)) < 0 ? NULL : s;
}

static struct err *
record_start(struct target *t, const struct action *a, json_t **ret)
{
    const char *service = action_get(a, "service");
    auto_free char *key = remedy_service_key(service);
    json_t *value = NULL;
    struct remedy_views v;

    if (key == NULL)
        return fail(OutOfMemory);
    TRY(remedy_see(t, service, &v));
    if ((t->can & TARGET_REGISTRY) != 0)
        TRY(remedy_record_value(t, key, "Start", &value));
    TRY(remedy_json(json_pack("{s:s, s:b, s:i, s:o}", "service", service, "there", v.there,
                        "manager", (int)v.manager, "value",
                        value != NULL ? value : json_null()),
        ret));
    return NULL;
}

static struct err *
write_start(struct target *t, const char *service, uint32_t start)
{
    auto_free char *key = remedy_service_key(service);
    struct target_value v = { 0 };

    if (key == NULL)
        return fail(OutOfMemory);
    TRY(target_value_of_number(TARGET_REG_DWORD, start, &v));
    struct err *e = target_reg_set(t, key, "Start", &v);

    target_value_done(&v);
    TRY(e);
    return NULL;
}

static bool
refused_with(const struct err *e, int64_t number)
{
    for (; e != NULL; e = err_cause(e))
        for (size_t i = 0; err_code(e) == E_TargetRefused && i < err_nargs(e); i++)
            if (strcmp(err_arg(e, i)->name, "error") == 0 && err_arg(e, i)->num == number)
                return true;
    return false;
}

bool
remedy_service_goes(const struct err *e)
{
    return refused_with(e, REMEDY_MARKED);
}

struct err *
remedy_set_start(struct target *t, const char *service, uint32_t start, bool *ret_later)
{
    struct err *e;

    *ret_later = false;
    if ((t->can & TARGET_SERVICES) == 0) {
        TRY(write_start(t, service, start));
        return NULL;
    }
    e = target_service_set_start(t, service, start);
    if (!err_has(e, E_TargetRefused) || remedy_service_goes(e) ||
        (t->can & TARGET_REGISTRY) == 0)
        return e;
    struct err *second = write_start(t, service, start);

    if (second != NULL)
        return err_also(e, second);
    err_free(e);
    *ret_later = true;
    return NULL;
}

static struct err *
apply_start(struct target *t, const struct action *a, const json_t *before, struct deadline by,
    struct remedy_done *ret)
{
    const char *service = action_get(a, "service");
    struct remedy_views v;
    bool later;

    (void)before;
    (void)by;
    TRY(remedy_see(t, service, &v));
    if (!v.there)
        return fail(TargetRefused, t->name, "change a service that is missing", 1060);
    TRY(remedy_set_start(t, service, start_wanted(action_get(a, "want")), &later));
    if (later)
        ret->end = REMEDY_AFTER_RESTART;
    return NULL;
}

/* The manager first, since it writes the key too; then the key as it was. */
static struct err *
undo_start(struct target *t, const struct action *a, const json_t *before, struct deadline by,
    char **ret_kept)
{
    const char *service = json_string_value(json_object_get(before, "service"));
    const json_t *value = json_object_get(before, "value");
    json_int_t manager = json_integer_value(json_object_get(before, "manager"));
    struct remedy_views now;

    (void)by;
    (void)ret_kept;
    if (service == NULL || strcmp(service, action_get(a, "service")) != 0 ||
        !json_is_integer(json_object_get(before, "manager")))
        return remedy_bad_record(a);
    /* a service that is missing was refused, so nothing was set; one that is there now was made
     * by a later step, whose start type is its own */
    if (json_is_false(json_object_get(before, "there")))
        return NULL;
    TRY(remedy_see(t, service, &now));
    if (now.marked) /* it goes with the next restart; what is set now would go with it */
        return fail(TargetRefused, t->name, "change a service before a restart", REMEDY_MARKED);
    if (now.live && now.there && manager >= 0 && manager <= START_DISABLED &&
        now.manager != (uint32_t)manager) {
        bool later;

        TRY(remedy_set_start(t, service, (uint32_t)manager, &later));
    }
    if (json_is_object(value) && now.there)
        TRY(remedy_restore_value(t, value));
    return NULL;
}

/* ---- running or not ---- */

static struct err *
look_state(struct target *t, const struct action *a, struct deadline by,
    struct remedy_look *ret)
{
    const char *want = action_get(a, "want");
    struct remedy_views v;

    (void)by;
    TRY(remedy_see(t, action_get(a, "service"), &v));
    if (!v.there || v.marked)
        return remedy_tell_start(&v, REMEDY_NOT, ret);
    bool running = v.state == SERVICE_IS_RUNNING;
    /* a restart is never done already */
    bool so = strcmp(want, "restarted") != 0 && running == (strcmp(want, "running") == 0);

    return remedy_saw(ret, so ? REMEDY_HOLDS : REMEDY_NOT, "the service is %s",
        running ? "running" : v.state == SERVICE_IS_BETWEEN ? "changing" : "stopped");
}

static char *
wanted_state(const struct action *a)
{
    char *s;

    return asprintf(&s, "the service is %s", action_get(a, "want")) < 0 ? NULL : s;
}

static struct err *
record_state(struct target *t, const struct action *a, json_t **ret)
{
    bool starts = strcmp(action_get(a, "want"), "stopped") != 0;
    const char *service = action_get(a, "service");
    json_t *needs = json_array();
    struct remedy_views v;
    struct err *e = remedy_see(t, service, &v);
    bool running = e == NULL && v.there && v.state == SERVICE_IS_RUNNING;

    if (e == NULL && starts && v.there && !running)
        e = remedy_record_needs(t, service, needs);
    if (e != NULL) {
        json_decref(needs);
        return e;
    }
    TRY(remedy_json(json_pack("{s:b, s:b, s:o}", "there", v.there, "running", running, "needs",
                        needs),
        ret));
    return NULL;
}

static struct err *
apply_state(struct target *t, const struct action *a, const json_t *before, struct deadline by,
    struct remedy_done *ret)
{
    const char *service = action_get(a, "service"), *want = action_get(a, "want");
    bool again = strcmp(want, "restarted") == 0;

    (void)ret;
    if (again && json_is_true(json_object_get(before, "running")))
        TRY(target_service_control(t, service, false, by));
    TRY(target_service_control(t, service, strcmp(want, "stopped") != 0, by));
    return NULL;
}

/* Whoever started what needs it since then did not ask for a stop. */
static struct err *
stop_or_start(struct target *t, const char *service, bool run, struct deadline by,
    char **ret_kept)
{
    struct err *e = target_service_control(t, service, run, by);

    if (!refused_with(e, TARGET_DEPENDENTS_RUN))
        return e;
    err_free(e);
    *ret_kept = strdup("it runs on, since other services that run need it");
    return *ret_kept == NULL ? fail(OutOfMemory) : NULL;
}

/* What was started with a service, since it needs it: the last one first. */
static struct err *
stop_needs(struct target *t, const json_t *needs, struct deadline by)
{
    for (size_t i = json_array_size(needs); i > 0; i--) {
        const char *name = json_string_value(json_array_get(needs, i - 1));
        auto_free char *kept = NULL;
        struct remedy_views v;

        if (name == NULL)
            return fail(InputInvalid, "a service's record", "what it needs has no name");
        TRY(remedy_see(t, name, &v));
        if (v.there && v.state == SERVICE_IS_RUNNING)
            TRY(stop_or_start(t, name, false, by, &kept));
    }
    return NULL;
}

static struct err *
undo_state(struct target *t, const struct action *a, const json_t *before, struct deadline by,
    char **ret_kept)
{
    const json_t *running = json_object_get(before, "running");
    struct remedy_views v;

    if (!json_is_boolean(running))
        return remedy_bad_record(a);
    TRY(remedy_see(t, action_get(a, "service"), &v));
    if (v.there && json_is_true(running) != (v.state == SERVICE_IS_RUNNING))
        TRY(stop_or_start(t, action_get(a, "service"), json_is_true(running), by, ret_kept));
    if (json_is_false(running) && *ret_kept == NULL)
        TRY(stop_needs(t, json_object_get(before, "needs"), by));
    return NULL;
}

/* ---- account ---- */

static struct err *
look_account(struct target *t, const struct action *a, struct deadline by,
    struct remedy_look *ret)
{
    auto_free char *now = NULL;
    bool same;

    (void)by;
    TRY(account_is(t, action_get(a, "service"), action_get(a, "account"), &same, &now));
    return remedy_saw(ret, same ? REMEDY_HOLDS : REMEDY_NOT, "it logs on as %s", now);
}

static char *
wanted_account(const struct action *a)
{
    char *s;

    return asprintf(&s, "it logs on as %s", action_get(a, "account")) < 0 ? NULL : s;
}

static struct err *
record_account(struct target *t, const struct action *a, json_t **ret)
{
    auto_free char *now = NULL;
    bool same;

    TRY(account_is(t, action_get(a, "service"), "", &same, &now));
    TRY(remedy_json(json_pack("{s:s}", "account", now), ret));
    return NULL;
}

static struct err *
set_account(struct target *t, const char *service, const char *account, struct deadline by)
{
    auto_free char *full = NULL;
    uint32_t code;
    bool bare = strcasecmp(account, "LocalSystem") == 0 || strchr(account, '\\') != NULL;

    if (asprintf(&full, "%s%s", bare ? "" : "NT AUTHORITY\\", account) < 0)
        return fail(OutOfMemory);
    TRY(remedy_run(t, by, &code, NULL, REMEDY_SYSTEM32 "sc.exe", "config", service, "obj=",
        full, NULL));
    return code == 0 ? NULL : fail(TargetRefused, t->name, "change a service's account", code);
}

static struct err *
apply_account(struct target *t, const struct action *a, const json_t *before,
    struct deadline by, struct remedy_done *ret)
{
    (void)before;
    (void)ret;
    TRY(set_account(t, action_get(a, "service"), action_get(a, "account"), by));
    return NULL;
}

static struct err *
undo_account(struct target *t, const struct action *a, const json_t *before,
    struct deadline by, char **ret_kept)
{
    static const char *const free_of_password[] = { "LocalSystem",
        "NT AUTHORITY\\LocalService", "NT AUTHORITY\\NetworkService" };
    const char *old = json_string_value(json_object_get(before, "account"));

    if (old == NULL)
        return remedy_bad_record(a);
    for (size_t i = 0; i < sizeof(free_of_password) / sizeof(free_of_password[0]); i++)
        if (strcasecmp(old, free_of_password[i]) == 0) {
            TRY(set_account(t, action_get(a, "service"), free_of_password[i], by));
            return NULL;
        }
    if (asprintf(ret_kept, "the old account %s needs its password: set it by hand", old) < 0)
        return fail(OutOfMemory);
    return NULL;
}

#define REG TARGET_REGISTRY
#define LIVE TARGET_SERVICES

const struct remedy_body remedy_services[] = {
    { "windows.service.is", REG, 0, look_is, NULL, NULL, NULL, NULL },
    { "windows.service.start_type", REG, REG, look_start, wanted_start, record_start,
        apply_start, undo_start },
    { "windows.service.state", LIVE, LIVE, look_state, wanted_state, record_state, apply_state,
        undo_state },
    { "windows.service.account", LIVE, LIVE | TARGET_PROGRAMS, look_account, wanted_account,
        record_account, apply_account, undo_account },
    { 0 },
};
