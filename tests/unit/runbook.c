/* SPDX-License-Identifier: Apache-2.0 */
/* The failure loop over thousands of machines in states by chance: it ends in one of its
 * words, within its budgets, says "repaired" only of what is, takes back what did not help,
 * never leaves the installer service missing; and all of that also when it is killed after
 * any line of its journal, or when any call to the machine fails. */
#include "check.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "journals.h"
#include "runbook_world.h"
#include "target_fault.h"
#include "target_mem.h"
#include "text.h"

static char bundles[80];

static int
set_up(void **state)
{
    if (journals_set_up(state) != 0)
        return -1;
    (void)snprintf(bundles, sizeof(bundles), "%s/bundles", journals);
    return 0;
}

static int
tear_down(void **state)
{
    journals_empty(bundles);
    (void)rmdir(bundles); /* only some tests make it */
    return journals_tear_down(state);
}

/* ---- one run ---- */

struct kill {
    struct world *w;
    struct kill_at at;
};

static struct err *
retry(void *arg, struct deadline by, struct err **ret_why)
{
    return world_retry(((struct kill *)arg)->w, by, ret_why);
}

static struct err *
written(void *arg)
{
    struct kill *k = arg;

    return kill_line(&k->at);
}

static struct runbook_report *
run(struct world *w, struct target *t, struct kill *k, bool apply, struct err **ret_failure)
{
    struct runbook_policy p = { .apply = apply, .consent = w->consent, .order = w->order,
        .retry = retry, .written = written, .arg = k, .journals = journals,
        .bundles = bundles };
    struct runbook_candidate c = { .code = w->code, .plan = w->plan };
    struct runbook_report *r = NULL;
    struct err *e;

    k->w = w;
    e = runbook_run(t, &c, 1, &p, &r);
    if (ret_failure != NULL)
        *ret_failure = e;
    else
        assert_ok(e);
    return r;
}

static bool
awaits_restart(const struct runbook_report *r)
{
    return r->outcome == RUNBOOK_BLOCKED && !r->undone && r->journal != NULL &&
        strstr(r->blocked, "restart") != NULL;
}

static bool
undo_is_incomplete(const struct runbook_report *r)
{
    return r->blocked != NULL && strstr(r->blocked, "not all could be undone") != NULL;
}

/* Something waits for a restart: a person restarts the machine and starts firn again. */
static struct runbook_report *
after_a_persons_restart(struct world *w, struct runbook_report *r)
{
    struct kill none = { 0 };

    for (int i = 0; i < 2; i++) {
        bool open = r->blocked != NULL && (strstr(r->blocked, "could not undo") != NULL ||
                                              undo_is_incomplete(r));

        if (!awaits_restart(r) && !open)
            return r;
        target_mem_restart_is(w->t, MEM_RESTARTS);
        assert_ok(target_restart(w->t, deadline_in_ms(1000)));
        runbook_report_free(r);
        r = run(w, w->t, &none, true, NULL);
    }
    return r;
}

