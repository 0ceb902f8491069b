/* SPDX-License-Identifier: Apache-2.0 */
/* writer_blocks.c -- ids, deduplication, and frames of new blocks.
 *
 *   blocks --> ids --> in the table of fresh ids? --> in the index? --> claim
 *      new ones gather in the lane up to a frame --> zstd --> a place in a pack --> sealed
 *
 * A lane that finds a whole megabyte new compresses it where it lies; otherwise new blocks
 * are copied together first.  Sealing writes straight into the pack.  After a frame that did
 * not shrink, a sample decides whether the next one is worth compressing. */
#include <assert.h>
#include <string.h>

#include "codes.h"
#include "writer.h"

enum { SAMPLE = 4096, SAMPLES = 8, BATCH = 64 };

/* ---- frames ---- */

static const struct {
    const char *name;
    int zstd; /* its level */
} compressions[] = {
    [VAULT_COMPRESSION_NORMAL] = { "normal", 3 },
    [VAULT_COMPRESSION_FAST] = { "fast", -5 },
    [VAULT_COMPRESSION_BEST] = { "best", 12 },
    [VAULT_COMPRESSION_OFF] = { "off", 0 },
};

enum vault_compression
vault_compression_of(const char *name)
{
    for (size_t i = 0; name != NULL && i < sizeof(compressions) / sizeof(*compressions); i++)
        if (strcmp(name, compressions[i].name) == 0)
            return (enum vault_compression)i;
    return VAULT_COMPRESSION_NORMAL;
}

/* Does a sample of ${data} shrink at all?  A whole frame would shrink more. */
static bool
sample_shrinks(struct lane *l, const uint8_t *data, size_t len)
{
    size_t step = len / SAMPLES, packed = 0;

    if (step < SAMPLE)
        return true;
    for (int i = 0; i < SAMPLES; i++) {
        size_t n = ZSTD_compressCCtx(l->cctx, l->packed, VAULT_FRAME_LEN,
            data + (size_t)i * step, SAMPLE, 1);
        packed += ZSTD_isError(n) ? SAMPLE : n;
    }
    return packed < SAMPLES * (SAMPLE - SAMPLE / 64);
}

/* Compress into the lane's buffer; where that does not pay, *ret is ${data} itself. */
static void
compress(struct lane *l, enum vault_compression how, const uint8_t *data, size_t len,
    const uint8_t **ret, struct pack_frame *f)
{
    size_t n;

    *ret = data;
    f->codec = CODEC_STORED;
    f->len = (uint32_t)len;
    if (how == VAULT_COMPRESSION_OFF || (l->dull && !sample_shrinks(l, data, len)))
        return;
    /* a frame that saves less than a 64th is stored: opening it costs nothing then */
    n = ZSTD_compressCCtx(l->cctx, l->packed, VAULT_FRAME_LEN, data, len,
        compressions[how].zstd);
    l->dull = ZSTD_isError(n) || n > len - len / 64;
    if (l->dull)
        return;
    *ret = l->packed;
    f->codec = CODEC_ZSTD;
    f->len = (uint32_t)n;
}

struct err *
writer_emit(struct vault_writer *w, struct lane *l, enum packer_line line, const uint8_t *data,
    size_t len, const uint32_t *entry, size_t nslots)
{
    struct pack_frame f = { .raw_len = (uint32_t)len, .slots = (uint16_t)nslots };
    uint8_t aad[PACK_AAD];
    struct packer_place place;
    const uint8_t *from;

    compress(l, w->compression, data, len, &from, &f);
    TRY(packer_reserve(w->packer, line, &f, &place));
    pack_frame_aad(&w->v->keys->vault, place.origin, &f, aad);
    struct err *e = seal_encrypt(l->seal, place.key, f.ordinal,
        (struct view){ aad, sizeof(aad) }, from, f.len, place.out);
    packer_done(w->packer, &place);
    TRY(e);
    fresh_placed(w->fresh, entry, nslots, place.pack, place.frame);
    return NULL;
}

struct err *
writer_emit_pending(struct vault_writer *w, struct lane *l)
{
    size_t n = l->npending;

    l->npending = 0;
    return n == 0 ? NULL : writer_emit(w, l, LINE_DATA, l->raw, n * w->v->keys->block_len,
        l->pending, n);
}

