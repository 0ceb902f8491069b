/* SPDX-License-Identifier: Apache-2.0 */
/* plan_text.h -- a plan as text, to compare: one line for each step, "1 [always] kind ...".
 *
 * Steps for a person start with "- "; with ${runs_only} they are left out, and so are the
 * numbers, which then would have holes. */
#ifndef PLAN_TEXT_H
#define PLAN_TEXT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compile.h"
#include "text.h"

#define PLAN_HEAD "<properties\n  pageTitle=\"backup\"\n/>\n\n# T\n\n## **Steps**\n\n"

static inline char *
plan_text(const struct plan *p, bool runs_only)
{
    struct text t = { 0 };

    text_str(&t, "");
    for (size_t i = 0; i < p->nsteps; i++) {
        const struct plan_step *s = &p->steps[i];
        auto_free char *condition = plan_condition(s);
        auto_free char *action = action_text(&s->action);

        assert_non_null(condition);
        assert_non_null(action);
        if (runs_only && !plan_step_runs(s))
            continue;
        if (runs_only)
            text_fmt(&t, "[%s] %s\n", condition, action);
        else
            text_fmt(&t, "%s%s [%s] %s\n", plan_step_runs(s) ? "" : "- ", s->id, condition,
                action);
    }
    assert_false(t.no_memory);
    return t.s;
}

static inline struct plan *
plan_of(const void *bytes, size_t len)
{
    struct article *a = NULL;
    struct plan *p = NULL;

    assert_int_equal(article_parse(bytes, len, &a), ARTICLE_OK);
    assert_ok(compile_article(a, NULL, &p));
    article_free(a);
    return p;
}

/* The steps of ${body} below a plain header about backups. */
static inline struct plan *
plan_of_body(const char *body)
{
    struct text t = { 0 };
    struct plan *p;

    text_str(&t, PLAN_HEAD);
    text_str(&t, body);
    assert_false(t.no_memory);
    p = plan_of(t.s, t.len);
    text_done(&t);
    return p;
}

static inline bool
plan_has(const struct plan *p, const char *id)
{
    for (size_t i = 0; i < p->nambiguities; i++)
        if (strcmp(p->ambiguities[i].id, id) == 0)
            return true;
    return false;
}

#endif
