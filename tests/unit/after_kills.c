/* SPDX-License-Identifier: Apache-2.0 */
/* A procedure that waits for a person where not all is as it should be: firn is killed anywhere
 * in it, any call to the machine fails, the machine is off.  And thousands of procedures by
 * chance: nothing is done before its turn, and all of it can be taken back. */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chance.h"
#include "desk.h"
#include "number.h"
#include "target_fault.h"
#include "target_mem.h"

/* After every line of the first part and of the second: whoever comes next finds the machine as
 * it was or waiting, and the person who goes on gets to the end. */
static void
killed_anywhere(void **state)
{
    unsigned long waited = 0, undone = 0;

    (void)state;
    for (unsigned part = 0; part < 2; part++)
        for (unsigned after = 1;; after++) {
            struct desk d;

            desk_make(&d, desk_usual);
            d.order = after % 2 == 0 ? RUNBOOK_SAFE : RUNBOOK_ARTICLE;
            if (part == 1) {
                runbook_report_free(desk_run(&d));
                desk_work(&d);
                d.done = "2";
            }
            auto_ptr(runbook_report) killed = desk_run_killed(&d, after);
            auto_ptr(runbook_report) next = NULL;
            auto_ptr(runbook_report) last = NULL;
            bool over = killed != NULL;

            if (!over) {
                next = desk_run(&d);
                waited += next->finished[0] == NULL;
                undone += next->finished[0] != NULL;
                desk_is(next, part == 0 ? RUNBOOK_BLOCKED
                    : next->cause == NULL ? RUNBOOK_HEALTHY : RUNBOOK_REPAIRED);
                assert_true(part == 0 ? desk_stopped(&d) : desk_runs(&d));
                desk_work(&d);
                d.done = "2";
                last = desk_run(&d);
                assert_true(last->outcome == RUNBOOK_REPAIRED);
                assert_true(desk_runs(&d) && desk_number(&d, "Set") == 1);
            }
            desk_done(&d);
            if (over)
                break;
        }
    print_message("# killed: %lu waited, %lu were undone\n", waited, undone);
    assert_true(waited > 1 && undone > 8);
}

/* Each call to the machine fails, before or behind what it does, once or for good: as long as
 * the machine answers again, one more run ends where it should. */
static void
any_call_may_fail(void **state)
{
    unsigned long faults = 0;

    (void)state;
    for (unsigned how = 0; how < 8; how++)
        for (uint64_t call = 1;; call++) {
            const struct target_fault f = { .call = call, .onwards = (how & 1) != 0,
                .kind = (how & 2) != 0 ? TARGET_FAULT_AFTER : TARGET_FAULT_BEFORE };
            struct desk d;
            bool over;

            desk_make(&d, desk_usual);
            if ((how & 4) != 0) {
                runbook_report_free(desk_run(&d));
                d.done = "2";
            }
            desk_work(&d);
            assert_ok(target_fault_new(d.t, &f, &d.kill.fault));
            d.kill.after = UINT32_MAX;
            runbook_report_free(desk_run(&d));
            over = target_fault_calls(d.kill.fault) < call;
            target_free(d.kill.fault);
            d.kill = (struct kill_at){ 0 };
            d.done = "2";
            runbook_report_free(desk_run(&d));
            auto_ptr(runbook_report) last = desk_run(&d);

            assert_true(last->outcome == RUNBOOK_REPAIRED ||
                last->outcome == RUNBOOK_HEALTHY);
            assert_true(desk_runs(&d) && desk_number(&d, "Set") == 1);
            faults++;
            desk_done(&d);
            if (over)
                break;
        }
    print_message("# %lu faults\n", faults);
    assert_true(faults > 100);
}

/* Killed at each line of a part that is not allowed to its end: nothing is half undone, and
 * with consent it ends where it should. */
static void
killed_before_a_consent(void **state)
{
    static const char *const lines[] = { PROBE, "always | " STOPS, "always | " PERSON,
        "after:2 | " STARTS, "after:2 | " SET("Set"), NULL };
    unsigned long kills = 0;
    bool over = false;

    (void)state;
    for (unsigned after = 1; !over; after++) {
        struct desk d;

        desk_make(&d, lines);
        d.order = after % 2 == 0 ? RUNBOOK_SAFE : RUNBOOK_ARTICLE;
        runbook_report_free(desk_run(&d));
        desk_work(&d);
        d.done = "2";
        d.consent = 1U << RISK_SERVICE;
        auto_ptr(runbook_report) killed = desk_run_killed(&d, after);
        auto_ptr(runbook_report) small = desk_run(&d);

        over = killed != NULL;
        kills += !over;
        desk_is(small, RUNBOOK_BLOCKED);
        assert_false(small->undone);
        assert_int_equal(desk_number(&d, "Set"), 0);
        d.consent = ~0U;
        d.done = NULL; /* the journal has it */
        auto_ptr(runbook_report) last = desk_run(&d);

        desk_is(last, RUNBOOK_REPAIRED);
        assert_true(desk_runs(&d) && desk_number(&d, "Set") == 1);
        desk_done(&d);
    }
    assert_true(kills > 2);
}

