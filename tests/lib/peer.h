/* SPDX-License-Identifier: Apache-2.0 */
/* peer.h -- the other side of a local socket, played from a script.
 *
 * A script is a list of lines that ends with NULL.  The first character says what to do:
 *
 *     <words   read a line, which must contain these words
 *     >text    send the text and a newline
 *     *text    answer with it each line but one that has the words of the next line, a <
 *     }text    send the text alone
 *     ~text    send the text without end, until the client leaves
 *     .        wait until the client leaves
 *     !        leave
 *
 * In a text (that of ~ excepted), $ID is the "id" of the last request that was read, $SYNC
 * the one among its arguments. */
#ifndef PEER_H
#define PEER_H

#include <pthread.h>

struct peer {
    int listening;
    pthread_t thread;
    const char *const *script;
    const char *unmet; /* a line of the script that did not come true */
    char said[4096]; /* the last request */
};

/* Listens on ${path}, which is replaced, when it returns. */
void peer_start(struct peer *p, const char *path, const char *const script[]);

/* Waits until the script has ended, which it does when the client leaves; everything that it
 * expected must have come. */
void peer_stop(struct peer *p);

#endif
