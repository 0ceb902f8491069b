/* SPDX-License-Identifier: Apache-2.0 */
/* remedy_dependents.c -- the services that run and need one that is to be stopped, in the order
 * in which they can be stopped themselves; and those that start with one, as it needs them.
 *
 * Which they are is known to the service manager.  Its order is not relied on: each service
 * says what it needs, and one goes when no other that is left needs it.  What needs a service
 * by a group that it is in is said by no name, and keeps the manager's order. */
#include <stdio.h>
#include <string.h>

#include "codes.h"
#include "remedy_internal.h"
#include "remedy_service.h"

enum { SETTLE_MS = 30 * 1000, SETTLE_STEP_MS = 500 };

struct dependent {
    char *name, **needs; /* owned */
};

struct dependents {
    struct dependent all[TARGET_DEPENDENTS_MAX];
    size_t n;
};

static void
dependents_free(struct dependents *d)
{
    for (size_t i = 0; d != NULL && i < d->n; i++) {
        free(d->all[i].name);
        target_names_free(d->all[i].needs);
    }
    free(d);
}
DEFINE_AUTO(dependents);

static struct err *
unsettled(struct target *t, const char *name)
{
    auto_free char *what = NULL;

    if (asprintf(&what, "stop %s, which is neither running nor stopped", name) < 0)
        return fail(OutOfMemory);
    return fail(TargetCannot, t->name, what);
}

/* One that starts or stops right now is waited for, if ${settle}. */
static struct err *
state_of(struct target *t, const char *name, bool settle, struct target_service *s,
    bool *ret_runs)
{
    int64_t until = target_now_ns(t) + SETTLE_MS * CLOCK_MS;
    bool found;

    for (;;) {
        target_service_done(s);
        *s = (struct target_service){ 0 };
        TRY(target_service_get(t, name, s, &found));
        *ret_runs = found && s->state != SERVICE_IS_STOPPED;
        if (!settle || !found || s->state != SERVICE_IS_BETWEEN)
            return NULL;
        if (target_now_ns(t) >= until)
            return unsettled(t, name);
        TRY(target_wait(t, SETTLE_STEP_MS));
    }
}

static struct err *
add(struct target *t, const char *name, bool settle, struct dependents *d)
{
    struct target_service s = { 0 };
    bool runs = false;
    struct err *e = state_of(t, name, settle, &s, &runs);

    if (e == NULL && runs) {
        d->all[d->n] = (struct dependent){ strdup(name), s.depends };
        s.depends = NULL;
        if (d->all[d->n++].name == NULL)
            e = fail(OutOfMemory);
    }
    target_service_done(&s);
    return e;
}

static bool
is_needed(const struct dependents *d, size_t one)
{
    for (size_t i = 0; i < d->n; i++)
        for (char **s = d->all[i].needs; i != one && s != NULL && *s != NULL; s++)
            if (strcasecmp(*s, d->all[one].name) == 0)
                return true;
    return false;
}

/* Take out, again and again, the first that no other needs. */
static struct err *
in_order(struct target *t, struct dependents *d, char **names)
{
    for (size_t n = 0; d->n > 0; n++) {
        size_t i = 0;

        while (i < d->n && is_needed(d, i))
            i++;
        if (i == d->n)
            return fail(TargetCannot, t->name, "stop services that need each other");
        names[n] = d->all[i].name;
        target_names_free(d->all[i].needs);
        d->n--;
        memmove(&d->all[i], &d->all[i + 1], (d->n - i) * sizeof(d->all[0]));
    }
    return NULL;
}

static struct err *
find(struct target *t, const char *service, bool settle, char **names)
{
    auto_ptr(dependents) d = calloc(1, sizeof(*d));
    char **all = NULL;
    struct err *e;

    if (d == NULL)
        return fail(OutOfMemory);
    e = target_service_dependents(t, service, &all);
    for (size_t i = 0; e == NULL && all[i] != NULL; i++)
        e = add(t, all[i], settle, d);
    if (e == NULL)
        e = in_order(t, d, names);
    target_names_free(all);
    return e;
}

