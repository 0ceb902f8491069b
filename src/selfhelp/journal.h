/* SPDX-License-Identifier: Apache-2.0 */
/* journal.h -- what a repair is about to change, written down before it changes it.
 *
 * One file for each run, <folder>/<id>.jsonl: a line of JSON for the run itself, for each
 * change its intent with the state before it, then its result, then perhaps that it was
 * undone, and at last how the run ended.  Each line is on the disk before the next thing
 * happens.  A run without an end was killed; whoever comes next undoes it.
 *
 * A file belongs to the run that holds its lock, which ends with the process.  A last line
 * without its newline was never finished: what it announced did not begin.  Everything else
 * that is odd is JournalDamaged, and changes nothing on any machine. */
#ifndef JOURNAL_H
#define JOURNAL_H

#include <jansson.h>

#include "action.h"
#include "auto.h"
#include "err.h"

enum {
    JOURNAL_LINE_MAX = 2 << 20, /* bytes of a line */
    JOURNAL_FILE_MAX = 64 << 20,
    JOURNAL_ENTRIES_MAX = 1024, /* changes of one run */
    JOURNAL_UNFINISHED_MAX = 256, /* runs that are told of at once */
    JOURNAL_KEPT_MAX = 1000,    /* runs that have ended, of all machines */
    JOURNAL_KEPT_DAYS = 400,
    JOURNAL_RECENT_MAX = 256,   /* runs that journal_recent goes back */
    JOURNAL_WAITS_MAX = 16,     /* restarts that one run waited for and that are kept */
    JOURNAL_ID_LEN = 16         /* hex digits; the first eight are the second of its begin */
};

struct journal;

/* One change. */
struct journal_entry {
    char *step; /* of the plan; "" when the runbook added it */
    struct action action;
    json_t *before;
    char *result; /* NULL: killed before it was known */
    bool undone;
};

/* A restart that a run waited for. */
struct journal_wait {
    char *boot;  /* the start of the machine that it waited in; NULL: not known */
    bool itself; /* an installer restarted the machine; false: it was asked of a person */
};

/* A step of a person's that a run waits for. */
struct journal_person {
    const char *step, *text; /* its id in the plan, and its words */
    const char *done;        /* "2,5": what a person said is done; "" for nothing */
    const char *what;        /* what the person was told */
    const char *boot;        /* the start of the machine it waited in; NULL: not known */
    bool restart_due; /* something that was changed takes effect with the next start */
};

/* firn's own folder for them, made when it is missing; to be freed. */
struct err *journal_folder(char **ret) must_use;

/* Start a run.  ${code} is the failure that is repaired. */
struct err *journal_begin(const char *folder, const char *target, const char *code,
    struct journal **ret) must_use;

/* Open the run ${id}, to read it and to go on.  JournalMissing; JournalBusy when its process
 * is alive; JournalDamaged. */
struct err *journal_open(const char *folder, const char *id, struct journal **ret) must_use;

/* Runs of this target that have no end and whose process is gone, newest first and at most
 * JOURNAL_UNFINISHED_MAX of them, however many files there are; ends with NULL, free with
 * journal_ids_free.  Damaged files are left out. */
struct err *journal_unfinished(const char *folder, const char *target, char ***ret) must_use;
void journal_ids_free(char **ids);

/* Runs for ${code} on ${target} that began in the last ${days} days, newest first and at most
 * JOURNAL_RECENT_MAX of all that are there, until ${each} says false.  Those that are alive or
 * damaged are left out.  Of two that began in the same second either may be first. */
struct err *journal_recent(const char *folder, const char *target, const char *code,
    unsigned days, bool (*each)(void *arg, const struct journal *j), void *arg) must_use;

/* Remove runs that have ended, and bundles, when they began more than JOURNAL_KEPT_DAYS
 * ago or JOURNAL_KEPT_MAX newer ones are there.  They can no longer be undone then.  Runs
 * without an end, damaged ones and those that are alive stay.  journal_begin does it. */
struct err *journal_prune(const char *folder) must_use;

/* A new id: for a bundle of a run that changed nothing. */
struct err *journal_new_id(char ret[JOURNAL_ID_LEN + 1]) must_use;

const char *journal_id(const struct journal *j);
const char *journal_target(const struct journal *j);
const char *journal_code(const struct journal *j);
const char *journal_outcome(const struct journal *j); /* NULL: it has not ended */
/* For a restart: the last thing that it did, and it has no end. */
bool journal_waits(const struct journal *j);
/* What it waits for a person to do, the same way; NULL: for nothing. */
const struct journal_person *journal_person(const struct journal *j);
size_t journal_nwaits(const struct journal *j); /* all restarts that it ever waited for */
const struct journal_wait *journal_wait_at(const struct journal *j, size_t i);
size_t journal_entries(const struct journal *j);
const struct journal_entry *journal_entry(const struct journal *j, size_t i);

/* On the disk when they return.  *ret_i is the entry's place.  After a failure the journal
 * takes nothing more, so that no change goes unrecorded. */
struct err *journal_intent(struct journal *j, const char *step, const struct action *a,
    const json_t *before, size_t *ret_i) must_use;
struct err *journal_result(struct journal *j, size_t i, const char *result,
    const json_t *facts) must_use;
struct err *journal_undone(struct journal *j, size_t i, const char *kept) must_use;
/* It goes on when the machine has been restarted, which is in the start ${boot} now (NULL: not
 * known): see journal_waits and struct journal_wait. */
struct err *journal_wait(struct journal *j, const char *boot, bool itself) must_use;
/* It goes on when a person says that a step is done; ${p} is copied. */
struct err *journal_wait_person(struct journal *j, const struct journal_person *p) must_use;
struct err *journal_end(struct journal *j, const char *outcome) must_use;

/* For tests: called after each line that is durable; its failure is the writer's. */
void journal_watch(struct journal *j, struct err *(*written)(void *arg), void *arg);

void journal_free(struct journal *j); /* accepts NULL */
DEFINE_AUTO(journal);

#endif
