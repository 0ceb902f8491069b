/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that runs out anywhere in making, opening and mending gives a code, leaks nothing
 * (under ASan), and leaves a vault that is either none or whole. */
#include "check.h"

#include "faults.h"
#include "keys_fixture.h"
#include "seal.h"

/* ${run} until no allocation is left to fail; a failure has a code, and then ${after}. */
static void
exhaust(struct fixture *f, struct err *(*run)(struct fixture *f),
    void (*after)(struct fixture *f, bool worked))
{
    for (int way = 0; way < 2; way++) {
        for (unsigned long n = 1;; n++) {
            faults_begin(&(struct fault_plan){ .kinds = FAULT_MEMORY,
                .from_then_on = way == 1, .n = n });
            struct err *e = run(f);
            unsigned long calls = faults_end(NULL);
            bool worked = e == NULL;
            int code = err_code(e);

            err_free(e);
            if (!worked)
                assert_true(code > 0);
            after(f, worked);
            if (calls < n)
                break;
            assert_true(n < 5000);
        }
    }
}

static struct err *
make(struct fixture *f)
{
    struct vault_params p = { .kdf_mib = KDF_MIB };
    auto_ptr(keys) k = NULL;

    return keys_create(f->store, &p, f->pass, &k);
}

/* When making failed the place may hold remains; what opens is whole, but for the header's
 * first copy if it failed right there. */
static void
made_or_not(struct fixture *f, bool worked)
{
    auto_ptr(keys) k = NULL;
    struct err *e = open_pass(f, f->pass, &k);
    int code = err_code(e);

    err_free(e);
    assert_true(worked ? code == 0 : code != E_VaultKeyWrong && code != E_VaultHeaderDamaged);
    if (code == 0) {
        unsigned lacks = is_there(f->store, HEADER_NAME) ? 0 : 1;

        assert_true(lacks == 0 || !worked);
        assert_int_equal(check(f, k, true).wrong, lacks);
        assert_int_equal(check(f, k, false).wrong, 0);
    }
    store_free(f->store);
    f->store = NULL;
    assert_ok(store_mem_new(&f->store));
}

static void
making_survives(void **state)
{
    struct fixture *f = *state;

    store_free(f->store);
    f->store = NULL;
    assert_ok(store_mem_new(&f->store));
    exhaust(f, make, made_or_not);
}

static struct err *
open_by_files(struct fixture *f)
{
    auto_ptr(keys) k = NULL;
    auto_ptr(keys) w = NULL;

    TRY(open_key(f, "key", &k));
    TRY(open_writer(f, "writer", &w));
    return keys_cert_put(f->store, w);
}

static void
still_opens(struct fixture *f, bool worked)
{
    auto_ptr(keys) k = NULL;

    (void)worked;
    assert_ok(open_key(f, "key", &k));
    same_keys(f->keys, k);
}

static void
opening_survives(void **state)
{
    static const char *const machines[] = { "web1" };
    struct fixture *f = *state;

    (void)add_key_file(f, "key");
    assert_ok(keys_export_writer(f->store, f->keys, at(f, "writer"), machines, 1));
    exhaust(f, open_by_files, still_opens);
}

static struct err *
damage_and_mend(struct fixture *f)
{
    uint64_t objects, bytes;

    return keys_check(f->store, f->keys, true, NULL, NULL, &objects, &bytes);
}

static void
mended_or_whole(struct fixture *f, bool worked)
{
    still_opens(f, worked);
    if (worked)
        assert_int_equal(check(f, f->keys, false).wrong, 0);
    flip(f->store, HEADER_NAME, 200);
    if (is_there(f->store, HEADER_COPY))
        drop(f->store, HEADER_COPY);
}

static void
mending_survives(void **state)
{
    struct fixture *f = *state;

    (void)add_key_file(f, "key");
    exhaust(f, damage_and_mend, mended_or_whole);
}

static struct err *
change_keys(struct fixture *f)
{
    static const char *const machines[] = { "web1" };
    auto_free struct keys_revoked *all = NULL;
    struct vault_key id;
    size_t n;

    (void)unlink(at(f, "key2"));
    (void)unlink(at(f, "writer2"));
    TRY(keys_slot_add(f->store, f->keys, NULL, at(f, "key2"), 0, "x", &id));
    TRY(keys_slot_remove(f->store, f->keys, &id));
    TRY(keys_export_writer(f->store, f->keys, at(f, "writer2"), machines, 1));
    TRY(keys_revoke(f->store, f->keys, &(struct keys_revoked){ .writer = id }));
    return keys_revocations(f->store, f->keys, &all, &n);
}

/* Objects that were there before anything was changed. */
static struct names before[3];
static const char *const folders[] = { "slots", "certs", "revoked" };

static bool
was_there(const struct names *l, const char *name)
{
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->names[i], name) == 0)
            return true;
    return false;
}

static void
still_opens_and_back(struct fixture *f, bool worked)
{
    still_opens(f, worked);
    /* of the two copies of a slot one may be there */
    assert_true(check(f, f->keys, true).wrong <= (worked ? 0 : 1));
    assert_int_equal(check(f, f->keys, false).wrong, 0);
    for (int i = 0; i < 3; i++) {
        auto_names now = { 0 };

        assert_ok(names_list(f->store, folders[i], &now));
        for (size_t j = 0; j < now.n; j++)
            if (!was_there(&before[i], now.names[j]))
                drop(f->store, now.names[j]);
    }
}

static void
changing_survives(void **state)
{
    struct fixture *f = *state;

    (void)add_key_file(f, "key");
    for (int i = 0; i < 3; i++)
        assert_ok(names_list(f->store, folders[i], &before[i]));
    exhaust(f, change_keys, still_opens_and_back);
    for (int i = 0; i < 3; i++)
        names_done(&before[i]);
}

/* The library of ciphers has memory of its own, and tells no more than that it failed. */
static void
a_cipher_that_cannot_be_had(void **state)
{
    struct seal *s = NULL;

    (void)state;
    assert_ok(seal_init());
    faults_begin(&(struct fault_plan){ .kinds = FAULT_MEMORY, .n = 2 }); /* the first: ours */
    struct err *e = seal_new(&s);
    (void)faults_end(NULL);
    assert_fails(e, E_CryptoFailed);
    assert_null(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        keys_test(making_survives),
        keys_test(opening_survives),
        keys_test(mending_survives),
        keys_test(changing_survives),
        cmocka_unit_test(a_cipher_that_cannot_be_had),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
