/* SPDX-License-Identifier: Apache-2.0 */
/* keys_fixture.h -- a vault in memory, with its owner's keys and a folder for key files, and
 * ways to damage and to forge what is in it.  Forged objects wear correct armour: it is no
 * secret.  Include check.h first. */
#ifndef KEYS_FIXTURE_H
#define KEYS_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "keys_internal.h"

enum { KDF_MIB = 8 };

struct fixture {
    struct store *store;
    struct keys *keys;
    struct secret *pass;
    char dir[64];
    char path[160]; /* in dir, made by at() */
};

static inline struct secret *
secret_of(const char *text)
{
    struct secret *s = NULL;

    assert_ok(secret_copy(text, strlen(text), &s));
    return s;
}

static inline int
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

static inline const char *
at(struct fixture *f, const char *name)
{
    snprintf(f->path, sizeof f->path, "%s/%s", f->dir, name);
    return f->path;
}

static inline int
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

static inline struct err *must_use
open_pass(struct fixture *f, const struct secret *pass, struct keys **ret)
{
    return keys_open(f->store, &(struct vault_unlock){ .passphrase = pass }, ret);
}

static inline struct err *must_use
open_key(struct fixture *f, const char *name, struct keys **ret)
{
    return keys_open(f->store, &(struct vault_unlock){ .key_file = at(f, name) }, ret);
}

static inline struct err *must_use
open_writer(struct fixture *f, const char *name, struct keys **ret)
{
    return keys_open(f->store, &(struct vault_unlock){ .writer_file = at(f, name) }, ret);
}

/* What may be asked of something that must not open. */
static inline int
code_of(struct err *e)
{
    int code = err_code(e);

    err_free(e);
    return code;
}

static inline uint8_t *
get(struct store *s, const char *name, size_t *ret_len)
{
    uint8_t *data = NULL;
    bool found = false;

    assert_ok(store_get_all(s, name, 1 << 24, &data, ret_len, &found));
    assert_true(found);
    return data;
}

static inline bool
is_there(struct store *s, const char *name)
{
    uint64_t len;
    bool found;

    assert_ok(store_stat(s, name, &len, &found));
    return found;
}

static inline void
set(struct store *s, const char *name, const void *data, size_t len)
{
    bool is_new;

    if (is_there(s, name))
        assert_ok(store_replace(s, name, data, len));
    else
        assert_ok(store_put(s, name, data, len, &is_new));
}

static inline void
drop(struct store *s, const char *name)
{
    bool found;

    assert_ok(store_remove(s, name, &found));
    assert_true(found);
}

static inline void
set_body(struct store *s, const char *name, enum armour_kind kind,
    const struct vault_key *vault, const void *body, size_t len)
{
    auto_free uint8_t *object = NULL;
    size_t total;

    assert_ok(armour_wrap(kind, vault, body, len, &object, &total));
    set(s, name, object, total);
}

static inline void
flip(struct store *s, const char *name, size_t at_byte)
{
    size_t len;
    auto_free uint8_t *data = get(s, name, &len);

    assert_true(at_byte < len);
    data[at_byte] ^= 0x40;
    assert_ok(store_replace(s, name, data, len));
}

/* More than parity gives back. */
static inline void
ruin(struct store *s, const char *name)
{
    size_t len;
    auto_free uint8_t *data = get(s, name, &len);

    memset(data, 0xee, len);
    assert_ok(store_replace(s, name, data, len));
}

static inline struct object
object_of(struct fixture *f, const char *name, enum armour_kind kind)
{
    struct object o = { 0 };
    bool found = false;

    assert_ok(object_read(f->store, name, kind, NULL, 1 << 18, &o, &found));
    assert_true(found);
    return o;
}

static inline struct vault_key
only_slot(struct fixture *f)
{
    auto_slot_ids l = { 0 };

    assert_ok(slot_ids_list(f->store, &l));
    assert_int_equal(l.n, 1);
    return l.ids[0];
}

static inline struct vault_key
add_key_file(struct fixture *f, const char *name)
{
    struct vault_key id;

    assert_ok(keys_slot_add(f->store, f->keys, NULL, at(f, name), 0, "stick", &id));
    return id;
}

static inline void
same_secret(const struct secret *a, const struct secret *b)
{
    assert_int_equal(a == NULL, b == NULL);
    if (a == NULL)
        return;
    assert_int_equal(a->len, b->len);
    assert_memory_equal(a->data, b->data, a->len);
}

static inline void
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

static inline struct slot_body
slot_of(struct fixture *f, const struct vault_key *id)
{
    struct slot_copies copies;

    assert_ok(slot_read(f->store, &f->keys->vault, id, &copies));
    assert_int_equal(copies.n, 1);
    return copies.s[0];
}

static inline void
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

/* ---- what keys_check saw ---- */

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

static inline struct seen
check(struct fixture *f, const struct keys *k, bool repair)
{
    uint64_t objects = 0, bytes = 0;
    struct seen s = { 0 };

    assert_ok(keys_check(f->store, k, repair, note, &s, &objects, &bytes));
    assert_true(objects >= 3 && bytes > objects);
    return s;
}

#define keys_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
