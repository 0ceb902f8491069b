/* SPDX-License-Identifier: Apache-2.0 */
/* runbook.h -- run a plan on a machine: is this the cause, what would help, did it help?
 *
 * Candidates are tried in order.  Each has a naming probe, the first of its plan; for an
 * article that is prose only it is derived from what the plan would install.  While the
 * probe holds, the cause is another one.  When it does not, the cause is verified, and with
 * consent the plan's steps are applied until the probe holds again and the operation that
 * failed works.  What did not help is undone, newest first.
 *
 * When the operation then fails with another code, the run goes on with that one, its outermost
 * first that somebody (.find) has a plan for: it becomes a cause of its own, .earlier keeps the
 * one before.  What was done for a cause whose probe turned stays.  No code has two turns, at
 * most RUNBOOK_CAUSES are treated, and consent and budgets are those of the whole run.
 *
 * Nothing is changed without: consent for the step's risk; a journal line that is on the
 * disk; a record of what was there.  Nothing is called repaired unless the naming probe
 * turned and the operation worked (where it can be tried).  An override repairs nothing: it
 * ends as masked.
 *
 * The safe order is that of a careful person: wait for other installations, install, look at
 * the installer's service before registering it anew, restart only where something waits for
 * it or nothing else helped, override last.  The article's order is its own.  Both keep the
 * budgets.
 *
 * A Windows disk that is off has one order: steps that can be done there and are not so yet are
 * done and kept, since they count from its next start on.  If the probe does not hold then,
 * the outcome is blocked, and .blocked says to start the machine and go on through its agent.
 * A step that fails is taken back by itself; all are when that fails, too.
 *
 * A plan in which a step waits for a person (after:N) is a procedure: both orders take it in
 * the article's, since a part of it can do harm.  At the first such step whose person's step is
 * not done yet, nothing more of the plan is done.  A person is asked; where nobody is there, or
 * says no, the run ends as blocked, .waits and .blocked say what the person must do, and what
 * was changed so far stays: the journal has no end.  The next run for the same cause goes on
 * with that journal, whatever the naming probe says meanwhile: what was done is looked at, and
 * done again only where it does not hold.  Until then a run for anything else is blocked; undo
 * by name takes all of it back at any time. */
#ifndef RUNBOOK_H
#define RUNBOOK_H

#include "journal.h"
#include "plan.h"
#include "remedy.h"

enum runbook_outcome {
    RUNBOOK_FOUND,     /* the cause is verified; the plan is shown, nothing was changed */
    RUNBOOK_HEALTHY,   /* no candidate is the cause, and the operation works */
    RUNBOOK_REPAIRED,
    RUNBOOK_MASKED,    /* it works, but only since a check is switched off */
    RUNBOOK_BLOCKED,   /* a person must do something; .blocked says what */
    RUNBOOK_ESCALATED  /* nothing helped; a bundle tells everything */
};

enum runbook_order { RUNBOOK_SAFE, RUNBOOK_ARTICLE };

/* Budgets of one run, whatever it goes on to.  Restarts are also counted over the runs for one
 * cause: those that firn or an installer made, and those that were asked of a person and came.
 * When there are none left, none is asked for either. */
enum {
    RUNBOOK_CAUSES = 3, /* that are treated */
    RUNBOOK_INSTALLS = 3,
    RUNBOOK_RESTARTS = 2,
    RUNBOOK_RESTARTS_DAYS = 7, /* a restart counts so long, or until a run repaired the cause */
    RUNBOOK_INSTALL_MS = 15 * 60 * 1000,
    RUNBOOK_RESTART_MS = 15 * 60 * 1000,
    RUNBOOK_BUSY_MS = 10 * 60 * 1000, /* waiting for others' installations */
    RUNBOOK_STEP_MS = 2 * 60 * 1000,
    RUNBOOK_RETRY_MS = 10 * 60 * 1000,
    RUNBOOK_TOTAL_MS = 60 * 60 * 1000
};

struct runbook_candidate {
    const char *code;
    const struct plan *plan;
    const char *unseen; /* why its probe cannot be looked at here; NULL: it may be */
    const char *done;   /* "2,5": person's steps that a person says are done; NULL: none */
};

