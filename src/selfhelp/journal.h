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
bool journal_waits(const struct journal *j); /* for a restart; it has no end then */
size_t journal_entries(const struct journal *j);
const struct journal_entry *journal_entry(const struct journal *j, size_t i);

/* On the disk when they return.  *ret_i is the entry's place.  After a failure the journal
 * takes nothing more, so that no change goes unrecorded. */
struct err *journal_intent(struct journal *j, const char *step, const struct action *a,
    const json_t *before, size_t *ret_i) must_use;
struct err *journal_result(struct journal *j, size_t i, const char *result,
    const json_t *facts) must_use;
struct err *journal_undone(struct journal *j, size_t i, const char *kept) must_use;
/* It goes on when the machine has been restarted: see journal_waits. */
struct err *journal_wait(struct journal *j) must_use;
struct err *journal_end(struct journal *j, const char *outcome) must_use;

/* For tests: called after each line that is durable; its failure is the writer's. */
void journal_watch(struct journal *j, struct err *(*written)(void *arg), void *arg);

void journal_free(struct journal *j); /* accepts NULL */
DEFINE_AUTO(journal);

#endif
