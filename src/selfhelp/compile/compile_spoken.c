/* SPDX-License-Identifier: Apache-2.0 */
/* Commands in sentences and in lines of code: where they stand, and whether the sentence tells
 * the reader to run them or only speaks of them. */
#include <string.h>

#include "compile_internal.h"

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

/* Verbs that tell to look at something: what they look at with may be a look too, but no
 * change. */
static bool
only_looks(const struct sentence *s, size_t k)
{
    return word_is(s, k, "compare|review|read|note|remember|see|search|look|find|check|verify|"
                         "ignore|consider|document|ask|skip|view|inspect|confirm");
}

/* Does the sentence tell the reader to run the command at word ${i}, or does it only speak of
 * it?  ${look}: it changes nothing.  Words that turn the sense ("the command X fails", "do not
 * run X") need not be known here: they are not accounted for. */
static bool
instructed(const struct sentence *s, size_t i, bool look)
{
    bool looks = false;

    if (i == 0 || s->word[i - 1].after == ':' || s->word[i - 1].breaks)
        return true;
    for (size_t k = 0; k < i; k++)
        if (is_verb(s, k) && is_imperative(s, k)) {
            if (look || !only_looks(s, k))
                return true;
            looks = true;
        }
    return !looks && (look || !only_looks(s, 0)) &&
        has_word(s, i > 4 ? i - 4 : 0, i,
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
        while (lead < c.len && (flat_is_blank(c.text[lead]) || c.text[lead] == '`'))
            lead++;
        c.text += lead;
        c.len -= lead;
        while (c.len > 0 && (flat_is_blank(c.text[c.len - 1]) || c.text[c.len - 1] == '`'))
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
