/* SPDX-License-Identifier: Apache-2.0 */
/* os.h on Windows.  A file is replaced by writing another one beside it, making that
 * durable, and moving it over; the registry is read in its 64-bit view, whatever this
 * program is. */
#include <stdio.h>
#include <string.h>
#include <windows.h>

#include "auto.h"
#include "bytes.h"
#include "codes.h"
#include "os.h"
#include "text.h"
#include "wide.h"

enum { STEP_MS = 20, BLOCK = 64 * 1024, KEY_TEXT_MAX = 4096 };

const struct os_layout os_layout = {
    .platform = "windows-x86_64",
    .root = "C:/Packages/Plugins",
    .settings_folder = "RuntimeSettings",
    .status_folder = "Status",
    .heartbeat_file = "Status/HeartBeat.Json",
    .program_suffix = ".exe",
    .config = "C:/ProgramData/firn",
    .state_required = false,
};

struct os_lock {
    HANDLE file;
};

static void
close_handle(HANDLE *h)
{
    DWORD kept = GetLastError();

    if (*h != NULL && *h != INVALID_HANDLE_VALUE)
        (void)CloseHandle(*h);
    SetLastError(kept);
}
#define auto_handle __attribute__((cleanup(close_handle))) HANDLE

static bool
is_gone(DWORD error)
{
    return error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND;
}

struct err *
os_env(const char *name, char **ret)
{
    auto_free wchar_t *wide = NULL;

    *ret = NULL;
    TRY(wide_from(name, &wide));
    DWORD n = GetEnvironmentVariableW(wide, NULL, 0);
    if (n <= 1)
        return NULL;
    auto_free wchar_t *value = calloc(n, sizeof(*value));
    if (value == NULL)
        return fail(OutOfMemory);
    if (GetEnvironmentVariableW(wide, value, n) == 0)
        return NULL;
    TRY(wide_to(value, ret));
    return NULL;
}

struct err *
os_self(char **ret)
{
    enum { PATH_LONGEST = 32768 };
    auto_free wchar_t *path = calloc(PATH_LONGEST, sizeof(*path));

    if (path == NULL)
        return fail(OutOfMemory);
    if (GetModuleFileNameW(NULL, path, PATH_LONGEST - 1) == 0)
        return fail(WindowsCallFailed, "GetModuleFileNameW");
    TRY(wide_to(path, ret));
    for (char *s = *ret; *s != '\0'; s++)
        if (*s == '\\')
            *s = '/';
    return NULL;
}

/* *ret = INVALID_HANDLE_VALUE when there is no such file. */
static struct err *
open_regular(const char *path, HANDLE *ret, BY_HANDLE_FILE_INFORMATION *ret_info)
{
    auto_free wchar_t *wide = NULL;

    *ret = INVALID_HANDLE_VALUE;
    TRY(wide_path(path, &wide));
    auto_handle h = CreateFileW(wide, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_DELETE, NULL,
        OPEN_EXISTING, FILE_FLAG_OPEN_REPARSE_POINT, NULL);
    if (h == INVALID_HANDLE_VALUE)
        return is_gone(GetLastError()) ? NULL :
                                         WIDE_FAILED(FileUnreadable, path, "CreateFileW");
    if (!GetFileInformationByHandle(h, ret_info))
        return WIDE_FAILED(FileUnreadable, path, "GetFileInformationByHandle");
    if (ret_info->dwFileAttributes & (FILE_ATTRIBUTE_REPARSE_POINT | FILE_ATTRIBUTE_DIRECTORY))
        return fail(InputInvalid, path, "it is not a regular file");
    *ret = take(h);
    return NULL;
}

