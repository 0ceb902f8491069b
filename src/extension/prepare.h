/* SPDX-License-Identifier: Apache-2.0 */
/* prepare.h -- can this version of the extension do its work?  Asked before anything is
 * brought to rest: package unchanged, prerequisites there, plug-ins loadable, scripts sound.
 *
 * The result is one JSON object, which `firn-extension prepare --json` prints and a status
 * file holds; firn-extension(1) describes it. */
#ifndef PREPARE_H
#define PREPARE_H

#include <stdbool.h>

#include "auto.h"
#include "clock.h"
#include "err.h"

enum prepare_result { PREPARE_READY, PREPARE_SKIPPED, PREPARE_FAILED };

struct prepare {
    enum prepare_result result;
    char *code;    /* of the failure; "" */
    char *message; /* one line for people */
    char *json;    /* all of it */
};

enum prepare_how {
    PREPARE_APPLICATIONS = 1, /* also whether they could be brought to rest now, which says
                                 nothing of the version itself */
    PREPARE_LOOK = 2          /* change nothing: run no installer */
};

/* Look at the version in ${folder}; ${how} is of enum prepare_how.  A failure of the package
 * itself, of a plug-in or of a script is a result too; only running out of memory and the like
 * comes back. */
struct err *prepare_run(const char *folder, unsigned how, struct deadline by,
    struct prepare **ret) must_use;
void prepare_free(struct prepare *p);
DEFINE_AUTO(prepare);

#endif
