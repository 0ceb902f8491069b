/* SPDX-License-Identifier: Apache-2.0 */
/* domain_cut.c -- the backup job: its beginning, its disks, its end. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "codes.h"
#include "domain_internal.h"
#include "source_body.h"

enum { NAME_MAX_LEN = 24 };

static const char tracked_format[] = "qcow2";

/* ---- before ---- */

struct err *
domain_prepare(struct running *r)
{
    struct domain *d = domain_of(r);
    uint64_t total = 0;

    if (r->off)
        return NULL;
    for (size_t i = 0; i < r->ndisks; i++)
        if (!add_ok(total, r->disks[i].size, &total))
            return fail(LibvirtRefused, r->name, "describe", "its disks are too large");
    TRY(scratch_make(&d->scratch));
    return scratch_room(&d->scratch, total);
}

struct err *
domain_track(struct running *r, const char *tag)
{
    struct domain *d = domain_of(r);
    bool any = false;

    if (r->off)
        return NULL;
    snprintf(d->tag, sizeof(d->tag), "%s", tag);
    for (size_t i = 0; i < r->ndisks; i++) {
        struct running_disk *disk = &r->disks[i];

        disk->begun = disk->persistent = strcmp(disk->format, tracked_format) == 0;
        any = any || disk->begun;
    }
    if (any)
        snprintf(d->track, sizeof(d->track), "firn-%s-%s", tag, d->scratch.run);
    return NULL;
}

const char *
domain_track_name(const struct running *r)
{
    return ((const struct domain *)r)->track;
}

/* ---- the moment ---- */

void
domain_socket(char to[DOMAIN_SOCKET_MAX], const char *run)
{
    snprintf(to, DOMAIN_SOCKET_MAX, "/firn-%.*s/nbd", SCRATCH_RUN_LEN, run);
}

/* Names in the server: "d0" is a disk, "b0" the bitmap that tells what changed of it. */
static void
name_of(char to[NAME_MAX_LEN], char kind, size_t i)
{
    snprintf(to, NAME_MAX_LEN, "%c%zu", kind, i);
}

static void
quoted(struct text *t, const char *attribute, const char *value)
{
    text_fmt(t, " %s='", attribute);
    xml_escape(t, value);
    text_str(t, "'");
}

static void
write_disk(const struct domain *d, size_t i, struct text *t)
{
    const struct running_disk *disk = &d->is.disks[i];

    text_str(t, "<disk");
    quoted(t, "name", disk->device);
    text_fmt(t, " backup='yes' type='file' exportname='d%zu'", i);
    if (disk->since != NULL) {
        quoted(t, "backupmode", "incremental");
        quoted(t, "incremental", disk->since);
        text_fmt(t, " exportbitmap='b%zu'", i);
    } else {
        quoted(t, "backupmode", "full");
    }
    text_str(t, "><scratch file='");
    xml_escape(t, d->scratch.path);
    text_fmt(t, "/%zu'/></disk>", i);
}

static void
write_backup(struct domain *d, struct text *t)
{
    text_str(t, "<domainbackup mode='pull'><server transport='unix' socket='");
    xml_escape(t, d->scratch.path);
    text_str(t, "/nbd'/><disks>");
    for (size_t i = 0; i < d->is.ndisks; i++) {
        d->by_bitmap[i] = d->is.disks[i].since != NULL;
        write_disk(d, i, t);
    }
    text_str(t, "</disks></domainbackup>");
}

static void
write_checkpoint(const struct domain *d, struct text *t)
{
    text_fmt(t, "<domaincheckpoint><name>%s</name><description>of a recovery point of "
                "firn</description><disks>",
        d->track);
    for (size_t i = 0; i < d->is.ndisks; i++) {
        text_str(t, "<disk");
        quoted(t, "name", d->is.disks[i].device);
        quoted(t, "checkpoint", d->is.disks[i].begun ? "bitmap" : "no");
        text_str(t, "/>");
    }
    text_str(t, "</disks></domaincheckpoint>");
}

static struct err *
begin(struct domain *d, const char *backup, const char *checkpoint, struct deadline by)
{
    char socket[DOMAIN_SOCKET_MAX];

    domain_socket(socket, d->scratch.run);
    json_t *with = json_pack("{s:s, s:s?, s:s, s:s}", "xml", backup, "checkpoint",
        d->track[0] != '\0' ? checkpoint : NULL, "socket", socket, "scratch", d->scratch.path);
    if (with == NULL)
        return fail(InputInvalid, d->scratch.path, "it is no UTF-8");
    if (d->link == NULL) {
        json_decref(with);
        return fail(LibvirtLost, d->is.name, "begin a backup of");
    }
    d->began = true; /* also when no answer comes */
    TRY(virt_ask(d->link, "begin", with, "begin a backup of", by, NULL));
    return NULL;
}

struct err *
domain_cut(struct running *r, struct deadline by)
{
    struct domain *d = domain_of(r);
    struct text backup = { 0 }, checkpoint = { 0 };

    if (r->off)
        return NULL;
    write_backup(d, &backup);
    write_checkpoint(d, &checkpoint);
    struct err *e = backup.no_memory || checkpoint.no_memory
                        ? fail(OutOfMemory)
                        : begin(d, backup.s, checkpoint.s, by);
    text_done(&backup);
    text_done(&checkpoint);
    return err_code(e) == E_LibvirtRefused ? err_because(fail(VmSnapshotFailed, r->name), e)
                                           : e;
}

