/* SPDX-License-Identifier: Apache-2.0 */
/* How it works: a certificate is believed when the root key signed its body; its name is the
 * hash of its object, so that whoever refers to it by hash means these bytes.  The owner's
 * certificate follows from the root seed and the header alone (its time is the vault's), so
 * an owner knows it without asking the store, and a lost one can be made again.  Revocations
 * that do not bear the root's signature are passed over: anyone who may put objects could
 * have put them. */
#include <sodium.h>

#include "codes.h"
#include "keys_internal.h"

static const char cert_label[] = "firn certificate";
static const char revoked_label[] = "firn revocation";

struct err *
cert_writer_id(const uint8_t public_key[32], struct vault_key *ret)
{
    uint8_t hash[32];

    TRY(seal_sha256(public_key, 32, hash));
    memcpy(ret->b, hash, VAULT_KEY_LEN);
    return NULL;
}

struct err *
cert_from_body(const struct vault_key *vault, const uint8_t root_pub[32], struct view body,
    struct cert **ret, const char **ret_why)
{
    auto_ptr(cert) c = NULL;
    bool ok;

    *ret = NULL;
    *ret_why = "its fields are malformed";
    TRY(cert_decode(body, &c));
    if (c == NULL)
        return NULL;
    *ret_why = "it does not bear the root key's signature";
    TRY(seal_signed_by(root_pub, cert_label, vault, body.data, body.len - SEAL_SIGNATURE,
        body.data + body.len - SEAL_SIGNATURE, &ok));
    if (!ok)
        return NULL;
    TRY(cert_writer_id(c->public_key, &c->writer));
    *ret = take(c);
    *ret_why = NULL;
    return NULL;
}

struct err *
cert_issue(struct cert *c, const struct vault_key *vault, const uint8_t root_seed[32],
    struct cert_object *ret)
{
    uint8_t signature[SEAL_SIGNATURE] = { 0 };
    auto_free uint8_t *body = malloc(CERT_BODY_MAX), *object = NULL;
    size_t len, total;

    if (body == NULL)
        return fail(OutOfMemory);
    len = cert_encode(c, signature, body);
    TRY(keys_root_sign(root_seed, cert_label, vault, body, len - SEAL_SIGNATURE, signature));
    len = cert_encode(c, signature, body);
    TRY(armour_wrap(KIND_CERT, vault, body, len, &object, &total));
    TRY(seal_sha256(object, total, c->hash));
    TRY(cert_writer_id(c->public_key, &c->writer));
    *ret = (struct cert_object){ take(body), len, take(object), total };
    return NULL;
}

void
cert_object_done(struct cert_object *o)
{
    int keep = errno;

    free(o->body);
    free(o->object);
    *o = (struct cert_object){ 0 };
    errno = keep;
}

struct err *
cert_new(enum keys_role role, const uint8_t public_key[32], int64_t created_ns,
    const char *const *machines, size_t nmachines, struct cert **ret)
{
    auto_ptr(cert) c = calloc(1, sizeof *c);

    if (c == NULL)
        return fail(OutOfMemory);
    c->role = role;
    c->created_ns = created_ns;
    memcpy(c->public_key, public_key, 32);
    c->machines = calloc(nmachines, sizeof *c->machines);
    if (c->machines == NULL)
        return fail(OutOfMemory);
    for (; c->nmachines < nmachines; c->nmachines++) {
        c->machines[c->nmachines] = strdup(machines[c->nmachines]);
        if (c->machines[c->nmachines] == NULL)
            return fail(OutOfMemory);
    }
    *ret = take(c);
    return NULL;
}

