/* SPDX-License-Identifier: Apache-2.0 */
/* How it works: each object is first looked at as it stands, byte for byte.  What is wrong is
 * written again only from bytes that proved themselves: a header by the root's signature, a
 * certificate or revocation by the hash that is its name, a slot by its second copy or, where
 * that is lost too, by the checksums of its mended cells (only the slot's own key could tell
 * more).  The owner's certificate can be made anew.  A whole object of another vault is none
 * of our damage. */
#include <stdio.h>

#include "codes.h"
#include "keys_internal.h"

struct checking {
    struct store *s;
    const struct keys *k;
    bool repair;
    keys_mend_fn *each;
    void *arg;
    uint64_t objects, bytes;
    bool replaced; /* in the folder that is being checked */
};

/* How one object stands in the store. */
struct standing {
    struct object o; /* its bytes as they should be, when readable */
    bool found, whole, readable, foreign;
};

static void
standing_done(struct standing *st)
{
    object_done(&st->o);
}
#define auto_standing __attribute__((cleanup(standing_done))) struct standing

static struct err *must_use
look(struct checking *c, const char *name, enum armour_kind kind, size_t max,
    struct standing *ret)
{
    struct standing st = { .whole = true };
    uint64_t len = 0;

    TRY(store_stat(c->s, name, &len, &st.found));
    if (!st.found) {
        *ret = st;
        return NULL;
    }
    c->objects++;
    c->bytes += len;
    struct err *e = object_read(c->s, name, kind, &c->k->vault, max, &st.o, &st.found);
    st.foreign = err_code(e) == E_ObjectForeign;
    st.readable = e == NULL && st.found;
    st.whole = st.readable && !st.o.mended;
    if (object_is_bad(e)) {
        err_free(e);
        e = NULL;
    }
    TRY(e);
    *ret = st;
    return NULL;
}

/* An object is wrong; ${good} (NULL: nobody knows) is what should be there. */
static struct err *must_use
mend_with(struct checking *c, const char *name, bool found, const struct object *good)
{
    bool mended = c->repair && good != NULL, is_new;

    if (mended && found)
        TRY(store_replace(c->s, name, good->raw, good->len));
    else if (mended)
        TRY(store_put(c->s, name, good->raw, good->len, &is_new));
    c->replaced |= mended;
    return c->each != NULL ? c->each(c->arg, name, mended) : NULL;
}

/* After a folder: what was written again must last. */
static struct err *must_use
finish_folder(struct checking *c, const char *folder)
{
    if (!c->replaced)
        return NULL;
    c->replaced = false;
    return keys_barrier(c->s, folder);
}

/* ---- pairs: header and slots ---- */

static bool
same_bytes(const struct object *a, const struct object *b)
{
    return a->len == b->len && memcmp(a->raw, b->raw, a->len) == 0;
}

/* ${good[i]}: copy i proved itself.  Each copy that did not is written from one that did. */
static struct err *must_use
check_pair(struct checking *c, const char *const names[2], struct standing st[2],
    const bool good[2])
{
    const struct object *from = good[0] ? &st[0].o : good[1] ? &st[1].o : NULL;

    for (int i = 0; i < 2; i++) {
        if (good[i] && st[i].whole && same_bytes(&st[i].o, from))
            continue;
        if (st[i].found || from != NULL)
            TRY(mend_with(c, names[i], st[i].found, from));
    }
    return NULL;
}

static struct err *must_use
header_good(struct checking *c, const struct standing *st, bool *ret)
{
    struct header_body h;

    *ret = false;
    if (!st->readable || !header_decode(st->o.body, &h) ||
        memcmp(&h.vault, &c->k->vault, sizeof h.vault) != 0 ||
        memcmp(h.root_pub, c->k->root_pub, 32) != 0)
        return NULL;
    return header_signed_by(&h, c->k->root_pub, ret);
}

static struct err *must_use
check_header(struct checking *c)
{
    static const char *const names[2] = { HEADER_NAME, HEADER_COPY };
    auto_standing first = { 0 };
    auto_standing second = { 0 };
    bool good[2];

    TRY(look(c, names[0], KIND_HEADER, HEADER_BODY_MAX, &first));
    TRY(look(c, names[1], KIND_HEADER, HEADER_BODY_MAX, &second));
    TRY(header_good(c, &first, &good[0]));
    TRY(header_good(c, &second, &good[1]));
    struct standing st[2] = { first, second };
    TRY(check_pair(c, names, st, good));
    return finish_folder(c, "");
}

