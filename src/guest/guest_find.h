/* SPDX-License-Identifier: Apache-2.0 */
/* guest_find.h -- where the backup extension lies in a guest, as it is seen through its agent.
 *
 * Packages lie in <root>/<publisher.name>/<version>/, on every system in its own folder
 * (firn-package(5)).  One listing finds every copy of the extension's program.  Of each package
 * the highest version by number is kept: which of its versions is in force, its own program
 * knows best, and is asked (guest_find_latest). */
#ifndef GUEST_FIND_H
#define GUEST_FIND_H

#include <stdbool.h>
#include <stddef.h>

#include "clock.h"
#include "dotted.h"
#include "err.h"

struct qga;
struct qga_os;

enum {
    GUEST_FIND_PACKAGES = 8,    /* extensions in one guest */
    GUEST_FIND_VERSIONS = 256,  /* folders of versions that are looked at */
    GUEST_FIND_ANSWER = 1 << 20 /* bytes of what the extension's program prints */
};

/* What differs between systems. */
struct guest_place {
    const char *root; /* where packages lie, without a slash at its end */
    char slash;
    const char *program, *host; /* in bin/ of a version */
    const char *settings, *status; /* its folders in a version */
};

/* That of a system; Linux's where it is another one. */
const struct guest_place *guest_place(const struct qga_os *os);

/* The highest version of one package. */
struct guest_copy {
    char *package, *path; /* path: of its program */
    struct dotted version;
};

/* In the order of the packages' names, whatever order the guest has them in. */
struct guest_copies {
    struct guest_copy item[GUEST_FIND_PACKAGES];
    size_t n;
    bool more; /* there are others, which found no room */
};

/* ${root} is where packages lie, NULL for the system's own folder.  Nothing there is no
 * failure. */
struct err *guest_find(struct qga *g, const char *root, struct deadline by,
    struct guest_copies *ret) must_use;
void guest_copies_done(struct guest_copies *c);

/* The program of the version in force of that copy's package; *ret is the caller's, NULL when
 * none is in force. */
struct err *guest_find_latest(struct qga *g, const char *root, const struct guest_copy *c,
    struct deadline by, char **ret) must_use;

#endif
