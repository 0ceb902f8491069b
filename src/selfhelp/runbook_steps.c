/* SPDX-License-Identifier: Apache-2.0 */
/* runbook_steps.c -- the moves of a run: probe, consent, one step with its journal, undo,
 * retry, wait.
 *
 * A failure of the target while a step is applied leaves open what took effect.  The step
 * counts as failed and stays in the list of what undo goes through, since undo works from the
 * record and does not care. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "codes.h"
#include "runbook_internal.h"
#include "stop.h"

enum { BUSY_STEP_MS = 30 * 1000 };

struct deadline
run_by(struct run *r, int64_t ms)
{
    int64_t left = (r->until_ns - target_now_ns(r->t)) / CLOCK_MS;

    return deadline_in_ms(left < 0 ? 0 : left < ms ? left : ms);
}

bool
run_out_of_time(struct run *r)
{
    return target_now_ns(r->t) >= r->until_ns;
}

struct err *
run_set(char **to, const char *format, ...)
{
    va_list args;
    char *s;

    va_start(args, format);
    int n = vasprintf(&s, format, args);
    va_end(args);
    if (n < 0)
        return fail(OutOfMemory);
    free(*to);
    *to = s;
    return NULL;
}

bool
run_is_install(const struct action *a)
{
    return action_is(a, "windows.installer.run") || action_is(a, "windows.msi.install") ||
        action_is(a, "linux.package.install") || action_is(a, "linux.package.install_file") ||
        action_is(a, "linux.package.upgrade");
}

/* What sets the system's installer right again. */
bool
run_is_register(const struct action *a)
{
    return action_is(a, "windows.installer.register") ||
        action_is(a, "linux.package.configure") || action_is(a, "linux.package.fix");
}

/* Failures that are not the machine's: the run ends with them. */
bool
run_is_own(const struct err *e)
{
    return err_has(e, E_OutOfMemory) || err_has(e, E_Interrupted);
}

struct runbook_row *
run_row(struct run *r, const struct plan_step *s)
{
    for (size_t i = 0; s != NULL && i < r->r->nrows; i++)
        if (r->r->rows[i].step == s)
            return &r->r->rows[i];
    return NULL;
}

struct err *
run_probe(struct run *r, enum remedy_state *ret)
{
    *ret = REMEDY_NOT;
    if (!r->has_naming || r->passing)
        return stop_check();
    TRY(run_probe_of(r, &r->naming, ret));
    return NULL;
}

struct err *
run_probe_of(struct run *r, const struct action *probe, enum remedy_state *ret)
{
    struct remedy_look l = { 0 };
    struct err *e;

    *ret = REMEDY_NOT;
    TRY(stop_check());
    for (int twice = 0; twice < 2; twice++) { /* one lost answer is no verdict */
        e = remedy_look(r->t, probe, run_by(r, RUNBOOK_STEP_MS), &l);
        if (e != NULL && run_is_own(e))
            return e;
        if (e == NULL) {
            *ret = l.state;
            remedy_look_done(&l);
            return NULL;
        }
        err_free(e);
    }
    return NULL;
}

struct err *
run_consents(struct run *r, const struct action *a, bool *ret)
{
    unsigned bit = 1U << a->kind->risk;
    auto_free char *change = NULL;

    *ret = a->kind->risk == RISK_READ || (r->consent & bit) != 0;
    if (*ret || r->policy->ask == NULL)
        return NULL;
    struct err *e = remedy_change(r->t, a, run_by(r, RUNBOOK_STEP_MS), &change);

    if (e != NULL && run_is_own(e))
        return e;
    err_free(e);
    *ret = r->policy->ask(r->policy->arg, a, change != NULL ? change : a->kind->about);
    if (*ret)
        r->consent |= bit;
    return NULL;
}

struct err *
run_open_journal(struct run *r)
{
    if (r->j != NULL)
        return NULL;
    TRY(journal_begin(r->policy->journals, run_identity(r->t), r->c->code, &r->j));
    journal_watch(r->j, r->policy->written, r->policy->arg);
    return NULL;
}

/* What is told of an apply: "failed: service (1601)". */
static struct err *
say_result(const struct remedy_done *d, const struct err *e, char **ret)
{
    if (e != NULL) {
        auto_free char *words = err_sentence(e);

        return words == NULL ? fail(OutOfMemory) : run_set(ret, "failed: %s", words);
    }
    if (d->end == REMEDY_FAILED && d->has_exit)
        return run_set(ret, "failed: %s (%u)", exitcode_class_name(d->class), d->exit);
    if (d->end == REMEDY_FAILED)
        return run_set(ret, "failed: %s", d->words != NULL ? d->words
                                                           : exitcode_class_name(d->class));
    const char *done = d->end == REMEDY_AFTER_RESTART ? "done, takes effect with a restart"
                                                      : "done";

    return d->has_exit && d->exit != 0
        ? run_set(ret, "%s: %s (%u)", done, exitcode_class_name(d->class), d->exit)
        : run_set(ret, "%s", done);
}

