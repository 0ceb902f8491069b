/* SPDX-License-Identifier: Apache-2.0 */
/* A server's processes are named postgres and have its data directory for their folder; the
 * file postmaster.pid there says on which port it listens and where its socket is.  So every
 * one is found, wherever its socket is, also one that does not answer; looking for sockets
 * would miss some and take those of poolers and of servers that are gone for others.
 *
 * A process that ends while it is looked at is none. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auto.h"
#include "codes.h"
#include "number.h"
#include "postgresql.h"

enum {
    PROC_PATH = 288, /* "/proc/", a name, and what lies below */
    PID_FILE_LEN = 4096,
    LINE_PORT = 3, /* of postmaster.pid, from 0 */
    LINE_SOCKET = 4,
    LINES = 5
};

/* The name of its program, which it cannot change as it changes what ps shows. */
static bool
is_server(const char *pid)
{
    char path[PROC_PATH], name[32] = "";
    ssize_t n;

    (void)snprintf(path, sizeof(path), "/proc/%s/comm", pid);
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    n = fd < 0 ? -1 : read(fd, name, sizeof(name) - 1);
    return n > 0 && (strcmp(name, "postgres\n") == 0 || strcmp(name, "postmaster\n") == 0);
}

/* postmaster.pid of the data directory ${data}; false when there is none that can be read. */
static bool
read_pid_file(int data, uid_t owner, char to[PID_FILE_LEN])
{
    auto_fd int fd = openat(data, "postmaster.pid",
        O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat st;
    ssize_t n;

    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_uid != owner)
        return false;
    n = read(fd, to, PID_FILE_LEN - 1);
    if (n <= 0)
        return false;
    to[n] = '\0';
    return true;
}

/* Where it listens.  PostgreSQL writes these lines before it can be connected to. */
static bool
parse_pid_file(char *text, struct pg_server *s)
{
    char *line[LINES];
    uint64_t port;

    for (int i = 0; i < LINES; i++)
        if ((line[i] = strsep(&text, "\n")) == NULL)
            return false;
    if (!number_parse(line[LINE_PORT], &port) || port == 0 || port > 65535 ||
        strlen(line[LINE_SOCKET]) >= sizeof(s->folder))
        return false;
    s->port = (unsigned)port;
    (void)snprintf(s->folder, sizeof(s->folder), "%s", line[LINE_SOCKET]);
    return true;
}

static bool
is_apart(const char *pid)
{
    char path[PROC_PATH];
    struct stat own, its;

    (void)snprintf(path, sizeof(path), "/proc/%s/ns/mnt", pid);
    return stat("/proc/self/ns/mnt", &own) == 0 && stat(path, &its) == 0 &&
           own.st_ino != its.st_ino;
}

static bool
is_known(const struct pg_servers *l, const struct pg_server *s)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->item[i].device == s->device && l->item[i].inode == s->inode)
            return true;
    return false;
}

static bool
is_skipped(const struct pg_settings *with, unsigned port)
{
    for (size_t i = 0; i < with->nskip; i++)
        if (with->skip[i] == port)
            return true;
    return false;
}

/* Add the server; false when it runs and cannot be asked. */
static bool
add(const struct pg_settings *with, const char *pid, int data, struct pg_server *s,
    struct pg_servers *l, struct pg_verdict *v)
{
    char text[PID_FILE_LEN];

    if (!read_pid_file(data, s->uid, text))
        return true; /* initdb, a single-user session, or one that ended: nobody's server */
    if (!parse_pid_file(text, s))
        return pg_says(v, E_PostgresqlNotReady, "the server of %s is just starting", s->data);
    s->skip = is_skipped(with, s->port);
    if (!s->skip && is_apart(pid))
        return pg_says(v, PG_UNREACHABLE, "the server of port %u, process %s, runs in a "
            "container, where the plug-in does not reach it", s->port, pid);
    if (!s->skip && s->folder[0] != '/')
        return pg_says(v, PG_UNREACHABLE, "the server of port %u (%s) has no unix socket",
            s->port, s->data);
    if (l->n == PG_SERVERS_MAX)
        return pg_says(v, PG_SETTINGS, "more than %d servers run here", PG_SERVERS_MAX);
    l->nskip += s->skip ? 1 : 0;
    l->item[l->n++] = *s;
    return true;
}

static bool
look_at(const struct pg_settings *with, const char *pid, struct pg_servers *l,
    struct pg_verdict *v)
{
    struct pg_server s = { 0 };
    struct stat st;
    char path[PROC_PATH];
    ssize_t n;

    (void)snprintf(path, sizeof(path), "/proc/%s/cwd", pid);
    n = readlink(path, s.data, sizeof(s.data) - 1);
    if (n < 0 && errno == EACCES)
        return pg_says(v, PG_UNREACHABLE, "the process %s is a server of another user, and "
            "only root can see where it listens", pid);
    auto_fd int data = n < 0 ? -1 : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (data < 0 || fstat(data, &st) != 0)
        return true;
    s.device = st.st_dev;
    s.inode = st.st_ino;
    s.uid = st.st_uid;
    return is_known(l, &s) || add(with, pid, data, &s, l, v);
}

bool
pgfind_servers(const struct pg_settings *with, struct pg_servers *ret, struct pg_verdict *v)
{
    DIR *all = opendir("/proc");
    struct dirent *d;
    bool good = true;

    ret->n = ret->nskip = 0;
    if (all == NULL)
        return pg_says(v, PG_FAILED, "/proc cannot be read: %s", strerror(errno));
    for (int i = 0; good && i < PG_PROCESSES_MAX && (d = readdir(all)) != NULL; i++)
        if (isdigit((unsigned char)d->d_name[0]) && is_server(d->d_name))
            good = look_at(with, d->d_name, ret, v);
    (void)closedir(all);
    return good;
}
