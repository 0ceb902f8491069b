/* SPDX-License-Identifier: Apache-2.0 */
/* index_run.h -- one index run: opening it, reading its pages, writing a new one
 * (firn-vault(5), INDEX RUNS).
 *
 * Opening reads head, fence and the list of packs; the head's signature covers the fence,
 * the fence each page.  A run whose bytes do not agree is read whole and mended in memory. */
#ifndef INDEX_RUN_H
#define INDEX_RUN_H

#include "armour.h"
#include "auto.h"
#include "index.h"
#include "keys_internal.h"
#include "seal.h"

enum {
    RUN_HEAD = 16 + 16 + 32 + 1 + 3 + 5 * 4 - 4 + 2 + 2 + 32 + SEAL_SIGNATURE,
    RUN_PAGE = 4096,
    RUN_PAGE_PLAIN = RUN_PAGE - SEAL_TAG,
    RUN_RECORD = 40,
    RUN_PER_PAGE = RUN_PAGE_PLAIN / RUN_RECORD,
    RUN_FENCE = 24,
    RUN_SUPERSEDED_MAX = 4096,
    RUN_BODY_MAX = 16 << 20,
};

struct run {
    char name[KEYS_NAME_MAX];
    uint8_t hash[32];
    struct vault_key writer;
    bool vouched, trusted, gone; /* gone: superseded */
    uint32_t nentries, npages, npacks, npack_pages;
    uint64_t body_off, pages_off; /* of the body in the object; of the pages in the body */
    uint8_t key[SEAL_KEY];
    uint64_t *first;        /* npages: the first 8 bytes of each page's first id */
    uint64_t last;          /* of the last id, once it was seen, else UINT64_MAX; atomic */
    uint8_t (*check)[16];   /* npages + npack_pages */
    uint32_t *pack;         /* npacks: numbers in the index */
    struct index_pack *packs; /* until the index took them */
    uint8_t (*superseded)[32];
    unsigned nsuperseded;
    uint8_t *image;         /* the body, when it had to be mended; else NULL */
};
void run_free(struct run *r);
DEFINE_AUTO(run);

/* Open ${name}.  ObjectDamaged, ObjectForeign (not believed). */
struct err *run_open(struct store *s, const struct keys *k, struct seal *seal,
    const char *name, struct run **ret) must_use;

/* Page number ${page} in clear, RUN_PAGE_PLAIN bytes. *ret_ok = false when it cannot be had. */
struct err *run_page(struct store *s, const struct keys *k, struct seal *seal, struct run *r,
    uint32_t page, uint8_t *to, bool *ret_ok) must_use;

/* The entry that ${rec}, a record of an entry page, tells: pack is the index's number.  false:
 * it names no pack of the run. */
bool run_entry(const struct run *r, const uint8_t rec[RUN_RECORD], struct index_new *ret);

struct run_new {
    struct index_new *entries; /* ascending by id */
    size_t nentries;
    const struct index_pack *packs;
    size_t npacks;
    uint8_t (*superseded)[32];
    size_t nsuperseded;
};
/* Make, sign and put; its name goes to ${ret_name}. */
struct err *run_put(struct store *s, const struct keys *k, struct seal *seal,
    const struct run_new *n, char ret_name[KEYS_NAME_MAX]) must_use;

#endif
