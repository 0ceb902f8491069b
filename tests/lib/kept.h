/* SPDX-License-Identifier: Apache-2.0 */
/* kept.h -- a vault in a folder and what its points were made from, so that whatever happens
 * to the vault, each point can be held against the truth. */
#ifndef KEPT_H
#define KEPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "job.h"

enum { KEPT_DISKS = 2, KEPT_POINTS = 8, KEPT_BLOCK = 16384 };

#define KEPT_PASSPHRASE "what the tests say"

struct kept_disk {
    const char *name;
    uint8_t *data;
    uint64_t size;
};

struct kept_point {
    struct vault_key id;
    struct kept_disk disk[KEPT_DISKS];
    size_t ndisks;
};

/* Everything lies in pattern_folder(): the vault in "vault", its passphrase in "pass", a key
 * file in "key". */
struct kept {
    struct job job; /* opens "vault" by the key file, one thread */
    struct kept_point point[KEPT_POINTS];
    size_t npoints;
};

/* Make the vault, without points.  Warnings of jobs are freed and counted in kept_warnings. */
void kept_begin(struct kept *k);
void kept_end(struct kept *k);
extern unsigned kept_warnings;
void kept_warn(void *arg, struct err *warning);

/* Back up ${n} disks as a point of ${machine}, each from the file "NAME.raw", which is made
 * with these bytes; and remember them (the bytes are copied). */
void kept_back_up(struct kept *k, const char *machine, const struct kept_disk *disks,
    size_t n);

void kept_remember(struct kept *k, const struct vault_key *id, const struct kept_disk *disks,
    size_t n);

/* Copy a folder and all that is in it to a new one. */
void kept_copy_tree(const char *from, const char *to);

/* Open the vault at ${path} by the key file. */
struct vault *kept_open(const struct kept *k, const char *path);

/* Does the disk come back as it was?  Every byte that is given is compared, even when the
 * rest fails; a wrong byte is a failure of the test. */
struct err *kept_restore(struct vault *v, const struct vault_disk *d,
    const struct kept_disk *want);

/* The vault at ${path} is whole, but for what a repair mends at no loss (${mendable}: there
 * may be such), and every point is listed and comes back.  One more point may be listed
 * (*ret_extra, may be NULL) if ${extra} disks are given, which it must hold. */
void kept_check(const struct kept *k, const char *path, bool mendable,
    const struct kept_disk *extra, size_t nextra, bool *ret_extra);

#endif
