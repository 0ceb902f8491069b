/* SPDX-License-Identifier: Apache-2.0 */
/* A doctor that was inside of a machine asked for a restart, did not get well by it, and asked
 * again in the next run, for ever.  Restarts are few over all runs for a cause: those that a
 * person is asked for, those that an installer makes, which end the run that is in the machine,
 * and those that firn makes.  When they are spent, the end is any other word, and what did not
 * help is taken back. */
#include "check.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "journals.h"
#include "runbook_world.h"
#include "target_fault.h"
#include "target_mem.h"
#include "text.h"

enum { RUNS_MAX = 12, FILE_MAX = 1 << 20 };

/* ---- runs ---- */

struct stay {
    struct world w;
    struct target *cut;  /* firn ends with the machine that it is in; NULL: it is elsewhere */
    unsigned starts;     /* of the machine when this run began */
};

static struct err *
retry(void *arg, struct deadline by, struct err **ret_why)
{
    return world_retry(&((struct stay *)arg)->w, by, ret_why);
}

static struct err *
written(void *arg)
{
    struct stay *s = arg;

    if (s->cut == NULL || target_mem_restarts(s->w.t) == s->starts)
        return NULL;
    target_fault_cut(s->cut);
    return fail(Interrupted);
}

/* NULL: the machine was restarted under it. */
static struct runbook_report *
run(struct stay *s, bool inside)
{
    const struct runbook_policy p = { .apply = true, .consent = s->w.consent,
        .order = s->w.order, .retry = retry, .written = written, .arg = s, .journals = journals,
        .bundles = journals };
    const struct runbook_candidate c = { .code = s->w.code, .plan = s->w.plan };
    const struct target_fault never = { 0 };
    struct runbook_report *r = NULL;
    struct err *e;

    s->starts = target_mem_restarts(s->w.t);
    if (inside)
        assert_ok(target_fault_new(s->w.t, &never, &s->cut));
    e = runbook_run(inside ? s->cut : s->w.t, &c, 1, &p, &r);
    target_free(take(s->cut));
    if (e != NULL)
        assert_fails(e, E_Interrupted);
    return r;
}

/* By its user, whatever firn could do. */
static void
restart(struct target *t)
{
    unsigned can = t->can;

    t->can |= TARGET_RESTART;
    target_mem_restart_is(t, MEM_RESTARTS);
    assert_ok(target_restart(t, deadline_in_ms(1000)));
    t->can = can;
}

static bool
asks(const struct runbook_report *r)
{
    return r->outcome == RUNBOOK_BLOCKED && strstr(r->blocked, "restart the") != NULL;
}

static bool
undo_is_open(const struct runbook_report *r)
{
    return r->outcome == RUNBOOK_BLOCKED && (strstr(r->blocked, "not all could be") != NULL ||
                                                strstr(r->blocked, "could not undo") != NULL);
}

