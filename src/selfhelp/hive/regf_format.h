/* SPDX-License-Identifier: Apache-2.0 */
/* regf_format.h -- where things lie in a registry hive, for the files that begin with regf.
 *
 *   base block   "regf", two sequence numbers (equal when the file is whole), root cell,
 *                length of the bins, checksum over the first 508 bytes
 *   bin          "hbin", own offset, length (n * 4096); then cells up to its end
 *   cell         int32 length, negative when in use, a multiple of 8; then a record:
 *     nk  key: parent, list of keys below, list of values, security, class, name
 *     lf lh li  list of keys below, with hints to their names or none; ri  list of lists
 *     vk  value: length (with the highest bit: up to 4 bytes stand in place of the offset)
 *     sk  security descriptor, shared; db  a value's data in pieces of 16344 bytes */
#ifndef REGF_FORMAT_H
#define REGF_FORMAT_H

#include "regf.h"

#define REGF_NONE UINT32_C(0xffffffff)
#define REGF_IN_PLACE UINT32_C(0x80000000)

enum {
    BASE_SEQUENCE1 = 4,
    BASE_SEQUENCE2 = 8,
    BASE_MAJOR = 20,
    BASE_MINOR = 24,
    BASE_TYPE = 28,
    BASE_FORMAT = 32,
    BASE_ROOT = 36,
    BASE_BINS_LEN = 40,
    BASE_CHECKSUM = 508,

    BIN_HEAD = 32,

    NK_FLAGS = 2,
    NK_TIME = 4,
    NK_PARENT = 16,
    NK_NCHILDREN = 20,
    NK_CHILDREN = 28,
    NK_NVALUES = 36,
    NK_VALUES = 40,
    NK_SECURITY = 44,
    NK_CLASS = 48,
    NK_NAME_LEN = 72,
    NK_CLASS_LEN = 74,
    NK_NAME = 76,
    NK_FLAG_LATIN1 = 0x20,

    LIST_COUNT = 2,
    LIST_ITEMS = 4,

    VK_NAME_LEN = 2,
    VK_LEN = 4,
    VK_DATA = 8,
    VK_TYPE = 12,
    VK_FLAGS = 16,
    VK_NAME = 20,
    VK_FLAG_LATIN1 = 1,

    SK_NEXT = 4,
    SK_PREVIOUS = 8,
    SK_LEN = 16,
    SK_DATA = 20,

    DB_COUNT = 2,
    DB_LIST = 4,
    DB_LEN = 8
};

static inline uint32_t
regf_u32(const struct regf *r, uint32_t cell, uint32_t at)
{
    return (uint32_t)get_le(r->data + cell + 4 + at, 4);
}

static inline uint16_t
regf_u16(const struct regf *r, uint32_t cell, uint32_t at)
{
    return (uint16_t)get_le(r->data + cell + 4 + at, 2);
}

/* Bytes of the record in an allocated cell. */
static inline uint32_t
regf_room(const struct regf *r, uint32_t cell)
{
    return 0U - (uint32_t)get_le(r->data + cell, 4) - 4;
}

static inline bool
regf_is(const struct regf *r, uint32_t cell, const char *kind)
{
    return memcmp(r->data + cell + 4, kind, 2) == 0;
}

/* Does a list of this kind have hints of 4 bytes beside its offsets? */
static inline uint32_t
regf_list_step(const struct regf *r, uint32_t cell)
{
    return regf_is(r, cell, "lf") || regf_is(r, cell, "lh") ? 8 : 4;
}

/* The data lies in pieces. */
static inline bool
regf_in_pieces(const struct regf *r, uint32_t len)
{
    return len > REGF_SEGMENT && r->minor > 3;
}

#endif
