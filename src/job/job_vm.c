/* SPDX-License-Identifier: Apache-2.0 */
/* job_vm.c -- a running machine, from its monitor to a listed point.
 *
 * The vault is opened first, and a passphrase asked for, so that nothing waits for a person
 * once the machine has been touched.  However the copy ends, the machine is left as it was
 * found: what could not be taken out of it is a warning when the point is there, and goes
 * beside the failure when it is not. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "backup.h"
#include "backup_rest.h"
#include "chain_look.h"
#include "codes.h"
#include "cure.h"
#include "definition.h"
#include "job_connect.h"
#include "job_guest.h"
#include "job_internal.h"
#include "job_machine.h"
#include "job_vm.h"
#include "moment.h"
#include "source.h"
#include "stop.h"

struct vm_backup {
    const struct job *j;
    const struct job_backup *o;
    struct job_machine machine;
    struct running *r; /* of it */
    const char *name;  /* of its points */
    bool found;        /* it was open before */
    bool held;         /* its disks stand still */
    const char *guest; /* its agent as firn doctor's TARGET; NULL: none */
    char *named;       /* that, when --guest does not say it */
    struct stages stages;
    struct vault *v;
    struct vault_points *points;
    const struct vault_point *parent; /* of the points; NULL: none */
    struct backup_disk *disks;
    struct chains *chains; /* what each disk borrows */
    size_t ndisks;
    struct definition definition;
    struct chain_facts asked; /* of the point: what the guest said before */
    struct moment moment;
    struct vault_point *point;
};

struct chains {
    struct chain then, keep;
    struct rest rest; /* of a machine that is off */
};

/* ---- what was asked for ---- */

static struct err *
check_usage(const struct job_backup *o)
{
    if (o->nsources != 1)
        return fail(UsageWrong, "a running machine is a recovery point of its own: give it as "
                                "the only SOURCE");
    if (o->changed != NULL)
        return fail(UsageWrong, "--changed lists the blocks of a file or a device; a running "
                                "machine knows itself what changed");
    if (o->format != NULL)
        return fail(UsageWrong, "--format is for files; a running machine knows the formats of "
                                "its disks");
    return NULL;
}

/* ---- the copy ---- */

/* Who takes turns in backing up a machine are told apart by vault and name: each has bitmaps
 * of its own.  (The second half is FNV-1a of the name.) */
static void
make_tag(const struct vault *v, const char *machine, char tag[RUNNING_TAG_MAX + 1])
{
    char vault[2 * VAULT_KEY_LEN + 1];
    uint32_t hash = UINT32_C(2166136261);

    vault_key_hex(vault_key(v), vault);
    for (; *machine != '\0'; machine++)
        hash = (hash ^ (uint8_t)*machine) * UINT32_C(16777619);
    snprintf(tag, RUNNING_TAG_MAX + 1, "%.8s%08" PRIx32, vault, hash);
}

static struct err *
look(const struct vm_backup *b, const struct running_disk *d, struct chain *ret)
{
    pid_t qemu = running_process(b->r);

    TRY(chain_look_image(d->image, ret));
    if (qemu != 0)
        TRY(chain_look_process(qemu, ret));
    TRY(chain_look_host(ret));
    return NULL;
}

/* May the bitmap be believed that the newest point keeps?  Then *ret_bitmap is its name. */
static struct err *
judge(const struct vm_backup *b, const struct running_disk *d, struct chains *c,
    struct backup_disk *to, const char **ret_bitmap)
{
    const struct vault_disk *of = vault_point_disk(b->parent, d->name);
    struct chain_now now = { .is = c->keep, .size = d->size };

    if (of == NULL || b->o->reread)
        return NULL;
    TRY(chain_read(of, &c->then));
    if (c->then.bitmap == NULL)
        return NULL;
    const struct running_bitmap *is = running_disk_bitmap(d, c->then.bitmap);
    if (is != NULL) {
        now.found = now.checkpoint_found = true;
        now.inconsistent = is->inconsistent;
        now.stopped = !is->recording;
        now.is.granularity = is->granularity;
    }
    enum chain_event event = chain_judge(&c->then, of->size, &now);
    to->broke = chain_broke(event, d->name, &c->then, &now);
    if (event != CHAIN_HOLDS)
        return NULL;
    to->since = &b->parent->id;
    to->then = &c->then;
    *ret_bitmap = c->then.bitmap;
    return NULL;
}

