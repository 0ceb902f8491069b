/* SPDX-License-Identifier: Apache-2.0 */
/* Orders in the passive: "the files must be deleted", "the value needs to be changed to 1"; and
 * others that no other finder sees: "you must upgrade it", "first upgrade it".  What comes
 * behind would be done without them.
 *
 * Closed lists: what is done to a thing is an order, how it is to be ("must be running", "must
 * be installed") is none.  "Should be" is an expectation of most things ("should be restored
 * now"), so its list is shorter.  Where somebody only speaks of the order ("the file that must
 * be deleted", "a message says that it must be deleted"), it is none. */
#include <string.h>

#include "compile_internal.h"

static const char done[] =
    "added|changed|cleared|copied|corrected|created|deleted|detached|downgraded|edited|emptied|"
    "erased|extended|freed|increased|lowered|modified|moved|purged|raised|rebuilt|recreated|"
    "redeployed|reduced|reinstalled|removed|renamed|renewed|repaired|replaced|reset|resized|"
    "restored|rotated|uninstalled|unlocked|unmounted|updated|upgraded";
static const char done_if_it_should[] =
    "deleted|emptied|purged|reinstalled|removed|renamed|replaced|uninstalled";
static const char adverbs[] = "all|also|both|either|first|manually|now|only|then|therefore";

/* "must be", "needs to be", "has to be" at word ${i}; returns the word behind it, or 0. */
static size_t
must_be(const struct sentence *s, size_t i)
{
    bool to = word_is(s, i, "need|needs|has|have");

    if (!word_is(s, i, "must|should") && !(to && word_is(s, i + 1, "to")))
        return 0;
    i += to ? 2 : 1;
    i += word_is(s, i, adverbs);
    if (!word_is(s, i, "be"))
        return 0;
    i++;
    return i + word_is(s, i, adverbs);
}

/* Do the words before word ${i} only speak of what must be done, or say that it need not? */
static bool
is_spoken_of(const struct sentence *s, size_t i)
{
    for (size_t k = i; k > 0 && k + 2 >= i; k--)
        if (word_is(s, k - 1, "can|could|doesn't|don't|eventually|may|might|neither|not|ones|"
                              "shouldn't|still|that|they'll|to|who|will|would"))
            return true;
    if (i == 0 || has_word(s, 0, i,
            "as|assume|because|each|example|how|if|indicates|indicating|let's|means|never|no|"
            "none|not|once|optionally|outdated|reports|said|say|saying|says|since|states|"
            "stating|suggests|unless|until|what|when|whenever|where|whether|which|while|why"))
        return true;
    for (size_t k = 0; k + 1 < i; k++) /* "files that are old" is a name, no speech */
        if (word_is(s, k, "that") && !word_is(s, k + 1, "are|contain|contains|has|have|is"))
            return true;
    return false;
}

static bool
is_order_behind(const struct sentence *s, size_t modal, size_t i)
{
    if (word_is(s, modal, "should"))
        return word_is(s, i, done_if_it_should) &&
            !word_is(s, i + 1, "after|already|automatically|by|now|once|when");
    return word_is(s, i, done) || /* "must be set to 1" is how it is to be */
        (!word_is(s, modal, "must") && word_is(s, i, "set") && word_is(s, i + 1, "to"));
}

/* "The following files must be deleted:" leads to what comes. */
static bool
only_leads(const struct sentence *s)
{
    return s->word[s->nwords - 1].after == ':' ||
        has_word(s, 0, s->nwords, "below|following|follows");
}

/* The verb of an order in the passive; 0: it is none. */
static size_t
passive_at(const struct sentence *s)
{
    for (size_t i = 1; i < s->nwords; i++) {
        size_t verb = must_be(s, i);

        if (verb > 0 && is_order_behind(s, i, verb))
            return is_spoken_of(s, i) ? 0 : verb;
    }
    return 0;
}

/* "You must upgrade it", "you need to ..."; 0: it is none. */
static size_t
told_at(const struct sentence *s)
{
    size_t i = word_is(s, 0, "first|then|also|finally|next");

    if (!word_is(s, i, "you"))
        return 0;
    if (word_is(s, i + 1, "must"))
        i += 2;
    else if (word_is(s, i + 1, "need|have") && word_is(s, i + 2, "to"))
        i += 3;
    else
        return 0; /* what is run is firn's to read */
    if (word_is(s, i, "be|have|not|reboot|rerun|restart|run|start|stop"))
        return 0;
    return is_verb(s, i) || word_is(s, i + 1, "all|its|the|their|your") ? i : 0;
}

/* "First upgrade it"; 0: it is none. */
static size_t
led_at(const struct sentence *s)
{
    return word_is(s, 0, "carefully|first|firstly|immediately|kindly|secondly|temporarily") &&
            is_verb(s, 1) && !word_is(s, 2, "not")
        ? 1 : 0;
}

bool
find_passive(struct finds *l, const struct sentence *s)
{
    bool other = word_is(s, 0, "bring|permit|scale") && s->nwords > 2; /* no verbs elsewhere */
    bool idle = words_are(s, 0, "sign out") > 0 || words_are(s, 0, "reach out to") > 0;
    size_t verb = passive_at(s);
    struct find *f;

    verb = verb > 0 ? verb : told_at(s);
    verb = verb > 0 ? verb : led_at(s);
    if ((verb == 0 && !other && !idle) || only_leads(s) || sentence_ends(s, '?') ||
        tells_problem(s))
        return false;
    f = find_new(l, s->from, s->to, "person.do");
    if (f == NULL)
        return false;
    f->passive = true;
    f->idle = idle;
    find_person(l, f, "person.do", s->f->s + s->from, s->to - s->from);
    if (word_is(s, verb, "delete|deleted|emptied|erased|purged|remove|removed|uninstall|"
                         "uninstalled"))
        find_note(l, f, "destroys", NULL);
    return true;
}
