/* SPDX-License-Identifier: Apache-2.0 */
/* rehearsal.h -- a backup of a running machine with nothing stored: what would it meet?
 *
 * The whole path is gone: the vault is opened and written to, the guest is asked and, for some
 * milliseconds, frozen, the disks are held still and a little of each is read.  Each look gives
 * one line or several, with a code where it found something.  One that needs what an earlier
 * look found missing is told as not possible, so that nothing is found twice.  Nothing is left:
 * neither in the machine, nor in its guest, nor in the vault. */
#ifndef REHEARSAL_H
#define REHEARSAL_H

#include "auto.h"
#include "err.h"
#include "job.h"

enum { REHEARSAL_ROWS_MAX = 1024 };

enum rehearsal_result {
    REHEARSAL_OK,
    REHEARSAL_WEAKER,     /* a backup would be made, but weaker, or as nobody would want it */
    REHEARSAL_FAILS,      /* a backup would fail */
    REHEARSAL_IMPOSSIBLE, /* it could not be looked at: seen says why */
    REHEARSAL_SKIPPED     /* nobody asked for it: no vault or no agent was named */
};

struct rehearsal_row {
    const char *look; /* "agent", "mounts"; the same again for each thing that was found */
    char *seen;       /* one line for people */
    enum rehearsal_result result;
    struct err *error; /* what was found; NULL: nothing */
};

struct rehearsal {
    char *machine; /* its name, or its socket where that is not known */
    struct rehearsal_row *rows;
    size_t n;
    unsigned weaker, fails; /* what had this result, also beyond the last row that fits */
};

/* "ok", "weaker", "fails", "impossible", "skipped" */
const char *rehearsal_word(enum rehearsal_result result);

/* Is the SOURCE a running machine? */
bool job_can_rehearse(const char *source);

/* Of the backup that ${o} asks for, whose one source is a running machine.  j->vault may be
 * NULL.  What is found is no failure of this call: UsageWrong, OutOfMemory and Interrupted
 * are, after which nothing is left either. */
struct err *job_rehearse(const struct job *j, const struct job_backup *o,
    struct rehearsal **ret) must_use;

/* Accepts NULL. */
void rehearsal_free(struct rehearsal *r);
DEFINE_AUTO(rehearsal);

#endif
