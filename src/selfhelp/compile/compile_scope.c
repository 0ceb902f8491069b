/* SPDX-License-Identifier: Apache-2.0 */
/* How it works: each of these looks for a form, and for words of closed lists within it; none
 * knows an article.  What they find reaches what comes after it, since authors say first for
 * whom and when, and then go on as if all readers were those. */
#include <string.h>
#include <strings.h>

#include "compile_internal.h"

enum { FRAGMENT_MAX = 8, HEADING_WORDS = 64 }; /* words of what is called a fragment */

/* ---- markup of templates ---- */

static bool
starts(const char *s, size_t len, const char *with)
{
    size_t n = strlen(with);

    return len >= n && strncmp(s, with, n) == 0;
}

/* The name of a tag, a directive or a shortcode at [s, s + len). */
static size_t
name_len(const char *s, size_t len)
{
    size_t n = 0;

    while (n < len && ((s[n] >= 'a' && s[n] <= 'z') || (s[n] >= 'A' && s[n] <= 'Z') ||
                          (s[n] >= '0' && s[n] <= '9') || s[n] == '-' || s[n] == '_'))
        n++;
    return n;
}

/* What only looks different, and notes, which are read as sentences. */
static const char notes_and_looks[] =
    "a|admonition|alert|attention|b|blockquote|br|callout|caution|center|code|code-block|"
    "contents|danger|dd|div|dl|dt|em|figure|font|h1|h2|h3|h4|h5|h6|highlight|hint|hr|i|image|"
    "img|important|info|kbd|li|note|ol|p|pre|seealso|small|span|strong|sub|sup|table|tbody|td|"
    "th|thead|tip|tr|tt|u|ul|video|warning";

static bool
line_opens(const char *s, size_t len)
{
    static const char *const marks[] = { "{{<", "{{%", "{%", ":::", "=== ", ".. ", "<" };
    size_t n = 0, m;

    for (size_t i = 0; n == 0 && i < sizeof(marks) / sizeof(marks[0]); i++)
        n = starts(s, len, marks[i]) ? strlen(marks[i]) : 0;
    if (n == 0)
        return false;
    if (s[0] == '=')
        return len > 4 && s[4] == '"';
    while (n < len && (s[n] == ' ' || s[n] == ':'))
        n++;
    m = name_len(s + n, len - n);
    if (m == 0 || (s[0] == '.' && !starts(s + n + m, len - n - m, "::")) ||
        (s[0] == '{' && starts(s + n, m, "end")))
        return false; /* it closes, or is none */
    if (s[0] == '<' && memchr(s + n, ':', m + 1 < len - n ? m + 1 : len - n) != NULL)
        return false; /* an address */
    return !in_list(s + n, m, notes_and_looks);
}

/* These bytes are those of the file, and need not be UTF-8. */
static void
opened(struct compiler *c, const char *s, size_t len)
{
    char line[WHY_MAX];
    size_t n = len < sizeof(line) ? len : sizeof(line);

    for (size_t i = 0; i < n; i++)
        line[i] = s[i] < ' ' || s[i] > '~' ? ' ' : s[i];
    around_markup(c, line, n);
}

void
scope_markup(struct compiler *c, const struct article_block *b)
{
    const char *s = (const char *)c->a->bytes + b->inner.off;
    size_t len = b->inner.len;

    for (size_t i = 0, end; i < len; i = end + 1) {
        const char *nl = memchr(s + i, '\n', len - i);

        end = nl == NULL ? len : (size_t)(nl - s);
        while (i < end && (s[i] == ' ' || s[i] == '\t'))
            i++;
        if (line_opens(s + i, end - i)) {
            opened(c, s + i, end - i);
            return;
        }
    }
}

/* ---- sections that are ways, or that say what others are for ---- */

static const char ways[] = "alternatives|approaches|choices|methods|options|possibilities|"
                           "resolutions|solutions|ways|workarounds";

