/* SPDX-License-Identifier: Apache-2.0 */
/* index_write.c -- new runs, and merging small ones.
 *
 * A merge reads this writer's small runs side by side, in the order of ids, and writes them
 * as one run that names all of them as superseded.  It takes as many as fit into one run, so
 * it is one object, put whole: a crash leaves the old runs or both. */
#include <assert.h>
#include <string.h>

#include "codes.h"
#include "index_shared.h"

enum { RUNS_MAX = 8, SMALL = INDEX_RUN_ENTRIES / 2 };

static int
compare_entries(const void *a, const void *b)
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
static struct err *
put_and_add(struct index *x, const struct run_new *n)
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
    qsort(entries, nentries, sizeof(*entries), compare_entries);
    return put_and_add(x, &(struct run_new){ .entries = entries, .nentries = nentries,
        .packs = packs, .npacks = npacks });
}

/* ---- merging ---- */

static bool
is_small_own(const struct index *x, const struct run *r)
{
    return !r->gone && r->nentries < SMALL && x->keys->cert != NULL &&
        memcmp(&r->writer, &x->keys->cert->writer, sizeof(r->writer)) == 0;
}

struct merge {
    struct index_new *entries;
    size_t n;
    struct index_pack *packs;
    uint32_t npacks, *number; /* by the index's number: place in packs + 1 */
    uint8_t (*superseded)[32];
    size_t nsuperseded;
};

static void
merge_done(struct merge *m)
{
    free(m->entries);
    free(m->packs);
    free(m->number);
    free(m->superseded);
}

static struct err *
take_run(struct index *x, struct merge *m, uint32_t run)
{
    for (uint32_t i = 0; i < x->run[run]->nentries; i++) {
        struct index_home h;
        struct vault_id id;

        TRY(index_entry(x, run, i, &id, &h));
        if (h.pack == UINT32_MAX)
            continue;
        if (m->number[h.pack] == 0) {
            m->packs[m->npacks] = x->pack[h.pack];
            m->number[h.pack] = ++m->npacks;
        }
        m->entries[m->n++] = (struct index_new){ .id = id, .pack = m->number[h.pack] - 1,
            .frame = h.frame, .slot = h.slot, .what = h.what };
    }
    memcpy(m->superseded[m->nsuperseded++], x->run[run]->hash, 32);
    return NULL;
}

static void
drop_twins(struct merge *m)
{
    size_t kept = 0;

    for (size_t i = 0; i < m->n; i++)
        if (i == 0 || compare_entries(&m->entries[i], &m->entries[kept - 1]) != 0)
            m->entries[kept++] = m->entries[i];
    m->n = kept;
}

static struct err *
merge(struct index *x, struct merge *m)
{
    size_t total = 0;

    m->entries = malloc((size_t)INDEX_RUN_ENTRIES * sizeof(*m->entries));
    m->packs = calloc(x->npacks, sizeof(*m->packs));
    m->number = calloc(x->npacks, sizeof(*m->number));
    m->superseded = calloc(x->nruns, sizeof(*m->superseded));
    if (m->entries == NULL || m->packs == NULL || m->number == NULL || m->superseded == NULL)
        return fail(OutOfMemory);
    for (uint32_t i = 0; i < x->nruns; i++) {
        if (!is_small_own(x, x->run[i]) || total + x->run[i]->nentries > INDEX_RUN_ENTRIES ||
            m->nsuperseded == RUN_SUPERSEDED_MAX)
            continue;
        total += x->run[i]->nentries;
        struct err *e = take_run(x, m, i);
        if (e != NULL && !err_is(e, C_vault_corrupt))
            return e;
        if (e != NULL) { /* a damaged run stays as it is; nothing is merged this time */
            err_free(e);
            return NULL;
        }
    }
    if (m->nsuperseded < 2 || m->n == 0)
        return NULL;
    qsort(m->entries, m->n, sizeof(*m->entries), compare_entries);
    drop_twins(m);
    TRY(put_and_add(x, &(struct run_new){ .entries = m->entries, .nentries = m->n,
        .packs = m->packs, .npacks = m->npacks, .superseded = m->superseded,
        .nsuperseded = m->nsuperseded }));
    index_drop_superseded(x);
    return NULL;
}

struct err *
index_merge(struct index *x)
{
    struct merge m = { 0 };
    unsigned small = 0;

    for (uint32_t i = 0; i < x->nruns; i++)
        small += is_small_own(x, x->run[i]);
    if (small <= RUNS_MAX)
        return NULL;
    struct err *e = merge(x, &m);
    merge_done(&m);
    return e;
}
