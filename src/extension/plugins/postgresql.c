/* SPDX-License-Identifier: Apache-2.0 */
/* postgresql -- brings servers of PostgreSQL to rest; postgresql.h says how it is divided.
 *
 * Each server is asked by a child of its own, all at the same time.  The child becomes the
 * server's user for good before it says a word, so what a server sends is never read as root,
 * and a server that knows its clients by their user (peer) knows it.  A child tells its verdict
 * through a pipe; the parent, which is the plug-in's host, waits no longer than its deadline
 * and ends what is left.  A plug-in has no house that makes its processes, so it forks.
 *
 * Nothing is held by this: it is the frozen file systems that hold back what is written
 * meanwhile.  So there is nothing to resume. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../firn-plugin.h"
#include "codes.h"
#include "postgresql.h"

struct child {
    pid_t pid;
    int fd; /* its verdict comes from; -1: it has come, or will not */
    struct pg_verdict verdict;
};

bool
pg_says(struct pg_verdict *v, int number, const char *format, ...)
{
    va_list args;

    v->number = number;
    va_start(args, format);
    (void)vsnprintf(v->words, sizeof(v->words), format, args);
    va_end(args);
    return false;
}

/* ---- the child ---- */

/* For good: nothing leads back to what it was.  *ret_name is the user's name. */
static bool
become(uid_t uid, const char **ret_name, struct pg_verdict *v)
{
    const struct passwd *p;

    errno = 0;
    p = getpwuid(uid);
    if (p == NULL)
        return pg_says(v, PG_FAILED, "the user %u, whose server this is, has no name: %s",
            (unsigned)uid, errno != 0 ? strerror(errno) : "it is not in the list of users");
    *ret_name = p->pw_name;
    if (geteuid() == uid && uid != 0)
        return true;
    if (uid == 0)
        return pg_says(v, PG_FAILED, "PostgreSQL does not run as root, this server does");
    if (setgroups(0, NULL) != 0 || setresgid(p->pw_gid, p->pw_gid, p->pw_gid) != 0 ||
        setresuid(uid, uid, uid) != 0)
        return pg_says(v, PG_FAILED, "cannot become the user %s: %s", p->pw_name,
            strerror(errno));
    return true;
}

static void
work(const struct pg_server *s, const struct pg_settings *with, uint32_t ms,
    struct pg_verdict *v)
{
    const char *user = NULL;

    (void)alarm(ms / 1000 + 2); /* whatever hangs: the parent may be gone */
    if (!become(s->uid, &user, v))
        return;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* after becoming, which forgets it */
    (void)clearenv();                       /* PGHOST and the like are not meant for this */
    (void)setenv("LC_ALL", "C", 1);
    if (pgdisks_check(s, v))
        (void)pgask_server(s, with, user, deadline_in_ms(ms - ms / 10), ms - ms / 4, v);
}

static void
start(struct child *c, const struct pg_server *s, const struct pg_settings *with, uint32_t ms)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) != 0) {
        (void)pg_says(&c->verdict, PG_FAILED, "there is no pipe: %s", strerror(errno));
        return;
    }
    c->pid = fork();
    if (c->pid == 0) {
        struct pg_verdict v = { .number = PG_FAILED };

        (void)close(ends[0]);
        work(s, with, ms, &v);
        _exit(write(ends[1], &v, sizeof(v)) == (ssize_t)sizeof(v) ? 0 : 1);
    }
    (void)close(ends[1]);
    c->fd = ends[0];
}

/* ---- the parent ---- */

/* Its verdict, which is written in one piece, or its end without one. */
static void
hear(struct child *c, const struct pg_server *s)
{
    struct pg_verdict v;

    if (c->pid < 0) {
        (void)pg_says(&c->verdict, PG_FAILED, "port %u: there is no process", s->port);
    } else if (read(c->fd, &v, sizeof(v)) == (ssize_t)sizeof(v)) {
        c->verdict = v;
        c->verdict.words[sizeof(v.words) - 1] = '\0';
    } else {
        (void)pg_says(&c->verdict, PG_FAILED, "port %u: who asked it has crashed", s->port);
    }
    (void)close(c->fd);
    c->fd = -1;
}