/* The heading of a block, without its marks; NULL: it is none. */
static const char *
heading_of(const struct compiler *c, const struct article_block *b, size_t *ret_len)
{
    if (b->kind != ARTICLE_HEADING)
        return NULL;
    *ret_len = b->inner.len;
    return (const char *)c->a->bytes + b->inner.off;
}

/* Sections follow that have no number of a way: those with one have an order. */
static bool
sections_follow(const struct compiler *c)
{
    const struct article_block *end = c->a->blocks + c->a->nblocks;
    bool any = false;

    for (const struct article_block *b = c->block + 1; b < end; b++) {
        size_t len = 0, n;
        const char *t = heading_of(c, b, &len);

        if (t == NULL)
            continue;
        if ((long)b->level < c->around.now)
            break;
        while (len > 0 && strchr("*_ ", t[0]) != NULL) {
            t++;
            len--;
        }
        n = name_len(t, len);
        if (in_list(t, n, "alternative|approach|method|option|solution|step|workaround") &&
            len > n + 1 && t[n] == ' ' && t[n + 1] >= '0' && t[n + 1] <= '9')
            return false;
        any = true;
    }
    return any;
}

bool
scope_offers(const struct compiler *c, const struct sentence *s)
{
    bool counted = false;

    for (size_t i = 0; i < s->nwords && !counted; i++)
        counted = word_is(s, i, "2|3|4|5|any|different|either|five|following|four|multiple|one|"
                                "several|some|these|three|two") &&
            has_word(s, i + 1, i + 6 < s->nwords ? i + 6 : s->nwords, ways);
    return counted && !has_word(s, 0, s->nwords, "all|both|each|every") && sections_follow(c);
}

bool
heading_is_frame(const struct sentence *s)
{
    return word_is(s, 0,
        "applicability|applicable|applies|assumptions|audience|before|caution|cautions|"
        "considerations|important|limitations|note|notes|preconditions|"
        "prerequisite|prerequisites|remark|remarks|requirements|restrictions|scope|warning|"
        "warnings|when|where|which|who") &&
        !sentence_ends(s, '?');
}

/* The heading of block ${b} as a sentence: may it be one of several cases? */
static bool
may_be_case(struct compiler *c, const struct article_block *b)
{
    struct word word[HEADING_WORDS];
    struct flat f;
    bool case_ = false;

    flat_init(&f, c->a, b->inner, false);
    if (!f.no_memory) {
        struct sentence s = { .f = &f, .to = f.len, .word = word };

        s.nwords = sentence_words(&f, 0, f.len, word, HEADING_WORDS);
        case_ = s.nwords > 0 && !heading_is_plain(&s, false) && !heading_is_frame(&s) &&
            !has_word(&s, 0, s.nwords,
                "about|additional|background|cause|causes|documentation|documents|faq|further|"
                "history|information|learn|links|more|next|prevent|prevention|questions|"
                "reason|reference|references|related|resolution|resources|see|solution|status|"
                "steps|summary|symptom|symptoms|verification|what|why|workaround");
    }
    c->no_memory = c->no_memory || f.no_memory;
    flat_done(&f);
    return case_;
}

bool
heading_is_alone(struct compiler *c, const struct sentence *s)
{
    const struct article_block *end = c->a->blocks + c->a->nblocks;

    if (names_role(s))
        return false;
    if (c->block->kind != ARTICLE_HEADING)
        return true;
    for (const struct article_block *b = c->block + 1; b < end; b++) {
        if (b->kind != ARTICLE_HEADING || b->level > c->block->level)
            continue;
        return b->level < c->block->level || !may_be_case(c, b);
    }
    return true;
}

bool
scope_other_way(struct compiler *c, const struct sentence *s, long level)
{
    bool way = word_is(s, 0, "fix|mitigation|remedy|resolution|solution|workaround") &&
        s->nwords == 1;
    bool other = way && word_is(s, 0, "mitigation|workaround") && c->ways.level == level &&
        c->ways.steps < c->plan->nsteps;

    if (way || level <= c->ways.level) {
        c->ways.level = way ? level : 0;
        c->ways.steps = c->plan->nsteps;
    }
    return other;
}

