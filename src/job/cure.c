/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "codes.h"
#include "cure.h"
#include "doctor.h"
#include "job_internal.h"
#include "job_target.h"
#include "stop.h"

static const char fact[] = "cured.";

/* What the calls of runbook.h need. */
struct curing {
    const struct cure *c;
    struct target *t;
    bool guest;
    struct doctor_causes causes;
    struct err *why; /* the stage's first failure */
    bool worked;     /* its last run did */
    bool told;       /* what is returned has the stage's failure */
};

static struct err *
try_again(void *arg, struct deadline by, struct err **ret_why)
{
    struct curing *x = arg;

    (void)by; /* a stage has deadlines of its own */
    *ret_why = NULL;
    if (x->guest)
        job_target_let_go(x->t);
    struct err *e = stage_run(x->c->stages, x->c->stage, x->c->arg);
    struct err *lost = x->guest ? job_target_take_up(x->t) : NULL;

    x->worked = e == NULL;
    *ret_why = lost == NULL ? e : NULL;
    return lost == NULL ? NULL : err_also(lost, e);
}

static struct err *
find_cause(void *arg, const char *code, const struct err *why,
    const struct runbook_candidate **ret)
{
    struct curing *x = arg;

    return doctor_cause_add(&x->causes, x->t, code, why, NULL, ret);
}

/* The outermost code of the failure that this machine can be looked at or repaired for. */
static struct err *
find_first(struct curing *x, const struct runbook_candidate **ret)
{
    *ret = NULL;
    TRY(doctor_causes(x->t, err_id(x->why), NULL, NULL, NULL, &x->causes));
    for (const struct err *e = x->why; e != NULL && *ret == NULL; e = err_cause(e))
        TRY(doctor_cause_add(&x->causes, x->t, err_id(e), e, NULL, ret));
    return NULL;
}

/* ---- what the point and the user are told ---- */

static struct err *
note_cured(struct curing *x, const char *code, const char *journal)
{
    auto_free char *name = NULL;

    if (code == NULL || journal == NULL)
        return NULL;
    if (asprintf(&name, "%s%s", fact, code) < 0)
        return fail(OutOfMemory);
    errno = 0;
    job_warn(x->c->stages->j, fail(BackupCured, code, x->t->name, journal));
    return chain_facts_add(x->c->facts, name, journal);
}

static struct err *
note_report(struct curing *x, const struct runbook_report *r)
{
    struct err *weaker = NULL;

    for (size_t i = 0; i < r->nearlier; i++)
        if (!r->earlier[i].undone)
            TRY(note_cured(x, r->earlier[i].code, r->earlier[i].journal));
    if (!r->undone)
        TRY(note_cured(x, r->cause, r->journal));
    TRY(doctor_judge(x->t, r, &weaker));
    if (weaker == NULL)
        return NULL;
    struct err *e = chain_facts_add(x->c->facts, err_id(weaker),
        r->cause != NULL ? r->cause : "");
    job_warn(x->c->stages->j, weaker);
    return e;
}

static bool
is_cured(enum runbook_outcome o)
{
    return o == RUNBOOK_REPAIRED || o == RUNBOOK_MASKED || o == RUNBOOK_HEALTHY;
}

/* ---- the run ---- */

/* The failure of the stage as it is now and, beside it, how the cure ended. */
static struct err *
failed_still(struct curing *x, struct runbook_report *r)
{
    struct err *weaker = NULL, *e = doctor_judge(x->t, r, &weaker);

    err_free(weaker); /* the backup fails, which says more */
    return err_also(r->why != NULL ? take(r->why) : take(x->why), e);
}

static struct err *
run_book(struct curing *x, const struct runbook_candidate *first)
{
    const struct job *j = x->c->stages->j;
    auto_free char *folder = NULL;
    auto_ptr(runbook_report) report = NULL;
    struct runbook_policy policy = { .apply = true, .consent = x->c->allowed->consent,
        .order = RUNBOOK_SAFE, .retry = try_again, .find = find_cause, .arg = x,
        .allows = "--cure" };

    TRY(journal_folder(&folder));
    policy.journals = policy.bundles = folder;
    TRY(runbook_run(x->t, first, 1, &policy, &report));
    if (x->c->allowed->report != NULL)
        TRY(x->c->allowed->report(j->arg, x->t, report));
    x->told = !x->worked || !is_cured(report->outcome);
    if (x->told)
        return failed_still(x, report);
    return note_report(x, report);
}

static struct err *
cure(struct curing *x)
{
    const struct runbook_candidate *first;

    TRY(job_target_open(x->c->target, &x->t, &x->guest));
    TRY(find_first(x, &first));
    if (first != NULL)
        return run_book(x, first);
    x->told = true;
    return take(x->why);
}

/* Without a target or a plan the failure is as it would be without --cure. */
struct err *
cure_run(const struct cure *c)
{
    struct curing x = { .c = c, .why = stage_run(c->stages, c->stage, c->arg) };

    if (x.why == NULL || c->allowed == NULL || c->target == NULL || stop_requested())
        return x.why;
    struct err *e = cure(&x);

    if (e != NULL && !x.told) /* the cure could not be tried, or not be ended */
        e = err_also(take(x.why), e);
    err_free(x.why);
    doctor_causes_done(&x.causes);
    target_free(x.t);
    return e;
}
