/* SPDX-License-Identifier: Apache-2.0 */
/* The freeze window against an agent that does wrong: whatever it does, there is a code by the
 * deadline, and the guest is not left frozen.  What becomes of it when processes are killed or
 * stopped is in window_kills.c. */
#include "check.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <dirent.h>
#include <unistd.h>

#include "fake_agent.h"
#include "frozen.h"
#include "guard.h"
#include "guest_resumed.h"
#include "pattern.h"
#include "stop.h"
#include "store.h"
#include "window.h"

enum { SHORT_MS = 300, LONG_MS = 5000, SEEN_MS = 20000, OWN_MS = 200 };

struct fixture {
    struct fake_agent agent;
    char socket[200];
    /* of the snapshot's call */
    int calls, frozen; /* how often; how many were frozen then */
    bool refuses, thaws, stops;
    int64_t wait_ms; /* beyond its deadline */
};

static struct err *
snapshot(void *arg, struct deadline by)
{
    struct fixture *f = arg;

    f->calls++;
    f->frozen = f->agent.s->frozen;
    if (f->thaws)
        fake_agent_thaw(&f->agent);
    if (f->stops) /* like a snapshot that hangs: the guard must not wait for it */
        assert_true(fake_agent_saw(&f->agent, 't', SEEN_MS));
    assert_false(by.at_ns > clock_mono_ns() + WINDOW_FREEZE_MOST_MS * CLOCK_MS);
    return f->refuses ? fail(DeadlinePassed, "the snapshot") : NULL;
}

static struct window_options
options(struct fixture *f)
{
    return (struct window_options){ .socket = f->socket,
        .machine = "web1",
        .levels = WINDOW_ALLOW(WINDOW_FILESYSTEM),
        .freeze_ms = LONG_MS,
        .snapshot = snapshot,
        .arg = f };
}

static unsigned
markers(void)
{
    DIR *d = opendir(pattern_path("state/firn/frozen"));
    const struct dirent *e;
    unsigned n = 0;

    while (d != NULL && (e = readdir(d)) != NULL)
        n += e->d_name[0] != '.';
    if (d != NULL)
        closedir(d);
    return n;
}

static int
set_up(void **state)
{
    static struct fixture f;

    memset(&f, 0, sizeof(f));
    snprintf(f.socket, sizeof(f.socket), "%s", pattern_path("agent"));
    fake_agent_start(&f.agent, f.socket);
    *state = &f;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;

    fake_agent_stop(&f->agent);
    return 0;
}

static void
all_is_over(struct fixture *f)
{
    assert_int_equal(f->agent.s->frozen, 0);
    assert_int_equal(markers(), 0);
}

/* ---- as it should be ---- */

static void
the_guest_stands_still_meanwhile(void **state)
{
    struct fixture *f = *state;
    struct window_options o = options(f);
    struct window_result r;

    assert_ok(window_run(&o, &r));
    assert_int_equal(f->calls, 1);
    assert_int_equal(f->frozen, 2);
    assert_int_equal(r.level, WINDOW_FILESYSTEM);
    assert_int_equal(r.frozen, 2);
    assert_string_equal(window_held_word(r.held), "firn");
    assert_null(r.weaker);
    assert_null(r.stuck);
    print_message("# own time %lld us, frozen %lld us\n", (long long)r.own_ns / 1000,
        (long long)r.frozen_ns / 1000);
    assert_in_range(r.own_ns, 1, OWN_MS * CLOCK_MS);
    assert_true(r.frozen_ns >= r.own_ns + r.snapshot_ns);
    assert_int_equal(f->agent.s->freezes, 1);
    all_is_over(f);
    window_result_done(&r);
}

static void
only_what_was_named_is_frozen(void **state)
{
    static const char *const mounts[] = { "/a", NULL };
    struct fixture *f = *state;
    struct window_options o = options(f);
    struct window_result r;

    o.mounts = mounts;
    assert_ok(window_run(&o, &r));
    assert_int_equal(r.frozen, 1);
    all_is_over(f);
    window_result_done(&r);
}

static void
a_crash_level_does_not_ask_the_guest(void **state)
{
    struct fixture *f = *state;
    struct window_options o = options(f);
    struct window_result r;

    o.levels = WINDOW_ALLOW(WINDOW_CRASH);
    assert_ok(window_run(&o, &r));
    assert_int_equal(r.level, WINDOW_CRASH);
    assert_int_equal(r.held, WINDOW_HELD_NOT);
    assert_int_equal(f->agent.s->client, 0);
    assert_null(r.weaker);
    window_result_done(&r);
}

