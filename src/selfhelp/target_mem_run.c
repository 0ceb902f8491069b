/* SPDX-License-Identifier: Apache-2.0 */
/* target_mem_run.c -- the programs of the model machine: msiexec, the bundled installer, and
 * the loader of libraries. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "codes.h"
#include "target_mem_internal.h"

#define MSISERVER "msiserver"
#define PENDING_KEY \
    "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\" \
    "Component Based Servicing\\RebootPending"

enum { LOAD_DEPTH_MAX = 16, ERROR_NOT_FOUND = 2, ERROR_MOD_NOT_FOUND = 126,
    MSI_BUSY = 1618, MSI_FATAL = 1603, MSI_RESTART = 3010, MSI_RESTARTED = 1641 };

static struct mem_program *
find_installer(struct mem *m, const char *path)
{
    for (size_t i = 0; i < m->ninstallers; i++)
        if (mem_same(m, path, m->installers[i].is.path))
            return &m->installers[i];
    return NULL;
}

void
target_mem_installer(struct target *t, const struct mem_installer *i)
{
    struct mem *m = (struct mem *)t;

    struct mem_program *p = find_installer(m, i->path);

    if (p == NULL) {
        assert(m->ninstallers < MEM_INSTALLERS_MAX);
        p = &m->installers[m->ninstallers++];
    }
    p->is = *i; /* one that is put in another's place goes on in the script */
    target_mem_put(t, i->path, "MZ");
}

static struct mem_printer *
find_printer(struct mem *m, const char *path)
{
    for (size_t i = 0; i < m->nprinters; i++)
        if (mem_same(m, path, m->printers[i].path))
            return &m->printers[i];
    return NULL;
}

void
target_mem_program(struct target *t, const char *path, uint32_t exit, const char *output)
{
    struct mem *m = (struct mem *)t;
    struct mem_printer *p = find_printer(m, path);

    if (p == NULL) {
        assert(m->nprinters < MEM_INSTALLERS_MAX);
        p = &m->printers[m->nprinters++];
    }
    *p = (struct mem_printer){ path, output, exit };
    target_mem_put(t, path, "MZ");
}

unsigned
target_mem_installs(struct target *t)
{
    return ((struct mem *)t)->installs;
}

void
target_mem_break_msi(struct target *t)
{
    ((struct mem *)t)->msi_broken = true;
}

void
target_mem_want_restart(struct target *t)
{
    ((struct mem *)t)->want_restart = true;
    target_mem_set_number(t, PENDING_KEY, "1", 1);
}

static bool
service_starts(struct mem *m)
{
    const struct mem_service *s = mem_service_find(m, MSISERVER);

    return s != NULL && !s->s.marked && s->s.start != 4 &&
        strcasestr(s->s.image, "msiexec.exe") != NULL;
}

static void
install(struct mem *m, const struct mem_installer *i, bool later)
{
    for (size_t k = 0; k < MEM_PUTS_MAX && i->puts[k] != NULL; k++)
        mem_file_put(m, i->puts[k], "MZ", 2, later);
    if (i->key != NULL)
        target_mem_set_number(&m->t, i->key, i->name, 1);
    if (later)
        target_mem_set_number(&m->t, PENDING_KEY, "1", 1);
}

static void
uninstall(struct mem *m, const struct mem_installer *i)
{
    for (size_t k = 0; k < MEM_PUTS_MAX && i->puts[k] != NULL; k++)
        for (size_t f = 0; f < m->nfiles;)
            if (mem_same(m, m->files[f].path, i->puts[k])) {
                free(m->files[f].path);
                free(m->files[f].data);
                m->files[f] = m->files[--m->nfiles];
            } else {
                f++;
            }
    if (i->key != NULL)
        mem_key_drop(m, i->key);
}

/* What stands in the way before the script of exit codes counts; 0: nothing. */
static uint32_t
hindrance(struct mem *m, const struct mem_installer *i)
{
    if (mem_now_ns(&m->t) < m->busy_until_ns)
        return MSI_BUSY;
    if (i->needs_service && !service_starts(m))
        return i->no_service != 0 ? i->no_service : MSI_FATAL;
    if (i->needs_service && m->msi_broken)
        return i->no_database != 0 ? i->no_database : MSI_FATAL;
    return m->want_restart ? MSI_FATAL : 0;
}

static bool
has_arg(const char *const argv[], const char *what)
{
    for (size_t i = 1; argv[i] != NULL; i++)
        if (strcasecmp(argv[i], what) == 0)
            return true;
    return false;
}

static struct err *
run_installer(struct mem *m, struct mem_program *p, const char *const argv[],
    struct deadline by, uint32_t *ret_exit)
{
    const struct mem_installer *i = &p->is;

    if (has_arg(argv, "/uninstall")) {
        *ret_exit = hindrance(m, i);
        if (*ret_exit == 0)
            uninstall(m, i);
        return NULL;
    }
    m->installs++;
    *ret_exit = hindrance(m, i);
    if (*ret_exit != 0)
        return NULL;
    if (i->nscript > 0) {
        *ret_exit = i->script[p->at];
        if (p->at + 1 < i->nscript)
            p->at++;
    }
    if (*ret_exit == MEM_HANGS)
        return mem_hang(m, by);
    if (*ret_exit == 0 || *ret_exit == MSI_RESTART || *ret_exit == MSI_RESTARTED)
        install(m, i, *ret_exit != 0);
    if (*ret_exit == MSI_RESTARTED)
        TRY(mem_restart_now(&m->t, by));
    return NULL;
}

