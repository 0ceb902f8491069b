/* SPDX-License-Identifier: Apache-2.0 */
/* auto.h -- scope cleanup: what a block still holds when it ends is discarded.
 *
 * Discarding cannot fail; finishing can and therefore has a verb of its own (seal, commit,
 * close).  Keep something beyond its block with take(). */
#ifndef AUTO_H
#define AUTO_H

#include <stdlib.h>
#include <unistd.h>

/* After DEFINE_AUTO(pack): auto_ptr(pack) p = NULL; calls pack_free(p) at the end of the
 * scope.  pack_free must accept NULL and half-built objects. */
#define DEFINE_AUTO(T) \
    __attribute__((unused)) static inline void T##_freep(struct T **p) { T##_free(*p); } \
    struct T

#define auto_ptr(T) __attribute__((cleanup(T##_freep))) struct T *

static inline void
auto_freep(void *p)
{
    free(*(void **)p);
}
#define auto_free __attribute__((cleanup(auto_freep)))

static inline void
auto_closep(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
}
#define auto_fd __attribute__((cleanup(auto_closep)))

/* Hand over what an auto variable holds, leaving NULL (or -1 with take_fd). */
#define take(p) \
    ({ \
        __typeof__(p) *p_ = &(p); \
        __typeof__(p) v_ = *p_; \
        *p_ = NULL; \
        v_; \
    })
#define take_fd(fd) \
    ({ \
        int *fd_ = &(fd); \
        int v_ = *fd_; \
        *fd_ = -1; \
        v_; \
    })

#endif
