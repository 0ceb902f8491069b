/* SPDX-License-Identifier: Apache-2.0 */
/* The hold is flock, which goes with the process.  A name is durable when its folder was
 * synced, which the first addition does. */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "codes.h"
#include "record.h"
#include "write_all.h"

struct record {
    char *path;
    int fd;
    bool named; /* durably */
};

void
record_free(struct record *r)
{
    if (r == NULL)
        return;
    if (r->fd >= 0)
        (void)close(r->fd);
    free(r->path);
    free(r);
}

static struct err *
begin(const char *path, struct record **ret)
{
    auto_ptr(record) r = calloc(1, sizeof(*r));

    if (r == NULL)
        return fail(OutOfMemory);
    r->fd = -1;
    r->path = strdup(path);
    if (r->path == NULL)
        return fail(OutOfMemory);
    *ret = take(r);
    return NULL;
}

struct err *
record_make(const char *path, struct record **ret)
{
    auto_ptr(record) r = NULL;

    TRY(begin(path, &r));
    r->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (r->fd < 0 || flock(r->fd, LOCK_EX | LOCK_NB) != 0)
        return fail(FileUnwritable, path);
    *ret = take(r);
    return NULL;
}

struct err *
record_open(const char *path, struct record **ret, enum record_state *ret_state)
{
    auto_ptr(record) r = NULL;

    TRY(begin(path, &r));
    r->named = true;
    r->fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    *ret_state = RECORD_MISSING;
    if (r->fd < 0)
        return errno == ENOENT ? NULL : fail(FileUnreadable, path);
    *ret_state = RECORD_BUSY;
    if (flock(r->fd, LOCK_EX | LOCK_NB) != 0)
        return NULL;
    *ret_state = RECORD_HELD;
    *ret = take(r);
    return NULL;
}

struct err *
record_read(struct record *r, size_t max, char **ret, size_t *ret_len)
{
    auto_free char *data = NULL;
    struct stat st;
    size_t len = 0;

    *ret = NULL;
    if (fstat(r->fd, &st) != 0)
        return fail(FileUnreadable, r->path);
    if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > max)
        return NULL;
    data = malloc((size_t)st.st_size + 1);
    if (data == NULL)
        return fail(OutOfMemory);
    while (len < (size_t)st.st_size) {
        ssize_t n = pread(r->fd, data + len, (size_t)st.st_size - len, (off_t)len);

        if (n < 0)
            return fail(FileUnreadable, r->path);
        if (n == 0)
            break;
        len += (size_t)n;
    }
    data[len] = '\0';
    *ret = take(data);
    *ret_len = len;
    return NULL;
}

struct err *
record_tail(struct record *r, size_t max, char **ret, size_t *ret_len, uint64_t *ret_off)
{
    auto_free char *data = malloc(max + 1);
    struct stat st;
    ssize_t n;

    *ret = NULL;
    if (data == NULL)
        return fail(OutOfMemory);
    if (fstat(r->fd, &st) != 0)
        return fail(FileUnreadable, r->path);
    if (!S_ISREG(st.st_mode))
        return NULL;
    *ret_off = (uint64_t)st.st_size > max ? (uint64_t)st.st_size - max : 0;
    n = pread(r->fd, data, max, (off_t)*ret_off);
    if (n < 0)
        return fail(FileUnreadable, r->path);
    data[n] = '\0';
    *ret = take(data);
    *ret_len = (size_t)n;
    return NULL;
}

/* While it is held, so that nobody begins with what goes. */
struct err *
record_remove(struct record *r)
{
    struct err *e = unlink(r->path) != 0 ? fail(FileUnwritable, r->path) : NULL;

    record_free(r);
    return e;
}

static struct err *
sync_folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    auto_free char *folder = slash == NULL ? strdup(".")
                                           : strndup(path, (size_t)(slash - path) + 1);

    if (folder == NULL)
        return fail(OutOfMemory);
    auto_fd int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0 || fsync(fd) != 0)
        return fail(FileUnwritable, folder);
    return NULL;
}

/* In one write, so that a reader meets whole lines. */
struct err *
record_add(struct record *r, size_t off, const char *data, size_t len)
{
    ssize_t n = pwrite(r->fd, data, len, (off_t)off);

    if (n != (ssize_t)len || fdatasync(r->fd) != 0)
        return fail(FileUnwritable, r->path);
    if (!r->named)
        TRY(sync_folder_of(r->path));
    r->named = true;
    return NULL;
}

struct err *
record_cut(struct record *r, size_t len)
{
    return ftruncate(r->fd, (off_t)len) != 0 ? fail(FileUnwritable, r->path) : NULL;
}

struct err *
record_put(const char *path, const char *data, size_t len)
{
    auto_fd int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0 || !write_all(fd, data, len) || fsync(fd) != 0)
        return fail(FileUnwritable, path);
    return NULL;
}

struct err *
record_folder(const char *path)
{
    return mkdir(path, 0700) != 0 && errno != EEXIST ? fail(FileUnwritable, path) : NULL;
}

struct err *
record_list(const char *folder, bool (*each)(void *arg, const char *name), void *arg)
{
    DIR *d = opendir(folder);
    bool more = true;

    if (d == NULL)
        return fail(FileUnreadable, folder);
    for (const struct dirent *f; more && (f = readdir(d)) != NULL;)
        more = each(arg, f->d_name);
    (void)closedir(d);
    return NULL;
}

struct err *
record_random(void *to, size_t len)
{
    return getrandom(to, len, 0) != (ssize_t)len ? fail(SystemCallFailed, "getrandom") : NULL;
}