#define expect(what) \
    do { \
        if (!(what)) { \
            journals_empty(journals); \
            print_error("seed %llu %s, order %d, consent %x, outcome %s: %s\n", \
                (unsigned long long)seed, w->os == ACTION_WINDOWS ? "windows" : "linux", \
                w->order, w->consent, r == NULL ? "none" : runbook_outcome_name(r->outcome), \
                #what); \
            show(r); \
            _fail(__FILE__, __LINE__); \
        } \
    } while (0)

static void
show(const struct runbook_report *r)
{
    for (size_t i = 0; r != NULL && i < r->nrows; i++)
        print_error("  %s %s | %s | %s\n", r->rows[i].id, r->rows[i].action,
            r->rows[i].probe == NULL ? "" : r->rows[i].probe,
            r->rows[i].result == NULL ? "" : r->rows[i].result);
    if (r != NULL)
        print_error("  blocked: %s\n  note: %s\n", r->blocked == NULL ? "" : r->blocked,
            r->note == NULL ? "" : r->note);
}

/* A service that is there can be started at the next start of its machine, too. */
static bool
service_has_start(struct world *w)
{
    struct target_value v = { 0 };
    bool found;

    if (w->os == ACTION_LINUX || !world_service_exists(w))
        return true;
    assert_ok(target_reg_get(w->t, MEM_MSISERVER_KEY, "Start", &v, &found));
    target_value_done(&v);
    return found;
}

/* What must be so whatever happened. */
static void
check_end(struct world *w, uint64_t seed, const struct runbook_report *r, bool had_override)
{
    expect(r->installs <= RUNBOOK_INSTALLS);
    expect(r->restarts <= RUNBOOK_RESTARTS);
    expect(r->overrides <= 1);
    if (r->outcome == RUNBOOK_REPAIRED) {
        expect(world_loads(w));
        expect(world_works(w));
        expect(!world_override_is_set(w) || had_override);
        expect(r->cause != NULL);
    }
    if (r->outcome == RUNBOOK_MASKED) {
        expect(world_works(w));
        expect(world_override_is_set(w));
    }
    if (r->outcome == RUNBOOK_HEALTHY)
        expect(world_works(w));
    if (r->outcome == RUNBOOK_BLOCKED)
        expect(r->blocked != NULL);
    if (r->outcome == RUNBOOK_ESCALATED)
        expect(r->bundle != NULL && access(r->bundle, R_OK) == 0);
    if (w->service_was_there)
        expect(world_service_exists(w));
    expect(service_has_start(w));
}

static void
show_difference(const char *before, const char *now)
{
    for (int i = 0; i < 2; i++) {
        auto_free char *lines = strdup(i == 0 ? before : now);
        char *save = NULL;

        for (char *l = strtok_r(lines, "\n", &save); l != NULL;
             l = strtok_r(NULL, "\n", &save))
            if (strstr(i == 0 ? now : before, l) == NULL)
                print_error("%s: %.150s\n", i == 0 ? "before" : "now", l);
    }
}

/* What did not help is gone: the machine is as a twin of it that nobody touched. */
static void
check_untouched(struct world *w, uint64_t seed, const struct runbook_report *r)
{
    struct world twin;

    if (r->cause == NULL || !w->service_was_there || w->product_was_there ||
        undo_is_incomplete(r) || awaits_restart(r) ||
        (r->note != NULL && strstr(r->note, "is repaired;") != NULL))
        return;
    world_make(&twin, w->os, seed);
    auto_free char *now = world_dump(w), *before = world_dump(&twin);

    if (strcmp(now, before) != 0)
        show_difference(before, now);
    expect(strcmp(now, before) == 0);
    world_done(&twin);
}

/* ---- coverage ---- */

enum state { S_DETECT, S_INSTALL, S_BUSY, S_NEWER, S_FIX_START, S_REGISTER, S_AGAIN, S_RESTART,
    S_VERIFY, S_RETRY, S_OVERRIDE, S_ESCALATE, S_DONE, S_UNDONE, S_COUNT };

static const char *const state_names[S_COUNT] = { "S1 detect", "S2 install", "busy",
    "newer present", "S4 fix start", "S5 register", "S6 install again", "S7 restart",
    "S8 verify", "S9 retry", "S10 override", "S11 escalate", "S12 done", "undone" };
static unsigned long reached[S_COUNT], outcomes[6];

static void
tally(const struct runbook_report *r)
{
    reached[S_DETECT]++;
    outcomes[r->outcome]++;
    reached[S_ESCALATE] += r->outcome == RUNBOOK_ESCALATED;
    reached[S_DONE] += r->outcome == RUNBOOK_REPAIRED || r->outcome == RUNBOOK_MASKED;
    reached[S_RETRY] += r->retried;
    reached[S_UNDONE] += r->undone;
    reached[S_AGAIN] += r->installs > 1;
    reached[S_RESTART] += r->restarts > 0;
    reached[S_OVERRIDE] += r->overrides > 0;
    for (size_t i = 0; i < r->nrows; i++) {
        const char *kind = r->rows[i].kind, *result = r->rows[i].result;

        if (result == NULL)
            continue;
        bool install = strstr(kind, "install") != NULL && strstr(kind, "register") == NULL;

        reached[S_INSTALL] += install && strncmp(result, "not done", 8) != 0;
        reached[S_BUSY] += strstr(result, "busy") != NULL;
        reached[S_NEWER] += strstr(result, "newer-present") != NULL;
        reached[S_VERIFY] += install && strncmp(result, "done", 4) == 0;
        reached[S_FIX_START] += strstr(kind, "start_type") != NULL &&
            strncmp(result, "done", 4) == 0;
        reached[S_REGISTER] += (strstr(kind, "register") != NULL ||
                                   strstr(kind, "configure") != NULL) &&
            strncmp(result, "done", 4) == 0;
    }
}

/* For make failures: what the models showed of a code. */
static void
record(const struct world *w, const char *stage)
{
    const char *path = getenv("FIRN_FAILURES");
    FILE *f = path == NULL ? NULL : fopen(path, "a");

    if (f == NULL)
        return;
    (void)fprintf(f, "%s\t%s\tmodel\n", w->code, stage);
    (void)fclose(f);
}

static void
record_run(const struct world *w, const struct runbook_report *r)
{
    static bool done[2][4];
    const bool now[4] = { r->cause != NULL, r->outcome == RUNBOOK_REPAIRED,
        r->outcome == RUNBOOK_REPAIRED && r->retried, r->undone };
    static const char *const stages[4] = { "verified", "repaired", "proved", "undone" };

    for (int i = 0; i < 4; i++)
        if (now[i] && !done[w->os == ACTION_LINUX][i]) {
            done[w->os == ACTION_LINUX][i] = true;
            record(w, stages[i]);
        }
}

static void
every_start_ends_well(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < journals_times(6000); seed++)
        for (int os = 0; os < 2; os++) {
            struct world world, *w = &world;
            struct kill k = { 0 };

            world_make(w, os == 0 ? ACTION_WINDOWS : ACTION_LINUX, seed);
            bool had_override = world_override_is_set(w), loads = world_loads(w);
            auto_ptr(runbook_report) r = run(w, w->t, &k, true, NULL);

            if (loads)
                expect(r->cause == NULL && r->journal == NULL);
            tally(r);
            record_run(w, r);
            check_end(w, seed, r, had_override);
            r = after_a_persons_restart(w, r);
            check_end(w, seed, r, had_override);
            if (r->outcome == RUNBOOK_BLOCKED || r->outcome == RUNBOOK_ESCALATED)
                check_untouched(w, seed, r);
            world_done(w);
            journals_empty(journals);
            journals_empty(bundles);
        }
    for (int i = 0; i < S_COUNT; i++)
        print_message("# %-16s %lu\n", state_names[i], reached[i]);
    for (int i = 0; i < 6; i++)
        print_message("# %-16s %lu\n", runbook_outcome_name((enum runbook_outcome)i),
            outcomes[i]);
    for (int i = 0; i < S_COUNT; i++)
        assert_true(reached[i] > 0);
    for (int i = 1; i < 6; i++)
        assert_true(outcomes[i] > 0);
}

