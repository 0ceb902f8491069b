/* SPDX-License-Identifier: Apache-2.0 */
/* vm_folder.c -- the folder of one run: scratch files and the socket that QEMU listens at.
 *
 * Its owner holds a lock (flock) on the folder itself, which the kernel gives back however
 * the owner ends.  So a folder whose lock can be had belongs to nobody.  Between the making
 * of a folder and its locking somebody may take it for a dead one and remove it: then its
 * maker sees that it has no name any more, and makes another. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/un.h>

#include "bytes.h"
#include "codes.h"
#include "number.h"
#include "state.h"
#include "text.h"
#include "vm_internal.h"

enum { TRIES = 16 };

static const char prefix[] = "firn-";

static struct err *
join(const char *folder, const char *name, char **ret)
{
    if (asprintf(ret, "%s/%s", folder, name) < 0) {
        *ret = NULL;
        return fail(OutOfMemory);
    }
    return NULL;
}

static bool
runs_as_other(const struct vm *vm, struct ucred *ret)
{
    return qmp_peer(vm->qmp, ret) && ret->uid != geteuid();
}

struct err *
vm_folder_where(struct vm *vm, const char *scratch)
{
    auto_free char *state = NULL;
    struct ucred qemu;

    if (scratch == NULL && runs_as_other(vm, &qemu))
        scratch = "/var/tmp";
    if (scratch == NULL) {
        TRY(state_folder(&state));
        vm->where = take(state);
        return NULL;
    }
    /* QEMU opens what lies there by its name, and works in another folder than we. */
    vm->where = realpath(scratch, NULL);
    return vm->where == NULL ? fail(FileUnwritable, scratch) : NULL;
}

static struct err *
choose_run(struct vm *vm)
{
    uint8_t random[VM_RUN_LEN / 2];

    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
        return fail(SystemCallFailed, "getrandom");
    bytes_to_hex(random, sizeof(random), vm->run);
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
give_to_qemu(const struct vm *vm, int fd, const char *path)
{
    struct ucred qemu;

    if (geteuid() != 0 || !runs_as_other(vm, &qemu))
        return NULL;
    return fchown(fd, qemu.uid, qemu.gid) != 0 ? fail(FileUnwritable, path) : NULL;
}

struct err *
vm_folder_make(struct vm *vm)
{
    for (int i = 0; i < TRIES; i++) {
        auto_free char *path = NULL;
        int fd = -1;

        TRY(choose_run(vm));
        if (asprintf(&path, "%s/%s%s", vm->where, prefix, vm->run) < 0) {
            path = NULL;
            return fail(OutOfMemory);
        }
        if (strlen(path) + sizeof("/nbd") > sizeof(((struct sockaddr_un *)NULL)->sun_path))
            return fail(InputInvalid, vm->where, "the path is too long for a socket below it");
        TRY(make_locked(path, &fd));
        if (fd < 0)
            continue;
        vm->folder = (struct vm_folder){ take(path), fd };
        return give_to_qemu(vm, fd, vm->folder.path);
    }
    return fail(FileUnwritable, vm->where);
}

struct err *
vm_folder_free_bytes(const struct vm *vm, uint64_t *ret)
{
    struct statvfs fs;

    if (fstatvfs(vm->folder.fd, &fs) != 0)
        return fail(FileUnreadable, vm->folder.path);
    if (!mul_ok(fs.f_bavail, fs.f_frsize, ret))
        *ret = UINT64_MAX;
    return NULL;
}

struct err *
vm_folder_room(const struct vm *vm, uint64_t total)
{
    uint64_t there, least = total / RUNNING_SCRATCH_PART;
    char has[TEXT_SIZE_MAX], needs[TEXT_SIZE_MAX];

    TRY(vm_folder_free_bytes(vm, &there));
    if (there >= least)
        return NULL;
    (void)text_size(has, there);
    (void)text_size(needs, least);
    return fail(VmScratchSmall, vm->where, has, needs);
}

struct err *
vm_folder_scratch(struct vm *vm, size_t i, uint64_t size, char **ret_path)
{
    auto_free char *path = NULL;
    char name[24];

    snprintf(name, sizeof(name), "%zu", i);
    TRY(join(vm->folder.path, name, &path));
    auto_fd int fd = openat(vm->folder.fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, (off_t)size) != 0)
        return fail(FileUnwritable, path);
    TRY(give_to_qemu(vm, fd, path));
    *ret_path = take(path);
    return NULL;
}

struct err *
vm_folder_owner(const char *path, bool *ret_lives, struct vm_folder *ret)
{
    auto_fd int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    *ret = (struct vm_folder){ NULL, -1 };
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

/* A number, or the socket. */
static bool
is_ours(const char *name)
{
    uint64_t disk;

    return strcmp(name, "nbd") == 0 || number_parse(name, &disk);
}

static void
empty_folder(int fd)
{
    int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = again < 0 ? NULL : fdopendir(again);
    struct dirent *entry;

    if (d == NULL) {
        if (again >= 0)
            (void)close(again);
        return;
    }
    while ((entry = readdir(d)) != NULL)
        if (is_ours(entry->d_name))
            (void)unlinkat(fd, entry->d_name, 0);
    (void)closedir(d);
}

void
vm_folder_remove(struct vm_folder *f)
{
    if (f->fd >= 0) {
        empty_folder(f->fd);
        (void)rmdir(f->path);
    }
    vm_folder_done(f);
}

void
vm_folder_done(struct vm_folder *f)
{
    if (f->path != NULL && f->fd >= 0)
        (void)close(f->fd);
    free(f->path);
    *f = (struct vm_folder){ NULL, -1 };
}

static bool
is_run_folder(const char *name)
{
    size_t n = strlen(prefix);

    return strncmp(name, prefix, n) == 0 && strlen(name) == n + VM_RUN_LEN &&
           strspn(name + n, "0123456789abcdef") == VM_RUN_LEN;
}

static void
sweep_one(const char *path)
{
    struct vm_folder f = { NULL, -1 };
    bool lives;
    struct err *e = vm_folder_owner(path, &lives, &f);

    if (e == NULL && !lives)
        vm_folder_remove(&f);
    vm_folder_done(&f);
    err_free(e);
}

void
vm_folder_sweep(const struct vm *vm)
{
    DIR *d = opendir(vm->where);
    struct dirent *entry;

    if (d == NULL)
        return;
    while ((entry = readdir(d)) != NULL) {
        char *path = NULL;

        if (!is_run_folder(entry->d_name))
            continue;
        struct err *e = join(vm->where, entry->d_name, &path);
        if (e == NULL)
            sweep_one(path);
        err_free(e);
        free(path);
    }
    (void)closedir(d);
}
