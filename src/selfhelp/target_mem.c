/* SPDX-License-Identifier: Apache-2.0 */
/* target_mem.c -- the model's life, clock, files and description; its registry and services
 * are in target_mem_windows.c, its packages and units in target_mem_linux.c, and what runs
 * in target_mem_run.c.
 *
 * Everything is a small array that is searched from end to end: a model has tens of things
 * in it, and the tests make thousands of models. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "codes.h"
#include "target_mem_internal.h"
#include "text.h"

char *
mem_copy(const char *s)
{
    char *copy = strdup(s == NULL ? "" : s);

    assert(copy != NULL);
    return copy;
}

/* Windows does not tell letters apart by case, Linux does. */
bool
mem_same(const struct mem *m, const char *a, const char *b)
{
    return m->t.os == ACTION_WINDOWS ? strcasecmp(a, b) == 0 : strcmp(a, b) == 0;
}

/* ---- files ---- */

static struct mem_file *
find_file(struct mem *m, const char *path, bool later)
{
    for (size_t i = 0; i < m->nfiles; i++)
        if (m->files[i].later == later && mem_same(m, m->files[i].path, path))
            return &m->files[i];
    return NULL;
}

struct mem_file *
mem_file_find(struct mem *m, const char *path)
{
    return find_file(m, path, false);
}

void
mem_file_put(struct mem *m, const char *path, const char *data, size_t len, bool later)
{
    struct mem_file *f = find_file(m, path, later);

    if (f == NULL) {
        assert(m->nfiles < MEM_MAX);
        f = &m->files[m->nfiles++];
        *f = (struct mem_file){ .path = mem_copy(path), .later = later };
    }
    free(f->data);
    f->data = malloc(len + 1);
    assert(f->data != NULL);
    if (len > 0)
        memcpy(f->data, data, len);
    f->data[len] = '\0';
    f->len = len;
}

void
target_mem_put(struct target *t, const char *path, const char *data)
{
    mem_file_put((struct mem *)t, path, data, strlen(data), false);
}

struct err *
mem_file_read(struct target *t, const char *path, void **ret, size_t *ret_len, bool *ret_found)
{
    const struct mem_file *f = mem_file_find((struct mem *)t, path);

    *ret_found = f != NULL;
    if (f == NULL)
        return NULL;
    *ret = malloc(f->len + 1);
    if (*ret == NULL)
        return fail(OutOfMemory);
    memcpy(*ret, f->data, f->len + 1);
    *ret_len = f->len;
    return NULL;
}

struct err *
mem_file_write(struct target *t, const char *path, const void *data, size_t len)
{
    mem_file_put((struct mem *)t, path, data, len, false);
    return NULL;
}

struct err *
mem_file_rename(struct target *t, const char *from, const char *to)
{
    struct mem *m = (struct mem *)t;
    struct mem_file *f = mem_file_find(m, from);

    if (f == NULL || mem_file_find(m, to) != NULL)
        return fail(TargetRefused, t->name, "rename a file", f == NULL ? 2 : 183);
    free(f->path);
    f->path = mem_copy(to);
    return NULL;
}

static void
remove_file(struct mem *m, struct mem_file *f)
{
    free(f->path);
    free(f->data);
    *f = m->files[--m->nfiles];
}

struct err *
mem_file_delete(struct target *t, const char *path)
{
    struct mem *m = (struct mem *)t;
    struct mem_file *f = mem_file_find(m, path);

    if (f != NULL)
        remove_file(m, f);
    return NULL;
}

/* Folders exist by the files below them. */
struct err *
mem_file_list(struct target *t, const char *folder, char ***ret, bool *ret_found)
{
    struct mem *m = (struct mem *)t;
    char slash = t->os == ACTION_WINDOWS ? '\\' : '/';
    size_t len = strlen(folder), n = 0;
    char **names = calloc(m->nfiles + 1, sizeof(*names));

    if (names == NULL)
        return fail(OutOfMemory);
    while (len > 0 && folder[len - 1] == slash)
        len--;
    for (size_t i = 0; i < m->nfiles; i++) {
        const char *path = m->files[i].path;
        bool below = t->os == ACTION_WINDOWS ? strncasecmp(path, folder, len) == 0
                                             : strncmp(path, folder, len) == 0;

        if (m->files[i].later || !below || path[len] != slash)
            continue;
        path += len + 1;
        char *name = strndup(path, (size_t)(strchrnul(path, slash) - path));
        bool twice = false;

        assert(name != NULL);
        for (size_t k = 0; k < n; k++)
            twice |= strcmp(names[k], name) == 0;
        if (twice)
            free(name);
        else
            names[n++] = name;
    }
    *ret_found = n > 0;
    if (n > 0)
        *ret = names;
    else
        free(names);
    return NULL;
}

