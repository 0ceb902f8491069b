/* SPDX-License-Identifier: Apache-2.0 */
/* disk_maker.h -- disks and what a day does to them, made from a seed.
 *
 * A disk is bytes in memory and a bitmap of its holes, as source_mem_new takes them; it is
 * its own model: what comes back must be these bytes. */
#ifndef DISK_MAKER_H
#define DISK_MAKER_H

#include <stdbool.h>
#include <stdint.h>

#include "pattern.h"

struct made_disk {
    uint8_t *data, *holes;
    uint64_t size;
    uint8_t *changed; /* a bit for each 4096 bytes that disk_change touched */
};

/* A size that is odd in one way or another: 0, 1, about a block, about a span, anything up
 * to ${most}. */
uint64_t disk_size(struct rng *r, uint64_t block_len, uint64_t most);

/* Runs of random bytes, repeated blocks, zeros, holes, and bytes shifted against the grid. */
void disk_make(struct rng *r, uint64_t size, struct made_disk *ret);

/* Rewrite, zero, trim, copy or move some ranges; changed tells where. */
void disk_change(struct rng *r, struct made_disk *d);

/* Write the numbers of changed blocks of ${block_len} to a file, in no order, and forget. */
void disk_list_changes(struct rng *r, struct made_disk *d, uint64_t block_len,
    const char *path);

void disk_done(struct made_disk *d);

#endif
