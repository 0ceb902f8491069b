/* SPDX-License-Identifier: Apache-2.0 */
/* The service manager of this machine.
 *
 * What it has in memory is what counts now; the registry's view of a service is read as keys
 * and values, by whoever wants to compare.  Read there are only the flag that a service is to
 * be deleted, for which the manager has no question of its own, and what it needs, where the
 * manager tells of nothing. */
#include <stdio.h>
#include <string.h>
#include <windows.h>

#include "codes.h"
#include "machine_win32.h"
#include "wide.h"

enum { CONFIG_MAX = 8192, /* bytes that the manager gives at most */
    DEPENDS_MAX = 64, PAUSE_MS = 200 };

#define SERVICES "HKLM\\SYSTEM\\CurrentControlSet\\Services\\"
#define DEPENDS "DependOnService"

void
machine_close_service(SC_HANDLE *h)
{
    DWORD kept = GetLastError();

    if (*h != NULL)
        (void)CloseServiceHandle(*h);
    SetLastError(kept);
}

static struct err *
refused_now(const struct target *t, const char *what)
{
    return machine_refused(t, what, GetLastError());
}

/* *ret is NULL when there is no such service. */
static struct err *
open_service(struct target *t, const char *name, DWORD rights, const char *what,
    SC_HANDLE *ret)
{
    auto_free wchar_t *wide = NULL;
    auto_service manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT);

    *ret = NULL;
    if (manager == NULL)
        return refused_now(t, what);
    TRY(wide_from(name, &wide));
    *ret = OpenServiceW(manager, wide, rights);
    if (*ret == NULL && GetLastError() != ERROR_SERVICE_DOES_NOT_EXIST)
        return refused_now(t, what);
    return NULL;
}

/* The same for a service that must be there. */
static struct err *
need_service(struct target *t, const char *name, DWORD rights, const char *what,
    SC_HANDLE *ret)
{
    TRY(open_service(t, name, rights, what, ret));
    return *ret == NULL ? machine_refused(t, what, ERROR_SERVICE_DOES_NOT_EXIST) : NULL;
}

static struct err *
text_of(const wchar_t *s, char **ret)
{
    return s == NULL || *s == 0 ? NULL : wide_to(s, ret);
}

/* Names one after the other, with an empty one at the end. */
static struct err *
names_of(const wchar_t *s, char ***ret)
{
    char **names = calloc(DEPENDS_MAX + 1, sizeof(*names));
    struct err *e = names == NULL ? fail(OutOfMemory) : NULL;

    for (size_t n = 0; e == NULL && s != NULL && *s != 0 && n < DEPENDS_MAX; n++) {
        e = wide_to(s, &names[n]);
        s += wcslen(s) + 1;
    }
    if (e != NULL) {
        target_names_free(names);
        return e;
    }
    *ret = names;
    return NULL;
}

/* A value of the service's key. */
static struct err *
key_value(struct target *t, const char *service, const char *name, struct target_value *ret,
    bool *ret_found)
{
    auto_free char *key = NULL;

    if (asprintf(&key, SERVICES "%s", service) < 0)
        return fail(OutOfMemory);
    TRY(target_reg_get(t, key, name, ret, ret_found));
    return NULL;
}

/* What the service needs, by its key's DependOnService: a manager that tells of nothing may
 * have kept it there alone, as that of Wine does. */
static struct err *
depends_of_key(const struct target_value *v, char ***ret)
{
    wchar_t *list;

    if (v->data == NULL || v->type != TARGET_REG_MULTI_SZ)
        return NULL;
    list = calloc(v->len / sizeof(*list) + 2, sizeof(*list)); /* ends, however the value does */
    if (list != NULL)
        memcpy(list, v->data, v->len);
    struct err *e = list == NULL ? fail(OutOfMemory) : names_of(list, ret);

    free(list);
    return e;
}

/* Windows notes in the key that a service goes when its last handle does.  The manager refuses
 * to change one that goes, also by a change that changes nothing; whoever may not ask so gets
 * no answer, which is a no. */
static struct err *
is_marked(struct target *t, const char *name, bool *ret)
{
    struct target_value v = { 0 };
    auto_service h = NULL;
    uint64_t flag = 0;
    bool found;

    TRY(key_value(t, name, "DeleteFlag", &v, &found));
    *ret = found && target_value_number(&v, &flag) && flag != 0;
    target_value_done(&v);
    if (*ret)
        return NULL;
    struct err *e = open_service(t, name, SERVICE_CHANGE_CONFIG, "ask the service manager", &h);

    *ret = h != NULL &&
        !ChangeServiceConfigW(h, SERVICE_NO_CHANGE, SERVICE_NO_CHANGE, SERVICE_NO_CHANGE, NULL,
            NULL, NULL, NULL, NULL, NULL, NULL) &&
        GetLastError() == ERROR_SERVICE_MARKED_FOR_DELETE;
    if (err_code(e) == E_OutOfMemory)
        return e;
    err_free(e);
    return NULL;
}

