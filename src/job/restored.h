/* SPDX-License-Identifier: Apache-2.0 */
/* restored.h -- a machine's definition beside its restored disks; private to job_restore.
 *
 * Nothing half-done looks done: what an earlier restore left of a definition goes before the
 * first disk is written, and the new one gets its names when all disks have theirs. */
#ifndef RESTORED_H
#define RESTORED_H

#include "auto.h"
#include "definition.h"
#include "job.h"

struct pool;
struct restored;

struct restore {
    const struct job *j;
    const struct job_restore *o;
    struct vault *v;
    struct pool *pool;
    uint64_t done, total; /* bytes of disks, for progress */
    char stage[VAULT_NAME_MAX + 16];
};

/* One disk to ${dest}; ${as_raw}: whatever format was asked for. */
struct err *restore_disk(struct restore *r, const struct vault_disk *d, const char *dest,
    bool as_raw, uint64_t *ret_written) must_use;

/* Can a machine have this name, and its folder?  UsageWrong. */
struct err *restored_name(const char *name) must_use;

/* ${folder} must be there, but for a machine under another name.  RestoreTargetExists when
 * there is a definition that may not be replaced. */
struct err *restored_begin(struct restore *r, const struct vault_point *p,
    const char *folder, struct restored **ret) must_use;

/* Where a disk goes; *ret_path is the caller's. */
struct err *restored_disk(struct restored *m, const struct vault_disk *d,
    char **ret_path) must_use;

/* All disks are there: write what the firmware keeps, and the definition. */
struct err *restored_finish(struct restored *m, struct job_restored *ret) must_use;

void restored_free(struct restored *m);
DEFINE_AUTO(restored);

#endif
