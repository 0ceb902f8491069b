/* SPDX-License-Identifier: Apache-2.0 */
/* The description becomes a tree, the tree becomes cells, one after the other in bins of
 * 4096 bytes (longer ones for longer cells).  A key is laid before what is below it and its
 * offsets are filled in afterwards. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bytes.h"
#include "hive_maker.h"

enum { BASE = 4096, BIN = 4096, BIN_HEAD = 32, SEGMENT = 16344, LIST_MAX = 500 };
#define NONE UINT32_C(0xffffffff)
#define TIME UINT64_C(133485408000000000) /* 2024-01-01, in 100 ns since 1601 */

struct value {
    char *name;
    uint32_t type;
    uint8_t *data;
    size_t len;
};

struct key {
    char *name;
    struct key **below;
    size_t nbelow;
    struct value *values;
    size_t nvalues;
};

struct maker {
    uint8_t *data; /* the bins */
    size_t len, used, bin;
    uint32_t security, nkeys;
};

/* ---- the tree ---- */

static void *
need(void *p)
{
    if (p == NULL)
        abort(); /* a tool of tests: there is nothing to be saved */
    return p;
}

static void
key_free(struct key *k)
{
    for (size_t i = 0; i < k->nbelow; i++)
        key_free(k->below[i]);
    for (size_t i = 0; i < k->nvalues; i++) {
        free(k->values[i].name);
        free(k->values[i].data);
    }
    free(k->below);
    free(k->values);
    free(k->name);
    free(k);
}

static struct key *
key_below(struct key *k, const char *name, size_t len)
{
    struct key *new;

    /* descriptions mostly go on where they are */
    for (size_t i = k->nbelow; i-- > 0;)
        if (strlen(k->below[i]->name) == len && strncasecmp(k->below[i]->name, name, len) == 0)
            return k->below[i];
    new = need(calloc(1, sizeof *new));
    new->name = need(strndup(name, len));
    k->below = need(realloc(k->below, (k->nbelow + 1) * sizeof *k->below));
    k->below[k->nbelow++] = new;
    return new;
}

static struct key *
key_path(struct key *root, const char *path)
{
    while (*path != '\0') {
        size_t len = strcspn(path, "\\");

        root = len > 0 ? key_below(root, path, len) : root;
        path += len + (path[len] == '\\');
    }
    return root;
}

/* UTF-8 to UTF-16LE at ${to}, which holds twice strlen(s) bytes; returns the bytes. */
static size_t
utf16(const char *s, uint8_t *to)
{
    const uint8_t *u = (const uint8_t *)s;
    size_t n = 0;

    while (*u != 0) {
        unsigned more = *u < 0x80 ? 0 : *u < 0xe0 ? 1 : *u < 0xf0 ? 2 : 3;
        uint32_t c = more == 0 ? *u : *u & (0x3fU >> more);

        for (u++; more > 0 && *u != 0; more--, u++)
            c = c << 6 | (*u & 0x3fU);
        if (c >= 0x10000) {
            put_le(to + n, 0xd800 + ((c - 0x10000) >> 10), 2);
            n += 2;
            c = 0xdc00 + ((c - 0x10000) & 0x3ff);
        }
        put_le(to + n, c, 2);
        n += 2;
    }
    return n;
}

static void
set_text(struct value *v, uint32_t type, const char *s)
{
    v->type = type;
    v->data = need(calloc(1, 2 * strlen(s) + 4));
    v->len = utf16(s, v->data) + 2;
}

static void
set_list(struct value *v, char *s)
{
    uint8_t *at = v->data = need(calloc(1, 2 * strlen(s) + 8));

    v->type = 7;
    while (s != NULL) {
        char *next = strchr(s, '|');

        if (next != NULL)
            *next++ = '\0';
        at += utf16(s, at) + 2;
        s = next;
    }
    v->len = (size_t)(at - v->data) + 2;
}

