/* SPDX-License-Identifier: Apache-2.0 */
/* plan.h says what; steps and ambiguities are arrays that grow up to a limit. */
#include <stdio.h>
#include <string.h>

#include "codes.h"
#include "number.h"
#include "plan.h"
#include "text.h"

static const char *
ambiguity_id(const char *id)
{
    for (size_t i = 0; plan_ambiguities[i].id != NULL; i++)
        if (strcmp(plan_ambiguities[i].id, id) == 0)
            return plan_ambiguities[i].id;
    return NULL;
}

const char *
plan_confidence_name(enum plan_confidence c)
{
    static const char *const name[] = { [PLAN_STATED] = "stated", [PLAN_READ] = "read",
        [PLAN_INFERRED] = "inferred" };

    return name[c];
}

static const char *const when_name[] = { [PLAN_ALWAYS] = "always", [PLAN_FAILED] = "failed",
    [PLAN_UNSOLVED] = "unsolved", [PLAN_ALTERNATIVE] = "instead", [PLAN_EACH] = "each",
    [PLAN_AFTER] = "after", [PLAN_IF] = "if", [PLAN_PREMISE] = "premise" };

/* Conditions that name nothing. */
static bool
stands_alone(size_t when)
{
    return when == PLAN_ALWAYS || when == PLAN_PREMISE;
}

char *
plan_condition(const struct plan_step *s)
{
    struct text t = { 0 };

    text_str(&t, when_name[s->when]);
    if (!stands_alone(s->when)) {
        text_str(&t, ":");
        text_str(&t, s->when == PLAN_IF ? s->when_text : s->of);
    }
    if (!t.no_memory)
        return t.s;
    text_done(&t);
    return NULL;
}

bool
plan_condition_parse(const char *text, struct plan_step *s)
{
    for (size_t i = 0; i < sizeof(when_name) / sizeof(when_name[0]); i++) {
        size_t n = strlen(when_name[i]), len;
        uint64_t number;

        if (strncmp(text, when_name[i], n) != 0)
            continue;
        if (stands_alone(i) || text[n] != ':') {
            if (!stands_alone(i) || text[n] != '\0')
                return false;
            s->when = (enum plan_when)i;
            return true;
        }
        text += n + 1;
        len = strlen(text);
        if (i == PLAN_IF) {
            if (len == 0)
                return false;
            s->when_text = strdup(text);
            s->when = PLAN_IF;
            return s->when_text != NULL;
        }
        if (len >= PLAN_ID_MAX || !number_parse(text, &number) || number == 0)
            return false;
        s->when = (enum plan_when)i;
        memcpy(s->of, text, len + 1);
        return true;
    }
    return false;
}

const struct plan_step *
plan_naming(const struct plan *p)
{
    for (size_t i = 0; i < p->nprobes; i++)
        if (p->probes[i].when != PLAN_PREMISE)
            return &p->probes[i];
    return NULL;
}

bool
plan_step_runs(const struct plan_step *s)
{
    return !s->action.kind->person && action_complete(&s->action);
}

struct plan_step *
plan_find(const struct plan *p, const char *id)
{
    for (size_t i = 0; i < p->nsteps; i++)
        if (strcmp(p->steps[i].id, id) == 0)
            return &p->steps[i];
    return NULL;
}

bool
plan_after_fits(const struct plan *p, const struct plan_step *s)
{
    for (size_t i = 0; i < p->nsteps && &p->steps[i] != s; i++)
        if (strcmp(p->steps[i].id, s->of) == 0)
            return p->steps[i].action.kind->person;
    return false;
}

bool
plan_has_after(const struct plan *p)
{
    for (size_t i = 0; i < p->nsteps; i++)
        if (p->steps[i].when == PLAN_AFTER)
            return true;
    return false;
}

bool
plan_ids_have(const char *list, const char *id)
{
    for (const char *s = list; s != NULL && *s != '\0';) {
        size_t len = strcspn(s, ",");

        if (strlen(id) == len && memcmp(s, id, len) == 0)
            return true;
        s += len + (s[len] == ',');
    }
    return false;
}

/* Room for one more in an array that doubles. */
static bool
room(void *array, size_t n, size_t max, size_t size)
{
    void *old, *grown;

    if (n >= max)
        return false;
    if (n != 0 && (n & (n - 1)) != 0)
        return true;
    memcpy(&old, array, sizeof(old)); /* any pointer type may stand there */
    grown = realloc(old, (n == 0 ? 1 : 2 * n) * size);
    if (grown == NULL)
        return false;
    memcpy(array, &grown, sizeof(grown));
    return true;
}

struct plan_step *
plan_add(struct plan *p, bool probe, struct action *action)
{
    struct plan_step *s;
    size_t n = probe ? p->nprobes : p->nsteps;

    if (!(probe ? room(&p->probes, n, PLAN_STEPS_MAX, sizeof(*s))
                : room(&p->steps, n, PLAN_STEPS_MAX, sizeof(*s)))) {
        action_done(action);
        return NULL;
    }
    s = probe ? &p->probes[p->nprobes++] : &p->steps[p->nsteps++];
    *s = (struct plan_step){ .action = *action };
    *action = (struct action){ 0 };
    snprintf(s->id, sizeof(s->id), probe ? "p%zu" : "%zu", n + 1);
    return s;
}

