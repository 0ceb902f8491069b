/* SPDX-License-Identifier: Apache-2.0 */
/* How it works: one pass decides the encoding and notes where lines start, a second reads
 * the header, a third cuts the rest into blocks line by line.  All of them work on the bytes
 * as given, because everything that gives structure is ASCII in each accepted encoding;
 * decoding happens only when text is handed out.  So a span needs no map back to the file. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "article_internal.h"
#include "utf8.h"

enum { MARK = 1024 };

/* Windows-1252, 0x80 to 0x9f; the five holes become the replacement character. */
static const uint16_t cp1252[32] = {
    0x20ac, 0xfffd, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021,
    0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0xfffd, 0x017d, 0xfffd,
    0xfffd, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
    0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0xfffd, 0x017e, 0x0178,
};

bool
parse_room(struct parse *p, void *array, size_t *cap, size_t n, size_t size)
{
    size_t want = *cap == 0 ? 16 : *cap * 2;
    void *old, *grown;

    if (n < *cap)
        return true;
    memcpy(&old, array, sizeof(old)); /* any pointer type may stand there */
    grown = realloc(old, want * size);
    if (grown == NULL) {
        p->no_memory = true;
        return false;
    }
    memcpy(array, &grown, sizeof(grown));
    *cap = want;
    return true;
}

static uint32_t
line_of(const struct parse *p, size_t off)
{
    size_t lo = 0, hi = p->nlines;

    while (hi - lo > 1) {
        size_t mid = lo + (hi - lo) / 2;
        if (p->lines[mid] <= off)
            lo = mid;
        else
            hi = mid;
    }
    return (uint32_t)lo;
}

struct article_span
parse_span(struct parse *p, size_t off, size_t len)
{
    uint32_t line = line_of(p, off);
    bool utf8 = p->a->encoding != ARTICLE_CP1252;

    if (line != p->col_line || off < p->col_off) {
        p->col_line = line;
        p->col_off = p->lines[line];
        p->col = 1;
    }
    for (; p->col_off < off; p->col_off++)
        if (!utf8 || (p->s[p->col_off] & 0xc0) != 0x80)
            p->col++;
    return (struct article_span){ off, len, line + 1, p->col };
}

void
parse_diag(struct parse *p, const char *id, enum article_severity severity, size_t off,
    size_t len, const char *text)
{
    struct article *a = p->a;

    if (a->ndiags >= ARTICLE_MAX_DIAGS)
        return;
    if (!parse_room(p, &a->diags, &p->cap_diags, a->ndiags, sizeof(*a->diags)))
        return;
    if (a->ndiags == ARTICLE_MAX_DIAGS - 1) {
        id = "too-many";
        severity = ARTICLE_WARNING;
        text = "more is odd in this file than is listed";
    }
    a->diags[a->ndiags++] =
        (struct article_diag){ id, severity, parse_span(p, off, len), text };
}

/* The length of the UTF-8 sequence at ${s}, 0 when it is not valid. */
static size_t
utf8_at(const unsigned char *s, size_t len)
{
    static const uint32_t least[5] = { 0, 0, 0x80, 0x800, 0x10000 };
    size_t n = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3
        : s[0] < 0xf5 ? 4 : 0;
    uint32_t c;

    if (n <= 1)
        return n;
    if (n > len)
        return 0;
    c = s[0] & (0xffu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (s[i] & 0x3fu);
    }
    return c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? 0 : n;
}

static void
detect_encoding(struct parse *p)
{
    p->a->encoding = ARTICLE_ASCII;
    for (size_t i = 0; i < p->len;) {
        size_t n = utf8_at(p->s + i, p->len - i);

        if (n == 0) {
            p->a->encoding = ARTICLE_CP1252;
            parse_diag(p, "not-utf8", ARTICLE_WARNING, i, 1,
                "not UTF-8; the file is read as Windows-1252");
            return;
        }
        if (n > 1)
            p->a->encoding = ARTICLE_UTF8;
        i += n;
    }
}

