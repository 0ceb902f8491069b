/* SPDX-License-Identifier: Apache-2.0 */
/* How it works: one pass over the text, which looks at most to the end of the sign it is at:
 * `code`, **strong**, [text](link), <br>, \escape, {variable}.  A sign without its partner is
 * text. */
#include <string.h>
#include <strings.h>

#include "render_internal.h"

struct inline_run {
    const struct catalog_entry *e;
    const struct render_options *o;
    struct text *to;
    bool strong;
    bool no_code_end; /* no further backtick: do not look again */
};

static void
mark(struct text *to, char m)
{
    text_add(to, &m, 1);
}

static const struct err_arg *
known_value(const struct render_options *o, const char *name, size_t len)
{
    for (size_t i = 0; i < o->nargs; i++)
        if (strlen(o->args[i].name) == len && memcmp(o->args[i].name, name, len) == 0)
            return &o->args[i];
    return NULL;
}

/* The declared type of a variable, "" when it is not declared. */
static const char *
declared(const struct catalog_entry *e, const char *name, size_t len)
{
    for (const char *s = e->needs; *s != '\0'; s += strcspn(s, " \t\n")) {
        s += strspn(s, " \t\n");
        if (strncmp(s, name, len) == 0 && s[len] == ':')
            return s + len + 1;
    }
    return "";
}

/* A value inside a command: one word of it. */
static void
put_quoted(struct text *to, const char *s)
{
    size_t from = to->len;

    text_shell(to, s);
    for (; from < to->len; from++)
        if (to->s[from] == ' ')
            to->s[from] = RENDER_GLUE;
}

/* One character, made harmless; returns its length. */
static size_t
put_char(struct text *to, const char *s)
{
    size_t n = text_visible(s);

    if (n > 0)
        text_add(to, s, n);
    else
        text_fmt(to, "\\x%02x", (unsigned char)*s);
    return n > 0 ? n : 1;
}

static void
put_value(struct inline_run *r, const struct err_arg *value, const char *type, bool code)
{
    char size[TEXT_SIZE_MAX];

    if (value->str == NULL) {
        if (strncmp(type, "size", 4) == 0)
            text_add(r->to, size, text_size(size, (uint64_t)value->num));
        else
            text_fmt(r->to, "%lld", (long long)value->num);
        return;
    }
    if (code) {
        put_quoted(r->to, value->str);
        return;
    }
    for (const char *s = value->str; *s != '\0';)
        s += put_char(r->to, s);
}

/* {name} at ${s}: put what stands for it and return its length, or 0. */
static size_t
put_variable(struct inline_run *r, const char *s, bool code)
{
    size_t n = strspn(s + 1, "abcdefghijklmnopqrstuvwxyz0123456789_");
    const char *type;
    const struct err_arg *value;

    if (n == 0 || s[n + 1] != '}')
        return 0;
    type = declared(r->e, s + 1, n);
    if (*type == '\0')
        return 0;
    value = known_value(r->o, s + 1, n);
    if (value != NULL) {
        put_value(r, value, type, code);
    } else {
        text_str(r->to, "‹");
        text_add(r->to, s + 1, n);
        text_str(r->to, "›");
    }
    return n + 2;
}

static void
put_code_text(struct inline_run *r, const char *s, size_t len)
{
    const char *end = s + len;

    while (s < end) {
        size_t n = *s == '{' ? put_variable(r, s, true) : 0;

        if (n == 0 && (*s == ' ' || *s == '\n')) {
            mark(r->to, RENDER_GLUE);
            n = 1;
        }
        s += n > 0 ? n : put_char(r->to, s);
    }
}

static size_t
put_code(struct inline_run *r, const char *s)
{
    size_t ticks = strspn(s, "`"), len, pad;
    const char *start = s + ticks, *end = start;

    if (r->no_code_end)
        return 0;
    while ((end = strchr(end, '`')) != NULL) {
        size_t n = strspn(end, "`");
        if (n == ticks)
            break;
        end += n;
    }
    if (end == NULL) {
        r->no_code_end = ticks == 1;
        return 0;
    }
    len = (size_t)(end - start);
    pad = len > 2 && start[0] == ' ' && end[-1] == ' ';
    if (r->o->bold)
        mark(r->to, RENDER_BOLD);
    else
        text_str(r->to, "`");
    put_code_text(r, start + pad, len - 2 * pad);
    if (!r->o->bold)
        text_str(r->to, "`");
    else if (!r->strong)
        mark(r->to, RENDER_PLAIN);
    return len + 2 * ticks;
}

/* [text](link): "text (link)"; returns its length, or 0. */
static size_t
put_link(struct inline_run *r, const char *s)
{
    size_t words = strcspn(s + 1, "[]\n"), link;

    if (s[words + 1] != ']' || s[words + 2] != '(')
        return 0;
    link = strcspn(s + words + 3, "() \n");
    if (s[words + 3 + link] != ')')
        return 0;
    for (const char *p = s + 1; p < s + 1 + words;)
        p += put_char(r->to, p);
    if (link > 0) {
        text_str(r->to, " (");
        for (const char *p = s + words + 3; p < s + words + 3 + link;)
            p += put_char(r->to, p);
        text_str(r->to, ")");
    }
    return words + link + 4;
}

static size_t
put_strong(struct inline_run *r)
{
    r->strong = !r->strong;
    if (r->o->bold)
        mark(r->to, r->strong ? RENDER_BOLD : RENDER_PLAIN);
    return 2;
}

static size_t
put_break(struct inline_run *r, const char *s)
{
    size_t n = 3;

    if (strncasecmp(s, "<br", 3) != 0)
        return 0;
    n += strspn(s + n, " /");
    if (s[n] != '>')
        return 0;
    text_str(r->to, "\n");
    return n + 1;
}

static size_t
put_sign(struct inline_run *r, const char *s)
{
    switch (*s) {
    case '`':
        return put_code(r, s);
    case '*':
        return s[1] == '*' ? put_strong(r) : 0;
    case '[':
        return put_link(r, s);
    case '<':
        return put_break(r, s);
    case '{':
        return put_variable(r, s, false);
    case '\\':
        return s[1] != '\0' && strchr("\\`*_{}[]()#+-.!<>|", s[1]) != NULL
            ? 1 + put_char(r->to, s + 1) : 0;
    case '\n':
    case '\t':
        text_str(r->to, " ");
        return 1;
    default:
        return 0;
    }
}

void
render_inline(const struct catalog_entry *e, const struct render_options *o, const char *s,
    struct text *to)
{
    struct inline_run r = { .e = e, .o = o, .to = to };

    while (*s != '\0') {
        size_t n = put_sign(&r, s);
        s += n > 0 ? n : put_char(to, s);
    }
    if (r.strong && o->bold)
        mark(to, RENDER_PLAIN);
}

void
render_code(const struct catalog_entry *e, const struct render_options *o, const char *s,
    struct text *to)
{
    struct inline_run r = { .e = e, .o = o, .to = to };

    while (*s != '\0') {
        size_t n = *s == '{' ? put_variable(&r, s, true) : 0;

        if (n == 0 && (*s == '\n' || *s == '\t')) {
            text_add(to, s, 1);
            n = 1;
        }
        s += n > 0 ? n : put_char(to, s);
    }
}
