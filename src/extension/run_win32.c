/* SPDX-License-Identifier: Apache-2.0 */
/* run.h on Windows: a job object that ends with its last handle holds the child and all that
 * it starts.  The child begins suspended, so that nothing of it runs outside of the job.
 * Only the handles that are named reach it.
 *
 * Its output comes through a named pipe, because anonymous ones cannot be read with a
 * deadline. */
#include <stdio.h>
#include <string.h>
#include <windows.h>

#include "auto.h"
#include "codes.h"
#include "number.h"
#include "run.h"
#include "text.h"
#include "wide.h"

enum { LEFTOVER_MS = 200, END_MS = 5000, BLOCK = 4096 };

struct run {
    HANDLE job, process;
    HANDLE in, out; /* ours */
    OVERLAPPED reading;
    bool pending; /* a read has been started */
    char block[BLOCK];
    struct text kept;
    size_t line_at;
    bool ended;
    DWORD status;
};

static void
close_handle(HANDLE *h)
{
    DWORD kept = GetLastError();

    if (*h != NULL && *h != INVALID_HANDLE_VALUE)
        (void)CloseHandle(*h);
    *h = NULL;
    SetLastError(kept);
}
#define auto_handle __attribute__((cleanup(close_handle))) HANDLE

/* One argument as CommandLineToArgvW and the C library take lines apart: backslashes count
 * double only before a quote. */
static void
add_quoted(struct text *t, const char *s)
{
    text_str(t, "\"");
    for (;; s++) {
        size_t slashes = strspn(s, "\\");

        s += slashes;
        if (*s == '\0' || *s == '"')
            slashes = 2 * slashes + (*s == '"');
        for (; slashes > 0; slashes--)
            text_str(t, "\\");
        if (*s == '\0')
            break;
        text_add(t, s, 1);
    }
    text_str(t, "\"");
}

static struct err *
command_line(const char *program, const char *const *arguments, wchar_t **ret)
{
    struct text t = { 0 };
    struct err *e;

    add_quoted(&t, program);
    for (size_t i = 0; arguments != NULL && arguments[i] != NULL; i++) {
        /* a plain switch goes as it is: some setup programs look for /quiet, not "/quiet" */
        bool plain = arguments[i][0] != '\0' && strpbrk(arguments[i], " \t\"") == NULL;

        text_str(&t, " ");
        if (plain)
            text_str(&t, arguments[i]);
        else
            add_quoted(&t, arguments[i]);
    }
    e = t.no_memory ? fail(OutOfMemory) : wide_from(t.s, ret);
    text_done(&t);
    return e;
}

/* Our variables with those of ${env} over them, as CreateProcessW wants it. */
static struct err *
environment(const char *const *env, wchar_t **ret)
{
    wchar_t *ours = GetEnvironmentStringsW(), *w;
    size_t n = 0, at = 0;
    wchar_t *block;

    for (w = ours; w != NULL && *w != 0; w += wcslen(w) + 1)
        n += wcslen(w) + 1;
    for (size_t i = 0; env[i] != NULL; i++)
        n += strlen(env[i]) + 1;
    block = calloc(n + 2, sizeof(*block));
    for (w = ours; block != NULL && w != NULL && *w != 0; w += wcslen(w) + 1) {
        bool replaced = false;

        for (size_t i = 0; env[i] != NULL; i++) {
            size_t k = 0;
            while (env[i][k] != '=' && w[k] == (wchar_t)(unsigned char)env[i][k])
                k++;
            replaced = replaced || (env[i][k] == '=' && w[k] == L'=');
        }
        if (!replaced) {
            wmemcpy(block + at, w, wcslen(w) + 1);
            at += wcslen(w) + 1;
        }
    }
    if (ours != NULL)
        (void)FreeEnvironmentStringsW(ours);
    if (block == NULL)
        return fail(OutOfMemory);
    for (size_t i = 0; env[i] != NULL; i++) {
        auto_free wchar_t *wide = NULL;
        struct err *e = wide_from(env[i], &wide);

        if (e != NULL) {
            free(block);
            return e;
        }
        wmemcpy(block + at, wide, wcslen(wide) + 1);
        at += wcslen(wide) + 1;
    }
    *ret = block;
    return NULL;
}

