/* SPDX-License-Identifier: Apache-2.0 */
/* audit_run.c -- the next units of a round, read by the pool.
 *
 * Units are gathered in batches and sorted, so that disk, extents and map are walked forward.
 * A block that is zero in the point and a hole on the disk is checked without reading it. */
#include <assert.h>
#include <string.h>

#include "audit.h"
#include "bytes.h"
#include "codes.h"
#include "stop.h"

enum { TASKS = 2 * POOL_WORKERS_MAX };

struct check {
    struct pool_task task; /* first */
    struct run *run;
    uint64_t block;
    unsigned n;
    struct vault_id ids[VAULT_FANOUT];
};

struct run {
    struct backup *b;
    struct source *s;
    const struct vault_disk *of;
    const struct changed *changed;
    struct audit *a;
    uint64_t nblocks, unit_blocks;
    uint64_t units[AUDIT_BATCH];
    size_t nunits;
    struct check check[TASKS]; /* a ring */
    size_t ntasks, first, count;
    uint64_t span;             /* whose ids are at hand */
    bool has_span;
    struct vault_id ids[VAULT_FANOUT];
    uint64_t from, to;         /* the extent that was asked last */
    enum source_extent kind;
};

/* ---- workers ---- */

static struct err *
is_equal(struct run *r, unsigned worker, const uint8_t *data, const struct vault_id *id,
    bool *ret)
{
    static const struct vault_id zero;
    size_t len = vault_block_len(r->b->v);

    if (bytes_are_zero(data, len)) {
        *ret = memcmp(id, &zero, sizeof(zero)) == 0;
        return NULL;
    }
    return vault_block_is(r->b->v, worker, data, id, ret);
}

