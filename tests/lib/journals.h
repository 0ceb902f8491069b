/* SPDX-License-Identifier: Apache-2.0 */
/* journals.h -- a folder for the journals of thousands of repairs, and how many a test
 * makes. */
#ifndef JOURNALS_H
#define JOURNALS_H

#include <stdbool.h>
#include <stddef.h>

/* A new folder, in memory where that can be: journals are synced after each line.  ${ret} gets
 * its path. */
bool journals_make(char *ret, size_t size, const char *name);

/* Remove the files in it. */
void journals_empty(const char *path);

/* ${usual} times; far more with FIRN_SOAK, fewer in a slow build. */
unsigned long journals_times(unsigned long usual);

#endif
