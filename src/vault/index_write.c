/* SPDX-License-Identifier: Apache-2.0 */
/* index_write.c -- new runs. */
#include <assert.h>
#include <string.h>

#include "codes.h"
#include "index_shared.h"

int
index_compare(const void *a, const void *b)
{
    const struct index_new *x = a, *y = b;
    int c = memcmp(&x->id, &y->id, sizeof(x->id));

    if (c != 0)
        return c;
    if (x->pack != y->pack)
        return x->pack < y->pack ? -1 : 1;
    if (x->frame != y->frame)
        return x->frame < y->frame ? -1 : 1;
    return (x->slot > y->slot) - (x->slot < y->slot);
}

/* Put and open again: what is read back is what was written. */
struct err *
index_put_and_add(struct index *x, const struct run_new *n)
{
    auto_ptr(run) r = NULL;
    char name[KEYS_NAME_MAX];

    TRY(run_put(x->store, x->keys, x->seal, n, name));
    TRY(run_open(x->store, x->keys, x->seal, name, &r));
    TRY(index_add_run(x, r));
    (void)take(r);
    return NULL;
}

struct err *
index_put_run(struct index *x, struct index_new *entries, size_t nentries,
    const struct index_pack *packs, size_t npacks)
{
    assert(nentries >= 1 && nentries <= INDEX_RUN_ENTRIES);
    qsort(entries, nentries, sizeof(*entries), index_compare);
    return index_put_and_add(x, &(struct run_new){ .entries = entries, .nentries = nentries,
        .packs = packs, .npacks = npacks });
}
