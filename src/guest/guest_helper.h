/* SPDX-License-Identifier: Apache-2.0 */
/* guest_helper.h -- let the extension in a Linux guest bring the applications to rest and
 * freeze (`firn-extension freeze`), and thaw.  A watchdog of its own, in the guest, keeps the
 * deadline.
 *
 * ${program} is its path in the guest (guest_extension).  What it prints is not trusted: its
 * failures come as ExtensionNotReady below ApplicationsNotQuiesced, with its words. */
#ifndef GUEST_HELPER_H
#define GUEST_HELPER_H

#include <stdint.h>

#include "clock.h"
#include "err.h"

struct qga;

enum { GUEST_HELPER_ANSWER = 65536 }; /* bytes of what it prints */

/* Hold still for at most ${ms}, which are taken as whole seconds, one at least; ${mounts} as
 * qga_freeze has them.  Returns when all is frozen. */
struct err *guest_helper_freeze(struct qga *g, const char *program, const char *const *mounts,
    int64_t ms, struct deadline by, unsigned *ret_n) must_use;

/* *ret_n is how many file systems were held until now, and thawed. */
struct err *guest_helper_thaw(struct qga *g, const char *program, struct deadline by,
    unsigned *ret_n) must_use;

#endif
