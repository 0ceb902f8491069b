/* SPDX-License-Identifier: Apache-2.0 */
/* source_fault.h -- a source that fails where and when it is told to.
 *
 * A wrapper over any source, for tests and rehearsals.  Its plan is a list; the first entry
 * that matches a read decides.  Delays are the exception: they match, wait, and let the
 * next entry decide. */
#ifndef SOURCE_FAULT_H
#define SOURCE_FAULT_H

#include "source.h"

enum source_fault_kind {
    SOURCE_FAULT_ERROR,  /* SourceReadFailed with .number */
    SOURCE_FAULT_VANISH, /* SourceVanished, now and for every later read and check */
    SOURCE_FAULT_SHRINK, /* the disk has .size from now on: SourceShrank beyond it */
    SOURCE_FAULT_GROW,   /* reads work, but source_check says SourceGrew to .size */
    SOURCE_FAULT_DELAY,  /* wait for .delay_ms */
    SOURCE_FAULT_UNTOLD  /* for questions about changes alone, which .call counts apart:
                          * SourceReadFailed with .number */
};

/* Matches read number ${call} (from 1); or with call = 0 each read that touches
 * off .. off + len.  ${onwards}: also every read after the first that matched. */
struct source_fault {
    enum source_fault_kind kind;
    uint64_t call, off, len;
    bool onwards;
    int number;
    int delay_ms;
    uint64_t size;
};

enum { SOURCE_FAULTS_MAX = 16 };

/* Owns ${inner} when it worked.  ${plan} is copied. */
struct err *source_fault_new(struct source *inner, const struct source_fault *plan, size_t n,
    struct source **ret) must_use;

/* Reads seen so far. */
uint64_t source_fault_reads(const struct source *s);

#endif