static bool
set_hex(struct value *v, uint32_t type, const char *s)
{
    v->type = type;
    v->data = need(malloc(strlen(s) + 1));
    for (;;) {
        unsigned byte;
        int used = 0;

        s += strspn(s, " ");
        if (*s == '\0')
            return true;
        if (sscanf(s, "%2x%n", &byte, &used) != 1 || used != 2)
            return false;
        v->data[v->len++] = (uint8_t)byte;
        s += used;
    }
}

static bool
set_number(struct value *v, uint32_t type, unsigned len, const char *s)
{
    char *end;
    uint64_t n = strtoull(s, &end, 0);

    v->type = type;
    v->data = need(calloc(1, 8));
    put_le(v->data, n, 8);
    v->len = len;
    return *s != '\0' && *end == '\0';
}

static bool
set_fill(struct value *v, const char *s)
{
    char *end;
    size_t len = strtoul(s, &end, 10);

    if (*end != '\0' || len > 1 << 24)
        return false;
    v->type = 3;
    v->data = need(malloc(len + 1));
    v->len = len;
    for (size_t i = 0; i < len; i++)
        v->data[i] = (uint8_t)(i * 7 + i / 251);
    return true;
}

/* "kind:data" */
static bool
set_value(struct value *v, char *s)
{
    char *data = strchr(s, ':');
    char *end;

    if (data == NULL)
        return false;
    *data++ = '\0';
    if (strcmp(s, "sz") == 0)
        set_text(v, 1, data);
    else if (strcmp(s, "expand") == 0)
        set_text(v, 2, data);
    else if (strcmp(s, "multi") == 0)
        set_list(v, data);
    else if (strcmp(s, "hex") == 0)
        return set_hex(v, 3, data);
    else if (strcmp(s, "dword") == 0)
        return set_number(v, 4, 4, data);
    else if (strcmp(s, "qword") == 0)
        return set_number(v, 11, 8, data);
    else if (strcmp(s, "fill") == 0)
        return set_fill(v, data);
    else if (strncmp(s, "type ", 5) == 0)
        return set_hex(v, (uint32_t)strtoul(s + 5, &end, 0), data) && *end == '\0';
    else
        return false;
    return true;
}

static char *
trim(char *s)
{
    size_t n;

    s += strspn(s, " \t");
    for (n = strlen(s); n > 0 && strchr(" \t\r", s[n - 1]) != NULL;)
        s[--n] = '\0';
    return s;
}

static bool
read_line(char *s, struct key *root, struct key **at)
{
    size_t len = strlen(s);
    struct value *v;
    char *data = strchr(s, '=');

    if (*s == '\0' || *s == '#')
        return true;
    if (*s == '[') {
        if (s[len - 1] != ']')
            return false;
        s[len - 1] = '\0';
        *at = key_path(root, s + 1);
        return true;
    }
    if (data == NULL)
        return false;
    *data++ = '\0';
    s = trim(s);
    (*at)->values = need(realloc((*at)->values, ((*at)->nvalues + 1) * sizeof *v));
    v = &(*at)->values[(*at)->nvalues++];
    *v = (struct value){ .name = need(strdup(strcmp(s, "@") == 0 ? "" : s)) };
    return set_value(v, trim(data));
}

/* ---- cells ---- */

static uint8_t *
at(struct maker *m, uint32_t cell)
{
    return m->data + cell + 4;
}

static void
end_bin(struct maker *m)
{
    if (m->used < m->len)
        put_le(m->data + m->used, m->len - m->used, 4); /* a free cell */
    m->used = m->len;
}

static void
new_bin(struct maker *m, size_t cell)
{
    size_t len = (cell + BIN_HEAD + BIN - 1) / BIN * BIN;
    uint8_t *bin;

    end_bin(m);
    m->data = need(realloc(m->data, m->len + len));
    bin = m->data + m->len;
    memset(bin, 0, len);
    memcpy(bin, "hbin", 4);
    put_le(bin + 4, m->len, 4);
    put_le(bin + 8, len, 4);
    put_le(bin + 20, TIME, 8);
    m->used = m->len + BIN_HEAD;
    m->len += len;
}

