/* SPDX-License-Identifier: Apache-2.0 */
/* hint.h -- the line to type after a failure that firn may be able to repair. */
#ifndef HINT_H
#define HINT_H

#include "cmd.h"

/* "firn doctor TARGET CODE" for the outermost failure of the chain whose article has a step
 * that firn can take there; *ret is NULL when there is none, else the caller's.  The target is
 * the guest that the command named, or this machine. */
struct err *hint_doctor(const struct cmd *c, const struct err *e, char **ret) must_use;

#endif
