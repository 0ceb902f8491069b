/* SPDX-License-Identifier: Apache-2.0 */
/* verify.c -- the order of a check: objects, packs, points; then what was found whole is
 * noted. */
#include <string.h>

#include "codes.h"
#include "verify.h"

static void
verify_done(struct verify *f)
{
    for (uint32_t i = 0; f->confirmed != NULL && i < f->nruns; i++)
        free(f->confirmed[i]);
    free(f->confirmed);
    free(f->pack_bad);
    free(f->pack_wanted);
    free(f->clean);
    vault_report_free(f->report);
    pthread_mutex_destroy(&f->lock);
    pthread_mutex_destroy(&f->repair_lock);
}

static struct err *
make_tables(struct verify *f)
{
    f->npacks = index_npacks(f->v->index);
    f->nruns = index_nruns(f->v->index);
    f->pack_bad = calloc(f->npacks + 1, sizeof(*f->pack_bad));
    f->confirmed = calloc(f->nruns + 1, sizeof(*f->confirmed));
    if (f->c->point != NULL)
        f->pack_wanted = calloc(f->npacks + 1, sizeof(*f->pack_wanted));
    if (f->pack_bad == NULL || f->confirmed == NULL ||
        (f->c->point != NULL && f->pack_wanted == NULL))
        return fail(OutOfMemory);
    for (uint32_t i = 0; f->c->data && i < f->nruns; i++) {
        f->confirmed[i] = calloc(1, index_entries(f->v->index, i) / 8 + 1);
        if (f->confirmed[i] == NULL)
            return fail(OutOfMemory);
    }
    return NULL;
}

static bool
is_asked(const struct verify *f, const struct vault_point *p)
{
    return f->c->point == NULL || memcmp(&f->c->point->id, &p->id, sizeof(p->id)) == 0;
}

/* A copy of a vault may be read-only, and what was found out must not be lost for that. */
static struct err *
unless_refused(struct verify *f, struct err *e, bool *notes)
{
    if (e == NULL || !err_is(e, C_store))
        return e;
    f->report->unnoted = err_also(f->report->unnoted, e);
    *notes = false;
    return NULL;
}

static struct err *
walk_points(struct verify *f, const struct vault_points *all)
{
    bool notes = f->c->data && (f->v->keys->can & VAULT_CAN_WRITE) != 0;

    for (size_t i = 0; i < all->n; i++) {
        bool whole = false;

        if (!is_asked(f, all->items[i]))
            continue;
        f->report->points++;
        TRY(verify_walk(f, all->items[i], &whole));
        if (whole && notes)
            TRY(unless_refused(f,
                points_note_verified(f->v, &all->items[i]->id, keys_now_ns()), &notes));
    }
    if (!notes)
        return NULL;
    return unless_refused(f, keys_barrier(f->v->store, "verified"), &notes);
}

static struct err *
run_verify(struct verify *f)
{
    auto_ptr(vault_points) all = NULL;

    f->report = calloc(1, sizeof(*f->report));
    if (f->report == NULL)
        return fail(OutOfMemory);
    TRY(verify_objects(f));
    TRY(vault_reopen_index(f->v));
    TRY(vault_points(f->v, &all));
    TRY(make_tables(f));
    if (f->c->point != NULL)
        TRY(verify_want(f, f->c->point));
    TRY(verify_packs(f));
    for (unsigned i = 0; i <= f->v->nlanes; i++)
        lane_forget(&f->v->lane[i]);
    return walk_points(f, all);
}

struct err *
vault_verify(struct vault *v, const struct vault_check *c, struct vault_report **ret)
{
    struct verify f = { .v = v, .c = c };

    if (c->data && v->keys->data_secret == NULL)
        return fail(KeyCannotRead);
    pthread_mutex_init(&f.lock, NULL);
    pthread_mutex_init(&f.repair_lock, NULL);
    struct err *e = run_verify(&f);
    if (e == NULL)
        *ret = take(f.report);
    verify_done(&f);
    return e;
}
