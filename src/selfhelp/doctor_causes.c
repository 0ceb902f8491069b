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

enum { CAUSES_MAX = 512, NUMBER_TEXT = 24 };

struct values {
    struct err_arg arg[ERR_MAX_ARGS];
    char number[ERR_MAX_ARGS][NUMBER_TEXT];
    size_t n;
};

static const char *
find_value(void *arg, const char *name)
{
    struct values *v = arg;

    for (size_t i = 0; i < v->n; i++) {
        if (strcmp(v->arg[i].name, name) != 0)
            continue;
        if (v->arg[i].str != NULL)
            return v->arg[i].str;
        (void)snprintf(v->number[i], NUMBER_TEXT, "%lld", (long long)v->arg[i].num);
        return v->number[i];
    }
    return NULL;
}

/* Add the article as a candidate; ${code} is NULL for one that is not ours. */
static struct err *
add(struct doctor_causes *d, const struct article *a, const char *file, const char *code,
    const struct doctor_facts *facts)
{
    auto_ptr(plan) p = NULL;
    struct article_codes names = { 0 };
    struct values v = { .n = 0 };
    auto_free char *name = NULL;

    TRY(compile_article(a, file, &p));
    if (code == NULL) {
        TRY(compile_codes(a, file, &names));
        name = strdup(names.n > 0 ? names.code[0].code : file);
        article_codes_done(&names);
    } else {
        name = strdup(code);
    }
    if (name == NULL)
        return fail(OutOfMemory);
    if (facts != NULL)
        v.n = facts->args(facts->arg, name, v.arg);
    TRY(plan_fill(p, find_value, &v));
    d->codes[d->n] = name;
    d->plans[d->n] = p;
    d->item[d->n] = (struct runbook_candidate){ .code = take(name), .plan = take(p) };
    d->n++;
    return NULL;
}

static struct err *
add_entry(struct doctor_causes *d, const struct catalog_entry *e,
    const struct doctor_facts *facts)
{
    struct article *a = NULL;
    struct err *failed;

    if (article_parse(e->text, e->text_len, &a) != ARTICLE_OK)
        return fail(OutOfMemory); /* ours are never too large */
    failed = add(d, a, e->file, e->id, facts);
    article_free(a);
    return failed;
}

static bool
is_repaired(const struct plan *p)
{
    for (size_t i = 0; i < p->nsteps; i++)
        if (plan_step_runs(&p->steps[i]) && p->steps[i].action.kind->risk != RISK_READ)
            return true;
    return false;
}

/* Can the cause's first probe be asked of this machine, and has firn a repair for it?  When
 * nothing is known to have failed, what firn cannot mend is no finding: a Windows without the
 * provider of QEMU's agent may have no need of it. */
static bool
is_probed(const struct plan *p, const struct target *t)
{
    const struct action *a = p->nprobes > 0 ? &p->probes[0].action : NULL;

    return a != NULL && plan_step_runs(&p->probes[0]) &&
        (a->kind->os == ACTION_ANY || a->kind->os == t->os) && remedy_can(t, a, NULL) &&
        is_repaired(p);
}

static void
drop_last(struct doctor_causes *d)
{
    d->n--;
    plan_free(d->plans[d->n]);
    free(d->codes[d->n]);
}

static struct err *
add_all(struct doctor_causes *d, const struct target *t, const struct doctor_facts *facts)
{
    for (size_t i = 0; i < catalog_table_len && d->n < CAUSES_MAX; i++) {
        TRY(add_entry(d, &catalog_table[i], facts));
        if (!is_probed(d->item[d->n - 1].plan, t))
            drop_last(d);
    }
    return NULL;
}

struct err *
doctor_causes(const struct target *t, const char *code, const struct article *a,
    const char *file, const struct doctor_facts *facts, struct doctor_causes *ret)
{
    const struct catalog_entry *e;

    ret->item = calloc(CAUSES_MAX, sizeof(*ret->item));
    ret->plans = calloc(CAUSES_MAX, sizeof(*ret->plans));
    ret->codes = calloc(CAUSES_MAX, sizeof(*ret->codes));
    if (ret->item == NULL || ret->plans == NULL || ret->codes == NULL)
        return fail(OutOfMemory);
    if (a != NULL)
        return add(ret, a, file, NULL, facts);
    if (code == NULL)
        return add_all(ret, t, facts);
    e = catalog_find(code);
    if (e == NULL)
        return catalog_unknown(code);
    return add_entry(ret, e, facts);
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
