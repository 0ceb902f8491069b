/* SPDX-License-Identifier: Apache-2.0 */
/* machine_internal.h -- what the files behind machine_plan.h share about QEMU's arguments. */
#ifndef MACHINE_INTERNAL_H
#define MACHINE_INTERNAL_H

#include "machine_plan.h"
#include "qargs.h"
#include "qopt.h"

/* A list of strings, owned. */
struct strings {
    char **s;
    size_t n;
};
struct err *strings_add(struct strings *l, const char *s) must_use;
bool strings_has(const struct strings *l, const char *s);
void strings_done(struct strings *l);

struct qemu {
    const struct machine_plan *p;
    struct qargs args;
    struct strings absent; /* nodes and drives that are left out */
    struct strings made, was; /* names given in the folder, and of what: pairs */
};

/* Tell of one thing; ${format} as printf's. */
void qemu_changed(const struct qemu *q, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Takes ${e}. */
void qemu_warn(const struct qemu *q, struct err *e);
/* "-option value", for messages, to be freed; NULL: no memory. */
char *qemu_words(const struct qarg *a);

/* Parse the argument's value; false: there is none, or it has no such form. */
struct err *qemu_parse(const struct qarg *a, const char *implied, struct qopt *ret,
    bool *ret_is) must_use;
/* Make ${o} the argument's value. */
struct err *qemu_put(struct qarg *a, const struct qopt *o) must_use;

/* ---- qemu_paths.c ---- */

/* ${path} as an absolute one. */
struct err *qemu_absolute(const struct qemu *q, const char *path, char **ret) must_use;
/* Do both name the same file? */
struct err *qemu_same_file(const struct qemu *q, const char *a, const char *b,
    bool *ret) must_use;
/* A name in the folder, for a file that QEMU makes, that nothing else has; the same one for the
 * same path. */
struct err *qemu_made(struct qemu *q, const char *path, char **ret) must_use;
/* Files that QEMU reads, sockets and files that it makes, and what is bound to the host. */
struct err *qemu_paths(struct qemu *q) must_use;

/* ---- qemu_blocks.c, qemu_drives.c ---- */

/* The value of -blockdev or -drive that is the restored disk: ${start}, then its file. */
struct err *qemu_disk_value(const char *start, const char *file_key, const char *format_key,
    const struct machine_disk *d, char **ret) must_use;
/* -blockdev */
struct err *qemu_blocks(struct qemu *q) must_use;
/* -drive and its short forms, then the devices of what is left out */
struct err *qemu_drives(struct qemu *q) must_use;

/* Warn of disks that nothing used. */
void machine_warn_of_unused(struct qemu *q);

/* ---- qemu_names.c ---- */

enum { MACHINE_UUID_TEXT = 37, MACHINE_MAC_TEXT = 18 };

struct err *machine_new_uuid(char to[MACHINE_UUID_TEXT]) must_use;
/* Of the same maker as ${was}, where that is an address; else of QEMU's. */
struct err *machine_new_mac(const char *was, char to[MACHINE_MAC_TEXT]) must_use;

/* A new name, UUID and network addresses. */
struct err *qemu_names(struct qemu *q) must_use;

#endif
