/* SPDX-License-Identifier: Apache-2.0 */
/* Sentences beside actions by their forms: which say nothing of when, where or for whom an
 * action is meant, and which limit it or lead away from it. */
#include <string.h>

#include "compile_internal.h"

/* "This error occurs because ...": what went wrong, and when. */
bool
tells_problem(const struct sentence *s)
{
    size_t i = word_is(s, 0, "this|the|these|your|an|a|we|it|that");

    if (word_is(s, i, "is|could|can|may|might|have|has|happens|occurs"))
        i += 4;
    for (size_t k = word_is(s, 0, "this|the|these|your|an|a|we|it|that"); k < i + 3; k++)
        if (word_is(s, k, "error|errors|issue|issues|problem|failure|happens|occurs|message|"
                          "installation|backup|snapshot|symptom|symptoms|extension"))
            return !has_word(s, 0, s->nwords,
                "only|unless|procedure|steps|workaround|should|must|don't|never|please");
    return false;
}

/* "This starts the service.": what an action does, or what it shows. */
bool
tells_effect(const struct sentence *s)
{
    static const char does[] =
        "clears|completes|create|creates|displays|enable|enables|ensure|ensures|finishes|fix|"
        "fixes|install|installs|list|lists|make|makes|prints|re-registers|rebuilds|registers|"
        "reloads|repair|repairs|reset|resets|resolve|resolves|restart|restarts|set|sets|show|"
        "shows|stands|start|starts|stop|stops|update|updates";
    size_t i = 1 + word_is(s, 1, "will|also|command");

    if (word_is(s, 0, "this|the|these") &&
        word_is(s, 1 + word_is(s, 1, "registry"), "entry|key|parameter|setting|value") &&
        word_is(s, 2 + word_is(s, 1, "registry"), "allows|causes|controls|decreases|defines|"
                                                  "determines|disables|enables|increases|makes|"
                                                  "means|represents|sets|specifies"))
        return !has_word(s, 3, s->nwords, "only|unless|except|don't|must|should|temporarily");
    if (word_is(s, 0, "this|that|it|which") && word_is(s, i, does))
        return !has_word(s, 2, s->nwords, "only|unless|if|when|until|but|except|so|on|all|not|"
                                          "to");
    if (words_are(s, 0, "the following") > 0 &&
        word_is(s, 2, "command|commands|script|steps|procedure") &&
        word_is(s, 3, "reset|resets|repair|repairs|restart|restarts|fix|fixes|set|sets|"
                      "re-register|re-registers|start|starts|install|installs"))
        return !has_word(s, 4, s->nwords, "only|unless|if|when|on|but|except");
    if (has_word(s, 1, s->nwords, "is|are") &&
        has_word(s, 2, s->nwords, "listed|shown|described|given|explained") &&
        has_word(s, 3, s->nwords, "below|here"))
        return !has_word(s, 0, s->nwords, "only|unless|if|when|but|except|not|steps|procedure");
    return word_is(s, 0, "the") &&
        word_is(s, 1, "output|result|list|command|default|value") &&
        !limits(s, LIMITS_SECTION) &&
        !has_word(s, 2, s->nwords, "if|when|but|on|not|to|you|may|might");
}

/* "This guide describes how ...": what an article is about, and no more. */
bool
tells_subject(const struct sentence *s)
{
    return word_is(s, 0, "this|the") &&
        word_is(s, 1, "article|chapter|document|guide|howto|page|section|topic|tutorial") &&
        word_is(s, 2, "contains|covers|describes|details|discusses|explains|helps|lists|"
                      "provides|shows|uses") &&
        !names_kind(s) && !sets_place(s) &&
        !has_word(s, 3, s->nwords,
            "before|but|cluster|don't|earlier|except|first|later|newer|node|older|only|"
            "temporarily|temporary|unless|until|whose|without");
}

/* "For more information, see ...": where more is written. */
bool
is_reference(const struct sentence *s)
{
    size_t i = word_is(s, 0, "for");

    i += word_is(s, i, "more|further|additional|detailed");
    return (word_is(s, 0, "see|refer") ||
               (i > 0 && word_is(s, i, "information|details|instructions|help|background|"
                                       "documentation"))) &&
        !has_word(s, 1, s->nwords,
            "only|if|unless|instead|when|before|first|must|not|don't|never|until|other|"
            "another|otherwise|procedure|use|below|above|following|next|until|then");
}

