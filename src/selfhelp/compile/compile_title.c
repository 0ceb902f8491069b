/* SPDX-License-Identifier: Apache-2.0 */
/* What a title limits its article to: a system, a role of the machine, a range of versions.
 * Most titles tell a problem, so only what they name by a preposition, in parentheses or first
 * of all counts, and the phrase around it is the condition, word for word. */
#include <string.h>

#include "compile_internal.h"

bool
role_at(const struct sentence *s, size_t i)
{
    if (word_is(s, i, "controller|controllers"))
        return i > 0 && word_is(s, i - 1, "domain");
    if (word_is(s, i, "core"))
        return i > 0 && word_is(s, i - 1, "server");
    if (word_is(s, i, "client|clients|host|hosts|server|servers|workstation|workstations") &&
        word_at(s, i)[0] >= 'a')
        for (size_t k = i; k > 0 && k + 4 > i; k--)
            if (word_is(s, k - 1, "on"))
                return true; /* "on the print server" */
    return word_is(s, i,
        "32-bit|64-bit|appliance|appliances|cluster|clustered|clusters|container|containers|"
        "edition|editions|gateway|gateways|hypervisor|node|nodes|replica|replicas|role|roles|"
        "standby|workgroup|x64|x86");
}

/* "6.2 and earlier", "prior to 11" */
static bool
is_range(const struct sentence *s, size_t i)
{
    return (word_is(s, i, "and|or") &&
               word_is(s, i + 1, "above|below|earlier|higher|later|lower|newer|older|up")) ||
        words_are(s, i, "prior to") > 0 || words_are(s, i, "older than") > 0 ||
        words_are(s, i, "up to version") > 0 || words_are(s, i, "before version") > 0;
}

/* Words [*ret_from, *ret_to) around word ${i}: from the preposition or the parenthesis before
 * it to the mark behind it. */
static void
phrase_around(const struct sentence *s, size_t i, size_t *ret_from, size_t *ret_to)
{
    size_t from = i, to = i;

    while (from > 0 && s->word[from].before != '(' &&
        !word_is(s, from, "at|for|from|in|inside|of|on|under|with|-|\xe2\x80\x93|\xe2\x80\x94"))
        from--;
    from += from < i && word_is(s, from, "-|\xe2\x80\x93|\xe2\x80\x94");
    while (to + 1 < s->nwords &&
        (s->word[to].after == 0 || strchr(":)", s->word[to].after) == NULL))
        to++;
    *ret_from = from;
    *ret_to = to + 1;
}

bool
title_limits(const struct sentence *s, size_t *ret_from, size_t *ret_to, const char **ret_os)
{
    for (size_t i = 0; i < s->nwords; i++) {
        size_t n = platform_name(s, i, ret_os);

        if (n > 0) {
            *ret_from = i > 0 && word_is(s, i - 1, "for|in|on|under") ? i - 1 : i;
            *ret_to = i + n;
            return true;
        }
    }
    *ret_os = NULL;
    for (size_t i = 0; i < s->nwords; i++)
        if ((s->word[i].mark & FLAT_CODE) == 0 && (role_at(s, i) || is_range(s, i))) {
            phrase_around(s, i, ret_from, ret_to);
            return true;
        }
    return false;
}

size_t
headed_if(const struct sentence *s)
{
    for (size_t i = 2; i + 2 < s->nwords && (is_verb(s, 0) || is_order(s, 0)); i++)
        if (word_is(s, i - 1, "if") && word_is(s, i, "you"))
            return i;
    return 0;
}
