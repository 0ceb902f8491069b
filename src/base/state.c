/* SPDX-License-Identifier: Apache-2.0 */
/* A file is written under a name of its own and then renamed: a reader sees the old one or
 * the new one.  It is not synced: who must not lose it (the journal) writes it elsewhere. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auto.h"
#include "codes.h"
#include "state.h"
#include "text.h"
#include "write_all.h"

static char *
folder_name(void)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    struct text t = { 0 };

    if (state != NULL && state[0] == '/')
        text_fmt(&t, "%s/firn", state);
    else if (home != NULL && home[0] == '/' && home[1] != '\0')
        text_fmt(&t, "%s/.local/state/firn", home);
    else
        text_str(&t, "/var/lib/firn");
    if (t.no_memory)
        text_done(&t);
    return t.s;
}

/* Each folder on the way that is missing. */
static struct err *
make_folders(char *path)
{
    for (char *p = path + 1;; p++) {
        if (*p != '/' && *p != '\0')
            continue;
        bool last = *p == '\0';

        *p = '\0';
        if (mkdir(path, 0700) != 0 && errno != EEXIST)
            return fail(FileUnwritable, path);
        if (last)
            return NULL;
        *p = '/';
    }
}

/* What lies here is acted on, and root may come with the HOME of somebody else. */
static struct err *
is_own(const char *path)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return fail(FileUnreadable, path);
    if (st.st_uid != geteuid())
        return fail(InputInvalid, path,
            "it belongs to another user; set XDG_STATE_HOME to a folder of your own");
    if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return fail(InputInvalid, path, "others may write to it; chmod go-w it");
    return NULL;
}

struct err *
state_folder(char **ret)
{
    auto_free char *path = folder_name();

    if (path == NULL)
        return fail(OutOfMemory);
    TRY(make_folders(path));
    TRY(is_own(path));
    *ret = take(path);
    return NULL;
}

struct err *
state_folder_find(char **ret)
{
    auto_free char *path = folder_name();

    *ret = NULL;
    if (path == NULL)
        return fail(OutOfMemory);
    if (access(path, F_OK) != 0)
        return NULL;
    TRY(is_own(path));
    *ret = take(path);
    return NULL;
}

/* <folder>/<name><suffix> */
static struct err *
file_path(const char *name, const char *suffix, char **ret)
{
    auto_free char *folder = NULL;
    struct text t = { 0 };

    TRY(state_folder(&folder));
    text_fmt(&t, "%s/%s%s", folder, name, suffix);
    if (t.no_memory) {
        text_done(&t);
        return fail(OutOfMemory);
    }
    *ret = t.s;
    return NULL;
}

struct err *
state_put(const char *name, const void *data, size_t len)
{
    auto_free char *path = NULL, *fresh = NULL;
    auto_fd int fd = -1;
    struct err *e = NULL;

    TRY(file_path(name, "", &path));
    TRY(file_path(name, ".XXXXXX", &fresh));
    fd = mkostemp(fresh, O_CLOEXEC);
    if (fd < 0)
        return fail(FileUnwritable, fresh);
    if (!write_all(fd, data, len) || rename(fresh, path) != 0) {
        e = fail(FileUnwritable, path);
        (void)unlink(fresh);
    }
    return e;
}

struct err *
state_get(const char *name, char **ret_data, size_t *ret_len)
{
    auto_free char *path = NULL, *data = NULL;
    auto_fd int fd = -1;
    struct stat st;
    size_t len = 0;

    TRY(file_path(name, "", &path));
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT) {
        *ret_data = NULL;
        *ret_len = 0;
        return NULL;
    }
    if (fd < 0 || fstat(fd, &st) != 0)
        return fail(FileUnreadable, path);
    if (!S_ISREG(st.st_mode) || st.st_size < 0 || st.st_size > STATE_FILE_MAX)
        return fail(InputInvalid, path, "it is not a file of firn's own");
    data = malloc((size_t)st.st_size + 1);
    if (data == NULL)
        return fail(OutOfMemory);
    while (len < (size_t)st.st_size) {
        ssize_t n = read(fd, data + len, (size_t)st.st_size - len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail(FileUnreadable, path);
        if (n == 0)
            break;
        len += (size_t)n;
    }
    data[len] = '\0';
    *ret_data = take(data);
    *ret_len = len;
    return NULL;
}
