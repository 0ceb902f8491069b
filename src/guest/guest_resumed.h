/* SPDX-License-Identifier: Apache-2.0 */
/* guest_resumed.h -- whether the applications of a Linux guest went on after its snapshot.
 *
 * They go on after the thaw, by the extension's watchdog, and a post-script may take half an
 * hour: so it is asked when all else is done. */
#ifndef GUEST_RESUMED_H
#define GUEST_RESUMED_H

#include "err.h"

enum {
    GUEST_RESUMED_S = 1860, /* until then it is asked: a script ends within 1800 s */
    GUEST_RESUMED_ASK_S = 30
};

/* ${program} is the extension that froze.  ApplicationsNotResumed, with what went wrong below
 * it.  NULL: they did; or nobody can tell, as where the extension is older than the question or
 * the agent is gone. */
struct err *guest_resumed(const char *socket, const char *machine,
    const char *program) must_use;

#endif