static void
the_failure_of_the_snapshot_is_its_own(void **state)
{
    struct fixture *f = *state;
    struct window_options o = options(f);
    struct window_result r = { 0 };

    f->refuses = true;
    o.levels |= WINDOW_ALLOW(WINDOW_CRASH);
    assert_fails(window_run(&o, &r), E_DeadlinePassed);
    assert_int_equal(f->calls, 1);
    all_is_over(f);
}

static struct err *
snapshot_with_a_store(void *arg, struct deadline by)
{
    struct store *s = arg;
    bool found;

    (void)by;
    return store_remove(s, "a", &found);
}

static struct err *
snapshot_with_words(void *arg, struct deadline by)
{
    struct err *e = fail(DeadlinePassed, "a test");

    (void)arg;
    (void)by;
    err_print(e, false, check_line, NULL);
    return e;
}

/* What a window with this snapshot ends with, in a process of its own: a signal's number, or 0
 * when the process went on. */
static int
ends_by(struct fixture *f, struct err *(*call)(void *arg, struct deadline by), void *arg)
{
    int status = -1;
    pid_t pid = fork();

    if (pid == 0) {
        struct window_options o = options(f);
        struct window_result r = { 0 };
        const struct rlimit none = { 0, 0 };

        (void)setrlimit(RLIMIT_CORE, &none);
        (void)signal(SIGABRT, SIG_DFL); /* cmocka takes it for a failure of the test */
        o.snapshot = call;
        o.arg = arg;
        err_free(window_run(&o, &r));
        _exit(0);
    }
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void
while_frozen_no_vault_is_touched_and_nothing_written(void **state)
{
    struct fixture *f = *state;
    auto_ptr(store) s = NULL;
    bool found;

    assert_ok(store_mem_new(&s));
    assert_false(frozen_now());
    assert_ok(store_remove(s, "a", &found));
    assert_int_equal(ends_by(f, snapshot_with_a_store, s), SIGABRT);
    assert_true(fake_agent_saw(&f->agent, 't', SEEN_MS)); /* the guard goes on */
    assert_int_equal(ends_by(f, snapshot_with_words, NULL), SIGABRT);
    assert_true(fake_agent_saw(&f->agent, 't', SEEN_MS));
    for (struct deadline by = deadline_in_ms(SEEN_MS); markers() > 0 && !deadline_passed(by);)
        (void)poll(NULL, 0, 5); /* the guard removes its marker, and ends */
    all_is_over(f);
    /* a snapshot of a guest that was not asked may do so */
    assert_ok(store_remove(s, "a", &found));
}

static void
a_request_to_end_thaws(void **state)
{
    struct fixture *f = *state;
    struct window_options o = options(f);
    struct window_result r = { 0 };

    /* the last of the tests here, since it cannot be taken back */
    f->agent.s->wait_freeze = 1;
    fake_agent_go(&f->agent);
    stop_request();
    assert_fails(window_run(&o, &r), E_Interrupted);
    assert_int_equal(f->calls, 0);
    all_is_over(f);
}

/* ---- an agent that does wrong ---- */

struct wrong {
    const char *command;
    enum fake_odd odd;
    int times, code; /* 0: the window works nevertheless */
    enum window_held held;
};

static const struct wrong wrongs[] = {
    { "fsfreeze-freeze", ODD_LATE, 1, E_FreezeTimeout, 0 },
    { "fsfreeze-freeze", ODD_MUTE, 1, E_FreezeTimeout, 0 },
    { "fsfreeze-freeze", ODD_DEAF, 1, E_FreezeTimeout, 0 },
    { "fsfreeze-freeze", ODD_HALF, 1, E_FreezeTimeout, 0 },
    { "fsfreeze-freeze", ODD_OTHER_ID, 1, E_FreezeTimeout, 0 },
    { "fsfreeze-freeze", ODD_FLOOD, 1, E_FreezeTimeout, 0 },
    { "fsfreeze-freeze", ODD_NO_JSON, 1, E_AgentWrong, 0 },
    { "fsfreeze-freeze", ODD_OVERSIZED, 1, E_AgentWrong, 0 },
    { "fsfreeze-freeze", ODD_CLOSE, 1, E_AgentGone, 0 },
    { "fsfreeze-freeze", ODD_REFUSE, 1, E_AgentRefused, 0 },
    { "fsfreeze-freeze", ODD_LIE, 1, E_FreezeEmpty, 0 },
    { "fsfreeze-thaw", ODD_LATE, 1, 0, WINDOW_HELD_FIRN },
    { "fsfreeze-thaw", ODD_MUTE, 1, 0, WINDOW_HELD_FIRN },
    { "fsfreeze-thaw", ODD_DEAF, 1, 0, WINDOW_HELD_FIRN },
    { "fsfreeze-thaw", ODD_HALF, 1, 0, WINDOW_HELD_FIRN },
    { "fsfreeze-thaw", ODD_OTHER_ID, 1, 0, WINDOW_HELD_FIRN },
    { "fsfreeze-thaw", ODD_FLOOD, 1, 0, WINDOW_HELD_FIRN },
    { "fsfreeze-thaw", ODD_NO_JSON, 1, 0, WINDOW_HELD_FIRN },
    { "fsfreeze-thaw", ODD_OVERSIZED, 1, 0, WINDOW_HELD_FIRN },
    { "fsfreeze-thaw", ODD_CLOSE, 1, 0, WINDOW_HELD_FIRN },
    { "fsfreeze-thaw", ODD_REFUSE, 3, 0, WINDOW_HELD_FIRN },
    /* it says that it thawed nothing, and is frozen by its own account: it is asked again */
    { "fsfreeze-thaw", ODD_LIE, 2, 0, WINDOW_HELD_FIRN },
    { "get-osinfo", ODD_MUTE, 1, 0, WINDOW_HELD_FIRN }, /* it may be left unknown */
    { "info", ODD_CLOSE, 2, E_AgentGone, 0 }, /* the look before, and the guard */
    { "fsfreeze-status", ODD_NO_JSON, 2, E_AgentWrong, 0 }, /* the same */
};

static void
no_agent_can_harm(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
        const struct wrong *w = &wrongs[i];
        struct fixture *f;
        struct window_result r = { 0 };

        set_up((void **)&f);
        struct window_options o = options(f);
        if (w->code == E_FreezeTimeout)
            o.freeze_ms = SHORT_MS;
        fake_agent_odd(&f->agent, w->command, w->odd, w->times);
        struct err *e = window_run(&o, &r);
        if (err_code(e) != w->code || r.held != w->held)
            print_error("%s, odd %d: code %d, held %s\n", w->command, (int)w->odd, err_code(e),
                window_held_word(r.held));
        assert_int_equal(err_code(e), w->code);
        assert_int_equal(r.held, w->held);
        assert_int_equal(f->calls, w->code == 0);
        err_free(e);
        all_is_over(f);
        window_result_done(&r);
        tear_down((void **)&f);
    }
}

