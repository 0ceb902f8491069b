/* SPDX-License-Identifier: Apache-2.0 */
/* How it works: one cursor over the body for each kind; every field is read, then the whole
 * is judged once.  What an encoder would never write (reserved bytes that are not zero, a
 * parameter of a key derivation in a key file's slot, a name with a NUL) is refused, so that
 * bytes and structs stand for each other one to one. */
#include "codes.h"
#include "keys_format.h"

enum {
    ID_HMAC_SHA256 = 1,
    KDF_ARGON2ID = 1,
    FRAME_LOG2 = 20,
    FANOUT_LOG2 = 6,
    ROLE_BYTE_OWNER = 4, /* ROLE_WRITER, and stands for every role */
};

/* Bytes that follow the first byte of a character and the least value that needs them, or 4
 * when ${c} begins none. */
static unsigned
utf8_follow(uint8_t c, uint32_t *ret_bits, uint32_t *ret_least)
{
    if (c < 0x80) {
        *ret_bits = c, *ret_least = 1;
        return 0;
    }
    if ((c & 0xe0) == 0xc0) {
        *ret_bits = c & 0x1fu, *ret_least = 0x80;
        return 1;
    }
    if ((c & 0xf0) == 0xe0) {
        *ret_bits = c & 0x0fu, *ret_least = 0x800;
        return 2;
    }
    if ((c & 0xf8) == 0xf0) {
        *ret_bits = c & 0x07u, *ret_least = 0x10000;
        return 3;
    }
    return 4;
}

