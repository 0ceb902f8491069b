/* SPDX-License-Identifier: Apache-2.0 */
/* The vault's cryptography against a second implementation of each algorithm (libsodium's),
 * so that a change of library or of parameters cannot pass for the same format. */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "seal.h"

static const struct vault_key vault = { "sixteen bytes id" };

static void
key_of(uint8_t start, uint8_t key[32])
{
    for (int i = 0; i < 32; i++)
        key[i] = (uint8_t)(start + i);
}

/* HKDF by hand: extract with the salt, expand for one block. */
static void
derive_is_hkdf_sha256(void **state)
{
    uint8_t secret[32], pseudo[32], want[32], got[32], other[32];
    crypto_auth_hmacsha256_state h;
    const uint8_t one = 1;

    (void)state;
    key_of(7, secret);
    crypto_auth_hmacsha256_init(&h, vault.b, sizeof vault.b);
    crypto_auth_hmacsha256_update(&h, secret, 32);
    crypto_auth_hmacsha256_final(&h, pseudo);
    crypto_auth_hmacsha256_init(&h, pseudo, 32);
    crypto_auth_hmacsha256_update(&h, (const uint8_t *)"firn mapxyz", 11);
    crypto_auth_hmacsha256_update(&h, &one, 1);
    crypto_auth_hmacsha256_final(&h, want);
    assert_ok(seal_derive(secret, &vault, "firn map", "xyz", 3, got));
    assert_memory_equal(got, want, 32);
    assert_ok(seal_derive(secret, &vault, "firn map", "xyw", 3, other));
    assert_memory_not_equal(got, other, 32);
}

/* Ids stay the same however often a context is used again, and for either key. */
static void
id_is_hmac_sha256(void **state)
{
    static const size_t lens[] = { 0, 1, 63, 64, 65, 4096, 65536, 131072 };
    uint8_t key[2][32], want[32], *data = calloc(1, 131072);
    auto_ptr(seal) s = NULL;
    struct vault_id got;

    (void)state;
    assert_non_null(data);
    randombytes_buf_deterministic(data, 131072, (const uint8_t[32]){ 3 });
    key_of(1, key[SEAL_BLOCK]);
    key_of(99, key[SEAL_NODE]);
    assert_ok(seal_new(&s));
    assert_ok(seal_set_id_key(s, SEAL_BLOCK, key[SEAL_BLOCK]));
    assert_ok(seal_set_id_key(s, SEAL_NODE, key[SEAL_NODE]));
    for (int round = 0; round < 3; round++)
        for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++)
            for (int what = SEAL_BLOCK; what <= SEAL_NODE; what++) {
                crypto_auth_hmacsha256(want, data, lens[i], key[what]);
                assert_ok(seal_id(s, (enum seal_what)what, data, lens[i], &got));
                assert_memory_equal(got.b, want, 32);
            }
    /* a new key replaces the old one */
    assert_ok(seal_set_id_key(s, SEAL_BLOCK, key[SEAL_NODE]));
    crypto_auth_hmacsha256(want, data, 100, key[SEAL_NODE]);
    assert_ok(seal_id(s, SEAL_BLOCK, data, 100, &got));
    assert_memory_equal(got.b, want, 32);
    free(data);
}

static void
sealed_is_aes_256_gcm(void **state)
{
    static const size_t lens[] = { 0, 1, 15, 16, 17, 4080, 1 << 20 };
    uint8_t key[32], nonce[12] = { 0x04, 0x03, 0x02, 0x01 }, aad[50] = "associated";
    uint8_t *plain = malloc(1 << 20), *sealed = malloc((1 << 20) + 16);
    uint8_t *want = malloc((1 << 20) + 16), *opened = malloc(1 << 20);
    auto_ptr(seal) s = NULL;
    bool ok;

    (void)state;
    assert_true(plain != NULL && sealed != NULL && want != NULL && opened != NULL);
    randombytes_buf_deterministic(plain, 1 << 20, (const uint8_t[32]){ 4 });
    key_of(5, key);
    assert_ok(seal_new(&s));
    for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++)
        for (size_t naad = 0; naad <= sizeof aad; naad += sizeof aad) {
            struct view view = { aad, naad };

            assert_ok(seal_encrypt(s, key, 0x01020304, view, plain, lens[i], sealed));
            if (crypto_aead_aes256gcm_is_available()) {
                crypto_aead_aes256gcm_encrypt(want, NULL, plain, lens[i], aad, naad, NULL,
                    nonce, key);
                assert_memory_equal(sealed, want, lens[i] + SEAL_TAG);
            }
            assert_ok(seal_decrypt(s, key, 0x01020304, view, sealed, lens[i] + SEAL_TAG,
                opened, &ok));
            assert_true(ok);
            assert_memory_equal(opened, plain, lens[i]);
            /* and in place */
            memcpy(opened, plain, lens[i]);
            memcpy(want, plain, lens[i]);
            assert_ok(seal_encrypt(s, key, 0x01020304, view, want, lens[i], want));
            assert_memory_equal(want, sealed, lens[i] + SEAL_TAG);
            assert_ok(seal_decrypt(s, key, 0x01020304, view, want, lens[i] + SEAL_TAG, want,
                &ok));
            assert_true(ok);
            assert_memory_equal(want, plain, lens[i]);
        }
    free(plain);
    free(sealed);
    free(want);
    free(opened);
}

