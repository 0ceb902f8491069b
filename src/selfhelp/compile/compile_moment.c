/* SPDX-License-Identifier: Apache-2.0 */
/* Phrases that say from when, and in which case: "After the scan has finished, ...", "...
 * once both tools are done", the heading "The queue does not get shorter".  They become
 * conditions, word for word: what firn cannot judge a person can.
 *
 * What says on which machine is none of these: no condition makes another machine this one,
 * nor one kind of machine another. */
#include <string.h>

#include "compile_internal.h"

/* Words that turn a sentence back, or choose what is not named. */
static bool
turns(const struct sentence *s, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        if (is_number(s, i))
            return true; /* a delay, or a number of times */
    return has_word(s, 0, s->nwords,
               "back|undo|undoing|revert|reverting|rollback|instead|otherwise|temporarily|"
               "temporary|before|until|example|instance|original|previous|normally") ||
        has_word(s, from, to, "all|another|any|both|each|either|every|everything|except|"
                              "former|latter|other|others|per|some|testing|which");
}

static bool
is_moment(const struct sentence *s, size_t i)
{
    if (word_is(s, i, "once") && word_is(s, i + 1, "a|an"))
        return false; /* how often */
    if (i > 0 && word_is(s, i - 1, "automatically|launch|run|runs|start|started|starts") &&
        word_is(s, i, "when|whenever") && word_is(s, i + 1, "the|your|this") &&
        word_is(s, i + 3, "boots|reboots|restarts|starts"))
        return false; /* what the setting does: "configure it to start when the system boots" */
    return word_is(s, i, "when|whenever|once|after|while") || words_are(s, i, "as soon as") > 0;
}

/* The word at which the phrase from ${i} on ends: after the comma that an order follows.
 * 0: it does not end so. */
static size_t
phrase_end(const struct sentence *s, size_t i)
{
    for (size_t k = i; k < s->nwords; k++) {
        if (s->word[k].after != 0 && strchr(":;.", s->word[k].after) != NULL)
            return 0;
        if (s->word[k].after == ',' && is_imperative(s, k + 1) &&
            (is_verb(s, k + 1) || is_order(s, k + 1)))
            return k + 1;
    }
    return 0;
}

size_t
moment_at(const struct sentence *s, size_t i)
{
    size_t end = is_moment(s, i) ? phrase_end(s, i) : 0;

    return end == 0 || turns(s, i, end) || plain_at(s, i) >= end - i ? 0 : end;
}

bool
moment_behind(const struct sentence *s, size_t i)
{
    if (!is_moment(s, i) || turns(s, i, s->nwords) || plain_at(s, i) >= s->nwords - i ||
        word_is(s, i - 1, "even|only|not|see|check|verify"))
        return false;
    for (size_t k = 1; k < s->nwords; k++) /* of which order would it be the condition? */
        if ((is_verb(s, k) && is_imperative(s, k)) || s->word[k].after == ';')
            return false;
    return true;
}

size_t
cond_within(const struct sentence *s, size_t *ret_from)
{
    struct sentence head = *s;

    if (!is_verb(s, 0) || !is_imperative(s, 0))
        return 0;
    for (size_t i = 2; i + 1 < s->nwords && s->word[i - 1].after == 0; i++) {
        size_t end;

        if (!word_is(s, i, "if") && !is_moment(s, i))
            continue;
        for (end = i + 1; end < s->nwords && s->word[end - 1].after == 0; end++)
            ;
        head.nwords = i;
        if (s->word[end - 1].after != ':' || turns(s, i, end) ||
            limits(&head, LIMITS_ACTION) || sets_place(&head))
            return 0;
        *ret_from = i;
        return end;
    }
    return 0;
}

bool
heading_tells_case(const struct sentence *s)
{
    static const char turns_away[] =
        "advanced|again|alternate|alternative|alternatively|alternatives|another|approach|"
        "avoid|back|background|before|case|cases|cause|causes|caution|cleanup|details|don't|"
        "earlier|example|examples|except|faq|history|information|instead|known|later|learn|"
        "links|method|more|never|not|note|notes|notice|only|option|optional|optionally|or|"
        "original|other|overview|permanent|permanently|previous|prevent|prevention|preventing|"
        "reason|reasons|recovery|reference|references|related|remark|remarks|rescue|reset|"
        "resolution|resources|restore|revert|reverting|roll|rollback|rolling|safe|sample|"
        "samples|scenario|scenarios|second|serial|solution|some|step|still|symptom|symptoms|"
        "temporarily|temporary|test|testing|undo|undoing|uninstall|uninstalling|unless|until|"
        "variant|warning|warnings|workaround|workarounds";
    static const char where[] =
        "appliance|appliances|at|centos|client|clients|cluster|clusters|computers|controller|"
        "controllers|debian|desktops|devices|edition|editions|fedora|for|from|gateway|guest|"
        "guests|host|hosts|in|inside|linux|machines|macos|member|members|node|nodes|on|oracle|"
        "pcs|portal|primary|red|replica|rhel|secondary|server|servers|side|sles|source|"
        "standby|suse|systems|target|ubuntu|unix|version|versions|vms|windows|workstations";
    size_t last = s->nwords - 1;

    if (s->nwords > 3 && word_is(s, 0, "case|scenario|cause|symptom") &&
        s->word[1].after == ':') { /* "Case 2: The log is empty" */
        struct sentence rest = *s;

        rest.word += 2;
        rest.nwords -= 2;
        return heading_tells_case(&rest);
    }
    return s->nwords > 2 && s->word[last].after != '?' && s->f->s[s->word[last].to] != '?' &&
        !word_is(s, 0, "what|why|how|who|where|which|do|is|are|does|can|to|with") &&
        !is_verb(s, 0) && !is_order(s, 0) &&
        has_word(s, 1, s->nwords,
            "are|aren't|can't|cannot|crashes|didn't|doesn't|due|fails|failed|gets|hangs|has|is|"
            "isn't|keeps|missing|remains|reports|shows|stays|stopped|stops|was|won't") &&
        !has_word_in(s, 0, s->nwords, turns_away, LIST_MARKS(turns_away)) &&
        !has_word_in(s, 0, s->nwords, where, LIST_MARKS(where));
}
