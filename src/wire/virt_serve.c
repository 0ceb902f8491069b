/* SPDX-License-Identifier: Apache-2.0 */
/* virt_serve.c -- connect, say so, and answer one request after the other.
 *
 * Requests to end (TERM, INT, HUP) are not heeded: the end of the other side is what ends this
 * process, and before that a backup that is under way. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "codes.h"
#include "err_json.h"
#include "virt_internal.h"
#include "virt_link.h"
#include "virt_serve.h"

enum { ARGUMENTS = 3, SAY_MS = 60 * 1000, WATCH_MS = 200 };

static void
quiet(void *arg, virErrorPtr error)
{
    (void)arg;
    (void)error;
}

bool
virt_connected(const struct virt *v)
{
    return v->conn != NULL && v->call->virConnectIsAlive(v->conn) == 1;
}

struct err *
virt_refused(const struct virt *v, const char *what)
{
    char words[512];

    snprintf(words, sizeof(words), "%s", v->call->virGetLastErrorMessage());
    if (!virt_connected(v))
        return fail(LibvirtLost, v->name, what);
    return fail(LibvirtRefused, v->name, what, words);
}

static struct err *
find_domain(struct virt *v)
{
    v->domain = v->call->virDomainLookupByName(v->conn, v->name);
    if (v->domain == NULL)
        v->domain = v->call->virDomainLookupByUUIDString(v->conn, v->name);
    if (v->domain != NULL)
        return NULL;
    int code = v->call->virGetLastErrorCode();
    if (code == VIR_ERR_NO_DOMAIN || code == VIR_ERR_INVALID_ARG)
        return fail(DomainMissing, v->uri, v->name);
    return virt_refused(v, "look up");
}

static struct err *
connect_to(struct virt *v)
{
    v->conn = v->call->virConnectOpen(v->uri);
    if (v->conn == NULL)
        return fail(LibvirtUnreachable, v->uri, v->call->virGetLastErrorMessage());
    return find_domain(v);
}

static void
disconnect(struct virt *v)
{
    if (v->domain != NULL)
        (void)v->call->virDomainFree(v->domain);
    if (v->conn != NULL)
        (void)v->call->virConnectClose(v->conn);
    v->domain = NULL;
    v->conn = NULL;
}

/* A libvirtd that was started anew knows of a backup that is under way, and QEMU goes on with
 * it meanwhile: the watch has to, too.  What fails is tried again at the next look. */
static bool
stay_connected(struct virt *v)
{
    if (virt_connected(v))
        return true;
    disconnect(v);
    struct err *e = connect_to(v);
    if (e != NULL)
        disconnect(v);
    bool connected = e == NULL;
    err_free(e); /* the next look tries again */
    return connected;
}

/* ${e}, which is taken, as an answer. */
static json_t *
failure(struct err *e)
{
    json_t *o = err_json(e);

    err_free(e);
    return o;
}

/* False: nobody is there to hear it. */
static bool
say(struct virt *v, json_t *what)
{
    enum line_state state = LINE_CLOSED;

    err_free(talk_say(v->line, what, deadline_in_ms(SAY_MS), &state));
    return state == LINE_WHOLE;
}

/* The next request, looking after the backup meanwhile; NULL: the other side has gone. */
static json_t *
next_request(struct virt *v)
{
    enum line_state state = LINE_LATE;
    json_t *request = NULL;

    while (state == LINE_LATE) {
        struct deadline by =
            v->socket != NULL ? deadline_in_ms(WATCH_MS) : deadline_never();
        struct err *e = talk_hear(v->line, VIRT_LINE_MAX, by, &request, &state);

        if (e != NULL)
            state = LINE_CLOSED;
        err_free(e);
        if (v->socket != NULL && stay_connected(v))
            virt_watch(v);
    }
    return request;
}

static void
serve_domain(struct virt *v)
{
    bool heard = true;

    while (heard) {
        json_auto_t *request = next_request(v);
        json_t *answer = NULL;

        if (request == NULL)
            break;
        struct err *e = virt_domain_do(v, request, &answer);
        if (err_code(e) == E_LibvirtLost && stay_connected(v)) {
            err_free(e); /* asked once more, by the new connection */
            e = virt_domain_do(v, request, &answer);
        }
        heard = say(v, e != NULL ? failure(e) : answer);
    }
    if (v->socket != NULL && stay_connected(v))
        err_free(virt_end(v, v->socket)); /* nobody is left to tell; the next run looks */
}

static int
serve(struct virt *v, const char *mode)
{
    v->call->virSetErrorFunc(NULL, quiet);
    struct err *e = connect_to(v);

    if (!say(v, e != NULL ? failure(e) : json_object()) || e != NULL)
        return 1;
    if (strcmp(mode, VIRT_AGENT) == 0)
        virt_agent(v);
    else
        serve_domain(v);
    return 0;
}

int
virt_serve(const struct virt_calls *calls, int fd, const char *mode, const char *uri,
    const char *name)
{
    struct virt v = { .call = calls, .name = name, .uri = uri, .owner = getppid() };
    struct err *e = line_from_fd(fd, &v.line);
    int status = e != NULL ? 1 : serve(&v, mode);

    err_free(e);
    disconnect(&v);
    line_free(v.line);
    free(v.socket);
    free(v.scratch);
    return status;
}

/* Without libvirt there is still somebody to be told. */
static void
say_missing(struct err *e)
{
    struct virt v = { 0 };
    struct err *no_line = line_from_fd(dup(STDIN_FILENO), &v.line);

    if (no_line == NULL)
        (void)say(&v, failure(e));
    else
        err_free(e);
    err_free(no_line);
    line_free(v.line);
}

int
virt_main(int argc, char *const *argv)
{
    static const int unheeded[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE };
    struct sigaction ignore = { .sa_handler = SIG_IGN };
    struct virt_calls calls;

    if (argc != ARGUMENTS)
        return 2;
    for (size_t i = 0; i < sizeof(unheeded) / sizeof(unheeded[0]); i++)
        (void)sigaction(unheeded[i], &ignore, NULL);
    struct err *e = virt_calls_load(&calls);
    if (e != NULL) {
        say_missing(e);
        return 1;
    }
    return virt_serve(&calls, dup(STDIN_FILENO), argv[0], argv[1], argv[2]);
}
