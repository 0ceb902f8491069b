/* SPDX-License-Identifier: Apache-2.0 */
/* Commands in sentences and in lines of code: where they stand, and whether the sentence tells
 * the reader to run them or only speaks of them. */
#include <string.h>

#include "compile_internal.h"

static bool
is_blank(char c)
{
    return c == ' ' || c == FLAT_SOFT || c == FLAT_HARD;
}

/* Do the words before word ${i} ask for a command? */
static bool
asked(const struct sentence *s, size_t i)
{
    size_t from = i > 4 ? i - 4 : 0;

    return i == 0 || s->word[i - 1].after == ':' || s->word[i - 1].breaks ||
        has_word(s, from, i,
            "run|running|execute|executing|command|commands|prompt|prompt,|type|enter|using|"
            "use|issue|followed");
}

/* "Your administrator can run X", "support asks you to run X", "you may see people running X":
 * nobody tells the reader to. */
static bool
others_do(const struct sentence *s, size_t i)
{
    for (size_t k = 1; k < i; k++) {
        if (word_is(s, k, "running|using|executing") &&
            word_is(s, k - 1, "people|others|users|somebody|someone|administrators|admins"))
            return true;
        if (word_is(s, k, "run|executed|used") &&
            word_is(s, k - 1, "had|has|have|having|was|were"))
            return true;
        if (!word_is(s, k, "run|execute|use|issue|type|enter"))
            continue;
        if (word_is(s, k - 1, "can|could|will|would|may|might|must|should") &&
            !has_word(s, 0, k, "you|we"))
            return true;
        if (word_is(s, k - 1, "to") && has_word(s, 0, k, "ask|asks|asked|tell|tells|told"))
            return true;
    }
    return false;
}

/* "An administrator disabled it by using X": it is told of the past. */
static bool
somebody_did(const struct sentence *s, size_t i)
{
    for (size_t k = 1; k < i; k++)
        if (word_is(s, k, "disabled|stopped|started|restarted|enabled|deleted|removed|changed|"
                          "installed|added|used|executed|tried|did|fixed|solved|repaired") &&
            !word_is(s, k - 1, "is|are|be|was|were|been|not|once|if|when|a|an|the|and"))
            return true;
    return false;
}

/* The command at word ${i} is the subject of what follows: "X fails", "running X will ...",
 * or what something is: "a typical command is X". */
static bool
told_about(const struct sentence *s, size_t i)
{
    bool verb = word_is(s, i + 1,
        "failed|fails|returns|returned|shows|gives|is|was|did|does|hangs|reports|completed|"
        "succeeds|succeeded|will|would|should|can|cannot|may|might|has|had|must");
    bool run = i > 0 && word_is(s, i - 1, "run|execute|use|type|enter") &&
        is_imperative(s, i - 1);

    return (verb && !run) || (i > 0 && word_is(s, i - 1, "is|was|are|were|be|called"));
}

/* Verbs that tell to look at something: what they look at with may be a look too, but no
 * change. */
static bool
only_looks(const struct sentence *s, size_t k)
{
    return word_is(s, k, "compare|review|read|note|remember|see|search|look|find|check|verify|"
                         "ignore|consider|document|ask|skip|view|inspect|confirm");
}

/* Does the sentence tell the reader to run the command at word ${i}, or does it only speak of
 * it ("the command X fails", "when you ran X", "do not run X")?  ${look}: it changes
 * nothing. */
static bool
instructed(const struct sentence *s, size_t i, bool look)
{
    bool looks = false;

    if (told_about(s, i) || s->word[s->nwords - 1].after == '?')
        return false;
    if (i == 0 || s->word[i - 1].after == ':' || s->word[i - 1].breaks)
        return !has_word(s, 0, i, "not|never|don't|avoid|without");
    if (has_word(s, i > 8 ? i - 8 : 0, i,
            "not|never|don't|avoid|without|instead|example|e.g|such|like|ran|failed|fails|"
            "equivalent|returned|shows|output"))
        return false;
    if (others_do(s, i))
        return false;
    for (size_t k = 0; k < i; k++)
        if (is_verb(s, k) && is_imperative(s, k)) {
            if (look || !only_looks(s, k))
                return true;
            looks = true;
        }
    if (looks || (!look && (only_looks(s, 0) || somebody_did(s, i))))
        return false;
    return has_word(s, i > 4 ? i - 4 : 0, i,
        "executing|running|using|run|execute|command|commands|followed|with|prompt");
}

/* A command that is only spoken of. */
static void
spoken_of(struct finds *l, const struct sentence *s, size_t i, size_t before)
{
    struct find *f = l->n > before ? &l->find[l->n - 1] : NULL;

    if (f == NULL || f->action.kind->person || instructed(s, i, f->look))
        return;
    find_person(l, f, "person.command", s->f->s + f->from, f->to - f->from);
    f->command = true;
    f->what = FIND_ACTION;
}

static void
code_words(struct finds *l, const struct sentence *s, size_t i)
{
    const struct word *w = &s->word[i];
    struct cmdline c = { s->f->s + w->from, w->to - w->from, true, s->shell, true };
    size_t n = l->n;

    /* one word of code is a name, unless it is a program that was asked for */
    if (memchr(c.text, ' ', c.len) == NULL &&
        !in_list(c.text, c.len, "reboot|restart-computer"))
        return;
    if (command_find(l, &c, w->from) == 0 || l->n == n)
        return;
    spoken_of(l, s, i, n);
    if (s->f->open_code)
        find_note(l, &l->find[l->n - 1], "span-open", NULL);
}

/* In prose a command ends with its line at the latest when the next line starts another. */
static size_t
command_room(const struct sentence *s, size_t from)
{
    for (size_t i = from; i < s->to; i++)
        if (s->f->s[i] == FLAT_SOFT && command_starts(s->f->s + i, s->to - i))
            return i - from;
    return s->to - from;
}

void
find_commands(struct finds *l, const struct sentence *s)
{
    if (s->code) {
        struct cmdline c = { s->f->s + s->from, s->to - s->from, true, s->shell, true };
        size_t lead = 0;

        /* code by indentation may hold backticks all the same */
        while (lead < c.len && (is_blank(c.text[lead]) || c.text[lead] == '`'))
            lead++;
        c.text += lead;
        c.len -= lead;
        while (c.len > 0 && (is_blank(c.text[c.len - 1]) || c.text[c.len - 1] == '`'))
            c.len--;
        (void)command_find(l, &c, s->from + lead);
        return;
    }
    for (size_t i = 0; i < s->nwords; i++) {
        const struct word *w = &s->word[i];
        struct cmdline c = { s->f->s + w->from, s->to - w->from, false, false, false };
        size_t n, before = l->n;

        if ((w->mark & FLAT_LINK) != 0 || w->before == '\'')
            continue;
        if ((w->mark & FLAT_CODE) != 0) {
            code_words(l, s, i);
            continue;
        }
        if (!command_starts(c.text, w->to - w->from) &&
            !text_equal(c.text, w->to - w->from, "sudo"))
            continue;
        c.asked = asked(s, i);
        c.len = command_room(s, w->from);
        n = command_find(l, &c, w->from);
        spoken_of(l, s, i, before);
        while (n > 0 && i + 1 < s->nwords && s->word[i + 1].from < w->from + n)
            i++;
    }
}
