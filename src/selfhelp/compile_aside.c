/* SPDX-License-Identifier: Apache-2.0 */
/* What stands aside of the way through an article: how to take a change back, what is done on
 * another machine, what only some machines need, examples.  Headings say so for all below
 * them, sentences that lead to a list or to code for what they lead to, other sentences for
 * themselves.  The steps of it are shown and never run. */
#include <string.h>

#include "compile_internal.h"

static bool leads(const struct sentence *s);

static bool
takes_back(const struct sentence *s, bool heading)
{
    static const char *const phrases[] = { "roll back", "set it back", "change it back",
        "put it back", "when you are finished", "when you are done", "when you're finished",
        "when you're done", "after testing", "after the test", "once you are finished" };
    size_t end = 0;

    for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++)
        if (has_phrase(s, 0, s->nwords, phrases[i]))
            return true;
    if (has_word(s, 0, s->nwords, "undo|undoing|rollback|roll-back"))
        return true;
    if (heading)
        return has_word(s, 0, s->nwords, "revert|reverting|uninstall|uninstalling");
    while (end < s->nwords && (end == 0 || s->word[end - 1].after == 0))
        end++;
    return word_is(s, 0, "to") &&
        (has_word(s, 1, end, "revert|undo|reverse|rollback|re-enable") ||
            (word_is(s, 1, "enable|turn|switch|set|put|change|disable") &&
                has_word(s, 2, end, "again|back")));
}

/* "on the Hyper-V host", "from all nodes": a place, and not the machine that is looked
 * after. */
static bool
names_place(const struct sentence *s)
{
    for (size_t i = 0; i < s->nwords; i++) {
        if (!word_is(s, i, "on|from|at|in"))
            continue;
        for (size_t k = i + 1; k < s->nwords && k < i + 6; k++) {
            if ((word_is(s, k,
                    "host|hosts|hypervisor|node|nodes|witness|controller|controllers|proxy|"
                    "proxies|gateway|appliance|array|switch|router|workstation|laptop|"
                    "vcenter") || (word_is(s, k, "server|servers") &&
                        word_is(s, k - 1, "media|management|master|file|print|web|database|"
                                          "license|update|jump"))) &&
                !word_is(s, k + 1, "vm|machine|virtual|name|os"))
                return true;
            if (s->word[k].after != 0 || is_verb(s, k) || word_is(s, k, "and|or|to|in|of"))
                break;
        }
    }
    return false;
}

/* Where the words before the first instruction end: at a comma or a colon. */
static size_t
lead_in(const struct sentence *s)
{
    for (size_t i = 0; i < s->nwords; i++)
        if (s->word[i].after == ',' || s->word[i].after == ':')
            return i + 1;
    return s->nwords;
}

/* "For machines with many disks, ...", "Before the migration, ...": when or where, in words
 * that are none of those that every machine and moment is meant by. */
static bool
starts_with_scope(const struct sentence *s, bool heading)
{
    size_t end = lead_in(s);

    if (!word_is(s, 0, "on|for|in|with|before|after|when|once|while|during|until|at|as|within|"
                       "upon|where|whenever") ||
        (end == s->nwords && !heading && !leads(s)))
        return false;
    for (size_t i = 1; i < end; i++) /* in a file, a key */
        if ((s->word[i].mark & FLAT_CODE) != 0 ||
            memchr(word_at(s, i), '/', word_len(s, i)) != NULL ||
            memchr(word_at(s, i), '\\', word_len(s, i)) != NULL)
            return false;
    if (word_is(s, 0, "for") && word_is(s, 1, "each|every|any|all|this|more|example|instance"))
        return false;
    if (word_is(s, 0, "after|once|when|as|upon"))
        return !has_word(s, 1, end,
            "that|this|reboot|rebooted|rebooting|restart|restarted|restarting|done|finished|"
            "completed|completes|complete|step|steps|a|administrator|prompted|back|up|"
            "applied") ||
            has_word(s, 1, end, "backup|test|testing|migration|upgrade|events|problem|issue");
    return !has_word(s, 1, end,
               "vm|vms|machine|machines|computer|guest|system|server|prompt|cmd|powershell|"
               "window|registry|key|subkey|editor|terminal|console|shell|regedit|services|"
               "order|case|addition|general|this|rights|privileges|mode|folder|file|list|"
               "section|properties|box|following|same|first|last|end|tab|pane") ||
        has_word(s, 1, end, "other|another|source|host|hosts|nodes|that|who|which|more|than");
}

