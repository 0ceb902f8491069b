/* SPDX-License-Identifier: Apache-2.0 */
/* runbook_dependents.c -- the services around one that is stopped: those that run and need it.
 *
 *     stop C, B, A    what A, B and C need is stopped or restarted    start A, B, C
 *
 * Each of them is a change of its own in the journal, written down before it is stopped, and
 * its result after it was started again.  So a run that is killed anywhere in between is undone
 * like any other: newest change first, which is the order in which they can be started.  None
 * is started that did not run. */
#include <string.h>

#include "codes.h"
#include "runbook_internal.h"

enum { LOOKS_MAX = 3 };

struct run_dependents {
    const struct action *a; /* of the service that they need; borrowed */
    char **names;           /* in the order in which they are stopped; owned */
    size_t place[TARGET_DEPENDENTS_MAX], n; /* in r->applied: those that were begun with */
    char *why;              /* of the first that did not start again; owned */
};

void
run_dependents_free(struct run_dependents *d)
{
    if (d == NULL)
        return;
    target_names_free(d->names);
    free(d->why);
    free(d);
}

static bool
wants(const struct run_dependents *d, const char *state)
{
    const char *want = action_get(d->a, "want");

    return action_is(d->a, "windows.service.state") && want != NULL && strcmp(want, state) == 0;
}

/* The action as which a dependent stands in the journal, and what is recorded of it; *ret is
 * NULL unless it is in the state ${runs}. */
static struct err *
prepare(struct run *r, const struct run_dependents *d, const char *name, const char *want,
    bool runs, struct action *a, json_t **ret)
{
    json_t *before = NULL;

    action_init(a, action_find("windows.service.state"));
    if (!action_set(a, "service", name) || !action_set(a, "want", want))
        return fail(OutOfMemory);
    TRY(remedy_record(r->t, a, &before));
    if (json_is_true(json_object_get(before, "there")) &&
        json_is_true(json_object_get(before, "running")) == runs &&
        json_object_set_new(before, "for", json_string(action_get(d->a, "service"))) == 0)
        *ret = json_incref(before);
    json_decref(before);
    return NULL;
}

/* ---- before ---- */

/* What the machine says against it goes to *ret_machine. */
static struct err *
stop_one(struct run *r, const struct plan_step *s, struct run_dependents *d, const char *name,
    struct err **ret_machine)
{
    struct action a = { 0 };
    json_t *before = NULL;
    bool stays = wants(d, "stopped");
    size_t entry = 0;
    struct err *e = prepare(r, d, name, action_get(d->a, "want"), true, &a, &before);

    if (e != NULL && !run_is_own(e))
        *ret_machine = take(e);
    else if (e == NULL && before != NULL)
        e = run_intend(r, s, &a, before, &entry);
    if (e == NULL && before != NULL) {
        d->place[d->n++] = r->napplied - 1;
        *ret_machine = target_service_control(r->t, name, false, run_by(r, RUNBOOK_STEP_MS));
        if (run_is_own(*ret_machine))
            e = take(*ret_machine);
        else if (*ret_machine == NULL && stays)
            e = journal_result(r->j, entry, "done", NULL);
    }
    json_decref(before);
    action_done(&a);
    return e;
}

/* Those that run now; *ret_told has why one does not stop. */
static struct err *
stop_all(struct run *r, const struct plan_step *s, struct run_dependents *d, char **ret_told)
{
    struct err *machine = NULL, *e = NULL;

    for (char **name = d->names; e == NULL && *ret_told == NULL && *name != NULL; name++) {
        if (d->n == TARGET_DEPENDENTS_MAX)
            return run_set(ret_told, "failed: services that need it start again and again");
        e = stop_one(r, s, d, *name, &machine);
        if (e == NULL && machine != NULL)
            e = run_set(ret_told, "failed: %s, which needs %s, does not stop: %s", *name,
                action_get(d->a, "service"), err_message(machine));
        err_free(machine);
        machine = NULL;
    }
    return e;
}

/* Others may have been started meanwhile.  What the last look misses, Windows refuses. */
struct err *
run_stop_dependents(struct run *r, const struct plan_step *s, const struct action *a,
    struct run_dependents **ret, char **ret_told, bool *ret_ready)
{
    auto_ptr(run_dependents) d = calloc(1, sizeof(*d));
    bool more = true;

