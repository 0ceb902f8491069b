/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a pack from any bytes: head, envelopes, then the records of the frame table,
 * as a reader that has opened the table would take them.  What is taken lies where it may,
 * and encodes to the same bytes again. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
frames(const struct pack_head *h, struct view from, uint32_t slot_len)
{
    uint32_t after = PACK_HEAD + (uint32_t)h->nenvelopes * PACK_ENVELOPE;
    uint8_t again[PACK_FRAME_REC];
    struct pack_frame f;

    for (unsigned i = 0; i < h->nframes && from.len >= PACK_FRAME_REC; i++) {
        if (!pack_frame_read(from.data, h, after, slot_len, &f))
            return;
        assert(f.off >= after && (uint64_t)f.off + f.len + SEAL_TAG <= h->table_off);
        assert(f.raw_len <= VAULT_FRAME_LEN && f.len <= f.raw_len && f.slots > 0);
        assert(f.envelope < h->nenvelopes);
        pack_frame_write(&f, again);
        assert(memcmp(again, from.data, sizeof(again)) == 0);
        after = f.off + f.len + SEAL_TAG;
        from = (struct view){ from.data + PACK_FRAME_REC, from.len - PACK_FRAME_REC };
    }
}

/* The body is as long as the head says; the input has its records where they begin. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t again[PACK_ENVELOPE];
    struct pack_envelope env;
    struct pack_head h;

    if (size < PACK_HEAD)
        return 0;
    uint64_t body_len = get_le(data + 4, 4) + get_le(data + 8, 4);
    if (!pack_head_read(data, body_len, &h))
        return 0;
    assert(h.nenvelopes >= 1 && h.nenvelopes <= PACK_ENVELOPES_MAX && h.nframes >= 1);
    pack_head_write(&h, again);
    assert(memcmp(again, data, PACK_HEAD) == 0);
    struct view rest = { data + PACK_HEAD, size - PACK_HEAD };
    for (unsigned i = 0; i < h.nenvelopes && rest.len >= PACK_ENVELOPE; i++) {
        if (pack_envelope_read(rest.data, &env)) {
            pack_envelope_write(&env, again);
            assert(memcmp(again, rest.data, PACK_ENVELOPE) == 0);
        }
        rest = (struct view){ rest.data + PACK_ENVELOPE, rest.len - PACK_ENVELOPE };
    }
    frames(&h, rest, VAULT_BLOCK_MIN);
    frames(&h, rest, VAULT_BLOCK_MAX);
    frames(&h, rest, NODE_LEN);
    return 0;
}
