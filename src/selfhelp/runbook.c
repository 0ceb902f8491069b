/* SPDX-License-Identifier: Apache-2.0 */
/* runbook.c -- one run for a verified cause and the word that it ends in; runs of earlier days
 * that were killed; undo by name. */
#include <stdio.h>
#include <string.h>

#include "codes.h"
#include "runbook_internal.h"
#include "text.h"

static bool
worth_a_look(const struct action *a)
{
    return !a->kind->person && !action_is(a, "operation.retry") &&
        !action_is(a, "machine.wait") && action_complete(a);
}

struct err *
run_fill_rows(struct run *r)
{
    const struct plan *p = r->c->plan;

    runbook_rows_free(&r->r->rows, &r->r->nrows);
    for (size_t i = 0; i < p->nsteps; i++) {
        const struct action *a = &p->steps[i].action;
        struct remedy_look l = { 0 };
        struct runbook_row *row;
        struct err *e;

        TRY(run_add_row(r, &p->steps[i], a, &row));
        if (!worth_a_look(a))
            continue;
        e = remedy_look(r->t, a, run_by(r, RUNBOOK_STEP_MS), &l);
        row->probe = e == NULL ? take(l.observed) : strdup(err_message(e));
        err_free(e);
        remedy_look_done(&l);
        if (a->kind->risk == RISK_READ)
            continue;
        e = remedy_change(r->t, a, run_by(r, RUNBOOK_STEP_MS), &row->change);
        if (err_has(e, E_OutOfMemory))
            return e;
        err_free(e);
    }
    return NULL;
}

/* ---- the end of a run ---- */

/* Was a check switched off before this run? */
static struct err *
masked_by(struct run *r, const struct plan *p, const struct plan_step **ret)
{
    for (size_t i = 0; i < p->nsteps && *ret == NULL; i++) {
        struct remedy_look l = { 0 };
        struct err *e;

        if (p->steps[i].action.kind->risk != RISK_OVERRIDE || !plan_step_runs(&p->steps[i]))
            continue;
        e = remedy_look(r->t, &p->steps[i].action, run_by(r, RUNBOOK_STEP_MS), &l);
        if (err_has(e, E_OutOfMemory))
            return e;
        if (e == NULL && l.state == REMEDY_HOLDS)
            *ret = &p->steps[i];
        err_free(e);
        remedy_look_done(&l);
    }
    return NULL;
}

/* By an override of this cause's article, or of one that was repaired before it. */
static struct err *
masked_before(struct run *r, const struct plan_step **ret)
{
    *ret = NULL;
    if (r->overridden)
        return NULL;
    TRY(masked_by(r, r->c->plan, ret));
    for (size_t i = 0; i + 1 < r->ntreated && *ret == NULL; i++)
        if (r->treated[i].kept)
            TRY(masked_by(r, r->treated[i].c->plan, ret));
    return NULL;
}

/* An override of earlier days comes back when its removal, from step ${first} on, failed or
 * showed that the operation needs it.  A machine may be out of reach for a moment. */
static struct err *
put_back(struct run *r, size_t first, const struct plan_step *s)
{
    bool all = false;

    for (int tries = 0; tries < 2 && !all; tries++)
        TRY(run_undo(r, first, &all));
    r->r->undone = false; /* what was done for the cause stays */
    if (all)
        return NULL;
    r->r->outcome = RUNBOOK_BLOCKED;
    return run_set(&r->r->blocked, "the operation may need %s, which was set earlier and could "
                                   "not be put back", action_get(&s->action, "name"));
}

