/* SPDX-License-Identifier: Apache-2.0 */
/* chain.h -- may a disk's dirty bitmap be believed, and if not, what happened?
 *
 * A recovery point keeps, as facts of each of its disks, by which bitmap the next point can
 * tell what changed, and what the image, QEMU and the host looked like.  The next backup
 * looks again and holds one against the other.  A bitmap that began at the point or before
 * it, and that recorded ever since, names all that was written (and perhaps more); then only
 * that is read.  Everything else breaks the chain: the disk is read whole and compared with
 * the last map, and a code names the event.  firn-vault(5) has the names of the facts.
 *
 * Nothing here looks at anything: chain_look.h does. */
#ifndef CHAIN_H
#define CHAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "auto.h"
#include "err.h"
#include "vault.h"

/* Strings are owned and may be NULL: not known.  Starts as { 0 }. */
struct chain {
    char *bitmap;         /* NULL: no bitmap records since this point */
    bool persistent;      /* it lies in the image and outlives QEMU */
    uint64_t granularity; /* bytes that one of its bits stands for; 0: not known */
    uint64_t dirty;       /* bytes that it calls dirty at this moment */
    char *image;          /* absolute path */
    char *file;           /* which file that is, whatever its path */
    char *process;        /* the run of QEMU that has the image open */
    char *boot, *host;    /* where that is: the kernel's start, and the machine */
    char *checkpoint;     /* libvirt's, which belongs to the bitmap */
};

/* How things are now, before the next point. */
struct chain_now {
    struct chain is; /* bitmap is not used; dirty may be 0 where it is not known yet */
    uint64_t size;   /* of the disk */
    bool found;      /* there is a bitmap of the name that the point keeps, */
    bool inconsistent; /* ... which QEMU could not save when it ended */
    bool stopped;    /* ... which does not record */
    bool checkpoint_found;
};

/* What became of the chain since the point, the first that applies. */
enum chain_event {
    CHAIN_HOLDS,             /* read what the bitmap names */
    CHAIN_NONE,              /* the point keeps no bitmap: nothing broke */
    CHAIN_RESIZED,           /* the disk has another size */
    CHAIN_MOVED,             /* the machine runs on another host, from another image */
    CHAIN_SWAPPED,           /* another image */
    CHAIN_RESTORED,          /* another file under the image's name */
    CHAIN_CHECKPOINT_GONE,   /* libvirt's checkpoint was deleted */
    CHAIN_BITMAP_LOST,       /* it lived in memory, and QEMU was started anew */
    CHAIN_BITMAP_UNSAVED,    /* QEMU or its host ended without saving it */
    CHAIN_BITMAP_REMOVED,    /* somebody removed it */
    CHAIN_BITMAP_INCONSISTENT,
    CHAIN_BITMAP_REPLACED,   /* one of the same name, made anew */
    CHAIN_BITMAP_STOPPED,
    CHAIN_BITMAP_CLEARED,    /* it knows of less than it did */
    CHAIN_EVENTS
};

/* ${then}: read from a disk of a point; ${size} is that disk's. */
enum chain_event chain_judge(const struct chain *then, uint64_t size,
    const struct chain_now *now);

/* The warning (class job.weaker) that names the event; NULL for the first two. */
struct err *chain_broke(enum chain_event event, const char *disk, const struct chain *then,
    const struct chain_now *now);

/* The facts of a point's disk. */
struct err *chain_read(const struct vault_disk *disk, struct chain *ret) must_use;

/* The same as facts, for vault_disk_end: added to ${ret} (an array of ${*ret_n}, which
 * facts_free ends). */
struct chain_facts {
    struct vault_fact *f;
    size_t n;
};
struct err *chain_write(const struct chain *c, struct chain_facts *to) must_use;

/* One fact more; the first of a name counts. */
struct err *chain_facts_add(struct chain_facts *to, const char *name,
    const char *value) must_use;
/* NULL when there is none of this name. */
const char *chain_fact(const struct vault_disk *disk, const char *name);

void chain_facts_done(struct chain_facts *f);
void chain_done(struct chain *c);

#endif
