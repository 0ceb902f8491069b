/* SPDX-License-Identifier: Apache-2.0 */
/* prerequisite.h -- is what a plug-in needs there; and if not, have its bundled installer
 * bring it.
 *
 * The proof is a load test in a child, before and after; what an installer says of itself is
 * recorded and decides only what is tried next.  The persistent key skips the test: then
 * nothing is proved and nothing repaired, and the result says so. */
#ifndef PREREQUISITE_H
#define PREREQUISITE_H

#include "clock.h"
#include "package.h"

enum prerequisite_state {
    PREREQUISITE_PRESENT,
    PREREQUISITE_INSTALLED, /* just now */
    PREREQUISITE_SKIPPED,   /* by the persistent key */
    PREREQUISITE_MISSING
};

enum {
    PREREQUISITE_ATTEMPTS = 3, /* runs of one installer, where another one was in its way */
    PREREQUISITE_WORDS = 2000  /* bytes of an installer's output that are kept */
};

struct prerequisite_result {
    enum prerequisite_state state;
    char *json;      /* an object with everything that was found */
    const char *code; /* of its failure, borrowed from the package; NULL unless MISSING */
    char *facts;     /* the object of variables of its failure; NULL unless MISSING */
    char *message;   /* of its failure; NULL unless MISSING */
    bool reboot;     /* an installer asked for one */
};

/* ${look}: run no installer.  A failure is only what kept the question from being answered. */
struct err *prerequisite_prepare(const struct package *p,
    const struct package_prerequisite *q, const char *host, bool look, struct deadline by,
    struct prerequisite_result *ret) must_use;
void prerequisite_result_done(struct prerequisite_result *r);

const char *prerequisite_state_word(enum prerequisite_state state);

#endif