static bool
slot_good(const struct standing *st, const struct vault_key *id)
{
    struct slot_body slot;

    return st->readable && slot_decode(st->o.body, &slot) &&
        memcmp(&slot.id, id, sizeof *id) == 0;
}

static struct err *must_use
check_slot(struct checking *c, const struct vault_key *id)
{
    char name[2][KEYS_NAME_MAX];
    const char *const names[2] = { name[0], name[1] };
    auto_standing first = { 0 };
    auto_standing second = { 0 };

    slot_name(id, false, name[0]);
    slot_name(id, true, name[1]);
    TRY(look(c, names[0], KIND_SLOT, SLOT_BODY_MAX, &first));
    TRY(look(c, names[1], KIND_SLOT, SLOT_BODY_MAX, &second));
    if ((first.foreign || !first.found) && (second.foreign || !second.found))
        return NULL;
    struct standing st[2] = { first, second };
    bool good[2] = { slot_good(&first, id), slot_good(&second, id) };
    /* of two that differ, the one that needed no mending */
    if (good[0] && good[1] && !same_bytes(&first.o, &second.o)) {
        good[0] = first.whole || !second.whole;
        good[1] = !good[0];
    }
    return check_pair(c, names, st, good);
}

static struct err *must_use
check_slots(struct checking *c)
{
    auto_slot_ids l = { 0 };

    TRY(slot_ids_list(c->s, &l));
    for (size_t i = 0; i < l.n; i++)
        TRY(check_slot(c, &l.ids[i]));
    return finish_folder(c, "slots");
}

/* ---- objects named by their hash ---- */

static struct err *must_use
hash_is_name(const struct object *o, const char *folder, const char *name, bool *ret)
{
    char real[KEYS_NAME_MAX];
    uint8_t hash[32];

    TRY(object_hash(o, hash));
    keys_hash_name(folder, hash, real);
    *ret = strcmp(real, name) == 0;
    return NULL;
}

/* An object that its name proves. */
static struct err *must_use
check_hashed(struct checking *c, const char *folder, const char *name, enum armour_kind kind,
    size_t max)
{
    auto_standing st = { 0 };
    bool good = false;

    TRY(look(c, name, kind, max, &st));
    if (!st.found || st.foreign)
        return NULL;
    if (st.readable)
        TRY(hash_is_name(&st.o, folder, name, &good));
    if (good && st.whole)
        return NULL;
    return mend_with(c, name, true, good ? &st.o : NULL);
}

static struct err *must_use
check_folder(struct checking *c, const char *folder, enum armour_kind kind, size_t max)
{
    auto_names l = { 0 };
    char prefix[KEYS_NAME_MAX], own[KEYS_NAME_MAX] = "";

    snprintf(prefix, sizeof prefix, "%s/", folder);
    if (c->k->cert_object != NULL)
        keys_hash_name("certs/", c->k->cert->hash, own);
    TRY(names_list(c->s, folder, &l));
    for (size_t i = 0; i < l.n; i++)
        if (strcmp(l.names[i], own) != 0)
            TRY(check_hashed(c, prefix, l.names[i], kind, max));
    return finish_folder(c, folder);
}

/* This process's own certificate, whose bytes it knows. */
static struct err *must_use
check_own_cert(struct checking *c)
{
    const struct object own = { .raw = c->k->cert_object, .len = c->k->cert_object_len };
    auto_standing st = { 0 };
    char name[KEYS_NAME_MAX];

    if (own.raw == NULL)
        return NULL;
    keys_hash_name("certs/", c->k->cert->hash, name);
    TRY(look(c, name, KIND_CERT, CERT_BODY_MAX, &st));
    if (st.found && st.whole && same_bytes(&st.o, &own))
        return NULL;
    return mend_with(c, name, st.found, &own);
}

struct err *
keys_check(struct store *s, const struct keys *k, bool repair, keys_mend_fn *each, void *arg,
    uint64_t *ret_objects, uint64_t *ret_bytes)
{
    struct checking c = { .s = s, .k = k, .repair = repair, .each = each, .arg = arg };

    TRY(check_header(&c));
    TRY(check_slots(&c));
    TRY(check_own_cert(&c));
    TRY(check_folder(&c, "certs", KIND_CERT, CERT_BODY_MAX));
    TRY(check_folder(&c, "revoked", KIND_REVOKED, REVOKED_BODY));
    *ret_objects = c.objects;
    *ret_bytes = c.bytes;
    return NULL;
}
