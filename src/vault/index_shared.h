/* SPDX-License-Identifier: Apache-2.0 */
/* index_shared.h -- what index_table.c, index_write.c, index_merge.c and index_verify.c
 * share. */
#ifndef INDEX_SHARED_H
#define INDEX_SHARED_H

#include <pthread.h>

#include "index_run.h"
#include "store.h"

struct cache_set;

struct index {
    struct store *store;
    const struct keys *keys;
    struct seal *seal; /* of whoever opens or writes runs */
    struct run **run;
    uint32_t nruns;
    struct index_pack *pack;
    uint32_t npacks;
    uint32_t *pack_table; /* open-addressed: number + 1; 0: free */
    size_t pack_table_room;
    struct keys_revoked *revoked;
    size_t nrevoked;
    struct cache_set *set;
    size_t nsets;
};

bool index_is_revoked(const struct index *x, const struct vault_key *writer);

/* Add an opened run, which the index owns from then on (not when this fails). */
struct err *index_add_run(struct index *x, struct run *r) must_use;

void index_drop_superseded(struct index *x);

/* The order of a run: by id, then by place.  Of struct index_new. */
int index_compare(const void *a, const void *b);

/* Put a run and open it again: what is read back is what was written. */
struct err *index_put_and_add(struct index *x, const struct run_new *n) must_use;

#endif
