/* SPDX-License-Identifier: Apache-2.0 */
/* keys_internal.h -- what keys.c, slots.c, cert.c, keyfile.c and keys_check.c share. */
#ifndef KEYS_INTERNAL_H
#define KEYS_INTERNAL_H

#include "armour.h"
#include "auto.h"
#include "keys.h"
#include "keys_format.h"
#include "seal.h"
#include "store.h"
#include "vault.h"

enum {
    KEYS_NAME_MAX = 128,   /* an object's name in the store */
    KEYS_SLOTS_MAX = 1024, /* slots that are looked at */
    KEYS_NAMES_MAX = 1 << 20, /* certificates or revocations that are looked at */
};

#define HEADER_NAME "firn.vault"
#define HEADER_COPY "firn.vault.copy"

int64_t keys_now_ns(void);

/* ---- objects ---- */

/* A whole object, mended when it had to be.  ${raw} are its bytes as they should be. */
struct object {
    uint8_t *raw;
    size_t len;
    struct view body; /* into raw */
    bool mended;
};
void object_done(struct object *o);
#define auto_object __attribute__((cleanup(object_done))) struct object

/* Read an object whose body has at most ${max} bytes.  Failures as of armour_get; what is
 * too long to be one is ObjectDamaged. */
struct err *object_read(struct store *s, const char *name, enum armour_kind kind,
    const struct vault_key *vault, size_t max, struct object *ret, bool *ret_found) must_use;

/* Is it the object's bytes that are wrong, and not the way to them? */
bool object_is_bad(const struct err *e);

/* The hash that names an object. */
struct err *object_hash(const struct object *o, uint8_t ret[32]) must_use;

/* Put under ${name}; *ret_new as of store_put. */
struct err *object_put(struct store *s, const char *name, enum armour_kind kind,
    const struct vault_key *vault, const void *body, size_t len, bool *ret_new) must_use;

struct err *keys_barrier(struct store *s, const char *folder) must_use;

/* The names in a folder, so that objects can be read and written after the listing. */
struct names {
    char **names;
    size_t n, room;
};
void names_done(struct names *l);
#define auto_names __attribute__((cleanup(names_done))) struct names
struct err *names_list(struct store *s, const char *folder, struct names *ret) must_use;

/* "certs/" or "revoked/" and the hash in hex. */
void keys_hash_name(const char *folder, const uint8_t hash[32], char to[KEYS_NAME_MAX]);

/* Sign with the root key that ${root_seed} makes. */
struct err *keys_root_sign(const uint8_t root_seed[32], const char *label,
    const struct vault_key *vault, const void *body, size_t len,
    uint8_t ret[SEAL_SIGNATURE]) must_use;

/* ---- header ---- */

/* The copies that can be read, the same one only once. */
struct headers {
    struct header_body h[2];
    size_t n;
};
/* VaultMissing when there is none, VaultHeaderDamaged when none can be read. */
struct err *headers_read(struct store *s, struct headers *ret) must_use;

struct err *header_sign(struct header_body *h, const uint8_t root_seed[32]) must_use;
struct err *header_signed_by(const struct header_body *h, const uint8_t root_pub[32],
    bool *ret_ok) must_use;

/* ---- slots ---- */

void slot_name(const struct vault_key *id, bool copy, char to[KEYS_NAME_MAX]);

struct slot_ids {
    struct vault_key *ids; /* ascending, each once */
    size_t n, room;
};
void slot_ids_done(struct slot_ids *l);
#define auto_slot_ids __attribute__((cleanup(slot_ids_done))) struct slot_ids
struct err *slot_ids_list(struct store *s, struct slot_ids *ret) must_use;

/* The copies of a slot that can be read, the same one only once. */
struct slot_copies {
    struct slot_body s[2];
    size_t n;
    bool found, lost; /* some copy is there; and it cannot be read */
};
struct err *slot_read(struct store *s, const struct vault_key *vault,
    const struct vault_key *id, struct slot_copies *ret) must_use;

/* Seal ${secrets} (root seed or, without it, root public key; data secret or zeros) with a
 * fresh nonce. */
