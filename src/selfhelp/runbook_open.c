/* SPDX-License-Identifier: Apache-2.0 */
/* runbook_open.c -- a repair that is not at its end: what a run leaves in its journal for
 * whoever comes next, and what that one is told.
 *
 * A run that goes on behind a person's step and meets a step that is not allowed keeps waiting
 * there, as it did for the person.  To take all of it back would undo what the person's work
 * stands on, and the person could begin anew. */
#include <string.h>

#include "codes.h"
#include "runbook_internal.h"

/* ---- a consent that is missing ---- */

/* "config,service": what this run may do, and ${risk}. */
static void
add_consents(const struct run *r, enum action_risk risk, struct text *t)
{
    unsigned all = r->policy->consent | 1U << risk;

    for (unsigned i = RISK_CONFIG, n = 0; i < RISK_COUNT; i++)
        if ((all & 1U << i) != 0)
            text_fmt(t, "%s%s", n++ > 0 ? "," : "", action_risk_name((enum action_risk)i));
}

/* The options of this run, with consent for ${risk}, too. */
static void
add_options(const struct run *r, enum action_risk risk, struct text *t)
{
    static const char yes[] = "--yes=";
    const char *o = r->policy->options != NULL ? r->policy->options : "--apply";
    const char *at = strstr(o, yes), *rest = at == NULL ? "" : at + strcspn(at, " ");

    text_add(t, o, at == NULL ? strlen(o) : (size_t)(at - o));
    text_fmt(t, "%s%s", at == NULL ? " " : "", yes);
    add_consents(r, risk, t);
    text_str(t, rest);
}

/* What is not done yet waits for it. */
static struct err *
tell_rows(struct run *r, const struct plan_step *s)
{
    const struct plan *p = r->c->plan;

    for (const struct plan_step *one = s + 1; one < p->steps + p->nsteps; one++) {
        struct runbook_row *row = run_row(r, one);

        if (plan_step_runs(one) && row != NULL && row->result == NULL)
            TRY(run_set(&row->result, "waits for consent to step %s", s->id));
    }
    return NULL;
}

struct err *
run_refuse(struct run *r, const struct plan_step *s)
{
    enum action_risk risk = s->action.kind->risk;
    struct text t = { 0 };

    if (!r->under_way || !plan_has_after(r->c->plan))
        return NULL;
    r->refused = s;
    r->halted = true;
    r->solved = r->other = false; /* it is looked at anew behind the last step */
    text_fmt(&t, "allow step %s (%s=%s). The repair waits there, and what was done stays. To "
                 "go on: ", s->id, run_allows(r), action_risk_name(risk));
    run_add_command(r, &t);
    text_str(&t, " ");
    run_add_source(r, &t);
    text_str(&t, " ");
    add_options(r, risk, &t);
    if (r->said != NULL && *r->said != '\0')
        text_fmt(&t, " --done=%s", r->said);
    struct err *e = t.no_memory ? fail(OutOfMemory) : run_set(&r->r->blocked, "%s", t.s);

    text_done(&t);
    return e == NULL ? tell_rows(r, s) : e;
}

/* The person's step that the refused one stands behind: the last that is said to be done, else
 * the first that something waits for. */
static const struct plan_step *
persons_before(const struct run *r)
{
    const struct plan *p = r->c->plan;

    for (const struct plan_step *s = r->refused; s > p->steps; s--)
        if (s[-1].action.kind->person && plan_ids_have(r->said, s[-1].id))
            return s - 1;
    for (const struct plan_step *s = p->steps; s < p->steps + p->nsteps; s++)
        if (s->when == PLAN_AFTER && plan_after_fits(p, s))
            return plan_find(p, s->of);
    return NULL;
}

struct err *
run_leave_waiting(struct run *r)
{
    const struct plan_step *of = r->waits != NULL ? r->waits : persons_before(r);

    return of == NULL ? NULL : run_note_wait(r, of, r->r->blocked);
}

/* ---- an earlier run that waits ---- */

struct err *
run_tell_open(struct run *r, const struct journal *j, bool changed)
{
    const struct journal_person *p = journal_person(j);
    struct text t = { 0 };

    text_fmt(&t, "a repair of %s is not at its end%s: %s To take it back instead: ",
        journal_code(j), changed ? ", and is not gone on with, since the article has other "
                                   "steps now; what it waits for" : "", p->what);
    run_add_command(r, &t);
    text_fmt(&t, " --undo %s", journal_id(j));
    struct err *e = t.no_memory ? fail(OutOfMemory) : run_set(&r->r->blocked, "%s", t.s);

    text_done(&t);
    r->r->outcome = RUNBOOK_BLOCKED;
    if (e == NULL && !plan_ids_have(p->done, p->step)) /* else it waits for a consent */
        e = run_set(&r->r->waits, "%s", p->step);
    if (e == NULL && r->r->cause == NULL) /* it was verified when the repair began */
        e = run_set(&r->r->cause, "%s", journal_code(j));
    if (e == NULL && r->r->journal == NULL)
        e = run_set(&r->r->journal, "%s", journal_id(j));
    return e;
}

/* The first of them that waits for a person, and the first that was killed. */
static struct err *
find_open(struct run *r, char *const *ids, struct journal **ret, const char **ret_killed)
{
    for (; *ids != NULL; ids++) {
        auto_ptr(journal) j = NULL;
        struct err *e = journal_open(r->policy->journals, *ids, &j);

        if (err_has(e, E_OutOfMemory))
            return e;
        err_free(e); /* somebody is at work with it by now */
        if (j != NULL && journal_person(j) != NULL && *ret == NULL)
            *ret = take(j);
        else if (j != NULL && journal_person(j) == NULL && *ret_killed == NULL)
            *ret_killed = *ids;
    }
    return NULL;
}

struct err *
run_tell_unfinished(struct run *r)
{
    auto_ptr(journal) waits = NULL;
    const char *killed = NULL;
    char **ids = NULL;
    struct err *e;

    if (r->policy->apply || r->policy->journals == NULL)
        return NULL;
    TRY(run_unfinished(r, &ids));
    e = find_open(r, ids, &waits, &killed);
    if (e == NULL && killed != NULL)
        e = run_set(&r->r->note, "an earlier run has no end: --apply goes on with it, --undo "
                                 "%s takes it back", killed);
    journal_ids_free(ids);
    TRY(e);
    return waits == NULL ? NULL : run_tell_open(r, waits, false);
}