/* The repair is real: an override of earlier days has no reason any more. */
static struct err *
offer_removal(struct run *r, const struct plan_step *s)
{
    struct action a;
    size_t before = r->napplied;
    enum exit_class class;
    enum step_end end;
    struct err *e;

    TRY(run_set(&r->r->note, "%s is still set from earlier and switches a check off; the cause "
                             "is repaired, so it can be removed",
        action_get(&s->action, "name")));
    action_init(&a, action_find("windows.registry.delete"));
    if (!action_set(&a, "key", action_get(&s->action, "key")) ||
        !action_set(&a, "name", action_get(&s->action, "name"))) {
        action_done(&a);
        return fail(OutOfMemory);
    }
    if ((r->consent & 1U << RISK_OVERRIDE) == 0) {
        action_done(&a);
        return NULL;
    }
    r->consent |= 1U << RISK_CONFIG; /* the key of the override, which was allowed */
    e = run_step(r, NULL, &a, &end, &class);
    action_done(&a);
    TRY(e);
    if (end != STEP_DONE)
        return put_back(r, before, s);
    TRY(run_retry(r));
    if (r->solved)
        return run_set(&r->r->note, "%s, set earlier, is removed",
            action_get(&s->action, "name"));
    /* the check fails although its reason is gone */
    r->r->outcome = RUNBOOK_MASKED;
    TRY(put_back(r, before, s));
    TRY(run_retry(r));
    if (r->r->outcome == RUNBOOK_BLOCKED)
        return NULL;
    return run_set(&r->r->note, "the cause is repaired, but the operation works only while %s "
                                "is set, as it was before",
        action_get(&s->action, "name"));
}

/* Are the causes still away that were repaired before this one? */
static struct err *
earlier_hold(struct run *r, bool *ret)
{
    *ret = true;
    for (size_t i = 0; i + 1 < r->ntreated && *ret; i++) {
        enum remedy_state now = REMEDY_HOLDS;

        if (r->treated[i].kept)
            TRY(run_probe_of(r, &r->treated[i].naming, &now));
        *ret = now != REMEDY_NOT;
    }
    return NULL;
}

static struct err *
judge_solved(struct run *r)
{
    const struct plan_step *earlier;
    enum remedy_state now;
    bool others;

    TRY(run_probe(r, &now));
    TRY(masked_before(r, &earlier));
    TRY(earlier_hold(r, &others));
    bool turned = r->has_naming && now == REMEDY_HOLDS && others;

    r->r->outcome = turned && !r->overridden ? RUNBOOK_REPAIRED : RUNBOOK_MASKED;
    if (r->r->outcome == RUNBOOK_MASKED && !r->overridden)
        TRY(run_set(&r->r->note, r->has_naming
                ? "the operation works%s, but the cause is still there"
                : "the operation works%s; no look can tell whether the cause is gone",
            earlier != NULL ? " since a check is switched off" : ""));
    if (r->r->outcome == RUNBOOK_REPAIRED && earlier != NULL)
        TRY(offer_removal(r, earlier));
    if (r->r->outcome == RUNBOOK_REPAIRED && r->policy->retry == NULL && r->r->note == NULL)
        TRY(run_tell_proof(r));
    return NULL;
}

/* How to come back to this run, as a line to type. */
static struct err *
tell_incomplete(struct run *r)
{
    struct text command = { 0 };
    struct err *e = NULL;

    run_add_command(r, &command);
    if (command.no_memory)
        e = fail(OutOfMemory);
    else
        e = run_set(&r->r->blocked, "not all could be undone: %s --undo %s when the machine "
                                    "answers", command.s, journal_id(r->j));
    text_done(&command);
    return e;
}

/* What was done takes effect with the restart that is asked for: it stays, and the journal has
 * no end until then. */
static struct err *
leave_open(struct run *r, const char *boot)
{
    if (strstr(r->r->blocked, "restart the machine") == NULL &&
        strstr(r->r->blocked, "=restart)") == NULL) { /* "/norestart" asks for none */
        auto_free char *first = strdup(r->r->blocked);

        TRY(run_set(&r->r->blocked, "%s; and restart the machine, then run the doctor again",
            first == NULL ? "" : first));
    }
    return r->j != NULL ? run_note_restart(r, boot, false) : NULL;
}

/* All that was done is a person's, and neither a look nor the operation can tell of it here. */
static bool
proves_nothing(const struct run *r)
{
    return !r->has_naming && r->policy->retry == NULL && r->napplied == 0 &&
        r->said != NULL && r->r->blocked == NULL;
}

