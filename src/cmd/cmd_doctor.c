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
#include "hint.h"
#include "job_connect.h"
#include "job_target.h"
#include "journal.h"
#include "show.h"
#include "state.h"
#include "text.h"

/* What the calls of runbook.h need of this command. */
struct examination {
    struct cmd *c;
    struct target *t;
    struct last *last; /* NULL: nothing is known to have failed */
    struct doctor_causes causes;
    struct doctor_retry retry;
    struct text command; /* how this doctor is called for this machine, as a line to type */
    struct text source, options; /* and with what it goes on */
};

static struct err *
try_again(void *arg, struct deadline by, struct err **ret_why)
{
    struct examination *x = arg;

    (void)by; /* a backup has deadlines of its own */
    return doctor_try_again(&x->retry, ret_why);
}

static size_t
known_args(void *arg, const char *code, struct err_arg ret[ERR_MAX_ARGS])
{
    struct examination *x = arg;

    return x->last != NULL ? last_args(x->last, code, ret) : 0;
}

static struct err *
find_cause(void *arg, const char *code, const struct err *why,
    const struct runbook_candidate **ret)
{
    struct examination *x = arg;
    const struct doctor_facts facts = { known_args, x };

    TRY(doctor_cause_add(&x->causes, x->t, code, why, &facts, ret));
    if (*ret != NULL && why != NULL)
        cmd_note(x->c, "The backup fails for another reason now: %s\n", err_message(why));
    return NULL;
}

static bool
ask(void *arg, const struct action *a, const char *change)
{
    struct examination *x = arg;
    auto_free char *question = NULL;
    struct err *e = doctor_question(a, change, &question);

    if (e != NULL) { /* without memory nobody is asked, and nothing is done */
        err_free(e);
        return false;
    }
    cmd_note(x->c, "%s", question);
    return doctor_answer();
}

static bool
ask_done(void *arg, const char *what)
{
    struct examination *x = arg;
    auto_free char *question = NULL;
    struct err *e = doctor_question_done(what, &question);

    if (e != NULL) { /* without memory nobody is asked, and it waits */
        err_free(e);
        return false;
    }
    cmd_note(x->c, "%s", question);
    return doctor_answer();
}

/* No code has a slash or a dot: whoever types one means a folder, a socket or an image. */
static struct err *
unknown_word(const char *word)
{
    struct text why = { 0 };
    struct err *e;

    if (strpbrk(word, "/.") == NULL)
        return catalog_unknown(word);
    text_fmt(&why, "%s is no code, and a TARGET says what it is: root:FOLDER, disk:FOLDER, "
                   "qga:SOCKET, qmp:SOCKET or vm:NAME", word);
    e = why.no_memory ? fail(OutOfMemory) : fail(UsageWrong, why.s);
    text_done(&why);
    return e;
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
        return unknown_word(*ret_code);
    if (c->o.set[OPT_UNDO] &&
        (*ret_code != NULL || c->o.set[OPT_APPLY] || c->o.set[OPT_ARTICLE] ||
            c->o.set[OPT_DONE]))
        return fail(UsageWrong, "--undo takes a repair back: it goes with a TARGET alone");
    return NULL;
}

static void
undo_line(void *arg, const char *text)
{
    cmd_say(arg, "%s\n", text);
}

/* What goes with a rehearsal, and what with anything else. */
static struct err *
check_rehearsal(const struct cmd *c, bool rehearses, const char *code)
{
    static const enum cmd_option_id others[] = { OPT_APPLY, OPT_YES, OPT_DONE, OPT_ORDER,
        OPT_UNDO, OPT_ARTICLE };
    static const enum cmd_option_id own[] = { OPT_MACHINE, OPT_VM_DISKS, OPT_EXCEPT_DISKS,
        OPT_SCRATCH, OPT_CONSISTENCY };

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (rehearses && (code != NULL || c->o.set[others[i]]))
            return fail(UsageWrong, "the backup of a running machine is rehearsed, which takes "
                "neither a CODE nor options of repairs; its guest is a TARGET of its own, "
                "qga:SOCKET");
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        if (!rehearses && c->o.set[own[i]])
            return fail(UsageWrong, "--machine, --disk, --exclude-disk, --scratch and "
                "--consistency go with a running machine, qmp:SOCKET or vm:NAME");
    return NULL;
}

