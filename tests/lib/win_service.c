/* SPDX-License-Identifier: Apache-2.0 */
/* test-service.exe LOG -- a service that does nothing until it is stopped.  It adds a line to
 * LOG when it has started and before it stops: "NAME runs", "NAME stops". */
#include <stdio.h>
#include <windows.h>

static SERVICE_STATUS_HANDLE handle;
static HANDLE asked;
static const wchar_t *logged;

static void
tell(DWORD state)
{
    SERVICE_STATUS status = { .dwServiceType = SERVICE_WIN32_OWN_PROCESS,
        .dwCurrentState = state,
        .dwControlsAccepted = state == SERVICE_RUNNING ? SERVICE_ACCEPT_STOP : 0 };

    (void)SetServiceStatus(handle, &status);
}

static DWORD WINAPI
on_control(DWORD control, DWORD type, void *data, void *arg)
{
    (void)type;
    (void)data;
    (void)arg;
    if (control == SERVICE_CONTROL_STOP)
        (void)SetEvent(asked);
    return control == SERVICE_CONTROL_STOP || control == SERVICE_CONTROL_INTERROGATE
        ? NO_ERROR : ERROR_CALL_NOT_IMPLEMENTED;
}

static void
note(const wchar_t *name, const char *what)
{
    FILE *f = _wfopen(logged, L"ab");

    if (f == NULL)
        return;
    (void)fprintf(f, "%ls %s\n", name, what);
    (void)fclose(f);
}

static void WINAPI
service(DWORD argc, wchar_t **argv)
{
    (void)argc;
    handle = RegisterServiceCtrlHandlerExW(argv[0], on_control, NULL);
    if (handle == NULL)
        return;
    note(argv[0], "runs");
    tell(SERVICE_RUNNING);
    (void)WaitForSingleObject(asked, INFINITE);
    note(argv[0], "stops");
    tell(SERVICE_STOPPED);
}

int
wmain(int argc, wchar_t **argv)
{
    wchar_t none[] = L"";
    const SERVICE_TABLE_ENTRYW table[] = { { none, service }, { NULL, NULL } };

    asked = CreateEventW(NULL, TRUE, FALSE, NULL);
    if (argc < 2 || asked == NULL)
        return ERROR_INVALID_PARAMETER;
    logged = argv[1];
    return StartServiceCtrlDispatcherW(table) ? 0 : (int)GetLastError();
}
