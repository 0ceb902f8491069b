/* SPDX-License-Identifier: Apache-2.0 */
/* script_start.h -- whether the system would start a script (Linux), found out before it has
 * to: what its first line names is there and can be run.
 *
 * A text that names no interpreter is the shell's, since the contract of scripts runs them so.
 * What only shows when it runs (a library that is missing, an interpreter that is a script
 * itself) is not found. */
#ifndef SCRIPT_START_H
#define SCRIPT_START_H

#include <stdbool.h>

#include "err.h"

#define SCRIPT_SHELL "/bin/sh"

/* *ret_why: why the open file ${fd} cannot be started, which the caller frees; NULL: nothing
 * is known to stand in the way.  *ret_shell: it is for SCRIPT_SHELL to read. */
struct err *script_start_look(int fd, bool *ret_shell, char **ret_why) must_use;

#endif