/* ---- words that are no sentence ---- */

static bool
has_finite_verb(const struct sentence *s)
{
    return has_word(s, 0, s->nwords,
        "am|are|aren't|can|can't|cannot|could|couldn't|did|didn't|do|does|doesn't|don't|fails|"
        "failed|had|happens|has|hasn't|have|haven't|is|isn't|it's|may|might|must|needs|occurs|"
        "shall|should|shows|that's|there's|was|wasn't|we're|were|weren't|will|won't|would");
}

/* Does it ask somebody for something, from word ${i} on? */
static bool
asks_somebody(const struct sentence *s, size_t i)
{
    if (word_is(s, i, "you") && word_is(s, i + 1, "can|could|may|might|must|need|should|will"))
        return true;
    for (size_t k = i; k < i + 3; k++) {
        if (is_verb(s, k) || is_order(s, k) ||
            word_is(s, k, "contact|get|go|ignore|let|look|make|reach|refer|see|take|talk|try"))
            return true;
        if (!word_is(s, k, "please|then|just|first|also|simply|so"))
            break;
    }
    return false;
}

/* Short, without a verb that has a subject, and no order. */
static bool
is_fragment(const struct sentence *s)
{
    if (s->nwords > FRAGMENT_MAX || has_finite_verb(s) || asks_somebody(s, 0))
        return false;
    for (size_t i = 0; i < s->nwords; i++)
        if (word_len(s, i) > 4 && strncmp(s->f->low + s->word[i].to - 2, "ed", 2) == 0)
            return false;
    return true;
}

bool
names_role(const struct sentence *s)
{
    if (!is_fragment(s))
        return false;
    if (has_word(s, 0, s->nwords, "only|otherwise|outside"))
        return true;
    if (sentence_ends(s, ':') && word_is(s, 0, "at|from|in|inside|on"))
        return false; /* of what it leads to */
    if (word_is(s, 0, "applies|author|authors|category|date|difficulty|id|keywords|kb|product|"
                      "products|published|reviewed|tags|time|title|updated|version|versions"))
        return false;
    for (size_t i = 0; i < s->nwords; i++)
        if (role_at(s, i) ||
            word_is(s, i, "active|clients|customers|dag|desktops|dr|edge|ha|host|hosts|laptops|"
                          "maintenance|member|members|monthly|nightly|pair|pairs|passive|"
                          "primary|production|proxy|weekly|"
                          "secondary|servers|site|sites|staging|tenants|workstations") ||
            (word_is(s, i, "client|server|workstation") && word_at(s, i)[0] >= 'a'))
            return true;
    return false;
}

bool
item_is_case(const struct compiler *c, const struct sentence *s)
{
    const struct article_block *b = c->block + 1, *end = c->a->blocks + c->a->nblocks;
    bool item;

    while (b < end && b->kind == ARTICLE_BLANK)
        b++;
    item = b < end && b->kind == ARTICLE_ITEM && b->level > c->block->level;
    if (c->block->kind != ARTICLE_ITEM || b >= end || asks_somebody(s, 0) || s->from != 0 ||
        !(item || (b->kind == ARTICLE_PARAGRAPH && b->level > 0)))
        return false;
    return !has_finite_verb(s) ||
        (item && !sentence_ends(s, ':') && !sentence_ends(s, '.'));
}

/* ---- conditions that decide about what comes after them ---- */

