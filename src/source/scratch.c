/* SPDX-License-Identifier: Apache-2.0 */
/* scratch.c -- a folder that is locked as long as its owner lives.
 *
 * Its owner holds a lock (flock) on the folder itself, which the kernel gives back however
 * the owner ends.  So a folder whose lock can be had belongs to nobody.  Between the making
 * of a folder and its locking somebody may take it for a dead one and remove it: then its
 * maker sees that it has no name any more, and makes another.
 *
 * A QEMU that has scratch files open holds locks on them, as it does on every image.  Until it
 * has closed them, their folder is what tells whose they are (vm_sweep.c). */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <unistd.h>

#include "auto.h"
#include "bytes.h"
#include "codes.h"
#include "number.h"
#include "state.h"
#include "text.h"
#include "scratch.h"

enum { TRIES = 16 };

static const char prefix[] = "firn-", for_each_user[] = "/var/tmp";

static struct err *
join(const char *folder, const char *name, char **ret)
{
    if (asprintf(ret, "%s/%s", folder, name) < 0) {
        *ret = NULL;
        return fail(OutOfMemory);
    }
    return NULL;
}

struct err *
scratch_where(struct scratch *s, const char *folder, const struct ucred *qemu)
{
    auto_free char *state = NULL;

    s->other = qemu != NULL && qemu->uid != geteuid();
    if (s->other) {
        s->uid = qemu->uid;
        s->gid = qemu->gid;
    }
    if (folder == NULL && s->other)
        folder = for_each_user;
    if (folder == NULL) {
        TRY(state_folder(&state));
        s->where = take(state);
        return NULL;
    }
    /* QEMU opens what lies there by its name, and works in another folder than we. */
    s->where = realpath(folder, NULL);
    return s->where == NULL ? fail(FileUnwritable, folder) : NULL;
}

static struct err *
choose_run(struct scratch *s)
{
    uint8_t random[SCRATCH_RUN_LEN / 2];

    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
        return fail(SystemCallFailed, "getrandom");
    bytes_to_hex(random, sizeof(random), s->run);
    return NULL;
}

/* *ret_fd is -1 when somebody was faster. */
static struct err *
make_locked(const char *path, int *ret_fd)
{
    struct stat st;

    if (mkdir(path, 0700) != 0)
        return errno == EEXIST ? NULL : fail(FileUnwritable, path);
    auto_fd int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? NULL : fail(FileUnwritable, path);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK ? NULL : fail(SystemCallFailed, "flock");
    if (fstat(fd, &st) != 0)
        return fail(FileUnreadable, path);
    if (st.st_nlink > 0)
        *ret_fd = take_fd(fd);
    return NULL;
}

static struct err *
give_to_qemu(const struct scratch *s, int fd, const char *path)
{
    if (geteuid() != 0 || !s->other)
        return NULL;
    return fchown(fd, s->uid, s->gid) != 0 ? fail(FileUnwritable, path) : NULL;
}

struct err *
scratch_make(struct scratch *s)
{
    for (int i = 0; i < TRIES; i++) {
        auto_free char *path = NULL;
        int fd = -1;

        TRY(choose_run(s));
        if (asprintf(&path, "%s/%s%s", s->where, prefix, s->run) < 0) {
            path = NULL;
            return fail(OutOfMemory);
        }
        if (strlen(path) + sizeof("/nbd") > sizeof(((struct sockaddr_un *)NULL)->sun_path))
            return fail(InputInvalid, s->where, "the path is too long for a socket below it");
        TRY(make_locked(path, &fd));
        if (fd < 0)
            continue;
        s->path = take(path);
        s->fd = fd;
        return give_to_qemu(s, fd, s->path);
    }
    return fail(FileUnwritable, s->where);
}

struct err *
scratch_free_bytes(const struct scratch *s, uint64_t *ret)
{
    struct statvfs fs;

    if (fstatvfs(s->fd, &fs) != 0)
        return fail(FileUnreadable, s->path);
    if (!mul_ok(fs.f_bavail, fs.f_frsize, ret))
        *ret = UINT64_MAX;
    return NULL;
}

struct err *
scratch_room(const struct scratch *s, uint64_t total)
{
    uint64_t there, least = total / SCRATCH_PART;
    char has[TEXT_SIZE_MAX], needs[TEXT_SIZE_MAX];

    TRY(scratch_free_bytes(s, &there));
    if (there >= least)
        return NULL;
    (void)text_size(has, there);
    (void)text_size(needs, least);
    return fail(VmScratchSmall, s->where, has, needs);
}

