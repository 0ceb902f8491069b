/* SPDX-License-Identifier: Apache-2.0 */
/* How it works: small objects are read whole, as they stand in the store, because a
 * certificate is named by the hash of its bytes and the second copy of a header is compared
 * byte for byte.  Damage is mended in the buffer; the caller proves the result. */
#include <stdio.h>
#include <time.h>

#include <sodium.h>

#include "codes.h"
#include "keys_internal.h"

int64_t
keys_now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void
object_done(struct object *o)
{
    int keep = errno;

    free(o->raw);
    *o = (struct object){ 0 };
    errno = keep;
}

bool
object_is_bad(const struct err *e)
{
    int code = err_code(e);

    return code == E_ObjectDamaged || code == E_ObjectForeign;
}

/* Give ${o} its true length and mend it; *ret_ok = false when that cannot be. */
static struct err *must_use
object_mend(struct object *o, size_t max, bool *ret_ok)
{
    uint64_t len;
    uint32_t cells;

    *ret_ok = false;
    if (!armour_true_len(o->raw, o->len, &len) || len > max)
        return NULL;
    if (len > o->len) {
        uint8_t *longer = realloc(o->raw, len);
        if (longer == NULL)
            return fail(OutOfMemory);
        memset(longer + o->len, 0, len - o->len);
        o->raw = longer;
    }
    o->len = len;
    o->mended = true;
    return armour_mend(o->raw, o->len, &cells, ret_ok);
}

struct err *
object_read(struct store *s, const char *name, enum armour_kind kind,
    const struct vault_key *vault, size_t max, struct object *ret, bool *ret_found)
{
    size_t whole = armour_front_max(max) + max + armour_back_max(max) + ARMOUR_CELL_LARGE;
    auto_object o = { 0 };
    bool found;

    struct err *e = store_get_all(s, name, whole, &o.raw, &o.len, &found);
    if (err_code(e) == E_StoreObjectTooLarge)
        return err_because(fail(ObjectDamaged, name), e);
    TRY(e);
    if (!found) {
        *ret_found = false;
        return NULL;
    }
    e = armour_take_off(name, o.raw, o.len, kind, vault, &o.body);
    if (err_code(e) == E_ObjectDamaged) {
        bool ok = false;
        struct err *second = object_mend(&o, whole, &ok);
        if (second != NULL || !ok)
            return err_also(e, second);
        err_free(e);
        e = armour_take_off(name, o.raw, o.len, kind, vault, &o.body);
    }
    TRY(e);
    if (o.body.len > max)
        return fail(ObjectDamaged, name);
    *ret = o;
    o = (struct object){ 0 };
    *ret_found = true;
    return NULL;
}

struct err *
object_hash(const struct object *o, uint8_t ret[32])
{
    return seal_sha256(o->raw, o->len, ret);
}

struct err *
object_put(struct store *s, const char *name, enum armour_kind kind,
    const struct vault_key *vault, const void *body, size_t len, bool *ret_new)
{
    auto_free uint8_t *object = NULL;
    size_t total;

    TRY(armour_wrap(kind, vault, body, len, &object, &total));
    TRY(store_put(s, name, object, total, ret_new));
    return NULL;
}

struct err *
keys_barrier(struct store *s, const char *folder)
{
    return store_barrier(s, &folder, 1);
}

void
names_done(struct names *l)
{
    int keep = errno;

    for (size_t i = 0; i < l->n; i++)
        free(l->names[i]);
    free(l->names);
    *l = (struct names){ 0 };
    errno = keep;
}

static struct err *must_use
name_listed(void *arg, const char *name, uint64_t len)
{
    struct names *l = arg;

    (void)len;
    if (l->n == KEYS_NAMES_MAX || strlen(name) >= KEYS_NAME_MAX)
        return NULL;
    if (l->n == l->room) {
        size_t room = l->room == 0 ? 16 : 2 * l->room;
        char **more = realloc(l->names, room * sizeof *more);
        if (more == NULL)
            return fail(OutOfMemory);
        l->names = more;
        l->room = room;
    }
    l->names[l->n] = strdup(name);
    if (l->names[l->n] == NULL)
        return fail(OutOfMemory);
    l->n++;
    return NULL;
}

