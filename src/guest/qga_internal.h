/* SPDX-License-Identifier: Apache-2.0 */
/* qga_internal.h -- what the parts of qga share, and the decoding of replies, which takes any
 * JSON and gives a value or says what is wrong with it. */
#ifndef QGA_INTERNAL_H
#define QGA_INTERNAL_H

#include <jansson.h>

#include "qga.h"
#include "qga_link.h"

struct qga {
    struct qga_link *link;
    json_t *info; /* the answer to guest-info; NULL: not asked yet */
    struct qga_os os;
    bool os_known;
};

/* The failure for an answer that does not have the form it must have. */
struct err *qga_odd(const struct qga *g, const char *command) must_use;

/* Ask, with a limit for ordinary replies. */
struct err *qga_ask(struct qga *g, const char *command, json_t *arguments, struct deadline by,
    json_t **ret) must_use;

/* *ret_ok is false when the value is none of this form; only memory is a failure. */

struct qga_status {
    bool exited;
    struct qga_result result;
};

/* The base64 text ${value} as bytes with a NUL behind them. */
struct err *qga_decode_bytes(const json_t *value, size_t max, uint8_t **ret, size_t *ret_len,
    bool *ret_ok) must_use;
struct err *qga_decode_status(const json_t *value, struct qga_status *ret,
    bool *ret_ok) must_use;
struct err *qga_decode_filesystems(const json_t *value, struct qga_fs **ret, size_t *ret_n,
    bool *ret_ok) must_use;
bool qga_decode_os(const json_t *value, struct qga_os *ret);

struct qga_piece {
    uint8_t *data; /* owned */
    size_t len;
    bool eof;
};

/* A reply to guest-file-read for at most ${max} bytes. */
struct err *qga_decode_piece(const json_t *value, size_t max, struct qga_piece *ret,
    bool *ret_ok) must_use;

/* ${data} in base64; the caller's. */
struct err *qga_encode(struct view data, char **ret) must_use;

#endif
