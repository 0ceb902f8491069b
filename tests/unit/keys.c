/* SPDX-License-Identifier: Apache-2.0 */
/* Making and opening a vault, and its header: as an honest owner makes it, as bad disks leave
 * it, and as somebody who may write to the store forges it. */
#include "check.h"

#include <sodium.h>

#include "armour_parity.h"
#include "keys_fixture.h"

static void
what_was_made_opens(void **state)
{
    struct fixture *f = *state;
    auto_ptr(keys) k = NULL;
    auto_ptr(cert) c = NULL;
    const char *why;

    assert_ok(open_pass(f, f->pass, &k));
    same_keys(f->keys, k);
    assert_string_equal(k->label, "töst");
    assert_int_equal(k->block_len, 65536);
    assert_int_equal(k->can, VAULT_CAN_OWN | VAULT_CAN_READ | VAULT_CAN_WRITE);
    assert_ok(keys_cert(f->store, k, k->cert->hash, &c, &why));
    assert_non_null(c);
    assert_true(c->owner);
    assert_int_equal(c->role, ROLE_WRITER);
    assert_true(cert_allows(c, "any machine"));
    assert_memory_equal(c->public_key, k->sign_key->data + 32, 32);
    assert_memory_equal(&c->writer, &k->cert->writer, sizeof c->writer);
    assert_true(c->created_ns == k->created_ns);
}

static void
two_vaults_share_no_secret(void **state)
{
    struct fixture *f = *state;
    struct vault_params p = { .kdf_mib = KDF_MIB, .block_len = 131072, .trust_group = true };
    auto_ptr(store) other = NULL;
    auto_ptr(keys) k = NULL;

    assert_ok(store_mem_new(&other));
    assert_ok(keys_create(other, &p, f->pass, &k));
    assert_int_equal(k->block_len, 131072);
    assert_true(k->trust_group);
    assert_memory_not_equal(k->id_key->data, f->keys->id_key->data, 32);
    assert_memory_not_equal(k->root_pub, f->keys->root_pub, 32);
    assert_memory_not_equal(k->map_key->data, f->keys->map_key->data, 32);
}

static void
derived_keys_differ(void **state)
{
    struct fixture *f = *state;
    const struct secret *all[] = { f->keys->root_seed, f->keys->data_secret, f->keys->id_key,
        f->keys->index_key, f->keys->map_root, f->keys->map_key };

    for (size_t i = 0; i < 6; i++)
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(all[i]->data, all[j]->data, 32);
}

static void
no_vault_is_missing(void **state)
{
    struct fixture *f = *state;
    auto_ptr(store) empty = NULL;
    auto_ptr(keys) k = NULL;

    assert_ok(store_mem_new(&empty));
    assert_fails(keys_open(empty, &(struct vault_unlock){ .passphrase = f->pass }, &k),
        E_VaultMissing);
    assert_null(k);
}

static void
making_is_refused_where_something_is(void **state)
{
    struct fixture *f = *state;
    struct vault_params p = { .kdf_mib = KDF_MIB };
    auto_ptr(keys) k = NULL;

    assert_fails(keys_create(f->store, &p, f->pass, &k), E_VaultExists);
    drop(f->store, HEADER_NAME);
    assert_fails(keys_create(f->store, &p, f->pass, &k), E_VaultRemains);
    drop(f->store, HEADER_COPY);
    assert_fails(keys_create(f->store, &p, f->pass, &k), E_VaultRemains);

    auto_ptr(store) other = NULL;
    assert_ok(store_mem_new(&other));
    set(other, "packs/ab/abcd", "x", 1);
    assert_fails(keys_create(other, &p, f->pass, &k), E_VaultRemains);
    assert_false(is_there(other, HEADER_COPY));
}

static void
parameters_that_cannot_be_are_refused(void **state)
{
    struct fixture *f = *state;
    char lengthy[VAULT_NAME_MAX + 2];
    memset(lengthy, 'a', sizeof lengthy - 1);
    lengthy[sizeof lengthy - 1] = '\0';
    const struct vault_params bad[] = {
        { .kdf_mib = KDF_MIB, .block_len = 8192 },
        { .kdf_mib = KDF_MIB, .block_len = 49152 },
        { .kdf_mib = KDF_MIB, .block_len = 262144 },
        { .kdf_mib = 7 },
        { .kdf_mib = 4097 },
        { .kdf_mib = KDF_MIB, .label = lengthy },
        { .kdf_mib = KDF_MIB, .label = "\xff" },
    };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        auto_ptr(store) s = NULL;
        auto_ptr(keys) k = NULL;

        assert_ok(store_mem_new(&s));
        assert_fails(keys_create(s, &bad[i], f->pass, &k), E_UsageWrong);
        assert_fails(keys_open(s, &(struct vault_unlock){ .passphrase = f->pass }, &k),
            E_VaultMissing);
    }
}

