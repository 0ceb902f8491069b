/* SPDX-License-Identifier: Apache-2.0 */
/* Clauses and names beside an action that limit nothing, by their form: the reason for it, its
 * purpose, what a command is typed into, and the thing that is started or stopped.
 *
 * What a language has without end (names, nouns) is taken here; the small words that bind,
 * choose or set a time are few and known, and each of them ends what is taken. */
#include <string.h>

#include "compile_internal.h"

/* Words with which a reason or a purpose says more than why. */
static const char hard[] =
    "only|unless|except|if|when|whenever|until|before|after|instead|otherwise|don't|never|"
    "must|should|please|then|temporarily|temporary|where|wherever|while|next|first|optionally|"
    "alternatively|some|each|every";

/* Words that are no part of the name of a thing, or choose one of several. */
static const char *const no_name[26] = {
    ['a' - 'a'] = "a|about|active|after|again|against|all|also|alternatively|always|and|"
                  "another|any|appropriate|are|as|at",
    ['b' - 'a'] = "back|be|because|before|between|but|by",
    ['c' - 'a'] = "can|certain|client|clients|cluster|controller|controllers|corresponding",
    ['d' - 'a'] = "different|during",
    ['e' - 'a'] = "each|either|every|except|existing",
    ['f' - 'a'] = "failed|few|first|for|from",
    ['h' - 'a'] = "has|have|here|host|hosts",
    ['i' - 'a'] = "if|immediately|in|instead|into|is|it",
    ['l' - 'a'] = "last|later|local",
    ['m' - 'a'] = "manually|may|more|most|must",
    ['n' - 'a'] = "neighbour|never|new|next|no|node|nodes|not",
    ['o' - 'a'] = "of|offline|old|older|on|once|one|only|optional|optionally|or|original|other|"
                  "others|over",
    ['p' - 'a'] = "partner|passive|per|portal|previous|primary",
    ['r' - 'a'] = "recovery|relevant|remaining|remote|replica|rescue|respective",
    ['s' - 'a'] = "same|second|secondary|serial|server|servers|should|side|since|so|some|"
                  "source|standby|such",
    ['t' - 'a'] = "target|temporarily|temporary|test|than|that|the|them|then|there|these|they|"
                  "this|those|through|till|to|together|twice",
    ['u' - 'a'] = "under|unless|until|using",
    ['v' - 'a'] = "via",
    ['w' - 'a'] = "was|were|when|where|whether|which|while|who|will|with|within|without|would|"
                  "workstation",
};

static bool
is_noun(const struct sentence *s, size_t i)
{
    return i < s->nwords && !is_number(s, i) && !lettered(no_name, s, i) && !is_verb(s, i) &&
        strchr("<>|=[{&", word_at(s, i)[0]) == NULL;
}

/* Words from ${i} on, at most ${max}, up to a mark or a word that is no part of a name. */
static size_t
nouns(const struct sentence *s, size_t i, size_t max)
{
    size_t n = 0;

    while (n < max && is_noun(s, i + n) && (n == 0 || s->word[i + n - 1].after == 0) &&
        s->word[i + n].before != '(')
        n++;
    return n;
}

/* The clause from ${i} on, up to a comma or the end, says nothing but why. */
static size_t
free_clause(const struct sentence *s, size_t i, bool to_comma)
{
    size_t end = i;

    while (end < s->nwords) {
        char after = s->word[end++].after;

        if (after == ':' || after == ';' || (to_comma && after == ','))
            break;
    }
    return has_word_in(s, i, end, hard, LIST_MARKS(hard)) ? 0 : end - i;
}

/* "because ...", "since ...", "so that ...", "which closes ...". */
size_t
reason_at(const struct sentence *s, size_t i)
{
    static const char does[] =
        "allows|clears|closes|collects|contains|creates|deletes|drops|empties|enables|ends|"
        "forces|frees|has|holds|hosts|is|keeps|lets|loads|makes|prevents|reads|rebuilds|"
        "refreshes|reloads|removes|replaces|resets|runs|shows|starts|stops|takes|writes";

    if (word_is(s, i, "because|since") && word_is(s, i + 1, "a|an|the|this|these|that|it|its|"
                                                            "they|otherwise|windows|some"))
        return free_clause(s, i + 2, false) > 0 ? 2 + free_clause(s, i + 2, false) : 0;
    if (words_are(s, i, "so that") > 0 && word_is(s, i + 2, "a|an|the|it|its|they|your|all"))
        return free_clause(s, i, false);
    if (word_is(s, i, "which") && i > 0 && s->word[i - 1].after == ',' &&
        word_is(s, i + 1, does))
        return free_clause(s, i, true);
    return 0;
}

/* "To make sure that the services start with the system, ...": why, unless it is a wish that
 * not everybody has ("To undo it, ...", "To remove it, ..."). */
