/* SPDX-License-Identifier: Apache-2.0 */
/* runbook_safe.c -- the safe order.
 *
 *   detect -- a restart is pending --> restart
 *     v
 *   install --- in place ------------------> verify --> try the operation --> done
 *     |  ^  \-- in place after a restart --> restart --^        |
 *     |  |                                                      | fails, same code
 *     |  +-- another installation: wait                         v
 *     v                                            undo what did not help
 *   the installer's service: start type, then             |
 *   its registration; install again; restart;             v
 *   install once more --------------------------------> override --> try --> masked
 *
 * Each box is one step of the plan, if the plan has it: the runbook invents no change.  Plans
 * that install nothing go through their steps in order, and stop as soon as the naming probe
 * holds and the operation works.  Plans in which a step waits for a person are a procedure: it
 * is gone through as it is written (runbook_article.c). */
#include <stdio.h>

#include "codes.h"
#include "runbook_internal.h"

/* The steps of a plan by what they are for; NULL where it has none. */
struct slots {
    const struct plan_step *install, *renew, *restart, *override;
};

static struct slots
find_slots(const struct plan *p)
{
    struct slots s = { 0 };

    for (size_t i = 0; i < p->nsteps; i++) {
        const struct plan_step *one = &p->steps[i];
        const struct action *a = &one->action;

        if (!plan_step_runs(one))
            continue;
        if (s.install == NULL && run_is_install(a))
            s.install = one;
        else if (s.renew == NULL && run_is_register(a))
            s.renew = one;
        else if (s.restart == NULL && a->kind->risk == RISK_RESTART)
            s.restart = one;
        else if (s.override == NULL && a->kind->risk == RISK_OVERRIDE)
            s.override = one;
    }
    return s;
}

static bool
is_ordinary(const struct slots *slots, const struct plan_step *s)
{
    return plan_step_runs(s) && s != slots->install && s != slots->renew &&
        s != slots->restart && s != slots->override && s->action.kind->risk != RISK_READ &&
        s->action.kind->risk != RISK_OVERRIDE && s->action.kind->risk != RISK_RESTART &&
        s->action.kind->risk != RISK_DATA && !run_is_install(&s->action) &&
        s->when != PLAN_IF;
}

/* What a person must allow or do; the first reason stays. */
static struct err *
block(struct run *r, const char *why, const char *what)
{
    if (r->r->blocked != NULL)
        return NULL;
    TRY(run_set(&r->r->blocked, "%s%s", why, what));
    return NULL;
}

static struct err *
block_consent(struct run *r, const struct action *a)
{
    auto_free char *text = action_text(a);

    if (text == NULL)
        return fail(OutOfMemory);
    if (r->r->blocked != NULL)
        return NULL;
    TRY(run_set(&r->r->blocked, "allow %s (%s=%s)", text, run_allows(r),
        action_risk_name(a->kind->risk)));
    return NULL;
}

/* After a change: does the probe hold, and does the operation work? */
static struct err *
prove(struct run *r, enum remedy_state *ret)
{
    TRY(run_probe(r, ret));
    if (*ret == REMEDY_HOLDS)
        TRY(run_retry(r));
    return NULL;
}

/* Restart where something waits for it.  *ret_back = true when the machine is back. */
static struct err *
restart(struct run *r, const struct slots *s, bool *ret_back)
{
    enum step_end end;

    *ret_back = false;
    TRY(run_restart(r, s->restart, &end));
    *ret_back = end == STEP_DONE;
    if (end == STEP_REFUSED || end == STEP_CANNOT)
        TRY(run_ask_restart(r));
    return NULL;
}

/* One installation, from waiting for others to the proof.  *ret_class says what to do when
 * nothing is solved. */
