/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>

#include "article_show.h"
#include "show.h"

/* ${list}, or NULL when an item of it could not be added. */
static json_t *
whole(json_t *list, int bad)
{
    if (bad == 0)
        return list;
    json_decref(list);
    return NULL;
}

static json_t *
header_json(const struct article *a)
{
    json_t *list = json_array();
    int bad = 0;

    for (size_t i = 0; i < a->nfields; i++)
        bad |= json_array_append_new(list, json_pack("{s:s, s:s}", "name", a->fields[i].name,
                                               "value", a->fields[i].value));
    return whole(list, bad);
}

static json_t *
blocks_json(const struct article *a)
{
    json_t *list = json_array();
    int bad = 0;

    for (size_t i = 0; i < a->nblocks; i++) {
        json_t *o = json_object();

        bad |= json_object_set_new(o, "kind",
            json_string(article_kind_name(a->blocks[i].kind)));
        bad |= json_object_set_new(o, "span", plan_span_json(a->blocks[i].span));
        bad |= json_array_append_new(list, o);
    }
    return whole(list, bad);
}

static json_t *
codes_json(const struct article_codes *codes)
{
    json_t *list = json_array();
    int bad = 0;

    for (size_t i = 0; i < codes->n; i++)
        bad |= json_array_append_new(list, json_pack("{s:s, s:s}", "code",
                                               codes->code[i].code, "source",
                                               codes->code[i].source));
    return whole(list, bad);
}

char *
article_json(const struct article_reading *r)
{
    json_t *plan = NULL, *ambiguities = NULL, *lint = NULL, *doc;
    char *text;

    /* what could not be made is NULL, and makes the pack below fail */
    err_free(plan_json(r->plan, &plan, &ambiguities));
    err_free(lint_json(&r->lint, &lint));
    doc = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b}", "file",
        show_string(r->path), "header", header_json(r->article), "codes",
        codes_json(&r->codes), "blocks", blocks_json(r->article), "plan", plan, "ambiguities",
        ambiguities, "lint", lint, "remedy_lost", r->plan->remedy_lost);
    text = doc == NULL ? NULL : json_dumps(doc, JSON_COMPACT);
    json_decref(doc);
    return text;
}

static void
say_step(struct cmd *c, const struct plan_step *s)
{
    auto_free char *condition = plan_condition(s), *action = action_text(&s->action);

    cmd_say(c, "  %-3s %-9s %s\n", s->id,
        plan_step_runs(s) ? action_risk_name(s->action.kind->risk) : "person",
        action != NULL ? action : "");
    if (s->when != PLAN_ALWAYS)
        cmd_say(c, "      when %s\n", condition != NULL ? condition : "");
}

static void
say_plan(struct cmd *c, const struct plan *p)
{
    for (size_t i = 0; i < p->nprobes; i++)
        say_step(c, &p->probes[i]);
    for (size_t i = 0; i < p->nsteps; i++)
        say_step(c, &p->steps[i]);
    for (size_t i = 0; i < p->nambiguities; i++) {
        const struct plan_ambiguity *m = &p->ambiguities[i];

        cmd_say(c, "  unclear, line %u%s%s: %s (%s)\n", m->span.line,
            m->step[0] != '\0' ? ", step " : "", m->step, m->text, m->id);
    }
}

void
article_say(struct cmd *c, const struct article_reading *r, bool notes)
{
    const char *title = r->article->title;

    cmd_say(c, "%s: %s\n", r->path, title != NULL ? title : "(no title)");
    if (r->codes.n > 0)
        cmd_say(c, "  code %s (from %s)\n", r->codes.code[0].code, r->codes.code[0].source);
    if (r->plan->remedy_lost)
        cmd_say(c, "  The remedy is lost: the article only refers to another page. An earlier "
                   "version of it may hold the steps.\n");
    else if (r->plan->nprobes + r->plan->nsteps == 0)
        cmd_say(c, "  It tells neither what to look at nor what to do.\n");
    say_plan(c, r->plan);
    for (size_t i = 0; i < r->lint.n; i++) {
        const struct lint_finding *f = &r->lint.finding[i];

        if (notes || f->severity != ARTICLE_NOTE)
            cmd_say(c, "  %s:%u:%u: %s (%s)\n", r->path, f->span.line, f->span.column,
                f->text, f->id);
    }
}
