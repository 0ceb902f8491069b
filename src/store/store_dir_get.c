/* SPDX-License-Identifier: Apache-2.0 */
/* store_dir_get.c -- reading objects.
 *
 * A few files that are read stay open, because readers ask one pack many times. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "codes.h"
#include "store_dir.h"

/* ---- open files ---- */

static struct dir_file *
kept_file(struct dir *d, const char *name)
{
    for (int i = 0; i < DIR_OPEN_FILES; i++)
        if (d->file[i].fd >= 0 && strcmp(d->file[i].name, name) == 0)
            return &d->file[i];
    return NULL;
}

/* A place for a newly opened file, or NULL when all are in use. */
static struct dir_file *
free_place(struct dir *d)
{
    struct dir_file *best = NULL;

    for (int i = 0; i < DIR_OPEN_FILES; i++) {
        struct dir_file *f = &d->file[i];

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
void
dir_drop_file(struct dir *d, const char *name)
{
    pthread_mutex_lock(&d->lock);
    struct dir_file *f = kept_file(d, name);
    if (f != NULL)
        f->name[0] = '\0'; /* not found any more; closed when its place is needed */
    pthread_mutex_unlock(&d->lock);
}

/* A file that is there as an object: a link, a pipe or a folder is none. */
static struct err *
look(const struct dir *d, const char *name, uint64_t *ret_len, bool *ret_found)
{
    struct stat st;
    int bad = fstatat(d->fd, name, &st, AT_SYMLINK_NOFOLLOW);

    if (bad != 0 && errno != ENOENT && errno != ENOTDIR)
        return dir_failed(d, "stat", name);
    *ret_found = bad == 0 && S_ISREG(st.st_mode);
    if (*ret_found)
        *ret_len = (uint64_t)st.st_size;
    return NULL;
}

/* Open it; *ret_fd = -1 when it is not there.  It is looked at first, because to open a pipe
 * waits for a writer. */
static struct err *
open_object(const struct dir *d, const char *name, int *ret_fd)
{
    uint64_t len;
    bool found;

    *ret_fd = -1;
    TRY(look(d, name, &len, &found));
    if (!found)
        return NULL;
    *ret_fd = openat(d->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    return *ret_fd >= 0 || errno == ENOENT ? NULL : dir_failed(d, "open", name);
}

/* An open file in *ret, or an fd of the caller's own in *ret_fd. */
static struct err *
borrow(struct dir *d, const char *name, struct dir_file **ret, int *ret_fd, bool *ret_found)
{
    *ret_found = true;
    pthread_mutex_lock(&d->lock);
    struct dir_file *f = kept_file(d, name);
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
    TRY(open_object(d, name, ret_fd));
    *ret_found = *ret_fd >= 0;
    if (!*ret_found)
        return NULL;
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
give_back(struct dir *d, struct dir_file *f, int fd)
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
read_range(const struct dir *d, int fd, const char *name, uint64_t off, uint8_t *buf,
    size_t len, size_t *ret_len)
{
    size_t at = 0;

    while (at < len) {
        ssize_t n = pread(fd, buf + at, len - at, (off_t)(off + at));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return dir_failed(d, "read", name);
        if (n == 0)
            break;
        at += (size_t)n;
    }
    *ret_len = at;
    return NULL;
}

struct err *
dir_get(struct store *s, const char *name, uint64_t off, void *buf, size_t len,
    size_t *ret_len, bool *ret_found)
{
    struct dir *d = (struct dir *)s;
    struct dir_file *f;
    bool found;
    int fd;

    TRY(borrow(d, name, &f, &fd, &found));
    if (!found) {
        *ret_found = false;
        return NULL;
    }
    struct err *e = off > INT64_MAX - len ? (*ret_len = 0, NULL)
                                          : read_range(d, fd, name, off, buf, len, ret_len);
    give_back(d, f, fd);
    TRY(e);
    *ret_found = true;
    return NULL;
}

struct err *
dir_stat(struct store *s, const char *name, uint64_t *ret_len, bool *ret_found)
{
    return look((struct dir *)s, name, ret_len, ret_found);
}

struct err *
dir_sync_object(struct dir *d, const char *name, bool *ret_found)
{
    int number;

    TRY(open_object(d, name, &number));
    auto_fd int fd = number;
    *ret_found = fd >= 0;
    return fd < 0 || fsync(fd) == 0 ? NULL : dir_failed(d, "fsync", name);
}