static struct err *
mem_space(struct target *t, const char *path, uint64_t *ret_bytes)
{
    (void)t;
    (void)path;
    *ret_bytes = UINT64_C(1) << 40;
    return NULL;
}

/* ---- time ---- */

int64_t
mem_now_ns(struct target *t)
{
    return clock_mono_ns() + ((struct mem *)t)->ahead_ns;
}

static struct err *
mem_wait(struct target *t, int64_t ms)
{
    ((struct mem *)t)->ahead_ns += ms * CLOCK_MS;
    return NULL;
}

struct err *
mem_hang(struct mem *m, struct deadline by)
{
    int64_t left = by.at_ns - clock_mono_ns();

    assert(by.at_ns != INT64_MAX);
    m->ahead_ns += left > 0 ? left : 0;
    return fail(DeadlinePassed, "a program on the model machine");
}

static struct err *
mem_boot_id(struct target *t, char **ret)
{
    if (asprintf(ret, "boot-%u", ((struct mem *)t)->boot) < 0)
        return fail(OutOfMemory);
    return NULL;
}

void
target_mem_restart_is(struct target *t, enum mem_restart how)
{
    ((struct mem *)t)->restart_how = how;
}

unsigned
target_mem_restarts(struct target *t)
{
    return ((struct mem *)t)->restarts;
}

struct err *
mem_restart_now(struct target *t, struct deadline by)
{
    struct mem *m = (struct mem *)t;

    m->restarts++;
    if (m->restart_how == MEM_RESTART_NEVER_BACK)
        return mem_hang(m, by);
    m->ahead_ns += 60 * CLOCK_S;
    if (m->restart_how == MEM_RESTART_SAME_BOOT)
        return mem_hang(m, by);
    m->boot++;
    m->busy_until_ns = 0;
    m->want_restart = false;
    for (size_t i = 0; i < m->nfiles; i++)
        if (m->files[i].later) {
            struct mem_file *f = &m->files[i];
            struct mem_file *old = mem_file_find(m, f->path);

            f->later = false;
            if (old != NULL) {
                remove_file(m, old);
                i = (size_t)-1; /* the array has moved */
            }
        }
    mem_key_drop(m, "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\"
                    "Component Based Servicing\\RebootPending");
    mem_vss_restart(m);
    mem_services_load(m);
    return NULL;
}

/* ---- description ---- */

static int
by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *
line_of_value(const struct mem_value *v)
{
    struct text t = { 0 };

    text_fmt(&t, "reg %s", v->key);
    if (v->name != NULL) {
        text_fmt(&t, " %s %u", v->name, v->v.type);
        for (size_t i = 0; i < v->v.len; i++)
            text_fmt(&t, " %02x", v->v.data[i]);
    }
    assert(!t.no_memory);
    return t.s;
}

static char *
line(const char *format, ...)
{
    char *s;
    va_list args;

    va_start(args, format);
    int n = vasprintf(&s, format, args);
    va_end(args);
    assert(n >= 0);
    return s;
}

char *
target_mem_dump(struct target *t)
{
    struct mem *m = (struct mem *)t;
    char *lines[6 * MEM_MAX];
    size_t n = 0;
    struct text all = { 0 };

    for (size_t i = 0; i < m->nvalues; i++)
        lines[n++] = line_of_value(&m->values[i]);
    for (size_t i = 0; i < m->nservices; i++) {
        const struct mem_service *s = &m->services[i];

        lines[n++] = line("service %s start %u type %u image %s account %s state %d%s",
            s->name, s->s.start, s->s.type, s->s.image, s->s.account, s->s.state,
            s->s.marked ? " marked" : "");
    }
    for (size_t i = 0; i < m->nfiles; i++)
        lines[n++] = line("file %s %zu %s%s", m->files[i].path, m->files[i].len,
            m->files[i].data, m->files[i].later ? " later" : "");
    for (size_t i = 0; i < m->npackages; i++)
        if (m->packages[i].installed)
            lines[n++] = line("package %s %s", m->packages[i].name, m->packages[i].version);
    for (size_t i = 0; i < m->nunits; i++)
        lines[n++] = line("unit %s %d %d", m->units[i].name, m->units[i].state,
            m->units[i].active);
    lines[n++] = line("interrupted %d msi broken %d", m->interrupted, m->msi_broken);
    qsort(lines, n, sizeof(lines[0]), by_text);
    for (size_t i = 0; i < n; i++) {
        text_fmt(&all, "%s\n", lines[i]);
        free(lines[i]);
    }
    assert(!all.no_memory);
    return all.s;
}

