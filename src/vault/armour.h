/* SPDX-License-Identifier: Apache-2.0 */
/* armour.h -- what every object of a vault wears: a head, a checksum for each cell, and
 * Reed-Solomon parity over columns of cells, so that bad bytes are found and mended without
 * any key.  Layout: firn-vault(5), ARMOUR.
 *
 * Putting on copies nothing: the caller keeps the body in a buffer with room before it and
 * behind it, and armour_put_on fills that room. */
#ifndef ARMOUR_H
#define ARMOUR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes.h"
#include "err.h"
#include "vault.h"

struct store;

enum armour_kind {
    KIND_HEADER = 1, KIND_SLOT, KIND_CERT, KIND_REVOKED, KIND_SESSION, KIND_DATA_PACK,
    KIND_MAP_PACK, KIND_RUN, KIND_POINT, KIND_FORGOT, KIND_TOMB, KIND_ROUND, KIND_VERIFIED,
    KIND_WRITER_FILE, KIND_KEY_FILE,
    KIND_MAX = KIND_KEY_FILE
};

enum {
    ARMOUR_HEAD = 64,
    ARMOUR_PARITY = 2,
    ARMOUR_SHARDS_MAX = 100,
    ARMOUR_CELL_SMALL = 512,
    ARMOUR_CELL_LARGE = 4096,
    ARMOUR_SMALL_BODY = 65536, /* bodies below have small cells */
};

/* Where the parts of an object lie, from the length of its body alone. */
struct armour_shape {
    uint64_t body_len;
    uint32_t cell;     /* bytes */
    uint32_t ncells;   /* data cells that are stored */
    uint32_t k, columns;
    uint64_t body_off, parity_off, tail_off, total;
};

/* false when ${body_len} is 0 or beyond the format's limit. */
bool armour_shape(uint64_t body_len, struct armour_shape *ret);

/* Room that a body of at most ${max} bytes needs before and behind it. */
size_t armour_front_max(uint64_t max);
size_t armour_back_max(uint64_t max);

/* ${body} points into a buffer with armour_front_max bytes before it and armour_back_max
 * behind it.  *ret is the whole object within that buffer. */
void armour_put_on(uint8_t *body, uint64_t body_len, enum armour_kind kind,
    const struct vault_key *vault, struct view *ret);

/* For small objects: *ret is fresh memory, which the caller frees. */
struct err *armour_wrap(enum armour_kind kind, const struct vault_key *vault, const void *body,
    size_t body_len, uint8_t **ret, size_t *ret_len) must_use;

/* Read a head.  What was read is judged by ${ret_why}: NULL when it can be used, else words
 * for a message ("is of a newer format", "has a damaged head"). *ret_newer: a must-know
 * feature or version that this firn does not know. */
struct armour_head {
    enum armour_kind kind;
    struct vault_key vault;
    struct armour_shape shape;
};
bool armour_head_read(const uint8_t head[ARMOUR_HEAD], struct armour_head *ret,
    bool *ret_newer);

/* Take the armour off an object that is in memory: the body is a view into ${object}.
 * Every cell's checksum is compared; one that differs is ObjectDamaged, of another kind or
 * vault ObjectForeign, newer VaultFormatNewer.  ${vault} NULL: any.  ${name} is for
 * messages. */
struct err *armour_take_off(const char *name, const uint8_t *object, size_t len,
    enum armour_kind kind, const struct vault_key *vault, struct view *ret_body) must_use;

/* Mend an object in place.  *ret_mended: cells that were wrong and were recomputed;
 * *ret_ok = false when a column has lost more than parity can give back (columns before it
 * may be mended already).  ${len} bytes are at ${object}; the length must be right (a shorter
 * object is passed with zeros appended up to armour's total). The caller proves the result
 * (hash or signature). */
struct err *armour_mend(uint8_t *object, size_t len, uint32_t *ret_mended,
    bool *ret_ok) must_use;

/* The true length of an object whose file may be too short or too long, from whichever head
 * or tail can be read; false when neither can. */
bool armour_true_len(const uint8_t *object, size_t len, uint64_t *ret_len);

/* Get a whole small object (body at most ${max}), mended in memory when it needs to be
 * (*ret_mended, may be NULL), its armour taken off.  *ret is fresh memory. */
struct err *armour_get(struct store *s, const char *name, enum armour_kind kind,
    const struct vault_key *vault, size_t max, uint8_t **ret, size_t *ret_len,
    bool *ret_found, bool *ret_mended) must_use;

#endif
