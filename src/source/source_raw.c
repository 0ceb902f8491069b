/* SPDX-License-Identifier: Apache-2.0 */
/* source_raw.c -- a file or block device, read through the page cache.
 *
 * All lanes share one descriptor, for which the kernel is told that it is read from the
 * front to the back.  Measured with a cold file of 1.5 GiB, ext4 on a virtual disk of a busy
 * machine with 2 processors, requests of 1 MiB, one lane and two lanes that take turns;
 * median (best) of 4 runs in MiB/s:
 *
 *                                    one lane        two lanes
 *   plain pread                       850 (1260)     1030 (1150)
 *   POSIX_FADV_SEQUENTIAL            1160 (1830)     1860 (2480)
 *   O_DIRECT                         1120 (1430)     1200 (2380)
 *   WILLNEED for 4 MiB ahead         1240 (1320)     1410 (1810)
 *
 * So neither O_DIRECT, which also loses what is cached already, nor reading ahead by hand.
 *
 * What is known to be unwritten (source_unwritten) is judged with a read lease held: the
 * kernel grants one only when nobody has the file open for writing, mapped included, and
 * while we hold it no writer can start.  The lease is given back at once; SIGURG, which is
 * ignored unless somebody asks for it, stands in for the SIGIO that would end the process
 * when a writer knocks in between.  File systems that others write to from elsewhere (NFS,
 * CIFS, FUSE) grant leases that say nothing, so only known local ones count. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <linux/fs.h>
#include <linux/magic.h>

#include "clock.h"
#include "codes.h"
#include "source_body.h"

#define SETTLED_NS (2 * CLOCK_S) /* file systems count time in steps of up to this */

enum { MAGIC_BYTES = 512, HOLE_UNKNOWN = 64 * 1024 };

#define XFS_MAGIC 0x58465342
#define ZFS_MAGIC 0x2fc12fc1
#define BCACHEFS_MAGIC 0xca451a4e

struct raw {
    struct source s;
    int fd;
    bool device;
};

static struct raw *
raw_of(struct source *s)
{
    return (struct raw *)s;
}

static struct err *
current_size(const struct raw *r, uint64_t *ret)
{
    struct stat st;

    if (r->device) {
        if (ioctl(r->fd, BLKGETSIZE64, ret) != 0)
            return fail(FileUnreadable, r->s.name);
        return NULL;
    }
    if (fstat(r->fd, &st) != 0)
        return fail(FileUnreadable, r->s.name);
    *ret = (uint64_t)st.st_size;
    return NULL;
}

static struct err *
ended_early(const struct raw *r)
{
    uint64_t now;

    TRY(current_size(r, &now));
    return fail(SourceShrank, r->s.name, (int64_t)r->s.size, (int64_t)now);
}

static struct err *
raw_read(struct source *s, unsigned lane, uint64_t off, void *buf, size_t len)
{
    struct raw *r = raw_of(s);
    uint8_t *to = buf;

    (void)lane;
    while (len > 0) {
        ssize_t n = pread(r->fd, to, len, (off_t)off);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail(SourceReadFailed, s->name, (int64_t)off, (int64_t)len);
        if (n == 0)
            return ended_early(r);
        to += n;
        off += (uint64_t)n;
        len -= (size_t)n;
    }
    return NULL;
}

/* The file may change between the two questions; every answer still is one that was true
 * for a moment, and a wrong "data" costs a read only. */
static struct err *
raw_extent(struct source *s, uint64_t off, enum source_extent *ret_kind, uint64_t *ret_len)
{
    struct raw *r = raw_of(s);
    uint64_t left = s->size - off;
    off_t at = (off_t)off, end;

    *ret_kind = SOURCE_DATA;
    *ret_len = left;
    off_t data = lseek(r->fd, at, SEEK_DATA);
    if (data < 0 && errno == ENXIO) { /* no more data; or the file ends before: see check */
        *ret_kind = SOURCE_HOLE;
        return NULL;
    }
    if (data < at) /* a block device cannot tell */
        return NULL;
    if (data > at) {
        *ret_kind = SOURCE_HOLE;
        end = data;
    } else {
        end = lseek(r->fd, at, SEEK_HOLE);
        if (end <= at)
            end = at + HOLE_UNKNOWN;
    }
    if ((uint64_t)(end - at) < left)
        *ret_len = (uint64_t)(end - at);
    return NULL;
}

static int64_t
ns_of(struct timespec t)
{
    return (int64_t)t.tv_sec * CLOCK_S + t.tv_nsec;
}

static bool
is_local(int fd)
{
    static const uint32_t local[] = { EXT4_SUPER_MAGIC, XFS_MAGIC, BTRFS_SUPER_MAGIC,
        F2FS_SUPER_MAGIC, TMPFS_MAGIC, ZFS_MAGIC, BCACHEFS_MAGIC };
    struct statfs fs;

    if (fstatfs(fd, &fs) != 0)
        return false;
    for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++) {
        if ((uint32_t)fs.f_type == local[i])
            return true;
    }
    return false;
}

