/* SPDX-License-Identifier: Apache-2.0 */
/* An index run that is signed by somebody who may: the numbers of the head, the fence and the
 * pages in clear come from the input; hashes, seals and signature are made right.  Opening,
 * asking and checking it give a code or an answer. */
#include <string.h>

#include "index_run.h"
#include "vault_for_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 1 << 18, NUMBERS = 16 + 16 + 32, HASH_AT = RUN_HEAD - SEAL_SIGNATURE - 32 };

/* Seal the pages that the head promises, as far as there are any, and tell the fence. */
static void
seal_pages(struct vault *v, const uint8_t key[SEAL_KEY], uint8_t *body, size_t len,
    uint64_t npages, uint64_t superseded)
{
    uint64_t at = div_up(RUN_HEAD + npages * RUN_FENCE + superseded * 32, RUN_PAGE) * RUN_PAGE;

    for (uint32_t i = 0; i < npages && at + RUN_PAGE <= len; i++, at += RUN_PAGE) {
        uint8_t hash[32];
        struct err *e = seal_encrypt(v->lane[0].seal, key, i, (struct view){ 0 }, body + at,
            RUN_PAGE_PLAIN, body + at);

        assert(e == NULL);
        e = seal_sha256(body + at, RUN_PAGE, hash);
        assert(e == NULL);
        memcpy(body + RUN_HEAD + (size_t)i * RUN_FENCE + 8, hash, 16);
    }
}

static void
make_right(struct vault *v, uint8_t *body, size_t len)
{
    uint64_t npages = get_le(body + NUMBERS + 8, 4) + get_le(body + NUMBERS + 16, 4);
    uint64_t superseded = get_le(body + NUMBERS + 20, 2);
    uint64_t front = npages * RUN_FENCE + superseded * 32;
    uint8_t key[SEAL_KEY];
    struct err *e;

    memcpy(body + 16, v->keys->cert->writer.b, 16);
    memcpy(body + 32, v->keys->cert->hash, 32);
    e = seal_derive(v->keys->index_key->data, &v->keys->vault, "firn run", body, 16, key);
    assert(e == NULL);
    if (RUN_HEAD + front <= len) {
        seal_pages(v, key, body, len, npages, superseded);
        e = seal_sha256(body + RUN_HEAD, front, body + HASH_AT);
        assert(e == NULL);
    }
    e = seal_sign(v->keys->sign_key->data, "firn run", &v->keys->vault, body,
        RUN_HEAD - SEAL_SIGNATURE, body + RUN_HEAD - SEAL_SIGNATURE);
    assert(e == NULL);
}

static void
ask(struct vault *v, const uint8_t *some, size_t len)
{
    auto_ptr(index) x = NULL;
    struct err *e = index_open(v->store, v->keys, 0, NULL, NULL, &x);

    assert(e == NULL);
    for (unsigned i = 0; i < 8; i++) {
        struct vault_id id = { { 0 } };
        struct index_home home;
        bool found = false;
        size_t at = i * 40;

        if (at + 32 <= len)
            memcpy(id.b, some + at, 32);
        err_free(index_find(x, &id, i % 3, &home, &found));
        err_free(index_has(x, &id, &home, &found));
    }
    for (uint32_t r = 0; r < index_nruns(x); r++) {
        struct vault_id id;
        struct index_home home;

        err_free(index_entry(x, r, (uint32_t)index_entries(x, r) - 1, &id, &home));
    }
}

static struct err *
told(void *arg, const char *run, bool mended, struct err *why)
{
    (void)arg;
    (void)run;
    (void)mended;
    err_free(why);
    return NULL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vault *v = vault_for_fuzz();
    uint8_t *object = NULL, hash[32];
    uint64_t objects = 0, bytes = 0;
    char name[KEYS_NAME_MAX];
    size_t len = 0;
    bool fresh;

    if (size < RUN_HEAD || size > MOST)
        return 0;
    uint8_t *body = malloc(size);
    assert(body != NULL);
    memcpy(body, data, size);
    make_right(v, body, size);
    struct err *e = armour_wrap(KIND_RUN, &v->keys->vault, body, size, &object, &len);
    assert(e == NULL);
    e = seal_sha256(object, len, hash);
    assert(e == NULL);
    keys_hash_name("runs/", hash, name);
    e = store_put(v->store, name, object, len, &fresh);
    assert(e == NULL);
    ask(v, data + size - (size < 400 ? size : 400), size < 400 ? size : 400);
    e = index_check(v->store, v->keys, false, told, NULL, &objects, &bytes);
    assert(e == NULL);
    fuzz_drop(v, name);
    free(object);
    free(body);
    return 0;
}
