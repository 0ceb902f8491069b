/* SPDX-License-Identifier: Apache-2.0 */
/* quiet.h -- bring the applications to rest and let them go on: scripts and plug-ins.
 *
 * Order: the pre-script, then each plug-in, package by package and in the manifest's order;
 * back in the reverse order, then the post-script.  Whatever was begun is undone, also when a
 * later part fails.
 * A plug-in whose host loses us resumes by itself (host.c). */
#ifndef QUIET_H
#define QUIET_H

#include "auto.h"
#include "clock.h"
#include "doc.h"
#include "err.h"

struct package;
struct package_plugin;
struct quiet;

enum {
    QUIET_PACKAGES_MAX = 8,
    QUIET_PLUGIN_MS = 10000, /* for one plug-in to come to rest, or to go on */
    QUIET_HOLD_MS = 60000,   /* then it goes on by itself */
    QUIET_READY_MS = 60000,  /* to find out whether it could come to rest */
    /* numbers by which a plug-in of a database names its failure (foreign.h); one may also name
     * a code of ours that is of a plug-in by its own number */
    QUIET_DATABASE_FIRST = 500,
    QUIET_DATABASE_LAST = 512
};

/* Could that plug-in bring its application to rest?  Asked before anything is at rest, in a
 * process of its own; failures are those of quiet_begin.  ${host} is the program that loads
 * plug-ins. */
struct err *quiet_ready(const struct package *p, const struct package_plugin *g,
    const char *host, struct deadline by) must_use;

/* Everything of these ${n} packages, QUIET_PACKAGES_MAX at most, which outlive *ret, is at rest
 * when this returns; after a failure everything goes on again.  PluginQuiesceFailed, below the
 * code of its number where that is a database's; PluginTooSlow, PluginDied, and those of
 * script.h. */
struct err *quiet_begin(struct package *const *packages, size_t n, struct deadline by,
    struct quiet **ret) must_use;

/* Let all go on; the first failure comes back, all others beside it (also). */
struct err *quiet_end(struct quiet *q) must_use;

/* What was done with what result, a list, written to ${o}. */
void quiet_report(const struct quiet *q, struct doc_out *o, const char *name);

/* How scripts failed until now whose configuration says that the backup goes on, which is the
 * caller's; NULL: none did.  Then not all came to rest. */
struct err *quiet_passed_over(struct quiet *q) must_use;

/* Lets all go on, if that was not done. */
void quiet_free(struct quiet *q);
DEFINE_AUTO(quiet);

#endif
