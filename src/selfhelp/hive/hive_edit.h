/* SPDX-License-Identifier: Apache-2.0 */
/* hive_edit.h -- changes to a hive, from bytes to bytes.  No file is touched.
 *
 * The new bytes are proved before they are handed out: they are read again from the start,
 * and everything that differs from the old ones (regf_diff.h) is what was asked for; if
 * anything else does, HiveEditWrong.  libhivex does the editing and only ever sees bytes
 * that regf_open has taken.  Where firn was built without it: HiveSupportMissing. */
#ifndef HIVE_EDIT_H
#define HIVE_EDIT_H

#include "regf.h"
#include "target.h"

enum hive_edit_kind {
    HIVE_SET,       /* the value; keys that are missing on the way are made */
    HIVE_DELETE,    /* the value; not there is fine */
    HIVE_DELETE_KEY /* only a key without values and keys below it; not there is fine */
};

struct hive_edit {
    enum hive_edit_kind kind;
    const char *key;  /* path from the hive's root, UTF-8 */
    const char *name; /* of the value, "" the unnamed one; not of HIVE_DELETE_KEY */
    struct target_value value; /* of HIVE_SET; borrowed */
};

enum { HIVE_EDITS_MAX = 16 };

/* All of ${edits} (1 to HIVE_EDITS_MAX, each of another value or key) or none.  ${file} is the
 * whole file that ${old} was opened on.  *ret_changed is false (and no bytes come back) when
 * the hive is as asked for already.  Also HiveKeyFull for HIVE_DELETE_KEY of a key that holds
 * something. */
struct err *hive_edit(struct view file, const struct regf *old, const struct hive_edit *edits,
    size_t nedits, uint8_t **ret, size_t *ret_len, bool *ret_changed) must_use;

#endif
