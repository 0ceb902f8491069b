/* SPDX-License-Identifier: Apache-2.0 */
/* line.c -- one buffer that is filled at its end and emptied at its start.
 *
 * It grows by doubling up to the limit of the call and is given back after a long line, so
 * that one large answer does not stay in memory for the length of a backup.  Received bytes
 * are looked at once: ${seen} remembers how far no end of line was found.
 *
 * connect(2) on a local socket has no "in progress": a full queue either waits or refuses.
 * So the connection is made with a send timeout, which connect(2) honours, and only then
 * made non-blocking. */
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "codes.h"
#include "line.h"

enum { ROOM_FIRST = 4096,
    ROOM_KEPT = 64 * 1024 };

struct line {
    int fd;
    char *buf;
    size_t room, start, end; /* received: buf[start..end) */
    size_t seen; /* buf[start..seen) has no end of line */
    bool closed;
};

static struct err *
socket_for(const char *path, struct sockaddr_un *to, int *ret_fd)
{
    size_t len = strlen(path);

    *to = (struct sockaddr_un){ .sun_family = AF_UNIX };
    if (len >= sizeof(to->sun_path))
        return fail(InputInvalid, path, "the path is too long for a socket");
    memcpy(to->sun_path, path, len);
    *ret_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return *ret_fd < 0 ? fail_call("socket") : NULL;
}

/* Let connect(2) wait until ${by}. */
static struct err *
limit_wait(int fd, struct deadline by)
{
    int ms = deadline_poll_ms(by);
    struct timeval wait = { 0 };

    if (ms == 0)
        ms = 1; /* nothing at all would mean for ever */
    if (ms > 0) {
        wait.tv_sec = ms / 1000;
        wait.tv_usec = ms % 1000 * 1000;
    }
    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) != 0)
        return fail(SystemCallFailed, "setsockopt");
    return NULL;
}

struct err *
line_connect(const char *path, struct deadline by, struct line **ret)
{
    struct sockaddr_un to;
    auto_fd int fd = -1;
    int done;

    TRY(socket_for(path, &to, &fd));
    do {
        TRY(limit_wait(fd, by));
        done = connect(fd, (const struct sockaddr *)&to, sizeof(to));
    } while (done != 0 && errno == EINTR && !deadline_passed(by));
    if (done != 0 && (errno == EAGAIN || errno == EINTR))
        return fail(DeadlinePassed, path);
    if (done != 0)
        return fail(SystemCallFailed, "connect");
    return line_from_fd(take_fd(fd), ret);
}

struct err *
line_from_fd(int fd, struct line **ret)
{
    auto_ptr(line) l = calloc(1, sizeof(*l));

    if (l == NULL) {
        (void)close(fd);
        return fail(OutOfMemory);
    }
    l->fd = fd;
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
        return fail(SystemCallFailed, "fcntl");
    *ret = take(l);
    return NULL;
}

/* Until ${events} can be done (or the other side has gone); *ret_late when they cannot. */
static struct err *
wait_for(struct line *l, short events, struct deadline by, bool *ret_late)
{
    struct pollfd p = { .fd = l->fd, .events = events };

    for (;;) {
        int n = poll(&p, 1, deadline_poll_ms(by));
        if (n < 0 && errno != EINTR)
            return fail(SystemCallFailed, "poll");
        if (n > 0) {
            *ret_late = false;
            return NULL;
        }
        if (deadline_passed(by)) {
            *ret_late = true;
            return NULL;
        }
    }
}

static bool
has_gone(int number)
{
    return number == EPIPE || number == ECONNRESET || number == ENOTCONN;
}

struct err *
line_send(struct line *l, const void *data, size_t len, struct deadline by,
    enum line_state *ret)
{
    const char *from = data;
    bool late;

    while (len > 0) {
        ssize_t n = send(l->fd, from, len, MSG_NOSIGNAL);
        if (n >= 0) {
            from += n;
            len -= (size_t)n;
            continue;
        }
        if (has_gone(errno)) {
            *ret = LINE_CLOSED;
            return NULL;
        }
        if (errno != EAGAIN && errno != EINTR)
            return fail(SystemCallFailed, "send");
        TRY(wait_for(l, POLLOUT, by, &late));
        if (late) {
            *ret = LINE_LATE;
            return NULL;
        }
    }
    *ret = LINE_WHOLE;
    return NULL;
}

static void
forget(struct line *l, size_t upto)
{
    l->start = upto;
    if (l->seen < upto)
        l->seen = upto;
    if (l->start == l->end)
        l->start = l->end = l->seen = 0;
}

