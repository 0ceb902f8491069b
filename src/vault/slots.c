/* SPDX-License-Identifier: Apache-2.0 */
/* How it works: a slot is found by its name, read from both copies, and opened with a key
 * that Argon2id makes of the passphrase or that a key file holds.  Nothing in a slot is
 * believed before its seal opens; its Argon2id parameters have limits because they are used
 * before that.  Slots are tried cheapest first, so that one dear slot (or one that somebody
 * planted) delays the others least.  The second copy is put first and removed first: the
 * name without ".copy" is what makes a slot count for good. */
#include <stdio.h>

#include <sodium.h>

#include "codes.h"
#include "keys_internal.h"

/* ---- names ---- */

void
slot_name(const struct vault_key *id, bool copy, char to[KEYS_NAME_MAX])
{
    char hex[2 * VAULT_KEY_LEN + 1];

    bytes_to_hex(id->b, VAULT_KEY_LEN, hex);
    snprintf(to, KEYS_NAME_MAX, "slots/%s%s", hex, copy ? ".copy" : "");
}

void
slot_ids_done(struct slot_ids *l)
{
    int keep = errno;

    free(l->ids);
    *l = (struct slot_ids){ 0 };
    errno = keep;
}

/* The id in "slots/ID" or "slots/ID.copy". */
static bool
slot_id_from(const char *name, struct vault_key *ret)
{
    enum { PREFIX = 6, HEX = 2 * VAULT_KEY_LEN };
    char hex[HEX + 1] = { 0 };

    if (strncmp(name, "slots/", PREFIX) != 0 || strlen(name) < PREFIX + HEX)
        return false;
    memcpy(hex, name + PREFIX, HEX);
    const char *rest = name + PREFIX + HEX;
    return (rest[0] == '\0' || strcmp(rest, ".copy") == 0) &&
        bytes_from_hex(hex, ret->b, VAULT_KEY_LEN);
}

static struct err *must_use
slot_listed(void *arg, const char *name, uint64_t len)
{
    struct slot_ids *l = arg;
    struct vault_key id;

    (void)len;
    if (l->n == 2 * KEYS_SLOTS_MAX || !slot_id_from(name, &id))
        return NULL;
    if (l->n == l->room) {
        size_t room = l->room == 0 ? 16 : 2 * l->room;
        struct vault_key *more = realloc(l->ids, room * sizeof *more);
        if (more == NULL)
            return fail(OutOfMemory);
        l->ids = more;
        l->room = room;
    }
    l->ids[l->n++] = id;
    return NULL;
}

static int
slot_id_order(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct vault_key));
}

struct err *
slot_ids_list(struct store *s, struct slot_ids *ret)
{
    auto_slot_ids l = { 0 };
    size_t n = 0;

    TRY(store_list(s, "slots", slot_listed, &l));
    if (l.n > 0)
        qsort(l.ids, l.n, sizeof *l.ids, slot_id_order);
    for (size_t i = 0; i < l.n; i++)
        if (n == 0 || slot_id_order(&l.ids[n - 1], &l.ids[i]) != 0)
            l.ids[n++] = l.ids[i];
    l.n = n;
    *ret = l;
    l = (struct slot_ids){ 0 };
    return NULL;
}

/* ---- reading and opening ---- */

static bool
slot_same(const struct slot_body *a, const struct slot_body *b)
{
    uint8_t x[SLOT_BODY_MAX], y[SLOT_BODY_MAX];
    size_t n = slot_encode(a, x);

    return n == slot_encode(b, y) && memcmp(x, y, n) == 0;
}

/* One copy into ${all}. */
static struct err *must_use
slot_copy_read(struct store *s, const struct vault_key *vault, const struct vault_key *id,
    bool copy, struct slot_copies *all)
{
    struct slot_body *to = &all->s[all->n];
    char name[KEYS_NAME_MAX];
    auto_object o = { 0 };
    bool found = false;

    slot_name(id, copy, name);
    struct err *e = object_read(s, name, KIND_SLOT, vault, SLOT_BODY_MAX, &o, &found);
    if (err_code(e) == E_ObjectForeign) {
        /* somebody else's slot; ours may be in the other copy */
        err_free(e);
        return NULL;
    }
    all->found |= found || e != NULL;
    all->lost |= e != NULL;
    if (e != NULL || !found)
        return e;
    if (!slot_decode(o.body, to) || memcmp(&to->id, id, sizeof *id) != 0) {
        all->lost = true;
        return fail(ObjectDamaged, name);
    }
    if (all->n == 0 || !slot_same(&all->s[0], &all->s[1]))
        all->n++;
    return NULL;
}