/* What the new point keeps of the disk. */
static struct err *
keep(const struct vm_backup *b, const struct running_disk *d, struct chains *c,
    struct backup_disk *to)
{
    if (!d->begun)
        return NULL;
    c->keep.bitmap = strdup(running_track_name(b->r));
    if (c->keep.bitmap == NULL)
        return fail(OutOfMemory);
    if (b->r->checkpoints) {
        c->keep.checkpoint = strdup(c->keep.bitmap);
        if (c->keep.checkpoint == NULL)
            return fail(OutOfMemory);
    }
    c->keep.persistent = d->persistent;
    c->keep.granularity = d->granularity;
    to->chain = &c->keep;
    return NULL;
}

/* Before the moment: what is to be read of the disk, and what the point will keep of it. */
static struct err *
plan_disk(struct vm_backup *b, size_t i)
{
    const struct running_disk *from = running_disk(b->r, i);
    struct backup_disk *to = &b->disks[i];
    const char *bitmap = NULL;

    to->spec = b->r->off ? from->image : from->device;
    to->name = strdup(from->name);
    if (to->name == NULL)
        return fail(OutOfMemory);
    TRY(definition_name_disk(&(struct definition_names){ from->node, from->drive, from->file },
        &to->about));
    if (b->r->off)
        return NULL;
    TRY(look(b, from, &b->chains[i].keep));
    TRY(judge(b, from, &b->chains[i], to, &bitmap));
    TRY(keep(b, from, &b->chains[i], to));
    running_since(b->r, i, bitmap);
    return NULL;
}

static struct err *
plan_disks(struct vm_backup *b)
{
    size_t n = running_ndisks(b->r);

    b->disks = calloc(n, sizeof(*b->disks));
    b->chains = calloc(n, sizeof(*b->chains));
    if (b->disks == NULL || b->chains == NULL)
        return fail(OutOfMemory);
    b->ndisks = n;
    for (size_t i = 0; i < n; i++)
        TRY(plan_disk(b, i));
    return NULL;
}

/* Of a machine that is off: its image, as any that nobody uses. */
static struct err *
open_image(struct vm_backup *b, size_t i, unsigned lanes)
{
    const struct rest_options o = { .lanes = lanes, .format = running_disk(b->r, i)->format,
        .parent = b->parent, .reread = b->o->reread };
    struct rest *rest = &b->chains[i].rest;

    rest_done(rest); /* of a try before this one */
    *rest = (struct rest){ 0 };
    err_free(take(b->disks[i].broke));
    return rest_open(rest, &o, &b->disks[i]);
}

static struct err *
open_disk(struct vm_backup *b, size_t i, unsigned lanes)
{
    struct backup_disk *d = &b->disks[i];

    TRY(running_source(b->r, i, lanes, &d->source));
    struct err *untold = running_untold(b->r, i);
    if (untold != NULL)
        d->broke = err_because(fail(ChangesUntold, d->name), untold);
    return NULL;
}

static struct err *
open_disks(struct vm_backup *b)
{
    unsigned lanes = vault_lanes(b->v) - 1;

    for (size_t i = 0; i < b->ndisks; i++)
        TRY(b->r->off ? open_image(b, i, lanes) : open_disk(b, i, lanes));
    return NULL;
}

static void
close_sources(struct vm_backup *b)
{
    for (size_t i = 0; i < b->ndisks; i++)
        source_free(take(b->disks[i].source));
}

static void
close_disks(struct vm_backup *b)
{
    close_sources(b);
    for (size_t i = 0; i < b->ndisks; i++) {
        err_free(b->disks[i].broke);
        free(b->disks[i].name);
        chain_facts_done(&b->disks[i].about);
        chain_done(&b->chains[i].then);
        chain_done(&b->chains[i].keep);
        rest_done(&b->chains[i].rest);
    }
    free(take(b->disks));
    free(take(b->chains));
    b->ndisks = 0;
}

static void
warn(void *arg, struct err *warning)
{
    const struct vm_backup *b = arg;

    job_warn(b->j, warning);
}

/* All disks, and what the firmware keeps while the guest is held. */
static struct err *
cut(void *arg, struct deadline by)
{
    struct vm_backup *b = arg;

    TRY(running_cut(b->r, by));
    return definition_of_firmware(&b->definition, b->r, by);
}

