/* SPDX-License-Identifier: Apache-2.0 */
/* Is everything that a sentence says accounted for?  Each word has to belong to an action that
 * was found in it, to a condition that was read, or to the closed lists of words that limit
 * nothing (compile_plain.c).  A word that is left over may say when, where or for whom; the
 * whole sentence is for a person then.  So what firn does not know keeps it from acting, and
 * never makes it act. */
#include <string.h>
#include <strings.h>

#include "compile_internal.h"

/* What may stand within an action that was found in prose, beside its parameters. */
static const struct {
    const char *kind, *words;
} within[] = {
    { "windows.registry.", "=|->|>|=>|as|at|be|decimal|equals|has|is|reg_qword|to|under" },
    { "override.", "=|->|>|=>|as|at|be|decimal|equals|has|is|to|under" },
    { "windows.service.",
        "be|called|disabled|enabled|is|microsoft|present|running|started|stopped|to|under" },
    { "linux.unit.", "called|is|running|started|stopped" },
    { "machine.restart",
        "affected|azure|computer|guest|impacted|machine|protected|server|system|virtual|vm" },
    { "machine.wait", "about|approximately|around|at|hour|hours|least|min|mins|minute|minutes|"
                      "sec|second|seconds|one|two|three|four|five|six|seven|eight|nine|ten|"
                    "fifteen|twenty|thirty|sixty" },
    { "operation.", "ad-hoc|adhoc|again|backup|backups|failed|full|job|on-demand|re-run|"
                    "re-trigger|re-try|rerun|retrigger|same|snapshot|triggered|vm" },
    { "version.", "above|at|azure|greater|has|higher|installed|is|later|least|newer|or" },
    { "config.", "decimal|under" },
    { "file.", "as|copy" },
};

/* The find that word ${w} belongs to.  What was left to a person accounts for nothing, but for
 * a command or a link that was read as one. */
static const struct find *
find_over(const struct finds *l, const struct word *w)
{
    for (size_t i = 0; i < l->n; i++)
        if (w->from < l->find[i].to && w->to > l->find[i].from &&
            !action_is(&l->find[i].action, "person.do"))
            return &l->find[i];
    return NULL;
}

/* Is the word a part of what the action says?  Short ones only when they are all of it. */
static bool
is_param(const struct sentence *s, size_t i, const struct find *f)
{
    char *word = NULL;
    bool is = false;

    if (f->action.kind == NULL || f->action.kind->person)
        return false;
    for (size_t k = 0; k < ACTION_PARAMS_MAX && !is; k++) {
        const char *v = f->action.value[k];

        if (v == NULL)
            continue;
        is = text_equal(word_at(s, i), word_len(s, i), v);
        if (is || word_len(s, i) < 4)
            continue;
        if (word == NULL)
            word = strndup(word_at(s, i), word_len(s, i));
        is = word != NULL && strcasestr(v, word) != NULL;
    }
    free(word);
    return is;
}

/* KEY=VALUE of a setting. */
static bool
is_pair(const struct sentence *s, size_t i, const struct find *f)
{
    bool setting = action_is(&f->action, "config.set");
    const char *key = setting ? action_get(&f->action, "key") : NULL;
    size_t n = key != NULL ? strlen(key) : 0;

    return n > 0 && word_len(s, i) > n && strncasecmp(word_at(s, i), key, n) == 0 &&
        memchr(word_at(s, i) + n, '=', word_len(s, i) - n) != NULL;
}

static bool
is_place_of_data(const struct sentence *s, size_t i)
{
    const char *low = s->f->low + s->word[i].from;
    size_t n = word_len(s, i);

    return (n > 2 && low[1] == ':' && low[2] == '\\') || (n > 1 && low[0] == '/') ||
        strncmp(low, "hkey", 4) == 0 || strncmp(low, "hklm", 4) == 0 || low[0] == '[';
}

/* "the Windows Time service", "the **Acme Agent** service": a name in capitals. */
static size_t
named_service(const struct sentence *s, size_t i)
{
    size_t k = i + 1;

    if (!word_is(s, i, "the|service|daemon"))
        return 0;
    while (k < s->nwords && k < i + 8 && !word_is(s, k, "service|services|daemon") &&
        s->word[k - 1].after == 0 &&
        ((word_at(s, k)[0] >= 'A' && word_at(s, k)[0] <= 'Z') ||
            (s->word[k].mark & (FLAT_CODE | FLAT_BOLD)) != 0))
        k++;
    return k > i + 1 && word_is(s, k, "service|services|daemon") ? k + 1 - i : 0;
}