/* *ret_open: the journal stays without an end. */
static struct err *
judge_unsolved(struct run *r, bool *ret_open)
{
    auto_free char *boot = NULL;
    enum remedy_state now;
    bool all = true;

    *ret_open = false;
    /* the person must find what was made ready for that step */
    if (r->waits != NULL || r->refused != NULL) {
        r->r->outcome = RUNBOOK_BLOCKED;
        *ret_open = true;
        return run_leave_waiting(r);
    }
    if (proves_nothing(r)) {
        r->r->outcome = RUNBOOK_BLOCKED;
        return run_set(&r->r->blocked,
            "start the operation again: only that shows whether it helped");
    }
    TRY(run_probe(r, &now));
    if (r->other && now == REMEDY_HOLDS && !r->overridden) {
        r->treated[r->ntreated - 1].kept = true;
        r->r->outcome = RUNBOOK_ESCALATED;
        return run_set(&r->r->note,
            "%s is repaired; the operation fails for another reason: %s", r->c->code,
            err_id(r->r->why));
    }
    r->r->outcome = r->r->blocked != NULL ? RUNBOOK_BLOCKED : RUNBOOK_ESCALATED;
    if (r->keep)
        return NULL;
    TRY(run_boot_id(r, &boot));
    if (r->restart_due && r->r->blocked != NULL && !r->overridden && run_may_restart(r)) {
        *ret_open = true;
        return leave_open(r, boot);
    }
    if (r->asks_restart) /* it counts, although nothing waits for it */
        TRY(run_note_restart(r, boot, false));
    TRY(run_undo(r, 0, &all));
    if (!all) {
        *ret_open = true;
        r->r->outcome = RUNBOOK_BLOCKED; /* nothing else is tried on such a machine */
        TRY(tell_incomplete(r));
    }
    return NULL;
}

static struct err *
finish(struct run *r)
{
    bool open = false;

    TRY(run_keep_installer(r));
    if (r->solved)
        TRY(run_start_rest(r));
    if (!r->halted)
        TRY(run_pass(r));
    TRY(run_last_start(r));
    if (r->solved)
        TRY(judge_solved(r));
    else
        TRY(judge_unsolved(r, &open));
    TRY(run_tell_down(r));
    if (r->j != NULL && !open)
        TRY(journal_end(r->j, runbook_outcome_name(r->r->outcome)));
    return NULL;
}

/* On a disk that is off nothing can be installed, so most repairs are only begun there.  The
 * tree of a Linux system is off too, but its packages can be installed and its libraries
 * looked for: there a repair is proved, or taken back, as anywhere. */
static bool
proof_must_wait(const struct target *t)
{
    return t->offline && (t->can & (TARGET_PROGRAMS | TARGET_PACKAGES)) == 0;
}

struct err *
run_one(struct run *r)
{
    TRY(run_fill_rows(r));
    if (!r->policy->apply) {
        r->r->outcome = RUNBOOK_FOUND;
        return NULL;
    }
    TRY(run_look_back(r));
    if (proof_must_wait(r->t))
        TRY(run_offline(r));
    else if (r->policy->order == RUNBOOK_ARTICLE)
        TRY(run_article(r));
    else
        TRY(run_safe(r));
    TRY(finish(r));
    return NULL;
}

/* ---- runs of earlier days ---- */

/* The cause of an earlier run: one of the candidates, or one that an earlier run went on to. */
static struct err *
cause_of(struct run *r, const char *code, const struct runbook_candidate *c, size_t n,
    const struct runbook_candidate **ret)
{
    *ret = NULL;
    for (size_t i = 0; i < n && *ret == NULL; i++)
        if (strcasecmp(c[i].code, code) == 0)
            *ret = &c[i];
    if (*ret == NULL && r->policy->find != NULL)
        TRY(r->policy->find(r->policy->arg, code, NULL, ret));
    return NULL;
}

