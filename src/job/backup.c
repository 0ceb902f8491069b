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
#include "cure.h"
#include "job_connect.h"
#include "job_guest.h"
#include "job_machine.h"
#include "job_vm.h"
#include "stage.h"
#include "stop.h"
#include "store_patient.h"

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
        .parent = parent, .compression = b->o->compression, .gentle = b->o->gentle };
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
    TRY((b->o->gentle ? pool_new_gentle : pool_new)(vault_lanes(b->v) - 1, &b->pool));
    for (unsigned left = BACKUP_RETRIES;; left--) {
        struct err *e = try_once(b, disks, ndisks, ret);

        if (e == NULL || left == 0 || !err_is(e, C_vault_conflict) || stop_requested())
            return e;
        err_free(e);
        if (b->o->patient != NULL)
            store_patient_begin(b->o->patient);
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

/* What was opened; names stay. */
static void
close_disks(struct disks *d)
{
    for (size_t i = 0; i < d->n; i++) {
        source_free(d->d[i].source);
        err_free(d->d[i].broke);
        rest_done(&d->rest[i]);
        d->d[i] = (struct backup_disk){ .name = d->d[i].name, .spec = d->d[i].spec };
        d->rest[i] = (struct rest){ 0 };
    }
    vault_points_free(take(d->points));
}

static void
disks_done(struct disks *d)
{
    close_disks(d);
    for (size_t i = 0; i < d->n; i++)
        free(d->d[i].name);
    free(d->d);
    free(d->rest);
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

/* One backup of disks that no machine uses, as stages. */
struct resting {
    const struct job *j;
    const struct job_backup *o;
    struct stages stages;
    struct disks d;
    struct vault *v;
    const char *machine;
    struct vault_point *point;
    bool begun; /* the disks were read, or begun to be */
};

static struct err *
open_disks(struct resting *r)
{
    struct rest_options options = { .lanes = vault_lanes(r->v) - 1, .format = r->o->format,
        .bitmap = r->o->bitmap, .reread = r->o->reread };

    TRY(vault_points(r->v, &r->d.points));
    options.parent = vault_points_newest(r->d.points, r->machine);
    for (size_t i = 0; i < r->d.n; i++)
        TRY(rest_open(&r->d.rest[i], &options, &r->d.d[i]));
    return NULL;
}

static struct err *
ask_guest(void *arg)
{
    struct resting *r = arg;

    chain_facts_done(&r->d.facts); /* of a try before this one */
    return job_guest_prepare(r->j, r->o->guest, r->machine, &r->d.facts);
}

static struct err *
open_and_read(struct resting *r)
{
    const struct job *j = r->j;
    struct backup_options options = { .machine = r->machine, .changed = r->o->changed,
        .reread = r->o->reread, .audit_percent = r->o->audit_percent,
        .compression = r->o->compression, .facts = r->d.facts.f, .nfacts = r->d.facts.n,
        .progress = j->progress, .warn = j->warn, .arg = j->arg };
    struct err *e = open_disks(r);

    /* a server that was there a moment ago counts as lost, not as one that never was */
    if (r->begun && err_code(e) == E_NbdUnreachable)
        e = err_because(fail(SourceVanished, r->machine, INT64_C(0), INT64_C(0)), e);
    TRY(e);
    r->begun = true;
    options.points = r->d.points;
    options.patient = r->stages.patient;
    return backup_run(r->v, r->d.d, r->d.n, &options, &r->point);
}

/* A disk is open while it is read: what failed is opened anew. */
static struct err *
read_disks(void *arg)
{
    struct resting *r = arg;
    struct err *e = open_and_read(r);

    close_disks(&r->d);
    return e;
}

static struct err *
backup(struct resting *r)
{
    TRY(name_disks(r->o, &r->d));
    r->machine = r->o->machine != NULL ? r->o->machine : r->d.d[0].name;
    TRY(stage_open(&r->stages, &r->v));
    if ((vault_can(r->v) & VAULT_CAN_WRITE) == 0)
        return fail(KeyCannotWrite);
    if (r->o->guest != NULL) {
        const struct cure ask = { .stages = &r->stages, .allowed = r->o->cure,
            .target = r->o->guest, .stage = ask_guest, .arg = r, .facts = &r->d.facts };

        TRY(cure_run(&ask));
    }
    return stage_run(&r->stages, read_disks, r);
}

static struct err *
back_up_resting(const struct job *j, const struct job_backup *o, struct vault_point **ret)
{
    struct resting r = { .j = j, .o = o };

    stages_init(&r.stages, j);
    struct err *e = backup(&r);
    if (e == NULL)
        *ret = take(r.point);
    disks_done(&r.d);
    vault_free(r.v);
    stages_done(&r.stages);
    return e;
}

static struct err *
back_up(const struct job *j, const struct job_backup *o, struct vault_point **ret)
{
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
                                "machine, qmp:SOCKET or vm:NAME");
    if (o->connect != NULL && (o->guest == NULL || !job_connect_is(o->guest)))
        return fail(UsageWrong, "--connect says which libvirt has a machine: it goes with "
                                "vm:NAME");
    if (o->cure != NULL && o->guest == NULL)
        return fail(UsageWrong, "--cure repairs a guest: name it with --guest qga:SOCKET");
    return back_up_resting(j, o, ret);
}

/* A guest is one word from here on, with the libvirt that has it. */
struct err *
job_backup(const struct job *j, const struct job_backup *o, struct vault_point **ret)
{
    struct job_backup with = *o;
    auto_free char *guest = NULL;

    if (o->guest != NULL && job_connect_is(o->guest)) {
        TRY(job_connect(o->guest, o->connect, &guest));
        with.guest = guest;
    }
    return back_up(j, &with, ret);
}
