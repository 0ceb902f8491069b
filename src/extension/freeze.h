/* SPDX-License-Identifier: Apache-2.0 */
/* freeze.h -- hold the file systems of this Linux machine still, and let them go on, whatever
 * becomes of whoever asked for it.
 *
 * Two processes.  The one that calls freeze_begin freezes; before its first FIFREEZE it forks
 * a watchdog, which has the same open files, its memory locked, and a deadline.  The watchdog
 * alone thaws: when freeze_end asks for it, at the deadline, and when the first process ends
 * before it was done, also by KILL.  A file system that is still being frozen then is thawed
 * as soon as the call for it has ended.  When both processes are killed, a marker in memory
 * (tmpfs) tells the next freeze_begin or freeze_end what to thaw.
 *
 * Exactly what this froze is thawed, in the reverse order.  A file system that was frozen
 * already is somebody else's: it is told, and left alone.
 *
 * While anything is frozen, neither process writes, allocates, or looks up a name on a disk;
 * what happens is noted in memory that both share. */
#ifndef FREEZE_H
#define FREEZE_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "err.h"

enum {
    FREEZE_MOUNTS_MAX = 256,
    FREEZE_NAME_MAX = 1024,      /* bytes of a mount point that are kept, with the NUL */
    FREEZE_MOUNTINFO_MAX = 1 << 20,
    FREEZE_DEPTH_MAX = 16,       /* loop devices on each other's file systems */
    FREEZE_DEFAULT_S = 10,
    FREEZE_MOST_S = 60,
    FREEZE_RING = 1024           /* events that are kept */
};

/* ---- which file systems ---- */

struct freeze_mount {
    char path[FREEZE_NAME_MAX];
    uint32_t major, minor; /* of its device */
    uint64_t id;           /* of the mount */
    int depth;             /* how many file systems its loop device lies on */
    int fd;                /* its mount point, open; -1: not yet */
};

struct freeze_list {
    struct freeze_mount item[FREEZE_MOUNTS_MAX];
    unsigned n;
};

/* The file systems on block devices, each once (bind mounts are the same one), in the order in
 * which to freeze them: what lies on a loop device before the one that holds its file, later
 * mounts before earlier ones.  Left out: what is read-only, FUSE, and what another mount hides.
 * ${mountinfo} is a file as /proc/self/mountinfo; ${only} (NULL: all) are the mount points to
 * take, and ends with NULL.  MountUnopenable for one of these that is no such mount. */
struct err *freeze_list_read(const char *mountinfo, const char *const *only,
    struct freeze_list *ret) must_use;

/* Open their mount points.  One that cannot be opened is MountUnopenable, and none stays open
 * then. */
struct err *freeze_list_open(struct freeze_list *l) must_use;
void freeze_list_close(struct freeze_list *l);

/* ---- holding ---- */

enum freeze_state {
    FREEZE_OPEN,
    FREEZE_FREEZING,
    FREEZE_FROZEN,
    FREEZE_OTHERS, /* somebody else had frozen it (EBUSY) */
    FREEZE_UNABLE, /* its kind cannot be frozen (EOPNOTSUPP) */
    FREEZE_FAILED,
    FREEZE_THAWED,
    FREEZE_LOST,   /* somebody else had thawed it before us */
    FREEZE_STUCK   /* it could not be thawed */
};

/* The two calls; tests put others in their place. */
struct freeze_calls {
    int (*freeze)(int fd); /* as ioctl: -1 and errno */
    int (*thaw)(int fd);
};
extern struct freeze_calls freeze_calls;

struct freeze_options {
    const char *const *only; /* as of freeze_list_read */
    const char *mountinfo;   /* NULL: /proc/self/mountinfo */
    int64_t deadline_ms;     /* from before the first is frozen until all are thawed */
    /* Called by the watchdog when all is thawed; until it returns, the next freeze is refused.
     * May be NULL. */
    void (*thawed)(void *arg);
    void *arg;
};

struct freeze_begun {
    unsigned frozen, others, unable; /* how many file systems of each */
    char other[FREEZE_NAME_MAX];     /* one that somebody else had frozen; "" */
};

/* Freeze.  When it returns NULL all of them are held, and the watchdog waits.  After a failure
 * all are thawed again: FreezeFailed with the file system and the system's number,
 * FreezeTimeout, FreezeEmpty, MountUnopenable, GuestOperationRunning (it is frozen by us
 * already).  From then on the caller must not write to a disk before it ends. */
struct err *freeze_begin(const struct freeze_options *o, struct freeze_begun *ret) must_use;

struct freeze_ended {
    unsigned thawed, lost, stuck;
    bool held;     /* all that was frozen was held until now */
    bool rescued;  /* there was a marker and no watchdog: an earlier run was killed */
    int64_t held_ns; /* how long; 0 when it is not known */
};

/* Thaw.  When nothing is frozen, *ret says so. */
struct err *freeze_end(struct deadline by, struct freeze_ended *ret) must_use;

#endif
