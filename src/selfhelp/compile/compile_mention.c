/* SPDX-License-Identifier: Apache-2.0 */
/* What a sentence says of the steps before it in its section: that it names what one of them
 * names, or speaks of what one of them does. */
#include <string.h>
#include <strings.h>

#include "compile_internal.h"

static bool
is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* A verb of what firn does: "don't restart the VM" speaks of a restart. */
static bool
acts(const struct sentence *s, size_t i)
{
    return has_word(s, 0, i, "not|don't|never|avoid|only|unless") &&
        word_is(s, i, "delete|disable|enable|install|reboot|rename|restart|stop") &&
        word_is(s, i + 1, "a|any|it|the|them|this|your");
}

/* Does the sentence name what step ${p} names? */
static bool
mentions(const struct sentence *s, const struct plan_step *p)
{
    for (size_t i = 0; i < s->nwords; i++) {
        size_t n = word_len(s, i);

        if (n < 3 || (plain_at(s, i) > 0 && !acts(s, i)) || (is_verb(s, i) && !acts(s, i)) ||
            word_is(s, i, "not|never|don't|are|was|has|have|had|will|can|may|you|when|which"))
            continue;
        for (const char *t = p->text; *t != '\0'; t++)
            if ((t == p->text || !is_letter(t[-1])) && strncasecmp(t, word_at(s, i), n) == 0 &&
                !is_letter(t[n]))
                return true;
    }
    return false;
}

bool
mentions_step(const struct compiler *c, const struct sentence *s)
{
    for (size_t i = c->plan->nsteps; i > 0; i--) {
        if (c->place[i - 1].section != c->around.nsection)
            return false;
        if (plan_step_runs(&c->plan->steps[i - 1]) && mentions(s, &c->plan->steps[i - 1]))
            return true;
    }
    return false;
}

bool
speaks_of(const struct compiler *c, const struct sentence *s)
{
    if (!has_word(s, 0, s->nwords, "reboot|reboots|rebooting|restart|restarts|restarting"))
        return false;
    for (size_t i = c->plan->nsteps; i > 0; i--) {
        const struct plan_step *p = &c->plan->steps[i - 1];

        if (c->place[i - 1].section != c->around.nsection)
            return false;
        if (plan_step_runs(p) && action_is(&p->action, "machine.restart"))
            return true;
    }
    return false;
}

bool
forbids(const struct compiler *c, const struct sentence *s)
{
    size_t verb = words_are(s, 0, "do not") > 0 ? 2 : 1;

    return (verb == 2 || word_is(s, 0, "don't|never|avoid")) &&
        !word_is(s, verb, "run|use|do|perform|apply|follow|continue|proceed|try|execute") &&
        !has_word(s, 0, s->nwords,
            "this|these|it|them|that|steps|procedure|above|commands|until|before|after") &&
        !mentions_step(c, s);
}
