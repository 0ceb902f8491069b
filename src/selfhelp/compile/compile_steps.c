/* SPDX-License-Identifier: Apache-2.0 */
/* Finds become steps of the plan, equal ones for equal procedures: two halves become one
 * step (stop and start, unregister and register), and what is said twice is done once. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "compile_internal.h"

static struct plan_step *
step(struct compiler *c, size_t number)
{
    return &c->plan->steps[number - 1];
}

void
compiler_note(struct compiler *c, const char *id, struct plan_step *s,
    struct article_span span, const char *text)
{
    struct plan *p = c->plan;

    for (size_t i = 0; text == NULL && plan_ambiguities[i].id != NULL; i++)
        if (strcmp(plan_ambiguities[i].id, id) == 0)
            text = plan_ambiguities[i].about;
    for (size_t i = 0; i < p->nambiguities; i++)
        if (strcmp(p->ambiguities[i].id, id) == 0 &&
            strcmp(p->ambiguities[i].step, s != NULL ? s->id : "") == 0)
            return;
    if (p->nambiguities < PLAN_AMBIGUITIES_MAX &&
        plan_add_ambiguity(p, id, s, span, text) == NULL)
        c->no_memory = true;
}

void
step_leave(struct compiler *c, struct plan_step *s, const char *id, const char *text)
{
    struct finds l = { 0 };
    struct find *f = find_new(&l, 0, 0, "person.do");

    find_person(&l, f, "person.do", s->text, strlen(s->text));
    action_done(&s->action);
    s->action = f->action;
    c->no_memory = c->no_memory || l.no_memory;
    if (id != NULL)
        compiler_note(c, id, s, s->span, text);
}

/* ---- what two steps make together ---- */

static bool
same_condition(const struct plan_step *s, const struct cond *cond)
{
    char of[PLAN_ID_MAX] = "";

    if (s->when != cond->when)
        return false;
    if (cond->of != 0)
        snprintf(of, sizeof(of), "%u", (unsigned)cond->of);
    if (s->when == PLAN_IF)
        return cond->text != NULL && s->when_text != NULL &&
            strcmp(s->when_text, cond->text) == 0;
    return strcmp(s->of, of) == 0;
}

static void
stretch(struct plan_step *s, struct article_span span)
{
    if (span.off >= s->span.off)
        s->span.len = span.off + span.len - s->span.off;
}

/* The last step has become the same as an earlier one under the same condition: one of them
 * is enough. */
static void
drop_twin(struct compiler *c)
{
    struct plan_step *s = step(c, c->plan->nsteps), *twin = NULL;

    for (size_t i = c->plan->nsteps - 1; twin == NULL && i > 0; i--) {
        struct plan_step *t = step(c, i);

        if (s->of[0] == '\0' && action_is(&t->action, "operation.retry"))
            return;
        if (action_equal(&t->action, &s->action) && t->when == s->when &&
            strcmp(t->of, s->of) == 0 && s->when != PLAN_IF)
            twin = t;
    }
    if (twin == NULL)
        return;
    for (size_t i = 1; i < c->plan->nsteps; i++)
        if (strcmp(step(c, i)->of, s->id) == 0)
            memcpy(step(c, i)->of, twin->id, sizeof(twin->id));
    for (size_t i = 0; i < c->plan->nambiguities; i++)
        if (strcmp(c->plan->ambiguities[i].step, s->id) == 0)
            memcpy(c->plan->ambiguities[i].step, twin->id, sizeof(twin->id));
    action_done(&s->action);
    free(s->text);
    free(s->when_text);
    c->plan->nsteps--;
}

/* Stop, then start: restart. */
static bool
join_service(struct compiler *c, const struct find *f, struct article_span span)
{
    static const char *const kinds[] = { "windows.service.state", "linux.unit.state" };
    struct plan_step *s;

    if (c->plan->nsteps == 0)
        return false;
    s = step(c, c->plan->nsteps);
    for (size_t i = 0; i < 2; i++) {
        const char *subject = i == 0 ? "service" : "unit";

        if (!action_is(&f->action, kinds[i]) || !action_is(&s->action, kinds[i]) ||
            strcasecmp(action_get(&s->action, subject), action_get(&f->action, subject)) != 0 ||
            strcmp(action_get(&s->action, "want"), "stopped") != 0 ||
            strcmp(action_get(&f->action, "want"), "running") != 0)
            continue;
        c->no_memory = c->no_memory || !action_set(&s->action, "want", "restarted");
        stretch(s, span);
        drop_twin(c);
        return true;
    }
    return false;
}