/* ---- life ---- */

static void
mem_free(struct target *t)
{
    struct mem *m = (struct mem *)t;

    while (m->nvalues > 0)
        mem_value_remove(m, &m->values[0]);
    for (size_t i = 0; i < m->nservices; i++) {
        free(m->services[i].name);
        target_service_done(&m->services[i].s);
    }
    for (size_t i = 0; i < m->nneeds; i++) {
        free(m->needs[i].service);
        free(m->needs[i].needs);
    }
    while (m->nfiles > 0)
        remove_file(m, &m->files[0]);
    for (size_t i = 0; i < m->nimports; i++) {
        free(m->imports[i].library);
        free(m->imports[i].needs);
    }
    for (size_t i = 0; i < m->nbroken; i++)
        free(m->broken[i].library);
    for (size_t i = 0; i < m->npackages; i++) {
        free(m->packages[i].name);
        free(m->packages[i].version);
        free(m->packages[i].puts);
        free(m->packages[i].offer);
    }
    for (size_t i = 0; i < m->nunits; i++)
        free(m->units[i].name);
    free(m->package_unit);
    free(m);
}

static struct err *
mem_busy(struct target *t, bool *ret_busy, char **ret_who)
{
    *ret_busy = mem_now_ns(t) < ((struct mem *)t)->busy_until_ns;
    if (*ret_busy && ret_who != NULL)
        *ret_who = mem_copy("another installation");
    return NULL;
}

void
target_mem_busy_ms(struct target *t, int64_t ms)
{
    ((struct mem *)t)->busy_until_ns = mem_now_ns(t) + ms * CLOCK_MS;
}

static const struct target_vtable mem_calls = {
    .reg_get = mem_reg_get,
    .reg_set = mem_reg_set,
    .reg_delete = mem_reg_delete,
    .reg_key = mem_reg_key,
    .reg_delete_key = mem_reg_delete_key,
    .service_get = mem_service_get,
    .service_set_start = mem_service_set_start,
    .service_create = mem_service_create,
    .service_configure = mem_service_configure,
    .service_control = mem_service_control,
    .service_dependents = mem_service_dependents,
    .file_read = mem_file_read,
    .file_write = mem_file_write,
    .file_rename = mem_file_rename,
    .file_delete = mem_file_delete,
    .file_list = mem_file_list,
    .run = mem_run,
    .load = mem_load,
    .installer_busy = mem_busy,
    .boot_id = mem_boot_id,
    .restart = mem_restart_now,
    .package_version = mem_package_version,
    .package_interrupted = mem_package_interrupted,
    .package_install = mem_package_install,
    .package_remove = mem_package_remove,
    .package_configure = mem_package_configure,
    .unit_get = mem_unit_get,
    .unit_set = mem_unit_set,
    .unit_control = mem_unit_control,
    .space_free = mem_space,
    .now_ns = mem_now_ns,
    .wait = mem_wait,
    .free = mem_free,
};

struct err *
target_mem_new(enum action_os os, const char *name, struct target **ret)
{
    struct mem *m = calloc(1, sizeof(*m));

    if (m == NULL)
        return fail(OutOfMemory);
    auto_ptr(target) t = &m->t;
    TRY(target_init(t, &mem_calls, name));
    t->os = os;
    t->bits64 = true;
    t->can = TARGET_FILES | TARGET_PROGRAMS | TARGET_LIBRARIES | TARGET_RESTART |
        (os == ACTION_WINDOWS ? TARGET_REGISTRY | TARGET_SERVICES
                              : TARGET_PACKAGES | TARGET_UNITS);
    if (os == ACTION_WINDOWS)
        target_mem_put(t, MEM_SYSTEM32 "msiexec.exe", "MZ");
    *ret = take(t);
    return NULL;
}
