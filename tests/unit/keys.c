/* SPDX-License-Identifier: Apache-2.0 */
/* Whom a vault believes: headers, slots, certificates and key files as an honest owner makes
 * them, as bad disks leave them, and as somebody who may write to the store forges them.
 * Forged objects wear correct armour: it is no secret. */
#include "check.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "armour_parity.h"
#include "keys_internal.h"

enum { KDF_MIB = 8 };

struct fixture {
    struct store *store;
    struct keys *keys;
    struct secret *pass;
    char dir[64];
    char path[160]; /* in dir, made by at() */
};

/* ---- help ---- */

static struct secret *
secret_of(const char *text)
{
    struct secret *s = NULL;

    assert_ok(secret_copy(text, strlen(text), &s));
    return s;
}

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct vault_params p = { .kdf_mib = KDF_MIB, .label = "töst" };

    assert_non_null(f);
    snprintf(f->dir, sizeof f->dir, "/tmp/firn-keys-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    assert_ok(store_mem_new(&f->store));
    f->pass = secret_of("correct horse");
    assert_ok(keys_create(f->store, &p, f->pass, &f->keys));
    *state = f;
    return 0;
}

static const char *
at(struct fixture *f, const char *name)
{
    snprintf(f->path, sizeof f->path, "%s/%s", f->dir, name);
    return f->path;
}

static int
teardown(void **state)
{
    static const char *const names[] = { "key", "key2", "writer", "writer2", "other" };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        (void)unlink(at(f, names[i]));
    assert_int_equal(rmdir(f->dir), 0);
    keys_free(f->keys);
    store_free(f->store);
    secret_free(f->pass);
    free(f);
    return 0;
}

static struct err *must_use
open_pass(struct fixture *f, const struct secret *pass, struct keys **ret)
{
    return keys_open(f->store, &(struct vault_unlock){ .passphrase = pass }, ret);
}

static struct err *must_use
open_key(struct fixture *f, const char *name, struct keys **ret)
{
    return keys_open(f->store, &(struct vault_unlock){ .key_file = at(f, name) }, ret);
}

static struct err *must_use
open_writer(struct fixture *f, const char *name, struct keys **ret)
{
    return keys_open(f->store, &(struct vault_unlock){ .writer_file = at(f, name) }, ret);
}

/* What may be asked of something that must not open. */
static int
code_of(struct err *e)
{
    int code = err_code(e);

    err_free(e);
    return code;
}

static uint8_t *
get(struct store *s, const char *name, size_t *ret_len)
{
    uint8_t *data = NULL;
    bool found = false;

    assert_ok(store_get_all(s, name, 1 << 20, &data, ret_len, &found));
    assert_true(found);
    return data;
}

static bool
is_there(struct store *s, const char *name)
{
    uint64_t len;
    bool found;

    assert_ok(store_stat(s, name, &len, &found));
    return found;
}

static void
set(struct store *s, const char *name, const void *data, size_t len)
{
    bool is_new;

    if (is_there(s, name))
        assert_ok(store_replace(s, name, data, len));
    else
        assert_ok(store_put(s, name, data, len, &is_new));
}

static void
drop(struct store *s, const char *name)
{
    bool found;

    assert_ok(store_remove(s, name, &found));
    assert_true(found);
}

static void
set_body(struct store *s, const char *name, enum armour_kind kind,
    const struct vault_key *vault, const void *body, size_t len)
{
    auto_free uint8_t *object = NULL;
    size_t total;

    assert_ok(armour_wrap(kind, vault, body, len, &object, &total));
    set(s, name, object, total);
}

static void
flip(struct store *s, const char *name, size_t at_byte)
{
    size_t len;
    auto_free uint8_t *data = get(s, name, &len);

    assert_true(at_byte < len);
    data[at_byte] ^= 0x40;
    assert_ok(store_replace(s, name, data, len));
}

/* More than parity gives back. */
static void
ruin(struct store *s, const char *name)
{
    size_t len;
    auto_free uint8_t *data = get(s, name, &len);

    memset(data, 0xee, len);
    assert_ok(store_replace(s, name, data, len));
}

static struct object
object_of(struct fixture *f, const char *name, enum armour_kind kind)
{
    struct object o = { 0 };
    bool found = false;

    assert_ok(object_read(f->store, name, kind, NULL, 1 << 18, &o, &found));
    assert_true(found);
    return o;
}

static struct vault_key
only_slot(struct fixture *f)
{
    auto_slot_ids l = { 0 };

    assert_ok(slot_ids_list(f->store, &l));
    assert_int_equal(l.n, 1);
    return l.ids[0];
}

static struct vault_key
add_key_file(struct fixture *f, const char *name)
{
    struct vault_key id;

    assert_ok(keys_slot_add(f->store, f->keys, NULL, at(f, name), 0, "stick", &id));
    return id;
}

static void
same_secret(const struct secret *a, const struct secret *b)
{
    assert_int_equal(a == NULL, b == NULL);
    if (a == NULL)
        return;
    assert_int_equal(a->len, b->len);
    assert_memory_equal(a->data, b->data, a->len);
}

static void
same_keys(const struct keys *a, const struct keys *b)
{
    assert_memory_equal(&a->vault, &b->vault, sizeof a->vault);
    assert_int_equal(a->block_len, b->block_len);
    assert_int_equal(a->trust_group, b->trust_group);
    assert_int_equal(a->id_epoch, b->id_epoch);
    assert_true(a->created_ns == b->created_ns);
    assert_string_equal(a->label, b->label);
    assert_memory_equal(a->root_pub, b->root_pub, 32);
    assert_memory_equal(a->data_pub, b->data_pub, 32);
    assert_int_equal(a->can, b->can);
    same_secret(a->root_seed, b->root_seed);
    same_secret(a->data_secret, b->data_secret);
    same_secret(a->sign_key, b->sign_key);
    same_secret(a->id_key, b->id_key);
    same_secret(a->index_key, b->index_key);
    same_secret(a->map_root, b->map_root);
    same_secret(a->map_key, b->map_key);
    assert_memory_equal(a->cert->hash, b->cert->hash, 32);
}

