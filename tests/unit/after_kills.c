/* SPDX-License-Identifier: Apache-2.0 */
/* A procedure that waits for a person where not all is as it should be: firn is killed anywhere
 * in it, any call to the machine fails, the machine is off. */
#include "check.h"

#include "desk.h"
#include "target_fault.h"

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

static void
a_disk_waits_too(void **state)
{
    static const char *const lines[] = { PROBE, "always | " SET("First"), "always | " PERSON,
        "after:2 | " SET("Set"), NULL };
    struct desk d;

    (void)state;
    desk_make(&d, lines);
    d.alone = true;
    d.t->offline = true;
    d.t->can &= ~(unsigned)(TARGET_PROGRAMS | TARGET_RESTART);
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_anywhere),
        cmocka_unit_test(any_call_may_fail),
        cmocka_unit_test(a_disk_waits_too),
    };

    return cmocka_run_group_tests(tests, journals_set_up, journals_tear_down);
}
