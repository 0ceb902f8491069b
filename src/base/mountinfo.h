/* SPDX-License-Identifier: Apache-2.0 */
/* mountinfo.h -- a line of Linux's /proc/self/mountinfo, of this machine or of a guest. */
#ifndef MOUNTINFO_H
#define MOUNTINFO_H

#include <stdbool.h>
#include <stdint.h>

/* The fields that count.  Strings lie within the line. */
struct mountinfo {
    uint64_t id;           /* of the mount */
    uint32_t major, minor; /* of the file system's device; major 0: it has none of its own */
    char *point;           /* where it is mounted */
    char *type;            /* "ext4" */
    char *source;          /* what is mounted: "/dev/vda1", "server:/home", "tmpfs" */
    char *super;           /* the file system's options: "rw,errors=continue" */
};

/* Cuts ${line} up, which has no newline; false when it is no such line. */
bool mountinfo_parse(char *line, struct mountinfo *ret);

/* Is the file system itself, and not this mount of it alone, read-only? */
bool mountinfo_read_only(const struct mountinfo *m);

#endif
