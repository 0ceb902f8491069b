/* SPDX-License-Identifier: Apache-2.0 */
/* rebuild.c -- batches of blocks, one task for each frame.
 *
 *   map --> (block, id) of a batch --> where they lie --> sorted by frame
 *       --> task: open the frame, check each block, write neighbours together
 *
 * A sink that takes bytes only in order gets each batch through one buffer; its batches are
 * as small as that buffer. */
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "codes.h"
#include "pool.h"
#include "rebuild.h"
#include "sink.h"
#include "stop.h"
#include "vault.h"

enum { BATCH = 16384, SEQUENTIAL = 16 << 20, TASKS = 128, COMPARE = 1 << 20 };

struct piece {
    uint64_t block;
    struct vault_id id;
    struct vault_place place;
};

struct work {
    const struct rebuild *r;
    size_t block_len;
    struct piece *piece;
    size_t npieces, room;
    uint8_t *buffer;       /* of a sequential sink, for [start, start + its blocks) */
    uint64_t start;        /* first block of the batch */
    uint64_t written;      /* atomic */
    uint8_t *compare[POOL_WORKERS_MAX]; /* what is there already */
};

struct frame_task {
    struct pool_task task;
    struct work *w;
    size_t first, n; /* pieces */
};

/* ---- writing ---- */

static uint64_t
bytes_at(const struct work *w, uint64_t block, uint64_t nblocks)
{
    uint64_t off = block * w->block_len, len = nblocks * w->block_len;

    return len < w->r->disk->size - off ? len : w->r->disk->size - off;
}

/* Write what differs, piece by piece of a block. */
static struct err *
write_different(struct work *w, unsigned lane, uint64_t off, const uint8_t *data, uint64_t len)
{
    if (w->compare[lane] == NULL)
        w->compare[lane] = malloc(COMPARE);
    if (w->compare[lane] == NULL)
        return fail(OutOfMemory);
    for (uint64_t at = 0; at < len;) {
        size_t n = len - at < w->block_len ? (size_t)(len - at) : w->block_len;

        TRY(sink_read(w->r->sink, lane, off + at, w->compare[lane], n));
        if (memcmp(w->compare[lane], data + at, n) != 0) {
            TRY(sink_write(w->r->sink, lane, off + at, data + at, n));
            __atomic_add_fetch(&w->written, n, __ATOMIC_RELAXED);
        }
        at += n;
    }
    return NULL;
}

static struct err *
put(struct work *w, unsigned lane, uint64_t block, const uint8_t *data, uint64_t nblocks)
{
    uint64_t off = block * w->block_len, len = bytes_at(w, block, nblocks);

    if (w->buffer != NULL) {
        memcpy(w->buffer + (block - w->start) * w->block_len, data, len);
        return NULL;
    }
    if (w->r->keep_equal)
        return write_different(w, lane, off, data, len);
    __atomic_add_fetch(&w->written, len, __ATOMIC_RELAXED);
    return sink_write(w->r->sink, lane, off, data, len);
}

/* Make [block, block + n) zeros, where the sink does not begin with them. */
static struct err *
put_zeros(struct work *w, unsigned lane, uint64_t block, uint64_t nblocks)
{
    uint64_t off = block * w->block_len, len = bytes_at(w, block, nblocks);

    if (w->r->sink->fresh || w->buffer != NULL || len == 0)
        return NULL;
    if (!w->r->keep_equal) {
        __atomic_add_fetch(&w->written, len, __ATOMIC_RELAXED);
        return sink_zero(w->r->sink, lane, off, len);
    }
    if (w->compare[lane] == NULL)
        w->compare[lane] = malloc(COMPARE);
    if (w->compare[lane] == NULL)
        return fail(OutOfMemory);
    for (uint64_t at = 0; at < len;) {
        size_t n = len - at < COMPARE ? (size_t)(len - at) : COMPARE;

        TRY(sink_read(w->r->sink, lane, off + at, w->compare[lane], n));
        if (!bytes_are_zero(w->compare[lane], n)) {
            TRY(sink_zero(w->r->sink, lane, off + at, n));
            __atomic_add_fetch(&w->written, n, __ATOMIC_RELAXED);
        }
        at += n;
        TRY(stop_check());
    }
    return NULL;
}

/* ---- one frame ---- */

