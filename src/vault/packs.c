/* SPDX-License-Identifier: Apache-2.0 */
/* packs.c -- opening packs and frames.
 *
 * Opened tables are kept in a direct-mapped cache: a pack has one place, by its number, and
 * the newcomer takes it.  A table is shared under one lock only while a frame's record and
 * key are copied out of it, so nothing is counted.  One pack at a time is kept mended in
 * memory; packs that could not be mended are remembered, so that each is tried once. */
#include <assert.h>
#include <pthread.h>
#include <sodium.h>
#include <string.h>

#include "codes.h"
#include "packs.h"
#include "vault_internal.h"

enum { PLACES = 1024, HOPELESS_MAX = 4096 };

struct packs {
    pthread_mutex_t lock; /* guards place */
    struct opened_pack *place[PLACES];
    pthread_mutex_t rescue_lock; /* guards the rest */
    struct pack_image image;
    struct opened_pack *rescued; /* reads from image */
    uint32_t *hopeless;
    size_t nhopeless;
};

struct err *
packs_new(struct packs **ret)
{
    struct packs *p = calloc(1, sizeof(*p));

    if (p == NULL)
        return fail(OutOfMemory);
    pthread_mutex_init(&p->lock, NULL);
    pthread_mutex_init(&p->rescue_lock, NULL);
    *ret = p;
    return NULL;
}

void
opened_pack_free(struct opened_pack *o)
{
    if (o == NULL)
        return;
    if (o->envelopes != NULL)
        sodium_memzero(o->envelopes, o->nenvelopes * sizeof(*o->envelopes));
    free(o->envelopes);
    free(o->frames);
    free(o);
}

void
pack_image_done(struct pack_image *i)
{
    free(i->object);
    *i = (struct pack_image){ 0 };
}

void
packs_free(struct packs *p)
{
    if (p == NULL)
        return;
    for (int i = 0; i < PLACES; i++)
        opened_pack_free(p->place[i]);
    opened_pack_free(p->rescued);
    pack_image_done(&p->image);
    free(p->hopeless);
    pthread_mutex_destroy(&p->lock);
    pthread_mutex_destroy(&p->rescue_lock);
    free(p);
}

/* ---- reading ---- */

/* ${len} bytes at ${off} of the body; *ret = NULL when they are not all there. */
static struct err *
body_bytes(struct vault *v, const struct opened_pack *o, uint64_t off, size_t len, uint8_t *to,
    const uint8_t **ret)
{
    bool found;
    size_t got = 0;

    *ret = NULL;
    if (o->body != NULL) {
        *ret = o->body + off;
        return NULL;
    }
    TRY(store_get(v->store, o->name, o->body_off + off, to, len, &got, &found));
    if (!found)
        return fail(ObjectMissing, o->name);
    if (got == len)
        *ret = to;
    return NULL;
}

/* The key that ${from} is sealed with; left out where this process may not have it. */
static struct err *
open_envelope(struct vault *v, const struct pack_envelope *from, struct opened_envelope *to,
    bool *ret_ok)
{
    const struct keys *k = v->keys;
    uint8_t plain[16 + 16 + SEAL_KEY], map_key[SEAL_KEY];

    *ret_ok = true;
    memcpy(to->origin, from->origin, sizeof(to->origin));
    to->writer = from->writer;
    if (from->how == ENVELOPE_MAP) {
        TRY(keys_map_key(k, &from->writer, map_key, &to->have_key));
        if (!to->have_key)
            return NULL;
        struct err *e = seal_derive(map_key, &k->vault, "firn map pack", from->origin, 16,
            to->key);
        sodium_memzero(map_key, sizeof(map_key));
        return e;
    }
    if (k->data_secret == NULL)
        return NULL;
    *ret_ok = crypto_box_seal_open(plain, from->box, sizeof(from->box), k->data_pub,
                  k->data_secret->data) == 0 &&
        memcmp(plain, k->vault.b, 16) == 0 && memcmp(plain + 16, from->origin, 16) == 0;
    if (*ret_ok) {
        memcpy(to->key, plain + 32, SEAL_KEY);
        to->have_key = true;
    }
    sodium_memzero(plain, sizeof(plain));
    return NULL;
}