/* ---- making and opening ---- */

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
    static const char *const wrong[] = { "correct hors", "correct horse ", "Correct horse", "x" };
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

/* ---- slots ---- */

static void
slots_are_added_and_removed(void **state)
{
    struct fixture *f = *state;
    struct vault_key first = only_slot(f), second, file;
    auto_ptr(secret) other = secret_of("battery staple");
    auto_free struct vault_slot *slots = NULL;
    auto_ptr(keys) k = NULL;
    size_t n;

    assert_fails(keys_slot_remove(f->store, f->keys, &first), E_KeySlotLast);
    assert_ok(keys_slot_add(f->store, f->keys, other, NULL, KDF_MIB, "spare", &second));
    file = add_key_file(f, "key");
    assert_ok(keys_slots(f->store, f->keys, &slots, &n));
    assert_int_equal(n, 3);
    for (size_t i = 0; i < n; i++) {
        bool is_file = memcmp(&slots[i].id, &file, sizeof file) == 0;
        bool is_second = memcmp(&slots[i].id, &second, sizeof second) == 0;

        assert_int_equal(slots[i].is_passphrase, !is_file);
        assert_true(slots[i].has_root && slots[i].has_data);
        assert_string_equal(slots[i].label, is_file ? "stick" : is_second ? "spare" : "");
        assert_true(slots[i].created_ns > 0);
    }
    assert_ok(open_pass(f, other, &k));
    same_keys(f->keys, k);
    keys_free(take(k));
    assert_ok(open_pass(f, f->pass, &k));
    same_keys(f->keys, k);
}

static void
a_removed_slot_does_not_open(void **state)
{
    struct fixture *f = *state;
    struct vault_key first = only_slot(f), second, file;
    auto_ptr(secret) other = secret_of("battery staple");
    auto_ptr(keys) k = NULL;

    assert_ok(keys_slot_add(f->store, f->keys, other, NULL, KDF_MIB, NULL, &second));
    assert_ok(keys_slot_remove(f->store, f->keys, &first));
    assert_fails(keys_slot_remove(f->store, f->keys, &first), E_KeySlotMissing);
    assert_fails(open_pass(f, f->pass, &k), E_VaultKeyWrong);
    assert_ok(open_pass(f, other, &k));
    keys_free(take(k));
    assert_fails(keys_slot_remove(f->store, f->keys, &second), E_KeySlotLast);

    file = add_key_file(f, "key");
    assert_ok(keys_slot_remove(f->store, f->keys, &second));
    assert_fails(open_pass(f, other, &k), E_KeySlotsLost);
    assert_ok(open_key(f, "key", &k));
    same_keys(f->keys, k);
    keys_free(take(k));
    assert_fails(keys_slot_remove(f->store, f->keys, &file), E_KeySlotLast);
    assert_ok(keys_slot_add(f->store, f->keys, other, NULL, KDF_MIB, NULL, &second));
    assert_ok(keys_slot_remove(f->store, f->keys, &file));
    assert_fails(open_key(f, "key", &k), E_KeySlotMissing);
}

static void
labels_have_limits(void **state)
{
    struct fixture *f = *state;
    char lengthy[VAULT_NAME_MAX + 2];
    struct vault_key id;

    memset(lengthy, 'a', sizeof lengthy - 1);
    lengthy[sizeof lengthy - 1] = '\0';
    assert_fails(keys_slot_add(f->store, f->keys, f->pass, NULL, KDF_MIB, lengthy, &id),
        E_UsageWrong);
    assert_fails(keys_slot_add(f->store, f->keys, NULL, at(f, "key"), 0, "\xc0\x80", &id),
        E_UsageWrong);
    assert_fails(keys_slot_add(f->store, f->keys, f->pass, NULL, 3, "x", &id), E_UsageWrong);
    assert_int_equal(access(at(f, "key"), F_OK), -1);
    lengthy[VAULT_NAME_MAX] = '\0';
    assert_ok(keys_slot_add(f->store, f->keys, f->pass, NULL, KDF_MIB, lengthy, &id));
}

static void
a_slot_stands_twice(void **state)
{
    struct fixture *f = *state;
    struct vault_key id = add_key_file(f, "key");
    char name[KEYS_NAME_MAX], copy[KEYS_NAME_MAX];
    auto_ptr(keys) k = NULL;
    size_t len;

    slot_name(&id, false, name);
    slot_name(&id, true, copy);
    auto_free uint8_t *whole = get(f->store, name, &len);
    drop(f->store, name);
    assert_ok(open_key(f, "key", &k));
    keys_free(take(k));
    ruin(f->store, copy);
    assert_fails(open_key(f, "key", &k), E_KeySlotsLost);
    set(f->store, name, whole, len);
    assert_ok(open_key(f, "key", &k));
    keys_free(take(k));
    drop(f->store, copy);
    for (size_t i = 0; i < len; i++) {
        flip(f->store, name, i);
        assert_ok(open_key(f, "key", &k));
        keys_free(take(k));
        set(f->store, name, whole, len);
    }
    ruin(f->store, name);
    assert_fails(open_key(f, "key", &k), E_KeySlotsLost);
}

/* Whatever byte of a slot is changed, it gives nothing; its length as well. */
static void
no_byte_of_a_slot_can_be_forged(void **state)
{
    struct fixture *f = *state;
    struct vault_key id = add_key_file(f, "key");
    char name[KEYS_NAME_MAX], copy[KEYS_NAME_MAX];

    slot_name(&id, false, name);
    slot_name(&id, true, copy);
    auto_object o = object_of(f, name, KIND_SLOT);
    drop(f->store, copy);
    for (size_t i = 0; i <= o.body.len; i++) {
        uint8_t body[SLOT_BODY_MAX + 1];
        auto_ptr(keys) k = NULL;

        memcpy(body, o.body.data, o.body.len);
        body[o.body.len] = 0;
        body[i] ^= 0x01;
        set_body(f->store, name, KIND_SLOT, &f->keys->vault, body,
            o.body.len + (i == o.body.len));
        int code = code_of(open_key(f, "key", &k));
        assert_null(k);
        assert_true(code == E_KeySlotsLost || code == E_KeyFileWrong);
    }
    set_body(f->store, name, KIND_SLOT, &f->keys->vault, o.body.data, o.body.len);
    auto_ptr(keys) k = NULL;
    assert_ok(open_key(f, "key", &k));
}

