/* SPDX-License-Identifier: Apache-2.0 */
/* A procedure whose second step was a person's was done without it: the service was stopped
 * and started again, and the files between were never deleted.  What follows a person's step
 * waits until a person says that it is done. */
#include "check.h"

#include <string.h>

#include "compile.h"
#include "desk.h"
#include "lint.h"
#include "plan_text.h"
#include "target_mem.h"

/* ---- the plan ---- */

static void
the_condition_reads_as_it_is_written(void **state)
{
    static const char *const bad[] = { "after", "after:", "after:0", "after:x", "after:-1",
        "after:1,2", "after:1234567890123456" };
    struct plan_step s = { 0 };

    (void)state;
    assert_true(plan_condition_parse("after:12", &s));
    assert_int_equal(s.when, PLAN_AFTER);
    assert_string_equal(s.of, "12");
    auto_free char *again = plan_condition(&s);

    assert_string_equal(again, "after:12");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(plan_condition_parse(bad[i], &s));
}

#define STEP(n, condition, action) \
    n ". Words.\n\n```action" condition "\n" action "\n```\n"
#define STOP STEP("1", "", "windows.service.state service=Spooler want=stopped")
#define HANDS "person.do text=\"Empty it.\""
#define START "windows.service.state service=Spooler want=running"

static bool
is_found(const char *body)
{
    struct text t = { 0 };
    struct article *a = NULL;
    struct plan *p = NULL;
    struct lint *l = calloc(1, sizeof(*l));
    bool found = false;

    assert_non_null(l);
    text_str(&t, "<properties\n  errorNumber=\"1\"\n/>\n\n# T\n\n## Steps\n\n");
    text_str(&t, body);
    assert_false(t.no_memory);
    assert_int_equal(article_parse(t.s, t.len, &a), ARTICLE_OK);
    assert_ok(compile_article(a, NULL, &p));
    assert_ok(lint_article(a, p, NULL, NULL, l));
    for (size_t i = 0; i < l->n; i++)
        found = found || strcmp(l->finding[i].id, "after-nobody") == 0;
    lint_done(l);
    free(l);
    plan_free(p);
    article_free(a);
    text_done(&t);
    return found;
}

static void
it_waits_for_a_person_before_it(void **state)
{
    (void)state;
    assert_false(is_found(STOP STEP("2", "", HANDS) STEP("3", " after:2", START)));
    assert_false(is_found(STOP STEP("2", "", HANDS) STEP("3", " after:2", HANDS)
            STEP("4", " after:3", START)));
    assert_true(is_found(STOP STEP("2", "", HANDS) STEP("3", " after:1", START)));
    assert_true(is_found(STOP STEP("2", " after:3", HANDS) STEP("3", "", HANDS)));
    assert_true(is_found("1. Words.\n\n```probe after:1\nwindows.service.is service=Spooler\n"
                         "```\n" STEP("2", "", HANDS)));
}

static const char *const prose[] = { "always | " STOPS, "always | " PERSON, "after:2 | " STARTS,
    NULL };

static const enum runbook_order orders[] = { RUNBOOK_SAFE, RUNBOOK_ARTICLE };
#define for_each_order(o) for (const enum runbook_order *o = orders; o < orders + 2; o++)

static void
row_is(const struct runbook_report *r, const char *id, const char *result)
{
    const char *is = NULL;

    for (size_t i = 0; i < r->nrows; i++)
        if (strcmp(r->rows[i].id, id) == 0)
            is = r->rows[i].result;
    if (is == NULL || strstr(is, result) == NULL)
        print_error("step %s: %s\n", id, is == NULL ? "" : is);
    assert_true(is != NULL && strstr(is, result) != NULL);
}

/* ---- it waits, and goes on ---- */

