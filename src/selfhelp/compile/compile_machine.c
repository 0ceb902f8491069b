/* SPDX-License-Identifier: Apache-2.0 */
/* Prose about the machine and the operation: restart it, wait, try the backup again. */
#include <stdio.h>
#include <string.h>

#include "compile_internal.h"
#include "number.h"

/* Does the object of the verb end before word ${k}, or is it the first part of a longer name
 * ("the virtual machine management service")? */
static bool
object_ends(const struct sentence *s, size_t k)
{
    return k >= s->nwords || s->word[k - 1].after != 0 ||
        word_is(s, k,
            "and|or|then|to|once|twice|again|if|when|after|for|before|in|so|from|by|using|with|"
            "now|as|manually|during|which|until|on|at|because|since|is|first|immediately");
}

static void
restart(struct finds *l, const struct sentence *s, size_t i)
{
    bool reboot = word_is(s, i, "reboot");
    size_t k = i + 1;
    struct find *f;

    if (!is_imperative(s, i) || done_by_hand(s) ||
        words_are(s, i + 1, "your computer") > 0 ||
        (i > 0 && word_is(s, i - 1, "next|a|the|every|each|of|another")))
        return;
    while (word_is(s, k, "the|your|this|impacted|affected|guest|azure|protected|source|windows|"
                         "linux|host|target|problem"))
        k++;
    if (words_are(s, k, "virtual machine"))
        k += 2;
    else if (word_is(s, k, "vm|machine|computer|system") || (reboot && word_is(s, k, "server")))
        k++;
    else if (k > i + 1 && word_is(s, k - 1, "guest") && object_ends(s, k))
        ;
    else if (!reboot || k > i + 1)
        return;
    if (!object_ends(s, k) || word_is(s, k - 1, "vms|machines"))
        return;
    f = find_words(l, s, i, k, "machine.restart");
    if (f != NULL &&
        (has_phrase(s, k, s->nwords, "scheduled downtime") ||
            has_phrase(s, k, s->nwords, "maintenance window")))
        find_note(l, f, "maintenance-window", NULL);
}

/* "five": 5; 0: it is no such word. */
static uint64_t
spelled(const struct sentence *s, size_t i)
{
    static const struct {
        const char *word;
        uint64_t n;
    } words[] = { { "one", 1 }, { "two", 2 }, { "three", 3 }, { "four", 4 }, { "five", 5 },
        { "six", 6 }, { "seven", 7 }, { "eight", 8 }, { "nine", 9 }, { "ten", 10 },
        { "fifteen", 15 }, { "twenty", 20 }, { "thirty", 30 }, { "sixty", 60 } };

    for (size_t k = 0; k < sizeof(words) / sizeof(words[0]); k++)
        if (text_equal(word_at(s, i), word_len(s, i), words[k].word))
            return words[k].n;
    return 0;
}

static void
wait_some(struct finds *l, const struct sentence *s, size_t i)
{
    uint64_t n = 0, unit;
    size_t k = i + 1;
    char seconds[24];
    auto_free char *count = NULL;
    struct find *f;

    if (!is_imperative(s, i) || has_word(s, i, s->nwords, "between|call|contact"))
        return;
    while (word_is(s, k, "for|about|approximately|at|least|around|another|a|few"))
        k++;
    if (k + 1 >= s->nwords || has_word(s, i, k, "few"))
        return;
    count = strndup(word_at(s, k), word_len(s, k));
    if (count == NULL) {
        l->no_memory = true;
        return;
    }
    if (!number_parse(count, &n))
        n = spelled(s, k);
    if (n == 0)
        return;
    unit = word_is(s, k + 1, "second|seconds|sec")                ? 1
        : word_is(s, k + 1, "minute|minutes|min|mins")            ? 60
        : word_is(s, k + 1, "hour|hours")                         ? 3600
                                                                  : 0;
    if (unit == 0 || n > 3600 || n * unit > 3600)
        return; /* longer than anybody would let a program wait */
    f = find_words(l, s, i, k + 2, "machine.wait");
    if (f == NULL)
        return;
    snprintf(seconds, sizeof(seconds), "%llu", (unsigned long long)(n * unit));
    find_put(l, f, "seconds", seconds, strlen(seconds));
}

/* "retry the backup operation", "trigger a manual backup", "try again". */
static void
retry(struct finds *l, const struct sentence *s, size_t i, bool about_backup)
{
    bool strong = word_is(s, i, "retry|re-try|rerun|re-run|retrigger|re-trigger");
    bool start = word_is(s, i, "trigger|triggered|start|run|perform|initiate|try");
    bool backup = false, object = false;
    size_t k = i + 1;

    if (has_phrase(s, 0, i, "wait until") || has_phrase(s, 0, i, "wait till") ||
        (has_word(s, i, s->nwords, "after|in") &&
            has_word(s, i, s->nwords, "minute|minutes|hour|hours")))
        return; /* not at once */
    if ((!strong && !start) ||
        !(is_imperative(s, i) || (word_is(s, i, "triggered") && i == 0)))
        return;
    while (k < s->nwords && (s->word[k - 1].after == 0 || s->word[k - 1].after == '"')) {
        if (word_is(s, k, "backup|backups|snapshot"))
            backup = true;
        else if (word_is(s, k, "operation|job|again") &&
            (strong || backup || word_is(s, i, "try")))
            object = true;
        else if (!word_is(s, k, "the|your|a|an|this|same|failed|vm|manual|ad-hoc|adhoc|"
                                "on-demand|new|another|first"))
            break;
        k++;
    }
    /* anything else makes another thing of it: "the backup engine", "the backup schedule" */
    bool ends = k >= s->nwords || s->word[k].before == '(' ||
                (s->word[k - 1].after != 0 && s->word[k - 1].after != '"');
    if (!ends && !word_is(s, k, "after|again|and|as|at|because|before|but|by|for|from|if|"
                                "immediately|in|manually|now|of|on|once|only|or|since|so|then|"
                                "through|to|until|using|via|when|while|with|without"))
        return;
    if (!ends && word_is(s, k, "to") && !object)
        return;
    if (!backup && !(object && about_backup) &&
        !(strong && about_backup && (k >= s->nwords || s->word[k - 1].after != 0)))
        return;
    if (word_is(s, i, "try") && !object)
        return;
    if (has_word(s, i, k, "restore|protection|replication"))
        return;
    (void)find_words(l, s, i, k, "operation.retry");
}

void
find_machine(struct finds *l, const struct sentence *s, bool about_backup)
{
    for (size_t i = 0; i < s->nwords; i++) {
        if (word_is(s, i, "reboot|restart"))
            restart(l, s, i);
        else if (word_is(s, i, "wait"))
            wait_some(l, s, i);
        else
            retry(l, s, i, about_backup);
    }
}
