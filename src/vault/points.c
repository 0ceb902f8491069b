/* SPDX-License-Identifier: Apache-2.0 */
/* points.c -- listing points: read, believe, open, sort, find. */
#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "codes.h"
#include "points.h"

enum { PREFIX_MIN = 4, SMALL_BODY = 4096, VERIFIED_DEPTH = 2 };

void
points_name(const char *folder, const struct vault_key *id, char to[KEYS_NAME_MAX])
{
    char hex[2 * VAULT_KEY_LEN + 1];

    vault_key_hex(id, hex);
    (void)snprintf(to, KEYS_NAME_MAX, "%s%s", folder, hex);
}

bool
points_id(const char *folder, const char *name, struct vault_key *ret)
{
    size_t len = strlen(folder);

    return strncmp(name, folder, len) == 0 && bytes_from_hex(name + len, ret->b, VAULT_KEY_LEN);
}

/* ---- opening one ---- */

static struct err *
unseal(struct vault *v, const struct point_head *h, const struct vault_key *writer,
    uint8_t **ret, bool *ret_have, bool *ret_ok)
{
    uint8_t map_key[SEAL_KEY], key[SEAL_KEY];

    TRY(keys_map_key(v->keys, writer, map_key, ret_have));
    if (!*ret_have)
        return NULL;
    auto_free uint8_t *plain = malloc(h->sealed.len);
    if (plain == NULL)
        return fail(OutOfMemory);
    struct err *e = seal_derive(map_key, &v->keys->vault, "firn point", h->session.b,
        VAULT_KEY_LEN, key);
    if (e == NULL)
        e = seal_decrypt(vault_own_lane(v)->seal, key, 0,
            (struct view){ h->session.b, VAULT_KEY_LEN }, h->sealed.data, h->sealed.len, plain,
            ret_ok);
    sodium_memzero(map_key, sizeof(map_key));
    sodium_memzero(key, sizeof(key));
    TRY(e);
    *ret = take(plain);
    return NULL;
}

static bool
name_fits(const char *name)
{
    size_t len = strlen(name);

    return len > 0 && len <= VAULT_NAME_MAX && format_is_text(name, len);
}

/* The disks must be such as a map can have. */
static bool
disks_fit(const struct vault *v, struct vault_point *p)
{
    for (size_t i = 0; i < p->ndisks; i++) {
        struct vault_disk *d = &p->disks[i];

        if (d->height != map_height(div_up(d->size, v->keys->block_len)) ||
            (d->height == 0 && !id_is_zero(&d->root)) || !name_fits(d->name))
            return false;
        d->map_writer = p->writer;
    }
    return name_fits(p->machine);
}

static struct err *
open_point(struct vault *v, const struct point_head *h, struct view body,
    const struct cert *c, struct vault_point **ret, enum points_why *ret_why,
    const char **ret_bad)
{
    auto_free uint8_t *plain = NULL;
    auto_ptr(vault_point) p = NULL;
    bool have = false, ok = false;

    TRY(unseal(v, h, &c->writer, &plain, &have, &ok));
    if (!have) {
        *ret_why = POINTS_NOT_OURS;
        return NULL;
    }
    *ret_bad = "its content does not open";
    if (!ok)
        return NULL;
    TRY(point_decode((struct view){ plain, h->sealed.len - SEAL_TAG }, &p));
    if (p == NULL)
        return NULL;
    p->id = h->session;
    p->seq = h->seq;
    p->writer = c->writer;
    *ret_bad = "its content makes no sense";
    if (!disks_fit(v, p))
        return NULL;
    *ret_bad = "its writer's certificate does not name its machine";
    if (!cert_allows(c, p->machine))
        return NULL;
    TRY(seal_sha256(body.data, body.len, p->hash));
    *ret_bad = NULL;
    *ret = take(p);
    return NULL;
}

/* Judge a body whose armour is fine. */
static struct err *
judge(struct believer *b, struct vault *v, struct view body, const struct vault_key *session,
    struct vault_point **ret, enum points_why *ret_why, const char **ret_bad)
{
    const struct cert *c;
    struct point_head h;
    bool ok;