static struct err *
facts_of(const struct remedy_done *d, json_t **ret)
{
    *ret = json_object();
    if (*ret == NULL)
        return fail(OutOfMemory);
    if (d->has_exit)
        (void)json_object_set_new(*ret, "exit", json_integer((json_int_t)d->exit));
    if (d->words != NULL)
        (void)json_object_set_new(*ret, "words", json_string(d->words));
    return NULL;
}

/* Does another look say that it is so?  What nobody can look at is taken for done. */
static struct err *
verify(struct run *r, const struct action *a, bool *ret, char **ret_observed)
{
    struct remedy_look l = { 0 };
    struct err *e = remedy_look(r->t, a, run_by(r, RUNBOOK_STEP_MS), &l);

    *ret = e == NULL && l.state != REMEDY_NOT;
    if (e != NULL && run_is_own(e))
        return e;
    if (e == NULL)
        *ret_observed = take(l.observed);
    err_free(e);
    remedy_look_done(&l);
    return NULL;
}

/* A restart of a service or machine leaves nothing that could be looked at. */
bool
run_is_looked_at(const struct action *a)
{
    const char *want = action_get(a, "want");

    return a->kind->risk != RISK_RESTART && !run_is_install(a) &&
        (want == NULL || strcmp(want, "restarted") != 0);
}

static struct err *
settle(struct run *r, const struct action *a, size_t entry, struct remedy_done *d,
    struct err *machine, char **ret_told, enum step_end *ret)
{
    auto_free char *seen = NULL;
    json_t *facts = NULL;
    bool so = true;
    struct err *e = say_result(d, machine, ret_told);

    *ret = machine != NULL || d->end == REMEDY_FAILED ? STEP_FAILED
        : d->end == REMEDY_AFTER_RESTART ? STEP_AFTER_RESTART : STEP_DONE;
    if (e == NULL && *ret == STEP_DONE && run_is_looked_at(a))
        e = verify(r, a, &so, &seen);
    if (e == NULL && !so) {
        *ret = STEP_FAILED;
        e = run_set(ret_told, "failed: done, but %s", seen != NULL ? seen : "nothing shows it");
    }
    if (e == NULL)
        e = facts_of(d, &facts);
    if (e == NULL)
        e = journal_result(r->j, entry, *ret_told, facts);
    json_decref(facts);
    return e;
}

/* With an installer goes the start of the machine that it ran in: it may restart the machine
 * that firn is in, which ends this run without a word. */
static struct err *
record(struct run *r, const struct action *a, json_t **ret, char **ret_boot)
{
    TRY(remedy_record(r->t, a, ret));
    if (!run_is_install(a))
        return NULL;
    struct err *e = run_boot_id(r, ret_boot);

    if (e == NULL && *ret_boot != NULL &&
        json_object_set_new(*ret, "boot", json_string(*ret_boot)) != 0)
        e = fail(OutOfMemory);
    if (e != NULL) {
        json_decref(*ret);
        *ret = NULL;
    }
    return e;
}

struct err *
run_intend(struct run *r, const struct plan_step *s, const struct action *a,
    const json_t *before, size_t *ret_entry)
{
    if (r->napplied >= RUN_CHANGES_MAX)
        return fail(InputInvalid, "a plan", "it has too many steps");
    TRY(run_open_journal(r));
    if (r->r->journal == NULL)
        TRY(run_set(&r->r->journal, "%s", journal_id(r->j)));
    TRY(journal_intent(r->j, s == NULL ? "" : s->id, a, before, ret_entry));
    r->applied[r->napplied++] = (struct applied){ .entry = *ret_entry };
    return NULL;
}

/* Record, intent, apply, result. */
static struct err *
change(struct run *r, const struct plan_step *s, const struct action *a, char **ret_told,
    enum step_end *ret, enum exit_class *ret_class)
{
    int64_t ms = run_is_install(a) ? RUNBOOK_INSTALL_MS
        : a->kind->risk == RISK_RESTART ? RUNBOOK_RESTART_MS : RUNBOOK_STEP_MS;
    struct remedy_done d = { 0 };
    auto_free char *boot = NULL;
    json_t *before = NULL;
    size_t entry = 0;
    struct err *e = record(r, a, &before, &boot), *machine;

