/* SPDX-License-Identifier: Apache-2.0 */
/* target_hive.h -- a Windows disk that is not running, as a machine to act on.
 *
 * What it can: read and change the registry (SYSTEM and SOFTWARE), read and change files, and
 * judge a library by what it imports.  There is no service manager; its database is the
 * registry, so that a start type is a value there, which counts from the machine's next start
 * on.  Nothing can be run, installed, started or restarted.
 *
 * A disk is refused when a change could harm it: its Windows is asleep (WindowsHibernated), or
 * a hive was not written to its end (HiveDirty).  Nothing is written before target calls that
 * change something; each of these is durable when it returns, and whole or not there when the
 * process is killed.  Before the first change of a hive a copy is left beside it
 * (hive_file.h).
 *
 * Paths are "C:\...": C: stands for the disk that was given.  Links on the disk are not
 * followed, since they could lead to this machine's own files. */
#ifndef TARGET_HIVE_H
#define TARGET_HIVE_H

#include "target.h"

/* ${path}: a folder that holds Windows\System32\config (a mounted disk, a tree), a folder that
 * holds the hives themselves, or one hive file.  A disk image is DiskNotMounted: firn mounts
 * nothing.  ${name} is how messages call the target. */
struct err *target_hive_open(const char *path, const char *name, struct target **ret) must_use;

#endif
