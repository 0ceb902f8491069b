/* SPDX-License-Identifier: Apache-2.0 */
/* How it works: one pass over the text of a block copies what a reader would see and notes,
 * for each byte, where it came from and whether it stood in code, emphasis or a link.
 *
 * Markdown's own rules are bent where articles break them: "\<Version>" in a path keeps its
 * backslash, "<Version>" is no tag, a star that opens nothing is a star.  Each look ahead
 * (for the end of a code span, a link, a comment) is bounded or remembered when it fails, so
 * that time grows with the length alone. */
#include <string.h>

#include "compile_internal.h"

enum { LOOK_MAX = 1024, LINK_MAX = 512, TICKS_MAX = 16 };

struct scan {
    struct flat *f;
    const char *t;
    const uint32_t *at;
    size_t len;
    uint8_t mark;            /* emphasis and link that are open */
    unsigned stars;          /* emphasis that is open: 1, 2, 3 stars; 0 none */
    size_t no_close[TICKS_MAX + 1]; /* from here on no run of so many backticks */
    size_t no_bracket; /* up to here no ] stands */
    bool no_comment;
    size_t link_close, link_next; /* where the open link's text and all of it end */
};

static void
put(struct scan *k, char c, size_t from, uint8_t mark)
{
    struct flat *f = k->f;

    f->s[f->len] = c;
    f->low[f->len] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
    f->mark[f->len] = mark;
    f->at[f->len++] = k->at[from];
}

static bool
is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool
is_word_byte(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
        (unsigned char)c >= 0x80;
}

/* The neighbours of a place; a no-break space is a blank too. */
static char
prev(const struct scan *k, size_t i)
{
    if (i > 1 && k->t[i - 1] == '\xa0' && k->t[i - 2] == '\xc2')
        return ' ';
    return i == 0 ? ' ' : k->t[i - 1];
}

static char
next(const struct scan *k, size_t i)
{
    if (i + 1 < k->len && k->t[i] == '\xc2' && k->t[i + 1] == '\xa0')
        return ' ';
    return i >= k->len ? ' ' : k->t[i];
}

static size_t
run_of(const struct scan *k, size_t i, char c)
{
    size_t n = 0;

    while (i + n < k->len && k->t[i + n] == c)
        n++;
    return n;
}

/* ---- code spans ---- */

static size_t
close_of(struct scan *k, size_t i, size_t n)
{
    if (n > TICKS_MAX || (k->no_close[n] != 0 && i >= k->no_close[n] - 1))
        return 0;
    for (size_t j = i; j < k->len;) {
        size_t m = run_of(k, j, '`');

        if (m == n)
            return j;
        j += m > 0 ? m : 1;
    }
    k->no_close[n] = i + 1;
    return 0;
}

static size_t
code_span(struct scan *k, size_t i)
{
    size_t n = run_of(k, i, '`'), from = i + n, end = close_of(k, from, n), to = end;

    if (end == 0) {
        k->f->open_code = true;
        return i + n; /* the backticks themselves say nothing */
    }
    while (from < to && is_space(k->t[from]))
        from++;
    while (to > from && is_space(k->t[to - 1]))
        to--;
    for (size_t j = from; j < to; j++)
        put(k, k->t[j] == '\n' ? ' ' : k->t[j], j, FLAT_CODE | k->mark);
    return end + n;
}

/* ---- emphasis ---- */

static size_t
star(struct scan *k, size_t i)
{
    size_t n = run_of(k, i, '*');
    bool left = !is_space(next(k, i + n)), right = !is_space(prev(k, i));

    if (n > 3) /* a line of stars, or a broken one */
        return i + n;
    if (k->stars != 0 && right) {
        k->stars = 0;
        k->mark &= (uint8_t)~FLAT_BOLD;
        return i + n;
    }
    if (k->stars == 0 && left && (!is_word_byte(prev(k, i)) || n >= 2)) {
        k->stars = (unsigned)n;
        k->mark |= FLAT_BOLD;
        return i + n;
    }
    if (n == 1 && right)
        put(k, '*', i, k->mark);
    return i + n;
}