struct err *
slot_read(struct store *s, const struct vault_key *vault, const struct vault_key *id,
    struct slot_copies *ret)
{
    struct slot_copies all = { .n = 0 };

    struct err *e = slot_copy_read(s, vault, id, false, &all);
    e = err_also(e, slot_copy_read(s, vault, id, true, &all));
    if (e != NULL && all.n == 0 && !object_is_bad(e))
        return e;
    err_free(e);
    *ret = all;
    return NULL;
}

/* The associated data of a slot: vault id and what stands before the nonce. */
static size_t
slot_bound(const struct slot_body *slot, const struct vault_key *vault,
    uint8_t to[VAULT_KEY_LEN + SLOT_BODY_MAX])
{
    memcpy(to, vault->b, VAULT_KEY_LEN);
    return VAULT_KEY_LEN + slot_bound_len(slot_encode(slot, to + VAULT_KEY_LEN));
}

struct err *
slot_seal(struct slot_body *slot, const struct vault_key *vault, const uint8_t key[32],
    const uint8_t secrets[SLOT_SECRETS])
{
    uint8_t bound[VAULT_KEY_LEN + SLOT_BODY_MAX];

    seal_random(slot->nonce, SLOT_NONCE);
    size_t len = slot_bound(slot, vault, bound);
    if (crypto_aead_xchacha20poly1305_ietf_encrypt(slot->sealed, NULL, secrets, SLOT_SECRETS,
            bound, len, NULL, slot->nonce, key) != 0)
        return fail(CryptoFailed, "crypto_aead_xchacha20poly1305_ietf_encrypt");
    return NULL;
}

bool
slot_unseal(const struct slot_body *slot, const struct vault_key *vault, const uint8_t key[32],
    uint8_t secrets[SLOT_SECRETS])
{
    uint8_t bound[VAULT_KEY_LEN + SLOT_BODY_MAX];
    size_t len = slot_bound(slot, vault, bound);

    return crypto_aead_xchacha20poly1305_ietf_decrypt(secrets, NULL, NULL, slot->sealed,
        SLOT_SEALED, bound, len, slot->nonce, key) == 0;
}

bool
slot_passphrase_key(const struct slot_body *slot, const struct secret *passphrase,
    uint8_t ret[32])
{
    return crypto_pwhash(ret, 32, (const char *)passphrase->data, passphrase->len, slot->salt,
        slot->passes, (size_t)slot->kib * 1024, crypto_pwhash_ALG_ARGON2ID13) == 0;
}

/* ---- unlocking with a passphrase ---- */

/* Bodies of passphrase slots, each once. */
struct candidates {
    struct slot_body *s;
    size_t n, room;
};

static void
candidates_done(struct candidates *c)
{
    free(c->s);
}

static struct err *must_use
candidates_read(struct store *s, const struct vault_key *vault, struct candidates *c,
    struct err **ret_why)
{
    auto_slot_ids l = { 0 };

    TRY(slot_ids_list(s, &l));
    c->s = calloc(2 * l.n + 1, sizeof *c->s);
    if (c->s == NULL)
        return fail(OutOfMemory);
    for (size_t i = 0; i < l.n && i < KEYS_SLOTS_MAX; i++) {
        struct slot_copies copies = { .n = 0 };
        struct err *e = slot_read(s, vault, &l.ids[i], &copies);

        if (e == NULL && copies.lost && copies.n == 0) {
            char name[KEYS_NAME_MAX];

            slot_name(&l.ids[i], false, name);
            e = fail(ObjectDamaged, name);
        }
        /* the right slot may still be another one */
        *ret_why = err_also(*ret_why, e);
        for (size_t j = 0; j < copies.n; j++)
            if (copies.s[j].how == SLOT_PASSPHRASE)
                c->s[c->n++] = copies.s[j];
    }
    return NULL;
}

static int
cheapest_first(const void *a, const void *b)
{
    const struct slot_body *x = a, *y = b;
    uint64_t cost_x = (uint64_t)x->passes * x->kib, cost_y = (uint64_t)y->passes * y->kib;

    return (cost_x > cost_y) - (cost_x < cost_y);
}

/* *ret_hit = the candidate that opened, or NULL.  *ret_short_kib: memory that a slot wanted
 * and that was not to be had, or 0. */
static void
candidates_try(const struct candidates *c, const struct vault_key *vault,
    const struct secret *passphrase, uint8_t secrets[SLOT_SECRETS],
    const struct slot_body **ret_hit, uint32_t *ret_short_kib)
{
    uint8_t key[32];

    *ret_hit = NULL;
    *ret_short_kib = 0;
    for (size_t i = 0; i < c->n && *ret_hit == NULL; i++) {
        if (!slot_passphrase_key(&c->s[i], passphrase, key))
            *ret_short_kib = c->s[i].kib;
        else if (slot_unseal(&c->s[i], vault, key, secrets))
            *ret_hit = &c->s[i];
    }
    sodium_memzero(key, sizeof key);
}