static void
it_waits_and_goes_on(void **state)
{
    (void)state;
    for_each_order(o) {
        struct desk d;

        desk_make(&d, desk_usual);
        d.order = *o;
        auto_ptr(runbook_report) first = desk_run(&d);
        auto_ptr(runbook_report) second = desk_run(&d);
        auto_ptr(runbook_report) last = NULL;

        desk_is(first, RUNBOOK_BLOCKED);
        assert_string_equal(first->waits, "2");
        assert_string_equal(first->blocked, "step 2 is yours: Empty the folder. When that is "
            "done, go on with: firn doctor model " CODE " --apply --done=2");
        assert_false(first->undone);
        assert_true(desk_stopped(&d));
        assert_int_equal(desk_number(&d, "Set"), 0);
        row_is(first, "1", "done");
        row_is(first, "2", "for a person");
        row_is(first, "3", "waits for a person");
        row_is(first, "4", "waits for a person");

        desk_is(second, RUNBOOK_BLOCKED); /* nothing is done twice, or taken back */
        assert_string_equal(second->journal, first->journal);
        assert_null(second->finished[0]);
        row_is(second, "1", "not needed");
        assert_true(desk_stopped(&d));

        desk_work(&d);
        d.done = "2";
        last = desk_run(&d);
        desk_is(last, RUNBOOK_REPAIRED);
        assert_string_equal(last->journal, first->journal);
        assert_null(last->waits);
        row_is(last, "2", "as a person says");
        assert_true(desk_runs(&d));
        desk_done(&d);
    }
}

static void
one_id_takes_all_of_it_back(void **state)
{
    (void)state;
    for (int part = 0; part < 2; part++) {
        struct desk d;
        size_t kept;

        desk_make(&d, desk_usual);
        desk_work(&d);
        auto_free char *before = target_mem_dump(d.t), *after = NULL;
        auto_ptr(runbook_report) r = desk_run(&d);

        assert_true(desk_stopped(&d));
        if (part == 1) {
            d.done = "2";
            runbook_report_free(r);
            r = desk_run(&d);
            desk_is(r, RUNBOOK_REPAIRED);
        }
        assert_ok(runbook_undo(d.t, journals, r->journal, NULL, NULL, &kept));
        after = target_mem_dump(d.t);
        assert_string_equal(before, after);
        desk_done(&d);
    }
}

/* Where it did not help, also what was done before the person's turn is taken back. */
static void
what_did_not_help_is_undone_whole(void **state)
{
    struct desk d;

    (void)state;
    desk_make(&d, desk_usual);
    desk_work(&d);
    d.never = true;
    auto_free char *before = target_mem_dump(d.t);
    auto_ptr(runbook_report) first = desk_run(&d);
    auto_ptr(runbook_report) last = NULL;

    desk_is(first, RUNBOOK_BLOCKED);
    d.done = "2";
    last = desk_run(&d);
    desk_is(last, RUNBOOK_ESCALATED);
    assert_true(last->undone);
    auto_free char *after = target_mem_dump(d.t);

    assert_string_equal(before, after);
    desk_done(&d);
}

static void
a_person_is_asked(void **state)
{
    (void)state;
    for_each_order(o) {
        struct desk d;

        desk_make(&d, desk_usual);
        d.order = *o;
        d.answers = "n";
        auto_ptr(runbook_report) no = desk_run(&d);
        auto_ptr(runbook_report) yes = NULL;

        desk_is(no, RUNBOOK_BLOCKED);
        assert_string_equal(d.asked, "step 2 is yours: Empty the folder.");
        assert_true(desk_stopped(&d));
        d.answers = "y";
        yes = desk_run(&d);
        desk_is(yes, RUNBOOK_REPAIRED);
        assert_int_equal(d.questions, 2); /* once in each run, although two steps wait */
        assert_true(desk_runs(&d));
        desk_done(&d);
    }
}

/* Nothing was changed before the person's turn, so there is no journal, and none is needed:
 * the word of the person is enough to go on, also where the cause is gone by then. */
static void
the_person_may_be_first(void **state)
{
    static const char *const lines[] = { "probe | windows.registry.is key=" KEY
        " name=Emptied data=1", "always | " PERSON, "after:1 | " SET("Set"), NULL };
    struct desk d;

    (void)state;
    desk_make(&d, lines);
    auto_ptr(runbook_report) first = desk_run(&d);
    auto_ptr(runbook_report) last = NULL;

    desk_is(first, RUNBOOK_BLOCKED);
    assert_null(first->journal);
    desk_work(&d);
    d.done = "1";
    last = desk_run(&d);
    desk_is(last, RUNBOOK_REPAIRED);
    assert_int_equal(desk_number(&d, "Set"), 1);
    desk_done(&d);
}

/* Who empties the folder may start the service, too: it is not stopped again for what is done,
 * and the other one, which was stopped with it, starts. */