struct err *
os_kind(const char *path, enum os_kind *ret)
{
    auto_free wchar_t *wide = NULL;
    BY_HANDLE_FILE_INFORMATION info;

    TRY(wide_path(path, &wide));
    DWORD a = GetFileAttributesW(wide);
    if (a == INVALID_FILE_ATTRIBUTES) {
        if (!is_gone(GetLastError()))
            return WIDE_FAILED(FileUnreadable, path, "GetFileAttributesW");
        *ret = OS_IS_ABSENT;
        return NULL;
    }
    *ret = a & FILE_ATTRIBUTE_REPARSE_POINT ? OS_IS_LINK :
           a & FILE_ATTRIBUTE_DIRECTORY     ? OS_IS_FOLDER :
                                              OS_IS_FILE;
    if (*ret != OS_IS_FILE)
        return NULL;
    auto_handle h = CreateFileW(wide, FILE_READ_ATTRIBUTES,
        FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL, OPEN_EXISTING,
        FILE_FLAG_OPEN_REPARSE_POINT, NULL);
    if (h == INVALID_HANDLE_VALUE || !GetFileInformationByHandle(h, &info))
        return WIDE_FAILED(FileUnreadable, path, "GetFileInformationByHandle");
    if (info.nNumberOfLinks > 1)
        *ret = OS_IS_LINK;
    return NULL;
}

struct err *
os_read(const char *path, size_t max, char **ret, size_t *ret_len)
{
    BY_HANDLE_FILE_INFORMATION info;
    auto_handle h = INVALID_HANDLE_VALUE;
    DWORD n = 0;

    *ret = NULL;
    TRY(open_regular(path, &h, &info));
    if (h == INVALID_HANDLE_VALUE)
        return NULL;
    if (info.nFileSizeHigh > 0 || info.nFileSizeLow > max)
        return fail(InputInvalid, path, "it is too long");
    auto_free char *s = malloc((size_t)info.nFileSizeLow + 1);
    if (s == NULL)
        return fail(OutOfMemory);
    if (!ReadFile(h, s, info.nFileSizeLow, &n, NULL))
        return WIDE_FAILED(FileUnreadable, path, "ReadFile");
    s[n] = '\0';
    *ret = take(s);
    *ret_len = n;
    return NULL;
}

static bool
write_full(HANDLE h, const char *bytes, size_t len)
{
    while (len > 0) {
        DWORD n = 0;

        if (!WriteFile(h, bytes, (DWORD)(len < BLOCK ? len : BLOCK), &n, NULL))
            return false;
        bytes += n;
        len -= n;
    }
    return true;
}

static struct err *
write_new(const char *path, const wchar_t *wide, const char *bytes, size_t len)
{
    auto_handle h = CreateFileW(wide, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS,
        FILE_ATTRIBUTE_NORMAL, NULL);

    if (h == INVALID_HANDLE_VALUE || !write_full(h, bytes, len) || !FlushFileBuffers(h))
        return WIDE_FAILED(FileUnwritable, path, "WriteFile");
    return NULL;
}

/* Move over what is there.  A reader who has the old file open without leave to delete it
 * stands in the way for a moment; scanners of viruses do. */
static struct err *
move_over(const wchar_t *from, const wchar_t *to, const char *path)
{
    struct deadline by = deadline_in_ms(5000);

    while (!MoveFileExW(from, to, MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH)) {
        DWORD error = GetLastError();

        if ((error != ERROR_ACCESS_DENIED && error != ERROR_SHARING_VIOLATION) ||
            deadline_passed(by)) {
            SetLastError(error);
            return WIDE_FAILED(FileUnwritable, path, "MoveFileExW");
        }
        Sleep(STEP_MS);
    }
    return NULL;
}

struct err *
os_write(const char *path, const char *bytes, size_t len)
{
    struct text beside = { 0 };
    auto_free wchar_t *to = NULL, *from = NULL;
    struct err *e;

    text_fmt(&beside, "%s.%lu.new", path, GetCurrentProcessId());
    if (beside.no_memory)
        return fail(OutOfMemory);
    auto_free char *name = beside.s;
    TRY(wide_path(path, &to));
    TRY(wide_path(name, &from));
    e = write_new(name, from, bytes, len);
    if (e == NULL)
        e = move_over(from, to, path);
    if (e != NULL)
        (void)DeleteFileW(from);
    return e;
}

struct err *
os_digest(const char *path, char ret_hex[DIGEST_HEX], uint64_t *ret_len)
{
    BY_HANDLE_FILE_INFORMATION info;
    auto_handle h = INVALID_HANDLE_VALUE;
    uint8_t sum[DIGEST_BYTES];
    struct digest d;
    DWORD n;

    TRY(open_regular(path, &h, &info));
    if (h == INVALID_HANDLE_VALUE)
        return WIDE_FAILED(FileUnreadable, path, "CreateFileW");
    auto_free char *block = malloc(BLOCK);
    if (block == NULL)
        return fail(OutOfMemory);
    digest_init(&d);
    do {
        n = 0;
        if (!ReadFile(h, block, BLOCK, &n, NULL))
            return WIDE_FAILED(FileUnreadable, path, "ReadFile");
        digest_add(&d, block, n);
    } while (n > 0);
    *ret_len = d.len;
    digest_end(&d, sum);
    bytes_to_hex(sum, sizeof(sum), ret_hex);
    return NULL;
}