/* Also as a part of a word: "RHEL/CentOS". */
static bool
names_distribution(const struct sentence *s)
{
    static const char *const names[] = { "ubuntu", "debian", "centos", "rhel", "suse", "sles",
        "fedora" };

    for (size_t i = 0; i < s->nwords; i++)
        for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++)
            if ((s->word[i].mark & FLAT_CODE) == 0 &&
                memmem(s->f->low + s->word[i].from, word_len(s, i), names[k],
                    strlen(names[k])) != NULL)
                return true;
    return false;
}

static bool
only_for_some(const struct sentence *s, bool heading)
{
    size_t last = s->nwords - 1;

    if (word_is(s, 0, "unless|optional|optionally") || starts_with_scope(s, heading) ||
        names_distribution(s) || has_phrase(s, 0, s->nwords, "before the backup") ||
        has_phrase(s, 0, s->nwords, "before the migration") ||
        has_phrase(s, 0, s->nwords, "before the upgrade") ||
        word_is(s, 0, "otherwise|resolution|scenario") ||
        has_phrase(s, 0, s->nwords, "in that situation") ||
        has_phrase(s, 0, s->nwords, "in this situation") ||
        has_phrase(s, 0, s->nwords, "in that case") ||
        has_phrase(s, 0, s->nwords, "can also") || has_phrase(s, 0, s->nwords, "used to") ||
        has_phrase(s, 0, s->nwords, "may want to") ||
        has_phrase(s, 0, s->nwords, "might want to") ||
        has_phrase(s, 0, s->nwords, "you may also"))
        return true;
    if (word_is(s, 0, "option|method|variant|alternative") && s->nwords > 1 &&
        word_len(s, 1) == 1 && s->f->low[s->word[1].from] >= 'a')
        return true;
    return word_is(s, last, "only") && (heading || s->word[last].after == ')');
}

/* The id of the ambiguity, or NULL: the sentence stands on the way. */
static const char *
aside_of(const struct sentence *s, bool heading)
{
    if (s->code || s->nwords == 0)
        return NULL;
    if (takes_back(s, heading))
        return "takes-back";
    if (names_place(s) || (heading && done_elsewhere(s)))
        return "other-machine";
    if (only_for_some(s, heading))
        return "some-machines";
    if (word_is(s, 0, "symptom|symptoms|cause"))
        return "example";
    if (heading && (has_word(s, 0, s->nwords, "example|examples|sample|samples") ||
                       has_phrase(s, 0, s->nwords, "what did not help") ||
                       has_phrase(s, 0, s->nwords, "what didn't help")))
        return "example";
    return NULL;
}

/* "This procedure is only for X": all below the heading that it stands under. */
static bool
limits_section(const struct sentence *s)
{
    return !s->code && word_is(s, 0, "this|these|the") &&
        word_is(s, 1, "procedure|section|steps|method|workaround|solution|instructions") &&
        has_word(s, 2, s->nwords, "only") && has_word(s, 2, s->nwords, "for|to|on");
}

/* It only says where or when, and what to do comes in the blocks below it. */
static bool
leads(const struct sentence *s)
{
    bool verb = false;

    size_t end = s->to;

    for (size_t i = 0; i < s->nwords; i++)
        verb = verb || is_verb(s, i);
    while (end > s->from && (s->f->s[end - 1] == ' ' || s->f->s[end - 1] == FLAT_SOFT))
        end--;
    return (end > s->from && s->f->s[end - 1] == ':') || announces_command(s, 0) ||
        (s->nwords <= 6 && !verb);
}

static long
level_of(const struct article_block *b)
{
    return b->kind == ARTICLE_HEADING ? (long)b->level : ASIDE_BOLD;
}

