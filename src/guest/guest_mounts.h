/* SPDX-License-Identifier: Apache-2.0 */
/* guest_mounts.h -- which file systems of a Linux guest a freeze holds still, and whether its
 * agent would freeze them in an order that can end.
 *
 * The agent freezes the file systems on block devices in the reverse of the order in which
 * they are listed.  A file system on a loop device writes to a file of another one while it
 * is being frozen: if that one is frozen first, the agent hangs in the kernel, hears no
 * request to thaw, and only a restart of the guest ends it.  That order comes about when the
 * lower one is mounted once more after the loop device was, also by a bind mount.  (The
 * extension goes by what lies on what: src/extension/freeze.h.) */
#ifndef GUEST_MOUNTS_H
#define GUEST_MOUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auto.h"
#include "clock.h"
#include "err.h"

struct qga;

enum {
    GUEST_MOUNTS_FILE_MAX = 1 << 20, /* bytes of mountinfo that are read */
    GUEST_MOUNTS_MAX = 1024,
    GUEST_MOUNTS_DEPTH = 16          /* loop devices on each other's file systems */
};

enum guest_mount_kind {
    GUEST_MOUNT_HELD,   /* the agent freezes it */
    GUEST_MOUNT_BOOT,   /* FAT for the firmware: cannot be frozen, and hardly ever changes */
    GUEST_MOUNT_UNABLE, /* on a disk of the machine, but its kind cannot be frozen */
    GUEST_MOUNT_REMOTE, /* its data is on no disk of the machine */
    GUEST_MOUNT_OTHER   /* memory, read-only, the kernel's own, layers on other mounts */
};

struct guest_mount {
    char *point, *type, *source;
    uint32_t major, minor;
    enum guest_mount_kind kind;
    char *file; /* of a loop device; NULL: it is none, or not known */
};

struct guest_mounts {
    struct guest_mount *item; /* as the guest lists them; those of GUEST_MOUNT_OTHER as well */
    size_t n;
};

/* From the bytes of a mountinfo, which are changed.  InputInvalid beyond the limits. */
struct err *guest_mounts_parse(char *text, struct guest_mounts *ret) must_use;

/* As the agent's files tell.  Failures of qga_read_file. */
struct err *guest_mounts_read(struct qga *g, struct deadline by,
    struct guest_mounts *ret) must_use;

/* The mount that ${path} lies on; NULL: none. */
const struct guest_mount *guest_mounts_of_path(const struct guest_mounts *l, const char *path);

/* The first loop device's that the agent would freeze after the file system that it lies on:
 * *ret_below, by the mount of it that would be frozen first.  NULL: the order is sound. */
const struct guest_mount *guest_mounts_unsafe(const struct guest_mounts *l,
    const struct guest_mount **ret_below);

void guest_mounts_done(struct guest_mounts *l);

#endif
