/* SPDX-License-Identifier: Apache-2.0 */
/* packs.h -- packs as a reader sees them: opened frame tables and envelopes, kept for the
 * packs that were asked last, and packs that had to be mended in memory.
 *
 * A frame table is sealed with the index key, so a table that opens is true; a frame is
 * sealed with its envelope's key.  Neither looks at armour, until something is wrong: then
 * the whole pack is read, mended from its parity, proved by the hash that names it, and
 * read from memory. */
#ifndef PACKS_H
#define PACKS_H

#include "auto.h"
#include "err.h"
#include "index.h"
#include "pack.h"
#include "seal.h"

struct packs;
struct vault;
struct lane;

struct err *packs_new(struct packs **ret) must_use;
void packs_free(struct packs *p);
DEFINE_AUTO(packs);

/* A pack whose table is open. */
struct opened_envelope {
    bool have_key; /* this process may have it */
    uint8_t key[SEAL_KEY], origin[16];
    struct vault_key writer;
};
struct opened_pack {
    uint32_t number; /* in the index; UINT32_MAX: in none */
    char name[PACK_NAME_LEN + 1];
    uint64_t body_off;
    uint8_t kind;
    uint16_t nframes;
    struct pack_frame *frames;
    uint16_t nenvelopes;
    struct opened_envelope *envelopes;
    const uint8_t *body; /* in memory, when it was mended there; else NULL */
};
void opened_pack_free(struct opened_pack *o);
DEFINE_AUTO(opened_pack);

/* Open the table of a pack; ${body} is NULL, or the body in memory, which stays borrowed.
 * *ret = NULL when what was read is not the pack's table, or ends too early. */
struct err *packs_open(struct vault *v, struct seal *seal, const struct index_pack *pack,
    const uint8_t *body, struct opened_pack **ret) must_use;

/* Read one frame's ciphertext and tag into ${to}, or find it in memory. *ret = NULL when the
 * object ends too early. */
struct err *packs_read(struct vault *v, const struct opened_pack *o,
    const struct pack_frame *f, uint8_t *to, const uint8_t **ret) must_use;

/* Open a frame of an opened pack into ${to}, which has room for raw_len bytes.  *ret_ok =
 * false when it is not what was sealed.  KeyCannotRead. */
struct err *packs_unseal(struct vault *v, struct lane *l, const struct opened_pack *o,
    uint16_t frame, uint8_t *packed, uint8_t *to, bool *ret_ok) must_use;

/* A whole pack in fresh memory, mended as far as parity can: *ret_ok when its bytes hash to
 * its name.  *ret_found = false: the object is not there. */
struct pack_image {
    uint8_t *object;
    size_t len;
    struct view body;
    bool mended; /* it was not so in the store */
};
struct err *packs_image(struct vault *v, const struct index_pack *pack, struct pack_image *ret,
    bool *ret_ok, bool *ret_found) must_use;
void pack_image_done(struct pack_image *i);

#endif