static size_t
underscore(struct scan *k, size_t i)
{
    size_t n = run_of(k, i, '_');

    if (n <= 3 && (!is_word_byte(prev(k, i)) || !is_word_byte(next(k, i + n))) &&
        prev(k, i) != '\\' && next(k, i + n) != '\\')
        return i + n;
    for (size_t j = 0; j < n; j++)
        put(k, '_', i + j, k->mark);
    return i + n;
}

/* ---- links ---- */

static void
add_link(struct scan *k, size_t from, size_t to, const char *s, size_t len)
{
    struct flat *f = k->f;
    char *address;

    if (f->nlinks == FLAT_LINKS_MAX)
        return;
    address = strndup(s, len);
    if (address == NULL) {
        f->no_memory = true;
        return;
    }
    f->link[f->nlinks++] = (struct flat_link){ from, to, address };
}

/* The end of [...] that starts at ${i}, or 0. */
static size_t
bracket_end(struct scan *k, size_t i)
{
    unsigned depth = 0;
    size_t end = k->len - i < LINK_MAX ? k->len : i + LINK_MAX;

    if (end <= k->no_bracket)
        return 0;
    if (memchr(k->t + i, ']', end - i) == NULL) {
        k->no_bracket = end;
        return 0;
    }
    for (size_t j = i; j < end; j++) {
        if (k->t[j] == '[')
            depth++;
        else if (k->t[j] == ']' && --depth == 0)
            return j;
    }
    return 0;
}

/* A link [text](address) at ${i}: its text is read on as before. */
static size_t
link_open(struct scan *k, size_t i)
{
    size_t close, j, from, depth = 0;
    bool image = prev(k, i) == '!';

    if (k->link_close != 0)
        return 0;
    close = bracket_end(k, i);
    if (close == 0)
        return 0;
    j = close + 1;
    while (j < k->len && next(k, j) == ' ')
        j++;
    if (next(k, j) != '(')
        return 0;
    from = ++j;
    for (; j < k->len && j - from < 2 * LOOK_MAX; j++) {
        if (k->t[j] == '(')
            depth++;
        else if (k->t[j] == ')' && depth-- == 0)
            break;
    }
    if (next(k, j) != ')' || (image && k->f->len > 0))
        return 0;
    while (from < j && is_space(k->t[from]))
        from++;
    for (depth = j; depth > from && is_space(k->t[depth - 1]);)
        depth--;
    add_link(k, k->f->len, k->f->len, k->t + from, depth - from);
    k->link_close = close;
    k->link_next = j + 1;
    k->mark |= FLAT_LINK;
    return i + 1;
}

static size_t
link_close(struct scan *k)
{
    size_t to = k->link_next;

    k->mark &= (uint8_t)~FLAT_LINK;
    k->link_close = 0;
    if (k->f->nlinks > 0)
        k->f->link[k->f->nlinks - 1].to = k->f->len;
    return to;
}

/* A bare address at ${i}. */
static size_t
bare_link(struct scan *k, size_t i)
{
    size_t n, from = k->f->len;

    if ((k->mark & FLAT_LINK) != 0 || is_word_byte(prev(k, i)) ||
        (strncmp(k->t + i, "http://", 7) != 0 && strncmp(k->t + i, "https://", 8) != 0))
        return 0;
    n = strcspn(k->t + i, " \t\n\r<>\"'`*");
    while (n > 0 && strchr(".,;:!?)]", k->t[i + n - 1]) != NULL)
        n--;
    for (size_t j = 0; j < n; j++)
        put(k, k->t[i + j], i + j, k->mark | FLAT_LINK);
    add_link(k, from, k->f->len, k->t + i, n);
    return i + n;
}

/* ---- tags, comments, entities ---- */

static size_t
comment(struct scan *k, size_t i)
{
    const char *end = k->no_comment ? NULL : strstr(k->t + i, "-->");
    size_t name = 0;

    if (end == NULL) {
        k->no_comment = true;
        put(k, '<', i, k->mark);
        return i + 1;
    }
    if (strncmp(k->t + i, "<!--$", 5) == 0) { /* a sample value: a placeholder by name */
        size_t room = k->len - (size_t)(end - k->t);
        const char *close = memmem(end, room < LOOK_MAX ? room : LOOK_MAX, "<!--/", 5);

        put(k, '<', i, k->mark);
        for (const char *c = k->t + i + 5; c < end && name < 64; c++, name++)
            put(k, is_word_byte(*c) ? *c : '-', (size_t)(c - k->t), k->mark);
        put(k, '>', i, k->mark);
        close = close == NULL ? NULL : strstr(close, "-->");
        if (close != NULL)
            end = close;
    }
    return (size_t)(end - k->t) + 3;
}