static uint32_t
run_msiexec(struct mem *m, const char *const argv[])
{
    const struct mem_service *s = mem_service_find(m, MSISERVER);
    bool was_marked = s != NULL && s->s.marked;

    if (m->refuse != 0) /* the service manager refuses msiexec as it does others */
        return m->refuse;
    if (has_arg(argv, "/unregister") || has_arg(argv, "/unreg")) {
        mem_service_drop(m, MSISERVER);
        return 0;
    }
    if (!has_arg(argv, "/regserver"))
        return 1; /* the usage is shown */
    if (s == NULL)
        target_mem_service(&m->t, MSISERVER, 3);
    if (!was_marked)
        m->msi_broken = false;
    return was_marked ? 1 : 0;
}

static struct err *
run_vssadmin(struct mem *m, const char *const argv[], struct deadline by, uint32_t *ret_exit,
    char **ret_output)
{
    auto_free char *output = NULL;

    TRY(mem_vssadmin(m, argv, by, ret_exit, &output));
    if (ret_output != NULL)
        *ret_output = take(output);
    return NULL;
}

struct err *
mem_run(struct target *t, const char *const argv[], struct deadline by, uint32_t *ret_exit,
    char **ret_output)
{
    struct mem *m = (struct mem *)t;
    struct mem_program *p = find_installer(m, argv[0]);
    const struct mem_printer *printer = find_printer(m, argv[0]);

    if (mem_file_find(m, argv[0]) == NULL)
        return fail(TargetRefused, t->name, "start a program", ERROR_NOT_FOUND);
    if (printer == NULL && m->nwriters > 0 && mem_same(m, argv[0], MEM_VSSADMIN))
        return run_vssadmin(m, argv, by, ret_exit, ret_output);
    if (p != NULL)
        TRY(run_installer(m, p, argv, by, ret_exit));
    else if (mem_same(m, argv[0], MEM_SYSTEM32 "msiexec.exe"))
        *ret_exit = run_msiexec(m, argv);
    else
        *ret_exit = printer != NULL ? printer->exit : 0;
    if (ret_output != NULL)
        *ret_output = mem_copy(printer != NULL ? printer->output : "");
    return NULL;
}

/* ---- libraries ---- */

void
target_mem_imports(struct target *t, const char *library, const char *needs)
{
    struct mem *m = (struct mem *)t;

    assert(m->nimports < MEM_MAX);
    m->imports[m->nimports++] = (struct mem_import){ mem_copy(library), mem_copy(needs) };
}

void
target_mem_break_library(struct target *t, const char *library, uint32_t error)
{
    struct mem *m = (struct mem *)t;

    for (size_t i = 0; i < m->nbroken; i++)
        if (mem_same(m, m->broken[i].library, library)) {
            m->broken[i].error = error;
            return;
        }
    assert(m->nbroken < MEM_MAX);
    m->broken[m->nbroken++] = (struct mem_broken){ mem_copy(library), error };
}

/* Beside the library that asks, then where the system keeps them; NULL: nowhere. */
static const struct mem_file *
find_library(struct mem *m, const char *name, const char *beside)
{
    const char *system = m->t.os == ACTION_WINDOWS ? MEM_SYSTEM32 : "/usr/lib/";
    const char *slash = m->t.os == ACTION_WINDOWS ? "\\" : "/";
    const struct mem_file *f;
    char *path;

    if (strpbrk(name, "\\/") != NULL)
        return mem_file_find(m, name);
    const char *last = beside == NULL ? NULL : strrchr(beside, slash[0]);

    if (last != NULL) {
        int n = asprintf(&path, "%.*s%s", (int)(last + 1 - beside), beside, name);

        assert(n >= 0);
        f = mem_file_find(m, path);
        free(path);
        if (f != NULL)
            return f;
    }
    int n = asprintf(&path, "%s%s", system, name);

    assert(n >= 0);
    f = mem_file_find(m, path);
    free(path);
    return f;
}

static const char *
last_part(const char *path)
{
    const char *a = strrchr(path, '\\'), *b = strrchr(path, '/');
    const char *last = a > b ? a : b;

    return last == NULL ? path : last + 1;
}

/* 0, or the loader's number; *ret_missing borrows. */
static uint32_t
loader(struct mem *m, const char *name, const char *beside, unsigned depth,
    const char **ret_missing)
{
    const struct mem_file *f = find_library(m, name, beside);
    bool windows = m->t.os == ACTION_WINDOWS;

    if (f == NULL || depth > LOAD_DEPTH_MAX) {
        *ret_missing = name;
        return windows ? ERROR_MOD_NOT_FOUND : TARGET_LOAD_MISSING;
    }
    for (size_t i = 0; i < m->nbroken; i++)
        if (m->broken[i].error != 0 &&
            (mem_same(m, m->broken[i].library, f->path) ||
                mem_same(m, m->broken[i].library, last_part(f->path))))
            return m->broken[i].error;
    for (size_t i = 0; i < m->nimports; i++) {
        uint32_t error;

        if (!mem_same(m, m->imports[i].library, f->path) &&
            !mem_same(m, m->imports[i].library, last_part(f->path)))
            continue;
        error = loader(m, m->imports[i].needs, f->path, depth + 1, ret_missing);
        if (error != 0)
            return error;
    }
    return 0;
}

struct err *
mem_load(struct target *t, const char *library, struct deadline by, struct target_load *ret)
{
    struct mem *m = (struct mem *)t;
    const char *missing = NULL;
    uint32_t error = loader(m, library, NULL, 0, &missing);

    (void)by;
    *ret = (struct target_load){ .loads = error == 0, .error = error };
    if (missing != NULL)
        ret->missing = mem_copy(missing);
    return NULL;
}
