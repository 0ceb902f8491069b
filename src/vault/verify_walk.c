/* SPDX-License-Identifier: Apache-2.0 */
/* verify_walk.c -- from each point's roots down: is there a good home for every node and
 * block?  What is lost is charged to the object where it should have been.
 *
 * Points share most of their maps, so a node below which nothing is lost is remembered and
 * not walked again. */
#include <string.h>

#include "codes.h"
#include "verify.h"

struct walk {
    struct verify *f;
    struct lane *l;
    const struct vault_point *p;
    const struct vault_disk *d;
    bool want;  /* only mark the packs */
    bool whole;
};

/* ---- nodes that are known to be whole ---- */

static size_t
clean_place(const struct verify *f, uint64_t key)
{
    size_t at = key & (f->clean_room - 1);

    while (f->clean[at] != 0 && f->clean[at] != key)
        at = (at + 1) & (f->clean_room - 1);
    return at;
}

static uint64_t
clean_key(const struct vault_id *id)
{
    uint64_t key = get_le(id->b, 8);

    return key == 0 ? 1 : key;
}

static bool
is_clean(const struct verify *f, const struct vault_id *id)
{
    return f->clean_room > 0 && f->clean[clean_place(f, clean_key(id))] != 0;
}

static struct err *
note_clean(struct verify *f, const struct vault_id *id)
{
    if (2 * f->nclean >= f->clean_room) {
        struct verify bigger = { .clean_room = f->clean_room ? 2 * f->clean_room : 1024 };

        bigger.clean = calloc(bigger.clean_room, sizeof(*bigger.clean));
        if (bigger.clean == NULL)
            return fail(OutOfMemory);
        for (size_t i = 0; i < f->clean_room; i++)
            if (f->clean[i] != 0)
                bigger.clean[clean_place(&bigger, f->clean[i])] = f->clean[i];
        free(f->clean);
        f->clean = bigger.clean;
        f->clean_room = bigger.clean_room;
    }
    uint64_t key = clean_key(id);
    size_t at = clean_place(f, key);
    f->nclean += f->clean[at] == 0;
    f->clean[at] = key;
    return NULL;
}

/* ---- homes ---- */

static bool
is_good(const struct verify *f, const struct index_home *home)
{
    if (!f->c->data)
        return !f->pack_bad[home->pack];
    return (f->confirmed[home->run][home->entry / 8] >> (home->entry % 8) & 1) != 0;
}

/* Is there a good home?  If not, ${object} gets the name of what should have been one. */
static struct err *
look(struct walk *w, const struct vault_id *id, uint8_t what, bool *ret_good,
    char object[KEYS_NAME_MAX])
{
    struct verify *f = w->f;
    struct index_home home;
    bool found = true, any = false;

    *ret_good = false;
    for (unsigned nth = 0; !*ret_good; nth++) {
        TRY(index_find(f->v->index, id, nth, &home, &found));
        if (!found)
            break;
        if (home.what != what)
            continue;
        if (w->want)
            f->pack_wanted[home.pack] = true;
        *ret_good = w->want || is_good(f, &home);
        if (!any)
            pack_name(index_pack(f->v->index, home.pack)->hash, object);
        any = true;
    }
    if (!any) /* no run that can be read knows it */
        points_name("points/", &w->p->id, object);
    return NULL;
}

static struct err *
lost(struct walk *w, const char *object, unsigned level, uint64_t at)
{
    uint64_t block = (at << (6 * level)) * w->f->v->keys->block_len;
    size_t damage;

    w->whole = false;
    if (w->want)
        return NULL;
    TRY(verify_damage_of(w->f, object, &damage));
    return verify_hit(w->f, damage, w->p, w->d, block,
        (uint64_t)w->f->v->keys->block_len << (6 * level));
}

/* ---- the tree ---- */

static struct err *
walk_block(struct walk *w, const struct vault_id *id, uint64_t at)
{
    char object[KEYS_NAME_MAX];
    bool good;

    TRY(look(w, id, INDEX_BLOCK, &good, object));
    return good ? NULL : lost(w, object, 0, at);
}

static struct err *
walk_node(struct walk *w, const struct vault_id *id, unsigned level, uint64_t at)
{
    uint8_t ids[VAULT_FANOUT * VAULT_ID_LEN];
    char object[KEYS_NAME_MAX];
    const uint8_t *borrowed;
    struct err *why = NULL;
    bool good, was_whole = w->whole;

    if (!w->want && is_clean(w->f, id))
        return NULL;
    TRY(look(w, id, INDEX_NODE, &good, object));
    TRY(map_node(w->f->v, w->l, id, level, &borrowed, &why));
    err_free(why);
    if (borrowed == NULL || !good)
        return lost(w, object, level + 1, at);
    memcpy(ids, borrowed, sizeof(ids));
    w->whole = true;
    for (unsigned i = 0; i < VAULT_FANOUT; i++) {
        struct vault_id child;

        memcpy(child.b, ids + i * VAULT_ID_LEN, VAULT_ID_LEN);
        if (id_is_zero(&child))
            continue;
        TRY(level == 0 ? walk_block(w, &child, at * VAULT_FANOUT + i)
                       : walk_node(w, &child, level - 1, at * VAULT_FANOUT + i));
    }
    if (w->whole && !w->want)
        TRY(note_clean(w->f, id));
    w->whole = w->whole && was_whole;
    return NULL;
}

static struct err *
walk_point(struct walk *w)
{
    TRY(lane_use_writer(w->f->v, w->l, &w->p->writer));
    for (size_t i = 0; i < w->p->ndisks; i++) {
        w->d = &w->p->disks[i];
        if (w->d->height > 0 && !id_is_zero(&w->d->root))
            TRY(walk_node(w, &w->d->root, w->d->height - 1, 0));
    }
    return NULL;
}

struct err *
verify_want(struct verify *f, const struct vault_point *p)
{
    struct walk w = { .f = f, .l = vault_own_lane(f->v), .p = p, .want = true, .whole = true };

    return walk_point(&w);
}

struct err *
verify_walk(struct verify *f, const struct vault_point *p, bool *ret_whole)
{
    struct walk w = { .f = f, .l = vault_own_lane(f->v), .p = p, .whole = true };

    TRY(walk_point(&w));
    *ret_whole = w.whole;
    return NULL;
}
