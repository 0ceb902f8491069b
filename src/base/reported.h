/* SPDX-License-Identifier: Apache-2.0 */
/* reported.h -- what the extension in a machine reports, as a failure of ours.
 *
 * The codes that an extension may report are its package's own business, but for those that
 * firn has an article with variables for: these become the typed failure, so that a doctor
 * finds the same facts whether it is inside of the machine or outside. */
#ifndef REPORTED_H
#define REPORTED_H

#include <jansson.h>

#include "err.h"

/* ${answer} is what `firn-extension prepare --json` says when it failed; nothing in it is
 * trusted.  ${vm} and ${package} are whose it is. */
struct err *reported_failure(const char *vm, const char *package,
    const json_t *answer) must_use;

#endif