static struct err *
undo(struct cmd *c, struct target *t, const char *folder)
{
    const char *id = c->o.value[OPT_UNDO];
    size_t kept;

    TRY(runbook_undo(t, folder, id, undo_line, c, &kept));
    if (kept > 0)
        cmd_warn(c, fail(UndoKept, id, (int64_t)kept));
    else
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
tell(struct examination *x, const struct runbook_report *r)
{
    const struct vault_point *point = x->retry.point;
    auto_free char *works = NULL;
    struct text text = { 0 };
    struct err *weaker, *e;
    json_t *doc = NULL;

    if (x->c->json) {
        TRY(runbook_json(r, &doc));
        if (point != NULL)
            (void)json_object_set_new(json_object_get(doc, "retry"), "point",
                show_point_json(point));
        TRY(cmd_result(x->c, doc));
    }
    TRY(works_again(point, &works));
    doctor_show(x->t, r, x->command.s, works, &text);
    cmd_say(x->c, "%s", text.s != NULL ? text.s : "");
    e = text.no_memory ? fail(OutOfMemory) : NULL;
    text_done(&text);
    TRY(e);
    e = doctor_judge(x->t, r, &weaker);
    if (weaker != NULL)
        cmd_warn(x->c, weaker);
    return e;
}

/* The code, the file of --article or nothing, with the variables of the last failure. */
static struct err *
find_causes(struct examination *x, const char *code)
{
    const struct doctor_facts facts = { known_args, x };
    const char *path = x->c->o.value[OPT_ARTICLE];
    struct article *a = NULL;
    struct err *e;

    if (path != NULL) {
        TRY(article_file_read(path, &a));
        article_file_judge(x->c, path, a);
    }
    e = doctor_causes(x->t, code, a, path, &facts, &x->causes);
    article_free(a);
    return e;
}

static struct runbook_policy
policy_of(struct examination *x, unsigned consent, const char *folder)
{
    const struct options *o = &x->c->o;
    struct runbook_policy p = { .apply = o->set[OPT_APPLY], .consent = consent,
        .journals = folder, .bundles = folder, .arg = x, .find = find_cause,
        .command = x->command.s, .source = x->source.s, .options = x->options.s,
        .order = o->value[OPT_ORDER] != NULL && strcmp(o->value[OPT_ORDER], "article") == 0
            ? RUNBOOK_ARTICLE
            : RUNBOOK_SAFE };

    if (!x->t->offline && doctor_can_retry(x->last, &x->causes)) {
        x->retry.last = x->last;
        x->retry.warnings = json_array_size(x->c->warnings);
        x->retry.weaker = x->c->weaker;
        p.retry = try_again;
    }
    if (p.apply && !x->c->json && isatty(0) == 1 && isatty(2) == 1) {
        p.ask = ask;
        p.ask_done = ask_done;
    }
    return p;
}

static struct err *
examine(struct examination *x, const char *code, unsigned consent, const char *folder)
{
    auto_ptr(runbook_report) report = NULL;
    const char *const *value = x->c->o.value;
    struct runbook_policy policy;

    hint_words(&x->command, (const char *const[]){ "firn", "doctor", x->t->name, NULL });
    doctor_add_option(&x->source, "article", value[OPT_ARTICLE]);
    text_str(&x->options, "--apply");
    doctor_add_option(&x->options, "yes", value[OPT_YES]);
    doctor_add_option(&x->options, "order", value[OPT_ORDER]);
    if (x->command.no_memory || x->source.no_memory || x->options.no_memory)
        return fail(OutOfMemory);
    TRY(find_causes(x, code));
    TRY(doctor_done(&x->causes, x->c->o.value[OPT_DONE]));
    policy = policy_of(x, consent, folder);
    TRY(runbook_run(x->t, x->causes.item, x->causes.n, &policy, &report));
    return tell(x, report);
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

/* vm:NAME is a guest where something is asked of it, else a machine to be rehearsed. */
static bool
is_rehearsal(const struct cmd *c, const char *target, const char *code)
{
    bool repair = code != NULL || c->o.set[OPT_APPLY] || c->o.set[OPT_UNDO] ||
                  c->o.set[OPT_ARTICLE];

    return doctor_rehearses(target) && !(repair && job_connect_is(target));
}

struct err *
cmd_doctor(struct cmd *c)
{
    const char *target, *code;
    unsigned consent = 0;
    auto_free char *folder = NULL, *machine = NULL;
    auto_ptr(target) t = NULL;
    bool guest;

    TRY(read_words(c, &target, &code));
    bool rehearses = is_rehearsal(c, target, code);

    TRY(check_rehearsal(c, rehearses, code));
    if (rehearses)
        return doctor_rehearse(c, target);
    TRY(doctor_consent(c->o.value[OPT_YES], &consent));
    TRY(find_folder(c, &folder));
    TRY(job_connect(target, c->o.value[OPT_CONNECT], &machine));
    TRY(job_target_open(machine, &t, &guest));
    if (c->o.value[OPT_UNDO] != NULL)
        return undo(c, t, folder);
    struct examination x = { .c = c, .t = t, .retry = { c, .guest = guest ? t : NULL } };
    struct err *e;

    err_free(last_load(&x.last)); /* without it variables stay open and nothing is retried */
    e = examine(&x, code, consent, folder);
    vault_point_free(x.retry.point);
    doctor_causes_done(&x.causes);
    last_free(x.last);
    text_done(&x.command);
    text_done(&x.source);
    text_done(&x.options);
    return e;
}