struct plan_ambiguity *
plan_add_ambiguity(struct plan *p, const char *id, struct plan_step *step,
    struct article_span span, const char *text)
{
    struct plan_ambiguity *a;
    char *copy;

    if (!room(&p->ambiguities, p->nambiguities, PLAN_AMBIGUITIES_MAX, sizeof(*a)))
        return NULL;
    copy = strdup(text);
    if (copy == NULL)
        return NULL;
    a = &p->ambiguities[p->nambiguities++];
    *a = (struct plan_ambiguity){ .id = ambiguity_id(id), .span = span, .text = copy };
    if (step != NULL) {
        memcpy(a->step, step->id, sizeof(a->step));
        step->ambiguities++;
    }
    return a;
}

static struct err *
fill(struct plan_step *s, size_t n, const char *(*find)(void *arg, const char *name),
    void *arg)
{
    for (size_t i = 0; i < n; i++) {
        struct action filled = { 0 };
        enum action_fault f;

        if (!action_copy(&filled, &s[i].action))
            return fail(OutOfMemory);
        f = action_fill(&filled, find, arg);
        if (f == ACTION_OK) {
            action_done(&s[i].action);
            s[i].action = filled;
            continue;
        }
        action_done(&filled);
        if (f == ACTION_NO_MEMORY)
            return fail(OutOfMemory);
    }
    return NULL;
}

struct err *
plan_fill(struct plan *p, const char *(*find)(void *arg, const char *name), void *arg)
{
    if (!p->ours)
        return NULL;
    TRY(fill(p->probes, p->nprobes, find, arg));
    return fill(p->steps, p->nsteps, find, arg);
}

/* An article has hundreds: set by set is twice as fast as json_pack. */
json_t *
plan_span_json(struct article_span s)
{
    json_t *o = json_object();

    if (json_object_set_new(o, "line", json_integer(s.line)) != 0 ||
        json_object_set_new(o, "column", json_integer(s.column)) != 0 ||
        json_object_set_new(o, "length", json_integer((json_int_t)s.len)) != 0) {
        json_decref(o);
        return NULL;
    }
    return o;
}

static json_t *
params_json(const struct action *a)
{
    json_t *params = json_object();

    for (int i = 0; i < ACTION_PARAMS_MAX; i++)
        if (a->value[i] != NULL &&
            json_object_set_new(params, a->kind->param[i].name,
                json_string(a->value[i])) != 0) {
            json_decref(params);
            return NULL;
        }
    return params;
}

static int
step_json(json_t *list, const struct plan_step *s)
{
    auto_free char *condition = plan_condition(s);

    if (condition == NULL)
        return -1;
    return json_array_append_new(list,
        json_pack("{s:s, s:s, s:o, s:s, s:s, s:s, s:b, s:o, s:s}", "id", s->id, "kind",
            s->action.kind->name, "params", params_json(&s->action), "condition", condition,
            "risk", action_risk_name(s->action.kind->risk), "confidence",
            plan_confidence_name(s->confidence), "runs", plan_step_runs(s), "span",
            plan_span_json(s->span), "text", s->text != NULL ? s->text : ""));
}

struct err *
plan_json(const struct plan *p, json_t **ret_plan, json_t **ret_ambiguities)
{
    json_t *steps = json_array(), *ambiguities = json_array();
    int bad = steps == NULL || ambiguities == NULL;

    for (size_t i = 0; !bad && i < p->nprobes; i++)
        bad = step_json(steps, &p->probes[i]);
    for (size_t i = 0; !bad && i < p->nsteps; i++)
        bad = step_json(steps, &p->steps[i]);
    for (size_t i = 0; !bad && i < p->nambiguities; i++) {
        const struct plan_ambiguity *a = &p->ambiguities[i];

        bad = json_array_append_new(ambiguities,
            json_pack("{s:s, s:s, s:o, s:s}", "id", a->id, "step", a->step, "span",
                plan_span_json(a->span), "text", a->text));
    }
    if (bad) {
        json_decref(steps);
        json_decref(ambiguities);
        return fail(OutOfMemory);
    }
    *ret_plan = steps;
    *ret_ambiguities = ambiguities;
    return NULL;
}

static void
steps_free(struct plan_step *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        action_done(&s[i].action);
        free(s[i].when_text);
        free(s[i].text);
    }
    free(s);
}

void
plan_free(struct plan *p)
{
    if (p == NULL)
        return;
    steps_free(p->probes, p->nprobes);
    steps_free(p->steps, p->nsteps);
    for (size_t i = 0; i < p->nambiguities; i++)
        free(p->ambiguities[i].text);
    free(p->ambiguities);
    free(p);
}
