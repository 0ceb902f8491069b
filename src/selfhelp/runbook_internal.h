/* SPDX-License-Identifier: Apache-2.0 */
/* runbook_internal.h -- one run in progress, and the moves that both orders are made of. */
#ifndef RUNBOOK_INTERNAL_H
#define RUNBOOK_INTERNAL_H

#include "runbook.h"
#include "text.h"

/* A change that was begun, and what undo needs. */
struct applied {
    size_t entry; /* of the journal */
    bool undone;
    bool down;    /* a service that ran before, was stopped for another, and does not start */
};

/* Steps, and the services that are stopped around them. */
enum { RUN_CHANGES_MAX = 2 * PLAN_STEPS_MAX };

/* What a step came to. */
enum step_end {
    STEP_DONE,          /* applied, and another look says so */
    STEP_ALREADY,       /* it was so */
    STEP_AFTER_RESTART,
    STEP_FAILED,
    STEP_REFUSED,       /* no consent */
    STEP_CANNOT         /* not on this target, or for a person */
};

/* What became of a step of a plan that is gone through in order. */
enum step_turn {
    TURN_NONE,
    TURN_WORKED,   /* of a person's step: the person says that it is done */
    TURN_FAILED,
    TURN_LEFT_OUT,
    TURN_YOURS,    /* a person may do it now, and has not said that it is done */
    TURN_LATER     /* a person must do another one before it */
};

/* A cause that was verified in this run. */
struct treated {
    const struct runbook_candidate *c;
    struct action naming; /* owned */
    bool kept; /* its probe turned, and what was done for it stays */
};

struct run {
    struct target *t;
    const struct runbook_policy *policy;
    const struct runbook_candidate *first; /* that the run was called for */
    const struct runbook_candidate *c;
    struct runbook_report *r;
    struct action naming;   /* owned */
    bool has_naming;
    bool passing;           /* it is a state that the plan only passes through */
    struct journal *j;      /* NULL until the first change */
    struct applied applied[RUN_CHANGES_MAX];
    size_t napplied;
    int64_t until_ns;       /* of the target's clock */
    unsigned consent;
    bool overridden;        /* a check is switched off for the cause that is treated now */
    bool restarts_itself;   /* the installer does, whatever it is told */
    bool restart_due;       /* something takes effect with the next restart */
    bool restart_failed;    /* it was tried, and the machine did not come back anew */
    bool asks_restart;      /* of a person: r->blocked says so */
    unsigned past_restarts; /* for this cause, by earlier runs */
    bool solved;            /* the operation worked, or the probe turned and none is there */
    bool other;             /* the operation fails now, but with another code */
    bool unsure;            /* a candidate's probe was asked and not answered */
    bool keep;              /* unsolved, yet what was done is right and stays */
    struct treated treated[RUNBOOK_CAUSES]; /* the last one is treated now */
    size_t ntreated;
    const char **looked;    /* codes that had their turn; borrowed */
    size_t nlooked;
    enum step_turn turn[PLAN_STEPS_MAX]; /* of the steps of c's plan, where it is in order */
    const struct plan_step *waits; /* the step that a person must do now */
    const struct plan_step *refused; /* that is not allowed, of a run that is gone on with */
    bool halted;            /* nothing more of the plan is done in this run */
    bool under_way;         /* a person has begun with it: it is gone on with */
    char *said;             /* "2,5": steps that a person says are done; owned */
    size_t past;            /* changes of the journal that were made before the person's turn */
    struct journal *open;   /* waits for a person, and is gone on with; owned */
    const struct runbook_candidate *open_c; /* what it is about */
    json_t *changes;        /* of earlier causes, for the bundle; NULL: none */
    json_t *installer;      /* its service before an earlier cause registered it, or NULL */
};

/* ---- steps that wait for a person (runbook_after.c) ---- */

/* The candidate that begins: what a person has said, and the journal that is gone on with. */
struct err *run_go_on(struct run *r) must_use;

/* An earlier run waits for a person: *ret = true when this run goes on with it, which takes
 * *j.  Else the report says what is waited for. */
struct err *run_meet(struct run *r, struct journal **j, const struct runbook_candidate *c,
    size_t n, bool *ret) must_use;

/* In the article's order: does the condition of ${s} hold? */
struct err *run_is_due(struct run *r, const struct plan_step *s, bool *ret) must_use;

/* A step of a person's has its turn; ${due}: its condition holds. */
struct err *run_take_persons(struct run *r, const struct plan_step *s, bool due) must_use;

/* A step of a person's that must wait for another one of theirs (TURN_LATER): ask about that
 * one.  Its turn has come then, or r->halted is set. */
