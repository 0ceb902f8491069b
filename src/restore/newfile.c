/* SPDX-License-Identifier: Apache-2.0 */
/* newfile.c -- O_TMPFILE and linkat, or a hidden name and rename.
 *
 * linkat cannot replace, so replacing gives the file a hidden name first and renames that. */
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "codes.h"
#include "newfile.h"
#include "sink_body.h"

enum { ATTEMPTS = 100, NAME_DIGITS = 8 };

struct newfile {
    int dir, fd;
    char *path;           /* as the user gave it */
    const char *name;     /* its last part */
    char *hidden;         /* the name it has for the moment; NULL: none */
    char access[PATH_MAX]; /* for other programs */
};

/* Split ${path}; the folder is opened. */
static struct err *
open_folder(struct newfile *f, char *ret_folder, size_t room)
{
    const char *slash = strrchr(f->path, '/');
    size_t len = slash == NULL ? 0 : (size_t)(slash - f->path);

    f->name = slash == NULL ? f->path : slash + 1;
    if (slash == NULL)
        snprintf(ret_folder, room, ".");
    else if (len == 0)
        snprintf(ret_folder, room, "/");
    else if (len < room)
        snprintf(ret_folder, room, "%.*s", (int)len, f->path);
    else
        return sink_open_failed(f->path, ENAMETOOLONG);
    if (f->name[0] == '\0' || strcmp(f->name, ".") == 0 || strcmp(f->name, "..") == 0)
        return fail(RestoreTargetNotDisk, f->path, "a folder");
    f->dir = open(ret_folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (f->dir < 0)
        return sink_open_failed(f->path, errno);
    return NULL;
}

static struct err *
hidden_name(struct newfile *f, char **ret)
{
    uint32_t random;
    size_t room = strlen(f->name) + sizeof("..firn-") + NAME_DIGITS;

    if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
        return fail(SystemCallFailed, "getrandom");
    char *s = malloc(room);
    if (s == NULL)
        return fail(OutOfMemory);
    snprintf(s, room, ".%s.firn-%08x", f->name, random);
    free(*ret);
    *ret = s;
    return NULL;
}

static struct err *
create_hidden(struct newfile *f, const char *folder)
{
    auto_free char *name = NULL;

    for (int i = 0; f->fd < 0; i++) {
        TRY(hidden_name(f, &name));
        f->fd = openat(f->dir, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (f->fd < 0 && (errno != EEXIST || i == ATTEMPTS))
            return sink_open_failed(f->path, errno);
    }
    f->hidden = take(name);
    if (snprintf(f->access, sizeof(f->access), "%s/%s", folder, f->hidden) >=
        (int)sizeof(f->access))
        return sink_open_failed(f->path, ENAMETOOLONG);
    return NULL;
}

struct err *
newfile_begin(const char *path, struct newfile **ret)
{
    char folder[PATH_MAX];

    auto_ptr(newfile) f = calloc(1, sizeof(*f));
    if (f == NULL)
        return fail(OutOfMemory);
    f->dir = f->fd = -1;
    f->path = strdup(path);
    if (f->path == NULL)
        return fail(OutOfMemory);
    TRY(open_folder(f, folder, sizeof(folder)));
    f->fd = openat(f->dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (f->fd >= 0)
        snprintf(f->access, sizeof(f->access), "/proc/%d/fd/%d", (int)getpid(), f->fd);
    else if (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT || errno == EINVAL)
        TRY(create_hidden(f, folder));
    else
        return sink_open_failed(path, errno);
    *ret = take(f);
    return NULL;
}

int
newfile_fd(const struct newfile *f)
{
    return f->fd;
}

const char *
newfile_path(const struct newfile *f)
{
    return f->access;
}

static int
link_as(const struct newfile *f, const char *name)
{
    char self[64];

    snprintf(self, sizeof(self), "/proc/self/fd/%d", f->fd);
    return linkat(AT_FDCWD, self, f->dir, name, AT_SYMLINK_FOLLOW);
}

/* Without RENAME_NOREPLACE (some network file systems) the check and the step are two. */
static int
rename_new(const struct newfile *f)
{
    if (renameat2(f->dir, f->hidden, f->dir, f->name, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -1;
    if (faccessat(f->dir, f->name, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
        errno = EEXIST;
        return -1;
    }
    return renameat(f->dir, f->hidden, f->dir, f->name);
}

static struct err *
name_it(struct newfile *f, bool replace)
{
    int failed;

    if (f->hidden == NULL && replace) {
        auto_free char *name = NULL;
        TRY(hidden_name(f, &name));
        if (link_as(f, name) != 0)
            return sink_open_failed(f->path, errno);
        f->hidden = take(name);
    }
    if (f->hidden == NULL)
        failed = link_as(f, f->name);
    else if (replace)
        failed = renameat(f->dir, f->hidden, f->dir, f->name);
    else
        failed = rename_new(f);
    if (failed != 0)
        return sink_open_failed(f->path, errno);
    free(f->hidden);
    f->hidden = NULL;
    return NULL;
}

struct err *
newfile_commit(struct newfile *f, bool replace)
{
    struct stat st;

    if (fsync(f->fd) != 0) {
        int number = errno;
        uint64_t len = fstat(f->fd, &st) == 0 ? (uint64_t)st.st_size : 0;
        return sink_write_failed(f->path, 0, len, number);
    }
    TRY(name_it(f, replace));
    if (fsync(f->dir) != 0 && errno != EINVAL)
        return sink_write_failed(f->path, 0, 0, errno);
    return NULL;
}

void
newfile_free(struct newfile *f)
{
    if (f == NULL)
        return;
    int kept = errno;
    if (f->hidden != NULL)
        (void)unlinkat(f->dir, f->hidden, 0);
    if (f->fd >= 0)
        (void)close(f->fd);
    if (f->dir >= 0)
        (void)close(f->dir);
    free(f->hidden);
    free(f->path);
    free(f);
    errno = kept;
}
