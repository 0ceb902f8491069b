/* SPDX-License-Identifier: Apache-2.0 */
/* What stands aside of the way through an article: how to take a change back, what is done on
 * another machine, what only some machines need, examples.  Headings say so for all below
 * them, sentences that lead to a list or to code for what they lead to, other sentences for
 * themselves.  The steps of it are shown and never run. */
#include <string.h>

#include "compile_internal.h"

#define SYSTEMS \
    "ubuntu|debian|centos|rhel|suse|sles|opensuse|fedora|linux|windows|almalinux|rocky|alma|" \
    "oracle|esxi"

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
    if (heading)
        return has_word(s, 0, s->nwords,
            "rollback|roll-back|undo|undoing|revert|reverting|uninstall|uninstalling");
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
        if (!word_is(s, i, "on|from|at"))
            continue;
        for (size_t k = i + 1; k < s->nwords && k < i + 6; k++) {
            if (word_is(s, k,
                    "host|hosts|hypervisor|node|nodes|witness|controller|controllers|proxy|"
                    "proxies|gateway|appliance|array|switch|router|workstation|laptop|"
                    "vcenter") &&
                !word_is(s, k + 1, "vm|machine|virtual|name|os"))
                return true;
            if (s->word[k].after != 0 || is_verb(s, k) || word_is(s, k, "and|or|to|in|of"))
                break;
        }
    }
    return false;
}

/* "For Ubuntu", "In a Linux guest", "On other distributions". */
static bool
starts_with_system(const struct sentence *s)
{
    size_t k = 1;

    if (!word_is(s, 0, "on|for|in"))
        return false;
    while (word_is(s, k, "a|an|the|all|any|other|red|hat|oracle|later|earlier|older|newer"))
        k++;
    return word_is(s, k, SYSTEMS "|distribution|distributions|distros|version|versions") &&
        !word_is(s, k + 1, "services|service|explorer|registry|firewall|update|search|run");
}

static bool
only_for_some(const struct sentence *s, bool heading)
{
    size_t last = s->nwords - 1;

    if (word_is(s, 0, "unless|optional|optionally") || starts_with_system(s))
        return true;
    if (heading && has_word(s, 0, s->nwords, "ubuntu|debian|centos|rhel|suse|sles|fedora"))
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

    for (size_t i = 0; i < s->nwords; i++)
        verb = verb || is_verb(s, i);
    return s->word[s->nwords - 1].after == ':' || announces_command(s, 0) ||
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
            : (b->kind == ARTICLE_PARAGRAPH && b->level == 0) || b->kind == ARTICLE_HEADING)
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

void
aside_judge(const struct compiler *c, struct finds *l, const struct sentence *s)
{
    const char *id = c->aside.here != NULL ? c->aside.here
        : c->aside.lead != NULL            ? c->aside.lead
                                           : c->aside.below;

    for (size_t i = 0; id != NULL && i < l->n; i++) {
        struct find *f = &l->find[i];

        if (f->action.kind == NULL || f->action.kind->person ||
            action_is(&f->action, "operation.retry"))
            continue;
        find_person(l, f, f->command ? "person.command" : "person.do", s->f->s + f->from,
            f->to - f->from);
        f->what = FIND_ACTION;
        find_note(l, f, id, NULL);
    }
}
