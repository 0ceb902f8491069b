/* SPDX-License-Identifier: Apache-2.0 */
/* armour.c -- shape, putting on and taking off of an object's armour.
 *
 * The body never moves: head and cell table are written into the room before it, parity and
 * their second copies behind it.  Checksums are ISA-L's CRC-32C, which costs a tenth of
 * what compression does; parity is two rows over at most a hundred cells. */
#include <isa-l/crc.h>

#include "armour.h"
#include "armour_parity.h"
#include "codes.h"
#include "store.h"

enum { VERSION = 1, HEAD_CRC_AT = 60, BODY_MAX = 1 << 30 };

static const uint8_t magic[8] = { 'f', 'i', 'r', 'n', '\r', '\n', 26, '\n' };

uint32_t
armour_crc(const void *data, size_t len)
{
    return ~crc32_iscsi((unsigned char *)(uintptr_t)data, (int)len, 0xffffffffU);
}

static uint64_t
round_up(uint64_t n, uint64_t to)
{
    return (n + to - 1) / to * to;
}

bool
armour_shape(uint64_t body_len, struct armour_shape *ret)
{
    struct armour_shape s = { .body_len = body_len };

    if (body_len == 0 || body_len > BODY_MAX)
        return false;
    s.cell = body_len < ARMOUR_SMALL_BODY ? ARMOUR_CELL_SMALL : ARMOUR_CELL_LARGE;
    s.ncells = (uint32_t)div_up(body_len, s.cell);
    s.k = s.ncells < ARMOUR_SHARDS_MAX ? s.ncells : ARMOUR_SHARDS_MAX;
    s.columns = (uint32_t)div_up(s.ncells, s.k);
    uint64_t nchecked = s.ncells + (uint64_t)ARMOUR_PARITY * s.columns;
    s.body_off = round_up(ARMOUR_HEAD + 4 * nchecked + 4, s.cell);
    s.parity_off = s.body_off + (uint64_t)s.ncells * s.cell;
    s.tail_off = s.parity_off + (uint64_t)ARMOUR_PARITY * s.columns * s.cell;
    s.total = s.tail_off + 4 * nchecked + 4 + ARMOUR_HEAD;
    *ret = s;
    return true;
}

/* The room before the body grows with its length but for the change of the cell size. */
size_t
armour_front_max(uint64_t max)
{
    struct armour_shape s;
    size_t small = 0;

    if (max >= ARMOUR_SMALL_BODY && armour_shape(ARMOUR_SMALL_BODY - 1, &s))
        small = s.body_off;
    assert(armour_shape(max, &s));
    return small > s.body_off ? small : s.body_off;
}

size_t
armour_back_max(uint64_t max)
{
    struct armour_shape s;
    size_t small = 0;

    if (max >= ARMOUR_SMALL_BODY && armour_shape(ARMOUR_SMALL_BODY - 1, &s))
        small = s.total - s.body_off - s.body_len;
    assert(armour_shape(max, &s));
    /* a shorter body has up to one cell of padding more */
    size_t large = s.total - s.body_off - s.body_len + s.cell;
    return small > large ? small : large;
}

static void
write_head(uint8_t *to, const struct armour_shape *s, enum armour_kind kind,
    const struct vault_key *vault)
{
    struct wr w = wr_to(to, ARMOUR_HEAD);

    wr_bytes(&w, magic, sizeof(magic));
    wr_u8(&w, VERSION);
    wr_u8(&w, (uint8_t)kind);
    wr_u8(&w, s->cell == ARMOUR_CELL_SMALL ? 9 : 12);
    wr_u8(&w, ARMOUR_PARITY);
    wr_u16(&w, (uint16_t)s->k);
    wr_u16(&w, 0);
    wr_u32(&w, 0);
    wr_u32(&w, 0);
    wr_u64(&w, s->body_len);
    wr_bytes(&w, vault->b, sizeof(vault->b));
    wr_u32(&w, s->columns);
    wr_zero(&w, 8);
    wr_u32(&w, armour_crc(to, HEAD_CRC_AT));
}

bool
armour_head_read(const uint8_t head[ARMOUR_HEAD], struct armour_head *ret, bool *ret_newer)
{
    struct rd r = rd_from(head, ARMOUR_HEAD);
    struct armour_head h;

    *ret_newer = false;
    if (memcmp(rd_bytes(&r, 8), magic, 8) != 0)
        return false;
    if (get_le(head + HEAD_CRC_AT, 4) != armour_crc(head, HEAD_CRC_AT))
        return false;
    unsigned version = rd_u8(&r);
    unsigned kind = rd_u8(&r);
    unsigned cell_log2 = rd_u8(&r);
    unsigned parity = rd_u8(&r);
    unsigned k = rd_u16(&r);
    unsigned reserved = rd_u16(&r);
    uint32_t must_know = rd_u32(&r);
    (void)rd_u32(&r); /* may be ignored */
    uint64_t body_len = rd_u64(&r);
    rd_copy(&r, h.vault.b, sizeof(h.vault.b));
    uint32_t columns = rd_u32(&r);
    if (version > VERSION || must_know != 0) {
        *ret_newer = true;
        return false;
    }
    if (version != VERSION || kind < KIND_HEADER || kind > KIND_MAX || reserved != 0 ||
        !armour_shape(body_len, &h.shape))
        return false;
    h.kind = (enum armour_kind)kind;
    if (h.shape.cell != 1U << cell_log2 || parity != ARMOUR_PARITY || h.shape.k != k ||
        h.shape.columns != columns)
        return false;
    *ret = h;
    return true;
}

