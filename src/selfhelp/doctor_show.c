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

static void
show_row(struct text *to, const struct runbook_row *r)
{
    text_fmt(to, "  %-2s  %-9s %s\n", r->id, r->runs ? action_risk_name(r->risk) : "person",
        r->action);
    if (strcmp(r->condition, "always") != 0)
        show_detail(to, "when", r->condition);
    show_detail(to, "now", r->probe);
    show_detail(to, "change", r->change);
    if (r->risk != RISK_READ)
        show_detail(to, "undo", r->undo);
    show_detail(to, "result", r->result);
}

static void
show_cause(struct text *to, const struct target *t, const struct runbook_report *r)
{
    for (size_t i = 0; i < r->nruled_out; i++)
        text_fmt(to, "ruled out: %s, since %s (%s)\n", r->ruled_out[i].code,
            r->ruled_out[i].observed, r->ruled_out[i].probe);
    if (r->cause != NULL) {
        text_fmt(to, "cause: %s in %s\n", r->cause, t->name);
        if (r->naming != NULL)
            text_fmt(to, "verified: %s\n          %s\n", r->naming,
                r->observed != NULL ? r->observed : "");
    } else if (r->nruled_out > 0) {
        text_fmt(to, "cause: unknown; what was looked at is ruled out\n");
    }
    for (size_t i = 0; t->cannot[i] != NULL; i++)
        text_fmt(to, "not possible here: %s\n", t->cannot[i]);
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
        text_fmt(to, "journal %s; %s --undo %s takes it back\n", r->journal, command,
            r->journal);
    if (r->bundle != NULL)
        text_fmt(to, "everything about it is in %s\n", r->bundle);
    text_fmt(to, "%s\n", runbook_outcome_name(r->outcome));
}

void
doctor_show(const struct target *t, const struct runbook_report *r, const char *command,
    const char *works, struct text *to)
{
    show_cause(to, t, r);
    if (r->nrows > 0)
        text_str(to, "\n");
    for (size_t i = 0; i < r->nrows; i++)
        show_row(to, &r->rows[i]);
    if (r->nrows > 0)
        text_str(to, "\n");
    show_end(to, r, command, works);
}