static struct err *
install(struct run *r, const struct slots *s, enum exit_class *ret_class)
{
    const struct plan_step *step = s->install;
    enum remedy_state now;
    enum step_end end;
    bool idle, back;

    for (int again = 0;; again++) {
        auto_free char *old = NULL;

        TRY(run_wait_idle(r, &idle));
        if (!idle) {
            *ret_class = EXIT_BUSY;
            return block(r, "another installation is under way: wait for its end", "");
        }
        TRY(run_boot_id(r, &old));
        TRY(run_step(r, step, &step->action, &end, ret_class));
        if (end == STEP_REFUSED || end == STEP_CANNOT) {
            *ret_class = EXIT_CANCELLED;
            return end == STEP_REFUSED ? block_consent(r, &step->action)
                                       : block(r, "install by hand: ", step->text == NULL
                                                 ? "the article says what" : step->text);
        }
        if (*ret_class == EXIT_RESTARTING && old != NULL)
            TRY(run_await_boot(r, old, &back));
        if (end == STEP_FAILED && *ret_class == EXIT_BUSY && again < 3)
            continue;
        break;
    }
    if (end == STEP_FAILED)
        return NULL;
    TRY(prove(r, &now));
    if (r->solved || now == REMEDY_HOLDS || !r->restart_due)
        return NULL;
    TRY(restart(r, s, &back));
    if (back)
        TRY(prove(r, &now));
    return NULL;
}

/* The plan's other steps, those that are not so already. */
static struct err *
ordinary_steps(struct run *r, const struct slots *s, bool *ret_any)
{
    const struct plan *p = r->c->plan;

    *ret_any = false;
    for (size_t i = 0; i < p->nsteps && !r->solved; i++) {
        enum exit_class class;
        enum step_end end;

        if (!is_ordinary(s, &p->steps[i]))
            continue;
        TRY(run_step(r, &p->steps[i], &p->steps[i].action, &end, &class));
        if (end == STEP_REFUSED)
            TRY(block_consent(r, &p->steps[i].action));
        *ret_any |= end == STEP_DONE || end == STEP_AFTER_RESTART;
    }
    return NULL;
}

/* Does the class say that only a person can go on? */
static struct err *
person_needed(struct run *r, enum exit_class class, bool *ret)
{
    struct err *e;

    *ret = exitcode_next(class) == NEXT_PERSON || class == EXIT_BUSY;
    if (!*ret || r->r->blocked != NULL)
        return NULL;
    e = exitcode_error(class, "the installer", 0);
    struct err *second = run_set(&r->r->blocked, "firn explain %s tells what to do",
        e == NULL ? "InstallerFailed" : err_id(e));

    err_free(e);
    return second;
}

static struct err *
renew(struct run *r, const struct slots *s, bool *ret_done)
{
    enum exit_class class;
    enum step_end end = STEP_CANNOT;

    *ret_done = false;
    if (s->renew == NULL)
        return NULL;
    TRY(run_step(r, s->renew, &s->renew->action, &end, &class));
    *ret_done = end == STEP_DONE || end == STEP_AFTER_RESTART;
    if (end == STEP_REFUSED)
        TRY(block_consent(r, &s->renew->action));
    return NULL;
}

/* A restart that may help, when it is allowed; asked for only when nothing else is left. */
static struct err *
restart_if_it_may_help(struct run *r, const struct slots *s, bool *ret_back)
{
    *ret_back = false;
    if (s->restart == NULL && !r->restart_due)
        return NULL;
    TRY(restart(r, s, ret_back));
    return NULL;
}

/* The installer could not do its work: look at what it stands on, and try again. */
static struct err *
repair_installer(struct run *r, const struct slots *s, enum exit_class class)
{
    bool any, stop;

    TRY(ordinary_steps(r, s, &any));
    if (any && !r->restart_due) {
        TRY(install(r, s, &class));
        TRY(person_needed(r, class, &stop));
        if (r->solved || stop)
            return NULL;
    }
    TRY(renew(r, s, &any));
    if (any && !r->restart_due && r->r->installs + 1 < RUNBOOK_INSTALLS) {
        TRY(install(r, s, &class));
        TRY(person_needed(r, class, &stop));
        if (r->solved || stop)
            return NULL;
    }
    bool back;

    TRY(restart_if_it_may_help(r, s, &back));
    if ((back || any) && r->r->installs < RUNBOOK_INSTALLS)
        TRY(install(r, s, &class));
    return NULL;
}