struct runbook_policy {
    bool apply;       /* false: show the plan, change nothing */
    unsigned consent; /* 1 << RISK_... */
    /* Ask a person about one step; NULL: nobody is there.  A yes counts for its risk. */
    bool (*ask)(void *arg, const struct action *a, const char *change);
    /* Ask a person whether a step of theirs is done; ${what} says which.  NULL: nobody is
     * there. */
    bool (*ask_done)(void *arg, const char *what);
    enum runbook_order order;
    /* Try the operation that failed once more.  *ret_why (owned by the receiver) is NULL
     * when it worked.  NULL: there is none, and the naming probe alone proves. */
    struct err *(*retry)(void *arg, struct deadline by, struct err **ret_why);
    /* The plan for a code that the operation fails with now (${why} holds its variables), or
     * that an earlier run went on to (${why} is NULL).  *ret = NULL: there is none that helps
     * on this machine; else lent until the report is freed.  NULL: there are no others. */
    struct err *(*find)(void *arg, const char *code, const struct err *why,
        const struct runbook_candidate **ret);
    /* For tests: see journal_watch. */
    struct err *(*written)(void *arg);
    void *arg;
    const char *command; /* how this doctor is called, for what a person must do; NULL: firn
                          * doctor and the target's name */
    const char *source;   /* the option that names c[0], where that is no code */
    const char *options;  /* how a run is called that goes on; NULL: --apply */
    const char *allows;   /* the option by which a risk is allowed; NULL: --yes */
    const char *journals; /* folder; NULL is allowed where nothing is applied */
    const char *bundles;  /* folder; NULL: none is written */
};

/* One line of the table. */
struct runbook_row {
    const struct plan_step *step; /* borrowed from the plan; NULL: added by the runbook */
    const char *kind;
    char *id, *action, *condition;
    json_t *params;
    enum action_risk risk;
    bool runs;          /* false: for a person */
    char *unclear;      /* what the article leaves open about it, as sentences, or NULL */
    char *probe, *change; /* what was seen, what would change */
    const char *undo;   /* for people */
    char *result;       /* what came of it; NULL: nothing was tried */
};

/* A candidate that is not treated. */
struct runbook_look {
    char *code, *probe, *observed;
    bool unseen; /* it was known before that nobody can look at it here */
};

/* A cause that was treated before the last one. */
struct runbook_cause {
    char *code, *naming, *observed;
    struct runbook_row *rows;
    size_t nrows;
    char *journal; /* its run's id; NULL: nothing was changed */
    bool undone;
    char *end;     /* what came of it, for people */
};

struct runbook_report {
    enum runbook_outcome outcome;
    char *cause; /* verified; NULL: none */
    char *naming, *observed; /* the naming probe and what it saw first */
    struct runbook_row *rows;
    size_t nrows;
    struct runbook_look *ruled_out;     /* the probe holds */
    size_t nruled_out;
    struct runbook_look *not_looked_at; /* and why not */
    size_t nnot_looked_at;
    struct runbook_cause *earlier;
    size_t nearlier;
    char *journal;       /* of the last cause; NULL: nothing was changed for it */
    char **finished;     /* ids of earlier runs that were killed and are undone now */
    bool undone;         /* what was changed is taken back */
    char *blocked;       /* what a person must do */
    char *waits;         /* the id of the step that a person must do; NULL: none */
    char *note;          /* an override that may go, a proof that is still to come */
    bool retried;
    struct err *why;     /* the operation's failure, when it was tried and failed */
    char *bundle;        /* path */
    unsigned installs, restarts, overrides;
    unsigned own_restarts; /* that an installer made although it was told not to */
};

/* ${n} may be 0: then nothing is ruled out and only the operation counts.  A failure of this
 * call is one of firn's own side (memory, the journal, a request to end); what machines do
 * wrong is told in the report. */
struct err *runbook_run(struct target *t, const struct runbook_candidate *c, size_t n,
    const struct runbook_policy *policy, struct runbook_report **ret) must_use;

/* Take back the run ${id}, newest change first.  UndoIncomplete when something could not be.
 * *ret_kept is how many changes stay for a reason; each is told to ${line}, which may be
 * NULL. */
struct err *runbook_undo(struct target *t, const char *folder, const char *id,
    void (*line)(void *arg, const char *text), void *arg, size_t *ret_kept) must_use;

const char *runbook_outcome_name(enum runbook_outcome o);

/* {outcome, cause, ruled_out, plan, journal, undone, retry, ...} as firn-doctor(1) says it;
 * *ret is the caller's. */
struct err *runbook_json(const struct runbook_report *r, json_t **ret) must_use;

void runbook_report_free(struct runbook_report *r); /* accepts NULL */
DEFINE_AUTO(runbook_report);

#endif
