/* SPDX-License-Identifier: Apache-2.0 */
/* job_guest.h -- the guest that a backup asks before it begins. */
#ifndef JOB_GUEST_H
#define JOB_GUEST_H

#include "chain.h"
#include "job.h"

enum { JOB_GUEST_CONNECT_MS = 10000 };

/* Run PREPARE in the guest that ${target} names (qga:SOCKET, vm:NAME[,connect=URI]); ${vm} is
 * the machine's name for messages.  Warnings go to the job, and to ${facts} for the point: the
 * code, and the extension that it is about.  The failures of guest_prepare.h, UsageWrong. */
struct err *job_guest_prepare(const struct job *j, const char *target, const char *vm,
    struct chain_facts *facts) must_use;

#endif
