/* SPDX-License-Identifier: Apache-2.0 */
/* A program of Windows from anybody: names that are told end within the file and within their
 * limit, and nothing goes on for ever. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "pe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    struct view file;
    uint64_t calls;
};

static bool
look(void *arg, const char *library, const char *symbol, uint16_t ordinal)
{
    struct seen *s = arg;
    const char *name = symbol != NULL ? symbol : library;
    size_t len = strlen(name);

    (void)ordinal;
    assert((const uint8_t *)name >= s->file.data && len < PE_NAME_MAX);
    assert((const uint8_t *)name + len < s->file.data + s->file.len);
    assert(++s->calls <= (uint64_t)PE_IMPORTS_MAX * (PE_SYMBOLS_MAX + 1));
    return s->calls < 100000; /* the rest is more of the same */
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seen s = { .file = { data, size } };
    uint16_t version[4];
    struct pe p;

    if (!pe_open(s.file, &p))
        return 0;
    assert(p.nsections <= PE_SECTIONS_MAX);
    (void)pe_imports(&p, look, &s);
    (void)pe_exports(&p, "DllRegisterServer");
    (void)pe_version(&p, version);
    return 0;
}