struct err *
os_copy(const char *from, const char *to, bool run)
{
    auto_free wchar_t *wfrom = NULL, *wto = NULL;
    enum os_kind kind;

    (void)run; /* the suffix says it */
    TRY(os_kind(from, &kind));
    if (kind != OS_IS_FILE)
        return fail(InputInvalid, from, "it is not a regular file");
    TRY(wide_path(from, &wfrom));
    TRY(wide_path(to, &wto));
    if (!CopyFileW(wfrom, wto, TRUE))
        return WIDE_FAILED(FileUnwritable, to, "CopyFileW");
    return NULL;
}

static int
by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static struct err *
add_names(const char *folder, HANDLE find, WIN32_FIND_DATAW *d, struct os_names *to)
{
    do {
        if (wcscmp(d->cFileName, L".") == 0 || wcscmp(d->cFileName, L"..") == 0)
            continue;
        if (to->n == OS_NAMES_MAX)
            return fail(InputInvalid, folder, "it holds too many files");
        char **grown = realloc(to->name, (to->n + 1) * sizeof(*grown));
        if (grown == NULL)
            return fail(OutOfMemory);
        to->name = grown;
        TRY(wide_to(d->cFileName, &to->name[to->n]));
        to->n++;
    } while (FindNextFileW(find, d));
    return GetLastError() == ERROR_NO_MORE_FILES ?
               NULL :
               WIDE_FAILED(FileUnreadable, folder, "FindNextFileW");
}

struct err *
os_list(const char *folder, struct os_names *ret)
{
    struct os_names names = { 0 };
    auto_free char *pattern = NULL;
    auto_free wchar_t *wide = NULL;
    WIN32_FIND_DATAW d;
    struct err *e;

    *ret = names;
    TRY(os_join(folder, "*", &pattern));
    TRY(wide_path(pattern, &wide));
    HANDLE find = FindFirstFileW(wide, &d);
    if (find == INVALID_HANDLE_VALUE)
        return is_gone(GetLastError()) ? NULL :
                                         WIDE_FAILED(FileUnreadable, folder, "FindFirstFileW");
    e = add_names(folder, find, &d, &names);
    (void)FindClose(find);
    if (e != NULL) {
        os_names_done(&names);
        return e;
    }
    if (names.n > 0)
        qsort(names.name, names.n, sizeof(names.name[0]), by_bytes);
    *ret = names;
    return NULL;
}

struct err *
os_make_folder(const char *path)
{
    auto_free wchar_t *wide = NULL;

    TRY(wide_path(path, &wide));
    for (wchar_t *w = wide;; w++) {
        wchar_t c = *w;

        if ((c != L'\\' && c != 0) || w == wide || w[-1] == L':')
            continue;
        *w = 0;
        if (!CreateDirectoryW(wide, NULL) && GetLastError() != ERROR_ALREADY_EXISTS)
            return WIDE_FAILED(FileUnwritable, path, "CreateDirectoryW");
        if (c == 0)
            break;
        *w = c;
    }
    return NULL;
}

struct err *
os_rename(const char *from, const char *to)
{
    auto_free wchar_t *wfrom = NULL, *wto = NULL;

    TRY(wide_path(from, &wfrom));
    TRY(wide_path(to, &wto));
    if (!MoveFileExW(wfrom, wto, MOVEFILE_WRITE_THROUGH))
        return WIDE_FAILED(FileUnwritable, to, "MoveFileExW");
    return NULL;
}

struct err *
os_remove(const char *path)
{
    auto_free wchar_t *wide = NULL;

    TRY(wide_path(path, &wide));
    if (!DeleteFileW(wide) && !is_gone(GetLastError()))
        return WIDE_FAILED(FileUnwritable, path, "DeleteFileW");
    return NULL;
}

