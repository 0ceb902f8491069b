/* SPDX-License-Identifier: Apache-2.0 */
/* runbook_article.c -- the article's own order: step by step, each when its condition holds.
 *
 * What it does not do: guess.  A condition that only a person can judge does not hold. */
#include <string.h>

#include "codes.h"
#include "runbook_internal.h"

/* What became of a step. */
enum turn { TURN_NONE, TURN_WORKED, TURN_FAILED, TURN_LEFT_OUT };

static enum turn
turn_of(const struct plan *p, const enum turn *turns, const char *id)
{
    for (size_t i = 0; i < p->nsteps; i++)
        if (strcmp(p->steps[i].id, id) == 0)
            return turns[i];
    return TURN_NONE;
}

static bool
is_retry(const struct plan *p, const char *id)
{
    for (size_t i = 0; i < p->nsteps; i++)
        if (strcmp(p->steps[i].id, id) == 0)
            return action_is(&p->steps[i].action, "operation.retry");
    return false;
}

static struct err *
is_due(struct run *r, const enum turn *turns, const struct plan_step *s, bool *ret)
{
    const struct plan *p = r->c->plan;
    enum turn of = s->of[0] == '\0' ? TURN_NONE : turn_of(p, turns, s->of);

    switch (s->when) {
    case PLAN_ALWAYS:
    case PLAN_EACH:
        *ret = true;
        return NULL;
    case PLAN_FAILED:
        *ret = of == TURN_FAILED;
        return NULL;
    case PLAN_ALTERNATIVE:
        *ret = of == TURN_FAILED || of == TURN_LEFT_OUT;
        return NULL;
    case PLAN_UNSOLVED:
        *ret = of == TURN_FAILED || of == TURN_LEFT_OUT;
        if (!*ret && of == TURN_WORKED && !is_retry(p, s->of)) {
            TRY(run_retry(r));
            *ret = !r->solved;
        }
        return NULL;
    case PLAN_AFTER: /* nobody has said it */
    case PLAN_IF:
    case PLAN_PREMISE: /* of probes only */
        break;
    }
    *ret = false;
    return NULL;
}

static struct err *
take_turn(struct run *r, const struct plan_step *s, enum turn *ret)
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

struct err *
run_article(struct run *r)
{
    const struct plan *p = r->c->plan;
    enum turn turns[PLAN_STEPS_MAX] = { TURN_NONE };
    enum remedy_state now;

    for (size_t i = 0; i < p->nsteps && !r->solved && !r->other; i++) {
        bool due;

        TRY(is_due(r, turns, &p->steps[i], &due));
        if (r->solved)
            break;
        turns[i] = TURN_LEFT_OUT;
        if (due)
            TRY(take_turn(r, &p->steps[i], &turns[i]));
    }
    if (!r->solved && !r->other && r->napplied > 0) {
        TRY(run_probe(r, &now));
        if (now == REMEDY_HOLDS)
            TRY(run_retry(r));
    }
    /* what was done counts only after a restart, and nobody here could make one */
    if (!r->solved && !r->other && r->restart_due && !r->restart_failed && run_may_restart(r))
        TRY(run_ask_restart(r));
    return NULL;
}
