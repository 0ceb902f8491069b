/* SPDX-License-Identifier: Apache-2.0 */
/* target_local.c -- files below a root, programs, boot ids.
 *
 * openat2 with RESOLVE_IN_ROOT keeps every path inside the tree, whatever links are in it. */
#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>

#include "codes.h"
#include "proc.h"
#include "target_local_internal.h"
#include "text.h"
#include "write_all.h"

#define BOOT_ID "/proc/sys/kernel/random/boot_id"

struct err *
local_refused(const struct target *t, const char *what, int number)
{
    return fail(TargetRefused, t->name, what, number);
}

int
local_open(const struct local *l, const char *path, int flags)
{
    struct open_how how = { .flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
        .resolve = RESOLVE_IN_ROOT };

    return (int)syscall(SYS_openat2, l->fd, path, &how, sizeof(how));
}

/* ---- files ---- */

static struct err *
local_file_read(struct target *t, const char *path, void **ret, size_t *ret_len,
    bool *ret_found)
{
    auto_fd int fd = local_open((struct local *)t, path, O_RDONLY | O_NONBLOCK);
    auto_free char *data = NULL;
    struct stat st;
    size_t len = 0;

    *ret_found = fd >= 0;
    if (fd < 0 && errno == ELOOP)
        return fail(InputInvalid, path, "it is a link that leads to itself");
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? NULL
                                                   : local_refused(t, "read a file", errno);
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > TARGET_FILE_MAX)
        return fail(InputInvalid, path, "it is no file that is read whole");
    data = malloc((size_t)st.st_size + 1);
    if (data == NULL)
        return fail(OutOfMemory);
    while (len < (size_t)st.st_size) {
        ssize_t n = read(fd, data + len, (size_t)st.st_size - len);

        if (n < 0)
            return local_refused(t, "read a file", errno);
        if (n == 0)
            break;
        len += (size_t)n;
    }
    data[len] = '\0';
    *ret = take(data);
    *ret_len = len;
    return NULL;
}

/* The folder of ${path}, and its last part in *ret_name. */
static int
open_parent(const struct local *l, const char *path, const char **ret_name)
{
    const char *last = strrchr(path, '/');
    auto_free char *folder = strndup(path, last == path ? 1 : (size_t)(last - path));

    *ret_name = last + 1;
    if (folder == NULL || **ret_name == '\0') {
        errno = folder == NULL ? ENOMEM : EISDIR;
        return -1;
    }
    return local_open(l, folder, O_RDONLY | O_DIRECTORY);
}

/* Mode and owner of the file that is replaced stay. */
static struct err *
local_file_write(struct target *t, const char *path, const void *data, size_t len)
{
    const char *name;
    auto_fd int folder = open_parent((struct local *)t, path, &name);
    auto_fd int fd = -1;
    auto_free char *fresh = NULL;
    struct stat st;
    bool ok;

    if (folder < 0)
        return local_refused(t, "write a file", errno);
    if (asprintf(&fresh, ".%s.firn-%d", name, (int)getpid()) < 0)
        return fail(OutOfMemory);
    fd = openat(folder, fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
        strstr(name, TARGET_OLD) != NULL ? 0600 : 0644);
    if (fd < 0)
        return local_refused(t, "write a file", errno);
    ok = fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode) ||
        (fchmod(fd, st.st_mode & 07777) == 0 &&
            (fchown(fd, st.st_uid, st.st_gid) == 0 || errno == EPERM));
    ok = ok && write_all(fd, data, len) && fsync(fd) == 0 &&
        renameat(folder, fresh, folder, name) == 0 && fsync(folder) == 0;
    if (!ok) {
        struct err *e = local_refused(t, "write a file", errno);

        (void)unlinkat(folder, fresh, 0);
        return e;
    }
    return NULL;
}

static struct err *
local_file_rename(struct target *t, const char *from, const char *to)
{
    const char *old, *new;
    auto_fd int a = open_parent((struct local *)t, from, &old);
    auto_fd int b = open_parent((struct local *)t, to, &new);

    if (a < 0 || b < 0 || renameat2(a, old, b, new, RENAME_NOREPLACE) != 0)
        return local_refused(t, "rename a file", errno);
    return fsync(b) != 0 ? local_refused(t, "rename a file", errno) : NULL;
}

static struct err *
local_file_delete(struct target *t, const char *path)
{
    const char *name;
    auto_fd int folder = open_parent((struct local *)t, path, &name);

    if (folder < 0)
        return errno == ENOENT ? NULL : local_refused(t, "delete a file", errno);
    if (unlinkat(folder, name, 0) != 0 && errno != ENOENT)
        return local_refused(t, "delete a file", errno);
    return fsync(folder) != 0 ? local_refused(t, "delete a file", errno) : NULL;
}

static struct err *
read_names(struct target *t, DIR *d, char ***ret)
{
    char **names = calloc(TARGET_ENTRIES_MAX + 1, sizeof(*names));
    size_t n = 0;

    for (const struct dirent *f; names != NULL && (f = readdir(d)) != NULL;) {
        if (strcmp(f->d_name, ".") == 0 || strcmp(f->d_name, "..") == 0)
            continue;
        if (n == TARGET_ENTRIES_MAX) {
            target_names_free(names);
            return fail(InputInvalid, t->name, "a folder of it has too many names");
        }
        names[n] = strdup(f->d_name);
        if (names[n++] == NULL) {
            target_names_free(names);
            return fail(OutOfMemory);
        }
    }
    if (names == NULL)
        return fail(OutOfMemory);
    *ret = names;
    return NULL;
}

