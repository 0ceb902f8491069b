/* SPDX-License-Identifier: Apache-2.0 */
/* runbook_triage.c -- which cause is it: the candidates one by one, then what the operation
 * fails with when they had their turn.
 *
 *   candidate --> probe holds --> ruled out
 *             --> cannot be asked --> not looked at, and why
 *             --> does not hold --> treated --> repaired, masked, blocked: the end
 *                                           --> nothing helped: the next candidate
 *                                           --> another code now: that is the next
 *
 * Every code has one turn, so this ends whatever an operation answers. */
#include <string.h>

#include "codes.h"
#include "runbook_internal.h"
#include "runtimes.h"

/* What became of a candidate. */
enum turn { TURN_NOT_IT, TURN_TREATED, TURN_END };

/* ---- the naming probe ---- */

/* A step of prose that can be looked at says by itself how a healthy machine is. */
static bool
tells_health(const struct plan_step *s)
{
    const char *want = action_get(&s->action, "want");
    enum action_risk risk = s->action.kind->risk;

    return plan_step_runs(s) && risk != RISK_READ && risk != RISK_RESTART &&
        risk != RISK_OVERRIDE && risk != RISK_DATA &&
        (want == NULL || strcmp(want, "restarted") != 0) &&
        !action_is(&s->action, "windows.installer.register");
}

static struct err *
derive(struct run *r, const struct plan *p)
{
    for (size_t i = 0; i < p->nsteps; i++) {
        const struct plan_step *s = &p->steps[i];
        const char *path = action_get(&s->action, "path");
        const struct runtime *known = path == NULL ? NULL : runtime_find(path);

        if (plan_step_runs(s) && known != NULL && known->library != NULL) {
            action_init(&r->naming, action_find("windows.library.loads"));
            r->has_naming = true;
            return action_set(&r->naming, "name", known->library) ? NULL : fail(OutOfMemory);
        }
    }
    for (size_t i = 0; i < p->nsteps && !r->has_naming; i++)
        if (tells_health(&p->steps[i])) {
            if (!action_copy(&r->naming, &p->steps[i].action))
                return fail(OutOfMemory);
            r->has_naming = true;
        }
    return NULL;
}

struct err *
run_find_naming(struct run *r)
{
    const struct plan *p = r->c->plan;

    action_done(&r->naming);
    r->has_naming = false;
    r->passing = false;
    const struct plan_step *s = plan_naming(p);

    if (p->nprobes == 0) {
        TRY(derive(r, p));
        r->passing = run_passes(r);
    } else if (s != NULL && action_complete(&s->action)) {
        if (!action_copy(&r->naming, &s->action))
            return fail(OutOfMemory);
        r->has_naming = true;
    }
    return NULL;
}

/* ---- looking ---- */

static struct err *
note_look(struct run *r, struct runbook_look **list, size_t *n, const char *observed)
{
    struct runbook_look *more = realloc(*list, (*n + 1) * sizeof(*more));

    if (more == NULL)
        return fail(OutOfMemory);
    *list = more;
    more = &more[(*n)++];
    *more = (struct runbook_look){ strdup(r->c->code),
        r->has_naming ? action_text(&r->naming) : strdup("none"), strdup(observed),
        r->c->unseen != NULL };
    return more->code == NULL || more->probe == NULL || more->observed == NULL
        ? fail(OutOfMemory) : NULL;
}

/* A failure of the machine to answer is no verdict. */
static struct err *
look(struct run *r, const struct action *a, enum remedy_state *ret, char **ret_observed)
{
    struct remedy_look l = { 0 };
    struct err *e = remedy_look(r->t, a, run_by(r, RUNBOOK_STEP_MS), &l);

    *ret = REMEDY_UNKNOWN;
    if (err_has(e, E_OutOfMemory) || err_has(e, E_Interrupted))
        return e;
    if (e != NULL) {
        struct err *told = run_set(ret_observed, "%s", err_message(e));

        err_free(e);
        return told;
    }
    *ret = l.state;
    *ret_observed = take(l.observed);
    return NULL;
}

/* Is the article about this machine?  *ret is the first premise that does not hold, or NULL;
 * *ret_known = false when it could not be looked at. */
static struct err *
look_premises(struct run *r, const struct plan_step **ret, bool *ret_known, char **ret_observed)
{
    const struct plan *p = r->c->plan;

    *ret = NULL;
    for (size_t i = 0; i < p->nprobes; i++) {
        auto_free char *seen = NULL;
        enum remedy_state state;

        if (p->probes[i].when != PLAN_PREMISE || !plan_step_runs(&p->probes[i]))
            continue;
        TRY(look(r, &p->probes[i].action, &state, &seen));
        if (state == REMEDY_HOLDS)
            continue;
        *ret = &p->probes[i];
        *ret_known = state == REMEDY_NOT;
        *ret_observed = take(seen);
        return NULL;
    }
    return NULL;
}