struct err *run_come(struct run *r, const struct plan_step *s) must_use;

/* Has the person done what ${s} is after?  When not, but it is the person's turn, the person is
 * asked; r->halted is set when the answer is no. */
struct err *run_await(struct run *r, const struct plan_step *s, bool *ret) must_use;

/* From ${s} on nothing is done: the rows say so.  run_await does it by itself. */
struct err *run_tell_waiting(struct run *r, const struct plan_step *s) must_use;

/* Must ${s} be done although the cause is gone: it is part of what a person has begun? */
bool run_owes(const struct run *r, const struct plan_step *s);

/* Was it done before the person's turn, and need not be done again?  *ret_told says so. */
struct err *run_was_done(struct run *r, const struct plan_step *s, const struct action *a,
    bool *ret, char **ret_told) must_use;

/* Is the naming probe a state that the plan leaves again? */
bool run_passes(const struct run *r);
/* The plan is through: from now on it is the state that the plan leads to. */
struct err *run_pass(struct run *r) must_use;

/* In the journal, if something was changed: it waits for the person to do ${of}, as ${what}
 * tells.  Whoever comes next finds it there. */
struct err *run_note_wait(struct run *r, const struct plan_step *of, const char *what) must_use;

/* The look alone says that it is repaired: the note says how that is proved, and what of the
 * article behind the last thing done is a person's. */
struct err *run_tell_proof(struct run *r) must_use;

/* ---- a repair that is not at its end (runbook_open.c) ---- */

/* ${s} is not allowed.  In a run that a person has begun with nothing more is done then: it
 * waits there (r->refused), and the report says what to allow.  Else nothing. */
struct err *run_refuse(struct run *r, const struct plan_step *s) must_use;

/* The run ends, and its journal waits: for r->waits, or for consent to r->refused. */
struct err *run_leave_waiting(struct run *r) must_use;

/* The report says that the run ${j} waits for a person, and how to go on or take it back.
 * ${changed}: its article has other steps now. */
struct err *run_tell_open(struct run *r, const struct journal *j, bool changed) must_use;

/* The same at the end of a run that only looked; other runs without an end are noted. */
struct err *run_tell_unfinished(struct run *r) must_use;

/* Add how this doctor is called for this machine. */
void run_add_command(const struct run *r, struct text *t);
/* The article of the cause that is treated, as there. */
void run_add_source(const struct run *r, struct text *t);

enum step_turn *run_turn(struct run *r, const struct plan_step *s);

/* Is it about one thing: a registry value, or what the first parameter names? */
bool run_same_thing(const struct action *a, const struct action *b);

/* Does it leave something that could be looked at? */
bool run_is_looked_at(const struct action *a);

/* What is left of the run's time, but at most ${ms}. */
struct deadline run_by(struct run *r, int64_t ms);
bool run_out_of_time(struct run *r);

/* Set what earlier runs for r->c cost the machine: past_restarts and restarts_itself. */
struct err *run_look_back(struct run *r) must_use;

/* Restarts for this cause, of this run and of earlier ones; are there any left? */
unsigned run_restarts(const struct run *r);
bool run_may_restart(const struct run *r);

/* Note in the journal that a restart is waited for, in the start ${boot} of the machine (NULL:
 * not known).  It is one of the few that there may be, also for later runs. */
struct err *run_note_restart(struct run *r, const char *boot, bool itself) must_use;

/* A person must restart the machine, unless something else is asked for already. */
struct err *run_ask_restart(struct run *r) must_use;

/* The start that the machine is in; *ret is NULL where it does not tell. */
struct err *run_boot_id(struct run *r, char **ret) must_use;

/* Failures that are not the machine's: the run ends with them. */
bool run_is_own(const struct err *e);

/* Begin the journal of r->c, unless there is one. */
struct err *run_open_journal(struct run *r) must_use;

/* Text of the report; NULL is out of memory, which these remember as a failure. */
/* The option by which a person allows what was refused. */
static inline const char *
run_allows(const struct run *r)
{
    return r->policy->allows != NULL ? r->policy->allows : "--yes";
}

struct err *run_set(char **to, const char *format, ...)
    __attribute__((format(TEXT_PRINTF, 2, 3))) must_use;
struct runbook_row *run_row(struct run *r, const struct plan_step *s);
/* ${s} is NULL for what the runbook added.  Rows may move. */
struct err *run_add_row(struct run *r, const struct plan_step *s, const struct action *a,
    struct runbook_row **ret) must_use;

/* The naming probe now.  What the machine does not answer counts as not holding. */
struct err *run_probe(struct run *r, enum remedy_state *ret) must_use;
struct err *run_probe_of(struct run *r, const struct action *probe,
    enum remedy_state *ret) must_use;