struct err *
scratch_file(const struct scratch *s, size_t i, uint64_t size, char **ret_path)
{
    auto_free char *path = NULL;
    char name[24];

    snprintf(name, sizeof(name), "%zu", i);
    TRY(join(s->path, name, &path));
    auto_fd int fd = openat(s->fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, (off_t)size) != 0)
        return fail(FileUnwritable, path);
    TRY(give_to_qemu(s, fd, path));
    *ret_path = take(path);
    return NULL;
}

struct err *
scratch_owner(const char *path, bool *ret_lives, struct scratch *ret)
{
    auto_fd int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    *ret = (struct scratch){ .fd = -1 };
    *ret_lives = false;
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
        return NULL;
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0) { /* not ours to judge, or locked */
        *ret_lives = true;
        return NULL;
    }
    ret->path = strdup(path);
    if (ret->path == NULL)
        return fail(OutOfMemory);
    ret->fd = take_fd(fd);
    return NULL;
}

static bool
is_scratch(const char *name)
{
    uint64_t disk;

    return number_parse(name, &disk);
}

static bool
is_ours(const char *name)
{
    return strcmp(name, "nbd") == 0 || is_scratch(name);
}

static DIR *
list_folder(int fd)
{
    int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = again < 0 ? NULL : fdopendir(again);

    if (d == NULL && again >= 0)
        (void)close(again);
    return d;
}

static void
empty_folder(int fd)
{
    DIR *d = list_folder(fd);
    struct dirent *entry;

    if (d == NULL)
        return;
    while ((entry = readdir(d)) != NULL)
        if (is_ours(entry->d_name))
            (void)unlinkat(fd, entry->d_name, 0);
    (void)closedir(d);
}

void
scratch_remove(struct scratch *s)
{
    if (s->fd >= 0) {
        empty_folder(s->fd);
        (void)rmdir(s->path); /* what is in it still, another sweep finds */
        (void)close(s->fd);
        s->fd = -1;
    }
}

void
scratch_done(struct scratch *s)
{
    if (s->fd >= 0)
        (void)close(s->fd);
    free(s->path);
    free(s->where);
    *s = (struct scratch){ .fd = -1 };
}

static bool
is_run_folder(const char *name)
{
    size_t n = strlen(prefix);

    return strncmp(name, prefix, n) == 0 && strlen(name) == n + SCRATCH_RUN_LEN &&
           strspn(name + n, "0123456789abcdef") == SCRATCH_RUN_LEN;
}

/* What cannot be told counts as locked. */
static bool
is_locked(int folder, const char *name)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    auto_fd int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    return fd < 0 || fcntl(fd, F_OFD_GETLK, &lock) != 0 || lock.l_type != F_UNLCK;
}

static bool
is_in_use(const char *path)
{
    auto_fd int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : list_folder(fd);
    struct dirent *entry;
    bool used = false;

    if (d == NULL)
        return true;
    while (!used && (entry = readdir(d)) != NULL)
        used = is_scratch(entry->d_name) && is_locked(fd, entry->d_name);
    (void)closedir(d);
    return used;
}

static void
sweep_one(const char *path)
{
    struct scratch dead = { .fd = -1 };
    bool lives;

    if (is_in_use(path))
        return;
    struct err *e = scratch_owner(path, &lives, &dead);
    if (e == NULL && !lives)
        scratch_remove(&dead);
    scratch_done(&dead);
    err_free(e); /* then it stays */
}

void
scratch_sweep(const char *folder)
{
    DIR *d = opendir(folder);
    struct dirent *entry;

    if (d == NULL)
        return;
    while ((entry = readdir(d)) != NULL) {
        char *path = NULL;

        if (!is_run_folder(entry->d_name))
            continue;
        struct err *e = join(folder, entry->d_name, &path);
        if (e == NULL)
            sweep_one(path);
        err_free(e); /* then it stays */
        free(path);
    }
    (void)closedir(d);
}

void
scratch_sweep_usual(void)
{
    auto_free char *state = NULL;
    struct err *e = state_folder_find(&state);

    if (e == NULL && state != NULL)
        scratch_sweep(state);
    err_free(e); /* whoever needs the folder tells why it cannot be used */
    scratch_sweep(for_each_user);
}
