/* SPDX-License-Identifier: Apache-2.0 */
/* store_dir.c -- a folder as a store: opening and probing it.
 *
 * One file for each object, under the object's own name, so that any tool can copy a vault.
 * The other files of this store say how each promise of store.h is kept. */
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "codes.h"
#include "store_dir.h"

enum { PROBE_ROOM = 32 };

/* ---- failures ---- */

/* Numbers that no single file can be to blame for. */
static bool
is_of_place(int number)
{
    static const int numbers[] = { ENOTCONN, ESTALE, ETIMEDOUT, EHOSTDOWN, EHOSTUNREACH,
        ENETDOWN, ENETUNREACH, ECONNABORTED, ECONNRESET, ECONNREFUSED, ESHUTDOWN, ENODEV, ENXIO,
        ENOLINK, ENOMEDIUM };

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        if (numbers[i] == number)
            return true;
    return false;
}

/* Does the file system still take a byte, durably?  Where it makes no nameless files, the
 * question is not asked. */
static bool
takes_bytes(const struct dir *d)
{
    auto_fd int fd = openat(d->fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    if (fd < 0)
        return errno != EIO && errno != EROFS && !is_of_place(errno);
    return (write(fd, "", 1) == 1 && fsync(fd) == 0) || errno == ENOSPC || errno == EDQUOT;
}

/* A disk that fails and one that is gone give the same number; a file system that shut itself
 * down only reads. */
static bool
is_away(const struct dir *d, int number)
{
    if (is_of_place(number))
        return true;
    return (number == EIO || number == EROFS) && d->fd >= 0 && d->writable && !takes_bytes(d);
}

struct err *
dir_failed(const struct dir *d, const char *call, const char *name)
{
    int number = errno;

    if (number == ENOSPC || number == EDQUOT)
        return err_with_os(fail(StoreFull, name), number);
    if (is_away(d, number))
        return err_with_os(fail(StoreAway, call, name), number);
    if (number == EACCES || number == EPERM || number == EROFS)
        return err_with_os(fail(StorePermission, name), number);
    return err_with_os(fail(StoreIoFailed, call, name), number);
}

void
dir_folder_of(const char *name, char to[STORE_NAME_MAX + 1])
{
    const char *slash = strrchr(name, '/');
    size_t len = slash == NULL ? 1 : (size_t)(slash - name);

    memmove(to, slash == NULL ? "." : name, len);
    to[len] = '\0';
}

static void
dir_free(struct store *s)
{
    struct dir *d = (struct dir *)s;
    int kept = errno;

    for (int i = 0; i < DIR_OPEN_FILES; i++)
        if (d->file[i].fd >= 0)
            (void)close(d->file[i].fd);
    if (d->fd >= 0)
        (void)close(d->fd);
    pthread_mutex_destroy(&d->lock);
    free(d->path);
    free(d);
    errno = kept;
}

static const struct store_vtable dir_calls = {
    .put = dir_put,
    .get = dir_get,
    .stat = dir_stat,
    .list = dir_list,
    .barrier = dir_barrier,
    .replace = dir_replace,
    .remove = dir_remove,
    .free = dir_free,
};

/* ---- opening ---- */

static struct err *
note_found(void *arg, const char *name, uint64_t len)
{
    bool *found = arg;

    (void)name;
    *found = *found || len == 1;
    return NULL;
}

/* A name of its own: two that probe at once must not see each other's. */
static struct err *
probe_name(char folder[PROBE_ROOM])
{
    uint64_t number;

    if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number))
        return fail(SystemCallFailed, "getrandom");
    (void)snprintf(folder, PROBE_ROOM, "probe-%016llx", (unsigned long long)number);
    return NULL;
}