/* "2. On the user's machine:", and later in the list "3. On your own machine, ...". */
static bool
is_one_place(const struct compiler *c, const struct sentence *s)
{
    const struct article_block *b = c->block + 1, *end = c->a->blocks + c->a->nblocks;

    if (c->block->kind != ARTICLE_ITEM || s->from != 0 || !sentence_ends(s, ':') ||
        !word_is(s, 0, "at|from|inside|on") || !sets_place(s))
        return false;
    for (; b < end && b->kind != ARTICLE_HEADING; b++) {
        const char *t = (const char *)c->a->bytes + b->inner.off;
        size_t n = name_len(t, b->inner.len);

        if (b->kind == ARTICLE_ITEM && b->level <= c->block->level &&
            in_list(t, n, "at|from|inside|on"))
            return true;
    }
    return false;
}

/* It reaches what is below it, or what comes where nothing is. */
static void
one_place(struct compiler *c, const struct sentence *s)
{
    const struct article_block *b = c->block + 1, *end = c->a->blocks + c->a->nblocks;

    while (b < end && b->kind == ARTICLE_BLANK)
        b++;
    if (b < end && b->kind == ARTICLE_ITEM && b->level <= c->block->level)
        around_scope(c, s, false);
    else
        around_offer(c, s);
}

/* "As soon as 20 jobs hang:", and text below it. */
static bool
leads_to_text(const struct compiler *c, const struct sentence *s)
{
    const struct article_block *b = c->block + 1, *end = c->a->blocks + c->a->nblocks;

    while (b < end && b->kind == ARTICLE_BLANK)
        b++;
    for (size_t i = 0; i < s->nwords; i++)
        if (s->word[i].after == ',')
            return false;
    return c->block->kind == ARTICLE_PARAGRAPH && c->block->level == 0 &&
        sentence_ends(s, ':') && b < end && b->kind == ARTICLE_PARAGRAPH &&
        !block_is_code(c, b);
}

/* Does ${s}, whose condition ends before word ${then}, decide whether what comes after it is to
 * be done at all: "If you see X, carry on here.", "If you see X, the cache is damaged."? */
static bool
decides_all(const struct compiler *c, const struct sentence *s, size_t then)
{
    bool item = c->block->kind == ARTICLE_ITEM;

    if (then >= s->nwords)
        return !item && leads_to_text(c, s);
    if (!item && c->block->level == 0 && around_introduces(c) && word_is(s, then, "you") &&
        has_word(s, then + 1, then + 4, "have|must|need"))
        return true; /* "If you use LDAPS, you also need a certificate." */
    if (asks_somebody(s, then))
        return item && around_introduces(c) && c->block->number == 1 &&
            has_word(s, 0, then, "still|again");
    /* "..., the log is damaged": and then? */
    return item && has_word(s, then, s->nwords, "are|has|have|is|was|were") &&
        !has_word(s, then, s->nwords,
            "can|cannot|could|expected|fine|harmless|may|might|never|no|normal|not|nothing|ok|"
            "okay|you");
}

static bool
finds_run(const struct finds *l)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->find[i].action.kind != NULL && !l->find[i].action.kind->person)
            return true;
    return false;
}

void
scope_item(struct compiler *c, const struct sentence *s, const struct finds *l,
    bool conditional)
{
    bool item = c->block->kind == ARTICLE_ITEM;

    if (!item || s->code)
        return;
    if (conditional) {
        c->gate.open = !finds_run(l);
        c->gate.unit = c->around.nunit;
        c->gate.section = c->around.nsection;
        c->gate.level = c->block->level;
        return;
    }
    if (!c->gate.open || c->gate.section != c->around.nsection ||
        c->block->level != c->gate.level || c->around.nunit != c->gate.unit + 1)
        return;
    c->gate.open = false;
    /* "3. Save and close the file.": only who opened it does that */
    if (s->from == 0 && word_is(s, 0, "close|exit|quit|save") && !finds_run(l))
        around_scope(c, s, false);
}