static struct moment_options
moment_of(struct vm_backup *b)
{
    return (struct moment_options){ .agent = b->machine.agent, .machine = b->name,
        .levels = b->o->consistency, .cut = cut, .warn = warn, .arg = b };
}

static struct err *
hold_still(struct vm_backup *b)
{
    const struct moment_options o = moment_of(b);

    TRY(moment_hold(&o, &b->moment));
    if (b->moment.weaker != NULL)
        warn(b, take(b->moment.weaker));
    return NULL;
}

static struct err *
read_once(struct vm_backup *b)
{
    const struct job *j = b->j;
    const struct backup_options options = { .machine = b->name, .reread = b->o->reread,
        .audit_percent = b->o->audit_percent, .consistency = b->moment.level,
        .facts = b->moment.facts.f, .nfacts = b->moment.facts.n,
        .asides = b->definition.parts, .nasides = b->definition.nparts,
        .patient = b->stages.patient, .compression = b->o->compression, .gentle = true,
        .progress = j->progress, .warn = j->warn, .arg = j->arg };

    TRY(open_disks(b));
    return backup_run(b->v, b->disks, b->ndisks, &options, &b->point);
}

/* As long as the machine keeps the moment, what failed after it is tried again from there: the
 * guest is not frozen anew.  A failure of the machine itself (class vm) means that it does
 * not. */
static struct err *
read_disks(struct vm_backup *b)
{
    struct err *e;

    for (size_t i = 0; i < b->asked.n; i++)
        TRY(chain_facts_add(&b->moment.facts, b->asked.f[i].name, b->asked.f[i].value));
    while ((e = read_once(b)) != NULL) {
        e = running_why(b->r, e);
        close_sources(b);
        if (err_is(e, C_vm))
            return e;
        TRY(stage_again(&b->stages, e));
    }
    return NULL;
}

static struct err *
hold(struct vm_backup *b)
{
    char tag[RUNNING_TAG_MAX + 1];

    make_tag(b->v, b->name, tag);
    TRY(running_prepare(b->r));
    TRY(running_track(b->r, tag));
    TRY(plan_disks(b));
    TRY(definition_of(&b->definition, b->r, b->name));
    TRY(hold_still(b));
    TRY(definition_close(&b->definition, b->disks, b->ndisks, &b->moment.facts));
    for (size_t i = 0; i < b->definition.nmissing; i++)
        warn(b, take(b->definition.missing[i]));
    return NULL;
}

/* The point is there, or ${e}; either way the machine gets everything back. */
static struct err *
leave(struct vm_backup *b, struct err *e)
{
    struct err *left = NULL;

    if (e == NULL && b->point != NULL)
        left = running_keep(b->r);
    b->held = false;
    close_disks(b);
    left = err_also(left, running_close(b->r));
    running_free(take(b->machine.r));
    b->r = NULL;
    if (e != NULL && b->moment.stuck != NULL) /* then nothing is tried again */
        e = err_also(take(b->moment.stuck), e);
    if (left == NULL || e != NULL)
        return err_also(e, left);
    warn(b, left);
    return NULL;
}

/* Read the disks and leave the machine.  What became of its applications after the moment is
 * asked then, when nothing waits for a post-script, and is a warning: the point is good
 * whatever it is. */
static struct err *
read_and_leave(struct vm_backup *b)
{
    auto_free char *name = strdup(b->name); /* it may be the machine's, which is closed */
    struct moment_options o = moment_of(b);
    struct err *e, *after;

    if (name == NULL)
        return leave(b, fail(OutOfMemory));
    o.machine = name;
    e = leave(b, read_disks(b));
    if (err_is(e, C_vm)) /* of a machine that is gone nothing goes on */
        return e;
    after = moment_resumed(&o, &b->moment);
    if (after != NULL)
        warn(b, after);
    return e;
}

/* ---- stages ---- */

