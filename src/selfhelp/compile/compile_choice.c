/* SPDX-License-Identifier: Apache-2.0 */
/* What is offered or listed, and not told to be done: one of several ways, the name of a state
 * among others, a command for each kind of system, how a thing is stopped.  And what is told in
 * one sentence to be done together: half of it is not done alone. */
#include <string.h>
#include <strings.h>

#include "compile_internal.h"

static bool
offers_choice(const struct sentence *s)
{
    size_t n = s->nwords;

    if (!sentence_ends(s, ':'))
        return false;
    return word_is(s, n - 1, "either") ||
        (n > 1 && word_is(s, n - 2, "you") && word_is(s, n - 1, "can|could|may|might")) ||
        has_phrase(s, 0, n, "one of the following") ||
        has_phrase(s, 0, n, "any of the following") ||
        has_phrase(s, 0, n, "one of these") || has_phrase(s, 0, n, "any of these");
}

/* "To stop and disable:", "To re-enable the server with systemd:": how it is done, where it is
 * wanted. */
static bool
tells_usage(const struct sentence *s)
{
    bool ends = false;

    if (s->nwords < 2 || !word_is(s, 0, "to") || !sentence_ends(s, ':'))
        return false;
    for (size_t i = 1; i < s->nwords; i++) {
        if (!word_is(s, i, "and|check|delete|disable|enable|mask|or|re-enable|reload|remove|"
                           "restart|start|stop|uninstall|unmask"))
            break;
        ends = ends || word_is(s, i, "delete|disable|mask|re-enable|remove|stop|uninstall|"
                                     "unmask");
    }
    return ends;
}

/* "Restarting kills all of them." */
static bool
tells_what_comes(const struct sentence *s)
{
    return word_is(s, 0, "rebooting|reloading|restarting|starting|stopping") &&
        word_is(s, 1, "applies|causes|closes|drops|ends|interrupts|kills|re-reads|reads|stops|"
                      "terminates");
}

void
choice_read(struct compiler *c, const struct sentence *s)
{
    bool some = sentence_ends(s, ':') && has_word(s, 0, s->nwords, "certain|some") &&
        has_word(s, 0, s->nwords, "could|may|might");

    if (scope_offers(c, s))
        around_ways(c, s);
    if (offers_choice(s) ||
        (sentence_ends(s, ':') && has_phrase(s, 0, s->nwords, "is used to")))
        around_offer(c, s);
    else if (tells_usage(s))
        around_scope(c, s, true);
    else if (c->block->kind != ARTICLE_ITEM &&
        (some || (around_introduces(c) && tells_what_comes(s))))
        around_scope(c, s, false);
}

bool
choice_in_case(const struct compiler *c, const struct sentence *s, size_t then)
{
    if (c->block->kind != ARTICLE_PARAGRAPH || c->block->level > 0)
        return false;
    if (then == SIZE_MAX) {
        for (size_t i = 1; i < s->nwords; i++)
            if (word_is(s, i, "darwin|dragonfly|freebsd|macos|netbsd|openbsd|solaris") &&
                word_is(s, i - 1, "for|in|on|under"))
                return true;
        return false;
    }
    if (!around_introduces(c) || then >= s->nwords || is_verb(s, then) || is_order(s, then))
        return false;
    for (size_t i = 0; i < then; i++)
        if (words_are(s, i, "would like to") > 0 || words_are(s, i, "want to") > 0 ||
            words_are(s, i, "wish to") > 0 ||
            (word_is(s, i, "another|different|other|separate") &&
                word_is(s, i + 1, "computer|host|machine|node|server|system|vm")))
            return true;
    return false;
}

bool
names_way(const struct sentence *s)
{
    if (word_is(s, 0, "manual|manually"))
        return s->nwords > 1 && word_is(s, 1, "build|building|configuration|install|"
                                              "installation|installing|setup");
    return s->nwords > 1 && word_is(s, 0, "by|from|through|using|via|with") &&
        word_is(s, 1 + (word_is(s, 1, "a|an|the") ? 1 : 0),
            "ansible|apt|apt-get|aptitude|binary|chef|compose|conda|docker|dnf|dpkg|git|"
            "kubernetes|package|packages|pip|podman|ppa|puppet|snap|source|sources|systemd|"
            "sysvinit|tarball|tarballs|upstart|virtualenv|yum|zypper");
}

/* How many words block ${b} begins with, up to two. */
static size_t
words_of_item(const struct compiler *c, const struct article_block *b)
{
    const unsigned char *t = c->a->bytes + b->inner.off;
    size_t n = 0;

    for (size_t i = 0; i < b->inner.len && n < 2; i++) {
        bool blank = t[i] == ' ' || t[i] == '\t' || t[i] == '\r' || t[i] == '\n';

        if (!blank && (i == 0 || t[i - 1] == ' ' || t[i - 1] == '\t' || t[i - 1] == '\n'))
            n++;
    }
    return n;
}