static void
changed_bytes_do_not_open(void **state)
{
    uint8_t key[32], aad[] = "vault, origin", plain[100], sealed[116], opened[100];
    const uint8_t zeros[100] = { 0 };
    auto_ptr(seal) s = NULL;
    bool ok;

    (void)state;
    key_of(9, key);
    memset(plain, 'p', sizeof plain);
    assert_ok(seal_new(&s));
    struct view view = { aad, sizeof aad };
    assert_ok(seal_encrypt(s, key, 5, view, plain, sizeof plain, sealed));
    for (size_t bit = 0; bit < 8 * sizeof sealed; bit++) {
        sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
        memset(opened, 'x', sizeof opened);
        assert_ok(seal_decrypt(s, key, 5, view, sealed, sizeof sealed, opened, &ok));
        assert_false(ok);
        assert_memory_equal(opened, zeros, sizeof opened);
        sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_ok(seal_decrypt(s, key, 6, view, sealed, sizeof sealed, opened, &ok));
    assert_false(ok);
    aad[3] ^= 1;
    assert_ok(seal_decrypt(s, key, 5, view, sealed, sizeof sealed, opened, &ok));
    assert_false(ok);
    aad[3] ^= 1;
    for (size_t len = 0; len < sizeof sealed; len++) {
        assert_ok(seal_decrypt(s, key, 5, view, sealed, len, opened, &ok));
        assert_false(ok);
    }
    key[0] ^= 1;
    assert_ok(seal_decrypt(s, key, 5, view, sealed, sizeof sealed, opened, &ok));
    assert_false(ok);
    key[0] ^= 1;
    /* a failed one leaves nothing behind for the next */
    assert_ok(seal_decrypt(s, key, 5, view, sealed, sizeof sealed, opened, &ok));
    assert_true(ok);
    assert_memory_equal(opened, plain, sizeof plain);
}

static void
signatures_bind_label_vault_and_body(void **state)
{
    uint8_t public_key[32], secret_key[64], signature[64], message[10 + 16 + 20];
    uint8_t body[20] = "a header's body";
    struct vault_key other = vault;
    bool ok;

    (void)state;
    assert_ok(seal_init());
    crypto_sign_seed_keypair(public_key, secret_key, (const uint8_t[32]){ 8 });
    assert_ok(seal_sign(secret_key, "firn test", &vault, body, sizeof body, signature));
    memcpy(message, "firn test", 10);
    memcpy(message + 10, vault.b, 16);
    memcpy(message + 26, body, 20);
    assert_int_equal(crypto_sign_verify_detached(signature, message, sizeof message,
        public_key), 0);

    assert_ok(seal_signed_by(public_key, "firn test", &vault, body, sizeof body, signature,
        &ok));
    assert_true(ok);
    assert_ok(seal_signed_by(public_key, "firn tes", &vault, body, sizeof body, signature,
        &ok));
    assert_false(ok);
    other.b[15] ^= 1;
    assert_ok(seal_signed_by(public_key, "firn test", &other, body, sizeof body, signature,
        &ok));
    assert_false(ok);
    assert_ok(seal_signed_by(public_key, "firn test", &vault, body, sizeof body - 1, signature,
        &ok));
    assert_false(ok);
    for (size_t i = 0; i < sizeof signature; i++) {
        signature[i] ^= 0x10;
        assert_ok(seal_signed_by(public_key, "firn test", &vault, body, sizeof body,
            signature, &ok));
        assert_false(ok);
        signature[i] ^= 0x10;
    }
    public_key[1] ^= 1;
    assert_ok(seal_signed_by(public_key, "firn test", &vault, body, sizeof body, signature,
        &ok));
    assert_false(ok);
}

static void
sha256_is_sha256(void **state)
{
    uint8_t want[32], got[32];

    (void)state;
    crypto_hash_sha256(want, (const uint8_t *)"abc", 3);
    assert_ok(seal_sha256("abc", 3, got));
    assert_memory_equal(got, want, 32);
    crypto_hash_sha256(want, NULL, 0);
    assert_ok(seal_sha256("", 0, got));
    assert_memory_equal(got, want, 32);
}

static void
random_differs(void **state)
{
    uint8_t a[32], b[32];

    (void)state;
    seal_random(a, sizeof a);
    seal_random(b, sizeof b);
    assert_memory_not_equal(a, b, sizeof a);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(derive_is_hkdf_sha256),
        cmocka_unit_test(id_is_hmac_sha256),
        cmocka_unit_test(sealed_is_aes_256_gcm),
        cmocka_unit_test(changed_bytes_do_not_open),
        cmocka_unit_test(signatures_bind_label_vault_and_body),
        cmocka_unit_test(sha256_is_sha256),
        cmocka_unit_test(random_differs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