/* Does ${a} stop a service that runs? */
static struct err *
stops(struct target *t, const struct action *a, bool *ret)
{
    struct target_service s = { 0 };

    *ret = false;
    if (!action_is(a, "windows.service.state") || (t->can & TARGET_SERVICES) == 0 ||
        strcmp(action_get(a, "want"), "running") == 0)
        return NULL;
    TRY(state_of(t, action_get(a, "service"), false, &s, ret));
    target_service_done(&s);
    return NULL;
}

struct err *
remedy_dependents(struct target *t, const struct action *a, bool settle, char ***ret)
{
    char **names = calloc(TARGET_DEPENDENTS_MAX + 1, sizeof(*names));
    bool so = false;
    struct err *e = names == NULL ? fail(OutOfMemory) : stops(t, a, &so);

    if (e == NULL && so)
        e = find(t, action_get(a, "service"), settle, names);
    if (e != NULL)
        target_names_free(names);
    else
        *ret = names;
    return e;
}

struct err *
remedy_tell_dependents(char *const names[], char **ret)
{
    struct text t = { 0 };

    for (size_t i = 0; names[i] != NULL; i++) {
        text_str(&t, i == 0 ? "" : names[i + 1] == NULL ? " and " : ", ");
        text_escaped(&t, names[i]); /* as the machine says it */
    }
    if (t.no_memory) {
        text_done(&t);
        return fail(OutOfMemory);
    }
    *ret = t.s;
    return NULL;
}

/* What a plan says of them behind the change itself; "" where there are none. */
struct err *
remedy_around(struct target *t, const struct action *a, char **ret)
{
    auto_free char *who = NULL;
    char **names = NULL;
    struct err *e = remedy_dependents(t, a, false, &names);
    int n;

    if (e != NULL && err_code(e) != E_OutOfMemory && err_code(e) != E_Interrupted) {
        n = asprintf(ret, "; which services need it is not known: %s", err_message(e));
        err_free(e);
        return n < 0 ? fail(OutOfMemory) : NULL;
    }
    TRY(e);
    bool any = names[0] != NULL;
    bool again = any && strcmp(action_get(a, "want"), "restarted") == 0;

    e = any ? remedy_tell_dependents(names, &who) : NULL;
    bool one = any && names[1] == NULL;

    target_names_free(names);
    TRY(e);
    n = !any ? asprintf(ret, "%s", "")
             : asprintf(ret, "; %s, which need%s it and run%s, %s stopped before it%s", who,
                   one ? "s" : "", one ? "s" : "", one ? "is" : "are",
                   again ? " and started again after it" : "");
    return n < 0 ? fail(OutOfMemory) : NULL;
}

/* ---- what a service needs ---- */

static bool
is_in(const json_t *names, const char *one)
{
    for (size_t i = 0; i < json_array_size(names); i++)
        if (strcasecmp(json_string_value(json_array_get(names, i)), one) == 0)
            return true;
    return false;
}

/* ${looks} bounds the walk, and so what needs itself in a circle. */
static struct err *
walk(struct target *t, char *const depends[], unsigned *looks, json_t *needs)
{
    struct err *e = NULL;

    for (; e == NULL && depends != NULL && *depends != NULL; depends++) {
        struct target_service s = { 0 };
        bool found = false;

        if (*looks >= TARGET_DEPENDENTS_MAX || is_in(needs, *depends))
            continue;
        ++*looks;
        e = target_service_get(t, *depends, &s, &found);
        if (e == NULL && found && s.state == SERVICE_IS_STOPPED) {
            e = walk(t, s.depends, looks, needs);
            if (e == NULL && !is_in(needs, *depends) &&
                json_array_append_new(needs, json_string(*depends)) != 0)
                e = fail(OutOfMemory);
        }
        target_service_done(&s);
    }
    return e;
}

struct err *
remedy_record_needs(struct target *t, const char *service, json_t *needs)
{
    struct target_service s = { 0 };
    unsigned looks = 0;
    bool found;

    TRY(target_service_get(t, service, &s, &found));
    struct err *e = found ? walk(t, s.depends, &looks, needs) : NULL;

    target_service_done(&s);
    return e;
}