static void
a_wrong_passphrase_is_told(void **state)
{
    static const char *const wrong[] = { "correct hors", "correct horse ", "Correct horse",
        "x" };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        auto_ptr(secret) pass = secret_of(wrong[i]);
        auto_ptr(keys) k = NULL;

        assert_fails(open_pass(f, pass, &k), E_VaultKeyWrong);
        assert_null(k);
    }
}

/* A store that writes down what was asked of it, so that order can be seen. */
struct recorder {
    struct store base;
    struct store *inner;
    char log[2048];
};

static void
record(struct store *s, const char *what, const char *name)
{
    struct recorder *r = (struct recorder *)s;
    size_t len = strlen(r->log);
    const char *slash = strchr(name, '/');
    int n = slash != NULL ? (int)(slash - name) : (int)strlen(name);

    snprintf(r->log + len, sizeof r->log - len, "%s %.*s%s\n", what, n, name,
        strstr(name, ".copy") != NULL && slash != NULL ? ".copy" : "");
}

static struct err *
rec_put(struct store *s, const char *name, const struct store_piece *pieces, size_t n,
    bool *ret_new)
{
    record(s, "put", name);
    return store_put_pieces(((struct recorder *)s)->inner, name, pieces, n, ret_new);
}

static struct err *
rec_stat(struct store *s, const char *name, uint64_t *ret_len, bool *ret_found)
{
    return store_stat(((struct recorder *)s)->inner, name, ret_len, ret_found);
}

static struct err *
rec_list(struct store *s, const char *folder, store_list_fn *each, void *arg)
{
    return store_list(((struct recorder *)s)->inner, folder, each, arg);
}

static struct err *
rec_barrier(struct store *s, const char *const *folders, size_t n)
{
    assert_int_equal(n, 1);
    record(s, "barrier", folders[0]);
    return store_barrier(((struct recorder *)s)->inner, folders, n);
}

/* The header's name must not last before all that it promises does. */
static void
the_header_is_put_last(void **state)
{
    static const struct store_vtable calls = { .put = rec_put, .stat = rec_stat,
        .list = rec_list, .barrier = rec_barrier };
    struct fixture *f = *state;
    struct vault_params p = { .kdf_mib = KDF_MIB };
    auto_ptr(store) inner = NULL;
    auto_ptr(keys) k = NULL;
    struct recorder r = { .base.call = &calls };

    assert_ok(store_mem_new(&inner));
    r.inner = inner;
    assert_ok(keys_create(&r.base, &p, f->pass, &k));
    assert_string_equal(r.log,
        "put slots.copy\nput slots\nbarrier slots\n"
        "put certs\nbarrier certs\n"
        "put firn.vault.copy\nbarrier \n"
        "put firn.vault\nbarrier \n");
}

/* ---- the header ---- */

static void
any_byte_of_one_header_may_rot(void **state)
{
    struct fixture *f = *state;
    size_t len;
    auto_free uint8_t *whole = get(f->store, HEADER_NAME, &len);

    (void)add_key_file(f, "key");
    drop(f->store, HEADER_COPY);
    for (size_t i = 0; i < len; i++) {
        auto_ptr(keys) k = NULL;

        set(f->store, HEADER_NAME, whole, len);
        flip(f->store, HEADER_NAME, i);
        assert_ok(open_key(f, "key", &k));
        same_keys(f->keys, k);
    }
}

static void
the_second_header_stands_in(void **state)
{
    struct fixture *f = *state;

    (void)add_key_file(f, "key");
    for (int i = 0; i < 4; i++) {
        const char *name = i % 2 == 0 ? HEADER_NAME : HEADER_COPY;
        size_t len;
        auto_free uint8_t *whole = get(f->store, name, &len);
        auto_ptr(keys) k = NULL;

        if (i < 2)
            drop(f->store, name);
        else
            ruin(f->store, name);
        assert_ok(open_key(f, "key", &k));
        same_keys(f->keys, k);
        set(f->store, name, whole, len);
    }
}

static void
two_ruined_headers_are_told(void **state)
{
    struct fixture *f = *state;
    auto_ptr(keys) k = NULL;

    ruin(f->store, HEADER_NAME);
    ruin(f->store, HEADER_COPY);
    assert_fails(open_pass(f, f->pass, &k), E_VaultHeaderDamaged);
    drop(f->store, HEADER_NAME);
    assert_fails(open_pass(f, f->pass, &k), E_VaultHeaderDamaged);
    drop(f->store, HEADER_COPY);
    assert_fails(open_pass(f, f->pass, &k), E_VaultMissing);
}

/* Every byte of the body counts: whoever can write to the store cannot change one. */
static void
no_byte_of_the_header_can_be_forged(void **state)
{
    struct fixture *f = *state;
    auto_object o = object_of(f, HEADER_NAME, KIND_HEADER);

    (void)add_key_file(f, "key");
    for (size_t i = 0; i < o.body.len; i++) {
        uint8_t body[HEADER_BODY_MAX];
        auto_ptr(keys) k = NULL;

        memcpy(body, o.body.data, o.body.len);
        body[i] ^= 0x01;
        set_body(f->store, HEADER_NAME, KIND_HEADER, &f->keys->vault, body, o.body.len);
        /* the true copy is used instead */
        assert_ok(open_key(f, "key", &k));
        same_keys(f->keys, k);
        keys_free(take(k));
        set_body(f->store, HEADER_COPY, KIND_HEADER, &f->keys->vault, body, o.body.len);
        int code = code_of(open_key(f, "key", &k));
        assert_null(k);
        assert_int_equal(code, E_VaultHeaderDamaged);
        set(f->store, HEADER_COPY, o.raw, o.len);
    }
}

