/* SPDX-License-Identifier: Apache-2.0 */
/* sc.exe for tests, since Wine's own knows neither qc nor config: query, qc, config, create,
 * start, stop, delete and enumdepend, on the real service manager, in the form of Windows'
 * program.  Which service needs which is read from the keys of services, since Wine's manager
 * does not say it; nor does it refuse to stop one that others need, as is done here.
 *
 * Labels are those of a German Windows: who reads this may read numbers only. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <windows.h>

static int
failed(const char *what)
{
    DWORD number = GetLastError();

    printf("[SC] %s FEHLER %lu:\r\n\r\n", what, number);
    return (int)number;
}

static const wchar_t *
option(int argc, wchar_t **argv, const wchar_t *name)
{
    for (int i = 3; i + 1 < argc; i++)
        if (_wcsicmp(argv[i], name) == 0)
            return argv[i + 1];
    return NULL;
}

/* The number that stands at ${word}'s place in the list; ${none} when it was not given. */
static DWORD
number_of(const wchar_t *word, const wchar_t *const list[], DWORD none)
{
    for (DWORD i = 0; word != NULL && list[i] != NULL; i++)
        if (_wcsicmp(list[i], word) == 0)
            return i;
    return none;
}

static const wchar_t *const starts[] = { L"boot", L"system", L"auto", L"demand", L"disabled",
    NULL };
static const wchar_t *const controls[] = { L"ignore", L"normal", L"severe", L"critical", NULL };

/* "a/b" as Windows wants it: each with its NUL, and one more. */
static const wchar_t *
depends_of(const wchar_t *words)
{
    static wchar_t list[512];

    if (words == NULL)
        return NULL;
    for (size_t i = 0; words[i] != L'\0' && i < 510; i++)
        list[i] = words[i] == L'/' ? L'\0' : words[i];
    return list;
}

static int
create(SC_HANDLE manager, int argc, wchar_t **argv)
{
    const wchar_t *type = option(argc, argv, L"type=");
    const wchar_t *display = option(argc, argv, L"DisplayName=");
    SC_HANDLE s = CreateServiceW(manager, argv[2], display != NULL ? display : argv[2],
        SERVICE_ALL_ACCESS,
        type != NULL && _wcsicmp(type, L"share") == 0 ? SERVICE_WIN32_SHARE_PROCESS :
                                                        SERVICE_WIN32_OWN_PROCESS,
        number_of(option(argc, argv, L"start="), starts, 3),
        number_of(option(argc, argv, L"error="), controls, 1),
        option(argc, argv, L"binPath="), NULL, NULL,
        depends_of(option(argc, argv, L"depend=")), option(argc, argv, L"obj="), NULL);

    return s != NULL ? 0 : failed("CreateService");
}

static int
config(SC_HANDLE s, int argc, wchar_t **argv)
{
    const wchar_t *type = option(argc, argv, L"type=");
    DWORD kind = type == NULL ? SERVICE_NO_CHANGE
        : _wcsicmp(type, L"share") == 0 ? SERVICE_WIN32_SHARE_PROCESS
                                        : SERVICE_WIN32_OWN_PROCESS;

    return ChangeServiceConfigW(s, kind,
               number_of(option(argc, argv, L"start="), starts, SERVICE_NO_CHANGE),
               number_of(option(argc, argv, L"error="), controls, SERVICE_NO_CHANGE),
               option(argc, argv, L"binPath="), NULL, NULL,
               depends_of(option(argc, argv, L"depend=")), option(argc, argv, L"obj="), NULL,
               option(argc, argv, L"DisplayName=")) ?
               0 : failed("ChangeServiceConfig");
}

static int
print_config(SC_HANDLE s)
{
    static union {
        QUERY_SERVICE_CONFIGW c;
        char room[8192];
    } u;
    DWORD need;

    if (!QueryServiceConfigW(s, &u.c, sizeof(u), &need))
        return failed("QueryServiceConfig");
    printf("[SC] QueryServiceConfig ERFOLG\r\n\r\nDIENST_NAME: x : 9\r\n"
           "        TYP                : %lx  WIN32_OWN_PROCESS\r\n"
           "        STARTTYP           : %lu   DEMAND_START\r\n"
           "        FEHLERSTEUERUNG    : %lu   NORMAL\r\n"
           "        BINAERER_PFADNAME  : C:\\x : y\r\n",
        u.c.dwServiceType, u.c.dwStartType, u.c.dwErrorControl);
    return 0;
}

static int
print_state(SC_HANDLE s)
{
    SERVICE_STATUS status;

    if (!QueryServiceStatus(s, &status))
        return failed("QueryServiceStatus");
    printf("\r\nDIENST_NAME: x : 9\r\n"
           "        TYP                : %lx  WIN32\r\n"
           "        STATUS             : %lu  ZUSTAND\r\n"
           "        WIN32_BEENDIGUNGSCODE : %lu\r\n",
        status.dwServiceType, status.dwCurrentState, status.dwWin32ExitCode);
    return 0;
}

/* ---- services that need another ---- */

enum { SERVICES_MAX = 256 };

