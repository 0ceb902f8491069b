/* SPDX-License-Identifier: Apache-2.0 */
/* Sentences beside actions by their forms: which say nothing of when, where or for whom an
 * action is meant, and which limit it or lead away from it. */
#include <string.h>

#include "compile_internal.h"

/* Words by which a heading limits what is below it. */
static const char *const limits_heading[26] = {
    ['a' - 'a'] = "advanced|after|alternative|alternatively|alternatives|another|appliance|"
                  "approach|at",
    ['b' - 'a'] = "back|background|because|before",
    ['c' - 'a'] = "case|cause|causes|caution|centos|client|clients|cluster|controller|"
                  "controllers",
    ['d' - 'a'] = "debian|different|do|don't|due",
    ['e' - 'a'] = "earlier|error|errors|event|example|examples|except",
    ['f' - 'a'] = "faq|fedora|for",
    ['h' - 'a'] = "host|hosts|how",
    ['i' - 'a'] = "if|information|instead",
    ['k' - 'a'] = "known",
    ['l' - 'a'] = "later",
    ['m' - 'a'] = "method|more",
    ['n' - 'a'] = "never|newer|node|nodes|not|notes",
    ['o' - 'a'] = "offline|old|older|on|only|option|optional|optionally|or|oracle|other",
    ['p' - 'a'] = "permanent|permanently|portal|prevent|prevention|preventing|proxy",
    ['r' - 'a'] = "reason|reasons|recovery|red|reference|rescue|reset|resolution|restore|"
                  "revert|reverting|rhel|roll|rollback|rolling",
    ['s' - 'a'] = "safe|sample|samples|scenario|scenarios|serial|side|sles|solution|some|"
                  "source|suse|symptom|symptoms",
    ['t' - 'a'] = "target|temporarily|temporary|test|testing",
    ['u' - 'a'] = "ubuntu|undo|undoing|uninstall|uninstalling|unless|until",
    ['v' - 'a'] = "variant|version|versions",
    ['w' - 'a'] = "warning|when|where|while|with|without|workaround",
};

/* Words that only say that it is about the remedy. */
static const char *const plain_heading[26] = {
    ['a' - 'a'] = "action",
    ['d' - 'a'] = "details|diagnosis|diagnostic|diagnostics",
    ['f' - 'a'] = "fixes",
    ['g' - 'a'] = "guests",
    ['h' - 'a'] = "how",
    ['i' - 'a'] = "instructions",
    ['l' - 'a'] = "linux",
    ['m' - 'a'] = "machine|machines",
    ['o' - 'a'] = "overview",
    ['p' - 'a'] = "procedure",
    ['r' - 'a'] = "recommendation|recommendations|recommended|remediation|remedy|resolution",
    ['s' - 'a'] = "solution",
    ['t' - 'a'] = "troubleshoot|troubleshooting",
    ['v' - 'a'] = "vm|vms",
    ['w' - 'a'] = "what|workaround",
};

/* Words by which an introduction limits the procedure that it introduces. */
static const char *const limits_section[26] = {
    ['a' - 'a'] = "advise|advised|applies|apply|ask|asks",
    ['c' - 'a'] = "carefully|caution|cluster",
    ['d' - 'a'] = "don't",
    ['e' - 'a'] = "earlier|else|every|except|exception|exceptions|excluded|exempt",
    ['f' - 'a'] = "first",
    ['h' - 'a'] = "host|hosts",
    ['i' - 'a'] = "instead|intended",
    ['l' - 'a'] = "later",
    ['m' - 'a'] = "meant|method|methods",
    ['n' - 'a'] = "never|newer|node|nodes",
    ['o' - 'a'] = "older|only|optional|optionally|otherwise|ought",
    ['p' - 'a'] = "prior|procedure",
    ['r' - 'a'] = "recommend|recommended|recommends",
    ['s' - 'a'] = "skip|steps|supported",
    ['t' - 'a'] = "temporarily|temporary|those",
    ['u' - 'a'] = "unless|unsupported|until",
    ['v' - 'a'] = "versions",
    ['w' - 'a'] = "wait|warning|workaround|workarounds",
};

/* ... and those by which a sentence beside an action limits it. */
static const char *const limits_action[26] = {
    ['a' - 'a'] = "above|after|afterwards|again|although|alternatively|always|any|aren't",
    ['b' - 'a'] = "back|before|beware|but",
    ['c' - 'a'] = "can|can't|cannot|careful|case|certain|could|customers",
    ['d' - 'a'] = "depending|depends|didn't|do|doesn't|during",
    ['f' - 'a'] = "few",
    ['g' - 'a'] = "guidance",
    ['h' - 'a'] = "however",
    ['i' - 'a'] = "if|important|isn't",
    ['j' - 'a'] = "just",
    ['m' - 'a'] = "many|may|might|most|must",
    ['n' - 'a'] = "necessary|need|needed|needs|neither|no|none|nor|not|note",
    ['o' - 'a'] = "once|or|original|others|outside",
    ['p' - 'a'] = "per|please|possible|previous|production",
    ['r' - 'a'] = "rather|required|requires|return|revert|risk",
    ['s' - 'a'] = "safe|same|should|shouldn't|since|some|sometimes|soon",
    ['t' - 'a'] = "than|though|together",
    ['u' - 'a'] = "undo|usually",
    ['w' - 'a'] = "we|when|whenever|where|wherever|whether|which|while|who|will|within|without|"
                  "won't|would",
    ['y' - 'a'] = "you|your",
};