/* "Start Docker:", "(`vmicvss`)": a name that is the last word before a mark. */
static bool
is_name(const struct sentence *s, size_t i)
{
    const char *t = word_at(s, i);

    if (i == 0 || memchr(t, ' ', word_len(s, i)) != NULL)
        return false;
    if ((s->word[i].mark & FLAT_CODE) != 0)
        return s->word[i - 1].after == '(';
    return t[0] >= 'A' && t[0] <= 'Z' && s->word[i - 1].after == 0 && s->word[i].after != 0 &&
        strchr(":.", s->word[i].after) != NULL &&
        word_is(s, i - 1, "start|stop|restart|reload|enable|query");
}

static bool
within_find(const struct sentence *s, size_t i, const struct find *f)
{
    if (f->command || f->action.kind == NULL || f->action.kind->person ||
        f->what != FIND_ACTION || is_param(s, i, f) || is_place_of_data(s, i) ||
        is_pair(s, i, f))
        return true;
    for (size_t k = 0; k < sizeof(within) / sizeof(within[0]); k++)
        if (strncmp(f->action.kind->name, within[k].kind, strlen(within[k].kind)) == 0 &&
            in_list(word_at(s, i), word_len(s, i), within[k].words))
            return true;
    return is_number(s, i) && action_is(&f->action, "machine.wait");
}

/* A word outside of all finds that belongs to one: a name or a value that its command has. */
static bool
of_a_find(const struct sentence *s, size_t i, const struct finds *l)
{
    if (word_is(s, i, "or|alternatively|alternately"))
        return i == 0 || l->n > 1;
    if (word_is(s, i, "again"))
        return !word_is(s, 0, "to"); /* "to enable it again" takes something back */
    if (is_name(s, i))
        return true;
    for (size_t k = 0; k < l->n; k++)
        if (word_is(s, i, "azure|portal|portal.azure.com") &&
            action_is(&l->find[k].action, "operation.retry"))
            return true;
    for (size_t k = 0; k < l->n; k++)
        if (is_param(s, i, &l->find[k]) || is_pair(s, i, &l->find[k]) ||
            (is_place_of_data(s, i) && !l->find[k].command))
            return true;
    return false;
}

