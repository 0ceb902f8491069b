/* SPDX-License-Identifier: Apache-2.0 */
/* Services that need the one that a step stops or restarts.  On Windows a restart of such a
 * service was refused with 1051.  Over thousands of webs of services by chance: those that ran
 * before run again whatever became of the run, also when it was killed after any line of its
 * journal, or any call to the machine failed; those that did not run are left alone; and one
 * that cannot start any more is told of by its name. */
#include "check.h"

#include <stdio.h>
#include <string.h>

#include "article.h"
#include "chance.h"
#include "compile.h"
#include "journals.h"
#include "runbook.h"
#include "target_fault.h"
#include "target_mem_internal.h"
#include "text.h"

#define KEY "HKLM\\SOFTWARE\\Test"
#define CODE "VssServiceBad"

enum { MOST = 9 };

enum way { RESTARTS, STOPS_AND_STARTS, STOPS, WAYS };

struct web {
    struct target *t;
    struct plan *plan;
    char name[MOST][4];
    size_t n, of; /* the service that the plan is about */
    bool ran[MOST];
    size_t broken, sticky; /* does not start, does not stop any more; n: none */
    enum way way;
    bool lost;  /* the machine answers nobody any more */
    bool never; /* the operation fails whatever is done */
    struct kill_at kill;
};

/* ---- machines ---- */

static void
step(struct text *t, const char *service, const char *want)
{
    text_fmt(t, "* Do it.\n\n  ```action\n  windows.service.state service=%s want=%s\n"
                "  ```\n\n", service, want);
}

static struct plan *
plan_of(const char *service, enum way way, bool early)
{
    struct text t = { 0 };
    struct article *a = NULL;
    struct plan *p = NULL;

    text_str(&t, "<properties\n pageTitle=\"" CODE "\"\n/>\n# " CODE "\n\n## **Probe**\n\n"
                 "* Is it so?\n\n  ```probe\n  windows.registry.is key=" KEY
                 " name=Good data=1\n  ```\n\n## **Recommended Steps**\n\n");
    if (way == RESTARTS)
        step(&t, service, "restarted");
    else
        step(&t, service, "stopped");
    text_fmt(&t, "* Set it.\n\n  ```action\n  windows.registry.set key=" KEY
                 " name=%s type=dword data=1\n  ```\n\n", early ? "Good" : "Between");
    if (way == STOPS_AND_STARTS)
        step(&t, service, "running");
    text_fmt(&t, "* Set it.\n\n  ```action\n  windows.registry.set key=" KEY
                 " name=%s type=dword data=1\n  ```\n", early ? "After" : "Good");
    assert_int_equal(article_parse(t.s, t.len, &a), ARTICLE_OK);
    assert_ok(compile_article(a, NULL, &p));
    assert_int_equal(p->nsteps, way == STOPS_AND_STARTS ? 4 : 3);
    article_free(a);
    text_done(&t);
    return p;
}

static void
start(struct target *t, const char *name)
{
    assert_ok(target_service_control(t, name, true, deadline_in_ms(1000)));
}

static void
make_services(struct web *w, uint64_t *s)
{
    w->n = 2 + below(s, MOST - 1);
    for (size_t i = w->n; i-- > 0;) {
        (void)snprintf(w->name[i], sizeof(w->name[i]), "S%zu", i);
        target_mem_service(w->t, w->name[i], 2 + below(s, 2));
    }
    for (size_t i = 0; i < w->n; i++)
        for (size_t j = 0; j < i; j++)
            if (below(s, 3) == 0)
                target_mem_needs(w->t, w->name[i], w->name[j]);
    for (size_t i = 0; i < w->n; i++)
        if (below(s, 3) != 0)
            start(w->t, w->name[i]);
    for (size_t i = 0; i < w->n; i++)
        w->ran[i] = target_mem_runs(w->t, w->name[i]);
}

static void
web_make(struct web *w, uint64_t seed, bool whole)
{
    uint64_t s = seed;

    *w = (struct web){ 0 };
    assert_ok(target_mem_new(ACTION_WINDOWS, "web", &w->t));
    make_services(w, &s);
    w->of = below(&s, (uint32_t)w->n / 2 + 1);
    w->way = (enum way)below(&s, WAYS);
    w->never = below(&s, 2) == 0;
    w->broken = w->sticky = w->n;
    if (!whole && below(&s, 3) == 0) {
        w->broken = below(&s, (uint32_t)w->n);
        target_mem_no_start(w->t, w->name[w->broken], 1053);
    }
    if (!whole && below(&s, 6) == 0) {
        w->sticky = below(&s, (uint32_t)w->n);
        target_mem_no_stop(w->t, w->name[w->sticky], 1052);
    }
    w->plan = plan_of(w->name[w->of], w->way, below(&s, 4) == 0);
}

