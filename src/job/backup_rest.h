/* SPDX-License-Identifier: Apache-2.0 */
/* backup_rest.h -- open a disk that no machine uses, so that only what its bitmap names is
 * read where that can be believed.
 *
 * A qcow2 image keeps the bitmaps that a running machine, or its owner, made in it.  firn
 * never writes to a user's disk by itself, so at rest it makes none: it uses the one that the
 * machine's newest point goes by, or the one that the user names.  That one is not cleared
 * either, but goes on: what it names since an earlier point is more than was written since
 * the newest, never less. */
#ifndef BACKUP_REST_H
#define BACKUP_REST_H

#include "backup.h"

struct rest_options {
    unsigned lanes;
    const char *format, *bitmap;      /* as in job_backup */
    const struct vault_point *parent; /* the machine's newest point; NULL: none */
    bool reread;                      /* the bitmap is not asked for, but goes on */
};

/* What the opened disk borrows.  Starts as { 0 }. */
struct rest {
    struct chain then, keep;
};

/* Fills ${disk}, whose name and spec are set.  The failures of source_open; a bitmap that the
 * user names and that neither is there nor was at the newest point is SourceBitmapMissing. */
struct err *rest_open(struct rest *r, const struct rest_options *o,
    struct backup_disk *disk) must_use;

void rest_done(struct rest *r);

#endif
