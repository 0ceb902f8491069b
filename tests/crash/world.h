/* SPDX-License-Identifier: Apache-2.0 */
/* world.h -- a folder with a vault, keys and restored disks in it, what firn promised about
 * them, and whether a state of that folder keeps the promises.
 *
 * Everything is done by the real code.  A promise holds from the moment at which the call
 * that makes it has returned. */
#ifndef WORLD_H
#define WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "pattern.h"
#include "secret.h"
#include "vault.h"

enum { WORLD_PROMISES_MAX = 64, WORLD_LANES = 2 };

enum promise_kind {
    PROMISE_VAULT,    /* there is a vault */
    PROMISE_POINT,    /* this point restores to these bytes */
    PROMISE_KEY,      /* this passphrase or key file opens it */
    PROMISE_NO_KEY,   /* this one does not any more */
    PROMISE_RESTORED, /* this file has these bytes */
    PROMISE_MENDED,   /* nothing is damaged */
};

struct promise {
    enum promise_kind kind;
    size_t at;            /* steps of the record; SIZE_MAX: not made yet */
    struct vault_key point;
    uint8_t *data;
    uint64_t size;
    const char *secret;   /* passphrase, or ... */
    const char *key_file; /* ... name of a file in the folder */
    const char *file;
};

struct world {
    char root[1024]; /* the folder that is recorded */
    struct promise promise[WORLD_PROMISES_MAX];
    unsigned npromises;
    uint8_t *disk; /* as it is now */
    uint64_t size;
    struct rng rng;
    bool damaged;  /* a file was damaged, so mending may be told of until PROMISE_MENDED */
    bool check_keys; /* also try each key: slow */
};

/* An empty folder ${root}, and a disk of ${size} bytes. */
void world_begin(struct world *w, const char *root, uint64_t size, uint64_t seed);
void world_done(struct world *w);

/* ---- doing; a failure comes back ---- */

/* Make the vault, opened by the passphrase "one". */
struct err *world_init(struct world *w) must_use;
/* Open it: by ${key_file} (in the folder), or by ${secret}. */
struct err *world_open(const char *root, const char *secret, const char *key_file,
    struct vault **ret) must_use;
struct err *world_add_key(struct world *w, struct vault *v, const char *secret,
    const char *key_file, struct vault_key *ret) must_use;
/* Change a few blocks of the disk. */
void world_change(struct world *w);
/* Back up the disk as it is; what ${machine} says is promised. */
struct err *world_backup(struct world *w, struct vault *v, const char *machine) must_use;
struct err *world_repair(struct world *w, struct vault *v) must_use;
/* Restore promise number ${n}, a point, to out.raw. */
struct err *world_restore(struct world *w, struct vault *v, unsigned n, bool force) must_use;

/* ---- judging ---- */

/* Does the state in ${folder} keep all promises made before step ${at}?  As explore_check. */
bool world_check(void *arg, const char *folder, size_t at, char *why);

#endif
