/* SPDX-License-Identifier: Apache-2.0 */
/* activate.h -- put a new version into place, or leave everything as it was.
 *
 * The version comes as a folder with all its files, and the SHA-256 of its manifest comes
 * beside it from whoever sent it, so that nothing on the way could change both.  Steps: the
 * folder is verified whole; its files are copied below the root under a name that is no
 * version, and verified there; the copy gets its name; the new version is probed (prepare,
 * run by its own program) and enabled; only then the old one is disabled.  Which version
 * counts is decided by one write of one state file.
 *
 * Killed at any moment, the old version counts, or the new one, never none: a copy without
 * a name is removed by the next activation, a version that was named but not enabled counts
 * as not installed. */
#ifndef ACTIVATE_H
#define ACTIVATE_H

#include <stdbool.h>

#include "clock.h"
#include "err.h"

struct activation {
    char *folder;   /* of the version that counts now */
    char *previous; /* of the version that counted before and is kept; NULL: none */
    bool already;   /* it was there, enabled and whole: nothing was done */
    bool mended;    /* it was there, enabled and damaged: it was put into place anew */
};

/* ${digest} is the hex SHA-256 of the manifest.  PackageDigestWrong, PackageOlder (because of
 * PackageDigestWrong, when the version in force has the same number and other files), those of
 * package_verify; ActivationRolledBack, with the reason as its cause, when the new version
 * was put into place and did not work. */
struct err *activate(const char *root, const char *staged, const char *digest,
    struct deadline by, struct activation *ret) must_use;
void activation_done(struct activation *a);

#endif