/* A header that the thief signed with a root key of his own. */
static void
another_root_is_not_believed(void **state)
{
    struct fixture *f = *state;
    uint8_t seed[32] = { 66 }, secret_key[64], body[HEADER_BODY_MAX];
    auto_object o = object_of(f, HEADER_NAME, KIND_HEADER);
    const char *const machines[] = { "web1" };
    struct header_body h;
    auto_ptr(keys) k = NULL;

    (void)add_key_file(f, "key");
    assert_ok(keys_export_writer(f->store, f->keys, at(f, "writer"), machines, 1));
    assert_true(header_decode(o.body, &h));
    crypto_sign_seed_keypair(h.root_pub, secret_key, seed);
    assert_ok(header_sign(&h, seed));
    size_t len = header_encode(&h, body);
    set_body(f->store, HEADER_NAME, KIND_HEADER, &f->keys->vault, body, len);
    set_body(f->store, HEADER_COPY, KIND_HEADER, &f->keys->vault, body, len);
    assert_fails(open_key(f, "key", &k), E_VaultHeaderDamaged);
    assert_fails(open_writer(f, "writer", &k), E_VaultHeaderDamaged);
    assert_fails(open_pass(f, f->pass, &k), E_VaultHeaderDamaged);
}

/* The right root's signature does not help a data key that is not the slot's. */
static void
another_data_key_is_not_believed(void **state)
{
    struct fixture *f = *state;
    auto_object o = object_of(f, HEADER_NAME, KIND_HEADER);
    const char *const machines[] = { "web1" };
    uint8_t body[HEADER_BODY_MAX];
    struct header_body h;
    auto_ptr(keys) k = NULL;

    (void)add_key_file(f, "key");
    assert_ok(keys_export_writer(f->store, f->keys, at(f, "writer"), machines, 1));
    assert_true(header_decode(o.body, &h));
    h.data_pub[5] ^= 1;
    assert_ok(header_sign(&h, f->keys->root_seed->data));
    size_t len = header_encode(&h, body);
    set_body(f->store, HEADER_NAME, KIND_HEADER, &f->keys->vault, body, len);
    set_body(f->store, HEADER_COPY, KIND_HEADER, &f->keys->vault, body, len);
    assert_fails(open_key(f, "key", &k), E_VaultHeaderDamaged);
    assert_fails(open_writer(f, "writer", &k), E_KeyFileWrong);
}

/* Set must-know features or a version in both heads, as a later firn would. */
static void
make_newer(struct store *s, const char *name, size_t at_byte)
{
    size_t len;
    auto_free uint8_t *data = get(s, name, &len);

    data[at_byte] = 2;
    put_le(data + 60, armour_crc(data, 60), 4);
    memcpy(data + len - ARMOUR_HEAD, data, ARMOUR_HEAD);
    assert_ok(store_replace(s, name, data, len));
}

static void
a_newer_format_is_told(void **state)
{
    static const size_t places[] = { 8 /* version */, 16, 19 /* must-know features */ };
    struct fixture *f = *state;
    size_t len;
    auto_free uint8_t *whole = get(f->store, HEADER_NAME, &len);

    for (size_t i = 0; i < 3; i++) {
        auto_ptr(keys) k = NULL;

        set(f->store, HEADER_NAME, whole, len);
        make_newer(f->store, HEADER_NAME, places[i]);
        assert_fails(open_pass(f, f->pass, &k), E_VaultFormatNewer);
    }
    /* also when only the copy says so and the first is gone */
    auto_ptr(keys) k = NULL;
    drop(f->store, HEADER_NAME);
    make_newer(f->store, HEADER_COPY, 16);
    assert_fails(open_pass(f, f->pass, &k), E_VaultFormatNewer);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        keys_test(what_was_made_opens),
        keys_test(two_vaults_share_no_secret),
        keys_test(derived_keys_differ),
        keys_test(no_vault_is_missing),
        keys_test(making_is_refused_where_something_is),
        keys_test(parameters_that_cannot_be_are_refused),
        keys_test(a_wrong_passphrase_is_told),
        keys_test(the_header_is_put_last),
        keys_test(any_byte_of_one_header_may_rot),
        keys_test(the_second_header_stands_in),
        keys_test(two_ruined_headers_are_told),
        keys_test(no_byte_of_the_header_can_be_forged),
        keys_test(another_root_is_not_believed),
        keys_test(another_data_key_is_not_believed),
        keys_test(a_newer_format_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
