/* SPDX-License-Identifier: Apache-2.0 */
/* thaw.h -- thaw a guest until its agent says that it is thawed: whatever the agent does
 * meanwhile, and however late it answers to a freeze. */
#ifndef THAW_H
#define THAW_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "err.h"

struct qga;

enum {
    THAW_TRY_MS = 1000, /* for one attempt: connecting, thawing, asking for the status */
    THAW_HELPER_MS = 5000, /* for one with the extension: a program is run in the guest */
    THAW_PAUSE_MS = 50  /* after an attempt that failed at once */
};

struct thawed {
    unsigned n;         /* file systems that the agent thawed; 0: none was frozen any more */
    bool counted;       /* each request to thaw was answered, so that n is all of them */
    int64_t asked_ns;   /* when the first request went out, by clock_mono_ns */
    int64_t at_ns;      /* when the agent said that nothing is frozen */
};

struct thaw_guest {
    const char *socket, *name; /* as of qga_open */
    const char *helper; /* the program of the extension that froze it (guest_helper.h); NULL:
                           the agent did */
};

/* How long one attempt may take. */
int64_t thaw_try_ms(const struct thaw_guest *g);

/* *agent may be NULL, and is then connected; it stays the caller's, NULL again when the
 * connection was lost.  ${each} (may be NULL) is called before each attempt.  GuestLeftFrozen,
 * and why, when the deadline comes first. */
struct err *thaw_guest(const struct thaw_guest *g, struct deadline by,
    void (*each)(void *arg), void *arg, struct qga **agent, struct thawed *ret) must_use;

#endif
