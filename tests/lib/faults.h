/* SPDX-License-Identifier: Apache-2.0 */
/* faults.h -- make the n-th allocation or system call fail.
 *
 * Link with the dependency "faults": it wraps the calls of everything that is linked in
 * (those of shared libraries among themselves stay as they are).  Nothing fails until
 * faults_begin; between it and faults_end calls of all threads are counted.
 *
 * By number, call n fails, and with from_then_on each one after it.  By place, the first
 * call that was made along one chain of callers fails: a place means the same in every run,
 * whatever threads do, and there are far fewer places than calls. */
#ifndef FAULTS_H
#define FAULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fault_kind {
    FAULT_MEMORY = 1, /* malloc and its kin, contexts of libraries */
    FAULT_FILES = 2,  /* open, read, write, sync, names, and asking about files */
    FAULT_SPAWN = 4,  /* processes, threads, pipes, sockets */
    FAULT_REMOVE = 8, /* unlink: nothing can clean up then */
};

struct fault_plan {
    unsigned kinds;
    bool from_then_on;
    unsigned long n; /* 1 is the first; 0: none by number */
    uint64_t place;  /* 0: none by place */
};

void faults_begin(const struct fault_plan *plan);

/* How many calls of these kinds there were; *ret_failed (may be NULL): how many failed. */
unsigned long faults_end(unsigned long *ret_failed);

/* Between faults_begin and faults_end also note each place that is called.  *ret is borrowed
 * until the next faults_note, in the order of the first calls. */
enum { FAULT_PLACES_MAX = 16384 };
void faults_note(bool on);
const uint64_t *faults_places(size_t *ret_n);

#endif
