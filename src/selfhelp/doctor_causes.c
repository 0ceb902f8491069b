/* SPDX-License-Identifier: Apache-2.0 */
/* From a code, a file or nothing to plans with their variables filled.
 *
 * Values of variables come from what is known of a failure with the same code: what the
 * operation saw is what the doctor looks at. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog.h"
#include "codes.h"
#include "compile.h"
#include "doctor.h"
#include "lint.h"
#include "writers.h"

enum { CAUSES_MAX = 512, NUMBER_TEXT = 24 };

struct values {
    struct err_arg arg[ERR_MAX_ARGS];
    char number[ERR_MAX_ARGS][NUMBER_TEXT];
    size_t n;
};

static const char *
value_of(struct values *v, const char *name)
{
    for (size_t i = 0; i < v->n; i++) {
        if (strcmp(v->arg[i].name, name) != 0)
            continue;
        if (v->arg[i].str != NULL) /* "?" is what a failure says of what it was not told */
            return strcmp(v->arg[i].str, "?") == 0 ? NULL : v->arg[i].str;
        (void)snprintf(v->number[i], NUMBER_TEXT, "%lld", (long long)v->arg[i].num);
        return v->number[i];
    }
    return NULL;
}

/* A failure of a writer may name that alone. */
static const char *
find_value(void *arg, const char *name)
{
    const char *value = value_of(arg, name), *writer;

    if (value != NULL || strcmp(name, "service") != 0)
        return value;
    writer = value_of(arg, "writer");
    return writer == NULL ? NULL : writer_service(writer);
}

static void
values_of(const struct doctor_facts *facts, const struct err *why, const char *code,
    struct values *ret)
{
    if (why != NULL)
        for (size_t i = 0; i < err_nargs(why) && i < ERR_MAX_ARGS; i++)
            ret->arg[ret->n++] = *err_arg(why, i);
    else if (facts != NULL)
        ret->n = facts->args(facts->arg, code, ret->arg);
}

/* Add the article as a candidate, with variables from ${why} or else ${facts}; ${code} is NULL
 * for one that is not ours. */
static struct err *
add(struct doctor_causes *d, const struct article *a, const char *path, const char *code,
    const struct doctor_facts *facts, const struct err *why)
{
    const char *slash = strrchr(path, '/'), *file = slash != NULL ? slash + 1 : path;
    auto_ptr(plan) p = NULL;
    struct article_codes names = { 0 };
    struct values v = { .n = 0 };
    auto_free char *name = NULL;

    if (code == NULL)
        TRY(lint_readable(a, path));
    TRY(compile_article(a, file, &p));
    if (code == NULL) {
        TRY(lint_tells(a, p, path));
        TRY(compile_codes(a, file, &names));
        name = strdup(names.n > 0 ? names.code[0].code : file);
        article_codes_done(&names);
    } else {
        name = strdup(code);
    }
    if (name == NULL)
        return fail(OutOfMemory);
    values_of(facts, why, name, &v);
    TRY(plan_fill(p, find_value, &v));
    d->codes[d->n] = name;
    d->plans[d->n] = p;
    d->item[d->n] = (struct runbook_candidate){ .code = take(name), .plan = take(p) };
    d->n++;
    return NULL;
}

/* Does its look tell nothing unless the failure was seen?  What lacks may not be needed. */
static bool
needs_failure(const struct article *a, const char *code, const struct doctor_facts *facts)
{
    const char *evidence = article_value(a, "evidence");
    struct err_arg args[ERR_MAX_ARGS];

    return evidence != NULL && strcmp(evidence, "failure") == 0 &&
        (facts == NULL || facts->args(facts->arg, code, args) == 0);
}

/* *ret_only_failure (may be NULL): nobody should look at it who was not told of the code. */
static struct err *
add_entry(struct doctor_causes *d, const struct catalog_entry *e,
    const struct doctor_facts *facts, const struct err *why, bool *ret_only_failure)
{
    struct article *a = NULL;
    struct err *failed;

    if (article_parse(e->text, e->text_len, &a) != ARTICLE_OK)
        return fail(OutOfMemory); /* ours are never too large */
    failed = add(d, a, e->file, e->id, facts, why);
    if (ret_only_failure != NULL)
        *ret_only_failure = needs_failure(a, e->id, facts);
    article_free(a);
    return failed;
}