    if (d == NULL)
        return fail(OutOfMemory);
    d->a = a;
    for (int looks = 0; more && looks < LOOKS_MAX; looks++) {
        target_names_free(take(d->names));
        struct err *machine = remedy_dependents(r->t, a, true, &d->names);

        if (run_is_own(machine))
            return machine;
        struct err *e = machine != NULL
            ? run_set(ret_told, "failed: %s", err_message(machine))
            : stop_all(r, s, d, ret_told);

        err_free(machine);
        TRY(e);
        more = *ret_told == NULL && d->names[0] != NULL;
    }
    *ret_ready = *ret_told == NULL;
    *ret = take(d);
    return NULL;
}

/* ---- after ---- */

/* One lost answer is no verdict. */
static struct err *
start_one(struct run *r, size_t place, char **ret_why)
{
    struct applied *at = &r->applied[place];
    const char *name = action_get(&journal_entry(r->j, at->entry)->action, "service");
    struct err *machine = NULL;
    auto_free char *told = NULL;

    for (int twice = 0; twice < 2; twice++) {
        err_free(machine);
        machine = target_service_control(r->t, name, true, deadline_in_ms(RUNBOOK_STEP_MS));
        if (machine == NULL)
            break;
        if (run_is_own(machine))
            return machine;
    }
    at->down = machine != NULL;
    struct err *e = at->down ? run_set(&told, "failed: it does not start again: %s",
        err_message(machine)) : run_set(&told, "done");

    if (e == NULL && at->down && *ret_why == NULL)
        e = run_set(ret_why, "%s", err_message(machine));
    err_free(machine);
    TRY(e);
    TRY(journal_result(r->j, at->entry, told, NULL));
    return NULL;
}

/* A step that stopped this service has stopped another one, too, by the change ${place}: now it
 * can run again. */
static struct err *
start_after_stop(struct run *r, const struct plan_step *s, struct run_dependents *d,
    size_t place)
{
    const struct action *stop = &journal_entry(r->j, r->applied[place].entry)->action;
    const char *name = action_get(stop, "service");
    struct action a = { 0 };
    json_t *before = NULL;
    size_t entry;
    struct err *e = prepare(r, d, name, "running", false, &a, &before);

    if (e == NULL && before != NULL && d->n < TARGET_DEPENDENTS_MAX) {
        e = run_intend(r, s, &a, before, &entry);
        if (e == NULL) {
            d->place[d->n++] = r->napplied - 1;
            e = start_one(r, r->napplied - 1, &d->why);
        }
    } else if (e != NULL && !run_is_own(e)) {
        err_free(e);
        e = NULL;
        r->applied[place].down = true; /* until the end of the run */
    }
    json_decref(before);
    action_done(&a);
    return e;
}

/* Newest first. */
static struct err *
start_those_of_a_stop(struct run *r, const struct plan_step *s, struct run_dependents *d)
{
    for (size_t i = r->napplied; i > 0; i--) {
        const struct applied *at = &r->applied[i - 1];
        const struct journal_entry *j = journal_entry(r->j, at->entry);
        const char *whose = json_string_value(json_object_get(j->before, "for"));

        if (!at->undone && whose != NULL &&
            strcmp(action_get(&j->action, "want"), "stopped") == 0 &&
            strcasecmp(whose, action_get(d->a, "service")) == 0)
            TRY(start_after_stop(r, s, d, i - 1));
    }
    return NULL;
}

/* The names of those that are down, or of those that are not; *ret is NULL for none. */
static struct err *
names_of(struct run *r, const struct run_dependents *d, bool down, char **ret, bool *ret_one)
{
    char *names[TARGET_DEPENDENTS_MAX + 1] = { NULL };
    size_t n = 0;

    for (size_t i = 0; i < d->n; i++) {
        const struct applied *at = &r->applied[d->place[i]];

        if (at->down == down)
            names[n++] = (char *)(uintptr_t)action_get(
                &journal_entry(r->j, at->entry)->action, "service");
    }
    *ret = NULL;
    *ret_one = n == 1;
    if (n > 0)
        TRY(remedy_tell_dependents(names, ret));
    return NULL;
}

