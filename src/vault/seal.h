/* SPDX-License-Identifier: Apache-2.0 */
/* seal.h -- the vault's cryptography in one place: derivation, ids, sealing, signatures.
 * OpenSSL does AES-256-GCM, SHA-256, HMAC and HKDF; libsodium Ed25519 and sealed boxes.
 * A failing library call is CryptoFailed; what merely does not check is a bool. */
#ifndef SEAL_H
#define SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auto.h"
#include "bytes.h"
#include "err.h"
#include "vault.h"

enum { SEAL_KEY = 32, SEAL_TAG = 16, SEAL_NONCE = 12, SEAL_SIGNATURE = 64, SEAL_HASH = 32 };

/* One thread's contexts. */
struct seal;
struct err *seal_new(struct seal **ret) must_use;
void seal_free(struct seal *s);
DEFINE_AUTO(seal);

/* HKDF-SHA-256: salt = vault id, info = ${label} followed by ${more}. */
struct err *seal_derive(const uint8_t secret[SEAL_KEY], const struct vault_key *vault,
    const char *label, const void *more, size_t nmore, uint8_t ret[SEAL_KEY]) must_use;

/* ${out} gets len + SEAL_TAG bytes; may be ${plain}. nonce = ${number} as u32, then zeros. */
struct err *seal_encrypt(struct seal *s, const uint8_t key[SEAL_KEY], uint32_t number,
    struct view aad, const uint8_t *plain, size_t len, uint8_t *out) must_use;
/* ${len} counts the tag; ${out} gets len - SEAL_TAG bytes.  *ret_ok = false: it was not
 * sealed so, and ${out} holds nothing that may be used. */
struct err *seal_decrypt(struct seal *s, const uint8_t key[SEAL_KEY], uint32_t number,
    struct view aad, const uint8_t *sealed, size_t len, uint8_t *out, bool *ret_ok) must_use;

/* Keyed ids.  The two keys are set once for a seal. */
enum seal_what { SEAL_BLOCK, SEAL_NODE };
struct err *seal_set_id_key(struct seal *s, enum seal_what what,
    const uint8_t key[SEAL_KEY]) must_use;
struct err *seal_id(struct seal *s, enum seal_what what, const void *data, size_t len,
    struct vault_id *ret) must_use;

struct err *seal_sha256(const void *data, size_t len, uint8_t ret[SEAL_HASH]) must_use;

/* Ed25519 over label, NUL, vault id, body. ${secret_key} has 64 bytes. */
struct err *seal_sign(const uint8_t *secret_key, const char *label,
    const struct vault_key *vault, const void *body, size_t len,
    uint8_t ret[SEAL_SIGNATURE]) must_use;
struct err *seal_signed_by(const uint8_t public_key[32], const char *label,
    const struct vault_key *vault, const void *body, size_t len,
    const uint8_t signature[SEAL_SIGNATURE], bool *ret_ok) must_use;

/* ${n} random bytes. */
void seal_random(void *to, size_t n);

/* sodium_init, once; called by whoever needs it first. */
struct err *seal_init(void) must_use;

#endif
