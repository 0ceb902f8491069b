/* SPDX-License-Identifier: Apache-2.0 */
/* target_guest.h -- a running guest, through its agent, as the machine on which a runbook
 * acts (see target.h).
 *
 * All that is done there is done by the guest's own programs, run by its agent, and by the
 * agent's reading and writing of files: reg.exe, sc.exe and cmd.exe of Windows; sh, dpkg,
 * apt-get and systemctl of Linux.  Each gets its arguments as a list.  What decides is exit
 * codes, numbers, and words that belong to a format (enabled, REG_DWORD), never a message.
 *
 * A registry value is read by exporting its key to a file and reading that, and written by
 * importing a file: so it keeps its type and every byte, whatever the guest's language.  The
 * file lies in the guest's folder for temporary files, one for each conversation, and goes
 * with target_free; a firn that is killed leaves it there.
 *
 * What the guest's administrator forbids stands in target.cannot; ${can} has only what all
 * needed commands are allowed for.  Load tests need firn-plugin-host in a Windows guest; in
 * a Linux guest the system's loader does them. */
#ifndef TARGET_GUEST_H
#define TARGET_GUEST_H

#include "target.h"

struct target_guest_options {
    const char *name; /* of the machine, for messages */
    /* firn-plugin-host in the guest; NULL: there is none */
    const char *plugin_host;
    int call_ms; /* the limit of one question; 0: TARGET_GUEST_CALL_MS */
};

enum { TARGET_GUEST_CALL_MS = 60000 };

/* Connect to the agent's socket.  Failures of the agent are those of qga.h. */
struct err *target_guest_open(const char *socket, const struct target_guest_options *options,
    struct deadline by, struct target **ret) must_use;

/* An agent serves one client at a time and lets a second one wait without a word.  Let go of
 * it while somebody else in this process talks to it; until it is taken up again no call but
 * target_free may be made. */
void target_guest_let_go(struct target *t);
struct err *target_guest_take_up(struct target *t, struct deadline by) must_use;

#endif
