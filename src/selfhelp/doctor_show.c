/* SPDX-License-Identifier: Apache-2.0 */
/* The report as text: the cause and what proved it, then each step with what was seen, what
 * would change or came of it, its risk and how it is undone. */
#include <string.h>

#include "doctor.h"

static void
show_detail(struct text *to, const char *word, const char *text)
{
    if (text != NULL && *text != '\0')
        text_fmt(to, "      %-7s %s\n", word, text);
}

/* Where a step's turn depends on another one, as a person would say it. */
static void
show_condition(struct text *to, const char *condition)
{
    static const struct {
        const char *word, *before, *after;
    } forms[] = { { "failed:", "if step ", " failed" },
        { "unsolved:", "after step ", ", if nothing helped" },
        { "instead:", "instead of step ", "" },
        { "after:", "when a person has done step ", "" } };

    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        size_t len = strlen(forms[i].word);

        if (strncmp(condition, forms[i].word, len) == 0 && condition[len] != '\0') {
            text_fmt(to, "      %-7s %s%s%s\n", "when", forms[i].before, condition + len,
                forms[i].after);
            return;
        }
    }
    show_detail(to, "when", condition);
}

static void
show_row(struct text *to, const struct runbook_row *r)
{
    text_fmt(to, "  %-2s  %-9s %s\n", r->id, r->runs ? action_risk_name(r->risk) : "person",
        r->action);
    if (strcmp(r->condition, "always") != 0)
        show_condition(to, r->condition);
    show_detail(to, "unclear", r->unclear);
    show_detail(to, "now", r->probe);
    show_detail(to, "change", r->change);
    if (r->risk != RISK_READ)
        show_detail(to, "undo", r->undo);
    show_detail(to, "result", r->result);
}

static void
show_rows(struct text *to, const struct runbook_row *rows, size_t n)
{
    text_str(to, n > 0 ? "\n" : "");
    for (size_t i = 0; i < n; i++)
        show_row(to, &rows[i]);
    text_str(to, n > 0 ? "\n" : "");
}

static void
show_verified(struct text *to, const struct target *t, const char *cause, const char *naming,
    const char *observed)
{
    text_fmt(to, "cause: %s in %s\n", cause, t->name);
    if (naming != NULL)
        text_fmt(to, "verified: %s\n          %s\n", naming, observed != NULL ? observed : "");
}

static void
show_journal(struct text *to, const char *journal, const char *command)
{
    text_fmt(to, "journal %s; %s --undo %s takes it back\n", journal, command, journal);
}

/* What came of the causes before the last one. */
static void
show_earlier(struct text *to, const struct target *t, const struct runbook_report *r,
    const char *command)
{
    for (size_t i = 0; i < r->nearlier; i++) {
        const struct runbook_cause *e = &r->earlier[i];

        show_verified(to, t, e->code, e->naming, e->observed);
        show_rows(to, e->rows, e->nrows);
        text_fmt(to, "%s: %s\n", e->code, e->end);
        if (e->journal != NULL && !e->undone)
            show_journal(to, e->journal, command);
        text_str(to, "\n");
    }
}

static void
show_cause(struct text *to, const struct target *t, const struct runbook_report *r)
{
    if (r->cause != NULL)
        show_verified(to, t, r->cause, r->naming, r->observed);
    else if (r->outcome == RUNBOOK_HEALTHY && r->nruled_out > 0)
        text_str(to, "cause: none of those that were looked at\n");
    else if (r->nruled_out > 0)
        text_str(to, "cause: unknown; what was looked at is ruled out\n");
    else if (r->nnot_looked_at > 0)
        text_str(to, "cause: unknown; nothing could be looked at\n");
    for (size_t i = 0; t->cannot[i] != NULL; i++)
        text_fmt(to, "not possible here: %s\n", t->cannot[i]);
}

static void
show_looks(struct text *to, const struct runbook_report *r)
{
    for (size_t i = 0; i < r->nruled_out; i++)
        text_fmt(to, "ruled out: %s, since %s (%s)\n", r->ruled_out[i].code,
            r->ruled_out[i].observed, r->ruled_out[i].probe);
    for (size_t i = 0; i < r->nnot_looked_at; i++)
        text_fmt(to, "not looked at: %s, since %s\n", r->not_looked_at[i].code,
            r->not_looked_at[i].observed);
}

static void
show_end(struct text *to, const struct runbook_report *r, const char *command,
    const char *works)
{
    for (size_t i = 0; r->finished != NULL && r->finished[i] != NULL; i++)
        text_fmt(to, "the repair %s, which was broken off, is undone\n", r->finished[i]);
    if (r->undone)
        text_str(to, "what was changed is undone\n");
    if (r->retried && r->why == NULL && works != NULL)
        text_fmt(to, "%s\n", works);
    if (r->blocked != NULL)
        text_fmt(to, "for a person: %s\n", r->blocked);
    if (r->note != NULL)
        text_fmt(to, "note: %s\n", r->note);
    if (r->journal != NULL && !r->undone)
        show_journal(to, r->journal, command);
    if (r->bundle != NULL)
        text_fmt(to, "everything about it is in %s\n", r->bundle);
    text_fmt(to, "%s\n", runbook_outcome_name(r->outcome));
}

void
doctor_show(const struct target *t, const struct runbook_report *r, const char *command,
    const char *works, struct text *to)
{
    show_looks(to, r);
    show_earlier(to, t, r, command);
    show_cause(to, t, r);
    show_rows(to, r->rows, r->nrows);
    show_end(to, r, command, works);
}
