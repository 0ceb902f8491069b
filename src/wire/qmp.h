/* SPDX-License-Identifier: Apache-2.0 */
/* qmp.h -- the monitor of a running QEMU (or qemu-storage-daemon) over its local socket.
 *
 * QEMU serves one client of a monitor at a time and lets a second one wait without a word:
 * that is QmpSilent when it is opened.  Give firn a monitor of its own.
 *
 * Events are kept, in order, up to QMP_EVENTS_MAX of them and QMP_EVENTS_BYTES; then the
 * oldest go, and are counted.  The server is not trusted; every call has a deadline.  After
 * QmpGone and QmpWrong nothing more can be had from the same struct qmp; after QmpSilent the
 * late answer is told apart and dropped.  One thread at a time.
 *
 * QmpUnreachable, QmpSilent, QmpGone, QmpWrong; QmpCommandMissing and QmpRefused are answers
 * to the one command. */
#ifndef QMP_H
#define QMP_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "auto.h"
#include "clock.h"
#include "err.h"

struct qmp;

enum {
    QMP_REPLY_MAX = 8 * 1024 * 1024, /* bytes of a reply or an event */
    QMP_EVENTS_MAX = 256,
    QMP_EVENTS_BYTES = 1024 * 1024 /* of all kept events, as they were sent */
};

struct qmp_version {
    unsigned major, minor, micro;
};

/* Connect to the socket ${path}, and agree on capabilities.  ${name} is for messages. */
struct err *qmp_open(const char *path, const char *name, struct deadline by,
    struct qmp **ret) must_use;

struct qmp_version qmp_version(const struct qmp *q);

/* QEMU's process, user and group, where the socket is one that it made itself; false when the
 * kernel cannot tell. */
struct ucred;
bool qmp_peer(const struct qmp *q, struct ucred *ret);

/* Run ${command}.  ${arguments} (NULL: none) stays the caller's; *ret_value is the caller's
 * then; ret_value may be NULL. */
struct err *qmp_execute(struct qmp *q, const char *command, json_t *arguments,
    struct deadline by, json_t **ret_value) must_use;

/* The oldest event, {"event": name, "data": ..., "timestamp": ...}; the caller's.  *ret is
 * NULL when none came before the deadline. */
struct err *qmp_event(struct qmp *q, struct deadline by, json_t **ret) must_use;

/* How many events were dropped because nobody took them. */
uint64_t qmp_events_lost(const struct qmp *q);

/* Accepts NULL. */
void qmp_free(struct qmp *q);
DEFINE_AUTO(qmp);

#endif
