/* SPDX-License-Identifier: Apache-2.0 */
/* pe.h -- what a Windows program or library says about itself: for which processor it is,
 * which libraries and functions it needs and offers, its version.  Bytes in memory, from
 * anywhere; nothing is run.
 *
 * Everything is bounded by the file and by the limits below; what lies beyond is as if it
 * were not there.  Imports that are loaded on first use (delay-load) are left out: a library
 * loads without them. */
#ifndef PE_H
#define PE_H

#include <stdbool.h>
#include <stdint.h>

#include "bytes.h"

enum {
    PE_SECTIONS_MAX = 96, /* as Windows allows */
    PE_IMPORTS_MAX = 1024,      /* libraries */
    PE_SYMBOLS_MAX = 1 << 16,   /* functions of one library */
    PE_NAME_MAX = 512           /* bytes of a name, with its NUL */
};

enum { PE_I386 = 0x14c, PE_AMD64 = 0x8664, PE_ARM64 = 0xaa64 };

struct pe {
    struct view file; /* borrowed */
    uint16_t machine, characteristics;
    bool bits64;
    uint64_t directories, sections; /* offsets in the file */
    uint32_t ndirectories, nsections;
};

/* false when it is no PE file, or is cut off within its heads. */
bool pe_open(struct view file, struct pe *ret);

/* Called for each library, then for each function of it.  ${symbol} is NULL for the library
 * itself and for a function without a name (${ordinal} tells which).  Return false to end. */
typedef bool pe_import_fn(void *arg, const char *library, const char *symbol,
    uint16_t ordinal);

/* false when the lists are damaged; what came before was told. */
bool pe_imports(const struct pe *p, pe_import_fn *each, void *arg);

/* Does it offer the function? */
bool pe_exports(const struct pe *p, const char *symbol);

/* The file's version, the most significant number first; false when it has none. */
bool pe_version(const struct pe *p, uint16_t ret[4]);

#endif
