/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_internal.h -- what firn doctor does beside looking and repairing: which
 * operation it tries again (the backup that failed), and the rehearsal of one that has not
 * begun. */
#ifndef DOCTOR_INTERNAL_H
#define DOCTOR_INTERNAL_H

#include "cmd.h"
#include "doctor.h"
#include "last.h"
#include "target.h"

/* Is the TARGET a running machine, whose backup is rehearsed? */
bool doctor_rehearses(const char *target);

/* RehearsalFails; what would only be weaker is a warning. */
struct err *doctor_rehearse(struct cmd *c, const char *target) must_use;

/* The operation that is tried again. */
struct doctor_retry {
    struct cmd *c;
    const struct last *last;   /* NULL: nothing is tried again */
    struct target *guest;      /* whose agent the operation needs, too; NULL: none */
    struct vault_point *point; /* what the last try made, or NULL */
    size_t warnings;           /* the command's before the first try, and ... */
    int weaker;                /* ... what they mean for its exit status */
};

/* Is the last failure one that trying again can prove?  A backup that failed with one of the
 * causes' codes is, where its words and its folder are still good, while the machine runs that
 * it needs (the caller looks). */
bool doctor_can_retry(const struct last *last, const struct doctor_causes *d);

/* The retry of runbook.h; arg is a struct doctor_retry. */
struct err *doctor_try_again(struct doctor_retry *r, struct err **ret_why) must_use;

#endif
