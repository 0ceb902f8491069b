/* SPDX-License-Identifier: Apache-2.0 */
/* nbd_conn.h -- one connection of an nbd_link.  Private to it.
 *
 * Several threads may ask at the same time: their requests are under way together, so that
 * a server that takes one connection only need not wait for the next question.  After a
 * failure other than NbdServerRefused the connection is dead for good: nobody drives it any
 * more, so that libnbd cannot go on filling a buffer that a caller has back. */
#ifndef NBD_CONN_H
#define NBD_CONN_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clock.h"
#include "err.h"

struct nbd_handle;

/* What a server may tell about ranges of an export, by a meta context of the protocol: which
 * read as zeros (base:allocation), which were written since some moment (QEMU's dirty bitmap
 * of the name that was asked for). */
enum nbd_context { NBD_ZEROS, NBD_DIRTY, NBD_CONTEXTS };

/* What the server said about the export when it was opened. */
struct nbd_export {
    uint64_t size;
    uint32_t min, max; /* bytes: what requests are multiples of, and at most */
    bool multi_conn, tells[NBD_CONTEXTS], can_zero, can_flush, writable;
};

struct nbd_conn {
    pthread_mutex_t lock;
    pthread_cond_t moved; /* something was read or written: look at your request again */
    bool driven;          /* one of those who wait drives it for all, without the lock, */
    int wake;             /* ... until this eventfd has something, too */
    bool dead;
    struct nbd_handle *h; /* NULL: never opened */
    const char *name;     /* borrowed */
    const char *context[NBD_CONTEXTS]; /* their names, borrowed; NULL: not asked for */
    int silence_ms;
    bool opt_done; /* the answer to the choice of an export has come, */
    int opt_errno; /* and this was it */
};

/* Where to connect: a URI, or a local socket and the name of an export. */
struct nbd_address {
    const char *uri, *socket, *export;
};

/* ${c} is zeroed memory with name, context and silence_ms set.  nbd_conn_done frees it, also
 * after a failure. */
struct err *nbd_conn_open(struct nbd_conn *c, const struct nbd_address *to,
    struct deadline by, struct nbd_export *ret) must_use;
void nbd_conn_done(struct nbd_conn *c);

enum nbd_verb { NBD_READ, NBD_WRITE, NBD_ZERO, NBD_FLUSH, NBD_EXTENTS };

/* One range of the answer to NBD_EXTENTS, in order: is it what the context tells of?  False
 * ends the answer there. */
typedef bool (*nbd_extent_fn)(void *arg, uint32_t len, bool is);

struct nbd_request {
    enum nbd_verb verb;
    uint64_t off;
    size_t len;
    void *in;
    const void *out;
    enum nbd_context context; /* of NBD_EXTENTS */
    nbd_extent_fn extent;
    void *extent_arg;
};

struct err *nbd_conn_ask(struct nbd_conn *c, const struct nbd_request *r) must_use;

#endif
