/* SPDX-License-Identifier: Apache-2.0 */
/* store.h -- where the vault's bytes rest: immutable objects by name.
 *
 * A store keeps objects under names such as "packs/3f/3fa9..." (at most STORE_NAME_MAX
 * bytes of [a-z0-9./_-], no empty or dotted component, at most four components).  Objects
 * are put once and whole; nobody ever sees half of one.  Every body must keep these
 * promises (tests/lib/store_conformance.c asks each of them):
 *
 *   put      puts if absent: of two callers with one name exactly one sees *ret_new = true.
 *   list     shows every object that was put and not removed before list began.
 *   get      reads a range of one object; a range beyond its end is cut short.
 *   barrier  when it returns, all that was put under the named folders, by anybody, and
 *            seen by this process, survives a loss of power.
 *   replace  puts other bytes under a taken name; only repair does that, after it has
 *            proved that the new bytes are the object that the name stands for.
 *
 * All calls may be made from several threads at once.  Failures: StoreUnreachable, StoreAway
 * (the whole place does not answer at present), StoreIoFailed, StoreFull, StorePermission,
 * StoreNameInvalid ...; see articles/store. */
#ifndef STORE_H
#define STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auto.h"
#include "err.h"

/* STORE_ALIGN: a large object that begins on such a boundary in memory is the cheapest to put:
 * a folder then takes it past the page cache. */
enum { STORE_NAME_MAX = 200, STORE_OBJECT_MAX = 1 << 30, STORE_ALIGN = 4096 };

struct store;

/* One piece of an object that is put; pieces are written one after the other. */
struct store_piece {
    const void *data;
    size_t len;
};

/* Called for each object that list finds; a failure ends the listing and is passed up. */
typedef struct err *store_list_fn(void *arg, const char *name, uint64_t len);

struct store_vtable {
    struct err *(*put)(struct store *s, const char *name, const struct store_piece *pieces,
        size_t npieces, bool *ret_new);
    struct err *(*get)(struct store *s, const char *name, uint64_t off, void *buf, size_t len,
        size_t *ret_len, bool *ret_found);
    struct err *(*stat)(struct store *s, const char *name, uint64_t *ret_len, bool *ret_found);
    struct err *(*list)(struct store *s, const char *folder, store_list_fn *each, void *arg);
    struct err *(*barrier)(struct store *s, const char *const *folders, size_t nfolders);
    struct err *(*replace)(struct store *s, const char *name, const struct store_piece *pieces,
        size_t npieces);
    struct err *(*remove)(struct store *s, const char *name, bool *ret_found);
    void (*free)(struct store *s);
};

/* The first member of every body. */
struct store {
    const struct store_vtable *call;
    const char *place; /* where it is, for messages; the body's; NULL: in memory */
};

/* For messages. */
static inline const char *
store_place(const struct store *s)
{
    return s->place != NULL ? s->place : "memory";
}

/* Put an object if its name is free.  *ret_new = false: the name was taken and nothing was
 * written (the caller compares where it must).  The bytes are durable when put returns;
 * the name is durable after a barrier over its folder. */
struct err *store_put(struct store *s, const char *name, const void *data, size_t len,
    bool *ret_new) must_use;
struct err *store_put_pieces(struct store *s, const char *name,
    const struct store_piece *pieces, size_t npieces, bool *ret_new) must_use;

/* Read up to ${len} bytes at ${off}; *ret_len says how many there were.  An object that is
 * not there is *ret_found = false, not a failure. */
struct err *store_get(struct store *s, const char *name, uint64_t off, void *buf, size_t len,
    size_t *ret_len, bool *ret_found) must_use;

/* Read a whole object of at most ${max} bytes into fresh memory, which the caller frees.
 * StoreObjectTooLarge when it is longer. */
struct err *store_get_all(struct store *s, const char *name, size_t max, uint8_t **ret_data,
    size_t *ret_len, bool *ret_found) must_use;

struct err *store_stat(struct store *s, const char *name, uint64_t *ret_len,
    bool *ret_found) must_use;

/* All objects in ${folder} ("packs", "points") and in the folders below it, in no order.
 * A folder that is not there is empty. */
struct err *store_list(struct store *s, const char *folder, store_list_fn *each,
    void *arg) must_use;

/* Make the names under ${folders} durable, and the folders themselves. */
struct err *store_barrier(struct store *s, const char *const *folders,
    size_t nfolders) must_use;

struct err *store_replace(struct store *s, const char *name, const void *data,
    size_t len) must_use;

struct err *store_remove(struct store *s, const char *name, bool *ret_found) must_use;

/* Is ${name} one that a store may be asked for? */
bool store_name_ok(const char *name);

/* Accepts NULL. */
void store_free(struct store *s);
DEFINE_AUTO(store);

/* The embedded default: a folder.  ${create} makes the folder (and not its parents) if it
 * is not there, and probes that the file system does put-if-absent and lists what was put
 * (StoreUnfit otherwise).  Order of system calls: store_dir_put.c. */
struct err *store_dir_open(const char *path, bool create, struct store **ret) must_use;

/* Open the folder anew by its path: *ret is NULL when ${s}, which store_dir_open made, still
 * stands for it, and has the vault's folder of packs.  Otherwise something else is there now,
 * another mount for one. */
struct err *store_dir_again(struct store *s, struct store **ret) must_use;

/* In memory, for tests and rehearsals. */
struct err *store_mem_new(struct store **ret) must_use;

#endif
