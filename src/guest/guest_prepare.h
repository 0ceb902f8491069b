/* SPDX-License-Identifier: Apache-2.0 */
/* guest_prepare.h -- ask the backup extension in a guest whether it could do its work now.
 *
 * This is the PREPARE of the freeze window: it comes before anything is frozen, and what is
 * missing in the guest is found here.  firn looks for the extension below the platform's
 * folder (C:\Packages\Plugins or /var/lib/firn/plugins), runs `prepare --json` of the latest
 * version of each package through the guest agent, and reads the one document that comes
 * back.  Nothing in it is trusted. */
#ifndef GUEST_PREPARE_H
#define GUEST_PREPARE_H

#include <stdbool.h>

#include "clock.h"
#include "err.h"
#include "guest_find.h"

enum {
    GUEST_PREPARE_S = 1800 /* an installer may run meanwhile */
};

/* Each package in the order of their names (guest_find.h); the first that is not ready is the
 * failure.  ${warn} is told of a check that was skipped (ExtensionCheckSkipped); it takes the
 * warning.
 *
 * ExtensionMissing, ExtensionAnswerWrong; and for what the extension itself reports its own
 * code where firn has an article for it, else ExtensionNotReady with that code. */
struct err *guest_prepare(struct qga *g, struct deadline by,
    void (*warn)(void *arg, struct err *warning), void *arg) must_use;

/* As guest_prepare, and nothing is changed: no installer is run.  *ret_looked is false when the
 * extension is of before it could do that, and then was asked for nothing. */
struct err *guest_prepare_look(struct qga *g, struct deadline by,
    void (*warn)(void *arg, struct err *warning), void *arg, bool *ret_looked) must_use;

/* Which there are, each at its latest version, "Firn.VMSnapshot 1.0.0.0", with commas between
 * them; *ret is NULL when none is installed, else the caller's. */
struct err *guest_extension_names(struct qga *g, struct deadline by, char **ret) must_use;

/* What brings a guest's applications to rest. */
struct guest_extension {
    char *program; /* its full path in the guest: of the first package, the version in force;
                      NULL: none is, or there are more packages than guest_find.h takes */
    char *with[GUEST_FIND_PACKAGES]; /* the names of the other packages, in the order in which
                                        their applications come to rest; ends with NULL */
};

/* *ret is empty where there is none; guest_extension_done frees what it holds. */
struct err *guest_extension(struct qga *g, struct deadline by, struct guest_extension *ret)
    must_use;
void guest_extension_done(struct guest_extension *x);

/* The full path of firn-plugin-host of an extension in the guest, which makes load tests
 * there; *ret is NULL when no extension is installed, else the caller's. */
struct err *guest_plugin_host(struct qga *g, struct deadline by, char **ret) must_use;

#endif
