/* SPDX-License-Identifier: Apache-2.0 */
/* target.h -- a machine on which a runbook acts, as a narrow set of primitive operations.
 *
 * The actions (remedy.h) are written once over these primitives; a body provides what its
 * machine can do and says so in ${can}.  Bodies: local (this machine), guest (a VM through
 * its agent), hive (a Windows disk that is not running), mem (a model, for tests), and fault
 * (a wrapper that fails on demand).
 *
 * Calls that a target cannot serve give TargetCannot, what its system refuses TargetRefused
 * with the system's number.  What does not exist is no failure but *ret_found = false.
 * Every call that may wait takes a deadline.  Numbers, never localised words, decide.  One
 * target belongs to one thread at a time. */
#ifndef TARGET_H
#define TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "action.h"
#include "auto.h"
#include "clock.h"
#include "err.h"

enum target_can {
    TARGET_REGISTRY = 1,
    TARGET_SERVICES = 2,  /* the live service manager; a hive has only the registry */
    TARGET_FILES = 4,
    TARGET_PROGRAMS = 8,
    TARGET_LIBRARIES = 16, /* load tests; of a machine that is off, what they import */
    TARGET_RESTART = 32,
    TARGET_PACKAGES = 64, /* the package manager of a Linux system */
    TARGET_UNITS = 128    /* systemd's units, live or below a root */
};

enum {
    TARGET_VALUE_MAX = 64 * 1024,   /* bytes of a registry value */
    TARGET_FILE_MAX = 16 << 20,     /* bytes of a file that is read or written whole */
    TARGET_OUTPUT_MAX = 64 * 1024,  /* bytes of a program's output that are kept */
    TARGET_ENTRIES_MAX = 4096,      /* names in a folder or key */
    TARGET_DEPENDENTS_MAX = 32,     /* services that run and need one that is to be stopped */
    TARGET_NAME_MAX = 260
};

/* Behind the name of a file that keeps what was in it.  A new file with this in its name is its
 * owner's alone to read on Linux, since nobody knows what is in it. */
#define TARGET_OLD ".firn-old"

enum { TARGET_REG_SZ = 1, TARGET_REG_EXPAND_SZ = 2, TARGET_REG_BINARY = 3, TARGET_REG_DWORD = 4,
    TARGET_REG_MULTI_SZ = 7, TARGET_REG_QWORD = 11 };

/* As the registry holds it: little-endian numbers, UTF-16LE strings with their NUL. */
struct target_value {
    uint32_t type;
    uint8_t *data; /* owned */
    size_t len;
};

enum target_service_state { SERVICE_IS_STOPPED, SERVICE_IS_RUNNING, SERVICE_IS_BETWEEN };

/* A Windows service as the service manager has it now.  Strings are owned, UTF-8. */
struct target_service {
    uint32_t type, start, error_control; /* as in the registry: start 2 auto, 3 demand, 4 off */
    char *image, *account, *display;
    char **depends; /* ends with NULL; may be NULL */
    enum target_service_state state;
    bool marked; /* for deletion: gone when the last handle closes */
};

enum { TARGET_DEPENDENTS_RUN = 1051 }; /* ERROR_DEPENDENT_SERVICES_RUNNING */

/* What a load test of a library found. */
struct target_load {
    bool loads;
    uint32_t error; /* the loader's number: 126 missing, 127 symbol, 193 wrong bitness, 1114;
                     * on Linux the errno-like TARGET_LOAD_... below */
    char *words;    /* what the loader said, for people; may be NULL */
    char *missing;  /* the library that was not found, when the loader tells; may be NULL */
};
enum { TARGET_LOAD_MISSING = 1, TARGET_LOAD_SYMBOL = 2, TARGET_LOAD_CLASS = 3,
    TARGET_LOAD_TOO_NEW = 4, TARGET_LOAD_OTHER = 5 };

enum target_unit { UNIT_MISSING, UNIT_MASKED, UNIT_DISABLED, UNIT_ENABLED, UNIT_STATIC };

struct target;

struct target_vtable {
    /* registry; ${key} is "HKLM\...", 64-bit view; CurrentControlSet is resolved */
    struct err *(*reg_get)(struct target *t, const char *key, const char *name,
        struct target_value *ret, bool *ret_found);
    struct err *(*reg_set)(struct target *t, const char *key, const char *name,
        const struct target_value *v); /* makes the key where it is missing */
    struct err *(*reg_delete)(struct target *t, const char *key, const char *name);
    struct err *(*reg_key)(struct target *t, const char *key, bool *ret_found);
    /* only an empty key; what is not there is fine */
    struct err *(*reg_delete_key)(struct target *t, const char *key);

