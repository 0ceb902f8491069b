/* SPDX-License-Identifier: Apache-2.0 */
/* target.c -- refuse names that no machine should see, then hand over to the body.
 *
 * Names come from articles, from foreign prose and from journals.  Each kind has its limits
 * here, once, so that no body has to think of a NUL, a newline or a path that climbs out of
 * its tree.  What a body cannot do is told by the absence of its function or of its bit. */
#include <string.h>
#include <time.h>

#include "codes.h"
#include "stop.h"
#include "target.h"

enum { WAIT_STEP_MS = 200 };

struct err *
target_init(struct target *t, const struct target_vtable *call, const char *name)
{
    t->call = call;
    t->name = strdup(name);
    return t->name == NULL ? fail(OutOfMemory) : NULL;
}

static struct err *
cannot(const struct target *t, const char *what)
{
    return fail(TargetCannot, t->name, what);
}

static struct err *
bad_name(const char *kind, const char *why)
{
    return fail(InputInvalid, kind, why);
}

/* One line of at most ${most} bytes, not empty unless ${empty}. */
static struct err *
check_name(const char *kind, const char *s, size_t most, bool empty)
{
    size_t len = s == NULL ? 0 : strnlen(s, most + 1);

    if (s == NULL || (len == 0 && !empty))
        return bad_name(kind, "it is empty");
    if (len > most)
        return bad_name(kind, "it is too long");
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
            return bad_name(kind, "it holds a control character");
    return NULL;
}

/* A component ".." would leave the tree that the target stands for. */
static struct err *
check_path(const struct target *t, const char *path)
{
    TRY(check_name("the path of a file", path, ACTION_VALUE_MAX, false));
    const char *ends = t->os == ACTION_WINDOWS ? "\\/" : "/";

    for (const char *s = path; *s != '\0';) {
        size_t n = strcspn(s, ends);

        if (n == 2 && s[0] == '.' && s[1] == '.')
            return bad_name("the path of a file", "it climbs by \"..\"");
        s += n;
        s += strspn(s, ends);
    }
    if (t->os == ACTION_LINUX && path[0] != '/')
        return bad_name("the path of a file", "it does not begin at the root");
    return NULL;
}

static struct err *
check_key(const char *key)
{
    TRY(check_name("a registry key", key, ACTION_VALUE_MAX, false));
    if (strncasecmp(key, "HKLM\\", 5) != 0 || key[5] == '\0' || key[5] == '\\' ||
        key[strlen(key) - 1] == '\\' || strstr(key, "\\\\") != NULL)
        return bad_name("a registry key", "it is not of the form HKLM\\...");
    return NULL;
}

static struct err *
check_service(const char *name)
{
    TRY(check_name("the name of a service", name, TARGET_NAME_MAX, false));
    if (strpbrk(name, "\\/\"") != NULL)
        return bad_name("the name of a service", "it holds a slash or a quote");
    return NULL;
}

/* Packages, units and libraries: what could be an option or a path is refused. */
static struct err *
check_word(const char *kind, const char *name)
{
    TRY(check_name(kind, name, TARGET_NAME_MAX, false));
    if (name[0] == '-' || strpbrk(name, " /\\\"'`$;&|<>*?") != NULL)
        return bad_name(kind, "it holds what no such name holds");
    return NULL;
}

#define NEED(t, bit, fn, what) \
    do { \
        if (((t)->can & (bit)) == 0 || (t)->call->fn == NULL) \
            return cannot((t), (what)); \
    } while (0)

/* ---- registry ---- */

struct err *
target_reg_get(struct target *t, const char *key, const char *name, struct target_value *ret,
    bool *ret_found)
{
    NEED(t, TARGET_REGISTRY, reg_get, "read the registry");
    TRY(check_key(key));
    TRY(check_name("the name of a registry value", name, TARGET_NAME_MAX, true));
    TRY(t->call->reg_get(t, key, name, ret, ret_found));
    return NULL;
}

struct err *
target_reg_set(struct target *t, const char *key, const char *name,
    const struct target_value *v)
{
    NEED(t, TARGET_REGISTRY, reg_set, "write the registry");
    TRY(check_key(key));
    TRY(check_name("the name of a registry value", name, TARGET_NAME_MAX, true));
    if (v->len > TARGET_VALUE_MAX)
        return bad_name("a registry value", "it is too long");
    TRY(t->call->reg_set(t, key, name, v));
    return NULL;
}

struct err *
target_reg_delete(struct target *t, const char *key, const char *name)
{
    NEED(t, TARGET_REGISTRY, reg_delete, "delete a registry value");
    TRY(check_key(key));
    TRY(check_name("the name of a registry value", name, TARGET_NAME_MAX, true));
    TRY(t->call->reg_delete(t, key, name));
    return NULL;
}

struct err *
target_reg_key(struct target *t, const char *key, bool *ret_found)
{
    NEED(t, TARGET_REGISTRY, reg_key, "read the registry");
    TRY(check_key(key));
    TRY(t->call->reg_key(t, key, ret_found));
    return NULL;
}