/* A run that waited for a restart: did it help? */
static struct err *
take_up(struct run *r, struct journal *j, const struct runbook_candidate *c, size_t n,
    bool *ret_helped)
{
    enum remedy_state now;

    *ret_helped = false;
    TRY(cause_of(r, journal_code(j), c, n, &r->c));
    if (r->c != NULL) {
        TRY(run_find_naming(r));
        TRY(run_pass(r)); /* a restart is asked for behind the last step */
        TRY(run_probe(r, &now));
        *ret_helped = now == REMEDY_HOLDS;
    }
    for (size_t i = 0; *ret_helped && i < journal_entries(j); i++) {
        const struct journal_entry *e = journal_entry(j, i);

        if (action_is(&e->action, "windows.installer.register"))
            TRY(remedy_keep_installer(r->t, e->before));
    }
    if (*ret_helped)
        TRY(journal_end(j, runbook_outcome_name(RUNBOOK_REPAIRED)));
    return NULL;
}

/* The first change that stays, of the lines of an undoing. */
struct first_kept {
    char *line;
    bool no_memory;
};

static void
keep_first(void *arg, const char *text)
{
    static const char undone[] = ": undone";
    struct first_kept *f = arg;
    size_t len = strlen(text), end = sizeof(undone) - 1;

    if (f->line != NULL || (len >= end && strcmp(text + len - end, undone) == 0))
        return;
    f->line = strdup(text);
    f->no_memory = f->line == NULL;
}

/* Take the run ${id} back, and tell what stays of it. */
static struct err *
undo_past(struct run *r, const char *id)
{
    struct first_kept first = { 0 };
    size_t kept;
    struct err *e = runbook_undo(r->t, r->policy->journals, id, keep_first, &first, &kept);

    if (e == NULL && first.no_memory)
        e = fail(OutOfMemory);
    if (e == NULL && kept > 0)
        e = run_set(&r->r->note, "not all of the repair %s, which was broken off, is undone; "
            "changes that stay: %zu; %s", id, kept, first.line != NULL ? first.line : "");
    free(first.line);
    return e;
}

/* *ret_open: it waits for a person, and still does. */
static struct err *
finish_one(struct run *r, const char *id, const struct runbook_candidate *c, size_t n,
    bool *ret_clean, bool *ret_open)
{
    auto_ptr(journal) j = NULL;
    bool helped = false;
    struct err *e;

    TRY(journal_open(r->policy->journals, id, &j));
    *ret_open = journal_person(j) != NULL;
    if (*ret_open) {
        TRY(run_meet(r, &j, c, n, &helped));
        *ret_clean &= helped;
        return NULL;
    }
    if (journal_waits(j))
        TRY(take_up(r, j, c, n, &helped));
    if (helped)
        return NULL;
    journal_free(take(j)); /* its lock with it */
    e = undo_past(r, id);
    if (err_code(e) != E_UndoIncomplete)
        return e;
    *ret_clean = false;
    struct err *told = run_set(&r->r->blocked, "%s", err_message(e));

    err_free(e);
    return told;
}

/* Append ${n} ids, which are taken, to the ${had} that the report tells of. */
static struct err *
tell_finished(struct run *r, char **ids, size_t had, size_t n)
{
    char **all = realloc(r->r->finished, (had + n + 1) * sizeof(*all));

    if (all == NULL) {
        journal_ids_free(ids);
        return fail(OutOfMemory);
    }
    memcpy(all + had, ids, (n + 1) * sizeof(*all));
    free(ids);
    r->r->finished = all;
    return NULL;
}

/* Some of the runs that were killed, newest first; *ret_more: there may be others. */
static struct err *
finish_some(struct run *r, const struct runbook_candidate *c, size_t n, bool *ret_clean,
    bool *ret_more)
{
    char **ids = NULL;
    size_t had = 0, some = 0, over = 0;
    struct err *e = NULL;
    bool open = false;

    while (r->r->finished != NULL && r->r->finished[had] != NULL)
        had++;
    TRY(run_unfinished(r, &ids));
    for (; ids[some] != NULL; some++) {
        if (e == NULL)
            e = finish_one(r, ids[some], c, n, ret_clean, &open);
        if (e != NULL || open)
            free(ids[some]);
        else
            ids[over++] = ids[some];
    }
    ids[over] = NULL;
    *ret_more = some == JOURNAL_UNFINISHED_MAX && *ret_clean;
    struct err *told = tell_finished(r, ids, had, over);

    return e == NULL ? told : err_also(e, told);
}

