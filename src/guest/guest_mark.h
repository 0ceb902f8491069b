/* SPDX-License-Identifier: Apache-2.0 */
/* guest_mark.h -- the note that a guest may be frozen, which outlives whoever froze it.
 *
 * A file for each freeze window, in the folder "frozen" of firn's state folder (state.h).  It
 * is durable before the request to freeze goes out and removed after the guest was seen
 * thawed.  One that is found later, and whose firn and guard are dead, stopped or long over
 * their time, means: thaw.  A firn of another user, or with another state folder, has markers
 * of its own. */
#ifndef GUEST_MARK_H
#define GUEST_MARK_H

#include <stdbool.h>
#include <stdint.h>

#include "auto.h"
#include "clock.h"
#include "err.h"

enum {
    GUEST_MARK_FILE_MAX = 16384, /* bytes of a marker that are read */
    GUEST_MARK_COUNT_MAX = 64,   /* markers that one call deals with */
    GUEST_MARK_THAW_MS = 10000,  /* for each */
    GUEST_MARK_OVER_MS = 900000  /* beyond its deadline: then nobody is at it any more */
};

struct guest_mark {
    const char *socket, *machine; /* of the agent; for messages */
    const char *helper;           /* as thaw.h has it; NULL: none */
    struct deadline by;           /* when the freeze is to be over */
    int firn, guard;              /* process numbers */
};

/* A path for a marker that nobody has; to be freed.  Makes the folder. */
struct err *guest_mark_path(char **ret) must_use;

/* Write it so that it is there after a loss of power, too.  FileUnwritable. */
struct err *guest_mark_write(const char *path, const struct guest_mark *m) must_use;

/* Is it still there?  It is not when the guest was thawed, or is being thawed by another firn,
 * which took this one for dead. */
bool guest_mark_stands(const char *path);

/* Remove it; it may be gone. */
struct err *guest_mark_remove(const char *path) must_use;

/* Thaw every guest whose marker is stale; costs one look at a folder when there is none.
 * ${warn} takes GuestThawedLate of each that was still frozen, and GuestLeftFrozen of each
 * that could not be thawed, whose marker stays.  Nothing here is a failure of the caller. */
void guest_mark_thaw_stale(void (*warn)(void *arg, struct err *warning), void *arg);

#endif
