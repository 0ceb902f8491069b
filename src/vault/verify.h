/* SPDX-License-Identifier: Apache-2.0 */
/* verify.h -- what verify.c (order), verify_objects.c (small objects), verify_packs.c and
 * verify_walk.c (what points lose) share.
 *
 * First every object is looked at by itself, and mended if asked; then every point is walked
 * from its root, and what cannot be reached from good objects is charged to the object that
 * should have given it. */
#ifndef VERIFY_H
#define VERIFY_H

#include <pthread.h>

#include "points.h"
#include "vault_internal.h"

struct verify {
    struct vault *v;
    const struct vault_check *c;
    struct vault_report *report;
    pthread_mutex_t lock; /* guards report while packs are checked */
    pthread_mutex_t repair_lock; /* one pack is mended at a time */
    uint32_t npacks, nruns;
    bool *pack_bad;      /* by the index's number: it cannot be used */
    bool *pack_wanted;   /* NULL: all */
    uint8_t **confirmed; /* by run: a bit for each entry whose bytes were seen; with data */
    uint64_t done_bytes, total_bytes; /* of packs, for progress */
    uint64_t *clean;     /* ids (first 8 bytes) of nodes below which nothing is lost */
    size_t nclean, clean_room;
};

/* Add a damage; takes ${why}. *ret is its number in the report. */
struct err *verify_damage(struct verify *f, const char *object, bool repaired,
    struct err *why, size_t *ret) must_use;

/* The number of ${object}'s damage, which is added if there is none. */
struct err *verify_damage_of(struct verify *f, const char *object, size_t *ret) must_use;

/* A listed point loses [off, off + len) of a disk by damage number ${at}. */
struct err *verify_hit(struct verify *f, size_t at, const struct vault_point *p,
    const struct vault_disk *d, uint64_t off, uint64_t len) must_use;

struct err *verify_objects(struct verify *f) must_use;
struct err *verify_packs(struct verify *f) must_use;
/* Mark what ${p} needs in pack_wanted. */
struct err *verify_want(struct verify *f, const struct vault_point *p) must_use;
/* *ret_whole: nothing of the point is lost. */
struct err *verify_walk(struct verify *f, const struct vault_point *p,
    bool *ret_whole) must_use;

#endif
