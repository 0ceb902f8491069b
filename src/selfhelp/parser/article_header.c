/* SPDX-License-Identifier: Apache-2.0 */
/* How it works: the header looks like XML and is not.  Names are words, values stand in
 * quotes and are literal: no escapes, any byte but the quote.  Four defects that people make
 * are mended with a warning: a missing closing quote (the value ends where the next line is
 * clearly an attribute or the end), a doubled one, zero-width characters between attributes,
 * and stray characters such as commas. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "article_internal.h"

static const char open_tag[] = "<properties";

size_t
blank_at(const struct parse *p, size_t off, size_t end, bool *ret_odd)
{
    /* soft hyphen, no-break space; ZWSP to RLM; BOM; ideographic space */
    static const char *const odd[] = { "\xc2\xad", "\xc2\xa0", "\xe2\x80\x8b",
        "\xe2\x80\x8c", "\xe2\x80\x8d", "\xe2\x80\x8e", "\xe2\x80\x8f", "\xef\xbb\xbf",
        "\xe3\x80\x80" };
    unsigned char c;

    *ret_odd = false;
    if (off >= end)
        return 0;
    c = p->s[off];
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
        return 1;
    if (c < 0x80)
        return 0;
    *ret_odd = true;
    if (p->a->encoding == ARTICLE_CP1252)
        return c == 0xa0 || c == 0xad;
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        size_t n = strlen(odd[i]);
        if (end - off >= n && memcmp(p->s + off, odd[i], n) == 0)
            return n;
    }
    return 0;
}

