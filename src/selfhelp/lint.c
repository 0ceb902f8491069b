/* SPDX-License-Identifier: Apache-2.0 */
/* lint.h says what is looked for; each rule is one function over the article or its plan. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "codes.h"
#include "lint.h"
#include "text.h"

/* A file of random bytes has one in nine below the space that are no white space. */
enum { UTF16_ZEROS = 4, ODD_BYTES = 16 };

struct look {
    const struct article *a;
    const struct plan *p;
    struct lint *l;
    bool no_memory;
};

static void
find(struct look *k, const char *id, enum article_severity severity, struct article_span span,
    const char *text)
{
    struct lint_finding *f;

    if (k->l->n == LINT_MAX)
        return;
    f = &k->l->finding[k->l->n];
    *f = (struct lint_finding){ id, severity, span, strdup(text) };
    if (f->text == NULL) {
        k->no_memory = true;
        return;
    }
    k->l->n++;
    k->l->errors += severity == ARTICLE_ERROR;
}

static void
found_odd(struct look *k)
{
    for (size_t i = 0; i < k->a->ndiags; i++) {
        const struct article_diag *d = &k->a->diags[i];

        find(k, d->id, d->severity, d->span, d->text);
    }
}

static void
actions_valid(struct look *k)
{
    for (size_t i = 0; i < k->p->nambiguities; i++)
        if (strcmp(k->p->ambiguities[i].id, "action-invalid") == 0)
            find(k, "action-invalid", ARTICLE_ERROR, k->p->ambiguities[i].span,
                k->p->ambiguities[i].text);
}

/* Nobody could say of a step of firn's, or of one that is still to come, that it is done. */
static void
waits_for_person(struct look *k)
{
    for (size_t i = 0; i < k->p->nsteps; i++)
        if (k->p->steps[i].when == PLAN_AFTER && !plan_after_fits(k->p, &k->p->steps[i]))
            find(k, "after-nobody", ARTICLE_ERROR, k->p->steps[i].span,
                "after:N does not name an earlier step that is for a person");
    for (size_t i = 0; i < k->p->nprobes; i++)
        if (k->p->probes[i].when == PLAN_AFTER)
            find(k, "after-nobody", ARTICLE_ERROR, k->p->probes[i].span,
                "a probe waits for nobody");
}

/* A step that changes something must be judged by a probe. */
static void
has_probe(struct look *k)
{
    for (size_t i = 0; k->p->nprobes == 0 && i < k->p->nsteps; i++) {
        const struct plan_step *s = &k->p->steps[i];

        if (s->action.kind->risk != RISK_READ && !s->action.kind->person) {
            find(k, "probe-missing", ARTICLE_ERROR, s->span,
                "a step acts, and no probe says whether its cause is there");
            return;
        }
    }
}

/* Is ${name} declared in "a:string b:int"? */
static bool
declared(const char *needs, const char *name)
{
    size_t n = strlen(name);

    while (needs != NULL && *needs != '\0') {
        needs += strspn(needs, " ");
        if (strncmp(needs, name, n) == 0 && needs[n] == ':')
            return true;
        needs += strcspn(needs, " ");
    }
    return false;
}

static void
variables_declared(struct look *k, const struct plan_step *s, size_t n)
{
    const char *needs = article_value(k->a, "needs");
    char name[ACTION_VARIABLE_MAX], text[ACTION_VARIABLE_MAX + 64];

    for (size_t i = 0; i < n; i++)
        for (size_t v = 0; v < ACTION_PARAMS_MAX; v++) {
            const char *at = s[i].action.value[v];

            while (at != NULL && (at = action_variable(at, name)) != NULL) {
                if (declared(needs, name))
                    continue;
                snprintf(text, sizeof(text), "{%s} is not among the variables in needs", name);
                find(k, "variable-undeclared", ARTICLE_ERROR, s[i].span, text);
            }
        }
}

static bool
is_fence_of(const struct article *a, const struct article_block *b, const char *word)
{
    size_t n = strlen(word);

    return b->kind == ARTICLE_FENCE && b->info.len >= n &&
        memcmp(a->bytes + b->info.off, word, n) == 0;
}

/* One step of prose for each action: what the machine does, people read too. */
static void
steps_agree(struct look *k)
{
    bool open = false;

    for (size_t i = 0; i < k->a->nblocks; i++) {
        const struct article_block *b = &k->a->blocks[i];

        if (b->kind == ARTICLE_ITEM || (b->kind == ARTICLE_PARAGRAPH && !b->in_issue))
            open = true;
        else if (b->kind == ARTICLE_HEADING)
            open = false;
        if (!is_fence_of(k->a, b, "action") && !is_fence_of(k->a, b, "probe"))
            continue;
        if (!open)
            find(k, "step-without-words", ARTICLE_ERROR, b->span,
                "an action without words of its own above it");
        open = false;
    }
}

