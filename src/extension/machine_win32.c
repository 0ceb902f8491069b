/* SPDX-License-Identifier: Apache-2.0 */
/* The machine on Windows: programs, load tests, starts of the machine; registry, services and
 * files have parts of their own.
 *
 * Programs run as run.h runs them: in a job that ends with all that they started when their
 * time is over.  Libraries are loaded by firn-plugin-host, in a process that may crash.  A
 * start of the machine is known by the moment that the kernel has for it, without what the
 * clock was set since. */
#include <stdio.h>
#include <string.h>
#include <windows.h>
#include <winternl.h>

#include "codes.h"
#include "machine_win32.h"
#include "os.h"
#include "probe.h"
#include "run.h"
#include "stop.h"

enum { STEP_MS = 500, LIBRARY_CRASHED = 574, /* ERROR_UNHANDLED_EXCEPTION */
    LIBRARY_HUNG = WAIT_TIMEOUT };

#define INSTALLING \
    "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Installer\\InProgress"

struct err *
machine_refused(const struct target *t, const char *what, unsigned long number)
{
    return fail(TargetRefused, t->name, what, (int64_t)number);
}

struct err *
machine_refused_by(const struct target *t, const char *what, struct err *e)
{
    const struct err *with_number = e;

    while (with_number != NULL && err_os_kind(with_number) != OS_WIN32)
        with_number = err_cause(with_number);
    if (with_number == NULL)
        return e;
    return err_because(machine_refused(t, what, (unsigned long)err_os_number(with_number)), e);
}

/* ---- programs ---- */

/* Until it ends, its time is over, or a person asks us to end. */
static struct err *
await_end(struct run *r, struct deadline by, bool *ret_ended, uint32_t *ret_exit)
{
    *ret_ended = false;
    while (!*ret_ended && !deadline_passed(by)) {
        TRY(run_wait(r, deadline_first(by, deadline_in_ms(STEP_MS)), ret_ended, ret_exit));
        TRY(stop_check());
    }
    return NULL;
}

static struct err *
machine_run(struct target *t, const char *const argv[], struct deadline by, uint32_t *ret_exit,
    char **ret_output)
{
    const struct run_options o = { .program = argv[0], .arguments = argv + 1 };
    auto_ptr(run) r = NULL;
    bool ended;

    TRY(machine_refused_by(t, "start a program", run_start(&o, &r)));
    TRY(await_end(r, by, &ended, ret_exit));
    if (!ended)
        return fail(DeadlinePassed, argv[0]);
    if (ret_output == NULL)
        return NULL;
    *ret_output = strdup(run_output(r));
    return *ret_output == NULL ? fail(OutOfMemory) : NULL;
}

/* ---- libraries ---- */

static struct err *
read_load(const struct doc_value *v, struct target_load *ret)
{
    const char *reason = doc_string(doc_get(v, "reason"), "");
    const char *words = doc_string(doc_get(v, "words"), "");
    struct target_load l = { 0 };
    int64_t number = 0;

    (void)doc_bool(doc_get(v, "loaded"), &l.loads);
    (void)doc_int(doc_get(v, "number"), &number);
    l.error = l.loads                    ? 0
        : number > 0                     ? (uint32_t)number
        : strcmp(reason, "hung") == 0    ? LIBRARY_HUNG
        : strcmp(reason, "crashed") == 0 ? LIBRARY_CRASHED
                                         : ERROR_MOD_NOT_FOUND;
    if (!l.loads) {
        l.words = strdup(*words != '\0' ? words : reason);
        if (l.words == NULL)
            return fail(OutOfMemory);
    }
    *ret = l;
    return NULL;
}

static struct err *
machine_load(struct target *t, const char *library, struct deadline by,
    struct target_load *ret)
{
    struct machine *m = (struct machine *)t;
    auto_ptr(doc) d = NULL;

    TRY(probe_library(m->host, library, by, &d));
    TRY(read_load(doc_root(d), ret));
    return NULL;
}

/* ---- the machine ---- */

/* Its mutex is held while Windows Installer works, and it keeps this key. */
static struct err *
machine_busy(struct target *t, bool *ret_busy, char **ret_who)
{
    char who[OS_WHO_MAX];

    *ret_who = NULL;
    *ret_busy = !os_installer_wait(deadline_in_ms(0), who);
    return *ret_busy ? NULL : target_reg_key(t, INSTALLING, ret_busy);
}

static struct err *
machine_boot_id(struct target *t, char **ret)
{
    struct {
        LARGE_INTEGER boot, now, zone;
        ULONG zone_id, reserved;
        ULONGLONG boot_bias, sleep_bias;
    } times = { .zone_id = 0 };
    NTSTATUS status = NtQuerySystemInformation(SystemTimeOfDayInformation, &times,
        sizeof(times), NULL);

    if (!NT_SUCCESS(status))
        return machine_refused(t, "tell when it started", RtlNtStatusToDosError(status));
    if (asprintf(ret, "%llx", (unsigned long long)times.boot.QuadPart - times.boot_bias) < 0)
        return fail(OutOfMemory);
    return NULL;
}

static void
machine_free(struct target *t)
{
    struct machine *m = (struct machine *)t;

    free(m->host);
    free(m);
}

static const struct target_vtable machine_calls = {
    .reg_get = machine_reg_get,
    .reg_set = machine_reg_set,
    .reg_delete = machine_reg_delete,
    .reg_key = machine_reg_key,
    .reg_delete_key = machine_reg_delete_key,
    .service_get = machine_service_get,
    .service_set_start = machine_service_set_start,
    .service_create = machine_service_create,
    .service_configure = machine_service_configure,
    .service_control = machine_service_control,
    .service_dependents = machine_service_dependents,
    .file_read = machine_file_read,
    .file_write = machine_file_write,
    .file_rename = machine_file_rename,
    .file_delete = machine_file_delete,
    .file_list = machine_file_list,
    .space_free = machine_space,
    .run = machine_run,
    .load = machine_load,
    .installer_busy = machine_busy,
    .boot_id = machine_boot_id,
    .free = machine_free,
};

struct err *
machine_open(struct target **ret)
{
    struct machine *m = calloc(1, sizeof(*m));
    size_t n = 0;
    struct err *e;

    if (m == NULL)
        return fail(OutOfMemory);
    auto_ptr(target) t = &m->t;
    TRY(target_init(t, &machine_calls, "local"));
    t->os = ACTION_WINDOWS;
    t->bits64 = true;
    t->can = TARGET_REGISTRY | TARGET_SERVICES | TARGET_FILES | TARGET_PROGRAMS;
    t->cannot[n++] = "a restart of this machine is for a person: firn would end with it";
    e = probe_host(&m->host);
    if (err_code(e) == E_OutOfMemory)
        return e;
    if (e == NULL)
        t->can |= TARGET_LIBRARIES;
    else
        t->cannot[n++] = "load tests: firn-plugin-host is not beside this program";
    err_free(e);
    *ret = take(t);
    return NULL;
}

/* The second one ends the process at once: the journal is for that. */
static BOOL WINAPI
on_control(DWORD what)
{
    bool again = stop_requested();

    (void)what;
    stop_request();
    return !again;
}

void
machine_hear_stop(void)
{
    (void)SetConsoleCtrlHandler(on_control, TRUE);
}