static uint32_t
cell(struct maker *m, size_t record)
{
    size_t len = (record + 4 + 7) / 8 * 8;
    uint32_t off;

    if (len > m->len - m->used)
        new_bin(m, len);
    off = (uint32_t)m->used;
    m->used += len;
    put_le(m->data + off, 0 - (uint64_t)len, 4);
    return off;
}

static uint32_t
bytes_cell(struct maker *m, const uint8_t *data, size_t len)
{
    uint32_t off = cell(m, len);

    memcpy(at(m, off), data, len);
    return off;
}

/* A name as Windows stores it: Latin-1 where all its letters are; returns its length. */
static size_t
store_name(const char *name, uint8_t *to, bool *ret_wide)
{
    size_t n = utf16(name, to);

    *ret_wide = false;
    for (size_t i = 0; i < n; i += 2)
        *ret_wide = *ret_wide || to[i + 1] != 0;
    if (*ret_wide)
        return n;
    for (size_t i = 0; i < n / 2; i++)
        to[i] = to[2 * i];
    return n / 2;
}

static uint32_t
pieces_cell(struct maker *m, const struct value *v)
{
    size_t count = (v->len + SEGMENT - 1) / SEGMENT;
    uint32_t db = cell(m, 8), list = cell(m, 4 * count);

    memcpy(at(m, db), "db", 2);
    put_le(at(m, db) + 2, count, 2);
    put_le(at(m, db) + 4, list, 4);
    for (size_t i = 0; i < count; i++) {
        size_t left = v->len - i * SEGMENT;
        uint32_t one = bytes_cell(m, v->data + i * SEGMENT, left < SEGMENT ? left : SEGMENT);

        put_le(at(m, list) + 4 * i, one, 4);
    }
    return db;
}

static uint32_t
value_cell(struct maker *m, const struct value *v)
{
    uint8_t *name = need(malloc(4 * strlen(v->name) + 4));
    bool wide;
    size_t n = store_name(v->name, name, &wide);
    uint32_t data = 0, vk = cell(m, 20 + n);
    uint8_t *r;

    if (v->len > SEGMENT)
        data = pieces_cell(m, v);
    else if (v->len > 4)
        data = bytes_cell(m, v->data, v->len);
    else
        data = (uint32_t)get_le(v->data, (unsigned)v->len);
    r = at(m, vk);
    memcpy(r, "vk", 2);
    put_le(r + 2, n, 2);
    put_le(r + 4, v->len | (v->len <= 4 ? UINT32_C(0x80000000) : 0), 4);
    put_le(r + 8, data, 4);
    put_le(r + 12, v->type, 4);
    put_le(r + 16, wide || n == 0 ? 0 : 1, 2);
    memcpy(r + 20, name, n);
    free(name);
    return vk;
}

static uint32_t
upper(uint32_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 0xe0 && c <= 0xfe && c != 0xf7) ? c - 0x20 : c;
}

static uint32_t
hash(const char *name)
{
    uint8_t *units = need(malloc(4 * strlen(name) + 4));
    size_t n = utf16(name, units);
    uint32_t h = 0;

    for (size_t i = 0; i < n; i += 2)
        h = h * 37 + upper((uint32_t)get_le(units + i, 2));
    free(units);
    return h;
}

