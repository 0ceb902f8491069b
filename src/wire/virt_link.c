/* SPDX-License-Identifier: Apache-2.0 */
/* virt_link.c -- our side: start it, ask it, notice when it is silent. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "codes.h"
#include "err_json.h"
#include "proc.h"
#include "talk.h"
#include "virt_link.h"

static const char SELF[] = "/proc/self/exe", CONNECT[] = ",connect=";

enum { END_MS = 2000 };

struct virt_link {
    struct proc *proc;
    struct line *line;
    char *name;
    bool lost; /* an answer is owed, or it has gone: nothing can be asked any more */
};

/* ---- starting ---- */

const char *
virt_uri(const char *address)
{
    const char *at = strstr(address, CONNECT);

    return at != NULL ? at + strlen(CONNECT) : VIRT_URI;
}

static struct err *
name_in(const char *address, char **ret_name)
{
    const char *at = strstr(address, CONNECT);

    *ret_name = strndup(address, at != NULL ? (size_t)(at - address) : strlen(address));
    return *ret_name == NULL ? fail(OutOfMemory) : NULL;
}

/* The failure that it met; NULL: none. */
static struct err *
its_failure(const json_t *said, const char *name, const char *what)
{
    const json_t *error = json_object_get(said, "error");

    if (error == NULL)
        return NULL;
    struct err *e = err_json_read(error);
    return e != NULL ? e : fail(LibvirtLost, name, what);
}

static struct err *
hear(struct line *l, const char *name, const char *what, struct deadline by, json_t **ret)
{
    json_auto_t *said = NULL;
    enum line_state state;

    TRY(talk_hear(l, VIRT_LINE_MAX, by, &said, &state));
    if (state == LINE_LATE)
        return fail(LibvirtSilent, name, what);
    if (state != LINE_WHOLE)
        return fail(LibvirtLost, name, what);
    TRY(its_failure(said, name, what));
    *ret = take(said);
    return NULL;
}

/* It says one line when it is ready, and nothing more before it is asked. */
static struct err *
until_ready(int fd, const char *name, struct deadline by)
{
    auto_ptr(line) l = NULL;
    json_auto_t *said = NULL;

    TRY(line_from_fd(fcntl(fd, F_DUPFD_CLOEXEC, 0), &l));
    TRY(hear(l, name, "connect", by, &said));
    return NULL;
}

struct err *
virt_start(const char *mode, const char *address, struct deadline by, struct proc **ret_proc,
    int *ret_fd)
{
    auto_free char *name = NULL;
    auto_ptr(proc) p = NULL;
    int ends[2];

    TRY(name_in(address, &name));
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return fail_call("socketpair");
    auto_fd int ours = ends[0], theirs = ends[1];
    const char *const argv[] = { SELF, VIRT_VERB, mode, virt_uri(address), name, NULL };
    const struct proc_options options = { .stdin_fd = theirs, .survives = true };
    TRY(proc_start(argv, &options, &p));
    (void)close(take_fd(theirs));
    struct err *e = until_ready(ours, name, by);
    if (e != NULL) {
        proc_kill(p);
        return e;
    }
    *ret_proc = take(p);
    *ret_fd = take_fd(ours);
    return NULL;
}

struct err *
virt_link_open(const char *address, struct deadline by, struct virt_link **ret)
{
    auto_ptr(virt_link) l = calloc(1, sizeof(*l));
    int fd = -1;

    if (l == NULL)
        return fail(OutOfMemory);
    TRY(name_in(address, &l->name));
    TRY(virt_start(VIRT_DOMAIN, address, by, &l->proc, &fd));
    TRY(line_from_fd(fd, &l->line));
    *ret = take(l);
    return NULL;
}

/* ---- asking ---- */

static struct err *
request(struct virt_link *l, const char *what, json_t *arguments, const char *for_people,
    struct deadline by)
{
    json_t *asked = json_pack("{s:s, s:o*}", "do", what, "with", arguments);
    enum line_state state;

    if (asked == NULL)
        return fail(OutOfMemory);
    TRY(talk_say(l->line, asked, by, &state));
    if (state == LINE_LATE)
        return fail(LibvirtSilent, l->name, for_people);
    return state == LINE_WHOLE ? NULL : fail(LibvirtLost, l->name, for_people);
}

struct err *
virt_ask(struct virt_link *l, const char *what, json_t *arguments, const char *for_people,
    struct deadline by, json_t **ret)
{
    json_auto_t *said = NULL;

    if (l->lost) {
        json_decref(arguments);
        return fail(LibvirtLost, l->name, for_people);
    }
    struct err *e = request(l, what, arguments, for_people, by);
    if (e == NULL)
        e = hear(l->line, l->name, for_people, by, &said);
    if (err_has(e, E_LibvirtSilent) || err_has(e, E_LibvirtLost)) {
        l->lost = true;
        proc_kill(l->proc);
    }
    TRY(e);
    if (ret != NULL)
        *ret = take(said);
    return NULL;
}

struct err *
virt_identify(const char *address, struct deadline by, char **ret)
{
    auto_ptr(virt_link) l = NULL;
    json_auto_t *said = NULL;
    const char *uuid, *uri;

    TRY(virt_link_open(address, by, &l));
    TRY(virt_ask(l, "identify", NULL, "identify", by, &said));
    uuid = talk_word(said, "uuid");
    uri = talk_word(said, "uri");
    if (*uuid == '\0' || *uri == '\0')
        return fail(LibvirtLost, l->name, "identify");
    if (asprintf(ret, "%s%s%s", uuid, CONNECT, uri) < 0) {
        *ret = NULL;
        return fail(OutOfMemory);
    }
    return NULL;
}

void
virt_link_free(struct virt_link *l)
{
    if (l == NULL)
        return;
    line_free(l->line);
    if (l->proc != NULL) {
        bool ended;
        int status;

        err_free(proc_wait(l->proc, deadline_in_ms(END_MS), &ended, &status));
        proc_leave(l->proc); /* one that is still at it ends by itself */
    }
    free(l->name);
    free(l);
}