/* "Before you modify it, back it up": a precaution, which a person takes or not. */
bool
is_precaution(const struct sentence *s)
{
    static const char not_that[] = "only|unless|instead|not|don't|never|otherwise|stop|start|"
                                   "restart|reboot|if|until|other|another";
    size_t i = 0;

    if (word_is(s, 0, "before") && word_is(s, 1, "you|making|modifying|editing|changing"))
        while (i < s->nwords && s->word[i++].after != ',')
            ;
    else if (words_are(s, 0, "for added protection") > 0)
        i = 3;
    return (words_are(s, i, "back up") > 0 || word_is(s, i, "backup") ||
               words_are(s, i, "make a backup") > 0 ||
               words_are(s, i, "create a backup") > 0) &&
        !has_word_in(s, i, s->nwords, not_that, LIST_MARKS(not_that));
}

bool
tells_entry(const struct sentence *s)
{
    size_t i = 2;

    if (!word_is(s, 0, "you") || !word_is(s, 1, "are|have") ||
        !has_word(s, 2, 4, "connected|logged|signed"))
        return false;
    while (i < s->nwords && !(s->word[i].before == '(' && word_is(s, i, "see")) &&
        word_is(s, i, "a|administrator|an|as|been|by|connected|in|instance|into|linux|"
                      "logged|machine|on|onto|over|rdp|remotely|root|server|signed|ssh|sudo|"
                      "terminal|the|through|to|user|using|via|virtual|vm|with|your"))
        i++;
    return i >= s->nwords || word_is(s, i, "see");
}

/* "To work around this problem, modify the registry.": what is told below. */
bool
tells_aim(const struct sentence *s)
{
    return word_is(s, 0, "to") &&
        word_is(s, 1, "address|avoid|correct|fix|mitigate|recover|repair|resolve|solve|work|"
                      "workaround");
}

/* "Applies to: ...", "Author: ...": what stands at the head of an article. */
bool
is_imprint(const struct sentence *s)
{
    return word_is(s, 0, "applies|author|authors|product|title|severity|keywords|version|"
                         "updated|reviewed|environment|article|summary|id");
}

/* "Uninstall/install": two verbs in one. */
static bool
slashed(const struct sentence *s, size_t i)
{
    const char *slash = i == 0 && s->nwords > 0 ? memchr(word_at(s, 0), '/', word_len(s, 0))
                                                : NULL;

    return slash != NULL &&
        in_list(word_at(s, 0), (size_t)(slash - word_at(s, 0)),
            "disable|enable|install|start|stop|uninstall");
}

/* "Drain the node": an order by its form, whatever its verb. */
bool
is_order(const struct sentence *s, size_t i)
{
    static const char no_verb[] =
        "about|above|across|after|all|along|also|although|among|and|are|around|as|at|because|"
        "before|behind|below|beside|besides|between|both|but|by|can|could|despite|did|do|does|"
        "down|during|for|from|had|has|have|here's|if|in|inside|into|is|it's|let|like|may|might|"
        "must|near|nor|not|of|off|on|once|only|onto|or|out|outside|over|per|shall|should|since|"
        "so|than|that|that's|then|there's|though|through|to|under|unless|unlike|until|up|upon|"
        "via|was|were|what|when|where|which|while|who|will|with|within|without|would";
    size_t n = i < s->nwords ? word_len(s, i) : 0;

    if (is_verb(s, i))
        return is_imperative(s, i);
    if (slashed(s, i))
        return true;
    return n > 2 && (s->word[i].mark & FLAT_CODE) == 0 && s->word[i].after == 0 &&
        !in_list(word_at(s, i), n, no_verb) && !is_number(s, i) &&
        strncmp(s->f->low + s->word[i].to - 3, "ing", 3) != 0 &&
        (word_is(s, i + 1, "a|all|an|it|its|some|the|their|your") ||
            (word_is(s, i + 1, "and") &&
                (is_verb(s, i + 2) || (word_is(s, i + 2, "then") && is_verb(s, i + 3)))));
}

/* "Chroot into it", "Enter another system": what comes after it is done there. */
bool
leaves_system(const struct sentence *s)
{
    if (word_is(s, 0, "boot") ||
        has_word(s, 0, s->nwords, "chroot|container|jail|livecd|rescue|single-user"))
        return true;
    for (size_t i = 0; i + 1 < s->nwords; i++)
        if (word_is(s, i, "another|live|other") &&
            word_is(s, i + 1, "box|cd|computer|dvd|environment|host|image|installation|machine|"
                              "medium|os|pc|server|session|system|usb|vm"))
            return true;
    return false;
}

/* What is only said of the action ends here; what asks for something is a step of its own,
 * and harmless unless it turns back. */
