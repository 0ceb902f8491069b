/* SPDX-License-Identifier: Apache-2.0 */
/* doctor.h -- what every doctor does and says: firn doctor, which looks at machines from
 * outside, and firn-extension doctor, which is inside of one.
 *
 * From a code, an article or nothing come the causes that are looked at (doctor_causes);
 * runbook_run looks and repairs; its report is told in the same words everywhere
 * (doctor_show), and means the same exit status (doctor_judge).  Which operation is tried
 * again, and where values of variables come from, is the caller's own. */
#ifndef DOCTOR_H
#define DOCTOR_H

#include "article.h"
#include "runbook.h"
#include "target.h"
#include "text.h"

/* What is known of a failure: the variables that it had with this code go to ${ret}, borrowed;
 * returns how many there are. */
struct doctor_facts {
    size_t (*args)(void *arg, const char *code, struct err_arg ret[ERR_MAX_ARGS]);
    void *arg;
};

/* The causes that are looked at, with their plans.  Starts as { 0 }. */
struct doctor_causes {
    struct runbook_candidate *item;
    size_t n;
    struct plan **plans; /* what the items lend: owned, and the names too */
    char **codes;
};

/* The article ${code}; or ${a}, of the file ${path} (ArticleNotText and ArticleEmpty when there
 * is nothing in it that a doctor could do); or, both NULL, every article of firn's
 * own that is about such a machine and has a repair, also those whose probe cannot be made on
 * ${t}, with the reason.  ${facts} may be NULL. */
struct err *doctor_causes(const struct target *t, const char *code, const struct article *a,
    const char *path, const struct doctor_facts *facts, struct doctor_causes *ret) must_use;
void doctor_causes_done(struct doctor_causes *d);

/* For .find of the runbook: add firn's own article ${code}, with variables from ${why} or,
 * where that is NULL, from ${facts} (may be NULL).  *ret = NULL when there is none, or none
 * that can be looked at or acted on at ${t}; else lent by ${d}. */
struct err *doctor_cause_add(struct doctor_causes *d, const struct target *t, const char *code,
    const struct err *why, const struct doctor_facts *facts,
    const struct runbook_candidate **ret) must_use;

/* Is this code one of theirs? */
bool doctor_has_cause(const struct doctor_causes *d, const char *code);

/* "config,service" as bits, 1 << RISK_...; NULL is none.  UsageWrong. */
struct err *doctor_consent(const char *list, unsigned *ret) must_use;

/* The steps ${list}, "2,5", are done: a person says so.  NULL is none.  ${list} is lent until
 * the causes are done.  UsageWrong unless there is one cause, in whose plan each of them is for
 * a person. */
struct err *doctor_done(struct doctor_causes *d, const char *list) must_use;

/* "--name=value" behind what ${t} holds, as a shell reads it; nothing where ${value} is
 * NULL. */
void doctor_add_option(struct text *t, const char *name, const char *value);

/* What a person is asked about a step of theirs, ending with "Is it done? [y/N] ". */
struct err *doctor_question_done(const char *what, char **ret) must_use;

/* Two lines for a person who is asked about one step, ending with "Do it? [y/N] ". */
struct err *doctor_question(const struct action *a, const char *change, char **ret) must_use;

/* Read the answer from standard input: a yes; everything else is a no. */
bool doctor_answer(void);

/* The report for people, to be escaped by who prints it.  ${command} is how this doctor is
 * called for this machine, ${works} a line for an operation that works again (NULL: none). */
void doctor_show(const struct target *t, const struct runbook_report *r, const char *command,
    const char *works, struct text *to);

/* What the outcome means for the exit status: a failure, or *ret_warning (else NULL), which
 * the caller owns. */
struct err *doctor_judge(const struct target *t, const struct runbook_report *r,
    struct err **ret_warning) must_use;

#endif
