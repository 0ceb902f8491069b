/* SPDX-License-Identifier: Apache-2.0 */
/* The compiler on any bytes: whatever plan comes of it is whole.  Its actions survive being
 * text, its conditions name steps that are there, its spans lie in the file, nothing that firn
 * would execute holds a sign of a shell or a placeholder in a name, and all that is said of the
 * article can be said in JSON. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "article.h"
#include "compile.h"
#include "lint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_action(const struct action *a)
{
    char *text = action_text(a);
    struct action again;

    assert(text != NULL);
    assert(action_parse(text, &again, NULL) == ACTION_OK);
    assert(action_equal(a, &again));
    action_done(&again);
    free(text);
}

static void
check_names(const struct action *a)
{
    for (int i = 0; i < ACTION_PARAMS_MAX && a->kind->param[i].name != NULL; i++) {
        enum action_type t = a->kind->param[i].type;

        if (a->value[i] == NULL || (t != PARAM_NAME && t != PARAM_KEY))
            continue;
        assert(strpbrk(a->value[i], "<>") == NULL);
    }
}

static void
check_step(const struct article *a, const struct plan *p, const struct plan_step *s)
{
    struct plan_step again = { 0 };
    char *condition = plan_condition(s);

    check_action(&s->action);
    if (plan_step_runs(s) && !p->ours)
        check_names(&s->action);
    assert(condition != NULL);
    assert(plan_condition_parse(condition, &again) || s->when == PLAN_IF);
    assert(s->of[0] == '\0' || plan_find(p, s->of) != NULL);
    assert(s->span.off <= a->len && s->span.len <= a->len - s->span.off);
    assert(s->text != NULL);
    free(again.when_text);
    free(condition);
}

static void
check_text(const char *s)
{
    json_t *text = json_string(s == NULL ? "" : s);

    assert(text != NULL); /* it is UTF-8 */
    json_decref(text);
}

static void
check_json(const struct article *a, const struct plan *p, const struct lint *l)
{
    struct article_codes codes = { 0 };
    json_t *plan = NULL, *ambiguities = NULL, *lint = NULL;
    struct err *e = plan_json(p, &plan, &ambiguities);

    assert(e == NULL);
    e = lint_json(l, &lint);
    assert(e == NULL);
    e = compile_codes(a, "x-crc-fuzz.md", &codes);
    assert(e == NULL);
    for (size_t i = 0; i < codes.n; i++)
        check_text(codes.code[i].code);
    for (size_t i = 0; i < a->nfields; i++) {
        check_text(a->fields[i].name);
        check_text(a->fields[i].value);
    }
    check_text(a->title);
    article_codes_done(&codes);
    json_decref(plan);
    json_decref(ambiguities);
    json_decref(lint);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct lint lint;
    struct article *a = NULL;
    struct plan *p = NULL;
    struct err *e;

    if (article_parse(data, size, &a) != ARTICLE_OK)
        return 0;
    e = compile_article(a, "x-crc-fuzz.md", &p);
    if (e == NULL) {
        for (size_t i = 0; i < p->nsteps; i++)
            check_step(a, p, &p->steps[i]);
        for (size_t i = 0; i < p->nprobes; i++)
            check_action(&p->probes[i].action);
        for (size_t i = 0; i < p->nambiguities; i++)
            assert(p->ambiguities[i].id != NULL && p->ambiguities[i].text != NULL);
        e = lint_article(a, p, NULL, NULL, &lint);
        if (e == NULL) {
            check_json(a, p, &lint);
            lint_done(&lint);
        }
    }
    err_free(e);
    plan_free(p);
    article_free(a);
    return 0;
}
