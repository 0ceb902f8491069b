/* SPDX-License-Identifier: Apache-2.0 */
/* job_target.h -- the machine that a TARGET means, opened for a runbook (target.h). */
#ifndef JOB_TARGET_H
#define JOB_TARGET_H

#include <stdbool.h>

#include "err.h"

struct target;

/* local, root:FOLDER (the tree of a Linux system), qga:SOCKET or vm:NAME[,connect=URI] (a
 * guest, through its agent),
 * disk:FOLDER or disk:HIVE (a Windows that is not running).  UsageWrong, and the failures of
 * the target.  Its name has the whole path, without links.  *ret_guest: it is a guest whose
 * agent this process holds. */
struct err *job_target_open(const char *text, struct target **ret, bool *ret_guest) must_use;

/* An agent serves one client at a time: let go of it while a job talks to it, then take it up
 * again.  Between the two no call but target_free may be made. */
void job_target_let_go(struct target *guest);
struct err *job_target_take_up(struct target *guest) must_use;

#endif
