/* SPDX-License-Identifier: Apache-2.0 */
/* regf.h -- a Windows registry hive that lies in memory, read and never changed.
 *
 * regf_open walks the whole hive once: every cell that can be reached lies within the bytes,
 * is allocated, has the kind that its place asks for, and is reached by one way only, so that
 * nothing is a circle.  A hive that it takes can be read with the calls below without any of
 * them failing; one that it refuses is never handed to anything else.  It needs time and
 * memory in proportion to the bytes.
 *
 * Offsets are those of the format: bytes from the first bin (4096 bytes into the file) to a
 * cell.  They are the handles of keys, and 0 (where a bin's head is) is none.
 *
 * Names are compared as the registry does, without regard to case; case is known here for
 * ASCII and Latin-1, other letters must be written as they are stored. */
#ifndef REGF_H
#define REGF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes.h"
#include "err.h"
#include "text.h"

enum {
    REGF_BASE = 4096,            /* bytes of the base block, before the first bin */
    REGF_LEN_MAX = 256 << 20,    /* bytes of a hive that is read */
    REGF_DEPTH_MAX = 512,        /* keys below each other, as in Windows */
    REGF_CHILDREN_MAX = 1 << 20, /* of one key */
    REGF_VALUES_MAX = 1 << 17,   /* of one key */
    REGF_SEGMENT = 16344         /* bytes of a value; longer ones lie in pieces */
};

struct regf {
    const char *name;    /* for messages; borrowed */
    const uint8_t *data; /* the bins; borrowed */
    size_t len;
    uint32_t root;
    uint32_t minor; /* version 1.minor of the format */
};

/* A name as it is stored: Latin-1, or UTF-16LE. */
struct regf_name {
    const uint8_t *bytes;
    uint16_t units;
    bool wide;
};

struct regf_key {
    struct regf_name name;
    uint64_t time; /* of the last change, 100 ns since 1601 */
    uint32_t nchildren, nvalues;
    uint16_t flags;
    struct view class, security; /* security: a self-relative descriptor */
};

struct regf_value {
    struct regf_name name; /* 0 units: the key's unnamed value */
    uint32_t type, len;
    uint32_t cell;
};

/* What the base block of a file says, without a look at the rest. */
enum regf_state {
    REGF_FOREIGN, /* no hive, or a version that is not known */
    REGF_DIRTY,   /* Windows had not finished writing: its logs hold the rest */
    REGF_CLEAN
};
enum regf_state regf_state(struct view file);

/* ${file} and ${name} must live as long as *ret is used.  HiveForeign, HiveDirty,
 * HiveDamaged. */
struct err *regf_open(struct view file, const char *name, struct regf *ret) must_use;

struct regf_key regf_key(const struct regf *r, uint32_t key);

/* The keys below ${key}, key->nchildren of them, to ${to}. */
void regf_children(const struct regf *r, uint32_t key, uint32_t *to);

/* Value ${i}, below key->nvalues. */
struct regf_value regf_value(const struct regf *r, uint32_t key, uint32_t i);

/* Its v->len bytes to ${to}. */
void regf_value_data(const struct regf *r, const struct regf_value *v, uint8_t *to);

/* The bytes from ${off} (below v->len) on, as far as they lie in one piece. */
struct view regf_value_piece(const struct regf *r, const struct regf_value *v, uint32_t off);

bool regf_value_is(const struct regf *r, const struct regf_value *v, struct view data);

/* ${path} is UTF-8 with backslashes, from the root; "" is the root.  0 when there is none. */
uint32_t regf_find(const struct regf *r, const char *path);

/* false when there is none. */
bool regf_find_value(const struct regf *r, uint32_t key, const char *name,
    struct regf_value *ret);

/* Shorthand for a number: false when it is missing or not of 4 bytes. */
bool regf_find_dword(const struct regf *r, const char *path, const char *name,
    uint32_t *ret);

/* Less than, equal to or more than 0.  ${fold}: without regard to case. */
int regf_name_compare(const struct regf_name *a, const struct regf_name *b, bool fold);

/* Append as UTF-8; half of a pair becomes U+FFFD. */
void regf_name_text(struct text *t, const struct regf_name *n);

/* UTF-16LE to UTF-8, up to the first NUL. */
void regf_utf16_text(struct text *t, const uint8_t *data, size_t len);

/* The walk of regf_open, in regf_check.c: what is wrong first, NULL when nothing is;
 * *ret_at is where.  *ret_no_memory: it could not be done. */
const char *regf_check(const struct regf *r, uint32_t *ret_at, bool *ret_no_memory);

#endif