struct err *
target_reg_delete_key(struct target *t, const char *key)
{
    NEED(t, TARGET_REGISTRY, reg_delete_key, "delete a registry key");
    TRY(check_key(key));
    TRY(t->call->reg_delete_key(t, key));
    return NULL;
}

/* ---- services ---- */

struct err *
target_service_get(struct target *t, const char *name, struct target_service *ret,
    bool *ret_found)
{
    NEED(t, TARGET_SERVICES, service_get, "ask the service manager");
    TRY(check_service(name));
    TRY(t->call->service_get(t, name, ret, ret_found));
    return NULL;
}

struct err *
target_service_set_start(struct target *t, const char *name, uint32_t start)
{
    NEED(t, TARGET_SERVICES, service_set_start, "change the start type of a service");
    TRY(check_service(name));
    if (start > 4)
        return bad_name("the start type of a service", "it is none of 0 to 4");
    TRY(t->call->service_set_start(t, name, start));
    return NULL;
}

struct err *
target_service_create(struct target *t, const char *name, const struct target_service *s)
{
    NEED(t, TARGET_SERVICES, service_create, "create a service");
    TRY(check_service(name));
    TRY(check_name("the program of a service", s->image, ACTION_VALUE_MAX, false));
    TRY(t->call->service_create(t, name, s));
    return NULL;
}

struct err *
target_service_configure(struct target *t, const char *name, const struct target_service *s)
{
    NEED(t, TARGET_SERVICES, service_configure, "change a service");
    TRY(check_service(name));
    TRY(check_name("the program of a service", s->image, ACTION_VALUE_MAX, false));
    TRY(t->call->service_configure(t, name, s));
    return NULL;
}

struct err *
target_service_control(struct target *t, const char *name, bool run, struct deadline by)
{
    NEED(t, TARGET_SERVICES, service_control, "start or stop a service");
    TRY(check_service(name));
    TRY(t->call->service_control(t, name, run, by));
    return NULL;
}

static struct err *
check_dependents(const struct target *t, char *const all[])
{
    size_t n = 0;

    while (all[n] != NULL)
        TRY(check_service(all[n++]));
    _Static_assert(TARGET_DEPENDENTS_MAX == 32, "the words say so");
    return n <= TARGET_DEPENDENTS_MAX ? NULL
        : cannot(t, "stop a service that more than 32 running ones need");
}

struct err *
target_service_dependents(struct target *t, const char *name, char ***ret)
{
    char **all = NULL;

    NEED(t, TARGET_SERVICES, service_dependents, "tell which services need another");
    TRY(check_service(name));
    TRY(t->call->service_dependents(t, name, &all));
    if (all == NULL) {
        all = calloc(1, sizeof(*all));
        if (all == NULL)
            return fail(OutOfMemory);
    }
    struct err *e = check_dependents(t, all);

    if (e != NULL)
        target_names_free(all);
    else
        *ret = all;
    return e;
}

/* ---- files ---- */

struct err *
target_file_read(struct target *t, const char *path, void **ret, size_t *ret_len,
    bool *ret_found)
{
    NEED(t, TARGET_FILES, file_read, "read files");
    TRY(check_path(t, path));
    TRY(t->call->file_read(t, path, ret, ret_len, ret_found));
    return NULL;
}

struct err *
target_file_write(struct target *t, const char *path, const void *data, size_t len)
{
    NEED(t, TARGET_FILES, file_write, "write files");
    TRY(check_path(t, path));
    if (len > TARGET_FILE_MAX)
        return bad_name("a file", "it is too long");
    TRY(t->call->file_write(t, path, data, len));
    return NULL;
}

struct err *
target_file_rename(struct target *t, const char *from, const char *to)
{
    NEED(t, TARGET_FILES, file_rename, "rename files");
    TRY(check_path(t, from));
    TRY(check_path(t, to));
    TRY(t->call->file_rename(t, from, to));
    return NULL;
}

struct err *
target_file_delete(struct target *t, const char *path)
{
    NEED(t, TARGET_FILES, file_delete, "delete files");
    TRY(check_path(t, path));
    TRY(t->call->file_delete(t, path));
    return NULL;
}

struct err *
target_file_list(struct target *t, const char *folder, char ***ret, bool *ret_found)
{
    NEED(t, TARGET_FILES, file_list, "list folders");
    TRY(check_path(t, folder));
    TRY(t->call->file_list(t, folder, ret, ret_found));
    return NULL;
}

struct err *
target_space_free(struct target *t, const char *path, uint64_t *ret_bytes)
{
    NEED(t, TARGET_FILES, space_free, "tell the free space");
    TRY(check_path(t, path));
    TRY(t->call->space_free(t, path, ret_bytes));
    return NULL;
}

/* ---- programs, libraries, the machine ---- */

struct err *
target_run(struct target *t, const char *const argv[], struct deadline by, uint32_t *ret_exit,
    char **ret_output)
{
    NEED(t, TARGET_PROGRAMS, run, "run programs");
    TRY(check_path(t, argv[0]));
    for (size_t i = 1; argv[i] != NULL; i++)
        TRY(check_name("an argument of a program", argv[i], ACTION_VALUE_MAX, true));
    TRY(t->call->run(t, argv, by, ret_exit, ret_output));
    return NULL;
}