/* Verbs that do nothing by themselves, or only look. */
static bool
does_nothing(const struct sentence *s, size_t i)
{
    return word_is(s, i,
        "run|execute|type|enter|use|open|launch|try|make|ensure|go|perform|follow|please|issue|"
        "log|press|see|check|verify|confirm|look|note|do|navigate|locate|find|edit|browse|view|"
        "apply|invoke|list");
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

/* "Restart the agent: COMMAND": the verb before the colon tells what the command does. */
static bool
names_command(const struct sentence *s, size_t i, const struct finds *l)
{
    for (; i + 1 < s->nwords; i++)
        if (s->word[i].after == ':')
            return find_over(l, &s->word[i + 1]) != NULL;
    return false;
}

static bool
any_read(const struct finds *l)
{
    for (size_t i = 0; i < l->n; i++)
        if (!action_is(&l->find[i].action, "person.do"))
            return true;
    return false;
}

/* An instruction whose clause has no find: done without it, the rest is half of what is
 * meant.  Where nothing was found at all the sentence leads to what follows. */
static bool
half(const struct sentence *s, size_t i, const struct finds *l)
{
    size_t end;

    if (!any_read(l) || !is_verb(s, i) || !is_imperative(s, i) || does_nothing(s, i) ||
        find_over(l, &s->word[i]) != NULL || names_command(s, i, l))
        return false;
    end = clause_end(s, i);
    for (size_t k = i; k < end && k < s->nwords; k++)
        if (find_over(l, &s->word[k]) != NULL)
            return false;
    return true;
}

/* How many words from ${i} on, up to the next find, are known to limit nothing. */
static size_t
words_at(const struct sentence *s, size_t i, const struct finds *l)
{
    size_t n = named_service(s, i), m = 0;

    n = n > 0 ? n : plain_at(s, i);
    (void)service_at(s, i, &m);
    n = m > n ? m : n;
    m = clause_at(s, i);
    n = m > n ? m : n;
    for (size_t k = 1; k < n; k++)
        if (find_over(l, &s->word[i + k]) != NULL)
            return k;
    return n;
}

static size_t
inside(const struct sentence *s, size_t i)
{
    size_t n = plain_at(s, i), m = 0;

    (void)service_at(s, i, &m);
    return m > n ? m : n;
}

/* "Run COMMAND and look for writers that are not stable": what to look at in what a look
 * shows, from word ${i} on. */
static bool
looks_on(const struct sentence *s, size_t i, const struct finds *l)
{
    for (size_t k = 0; k < l->n; k++)
        if ((!l->find[k].look && !action_is(&l->find[k].action, "machine.wait")) ||
            l->find[k].from >= s->word[i].from)
            return false;
    /* "COMMAND - all should be stable" */
    if (l->n > 0 && word_is(s, i, "-|\xe2\x80\x93|\xe2\x80\x94"))
        return word_is(s, i + 1, "all|no|each|every|there|it|they|the") &&
            has_word(s, i, s->nwords, "should|must") &&
            !has_word(s, i, s->nwords, "if|unless|only|when|then|on|before|after|restart|stop");
    return l->n > 0 && (word_is(s, i, "and") || (i > 0 && word_is(s, i, "then"))) &&
        (word_is(s, i + 1, "look|check|verify|note|confirm|see|search|find|identify|review") ||
            words_are(s, i + 1, "make sure") > 0) &&
        !has_word(s, i, s->nwords, "if|unless|only|when|then|on|before|after|restart|stop");
}

/* "Use COMMAND to have it start at boot": behind all actions, what they are for. */
static bool
purpose_behind(const struct sentence *s, size_t i, const struct finds *l)
{
    for (size_t k = 0; k < l->n; k++)
        if (l->find[k].to > s->word[i].from)
            return false;
    if (l->n == 0 || s->word[i - 1].after != 0 ||
        !(word_is(s, i, "to") ||
            (word_is(s, i, "for") && has_word(s, i + 2, s->nwords, "to"))))
        return false;
    return (word_is(s, i, "for") ||
               word_is(s, i + 1,
                   "activate|allow|apply|avoid|bring|check|clear|complete|confirm|ensure|fix|"
                   "force|free|get|have|keep|let|load|make|pick|prevent|refresh|release|reload|"
                   "see|start|verify")) &&
        !has_word(s, i, s->nwords,
            "only|unless|except|if|when|whenever|until|before|after|instead|otherwise|and|then|"
            "or|on|temporarily|again|back|while|each|every|other|another|not|machines|servers|"
            "nodes|hosts|clients|computers") &&
        !has_word(s, i, s->nwords, "restart|stop|reboot");
}

/* "Run COMMAND, or use **Restart** in the portal": the same by hand. */
static bool
or_by_hand(const struct sentence *s, size_t i, const struct finds *l)
{
    struct sentence rest = *s;

    rest.word += i;
    rest.nwords -= i;
    if (l->n == 0 || l->find[l->n - 1].to > s->word[i].from || !l->find[l->n - 1].command)
        return false;
    return word_is(s, i, "or") &&
        word_is(s, i + 1, "use|select|click|choose|press|start|stop|restart|reboot") &&
        done_by_hand(&rest) && !sets_place(&rest) &&
        !has_word(s, i, s->nwords, "if|unless|only|when|then|before|after|instead|not");
}

size_t
unaccounted(const struct sentence *s, const struct finds *l, size_t to)
{
    for (size_t i = 0; i < to && i < s->nwords;) {
        const struct find *f = find_over(l, &s->word[i]);
        size_t n;

        if (looks_on(s, i, l) || purpose_behind(s, i, l) || or_by_hand(s, i, l))
            return SIZE_MAX;
        if (half(s, i, l))
            return i;
        n = f == NULL ? words_at(s, i, l) : inside(s, i);
        if (n == 0 && i == 0 && word_is(s, 0, "first"))
            n = 1; /* of steps in their order, which the plan keeps */
        if (n == 0 && f != NULL ? within_find(s, i, f) : n == 0 && of_a_find(s, i, l))
            n = 1;
        if (n == 0)
            return i;
        i += n;
    }
    return SIZE_MAX;
}
