/* SPDX-License-Identifier: Apache-2.0 */
/* How it works: OpenSSL's algorithms are fetched once for the process (fetching takes locks
 * and walks tables, more work than sealing a page) and kept until it ends; a failed fetch is
 * tried anew by the next caller.  Each seal owns one context per direction and per id key,
 * which are re-initialised, never made, in a call.  An id context keeps the hashed key pads:
 * re-initialising it without a key copies two hash states instead of hashing them again.
 * Ed25519 signs messages in one piece, so label, vault and body are put together first. */
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <sodium.h>

#include "codes.h"
#include "seal.h"

enum { LABEL_MAX = 64, INFO_MAX = LABEL_MAX + 64 };

static struct {
    pthread_mutex_t lock;
    atomic_bool ready;
    EVP_CIPHER *gcm;
    EVP_MD *sha256;
    EVP_MAC *hmac;
    EVP_KDF *hkdf;
} algorithms = { .lock = PTHREAD_MUTEX_INITIALIZER };

struct seal {
    EVP_CIPHER_CTX *enc, *dec;
    EVP_MAC_CTX *id[2];
};

/* ${call} of OpenSSL failed: its own reason goes along. */
static struct err *must_use
openssl_failed(const char *call)
{
    unsigned long number = ERR_get_error();
    const char *reason = number != 0 ? ERR_reason_error_string(number) : NULL;
    char text[160];

    snprintf(text, sizeof text, "%s%s%s", call, reason != NULL ? ": " : "",
        reason != NULL ? reason : "");
    ERR_clear_error();
    return fail(CryptoFailed, text);
}

static struct err *must_use
fetch_locked(void)
{
    if (sodium_init() < 0)
        return fail(CryptoFailed, "sodium_init");
    if (algorithms.gcm == NULL)
        algorithms.gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    if (algorithms.gcm == NULL)
        return openssl_failed("EVP_CIPHER_fetch");
    if (algorithms.sha256 == NULL)
        algorithms.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (algorithms.sha256 == NULL)
        return openssl_failed("EVP_MD_fetch");
    if (algorithms.hmac == NULL)
        algorithms.hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    if (algorithms.hmac == NULL)
        return openssl_failed("EVP_MAC_fetch");
    if (algorithms.hkdf == NULL)
        algorithms.hkdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    if (algorithms.hkdf == NULL)
        return openssl_failed("EVP_KDF_fetch");
    atomic_store_explicit(&algorithms.ready, true, memory_order_release);
    return NULL;
}

struct err *
seal_init(void)
{
    if (atomic_load_explicit(&algorithms.ready, memory_order_acquire))
        return NULL;
    pthread_mutex_lock(&algorithms.lock);
    struct err *e = fetch_locked();
    pthread_mutex_unlock(&algorithms.lock);
    return e;
}

struct err *
seal_new(struct seal **ret)
{
    auto_ptr(seal) s = NULL;

    TRY(seal_init());
    s = calloc(1, sizeof *s);
    if (s == NULL)
        return fail(OutOfMemory);
    s->enc = EVP_CIPHER_CTX_new();
    s->dec = EVP_CIPHER_CTX_new();
    if (s->enc == NULL || s->dec == NULL ||
        EVP_EncryptInit_ex2(s->enc, algorithms.gcm, NULL, NULL, NULL) != 1 ||
        EVP_DecryptInit_ex2(s->dec, algorithms.gcm, NULL, NULL, NULL) != 1)
        return openssl_failed("EVP_CIPHER_CTX_new");
    *ret = take(s);
    return NULL;
}

void
seal_free(struct seal *s)
{
    int keep = errno;

    if (s == NULL)
        return;
    EVP_CIPHER_CTX_free(s->enc);
    EVP_CIPHER_CTX_free(s->dec);
    EVP_MAC_CTX_free(s->id[SEAL_BLOCK]);
    EVP_MAC_CTX_free(s->id[SEAL_NODE]);
    free(s);
    errno = keep;
}

struct err *
seal_derive(const uint8_t secret[SEAL_KEY], const struct vault_key *vault, const char *label,
    const void *more, size_t nmore, uint8_t ret[SEAL_KEY])
{
    uint8_t info[INFO_MAX];
    size_t nlabel = strlen(label);
    OSSL_PARAM params[5];

    assert(nlabel <= LABEL_MAX && nmore <= INFO_MAX - LABEL_MAX);
    TRY(seal_init());
    memcpy(info, label, nlabel);
    if (nmore > 0)
        memcpy(info + nlabel, more, nmore);
    params[0] =
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char[]){ "SHA256" }, 0);
    params[1] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)secret,
        SEAL_KEY);
    params[2] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT,
        (void *)(uintptr_t)vault->b, VAULT_KEY_LEN);
    params[3] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, nlabel + nmore);
    params[4] = OSSL_PARAM_construct_end();

    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(algorithms.hkdf);
    uint8_t key[SEAL_KEY];
    bool ok = ctx != NULL && EVP_KDF_derive(ctx, key, sizeof key, params) == 1;

    EVP_KDF_CTX_free(ctx);
    if (ok)
        memcpy(ret, key, sizeof key);
    sodium_memzero(key, sizeof key);
    return ok ? NULL : openssl_failed("HKDF");
}

static void
nonce_from(uint32_t number, uint8_t nonce[SEAL_NONCE])
{
    memset(nonce, 0, SEAL_NONCE);
    put_le(nonce, number, 4);
}

