/* SPDX-License-Identifier: Apache-2.0 */
/* The article as JSON.  jansson's setters take NULL and then fail: an object is filled
 * without looking and given up as a whole when something was missing. */
#include <stdlib.h>
#include <string.h>

#include "codes.h"

#include "render_internal.h"

struct maker {
    const struct catalog_entry *e;
    struct render_options o;
    const struct article *a;
    int bad;
};

static void
set(struct maker *m, json_t *o, const char *name, json_t *value)
{
    m->bad |= json_object_set_new(o, name, value);
}

/* The words of ${list}, which are separated by ${between} and blanks. */
static json_t *
words_json(struct maker *m, const char *list, const char *between)
{
    json_t *words = json_array();

    m->bad |= words == NULL;
    for (const char *s = list; *s != '\0';) {
        size_t n;

        s += strspn(s, between);
        n = strcspn(s, between);
        if (n > 0)
            m->bad |= json_array_append_new(words, json_stringn(s, n));
        s += n;
    }
    return words;
}

static json_t *
needs_json(struct maker *m)
{
    json_t *needs = json_array();

    m->bad |= needs == NULL;
    for (const char *s = m->e->needs; *s != '\0';) {
        size_t name, type;

        s += strspn(s, " \t\n");
        name = strcspn(s, ":");
        type = strcspn(s, " \t\n");
        if (name < type) {
            json_t *need = json_object();
            set(m, need, "name", json_stringn(s, name));
            set(m, need, "type", json_stringn(s + name + 1, type - name - 1));
            m->bad |= json_array_append_new(needs, need);
        }
        s += type;
    }
    return needs;
}

/* A block's text: what people read, without emphasis. */
static json_t *
block_text(struct maker *m, const struct article_block *b)
{
    char *raw = article_text(m->a, b->inner);
    struct text t = { 0 };
    json_t *j = NULL;

    if (raw != NULL && (b->kind == ARTICLE_FENCE || b->kind == ARTICLE_INDENTED))
        render_code(m->e, &m->o, raw, &t);
    else if (raw != NULL)
        render_inline(m->e, &m->o, raw, &t);
    for (size_t i = 0; i < t.len; i++)
        if (t.s[i] == RENDER_GLUE)
            t.s[i] = ' ';
    if (raw != NULL && !t.no_memory)
        j = json_string(t.s == NULL ? "" : t.s);
    text_done(&t);
    free(raw);
    return j;
}

static bool
is_text(const struct article_block *b)
{
    return b->kind == ARTICLE_PARAGRAPH || b->kind == ARTICLE_ITEM ||
        b->kind == ARTICLE_FENCE || b->kind == ARTICLE_INDENTED ||
        b->kind == ARTICLE_TABLE || b->kind == ARTICLE_QUOTE;
}

static json_t *
block_json(struct maker *m, const struct article_block *b)
{
    json_t *o = json_object();

    set(m, o, "kind", json_string(article_kind_name(b->kind)));
    set(m, o, "level", json_integer(b->level));
    if (b->kind == ARTICLE_FENCE) {
        char *info = article_text(m->a, b->info);
        set(m, o, "info", info == NULL ? NULL : json_string(info));
        free(info);
    }
    set(m, o, "text", block_text(m, b));
    return o;
}

static json_t *
issue_json(struct maker *m)
{
    json_t *issue = json_array();

    for (size_t i = 0; i < m->a->nblocks; i++)
        if (m->a->blocks[i].in_issue && is_text(&m->a->blocks[i]))
            m->bad |= json_array_append_new(issue, block_text(m, &m->a->blocks[i]));
    return issue;
}

static json_t *
section_json(struct maker *m, const struct article_section *s)
{
    json_t *o = json_object(), *blocks = json_array();

    for (size_t i = s->first; i < s->first + s->count; i++)
        if (is_text(&m->a->blocks[i]) && !m->a->blocks[i].in_issue)
            m->bad |= json_array_append_new(blocks, block_json(m, &m->a->blocks[i]));
    set(m, o, "title", json_string(s->title));
    set(m, o, "blocks", blocks);
    return o;
}

static json_t *
applies_json(struct maker *m)
{
    json_t *o = json_object();

    set(m, o, "clouds", words_json(m, m->e->clouds, ", \t\n"));
    set(m, o, "products", words_json(m, m->e->products, ", \t\n"));
    set(m, o, "resource", words_json(m, m->e->resource, ", \t\n"));
    return o;
}

static json_t *
make(struct maker *m)
{
    json_t *o = json_object(), *sections = json_array();

    set(m, o, "code", json_string(m->e->id));
    set(m, o, "number", json_integer(m->e->code));
    set(m, o, "class", json_string(m->e->class_name));
    set(m, o, "message", json_string(m->e->message));
    set(m, o, "description", json_string(m->e->description));
    set(m, o, "scenario", json_string(m->e->scenario));
    set(m, o, "applies", applies_json(m));
    set(m, o, "needs", needs_json(m));
    set(m, o, "issue", issue_json(m));
    for (size_t i = 1; i < m->a->nsections; i++)
        if (m->a->sections[i].level > 1)
            m->bad |= json_array_append_new(sections, section_json(m, &m->a->sections[i]));
    set(m, o, "sections", sections);
    return o;
}

struct err *
render_article_json(const struct catalog_entry *e, const struct render_options *o,
    json_t **ret)
{
    struct maker m = { .e = e, .o = *o };
    struct article *a;
    json_t *whole;

    TRY(render_parse(e, &a));
    m.a = a;
    m.o.bold = false;
    whole = json_object();
    set(&m, whole, "article", make(&m));
    article_free(a);
    if (m.bad != 0) {
        json_decref(whole);
        return fail(OutOfMemory);
    }
    *ret = whole;
    return NULL;
}
