/* SPDX-License-Identifier: Apache-2.0 */
/* job_freeze.h -- what the program does for guests that an earlier run may have left frozen,
 * and the process that sees to it that there are none. */
#ifndef JOB_FREEZE_H
#define JOB_FREEZE_H

#include <stdbool.h>

#include "err.h"

/* Do these words call for the guard of a freeze window (guard.h), or the process that speaks
 * to libvirt (virt_link.h), instead of a command?  Then *ret_status is its exit status: it
 * has been that, and is over. */
bool job_freeze_helper(int argc, char *const *argv, int *ret_status);

/* Thaw what an earlier run has left frozen (guest_mark.h); ${warn} takes what is to be said. */
void job_freeze_rescue(void (*warn)(void *arg, struct err *warning), void *arg);

#endif
