/* SPDX-License-Identifier: Apache-2.0 */
/* window.h -- the freeze window: hold a guest still while a snapshot of its disks is made.
 *
 * PREPARE -> PRE -> FREEZE -> HOLD -> THAW -> POST.  Each step has a deadline, and every
 * failure goes by way of THAW.  The snapshot is made in HOLD, by a call of the caller.
 *
 * The guest is never left frozen.  A guard (guard.h), a process of its own, is started before
 * the freeze and thaws by the deadline when this process is killed, stopped or hangs; when it
 * is the guard that falls silent, this process ends it and thaws.  When both are gone, a
 * marker (guest_mark.h) tells the next call of firn.
 *
 * Levels go down one after the other as far as the caller allows: what stood in the way is
 * then no failure but result.weaker.  A script in the guest that failed, and must not
 * (guest_rule.h), ends it at once.  The snapshot is made once at most: after it, nothing is
 * tried again.
 *
 * One thread; the calls of the caller are made by it.  Meanwhile the agent's socket belongs to
 * the guard: the caller must have no connection of its own, since the socket serves one client
 * at a time. */
#ifndef WINDOW_H
#define WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "err.h"

/* What a snapshot can be, in the numbers of a recovery point. */
enum window_level {
    WINDOW_CRASH = 1,      /* as after a power cut: the guest is not asked */
    WINDOW_FILESYSTEM = 2, /* its file systems were frozen */
    WINDOW_APPLICATION = 3 /* its applications were at rest too */
};

#define WINDOW_ALLOW(level) (1U << (level))

enum {
    WINDOW_PREPARE_MS = 20000,  /* connecting, and what the agent can do */
    WINDOW_FREEZE_MS = 10000,   /* from the request to freeze to the thaw, at most */
    WINDOW_FREEZE_MOST_MS = 60000,
    WINDOW_THAW_MS = 30000,     /* then the guest counts as left frozen */
    WINDOW_MARGIN_MS = 1000     /* the snapshot's deadline is so much before that of the
                                   freeze, at most a fifth of its time */
};

/* Who thawed the guest. */
enum window_held {
    WINDOW_HELD_NOT,    /* nothing was frozen */
    WINDOW_HELD_FIRN,   /* firn by its guard, as planned */
    WINDOW_HELD_GUARD,  /* the guard by itself: firn was late */
    WINDOW_HELD_DIRECT, /* firn past its guard, which was dead or silent */
    WINDOW_HELD_GUEST   /* somebody in the guest, before firn asked for it */
};

/* "none", "firn", "guard", "direct", "guest": as it is stored on a point. */
const char *window_held_word(enum window_held held);

struct window_options {
    const char *socket;  /* of the guest agent */
    const char *machine; /* its name, for messages */
    unsigned levels;     /* WINDOW_ALLOW(...) of each that will do; the best is tried first */
    int64_t freeze_ms;   /* 0: WINDOW_FREEZE_MS; at most WINDOW_FREEZE_MOST_MS */
    int64_t prepare_ms;  /* 0: WINDOW_PREPARE_MS */
    int64_t thaw_ms;     /* 0: WINDOW_THAW_MS */
    const char *const *mounts; /* to freeze these alone; ends with NULL; NULL: all */
    bool prepared;       /* what guest_prepare asks was asked before: not again */
    const char *guard;   /* the program that is the guard; NULL: this one (guard.h) */
    void (*warn)(void *arg, struct err *warning); /* takes it; of PREPARE; may be NULL */
    /* Make the snapshot and return, by ${by}.  Its failure becomes that of the window. */
    struct err *(*snapshot)(void *arg, struct deadline by);
    void *arg;
};

struct window_result {
    enum window_level level; /* what the snapshot is */
    unsigned frozen;         /* file systems */
    enum window_held held;
    int64_t own_ns;      /* firn's own time from the agent's reply to the freeze to the request
                            to thaw: without the snapshot, and without the agent's; 0 when
                            the thaw did not wait for the snapshot */
    int64_t snapshot_ns; /* in the caller's call */
    int64_t frozen_ns;   /* from the request to freeze to the reply to the thaw */
    struct err *weaker;  /* QuiesceWeaker and its cause: why the level is not the best one that
                            was allowed; NULL: it is */
    char *resumes;       /* the extension that lets applications go on (guest_resumed.h); NULL:
                            none came to rest by one */
    struct err *stuck;   /* GuestLeftFrozen: the snapshot is good, the guest is not */
};

/* NULL: the snapshot was made, and is what the result says.
 *
 * Otherwise there is none to keep.  FreezeLost is the failure of a snapshot that was made, but
 * of a guest that went on meanwhile, where a level below was not allowed.  With any other the
 * snapshot's own call failed or was not made: what ${snapshot} returned, Interrupted, and what
 * kept the guest from being held still: FreezeTimeout, FreezeEmpty, FreezeHelperMissing,
 * GuestFrozen, GuardFailed, and failures of the agent (qga_link.h), of guest_prepare.h, and of
 * scripts. */
struct err *window_run(const struct window_options *o, struct window_result *ret) must_use;

/* Frees what the result holds. */
void window_result_done(struct window_result *r);

#endif
