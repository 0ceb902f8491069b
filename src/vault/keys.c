/* SPDX-License-Identifier: Apache-2.0 */
/* How it works: the header is public and is only a claim until the root key, which a slot
 * holds or a writer key file pins, has verified its signature.  Opening therefore reads both
 * copies first, gets the secrets, and takes the first copy that fits them.  All other keys
 * follow from the two secrets by derivation (firn-vault(5), KEYS) when the vault is opened. */
#include <sodium.h>

#include "codes.h"
#include "keys_internal.h"

void
keys_free(struct keys *k)
{
    int keep = errno;

    if (k == NULL)
        return;
    free(k->label);
    secret_free(k->root_seed);
    secret_free(k->data_secret);
    secret_free(k->sign_key);
    secret_free(k->id_key);
    secret_free(k->index_key);
    secret_free(k->map_root);
    secret_free(k->map_key);
    cert_free(k->cert);
    free(k->cert_object);
    free(k);
    errno = keep;
}

/* ---- deriving ---- */

static struct err *must_use
derive(const struct keys *k, const struct secret *from, const char *label, const void *more,
    size_t nmore, struct secret **ret)
{
    auto_ptr(secret) s = NULL;

    TRY(secret_new(SEAL_KEY, &s));
    TRY(seal_derive(from->data, &k->vault, label, more, nmore, s->data));
    *ret = take(s);
    return NULL;
}

/* The writer's signing key from its seed. */
static struct err *must_use
sign_key_from(const uint8_t seed[32], struct secret **ret, uint8_t ret_public[32])
{
    auto_ptr(secret) s = NULL;

    TRY(secret_new(crypto_sign_SECRETKEYBYTES, &s));
    crypto_sign_seed_keypair(ret_public, s->data, seed);
    *ret = take(s);
    return NULL;
}

/* What the data secret gives. */
static struct err *must_use
derive_from_data(struct keys *k)
{
    uint8_t epoch[4];

    put_le(epoch, k->id_epoch, sizeof epoch);
    TRY(derive(k, k->data_secret, "firn block id", epoch, sizeof epoch, &k->id_key));
    TRY(derive(k, k->data_secret, "firn index", NULL, 0, &k->index_key));
    TRY(derive(k, k->data_secret, "firn map root", NULL, 0, &k->map_root));
    k->can |= VAULT_CAN_READ;
    return NULL;
}

/* The writer that the owner is, with the certificate that the owner gives it. */
static struct err *must_use
derive_owner(struct keys *k)
{
    static const char *const machines[] = { "*" };
    auto_ptr(secret) seed = NULL;
    auto_ptr(cert) c = NULL;
    auto_cert_object o = { 0 };
    uint8_t public_key[32];

    TRY(derive(k, k->root_seed, "firn owner writer", NULL, 0, &seed));
    TRY(sign_key_from(seed->data, &k->sign_key, public_key));
    TRY(cert_new(ROLE_WRITER, public_key, k->created_ns, machines, 1, &c));
    c->owner = true;
    TRY(cert_issue(c, &k->vault, k->root_seed->data, &o));
    TRY(derive(k, k->map_root, "firn map", c->writer.b, VAULT_KEY_LEN, &k->map_key));
    k->cert = take(c);
    k->cert_object = take(o.object);
    k->cert_object_len = o.object_len;
    k->can |= VAULT_CAN_WRITE;
    return NULL;
}

static struct err *must_use
keys_from_header(const struct header_body *h, struct keys **ret)
{
    auto_ptr(keys) k = calloc(1, sizeof *k);

    if (k == NULL)
        return fail(OutOfMemory);
    k->vault = h->vault;
    k->block_len = h->block_len;
    k->trust_group = h->trust_group;
    k->id_epoch = h->id_epoch;
    k->created_ns = (int64_t)h->created_ns;
    memcpy(k->root_pub, h->root_pub, 32);
    memcpy(k->data_pub, h->data_pub, 32);
    k->label = strdup(h->label);
    if (k->label == NULL)
        return fail(OutOfMemory);
    *ret = take(k);
    return NULL;
}