/* Try the homes of a block, one after the other. */
static struct err *
put_from_any_home(struct work *w, unsigned lane, const struct piece *p)
{
    struct err *why = NULL;
    bool found = true;

    for (unsigned nth = 0; found; nth++) {
        struct vault_place place;
        const uint8_t *data;
        size_t nblocks = 0;
        bool is = false;

        TRY(err_also(vault_locate(w->r->vault, &p->id, nth, &place, &found), NULL));
        if (!found)
            break;
        struct err *e = vault_read_frame(w->r->vault, lane, &place, &data, &nblocks);
        if (e == NULL && place.slot < nblocks) {
            data += (size_t)place.slot * w->block_len;
            e = vault_block_is(w->r->vault, lane, data, &p->id, &is);
        }
        if (is) {
            err_free(why);
            return put(w, lane, p->block, data, 1);
        }
        if (e != NULL && !err_is(e, C_vault_corrupt) && !err_is(e, C_store_io)) {
            err_free(why);
            return e;
        }
        why = err_also(why, e);
    }
    return err_because(fail(BlockLost, w->r->disk->name, (int64_t)(p->block * w->block_len)),
        why);
}

/* How many pieces from ${p} on are neighbours on the disk and in the frame, and are what
 * their ids say? */
static struct err *
good_run(struct work *w, unsigned lane, const struct piece *p, size_t n, const uint8_t *frame,
    size_t nblocks, size_t *ret)
{
    size_t i = 0;

    for (; i < n; i++) {
        bool is = false;

        if (p[i].place.slot >= nblocks ||
            (i > 0 && (p[i].block != p[i - 1].block + 1 ||
                p[i].place.slot != p[i - 1].place.slot + 1)))
            break;
        TRY(vault_block_is(w->r->vault, lane, frame + (size_t)p[i].place.slot * w->block_len,
            &p[i].id, &is));
        if (!is)
            break;
    }
    *ret = i;
    return NULL;
}

static struct err *
do_frame(struct work *w, unsigned lane, const struct piece *p, size_t n)
{
    const uint8_t *frame;
    size_t nblocks;
    struct err *e = vault_read_frame(w->r->vault, lane, &p->place, &frame, &nblocks);

    if (e != NULL && !err_is(e, C_vault_corrupt) && !err_is(e, C_store_io))
        return e;
    if (e != NULL) {
        err_free(e); /* told again where no other home gives the block */
        nblocks = 0;
    }
    for (size_t i = 0; i < n;) {
        size_t good = 0;

        if (nblocks > 0)
            TRY(good_run(w, lane, p + i, n - i, frame, nblocks, &good));
        if (good == 0) {
            TRY(put_from_any_home(w, lane, &p[i++]));
            nblocks = 0; /* the lane's frame is another one now */
            continue;
        }
        TRY(put(w, lane, p[i].block, frame + (size_t)p[i].place.slot * w->block_len, good));
        i += good;
    }
    return NULL;
}

static struct err *
frame_task(struct pool_task *t, unsigned worker)
{
    struct frame_task *f = t->arg;

    TRY(stop_check());
    return do_frame(f->w, worker, f->w->piece + f->first, f->n);
}

/* ---- a batch ---- */

static int
compare_pieces(const void *a, const void *b)
{
    const struct piece *x = a, *y = b;

    if (x->place.pack != y->place.pack)
        return x->place.pack < y->place.pack ? -1 : 1;
    if (x->place.frame != y->place.frame)
        return x->place.frame < y->place.frame ? -1 : 1;
    return x->block < y->block ? -1 : 1;
}

static size_t
same_frame(const struct work *w, size_t from)
{
    const struct piece *p = w->piece;
    size_t n = 1;

    while (from + n < w->npieces && p[from + n].place.pack == p[from].place.pack &&
        p[from + n].place.frame == p[from].place.frame)
        n++;
    return n;
}

static struct err *
run_tasks(struct work *w)
{
    auto_free struct frame_task *task = calloc(TASKS, sizeof(*task));
    size_t next = 0, head = 0, tail = 0;
    struct err *e = NULL;

    if (task == NULL)
        return fail(OutOfMemory);
    while (head < tail || (e == NULL && next < w->npieces)) {
        while (e == NULL && next < w->npieces && tail - head < TASKS) {
            struct frame_task *t = &task[tail++ % TASKS];

            *t = (struct frame_task){ .task = { .run = frame_task }, .w = w, .first = next,
                .n = same_frame(w, next) };
            t->task.arg = t;
            next += t->n;
            pool_submit(w->r->pool, &t->task);
        }
        e = err_also(e, pool_wait(w->r->pool, &task[head++ % TASKS].task));
    }
    return e;
}

