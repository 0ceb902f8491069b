/* SPDX-License-Identifier: Apache-2.0 */
/* writer_map.c -- the map of a disk, from the leaves up while its spans come in.
 *
 * level[i] gathers ids of nodes of level i - 1; 64 of them make a node of level i, whose id
 * goes to level[i + 1].  Runs of zero or unchanged spans skip whole subtrees: they push an
 * id at the highest level where they begin and end on a boundary. */
#include <assert.h>
#include <string.h>

#include "codes.h"
#include "point.h"
#include "writer.h"

struct err *
writer_emit_nodes(struct vault_writer *w)
{
    unsigned n = w->nnodes;

    w->nnodes = 0;
    if (n == 0)
        return NULL;
    struct lane *l = vault_own_lane(w->v);
    TRY(lane_for_writing(l));
    return writer_emit(w, l, LINE_MAP, w->nodes, (size_t)n * NODE_LEN, w->node_entry, n);
}

/* Store a node unless the vault has it. */
static struct err *
store_node(struct vault_writer *w, const uint8_t *node, const struct vault_id *id)
{
    struct index_home home;
    uint32_t entry;
    bool found, mine;

    TRY(index_has(w->v->index, id, &home, &found));
    if (found) {
        writer_refers(w, &home);
        return NULL;
    }
    TRY(fresh_claim(w->fresh, id, INDEX_NODE, &entry, &mine));
    if (!mine)
        return NULL;
    memcpy(w->nodes + (size_t)w->nnodes * NODE_LEN, node, NODE_LEN);
    w->node_entry[w->nnodes++] = entry;
    return w->nnodes == NODE_FRAME_MAX ? writer_emit_nodes(w) : NULL;
}

static struct err *
make_node(struct vault_writer *w, unsigned level, const struct vault_id *ids,
    struct vault_id *ret)
{
    struct lane *l = vault_own_lane(w->v);
    uint8_t node[NODE_LEN] = { (uint8_t)level };

    memcpy(node + 8, ids, NODE_LEN - 8);
    if (bytes_are_zero(node + 8, NODE_LEN - 8)) {
        *ret = (struct vault_id){ { 0 } };
        return NULL;
    }
    TRY(lane_use_writer(w->v, l, &w->point->writer));
    TRY(seal_id(l->seal, SEAL_NODE, node, NODE_LEN, ret));
    return store_node(w, node, ret);
}

/* The next node of ${level} has this id. */
static struct err *
push(struct vault_disk_writer *d, unsigned level, const struct vault_id *id)
{
    struct vault_id up = *id;

    while (level + 1 < d->disk.height) {
        struct map_level *m = &d->level[level + 1];

        m->id[m->n++] = up;
        if (m->n < VAULT_FANOUT)
            return NULL;
        m->n = 0;
        level++;
        TRY(make_node(d->w, level, m->id, &up));
    }
    d->disk.root = up;
    return NULL;
}

/* The highest level at which the next ${n} spans begin a whole subtree. */
static unsigned
level_of_run(const struct vault_disk_writer *d, uint64_t n)
{
    unsigned level = 0;

    while (level + 1 < d->disk.height) {
        uint64_t width = 1ULL << (6 * (level + 1));
        bool to_end = d->at + n == d->nspans && d->at % width == 0;

        if (d->at % width != 0 || (n < width && !to_end))
            break;
        level++;
    }
    return level;
}

static uint64_t
spans_under(const struct vault_disk_writer *d, unsigned level)
{
    uint64_t width = 1ULL << (6 * level), left = d->nspans - d->at;

    return width < left ? width : left;
}

/* ---- what vault.h offers ---- */

static struct err *
note(struct vault_writer *w, struct err *e)
{
    if (e != NULL)
        __atomic_store_n(&w->broken, true, __ATOMIC_RELAXED);
    return e;
}

static bool
has_disk(const struct vault_point *p, const char *name)
{
    for (size_t i = 0; i < p->ndisks; i++)
        if (strcmp(p->disks[i].name, name) == 0)
            return true;
    return false;
}

struct err *
vault_disk_begin(struct vault_writer *w, const char *name, uint64_t size,
    struct vault_disk_writer **ret)
{
    uint64_t nblocks = div_up(size, w->v->keys->block_len);

