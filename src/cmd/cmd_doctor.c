/* SPDX-License-Identifier: Apache-2.0 */
/* firn doctor: verify the cause of a failure and, with consent, repair it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "catalog.h"
#include "codes.h"
#include "doctor_internal.h"
#include "job_target.h"
#include "journal.h"
#include "show.h"
#include "state.h"
#include "text.h"

static struct err *
try_again(void *arg, struct deadline by, struct err **ret_why)
{
    (void)by; /* a backup has deadlines of its own */
    return doctor_try_again(arg, ret_why);
}

/* A yes on the terminal; everything else is a no. */
static bool
ask(void *arg, const struct action *a, const char *change)
{
    struct doctor_retry *r = arg;
    auto_free char *action = action_text(a);
    char answer[16] = "";

    cmd_note(r->c, "\n%s\n%s\nThis is of the kind \"%s\". Do it? [y/N] ",
        action != NULL ? action : a->kind->name, change != NULL ? change : "",
        action_risk_name(a->kind->risk));
    if (fgets(answer, sizeof(answer), stdin) == NULL)
        return false;
    if (strchr(answer, '\n') == NULL) /* what is left of the line answers no other question */
        for (int rest = getchar(); rest != '\n' && rest != EOF;)
            rest = getchar();
    return answer[0] == 'y' || answer[0] == 'Y';
}

/* "config,service" */
static struct err *
read_consent(const char *list, unsigned *ret)
{
    auto_free char *copy = strdup(list != NULL ? list : "");
    char *rest = copy, *word;

    if (copy == NULL)
        return fail(OutOfMemory);
    *ret = 0;
    while (list != NULL && (word = strsep(&rest, ",")) != NULL) {
        enum action_risk risk;

        if (!action_risk_parse(word, &risk))
            return fail(UsageWrong,
                "--yes takes config, service, install, restart, override and data, with "
                "commas between them");
        *ret |= 1U << risk;
    }
    return NULL;
}

/* [TARGET] [CODE]: a target has a scheme or is local. */
static struct err *
read_words(struct cmd *c, const char **ret_target, const char **ret_code)
{
    *ret_target = "local";
    *ret_code = NULL;
    for (unsigned i = 0; i < c->o.nargs; i++) {
        const char *word = c->o.args[i];
        bool target = strcmp(word, "local") == 0 ||
            (strchr(word, ':') != NULL && strncmp(word, "status:", 7) != 0);

        if (i == 0 && target)
            *ret_target = word;
        else if (*ret_code == NULL && !target)
            *ret_code = word;
        else
            return fail(UsageWrong, "firn doctor takes a TARGET and a CODE, in this order");
    }
    if (*ret_code != NULL && c->o.value[OPT_ARTICLE] != NULL)
        return fail(UsageWrong, "a CODE or --article, not both");
    if (*ret_code != NULL && catalog_find(*ret_code) == NULL)
        return catalog_unknown(*ret_code);
    if (c->o.set[OPT_UNDO] &&
        (*ret_code != NULL || c->o.set[OPT_APPLY] || c->o.set[OPT_ARTICLE]))
        return fail(UsageWrong, "--undo takes a repair back: it goes with a TARGET alone");
    return NULL;
}

static void
undo_line(void *arg, const char *text)
{
    cmd_say(arg, "%s\n", text);
}

static struct err *
undo(struct cmd *c, struct target *t, const char *folder)
{
    const char *id = c->o.value[OPT_UNDO];
    size_t kept;

    TRY(runbook_undo(t, folder, id, undo_line, c, &kept));
    cmd_say(c, "the repair %s is undone\n", id);
    return cmd_result(c, json_pack("{s:s, s:b, s:I}", "journal", id, "undone", 1, "kept",
        (json_int_t)kept));
}

/* What the outcome means for the exit status. */
static struct err *
judge(struct cmd *c, const struct target *t, const struct runbook_report *r)
{
    const char *cause = r->cause != NULL ? r->cause : "the cause";

    switch (r->outcome) {
    case RUNBOOK_HEALTHY:
    case RUNBOOK_REPAIRED:
        return NULL;
    case RUNBOOK_MASKED:
        cmd_warn(c, fail(RepairMasked, cause, t->name));
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

static struct err *
tell(struct cmd *c, const struct target *t, const struct runbook_report *r,
    const struct doctor_retry *retry)
{
    json_t *doc = NULL;

    if (c->json) {
        TRY(runbook_json(r, &doc));
        if (retry->point != NULL)
            (void)json_object_set_new(json_object_get(doc, "retry"), "point",
                show_point_json(retry->point));
        TRY(cmd_result(c, doc));
    }
    doctor_show(c, t, r, retry->point);
    return judge(c, t, r);
}

static struct err *
examine(struct cmd *c, struct target *t, bool guest, const char *code, unsigned consent,
    const char *folder)
{
    auto_ptr(runbook_report) report = NULL;
    struct doctor_causes causes = { 0 };
    auto_ptr(last) last = NULL;
    struct doctor_retry retry = { .c = c, .guest = guest ? t : NULL };
    struct runbook_policy policy = { .apply = c->o.set[OPT_APPLY], .consent = consent,
        .journals = folder, .bundles = folder, .arg = &retry,
        .order = c->o.value[OPT_ORDER] != NULL && strcmp(c->o.value[OPT_ORDER], "article") == 0
            ? RUNBOOK_ARTICLE
            : RUNBOOK_SAFE };
    struct err *e;

    err_free(last_load(&last)); /* without it variables stay open and nothing is retried */
    e = doctor_causes(c, t, code, c->o.value[OPT_ARTICLE], last, &causes);
    if (e == NULL && !t->offline && doctor_can_retry(last, &causes)) {
        retry.last = last;
        policy.retry = try_again;
    }
    if (policy.apply && !c->json && isatty(0) == 1 && isatty(2) == 1)
        policy.ask = ask;
    if (e == NULL)
        e = runbook_run(t, causes.item, causes.n, &policy, &report);
    if (e == NULL)
        e = tell(c, t, report, &retry);
    vault_point_free(retry.point);
    doctor_causes_done(&causes);
    return e;
}

/* A look needs no journal: where none can be kept, it goes on without. */
static struct err *
find_folder(struct cmd *c, char **ret)
{
    struct err *e = journal_folder(ret);

    if (e == NULL || c->o.set[OPT_APPLY] || c->o.set[OPT_UNDO])
        return e;
    cmd_warn(c, e);
    return NULL;
}

struct err *
cmd_doctor(struct cmd *c)
{
    const char *target, *code;
    unsigned consent = 0;
    auto_free char *folder = NULL;
    auto_ptr(target) t = NULL;
    bool guest;

    TRY(read_words(c, &target, &code));
    TRY(read_consent(c->o.value[OPT_YES], &consent));
    TRY(find_folder(c, &folder));
    TRY(job_target_open(target, &t, &guest));
    if (c->o.value[OPT_UNDO] != NULL)
        return undo(c, t, folder);
    return examine(c, t, guest, code, consent, folder);
}