/* A look that was made from a step of firn's does not show whether a person's part is done. */
static struct err *
tell_persons_part(struct run *r, enum remedy_state *ret, char **ret_observed)
{
    auto_free char *seen = NULL;

    if (r->c->plan->nprobes > 0 || !plan_has_after(r->c->plan))
        return NULL;
    seen = take(*ret_observed);
    *ret = REMEDY_UNKNOWN;
    return run_set(ret_observed, "%s, but a part of it is for a person", seen);
}

/* What the naming probe says, where the article is about this machine; else why it is not. */
static struct err *
look_naming(struct run *r, enum remedy_state *ret, char **ret_observed)
{
    const struct plan_step *premise;
    auto_free char *seen = NULL;
    bool known;

    *ret = REMEDY_UNKNOWN;
    if (r->c->unseen != NULL)
        return run_set(ret_observed, "%s", r->c->unseen);
    if (!r->has_naming)
        return run_set(ret_observed, "%s", r->c->plan->nprobes > 0
                ? "its probe needs what only the failure tells" : "it has no probe");
    TRY(look_premises(r, &premise, &known, &seen));
    if (premise == NULL) {
        TRY(look(r, &r->naming, ret, ret_observed));
        return *ret == REMEDY_HOLDS ? tell_persons_part(r, ret, ret_observed) : NULL;
    }
    action_done(&r->naming); /* this is what rules it out, and what the report shows */
    if (!action_copy(&r->naming, &premise->action))
        return fail(OutOfMemory);
    *ret = known ? REMEDY_HOLDS : REMEDY_UNKNOWN;
    *ret_observed = take(seen);
    return NULL;
}

static bool
had_its_turn(const struct run *r, const char *code)
{
    for (size_t i = 0; i < r->nlooked; i++)
        if (strcasecmp(r->looked[i], code) == 0)
            return true;
    return false;
}

static struct err *
takes_its_turn(struct run *r, const char *code)
{
    const char **more = realloc(r->looked, (r->nlooked + 1) * sizeof(*more));

    if (more == NULL)
        return fail(OutOfMemory);
    r->looked = more;
    r->looked[r->nlooked++] = code;
    return NULL;
}

/* ---- from one cause to the next ---- */

/* The registration of Windows' installer may come undone with any later restart. */
static void
remember_installer(struct run *r)
{
    for (size_t i = 0; i < r->napplied && r->installer == NULL; i++) {
        const struct journal_entry *e = journal_entry(r->j, r->applied[i].entry);

        if (action_is(&e->action, "windows.installer.register"))
            r->installer = json_incref(e->before);
    }
}

/* The report's cause becomes one of the earlier ones. */
static struct err *
put_aside(struct run *r)
{
    struct runbook_report *rep = r->r;
    struct runbook_cause *more =
        realloc(rep->earlier, (rep->nearlier + 1) * sizeof(*more));
    bool kept = r->ntreated > 0 && r->treated[r->ntreated - 1].kept;

    if (more == NULL)
        return fail(OutOfMemory);
    rep->earlier = more;
    more = &more[rep->nearlier++];
    *more = (struct runbook_cause){ .code = take(rep->cause), .naming = take(rep->naming),
        .observed = take(rep->observed), .rows = take(rep->rows), .nrows = rep->nrows,
        .journal = take(rep->journal), .undone = rep->undone };
    rep->nrows = 0;
    rep->undone = false;
    free(take(rep->waits));
    free(take(rep->blocked)); /* what it asks for has lost its use */
    free(take(rep->note));
    return run_set(&more->end, "%s", kept ? "repaired; the operation failed for another reason"
            : more->undone ? "it did not help, and is undone"
                           : "nothing helped");
}

/* Nothing of the last candidate is left but what the whole run must know. */
static struct err *
begin_candidate(struct run *r, const struct runbook_candidate *c)
{
    if (r->j != NULL) {
        TRY(run_keep_changes(r));
        remember_installer(r);
    }
    journal_free(r->j);
    r->j = NULL;
    r->c = c;
    r->napplied = 0;
    /* what stays of an earlier cause may still wait for its restart */
    r->restart_due &= r->ntreated > 0 && r->treated[r->ntreated - 1].kept;
    r->restarts_itself = r->overridden = r->solved = r->other = r->keep = false;
    r->restart_failed = r->asks_restart = false;
    TRY(run_find_naming(r));
    TRY(run_go_on(r));
    return NULL;
}

static struct err *
treat(struct run *r, char *observed)
{
    struct treated *now;

    if (r->r->cause != NULL)
        TRY(put_aside(r));
    now = &r->treated[r->ntreated++];
    now->c = r->c;
    if (r->has_naming && !action_copy(&now->naming, &r->naming))
        return fail(OutOfMemory);
    TRY(run_set(&r->r->cause, "%s", r->c->code));
    r->r->naming = r->has_naming ? action_text(&r->naming) : NULL;
    TRY(run_set(&r->r->observed, "%s", observed));
    TRY(run_one(r));
    return NULL;
}