/* An agent that never thaws: the snapshot is good, and it is said that the guest is not. */
static void
a_guest_that_stays_frozen_is_told(void **state)
{
    struct fixture *f = *state;
    struct window_options o = options(f);
    struct window_result r;

    o.thaw_ms = SHORT_MS;
    o.freeze_ms = SHORT_MS;
    fake_agent_odd(&f->agent, "fsfreeze-thaw", ODD_REFUSE, INT32_MAX);
    assert_ok(window_run(&o, &r));
    assert_int_equal(r.level, WINDOW_FILESYSTEM);
    assert_int_equal(err_code(r.stuck), E_GuestLeftFrozen);
    assert_int_equal(markers(), 1);
    window_result_done(&r);
    /* the guard is still at it */
    f->agent.s->odd_times = 0;
    assert_true(fake_agent_saw(&f->agent, 't', SEEN_MS));
    for (struct deadline by = deadline_in_ms(SEEN_MS); markers() > 0; (void)poll(NULL, 0, 1))
        assert_false(deadline_passed(by));
    assert_int_equal(f->agent.s->frozen, 0);
}

static void
steps_down_are_told_with_their_cause(void **state)
{
    struct fixture *f = *state;
    struct window_options o = options(f);
    struct window_result r;

    o.levels = WINDOW_ALLOW(WINDOW_APPLICATION) | WINDOW_ALLOW(WINDOW_FILESYSTEM) |
               WINDOW_ALLOW(WINDOW_CRASH);
    assert_ok(window_run(&o, &r));
    assert_int_equal(r.level, WINDOW_FILESYSTEM);
    assert_int_equal(err_code(r.weaker), E_QuiesceWeaker);
    assert_int_equal(err_exit_status(r.weaker), 3);
    assert_true(err_has(r.weaker, E_AgentCommandMissing));
    window_result_done(&r);
    f->agent.s->no_freeze = 1;
    assert_ok(window_run(&o, &r));
    assert_int_equal(r.level, WINDOW_CRASH);
    assert_int_equal(r.held, WINDOW_HELD_NOT);
    assert_int_equal(f->calls, 2);
    window_result_done(&r);
    o.levels = WINDOW_ALLOW(WINDOW_FILESYSTEM);
    struct err *e = window_run(&o, &r);
    assert_true(err_has(e, E_AgentCommandForbidden));
    assert_fails(e, E_FreezeHelperMissing);
}

