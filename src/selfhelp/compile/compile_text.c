/* SPDX-License-Identifier: Apache-2.0 */
/* Sentences and words of flat text.  A sentence ends with a full stop before a blank, with a
 * hard break, or at a line end where the next line starts as an instruction does; never
 * inside code or a link, so that "C:\a.b" and "v1.0" stay whole. */
#include <string.h>
#include <strings.h>

#include "compile_internal.h"

bool
text_equal(const char *a, size_t len, const char *b)
{
    return strlen(b) == len && strncasecmp(a, b, len) == 0;
}

static char
lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

/* The lists are long and words are many: most are told apart by their first letter. */
bool
in_list(const char *s, size_t len, const char *words)
{
    char first = len > 0 ? lower(s[0]) : '\0';

    while (first != '\0' && *words != '\0') {
        if (lower(words[0]) == first) {
            size_t n = 1;

            while (n < len && lower(words[n]) == lower(s[n]))
                n++;
            if (n == len && (words[n] == '|' || words[n] == '\0'))
                return true;
        }
        while (*words != '|' && *words != '\0')
            words++;
        words += *words == '|';
    }
    return false;
}

/* By their first letter, since every word is asked. */
static const char *const verbs[26] = {
    ['a' - 'a'] = "add|adjust|allow|apply|assign|attempt|avoid",
    ['b' - 'a'] = "back|browse",
    ['c' - 'a'] =
        "cancel|change|check|choose|clean|clear|click|close|collect|complete|"
        "configure|confirm|connect|consider|contact|continue|convert|copy|create",
    ['d' - 'a'] =
        "decrease|delete|deploy|determine|disable|disconnect|double-click|download|"
        "drop",
    ['e' - 'a'] = "edit|enable|ensure|enter|examine|execute|expand|extract",
    ['f' - 'a'] = "find|fix|follow|free",
    ['g' - 'a'] = "get|give|go|grant",
    ['i' - 'a'] = "identify|increase|initiate|input|inspect|install|investigate|invoke",
    ['k' - 'a'] = "kill",
    ['l' - 'a'] = "launch|log|login|look",
    ['m' - 'a'] = "make|manually|migrate|modify|monitor|mount|move",
    ['n' - 'a'] = "navigate|note",
    ['o' - 'a'] = "open",
    ['p' - 'a'] = "perform|press|provide",
    ['r' - 'a'] =
        "re-register|re-run|re-try|reboot|recreate|reduce|refer|register|reinstall|"
        "remove|rename|repair|repeat|replace|request|reregister|rerun|reset|resize|"
        "resolve|restart|restore|resume|retrigger|retry|review|right-click|run",
    ['s' - 'a'] = "save|schedule|search|see|select|set|shut|specify|start|stop|submit|switch",
    ['t' - 'a'] = "test|trigger|try|turn|type",
    ['u' - 'a'] = "uncheck|uninstall|unmount|unregister|update|upgrade|use",
    ['v' - 'a'] = "validate|verify|view|visit",
    ['w' - 'a'] = "wait",
};

static bool
is_verb_text(const char *low, size_t len)
{
    const char *list = len > 0 && low[0] >= 'a' && low[0] <= 'z' ? verbs[low[0] - 'a'] : NULL;

    return list != NULL && in_list(low, len, list);
}

/* Does the text at ${i} start as an instruction or condition does? */
static bool
starts_line(const struct flat *f, size_t i)
{
    size_t n = 0;

    while (i < f->len && (f->s[i] == ' ' || f->s[i] == '(' || f->s[i] == '"'))
        i++;
    while ((f->low[i + n] >= 'a' && f->low[i + n] <= 'z') || f->low[i + n] == '-')
        n++;
    if (n == 0 || f->s[i] < 'A' || f->s[i] > 'Z')
        return false;
    return is_verb_text(f->low + i, n) ||
        in_list(f->low + i, n, "if|step|method|option|solution|otherwise|then|or|alternatively|"
                               "note|please|for|once|after|to");
}

/* May a line that ends at ${i} end a sentence? */
static bool
may_end(const struct flat *f, size_t from, size_t i)
{
    size_t w;

    while (i > from && f->s[i - 1] == ' ')
        i--;
    if (i == from)
        return false;
    if (strchr(",(&", f->s[i - 1]) != NULL)
        return false;
    w = i;
    while (w > from && f->low[w - 1] >= 'a' && f->low[w - 1] <= 'z')
        w--;
    return !in_list(f->low + w, i - w,
        "and|or|then|to|the|a|an|of|in|on|by|for|with|from|your|this|that|using|run|is|are");
}