/* An HTML tag at ${i}, or 0: what people write in angle brackets is most often a name to be
 * filled in. */
static size_t
tag(struct scan *k, size_t i)
{
    static const char breaking[] = "br|p|li|div|tr|hr|ul|ol|table|h1|h2|h3|h4|pre";
    static const char plain[] = "a|b|i|u|em|kbd|strong|span|code|td|th|sup|sub|font|img|"
                                "details|summary|tbody|thead|blockquote|insight|azurekb|"
                                "video|bcd";
    size_t name = i + 1 + (next(k, i + 1) == '/'), n = 0, end;

    while (is_word_byte(next(k, name + n)) && n < 16)
        n++;
    end = name + n;
    if (n == 0 || (!is_space(next(k, end)) && next(k, end) != '>' && next(k, end) != '/'))
        return 0;
    if (!in_list(k->t + name, n, breaking) && !in_list(k->t + name, n, plain))
        return 0;
    while (end < k->len && k->t[end] != '>' && k->t[end] != '<' && end - i < LOOK_MAX)
        end++;
    if (next(k, end) != '>')
        return 0;
    if (in_list(k->t + name, n, breaking))
        put(k, FLAT_HARD, i, 0);
    return end + 1;
}

static size_t
entity(struct scan *k, size_t i)
{
    static const struct {
        const char *name;
        char c;
    } known[] = { { "&amp;", '&' }, { "&lt;", '<' }, { "&gt;", '>' }, { "&quot;", '"' },
        { "&nbsp;", ' ' }, { "&#39;", '\'' }, { "&#92;", '\\' } };

    for (size_t j = 0; j < sizeof(known) / sizeof(known[0]); j++)
        if (strncmp(k->t + i, known[j].name, strlen(known[j].name)) == 0) {
            put(k, known[j].c, i, k->mark);
            return i + strlen(known[j].name);
        }
    return 0;
}

/* ---- invisible characters ---- */

static size_t
invisible(struct scan *k, size_t i)
{
    static const char *const gone[] = { "\xe2\x80\x8b", "\xe2\x80\x8c", "\xe2\x80\x8d",
        "\xe2\x80\x8e", "\xe2\x80\x8f", "\xef\xbb\xbf", "\xc2\xad" };
    static const char *const blank[] = { "\xc2\xa0", "\xe3\x80\x80", "\xe2\x80\xaf" };

    for (size_t j = 0; j < sizeof(gone) / sizeof(gone[0]); j++)
        if (strncmp(k->t + i, gone[j], strlen(gone[j])) == 0)
            return i + strlen(gone[j]);
    for (size_t j = 0; j < sizeof(blank) / sizeof(blank[0]); j++)
        if (strncmp(k->t + i, blank[j], strlen(blank[j])) == 0) {
            put(k, ' ', i, k->mark);
            return i + strlen(blank[j]);
        }
    return 0;
}

static bool
is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Typographic or not, "don't" is one word of the lists.  What belongs to a name in capitals
 * ("Contoso's") stays as it is written. */
static size_t
apostrophe(struct scan *k, size_t i)
{
    static const char *const ends[] = { "t", "s", "re", "ll", "ve", "d", "m" };
    size_t from = i;

    while (from > 0 && is_letter(k->t[from - 1]))
        from--;
    if (from == i || strncmp(k->t + i, "\xe2\x80\x99", 3) != 0)
        return 0;
    for (size_t j = 0; j < sizeof(ends) / sizeof(ends[0]); j++) {
        size_t to = i + 3 + strlen(ends[j]);

        if (strncmp(k->t + i + 3, ends[j], strlen(ends[j])) == 0 && !is_letter(k->t[to]) &&
            !(ends[j][0] == 's' && k->t[from] <= 'Z')) {
            put(k, '\'', i, k->mark);
            return i + 3;
        }
    }
    return 0;
}

