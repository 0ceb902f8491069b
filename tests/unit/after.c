/* SPDX-License-Identifier: Apache-2.0 */
/* A procedure whose second step was a person's was done without it: the service was stopped
 * and started again, and the files between were never deleted.  What follows a person's step
 * waits until a person says that it is done. */
#include "check.h"

#include <string.h>

#include "compile.h"
#include "lint.h"
#include "plan_text.h"

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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_condition_reads_as_it_is_written),
        cmocka_unit_test(it_waits_for_a_person_before_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