/* The item next to block ${b} of the same list, on the side of ${step}; NULL: there is none
 * close by. */
static const struct article_block *
item_beside(const struct compiler *c, const struct article_block *b, ptrdiff_t step)
{
    enum { BESIDE_MAX = 32 };
    const struct article_block *at = b, *end = c->a->blocks + c->a->nblocks;

    for (size_t n = 0; n < BESIDE_MAX; n++) {
        at += step;
        if (at < c->a->blocks || at >= end || at->kind == ARTICLE_HEADING ||
            (at->kind == ARTICLE_ITEM && at->level < b->level))
            return NULL;
        if (at->kind == ARTICLE_ITEM && at->level == b->level)
            return at;
    }
    return NULL;
}

bool
is_listed_name(const struct compiler *c, const struct sentence *s)
{
    const struct article_block *before, *after;

    if (c->block->kind != ARTICLE_ITEM || s->nwords != 1 || s->code ||
        words_of_item(c, c->block) != 1 ||
        !in_list(word_at(s, 0), word_len(s, 0), "reboot|restart|shutdown"))
        return false;
    before = item_beside(c, c->block, -1);
    after = item_beside(c, c->block, 1);
    return (before != NULL && words_of_item(c, before) == 1) ||
        (after != NULL && words_of_item(c, after) == 1);
}

/* Which manager of packages a line calls; 0: none. */
static unsigned
manager(const struct flat *f, size_t from, size_t to)
{
    static const char *const lists[] = { "apt|apt-get|aptitude|dpkg", "dnf|rpm|yum", "zypper",
        "pacman|yaourt", "apk", "emerge", "brew", "pkg|pkg_add", "snap", "flatpak" };
    size_t n;

    for (size_t skip = 0; skip < 3; skip++) {
        while (from < to && strchr(" #$>", f->s[from]) != NULL)
            from++;
        for (n = from; n < to && f->s[n] != ' '; n++)
            ;
        if (!in_list(f->low + from, n - from, "sudo"))
            break;
        from = n;
    }
    for (unsigned i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
        if (in_list(f->low + from, n - from, lists[i]))
            return 1U << i;
    return 0;
}

bool
has_managers(const struct flat *f)
{
    unsigned all = 0;

    for (size_t i = 0, end; i < f->len; i = end + 1) {
        for (end = i; end < f->len && f->s[end] != FLAT_HARD; end++)
            ;
        all |= manager(f, i, end);
    }
    return (all & (all - 1)) != 0;
}

/* ---- together ---- */

static bool
wants(const struct find *f, const char *want)
{
    const char *w = action_is(&f->action, "windows.service.state") ||
            action_is(&f->action, "linux.unit.state")
        ? action_get(&f->action, "want")
        : NULL;

    return w != NULL && strcmp(w, want) == 0;
}

static const char *
service_of(const struct find *f)
{
    const char *unit = action_get(&f->action, "unit");

    return unit != NULL ? unit : action_get(&f->action, "service");
}

/* A command that stops a service, and is for a person. */
static bool
stops_by_hand(const struct sentence *s, const struct find *f)
{
    return f->command && f->action.kind != NULL && f->action.kind->person &&
        (memmem(s->f->low + f->from, f->to - f->from, " stop", 5) != NULL ||
            memmem(s->f->low + f->from, f->to - f->from, "stop-service", 12) != NULL);
}

void
pair_finds(struct finds *l, const struct sentence *s)
{
    const struct find *stop = NULL;
    bool leave = false, again = has_word(s, 0, s->nwords, "again");

    for (size_t i = 0; i < l->n && !s->code; i++) {
        struct find *f = &l->find[i];

        if (wants(f, "stopped") || stops_by_hand(s, f)) {
            stop = f;
        } else if (stop != NULL && wants(f, "running")) {
            const char *a = wants(stop, "stopped") ? service_of(stop) : NULL;
            const char *b = service_of(f);

            leave = leave || a == NULL || (again && b != NULL && strcasecmp(a, b) != 0);
        }
    }
    for (size_t i = 0; i < l->n && leave; i++) {
        struct find *f = &l->find[i];

        if (!wants(f, "stopped") && !wants(f, "running"))
            continue;
        find_person(l, f, f->command ? "person.command" : "person.do", s->f->s + f->from,
            f->to - f->from);
        f->what = FIND_ACTION;
    }
}
