/* SPDX-License-Identifier: Apache-2.0 */
/* reported.h -- what the extension in a machine reports, as a failure of ours: so a doctor
 * finds the same facts whether it is inside of the machine or outside. */
#ifndef REPORTED_H
#define REPORTED_H

#include <jansson.h>

#include "err.h"

enum { REPORTED_CAUSES = 8 };

/* ${answer} is what `firn-extension prepare --json` says when it failed; nothing in it is
 * trusted.  ${vm} and ${package} are whose it is.
 *
 * Its code may be one of ours, or what foreign.h knows: the name that another product gives
 * the failure, an HRESULT, or "status:505".  The failure then has our code, with the facts of
 * these names as its variables; beneath a foreign one stands ExtensionNotReady with what was
 * said.  Every other code is ExtensionNotReady.  A guest speaks of itself only: codes of other
 * classes than guest and extension are taken for unknown, and vm is never what it says. */
struct err *reported_failure(const char *vm, const char *package,
    const json_t *answer) must_use;

/* The same of what its other verbs say under "error", with the causes that stand below it,
 * REPORTED_CAUSES at most.  ExtensionAnswerWrong when it is no object. */
struct err *reported_chain(const char *vm, const char *package, const json_t *error) must_use;

#endif