/* Does the header bear the signature of ${root_pub}, and name it? */
static struct err *must_use
header_fits(const struct header_body *h, const uint8_t root_pub[32], const char **ret_why)
{
    bool ok;

    *ret_why = NULL;
    if (memcmp(h->root_pub, root_pub, 32) != 0) {
        *ret_why = "it names another root key";
        return NULL;
    }
    TRY(header_signed_by(h, root_pub, &ok));
    if (!ok)
        *ret_why = "it does not bear the root key's signature";
    return NULL;
}

static void
root_public(const uint8_t *secrets, uint8_t holds, uint8_t ret[32])
{
    uint8_t secret_key[64];

    if ((holds & SLOT_ROOT) == 0) {
        memcpy(ret, secrets, 32);
        return;
    }
    crypto_sign_seed_keypair(ret, secret_key, secrets);
    sodium_memzero(secret_key, sizeof secret_key);
}

struct err *
keys_from_slot(const struct header_body *h, const uint8_t secrets[SLOT_SECRETS], uint8_t holds,
    struct keys **ret, const char **ret_why)
{
    auto_ptr(keys) k = NULL;
    uint8_t public_key[32];

    *ret = NULL;
    root_public(secrets, holds, public_key);
    TRY(header_fits(h, public_key, ret_why));
    if (*ret_why != NULL)
        return NULL;
    TRY(keys_from_header(h, &k));
    if ((holds & SLOT_DATA) != 0) {
        if (crypto_scalarmult_base(public_key, secrets + 32) != 0 ||
            memcmp(public_key, h->data_pub, 32) != 0) {
            *ret_why = "its data key is not the one that the key slot holds";
            return NULL;
        }
        TRY(secret_copy(secrets + 32, 32, &k->data_secret));
        TRY(derive_from_data(k));
    }
    if ((holds & SLOT_ROOT) != 0) {
        TRY(secret_copy(secrets, 32, &k->root_seed));
        k->can |= VAULT_CAN_OWN;
    }
    if (k->root_seed != NULL && k->data_secret != NULL)
        TRY(derive_owner(k));
    *ret = take(k);
    return NULL;
}

struct err *
keys_map_key(const struct keys *k, const struct vault_key *writer, uint8_t ret[32],
    bool *ret_have)
{
    if (k->map_root != NULL) {
        TRY(seal_derive(k->map_root->data, &k->vault, "firn map", writer->b, VAULT_KEY_LEN,
            ret));
        *ret_have = true;
        return NULL;
    }
    *ret_have = k->map_key != NULL && memcmp(&k->cert->writer, writer, sizeof *writer) == 0;
    if (*ret_have)
        memcpy(ret, k->map_key->data, 32);
    return NULL;
}

/* ---- making a vault ---- */

static struct err *must_use
refuse_object(void *arg, const char *name, uint64_t len)
{
    const struct store *s = arg;

    (void)len;
    return fail(VaultRemains, store_place(s), name);
}

/* Is there room for a new vault? */
static struct err *must_use
check_empty(struct store *s)
{
    static const char *const folders[] = { "slots", "certs", "revoked", "sessions", "packs",
        "runs", "points", "forgot", "tombs", "rounds", "verified" };
    uint64_t len;
    bool found;

    TRY(store_stat(s, HEADER_NAME, &len, &found));
    if (found)
        return fail(VaultExists, store_place(s), HEADER_NAME);
    TRY(store_stat(s, HEADER_COPY, &len, &found));
    if (found)
        return fail(VaultRemains, store_place(s), HEADER_COPY);
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        TRY(store_list(s, folders[i], refuse_object, s));
    return NULL;
}

static struct err *must_use
header_new(const struct vault_params *p, const uint8_t secrets[SLOT_SECRETS],
    struct header_body *ret)
{
    struct header_body h = { .block_len = p->block_len == 0 ? 65536 : p->block_len };

