/* SPDX-License-Identifier: Apache-2.0 */
/* The rules that an article must keep so that its code may exist. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mkcodes.h"

/* Fields that must stand in the header; true where they must have a value. */
static const struct {
    const char *name;
    bool value;
} required[] = {
    { "pageTitle", true }, { "description", true }, { "infoBubbleText", true },
    { "diagnosticScenario", true }, { "selfHelpType", true }, { "resource", true },
    { "cloudEnvironments", true }, { "productPesIds", false }, { "errorNumber", true },
    { "errorClass", true }, { "errorOs", true }, { "needs", false },
};

static const struct {
    const char *word, *enumerator;
} os_words[] = {
    { "none", "OS_NONE" }, { "errno", "OS_ERRNO" }, { "win32", "OS_WIN32" },
    { "hresult", "OS_HRESULT" }, { "http", "OS_HTTP" }, { "qmp", "OS_QMP" },
};

static size_t
field_line(const struct entry *e, const char *name)
{
    const struct article_field *f = article_field(e->article, name);

    return f == NULL ? 1 : f->name_span.line;
}

static bool
check_fields(struct codes *c, const struct entry *e)
{
    size_t before = c->problems;

    for (size_t i = 0; i < e->article->ndiags; i++) {
        const struct article_diag *d = &e->article->diags[i];
        if (d->severity != ARTICLE_NOTE)
            problem(c, e->path, d->span.line, "%s [%s]", d->text, d->id);
    }
    for (size_t i = 0; i < sizeof(required) / sizeof(required[0]); i++) {
        const char *v = article_value(e->article, required[i].name);
        if (v == NULL)
            problem(c, e->path, 1, "the header has no %s", required[i].name);
        else if (required[i].value && *v == '\0')
            problem(c, e->path, field_line(e, required[i].name), "%s is empty",
                required[i].name);
    }
    return c->problems == before;
}

static void
check_name(struct codes *c, const struct entry *e)
{
    const struct article *a = e->article;
    bool word = isupper((unsigned char)e->code[0]);

    for (const char *s = e->code; *s != '\0'; s++)
        word = word && isalnum((unsigned char)*s);
    if (!word)
        problem(c, e->path, 1, "a code is a capital letter, then letters and digits");
    if (a->title == NULL || strcmp(a->title, e->code) != 0)
        problem(c, e->path, a->title == NULL ? 1 : a->title_span.line,
            "the heading is %s, the file's name is %s", a->title == NULL ? "missing" : a->title,
            e->code);
    if (strcmp(article_value(a, "pageTitle"), e->code) != 0)
        problem(c, e->path, field_line(e, "pageTitle"),
            "pageTitle is %s, the file's name is %s", article_value(a, "pageTitle"), e->code);
}

static void
check_number(struct codes *c, struct entry *e)
{
    const char *v = article_value(e->article, "errorNumber");
    size_t line = field_line(e, "errorNumber");

    for (const char *s = v; isdigit((unsigned char)*s) && e->number < 100000; s++)
        e->number = e->number * 10 + (*s - '0');
    if (v[strspn(v, "0123456789")] != '\0' || e->number == 0) {
        problem(c, e->path, line, "errorNumber %s is no number", v);
        return;
    }
    for (size_t i = 0; i < c->nnumbers; i++) {
        struct number_row *row = &c->numbers[i];
        bool same_code = strcmp(row->code, e->code) == 0;

        if (row->number != e->number && !same_code)
            continue;
        if (row->number == e->number && same_code && !row->retired)
            row->has_article = true;
        else if (same_code && row->number == e->number)
            problem(c, e->path, line, "%s was retired; a new failure needs a new code",
                e->code);
        else if (same_code)
            problem(c, e->path, line, "errorNumber is %d, but %s/NUMBERS:%zu says %d",
                e->number, c->name, row->line, row->number);
        else
            problem(c, e->path, line, "number %d belongs to %s (%s/NUMBERS:%zu)", e->number,
                row->code, c->name, row->line);
        return;
    }
    problem(c, e->path, line, "number %d is not in %s/NUMBERS: add the line \"%d %s\"",
        e->number, c->name, e->number, e->code);
}

static void
check_class(struct codes *c, struct entry *e)
{
    const char *class = article_value(e->article, "errorClass");
    const char *os = article_value(e->article, "errorOs");

    for (size_t i = 0; i < c->nclasses; i++)
        if (strcmp(c->classes[i].name, class) == 0)
            e->class = i + 1;
    if (e->class == 0)
        problem(c, e->path, field_line(e, "errorClass"), "class %s is not in %s/classes",
            class, c->name);
    for (size_t i = 0; i < sizeof(os_words) / sizeof(os_words[0]); i++)
        if (strcmp(os_words[i].word, os) == 0)
            e->os = os_words[i].enumerator;
    if (e->os == NULL)
        problem(c, e->path, field_line(e, "errorOs"),
            "errorOs %s is none of none, errno, win32, hresult, http, qmp", os);
}

