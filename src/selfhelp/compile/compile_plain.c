/* SPDX-License-Identifier: Apache-2.0 */
/* Words that say nothing about when, where or for whom: closed lists.
 *
 * Whatever stands beside an action has to be found here, or the action is left to a person.
 * So a single word is listed only when it limits an action in no sentence; one that does in
 * some stands in phrases that cannot ("on the affected machine"). */
#include <string.h>

#include "compile_internal.h"

/* By their first letter, since every word beside an action is asked. */
static const char *const plain[26] = {
    ['a' - 'a'] = "a|account|actions|add|adding|admin|administrative|administrator|agent|allow|"
                  "an|and|application|apply|as|automatic|automatically",
    ['b' - 'a'] = "below|both|by",
    ['c' - 'a'] =
        "change|changing|check|cmd|cmd.exe|cmdlet|command|command-line|command-prompt|commands|"
        "complete|component|components|configuration|configure|confirm|correct|counter|create|"
        "creating|current",
    ['d' - 'a'] = "daemon|daemons|data|default|delete|dependencies|directory|disable|display|"
        "dll|dlls|do|driver|drivers|dword",
    ['e' - 'a'] =
        "edit|elevated|enable|engine|enabling|ensure|enter|entries|entry|execute|executing|"
        "extension",
    ['f' - 'a'] =
        "file|files|finally|find|finish|fix|fixing|folder|follow|followed|following|follows|"
        "for|from",
    ['g' - 'a'] = "get|go",
    ['i' - 'a'] = "in|increase|install|installation|installer|installing|into|invoke|issue|it|"
        "its",
    ['k' - 'a'] = "key|keys",
    ['l' - 'a'] = "launch|libraries|library|line|lines|list|listing|locate|look",
    ['m' - 'a'] = "make|manual|manually|mask|missing|modify|module|modules|msdtc",
    ['n' - 'a'] = "name|named|navigate|new|next|now",
    ['o' - 'a'] = "of|open|opening|operation|option|output",
    ['p' - 'a'] =
        "package|packages|parameter|perform|please|powershell|powershell.exe|press|privileges|"
        "problem|program|prompt|properties|property|provider|providers|put",
    ['q' - 'a'] = "query",
    ['r' - 'a'] =
        "re-register|reboot|reg-key|reg_dword|reg_sz|register|registering|registry|reinstall|"
        "reload|remove|removing|rename|repair|repairing|reregister|reset|resolve|restart|"
        "restarting|result|results|retry|rights|root|run|running|runtime",
    ['s' - 'a'] = "section|see|service|service's|services|session|set|setting|settings|shell|"
        "show|simply|so|spooler|start|start-up|starting|startup|state|states|status|step|steps|"
        "stop|stopping|string|subkey|sudo|sure",
    ['t' - 'a'] = "terminal|that|the|their|them|then|these|this|timeout|timer|to|trigger|try|"
        "type",
    ['u' - 'a'] = "under|unit|units|unmask|unmet|unregister|up|update|updating|use|using|"
        "utility",
    ['v' - 'a'] = "value|values|verify|version|via|view|vss",
    ['w' - 'a'] = "wait|window|windows|with|writer|writers",
    ['y' - 'a'] = "your",
};

/* A token is "a|b", one of these words; "#", a number; or "~", up to three words before the
 * next token.  A ? before it says that it may be left out, which the first must not be. */
