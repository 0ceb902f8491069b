/* SPDX-License-Identifier: Apache-2.0 */
/* target_guest_internal.h -- what the parts of target_guest share. */
#ifndef TARGET_GUEST_INTERNAL_H
#define TARGET_GUEST_INTERNAL_H

#include "qga.h"
#include "target_guest.h"

struct guest {
    struct target t;
    struct qga *g;
    char *socket;
    char *plugin_host; /* NULL: none */
    char *windows; /* "C:\Windows"; NULL on Linux */
    char *exchange; /* the file through which registry keys travel; NULL: none yet */
    int call_ms;
    char cannot[3][100];
};

static inline struct guest *
guest_of(struct target *t)
{
    return (struct guest *)t;
}

/* The limit of one question. */
struct deadline guest_by(const struct guest *m);

/* Run a program of the guest's own, found by its search path; ${result} may be NULL.  Only
 * its exit code is returned. */
struct err *guest_exec(struct guest *m, const char *const argv[], struct deadline by,
    uint32_t *ret_exit, struct qga_result *result) must_use;

/* A few fixed lines of shell with ${args} as $1, $2 ...; nothing of them is ever parsed. */
struct err *guest_shell(struct guest *m, const char *lines, const char *const args[],
    struct deadline by, uint32_t *ret_exit, struct qga_result *result) must_use;

/* A built-in command of cmd.exe, argument by argument. */
struct err *guest_cmd(struct guest *m, const char *const argv[], uint32_t *ret_exit,
    struct qga_result *result) must_use;

/* What a program printed, both streams, made harmless and cut to TARGET_OUTPUT_MAX. */
struct err *guest_output(const struct qga_result *r, char **ret) must_use;

struct err *guest_refused(struct guest *m, const char *what, uint32_t number) must_use;

/* The vtable's functions, by system. */
struct err *guest_reg_get(struct target *t, const char *key, const char *name,
    struct target_value *ret, bool *ret_found) must_use;
struct err *guest_reg_set(struct target *t, const char *key, const char *name,
    const struct target_value *v) must_use;
struct err *guest_reg_delete(struct target *t, const char *key, const char *name) must_use;
struct err *guest_reg_key(struct target *t, const char *key, bool *ret_found) must_use;
struct err *guest_reg_delete_key(struct target *t, const char *key) must_use;
void guest_registry_done(struct guest *m);

/* windows */
struct err *guest_windows_open(struct guest *m) must_use;
struct err *guest_service_get(struct target *t, const char *name, struct target_service *ret,
    bool *ret_found) must_use;
struct err *guest_service_set_start(struct target *t, const char *name,
    uint32_t start) must_use;
struct err *guest_service_create(struct target *t, const char *name,
    const struct target_service *s) must_use;
struct err *guest_service_configure(struct target *t, const char *name,
    const struct target_service *s) must_use;
struct err *guest_service_control(struct target *t, const char *name, bool run,
    struct deadline by) must_use;
struct err *guest_service_dependents(struct target *t, const char *name, char ***ret) must_use;
/* The names in what "sc enumdepend" prints, of services that are not stopped; ends with NULL.
 * Nothing goes by words: a block of indented lines is one service, the second of them has its
 * state, and the two lines before the block are its name and how it is shown. */
struct err *guest_dependents_in(struct guest *m, const char *text, char ***ret) must_use;

struct guest_files {
    struct err *(*rename)(struct guest *m, const char *from, const char *to);
    struct err *(*delete)(struct guest *m, const char *path);
    struct err *(*list)(struct guest *m, const char *folder, char ***ret, bool *ret_found);
    /* make ${fresh} ready to be written and then to take the place of ${path} */
    struct err *(*prepare)(struct guest *m, const char *fresh, const char *path);
    struct err *(*replace)(struct guest *m, const char *fresh, const char *path);
    struct err *(*space)(struct guest *m, const char *path, uint64_t *ret_bytes);
    struct err *(*load)(struct guest *m, const char *library, struct deadline by,
        struct target_load *ret);
    struct err *(*busy)(struct guest *m, bool *ret_busy, char **ret_who);
};

extern const struct guest_files guest_linux_files, guest_windows_files;

/* linux */
enum { GUEST_HOLDER_MAX = 32 };
/* ${locks} is the text of /proc/locks: the number of a process that holds a lock on the file
 * with this inode and device (as stat has them; 0: not known).  False: nobody does. */
bool guest_lock_holder(const char *locks, const char *inode, uint64_t device,
    char to[GUEST_HOLDER_MAX]);
struct err *guest_package_version(struct target *t, const char *name, char **ret_version,
    bool *ret_found) must_use;
struct err *guest_package_interrupted(struct target *t, bool *ret) must_use;
struct err *guest_package_install(struct target *t, const char *what, struct deadline by,
    uint32_t *ret_exit, char **ret_output) must_use;
struct err *guest_package_remove(struct target *t, const char *name, struct deadline by,
    uint32_t *ret_exit, char **ret_output) must_use;
struct err *guest_package_configure(struct target *t, struct deadline by, uint32_t *ret_exit,
    char **ret_output) must_use;
struct err *guest_unit_get(struct target *t, const char *unit, enum target_unit *ret,
    bool *ret_active) must_use;
struct err *guest_unit_set(struct target *t, const char *unit,
    enum target_unit want) must_use;
struct err *guest_unit_control(struct target *t, const char *unit, bool run,
    struct deadline by) must_use;

/* Names that end with ${end} each (a NUL, or a line end), as a list that target_names_free
 * frees. */
struct err *guest_names(struct guest *m, const char *text, size_t len, char end,
    char ***ret) must_use;

/* What the loader of Linux said about a library (words), as error and missing. */
struct err *guest_classify_load(struct target_load *l) must_use;

/* What firn-plugin-host says about a library. */
struct err *guest_load_by_host(struct guest *m, const char *library, struct deadline by,
    struct target_load *ret) must_use;

#endif
