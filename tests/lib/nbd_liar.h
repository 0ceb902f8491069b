/* SPDX-License-Identifier: Apache-2.0 */
/* nbd_liar.h -- an NBD server of a few lines that says what it should not.
 *
 * It takes one connection on a local socket, speaks the newstyle handshake up to the point of
 * its lie, and has an export of 65536 zeros; of any bitmap it says that all is dirty. */
#ifndef NBD_LIAR_H
#define NBD_LIAR_H

#include <pthread.h>
#include <stdint.h>

enum { NBD_GATHERED = 4 };

enum nbd_nonsense {
    NBD_GARBAGE_GREETING,
    NBD_SILENT_GREETING,
    NBD_CLOSES_AT_ONCE,
    NBD_HUGE_EXPORT,
    NBD_ODD_BLOCK_SIZE,
    NBD_MIN_OVER_MAX,
    NBD_WRONG_COOKIE,
    NBD_EMPTY_EXTENT,
    NBD_EXTENT_TOO_LONG,
    NBD_READ_TOO_LONG,
    NBD_HALF_A_READ,
    NBD_DIRTY_UNTOLD,   /* agreed on, never answered */
    NBD_DIRTY_TOO_LONG,
    NBD_DIRTY_EMPTY,
    NBD_DIRTY_REFUSED,  /* an error for each question */
    NBD_NONSENSES,
    NBD_GATHERS,        /* no nonsense: waits for NBD_GATHERED requests, then answers them */
    NBD_GATHERS_AND_DIES,
};

struct nbd_liar {
    enum nbd_nonsense kind;
    int listening;
    pthread_t thread;
    uint64_t size;
};

/* ${sock} is replaced. */
void nbd_liar_start(struct nbd_liar *l, enum nbd_nonsense kind, const char *sock);

/* Waits until the client has left. */
void nbd_liar_stop(struct nbd_liar *l);

#endif