/* Our end can be read with a deadline, theirs is inherited. */
static struct err *
output_pipe(struct run *r, HANDLE *ret_theirs)
{
    static LONG number;
    SECURITY_ATTRIBUTES inherit = { sizeof(inherit), NULL, TRUE };
    wchar_t name[80];

    (void)swprintf(name, sizeof(name) / sizeof(name[0]), L"\\\\.\\pipe\\firn-%lu-%ld",
        GetCurrentProcessId(), InterlockedIncrement(&number));
    r->out = CreateNamedPipeW(name,
        PIPE_ACCESS_INBOUND | FILE_FLAG_OVERLAPPED | FILE_FLAG_FIRST_PIPE_INSTANCE,
        PIPE_TYPE_BYTE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS, 1, BLOCK, BLOCK, 0, NULL);
    if (r->out == INVALID_HANDLE_VALUE)
        return fail(WindowsCallFailed, "CreateNamedPipeW");
    *ret_theirs = CreateFileW(name, GENERIC_WRITE, 0, &inherit, OPEN_EXISTING, 0, NULL);
    if (*ret_theirs == INVALID_HANDLE_VALUE)
        return fail(WindowsCallFailed, "CreateFileW");
    r->reading.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL);
    return r->reading.hEvent == NULL ? fail(WindowsCallFailed, "CreateEventW") : NULL;
}

static struct err *
input_pipe(struct run *r, bool talk, HANDLE *ret_theirs)
{
    SECURITY_ATTRIBUTES inherit = { sizeof(inherit), NULL, TRUE };

    if (!talk) {
        *ret_theirs = CreateFileW(L"NUL", GENERIC_READ | GENERIC_WRITE,
            FILE_SHARE_READ | FILE_SHARE_WRITE, &inherit, OPEN_EXISTING, 0, NULL);
        return *ret_theirs == INVALID_HANDLE_VALUE ? fail(WindowsCallFailed, "CreateFileW") :
                                                     NULL;
    }
    if (!CreatePipe(ret_theirs, &r->in, &inherit, 0) ||
        !SetHandleInformation(r->in, HANDLE_FLAG_INHERIT, 0))
        return fail(WindowsCallFailed, "CreatePipe");
    return NULL;
}

/* Does everything in the job end when the last handle of it does? */
static bool
set_job(HANDLE job, bool ends)
{
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = { 0 };

    limits.BasicLimitInformation.LimitFlags = ends ? JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE : 0;
    return SetInformationJobObject(job, JobObjectExtendedLimitInformation, &limits,
        sizeof(limits));
}

static struct err *
make_job(bool survives, HANDLE *ret)
{
    *ret = CreateJobObjectW(NULL, NULL);
    if (*ret == NULL || !set_job(*ret, !survives))
        return fail(WindowsCallFailed, "CreateJobObjectW");
    return NULL;
}

/* CreateProcessW that lets exactly ${n} handles through. */
static struct err *
create(wchar_t *line, DWORD flags, const struct run_options *o, HANDLE *handles, size_t n,
    STARTUPINFOEXW *si, PROCESS_INFORMATION *pi)
{
    auto_free wchar_t *env = NULL, *folder = NULL;
    SIZE_T size = 0;
    BOOL good;

    if (o->env != NULL)
        TRY(environment(o->env, &env));
    if (o->folder != NULL)
        TRY(wide_path(o->folder, &folder));
    (void)InitializeProcThreadAttributeList(NULL, 1, 0, &size);
    auto_free LPPROC_THREAD_ATTRIBUTE_LIST list = calloc(1, size == 0 ? 1 : size);
    if (list == NULL)
        return fail(OutOfMemory);
    if (!InitializeProcThreadAttributeList(list, 1, 0, &size))
        return fail(WindowsCallFailed, "InitializeProcThreadAttributeList");
    good = UpdateProcThreadAttribute(list, 0, PROC_THREAD_ATTRIBUTE_HANDLE_LIST, handles,
        n * sizeof(handles[0]), NULL, NULL);
    si->StartupInfo.cb = sizeof(*si);
    si->lpAttributeList = list;
    good = good && CreateProcessW(NULL, line, NULL, NULL, TRUE,
        flags | EXTENDED_STARTUPINFO_PRESENT | CREATE_UNICODE_ENVIRONMENT, env, folder,
        &si->StartupInfo, pi);
    DWORD error = GetLastError();
    DeleteProcThreadAttributeList(list);
    SetLastError(error);
    return good ? NULL : fail(WindowsCallFailed, "CreateProcessW");
}

