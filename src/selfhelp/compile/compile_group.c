/* SPDX-License-Identifier: Apache-2.0 */
/* What belongs together: the labelled parts and numbered items of an article, the conditions
 * that hold in them, and the finds that wait for what their sentence announced. */
#include <stdio.h>
#include <string.h>

#include "compile_internal.h"
#include "utf8.h"

/* ---- sentences that wait ---- */

static void
held_done(struct held *h)
{
    struct finds l = { .n = 1 };

    l.find[0] = h->find;
    finds_done(&l);
    free(h->text);
    cond_done(&h->cond);
    *h = (struct held){ 0 };
}

void
flow_release(struct compiler *c, bool came)
{
    for (size_t i = 0; i < c->nheld; i++) {
        struct held *h = &c->held[i];
        bool later = action_is(&h->find.action, "operation.retry") ||
            action_is(&h->find.action, "machine.restart");

        if (!came || later)
            flow_emit(c, &h->find, h->span, h->text, &h->cond);
        held_done(h);
    }
    c->nheld = 0;
    c->in_commands = false;
}

void
flow_hold(struct compiler *c, struct find *f, struct article_span span, const char *text,
    const struct cond *cond)
{
    struct held *h;

    if (c->nheld == SENTENCE_FINDS_MAX)
        return;
    h = &c->held[c->nheld++];
    *h = (struct held){ .find = *f, .span = span, .text = strdup(text) };
    *f = (struct find){ 0 };
    c->no_memory = c->no_memory || h->text == NULL || !cond_copy(&h->cond, cond);
}

/* ---- groups ---- */

void
flow_cond(struct compiler *c, struct cond *cond, enum scope scope)
{
    cond_done(&c->cond);
    c->cond = *cond;
    *cond = (struct cond){ 0 };
    c->scope = scope;
    c->cond_sentence = c->sentence;
    c->cond_block = c->block;
    c->cond_leads = false;
}

void
flow_heading(struct compiler *c)
{
    struct cond again;

    c->no_memory = c->no_memory || !cond_copy(&again, &c->heading);
    flow_cond(c, &again, c->heading.when == PLAN_IF ? SCOPE_HEADING : SCOPE_GROUP);
}

void
flow_head(struct compiler *c, struct cond *cond)
{
    while (c->nheads > 0 && c->around.now <= c->heads[c->nheads - 1].level) {
        cond_done(&c->heading);
        c->heading = c->heads[--c->nheads].cond;
        c->heads[c->nheads].cond = (struct cond){ 0 };
    }
    if (cond->when == PLAN_IF) {
        cond_join(c, cond, &c->heading);
        if (c->nheads < HEADS_MAX) {
            c->heads[c->nheads].cond = c->heading;
            c->heads[c->nheads++].level = c->around.now;
        } else {
            cond_done(&c->heading);
        }
        c->heading = *cond;
        *cond = (struct cond){ 0 };
    }
    if (c->cond.when == PLAN_ALWAYS || c->cond.when == PLAN_IF)
        flow_heading(c);
}

void
flow_stay(struct compiler *c, struct cond *cond)
{
    bool again = c->cond.platform && cond->platform;

    if (c->cond.when == PLAN_IF && !c->cond.stays && !again &&
        (cond->platform || c->cond_block != c->block)) {
        cond_done(&c->outer.cond);
        c->no_memory = c->no_memory || !cond_copy(&c->outer.cond, &c->cond);
        c->outer.scope = c->scope;
        c->outer.block = c->cond_block;
    }
    if (cond->platform && c->outer.cond.when == PLAN_IF)
        cond_join(c, cond, &c->outer.cond);
    flow_cond(c, cond, SCOPE_NESTED);
}

static void
forget(struct compiler *c)
{
    free(take(c->pending_data));
    free(take(c->pending_key));
}

static void
forward(struct compiler *c, long label)
{
    struct cond cond = { .when = PLAN_UNSOLVED };

    if (label < c->forward_from || label > c->forward_to || c->plan->nsteps == 0)
        return;
    if (c->forward_of == 0)
        c->forward_of = unsolved_after(c, 1, c->plan->nsteps);
    cond.of = c->forward_of;
    flow_cond(c, &cond, SCOPE_GROUP);
    c->cond_leads = true; /* it was said, only elsewhere */
}

