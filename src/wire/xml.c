/* SPDX-License-Identifier: Apache-2.0 */
/* xml.c -- one pass from the front.  Strings go decoded to one buffer: what is decoded is never
 * longer than what it stood for, and each string has at least one byte of the text before or
 * behind it for its NUL.  Nodes lie in blocks that never move. */
#include <stdlib.h>
#include <string.h>

#include "codes.h"
#include "number.h"
#include "utf8.h"
#include "xml.h"

enum { BLOCK_NODES = 256, ENTITY_MAX = 10, UNICODE_END = 0x110000 };

struct block {
    struct block *next;
    size_t n;
    struct xml_node nodes[BLOCK_NODES];
    struct xml_attr attrs[BLOCK_NODES];
    size_t nattrs;
};

struct xml {
    struct block *blocks;
    struct xml_node *root;
    char *words;
    size_t len; /* of words, used */
    size_t nodes;
};

struct reader {
    struct xml *x;
    const char *at;
    struct xml_node *in; /* the element that is open */
    unsigned depth;
    bool wrong, no_memory;
};

/* ---- memory ---- */

static struct block *
room(struct reader *r)
{
    struct block *b = r->x->blocks;

    if (b != NULL && b->n < BLOCK_NODES && b->nattrs < BLOCK_NODES)
        return b;
    b = calloc(1, sizeof(*b));
    if (b == NULL) {
        r->no_memory = true;
        return NULL;
    }
    b->next = r->x->blocks;
    r->x->blocks = b;
    return b;
}

static bool
count(struct reader *r)
{
    r->wrong = r->wrong || ++r->x->nodes > XML_NODES_MAX;
    return !r->wrong;
}

/* ---- strings ---- */

static void
put(struct reader *r, char c)
{
    r->x->words[r->x->len++] = c;
}

/* UTF-8 is shorter than "&#N;" for every N. */
static bool
put_number(struct reader *r, uint64_t n)
{
    if (n == 0 || n >= UNICODE_END)
        return false;
    r->x->len += utf8_put(r->x->words + r->x->len, (uint32_t)n);
    return true;
}

/* "#10", "#x1f"; others have no digits. */
static bool
put_numbered(struct reader *r, const char *name)
{
    uint64_t n = 0;

    if (name[1] != 'x')
        return number_parse(name + 1, &n) && put_number(r, n);
    for (const char *at = name + 2; *at != '\0'; at++) {
        const char *digits = "0123456789abcdef", *digit = strchr(digits, *at | 0x20);

        if (digit == NULL)
            return false;
        n = n * 16 + (uint64_t)(digit - digits);
    }
    return put_number(r, n);
}

static void
entity(struct reader *r)
{
    static const struct {
        const char *name;
        char is;
    } named[] = { { "lt", '<' }, { "gt", '>' }, { "amp", '&' }, { "quot", '"' },
        { "apos", '\'' } };
    size_t len = strcspn(r->at, ";");
    char name[ENTITY_MAX + 1];

    if (r->at[len] != ';' || len < 2 || len > ENTITY_MAX) {
        r->wrong = true;
        return;
    }
    memcpy(name, r->at, len);
    name[len] = '\0';
    r->at += len + 1;
    if (name[0] == '#') {
        r->wrong = !put_numbered(r, name);
        return;
    }
    for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++)
        if (strcmp(name, named[i].name) == 0) {
            put(r, named[i].is);
            return;
        }
    r->wrong = true;
}

/* Up to one of ${ends}, which stays. */
static const char *
string(struct reader *r, const char *ends)
{
    const char *begin = r->x->words + r->x->len;

    while (!r->wrong && *r->at != '\0' && strchr(ends, *r->at) == NULL) {
        if (*r->at != '&')
            put(r, *r->at++);
        else {
            r->at++;
            entity(r);
        }
    }
    put(r, '\0');
    return begin;
}

static void
blanks(struct reader *r)
{
    r->at += strspn(r->at, " \t\r\n");
}

/* ---- elements ---- */

static void
attribute(struct reader *r, struct xml_node *n)
{
    struct block *b = count(r) ? room(r) : NULL;

    if (b == NULL)
        return;
    struct xml_attr *a = &b->attrs[b->nattrs++];
    a->name = string(r, "= \t\r\n/><'\"");
    blanks(r);
    if (a->name[0] == '\0' || *r->at++ != '=') {
        r->wrong = true;
        return;
    }
    blanks(r);
    char quote = *r->at, ends[] = { quote, '\0' };
    if (quote != '\'' && quote != '"') {
        r->wrong = true;
        return;
    }
    r->at++;
    a->value = string(r, ends);
    r->wrong = r->wrong || *r->at != quote;
    if (!r->wrong)
        r->at++;
    a->next = n->attrs;
    n->attrs = a;
}

