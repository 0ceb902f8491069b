/* SPDX-License-Identifier: Apache-2.0 */
/* sink.c -- choose the body by what the destination is, and give failures their codes. */
#include <assert.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "codes.h"
#include "sink_body.h"

struct err *
sink_open_failed(const char *path, int number)
{
    errno = number;
    switch (number) {
    case ENOENT:
    case ENOTDIR:
        return fail(RestoreFolderMissing, path);
    case EEXIST:
        return fail(RestoreTargetExists, path);
    case EACCES:
    case EPERM:
    case EROFS:
        return fail(RestoreTargetPermission, path);
    case EBUSY:
    case ETXTBSY:
        return fail(RestoreTargetBusy, path);
    case ENOSPC:
    case EDQUOT:
        return fail(RestoreTargetFull, path);
    default:
        return fail(FileUnwritable, path);
    }
}

struct err *
sink_write_failed(const char *path, uint64_t off, uint64_t len, int number)
{
    uint64_t end;

    errno = number;
    switch (number) {
    case ENOSPC:
    case EDQUOT:
        return fail(RestoreTargetFull, path);
    case EFBIG:
        end = off + len;
        return fail(RestoreFileTooLarge, path, (int64_t)end);
    default:
        return fail(RestoreWriteFailed, path, (int64_t)off, (int64_t)len);
    }
}

struct err *
sink_check_writers(const char *path)
{
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0)
        return NULL;
    (void)fcntl(fd, F_SETSIG, SIGURG); /* ignored by default, which SIGIO is not */
    if (fcntl(fd, F_SETLEASE, F_RDLCK) == 0)
        (void)fcntl(fd, F_SETLEASE, F_UNLCK);
    else if (errno == EAGAIN)
        return fail(RestoreTargetBusy, path);
    return NULL;
}

static struct err *
look_at(const char *path, enum sink_there *ret)
{
    struct stat st;

    if (stat(path, &st) != 0) {
        if (errno != ENOENT)
            return sink_open_failed(path, errno);
        *ret = SINK_NOTHING;
        return NULL;
    }
    switch (st.st_mode & S_IFMT) {
    case S_IFREG:
        *ret = SINK_FILE;
        return NULL;
    case S_IFBLK:
        *ret = SINK_DEVICE;
        return NULL;
    case S_IFDIR:
        return fail(RestoreTargetNotDisk, path, "a folder");
    case S_IFIFO:
        return fail(RestoreTargetNotDisk, path, "a pipe");
    case S_IFSOCK:
        return fail(RestoreTargetNotDisk, path, "a socket");
    default:
        return fail(RestoreTargetNotDisk, path, "a character device");
    }
}

static bool
has_suffix(const char *path, const char *suffix)
{
    size_t len = strlen(path), n = strlen(suffix);

    return len > n && strcasecmp(path + len - n, suffix) == 0;
}

/* A raw disk under the name of another kind of image would be taken for one. */
static struct err *
choose_format(const char *path, enum sink_format format, enum sink_there there,
    bool *ret_qcow2)
{
    static const char *const others[] = { ".vmdk", ".vhdx", ".vhd", ".vdi" };

    *ret_qcow2 = format == SINK_QCOW2;
    if (format != SINK_BY_SUFFIX || there == SINK_DEVICE)
        return NULL;
    *ret_qcow2 = has_suffix(path, ".qcow2");
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (has_suffix(path, others[i]))
            return fail(UsageWrong, "disks are restored as raw or qcow2, and the name of DEST "
                                    "is that of another format: say which with --format, or "
                                    "name it otherwise");
    return NULL;
}

struct err *
sink_open(const char *dest, uint64_t size, const struct sink_options *options,
    struct sink **ret)
{
    static const struct sink_options plain = { 0 };
    const struct sink_options *o = options != NULL ? options : &plain;
    enum sink_there there = SINK_NOTHING;
    bool qcow2;

    assert(o->lanes <= SINK_LANES_MAX);
    if (strcmp(dest, "-") == 0) {
        if (o->format == SINK_QCOW2)
            return fail(UsageWrong, "qcow2 cannot be written to standard output");
        TRY(sink_stream_open(STDOUT_FILENO, size, ret));
        return NULL;
    }
    TRY(look_at(dest, &there));
    TRY(choose_format(dest, o->format, there, &qcow2));
    if (qcow2 && there == SINK_DEVICE)
        return fail(UsageWrong, "qcow2 is restored to files, not to devices");
    if (there == SINK_FILE && !o->in_place && !o->force)
        return fail(RestoreTargetExists, dest);
    if (there == SINK_FILE)
        TRY(sink_check_writers(dest));
    if (qcow2)
        TRY(sink_qcow2_open(dest, size, there, o, ret));
    else
        TRY(sink_raw_open(dest, size, there, o, ret));
    return NULL;
}

struct err *
sink_init(struct sink *s, const struct sink_vtable *call, const char *name, uint64_t size)
{
    s->call = call;
    s->size = size;
    s->name = strdup(name);
    return s->name == NULL ? fail(OutOfMemory) : NULL;
}

struct err *
sink_write(struct sink *s, unsigned lane, uint64_t off, const void *buf, size_t len)
{
    assert(off <= s->size && len <= s->size - off);
    if (len > 0)
        TRY(s->call->write(s, lane, off, buf, len));
    return NULL;
}

struct err *
sink_zero(struct sink *s, unsigned lane, uint64_t off, uint64_t len)
{
    assert(off <= s->size && len <= s->size - off);
    if (len > 0)
        TRY(s->call->zero(s, lane, off, len));
    return NULL;
}

struct err *
sink_read(struct sink *s, unsigned lane, uint64_t off, void *buf, size_t len)
{
    assert(s->readable && off <= s->size && len <= s->size - off);
    if (len > 0)
        TRY(s->call->read(s, lane, off, buf, len));
    return NULL;
}

struct err *
sink_finish(struct sink *s)
{
    TRY(s->call->finish(s));
    return NULL;
}

void
sink_free(struct sink *s)
{
    if (s == NULL)
        return;
    int kept = errno;
    free(s->name);
    s->call->free(s);
    errno = kept;
}
