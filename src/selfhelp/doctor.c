/* SPDX-License-Identifier: Apache-2.0 */
/* Consent by word or by answer, and what an outcome means. */
#include <stdio.h>
#include <string.h>

#include "codes.h"
#include "doctor.h"

enum { RISK_WORD_MAX = 16 };

struct err *
doctor_consent(const char *list, unsigned *ret)
{
    unsigned all = 0;

    for (const char *s = list; s != NULL;) {
        size_t len = strcspn(s, ",");
        char word[RISK_WORD_MAX] = "";
        enum action_risk risk;

        if (len < sizeof(word))
            memcpy(word, s, len);
        if (!action_risk_parse(word, &risk))
            return fail(UsageWrong,
                "what may be changed is config, service, install, restart, override and data, "
                "with commas between them");
        all |= 1U << risk;
        s = s[len] == ',' ? s + len + 1 : NULL;
    }
    *ret = all;
    return NULL;
}

/* The ids of the steps that a person has to do: "2, 5", or "none". */
static void
add_persons(struct text *t, const struct plan *p)
{
    size_t n = 0;

    for (size_t i = 0; i < p->nsteps; i++)
        if (p->steps[i].action.kind->person)
            text_fmt(t, "%s%s", n++ > 0 ? ", " : "", p->steps[i].id);
    text_str(t, n == 0 ? "none" : "");
}

static struct err *
no_persons_step(const struct plan *p, const char *id, size_t len)
{
    struct text t = { 0 };
    struct err *e;

    text_fmt(&t, "--done names steps that only a person can do, with commas between them: "
                 "\"%.*s\" is none; those of this plan: ", (int)(len < 32 ? len : 32), id);
    add_persons(&t, p);
    e = t.no_memory ? fail(OutOfMemory) : fail(UsageWrong, t.s);
    text_done(&t);
    return e;
}

struct err *
doctor_done(struct doctor_causes *d, const char *list)
{
    if (list == NULL)
        return NULL;
    if (d->n != 1)
        return fail(UsageWrong, "--done names steps of one plan: it goes with a CODE or "
                                "--article");
    for (const char *s = list; s != NULL;) {
        size_t len = strcspn(s, ",");
        char id[PLAN_ID_MAX] = "";
        const struct plan_step *step;

        if (len < sizeof(id))
            memcpy(id, s, len);
        step = plan_find(d->item[0].plan, id);
        if (step == NULL || !step->action.kind->person)
            return no_persons_step(d->item[0].plan, s, len);
        s = s[len] == ',' ? s + len + 1 : NULL;
    }
    d->item[0].done = list;
    return NULL;
}

void
doctor_add_option(struct text *t, const char *name, const char *value)
{
    if (value == NULL)
        return;
    text_fmt(t, "%s--%s=", t->len > 0 ? " " : "", name);
    text_shell(t, value);
}

struct err *
doctor_question_done(const char *what, char **ret)
{
    struct text t = { 0 };

    text_fmt(&t, "\n%s\nIs it done? [y/N] ", what);
    if (t.no_memory) {
        text_done(&t);
        return fail(OutOfMemory);
    }
    *ret = t.s;
    return NULL;
}

struct err *
doctor_question(const struct action *a, const char *change, char **ret)
{
    auto_free char *action = action_text(a);
    struct text t = { 0 };

    text_fmt(&t, "\n%s\n%s\nThis is of the kind \"%s\". Do it? [y/N] ",
        action != NULL ? action : a->kind->name, change != NULL ? change : "",
        action_risk_name(a->kind->risk));
    if (t.no_memory) {
        text_done(&t);
        return fail(OutOfMemory);
    }
    *ret = t.s;
    return NULL;
}

bool
doctor_answer(void)
{
    char answer[16] = "";

    if (fgets(answer, sizeof(answer), stdin) == NULL)
        return false;
    if (strchr(answer, '\n') == NULL) /* what is left of the line answers no other question */
        for (int rest = getchar(); rest != '\n' && rest != EOF;)
            rest = getchar();
    return answer[0] == 'y' || answer[0] == 'Y';
}

struct err *
doctor_judge(const struct target *t, const struct runbook_report *r, struct err **ret_warning)
{
    const char *cause = r->cause != NULL ? r->cause : "the cause";

    *ret_warning = NULL;
    switch (r->outcome) {
    case RUNBOOK_HEALTHY:
    case RUNBOOK_REPAIRED:
        return NULL;
    case RUNBOOK_MASKED:
        *ret_warning = fail(RepairMasked, cause, t->name);
        return NULL;
    case RUNBOOK_FOUND:
        return fail(CauseFound, cause, t->name);
    case RUNBOOK_BLOCKED:
        return fail(RepairBlocked, cause, t->name, r->blocked != NULL ? r->blocked : "");
    case RUNBOOK_ESCALATED:
        break;
    }
    return fail(RepairEscalated, t->name, r->bundle != NULL ? r->bundle : "");
}