struct err *
keys_cert(struct store *s, const struct keys *k, const uint8_t hash[32], struct cert **ret,
    const char **ret_why)
{
    char name[KEYS_NAME_MAX];
    auto_object o = { 0 };
    uint8_t real[32];
    bool found = false;

    keys_hash_name("certs/", hash, name);
    struct err *e = object_read(s, name, KIND_CERT, &k->vault, CERT_BODY_MAX, &o, &found);
    if (object_is_bad(e)) {
        *ret = NULL;
        *ret_why = err_code(e) == E_ObjectForeign ? "it belongs to another vault"
                                                  : "its bytes are damaged";
        err_free(e);
        return NULL;
    }
    TRY(e);
    if (!found) {
        *ret = NULL;
        *ret_why = "it is not in the vault";
        return NULL;
    }
    TRY(object_hash(&o, real));
    if (memcmp(real, hash, 32) != 0) {
        *ret = NULL;
        *ret_why = "its bytes are not those that its name stands for";
        return NULL;
    }
    TRY(cert_from_body(&k->vault, k->root_pub, o.body, ret, ret_why));
    if (*ret != NULL)
        memcpy((*ret)->hash, hash, 32);
    return NULL;
}

struct err *
keys_cert_put(struct store *s, const struct keys *k)
{
    char name[KEYS_NAME_MAX];
    bool is_new;

    assert(k->cert != NULL);
    keys_hash_name("certs/", k->cert->hash, name);
    TRY(store_put(s, name, k->cert_object, k->cert_object_len, &is_new));
    return is_new ? keys_barrier(s, "certs") : NULL;
}

/* ---- revocations ---- */

struct err *
revoked_from_object(const struct keys *k, const char *name, const struct object *o,
    struct revoked_body *ret, bool *ret_ok)
{
    char real_name[KEYS_NAME_MAX];
    uint8_t hash[32];

    *ret_ok = false;
    TRY(object_hash(o, hash));
    keys_hash_name("revoked/", hash, real_name);
    if (strcmp(name, real_name) != 0 || !revoked_decode(o->body, ret))
        return NULL;
    return seal_signed_by(k->root_pub, revoked_label, &k->vault, o->body.data,
        REVOKED_BODY - SEAL_SIGNATURE, ret->signature, ret_ok);
}

/* *ret_ok = false: it is none, or it does not count. */
static struct err *must_use
revoked_read(struct store *s, const struct keys *k, const char *name,
    struct revoked_body *ret, bool *ret_ok)
{
    auto_object o = { 0 };
    bool found = false;

    *ret_ok = false;
    struct err *e = object_read(s, name, KIND_REVOKED, &k->vault, REVOKED_BODY, &o, &found);
    if (object_is_bad(e)) {
        err_free(e);
        return NULL;
    }
    TRY(e);
    return found ? revoked_from_object(k, name, &o, ret, ret_ok) : NULL;
}

struct err *
keys_revocations(struct store *s, const struct keys *k, struct keys_revoked **ret,
    size_t *ret_n)
{
    auto_names l = { 0 };
    auto_free struct keys_revoked *all = NULL;
    size_t n = 0;

    TRY(names_list(s, "revoked", &l));
    all = calloc(l.n + 1, sizeof *all);
    if (all == NULL)
        return fail(OutOfMemory);
    for (size_t i = 0; i < l.n; i++) {
        struct revoked_body v;
        bool ok;

        TRY(revoked_read(s, k, l.names[i], &v, &ok));
        if (ok)
            all[n++] = (struct keys_revoked){ v.writer, v.last, v.last_seq };
    }
    *ret = take(all);
    *ret_n = n;
    return NULL;
}

struct err *
keys_revoke(struct store *s, const struct keys *k, const struct keys_revoked *r)
{
    struct revoked_body v = { .writer = r->writer, .last = r->last, .last_seq = r->last_seq };
    uint8_t body[REVOKED_BODY], hash[32];
    auto_free uint8_t *object = NULL;
    char name[KEYS_NAME_MAX];
    size_t len;
    bool is_new;

    if (k->root_seed == NULL)
        return fail(KeyNotOwner, "revoking a writer");
    revoked_encode(&v, body);
    TRY(keys_root_sign(k->root_seed->data, revoked_label, &k->vault, body,
        REVOKED_BODY - SEAL_SIGNATURE, v.signature));
    revoked_encode(&v, body);
    TRY(armour_wrap(KIND_REVOKED, &k->vault, body, REVOKED_BODY, &object, &len));
    TRY(seal_sha256(object, len, hash));
    keys_hash_name("revoked/", hash, name);
    TRY(store_put(s, name, object, len, &is_new));
    return keys_barrier(s, "revoked");
}