static struct slot_body
slot_of(struct fixture *f, const struct vault_key *id)
{
    struct slot_copies copies;

    assert_ok(slot_read(f->store, &f->keys->vault, id, &copies));
    assert_int_equal(copies.n, 1);
    return copies.s[0];
}

static void
set_slot(struct fixture *f, const struct slot_body *slot)
{
    uint8_t body[SLOT_BODY_MAX];
    size_t len = slot_encode(slot, body);
    char name[KEYS_NAME_MAX];

    for (int copy = 0; copy < 2; copy++) {
        slot_name(&slot->id, copy == 1, name);
        set_body(f->store, name, KIND_SLOT, &f->keys->vault, body, len);
    }
}

/* Parameters of Argon2id are limited before they are used: the test would take hours. */
static void
dear_slots_are_not_tried(void **state)
{
    static const struct {
        uint32_t passes, kib;
    } bad[] = { { 65, 8192 }, { UINT32_MAX, 8192 }, { 0, 8192 }, { 6, UINT32_MAX },
        { 6, 4 * 1024 * 1024 + 1 }, { 6, 8191 }, { 6, 0 } };
    struct fixture *f = *state;
    struct vault_key id = only_slot(f);

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct slot_body slot = slot_of(f, &id), changed = slot;
        auto_ptr(keys) k = NULL;

        changed.passes = bad[i].passes;
        changed.kib = bad[i].kib;
        set_slot(f, &changed);
        assert_fails(open_pass(f, f->pass, &k), E_KeySlotsLost);
        set_slot(f, &slot);
    }
}

static void
weakened_parameters_do_not_open(void **state)
{
    struct fixture *f = *state;
    struct vault_key id = only_slot(f);
    struct slot_body slot = slot_of(f, &id);
    auto_ptr(keys) k = NULL;

    slot.passes = 1;
    set_slot(f, &slot);
    assert_fails(open_pass(f, f->pass, &k), E_VaultKeyWrong);
}

/* A slot of a vault whose passphrase the thief knows, put in place of ours. */
static void
a_slot_of_another_vault_is_refused(void **state)
{
    struct fixture *f = *state;
    struct vault_params p = { .kdf_mib = KDF_MIB };
    auto_ptr(secret) thiefs = secret_of("thief");
    auto_ptr(store) other = NULL;
    auto_ptr(keys) theirs = NULL;
    auto_ptr(keys) k = NULL;
    auto_slot_ids l = { 0 };
    struct vault_key id = only_slot(f);
    struct slot_copies copies;
    char name[KEYS_NAME_MAX];

    assert_ok(store_mem_new(&other));
    assert_ok(keys_create(other, &p, thiefs, &theirs));
    assert_ok(slot_ids_list(other, &l));
    slot_name(&l.ids[0], false, name);
    size_t len;
    auto_free uint8_t *whole = get(other, name, &len);
    /* under its own name: another vault's, no concern of ours */
    set(f->store, name, whole, len);
    assert_ok(open_pass(f, f->pass, &k));
    keys_free(take(k));
    assert_fails(open_pass(f, thiefs, &k), E_VaultKeyWrong);
    /* under our slot's name */
    for (int copy = 0; copy < 2; copy++) {
        slot_name(&id, copy == 1, name);
        set(f->store, name, whole, len);
    }
    assert_fails(open_pass(f, thiefs, &k), E_KeySlotsLost);
    /* with the armour and the id of ours */
    assert_ok(slot_read(other, &theirs->vault, &l.ids[0], &copies));
    set_slot(f, &copies.s[0]);
    assert_fails(open_pass(f, thiefs, &k), E_VaultKeyWrong);
    copies.s[0].id = id;
    set_slot(f, &copies.s[0]);
    assert_fails(open_pass(f, thiefs, &k), E_VaultKeyWrong);
    /* even when it is sealed to our vault's id: it holds another root */
    auto_ptr(keys) mixed = NULL;
    assert_ok(keys_open(other, &(struct vault_unlock){ .passphrase = thiefs }, &mixed));
    mixed->vault = f->keys->vault;
    struct slot_body slot;
    assert_ok(slot_for_passphrase(mixed, thiefs, 8192, NULL, &slot));
    set_slot(f, &slot);
    assert_fails(open_pass(f, thiefs, &k), E_VaultHeaderDamaged);
}

/* Slots may hold one of the two secrets; the reader's still knows whom to believe. */
static void
slots_may_hold_one_secret(void **state)
{
    struct fixture *f = *state;
    uint8_t key[32] = { 5 }, secrets[SLOT_SECRETS] = { 0 };
    struct vault_key id = add_key_file(f, "key");
    struct slot_body slot = slot_of(f, &id);
    auto_ptr(secret) file = NULL;
    struct key_file_body kf;
    struct vault_key vault;
    struct view body;
    auto_ptr(keys) k = NULL;

    assert_ok(keyfile_read(at(f, "key"), KIND_KEY_FILE, KEY_FILE_BODY, &file, &body, &vault));
    assert_true(key_file_decode(body, &kf));
    memcpy(key, kf.key, 32);

    slot.holds = SLOT_ROOT;
    memcpy(secrets, f->keys->root_seed->data, 32);
    assert_ok(slot_seal(&slot, &f->keys->vault, key, secrets));
    set_slot(f, &slot);
    assert_ok(open_key(f, "key", &k));
    assert_int_equal(k->can, VAULT_CAN_OWN);
    assert_true(k->data_secret == NULL && k->id_key == NULL && k->cert == NULL);
    keys_free(take(k));

    slot.holds = SLOT_DATA;
    memcpy(secrets, f->keys->root_pub, 32);
    memcpy(secrets + 32, f->keys->data_secret->data, 32);
    assert_ok(slot_seal(&slot, &f->keys->vault, key, secrets));
    set_slot(f, &slot);
    assert_ok(open_key(f, "key", &k));
    assert_int_equal(k->can, VAULT_CAN_READ);
    same_secret(k->id_key, f->keys->id_key);
    same_secret(k->map_root, f->keys->map_root);
    assert_true(k->root_seed == NULL && k->sign_key == NULL);
    assert_fails(keys_slot_remove(f->store, k, &id), E_KeyNotOwner);
    keys_free(take(k));
    /* the passphrase's slot is the only one with the root key */
    auto_slot_ids l = { 0 };
    assert_ok(slot_ids_list(f->store, &l));
    for (size_t i = 0; i < l.n; i++)
        if (memcmp(&l.ids[i], &id, sizeof id) != 0)
            assert_fails(keys_slot_remove(f->store, f->keys, &l.ids[i]), E_KeySlotLast);

    secrets[0] ^= 1;
    assert_ok(slot_seal(&slot, &f->keys->vault, key, secrets));
    set_slot(f, &slot);
    assert_fails(open_key(f, "key", &k), E_VaultHeaderDamaged);
}