/* Runs of this machine that were killed are undone first. */
static struct err *
finish_past(struct run *r, const struct runbook_candidate *c, size_t n, bool *ret_clean)
{
    bool more = r->policy->apply;

    *ret_clean = true;
    while (more)
        TRY(finish_some(r, c, n, ret_clean, &more));
    return NULL;
}

struct err *
runbook_run(struct target *t, const struct runbook_candidate *c, size_t n,
    const struct runbook_policy *policy, struct runbook_report **ret)
{
    auto_ptr(runbook_report) report = calloc(1, sizeof(*report));
    struct run *r = calloc(1, sizeof(*r));
    struct err *e = NULL;
    bool clean;

    if (r == NULL || report == NULL) {
        free(r);
        return fail(OutOfMemory);
    }
    r->t = t;
    r->policy = policy;
    r->r = report;
    r->first = c;
    r->consent = policy->consent;
    r->until_ns = target_now_ns(t) + RUNBOOK_TOTAL_MS * CLOCK_MS;
    e = finish_past(r, c, n, &clean);
    if (e == NULL && !clean)
        report->outcome = RUNBOOK_BLOCKED;
    else if (e == NULL)
        e = run_triage(r, c, n);
    if (e == NULL)
        e = run_tell_unfinished(r);
    if (e == NULL && report->outcome == RUNBOOK_ESCALATED && policy->bundles != NULL)
        e = run_bundle(r);
    journal_free(r->j);
    journal_free(r->open);
    free(r->said);
    json_decref(r->changes);
    json_decref(r->installer);
    action_done(&r->naming);
    for (size_t i = 0; i < r->ntreated; i++)
        action_done(&r->treated[i].naming);
    free(r->looked);
    free(r);
    TRY(e);
    *ret = take(report);
    return NULL;
}

/* ---- undo by name ---- */

static struct err *
undo_entry(struct target *t, struct journal *j, size_t i,
    void (*line)(void *arg, const char *text), void *arg, size_t *kept_count)
{
    const struct journal_entry *entry = journal_entry(j, i);
    auto_free char *kept = NULL, *text = action_text(&entry->action), *said = NULL;

    if (text == NULL)
        return fail(OutOfMemory);
    TRY(remedy_undo(t, &entry->action, entry->before, deadline_in_ms(RUNBOOK_INSTALL_MS),
        &kept));
    TRY(journal_undone(j, i, kept));
    *kept_count += kept != NULL;
    TRY(run_set(&said, "%s: %s", text, kept != NULL ? kept : "undone"));
    if (line != NULL)
        line(arg, said);
    return NULL;
}

struct err *
runbook_undo(struct target *t, const char *folder, const char *id,
    void (*line)(void *arg, const char *text), void *arg, size_t *ret_kept)
{
    auto_ptr(journal) j = NULL;
    auto_free char *first = NULL;
    struct err *worst = NULL;

    *ret_kept = 0;
    TRY(journal_open(folder, id, &j));
    if (!run_is_of(j, t))
        return fail(InputInvalid, id, "it is a run on another machine");
    for (size_t i = journal_entries(j); i > 0; i--) {
        struct err *e;

        if (journal_entry(j, i - 1)->undone || run_undo_waits(j, i - 1))
            continue; /* what it waits for has failed, and is told */
        e = undo_entry(t, j, i - 1, line, arg, ret_kept);
        if (e == NULL)
            continue;
        if (first == NULL)
            first = action_text(&journal_entry(j, i - 1)->action);
        worst = err_also(worst, e);
    }
    if (worst != NULL)
        return err_because(fail(UndoIncomplete, id, first == NULL ? "" : first), worst);
    TRY(journal_end(j, "undone"));
    return NULL;
}