    /* the live service manager */
    struct err *(*service_get)(struct target *t, const char *name, struct target_service *ret,
        bool *ret_found);
    struct err *(*service_set_start)(struct target *t, const char *name, uint32_t start);
    struct err *(*service_create)(struct target *t, const char *name,
        const struct target_service *s);
    struct err *(*service_configure)(struct target *t, const char *name,
        const struct target_service *s);
    struct err *(*service_control)(struct target *t, const char *name, bool run,
        struct deadline by);
    /* NULL, or a list that ends with NULL */
    struct err *(*service_dependents)(struct target *t, const char *name, char ***ret);

    /* files; ${path} in the machine's own notation */
    struct err *(*file_read)(struct target *t, const char *path, void **ret, size_t *ret_len,
        bool *ret_found);
    struct err *(*file_write)(struct target *t, const char *path, const void *data,
        size_t len); /* whole, by a new name and a rename */
    struct err *(*file_rename)(struct target *t, const char *from, const char *to);
    struct err *(*file_delete)(struct target *t, const char *path);
    /* names in a folder, in no order; ends with NULL */
    struct err *(*file_list)(struct target *t, const char *folder, char ***ret,
        bool *ret_found);

    /* argv[0] is a full path.  *ret_exit is the 32 bits that the system gives.  DeadlinePassed
     * when it had to be ended, with all its children. */
    struct err *(*run)(struct target *t, const char *const argv[], struct deadline by,
        uint32_t *ret_exit, char **ret_output);
    struct err *(*load)(struct target *t, const char *library, struct deadline by,
        struct target_load *ret);
    /* Is another installation under way (Windows Installer's mutex, the package manager's
     * lock)?  *ret_who may be NULL. */
    struct err *(*installer_busy)(struct target *t, bool *ret_busy, char **ret_who);

    /* changes with each start of the machine */
    struct err *(*boot_id)(struct target *t, char **ret);
    /* returns when the machine answers again with another boot id */
    struct err *(*restart)(struct target *t, struct deadline by);

    /* Linux packages */
    struct err *(*package_version)(struct target *t, const char *name, char **ret_version,
        bool *ret_found);
    struct err *(*package_interrupted)(struct target *t, bool *ret);
    /* ${what}: a name, or the path of a package file */
    struct err *(*package_install)(struct target *t, const char *what, struct deadline by,
        uint32_t *ret_exit, char **ret_output);
    struct err *(*package_remove)(struct target *t, const char *name, struct deadline by,
        uint32_t *ret_exit, char **ret_output);
    struct err *(*package_configure)(struct target *t, struct deadline by, uint32_t *ret_exit,
        char **ret_output);

    struct err *(*unit_get)(struct target *t, const char *unit, enum target_unit *ret,
        bool *ret_active);
    struct err *(*unit_set)(struct target *t, const char *unit, enum target_unit want);
    struct err *(*unit_control)(struct target *t, const char *unit, bool run,
        struct deadline by);

    /* Bytes that a program may still write where ${path} is. */
    struct err *(*space_free)(struct target *t, const char *path, uint64_t *ret_bytes);

    /* Time as the machine passes it: a model's waits cost nothing.  NULL in both places: the
     * clock of this machine. */
    int64_t (*now_ns)(struct target *t);
    struct err *(*wait)(struct target *t, int64_t ms);

    void (*free)(struct target *t);
};

/* The first member of every body. */
struct target {
    const struct target_vtable *call;
    char *name;            /* "local", "disk:server.raw", for messages */
    char *identity;        /* the same for one machine however it is named, for its journals;
                              NULL: the name is */
    enum action_os os;     /* ACTION_WINDOWS or ACTION_LINUX */
    bool offline;          /* not running: changes take effect at its next start */
    bool bits64;
    unsigned can;          /* TARGET_... */
    const char *cannot[4]; /* for people: what is forbidden and by whom; NULL ends */
};

/* For bodies: set the name, free what the body's maker did not hand over. */
struct err *target_init(struct target *t, const struct target_vtable *call,
    const char *name) must_use;

/* The calls, named as above: target_reg_get(t, ...) and so on.  They give TargetCannot where
 * the body has none, and refuse names that are longer or other than their kind allows. */
struct err *target_reg_get(struct target *t, const char *key, const char *name,
    struct target_value *ret, bool *ret_found) must_use;
struct err *target_reg_set(struct target *t, const char *key, const char *name,
    const struct target_value *v) must_use;
struct err *target_reg_delete(struct target *t, const char *key, const char *name) must_use;
struct err *target_reg_key(struct target *t, const char *key, bool *ret_found) must_use;
struct err *target_reg_delete_key(struct target *t, const char *key) must_use;
struct err *target_service_get(struct target *t, const char *name, struct target_service *ret,
    bool *ret_found) must_use;
