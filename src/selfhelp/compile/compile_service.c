/* SPDX-License-Identifier: Apache-2.0 */
/* Prose about services: "restart X", "ensure that X is running", "set the startup type of X".
 * Which words name a service, a closed list says; other names must be marked as such. */
#include <string.h>

#include "compile_internal.h"

/* The service that words from ${i} on name, at most ${reach} words away; *ret_end is the word
 * after it.  "the VSS service", "service 'COM+ System Application'", "VSS (Volume Shadow
 * Copy) service". */
static const char *
service_near(const struct sentence *s, size_t i, size_t reach, size_t *ret_at, size_t *ret_end)
{
    for (size_t k = i; k < s->nwords && k <= i + reach; k++) {
        size_t n = 0;
        const char *name = service_at(s, k, &n);

        if (name != NULL) {
            *ret_at = k;
            *ret_end = k + n;
            return name;
        }
        if (s->word[k].after != 0 && strchr(".;:,", s->word[k].after) != NULL)
            return NULL;
        if (!word_is(s, k, "the|a|windows|service|services|called|named|of|microsoft|that|"
                           "following|your"))
            return NULL;
    }
    return NULL;
}

/* A name of one word that stands next to "service": in code or bold, or quoted. */
static size_t
marked_service(const struct sentence *s, size_t i, size_t reach)
{
    for (size_t k = i; k < s->nwords && k <= i + reach; k++) {
        const struct word *w = &s->word[k];
        bool quoted = w->before == '\'' || w->before == '"';
        bool code = (w->mark & FLAT_CODE) != 0, bold = (w->mark & FLAT_BOLD) != 0;
        const char *t = word_at(s, k);
        size_t len = word_len(s, k);

        if ((code || bold || quoted) && !name_is_generic(t, len) &&
            (word_is(s, k + 1, "service") || (k > i && word_is(s, k - 1, "service"))) &&
            memchr(t, ' ', len) == NULL && memchr(t, '\\', len) == NULL &&
            memchr(t, '.', len) == NULL && typographic(t, len) == NULL)
            /* a part of a longer bold name is none */
            return bold && !code && w->from > 0 && (s->f->mark[w->from - 1] & FLAT_BOLD) != 0
                ? SIZE_MAX
                : k;
        if (!word_is(s, k, "the|a|windows|service|called|named"))
            return SIZE_MAX;
    }
    return SIZE_MAX;
}

static void
service_is(struct finds *l, const struct sentence *s, size_t from, size_t to,
    const char *name, const char *want, bool look)
{
    bool unit = service_is_linux(name) ||
        (s->about == ABOUT_LINUX && service_known(name, strlen(name)) == NULL);
    bool start = strlen(want) == 1; /* "2", "3", "4" */
    const char *kind, *subject = unit ? "unit" : "service", *param = "want";
    struct find *f;

    if ((strcmp(want, "stopped") == 0 || want[0] == '4') &&
        service_protects(name, strlen(name)))
        return;
    if (unit && start)
        return;
    if (look) {
        kind = unit ? "linux.unit.is" : "windows.service.is";
        param = start ? "start" : "state";
        if (unit)
            want = strcmp(want, "running") == 0 ? "active" : "inactive";
    } else {
        kind = unit ? "linux.unit.state"
            : start ? "windows.service.start_type"
                    : "windows.service.state";
    }
    f = find_words(l, s, from, to, kind);
    if (f == NULL)
        return;
    find_put(l, f, subject, name, strlen(name));
    find_put(l, f, param, want, strlen(want));
    f->look = look;
}

