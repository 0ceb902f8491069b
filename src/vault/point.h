/* SPDX-License-Identifier: Apache-2.0 */
/* point.h -- a recovery point as bytes and back (firn-vault(5), CERTIFICATES, POINTS AND THE
 * REST).  Encoding and decoding only; points.c lists them, writer.c commits them. */
#ifndef POINT_H
#define POINT_H

#include "bytes.h"
#include "err.h"
#include "seal.h"
#include "vault.h"

enum {
    POINT_STR_MAX = 4096,
    POINT_FACTS_MAX = 1024,
    POINT_SEALED_MAX = 16 << 20,
    POINT_HEAD = 4 + 16 + 32 + 8 + 32 + 4, /* before the sealed part */
    POINT_BODY_MAX = POINT_HEAD + POINT_SEALED_MAX + SEAL_SIGNATURE,
};

enum point_what { POINT_LISTED = 1, POINT_ABORT = 2 };

/* What can be read of any point without its key. */
struct point_head {
    enum point_what what;
    struct vault_key session;
    uint8_t cert[32];
    uint64_t seq;
    uint8_t previous[32];
    struct view sealed; /* counts the tag; empty for ABORT */
    struct view signed_part, signature;
};

/* false: it is not one, whatever its armour says. */
bool point_head_read(struct view body, struct point_head *ret);
void point_head_write(struct wr *w, const struct point_head *h);

/* The sealed part, opened.  *ret = NULL when it is malformed. */
struct err *point_decode(struct view plain, struct vault_point **ret) must_use;

/* Fresh memory with ${front} bytes of room before the plain text and SEAL_TAG +
 * SEAL_SIGNATURE behind it.  InputInvalid when the point is too large. */
struct err *point_encode(const struct vault_point *p, size_t front, uint8_t **ret,
    size_t *ret_len) must_use;

/* May ${text} stand in a point? */
bool point_str_ok(const char *text);

/* Copy source, stamp and facts; InputInvalid for what a point cannot hold. */
struct err *point_copy_about(struct vault_disk *to, const struct vault_disk *from) must_use;
struct err *point_add_fact(struct vault_fact **facts, size_t *n, const char *name,
    const char *value) must_use;
void point_disk_done(struct vault_disk *d);

#endif