static void
what_has_served_is_not_done_again(void **state)
{
    (void)state;
    for_each_order(o) {
        struct desk d;

        desk_make(&d, desk_usual);
        d.order = *o;
        auto_ptr(runbook_report) first = desk_run(&d);
        auto_ptr(runbook_report) last = NULL;

        desk_is(first, RUNBOOK_BLOCKED);
        desk_work(&d);
        assert_ok(target_service_control(d.t, "Spooler", true, deadline_in_ms(1000)));
        d.done = "2";
        last = desk_run(&d);
        desk_is(last, RUNBOOK_REPAIRED);
        row_is(last, "1", "not needed: it was done before");
        row_is(last, "4", "not needed");
        assert_true(desk_runs(&d));
        desk_done(&d);
    }
}

/* Before the person's turn it is: the files are in use otherwise. */
static void
what_does_not_hold_is_done_again(void **state)
{
    struct desk d;

    (void)state;
    desk_make(&d, desk_usual);
    auto_ptr(runbook_report) first = desk_run(&d);
    auto_ptr(runbook_report) second = NULL;

    desk_is(first, RUNBOOK_BLOCKED);
    assert_ok(target_service_control(d.t, "Spooler", true, deadline_in_ms(1000)));
    second = desk_run(&d);
    desk_is(second, RUNBOOK_BLOCKED);
    assert_true(desk_stopped(&d));
    desk_done(&d);
}

/* An article of prose has no look of its own, and the one that is made of its first step is a
 * state that it leaves again. */
static void
prose_is_a_procedure_too(void **state)
{
    (void)state;
    for_each_order(o) {
        struct desk d;

        desk_make(&d, prose);
        d.order = *o;
        d.alone = true;
        auto_ptr(runbook_report) first = desk_run(&d);
        auto_ptr(runbook_report) last = NULL;

        desk_is(first, RUNBOOK_BLOCKED);
        assert_true(desk_stopped(&d));
        d.done = "2";
        last = desk_run(&d);
        desk_is(last, RUNBOOK_REPAIRED);
        assert_true(desk_runs(&d));
        auto_ptr(runbook_report) again = desk_run(&d); /* nothing waits: from the beginning */

        assert_true(desk_runs(&d));
        assert_null(again->waits);
        desk_done(&d);
    }
}

/* From the words of an article to its end. */
static void
from_words_to_the_end(void **state)
{
    (void)state;
    for_each_order(o) {
        struct desk d;

        desk_make(&d, prose);
        plan_free(d.plan);
        d.plan = plan_of_body("1. Run `net stop spooler`.\n2. Delete all files in C:\\Spool.\n"
                              "3. Run `net start spooler`.\n");
        d.order = *o;
        d.alone = true;
        auto_ptr(runbook_report) first = desk_run(&d);

        desk_is(first, RUNBOOK_BLOCKED);
        assert_non_null(strstr(first->blocked, "yours: Delete all files in C:\\Spool."));
        assert_true(desk_stopped(&d));
        d.done = "2";
        auto_ptr(runbook_report) last = desk_run(&d);

        desk_is(last, RUNBOOK_REPAIRED);
        assert_true(desk_runs(&d));
        desk_done(&d);
    }
}

/* Steps that had no turn say nothing of how the machine looks in the end. */
static void
what_was_not_due_is_no_end(void **state)
{
    static const char *const lines[] = { "always | " SET("Set"), "failed:1 | " PERSON,
        "after:2 | windows.registry.set key=" KEY " name=Set type=dword data=2", NULL };

    (void)state;
    for_each_order(o) {
        struct desk d;

        desk_make(&d, lines);
        d.order = *o;
        d.alone = true;
        auto_ptr(runbook_report) r = desk_run(&d);

        desk_is(r, RUNBOOK_REPAIRED);
        assert_int_equal(desk_number(&d, "Set"), 1);
        desk_done(&d);
    }
}

/* What a person must do behind all that firn did is said, as nothing waits for it. */
static void
a_last_step_of_a_persons_is_told(void **state)
{
    static const char *const lines[] = { "always | " SET("Set"), "always | " PERSON, NULL };

    (void)state;
    for_each_order(o) {
        struct desk d;

        desk_make(&d, lines);
        d.order = *o;
        d.alone = true;
        auto_ptr(runbook_report) r = desk_run(&d);

        desk_is(r, RUNBOOK_REPAIRED);
        assert_non_null(strstr(r->note, "not done: step 2 is yours: Empty the folder."));
        desk_done(&d);
    }
}

