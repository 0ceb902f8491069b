/* SPDX-License-Identifier: Apache-2.0 */
/* KILL, STOP and TERM for firn, for its guard, and for both at once, in every state of the
 * freeze window: the guest is thawed within the deadline of its freeze and two seconds, or,
 * when both are gone, by the next call of firn.  FIRN_SOAK=1 does a thousand of them, at
 * moments of chance. */
#include "check.h"

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fake_agent.h"
#include "guard.h"
#include "guest_mark.h"
#include "pattern.h"
#include "stop.h"
#include "window.h"

enum { FREEZE_MS = 400, PREPARE_MS = 1500, PROMISE_MS = FREEZE_MS + 2000, PATIENT_MS = 30000,
    ALL = 36, SOAK = 1000 };

enum at { AT_PRE, AT_FREEZE, AT_HOLD, AT_THAW, AT_END };
enum { FIRN = 1, GUARD = 2, BOTH = 3 };

static const char *const at_words[] = { "pre", "freeze", "hold", "thaw" };

struct trial {
    enum at at;
    int who, signal;
    bool late; /* after the agent, or the snapshot, was let go on */
    int wait_ms; /* then so much later */
};

/* What the process that plays firn tells. */
struct told {
    _Atomic int done, code, held, warned;
};

struct stage {
    struct fake_agent agent;
    struct told *told;
    char socket[200];
    int holding[2], go[2]; /* the snapshot has begun; may end */
    pid_t firn;
};

static struct err *
snapshot(void *arg, struct deadline by)
{
    struct stage *s = arg;
    char byte;

    (void)by;
    assert_int_equal(write(s->holding[1], "H", 1), 1);
    while (read(s->go[0], &byte, 1) != 1)
        continue;
    return NULL;
}

static void
on_term(int number)
{
    (void)number;
    stop_request();
}

static _Noreturn void
play_firn(struct stage *s)
{
    struct window_options o = { .socket = s->socket, .machine = "web1",
        .levels = WINDOW_ALLOW(WINDOW_FILESYSTEM), .freeze_ms = FREEZE_MS,
        .prepare_ms = PREPARE_MS, .snapshot = snapshot, .arg = s };
    struct window_result r = { 0 };

    (void)signal(SIGTERM, on_term);
    struct err *e = window_run(&o, &r);
    s->told->code = err_code(e);
    s->told->held = (int)r.held;
    s->told->done = 1;
    err_free(e);
    window_result_done(&r);
    _exit(0);
}