/* The same where the key has what the service needs: Wine's manager drops that with any change,
 * also with one that changes nothing.  What was there before is then put back. */
static struct err *
is_marked_and_kept(struct target *t, const char *name, const struct target_value *kept,
    bool *ret)
{
    struct target_value v = { 0 };
    auto_free char *key = NULL;
    bool found;

    TRY(is_marked(t, name, ret));
    if (kept->data == NULL)
        return NULL;
    TRY(key_value(t, name, DEPENDS, &v, &found));
    target_value_done(&v);
    if (found)
        return NULL;
    if (asprintf(&key, SERVICES "%s", name) < 0)
        return fail(OutOfMemory);
    TRY(target_reg_set(t, key, DEPENDS, kept));
    return NULL;
}

static enum target_service_state
state_of(DWORD state)
{
    return state == SERVICE_STOPPED ? SERVICE_IS_STOPPED
        : state == SERVICE_RUNNING  ? SERVICE_IS_RUNNING
                                    : SERVICE_IS_BETWEEN;
}

/* What the manager does not tell of. */
static struct err *
read_key(struct target *t, const char *name, struct target_service *s)
{
    struct target_value needs = { 0 };
    struct err *e = NULL;
    bool found;

    if (s->depends == NULL)
        TRY(key_value(t, name, DEPENDS, &needs, &found));
    e = depends_of_key(&needs, &s->depends);
    if (e == NULL)
        e = is_marked_and_kept(t, name, &needs, &s->marked);
    target_value_done(&needs);
    return e;
}

static struct err *
read_service(struct target *t, const char *name, SC_HANDLE h, struct target_service *s)
{
    static const char what[] = "tell how a service is set up";
    union {
        QUERY_SERVICE_CONFIGW c;
        BYTE room[CONFIG_MAX];
    } *config = calloc(1, sizeof(*config));
    auto_free void *owned = config;
    SERVICE_STATUS status;
    DWORD need;

    if (config == NULL)
        return fail(OutOfMemory);
    if (!QueryServiceConfigW(h, &config->c, sizeof(*config), &need) ||
        !QueryServiceStatus(h, &status))
        return refused_now(t, what);
    s->type = config->c.dwServiceType;
    s->start = config->c.dwStartType;
    s->error_control = config->c.dwErrorControl;
    s->state = state_of(status.dwCurrentState);
    TRY(text_of(config->c.lpBinaryPathName, &s->image));
    TRY(text_of(config->c.lpServiceStartName, &s->account));
    TRY(text_of(config->c.lpDisplayName, &s->display));
    if (config->c.lpDependencies != NULL && *config->c.lpDependencies != 0)
        TRY(names_of(config->c.lpDependencies, &s->depends));
    TRY(read_key(t, name, s));
    return NULL;
}

struct err *
machine_service_get(struct target *t, const char *name, struct target_service *ret,
    bool *ret_found)
{
    struct target_service s = { 0 };
    auto_service h = NULL;
    struct err *e;

    TRY(open_service(t, name, SERVICE_QUERY_CONFIG | SERVICE_QUERY_STATUS,
        "ask the service manager", &h));
    *ret_found = h != NULL;
    if (h == NULL)
        return NULL;
    e = read_service(t, name, h, &s);
    if (e != NULL)
        target_service_done(&s);
    else
        *ret = s;
    return e;
}

struct err *
machine_service_set_start(struct target *t, const char *name, uint32_t start)
{
    static const char what[] = "change the start type of a service";
    auto_service h = NULL;

    TRY(need_service(t, name, SERVICE_CHANGE_CONFIG, what, &h));
    if (!ChangeServiceConfigW(h, SERVICE_NO_CHANGE, start, SERVICE_NO_CHANGE, NULL, NULL, NULL,
            NULL, NULL, NULL, NULL))
        return refused_now(t, what);
    return NULL;
}

