/* SPDX-License-Identifier: Apache-2.0 */
/* The hold is the open handle: others may read meanwhile, nobody may write or open it to
 * write.  FlushFileBuffers writes the file system's log too, and with it the name. */
#include <string.h>
#include <windows.h>
#include <ntsecapi.h>

#include "codes.h"
#include "record.h"
#include "wide.h"

struct record {
    char *path;
    HANDLE file;
};

void
record_free(struct record *r)
{
    if (r == NULL)
        return;
    if (r->file != INVALID_HANDLE_VALUE)
        (void)CloseHandle(r->file);
    free(r->path);
    free(r);
}

/* ${how}: CREATE_NEW or OPEN_EXISTING.  .file of *ret is INVALID_HANDLE_VALUE, with the
 * system's number as the last error, when Windows refused. */
static struct err *
begin(const char *path, DWORD how, struct record **ret)
{
    auto_free wchar_t *wide = NULL;
    auto_ptr(record) r = calloc(1, sizeof(*r));

    if (r == NULL)
        return fail(OutOfMemory);
    r->file = INVALID_HANDLE_VALUE;
    r->path = strdup(path);
    if (r->path == NULL)
        return fail(OutOfMemory);
    TRY(wide_path(path, &wide));
    r->file = CreateFileW(wide, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ, NULL, how,
        FILE_ATTRIBUTE_NORMAL | FILE_FLAG_OPEN_REPARSE_POINT, NULL);
    DWORD error = GetLastError();
    *ret = take(r);
    SetLastError(error);
    return NULL;
}

struct err *
record_make(const char *path, struct record **ret)
{
    auto_ptr(record) r = NULL;

    TRY(begin(path, CREATE_NEW, &r));
    if (r->file == INVALID_HANDLE_VALUE)
        return WIDE_FAILED(FileUnwritable, path, "CreateFileW");
    *ret = take(r);
    return NULL;
}

struct err *
record_open(const char *path, struct record **ret, enum record_state *ret_state)
{
    auto_ptr(record) r = NULL;

    TRY(begin(path, OPEN_EXISTING, &r));
    *ret_state = RECORD_HELD;
    if (r->file != INVALID_HANDLE_VALUE) {
        *ret = take(r);
        return NULL;
    }
    switch (GetLastError()) {
    case ERROR_FILE_NOT_FOUND:
    case ERROR_PATH_NOT_FOUND:
        *ret_state = RECORD_MISSING;
        return NULL;
    case ERROR_SHARING_VIOLATION:
        *ret_state = RECORD_BUSY;
        return NULL;
    default:
        return WIDE_FAILED(FileUnreadable, path, "CreateFileW");
    }
}

static bool
move_to(struct record *r, uint64_t off)
{
    LARGE_INTEGER at = { .QuadPart = (LONGLONG)off };

    return SetFilePointerEx(r->file, at, NULL, FILE_BEGIN);
}

/* *ret_regular = false: a link or a folder. */
static struct err *
size_of(struct record *r, bool *ret_regular, uint64_t *ret_size)
{
    BY_HANDLE_FILE_INFORMATION info;

    if (!GetFileInformationByHandle(r->file, &info))
        return WIDE_FAILED(FileUnreadable, r->path, "GetFileInformationByHandle");
    *ret_regular = (info.dwFileAttributes &
                       (FILE_ATTRIBUTE_REPARSE_POINT | FILE_ATTRIBUTE_DIRECTORY)) == 0;
    *ret_size = (uint64_t)info.nFileSizeHigh << 32 | info.nFileSizeLow;
    return NULL;
}

/* ${len} bytes from ${off} on, or what is there of them. */
static struct err *
read_from(struct record *r, uint64_t off, size_t len, char **ret, size_t *ret_len)
{
    auto_free char *data = malloc(len + 1);
    size_t at = 0;

    if (data == NULL)
        return fail(OutOfMemory);
    if (!move_to(r, off))
        return WIDE_FAILED(FileUnreadable, r->path, "SetFilePointerEx");
    while (at < len) {
        DWORD n = 0;

        if (!ReadFile(r->file, data + at, (DWORD)(len - at), &n, NULL))
            return WIDE_FAILED(FileUnreadable, r->path, "ReadFile");
        if (n == 0)
            break;
        at += n;
    }
    data[at] = '\0';
    *ret = take(data);
    *ret_len = at;
    return NULL;
}

