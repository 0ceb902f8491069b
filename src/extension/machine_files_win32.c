/* SPDX-License-Identifier: Apache-2.0 */
/* Files of this machine, by os.h.  A file that is replaced keeps its rights. */
#include <string.h>
#include <windows.h>

#include "codes.h"
#include "machine_win32.h"
#include "os.h"
#include "text.h"
#include "wide.h"

struct err *
machine_file_read(struct target *t, const char *path, void **ret, size_t *ret_len,
    bool *ret_found)
{
    char *data = NULL;

    TRY(machine_refused_by(t, "read a file", os_read(path, TARGET_FILE_MAX, &data, ret_len)));
    *ret_found = data != NULL;
    if (data != NULL)
        *ret = data;
    return NULL;
}

/* What the old file lets whom do, for the new one. */
static bool
copy_rights(const wchar_t *from, const wchar_t *to)
{
    DWORD need = 0;

    (void)GetFileSecurityW(from, DACL_SECURITY_INFORMATION, NULL, 0, &need);
    auto_free void *rights = calloc(1, need == 0 ? 1 : need);

    return rights != NULL && need > 0 &&
        GetFileSecurityW(from, DACL_SECURITY_INFORMATION, rights, need, &need) &&
        SetFileSecurityW(to, DACL_SECURITY_INFORMATION, rights);
}

static struct err *
replace(struct target *t, const char *fresh, const char *path)
{
    auto_free wchar_t *from = NULL, *to = NULL;
    enum os_kind kind;

    TRY(wide_path(fresh, &from));
    TRY(wide_path(path, &to));
    TRY(os_kind(path, &kind));
    if (kind != OS_IS_ABSENT && kind != OS_IS_FILE)
        return machine_refused(t, "write a file", ERROR_ACCESS_DENIED);
    if ((kind == OS_IS_FILE && !copy_rights(to, from)) ||
        !MoveFileExW(from, to, MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH))
        return machine_refused(t, "write a file", GetLastError());
    return NULL;
}

struct err *
machine_file_write(struct target *t, const char *path, const void *data, size_t len)
{
    struct text beside = { 0 };
    struct err *e;

    text_fmt(&beside, "%s.firn-%lu", path, GetCurrentProcessId());
    if (beside.no_memory) {
        text_done(&beside);
        return fail(OutOfMemory);
    }
    auto_free char *fresh = beside.s;

    TRY(machine_refused_by(t, "write a file", os_write(fresh, data, len)));
    e = machine_refused_by(t, "write a file", replace(t, fresh, path));
    if (e != NULL)
        err_free(os_remove(fresh));
    return e;
}

/* Never over another file. */
struct err *
machine_file_rename(struct target *t, const char *from, const char *to)
{
    return machine_refused_by(t, "rename a file", os_rename(from, to));
}

struct err *
machine_file_delete(struct target *t, const char *path)
{
    return machine_refused_by(t, "delete a file", os_remove(path));
}

struct err *
machine_file_list(struct target *t, const char *folder, char ***ret, bool *ret_found)
{
    struct os_names names = { 0 };
    enum os_kind kind;
    char **list;

    *ret_found = false;
    TRY(machine_refused_by(t, "list a folder", os_kind(folder, &kind)));
    if (kind == OS_IS_ABSENT || kind == OS_IS_FILE)
        return NULL;
    TRY(machine_refused_by(t, "list a folder", os_list(folder, &names)));
    list = calloc(names.n + 1, sizeof(*list));
    for (size_t i = 0; list != NULL && i < names.n; i++)
        list[i] = take(names.name[i]);
    os_names_done(&names);
    if (list == NULL)
        return fail(OutOfMemory);
    *ret = list;
    *ret_found = true;
    return NULL;
}

struct err *
machine_space(struct target *t, const char *path, uint64_t *ret_bytes)
{
    ULARGE_INTEGER room;
    auto_free wchar_t *wide = NULL;
    wchar_t *end;

    TRY(wide_path(path, &wide));
    for (;;) { /* the first folder on the way up that is there */
        if (GetDiskFreeSpaceExW(wide, &room, NULL, NULL))
            break;
        end = wcsrchr(wide, L'\\');
        if (end == NULL)
            return machine_refused(t, "tell the free space", GetLastError());
        *end = 0;
    }
    *ret_bytes = room.QuadPart;
    return NULL;
}
