/* SPDX-License-Identifier: Apache-2.0 */
/* vm.h -- a running QEMU as a set of disks that stand still at one moment.
 *
 *     vm_open     connect to its monitor, list its disks, remove what a killed firn left
 *     vm_prepare  a scratch file and a filter for each disk; the guest does not notice
 *     vm_cut      the moment: from here on all disks read as they are now
 *     vm_source   one of these disks, to be read while the guest goes on
 *     vm_close    take everything out of the machine again
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
};

struct vm_options {
    const char *scratch; /* folder for scratch files; NULL: firn's state, or /var/tmp where
                          * QEMU runs as another user */
    const char *const *only; /* names of disks; none: all of them */
    size_t nonly;
    const char *const *except;
    size_t nexcept;
};

/* A disk of the machine.  The strings are fit for a terminal and a file's name. */
struct vm_disk {
    char *name;   /* the device's id, else the drive's, else the node's */
    char *device; /* its QOM path */
    char *node;   /* the block node that the guest's device uses */
    char *image;  /* the file, as QEMU describes it */
    uint64_t size;
};

/* QmpUnreachable and its kin; VmBusy: another firn is at work; VmTooOld; VmDiskUnknown: a
 * name that no disk has; VmNoDisks.  Drives that are empty, read-only or firmware are no
 * disks. */
struct err *vm_open(const char *socket, const struct vm_options *o, struct vm **ret) must_use;

/* As it was started with -name; NULL: without one. */
const char *vm_name(const struct vm *vm);

size_t vm_ndisks(const struct vm *vm);
const struct vm_disk *vm_disk(const struct vm *vm, size_t i);

/* VmScratchSmall; VmIothread: this QEMU would crash; VmSnapshotFailed with QEMU's words. */
struct err *vm_prepare(struct vm *vm) must_use;

/* All disks at one moment, or none.  *ret_ns: how long QEMU took.  VmSnapshotFailed. */
struct err *vm_cut(struct vm *vm, struct deadline by, int64_t *ret_ns) must_use;

/* Disk number ${i} as it was at the moment.  Free it before vm_close. */
struct err *vm_source(struct vm *vm, size_t i, unsigned lanes, struct source **ret) must_use;

/* Reading a source failed with ${e}, which is taken: the reason that lies in the machine, or
 * ${e} as it is.  VmScratchFull, VmSnapshotBroken, VmGone. */
struct err *vm_why(struct vm *vm, struct err *e) must_use;

/* Take out what firn put in: VmNotClean when something is left, which the next vm_open will
 * remove.  Nothing to do is no failure. */
struct err *vm_close(struct vm *vm) must_use;

/* Accepts NULL.  What vm_close would have removed stays. */
void vm_free(struct vm *vm);
DEFINE_AUTO(vm);

#endif