/* The stamp as it stands.  known and *ret_busy come from the lease. */
static void
take_stamp(struct raw *r, struct source_stamp *ret, bool *ret_busy)
{
    struct source_stamp stamp = { .read_start_ns = clock_real_ns() };
    struct stat st;

    (void)fcntl(r->fd, F_SETSIG, SIGURG);
    bool leased = fcntl(r->fd, F_SETLEASE, F_RDLCK) == 0;
    *ret_busy = !leased && errno == EAGAIN;
    if (fstat(r->fd, &st) == 0) {
        stamp.known = leased && is_local(r->fd);
        stamp.dev = (uint64_t)st.st_dev;
        stamp.inode = (uint64_t)st.st_ino;
        stamp.size = (uint64_t)st.st_size;
        stamp.mtime_ns = ns_of(st.st_mtim);
        stamp.ctime_ns = ns_of(st.st_ctim);
    }
    if (leased)
        (void)fcntl(r->fd, F_SETLEASE, F_UNLCK);
    *ret = stamp;
}

static struct err *
raw_unwritten(struct source *s, const struct source_stamp *then, bool *ret_same)
{
    struct source_stamp now;
    bool busy;

    take_stamp(raw_of(s), &now, &busy);
    *ret_same = now.known && now.dev == then->dev && now.inode == then->inode &&
                now.size == then->size && now.size == s->size &&
                now.mtime_ns == then->mtime_ns && now.ctime_ns == then->ctime_ns &&
                then->read_start_ns <= now.read_start_ns &&
                then->ctime_ns <= then->read_start_ns - SETTLED_NS;
    return NULL;
}

static struct err *
raw_check(struct source *s)
{
    uint64_t now;

    TRY(current_size(raw_of(s), &now));
    if (now < s->size)
        return fail(SourceShrank, s->name, (int64_t)s->size, (int64_t)now);
    if (now > s->size)
        return fail(SourceGrew, s->name, (int64_t)s->size, (int64_t)now);
    return NULL;
}

static void
raw_free(struct source *s)
{
    struct raw *r = raw_of(s);

    if (r->fd >= 0)
        (void)close(r->fd);
    free(r);
}

static const struct source_vtable raw_calls = {
    .read = raw_read,
    .extent = raw_extent,
    .unwritten = raw_unwritten,
    .check = raw_check,
    .free = raw_free,
};

static struct err *
check_kind(const char *path, mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG:
    case S_IFBLK:
        return NULL;
    case S_IFDIR:
        return fail(SourceIsFolder, path);
    case S_IFIFO:
        return fail(SourceNotDisk, path, "a pipe");
    case S_IFSOCK:
        return fail(SourceNotDisk, path, "a socket");
    default:
        return fail(SourceNotDisk, path, "a character device");
    }
}

/* Opening a device can have effects of its own (rewind a tape), so look first. */
static struct err *
open_checked(const char *path, int *ret_fd, bool *ret_device)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return source_open_failed(path, errno);
    TRY(check_kind(path, st.st_mode));
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &st) != 0)
        return source_open_failed(path, errno);
    TRY(check_kind(path, st.st_mode));
    (void)fcntl(fd, F_SETFL, O_RDONLY);
    *ret_device = S_ISBLK(st.st_mode);
    *ret_fd = take_fd(fd);
    return NULL;
}

static struct err *
refuse_image(struct raw *r)
{
    uint8_t head[MAGIC_BYTES];
    size_t len = r->s.size < sizeof(head) ? (size_t)r->s.size : sizeof(head);
    const char *format;

    TRY(raw_read(&r->s, 0, 0, head, len));
    format = source_magic(head, len);
    if (format == NULL && r->s.size >= sizeof(head)) { /* a fixed vhd has it at its end */
        TRY(raw_read(&r->s, 0, r->s.size - sizeof(head), head, sizeof(head)));
        if (memcmp(head, "conectix", 8) == 0)
            format = "vpc";
    }
    if (format != NULL)
        return fail(SourceFormatUnclear, r->s.name, format);
    return NULL;
}

/* Mounted, or part of a volume or an array: an exclusive open is refused. */
static bool
is_held(const char *path)
{
    auto_fd int fd = open(path, O_RDONLY | O_EXCL | O_CLOEXEC | O_NONBLOCK);
    return fd < 0 && errno == EBUSY;
}

struct err *
source_raw_open(const char *path, unsigned lanes, bool check_magic, struct source **ret)
{
    auto_ptr(source) s = NULL;
    struct raw *r = calloc(1, sizeof(*r));

    if (r == NULL)
        return fail(OutOfMemory);
    s = &r->s;
    r->fd = -1;
    TRY(source_init(s, &raw_calls, path));
    TRY(open_checked(path, &r->fd, &r->device));
    s->lanes = lanes;
    if (r->device)
        s->busy = is_held(path);
    else
        take_stamp(r, &s->stamp, &s->busy);
    TRY(current_size(r, &s->size));
    if (!r->device && check_magic)
        TRY(refuse_image(r));
    (void)posix_fadvise(r->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    *ret = take(s);
    return NULL;
}