/* Without --apply: the same cause, and not a byte is changed. */
static void
a_plan_changes_nothing(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < journals_times(500); seed++)
        for (int os = 0; os < 2; os++) {
            struct world world, *w = &world;
            struct kill k = { 0 };

            world_make(w, os == 0 ? ACTION_WINDOWS : ACTION_LINUX, seed);
            auto_free char *before = target_mem_dump(w->t);
            auto_ptr(runbook_report) r = run(w, w->t, &k, false, NULL);
            auto_free char *after = target_mem_dump(w->t);

            expect(strcmp(before, after) == 0);
            expect((r->outcome == RUNBOOK_FOUND) == !world_loads(w));
            expect(r->outcome == RUNBOOK_FOUND || r->outcome == RUNBOOK_HEALTHY);
            expect(r->journal == NULL && r->installs == 0);
            expect(r->outcome != RUNBOOK_FOUND || r->nrows == w->plan->nsteps);
            world_done(w);
        }
}

/* Killed after the k-th line, for every k; the next run undoes it and ends as any other. */
static void
killed_after_any_line(void **state)
{
    unsigned long killed = 0;

    (void)state;
    for (uint64_t seed = 0; seed < journals_times(250); seed++)
        for (int os = 0; os < 2; os++)
            for (unsigned after = 1; after < 64; after++) {
                struct world world, *w = &world;
                struct target_fault never = { 0 };
                struct err *e = NULL;
                auto_ptr(target) f = NULL;

                world_make(w, os == 0 ? ACTION_WINDOWS : ACTION_LINUX, seed);
                bool had_override = world_override_is_set(w);

                assert_ok(target_fault_new(w->t, &never, &f));
                struct kill k = { .at = { .fault = f, .after = after } };
                auto_ptr(runbook_report) r = run(w, f, &k, true, &e);
                bool was_killed = e != NULL;

                err_free(e);
                if (was_killed) {
                    struct kill none = { 0 };

                    killed++;
                    runbook_report_free(take(r));
                    r = run(w, w->t, &none, true, NULL);
                    expect(r->finished != NULL);
                    r = after_a_persons_restart(w, r);
                    check_end(w, seed, r, had_override);
                    if (r->outcome == RUNBOOK_BLOCKED || r->outcome == RUNBOOK_ESCALATED)
                        check_untouched(w, seed, r);
                }
                world_done(w);
                journals_empty(journals);
                journals_empty(bundles);
                if (!was_killed)
                    break;
            }
    print_message("# killed and taken up %lu times\n", killed);
    assert_true(killed > 100);
}