static void
collect(struct child *c, const struct pg_servers *l, struct deadline by)
{
    for (;;) {
        struct pollfd fds[PG_SERVERS_MAX];
        bool waiting = false;

        for (size_t i = 0; i < l->n; i++) {
            fds[i] = (struct pollfd){ .fd = c[i].fd, .events = POLLIN };
            waiting = waiting || c[i].fd >= 0;
        }
        if (!waiting || poll(fds, l->n, deadline_poll_ms(by)) <= 0)
            return;
        for (size_t i = 0; i < l->n; i++)
            if (c[i].fd >= 0 && fds[i].revents != 0)
                hear(&c[i], &l->item[i]);
    }
}

static void
end(struct child *c, const struct pg_server *s)
{
    if (c->fd >= 0) {
        (void)pg_says(&c->verdict, E_PostgresqlSilent, "port %u gave no answer", s->port);
        (void)close(c->fd);
    }
    if (c->pid > 0) {
        (void)kill(c->pid, SIGKILL);
        (void)waitpid(c->pid, NULL, 0);
    }
}

/* All verdicts as one: the first failure, or the words of all. */
static int
conclude(const struct child *c, const struct pg_servers *l, char *words, size_t size)
{
    size_t len = 0;

    for (size_t i = 0; i < l->n; i++) {
        if (c[i].verdict.number != 0) {
            (void)snprintf(words, size, "%s", c[i].verdict.words);
            return c[i].verdict.number;
        }
        if (len < size && !l->item[i].skip)
            len += (size_t)snprintf(words + len, size - len, "%s%s", len > 0 ? "; " : "",
                c[i].verdict.words);
    }
    if (l->n == 0)
        (void)snprintf(words, size, "no server of PostgreSQL runs here");
    else if (l->nskip > 0 && len < size)
        (void)snprintf(words + len, size - len, "%sleft alone as the settings say: %zu",
            len > 0 ? "; " : "", l->nskip);
    return 0;
}

static int
quiesce(uint32_t deadline_ms, char *words, size_t size)
{
    static struct pg_servers servers; /* large, and there is one thread */
    static struct child child[PG_SERVERS_MAX];
    struct deadline by = deadline_in_ms(deadline_ms - deadline_ms / 20);
    struct pg_settings settings;
    struct pg_verdict v = { 0 };

    if (!pgsettings_read(&settings, &v) || !pgfind_servers(&settings, &servers, &v) ||
        (servers.n > servers.nskip && !pgask_load(&v))) {
        (void)snprintf(words, size, "%s", v.words);
        return v.number;
    }
    for (size_t i = 0; i < servers.n; i++) {
        child[i] = (struct child){ .pid = -1, .fd = -1 };
        if (!servers.item[i].skip)
            start(&child[i], &servers.item[i], &settings, deadline_ms);
    }
    collect(child, &servers, by);
    for (size_t i = 0; i < servers.n; i++)
        end(&child[i], &servers.item[i]);
    return conclude(child, &servers, words, size);
}

/* Nothing is at rest. */
static int
resume(uint32_t deadline_ms, char *words, size_t size)
{
    (void)deadline_ms;
    (void)words;
    (void)size;
    return 0;
}

FIRN_PLUGIN_EXPORT const struct firn_plugin *
firn_plugin_describe(void)
{
    static const struct firn_plugin plugin = {
        .abi = FIRN_PLUGIN_ABI,
        .size = sizeof(plugin),
        .name = "postgresql",
        .version = "1.0",
        .about = "lets servers of PostgreSQL write a checkpoint and their log",
        .quiesce = quiesce,
        .resume = resume,
        .ready = quiesce, /* the long checkpoint is written then, the one in time is short */
    };

    return &plugin;
}
