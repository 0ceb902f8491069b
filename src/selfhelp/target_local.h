/* SPDX-License-Identifier: Apache-2.0 */
/* target_local.h -- this Linux machine, or a tree of one that is not running.
 *
 * Paths are the machine's own; in a tree they are resolved inside it, links too, so that
 * nothing outside is read or written.  A library is tried by the system's loader in a child
 * process: on this machine it is really loaded, in a tree it is looked for with all that it
 * needs, without running any of it.  Packages go through dpkg and apt with the tree's own
 * database, units through systemctl (--root for a tree, or where systemd is not running).
 *
 * Restarting this machine is for a person: firn would end with it. */
#ifndef TARGET_LOCAL_H
#define TARGET_LOCAL_H

#include "target.h"

/* ${root}: the tree's folder; NULL: this machine. */
struct err *target_local_open(const char *root, const char *name, struct target **ret) must_use;

#endif
