/* SPDX-License-Identifier: Apache-2.0 */
/* domain.h -- a machine that libvirt keeps, as running.h has it, by libvirt's own backup jobs
 * and checkpoints.
 *
 * The moment is the begin of a backup job, which makes a checkpoint and the bitmaps of it with
 * the same transaction: bitmap and point are of one moment.  Checkpoint and bitmaps are named
 * firn-TAG-RUN.  Checkpoints and jobs of other programs are left alone (DomainBusy).
 *
 * Unlike with QEMU's monitor (vm.h) a full scratch file is not only the copy's loss: QEMU stops
 * the machine.  The process that speaks to libvirt watches for that, ends the job and lets the
 * machine go on (DomainHeldUp); while firn itself is alive or not.
 *
 * Disks whose image is not qcow2 get no bitmap, since libvirt keeps them in images alone; they
 * are read whole each time.
 *
 * A machine that is off (running.off) has nothing to prepare, track or cut, and its sources are
 * its images. */
#ifndef DOMAIN_H
#define DOMAIN_H

#include "running.h"

/* ${address} as virt_link.h has it.  Scratch files lie in /var/tmp without options.scratch.
 *
 * LibvirtMissing and its kin, DomainMissing, DomainElsewhere, DomainBusy; VmBusy: another firn
 * is at work; VmDiskUnknown, VmNoDisks.  CD-ROMs, floppies, empty drives and disks that are
 * read-only are no disks. */
struct err *domain_open(const char *address, const struct running_options *o,
    struct running **ret) must_use;

#endif
