/* SPDX-License-Identifier: Apache-2.0 */
/* index_run.c -- runs as bytes.  Every number of the head is checked against the length of the
 * body before memory is asked for. */
#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "codes.h"
#include "index_run.h"
#include "store.h"

static const char label[] = "firn run";

void
run_free(struct run *r)
{
    if (r == NULL)
        return;
    sodium_memzero(r->key, sizeof(r->key));
    free(r->first);
    free(r->check);
    free(r->pack);
    free(r->packs);
    free(r->superseded);
    free(r->image);
    free(r);
}

/* ${len} bytes of the body; *ret_ok = false when they are not there. */
static struct err *
run_bytes(struct store *s, const struct run *r, uint64_t off, size_t len, uint8_t *to,
    bool *ret_ok)
{
    size_t got = 0;
    bool found;

    const uint8_t *image = __atomic_load_n(&r->image, __ATOMIC_ACQUIRE);

    if (image != NULL) {
        memcpy(to, image + off, len);
        *ret_ok = true;
        return NULL;
    }
    TRY(store_get(s, r->name, r->body_off + off, to, len, &got, &found));
    *ret_ok = found && got == len;
    return NULL;
}

/* ---- opening ---- */

struct run_head {
    uint8_t salt[16], cert[32], front_hash[32];
    struct view signed_part, signature;
};

static bool
read_head(const uint8_t *head, uint64_t body_len, struct run *r, struct run_head *h)
{
    struct rd c = rd_from(head, RUN_HEAD);
    unsigned vouched, reserved;

    rd_copy(&c, h->salt, sizeof(h->salt));
    rd_copy(&c, r->writer.b, sizeof(r->writer.b));
    rd_copy(&c, h->cert, sizeof(h->cert));
    vouched = rd_u8(&c);
    const uint8_t *zero = rd_bytes(&c, 3);
    r->nentries = rd_u32(&c);
    r->npages = rd_u32(&c);
    r->npacks = rd_u32(&c);
    r->npack_pages = rd_u32(&c);
    r->nsuperseded = rd_u16(&c);
    reserved = rd_u16(&c);
    rd_copy(&c, h->front_hash, sizeof(h->front_hash));
    h->signed_part = (struct view){ head, c.pos };
    h->signature = (struct view){ head + c.pos, SEAL_SIGNATURE };
    r->vouched = vouched == 1;
    if (vouched > 1 || reserved != 0 || !bytes_are_zero(zero, 3) || r->nentries == 0 ||
        r->nentries > INDEX_RUN_ENTRIES || r->npacks == 0 || r->npacks > INDEX_RUN_ENTRIES ||
        r->npages != div_up(r->nentries, RUN_PER_PAGE) ||
        r->npack_pages != div_up(r->npacks, RUN_PER_PAGE) ||
        r->nsuperseded > RUN_SUPERSEDED_MAX)
        return false;
    uint64_t front = RUN_HEAD + (uint64_t)(r->npages + r->npack_pages) * RUN_FENCE +
        (uint64_t)r->nsuperseded * 32;
    r->pages_off = div_up(front, RUN_PAGE) * RUN_PAGE;
    return r->pages_off + (uint64_t)(r->npages + r->npack_pages) * RUN_PAGE == body_len;
}

/* Fence and superseded, and are they those of the head? */
static struct err *
read_front(struct store *s, struct run *r, const uint8_t hash[32], bool *ret_ok)
{
    uint32_t npages = r->npages + r->npack_pages;
    size_t fence = (size_t)npages * RUN_FENCE, len = fence + (size_t)r->nsuperseded * 32;
    auto_free uint8_t *front = malloc(len);
    uint8_t is[32];

    r->first = calloc(r->npages, sizeof(*r->first));
    r->check = calloc(npages, sizeof(*r->check));
    r->superseded = calloc(r->nsuperseded + 1, sizeof(*r->superseded));
    if (front == NULL || r->first == NULL || r->check == NULL || r->superseded == NULL)
        return fail(OutOfMemory);
    TRY(run_bytes(s, r, RUN_HEAD, len, front, ret_ok));
    if (!*ret_ok)
        return NULL;
    TRY(seal_sha256(front, len, is));
    *ret_ok = memcmp(is, hash, sizeof(is)) == 0;
    for (uint32_t i = 0; i < npages; i++) {
        const uint8_t *f = front + (size_t)i * RUN_FENCE;

        for (int j = 0; i < r->npages && j < 8; j++)
            r->first[i] = r->first[i] << 8 | f[j];
        memcpy(r->check[i], f + 8, sizeof(r->check[i]));
    }
    memcpy(r->superseded, front + fence, (size_t)r->nsuperseded * 32);
    return NULL;
}

