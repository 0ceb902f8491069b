/* SPDX-License-Identifier: Apache-2.0 */
/* target_fault.h -- a target that fails where and when it is told to.
 *
 * A wrapper over any target, for tests and rehearsals.  Calls are counted from 1.  A call
 * fails before it reaches the machine, or after it took effect there and only the answer is
 * lost: remedies must survive both. */
#ifndef TARGET_FAULT_H
#define TARGET_FAULT_H

#include "target.h"

enum target_fault_kind {
    TARGET_FAULT_BEFORE, /* the machine does not see the call */
    TARGET_FAULT_AFTER   /* the machine did it, the answer is lost */
};

struct target_fault {
    uint64_t call; /* 0: never */
    bool onwards;  /* and every later call */
    enum target_fault_kind kind;
};

/* Borrows ${inner}, so that a test can look at the machine afterwards. */
struct err *target_fault_new(struct target *inner, const struct target_fault *plan,
    struct target **ret) must_use;

uint64_t target_fault_calls(const struct target *t);

/* From now on no call reaches the machine. */
void target_fault_cut(struct target *t);

#endif
