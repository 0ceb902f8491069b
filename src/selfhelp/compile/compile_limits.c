/* SPDX-License-Identifier: Apache-2.0 */
/* Words that limit: by which a heading limits what is below it, an introduction its procedure,
 * and a sentence what stands beside it.
 *
 * These are the small words of the language, and the few nouns for kinds of machines; they are
 * closed lists.  Names and nouns have no end, and limit nothing where no such word binds
 * them. */
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
    ['e' - 'a'] = "earlier|encountered|error|errors|event|example|examples|except",
    ['f' - 'a'] = "faced|faq|fedora|for",
    ['h' - 'a'] = "host|hosts|how",
    ['i' - 'a'] = "if|information|instead",
    ['k' - 'a'] = "known",
    ['l' - 'a'] = "later|learned|lessons",
    ['m' - 'a'] = "manual|manually|method|more",
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
    ['f' - 'a'] = "finalise|finalize|fixes",
    ['g' - 'a'] = "guests",
    ['h' - 'a'] = "how",
    ['i' - 'a'] = "instructions",
    ['l' - 'a'] = "linux",
    ['m' - 'a'] = "machine|machines",
    ['o' - 'a'] = "overview",
    ['p' - 'a'] = "procedure",
    ['r' - 'a'] = "recommendation|recommendations|recommended|remediation|remedy|resolution",
    ['s' - 'a'] = "setup|solution",
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

/* ... and, besides, those by which a sentence beside an action limits it, or one that leads to
 * a command: they bind, choose, ban or set a time. */
static const char *const limits_action[26] = {
    ['a' - 'a'] = "above|after|afterwards|again|alternate|alternative|alternatively|although|"
                  "always|another|any|aren't",
    ['b' - 'a'] = "back|before|beforehand|besides|beware|but",
    ['c' - 'a'] = "can|can't|cannot|careful|case|centos|certain|contact|could|customers",
    ['d' - 'a'] = "debian|depending|depends|didn't|different|do|doesn't|during",
    ['e' - 'a'] = "each|either|everybody|everyone|existing",
    ['f' - 'a'] = "fedora|few|former",
    ['g' - 'a'] = "guidance",
    ['h' - 'a'] = "however",
    ['i' - 'a'] = "if|important|isn't",
    ['j' - 'a'] = "just",
    ['l' - 'a'] = "last|latter|linux",
    ['m' - 'a'] = "macos|many|may|maybe|might|more|most|must",
    ['n' - 'a'] = "necessary|need|needed|needs|neither|no|none|nor|not|note",
    ['o' - 'a'] = "old|once|one|ones|or|oracle|original|other|others|outside",
    ['p' - 'a'] = "per|permanently|please|possible|prefer|preferably|previous|production",
    ['r' - 'a'] = "rather|remaining|remote|request|required|requires|restore|return|revert|"
                  "reverting|rhel|risk|roll|rollback",
    ['s' - 'a'] = "safe|same|second|should|shouldn't|since|sles|some|sometimes|soon|still|such|"
                  "suse",
    ['t' - 'a'] = "test|testing|than|third|though|till|twice",
    ['u' - 'a'] = "ubuntu|undo|undoing|unix|usually",
    ['w' - 'a'] = "we|when|whenever|where|wherever|whether|which|while|who|whose|will|within|"
                  "without|won't|would",
    ['y' - 'a'] = "you|your",
};

static bool
has_lettered(const char *const table[26], const struct list_marks *marks,
    const struct sentence *s)
{
    for (size_t i = 0; i < s->nwords; i++)
        if ((s->word[i].mark & FLAT_CODE) == 0 && lettered_in(table, marks, s, i) &&
            !(i > 0 && word_is(s, i, "on|off|back") &&
                (word_is(s, i - 1, "turn|switch") ||
                    (word_is(s, i, "back") && word_is(s, i - 1, "come|comes")))))
            return true;
    return false;
}

/* ${table} stays the same at each place. */
#define HAS_LETTERED(table, s) \
    ({ \
        static struct list_marks marks_; \
        if (!__atomic_load_n(&marks_.ready, __ATOMIC_ACQUIRE)) \
            lettered_marks(&marks_, table); \
        has_lettered(table, &marks_, s); \
    })

bool
limits(const struct sentence *s, enum limits what)
{
    if (what == LIMITS_HEADING)
        return HAS_LETTERED(limits_heading, s);
    return HAS_LETTERED(limits_section, s) ||
        (what == LIMITS_ACTION && HAS_LETTERED(limits_action, s));
}

/* "on the WAP server", "From your workstation": a place, unless it is where all is done. */
bool
sets_place(const struct sentence *s)
{
    static const char machines[] =
        "appliance|client|clients|cluster|computer|computers|console|controller|controllers|"
        "dc|dcs|desktop|device|devices|edition|environment|gateway|guest|guests|host|hosts|"
        "instance|instances|laptop|laptops|machine|machines|member|members|node|nodes|partner|"
        "pc|pcs|portal|primary|release|releases|replica|secondary|server|servers|side|site|"
        "standby|system|systems|version|versions|vm|vms|witness|workstation|workstations";

    for (size_t i = 0; i < s->nwords; i++) {
        size_t n = plain_at(s, i);

        if (n > 1) {
            i += n - 1;
            continue;
        }
        if (!word_is(s, i, "at|for|from|in|inside|into|of|on|onto|to|via|with"))
            continue;
        if (i == 0 && word_is(s, i, "at|for|from|on"))
            return true;
        for (size_t k = i + 1; k < i + 8; k++) {
            if (word_is(s, k, machines))
                return true;
            if (k >= s->nwords || s->word[k].after != 0)
                break;
        }
    }
    return false;
}

bool
has_number(const struct sentence *s)
{
    for (size_t i = 0; i < s->nwords; i++)
        if (is_number(s, i))
            return true;
    return false;
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
        (HAS_LETTERED(limits_heading, s) && !(word_is(s, 0, "how") && words_are(s, 1, "to"))))
        return false;
    return is_verb(s, i) || is_order(s, i) || first ||
        (i < s->nwords && word_len(s, i) > 5 &&
            strncmp(word_at(s, i) + word_len(s, i) - 3, "ing", 3) == 0);
}