    if (h.block_len < VAULT_BLOCK_MIN || h.block_len > VAULT_BLOCK_MAX ||
        (h.block_len & (h.block_len - 1)) != 0)
        return fail(UsageWrong, "the block size must be 16, 32, 64 or 128 KiB");
    if (p->label != NULL) {
        TRY(keys_name_ok("the label", p->label));
        memcpy(h.label, p->label, strlen(p->label));
    }
    seal_random(h.vault.b, VAULT_KEY_LEN);
    h.created_ns = (uint64_t)keys_now_ns();
    h.trust_group = p->trust_group;
    root_public(secrets, SLOT_ROOT, h.root_pub);
    if (crypto_scalarmult_base(h.data_pub, secrets + 32) != 0)
        return fail(CryptoFailed, "crypto_scalarmult_base");
    TRY(header_sign(&h, secrets));
    *ret = h;
    return NULL;
}

/* The second copy goes first and is the one that two makers at once race for. */
static struct err *must_use
put_all(struct store *s, const struct keys *k, const struct header_body *h,
    const struct slot_body *slot)
{
    uint8_t body[HEADER_BODY_MAX];
    size_t len = header_encode(h, body);
    bool is_new;

    TRY(slot_put(s, &k->vault, slot));
    TRY(keys_cert_put(s, k));
    TRY(object_put(s, HEADER_COPY, KIND_HEADER, &k->vault, body, len, &is_new));
    if (!is_new)
        return fail(VaultExists, store_place(s), HEADER_COPY);
    TRY(keys_barrier(s, ""));
    TRY(object_put(s, HEADER_NAME, KIND_HEADER, &k->vault, body, len, &is_new));
    if (!is_new)
        return fail(VaultExists, store_place(s), HEADER_NAME);
    return keys_barrier(s, "");
}

struct err *
keys_create(struct store *s, const struct vault_params *params,
    const struct secret *passphrase, struct keys **ret)
{
    auto_ptr(secret) secrets = NULL;
    auto_ptr(keys) k = NULL;
    struct header_body h;
    struct slot_body slot;
    const char *why;
    uint32_t kib;

    TRY(seal_init());
    TRY(keys_kdf_kib(params->kdf_mib, &kib));
    TRY(secret_new(SLOT_SECRETS, &secrets));
    seal_random(secrets->data, SLOT_SECRETS);
    TRY(header_new(params, secrets->data, &h));
    TRY(check_empty(s));
    TRY(keys_from_slot(&h, secrets->data, SLOT_ROOT | SLOT_DATA, &k, &why));
    assert(k != NULL);
    TRY(slot_for_passphrase(k, passphrase, kib, NULL, &slot));
    TRY(put_all(s, k, &h, &slot));
    *ret = take(k);
    return NULL;
}

/* ---- opening ---- */

/* The secrets in the slot that a key file opens. */
static struct err *must_use
unlock_key_file(struct store *s, const struct vault_key *vault, const char *path,
    struct secret **ret, uint8_t *ret_holds)
{
    auto_ptr(secret) file = NULL;
    auto_ptr(secret) secrets = NULL;
    struct slot_copies copies;
    struct key_file_body f;
    struct vault_key file_vault;
    struct view body;
    char hex[2 * VAULT_KEY_LEN + 1];

    TRY(keyfile_read(path, KIND_KEY_FILE, KEY_FILE_BODY, &file, &body, &file_vault));
    if (!key_file_decode(body, &f))
        return fail(KeyFileDamaged, path);
    if (memcmp(&file_vault, vault, sizeof *vault) != 0)
        return fail(KeyFileWrong, path, "it belongs to another vault");
    bytes_to_hex(f.slot.b, VAULT_KEY_LEN, hex);
    TRY(slot_read(s, vault, &f.slot, &copies));
    if (!copies.found)
        return fail(KeySlotMissing, hex);
    if (copies.n == 0)
        return fail(KeySlotsLost);
    TRY(secret_new(SLOT_SECRETS, &secrets));
    for (size_t i = 0; i < copies.n; i++)
        if (copies.s[i].how == SLOT_KEY_FILE &&
            slot_unseal(&copies.s[i], vault, f.key, secrets->data)) {
            *ret = take(secrets);
            *ret_holds = copies.s[i].holds;
            return NULL;
        }
    return fail(KeyFileWrong, path, "its key does not open its slot");
}

