/* SPDX-License-Identifier: Apache-2.0 */
/* First the bins are walked from cell to cell, which gives a map of where allocated cells
 * begin.  Then the tree is walked from its root; each cell that is reached is struck off the
 * map, so a second way to it is seen.  Only security descriptors are shared: these have a map
 * of their own.  The walk keeps the keys still to be visited in a list, not on the stack; no
 * more can be in it than there are cells. */
#include <assert.h>
#include <stdlib.h>

#include "regf_format.h"

struct todo {
    uint32_t key, parent;
    uint32_t depth;
};

struct check {
    const struct regf *r;
    uint8_t *cells;    /* a bit for each 8 bytes: an allocated cell begins here */
    uint8_t *security; /* a security descriptor that was found good */
    struct todo *todo;
    size_t ntodo, room;
    uint32_t at;
    bool no_memory;
};

static bool
bit(const uint8_t *map, uint32_t cell)
{
    return (map[cell / 64] >> (cell / 8 % 8) & 1) != 0;
}

static void
flip(uint8_t *map, uint32_t cell)
{
    map[cell / 64] = (uint8_t)(map[cell / 64] ^ 1U << (cell / 8 % 8));
}

static const char *
check_bin(struct check *c, uint32_t bin, uint32_t bin_len)
{
    for (uint32_t at = bin + BIN_HEAD, len; at < bin + bin_len; at += len) {
        int32_t size = (int32_t)get_le(c->r->data + at, 4);

        c->at = at;
        if (size == INT32_MIN)
            return "a cell has an impossible length";
        len = (uint32_t)(size < 0 ? -size : size);
        if (len < 8 || len % 8 != 0 || len > bin + bin_len - at)
            return "a cell has an impossible length";
        if (size < 0)
            flip(c->cells, at);
    }
    return NULL;
}

static const char *
check_bins(struct check *c)
{
    const struct regf *r = c->r;
    uint32_t bin_len;

    for (size_t bin = 0; bin < r->len; bin += bin_len) {
        const char *bad;

        c->at = (uint32_t)bin;
        bin_len = (uint32_t)get_le(r->data + bin + 8, 4);
        if (memcmp(r->data + bin, "hbin", 4) != 0 || get_le(r->data + bin + 4, 4) != bin)
            return "a bin does not begin where it should";
        if (bin_len == 0 || bin_len % 4096 != 0 || bin_len > r->len - bin)
            return "a bin has an impossible length";
        bad = check_bin(c, (uint32_t)bin, bin_len);
        if (bad != NULL)
            return bad;
    }
    return NULL;
}

/* Is there a cell at ${cell} with room for ${need} bytes? */
static const char *
check_there(struct check *c, uint32_t cell, uint32_t need)
{
    c->at = cell;
    if (cell % 8 != 0 || cell >= c->r->len || !bit(c->cells, cell))
        return "something points to a place where no cell is, or to a cell of another";
    if (regf_room(c->r, cell) < need)
        return "a cell is too short for what it holds";
    return NULL;
}

/* As check_there; nothing else may point to it. */
static const char *
check_own(struct check *c, uint32_t cell, uint64_t need)
{
    const char *bad = need > UINT32_MAX ? "a count is impossible" :
                                          check_there(c, cell, (uint32_t)need);

    if (bad == NULL)
        flip(c->cells, cell);
    return bad;
}

static const char *
check_kind(struct check *c, uint32_t cell, uint32_t need, const char *kind)
{
    const char *bad = check_own(c, cell, need);

    return bad == NULL && !regf_is(c->r, cell, kind) ? "a cell is of another kind" : bad;
}

static const char *
check_security(struct check *c, uint32_t cell)
{
    const struct regf *r = c->r;
    const char *bad;

    if (cell % 8 == 0 && cell < r->len && bit(c->security, cell))
        return NULL;
    bad = check_kind(c, cell, SK_DATA, "sk");
    if (bad != NULL)
        return bad;
    if (regf_u32(r, cell, SK_LEN) > regf_room(r, cell) - SK_DATA)
        return "a security descriptor is longer than its cell";
    flip(c->security, cell);
    return NULL;
}

