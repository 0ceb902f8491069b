/* SPDX-License-Identifier: Apache-2.0 */
/* fresh.h -- the table of ids that a session has stored since its last run: what the index
 * does not know yet.  All calls may be made from several threads. */
#ifndef FRESH_H
#define FRESH_H

#include "auto.h"
#include "err.h"
#include "index.h"

struct fresh;

enum { FRESH_MAX = INDEX_RUN_ENTRIES };

struct err *fresh_new(struct fresh **ret) must_use;
void fresh_free(struct fresh *f);
DEFINE_AUTO(fresh);

/* Which of ${n} ids are here?  Clears bit i of ${ids}' *unknown for each that is. */
void fresh_look(struct fresh *f, const struct vault_id *ids, size_t n, uint64_t *unknown);

/* Claim ${id}: *ret_mine says that it was not here and that the caller now has to store it
 * and tell where with fresh_placed. *ret_entry is its number. */
struct err *fresh_claim(struct fresh *f, const struct vault_id *id, uint8_t what,
    uint32_t *ret_entry, bool *ret_mine) must_use;

/* Entries ${entry}[0..n-1] lie in this frame, one after the other from slot 0. */
void fresh_placed(struct fresh *f, const uint32_t *entry, size_t n, uint32_t pack,
    uint16_t frame);

/* All entries, in no order; to be sorted and written as a run, then fresh_clear. */
struct index_new *fresh_entries(struct fresh *f, size_t *ret_n);
size_t fresh_count(struct fresh *f);
void fresh_clear(struct fresh *f);

#endif