static struct err *
open_envelopes(struct vault *v, const struct pack_head *h, struct opened_pack *o, bool *ret_ok)
{
    uint8_t rec[PACK_ENVELOPE];
    struct pack_envelope env;

    o->envelopes = calloc(h->nenvelopes, sizeof(*o->envelopes));
    if (o->envelopes == NULL)
        return fail(OutOfMemory);
    o->nenvelopes = h->nenvelopes;
    for (unsigned i = 0; i < h->nenvelopes; i++) {
        const uint8_t *p;

        TRY(body_bytes(v, o, PACK_HEAD + i * PACK_ENVELOPE, PACK_ENVELOPE, rec, &p));
        *ret_ok = p != NULL && pack_envelope_read(p, &env) &&
            (env.how == ENVELOPE_MAP) == (o->kind == KIND_MAP_PACK);
        if (*ret_ok)
            TRY(open_envelope(v, &env, &o->envelopes[i], ret_ok));
        if (!*ret_ok)
            return NULL;
    }
    return NULL;
}

static bool
decode_frames(const struct vault *v, const struct pack_head *h, const uint8_t *table,
    struct opened_pack *o)
{
    uint32_t slot_len = o->kind == KIND_MAP_PACK ? NODE_LEN : v->keys->block_len;
    uint32_t after = PACK_HEAD + (uint32_t)h->nenvelopes * PACK_ENVELOPE;

    for (unsigned i = 0; i < h->nframes; i++) {
        struct pack_frame *f = &o->frames[i];

        if (!pack_frame_read(table + (size_t)i * PACK_FRAME_REC, h, after, slot_len, f) ||
            (o->kind == KIND_MAP_PACK && f->slots > NODE_FRAME_MAX))
            return false;
        after = f->off + f->len + SEAL_TAG;
    }
    return true;
}

static struct err *
open_table(struct vault *v, struct seal *seal, const struct pack_head *h, struct opened_pack *o,
    bool *ret_ok)
{
    auto_free uint8_t *sealed = malloc(h->table_len);
    uint8_t key[SEAL_KEY];
    const uint8_t *p;

    o->frames = calloc(h->nframes, sizeof(*o->frames));
    if (sealed == NULL || o->frames == NULL)
        return fail(OutOfMemory);
    o->nframes = h->nframes;
    TRY(body_bytes(v, o, h->table_off, h->table_len, sealed, &p));
    *ret_ok = p != NULL;
    if (!*ret_ok)
        return NULL;
    TRY(seal_derive(v->keys->index_key->data, &v->keys->vault, "firn pack table", h->salt,
        sizeof(h->salt), key));
    struct err *e = seal_decrypt(seal, key, 0, (struct view){ 0 }, p, h->table_len, sealed,
        ret_ok);
    sodium_memzero(key, sizeof(key));
    TRY(e);
    *ret_ok = *ret_ok && decode_frames(v, h, sealed, o);
    return NULL;
}

struct err *
packs_open(struct vault *v, struct seal *seal, const struct index_pack *pack,
    const uint8_t *body, struct opened_pack **ret)
{
    auto_ptr(opened_pack) o = calloc(1, sizeof(*o));
    uint8_t front[PACK_HEAD];
    struct armour_shape shape;
    struct pack_head h;
    const uint8_t *p;
    bool ok = true;

    *ret = NULL;
    if (o == NULL)
        return fail(OutOfMemory);
    if (pack->body_len < PACK_HEAD || !armour_shape(pack->body_len, &shape))
        return NULL;
    pack_name(pack->hash, o->name);
    o->number = UINT32_MAX;
    o->kind = pack->kind;
    o->body = body;
    o->body_off = shape.body_off;
    TRY(body_bytes(v, o, 0, PACK_HEAD, front, &p));
    if (p == NULL || !pack_head_read(p, pack->body_len, &h))
        return NULL;
    TRY(open_table(v, seal, &h, o, &ok));
    if (ok)
        TRY(open_envelopes(v, &h, o, &ok));
    if (ok)
        *ret = take(o);
    return NULL;
}

struct err *
packs_read(struct vault *v, const struct opened_pack *o, const struct pack_frame *f,
    uint8_t *to, const uint8_t **ret)
{
    return body_bytes(v, o, f->off, (size_t)f->len + SEAL_TAG, to, ret);
}

/* Decrypt and decompress what packs_read gave. */
static struct err *
open_sealed(struct vault *v, struct lane *l, const struct pack_frame *f,
    const struct opened_envelope *env, const uint8_t *sealed, uint8_t *packed, uint8_t *to,
    bool *ret_ok)
{
    uint8_t aad[PACK_AAD];
    bool stored = f->codec == CODEC_STORED;

    pack_frame_aad(&v->keys->vault, env->origin, f, aad);
    TRY(seal_decrypt(l->seal, env->key, f->ordinal, (struct view){ aad, sizeof(aad) }, sealed,
        (size_t)f->len + SEAL_TAG, stored ? to : packed, ret_ok));
    if (!*ret_ok || stored)
        return NULL;
    size_t n = ZSTD_decompressDCtx(l->dctx, to, f->raw_len, packed, f->len);
    *ret_ok = !ZSTD_isError(n) && n == f->raw_len;
    return NULL;
}

