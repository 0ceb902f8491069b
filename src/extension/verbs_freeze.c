/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs freeze and thaw: on Linux alone.
 *
 * With --applications the watchdog goes on where freeze stopped: it has the pipes to the
 * plug-ins' hosts, since it was forked from who opened them, and lets the applications go on
 * when the file systems are thawed. */
#include <string.h>

#include "codes.h"
#include "freeze.h"
#include "number.h"
#include "package.h"
#include "quiet.h"
#include "verbs.h"

enum { THAW_S = 30 };

struct words {
    const char *mounts[FREEZE_MOUNTS_MAX + 1];
    const char *with[QUIET_PACKAGES_MAX - 1]; /* packages, behind the call's own */
    unsigned n, nwith;
    int64_t seconds;
    bool applications;
};

static struct err *
read_seconds(const char *text, int64_t most, int64_t *ret)
{
    uint64_t v;

    if (!number_parse(text, &v) || v < 1 || v > (uint64_t)most)
        return fail(UsageWrong, "--deadline is from 1 to 60 seconds");
    *ret = (int64_t)v;
    return NULL;
}

/* The options, which are no others'. */
static struct err *
read_words(struct call *c, struct words *to)
{
    for (int i = 0; i < c->nwords; i++) {
        const char *word = c->words[i];
        const char *value = i + 1 < c->nwords ? c->words[i + 1] : NULL;

        if (strcmp(word, "--json") == 0) {
            c->json = true;
            continue;
        }
        if (strcmp(word, "--applications") == 0) {
            to->applications = true;
            continue;
        }
        if (value == NULL)
            return fail(UsageWrong, word);
        i++;
        if (strcmp(word, "--deadline") == 0)
            TRY(read_seconds(value, FREEZE_MOST_S, &to->seconds));
        else if (strcmp(word, "--package") == 0)
            c->package = value;
        else if (strcmp(word, "--folder") == 0)
            c->folder = value;
        else if (strcmp(word, "--root") == 0)
            c->root = value;
        else if (strcmp(word, "--mount") == 0 && to->n < FREEZE_MOUNTS_MAX)
            to->mounts[to->n++] = value;
        else if (strcmp(word, "--with") == 0 && to->nwith < QUIET_PACKAGES_MAX - 1)
            to->with[to->nwith++] = value;
        else
            return fail(UsageWrong, word);
    }
    if (to->nwith > 0 && !to->applications)
        return fail(UsageWrong, "--with goes with --applications");
    return NULL;
}

static void
print_begun(struct call *c, const struct freeze_begun *b, int64_t seconds)
{
    struct doc_out o = { 0 };

    if (!c->json) {
        text_fmt(&c->out, "file systems held still: %u, for at most %lld s\n", b->frozen,
            (long long)seconds);
        if (b->others > 0)
            text_fmt(&c->out, "%s was frozen already, by somebody else\n", b->other);
        return;
    }
    doc_open(&o, NULL, '{');
    doc_put_int(&o, "schema", 1);
    doc_put_int(&o, "frozen", b->frozen);
    doc_put_int(&o, "others", b->others);
    doc_put_int(&o, "unable", b->unable);
    doc_put_int(&o, "deadline", seconds);
    doc_close(&o, '}');
    text_fmt(&c->out, "%s\n", o.text.s != NULL ? o.text.s : "");
    c->out.no_memory |= o.text.no_memory;
    doc_out_done(&o);
}

static void
go_on(void *arg)
{
    struct quiet *q = arg;
    struct err *e = quiet_end(q);

    e = err_also(e, quiet_passed_over(q));
    resumed_note(e); /* for who asks; a plug-in's host goes on by itself */
    err_free(e);
}

/* What the watchdog, a copy of this process, goes on with.  This process ends without giving it
 * up: that would let the applications go on. */
static struct package *left_package[QUIET_PACKAGES_MAX];
static struct quiet *volatile left_quiet;

static struct err *
add_package(const struct call *c, size_t *n)
{
    auto_free char *folder = NULL;
    auto_ptr(package) p = NULL;

    TRY(verbs_folder(c, &folder));
    TRY(package_open(folder, &p));
    TRY(package_verify(p));
    for (size_t i = 0; i < *n; i++)
        if (strcmp(left_package[i]->name, p->name) == 0) /* nothing can come to rest twice */
            return fail(UsageWrong, "--with names a package twice");
    left_package[(*n)++] = take(p);
    return NULL;
}

/* Those of the call's own package, then of each that stands behind --with.  A script that
 * failed leaves them not at rest, whatever its configuration says: the backup goes on without
 * that, where it may, and says so. */
static struct err *
applications_to_rest(const struct call *c, const struct words *w, struct quiet **ret)
{
    struct deadline by = deadline_in_ms(w->seconds * 1000);
    auto_ptr(quiet) q = NULL;
    size_t n = 0;

    TRY(resumed_forget());
    TRY(add_package(c, &n));
    for (unsigned i = 0; i < w->nwith; i++) {
        const struct call other = { .root = c->root, .package = w->with[i] };

        TRY(add_package(&other, &n));
    }
    TRY(quiet_begin(left_package, n, by, &q));
    TRY(quiet_passed_over(q));
    *ret = take(q);
    return NULL;
}

struct err *
verb_freeze(struct call *c)
{
    struct words w = { .seconds = FREEZE_DEFAULT_S };
    struct freeze_begun begun = { 0 };
    auto_ptr(quiet) q = NULL;

    TRY(read_words(c, &w));
    struct freeze_options o = { .only = w.n > 0 ? w.mounts : NULL,
        .deadline_ms = w.seconds * 1000 };
    if (w.applications) {
        TRY(applications_to_rest(c, &w, &q));
        o.thawed = go_on;
        o.arg = q;
    }
    TRY(freeze_begin(&o, &begun));
    left_quiet = take(q);
    print_begun(c, &begun, w.seconds);
    return NULL;
}

static void
print_ended(struct call *c, const struct freeze_ended *e)
{
    struct doc_out o = { 0 };

    if (!c->json) {
        text_fmt(&c->out, "file systems thawed: %u%s\n", e->thawed,
            e->rescued  ? ", which a run that was killed had left frozen"
            : e->held   ? ""
            : e->thawed ? "; not all were held until now"
                        : "");
        return;
    }
    doc_open(&o, NULL, '{');
    doc_put_int(&o, "schema", 1);
    doc_put_int(&o, "thawed", e->thawed);
    doc_put_int(&o, "lost", e->lost);
    doc_put_bool(&o, "held", e->held);
    doc_put_bool(&o, "rescued", e->rescued);
    doc_put_int(&o, "held_ns", e->held_ns);
    doc_close(&o, '}');
    text_fmt(&c->out, "%s\n", o.text.s != NULL ? o.text.s : "");
    c->out.no_memory |= o.text.no_memory;
    doc_out_done(&o);
}

struct err *
verb_thaw(struct call *c)
{
    struct words w = { .seconds = THAW_S };
    struct freeze_ended e = { 0 };

    TRY(read_words(c, &w));
    TRY(freeze_end(deadline_in_ms(w.seconds * 1000), &e));
    if (e.stuck > 0)
        return fail(GuestLeftFrozen, "this machine");
    print_ended(c, &e);
    return NULL;
}
