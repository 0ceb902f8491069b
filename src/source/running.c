/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "running.h"

const char *
running_name(const struct running *r)
{
    return r->name;
}

size_t
running_ndisks(const struct running *r)
{
    return r->ndisks;
}

const struct running_disk *
running_disk(const struct running *r, size_t i)
{
    assert(i < r->ndisks);
    return &r->disks[i];
}

size_t
running_nflash(const struct running *r)
{
    return r->nflash;
}

const struct running_disk *
running_flash(const struct running *r, size_t i)
{
    assert(i < r->nflash);
    return &r->flash[i];
}

struct err *
running_xml(struct running *r, char **ret)
{
    *ret = NULL;
    return r->call->xml != NULL ? r->call->xml(r, ret) : NULL;
}

pid_t
running_process(const struct running *r)
{
    return r->call->process(r);
}

const struct running_bitmap *
running_disk_bitmap(const struct running_disk *d, const char *name)
{
    for (size_t i = 0; i < d->nbitmaps; i++)
        if (strcmp(d->bitmaps[i].name, name) == 0)
            return &d->bitmaps[i];
    return NULL;
}

struct err *
running_prepare(struct running *r)
{
    return r->call->prepare(r);
}

struct err *
running_track(struct running *r, const char *tag)
{
    assert(strlen(tag) <= RUNNING_TAG_MAX);
    return r->call->track(r, tag);
}

const char *
running_track_name(const struct running *r)
{
    return r->call->track_name(r);
}

void
running_since(struct running *r, size_t i, const char *bitmap)
{
    assert(i < r->ndisks);
    r->disks[i].since = bitmap;
}

struct err *
running_cut(struct running *r, struct deadline by)
{
    return r->call->cut(r, by);
}

struct err *
running_flash_read(struct running *r, size_t i, struct deadline by, void *to)
{
    assert(i < r->nflash && r->call->flash_read != NULL);
    return r->call->flash_read(r, i, by, to);
}

struct err *
running_source(struct running *r, size_t i, unsigned lanes, struct source **ret)
{
    assert(i < r->ndisks);
    return r->call->source(r, i, lanes, ret);
}

struct err *
running_untold(struct running *r, size_t i)
{
    assert(i < r->ndisks);
    return take(r->disks[i].untold);
}

struct err *
running_keep(struct running *r)
{
    return r->call->keep(r);
}

struct err *
running_why(struct running *r, struct err *e)
{
    return r->call->why(r, e);
}

struct err *
running_close(struct running *r)
{
    return r->call->close(r);
}

void
running_disk_done(struct running_disk *d)
{
    free(d->name);
    free(d->device);
    free(d->node);
    free(d->tracked);
    free(d->drive);
    free(d->file);
    free(d->image);
    free(d->format);
    for (size_t i = 0; i < d->nbitmaps; i++)
        free(d->bitmaps[i].name);
    free(d->bitmaps);
    err_free(d->untold);
    *d = (struct running_disk){ 0 };
}

void
running_free(struct running *r)
{
    if (r == NULL)
        return;
    int kept = errno;
    r->call->free(r);
    for (size_t i = 0; i < r->ndisks; i++)
        running_disk_done(&r->disks[i]);
    for (size_t i = 0; i < r->nflash; i++)
        running_disk_done(&r->flash[i]);
    free(r->disks);
    free(r->name);
    free(r);
    errno = kept;
}