struct err *
packs_unseal(struct vault *v, struct lane *l, const struct opened_pack *o, uint16_t frame,
    uint8_t *packed, uint8_t *to, bool *ret_ok)
{
    const struct pack_frame *f = &o->frames[frame];
    const struct opened_envelope *env = &o->envelopes[f->envelope];
    const uint8_t *sealed;

    if (!env->have_key)
        return fail(KeyCannotRead);
    TRY(packs_read(v, o, f, packed, &sealed));
    *ret_ok = sealed != NULL;
    return *ret_ok ? open_sealed(v, l, f, env, sealed, packed, to, ret_ok) : NULL;
}

/* ---- packs that are mended in memory ---- */

/* Cell by cell, with zeros for what the disk does not give: parity may. */
static size_t
read_around(struct vault *v, const char *name, uint8_t *to, size_t len, bool *ret_found)
{
    for (size_t off = 0; off < len; off += ARMOUR_CELL_LARGE) {
        size_t n = len - off < ARMOUR_CELL_LARGE ? len - off : ARMOUR_CELL_LARGE, got;
        bool found;

        memset(to + off, 0, n);
        err_free(store_get(v->store, name, off, to + off, n, &got, &found));
    }
    *ret_found = true;
    return len;
}

struct err *
packs_image(struct vault *v, const struct index_pack *pack, struct pack_image *ret,
    bool *ret_ok, bool *ret_found)
{
    struct armour_shape shape;
    char name[PACK_NAME_LEN + 1];
    uint8_t hash[SEAL_HASH];
    uint32_t cells = 0;
    bool whole = true;

    *ret_ok = *ret_found = false;
    pack_name(pack->hash, name);
    if (!armour_shape(pack->body_len, &shape))
        return NULL;
    auto_free uint8_t *object = calloc(1, shape.total + 1);
    if (object == NULL)
        return fail(OutOfMemory);
    size_t len = 0;
    struct err *e = store_get(v->store, name, 0, object, shape.total + 1, &len, ret_found);
    if (e != NULL && err_is(e, C_store_io)) {
        err_free(e);
        len = read_around(v, name, object, shape.total, ret_found);
    } else {
        TRY(e);
    }
    if (!*ret_found)
        return NULL;
    bool longer = len > shape.total;
    object[shape.total] = 0;
    TRY(seal_sha256(object, shape.total, hash));
    bool same = memcmp(hash, pack->hash, sizeof(hash)) == 0;
    if (!same) {
        TRY(armour_mend(object, shape.total, &cells, &whole));
        TRY(seal_sha256(object, shape.total, hash));
        whole = whole && memcmp(hash, pack->hash, sizeof(hash)) == 0;
    }
    *ret_ok = whole;
    *ret = (struct pack_image){ .len = shape.total, .mended = whole && (!same || longer ||
        len < shape.total), .body = { object + shape.body_off, pack->body_len } };
    ret->object = take(object);
    return NULL;
}

static bool
is_hopeless(const struct packs *p, uint32_t pack)
{
    for (size_t i = 0; i < p->nhopeless; i++)
        if (p->hopeless[i] == pack)
            return true;
    return false;
}

static void
note_hopeless(struct packs *p, uint32_t pack)
{
    uint32_t *more;

    if (p->nhopeless == HOPELESS_MAX)
        p->nhopeless = 0; /* each is tried again, once more */
    more = realloc(p->hopeless, (p->nhopeless + 1) * sizeof(*more));
    if (more == NULL)
        return;
    p->hopeless = more;
    p->hopeless[p->nhopeless++] = pack;
}

/* Have ${pack} in memory, mended; with the rescue lock held. */
static struct err *
rescue(struct vault *v, struct lane *l, uint32_t pack)
{
    struct packs *p = v->packs;
    const struct index_pack *about = index_pack(v->index, pack);
    bool ok, found;
    char name[PACK_NAME_LEN + 1];

    if (p->rescued != NULL && p->rescued->number == pack)
        return NULL;
    opened_pack_free(take(p->rescued));
    pack_image_done(&p->image);
    if (is_hopeless(p, pack))
        return NULL;
    TRY(packs_image(v, about, &p->image, &ok, &found));
    if (ok)
        TRY(packs_open(v, l->seal, about, p->image.body.data, &p->rescued));
    if (p->rescued == NULL) {
        pack_image_done(&p->image);
        note_hopeless(p, pack);
        return NULL;
    }
    p->rescued->number = pack;
    pack_name(about->hash, name);
    if (p->image.mended)
        vault_warning(v, fail(ObjectMended, name));
    return NULL;
}

