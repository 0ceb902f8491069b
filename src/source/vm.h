/* SPDX-License-Identifier: Apache-2.0 */
/* vm.h -- a running QEMU as a set of disks that stand still at one moment.
 *
 *     vm_open     connect to its monitor, list its disks, remove what a killed firn left
 *     vm_prepare  a scratch file and a filter for each disk; the guest does not notice
 *     vm_track    a dirty bitmap for each disk, for the sake of the next backup
 *     vm_cut      the moment: from here on all disks read as they are now
 *     vm_source   one of these disks, to be read while the guest goes on
 *     vm_keep     the point is listed: the new bitmaps stay
 *     vm_close    take everything else out of the machine again
 *
 * The machine's own disks are never written to by firn.  What the guest overwrites after the
 * moment is kept first, in a scratch file; when there is no room or no answer for it, the
 * guest's write goes on, and it is the copy that is lost (VmScratchFull, VmSnapshotBroken).
 *
 * All that firn adds to a machine is named firn-RUN-..., where RUN is the random id of one
 * struct vm, and lies in a folder of the same name, which a living firn keeps locked: so each
 * can tell what a dead one has left.  Only QEMU 7.1 and later can do this (VmTooOld).
 *
 * One thread at a time; the sources may be read from several, while this thread keeps the
 * struct vm. */
#ifndef VM_H
#define VM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "auto.h"
#include "clock.h"
#include "err.h"

struct source;
struct vm;

enum {
    VM_DISKS_MAX = 256,
    VM_NAME_MAX = 128,          /* bytes of a disk's name */
    VM_COMMAND_MS = 30 * 1000,  /* how long QEMU may take for one command */
    VM_WRITE_MS = 20 * 1000,    /* how long a guest's write may wait for the scratch file */
    VM_SCRATCH_PART = 16,       /* free space must be at least the disks' size by this */
    VM_TAG_MAX = 32,
    VM_BITMAPS_MAX = 1024,      /* of a disk that are looked at */
    VM_GRANULARITY = 65536
};

struct vm_options {
    const char *scratch; /* folder for scratch files; NULL: firn's state, or /var/tmp where
                          * QEMU runs as another user */
    const char *const *only; /* names of disks; none: all of them */
    size_t nonly;
    const char *const *except;
    size_t nexcept;
    int64_t command_ms; /* 0: VM_COMMAND_MS */
};

/* A dirty bitmap of a disk: what was written since it began. */
struct vm_bitmap {
    char *name;
    uint64_t granularity; /* bytes that one of its bits stands for */
    bool persistent;      /* it lies in the image and outlives QEMU */
    bool recording;
    bool inconsistent; /* QEMU could not save it when it ended */
};

/* A disk of the machine. */
struct vm_disk {
    char *name;    /* the device's id, else the drive's, else the node's; fit for a file */
    char *device;  /* its QOM path */
    char *node;    /* the block node that the guest's device uses */
    char *tracked; /* the node below it that has its bitmaps: behind filters */
    char *image;   /* the file or device, as firn can open it; else what QEMU calls it */
    uint64_t size;
    struct vm_bitmap *bitmaps; /* when the machine was opened */
    size_t nbitmaps;
    bool begun, persistent; /* vm_track: a bitmap began, and will outlive QEMU */
};

/* QmpUnreachable and its kin; VmBusy: another firn is at work; VmTooOld; VmDiskUnknown: a
 * name that no disk has; VmNoDisks.  Drives that are empty, read-only or firmware are no
 * disks. */
struct err *vm_open(const char *socket, const struct vm_options *o, struct vm **ret) must_use;

/* As it was started with -name; NULL: without one. */
const char *vm_name(const struct vm *vm);

size_t vm_ndisks(const struct vm *vm);
const struct vm_disk *vm_disk(const struct vm *vm, size_t i);

/* QEMU's process; 0 when the kernel cannot tell. */
pid_t vm_process(const struct vm *vm);

/* The bitmap of that name, NULL: none. */
const struct vm_bitmap *vm_disk_bitmap(const struct vm_disk *d, const char *name);

/* Before the moment: let a bitmap begin on each disk, firn-TAG-RUN, so that the next backup can
 * read what changed since this one.  It begins a little before the moment, and so names a
 * little more.  Unless vm_keep is called it goes with vm_close.  ${tag} tells apart who takes
 * turns in backing up the machine.  A disk that takes none is left without. */
struct err *vm_track(struct vm *vm, const char *tag) must_use;
const char *vm_track_name(const struct vm *vm);

/* The point is listed: the bitmaps that began stay, and older ones of the same tag go. */
struct err *vm_keep(struct vm *vm) must_use;

/* VmScratchSmall; VmIothread: this QEMU would crash; VmSnapshotFailed with QEMU's words. */
struct err *vm_prepare(struct vm *vm) must_use;

/* All disks at one moment, or none.  VmSnapshotFailed. */
struct err *vm_cut(struct vm *vm, struct deadline by) must_use;

/* Disk number ${i} as it was at the moment.  ${bitmap} (NULL: none) is one of its own that
 * records: what it names until now is what the source tells as changed; it goes on recording.
 * Free the source before vm_close. */
struct err *vm_source(struct vm *vm, size_t i, const char *bitmap, unsigned lanes,
    struct source **ret) must_use;

/* Reading a source failed with ${e}, which is taken: the reason that lies in the machine, or
 * ${e} as it is.  VmScratchFull, VmSnapshotBroken, VmGone. */
struct err *vm_why(struct vm *vm, struct err *e) must_use;

/* Take out what firn put in, by a new connection when the old one is lost.  VmNotClean when
 * something is left, which the next vm_open will remove.  Nothing to do, and a machine that
 * has ended, are no failure. */
struct err *vm_close(struct vm *vm) must_use;

/* Accepts NULL.  What vm_close would have removed stays. */
void vm_free(struct vm *vm);
DEFINE_AUTO(vm);

#endif