/* A machine whose operation works only with an override of earlier days: it was gone for good
 * when the call failed that was to show its removal. */
enum { OVERRIDE_IS_NEEDED = 737 };

/* Each call to the machine fails once, before or after it took effect, or from then on. */
static void
any_call_may_fail(void **state)
{
    unsigned long faults = 0;
    uint64_t n = journals_times(40);

    (void)state;
    for (uint64_t i = 0, seed = 0; i <= n; i++, seed = i < n ? i : OVERRIDE_IS_NEEDED)
        for (int os = 0; os < 2; os++)
            for (int kind = 0; kind < 3; kind++)
                for (uint64_t call = 1;; call++) {
                    struct world world, *w = &world;
                    struct target_fault plan = { .call = call, .onwards = kind == 2,
                        .kind = kind == 1 ? TARGET_FAULT_AFTER : TARGET_FAULT_BEFORE };
                    struct kill k = { 0 }, none = { 0 };
                    struct err *e = NULL;
                    auto_ptr(target) f = NULL;

                    world_make(w, os == 0 ? ACTION_WINDOWS : ACTION_LINUX, seed);
                    bool had_override = world_override_is_set(w);

                    assert_ok(target_fault_new(w->t, &plan, &f));
                    auto_ptr(runbook_report) r = run(w, f, &k, true, &e);

                    assert_ok(e);
                    bool struck = target_fault_calls(f) >= call;

                    if (kind == 2) { /* what is left open is taken up when it answers again */
                        runbook_report_free(take(r));
                        r = run(w, w->t, &none, true, NULL);
                    }
                    r = after_a_persons_restart(w, r);
                    check_end(w, seed, r, had_override);
                    world_done(w);
                    journals_empty(journals);
                    journals_empty(bundles);
                    if (!struck)
                        break;
                    faults++;
                }
    print_message("# %lu faults\n", faults);
}