static struct err *
run_check(struct pool_task *t, unsigned worker)
{
    struct check *c = (struct check *)t;
    struct run *r = c->run;
    size_t len = vault_block_len(r->b->v);
    bool equal = false;

    TRY(stop_check());
    TRY(backup_read_blocks(r->b, r->s, worker, c->block, c->n));
    for (unsigned i = 0; i < c->n; i++) {
        TRY(is_equal(r, worker, r->b->buf[worker] + i * len, &c->ids[i], &equal));
        if (!equal)
            __atomic_add_fetch(&r->a->wrong, 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

/* ---- the ring ---- */

static struct err *
retire(struct run *r)
{
    struct check *c = &r->check[r->first];

    r->first = (r->first + 1) % r->ntasks;
    r->count--;
    return pool_wait(r->b->pool, &c->task);
}

static struct err *
submit(struct run *r, uint64_t block, unsigned n)
{
    if (r->count == r->ntasks)
        TRY(retire(r));
    struct check *c = &r->check[(r->first + r->count) % r->ntasks];
    memset(c, 0, sizeof(*c));
    c->task.run = run_check;
    c->run = r;
    c->block = block;
    c->n = n;
    memcpy(c->ids, r->ids + block % VAULT_FANOUT, n * sizeof(c->ids[0]));
    r->count++;
    pool_submit(r->b->pool, &c->task);
    return NULL;
}

/* ---- what to read ---- */

static struct err *
load_ids(struct run *r, uint64_t span)
{
    bool zero = false;

    if (r->has_span && r->span == span)
        return NULL;
    TRY(vault_read_span(r->b->v, pool_workers(r->b->pool), r->of, span, r->ids, &zero));
    if (zero)
        memset(r->ids, 0, sizeof(r->ids));
    r->has_span = true;
    r->span = span;
    return NULL;
}

static struct err *
is_hole(struct run *r, uint64_t block, bool *ret)
{
    uint64_t off = block * vault_block_len(r->b->v), end = off + vault_block_len(r->b->v), len;

    if (off < r->from || off >= r->to) {
        TRY(source_extent(r->s, off, &r->kind, &len));
        r->from = off;
        r->to = off + len;
    }
    if (end > r->s->size)
        end = r->s->size;
    *ret = r->kind == SOURCE_HOLE && end <= r->to;
    return NULL;
}

/* Must the block be read to be checked? */
static struct err *
needs_read(struct run *r, uint64_t block, bool *ret)
{
    static const struct vault_id zero;
    bool hole = false;

    *ret = false;
    if (block >= r->nblocks || (changed_mask(r->changed, block / 64 * 64) >> block % 64 & 1))
        return NULL;
    TRY(load_ids(r, block / VAULT_FANOUT));
    if (memcmp(&r->ids[block % VAULT_FANOUT], &zero, sizeof(zero)) == 0)
        TRY(is_hole(r, block, &hole));
    *ret = !hole;
    return NULL;
}

static struct err *
check_unit(struct run *r, uint64_t unit)
{
    uint64_t begin = unit * r->unit_blocks, end = begin + r->unit_blocks, from = begin;
    bool read = false;

    for (uint64_t block = begin; block < end; block++) {
        TRY(needs_read(r, block, &read));
        if (read)
            continue;
        if (block > from)
            TRY(submit(r, from, (unsigned)(block - from)));
        from = block + 1;
    }
    if (end > from)
        TRY(submit(r, from, (unsigned)(end - from)));
    return NULL;
}

static int
by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

static struct err *
check_batch(struct run *r)
{
    qsort(r->units, r->nunits, sizeof(r->units[0]), by_number);
    for (size_t i = 0; i < r->nunits; i++)
        TRY(check_unit(r, r->units[i]));
    r->nunits = 0;
    return NULL;
}

/* Blocks of the unit that are not read anyway. */
static unsigned
clean_blocks(const struct run *r, uint64_t unit)
{
    uint64_t begin = unit * r->unit_blocks, mask = changed_mask(r->changed, begin / 64 * 64);
    unsigned n = 0;

    for (uint64_t block = begin; block < begin + r->unit_blocks; block++)
        n += block < r->nblocks && (mask >> block % 64 & 1) == 0;
    return n;
}

/* The round is through: all blocks were read at least once since it began. */
static void
next_round(struct audit *a, int64_t parent_ns)
{
    a->since_ns = a->begun_ns;
    a->begun_ns = parent_ns;
    a->next = 0;
    a->key++;
}

static struct err *
walk(struct run *r, unsigned percent, int64_t parent_ns)
{
    struct audit *a = r->a;
    uint64_t total = div_up(r->nblocks, r->unit_blocks);
    uint64_t want = div_up(r->nblocks, 100) * percent;

    if (want < AUDIT_LEAST)
        want = AUDIT_LEAST;
    for (uint64_t steps = 0; steps < total && a->checked < want; steps++) {
        if (a->next >= total)
            next_round(a, parent_ns);
        uint64_t unit = audit_place(a->key, total, a->next++);
        unsigned clean = clean_blocks(r, unit);
        if (clean == 0)
            continue;
        a->checked += clean;
        r->units[r->nunits++] = unit;
        if (r->nunits == AUDIT_BATCH)
            TRY(check_batch(r));
    }
    TRY(check_batch(r));
    while (r->count > 0)
        TRY(retire(r));
    return NULL;
}

struct err *
audit_run(struct backup *b, const struct backup_disk *disk, const struct vault_point *parent,
    const struct vault_disk *of, const struct changed *changed, struct audit *a)
{
    auto_free struct run *r = calloc(1, sizeof(*r));
    uint64_t block_len = vault_block_len(b->v);
    unsigned percent = b->o->audit_percent > 0 ? b->o->audit_percent : AUDIT_PERCENT;

    if (r == NULL)
        return fail(OutOfMemory);
    assert(of->size == disk->source->size);
    r->b = b;
    r->s = disk->source;
    r->of = of;
    r->changed = changed;
    r->a = a;
    r->nblocks = div_up(of->size, block_len);
    r->unit_blocks = audit_unit_blocks(r->nblocks, block_len);
    r->ntasks = 2 * pool_workers(b->pool);
    struct err *e = walk(r, percent, parent->time_ns);
    for (; r->count > 0; r->count--) { /* after a failure: they use this memory */
        err_free(pool_wait(b->pool, &r->check[r->first].task));
        r->first = (r->first + 1) % r->ntasks;
    }
    return e;
}