static bool
is_alpha(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_name(unsigned char c)
{
    return is_alpha(c) || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

static bool
is_quote(unsigned char c)
{
    return c == '"' || c == '\'';
}

static bool
at_end_tag(const struct parse *p, size_t off)
{
    return off + 1 < p->len && p->s[off] == '/' && p->s[off + 1] == '>';
}

size_t
header_find(struct parse *p)
{
    const size_t n = sizeof(open_tag) - 1;
    bool in_comments = true; /* a comment that never ends hides nothing */

    for (size_t i = 0; i + n < p->len; i++) {
        bool odd;

        if (p->s[i] != '<')
            continue;
        if (in_comments && p->len - i >= 4 && memcmp(p->s + i, "<!--", 4) == 0) {
            const unsigned char *close = memmem(p->s + i, p->len - i, "-->", 3);
            if (close == NULL)
                in_comments = false;
            else
                i = (size_t)(close - p->s) + 2;
            continue;
        }
        if (strncasecmp((const char *)p->s + i, open_tag, n) == 0 &&
            (blank_at(p, i + n, p->len, &odd) > 0 || at_end_tag(p, i + n)))
            return i;
    }
    return p->len;
}

/* Skip white space; zero-width characters are worth a warning (one for each run). */
static size_t
skip_blanks(struct parse *p, size_t off)
{
    bool odd, warned = false;
    size_t n;

    while ((n = blank_at(p, off, p->len, &odd)) > 0) {
        if (odd && !warned)
            parse_diag(p, "header-blank", ARTICLE_WARNING, off, n,
                "an invisible character between attributes");
        warned = warned || odd;
        off += n;
    }
    return off;
}

static size_t
skip_inline(const struct parse *p, size_t off)
{
    while (off < p->len && (p->s[off] == ' ' || p->s[off] == '\t'))
        off++;
    return off;
}

/* Does the line at ${off} open another attribute or end the header?  Then a value that is
 * still open has lost its closing quote. */
static bool
line_ends_value(const struct parse *p, size_t off)
{
    size_t i = skip_inline(p, off), name = i;

    if (at_end_tag(p, i))
        return true;
    while (i < p->len && is_name(p->s[i]))
        i++;
    if (i == name || !is_alpha(p->s[name]))
        return false;
    i = skip_inline(p, i);
    if (i >= p->len || p->s[i] != '=')
        return false;
    i = skip_inline(p, i + 1);
    return i < p->len && is_quote(p->s[i]);
}

/* The end of the quoted value that starts at ${off}; ${ret_next} is where to read on. */
static size_t
value_end(struct parse *p, size_t off, unsigned char quote, size_t *ret_next)
{
    size_t i = off, first_line = 0, stop;

    for (; i < p->len && i - off <= ARTICLE_MAX_VALUE; i++) {
        if (p->s[i] == quote) {
            *ret_next = i + 1;
            if (i + 1 < p->len && p->s[i + 1] == quote) {
                parse_diag(p, "quote-doubled", ARTICLE_WARNING, i + 1, 1,
                    "the closing quote is doubled");
                *ret_next = i + 2;
            }
            return i;
        }
        if (p->s[i] != '\n')
            continue;
        first_line = first_line == 0 ? i : first_line;
        if (line_ends_value(p, i + 1)) {
            first_line = i;
            break;
        }
    }
    stop = first_line != 0 ? first_line : i < p->len ? i : p->len;
    parse_diag(p, "quote-missing", ARTICLE_WARNING, stop, 0,
        "the closing quote is missing; the value ends with its line");
    *ret_next = stop;
    if (stop > off && p->s[stop - 1] == '\r')
        stop--;
    return stop;
}

static size_t
unquoted_end(struct parse *p, size_t off)
{
    size_t i = off;
    bool odd;

    while (i < p->len && i - off < ARTICLE_MAX_VALUE && blank_at(p, i, p->len, &odd) == 0 &&
        !at_end_tag(p, i) && p->s[i] != '>')
        i++;
    parse_diag(p, "value-unquoted", ARTICLE_WARNING, off, i - off,
        "the value does not stand in quotes");
    return i;
}

static void
add_field(struct parse *p, size_t name, size_t name_len, size_t value, size_t value_len)
{
    struct article *a = p->a;
    struct article_field *f;

    if (!parse_room(p, &a->fields, &p->cap_fields, a->nfields, sizeof(*a->fields)))
        return;
    f = &a->fields[a->nfields];
    f->name_span = parse_span(p, name, name_len);
    f->value_span = parse_span(p, value, value_len);
    f->name = article_text(a, f->name_span);
    f->value = article_text(a, f->value_span);
    if (f->name == NULL || f->value == NULL) {
        free(f->name);
        free(f->value);
        p->no_memory = true;
        return;
    }
    if (article_field(a, f->name) != NULL)
        parse_diag(p, "field-twice", ARTICLE_WARNING, name, name_len,
            "the attribute stands here twice; the first counts");
    a->nfields++;
}

/* Read name = "value" at ${off}; returns where to read on. */
static size_t
read_field(struct parse *p, size_t off)
{
    size_t name = off, name_len, value, next;

    while (off < p->len && is_name(p->s[off]))
        off++;
    name_len = off - name;
    off = skip_blanks(p, off);
    if (off >= p->len || p->s[off] != '=') {
        parse_diag(p, "field-without-value", ARTICLE_WARNING, name, name_len,
            "an attribute without a value");
        return off;
    }
    value = skip_blanks(p, off + 1);
    if (value < p->len && is_quote(p->s[value])) {
        size_t end = value_end(p, value + 1, p->s[value], &next);
        add_field(p, name, name_len, value + 1, end - value - 1);
        return next;
    }
    next = unquoted_end(p, value);
    add_field(p, name, name_len, value, next - value);
    return next;
}

static size_t
skip_junk(struct parse *p, size_t off)
{
    size_t start = off;
    bool odd;

    while (off < p->len && !is_alpha(p->s[off]) && blank_at(p, off, p->len, &odd) == 0 &&
        !at_end_tag(p, off) && p->s[off] != '>')
        off++;
    parse_diag(p, "header-junk", ARTICLE_WARNING, start, off - start,
        "not an attribute; skipped");
    return off;
}

/* The rest of the header's last line, when it is blank, belongs to the header. */
static size_t
end_of_header(struct parse *p, size_t off)
{
    size_t i = off;

    while (i < p->len && (p->s[i] == ' ' || p->s[i] == '\t' || p->s[i] == '\r'))
        i++;
    if (i == p->len)
        return i;
    if (p->s[i] == '\n')
        return i + 1;
    parse_diag(p, "text-after-header", ARTICLE_NOTE, i, 0,
        "text on the line that ends the header");
    return off;
}

static size_t
give_up(struct parse *p, size_t off)
{
    const unsigned char *end = memmem(p->s + off, p->len - off, "/>", 2);

    parse_diag(p, "too-many-fields", ARTICLE_ERROR, off, 0, "more attributes than are read");
    return end == NULL ? p->len : end_of_header(p, (size_t)(end - p->s) + 2);
}

size_t
header_read(struct parse *p, size_t off)
{
    size_t start = off;

    p->a->has_header = true;
    off += sizeof(open_tag) - 1;
    for (;;) {
        off = skip_blanks(p, off);
        if (off >= p->len) {
            parse_diag(p, "header-unclosed", ARTICLE_ERROR, start, sizeof(open_tag) - 1,
                "the header does not end with />");
            return p->len;
        }
        if (at_end_tag(p, off))
            return end_of_header(p, off + 2);
        if (p->s[off] == '>') {
            parse_diag(p, "header-end", ARTICLE_WARNING, off, 1,
                "the header ends with > instead of />");
            return end_of_header(p, off + 1);
        }
        if (p->a->nfields == ARTICLE_MAX_FIELDS)
            return give_up(p, off);
        off = is_alpha(p->s[off]) ? read_field(p, off) : skip_junk(p, off);
    }
}