struct err *
names_list(struct store *s, const char *folder, struct names *ret)
{
    auto_names l = { 0 };

    TRY(store_list(s, folder, name_listed, &l));
    *ret = l;
    l = (struct names){ 0 };
    return NULL;
}

void
keys_hash_name(const char *folder, const uint8_t hash[32], char to[KEYS_NAME_MAX])
{
    char hex[65];

    bytes_to_hex(hash, 32, hex);
    snprintf(to, KEYS_NAME_MAX, "%s%s", folder, hex);
}

struct err *
keys_root_sign(const uint8_t root_seed[32], const char *label, const struct vault_key *vault,
    const void *body, size_t len, uint8_t ret[SEAL_SIGNATURE])
{
    uint8_t public_key[32], secret_key[64];

    crypto_sign_seed_keypair(public_key, secret_key, root_seed);
    struct err *e = seal_sign(secret_key, label, vault, body, len, ret);
    sodium_memzero(secret_key, sizeof secret_key);
    return e;
}

/* ---- header ---- */

/* Read one copy; one that cannot be used is *ret_usable = false. */
static struct err *must_use
header_copy_read(struct store *s, const char *name, struct header_body *ret, bool *ret_found)
{
    auto_object o = { 0 };
    struct header_body h;
    struct view again;

    TRY(object_read(s, name, KIND_HEADER, NULL, HEADER_BODY_MAX, &o, ret_found));
    if (!*ret_found)
        return NULL;
    if (!header_decode(o.body, &h))
        return fail(ObjectDamaged, name);
    TRY(armour_take_off(name, o.raw, o.len, KIND_HEADER, &h.vault, &again));
    *ret = h;
    return NULL;
}

static bool
header_same(const struct header_body *a, const struct header_body *b)
{
    uint8_t x[HEADER_BODY_MAX], y[HEADER_BODY_MAX];
    size_t n = header_encode(a, x);

    return n == header_encode(b, y) && memcmp(x, y, n) == 0;
}

struct err *
headers_read(struct store *s, struct headers *ret)
{
    static const char *const names[] = { HEADER_NAME, HEADER_COPY };
    struct headers all = { .n = 0 };
    struct err *why = NULL;

    for (size_t i = 0; i < 2; i++) {
        bool found = false;
        struct err *e = header_copy_read(s, names[i], &all.h[all.n], &found);

        if (err_code(e) == E_VaultFormatNewer)
            return err_also(e, why);
        if (e == NULL && found && !(all.n == 1 && header_same(&all.h[0], &all.h[1])))
            all.n++;
        why = err_also(why, e);
    }
    if (all.n == 0 && why == NULL)
        return fail(VaultMissing, store_place(s));
    if (all.n == 0 && object_is_bad(why))
        return err_because(fail(VaultHeaderDamaged, "neither copy can be read"), why);
    if (all.n == 0)
        return why;
    err_free(why);
    *ret = all;
    return NULL;
}

struct err *
header_sign(struct header_body *h, const uint8_t root_seed[32])
{
    uint8_t body[HEADER_BODY_MAX];
    size_t len = header_encode(h, body) - SEAL_SIGNATURE;

    return keys_root_sign(root_seed, "firn vault", &h->vault, body, len, h->signature);
}

struct err *
header_signed_by(const struct header_body *h, const uint8_t root_pub[32], bool *ret_ok)
{
    uint8_t body[HEADER_BODY_MAX];
    size_t len = header_encode(h, body) - SEAL_SIGNATURE;

    return seal_signed_by(root_pub, "firn vault", &h->vault, body, len, h->signature, ret_ok);
}