void
aside_block(struct compiler *c, const struct article_block *b)
{
    const struct article_block *at = c->aside.lead_block;

    if (at == NULL)
        return;
    if (at->kind == ARTICLE_ITEM
            ? b->kind == ARTICLE_ITEM && b->level <= at->level
            : (b->kind == ARTICLE_PARAGRAPH && b->level == 0 && !block_is_code(c, b)) ||
                b->kind == ARTICLE_HEADING)
        c->aside.lead = NULL;
}

void
aside_sentence(struct compiler *c, const struct sentence *s, bool heading)
{
    const char *id = aside_of(s, heading);

    c->aside.here = NULL;
    if (heading) {
        long level = level_of(c->block);

        c->aside.lead = NULL;
        if (c->aside.below != NULL && level > c->aside.level)
            return;
        c->aside.below = id;
        c->aside.level = level;
    } else if (limits_section(s)) {
        c->aside.below = "some-machines";
        c->aside.level = ASIDE_BOLD;
    } else if (id != NULL && leads(s)) {
        c->aside.lead = id;
        c->aside.lead_block = c->block;
    } else {
        c->aside.here = id;
    }
}

/* The word at which the clause of word ${i} ends. */
static size_t
clause_end(const struct sentence *s, size_t i)
{
    for (; i < s->nwords; i++)
        if (s->word[i].after == ',' || s->word[i].after == ';' ||
            word_is(s, i + 1, "and|then|or|but"))
            return i + 1;
    return i;
}

/* An instruction before ${f} whose clause has no find ("enable it with ..." has one): done
 * alone, what follows it would be half of what is meant. */
static bool
after_unknown(const struct finds *l, const struct find *f, const struct sentence *s)
{
    for (size_t i = 0; !s->code && i < s->nwords && s->word[i].from < f->from; i++) {
        bool covered = false;

        if (!is_verb(s, i) || !is_imperative(s, i) ||
            word_is(s, i,
                "run|execute|type|enter|use|open|launch|try|make|ensure|go|perform|follow|"
                "please|issue|log|sign|press|see|check|verify|confirm|look|note|do|reboot|"
                "restart|retry|wait|then|right-click|click|select|navigate|locate|find|edit"))
            continue;
        size_t end = s->word[clause_end(s, i) - 1].to;
        for (size_t k = 0; k < l->n; k++)
            covered = covered || (l->find[k].from < end && l->find[k].to > s->word[i].from);
        if (!covered)
            return true;
    }
    return false;
}

/* A condition in the midst of a sentence, which nothing has read. */
static bool
has_loose_condition(const struct sentence *s, const struct cond *cond)
{
    return !s->code && cond->when == PLAN_ALWAYS &&
        has_word(s, 0, s->nwords, "if|unless|whether") &&
        !has_word(s, 0, s->nwords, "see|check|verify|determine|confirm|find|look|even|as");
}

/* "Set X to 1, then set Y to 2": the finders may take the one's data for the other. */
static bool
sets_twice(const struct find *f, const struct sentence *s)
{
    size_t n = 0;

    for (size_t i = 0; i < s->nwords; i++)
        n += word_is(s, i, "set");
    return n > 1 && !f->command && action_is(&f->action, "windows.registry.set");
}

void
aside_judge(const struct compiler *c, struct finds *l, const struct sentence *s,
    const struct cond *cond)
{
    const char *here = c->aside.here != NULL ? c->aside.here
        : c->aside.lead != NULL              ? c->aside.lead
                                             : c->aside.below;

    if (here == NULL && has_loose_condition(s, cond))
        here = "some-machines";
    for (size_t i = l->n; i > 0; i--) {
        struct find *f = &l->find[i - 1];
        const char *id = here;

        if (f->action.kind == NULL || f->action.kind->person ||
            action_is(&f->action, "operation.retry"))
            continue;
        if (id == NULL && (after_unknown(l, f, s) || sets_twice(f, s)))
            id = "part-only";
        if (id == NULL)
            continue;
        find_person(l, f, f->command ? "person.command" : "person.do", s->f->s + f->from,
            f->to - f->from);
        f->what = FIND_ACTION;
        find_note(l, f, id, NULL);
    }
}