static void
web_done(struct web *w)
{
    plan_free(w->plan);
    target_free(w->t);
    journals_empty(journals);
}

/* ---- runs ---- */

static struct err *
operation(void *arg, struct deadline by, struct err **ret_why)
{
    struct web *w = arg;
    struct target_value v = { 0 };
    bool found;

    (void)by;
    assert_ok(target_reg_get(w->t, KEY, "Good", &v, &found));
    target_value_done(&v);
    *ret_why = found && !w->never ? NULL : fail(VssServiceBad, "web");
    return NULL;
}

static struct err *
written(void *arg)
{
    struct web *w = arg;

    return kill_line(&w->kill);
}

static struct runbook_report *
run(struct web *w, struct target *t, struct err **ret_failure)
{
    const struct runbook_policy p = { .apply = true, .retry = operation, .written = written,
        .arg = w, .consent = 1U << RISK_CONFIG | 1U << RISK_SERVICE, .journals = journals };
    const struct runbook_candidate c = { .code = CODE, .plan = w->plan };
    struct runbook_report *r = NULL;
    struct err *e = runbook_run(t, &c, 1, &p, &r);

    if (ret_failure != NULL)
        *ret_failure = e;
    else
        assert_ok(e);
    return r;
}

/* Does ${i} need ${j}, itself or through others? */
static bool
needs(const struct web *w, size_t i, size_t j)
{
    const struct mem *m = (const struct mem *)w->t;

    for (size_t k = 0; k < m->nneeds; k++)
        if (strcmp(m->needs[k].service, w->name[i]) == 0)
            for (size_t next = 0; next < i; next++)
                if (strcmp(m->needs[k].needs, w->name[next]) == 0 &&
                    (next == j || needs(w, next, j)))
                    return true;
    return false;
}

static bool
is_told(const struct runbook_report *r, const char *name)
{
    return (r->note != NULL && strstr(r->note, name) != NULL) ||
        (r->blocked != NULL && strstr(r->blocked, "--undo") != NULL);
}

static void
show(const struct web *w, uint64_t seed, const struct runbook_report *r, size_t i)
{
    print_error("seed %llu, way %d of %s, %s %s, %s\n", (unsigned long long)seed, w->way,
        w->name[w->of], w->name[i], w->ran[i] ? "ran" : "did not run",
        runbook_outcome_name(r->outcome));
    for (size_t k = 0; k < r->nrows; k++)
        print_error("  %s: %s\n", r->rows[k].action,
            r->rows[k].result != NULL ? r->rows[k].result : "");
    print_error("  note: %s\n  blocked: %s\n", r->note != NULL ? r->note : "",
        r->blocked != NULL ? r->blocked : "");
}

/* Services run that ran before, and no others: but for what a stop that worked was to stop, and
 * what cannot start, which is told. */
static void
check_end(const struct web *w, uint64_t seed, const struct runbook_report *r)
{
    /* healthy: killed when all was done; masked: the probe's answer was lost */
    bool repaired = r->outcome == RUNBOOK_REPAIRED || r->outcome == RUNBOOK_HEALTHY ||
        r->outcome == RUNBOOK_MASKED;

    for (size_t i = 0; i < w->n; i++) {
        bool now = target_mem_runs(w->t, w->name[i]), want = w->ran[i];
        bool cannot = w->broken < w->n && want &&
            (i == w->broken || needs(w, i, w->broken));

        /* a stop is asked for by its plan; a start of what did not run, too */
        if (repaired && (i == w->of || needs(w, i, w->of)) && w->way == STOPS)
            continue;
        if (repaired && w->way != STOPS && (i == w->of || needs(w, w->of, i)))
            continue;
        bool stuck = w->sticky < w->n && now && (i == w->sticky || needs(w, w->sticky, i));

        if (now == want || ((cannot || stuck || (w->lost && want)) && is_told(r, w->name[i])))
            continue;
        show(w, seed, r, i);
        journals_empty(journals);
        assert_int_equal(now, want);
    }
}

