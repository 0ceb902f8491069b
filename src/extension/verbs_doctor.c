/* SPDX-License-Identifier: Apache-2.0 */
/* firn-extension doctor: what firn doctor does, inside of the machine.
 *
 * The operation that is tried again is prepare, where the package's status says that prepare
 * or enable failed with one of the causes' codes: what failed once may be asked for again. */
#include <stdio.h>
#include <string.h>

#include "catalog.h"
#include "codes.h"
#include "doctor.h"
#include "err_json.h"
#include "journal.h"
#include "lint.h"
#include "machine.h"
#include "os.h"
#include "prepare.h"
#include "reported.h"
#include "verbs.h"

#define COMMAND "firn-extension doctor"
#define MACHINE "this machine"
#define CLOUD "public" /* as firn takes it, unless it is told another one */

struct visit {
    struct call *call;
    struct err *last;  /* the failure of the last prepare, NULL: none is known */
    struct target *target; /* borrowed */
    struct doctor_causes causes;
    struct text source, options; /* how the doctor is called to go on */
    json_t *warnings;
};

/* ---- what it says ---- */

static void
print_line(void *to, const char *text)
{
    (void)fprintf(stderr, "%s%s\n", (const char *)to, text);
}

/* Takes ${warning}. */
static void
warn(void *arg, struct err *warning)
{
    struct visit *v = arg;

    if (err_severity(warning) == SEVERITY_WARNING)
        v->call->exit_status = err_exit_status(warning);
    err_print(warning, false, print_line, (void *)(uintptr_t) "firn-extension: warning: ");
    (void)json_array_append_new(v->warnings, err_json_warning(warning));
    err_free(warning);
}

/* The document: what was found, the warnings, the failure.  Takes ${doc}, NULL being none. */
static struct err *
put_document(struct visit *v, json_t *doc, const struct err *failed)
{
    json_t *all = doc != NULL ? doc : json_object();
    json_t *error = failed == NULL ? json_object() : err_json(failed);
    auto_free char *text = NULL;

    if (json_object_set_new(all, "schema", json_integer(1)) == 0 &&
        json_object_set_new(all, "warnings", json_deep_copy(v->warnings)) == 0 &&
        json_object_update(all, error) == 0)
        text = json_dumps(all, JSON_INDENT(2));
    json_decref(error);
    json_decref(all);
    if (text == NULL)
        return fail(OutOfMemory);
    text_done(&v->call->out);
    text_fmt(&v->call->out, "%s\n", text);
    v->call->told = true;
    return NULL;
}

static struct err *
put_text(struct visit *v, const struct target *t, const struct runbook_report *r)
{
    struct text plain = { 0 };

    doctor_show(t, r, COMMAND, "prepare works again", &plain);
    if (!plain.no_memory)
        text_escaped(&v->call->out, plain.s != NULL ? plain.s : "");
    bool whole = !plain.no_memory;

    text_done(&plain);
    return whole ? NULL : fail(OutOfMemory);
}

static struct err *
show(struct visit *v, const struct target *t, const struct runbook_report *r)
{
    struct err *weaker, *e = doctor_judge(t, r, &weaker), *bad = NULL;
    json_t *doc = NULL;

    if (weaker != NULL)
        warn(v, weaker);
    if (!v->call->json)
        bad = put_text(v, t, r);
    else
        bad = runbook_json(r, &doc);
    if (v->call->json && bad == NULL)
        bad = put_document(v, doc, e);
    return e != NULL ? err_also(e, bad) : bad;
}

/* ---- what it asks for ---- */

/* Without memory (${e}, which is taken) nobody is asked, and nothing is done. */
static bool
put_question(struct err *e, char *const *question)
{
    struct text safe = { 0 };

    if (e == NULL)
        text_escaped(&safe, *question);
    err_free(e);
    if (safe.s == NULL)
        return false;
    (void)fputs(safe.s, stderr);
    text_done(&safe);
    return doctor_answer();
}

/* A yes on the terminal; everything else is a no. */
static bool
ask(void *arg, const struct action *a, const char *change)
{
    auto_free char *question = NULL;

    (void)arg;
    return put_question(doctor_question(a, change, &question), &question);
}

static bool
ask_done(void *arg, const char *what)
{
    auto_free char *question = NULL;

    (void)arg;
    return put_question(doctor_question_done(what, &question), &question);
}

