/* SPDX-License-Identifier: Apache-2.0 */
/* write_all.h -- write until all is written. */
#ifndef WRITE_ALL_H
#define WRITE_ALL_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

/* Put all of ${data} where ${fd} stands; false when that failed, which errno says. */
static inline bool
write_all(int fd, const void *data, size_t len)
{
    const uint8_t *from = data;

    while (len > 0) {
        ssize_t n = write(fd, from, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            errno = EIO; /* for data a kernel has no such answer */
        if (n <= 0)
            return false;
        from += n;
        len -= (size_t)n;
    }
    return true;
}

#endif
