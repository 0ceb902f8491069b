/* SPDX-License-Identifier: Apache-2.0 */
/* Articles of ours: one fence, one action.  The step's text for people is the item or
 * paragraph above the fence. */
#include <string.h>

#include "compile_internal.h"

/* The words above the fence, as one line. */
static char *
words_above(struct compiler *c, const struct article_block *above)
{
    struct flat f;
    char *s = NULL;

    if (above == NULL)
        return strdup("");
    flat_init(&f, c->a, above->inner, false);
    if (!f.no_memory)
        s = strdup(f.s);
    flat_done(&f);
    for (char *p = s; p != NULL && *p != '\0'; p++)
        if (*p == FLAT_SOFT || *p == FLAT_HARD)
            *p = ' ';
    return s;
}

static void
invalid(struct compiler *c, const struct article_block *b, const char *why)
{
    compiler_note(c, "action-invalid", NULL, b->span, why);
}

/* The condition behind the fence's first word. */
static bool
condition(const char *info, struct plan_step *s)
{
    info += strcspn(info, " \t");
    info += strspn(info, " \t");
    return *info == '\0' || plan_condition_parse(info, s);
}

static void
fence(struct compiler *c, const struct article_block *b, const struct article_block *above)
{
    auto_free char *info = article_text(c->a, b->info);
    auto_free char *line = article_text(c->a, b->inner);
    struct action action = { 0 };
    enum action_fault fault;
    struct plan_step *s;
    bool probe;

    if (info == NULL || line == NULL) {
        c->no_memory = true;
        return;
    }
    for (size_t n = strlen(line); n > 0 && strchr(" \t\n", line[n - 1]) != NULL; n--)
        line[n - 1] = '\0';
    fault = strchr(line, '\n') != NULL ? ACTION_SYNTAX : action_parse(line, &action, NULL);
    if (fault == ACTION_NO_MEMORY) {
        c->no_memory = true;
        return;
    }
    if (fault != ACTION_OK) {
        invalid(c, b, strchr(line, '\n') != NULL ? "more than one line in a fence"
                                                 : action_fault_text(fault));
        return;
    }
    probe = strncmp(info, "probe", 5) == 0;
    if (probe && action.kind->risk != RISK_READ) {
        action_done(&action);
        invalid(c, b, "a probe must not change anything");
        return;
    }
    s = plan_add(c->plan, probe, &action);
    if (s == NULL) {
        if (c->plan->nsteps < PLAN_STEPS_MAX && c->plan->nprobes < PLAN_STEPS_MAX)
            c->no_memory = true;
        return;
    }
    s->span = b->inner;
    s->confidence = PLAN_STATED;
    s->text = words_above(c, above);
    if (s->text == NULL)
        c->no_memory = true;
    if (!condition(info, s) || (s->when == PLAN_PREMISE && !probe)) {
        invalid(c, b, "the condition of the fence is not of the form failed:2");
        s->when = PLAN_ALWAYS;
    }
}

/* Conditions must name a step that is there. */
static void
check_conditions(struct compiler *c)
{
    for (size_t i = 0; i < c->plan->nsteps; i++) {
        struct plan_step *s = &c->plan->steps[i];

        if (s->of[0] != '\0' &&
            (plan_find(c->plan, s->of) == NULL || strcmp(s->of, s->id) == 0)) {
            compiler_note(c, "action-invalid", s, s->span,
                "the condition names a step that is not there");
            s->when = PLAN_ALWAYS;
            s->of[0] = '\0';
        }
    }
}

void
compile_own(struct compiler *c)
{
    const struct article_block *above = NULL;

    for (size_t i = 0; i < c->a->nblocks && !c->no_memory; i++) {
        const struct article_block *b = &c->a->blocks[i];
        const char *info = (const char *)c->a->bytes + b->info.off;

        if (b->kind == ARTICLE_ITEM || b->kind == ARTICLE_PARAGRAPH)
            above = b;
        else if (b->kind == ARTICLE_HEADING)
            above = NULL;
        if (b->kind != ARTICLE_FENCE)
            continue;
        if ((b->info.len >= 6 && strncmp(info, "action", 6) == 0) ||
            (b->info.len >= 5 && strncmp(info, "probe", 5) == 0))
            fence(c, b, above);
    }
    check_conditions(c);
}
