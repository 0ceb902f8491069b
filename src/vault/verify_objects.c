/* SPDX-License-Identifier: Apache-2.0 */
/* verify_objects.c -- everything that is small: header, slots and certificates (keys_check),
 * runs (index_check), and the signed notes of writers and collectors, which are mended where
 * the result bears its signature. */
#include <string.h>

#include "codes.h"
#include "verify.h"

struct signed_kind {
    const char *folder;
    enum armour_kind kind;
    size_t len, cert_at; /* of the body; of the certificate's hash in it */
    size_t named;        /* bytes at the body's start that its name begins with */
    const char *label;
    unsigned roles;
};

#define COLLECTORS (1U << ROLE_COLLECTOR)
static const struct signed_kind signed_kinds[] = {
    { "sessions", KIND_SESSION, 136, 40, 16, "firn session", 1U << ROLE_WRITER },
    { "forgot", KIND_FORGOT, 120, 24, 16, "firn forget", COLLECTORS },
    { "tombs", KIND_TOMB, 144, 48, 48, "firn tomb", COLLECTORS },
    { "rounds", KIND_ROUND, 116, 20, 16, "firn round", COLLECTORS },
    { "verified", KIND_VERIFIED, 124, 28, 16, "firn verified",
        1U << ROLE_WRITER | 1U << ROLE_VERIFIER },
};

static struct err *
mended_or_not(struct verify *f, const char *name, bool mended, struct err *why)
{
    size_t at;

    return verify_damage(f, name, mended, why != NULL ? why : fail(ObjectDamaged, name), &at);
}

static struct err *
key_object(void *arg, const char *object, bool mended)
{
    return mended_or_not(arg, object, mended, NULL);
}

static struct err *
run_object(void *arg, const char *run, bool mended, struct err *why)
{
    return mended_or_not(arg, run, mended, why);
}

/* Put a mended object back; in the report either way. */
static struct err *
put_back(struct verify *f, const char *name, const struct object *o)
{
    if (f->c->repair)
        TRY(store_replace(f->v->store, name, o->raw, o->len));
    return mended_or_not(f, name, f->c->repair, NULL);
}

/* Does the name say what the body says?  After the first 16 bytes a dot comes, if more does. */
static bool
is_named_so(const char *name, const uint8_t *body, const struct signed_kind *k)
{
    char hex[2 * 48 + 2];
    size_t len = 32;

    bytes_to_hex(body, 16, hex);
    if (k->named > 16) {
        hex[len++] = '.';
        bytes_to_hex(body + 16, k->named - 16, hex + len);
        len += 2 * (k->named - 16);
    }
    return strncmp(name + strlen(k->folder) + 1, hex, len) == 0;
}

static struct err *
check_signed(struct verify *f, struct believer *b, const char *name,
    const struct signed_kind *k)
{
    auto_object o = { 0 };
    bool found = false, ok = false;
    struct err *e = object_read(f->v->store, name, k->kind, &f->v->keys->vault, k->len, &o,
        &found);

    if (e != NULL && (object_is_bad(e) || err_is(e, C_store_io)))
        return mended_or_not(f, name, false, e);
    TRY(e);
    if (!found)
        return NULL;
    f->report->objects++;
    f->report->bytes += o.len;
    if (o.body.len == k->len && is_named_so(name, o.body.data, k))
        TRY(believer_signed(b, o.body, o.body.data + k->cert_at, k->roles, k->label, &ok));
    if (!ok)
        return mended_or_not(f, name, false, fail(ObjectForeign, name));
    return o.mended ? put_back(f, name, &o) : NULL;
}

static struct err *
check_point(struct verify *f, struct believer *b, const char *name)
{
    auto_ptr(vault_point) p = NULL;
    auto_object o = { 0 };
    struct vault_key id;
    struct err *left_out = NULL;
    enum points_why why;
    bool found = false;

    if (!points_id("points/", name, &id))
        return NULL;
    TRY(points_read(b, &id, &p, &why, &left_out));
    f->report->objects++;
    if (left_out != NULL)
        return mended_or_not(f, name, false, left_out);
    /* it is believed; was it as it stands, or only after mending? */
    TRY(object_read(f->v->store, name, KIND_POINT, &f->v->keys->vault, POINT_BODY_MAX, &o,
        &found));
    f->report->bytes += o.len;
    return found && o.mended ? put_back(f, name, &o) : NULL;
}

static struct err *
check_notes(struct verify *f, struct believer *b)
{
    for (size_t i = 0; i < sizeof(signed_kinds) / sizeof(signed_kinds[0]); i++) {
        auto_names names = { 0 };

        TRY(names_list(f->v->store, signed_kinds[i].folder, &names));
        for (size_t j = 0; j < names.n; j++)
            TRY(check_signed(f, b, names.names[j], &signed_kinds[i]));
    }
    return NULL;
}

struct err *
verify_objects(struct verify *f)
{
    auto_ptr(believer) b = NULL;
    auto_names points = { 0 };
    uint64_t objects = 0, bytes = 0;

    TRY(keys_check(f->v->store, f->v->keys, f->c->repair, key_object, f, &objects, &bytes));
    f->report->objects += objects;
    f->report->bytes += bytes;
    objects = bytes = 0;
    TRY(index_check(f->v->store, f->v->keys, f->c->repair, run_object, f, &objects, &bytes));
    f->report->objects += objects;
    f->report->bytes += bytes;
    TRY(believer_new(f->v, &b));
    TRY(names_list(f->v->store, "points", &points));
    for (size_t i = 0; i < points.n; i++)
        TRY(check_point(f, b, points.names[i]));
    return check_notes(f, b);
}
