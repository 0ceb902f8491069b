/* SPDX-License-Identifier: Apache-2.0 */
/* line.h -- lines of bytes over a local stream socket.
 *
 * What the other side sends is kept only as far as it was asked for: the next line up to a
 * limit, or nothing at all (line_skip_past).  No call waits beyond its deadline, whatever
 * the other side does.  One struct line belongs to one thread at a time. */
#ifndef LINE_H
#define LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "auto.h"
#include "bytes.h"
#include "clock.h"
#include "err.h"

struct line;

/* How a wait ended.  Only the first gave what was asked for. */
enum line_state {
    LINE_WHOLE,
    LINE_LATE, /* the deadline passed; what came so far is kept for the next call */
    LINE_CLOSED, /* the other side has gone; an unfinished line is lost */
    LINE_LONG /* over the limit: what came of it is dropped, the rest follows like a line */
};

/* SystemCallFailed with the reason of connect(2), DeadlinePassed when the other side takes no
 * connection, InputInvalid when the path is too long for an address. */
struct err *line_connect(const char *path, struct deadline by, struct line **ret) must_use;

/* Over a connected stream socket, which belongs to the line from here on, also on failure. */
struct err *line_from_fd(int fd, struct line **ret) must_use;

/* LINE_WHOLE when all of it is on its way. */
struct err *line_send(struct line *l, const void *data, size_t len, struct deadline by,
    enum line_state *ret) must_use;

/* The next line without its end, at most ${max} bytes; *ret_line is borrowed until the next
 * call. */
struct err *line_next(struct line *l, size_t max, struct deadline by, struct view *ret_line,
    enum line_state *ret) must_use;

/* Drop everything up to and with the next byte ${mark}.  LINE_LONG when it did not come
 * within ${max} bytes. */
struct err *line_skip_past(struct line *l, uint8_t mark, uint64_t max, struct deadline by,
    enum line_state *ret) must_use;

/* Wait without reading: *ret_ready when something (or the end) has come. */
struct err *line_wait(struct line *l, struct deadline by, bool *ret_ready) must_use;

/* The process that made the listening socket at the other end, and its user and group, as the
 * kernel knows them; false where it does not. */
struct ucred;
bool line_peer(const struct line *l, struct ucred *ret);

/* Accepts NULL. */
void line_free(struct line *l);
DEFINE_AUTO(line);

#endif
