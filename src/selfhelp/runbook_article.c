/* SPDX-License-Identifier: Apache-2.0 */
/* runbook_article.c -- the article's own order: step by step, each when its condition holds.
 *
 * What it does not do: guess.  A condition that only a person can judge does not hold.  The
 * safe order takes it, too, where a step waits for a person (after:N). */
#include <string.h>

#include "codes.h"
#include "runbook_internal.h"

static bool
is_retry(const struct plan *p, const char *id)
{
    const struct plan_step *s = plan_find(p, id);

    return s != NULL && action_is(&s->action, "operation.retry");
}

/* Once a person has said that the step is done that it is after. */
static struct err *
is_due_after(struct run *r, const struct plan_step *s, bool *ret)
{
    auto_free char *why = NULL;

    *ret = run_owes(r, s);
    if (*ret || s->action.kind->person)
        return NULL;
    *ret = !plan_step_runs(s) || (!action_is(&s->action, "operation.retry") &&
        !remedy_can(r->t, &s->action, &why));
    if (!*ret) /* nobody is asked for what cannot be done */
        TRY(run_await(r, s, ret));
    return NULL;
}

struct err *
run_is_due(struct run *r, const struct plan_step *s, bool *ret)
{
    const struct plan *p = r->c->plan;
    const struct plan_step *other = plan_find(p, s->of);
    bool waits = other != NULL && s->when != PLAN_AFTER && !s->action.kind->person &&
        *run_turn(r, other) == TURN_LATER;

    *ret = false;
    if (waits)
        TRY(run_come(r, other));
    if (r->halted)
        return run_tell_waiting(r, s);
    enum step_turn of = other == NULL ? TURN_NONE : *run_turn(r, other);
    bool without = of == TURN_FAILED || of == TURN_LEFT_OUT || of == TURN_YOURS;

    switch (s->when) {
    case PLAN_ALWAYS:
    case PLAN_EACH:
        *ret = true;
        break;
    case PLAN_FAILED:
        *ret = of == TURN_FAILED;
        break;
    case PLAN_ALTERNATIVE:
        *ret = without;
        break;
    case PLAN_UNSOLVED:
        *ret = without;
        if (of == TURN_WORKED && !is_retry(p, s->of)) {
            TRY(run_retry(r));
            *ret = !r->solved;
        }
        break;
    case PLAN_AFTER:
        return is_due_after(r, s, ret);
    case PLAN_IF: /* of a person's step: who has done it has judged that, too */
        *ret = s->action.kind->person && plan_ids_have(r->said, s->id);
        break;
    case PLAN_PREMISE: /* of probes only */
        break;
    }
    return NULL;
}

static struct err *
take_turn(struct run *r, const struct plan_step *s, enum step_turn *ret)
{
    enum exit_class class = EXIT_OK;
    enum remedy_state now;
    enum step_end end;
    bool idle, back;

    if (action_is(&s->action, "operation.retry")) {
        TRY(run_retry(r));
        *ret = r->solved ? TURN_WORKED : TURN_FAILED;
        return NULL;
    }
    if (s->action.kind->risk == RISK_RESTART) {
        TRY(run_restart(r, s, &end));
    } else {
        auto_free char *old = NULL;

        if (run_is_install(&s->action)) {
            TRY(run_boot_id(r, &old));
            TRY(run_wait_idle(r, &idle));
        }
        TRY(run_step(r, s, &s->action, &end, &class));
        if (class == EXIT_RESTARTING && old != NULL)
            TRY(run_await_boot(r, old, &back));
    }
    if (end == STEP_REFUSED && r->r->blocked == NULL)
        TRY(run_set(&r->r->blocked, "allow step %s (%s=%s)", s->id, run_allows(r),
            action_risk_name(s->action.kind->risk)));
    if (end == STEP_REFUSED)
        TRY(run_refuse(r, s));
    *ret = end == STEP_FAILED ? TURN_FAILED : end == STEP_REFUSED || end == STEP_CANNOT
        ? TURN_LEFT_OUT : TURN_WORKED;
    /* an installer that says "done" and a runtime that does not load is a failure */
    if (run_is_install(&s->action) && *ret == TURN_WORKED && r->has_naming) {
        TRY(run_probe(r, &now));
        if (now == REMEDY_NOT && !r->restart_due)
            *ret = TURN_FAILED;
    }
    return NULL;
}

/* In the safe order checks are switched off last, and data is never at risk. */
static bool
is_of_order(const struct run *r, const struct plan_step *s)
{
    enum action_risk risk = s->action.kind->risk;

    return r->policy->order == RUNBOOK_ARTICLE || (risk != RISK_OVERRIDE && risk != RISK_DATA);
}

static struct err *
go_through(struct run *r)
{
    const struct plan *p = r->c->plan;

    for (size_t i = 0; i < p->nsteps && !r->halted; i++) {
        const struct plan_step *s = &p->steps[i];
        size_t before = r->napplied;
        bool due = false;

        if ((r->solved || r->other) && !run_owes(r, s))
            continue;
        if (is_of_order(r, s))
            TRY(run_is_due(r, s, &due));
        if ((r->solved && !run_owes(r, s)) || r->halted)
            continue;
        if (s->action.kind->person) {
            TRY(run_take_persons(r, s, due));
            continue;
        }
        r->turn[i] = TURN_LEFT_OUT;
        if (due)
            TRY(take_turn(r, s, &r->turn[i]));
        if (r->napplied > before && run_owes(r, s))
            r->solved = r->other = false; /* it is looked at anew behind the last of them */
    }
    return NULL;
}

struct err *
run_article(struct run *r)
{
    enum remedy_state now;

    TRY(go_through(r));
    if (r->halted)
        return NULL;
    TRY(run_pass(r));
    if (!r->solved && !r->other && (r->napplied > 0 || r->said != NULL)) {
        TRY(run_probe(r, &now));
        if (now == REMEDY_HOLDS)
            TRY(run_retry(r));
    }
    /* what was done counts only after a restart, and nobody here could make one */
    if (!r->solved && !r->other && r->restart_due && !r->restart_failed && run_may_restart(r))
        TRY(run_ask_restart(r));
    return NULL;
}
