/* SPDX-License-Identifier: Apache-2.0 */
/* map.c -- reading a disk's map.
 *
 * A node is found by its id in the index, opened with the frame that holds it, and proved by
 * its id, so a node that is not what its parent named is never used.  Each lane keeps a few
 * opened frames: a walk in disk order opens each frame once or twice. */
#include <assert.h>
#include <string.h>

#include "codes.h"
#include "vault_internal.h"

unsigned
map_height(uint64_t nblocks)
{
    unsigned h = 0;

    for (uint64_t room = 1; room < nblocks; room *= VAULT_FANOUT)
        h++;
    return nblocks == 1 ? 1 : h;
}

/* ---- nodes ---- */

static struct node_frame *
kept_frame(struct lane *l, const struct index_home *home)
{
    for (int i = 0; i < LANE_NODE_FRAMES; i++) {
        struct node_frame *n = &l->node[i];

        if (n->valid && n->pack == home->pack && n->frame == home->frame)
            return n;
    }
    return NULL;
}

static struct err *
open_node_frame(struct vault *v, struct lane *l, const struct index_home *home,
    struct node_frame **ret)
{
    struct node_frame *n = &l->node[0];
    uint8_t packed[NODE_FRAME_LEN + SEAL_TAG];

    for (int i = 1; i < LANE_NODE_FRAMES; i++)
        if (l->node[i].used < n->used)
            n = &l->node[i];
    if (n->data == NULL)
        n->data = malloc(NODE_FRAME_LEN);
    if (n->data == NULL)
        return fail(OutOfMemory);
    n->valid = false;
    TRY(frame_open(v, l, home->pack, home->frame,
        &(struct frame_buffers){ packed, sizeof(packed), n->data, NODE_FRAME_LEN }, &n->len));
    n->pack = home->pack;
    n->frame = home->frame;
    n->valid = true;
    *ret = n;
    return NULL;
}

/* *ret = NULL: what is at this home is not the node. */
static struct err *
node_at(struct vault *v, struct lane *l, const struct index_home *home,
    const struct vault_id *id, unsigned level, const uint8_t **ret)
{
    struct node_frame *n = kept_frame(l, home);
    size_t off = (size_t)home->slot * NODE_LEN;
    struct vault_id is;

    *ret = NULL;
    if (n == NULL)
        TRY(open_node_frame(v, l, home, &n));
    n->used = ++l->clock;
    if (off + NODE_LEN > n->len)
        return NULL;
    const uint8_t *node = n->data + off;
    TRY(seal_id(l->seal, SEAL_NODE, node, NODE_LEN, &is));
    if (memcmp(&is, id, sizeof(is)) == 0 && node[0] == level && bytes_are_zero(node + 1, 7))
        *ret = node + 8;
    return NULL;
}

struct err *
map_node(struct vault *v, struct lane *l, const struct vault_id *id, unsigned level,
    const uint8_t **ret_ids, struct err **ret_why)
{
    struct index_home home;
    struct err *why = NULL;
    bool found = false;

    *ret_ids = NULL;
    TRY(lane_for_reading(l));
    for (unsigned nth = 0; *ret_ids == NULL; nth++) {
        TRY(err_also(index_find(v->index, id, nth, &home, &found), NULL));
        if (!found)
            break;
        if (home.what != INDEX_NODE)
            continue;
        struct err *e = node_at(v, l, &home, id, level, ret_ids);
        if (e != NULL && !err_is(e, C_vault_corrupt) && !err_is(e, C_store_io)) {
            err_free(why);
            return e;
        }
        why = err_also(why, e);
    }
    if (*ret_ids != NULL) {
        err_free(why);
        why = NULL;
    }
    *ret_why = why;
    return NULL;
}

static struct err *
map_damaged(const struct vault *v, const struct vault_disk *disk, unsigned level, uint64_t at,
    struct err *why)
{
    uint64_t block = at << (6 * level);

    return err_because(fail(MapDamaged, disk->name, (int64_t)(block * v->keys->block_len)),
        why);
}

/* One step down from ${id}, a node of ${level}. */
static struct err *
map_child(struct vault *v, struct lane *l, const struct vault_disk *disk, unsigned level,
    uint64_t at, struct vault_id *id)
{
    const uint8_t *ids;
    struct err *why;

    TRY(map_node(v, l, id, level, &ids, &why));
    if (ids == NULL)
        return map_damaged(v, disk, level, at, why);
    memcpy(id, ids + (at % VAULT_FANOUT) * VAULT_ID_LEN, VAULT_ID_LEN);
    return NULL;
}

struct err *
map_find(struct vault *v, struct lane *l, const struct vault_disk *disk, unsigned level,
    uint64_t at, struct vault_id *ret)
{
    struct vault_id id = disk->root;

    for (unsigned from = disk->height; from > level + 1 && !id_is_zero(&id); from--)
        TRY(map_child(v, l, disk, from - 1, at >> (6 * (from - 2 - level)), &id));
    *ret = id;
    return NULL;
}

/* ---- spans ---- */

static uint64_t
spans_of(const struct vault *v, const struct vault_disk *disk)
{
    return div_up(div_up(disk->size, v->keys->block_len), VAULT_FANOUT);
}

static struct err *
ready(struct vault *v, unsigned lane, const struct vault_disk *disk, uint64_t span)
{
    assert(lane < v->nlanes && span < spans_of(v, disk));
    TRY(vault_need_index(v));
    return lane_use_writer(v, &v->lane[lane], &disk->map_writer);
}

struct err *
vault_read_span(struct vault *v, unsigned lane, const struct vault_disk *disk, uint64_t span,
    struct vault_id *ret_ids, bool *ret_zero)
{
    struct lane *l = &v->lane[lane];
    struct vault_id id;
    const uint8_t *ids;
    struct err *why;

    TRY(ready(v, lane, disk, span));
    TRY(map_find(v, l, disk, 0, span, &id));
    if (id_is_zero(&id)) {
        *ret_zero = true;
        return NULL;
    }
    TRY(map_node(v, l, &id, 0, &ids, &why));
    if (ids == NULL)
        return map_damaged(v, disk, 1, span, why);
    memcpy(ret_ids, ids, VAULT_FANOUT * VAULT_ID_LEN);
    *ret_zero = false;
    return NULL;
}

struct err *
vault_zero_spans(struct vault *v, unsigned lane, const struct vault_disk *disk, uint64_t span,
    uint64_t *ret_n)
{
    struct lane *l = &v->lane[lane];
    uint64_t all = spans_of(v, disk), n = 0;

    TRY(ready(v, lane, disk, span));
    while (span + n < all) {
        struct vault_id id = disk->root;
        unsigned level = disk->height - 1;

        while (level > 0 && !id_is_zero(&id)) {
            TRY(map_child(v, l, disk, level, (span + n) >> (6 * (level - 1)), &id));
            level--;
        }
        if (!id_is_zero(&id))
            break;
        uint64_t width = 1ULL << (6 * level);
        n += width - (span + n) % width;
    }
    *ret_n = span + n > all ? all - span : n;
    return NULL;
}
