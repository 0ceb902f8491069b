/* SPDX-License-Identifier: Apache-2.0 */
/* backup_pipe.c -- one disk, span by span, over the pool.
 *
 *   extents, changes --> steps in a ring --> workers: read 1 MiB, ids, store --> ids in order
 *
 * A step is one span that has blocks to read, or a run of spans that are holes or unchanged
 * and cost nothing.  A worker reads a piece into its own buffer and hands it to the vault at
 * once, so that it is hashed and compressed while it lies in the cache.  The ring bounds how
 * far reading runs ahead; its steps are retired in the order of the disk. */
#include <assert.h>
#include <stdio.h>

#include "backup_internal.h"
#include "bytes.h"
#include "clock.h"
#include "codes.h"
#include "stop.h"

enum { STEPS_PER_WORKER = 3 };

enum step_kind { STEP_READ, STEP_ZERO, STEP_SAME };

struct pipe;

struct step {
    struct pool_task task; /* first */
    struct pipe *pipe;
    enum step_kind kind;
    uint64_t span, nspans;
    uint64_t wanted; /* blocks to read, a bit for each */
    struct vault_id ids[VAULT_FANOUT];
};

struct pipe {
    struct backup *b;
    struct vault_writer *w;
    struct vault_disk_writer *d;
    struct source *s;
    const struct vault_disk *parent;
    const struct changed *changed; /* NULL: everything is read */
    const char *name;
    uint64_t block_len, nblocks, nspans;
    struct step *ring;
    size_t nring, first, count;
    enum source_extent kind; /* the extent that was asked last */
    uint64_t from, to;
    uint64_t done;
};

/* ---- workers ---- */

static struct err *
read_locked(struct backup *b, struct source *s, unsigned worker, uint64_t off, uint8_t *to,
    size_t len)
{
    if (s->lanes >= pool_workers(b->pool))
        return source_read(s, worker, off, to, len);
    unsigned lane = worker % s->lanes;
    pthread_mutex_lock(&b->lane_lock[lane]);
    struct err *e = source_read(s, lane, off, to, len);
    pthread_mutex_unlock(&b->lane_lock[lane]);
    return e;
}

struct err *
backup_read_blocks(struct backup *b, struct source *s, unsigned worker, uint64_t block,
    unsigned n)
{
    uint64_t block_len = vault_block_len(b->v), off = block * block_len;
    size_t room = (size_t)(n * block_len), len = room;

    if (b->buf[worker] == NULL)
        b->buf[worker] = malloc(BACKUP_PIECE);
    if (b->buf[worker] == NULL)
        return fail(OutOfMemory);
    if (s->size - off < len)
        len = (size_t)(s->size - off);
    TRY(read_locked(b, s, worker, off, b->buf[worker], len));
    memset(b->buf[worker] + len, 0, room - len);
    return NULL;
}

/* As part of the point. */
static struct err *
read_piece(struct pipe *p, unsigned worker, uint64_t block, unsigned n)
{
    uint64_t left = p->s->size - block * p->block_len, len = n * p->block_len;

    TRY(backup_read_blocks(p->b, p->s, worker, block, n));
    __atomic_add_fetch(&p->b->read_bytes, left < len ? left : len, __ATOMIC_RELAXED);
    return NULL;
}

static struct err *
run_step(struct pool_task *t, unsigned worker)
{
    struct step *s = (struct step *)t;
    struct pipe *p = s->pipe;
    unsigned most = (unsigned)(BACKUP_PIECE / p->block_len);

    for (unsigned i = 0; i < VAULT_FANOUT;) {
        unsigned n = 0;

        /* pieces end on multiples of a piece: then the vault need not copy them together */
        while (i + n < VAULT_FANOUT && (s->wanted >> (i + n) & 1) != 0 &&
               (n == 0 || (i + n) % most != 0))
            n++;
        if (n == 0) {
            i++;
            continue;
        }
        TRY(stop_check());
        TRY(read_piece(p, worker, s->span * VAULT_FANOUT + i, n));
        TRY(vault_write_blocks(p->w, worker, p->b->buf[worker], n,
            s->ids + i));
        i += n;
    }
    return NULL;
}

/* ---- the ring ---- */

static void
tell(struct pipe *p, bool at_end)
{
    const struct backup_options *o = p->b->o;
    struct job_progress now = { .done = p->done, .total = p->s->size };
    char stage[VAULT_NAME_MAX + 16];
    uint64_t stored;
    int64_t ns = clock_mono_ns();

    if (o->progress == NULL || (!at_end && ns - p->b->told_ns < BACKUP_PROGRESS_MS * CLOCK_MS))
        return;
    p->b->told_ns = ns;
    snprintf(stage, sizeof(stage), "reading %s", p->name);
    now.stage = stage;
    vault_writer_stats(p->w, &now.fresh, &stored);
    o->progress(o->arg, &now);
}

static struct err *
retire(struct pipe *p)
{
    struct step *s = &p->ring[p->first];

    p->first = (p->first + 1) % p->nring;
    p->count--;
    switch (s->kind) {
    case STEP_READ:
        TRY(pool_wait(p->b->pool, &s->task));
        TRY(vault_disk_span(p->d, s->ids));
        break;
    case STEP_ZERO:
        TRY(vault_disk_zero_spans(p->d, s->nspans));
        break;
    case STEP_SAME:
        TRY(vault_disk_same_spans(p->d, p->parent, s->nspans));
        break;
    }
    p->done = (s->span + s->nspans) * VAULT_FANOUT * p->block_len;
    if (p->done > p->s->size)
        p->done = p->s->size;
    tell(p, false);
    return NULL;
}

