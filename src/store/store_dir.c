/* SPDX-License-Identifier: Apache-2.0 */
/* store_dir.c -- a folder as a store.
 *
 *   put: a nameless file in the final folder (O_TMPFILE; where the file system has none, a
 *   name in scratch/) -> write -> fsync -> linkat to the final name, which fails when the
 *   name is taken; rename would overwrite.  A name is durable after a barrier, which fsyncs
 *   the folder and, because the folder may be new, the folders above it.  A file whose
 *   fsync fails is thrown away: what the kernel then still holds of it cannot be trusted.
 *
 * A name that is taken: the object there may have been put by a process that died before
 * its barrier, so the file is fsynced, and the caller's barrier does the rest.
 *
 * A few files that are read stay open, because readers ask one pack many times. */
#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "codes.h"
#include "store.h"

enum { OPEN_FILES = 16, DEPTH_MAX = 4, WRITE_MAX = 8 << 20, PATH_ROOM = STORE_NAME_MAX + 64 };

#define SCRATCH "scratch"

struct open_file {
    char name[STORE_NAME_MAX + 1];
    int fd;         /* -1: free */
    unsigned users; /* threads that read from it now */
    uint64_t used;
};

struct dir {
    struct store store;
    int fd;
    char *path;
    pthread_mutex_t lock; /* guards the rest */
    struct open_file file[OPEN_FILES];
    uint64_t clock;
    uint64_t scratch_number;
};

/* ---- failures ---- */

static struct err *
failed(const char *call, const char *name)
{
    int number = errno;

    if (number == ENOSPC || number == EDQUOT)
        return err_with_os(fail(StoreFull, name), number);
    if (number == EACCES || number == EPERM || number == EROFS)
        return err_with_os(fail(StorePermission, name), number);
    return err_with_os(fail(StoreIoFailed, call, name), number);
}

/* ---- folders ---- */

