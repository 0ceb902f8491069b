/* SPDX-License-Identifier: Apache-2.0 */
/* guard.h -- a process that has the agent's only connection while a guest is frozen, and
 * thaws whatever becomes of firn.
 *
 * firn asks it over a socket pair to freeze and to thaw.  It thaws by itself when firn dies
 * (the end of the pair) and when the time of the freeze is over (firn hangs or is stopped),
 * and goes on trying for GUARD_TRY_MS.  Requests to end (TERM, INT, HUP) it does not heed: its
 * work is over soon in any case.  When it was seen that the guest is thawed, it removes the
 * marker and ends.
 *
 * It is this program, run anew with GUARD_VERB: a fork alone would keep a copy of the vault's
 * keys and of other threads' locks beyond the death of firn.  It is in a process group of its
 * own, but in the same service of the system's manager; when that kills all of them at once,
 * there is the marker.
 *
 * firn's calls below: when the guard dies, says nothing in time or something odd, that is
 * GuardFailed, and it is for the caller to guard_kill it and to thaw (thaw.h).  Other failures
 * are the agent's, as the guard met them; then nothing is frozen, except after
 * GuestLeftFrozen. */
#ifndef GUARD_H
#define GUARD_H

#include <stdbool.h>
#include <stdint.h>

#include "auto.h"
#include "clock.h"
#include "err.h"
#include "thaw.h"

#define GUARD_VERB "freeze-guard" /* argv[1] of the guard; guard_main takes what follows */

enum {
    GUARD_IDLE_MS = 300000, /* between its start and the request to freeze */
    GUARD_SILENT_MS = 500,  /* beyond the moment by which it must have spoken */
    GUARD_REST_MS = 60000,  /* for applications to come to rest */
    GUARD_TRY_MS = 600000,  /* it goes on thawing for so long */
    GUARD_LINE_MAX = 65536  /* bytes of what either says */
};

struct guard;

/* Start it and let it connect to ${socket}.  ${program}: what to run with GUARD_VERB; NULL:
 * this program.  ${marker} is the path that it removes in the end.  Besides GuardFailed:
 * failures of qga_open, GuestFrozen (by somebody else), FreezeHelperMissing. */
struct err *guard_start(const char *program, const char *socket, const char *machine,
    const char *marker, struct deadline by, struct guard **ret) must_use;

/* Its process number, for the marker. */
int guard_number(const struct guard *g);

struct guard_frozen {
    unsigned n;       /* file systems; 0: there was none to freeze */
    int64_t asked_ns; /* clock_mono_ns of the request and of the agent's reply */
    int64_t at_ns;
};

struct guard_freeze {
    const char *const *mounts; /* as qga_freeze has them */
    const char *helper; /* let this program of the extension do it; NULL: the agent freezes */
    bool applications;  /* ... and bring the applications to rest first, by GUARD_REST_MS */
    const char *const *with; /* as guest_helper.h has it */
    int64_t ms;         /* that it may last */
};

/* Freeze.  FreezeTimeout when the agent did not do it by then.  After a freeze that failed the
 * guard thaws; GuestLeftFrozen when it could not by ${by}. */
struct err *guard_freeze(struct guard *g, const struct guard_freeze *how, struct deadline by,
    struct guard_frozen *ret) must_use;

/* Thaw, or learn that it has done so: then *ret_early.  GuestLeftFrozen when it could not by
 * ${by}; it goes on trying. */
struct err *guard_thaw(struct guard *g, struct deadline by, struct thawed *ret,
    bool *ret_early) must_use;

/* Kill it, also when it is stopped; the agent's connection is free then. */
void guard_kill(struct guard *g);

/* Lets it end by itself, and does not wait for that.  Accepts NULL. */
void guard_free(struct guard *g);
DEFINE_AUTO(guard);

/* The guard: ${argv} is what follows GUARD_VERB, standard input the socket pair.  Returns its
 * exit status. */
int guard_main(int argc, char *const *argv);

#endif