static struct err *
retire_all(struct pipe *p)
{
    while (p->count > 0)
        TRY(retire(p));
    return NULL;
}

static struct err *
next_step(struct pipe *p, enum step_kind kind, uint64_t span, uint64_t nspans,
    struct step **ret)
{
    if (p->count == p->nring)
        TRY(retire(p));
    if (vault_writer_wants_rest(p->w)) {
        TRY(retire_all(p));
        TRY(vault_writer_rest(p->w));
    }
    struct step *s = &p->ring[(p->first + p->count) % p->nring];
    memset(s, 0, sizeof(*s));
    s->task.run = run_step;
    s->pipe = p;
    s->kind = kind;
    s->span = span;
    s->nspans = nspans;
    *ret = s;
    return NULL;
}

/* After a failure: what is under way must end before its memory goes. */
static void
abandon(struct pipe *p)
{
    for (; p->count > 0; p->count--) {
        struct step *s = &p->ring[p->first];

        if (s->kind == STEP_READ)
            err_free(pool_wait(p->b->pool, &s->task));
        p->first = (p->first + 1) % p->nring;
    }
}

/* ---- what to read ---- */

static struct err *
look_at(struct pipe *p, uint64_t off)
{
    uint64_t len;

    if (off >= p->from && off < p->to)
        return NULL;
    TRY(source_extent(p->s, off, &p->kind, &len));
    p->from = off;
    p->to = off + len;
    return NULL;
}

/* How many whole spans from ${span} on are a hole. */
static struct err *
hole_spans(struct pipe *p, uint64_t span, uint64_t *ret)
{
    uint64_t len = p->block_len * VAULT_FANOUT;

    TRY(look_at(p, span * len));
    if (p->kind == SOURCE_DATA)
        *ret = 0;
    else
        *ret = p->to == p->s->size ? p->nspans - span : p->to / len - span;
    return NULL;
}

/* Blocks of the span in which there is data. */
static struct err *
data_mask(struct pipe *p, uint64_t span, uint64_t *ret)
{
    uint64_t begin = span * VAULT_FANOUT * p->block_len, off = begin;
    uint64_t end = begin + VAULT_FANOUT * p->block_len, mask = 0;

    if (end > p->s->size)
        end = p->s->size;
    while (off < end) {
        TRY(look_at(p, off));
        uint64_t stop = p->to < end ? p->to : end;
        if (p->kind == SOURCE_DATA) {
            uint64_t last = (stop - 1 - begin) / p->block_len;
            for (uint64_t i = (off - begin) / p->block_len; i <= last; i++)
                mask |= UINT64_C(1) << i;
        }
        off = stop;
    }
    *ret = mask;
    return NULL;
}

/* The span's blocks that are not listed keep the ids of the parent. */
static struct err *
parent_ids(struct pipe *p, struct step *s, uint64_t listed)
{
    bool zero;

    TRY(vault_read_span(p->b->v, pool_workers(p->b->pool), p->parent, s->span, s->ids, &zero));
    for (unsigned i = 0; i < VAULT_FANOUT; i++)
        if (zero || (listed >> i & 1) != 0)
            s->ids[i] = (struct vault_id){ { 0 } };
    return NULL;
}

static struct err *
read_span(struct pipe *p, uint64_t span, uint64_t listed)
{
    uint64_t data = 0;
    struct step *s;

    TRY(next_step(p, STEP_READ, span, 1, &s));
    TRY(data_mask(p, span, &data));
    s->wanted = data & listed;
    if (listed != UINT64_MAX)
        TRY(parent_ids(p, s, listed));
    p->count++;
    pool_submit(p->b->pool, &s->task);
    return NULL;
}

static struct err *
run_of_spans(struct pipe *p, enum step_kind kind, uint64_t span, uint64_t n)
{
    struct step *s;

    TRY(next_step(p, kind, span, n, &s));
    p->count++;
    return NULL;
}

static struct err *
feed(struct pipe *p)
{
    uint64_t listed = UINT64_MAX, n = 0;

    for (uint64_t span = 0; span < p->nspans; span += n) {
        TRY(stop_check());
        if (p->changed != NULL) {
            uint64_t next = changed_next(p->changed, span * VAULT_FANOUT);
            n = next == p->nblocks ? p->nspans - span : next / VAULT_FANOUT - span;
            if (n > 0) {
                TRY(run_of_spans(p, STEP_SAME, span, n));
                continue;
            }
            listed = changed_mask(p->changed, span * VAULT_FANOUT);
        } else {
            TRY(hole_spans(p, span, &n));
            if (n > 0) {
                TRY(run_of_spans(p, STEP_ZERO, span, n));
                continue;
            }
        }
        n = 1;
        TRY(read_span(p, span, listed));
    }
    return retire_all(p);
}

struct err *
backup_pipe(struct backup *b, struct vault_writer *w, struct vault_disk_writer *d,
    const struct backup_disk *disk, const struct vault_disk *parent,
    const struct changed *changed)
{
    struct pipe p = { .b = b, .w = w, .d = d, .s = disk->source, .parent = parent,
        .changed = changed, .name = disk->name, .block_len = vault_block_len(b->v),
        .nring = (size_t)STEPS_PER_WORKER * pool_workers(b->pool) };

    p.nblocks = div_up(p.s->size, p.block_len);
    p.nspans = div_up(p.nblocks, VAULT_FANOUT);
    auto_free struct step *ring = calloc(p.nring, sizeof(*ring));
    if (ring == NULL)
        return fail(OutOfMemory);
    p.ring = ring;
    struct err *e = feed(&p);
    abandon(&p);
    TRY(e);
    tell(&p, true);
    return NULL;
}
