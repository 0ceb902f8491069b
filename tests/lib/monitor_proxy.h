/* SPDX-License-Identifier: Apache-2.0 */
/* monitor_proxy.h -- between firn and the monitor of a real QEMU: passes everything on, and
 * does one thing wrong with the n-th command. */
#ifndef MONITOR_PROXY_H
#define MONITOR_PROXY_H

#include <pthread.h>
#include <stdatomic.h>

enum proxy_wrong {
    PROXY_DROPS,    /* the command never arrives, nobody answers */
    PROXY_MUTES,    /* it is carried out, and not answered */
    PROXY_HALVES,   /* carried out; half the answer, then the connection ends */
    PROXY_CLOSES,   /* it never arrives, the connection ends */
    PROXY_REFUSES,  /* it never arrives, an error answers */
    PROXY_RENAMES,  /* carried out; the answer has another id */
    PROXY_BABBLES,  /* carried out; something that is no JSON answers */
    PROXY_FLOODS,   /* carried out; thousands of events before the answer */
    PROXY_OVERSIZES /* carried out; the answer does not end */
};

struct proxy {
    const char *real; /* the monitor's socket */
    int listening;
    enum proxy_wrong wrong;
    unsigned nth; /* of all commands, from 1; 0: none */
    unsigned seen;
    _Atomic bool fired, over;
    pthread_t thread;
};

/* Listens on ${path}, which is replaced, when it returns; serves one client after the other. */
void proxy_start(struct proxy *p, const char *path, const char *real, enum proxy_wrong wrong,
    unsigned nth);

/* No client may be connected.  Did it come to the n-th command? */
bool proxy_stop(struct proxy *p);

#endif
