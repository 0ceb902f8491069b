/* SPDX-License-Identifier: Apache-2.0 */
/* packer.h -- fills packs with sealed frames and puts them, beside the threads that make
 * the frames.
 *
 * A frame reserves its place in the open pack of its kind, is sealed straight into it by
 * its own thread without any lock, and reports that it is done.  A pack that is full and
 * has no frame under way is armoured, hashed and put by a background thread while the next
 * one fills.  There are three buffers for data packs and two for map packs, so memory is
 * bounded, and whoever is faster waits. */
#ifndef PACKER_H
#define PACKER_H

#include "auto.h"
#include "err.h"
#include "index.h"
#include "keys.h"
#include "pack.h"

struct packer;
struct store;

struct err *packer_new(struct store *s, const struct keys *k, bool gentle,
    struct packer **ret) must_use;
void packer_free(struct packer *p);
DEFINE_AUTO(packer);

enum packer_line { LINE_DATA, LINE_MAP };

/* A place for one frame. */
struct packer_place {
    uint32_t pack;  /* number of the pack, from 0, in packer_packs */
    uint16_t frame; /* in the pack's frame table */
    uint8_t *out;   /* len + SEAL_TAG bytes go here */
    const uint8_t *key, *origin;
    void *held_;
};

/* Reserve room for a frame of ${f}->len bytes of ciphertext; sets f->off, f->ordinal and
 * f->envelope.  Each reservation is ended by packer_done, also when sealing failed. */
struct err *packer_reserve(struct packer *p, enum packer_line line, struct pack_frame *f,
    struct packer_place *ret) must_use;
void packer_done(struct packer *p, struct packer_place *place);

/* Seal and put what is open, and wait for all puts.  No reservation may be under way. */
struct err *packer_flush(struct packer *p) must_use;

/* The packs so far; good after packer_flush. */
const struct index_pack *packer_packs(const struct packer *p, uint32_t *ret_n);
/* Forget them, and give the buffers' memory back: numbers begin at 0 again. */
void packer_restart(struct packer *p);

/* Bytes put as packs so far, armour included. */
uint64_t packer_stored(struct packer *p);

#endif
