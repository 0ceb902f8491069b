/* SPDX-License-Identifier: Apache-2.0 */
/* job_internal.h -- the parts of job_open (job.h), for who brings a store of its own. */
#ifndef JOB_INTERNAL_H
#define JOB_INTERNAL_H

#include "job.h"

struct store;

/* At most one way to open the vault is given.  UsageWrong. */
struct err *job_check_key(const struct job *j) must_use;

/* Open the vault in ${s}, which is taken, also by a failure. */
struct err *job_open_in(const struct job *j, struct store *s, struct vault **ret) must_use;

#endif