static struct err *
add_piece(struct work *w, uint64_t block, const struct vault_id *id)
{
    struct piece *p = &w->piece[w->npieces];
    bool found = false;

    p->block = block;
    p->id = *id;
    TRY(vault_locate(w->r->vault, id, 0, &p->place, &found));
    if (!found)
        return fail(BlockLost, w->r->disk->name, (int64_t)(block * w->block_len));
    w->npieces++;
    return NULL;
}

/* Pieces of one span; zeros are written at once. */
static struct err *
add_span(struct work *w, unsigned lane, uint64_t span, uint64_t nblocks)
{
    const struct vault_id zero = { { 0 } };
    struct vault_id ids[VAULT_FANOUT];
    bool all_zero = false;

    TRY(vault_read_span(w->r->vault, lane, w->r->disk, span, ids, &all_zero));
    for (unsigned i = 0; i < VAULT_FANOUT; i++) {
        uint64_t block = span * VAULT_FANOUT + i;

        if (block >= nblocks)
            break;
        if (all_zero || memcmp(&ids[i], &zero, sizeof(zero)) == 0)
            TRY(put_zeros(w, lane, block, 1));
        else
            TRY(add_piece(w, block, &ids[i]));
    }
    return NULL;
}

/* Write out a batch that ends before ${block}. */
static struct err *
finish_batch(struct work *w, uint64_t block)
{
    if (w->npieces > 1)
        qsort(w->piece, w->npieces, sizeof(*w->piece), compare_pieces);
    TRY(run_tasks(w));
    w->npieces = 0;
    if (w->buffer != NULL && block > w->start) {
        uint64_t len = bytes_at(w, w->start, block - w->start);

        TRY(sink_write(w->r->sink, 0, w->start * w->block_len, w->buffer, len));
        w->written += len;
        memset(w->buffer, 0, SEQUENTIAL);
    }
    w->start = block;
    if (w->r->progress != NULL)
        w->r->progress(w->r->arg, bytes_at(w, 0, block));
    return stop_check();
}

static struct err *
rebuild(struct work *w)
{
    const struct vault_disk *d = w->r->disk;
    unsigned lane = pool_workers(w->r->pool);
    uint64_t nblocks = div_up(d->size, w->block_len), nspans = div_up(nblocks, VAULT_FANOUT);
    uint64_t batch = w->buffer != NULL ? SEQUENTIAL / w->block_len : BATCH, skip;

    for (uint64_t span = 0; span < nspans;) {
        uint64_t block = span * VAULT_FANOUT;

        if (block - w->start + VAULT_FANOUT > batch || w->npieces + VAULT_FANOUT > w->room)
            TRY(finish_batch(w, block));
        skip = 0;
        if (w->buffer == NULL)
            TRY(vault_zero_spans(w->r->vault, lane, d, span, &skip));
        if (skip > 0) {
            uint64_t end = (span + skip) * VAULT_FANOUT;

            TRY(finish_batch(w, block));
            TRY(put_zeros(w, lane, block, (end < nblocks ? end : nblocks) - block));
            w->start = end < nblocks ? end : nblocks;
            span += skip;
        } else {
            TRY(add_span(w, lane, span++, nblocks));
        }
    }
    return finish_batch(w, nblocks);
}

struct err *
rebuild_disk(const struct rebuild *r, uint64_t *ret_written)
{
    struct work w = { .r = r, .block_len = vault_block_len(r->vault), .room = BATCH };
    struct err *e = NULL;

    w.piece = malloc(BATCH * sizeof(*w.piece));
    if (r->sink->sequential)
        w.buffer = calloc(1, SEQUENTIAL);
    if (w.piece == NULL || (r->sink->sequential && w.buffer == NULL))
        e = fail(OutOfMemory);
    if (e == NULL && r->disk->size > 0)
        e = rebuild(&w);
    for (unsigned i = 0; i < POOL_WORKERS_MAX; i++)
        free(w.compare[i]);
    free(w.piece);
    free(w.buffer);
    TRY(e);
    *ret_written = w.written;
    return NULL;
}