/* A paragraph "Case 2: ..." or "A.": what follows is for that case. */
static bool
starts_case(const struct compiler *c, const struct sentence *s)
{
    size_t named = word_is(s, 0, "case|cause|scenario|situation|symptom");

    if (c->block->kind != ARTICLE_PARAGRAPH || s->from != 0 || s->nwords <= named)
        return false;
    if (word_is(s, 0, "first|second|third|fourth") && sentence_ends(s, ':') &&
        word_is(s, 1, "case|choice|method|option|possibility|way"))
        return true;
    /* "Case 2: The log is empty", "A." */
    return (named > 0 || s->nwords == 1) && word_len(s, named) == 1 &&
        (s->word[named].after != 0 || s->nwords == named + 1) &&
        (named > 0 ||
            (s->f->low[s->word[0].from] >= 'a' && s->f->low[s->word[0].from] <= 'z'));
}

/* All of its section hangs on it: "Depending on your version:", "Verify that this is the
 * active node.", "DRAFT - do not use". */
static bool
binds_all(const struct compiler *c, const struct sentence *s)
{
    static const char states[] = "deprecated|draft|obsolete|outdated|retired|superseded|"
                                 "untested";

    if (has_phrase(s, 0, s->nwords, "or else") || has_phrase(s, 0, s->nwords, "depending on") ||
        (word_is(s, 0, "then|and|afterwards|also") && c->ended_case && sentence_ends(s, ':') &&
            !word_is(s, 1, "check|confirm|make|see|verify") &&
            c->block->kind == ARTICLE_PARAGRAPH))
        return true;
    if (word_is(s, 0, "after|as|once|when|whenever|while") && leads_to_text(c, s))
        return true;
    if (around_introduces(c) &&
        (words_are(s, 0, "in that case") > 0 || words_are(s, 0, "in this case") > 0 ||
            (word_is(s, 0, "assumption|assumptions|condition|conditions|precondition|role|"
                           "scope|target|where") &&
                s->word[0].after == ':')))
        return true;
    if (has_word_in(s, 0, s->nwords, states, LIST_MARKS(states)) ||
        has_phrase(s, 0, s->nwords, "not been tested"))
        return is_fragment(s) || has_word(s, 0, s->nwords, "article|following|page|this|use");
    if (!word_is(s, 0, "check|confirm|ensure|make|verify"))
        return false;
    for (size_t i = 1; i < s->nwords; i++) /* "Verify that this is the active node." */
        if ((role_at(s, i) ||
                (word_is(s, i, "active|passive|primary|secondary") &&
                    word_is(s, i + 1, "controller|host|instance|machine|member|node|one|"
                                      "replica|server|site"))) &&
            has_word(s, i > 3 ? i - 3 : 1, i, "are|is|isn't|not|on"))
            return true;
    return false;
}

/* "COMMAND - if you see X, carry on here." */
static bool
goes_on_elsewhere(const struct sentence *s)
{
    return has_word(s, 0, s->nwords, "if") &&
        (has_phrase(s, 0, s->nwords, "carry on") || has_phrase(s, 0, s->nwords, "read on"));
}

/* It leaves to who reads it which way is gone, or what a command has in place of something. */
static bool
leaves_open(const struct sentence *s)
{
    for (size_t i = 0; i < s->nwords; i++) {
        size_t k = i + 1 + word_is(s, i + 1, "the");

        if (word_is(s, i, "replace|replacing|substitute") && k < s->nwords &&
            (s->word[k].mark & FLAT_CODE) != 0)
            return has_word(s, k, s->nwords, "by|with") &&
                has_word(s, k, s->nwords, "actual|appropriate|own|real|your|yours");
    }
    return word_is(s, 0, "you") && word_is(s, 1, "can|could|may") &&
        (has_phrase(s, 2, s->nwords, "manually or") ||
            has_phrase(s, 2, s->nwords, "by hand or"));
}

size_t
manner_at(const struct sentence *s)
{
    size_t i = 1;
    bool limits_ = false;

    if (!word_is(s, 0, "using|with") || s->nwords < 4)
        return 0;
    while (i < s->nwords && i < 7 && s->word[i - 1].after == 0) {
        limits_ = limits_ || plain_at(s, i) == 0;
        i++;
    }
    return (limits_ || names_way(s)) && s->word[i - 1].after == ',' && asks_somebody(s, i)
        ? i
        : 0;
}

