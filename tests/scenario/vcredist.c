/* SPDX-License-Identifier: Apache-2.0 */
/* vcredist2013_x64.exe -- a stand-in for the installer of the Visual C++ 2013 runtime.
 *
 *     vcredist2013_x64 /install|/uninstall /quiet /norestart [/log FILE]
 *
 * Like the real one it needs the Windows Installer service: where that is disabled or gone it
 * ends with 1601 (ERROR_INSTALL_SERVICE_FAILURE).  Otherwise it installs, through msiexec,
 * the package vcredist2013_x64.msi that lies beside it, and ends with msiexec's number.  It
 * asks the service first because Wine's msiexec installs without one. */
#include <stdio.h>
#include <windows.h>

enum { PATH_LEN = 1024, WAIT_MS = 120000 };

static FILE *log_file;

static void
say(const char *what, unsigned long number)
{
    printf("%s: %lu\n", what, number);
    if (log_file != NULL) {
        fprintf(log_file, "%s: %lu\r\n", what, number);
        fflush(log_file);
    }
}

/* Can the service be started?  The failure's number, or 0. */
static DWORD
installer_service(void)
{
    SC_HANDLE manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT);
    SC_HANDLE service;
    DWORD error = 0;

    if (manager == NULL)
        return GetLastError();
    service = OpenServiceW(manager, L"msiserver", SERVICE_START | SERVICE_QUERY_STATUS);
    if (service == NULL)
        error = GetLastError();
    else if (!StartServiceW(service, 0, NULL) &&
        GetLastError() != ERROR_SERVICE_ALREADY_RUNNING)
        error = GetLastError();
    if (service != NULL)
        CloseServiceHandle(service);
    CloseServiceHandle(manager);
    return error;
}

static DWORD
msiexec(const wchar_t *verb)
{
    wchar_t self[PATH_LEN], line[PATH_LEN + 64], *slash;
    STARTUPINFOW start = { .cb = sizeof(start) };
    PROCESS_INFORMATION child;
    DWORD status = ERROR_INSTALL_FAILURE;

    if (GetModuleFileNameW(NULL, self, PATH_LEN) == PATH_LEN)
        return ERROR_INSTALL_PACKAGE_OPEN_FAILED;
    slash = wcsrchr(self, L'\\');
    if (slash == NULL)
        return ERROR_INSTALL_PACKAGE_OPEN_FAILED;
    *slash = L'\0';
    _snwprintf(line, PATH_LEN + 64, L"msiexec %ls \"%ls\\vcredist2013_x64.msi\" /qn", verb,
        self);
    if (!CreateProcessW(NULL, line, NULL, NULL, FALSE, 0, NULL, NULL, &start, &child))
        return GetLastError();
    if (WaitForSingleObject(child.hProcess, WAIT_MS) == WAIT_OBJECT_0)
        GetExitCodeProcess(child.hProcess, &status);
    else
        TerminateProcess(child.hProcess, status);
    CloseHandle(child.hProcess);
    CloseHandle(child.hThread);
    return status;
}

int
wmain(int argc, wchar_t **argv)
{
    const wchar_t *verb = NULL;
    DWORD error;

    for (int i = 1; i < argc; i++) {
        if (_wcsicmp(argv[i], L"/install") == 0)
            verb = L"/i";
        else if (_wcsicmp(argv[i], L"/uninstall") == 0)
            verb = L"/x";
        else if (_wcsicmp(argv[i], L"/log") == 0 && i + 1 < argc)
            log_file = _wfopen(argv[++i], L"wb");
        else if (_wcsicmp(argv[i], L"/quiet") != 0 && _wcsicmp(argv[i], L"/norestart") != 0)
            return ERROR_INVALID_COMMAND_LINE;
    }
    if (verb == NULL)
        return ERROR_INVALID_COMMAND_LINE;
    error = installer_service();
    if (error != 0) {
        say("the Windows Installer service could not be started", error);
        return ERROR_INSTALL_SERVICE_FAILURE;
    }
    error = msiexec(verb);
    say("msiexec ended", error);
    return (int)error;
}