/* Commands of firn in code spans, up to the next backtick. */
static void
commands_exist(struct look *k, lint_command_fn *known, void *arg)
{
    const char *s = (const char *)k->a->bytes, *end = s + k->a->len;
    struct article_span all = { 0, k->a->len, 1, 1 };

    while ((s = memmem(s, (size_t)(end - s), "`firn ", 6)) != NULL) {
        const char *close = memchr(s + 1, '`', (size_t)(end - s - 1)), *why = NULL;
        auto_free char *line = NULL;

        if (close == NULL)
            return;
        line = strndup(s + 1, (size_t)(close - s - 1));
        if (line == NULL)
            k->no_memory = true;
        else if (!known(arg, line, &why))
            find(k, "command-unknown", ARTICLE_ERROR,
                article_part(k->a, all, (size_t)(s + 1 - (const char *)k->a->bytes),
                    (size_t)(close - s - 1)),
                why);
        s = close;
    }
}

static void
links_lead(struct look *k)
{
    const char *s = (const char *)k->a->bytes, *end = s + k->a->len;
    struct article_span all = { 0, k->a->len, 1, 1 };

    while ((s = memmem(s, (size_t)(end - s), "](", 2)) != NULL) {
        s += 2;
        if (s < end && *s == ')')
            find(k, "link-empty", ARTICLE_ERROR,
                article_part(k->a, all, (size_t)(s - 2 - (const char *)k->a->bytes), 3),
                "a link without an address");
    }
}

/* In words of two bytes, every other byte of which is zero in most languages? */
static bool
is_utf16(const struct article *a, size_t zeros)
{
    const unsigned char *b = a->bytes;

    return a->len >= 2 &&
        ((b[0] == 0xff && b[1] == 0xfe) || (b[0] == 0xfe && b[1] == 0xff) ||
            zeros > a->len / UTF16_ZEROS);
}

struct err *
lint_readable(const struct article *a, const char *path)
{
    size_t zeros = 0, odd = 0, white = 0;

    for (size_t i = 0; i < a->len; i++) {
        zeros += a->bytes[i] == 0;
        white += a->bytes[i] != 0 && strchr(" \t\n\v\f\r", a->bytes[i]) != NULL;
        odd += a->bytes[i] < ' ' && (a->bytes[i] < '\t' || a->bytes[i] > '\r');
    }
    if (a->len == 0)
        return fail(ArticleEmpty, path, "it is empty");
    if (white == a->len)
        return fail(ArticleEmpty, path, "there is nothing but white space in it");
    if (is_utf16(a, zeros))
        return fail(ArticleNotText, path, "UTF-16, it seems");
    if (zeros > 0 && odd > a->len / ODD_BYTES)
        return fail(ArticleNotText, path, "no text");
    return NULL;
}

/* Nothing but what stands around text: a header, headings, marks? */
static bool
has_no_text(const struct article *a)
{
    for (size_t i = 0; i < a->nblocks; i++)
        if (a->blocks[i].kind > ARTICLE_COMMENT && a->blocks[i].kind != ARTICLE_RULE)
            return false;
    return true;
}

struct err *
lint_tells(const struct article *a, const struct plan *p, const char *path)
{
    if (p->nprobes > 0 || p->nsteps > 0)
        return NULL;
    return fail(ArticleEmpty, path,
        has_no_text(a) ? "there is no text below its header and its headings"
                       : "nothing in its text is a probe or a step");
}

struct err *
lint_article(const struct article *a, const struct plan *p, lint_command_fn *known, void *arg,
    struct lint *ret)
{
    struct look k = { .a = a, .p = p, .l = ret };

    *ret = (struct lint){ 0 };
    found_odd(&k);
    if (p->ours || article_value(a, "errorNumber") != NULL) {
        actions_valid(&k);
        waits_for_person(&k);
        has_probe(&k);
        variables_declared(&k, p->probes, p->nprobes);
        variables_declared(&k, p->steps, p->nsteps);
        steps_agree(&k);
        links_lead(&k);
        if (known != NULL)
            commands_exist(&k, known, arg);
    }
    if (!k.no_memory)
        return NULL;
    lint_done(ret);
    return fail(OutOfMemory);
}

static const char *
severity_name(enum article_severity s)
{
    return s == ARTICLE_ERROR ? "error" : s == ARTICLE_WARNING ? "warning" : "note";
}

struct err *
lint_json(const struct lint *l, json_t **ret)
{
    json_t *list = json_array();
    int bad = list == NULL;

    for (size_t i = 0; !bad && i < l->n; i++) {
        const struct lint_finding *f = &l->finding[i];

        bad = json_array_append_new(list,
            json_pack("{s:s, s:s, s:o, s:s}", "id", f->id, "severity",
                severity_name(f->severity), "span", plan_span_json(f->span), "text", f->text));
    }
    if (bad) {
        json_decref(list);
        return fail(OutOfMemory);
    }
    *ret = list;
    return NULL;
}

void
lint_done(struct lint *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->finding[i].text);
    l->n = l->errors = 0;
}

bool
lint_applies(const char *value, const char *what)
{
    bool empty = true;

    while (value != NULL && *value != '\0') {
        size_t n = strcspn(value, ","), from = 0, to = n;

        while (from < to && strchr(" \t\n", value[from]) != NULL)
            from++;
        while (to > from && strchr(" \t\n", value[to - 1]) != NULL)
            to--;
        empty = empty && from == to;
        if (to > from && strlen(what) == to - from &&
            strncasecmp(value + from, what, to - from) == 0)
            return true;
        value += n + (value[n] == ',');
    }
    return empty;
}