/* Who signed it, and may they? */
static struct err *
believe(struct store *s, const struct keys *k, struct run *r, const struct run_head *h,
    bool *ret_ok)
{
    auto_ptr(cert) c = NULL;
    const char *why;

    *ret_ok = false;
    TRY(keys_cert(s, k, h->cert, &c, &why));
    if (c == NULL || memcmp(&c->writer, &r->writer, sizeof(r->writer)) != 0)
        return NULL;
    TRY(seal_signed_by(c->public_key, label, &k->vault, h->signed_part.data,
        h->signed_part.len, h->signature.data, ret_ok));
    /* only who may check others' packs can vouch */
    r->vouched = r->vouched && (c->owner || c->role == ROLE_VERIFIER);
    return NULL;
}

static struct err *
read_packs(struct store *s, const struct keys *k, struct seal *seal, struct run *r,
    bool *ret_ok)
{
    uint8_t page[RUN_PAGE_PLAIN];

    r->packs = calloc(r->npacks, sizeof(*r->packs));
    r->pack = calloc(r->npacks, sizeof(*r->pack));
    if (r->packs == NULL || r->pack == NULL)
        return fail(OutOfMemory);
    for (uint32_t i = 0; i < r->npacks; i++) {
        struct rd c = rd_from(page + (size_t)(i % RUN_PER_PAGE) * RUN_RECORD, RUN_RECORD);

        if (i % RUN_PER_PAGE == 0) {
            TRY(run_page(s, k, seal, r, r->npages + i / RUN_PER_PAGE, page, ret_ok));
            if (!*ret_ok)
                return NULL;
        }
        rd_copy(&c, r->packs[i].hash, 32);
        r->packs[i].body_len = rd_u32(&c);
        r->packs[i].kind = rd_u8(&c);
        if (r->packs[i].kind != KIND_DATA_PACK && r->packs[i].kind != KIND_MAP_PACK)
            *ret_ok = false;
    }
    return NULL;
}

static struct err *
open_body(struct store *s, const struct keys *k, struct seal *seal, struct run *r,
    uint64_t body_len, bool *ret_ok, bool *ret_believed)
{
    uint8_t head[RUN_HEAD];
    struct run_head h;

    *ret_believed = true;
    *ret_ok = body_len > RUN_HEAD && body_len <= RUN_BODY_MAX;
    if (*ret_ok)
        TRY(run_bytes(s, r, 0, RUN_HEAD, head, ret_ok));
    *ret_ok = *ret_ok && read_head(head, body_len, r, &h);
    if (!*ret_ok)
        return NULL;
    TRY(read_front(s, r, h.front_hash, ret_ok));
    if (!*ret_ok)
        return NULL;
    TRY(believe(s, k, r, &h, ret_believed));
    *ret_ok = *ret_believed;
    if (!*ret_ok)
        return NULL;
    TRY(seal_derive(k->index_key->data, &k->vault, "firn run", h.salt, sizeof(h.salt), r->key));
    return read_packs(s, k, seal, r, ret_ok);
}

static struct err *
run_begin(const char *name, struct run **ret)
{
    struct run *r = calloc(1, sizeof(*r));

    if (r == NULL)
        return fail(OutOfMemory);
    r->last = UINT64_MAX;
    memcpy(r->name, name, strlen(name) + 1);
    if (!bytes_from_hex(name + strlen("runs/"), r->hash, sizeof(r->hash))) {
        run_free(r);
        return fail(ObjectForeign, name);
    }
    *ret = r;
    return NULL;
}

/* The whole object, mended. */
static struct err *
open_image(struct store *s, const struct keys *k, struct seal *seal, const char *name,
    struct run **ret)
{
    auto_ptr(run) r = NULL;
    size_t len = 0;
    bool found = false, ok = false, believed = false;

    TRY(run_begin(name, &r));
    TRY(armour_get(s, name, KIND_RUN, &k->vault, RUN_BODY_MAX, &r->image, &len, &found, NULL));
    if (!found)
        return fail(ObjectMissing, name);
    TRY(open_body(s, k, seal, r, len, &ok, &believed));
    if (!ok)
        return believed ? fail(ObjectDamaged, name) : fail(ObjectForeign, name);
    *ret = take(r);
    return NULL;
}

struct err *
run_open(struct store *s, const struct keys *k, struct seal *seal, const char *name,
    struct run **ret)
{
    auto_ptr(run) r = NULL;
    uint8_t head[ARMOUR_HEAD];
    struct armour_head h;
    size_t got = 0;
    bool found, newer = false, ok = false, believed = true;

