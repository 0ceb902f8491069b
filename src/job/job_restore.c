/* SPDX-License-Identifier: Apache-2.0 */
/* Restoring a point: its disks one after the other, each into a sink of its own.
 *
 * With one disk the destination is a file, a device or standard output; with several it is a
 * folder that is there, where each disk gets a file with its name, and the machine its
 * definition (restored.c). */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codes.h"
#include "definition.h"
#include "restored.h"
#include "pool.h"
#include "rebuild.h"
#include "sink.h"

static void
tell(void *arg, uint64_t done)
{
    const struct restore *r = arg;
    struct job_progress p = { .stage = r->stage, .done = r->done + done, .total = r->total };

    if (r->j->progress != NULL)
        r->j->progress(r->j->arg, &p);
}

static struct err *
format_of(const struct job_restore *o, enum sink_format *ret)
{
    *ret = SINK_BY_SUFFIX;
    if (o->format == NULL)
        return NULL;
    if (strcmp(o->format, "raw") == 0)
        *ret = SINK_RAW;
    else if (strcmp(o->format, "qcow2") == 0)
        *ret = SINK_QCOW2;
    else
        return fail(UsageWrong, "a disk is restored as raw or qcow2");
    return NULL;
}

struct err *
restore_disk(struct restore *r, const struct vault_disk *d, const char *dest, bool as_raw,
    uint64_t *ret_written)
{
    struct sink_options options = { .in_place = r->o->in_place, .force = r->o->force,
        .lanes = pool_workers(r->pool) + 1 };
    auto_ptr(sink) sink = NULL;

    TRY(format_of(r->o, &options.format));
    if (as_raw)
        options.format = SINK_RAW;
    TRY(sink_open(dest, d->size, &options, &sink));
    (void)snprintf(r->stage, sizeof(r->stage), "writing %s", d->name);
    TRY(rebuild_disk(&(struct rebuild){ .vault = r->v, .pool = r->pool, .disk = d,
        .sink = sink, .keep_equal = r->o->in_place && sink->readable && !sink->fresh,
        .progress = tell, .arg = r }, ret_written));
    TRY(sink_finish(sink));
    r->done += d->size;
    return NULL;
}

/* A disk's name comes from the vault: it must stay within the folder. */
static bool
is_file_name(const char *name)
{
    return strchr(name, '/') == NULL && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

/* Each disk, then what makes a machine of them. */
static struct err *
restore_into_folder(struct restore *r, const struct vault_point *p, const char *folder,
    struct job_restored *ret)
{
    auto_ptr(restored) m = NULL;

    TRY(restored_begin(r, p, folder, &m));
    for (size_t i = 0; i < p->ndisks; i++) {
        const struct vault_disk *d = &p->disks[i];
        auto_free char *path = NULL;
        uint64_t written = 0;

        if (definition_kind(d) != DEFINITION_NONE)
            continue;
        if (!is_file_name(d->name))
            return fail(InputInvalid, d->name, "it cannot be the name of a file");
        TRY(restored_disk(m, d, &path));
        TRY(restore_disk(r, d, path, false, &written));
        ret->written += written;
    }
    return restored_finish(m, ret);
}

static struct err *
find_disk(const struct vault_point *p, const char *name, const struct vault_disk **ret)
{
    char hex[2 * VAULT_KEY_LEN + 1];

    *ret = vault_point_disk(p, name);
    if (*ret != NULL)
        return NULL;
    vault_key_hex(&p->id, hex);
    return fail(RestoreDiskMissing, hex, name);
}

/* NULL: there are several. */
static const struct vault_disk *
only_disk(const struct vault_point *p)
{
    for (size_t i = 0; job_point_ndisks(p) == 1 && i < p->ndisks; i++)
        if (definition_kind(&p->disks[i]) == DEFINITION_NONE)
            return &p->disks[i];
    return NULL;
}

static bool
ends_in_slash(const char *path)
{
    size_t len = strlen(path);

    return len > 0 && path[len - 1] == '/';
}

/* A folder is wanted for a machine, and where there are several disks. */
static bool
wants_folder(const struct job_restore *o, const struct vault_point *p)
{
    struct stat st;

    if (o->as != NULL || job_point_ndisks(p) > 1)
        return true;
    return definition_of_point(p) != NULL &&
        (ends_in_slash(o->dest) || (stat(o->dest, &st) == 0 && S_ISDIR(st.st_mode)));
}

/* The words for a folder that is there would mislead. */
static struct err *
check_folder(const char *dest)
{
    if (ends_in_slash(dest) && access(dest, F_OK) != 0 && errno == ENOENT)
        return fail(RestoreFolderMissing, dest);
    return NULL;
}

static struct err *
restore_point(struct restore *r, const struct vault_point *p, struct job_restored *ret)
{
    const struct vault_disk *d = only_disk(p);
    const char *folder = r->o->dest != NULL ? r->o->dest : r->o->as;

    if (r->o->disk != NULL)
        TRY(find_disk(p, r->o->disk, &d));
    else if (wants_folder(r->o, p))
        d = NULL;
    for (size_t i = 0; i < p->ndisks; i++)
        if (d == NULL ? definition_kind(&p->disks[i]) == DEFINITION_NONE : d == &p->disks[i])
            r->total += p->disks[i].size;
    *ret = (struct job_restored){ .disks = d != NULL ? 1 : job_point_ndisks(p),
        .bytes = r->total, .point = p->id };
    if (d == NULL)
        return restore_into_folder(r, p, folder, ret);
    TRY(check_folder(r->o->dest));
    return restore_disk(r, d, r->o->dest, false, &ret->written);
}

/* It is there as the point has it, but the point may be wrong. */
static void
warn_of_suspects(const struct restore *r, const struct vault_points *points,
    const struct vault_point *p)
{
    char hex[2 * VAULT_KEY_LEN + 1];

    vault_key_hex(&p->id, hex);
    for (size_t i = 0; r->j->warn != NULL && i < p->ndisks; i++) {
        const char *name = p->disks[i].name;

        if ((r->o->disk == NULL || strcmp(r->o->disk, name) == 0) &&
            job_point_suspect(points, p, name))
            r->j->warn(r->j->arg, fail(PointSuspect, name, hex));
    }
}

struct err *
job_restore(const struct job *j, const struct job_restore *o, struct job_restored *ret)
{
    auto_ptr(vault_points) points = NULL;
    auto_ptr(vault) v = NULL;
    auto_ptr(pool) pool = NULL;
    const struct vault_point *p;

    if (o->as != NULL)
        TRY(restored_name(o->as));
    TRY(job_open(j, &v));
    if ((vault_can(v) & VAULT_CAN_READ) == 0)
        return fail(KeyCannotRead);
    TRY(vault_points(v, &points));
    TRY(vault_points_find(points, o->point, &p));
    TRY(pool_new(vault_lanes(v) - 1, &pool));
    struct restore r = { .j = j, .o = o, .v = v, .pool = pool };
    struct job_restored done = { 0 };
    struct err *e = restore_point(&r, p, &done);
    if (e != NULL) {
        job_restored_done(&done);
        return e;
    }
    *ret = done;
    warn_of_suspects(&r, points, p);
    return NULL;
}

void
job_restored_done(struct job_restored *r)
{
    for (size_t i = 0; i < r->nchanged; i++)
        free(r->changed[i]);
    free(r->changed);
    *r = (struct job_restored){ 0 };
}