static void
add_need(struct codes *c, struct entry *e, char *word)
{
    size_t line = field_line(e, "needs"), n;
    char *colon = strchr(word, ':');
    const char *type = colon == NULL ? "" : colon + 1;

    if (colon != NULL)
        *colon = '\0';
    n = strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789_");
    if (n == 0 || word[n] != '\0' || !islower((unsigned char)word[0]))
        problem(c, e->path, line, "needs: %s is no name (small letters, digits, _)", word);
    if (strcmp(type, "string") != 0 && strcmp(type, "int") != 0 && strcmp(type, "size") != 0)
        problem(c, e->path, line, "needs: %s is string, int or size, not \"%s\"", word, type);
    for (size_t i = 0; i < e->nneeds; i++)
        if (strcmp(e->needs[i].name, word) == 0)
            problem(c, e->path, line, "needs: %s stands here twice", word);
    if (e->nneeds == MAX_NEEDS) {
        problem(c, e->path, line, "needs: more than %d variables", MAX_NEEDS);
        return;
    }
    e->needs[e->nneeds++] = (struct need){ word, type };
}

static void
check_needs(struct codes *c, struct entry *e)
{
    char *all = text("%s", article_value(e->article, "needs")), *at = NULL;

    for (char *w = strtok_r(all, " \t\r\n", &at); w != NULL;
         w = strtok_r(NULL, " \t\r\n", &at))
        add_need(c, e, w);
}

/* Each {name} in ${s}, which starts in ${line}, must be declared. */
static void
check_variables(struct codes *c, const struct entry *e, const char *s, size_t line)
{
    for (; *s != '\0'; line += *s++ == '\n') {
        size_t n = *s != '{' ? 0 : strspn(s + 1, "abcdefghijklmnopqrstuvwxyz0123456789_");
        bool known = false;

        if (n == 0 || s[n + 1] != '}' || !islower((unsigned char)s[1]))
            continue;
        for (size_t i = 0; i < e->nneeds; i++)
            known = known || (strlen(e->needs[i].name) == n &&
                memcmp(e->needs[i].name, s + 1, n) == 0);
        if (!known)
            problem(c, e->path, line, "{%.*s} is used but not declared in needs", (int)n,
                s + 1);
    }
}

static bool
section_has_items(const struct article *a, const char *title)
{
    const struct article_section *s = article_find_section(a, title);

    for (size_t i = 0; s != NULL && i < s->count; i++)
        if (a->blocks[s->first + i].kind == ARTICLE_ITEM)
            return true;
    return false;
}

/* A failure that a person cannot act on is not worth a code of its own. */
static void
check_prose(struct codes *c, const struct entry *e)
{
    const struct article *a = e->article;
    bool issue = false;

    for (size_t i = 0; i < a->nblocks; i++)
        issue = issue || (a->blocks[i].in_issue && a->blocks[i].kind == ARTICLE_PARAGRAPH);
    if (!issue)
        problem(c, e->path, a->title_span.line, "no text between <!--issueDescription--> "
            "and <!--/issueDescription-->");
    if (!section_has_items(a, "Probe"))
        problem(c, e->path, a->title_span.line, "no list below a heading Probe");
    if (!section_has_items(a, "Recommended Steps"))
        problem(c, e->path, a->title_span.line, "no list below a heading Recommended Steps");
}

void
check_entry(struct codes *c, struct entry *e)
{
    const struct article *a = e->article;
    size_t body = 0;

    if (!check_fields(c, e))
        return;
    check_name(c, e);
    check_number(c, e);
    check_class(c, e);
    check_needs(c, e);
    check_variables(c, e, article_value(a, "infoBubbleText"),
        field_line(e, "infoBubbleText"));
    while (body < a->nblocks && a->blocks[body].kind != ARTICLE_HEADER)
        body++;
    if (++body < a->nblocks)
        check_variables(c, e, (const char *)a->bytes + a->blocks[body].span.off,
            a->blocks[body].span.line);
    check_prose(c, e);
}

void
check_together(struct codes *c)
{
    char *file = text("%s/NUMBERS", c->name);

    for (size_t i = 0; i < c->nentries; i++) {
        struct entry *e = &c->entries[i];
        const char *scenario = article_value(e->article, "diagnosticScenario");

        for (size_t k = 0; k < i; k++) {
            const char *other =
                article_value(c->entries[k].article, "diagnosticScenario");
            if (strcasecmp(c->entries[k].code, e->code) == 0)
                problem(c, e->path, 1, "%s is also the code of %s", e->code,
                    c->entries[k].path);
            if (scenario != NULL && other != NULL && strcasecmp(scenario, other) == 0)
                problem(c, e->path, field_line(e, "diagnosticScenario"),
                    "diagnosticScenario %s is also that of %s", scenario,
                    c->entries[k].path);
        }
    }
    for (size_t i = 0; i < c->nnumbers; i++)
        if (!c->numbers[i].retired && !c->numbers[i].has_article)
            complain(c, file, c->numbers[i].line,
                "%s has no sound article (write it, or mark the line \"retired\")",
                c->numbers[i].code);
    free(file);
}
