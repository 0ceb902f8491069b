/* SPDX-License-Identifier: Apache-2.0 */
/* job_internal.h -- the parts of job_open (job.h), for who brings a store of its own, and what
 * all jobs do. */
#ifndef JOB_INTERNAL_H
#define JOB_INTERNAL_H

#include "job.h"

struct store;

/* Give ${warning} to the job's user, or free it where nobody listens. */
static inline void
job_warn(const struct job *j, struct err *warning)
{
    if (j->warn != NULL)
        j->warn(j->arg, warning);
    else
        err_free(warning);
}

/* At most one way to open the vault is given.  UsageWrong. */
struct err *job_check_key(const struct job *j) must_use;

/* Open the vault in ${s}, which is taken, also by a failure. */
struct err *job_open_in(const struct job *j, struct store *s, struct vault **ret) must_use;

#endif
