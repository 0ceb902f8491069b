/* SPDX-License-Identifier: Apache-2.0 */
/* No file without a name (O_TMPFILE) is used: the file systems of Windows disks, which come
 * through FUSE, have none. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "auto.h"
#include "codes.h"
#include "disk_file.h"

enum { NAME_ROOM = 300, XATTR_MAX = 64 * 1024 };

struct err *
disk_file_read(int fd, const char *shown, uint8_t *to, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = pread(fd, to + done, len - done, (off_t)done);

        if (n == 0)
            errno = EIO; /* it shrank */
        if (n <= 0)
            return fail(FileUnreadable, shown);
        done += (size_t)n;
    }
    return NULL;
}

static struct err *
write_whole(int fd, const char *shown, struct view v)
{
    for (size_t done = 0; done < v.len;) {
        ssize_t n = pwrite(fd, v.data + done, v.len - done, (off_t)done);

        if (n < 0)
            return fail(FileUnwritable, shown);
        done += (size_t)n;
    }
    return fsync(fd) != 0 ? fail(FileUnwritable, shown) : NULL;
}

/* What was written is what the file system gives back. */
static struct err *
read_back(int fd, const char *shown, struct view v)
{
    auto_free uint8_t *again = malloc(v.len + 1);

    if (again == NULL)
        return fail(OutOfMemory);
    TRY(disk_file_read(fd, shown, again, v.len));
    errno = EIO;
    return memcmp(again, v.data, v.len) != 0 ? fail(FileUnwritable, shown) : NULL;
}

/* Owner, mode, times stay out of it: a changed hive has a new time.  Attributes are copied as
 * far as the file system has them; ntfs-3g does not list those that hold the access list. */
static struct err *
dress(int from, int to, const struct stat *st, const char *shown)
{
    static const char *const name[] = { "system.ntfs_acl", "system.ntfs_attrib_be",
        "security.selinux" };
    auto_free char *value = malloc(XATTR_MAX);

    if (value == NULL)
        return fail(OutOfMemory);
    if (fchown(to, st->st_uid, st->st_gid) != 0 && errno != EPERM)
        return fail(FileUnwritable, shown);
    if (fchmod(to, st->st_mode & 07777) != 0 && errno != EPERM && errno != EOPNOTSUPP)
        return fail(FileUnwritable, shown);
    for (size_t i = 0; i < sizeof name / sizeof name[0]; i++) {
        ssize_t n = fgetxattr(from, name[i], value, XATTR_MAX);

        if (n > 0 && fsetxattr(to, name[i], value, (size_t)n, 0) != 0 && errno != EOPNOTSUPP &&
            errno != EPERM)
            return fail(FileUnwritable, shown);
    }
    return NULL;
}

struct err *
disk_file_new(int folder, const char *name, int like, const char *shown, struct view v)
{
    auto_fd int fd = openat(folder, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    struct stat st;
    struct err *e = NULL;

    if (fd < 0)
        return fail(FileUnwritable, shown);
    if (like >= 0 && fstat(like, &st) != 0)
        e = fail(FileUnreadable, shown);
    if (e == NULL && like >= 0)
        e = dress(like, fd, &st, shown);
    if (e == NULL)
        e = write_whole(fd, shown, v);
    if (e == NULL)
        e = read_back(fd, shown, v);
    if (e != NULL)
        (void)unlinkat(folder, name, 0);
    return e;
}

struct err *
disk_file_replace(int folder, const char *name, int like, const char *shown, struct view v)
{
    char new[NAME_ROOM];

    (void)snprintf(new, sizeof new, "%s.firn-new", name);
    if (unlinkat(folder, new, 0) != 0 && errno != ENOENT)
        return fail(FileUnwritable, shown);
    TRY(disk_file_new(folder, new, like, shown, v));
    if (renameat(folder, new, folder, name) != 0) {
        struct err *e = fail(FileUnwritable, shown);

        (void)unlinkat(folder, new, 0);
        return e;
    }
    return disk_file_sync(folder, shown);
}

struct err *
disk_file_sync(int folder, const char *shown)
{
    /* FUSE file systems may know no fsync of folders */
    if (fsync(folder) != 0 && errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP)
        return fail(FileUnwritable, shown);
    return NULL;
}