/* ---- blocks ---- */

void
writer_refers(struct vault_writer *w, const struct index_home *home)
{
    unsigned folder = index_pack(w->v->index, home->pack)->hash[0];

    if (!__atomic_load_n(&w->folder[folder], __ATOMIC_RELAXED))
        __atomic_store_n(&w->folder[folder], true, __ATOMIC_RELAXED);
}

/* Clear the bits of those that the vault has; what is left must be stored. */
static struct err *
look_up(struct vault_writer *w, const struct vault_id *ids, size_t n, uint64_t *unknown)
{
    fresh_look(w->fresh, ids, n, unknown);
    for (size_t i = 0; i < n; i++) {
        struct index_home home;
        bool found;

        if ((*unknown >> i & 1) == 0)
            continue;
        TRY(index_has(w->v->index, &ids[i], &home, &found));
        if (!found)
            continue;
        writer_refers(w, &home);
        *unknown &= ~(1ULL << i);
    }
    return NULL;
}

/* Claim what nobody has; *mine has the bits of those that this lane must store. */
static struct err *
claim(struct vault_writer *w, const struct vault_id *ids, size_t n, uint64_t unknown,
    uint32_t *entry, uint64_t *mine)
{
    *mine = 0;
    for (size_t i = 0; i < n; i++) {
        bool first;

        if ((unknown >> i & 1) == 0)
            continue;
        TRY(fresh_claim(w->fresh, &ids[i], INDEX_BLOCK, &entry[i], &first));
        *mine |= (uint64_t)first << i;
    }
    return NULL;
}

static struct err *
store_new(struct vault_writer *w, struct lane *l, const uint8_t *data, size_t n, uint64_t mine,
    const uint32_t *entry)
{
    size_t block = w->v->keys->block_len, full = VAULT_FRAME_LEN / block;
    size_t count = (size_t)__builtin_popcountll(mine);

    __atomic_add_fetch(&w->new_bytes, count * block, __ATOMIC_RELAXED);
    if (l->npending == 0 && count == n && n == full)
        return writer_emit(w, l, LINE_DATA, data, n * block, entry, n);
    for (size_t i = 0; i < n; i++) {
        if ((mine >> i & 1) == 0)
            continue;
        memcpy(l->raw + l->npending * block, data + i * block, block);
        l->pending[l->npending++] = entry[i];
        if (l->npending == full)
            TRY(writer_emit_pending(w, l));
    }
    return NULL;
}

static struct err *
write_batch(struct vault_writer *w, struct lane *l, const uint8_t *data, size_t n,
    struct vault_id *ret_ids)
{
    size_t block = w->v->keys->block_len;
    uint32_t entry[BATCH];
    uint64_t unknown = 0, mine;

    for (size_t i = 0; i < n; i++) {
        const uint8_t *p = data + i * block;

        if (bytes_are_zero(p, block)) {
            ret_ids[i] = (struct vault_id){ { 0 } };
            continue;
        }
        TRY(seal_id(l->seal, SEAL_BLOCK, p, block, &ret_ids[i]));
        unknown |= 1ULL << i;
    }
    if (unknown != 0)
        TRY(look_up(w, ret_ids, n, &unknown));
    if (unknown == 0)
        return NULL;
    TRY(claim(w, ret_ids, n, unknown, entry, &mine));
    return store_new(w, l, data, n, mine, entry);
}

static struct err *
write_blocks(struct vault_writer *w, struct lane *l, const uint8_t *data, size_t nblocks,
    struct vault_id *ret_ids)
{
    size_t block = w->v->keys->block_len, full = VAULT_FRAME_LEN / block;

    TRY(lane_for_writing(l));
    for (size_t i = 0; i < nblocks; i += full) {
        size_t n = nblocks - i < full ? nblocks - i : full;

        TRY(write_batch(w, l, data + i * block, n, ret_ids + i));
    }
    return NULL;
}

struct err *
vault_write_blocks(struct vault_writer *w, unsigned lane, const uint8_t *data, size_t nblocks,
    struct vault_id *ret_ids)
{
    assert(lane < w->v->nlanes);
    struct err *e = write_blocks(w, &w->v->lane[lane], data, nblocks, ret_ids);

    if (e != NULL)
        __atomic_store_n(&w->broken, true, __ATOMIC_RELAXED);
    return e;
}
