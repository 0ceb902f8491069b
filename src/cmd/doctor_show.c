/* SPDX-License-Identifier: Apache-2.0 */
/* The report as text: the cause and what proved it, then each step with what was seen, what
 * would change or came of it, its risk and how it is undone. */
#include <string.h>

#include "doctor_internal.h"
#include "vault.h"

static void
show_detail(struct cmd *c, const char *word, const char *text)
{
    if (text != NULL && *text != '\0')
        cmd_say(c, "      %-7s %s\n", word, text);
}

static void
show_row(struct cmd *c, const struct runbook_row *r)
{
    cmd_say(c, "  %-2s  %-9s %s\n", r->id, r->runs ? action_risk_name(r->risk) : "person",
        r->action);
    if (strcmp(r->condition, "always") != 0)
        show_detail(c, "when", r->condition);
    show_detail(c, "now", r->probe);
    show_detail(c, "change", r->change);
    if (r->risk != RISK_READ)
        show_detail(c, "undo", r->undo);
    show_detail(c, "result", r->result);
}

static void
show_cause(struct cmd *c, const struct target *t, const struct runbook_report *r)
{
    for (size_t i = 0; i < r->nruled_out; i++)
        cmd_say(c, "ruled out: %s, since %s (%s)\n", r->ruled_out[i].code,
            r->ruled_out[i].observed, r->ruled_out[i].probe);
    if (r->cause != NULL) {
        cmd_say(c, "cause: %s in %s\n", r->cause, t->name);
        if (r->naming != NULL)
            cmd_say(c, "verified: %s\n          %s\n", r->naming,
                r->observed != NULL ? r->observed : "");
    } else if (r->nruled_out > 0) {
        cmd_say(c, "cause: unknown; what was looked at is ruled out\n");
    }
    for (size_t i = 0; t->cannot[i] != NULL; i++)
        cmd_say(c, "not possible here: %s\n", t->cannot[i]);
}

static void
show_end(struct cmd *c, const struct target *t, const struct runbook_report *r,
    const struct vault_point *point)
{
    char id[2 * VAULT_KEY_LEN + 1];

    for (size_t i = 0; r->finished != NULL && r->finished[i] != NULL; i++)
        cmd_say(c, "the repair %s, which was broken off, is undone\n", r->finished[i]);
    if (r->undone)
        cmd_say(c, "what was changed is undone\n");
    if (r->retried && r->why == NULL && point != NULL) {
        vault_key_hex(&point->id, id);
        cmd_say(c, "the backup works again: recovery point %s\n", id);
    }
    if (r->blocked != NULL)
        cmd_say(c, "for a person: %s\n", r->blocked);
    if (r->note != NULL)
        cmd_say(c, "note: %s\n", r->note);
    if (r->journal != NULL && !r->undone)
        cmd_say(c, "journal %s; firn doctor %s --undo %s takes it back\n", r->journal, t->name,
            r->journal);
    if (r->bundle != NULL)
        cmd_say(c, "everything about it is in %s\n", r->bundle);
    cmd_say(c, "%s\n", runbook_outcome_name(r->outcome));
}

void
doctor_show(struct cmd *c, const struct target *t, const struct runbook_report *r,
    const struct vault_point *point)
{
    show_cause(c, t, r);
    if (r->nrows > 0)
        cmd_say(c, "\n");
    for (size_t i = 0; i < r->nrows; i++)
        show_row(c, &r->rows[i]);
    if (r->nrows > 0)
        cmd_say(c, "\n");
    show_end(c, t, r, point);
}
