/* SPDX-License-Identifier: Apache-2.0 */
/* job_extension.h -- the extension of a guest, as a person asks for it: upkeep.h with a target
 * and a job's progress and warnings. */
#ifndef JOB_EXTENSION_H
#define JOB_EXTENSION_H

#include "job.h"
#include "upkeep.h"

/* ${target} is qga:SOCKET, the socket of a guest agent, or vm:NAME[,connect=URI]; UsageWrong
 * for another one.  The rest is said in upkeep.h. */
struct err *job_extension_install(const struct job *j, const char *target, const char *package,
    struct upkeep_installed *ret) must_use;
struct err *job_extension_status(const struct job *j, const char *target, const char *package,
    json_t **ret) must_use;
struct err *job_extension_remove(const struct job *j, const char *target, const char *package,
    struct upkeep_removed *ret) must_use;

#endif
