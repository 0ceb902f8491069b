/* SPDX-License-Identifier: Apache-2.0 */
/* guest_hooks.h -- the scripts that the agent of a Linux guest runs at a freeze, and whether
 * somebody else than root could have written them.
 *
 * The agent runs its hook, and the hook the scripts in a folder beside it, as root, and looks
 * at neither owner nor mode.  (Scripts of the extension are its own to judge: script.h.) */
#ifndef GUEST_HOOKS_H
#define GUEST_HOOKS_H

#include <stddef.h>

#include "clock.h"
#include "err.h"

struct qga;

enum { GUEST_HOOKS_MAX = 256 };

/* *ret_n: how many scripts and folders of them there are, GUEST_HOOKS_MAX at most.
 * FreezeHookOpen for the first that is not root's, or that others may write to. */
struct err *guest_hooks_check(struct qga *g, struct deadline by, size_t *ret_n) must_use;

#endif
