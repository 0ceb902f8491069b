/* SPDX-License-Identifier: Apache-2.0 */
/* Reading trusts what regf_check has seen: that all cells, counts and lengths fit.  What
 * was not checked there is not used here. */
#include <assert.h>

#include "codes.h"
#include "regf_format.h"
#include "utf8.h"

enum regf_state
regf_state(struct view file)
{
    uint32_t sum = 0;

    if (file.len < REGF_BASE || memcmp(file.data, "regf", 4) != 0 ||
        get_le(file.data + BASE_MAJOR, 4) != 1 || get_le(file.data + BASE_MINOR, 4) < 2 ||
        get_le(file.data + BASE_MINOR, 4) > 6 || get_le(file.data + BASE_TYPE, 4) != 0)
        return REGF_FOREIGN;
    for (unsigned at = 0; at < BASE_CHECKSUM; at += 4)
        sum ^= (uint32_t)get_le(file.data + at, 4);
    if (sum == UINT32_MAX)
        sum--;
    else if (sum == 0)
        sum = 1;
    return sum == get_le(file.data + BASE_CHECKSUM, 4) &&
            get_le(file.data + BASE_SEQUENCE1, 4) == get_le(file.data + BASE_SEQUENCE2, 4) ?
        REGF_CLEAN :
        REGF_DIRTY;
}

struct err *
regf_open(struct view file, const char *name, struct regf *ret)
{
    enum regf_state state = regf_state(file);
    struct regf r = { .name = name };
    const char *bad;
    uint32_t at = 0;
    bool no_memory;

    if (state == REGF_FOREIGN)
        return fail(HiveForeign, name);
    if (state == REGF_DIRTY)
        return fail(HiveDirty, name);
    r.data = file.data + REGF_BASE;
    r.len = (size_t)get_le(file.data + BASE_BINS_LEN, 4);
    r.root = (uint32_t)get_le(file.data + BASE_ROOT, 4);
    r.minor = (uint32_t)get_le(file.data + BASE_MINOR, 4);
    if (r.len == 0 || r.len % 4096 != 0 || r.len > file.len - REGF_BASE)
        return fail(HiveDamaged, name, "it is shorter than it says", BASE_BINS_LEN);
    if (r.len > REGF_LEN_MAX)
        return fail(HiveTooLarge, name, REGF_LEN_MAX >> 20);
    bad = regf_check(&r, &at, &no_memory);
    if (no_memory)
        return fail(OutOfMemory);
    if (bad != NULL)
        return fail(HiveDamaged, name, bad, (int64_t)at + REGF_BASE);
    *ret = r;
    return NULL;
}

struct regf_key
regf_key(const struct regf *r, uint32_t key)
{
    const uint8_t *nk = r->data + key + 4;
    uint32_t class = regf_u32(r, key, NK_CLASS), security = regf_u32(r, key, NK_SECURITY);
    struct regf_key k = {
        .time = get_le(nk + NK_TIME, 8),
        .nchildren = regf_u32(r, key, NK_NCHILDREN),
        .nvalues = regf_u32(r, key, NK_NVALUES),
        .flags = regf_u16(r, key, NK_FLAGS),
    };

    k.name.bytes = nk + NK_NAME;
    k.name.units = regf_u16(r, key, NK_NAME_LEN);
    k.name.wide = (k.flags & NK_FLAG_LATIN1) == 0;
    if (k.name.wide)
        k.name.units /= 2;
    if (class != REGF_NONE && regf_u16(r, key, NK_CLASS_LEN) > 0)
        k.class = (struct view){ r->data + class + 4, regf_u16(r, key, NK_CLASS_LEN) };
    if (security != REGF_NONE)
        k.security = (struct view){ r->data + security + 4 + SK_DATA,
            regf_u32(r, security, SK_LEN) };
    return k;
}

static uint32_t *
add_list(const struct regf *r, uint32_t list, uint32_t *to)
{
    uint32_t step = regf_list_step(r, list), count = regf_u16(r, list, LIST_COUNT);

    for (uint32_t i = 0; i < count; i++)
        *to++ = regf_u32(r, list, LIST_ITEMS + i * step);
    return to;
}

void
regf_children(const struct regf *r, uint32_t key, uint32_t *to)
{
    uint32_t list = regf_u32(r, key, NK_CHILDREN);

    if (regf_u32(r, key, NK_NCHILDREN) == 0)
        return;
    if (!regf_is(r, list, "ri")) {
        (void)add_list(r, list, to);
        return;
    }
    for (uint32_t i = 0; i < regf_u16(r, list, LIST_COUNT); i++)
        to = add_list(r, regf_u32(r, list, LIST_ITEMS + 4 * i), to);
}

