/* SPDX-License-Identifier: Apache-2.0 */
/* Names and values are those that a Windows Server has; GUIDs in the Installer's keys are
 * packed as it packs them. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "hive_maker.h"
#include "pe_maker.h"
#include "windows_maker.h"

#define SERVICES "ControlSet001\\Services"
#define MSISERVER(start) \
    "[" SERVICES "\\msiserver]\n" \
    "DependOnService = multi:rpcss\n" \
    "Description = sz:@%SystemRoot%\\system32\\msimsg.dll,-32\n" \
    "DisplayName = sz:@%SystemRoot%\\system32\\msimsg.dll,-27\n" \
    "ErrorControl = dword:1\n" \
    "ImagePath = expand:%systemroot%\\system32\\msiexec.exe /V\n" \
    "ObjectName = sz:LocalSystem\n" \
    "ServiceSidType = dword:1\n" \
    "Start = dword:" start "\n" \
    "Type = dword:0x10\n" \
    "RequiredPrivileges = multi:SeTcbPrivilege|SeRestorePrivilege|SeBackupPrivilege\n"

#define SYSTEM(start) \
    "[Select]\nCurrent = dword:1\nDefault = dword:1\nFailed = dword:0\n" \
    "LastKnownGood = dword:2\n" \
    "[ControlSet001\\Control\\Session Manager\\Environment]\n" \
    "PROCESSOR_ARCHITECTURE = sz:AMD64\n" \
    "windir = expand:%SystemRoot%\n" \
    "[ControlSet001\\Control\\ComputerName\\ComputerName]\nComputerName = sz:WEB1\n" \
    "[" SERVICES "\\COMSysApp]\nStart = dword:3\nType = dword:0x10\n" \
    "ImagePath = expand:%SystemRoot%\\system32\\dllhost.exe /Processid:{02D4B3F1-FD88-11D1-" \
    "960D-00805FC79235}\n" \
    "[" SERVICES "\\MSDTC]\nStart = dword:2\nType = dword:0x10\n" \
    "ImagePath = expand:%SystemRoot%\\system32\\msdtc.exe\n" \
    "[" SERVICES "\\RpcSs]\nStart = dword:2\nType = dword:0x20\n" \
    "ImagePath = expand:%SystemRoot%\\system32\\svchost.exe -k rpcss\n" \
    "[" SERVICES "\\VSS]\nStart = dword:3\nType = dword:0x10\n" \
    "ImagePath = expand:%systemroot%\\system32\\vssvc.exe\n" \
    "[" SERVICES "\\WindowsAzureGuestAgent]\nStart = dword:2\nType = dword:0x10\n" \
    "ImagePath = expand:C:\\WindowsAzure\\GuestAgent\\WindowsAzureGuestAgent.exe\n" \
    MSISERVER(start) \
    "[ControlSet002\\Services\\msiserver]\nStart = dword:3\nType = dword:0x10\n"

#define VERSION "Microsoft\\Windows NT\\CurrentVersion"
#define INSTALLER "Microsoft\\Windows\\CurrentVersion\\Installer"
#define SOFTWARE(installed) \
    "[" VERSION "]\nCurrentBuild = sz:17763\nProductName = sz:Windows Server 2019 Standard\n" \
    "SystemRoot = sz:C:\\Windows\n" \
    "[" INSTALLER "]\nInstallerLocation = sz:C:\\Windows\\System32\\\n" \
    "[Policies\\Microsoft\\Windows\\Installer]\nDisableMSI = dword:0\n" \
    "[Classes\\Installer\\Products]\n" \
    "[Microsoft\\BcdrAgentPersistentKeys]\n" \
    "SnapshotMethod = sz:firstHostThenGuest\n" \
    "[Microsoft\\DevDiv\\VC\\Servicing\\12.0\\RuntimeMinimum]\n" \
    "Install = dword:" installed "\n" \
    "Version = sz:12.0.40660\n"
#define PRODUCT \
    "[Classes\\Installer\\UpgradeCodes\\0FC00402C7EDE723A94E0F3FD809588F]\n" \
    "CE6380BC270BD863282B3D74B09F7570 = sz:\n"

const char *
windows_system_text(enum windows_state state)
{
    return state == WINDOWS_BROKEN ? SYSTEM("4") : SYSTEM("3");
}

const char *
windows_software_text(enum windows_state state)
{
    return state == WINDOWS_BROKEN ? SOFTWARE("0") : SOFTWARE("1") PRODUCT;
}

static bool
gave_up(const char *path)
{
    (void)fprintf(stderr, "%s: %s\n", path, strerror(errno));
    return false;
}

/* With all folders on the way. */
static bool
put(const char *folder, const char *name, const uint8_t *data, size_t len)
{
    char path[4096];
    FILE *f;
    bool ok;

    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path) {
        errno = ENAMETOOLONG;
        return gave_up(name);
    }
    for (char *s = strchr(path + 1, '/'); s != NULL; s = strchr(s + 1, '/')) {
        *s = '\0';
        if (mkdir(path, 0777) != 0 && errno != EEXIST)
            return gave_up(path);
        *s = '/';
    }
    if (data == NULL)
        return true;
    f = fopen(path, "wbx");
    if (f == NULL)
        return gave_up(path);
    ok = fwrite(data, 1, len, f) == len;
    ok = fclose(f) == 0 && ok;
    return ok || gave_up(path);
}

