/* SPDX-License-Identifier: Apache-2.0 */
/* pack.h -- the parts of a pack: head, envelopes, frames, frame table (firn-vault(5)).
 * Encoding and decoding only; packer.h fills packs, reader.h opens them. */
#ifndef PACK_H
#define PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes.h"
#include "seal.h"
#include "vault.h"

enum {
    PACK_HEAD = 32,
    PACK_ENVELOPE = 160,
    PACK_ENVELOPES_MAX = 64,
    PACK_FRAMES_MAX = 65535,
    PACK_FRAME_REC = 24,
    PACK_TARGET = 16 << 20,             /* a writer seals before the body passes this ... */
    PACK_BODY_MAX = PACK_TARGET + 65536, /* ... so with the table it stays below this */
    PACK_SEALED_BOX = 112,
    NODE_LEN = 8 + VAULT_FANOUT * VAULT_ID_LEN,
    NODE_FRAME_MAX = 31,
};

enum pack_codec { CODEC_STORED = 0, CODEC_ZSTD = 1 };
enum pack_how { ENVELOPE_DATA = 1, ENVELOPE_MAP = 2 };

struct pack_frame {
    uint32_t off;     /* of the ciphertext in the body */
    uint32_t len;     /* of the ciphertext, without its tag */
    uint32_t raw_len; /* when opened */
    uint32_t ordinal;
    uint16_t slots;   /* blocks or nodes */
    uint8_t codec, envelope;
};

struct pack_envelope {
    enum pack_how how;
    uint8_t origin[16];
    struct vault_key writer;
    uint8_t box[PACK_SEALED_BOX];
};

struct pack_head {
    uint16_t nenvelopes, nframes;
    uint32_t table_off, table_len; /* table_len counts the tag */
    uint8_t salt[16];
};

void pack_head_write(const struct pack_head *h, uint8_t to[PACK_HEAD]);
/* Also checks that the table lies within ${body_len} and has nframes records. */
bool pack_head_read(const uint8_t from[PACK_HEAD], uint64_t body_len, struct pack_head *ret);

void pack_envelope_write(const struct pack_envelope *e, uint8_t to[PACK_ENVELOPE]);
bool pack_envelope_read(const uint8_t from[PACK_ENVELOPE], struct pack_envelope *ret);

void pack_frame_write(const struct pack_frame *f, uint8_t to[PACK_FRAME_REC]);
/* Checks every number of the record: it lies before the table, does not reach back over
 * ${after} (where the last one ended), and opens to slots * slot_len bytes. */
bool pack_frame_read(const uint8_t from[PACK_FRAME_REC], const struct pack_head *h,
    uint32_t after, uint32_t slot_len, struct pack_frame *ret);

/* The associated data that a frame is sealed with. */
enum { PACK_AAD = 16 + 16 + 4 + 4 + 4 + 1 };
void pack_frame_aad(const struct vault_key *vault, const uint8_t origin[16],
    const struct pack_frame *f, uint8_t to[PACK_AAD]);

/* "packs/3f/3fa9..." into ${to}. */
enum { PACK_NAME_LEN = 6 + 3 + 64 };
void pack_name(const uint8_t hash[32], char to[PACK_NAME_LEN + 1]);

#endif