static size_t
purpose(const struct sentence *s, size_t i)
{
    static const char verbs[] =
        "activate|address|allow|apply|avoid|bring|check|clear|complete|confirm|correct|enable|"
        "ensure|finish|fix|have|install|list|load|make|mitigate|prevent|query|re-register|"
        "rebuild|recover|refresh|register|reload|repair|reregister|reset|resolve|restart|see|"
        "solve|start|verify|view";
    bool starts = i == 0 || word_is(s, i - 1, "then|finally|now|next");
    bool task = word_is(s, i + 1, "add|change|configure|create|increase|modify|set|update");
    struct sentence clause = *s;

    if (!starts || !word_is(s, i, "to") ||
        !(task || word_in(s, i + 1, verbs, LIST_MARKS(verbs))))
        return 0;
    for (size_t k = i; k < s->nwords; k++)
        if (s->word[k].after == ',') {
            if (task && !word_is(s, k + 1, "follow|perform|complete|use"))
                return 0; /* it may be a wish */
            clause.word += i + 1;
            clause.nwords = k - i;
            return sets_place(&clause) ||
                    has_word(s, i, k + 1,
                        "again|another|back|manually|other|permanently|remote|second")
                ? 0
                : free_clause(s, i, true);
        }
    return 0;
}

/* "check whether RDP is denied by policy": what a look looks for. */
static size_t
looked_for(const struct sentence *s, size_t i)
{
    if (!word_is(s, i, "whether|that|if") ||
        i == 0 || !word_is(s, i - 1, "check|verify|confirm|see|determine|sure|out"))
        return 0;
    return free_clause(s, i + 1, true) > 0 ? 1 + free_clause(s, i + 1, true) : 0;
}

/* "into the black window": where a command is typed. */
static size_t
typed_into(const struct sentence *s, size_t i)
{
    size_t k = i + 2, n;

    if (!word_is(s, i, "in|into|at") || !word_is(s, i + 1, "a|an|the|your|this"))
        return 0;
    n = nouns(s, k, 4);
    return n > 0 && word_is(s, k + n - 1, "window|prompt|terminal|shell") ? 2 + n : 0;
}

/* The thing that a verb is said of: "the transport service", "PostgreSQL", "php-fpm". */
static size_t
object(const struct sentence *s, size_t i)
{
    static const char verbs[] =
        "start|stop|restart|reload|enable|disable|complete|clear|reset|repair|register|"
        "re-register|reconfigure|refresh|check|verify|list|query|unmask|copy|paste|try|"
        "restarting|starting|stopping|enabling";
    size_t det = word_is(s, i, "the|your|its|their|both") ? 1 : 0;

    if (det == 0 && (i == 0 || !word_is(s, i - 1, "the|your|its|their|both")))
        return i > 0 && in_list(word_at(s, i - 1), word_len(s, i - 1), verbs) &&
                s->word[i - 1].after == 0
            ? nouns(s, i, 6)
            : 0;
    i += det;
    if (i >= 2 && word_is(s, i - 2, "and")) { /* "the A service and the B service" */
        size_t n = nouns(s, i, 4);

        return n > 1 && word_is(s, i + n - 1, "service|services|daemon") ? det + n : 0;
    }
    if (i < 2 || !in_list(word_at(s, i - 2), word_len(s, i - 2), verbs) ||
        s->word[i - 2].after != 0)
        return 0;
    return nouns(s, i, 6) > 0 ? det + nouns(s, i, 6) : 0;
}

/* "that the service *Hyper-V Volume Shadow Copy Requestor* is running", "(FileSyncSvc)". */
static size_t
apposition(const struct sentence *s, size_t i)
{
    size_t n;

    if (i == 0)
        return 0;
    if (s->word[i].before == '(' && (s->word[i].after == ')' || word_is(s, i, "recommended")))
        return nouns(s, i, 1);
    if (!word_is(s, i - 1, "service|daemon|services|and|the") ||
        (s->word[i].mark & (FLAT_BOLD | FLAT_CODE)) == 0)
        return 0;
    n = nouns(s, i, 8);
    for (size_t k = 0; k < n; k++)
        if ((s->word[i + k].mark & (FLAT_BOLD | FLAT_CODE)) == 0)
            return k;
    return n;
}

size_t
clause_at(const struct sentence *s, size_t i)
{
    size_t (*const forms[])(const struct sentence *s, size_t i) = { reason_at, purpose,
        looked_for, typed_into, object, apposition };

    for (size_t k = 0; k < sizeof(forms) / sizeof(forms[0]); k++) {
        size_t n = i < s->nwords ? forms[k](s, i) : 0;

        if (n > 0)
            return n;
    }
    return 0;
}