static void
those_that_ran_run_again(void **state)
{
    unsigned long repaired = 0, told = 0, undone = 0;

    (void)state;
    for (uint64_t seed = 0; seed < journals_times(1500); seed++) {
        struct web w;

        web_make(&w, seed, false);
        auto_ptr(runbook_report) r = run(&w, w.t, NULL);

        check_end(&w, seed, r);
        repaired += r->outcome == RUNBOOK_REPAIRED;
        told += r->note != NULL && strstr(r->note, "does not start again") != NULL;
        undone += r->undone;
        web_done(&w);
    }
    print_message("# repaired %lu, undone %lu, one is named %lu\n", repaired, undone, told);
    assert_true(repaired > 0 && undone > 0 && told > 0);
}

static void
killed_after_any_line(void **state)
{
    unsigned long killed = 0;

    (void)state;
    for (uint64_t seed = 0; seed < journals_times(50); seed++)
        for (unsigned after = 1; after < 200; after++) {
            const struct target_fault never = { 0 };
            auto_ptr(target) f = NULL;
            struct err *e = NULL;
            struct web w;

            web_make(&w, seed, true);
            assert_ok(target_fault_new(w.t, &never, &f));
            w.kill = (struct kill_at){ .fault = f, .after = after };
            auto_ptr(runbook_report) r = run(&w, f, &e);
            bool was_killed = e != NULL;

            err_free(e);
            w.kill.fault = NULL;
            if (was_killed) {
                killed++;
                runbook_report_free(take(r));
                r = run(&w, w.t, NULL);
                assert_non_null(r->finished);
            }
            check_end(&w, seed, r);
            web_done(&w);
            if (!was_killed)
                break;
        }
    print_message("# killed and taken up %lu times\n", killed);
    assert_true(killed > 20);
}

/* Once, before or after it took effect, or from then on; what is left open is then undone. */
static void
any_call_may_fail(void **state)
{
    unsigned long faults = 0;

    (void)state;
    for (uint64_t seed = 0; seed < journals_times(15); seed++)
        for (int kind = 0; kind < 3; kind++)
            for (uint64_t call = 1;; call++) {
                const struct target_fault plan = { .call = call, .onwards = kind == 2,
                    .kind = kind == 1 ? TARGET_FAULT_AFTER : TARGET_FAULT_BEFORE };
                auto_ptr(target) f = NULL;
                struct web w;

                web_make(&w, seed, true);
                assert_ok(target_fault_new(w.t, &plan, &f));
                auto_ptr(runbook_report) r = run(&w, f, NULL);
                bool over = target_fault_calls(f) < call;

                w.lost = kind == 2;

                if (r->blocked != NULL) { /* with this machine nobody is done */
                    runbook_report_free(take(r));
                    r = run(&w, w.t, NULL);
                    w.lost = false;
                }
                check_end(&w, seed, r);
                web_done(&w);
                faults++;
                if (over)
                    break;
            }
    print_message("# %lu faults\n", faults);
}

/* ---- one web, in words ---- */

/* COMSysApp needs SENS and both need EventSystem, as on Windows; SENS may be down. */
static void
event_system(struct web *w, enum way way, bool sens)
{
    *w = (struct web){ .way = way, .plan = plan_of("EventSystem", way, false) };
    assert_ok(target_mem_new(ACTION_WINDOWS, "web", &w->t));
    target_mem_service(w->t, "SENS", 3);
    target_mem_service(w->t, "COMSysApp", 3);
    target_mem_service(w->t, "EventSystem", 3);
    target_mem_service(w->t, "Idle", 2);
    target_mem_needs(w->t, "SENS", "EventSystem");
    target_mem_needs(w->t, "COMSysApp", "SENS");
    target_mem_needs(w->t, "COMSysApp", "EventSystem");
    target_mem_needs(w->t, "Idle", "EventSystem");
    start(w->t, sens ? "COMSysApp" : "EventSystem");
}

static void
assert_change(struct target *t, const char *line, const char *want)
{
    auto_free char *change = NULL;
    struct action a;

    assert_int_equal(action_parse(line, &a, NULL), ACTION_OK);
    assert_ok(remedy_change(t, &a, deadline_in_ms(1000), &change));
    assert_string_equal(change, want);
    action_done(&a);
}

