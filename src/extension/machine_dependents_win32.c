/* SPDX-License-Identifier: Apache-2.0 */
/* Which services that run need another one.
 *
 * Windows' service manager answers by EnumDependentServices, with those that need the service
 * through others and by groups, too.  That of Wine (8.0) takes the question and leaves the
 * answer unwritten.  Such a manager is known by that, and what each running service says that
 * it needs is followed instead, which knows of no groups.  The tests run in Wine: they prove
 * the second way; the first one goes by Microsoft's documentation alone. */
#include <stdio.h>
#include <string.h>
#include <windows.h>

#include "codes.h"
#include "machine_win32.h"
#include "wide.h"

static const char WHAT[] = "tell which services need another";

enum { ANSWER_MAX = 64 * 1024, /* bytes: the most that EnumDependentServices takes */
    LIST_MAX = 256 * 1024,     /* the same of EnumServicesStatusEx */
    NAMES_MAX = TARGET_DEPENDENTS_MAX + 1, /* one more is enough to see that it is too many */
    UNWRITTEN = 0x7fffffff };

struct names {
    char **name; /* room for NAMES_MAX; ends with NULL */
    size_t n;
};

static struct err *
add(struct names *to, const wchar_t *name)
{
    if (to->n < NAMES_MAX)
        TRY(wide_to(name, &to->name[to->n++]));
    return NULL;
}

/* *ret = false: the manager has no answer. */
static struct err *
ask_manager(struct target *t, SC_HANDLE manager, const wchar_t *name, struct names *to,
    bool *ret)
{
    auto_free ENUM_SERVICE_STATUSW *all = calloc(1, ANSWER_MAX);
    auto_service h = OpenServiceW(manager, name, SERVICE_ENUMERATE_DEPENDENTS);
    DWORD need = UNWRITTEN, n = 0;

    *ret = true;
    if (h == NULL && GetLastError() == ERROR_SERVICE_DOES_NOT_EXIST)
        return NULL;
    if (h == NULL)
        return machine_refused(t, WHAT, GetLastError());
    if (all == NULL)
        return fail(OutOfMemory);
    /* more than there is room for are too many anyway */
    if (!EnumDependentServicesW(h, SERVICE_ACTIVE, all, ANSWER_MAX, &need, &n) &&
        GetLastError() != ERROR_MORE_DATA)
        return machine_refused(t, WHAT, GetLastError());
    *ret = n > 0 || need != UNWRITTEN;
    for (DWORD i = 0; i < n; i++)
        TRY(add(to, all[i].lpServiceName));
    return NULL;
}

/* ---- without the manager ---- */

/* A service that runs, and what it says that it needs. */
struct running {
    char *name, **needs; /* owned */
    bool in;             /* it needs the service in question */
};

static bool
is_named(char *const names[], const char *one)
{
    for (; names != NULL && *names != NULL; names++)
        if (strcasecmp(*names, one) == 0)
            return true;
    return false;
}

/* Until nothing is added any more. */
static void
follow(struct running *all, size_t n, const char *service)
{
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < n; i++) {
            bool in = is_named(all[i].needs, service);

            for (size_t k = 0; !in && k < n; k++)
                in = all[k].in && is_named(all[i].needs, all[k].name);
            more |= in && !all[i].in;
            all[i].in |= in;
        }
    }
}

static struct err *
look_at(struct target *t, const wchar_t *name, struct running *ret)
{
    struct target_service s = { 0 };
    bool found;

    TRY(wide_to(name, &ret->name));
    TRY(machine_service_get(t, ret->name, &s, &found));
    ret->needs = s.depends;
    s.depends = NULL;
    target_service_done(&s);
    return NULL;
}

static struct err *
look_at_all(struct target *t, const ENUM_SERVICE_STATUS_PROCESSW *list, size_t n,
    const char *service, struct names *to)
{
    struct running *all = calloc(n + 1, sizeof(*all));
    struct err *e = all == NULL ? fail(OutOfMemory) : NULL;

    for (size_t i = 0; e == NULL && i < n; i++)
        e = look_at(t, list[i].lpServiceName, &all[i]);
    if (e == NULL)
        follow(all, n, service);
    for (size_t i = 0; all != NULL && i < n; i++) {
        if (e == NULL && all[i].in && to->n < NAMES_MAX)
            to->name[to->n++] = take(all[i].name);
        free(all[i].name);
        target_names_free(all[i].needs);
    }
    free(all);
    return e;
}

static struct err *
ask_all(struct target *t, SC_HANDLE manager, const char *service, struct names *to)
{
    auto_free ENUM_SERVICE_STATUS_PROCESSW *list = calloc(1, LIST_MAX);
    DWORD need, n = 0, next = 0;

    if (list == NULL)
        return fail(OutOfMemory);
    if (!EnumServicesStatusExW(manager, SC_ENUM_PROCESS_INFO, SERVICE_WIN32, SERVICE_ACTIVE,
            (BYTE *)list, LIST_MAX, &need, &n, &next, NULL))
        return machine_refused(t, WHAT, GetLastError());
    TRY(look_at_all(t, list, n, service, to));
    return NULL;
}

static struct err *
find(struct target *t, const char *service, struct names *to)
{
    auto_service manager =
        OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT | SC_MANAGER_ENUMERATE_SERVICE);
    auto_free wchar_t *wide = NULL;
    bool told;

    if (manager == NULL)
        return machine_refused(t, WHAT, GetLastError());
    TRY(wide_from(service, &wide));
    TRY(ask_manager(t, manager, wide, to, &told));
    if (!told)
        TRY(ask_all(t, manager, service, to));
    return NULL;
}

struct err *
machine_service_dependents(struct target *t, const char *name, char ***ret)
{
    struct names found = { .name = calloc(NAMES_MAX + 1, sizeof(char *)) };
    struct err *e = found.name == NULL ? fail(OutOfMemory) : find(t, name, &found);

    if (e != NULL)
        target_names_free(found.name);
    else
        *ret = found.name;
    return e;
}