struct err *
target_load(struct target *t, const char *library, struct deadline by, struct target_load *ret)
{
    NEED(t, TARGET_LIBRARIES, load, "load a library");
    if (strpbrk(library, "\\/") != NULL)
        TRY(check_path(t, library));
    else
        TRY(check_word("the name of a library", library));
    TRY(t->call->load(t, library, by, ret));
    return NULL;
}

struct err *
target_installer_busy(struct target *t, bool *ret_busy, char **ret_who)
{
    char *who = NULL;

    if (t->call->installer_busy == NULL)
        return cannot(t, "tell whether an installation is under way");
    TRY(t->call->installer_busy(t, ret_busy, &who));
    if (ret_who != NULL)
        *ret_who = who;
    else
        free(who);
    return NULL;
}

struct err *
target_boot_id(struct target *t, char **ret)
{
    if (t->call->boot_id == NULL)
        return cannot(t, "tell one start of the machine from the next");
    TRY(t->call->boot_id(t, ret));
    return NULL;
}

struct err *
target_restart(struct target *t, struct deadline by)
{
    NEED(t, TARGET_RESTART, restart, "restart the machine");
    TRY(t->call->restart(t, by));
    return NULL;
}

/* ---- packages ---- */

struct err *
target_package_version(struct target *t, const char *name, char **ret_version, bool *ret_found)
{
    NEED(t, TARGET_PACKAGES, package_version, "ask the package manager");
    TRY(check_word("the name of a package", name));
    TRY(t->call->package_version(t, name, ret_version, ret_found));
    return NULL;
}

struct err *
target_package_interrupted(struct target *t, bool *ret)
{
    NEED(t, TARGET_PACKAGES, package_interrupted, "ask the package manager");
    TRY(t->call->package_interrupted(t, ret));
    return NULL;
}

struct err *
target_package_install(struct target *t, const char *what, struct deadline by,
    uint32_t *ret_exit, char **ret_output)
{
    NEED(t, TARGET_PACKAGES, package_install, "install packages");
    if (what[0] == '/')
        TRY(check_path(t, what));
    else
        TRY(check_word("the name of a package", what));
    TRY(t->call->package_install(t, what, by, ret_exit, ret_output));
    return NULL;
}

struct err *
target_package_remove(struct target *t, const char *name, struct deadline by,
    uint32_t *ret_exit, char **ret_output)
{
    NEED(t, TARGET_PACKAGES, package_remove, "remove packages");
    TRY(check_word("the name of a package", name));
    TRY(t->call->package_remove(t, name, by, ret_exit, ret_output));
    return NULL;
}

struct err *
target_package_configure(struct target *t, struct deadline by, uint32_t *ret_exit,
    char **ret_output)
{
    NEED(t, TARGET_PACKAGES, package_configure, "finish interrupted installations");
    TRY(t->call->package_configure(t, by, ret_exit, ret_output));
    return NULL;
}

/* ---- units ---- */

struct err *
target_unit_get(struct target *t, const char *unit, enum target_unit *ret, bool *ret_active)
{
    NEED(t, TARGET_UNITS, unit_get, "ask systemd");
    TRY(check_word("the name of a unit", unit));
    TRY(t->call->unit_get(t, unit, ret, ret_active));
    return NULL;
}

struct err *
target_unit_set(struct target *t, const char *unit, enum target_unit want)
{
    NEED(t, TARGET_UNITS, unit_set, "enable or unmask units");
    TRY(check_word("the name of a unit", unit));
    if (want == UNIT_MISSING || want == UNIT_STATIC)
        return bad_name("the state of a unit", "no unit can be made that");
    TRY(t->call->unit_set(t, unit, want));
    return NULL;
}

struct err *
target_unit_control(struct target *t, const char *unit, bool run, struct deadline by)
{
    NEED(t, TARGET_UNITS, unit_control, "start or stop units");
    TRY(check_word("the name of a unit", unit));
    TRY(t->call->unit_control(t, unit, run, by));
    return NULL;
}

/* ---- time ---- */

int64_t
target_now_ns(struct target *t)
{
    return t->call->now_ns != NULL ? t->call->now_ns(t) : clock_mono_ns();
}

struct err *
target_wait(struct target *t, int64_t ms)
{
    struct deadline by = deadline_in_ms(ms);

    if (t->call->wait != NULL)
        return t->call->wait(t, ms);
    while (!deadline_passed(by)) {
        int left = deadline_poll_ms(by), step = left < WAIT_STEP_MS ? left : WAIT_STEP_MS;
        struct timespec nap = { .tv_nsec = step * INT32_C(1000000) };

        (void)nanosleep(&nap, NULL);
        TRY(stop_check());
    }
    return NULL;
}

void
target_free(struct target *t)
{
    if (t == NULL)
        return;
    free(t->name);
    free(t->identity);
    t->name = t->identity = NULL;
    t->call->free(t);
}