static void
a_plan_names_them(void **state)
{
    struct web w;

    (void)state;
    event_system(&w, RESTARTS, true);
    assert_fails(target_service_control(w.t, "EventSystem", false, deadline_in_ms(1000)),
        E_TargetRefused);
    assert_change(w.t, "windows.service.state service=EventSystem want=restarted",
        "the service is running -> the service is restarted; COMSysApp and SENS, which need it "
        "and run, are stopped before it and started again after it");
    assert_change(w.t, "windows.service.state service=SENS want=stopped",
        "the service is running -> the service is stopped; COMSysApp, which needs it and runs, "
        "is stopped before it");
    assert_change(w.t, "windows.service.state service=COMSysApp want=restarted",
        "the service is running -> the service is restarted");
    assert_change(w.t, "windows.service.state service=Idle want=running",
        "the service is stopped -> the service is running");
    web_done(&w);
}

/* "SENS< COMSysApp>": what begins and what ends, in the order of the journal's lines. */
static char *
lines_of(const char *id)
{
    char *name[32] = { NULL };
    auto_free char *path = NULL;
    struct text t = { 0 };
    json_t *o;
    FILE *f;

    assert_true(asprintf(&path, "%s/%s.jsonl", journals, id) > 0);
    f = fopen(path, "r");
    assert_non_null(f);
    while ((o = json_loadf(f, JSON_DISABLE_EOF_CHECK, NULL)) != NULL) {
        const json_t *intent = json_object_get(o, "intent");
        const json_t *result = json_object_get(o, "result");
        const char *action = json_string_value(json_object_get(o, "action"));
        size_t i = (size_t)json_integer_value(intent != NULL ? intent : result);

        assert_true(i < 32);
        if (intent != NULL && strncmp(action, "windows.service", 15) == 0) {
            const char *s = strstr(action, "service=") + 8;

            name[i] = strndup(s, strcspn(s, " "));
            text_fmt(&t, "%s< ", name[i]);
        } else if (result != NULL && name[i] != NULL) {
            text_fmt(&t, "%s> ", name[i]);
        }
        json_decref(o);
    }
    (void)fclose(f);
    for (size_t i = 0; i < 32; i++)
        free(name[i]);
    return t.s;
}

static void
each_is_in_the_journal(void **state)
{
    static const char *const all[WAYS] = {
        "COMSysApp< SENS< EventSystem< EventSystem> SENS> COMSysApp> ",
        "COMSysApp< COMSysApp> SENS< SENS> EventSystem< EventSystem> "
        "EventSystem< EventSystem> SENS< SENS> COMSysApp< COMSysApp> ",
        "COMSysApp< COMSysApp> SENS< SENS> EventSystem< EventSystem> " };
    static const char *const told[WAYS] = {
        "done; COMSysApp and SENS, which need it, were stopped and started again",
        "done; COMSysApp and SENS, which need it, were stopped",
        "done; COMSysApp and SENS, which need it, were stopped" };

    (void)state;
    for (int i = 0; i < WAYS; i++) {
        struct web w;

        event_system(&w, (enum way)i, true);
        auto_ptr(runbook_report) r = run(&w, w.t, NULL);
        auto_free char *lines = lines_of(r->journal);

        assert_int_equal(r->outcome, RUNBOOK_REPAIRED);
        assert_string_equal(lines, all[i]);
        assert_string_equal(r->rows[0].result, told[i]);
        if (i == STOPS_AND_STARTS)
            assert_string_equal(r->rows[2].result,
                "done; SENS and COMSysApp, which need it, were started again");
        assert_int_equal(target_mem_runs(w.t, "COMSysApp"), i != STOPS);
        assert_false(target_mem_runs(w.t, "Idle"));
        web_done(&w);
    }
}

static void
one_that_stays_down_is_named(void **state)
{
    struct web w;

    (void)state;
    event_system(&w, RESTARTS, true);
    target_mem_no_start(w.t, "COMSysApp", 1053);
    auto_ptr(runbook_report) r = run(&w, w.t, NULL);

    assert_int_equal(r->outcome, RUNBOOK_REPAIRED);
    assert_string_equal(r->note, "COMSysApp ran before EventSystem was stopped, and does not "
                                 "start again: start it by hand");
    assert_non_null(strstr(r->rows[0].result,
        "; SENS, which needs it, was stopped and started again; COMSysApp, which needs it and "
        "ran before, does not start again: "));
    assert_non_null(strstr(r->rows[0].result, "1053"));
    web_done(&w);
}

