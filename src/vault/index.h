/* SPDX-License-Identifier: Apache-2.0 */
/* index.h -- id -> where it rests, over all index runs of a vault.
 *
 * A run is an immutable object of sorted entries in sealed pages (firn-vault(5), INDEX
 * RUNS).  Opening a run reads its head, its fence (24 bytes for each page of 102 entries)
 * and nothing else; a lookup reads and opens one page of each run whose range holds the
 * id.  Opened pages are kept in one cache of bounded size, shared by all runs and lanes.
 * So memory is bounded: the cache, and for an entry a quarter of a byte, or a byte and a
 * half with what merging leaves behind (bench/README.md has figures).
 *
 * New runs hold at most INDEX_RUN_ENTRIES; when too many runs overlap they are merged into
 * as many that divide the ids among them, and a lookup asks one of those. */
#ifndef INDEX_H
#define INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auto.h"
#include "err.h"
#include "keys.h"
#include "vault.h"

struct store;
struct index;

enum { INDEX_RUN_ENTRIES = 131072, INDEX_BLOCK = 0, INDEX_NODE = 1 };

/* One home of an id.  pack is a number of this index, the same for the same pack in all
 * runs, good until the index is freed. */
struct index_home {
    uint32_t run;   /* for marking: position of the run ... */
    uint32_t entry; /* ... and of the entry in it */
    uint32_t pack;
    uint16_t frame;
    uint8_t slot;
    uint8_t what;
    bool trusted;   /* may be deduplicated against: own, vouched, or trust = group */
};

struct index_pack {
    uint8_t hash[32];
    uint32_t body_len;
    uint8_t kind; /* KIND_DATA_PACK, KIND_MAP_PACK */
    bool tombed;  /* set by index_tomb */
};

/* List runs/ and open each that is not superseded.  A run that cannot be read, or is not
 * believed, is left out; ${bad} (may be NULL) is told.  ${cache} = bytes for opened pages;
 * 0 means 6 MiB. */
typedef void index_bad_fn(void *arg, const char *run, struct err *why /* taken */);
struct err *index_open(struct store *s, const struct keys *k, size_t cache, index_bad_fn *bad,
    void *arg, struct index **ret) must_use;
void index_free(struct index *x);
DEFINE_AUTO(index);

/* The ${nth} home of ${id} (0, 1 ...).  Thread-safe. */
struct err *index_find(struct index *x, const struct vault_id *id, unsigned nth,
    struct index_home *ret, bool *ret_found) must_use;

/* Is there a trusted home in a pack that is not tombed?  What deduplication asks. */
struct err *index_has(struct index *x, const struct vault_id *id, struct index_home *ret,
    bool *ret_found) must_use;

const struct index_pack *index_pack(const struct index *x, uint32_t pack);
uint32_t index_npacks(const struct index *x);
uint32_t index_nruns(const struct index *x);
uint64_t index_entries(const struct index *x, uint32_t run);
const char *index_run_name(const struct index *x, uint32_t run);

/* Mark a pack as being taken away. */
void index_tomb(struct index *x, const uint8_t hash[32]);

/* Read one entry back, for walks in run order: its id and home. */
struct err *index_entry(struct index *x, uint32_t run, uint32_t entry, struct vault_id *ret_id,
    struct index_home *ret) must_use;

/* ---- writing ---- */

struct index_new {
    struct vault_id id;
    uint32_t pack; /* position in the ${packs} given along */
    uint16_t frame;
    uint8_t slot, what;
};

/* Sort ${entries} (in place), write them as one run signed by this writer, put it, and add
 * it to ${x}.  1 to INDEX_RUN_ENTRIES entries. */
struct err *index_put_run(struct index *x, struct index_new *entries, size_t nentries,
    const struct index_pack *packs, size_t npacks) must_use;

/* When more of this writer's runs overlap than a lookup should ask, merge them, in bounded
 * memory; readers that still use the old runs lose nothing.  Called before the barrier of a
 * commit, and while a long session rests.  Nobody else may ask meanwhile. */
struct err *index_merge(struct index *x) must_use;

/* Verify: check all pages of all runs, against their fences and seals; with repair mend
 * from parity.  ${each} is told of each run that was wrong. */
typedef struct err *index_mend_fn(void *arg, const char *run, bool mended, struct err *why);
struct err *index_check(struct store *s, const struct keys *k, bool repair,
    index_mend_fn *each, void *arg, uint64_t *ret_objects, uint64_t *ret_bytes) must_use;

#endif
