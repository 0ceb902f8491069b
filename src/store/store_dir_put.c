/* SPDX-License-Identifier: Apache-2.0 */
/* store_dir_put.c -- putting an object so that it is there whole or not at all.
 *
 *   put: a nameless file in the final folder (O_TMPFILE; where the file system has none, a
 *   name in scratch/) -> write -> fsync -> linkat to the final name, which fails when the
 *   name is taken; rename would overwrite.  A name is durable after a barrier.
 *
 * A file whose fsync fails is thrown away, since what the kernel then still holds of it cannot
 * be trusted, and written once more, to another place of the disk.
 *
 * A large object on a boundary in memory goes past the page cache: measured, that takes a
 * fifth of the processor time and three quarters of the wall time of a write and an fsync,
 * and a backup does not push out what the machine's guests have there.  The last bytes, less
 * than a page, and whatever the file system refuses are written the common way.
 *
 * A name that is taken: the object there may have been put by a process that died before
 * its barrier, so the file is fsynced, and the caller's barrier does the rest. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "codes.h"
#include "store_dir.h"

enum { WRITE_MAX = 8 << 20, DIRECT_MIN = 1 << 20, SCRATCH_ROOM = 64, NAME_TRIES = 100,
    WRITE_TRIES = 2 };

#define SCRATCH "scratch"

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
            return dir_failed(d, "mkdir", part);
    }
    return NULL;
}

/* ---- writing a nameless file ---- */

struct scratch {
    int fd;
    char name[SCRATCH_ROOM]; /* empty: it has none */
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

/* Never a name that is there: after a crash a name in scratch/ can be a second one of an
 * object. */
static struct err *
named_scratch(struct dir *d, struct scratch *t, const char *name)
{
    uint64_t number;

    if (mkdirat(d->fd, SCRATCH, 0777) != 0 && errno != EEXIST)
        return dir_failed(d, "mkdir", SCRATCH);
    for (int i = 0; t->fd < 0; i++) {
        if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number))
            return fail(SystemCallFailed, "getrandom");
        (void)snprintf(t->name, sizeof(t->name), SCRATCH "/%016llx",
            (unsigned long long)number);
        t->fd = openat(d->fd, t->name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (t->fd < 0)
            t->name[0] = '\0';
        if (t->fd < 0 && (errno != EEXIST || i == NAME_TRIES))
            return dir_failed(d, "open", name);
    }
    return NULL;
}

static struct err *
open_scratch(struct dir *d, const char *name, struct scratch *t)
{
    char folder[STORE_NAME_MAX + 1];

    dir_folder_of(name, folder);
    t->fd = openat(d->fd, folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);
    if (t->fd < 0 && errno == ENOENT) {
        TRY(make_folders(d, name));
        t->fd = openat(d->fd, folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);
    }
    if (t->fd >= 0)
        return NULL;
    if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)
        return dir_failed(d, "open", name);
    return named_scratch(d, t, name);
}

/* Whole pages of ${p} past the page cache; how many bytes that were.  What is left, also
 * because of a failure, is for write_piece. */
static size_t
write_direct(int fd, const struct store_piece *p)
{
    const uint8_t *data = p->data;
    size_t end = p->len - p->len % STORE_ALIGN, at = 0;
    int flags = fcntl(fd, F_GETFL);

    if (p->len < DIRECT_MIN || (uintptr_t)data % STORE_ALIGN != 0 || flags < 0 ||
        fcntl(fd, F_SETFL, flags | O_DIRECT) != 0)
        return 0;
    while (at < end) {
        ssize_t done = write(fd, data + at, end - at < WRITE_MAX ? end - at : WRITE_MAX);

        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            break;
        at += (size_t)done;
        if (at % STORE_ALIGN != 0)
            break;
    }
    (void)fcntl(fd, F_SETFL, flags);
    return at;
}