static struct err *
local_file_list(struct target *t, const char *folder, char ***ret, bool *ret_found)
{
    int fd = local_open((struct local *)t, folder, O_RDONLY | O_DIRECTORY);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);

    *ret_found = d != NULL;
    if (d == NULL) {
        int number = errno;

        if (fd >= 0)
            (void)close(fd);
        if (number == ENOENT || number == ENOTDIR)
            return NULL;
        return local_refused(t, "list a folder", number);
    }
    struct err *e = read_names(t, d, ret);

    (void)closedir(d);
    return e;
}

static struct err *
local_space(struct target *t, const char *path, uint64_t *ret_bytes)
{
    auto_fd int fd = local_open((struct local *)t, path, O_RDONLY);
    struct statvfs v;

    if (fd < 0 || fstatvfs(fd, &v) != 0)
        return local_refused(t, "tell the free space", errno);
    *ret_bytes = (uint64_t)v.f_bavail * v.f_frsize;
    return NULL;
}

/* ---- programs ---- */

struct err *
local_run(const char *const argv[], const char *const env[], struct deadline by, int *ret_exit,
    char **ret_output)
{
    const struct proc_options o = { .env = env };
    auto_ptr(proc) p = NULL;
    auto_free char *out = NULL, *words = NULL;
    bool ended;

    TRY(proc_start(argv, &o, &p));
    TRY(proc_wait(p, by, &ended, ret_exit));
    if (!ended) {
        proc_end(p);
        return fail(DeadlinePassed, argv[0]);
    }
    if (ret_output == NULL)
        return NULL;
    TRY(proc_output(p, &out));
    TRY(proc_words(p, &words));
    if (asprintf(ret_output, "%s%s%s", out, *out != '\0' && *words != '\0' ? "\n" : "",
            words) < 0)
        return fail(OutOfMemory);
    return NULL;
}

static struct err *
local_program(struct target *t, const char *const argv[], struct deadline by,
    uint32_t *ret_exit, char **ret_output)
{
    int code = 0;

    (void)t;
    TRY(local_run(argv, NULL, by, &code, ret_output));
    *ret_exit = (uint32_t)code;
    return NULL;
}

static struct err *
local_boot_id(struct target *t, char **ret)
{
    if (t->offline)
        return fail(TargetCannot, t->name, "tell one start of the machine from the next");
    auto_fd int fd = open(BOOT_ID, O_RDONLY | O_CLOEXEC);
    char id[64];
    ssize_t n = fd < 0 ? -1 : read(fd, id, sizeof(id) - 1);

    if (n <= 0)
        return local_refused(t, "tell its boot id", errno);
    id[n] = '\0';
    id[strcspn(id, "\n")] = '\0';
    *ret = strdup(id);
    return *ret == NULL ? fail(OutOfMemory) : NULL;
}

static void
local_free(struct target *t)
{
    struct local *l = (struct local *)t;

    if (l->fd >= 0)
        (void)close(l->fd);
    free(l->root);
    free(l);
}

static const struct target_vtable local_calls = {
    .file_read = local_file_read,
    .file_write = local_file_write,
    .file_rename = local_file_rename,
    .file_delete = local_file_delete,
    .file_list = local_file_list,
    .space_free = local_space,
    .run = local_program,
    .load = local_load,
    .installer_busy = local_busy,
    .boot_id = local_boot_id,
    .package_version = local_package_version,
    .package_interrupted = local_package_interrupted,
    .package_install = local_package_install,
    .package_remove = local_package_remove,
    .package_configure = local_package_configure,
    .unit_get = local_unit_get,
    .unit_set = local_unit_set,
    .unit_control = local_unit_control,
    .free = local_free,
};

static struct err *
can_find(const char *program, unsigned bit, unsigned *can)
{
    auto_free char *path = NULL;

    TRY(proc_find(program, &path));
    if (path != NULL)
        *can |= bit;
    return NULL;
}

struct err *
target_local_open(const char *root, const char *name, struct target **ret)
{
    struct local *l = calloc(1, sizeof(*l));

    if (l == NULL)
        return fail(OutOfMemory);
    l->fd = -1;
    auto_ptr(target) t = &l->t;
    TRY(target_init(t, &local_calls, name));
    l->root = root == NULL ? strdup("") : realpath(root, NULL);
    if (l->root == NULL)
        return root == NULL ? fail(OutOfMemory) : fail(FileUnreadable, root);
    l->fd = open(root == NULL ? "/" : l->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (l->fd < 0)
        return fail(FileUnreadable, root == NULL ? "/" : l->root);
    l->systemd = root == NULL && access("/run/systemd/system", F_OK) == 0;
    t->os = ACTION_LINUX;
    t->offline = root != NULL;
    t->bits64 = sizeof(void *) == 8;
    t->can = TARGET_FILES | TARGET_LIBRARIES | (root == NULL ? TARGET_PROGRAMS : 0U);
    TRY(can_find("dpkg-query", TARGET_PACKAGES, &t->can));
    TRY(can_find("systemctl", TARGET_UNITS, &t->can));
    if (root == NULL)
        t->cannot[0] = "a restart of this machine is for a person: firn would end with it";
    *ret = take(t);
    return NULL;
}
