/* SPDX-License-Identifier: Apache-2.0 */
/* regf_diff.h -- all that differs between two hives.
 *
 * Compared are the keys, each one's flags, class, security descriptor and time of the last
 * change, and the values with their types and bytes.  Not compared is where in the file
 * things lie, in which order, and how often a descriptor is shared. */
#ifndef REGF_DIFF_H
#define REGF_DIFF_H

#include "regf.h"

enum regf_diff_kind {
    REGF_KEY_ADDED,
    REGF_KEY_REMOVED,
    REGF_KEY_CHANGED,  /* flags, class or security, or another case of its name */
    REGF_KEY_TOUCHED,  /* only its time */
    REGF_VALUE_ADDED,
    REGF_VALUE_REMOVED,
    REGF_VALUE_CHANGED
};

/* A change seen.  ${path} is the key's, ${value} is NULL where none is meant; both belong to
 * the walk.  Keys and values below an added or removed key come each on its own. */
struct regf_diff {
    enum regf_diff_kind kind;
    const char *path, *value;
    uint32_t old_key, new_key; /* 0: not there */
};

/* Return false to end the walk. */
typedef bool regf_diff_fn(void *arg, const struct regf_diff *d);

/* *ret_whole (may be NULL) is false when ${each} ended the walk. */
struct err *regf_diff(const struct regf *old, const struct regf *new, regf_diff_fn *each,
    void *arg, bool *ret_whole) must_use;

/* "value added" ... */
const char *regf_diff_name(enum regf_diff_kind kind);

#endif
