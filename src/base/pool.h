/* SPDX-License-Identifier: Apache-2.0 */
/* pool.h -- the only place that makes threads.
 *
 * A pool has a fixed number of workers, which take tasks first come first served.  The
 * caller owns each task's memory from pool_submit until pool_wait has returned it; a task
 * owns what it works on in between.  Waiting for tasks in the order of their submission
 * gives results in order. */
#ifndef POOL_H
#define POOL_H

#include "auto.h"
#include "err.h"

struct pool;

struct pool_task {
    /* Runs on worker number ${worker} (0 to workers - 1). */
    struct err *(*run)(struct pool_task *t, unsigned worker);
    void *arg;
    /* private to the pool */
    struct pool_task *next_;
    struct err *result_;
    int state_;
};

enum {
    POOL_WORKERS_MAX = 64,
    POOL_GENTLE = 10 /* of 19: a tenth of the weight of a thread that is as usual */
};

/* ${workers} is 1 to POOL_WORKERS_MAX. */
struct err *pool_new(unsigned workers, struct pool **ret) must_use;

/* As pool_new, with workers that give way to other threads: their nice value is POOL_GENTLE
 * more than that of this process.  Linux compares these within a group of processes (a
 * control group, else a session), not between groups. */
struct err *pool_new_gentle(unsigned workers, struct pool **ret) must_use;

unsigned pool_workers(const struct pool *p);

/* The number of processors that this process may use, at least 1. */
unsigned pool_cpus(void);

/* Queue ${t}; never blocks and never fails. */
void pool_submit(struct pool *p, struct pool_task *t);

/* Wait until ${t}, which was submitted, has ended, and return its failure or NULL. */
struct err *pool_wait(struct pool *p, struct pool_task *t) must_use;

/* Has ${t} ended, so that pool_wait returns at once? */
bool pool_done(struct pool *p, const struct pool_task *t);

/* Ends the workers after the tasks that are queued.  Accepts NULL. */
void pool_free(struct pool *p);
DEFINE_AUTO(pool);

#endif
