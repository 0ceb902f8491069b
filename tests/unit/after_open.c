/* SPDX-License-Identifier: Apache-2.0 */
/* A repair that waits, and whoever comes meanwhile.  "firn doctor" without --apply said "cause:
 * unknown" of such a machine; and who went on with a consent too small for the next step had
 * firn's part undone, and with it the ground of the person's own work. */
#include "check.h"

#include <string.h>

#include "desk.h"
#include "doctor.h"
#include "target_mem.h"

#define SERVICE (1U << RISK_SERVICE)
#define CONFIG (1U << RISK_CONFIG)

static const enum runbook_order orders[] = { RUNBOOK_SAFE, RUNBOOK_ARTICLE };
#define for_each_order(o) for (const enum runbook_order *o = orders; o < orders + 2; o++)

static void
says(const char *text, const char *what)
{
    if (text == NULL || strstr(text, what) == NULL)
        print_error("%s\n  lacks %s\n", text == NULL ? "" : text, what);
    assert_true(text != NULL && strstr(text, what) != NULL);
}

static char *
shown(const struct desk *d, const struct runbook_report *r)
{
    struct text t = { 0 };

    doctor_show(d->t, r, "firn doctor model", NULL, &t);
    assert_false(t.no_memory);
    return t.s;
}

static void
json_has(const struct runbook_report *r, const char *name, const char *value)
{
    json_t *doc = NULL;
    const char *is;

    assert_ok(runbook_json(r, &doc));
    is = json_string_value(json_object_get(doc, name));
    assert_true((is == NULL) == (value == NULL));
    if (is != NULL)
        assert_string_equal(is, value);
    json_decref(doc);
}

static void
row_is(const struct runbook_report *r, size_t i, const char *result)
{
    assert_true(i <= r->nrows);
    says(r->rows[i - 1].result, result);
}

/* ---- who only looks ---- */

static void
it_is_told_that_it_waits(const struct desk *d, const struct runbook_report *r,
    const char *journal)
{
    auto_free char *text = shown(d, r), *undo = NULL;
    struct err *warning = NULL, *e = doctor_judge(d->t, r, &warning);

    desk_is(r, RUNBOOK_BLOCKED);
    assert_true(asprintf(&undo, "firn doctor model --undo %s", journal) > 0);
    assert_string_equal(r->waits, "2");
    assert_string_equal(r->journal, journal);
    assert_null(strstr(text, "unknown"));
    says(text, "cause: " CODE " in model");
    says(text, "step 2 is yours: Empty the folder.");
    says(text, "go on with: firn doctor model " CODE " --apply --done=2");
    says(text, undo);
    says(text, "\nblocked\n");
    says(err_message(e), "step 2 is yours"); /* the last word */
    json_has(r, "outcome", "blocked");
    json_has(r, "waits", "2");
    json_has(r, "cause", CODE);
    json_has(r, "journal", journal);
    assert_fails(e, E_RepairBlocked);
    assert_null(warning);
}

static void
who_looks_is_told(void **state)
{
    static const char *const other[] = { "probe | windows.registry.is key=" KEY
        " name=Other data=1", "always | " SET("Other"), NULL };
    struct desk d;

    (void)state;
    desk_make(&d, desk_usual);
    auto_ptr(runbook_report) first = desk_run(&d);
    struct plan *mine = d.plan;

    d.look = true;
    auto_ptr(runbook_report) same = desk_run(&d);

    it_is_told_that_it_waits(&d, same, first->journal);
    assert_int_equal(same->nrows, 4); /* with the plan */
    d.plan = desk_plan(other);
    auto_ptr(runbook_report) another = desk_run(&d);

    it_is_told_that_it_waits(&d, another, first->journal);
    target_mem_set_number(d.t, KEY, "Other", 1);
    auto_ptr(runbook_report) none = desk_run(&d); /* whose probe holds */

    it_is_told_that_it_waits(&d, none, first->journal);
    assert_int_equal(none->nruled_out, 1);
    plan_free(d.plan);
    d.plan = mine;
    target_mem_set_number(d.t, KEY, "Other", 0);
    d.look = false;
    d.done = "2";
    desk_work(&d);
    auto_ptr(runbook_report) last = desk_run(&d);

    desk_is(last, RUNBOOK_REPAIRED);
    d.look = true;
    auto_ptr(runbook_report) over = desk_run(&d);

    desk_is(over, RUNBOOK_HEALTHY);
    assert_null(over->waits);
    desk_done(&d);
}

