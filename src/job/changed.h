/* SPDX-License-Identifier: Apache-2.0 */
/* changed.h -- which blocks of a disk changed, as somebody else kept it: by a list in a file,
 * or by what a source tells.
 *
 * A list has one decimal block number to a line, in blocks of the vault, in any order and as
 * often as one likes; lines may be empty and may end with CR LF.  It comes from outside: what
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
struct source;

enum { CHANGED_BYTES_MAX = 16 << 20, CHANGED_LINE_MAX = 20 };

/* Read the list of a disk that has ${nblocks} blocks.  FileUnreadable, InputInvalid. */
struct err *changed_read(const char *path, uint64_t nblocks, struct changed **ret) must_use;

/* Ask ${s}, which tells changes, about all of it.  A block that changed in part is listed. */
struct err *changed_ask(struct source *s, uint64_t block_len, struct changed **ret) must_use;

/* How many bytes the source called changed, by its own measure; 0 of a list. */
uint64_t changed_told_bytes(const struct changed *c);

/* The first listed block from ${block} on, or the disk's number of blocks. */
uint64_t changed_next(const struct changed *c, uint64_t block);

/* Which of the 64 blocks from ${block} on (a multiple of 64) are listed? */
uint64_t changed_mask(const struct changed *c, uint64_t block);

/* Accepts NULL. */
void changed_free(struct changed *c);
DEFINE_AUTO(changed);

#endif
