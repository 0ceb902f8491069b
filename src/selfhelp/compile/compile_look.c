/* SPDX-License-Identifier: Apache-2.0 */
/* All finders look at one sentence; what they found is put in order and judged as a whole: a
 * command in it makes the prose before it words about that command. */
#include <string.h>

#include "compile_internal.h"

bool
announces_command(const struct sentence *s, size_t from)
{
    bool command = has_word(s, from, s->nwords, "command|commands|cmdlet|script");
    bool ahead = has_word(s, from, s->nwords, "below|following|these");
    size_t last = s->nwords - 1;
    /* "Type ren A B and press ENTER": the command is there */
    bool key = s->nwords > 3 && word_is(s, 0, "enter|type") && word_is(s, last, "enter") &&
        word_is(s, last - 1, "hit|press");

    return s->nwords > 0 &&
        ((word_is(s, last, "run|execute|type|enter|command|commands|running|executing") &&
             (!key || ahead)) ||
            (command && ahead) ||
            (s->word[last].after == ':' &&
                (command ||
                    has_word(s, from, s->nwords, "run|running|execute|executing|using"))));
}

static int
by_place(const void *a, const void *b)
{
    const struct find *x = a, *y = b;

    return x->from < y->from ? -1 : x->from > y->from;
}

/* Order the finds, leave out what lies inside a command or another find, and mark "or". */
static void
arrange(struct finds *l, const struct sentence *s)
{
    qsort(l->find, l->n, sizeof(l->find[0]), by_place);
    for (size_t i = 0; i + 1 < l->n;) {
        struct find *a = &l->find[i], *b = &l->find[i + 1];

        if (b->from >= a->to)
            i++;
        else
            find_drop(l, b->command && !a->command ? i : i + 1);
    }
    for (size_t i = 1; i < l->n; i++)
        for (size_t k = 0; k < s->nwords; k++)
            if (s->word[k].from >= l->find[i - 1].to && s->word[k].to <= l->find[i].from &&
                word_is(s, k, "or"))
                l->find[i].alternative = true;
}

/* A sentence with a command: what prose says before it is about it, and a retry that stands
 * before it ("run this and retry: ...") is meant after it. */
static void
about_commands(struct finds *l, const struct sentence *s)
{
    size_t first = SIZE_MAX, last = 0;

    for (size_t i = 0; i < l->n; i++)
        if (l->find[i].command) {
            first = first == SIZE_MAX ? i : first;
            last = i;
        }
    if (first == SIZE_MAX || first == 0)
        return;
    for (size_t i = 0; i < first;) {
        struct find f = l->find[i];
        bool later = action_is(&f.action, "operation.retry") ||
            action_is(&f.action, "machine.restart");

        if (l->find[first].alternative || action_is(&f.action, "windows.installer.run")) {
            i++;
            continue;
        }
        if (!later) {
            find_drop(l, i);
        } else if (announces_command(s, 0)) {
            memmove(&l->find[i], &l->find[i + 1], (last - i) * sizeof(f));
            l->find[last] = f;
        } else {
            i++;
            continue;
        }
        first--;
        last -= !later;
    }
}

/* An unregistering alone deletes the installer service: shown, and joined when its other
 * half follows. */
static void
half_installer(struct finds *l, struct find *f, const struct flat *flat)
{
    if (f->what != FIND_UNREGISTER)
        return;
    find_person(l, f, "person.command", flat->s + f->from, f->to - f->from);
    f->command = true;
    find_note(l, f, "unregister-alone", NULL);
}

/* "Don't run X unless ...": the word before the command at ${from} forbids it. */
static bool
forbidden(const struct sentence *s, size_t from)
{
    for (size_t i = 0; i + 1 < s->nwords && s->word[i + 1].from < from; i++)
        if (word_is(s, i, "not|don't|never|avoid") &&
            word_is(s, i + 1, "apply|execute|issue|perform|run|running|try|type|use|using") &&
            (i + 2 >= s->nwords || s->word[i + 2].from >= from ||
                word_is(s, i + 2, "the|any|a|command|this")))
            return true;
    return false;
}

/* What only looks is no repair, even when the text says so. */
static void
judge(struct finds *l, const struct sentence *s)
{
    bool fix = has_word(s, 0, s->nwords, "fix|fixes|resolve|resolves|repair|repairs|solve") &&
        !has_word(s, 0, s->nwords, "check|verify|see|view|find|list|determine|identify|if");

    for (size_t i = l->n; i > 0; i--)
        if (l->find[i - 1].command && forbidden(s, l->find[i - 1].from))
            find_drop(l, i - 1);
    for (size_t i = 0; i < l->n; i++) {
        struct find *f = &l->find[i];

        half_installer(l, f, s->f);
        if (s->script && !f->action.kind->person) {
            find_person(l, f, "person.command", s->f->s + f->from, f->to - f->from);
            f->command = true;
            f->what = FIND_ACTION;
            find_note(l, f, "shell-operator", "it is part of a script or of a sample");
        }
        if (f->look && fix) {
            find_person(l, f, f->command ? "person.command" : "person.do",
                s->f->s + f->from, f->to - f->from);
            find_note(l, f, "probe-as-fix", NULL);
        }
    }
}

void
find_all(struct compiler *c, struct finds *l, const struct sentence *s)
{
    find_commands(l, s);
    if (!s->code || l->n == 0)
        find_registry(l, s);
    if (!s->code) {
        find_installer(l, s);
        find_download(l, s);
        find_service(l, s);
        find_file(l, s);
        find_setting(l, s);
        find_version(l, s);
        find_machine(l, s, c->about_backup);
        if (l->n == 0 && s->nwords > 0)
            find_person_step(l, s);
    }
    arrange(l, s);
    about_commands(l, s);
    judge(l, s);
}
