/* SPDX-License-Identifier: Apache-2.0 */
/* What is left for a person: a link to follow, a download, and any instruction that no form
 * covers. */
#include <string.h>
#include <strings.h>

#include "compile_internal.h"

static const struct flat_link *
link_in(const struct sentence *s)
{
    for (size_t i = 0; i < s->f->nlinks; i++)
        if (s->f->link[i].from >= s->from && s->f->link[i].from < s->to &&
            (strncasecmp(s->f->link[i].address, "http", 4) == 0 ||
                strncasecmp(s->f->link[i].address, "mailto:", 7) == 0))
            return &s->f->link[i];
    return NULL;
}

void
find_download(struct finds *l, const struct sentence *s)
{
    for (size_t i = 0; i < s->nwords; i++) {
        struct find *f;

        if (!word_is(s, i, "download") || !is_imperative(s, i))
            continue;
        for (size_t k = 0; k < s->f->nlinks; k++) {
            const struct flat_link *link = &s->f->link[k];

            if (link->from < s->word[i].from || link->from >= s->to)
                continue;
            f = find_new(l, s->word[i].from, link->to, "person.download");
            if (f != NULL)
                find_person(l, f, "person.download", link->address, strlen(link->address));
            return;
        }
    }
}

/* "Right-click X, point to New, and then click Y to create the following entry:" does more than
 * to lead to a list. */
static bool
makes_by_hand(const struct sentence *s)
{
    return has_word(s, 0, s->nwords, "click|double-click|point|right-click|select") &&
        has_word(s, 0, s->nwords, "add|create|delete|modify|new|remove|rename");
}

/* What is left: an instruction that no form covers.  A sentence that only leads to a list
 * ("perform the steps below:") is none. */
void
find_person_step(struct finds *l, const struct sentence *s)
{
    static const char changes[] = "change|comment|copy|delete|edit|modify|move|remove|rename";
    const struct flat_link *link = link_in(s);
    bool download = has_word(s, 0, s->nwords, "download|downloads");
    size_t verb = SIZE_MAX;
    struct find *f;
    long first, last;

    for (size_t i = 0; verb == SIZE_MAX && i < s->nwords; i++)
        if (is_verb(s, i) && is_imperative(s, i))
            verb = i;
    if (verb == SIZE_MAX && is_order(s, 0))
        verb = 0;
    if (link == NULL && verb == SIZE_MAX)
        return;
    if (link == NULL && !(verb != SIZE_MAX && word_is(s, verb, changes)) &&
        !makes_by_hand(s) &&
        (s->word[s->nwords - 1].after == ':' ||
            has_word(s, 0, s->nwords, "below|following")) &&
        has_word(s, 0, s->nwords,
            "step|steps|below|following|resolve|perform|instructions|actions|command|commands"))
        return;
    if (link == NULL && word_is(s, 0, "note|we|you|it|this"))
        return;
    if (link == NULL && labels_named(s, 0, s->nwords, &first, &last) && s->nwords < 14 &&
        has_word(s, 0, s->nwords, "perform|follow|complete|do|try"))
        return; /* "perform Step 1" */
    if (link != NULL && verb == SIZE_MAX && link->to - link->from < (s->to - s->from) / 2)
        return; /* a reference in passing */
    f = find_new(l, s->from, s->to, "person.do");
    if (f == NULL)
        return;
    if (link != NULL) {
        find_person(l, f, download ? "person.download" : "person.open", link->address,
            strlen(link->address));
        return;
    }
    find_person(l, f, "person.do", s->f->s + s->from, s->to - s->from);
    if (done_by_hand(s) ||
        has_word(s, 0, s->nwords, "regedit|regedit.exe|gpedit.msc|services.msc"))
        find_note(l, f, "ui-launcher", NULL);
    if (has_word(s, 0, s->nwords, "delete|uninstall|remove|erase|format|drop"))
        find_note(l, f, "destroys", NULL);
    if (has_word(s, 0, s->nwords, "disable|disabled|off|stop") &&
        has_word(s, 0, s->nwords, "antivirus|anti-virus|firewall|defender|uac|selinux|policy"))
        find_note(l, f, "disables-security", NULL);
}