struct err *target_service_set_start(struct target *t, const char *name,
    uint32_t start) must_use;
struct err *target_service_create(struct target *t, const char *name,
    const struct target_service *s) must_use;
/* Give a service that is there all that ${s} says, but for its state: in the service manager
 * and, through it, in the registry.  What ${s} has no words for stays. */
struct err *target_service_configure(struct target *t, const char *name,
    const struct target_service *s) must_use;
/* Windows refuses to stop a service that others which run need, with TARGET_DEPENDENTS_RUN, and
 * starts what a service needs before the service. */
struct err *target_service_control(struct target *t, const char *name, bool run,
    struct deadline by) must_use;
/* The services that are not stopped and need ${name}, themselves or through others, in no
 * order; ends with NULL, free with target_names_free.  A service that is not there is needed
 * by none.  TargetCannot when there are more than TARGET_DEPENDENTS_MAX. */
struct err *target_service_dependents(struct target *t, const char *name,
    char ***ret) must_use;
struct err *target_file_read(struct target *t, const char *path, void **ret, size_t *ret_len,
    bool *ret_found) must_use;
struct err *target_file_write(struct target *t, const char *path, const void *data,
    size_t len) must_use;
struct err *target_file_rename(struct target *t, const char *from, const char *to) must_use;
struct err *target_file_delete(struct target *t, const char *path) must_use;
struct err *target_file_list(struct target *t, const char *folder, char ***ret,
    bool *ret_found) must_use;
struct err *target_run(struct target *t, const char *const argv[], struct deadline by,
    uint32_t *ret_exit, char **ret_output) must_use;
struct err *target_load(struct target *t, const char *library, struct deadline by,
    struct target_load *ret) must_use;
/* ${ret_who} may be NULL; what it gets may be NULL and is the caller's. */
struct err *target_installer_busy(struct target *t, bool *ret_busy, char **ret_who) must_use;
struct err *target_boot_id(struct target *t, char **ret) must_use;
struct err *target_restart(struct target *t, struct deadline by) must_use;
struct err *target_package_version(struct target *t, const char *name, char **ret_version,
    bool *ret_found) must_use;
struct err *target_package_interrupted(struct target *t, bool *ret) must_use;
struct err *target_package_install(struct target *t, const char *what, struct deadline by,
    uint32_t *ret_exit, char **ret_output) must_use;
struct err *target_package_remove(struct target *t, const char *name, struct deadline by,
    uint32_t *ret_exit, char **ret_output) must_use;
struct err *target_package_configure(struct target *t, struct deadline by, uint32_t *ret_exit,
    char **ret_output) must_use;
struct err *target_unit_get(struct target *t, const char *unit, enum target_unit *ret,
    bool *ret_active) must_use;
struct err *target_unit_set(struct target *t, const char *unit, enum target_unit want) must_use;
struct err *target_unit_control(struct target *t, const char *unit, bool run,
    struct deadline by) must_use;
struct err *target_space_free(struct target *t, const char *path,
    uint64_t *ret_bytes) must_use;

/* Nanoseconds that only run forward; comparable with each other alone. */
int64_t target_now_ns(struct target *t);

/* Let ${ms} milliseconds pass; Interrupted when the process was asked to end. */
struct err *target_wait(struct target *t, int64_t ms) must_use;

/* Is there a file or folder of that name?  Asks the folder that it would be in. */
struct err *target_exists(struct target *t, const char *path, bool *ret_found) must_use;

/* ${path} with each ACTION_LATEST replaced by the name of the newest version beside it: the
 * names of folders that are versions (1.0.9120.0) and nothing else, compared number by number.
 * *ret_path is NULL when there is none; to be freed. */
struct err *target_latest(struct target *t, const char *path, char **ret_path) must_use;

/* -1, 0 or 1 as ${a} is older, equal or newer; numbers by value, a missing one is 0.  False
 * when one of them is no version. */
bool target_version_compare(const char *a, const char *b, int *ret);

/* Values as numbers and text.  A text is UTF-8 here; false when the value is of another type
 * or is not well-formed.  The makers give OutOfMemory or InputInvalid. */
bool target_value_number(const struct target_value *v, uint64_t *ret);
bool target_value_text(const struct target_value *v, char **ret);
struct err *target_value_of_number(uint32_t type, uint64_t n,
    struct target_value *ret) must_use;
struct err *target_value_of_text(uint32_t type, const char *s,
    struct target_value *ret) must_use;
bool target_value_equal(const struct target_value *a, const struct target_value *b);

void target_value_done(struct target_value *v);
void target_service_done(struct target_service *s);
void target_load_done(struct target_load *l);
void target_names_free(char **names);
void target_free(struct target *t); /* accepts NULL */
DEFINE_AUTO(target);

#endif