/* ---- single stories ---- */

/* The machine is out of reach: that is said, and the journal waits. */
static void
undo_that_reaches_nothing(struct world *w, const char *journal)
{
    const struct target_fault always = { .call = 1, .onwards = true };
    auto_ptr(target) f = NULL;
    size_t kept;

    assert_ok(target_fault_new(w->t, &always, &f));
    assert_fails(runbook_undo(f, journals, journal, NULL, NULL, &kept), E_UndoIncomplete);
}

static void
undo_by_name_brings_back_a_repair(void **state)
{
    struct world world, *w = &world;
    uint64_t seed;

    (void)state;
    for (seed = 0;; seed++) {
        struct kill k = { 0 };
        size_t kept;

        world_make(w, ACTION_WINDOWS, seed);
        struct runbook_report *r = run(w, w->t, &k, true, NULL);
        bool right = r->outcome == RUNBOOK_REPAIRED && r->restarts == 0 &&
            w->service_was_there && r->installs > 1;

        if (right) {
            undo_that_reaches_nothing(w, r->journal);
            assert_ok(runbook_undo(w->t, journals, r->journal, NULL, NULL, &kept));
            check_untouched(w, seed, r);
            assert_fails(runbook_undo(w->t, journals, "0123456789abcdef", NULL, NULL, &kept),
                E_JournalMissing);
            assert_fails(runbook_undo(w->t, journals, "../../etc/passwd", NULL, NULL, &kept),
                E_JournalMissing);
        }
        runbook_report_free(r);
        world_done(w);
        journals_empty(journals); /* another machine's journals are not for the next one */
        if (right)
            return;
    }
}

/* A machine that is named otherwise is the same one, by its identity; what was written before
 * there was one has its name. */
