/* SPDX-License-Identifier: Apache-2.0 */
/* index_merge.c -- few runs for a lookup to ask, however many entries there are.
 *
 * A new run holds ids from everywhere, so a lookup must ask each of them.  When a level has
 * too many, its runs are read side by side and written as parts that divide the ids among
 * them, of which a lookup asks one:
 *
 *   level 0   runs under SMALL entries, each alone           more than SMALL_RUNS of them -> 1
 *   level 1   full runs, each alone                          GROUPS of them -> level 2
 *   level 2   groups of parts, about GROUPS full runs each   GROUPS groups -> level 3
 *   level 3   groups of about GROUPS * GROUPS full runs: they stay
 *
 * So an entry is written at most twice again, and ten million entries cost a lookup about
 * six pages instead of ninety.  It ends at level 3 because each part lists the packs of its
 * entries, and ids of one pack are everywhere: larger groups would list every pack in every
 * part.
 *
 * No level is written down.  Ids are evenly spread, so the share of all ids that a run
 * spans and the number of its entries tell how large its group is.
 *
 * All parts are put, then a barrier, then the last part, which names what is superseded: a
 * crash leaves the old runs, or both.  A run that cannot be read whole is left as it is. */
#include <assert.h>
#include <string.h>

#include "codes.h"
#include "index_shared.h"
#include "keys_internal.h"

enum { SMALL = INDEX_RUN_ENTRIES / 2, SMALL_RUNS = 8, GROUPS = 8, LEVELS = 3 };

/* ---- which runs ---- */

/* The share of all ids that ${r} spans, 0 to 1; a short run is taken to span them all. */
static double
share_of(const struct run *r)
{
    double steps = r->npages - 1.0;

    if (r->nentries < SMALL)
        return 1;
    double share = 0x1p-64 * (double)(r->first[r->npages - 1] - r->first[0]);
    share *= r->npages / steps; /* the last page spans something too */
    return share < 1e-9 ? 1e-9 : share > 1 ? 1 : share;
}

static unsigned
level_of(const struct run *r)
{
    double group = r->nentries / share_of(r);
    unsigned level = 0;

    for (double least = SMALL; level < LEVELS && group >= least; least *= GROUPS)
        level++;
    return level;
}

static bool
is_own(const struct index *x, const struct run *r)
{
    return !r->gone && x->keys->cert != NULL &&
        memcmp(&r->writer, &x->keys->cert->writer, sizeof(r->writer)) == 0;
}

static bool
is_due(const struct index *x, unsigned level)
{
    double groups = 0;

    for (uint32_t i = 0; i < x->nruns; i++)
        if (is_own(x, x->run[i]) && level_of(x->run[i]) == level)
            groups += share_of(x->run[i]);
    return groups > (level == 0 ? SMALL_RUNS : GROUPS - 0.5);
}

/* All its pages: a merge that stopped half way would leave its parts behind each time. */
static struct err *
is_whole(struct index *x, struct run *r, bool *ret)
{
    uint8_t page[RUN_PAGE_PLAIN];

    *ret = true;
    for (uint32_t i = 0; *ret && i < r->npages; i++)
        TRY(run_page(x->store, x->keys, x->seal, r, i, page, ret));
    return NULL;
}

/* ---- reading runs side by side ---- */

struct cursor {
    struct run *run;
    uint32_t at;       /* the next entry */
    uint8_t *page;     /* that of entry at - 1 */
    struct index_new now; /* pack: the index's number */
};

struct merge {
    struct index *x;
    struct cursor *cursor;
    size_t ncursors;
    struct cursor **heap; /* the least entry first */
    size_t nheap;
    uint64_t total;
    struct index_new *entries; /* of the part under way; pack: its place in packs */
    size_t n, per_part;
    struct index_pack *packs;
    uint32_t npacks, *number; /* by the index's number: place in packs + 1 */
};

static void
merge_done(struct merge *m)
{
    for (size_t i = 0; i < m->ncursors; i++)
        free(m->cursor[i].page);
    free(m->cursor);
    free(m->heap);
    free(m->entries);
    free(m->packs);
    free(m->number);
}

/* To the next entry that has a home; *ret_more = false behind the last one. */
static struct err *
step(struct merge *m, struct cursor *c, bool *ret_more)
{
    struct run *r = c->run;
    bool ok = true;

    for (*ret_more = false; !*ret_more && c->at < r->nentries; c->at++) {
        uint32_t in_page = c->at % RUN_PER_PAGE;

        if (in_page == 0)
            TRY(run_page(m->x->store, m->x->keys, m->x->seal, r, c->at / RUN_PER_PAGE, c->page,
                &ok));
        if (!ok)
            return fail(ObjectDamaged, r->name);
        *ret_more = run_entry(r, c->page + (size_t)in_page * RUN_RECORD, &c->now);
    }
    return NULL;
}