static bool
find_lines(struct parse *p)
{
    size_t n = 1;

    for (size_t i = 0; i < p->len; i++)
        n += p->s[i] == '\n';
    p->lines = malloc(n * sizeof(*p->lines));
    if (p->lines == NULL)
        return false;
    p->lines[p->nlines++] = 0;
    for (size_t i = 0; i < p->len; i++)
        if (p->s[i] == '\n')
            p->lines[p->nlines++] = (uint32_t)(i + 1);
    return true;
}

static size_t
skip_boms(struct parse *p)
{
    size_t n = 0;

    while (p->len - n >= 3 && memcmp(p->s + n, "\xef\xbb\xbf", 3) == 0)
        n += 3;
    if (n > 3)
        parse_diag(p, "bom-twice", ARTICLE_NOTE, 3, n - 3, "more than one byte order mark");
    if (n > 0)
        (void)body_block(p, ARTICLE_BOM, 0, n);
    return n;
}

static void
parse_all(struct parse *p)
{
    size_t off, head;
    const unsigned char *nul;

    detect_encoding(p);
    nul = memchr(p->s, 0, p->len);
    if (nul != NULL)
        parse_diag(p, "nul-byte", ARTICLE_ERROR, (size_t)(nul - p->s), 1,
            "a zero byte: this is not a text file");
    off = skip_boms(p);
    head = header_find(p);
    if (head == p->len) {
        parse_diag(p, "no-header", ARTICLE_ERROR, off < p->len ? off : 0, 0,
            "no <properties .../> header");
        body_read(p, off, p->len);
    } else {
        body_read(p, off, head);
        off = header_read(p, head);
        (void)body_block(p, ARTICLE_HEADER, head, off);
        body_read(p, off, p->len);
    }
    body_finish(p);
    if (p->a->title == NULL)
        parse_diag(p, "no-title", ARTICLE_WARNING, p->len > 0 ? p->len - 1 : 0, 0,
            "no heading of level 1");
}

/* Count lines and columns from ${at} to ${off}. */
static void
pass(const struct article *a, struct article_span *at, size_t off)
{
    bool utf8 = a->encoding != ARTICLE_CP1252;

    for (; at->off < off && at->off < a->len; at->off++) {
        if (a->bytes[at->off] == '\n') {
            at->line++;
            at->column = 1;
        } else if (!utf8 || (a->bytes[at->off] & 0xc0) != 0x80) {
            at->column++;
        }
    }
}

/* So that the place of each of many steps in one long line is found in the same time. */
static bool
put_marks(struct article *a)
{
    size_t n = a->len / MARK + 1;
    struct article_span at = { 0, 0, 1, 1 };

    a->marks = calloc(n, sizeof(*a->marks));
    if (a->marks == NULL)
        return false;
    for (size_t i = 0; i < n; i++) {
        pass(a, &at, i * MARK);
        a->marks[i] = at;
    }
    return true;
}

enum article_result
article_parse(const void *bytes, size_t len, struct article **ret)
{
    struct parse p = { .col = 1 };
    bool ok;

    if (len > ARTICLE_MAX_BYTES)
        return ARTICLE_TOO_LARGE;
    p.a = calloc(1, sizeof(*p.a));
    if (p.a == NULL)
        return ARTICLE_NO_MEMORY;
    p.a->bytes = malloc(len + 1);
    ok = p.a->bytes != NULL;
    if (ok) {
        if (len > 0)
            memcpy(p.a->bytes, bytes, len);
        p.a->bytes[len] = '\0';
        p.s = p.a->bytes;
        p.len = p.a->len = len;
        ok = find_lines(&p);
    }
    if (ok)
        parse_all(&p);
    ok = ok && put_marks(p.a);
    free(p.lines);
    if (!ok || p.no_memory) {
        article_free(p.a);
        return ARTICLE_NO_MEMORY;
    }
    *ret = p.a;
    return ARTICLE_OK;
}

