/* SPDX-License-Identifier: Apache-2.0 */
/* Files of the disk.  A file is written whole under a name of its own and takes the place of
 * the old one, as hives are. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "codes.h"
#include "disk_file.h"
#include "target_hive_internal.h"

struct err *
hive_disk_read(struct target *t, const char *path, void **ret, size_t *ret_len,
    bool *ret_found)
{
    auto_free uint8_t *data = NULL;
    auto_fd int fd = -1;
    struct stat st;

    *ret_found = false;
    TRY(hive_path_open((struct target_hive *)t, path, &fd));
    if (fd < 0)
        return NULL;
    if (fstat(fd, &st) != 0)
        return fail(FileUnreadable, path);
    if (!S_ISREG(st.st_mode))
        return fail(InputInvalid, path, "it is a folder");
    if (st.st_size > TARGET_FILE_MAX)
        return fail(InputInvalid, path, "it is longer than firn reads");
    data = malloc((size_t)st.st_size + 1);
    if (data == NULL)
        return fail(OutOfMemory);
    TRY(disk_file_read(fd, path, data, (size_t)st.st_size));
    data[st.st_size] = 0;
    *ret = take(data);
    *ret_len = (size_t)st.st_size;
    *ret_found = true;
    return NULL;
}

struct err *
hive_disk_write(struct target *t, const char *path, const void *data, size_t len)
{
    auto_free char *name = NULL;
    auto_fd int folder = -1;
    auto_fd int like = -1;
    bool found;

    TRY(hive_path_resolve((struct target_hive *)t, path, &folder, &name, &found));
    if (folder < 0) {
        errno = ENOENT;
        return fail(FileUnwritable, path);
    }
    TRY(hive_path_open((struct target_hive *)t, path, &like));
    TRY(disk_file_replace(folder, name, like, path, (struct view){ data, len }));
    return NULL;
}

/* Nothing is replaced. */
static int
rename_free(int from, const char *name, int to, const char *new)
{
    struct stat st;

    if (renameat2(from, name, to, new, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -1;
    /* the file system knows no such rename */
    if (fstatat(to, new, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        errno = EEXIST;
        return -1;
    }
    return renameat(from, name, to, new);
}

struct err *
hive_disk_rename(struct target *t, const char *from, const char *to)
{
    auto_free char *name = NULL;
    auto_free char *new = NULL;
    auto_fd int folder = -1;
    auto_fd int beside = -1;
    bool found, taken;

    TRY(hive_path_resolve((struct target_hive *)t, from, &folder, &name, &found));
    if (!found) {
        errno = ENOENT;
        return fail(FileUnreadable, from);
    }
    TRY(hive_path_resolve((struct target_hive *)t, to, &beside, &new, &taken));
    errno = taken ? EEXIST : ENOENT;
    if (taken || beside < 0 || rename_free(folder, name, beside, new) != 0)
        return fail(FileUnwritable, to);
    TRY(disk_file_sync(folder, from));
    TRY(disk_file_sync(beside, to));
    return NULL;
}

struct err *
hive_disk_delete(struct target *t, const char *path)
{
    auto_free char *name = NULL;
    auto_fd int folder = -1;
    bool found;

    TRY(hive_path_resolve((struct target_hive *)t, path, &folder, &name, &found));
    if (!found)
        return NULL;
    if (unlinkat(folder, name, 0) != 0)
        return fail(FileUnwritable, path);
    TRY(disk_file_sync(folder, path));
    return NULL;
}

static struct err *
read_names(DIR *dir, const char *folder, char **names)
{
    size_t n = 0;

    for (struct dirent *e; (errno = 0, e = readdir(dir)) != NULL;) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (n == TARGET_ENTRIES_MAX)
            return fail(InputInvalid, folder, "it holds more than firn reads");
        names[n] = strdup(e->d_name);
        if (names[n++] == NULL)
            return fail(OutOfMemory);
    }
    return errno != 0 ? fail(FileUnreadable, folder) : NULL;
}

struct err *
hive_disk_list(struct target *t, const char *folder, char ***ret, bool *ret_found)
{
    auto_fd int fd = -1;
    struct stat st;
    struct err *e;
    char **names;
    DIR *dir;

    *ret_found = false;
    TRY(hive_path_open((struct target_hive *)t, folder, &fd));
    if (fd < 0 || (fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode)))
        return NULL;
    dir = fdopendir(fd);
    if (dir == NULL)
        return fail(FileUnreadable, folder);
    (void)take_fd(fd);
    names = calloc(TARGET_ENTRIES_MAX + 1, sizeof *names);
    e = names == NULL ? fail(OutOfMemory) : read_names(dir, folder, names);
    (void)closedir(dir);
    if (e != NULL) {
        if (names != NULL)
            target_names_free(names);
        return e;
    }
    *ret = names;
    *ret_found = true;
    return NULL;
}

struct err *
hive_disk_space(struct target *t, const char *path, uint64_t *ret_bytes)
{
    struct target_hive *h = (struct target_hive *)t;
    struct statvfs st;

    if (h->root < 0)
        return fail(DiskElsewhere, path);
    if (fstatvfs(h->root, &st) != 0)
        return fail(FileUnreadable, path);
    *ret_bytes = (uint64_t)st.f_bavail * st.f_frsize;
    return NULL;
}
