/* SPDX-License-Identifier: Apache-2.0 */
/* service NUMBER -- set the start type of the Windows Installer service through the service
 * manager, as an administrator who hardens a machine would: 3 on demand, 4 disabled.  Without
 * a number: print the one that the manager has. */
#include <stdio.h>
#include <windows.h>

enum { CONFIG_LEN = 8192 };

int
wmain(int argc, wchar_t **argv)
{
    static union {
        QUERY_SERVICE_CONFIGW config;
        char room[CONFIG_LEN];
    } u;
    SC_HANDLE manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_ALL_ACCESS), service = NULL;
    DWORD error = 0, len;

    if (manager != NULL)
        service = OpenServiceW(manager, L"msiserver", SERVICE_ALL_ACCESS);
    if (service == NULL ||
        (argc > 1 && !ChangeServiceConfigW(service, SERVICE_NO_CHANGE,
            (DWORD)_wtoi(argv[1]), SERVICE_NO_CHANGE, NULL, NULL, NULL, NULL, NULL, NULL,
            NULL)))
        error = GetLastError();
    else if (argc == 1 && QueryServiceConfigW(service, &u.config, sizeof(u), &len))
        printf("%lu\n", u.config.dwStartType);
    if (service != NULL)
        CloseServiceHandle(service);
    if (manager != NULL)
        CloseServiceHandle(manager);
    return (int)error;
}