/* A prepare that failed, as a failure of ours; NULL: it did not. */
static struct err *
why_not_ready(struct visit *v, const struct prepare *p, struct err **ret_why)
{
    json_t *answer;

    if (p->result == PREPARE_SKIPPED)
        warn(v, fail(ExtensionCheckSkipped, MACHINE,
                    v->call->package != NULL ? v->call->package : "firn-extension"));
    if (p->result != PREPARE_FAILED)
        return NULL;
    answer = json_loads(p->json, JSON_REJECT_DUPLICATES, NULL);
    if (answer == NULL)
        return fail(OutOfMemory); /* it is our own */
    *ret_why = reported_failure(MACHINE,
        v->call->package != NULL ? v->call->package : "firn-extension", answer);
    json_decref(answer);
    return NULL;
}

static struct err *
prepare_again(void *arg, struct deadline by, struct err **ret_why)
{
    struct visit *v = arg;
    auto_ptr(prepare) p = NULL;

    *ret_why = NULL;
    (void)fprintf(stderr, "Trying prepare again.\n");
    TRY(verbs_prepare(v->call, by, &p));
    TRY(why_not_ready(v, p, ret_why));
    return NULL;
}

/* A detail that was too long for its file is left out there; the code is not. */
static struct err *
failure_json(const char *code, const char *detail, json_t **ret)
{
    json_t *o = json_loads(detail, JSON_REJECT_DUPLICATES, NULL);

    if (json_is_string(json_object_get(o, "code"))) {
        *ret = o;
        return NULL;
    }
    json_decref(o);
    *ret = json_pack("{s:s}", "code", code);
    return *ret == NULL ? fail(OutOfMemory) : NULL;
}

/* The failure of the last prepare, or NULL.  A program that lies in no package has none,
 * unless it is told of one that is not there. */
static struct err *
find_last(struct visit *v)
{
    auto_free char *code = NULL, *detail = NULL;
    json_t *answer = NULL;
    struct err *e = verbs_last_failure(v->call, &code, &detail);

    if (e != NULL && v->call->package == NULL && v->call->folder == NULL &&
        err_code(e) != E_OutOfMemory) {
        err_free(e);
        e = NULL;
    }
    TRY(e);
    if (code == NULL)
        return NULL;
    TRY(failure_json(code, detail, &answer));
    v->last = reported_failure(MACHINE,
        v->call->package != NULL ? v->call->package : "firn-extension", answer);
    json_decref(answer);
    return NULL;
}

/* ---- what it looks at ---- */

static size_t
known_args(void *arg, const char *code, struct err_arg ret[ERR_MAX_ARGS])
{
    const struct err *e = arg;
    size_t n = strcmp(err_id(e), code) == 0 ? err_nargs(e) : 0;

    for (size_t i = 0; i < n; i++)
        ret[i] = *err_arg(e, i);
    return n;
}

/* What prepare fails with when another cause was repaired. */
static struct err *
find_cause(void *arg, const char *code, const struct err *why,
    const struct runbook_candidate **ret)
{
    struct visit *v = arg;
    const struct doctor_facts facts = { known_args, v->last };

    return doctor_cause_add(&v->causes, v->target, code, why, v->last != NULL ? &facts : NULL,
        ret);
}

static struct err *
read_article(const char *path, struct article **ret)
{
    auto_free char *bytes = NULL;
    size_t len = 0;

    TRY(os_read(path, ARTICLE_MAX_BYTES, &bytes, &len));
    if (bytes == NULL)
        return fail(FileUnreadable, path);
    return article_parse(bytes, len, ret) == ARTICLE_OK ? NULL : fail(OutOfMemory);
}

static struct err *
find_causes(struct visit *v)
{
    const struct doctor_facts facts = { known_args, v->last };
    const char *path = v->call->article, *name = path;
    struct article *a = NULL;
    struct err *e;

    if (path != NULL)
        TRY(read_article(path, &a));
    if (a != NULL && !lint_applies(article_value(a, "cloudEnvironments"), CLOUD))
        warn(v, fail(ArticleElsewhere, path, "cloud", article_value(a, "cloudEnvironments"),
                    CLOUD));
    for (const char *s = path; s != NULL && *s != '\0'; s++)
        if (*s == '/' || *s == '\\')
            name = s + 1;
    e = doctor_causes(v->target, v->call->nwords > 0 ? v->call->words[0] : NULL, a, name,
        v->last != NULL ? &facts : NULL, &v->causes);
    article_free(a);
    return e;
}