static struct err *
rescue_frame(struct vault *v, struct lane *l, uint32_t pack, uint16_t frame,
    const struct frame_buffers *b, size_t *ret_len, bool *ret_ok)
{
    struct packs *p = v->packs;

    pthread_mutex_lock(&p->rescue_lock);
    struct err *e = rescue(v, l, pack);
    if (e == NULL && p->rescued != NULL && frame < p->rescued->nframes &&
        p->rescued->frames[frame].raw_len <= b->room) {
        e = packs_unseal(v, l, p->rescued, frame, b->packed, b->to, ret_ok);
        *ret_len = p->rescued->frames[frame].raw_len;
    }
    pthread_mutex_unlock(&p->rescue_lock);
    return e;
}

/* ---- one frame, by its place ---- */

struct frame_place {
    struct pack_frame f;
    struct opened_envelope env;
    struct opened_pack where; /* name and offset only */
};

static bool
place_in(const struct opened_pack *o, uint16_t frame, struct frame_place *ret)
{
    if (frame >= o->nframes)
        return false;
    ret->f = o->frames[frame];
    ret->env = o->envelopes[ret->f.envelope];
    ret->where = *o;
    ret->where.frames = NULL;
    ret->where.envelopes = NULL;
    return true;
}

/* *ret_ok = false when the pack's table cannot be read, or has no such frame. */
static struct err *
find_place(struct vault *v, struct lane *l, uint32_t pack, uint16_t frame,
    struct frame_place *ret, bool *ret_ok)
{
    struct packs *p = v->packs;
    struct opened_pack *o = NULL;

    pthread_mutex_lock(&p->lock);
    const struct opened_pack *kept = p->place[pack % PLACES];
    bool known = kept != NULL && kept->number == pack;
    *ret_ok = known && place_in(kept, frame, ret);
    pthread_mutex_unlock(&p->lock);
    if (known)
        return NULL;
    TRY(packs_open(v, l->seal, index_pack(v->index, pack), NULL, &o));
    if (o == NULL)
        return NULL;
    o->number = pack;
    *ret_ok = place_in(o, frame, ret);
    pthread_mutex_lock(&p->lock);
    struct opened_pack *old = p->place[pack % PLACES];
    p->place[pack % PLACES] = o;
    pthread_mutex_unlock(&p->lock);
    opened_pack_free(old);
    return NULL;
}

/* The straight way, without armour. */
static struct err *
open_frame(struct vault *v, struct lane *l, uint32_t pack, uint16_t frame,
    const struct frame_buffers *b, size_t *ret_len, bool *ret_ok)
{
    struct frame_place at;
    const uint8_t *sealed;

    TRY(find_place(v, l, pack, frame, &at, ret_ok));
    if (!*ret_ok)
        return NULL;
    if (!at.env.have_key)
        return fail(KeyCannotRead);
    *ret_ok = at.f.raw_len <= b->room && (size_t)at.f.len + SEAL_TAG <= b->packed_room;
    if (!*ret_ok)
        return NULL;
    TRY(packs_read(v, &at.where, &at.f, b->packed, &sealed));
    *ret_ok = sealed != NULL;
    if (*ret_ok)
        TRY(open_sealed(v, l, &at.f, &at.env, sealed, b->packed, b->to, ret_ok));
    *ret_len = at.f.raw_len;
    sodium_memzero(&at.env, sizeof(at.env));
    return NULL;
}

struct err *
frame_open(struct vault *v, struct lane *l, uint32_t pack, uint16_t frame,
    const struct frame_buffers *b, size_t *ret_len)
{
    char name[PACK_NAME_LEN + 1];
    size_t len = 0;
    bool ok = false;

    struct err *e = open_frame(v, l, pack, frame, b, &len, &ok);
    if (e != NULL && !err_is(e, C_store_io)) /* a bad sector may yet be mended */
        return e;
    if (!ok)
        e = err_also(e, rescue_frame(v, l, pack, frame, b, &len, &ok));
    if (!ok) {
        pack_name(index_pack(v->index, pack)->hash, name);
        return err_because(fail(FrameDamaged, name, frame), e);
    }
    err_free(e);
    *ret_len = len;
    return NULL;
}
