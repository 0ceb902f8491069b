/* SPDX-License-Identifier: Apache-2.0 */
/* A list of what can be done with a service: "Start: ...", "Stop: ...", "Restart: ...".  No
 * procedure starts a service to stop it in the end, so where a text says both it tells how each
 * is done, and not to do it.  A procedure stops first. */
#include <string.h>
#include <strings.h>

#include "compile_internal.h"

/* What step ${i} does to a service: 's'tart, s't'op, 'r'estart, 'e'nable, 'd'isable; 0: nothing
 * of these. */
static char
does(const struct plan_step *s)
{
    const char *want;

    if (!plan_step_runs(s) || s->when == PLAN_ALTERNATIVE)
        return '\0';
    if (!action_is(&s->action, "linux.unit.state") &&
        !action_is(&s->action, "windows.service.state") &&
        !action_is(&s->action, "linux.unit.enabled"))
        return '\0';
    want = action_get(&s->action, "want");
    if (want == NULL)
        return '\0';
    return strcmp(want, "running") == 0 ? 's'
        : strcmp(want, "stopped") == 0  ? 't'
        : strcmp(want, "restarted") == 0 ? 'r'
        : strcmp(want, "enabled") == 0   ? 'e'
        : strcmp(want, "disabled") == 0  ? 'd'
                                         : '\0';
}

static const char *
name_of(const struct plan_step *s)
{
    const char *unit = action_get(&s->action, "unit");

    return unit != NULL ? unit : action_get(&s->action, "service");
}

/* Are both done to one service, and under the same condition? */
static bool
alike(const struct plan_step *a, const struct plan_step *b)
{
    const char *x = name_of(a), *y = name_of(b);

    return x != NULL && y != NULL && strcasecmp(x, y) == 0 && a->when == b->when &&
        strcmp(a->of, b->of) == 0 &&
        (a->when_text == NULL) == (b->when_text == NULL) &&
        (a->when_text == NULL || strcmp(a->when_text, b->when_text) == 0);
}

/* The service of step ${i} is left as it is for a person, in all that is alike. */
static void
leave_all(struct compiler *c, size_t i)
{
    struct plan_step like = c->plan->steps[i];

    for (size_t k = 0; k < c->plan->nsteps; k++)
        if (k != i && does(&c->plan->steps[k]) != '\0' && alike(&like, &c->plan->steps[k]))
            step_leave(c, &c->plan->steps[k], "alternatives", NULL);
    step_leave(c, &c->plan->steps[i], "alternatives", NULL);
}

/* Does step ${i} start or enable what a later step stops or disables, in the same section or
 * for good? */
static bool
taken_back(const struct compiler *c, size_t i)
{
    char first = does(&c->plan->steps[i]);
    size_t back = 0; /* 1 + the step that takes it back */

    if (first != 's' && first != 'e')
        return false;
    for (size_t k = i + 1; k < c->plan->nsteps; k++) {
        char now = does(&c->plan->steps[k]);

        if (now == '\0' || !alike(&c->plan->steps[i], &c->plan->steps[k]))
            continue;
        if (now == (first == 's' ? 't' : 'd')) {
            if (c->place[k].section == c->place[i].section)
                return true;
            back = k + 1;
        } else if (now == first) {
            back = 0;
        }
    }
    return back > 0;
}

/* "Start: ...  Restart: ...": a start and a restart with nothing to do between them. */
static bool
twice(const struct compiler *c, size_t i)
{
    const struct plan_step *s = &c->plan->steps[i];
    char first = does(s);
    size_t k = i + 1;

    while (k < c->plan->nsteps && action_is(&c->plan->steps[k].action, "person.do") &&
        c->plan->steps[k].text[0] != '\0' &&
        c->plan->steps[k].text[strlen(c->plan->steps[k].text) - 1] == ':')
        k++; /* only leads to what comes */
    return (first == 's' || first == 'r') && k < c->plan->nsteps &&
        does(&c->plan->steps[k]) == (first == 's' ? 'r' : 's') &&
        c->place[k].section == c->place[i].section && alike(s, &c->plan->steps[k]);
}

/* `service X start` is a command of FreeBSD too: a text that names the place of its scripts may
 * mean that, and nobody who reads "always" would know. */
static void
leave_shared(struct compiler *c)
{
    for (size_t i = 0; i < c->plan->nsteps; i++) {
        struct plan_step *s = &c->plan->steps[i];

        if (plan_step_runs(s) && s->when == PLAN_ALWAYS && does(s) != '\0')
            step_leave(c, s, "surroundings", NULL);
    }
}

void
compile_usage(struct compiler *c)
{
    if ((c->about & ABOUT_BSD) != 0)
        leave_shared(c);
    for (size_t i = 0; i < c->plan->nsteps && !c->no_memory; i++)
        if (taken_back(c, i) || twice(c, i))
            leave_all(c, i);
}
