/* SPDX-License-Identifier: Apache-2.0 */
/* host.h by LoadLibraryExW.  No box with an error may wait for a person whom nobody will
 * see.  The version is that of the file's resources. */
#include <fcntl.h>
#include <io.h>
#include <stdio.h>
#include <string.h>
#include <windows.h>

#include "clock.h"
#include "host.h"
#include "os.h"
#include "wide.h"

static enum host_reason
reason_of(DWORD number)
{
    switch (number) {
    case ERROR_MOD_NOT_FOUND:
    case ERROR_FILE_NOT_FOUND:
    case ERROR_PATH_NOT_FOUND:
        return HOST_MISSING;
    case ERROR_PROC_NOT_FOUND:
        return HOST_SYMBOL;
    case ERROR_BAD_EXE_FORMAT:
    case ERROR_EXE_MACHINE_TYPE_MISMATCH:
        return HOST_FORMAT;
    case ERROR_OLD_WIN_VERSION:
        return HOST_VERSION;
    case ERROR_DLL_INIT_FAILED:
    case ERROR_ACCESS_DENIED:
        return HOST_REFUSED;
    default:
        return HOST_OTHER;
    }
}

static void
put_version(const wchar_t *path, struct host_library *to)
{
    DWORD unused, size = GetFileVersionInfoSizeW(path, &unused);
    auto_free void *info = size == 0 ? NULL : calloc(1, size);
    VS_FIXEDFILEINFO *fixed;
    UINT len;

    if (info == NULL || !GetFileVersionInfoW(path, 0, size, info) ||
        !VerQueryValueW(info, L"\\", (void **)&fixed, &len) || len < sizeof(*fixed))
        return;
    (void)snprintf(to->version, sizeof(to->version), "%lu.%lu.%lu.%lu",
        fixed->dwFileVersionMS >> 16, fixed->dwFileVersionMS & 0xffff,
        fixed->dwFileVersionLS >> 16, fixed->dwFileVersionLS & 0xffff);
}

void
host_load(const char *library, bool system, struct host_library *ret)
{
    auto_free wchar_t *wide = NULL;
    auto_free char *path = NULL;
    wchar_t where[1024];
    struct err *e = wide_path(library, &wide);

    ret->reason = HOST_OTHER;
    if (e != NULL) {
        err_free(e);
        return;
    }
    ret->handle = LoadLibraryExW(wide, NULL,
        system ? LOAD_LIBRARY_SEARCH_SYSTEM32 :
                 LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR | LOAD_LIBRARY_SEARCH_SYSTEM32);
    if (ret->handle == NULL) {
        ret->number = (int64_t)GetLastError();
        ret->reason = reason_of((DWORD)ret->number);
        return;
    }
    ret->reason = HOST_LOADED;
    if (GetModuleFileNameW(ret->handle, where, sizeof(where) / sizeof(where[0])) == 0)
        return;
    put_version(where, ret);
    e = wide_to(where, &path);
    if (e == NULL)
        (void)snprintf(ret->path, sizeof(ret->path), "%s", path);
    err_free(e);
}

void *
host_symbol(const struct host_library *l, const char *name)
{
    FARPROC f = GetProcAddress(l->handle, name);
    void *symbol;

    memcpy(&symbol, &f, sizeof(symbol));
    return symbol;
}

int
host_own_output(void)
{
    int fd = _dup(1), null = _open("NUL", _O_WRONLY);

    if (fd < 0 || null < 0 || _dup2(null, 1) < 0)
        return -1;
    (void)_setmode(fd, _O_BINARY);
    (void)SetStdHandle(STD_OUTPUT_HANDLE, (HANDLE)_get_osfhandle(1));
    (void)SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX | SEM_NOOPENFILEERRORBOX);
    return fd;
}

static DWORD WINAPI
end_later(void *arg)
{
    Sleep((DWORD)(uintptr_t)arg);
    (void)TerminateProcess(GetCurrentProcess(), 3);
    return 0;
}

void
host_end_in(uint32_t seconds)
{
    HANDLE thread = CreateThread(NULL, 0, end_later, (void *)((uintptr_t)seconds * 1000), 0,
        NULL);

    if (thread != NULL)
        (void)CloseHandle(thread);
}

/* The other end of standard input is an anonymous pipe, which has no waiting with a
 * deadline: a thread reads, and the host waits for it. */
struct reading {
    char *to;
    unsigned long size;
    int result;
};

static DWORD WINAPI
read_line(void *arg)
{
    struct reading *r = arg;
    unsigned long n = 0;
    char c;
    DWORD got;

    for (;;) {
        if (!ReadFile(GetStdHandle(STD_INPUT_HANDLE), &c, 1, &got, NULL) || got != 1 ||
            n + 1 == r->size)
            return 0;
        if (c == '\n')
            break;
        if (c != '\r')
            r->to[n++] = c;
    }
    r->to[n] = '\0';
    r->result = 1;
    return 0;
}

int
host_line(char *to, unsigned long size, uint32_t deadline_ms)
{
    struct reading r = { to, size, -1 };
    HANDLE thread = CreateThread(NULL, 0, read_line, &r, 0, NULL);
    DWORD got;

    if (thread == NULL)
        return -1;
    got = WaitForSingleObject(thread, deadline_ms);
    if (got != WAIT_OBJECT_0) {
        /* the host ends after this, so what the thread holds does not matter */
        (void)TerminateThread(thread, 0);
        r.result = 0;
    }
    (void)CloseHandle(thread);
    return r.result;
}

int
main(void)
{
    char **argv = NULL;
    int argc = 0, status;
    struct err *e = wide_arguments(&argc, &argv);

    if (e != NULL) {
        err_free(e);
        return 1;
    }
    status = host_main(argc, argv);
    wide_arguments_free(argc, argv);
    return status;
}