    if (e != NULL) { /* without a record nothing is changed */
        if (run_is_own(e))
            return e;
        *ret = STEP_FAILED;
        struct err *told = say_result(&d, e, ret_told);

        err_free(e);
        return told;
    }
    e = run_intend(r, s, a, before, &entry);
    if (e != NULL) {
        json_decref(before);
        return e;
    }
    machine = remedy_apply(r->t, a, before, run_by(r, ms), &d);
    json_decref(before);
    if (machine != NULL && run_is_own(machine)) {
        remedy_done_done(&d);
        return machine;
    }
    *ret_class = machine != NULL ? EXIT_UNKNOWN : d.class;
    if (*ret_class == EXIT_RESTARTING) /* perhaps there is no time left for another word */
        e = run_note_restart(r, boot, true);
    if (e == NULL)
        e = settle(r, a, entry, &d, machine, ret_told, ret);
    err_free(machine);
    remedy_done_done(&d);
    return e;
}

/* The same, with the services around it that need the one that it stops. */
static struct err *
change_within(struct run *r, const struct plan_step *s, const struct action *a,
    char **ret_told, enum step_end *ret, enum exit_class *ret_class)
{
    auto_ptr(run_dependents) d = NULL;
    bool ready;

    TRY(run_stop_dependents(r, s, a, &d, ret_told, &ready));
    if (ready)
        TRY(change(r, s, a, ret_told, ret, ret_class));
    else
        *ret = STEP_FAILED;
    TRY(run_start_dependents(r, s, d, *ret == STEP_FAILED, ret_told));
    return NULL;
}

static struct err *
count(struct run *r, const struct action *a, bool *ret_over)
{
    *ret_over = false;
    if (run_is_install(a))
        *ret_over = r->r->installs >= RUNBOOK_INSTALLS ||
            (r->restarts_itself && !run_may_restart(r));
    else if (action_is(a, "windows.installer.register"))
        /* the service that it deletes may stay, marked, until a restart that nobody would make:
         * not even undo could make it again */
        *ret_over = r->past_restarts > 0 && !run_may_restart(r);
    else if (a->kind->risk == RISK_RESTART)
        *ret_over = !run_may_restart(r);
    else if (a->kind->risk == RISK_OVERRIDE)
        *ret_over = r->r->overrides >= 1;
    return NULL;
}

/* STEP_ALREADY where a look says so; *ret_told then has it. */
static struct err *
already(struct run *r, const struct action *a, bool *ret, char **ret_told)
{
    struct remedy_look l = { 0 };
    struct err *e;

    *ret = false;
    if (!run_is_looked_at(a))
        return NULL;
    e = remedy_look(r->t, a, run_by(r, RUNBOOK_STEP_MS), &l);
    if (e != NULL && run_is_own(e))
        return e;
    if (e == NULL && l.state == REMEDY_HOLDS) {
        *ret = true;
        e = run_set(ret_told, "not needed: %s", l.observed);
        remedy_look_done(&l);
        return e;
    }
    err_free(e);
    remedy_look_done(&l);
    return NULL;
}

static struct err *
do_step(struct run *r, const struct plan_step *s, const struct action *a, char **ret_told,
    enum step_end *ret, enum exit_class *ret_class)
{
    auto_free char *why = NULL;
    bool yes, over;

    *ret_class = EXIT_OK;
    TRY(run_was_done(r, s, a, &yes, ret_told));
    if (yes) {
        *ret = STEP_ALREADY;
        return NULL;
    }
    TRY(count(r, a, &over));
    if (over && a->kind->risk == RISK_RESTART) { /* nor is it asked of a person */
        *ret = STEP_FAILED;
        return run_set(ret_told, "not done: the machine was restarted often enough");
    }
    *ret = STEP_CANNOT;
    if ((s != NULL && !plan_step_runs(s)) || !remedy_can(r->t, a, &why))
        return run_set(ret_told, "%s", why != NULL ? why : "for a person");
    /* registering anew repairs what no look can see, so it is not skipped; on a machine that
     * is off it writes no more than a look sees */
    if (!run_is_register(a) || r->t->offline) {
        TRY(already(r, a, &yes, ret_told));
        if (yes) {
            *ret = STEP_ALREADY;
            return run_start_stopped(r, s, a, ret_told);
        }
    }
    if (over || run_out_of_time(r)) {
        *ret = STEP_FAILED;
        return run_set(ret_told, "not done: %s", over ? "it was done often enough"
                                                      : "the time is over");
    }
    TRY(run_consents(r, a, &yes));
    if (!yes) {
        *ret = STEP_REFUSED;
        return run_set(ret_told, "not done: no consent for %s",
            action_risk_name(a->kind->risk));
    }
    TRY(change_within(r, s, a, ret_told, ret, ret_class));
    /* an attempt that found somebody else at work is none */
    r->r->installs += run_is_install(a) && *ret_class != EXIT_BUSY;
    r->r->restarts += a->kind->risk == RISK_RESTART;
    r->r->overrides += a->kind->risk == RISK_OVERRIDE;
    r->overridden |= a->kind->risk == RISK_OVERRIDE;
    r->restart_due |= *ret == STEP_AFTER_RESTART;
    return NULL;
}

