/* SPDX-License-Identifier: Apache-2.0 */
/* guard_main.c -- the guard itself.
 *
 * One thread, one request at a time: while the agent is asked to freeze, firn is not listened
 * to.  Nothing could be done for it meanwhile: an agent that freezes hears nobody, and the
 * thaw goes out as soon as it answers, or by the deadline.  Where the agent's answer fails to
 * come, the guest counts as frozen until the agent says otherwise. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "codes.h"
#include "err_json.h"
#include "guard.h"
#include "guard_internal.h"
#include "guest_helper.h"
#include "guest_mark.h"
#include "qga.h"

enum { ARGUMENTS = 3, CONNECT_MS = 10000, SAY_MS = 200, LIST_MAX = 256 };

struct watch {
    struct thaw_guest guest;
    const char *marker;
    struct line *line; /* to firn */
    struct qga *agent; /* NULL: the connection was lost */
};

/* Tell firn, which may be gone or stopped: then nobody is told, and that is no reason to do
 * anything else. */
static void
tell(struct watch *w, json_t *what)
{
    enum line_state state;

    err_free(talk_say(w->line, what, deadline_in_ms(SAY_MS), &state));
}

/* Takes ${e}. */
static void
tell_failure(struct watch *w, struct err *e)
{
    json_t *o = err_json(e);

    err_free(e);
    if (o != NULL && json_object_set_new(o, "is", json_string("failed")) == 0)
        tell(w, o);
    else
        json_decref(o);
}

static void
tell_trying(void *arg)
{
    struct watch *w = arg;

    tell(w, json_pack("{s:s, s:I}", "is", "trying", "ms",
                (json_int_t)thaw_try_ms(&w->guest)));
}

/* ---- before the freeze ---- */

/* Without these nothing may be frozen.  Whether the agent may freeze, it says when it is asked
 * to: there are two commands for that. */
static struct err *
may_thaw(struct watch *w, struct deadline by)
{
    static const char *const needed[] = { "guest-fsfreeze-thaw", "guest-fsfreeze-status" };
    enum qga_may may;

    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
        TRY(qga_may(w->agent, needed[i], by, &may));
        if (may == QGA_FORBIDDEN)
            return err_because(fail(FreezeHelperMissing, w->guest.name),
                fail(AgentCommandForbidden, w->guest.name, needed[i]));
        if (may == QGA_LACKS)
            return err_because(fail(FreezeHelperMissing, w->guest.name),
                fail(AgentCommandMissing, w->guest.name, needed[i]));
    }
    return NULL;
}

static struct err *
is_frozen_already(struct watch *w, struct deadline by)
{
    bool frozen;

    TRY(qga_is_frozen(w->agent, by, &frozen));
    return frozen ? fail(GuestFrozen, w->guest.name, "guest-fsfreeze-freeze") : NULL;
}

/* A frozen agent calls most of its commands disabled, so that is asked first. */
static struct err *
connect_agent(struct watch *w)
{
    struct deadline by = deadline_in_ms(CONNECT_MS);

    TRY(qga_open(w->guest.socket, w->guest.name, by, &w->agent));
    TRY(is_frozen_already(w, by));
    return may_thaw(w, by);
}

/* ---- thawing ---- */

/* Until the guest is seen thawed; false after GUARD_TRY_MS, and then *ret says why not. */
static bool
thaw(struct watch *w, struct thawed *ret, struct err **ret_failure)
{
    *ret_failure = thaw_guest(&w->guest, deadline_in_ms(GUARD_TRY_MS), tell_trying, w,
        &w->agent, ret);
    if (*ret_failure != NULL)
        return false;
    err_free(guest_mark_remove(w->marker)); /* it is found again, and then removed */
    return true;
}

static void
thaw_and_tell(struct watch *w, bool early)
{
    struct err *e;
    struct thawed t;

    if (thaw(w, &t, &e))
        tell(w, json_pack("{s:s, s:b, s:b, s:I, s:I, s:I}", "is", "thawed", "early",
                    (int)early, "counted", (int)t.counted, "n", (json_int_t)t.n, "asked",
                    (json_int_t)t.asked_ns, "at", (json_int_t)t.at_ns));
    else
        tell_failure(w, e);
}

/* Did the agent refuse for a reason that says that nothing of ours is frozen? */
static bool
froze_nothing(const struct err *e)
{
    return err_has(e, E_GuestFrozen) || err_has(e, E_AgentCommandMissing) ||
           err_has(e, E_AgentCommandForbidden) || err_has(e, E_GuestProgramUnstarted);
}

/* Takes ${e}, why the freeze did not come about; ${refused}: by the extension, which has thawed
 * what it froze before. */