static const char *const phrases[] = {
    /* where: the machine that is looked after, a prompt on it */
    "on|in|inside|within|of|from|into|for ?inside|within ?the|your|this ?affected|impacted|"
    "failing|virtual|guest|azure|windows|linux|protected vm|vm's|machine|server|os|system",
    "on|in|of|from the|this ?affected|impacted|protected|windows computer",
    "on|in|inside|within|of|from|into ?inside|within ?a|the|your|this ?affected|windows|linux "
    "guest|guest's|vm|os",
    "at|on a|an|the ?new|separate ?elevated|administrative|administrator ?windows "
    "command|powershell|shell prompt|line|window",
    "from|in|over|through|using|via|with ?the|your ?azure ?vm|vm's|virtual ?machine|machine's "
    "serial console",
    "from the console",
    "run as administrator",
    "log|sign|login|logon|connect ?in|on ?to the|your|this ?affected|impacted|virtual|guest "
    "vm|machine|computer|server",
    "registry editor",
    "exit|quit|close ?the registry editor",
    /* why */
    "to fix|resolve|solve|correct|address|mitigate|troubleshoot ?this|the|these|that|your|an "
    "~ issue|issues|problem|problems|error|errors|failure|situation",
    "to fix|resolve|solve|correct this|it|that|them",
    "work|working around this|the|that issue|problem|error",
    "to allow more",
    "for allowing this service installation",
    "prevent ?the threads from being created for ?blob snapshots|blob-snapshots ?snapshots",
    "prevent|prevents|keep ?the threads from being created",
    "so that ?the ?snapshot threads aren't created",
    "in order to",
    "the changes ?to take effect",
    "in order for",
    "new change|changes|setting|settings|configuration|values",
    "change|changes|setting|settings|configuration|values to take|become|be effect|effective|"
    "active|applied|loaded",
    "pick|picking up ?the|its|your ?new|changed change|changes|configuration|settings",
    "apply|applying|load|loading|activate|activating ?the|your|these ?new change|changes|"
    "configuration|settings",
    "so ?that it|they starts|start ?automatically at|on|with|after ?the ?every|each ?system "
    "boot|boots|startup|reboot|system",
    "enable ?the ~ at|on|during boot|startup|boot-time",
    "do not forget to",
    "remember to",
    "don't forget to",
    "now it is|it's time to",
    "let's|let ?us",
    "fix|solution|remedy is to",
    "can be fixed|solved|resolved|corrected by",
    /* how */
    "you|we can|must|should|may|need|have|want ?also ?now ?to run|use|execute|restart|reboot|"
    "start|stop|set|do|type|enter|enable|install|change|check|see|verify|repair|fix|add|create",
    "press|pressing|hit enter|return",
    "and not #",
    "what was interrupted",
    "as follows",
    "proceed as|like follows|this",
    "typing|issuing|entering",
    "apt|apt-get|dpkg|systemctl|systemd",
    "let apt|apt-get|dpkg|yum|dnf complete|finish|fix|install|repair|resolve",
    "any missing|unmet|broken dependencies|packages",
    "log|sign in|on and",
    "log|sign in|on|into via|over|through|with ssh|rdp",
    "save ?and ?close|exit the|your|this|all ?open file|files|editor|changes|work|"
    "configuration",
    "must|should|has|needs ?now|then ?to be restarted|started|reloaded|enabled",
    "command to restart|start|stop|enable|install it|this|them is",
    "required|necessary|needed packages|package|tools|dependencies",
    "from the ?official|distribution's|standard|package repository|repositories|archive",
    "you ?will need|have ?local root|administrator|administrative|admin|sudo "
    "privileges|rights|access|permissions ?for|to ?do ?this|these|it",
    "needs|requires ?local root|administrator|administrative|admin|sudo "
    "privileges|rights|access|permissions",
    "you ?will must|need|have|should ?to be ?logged ?on|in ?as ?an|a ?the ?local root|"
    "administrator ?to ?do ?this",
    "a member of the ?local administrators group ?to ?do ?this",
    "with an account that has|is ?a|an ?member ?of ?the ?local administrator|administrators|"
    "administrative|admin ?group ?rights|privileges|permissions",
    "may|can|might|will|should take a|some|several few|minutes|seconds|time|while|"
    "moment ?minutes|seconds",
    "one by one",
    "with ?the ?following|these|your ?local ?administrative|administrator|admin|root "
    "privileges|rights|credentials|command|commands",
    "number|decimal value",
    "free ?up memory",
    "to ?automatically start|run|launch|be ?started ?automatically at|on|during|with ?the "
    "?system|machine|server ?every|each boot|boot-up|bootup|startup|start-up|reboot",
    "to ?automatically start|run|launch|be ?started ?automatically when|whenever the|your|this "
    "system|server|machine|computer|host|vm|os boots|starts|reboots|restarts",
    /* what comes of it */
    "note|see|check|look ?at ?how ?it|the ?is result|results|output",
    "note the result",
    "how it is",
    "look|check|see ?that|whether|if ?it|this|that|the ?issue|problem|error|backup ?operation|"
    "job|is|was|has ?been helped|helps|works|worked|succeeds|succeeded|resolved|fixed|gone|"
    "solved|completes|persists|continues|occurs",
    "once",
    "try|retry again",
    "short names",
    "step|steps # ?and|or|to|through ?#",
    "look at",
    "is|are running|started|stopped|installed|enabled|disabled|listed|present|missing|set|"
    "found ?up ?again ?now ?successfully ?correctly",
    "check|verify|determine|see|confirm|validate ?whether|if|that ?the ~ is|are running|"
    "started|stopped|installed|enabled|disabled|listed|present|missing",
    "over|via|by|with|using ssh|rdp",
    "log|sign on|in with|as a|an ?local|domain administrator|admin",
    "backup agent|engine|service|daemon",
    "press|pressing|hit enter|return after each|every ?one ?of ?them|line|command",
    "log|sign in|on as ?the root ?user",
    "as the root user",
    "root cause|causes",
    "apache|nginx|lighttpd ?web server",
    "web|ssh|ntp|dns|dhcp|ldap|mail|ftp|http|nfs|tftp server",
    "what you|to ?can do",
    "pressing enter after each",
    "copy|type|paste|enter this|these|the|both ?two|three ?following lines|commands|line",
    "by hand",
    "file|windows explorer",
    "what|whatever is|was missing|broken|pending",
    "let apt|apt-get|yum|dnf|dpkg pull in",
    "on the sql vm|virtual ?machine",
    "on the computer|machine|vm|server you want to back up",
    "when|after|once both|all|the ?tools|tool|commands|command|scan has|have "
    "finished|completed",
    "after|once|when the|these|both|all ?the command|commands|lines finish|finishes|complete|"
    "completes|have|has ?finished|completed ?running",
    "you can do that ?in ?the ?same ?window or with",
    "after ?you making|make|made|changing these|this|the ?registry change|changes",
    "you can try ?an|a on-demand|ad-hoc|adhoc|manual backup",
    "log analytics agent",
    "com+ ?event|system ?application|system",
    "qemu guest agent",
    "guest agent ?service",
    "azure linux|vm|guest agent",
    "linux|windows agent",
    "visual c++|studio ?2012|2013|2015|2017|2019 ?redistributable ?for ?visual ?studio ?2012|"
    "2013|2015|2017|2019",
    /* when: after what has just been done */
    "after|once|when the|this|that|your vm|machine|server|computer|restart|reboot|update|"
    "installation|service|registry|command|process|agent|commands ?is|has|was|have|comes ?been "
    "?back restarted|rebooted|completed|complete|completes|finished|finishes|done|updated|up|"
    "back|installed|running|ready|online|restarts",
    "after|once|when it|you|that restarts|starts|started|restart|reboot|finishes|comes|has "
    "?back|up|?started|finished",
    "after|once|when the restart|reboot|installation|update",
    "after|once|when completing|completed|finishing|complete|performing|following|you ?have "
    "?complete|completed|performed ?all|both ?the|these|above|this ?above ?troubleshooting "
    "steps|step",
    "after that|this|which",
    "the following ?commands ?command does|do the same",
    "run it|them|this as ?an administrator|root",
    /* what stands in many articles, word for word */
    "follow the|these steps in this section carefully",
    "this section ?method ?or ?task contains steps that tell you how to modify the registry",
    "however serious problems might|may|can occur if you modify the registry incorrectly",
    "therefore make sure that you follow these steps carefully",
    "microsoft cannot|can't|can not guarantee that ?you ?can ?these ?problems ?can ?be "
    "solve|solved ?problems ?that ?result ?from ?using ?registry ?editor ?incorrectly",
    "use|modify ?the registry ?editor at your own risk",
    "if you use ?the registry editor incorrectly you may|might cause serious problems that "
    "may|might require you to reinstall your|the operating system",
};

