/* SPDX-License-Identifier: Apache-2.0 */
/* points.h -- reading the point objects of a vault and judging whether to believe them. */
#ifndef POINTS_H
#define POINTS_H

#include "point.h"
#include "vault_internal.h"

/* Why a point object gives no point. */
enum points_why {
    POINTS_FINE,
    POINTS_ABORTED,   /* it ends a session without a point */
    POINTS_NOT_OURS,  /* another writer's, whose key this process does not hold */
    POINTS_FORGOTTEN,
};

/* Certificates and revocations that were looked at, so that each is read once. */
struct believer;
struct err *believer_new(struct vault *v, struct believer **ret) must_use;
void believer_free(struct believer *b);
DEFINE_AUTO(believer);

struct vault *believer_vault(struct believer *b);

/* Was ${writer}'s key revoked before it wrote this point? */
bool believer_revoked(const struct believer *b, const struct vault_key *writer, uint64_t seq,
    const struct vault_key *point);

/* The certificate with this hash when it may sign as one of ${roles} (bits 1 << enum
 * keys_role); *ret_why in words when not. */
struct err *believer_cert(struct believer *b, const uint8_t hash[32], unsigned roles,
    const struct cert **ret, const char **ret_why) must_use;

/* Is a small signed object (session, forget, verified ...) signed by such a one?  The last
 * SEAL_SIGNATURE bytes of ${body} are the signature. */
struct err *believer_signed(struct believer *b, struct view body, const uint8_t cert[32],
    unsigned roles, const char *label, bool *ret_ok) must_use;

/* Read points/S and believe it, or say why not: *ret = NULL and *ret_left_out is the failure
 * (ObjectDamaged, PointForged ...) or NULL with the reason in *ret_why. */
struct err *points_read(struct believer *b, const struct vault_key *session,
    struct vault_point **ret, enum points_why *ret_why, struct err **ret_left_out) must_use;

/* "points/" and the like followed by ${id} in hex. */
void points_name(const char *folder, const struct vault_key *id, char to[KEYS_NAME_MAX]);

/* The id in a name made by points_name; false when it is none. */
bool points_id(const char *folder, const char *name, struct vault_key *ret);

/* Every S that a believed forgot/S names. */
struct point_ids {
    struct vault_key *id; /* ascending */
    size_t n, room;
};
struct err *points_forgotten(struct believer *b, struct point_ids *ret) must_use;
bool point_ids_has(const struct point_ids *l, const struct vault_key *id);
void point_ids_done(struct point_ids *l);

/* Note in the vault that every byte of the point was checked at ${time_ns}. */
struct err *points_note_verified(struct vault *v, const struct vault_key *point,
    int64_t time_ns) must_use;

#endif