#if defined(__SANITIZE_ADDRESS__)
#define HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ASAN 1
#endif
#endif

/* A slot that needs more memory than there is says so, and not that the passphrase is wrong. */
static void
too_little_memory_is_told(void **state)
{
#ifdef HAS_ASAN
    (void)state;
    skip(); /* address space cannot be limited under it */
#else
    struct fixture *f = *state;
    struct vault_key id = only_slot(f);
    struct slot_body slot = slot_of(f, &id);
    struct rlimit old, low;
    auto_ptr(keys) k = NULL;

    slot.kib = KDF_KIB_MAX;
    set_slot(f, &slot);
    assert_int_equal(getrlimit(RLIMIT_AS, &old), 0);
    low = old;
    low.rlim_cur = (rlim_t)1 << 31;
    assert_int_equal(setrlimit(RLIMIT_AS, &low), 0);
    struct err *e = open_pass(f, f->pass, &k);
    assert_int_equal(setrlimit(RLIMIT_AS, &old), 0);
    assert_fails(e, E_KeyMemoryShort);
#endif
}

/* ---- key files ---- */

static void
key_files_are_private_and_never_overwritten(void **state)
{
    static const char *const machines[] = { "web1" };
    struct fixture *f = *state;
    struct vault_key id;
    struct stat st;

    umask(0);
    (void)add_key_file(f, "key");
    assert_int_equal(stat(at(f, "key"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_ok(keys_export_writer(f->store, f->keys, at(f, "writer"), machines, 1));
    assert_int_equal(stat(at(f, "writer"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    umask(022);

    assert_fails(keys_slot_add(f->store, f->keys, NULL, at(f, "key"), 0, NULL, &id),
        E_KeyFileExists);
    assert_fails(keys_export_writer(f->store, f->keys, at(f, "key"), machines, 1),
        E_KeyFileExists);
    assert_fails(keys_slot_add(f->store, f->keys, NULL, at(f, "none/key"), 0, NULL, &id),
        E_FileUnwritable);
    auto_ptr(keys) k = NULL;
    assert_ok(open_key(f, "key", &k));
}

static void
file_flip(const char *path, off_t off)
{
    int fd = open(path, O_RDWR);
    uint8_t byte;

    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, off), 1);
    byte ^= 0x80;
    assert_int_equal(pwrite(fd, &byte, 1, off), 1);
    close(fd);
}

static void
key_files_mend_or_are_told(void **state)
{
    struct fixture *f = *state;
    auto_ptr(keys) k = NULL;
    struct stat st;

    (void)add_key_file(f, "key");
    assert_fails(open_key(f, "key2", &k), E_FileUnreadable);
    assert_int_equal(stat(at(f, "key"), &st), 0);
    for (off_t off = 0; off < st.st_size; off += 7) {
        file_flip(at(f, "key"), off);
        assert_ok(open_key(f, "key", &k));
        keys_free(take(k));
        file_flip(at(f, "key"), off);
    }
    assert_fails(open_writer(f, "key", &k), E_KeyFileWrong);
    assert_int_equal(truncate(at(f, "key"), 64), 0);
    assert_fails(open_key(f, "key", &k), E_KeyFileDamaged);
    assert_int_equal(truncate(at(f, "key"), 0), 0);
    assert_fails(open_key(f, "key", &k), E_KeyFileDamaged);
    assert_int_equal(truncate(at(f, "key"), 1 << 20), 0);
    assert_fails(open_key(f, "key", &k), E_KeyFileDamaged);
}

static void
key_files_of_another_vault_are_told(void **state)
{
    static const char *const machines[] = { "web1" };
    struct fixture *f = *state;
    struct vault_params p = { .kdf_mib = KDF_MIB };
    auto_ptr(store) other = NULL;
    auto_ptr(keys) theirs = NULL;
    auto_ptr(keys) k = NULL;
    struct vault_key id;

    assert_ok(store_mem_new(&other));
    assert_ok(keys_create(other, &p, f->pass, &theirs));
    assert_ok(keys_slot_add(other, theirs, NULL, at(f, "key"), 0, NULL, &id));
    assert_ok(keys_export_writer(other, theirs, at(f, "writer"), machines, 1));
    assert_fails(open_key(f, "key", &k), E_KeyFileWrong);
    assert_fails(open_writer(f, "writer", &k), E_KeyFileWrong);
}

/* ---- writers ---- */

static void
a_writer_can_only_write(void **state)
{
    static const char *const machines[] = { "web1", "düb" };
    struct fixture *f = *state;
    struct vault_key id = only_slot(f);
    uint8_t key[32];
    auto_ptr(keys) k = NULL;
    auto_ptr(cert) c = NULL;
    const char *why;
    bool have;

    assert_ok(keys_export_writer(f->store, f->keys, at(f, "writer"), machines, 2));
    assert_ok(open_writer(f, "writer", &k));
    assert_int_equal(k->can, VAULT_CAN_WRITE);
    assert_true(k->root_seed == NULL && k->data_secret == NULL && k->map_root == NULL);
    same_secret(k->id_key, f->keys->id_key);
    same_secret(k->index_key, f->keys->index_key);
    assert_memory_not_equal(k->sign_key->data, f->keys->sign_key->data, 64);
    assert_ok(keys_cert(f->store, k, k->cert->hash, &c, &why));
    assert_non_null(c);
    assert_false(c->owner);
    assert_true(cert_allows(c, "web1") && cert_allows(c, "düb"));
    assert_false(cert_allows(c, "web2") || cert_allows(c, "web") || cert_allows(c, "*"));
    assert_memory_equal(c->public_key, k->sign_key->data + 32, 32);

    /* its own maps, which the owner reads too, and nobody else's */
    assert_ok(keys_map_key(k, &k->cert->writer, key, &have));
    assert_true(have);
    assert_memory_equal(key, k->map_key->data, 32);
    assert_ok(keys_map_key(f->keys, &k->cert->writer, key, &have));
    assert_true(have);
    assert_memory_equal(key, k->map_key->data, 32);
    assert_ok(keys_map_key(k, &f->keys->cert->writer, key, &have));
    assert_false(have);

    assert_fails(keys_slot_add(f->store, k, f->pass, NULL, KDF_MIB, NULL, &id),
        E_KeyNotOwner);
    assert_fails(keys_slot_remove(f->store, k, &id), E_KeyNotOwner);
    assert_fails(keys_export_writer(f->store, k, at(f, "writer2"), machines, 1),
        E_KeyNotOwner);
    assert_fails(keys_revoke(f->store, k, &(struct keys_revoked){ .writer = k->cert->writer }),
        E_KeyNotOwner);
    assert_int_equal(access(at(f, "writer2"), F_OK), -1);
}

/* A writer for every machine is still no owner: it may not stand for a collector. */
static void
a_writer_for_all_machines_is_no_owner(void **state)
{
    static const char *const machines[] = { "*" };
    struct fixture *f = *state;
    auto_ptr(keys) k = NULL;

    assert_ok(keys_export_writer(f->store, f->keys, at(f, "writer"), machines, 1));
    assert_ok(open_writer(f, "writer", &k));
    assert_false(k->cert->owner);
    assert_true(cert_allows(k->cert, "anything"));
}

static void
many_machines_fit(void **state)
{
    struct fixture *f = *state;
    char (*names)[VAULT_NAME_MAX + 1] = calloc(MACHINES_MAX + 1, sizeof *names);
    const char **machines = calloc(MACHINES_MAX + 1, sizeof *machines);
    auto_ptr(keys) k = NULL;

    assert_true(names != NULL && machines != NULL);
    for (size_t i = 0; i <= MACHINES_MAX; i++) {
        memset(names[i], 'm', VAULT_NAME_MAX);
        snprintf(names[i], 8, "%06zu", i);
        names[i][6] = '-';
        machines[i] = names[i];
    }
    assert_fails(keys_export_writer(f->store, f->keys, at(f, "writer"), machines,
        MACHINES_MAX + 1), E_UsageWrong);
    assert_fails(keys_export_writer(f->store, f->keys, at(f, "writer"), machines, 0),
        E_UsageWrong);
    assert_fails(keys_export_writer(f->store, f->keys, at(f, "writer"),
        (const char *const[]){ "" }, 1), E_UsageWrong);
    assert_ok(keys_export_writer(f->store, f->keys, at(f, "writer"), machines, MACHINES_MAX));
    assert_ok(open_writer(f, "writer", &k));
    assert_int_equal(k->cert->nmachines, MACHINES_MAX);
    assert_true(cert_allows(k->cert, names[MACHINES_MAX - 1]));
    assert_false(cert_allows(k->cert, names[MACHINES_MAX]));
    free(machines);
    free(names);
}

static void
revoked_writers_are_refused(void **state)
{
    static const char *const machines[] = { "web1" };
    struct fixture *f = *state;
    auto_free struct keys_revoked *all = NULL;
    auto_ptr(keys) k = NULL;
    struct keys_revoked r = { .last = { { 7 } }, .last_seq = 12 };
    size_t n;

    assert_ok(keys_export_writer(f->store, f->keys, at(f, "writer"), machines, 1));
    assert_ok(keys_export_writer(f->store, f->keys, at(f, "writer2"), machines, 1));
    assert_ok(open_writer(f, "writer", &k));
    r.writer = k->cert->writer;
    keys_free(take(k));
    assert_ok(keys_revoke(f->store, f->keys, &r));
    assert_ok(keys_revocations(f->store, f->keys, &all, &n));
    assert_int_equal(n, 1);
    assert_memory_equal(&all[0], &r, sizeof r);
    assert_fails(open_writer(f, "writer", &k), E_KeyRevoked);
    assert_ok(open_writer(f, "writer2", &k));
}

/* Anyone who may put objects may put these; none may lock a writer out. */
static void
forged_revocations_do_not_count(void **state)
{
    static const char *const machines[] = { "web1" };
    struct fixture *f = *state;
    auto_free struct keys_revoked *all = NULL;
    auto_free uint8_t *object = NULL;
    uint8_t body[REVOKED_BODY], hash[32], seed[32] = { 4 };
    struct revoked_body v = { .last_seq = 0 };
    auto_ptr(keys) k = NULL;
    char name[KEYS_NAME_MAX];
    size_t n, len;

    assert_ok(keys_export_writer(f->store, f->keys, at(f, "writer"), machines, 1));
    assert_ok(open_writer(f, "writer", &k));
    v.writer = k->cert->writer;
    keys_free(take(k));
    revoked_encode(&v, body);
    assert_ok(keys_root_sign(seed, "firn revocation", &f->keys->vault, body,
        REVOKED_BODY - SEAL_SIGNATURE, v.signature));
    revoked_encode(&v, body);
    assert_ok(armour_wrap(KIND_REVOKED, &f->keys->vault, body, sizeof body, &object, &len));
    assert_ok(seal_sha256(object, len, hash));
    keys_hash_name("revoked/", hash, name);
    set(f->store, name, object, len);
    set(f->store, "revoked/junk", "junk", 4);
    /* a true one under a false name */
    assert_ok(keys_root_sign(f->keys->root_seed->data, "firn revocation", &f->keys->vault,
        body, REVOKED_BODY - SEAL_SIGNATURE, v.signature));
    revoked_encode(&v, body);
    hash[0] ^= 1;
    keys_hash_name("revoked/", hash, name);
    set_body(f->store, name, KIND_REVOKED, &f->keys->vault, body, sizeof body);
    assert_ok(keys_revocations(f->store, f->keys, &all, &n));
    assert_int_equal(n, 0);
    assert_ok(open_writer(f, "writer", &k));
}

static void
forged_certificates_are_not_believed(void **state)
{
    static const char *const machines[] = { "web1" };
    struct fixture *f = *state;
    uint8_t seed[32] = { 9 }, hash[32];
    auto_cert_object forged = { 0 };
    auto_ptr(cert) c = NULL;
    auto_ptr(cert) got = NULL;
    char name[KEYS_NAME_MAX];
    const char *why = NULL;

    /* the thief's own root key; owner and all machines */
    assert_ok(cert_new(ROLE_COLLECTOR, f->keys->cert->public_key, 1, machines, 1, &c));
    assert_ok(cert_issue(c, &f->keys->vault, seed, &forged));
    keys_hash_name("certs/", c->hash, name);
    set(f->store, name, forged.object, forged.object_len);
    assert_ok(keys_cert(f->store, f->keys, c->hash, &got, &why));
    assert_null(got);
    assert_non_null(strstr(why, "signature"));

    /* ours, any byte changed, named by its hash */
    keys_hash_name("certs/", f->keys->cert->hash, name);
    auto_object o = object_of(f, name, KIND_CERT);
    for (size_t i = 0; i < o.body.len; i++) {
        auto_free uint8_t *body = malloc(o.body.len);
        auto_free uint8_t *object = NULL;
        size_t len;

        memcpy(body, o.body.data, o.body.len);
        body[i] ^= 0x02;
        assert_ok(armour_wrap(KIND_CERT, &f->keys->vault, body, o.body.len, &object, &len));
        assert_ok(seal_sha256(object, len, hash));
        keys_hash_name("certs/", hash, name);
        set(f->store, name, object, len);
        why = NULL;
        assert_ok(keys_cert(f->store, f->keys, hash, &got, &why));
        assert_null(got);
        assert_non_null(why);
    }

    /* a true one under another's name; none at all; ruined; another vault's armour */
    hash[5] ^= 1;
    assert_ok(keys_cert(f->store, f->keys, hash, &got, &why));
    assert_true(got == NULL && strstr(why, "not in the vault") != NULL);
    keys_hash_name("certs/", hash, name);
    set(f->store, name, o.raw, o.len);
    assert_ok(keys_cert(f->store, f->keys, hash, &got, &why));
    assert_true(got == NULL && strstr(why, "name") != NULL);
    ruin(f->store, name);
    assert_ok(keys_cert(f->store, f->keys, hash, &got, &why));
    assert_true(got == NULL && strstr(why, "damaged") != NULL);
    set_body(f->store, name, KIND_CERT, &(struct vault_key){ { 1 } }, o.body.data, o.body.len);
    assert_ok(keys_cert(f->store, f->keys, hash, &got, &why));
    assert_true(got == NULL && strstr(why, "another vault") != NULL);
}

/* A writer key file whose parts were exchanged. */
static void
forged_writer_files_are_refused(void **state)
{
    static const char *const machines[] = { "web1" };
    struct fixture *f = *state;
    auto_ptr(secret) file = NULL;
    auto_ptr(keys) k = NULL;
    struct writer_file_body w;
    struct vault_key vault;
    struct view body;

    assert_ok(keys_export_writer(f->store, f->keys, at(f, "writer"), machines, 1));
    assert_ok(keyfile_read(at(f, "writer"), KIND_WRITER_FILE, WRITER_FILE_BODY_MAX, &file,
        &body, &vault));
    assert_true(writer_file_decode(body, &w));
    const size_t places[] = { 0 /* root */, 40 /* data */, 70 /* seed */, 96 /* epoch */,
        (size_t)(w.cert.data - body.data) + 10 /* its public key */, body.len - 1 };
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        auto_ptr(keyfile) out = NULL;
        auto_free uint8_t *changed = malloc(body.len);

        memcpy(changed, body.data, body.len);
        changed[places[i]] ^= 1;
        assert_ok(keyfile_begin(at(f, "other"), &out));
        assert_ok(keyfile_write(out, KIND_WRITER_FILE, &vault, changed, body.len));
        int code = code_of(open_writer(f, "other", &k));
        assert_null(k);
        assert_true(code == E_KeyFileWrong || code == E_VaultHeaderDamaged);
    }
    /* what was not kept is gone */
    assert_int_equal(access(at(f, "other"), F_OK), -1);
}

static void
a_lost_certificate_is_put_again(void **state)
{
    static const char *const machines[] = { "web1" };
    struct fixture *f = *state;
    auto_ptr(keys) k = NULL;
    auto_ptr(cert) c = NULL;
    char name[KEYS_NAME_MAX];
    const char *why;

    assert_ok(keys_export_writer(f->store, f->keys, at(f, "writer"), machines, 1));
    assert_ok(open_writer(f, "writer", &k));
    keys_hash_name("certs/", k->cert->hash, name);
    drop(f->store, name);
    assert_ok(keys_cert_put(f->store, k));
    assert_ok(keys_cert(f->store, f->keys, k->cert->hash, &c, &why));
    assert_non_null(c);
    assert_ok(keys_cert_put(f->store, k));
}

/* ---- keys_check ---- */

struct seen {
    unsigned wrong, mended;
    char last[KEYS_NAME_MAX];
};

static struct err *
note(void *arg, const char *object, bool mended)
{
    struct seen *s = arg;

    s->wrong++;
    s->mended += mended;
    snprintf(s->last, sizeof s->last, "%s", object);
    return NULL;
}

static struct seen
check(struct fixture *f, const struct keys *k, bool repair)
{
    uint64_t objects = 0, bytes = 0;
    struct seen s = { 0 };

    assert_ok(keys_check(f->store, k, repair, note, &s, &objects, &bytes));
    assert_true(objects >= 3 && bytes > objects);
    return s;
}

/* Damage ${name} in each way; find it, mend it, and find nothing more. */
static void
check_mends(struct fixture *f, const char *name)
{
    size_t len;
    auto_free uint8_t *whole = get(f->store, name, &len);

    for (int way = 0; way < 5; way++) {
        if (way == 0)
            drop(f->store, name);
        else if (way == 1)
            ruin(f->store, name);
        else if (way == 2)
            flip(f->store, name, len / 2);
        else if (way == 3)
            flip(f->store, name, len - 3);
        else
            set(f->store, name, whole, len - 100);
        struct seen s = check(f, f->keys, false);
        assert_int_equal(s.wrong, 1);
        assert_int_equal(s.mended, 0);
        assert_string_equal(s.last, name);
        s = check(f, f->keys, true);
        assert_int_equal(s.wrong, 1);
        assert_int_equal(s.mended, 1);
        assert_string_equal(s.last, name);
        assert_int_equal(check(f, f->keys, false).wrong, 0);
        size_t now_len;
        auto_free uint8_t *now = get(f->store, name, &now_len);
        assert_int_equal(now_len, len);
        assert_memory_equal(now, whole, len);
    }
}

static void
check_mends_what_stands_twice(void **state)
{
    struct fixture *f = *state;
    struct vault_key id = only_slot(f);
    char name[KEYS_NAME_MAX];

    assert_int_equal(check(f, f->keys, false).wrong, 0);
    check_mends(f, HEADER_NAME);
    check_mends(f, HEADER_COPY);
    slot_name(&id, false, name);
    check_mends(f, name);
    slot_name(&id, true, name);
    check_mends(f, name);
    keys_hash_name("certs/", f->keys->cert->hash, name);
    check_mends(f, name);
}

static void
check_restores_a_header_that_is_gone(void **state)
{
    struct fixture *f = *state;
    auto_ptr(keys) k = NULL;

    drop(f->store, HEADER_NAME);
    assert_ok(open_pass(f, f->pass, &k));
    struct seen s = check(f, k, true);
    assert_int_equal(s.mended, 1);
    drop(f->store, HEADER_COPY);
    keys_free(take(k));
    assert_ok(open_pass(f, f->pass, &k));
}

/* A forged header is replaced by the true one, whichever of the two it is. */
static void
check_does_not_spread_forgeries(void **state)
{
    struct fixture *f = *state;
    struct vault_key id = only_slot(f);
    auto_object o = object_of(f, HEADER_NAME, KIND_HEADER);
    uint8_t body[HEADER_BODY_MAX];
    char name[KEYS_NAME_MAX];

    memcpy(body, o.body.data, o.body.len);
    body[17] ^= 1;
    for (int i = 0; i < 2; i++) {
        const char *which = i == 0 ? HEADER_NAME : HEADER_COPY;
        size_t len;

        set_body(f->store, which, KIND_HEADER, &f->keys->vault, body, o.body.len);
        struct seen s = check(f, f->keys, true);
        assert_int_equal(s.mended, 1);
        assert_string_equal(s.last, which);
        auto_free uint8_t *now = get(f->store, which, &len);
        assert_int_equal(len, o.len);
        assert_memory_equal(now, o.raw, len);
    }
    set_body(f->store, HEADER_NAME, KIND_HEADER, &f->keys->vault, body, o.body.len);
    set_body(f->store, HEADER_COPY, KIND_HEADER, &f->keys->vault, body, o.body.len);
    struct seen s = check(f, f->keys, true);
    assert_int_equal(s.wrong, 2);
    assert_int_equal(s.mended, 0);
    set(f->store, HEADER_NAME, o.raw, o.len);
    set(f->store, HEADER_COPY, o.raw, o.len);

    /* an object of another vault in place of a slot's first copy */
    slot_name(&id, false, name);
    auto_object slot = object_of(f, name, KIND_SLOT);
    set_body(f->store, name, KIND_SLOT, &(struct vault_key){ { 3 } }, slot.body.data,
        slot.body.len);
    s = check(f, f->keys, true);
    assert_int_equal(s.mended, 1);
    assert_string_equal(s.last, name);
    auto_ptr(keys) k = NULL;
    assert_ok(open_pass(f, f->pass, &k));
}

static void
check_sees_certificates_and_revocations(void **state)
{
    static const char *const machines[] = { "web1" };
    struct fixture *f = *state;
    auto_ptr(keys) k = NULL;
    char name[KEYS_NAME_MAX];

    assert_ok(keys_export_writer(f->store, f->keys, at(f, "writer"), machines, 1));
    assert_ok(open_writer(f, "writer", &k));
    assert_ok(keys_revoke(f->store, f->keys,
        &(struct keys_revoked){ .writer = k->cert->writer }));
    assert_int_equal(check(f, f->keys, false).wrong, 0);
    keys_hash_name("certs/", k->cert->hash, name);
    flip(f->store, name, 300);
    struct seen s = check(f, f->keys, true);
    assert_int_equal(s.mended, 1);
    assert_int_equal(check(f, f->keys, false).wrong, 0);
    ruin(f->store, name);
    s = check(f, f->keys, true);
    assert_int_equal(s.wrong, 1);
    assert_int_equal(s.mended, 0);
    /* but the writer itself has it */
    s = check(f, k, true);
    assert_int_equal(s.mended, 1);

    auto_names l = { 0 };
    assert_ok(names_list(f->store, "revoked", &l));
    assert_int_equal(l.n, 1);
    ruin(f->store, l.names[0]);
    s = check(f, f->keys, true);
    assert_int_equal(s.wrong, 1);
    assert_string_equal(s.last, l.names[0]);
    /* another vault's objects are none of ours */
    drop(f->store, l.names[0]);
    set_body(f->store, l.names[0], KIND_REVOKED, &(struct vault_key){ { 8 } }, "x", 1);
    assert_int_equal(check(f, f->keys, false).wrong, 0);
}

/* ---- formats ---- */

static void
text_is_utf8(void **state)
{
    static const struct {
        const char *text;
        size_t len;
        bool ok;
    } cases[] = {
        { "", 0, true }, { "abc", 3, true }, { "\xc3\xa4", 2, true },
        { "\xe2\x82\xac", 3, true }, { "\xf0\x9f\x98\x80", 4, true },
        { "\xf4\x8f\xbf\xbf", 4, true }, { "\xef\xbf\xbf", 3, true },
        { "a\0b", 3, false }, { "\xc3", 1, false }, { "\xe2\x82", 2, false },
        { "\x80", 1, false }, { "\xc0\x80", 2, false }, { "\xc1\xbf", 2, false },
        { "\xe0\x9f\xbf", 3, false }, { "\xed\xa0\x80", 3, false },
        { "\xf0\x8f\xbf\xbf", 4, false }, { "\xf4\x90\x80\x80", 4, false },
        { "\xf8\x88\x80\x80\x80", 5, false }, { "\xff", 1, false }, { "\xc3\x28", 2, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(format_is_text(cases[i].text, cases[i].len), cases[i].ok);
}

/* The bytes of the page, by hand. */
static void
bodies_are_as_the_page_says(void **state)
{
    struct header_body h = { .created_ns = 0x0102030405060708, .block_len = 65536,
        .trust_group = true, .id_epoch = 9, .label = "hi" };
    struct slot_body s = { .how = SLOT_PASSPHRASE, .holds = 3, .created_ns = 1, .passes = 6,
        .kib = 32768, .label = "me" };
    uint8_t header[HEADER_BODY_MAX], slot[SLOT_BODY_MAX];
    static const uint8_t middle[] = { 8, 7, 6, 5, 4, 3, 2, 1, 1, 16, 20, 6, 1, 0, 0, 0, 9, 0,
        0, 0 };
    static const uint8_t start[] = { 1, 3, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0x80,
        0, 0 };

    (void)state;
    memset(h.vault.b, 0xaa, 16);
    memset(h.root_pub, 0xbb, 32);
    memset(h.data_pub, 0xcc, 32);
    memset(h.signature, 0xdd, 64);
    assert_int_equal(header_encode(&h, header), 16 + 8 + 8 + 4 + 64 + 4 + 64);
    assert_memory_equal(header, h.vault.b, 16);
    assert_memory_equal(header + 16, middle, sizeof middle);
    assert_memory_equal(header + 36, h.root_pub, 32);
    assert_memory_equal(header + 68, h.data_pub, 32);
    assert_memory_equal(header + 100, "\2\0hi", 4);
    assert_memory_equal(header + 104, h.signature, 64);

    memset(s.id.b, 0x11, 16);
    memset(s.salt, 0x22, 16);
    memset(s.nonce, 0x33, SLOT_NONCE);
    memset(s.sealed, 0x44, SLOT_SEALED);
    size_t len = slot_encode(&s, slot);
    assert_int_equal(len, 16 + 4 + 8 + 8 + 16 + 4 + 24 + 80);
    assert_int_equal(slot_bound_len(len), 56);
    assert_memory_equal(slot, s.id.b, 16);
    assert_memory_equal(slot + 16, start, sizeof start);
    assert_memory_equal(slot + 36, s.salt, 16);
    assert_memory_equal(slot + 52, "\2\0me", 4);
    assert_memory_equal(slot + 56, s.nonce, 24);
    assert_memory_equal(slot + 80, s.sealed, 80);
}

/* Cut anywhere, or with a byte more, no body is taken. */
static void
bodies_have_one_length(void **state)
{
    static const char *const machines[] = { "web1", "web2" };
    struct fixture *f = *state;
    uint8_t buf[4096] = { 0 };
    struct vault_key id = only_slot(f);
    struct slot_body slot = slot_of(f, &id);
    auto_object o = object_of(f, HEADER_NAME, KIND_HEADER);
    auto_ptr(cert) c = NULL;
    auto_cert_object issued = { 0 };
    struct header_body h;
    struct slot_body s;

    memcpy(buf, o.body.data, o.body.len);
    for (size_t n = 0; n <= o.body.len + 1; n++)
        assert_int_equal(header_decode((struct view){ buf, n }, &h), n == o.body.len);

    size_t len = slot_encode(&slot, buf);
    buf[len] = 0;
    for (size_t n = 0; n <= len + 1; n++)
        assert_int_equal(slot_decode((struct view){ buf, n }, &s), n == len);

    assert_ok(cert_new(ROLE_WRITER, f->keys->root_pub, 5, machines, 2, &c));
    assert_ok(cert_issue(c, &f->keys->vault, f->keys->root_seed->data, &issued));
    memcpy(buf, issued.body, issued.body_len);
    buf[issued.body_len] = 0;
    for (size_t n = 0; n <= issued.body_len + 1; n++) {
        auto_ptr(cert) got = NULL;

        assert_ok(cert_decode((struct view){ buf, n }, &got));
        assert_int_equal(got != NULL, n == issued.body_len);
    }
}

#define keys_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

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
        keys_test(slots_are_added_and_removed),
        keys_test(a_removed_slot_does_not_open),
        keys_test(labels_have_limits),
        keys_test(a_slot_stands_twice),
        keys_test(no_byte_of_a_slot_can_be_forged),
        keys_test(dear_slots_are_not_tried),
        keys_test(weakened_parameters_do_not_open),
        keys_test(a_slot_of_another_vault_is_refused),
        keys_test(slots_may_hold_one_secret),
        keys_test(too_little_memory_is_told),
        keys_test(key_files_are_private_and_never_overwritten),
        keys_test(key_files_mend_or_are_told),
        keys_test(key_files_of_another_vault_are_told),
        keys_test(a_writer_can_only_write),
        keys_test(a_writer_for_all_machines_is_no_owner),
        keys_test(many_machines_fit),
        keys_test(revoked_writers_are_refused),
        keys_test(forged_revocations_do_not_count),
        keys_test(forged_certificates_are_not_believed),
        keys_test(forged_writer_files_are_refused),
        keys_test(a_lost_certificate_is_put_again),
        keys_test(check_mends_what_stands_twice),
        keys_test(check_restores_a_header_that_is_gone),
        keys_test(check_does_not_spread_forgeries),
        keys_test(check_sees_certificates_and_revocations),
        cmocka_unit_test(text_is_utf8),
        cmocka_unit_test(bodies_are_as_the_page_says),
        keys_test(bodies_have_one_length),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