/* What was killed is told as before. */
static void
what_was_killed_does_not_wait(void **state)
{
    struct desk d;

    (void)state;
    desk_make(&d, desk_usual);
    assert_null(desk_run_killed(&d, 2));
    d.look = true;
    auto_ptr(runbook_report) r = desk_run(&d);

    desk_is(r, RUNBOOK_FOUND);
    assert_null(r->waits);
    says(r->note, "an earlier run has no end");
    desk_done(&d);
}

/* ---- consent that is too small ---- */

static void
it_waits_for_consent(void **state)
{
    (void)state;
    for_each_order(o) {
        struct desk d;
        size_t kept;

        desk_make(&d, desk_usual);
        auto_free char *before = NULL, *held = NULL, *after = NULL;

        desk_work(&d);
        before = target_mem_dump(d.t);
        d.order = *o;
        d.consent = SERVICE;
        d.options = "--apply --yes=service --order=safe";
        auto_ptr(runbook_report) first = desk_run(&d);

        desk_is(first, RUNBOOK_BLOCKED);
        held = target_mem_dump(d.t);
        d.done = "2";
        auto_ptr(runbook_report) small = desk_run(&d);
        auto_ptr(runbook_report) again = desk_run(&d);
        auto_ptr(runbook_report) silent = NULL;

        desk_is(small, RUNBOOK_BLOCKED);
        assert_false(small->undone);
        assert_string_equal(small->journal, first->journal);
        assert_null(small->waits); /* for nothing that a person does by hand */
        says(small->blocked, "allow step 3 (--yes=config)");
        says(small->blocked, "firn doctor model " CODE
            " --apply --yes=config,service --order=safe --done=2");
        row_is(small, 3, "no consent for config");
        row_is(small, 4, "waits for consent to step 3");
        assert_true(desk_stopped(&d));
        desk_is(again, RUNBOOK_BLOCKED);
        assert_string_equal(again->blocked, small->blocked);
        after = target_mem_dump(d.t);
        assert_string_equal(held, after);

        d.look = true; /* who looks is told the same */
        auto_ptr(runbook_report) look = desk_run(&d);

        desk_is(look, RUNBOOK_BLOCKED);
        assert_null(look->waits);
        says(look->blocked, "allow step 3 (--yes=config)");
        says(look->blocked, "--undo ");
        d.look = false;

        if (*o == RUNBOOK_SAFE) { /* that step 2 is done need not be said again */
            d.done = NULL;
            d.consent = SERVICE | CONFIG;
            silent = desk_run(&d);
            desk_is(silent, RUNBOOK_REPAIRED);
            assert_string_equal(silent->journal, first->journal);
            assert_true(desk_runs(&d));
        }
        assert_ok(runbook_undo(d.t, journals, first->journal, NULL, NULL, &kept));
        free(take(after));
        after = target_mem_dump(d.t);
        assert_string_equal(before, after);
        desk_done(&d);
    }
}

/* What is allowed is done up to the step that is not, and not behind it. */
static void
it_goes_as_far_as_it_may(void **state)
{
    static const char *const lines[] = { PROBE, "always | " SET("First"), "always | " PERSON,
        "after:2 | " SET("Second"), "after:2 | " STOPS, "after:2 | " SET("Set"),
        "after:2 | " STARTS, NULL };

    (void)state;
    for_each_order(o) {
        struct desk d;

        desk_make(&d, lines);
        d.order = *o;
        d.consent = CONFIG;
        auto_ptr(runbook_report) first = desk_run(&d);

        desk_is(first, RUNBOOK_BLOCKED);
        desk_work(&d);
        d.done = "2";
        auto_ptr(runbook_report) small = desk_run(&d);

        desk_is(small, RUNBOOK_BLOCKED);
        says(small->blocked, "allow step 4 (--yes=service)");
        says(small->blocked, " --apply --yes=config,service --done=2");
        assert_int_equal(desk_number(&d, "First") + desk_number(&d, "Second"), 2);
        assert_int_equal(desk_number(&d, "Set"), 0);
        d.consent = CONFIG | SERVICE;
        auto_ptr(runbook_report) last = desk_run(&d);

        desk_is(last, RUNBOOK_REPAIRED);
        assert_string_equal(last->journal, first->journal);
        row_is(last, 3, "not needed");
        assert_true(desk_runs(&d));
        desk_done(&d);
    }
}