/* A script that failed: how the extension tells it. */
static void
script_failed(char *to, size_t room, bool prepare, const char *goes_on)
{
    char rule[40] = "";

    if (goes_on != NULL)
        (void)snprintf(rule, sizeof(rule), ", \"goes_on\": \"%s\"", goes_on);
    (void)snprintf(to, room, "{%s\"code\": \"ScriptFailed\", \"message\": \"m\", \"facts\": "
                             "{\"which\": \"pre\", \"path\": \"/pre\", \"exit\": 7, "
                             "\"words\": \"no room\"%s}}%s",
        prepare ? "\"result\": \"failed\", " : "\"error\": {", rule, prepare ? "" : "}");
}

/* One that fails when it is prepared, or when it runs: where its configuration says that the
 * backup ends, the ladder does; where it does not say it, or not at all, it goes on. */
static void
a_script_may_end_it(void **state)
{
    static const char *const rules[] = { NULL, "true", "false" };

    (void)state;
    for (int i = 0; i < 6; i++) {
        const char *rule = rules[i / 2];
        struct window_result r = { 0 };
        struct fixture *f;

        set_up((void **)&f);
        struct window_options o = options(f);
        struct fake_shared *s = f->agent.s;
        o.levels = WINDOW_ALLOW(WINDOW_APPLICATION) | WINDOW_ALLOW(WINDOW_CRASH);
        if (i % 2 == 0)
            script_failed(s->prepare, sizeof(s->prepare), true, rule);
        else
            (void)snprintf(s->prepare, sizeof(s->prepare), "{\"result\": \"ready\"}");
        script_failed(s->helper_freeze, sizeof(s->helper_freeze), false, rule);
        struct err *e = window_run(&o, &r);
        if (rule != NULL && strcmp(rule, "false") == 0) {
            assert_int_equal(err_code(e), E_ScriptFailed);
            assert_non_null(strstr(err_message(e), "no room"));
            assert_int_equal(f->calls, 0);
        } else {
            assert_int_equal(err_code(e), 0);
            assert_int_equal(r.level, WINDOW_CRASH);
            assert_true(err_has(r.weaker, E_ScriptFailed));
            assert_int_equal(f->calls, 1);
        }
        err_free(e);
        assert_int_equal(s->freezes, 0);
        all_is_over(f);
        window_result_done(&r);
        tear_down((void **)&f);
    }
}

/* After the snapshot: only what the extension tells is a warning. */
static void
applications_that_did_not_go_on_are_told(void **state)
{
    static const char extension[] = "/var/lib/firn/plugins/Firn.Fake/1.0.0.0/bin/"
                                    "firn-extension";
    struct fixture *f = *state;
    struct fake_shared *s = f->agent.s;

    (void)snprintf(s->prepare, sizeof(s->prepare), "{\"result\": \"ready\"}");
    script_failed(s->resumed, sizeof(s->resumed), false, "false");
    for (int busy = 0; busy < 3; busy++) {
        s->busy = busy;
        struct err *e = guest_resumed(f->socket, "web1", extension);

        assert_true(err_has(e, E_ScriptFailed));
        assert_int_equal(err_exit_status(e), 3);
        assert_int_equal(s->busy, 0);
        assert_fails(e, E_ApplicationsNotResumed);
    }
    static const char *const fine[] = { "{\"schema\": 1, \"state\": \"resumed\"}",
        "{\"schema\": 1, \"state\": \"unknown\"}", "no JSON", "[1]", "" };
    for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
        (void)snprintf(s->resumed, sizeof(s->resumed), "%s", fine[i]);
        assert_ok(guest_resumed(f->socket, "web1", extension));
    }
    fake_agent_odd(&f->agent, "exec", ODD_CLOSE, INT32_MAX);
    assert_ok(guest_resumed(f->socket, "web1", extension));
    assert_ok(guest_resumed("/nowhere", "web1", extension));
}

