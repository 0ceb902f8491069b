/* SPDX-License-Identifier: Apache-2.0 */
/* store_fault.h -- a store that fails where, when and as often as it is told to.
 *
 * A wrapper over any store, for tests and for rehearsals of bad days.  Its plan is a list of
 * faults.  Each says which calls it means; of those it strikes one by number and, if wanted,
 * all that follow (a script), or some by chance (a rate, made from a seed).  Where several
 * strike one call, all delays are waited for and the first of the others decides.
 *
 * Some faults are failures that every caller must bear.  Others break a promise of store.h
 * on purpose: they show that what relies on it notices, or what it would cost. */
#ifndef STORE_FAULT_H
#define STORE_FAULT_H

#include "store.h"

enum store_fault_kind {
    STORE_FAULT_ERROR,     /* nothing is done; the failure that .number (an errno) stands for:
                            * StoreFull, StorePermission, StoreUnreachable, StoreAway
                            * (ENOTCONN) or StoreIoFailed */
    STORE_FAULT_LOST,      /* it is done, and then fails as above: the answer was lost */
    STORE_FAULT_DELAY,     /* wait for .delay_ms */
    STORE_FAULT_THROTTLE,  /* put, replace and get: at most .bytes_per_s */
    STORE_FAULT_REORDER,   /* list: in an order by chance; no promise is broken */
    STORE_FAULT_SHORT,     /* get: fewer bytes than there are */
    STORE_FAULT_DUPLICATE, /* put: it is done, and answers that the name was taken */
    STORE_FAULT_STALE,     /* list: leaves out the newest STORE_FAULT_NEWEST that were put */
};

enum store_fault_call {
    STORE_CALL_PUT = 1,
    STORE_CALL_GET = 2,
    STORE_CALL_STAT = 4,
    STORE_CALL_LIST = 8,
    STORE_CALL_BARRIER = 16,
    STORE_CALL_REPLACE = 32,
    STORE_CALL_REMOVE = 64,
};

enum { STORE_FAULTS_MAX = 16, STORE_FAULT_NEWEST = 8 };

struct store_fault {
    enum store_fault_kind kind;
    unsigned calls;     /* of enum store_fault_call; 0: all that the kind can strike */
    const char *folder; /* only names and folders that begin so; NULL: all; borrowed */
    uint64_t call;      /* which of these, from 1; 0: by chance */
    bool onwards;       /* also all after it */
    unsigned per_mille; /* by chance: how many of 1000 */
    int number;
    unsigned delay_ms;
    uint64_t bytes_per_s;
};

/* Owns ${inner} when it worked.  ${plan} is copied.  The same seed and the same order of
 * calls give the same faults. */
struct err *store_fault_new(struct store *inner, const struct store_fault *plan, size_t n,
    uint64_t seed, struct store **ret) must_use;

/* Calls so far, and how many of them a fault struck. */
uint64_t store_fault_calls(struct store *s);
uint64_t store_fault_struck(struct store *s);

#endif