struct err *
slots_unlock(struct store *s, const struct vault_key *vault, const struct secret *passphrase,
    struct secret **ret, uint8_t *ret_holds)
{
    __attribute__((cleanup(candidates_done))) struct candidates c = { 0 };
    auto_ptr(secret) secrets = NULL;
    const struct slot_body *hit;
    struct err *why = NULL;
    uint32_t short_kib;

    TRY(secret_new(SLOT_SECRETS, &secrets));
    struct err *e = candidates_read(s, vault, &c, &why);
    if (e != NULL)
        return err_also(e, why);
    if (c.n > 0)
        qsort(c.s, c.n, sizeof *c.s, cheapest_first);
    candidates_try(&c, vault, passphrase, secrets->data, &hit, &short_kib);
    if (hit != NULL) {
        err_free(why);
        *ret = take(secrets);
        *ret_holds = hit->holds;
        return NULL;
    }
    if (short_kib != 0)
        e = fail(KeyMemoryShort, (int64_t)short_kib / 1024);
    else if (c.n == 0)
        e = fail(KeySlotsLost);
    else
        e = fail(VaultKeyWrong, store_place(s), (int64_t)c.n);
    return why != NULL ? err_because(e, why) : e;
}

/* ---- making ---- */

struct err *
slot_put(struct store *s, const struct vault_key *vault, const struct slot_body *slot)
{
    uint8_t body[SLOT_BODY_MAX];
    size_t len = slot_encode(slot, body);
    char name[KEYS_NAME_MAX];
    bool is_new;

    for (int copy = 1; copy >= 0; copy--) {
        slot_name(&slot->id, copy == 1, name);
        TRY(object_put(s, name, KIND_SLOT, vault, body, len, &is_new));
    }
    return keys_barrier(s, "slots");
}

struct err *
keys_name_ok(const char *what, const char *text)
{
    size_t len = strlen(text);
    char why[160];

    if (len <= VAULT_NAME_MAX && format_is_text(text, len))
        return NULL;
    snprintf(why, sizeof why, "%s must be UTF-8 of at most %d bytes", what, VAULT_NAME_MAX);
    return fail(UsageWrong, why);
}

struct err *
keys_kdf_kib(uint32_t mib, uint32_t *ret_kib)
{
    if (mib == 0) {
        *ret_kib = KDF_KIB;
        return NULL;
    }
    if (mib < KDF_KIB_MIN / 1024 || mib > KDF_KIB_MAX / 1024)
        return fail(UsageWrong, "memory for the passphrase must be 8 to 4096 MiB");
    *ret_kib = mib * 1024;
    return NULL;
}

/* A slot without its seal. */
static struct slot_body
slot_blank(uint8_t how, uint8_t holds, const char *label)
{
    struct slot_body slot = { .how = how, .holds = holds };

    seal_random(slot.id.b, VAULT_KEY_LEN);
    slot.created_ns = (uint64_t)keys_now_ns();
    if (label != NULL)
        memcpy(slot.label, label, strlen(label));
    return slot;
}

/* Seal the secrets of ${k} into ${slot}. */
static struct err *must_use
slot_fill(const struct keys *k, const uint8_t key[32], struct slot_body *slot)
{
    auto_ptr(secret) secrets = NULL;

    TRY(secret_new(SLOT_SECRETS, &secrets));
    slot->holds = SLOT_ROOT;
    memcpy(secrets->data, k->root_seed->data, 32);
    if (k->data_secret != NULL) {
        slot->holds |= SLOT_DATA;
        memcpy(secrets->data + 32, k->data_secret->data, 32);
    }
    return slot_seal(slot, &k->vault, key, secrets->data);
}

struct err *
slot_for_passphrase(const struct keys *k, const struct secret *passphrase, uint32_t kib,
    const char *label, struct slot_body *ret)
{
    struct slot_body slot = slot_blank(SLOT_PASSPHRASE, SLOT_ROOT, label);
    uint8_t key[32];

    slot.passes = KDF_PASSES;
    slot.kib = kib;
    seal_random(slot.salt, sizeof slot.salt);
    if (!slot_passphrase_key(&slot, passphrase, key))
        return fail(KeyMemoryShort, (int64_t)kib / 1024);
    struct err *e = slot_fill(k, key, &slot);
    sodium_memzero(key, sizeof key);
    TRY(e);
    *ret = slot;
    return NULL;
}

/* The file is written before the slot is put and kept after it: when a step fails, no file
 * is left that opens nothing. */
