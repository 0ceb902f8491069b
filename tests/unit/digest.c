/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 against the standard's own examples, and against libcrypto at every length around
 * a block. */
#include "check.h"

#include <openssl/sha.h>
#include <string.h>

#include "bytes.h"
#include "digest.h"

static void
the_standards_examples(void **state)
{
    char hex[DIGEST_HEX];

    (void)state;
    digest_hex("abc", 3, hex);
    assert_string_equal(hex,
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    digest_hex("", 0, hex);
    assert_string_equal(hex,
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    digest_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56, hex);
    assert_string_equal(hex,
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

static void
every_length_in_every_cut(void **state)
{
    uint8_t data[300], ours[DIGEST_BYTES], theirs[SHA256_DIGEST_LENGTH];

    (void)state;
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 7 + i / 3);
    for (size_t len = 0; len <= sizeof(data); len++) {
        for (size_t cut = 0; cut <= len; cut += 37) {
            struct digest d;

            digest_init(&d);
            digest_add(&d, data, cut);
            digest_add(&d, data + cut, len - cut);
            digest_end(&d, ours);
            assert_non_null(SHA256(data, len, theirs));
            assert_memory_equal(ours, theirs, sizeof(ours));
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_standards_examples),
        cmocka_unit_test(every_length_in_every_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
