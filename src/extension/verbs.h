/* SPDX-License-Identifier: Apache-2.0 */
/* verbs.h -- what firn-extension can do: one table, which the help reads too.
 *
 * The handler's verbs (install, enable, update, disable, uninstall, reset) are those that an
 * agent calls; each leaves a status file, whatever becomes of the process that should write
 * it.  A new verb is a line in verbs.c; one that reads its own options says so and gets the
 * words as they came. */
#ifndef VERBS_H
#define VERBS_H

#include <stdbool.h>
#include <stdint.h>

#include "doc.h"
#include "err.h"

struct call {
    const char *root, *package, *folder, *digest; /* options, NULL when not given */
    bool json;
    int64_t deadline_s;  /* 0: not given */
    char **words;        /* after the verb */
    int nwords;
    int exit_status;     /* for a result that is no failure of the program */
    struct text out;     /* what goes to standard output */
};

struct verb {
    const char *name, *arguments, *brief;
    int words;        /* how many it takes; -1: any, and its options are its own */
    bool hidden;      /* not for people */
    struct err *(*run)(struct call *c);
};

extern const struct verb verbs[];
extern const unsigned verbs_len;

/* The folder of the version that a call means: --folder, the latest of --package, or the
 * one that the program itself lies in.  PackageMissing. */
struct err *verbs_folder(const struct call *c, char **ret) must_use;

/* verbs_handler.c */
struct err *verb_install(struct call *c);
struct err *verb_enable(struct call *c);
struct err *verb_update(struct call *c);
struct err *verb_disable(struct call *c);
struct err *verb_uninstall(struct call *c);
struct err *verb_reset(struct call *c);
struct err *verb_prepare(struct call *c);
struct err *verb_supervise(struct call *c);

#endif