/* An article that was written anew is another procedure: whoever goes on is told so. */
static void
an_article_with_other_steps_is_not_gone_on_with(void **state)
{
    static const char *const lines[] = { PROBE, "always | " STOPS, "always | " SET("Set"),
        "after:2 | " STARTS, NULL };
    struct desk d;

    (void)state;
    desk_make(&d, desk_usual);
    auto_ptr(runbook_report) first = desk_run(&d);

    desk_is(first, RUNBOOK_BLOCKED);
    plan_free(d.plan);
    d.plan = desk_plan(lines);
    auto_ptr(runbook_report) r = desk_run(&d);

    desk_is(r, RUNBOOK_BLOCKED);
    assert_non_null(strstr(r->blocked, "the article has other steps now"));
    assert_non_null(strstr(r->blocked, "--undo"));
    assert_true(desk_stopped(&d));
    desk_done(&d);
}

/* Who consents to a step sees what its article leaves open. */
static void
what_is_unclear_is_said(void **state)
{
    struct desk d;

    (void)state;
    desk_make(&d, prose);
    plan_free(d.plan);
    d.plan = plan_of_body("- Re-register Windows Installer: `msiexec /unregister`, then "
                          "`msiexec /register`.\n- Run `net stop spooler`.\n");
    d.alone = true;
    auto_ptr(runbook_report) r = desk_run(&d);

    assert_int_equal(r->nrows, 2);
    assert_string_equal(r->rows[0].kind, "windows.installer.register");
    assert_non_null(strstr(r->rows[0].unclear, "/regserver"));
    assert_null(r->rows[1].unclear);
    desk_done(&d);
}

/* A look that holds before the person has done anything rules nothing out. */
static void
a_look_at_firns_part_proves_nothing(void **state)
{
    static const char *const lines[] = { "always | " SET("Set"), "always | " PERSON,
        "after:2 | " STARTS, NULL };
    struct desk d;

    (void)state;
    desk_make(&d, lines);
    d.alone = true;
    target_mem_set_number(d.t, KEY, "Set", 1);
    auto_ptr(runbook_report) r = desk_run(&d);

    desk_is(r, RUNBOOK_BLOCKED);
    assert_int_equal(r->nruled_out, 0);
    assert_non_null(strstr(r->not_looked_at[0].observed, "for a person"));
    desk_done(&d);
}

/* ---- what hangs on it ---- */

static void
what_hangs_on_it_waits(void **state)
{
    static const char *const hangs[] = { "failed:3", "unsolved:3", "instead:3", "always" };

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        auto_free char *hanging = NULL;
        struct desk d;

        assert_true(asprintf(&hanging, "%s | " SET("Set"), hangs[i]) > 0);
        const char *lines[] = { PROBE, "always | " STOPS, "always | " PERSON,
            "after:2 | " STARTS, hanging, NULL };

        desk_make(&d, lines);
        d.order = i % 2 == 0 ? RUNBOOK_ARTICLE : RUNBOOK_SAFE;
        auto_ptr(runbook_report) r = desk_run(&d);

        desk_is(r, RUNBOOK_BLOCKED);
        row_is(r, "4", "waits");
        assert_int_equal(desk_number(&d, "Set"), 0);
        desk_done(&d);
    }
}

static void
a_chain_of_a_persons_steps(void **state)
{
    static const char *const lines[] = { PROBE, "always | " STOPS, "always | " PERSON,
        "after:2 | " PERSON, "after:3 | " SET("Set"), "after:3 | " STARTS, NULL };
    struct desk d;

    (void)state;
    desk_make(&d, lines);
    d.done = "3";
    auto_ptr(runbook_report) first = desk_run(&d);
    auto_ptr(runbook_report) second = NULL;
    auto_ptr(runbook_report) last = NULL;

    desk_is(first, RUNBOOK_BLOCKED); /* 3 has its turn when 2 is done */
    assert_string_equal(first->waits, "2");
    assert_non_null(strstr(first->blocked, "--done=3,2"));
    desk_done(&d);

    desk_make(&d, lines);
    d.done = "2";
    second = desk_run(&d);
    desk_is(second, RUNBOOK_BLOCKED);
    assert_string_equal(second->waits, "3");
    assert_non_null(strstr(second->blocked, "--done=2,3"));
    desk_work(&d);
    d.done = "3"; /* that 2 is done was said before */
    last = desk_run(&d);
    desk_is(last, RUNBOOK_REPAIRED);
    desk_done(&d);

    desk_make(&d, lines);
    d.answers = "yy";
    auto_ptr(runbook_report) asked = desk_run(&d);

    desk_is(asked, RUNBOOK_REPAIRED);
    assert_int_equal(d.questions, 2);
    desk_done(&d);
}

