/* SPDX-License-Identifier: Apache-2.0 */
/* runbook_restart.c -- restarts: those of this run, and what earlier ones for the same cause
 * cost the machine.
 *
 * A run that is inside of the machine ends with each restart, and one that asks a person for a
 * restart ends before it.  So the budget of restarts is kept in the journals: each tells in
 * which start of the machine it made a restart or waited for one.  A start that the machine is
 * still in was not followed by any; every other one was, and counts once, however many runs
 * there were in it. */
#include <string.h>

#include "codes.h"
#include "runbook_internal.h"

enum { BOOT_STEP_MS = 5 * 1000 };

struct err *
run_boot_id(struct run *r, char **ret)
{
    struct err *e = target_boot_id(r->t, ret);

    if (e != NULL && run_is_own(e))
        return e;
    err_free(e); /* then starts cannot be told apart: each counts */
    return NULL;
}

struct err *
run_note_restart(struct run *r, const char *boot, bool itself)
{
    TRY(run_open_journal(r));
    TRY(journal_wait(r->j, boot, itself));
    return NULL;
}

struct err *
run_ask_restart(struct run *r)
{
    if (r->r->blocked != NULL)
        return NULL;
    r->asks_restart = true;
    return run_set(&r->r->blocked, "restart the machine, then run the doctor again%s%s%s",
        (r->t->can & TARGET_RESTART) != 0 ? " (or " : "",
        (r->t->can & TARGET_RESTART) != 0 ? run_allows(r) : "",
        (r->t->can & TARGET_RESTART) != 0 ? "=restart)" : "");
}

unsigned
run_restarts(const struct run *r)
{
    return r->past_restarts + r->r->restarts + r->r->own_restarts;
}

bool
run_may_restart(const struct run *r)
{
    return run_restarts(r) < RUNBOOK_RESTARTS;
}

/* ---- earlier runs ---- */

struct past {
    struct run *r;
    char *now; /* the start that the machine is in, or NULL */
    char *seen[RUNBOOK_RESTARTS]; /* starts that were counted; more need not be told apart */
    size_t nseen;
    struct err *failed;
};

static void
count_start(struct past *p, const char *boot)
{
    if (boot != NULL && p->now != NULL && strcmp(boot, p->now) == 0)
        return;
    for (size_t i = 0; boot != NULL && i < p->nseen; i++)
        if (strcmp(boot, p->seen[i]) == 0)
            return;
    p->r->past_restarts++;
    if (boot == NULL || p->nseen == RUNBOOK_RESTARTS)
        return;
    p->seen[p->nseen] = strdup(boot);
    if (p->seen[p->nseen++] == NULL)
        p->failed = fail(OutOfMemory);
}

/* An installer without a result, and a machine that has started since: it was restarted while
 * the installer ran. */
static bool
ended_the_run(const struct past *p, const struct journal_entry *e, const char *boot)
{
    return run_is_install(&e->action) && e->result == NULL && boot != NULL && p->now != NULL &&
        strcmp(boot, p->now) != 0;
}

static void
count_entry(struct past *p, const struct journal_entry *e)
{
    const char *boot = json_string_value(json_object_get(e->before, "boot"));
    bool ended = ended_the_run(p, e, boot);

    if (ended || action_is(&e->action, "machine.restart"))
        count_start(p, boot);
    p->r->restarts_itself |= ended;
}

static bool
each_run(void *arg, const struct journal *j)
{
    struct past *p = arg;
    const char *outcome = journal_outcome(j);

    if (outcome != NULL && strcmp(outcome, runbook_outcome_name(RUNBOOK_REPAIRED)) == 0)
        return false;
    for (size_t i = 0; p->failed == NULL && i < journal_nwaits(j); i++) {
        const struct journal_wait *w = journal_wait_at(j, i);

        count_start(p, w->boot);
        p->r->restarts_itself |= w->itself;
    }
    for (size_t i = 0; p->failed == NULL && i < journal_entries(j); i++)
        count_entry(p, journal_entry(j, i));
    return p->failed == NULL;
}

struct err *
run_look_back(struct run *r)
{
    struct past p = { .r = r };

    r->past_restarts = 0;
    TRY(run_boot_id(r, &p.now));
    if (r->j != NULL) /* one that is gone on with */
        (void)each_run(&p, r->j);
    struct err *e = journal_recent(r->policy->journals, run_identity(r->t), r->c->code,
        RUNBOOK_RESTARTS_DAYS, each_run, &p);

    free(p.now);
    for (size_t i = 0; i < p.nseen; i++)
        free(p.seen[i]);
    return e == NULL ? p.failed : err_also(e, p.failed);
}

/* ---- this run ---- */

/* A machine that is out of reach now is no failure of the run: the journal stays open. */
static struct err *
keep_installer(struct run *r, const json_t *before)
{
    struct err *e = remedy_keep_installer(r->t, before);

    if (e != NULL && run_is_own(e))
        return e;
    err_free(e); /* undo meets it again, and tells */
    return NULL;
}

struct err *
run_keep_installer(struct run *r)
{
    if (r->installer != NULL)
        TRY(keep_installer(r, r->installer));
    for (size_t i = 0; i < r->napplied; i++) {
        const struct journal_entry *j = journal_entry(r->j, r->applied[i].entry);

        if (action_is(&j->action, "windows.installer.register"))
            TRY(keep_installer(r, j->before));
    }
    return NULL;
}

struct err *
run_await_boot(struct run *r, const char *old, bool *ret_back)
{
    int64_t until = target_now_ns(r->t) + RUNBOOK_RESTART_MS * CLOCK_MS;

    *ret_back = false;
    r->restarts_itself = true;
    r->r->own_restarts++;
    while (target_now_ns(r->t) < until) {
        auto_free char *now = NULL;
        struct err *e = target_boot_id(r->t, &now);

        if (e != NULL && run_is_own(e))
            return e;
        *ret_back = e == NULL && strcmp(now, old) != 0;
        err_free(e); /* it is not back yet */
        if (*ret_back) {
            r->restart_due = false;
            return run_keep_installer(r);
        }
        TRY(target_wait(r->t, BOOT_STEP_MS));
    }
    return NULL;
}

struct err *
run_restart(struct run *r, const struct plan_step *s, enum step_end *ret)
{
    struct action a;
    enum exit_class class;

    if (s != NULL) {
        TRY(run_step(r, s, &s->action, ret, &class));
    } else {
        action_init(&a, action_find("machine.restart"));
        TRY(run_step(r, NULL, &a, ret, &class));
    }
    if (*ret == STEP_DONE)
        r->restart_due = false;
    r->restart_failed |= *ret == STEP_FAILED;
    TRY(run_keep_installer(r)); /* also after a lost answer: it may have restarted */
    return NULL;
}
