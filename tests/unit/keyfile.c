/* SPDX-License-Identifier: Apache-2.0 */
/* Key files, writers, their certificates and revocations. */
#include "check.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "keys_fixture.h"

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

int
main(void)
{
    const struct CMUnitTest tests[] = {
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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