static struct err *
remove_below(const char *path, unsigned depth)
{
    auto_free wchar_t *wide = NULL;
    struct os_names names;
    struct err *e = NULL;

    if (depth == OS_DEPTH_MAX)
        return fail(InputInvalid, path, "folders are nested too deeply");
    TRY(wide_path(path, &wide));
    TRY(os_list(path, &names));
    for (size_t i = 0; e == NULL && i < names.n; i++) {
        auto_free char *sub = NULL;
        enum os_kind kind = OS_IS_ABSENT;

        e = os_join(path, names.name[i], &sub);
        if (e == NULL)
            e = os_kind(sub, &kind);
        if (e == NULL)
            e = kind == OS_IS_FOLDER ? remove_below(sub, depth + 1) : os_remove(sub);
    }
    os_names_done(&names);
    TRY(e);
    if (!RemoveDirectoryW(wide))
        return WIDE_FAILED(FileUnwritable, path, "RemoveDirectoryW");
    return NULL;
}

struct err *
os_remove_tree(const char *path)
{
    enum os_kind kind;

    TRY(os_kind(path, &kind));
    if (kind == OS_IS_ABSENT)
        return NULL;
    TRY(remove_below(path, 0));
    return NULL;
}

struct err *
os_lock(const char *path, struct deadline by, struct os_lock **ret)
{
    auto_free wchar_t *wide = NULL;
    auto_ptr(os_lock) l = calloc(1, sizeof(*l));

    if (l == NULL)
        return fail(OutOfMemory);
    TRY(wide_path(path, &wide));
    /* open for nobody else: the handle is the lock */
    for (;;) {
        l->file = CreateFileW(wide, GENERIC_WRITE, 0, NULL, OPEN_ALWAYS, 0, NULL);
        if (l->file != INVALID_HANDLE_VALUE)
            break;
        if (GetLastError() != ERROR_SHARING_VIOLATION)
            return WIDE_FAILED(FileUnwritable, path, "CreateFileW");
        if (deadline_passed(by))
            return fail(HandlerBusy, path);
        Sleep(STEP_MS);
    }
    *ret = take(l);
    return NULL;
}

void
os_lock_free(struct os_lock *l)
{
    if (l == NULL)
        return;
    close_handle(&l->file);
    free(l);
}

struct err *
os_persistent(const char *key, const char *value, char **ret)
{
    auto_free wchar_t *wkey = NULL, *wvalue = NULL;
    wchar_t text[KEY_TEXT_MAX / sizeof(wchar_t)];
    DWORD bytes = sizeof(text);
    LSTATUS status;
    HKEY open;

    *ret = NULL;
    TRY(wide_path(key, &wkey));
    TRY(wide_from(value, &wvalue));
    status = RegOpenKeyExW(HKEY_LOCAL_MACHINE, wkey, 0, KEY_READ | KEY_WOW64_64KEY, &open);
    if (status == ERROR_SUCCESS) {
        status = RegGetValueW(open, NULL, wvalue, RRF_RT_REG_SZ, NULL, text, &bytes);
        (void)RegCloseKey(open);
    }
    /* another type or a longer text is no answer to a question that is yes or no */
    if (status == ERROR_FILE_NOT_FOUND || status == ERROR_PATH_NOT_FOUND ||
        status == ERROR_UNSUPPORTED_TYPE || status == ERROR_MORE_DATA)
        return NULL;
    if (status != ERROR_SUCCESS) {
        SetLastError((DWORD)status);
        return fail(WindowsCallFailed, "RegGetValueW");
    }
    TRY(wide_to(text, ret));
    return NULL;
}

bool
os_installer_wait(struct deadline by, char who[OS_WHO_MAX])
{
    auto_handle mutex = OpenMutexW(SYNCHRONIZE, FALSE, L"Global\\_MSIExecute");
    DWORD ms = (DWORD)deadline_poll_ms(by), got;

    if (mutex == NULL)
        return true; /* nobody installs */
    (void)snprintf(who, OS_WHO_MAX, "another installation");
    got = WaitForSingleObject(mutex, ms);
    if (got == WAIT_OBJECT_0 || got == WAIT_ABANDONED)
        (void)ReleaseMutex(mutex);
    return got != WAIT_TIMEOUT;
}