void
armour_write_table(const uint8_t *object, const struct armour_shape *s, uint8_t *to)
{
    uint64_t nchecked = s->ncells + (uint64_t)ARMOUR_PARITY * s->columns;
    struct wr w = wr_to(to, 4 * nchecked + 4);

    for (uint64_t i = 0; i < nchecked; i++)
        wr_u32(&w, armour_crc(object + s->body_off + i * s->cell, s->cell));
    wr_u32(&w, armour_crc(to, 4 * nchecked));
}

void
armour_put_on(uint8_t *body, uint64_t body_len, enum armour_kind kind,
    const struct vault_key *vault, struct view *ret)
{
    struct armour_shape s;

    assert(armour_shape(body_len, &s));
    uint8_t *object = body - s.body_off;
    uint64_t nchecked = s.ncells + (uint64_t)ARMOUR_PARITY * s.columns;
    size_t table = 4 * nchecked + 4;

    memset(body + body_len, 0, s.parity_off - s.body_off - body_len);
    armour_parity_make(body, &s, object + s.parity_off);
    write_head(object, &s, kind, vault);
    armour_write_table(object, &s, object + ARMOUR_HEAD);
    memset(object + ARMOUR_HEAD + table, 0, s.body_off - ARMOUR_HEAD - table);
    memcpy(object + s.tail_off, object + ARMOUR_HEAD, table);
    memcpy(object + s.tail_off + table, object, ARMOUR_HEAD);
    *ret = (struct view){ object, s.total };
}

struct err *
armour_wrap(enum armour_kind kind, const struct vault_key *vault, const void *body,
    size_t body_len, uint8_t **ret, size_t *ret_len)
{
    struct armour_shape s;
    struct view object;

    assert(armour_shape(body_len, &s));
    uint8_t *buf = calloc(1, s.total);
    if (buf == NULL)
        return fail(OutOfMemory);
    memcpy(buf + s.body_off, body, body_len);
    armour_put_on(buf + s.body_off, body_len, kind, vault, &object);
    *ret = buf;
    *ret_len = object.len;
    return NULL;
}

/* All checksums of an object whose head is good. */
static bool
cells_agree(const uint8_t *object, const struct armour_shape *s)
{
    uint64_t nchecked = s->ncells + (uint64_t)ARMOUR_PARITY * s->columns;
    const uint8_t *table = object + ARMOUR_HEAD;
    size_t len = 4 * nchecked + 4;

    if (get_le(table + 4 * nchecked, 4) != armour_crc(table, 4 * nchecked))
        return false;
    for (uint64_t i = 0; i < nchecked; i++)
        if (get_le(table + 4 * i, 4) !=
            armour_crc(object + s->body_off + i * s->cell, s->cell))
            return false;
    return bytes_are_zero(table + len, s->body_off - ARMOUR_HEAD - len) &&
        memcmp(object + s->tail_off, table, len) == 0 &&
        memcmp(object + s->tail_off + len, object, ARMOUR_HEAD) == 0;
}

struct err *
armour_take_off(const char *name, const uint8_t *object, size_t len, enum armour_kind kind,
    const struct vault_key *vault, struct view *ret_body)
{
    struct armour_head h;
    bool newer = false;

    if (len < ARMOUR_HEAD || !armour_head_read(object, &h, &newer))
        return newer ? fail(VaultFormatNewer, name) : fail(ObjectDamaged, name);
    if (len != h.shape.total || !cells_agree(object, &h.shape))
        return fail(ObjectDamaged, name);
    if (h.kind != kind || (vault != NULL && memcmp(&h.vault, vault, sizeof(*vault)) != 0))
        return fail(ObjectForeign, name);
    *ret_body = (struct view){ object + h.shape.body_off, h.shape.body_len };
    return NULL;
}

/* An object this long cannot be one; also the most that damage may append to it. */
static size_t
total_max(size_t body_max)
{
    return armour_front_max(body_max) + body_max + armour_back_max(body_max) + 4096;
}

/* ${object} has room for its true length. */
static struct err *
mend_in_memory(uint8_t **object, size_t *len, size_t max, bool *ret_ok)
{
    uint64_t true_len;
    uint32_t cells;

    *ret_ok = false;
    if (!armour_true_len(*object, *len, &true_len) || true_len > max)
        return NULL;
    if (true_len > *len) {
        uint8_t *longer = realloc(*object, true_len);
        if (longer == NULL)
            return fail(OutOfMemory);
        memset(longer + *len, 0, true_len - *len);
        *object = longer;
    }
    *len = true_len;
    return armour_mend(*object, *len, &cells, ret_ok);
}

struct err *
armour_get(struct store *s, const char *name, enum armour_kind kind,
    const struct vault_key *vault, size_t max, uint8_t **ret, size_t *ret_len,
    bool *ret_found, bool *ret_mended)
{
    auto_free uint8_t *object = NULL;
    struct view body;
    size_t len;
    bool mended = false;

    TRY(store_get_all(s, name, total_max(max), &object, &len, ret_found));
    if (!*ret_found)
        return NULL;
    struct err *e = armour_take_off(name, object, len, kind, vault, &body);
    if (err_code(e) == E_ObjectDamaged) {
        bool ok;

        TRY(err_also(mend_in_memory(&object, &len, total_max(max), &ok), NULL));
        if (!ok)
            return e;
        err_free(e);
        mended = true;
        e = armour_take_off(name, object, len, kind, vault, &body);
    }
    TRY(e);
    if (body.len > max)
        return fail(ObjectDamaged, name);
    memmove(object, body.data, body.len);
    *ret = take(object);
    *ret_len = body.len;
    if (ret_mended != NULL)
        *ret_mended = mended;
    return NULL;
}