bool
format_is_text(const void *data, size_t len)
{
    const uint8_t *p = data;
    size_t i = 0;

    while (i < len) {
        uint32_t c = 0, least = 0;
        unsigned follow = utf8_follow(p[i++], &c, &least);

        if (follow > 3 || follow > len - i)
            return false;
        for (; follow > 0; follow--, i++) {
            if ((p[i] & 0xc0) != 0x80)
                return false;
            c = c << 6 | (p[i] & 0x3fu);
        }
        if (c < least || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
            return false;
    }
    return true;
}

/* A name or label; what is too long or no text makes the reader bad. */
static struct view
rd_name(struct rd *r)
{
    size_t len = rd_u16(r);

    if (len > VAULT_NAME_MAX)
        r->bad = true;
    const uint8_t *p = rd_bytes(r, len);
    if (p == NULL || !format_is_text(p, len)) {
        r->bad = true;
        return (struct view){ NULL, 0 };
    }
    return (struct view){ p, len };
}

static void
rd_label(struct rd *r, char to[VAULT_NAME_MAX + 1])
{
    struct view name = rd_name(r);

    memset(to, 0, VAULT_NAME_MAX + 1);
    if (name.len > 0)
        memcpy(to, name.data, name.len);
}

static void
wr_name(struct wr *w, const char *name)
{
    size_t len = strlen(name);

    assert(len <= VAULT_NAME_MAX);
    wr_u16(w, (uint16_t)len);
    wr_bytes(w, name, len);
}

static uint8_t
log2_of(unsigned v)
{
    return (uint8_t)(31 - __builtin_clz(v));
}

bool
header_decode(struct view body, struct header_body *ret)
{
    struct header_body h = { 0 };
    struct rd r = rd_from(body.data, body.len);

    rd_copy(&r, h.vault.b, VAULT_KEY_LEN);
    h.created_ns = rd_u64(&r);
    uint8_t algorithm = rd_u8(&r), block = rd_u8(&r), frame = rd_u8(&r), fanout = rd_u8(&r);
    uint8_t trust = rd_u8(&r);
    uint64_t reserved = rd_le(&r, 3);
    h.id_epoch = rd_u32(&r);
    rd_copy(&r, h.root_pub, 32);
    rd_copy(&r, h.data_pub, 32);
    rd_label(&r, h.label);
    rd_copy(&r, h.signature, SEAL_SIGNATURE);
    if (!rd_ended(&r) || algorithm != ID_HMAC_SHA256 || block < log2_of(VAULT_BLOCK_MIN) ||
        block > log2_of(VAULT_BLOCK_MAX) || frame != FRAME_LOG2 || fanout != FANOUT_LOG2 ||
        trust > 1 || reserved != 0 || h.created_ns > INT64_MAX)
        return false;
    h.block_len = 1u << block;
    h.trust_group = trust == 1;
    *ret = h;
    return true;
}

size_t
header_encode(const struct header_body *h, uint8_t to[HEADER_BODY_MAX])
{
    struct wr w = wr_to(to, HEADER_BODY_MAX);

    wr_bytes(&w, h->vault.b, VAULT_KEY_LEN);
    wr_u64(&w, h->created_ns);
    wr_u8(&w, ID_HMAC_SHA256);
    wr_u8(&w, log2_of(h->block_len));
    wr_u8(&w, FRAME_LOG2);
    wr_u8(&w, FANOUT_LOG2);
    wr_u8(&w, h->trust_group);
    wr_zero(&w, 3);
    wr_u32(&w, h->id_epoch);
    wr_bytes(&w, h->root_pub, 32);
    wr_bytes(&w, h->data_pub, 32);
    wr_name(&w, h->label);
    wr_bytes(&w, h->signature, SEAL_SIGNATURE);
    return w.len;
}

/* Do the fields of key derivation belong to the way in which the slot opens? */
static bool
slot_kdf_ok(const struct slot_body *s, uint8_t kdf)
{
    if (s->how == SLOT_PASSPHRASE)
        return kdf == KDF_ARGON2ID && s->passes >= 1 && s->passes <= KDF_PASSES_MAX &&
            s->kib >= KDF_KIB_MIN && s->kib <= KDF_KIB_MAX;
    return s->how == SLOT_KEY_FILE && kdf == 0 && s->passes == 0 && s->kib == 0 &&
        bytes_are_zero(s->salt, sizeof s->salt);
}

bool
slot_decode(struct view body, struct slot_body *ret)
{
    struct slot_body s = { 0 };
    struct rd r = rd_from(body.data, body.len);

    rd_copy(&r, s.id.b, VAULT_KEY_LEN);
    s.how = rd_u8(&r);
    s.holds = rd_u8(&r);
    uint8_t kdf = rd_u8(&r), reserved = rd_u8(&r);
    s.created_ns = rd_u64(&r);
    s.passes = rd_u32(&r);
    s.kib = rd_u32(&r);
    rd_copy(&r, s.salt, sizeof s.salt);
    rd_label(&r, s.label);
    rd_copy(&r, s.nonce, SLOT_NONCE);
    rd_copy(&r, s.sealed, SLOT_SEALED);
    if (!rd_ended(&r) || !slot_kdf_ok(&s, kdf) || s.holds < 1 || s.holds > 3 ||
        reserved != 0 || s.created_ns > INT64_MAX)
        return false;
    *ret = s;
    return true;
}

size_t
slot_encode(const struct slot_body *s, uint8_t to[SLOT_BODY_MAX])
{
    struct wr w = wr_to(to, SLOT_BODY_MAX);

    wr_bytes(&w, s->id.b, VAULT_KEY_LEN);
    wr_u8(&w, s->how);
    wr_u8(&w, s->holds);
    wr_u8(&w, s->how == SLOT_PASSPHRASE ? KDF_ARGON2ID : 0);
    wr_u8(&w, 0);
    wr_u64(&w, s->created_ns);
    wr_u32(&w, s->passes);
    wr_u32(&w, s->kib);
    wr_bytes(&w, s->salt, sizeof s->salt);
    wr_name(&w, s->label);
    wr_bytes(&w, s->nonce, SLOT_NONCE);
    wr_bytes(&w, s->sealed, SLOT_SEALED);
    return w.len;
}

size_t
slot_bound_len(size_t encoded_len)
{
    return encoded_len - SLOT_NONCE - SLOT_SEALED;
}

void
cert_free(struct cert *c)
{
    int keep = errno;

    if (c == NULL)
        return;
    for (size_t i = 0; c->machines != NULL && i < c->nmachines; i++)
        free(c->machines[i]);
    free(c->machines);
    free(c);
    errno = keep;
}

bool
cert_allows(const struct cert *c, const char *machine)
{
    for (size_t i = 0; i < c->nmachines; i++)
        if (strcmp(c->machines[i], "*") == 0 || strcmp(c->machines[i], machine) == 0)
            return true;
    return false;
}

/* A failure is of memory only; a malformed name makes ${r} bad. */
static struct err *must_use
cert_read_machines(struct rd *r, size_t n, struct cert *c)
{
    c->machines = calloc(n, sizeof *c->machines);
    if (c->machines == NULL)
        return fail(OutOfMemory);
    for (c->nmachines = 0; c->nmachines < n; c->nmachines++) {
        struct view name = rd_name(r);

        if (name.len == 0)
            r->bad = true;
        if (r->bad)
            return NULL;
        c->machines[c->nmachines] = strndup((const char *)name.data, name.len);
        if (c->machines[c->nmachines] == NULL)
            return fail(OutOfMemory);
    }
    return NULL;
}

struct err *
cert_decode(struct view body, struct cert **ret)
{
    auto_ptr(cert) c = calloc(1, sizeof *c);
    struct rd r = rd_from(body.data, body.len);

    if (c == NULL)
        return fail(OutOfMemory);
    *ret = NULL;
    uint8_t role = rd_u8(&r);
    uint64_t reserved = rd_le(&r, 3);
    rd_copy(&r, c->public_key, 32);
    uint64_t created = rd_u64(&r);
    size_t n = rd_u16(&r);
    if (r.bad || role < ROLE_WRITER || role > ROLE_BYTE_OWNER || reserved != 0 ||
        created > INT64_MAX || n < 1 || n > MACHINES_MAX)
        return NULL;
    c->owner = role == ROLE_BYTE_OWNER;
    c->role = c->owner ? ROLE_WRITER : (enum keys_role)role;
    c->created_ns = (int64_t)created;
    TRY(cert_read_machines(&r, n, c));
    (void)rd_bytes(&r, SEAL_SIGNATURE);
    if (!rd_ended(&r) || (c->owner && (n != 1 || strcmp(c->machines[0], "*") != 0)))
        return NULL;
    *ret = take(c);
    return NULL;
}

size_t
cert_encode(const struct cert *c, const uint8_t signature[SEAL_SIGNATURE], uint8_t *to)
{
    struct wr w = wr_to(to, CERT_BODY_MAX);

    assert(c->nmachines >= 1 && c->nmachines <= MACHINES_MAX);
    wr_u8(&w, c->owner ? ROLE_BYTE_OWNER : (uint8_t)c->role);
    wr_zero(&w, 3);
    wr_bytes(&w, c->public_key, 32);
    wr_u64(&w, (uint64_t)c->created_ns);
    wr_u16(&w, (uint16_t)c->nmachines);
    for (size_t i = 0; i < c->nmachines; i++)
        wr_name(&w, c->machines[i]);
    wr_bytes(&w, signature, SEAL_SIGNATURE);
    return w.len;
}

bool
revoked_decode(struct view body, struct revoked_body *ret)
{
    struct revoked_body v = { 0 };
    struct rd r = rd_from(body.data, body.len);

    rd_copy(&r, v.writer.b, VAULT_KEY_LEN);
    rd_copy(&r, v.last.b, VAULT_KEY_LEN);
    v.last_seq = rd_u64(&r);
    rd_copy(&r, v.signature, SEAL_SIGNATURE);
    /* no last point: no sequence number */
    if (!rd_ended(&r) || (bytes_are_zero(v.last.b, VAULT_KEY_LEN) && v.last_seq != 0))
        return false;
    *ret = v;
    return true;
}

void
revoked_encode(const struct revoked_body *v, uint8_t to[REVOKED_BODY])
{
    struct wr w = wr_to(to, REVOKED_BODY);

    wr_bytes(&w, v->writer.b, VAULT_KEY_LEN);
    wr_bytes(&w, v->last.b, VAULT_KEY_LEN);
    wr_u64(&w, v->last_seq);
    wr_bytes(&w, v->signature, SEAL_SIGNATURE);
}

bool
key_file_decode(struct view body, struct key_file_body *ret)
{
    struct key_file_body f = { 0 };
    struct rd r = rd_from(body.data, body.len);

    rd_copy(&r, f.slot.b, VAULT_KEY_LEN);
    f.key = rd_bytes(&r, SEAL_KEY);
    if (!rd_ended(&r))
        return false;
    *ret = f;
    return true;
}

void
key_file_encode(const struct key_file_body *f, uint8_t to[KEY_FILE_BODY])
{
    struct wr w = wr_to(to, KEY_FILE_BODY);

    wr_bytes(&w, f->slot.b, VAULT_KEY_LEN);
    wr_bytes(&w, f->key, SEAL_KEY);
}

bool
writer_file_decode(struct view body, struct writer_file_body *ret)
{
    struct writer_file_body f = { 0 };
    struct rd r = rd_from(body.data, body.len);

    f.root_pub = rd_bytes(&r, 32);
    f.data_pub = rd_bytes(&r, 32);
    f.sign_seed = rd_bytes(&r, 32);
    f.id_epoch = rd_u32(&r);
    f.id_key = rd_bytes(&r, SEAL_KEY);
    f.index_key = rd_bytes(&r, SEAL_KEY);
    f.map_key = rd_bytes(&r, SEAL_KEY);
    f.cert.len = rd_u32(&r);
    if (f.cert.len == 0 || f.cert.len > CERT_BODY_MAX)
        return false;
    f.cert.data = rd_bytes(&r, f.cert.len);
    if (!rd_ended(&r))
        return false;
    *ret = f;
    return true;
}

void
writer_file_encode(const struct writer_file_body *f, uint8_t *to)
{
    struct wr w = wr_to(to, WRITER_FILE_FIXED + f->cert.len);

    wr_bytes(&w, f->root_pub, 32);
    wr_bytes(&w, f->data_pub, 32);
    wr_bytes(&w, f->sign_seed, 32);
    wr_u32(&w, f->id_epoch);
    wr_bytes(&w, f->id_key, SEAL_KEY);
    wr_bytes(&w, f->index_key, SEAL_KEY);
    wr_bytes(&w, f->map_key, SEAL_KEY);
    wr_u32(&w, (uint32_t)f->cert.len);
    wr_bytes(&w, f->cert.data, f->cert.len);
}
