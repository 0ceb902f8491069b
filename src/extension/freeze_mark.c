/* SPDX-License-Identifier: Apache-2.0 */
/* freeze_mark.c -- what is left of a freeze whose two processes were killed, and how a
 * watchdog is found.
 *
 * The marker must not lie on a disk: it is removed while file systems are thawed, and read
 * while they are frozen.  The socket is an abstract one, named after the marker. */
#include <fcntl.h>
#include <linux/magic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "auto.h"
#include "codes.h"
#include "freeze_internal.h"
#include "text.h"

static const char HEAD[] = "firn-freeze 1\n", NAME[] = "firn-extension.frozen";

enum { MARK_MAX = FREEZE_MOUNTS_MAX * (FREEZE_NAME_MAX + 64) };

static bool
is_in_memory(const char *folder)
{
    struct statfs fs;

    return statfs(folder, &fs) == 0 &&
           (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC) &&
           access(folder, W_OK) == 0;
}

struct err *
freeze_mark_path(char to[FREEZE_NAME_MAX])
{
    const char *const folders[] = { getenv("FIRN_RUN"), "/run", "/dev/shm" };

    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        if (folders[i] == NULL || !is_in_memory(folders[i]))
            continue;
        int n = snprintf(to, FREEZE_NAME_MAX, "%s/%s", folders[i], NAME);
        if (n > 0 && n < FREEZE_NAME_MAX)
            return NULL;
    }
    errno = ENODEV;
    return fail(FileUnwritable, "/run");
}

struct err *
freeze_mark_write(const struct freeze_shared *s)
{
    struct text t = { 0 };

    text_str(&t, HEAD);
    for (unsigned i = 0; i < s->list.n; i++) {
        const struct freeze_mount *m = &s->list.item[i];
        text_fmt(&t, "%u:%u %s", m->major, m->minor, m->path);
        text_add(&t, "", 1); /* a NUL: no path has one */
    }
    auto_free char *owned = t.s;
    if (t.no_memory)
        return fail(OutOfMemory);
    auto_fd int fd = open(s->marker, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
        0600);
    if (fd < 0 || write(fd, owned, t.len) != (ssize_t)t.len)
        return fail(FileUnwritable, s->marker);
    return NULL;
}

/* "8:1 /point" */
static bool
read_mount(const char *text, struct freeze_mount *to)
{
    unsigned major, minor;
    int at = 0;

    if (sscanf(text, "%10u:%10u %n", &major, &minor, &at) != 2 || at == 0 ||
        text[at] != '/' || strlen(text + at) >= sizeof(to->path))
        return false;
    *to = (struct freeze_mount){ .major = major, .minor = minor, .fd = -1 };
    snprintf(to->path, sizeof(to->path), "%s", text + at);
    return true;
}

struct err *
freeze_mark_parse(const char *text, size_t len, struct freeze_list *ret)
{
    auto_free char *copy = malloc(len + 1);
    const char *at;

    if (copy == NULL)
        return fail(OutOfMemory);
    memcpy(copy, text, len);
    copy[len] = '\0';
    ret->n = 0;
    if (len < strlen(HEAD) || memcmp(copy, HEAD, strlen(HEAD)) != 0)
        return NULL; /* cut short before anything was frozen */
    for (at = copy + strlen(HEAD); at < copy + len && ret->n < FREEZE_MOUNTS_MAX &&
         read_mount(at, &ret->item[ret->n]);
         at += strlen(at) + 1)
        ret->n++;
    return NULL;
}

struct err *
freeze_mark_read(const char *path, struct freeze_list *ret, bool *ret_there)
{
    auto_fd int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    auto_free char *text = fd < 0 ? NULL : malloc(MARK_MAX);

    *ret_there = fd >= 0;
    if (fd < 0)
        return errno == ENOENT ? NULL : fail(FileUnreadable, path);
    if (text == NULL)
        return fail(OutOfMemory);
    ssize_t n = read(fd, text, MARK_MAX);
    if (n < 0)
        return fail(FileUnreadable, path);
    return freeze_mark_parse(text, (size_t)n, ret);
}

/* ---- the socket ---- */

static socklen_t
address_of(const char *marker, struct sockaddr_un *to)
{
    *to = (struct sockaddr_un){ .sun_family = AF_UNIX };
    int n = snprintf(to->sun_path + 1, sizeof(to->sun_path) - 1, "firn-freeze:%s", marker);
    size_t len = n < (int)sizeof(to->sun_path) - 1 ? (size_t)n : sizeof(to->sun_path) - 2;

    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + len);
}

struct err *
freeze_listen(const char *marker, int *ret_fd)
{
    struct sockaddr_un address;
    socklen_t len = address_of(marker, &address);
    auto_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return fail_call("socket");
    if (bind(fd, (const struct sockaddr *)&address, len) != 0) {
        if (errno != EADDRINUSE)
            return fail(SystemCallFailed, "bind");
        *ret_fd = -1;
        return NULL;
    }
    if (listen(fd, 4) != 0)
        return fail(SystemCallFailed, "listen");
    *ret_fd = take_fd(fd);
    return NULL;
}

struct err *
freeze_connect(const char *marker, int *ret_fd, int *ret_pid)
{
    struct sockaddr_un address;
    socklen_t len = address_of(marker, &address), size;
    auto_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct ucred who = { 0 };

    *ret_fd = -1;
    if (fd < 0)
        return fail_call("socket");
    if (connect(fd, (const struct sockaddr *)&address, len) != 0)
        return errno == ECONNREFUSED ? NULL : fail(SystemCallFailed, "connect");
    size = sizeof(who);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0)
        return fail(SystemCallFailed, "getsockopt");
    if (who.uid != geteuid() && who.uid != 0)
        return fail(GuestOperationRunning, "this machine"); /* the name is somebody else's */
    *ret_pid = who.pid;
    *ret_fd = take_fd(fd);
    return NULL;
}
