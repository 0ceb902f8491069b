/* SPDX-License-Identifier: Apache-2.0 */
/* target_fault.c -- count, then fail or hand on.  A call that only reads has no effect that
 * could outlive its answer, so both kinds of failure are one there. */
#include <string.h>

#include "codes.h"
#include "target_fault.h"

struct fault {
    struct target t;
    struct target *inner;
    struct target_fault plan;
    uint64_t calls;
    bool cut;
};

static bool
strikes(const struct fault *f)
{
    return f->cut || (f->plan.call > 0 &&
        (f->calls == f->plan.call || (f->plan.onwards && f->calls > f->plan.call)));
}

static struct err *
lost(const struct fault *f)
{
    return fail(TargetRefused, f->t.name, "answer", EIO);
}

/* A call that reads. */
#define READS(expr) \
    do { \
        struct fault *f = (struct fault *)t; \
        f->calls++; \
        if (strikes(f)) \
            return lost(f); \
        TRY(expr); \
        return NULL; \
    } while (0)

/* A call that changes something; ${drop} frees what it handed out. */
#define CHANGES(expr, drop) \
    do { \
        struct fault *f = (struct fault *)t; \
        f->calls++; \
        bool now = strikes(f); \
        if (now && (f->cut || f->plan.kind == TARGET_FAULT_BEFORE)) \
            return lost(f); \
        TRY(expr); \
        if (now) { \
            drop; \
            return lost(f); \
        } \
        return NULL; \
    } while (0)

static struct err *
fault_reg_get(struct target *t, const char *key, const char *name, struct target_value *ret,
    bool *ret_found)
{
    READS(target_reg_get(f->inner, key, name, ret, ret_found));
}

static struct err *
fault_reg_set(struct target *t, const char *key, const char *name, const struct target_value *v)
{
    CHANGES(target_reg_set(f->inner, key, name, v), (void)0);
}

static struct err *
fault_reg_delete(struct target *t, const char *key, const char *name)
{
    CHANGES(target_reg_delete(f->inner, key, name), (void)0);
}

static struct err *
fault_reg_key(struct target *t, const char *key, bool *ret_found)
{
    READS(target_reg_key(f->inner, key, ret_found));
}

static struct err *
fault_reg_delete_key(struct target *t, const char *key)
{
    CHANGES(target_reg_delete_key(f->inner, key), (void)0);
}

static struct err *
fault_service_get(struct target *t, const char *name, struct target_service *ret,
    bool *ret_found)
{
    READS(target_service_get(f->inner, name, ret, ret_found));
}

static struct err *
fault_service_set_start(struct target *t, const char *name, uint32_t start)
{
    CHANGES(target_service_set_start(f->inner, name, start), (void)0);
}

static struct err *
fault_service_create(struct target *t, const char *name, const struct target_service *s)
{
    CHANGES(target_service_create(f->inner, name, s), (void)0);
}

static struct err *
fault_service_configure(struct target *t, const char *name, const struct target_service *s)
{
    CHANGES(target_service_configure(f->inner, name, s), (void)0);
}

static struct err *
fault_service_control(struct target *t, const char *name, bool run, struct deadline by)
{
    CHANGES(target_service_control(f->inner, name, run, by), (void)0);
}

static struct err *
fault_service_dependents(struct target *t, const char *name, char ***ret)
{
    READS(target_service_dependents(f->inner, name, ret));
}

static struct err *
fault_file_read(struct target *t, const char *path, void **ret, size_t *ret_len,
    bool *ret_found)
{
    READS(target_file_read(f->inner, path, ret, ret_len, ret_found));
}

static struct err *
fault_file_write(struct target *t, const char *path, const void *data, size_t len)
{
    CHANGES(target_file_write(f->inner, path, data, len), (void)0);
}

static struct err *
fault_file_rename(struct target *t, const char *from, const char *to)
{
    CHANGES(target_file_rename(f->inner, from, to), (void)0);
}

static struct err *
fault_file_delete(struct target *t, const char *path)
{
    CHANGES(target_file_delete(f->inner, path), (void)0);
}

static struct err *
fault_file_list(struct target *t, const char *folder, char ***ret, bool *ret_found)
{
    READS(target_file_list(f->inner, folder, ret, ret_found));
}

static struct err *
fault_space_free(struct target *t, const char *path, uint64_t *ret_bytes)
{
    READS(target_space_free(f->inner, path, ret_bytes));
}

/* What a program printed is lost with its answer. */
static void
drop_output(char **output)
{
    if (output == NULL)
        return;
    free(*output);
    *output = NULL;
}

static struct err *
fault_run(struct target *t, const char *const argv[], struct deadline by, uint32_t *ret_exit,
    char **ret_output)
{
    CHANGES(target_run(f->inner, argv, by, ret_exit, ret_output), drop_output(ret_output));
}

