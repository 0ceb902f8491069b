/* SPDX-License-Identifier: Apache-2.0 */
/* The file is read as it lies on the disk: addresses of the loaded image are mapped back by
 * the table of sections.  Each look goes through at(), which gives NULL where there are not as
 * many bytes. */
#include <stdlib.h>
#include <string.h>

#include "pe.h"

enum { DIR_EXPORT = 0, DIR_IMPORT = 1, DIR_RESOURCE = 2, RESOURCE_VERSION = 16 };

static const uint8_t *
at(const struct pe *p, uint64_t off, uint64_t len)
{
    return off <= p->file.len && len <= p->file.len - off ? p->file.data + off : NULL;
}

static uint64_t
number(const struct pe *p, uint64_t off, unsigned len)
{
    const uint8_t *b = at(p, off, len);

    return b == NULL ? 0 : get_le(b, len);
}

bool
pe_open(struct view file, struct pe *ret)
{
    struct pe p = { .file = file };
    uint64_t head = number(&p, 0x3c, 4), optional = head + 24, magic;
    const uint8_t *sign = at(&p, head, 24);

    if (at(&p, 0, 64) == NULL || memcmp(file.data, "MZ", 2) != 0 || sign == NULL ||
        memcmp(sign, "PE\0", 4) != 0)
        return false;
    p.machine = (uint16_t)get_le(sign + 4, 2);
    p.nsections = (uint32_t)get_le(sign + 6, 2);
    p.characteristics = (uint16_t)get_le(sign + 22, 2);
    magic = number(&p, optional, 2);
    p.bits64 = magic == 0x20b;
    p.directories = optional + (p.bits64 ? 112 : 96);
    p.sections = optional + get_le(sign + 20, 2);
    if ((magic != 0x10b && magic != 0x20b) || p.directories > p.sections ||
        p.nsections > PE_SECTIONS_MAX || at(&p, p.sections, 40ULL * p.nsections) == NULL)
        return false;
    p.ndirectories = (uint32_t)number(&p, p.directories - 4, 4);
    if (p.ndirectories > (p.sections - p.directories) / 8)
        p.ndirectories = (uint32_t)((p.sections - p.directories) / 8);
    *ret = p;
    return true;
}

/* Where in the file the loaded address ${rva} comes from; past its end when from nowhere. */
static uint64_t
offset(const struct pe *p, uint64_t rva)
{
    for (uint32_t i = 0; i < p->nsections; i++) {
        uint64_t s = p->sections + 40ULL * i;
        uint64_t start = number(p, s + 12, 4), len = number(p, s + 16, 4);

        if (rva >= start && rva - start < len)
            return number(p, s + 20, 4) + (rva - start);
    }
    return UINT64_MAX / 2;
}

/* false when there is none. */
static bool
directory(const struct pe *p, unsigned which, uint64_t *ret_rva)
{
    if (which >= p->ndirectories)
        return false;
    *ret_rva = number(p, p->directories + 8 * which, 4);
    return *ret_rva != 0;
}

/* A string that ends within the file and within PE_NAME_MAX; NULL otherwise. */
static const char *
string(const struct pe *p, uint64_t rva)
{
    uint64_t off = offset(p, rva), room;
    const uint8_t *s = at(p, off, 1);

    if (s == NULL)
        return NULL;
    room = p->file.len - off < PE_NAME_MAX ? p->file.len - off : PE_NAME_MAX;
    return memchr(s, 0, (size_t)room) == NULL ? NULL : (const char *)s;
}

/* *ret_more is false when ${each} has had enough. */
static bool
import_symbols(const struct pe *p, const char *library, uint64_t thunks, pe_import_fn *each,
    void *arg, bool *ret_more)
{
    unsigned size = p->bits64 ? 8 : 4;
    uint64_t by_ordinal = p->bits64 ? UINT64_C(1) << 63 : UINT64_C(1) << 31;

    for (uint64_t i = 0; i < PE_SYMBOLS_MAX && *ret_more; i++) {
        uint64_t off = offset(p, thunks + i * size), thunk;
        const char *name = NULL;

        if (at(p, off, size) == NULL)
            return false;
        thunk = number(p, off, size);
        if (thunk == 0)
            return true;
        if ((thunk & by_ordinal) == 0) {
            name = string(p, (thunk & 0x7fffffff) + 2);
            if (name == NULL)
                return false;
        }
        *ret_more = each(arg, library, name, name == NULL ? (uint16_t)thunk : 0);
    }
    return !*ret_more;
}

