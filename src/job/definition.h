/* SPDX-License-Identifier: Apache-2.0 */
/* definition.h -- what makes a machine of a point's disks again: its definition (the arguments
 * of its QEMU, or libvirt's XML) and the variables that its firmware keeps.
 *
 * In a point each of these is one more small disk, which a fact tells from the machine's own
 * (firn-vault(5), FACTS): so it is sealed, checked and mended like everything else, only who
 * may read data can read it, and a firn that knows nothing of it restores it as a file.  Facts
 * of the machine's disks say by which names the definition means them. */
#ifndef DEFINITION_H
#define DEFINITION_H

#include <sys/types.h>

#include "bytes.h"
#include "chain.h"
#include "clock.h"
#include "err.h"
#include "vault.h"

struct backup_aside;
struct backup_disk;
struct running;

enum definition_kind {
    DEFINITION_NONE,    /* a disk of the machine */
    DEFINITION_QEMU,    /* QEMU's arguments, each with a NUL behind it, its own name first */
    DEFINITION_LIBVIRT, /* the domain as libvirt's XML */
    DEFINITION_NVRAM,   /* what the firmware keeps */
    DEFINITION_OTHER,   /* of a later firn */
};

enum {
    DEFINITION_LEN_MAX = 1 << 20,   /* bytes of arguments or XML */
    DEFINITION_NVRAM_MAX = 64 << 20, /* bytes of one chip */
    DEFINITION_PARTS_MAX = 8,
};

/* What a backup has gathered; starts as { 0 }. */
struct definition {
    const char *machine; /* for messages, borrowed */
    struct backup_aside *parts;
    size_t nparts;
    struct err *missing[DEFINITION_PARTS_MAX + 1]; /* MachineUnread, NvramUnread: for whoever
                                                    * warns, by take() */
    size_t nmissing;
};

/* Before the moment: what defines the running machine ${r}.  That it could not be had is no
 * failure, but missing. */
struct err *definition_of(struct definition *d, struct running *r,
    const char *machine) must_use;

/* At the moment: what its firmware keeps. */
struct err *definition_of_firmware(struct definition *d, struct running *r,
    struct deadline by) must_use;

/* After it: give the parts names that none of the disks has, and say in ${facts} of the point
 * what is missing. */
struct err *definition_close(struct definition *d, const struct backup_disk *disks,
    size_t ndisks, struct chain_facts *facts) must_use;

/* ${e}, NULL or what came of gathering a part, is what is missing; OutOfMemory stays a
 * failure. */
struct err *definition_lacks(struct definition *d, struct err *e) must_use;

/* Keep ${len} bytes, copied.  InputInvalid when they are too many. */
struct err *definition_add(struct definition *d, enum definition_kind kind, const void *data,
    size_t len) must_use;

/* A fact of the part that was added last.  One that is too long for a point, or NULL, is left
 * out. */
struct err *definition_fact(struct definition *d, const char *name, const char *value) must_use;

/* The arguments of process ${qemu}, and the folder from which they name files.
 * MachineUnread. */
struct err *definition_of_process(struct definition *d, pid_t qemu) must_use;

/* Facts of a disk or of the part added last: how the definition means it. */
struct definition_names {
    const char *node, *drive, *file; /* QEMU's node, drive, and the file; "" or NULL: none */
};
struct err *definition_name_disk(const struct definition_names *names,
    struct chain_facts *to) must_use;

void definition_done(struct definition *d);

/* ---- of a point ---- */

enum definition_kind definition_kind(const struct vault_disk *disk);

/* The part of the point that defines its machine, NULL: none that this firn knows. */
const struct vault_disk *definition_of_point(const struct vault_point *p);

/* "qemu-arguments", "libvirt-xml", "nvram". */
const char *definition_word(enum definition_kind kind);

/* The facts that definition_name_disk gave; absent ones are NULL.  Borrowed. */
struct definition_names definition_names_of(const struct vault_disk *disk);

#define DEFINITION_PART "machine.part"
#define DEFINITION_FOLDER "machine.folder"

#endif