static struct err *
restart_is_pending(struct run *r, bool *ret)
{
    struct remedy_look l = { 0 };
    struct action a;
    struct err *e;

    *ret = false;
    if (r->t->os != ACTION_WINDOWS)
        return NULL;
    action_init(&a, action_find("windows.restart.not_pending"));
    e = remedy_look(r->t, &a, run_by(r, RUNBOOK_STEP_MS), &l);
    *ret = e == NULL && l.state == REMEDY_NOT;
    remedy_look_done(&l);
    if (err_has(e, E_OutOfMemory))
        return e;
    err_free(e);
    return NULL;
}

static struct err *
with_install(struct run *r, const struct slots *s)
{
    enum exit_class class = EXIT_OK;
    enum remedy_state now;
    bool pending, back, stop;

    TRY(restart_is_pending(r, &pending));
    if (pending && s->restart != NULL && (r->consent & 1U << RISK_RESTART) != 0) {
        TRY(restart(r, s, &back));
        TRY(prove(r, &now));
        if (r->solved)
            return NULL;
    }
    TRY(install(r, s, &class));
    TRY(person_needed(r, class, &stop));
    if (r->solved || r->other || stop)
        return NULL;
    TRY(run_probe(r, &now));
    if (now == REMEDY_HOLDS || r->r->blocked != NULL)
        return NULL; /* it is there, and the operation still fails */
    TRY(repair_installer(r, s, class));
    return NULL;
}

static struct err *
without_install(struct run *r, const struct slots *s)
{
    const struct plan *p = r->c->plan;
    enum remedy_state now;
    bool back;

    for (size_t i = 0; i < p->nsteps && !r->solved && !r->other; i++) {
        const struct plan_step *one = &p->steps[i];
        enum exit_class class;
        enum step_end end;

        if (action_is(&one->action, "machine.wait") && r->napplied > 0)
            TRY(run_step(r, one, &one->action, &end, &class));
        if (!is_ordinary(s, one) && one != s->renew)
            continue;
        TRY(run_step(r, one, &one->action, &end, &class));
        if (end == STEP_REFUSED)
            TRY(block_consent(r, &one->action));
        if (end == STEP_DONE)
            TRY(prove(r, &now));
    }
    if (r->solved || r->other || (s->restart == NULL && !r->restart_due))
        return NULL;
    TRY(run_probe(r, &now));
    if (now == REMEDY_HOLDS && !r->restart_due)
        return NULL;
    TRY(restart(r, s, &back));
    if (back)
        TRY(prove(r, &now));
    return NULL;
}

/* The check is switched off, if that is allowed; nothing else of this run stays unless the
 * probe says that it helped. */
static struct err *
override(struct run *r, const struct slots *s)
{
    enum remedy_state now;
    enum exit_class class;
    enum step_end end;
    bool yes, all;

    if (s->override == NULL || (r->restart_due && r->r->blocked != NULL))
        return NULL;
    if (s->override->when == PLAN_AFTER) {
        TRY(run_await(r, s->override, &yes));
        if (!yes)
            return NULL;
    }
    TRY(run_consents(r, &s->override->action, &yes));
    if (!yes) {
        TRY(block_consent(r, &s->override->action));
        return s->override->when == PLAN_AFTER ? run_refuse(r, s->override) : NULL;
    }
    TRY(run_probe(r, &now));
    if (now != REMEDY_HOLDS)
        TRY(run_undo(r, 0, &all));
    TRY(run_step(r, s->override, &s->override->action, &end, &class));
    if (end == STEP_DONE || end == STEP_ALREADY)
        TRY(run_retry(r));
    return NULL;
}

struct err *
run_safe(struct run *r)
{
    const struct slots s = find_slots(r->c->plan);

    if (plan_has_after(r->c->plan)) {
        TRY(run_article(r));
        if (r->halted)
            return NULL;
    } else if (s.install != NULL)
        TRY(with_install(r, &s));
    else
        TRY(without_install(r, &s));
    if (!r->solved && !r->other)
        TRY(override(r, &s));
    return NULL;
}
