/* SPDX-License-Identifier: Apache-2.0 */
/* sink_stream.c -- the disk as a stream of bytes, front to back. */
#include <assert.h>
#include <sys/stat.h>

#include "codes.h"
#include "sink_body.h"

struct stream {
    struct sink s;
    int fd; /* borrowed */
    uint64_t pos;
};

static struct err *
stream_write(struct sink *s, unsigned lane, uint64_t off, const void *buf, size_t len)
{
    struct stream *st = (struct stream *)s;
    const uint8_t *from = buf;

    (void)lane;
    assert(off == st->pos);
    while (len > 0) {
        ssize_t n = write(st->fd, from, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EPIPE)
            return fail(RestoreOutputClosed, (int64_t)st->pos);
        if (n <= 0)
            return sink_write_failed(s->name, st->pos, len, n < 0 ? errno : EIO);
        from += n;
        st->pos += (uint64_t)n;
        len -= (size_t)n;
    }
    return NULL;
}

static struct err *
stream_zero(struct sink *s, unsigned lane, uint64_t off, uint64_t len)
{
    static const uint8_t zeros[64 * 1024];

    while (len > 0) {
        size_t n = len < sizeof(zeros) ? (size_t)len : sizeof(zeros);
        TRY(stream_write(s, lane, off, zeros, n));
        off += n;
        len -= n;
    }
    return NULL;
}

static struct err *
stream_read(struct sink *s, unsigned lane, uint64_t off, void *buf, size_t len)
{
    (void)lane;
    (void)off;
    (void)buf;
    (void)len;
    return fail(InternalError, s->name);
}

/* A pipe cannot be synced, and what is behind it is its reader's matter. */
static struct err *
stream_finish(struct sink *s)
{
    struct stream *st = (struct stream *)s;

    assert(st->pos == s->size);
    if (fsync(st->fd) != 0 && errno != EINVAL && errno != EROFS)
        return sink_write_failed(s->name, 0, s->size, errno);
    return NULL;
}

static void
stream_free(struct sink *s)
{
    free(s);
}

static const struct sink_vtable stream_calls = {
    .write = stream_write,
    .zero = stream_zero,
    .read = stream_read,
    .finish = stream_finish,
    .free = stream_free,
};

struct err *
sink_stream_open(int fd, uint64_t size, struct sink **ret)
{
    if (isatty(fd))
        return fail(UsageWrong, "a disk is not written to a terminal: give a file, or pipe it");
    struct stream *st = calloc(1, sizeof(*st));
    if (st == NULL)
        return fail(OutOfMemory);
    auto_ptr(sink) s = &st->s;
    TRY(sink_init(s, &stream_calls, "standard output", size));
    s->sequential = true;
    st->fd = fd;
    *ret = take(s);
    return NULL;
}