/* Room for more, at most ${max} bytes in all. */
static struct err *
make_room(struct line *l, size_t max)
{
    if (l->start > 0) {
        memmove(l->buf, l->buf + l->start, l->end - l->start);
        l->end -= l->start;
        l->seen -= l->start;
        l->start = 0;
    }
    if (l->end == 0 && l->room > ROOM_KEPT) {
        free(l->buf);
        l->buf = NULL;
        l->room = 0;
    }
    if (l->end < l->room)
        return NULL;
    size_t room = l->room == 0 ? ROOM_FIRST : 2 * l->room;
    if (room > max && max > l->room)
        room = max;
    char *more = realloc(l->buf, room);
    if (more == NULL)
        return fail(OutOfMemory);
    l->buf = more;
    l->room = room;
    return NULL;
}

/* Take what has come, or wait for it. */
static struct err *
receive(struct line *l, size_t max, struct deadline by, enum line_state *ret)
{
    bool late = false;

    TRY(make_room(l, max));
    for (;;) {
        ssize_t n = recv(l->fd, l->buf + l->end, l->room - l->end, 0);
        if (n > 0) {
            l->end += (size_t)n;
            *ret = LINE_WHOLE;
            return NULL;
        }
        if (n == 0 || has_gone(errno)) {
            l->closed = true;
            *ret = LINE_CLOSED;
            return NULL;
        }
        if (errno != EAGAIN && errno != EINTR)
            return fail(SystemCallFailed, "recv");
        TRY(wait_for(l, POLLIN, by, &late));
        if (late) {
            *ret = LINE_LATE;
            return NULL;
        }
    }
}

static char *
find_end(struct line *l)
{
    if (l->seen == l->end)
        return NULL;
    char *at = memchr(l->buf + l->seen, '\n', l->end - l->seen);
    if (at == NULL)
        l->seen = l->end;
    return at;
}

struct err *
line_next(struct line *l, size_t max, struct deadline by, struct view *ret_line,
    enum line_state *ret)
{
    enum line_state state = LINE_WHOLE;
    char *end;

    while ((end = find_end(l)) == NULL || (size_t)(end - l->buf) - l->start > max) {
        if (end != NULL || l->end - l->start > max) {
            forget(l, end != NULL ? (size_t)(end - l->buf) + 1 : l->end);
            *ret = LINE_LONG;
            return NULL;
        }
        /* one who always sends never lets a wait run into its deadline */
        if (deadline_passed(by))
            state = LINE_LATE;
        else
            TRY(receive(l, max + 1, by, &state));
        if (state != LINE_WHOLE) {
            *ret = state;
            return NULL;
        }
    }
    *ret_line = (struct view){ (const uint8_t *)l->buf + l->start,
        (size_t)(end - l->buf) - l->start };
    l->start = l->seen = (size_t)(end - l->buf) + 1; /* the bytes stay until the next call */
    *ret = LINE_WHOLE;
    return NULL;
}

struct err *
line_skip_past(struct line *l, uint8_t mark, uint64_t max, struct deadline by,
    enum line_state *ret)
{
    uint64_t skipped = 0;

    for (;;) {
        const char *at = NULL;
        if (l->start < l->end)
            at = memchr(l->buf + l->start, mark, l->end - l->start);
        size_t upto = at != NULL ? (size_t)(at - l->buf) + 1 : l->end;

        skipped += upto - l->start;
        forget(l, upto);
        if (at != NULL || skipped > max) {
            *ret = at != NULL ? LINE_WHOLE : LINE_LONG;
            return NULL;
        }
        *ret = LINE_LATE;
        if (!deadline_passed(by))
            TRY(receive(l, ROOM_KEPT, by, ret));
        if (*ret != LINE_WHOLE)
            return NULL;
    }
}

struct err *
line_wait(struct line *l, struct deadline by, bool *ret_ready)
{
    bool late = false;

    if (l->start == l->end && !l->closed)
        TRY(wait_for(l, POLLIN, by, &late));
    *ret_ready = !late;
    return NULL;
}

bool
line_peer(const struct line *l, struct ucred *ret)
{
    socklen_t len = sizeof(*ret);

    return getsockopt(l->fd, SOL_SOCKET, SO_PEERCRED, ret, &len) == 0;
}

void
line_free(struct line *l)
{
    if (l == NULL)
        return;
    int kept = errno;
    (void)close(l->fd);
    free(l->buf);
    free(l);
    errno = kept;
}
