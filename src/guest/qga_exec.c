/* SPDX-License-Identifier: Apache-2.0 */
/* qga_exec.c -- run a program in the guest, to its end or ours.
 *
 * The agent tells of no end by itself, so it is asked again and again, at growing intervals;
 * while waiting, the connection is watched, so that a machine that goes away is noticed at
 * once.  The agent cannot end a program either.  What can is in the guest: on Windows
 * taskkill, on Linux a few lines of shell that stop a process before they look for its
 * children, so that none is missed, and then kill from the leaves up. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codes.h"
#include "json_read.h"
#include "qga_internal.h"
#include "stop.h"

enum { ASK_FIRST_MS = 2,
    ASK_LATER_MS = 250,
    ANSWER_MS = 5000,
    SAME_NUMBER_MAX = 8 };

static const char KILL_TREE[] =
    "k() { kill -STOP \"$1\" 2>/dev/null; "
    "for c in $(cat /proc/\"$1\"/task/*/children 2>/dev/null); do k \"$c\"; done; "
    "kill -KILL \"$1\" 2>/dev/null; }; k \"$1\"";

static struct err *
add_strings(json_t *object, const char *name, const char *const *list, const char *what)
{
    json_auto_t *array = json_array();

    for (; array != NULL && list != NULL && *list != NULL; list++) {
        json_t *one = NULL;
        TRY(json_build(what, &one, "s", *list));
        if (json_array_append_new(array, one) != 0)
            return fail(OutOfMemory);
    }
    if (json_object_set(object, name, array) != 0)
        return fail(OutOfMemory);
    return NULL;
}

static struct err *
exec_arguments(const struct qga_program *p, json_t **ret)
{
    json_auto_t *arguments = NULL;
    auto_free char *input = NULL;

    TRY(json_build(p->path, &arguments, "{s:s, s:b}", "path", p->path, "capture-output",
        !p->discard));
    if (p->args != NULL)
        TRY(add_strings(arguments, "arg", p->args, p->path));
    if (p->env != NULL)
        TRY(add_strings(arguments, "env", p->env, p->path));
    if (p->input.len > 0) {
        TRY(qga_encode(p->input, &input));
        if (json_object_set_new(arguments, "input-data", json_string(input)) != 0)
            return fail(OutOfMemory);
    }
    *ret = take(arguments);
    return NULL;
}

static struct err *
start(struct qga *g, const struct qga_program *p, struct deadline by, json_int_t *ret_pid)
{
    json_auto_t *arguments = NULL, *value = NULL;

    TRY(exec_arguments(p, &arguments));
    struct err *e = qga_ask(g, "guest-exec", arguments, by, &value);
    if (err_code(e) == E_AgentRefused)
        return err_because(fail(GuestProgramUnstarted, qga_name(g), p->path), e);
    TRY(e);
    json_t *pid = json_object_get(value, "pid");
    if (!json_is_integer(pid) || json_integer_value(pid) <= 0)
        return qga_odd(g, "guest-exec");
    *ret_pid = json_integer_value(pid);
    return NULL;
}

static struct err *
look(struct qga *g, json_int_t pid, struct deadline by, struct qga_status *ret)
{
    json_auto_t *arguments = NULL, *value = NULL;
    bool ok;

    TRY(json_build("guest-exec-status", &arguments, "{s:I}", "pid", pid));
    TRY(qga_link_ask(g->link, "guest-exec-status", arguments, QGA_REPLY_OUTPUT_MAX, by,
        &value));
    TRY(qga_decode_status(value, ret, &ok));
    return ok ? NULL : qga_odd(g, "guest-exec-status");
}

/* An answer to the last question may come a little later. */
static struct deadline
answer_by(struct deadline by)
{
    struct deadline answer = deadline_in_ms(ANSWER_MS);

    return answer.at_ns < by.at_ns ? by : answer;
}

