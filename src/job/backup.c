/* SPDX-License-Identifier: Apache-2.0 */
/* backup.c -- from what the user named to a listed point.
 *
 * Sources are opened by this thread, which outlives them: the kernel ends the programs that
 * serve images with the thread that started them. */
#include <assert.h>
#include <string.h>

#include "backup_internal.h"
#include "backup_rest.h"
#include "codes.h"
#include "job_guest.h"
#include "job_machine.h"
#include "job_vm.h"
#include "stop.h"

/* ---- one backup ---- */

static void
note_base(struct backup *b, const struct vault_point *parent)
{
    if (b->base_known)
        return;
    b->base_known = true;
    b->has_base = parent != NULL;
    if (parent != NULL)
        b->base = parent->id;
}

static void
tell_commit(const struct backup *b, struct vault_writer *w)
{
    struct job_progress p = { .stage = "writing" };
    uint64_t stored;

    if (b->o->progress == NULL)
        return;
    vault_writer_stats(w, &p.fresh, &stored);
    b->o->progress(b->o->arg, &p);
}

static struct err *
try_once(struct backup *b, struct backup_disk *disks, size_t ndisks, struct vault_point **ret)
{
    auto_ptr(vault_points) fresh = NULL;
    auto_ptr(vault_writer) w = NULL; /* goes before the points that it borrows */
    const struct vault_points *points = b->again ? NULL : b->o->points;

    b->again = true;
    if (points == NULL) {
        TRY(vault_points(b->v, &fresh));
        points = fresh;
    }
    const struct vault_point *parent = vault_points_newest(points, b->o->machine);
    struct vault_backup begin = { .machine = b->o->machine, .consistency = VAULT_CRASH,
        .parent = parent };
    if (b->o->consistency != 0)
        begin.consistency = b->o->consistency;
    note_base(b, parent);
    b->read_bytes = 0;
    TRY(vault_backup_begin(b->v, &begin, &w));
    for (size_t i = 0; i < b->o->nfacts; i++)
        TRY(vault_backup_fact(w, b->o->facts[i].name, b->o->facts[i].value));
    for (size_t i = 0; i < ndisks; i++)
        TRY(backup_one(b, w, parent, &disks[i], i));
    for (size_t i = 0; i < b->o->nasides; i++)
        TRY(backup_aside(b, w, &b->o->asides[i]));
    TRY(stop_check());
    tell_commit(b, w);
    TRY(vault_backup_commit(w, b->read_bytes, ret));
    return NULL;
}

static struct err *
run(struct backup *b, struct backup_disk *disks, size_t ndisks, struct vault_point **ret)
{
    TRY(pool_new(vault_lanes(b->v) - 1, &b->pool));
    for (unsigned left = BACKUP_RETRIES;; left--) {
        struct err *e = try_once(b, disks, ndisks, ret);

        if (e == NULL || left == 0 || !err_is(e, C_vault_conflict) || stop_requested())
            return e;
        err_free(e);
    }
}

struct err *
backup_run(struct vault *v, struct backup_disk *disks, size_t ndisks,
    const struct backup_options *o, struct vault_point **ret)
{
    struct backup b = { .v = v, .o = o };

    assert(vault_lanes(v) >= 2 && ndisks >= 1 && ndisks + o->nasides <= VAULT_DISKS_MAX);
    for (unsigned i = 0; i < SOURCE_LANES_MAX; i++)
        pthread_mutex_init(&b.lane_lock[i], NULL);
    struct err *e = run(&b, disks, ndisks, ret);
    pool_free(b.pool);
    changed_free(b.changed);
    for (unsigned i = 0; i < POOL_WORKERS_MAX; i++)
        free(b.buf[i]);
    for (unsigned i = 0; i < SOURCE_LANES_MAX; i++)
        pthread_mutex_destroy(&b.lane_lock[i]);
    return e;
}

/* ---- what job.h offers ---- */