static bool
abbreviated(const struct flat *f, size_t from, size_t i)
{
    size_t w = i;

    while (w > from && ((f->low[w - 1] >= 'a' && f->low[w - 1] <= 'z') || f->s[w - 1] == '.'))
        w--;
    return in_list(f->low + w, i - w, "e.g|i.e|ex|eg|vs|approx|no|etc|fig|inc|corp");
}

/* The text at ${i} starts with an order, and with no condition that would hold on. */
static bool
orders(const struct flat *f, size_t i)
{
    size_t n = 0;

    while (i < f->len && f->s[i] == ' ')
        i++;
    while ((f->low[i + n] >= 'a' && f->low[i + n] <= 'z') || f->low[i + n] == '-')
        n++;
    return is_verb_text(f->low + i, n);
}

size_t
sentence_end(const struct flat *f, size_t from, bool raw)
{
    for (size_t i = from; i < f->len; i++) {
        char c = f->s[i];
        size_t j = i + 1;

        if (c == FLAT_HARD)
            return i;
        if (raw || (f->mark[i] & (FLAT_CODE | FLAT_LINK)) != 0)
            continue;
        if (c == FLAT_SOFT && starts_line(f, i + 1) && may_end(f, from, i))
            return i;
        if (c == ';' && flat_is_blank(f->s[j]) && orders(f, from))
            return i + 1;
        if (c != '.' && c != '!' && c != '?')
            continue;
        while (f->s[j] != '\0' && strchr(")\"'", f->s[j]) != NULL)
            j++;
        if (f->s[j] != '\0' && !flat_is_blank(f->s[j]))
            continue;
        while (f->s[j] == ' ' || f->s[j] == FLAT_SOFT)
            j++;
        if (c == '.' && f->low[j] == f->s[j] && f->s[j] >= 'a' && f->s[j] <= 'z' &&
            (f->mark[j] & FLAT_CODE) == 0)
            continue;
        if (c == '.' && abbreviated(f, from, i))
            continue;
        return i + 1;
    }
    return f->len;
}

static bool
is_punctuation(char c)
{
    return strchr(".,;:!?()\"'", c) != NULL && c != '\0';
}

static size_t
word_end(const struct flat *f, size_t i, size_t to)
{
    bool code = (f->mark[i] & FLAT_CODE) != 0;

    while (i < to && ((f->mark[i] & FLAT_CODE) != 0) == code &&
        (code ? f->s[i] != FLAT_HARD : !flat_is_blank(f->s[i])))
        i++;
    return i;
}

/* FNV-1a. */
static uint32_t
form_of(const char *s, size_t len)
{
    uint32_t h = 2166136261u;

    for (size_t i = 0; i < len; i++)
        h = (h ^ (unsigned char)lower(s[i])) * 16777619u;
    return h ^ h >> 15;
}

size_t
sentence_words(const struct flat *f, size_t from, size_t to, struct word *word, size_t max)
{
    size_t n = 0;

    for (size_t i = from; i < to && n < max;) {
        struct word w = { 0 };
        bool code = (f->mark[i] & FLAT_CODE) != 0;

        if (flat_is_blank(f->s[i])) {
            if (f->s[i] == FLAT_SOFT && n > 0)
                word[n - 1].breaks = true;
            i++;
            continue;
        }
        w.from = i;
        w.to = i = word_end(f, i, to);
        while (!code && w.from < w.to && is_punctuation(f->s[w.from]))
            w.before = f->s[w.from++];
        while (!code && w.to > w.from && is_punctuation(f->s[w.to - 1]))
            w.after = f->s[--w.to];
        w.mark = f->mark[w.from < w.to ? w.from : i - 1];
        if (w.from == w.to) { /* punctuation alone belongs to the word before it */
            if (n > 0)
                word[n - 1].after = w.after != 0 ? w.after : w.before;
            continue;
        }
        w.form = form_of(f->low + w.from, w.to - w.from);
        word[n++] = w;
    }
    return n;
}

static void
mark_words(struct list_marks *m, const char *words, size_t len)
{
    for (size_t i = 0, n; i < len; i += n + 1) {
        uint32_t form;

        for (n = 0; i + n < len && words[i + n] != '|'; n++)
            ;
        form = form_of(words + i, n);
        __atomic_fetch_or(&m->bit[(form >> 6) & 7], UINT64_C(1) << (form & 63),
            __ATOMIC_RELAXED);
    }
}

