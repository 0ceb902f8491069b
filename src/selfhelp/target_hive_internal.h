/* SPDX-License-Identifier: Apache-2.0 */
/* target_hive_internal.h -- shared by the files of target_hive. */
#ifndef TARGET_HIVE_INTERNAL_H
#define TARGET_HIVE_INTERNAL_H

#include "hive_file.h"
#include "target_hive.h"

enum { HIVE_SYSTEM, HIVE_SOFTWARE, HIVE_COUNT };

struct target_hive {
    struct target target;
    int root; /* the folder that C:\ stands for; -1: only hives were given */
    struct hive_file *hive[HIVE_COUNT]; /* NULL: not given */
    uint32_t control_set;
};

/* ---- target_hive_path.c ---- */

/* The entry of ${folder} that is called ${name}, whatever the case of its letters (of ASCII);
 * *ret_name is NULL when there is none; to be freed. */
struct err *hive_path_entry(int folder, const char *name, const char *shown,
    char **ret_name) must_use;

/* The folder below ${root} by these components, which backslashes or slashes part; -1 when
 * one of them is not there. */
struct err *hive_path_folder(int root, const char *path, const char *shown,
    int *ret_folder) must_use;

/* Take "C:\a\b" apart: *ret_folder is open on C:\a, *ret_name is b as it is spelled on the
 * disk, or as it was given when it is not there (*ret_found says).  *ret_folder is -1 when the
 * folder is not there. */
struct err *hive_path_resolve(const struct target_hive *h, const char *path, int *ret_folder,
    char **ret_name, bool *ret_found) must_use;

/* An open file, or -1 when it is not there. */
struct err *hive_path_open(const struct target_hive *h, const char *path, int *ret_fd) must_use;

/* ---- the groups of calls ---- */

struct err *hive_reg_get(struct target *t, const char *key, const char *name,
    struct target_value *ret, bool *ret_found) must_use;
struct err *hive_reg_set(struct target *t, const char *key, const char *name,
    const struct target_value *v) must_use;
struct err *hive_reg_delete(struct target *t, const char *key, const char *name) must_use;
struct err *hive_reg_key(struct target *t, const char *key, bool *ret_found) must_use;
struct err *hive_reg_delete_key(struct target *t, const char *key) must_use;

struct err *hive_disk_read(struct target *t, const char *path, void **ret, size_t *ret_len,
    bool *ret_found) must_use;
struct err *hive_disk_write(struct target *t, const char *path, const void *data,
    size_t len) must_use;
struct err *hive_disk_rename(struct target *t, const char *from, const char *to) must_use;
struct err *hive_disk_delete(struct target *t, const char *path) must_use;
struct err *hive_disk_list(struct target *t, const char *folder, char ***ret,
    bool *ret_found) must_use;
struct err *hive_disk_space(struct target *t, const char *path, uint64_t *ret_bytes) must_use;

struct err *hive_load(struct target *t, const char *library, struct deadline by,
    struct target_load *ret) must_use;

#endif