struct err *
run_step(struct run *r, const struct plan_step *s, const struct action *a, enum step_end *ret,
    enum exit_class *ret_class)
{
    auto_free char *told = NULL;
    struct runbook_row *row = run_row(r, s);

    TRY(stop_check());
    TRY(do_step(r, s, a, &told, ret, ret_class));
    if (row == NULL && *ret == STEP_ALREADY)
        return NULL;
    if (row == NULL)
        TRY(run_add_row(r, NULL, a, &row));
    auto_free char *earlier = take(row->result);
    if (earlier != NULL) /* an installer that failed first, say */
        return run_set(&row->result, "%s; then %s", earlier, told);
    row->result = take(told);
    return NULL;
}

/* A change that undo leaves as it is: its row says why. */
static struct err *
tell_kept(struct run *r, const char *step, const char *kept)
{
    for (size_t i = 0; i < r->r->nrows; i++) {
        struct runbook_row *row = &r->r->rows[i];
        auto_free char *done = NULL;

        if (strcmp(row->id, step) != 0 || row->result == NULL)
            continue;
        done = take(row->result);
        return run_set(&row->result, "%s; left as it is: %s", done, kept);
    }
    return NULL;
}

/* A registry value, or what the first parameter names for one kind of action. */
bool
run_same_thing(const struct action *a, const struct action *b)
{
    const char *what = a->kind->param[0].name, *name = action_get(a, "name");
    const char *other = action_get(b, "name");
    bool value = what != NULL && strcmp(what, "key") == 0 && name != NULL && other != NULL;

    if (what == NULL || b->kind->param[0].name == NULL || a->value[0] == NULL ||
        b->value[0] == NULL || strcmp(what, b->kind->param[0].name) != 0)
        return false;
    return strcasecmp(a->value[0], b->value[0]) == 0 &&
        (value ? strcasecmp(name, other) == 0 : a->kind == b->kind);
}

bool
run_undo_waits(const struct journal *j, size_t i)
{
    for (size_t k = i + 1; k < journal_entries(j); k++)
        if (!journal_entry(j, k)->undone &&
            run_same_thing(&journal_entry(j, i)->action, &journal_entry(j, k)->action))
            return true;
    return false;
}

struct err *
run_undo(struct run *r, size_t first, bool *ret_all)
{
    *ret_all = true;
    for (size_t i = r->napplied; i > first; i--) {
        struct applied *a = &r->applied[i - 1];
        auto_free char *kept = NULL;

        if (a->undone)
            continue;
        if (run_undo_waits(r->j, a->entry)) {
            *ret_all = false;
            continue;
        }
        const struct journal_entry *j = journal_entry(r->j, a->entry);
        struct err *e = remedy_undo(r->t, &j->action, j->before,
            deadline_in_ms(RUNBOOK_INSTALL_MS), &kept);

        if (e != NULL && run_is_own(e))
            return e;
        if (e != NULL) {
            err_free(e);
            *ret_all = false;
            continue;
        }
        TRY(journal_undone(r->j, a->entry, kept));
        if (kept != NULL)
            TRY(tell_kept(r, j->step, kept));
        a->undone = true;
        r->r->undone = true;
        if (j->action.kind->risk == RISK_OVERRIDE)
            r->overridden = false;
    }
    return NULL;
}

struct err *
run_retry(struct run *r)
{
    enum remedy_state now;

    r->other = false;
    if (r->policy->retry == NULL) {
        TRY(run_probe(r, &now));
        r->solved = now == REMEDY_HOLDS;
        return NULL;
    }
    err_free(r->r->why);
    r->r->why = NULL;
    r->r->retried = true;
    TRY(r->policy->retry(r->policy->arg, run_by(r, RUNBOOK_RETRY_MS), &r->r->why));
    r->solved = r->r->why == NULL;
    if (!r->solved) {
        const char *code = r->c == NULL ? NULL : r->c->code;
        bool same = code == NULL;

        for (const struct err *e = r->r->why; e != NULL && !same; e = err_cause(e))
            same = strcasecmp(err_id(e), code) == 0;
        r->other = !same;
    }
    return NULL;
}

struct err *
run_wait_idle(struct run *r, bool *ret_idle)
{
    int64_t until = target_now_ns(r->t) + RUNBOOK_BUSY_MS * CLOCK_MS;
    bool busy;

    for (;;) {
        struct err *e = target_installer_busy(r->t, &busy, NULL);

        if (e != NULL && run_is_own(e))
            return e;
        *ret_idle = e != NULL || !busy; /* who cannot tell is not waited for */
        err_free(e);
        if (*ret_idle || target_now_ns(r->t) >= until || run_out_of_time(r))
            return NULL;
        TRY(target_wait(r->t, BUSY_STEP_MS));
    }
}