static void
open_group(struct compiler *c, long label)
{
    if (c->ngroups == GROUPS_MAX)
        return;
    c->group[c->ngroups].label = label;
    c->group[c->ngroups++].first = c->plan->nsteps + 1;
}

static void
end_group(struct compiler *c)
{
    flow_release(c, c->in_commands);
    if (c->has_last) {
        flow_emit(c, &c->last.find, c->last.span, c->last.text, &c->last.cond);
        held_done(&c->last);
        c->has_last = false;
    }
}

void
flow_group(struct compiler *c, long label, bool option)
{
    struct cond cond = { 0 };
    size_t before = c->ngroups > 0 ? c->group[c->ngroups - 1].first : 0;

    if (c->has_last && label > 1) { /* "complete all steps and retry": not yet */
        flow_release(c, c->in_commands);
    } else {
        end_group(c);
    }
    forget(c);
    if (option && label > 1 && before > 0 && before <= c->plan->nsteps)
        cond = (struct cond){ .when = PLAN_ALTERNATIVE, .of = before };
    cond_done(&c->outer.cond);
    if (cond.when == PLAN_ALWAYS)
        flow_heading(c);
    else
        flow_cond(c, &cond, SCOPE_GROUP);
    c->cond_leads = true;
    if (label > 0) {
        open_group(c, label);
        forward(c, label);
    }
}

void
flow_number(struct compiler *c, long number)
{
    if (number > 1 && c->ended.text[0] != '\0') /* "2.", behind what came between */
        around_markup(c, c->ended.text, strlen(c->ended.text));
    c->ended.text[0] = '\0';
    open_group(c, NUMBERED + number);
    forward(c, number);
}

/* Does block ${b} end what holds for what is nested? */
static bool
cond_ends(const struct compiler *c, const struct article_block *b)
{
    const struct article_block *at = c->cond_block;
    bool prose = b->kind == ARTICLE_PARAGRAPH && !block_is_code(c, b);

    return c->scope == SCOPE_NESTED && at != NULL && b->level <= at->level &&
        (b->kind == ARTICLE_ITEM ||
            (prose && (at->kind != ARTICLE_ITEM || (c->cond.stays && b->level == 0))));
}

void
flow_block(struct compiler *c, const struct article_block *b)
{
    c->block = b;
    around_block(c, b);
    if (b->kind == ARTICLE_HEADING ||
        (b->kind == ARTICLE_PARAGRAPH && b->level == 0 && !block_is_code(c, b)))
        cond_done(&c->symptom);
    if (b->kind == ARTICLE_HEADING) {
        c->ended.text[0] = '\0';
        c->ended_case = false;
    }
    if (!cond_ends(c, b))
        return;
    if (c->cond.when == PLAN_IF && !c->cond.platform && b->kind == ARTICLE_PARAGRAPH &&
        c->cond_block->kind == ARTICLE_PARAGRAPH) {
        snprintf(c->ended.text, WHY_MAX, "%s", c->cond.text);
        c->ended.text[utf8_whole(c->ended.text, strlen(c->ended.text))] = '\0';
        c->ended_case = true;
    }
    c->around.cond_unit = c->around.nunit - 1; /* "Then ..." may be meant under it */
    if ((c->cond.stays || c->cond.platform) && c->outer.cond.when == PLAN_IF) {
        flow_cond(c, &c->outer.cond, c->outer.scope);
        c->cond_block = c->outer.block;
        if (!cond_ends(c, b))
            return;
    }
    cond_done(&c->outer.cond);
    flow_heading(c);
}

void
flow_end(struct compiler *c)
{
    end_group(c);
    forget(c);
    walk_done(c);
    cond_done(&c->cond);
    cond_done(&c->outer.cond);
    cond_done(&c->heading);
    while (c->nheads > 0)
        cond_done(&c->heads[--c->nheads].cond);
    cond_done(&c->title);
    cond_done(&c->symptom);
}
