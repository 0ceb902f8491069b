/* SPDX-License-Identifier: Apache-2.0 */
/* quiet.h -- bring the applications to rest and let them go on: scripts and plug-ins.
 *
 * Order: the pre-script, then each plug-in in the manifest's order; back in the reverse
 * order, then the post-script.  Whatever was begun is undone, also when a later part fails.
 * A plug-in whose host loses us resumes by itself (host.c). */
#ifndef QUIET_H
#define QUIET_H

#include "auto.h"
#include "clock.h"
#include "doc.h"
#include "err.h"

struct package;
struct quiet;

enum {
    QUIET_PLUGIN_MS = 10000, /* for one plug-in to come to rest, or to go on */
    QUIET_HOLD_MS = 60000,   /* then it goes on by itself */
    /* numbers by which a plug-in of a database names its failure (foreign.h) */
    QUIET_DATABASE_FIRST = 500,
    QUIET_DATABASE_LAST = 512
};

/* Everything is at rest when this returns; after a failure everything goes on again.
 * PluginQuiesceFailed, below the code of its number where that is a database's; PluginTooSlow,
 * PluginDied, and those of script.h. */
struct err *quiet_begin(const struct package *p, struct deadline by, struct quiet **ret)
    must_use;

/* Let all go on; the first failure comes back, all others beside it (also). */
struct err *quiet_end(struct quiet *q) must_use;

/* What was done with what result, a list, written to ${o}. */
void quiet_report(const struct quiet *q, struct doc_out *o, const char *name);

/* Lets all go on, if that was not done. */
void quiet_free(struct quiet *q);
DEFINE_AUTO(quiet);

#endif