/* Unregister, then register: the one action. */
static bool
join_installer(struct compiler *c, struct find *f, struct article_span span)
{
    struct plan_step *s;

    if (f->what != FIND_REGISTER || c->plan->nsteps == 0)
        return false;
    s = step(c, c->plan->nsteps);
    if (!action_is(&s->action, "person.command") ||
        strstr(action_get(&s->action, "text"), "/") == NULL ||
        strcasestr(action_get(&s->action, "text"), "msiexec") == NULL ||
        strcasestr(action_get(&s->action, "text"), "/unreg") == NULL)
        return false;
    action_done(&s->action);
    s->action = f->action;
    f->action = (struct action){ 0 };
    stretch(s, span);
    /* its other half has come */
    for (size_t i = 0; i < c->plan->nambiguities; i++) {
        struct plan_ambiguity *a = &c->plan->ambiguities[i];

        if (strcmp(a->step, s->id) != 0 || strcmp(a->id, "unregister-alone") != 0)
            continue;
        free(a->text);
        memmove(a, a + 1, (c->plan->nambiguities - i - 1) * sizeof(*a));
        c->plan->nambiguities--;
        s->ambiguities--;
        break;
    }
    for (size_t i = 0; i < f->nnotes; i++)
        compiler_note(c, f->note[i].id, s, s->span, f->note[i].text);
    return true;
}

/* Does ${a} bring the service of ${b} into another state?  Then ${b} is to be done again. */
static bool
other_state(const struct action *a, const struct action *b)
{
    return (action_is(a, "windows.service.state") || action_is(a, "linux.unit.state")) &&
        a->kind == b->kind && a->value[0] != NULL && b->value[0] != NULL &&
        strcmp(a->value[0], b->value[0]) == 0;
}

/* Has the same been said before, under the same condition? */
static bool
said_before(const struct compiler *c, const struct find *f, const struct cond *cond)
{
    bool often = action_is(&f->action, "operation.retry") ||
        action_is(&f->action, "machine.restart") || action_is(&f->action, "machine.wait");

    for (size_t i = c->plan->nsteps; i > 0; i--) {
        const struct plan_step *s = &c->plan->steps[i - 1];

        if (action_equal(&s->action, &f->action) && same_condition(s, cond))
            return true;
        /* under one failure a thing is not done twice: "To restart X, ..." tells how */
        if (often || (cond->of == 0 && action_is(&s->action, "operation.retry")) ||
            other_state(&s->action, &f->action))
            return false;
    }
    return false;
}

/* ---- steps ---- */

/* The person's way and firn's way are alternatives: firn's has the condition. */
static void
turn_alternative(struct compiler *c, struct plan_step *s)
{
    struct plan_step *base = NULL;

    if (s->when == PLAN_ALTERNATIVE)
        base = plan_find(c->plan, s->of);
    if (base == NULL || plan_step_runs(base) || !plan_step_runs(s) ||
        base->when == PLAN_ALTERNATIVE)
        return;
    s->when = base->when;
    memcpy(s->of, base->of, sizeof(s->of));
    s->when_text = take(base->when_text);
    base->when = PLAN_ALTERNATIVE;
    memcpy(base->of, s->id, sizeof(base->of));
}

static void
notes(struct compiler *c, const struct find *f, struct plan_step *s)
{
    for (size_t i = 0; i < f->nnotes; i++)
        compiler_note(c, f->note[i].id, s, s->span, f->note[i].text);
    if (s->when == PLAN_ALTERNATIVE) {
        struct plan_step *base = plan_find(c->plan, s->of);

        compiler_note(c, "alternatives", base != NULL ? base : s,
            base != NULL ? base->span : s->span, NULL);
    }
    if ((s->when == PLAN_FAILED || s->when == PLAN_UNSOLVED) &&
        c->sentence != c->cond_sentence && !c->cond_leads && c->scope == SCOPE_GROUP)
        compiler_note(c, "conditional-sibling", s, s->span, NULL);
}