static const char *
check_pieces(struct check *c, uint32_t cell, uint32_t len)
{
    const struct regf *r = c->r;
    uint32_t count, list;
    const char *bad = check_kind(c, cell, DB_LEN, "db");

    if (bad != NULL)
        return bad;
    count = regf_u16(r, cell, DB_COUNT);
    list = regf_u32(r, cell, DB_LIST);
    if (count != div_up(len, REGF_SEGMENT))
        return "a value has too many or too few pieces";
    bad = check_own(c, list, 4 * (uint64_t)count);
    for (uint32_t i = 0; i < count && bad == NULL; i++) {
        uint32_t left = len - i * REGF_SEGMENT;

        bad = check_own(c, regf_u32(r, list, 4 * i), left < REGF_SEGMENT ? left : REGF_SEGMENT);
    }
    return bad;
}

static const char *
check_value(struct check *c, uint32_t cell)
{
    const struct regf *r = c->r;
    const char *bad = check_kind(c, cell, VK_NAME, "vk");
    uint32_t len, name;
    bool wide;

    if (bad != NULL)
        return bad;
    len = regf_u32(r, cell, VK_LEN);
    name = regf_u16(r, cell, VK_NAME_LEN);
    wide = (regf_u16(r, cell, VK_FLAGS) & VK_FLAG_LATIN1) == 0;
    if (name > regf_room(r, cell) - VK_NAME || (wide && name % 2 != 0))
        return "a value's name is longer than its cell";
    if ((len & REGF_IN_PLACE) != 0)
        return (len & ~REGF_IN_PLACE) <= 4 ? NULL : "a value has an impossible length";
    if (len == 0)
        return NULL;
    if (regf_in_pieces(r, len))
        return check_pieces(c, regf_u32(r, cell, VK_DATA), len);
    return check_own(c, regf_u32(r, cell, VK_DATA), len);
}

static const char *
check_values(struct check *c, uint32_t key)
{
    const struct regf *r = c->r;
    uint32_t count = regf_u32(r, key, NK_NVALUES), list = regf_u32(r, key, NK_VALUES);
    const char *bad;

    if (count == 0)
        return NULL;
    c->at = key;
    if (count > REGF_VALUES_MAX)
        return "a key has more values than firn reads";
    bad = check_own(c, list, 4 * (uint64_t)count);
    for (uint32_t i = 0; i < count && bad == NULL; i++)
        bad = check_value(c, regf_u32(r, list, 4 * i));
    return bad;
}

static bool
push(struct check *c, struct todo t)
{
    if (c->ntodo == c->room) {
        size_t room = c->room == 0 ? 1024 : 2 * c->room;
        struct todo *more = realloc(c->todo, room * sizeof *more);

        c->no_memory = more == NULL;
        if (c->no_memory)
            return false;
        c->todo = more;
        c->room = room;
    }
    c->todo[c->ntodo++] = t;
    return true;
}

/* A list of keys; ${left} is how many there may still be. */
static const char *
check_list(struct check *c, uint32_t cell, struct todo below, uint32_t *left)
{
    const struct regf *r = c->r;
    const char *bad = check_own(c, cell, LIST_ITEMS);
    uint32_t step, count;

    if (bad != NULL)
        return bad;
    if (!regf_is(r, cell, "lf") && !regf_is(r, cell, "lh") && !regf_is(r, cell, "li"))
        return "a list of keys is of an unknown kind";
    step = regf_list_step(r, cell);
    count = regf_u16(r, cell, LIST_COUNT);
    if (count > (regf_room(r, cell) - LIST_ITEMS) / step)
        return "a list is longer than its cell";
    if (count > *left)
        return "a key has more keys below it than it says";
    *left -= count;
    for (uint32_t i = 0; i < count; i++) {
        below.key = regf_u32(r, cell, LIST_ITEMS + i * step);
        if (!push(c, below))
            return "";
    }
    return NULL;
}