static int
by_name(const void *a, const void *b)
{
    const struct key *x = *(struct key *const *)a, *y = *(struct key *const *)b;
    uint8_t *s = need(malloc(4 * strlen(x->name) + 4));
    uint8_t *t = need(malloc(4 * strlen(y->name) + 4));
    size_t n = utf16(x->name, s), m = utf16(y->name, t);
    int order = 0;

    for (size_t i = 0; i < n && i < m && order == 0; i += 2)
        order = (int)upper((uint32_t)get_le(s + i, 2)) - (int)upper((uint32_t)get_le(t + i, 2));
    free(s);
    free(t);
    return order != 0 ? order : (int)n - (int)m;
}

static uint32_t
list_cell(struct maker *m, struct key *const *below, const uint32_t *cells, size_t count)
{
    uint32_t list = cell(m, 4 + 8 * count);
    uint8_t *r = at(m, list);

    memcpy(r, "lh", 2);
    put_le(r + 2, count, 2);
    for (size_t i = 0; i < count; i++) {
        put_le(r + 4 + 8 * i, cells[i], 4);
        put_le(r + 8 + 8 * i, hash(below[i]->name), 4);
    }
    return list;
}

static uint32_t
lists_cell(struct maker *m, const struct key *k, const uint32_t *cells)
{
    size_t count = (k->nbelow + LIST_MAX - 1) / LIST_MAX;
    uint32_t list;

    if (count <= 1)
        return count == 0 ? NONE : list_cell(m, k->below, cells, k->nbelow);
    list = cell(m, 4 + 4 * count);
    memcpy(at(m, list), "ri", 2);
    put_le(at(m, list) + 2, count, 2);
    for (size_t i = 0; i < count; i++) {
        size_t from = i * LIST_MAX, left = k->nbelow - from;
        uint32_t one = list_cell(m, k->below + from, cells + from,
            left < LIST_MAX ? left : LIST_MAX);

        put_le(at(m, list) + 4 + 4 * i, one, 4);
    }
    return list;
}

static size_t
longest(const struct key *k, bool values)
{
    size_t most = 0, n = values ? k->nvalues : k->nbelow;

    for (size_t i = 0; i < n; i++) {
        const char *name = values ? k->values[i].name : k->below[i]->name;

        most = strlen(name) > most ? strlen(name) : most;
    }
    return 2 * most;
}

static size_t
largest(const struct key *k)
{
    size_t most = 0;

    for (size_t i = 0; i < k->nvalues; i++)
        most = k->values[i].len > most ? k->values[i].len : most;
    return most;
}

static uint32_t key_cell(struct maker *m, struct key *k, uint32_t parent);

static void
fill_key(struct maker *m, struct key *k, uint32_t nk)
{
    uint32_t *cells = need(calloc(k->nbelow + 1, sizeof *cells)), list = NONE, values = NONE;

    if (k->nbelow > 1)
        qsort(k->below, k->nbelow, sizeof *k->below, by_name);
    for (size_t i = 0; i < k->nbelow; i++)
        cells[i] = key_cell(m, k->below[i], nk);
    list = lists_cell(m, k, cells);
    if (k->nvalues > 0)
        values = cell(m, 4 * k->nvalues);
    for (size_t i = 0; i < k->nvalues; i++) {
        uint32_t one = value_cell(m, &k->values[i]);

        put_le(at(m, values) + 4 * i, one, 4);
    }
    put_le(at(m, nk) + 20, k->nbelow, 4);
    put_le(at(m, nk) + 28, list, 4);
    put_le(at(m, nk) + 36, k->nvalues, 4);
    put_le(at(m, nk) + 40, values, 4);
    put_le(at(m, nk) + 52, longest(k, false), 4);
    put_le(at(m, nk) + 60, longest(k, true), 4);
    put_le(at(m, nk) + 64, largest(k), 4);
    free(cells);
}

