/* SPDX-License-Identifier: Apache-2.0 */
/* A server's files are its data directory, its log of changes (pg_wal, often a link to another
 * disk), and a link for each tablespace in pg_tblspc.  Whether one lies on a disk is read from
 * /proc/self/mountinfo, by the extension's own rule for what it freezes. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auto.h"
#include "codes.h"
#include "mountinfo.h"
#include "postgresql.h"

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
    struct mountinfo m;

    if (path == NULL)
        return pg_says(v, PG_FAILED, "%s of port %u cannot be looked at: %s: %s", what, s->port,
            folder, strerror(errno));
    if (text == NULL)
        return pg_says(v, PG_FAILED, "there is no memory left");
    if (!read_mounts(text, v))
        return false;
    if (mountinfo_find(text, path, &m) && mountinfo_on_device(&m))
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
