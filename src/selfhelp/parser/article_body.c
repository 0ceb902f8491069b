/* SPDX-License-Identifier: Apache-2.0 */
/* How it works: the body is read line by line; each line opens a block, continues the one
 * before it, or stands alone.  This is less than a full Markdown reader on purpose: real
 * articles break its rules more often than they use its depths, and what matters here is
 * that each step has a span.  A line is cut where one of the known markers stands in it, so
 * that text beside a marker keeps its own block.
 *
 * Lists keep the columns of their open items on a small stack; an item that is indented by
 * two or more beyond the last lies below it. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "article_internal.h"

/* One line, or the part of it before a marker. */
struct line {
    size_t off, end;   /* all of it */
    size_t text, stop; /* without blanks around it */
    unsigned indent;   /* in columns, tabs to the next multiple of 4 */
};

static const char *const marker_names[] = { "issueDescription", "rcaDescription",
    "recommendedActions", "resolutionDetails", "salutation", "additionalInfo" };

/* The title of a heading: its text without emphasis and blanks around it. */
static char *
plain_title(const struct article *a, struct article_span inner)
{
    char *s = article_text(a, inner);
    size_t n = 0, start = 0;

    if (s == NULL)
        return NULL;
    for (size_t i = 0; s[i] != '\0'; i++)
        if (s[i] != '*' && s[i] != '`')
            s[n++] = s[i];
    while (n > 0 && (s[n - 1] == ' ' || s[n - 1] == '\t'))
        n--;
    while (start < n && (s[start] == ' ' || s[start] == '\t'))
        start++;
    memmove(s, s + start, n - start);
    s[n - start] = '\0';
    return s;
}

static bool
add_section(struct parse *p, size_t first, unsigned level, struct article_span inner)
{
    struct article *a = p->a;
    char *title = NULL;

    if (!parse_room(p, &a->sections, &p->cap_sections, a->nsections, sizeof(*a->sections)))
        return false;
    if (level > 0) {
        title = plain_title(a, inner);
        p->no_memory = p->no_memory || title == NULL;
        if (title == NULL)
            return false;
    }
    a->sections[a->nsections++] =
        (struct article_section){ .level = level, .title = title, .first = first };
    return true;
}

struct article_block *
body_block(struct parse *p, enum article_kind kind, size_t off, size_t end)
{
    struct article *a = p->a;
    struct article_block *b;

    if (off == end || p->blocks_full || p->no_memory)
        return NULL;
    if (!parse_room(p, &a->blocks, &p->cap_blocks, a->nblocks, sizeof(*a->blocks)))
        return NULL;
    if (a->nsections == 0 && !add_section(p, 0, 0, (struct article_span){ 0 }))
        return NULL;
    if (a->nblocks == ARTICLE_MAX_BLOCKS - 1) {
        p->blocks_full = true;
        kind = ARTICLE_REST;
        end = p->len;
        parse_diag(p, "too-many-blocks", ARTICLE_ERROR, off, end - off,
            "the rest of the file is not read: too many blocks");
    }
    b = &a->blocks[a->nblocks++];
    *b = (struct article_block){ .kind = kind, .number = -1, .in_issue = p->in_issue };
    b->span = parse_span(p, off, end - off);
    b->inner = b->span;
    b->info = (struct article_span){ end, 0, b->span.line, b->span.column };
    b->section = a->nsections - 1;
    return p->blocks_full ? NULL : b;
}

static struct article_block *
last_block(const struct parse *p)
{
    return p->a->nblocks == 0 ? NULL : &p->a->blocks[p->a->nblocks - 1];
}

static bool
last_is(const struct parse *p, enum article_kind kind)
{
    return p->a->nblocks > 0 && last_block(p)->kind == kind;
}