    TRY(run_begin(name, &r));
    struct err *e = store_get(s, name, 0, head, sizeof(head), &got, &found);
    if (e == NULL && found && got == sizeof(head) && armour_head_read(head, &h, &newer) &&
        h.kind == KIND_RUN && memcmp(&h.vault, &k->vault, sizeof(h.vault)) == 0) {
        r->body_off = h.shape.body_off;
        e = open_body(s, k, seal, r, h.shape.body_len, &ok, &believed);
    }
    if (e != NULL && !err_is(e, C_store_io))
        return e;
    if (e != NULL)
        ok = false; /* it was true as far as reading came */
    err_free(e);
    if (!ok)
        return open_image(s, k, seal, name, ret);
    *ret = take(r);
    return NULL;
}

/* ---- pages ---- */

static struct err *
open_page(struct seal *seal, const struct run *r, uint32_t page,
    const uint8_t *sealed, uint8_t *to, bool *ret_ok)
{
    uint8_t hash[32];

    TRY(seal_sha256(sealed, RUN_PAGE, hash));
    *ret_ok = memcmp(hash, r->check[page], sizeof(r->check[page])) == 0;
    if (!*ret_ok)
        return NULL;
    return seal_decrypt(seal, r->key, page, (struct view){ 0 }, sealed, RUN_PAGE, to, ret_ok);
}

