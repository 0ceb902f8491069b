/* SPDX-License-Identifier: Apache-2.0 */
/* state.h's folder on Windows: for administrators and the system firn\state in ProgramData,
 * for others in their own AppData\Local, and open to its owner, administrators and the system
 * alone.  Anybody may make folders in ProgramData, so one that was there is judged by its owner
 * and by who may write to it before anything in it is believed. */
#include <string.h>
#include <windows.h>
#include <accctrl.h>
#include <aclapi.h>
#include <sddl.h>

#include "auto.h"
#include "codes.h"
#include "state.h"
#include "wide.h"

/* Rights by which somebody could put another folder in the place of ours, and those by which he
 * could put files into it: in the folder above, files of others do no harm. */
enum { REPLACES = FILE_DELETE_CHILD | WRITE_DAC | WRITE_OWNER | DELETE,
    WRITES = REPLACES | FILE_WRITE_DATA | FILE_APPEND_DATA };

/* Full control for the system, administrators and the owner; nothing from above. */
#define RIGHTS L"D:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;OW)"

static bool
is_user(PSID sid)
{
    union {
        TOKEN_USER user;
        BYTE room[sizeof(TOKEN_USER) + SECURITY_MAX_SID_SIZE];
    } mine;
    HANDLE token = NULL;
    DWORD len;
    bool same = OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token) &&
        GetTokenInformation(token, TokenUser, &mine, sizeof(mine), &len) &&
        EqualSid(sid, mine.user.User.Sid);

    if (token != NULL)
        (void)CloseHandle(token);
    return same;
}

static bool
is_trusted(PSID sid)
{
    return IsWellKnownSid(sid, WinBuiltinAdministratorsSid) ||
        IsWellKnownSid(sid, WinLocalSystemSid) || is_user(sid);
}

/* Does an entry give somebody else one of these rights? */
static bool
others_may(PACL acl, DWORD rights)
{
    if (acl == NULL)
        return true; /* everybody may do everything */
    for (DWORD i = 0; i < acl->AceCount; i++) {
        ACCESS_ALLOWED_ACE *ace;
        PSID sid;

        if (!GetAce(acl, i, (void **)&ace))
            return true;
        sid = &ace->SidStart;
        if (ace->Header.AceType != ACCESS_ALLOWED_ACE_TYPE ||
            (ace->Header.AceFlags & INHERIT_ONLY_ACE) != 0 ||
            (ace->Mask & (rights | GENERIC_WRITE | GENERIC_ALL)) == 0)
            continue;
        if (!is_trusted(sid) && !IsWellKnownSid(sid, WinCreatorOwnerRightsSid))
            return true;
    }
    return false;
}

/* What lies here is acted on by administrators. */
static struct err *
is_own(const char *path, wchar_t *wide, DWORD rights)
{
    PSECURITY_DESCRIPTOR all = NULL;
    PSID owner = NULL;
    PACL acl = NULL;
    DWORD error = GetNamedSecurityInfoW(wide, SE_FILE_OBJECT,
        OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION, &owner, NULL, &acl, NULL, &all);
    bool mine = error == ERROR_SUCCESS && owner != NULL && is_trusted(owner);
    bool open = error == ERROR_SUCCESS && others_may(acl, rights);

    if (all != NULL)
        (void)LocalFree(all);
    if (error != ERROR_SUCCESS) {
        SetLastError(error);
        return WIDE_FAILED(FileUnreadable, path, "GetNamedSecurityInfoW");
    }
    if (!mine)
        return fail(InputInvalid, path, "it belongs to another user; remove it");
    if (open)
        return fail(InputInvalid, path, "others may write to it; remove it or its rights");
    return NULL;
}

static struct err *
make_closed(const char *path, const wchar_t *wide)
{
    SECURITY_ATTRIBUTES rights = { .nLength = sizeof(rights) };
    BOOL good = ConvertStringSecurityDescriptorToSecurityDescriptorW(RIGHTS, SDDL_REVISION_1,
        &rights.lpSecurityDescriptor, NULL);

    if (!good)
        return WIDE_FAILED(FileUnwritable, path,
            "ConvertStringSecurityDescriptorToSecurityDescriptorW");
    good = CreateDirectoryW(wide, &rights) || GetLastError() == ERROR_ALREADY_EXISTS;
    DWORD error = GetLastError();

    (void)LocalFree(rights.lpSecurityDescriptor);
    SetLastError(error);
    return good ? NULL : WIDE_FAILED(FileUnwritable, path, "CreateDirectoryW");
}

static bool
is_administrator(void)
{
    BYTE sid[SECURITY_MAX_SID_SIZE];
    DWORD len = sizeof(sid);
    BOOL member = FALSE;

    return CreateWellKnownSid(WinBuiltinAdministratorsSid, NULL, sid, &len) &&
        CheckTokenMembership(NULL, sid, &member) && member;
}

/* The value of a variable of the environment that is a full path; "" without one. */
static struct err *
known_folder(const wchar_t *variable, const char *otherwise, char **ret)
{
    wchar_t value[MAX_PATH];
    DWORD n = GetEnvironmentVariableW(variable, value, MAX_PATH);

    if (n > 3 && n < MAX_PATH && value[1] == L':')
        return wide_to(value, ret);
    *ret = strdup(otherwise);
    return *ret == NULL ? fail(OutOfMemory) : NULL;
}

struct err *
state_folder(char **ret)
{
    static const char *const parts[] = { "/firn", "/state" };
    auto_free char *path = NULL;

    if (is_administrator())
        TRY(known_folder(L"ProgramData", "C:/ProgramData", &path));
    else
        TRY(known_folder(L"LOCALAPPDATA", "", &path));
    if (path[0] == '\0')
        return fail(FileUnwritable, "LOCALAPPDATA");
    for (char *s = path; *s != '\0'; s++)
        if (*s == '\\')
            *s = '/';
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        size_t len = strlen(path), more = strlen(parts[i]);
        char *longer = realloc(path, len + more + 1);
        auto_free wchar_t *wide = NULL;

        if (longer == NULL)
            return fail(OutOfMemory);
        path = longer;
        memcpy(path + len, parts[i], more + 1);
        TRY(wide_path(path, &wide));
        TRY(make_closed(path, wide));
        TRY(is_own(path, wide, i == 0 ? REPLACES : WRITES));
    }
    *ret = take(path);
    return NULL;
}