/* The first step is not held any more, and nobody said that the second is done. */
static void
what_holds_no_more_is_not_undone_either(void **state)
{
    struct desk d;

    (void)state;
    desk_make(&d, desk_usual);
    auto_ptr(runbook_report) first = desk_run(&d);

    desk_is(first, RUNBOOK_BLOCKED);
    assert_ok(target_service_control(d.t, "Spooler", true, deadline_in_ms(1000)));
    d.consent = CONFIG;
    auto_ptr(runbook_report) small = desk_run(&d);

    desk_is(small, RUNBOOK_BLOCKED);
    says(small->blocked, "allow step 1 (--yes=service)");
    assert_false(small->undone);
    desk_work(&d);
    d.done = "2";
    d.consent = CONFIG | SERVICE;
    auto_ptr(runbook_report) last = desk_run(&d);

    desk_is(last, RUNBOOK_REPAIRED);
    assert_string_equal(last->journal, first->journal);
    assert_true(desk_runs(&d));
    desk_done(&d);
}

/* Where nobody has begun, nothing stays: there is nothing that a person's work stands on. */
static void
before_the_persons_turn_nothing_stays(void **state)
{
    static const char *const lines[] = { PROBE, "always | " SET("First"), "always | " STOPS,
        "always | " PERSON, "after:3 | " STARTS, NULL };
    struct desk d;

    (void)state;
    desk_make(&d, lines);
    d.consent = CONFIG;
    auto_ptr(runbook_report) r = desk_run(&d);

    desk_is(r, RUNBOOK_BLOCKED);
    says(r->blocked, "(--yes=service)");
    assert_true(r->undone);
    assert_int_equal(desk_number(&d, "First"), 0);
    desk_done(&d);
}

/* On a disk that is off, too. */
static void
a_disk_waits_for_consent(void **state)
{
    static const char *const lines[] = { PROBE, "always | " SET("First"), "always | " PERSON,
        "after:2 | windows.service.start_type service=Fax want=4",
        "after:2 | " SET("Set"), NULL };
    struct desk d;

    (void)state;
    desk_make(&d, lines);
    d.alone = true;
    desk_switch_off(&d);
    d.consent = CONFIG;
    auto_ptr(runbook_report) first = desk_run(&d);

    desk_is(first, RUNBOOK_BLOCKED);
    d.done = "2";
    auto_ptr(runbook_report) small = desk_run(&d);

    desk_is(small, RUNBOOK_BLOCKED);
    says(small->blocked, "allow step 3 (--yes=service)");
    assert_int_equal(desk_number(&d, "First"), 1);
    assert_int_equal(desk_number(&d, "Set"), 0);
    d.consent = CONFIG | SERVICE;
    auto_ptr(runbook_report) last = desk_run(&d);

    desk_is(last, RUNBOOK_REPAIRED);
    assert_string_equal(last->journal, first->journal);
    desk_done(&d);
}

/* Nothing of it is firn's but the retry, which was made before the person had done anything. */
static void
all_of_it_may_be_a_persons(void **state)
{
    static const char *const lines[] = { "always | " PERSON, "after:1 | operation.retry",
        NULL };

    (void)state;
    for (int alone = 0; alone < 2; alone++)
        for_each_order(o) {
            struct desk d;

            desk_make(&d, lines);
            d.order = *o;
            d.alone = alone == 1;
            target_mem_set_number(d.t, KEY, "Set", 1);
            auto_ptr(runbook_report) first = desk_run(&d);

            desk_is(first, RUNBOOK_BLOCKED);
            assert_false(first->retried);
            assert_string_equal(first->waits, "1");
            says(first->blocked, "step 1 is yours: Empty the folder.");
            says(first->blocked, "--done=1");
            desk_work(&d);
            d.done = "1";
            auto_ptr(runbook_report) last = desk_run(&d);

            desk_is(last, alone == 1 ? RUNBOOK_BLOCKED : RUNBOOK_MASKED);
            assert_int_equal(last->retried, alone == 0);
            assert_null(last->waits);
            says(alone == 1 ? last->blocked : last->note, alone == 1
                    ? "start the operation again" : "no look can tell");
            d.never = true;
            auto_ptr(runbook_report) never = desk_run(&d);

            desk_is(never, alone == 1 ? RUNBOOK_BLOCKED : RUNBOOK_ESCALATED);
            desk_done(&d);
        }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_looks_is_told),
        cmocka_unit_test(what_was_killed_does_not_wait),
        cmocka_unit_test(it_waits_for_consent),
        cmocka_unit_test(it_goes_as_far_as_it_may),
        cmocka_unit_test(what_holds_no_more_is_not_undone_either),
        cmocka_unit_test(before_the_persons_turn_nothing_stays),
        cmocka_unit_test(a_disk_waits_for_consent),
        cmocka_unit_test(all_of_it_may_be_a_persons),
    };

    return cmocka_run_group_tests(tests, journals_set_up, journals_tear_down);
}
