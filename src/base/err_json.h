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

/* One entry of a "warnings" list: {code, number, message, facts}. */
json_t *err_json_warning(const struct err *e);

#endif