/* How the doctor is called again with what it was called with now. */
static struct err *
tell_call(struct visit *v)
{
    doctor_add_option(&v->source, "article", v->call->article);
    text_str(&v->options, "--apply");
    doctor_add_option(&v->options, "yes", v->call->yes);
    doctor_add_option(&v->options, "order", v->call->order);
    doctor_add_option(&v->options, "package", v->call->package);
    doctor_add_option(&v->options, "folder", v->call->folder);
    return v->source.no_memory || v->options.no_memory ? fail(OutOfMemory) : NULL;
}

static struct err *
examine(struct visit *v, struct target *t, unsigned consent, const char *folder)
{
    auto_ptr(runbook_report) report = NULL;
    const struct call *c = v->call;
    struct runbook_policy policy = { .apply = c->apply, .consent = consent, .arg = v,
        .find = find_cause, .journals = folder, .bundles = folder, .command = COMMAND,
        .source = v->source.s, .options = v->options.s,
        .order = c->order != NULL && strcmp(c->order, "article") == 0 ? RUNBOOK_ARTICLE
                                                                      : RUNBOOK_SAFE };
    struct err *e;

    TRY(find_last(v));
    v->target = t;
    e = find_causes(v);
    if (e == NULL && v->last != NULL && doctor_has_cause(&v->causes, err_id(v->last)))
        policy.retry = prepare_again;
    if (policy.apply && !c->json && isatty(0) != 0 && isatty(2) != 0) {
        policy.ask = ask;
        policy.ask_done = ask_done;
    }
    if (e == NULL)
        e = doctor_done(&v->causes, c->done);
    if (e == NULL)
        e = runbook_run(t, v->causes.item, v->causes.n, &policy, &report);
    if (e == NULL)
        e = show(v, t, report);
    doctor_causes_done(&v->causes);
    return e;
}

static void
undo_line(void *arg, const char *text)
{
    struct visit *v = arg;

    text_escaped(&v->call->out, text);
    text_str(&v->call->out, "\n");
}

static struct err *
undo(struct visit *v, struct target *t, const char *folder)
{
    const char *id = v->call->undo;
    size_t kept;

    TRY(runbook_undo(t, folder, id, undo_line, v, &kept));
    if (kept > 0)
        warn(v, fail(UndoKept, id, (int64_t)kept));
    else
        text_fmt(&v->call->out, "the repair %s is undone\n", id);
    if (v->call->json)
        TRY(put_document(v, json_pack("{s:s, s:b, s:I}", "journal", id, "undone", 1, "kept",
                                (json_int_t)kept), NULL));
    return NULL;
}

static struct err *
check_words(const struct call *c)
{
    const char *code = c->nwords > 0 ? c->words[0] : NULL;

    if (c->order != NULL && strcmp(c->order, "safe") != 0 && strcmp(c->order, "article") != 0)
        return fail(UsageWrong, "--order is safe or article");
    if (code != NULL && c->article != NULL)
        return fail(UsageWrong, "a CODE or --article, not both");
    if (code != NULL && catalog_find(code) == NULL)
        return catalog_unknown(code);
    if (c->undo != NULL &&
        (code != NULL || c->apply || c->article != NULL || c->done != NULL))
        return fail(UsageWrong, "--undo takes a repair back: it goes with no CODE");
    return NULL;
}

/* A look needs no journal: where none can be kept, it goes on without. */
static struct err *
find_folder(struct visit *v, char **ret)
{
    struct err *e = journal_folder(ret);

    if (e == NULL || v->call->apply || v->call->undo != NULL)
        return e;
    warn(v, e);
    return NULL;
}

static struct err *
visit(struct visit *v)
{
    auto_free char *folder = NULL;
    auto_ptr(target) t = NULL;
    unsigned consent = 0;

    TRY(check_words(v->call));
    TRY(doctor_consent(v->call->yes, &consent));
    TRY(find_folder(v, &folder));
    TRY(tell_call(v));
    TRY(machine_open(&t));
    if (v->call->undo != NULL)
        TRY(undo(v, t, folder));
    else
        TRY(examine(v, t, consent, folder));
    return NULL;
}

struct err *
verb_doctor(struct call *c)
{
    struct visit v = { .call = c, .warnings = json_array() };
    struct err *e;

    machine_hear_stop();
    e = v.warnings == NULL ? fail(OutOfMemory) : visit(&v);
    if (e != NULL && c->json && !c->told) /* it came to no report */
        err_free(put_document(&v, NULL, e));
    text_done(&v.source);
    text_done(&v.options);
    json_decref(v.warnings);
    err_free(v.last);
    return e;
}
