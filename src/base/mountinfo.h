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
    char *options;         /* of this mount alone: "rw,noexec" */
    char *super;           /* the file system's: "rw,errors=continue" */
};

/* Cuts ${line} up, which has no newline; false when it is no such line. */
bool mountinfo_parse(char *line, struct mountinfo *ret);

/* The mount that ${path}, which has no links in it, lies on: the deepest, and of two at one
 * place the later, which hides the other.  Cuts ${text} up, a whole mountinfo; false when there
 * is none. */
bool mountinfo_find(char *text, const char *path, struct mountinfo *ret);

/* Does ${path} lie at or below the mount point ${point}? */
bool mountinfo_holds(const char *point, const char *path);

/* Is ${name} one of these options? */
bool mountinfo_has(const char *options, const char *name);

/* Is the file system itself, and not this mount of it alone, read-only? */
bool mountinfo_read_only(const struct mountinfo *m);

/* Is it the kernel's own file system on a device: what the extension freezes and a snapshot of
 * disks holds? */
bool mountinfo_on_device(const struct mountinfo *m);

#endif
