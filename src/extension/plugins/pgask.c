/* SPDX-License-Identifier: Apache-2.0 */
/* A conversation with one server by libpq, whose calls never wait: this waits, with a deadline.
 *
 * libpq is loaded when there is a server to speak to, and its few functions are declared here
 * as its documentation has them; they have been the same since libpq.so.5 began.  So a build
 * needs no headers of PostgreSQL, the plug-in itself loads everywhere, and that libpq is
 * missing is found by name, before anything is at rest.
 *
 * Why these steps: a snapshot of all disks at one moment is to a server what a power cut is,
 * and it recovers from that by itself if what it wrote was written in order (fsync).  A
 * checkpoint leaves that recovery little to do, and fails when the server is not well.  Then
 * one record is written to the log and waited for: with it all commits before it are on disk,
 * also those that asked not to wait (synchronous_commit=off).  From then on the frozen file
 * systems hold back the rest, since a commit is told only when its log is written. */
#include <dlfcn.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codes.h"
#include "postgresql.h"

enum { ANSWER_MS = 10000 }; /* for a server that is well to take a connection */
enum { POLL_FAILED = 0, POLL_READING = 1, POLL_OK = 3 }; /* PostgresPollingStatusType */
enum { RESULT_COMMAND = 1, RESULT_TUPLES = 2 };          /* ExecStatusType */
enum { CONNECTION_IS_BAD = 1, VERBOSE = 2, DIAG_SQLSTATE = 'C', DIAG_MESSAGE = 'M' };

static struct {
    void *(*connect_start)(const char *const *names, const char *const *values, int expand);
    int (*connect_poll)(void *c);
    int (*status)(const void *c);
    int (*socket)(const void *c);
    char *(*error)(const void *c);
    int (*needs_password)(const void *c);
    int (*set_verbosity)(void *c, int verbosity);
    int (*send)(void *c, const char *query);
    int (*flush)(void *c);
    int (*consume)(void *c);
    int (*is_busy)(void *c);
    void *(*result)(void *c);
    int (*result_status)(const void *r);
    char *(*result_field)(const void *r, int code);
    int (*rows)(const void *r);
    char *(*value)(const void *r, int row, int column);
    void (*clear)(void *r);
    void (*finish)(void *c);
} pq;

static const struct {
    const char *name;
    void *to;
} functions[] = {
    { "PQconnectStartParams", &pq.connect_start },
    { "PQconnectPoll", &pq.connect_poll },
    { "PQstatus", &pq.status },
    { "PQsocket", &pq.socket },
    { "PQerrorMessage", &pq.error },
    { "PQconnectionNeedsPassword", &pq.needs_password },
    { "PQsetErrorVerbosity", &pq.set_verbosity },
    { "PQsendQuery", &pq.send },
    { "PQflush", &pq.flush },
    { "PQconsumeInput", &pq.consume },
    { "PQisBusy", &pq.is_busy },
    { "PQgetResult", &pq.result },
    { "PQresultStatus", &pq.result_status },
    { "PQresultErrorField", &pq.result_field },
    { "PQntuples", &pq.rows },
    { "PQgetvalue", &pq.value },
    { "PQclear", &pq.clear },
    { "PQfinish", &pq.finish },
};

bool
pgask_load(struct pg_verdict *v)
{
    void *library = dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL);

    if (library == NULL)
        return pg_says(v, E_PostgresqlLibraryMissing, "%s", dlerror());
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
        void *symbol = dlsym(library, functions[i].name);

        if (symbol == NULL)
            return pg_says(v, E_PostgresqlLibraryMissing, "libpq.so.5 has no %s",
                functions[i].name);
        memcpy(functions[i].to, &symbol, sizeof(symbol));
    }
    return true;
}

/* ---- what its failures mean ---- */