/* Names one after the other, with an empty one at the end; *ret is NULL for none. */
static struct err *
join_names(char *const names[], wchar_t **ret)
{
    size_t len = 1, at = 0;

    *ret = NULL;
    if (names == NULL || names[0] == NULL)
        return NULL;
    for (size_t i = 0; names[i] != NULL; i++)
        len += strlen(names[i]) + 1;
    wchar_t *all = calloc(len, sizeof(*all));

    if (all == NULL)
        return fail(OutOfMemory);
    for (size_t i = 0; names[i] != NULL; i++) {
        auto_free wchar_t *wide = NULL;
        struct err *e = wide_from(names[i], &wide);

        if (e != NULL) {
            free(all);
            return e;
        }
        wmemcpy(all + at, wide, wcslen(wide) + 1); /* no longer than in UTF-8 */
        at += wcslen(wide) + 1;
    }
    *ret = all;
    return NULL;
}

/* The words of a service as Windows takes them; NULL for those that it has not. */
struct wide_service {
    wchar_t *image, *account, *display, *depends;
};

static void
wide_service_done(struct wide_service *w)
{
    free(w->image);
    free(w->account);
    free(w->display);
    free(w->depends);
}

static struct err *
wide_service(const struct target_service *s, struct wide_service *ret)
{
    TRY(wide_from(s->image, &ret->image));
    if (s->account != NULL)
        TRY(wide_from(s->account, &ret->account));
    if (s->display != NULL)
        TRY(wide_from(s->display, &ret->display));
    TRY(join_names(s->depends, &ret->depends));
    return NULL;
}

static struct err *
configure(struct target *t, const char *name, const struct target_service *s,
    const struct wide_service *w)
{
    static const char what[] = "change a service";
    auto_service h = NULL;

    TRY(need_service(t, name, SERVICE_CHANGE_CONFIG, what, &h));
    if (!ChangeServiceConfigW(h, s->type, s->start, s->error_control, w->image, NULL, NULL,
            w->depends, w->account, NULL, w->display))
        return refused_now(t, what);
    return NULL;
}

struct err *
machine_service_configure(struct target *t, const char *name, const struct target_service *s)
{
    struct wide_service w = { 0 };
    struct err *e = wide_service(s, &w);

    if (e == NULL)
        e = configure(t, name, s, &w);
    wide_service_done(&w);
    return e;
}

static struct err *
create(struct target *t, const char *name, const struct target_service *s,
    const struct wide_service *w)
{
    static const char what[] = "create a service";
    auto_free wchar_t *wide = NULL;
    auto_service manager = NULL, made = NULL;

    TRY(wide_from(name, &wide));
    manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT | SC_MANAGER_CREATE_SERVICE);
    if (manager == NULL)
        return refused_now(t, what);
    made = CreateServiceW(manager, wide, w->display, SERVICE_QUERY_CONFIG, s->type, s->start,
        s->error_control, w->image, NULL, NULL, w->depends, w->account, NULL);
    return made == NULL ? refused_now(t, what) : NULL;
}

struct err *
machine_service_create(struct target *t, const char *name, const struct target_service *s)
{
    struct wide_service w = { 0 };
    struct err *e = wide_service(s, &w);

    if (e == NULL)
        e = create(t, name, s, &w);
    wide_service_done(&w);
    return e;
}

/* A service that stops while it should start has a number of its own to tell. */
static struct err *
await_state(struct target *t, SC_HANDLE h, bool run, const char *what, struct deadline by)
{
    DWORD want = run ? SERVICE_RUNNING : SERVICE_STOPPED;
    SERVICE_STATUS status;

    for (;;) {
        if (!QueryServiceStatus(h, &status))
            return refused_now(t, what);
        if (status.dwCurrentState == want)
            return NULL;
        if (run && status.dwCurrentState == SERVICE_STOPPED)
            return machine_refused(t, what,
                status.dwWin32ExitCode != NO_ERROR ? status.dwWin32ExitCode
                                                   : ERROR_SERVICE_NOT_ACTIVE);
        if (deadline_passed(by))
            return fail(DeadlinePassed,
                run ? "the start of a service" : "the stop of a service");
        TRY(target_wait(t, PAUSE_MS));
    }
}

struct err *
machine_service_control(struct target *t, const char *name, bool run, struct deadline by)
{
    const char *what = run ? "start a service" : "stop a service";
    auto_service h = NULL;
    SERVICE_STATUS status;
    BOOL good;

    TRY(need_service(t, name, SERVICE_QUERY_STATUS | (run ? SERVICE_START : SERVICE_STOP), what,
        &h));
    good = run ? StartServiceW(h, 0, NULL) : ControlService(h, SERVICE_CONTROL_STOP, &status);
    if (!good && GetLastError() !=
            (run ? (DWORD)ERROR_SERVICE_ALREADY_RUNNING : (DWORD)ERROR_SERVICE_NOT_ACTIVE))
        return refused_now(t, what);
    TRY(await_state(t, h, run, what, by));
    return NULL;
}