void
list_marks(struct list_marks *m, const char *words, size_t len)
{
    mark_words(m, words, len);
    __atomic_store_n(&m->ready, true, __ATOMIC_RELEASE);
}

void
list_marks_add(struct list_marks *m, const struct list_marks *more)
{
    for (size_t i = 0; i < 8; i++)
        __atomic_fetch_or(&m->bit[i], __atomic_load_n(&more->bit[i], __ATOMIC_RELAXED),
            __ATOMIC_RELAXED);
}

void
lettered_marks(struct list_marks *m, const char *const table[26])
{
    for (size_t i = 0; i < 26; i++)
        if (table[i] != NULL)
            mark_words(m, table[i], strlen(table[i]));
    __atomic_store_n(&m->ready, true, __ATOMIC_RELEASE);
}

bool
word_in(const struct sentence *s, size_t i, const char *words, const struct list_marks *marks)
{
    const struct word *w;

    if (i >= s->nwords || !list_marked(marks, &s->word[i]))
        return false;
    w = &s->word[i];
    return in_list(s->f->low + w->from, w->to - w->from, words);
}

bool
sentence_ends(const struct sentence *s, char mark)
{
    size_t end = s->to;

    while (end > s->from && (s->f->s[end - 1] == ' ' || s->f->s[end - 1] == FLAT_SOFT))
        end--;
    return end > s->from && s->f->s[end - 1] == mark;
}

size_t
words_are(const struct sentence *s, size_t i, const char *phrase)
{
    size_t n = 0;

    if (i >= s->nwords || s->f->low[s->word[i].from] != phrase[0])
        return 0;
    while (*phrase != '\0') {
        size_t len = strcspn(phrase, " ");

        if (i + n >= s->nwords || s->word[i + n].to - s->word[i + n].from != len ||
            strncmp(s->f->low + s->word[i + n].from, phrase, len) != 0)
            return 0;
        n++;
        phrase += len + (phrase[len] == ' ');
    }
    return n;
}

bool
has_word_in(const struct sentence *s, size_t from, size_t to, const char *words,
    const struct list_marks *marks)
{
    for (size_t i = from; i < to && i < s->nwords; i++)
        if (word_in(s, i, words, marks))
            return true;
    return false;
}

bool
has_phrase(const struct sentence *s, size_t from, size_t to, const char *phrase)
{
    for (size_t i = from; i < to && i < s->nwords; i++)
        if (s->f->low[s->word[i].from] == phrase[0] && words_are(s, i, phrase) > 0)
            return true;
    return false;
}

bool
is_verb(const struct sentence *s, size_t i)
{
    static struct list_marks marks;

    if (!__atomic_load_n(&marks.ready, __ATOMIC_ACQUIRE))
        lettered_marks(&marks, verbs);
    return i < s->nwords && list_marked(&marks, &s->word[i]) &&
        is_verb_text(s->f->low + s->word[i].from, s->word[i].to - s->word[i].from);
}

/* "do not", "don't", "never", "without", "before" in front of a verb turn it round. */
static bool
negated(const struct sentence *s, size_t i)
{
    size_t from = i > 3 ? i - 3 : 0;

    if (has_phrase(s, i > 5 ? i - 5 : 0, i, "no need") ||
        has_phrase(s, i > 5 ? i - 5 : 0, i, "no longer"))
        return true;
    for (size_t k = from; k < i; k++)
        if (word_is(s, k, "not|don't|never|cannot|without|avoid|before|don\xe2\x80\x99t"))
            return true;
    return false;
}

bool
is_imperative(const struct sentence *s, size_t i)
{
    const struct word *last;

    if (i >= s->nwords || negated(s, i) || s->word[s->nwords - 1].after == '?')
        return false;
    if (i == 0)
        return true;
    last = &s->word[i - 1];
    if (last->after != 0 && strchr(",:;.)", last->after) != NULL)
        return true;
    if (s->word[i].before == '(')
        return false;
    return word_is(s, i - 1,
               "and|then|or|please|also|next|finally|now|again|again,|simply|just|manually|"
               "must|immediately|&") ||
        (word_is(s, i - 1, "to") && word_is(s, i - 2, "try|attempt|sure|need|have|want")) ||
        (word_is(s, i - 1, "try|manually") && i == 1);
}