static int
number_of(const char *sqlstate)
{
    static const struct {
        const char *begin; /* of the SQLSTATE */
        int number;
    } known[] = {
        { "28", E_PostgresqlLoginRefused },
        { "3D000", PG_SETTINGS },
        { "42501", E_PostgresqlRightMissing },
        { "53300", E_PostgresqlConnectionsFull },
        { "57014", E_PostgresqlCheckpointSlow },
        { "57P03", E_PostgresqlNotReady },
        { "57P", PG_CHANGED },
        { "08", PG_CHANGED },
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strncmp(sqlstate, known[i].begin, strlen(known[i].begin)) == 0)
            return known[i].number;
    return PG_FAILED;
}

/* A failure to connect has no result to ask for its SQLSTATE; verbose messages have it, behind
 * the severity and two blanks: "FATAL:  28000: ...".  "" when there is none. */
static void
find_sqlstate(const char *message, char to[6])
{
    static const char state[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

    to[0] = '\0';
    for (const char *at = message; (at = strstr(at, ":  ")) != NULL; at++) {
        if (strspn(at + 3, state) != 5 || at[8] != ':')
            continue;
        memcpy(to, at + 3, 5);
        to[5] = '\0';
        return;
    }
}

static bool
not_connected(void *c, const struct pg_server *s, struct pg_verdict *v)
{
    const char *message = pq.error(c);
    char state[6];
    int number = PG_UNREACHABLE;

    find_sqlstate(message, state);
    if (state[0] != '\0')
        number = number_of(state);
    else if (pq.needs_password(c))
        number = E_PostgresqlLoginRefused;
    return pg_says(v, number, "port %u: %.*s", s->port, (int)strcspn(message, "\n"), message);
}

/* ---- waiting ---- */

/* Until its socket can be read (and, with ${write}, written); false at the deadline. */
static bool
wait_for(void *c, bool read, bool write, struct deadline by)
{
    struct pollfd fd = { .fd = pq.socket(c),
        .events = (short)((read ? POLLIN : 0) | (write ? POLLOUT : 0)) };

    return poll(&fd, 1, deadline_poll_ms(by)) > 0;
}

static bool
is_silent(const struct pg_server *s, const char *step, struct pg_verdict *v)
{
    return pg_says(v, E_PostgresqlSilent, "port %u gave no answer when it was asked to %s",
        s->port, step);
}

static bool
open_connection(void *c, const struct pg_server *s, struct deadline by, struct pg_verdict *v)
{
    int state = POLL_READING + 1; /* writing comes first */

    (void)pq.set_verbosity(c, VERBOSE);
    if (pq.status(c) == CONNECTION_IS_BAD)
        return not_connected(c, s, v);
    for (;;) {
        if (!wait_for(c, state == POLL_READING, state != POLL_READING, by))
            return is_silent(s, "connect", v);
        state = pq.connect_poll(c);
        if (state == POLL_FAILED)
            return not_connected(c, s, v);
        if (state == POLL_OK)
            return true;
    }
}

/* Send a statement and wait until it has been carried out; *ret is the last result, the
 * caller's, or NULL. */
static bool
carry_out(void *c, const char *query, struct deadline by, void **ret)
{
    void *r;
    int left;

    *ret = NULL;
    if (!pq.send(c, query))
        return true;
    while ((left = pq.flush(c)) > 0)
        if (!wait_for(c, true, true, by) || !pq.consume(c))
            return false;
    for (;;) {
        while (left == 0 && pq.is_busy(c)) {
            if (!wait_for(c, true, false, by))
                return false;
            if (!pq.consume(c))
                break;
        }
        if ((r = pq.result(c)) == NULL)
            return true;
        if (*ret != NULL)
            pq.clear(*ret);
        *ret = r;
    }
}

/* A statement; *ret is its result, which the caller clears, when it was done. */
static bool
ask(void *c, const struct pg_server *s, const char *step, const char *query,
    struct deadline by, void **ret, struct pg_verdict *v)
{
    const char *state, *words;
    void *r;
    int status;

    if (!carry_out(c, query, by, &r)) {
        pq.clear(r);
        return is_silent(s, step, v);
    }
    status = r != NULL ? pq.result_status(r) : -1;
    if (status == RESULT_COMMAND || status == RESULT_TUPLES) {
        *ret = r;
        return true;
    }
    state = r != NULL ? pq.result_field(r, DIAG_SQLSTATE) : NULL;
    words = r != NULL ? pq.result_field(r, DIAG_MESSAGE) : NULL;
    if (words == NULL)
        words = pq.error(c);
    (void)pg_says(v, state != NULL ? number_of(state) : PG_CHANGED, "port %u did not %s: %.*s",
        s->port, step, (int)strcspn(words, "\n"), words);
    pq.clear(r); /* takes NULL */
    return false;
}

/* ---- the steps ---- */

static void *
begin(const struct pg_server *s, const struct pg_settings *with, const char *user,
    unsigned statement_ms)
{
    char port[16], options[256];
    const char *names[] = { "host", "port", "user", "dbname", "application_name", "options",
        "client_encoding", NULL };
    const char *values[] = { s->folder, port, user, with->database, "firn", options, "UTF8",
        NULL };

    (void)snprintf(port, sizeof(port), "%u", s->port);
    /* a commit here must not wait for a standby that is gone */
    (void)snprintf(options, sizeof(options), "-c statement_timeout=%u -c lock_timeout=0 "
        "-c synchronous_commit=local -c default_transaction_read_only=off "
        "-c search_path=pg_catalog", statement_ms);
    return pq.connect_start(names, values, 0);
}

/* Is it what survives a power cut?  *ret_standby: it is one. */
static bool
look(void *c, const struct pg_server *s, struct deadline by, bool *ret_standby,
    struct pg_verdict *v)
{
    bool good = true;
    void *r;

    if (!ask(c, s, "show its settings", "SELECT pg_catalog.current_setting('fsync'), "
        "pg_catalog.pg_is_in_recovery()", by, &r, v))
        return false;
    if (pq.rows(r) != 1)
        good = pg_says(v, PG_FAILED, "port %u does not show its settings", s->port);
    else if (strcmp(pq.value(r, 0, 0), "on") != 0)
        good = pg_says(v, E_PostgresqlNotDurable, "port %u runs with fsync=%s", s->port,
            pq.value(r, 0, 0));
    else
        *ret_standby = strcmp(pq.value(r, 0, 1), "t") == 0;
    pq.clear(r);
    return good;
}

static bool
bring_to_rest(void *c, const struct pg_server *s, struct deadline soon, struct deadline by,
    struct pg_verdict *v)
{
    int64_t began = clock_mono_ns();
    bool standby = false;
    char took[CLOCK_DURATION_MAX];
    void *r;

    if (!look(c, s, soon, &standby, v) ||
        !ask(c, s, "write a checkpoint", "CHECKPOINT", by, &r, v))
        return false;
    pq.clear(r);
    if (!standby) { /* whose log is its primary's */
        if (!ask(c, s, "write its log",
            "SELECT pg_catalog.pg_logical_emit_message(true, 'firn', '')", by, &r, v))
            return false;
        pq.clear(r);
    }
    clock_duration(took, clock_mono_ns() - began);
    (void)pg_says(v, 0, "port %u: a %s, checkpoint in %s", s->port,
        standby ? "standby" : "primary", took);
    return true;
}

bool
pgask_server(const struct pg_server *s, const struct pg_settings *with, const char *user,
    struct deadline by, unsigned statement_ms, struct pg_verdict *v)
{
    struct deadline soon = deadline_first(by, deadline_in_ms(ANSWER_MS));
    void *c = begin(s, with, with->user[0] != '\0' ? with->user : user, statement_ms);
    bool good;

    if (c == NULL)
        return pg_says(v, PG_FAILED, "there is no memory left");
    good = open_connection(c, s, soon, v) && bring_to_rest(c, s, soon, by, v);
    pq.finish(c);
    return good;
}