/* Set r->naming to the naming probe of r->c, if it has one. */
struct err *run_find_naming(struct run *r) must_use;

/* Set the rows to the plan of r->c, before anything is done. */
struct err *run_fill_rows(struct run *r) must_use;
void runbook_rows_free(struct runbook_row **rows, size_t *n);

/* Treat r->c, whose cause is verified: show it or, with --apply, repair it. */
struct err *run_one(struct run *r) must_use;

/* Look at all candidates and treat what is there, then what the operation fails with. */
struct err *run_triage(struct run *r, const struct runbook_candidate *c, size_t n) must_use;

/* Add what the journal holds, if there is one, to r->changes: what was there before each
 * change, and what came of it. */
struct err *run_keep_changes(struct run *r) must_use;

/* Consent for this action: given, or asked for. */
struct err *run_consents(struct run *r, const struct action *a, bool *ret) must_use;

/* Journal, apply, look again.  ${s} may be NULL for an action that the runbook added.  An
 * installer's class goes to *ret_class. */
struct err *run_step(struct run *r, const struct plan_step *s, const struct action *a,
    enum step_end *ret, enum exit_class *ret_class) must_use;

/* Write down in the journal that ${a} is carried out next, as a change of this run. */
struct err *run_intend(struct run *r, const struct plan_step *s, const struct action *a,
    const json_t *before, size_t *ret_entry) must_use;

/* runbook_dependents.c: the services that need the one that ${a}, of the step ${s}, stops.
 * They are stopped before it; *ret_ready = false when one could not be, and *ret_told has why.
 * Afterwards (${ready} or not) they are started again, if ${a} is a restart or has failed; what
 * is to be said of them is added to *ret_told. */
struct run_dependents;
struct err *run_stop_dependents(struct run *r, const struct plan_step *s,
    const struct action *a, struct run_dependents **ret, char **ret_told,
    bool *ret_ready) must_use;
struct err *run_start_dependents(struct run *r, const struct plan_step *s,
    struct run_dependents *d, bool failed, char **ret_told) must_use;
void run_dependents_free(struct run_dependents *d);
DEFINE_AUTO(run_dependents);

/* The same for what is told of a start that is not needed: the service runs already. */
struct err *run_start_stopped(struct run *r, const struct plan_step *s, const struct action *a,
    char **ret_told) must_use;

/* A plan that helped before its last step may have stopped a service that it was to start
 * again: that is done now. */
struct err *run_start_rest(struct run *r) must_use;

/* At the end of a run: try once more to start those that did not start; then name them in the
 * note. */
struct err *run_last_start(struct run *r) must_use;
struct err *run_tell_down(struct run *r) must_use;

/* ---- journals of the machine (runbook_journals.c) ---- */

const char *run_identity(const struct target *t); /* borrowed */
bool run_is_of(const struct journal *j, const struct target *t);
/* As journal_unfinished, of whatever the machine was called. */
struct err *run_unfinished(const struct run *r, char ***ret) must_use;

/* Does a newer change of the same thing stand before the undoing of the change ${i}?  Each has
 * what was there before it: the older one's must be the last word. */
bool run_undo_waits(const struct journal *j, size_t i);

/* Take back what is not undone yet, newest first, down to the change ${first} (0: all of the
 * run); *ret_all = false when something could not be. */
struct err *run_undo(struct run *r, size_t first, bool *ret_all) must_use;

/* Try the operation, if there is one.  r->solved, r->other, r->r->why. */
struct err *run_retry(struct run *r) must_use;

/* Wait until nobody else installs; *ret_idle = false when that takes too long. */
struct err *run_wait_idle(struct run *r, bool *ret_idle) must_use;

/* Restart for ${s} (NULL: none of the plan's).  *ret_end as for a step. */
struct err *run_restart(struct run *r, const struct plan_step *s, enum step_end *ret) must_use;

/* After an installer that restarts by itself: wait for another boot id than ${old}. */
struct err *run_await_boot(struct run *r, const char *old, bool *ret_back) must_use;

/* The installer service is there again if a registration of this run, and a restart after it,
 * removed it. */
struct err *run_keep_installer(struct run *r) must_use;

bool run_is_install(const struct action *a);
bool run_is_register(const struct action *a);

/* The two orders.  They end with r->solved, or without. */
struct err *run_safe(struct run *r) must_use;
struct err *run_article(struct run *r) must_use;

/* Instead of either, where the machine is off. */
struct err *run_offline(struct run *r) must_use;

/* Everything about a run that ended without success, secrets removed; sets r->r->bundle. */
struct err *run_bundle(struct run *r) must_use;

#endif