/* A person's step that is only for a failure is not asked for when there was none, nor is what
 * stands behind it waited with. */
/* A person's step may hang on another one by any condition: what is after it waits with it, and
 * nothing behind it is done meanwhile. */
static void
a_chain_by_other_conditions(void **state)
{
    static const char *const lines[] = { PROBE, "always | " PERSON, "after:1 | " PERSON,
        "unsolved:2 | " PERSON, "after:3 | " SET("Set"), "always | " SET("Other"), NULL };
    struct desk d;

    (void)state;
    desk_make(&d, lines);
    d.order = RUNBOOK_ARTICLE;
    auto_ptr(runbook_report) first = desk_run(&d);

    desk_is(first, RUNBOOK_BLOCKED);
    assert_string_equal(first->waits, "1");
    assert_int_equal(desk_number(&d, "Other"), 0);
    desk_done(&d);
}

/* A retry that waits was made at once, since no machine "can" it. */
static void
a_retry_waits_like_any_step(void **state)
{
    static const char *const lines[] = { PROBE, "always | " SET("First"), "always | " PERSON,
        "after:2 | operation.retry", "unsolved:3 | " SET("Set"), NULL };

    (void)state;
    for_each_order(o) {
        struct desk d;

        desk_make(&d, lines);
        d.order = *o;
        auto_ptr(runbook_report) first = desk_run(&d);

        desk_is(first, RUNBOOK_BLOCKED);
        assert_false(first->retried);
        assert_string_equal(first->waits, "2");
        assert_int_equal(desk_number(&d, "First"), 1);
        assert_int_equal(desk_number(&d, "Set"), 0);
        desk_work(&d);
        d.done = "2";
        auto_ptr(runbook_report) last = desk_run(&d);

        desk_is(last, RUNBOOK_REPAIRED); /* by the step behind the retry, which failed */
        assert_int_equal(desk_number(&d, "Set"), 1);
        desk_done(&d);
    }
}

static void
a_turn_that_does_not_come(void **state)
{
    static const char *const lines[] = { PROBE, "always | " STOPS, "failed:1 | " PERSON,
        "after:2 | " SET("Other"), "if:it rains | " PERSON, "after:4 | " SET("Rain"),
        "always | " SET("Set"), "always | " STARTS, NULL };

    (void)state;
    for (int fails = 0; fails < 2; fails++) {
        struct desk d;

        desk_make(&d, lines);
        desk_work(&d);
        if (fails == 1)
            target_mem_no_stop(d.t, "Spooler", 1052);
        auto_ptr(runbook_report) r = desk_run(&d);
        auto_ptr(runbook_report) last = NULL;

        desk_is(r, fails == 1 ? RUNBOOK_BLOCKED : RUNBOOK_REPAIRED);
        if (fails == 1) {
            assert_non_null(strstr(r->blocked, "step 1 failed; step 2 is yours"));
            d.done = "2,4"; /* a person judges whether it rains */
            last = desk_run(&d);
            desk_is(last, RUNBOOK_REPAIRED);
        }
        assert_int_equal(desk_number(&d, "Other"), fails);
        assert_int_equal(desk_number(&d, "Rain"), fails);
        desk_done(&d);
    }
}

/* What is not allowed comes first: nobody is sent to a folder that is still in use. */
static void
consent_comes_first(void **state)
{
    struct desk d;

    (void)state;
    desk_make(&d, desk_usual);
    d.consent = 1U << RISK_CONFIG;
    auto_ptr(runbook_report) r = desk_run(&d);

    desk_is(r, RUNBOOK_BLOCKED);
    assert_null(r->waits);
    assert_non_null(strstr(r->blocked, "--yes=service"));
    row_is(r, "3", "waits");
    assert_true(desk_runs(&d));
    desk_done(&d);
}