static bool
has_lettered(const char *const table[26], const struct sentence *s)
{
    for (size_t i = 0; i < s->nwords; i++)
        if ((s->word[i].mark & FLAT_CODE) == 0 && lettered(table, s, i))
            return true;
    return false;
}

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

    if (word_is(s, 0, "this|that|it|which") && word_is(s, i, does))
        return !has_word(s, 2, s->nwords, "only|unless|if|when|until|but|except|so|on|all|not|"
                                          "to");
    if (words_are(s, 0, "the following") > 0 &&
        word_is(s, 2, "command|commands|script|steps|procedure") &&
        word_is(s, 3, "reset|resets|repair|repairs|restart|restarts|fix|fixes|set|sets|"
                      "re-register|re-registers|start|starts|install|installs"))
        return !has_word(s, 4, s->nwords, "only|unless|if|when|on|but|except");
    return word_is(s, 0, "the") &&
        word_is(s, 1, "output|result|list|command|default|value") &&
        !has_lettered(limits_section, s) &&
        !has_word(s, 2, s->nwords, "if|when|but|on|not|to|you|may|might");
}

/* "Applies to: ...", "Author: ...": what stands at the head of an article. */
bool
is_imprint(const struct sentence *s)
{
    return word_is(s, 0, "applies|author|authors|product|title|severity|keywords|version|"
                         "updated|reviewed|environment|article|summary|id");
}

/* What is only said of the action ends here; what asks for something is a step of its own,
 * and harmless unless it turns back. */
bool
harmless_order(const struct sentence *s)
{
    size_t i = word_is(s, 0, "please|then|also|next|finally|and");

    return is_verb(s, i) && is_imperative(s, i) &&
        (plain_at(s, i) > 2 || !word_is(s, i, "log|login|connect")) &&
        !word_is(s, i, "attach|mount|switch|skip|ignore|repeat|undo|revert|"
                       "note|continue|back|avoid|consider|use|do|perform") &&
        !has_word(s, 0, s->nwords,
            "only|unless|except|never|don't|instead|skip|ignore|until|otherwise|back|revert|"
            "undo|temporarily|temporary|before|after|afterwards|later|when|while|once|whenever|"
            "these|procedure|rollback|restore|original|previous|this|same|just|session|remote|"
            "remotely|ssh|rdp|telnet|serial|rescue|recovery") &&
        !has_phrase(s, 0, s->nwords, "do not");
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

/* It ends with a colon, or speaks of a command that follows. */
bool
sentence_leads(const struct sentence *s)
{
    size_t end = s->to;

    while (end > s->from && (s->f->s[end - 1] == ' ' || s->f->s[end - 1] == FLAT_SOFT))
        end--;
    return (end > s->from && s->f->s[end - 1] == ':') || announces_command(s, 0);
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
    size_t end = s->to;

    while (end > s->from && (s->f->s[end - 1] == ' ' || s->f->s[end - 1] == FLAT_SOFT))
        end--;
    return (end > s->from && s->f->s[end - 1] == '?') ||
        (s->nwords <= 3 &&
            word_is(s, 0, "option|resolution|solution|scenario|variant|cause|case|approach|"
                          "alternative|method|workaround|fix|possibility|symptom|example"));
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

/* "Method 1: Reset the agent" without its label: the first of several ways is taken. */
static struct sentence
without_first_way(const struct sentence *s)
{
    struct sentence rest = *s;

    if (s->nwords > 2 && word_is(s, 0, "method") && word_is(s, 1, "1") &&
        s->word[1].after == ':' && is_verb(s, 2)) {
        rest.word += 2;
        rest.nwords -= 2;
        rest.from = rest.word[0].from;
    }
    return rest;
}

/* Does the heading only say what is done below it?  It may tell so in its own words when it
 * starts with a verb, or stands first of all. */
bool
heading_is_plain(const struct sentence *whole, bool first)
{
    struct sentence rest = without_first_way(whole);
    const struct sentence *s = &rest;
    static const struct finds none;
    bool plain = true, number = false;
    size_t i = 0;

    for (size_t k = 0; k < s->nwords; k++) {
        number = number || is_number(s, k);
        plain = plain && (lettered(plain_heading, s, k) || plain_at(s, k) > 0);
    }
    if (unaccounted(s, &none, s->nwords) == SIZE_MAX || (plain && !number))
        return true;
    while (is_number(s, i) || word_is(s, i, "step|-|\xe2\x80\x93|\xe2\x80\x94|how|to"))
        i++;
    if (word_is(s, i, "in|with") ||
        (has_lettered(limits_heading, s) && !(word_is(s, 0, "how") && words_are(s, 1, "to"))))
        return false;
    return is_verb(s, i) || first ||
        (i < s->nwords && word_len(s, i) > 5 &&
            strncmp(word_at(s, i) + word_len(s, i) - 3, "ing", 3) == 0);
}

bool
limits(const struct sentence *s, enum limits what)
{
    return has_lettered(what == LIMITS_HEADING ? limits_heading
            : what == LIMITS_SECTION           ? limits_section
                                               : limits_action,
        s);
}