/* Ask until what was looked at has ended or ${by} has passed. */
static struct err *
look_on(struct qga *g, json_int_t pid, bool may_stop, struct deadline by,
    struct qga_status *ret)
{
    int64_t pause_ms = ASK_FIRST_MS;

    while (!ret->exited && !deadline_passed(by)) {
        if (may_stop)
            TRY(stop_check());
        TRY(qga_link_pause(g->link, deadline_first(by, deadline_in_ms(pause_ms))));
        pause_ms = pause_ms < ASK_LATER_MS / 2 ? 2 * pause_ms : ASK_LATER_MS;
        TRY(look(g, pid, answer_by(by), ret));
    }
    return NULL;
}

/* Until it has ended or ${by} has passed.
 *
 * An agent keeps a program that has ended until somebody asked after it, and the system gives
 * its number to another one meanwhile.  So the first answer may be of a program whose client
 * never asked; ours is the last of that number, and the agent knows none behind it.  One that
 * does not forget says the same again. */
static struct err *
wait_for_end(struct qga *g, json_int_t pid, bool may_stop, struct deadline by,
    struct qga_status *ret)
{
    TRY(look(g, pid, answer_by(by), ret));
    TRY(look_on(g, pid, may_stop, by, ret));
    for (unsigned n = 0; ret->exited && n < SAME_NUMBER_MAX; n++) {
        struct qga_status next = { 0 };
        struct err *e = look(g, pid, answer_by(by), &next);

        if (err_code(e) == E_AgentRefused) {
            err_free(e); /* there is no other */
            return NULL;
        }
        qga_result_done(&ret->result);
        *ret = next;
        TRY(e);
        TRY(look_on(g, pid, may_stop, by, ret));
    }
    return NULL;
}

static struct err *
run_killer(struct qga *g, json_int_t pid, struct deadline by)
{
    char number[24];
    const char *const on_linux[] = { "-c", KILL_TREE, "sh", number, NULL };
    const char *const on_windows[] = { "/PID", number, "/T", "/F", NULL };
    struct qga_program killer = { .path = "/bin/sh", .args = on_linux };
    struct qga_status s = { 0 };
    const struct qga_os *os;
    json_int_t killer_pid;

    snprintf(number, sizeof(number), "%lld", (long long)pid);
    TRY(qga_os(g, by, &os));
    if (os->family == QGA_WINDOWS) {
        killer.path = "taskkill.exe";
        killer.args = on_windows;
    }
    TRY(start(g, &killer, by, &killer_pid));
    TRY(wait_for_end(g, killer_pid, false, by, &s));
    qga_result_done(&s.result);
    return s.exited ? NULL : fail(DeadlinePassed, killer.path);
}

/* It has to go, because of ${why}.  Nobody is left to look at its output. */
static struct err *
end_program(struct qga *g, const char *path, json_int_t pid, struct err *why)
{
    struct deadline by = deadline_in_ms(QGA_GRACE_MS);
    struct qga_status s = { 0 };

    struct err *e = run_killer(g, pid, by);
    if (e == NULL)
        e = wait_for_end(g, pid, false, by, &s);
    if (e == NULL && !s.exited)
        e = fail(DeadlinePassed, path);
    qga_result_done(&s.result);
    return err_also(why, e);
}

struct err *
qga_run(struct qga *g, const struct qga_program *program, struct deadline by,
    struct qga_result *ret)
{
    struct qga_status s = { 0 };
    json_int_t pid;

    TRY(start(g, program, by, &pid));
    struct err *e = wait_for_end(g, pid, program->may_stop, by, &s);
    if (err_code(e) == E_Interrupted)
        return end_program(g, program->path, pid, e);
    TRY(e);
    if (!s.exited)
        return end_program(g, program->path, pid,
            fail(GuestProgramOverdue, qga_name(g), program->path));
    *ret = s.result;
    return NULL;
}

void
qga_result_done(struct qga_result *r)
{
    free(r->out);
    free(r->err);
    *r = (struct qga_result){ 0 };
}