bool
harmless_order(const struct sentence *s, bool alone)
{
    size_t i = word_is(s, 0, "please|then|also|next|finally|and");

    return is_order(s, i) &&
        (plain_at(s, i) > 2 || !word_is(s, i, "log|login|connect")) &&
        !word_is(s, i, "attach|mount|switch|skip|ignore|repeat|undo|revert|"
                       "note|continue|back|avoid|do|perform") &&
        (alone || !word_is(s, i, "consider|use")) &&
        !has_word(s, 0, s->nwords,
            "abort|article|cancel|escalate|exit|gone|guide|here|leave|leaving|quit|reading|"
            "rest|section|ticket") &&
        !word_is(s, s->nwords - 1, "there") &&
        (alone ||
            !has_word(s, 0, s->nwords,
                "until|before|after|afterwards|later|when|while|once|whenever|previous")) &&
        !has_word(s, 0, s->nwords,
            "only|unless|except|never|don't|instead|skip|ignore|otherwise|back|revert|undo|"
            "temporarily|temporary|these|procedure|steps|rollback|restore|original|this|same|"
            "just|order|either|session|remote|remotely|ssh|rdp|telnet|serial|rescue|"
            "recovery") &&
        !leaves_system(s) &&
        !has_phrase(s, 0, s->nwords, "do not");
}

/* Does it speak of machines of some kind? */
bool
names_kind(const struct sentence *s)
{
    static const char kinds[] =
        "appliances|clients|clusters|computers|controllers|desktops|devices|editions|guests|"
        "hosts|laptops|machines|members|nodes|pcs|releases|replicas|servers|systems|versions|"
        "vms|workstations";

    return has_word_in(s, 0, s->nwords, kinds, LIST_MARKS(kinds));
}

/* "The service X has to be running:" */
static bool
demands_state(const struct sentence *s)
{
    return has_word(s, 0, s->nwords, "service|services|daemon") &&
        (has_phrase(s, 0, s->nwords, "has to be") || has_phrase(s, 0, s->nwords, "must be") ||
            has_phrase(s, 0, s->nwords, "should be") ||
            has_phrase(s, 0, s->nwords, "have to be") ||
            has_phrase(s, 0, s->nwords, "needs to be")) &&
        has_word(s, 1, s->nwords, "running|started|enabled|present|active") &&
        !limits(s, LIMITS_SECTION) && !names_kind(s) && !has_number(s) &&
        !has_word(s, 0, s->nwords,
            "not|if|when|before|until|after|while|on|at|during|without|other|any|may|can");
}

/* Does the sentence, which stands before a command, only tell what it does? */
bool
tells_command(const struct sentence *s)
{
    static const char verbs[] = /* what a command does, not what is done with its text */
        "clear|complete|disable|enable|finish|fix|install|re-register|rebuild|refresh|register|"
        "reinstall|reload|repair|reregister|reset|restart|resume|start|stop|uninstall|update";
    size_t i = word_is(s, 0, "please|then|also|next|finally|and|now");
    struct sentence rest = *s;

    rest.word += i;
    rest.nwords -= i;
    for (size_t k = 1; k < rest.nwords; k++)
        if (reason_at(&rest, k) > 0) {
            rest.nwords = k; /* why limits nothing */
            rest.to = rest.word[k - 1].to;
        }
    s = &rest;
    i = 0;
    if (demands_state(s))
        return true;
    if (limits(&rest, LIMITS_ACTION) || has_number(s) || sets_place(s) || !is_order(s, i))
        return false;
    return (slashed(s, i) || word_in(s, i, verbs, LIST_MARKS(verbs)) ||
               (word_is(s, i, "turn") && word_is(s, i + 1, "on|off"))) &&
        !has_word(s, i + 1 + word_is(s, i, "turn"), s->nwords,
            "as|at|by|during|every|for|from|in|on|other|through|via");
}

/* "The pool cannot start unless its service runs.": how things are, which asks for nothing
 * and speaks of no procedure. */
bool
tells_fact(const struct sentence *s)
{
    static const char asks[] =
        "above|advise|advised|and/or|applies|apply|article|below|caution|certain|don't|except|"
        "exception|exceptions|fix|following|important|instead|instructions|let|meant|method|"
        "methods|must|never|optional|otherwise|ought|please|procedure|recommend|"
        "recommended|recommends|shall|should|skip|solution|step|steps|supported|temporarily|"
        "temporary|these|this|those|unsupported|us|we'll|we're|workaround|workarounds|you|your|"
        "yours";
    struct sentence rest = *s;
    size_t i = 0;

    if (word_is(s, 0, "when|until|as|since|because|to"))
        while (i < s->nwords && s->word[i++].after != ',')
            ;
    i += i < s->nwords && word_is(s, i, "first|just|simply|then");
    rest.word += i;
    rest.nwords -= i;
    if (i == s->nwords || has_word_in(s, 0, s->nwords, asks, LIST_MARKS(asks)) ||
        names_kind(s) || is_order(&rest, 0) ||
        word_is(s, i, "ask|be|beware|bring|call|do|have|inform|keep|leave|mind|plan|put|take|"
                      "tell") ||
        word_is(s, i, "on|in|at|for|from|with|without|during|after|before|if"))
        return false;
    for (; i < s->nwords; i++)
        if (is_verb(s, i) && is_imperative(s, i))
            return false;
    return true;
}