static const char *
check_lists(struct check *c, uint32_t cell, struct todo below, uint32_t *left)
{
    const struct regf *r = c->r;
    const char *bad = check_there(c, cell, LIST_ITEMS);
    uint32_t count;

    if (bad != NULL)
        return bad;
    if (!regf_is(r, cell, "ri"))
        return check_list(c, cell, below, left);
    flip(c->cells, cell);
    count = regf_u16(r, cell, LIST_COUNT);
    if (count > (regf_room(r, cell) - LIST_ITEMS) / 4)
        return "a list is longer than its cell";
    for (uint32_t i = 0; i < count && bad == NULL; i++)
        bad = check_list(c, regf_u32(r, cell, LIST_ITEMS + 4 * i), below, left);
    return bad;
}

static const char *
check_children(struct check *c, const struct todo *t)
{
    struct todo below = { .parent = t->key, .depth = t->depth + 1 };
    uint32_t left = regf_u32(c->r, t->key, NK_NCHILDREN);
    const char *bad;

    if (left == 0)
        return NULL;
    c->at = t->key;
    if (left > REGF_CHILDREN_MAX)
        return "a key has more keys below it than firn reads";
    if (below.depth > REGF_DEPTH_MAX)
        return "keys lie deeper than Windows allows";
    bad = check_lists(c, regf_u32(c->r, t->key, NK_CHILDREN), below, &left);
    if (bad != NULL)
        return bad;
    c->at = t->key;
    return left != 0 ? "a key has fewer keys below it than it says" : NULL;
}

static const char *
check_name(const struct regf *r, const struct todo *t)
{
    uint32_t name = regf_u16(r, t->key, NK_NAME_LEN);
    bool wide = (regf_u16(r, t->key, NK_FLAGS) & NK_FLAG_LATIN1) == 0;

    if (name > regf_room(r, t->key) - NK_NAME || (wide && name % 2 != 0))
        return "a key's name is longer than its cell";
    if (name == 0 && t->depth > 0)
        return "a key has no name";
    return t->depth > 0 && regf_u32(r, t->key, NK_PARENT) != t->parent ?
        "a key names another as the one above it" :
        NULL;
}

static const char *
check_key(struct check *c, const struct todo *t)
{
    const struct regf *r = c->r;
    const char *bad = check_kind(c, t->key, NK_NAME, "nk");
    uint32_t class, security;

    if (bad == NULL)
        bad = check_name(r, t);
    if (bad != NULL)
        return bad;
    class = regf_u32(r, t->key, NK_CLASS);
    security = regf_u32(r, t->key, NK_SECURITY);
    if (class != REGF_NONE && regf_u16(r, t->key, NK_CLASS_LEN) > 0)
        bad = check_own(c, class, regf_u16(r, t->key, NK_CLASS_LEN));
    if (bad == NULL && security != REGF_NONE)
        bad = check_security(c, security);
    if (bad == NULL)
        bad = check_values(c, t->key);
    return bad != NULL ? bad : check_children(c, t);
}

const char *
regf_check(const struct regf *r, uint32_t *ret_at, bool *ret_no_memory)
{
    struct check c = { .r = r };
    const char *bad;

    assert(r->len % 4096 == 0 && r->len <= REGF_LEN_MAX);
    c.cells = calloc(1, r->len / 64 + 1);
    c.security = calloc(1, r->len / 64 + 1);
    c.no_memory = c.cells == NULL || c.security == NULL ||
        !push(&c, (struct todo){ .key = r->root });
    bad = c.no_memory ? "" : check_bins(&c);
    while (bad == NULL && c.ntodo > 0) {
        struct todo t = c.todo[--c.ntodo];

        bad = check_key(&c, &t);
    }
    free(c.cells);
    free(c.security);
    free(c.todo);
    *ret_at = c.at;
    *ret_no_memory = c.no_memory;
    return bad;
}
