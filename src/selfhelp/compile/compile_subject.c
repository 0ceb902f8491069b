/* SPDX-License-Identifier: Apache-2.0 */
/* Is a section about a failure at all?  What tells how something is set up or built is right
 * for those who want that, and no remedy: "Install the packages" below "Install and configure
 * components" repairs nothing.
 *
 * A section is about a set-up when a heading above it begins as those of manuals do, and
 * neither these headings nor the text before the first of them speak of anything that went
 * wrong.  Articles with the header of self-help are always about a failure. */
#include <string.h>
#include <strings.h>

#include "compile_internal.h"

enum { INTRODUCTION_BYTES = 2048 };

/* First words of headings. */
static const char setups[] =
    "build|building|compile|compiling|configuration|configure|configuring|contributing|"
    "customizing|deploy|deploying|deployment|development|documentation|finalize|getting|"
    "install|installation|installing|integrating|introduction|migrating|migration|optional|"
    "overview|packages|prepackaged|prerequisites|quickstart|readme|reference|releases|"
    "requirements|setup|tuning|tutorial|uninstalling|upgrade|upgrading|usage|walkthrough";

static const char troubles[] =
    "blank|block|blocked|blocks|broken|bug|cannot|can't|cause|causes|corrupt|corrupted|"
    "corruption|crash|crashed|crashes|crashing|degraded|denied|doesn't|don't|error|errors|"
    "event|exception|expired|fail|failed|failing|fails|failure|failures|fix|fixing|freeze|"
    "freezes|full|hang|hanging|hangs|high|incorrect|inconsistent|interrupted|invalid|isn't|"
    "issue|issues|keeps|known|leak|loses|loss|lost|missing|mitigate|mitigation|never|no|not|"
    "outage|problem|problems|recover|recovering|recovery|refused|rejected|repair|repairing|"
    "reset|resetting|resolution|resolve|resolving|restore|restoring|slow|solution|solve|"
    "stale|stop|stopped|stops|stuck|symptom|symptoms|timeout|timeouts|troubleshoot|"
    "troubleshooting|unable|unavailable|unexpected|unexpectedly|unreachable|unresponsive|"
    "unresolved|won't|workaround|wrong";

/* The next word of [*s, end): letters and what stands within words; NULL at the end. */
static const char *
next_word(const char **s, const char *end, size_t *ret_len)
{
    const char *from;

    while (*s < end && !((**s | 32) >= 'a' && (**s | 32) <= 'z'))
        ++*s;
    from = *s;
    while (*s < end && (((**s | 32) >= 'a' && (**s | 32) <= 'z') || **s == '\''))
        ++*s;
    *ret_len = (size_t)(*s - from);
    return *s > from ? from : NULL;
}

static bool
speaks_of_trouble(const char *s, size_t len)
{
    const char *end = s + len, *word;
    size_t n;

    while ((word = next_word(&s, end, &n)) != NULL)
        if (in_list(word, n, troubles))
            return true;
    return false;
}

static bool
begins_setup(const char *title)
{
    const char *end = title + strlen(title), *word;
    size_t n;

    word = next_word(&title, end, &n);
    if (word != NULL && in_list(word, n, "set|setting")) { /* "set up" */
        word = next_word(&title, end, &n);
        return word != NULL && in_list(word, n, "up");
    }
    return word != NULL && in_list(word, n, setups);
}

/* Does what stands before the second heading speak of something that went wrong? */
static bool
introduces_trouble(const struct article *a)
{
    size_t left = INTRODUCTION_BYTES;

    for (size_t i = 0; i < a->nblocks && a->blocks[i].section < 2; i++) {
        struct article_span s = a->blocks[i].inner;
        enum article_kind kind = a->blocks[i].kind;

        if (kind != ARTICLE_PARAGRAPH && kind != ARTICLE_HEADING && kind != ARTICLE_QUOTE)
            continue;
        if (s.len > left)
            return false;
        if (speaks_of_trouble((const char *)a->bytes + s.off, s.len))
            return true;
        left -= s.len;
    }
    return false;
}

/* Do the headings above section ${i}, itself included, tell of a set-up and of no trouble? */
static bool
is_setup(const struct article *a, size_t i)
{
    bool setup = false;
    unsigned level = 7;

    for (size_t k = i + 1; k > 0; k--) {
        const struct article_section *s = &a->sections[k - 1];

        if (s->title == NULL || s->level >= level)
            continue;
        level = s->level;
        if (speaks_of_trouble(s->title, strlen(s->title)))
            return false;
        setup = setup || begins_setup(s->title);
    }
    return setup;
}

void
compile_subject(struct compiler *c)
{
    const struct article *a = c->a;
    size_t section = 0, last = SIZE_MAX;
    bool setup = false;

    if (a->has_header || a->nsections < 2 || introduces_trouble(a))
        return;
    for (size_t i = 0, b = 0; i < c->plan->nsteps; i++) {
        struct plan_step *s = &c->plan->steps[i];

        if (b < a->nblocks && a->blocks[b].span.off > s->span.off)
            b = 0; /* a step that waited for a later one */
        while (b + 1 < a->nblocks && a->blocks[b + 1].span.off <= s->span.off)
            b++;
        section = a->blocks[b].section;
        if (section != last)
            setup = is_setup(a, section);
        last = section;
        if (setup && plan_step_runs(s))
            step_leave(c, s, "no-remedy", NULL);
    }
}