/* From then on the run is read from memory. */
static struct err *
mend_run(struct store *s, const struct keys *k, struct run *r, bool *ret_ok)
{
    uint8_t *image = NULL;
    size_t len = 0;
    bool found = false;
    struct err *e = armour_get(s, r->name, KIND_RUN, &k->vault, RUN_BODY_MAX, &image, &len,
        &found, NULL);

    uint8_t *none = NULL;

    *ret_ok = e == NULL && found &&
        len == r->pages_off + (uint64_t)(r->npages + r->npack_pages) * RUN_PAGE;
    /* another thread may have been first; both images are the same */
    if (*ret_ok && __atomic_compare_exchange_n(&r->image, &none, image, false,
            __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        image = NULL;
    free(image);
    if (e != NULL && !object_is_bad(e) && !err_is(e, C_store_io))
        return e;
    err_free(e);
    return NULL;
}

struct err *
run_page(struct store *s, const struct keys *k, struct seal *seal, struct run *r, uint32_t page,
    uint8_t *to, bool *ret_ok)
{
    uint8_t sealed[RUN_PAGE];
    uint64_t off = r->pages_off + (uint64_t)page * RUN_PAGE;
    /* asked before reading: another thread may bring the image in between */
    bool from_image = __atomic_load_n(&r->image, __ATOMIC_ACQUIRE) != NULL;
    struct err *e = run_bytes(s, r, off, RUN_PAGE, sealed, ret_ok);

    if (e == NULL && *ret_ok)
        e = open_page(seal, r, page, sealed, to, ret_ok);
    if (e != NULL && !err_is(e, C_store_io))
        return e;
    if (e != NULL)
        *ret_ok = false;
    err_free(e);
    if (*ret_ok || from_image)
        return NULL;
    TRY(mend_run(s, k, r, ret_ok));
    if (!*ret_ok)
        return NULL;
    TRY(run_bytes(s, r, off, RUN_PAGE, sealed, ret_ok));
    return open_page(seal, r, page, sealed, to, ret_ok);
}

bool
run_entry(const struct run *r, const uint8_t rec[RUN_RECORD], struct index_new *ret)
{
    struct rd c = rd_from(rec, RUN_RECORD);

    rd_copy(&c, ret->id.b, VAULT_ID_LEN);
    uint32_t pack = rd_u32(&c);
    ret->frame = rd_u16(&c);
    ret->slot = rd_u8(&c);
    ret->what = rd_u8(&c);
    ret->pack = pack < r->npacks ? r->pack[pack] : UINT32_MAX;
    return ret->pack != UINT32_MAX;
}

/* ---- writing ---- */

static void
write_entry(uint8_t *to, const struct index_new *e)
{
    struct wr w = wr_to(to, RUN_RECORD);

    wr_bytes(&w, e->id.b, VAULT_ID_LEN);
    wr_u32(&w, e->pack);
    wr_u16(&w, e->frame);
    wr_u8(&w, e->slot);
    wr_u8(&w, e->what);
}

static void
write_pack(uint8_t *to, const struct index_pack *p)
{
    struct wr w = wr_to(to, RUN_RECORD);

    wr_bytes(&w, p->hash, 32);
    wr_u32(&w, p->body_len);
    wr_u8(&w, p->kind);
    wr_zero(&w, 3);
}

/* Seal page number ${page} in place and write its line of the fence. */
static struct err *
seal_page(struct seal *seal, const uint8_t key[SEAL_KEY], uint32_t page, uint8_t *at,
    const uint8_t *first_id, uint8_t *fence)
{
    uint8_t hash[32];

    TRY(seal_encrypt(seal, key, page, (struct view){ 0 }, at, RUN_PAGE_PLAIN, at));
    TRY(seal_sha256(at, RUN_PAGE, hash));
    memset(fence, 0, 8);
    if (first_id != NULL)
        memcpy(fence, first_id, 8); /* big-endian: as the bytes stand */
    memcpy(fence + 8, hash, 16);
    return NULL;
}

static struct err *
write_pages(struct seal *seal, const struct run_new *n, const uint8_t key[SEAL_KEY],
    uint8_t *fence, uint8_t *pages)
{
    uint32_t page = 0;

    for (size_t i = 0; i < n->nentries; i += RUN_PER_PAGE, page++) {
        uint8_t *at = pages + (size_t)page * RUN_PAGE;

        for (size_t j = i; j < n->nentries && j < i + RUN_PER_PAGE; j++)
            write_entry(at + (j - i) * RUN_RECORD, &n->entries[j]);
        TRY(seal_page(seal, key, page, at, n->entries[i].id.b, fence + page * RUN_FENCE));
    }
    for (size_t i = 0; i < n->npacks; i += RUN_PER_PAGE, page++) {
        uint8_t *at = pages + (size_t)page * RUN_PAGE;

        for (size_t j = i; j < n->npacks && j < i + RUN_PER_PAGE; j++)
            write_pack(at + (j - i) * RUN_RECORD, &n->packs[j]);
        TRY(seal_page(seal, key, page, at, NULL, fence + page * RUN_FENCE));
    }
    return NULL;
}

static struct err *
write_head(const struct keys *k, const struct run_new *n, const uint8_t salt[16],
    size_t front_len, uint8_t *body)
{
    struct wr w = wr_to(body, RUN_HEAD);
    uint8_t hash[32];

    TRY(seal_sha256(body + RUN_HEAD, front_len, hash));
    wr_bytes(&w, salt, 16);
    wr_bytes(&w, k->cert->writer.b, VAULT_KEY_LEN);
    wr_bytes(&w, k->cert->hash, 32);
    wr_u8(&w, 0);
    wr_zero(&w, 3);
    wr_u32(&w, (uint32_t)n->nentries);
    wr_u32(&w, (uint32_t)div_up(n->nentries, RUN_PER_PAGE));
    wr_u32(&w, (uint32_t)n->npacks);
    wr_u32(&w, (uint32_t)div_up(n->npacks, RUN_PER_PAGE));
    wr_u16(&w, (uint16_t)n->nsuperseded);
    wr_u16(&w, 0);
    wr_bytes(&w, hash, sizeof(hash));
    size_t part = w.len;
    return seal_sign(k->sign_key->data, label, &k->vault, body, part,
        wr_room(&w, SEAL_SIGNATURE));
}

struct err *
run_put(struct store *s, const struct keys *k, struct seal *seal, const struct run_new *n,
    char ret_name[KEYS_NAME_MAX])
{
    uint64_t npages = div_up(n->nentries, RUN_PER_PAGE) + div_up(n->npacks, RUN_PER_PAGE);
    size_t fence = npages * RUN_FENCE, front_len = fence + n->nsuperseded * 32;
    uint64_t pages_off = div_up(RUN_HEAD + front_len, RUN_PAGE) * RUN_PAGE;
    uint64_t body_len = pages_off + npages * RUN_PAGE;
    size_t front = armour_front_max(body_len);
    auto_free uint8_t *buf = calloc(1, front + body_len + armour_back_max(body_len));
    uint8_t salt[16], key[SEAL_KEY], hash[32];
    struct view object;
    bool fresh;

    assert(n->nentries >= 1 && n->nentries <= INDEX_RUN_ENTRIES && n->npacks >= 1 &&
        n->nsuperseded <= RUN_SUPERSEDED_MAX);
    if (buf == NULL)
        return fail(OutOfMemory);
    uint8_t *body = buf + front;
    seal_random(salt, sizeof(salt));
    TRY(seal_derive(k->index_key->data, &k->vault, "firn run", salt, sizeof(salt), key));
    struct err *e = write_pages(seal, n, key, body + RUN_HEAD, body + pages_off);
    sodium_memzero(key, sizeof(key));
    TRY(e);
    if (n->nsuperseded > 0)
        memcpy(body + RUN_HEAD + fence, n->superseded, n->nsuperseded * 32);
    TRY(write_head(k, n, salt, front_len, body));
    armour_put_on(body, body_len, KIND_RUN, &k->vault, &object);
    TRY(seal_sha256(object.data, object.len, hash));
    keys_hash_name("runs/", hash, ret_name);
    return store_put(s, ret_name, object.data, object.len, &fresh);
}