/* The rest of the sentence from word ${i} on, behind its actions, is an order to a person
 * that says nothing of them: "and open drive Z: in the explorer". */
bool
orders_besides(const struct sentence *s, size_t i)
{
    struct sentence rest = *s;

    if (i == 0 || i >= s->nwords || !(word_is(s, i - 1, "and|then") ||
                                        s->word[i - 1].after == ','))
        return false;
    rest.word += i;
    rest.nwords -= i;
    rest.from = rest.word[0].from;
    return (is_verb(s, i) || word_is(s, i + 1, "a|an|in|it|its|on|the|to|your")) &&
        !word_is(s, i, "start|stop|restart|reboot|set|enable|disable|then|undo|repeat|repair|"
                       "retry|delete|remove|or|the|a|an|its|your") &&
        !limits(&rest, LIMITS_ACTION) && !has_number(&rest) &&
        !has_word(&rest, 0, rest.nwords, "them|these|this");
}

/* Does a conditional sentence lead away from what stands around it? */
bool
leads_away(const struct sentence *s)
{
    return has_word(s, 0, s->nwords,
        "skip|ignore|instead|omit|leave|stop|not|don't|never|only|otherwise|undo|revert|return|"
        "continue|proceed|go|step|steps|section|above|previous|done|enough|finished|back|no|"
        "rows|jump|repeat|same");
}

/* ... and from the steps of its procedure, or only from its own? */
bool
leaves_procedure(const struct sentence *s)
{
    return has_word(s, 0, s->nwords,
        "skip|ignore|instead|omit|leave|otherwise|undo|revert|return|continue|proceed|go|step|"
        "steps|section|done|enough|finished|jump|repeat|here|article|end|rest");
}

/* It ends with a colon, or speaks of a command that follows. */
bool
sentence_leads(const struct sentence *s)
{
    return sentence_ends(s, ':') || announces_command(s, 0);
}

/* The sentence without what only says that it is a note. */
struct sentence
without_mark(const struct sentence *s)
{
    struct sentence rest = *s;

    while (rest.nwords > 0 &&
        word_is(&rest, 0, ">|[!note]|[!warning]|[!important]|[!caution]|[!tip]|note|notes|"
                          "important|warning|caution|tip|attention")) {
        rest.word++;
        rest.nwords--;
    }
    if (rest.nwords > 0)
        rest.from = rest.word[0].from;
    return rest;
}

/* "To undo the change, ...": how it is taken back does not limit it. */
bool
takes_back(const struct sentence *s)
{
    return word_is(s, 0, "to") &&
        (word_is(s, 1, "undo|revert|reverse|re-enable|"
                       "rollback") ||
            words_are(s, 1, "roll back") > 0);
}

/* "Option B.", "Still failing?": what follows it in the item or paragraph hangs on it. */
bool
is_fork(const struct sentence *s)
{
    return sentence_ends(s, '?') ||
        (s->nwords <= 3 &&
            word_is(s, 0, "option|resolution|solution|scenario|variant|cause|case|approach|"
                          "alternative|method|workaround|fix|possibility|symptom|example"));
}

/* "To do so, follow these steps:" behind a sentence that spoke of a case (${case_said}) is
 * meant in that case; "To configure the primary controller, ..." for those who want that. */
bool
leads_in_case(const struct sentence *s, bool case_said)
{
    return !s->code && word_is(s, 0, "to") && !tells_aim(s) &&
        (sentence_ends(s, ':') || has_word(s, 0, s->nwords, "following|steps|these")) &&
        (case_said || (!tells_command(s) &&
                          word_is(s, 1, "allow|configure|join|permit|prepare|promote")));
}

/* "Run this on the second node.": it leads to what is to be run. */
bool
tells_to_run(const struct sentence *s)
{
    size_t i = word_is(s, 0, "please|then|also|next|finally|and|now");

    return is_imperative(s, i) &&
        word_is(s, i, "run|execute|type|enter|issue|apply|use|perform|follow|do|complete|"
                      "choose|select|pick");
}