    *ret_bad = "it is malformed, or another point under this name";
    if (!point_head_read(body, &h) || memcmp(&h.session, session, sizeof(*session)) != 0)
        return NULL;
    bool aborted = h.what == POINT_ABORT;
    TRY(believer_cert(b, h.cert, aborted ? 1U << ROLE_COLLECTOR : 1U << ROLE_WRITER, &c,
        ret_bad));
    if (c == NULL)
        return NULL;
    *ret_bad = "its signature is wrong";
    TRY(seal_signed_by(c->public_key, "firn point", &v->keys->vault, h.signed_part.data,
        h.signed_part.len, h.signature.data, &ok));
    if (!ok)
        return NULL;
    *ret_bad = "its writer's key was revoked before it";
    if (believer_revoked(b, &c->writer, h.seq, session))
        return NULL;
    *ret_bad = NULL;
    if (aborted) {
        *ret_why = POINTS_ABORTED;
        return NULL;
    }
    return open_point(v, &h, body, c, ret, ret_why, ret_bad);
}

struct err *
points_read(struct believer *b, const struct vault_key *session, struct vault_point **ret,
    enum points_why *ret_why, struct err **ret_left_out)
{
    struct vault *v = believer_vault(b);
    auto_free uint8_t *body = NULL;
    char name[KEYS_NAME_MAX], hex[2 * VAULT_KEY_LEN + 1];
    const char *bad = NULL;
    bool found = false;
    size_t len = 0;

    *ret = NULL;
    *ret_left_out = NULL;
    *ret_why = POINTS_FINE;
    points_name("points/", session, name);
    struct err *e = armour_get(v->store, name, KIND_POINT, &v->keys->vault, POINT_BODY_MAX,
        &body, &len, &found, NULL);
    if (e != NULL && (object_is_bad(e) || err_code(e) == E_StoreObjectTooLarge ||
            err_code(e) == E_VaultFormatNewer || err_is(e, C_store_io))) {
        *ret_left_out = e;
        return NULL;
    }
    TRY(e);
    if (!found) {
        *ret_left_out = fail(ObjectMissing, name);
        return NULL;
    }
    TRY(judge(b, v, (struct view){ body, len }, session, ret, ret_why, &bad));
    vault_key_hex(session, hex);
    if (bad != NULL)
        *ret_left_out = fail(PointForged, hex, bad);
    return NULL;
}

/* ---- lists of ids ---- */

static int
compare_keys(const void *a, const void *b)
{
    return memcmp(a, b, VAULT_KEY_LEN);
}

bool
point_ids_has(const struct point_ids *l, const struct vault_key *id)
{
    return l->n > 0 && bsearch(id, l->id, l->n, sizeof(*id), compare_keys) != NULL;
}

void
point_ids_done(struct point_ids *l)
{
    free(l->id);
    *l = (struct point_ids){ 0 };
}

static struct err *
ids_add(struct point_ids *l, const struct vault_key *id)
{
    if (l->n == l->room) {
        size_t room = l->room ? 2 * l->room : 16;
        struct vault_key *more = realloc(l->id, room * sizeof(*more));

        if (more == NULL)
            return fail(OutOfMemory);
        l->id = more;
        l->room = room;
    }
    l->id[l->n++] = *id;
    return NULL;
}

struct err *
points_forgotten(struct believer *b, struct point_ids *ret)
{
    struct vault *v = believer_vault(b);
    auto_names names = { 0 };

    TRY(names_list(v->store, "forgot", &names));
    for (size_t i = 0; i < names.n; i++) {
        auto_free uint8_t *body = NULL;
        struct vault_key id;
        bool found = false, ok = false;
        size_t len = 0;

        if (!points_id("forgot/", names.names[i], &id))
            continue;
        struct err *e = armour_get(v->store, names.names[i], KIND_FORGOT, &v->keys->vault,
            SMALL_BODY, &body, &len, &found, NULL);
        if (e != NULL || !found || len != 16 + 8 + 32 + SEAL_SIGNATURE ||
            memcmp(body, id.b, VAULT_KEY_LEN) != 0) {
            vault_warning(v, e);
            continue; /* what cannot be believed forgets nothing */
        }
        TRY(believer_signed(b, (struct view){ body, len }, body + 24, 1U << ROLE_COLLECTOR,
            "firn forget", &ok));
        if (ok)
            TRY(ids_add(ret, &id));
    }
    if (ret->n > 1)
        qsort(ret->id, ret->n, sizeof(*ret->id), compare_keys);
    return NULL;
}