/* Idle was stopped, and is started by somebody while those are stopped that ran. */
static void
one_that_starts_meanwhile_is_found(void **state)
{
    struct web w;

    (void)state;
    for (unsigned times = 1; times < 5; times += 3) {
        event_system(&w, RESTARTS, true);
        target_mem_needs(w.t, "SENS", "Idle");
        target_mem_needs(w.t, "COMSysApp", "Idle");
        start(w.t, "Idle");
        target_mem_starts_when(w.t, "SENS", "Idle", times);
        auto_ptr(runbook_report) r = run(&w, w.t, NULL);

        assert_int_equal(r->outcome, RUNBOOK_REPAIRED);
        assert_true(target_mem_runs(w.t, "COMSysApp"));
        assert_true(target_mem_runs(w.t, "SENS"));
        assert_true(target_mem_runs(w.t, "Idle"));
        assert_int_equal(strncmp(r->rows[0].result, "done; ", 6) == 0, times == 1);
        assert_int_equal(strstr(r->rows[0].result, "1051") != NULL, times != 1);
        web_done(&w);
    }
}

/* ---- what cannot be ---- */

/* Nothing is stopped, and the step says why. */
static void
assert_refused(struct web *w, const char *why)
{
    auto_ptr(runbook_report) r = NULL;
    auto_free char *before = target_mem_dump(w->t);

    w->never = true;
    r = run(w, w->t, NULL);
    auto_free char *after = target_mem_dump(w->t);

    assert_string_equal(before, after);
    assert_non_null(strstr(r->rows[0].result, why));
    web_done(w);
}

static void
there_are_limits(void **state)
{
    struct mem_service *s;
    char name[16];
    struct web w;

    (void)state;
    event_system(&w, RESTARTS, true);
    for (int i = 0; i < TARGET_DEPENDENTS_MAX; i++) {
        (void)snprintf(name, sizeof(name), "More%d", i);
        target_mem_service(w.t, name, 3);
        target_mem_needs(w.t, name, "EventSystem");
        start(w.t, name);
    }
    assert_refused(&w, "failed: web offers no way to stop a service that more than 32");
    event_system(&w, RESTARTS, true);
    target_mem_needs(w.t, "SENS", "COMSysApp");
    assert_refused(&w, "failed: web offers no way to stop services that need each other");
    event_system(&w, RESTARTS, true);
    s = mem_service_find((struct mem *)w.t, "COMSysApp");
    s->s.state = SERVICE_IS_BETWEEN;
    assert_refused(&w, "stop COMSysApp, which is neither running nor stopped");
    event_system(&w, RESTARTS, true);
    target_mem_no_stop(w.t, "SENS", 1052);
    assert_refused(&w, "failed: SENS, which needs EventSystem, does not stop: ");
}

/* A service that was started runs on when others need it, and it is said. */
static void
undo_stops_nobody_elses(void **state)
{
    struct remedy_done done = { 0 };
    auto_free char *kept = NULL;
    json_t *before = NULL;
    struct action a;
    struct web w;

    (void)state;
    event_system(&w, STOPS, false);
    assert_ok(target_service_control(w.t, "EventSystem", false, deadline_in_ms(1000)));
    assert_int_equal(action_parse("windows.service.state service=EventSystem want=running", &a,
                         NULL), ACTION_OK);
    assert_ok(remedy_record(w.t, &a, &before));
    assert_ok(remedy_apply(w.t, &a, before, deadline_in_ms(1000), &done));
    start(w.t, "SENS");
    assert_ok(remedy_undo(w.t, &a, before, deadline_in_ms(1000), &kept));
    assert_string_equal(kept, "it runs on, since other services that run need it");
    assert_true(target_mem_runs(w.t, "SENS"));
    json_decref(before);
    action_done(&a);
    web_done(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(those_that_ran_run_again),
        cmocka_unit_test(killed_after_any_line),
        cmocka_unit_test(any_call_may_fail),
        cmocka_unit_test(a_plan_names_them),
        cmocka_unit_test(each_is_in_the_journal),
        cmocka_unit_test(one_that_stays_down_is_named),
        cmocka_unit_test(one_that_starts_meanwhile_is_found),
        cmocka_unit_test(there_are_limits),
        cmocka_unit_test(undo_stops_nobody_elses),
    };

    return cmocka_run_group_tests(tests, journals_set_up, journals_tear_down);
}