static void
sink_down(struct merge *m, size_t i)
{
    for (;;) {
        size_t least = i;

        for (size_t child = 2 * i + 1; child <= 2 * i + 2; child++)
            if (child < m->nheap &&
                index_compare(&m->heap[child]->now, &m->heap[least]->now) < 0)
                least = child;
        if (least == i)
            return;
        struct cursor *c = m->heap[i];
        m->heap[i] = m->heap[least];
        m->heap[least] = c;
        i = least;
    }
}

/* The least entry, and on. */
static struct err *
next_entry(struct merge *m, struct index_new *ret)
{
    struct cursor *c = m->heap[0];
    bool more;

    *ret = c->now;
    TRY(step(m, c, &more));
    if (!more)
        m->heap[0] = m->heap[--m->nheap];
    sink_down(m, 0);
    return NULL;
}

static struct err *
begin_cursors(struct merge *m)
{
    m->heap = calloc(m->ncursors, sizeof(struct cursor *));
    if (m->heap == NULL)
        return fail(OutOfMemory);
    for (size_t i = 0; i < m->ncursors; i++) {
        struct cursor *c = &m->cursor[i];
        bool more = false;

        c->page = malloc(RUN_PAGE_PLAIN);
        if (c->page == NULL)
            return fail(OutOfMemory);
        TRY(step(m, c, &more));
        if (more)
            m->heap[m->nheap++] = c;
    }
    for (size_t i = m->nheap; i-- > 0;)
        sink_down(m, i);
    return NULL;
}

/* ---- writing parts ---- */

static void
add(struct merge *m, const struct index_new *e)
{
    if (m->number[e->pack] == 0) {
        m->packs[m->npacks] = m->x->pack[e->pack];
        m->number[e->pack] = ++m->npacks;
    }
    m->entries[m->n] = *e;
    m->entries[m->n++].pack = m->number[e->pack] - 1;
}

static struct err *
put_part(struct merge *m, bool is_last)
{
    auto_free uint8_t (*superseded)[32] = calloc(m->ncursors, sizeof(*superseded));
    struct run_new n = { .entries = m->entries, .nentries = m->n, .packs = m->packs,
        .npacks = m->npacks };

    if (superseded == NULL)
        return fail(OutOfMemory);
    for (size_t i = 0; i < m->ncursors; i++)
        memcpy(superseded[i], m->cursor[i].run->hash, 32);
    if (is_last) {
        n.superseded = superseded;
        n.nsuperseded = m->ncursors;
    }
    TRY(index_put_and_add(m->x, &n));
    memset(m->number, 0, m->x->npacks * sizeof(*m->number));
    m->n = 0;
    m->npacks = 0;
    return NULL;
}

static struct err *
write_parts(struct merge *m)
{
    struct index_new e, last = { .pack = UINT32_MAX };
    bool one = true;

    while (m->nheap > 0) {
        TRY(next_entry(m, &e));
        if (index_compare(&e, &last) == 0)
            continue; /* the same home, told twice */
        if (m->n == m->per_part) { /* not sooner: the last part must have an entry */
            TRY(put_part(m, false));
            one = false;
        }
        add(m, &e);
        last = e;
    }
    if (!one)
        TRY(keys_barrier(m->x->store, "runs"));
    if (m->n > 0)
        TRY(put_part(m, true));
    index_drop_superseded(m->x);
    return NULL;
}

/* ---- a level ---- */

static struct err *
choose(struct merge *m, unsigned level)
{
    struct index *x = m->x;
    uint64_t parts;

    m->cursor = calloc(x->nruns, sizeof(*m->cursor));
    if (m->cursor == NULL)
        return fail(OutOfMemory);
    for (uint32_t i = 0; i < x->nruns && m->ncursors < RUN_SUPERSEDED_MAX; i++) {
        struct run *r = x->run[i];
        bool whole = false;

        if (!is_own(x, r) || level_of(r) != level)
            continue;
        TRY(is_whole(x, r, &whole));
        if (!whole)
            continue;
        m->cursor[m->ncursors++].run = r;
        m->total += r->nentries;
    }
    parts = div_up(m->total, INDEX_RUN_ENTRIES);
    m->per_part = parts == 0 ? 0 : (size_t)div_up(m->total, parts);
    return NULL;
}

static struct err *
merge_level(struct merge *m, unsigned level)
{
    TRY(choose(m, level));
    if (m->ncursors < 2)
        return NULL;
    m->entries = malloc(m->per_part * sizeof(*m->entries));
    m->packs = calloc(m->x->npacks, sizeof(*m->packs));
    m->number = calloc(m->x->npacks, sizeof(*m->number));
    if (m->entries == NULL || m->packs == NULL || m->number == NULL)
        return fail(OutOfMemory);
    TRY(begin_cursors(m));
    return write_parts(m);
}

struct err *
index_merge(struct index *x)
{
    for (unsigned level = 0; level < LEVELS; level++) {
        struct merge m = { .x = x };

        if (!is_due(x, level))
            continue;
        struct err *e = merge_level(&m, level);
        merge_done(&m);
        TRY(e);
    }
    return NULL;
}