static struct xml_node *
new_node(struct reader *r)
{
    struct block *b = count(r) ? room(r) : NULL;

    if (b == NULL)
        return NULL;
    struct xml_node *n = &b->nodes[b->n++];
    n->text = "";
    n->parent = r->in;
    if (r->in == NULL) {
        r->wrong = r->x->root != NULL;
        r->x->root = n;
    } else if (r->in->last == NULL) {
        r->in->child = r->in->last = n;
    } else {
        r->in->last->next = n;
        r->in->last = n;
    }
    return n;
}

/* After its "<". */
static void
open_element(struct reader *r)
{
    struct xml_node *n = new_node(r);

    if (n == NULL)
        return;
    n->name = string(r, " \t\r\n/><='\"");
    r->wrong = r->wrong || n->name[0] == '\0' || r->depth == XML_DEPTH_MAX;
    for (blanks(r); !r->wrong && !r->no_memory && *r->at != '>' && *r->at != '/'; blanks(r))
        attribute(r, n);
    if (r->wrong || r->no_memory)
        return;
    if (*r->at++ == '>') {
        r->in = n;
        r->depth++;
    } else if (*r->at++ != '>') {
        r->wrong = true;
    }
}

/* After its "</". */
static void
close_element(struct reader *r)
{
    const char *name = string(r, " \t\r\n>");

    blanks(r);
    r->wrong = r->wrong || r->in == NULL || *r->at != '>' || strcmp(name, r->in->name) != 0;
    if (r->wrong)
        return;
    r->at++;
    r->in = r->in->parent;
    r->depth--;
}

static void
pass_over(struct reader *r, const char *end)
{
    const char *found = strstr(r->at, end);

    r->wrong = found == NULL;
    if (found != NULL)
        r->at = found + strlen(end);
}

static bool
begins(const char *s, const char *with)
{
    return strncmp(s, with, strlen(with)) == 0;
}

static void
markup(struct reader *r)
{
    if (begins(r->at, "<!--"))
        pass_over(r, "-->");
    else if (begins(r->at, "<![CDATA["))
        pass_over(r, "]]>");
    else if (begins(r->at, "<?"))
        pass_over(r, "?>");
    else if (begins(r->at, "<!"))
        r->wrong = true;
    else if (begins(r->at, "</")) {
        r->at += 2;
        close_element(r);
    } else {
        r->at++;
        open_element(r);
    }
}

static void
words(struct reader *r)
{
    const char *text = string(r, "<");

    if (r->in == NULL)
        r->wrong = r->wrong || text[strspn(text, " \t\r\n")] != '\0';
    else if (r->in->child == NULL && r->in->text[0] == '\0')
        r->in->text = text;
}

struct err *
xml_read(const char *text, struct xml **ret)
{
    size_t len = strlen(text);
    auto_ptr(xml) x = calloc(1, sizeof(*x));
    struct reader r = { .x = x, .at = text };

    *ret = NULL;
    if (len > XML_BYTES_MAX)
        return NULL;
    if (x == NULL || (x->words = malloc(2 * len + 2)) == NULL)
        return fail(OutOfMemory);
    while (!r.wrong && !r.no_memory && *r.at != '\0') {
        if (*r.at == '<')
            markup(&r);
        else
            words(&r);
    }
    if (r.no_memory)
        return fail(OutOfMemory);
    if (!r.wrong && r.in == NULL && x->root != NULL)
        *ret = take(x);
    return NULL;
}

/* ---- looking ---- */

const struct xml_node *
xml_root(const struct xml *x)
{
    return x->root;
}

static const struct xml_node *
named(const struct xml_node *n, const char *name, size_t len)
{
    while (n != NULL && (strlen(n->name) != len || memcmp(n->name, name, len) != 0))
        n = n->next;
    return n;
}

const struct xml_node *
xml_first(const struct xml_node *n, const char *name)
{
    return n == NULL ? NULL : named(n->child, name, strlen(name));
}

const struct xml_node *
xml_again(const struct xml_node *n)
{
    return named(n->next, n->name, strlen(n->name));
}

const struct xml_node *
xml_find(const struct xml_node *n, const char *path)
{
    while (n != NULL && *path != '\0') {
        size_t len = strcspn(path, "/");

        n = named(n->child, path, len);
        path += len + (path[len] == '/');
    }
    return n;
}

const char *
xml_attr(const struct xml_node *n, const char *name)
{
    for (const struct xml_attr *a = n != NULL ? n->attrs : NULL; a != NULL; a = a->next)
        if (strcmp(a->name, name) == 0)
            return a->value;
    return NULL;
}

void
xml_escape(struct text *t, const char *s)
{
    for (; *s != '\0'; s++) {
        switch (*s) {
        case '&': text_str(t, "&amp;"); break;
        case '<': text_str(t, "&lt;"); break;
        case '>': text_str(t, "&gt;"); break;
        case '"': text_str(t, "&quot;"); break;
        case '\'': text_str(t, "&apos;"); break;
        default: text_add(t, s, 1);
        }
    }
}

void
xml_free(struct xml *x)
{
    if (x == NULL)
        return;
    while (x->blocks != NULL) {
        struct block *next = x->blocks->next;

        free(x->blocks);
        x->blocks = next;
    }
    free(x->words);
    free(x);
}
