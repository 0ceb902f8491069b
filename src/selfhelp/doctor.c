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
