/* SPDX-License-Identifier: Apache-2.0 */
/* firn doctor: verify the cause of a failure and, with consent, repair it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "article_file.h"
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

static bool
ask(void *arg, const struct action *a, const char *change)
{
    struct doctor_retry *r = arg;
    auto_free char *question = NULL;
    struct err *e = doctor_question(a, change, &question);

    if (e != NULL) { /* without memory nobody is asked, and nothing is done */
        err_free(e);
        return false;
    }
    cmd_note(r->c, "%s", question);
    return doctor_answer();
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

/* "the backup works again: ..." */
static struct err *
works_again(const struct vault_point *point, char **ret)
{
    char id[2 * VAULT_KEY_LEN + 1];

    if (point == NULL)
        return NULL;
    vault_key_hex(&point->id, id);
    if (asprintf(ret, "the backup works again: recovery point %s", id) < 0)
        return fail(OutOfMemory);
    return NULL;
}

static struct err *
tell(struct cmd *c, const struct target *t, const struct runbook_report *r,
    const struct doctor_retry *retry)
{
    auto_free char *works = NULL, *command = NULL;
    struct text text = { 0 };
    struct err *weaker, *e;
    json_t *doc = NULL;

    if (c->json) {
        TRY(runbook_json(r, &doc));
        if (retry->point != NULL)
            (void)json_object_set_new(json_object_get(doc, "retry"), "point",
                show_point_json(retry->point));
        TRY(cmd_result(c, doc));
    }
    TRY(works_again(retry->point, &works));
    if (asprintf(&command, "firn doctor %s", t->name) < 0)
        return fail(OutOfMemory);
    doctor_show(t, r, command, works, &text);
    cmd_say(c, "%s", text.s != NULL ? text.s : "");
    e = text.no_memory ? fail(OutOfMemory) : NULL;
    text_done(&text);
    TRY(e);
    e = doctor_judge(t, r, &weaker);
    if (weaker != NULL)
        cmd_warn(c, weaker);
    return e;
}

static size_t
known_args(void *arg, const char *code, struct err_arg ret[ERR_MAX_ARGS])
{
    return last_args(arg, code, ret);
}

/* The code, the file of --article or nothing, with the variables of the last failure. */
static struct err *
find_causes(struct cmd *c, struct target *t, const char *code, struct last *last,
    struct doctor_causes *ret)
{
    const struct doctor_facts facts = { known_args, last };
    const char *path = c->o.value[OPT_ARTICLE], *slash;
    struct article *a = NULL;
    struct err *e;

    if (path != NULL) {
        TRY(article_file_read(path, &a));
        article_file_judge(c, path, a);
    }
    slash = path != NULL ? strrchr(path, '/') : NULL;
    e = doctor_causes(t, code, a, slash != NULL ? slash + 1 : path,
        last != NULL ? &facts : NULL, ret);
    article_free(a);
    return e;
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
    e = find_causes(c, t, code, last, &causes);
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
    TRY(doctor_consent(c->o.value[OPT_YES], &consent));
    TRY(find_folder(c, &folder));
    TRY(job_target_open(target, &t, &guest));
    if (c->o.value[OPT_UNDO] != NULL)
        return undo(c, t, folder);
    return examine(c, t, guest, code, consent, folder);
}
