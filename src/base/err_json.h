/* SPDX-License-Identifier: Apache-2.0 */
/* err_json.h -- a failure as JSON, for --json and for the job history.
 *
 * The failure is {code, number, class, message, facts, os, cause, also}: facts are the
 * article's variables as they were given (sizes in bytes), os is {kind, number} or null,
 * cause is the next failure or null, also a list.  A string that is not UTF-8 comes with
 * \xNN for its odd bytes, since JSON cannot hold them. */
#ifndef ERR_JSON_H
#define ERR_JSON_H

#include <jansson.h>

#include "err.h"

/* {"error": {...}}; NULL when memory is short.  The caller owns it. */
json_t *err_json(const struct err *e);

/* The failure that a process of ours wrote with err_json, from its "error" object: codes,
 * facts, the system's numbers and causes; not where it happened.  NULL when it
 * is none that this firn has. */
enum { ERR_JSON_CAUSES_MAX = 8 }; /* that are read; further ones are dropped */
struct err *err_json_read(const json_t *failure) must_use;

/* One entry of a "warnings" list: {code, number, message, facts}. */
json_t *err_json_warning(const struct err *e);

#endif
