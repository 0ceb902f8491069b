/* SPDX-License-Identifier: Apache-2.0 */
/* vm.h -- a running QEMU by its monitor, as running.h has it.
 *
 * What the guest overwrites after the moment is kept first, in a scratch file; when there is
 * no room or no answer for it, the guest's write goes on, and it is the copy that is lost
 * (VmScratchFull, VmSnapshotBroken).
 *
 * All that firn adds to a machine is named firn-RUN-..., where RUN is the random id of one
 * struct vm, and lies in a folder of the same name, which a living firn keeps locked: so each
 * can tell what a dead one has left.  The bitmaps that begin are named firn-TAG-RUN; they begin
 * a little before the moment, and so name a little more.  Only QEMU 7.1 and later can do this
 * (VmTooOld). */
#ifndef VM_H
#define VM_H

#include "running.h"

enum {
    VM_COMMAND_MS = 30 * 1000, /* how long QEMU may take for one command */
    VM_WRITE_MS = 20 * 1000,   /* how long a guest's write may wait for the scratch file */
    VM_BITMAPS_MAX = 1024      /* of a disk that are looked at */
};

/* Connect to the monitor's socket.  Scratch files lie in firn's state without options.scratch,
 * or in /var/tmp where QEMU runs as another user; command_ms is VM_COMMAND_MS.
 *
 * QmpUnreachable and its kin; VmBusy: another firn is at work; VmTooOld; VmDiskUnknown: a
 * name that no disk has; VmNoDisks.  Drives that are empty, read-only or firmware are no
 * disks.  Later also VmIothread: this QEMU would crash; VmScratchDenied: it cannot open files
 * in the folder for them. */
struct err *vm_open(const char *socket, const struct running_options *o,
    struct running **ret) must_use;

#endif
