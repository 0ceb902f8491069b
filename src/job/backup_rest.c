/* SPDX-License-Identifier: Apache-2.0 */
/* backup_rest.c -- look at the image before it is opened: whether its bitmap can be exported
 * decides how.  Between the two somebody might use it; then it is locked (ImageInUse), or the
 * bitmap that was seen is not there to be opened.
 *
 * Of an NBD server nothing can be seen but whether it offers the bitmap: there the user's
 * word, --bitmap, stands for the rest. */
#include <string.h>

#include "backup_rest.h"
#include "chain_look.h"
#include "codes.h"
#include "image_bitmap.h"

struct opening {
    struct rest *r;
    const struct rest_options *o;
    struct backup_disk *disk;
    const char *kind;   /* source_kind */
    const char *bitmap; /* that it is about, NULL: none */
    struct chain_now now;
    bool usable;        /* the bitmap can be read, and goes on */
    struct err *untold; /* why the image could not be asked */
};

/* ---- what is there ---- */

static const struct vault_disk *
disk_then(const struct opening *x)
{
    return vault_point_disk(x->o->parent, x->disk->name);
}

static bool
is_kind(const struct opening *x, const char *kind)
{
    return strcmp(x->kind, kind) == 0;
}

/* A qcow2 image may keep one by itself; elsewhere only the user can know of it. */
static const char *
which_bitmap(const struct opening *x)
{
    if (x->o->bitmap != NULL)
        return x->o->bitmap;
    return is_kind(x, "nbd") ? NULL : x->r->then.bitmap;
}

static struct err *
ask_image(struct opening *x)
{
    struct image_bitmap b = { 0 };
    struct err *e = image_bitmap_ask(x->disk->spec, x->disk->spec, x->kind, x->bitmap, &b);

    if (err_code(e) == E_ImageUnusable) { /* if it truly is, opening it says so again */
        x->untold = e;
        return NULL;
    }
    TRY(e);
    x->now.size = b.size;
    x->now.found = b.found;
    x->now.checkpoint_found = b.found; /* nobody asks libvirt: what counts is in the image */
    x->now.stopped = !b.recording;
    x->now.inconsistent = b.in_use;
    x->r->keep.granularity = b.granularity;
    x->usable = b.found && b.recording && !b.in_use;
    return NULL;
}

static struct err *
look(struct opening *x)
{
    struct chain *k = &x->r->keep;

    if (is_kind(x, "nbd")) {
        k->image = strdup(x->disk->spec);
        return k->image != NULL ? NULL : fail(OutOfMemory);
    }
    TRY(chain_look_image(x->disk->spec, k));
    TRY(chain_look_host(k));
    if (k->image != NULL && is_kind(x, "qcow2"))
        TRY(ask_image(x));
    return NULL;
}

/* ---- opening ---- */

static struct err *
open_as(struct opening *x, const char *bitmap)
{
    struct source_options options = { .lanes = x->o->lanes, .format = x->o->format,
        .bitmap = bitmap };

    TRY(source_open(x->disk->spec, &options, &x->disk->source));
    return NULL;
}

static struct err *
open_source(struct opening *x)
{
    bool nbd = is_kind(x, "nbd");

    if (!nbd && !x->usable)
        return open_as(x, NULL);
    struct err *e = open_as(x, x->bitmap);
    if (!nbd || err_code(e) != E_SourceBitmapMissing) {
        x->usable = x->now.found = e == NULL;
        return e;
    }
    err_free(e);
    return open_as(x, NULL);
}

/* ---- judging ---- */

/* The bitmap that the user names and cannot be used is a mistake, unless it was right when
 * the newest point was made. */
static bool
is_mistake(const struct opening *x)
{
    const char *then = x->r->then.bitmap;

    return x->o->bitmap != NULL && !x->usable && x->untold == NULL &&
           (then == NULL || strcmp(then, x->o->bitmap) != 0);
}

static void
judge(struct opening *x, const struct vault_disk *of)
{
    struct chain *then = &x->r->then;
    struct backup_disk *d = x->disk;

    x->now.is = x->r->keep;
    x->now.size = d->source->size;
    errno = 0;
    if (then->bitmap == NULL || x->o->reread)
        return;
    if (x->untold != NULL) {
        d->broke = err_because(fail(ChangesUntold, d->name), take(x->untold));
        return;
    }
    if (strcmp(then->bitmap, x->bitmap) != 0) {
        d->broke = fail(BitmapReplaced, d->name, x->bitmap);
        return;
    }
    enum chain_event event = chain_judge(then, of->size, &x->now);
    if (event == CHAIN_HOLDS) {
        d->since = &x->o->parent->id;
        d->then = then;
    }
    d->broke = chain_broke(event, d->name, then, &x->now);
}

static struct err *
keep(struct opening *x)
{
    struct chain *k = &x->r->keep;

    if (!x->usable)
        return NULL;
    k->bitmap = strdup(x->bitmap);
    if (k->bitmap == NULL)
        return fail(OutOfMemory);
    if (x->r->then.checkpoint != NULL && strcmp(x->r->then.checkpoint, x->bitmap) == 0) {
        k->checkpoint = strdup(x->bitmap);
        if (k->checkpoint == NULL)
            return fail(OutOfMemory);
    }
    k->persistent = true;
    x->disk->chain = k;
    x->disk->goes_on = true;
    return NULL;
}

static struct err *
open_by_bitmap(struct opening *x, const struct vault_disk *of)
{
    TRY(look(x));
    TRY(open_source(x));
    if (is_mistake(x))
        return fail(SourceBitmapMissing, x->disk->spec, x->o->bitmap);
    judge(x, of);
    TRY(keep(x));
    return NULL;
}

struct err *
rest_open(struct rest *r, const struct rest_options *o, struct backup_disk *disk)
{
    struct opening x = { .r = r, .o = o, .disk = disk,
        .kind = source_kind(disk->spec, o->format) };
    const struct vault_disk *of = disk_then(&x);

    if (of != NULL)
        TRY(chain_read(of, &r->then));
    x.bitmap = which_bitmap(&x);
    if (x.bitmap == NULL)
        return open_as(&x, NULL);
    struct err *e = open_by_bitmap(&x, of);
    err_free(x.untold);
    return e;
}

void
rest_done(struct rest *r)
{
    chain_done(&r->then);
    chain_done(&r->keep);
}
