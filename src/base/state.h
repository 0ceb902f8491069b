/* SPDX-License-Identifier: Apache-2.0 */
/* state.h -- small files that firn keeps between its runs: the last failure, the journal of
 * repairs.
 *
 * They lie in $XDG_STATE_HOME/firn, else in .local/state/firn of $HOME, else in
 * /var/lib/firn, in a folder that only its owner can enter.  On Windows, where only the folder
 * is used, it is firn\state in ProgramData for administrators and the system, else in the
 * user's AppData\Local.  Nothing in a vault or a disk depends on them. */
#ifndef STATE_H
#define STATE_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"

enum { STATE_FILE_MAX = 1 << 20 };

/* The folder, made when it is missing; to be freed.  FileUnwritable; InputInvalid when
 * somebody else owns it or may write to it. */
struct err *state_folder(char **ret) must_use;

/* As state_folder, but *ret is NULL when there is no such folder yet. */
struct err *state_folder_find(char **ret) must_use;

/* Put a file there, whole or not at all, readable by its owner only. */
struct err *state_put(const char *name, const void *data, size_t len) must_use;

/* At most STATE_FILE_MAX bytes, with a NUL behind them that does not count; to be freed.
 * *ret_data is NULL when there is no such file. */
struct err *state_get(const char *name, char **ret_data, size_t *ret_len) must_use;

#endif
