/* SPDX-License-Identifier: Apache-2.0 */
/* hive_file.h -- a hive as a file of a disk that is not running: read whole, kept beside
 * itself before its first change, replaced in one step.
 *
 * A change is durable or it did not happen: the new bytes go to a file of their own beside
 * the old one, are synced, read back, given owner, mode and the file system's own attributes
 * of the old one, and take its name.  Killed at any moment, the name stands for the old file
 * or the new one, both whole.  Before the first change of an opened hive it and its logs are
 * copied to NAME.firn-YYYYMMDD-HHMMSS beside it; these copies are never removed by firn. */
#ifndef HIVE_FILE_H
#define HIVE_FILE_H

#include "hive_edit.h"

struct hive_file;

/* ${folder} is borrowed for the call only.  ${name} is the file's own name in it, and
 * ${shown} how messages call it.  A link is not followed.  FileUnreadable, and those of
 * regf_open. */
struct err *hive_file_open(int folder, const char *name, const char *shown,
    struct hive_file **ret) must_use;

/* Valid until the next edit. */
const struct regf *hive_file_regf(const struct hive_file *f);

/* HiveInUse when another firn is changing it, HiveMoved when the file is not the one that
 * was read, FileUnwritable, and those of hive_edit. */
struct err *hive_file_edit(struct hive_file *f, const struct hive_edit *edits,
    size_t nedits) must_use;

void hive_file_free(struct hive_file *f); /* accepts NULL */
DEFINE_AUTO(hive_file);

#endif
