/* SPDX-License-Identifier: Apache-2.0 */
/* retry.h -- what failed for a while is tried again.
 *
 * The class tree alone (articles/classes, err_retry) says which failures may be gone after a
 * while: those whose class is transient.  Waits double from RETRY_FIRST_MS to
 * RETRY_LONGEST_MS; each is cut by up to a quarter at random, so that machines that lost the
 * same vault do not all come back in one moment.
 *
 * Two bounds: ${most} waits in a row without a success, and for the whole run
 * ${most} * RETRY_LONGEST_MS of waiting.  When one is reached, the last failure is returned by
 * its own code, and TriesSpent beside it tells how often it was tried.
 *
 * A struct retry may be used by several threads at once: while one waits, the others do. */
#ifndef RETRY_H
#define RETRY_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "err.h"

enum {
    RETRY_FIRST_MS = 1000,
    RETRY_LONGEST_MS = 30000,
    RETRY_USUAL = 12, /* 4 minutes in a row, 6 in all */
    RETRY_MOST = 100
};

struct retry_options {
    unsigned most; /* 0: nothing is tried again */
    /* Before each wait: takes TriedAgain, whose cause is what failed.  May be NULL. */
    void (*tell)(void *arg, struct err *noted);
    /* Wait so long; Interrupted.  NULL: by the clock. */
    struct err *(*wait)(void *arg, int64_t ms);
    void *arg;
};

struct retry {
    struct retry_options o;
    pthread_mutex_t lock;
    unsigned row;     /* waits since the last success */
    uint64_t waits;   /* in all; also tells a thread that another one has waited for it */
    int64_t waited_ms;
    bool spent; /* a bound was reached, and nothing has worked since */
};

void retry_init(struct retry *r, const struct retry_options *o);
void retry_done(struct retry *r);

/* What a thread knows before it makes a call: give it to retry_after. */
uint64_t retry_seen(struct retry *r);

/* The call failed with ${e}, which is taken.  NULL: what may be gone was waited for, by this
 * thread or another one since ${seen}; make the call again.  Otherwise the failure to give up
 * with. */
struct err *retry_after(struct retry *r, uint64_t seen, struct err *e) must_use;

/* A call worked that had failed before: the row ends. */
void retry_worked(struct retry *r);

#endif
