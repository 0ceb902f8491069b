/* SPDX-License-Identifier: Apache-2.0 */
/* store_dir_list.c -- listing what is there, and making names last.
 *
 * A barrier fsyncs a folder and, because it may be new, the folders above it. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "codes.h"
#include "store_dir.h"

/* ---- listing ---- */

static struct err *list_folder(struct dir *d, const char *folder, unsigned depth,
    store_list_fn *each, void *arg);

static struct err *
list_entry(struct dir *d, const char *name, unsigned depth, store_list_fn *each, void *arg)
{
    struct stat st;

    if (fstatat(d->fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? NULL : dir_failed(d, "stat", name);
    if (S_ISDIR(st.st_mode) && depth < DIR_DEPTH_MAX)
        return list_folder(d, name, depth + 1, each, arg);
    return S_ISREG(st.st_mode) ? each(arg, name, (uint64_t)st.st_size) : NULL;
}

static void
dir_closep(DIR **dir)
{
    if (*dir != NULL)
        (void)closedir(*dir);
}

static struct err *
list_folder(struct dir *d, const char *folder, unsigned depth, store_list_fn *each, void *arg)
{
    auto_fd int fd = openat(d->fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    __attribute__((cleanup(dir_closep))) DIR *dir = NULL;
    const struct dirent *entry;
    char name[DIR_PATH_ROOM];

    if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
        return fail(StoreNotFolder, d->path, folder);
    if (fd < 0)
        return errno == ENOENT ? NULL : dir_failed(d, "open", folder);
    dir = fdopendir(fd);
    if (dir == NULL)
        return dir_failed(d, "open", folder);
    (void)take_fd(fd); /* closed with dir */
    while ((errno = 0, entry = readdir(dir)) != NULL) {
        (void)snprintf(name, sizeof(name), "%s/%s", folder, entry->d_name);
        if (store_name_ok(name))
            TRY(list_entry(d, name, depth, each, arg));
    }
    return errno == 0 ? NULL : dir_failed(d, "readdir", folder);
}

struct err *
dir_list(struct store *s, const char *folder, store_list_fn *each, void *arg)
{
    return list_folder((struct dir *)s, folder, 1, each, arg);
}

/* ---- durability ---- */

struct err *
dir_sync_folder(struct dir *d, const char *folder)
{
    auto_fd int fd = openat(d->fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return errno == ENOENT ? NULL : dir_failed(d, "open", folder);
    return fsync(fd) == 0 ? NULL : dir_failed(d, "fsync", folder);
}

static bool
is_folder(const struct dir *d, const char *name)
{
    struct stat st;

    return fstatat(d->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

/* The folder and those below it. */
static struct err *
sync_below(struct dir *d, const char *folder, unsigned depth)
{
    auto_fd int fd = openat(d->fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    __attribute__((cleanup(dir_closep))) DIR *dir = NULL;
    const struct dirent *entry;
    char name[DIR_PATH_ROOM];

    if (fd < 0)
        return errno == ENOENT ? NULL : dir_failed(d, "open", folder);
    dir = fdopendir(fd);
    if (dir == NULL)
        return dir_failed(d, "open", folder);
    (void)take_fd(fd);
    while ((errno = 0, entry = readdir(dir)) != NULL) {
        (void)snprintf(name, sizeof(name), "%s/%s", folder, entry->d_name);
        if (depth < DIR_DEPTH_MAX && store_name_ok(name) && is_folder(d, name))
            TRY(sync_below(d, name, depth + 1));
    }
    if (errno != 0)
        return dir_failed(d, "readdir", folder);
    return fsync(dirfd(dir)) == 0 ? NULL : dir_failed(d, "fsync", folder);
}

/* A folder above a new folder holds its name. */
static struct err *
sync_above(struct dir *d, const char *folder)
{
    char above[STORE_NAME_MAX + 1];

    for (dir_folder_of(folder, above); strcmp(above, ".") != 0; dir_folder_of(above, above))
        TRY(dir_sync_folder(d, above));
    return NULL;
}

/* Is the next one in the same folder, so that what is above both can wait for it? */
static bool
is_before_sibling(const char *const *folders, size_t i, size_t nfolders)
{
    char above[STORE_NAME_MAX + 1], next[STORE_NAME_MAX + 1];

    if (i + 1 == nfolders)
        return false;
    dir_folder_of(folders[i], above);
    dir_folder_of(folders[i + 1], next);
    return strcmp(above, next) == 0;
}

struct err *
dir_barrier(struct store *s, const char *const *folders, size_t nfolders)
{
    struct dir *d = (struct dir *)s;

    for (size_t i = 0; i < nfolders; i++) {
        if (*folders[i] == '\0')
            continue;
        TRY(sync_below(d, folders[i], 1));
        if (!is_before_sibling(folders, i, nfolders))
            TRY(sync_above(d, folders[i]));
    }
    return dir_sync_folder(d, ".");
}