enum { PHRASES = sizeof(phrases) / sizeof(phrases[0]) };

bool
lettered_in(const char *const table[26], const struct list_marks *marks,
    const struct sentence *s, size_t i)
{
    const char *low, *list;

    if (i >= s->nwords || !list_marked(marks, &s->word[i]))
        return false;
    low = s->f->low + s->word[i].from;
    list = low[0] >= 'a' && low[0] <= 'z' ? table[low[0] - 'a'] : NULL;
    return list != NULL && in_list(low, word_len(s, i), list);
}

bool
is_number(const struct sentence *s, size_t i)
{
    return i < s->nwords && strspn(word_at(s, i), "0123456789") >= word_len(s, i);
}

/* One token of a phrase, [t, t + len), at word ${i}. */
static bool
token_is(const struct sentence *s, size_t i, const char *t, size_t len)
{
    const char *low;
    size_t n;

    if (i >= s->nwords)
        return false;
    if (*t == '#')
        return is_number(s, i);
    low = s->f->low + s->word[i].from;
    n = word_len(s, i);
    for (const char *end = t + len; t < end; t++) {
        size_t m = 0;

        while (m < n && t[m] == low[m])
            m++;
        if (m == n && (t + m == end || t[m] == '|'))
            return true;
        for (t += m; t < end && *t != '|'; t++)
            ;
    }
    return false;
}

/* How many words from ${i} on the phrase takes; 0: it is not there. */
static size_t
phrase_at(const struct sentence *s, size_t i, const char *phrase)
{
    size_t at = i;

    while (*phrase != '\0') {
        bool spare = *phrase == '?';
        size_t len;

        if (*phrase == '~') {
            phrase += 2;
            len = strcspn(phrase, " ");
            for (size_t k = 0; k < 3 && !token_is(s, at, phrase, len) &&
                 !word_is(s, at, "only|not|other"); k++)
                at++;
            continue;
        }
        phrase += spare;
        len = strcspn(phrase, " ");
        if (token_is(s, at, phrase, len))
            at++;
        else if (!spare)
            return 0;
        phrase += len;
        phrase += *phrase == ' ';
    }
    return at - i;
}

size_t
plain_at(const struct sentence *s, size_t i)
{
    static struct list_marks marks[PHRASES], any; /* of the phrases' first words */
    size_t best = lettered(plain, s, i) ? 1 : 0;

    if (i >= s->nwords)
        return 0;
    if (!__atomic_load_n(&any.ready, __ATOMIC_ACQUIRE)) {
        for (size_t k = 0; k < PHRASES; k++) {
            list_marks(&marks[k], phrases[k], strcspn(phrases[k], " "));
            list_marks_add(&any, &marks[k]);
        }
        __atomic_store_n(&any.ready, true, __ATOMIC_RELEASE);
    }
    if (!list_marked(&any, &s->word[i]))
        return best;
    for (size_t k = 0; k < PHRASES; k++) {
        size_t n;

        if (!list_marked(&marks[k], &s->word[i]))
            continue;
        n = phrase_at(s, i, phrases[k]);
        best = n > best ? n : best;
    }
    return best;
}
