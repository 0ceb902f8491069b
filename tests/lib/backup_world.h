/* SPDX-License-Identifier: Apache-2.0 */
/* backup_world.h -- a vault in memory, made disks, and what each point was made from, so that
 * every point can be held against the truth. */
#ifndef BACKUP_WORLD_H
#define BACKUP_WORLD_H

#include "backup.h"
#include "disk_maker.h"
#include "pool.h"
#include "vault.h"

enum { WORLD_LANES = 3, WORLD_DISKS = 2, WORLD_KEPT = 40 };

struct world {
    struct vault *v;
    struct pool *pool;
    struct rng rng;
    struct err *warning; /* the last one */
    char *name[WORLD_DISKS];
    struct made_disk disk[WORLD_DISKS];
    size_t ndisks;
    struct world_kept {
        struct vault_key id;
        uint8_t *data[WORLD_DISKS];
        uint64_t size[WORLD_DISKS];
        size_t ndisks;
    } kept[WORLD_KEPT];
    size_t nkept;
};

/* A vault with blocks of ${block_len}, without points. */
void world_open(struct world *w, uint64_t seed, unsigned block_len);
void world_close(struct world *w);

/* ${n} disks by chance, of up to ${most} bytes. */
void world_make_disks(struct world *w, size_t n, uint64_t most);

/* For backup_options.warn: keeps the last. */
void world_warn(void *arg, struct err *warning);

/* The point holds the disks as they are now. */
void world_remember(struct world *w, const struct vault_point *p);

/* Exactly the points that are remembered are listed, and each comes back, bit for bit. */
void world_check_points(struct world *w);

/* A disk of a point is ${data}; ${in_place}: it is restored over what is half right. */
void world_check_disk(struct world *w, const struct vault_disk *d, const uint8_t *data,
    bool in_place);

/* The vault is whole. */
void world_check_whole(struct world *w);

#endif