/* Has firn a step that changes something on such a machine? */
static bool
is_repaired(const struct plan *p, const struct target *t)
{
    for (size_t i = 0; i < p->nsteps; i++) {
        const struct action_kind *kind = p->steps[i].action.kind;

        if (!kind->person && kind->risk != RISK_READ &&
            (kind->os == ACTION_ANY || kind->os == t->os))
            return true;
    }
    return false;
}

/* Why the cause's first probe cannot be asked of this machine: *ret is NULL where it can, else
 * the caller's.  *ret_is_of = false: it is about another kind of machine, or there is none. */
static struct err *
why_unseen(const struct plan *p, const struct target *t, bool *ret_is_of, char **ret)
{
    const struct plan_step *naming = plan_naming(p);
    const struct action *a = naming != NULL ? &naming->action : NULL;

    *ret = NULL;
    *ret_is_of = a != NULL && !a->kind->person &&
        (a->kind->os == ACTION_ANY || a->kind->os == t->os);
    if (!*ret_is_of || (plan_step_runs(naming) && remedy_can(t, a, ret)))
        return NULL;
    if (*ret == NULL)
        *ret = strdup("its probe needs what only the failure tells");
    return *ret == NULL ? fail(OutOfMemory) : NULL;
}

static void
drop_last(struct doctor_causes *d)
{
    d->n--;
    plan_free(d->plans[d->n]);
    free(d->codes[d->n]);
    free((char *)(uintptr_t)d->item[d->n].unseen);
}

/* When nothing is known to have failed, what firn cannot mend is no finding: a Windows without
 * the provider of QEMU's agent may have no need of it. */
static struct err *
add_all(struct doctor_causes *d, const struct target *t, const struct doctor_facts *facts)
{
    for (size_t i = 0; i < catalog_table_len && d->n < CAUSES_MAX; i++) {
        const struct plan *p;
        char *unseen;
        bool is_of, only_failure = false;

        TRY(add_entry(d, &catalog_table[i], facts, NULL, &only_failure));
        p = d->plans[d->n - 1];
        TRY(why_unseen(p, t, &is_of, &unseen));
        if (unseen == NULL && only_failure && is_of)
            unseen = strdup("only a failure tells whether it is needed here");
        if (unseen == NULL && only_failure && is_of)
            return fail(OutOfMemory);
        d->item[d->n - 1].unseen = unseen;
        if (!is_of || !is_repaired(p, t))
            drop_last(d);
    }
    return NULL;
}

struct err *
doctor_cause_add(struct doctor_causes *d, const struct target *t, const char *code,
    const struct err *why, const struct doctor_facts *facts,
    const struct runbook_candidate **ret)
{
    const struct catalog_entry *e = catalog_find(code);
    auto_free char *unseen = NULL;
    bool is_of;

    *ret = NULL;
    if (e == NULL || d->n == CAUSES_MAX)
        return NULL;
    TRY(add_entry(d, e, facts, why, NULL));
    TRY(why_unseen(d->plans[d->n - 1], t, &is_of, &unseen));
    if ((is_of && unseen == NULL) || is_repaired(d->plans[d->n - 1], t))
        *ret = &d->item[d->n - 1];
    else
        drop_last(d);
    return NULL;
}

struct err *
doctor_causes(const struct target *t, const char *code, const struct article *a,
    const char *path, const struct doctor_facts *facts, struct doctor_causes *ret)
{
    const struct catalog_entry *e;

    ret->item = calloc(CAUSES_MAX, sizeof(*ret->item));
    ret->plans = calloc(CAUSES_MAX, sizeof(*ret->plans));
    ret->codes = calloc(CAUSES_MAX, sizeof(*ret->codes));
    if (ret->item == NULL || ret->plans == NULL || ret->codes == NULL)
        return fail(OutOfMemory);
    if (a != NULL)
        return add(ret, a, path, NULL, facts, NULL);
    if (code == NULL)
        return add_all(ret, t, facts);
    e = catalog_find(code);
    if (e == NULL)
        return catalog_unknown(code);
    return add_entry(ret, e, facts, NULL, NULL);
}

bool
doctor_has_cause(const struct doctor_causes *d, const char *code)
{
    for (size_t i = 0; i < d->n; i++)
        if (strcmp(code, d->item[i].code) == 0)
            return true;
    return false;
}

void
doctor_causes_done(struct doctor_causes *d)
{
    while (d->n > 0)
        drop_last(d);
    free(d->item);
    free(d->plans);
    free(d->codes);
}
