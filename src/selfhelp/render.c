/* SPDX-License-Identifier: Apache-2.0 */
/* How it works: each block of the article becomes plain text with marks (render_inline.c),
 * which is then broken into lines.  A character counts as one column. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codes.h"

#include "render_internal.h"

#define WIDTH_USUAL 80
#define WIDTH_LEAST 30

struct page {
    const struct catalog_entry *e;
    const struct render_options *o;
    size_t width;
    struct text out;
    enum article_kind last; /* the block before, ARTICLE_BOM at the start */
};

static size_t
columns(const char *s, size_t len)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++)
        n += (s[i] & 0xc0) != 0x80 && s[i] != RENDER_BOLD && s[i] != RENDER_PLAIN;
    return n;
}

/* Text with marks as it goes to the terminal. */
static void
put_marked(struct text *out, const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (s[i] == RENDER_BOLD)
            text_str(out, "\x1b[1m");
        else if (s[i] == RENDER_PLAIN)
            text_str(out, "\x1b[0m");
        else
            text_add(out, s[i] == RENDER_GLUE ? " " : s + i, 1);
    }
}

/* Break ${s} into lines: ${lead} before the first, as many blanks before the others. */
static void
wrap(struct page *p, const char *lead, const char *s)
{
    size_t indent = columns(lead, strlen(lead)), at = indent;
    bool start = true;

    text_str(&p->out, lead);
    while (*s != '\0') {
        size_t len = strcspn(s, " \n"), wide = columns(s, len);

        if (*s == '\n' || (!start && len > 0 && at + 1 + wide > p->width)) {
            text_fmt(&p->out, "\n%*s", (int)indent, "");
            at = indent;
            start = true;
            s += *s == '\n';
            continue;
        }
        if (len > 0) {
            if (!start)
                text_str(&p->out, " ");
            put_marked(&p->out, s, len);
            at += wide + !start;
            start = false;
        }
        s += len;
        s += *s == ' ';
    }
    text_str(&p->out, "\n");
}

static void
put_strong_line(struct page *p, const char *s)
{
    struct text line = { 0 };

    if (p->o->bold)
        text_fmt(&line, "%c%s%c", RENDER_BOLD, s, RENDER_PLAIN);
    else
        text_str(&line, s);
    wrap(p, "", line.s == NULL ? "" : line.s);
    p->out.no_memory = p->out.no_memory || line.no_memory;
    text_done(&line);
}

static void
put_code_lines(struct page *p, const char *code)
{
    while (*code != '\0') {
        size_t len = strcspn(code, "\n");

        text_str(&p->out, "    ");
        put_marked(&p->out, code, len);
        text_str(&p->out, "\n");
        code += len;
        code += *code == '\n';
    }
}

static void
put_flow(struct page *p, const struct article_block *b, const char *s)
{
    char lead[ARTICLE_MAX_DEPTH * 2 + 16] = "";
    int depth = (int)b->level * 2;

    if (b->kind == ARTICLE_ITEM && b->number >= 0)
        (void)snprintf(lead, sizeof(lead), "%*s%ld. ", depth, "", b->number);
    else if (b->kind == ARTICLE_ITEM)
        (void)snprintf(lead, sizeof(lead), "%*s* ", depth, "");
    else if (depth > 0)
        (void)snprintf(lead, sizeof(lead), "%*s", depth + 2, "");
    wrap(p, lead, s);
}

static void
put_block(struct page *p, const struct article *a, const struct article_block *b)
{
    struct render_options plain = *p->o; /* a heading stands out as a whole */
    char *raw = article_text(a, b->inner);
    struct text t = { 0 };
    bool code = b->kind == ARTICLE_FENCE || b->kind == ARTICLE_INDENTED ||
        b->kind == ARTICLE_TABLE;

    if (raw == NULL) {
        p->out.no_memory = true;
        return;
    }
    plain.bold = plain.bold && b->kind != ARTICLE_HEADING;
    if (code)
        render_code(p->e, p->o, raw, &t);
    else
        render_inline(p->e, &plain, raw, &t);
    free(raw);
    if (p->last != ARTICLE_BOM && !(p->last == ARTICLE_ITEM && b->kind == ARTICLE_ITEM))
        text_str(&p->out, "\n");
    if (t.s == NULL)
        text_str(&p->out, "\n");
    else if (b->kind == ARTICLE_HEADING)
        put_strong_line(p, t.s);
    else if (code)
        put_code_lines(p, t.s);
    else
        put_flow(p, b, t.s);
    p->last = b->kind;
    p->out.no_memory = p->out.no_memory || t.no_memory;
    text_done(&t);
}

