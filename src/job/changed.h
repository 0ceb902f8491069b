/* SPDX-License-Identifier: Apache-2.0 */
/* changed.h -- the list of blocks of a disk that changed, as somebody else kept it.
 *
 * One decimal block number to a line, in blocks of the vault, in any order and as often as
 * one likes; lines may be empty and may end with CR LF.  The list comes from outside: what
 * is no number, or lies beyond the disk, is InputInvalid with its line.
 *
 * Kept as a bitmap of at most CHANGED_BYTES_MAX: of a disk with more blocks than it has
 * bits, a bit stands for several, and more is read than was listed. */
#ifndef CHANGED_H
#define CHANGED_H

#include <stdbool.h>
#include <stdint.h>

#include "auto.h"
#include "err.h"

struct changed;

enum { CHANGED_BYTES_MAX = 16 << 20, CHANGED_LINE_MAX = 20 };

/* Read the list of a disk that has ${nblocks} blocks.  FileUnreadable, InputInvalid. */
struct err *changed_read(const char *path, uint64_t nblocks, struct changed **ret) must_use;

/* The first listed block from ${block} on, or the disk's number of blocks. */
uint64_t changed_next(const struct changed *c, uint64_t block);

/* Which of the 64 blocks from ${block} on (a multiple of 64) are listed? */
uint64_t changed_mask(const struct changed *c, uint64_t block);

/* Accepts NULL. */
void changed_free(struct changed *c);
DEFINE_AUTO(changed);

#endif
