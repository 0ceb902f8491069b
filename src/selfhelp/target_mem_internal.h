/* SPDX-License-Identifier: Apache-2.0 */
/* target_mem_internal.h -- the state of the model machine, shared by its parts. */
#ifndef TARGET_MEM_INTERNAL_H
#define TARGET_MEM_INTERNAL_H

#include "target_mem.h"

enum { MEM_MAX = 256, /* of each kind of thing; enough for any test */
    MEM_WRITERS_MAX = 8 };

struct mem_value {
    char *key, *name; /* name NULL: the key itself */
    struct target_value v;
};

struct mem_service {
    char *name;
    struct target_service s;
    bool held;
    uint32_t no_start, no_stop; /* what it refuses with; 0: it does not */
};

struct mem_need {
    char *service, *needs;
};

struct mem_file {
    char *path;
    char *data;
    size_t len;
    bool later; /* appears with the next restart */
};

struct mem_import {
    char *library, *needs;
};

struct mem_broken {
    char *library;
    uint32_t error;
};

struct mem_package {
    char *name, *version, *puts;
    bool installed, offered;
    char *offer; /* version that the sources have */
};

struct mem_unit {
    char *name;
    enum target_unit state;
    bool active;
};

struct mem_writer {
    const char *name, *service;
    unsigned state; /* as vssadmin shows it */
    bool stays;     /* whatever its service does */
};

enum mem_vss { MEM_VSS_ANSWERS, MEM_VSS_HANGS, MEM_VSS_STUCK };

struct mem {
    struct target t;
    struct mem_value values[MEM_MAX];
    size_t nvalues;
    struct mem_service services[MEM_MAX];
    size_t nservices;
    struct mem_need needs[MEM_MAX];
    size_t nneeds;
    const char *starts, *when_stopped; /* services; borrowed */
    unsigned starts_times;
    struct mem_file files[MEM_MAX];
    size_t nfiles;
    struct mem_import imports[MEM_MAX];
    size_t nimports;
    struct mem_broken broken[MEM_MAX];
    size_t nbroken;
    struct mem_program { /* a bundled installer and how often its script was asked */
        struct mem_installer is;
        size_t at;
    } installers[MEM_INSTALLERS_MAX];
    size_t ninstallers;
    struct mem_printer {
        const char *path, *output;
        uint32_t exit;
    } printers[MEM_INSTALLERS_MAX];
    size_t nprinters;
    struct mem_writer writers[MEM_WRITERS_MAX];
    size_t nwriters;
    enum mem_vss vss;
    unsigned installs;
    uint32_t refuse;
    const char *always_held; /* the name of a service; borrowed */
    bool hides_marks;
    bool msi_broken, want_restart;
    int64_t busy_until_ns;
    int64_t ahead_ns; /* of the real clock */
    enum mem_restart restart_how;
    unsigned restarts, boot;
    struct mem_package packages[MEM_MAX];
    size_t npackages;
    bool interrupted;
    uint32_t package_script[MEM_SCRIPT_MAX];
    size_t npackage_script, package_at;
    char *package_unit;
    struct mem_unit units[MEM_MAX];
    size_t nunits;
};

/* Never NULL. */
char *mem_copy(const char *s);
bool mem_same(const struct mem *m, const char *a, const char *b);

struct mem_value *mem_value_find(struct mem *m, const char *key, const char *name);
void mem_value_remove(struct mem *m, struct mem_value *v);
struct err *mem_reg_get(struct target *t, const char *key, const char *name,
    struct target_value *ret, bool *ret_found);
struct err *mem_reg_set(struct target *t, const char *key, const char *name,
    const struct target_value *v);
struct err *mem_reg_delete(struct target *t, const char *key, const char *name);
struct err *mem_reg_key(struct target *t, const char *key, bool *ret_found);
struct err *mem_reg_delete_key(struct target *t, const char *key);
void mem_key_drop(struct mem *m, const char *key); /* with all values */

struct mem_service *mem_service_find(struct mem *m, const char *name);
/* What /unregister does: gone, or marked while it is held. */
void mem_service_drop(struct mem *m, const char *name);
struct err *mem_service_get(struct target *t, const char *name, struct target_service *ret,
    bool *ret_found);
struct err *mem_service_set_start(struct target *t, const char *name, uint32_t start);
struct err *mem_service_configure(struct target *t, const char *name,
    const struct target_service *s);
struct err *mem_service_create(struct target *t, const char *name,
    const struct target_service *s);
struct err *mem_service_control(struct target *t, const char *name, bool run,
    struct deadline by);
struct err *mem_service_dependents(struct target *t, const char *name, char ***ret);
/* What it needs itself; ends with NULL, to be freed. */
char **mem_service_needs(const struct mem *m, const char *name);
/* As when the machine starts: those that start with it run, and what they need. */
void mem_services_begin(struct mem *m);
/* The service manager reads the registry, as it does when the machine starts. */
void mem_services_load(struct mem *m);

struct mem_file *mem_file_find(struct mem *m, const char *path);
struct err *mem_file_read(struct target *t, const char *path, void **ret, size_t *ret_len,
    bool *ret_found);
struct err *mem_file_write(struct target *t, const char *path, const void *data, size_t len);
struct err *mem_file_rename(struct target *t, const char *from, const char *to);
struct err *mem_file_delete(struct target *t, const char *path);
struct err *mem_file_list(struct target *t, const char *folder, char ***ret, bool *ret_found);
void mem_file_put(struct mem *m, const char *path, const char *data, size_t len, bool later);

struct err *mem_run(struct target *t, const char *const argv[], struct deadline by,
    uint32_t *ret_exit, char **ret_output);
struct err *mem_load(struct target *t, const char *library, struct deadline by,
    struct target_load *ret);
struct err *mem_restart_now(struct target *t, struct deadline by);
int64_t mem_now_ns(struct target *t);
/* Pass the time up to ${by} and give DeadlinePassed. */
struct err *mem_hang(struct mem *m, struct deadline by);

/* What the start or stop of a service is for snapshots. */
struct err *mem_vss_control(struct mem *m, const char *service, bool run, struct deadline by);
void mem_vss_restart(struct mem *m); /* of the machine */
struct err *mem_vssadmin(struct mem *m, const char *const argv[], struct deadline by,
    uint32_t *ret_exit, char **ret_output);

struct err *mem_package_version(struct target *t, const char *name, char **ret_version,
    bool *ret_found);
struct err *mem_package_interrupted(struct target *t, bool *ret);
struct err *mem_package_install(struct target *t, const char *what, struct deadline by,
    uint32_t *ret_exit, char **ret_output);
struct err *mem_package_remove(struct target *t, const char *name, struct deadline by,
    uint32_t *ret_exit, char **ret_output);
struct err *mem_package_configure(struct target *t, struct deadline by, uint32_t *ret_exit,
    char **ret_output);
struct err *mem_unit_get(struct target *t, const char *unit, enum target_unit *ret,
    bool *ret_active);
struct err *mem_unit_set(struct target *t, const char *unit, enum target_unit want);
struct err *mem_unit_control(struct target *t, const char *unit, bool run, struct deadline by);

#endif
