/* SPDX-License-Identifier: Apache-2.0 */
/* stage.h -- a backup as stages: what fails in one is tried again from there.
 *
 * A stage is a call that leaves nothing half-done when it fails.  Which failures are tried
 * again, how often and how long between is retry.h's; each wait is told as a warning that
 * does not make the result weaker (TriedAgain).  The vault waits below the stages, within
 * each of its calls: store_patient.h. */
#ifndef STAGE_H
#define STAGE_H

#include "job.h"
#include "retry.h"

struct store;

struct stages {
    const struct job *j;
    struct retry retry;
    struct store *patient; /* of the vault; borrowed from it */
    uint8_t *header;       /* of the vault, by which it is known again */
    size_t header_len;
};

/* The job's retries, up to RETRY_MOST. */
void stages_init(struct stages *s, const struct job *j);
void stages_done(struct stages *s);

/* job_open, with a vault that waits while its store is away, and finds it again where it is
 * mounted anew.  Free it before ${s}.  One for a struct stages. */
struct err *stage_open(struct stages *s, struct vault **ret) must_use;

/* Run ${stage} until it works or its failure is one to give up with. */
struct err *stage_run(struct stages *s, struct err *(*stage)(void *arg), void *arg) must_use;

/* The same for who makes the calls in a loop of its own.  After a failure, which is taken:
 * NULL when it is worth another try, at once. */
struct err *stage_again(struct stages *s, struct err *e) must_use;
void stage_worked(struct stages *s);

#endif
