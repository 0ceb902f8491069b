/* SPDX-License-Identifier: Apache-2.0 */
/* rebuild.h -- a disk of a recovery point, written into a sink.
 *
 * Blocks are taken in batches and sorted by where they lie, so that each frame of a batch is
 * opened once, however its blocks are spread over the disk.  Every block is checked against
 * its id before it is written; one that fails is taken from its next home. */
#ifndef REBUILD_H
#define REBUILD_H

#include <stdint.h>

#include "err.h"

struct pool;
struct sink;
struct vault;
struct vault_disk;

struct rebuild {
    struct vault *vault; /* with one lane more than ${pool} has workers */
    struct pool *pool;
    const struct vault_disk *disk;
    struct sink *sink;
    bool keep_equal; /* in place: write only what differs */
    void (*progress)(void *arg, uint64_t done); /* bytes of the disk; may be NULL */
    void *arg;
};

/* *ret_written: bytes that were written.  The sink is not finished.  BlockLost, MapDamaged,
 * KeyCannotRead, Interrupted, and what sink and store give. */
struct err *rebuild_disk(const struct rebuild *r, uint64_t *ret_written) must_use;

#endif