/* ---- verified notes ---- */

static struct err *
read_verified(struct believer *b, const char *name, struct vault_key *ret_id,
    int64_t *ret_time, bool *ret_ok)
{
    struct vault *v = believer_vault(b);
    auto_free uint8_t *body = NULL;
    bool found = false;
    size_t len = 0;

    *ret_ok = false;
    struct err *e = armour_get(v->store, name, KIND_VERIFIED, &v->keys->vault, SMALL_BODY,
        &body, &len, &found, NULL);
    if (e != NULL || !found || len != 16 + 8 + 4 + 32 + SEAL_SIGNATURE ||
        body[24] != VERIFIED_DEPTH) {
        err_free(e); /* verify tells of it; here the point just counts as not verified */
        return NULL;
    }
    TRY(believer_signed(b, (struct view){ body, len }, body + 28,
        1U << ROLE_WRITER | 1U << ROLE_VERIFIER, "firn verified", ret_ok));
    memcpy(ret_id->b, body, VAULT_KEY_LEN);
    *ret_time = (int64_t)(get_le(body + 16, 8) & INT64_MAX);
    return NULL;
}

static struct vault_point *
point_with(const struct vault_points *all, const struct vault_key *id)
{
    for (size_t i = 0; i < all->n; i++)
        if (memcmp(&all->items[i]->id, id, sizeof(*id)) == 0)
            return all->items[i];
    return NULL;
}

static struct err *
add_verified(struct believer *b, struct vault_points *all)
{
    auto_names names = { 0 };

    TRY(names_list(believer_vault(b)->store, "verified", &names));
    for (size_t i = 0; i < names.n; i++) {
        struct vault_key id;
        int64_t time_ns = 0;
        bool ok;

        TRY(read_verified(b, names.names[i], &id, &time_ns, &ok));
        struct vault_point *p = ok ? point_with(all, &id) : NULL;
        if (p != NULL && time_ns > p->verified_ns)
            p->verified_ns = time_ns;
    }
    return NULL;
}

struct err *
points_note_verified(struct vault *v, const struct vault_key *point, int64_t time_ns)
{
    const struct keys *k = v->keys;
    uint8_t body[16 + 8 + 4 + 32 + SEAL_SIGNATURE];
    struct wr w = wr_to(body, sizeof(body));
    char name[KEYS_NAME_MAX], hex[2 * VAULT_KEY_LEN + 1];
    struct vault_key unique;
    size_t part;
    bool fresh;

    wr_bytes(&w, point->b, VAULT_KEY_LEN);
    wr_u64(&w, (uint64_t)time_ns);
    wr_u8(&w, VERIFIED_DEPTH);
    wr_zero(&w, 3);
    wr_bytes(&w, k->cert->hash, sizeof(k->cert->hash));
    part = w.len;
    TRY(seal_sign(k->sign_key->data, "firn verified", &k->vault, body, part,
        wr_room(&w, SEAL_SIGNATURE)));
    seal_random(unique.b, VAULT_KEY_LEN);
    points_name("verified/", point, name);
    vault_key_hex(&unique, hex);
    (void)snprintf(name + strlen(name), sizeof(name) - strlen(name), ".%s", hex);
    TRY(keys_cert_put(v->store, k));
    return object_put(v->store, name, KIND_VERIFIED, &k->vault, body, sizeof(body), &fresh);
}

/* ---- listing ---- */

