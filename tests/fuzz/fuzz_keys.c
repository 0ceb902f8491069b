/* SPDX-License-Identifier: Apache-2.0 */
/* The bodies that decide whom a vault believes, from any bytes: the first byte chooses the
 * kind.  What a decoder takes encodes to the same bytes again, so nothing in a body is
 * passed over unseen, and every limit of the page holds for it. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codes.h"
#include "keys_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
same(struct view body, const uint8_t *again, size_t len)
{
    assert(len == body.len && memcmp(again, body.data, len) == 0);
}

static void
fuzz_header(struct view body)
{
    uint8_t again[HEADER_BODY_MAX];
    struct header_body h;

    if (!header_decode(body, &h))
        return;
    assert(h.block_len >= VAULT_BLOCK_MIN && h.block_len <= VAULT_BLOCK_MAX);
    assert(strlen(h.label) <= VAULT_NAME_MAX && h.created_ns <= INT64_MAX);
    same(body, again, header_encode(&h, again));
}

static void
fuzz_slot(struct view body)
{
    uint8_t again[SLOT_BODY_MAX];
    struct slot_body s;

    if (!slot_decode(body, &s))
        return;
    assert(s.passes <= KDF_PASSES_MAX && s.kib <= KDF_KIB_MAX);
    assert((s.how == SLOT_PASSPHRASE) == (s.passes > 0));
    assert(strlen(s.label) <= VAULT_NAME_MAX);
    same(body, again, slot_encode(&s, again));
}

static void
fuzz_cert(struct view body)
{
    static uint8_t again[CERT_BODY_MAX];
    auto_ptr(cert) c = NULL;
    struct err *e = cert_decode(body, &c);

    if (e != NULL) {
        assert(err_code(e) == E_OutOfMemory);
        err_free(e);
        return;
    }
    if (c == NULL)
        return;
    assert(c->nmachines >= 1 && c->nmachines <= MACHINES_MAX);
    for (size_t i = 0; i < c->nmachines; i++) {
        assert(c->machines[i][0] != '\0' && strlen(c->machines[i]) <= VAULT_NAME_MAX);
        assert(cert_allows(c, c->machines[i]));
    }
    same(body, again, cert_encode(c, body.data + body.len - SEAL_SIGNATURE, again));
}

static void
fuzz_revoked(struct view body)
{
    uint8_t again[REVOKED_BODY];
    struct revoked_body r;

    if (!revoked_decode(body, &r))
        return;
    revoked_encode(&r, again);
    same(body, again, sizeof again);
}

static void
fuzz_key_file(struct view body)
{
    uint8_t again[KEY_FILE_BODY];
    struct key_file_body f;

    if (!key_file_decode(body, &f))
        return;
    key_file_encode(&f, again);
    same(body, again, sizeof again);
}

static void
fuzz_writer_file(struct view body)
{
    static uint8_t again[WRITER_FILE_BODY_MAX];
    struct writer_file_body f;

    if (!writer_file_decode(body, &f))
        return;
    writer_file_encode(&f, again);
    same(body, again, WRITER_FILE_FIXED + f.cert.len);
    fuzz_cert(f.cert);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const targets[])(struct view) = { fuzz_header, fuzz_slot, fuzz_cert,
        fuzz_revoked, fuzz_key_file, fuzz_writer_file };

    if (size < 1)
        return 0;
    (void)format_is_text(data + 1, size - 1);
    if (data[0] < sizeof targets / sizeof targets[0])
        targets[data[0]]((struct view){ data + 1, size - 1 });
    return 0;
}
