/* SPDX-License-Identifier: Apache-2.0 */
/* report.c -- what a check found: damages, and the ranges of disks that they cost. */
#include <string.h>

#include "codes.h"
#include "verify.h"

static void
hit_done(struct vault_hit *h)
{
    free(h->machine);
    free(h->disk);
    free(h->ranges);
}

void
vault_report_free(struct vault_report *r)
{
    if (r == NULL)
        return;
    for (size_t i = 0; i < r->ndamaged; i++) {
        struct vault_damage *d = &r->damaged[i];

        for (size_t j = 0; j < d->nhits; j++)
            hit_done(&d->hits[j]);
        free(d->hits);
        free(d->object);
        err_free(d->why);
    }
    free(r->damaged);
    err_free(r->unnoted);
    free(r);
}

static struct err *
damage_add(struct vault_report *r, const char *object, bool repaired, struct err *why,
    size_t *ret)
{
    struct vault_damage *more = realloc(r->damaged, (r->ndamaged + 1) * sizeof(*more));
    char *name = strdup(object);

    if (more != NULL)
        r->damaged = more;
    if (more == NULL || name == NULL) {
        free(name);
        err_free(why);
        return fail(OutOfMemory);
    }
    r->damaged[r->ndamaged] = (struct vault_damage){ .object = name, .repaired = repaired,
        .why = why };
    *ret = r->ndamaged++;
    return NULL;
}

struct err *
verify_damage(struct verify *f, const char *object, bool repaired, struct err *why, size_t *ret)
{
    pthread_mutex_lock(&f->lock);
    struct err *e = damage_add(f->report, object, repaired, why, ret);
    pthread_mutex_unlock(&f->lock);
    return e;
}

static struct err *
why_lost(struct verify *f, const char *object, struct err **ret)
{
    uint64_t len;
    bool found;

    TRY(store_stat(f->v->store, object, &len, &found));
    *ret = found ? fail(ObjectDamaged, object) : fail(ObjectMissing, object);
    return NULL;
}

struct err *
verify_damage_of(struct verify *f, const char *object, size_t *ret)
{
    for (size_t i = 0; i < f->report->ndamaged; i++)
        if (!f->report->damaged[i].repaired &&
            strcmp(f->report->damaged[i].object, object) == 0) {
            *ret = i;
            return NULL;
        }
    struct err *why = NULL;
    TRY(why_lost(f, object, &why));
    return verify_damage(f, object, false, why, ret);
}

static struct err *
hit_of(struct vault_damage *d, const struct vault_point *p, const struct vault_disk *disk,
    struct vault_hit **ret)
{
    struct vault_hit *more;

    for (size_t i = 0; i < d->nhits; i++)
        if (memcmp(&d->hits[i].point, &p->id, sizeof(p->id)) == 0 &&
            strcmp(d->hits[i].disk, disk->name) == 0) {
            *ret = &d->hits[i];
            return NULL;
        }
    more = realloc(d->hits, (d->nhits + 1) * sizeof(*more));
    if (more == NULL)
        return fail(OutOfMemory);
    d->hits = more;
    more[d->nhits] = (struct vault_hit){ .point = p->id, .machine = strdup(p->machine),
        .disk = strdup(disk->name) };
    *ret = &more[d->nhits++];
    return (*ret)->machine == NULL || (*ret)->disk == NULL ? fail(OutOfMemory) : NULL;
}

struct err *
verify_hit(struct verify *f, size_t at, const struct vault_point *p, const struct vault_disk *d,
    uint64_t off, uint64_t len)
{
    struct vault_hit *h = NULL;
    struct vault_range *more;

    if (off >= d->size)
        return NULL;
    if (len > d->size - off)
        len = d->size - off;
    TRY(hit_of(&f->report->damaged[at], p, d, &h));
    struct vault_range *last = h->nranges > 0 ? &h->ranges[h->nranges - 1] : NULL;
    if (last != NULL && last->off + last->len == off) {
        last->len += len;
        return NULL;
    }
    more = realloc(h->ranges, (h->nranges + 1) * sizeof(*more));
    if (more == NULL)
        return fail(OutOfMemory);
    h->ranges = more;
    h->ranges[h->nranges++] = (struct vault_range){ off, len };
    return NULL;
}