static int
compare_points(const void *a, const void *b)
{
    const struct vault_point *x = *(struct vault_point *const *)a;
    const struct vault_point *y = *(struct vault_point *const *)b;

    if (x->time_ns != y->time_ns)
        return x->time_ns < y->time_ns ? -1 : 1;
    if (x->seq != y->seq)
        return x->seq < y->seq ? -1 : 1;
    return memcmp(&x->id, &y->id, sizeof(x->id));
}

static struct err *
list_add(struct vault_points *l, struct vault_point *p)
{
    struct vault_point **more = realloc(l->items, (l->n + 1) * sizeof(struct vault_point *));

    if (more == NULL) {
        vault_point_free(p);
        return fail(OutOfMemory);
    }
    l->items = more;
    l->items[l->n++] = p;
    return NULL;
}

static struct err *
list_points(struct believer *b, const struct names *names, struct vault_points *l)
{
    struct vault *v = believer_vault(b);
    struct point_ids forgotten = { 0 };
    struct err *e = points_forgotten(b, &forgotten);

    for (size_t i = 0; e == NULL && i < names->n; i++) {
        struct vault_point *p = NULL;
        struct err *left_out = NULL;
        enum points_why why;
        struct vault_key id;

        if (!points_id("points/", names->names[i], &id) || point_ids_has(&forgotten, &id))
            continue;
        e = points_read(b, &id, &p, &why, &left_out);
        if (left_out != NULL)
            vault_warning(v,
                err_because(fail(PointLeftOut, names->names[i] + strlen("points/")), left_out));
        if (e == NULL && p != NULL)
            e = list_add(l, p);
    }
    point_ids_done(&forgotten);
    return e;
}

struct err *
vault_points(struct vault *v, struct vault_points **ret)
{
    auto_ptr(vault_points) l = calloc(1, sizeof(*l));
    auto_ptr(believer) b = NULL;
    auto_names names = { 0 };

    if (l == NULL)
        return fail(OutOfMemory);
    TRY(believer_new(v, &b));
    TRY(names_list(v->store, "points", &names));
    TRY(list_points(b, &names, l));
    if (l->n > 1)
        qsort(l->items, l->n, sizeof(struct vault_point *), compare_points);
    TRY(add_verified(b, l));
    *ret = take(l);
    return NULL;
}

void
vault_points_free(struct vault_points *p)
{
    if (p == NULL)
        return;
    for (size_t i = 0; i < p->n; i++)
        vault_point_free(p->items[i]);
    free(p->items);
    free(p);
}

const struct vault_point *
vault_points_newest(const struct vault_points *points, const char *machine)
{
    const struct vault_point *best = NULL;

    for (size_t i = 0; i < points->n; i++)
        if (strcmp(points->items[i]->machine, machine) == 0)
            best = points->items[i];
    return best;
}

const struct vault_disk *
vault_point_disk(const struct vault_point *p, const char *name)
{
    for (size_t i = 0; p != NULL && i < p->ndisks; i++)
        if (strcmp(p->disks[i].name, name) == 0)
            return &p->disks[i];
    return NULL;
}

/* Is ${text} the beginning of ${id} in hex?  Either case, at least PREFIX_MIN digits. */
static bool
begins(const struct vault_key *id, const char *text)
{
    char hex[2 * VAULT_KEY_LEN + 1];
    size_t len = strlen(text);

    vault_key_hex(id, hex);
    return len >= PREFIX_MIN && strncasecmp(hex, text, len) == 0;
}

struct err *
vault_points_find(const struct vault_points *points, const char *text,
    const struct vault_point **ret)
{
    const struct vault_point *found = NULL;

    if (strcmp(text, "latest") == 0 && points->n > 0)
        found = points->items[points->n - 1];
    for (size_t i = 0; i < points->n; i++) {
        if (!begins(&points->items[i]->id, text))
            continue;
        if (found != NULL && found != points->items[i])
            return fail(PointAmbiguous, text);
        found = points->items[i];
    }
    if (found == NULL)
        found = vault_points_newest(points, text);
    if (found == NULL)
        return fail(PointMissing, text);
    *ret = found;
    return NULL;
}
