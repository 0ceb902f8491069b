/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_internal.h -- the parts of firn doctor: which machine, which causes, which operation
 * is tried again, and how it is told. */
#ifndef DOCTOR_INTERNAL_H
#define DOCTOR_INTERNAL_H

#include "cmd.h"
#include "last.h"
#include "runbook.h"
#include "target.h"

/* The causes that are looked at, with their plans. */
struct doctor_causes {
    struct runbook_candidate *item;
    size_t n;
    struct plan **plans; /* what the items lend: owned, and the names too */
    char **codes;
};

/* The article ${code}; or that in the file ${file}; or, both NULL, every article of firn's own
 * whose probe can be made on ${t} and that has a repair.  Variables are filled from ${last}
 * (may be NULL). */
struct err *doctor_causes(struct cmd *c, const struct target *t, const char *code,
    const char *file, const struct last *last, struct doctor_causes *ret) must_use;
void doctor_causes_done(struct doctor_causes *d);

/* The operation that is tried again. */
struct doctor_retry {
    struct cmd *c;
    const struct last *last;
    struct target *guest;      /* whose agent the operation needs, too; NULL: none */
    struct vault_point *point; /* what the last try made, or NULL */
};

/* Is the last failure one that trying again can prove?  A backup that failed with one of the
 * causes' codes is, where its words and its folder are still good, while the machine runs that
 * it needs (the caller looks). */
bool doctor_can_retry(const struct last *last, const struct doctor_causes *d);

/* The retry of runbook.h; arg is a struct doctor_retry. */
struct err *doctor_try_again(struct doctor_retry *r, struct err **ret_why) must_use;

/* The report for people. */
void doctor_show(struct cmd *c, const struct target *t, const struct runbook_report *r,
    const struct vault_point *point);

#endif
