/* SPDX-License-Identifier: Apache-2.0 */
/* explore.h -- every state of the disk that a loss of power could have left.
 *
 * After each step of a record (record.h) some steps are durable, because a sync of their file
 * or folder came after them, and the others are pending.  A loss of power keeps any subset of
 * the pending ones: names are kept or lost one by one, in any order; the bytes of an unsynced
 * file are kept or lost in units of 512 or 4096, and its length too.  That is weaker than what
 * common file systems promise, and no stronger than what POSIX does: a sync of a file does
 * not keep its name, and one of a folder keeps nothing of its files. */
#ifndef EXPLORE_H
#define EXPLORE_H

#include "record.h"

enum { EXPLORE_WHY_MAX = 512 };

/* Is the state in ${folder} as it should be, power having been lost before step ${at} (so the
 * promises up to there hold)?  ${why} says what is wrong with it. */
typedef bool explore_check(void *arg, const char *folder, size_t at, char *why);

struct explore {
    const struct record *record;
    size_t from;        /* lose power after this many steps, and then after each ... */
    size_t stride;      /* ... this many more */
    unsigned all_below; /* up to this many subsets, all of them are made */
    unsigned samples;   /* of more subsets, this many by chance, and the plain ones */
    uint64_t seed;
    unsigned losses_max; /* give up after so many; 0: never */
    explore_check *check;
    void *arg;
    /* what came of it */
    unsigned states, losses;
    char why[EXPLORE_WHY_MAX]; /* of the first loss */
};

/* States are made below ${scratch}, one at a time; one that was there before, with the same
 * promises, is not checked again and not counted. */
void explore(struct explore *x, const char *scratch);

/* Does the record say what is really in ${root}?  False when calls went past it. */
bool explore_is_complete(const struct record *r, const char *root, const char *scratch);

#endif
