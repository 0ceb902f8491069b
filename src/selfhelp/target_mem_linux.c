/* SPDX-License-Identifier: Apache-2.0 */
/* target_mem_linux.c -- the model's package manager and its units. */
#include <assert.h>
#include <string.h>

#include "codes.h"
#include "target_mem_internal.h"

enum { APT_FAILED = 100, DPKG_LOCKED = 2 };

/* By its name, or as the file /FOLDER/NAME_VERSION_ARCHITECTURE.deb. */
static bool
is_package(const struct mem_package *p, const char *name)
{
    const char *base = p->name[0] == '/' ? strrchr(p->name, '/') + 1 : p->name;
    size_t n = strlen(name);

    return strcmp(p->name, name) == 0 ||
        (base != p->name && strncmp(base, name, n) == 0 && base[n] == '_');
}

static struct mem_package *
find_package(struct mem *m, const char *name)
{
    for (size_t i = 0; i < m->npackages; i++)
        if (is_package(&m->packages[i], name))
            return &m->packages[i];
    return NULL;
}

static struct mem_package *
need_package(struct mem *m, const char *name)
{
    struct mem_package *p = find_package(m, name);

    if (p != NULL)
        return p;
    assert(m->npackages < MEM_MAX);
    p = &m->packages[m->npackages++];
    *p = (struct mem_package){ .name = mem_copy(name) };
    return p;
}

void
target_mem_offer(struct target *t, const char *name, const char *version, const char *puts)
{
    struct mem_package *p = need_package((struct mem *)t, name);

    p->offered = true;
    p->offer = mem_copy(version);
    p->puts = puts == NULL ? NULL : mem_copy(puts);
}

void
target_mem_package(struct target *t, const char *name, const char *version)
{
    struct mem_package *p = need_package((struct mem *)t, name);

    p->installed = true;
    p->version = mem_copy(version);
}

void
target_mem_interrupt_packages(struct target *t)
{
    ((struct mem *)t)->interrupted = true;
}

void
target_mem_package_script(struct target *t, const uint32_t *script, size_t n)
{
    struct mem *m = (struct mem *)t;

    assert(n <= MEM_SCRIPT_MAX);
    memcpy(m->package_script, script, n * sizeof(script[0]));
    m->npackage_script = n;
}

void
target_mem_packages_need_unit(struct target *t, const char *unit)
{
    ((struct mem *)t)->package_unit = mem_copy(unit);
}

struct err *
mem_package_version(struct target *t, const char *name, char **ret_version, bool *ret_found)
{
    const struct mem_package *p = find_package((struct mem *)t, name);

    *ret_found = p != NULL && p->installed;
    if (*ret_found)
        *ret_version = mem_copy(p->version);
    return NULL;
}

struct err *
mem_package_interrupted(struct target *t, bool *ret)
{
    *ret = ((struct mem *)t)->interrupted;
    return NULL;
}

static bool
unit_is_masked(struct mem *m, const char *unit)
{
    for (size_t i = 0; unit != NULL && i < m->nunits; i++)
        if (strcmp(m->units[i].name, unit) == 0)
            return m->units[i].state == UNIT_MASKED;
    return false;
}

/* The next code of the script, when nothing stands in the way. */
static uint32_t
next_exit(struct mem *m, bool repairs)
{
    uint32_t code = 0;

    if (mem_now_ns(&m->t) < m->busy_until_ns)
        return repairs ? DPKG_LOCKED : APT_FAILED;
    if ((m->interrupted && !repairs) || unit_is_masked(m, m->package_unit))
        return APT_FAILED;
    if (!repairs && m->npackage_script > 0) {
        code = m->package_script[m->package_at];
        if (m->package_at + 1 < m->npackage_script)
            m->package_at++;
    }
    return code;
}

struct err *
mem_package_install(struct target *t, const char *what, struct deadline by,
    uint32_t *ret_exit, char **ret_output)
{
    struct mem *m = (struct mem *)t;
    struct mem_package *p = find_package(m, what);

    m->installs++;
    *ret_exit = next_exit(m, false);
    if (*ret_exit == MEM_HANGS)
        return mem_hang(m, by);
    if (*ret_exit == 0 && (p == NULL || !p->offered))
        *ret_exit = APT_FAILED;
    if (*ret_exit == 0) {
        p->installed = true;
        free(p->version);
        p->version = mem_copy(p->offer);
        if (p->puts != NULL)
            mem_file_put(m, p->puts, "ELF", 3, false);
    }
    if (ret_output != NULL)
        *ret_output = mem_copy("");
    return NULL;
}

struct err *
mem_package_remove(struct target *t, const char *name, struct deadline by, uint32_t *ret_exit,
    char **ret_output)
{
    struct mem *m = (struct mem *)t;
    struct mem_package *p = find_package(m, name);

    (void)by;
    *ret_exit = mem_now_ns(t) < m->busy_until_ns || m->interrupted ? APT_FAILED : 0;
    if (*ret_exit == 0 && p != NULL && p->installed) {
        p->installed = false;
        if (p->puts != NULL)
            TRY(mem_file_delete(t, p->puts));
    }
    if (ret_output != NULL)
        *ret_output = mem_copy("");
    return NULL;
}

struct err *
mem_package_configure(struct target *t, struct deadline by, uint32_t *ret_exit,
    char **ret_output)
{
    struct mem *m = (struct mem *)t;

    (void)by;
    *ret_exit = next_exit(m, true);
    if (*ret_exit == 0)
        m->interrupted = false;
    if (ret_output != NULL)
        *ret_output = mem_copy("");
    return NULL;
}

/* ---- units ---- */

static struct mem_unit *
find_unit(struct mem *m, const char *name)
{
    for (size_t i = 0; i < m->nunits; i++)
        if (strcmp(m->units[i].name, name) == 0)
            return &m->units[i];
    return NULL;
}

void
target_mem_unit(struct target *t, const char *name, enum target_unit state, bool active)
{
    struct mem *m = (struct mem *)t;
    struct mem_unit *u = find_unit(m, name);

    if (u == NULL) {
        assert(m->nunits < MEM_MAX);
        u = &m->units[m->nunits++];
        u->name = mem_copy(name);
    }
    u->state = state;
    u->active = active;
}

struct err *
mem_unit_get(struct target *t, const char *unit, enum target_unit *ret, bool *ret_active)
{
    const struct mem_unit *u = find_unit((struct mem *)t, unit);

    *ret = u == NULL ? UNIT_MISSING : u->state;
    *ret_active = u != NULL && u->active;
    return NULL;
}

struct err *
mem_unit_set(struct target *t, const char *unit, enum target_unit want)
{
    struct mem_unit *u = find_unit((struct mem *)t, unit);

    if (u == NULL)
        return fail(TargetRefused, t->name, "change a unit", ENOENT);
    u->state = want;
    return NULL;
}

struct err *
mem_unit_control(struct target *t, const char *unit, bool run, struct deadline by)
{
    struct mem_unit *u = find_unit((struct mem *)t, unit);

    (void)by;
    if (u == NULL || (run && u->state == UNIT_MASKED))
        return fail(TargetRefused, t->name, "start or stop a unit", u == NULL ? ENOENT : EPERM);
    u->active = run;
    return NULL;
}
