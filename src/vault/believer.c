/* SPDX-License-Identifier: Apache-2.0 */
/* believer.c -- certificates and revocations, each read once for a listing. */
#include <string.h>

#include "codes.h"
#include "points.h"

struct known {
    uint8_t hash[32];
    struct cert *cert; /* NULL: it is not believed, because of why */
    const char *why;
};

struct believer {
    struct vault *v;
    struct known *known;
    size_t nknown;
    struct keys_revoked *revoked;
    size_t nrevoked;
};

struct err *
believer_new(struct vault *v, struct believer **ret)
{
    auto_ptr(believer) b = calloc(1, sizeof(*b));

    if (b == NULL)
        return fail(OutOfMemory);
    b->v = v;
    TRY(keys_revocations(v->store, v->keys, &b->revoked, &b->nrevoked));
    *ret = take(b);
    return NULL;
}

void
believer_free(struct believer *b)
{
    if (b == NULL)
        return;
    for (size_t i = 0; i < b->nknown; i++)
        cert_free(b->known[i].cert);
    free(b->known);
    free(b->revoked);
    free(b);
}

struct vault *
believer_vault(struct believer *b)
{
    return b->v;
}

bool
believer_revoked(const struct believer *b, const struct vault_key *writer, uint64_t seq,
    const struct vault_key *point)
{
    for (size_t i = 0; i < b->nrevoked; i++) {
        const struct keys_revoked *r = &b->revoked[i];

        if (memcmp(&r->writer, writer, sizeof(*writer)) != 0)
            continue;
        if (seq > r->last_seq ||
            (seq == r->last_seq && memcmp(&r->last, point, sizeof(*point)) != 0))
            return true;
    }
    return false;
}

static struct err *
look(struct believer *b, const uint8_t hash[32], const struct known **ret)
{
    struct known k = { 0 }, *more;

    for (size_t i = 0; i < b->nknown; i++)
        if (memcmp(b->known[i].hash, hash, 32) == 0) {
            *ret = &b->known[i];
            return NULL;
        }
    more = realloc(b->known, (b->nknown + 1) * sizeof(*more));
    if (more == NULL)
        return fail(OutOfMemory);
    b->known = more;
    memcpy(k.hash, hash, sizeof(k.hash));
    TRY(keys_cert(b->v->store, b->v->keys, hash, &k.cert, &k.why));
    b->known[b->nknown] = k;
    *ret = &b->known[b->nknown++];
    return NULL;
}

struct err *
believer_cert(struct believer *b, const uint8_t hash[32], unsigned roles,
    const struct cert **ret, const char **ret_why)
{
    const struct known *k = NULL;

    *ret = NULL;
    TRY(look(b, hash, &k));
    *ret_why = k->why;
    if (k->cert == NULL)
        return NULL;
    *ret_why = "its certificate is for another role";
    if (!k->cert->owner && (roles >> k->cert->role & 1) == 0)
        return NULL;
    *ret = k->cert;
    *ret_why = NULL;
    return NULL;
}

struct err *
believer_signed(struct believer *b, struct view body, const uint8_t cert[32], unsigned roles,
    const char *label, bool *ret_ok)
{
    const struct cert *c;
    const char *why;

    *ret_ok = false;
    TRY(believer_cert(b, cert, roles, &c, &why));
    if (c == NULL)
        return NULL;
    return seal_signed_by(c->public_key, label, &b->v->keys->vault, body.data,
        body.len - SEAL_SIGNATURE, body.data + body.len - SEAL_SIGNATURE, ret_ok);
}