struct regf_value
regf_value(const struct regf *r, uint32_t key, uint32_t i)
{
    uint32_t cell;
    struct regf_value v;

    assert(i < regf_u32(r, key, NK_NVALUES));
    cell = regf_u32(r, regf_u32(r, key, NK_VALUES), 4 * i);
    v = (struct regf_value){
        .type = regf_u32(r, cell, VK_TYPE),
        .len = regf_u32(r, cell, VK_LEN) & ~REGF_IN_PLACE,
        .cell = cell,
    };
    v.name.bytes = r->data + cell + 4 + VK_NAME;
    v.name.units = regf_u16(r, cell, VK_NAME_LEN);
    v.name.wide = (regf_u16(r, cell, VK_FLAGS) & VK_FLAG_LATIN1) == 0;
    if (v.name.wide)
        v.name.units /= 2;
    return v;
}

struct view
regf_value_piece(const struct regf *r, const struct regf_value *v, uint32_t off)
{
    uint32_t data = regf_u32(r, v->cell, VK_DATA), list, piece = off / REGF_SEGMENT;
    struct view all = { r->data + data + 4, v->len };

    assert(off < v->len);
    if ((regf_u32(r, v->cell, VK_LEN) & REGF_IN_PLACE) != 0)
        all.data = r->data + v->cell + 4 + VK_DATA;
    if (!regf_in_pieces(r, v->len))
        return (struct view){ all.data + off, v->len - off };
    list = regf_u32(r, data, DB_LIST);
    all.data = r->data + regf_u32(r, list, 4 * piece) + 4;
    all.len = v->len - piece * REGF_SEGMENT;
    if (all.len > REGF_SEGMENT)
        all.len = REGF_SEGMENT;
    return (struct view){ all.data + off % REGF_SEGMENT, all.len - off % REGF_SEGMENT };
}

void
regf_value_data(const struct regf *r, const struct regf_value *v, uint8_t *to)
{
    struct view piece;

    for (uint32_t done = 0; done < v->len; done += (uint32_t)piece.len) {
        piece = regf_value_piece(r, v, done);
        memcpy(to + done, piece.data, piece.len);
    }
}

bool
regf_value_is(const struct regf *r, const struct regf_value *v, struct view data)
{
    struct view piece;

    if (v->len != data.len)
        return false;
    for (uint32_t done = 0; done < v->len; done += (uint32_t)piece.len) {
        piece = regf_value_piece(r, v, done);
        if (memcmp(data.data + done, piece.data, piece.len) != 0)
            return false;
    }
    return true;
}

/* ---- names ---- */

static uint16_t
unit(const struct regf_name *n, size_t i)
{
    return n->wide ? (uint16_t)get_le(n->bytes + 2 * i, 2) : n->bytes[i];
}

static uint16_t
upper(uint16_t u)
{
    bool low = (u >= 'a' && u <= 'z') || (u >= 0xe0 && u <= 0xfe && u != 0xf7);

    return low ? (uint16_t)(u - 0x20) : u;
}

int
regf_name_compare(const struct regf_name *a, const struct regf_name *b, bool fold)
{
    for (size_t i = 0; i < a->units && i < b->units; i++) {
        uint16_t x = unit(a, i), y = unit(b, i);

        if (fold) {
            x = upper(x);
            y = upper(y);
        }
        if (x != y)
            return x < y ? -1 : 1;
    }
    return (int)a->units - (int)b->units;
}

static void
add_char(struct text *t, uint32_t c)
{
    char s[UTF8_MAX];

    text_add(t, s, utf8_put(s, c));
}

static bool
is_half(uint32_t u, uint32_t of)
{
    return (u & 0xfc00) == of;
}

static void
add_units(struct text *t, const struct regf_name *n, bool stop)
{
    for (size_t i = 0; i < n->units; i++) {
        uint32_t c = unit(n, i);

        if (c == 0 && stop)
            return;
        if (is_half(c, 0xd800) && i + 1 < n->units && is_half(unit(n, i + 1), 0xdc00))
            c = 0x10000 + ((c & 0x3ff) << 10) + (unit(n, ++i) & 0x3ffU);
        else if (is_half(c, 0xd800) || is_half(c, 0xdc00) || c == 0)
            c = 0xfffd; /* a NUL would end the text */
        add_char(t, c);
    }
}