struct disks {
    struct backup_disk *d;
    struct rest *rest;           /* what each of them borrows */
    size_t n;
    struct vault_points *points; /* read where a bitmap may go by the newest */
    struct chain_facts facts;    /* of the point */
};

static void
disks_done(struct disks *d)
{
    for (size_t i = 0; i < d->n; i++) {
        source_free(d->d[i].source);
        err_free(d->d[i].broke);
        rest_done(&d->rest[i]);
        free(d->d[i].name);
    }
    free(d->d);
    free(d->rest);
    vault_points_free(d->points);
    chain_facts_done(&d->facts);
}

static struct err *
name_disks(const struct job_backup *o, struct disks *d)
{
    if (o->nsources == 0 || o->nsources > VAULT_DISKS_MAX)
        return fail(UsageWrong, "a recovery point has 1 to 256 disks");
    if (o->changed != NULL && o->bitmap != NULL)
        return fail(UsageWrong, "--changed and --bitmap both say what changed: give one");
    if (o->changed != NULL && o->nsources > 1)
        return fail(UsageWrong, "a list of changed blocks belongs to one disk: name one only");
    d->d = calloc(o->nsources, sizeof(*d->d));
    d->rest = calloc(o->nsources, sizeof(*d->rest));
    if (d->d == NULL || d->rest == NULL)
        return fail(OutOfMemory);
    for (; d->n < o->nsources; d->n++) {
        struct backup_disk *disk = &d->d[d->n];

        TRY(backup_name(o->sources[d->n], &disk->name, &disk->spec));
        for (size_t i = 0; i < d->n; i++)
            if (strcmp(d->d[i].name, disk->name) == 0) {
                free(take(disk->name));
                return fail(UsageWrong,
                    "two disks have the same name; give them others: NAME=SOURCE");
            }
    }
    return NULL;
}

static struct err *
open_disks(const struct job_backup *o, struct vault *v, const char *machine, struct disks *d)
{
    struct rest_options options = { .lanes = vault_lanes(v) - 1, .format = o->format,
        .bitmap = o->bitmap, .reread = o->reread };

    TRY(vault_points(v, &d->points));
    options.parent = vault_points_newest(d->points, machine);
    for (size_t i = 0; i < d->n; i++)
        TRY(rest_open(&d->rest[i], &options, &d->d[i]));
    return NULL;
}

static struct err *
backup(const struct job *j, const struct job_backup *o, struct disks *d,
    struct vault_point **ret)
{
    auto_ptr(vault) v = NULL;
    struct backup_options options = { .changed = o->changed, .reread = o->reread,
        .audit_percent = o->audit_percent, .progress = j->progress, .warn = j->warn,
        .arg = j->arg };

    TRY(name_disks(o, d));
    TRY(job_open(j, &v));
    if ((vault_can(v) & VAULT_CAN_WRITE) == 0)
        return fail(KeyCannotWrite);
    options.machine = o->machine != NULL ? o->machine : d->d[0].name;
    if (o->guest != NULL)
        TRY(job_guest_prepare(j, o->guest, options.machine, &d->facts));
    options.facts = d->facts.f;
    options.nfacts = d->facts.n;
    TRY(open_disks(o, v, options.machine, d));
    options.points = d->points;
    return backup_run(v, d->d, d->n, &options, ret);
}

struct err *
job_backup(const struct job *j, const struct job_backup *o, struct vault_point **ret)
{
    struct disks d = { 0 };

    for (size_t i = 0; i < o->nsources; i++)
        if (job_machine_is(o->sources[i])) {
            if (o->bitmap != NULL)
                return fail(UsageWrong, "--bitmap is for images and NBD servers; in a running "
                                        "machine firn keeps bitmaps of its own");
            return job_vm_backup(j, o, ret);
        }
    if (o->disks != NULL || o->except_disks != NULL || o->scratch != NULL ||
        o->consistency != NULL)
        return fail(UsageWrong, "--disk, --exclude-disk, --scratch and --consistency are for a "
                                "running machine, qmp:SOCKET");
    struct err *e = backup(j, o, &d, ret);

    disks_done(&d);
    return e;
}
