/* SPDX-License-Identifier: Apache-2.0 */
/* tool.h -- what the kit's small programs share: they run once, and end at the first failure.
 *
 * Before it is included, TOOL names the program, as its messages begin. */
#ifndef TOOL_H
#define TOOL_H
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Say what failed, with errno's text unless it is 0, and end with status 1. */
__attribute__((format(printf, 1, 2))) static inline _Noreturn void
die(const char *format, ...)
{
    int saved = errno;
    va_list args;

    va_start(args, format);
    (void)fputs(TOOL ": ", stderr);
    (void)vfprintf(stderr, format, args);
    (void)fprintf(stderr, "%s%s\n", saved ? ": " : "", saved ? strerror(saved) : "");
    va_end(args);
    _exit(1);
}

/* ${p} itself, which must not be NULL. */
static inline void *
need(void *p, const char *what)
{
    if (!p)
        die("no %s", what);
    return p;
}

/* Read ${len} bytes; less only at the end of the file. */
static inline size_t
read_at(int fd, unsigned char *data, size_t len, uint64_t off)
{
    size_t done = 0;

    while (done < len) {
        ssize_t n = pread(fd, data + done, len - done, (off_t)(off + done));
        if (n < 0 && errno != EINTR)
            die("a read of %zu bytes", len);
        if (n == 0)
            break;
        done += n > 0 ? (size_t)n : 0;
    }
    return done;
}

static inline void
write_at(int fd, const unsigned char *data, size_t len, uint64_t off)
{
    while (len) {
        ssize_t n = pwrite(fd, data, len, (off_t)off);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            die("a write of %zu bytes", len);
        data += n;
        len -= (size_t)n;
        off += (uint64_t)n;
    }
}

#endif