/* How many bytes at the start of a line of code make it a comment; 0: it is none. */
static size_t
comment_mark(const char *low, size_t len)
{
    if (len > 3 && strncmp(low, "rem ", 4) == 0)
        return 4;
    if (len > 1 && (strncmp(low, "::", 2) == 0 || strncmp(low, "//", 2) == 0))
        return 2;
    return len > 0 && (low[0] == '#' || low[0] == ';') ? 1 : 0;
}

void
scope_comment(struct compiler *c, const struct sentence *s)
{
    static const struct finds none;
    struct word word[64];
    uint8_t mark[256] = { 0 }; /* its words are those of a sentence, and no code */
    size_t skip = comment_mark(s->f->low + s->from, s->to - s->from);
    size_t from = s->from + skip, len = s->to - from;
    struct flat f = { .s = s->f->s + from, .low = s->f->low + from, .mark = mark, .len = len };
    struct sentence words = { .f = &f, .to = len, .word = word };

    if (skip == 0)
        return;
    if (len <= sizeof(mark))
        words.nwords = sentence_words(&f, 0, len, word, sizeof(word) / sizeof(word[0]));
    if (len > sizeof(mark) || unaccounted(&words, &none, words.nwords) != SIZE_MAX)
        around_unclear(c, s);
}

/* "... start it by running: CODE and stop it with: CODE": the first is for a person. */
static bool
goes_on_behind(const struct compiler *c, const struct sentence *s)
{
    const char *t = s->f->s + s->from;
    size_t n = c->plan->nsteps;

    return c->block->kind == ARTICLE_PARAGRAPH && t[0] == 'a' && word_is(s, 0, "and") &&
        n > 0 && !plan_step_runs(&c->plan->steps[n - 1]);
}

bool
scope_symptom(struct compiler *c, const struct sentence *s)
{
    if (c->block->kind != ARTICLE_ITEM || s->code || s->from != 0 || s->nwords < 2 ||
        s->word[0].after != ':' || !word_is(s, 0, "error|issue|problem|symptom|symptoms"))
        return false;
    cond_done(&c->symptom);
    cond_text(c, s, 1, s->nwords, &c->symptom);
    return true;
}

bool
scope_wish(const struct compiler *c, const struct sentence *s, size_t then)
{
    return c->block->kind == ARTICLE_PARAGRAPH && c->block->level == 0 &&
        around_introduces(c) && word_is(s, then, "there") &&
        has_word(s, 0, then, "you") &&
        has_word(s, 0, then, "like|need|prefer|rather|want|wish");
}

void
scope_sentence(struct compiler *c, const struct sentence *s, const struct sentence *rest,
    const struct cond *cond, size_t then)
{
    bool has = then != SIZE_MAX;

    if (goes_on_behind(c, s))
        around_unclear(c, s);
    if (!has && is_one_place(c, s))
        one_place(c, s);
    if (choice_in_case(c, rest, then))
        around_scope(c, s, !has);
    if ((has && cond->when == PLAN_IF && decides_all(c, rest, then)) || starts_case(c, s) ||
        binds_all(c, rest) || goes_on_elsewhere(s) || leaves_open(s))
        around_scope(c, s, false);
}

bool
tells_of_steps(const struct sentence *s)
{
    bool named = has_word(s, 0, s->nwords, "above");

    for (size_t i = 0; i + 1 < s->nwords && !named; i++)
        named = word_is(s, i, "the|these|this") &&
            word_is(s, i + 1, "article|method|methods|procedure|resolution|solution|steps|"
                              "workaround");
    return named && !is_reference(s) &&
        has_word(s, 0, s->nwords,
            "applies|apply|don't|except|mustn't|never|not|only|unless|unsupported");
}
