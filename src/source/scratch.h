/* SPDX-License-Identifier: Apache-2.0 */
/* scratch.h -- the folder of one run: scratch files, named by their disk's number, and the
 * socket "nbd" that QEMU listens at.  It is named firn-RUN, RUN being random; only QEMU's user
 * (and we, as root) can enter it, and it is locked as long as its owner lives. */
#ifndef SCRATCH_H
#define SCRATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"

struct ucred;

enum {
    SCRATCH_RUN_LEN = 12, /* hex digits */
    SCRATCH_PART = 16     /* free space must be at least the disks' size by this */
};

/* Starts as { .fd = -1 }. */
struct scratch {
    char *where; /* the folder is made in it */
    char run[SCRATCH_RUN_LEN + 1];
    char *path;  /* the folder; NULL: none yet */
    int fd;      /* ... locked; -1: none */
    bool other;  /* QEMU runs as another user than we: */
    uid_t uid;
    gid_t gid;
};

/* Where the run's folder is made: ${folder}; NULL: firn's own state where QEMU runs as our
 * user (${qemu}; NULL: it does), else /var/tmp, which each user can enter. */
struct err *scratch_where(struct scratch *s, const char *folder,
    const struct ucred *qemu) must_use;

/* Make the run's folder and lock it; QEMU's user may work in it.  It chooses the run's id. */
struct err *scratch_make(struct scratch *s) must_use;

/* Enough room for copies of disks of ${total} bytes: VmScratchSmall. */
struct err *scratch_room(const struct scratch *s, uint64_t total) must_use;

/* Make the scratch file of disk ${i}; *ret_path is the caller's. */
struct err *scratch_file(const struct scratch *s, size_t i, uint64_t size,
    char **ret_path) must_use;

/* Bytes that are free there. */
struct err *scratch_free_bytes(const struct scratch *s, uint64_t *ret) must_use;

/* The run whose folder is ${path}: does its firn live?  A dead one's is locked by us in *ret
 * (fd -1: it is gone). */
struct err *scratch_owner(const char *path, bool *ret_lives, struct scratch *ret) must_use;

/* Remove the folder with what is ours in it, and unlock it. */
void scratch_remove(struct scratch *s);

/* What scratch_remove would have removed stays. */
void scratch_done(struct scratch *s);

/* Remove the folders of dead runs that lie in ${folder}.  One whose files a QEMU has open
 * stays: who next opens that machine asks about it.  What cannot be removed stays, too. */
void scratch_sweep(const char *folder);

/* The same in both places that scratch_where chooses by itself. */
void scratch_sweep_usual(void);

#endif
