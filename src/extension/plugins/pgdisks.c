/* SPDX-License-Identifier: Apache-2.0 */
/* A server's files are its data directory, its log of changes (pg_wal, often a link to another
 * disk), and a link for each tablespace in pg_tblspc.  Whether one lies on a disk is read from
 * /proc/self/mountinfo by the extension's own rule for what it freezes: the file system's
 * source is a device, and it is no FUSE. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auto.h"
#include "codes.h"
#include "postgresql.h"

enum { POINT_FIELD = 4 };

/* A file system, as mountinfo has it. */
struct mount {
    const char *point, *type, *source;
};

static void
unescape(char *s)
{
    char *to = s;

    for (; *s != '\0'; s++) {
        if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' &&
            s[3] >= '0' && s[3] <= '7') {
            *to++ = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 + (s[3] - '0'));
            s += 3;
        } else {
            *to++ = *s;
        }
    }
    *to = '\0';
}

/* "36 35 98:0 /root /point rw,noatime master:1 - ext4 /dev/root rw,errors=continue" */
static bool
parse_line(char *line, struct mount *ret)
{
    char *point = NULL;

    for (int i = 0; i <= POINT_FIELD; i++)
        point = strsep(&line, " ");
    while (line != NULL && strncmp(line, "- ", 2) != 0)
        (void)strsep(&line, " ");
    if (point == NULL || line == NULL)
        return false;
    (void)strsep(&line, " ");
    ret->point = point;
    ret->type = strsep(&line, " ");
    ret->source = strsep(&line, " ");
    if (ret->source == NULL)
        return false;
    unescape(point);
    return true;
}

static bool
holds(const char *point, const char *path)
{
    size_t n = strlen(point);

    if (strcmp(point, "/") == 0)
        return true;
    return strncmp(point, path, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

/* The mount that ${path}, which has no links, leads to: the deepest, and of two at one place
 * the later.  ${text} is cut up. */
static bool
find_mount(char *text, const char *path, struct mount *ret)
{
    struct mount m;
    size_t best = 0;
    char *line;

    while ((line = strsep(&text, "\n")) != NULL) {
        if (!parse_line(line, &m) || !holds(m.point, path) || strlen(m.point) < best)
            continue;
        best = strlen(m.point);
        *ret = m;
    }
    return best > 0;
}

static bool
read_mounts(char *to, struct pg_verdict *v)
{
    auto_fd int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
    size_t len = 0;
    ssize_t n = 1;

    while (fd >= 0 && n > 0 && len < PG_MOUNTINFO_LEN) {
        n = read(fd, to + len, PG_MOUNTINFO_LEN - len);
        len += n > 0 ? (size_t)n : 0;
    }
    if (fd < 0 || n != 0)
        return pg_says(v, PG_FAILED, "the list of mounts cannot be read");
    to[len] = '\0';
    return true;
}

/* One folder of a server; ${what} is its name for people. */
static bool
check(const struct pg_server *s, const char *folder, const char *what, struct pg_verdict *v)
{
    auto_free char *path = realpath(folder, NULL);
    auto_free char *text = malloc(PG_MOUNTINFO_LEN + 1);
    struct mount m;

    if (path == NULL)
        return pg_says(v, PG_FAILED, "%s of port %u cannot be looked at: %s: %s", what, s->port,
            folder, strerror(errno));
    if (text == NULL)
        return pg_says(v, PG_FAILED, "there is no memory left");
    if (!read_mounts(text, v))
        return false;
    if (find_mount(text, path, &m) && strncmp(m.source, "/dev/", 5) == 0 &&
        strncmp(m.type, "fuse", 4) != 0)
        return true;
    return pg_says(v, E_PostgresqlFilesElsewhere, "%s of port %u is in %s, on no disk", what,
        s->port, path);
}

static bool
check_tablespaces(const struct pg_server *s, struct pg_verdict *v)
{
    char folder[PATH_MAX + 16], one[PATH_MAX + 300];
    struct dirent *d;
    DIR *all;
    bool good = true;

    (void)snprintf(folder, sizeof(folder), "%s/pg_tblspc", s->data);
    all = opendir(folder);
    if (all == NULL)
        return pg_says(v, PG_FAILED, "%s cannot be read: %s", folder, strerror(errno));
    for (int n = 0; good && (d = readdir(all)) != NULL; n++) {
        if (d->d_name[0] == '.')
            continue;
        (void)snprintf(one, sizeof(one), "%s/%s", folder, d->d_name);
        good = n < PG_TABLESPACES_MAX ? check(s, one, "a tablespace", v) :
            pg_says(v, PG_FAILED, "%s holds too much", folder);
    }
    (void)closedir(all);
    return good;
}

bool
pgdisks_check(const struct pg_server *s, struct pg_verdict *v)
{
    char wal[PATH_MAX + 16];

    (void)snprintf(wal, sizeof(wal), "%s/pg_wal", s->data);
    return check(s, s->data, "the data directory", v) &&
           check(s, wal, "the log of changes", v) && check_tablespaces(s, v);
}
