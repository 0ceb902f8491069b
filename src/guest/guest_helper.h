/* SPDX-License-Identifier: Apache-2.0 */
/* guest_helper.h -- let the extension in a Linux guest bring the applications to rest and
 * freeze (`firn-extension freeze`), or freeze alone, and thaw.  A watchdog of its own, in the
 * guest, keeps the deadline.
 *
 * ${program} is its path in the guest (guest_extension).  What it prints is not trusted: its
 * failures come as reported.h has them. */
#ifndef GUEST_HELPER_H
#define GUEST_HELPER_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "err.h"

struct qga;

enum { GUEST_HELPER_ANSWER = 65536 }; /* bytes of what it prints */

struct guest_helper_freeze {
    const char *program;
    const char *const *mounts; /* as qga_freeze has them */
    bool applications; /* bring them to rest first: what it fails with stands then below
                          ApplicationsNotQuiesced, unless it ends the backup
                          (guest_rule.h) */
    const char *const *with; /* and with them, behind them, those of the packages of these
                                names; ends with NULL; NULL: no others */
    int64_t ms;        /* taken as whole seconds, one at least */
};

/* Hold still for at most so long.  Returns when all is frozen.  *ret_refused: the failure is
 * what the extension answered, which has thawed what it froze before it failed. */
struct err *guest_helper_freeze(struct qga *g, const struct guest_helper_freeze *how,
    struct deadline by, unsigned *ret_n, bool *ret_refused) must_use;

/* *ret_n is how many file systems were held until now, and thawed. */
struct err *guest_helper_thaw(struct qga *g, const char *program, struct deadline by,
    unsigned *ret_n) must_use;

#endif
