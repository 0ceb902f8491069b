/* SPDX-License-Identifier: Apache-2.0 */
/* machine_win32.h -- shared by the parts of the machine on Windows. */
#ifndef MACHINE_WIN32_H
#define MACHINE_WIN32_H

#include "machine.h"

struct machine {
    struct target t;
    char *host; /* firn-plugin-host; NULL: it is not there */
};

/* TargetRefused with Windows' number. */
struct err *machine_refused(const struct target *t, const char *what, unsigned long number)
    must_use;

/* ${e} of os.h or run.h as TargetRefused with the number that it has; what is no refusal (want
 * of memory, a name that cannot be) stays what it is.  Takes ${e}; NULL stays NULL. */
struct err *machine_refused_by(const struct target *t, const char *what,
    struct err *e) must_use;

/* machine_registry_win32.c */
struct err *machine_reg_get(struct target *t, const char *key, const char *name,
    struct target_value *ret, bool *ret_found);
struct err *machine_reg_set(struct target *t, const char *key, const char *name,
    const struct target_value *v);
struct err *machine_reg_delete(struct target *t, const char *key, const char *name);
struct err *machine_reg_key(struct target *t, const char *key, bool *ret_found);
struct err *machine_reg_delete_key(struct target *t, const char *key);

/* machine_services_win32.c */
struct err *machine_service_get(struct target *t, const char *name, struct target_service *ret,
    bool *ret_found);
struct err *machine_service_set_start(struct target *t, const char *name, uint32_t start);
struct err *machine_service_create(struct target *t, const char *name,
    const struct target_service *s);
struct err *machine_service_configure(struct target *t, const char *name,
    const struct target_service *s);
struct err *machine_service_control(struct target *t, const char *name, bool run,
    struct deadline by);

/* machine_dependents_win32.c */
struct err *machine_service_dependents(struct target *t, const char *name, char ***ret);

/* machine_files_win32.c */
struct err *machine_file_read(struct target *t, const char *path, void **ret, size_t *ret_len,
    bool *ret_found);
struct err *machine_file_write(struct target *t, const char *path, const void *data,
    size_t len);
struct err *machine_file_rename(struct target *t, const char *from, const char *to);
struct err *machine_file_delete(struct target *t, const char *path);
struct err *machine_file_list(struct target *t, const char *folder, char ***ret,
    bool *ret_found);
struct err *machine_space(struct target *t, const char *path, uint64_t *ret_bytes);

/* auto_service h = NULL; is closed at the end of its scope.  What GetLastError says stays.
 * (SC_HANDLE is a pointer to this structure.) */
struct SC_HANDLE__;
void machine_close_service(struct SC_HANDLE__ **h);
#define auto_service __attribute__((cleanup(machine_close_service))) SC_HANDLE

#endif