/* A backslash: it escapes punctuation, but in a path it is what it is. */
static size_t
backslash(struct scan *k, size_t i)
{
    char c = next(k, i + 1);

    if (c == '\\' || c == '_' || (c != '\0' && strchr("`[]()#+-.!|{}", c) != NULL)) {
        if (c == '\\' || c == '_' || !is_word_byte(prev(k, i)) || c == '`') {
            put(k, c, i, k->mark);
            return i + 2;
        }
    } else if (c == '*' && !is_word_byte(prev(k, i))) {
        put(k, c, i, k->mark);
        return i + 2;
    }
    put(k, '\\', i, k->mark);
    if (c != '*')
        return i + 1;
    put(k, c, i + 1, k->mark);
    return i + 2;
}

/* The > at the start of a line of a quotation. */
static size_t
quote_mark(struct scan *k, size_t i)
{
    size_t from = i;

    while (from > 0 && (k->t[from - 1] == ' ' || k->t[from - 1] == '>') && i - from < 8)
        from--;
    if ((from > 0 && k->t[from - 1] != '\n') || !is_space(next(k, i + 1)))
        return 0;
    return i + 1;
}

static size_t
special(struct scan *k, size_t i)
{
    size_t to = 0;

    switch (k->t[i]) {
    case '>':
        return quote_mark(k, i);
    case '\\':
        return backslash(k, i);
    case '`':
        return code_span(k, i);
    case '*':
        return star(k, i);
    case '_':
        return underscore(k, i);
    case '[':
        return link_open(k, i);
    case '<':
        return strncmp(k->t + i, "<!--", 4) == 0 ? comment(k, i) : tag(k, i);
    case '&':
        return entity(k, i);
    case 'h':
        return bare_link(k, i);
    default:
        if ((unsigned char)k->t[i] >= 0x80)
            to = invisible(k, i);
        if (k->t[i] == '\xe2' && to == 0)
            to = apostrophe(k, i);
        return to;
    }
}

static void
scan_inline(struct scan *k)
{
    for (size_t i = 0; i < k->len;) {
        size_t to;

        if (k->link_close != 0 && i >= k->link_close) {
            i = link_close(k) > i ? k->link_next : i + 1;
            continue;
        }
        to = special(k, i);
        if (to == 0) {
            put(k, k->t[i] == '\t' ? ' ' : k->t[i], i, k->mark);
            to = i + 1;
        }
        i = to;
    }
}

/* Lines of code; a backslash or ^ at the end of one joins the next. */
static void
scan_raw(struct scan *k)
{
    for (size_t i = 0; i < k->len; i++) {
        char c = k->t[i];

        if ((c == '\\' || c == '^') && next(k, i + 1) == '\n' && is_space(prev(k, i))) {
            put(k, ' ', i, FLAT_CODE);
            i++;
            continue;
        }
        put(k, c == '\n' ? FLAT_HARD : c == '\t' ? ' ' : c, i, FLAT_CODE);
    }
}

void
flat_init(struct flat *f, const struct article *a, struct article_span span, bool raw)
{
    uint32_t *at = NULL;
    auto_free char *t = article_text_map(a, span, &at);
    size_t len = t == NULL ? 0 : strlen(t);
    struct scan k = { .f = f, .t = t, .at = at, .len = len };

    *f = (struct flat){ 0 };
    f->s = malloc(len + 1);
    f->low = malloc(len + 1);
    f->mark = malloc(len + 1);
    f->at = malloc((len + 1) * sizeof(*f->at));
    if (t == NULL || f->s == NULL || f->low == NULL || f->mark == NULL || f->at == NULL) {
        f->no_memory = true;
        free(at);
        return;
    }
    if (raw)
        scan_raw(&k);
    else
        scan_inline(&k);
    if (k.link_close != 0)
        (void)link_close(&k);
    f->s[f->len] = f->low[f->len] = '\0';
    f->mark[f->len] = 0;
    f->at[f->len] = at[len];
    free(at);
}

void
flat_done(struct flat *f)
{
    for (size_t i = 0; i < f->nlinks; i++)
        free(f->link[i].address);
    free(f->s);
    free(f->low);
    free(f->mark);
    free(f->at);
    *f = (struct flat){ 0 };
}
