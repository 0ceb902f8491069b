/* SPDX-License-Identifier: Apache-2.0 */
/* machine_plan.h -- a machine's definition, made to fit disks that were restored.
 *
 * The definition comes out of a vault and is a stranger's: it is parsed within limits, and
 * nothing of it is run here.  What is made of it names the restored disks and no disk of the
 * old machine that could be written to; sockets and files that QEMU makes lie in the folder of
 * the restore, so that the old machine, should it run, keeps its own.  What cannot be carried
 * over is told by warnings: MachineDiskAbsent, MachineDiskUnused, MachinePathMissing,
 * MachinePartOfHost, MachinePortShared. */
#ifndef MACHINE_PLAN_H
#define MACHINE_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "auto.h"
#include "bytes.h"
#include "err.h"
#include "text.h"

enum {
    MACHINE_LEN_MAX = 1 << 20, /* bytes of a definition */
    MACHINE_ARGS_MAX = 8192,   /* arguments */
    MACHINE_ITEMS_MAX = 512,   /* parts of one argument */
};

struct machine_disk {
    const char *name; /* in the point */
    const char *node, *drive, *file; /* how the definition means it; NULL: not so */
    const char *path;   /* where it was restored, absolute */
    const char *format; /* "raw", "qcow2" */
    bool flash;         /* what the firmware keeps */
    bool used;          /* set: the definition has it */
};

struct machine_plan {
    const char *machine; /* for messages */
    const char *folder;  /* of the restored machine, absolute */
    const char *was;     /* from which the definition names files; NULL: not known */
    const char *name;    /* the new one, with new UUID and network addresses; NULL: all of these
                          * stay */
    struct machine_disk *disks;
    size_t ndisks;
    void (*warn)(void *arg, struct err *warning);       /* takes it */
    void (*changed)(void *arg, const char *what);       /* one thing in words, on one line;
                                                         * NULL: no memory for them */
    void *arg;
};

/* ${args}, each with a NUL behind it, as new ones of the same form, added to *ret.
 * DefinitionUnclear when they are none. */
struct err *machine_of_qemu(struct view args, const struct machine_plan *p,
    struct text *ret) must_use;

/* The same of a domain in libvirt's XML. */
struct err *machine_of_domain(struct view xml, const struct machine_plan *p,
    struct text *ret) must_use;

#endif