static struct err *must_use
slot_add_key_file(struct store *s, const struct keys *k, const char *path, const char *label,
    struct vault_key *ret)
{
    struct slot_body slot = slot_blank(SLOT_KEY_FILE, SLOT_ROOT, label);
    auto_ptr(secret) key = NULL;
    auto_ptr(secret) body = NULL;
    auto_ptr(keyfile) file = NULL;

    TRY(secret_new(SEAL_KEY, &key));
    TRY(secret_new(KEY_FILE_BODY, &body));
    seal_random(key->data, SEAL_KEY);
    TRY(slot_fill(k, key->data, &slot));
    key_file_encode(&(struct key_file_body){ slot.id, key->data }, body->data);
    TRY(keyfile_begin(path, &file));
    TRY(keyfile_write(file, KIND_KEY_FILE, &k->vault, body->data, body->len));
    TRY(slot_put(s, &k->vault, &slot));
    keyfile_keep(file);
    *ret = slot.id;
    return NULL;
}

struct err *
keys_slot_add(struct store *s, const struct keys *k, const struct secret *passphrase,
    const char *key_file, uint32_t kdf_mib, const char *label, struct vault_key *ret)
{
    struct slot_body slot;
    uint32_t kib;

    assert((passphrase != NULL) != (key_file != NULL));
    if (k->root_seed == NULL)
        return fail(KeyNotOwner, "adding a key");
    TRY(keys_name_ok("the label", label != NULL ? label : ""));
    if (key_file != NULL)
        return slot_add_key_file(s, k, key_file, label, ret);
    TRY(keys_kdf_kib(kdf_mib, &kib));
    TRY(slot_for_passphrase(k, passphrase, kib, label, &slot));
    TRY(slot_put(s, &k->vault, &slot));
    *ret = slot.id;
    return NULL;
}

/* ---- listing and removing ---- */

struct err *
keys_slots(struct store *s, const struct keys *k, struct vault_slot **ret, size_t *ret_n)
{
    auto_slot_ids l = { 0 };
    auto_free struct vault_slot *all = NULL;
    size_t n = 0;

    TRY(slot_ids_list(s, &l));
    all = calloc(l.n + 1, sizeof *all);
    if (all == NULL)
        return fail(OutOfMemory);
    for (size_t i = 0; i < l.n && i < KEYS_SLOTS_MAX; i++) {
        struct slot_copies copies;

        TRY(slot_read(s, &k->vault, &l.ids[i], &copies));
        if (copies.n == 0)
            continue;
        struct vault_slot *slot = &all[n++];
        slot->id = copies.s[0].id;
        slot->is_passphrase = copies.s[0].how == SLOT_PASSPHRASE;
        slot->has_root = (copies.s[0].holds & SLOT_ROOT) != 0;
        slot->has_data = (copies.s[0].holds & SLOT_DATA) != 0;
        slot->created_ns = (int64_t)copies.s[0].created_ns;
        memcpy(slot->label, copies.s[0].label, sizeof slot->label);
    }
    *ret = take(all);
    *ret_n = n;
    return NULL;
}

/* Would the slots other than ${id} still give all that they give together with it? */
static bool
slot_can_go(const struct vault_slot *slots, size_t n, const struct vault_key *id)
{
    bool root = true, data = true, other_root = false, other_data = false;

    for (size_t i = 0; i < n; i++) {
        if (memcmp(&slots[i].id, id, sizeof *id) == 0) {
            root = slots[i].has_root;
            data = slots[i].has_data;
            continue;
        }
        other_root |= slots[i].has_root;
        other_data |= slots[i].has_data;
    }
    return (other_root || !root) && (other_data || !data) && (other_root || other_data);
}

struct err *
keys_slot_remove(struct store *s, const struct keys *k, const struct vault_key *id)
{
    auto_free struct vault_slot *slots = NULL;
    char name[KEYS_NAME_MAX], hex[2 * VAULT_KEY_LEN + 1];
    struct slot_copies copies;
    bool found;
    size_t n;

    bytes_to_hex(id->b, VAULT_KEY_LEN, hex);
    if (k->root_seed == NULL)
        return fail(KeyNotOwner, "removing a key");
    TRY(slot_read(s, &k->vault, id, &copies));
    if (!copies.found)
        return fail(KeySlotMissing, hex);
    TRY(keys_slots(s, k, &slots, &n));
    if (!slot_can_go(slots, n, id))
        return fail(KeySlotLast, hex);
    for (int copy = 1; copy >= 0; copy--) {
        slot_name(id, copy == 1, name);
        TRY(store_remove(s, name, &found));
    }
    return keys_barrier(s, "slots");
}