static void
a_disk_waits_too(void **state)
{
    static const char *const lines[] = { PROBE, "always | " SET("First"), "always | " PERSON,
        "after:2 | " SET("Set"), NULL };
    struct desk d;

    (void)state;
    desk_make(&d, lines);
    d.alone = true;
    desk_switch_off(&d);
    auto_ptr(runbook_report) first = desk_run(&d);
    auto_ptr(runbook_report) last = NULL;

    desk_is(first, RUNBOOK_BLOCKED);
    assert_string_equal(first->waits, "2");
    assert_int_equal(desk_number(&d, "First"), 1);
    assert_int_equal(desk_number(&d, "Set"), 0);
    d.done = "2";
    last = desk_run(&d);
    assert_string_equal(last->journal, first->journal);
    desk_is(last, RUNBOOK_REPAIRED);
    assert_int_equal(desk_number(&d, "Set"), 1);
    desk_done(&d);
}

/* The restarts of both parts are few together, and the first part makes none again. */
static void
budgets_go_on(void **state)
{
    static const char *const lines[] = { PROBE, "always | machine.restart", "always | " PERSON,
        "after:2 | machine.restart", "after:2 | machine.restart", "after:2 | " SET("Set"),
        NULL };
    struct desk d;

    (void)state;
    desk_make(&d, lines);
    d.order = RUNBOOK_ARTICLE;
    target_mem_restart_is(d.t, MEM_RESTARTS);
    auto_ptr(runbook_report) first = desk_run(&d);
    auto_ptr(runbook_report) last = NULL;

    desk_is(first, RUNBOOK_BLOCKED);
    assert_int_equal(target_mem_restarts(d.t), 1);
    d.done = "2";
    last = desk_run(&d);
    assert_non_null(strstr(last->rows[0].result, "not needed")); /* the journal knows */
    assert_non_null(strstr(last->rows[3].result, "restarted often enough"));
    assert_int_equal(target_mem_restarts(d.t), RUNBOOK_RESTARTS);
    desk_done(&d);
}

/* ---- procedures by chance ---- */

enum { STEPS_MOST = 9 };

/* A plan of one to nine steps: settings "S1" ..., the service, a person's, retries; each after,
 * instead of, or on the failure of an earlier one as chance has it. */
struct procedure {
    struct desk d;
    char *lines[STEPS_MOST + 2];
    size_t n;
    bool person[STEPS_MOST + 1]; /* by the step's number */
    unsigned after[STEPS_MOST + 1];
    bool said[STEPS_MOST + 1];
    char list[64];
};

static void
line(struct procedure *x, size_t i, uint64_t *s)
{
    static const char *const forms[] = { "always", "always", "failed:%u", "unsolved:%u",
        "instead:%u", "after:%u", "after:%u" };
    unsigned of = i < 2 ? 1 : 1 + below(s, (uint32_t)i - 1);
    const char *form = i < 2 ? "always" : forms[below(s, 7)];
    uint32_t kind = below(s, 6);
    char condition[32], action[128];

    x->person[i] = kind < 2;
    if (strncmp(form, "after", 5) == 0 && !x->person[of])
        form = "always";
    if (strncmp(form, "after", 5) == 0)
        x->after[i] = of;
    (void)snprintf(condition, sizeof(condition), form, of);
    (void)snprintf(action, sizeof(action), SET("S%zu"), i);
    assert_true(asprintf(&x->lines[i], "%s | %s", condition, kind < 2 ? PERSON
            : kind == 2 ? STOPS : kind == 3 ? STARTS : kind == 4 ? "operation.retry"
                                                                 : action) > 0);
}

static void
procedure_make(struct procedure *x, uint64_t seed)
{
    uint64_t s = seed;

    *x = (struct procedure){ .n = 1 + below(&s, STEPS_MOST) };
    assert_true(asprintf(&x->lines[0], "%s", PROBE) > 0);
    for (size_t i = 1; i <= x->n; i++)
        line(x, i, &s);
    desk_make(&x->d, (const char *const *)x->lines);
    x->d.order = below(&s, 2) == 0 ? RUNBOOK_SAFE : RUNBOOK_ARTICLE;
    x->d.never = true; /* what was changed is always taken back in the end */
    if (below(&s, 4) == 0)
        target_mem_no_stop(x->d.t, "Spooler", 1052);
}

static void
procedure_done(struct procedure *x)
{
    for (size_t i = 0; i <= x->n; i++)
        free(x->lines[i]);
    desk_done(&x->d);
}