    assert(w->disk == NULL);
    if (w->point->ndisks == VAULT_DISKS_MAX)
        return note(w, fail(UsageWrong, "a recovery point has at most 256 disks"));
    if (size > 1ULL << 62)
        return note(w, fail(InputInvalid, name, "a disk has at most 2^62 bytes"));
    if (has_disk(w->point, name))
        return note(w, fail(InputInvalid, name, "two disks of a point have this name"));
    TRY(note(w, keys_name_ok("a disk's name", name)));
    w->disk = calloc(1, sizeof(*w->disk));
    if (w->disk == NULL)
        return note(w, fail(OutOfMemory));
    w->disk->w = w;
    w->disk->nspans = div_up(nblocks, VAULT_FANOUT);
    w->disk->disk.size = size;
    w->disk->disk.height = map_height(nblocks);
    w->disk->disk.map_writer = w->point->writer;
    w->disk->disk.name = strdup(name);
    if (w->disk->disk.name == NULL)
        return note(w, fail(OutOfMemory));
    *ret = w->disk;
    return NULL;
}

struct err *
vault_disk_span(struct vault_disk_writer *d, const struct vault_id *ids)
{
    struct vault_id id;

    assert(d->at < d->nspans);
    TRY(note(d->w, make_node(d->w, 0, ids, &id)));
    d->at++;
    return note(d->w, push(d, 0, &id));
}

struct err *
vault_disk_zero_spans(struct vault_disk_writer *d, uint64_t n)
{
    const struct vault_id zero = { { 0 } };

    assert(n <= d->nspans - d->at);
    while (n > 0) {
        unsigned level = level_of_run(d, n);
        uint64_t covered = spans_under(d, level);

        TRY(note(d->w, push(d, level, &zero)));
        d->at += covered;
        n -= covered;
    }
    return NULL;
}

bool
vault_disk_can_share(const struct vault_disk_writer *d, const struct vault_disk *of)
{
    return d->disk.size == of->size &&
        memcmp(&d->disk.map_writer, &of->map_writer, sizeof(of->map_writer)) == 0;
}

struct err *
vault_disk_same_spans(struct vault_disk_writer *d, const struct vault_disk *of, uint64_t n)
{
    struct vault *v = d->w->v;
    struct lane *l = vault_own_lane(v);

    assert(n <= d->nspans - d->at && vault_disk_can_share(d, of));
    TRY(note(d->w, lane_use_writer(v, l, &of->map_writer)));
    while (n > 0) {
        unsigned level = level_of_run(d, n);
        uint64_t covered = spans_under(d, level);
        struct vault_id id;

        TRY(note(d->w, map_find(v, l, of, level, d->at >> (6 * level), &id)));
        TRY(note(d->w, push(d, level, &id)));
        d->at += covered;
        n -= covered;
    }
    return NULL;
}

struct err *
vault_disk_same(struct vault_disk_writer *d, const struct vault_disk *of)
{
    assert(d->at == 0 && vault_disk_can_share(d, of));
    d->at = d->nspans;
    d->shared = true;
    d->disk.root = of->root;
    return NULL;
}

/* Nodes that are not full yet, upwards. */
static struct err *
close_levels(struct vault_disk_writer *d)
{
    struct vault_id up = { { 0 } };

    for (unsigned level = 1; level < d->disk.height; level++) {
        struct map_level *m = &d->level[level];

        if (m->n == 0)
            continue;
        memset(&m->id[m->n], 0, (VAULT_FANOUT - m->n) * sizeof(m->id[0]));
        m->n = 0;
        TRY(make_node(d->w, level, m->id, &up));
        if (level + 1 == d->disk.height)
            d->disk.root = up;
        else
            d->level[level + 1].id[d->level[level + 1].n++] = up;
    }
    return NULL;
}

static struct err *
add_disk(struct vault_point *p, struct vault_disk *d)
{
    struct vault_disk *more = realloc(p->disks, (p->ndisks + 1) * sizeof(*more));

    if (more == NULL)
        return fail(OutOfMemory);
    p->disks = more;
    p->disks[p->ndisks++] = *d;
    *d = (struct vault_disk){ 0 };
    return NULL;
}

static struct err *
disk_end(struct vault_disk_writer *d, const struct vault_disk *about)
{
    assert(d->at == d->nspans);
    if (!d->shared)
        TRY(close_levels(d));
    if (about != NULL)
        TRY(point_copy_about(&d->disk, about));
    return add_disk(d->w->point, &d->disk);
}

struct err *
vault_disk_end(struct vault_disk_writer *d, const struct vault_disk *about)
{
    struct vault_writer *w = d->w;
    struct err *e = note(w, disk_end(d, about));

    point_disk_done(&d->disk);
    free(d);
    w->disk = NULL;
    return e;
}
