/* SPDX-License-Identifier: Apache-2.0 */
/* Points and the notes of writers and collectors, signed by somebody who may: the first byte
 * chooses the kind, the rest is the body up to its certificate's hash and signature, which
 * are put in.  Listing and checking the vault never fail for them. */
#include <stdio.h>
#include <string.h>

#include "point.h"
#include "vault_for_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 65536 };

static const struct {
    const char *folder, *label;
    enum armour_kind kind;
    size_t cert_at, named;
} kinds[] = {
    { "points/", "firn point", KIND_POINT, 20, 4 },
    { "sessions/", "firn session", KIND_SESSION, 40, 0 },
    { "forgot/", "firn forget", KIND_FORGOT, 24, 0 },
    { "tombs/", "firn tomb", KIND_TOMB, 48, 0 },
    { "rounds/", "firn round", KIND_ROUND, 20, 0 },
    { "verified/", "firn verified", KIND_VERIFIED, 28, 0 },
};

static void
look(struct vault *v)
{
    const struct vault_check c = { .data = false };
    auto_ptr(vault_points) points = NULL;
    auto_ptr(vault_report) report = NULL;
    struct err *e = vault_points(v, &points);

    assert(e == NULL);
    e = vault_verify(v, &c, &report);
    assert(e == NULL);
}

/* What a point's seal holds is sealed with its key, so that it opens. */
static void
seal_point(struct vault *v, uint8_t *body, size_t len)
{
    uint8_t map_key[SEAL_KEY], key[SEAL_KEY];
    size_t sealed = len - POINT_HEAD - SEAL_SIGNATURE;
    bool have = false;
    struct err *e;

    if (len < POINT_HEAD + SEAL_TAG + SEAL_SIGNATURE)
        return;
    put_le(body + POINT_HEAD - 4, sealed, 4);
    e = keys_map_key(v->keys, &v->keys->cert->writer, map_key, &have);
    assert(e == NULL && have);
    e = seal_derive(map_key, &v->keys->vault, "firn point", body + 4, 16, key);
    assert(e == NULL);
    e = seal_encrypt(v->lane[0].seal, key, 0, (struct view){ body + 4, 16 }, body + POINT_HEAD,
        sealed - SEAL_TAG, body + POINT_HEAD);
    assert(e == NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vault *v = vault_for_fuzz();
    char name[KEYS_NAME_MAX], hex[65];
    bool fresh;

    if (size < 1 || size > MOST || data[0] >= sizeof(kinds) / sizeof(kinds[0]))
        return 0;
    size_t kind = data[0], len = size - 1;
    if (len < kinds[kind].cert_at + 32 + SEAL_SIGNATURE)
        return 0;
    uint8_t *body = malloc(len);
    assert(body != NULL);
    memcpy(body, data + 1, len);
    memcpy(body + kinds[kind].cert_at, v->keys->cert->hash, 32);
    if (kind == 0)
        seal_point(v, body, len);
    struct err *e = seal_sign(v->keys->sign_key->data, kinds[kind].label, &v->keys->vault,
        body, len - SEAL_SIGNATURE, body + len - SEAL_SIGNATURE);
    assert(e == NULL);
    bytes_to_hex(body + kinds[kind].named, 16, hex);
    snprintf(name, sizeof(name), "%s%s", kinds[kind].folder, hex);
    e = object_put(v->store, name, kinds[kind].kind, &v->keys->vault, body, len, &fresh);
    assert(e == NULL);
    look(v);
    fuzz_drop(v, name);
    free(body);
    return 0;
}