static void
journals_are_found_by_identity(void **state)
{
    static const struct {
        const char *then_name, *then, *now_name, *now; /* name and identity */
        bool same;
    } cases[] = {
        { "vm:web1", "vm:U,connect=C", "vm:web1,connect=C", "vm:U,connect=C", true },
        { "vm:web1", NULL, "vm:web1", "vm:U,connect=C", true },
        { "vm:web1", NULL, "vm:web1", NULL, true },
        { "vm:web1", "vm:U,connect=C", "vm:web1", "vm:V,connect=C", false },
        { "vm:web1", NULL, "vm:web2", "vm:U,connect=C", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        for (int killed = 0; killed < 2; killed++) {
            struct runbook_report *r = NULL;
            struct world world, *w = &world;
            struct journal *j = NULL;
            auto_free char *id = NULL;
            size_t kept;

            world_make(w, ACTION_LINUX, 0);
            assert_ok(journal_begin(journals, cases[i].then != NULL ? cases[i].then
                    : cases[i].then_name, w->code, &j));
            id = strdup(journal_id(j));
            journal_free(j); /* without an end: it was killed */
            free(w->t->name);
            w->t->name = strdup(cases[i].now_name);
            w->t->identity = cases[i].now != NULL ? strdup(cases[i].now) : NULL;
            if (killed) {
                struct kill k = { 0 };

                r = run(w, w->t, &k, true, NULL);
                assert_int_equal(r->finished != NULL && r->finished[0] != NULL, cases[i].same);
                if (cases[i].same)
                    assert_string_equal(r->finished[0], id);
            } else if (cases[i].same) {
                assert_ok(runbook_undo(w->t, journals, id, NULL, NULL, &kept));
            } else {
                assert_fails(runbook_undo(w->t, journals, id, NULL, NULL, &kept),
                    E_InputInvalid);
            }
            runbook_report_free(r);
            world_done(w);
            journals_empty(journals);
            journals_empty(bundles);
        }
}

/* What can be done on a disk stays, nothing else is tried, and all of it can be taken back. */
static void
a_machine_that_is_off_keeps_what_is_right(void **state)
{
    unsigned long kept = 0;

    (void)state;
    for (uint64_t seed = 0; seed < journals_times(2000); seed++) {
        struct world world, *w = &world;
        struct kill k = { 0 };
        size_t left;

        world_make(w, ACTION_WINDOWS, seed);
        w->t->offline = true;
        w->t->can = TARGET_REGISTRY | TARGET_FILES | TARGET_LIBRARIES;
        w->order = seed % 2 == 0 ? RUNBOOK_SAFE : RUNBOOK_ARTICLE;
        auto_free char *before = target_mem_dump(w->t);
        bool override = world_override_is_set(w);
        auto_ptr(runbook_report) r = run(w, w->t, &k, true, NULL);

        expect(r->installs == 0 && r->restarts == 0 && r->overrides == 0);
        expect(world_override_is_set(w) == override);
        expect(r->cause == NULL || (r->outcome == RUNBOOK_BLOCKED && !r->undone));
        if (r->journal != NULL) {
            kept++;
            expect((w->consent & 1U << RISK_SERVICE) != 0);
            auto_free char *changed = target_mem_dump(w->t);

            expect(strcmp(before, changed) != 0);
            auto_ptr(runbook_report) again = run(w, w->t, &k, true, NULL);

            expect(again->journal == NULL && again->outcome == RUNBOOK_BLOCKED);
            assert_ok(runbook_undo(w->t, journals, r->journal, NULL, NULL, &left));
        }
        auto_free char *after = target_mem_dump(w->t);

        expect(!w->service_was_there || strcmp(before, after) == 0);
        world_done(w);
        journals_empty(journals);
        journals_empty(bundles);
    }
    print_message("# %lu kept\n", kept);
    assert_true(kept > 20);
}

static bool
read_whole(const char *path, struct text *to)
{
    char part[4096];
    FILE *f = fopen(path, "r");
    size_t n;

    if (f == NULL)
        return false;
    while ((n = fread(part, 1, sizeof(part), f)) > 0)
        text_add(to, part, n);
    (void)fclose(f);
    return true;
}

static struct err *
retry_with_secret(void *arg, struct deadline by, struct err **ret_why)
{
    (void)arg;
    (void)by;
    *ret_why = fail(InputInvalid, "https://x.example/disk?sv=1&sig=S3cretS1g&se=2",
        "the answer held password: hunter22, \"token\": \"abcdef\"");
    return NULL;
}

static void
bundles_hold_no_secrets(void **state)
{
    struct world world, *w = &world;
    struct runbook_policy p = { .apply = true, .retry = retry_with_secret, .journals = journals,
        .bundles = bundles };
    auto_ptr(runbook_report) r = NULL;
    struct text all = { 0 };

    (void)state;
    world_make(w, ACTION_LINUX, 1);
    assert_ok(runbook_run(w->t, NULL, 0, &p, &r));
    assert_int_equal(r->outcome, RUNBOOK_ESCALATED);
    assert_true(read_whole(r->bundle, &all));
    assert_null(strstr(all.s, "S3cretS1g"));
    assert_null(strstr(all.s, "hunter22"));
    assert_null(strstr(all.s, "abcdef"));
    assert_non_null(strstr(all.s, "sig=[removed]&se=2"));
    text_done(&all);
    world_done(w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_start_ends_well),
        cmocka_unit_test(a_plan_changes_nothing),
        cmocka_unit_test(killed_after_any_line),
        cmocka_unit_test(any_call_may_fail),
        cmocka_unit_test(journals_are_found_by_identity),
        cmocka_unit_test(undo_by_name_brings_back_a_repair),
        cmocka_unit_test(a_machine_that_is_off_keeps_what_is_right),
        cmocka_unit_test(bundles_hold_no_secrets),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