/* Self-relative: owner and group SYSTEM; SYSTEM and Administrators may do all. */
static uint32_t
security_cell(struct maker *m)
{
    static const uint8_t sd[] = { 1, 0, 4, 0x80, 20, 0, 0, 0, 32, 0, 0, 0, 0, 0, 0, 0, 44, 0, 0,
        0, /* SYSTEM, twice */
        1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0,
        /* the list: 52 bytes, 2 entries */
        2, 0, 52, 0, 2, 0, 0, 0, 0, 2, 20, 0, 0x3f, 0, 0xf, 0, 1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0,
        0, 0, 2, 24, 0, 0x3f, 0, 0xf, 0, 1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0 };
    uint32_t sk = cell(m, 20 + sizeof sd);
    uint8_t *r = at(m, sk);

    memcpy(r, "sk", 2);
    put_le(r + 4, sk, 4);
    put_le(r + 8, sk, 4);
    put_le(r + 16, sizeof sd, 4);
    memcpy(r + 20, sd, sizeof sd);
    return sk;
}

static uint32_t
key_cell(struct maker *m, struct key *k, uint32_t parent)
{
    uint8_t *name = need(malloc(4 * strlen(k->name) + 4));
    bool wide;
    size_t n = store_name(k->name, name, &wide);
    uint32_t nk = cell(m, 76 + n);
    uint8_t *r = at(m, nk);

    memcpy(r, "nk", 2);
    put_le(r + 2, (parent == NONE ? 0x0c : 0) | (wide ? 0 : 0x20), 2);
    put_le(r + 4, TIME, 8);
    put_le(r + 16, parent == NONE ? 0 : parent, 4);
    put_le(r + 32, NONE, 4);
    put_le(r + 48, NONE, 4);
    put_le(r + 72, n, 2);
    memcpy(r + 76, name, n);
    free(name);
    if (parent == NONE)
        m->security = security_cell(m);
    put_le(at(m, nk) + 44, m->security, 4);
    m->nkeys++;
    fill_key(m, k, nk);
    return nk;
}

void
hive_make_checksum(uint8_t *file)
{
    uint32_t sum = 0;

    for (unsigned i = 0; i < 508; i += 4)
        sum ^= (uint32_t)get_le(file + i, 4);
    put_le(file + 508, sum == 0 ? 1 : sum == UINT32_MAX ? sum - 1 : sum, 4);
}

static void
finish(struct maker *m, uint32_t root, const char *name, uint8_t **ret, size_t *ret_len)
{
    uint8_t *file = need(calloc(1, BASE + m->len));
    uint8_t *units = need(malloc(2 * strlen(name) + 4));
    size_t n = utf16(name, units);

    end_bin(m);
    put_le(at(m, m->security) + 12, m->nkeys, 4);
    memcpy(file, "regf", 4);
    put_le(file + 4, 1, 4);
    put_le(file + 8, 1, 4);
    put_le(file + 12, TIME, 8);
    put_le(file + 20, 1, 4);
    put_le(file + 24, 5, 4);
    put_le(file + 32, 1, 4);
    put_le(file + 36, root, 4);
    put_le(file + 40, m->len, 4);
    put_le(file + 44, 1, 4);
    memcpy(file + 48, units, n > 62 ? 62 : n);
    hive_make_checksum(file);
    memcpy(file + BASE, m->data, m->len);
    free(units);
    *ret = file;
    *ret_len = BASE + m->len;
}

bool
hive_make(const char *text, const char *name, uint8_t **ret, size_t *ret_len,
    unsigned *ret_line)
{
    struct key *root = need(calloc(1, sizeof *root)), *here = root;
    char *copy = need(strdup(text)), *rest = copy, *line;
    struct maker m = { 0 };
    bool ok = true;

    root->name = need(strdup("ROOT"));
    *ret_line = 0;
    while (ok && (line = strsep(&rest, "\n")) != NULL) {
        ++*ret_line;
        ok = read_line(trim(line), root, &here);
    }
    if (ok) {
        uint32_t cell_of_root = key_cell(&m, root, NONE);

        finish(&m, cell_of_root, name, ret, ret_len);
        free(m.data);
    }
    key_free(root);
    free(copy);
    return ok;
}
