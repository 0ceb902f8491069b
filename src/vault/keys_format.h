/* SPDX-License-Identifier: Apache-2.0 */
/* keys_format.h -- the bodies of header, slots, certificates, revocations and key files as
 * structs and as bytes: firn-vault(5).  Nothing here reads, writes, signs or opens anything.
 *
 * A decoder accepts exactly the bytes that its encoder makes: whatever it accepted encodes to
 * the same bytes again.  Signatures stand at the end of a body, so that what they are over is
 * all before the last SEAL_SIGNATURE bytes.  Encoders get a buffer of the named size. */
#ifndef KEYS_FORMAT_H
#define KEYS_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes.h"
#include "err.h"
#include "keys.h"
#include "seal.h"
#include "vault.h"

enum {
    SLOT_PASSPHRASE = 1, SLOT_KEY_FILE = 2,
    SLOT_ROOT = 1, SLOT_DATA = 2, /* bits of "holds" */
    SLOT_NONCE = 24, SLOT_SECRETS = 64, SLOT_SEALED = SLOT_SECRETS + SEAL_TAG,
    KDF_PASSES = 6, KDF_PASSES_MAX = 64,
    KDF_KIB = 32 * 1024, KDF_KIB_MIN = 8 * 1024, KDF_KIB_MAX = 4 * 1024 * 1024,
    MACHINES_MAX = 1024,

    HEADER_BODY_MAX = 16 + 8 + 8 + 4 + 32 + 32 + 2 + VAULT_NAME_MAX + SEAL_SIGNATURE,
    SLOT_BODY_MAX = 16 + 4 + 8 + 8 + 16 + 2 + VAULT_NAME_MAX + SLOT_NONCE + SLOT_SEALED,
    CERT_BODY_MAX = 4 + 32 + 8 + 2 + MACHINES_MAX * (2 + VAULT_NAME_MAX) + SEAL_SIGNATURE,
    REVOKED_BODY = 16 + 16 + 8 + SEAL_SIGNATURE,
    KEY_FILE_BODY = 16 + 32,
    WRITER_FILE_FIXED = 3 * 32 + 4 + 3 * 32 + 4,
    WRITER_FILE_BODY_MAX = WRITER_FILE_FIXED + CERT_BODY_MAX,
};

/* Valid UTF-8 without NUL (and without surrogates or overlong forms)? */
bool format_is_text(const void *data, size_t len);

struct header_body {
    struct vault_key vault;
    uint64_t created_ns; /* at most INT64_MAX, here and below */
    unsigned block_len;
    bool trust_group;
    uint32_t id_epoch;
    uint8_t root_pub[32], data_pub[32];
    char label[VAULT_NAME_MAX + 1];
    uint8_t signature[SEAL_SIGNATURE];
};
bool header_decode(struct view body, struct header_body *ret);
/* Bytes written, the signature counted. */
size_t header_encode(const struct header_body *h, uint8_t to[HEADER_BODY_MAX]);

struct slot_body {
    struct vault_key id;
    uint8_t how, holds;
    uint64_t created_ns;
    uint32_t passes, kib; /* 0 for a key file */
    uint8_t salt[16];     /* zeros for a key file */
    char label[VAULT_NAME_MAX + 1];
    uint8_t nonce[SLOT_NONCE];
    uint8_t sealed[SLOT_SEALED];
};
bool slot_decode(struct view body, struct slot_body *ret);
size_t slot_encode(const struct slot_body *s, uint8_t to[SLOT_BODY_MAX]);
/* How many bytes of the encoded slot stand before the nonce. */
size_t slot_bound_len(size_t encoded_len);

/* *ret = NULL when it is malformed.  hash and writer of *ret are not filled: they follow from
 * more than the body, see cert_from_body. */
struct err *cert_decode(struct view body, struct cert **ret) must_use;
/* Bytes written, with room for the signature after them; ${to} holds CERT_BODY_MAX. */
size_t cert_encode(const struct cert *c, const uint8_t signature[SEAL_SIGNATURE], uint8_t *to);

struct revoked_body {
    struct vault_key writer, last;
    uint64_t last_seq;
    uint8_t signature[SEAL_SIGNATURE];
};
bool revoked_decode(struct view body, struct revoked_body *ret);
void revoked_encode(const struct revoked_body *r, uint8_t to[REVOKED_BODY]);

/* Decoded key files borrow from the body, so that no second copy of a secret is made. */
struct key_file_body {
    struct vault_key slot;
    const uint8_t *key;
};
bool key_file_decode(struct view body, struct key_file_body *ret);
void key_file_encode(const struct key_file_body *f, uint8_t to[KEY_FILE_BODY]);

struct writer_file_body {
    const uint8_t *root_pub, *data_pub, *sign_seed;
    uint32_t id_epoch;
    const uint8_t *id_key, *index_key, *map_key;
    struct view cert;
};
bool writer_file_decode(struct view body, struct writer_file_body *ret);
/* Writes WRITER_FILE_FIXED + cert.len bytes. */
void writer_file_encode(const struct writer_file_body *f, uint8_t *to);

#endif
