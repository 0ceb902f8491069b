/* SPDX-License-Identifier: Apache-2.0 */
/* journals.h -- a folder for the journals of thousands of repairs, and how many a test
 * makes. */
#ifndef JOURNALS_H
#define JOURNALS_H

#include <stdbool.h>
#include <stddef.h>

/* The folder: in memory where that can be, since journals are synced after each line. */
extern char journals[64];

/* Make it before the tests of a program, and remove it after them: cmocka's for a group. */
int journals_set_up(void **state);
int journals_tear_down(void **state);

/* Remove the files in a folder. */
void journals_empty(const char *path);

/* ${usual} times; far more with FIRN_SOAK, fewer in a slow build. */
unsigned long journals_times(unsigned long usual);

#endif
