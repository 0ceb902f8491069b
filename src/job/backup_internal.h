/* SPDX-License-Identifier: Apache-2.0 */
/* backup_internal.h -- what the files behind backup.h share. */
#ifndef BACKUP_INTERNAL_H
#define BACKUP_INTERNAL_H

#include <pthread.h>

#include "backup.h"
#include "changed.h"
#include "pool.h"

enum { BACKUP_PIECE = 1 << 20 };

/* One backup with all its attempts. */
struct backup {
    struct vault *v;
    struct pool *pool;
    const struct backup_options *o;
    uint8_t *buf[POOL_WORKERS_MAX]; /* a piece for each worker, made by the first that reads */
    pthread_mutex_t lane_lock[SOURCE_LANES_MAX]; /* where a source has fewer lanes than we */
    struct changed *changed;   /* read when it is first used */
    struct vault_key base;     /* the point that the list is relative to */
    bool base_known, has_base;
    bool warned_list, warned[VAULT_DISKS_MAX]; /* a new attempt does not warn again */
    bool warned_bitmap[VAULT_DISKS_MAX];
    bool again;                /* not the first attempt: look at the points anew */
    uint64_t read_bytes;       /* of this attempt */
    int64_t told_ns;           /* when progress was told last */
};

/* ${n} blocks of ${s} from ${block} on, at most BACKUP_PIECE bytes, into the worker's buffer;
 * what the last one lacks is zeros. */
struct err *backup_read_blocks(struct backup *b, struct source *s, unsigned worker,
    uint64_t block, unsigned n) must_use;

/* Read ${disk} into the disk under way.  With ${changed}, only what that lists; the rest is as
 * in ${parent}. */
struct err *backup_pipe(struct backup *b, struct vault_writer *w, struct vault_disk_writer *d,
    const struct backup_disk *disk, const struct vault_disk *parent,
    const struct changed *changed) must_use;

/* One disk of the point, whichever way is the shortest. */
struct err *backup_one(struct backup *b, struct vault_writer *w,
    const struct vault_point *parent, struct backup_disk *disk, size_t number) must_use;

/* Something that belongs to the point beside its disks. */
struct err *backup_aside(struct backup *b, struct vault_writer *w,
    const struct backup_aside *a) must_use;

#endif
