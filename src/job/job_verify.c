/* SPDX-License-Identifier: Apache-2.0 */
/* Checking a vault or one of its points.  The vault's part reports damage and does not fail
 * for it; whether damage remains is what a job's caller wants to know, so here it does. */
#include <string.h>

#include "codes.h"
#include "job.h"

static void
tell(void *arg, uint64_t done, uint64_t total)
{
    const struct job *j = arg;
    const struct job_progress p = { .stage = "checking", .done = done, .total = total };

    if (j->progress != NULL)
        j->progress(j->arg, &p);
}

static bool
is_hit_before(const struct vault_report *r, size_t damage, size_t hit)
{
    const struct vault_key *k = &r->damaged[damage].hits[hit].point;

    for (size_t i = 0; i <= damage; i++)
        for (size_t h = 0; h < r->damaged[i].nhits && (i < damage || h < hit); h++)
            if (!r->damaged[i].repaired &&
                memcmp(&r->damaged[i].hits[h].point, k, sizeof(*k)) == 0)
                return true;
    return false;
}

struct err *
job_verify_remains(const struct vault_report *r)
{
    int64_t objects = 0, points = 0;

    for (size_t i = 0; i < r->ndamaged; i++) {
        if (r->damaged[i].repaired)
            continue;
        objects++;
        for (size_t h = 0; h < r->damaged[i].nhits; h++)
            points += !is_hit_before(r, i, h);
    }
    return objects == 0 ? NULL : fail(VaultDamaged, objects, points);
}

struct err *
job_verify(const struct job *j, const struct job_verify *o, struct vault_report **ret)
{
    struct job copy = *j;
    struct vault_check check = {
        .data = o->data, .repair = o->repair, .progress = tell, .arg = &copy
    };
    auto_ptr(vault_points) points = NULL;
    auto_ptr(vault) v = NULL;

    TRY(job_open(j, &v));
    if (o->point != NULL) {
        TRY(vault_points(v, &points));
        TRY(vault_points_find(points, o->point, &check.point));
    }
    return vault_verify(v, &check, ret);
}
