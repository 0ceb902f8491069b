/* SPDX-License-Identifier: Apache-2.0 */
/* keys.h -- the header of a vault, its key slots, certificates and key files: whom to
 * believe and what this process may do.  Formats: firn-vault(5). */
#ifndef KEYS_H
#define KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auto.h"
#include "err.h"
#include "secret.h"
#include "vault.h"

struct store;

enum keys_role { ROLE_WRITER = 1, ROLE_VERIFIER, ROLE_COLLECTOR };

/* A certificate that bears the root's signature. */
struct cert {
    uint8_t hash[32]; /* its object's name, raw */
    enum keys_role role;
    uint8_t public_key[32];
    struct vault_key writer; /* derived from the public key */
    int64_t created_ns;
    char **machines;
    size_t nmachines;
    bool owner; /* the one that a passphrase works as: stands for every role (its role here
                 * is ROLE_WRITER, its machine "*") */
};
void cert_free(struct cert *c);
DEFINE_AUTO(cert);
/* Does it name ${machine}, or every machine? */
bool cert_allows(const struct cert *c, const char *machine);

/* What this process holds.  Secrets that it does not have are NULL. */
struct keys {
    struct vault_key vault;
    unsigned block_len;
    bool trust_group;
    uint32_t id_epoch;
    int64_t created_ns;
    char *label;
    uint8_t root_pub[32], data_pub[32];
    unsigned can; /* enum vault_can bits */
    struct secret *root_seed;   /* 32 */
    struct secret *data_secret; /* 32 */
    struct secret *sign_key;    /* 64: Ed25519 secret key of the writer this process is */
    struct secret *id_key;      /* 32 */
    struct secret *index_key;   /* 32 */
    struct secret *map_root;    /* 32; NULL for a writer key file */
    struct secret *map_key;     /* 32: of this process's own writer */
    struct cert *cert;          /* this process's own; NULL without VAULT_CAN_WRITE */
    uint8_t *cert_object;       /* its bytes in the vault */
    size_t cert_object_len;
};

/* Make header (twice), a passphrase slot (twice) and the owner's certificate; the header's
 * first copy is put last, and each step is durable before the next.  VaultExists; VaultRemains
 * when other objects of a vault lie there (a header that was lost, or a vault whose making
 * was cut off); UsageWrong for parameters that cannot be. */
struct err *keys_create(struct store *s, const struct vault_params *params,
    const struct secret *passphrase, struct keys **ret) must_use;

/* Read the header (either copy, mended in memory when damaged) and unlock.  Nothing of the
 * header is used before the root key that the slot or file brings has proved it.
 * VaultMissing, VaultHeaderDamaged, VaultFormatNewer; VaultKeyWrong, KeySlotsLost,
 * KeyMemoryShort; FileUnreadable, KeyFileDamaged, KeyFileWrong, KeySlotMissing, KeyRevoked. */
struct err *keys_open(struct store *s, const struct vault_unlock *unlock,
    struct keys **ret) must_use;
void keys_free(struct keys *k);
DEFINE_AUTO(keys);

/* The map key of ${writer}; *ret_have = false when this process may not have it. */
struct err *keys_map_key(const struct keys *k, const struct vault_key *writer,
    uint8_t ret[32], bool *ret_have) must_use;

/* Read and check certs/HASH.  *ret_why says in words why it is not believed (then *ret is
 * NULL); NULL when it is fine. */
struct err *keys_cert(struct store *s, const struct keys *k, const uint8_t hash[32],
    struct cert **ret, const char **ret_why) must_use;

/* Put this process's own certificate if it is not in the vault: what a point refers to must
 * be there.  Needs VAULT_CAN_WRITE. */
struct err *keys_cert_put(struct store *s, const struct keys *k) must_use;

/* All revocations that bear the root's signature; others are passed over (keys_check tells
 * of damaged ones). */
struct keys_revoked {
    struct vault_key writer, last;
    uint64_t last_seq;
};
struct err *keys_revocations(struct store *s, const struct keys *k, struct keys_revoked **ret,
    size_t *ret_n) must_use;

/* Points of ${r}'s writer count no longer, but for those up to its last.  KeyNotOwner. */
struct err *keys_revoke(struct store *s, const struct keys *k,
    const struct keys_revoked *r) must_use;

/* Slots and files, as vault.h describes them.  ${kdf_mib}: 8 to 4096, 0 means 32.  A key file
 * is created and never overwritten (KeyFileExists).  Slots that cannot be read are not
 * listed and do not count as another way in.  KeyNotOwner, KeySlotMissing, KeySlotLast,
 * UsageWrong. */
struct err *keys_slots(struct store *s, const struct keys *k, struct vault_slot **ret,
    size_t *ret_n) must_use;
struct err *keys_slot_add(struct store *s, const struct keys *k,
    const struct secret *passphrase, const char *key_file, uint32_t kdf_mib,
    const char *label, struct vault_key *ret) must_use;
struct err *keys_slot_remove(struct store *s, const struct keys *k,
    const struct vault_key *id) must_use;
struct err *keys_export_writer(struct store *s, const struct keys *k, const char *path,
    const char *const *machines, size_t nmachines) must_use;

/* Verify: check header, slots, certificates and revocations; with ${repair} mend them from
 * parity or restore them from their second copies.  For each object that was wrong ${each}
 * is told its name and whether it was mended.  Whole objects of another vault are passed
 * over. */
typedef struct err *keys_mend_fn(void *arg, const char *object, bool mended);
struct err *keys_check(struct store *s, const struct keys *k, bool repair, keys_mend_fn *each,
    void *arg, uint64_t *ret_objects, uint64_t *ret_bytes) must_use;

#endif