static struct err *
name_guest(struct vm_backup *b)
{
    b->guest = b->o->guest;
    if (b->guest == NULL && b->machine.agent != NULL) {
        const char *scheme = job_connect_is(b->machine.agent) ? "" : "qga:";

        if (asprintf(&b->named, "%s%s", scheme, b->machine.agent) < 0) {
            b->named = NULL;
            return fail(OutOfMemory);
        }
        b->guest = b->named;
    }
    if (b->guest == NULL && b->o->cure != NULL)
        return fail(UsageWrong, "--cure repairs a guest: name its agent, "
                                "qmp:SOCKET,qga=SOCKET, or --guest");
    return NULL;
}

static struct err *
open_machine(void *arg)
{
    struct vm_backup *b = arg;

    if (b->r == NULL) {
        struct err *e = job_machine_open(b->o, &b->machine);

        /* a machine that was there a moment ago has ended, and may be started again */
        if (b->found && err_code(e) == E_QmpUnreachable)
            e = err_because(fail(VmGone, b->machine.monitor), e);
        TRY(e);
    }
    b->r = b->machine.r;
    b->found = true;
    return job_machine_name(b->o, &b->machine, &b->name);
}

static struct err *
ask_guest(void *arg)
{
    struct vm_backup *b = arg;

    chain_facts_done(&b->asked); /* of a try before this one */
    return job_guest_prepare(b->j, b->guest, b->name, &b->asked);
}

/* From the machine as it is found to the moment; what fails leaves it as it was. */
static struct err *
hold_machine(void *arg)
{
    struct vm_backup *b = arg;
    struct err *e;

    if (b->held) /* a cure tries it again although it worked */
        TRY(leave(b, NULL));
    TRY(open_machine(b));
    moment_done(&b->moment);
    definition_done(&b->definition);
    vault_points_free(take(b->points));
    TRY(vault_points(b->v, &b->points));
    b->parent = vault_points_newest(b->points, b->name);
    e = hold(b);
    b->held = e == NULL;
    return e != NULL ? leave(b, e) : NULL;
}

/* A guest that is to be cured is asked before the machine is touched, as with --guest.  What
 * is found wrong and stays so is no failure where a weaker point will do: the freeze window
 * says what the point became. */
static struct err *
prepare_guest(struct vm_backup *b)
{
    const struct cure ask = { .stages = &b->stages, .allowed = b->o->cure,
        .target = b->guest, .stage = ask_guest, .arg = b, .facts = &b->asked };
    struct err *e = cure_run(&ask);

    if (e == NULL || b->o->guest != NULL || stop_requested())
        return e;
    err_free(e);
    return NULL;
}

/* The moment may be lost while its disks are read: then from the machine anew. */
static struct err *
make_point(struct vm_backup *b)
{
    const struct cure hold = { .stages = &b->stages, .allowed = b->o->cure,
        .target = b->guest, .stage = hold_machine, .arg = b, .facts = &b->asked };
    struct err *e;

    for (;;) {
        e = cure_run(&hold);
        if (e != NULL && b->held)
            e = leave(b, e);
        TRY(e);
        e = read_and_leave(b);
        if (e == NULL)
            return NULL;
        TRY(stage_again(&b->stages, e));
    }
}

static struct err *
run(struct vm_backup *b)
{
    TRY(check_usage(b->o));
    TRY(job_machine_parse(b->o, &b->machine));
    TRY(stage_open(&b->stages, &b->v));
    if ((vault_can(b->v) & VAULT_CAN_WRITE) == 0)
        return fail(KeyCannotWrite);
    TRY(stage_run(&b->stages, open_machine, b));
    TRY(name_guest(b));
    if (b->o->guest != NULL ||
        (b->o->cure != NULL && moment_allows(b->o->consistency, VAULT_APPLICATION)))
        TRY(prepare_guest(b));
    return make_point(b);
}

struct err *
job_vm_backup(const struct job *j, const struct job_backup *o, struct vault_point **ret)
{
    struct vm_backup b = { .j = j, .o = o };

    stages_init(&b.stages, j);
    struct err *e = run(&b);
    if (e == NULL) /* a guest that may be frozen still is a failure, with the point listed */
        e = take(b.moment.stuck);
    if (e == NULL)
        *ret = take(b.point);
    vault_point_free(b.point);
    moment_done(&b.moment);
    definition_done(&b.definition);
    chain_facts_done(&b.asked);
    close_disks(&b);
    job_machine_done(&b.machine);
    vault_points_free(b.points);
    vault_free(b.v);
    stages_done(&b.stages);
    free(b.named);
    return e;
}
