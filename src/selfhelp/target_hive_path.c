/* SPDX-License-Identifier: Apache-2.0 */
/* A path of Windows on a file system of this machine: one component after the other, by
 * folders that are held open, so that nothing leads out of the disk.  The exact spelling is
 * tried first; only where there is none the folder is read. */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codes.h"
#include "target_hive_internal.h"

enum { ENTRIES_MAX = 1 << 20 };

struct err *
hive_path_entry(int folder, const char *name, const char *shown, char **ret_name)
{
    struct stat st;
    char *found = NULL;
    struct dirent *e;
    DIR *dir;
    int fd;

    *ret_name = NULL;
    if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        *ret_name = strdup(name);
        return *ret_name == NULL ? fail(OutOfMemory) : NULL;
    }
    fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    dir = fd < 0 ? NULL : fdopendir(fd);
    if (dir == NULL) {
        struct err *bad = fail(FileUnreadable, shown);

        if (fd >= 0)
            (void)close(fd);
        return bad;
    }
    for (unsigned i = 0; found == NULL && i < ENTRIES_MAX && (e = readdir(dir)) != NULL; i++)
        if (strcasecmp(e->d_name, name) == 0)
            found = e->d_name;
    if (found != NULL) {
        *ret_name = strdup(found);
        found = *ret_name == NULL ? found : NULL;
    }
    (void)closedir(dir);
    return found != NULL ? fail(OutOfMemory) : NULL;
}

/* The component at *s, to be freed, and *s after it; NULL at the end. */
static struct err *
component(const char **s, char **ret)
{
    size_t n;

    *s += strspn(*s, "\\/");
    n = strcspn(*s, "\\/");
    *ret = NULL;
    if (n == 0)
        return NULL;
    *ret = strndup(*s, n);
    *s += n;
    if (*ret == NULL)
        return fail(OutOfMemory);
    if (strcmp(*ret, "..") == 0)
        return fail(InputInvalid, "the path of a file", "it climbs by \"..\"");
    return NULL;
}

struct err *
hive_path_folder(int root, const char *path, const char *shown, int *ret_folder)
{
    auto_fd int at = fcntl(root, F_DUPFD_CLOEXEC, 0);

    if (at < 0)
        return fail(FileUnreadable, shown);
    for (;;) {
        auto_free char *part = NULL;
        auto_free char *name = NULL;
        int next;

        TRY(component(&path, &part));
        if (part == NULL) {
            *ret_folder = take_fd(at);
            return NULL;
        }
        TRY(hive_path_entry(at, part, shown, &name));
        if (name == NULL) {
            *ret_folder = -1;
            return NULL;
        }
        next = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (next < 0 && (errno == ENOTDIR || errno == ELOOP)) {
            struct stat st;

            /* a link (ntfs-3g shows junctions so) is there; what it leads to is not asked */
            if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode))
                return fail(DiskElsewhere, shown);
            *ret_folder = -1;
            return NULL;
        }
        if (next < 0)
            return fail(FileUnreadable, shown);
        (void)close(at);
        at = next;
    }
}

/* What comes after "C:\" and the like. */
static struct err *
below_drive(const char *path, const char **ret, const char **ret_prefix)
{
    static const char *const windows[] = { "%SystemRoot%", "%windir%", "\\SystemRoot" };

    *ret_prefix = "";
    for (size_t i = 0; i < sizeof windows / sizeof windows[0]; i++) {
        size_t n = strlen(windows[i]);

        if (strncasecmp(path, windows[i], n) == 0 && (path[n] == '\\' || path[n] == '/')) {
            *ret = path + n;
            *ret_prefix = "Windows";
            return NULL;
        }
    }
    if (isalpha((unsigned char)path[0]) && path[1] == ':' &&
        (path[2] == '\\' || path[2] == '/')) {
        if (tolower((unsigned char)path[0]) != 'c')
            return fail(DiskElsewhere, path);
        *ret = path + 2;
        return NULL;
    }
    if (strncmp(path, "\\\\", 2) == 0)
        return fail(DiskElsewhere, path);
    return fail(InputInvalid, "the path of a file", "it does not begin with a drive");
}

struct err *
hive_path_resolve(const struct target_hive *h, const char *path, int *ret_folder,
    char **ret_name, bool *ret_found)
{
    const char *rest = path, *prefix;
    auto_free char *folders = NULL;
    auto_free char *name = NULL;
    auto_fd int base = -1;
    auto_fd int folder = -1;
    char *last;
    size_t len;

    TRY(below_drive(path, &rest, &prefix));
    if (h->root < 0)
        return fail(DiskElsewhere, path);
    folders = strdup(rest);
    if (folders == NULL)
        return fail(OutOfMemory);
    for (len = strlen(folders); len > 0 && strchr("\\/", folders[len - 1]) != NULL;)
        folders[--len] = '\0';
    last = folders + len;
    while (last > folders && strchr("\\/", last[-1]) == NULL)
        last--;
    TRY(hive_path_folder(h->root, prefix, path, &base));
    *ret_found = false;
    *ret_name = NULL;
    *ret_folder = -1;
    if (base < 0)
        return NULL;
    name = strdup(*last == '\0' ? "." : last); /* C:\ itself */
    if (name == NULL)
        return fail(OutOfMemory);
    if (strcmp(name, "..") == 0)
        return fail(InputInvalid, "the path of a file", "it climbs by \"..\"");
    *last = '\0';
    TRY(hive_path_folder(base, folders, path, &folder));
    if (folder >= 0) {
        TRY(hive_path_entry(folder, name, path, ret_name));
        *ret_found = *ret_name != NULL;
        if (!*ret_found)
            *ret_name = take(name);
    }
    *ret_folder = take_fd(folder);
    return NULL;
}

struct err *
hive_path_open(const struct target_hive *h, const char *path, int *ret_fd)
{
    auto_free char *name = NULL;
    auto_fd int folder = -1;
    bool found;

    *ret_fd = -1;
    TRY(hive_path_resolve(h, path, &folder, &name, &found));
    if (!found)
        return NULL;
    *ret_fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (*ret_fd < 0)
        return errno == ELOOP ? fail(DiskElsewhere, path) : fail(FileUnreadable, path);
    return NULL;
}