static struct err *
add_words(struct run *r, const struct run_dependents *d, bool again, char **told)
{
    auto_free char *up = NULL, *down = NULL, *first = take(*told);
    bool one_up, one_down;

    TRY(names_of(r, d, false, &up, &one_up));
    TRY(names_of(r, d, true, &down, &one_down));
    return run_set(told, "%s%s%s%s%s%s%s%s%s%s", first == NULL ? "" : first,
        up != NULL ? "; " : "", up != NULL ? up : "",
        up == NULL ? "" : one_up ? ", which needs it, was " : ", which need it, were ",
        up == NULL ? "" : wants(d, "running") ? "started again"
            : again ? "stopped and started again" : "stopped",
        down != NULL ? "; " : "", down != NULL ? down : "",
        down == NULL ? "" : one_down ? ", which needs it and ran before, does"
                                     : ", which need it and ran before, do",
        down == NULL ? "" : " not start again: ", down == NULL ? "" : d->why);
}

struct err *
run_start_dependents(struct run *r, const struct plan_step *s, struct run_dependents *d,
    bool failed, char **ret_told)
{
    bool again = failed || wants(d, "restarted");

    for (size_t i = d->n; again && i > 0; i--)
        TRY(start_one(r, d->place[i - 1], &d->why));
    if (wants(d, "running") && r->j != NULL)
        TRY(start_those_of_a_stop(r, s, d)); /* their start starts what they need, too */
    if (d->n > 0)
        TRY(add_words(r, d, again, ret_told));
    return NULL;
}

struct err *
run_start_stopped(struct run *r, const struct plan_step *s, const struct action *a,
    char **ret_told)
{
    auto_ptr(run_dependents) d = calloc(1, sizeof(*d));

    if (d == NULL)
        return fail(OutOfMemory);
    d->a = a;
    TRY(run_start_dependents(r, s, d, false, ret_told));
    return NULL;
}

/* ---- the end of a run ---- */

/* Did this run stop the service that ${a} starts? */
static bool
is_stopped(const struct run *r, const struct action *a)
{
    for (size_t i = 0; i < r->napplied; i++) {
        const struct journal_entry *j = journal_entry(r->j, r->applied[i].entry);

        if (!r->applied[i].undone && j->action.kind == a->kind &&
            strcmp(action_get(&j->action, "want"), "stopped") == 0 &&
            json_is_true(json_object_get(j->before, "running")) &&
            strcasecmp(action_get(&j->action, "service"), action_get(a, "service")) == 0)
            return true;
    }
    return false;
}

struct err *
run_start_rest(struct run *r)
{
    const struct plan *p = r->c->plan;

    for (size_t i = 0; i < p->nsteps; i++) {
        const struct plan_step *s = &p->steps[i];
        const struct runbook_row *row = run_row(r, s);
        enum exit_class class;
        enum step_end end;

        if (plan_step_runs(s) && row != NULL && row->result == NULL && s->when != PLAN_IF &&
            action_is(&s->action, "windows.service.state") &&
            strcmp(action_get(&s->action, "want"), "running") == 0 &&
            is_stopped(r, &s->action))
            TRY(run_step(r, s, &s->action, &end, &class));
    }
    return NULL;
}

struct err *
run_last_start(struct run *r)
{
    for (size_t i = 0; i < r->napplied; i++) {
        auto_free char *why = NULL;

        if (r->applied[i].down && !r->applied[i].undone)
            TRY(start_one(r, i, &why));
    }
    return NULL;
}

struct err *
run_tell_down(struct run *r)
{
    for (size_t i = 0; i < r->napplied; i++) {
        const struct journal_entry *j;
        auto_free char *first = NULL;

        if (!r->applied[i].down || r->applied[i].undone)
            continue;
        j = journal_entry(r->j, r->applied[i].entry);
        first = take(r->r->note);
        TRY(run_set(&r->r->note, "%s%s%s ran before %s was stopped, and does not start again: "
                                 "start it by hand", first == NULL ? "" : first,
            first == NULL ? "" : "; ", action_get(&j->action, "service"),
            json_string_value(json_object_get(j->before, "for"))));
    }
    return NULL;
}
