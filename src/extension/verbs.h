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

#include "clock.h"
#include "doc.h"
#include "err.h"

struct prepare;

struct call {
    const char *root, *package, *folder, *digest; /* options, NULL when not given */
    const char *article, *yes, *done, *order, *undo; /* of a doctor */
    bool json, apply;
    bool look;           /* of prepare: change nothing */
    int64_t deadline_s;  /* 0: not given */
    char **words;        /* after the verb */
    int nwords;
    int exit_status;     /* for a result that is no failure of the program */
    struct text out;     /* what goes to standard output */
    bool told;           /* with --json: it is the whole document, also after a failure */
};

enum verb_kind {
    VERB_PLAIN,
    VERB_LOOKER, /* takes --look, and then changes nothing */
    VERB_DOCTOR, /* has options of its own, and its words may be left out */
    VERB_HIDDEN  /* not for people */
};

struct verb {
    const char *name, *arguments, *brief;
    int words;        /* how many it takes; -1: any, and its options are its own */
    enum verb_kind kind;
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

/* Prepare, as the verb does it, with its status file, by then. */
struct err *verbs_prepare(const struct call *c, struct deadline by, struct prepare **ret)
    must_use;
/* What the status says of the last prepare or enable when that failed: its code, and the
 * object that prepare.h describes (or a note that it was too long).  Both are NULL when it did
 * not fail or there is none that can be read. */
struct err *verbs_last_failure(const struct call *c, char **ret_code, char **ret_detail)
    must_use;

/* verbs_status.c */
struct err *verb_status(struct call *c);

/* verbs_doctor.c */
struct err *verb_doctor(struct call *c);

/* verbs_resumed.c */
struct err *verb_resumed(struct call *c);
/* Of the next snapshot nothing is noted yet; then, how its applications went on (NULL: they
 * did), for verb_resumed.  What cannot be noted is not known. */
struct err *resumed_forget(void) must_use;
void resumed_note(const struct err *e);

/* verbs_freeze.c */
struct err *verb_freeze(struct call *c);
struct err *verb_thaw(struct call *c);

#endif