#define expect(what) \
    do { \
        if (!(what)) { \
            print_error("seed %llu, order %d, consent %x: %s\n", (unsigned long long)seed, \
                s->w.order, s->w.consent, #what); \
            show(r); \
            journals_empty(journals); \
            _fail(__FILE__, __LINE__); \
        } \
    } while (0)

static void
show(const struct runbook_report *r)
{
    if (r == NULL)
        return;
    print_error("  %s, blocked: %s\n", runbook_outcome_name(r->outcome),
        r->blocked == NULL ? "" : r->blocked);
    for (size_t i = 0; i < r->nrows; i++)
        print_error("  %s | %s\n", r->rows[i].action,
            r->rows[i].result == NULL ? "" : r->rows[i].result);
}

/* What did not help is gone: the machine is as a twin that nobody touched. */
static void
check_untouched(struct stay *s, uint64_t seed, const struct runbook_report *r)
{
    struct world twin;

    if (r->cause == NULL || !s->w.service_was_there || s->w.product_was_there ||
        (r->note != NULL && strstr(r->note, "is repaired;") != NULL))
        return;
    world_make(&twin, ACTION_WINDOWS, seed);
    s->w.t->can |= TARGET_RESTART;
    twin.t->can = s->w.t->can;
    auto_free char *now = world_dump(&s->w), *before = world_dump(&twin);

    if (strcmp(now, before) != 0)
        print_error("before:\n%s\nnow:\n%s\n", before, now);
    expect(strcmp(now, before) == 0);
    world_done(&twin);
}

/* ---- a person is asked ---- */

static unsigned long ends[6];

/* Runs, and restarts where they are asked for, until none is, or nothing can be undone. */
static struct runbook_report *
until_nothing_is_asked(struct stay *s, uint64_t seed, unsigned *ret_asked)
{
    struct runbook_report *r = NULL;
    unsigned runs = 0, open = 0;

    *ret_asked = 0;
    for (;;) {
        r = run(s, false);
        open = undo_is_open(r) ? open + 1 : 0;
        if (open > 2)
            expect(s->w.manager_refuses);
        if ((!asks(r) && open == 0) || open > 2)
            return r;
        *ret_asked += asks(r);
        expect(*ret_asked <= RUNBOOK_RESTARTS);
        expect(++runs < RUNS_MAX);
        restart(s->w.t);
        runbook_report_free(r);
    }
}

static void
a_person_is_asked_twice_at_most(void **state)
{
    unsigned long asked[RUNBOOK_RESTARTS + 1] = { 0 };

    (void)state;
    for (uint64_t seed = 0; seed < journals_times(3000); seed++) {
        struct stay stay = { 0 }, *s = &stay;
        unsigned n;

        world_make(&s->w, ACTION_WINDOWS, seed);
        s->w.t->can &= ~(unsigned)TARGET_RESTART;
        if (seed % 2 == 0)
            target_mem_always_hold(s->w.t, "msiserver");
        if (seed % 4 == 0)
            target_mem_hide_marks(s->w.t);
        auto_ptr(runbook_report) r = until_nothing_is_asked(s, seed, &n);

        asked[n]++;
        ends[r->outcome]++;
        expect(r->outcome != RUNBOOK_REPAIRED || (world_loads(&s->w) && world_works(&s->w)));
        if (r->outcome == RUNBOOK_BLOCKED || r->outcome == RUNBOOK_ESCALATED) {
            auto_ptr(runbook_report) again = run(s, false);

            expect(n < RUNBOOK_RESTARTS || !asks(again)); /* nor ever after */
            if (again->outcome == r->outcome && !asks(again) && !undo_is_open(again))
                check_untouched(s, seed, again);
        }
        world_done(&s->w);
        journals_empty(journals);
    }
    for (unsigned i = 0; i <= RUNBOOK_RESTARTS; i++) {
        print_message("# asked %u times: %lu\n", i, asked[i]);
        assert_true(asked[i] > 0);
    }
    for (int i = 1; i < 6; i++) {
        print_message("# %-10s %lu\n", runbook_outcome_name((enum runbook_outcome)i), ends[i]);
        assert_true(ends[i] > 0);
    }
}

/* A run that repaired the cause is the end of the count. */
static void
what_was_repaired_counts_no_more(void **state)
{
    (void)state;
    for (uint64_t seed = 0;; seed++) {
        struct stay stay = { 0 }, *s = &stay;
        unsigned n;

        world_make(&s->w, ACTION_WINDOWS, seed);
        s->w.t->can &= ~(unsigned)TARGET_RESTART;
        auto_ptr(runbook_report) r = until_nothing_is_asked(s, seed, &n);
        bool right = r->outcome == RUNBOOK_REPAIRED && n == 1;

        if (right) { /* the same again: the runtime goes */
            auto_ptr(runbook_report) healthy = run(s, false);

            expect(healthy->outcome == RUNBOOK_HEALTHY);
            assert_ok(target_file_delete(s->w.t, MEM_SYSTEM32 "msvcr120.dll"));
            runbook_report_free(take(r));
            r = until_nothing_is_asked(s, seed, &n);
            expect(n <= 1);
        }
        world_done(&s->w);
        journals_empty(journals);
        if (right)
            return;
    }
}

/* ---- an installer restarts the machine that firn is in ---- */

static struct text *
read_text(const char *path, struct text *to)
{
    char part[4096];
    FILE *f = fopen(path, "r");
    size_t n;

    assert_non_null(f);
    while ((n = fread(part, 1, sizeof(part), f)) > 0 && to->len < FILE_MAX)
        text_add(to, part, n);
    (void)fclose(f);
    return to;
}

/* The line that a run waits was not durable yet when the machine went: cut it off. */
static void
lose_the_wait(void)
{
    DIR *d = opendir(journals);
    char path[512];

    assert_non_null(d);
    for (const struct dirent *f; (f = readdir(d)) != NULL;) {
        struct text t = { 0 };
        char *last;

        if (strstr(f->d_name, ".jsonl") == NULL)
            continue;
        (void)snprintf(path, sizeof(path), "%s/%s", journals, f->d_name);
        last = read_text(path, &t)->len == 0 ? NULL : strstr(t.s, "{\"waits\"");
        if (last != NULL && strstr(t.s, "\"end\"") == NULL)
            assert_int_equal(truncate(path, last - t.s), 0);
        text_done(&t);
    }
    (void)closedir(d);
}

static void
an_installer_restarts_twice_at_most(void **state)
{
    unsigned long killed = 0, outcomes[6] = { 0 };

    (void)state;
    for (uint64_t seed = 0; seed < journals_times(1500); seed++) {
        const struct mem_installer i = { .path = "C:\\Packages\\Plugins\\Microsoft.Azure."
            "RecoveryServices.VMSnapshot\\1.0.10000.0\\vcredist2013_x64.exe",
            .script = { 1641 }, .nscript = 1, .puts = { MEM_SYSTEM32 "msvcr120.dll" } };
        struct stay stay = { 0 }, *s = &stay;
        struct runbook_report *r = NULL;
        unsigned before, runs = 0;

        world_make(&s->w, ACTION_WINDOWS, seed);
        s->w.t->can &= ~(unsigned)TARGET_RESTART;
        target_mem_restart_is(s->w.t, MEM_RESTARTS);
        target_mem_installer(s->w.t, &i);
        if (seed % 4 != 0) /* it does not help */
            target_mem_break_library(s->w.t, "msvcr120.dll", 193);
        before = target_mem_restarts(s->w.t);
        while (r == NULL) {
            r = run(s, true);
            killed += r == NULL;
            if (r == NULL && seed % 2 == 0)
                lose_the_wait();
            if (r != NULL && (asks(r) || undo_is_open(r))) {
                restart(s->w.t);
                runbook_report_free(r);
                r = NULL;
            }
            expect(++runs < RUNS_MAX);
        }
        outcomes[r->outcome]++;
        expect(target_mem_restarts(s->w.t) - before <= RUNBOOK_RESTARTS + 1);
        runbook_report_free(r);
        r = run(s, true); /* nor ever after */
        expect(r != NULL);
        runbook_report_free(r);
        world_done(&s->w);
        journals_empty(journals);
    }
    print_message("# killed %lu times\n", killed);
    for (int i = 1; i < 6; i++)
        print_message("# %-10s %lu\n", runbook_outcome_name((enum runbook_outcome)i),
            outcomes[i]);
    assert_true(killed > 100);
    assert_true(outcomes[RUNBOOK_ESCALATED] + outcomes[RUNBOOK_BLOCKED] > 0);
    assert_true(outcomes[RUNBOOK_HEALTHY] > 0);
}

/* ---- firn makes them ---- */

static void
restarts_that_firn_makes_count_over_runs(void **state)
{
    unsigned long made[RUNBOOK_RESTARTS + 2] = { 0 };

    (void)state;
    for (uint64_t seed = 0; seed < journals_times(1500); seed++) {
        struct stay stay = { 0 }, *s = &stay;
        unsigned n;

        world_make(&s->w, ACTION_WINDOWS, seed);
        target_mem_restart_is(s->w.t, MEM_RESTARTS);
        for (int i = 0; i < 4; i++) {
            auto_ptr(runbook_report) r = run(s, false);

            n = target_mem_restarts(s->w.t);
            expect(n <= RUNBOOK_RESTARTS + 1); /* one that nobody expected of an installer */
            if (r->outcome == RUNBOOK_REPAIRED)
                break;
        }
        made[n]++;
        world_done(&s->w);
        journals_empty(journals);
    }
    for (unsigned i = 0; i <= RUNBOOK_RESTARTS; i++) {
        print_message("# %u restarts: %lu\n", i, made[i]);
        assert_true(made[i] > 0);
    }
}

/* ---- a service that goes ---- */

/* One that was deleted and is held looked like any other, so undo found it as it had been and
 * said so; then its last handle was closed. */
static void
what_goes_is_not_called_undone(void **state)
{
    struct target *t = NULL;
    struct journal *j = NULL;
    struct remedy_done d = { 0 };
    struct action a;
    json_t *before = NULL;
    char id[JOURNAL_ID_LEN + 1];
    size_t entry, kept;

    (void)state;
    assert_ok(target_mem_new(ACTION_WINDOWS, "model", &t));
    target_mem_service(t, "msiserver", 4);
    target_mem_always_hold(t, "msiserver");
    target_mem_hide_marks(t);
    auto_free char *first = target_mem_dump(t);

    action_init(&a, action_find("windows.installer.register"));
    assert_ok(journal_begin(journals, "model", "C", &j));
    memcpy(id, journal_id(j), sizeof(id));
    assert_ok(remedy_record(t, &a, &before));
    assert_ok(journal_intent(j, "1", &a, before, &entry));
    assert_ok(remedy_apply(t, &a, before, deadline_in_ms(60000), &d));
    assert_int_equal(d.end, REMEDY_AFTER_RESTART);
    remedy_done_done(&d);
    journal_free(j);

    assert_fails(runbook_undo(t, journals, id, NULL, NULL, &kept), E_UndoIncomplete);
    restart(t);
    assert_ok(runbook_undo(t, journals, id, NULL, NULL, &kept));
    auto_free char *last = target_mem_dump(t);

    assert_string_equal(first, last);
    json_decref(before);
    action_done(&a);
    target_free(t);
    journals_empty(journals);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_person_is_asked_twice_at_most),
        cmocka_unit_test(what_was_repaired_counts_no_more),
        cmocka_unit_test(an_installer_restarts_twice_at_most),
        cmocka_unit_test(restarts_that_firn_makes_count_over_runs),
        cmocka_unit_test(what_goes_is_not_called_undone),
    };

    return cmocka_run_group_tests(tests, journals_set_up, journals_tear_down);
}
