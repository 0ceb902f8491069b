/* SPDX-License-Identifier: Apache-2.0 */
/* runbook_offline.c -- a machine that is off, in either order.
 *
 * Here nothing can be proved by the operation that failed, so nothing is tried on approval:
 * a step is done if its turn would come early in the repair and a look says that it is not so
 * yet.  What is right then stays, since it counts from the machine's next start on; the rest
 * is for whoever starts it.  Second ways and overrides wait for the proof that the first way
 * does not help. */
#include "codes.h"
#include "runbook_internal.h"

static bool
is_early(const struct plan_step *s)
{
    const enum action_risk risk = s->action.kind->risk;

    return plan_step_runs(s) && risk != RISK_READ && risk != RISK_OVERRIDE &&
        risk != RISK_DATA &&
        (s->when == PLAN_ALWAYS || s->when == PLAN_EACH || s->when == PLAN_FAILED ||
            s->when == PLAN_AFTER);
}

/* A person's step: those that stand for themselves, and what a person has said. */
static struct err *
take_persons(struct run *r, const struct plan_step *s)
{
    bool due = s->when == PLAN_ALWAYS || s->when == PLAN_EACH ||
        (s->when == PLAN_AFTER ? run_owes(r, s) : plan_ids_have(r->said, s->id));

    return run_take_persons(r, s, due);
}

/* May ${s} be done before the machine is started? */
static struct err *
is_due(struct run *r, const struct plan_step *s, bool *ret)
{
    auto_free char *why = NULL;

    *ret = is_early(s);
    if (*ret && s->when == PLAN_AFTER && remedy_can(r->t, &s->action, &why))
        TRY(run_await(r, s, ret));
    return NULL;
}

static struct err *
tell_override(struct run *r, const struct plan_step *s)
{
    struct runbook_row *row = run_row(r, s);

    if (row == NULL || s->action.kind->risk != RISK_OVERRIDE)
        return NULL;
    return run_set(&row->result, "not done: only the running machine shows whether it is "
                                 "needed");
}

/* What failed half way is taken back at once; what was done before it stays. */
static struct err *
take_back(struct run *r, size_t first)
{
    bool all;

    TRY(run_undo(r, first, &all));
    r->keep &= all;
    r->r->undone = false;
    return NULL;
}

/* What is left for a person.  A step ${failed} comes first: what keeps the disk from being
 * written is to be put right where the disk is. */
static struct err *
tell_next(struct run *r, bool changed, const struct plan_step *failed)
{
    struct runbook_row *row = failed != NULL ? run_row(r, failed) : NULL;
    struct text t = { 0 };

    if (r->r->blocked != NULL) /* a consent that is missing comes first */
        return NULL;
    if (row != NULL && row->result != NULL)
        text_fmt(&t, "step %s %s: put that right and run this again, or ", failed->id,
            row->result);
    text_fmt(&t, "start the machine%s, then run firn doctor qga:SOCKET ",
        changed ? ", which is when the change takes effect" : "");
    run_add_source(r, &t);
    text_str(&t, " --apply against its agent");
    if (t.no_memory)
        return fail(OutOfMemory);
    free(r->r->blocked);
    r->r->blocked = t.s;
    return NULL;
}

struct err *
run_offline(struct run *r)
{
    const struct plan *p = r->c->plan;
    const struct plan_step *failed = NULL;
    enum remedy_state now;
    bool changed = false;

    r->keep = true;
    for (size_t i = 0; i < p->nsteps && !r->halted; i++) {
        const struct plan_step *s = &p->steps[i];
        size_t before = r->napplied;
        enum exit_class class;
        enum step_end end;
        bool due;

        TRY(tell_override(r, s));
        if (s->action.kind->person)
            TRY(take_persons(r, s));
        TRY(is_due(r, s, &due));
        if (!due)
            continue;
        TRY(run_step(r, s, &s->action, &end, &class));
        if (end == STEP_FAILED)
            TRY(take_back(r, before));
        if (end == STEP_FAILED && failed == NULL)
            failed = s;
        changed |= end == STEP_DONE || end == STEP_AFTER_RESTART;
        if (end == STEP_REFUSED && r->r->blocked == NULL)
            TRY(run_set(&r->r->blocked, "allow step %s (%s=%s)", s->id, run_allows(r),
                action_risk_name(s->action.kind->risk)));
        if (end == STEP_REFUSED)
            TRY(run_refuse(r, s));
    }
    if (r->halted)
        return NULL;
    TRY(run_pass(r));
    TRY(run_probe(r, &now));
    if (now == REMEDY_HOLDS)
        TRY(run_retry(r));
    if (r->solved || r->other)
        return NULL;
    if (r->keep)
        TRY(tell_next(r, changed, failed));
    return NULL;
}
