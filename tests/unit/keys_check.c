/* SPDX-License-Identifier: Apache-2.0 */
/* What stands twice, or knows its own name, is found damaged and mended; a forgery is not
 * spread. */
#include "check.h"

#include "keys_fixture.h"

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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        keys_test(check_mends_what_stands_twice),
        keys_test(check_restores_a_header_that_is_gone),
        keys_test(check_does_not_spread_forgeries),
        keys_test(check_sees_certificates_and_revocations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
