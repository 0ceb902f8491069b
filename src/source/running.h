/* SPDX-License-Identifier: Apache-2.0 */
/* running.h -- a running machine as a set of disks that stand still at one moment, whoever
 * drives it: QEMU's monitor (vm.h), or another body of struct running.
 *
 *     (a body's own call)   connect, list the disks, remove what a killed firn left
 *     running_prepare       room for what the guest will overwrite; it does not notice
 *     running_track         a dirty bitmap for each disk, for the sake of the next backup
 *     running_since         which bitmap of a disk is to tell what changed
 *     running_cut           the moment: from here on all disks read as they are now
 *     running_flash_read    what the firmware keeps, beside the disks
 *     running_source        one of these disks, to be read while the guest goes on
 *     running_keep          the point is listed: the new bitmaps stay
 *     running_close         take everything else out of the machine again
 *
 * The machine's own disks are never written to by firn.  One thread at a time; the sources may
 * be read from several, while this thread keeps the struct running. */
#ifndef RUNNING_H
#define RUNNING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "auto.h"
#include "clock.h"
#include "err.h"

struct running;
struct source;

enum {
    RUNNING_DISKS_MAX = 256,
    RUNNING_NAME_MAX = 128,   /* bytes of a disk's name */
    RUNNING_TAG_MAX = 32,
    RUNNING_GRANULARITY = 65536, /* of a bitmap that begins */
    RUNNING_FLASH_MAX = 4      /* chips of firmware that are looked at */
};

struct running_options {
    const char *scratch; /* folder for scratch files; NULL: the body's choice */
    const char *const *only; /* names of disks; none: all of them */
    size_t nonly;
    const char *const *except;
    size_t nexcept;
    int64_t command_ms; /* that the other side may take for one command; 0: the body's own */
};

/* A dirty bitmap of a disk: what was written since it began. */
struct running_bitmap {
    char *name;
    uint64_t granularity; /* bytes that one of its bits stands for; 0: not known */
    bool persistent;      /* it lies in the image and outlives QEMU */
    bool recording;
    bool inconsistent; /* QEMU could not save it when it ended */
};

/* A disk of the machine. */
struct running_disk {
    char *name;    /* the device's id, else the drive's, else the node's; fit for a file */
    char *device;  /* what the machine calls it, for messages */
    char *node;    /* the block node that the guest's device uses; NULL: not known */
    char *tracked; /* the node below it that has its bitmaps: behind filters; NULL: not known */
    char *drive;   /* QEMU's drive, or libvirt's target; "" or NULL: none */
    char *file;    /* the file or device as the machine's definition calls it; "" or NULL: not
                    * known */
    char *image;   /* the same as firn can open it; else what QEMU calls it */
    char *format;  /* of the image, "qcow2"; NULL: not known */
    uint64_t size;
    struct running_bitmap *bitmaps; /* when the machine was opened */
    size_t nbitmaps;
    const char *since;  /* running_since; NULL: none, or its source cannot tell */
    struct err *untold; /* why it cannot, until running_untold */
    bool begun, persistent; /* running_track: a bitmap began, and will outlive QEMU */
    uint64_t granularity;   /* of that one; 0: not known */
};

/* What a body does; each as the call of its name below. */
struct running_body {
    struct err *(*prepare)(struct running *r);
    struct err *(*track)(struct running *r, const char *tag);
    const char *(*track_name)(const struct running *r);
    struct err *(*cut)(struct running *r, struct deadline by);
    struct err *(*source)(struct running *r, size_t i, unsigned lanes, struct source **ret);
    struct err *(*keep)(struct running *r);
    struct err *(*why)(struct running *r, struct err *e);
    struct err *(*close)(struct running *r);
    pid_t (*process)(const struct running *r);
    struct err *(*xml)(struct running *r, char **ret); /* NULL: it has none */
    struct err *(*flash_read)(struct running *r, size_t i, struct deadline by, void *to);
    void (*free)(struct running *r); /* all but the members of struct running */
};