/* ${at} within ${outer}, in words; NULL: it stays as it is. */
static char *
within(struct compiler *c, const struct cond *outer, const struct cond *at)
{
    struct text t = { 0 };

    if (outer->when != PLAN_IF || (at->when != PLAN_ALWAYS && at->when != PLAN_IF))
        return NULL;
    text_fmt(&t, at->when == PLAN_IF ? "%s; %s" : "%s%s", outer->text,
        at->when == PLAN_IF ? at->text : "");
    c->no_memory = c->no_memory || t.no_memory;
    return t.s;
}

/* Where the last step of the plan stands, which ${f} has become. */
static void
set_place(struct compiler *c, const struct find *f, bool changes)
{
    size_t i = c->plan->nsteps - 1;

    c->place[i].unit = c->around.nunit;
    c->place[i].section = c->around.nsection;
    c->place[i].changes = changes;
    c->place[i].asks = f->asks;
    c->place[i].walk = f->walk;
    c->place[i].passive = f->passive;
    c->place[i].leads = f->leads;
}

static void
set_condition(struct compiler *c, struct plan_step *s, const struct cond *at)
{
    s->when = at->when;
    if (at->when == PLAN_IF) {
        s->when_text = strdup(at->text != NULL ? at->text : "");
        c->no_memory = c->no_memory || s->when_text == NULL;
    } else if (at->of != 0) {
        snprintf(s->of, sizeof(s->of), "%u", (unsigned)at->of);
    }
}

void
flow_emit(struct compiler *c, struct find *f, struct article_span span, const char *text,
    const struct cond *cond)
{
    bool leading = c->alternative || f->alternative;
    struct cond at = cond->os != NULL && f->action.kind != NULL &&
            strncmp(f->action.kind->name, cond->os, strlen(cond->os)) == 0
        ? (struct cond){ 0 } /* the action says it itself */
        : *cond;
    bool changes = f->action.kind != NULL &&
        (f->action.kind->person ? !f->look && !f->idle : f->action.kind->risk != RISK_READ);
    struct plan_step *s;
    bool lost = false; /* a step is an alternative or has a condition of its own, not both */
    auto_free char *joined = NULL, *titled = NULL;

    cond = &at;
    if (f->action.kind == NULL)
        return;
    joined = within(c, &c->symptom, &at);
    if (joined != NULL)
        at = (struct cond){ .when = PLAN_IF, .text = joined };
    if (action_is(&f->action, "machine.restart")) /* it says of no system that it is for it */
        titled = within(c, &c->title, &at);
    if (titled != NULL)
        at = (struct cond){ .when = PLAN_IF, .text = titled };
    if (c->plan->nsteps >= PLAN_STEPS_MAX) {
        c->cut = true;
        return;
    }
    if (!leading && (join_service(c, f, span) || join_installer(c, f, span)))
        return;
    if (said_before(c, f, cond)) {
        c->alternative = false;
        return;
    }
    if (leading && c->plan->nsteps > 0) {
        size_t base = c->plan->nsteps;

        while (step(c, base)->when == PLAN_ALTERNATIVE &&
            strcmp(step(c, base)->of, step(c, base)->id) < 0 && base > 1 &&
            plan_find(c->plan, step(c, base)->of) != NULL)
            base = (size_t)(plan_find(c->plan, step(c, base)->of) - c->plan->steps) + 1;
        lost = at.when == PLAN_IF && !same_condition(step(c, base), &at);
        at = (struct cond){ .when = PLAN_ALTERNATIVE, .of = base };
    }
    c->alternative = false;
    s = plan_add(c->plan, false, &f->action);
    if (s == NULL) {
        c->no_memory = true;
        return;
    }
    set_place(c, f, changes);
    set_condition(c, s, &at);
    s->confidence = f->confidence;
    s->span = span;
    s->text = strdup(text);
    c->no_memory = c->no_memory || s->text == NULL;
    notes(c, f, s);
    turn_alternative(c, s);
    if (lost && plan_step_runs(s))
        step_leave(c, s, "alternatives", NULL);
}