static struct err *
write_piece(const struct dir *d, int fd, const char *name, const struct store_piece *p)
{
    const uint8_t *data = p->data;

    for (size_t at = write_direct(fd, p); at < p->len;) {
        size_t n = p->len - at < WRITE_MAX ? p->len - at : WRITE_MAX;
        ssize_t done = write(fd, data + at, n);

        if (done < 0 && errno == EINTR)
            continue;
        if (done == 0)
            errno = EIO;
        if (done <= 0)
            return dir_failed(d, "write", name);
        at += (size_t)done;
    }
    return NULL;
}

static struct err *
fill(const struct dir *d, struct scratch *t, const char *name,
    const struct store_piece *pieces, size_t npieces)
{
    for (size_t i = 0; i < npieces; i++)
        TRY(write_piece(d, t->fd, name, &pieces[i]));
    if (fsync(t->fd) != 0)
        return dir_failed(d, "fsync", name);
    return NULL;
}

/* A file with the bytes of ${name}, durable.  ${named}: in scratch/, so that it can be
 * renamed.  Nothing is left of it when this fails. */
static struct err *
filled(struct dir *d, struct scratch *t, const char *name, bool named,
    const struct store_piece *pieces, size_t npieces)
{
    for (unsigned left = WRITE_TRIES;;) {
        struct err *e = named ? named_scratch(d, t, name) : open_scratch(d, name, t);

        if (e == NULL)
            e = fill(d, t, name, pieces, npieces);
        if (e == NULL)
            return NULL;
        scratch_done(d, t);
        *t = (struct scratch){ .fd = -1 };
        if (--left == 0 || err_os_number(e) != EIO)
            return e;
        err_free(e);
    }
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
        return dir_failed(d, "link", name);
    *ret_new = bad == 0;
    return NULL;
}

/* The name is taken: by somebody else's object, whose bytes are made durable (its name follows
 * with the barrier); or it was, and is gone by now; or by something that is no object. */
static struct err *
keep_existing(struct dir *d, const char *name)
{
    struct stat st;
    bool found;

    TRY(dir_sync_object(d, name, &found));
    if (found || fstatat(d->fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return NULL;
    errno = EEXIST;
    return dir_failed(d, "link", name);
}

struct err *
dir_put(struct store *s, const char *name, const struct store_piece *pieces, size_t npieces,
    bool *ret_new)
{
    struct dir *d = (struct dir *)s;
    struct scratch t = { .fd = -1 };
    bool fresh = false;

    TRY(filled(d, &t, name, false, pieces, npieces));
    struct err *e = t.name[0] != '\0' ? make_folders(d, name) : NULL;
    if (e == NULL)
        e = give_name(d, &t, name, &fresh);
    scratch_done(d, &t);
    TRY(e);
    if (!fresh)
        TRY(keep_existing(d, name));
    *ret_new = fresh;
    return NULL;
}

/* ---- repair ---- */

static struct err *
rename_over(struct dir *d, struct scratch *t, const char *name)
{
    if (renameat(d->fd, t->name, d->fd, name) != 0)
        return dir_failed(d, "rename", name);
    t->name[0] = '\0';
    return NULL;
}

struct err *
dir_replace(struct store *s, const char *name, const struct store_piece *pieces, size_t npieces)
{
    struct dir *d = (struct dir *)s;
    struct scratch t = { .fd = -1 };
    char folder[STORE_NAME_MAX + 1];

    TRY(filled(d, &t, name, true, pieces, npieces));
    struct err *e = make_folders(d, name);
    if (e == NULL)
        e = rename_over(d, &t, name);
    scratch_done(d, &t);
    TRY(e);
    dir_drop_file(d, name);
    dir_folder_of(name, folder);
    return dir_sync_folder(d, folder);
}

struct err *
dir_remove(struct store *s, const char *name, bool *ret_found)
{
    struct dir *d = (struct dir *)s;

    bool found = unlinkat(d->fd, name, 0) == 0;
    if (!found && errno != ENOENT && errno != ENOTDIR)
        return dir_failed(d, "unlink", name);
    *ret_found = found;
    dir_drop_file(d, name);
    return NULL;
}