static struct err *
start(struct run *r, const struct run_options *o)
{
    auto_free wchar_t *line = NULL;
    auto_handle in = NULL, out = NULL;
    STARTUPINFOEXW si = { 0 };
    PROCESS_INFORMATION pi = { 0 };

    TRY(command_line(o->program, o->arguments, &line));
    TRY(make_job(o->survives, &r->job));
    TRY(input_pipe(r, o->talk, &in));
    TRY(output_pipe(r, &out));
    HANDLE handles[] = { in, out };
    si.StartupInfo.dwFlags = STARTF_USESTDHANDLES;
    si.StartupInfo.hStdInput = in;
    si.StartupInfo.hStdOutput = out;
    si.StartupInfo.hStdError = o->talk ? NULL : out;
    TRY(create(line, CREATE_SUSPENDED | CREATE_NO_WINDOW, o, handles, 2, &si, &pi));
    auto_handle thread = pi.hThread;
    r->process = pi.hProcess;
    if (!AssignProcessToJobObject(r->job, r->process)) {
        struct err *e = fail(WindowsCallFailed, "AssignProcessToJobObject");
        (void)TerminateProcess(r->process, 1);
        return e;
    }
    if (ResumeThread(thread) == (DWORD)-1)
        return fail(WindowsCallFailed, "ResumeThread");
    return NULL;
}

struct err *
run_start(const struct run_options *o, struct run **ret)
{
    auto_ptr(run) r = calloc(1, sizeof(*r));
    size_t n = 0;

    if (r == NULL)
        return fail(OutOfMemory);
    while (o->arguments != NULL && o->arguments[n] != NULL)
        n++;
    if (n > RUN_ARGUMENTS_MAX)
        return fail(InputInvalid, o->program, "it is given too many arguments");
    TRY(start(r, o));
    *ret = take(r);
    return NULL;
}

struct err *
run_tell(struct run *r, const char *line)
{
    struct text t = { 0 };
    DWORD n = 0;
    bool good;

    text_fmt(&t, "%s\n", line);
    if (t.no_memory)
        return fail(OutOfMemory);
    good = WriteFile(r->in, t.s, (DWORD)t.len, &n, NULL) && n == t.len;
    text_done(&t);
    return good ? NULL : fail(WindowsCallFailed, "WriteFile");
}

static struct err *
keep(struct run *r, DWORD n)
{
    size_t room = RUN_OUTPUT_MAX - r->kept.len;

    text_add(&r->kept, r->block, n < room ? n : room);
    return r->kept.no_memory ? fail(OutOfMemory) : NULL;
}

/* A read is under way or the pipe has ended. */
static void
begin_reading(struct run *r)
{
    if (r->pending || r->out == NULL)
        return;
    (void)ResetEvent(r->reading.hEvent);
    r->pending = ReadFile(r->out, r->block, BLOCK, NULL, &r->reading) ||
                 GetLastError() == ERROR_IO_PENDING;
    if (!r->pending)
        close_handle(&r->out);
}

static struct err *
end_reading(struct run *r)
{
    DWORD n = 0;

    r->pending = false;
    if (!GetOverlappedResult(r->out, &r->reading, &n, FALSE)) {
        close_handle(&r->out); /* the last writer has gone */
        return NULL;
    }
    return keep(r, n);
}

/* Wait until there is output, the child ends, or the deadline comes. */
static struct err *
step(struct run *r, struct deadline by)
{
    HANDLE what[2];
    DWORD n = 0, got;

    begin_reading(r);
    if (r->pending)
        what[n++] = r->reading.hEvent;
    if (!r->ended)
        what[n++] = r->process;
    if (n == 0)
        return NULL;
    got = WaitForMultipleObjects(n, what, FALSE, (DWORD)deadline_poll_ms(by));
    if (got == WAIT_FAILED)
        return fail(WindowsCallFailed, "WaitForMultipleObjects");
    if (r->pending && WaitForSingleObject(r->reading.hEvent, 0) == WAIT_OBJECT_0)
        TRY(end_reading(r));
    if (!r->ended && WaitForSingleObject(r->process, 0) == WAIT_OBJECT_0) {
        r->ended = true;
        if (!GetExitCodeProcess(r->process, &r->status))
            return fail(WindowsCallFailed, "GetExitCodeProcess");
    }
    return NULL;
}