static void
begin(struct stage *s, const struct trial *t)
{
    memset(s, 0, sizeof(*s));
    snprintf(s->socket, sizeof(s->socket), "%s", pattern_path("agent"));
    s->told = mmap(NULL, sizeof(*s->told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
        -1, 0);
    assert_true(s->told != MAP_FAILED);
    assert_int_equal(pipe(s->holding), 0);
    assert_int_equal(pipe(s->go), 0);
    fake_agent_start(&s->agent, s->socket);
    s->agent.s->wait_freeze = t->at == AT_FREEZE;
    s->agent.s->wait_thaw = t->at == AT_THAW;
    s->firn = fork();
    assert_true(s->firn >= 0);
    if (s->firn == 0)
        play_firn(s);
}

static bool
has_begun_to_hold(struct stage *s)
{
    struct pollfd p = { .fd = s->holding[0], .events = POLLIN };

    return poll(&p, 1, PATIENT_MS) == 1;
}

static void
let_snapshot_end(struct stage *s)
{
    assert_int_equal(write(s->go[1], "g", 1), 1);
}

static void
reach(struct stage *s, const struct trial *t)
{
    switch (t->at) {
    case AT_PRE:
        /* firn has the agent's connection first, to look what it can do */
        do
            assert_true(fake_agent_saw(&s->agent, 'C', PATIENT_MS));
        while ((t->who & GUARD) != 0 && s->agent.s->client == s->firn);
        let_snapshot_end(s);
        break;
    case AT_FREEZE:
        assert_true(fake_agent_saw(&s->agent, 'F', PATIENT_MS));
        let_snapshot_end(s);
        break;
    case AT_HOLD:
        assert_true(has_begun_to_hold(s));
        break;
    default:
        let_snapshot_end(s);
        assert_true(fake_agent_saw(&s->agent, 'T', PATIENT_MS));
        break;
    }
}

static void
go_on(struct stage *s, enum at at)
{
    if (at == AT_HOLD)
        let_snapshot_end(s);
    else if (at != AT_PRE)
        fake_agent_go(&s->agent);
}

static void
strike(const struct stage *s, const struct trial *t)
{
    if ((t->who & FIRN) != 0)
        (void)kill(s->firn, t->signal);
    if ((t->who & GUARD) != 0)
        (void)kill(s->agent.s->client, t->signal);
}

static void
take_warning(void *arg, struct err *warning)
{
    struct stage *s = arg;

    s->told->warned = err_code(warning);
    err_free(warning);
}

/* The end of a process, which is reaped. */
static void
ends(pid_t pid)
{
    struct deadline by = deadline_in_ms(PATIENT_MS);

    while (waitpid(pid, NULL, WNOHANG) == 0) {
        assert_false(deadline_passed(by));
        (void)poll(NULL, 0, 1);
    }
}

static unsigned
markers(void)
{
    DIR *d = opendir(pattern_path("state/firn/frozen"));
    const struct dirent *e;
    unsigned n = 0;

    while (d != NULL && (e = readdir(d)) != NULL)
        n += strstr(e->d_name, ".frozen") != NULL && strstr(e->d_name, ".new") == NULL;
    if (d != NULL)
        closedir(d);
    return n;
}

/* The promise: nobody but firn's own two processes has done anything yet. */
static void
is_thawed_in_time(struct stage *s)
{
    struct fake_shared *a = s->agent.s;
    struct deadline by = deadline_in_ms(PATIENT_MS);

    while (a->frozen != 0) {
        assert_false(deadline_passed(by));
        (void)poll(NULL, 0, 1);
    }
}

/* A signal takes a moment: until the process is dead, or stopped. */
static void
is_struck(pid_t pid)
{
    struct deadline by = deadline_in_ms(PATIENT_MS);
    char path[64], text[256], *at;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    while ((f = fopen(path, "r")) != NULL) {
        size_t n = fread(text, 1, sizeof(text) - 1, f);
        fclose(f);
        text[n] = '\0';
        at = strrchr(text, ')');
        if (at == NULL || strchr("TZX", at[2]) != NULL)
            return;
        assert_false(deadline_passed(by));
    }
}

/* Both are gone, or stopped: the next call. */
static void
next_call(struct stage *s, const struct trial *t)
{
    /* late, or with the request to thaw, the agent may be about to thaw by itself */
    bool frozen = s->agent.s->frozen != 0 && !t->late && t->at != AT_THAW;

    guest_mark_thaw_stale(take_warning, s);
    assert_int_equal(s->agent.s->frozen, 0);
    if (frozen)
        assert_int_equal(s->told->warned, E_GuestThawedLate);
}

/* What firn says, where that is certain; -1: it depends on the moment. */
static int
expected(const struct trial *t)
{
    if (t->late || t->who == BOTH || t->at == AT_PRE)
        return -1;
    if (t->signal == SIGTERM)
        return t->who == FIRN && t->at == AT_FREEZE ? E_Interrupted : 0;
    if (t->who == GUARD)
        return t->at == AT_FREEZE ? E_GuardFailed : 0;
    if (t->signal == SIGKILL)
        return -1; /* it says nothing */
    return t->at == AT_FREEZE ? E_FreezeTimeout : t->at == AT_HOLD ? E_FreezeLost : 0;
}

/* Nothing is left: no process, no marker. */
static void
finish(struct stage *s, const struct trial *t)
{
    const struct fake_shared *a = s->agent.s;
    pid_t guard = a->client;

    (void)kill(s->firn, SIGCONT);
    ends(s->firn);
    if (s->told->done && expected(t) >= 0)
        assert_int_equal(s->told->code, expected(t));
    if (t->who != BOTH && a->freezes > 0)
        assert_true(a->thawed_ns - a->froze_ns <= PROMISE_MS * CLOCK_MS);
    if (guard != getpid() && guard != s->firn) { /* else it is over */
        if (t->who == BOTH)
            (void)kill(guard, SIGKILL);
        ends(guard);
    }
    while (waitpid(-1, NULL, WNOHANG) > 0)
        continue;
    next_call(s, t);
    assert_int_equal(markers(), 0);
    fake_agent_stop(&s->agent);
    munmap(s->told, sizeof(*s->told));
    close(s->holding[0]);
    close(s->holding[1]);
    close(s->go[0]);
    close(s->go[1]);
}

static void
run_trial(const struct trial *t)
{
    bool both_gone = t->who == BOTH && t->signal != SIGTERM;
    struct stage s;

    begin(&s, t);
    reach(&s, t);
    if (t->late)
        go_on(&s, t->at);
    if (t->wait_ms > 0) /* any moment is good */
        (void)poll(NULL, 0, t->wait_ms);
    strike(&s, t);
    if (!t->late)
        go_on(&s, t->at);
    if (t->at == AT_PRE && t->signal == SIGSTOP && t->who == FIRN)
        (void)kill(s.firn, SIGCONT); /* nobody waits for anything until it goes on */
    if (t->at == AT_FREEZE)
        assert_true(fake_agent_saw(&s.agent, 'f', PATIENT_MS));
    if (both_gone) {
        is_struck(s.firn);
        is_struck(s.agent.s->client);
        next_call(&s, t);
    } else
        is_thawed_in_time(&s);
    finish(&s, t);
}

static void
check_trial(const struct trial *t)
{
    print_message("# %s: %s%s gets %s%s\n", at_words[t->at], t->who & FIRN ? "firn " : "",
        t->who & GUARD ? "guard " : "", strsignal(t->signal), t->late ? ", late" : "");
    run_trial(t);
}

static void
every_state(void **state)
{
    static const int signals[] = { SIGKILL, SIGSTOP, SIGTERM };

    (void)state;
    for (int at = AT_PRE; at < AT_END; at++)
        for (int who = FIRN; who <= BOTH; who++)
            for (size_t i = 0; i < 3; i++) {
                const struct trial t = { .at = (enum at)at, .who = who, .signal = signals[i] };
                check_trial(&t);
            }
}

/* At moments of chance, too. */
static void
by_chance(void **state)
{
    static const int signals[] = { SIGKILL, SIGSTOP, SIGTERM };
    unsigned seed = (unsigned)clock_real_ns(), n = 4;

    (void)state;
    if (getenv("FIRN_SOAK") != NULL)
        n = SOAK - ALL;
    print_message("# seed %u\n", seed);
    for (unsigned i = 0; i < n; i++) {
        const struct trial t = { .at = (enum at)(rand_r(&seed) % AT_END),
            .who = 1 + rand_r(&seed) % 3, .signal = signals[rand_r(&seed) % 3], .late = true,
            .wait_ms = rand_r(&seed) % 4 };
        check_trial(&t);
    }
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_state),
        cmocka_unit_test(by_chance) };

    if (argc > 1 && strcmp(argv[1], GUARD_VERB) == 0)
        return guard_main(argc - 2, argv + 2);
    setenv("XDG_STATE_HOME", pattern_path("state"), 1);
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    return cmocka_run_group_tests_name("window_kills", tests, NULL, NULL);
}