static bool
is_shown(const struct article *a, const struct article_block *b)
{
    switch (b->kind) {
    case ARTICLE_HEADING: /* the title is said otherwise */
        return b->inner.off != a->title_span.off || a->title == NULL;
    case ARTICLE_PARAGRAPH:
    case ARTICLE_ITEM:
    case ARTICLE_FENCE:
    case ARTICLE_INDENTED:
    case ARTICLE_TABLE:
    case ARTICLE_QUOTE:
        return true;
    default:
        return false;
    }
}

static void
put_head(struct page *p)
{
    char line[200];
    struct text t = { 0 };

    (void)snprintf(line, sizeof(line), "%s (%d, %s)", p->e->id, p->e->code,
        p->e->class_name);
    put_strong_line(p, line);
    render_inline(p->e, p->o, p->e->message, &t);
    wrap(p, "", t.s == NULL ? "" : t.s);
    p->out.no_memory = p->out.no_memory || t.no_memory;
    text_done(&t);
    p->last = ARTICLE_PARAGRAPH;
}

struct err *
render_parse(const struct catalog_entry *e, struct article **ret)
{
    switch (article_parse(e->text, e->text_len, ret)) {
    case ARTICLE_OK:
        return NULL;
    case ARTICLE_TOO_LARGE:
        return fail(InternalError, "an article of its own is too large");
    case ARTICLE_NO_MEMORY:
        break;
    }
    return fail(OutOfMemory);
}

static struct err *
finish(struct text *t, char **ret)
{
    if (t->no_memory || t->s == NULL) {
        text_done(t);
        return fail(OutOfMemory);
    }
    *ret = t->s;
    return NULL;
}

struct err *
render_article(const struct catalog_entry *e, const struct render_options *o, char **ret)
{
    struct page p = { .e = e, .o = o, .width = o->width == 0 ? WIDTH_USUAL : o->width };
    struct article *a;

    TRY(render_parse(e, &a));
    if (p.width < WIDTH_LEAST)
        p.width = WIDTH_LEAST;
    put_head(&p);
    for (size_t i = 0; i < a->nblocks; i++)
        if (is_shown(a, &a->blocks[i]))
            put_block(&p, a, &a->blocks[i]);
    article_free(a);
    return finish(&p.out, ret);
}

/* How many bytes of ${s} fit into so many columns. */
static size_t
fitting(const char *s, size_t width)
{
    size_t cut = 0, at = 0;

    for (; s[cut] != '\0' && at + ((s[cut] & 0xc0) != 0x80) <= width; cut++)
        at += (s[cut] & 0xc0) != 0x80;
    return cut;
}

struct err *
render_line(const struct catalog_entry *e, const struct render_options *o, char **ret)
{
    size_t width = o->width == 0 ? WIDTH_USUAL : o->width;
    struct text whole = { 0 }, line = { 0 };

    text_fmt(&whole, "%5d  %-24s  %s", e->code, e->id, e->description);
    if (whole.no_memory) {
        text_done(&whole);
        return fail(OutOfMemory);
    }
    size_t cut = fitting(whole.s, width), dots = strlen(" ...");
    bool all = whole.s[cut] == '\0';
    if (!all && width > dots) /* behind a whole word */
        for (cut = fitting(whole.s, width - dots); cut > 0 && whole.s[cut] != ' ';)
            cut--;
    text_add(&line, whole.s, cut);
    if (!all && width > dots)
        text_str(&line, " ...");
    text_done(&whole);
    return finish(&line, ret);
}