/* Does this file system give a name once, and list what was put? */
static struct err *
probe(struct dir *d)
{
    char folder[PROBE_ROOM], name[PROBE_ROOM + 2];
    bool first = false, second = true, listed = false, gone;
    struct store *s = &d->store;

    TRY(probe_name(folder));
    (void)snprintf(name, sizeof(name), "%s/1", folder);
    TRY(store_put(s, name, "1", 1, &first));
    struct err *e = store_put(s, name, "22", 2, &second);
    if (e == NULL)
        e = store_list(s, folder, note_found, &listed);
    e = err_also(e, store_remove(s, name, &gone));
    (void)unlinkat(d->fd, folder, AT_REMOVEDIR);
    TRY(e);
    if (second)
        return fail(StoreUnfit, d->path, "it gave one name to two files");
    if (!listed)
        return fail(StoreUnfit, d->path, "it does not list what was stored");
    return NULL;
}

/* Make the name of the vault's own folder durable.  Also when it was there: whoever made it
 * may have died before this. */
static struct err *
sync_parent(const struct dir *d)
{
    auto_free char *copy = strdup(d->path);

    if (copy == NULL)
        return fail(OutOfMemory);
    auto_fd int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int bad = fd >= 0 ? fsync(fd) : syncfs(d->fd); /* a folder that this user cannot read */
    return bad == 0 || errno == EINVAL ? NULL : dir_failed(d, "fsync", d->path);
}

static struct err *
dir_new(const char *path, struct store **ret)
{
    struct dir *d = calloc(1, sizeof(*d));

    if (d == NULL)
        return fail(OutOfMemory);
    d->store.call = &dir_calls;
    d->fd = -1;
    for (int i = 0; i < DIR_OPEN_FILES; i++)
        d->file[i].fd = -1;
    pthread_mutex_init(&d->lock, NULL);
    auto_ptr(store) s = &d->store;
    d->path = strdup(path);
    if (d->path == NULL)
        return fail(OutOfMemory);
    d->store.place = d->path;
    *ret = take(s);
    return NULL;
}

struct err *
store_dir_open(const char *path, bool create, struct store **ret)
{
    auto_ptr(store) s = NULL;

    TRY(dir_new(path, &s));
    struct dir *d = (struct dir *)s;
    if (create && mkdir(path, 0777) != 0 && errno != EEXIST)
        return errno == ENOENT ? fail(StoreUnreachable, path) : dir_failed(d, "mkdir", path);
    d->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (d->fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return fail(StoreUnreachable, path);
    if (d->fd < 0)
        return dir_failed(d, "open", path);
    d->writable = faccessat(d->fd, ".", W_OK, AT_EACCESS) == 0;
    if (create) {
        TRY(sync_parent(d));
        TRY(probe(d));
    }
    *ret = take(s);
    return NULL;
}

/* ---- the same place again? ---- */

struct place {
    uint64_t mount, inode;
    dev_t dev;
};

static bool
place_of(int fd, struct place *ret)
{
    struct statx st;

    if (statx(fd, "", AT_EMPTY_PATH, STATX_INO | STATX_MNT_ID, &st) != 0)
        return false;
    ret->mount = (st.stx_mask & STATX_MNT_ID) != 0 ? st.stx_mnt_id : 0;
    ret->inode = st.stx_ino;
    ret->dev = makedev(st.stx_dev_major, st.stx_dev_minor);
    return true;
}

/* A mount that is gone may be told by no number of it: a new one can have them all. */
static bool
is_same_place(const struct dir *a, const struct dir *b)
{
    struct place pa, pb;
    struct stat st;

    return place_of(a->fd, &pa) && place_of(b->fd, &pb) && pa.mount == pb.mount &&
        pa.inode == pb.inode && pa.dev == pb.dev &&
        fstatat(a->fd, "packs", &st, AT_SYMLINK_NOFOLLOW) == 0;
}

struct err *
store_dir_again(struct store *s, struct store **ret)
{
    const struct dir *d = (const struct dir *)s;
    auto_ptr(store) now = NULL;

    TRY(store_dir_open(d->path, false, &now));
    *ret = is_same_place(d, (const struct dir *)now) ? NULL : take(now);
    return NULL;
}