/* The first member of every body, filled by the call that opens it. */
struct running {
    const struct running_body *call;
    char *name; /* NULL: it has none */
    bool off;   /* nothing runs: its sources are its images, without bitmaps */
    bool agent; /* it has a guest agent behind the same address as itself */
    bool checkpoints; /* each bitmap has a checkpoint of its name, without which it is lost */
    struct running_disk *disks;
    size_t ndisks;
    struct running_disk flash[RUNNING_FLASH_MAX]; /* name, node, drive, file, size */
    size_t nflash;
};

/* As the machine's owner named it; NULL: not at all. */
const char *running_name(const struct running *r);

size_t running_ndisks(const struct running *r);
const struct running_disk *running_disk(const struct running *r, size_t i);

/* Chips of flash that the firmware writes its variables to. */
size_t running_nflash(const struct running *r);
const struct running_disk *running_flash(const struct running *r, size_t i);

/* How the machine is defined, as libvirt's XML, the caller's; NULL: by the arguments of its
 * process alone. */
struct err *running_xml(struct running *r, char **ret) must_use;

/* QEMU's process; 0 when nobody can tell. */
pid_t running_process(const struct running *r);

/* The bitmap of that name, NULL: none. */
const struct running_bitmap *running_disk_bitmap(const struct running_disk *d,
    const char *name);

/* Room for what the guest overwrites.  VmScratchSmall, and the body's own. */
struct err *running_prepare(struct running *r) must_use;

/* Before the moment: let a bitmap begin on each disk, at the moment or a little before it, so
 * that the next backup can read what changed since this one.  Unless running_keep is called it
 * goes with running_close.  ${tag} tells apart who takes turns in backing up the machine.  A
 * disk that takes none is left without. */
struct err *running_track(struct running *r, const char *tag) must_use;
const char *running_track_name(const struct running *r);

/* Before the moment: ${bitmap} is one of disk ${i}'s own that records; what it names until the
 * source is opened is what that tells as changed.  It goes on recording.  Borrowed until
 * running_source. */
void running_since(struct running *r, size_t i, const char *bitmap);

/* All disks at one moment, or none.  VmSnapshotFailed. */
struct err *running_cut(struct running *r, struct deadline by) must_use;

/* After the moment: all bytes of chip number ${i}.  Chips are not held still: read them while
 * the guest is. */
struct err *running_flash_read(struct running *r, size_t i, struct deadline by,
    void *to) must_use;

/* Disk number ${i} as it was at the moment.  Free the source before running_close.  When its
 * connection was lost, and it was freed, it may be asked for again: the moment is the same.
 * Where the machine does not let the bitmap of running_since be read, the source tells no
 * changes. */
struct err *running_source(struct running *r, size_t i, unsigned lanes,
    struct source **ret) must_use;

/* After running_source: why disk number ${i} tells no changes though they were asked for, the
 * caller's; NULL: it does, none were, or it was said before. */
struct err *running_untold(struct running *r, size_t i) must_use;

/* The point is listed: the bitmaps that began stay, and older ones of the same tag go. */
struct err *running_keep(struct running *r) must_use;

/* Reading a source failed with ${e}, which is taken: the reason that lies in the machine, or
 * ${e} as it is.  VmScratchFull, VmSnapshotBroken, VmGone. */
struct err *running_why(struct running *r, struct err *e) must_use;

/* Take out what firn put in, by a new connection when the old one is lost.  VmNotClean when
 * something is left, which the next to open the machine will remove.  Nothing to do, and a
 * machine that has ended, are no failure. */
struct err *running_close(struct running *r) must_use;

/* Accepts NULL.  What running_close would have removed stays. */
void running_free(struct running *r);
DEFINE_AUTO(running);

/* ---- for bodies ---- */

void running_disk_done(struct running_disk *d);

/* Give ${d} the name ${id} (${len} bytes), made fit for a file and unlike those in ${r}. */
struct err *running_name_disk(const struct running *r, const char *id, size_t len,
    struct running_disk *d) must_use;

/* Keep those disks that ${o} names.  VmDiskUnknown, VmNoDisks, both with ${where}. */
struct err *running_choose(struct running *r, const struct running_options *o,
    const char *where) must_use;

#endif