struct err *
seal_encrypt(struct seal *s, const uint8_t key[SEAL_KEY], uint32_t number, struct view aad,
    const uint8_t *plain, size_t len, uint8_t *out)
{
    uint8_t nonce[SEAL_NONCE];
    int n = 0;

    assert(len <= INT_MAX - SEAL_TAG && aad.len <= INT_MAX);
    nonce_from(number, nonce);
    if (EVP_EncryptInit_ex2(s->enc, NULL, key, nonce, NULL) != 1 ||
        (aad.len > 0 && EVP_EncryptUpdate(s->enc, NULL, &n, aad.data, (int)aad.len) != 1) ||
        (len > 0 && EVP_EncryptUpdate(s->enc, out, &n, plain, (int)len) != 1) ||
        EVP_EncryptFinal_ex(s->enc, out + len, &n) != 1 ||
        EVP_CIPHER_CTX_ctrl(s->enc, EVP_CTRL_AEAD_GET_TAG, SEAL_TAG, out + len) != 1)
        return openssl_failed("AES-256-GCM");
    return NULL;
}

struct err *
seal_decrypt(struct seal *s, const uint8_t key[SEAL_KEY], uint32_t number, struct view aad,
    const uint8_t *sealed, size_t len, uint8_t *out, bool *ret_ok)
{
    uint8_t nonce[SEAL_NONCE], tag[SEAL_TAG];
    int n = 0;

    if (len < SEAL_TAG) {
        *ret_ok = false;
        return NULL;
    }
    len -= SEAL_TAG;
    assert(len <= INT_MAX && aad.len <= INT_MAX);
    nonce_from(number, nonce);
    memcpy(tag, sealed + len, SEAL_TAG);
    if (EVP_DecryptInit_ex2(s->dec, NULL, key, nonce, NULL) != 1 ||
        (aad.len > 0 && EVP_DecryptUpdate(s->dec, NULL, &n, aad.data, (int)aad.len) != 1) ||
        (len > 0 && EVP_DecryptUpdate(s->dec, out, &n, sealed, (int)len) != 1) ||
        EVP_CIPHER_CTX_ctrl(s->dec, EVP_CTRL_AEAD_SET_TAG, SEAL_TAG, tag) != 1)
        return openssl_failed("AES-256-GCM");
    bool ok = EVP_DecryptFinal_ex(s->dec, tag, &n) == 1;
    if (!ok) {
        sodium_memzero(out, len);
        ERR_clear_error();
    }
    *ret_ok = ok;
    return NULL;
}

struct err *
seal_set_id_key(struct seal *s, enum seal_what what, const uint8_t key[SEAL_KEY])
{
    OSSL_PARAM params[2] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char[]){ "SHA256" }, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(algorithms.hmac);

    if (ctx == NULL || EVP_MAC_init(ctx, key, SEAL_KEY, params) != 1) {
        EVP_MAC_CTX_free(ctx);
        return openssl_failed("HMAC");
    }
    EVP_MAC_CTX_free(s->id[what]);
    s->id[what] = ctx;
    return NULL;
}

struct err *
seal_id(struct seal *s, enum seal_what what, const void *data, size_t len,
    struct vault_id *ret)
{
    EVP_MAC_CTX *ctx = s->id[what];
    size_t n = 0;

    assert(ctx != NULL);
    if (EVP_MAC_init(ctx, NULL, 0, NULL) != 1 || EVP_MAC_update(ctx, data, len) != 1 ||
        EVP_MAC_final(ctx, ret->b, &n, sizeof ret->b) != 1)
        return openssl_failed("HMAC");
    return NULL;
}

struct err *
seal_sha256(const void *data, size_t len, uint8_t ret[SEAL_HASH])
{
    TRY(seal_init());
    if (EVP_Digest(data, len, ret, NULL, algorithms.sha256, NULL) != 1)
        return openssl_failed("SHA256");
    return NULL;
}

/* What a signature is over, in fresh memory. */
static struct err *must_use
signed_message(const char *label, const struct vault_key *vault, const void *body, size_t len,
    uint8_t **ret, size_t *ret_len)
{
    size_t nlabel = strlen(label) + 1, total = nlabel + VAULT_KEY_LEN + len;
    uint8_t *message = malloc(total);

    if (message == NULL)
        return fail(OutOfMemory);
    struct wr w = wr_to(message, total);
    wr_bytes(&w, label, nlabel);
    wr_bytes(&w, vault->b, VAULT_KEY_LEN);
    wr_bytes(&w, body, len);
    *ret = message;
    *ret_len = total;
    return NULL;
}

struct err *
seal_sign(const uint8_t *secret_key, const char *label, const struct vault_key *vault,
    const void *body, size_t len, uint8_t ret[SEAL_SIGNATURE])
{
    auto_free uint8_t *message = NULL;
    size_t n = 0;

    TRY(seal_init());
    TRY(signed_message(label, vault, body, len, &message, &n));
    if (crypto_sign_detached(ret, NULL, message, n, secret_key) != 0)
        return fail(CryptoFailed, "crypto_sign_detached");
    return NULL;
}

struct err *
seal_signed_by(const uint8_t public_key[32], const char *label, const struct vault_key *vault,
    const void *body, size_t len, const uint8_t signature[SEAL_SIGNATURE], bool *ret_ok)
{
    auto_free uint8_t *message = NULL;
    size_t n = 0;

    TRY(seal_init());
    TRY(signed_message(label, vault, body, len, &message, &n));
    *ret_ok = crypto_sign_verify_detached(signature, message, n, public_key) == 0;
    return NULL;
}

void
seal_random(void *to, size_t n)
{
    randombytes_buf(to, n);
}
