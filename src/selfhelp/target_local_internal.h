/* SPDX-License-Identifier: Apache-2.0 */
/* target_local_internal.h -- shared by the parts of the local machine. */
#ifndef TARGET_LOCAL_INTERNAL_H
#define TARGET_LOCAL_INTERNAL_H

#include "target_local.h"

struct local {
    struct target t;
    char *root; /* "" for this machine */
    int fd;     /* of the root folder */
    bool systemd; /* runs here */
};

struct err *local_refused(const struct target *t, const char *what, int number) must_use;

/* ${path} inside the root; -1 with errno. */
int local_open(const struct local *l, const char *path, int flags);

/* Run a program of this machine.  *ret_output (may be NULL) is what it said, both streams. */
struct err *local_run(const char *const argv[], const char *const env[], struct deadline by,
    int *ret_exit, char **ret_output) must_use;

struct err *local_load(struct target *t, const char *library, struct deadline by,
    struct target_load *ret);
struct err *local_busy(struct target *t, bool *ret_busy, char **ret_who);
struct err *local_package_version(struct target *t, const char *name, char **ret_version,
    bool *ret_found);
struct err *local_package_interrupted(struct target *t, bool *ret);
struct err *local_package_install(struct target *t, const char *what, struct deadline by,
    uint32_t *ret_exit, char **ret_output);
struct err *local_package_remove(struct target *t, const char *name, struct deadline by,
    uint32_t *ret_exit, char **ret_output);
struct err *local_package_configure(struct target *t, struct deadline by, uint32_t *ret_exit,
    char **ret_output);
struct err *local_unit_get(struct target *t, const char *unit, enum target_unit *ret,
    bool *ret_active);
struct err *local_unit_set(struct target *t, const char *unit, enum target_unit want);
struct err *local_unit_control(struct target *t, const char *unit, bool run,
    struct deadline by);

#endif
