/* SPDX-License-Identifier: Apache-2.0 */
/* guard.c -- firn's side: start it, ask it, notice when it is silent.
 *
 * A guard that is stopped looks like one that waits for a slow agent.  So the guard says
 * something before each attempt to thaw, none of which takes longer than THAW_TRY_MS, and by
 * the end of the freeze at the latest it begins with that. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "codes.h"
#include "err_json.h"
#include "guard.h"
#include "guard_internal.h"
#include "json_read.h"
#include "proc.h"
#include "qga.h"

static const char SELF[] = "/proc/self/exe";

struct guard {
    char *machine;
    struct proc *proc;
    struct line *line;
};

static struct err *
failed(const struct guard *g, const char *why)
{
    return fail(GuardFailed, g->machine, why);
}

static struct err *
start_process(struct guard *g, const char *program, const char *socket, const char *marker)
{
    const char *const argv[] = { program, GUARD_VERB, socket, g->machine, marker, NULL };
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return fail_call("socketpair");
    auto_fd int theirs = ends[1];
    TRY(line_from_fd(ends[0], &g->line));
    const struct proc_options options = { .stdin_fd = theirs, .survives = true };
    struct err *e = proc_start(argv, &options, &g->proc);
    if (e != NULL)
        return err_because(failed(g, "it could not be started"), e);
    return NULL;
}

/* What it says next.  ${silent} is how its silence is called. */
static struct err *
next(struct guard *g, struct deadline by, const char *silent, json_t **ret)
{
    enum line_state state;

    TRY(talk_hear(g->line, GUARD_LINE_MAX, by, ret, &state));
    switch (state) {
    case LINE_WHOLE:
        return NULL;
    case LINE_LATE:
        return failed(g, silent);
    case LINE_CLOSED:
        return failed(g, "it ended");
    case LINE_LONG:
        break;
    }
    return failed(g, "it said what makes no sense");
}

/* The failure that it met. */
static struct err *
its_failure(const struct guard *g, const json_t *said)
{
    struct err *e = err_json_read(json_object_get(said, "error"));

    return e != NULL ? e : failed(g, "it failed for a reason that makes no sense");
}

static struct err *
until_ready(struct guard *g, struct deadline by)
{
    json_auto_t *said = NULL;

    TRY(next(g, by, "it did not get ready in time", &said));
    if (strcmp(talk_word(said, "is"), "failed") == 0)
        return its_failure(g, said);
    if (strcmp(talk_word(said, "is"), "ready") != 0)
        return failed(g, "it said what makes no sense");
    return NULL;
}

struct err *
guard_start(const char *program, const char *socket, const char *machine, const char *marker,
    struct deadline by, struct guard **ret)
{
    auto_ptr(guard) g = calloc(1, sizeof(*g));

    if (g == NULL)
        return fail(OutOfMemory);
    g->machine = strdup(machine);
    if (g->machine == NULL)
        return fail(OutOfMemory);
    TRY(start_process(g, program != NULL ? program : SELF, socket, marker));
    /* it has a deadline of its own for connecting, which it must be able to report */
    struct err *e = until_ready(g, by);
    if (e != NULL) {
        guard_kill(g);
        return e;
    }
    *ret = take(g);
    return NULL;
}

int
guard_number(const struct guard *g)
{
    return proc_number(g->proc);
}

static struct err *
ask(struct guard *g, json_t *what)
{
    enum line_state state;

    TRY(talk_say(g->line, what, deadline_in_ms(GUARD_SILENT_MS), &state));
    if (state == LINE_LATE)
        return failed(g, "it does not listen");
    return NULL; /* if it has gone, what it said before is still to be read */
}

/* Its next word but "trying", which may come again and again until ${by}. */
static struct err *
next_but_trying(struct guard *g, struct deadline first, struct deadline by, json_t **ret)
{
    struct deadline next_by = first;

    for (;;) {
        json_auto_t *said = NULL;

        TRY(next(g, next_by, "it is silent", &said));
        if (strcmp(talk_word(said, "is"), "trying") != 0) {
            *ret = take(said);
            return NULL;
        }
        if (deadline_passed(by))
            return fail(GuestLeftFrozen, g->machine);
        next_by = deadline_in_ms(talk_integer(said, "ms") + GUARD_SILENT_MS);
    }
}

static json_t *
list_of(const char *const *texts)
{
    json_t *list;

    if (texts == NULL)
        return json_null();
    list = json_array();
    for (; *texts != NULL; texts++)
        if (json_array_append_new(list, json_string(*texts)) != 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

struct err *
guard_freeze(struct guard *g, const struct guard_freeze *how, struct deadline by,
    struct guard_frozen *ret)
{
    int64_t rest_ms = how->helper != NULL ? GUARD_REST_MS + QGA_GRACE_MS : 0;
    struct deadline first = deadline_in_ms(how->ms + rest_ms + GUARD_SILENT_MS);
    json_auto_t *said = NULL;

    TRY(ask(g, json_pack("{s:s, s:I, s:o, s:s?, s:b, s:o}", "do", "freeze", "ms",
                   (json_int_t)how->ms, "mounts", list_of(how->mounts), "helper", how->helper,
                   "applications", (int)how->applications, "with", list_of(how->with))));
    TRY(next_but_trying(g, first, by, &said));
    if (strcmp(talk_word(said, "is"), "failed") == 0)
        return its_failure(g, said);
    if (strcmp(talk_word(said, "is"), "frozen") != 0)
        return failed(g, "it said what makes no sense");
    ret->n = (unsigned)talk_integer(said, "n");
    ret->asked_ns = talk_integer(said, "asked");
    ret->at_ns = talk_integer(said, "at");
    return NULL;
}

struct err *
guard_thaw(struct guard *g, struct deadline by, struct thawed *ret, bool *ret_early)
{
    json_auto_t *said = NULL;

    TRY(ask(g, json_pack("{s:s}", "do", "thaw")));
    TRY(next_but_trying(g, deadline_in_ms(GUARD_SILENT_MS), by, &said));
    if (strcmp(talk_word(said, "is"), "failed") == 0)
        return its_failure(g, said);
    if (strcmp(talk_word(said, "is"), "thawed") != 0)
        return failed(g, "it said what makes no sense");
    ret->n = (unsigned)talk_integer(said, "n");
    ret->asked_ns = talk_integer(said, "asked");
    ret->at_ns = talk_integer(said, "at");
    ret->counted = json_is_true(json_object_get(said, "counted"));
    *ret_early = json_is_true(json_object_get(said, "early"));
    return NULL;
}

void
guard_kill(struct guard *g)
{
    if (g->proc != NULL)
        proc_kill(g->proc);
}

void
guard_free(struct guard *g)
{
    if (g == NULL)
        return;
    line_free(g->line);
    if (g->proc != NULL)
        proc_leave(g->proc);
    free(g->machine);
    free(g);
}