struct err *slot_seal(struct slot_body *slot, const struct vault_key *vault,
    const uint8_t key[32], const uint8_t secrets[SLOT_SECRETS]) must_use;
bool slot_unseal(const struct slot_body *slot, const struct vault_key *vault,
    const uint8_t key[32], uint8_t secrets[SLOT_SECRETS]);

/* What opens a passphrase slot; false when memory did not suffice. */
bool slot_passphrase_key(const struct slot_body *slot, const struct secret *passphrase,
    uint8_t ret[32]);

/* Put both copies. */
struct err *slot_put(struct store *s, const struct vault_key *vault,
    const struct slot_body *slot) must_use;

/* A slot made of ${k}'s secrets for a passphrase. */
struct err *slot_for_passphrase(const struct keys *k, const struct secret *passphrase,
    uint32_t kib, const char *label, struct slot_body *ret) must_use;

/* UsageWrong unless ${text} may be a label or a machine's name. */
struct err *keys_name_ok(const char *what, const char *text) must_use;
/* 0 stands for the default; UsageWrong. */
struct err *keys_kdf_kib(uint32_t mib, uint32_t *ret_kib) must_use;

/* Find what the slots tell for an unlock.  The secrets are *ret (SLOT_SECRETS), holds says
 * which.  VaultKeyWrong, KeySlotsLost, KeyMemoryShort. */
struct err *slots_unlock(struct store *s, const struct vault_key *vault,
    const struct secret *passphrase, struct secret **ret, uint8_t *ret_holds) must_use;

/* ---- certificates ---- */

struct err *cert_writer_id(const uint8_t public_key[32], struct vault_key *ret) must_use;

/* Copies everything; hash and writer stay empty. */
struct err *cert_new(enum keys_role role, const uint8_t public_key[32], int64_t created_ns,
    const char *const *machines, size_t nmachines, struct cert **ret) must_use;

/* Check a body under ${root_pub}: *ret = NULL and *ret_why in words when it is not believed.
 * Fills all of *ret but the hash. */
struct err *cert_from_body(const struct vault_key *vault, const uint8_t root_pub[32],
    struct view body, struct cert **ret, const char **ret_why) must_use;

/* Sign ${c} and make its object; fills hash and writer of ${c}. */
struct cert_object {
    uint8_t *body;
    size_t body_len;
    uint8_t *object;
    size_t object_len;
};
void cert_object_done(struct cert_object *o);
#define auto_cert_object __attribute__((cleanup(cert_object_done))) struct cert_object
struct err *cert_issue(struct cert *c, const struct vault_key *vault,
    const uint8_t root_seed[32], struct cert_object *ret) must_use;

/* Is the object under ${name} a revocation that counts? */
struct err *revoked_from_object(const struct keys *k, const char *name, const struct object *o,
    struct revoked_body *ret, bool *ret_ok) must_use;

/* ---- files ---- */

/* A whole key file of ${kind}, mended when it had to be, in locked memory; the body is a view
 * into it.  FileUnreadable, KeyFileDamaged, KeyFileWrong (another kind), VaultFormatNewer. */
struct err *keyfile_read(const char *path, enum armour_kind kind, size_t max_body,
    struct secret **ret, struct view *ret_body, struct vault_key *ret_vault) must_use;

/* Begin a file that nobody else may read and that was not there (KeyFileExists), write it
 * durably, then keep it; freed before that, it is gone again.  FileUnwritable. */
struct keyfile;
struct err *keyfile_begin(const char *path, struct keyfile **ret) must_use;
struct err *keyfile_write(struct keyfile *f, enum armour_kind kind,
    const struct vault_key *vault, const void *body, size_t len) must_use;
void keyfile_keep(struct keyfile *f);
void keyfile_free(struct keyfile *f);
DEFINE_AUTO(keyfile);

/* ---- the rest ---- */

/* ---- keys ---- */

/* Keys from what a slot held, once the header has proved to belong to it; otherwise *ret =
 * NULL and *ret_why says in words what does not fit. */
struct err *keys_from_slot(const struct header_body *h, const uint8_t secrets[SLOT_SECRETS],
    uint8_t holds, struct keys **ret, const char **ret_why) must_use;

#endif