void
regf_name_text(struct text *t, const struct regf_name *n)
{
    add_units(t, n, false);
}

void
regf_utf16_text(struct text *t, const uint8_t *data, size_t len)
{
    for (size_t done = 0; done < len / 2; done += UINT16_MAX / 2) {
        size_t n = len / 2 - done < UINT16_MAX / 2 ? len / 2 - done : UINT16_MAX / 2;
        struct regf_name piece = { data + 2 * done, (uint16_t)n, true };

        add_units(t, &piece, true);
    }
}

/* ---- looking up ---- */

/* The character at ${s}, of ${len} > 0 bytes; U+FFFD, which matches no name, for what is not
 * UTF-8. */
static uint32_t
utf8_next(const char *s, size_t len, size_t *ret_size)
{
    uint8_t b = (uint8_t)s[0];
    unsigned more = b < 0x80 ? 0 : b < 0xc2 ? 4 : b < 0xe0 ? 1 : b < 0xf0 ? 2
        : b < 0xf5 ? 3 : 4;
    uint32_t c = more == 0 ? b : b & (0x3fU >> more);

    *ret_size = 1;
    if (more == 4 || more >= len)
        return 0xfffd;
    for (unsigned i = 1; i <= more; i++) {
        if (((uint8_t)s[i] & 0xc0) != 0x80)
            return 0xfffd;
        c = c << 6 | ((uint8_t)s[i] & 0x3fU);
    }
    *ret_size = 1 + more;
    return c;
}

/* Does ${n} say the same as the first ${len} bytes of ${s}, UTF-8? */
static bool
name_is(const struct regf_name *n, const char *s, size_t len)
{
    size_t at = 0, size;

    for (size_t i = 0; i < n->units; i++) {
        uint32_t have = unit(n, i), want = 0xfffd;

        if (at < len)
            want = utf8_next(s + at, len - at, &size);
        if (want == 0xfffd)
            return false;
        if (is_half(have, 0xd800) && i + 1 < n->units)
            have = 0x10000 + ((have & 0x3ff) << 10) + (unit(n, ++i) & 0x3ffU);
        if (have != want &&
            (have > UINT16_MAX || want > UINT16_MAX ||
                upper((uint16_t)have) != upper((uint16_t)want)))
            return false;
        at += size;
    }
    return at == len;
}

/* The key below ${key} that is called so, 0 when there is none. */
static uint32_t
find_child(const struct regf *r, uint32_t key, const char *name, size_t len)
{
    uint32_t list = regf_u32(r, key, NK_CHILDREN);
    bool lists = regf_u32(r, key, NK_NCHILDREN) > 0 && regf_is(r, list, "ri");
    uint32_t nlists = regf_u32(r, key, NK_NCHILDREN) == 0 ? 0 :
        lists ? regf_u16(r, list, LIST_COUNT) : 1;

    for (uint32_t i = 0; i < nlists; i++) {
        uint32_t one = lists ? regf_u32(r, list, LIST_ITEMS + 4 * i) : list;
        uint32_t step = regf_list_step(r, one), count = regf_u16(r, one, LIST_COUNT);

        for (uint32_t j = 0; j < count; j++) {
            uint32_t child = regf_u32(r, one, LIST_ITEMS + j * step);
            struct regf_key k = regf_key(r, child);

            if (name_is(&k.name, name, len))
                return child;
        }
    }
    return 0;
}

uint32_t
regf_find(const struct regf *r, const char *path)
{
    uint32_t key = r->root;

    while (*path != '\0' && key != 0) {
        size_t len = strcspn(path, "\\");

        if (len > 0)
            key = find_child(r, key, path, len);
        path += len + (path[len] == '\\');
    }
    return key;
}

bool
regf_find_value(const struct regf *r, uint32_t key, const char *name, struct regf_value *ret)
{
    for (uint32_t i = 0; i < regf_u32(r, key, NK_NVALUES); i++) {
        struct regf_value v = regf_value(r, key, i);

        if (name_is(&v.name, name, strlen(name))) {
            *ret = v;
            return true;
        }
    }
    return false;
}

bool
regf_find_dword(const struct regf *r, const char *path, const char *name, uint32_t *ret)
{
    uint32_t key = regf_find(r, path);
    struct regf_value v;
    uint8_t data[4];

    if (key == 0 || !regf_find_value(r, key, name, &v) || v.len != 4)
        return false;
    regf_value_data(r, &v, data);
    *ret = (uint32_t)get_le(data, 4);
    return true;
}