/* Steps that the cure does not need any more, but the machine does. */
static void
who_has_begun_ends_it(void **state)
{
    static const char *const lines[] = { "probe | windows.registry.is key=" KEY
        " name=Emptied data=1", "always | " STOPS, "always | " PERSON, "after:2 | " SET("Set"),
        "after:2 | " STARTS, "always | " SET("NotNeeded"), NULL };

    (void)state;
    for_each_order(o) {
        struct desk d;

        desk_make(&d, lines);
        d.order = *o;
        d.alone = true; /* the look alone proves, and it turns by the person's work */
        auto_ptr(runbook_report) first = desk_run(&d);
        auto_ptr(runbook_report) last = NULL;

        desk_is(first, RUNBOOK_BLOCKED);
        desk_work(&d);
        d.done = "2";
        last = desk_run(&d);
        desk_is(last, RUNBOOK_REPAIRED);
        assert_int_equal(desk_number(&d, "Set"), 1);
        assert_true(desk_runs(&d));
        desk_done(&d);
    }
}

/* ---- other runs meanwhile ---- */

static void
nothing_else_is_done_meanwhile(void **state)
{
    static const char *const other[] = { PROBE, "always | " SET("Set"), NULL };
    static const char *const changed[] = { PROBE, "always | " STOPS, "always | " SET("New"),
        "always | " PERSON, "after:3 | " STARTS, NULL };
    static const char *const *const plans[] = { other, changed };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct desk d;
        size_t kept;

        desk_make(&d, desk_usual);
        auto_ptr(runbook_report) first = desk_run(&d);
        struct plan *mine = d.plan;

        d.plan = desk_plan(plans[i]);
        auto_ptr(runbook_report) meanwhile = desk_run(&d);
        auto_ptr(runbook_report) after = NULL;

        desk_is(meanwhile, RUNBOOK_BLOCKED);
        assert_non_null(strstr(meanwhile->blocked, "step 2 is yours"));
        assert_non_null(strstr(meanwhile->blocked, "--undo "));
        assert_null(meanwhile->finished[0]);
        assert_true(desk_stopped(&d));
        assert_int_equal(desk_number(&d, "Set") + desk_number(&d, "New"), 0);
        assert_ok(runbook_undo(d.t, journals, first->journal, NULL, NULL, &kept));
        after = desk_run(&d);
        assert_true(after->cause != NULL);
        plan_free(mine);
        desk_done(&d);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_condition_reads_as_it_is_written),
        cmocka_unit_test(it_waits_for_a_person_before_it),
        cmocka_unit_test(it_waits_and_goes_on),
        cmocka_unit_test(one_id_takes_all_of_it_back),
        cmocka_unit_test(what_did_not_help_is_undone_whole),
        cmocka_unit_test(a_person_is_asked),
        cmocka_unit_test(the_person_may_be_first),
        cmocka_unit_test(what_has_served_is_not_done_again),
        cmocka_unit_test(what_does_not_hold_is_done_again),
        cmocka_unit_test(prose_is_a_procedure_too),
        cmocka_unit_test(from_words_to_the_end),
        cmocka_unit_test(what_was_not_due_is_no_end),
        cmocka_unit_test(a_last_step_of_a_persons_is_told),
        cmocka_unit_test(an_article_with_other_steps_is_not_gone_on_with),
        cmocka_unit_test(what_is_unclear_is_said),
        cmocka_unit_test(a_look_at_firns_part_proves_nothing),
        cmocka_unit_test(what_hangs_on_it_waits),
        cmocka_unit_test(a_chain_of_a_persons_steps),
        cmocka_unit_test(a_chain_by_other_conditions),
        cmocka_unit_test(a_retry_waits_like_any_step),
        cmocka_unit_test(a_turn_that_does_not_come),
        cmocka_unit_test(consent_comes_first),
        cmocka_unit_test(who_has_begun_ends_it),
        cmocka_unit_test(nothing_else_is_done_meanwhile),
    };

    return cmocka_run_group_tests(tests, journals_set_up, journals_tear_down);
}
