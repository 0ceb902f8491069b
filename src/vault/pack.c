/* SPDX-License-Identifier: Apache-2.0 */
/* pack.c -- how the parts of a pack are written down and read back with every number
 * checked; a part that fails its check is damage, not a reason to trust the rest of it. */
#include "pack.h"

void
pack_head_write(const struct pack_head *h, uint8_t to[PACK_HEAD])
{
    struct wr w = wr_to(to, PACK_HEAD);

    wr_u16(&w, h->nenvelopes);
    wr_u16(&w, h->nframes);
    wr_u32(&w, h->table_off);
    wr_u32(&w, h->table_len);
    wr_bytes(&w, h->salt, sizeof(h->salt));
    wr_zero(&w, 4);
}

bool
pack_head_read(const uint8_t from[PACK_HEAD], uint64_t body_len, struct pack_head *ret)
{
    struct rd r = rd_from(from, PACK_HEAD);
    struct pack_head h;

    h.nenvelopes = rd_u16(&r);
    h.nframes = rd_u16(&r);
    h.table_off = rd_u32(&r);
    h.table_len = rd_u32(&r);
    rd_copy(&r, h.salt, sizeof(h.salt));
    uint32_t reserved = rd_u32(&r);
    uint64_t front = PACK_HEAD + (uint64_t)h.nenvelopes * PACK_ENVELOPE;
    if (reserved != 0 || h.nenvelopes == 0 || h.nenvelopes > PACK_ENVELOPES_MAX ||
        h.nframes == 0 || body_len > PACK_BODY_MAX + 4096 || h.table_off < front ||
        (uint64_t)h.table_off + h.table_len != body_len ||
        h.table_len != (uint32_t)h.nframes * PACK_FRAME_REC + SEAL_TAG)
        return false;
    *ret = h;
    return true;
}

void
pack_envelope_write(const struct pack_envelope *e, uint8_t to[PACK_ENVELOPE])
{
    struct wr w = wr_to(to, PACK_ENVELOPE);

    wr_u8(&w, (uint8_t)e->how);
    wr_zero(&w, 3);
    wr_bytes(&w, e->origin, sizeof(e->origin));
    wr_bytes(&w, e->writer.b, sizeof(e->writer.b));
    wr_zero(&w, 12);
    wr_bytes(&w, e->box, sizeof(e->box));
}

bool
pack_envelope_read(const uint8_t from[PACK_ENVELOPE], struct pack_envelope *ret)
{
    struct rd r = rd_from(from, PACK_ENVELOPE);
    struct pack_envelope e;
    unsigned how = rd_u8(&r);
    const uint8_t *reserved = rd_bytes(&r, 3);

    rd_copy(&r, e.origin, sizeof(e.origin));
    rd_copy(&r, e.writer.b, sizeof(e.writer.b));
    const uint8_t *more = rd_bytes(&r, 12);
    rd_copy(&r, e.box, sizeof(e.box));
    if ((how != ENVELOPE_DATA && how != ENVELOPE_MAP) || !bytes_are_zero(reserved, 3) ||
        !bytes_are_zero(more, 12))
        return false;
    e.how = (enum pack_how)how;
    *ret = e;
    return true;
}

void
pack_frame_write(const struct pack_frame *f, uint8_t to[PACK_FRAME_REC])
{
    struct wr w = wr_to(to, PACK_FRAME_REC);

    wr_u32(&w, f->off);
    wr_u32(&w, f->len);
    wr_u32(&w, f->raw_len);
    wr_u32(&w, f->ordinal);
    wr_u16(&w, f->slots);
    wr_u8(&w, f->codec);
    wr_u8(&w, f->envelope);
    wr_u32(&w, 0);
}

bool
pack_frame_read(const uint8_t from[PACK_FRAME_REC], const struct pack_head *h, uint32_t after,
    uint32_t slot_len, struct pack_frame *ret)
{
    struct rd r = rd_from(from, PACK_FRAME_REC);
    struct pack_frame f;

    f.off = rd_u32(&r);
    f.len = rd_u32(&r);
    f.raw_len = rd_u32(&r);
    f.ordinal = rd_u32(&r);
    f.slots = rd_u16(&r);
    f.codec = rd_u8(&r);
    f.envelope = rd_u8(&r);
    uint32_t reserved = rd_u32(&r);
    if (reserved != 0 || f.slots == 0 || f.envelope >= h->nenvelopes || f.off < after ||
        (uint64_t)f.off + f.len + SEAL_TAG > h->table_off || f.codec > CODEC_ZSTD ||
        (uint64_t)f.slots * slot_len != f.raw_len || f.raw_len > VAULT_FRAME_LEN ||
        (f.codec == CODEC_STORED && f.len != f.raw_len) || f.len > f.raw_len)
        return false;
    *ret = f;
    return true;
}

void
pack_frame_aad(const struct vault_key *vault, const uint8_t origin[16],
    const struct pack_frame *f, uint8_t to[PACK_AAD])
{
    struct wr w = wr_to(to, PACK_AAD);

    wr_bytes(&w, vault->b, sizeof(vault->b));
    wr_bytes(&w, origin, 16);
    wr_u32(&w, f->ordinal);
    wr_u32(&w, f->raw_len);
    wr_u32(&w, f->len);
    wr_u8(&w, f->codec);
}

void
pack_name(const uint8_t hash[32], char to[PACK_NAME_LEN + 1])
{
    char hex[65];

    bytes_to_hex(hash, 32, hex);
    memcpy(to, "packs/", 6);
    memcpy(to + 6, hex, 2);
    to[8] = '/';
    memcpy(to + 9, hex, 65);
}