static bool
put_library(const char *folder, const char *name, const char *imports, const char *exports,
    uint16_t a, uint16_t b, uint16_t c)
{
    struct pe_spec spec = { .imports = imports, .exports = exports, .version = { a, b, c, 0 } };
    size_t len;
    uint8_t *file = pe_make(&spec, &len);
    bool ok = put(folder, name, file, len);

    free(file);
    return ok;
}

static bool
put_hive(const char *folder, const char *name, const char *file, const char *text)
{
    uint8_t *data;
    size_t len;
    unsigned line;
    bool ok;

    if (!hive_make(text, name, &data, &len, &line)) {
        (void)fprintf(stderr, "%s: line %u of its description is wrong\n", name, line);
        return false;
    }
    ok = put(folder, file, data, len);
    free(data);
    return ok;
}

#define SYSTEM32 "Windows/System32/"

static bool
put_system(const char *folder, enum windows_state state)
{
    return put_hive(folder, "SYSTEM", WINDOWS_CONFIG "/SYSTEM", windows_system_text(state)) &&
        put_hive(folder, "SOFTWARE", WINDOWS_CONFIG "/SOFTWARE",
            windows_software_text(state)) &&
        put(folder, WINDOWS_CONFIG "/SYSTEM.LOG1", (const uint8_t *)"", 0) &&
        put(folder, WINDOWS_CONFIG "/SYSTEM.LOG2", (const uint8_t *)"", 0) &&
        put(folder, "Windows/SysWOW64/", NULL, 0) &&
        put_library(folder, SYSTEM32 "ntdll.dll", NULL, "NtClose,RtlInitUnicodeString", 10,
            0, 17763) &&
        put_library(folder, SYSTEM32 "kernel32.dll", "ntdll.dll:NtClose",
            "CreateFileW,CloseHandle,Sleep,GetLastError", 10, 0, 17763) &&
        put_library(folder, SYSTEM32 "ole32.dll", "KERNEL32.dll:Sleep",
            "CoInitializeEx,CoCreateInstance", 10, 0, 17763) &&
        put_library(folder, SYSTEM32 "msiexec.exe", "KERNEL32.dll:Sleep", NULL, 5, 0, 17763);
}

#define RUNTIME "_initterm,_initterm_e,free,malloc,memcpy"

static bool
put_runtime(const char *folder)
{
    return put_library(folder, SYSTEM32 "msvcr120.dll", "KERNEL32.dll:Sleep", RUNTIME, 12, 0,
               40660) &&
        put_library(folder, SYSTEM32 "msvcp120.dll", "MSVCR120.dll:malloc,free",
            "_Xlength_error", 12, 0, 40660);
}

static bool
put_version(const char *folder, const char *version)
{
    char path[512];

    (void)snprintf(path, sizeof path, WINDOWS_PLUGIN "/%s/iaasvmprovider.dll", version);
    if (!put_library(folder, path,
            "KERNEL32.dll:Sleep,CloseHandle;ole32.dll:CoInitializeEx;"
            "MSVCR120.dll:malloc,free,_initterm;MSVCP120.dll:_Xlength_error",
            "DllRegisterServer,DllUnregisterServer", 1, 0, 10012))
        return false;
    (void)snprintf(path, sizeof path, WINDOWS_PLUGIN "/%s/vcredist2013_x64.exe", version);
    return put_library(folder, path, "KERNEL32.dll:Sleep", NULL, 12, 0, 40660);
}

static bool
put_plugins(const char *folder)
{
    return put_version(folder, "1.0.9120.0") && put_version(folder, "1.0.9131.0") &&
        put_version(folder, WINDOWS_LATEST) &&
        put(folder, WINDOWS_PLUGIN "/1.0.x/", NULL, 0) &&
        put(folder, WINDOWS_PLUGIN "/backup of 1.0.99999.0/", NULL, 0) &&
        put(folder, WINDOWS_PLUGIN "/1.0.99999.0", (const uint8_t *)"a file\n", 7);
}

bool
windows_make(const char *folder, enum windows_state state)
{
    return put_system(folder, state) && (state == WINDOWS_BROKEN || put_runtime(folder)) &&
        put_plugins(folder);
}