bool
pe_imports(const struct pe *p, pe_import_fn *each, void *arg)
{
    uint64_t rva;
    bool more = true;

    if (!directory(p, DIR_IMPORT, &rva))
        return true;
    for (unsigned i = 0; i < PE_IMPORTS_MAX && more; i++) {
        uint64_t off = offset(p, rva + 20 * i), thunks;
        const char *library;

        if (at(p, off, 20) == NULL)
            return false;
        if (number(p, off + 12, 4) == 0)
            return true;
        library = string(p, number(p, off + 12, 4));
        if (library == NULL || *library == '\0')
            return false;
        more = each(arg, library, NULL, 0);
        thunks = number(p, off, 4);
        if (thunks == 0)
            thunks = number(p, off + 16, 4);
        if (!import_symbols(p, library, thunks, each, arg, &more))
            return false;
    }
    return !more;
}

/* The names are sorted; in a file where they are not, some are not found. */
bool
pe_exports(const struct pe *p, const char *symbol)
{
    uint64_t rva, off, names, low = 0, high;

    if (!directory(p, DIR_EXPORT, &rva))
        return false;
    off = offset(p, rva);
    if (at(p, off, 40) == NULL)
        return false;
    high = number(p, off + 24, 4);
    names = number(p, off + 32, 4);
    while (low < high) {
        uint64_t middle = low + (high - low) / 2, entry = offset(p, names + 4 * middle);
        const char *name = at(p, entry, 4) == NULL ? NULL : string(p, number(p, entry, 4));
        int order;

        if (name == NULL)
            return false;
        order = strcmp(symbol, name);
        if (order == 0)
            return true;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return false;
}

/* In a table of resources at ${table} (an offset; ${base} is that of all of them): the entry
 * of that number, or the first with any.  *ret_below: it is a table again. */
static bool
resource(const struct pe *p, uint64_t base, uint64_t table, bool any, uint32_t id,
    uint64_t *ret, bool *ret_below)
{
    uint64_t count = number(p, table + 12, 2) + number(p, table + 14, 2);

    if (at(p, table, 16) == NULL)
        return false;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t entry = table + 16 + 8 * i;
        uint32_t to;

        if (at(p, entry, 8) == NULL)
            return false;
        if (!any && number(p, entry, 4) != id)
            continue;
        to = (uint32_t)number(p, entry + 4, 4);
        *ret_below = (to & 0x80000000) != 0;
        *ret = base + (to & 0x7fffffff);
        return true;
    }
    return false;
}

bool
pe_version(const struct pe *p, uint16_t ret[4])
{
    static const char key[] = "V\0S\0_\0V\0E\0R\0S\0I\0O\0N\0_\0I\0N\0F\0O\0\0";
    uint64_t rva, base, where, off;
    const uint8_t *v;
    bool below = false;

    if (!directory(p, DIR_RESOURCE, &rva))
        return false;
    base = offset(p, rva);
    if (!resource(p, base, base, false, RESOURCE_VERSION, &where, &below) || !below ||
        !resource(p, base, where, true, 0, &where, &below) || !below ||
        !resource(p, base, where, true, 0, &where, &below) || below)
        return false;
    off = offset(p, number(p, where, 4));
    /* 6 bytes of lengths, the key, then at the next multiple of 4 the fixed part */
    v = at(p, off, 40 + 16);
    if (v == NULL || memcmp(v + 6, key, sizeof key) != 0 || get_le(v + 40, 4) != 0xfeef04bd)
        return false;
    for (unsigned i = 0; i < 4; i++)
        ret[i] = (uint16_t)get_le(v + 48 + 4 * (i / 2) + 2 * (1 - i % 2), 2);
    return true;
}
