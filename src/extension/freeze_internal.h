/* SPDX-License-Identifier: Apache-2.0 */
/* freeze_internal.h -- what the process that freezes and its watchdog share. */
#ifndef FREEZE_INTERNAL_H
#define FREEZE_INTERNAL_H

#include <stdatomic.h>

#include "freeze.h"

/* One step, noted without a lock and without memory of its own. */
struct freeze_event {
    int64_t at_ns;
    int16_t mount;
    int8_t state; /* enum freeze_state that it got */
    int32_t number; /* errno */
};

/* Mapped by both, in place before anything is frozen. */
struct freeze_shared {
    struct freeze_list list;
    _Atomic int state[FREEZE_MOUNTS_MAX]; /* enum freeze_state */
    _Atomic int number[FREEZE_MOUNTS_MAX]; /* errno of a failure */
    _Atomic int over; /* the watchdog thaws, or has: nothing more may be frozen */
    _Atomic int late; /* since the deadline passed */
    int64_t deadline_ns, began_ns;
    char marker[FREEZE_NAME_MAX];
    _Atomic unsigned events; /* that there were; the last FREEZE_RING are kept */
    struct freeze_event ring[FREEZE_RING];
};

void freeze_note(struct freeze_shared *s, unsigned mount, enum freeze_state state, int number);

/* Thaw what is in state FREEZE_FROZEN, in the reverse order, and (${also_freezing}: the one
 * that froze it has ended) what was being frozen. */
void freeze_thaw_all(struct freeze_shared *s, bool also_freezing);

/* ---- the watchdog ---- */

enum { FREEZE_ANSWER_MAX = 128 }; /* "thawed lost stuck late ns" to a client */

/* The words of the pair between the two, one byte each. */
#define FREEZE_DONE 'D' /* all are frozen: hold them */
#define FREEZE_UNDO 'U' /* thaw them */
#define FREEZE_HELD 'K' /* answer: they are held */
#define FREEZE_OVER 'X' /* answer: they are thawed */

/* Never returns.  ${pair} is its end of the pair, ${listening} takes the requests to thaw. */
_Noreturn void freeze_watch(struct freeze_shared *s, int pair, int listening,
    const struct freeze_options *o);

/* ---- the marker and the socket ---- */

/* A folder in memory (tmpfs) for the marker: $FIRN_RUN, /run, /dev/shm.  ${to} gets the
 * marker's path.  FileUnwritable when there is none. */
struct err *freeze_mark_path(char to[FREEZE_NAME_MAX]) must_use;

/* Write down which file systems are about to be frozen. */
struct err *freeze_mark_write(const struct freeze_shared *s) must_use;

/* What is written in a marker, as far as it goes. */
struct err *freeze_mark_parse(const char *text, size_t len, struct freeze_list *ret) must_use;

/* Which those were; *ret_there is false when there is no marker. */
struct err *freeze_mark_read(const char *path, struct freeze_list *ret,
    bool *ret_there) must_use;

/* A socket that only one process can have at a time: in no file system, so that it is gone
 * with its holder.  *ret_fd is -1 when another one has it. */
struct err *freeze_listen(const char *marker, int *ret_fd) must_use;

/* To the watchdog; *ret_fd is -1 when there is none. */
struct err *freeze_connect(const char *marker, int *ret_fd, int *ret_pid) must_use;

#endif