const struct article_field *
article_field(const struct article *a, const char *name)
{
    for (size_t i = 0; i < a->nfields; i++)
        if (strcasecmp(a->fields[i].name, name) == 0)
            return &a->fields[i];
    return NULL;
}

const char *
article_value(const struct article *a, const char *name)
{
    const struct article_field *f = article_field(a, name);

    return f == NULL ? NULL : f->value;
}

const struct article_section *
article_find_section(const struct article *a, const char *title)
{
    for (size_t i = 1; i < a->nsections; i++)
        if (strcasecmp(a->sections[i].title, title) == 0)
            return &a->sections[i];
    return NULL;
}

/* ${at} may be NULL. */
static size_t
decode(const struct article *a, struct article_span span, char *text, uint32_t *at)
{
    const unsigned char *s = a->bytes + span.off;
    bool wide = a->encoding == ARTICLE_CP1252;
    size_t n = 0;

    for (size_t i = 0; i < span.len; i++) {
        uint32_t c = s[i];
        size_t from = n;

        if (c == '\r' && i + 1 < span.len && s[i + 1] == '\n')
            continue;
        if (c == 0)
            c = '?';
        if (wide)
            n += utf8_put(text + n, c >= 0x80 && c < 0xa0 ? cp1252[c - 0x80] : c);
        else
            text[n++] = (char)c;
        for (; at != NULL && from < n; from++)
            at[from] = (uint32_t)(span.off + i);
    }
    text[n] = '\0';
    if (at != NULL)
        at[n] = (uint32_t)(span.off + span.len);
    return n;
}

char *
article_text(const struct article *a, struct article_span span)
{
    char *text = malloc(span.len * (a->encoding == ARTICLE_CP1252 ? 3 : 1) + 1);

    if (text != NULL)
        (void)decode(a, span, text, NULL);
    return text;
}

char *
article_text_map(const struct article *a, struct article_span span, uint32_t **ret_at)
{
    size_t room = span.len * (a->encoding == ARTICLE_CP1252 ? 3 : 1) + 1;
    char *text = malloc(room);
    uint32_t *at = malloc(room * sizeof(*at));

    if (text == NULL || at == NULL) {
        free(text);
        free(at);
        return NULL;
    }
    (void)decode(a, span, text, at);
    *ret_at = at;
    return text;
}

struct article_span
article_part(const struct article *a, struct article_span within, size_t off, size_t len)
{
    struct article_span s = off <= a->len ? a->marks[off / MARK] : within;

    if (s.off <= within.off)
        s = within;
    pass(a, &s, off);
    s.off = off;
    s.len = len;
    return s;
}

const char *
article_kind_name(enum article_kind kind)
{
    static const char *const name[] = {
        [ARTICLE_BOM] = "bom",           [ARTICLE_HEADER] = "header",
        [ARTICLE_BLANK] = "blank",       [ARTICLE_HEADING] = "heading",
        [ARTICLE_MARKER] = "marker",     [ARTICLE_COMMENT] = "comment",
        [ARTICLE_PARAGRAPH] = "paragraph", [ARTICLE_ITEM] = "item",
        [ARTICLE_FENCE] = "fence",       [ARTICLE_INDENTED] = "indented",
        [ARTICLE_TABLE] = "table",       [ARTICLE_QUOTE] = "quote",
        [ARTICLE_RULE] = "rule",         [ARTICLE_JSON] = "json",
        [ARTICLE_REST] = "rest",
    };

    return name[kind];
}

void
article_free(struct article *a)
{
    if (a == NULL)
        return;
    for (size_t i = 0; i < a->nfields; i++) {
        free(a->fields[i].name);
        free(a->fields[i].value);
    }
    for (size_t i = 0; i < a->nsections; i++)
        free(a->sections[i].title);
    free(a->fields);
    free(a->sections);
    free(a->blocks);
    free(a->diags);
    free(a->marks);
    free(a->title);
    free(a->bytes);
    free(a);
}