/* Why none of the headers would do. */
static struct err *must_use
no_header(const char *why)
{
    return fail(VaultHeaderDamaged, why);
}

static struct err *must_use
open_by_slot(struct store *s, const struct vault_unlock *unlock, const struct headers *all,
    struct keys **ret)
{
    const char *why = NULL;
    struct err *failed = NULL;

    for (size_t i = 0; i < all->n; i++) {
        auto_ptr(secret) secrets = NULL;
        uint8_t holds = 0;
        struct err *e = unlock->passphrase != NULL
            ? slots_unlock(s, &all->h[i].vault, unlock->passphrase, &secrets, &holds)
            : unlock_key_file(s, &all->h[i].vault, unlock->key_file, &secrets, &holds);

        if (e == NULL)
            e = keys_from_slot(&all->h[i], secrets->data, holds, ret, &why);
        if (e == NULL && *ret != NULL) {
            err_free(failed);
            return NULL;
        }
        failed = err_also(failed, e);
    }
    return failed != NULL ? failed : no_header(why);
}

/* Everything of a writer key file into ${k}, which the header began. */
static struct err *must_use
take_writer_file(struct keys *k, const struct writer_file_body *f, const char *path)
{
    auto_free uint8_t *object = NULL;
    const char *why;
    uint8_t public_key[32];
    size_t len;

    TRY(cert_from_body(&k->vault, k->root_pub, f->cert, &k->cert, &why));
    if (k->cert == NULL)
        return fail(KeyFileWrong, path, "its certificate is not the vault owner's");
    TRY(sign_key_from(f->sign_seed, &k->sign_key, public_key));
    if (memcmp(public_key, k->cert->public_key, 32) != 0)
        return fail(KeyFileWrong, path, "its certificate is another key's");
    TRY(armour_wrap(KIND_CERT, &k->vault, f->cert.data, f->cert.len, &object, &len));
    TRY(seal_sha256(object, len, k->cert->hash));
    k->cert_object = take(object);
    k->cert_object_len = len;
    TRY(secret_copy(f->id_key, SEAL_KEY, &k->id_key));
    TRY(secret_copy(f->index_key, SEAL_KEY, &k->index_key));
    TRY(secret_copy(f->map_key, SEAL_KEY, &k->map_key));
    k->can = VAULT_CAN_WRITE;
    return NULL;
}

/* A revoked writer would write points that nobody believes: say so before it works. */
static struct err *must_use
refuse_revoked(struct store *s, const struct keys *k)
{
    auto_free struct keys_revoked *all = NULL;
    char hex[2 * VAULT_KEY_LEN + 1];
    size_t n = 0;

    TRY(keys_revocations(s, k, &all, &n));
    for (size_t i = 0; i < n; i++)
        if (memcmp(&all[i].writer, &k->cert->writer, VAULT_KEY_LEN) == 0) {
            bytes_to_hex(k->cert->writer.b, VAULT_KEY_LEN, hex);
            return fail(KeyRevoked, hex);
        }
    return NULL;
}

/* The copy of the header that is as the writer key file pins it. */
static struct err *must_use
pinned_header(const struct headers *all, const struct vault_key *vault,
    const struct writer_file_body *f, const char *path, const struct header_body **ret)
{
    const char *why = NULL;
    bool same_vault = false;

    for (size_t i = 0; i < all->n; i++) {
        const struct header_body *h = &all->h[i];

        if (memcmp(&h->vault, vault, sizeof *vault) != 0)
            continue;
        same_vault = true;
        TRY(header_fits(h, f->root_pub, &why));
        if (why != NULL)
            continue;
        if (memcmp(h->data_pub, f->data_pub, 32) != 0 || h->id_epoch != f->id_epoch)
            return fail(KeyFileWrong, path, "the vault has other keys since");
        *ret = h;
        return NULL;
    }
    return same_vault ? no_header(why)
                      : fail(KeyFileWrong, path, "it belongs to another vault");
}