/* ---- the firmware's chip ---- */

struct err *
domain_flash_open(const struct running_disk *chip, struct source **ret)
{
    const struct source_options o = { .format = chip->format };

    if (chip->file[0] == '\0')
        return fail(InputInvalid, chip->name, "it lies in no file of this host");
    return source_open(chip->file, &o, ret);
}

/* From its file; libvirt has no call for it. */
struct err *
domain_flash_read(struct running *r, size_t i, struct deadline by, void *to)
{
    const struct running_disk *chip = &r->flash[i];
    auto_ptr(source) s = NULL;

    (void)by;
    TRY(domain_flash_open(chip, &s));
    if (s->size != chip->size)
        return fail(InputInvalid, chip->file, "its size is not what it was");
    TRY(source_read(s, 0, 0, to, (size_t)s->size));
    return NULL;
}

/* ---- after it ---- */

struct err *
domain_source(struct running *r, size_t i, unsigned lanes, struct source **ret)
{
    struct domain *d = domain_of(r);
    char export[NAME_MAX_LEN], bitmap[NAME_MAX_LEN];
    const struct source_options image = { .lanes = lanes, .format = r->disks[i].format };
    auto_free char *path = NULL;

    if (r->off)
        return source_open(r->disks[i].image, &image, ret);
    if (asprintf(&path, "%s/nbd", d->scratch.path) < 0) {
        path = NULL;
        return fail(OutOfMemory);
    }
    name_of(export, 'd', i);
    name_of(bitmap, 'b', i);
    return source_nbd_socket(path, export, d->by_bitmap[i] ? bitmap : NULL, lanes,
        r->disks[i].name, ret);
}

static struct err *
delete_checkpoint(struct domain *d, const char *name)
{
    TRY(domain_ask(d, "delete", json_pack("{s:s}", "name", name), "delete a checkpoint of",
        NULL));
    return NULL;
}

/* Those that were there when it was opened: of points before, and of none. */
struct err *
domain_keep(struct running *r)
{
    struct domain *d = domain_of(r);
    char start[RUNNING_TAG_MAX + 8];
    struct err *e = NULL;
    size_t i;
    json_t *one;

    if (r->off)
        return NULL;
    snprintf(start, sizeof(start), "firn-%s-", d->tag);
    d->track[0] = '\0'; /* domain_close leaves it */
    json_array_foreach(json_object_get(d->look, "checkpoints"), i, one)
    {
        const char *name = json_string_value(json_object_get(one, "name"));

        if (name != NULL && strncmp(name, start, strlen(start)) == 0)
            e = err_also(e, delete_checkpoint(d, name));
    }
    return e == NULL ? NULL : err_because(fail(VmNotClean, r->name), e);
}

/* ---- the end ---- */

struct state {
    bool active, full;
    int64_t held_ms;
};

static struct err *
ask_state(struct domain *d, struct state *ret)
{
    json_auto_t *answer = NULL;

    TRY(domain_ask(d, "state", NULL, "ask for the state of", &answer));
    ret->active = json_is_true(json_object_get(answer, "active"));
    ret->full = json_is_true(json_object_get(answer, "full"));
    ret->held_ms = json_integer_value(json_object_get(answer, "held_ms"));
    return NULL;
}

static struct err *
held_up(const struct domain *d, const struct state *s)
{
    return s->held_ms > 0 ? fail(DomainHeldUp, d->is.name, s->held_ms) : NULL;
}

/* Did the other end of a disk fail?  It may have gone before the disk was opened, too. */
static bool
is_of_disk(const struct err *e)
{
    return err_has(e, E_SourceReadFailed) || err_has(e, E_SourceVanished) ||
           err_has(e, E_NbdUnreachable) || err_has(e, E_NbdServerGone);
}

struct err *
domain_why(struct running *r, struct err *e)
{
    struct domain *d = domain_of(r);
    struct state s = { 0 };

    if (r->off || !is_of_disk(e))
        return e;
    struct err *now = ask_state(d, &s);
    if (now != NULL)
        return err_also(e, now);
    if (s.full) {
        struct err *held = held_up(d, &s);

        d->told = true;
        if (held != NULL)
            e = err_because(held, e);
        return err_because(fail(VmScratchFull, d->scratch.where), e);
    }
    return s.active ? e : err_because(fail(VmGone, r->name), e);
}

/* A machine that is off has no job, and lets go of no checkpoint: the next backup of it when it
 * is on does that. */
static struct err *
take_out(struct domain *d, struct state *s)
{
    char socket[DOMAIN_SOCKET_MAX];

    TRY(ask_state(d, s));
    if (!s->active)
        return NULL;
    domain_socket(socket, d->scratch.run);
    TRY(domain_ask(d, "end", json_pack("{s:s}", "socket", socket), "end the backup of", NULL));
    return d->track[0] != '\0' ? delete_checkpoint(d, d->track) : NULL;
}

/* A machine that libvirt does not have any more has nothing of ours either. */
struct err *
domain_close(struct running *r)
{
    struct domain *d = domain_of(r);
    struct state s = { 0 };
    struct err *e = d->began ? take_out(d, &s) : NULL;

    if (err_code(e) == E_DomainMissing) {
        err_free(e);
        e = NULL;
    }
    if (e != NULL)
        return err_because(fail(VmNotClean, r->name), e);
    d->began = false;
    scratch_remove(&d->scratch);
    return d->told ? NULL : held_up(d, &s);
}
