/* SPDX-License-Identifier: Apache-2.0 */
/* postgresql.h -- the plug-in for PostgreSQL: what its parts say to each other.
 *
 * Each server that runs on this machine is found by its processes (pgfind.c), its files must
 * lie on disks (pgdisks.c), and a child that has become the server's own user speaks to it
 * (pgask.c).  firn-postgresql(7) says what is asked of a server, and why no more is.
 *
 * A part that fails fills a verdict: the number by which firn knows the failure, and words for
 * a person. */
#ifndef POSTGRESQL_H
#define POSTGRESQL_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "clock.h"

enum {
    PG_SERVERS_MAX = 32,
    PG_SKIP_MAX = 32,
    PG_NAME_MAX = 64,      /* bytes of a role's or database's name, with the NUL */
    PG_SOCKET_MAX = 108,   /* of the path of a socket */
    PG_WORDS_MAX = 700,
    PG_SETTINGS_LEN = 65536,
    PG_SETTINGS_LINES = 1000,
    PG_PROCESSES_MAX = 1 << 20,
    PG_TABLESPACES_MAX = 4096,
    PG_MOUNTINFO_LEN = 1 << 20
};

/* What every plug-in of a database may answer (firn-plugin(3)).  Failures that only PostgreSQL
 * has are named by the numbers of firn's own codes. */
enum pg_number {
    PG_FAILED = 500,
    PG_SETTINGS = 501,
    PG_UNREACHABLE = 506,
    PG_CHANGED = 508
};

struct pg_verdict {
    int number; /* 0: all is well */
    char words[PG_WORDS_MAX];
};

/* Fill it; false, so that a part that fails can say so in one line. */
bool pg_says(struct pg_verdict *v, int number, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* /etc/firn/postgresql.conf */
struct pg_settings {
    char user[PG_NAME_MAX];     /* a role; "": named as the server's own user */
    char database[PG_NAME_MAX]; /* to connect to */
    unsigned skip[PG_SKIP_MAX]; /* ports of servers that are left alone */
    size_t nskip;
};

/* What is there, or what holds when the file is not.  It must belong to who runs this (or to
 * root), and nobody else may write it. */
bool pgsettings_read(struct pg_settings *ret, struct pg_verdict *v);

struct pg_server {
    dev_t device; /* of its data directory, */
    ino_t inode;  /* which no other one has */
    char data[PATH_MAX];
    char folder[PG_SOCKET_MAX]; /* of its socket */
    unsigned port;
    uid_t uid;
    bool skip; /* the settings leave it alone */
};

struct pg_servers {
    struct pg_server item[PG_SERVERS_MAX];
    size_t n, nskip;
};

/* All that run here.  One that should be asked and cannot be is a failure: it must not be
 * passed over in silence. */
bool pgfind_servers(const struct pg_settings *s, struct pg_servers *ret, struct pg_verdict *v);

/* Do all files of a server lie on file systems of disks, which a snapshot holds and the
 * extension freezes?  Called as the server's user. */
bool pgdisks_check(const struct pg_server *s, struct pg_verdict *v);

/* Load libpq, from where the system keeps its libraries; twice does no harm. */
bool pgask_load(struct pg_verdict *v);

/* Speak to a server by the deadline: settings, checkpoint, log on disk.  The verdict holds
 * words for a success, too.  Called as the server's user, whose name is ${user}: the role where
 * the settings name none.  ${statement_ms} is what the server itself gives each statement. */
bool pgask_server(const struct pg_server *s, const struct pg_settings *with, const char *user,
    struct deadline by, unsigned statement_ms, struct pg_verdict *v);

#endif