static char *
next_line(struct run *r)
{
    char *begin, *end, *line;
    size_t len;

    if (r->kept.s == NULL)
        return NULL;
    begin = r->kept.s + r->line_at;
    end = memchr(begin, '\n', r->kept.len - r->line_at);
    if (end == NULL)
        return NULL;
    len = (size_t)(end - begin);
    r->line_at += len + 1;
    if (len > 0 && begin[len - 1] == '\r')
        len--;
    line = calloc(1, len + 1);
    return line == NULL ? NULL : memcpy(line, begin, len);
}

struct err *
run_line(struct run *r, struct deadline by, char **ret)
{
    *ret = NULL;
    for (;;) {
        *ret = next_line(r);
        if (*ret != NULL || r->out == NULL || deadline_passed(by))
            return NULL;
        TRY(step(r, by));
    }
}

struct err *
run_wait(struct run *r, struct deadline by, bool *ret_ended, uint32_t *ret_exit)
{
    struct deadline rest = deadline_never();

    while (!r->ended && !deadline_passed(by))
        TRY(step(r, by));
    if (r->ended)
        rest = deadline_in_ms(LEFTOVER_MS);
    while (r->ended && r->out != NULL && !deadline_passed(rest))
        TRY(step(r, rest));
    *ret_ended = r->ended;
    if (r->ended)
        *ret_exit = (uint32_t)r->status;
    return NULL;
}

const char *
run_output(const struct run *r)
{
    return r->kept.s != NULL ? r->kept.s : "";
}

void
run_free(struct run *r)
{
    DWORD n;

    if (r == NULL)
        return;
    if (r->job != NULL && !r->ended) {
        (void)TerminateJobObject(r->job, 1);
        if (r->process != NULL)
            (void)WaitForSingleObject(r->process, END_MS);
    }
    if (r->job != NULL && r->ended) /* what a child left behind in peace may go on */
        (void)set_job(r->job, false);
    if (r->pending) { /* the block must not be written to once it is freed */
        (void)CancelIoEx(r->out, &r->reading);
        (void)GetOverlappedResult(r->out, &r->reading, &n, TRUE);
    }
    close_handle(&r->in);
    close_handle(&r->out);
    close_handle(&r->reading.hEvent);
    close_handle(&r->process);
    close_handle(&r->job);
    text_done(&r->kept);
    free(r);
}

/* The handle of the watched process, for the watcher's environment. */
static const char VARIABLE[] = "FIRN_WATCHED";

struct err *
run_watcher(const char *const argv[])
{
    HANDLE us = GetCurrentProcess();
    auto_handle mine = NULL;
    auto_free wchar_t *line = NULL;
    STARTUPINFOEXW si = { 0 };
    PROCESS_INFORMATION pi = { 0 };
    char variable[64];
    const char *env[] = { variable, NULL };
    struct run_options o = { .env = env };
    struct err *e;

    if (!DuplicateHandle(us, us, us, &mine, SYNCHRONIZE | PROCESS_TERMINATE, TRUE, 0))
        return fail(WindowsCallFailed, "DuplicateHandle");
    (void)snprintf(variable, sizeof(variable), "%s=%llu", VARIABLE,
        (unsigned long long)(uintptr_t)mine);
    TRY(command_line(argv[0], argv + 1, &line));
    /* out of the agent's job, which may end with its command; where that is forbidden it
     * stays inside */
    e = create(line, DETACHED_PROCESS | CREATE_BREAKAWAY_FROM_JOB, &o, &mine, 1, &si, &pi);
    if (e != NULL) {
        err_free(e);
        TRY(create(line, DETACHED_PROCESS, &o, &mine, 1, &si, &pi));
    }
    close_handle(&pi.hThread);
    close_handle(&pi.hProcess);
    return NULL;
}

static HANDLE
watched(void)
{
    const char *s = getenv(VARIABLE);
    uint64_t number;

    return s != NULL && number_parse(s, &number) ? (HANDLE)(uintptr_t)number : NULL;
}

bool
run_watched_wait(struct deadline by)
{
    HANDLE h = watched();

    return h == NULL || WaitForSingleObject(h, (DWORD)deadline_poll_ms(by)) != WAIT_TIMEOUT;
}

void
run_watched_end(void)
{
    HANDLE h = watched();

    if (h != NULL && TerminateProcess(h, 1))
        (void)WaitForSingleObject(h, END_MS);
}