static bool
is_blank(unsigned char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void
cut_line(const struct parse *p, size_t off, size_t end, struct line *l)
{
    bool odd;
    size_t n;

    *l = (struct line){ .off = off, .end = end, .text = off, .stop = end };
    while ((n = blank_at(p, l->text, end, &odd)) > 0) {
        l->indent = p->s[l->text] == '\t' ? (l->indent / 4 + 1) * 4 : l->indent + 1;
        l->text += n;
    }
    while (l->stop > l->text && is_blank(p->s[l->stop - 1]))
        l->stop--;
}

static struct article_block *
line_block(struct parse *p, enum article_kind kind, const struct line *l, size_t inner)
{
    struct article_block *b = body_block(p, kind, l->off, l->end);

    if (b != NULL)
        b->inner = parse_span(p, inner, l->stop > inner ? l->stop - inner : 0);
    return b;
}

static void
extend(struct article_block *b, const struct line *l)
{
    b->span.len = l->end - b->span.off;
    b->inner.len = l->stop - b->inner.off;
}

static void
add_heading(struct parse *p, const struct line *l, unsigned level, size_t inner)
{
    struct article_block *b;
    struct article_section *s;
    struct line cut = *l;

    while (cut.stop > inner && p->s[cut.stop - 1] == '#')
        cut.stop--;
    if (cut.stop != l->stop && cut.stop > inner && !is_blank(p->s[cut.stop - 1]))
        cut.stop = l->stop; /* "C#" is a word */
    while (cut.stop > inner && is_blank(p->s[cut.stop - 1]))
        cut.stop--;
    p->depth = 0;
    b = line_block(p, ARTICLE_HEADING, &cut, inner);
    if (b == NULL || !add_section(p, p->a->nblocks - 1, level, b->inner))
        return;
    b->level = level;
    b->section = p->a->nsections - 1;
    s = &p->a->sections[b->section];
    if (level == 1 && p->a->title == NULL) {
        p->a->title = strdup(s->title);
        p->a->title_span = b->inner;
        p->no_memory = p->no_memory || p->a->title == NULL;
    } else if (level == 1) {
        parse_diag(p, "title-again", ARTICLE_NOTE, b->span.off, b->span.len,
            "another heading of level 1");
    }
    if (b->inner.len == 0)
        parse_diag(p, "heading-empty", ARTICLE_NOTE, b->span.off, b->span.len,
            "a heading without text");
}

static bool
try_heading(struct parse *p, const struct line *l)
{
    size_t i = l->text;
    unsigned level;

    while (i < l->stop && p->s[i] == '#')
        i++;
    level = (unsigned)(i - l->text);
    if (level == 0 || level > 6)
        return false;
    if (i < l->stop && !is_blank(p->s[i])) {
        if (p->s[i] != '*' && !(p->s[i] >= 'A' && p->s[i] <= 'Z'))
            return false; /* "#1" and "#tag" are text */
        parse_diag(p, "heading-glued", ARTICLE_NOTE, l->text, l->stop - l->text,
            "no blank after the # of a heading");
    }
    while (i < l->stop && is_blank(p->s[i]))
        i++;
    add_heading(p, l, level, i);
    return true;
}

/* A line of = or - below a line of text makes that text a heading. */
static bool
try_underline(struct parse *p, const struct line *l)
{
    struct article_block *b = last_block(p);
    unsigned char c = p->s[l->text];
    struct line whole;

    if (!last_is(p, ARTICLE_PARAGRAPH) || b->level > 0 || (c != '=' && c != '-') ||
        l->stop - l->text < 2)
        return false;
    for (size_t i = l->text; i < l->stop; i++)
        if (p->s[i] != c)
            return false;
    if (memchr(p->s + b->inner.off, '\n', b->inner.len) != NULL)
        return false;
    cut_line(p, b->span.off, b->span.off + b->span.len, &whole);
    p->a->nblocks--;
    add_heading(p, &whole, c == '=' ? 1 : 2, whole.text);
    if (last_is(p, ARTICLE_HEADING))
        last_block(p)->span.len = l->end - whole.off;
    return true;
}

/* Three or more of the same - * _, blanks between them; a JSON payload may follow. */
static bool
is_rule(const struct parse *p, const struct line *l)
{
    unsigned char c = p->s[l->text];
    size_t n = 0;

    if (c != '-' && c != '*' && c != '_')
        return false;
    for (size_t i = l->text; i < l->stop; i++) {
        if (p->s[i] != c && !is_blank(p->s[i]))
            return false;
        n += p->s[i] == c;
    }
    return n >= 3;
}

static bool
json_follows(const struct parse *p, const struct line *l, size_t end, size_t *ret_at)
{
    size_t i = l->end;

    if (p->s[l->text] != '-')
        return false;
    while (i < end && is_blank(p->s[i]))
        i++;
    *ret_at = i;
    return i < end && p->s[i] == '{';
}

static bool
try_fence(struct parse *p, const struct line *l, size_t end, size_t *ret_next)
{
    unsigned char c = p->s[l->text];
    size_t n = 0, inner = l->end, stop = end, next = end, info;
    struct article_block *b;
    struct line at = { 0 };

    while (l->text + n < l->stop && p->s[l->text + n] == c)
        n++;
    info = l->text + n;
    if ((c != '`' && c != '~') || n < 3 ||
        (c == '`' && memchr(p->s + info, '`', l->stop - info) != NULL))
        return false;
    for (size_t off = inner; off < end; off = at.end) {
        const unsigned char *nl = memchr(p->s + off, '\n', end - off);
        size_t k = 0;

        cut_line(p, off, nl == NULL ? end : (size_t)(nl - p->s) + 1, &at);
        while (at.text + k < at.stop && p->s[at.text + k] == c)
            k++;
        if (k >= n && at.text + k == at.stop) {
            stop = off;
            next = at.end;
            break;
        }
    }
    if (next == end && stop == end)
        parse_diag(p, "fence-unclosed", ARTICLE_WARNING, l->text, l->stop - l->text,
            "the code fence is never closed");
    b = body_block(p, ARTICLE_FENCE, l->off, next);
    if (b != NULL) {
        while (info < l->stop && is_blank(p->s[info]))
            info++;
        b->level = l->indent >= 2 ? p->depth : 0;
        b->info = parse_span(p, info, l->stop - info);
        b->inner = parse_span(p, inner, stop - inner);
    }
    *ret_next = next;
    return true;
}

/* The length of the bullet or number at the start of ${l}, blanks after it included; 0 when
 * it is no item. */
static size_t
item_mark(const struct parse *p, const struct line *l, long *ret_number)
{
    size_t i = l->text, n = 0;
    long number = 0;
    bool odd, bullet = strchr("*+-", p->s[i]) != NULL && p->s[i] != '\0';

    *ret_number = -1;
    if (p->s[i] >= '0' && p->s[i] <= '9') {
        while (i < l->stop && p->s[i] >= '0' && p->s[i] <= '9' && i - l->text < 9)
            number = number * 10 + (p->s[i++] - '0');
        if (i >= l->stop || (p->s[i] != '.' && p->s[i] != ')'))
            return 0;
        *ret_number = number;
        i++;
    } else if (bullet) {
        i++;
    } else if (l->stop - i >= 3 && memcmp(p->s + i, "\xe2\x80\xa2", 3) == 0) {
        i += 3;
    } else if (p->a->encoding == ARTICLE_CP1252 && p->s[i] == 0x95) {
        i++;
    } else {
        return 0;
    }
    if (i < l->stop && (n = blank_at(p, i, l->stop, &odd)) == 0)
        return 0;
    while (n > 0) {
        i += n;
        n = blank_at(p, i, l->stop, &odd);
    }
    return i - l->text;
}

static bool
try_item(struct parse *p, const struct line *l)
{
    struct article_block *b;
    long number;
    size_t mark = item_mark(p, l, &number);

    if (mark == 0)
        return false;
    while (p->depth > 0 && l->indent <= p->indent[p->depth - 1] + 1)
        p->depth--;
    if (p->depth < ARTICLE_MAX_DEPTH)
        p->indent[p->depth++] = l->indent;
    b = line_block(p, ARTICLE_ITEM, l, l->text + mark);
    if (b != NULL) {
        b->level = p->depth;
        b->number = number;
    }
    return true;
}

/* Lines of one kind that belong together when they follow each other. */
static void
join_or_add(struct parse *p, enum article_kind kind, const struct line *l)
{
    if (last_is(p, kind))
        extend(last_block(p), l);
    else
        (void)line_block(p, kind, l, l->text);
}

static void
add_text(struct parse *p, const struct line *l)
{
    struct article_block *b;

    if (last_is(p, ARTICLE_PARAGRAPH) || last_is(p, ARTICLE_ITEM)) {
        extend(last_block(p), l);
        return;
    }
    /* below an item code starts four columns behind its text */
    if (l->indent >= (p->depth == 0 ? 4 : p->indent[p->depth - 1] + 7)) {
        join_or_add(p, ARTICLE_INDENTED, l);
        return;
    }
    if (l->indent < 2)
        p->depth = 0;
    b = line_block(p, ARTICLE_PARAGRAPH, l, l->text);
    if (b != NULL)
        b->level = p->depth;
}

/* A marker of one of the known pairs at ${start}, where "<!--" stands. */
static bool
marker_at(const struct parse *p, size_t start, struct mark *m)
{
    size_t i = start + 4;

    while (i < m->end && (p->s[i] == ' ' || p->s[i] == '\t'))
        i++;
    m->close = i < m->end && p->s[i] == '/';
    i += m->close;
    for (size_t k = 0; k < sizeof(marker_names) / sizeof(marker_names[0]); k++) {
        size_t n = strlen(marker_names[k]), j = i + n;

        if (m->end - i < n ||
            strncasecmp((const char *)p->s + i, marker_names[k], n) != 0)
            continue;
        while (j < m->end && (p->s[j] == ' ' || p->s[j] == '\t'))
            j++;
        if (m->end - j < 3 || memcmp(p->s + j, "-->", 3) != 0)
            continue;
        m->at = start;
        m->after = j + 3;
        m->name = (struct article_span){ .off = i, .len = n };
        return true;
    }
    return false;
}

/* Find the first known marker in [off, end); p->mark.at is ${end} when there is none.  What
 * was found for the same line before is kept: a line of many comments is searched once. */
static void
find_marker(struct parse *p, size_t off, size_t end)
{
    struct mark *m = &p->mark;
    const unsigned char *at;

    if (m->end == end && m->from <= off && off <= m->at)
        return;
    *m = (struct mark){ .from = off, .at = end, .end = end };
    while ((at = memmem(p->s + off, end - off, "<!--", 4)) != NULL) {
        if (marker_at(p, (size_t)(at - p->s), m))
            return;
        off = (size_t)(at - p->s) + 1;
    }
}

static void
note_issue(struct parse *p, size_t off, bool close)
{
    if (close != p->in_issue)
        parse_diag(p, "marker-unbalanced", ARTICLE_WARNING, off, 0, close
                ? "issueDescription is closed but not open"
                : "issueDescription is opened inside itself");
    p->in_issue = !close;
    p->issue_at = p->a->nblocks;
}

static size_t
rest_of_line(const struct parse *p, size_t off, size_t end)
{
    size_t i = off;

    while (i < end && is_blank(p->s[i]) && p->s[i] != '\n')
        i++;
    if (i == end)
        return end;
    return p->s[i] == '\n' ? i + 1 : off;
}

static size_t
add_marker(struct parse *p, size_t off, size_t end)
{
    const struct mark m = p->mark;
    bool issue =
        strncasecmp((const char *)p->s + m.name.off, marker_names[0], m.name.len) == 0;
    size_t next = rest_of_line(p, m.after, end);
    struct article_block *b;

    if (issue && m.close)
        note_issue(p, off, true);
    b = body_block(p, ARTICLE_MARKER, off, next);
    if (b != NULL) {
        b->level = m.close;
        b->in_issue = false;
        b->inner = parse_span(p, m.name.off, m.name.len);
    }
    if (issue && !m.close)
        note_issue(p, off, false);
    return next;
}

/* A comment that starts a line and is no token (<!--$name-->); returns where it ends, or 0. */
static size_t
add_comment(struct parse *p, const struct line *l, size_t end)
{
    const unsigned char *close = NULL;
    size_t next;

    if (l->stop - l->text < 4 || memcmp(p->s + l->text, "<!--", 4) != 0 ||
        (l->text + 4 < l->stop && strchr("$/", p->s[l->text + 4]) != NULL))
        return 0;
    if (!p->comment_unclosed)
        close = memmem(p->s + l->text, end - l->text, "-->", 3);
    if (close == NULL) {
        p->comment_unclosed = true;
        parse_diag(p, "comment-unclosed", ARTICLE_WARNING, l->text, 4,
            "the comment is never closed; it ends with its line");
        (void)body_block(p, ARTICLE_COMMENT, l->off, l->end);
        return l->end;
    }
    next = rest_of_line(p, (size_t)(close - p->s) + 3, end);
    (void)body_block(p, ARTICLE_COMMENT, l->off, next);
    return next;
}

/* Read the line, or part of one, at ${off}; returns where the next starts. */
static size_t
read_line(struct parse *p, size_t off, size_t end)
{
    struct line l;
    size_t next;

    if (off >= p->eol) {
        const unsigned char *nl = memchr(p->s + off, '\n', end - off);
        p->eol = nl == NULL ? end : (size_t)(nl - p->s) + 1;
    }
    cut_line(p, off, p->eol, &l);
    if (l.text < p->eol && try_fence(p, &l, end, &next))
        return next;
    find_marker(p, off, p->eol);
    if (p->mark.at < p->eol && p->mark.at <= l.text)
        return add_marker(p, off, p->eol);
    cut_line(p, off, p->mark.at, &l);
    if (l.text >= l.stop) {
        join_or_add(p, ARTICLE_BLANK, &l);
        return l.end;
    }
    next = add_comment(p, &l, end);
    if (next != 0)
        return next;
    if (is_rule(p, &l) && json_follows(p, &l, end, &next)) {
        (void)body_block(p, ARTICLE_RULE, off, l.end);
        (void)body_block(p, ARTICLE_BLANK, l.end, next);
        (void)body_block(p, ARTICLE_JSON, next, end);
        return end;
    }
    if (try_heading(p, &l) || try_underline(p, &l))
        return l.end;
    if (is_rule(p, &l)) {
        (void)line_block(p, ARTICLE_RULE, &l, l.text);
        p->depth = 0;
    } else if (p->s[l.text] == '>') {
        join_or_add(p, ARTICLE_QUOTE, &l);
    } else if (p->s[l.text] == '|') {
        join_or_add(p, ARTICLE_TABLE, &l);
    } else if (!try_item(p, &l)) {
        add_text(p, &l);
    }
    return l.end;
}

void
body_read(struct parse *p, size_t off, size_t end)
{
    p->comment_unclosed = false;
    p->eol = off;
    while (off < end && !p->blocks_full && !p->no_memory)
        off = read_line(p, off, end);
}

/* A description that is never closed is taken to be the one block after its marker. */
static void
end_issue(struct parse *p)
{
    struct article *a = p->a;
    bool kept = false;

    parse_diag(p, "marker-unbalanced", ARTICLE_WARNING, p->len, 0,
        "issueDescription is never closed");
    for (size_t i = p->issue_at; i < a->nblocks; i++) {
        a->blocks[i].in_issue = a->blocks[i].in_issue && !kept;
        kept = kept || a->blocks[i].kind != ARTICLE_BLANK;
    }
}

void
body_finish(struct parse *p)
{
    struct article *a = p->a;

    if (p->in_issue)
        end_issue(p);
    for (size_t i = 0; i < a->nsections; i++) {
        size_t next = i + 1 < a->nsections ? a->sections[i + 1].first : a->nblocks;
        a->sections[i].count = next - a->sections[i].first;
    }
}
