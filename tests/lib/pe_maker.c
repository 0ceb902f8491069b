/* SPDX-License-Identifier: Apache-2.0 */
/* One section holds all: what is needed is laid one after the other, and offsets in it are
 * addresses of the loaded image less SECTION. */
#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "pe_maker.h"

enum { HEADS = 0x400, SECTION = 0x1000, ROOM = 64 * 1024, NAMES_MAX = 256 };

struct maker {
    uint8_t *data;
    uint32_t used;
    bool bits64;
};

static uint32_t
lay(struct maker *m, const void *data, size_t len, unsigned align)
{
    uint32_t at = (m->used + align - 1) / align * align;

    assert(at + len <= ROOM);
    if (data != NULL)
        memcpy(m->data + at, data, len);
    m->used = at + (uint32_t)len;
    return at;
}

static void
set(struct maker *m, uint32_t at, uint64_t v, unsigned len)
{
    put_le(m->data + at, v, len);
}

/* Cut at ${by} in place; returns how many. */
static size_t
split(char *s, const char *by, char *part[NAMES_MAX])
{
    size_t n = 0;

    while (s != NULL && *s != '\0' && n < NAMES_MAX)
        part[n++] = strsep(&s, by);
    return n;
}

static uint32_t
lay_thunks(struct maker *m, char *const *symbol, size_t n)
{
    unsigned size = m->bits64 ? 8 : 4;
    uint32_t thunks = lay(m, NULL, size * (n + 1), 8);

    for (size_t i = 0; i < n; i++) {
        uint32_t hint = lay(m, "\0\0", 2, 2);

        (void)lay(m, symbol[i], strlen(symbol[i]) + 1, 1);
        set(m, thunks + (uint32_t)(size * i), SECTION + hint, size);
    }
    return thunks;
}

static uint32_t
lay_imports(struct maker *m, const char *imports)
{
    char *copy = strdup(imports), *library[NAMES_MAX], *symbol[NAMES_MAX];
    size_t n;
    uint32_t table;

    if (copy == NULL)
        abort();
    n = split(copy, ";", library);
    table = lay(m, NULL, 20 * (n + 1), 4);
    for (size_t i = 0; i < n; i++) {
        char *list = strchr(library[i], ':');
        uint32_t thunks, name;

        if (list != NULL)
            *list++ = '\0';
        thunks = lay_thunks(m, symbol, split(list, ",", symbol));
        name = lay(m, library[i], strlen(library[i]) + 1, 1);
        set(m, table + 20 * (uint32_t)i, SECTION + thunks, 4);
        set(m, table + 20 * (uint32_t)i + 12, SECTION + name, 4);
        set(m, table + 20 * (uint32_t)i + 16, SECTION + thunks, 4);
    }
    free(copy);
    return table;
}

static int
by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static uint32_t
lay_exports(struct maker *m, const char *exports)
{
    char *copy = strdup(exports), *symbol[NAMES_MAX];
    size_t n;
    uint32_t table, names;

    if (copy == NULL)
        abort();
    n = split(copy, ",", symbol);
    qsort(symbol, n, sizeof *symbol, by_text);
    table = lay(m, NULL, 40, 4);
    names = lay(m, NULL, 4 * n, 4);
    for (size_t i = 0; i < n; i++) {
        uint32_t name = lay(m, symbol[i], strlen(symbol[i]) + 1, 1);

        set(m, names + 4 * (uint32_t)i, SECTION + name, 4);
    }
    set(m, table + 24, n, 4);
    set(m, table + 32, SECTION + names, 4);
    free(copy);
    return table;
}

static uint32_t
lay_version(struct maker *m, const uint16_t version[4])
{
    static const char key[] = "V\0S\0_\0V\0E\0R\0S\0I\0O\0N\0_\0I\0N\0F\0O\0\0";
    uint32_t table = lay(m, NULL, 3 * 24 + 16, 4), info;

    for (uint32_t i = 0; i < 3; i++) { /* kind, name, language */
        uint32_t below = 24 * (i + 1);

        set(m, table + 24 * i + 14, 1, 2);
        set(m, table + 24 * i + 16, i == 0 ? 16 : i == 1 ? 1 : 0x409, 4);
        set(m, table + 24 * i + 20, below | (i < 2 ? 0x80000000U : 0), 4);
    }
    info = lay(m, NULL, 92, 4);
    set(m, table + 72, SECTION + info, 4);
    set(m, table + 76, 92, 4);
    set(m, info, 92, 2);
    set(m, info + 2, 52, 2);
    memcpy(m->data + info + 6, key, sizeof key);
    set(m, info + 40, 0xfeef04bd, 4);
    set(m, info + 44, 0x10000, 4);
    for (uint32_t i = 0; i < 4; i++)
        set(m, info + 48 + 4 * (i / 2) + 2 * (1 - i % 2), version[i], 2);
    return table;
}

static void
put_heads(uint8_t *file, const struct maker *m, uint16_t machine, const uint32_t dir[3])
{
    uint8_t *coff = file + 68, *optional = coff + 20;
    unsigned optional_len = m->bits64 ? 240 : 224;
    uint8_t *section = optional + optional_len;

    memcpy(file, "MZ", 2);
    put_le(file + 0x3c, 64, 4);
    memcpy(file + 64, "PE\0", 4);
    put_le(coff, machine, 2);
    put_le(coff + 2, 1, 2);
    put_le(coff + 16, optional_len, 2);
    put_le(coff + 18, m->bits64 ? 0x2022 : 0x2102, 2);
    put_le(optional, m->bits64 ? 0x20b : 0x10b, 2);
    put_le(optional + 32, 0x1000, 4);
    put_le(optional + 36, 0x200, 4);
    put_le(optional + 56, SECTION + ROOM, 4);
    put_le(optional + 60, HEADS, 4);
    put_le(optional + 68, 3, 2);
    put_le(optional + (m->bits64 ? 108 : 92), 16, 4);
    for (unsigned i = 0; i < 3; i++) {
        uint8_t *d = optional + (m->bits64 ? 112 : 96) + 8 * i;

        put_le(d, dir[i] == UINT32_MAX ? 0 : SECTION + dir[i], 4);
        put_le(d + 4, dir[i] == UINT32_MAX ? 0 : 40, 4);
    }
    memcpy(section, ".rdata", 6);
    put_le(section + 8, m->used, 4);
    put_le(section + 12, SECTION, 4);
    put_le(section + 16, (m->used + 0x1ff) / 0x200 * 0x200, 4);
    put_le(section + 20, HEADS, 4);
    put_le(section + 36, 0x40000040, 4);
}

uint8_t *
pe_make(const struct pe_spec *spec, size_t *ret_len)
{
    uint16_t machine = spec->machine == 0 ? 0x8664 : spec->machine;
    uint8_t *file = calloc(1, HEADS + ROOM);
    struct maker m = { .data = file + HEADS, .bits64 = machine != 0x14c };
    uint32_t dir[3] = { UINT32_MAX, UINT32_MAX, UINT32_MAX };

    if (file == NULL)
        abort();
    if (spec->exports != NULL)
        dir[0] = lay_exports(&m, spec->exports);
    if (spec->imports != NULL)
        dir[1] = lay_imports(&m, spec->imports);
    if (get_le((const uint8_t *)spec->version, 8) != 0)
        dir[2] = lay_version(&m, spec->version);
    put_heads(file, &m, machine, dir);
    *ret_len = HEADS + (m.used + 0x1ff) / 0x200 * 0x200;
    return file;
}
