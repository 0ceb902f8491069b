/* SPDX-License-Identifier: Apache-2.0 */
/* nbd_told.h -- the last answer of a server about one context of an export.  Private to
 * nbd_link.
 *
 * Whoever walks over a disk asks about range after range; one answer covers up to 1 GiB, and
 * its first NBD_LINK_EXTENTS_MAX ranges are kept.  May be used by several threads. */
#ifndef NBD_TOLD_H
#define NBD_TOLD_H

#include <pthread.h>

#include "nbd_conn.h"

struct nbd_told {
    pthread_mutex_t lock;
    enum nbd_context context;
    uint64_t off; /* where the answer begins */
    size_t n;
    struct nbd_range *range; /* made by the first answer */
};

void nbd_told_init(struct nbd_told *t, enum nbd_context context);
void nbd_told_done(struct nbd_told *t);

/* Is what begins at ${off} what the context tells of, and how far does that go?  Asks over
 * ${c} where the last answer does not say.  A server that refuses to tell of zeros has none;
 * that it refuses to tell of changes is NbdServerRefused. */
struct err *nbd_told_find(struct nbd_told *t, struct nbd_conn *c, const struct nbd_export *x,
    uint64_t off, bool *ret_is, uint64_t *ret_len) must_use;

#endif
