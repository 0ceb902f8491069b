/* SPDX-License-Identifier: Apache-2.0 */
/* journals.h -- a folder for the journals of thousands of repairs, how many a test makes,
 * and how one of them is killed. */
#ifndef JOURNALS_H
#define JOURNALS_H

#include <stdbool.h>
#include <stddef.h>

#include "target_fault.h"

/* The folder: in memory where that can be, since journals are synced after each line. */
extern char journals[64];

/* Make it before the tests of a program, and remove it after them: cmocka's for a group. */
int journals_set_up(void **state);
int journals_tear_down(void **state);

/* Remove the files in a folder. */
void journals_empty(const char *path);

/* ${usual} times; far more with FIRN_SOAK, fewer in a slow build. */
unsigned long journals_times(unsigned long usual);

/* A run that is killed: from line ${after} of its journal on, neither that nor the machine
 * hears from it again.  ${fault} is the machine as the run sees it; NULL: it is not killed. */
struct kill_at {
    struct target *fault;
    unsigned after, lines;
};

/* For runbook_policy's written: a line more. */
struct err *kill_line(struct kill_at *k) must_use;

#endif
