/* SPDX-License-Identifier: Apache-2.0 */
/* outcome.h -- a failure in the words of status files and of --json, without the JSON
 * library that err_json.h needs. */
#ifndef OUTCOME_H
#define OUTCOME_H

#include "doc.h"
#include "err.h"

/* "message (because: message ...)", in one line. */
struct err *outcome_message(const struct err *e, char **ret) must_use;

/* The object of its variables, as DESIGN has it: {name: value}. */
struct err *outcome_facts(const struct err *e, char **ret) must_use;

/* The failure as err_json gives it: {code, number, class, message, facts, os, cause, also}. */
void outcome_put(struct doc_out *o, const char *name, const struct err *e);

#endif
