/* SPDX-License-Identifier: Apache-2.0 */
/* newfile.h -- a file that gets its name when it is whole.
 *
 * Until then it has no name at all (O_TMPFILE), so that even a kill leaves nothing behind;
 * on file systems without that, a hidden name beside the final one (.NAME.firn-XXXXXX). */
#ifndef NEWFILE_H
#define NEWFILE_H

#include <stdbool.h>

#include "auto.h"
#include "err.h"

struct newfile;

/* Begin a file that will be ${path}, readable by its owner only.  RestoreFolderMissing,
 * RestoreTargetPermission, RestoreTargetFull. */
struct err *newfile_begin(const char *path, struct newfile **ret) must_use;

int newfile_fd(const struct newfile *f);

/* A path by which another program can open it while this process lives.  Borrowed. */
const char *newfile_path(const struct newfile *f);

/* Make its contents durable, then give it its name, then make that durable.
 * RestoreTargetExists when something has the name by now; with ${replace} that is replaced
 * in one step. */
struct err *newfile_commit(struct newfile *f, bool replace) must_use;

/* Removes it unless it was committed.  Accepts NULL. */
void newfile_free(struct newfile *f);
DEFINE_AUTO(newfile);

#endif