static struct err *
fault_load(struct target *t, const char *library, struct deadline by, struct target_load *ret)
{
    READS(target_load(f->inner, library, by, ret));
}

static struct err *
fault_installer_busy(struct target *t, bool *ret_busy, char **ret_who)
{
    READS(target_installer_busy(f->inner, ret_busy, ret_who));
}

static struct err *
fault_boot_id(struct target *t, char **ret)
{
    READS(target_boot_id(f->inner, ret));
}

static struct err *
fault_restart(struct target *t, struct deadline by)
{
    CHANGES(target_restart(f->inner, by), (void)0);
}

static struct err *
fault_package_version(struct target *t, const char *name, char **ret_version, bool *ret_found)
{
    READS(target_package_version(f->inner, name, ret_version, ret_found));
}

static struct err *
fault_package_interrupted(struct target *t, bool *ret)
{
    READS(target_package_interrupted(f->inner, ret));
}

static struct err *
fault_package_install(struct target *t, const char *what, struct deadline by,
    uint32_t *ret_exit, char **ret_output)
{
    CHANGES(target_package_install(f->inner, what, by, ret_exit, ret_output),
        drop_output(ret_output));
}

static struct err *
fault_package_remove(struct target *t, const char *name, struct deadline by,
    uint32_t *ret_exit, char **ret_output)
{
    CHANGES(target_package_remove(f->inner, name, by, ret_exit, ret_output),
        drop_output(ret_output));
}

static struct err *
fault_package_configure(struct target *t, struct deadline by, uint32_t *ret_exit,
    char **ret_output)
{
    CHANGES(target_package_configure(f->inner, by, ret_exit, ret_output),
        drop_output(ret_output));
}

static struct err *
fault_unit_get(struct target *t, const char *unit, enum target_unit *ret, bool *ret_active)
{
    READS(target_unit_get(f->inner, unit, ret, ret_active));
}

static struct err *
fault_unit_set(struct target *t, const char *unit, enum target_unit want)
{
    CHANGES(target_unit_set(f->inner, unit, want), (void)0);
}

static struct err *
fault_unit_control(struct target *t, const char *unit, bool run, struct deadline by)
{
    CHANGES(target_unit_control(f->inner, unit, run, by), (void)0);
}

static int64_t
fault_now_ns(struct target *t)
{
    return target_now_ns(((struct fault *)t)->inner);
}

static struct err *
fault_wait(struct target *t, int64_t ms)
{
    TRY(target_wait(((struct fault *)t)->inner, ms));
    return NULL;
}

static void
fault_free(struct target *t)
{
    free(t);
}

static const struct target_vtable fault_calls = {
    .reg_get = fault_reg_get,
    .reg_set = fault_reg_set,
    .reg_delete = fault_reg_delete,
    .reg_key = fault_reg_key,
    .reg_delete_key = fault_reg_delete_key,
    .service_get = fault_service_get,
    .service_set_start = fault_service_set_start,
    .service_create = fault_service_create,
    .service_configure = fault_service_configure,
    .service_control = fault_service_control,
    .service_dependents = fault_service_dependents,
    .file_read = fault_file_read,
    .file_write = fault_file_write,
    .file_rename = fault_file_rename,
    .file_delete = fault_file_delete,
    .file_list = fault_file_list,
    .space_free = fault_space_free,
    .run = fault_run,
    .load = fault_load,
    .installer_busy = fault_installer_busy,
    .boot_id = fault_boot_id,
    .restart = fault_restart,
    .package_version = fault_package_version,
    .package_interrupted = fault_package_interrupted,
    .package_install = fault_package_install,
    .package_remove = fault_package_remove,
    .package_configure = fault_package_configure,
    .unit_get = fault_unit_get,
    .unit_set = fault_unit_set,
    .unit_control = fault_unit_control,
    .now_ns = fault_now_ns,
    .wait = fault_wait,
    .free = fault_free,
};

struct err *
target_fault_new(struct target *inner, const struct target_fault *plan, struct target **ret)
{
    struct fault *f = calloc(1, sizeof(*f));

    if (f == NULL)
        return fail(OutOfMemory);
    auto_ptr(target) t = &f->t;
    TRY(target_init(t, &fault_calls, inner->name));
    t->os = inner->os;
    t->offline = inner->offline;
    t->bits64 = inner->bits64;
    t->can = inner->can;
    memcpy(t->cannot, inner->cannot, sizeof(t->cannot));
    f->inner = inner;
    f->plan = *plan;
    *ret = take(t);
    return NULL;
}

uint64_t
target_fault_calls(const struct target *t)
{
    return ((const struct fault *)t)->calls;
}

void
target_fault_cut(struct target *t)
{
    ((struct fault *)t)->cut = true;
}