static void
what_others_froze_is_not_thawed(void **state)
{
    struct fixture *f = *state;
    struct window_options o = options(f);
    struct window_result r = { 0 };

    f->agent.s->frozen = 1;
    assert_fails(window_run(&o, &r), E_GuestFrozen);
    assert_int_equal(f->agent.s->frozen, 1);
    assert_int_equal(markers(), 0);
}

static void
nobody_there(void **state)
{
    struct fixture *f = *state;
    struct window_options o = options(f);
    struct window_result r = { 0 };

    o.socket = pattern_path("nobody");
    assert_fails(window_run(&o, &r), E_AgentUnreachable);
    o.levels |= WINDOW_ALLOW(WINDOW_CRASH);
    assert_ok(window_run(&o, &r));
    assert_true(err_has(r.weaker, E_AgentUnreachable));
    window_result_done(&r);
    o.guard = "/bin/true";
    o.levels = WINDOW_ALLOW(WINDOW_FILESYSTEM);
    assert_fails(window_run(&o, &r), E_GuardFailed);
    o.guard = "/nonexistent/guard";
    assert_fails(window_run(&o, &r), E_GuardFailed);
    assert_int_equal(markers(), 0);
}

/* ---- a freeze that did not hold ---- */

static void
a_snapshot_of_a_guest_that_went_on(void **state)
{
    struct fixture *f = *state;
    struct window_options o = options(f);
    struct window_result r = { 0 };

    f->thaws = true;
    assert_fails(window_run(&o, &r), E_FreezeLost);
    o.levels |= WINDOW_ALLOW(WINDOW_CRASH);
    f->calls = 0;
    assert_ok(window_run(&o, &r));
    assert_int_equal(f->calls, 1); /* it is kept, as what it is */
    assert_int_equal(r.level, WINDOW_CRASH);
    assert_int_equal(r.held, WINDOW_HELD_GUEST);
    assert_int_equal(err_code(r.weaker), E_QuiesceWeaker);
    assert_true(err_has(r.weaker, E_FreezeLost));
    window_result_done(&r);
    all_is_over(f);
}

/* The snapshot hangs until the guard has thawed by itself. */
static void
the_guard_does_not_wait_for_the_snapshot(void **state)
{
    struct fixture *f = *state;
    struct window_options o = options(f);
    struct window_result r = { 0 };

    f->stops = true;
    o.freeze_ms = SHORT_MS;
    o.levels |= WINDOW_ALLOW(WINDOW_CRASH);
    assert_ok(window_run(&o, &r));
    assert_int_equal(r.level, WINDOW_CRASH);
    assert_int_equal(r.held, WINDOW_HELD_GUARD);
    assert_true(err_has(r.weaker, E_FreezeLost));
    assert_true(f->agent.s->thawed_ns - f->agent.s->froze_ns <
                (SHORT_MS + 2000) * CLOCK_MS);
    window_result_done(&r);
    all_is_over(f);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        T(the_guest_stands_still_meanwhile),
        T(only_what_was_named_is_frozen),
        T(a_crash_level_does_not_ask_the_guest),
        T(the_failure_of_the_snapshot_is_its_own),
        cmocka_unit_test(no_agent_can_harm),
        T(a_guest_that_stays_frozen_is_told),
        T(steps_down_are_told_with_their_cause),
        cmocka_unit_test(a_script_may_end_it),
        T(applications_that_did_not_go_on_are_told),
        T(what_others_froze_is_not_thawed),
        T(nobody_there),
        T(a_snapshot_of_a_guest_that_went_on),
        T(the_guard_does_not_wait_for_the_snapshot),
        T(while_frozen_no_vault_is_touched_and_nothing_written),
        T(a_request_to_end_thaws),
    };

    if (argc > 1 && strcmp(argv[1], GUARD_VERB) == 0)
        return guard_main(argc - 2, argv + 2);
    setenv("XDG_STATE_HOME", pattern_path("state"), 1);
    return cmocka_run_group_tests_name("window", tests, NULL, NULL);
}