/* Make the folders above ${name}. */
static struct err *
make_folders(struct dir *d, const char *name)
{
    char part[STORE_NAME_MAX + 1];

    for (const char *slash = strchr(name, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        memcpy(part, name, (size_t)(slash - name));
        part[slash - name] = '\0';
        if (mkdirat(d->fd, part, 0777) != 0 && errno != EEXIST)
            return failed("mkdir", part);
    }
    return NULL;
}

static void
folder_of(const char *name, char to[STORE_NAME_MAX + 1])
{
    const char *slash = strrchr(name, '/');
    size_t len = slash == NULL ? 1 : (size_t)(slash - name);

    memmove(to, slash == NULL ? "." : name, len);
    to[len] = '\0';
}

/* ---- writing a nameless file ---- */

struct scratch {
    int fd;
    char name[PATH_ROOM]; /* empty: it has none */
};

static void
scratch_done(struct dir *d, struct scratch *t)
{
    int kept = errno;

    if (t->fd >= 0)
        (void)close(t->fd);
    if (t->name[0] != '\0')
        (void)unlinkat(d->fd, t->name, 0);
    errno = kept;
}

static struct err *
named_scratch(struct dir *d, struct scratch *t, const char *name)
{
    if (mkdirat(d->fd, SCRATCH, 0777) != 0 && errno != EEXIST)
        return failed("mkdir", SCRATCH);
    pthread_mutex_lock(&d->lock);
    uint64_t number = ++d->scratch_number;
    pthread_mutex_unlock(&d->lock);
    (void)snprintf(t->name, sizeof(t->name), SCRATCH "/%ld.%llx.%p", (long)getpid(),
        (unsigned long long)number, (void *)d);
    t->fd = openat(d->fd, t->name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (t->fd >= 0)
        return NULL;
    t->name[0] = '\0';
    return failed("open", name);
}

static struct err *
open_scratch(struct dir *d, const char *name, struct scratch *t)
{
    char folder[STORE_NAME_MAX + 1];

    folder_of(name, folder);
    t->fd = openat(d->fd, folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);
    if (t->fd < 0 && errno == ENOENT) {
        TRY(make_folders(d, name));
        t->fd = openat(d->fd, folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);
    }
    if (t->fd >= 0)
        return NULL;
    if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)
        return failed("open", name);
    return named_scratch(d, t, name);
}

static struct err *
write_piece(int fd, const char *name, const struct store_piece *p)
{
    const uint8_t *data = p->data;

    for (size_t at = 0; at < p->len;) {
        size_t n = p->len - at < WRITE_MAX ? p->len - at : WRITE_MAX;
        ssize_t done = write(fd, data + at, n);

        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return failed("write", name);
        at += (size_t)done;
    }
    return NULL;
}

static struct err *
fill(struct scratch *t, const char *name, const struct store_piece *pieces, size_t npieces)
{
    for (size_t i = 0; i < npieces; i++)
        TRY(write_piece(t->fd, name, &pieces[i]));
    if (fsync(t->fd) != 0)
        return failed("fsync", name);
    return NULL;
}

/* *ret_new = false: the name is taken. */
static struct err *
give_name(struct dir *d, struct scratch *t, const char *name, bool *ret_new)
{
    char proc[64];
    int bad;

    if (t->name[0] != '\0') {
        bad = linkat(d->fd, t->name, d->fd, name, 0);
    } else {
        (void)snprintf(proc, sizeof(proc), "/proc/self/fd/%d", t->fd);
        bad = linkat(AT_FDCWD, proc, d->fd, name, AT_SYMLINK_FOLLOW);
    }
    if (bad != 0 && errno != EEXIST)
        return failed("link", name);
    *ret_new = bad == 0;
    return NULL;
}

/* Somebody else's object: make its bytes durable, its name follows with the barrier. */
static struct err *
sync_existing(struct dir *d, const char *name)
{
    auto_fd int fd = openat(d->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0)
        return errno == ENOENT ? NULL : failed("open", name);
    return fsync(fd) == 0 ? NULL : failed("fsync", name);
}

static struct err *
dir_put(struct store *s, const char *name, const struct store_piece *pieces, size_t npieces,
    bool *ret_new)
{
    struct dir *d = (struct dir *)s;
    struct scratch t = { .fd = -1 };
    bool fresh = false;

    struct err *e = open_scratch(d, name, &t);
    if (e == NULL && t.name[0] != '\0')
        e = make_folders(d, name);
    if (e == NULL)
        e = fill(&t, name, pieces, npieces);
    if (e == NULL)
        e = give_name(d, &t, name, &fresh);
    scratch_done(d, &t);
    TRY(e);
    if (!fresh)
        TRY(sync_existing(d, name));
    *ret_new = fresh;
    return NULL;
}

/* ---- open files ---- */

static struct open_file *
kept_file(struct dir *d, const char *name)
{
    for (int i = 0; i < OPEN_FILES; i++)
        if (d->file[i].fd >= 0 && strcmp(d->file[i].name, name) == 0)
            return &d->file[i];
    return NULL;
}

/* A place for a newly opened file, or NULL when all are in use. */
static struct open_file *
free_place(struct dir *d)
{
    struct open_file *best = NULL;

    for (int i = 0; i < OPEN_FILES; i++) {
        struct open_file *f = &d->file[i];

        if (f->fd < 0)
            return f;
        if (f->users == 0 && (best == NULL || f->used < best->used))
            best = f;
    }
    if (best != NULL) {
        (void)close(best->fd);
        best->fd = -1;
    }
    return best;
}

/* Forget an open file, because its name means another file now. */
static void
drop_file(struct dir *d, const char *name)
{
    pthread_mutex_lock(&d->lock);
    struct open_file *f = kept_file(d, name);
    if (f != NULL)
        f->name[0] = '\0'; /* not found any more; closed when its place is needed */
    pthread_mutex_unlock(&d->lock);
}

/* An open file in *ret, or an fd of the caller's own in *ret_fd. */
static struct err *
borrow(struct dir *d, const char *name, struct open_file **ret, int *ret_fd, bool *ret_found)
{
    *ret_found = true;
    pthread_mutex_lock(&d->lock);
    struct open_file *f = kept_file(d, name);
    if (f != NULL) {
        f->users++;
        f->used = ++d->clock;
    }
    pthread_mutex_unlock(&d->lock);
    *ret = f;
    if (f != NULL) {
        *ret_fd = f->fd;
        return NULL;
    }
    *ret_fd = openat(d->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (*ret_fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
        *ret_found = false;
        return NULL;
    }
    if (*ret_fd < 0)
        return failed("open", name);
    pthread_mutex_lock(&d->lock);
    f = kept_file(d, name) == NULL ? free_place(d) : NULL;
    if (f != NULL) {
        memcpy(f->name, name, strlen(name) + 1);
        f->fd = *ret_fd;
        f->users = 1;
        f->used = ++d->clock;
    }
    pthread_mutex_unlock(&d->lock);
    *ret = f;
    return NULL;
}

static void
give_back(struct dir *d, struct open_file *f, int fd)
{
    int kept = errno;

    if (f == NULL) {
        (void)close(fd);
    } else {
        pthread_mutex_lock(&d->lock);
        f->users--;
        pthread_mutex_unlock(&d->lock);
    }
    errno = kept;
}

static struct err *
read_range(int fd, const char *name, uint64_t off, uint8_t *buf, size_t len, size_t *ret_len)
{
    size_t at = 0;

    while (at < len) {
        ssize_t n = pread(fd, buf + at, len - at, (off_t)(off + at));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return failed("read", name);
        if (n == 0)
            break;
        at += (size_t)n;
    }
    *ret_len = at;
    return NULL;
}

static struct err *
dir_get(struct store *s, const char *name, uint64_t off, void *buf, size_t len,
    size_t *ret_len, bool *ret_found)
{
    struct dir *d = (struct dir *)s;
    struct open_file *f;
    bool found;
    int fd;

    TRY(borrow(d, name, &f, &fd, &found));
    if (!found) {
        *ret_found = false;
        return NULL;
    }
    struct err *e = off > INT64_MAX - len ? (*ret_len = 0, NULL)
                                          : read_range(fd, name, off, buf, len, ret_len);
    give_back(d, f, fd);
    TRY(e);
    *ret_found = true;
    return NULL;
}

static struct err *
dir_stat(struct store *s, const char *name, uint64_t *ret_len, bool *ret_found)
{
    struct dir *d = (struct dir *)s;
    struct stat st;

    if (fstatat(d->fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno != ENOENT && errno != ENOTDIR)
            return failed("stat", name);
        *ret_found = false;
        return NULL;
    }
    *ret_found = S_ISREG(st.st_mode);
    if (*ret_found)
        *ret_len = (uint64_t)st.st_size;
    return NULL;
}

/* ---- listing ---- */

static struct err *list_folder(struct dir *d, const char *folder, unsigned depth,
    store_list_fn *each, void *arg);

static struct err *
list_entry(struct dir *d, const char *name, unsigned depth, store_list_fn *each, void *arg)
{
    struct stat st;

    if (fstatat(d->fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? NULL : failed("stat", name);
    if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX)
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
    char name[STORE_NAME_MAX + 2 + 256];

    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? NULL : failed("open", folder);
    dir = fdopendir(fd);
    if (dir == NULL)
        return failed("open", folder);
    (void)take_fd(fd); /* closed with dir */
    while ((errno = 0, entry = readdir(dir)) != NULL) {
        (void)snprintf(name, sizeof(name), "%s/%s", folder, entry->d_name);
        if (store_name_ok(name))
            TRY(list_entry(d, name, depth, each, arg));
    }
    return errno == 0 ? NULL : failed("readdir", folder);
}

static struct err *
dir_list(struct store *s, const char *folder, store_list_fn *each, void *arg)
{
    return list_folder((struct dir *)s, folder, 1, each, arg);
}

/* ---- durability ---- */

static struct err *
sync_folder(struct dir *d, const char *folder)
{
    auto_fd int fd = openat(d->fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return errno == ENOENT ? NULL : failed("open", folder);
    return fsync(fd) == 0 ? NULL : failed("fsync", folder);
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
    char name[STORE_NAME_MAX + 2 + 256];

    if (fd < 0)
        return errno == ENOENT ? NULL : failed("open", folder);
    dir = fdopendir(fd);
    if (dir == NULL)
        return failed("open", folder);
    (void)take_fd(fd);
    while ((errno = 0, entry = readdir(dir)) != NULL) {
        (void)snprintf(name, sizeof(name), "%s/%s", folder, entry->d_name);
        if (depth < DEPTH_MAX && store_name_ok(name) && is_folder(d, name))
            TRY(sync_below(d, name, depth + 1));
    }
    if (errno != 0)
        return failed("readdir", folder);
    return fsync(dirfd(dir)) == 0 ? NULL : failed("fsync", folder);
}

/* A folder above a new folder holds its name. */
static struct err *
sync_above(struct dir *d, const char *folder)
{
    char above[STORE_NAME_MAX + 1];

    for (folder_of(folder, above); strcmp(above, ".") != 0; folder_of(above, above))
        TRY(sync_folder(d, above));
    return NULL;
}

static struct err *
dir_barrier(struct store *s, const char *const *folders, size_t nfolders)
{
    struct dir *d = (struct dir *)s;

    for (size_t i = 0; i < nfolders; i++) {
        if (*folders[i] == '\0')
            continue;
        TRY(sync_below(d, folders[i], 1));
        TRY(sync_above(d, folders[i]));
    }
    return sync_folder(d, ".");
}

/* ---- repair ---- */

static struct err *
rename_over(struct dir *d, struct scratch *t, const char *name)
{
    if (renameat(d->fd, t->name, d->fd, name) != 0)
        return failed("rename", name);
    t->name[0] = '\0';
    return NULL;
}

static struct err *
dir_replace(struct store *s, const char *name, const struct store_piece *pieces, size_t npieces)
{
    struct dir *d = (struct dir *)s;
    struct scratch t = { .fd = -1 };
    char folder[STORE_NAME_MAX + 1];

    struct err *e = make_folders(d, name);
    if (e == NULL)
        e = named_scratch(d, &t, name);
    if (e == NULL)
        e = fill(&t, name, pieces, npieces);
    if (e == NULL)
        e = rename_over(d, &t, name);
    scratch_done(d, &t);
    TRY(e);
    drop_file(d, name);
    folder_of(name, folder);
    return sync_folder(d, folder);
}

static struct err *
dir_remove(struct store *s, const char *name, bool *ret_found)
{
    struct dir *d = (struct dir *)s;

    *ret_found = unlinkat(d->fd, name, 0) == 0;
    if (!*ret_found && errno != ENOENT && errno != ENOTDIR)
        return failed("unlink", name);
    drop_file(d, name);
    return NULL;
}

static void
dir_free(struct store *s)
{
    struct dir *d = (struct dir *)s;
    int kept = errno;

    for (int i = 0; i < OPEN_FILES; i++)
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

/* Does this file system give a name once, and list what was put? */
static struct err *
probe(struct dir *d)
{
    struct store *s = &d->store;
    bool first = false, second = true, listed = false, gone;

    TRY(store_put(s, "probe/1", "1", 1, &first));
    struct err *e = store_put(s, "probe/1", "22", 2, &second);
    if (e == NULL)
        e = store_list(s, "probe", note_found, &listed);
    e = err_also(e, store_remove(s, "probe/1", &gone));
    (void)unlinkat(d->fd, "probe", AT_REMOVEDIR);
    TRY(e);
    if (second)
        return fail(StoreUnfit, d->path, "it gave one name to two files");
    if (!listed)
        return fail(StoreUnfit, d->path, "it does not list what was stored");
    return NULL;
}

struct err *
store_dir_open(const char *path, bool create, struct store **ret)
{
    auto_ptr(store) s = NULL;
    struct dir *d = calloc(1, sizeof(*d));

    if (d == NULL)
        return fail(OutOfMemory);
    d->store.call = &dir_calls;
    d->fd = -1;
    for (int i = 0; i < OPEN_FILES; i++)
        d->file[i].fd = -1;
    pthread_mutex_init(&d->lock, NULL);
    s = &d->store;
    d->path = strdup(path);
    if (d->path == NULL)
        return fail(OutOfMemory);
    if (create && mkdir(path, 0777) != 0 && errno != EEXIST)
        return errno == ENOENT ? fail(StoreUnreachable, path) : failed("mkdir", path);
    d->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (d->fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return fail(StoreUnreachable, path);
    if (d->fd < 0)
        return failed("open", path);
    if (create)
        TRY(probe(d));
    *ret = take(s);
    return NULL;
}