static void
say(struct procedure *x, const char *id)
{
    uint64_t n;

    assert_true(number_parse(id, &n) && n <= x->n && x->person[n] && !x->said[n]);
    x->said[n] = true;
    (void)snprintf(x->list + strlen(x->list), sizeof(x->list) - strlen(x->list), "%s%s",
        *x->list != '\0' ? "," : "", id);
    x->d.done = x->list;
}

static uint32_t
setting(struct procedure *x, size_t i)
{
    char name[8];

    (void)snprintf(name, sizeof(name), "S%zu", i);
    return desk_number(&x->d, name);
}

/* Nothing is done of what waits, or of what stands behind it. */
static void
check_waits(struct procedure *x, const struct runbook_report *r)
{
    size_t first = SIZE_MAX;

    desk_is(r, RUNBOOK_BLOCKED);
    assert_false(r->undone);
    for (size_t i = 0; i < r->nrows && first == SIZE_MAX; i++)
        if (r->rows[i].result != NULL && strcmp(r->rows[i].result, "waits for a person") == 0)
            first = i + 1;
    assert_true(first != SIZE_MAX);
    for (size_t i = first; i <= x->n; i++)
        assert_int_equal(setting(x, i), 0);
}

/* No setting is made that is after a step that nobody said is done. */
static void
check_order(struct procedure *x)
{
    for (size_t i = 1; i <= x->n; i++)
        if (x->after[i] != 0 && !x->said[x->after[i]])
            assert_int_equal(setting(x, i), 0);
}

/* Some who go on allow too little: nothing is taken back then, and nothing done from the step
 * on that is not allowed. */
static bool
check_consent(struct procedure *x, const struct runbook_report *r, const uint32_t *before)
{
    bool refused = r->outcome == RUNBOOK_BLOCKED && r->waits == NULL && r->blocked != NULL &&
        strstr(r->blocked, "The repair waits there") != NULL;

    if (!refused)
        return false;
    assert_true(x->d.consent != ~0U);
    assert_false(r->undone);
    for (size_t i = 1; i <= x->n; i++) {
        const char *is = r->rows[i - 1].result;

        if (is != NULL && strncmp(is, "waits for consent", 17) == 0)
            assert_true(setting(x, i) <= before[i]);
    }
    x->d.consent = ~0U;
    return true;
}

/* A person goes on until nothing is waited for; every third part of it is killed somewhere,
 * some are not allowed enough, and some are taken back half way.  In the end, and after an
 * undo, the machine is as it was. */
static void
procedures_by_chance(void **state)
{
    unsigned long waits = 0, kills = 0, undos = 0, most = 0, refused = 0;

    (void)state;
    for (uint64_t seed = 0; seed < journals_times(4000); seed++) {
        struct procedure x;
        uint64_t s = ~seed;
        unsigned long parts = 0;
        bool more = true;

        procedure_make(&x, seed);
        auto_free char *before = target_mem_dump(x.d.t), *after = NULL;

        while (more) {
            struct runbook_report *r = NULL;
            uint32_t is[STEPS_MOST + 1];
            size_t kept;

            for (size_t i = 1; i <= x.n; i++)
                is[i] = setting(&x, i);
            if (below(&s, 3) == 0) {
                r = desk_run_killed(&x.d, 1 + below(&s, 6));
                kills += r == NULL;
            }
            if (r == NULL)
                r = desk_run(&x.d);
            check_order(&x);
            more = check_consent(&x, r, is);
            refused += more;
            if (r->waits != NULL) {
                more = true;
                check_waits(&x, r);
                say(&x, r->waits);
                waits++;
                parts++;
                x.d.consent = below(&s, 4) == 0 ? 1U << (1 + below(&s, 2)) : ~0U;
            }
            if (more && r->journal != NULL && below(&s, 8) == 0) {
                assert_ok(runbook_undo(x.d.t, journals, r->journal, NULL, NULL, &kept));
                undos++;
                more = false;
            }
            runbook_report_free(r);
        }
        most = parts > most ? parts : most;
        after = target_mem_dump(x.d.t);
        assert_string_equal(before, after);
        procedure_done(&x);
    }
    print_message("# waited %lu times, up to %lu in a run; killed %lu, undone %lu, not allowed "
                  "%lu\n", waits, most, kills, undos, refused);
    assert_true(waits > 20 && most > 1 && kills > 10 && undos > 1 && refused > 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_anywhere),
        cmocka_unit_test(any_call_may_fail),
        cmocka_unit_test(killed_before_a_consent),
        cmocka_unit_test(a_disk_waits_too),
        cmocka_unit_test(budgets_go_on),
        cmocka_unit_test(procedures_by_chance),
    };

    return cmocka_run_group_tests(tests, journals_set_up, journals_tear_down);
}