static struct err *must_use
open_by_writer_file(struct store *s, const char *path, const struct headers *all,
    struct keys **ret)
{
    auto_ptr(secret) file = NULL;
    auto_ptr(keys) k = NULL;
    const struct header_body *h = NULL;
    struct writer_file_body f;
    struct vault_key vault;
    struct view body;

    TRY(keyfile_read(path, KIND_WRITER_FILE, WRITER_FILE_BODY_MAX, &file, &body, &vault));
    if (!writer_file_decode(body, &f))
        return fail(KeyFileDamaged, path);
    TRY(pinned_header(all, &vault, &f, path, &h));
    TRY(keys_from_header(h, &k));
    TRY(take_writer_file(k, &f, path));
    TRY(refuse_revoked(s, k));
    *ret = take(k);
    return NULL;
}

struct err *
keys_open(struct store *s, const struct vault_unlock *unlock, struct keys **ret)
{
    auto_ptr(keys) k = NULL;
    struct headers all;

    TRY(seal_init());
    TRY(headers_read(s, &all));
    if (unlock->writer_file != NULL)
        TRY(open_by_writer_file(s, unlock->writer_file, &all, &k));
    else
        TRY(open_by_slot(s, unlock, &all, &k));
    *ret = take(k);
    return NULL;
}

/* ---- exporting a writer ---- */

static struct err *must_use
machines_ok(const char *const *machines, size_t n)
{
    if (n < 1 || n > MACHINES_MAX)
        return fail(UsageWrong, "a writer key is for 1 to 1024 machines");
    for (size_t i = 0; i < n; i++) {
        if (machines[i][0] == '\0')
            return fail(UsageWrong, "a machine's name cannot be empty");
        TRY(keys_name_ok("a machine's name", machines[i]));
    }
    return NULL;
}

/* The body of a writer key file, in locked memory. */
static struct err *must_use
writer_file_make(const struct keys *k, const struct cert *c, const uint8_t seed[32],
    struct view cert_body, struct secret **ret)
{
    auto_ptr(secret) map_key = NULL;
    auto_ptr(secret) body = NULL;

    TRY(derive(k, k->map_root, "firn map", c->writer.b, VAULT_KEY_LEN, &map_key));
    TRY(secret_new(WRITER_FILE_FIXED + cert_body.len, &body));
    writer_file_encode(&(struct writer_file_body){
        .root_pub = k->root_pub,
        .data_pub = k->data_pub,
        .sign_seed = seed,
        .id_epoch = k->id_epoch,
        .id_key = k->id_key->data,
        .index_key = k->index_key->data,
        .map_key = map_key->data,
        .cert = cert_body,
    }, body->data);
    *ret = take(body);
    return NULL;
}

struct err *
keys_export_writer(struct store *s, const struct keys *k, const char *path,
    const char *const *machines, size_t nmachines)
{
    auto_ptr(secret) seed = NULL;
    auto_ptr(secret) sign_key = NULL;
    auto_ptr(secret) body = NULL;
    auto_ptr(cert) c = NULL;
    auto_ptr(keyfile) file = NULL;
    auto_cert_object o = { 0 };
    char name[KEYS_NAME_MAX];
    uint8_t public_key[32];
    bool is_new;

    if (k->root_seed == NULL || k->data_secret == NULL)
        return fail(KeyNotOwner, "exporting a writer key");
    TRY(machines_ok(machines, nmachines));
    TRY(secret_new(32, &seed));
    seal_random(seed->data, 32);
    TRY(sign_key_from(seed->data, &sign_key, public_key));
    TRY(cert_new(ROLE_WRITER, public_key, keys_now_ns(), machines, nmachines, &c));
    TRY(cert_issue(c, &k->vault, k->root_seed->data, &o));
    TRY(writer_file_make(k, c, seed->data, (struct view){ o.body, o.body_len }, &body));
    TRY(keyfile_begin(path, &file));
    TRY(keyfile_write(file, KIND_WRITER_FILE, &k->vault, body->data, body->len));
    keys_hash_name("certs/", c->hash, name);
    TRY(store_put(s, name, o.object, o.object_len, &is_new));
    TRY(keys_barrier(s, "certs"));
    keyfile_keep(file);
    return NULL;
}