static void
give_up_freeze(struct watch *w, struct err *e, bool refused, int64_t ms)
{
    struct err *more = NULL;
    struct thawed t;

    if (err_has(e, E_AgentCommandMissing) || err_has(e, E_AgentCommandForbidden))
        e = err_because(fail(FreezeHelperMissing, w->guest.name), e);
    if (err_has(e, E_AgentSilent))
        e = err_because(fail(FreezeTimeout, w->guest.name, (ms + 999) / 1000), e);
    if (refused || froze_nothing(e))
        err_free(guest_mark_remove(w->marker)); /* it is found again, and then removed */
    else
        (void)thaw(w, &t, &more);
    tell_failure(w, more != NULL ? err_because(more, e) : e);
}

/* ---- the freeze ---- */

/* The texts of the member ${name}; NULL when it is no list. */
static const char *const *
read_list(const json_t *request, const char *name, const char *to[LIST_MAX + 1])
{
    const json_t *list = json_object_get(request, name);
    size_t i, n = 0;
    json_t *one;

    json_array_foreach(list, i, one)
        if (json_is_string(one) && n < LIST_MAX)
            to[n++] = json_string_value(one);
    to[n] = NULL;
    return json_is_array(list) ? to : NULL;
}

/* Hold the guest until firn asks for the thaw, dies, or is late. */
static void
hold(struct watch *w, struct deadline by)
{
    json_auto_t *said = NULL;
    enum line_state state = LINE_CLOSED;

    /* what cannot be heard is no request to thaw, and then it is thawed all the more */
    err_free(talk_hear(w->line, GUARD_LINE_MAX, by, &said, &state));
    thaw_and_tell(w, state != LINE_WHOLE);
}

/* By the extension: the time of the freeze begins when the applications are at rest, and is
 * kept in the guest too.  By the agent: it begins with the request. */
static struct err *
ask_to_freeze(struct watch *w, const json_t *request, int64_t ms, unsigned *ret_n,
    bool *ret_refused)
{
    const char *mounts[LIST_MAX + 1], *with[LIST_MAX + 1];
    const struct guest_helper_freeze how = { .program = w->guest.helper,
        .mounts = read_list(request, "mounts", mounts),
        .applications = json_is_true(json_object_get(request, "applications")),
        .with = read_list(request, "with", with), .ms = ms };

    if (how.program != NULL)
        return guest_helper_freeze(w->agent, &how, deadline_in_ms(GUARD_REST_MS + ms), ret_n,
            ret_refused);
    return qga_freeze(w->agent, how.mounts, deadline_in_ms(ms), ret_n);
}

static void
freeze(struct watch *w, const json_t *request)
{
    int64_t ms = talk_integer(request, "ms"), asked = clock_mono_ns();
    bool refused = false;
    unsigned n = 0;

    w->guest.helper = json_string_value(json_object_get(request, "helper"));
    struct err *e = ask_to_freeze(w, request, ms, &n, &refused);
    int64_t at = clock_mono_ns();
    if (e != NULL) {
        give_up_freeze(w, e, refused, ms);
        return;
    }
    if (w->guest.helper != NULL)
        asked = at;
    tell(w, json_pack("{s:s, s:I, s:I, s:I}", "is", "frozen", "n", (json_int_t)n, "asked",
                (json_int_t)asked, "at", (json_int_t)at));
    hold(w, (struct deadline){ asked + ms * CLOCK_MS });
}

static void
serve(struct watch *w)
{
    json_auto_t *said = NULL;
    enum line_state state = LINE_CLOSED;

    struct err *e = connect_agent(w);
    if (e != NULL) {
        tell_failure(w, e);
        return;
    }
    tell(w, json_pack("{s:s}", "is", "ready"));
    /* what cannot be heard is no request to freeze */
    err_free(talk_hear(w->line, GUARD_LINE_MAX, deadline_in_ms(GUARD_IDLE_MS), &said, &state));
    if (state == LINE_WHOLE && strcmp(talk_word(said, "do"), "freeze") == 0)
        freeze(w, said);
    else
        err_free(guest_mark_remove(w->marker)); /* nothing was frozen */
}

int
guard_main(int argc, char *const *argv)
{
    static const int unheeded[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE };
    struct sigaction ignore = { .sa_handler = SIG_IGN };
    struct watch w = { 0 };

    if (argc != ARGUMENTS)
        return 2;
    for (size_t i = 0; i < sizeof(unheeded) / sizeof(unheeded[0]); i++)
        (void)sigaction(unheeded[i], &ignore, NULL);
    w.guest.socket = argv[0];
    w.guest.name = argv[1];
    w.marker = argv[2];
    struct err *e = line_from_fd(dup(STDIN_FILENO), &w.line);
    if (e != NULL) {
        err_free(e);
        return 1;
    }
    serve(&w);
    qga_free(w.agent);
    line_free(w.line);
    return 0;
}