struct err *
record_read(struct record *r, size_t max, char **ret, size_t *ret_len)
{
    uint64_t size;
    bool regular;

    *ret = NULL;
    TRY(size_of(r, &regular, &size));
    return regular && size <= max ? read_from(r, 0, (size_t)size, ret, ret_len) : NULL;
}

struct err *
record_tail(struct record *r, size_t max, char **ret, size_t *ret_len, uint64_t *ret_off)
{
    uint64_t size;
    bool regular;

    *ret = NULL;
    TRY(size_of(r, &regular, &size));
    *ret_off = size > max ? size - max : 0;
    return regular ? read_from(r, *ret_off, (size_t)(size - *ret_off), ret, ret_len) : NULL;
}

/* Windows removes no file that is open without the right to share that; who opens it between
 * the two calls keeps it. */
struct err *
record_remove(struct record *r)
{
    auto_free wchar_t *wide = NULL;
    auto_free char *path = strdup(r->path);

    record_free(r);
    if (path == NULL)
        return fail(OutOfMemory);
    TRY(wide_path(path, &wide));
    return DeleteFileW(wide) ? NULL : WIDE_FAILED(FileUnwritable, path, "DeleteFileW");
}

static bool
write_full(HANDLE file, const char *data, size_t len)
{
    while (len > 0) {
        DWORD n = 0, some = len < 1 << 20 ? (DWORD)len : 1 << 20;

        if (!WriteFile(file, data, some, &n, NULL))
            return false;
        data += n;
        len -= n;
    }
    return true;
}

struct err *
record_add(struct record *r, size_t off, const char *data, size_t len)
{
    if (!move_to(r, off) || !write_full(r->file, data, len) || !FlushFileBuffers(r->file))
        return WIDE_FAILED(FileUnwritable, r->path, "WriteFile");
    return NULL;
}

struct err *
record_cut(struct record *r, size_t len)
{
    if (!move_to(r, len) || !SetEndOfFile(r->file))
        return WIDE_FAILED(FileUnwritable, r->path, "SetEndOfFile");
    return NULL;
}

struct err *
record_put(const char *path, const char *data, size_t len)
{
    auto_ptr(record) r = NULL;

    TRY(record_make(path, &r));
    TRY(record_add(r, 0, data, len));
    return NULL;
}

struct err *
record_folder(const char *path)
{
    auto_free wchar_t *wide = NULL;

    TRY(wide_path(path, &wide));
    if (!CreateDirectoryW(wide, NULL) && GetLastError() != ERROR_ALREADY_EXISTS)
        return WIDE_FAILED(FileUnwritable, path, "CreateDirectoryW");
    return NULL;
}

/* The names that Windows gives for "${folder}/${*}". */
static struct err *
each_found(const char *folder, HANDLE find, WIN32_FIND_DATAW *d,
    bool (*each)(void *arg, const char *name), void *arg)
{
    do {
        auto_free char *name = NULL;

        TRY(wide_to(d->cFileName, &name));
        if (!each(arg, name))
            return NULL;
    } while (FindNextFileW(find, d));
    return GetLastError() == ERROR_NO_MORE_FILES
        ? NULL
        : WIDE_FAILED(FileUnreadable, folder, "FindNextFileW");
}

struct err *
record_list(const char *folder, bool (*each)(void *arg, const char *name), void *arg)
{
    size_t len = strlen(folder);
    auto_free char *pattern = malloc(len + 3);
    auto_free wchar_t *wide = NULL;
    WIN32_FIND_DATAW d;

    if (pattern == NULL)
        return fail(OutOfMemory);
    memcpy(pattern, folder, len);
    memcpy(pattern + len, "/*", 3);
    TRY(wide_path(pattern, &wide));
    HANDLE find = FindFirstFileW(wide, &d);
    if (find == INVALID_HANDLE_VALUE)
        return WIDE_FAILED(FileUnreadable, folder, "FindFirstFileW");
    struct err *e = each_found(folder, find, &d, each, arg);

    (void)FindClose(find);
    return e;
}

struct err *
record_random(void *to, size_t len)
{
    return RtlGenRandom(to, (ULONG)len) ? NULL : fail(WindowsCallFailed, "RtlGenRandom");
}
