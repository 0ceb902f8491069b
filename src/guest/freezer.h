/* SPDX-License-Identifier: Apache-2.0 */
/* freezer.h -- what is to freeze a guest: its agent, or the extension in it.
 *
 * It is looked for before the guest is held, by a connection of its own, which is closed
 * again: from then on the guard has the agent. */
#ifndef FREEZER_H
#define FREEZER_H

#include "guest_prepare.h"
#include "window.h"

/* For ${level}, not WINDOW_CRASH.  *ret gets the extension's program where that freezes; else
 * the agent does, as it must with ${agent_only}, for WINDOW_FILESYSTEM alone.  It may take
 * ${ms}; what guest_prepare asks (unless o->prepared) has a time of its own.
 *
 * ApplicationsNotQuiesced: the guest has nothing that brings them to rest.  MountOrderUnsafe:
 * the agent's freeze would hang.  Failures of the agent and of guest_prepare, too, but for
 * WINDOW_FILESYSTEM, where whoever freezes meets them again. */
struct err *freezer_find(const struct window_options *o, enum window_level level,
    bool agent_only, int64_t ms, struct guest_extension *ret) must_use;

#endif
