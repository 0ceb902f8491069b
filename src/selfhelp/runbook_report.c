/* SPDX-License-Identifier: Apache-2.0 */
/* runbook_report.c -- what a run found and did, as rows and as JSON. */
#include <string.h>

#include "codes.h"
#include "err_json.h"
#include "runbook_internal.h"

static json_t *
params_json(const struct action *a)
{
    json_t *o = json_object();

    for (size_t i = 0; i < ACTION_PARAMS_MAX && a->kind->param[i].name != NULL; i++)
        if (a->value[i] != NULL)
            (void)json_object_set_new(o, a->kind->param[i].name, json_string(a->value[i]));
    return o;
}

/* What the article leaves open about ${s}, as sentences; *ret is NULL when nothing is. */
static struct err *
unclear(const struct plan *p, const struct plan_step *s, char **ret)
{
    struct text t = { 0 };

    for (size_t i = 0; s != NULL && i < p->nambiguities; i++)
        if (strcmp(p->ambiguities[i].step, s->id) == 0)
            text_fmt(&t, "%s%s", t.len > 0 ? " " : "", p->ambiguities[i].text);
    *ret = t.s;
    return t.no_memory ? fail(OutOfMemory) : NULL;
}

struct err *
run_add_row(struct run *r, const struct plan_step *s, const struct action *a,
    struct runbook_row **ret)
{
    struct runbook_row *rows = realloc(r->r->rows, (r->r->nrows + 1) * sizeof(*rows)), *row;

    if (rows == NULL)
        return fail(OutOfMemory);
    r->r->rows = rows;
    row = &rows[r->r->nrows++];
    *row = (struct runbook_row){ .step = s, .kind = a->kind->name, .risk = a->kind->risk,
        .runs = s == NULL || plan_step_runs(s), .id = strdup(s == NULL ? "+" : s->id),
        .action = action_text(a), .params = params_json(a),
        .condition = s == NULL ? strdup("always") : plan_condition(s),
        .undo = a->kind->undo != NULL ? a->kind->undo : a->kind->fixed };
    if (row->id == NULL || row->action == NULL || row->condition == NULL ||
        row->params == NULL)
        return fail(OutOfMemory);
    if (r->c != NULL)
        TRY(unclear(r->c->plan, s, &row->unclear));
    *ret = row;
    return NULL;
}

const char *
runbook_outcome_name(enum runbook_outcome o)
{
    static const char *const names[] = { "found", "healthy", "repaired", "masked", "blocked",
        "escalated" };

    return names[o];
}

static json_t *
row_json(const struct runbook_row *r)
{
    return json_pack("{s:s, s:s, s:O, s:s, s:s, s:b, s:s?, s:s?, s:s?, s:s?, s:s?}", "id",
        r->id, "kind", r->kind, "params", r->params, "condition", r->condition, "risk",
        action_risk_name(r->risk), "runs", r->runs, "unclear", r->unclear, "probe", r->probe,
        "change", r->change, "undo", r->undo, "result", r->result);
}

static json_t *
rows_json(const struct runbook_row *rows, size_t n)
{
    json_t *all = json_array();

    for (size_t i = 0; i < n; i++)
        (void)json_array_append_new(all, row_json(&rows[i]));
    return all;
}

static json_t *
looks_json(const struct runbook_look *l, size_t n)
{
    json_t *all = json_array();

    for (size_t i = 0; i < n; i++)
        (void)json_array_append_new(all, json_pack("{s:s, s:s, s:s}", "code", l[i].code,
                                             "probe", l[i].probe, "observed", l[i].observed));
    return all;
}

static json_t *
earlier_json(const struct runbook_report *r)
{
    json_t *all = json_array();

    for (size_t i = 0; i < r->nearlier; i++) {
        const struct runbook_cause *c = &r->earlier[i];

        (void)json_array_append_new(all,
            json_pack("{s:s, s:s?, s:s?, s:o, s:s?, s:b, s:s?}", "cause", c->code, "probe",
                c->naming, "observed", c->observed, "plan", rows_json(c->rows, c->nrows),
                "journal", c->journal, "undone", c->undone, "result", c->end));
    }
    return all;
}

static json_t *
retry_json(const struct runbook_report *r)
{
    json_t *error = r->why == NULL ? NULL : err_json(r->why), *o;

    if (!r->retried)
        return json_null();
    o = json_pack("{s:n, s:O?}", "point", "error", json_object_get(error, "error"));
    json_decref(error);
    return o;
}

struct err *
runbook_json(const struct runbook_report *r, json_t **ret)
{
    json_t *finished = json_array();

    for (size_t i = 0; r->finished != NULL && r->finished[i] != NULL; i++)
        (void)json_array_append_new(finished, json_string(r->finished[i]));
    *ret = json_pack("{s:s, s:s?, s:s?, s:s?, s:o, s:o, s:o, s:o, s:s?, s:b, s:o, s:s?, s:s?, "
                     "s:s?, s:s?, s:o, s:i, s:i, s:i}",
        "outcome", runbook_outcome_name(r->outcome), "cause", r->cause, "probe", r->naming,
        "observed", r->observed, "ruled_out", looks_json(r->ruled_out, r->nruled_out),
        "not_looked_at", looks_json(r->not_looked_at, r->nnot_looked_at), "earlier",
        earlier_json(r), "plan", rows_json(r->rows, r->nrows),
        "journal", r->journal, "undone", r->undone, "retry", retry_json(r), "blocked",
        r->blocked, "waits", r->waits, "note", r->note, "bundle", r->bundle, "finished",
        finished, "installs", (int)r->installs, "restarts", (int)r->restarts,
        "installer_restarts", (int)r->own_restarts);
    return *ret == NULL ? fail(OutOfMemory) : NULL;
}

void
runbook_rows_free(struct runbook_row **rows, size_t *n)
{
    for (size_t i = 0; i < *n; i++) {
        struct runbook_row *row = &(*rows)[i];

        free(row->id);
        free(row->action);
        free(row->condition);
        json_decref(row->params);
        free(row->unclear);
        free(row->probe);
        free(row->change);
        free(row->result);
    }
    free(*rows);
    *rows = NULL;
    *n = 0;
}

static void
looks_free(struct runbook_look *l, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(l[i].code);
        free(l[i].probe);
        free(l[i].observed);
    }
    free(l);
}

static void
causes_free(struct runbook_cause *c, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(c[i].code);
        free(c[i].naming);
        free(c[i].observed);
        runbook_rows_free(&c[i].rows, &c[i].nrows);
        free(c[i].journal);
        free(c[i].end);
    }
    free(c);
}

void
runbook_report_free(struct runbook_report *r)
{
    if (r == NULL)
        return;
    runbook_rows_free(&r->rows, &r->nrows);
    looks_free(r->ruled_out, r->nruled_out);
    looks_free(r->not_looked_at, r->nnot_looked_at);
    causes_free(r->earlier, r->nearlier);
    journal_ids_free(r->finished);
    free(r->cause);
    free(r->naming);
    free(r->observed);
    free(r->journal);
    free(r->blocked);
    free(r->waits);
    free(r->note);
    free(r->bundle);
    err_free(r->why);
    free(r);
}