/* Only a person can do what the article says, and nothing can be looked at: it waits for the
 * person, and an operation that is tried before proves nothing. */
static bool
is_persons(const struct run *r)
{
    const struct plan *p = r->c->plan;
    bool only = r->policy->apply && p->nprobes == 0 && plan_has_after(p);

    for (size_t i = 0; only && i < p->nsteps; i++)
        only = !plan_step_runs(&p->steps[i]) || p->steps[i].action.kind->risk == RISK_READ;
    return only;
}

/* ${alone}: a person asked about this one and no other. */
static struct err *
try_one(struct run *r, const struct runbook_candidate *c, bool alone, enum turn *ret)
{
    struct runbook_report *rep = r->r;
    auto_free char *observed = NULL;
    enum remedy_state state;

    *ret = TURN_NOT_IT;
    TRY(takes_its_turn(r, c->code));
    TRY(begin_candidate(r, c));
    TRY(look_naming(r, &state, &observed));
    if (state == REMEDY_HOLDS && !r->under_way)
        return note_look(r, &rep->ruled_out, &rep->nruled_out, observed);
    if (state == REMEDY_UNKNOWN && !r->under_way && !(alone && is_persons(r))) {
        r->unsure |= c->unseen == NULL;
        TRY(note_look(r, &rep->not_looked_at, &rep->nnot_looked_at, observed));
        if (alone && rep->cause == NULL)
            TRY(run_fill_rows(r)); /* for the person who must judge */
        return NULL;
    }
    TRY(treat(r, observed));
    *ret = rep->outcome == RUNBOOK_ESCALATED ? TURN_TREATED : TURN_END;
    return NULL;
}

/* ---- what the operation fails with now ---- */

/* The outermost code of the failure that had no turn and that somebody has a plan for. */
static struct err *
pick(struct run *r, const struct runbook_candidate **ret)
{
    *ret = NULL;
    if (r->policy->find == NULL)
        return NULL;
    for (const struct err *e = r->r->why; e != NULL && *ret == NULL; e = err_cause(e))
        if (!had_its_turn(r, err_id(e)))
            TRY(r->policy->find(r->policy->arg, err_id(e), e, ret));
    return NULL;
}

static struct err *
end_of_budget(struct run *r)
{
    auto_free char *before = take(r->r->note);

    return run_set(&r->r->note, "%s%sone run treats %d causes: run firn doctor again",
        before != NULL ? before : "", before != NULL ? "; " : "", RUNBOOK_CAUSES);
}

/* Go on while the operation names something that was not looked at yet. */
static struct err *
follow(struct run *r)
{
    for (;;) {
        const struct runbook_candidate *next;
        enum turn turn;

        TRY(pick(r, &next));
        if (next == NULL)
            return NULL;
        if (r->ntreated == RUNBOOK_CAUSES)
            return end_of_budget(r);
        TRY(try_one(r, next, true, &turn));
        if (turn == TURN_END)
            return NULL;
    }
}

/* No candidate is the cause, and the operation was not tried: what is left for a person? */
static struct err *
tell_unsure(struct run *r)
{
    const struct runbook_report *rep = r->r;
    const struct runbook_look *first = NULL;
    size_t n = 0;

    r->r->outcome = r->unsure ? RUNBOOK_BLOCKED : RUNBOOK_HEALTHY;
    if (!r->unsure || rep->blocked != NULL)
        return NULL;
    for (size_t i = 0; i < rep->nnot_looked_at; i++) {
        if (rep->not_looked_at[i].unseen)
            continue;
        if (first == NULL)
            first = &rep->not_looked_at[i];
        n++;
    }
    if (n == 1)
        return run_set(&r->r->blocked, "a person must tell whether %s is the cause: %s",
            first->code, first->observed);
    return run_set(&r->r->blocked,
        "a person must tell whether %s is the cause: %s (and %zu more that could not be "
        "looked at)", first->code, first->observed, n - 1);
}

static struct err *
judge_none(struct run *r)
{
    if (!r->policy->apply || r->policy->retry == NULL)
        return tell_unsure(r);
    r->c = NULL;
    TRY(run_retry(r));
    r->r->outcome = r->solved ? RUNBOOK_HEALTHY : RUNBOOK_ESCALATED;
    return r->solved ? NULL : follow(r);
}

struct err *
run_triage(struct run *r, const struct runbook_candidate *c, size_t n)
{
    for (size_t i = 0; i <= n; i++) { /* first what a person has begun with */
        const struct runbook_candidate *one = i == 0 ? r->open_c : &c[i - 1];
        enum turn turn;

        if (one == NULL || had_its_turn(r, one->code))
            continue;
        if (r->ntreated == RUNBOOK_CAUSES)
            return end_of_budget(r);
        TRY(try_one(r, one, n == 1, &turn));
        if (turn == TURN_END)
            return NULL;
        if (r->other)
            return follow(r);
    }
    return r->ntreated > 0 ? follow(r) : judge_none(r);
}
