/* SPDX-License-Identifier: Apache-2.0 */
/* store_dir.h -- what the files of the folder store share.
 *
 *   store_dir.c       opening, probing, closing
 *   store_dir_put.c   putting, replacing, removing
 *   store_dir_get.c   reading
 *   store_dir_list.c  listing, and making names durable
 *
 * What a folder promises, and by which order of system calls, is told in each. */
#ifndef STORE_DIR_H
#define STORE_DIR_H

#include <dirent.h>
#include <pthread.h>

#include "store.h"

enum {
    DIR_OPEN_FILES = 128, /* index runs in turn, above all */
    DIR_DEPTH_MAX = 4,
    DIR_PATH_ROOM = STORE_NAME_MAX + 2 + 256, /* a folder, a slash, any entry */
};

struct dir_file {
    char name[STORE_NAME_MAX + 1];
    int fd;         /* -1: free */
    unsigned users; /* threads that read from it now */
    uint64_t used;
};

struct dir {
    struct store store;
    int fd;
    char *path;
    bool writable; /* when it was opened */
    pthread_mutex_t lock; /* guards the rest */
    struct dir_file file[DIR_OPEN_FILES];
    uint64_t clock;
};

/* The failure of ${call} by its errno: StoreFull, StorePermission, StoreAway, StoreIoFailed. */
struct err *dir_failed(const struct dir *d, const char *call, const char *name) must_use;

/* The folder that ${name} lies in; "." for the vault's own. */
void dir_folder_of(const char *name, char to[STORE_NAME_MAX + 1]);

/* Forget an open file, because its name means another file now. */
void dir_drop_file(struct dir *d, const char *name);

/* Make the bytes of an object durable that somebody else put. */
struct err *dir_sync_object(struct dir *d, const char *name, bool *ret_found) must_use;

/* Make the names in one folder durable. */
struct err *dir_sync_folder(struct dir *d, const char *folder) must_use;

/* ---- the calls of the vtable ---- */

struct err *dir_put(struct store *s, const char *name, const struct store_piece *pieces,
    size_t npieces, bool *ret_new) must_use;
struct err *dir_replace(struct store *s, const char *name, const struct store_piece *pieces,
    size_t npieces) must_use;
struct err *dir_remove(struct store *s, const char *name, bool *ret_found) must_use;
struct err *dir_get(struct store *s, const char *name, uint64_t off, void *buf, size_t len,
    size_t *ret_len, bool *ret_found) must_use;
struct err *dir_stat(struct store *s, const char *name, uint64_t *ret_len,
    bool *ret_found) must_use;
struct err *dir_list(struct store *s, const char *folder, store_list_fn *each,
    void *arg) must_use;
struct err *dir_barrier(struct store *s, const char *const *folders, size_t nfolders) must_use;

#endif
