/* SPDX-License-Identifier: Apache-2.0 */
/* Key slots: ways in are added and taken away, and no byte of one can be forged. */
#include "check.h"

#include <sys/resource.h>

#include <sodium.h>

#include "keys_fixture.h"

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

int
main(void)
{
    const struct CMUnitTest tests[] = {
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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