static struct {
    const wchar_t *name;
    wchar_t needs[512]; /* each with its NUL, and one more */
    DWORD state;
    BOOL in; /* needs the service in question */
} services[SERVICES_MAX];
static DWORD nservices;

static BOOL
read_services(SC_HANDLE manager)
{
    static union {
        ENUM_SERVICE_STATUS_PROCESSW one;
        BYTE room[256 * 1024];
    } list;
    const ENUM_SERVICE_STATUS_PROCESSW *all = &list.one;
    DWORD need, next = 0;

    if (!EnumServicesStatusExW(manager, SC_ENUM_PROCESS_INFO, SERVICE_WIN32, SERVICE_STATE_ALL,
            list.room, sizeof(list), &need, &nservices, &next, NULL))
        return FALSE;
    for (DWORD i = 0; i < nservices && i < SERVICES_MAX; i++) {
        wchar_t key[300] = L"SYSTEM\\CurrentControlSet\\Services\\";
        DWORD len = sizeof(services[i].needs) - 2 * sizeof(wchar_t);

        services[i].name = all[i].lpServiceName;
        services[i].state = all[i].ServiceStatusProcess.dwCurrentState;
        wcsncat(key, services[i].name, 200);
        (void)RegGetValueW(HKEY_LOCAL_MACHINE, key, L"DependOnService", RRF_RT_REG_MULTI_SZ,
            NULL, services[i].needs, &len);
    }
    return TRUE;
}

static BOOL
says(DWORD i, const wchar_t *needed)
{
    for (const wchar_t *s = services[i].needs; *s != L'\0'; s += wcslen(s) + 1)
        if (_wcsicmp(s, needed) == 0)
            return TRUE;
    return FALSE;
}

static void
find_dependents(const wchar_t *name)
{
    for (BOOL more = TRUE; more;) {
        more = FALSE;
        for (DWORD i = 0; i < nservices; i++) {
            BOOL in = says(i, name);

            for (DWORD k = 0; !in && k < nservices; k++)
                in = services[k].in && says(i, services[k].name);
            more = more || (in && !services[i].in);
            services[i].in = services[i].in || in;
        }
    }
}

static int
print_dependents(SC_HANDLE manager, const wchar_t *name)
{
    DWORD n = 0;

    if (!read_services(manager))
        return failed("EnumServicesStatusEx");
    find_dependents(name);
    for (DWORD i = 0; i < nservices; i++)
        n += services[i].in ? 1 : 0;
    printf("Enum: entriesRead  = %lu\r\n\r\n", n);
    for (DWORD i = 0; i < nservices; i++)
        if (services[i].in)
            printf("DIENST_NAME: %ls\r\nANZEIGENAME: Dienst : 9\r\n"
                   "        TYP                : 10  WIN32_OWN_PROCESS\r\n"
                   "        STATUS             : %lu  ZUSTAND\r\n"
                   "                                (STOPPABLE, NOT_PAUSABLE)\r\n"
                   "        WIN32_BEENDIGUNGSCODE : 0  (0x0)\r\n\r\n",
                services[i].name, services[i].state);
    return 0;
}

static int
stop(SC_HANDLE s, const wchar_t *name)
{
    SC_HANDLE manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_ALL_ACCESS);
    SERVICE_STATUS status;

    if (manager == NULL || !read_services(manager))
        return failed("OpenSCManager");
    for (DWORD i = 0; i < nservices; i++)
        if (says(i, name) && services[i].state != SERVICE_STOPPED) {
            SetLastError(ERROR_DEPENDENT_SERVICES_RUNNING);
            return failed("ControlService");
        }
    return ControlService(s, SERVICE_CONTROL_STOP, &status) ? 0 : failed("ControlService");
}

static int
do_with(SC_HANDLE s, int argc, wchar_t **argv)
{

    if (_wcsicmp(argv[1], L"qc") == 0)
        return print_config(s);
    if (_wcsicmp(argv[1], L"query") == 0)
        return print_state(s);
    if (_wcsicmp(argv[1], L"config") == 0)
        return config(s, argc, argv);
    if (_wcsicmp(argv[1], L"start") == 0)
        return StartServiceW(s, 0, NULL) ? 0 : failed("StartService");
    if (_wcsicmp(argv[1], L"stop") == 0)
        return stop(s, argv[2]);
    if (_wcsicmp(argv[1], L"delete") == 0)
        return DeleteService(s) ? 0 : failed("DeleteService");
    return ERROR_INVALID_PARAMETER;
}

int
wmain(int argc, wchar_t **argv)
{
    SC_HANDLE manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_ALL_ACCESS);

    if (argc < 3)
        return ERROR_INVALID_PARAMETER;
    if (manager == NULL)
        return failed("OpenSCManager");
    if (_wcsicmp(argv[1], L"create") == 0)
        return create(manager, argc, argv);
    SC_HANDLE s = OpenServiceW(manager, argv[2], SERVICE_ALL_ACCESS);

    if (s == NULL)
        return failed("OpenService");
    return _wcsicmp(argv[1], L"enumdepend") == 0 ? print_dependents(manager, argv[2])
                                                 : do_with(s, argc, argv);
}