/* "restart X": verb, service. */
static void
service_verb(struct finds *l, const struct sentence *s, size_t i)
{
    const char *want = word_is(s, i, "restart") ? "restarted"
        : word_is(s, i, "start")                ? "running"
        : word_is(s, i, "stop")                 ? "stopped"
                                                : NULL;
    auto_free char *own = NULL;
    const char *name;
    size_t at, end, k;

    if (want == NULL || !is_imperative(s, i))
        return;
    name = service_near(s, i + 1, 4, &at, &end);
    if (name == NULL) {
        k = marked_service(s, i + 1, 3);
        if (k == SIZE_MAX || (s->about != ABOUT_WINDOWS && s->about != ABOUT_LINUX))
            return; /* a name that no list has: of which system? */
        own = strndup(word_at(s, k), word_len(s, k));
        if (own == NULL) {
            l->no_memory = true;
            return;
        }
        name = own;
        at = k;
        end = k + 1;
    } else if (s->word[at].before != '\'' && s->word[at].before != '"' && end == at + 1 &&
        (s->word[at].mark & (FLAT_CODE | FLAT_BOLD)) == 0 &&
        !has_word(s, at > 2 ? at - 2 : 0, end + 5, "service|services") &&
        !word_is(s, at, "vss|msdtc|msiserver|waagent|walinuxagent|comsysapp|netlogon"))
        return; /* a short word that means other things too */
    /* "restart the VSS writers" is another thing */
    if (word_is(s, end, "writer|writers|provider|providers|agents|on|snapshot|backup") &&
        !word_is(s, end, "on"))
        return;
    /* "and then" at the end of the list: "stop and start the X service" */
    while (end < s->nwords && word_is(s, end, "service|services"))
        end++;
    service_is(l, s, i, end, name, want, false);
}

/* "ensure that X is running", "verify the service X is started". */
static void
service_assert(struct finds *l, const struct sentence *s, size_t i)
{
    bool look = word_is(s, i, "verify|check|confirm|validate|see|determine");
    size_t k = i + 1, at, end;
    const char *name, *want = NULL;

    if (!look && !word_is(s, i, "ensure|make"))
        return;
    if (!is_imperative(s, i) || (word_is(s, i, "make") && !word_is(s, k, "sure")))
        return;
    while (word_is(s, k, "sure|that|if|whether|the|your"))
        k++;
    name = service_near(s, k, 3, &at, &end);
    if (name == NULL)
        return;
    while (word_is(s, end, "service|services|windows|on|the|vm|virtual|machine"))
        end++;
    if (!word_is(s, end, "is|are") || word_is(s, end + 1, "not"))
        return;
    end++;
    while (word_is(s, end, "up|and|in|a|the|present|installed|set|to|started|enabled,")) {
        if (word_is(s, end, "started"))
            want = "running";
        end++;
    }
    if (word_is(s, end, "running") && !word_is(s, end + 1, "as|under|with"))
        want = "running";
    else if (word_is(s, end, "stopped"))
        want = "stopped";
    else if (word_is(s, end, "automatic"))
        want = "2";
    else if (word_is(s, end, "disabled"))
        want = "4";
    else if (word_is(s, end, "manual"))
        want = "3";
    else if (want == NULL)
        return;
    service_is(l, s, i, end < s->nwords ? end + 1 : end, name, want, look);
}

/* "set the startup type of X to Automatic". */
static void
service_start_type(struct finds *l, const struct sentence *s, size_t i)
{
    const char *name = NULL, *want = NULL;
    size_t at = 0, end = 0;

    if (!word_is(s, i, "set|change") || !is_imperative(s, i) ||
        !(has_phrase(s, i, i + 12, "startup type") || has_phrase(s, i, i + 12, "start type") ||
            has_phrase(s, i, i + 12, "start-up type")))
        return;
    for (size_t k = i; name == NULL && k < s->nwords && k < i + 12; k++) {
        size_t n = 0;

        name = service_at(s, k, &n);
        at = k;
        end = k + n;
    }
    for (size_t k = i; want == NULL && k + 1 < s->nwords; k++)
        if (word_is(s, k, "to|as")) {
            want = word_is(s, k + 1, "automatic|auto") ? "2"
                : word_is(s, k + 1, "manual|demand")   ? "3"
                : word_is(s, k + 1, "disabled")        ? "4"
                                                       : NULL;
            end = k + 2 > end ? k + 2 : end;
        }
    if (name != NULL && want != NULL && at > i)
        service_is(l, s, i, end, name, want, false);
}

void
find_service(struct finds *l, const struct sentence *s)
{
    if (!has_word(s, 0, s->nwords,
            "restart|start|stop|ensure|make|verify|check|confirm|validate|set|change") ||
        done_by_hand(s))
        return;
    for (size_t i = 0; i < s->nwords; i++) {
        if (word_is(s, i, "restart|start|stop"))
            service_verb(l, s, i);
        else if (word_is(s, i, "ensure|make|verify|check|confirm|validate"))
            service_assert(l, s, i);
        else if (word_is(s, i, "set|change"))
            service_start_type(l, s, i);
    }
}
