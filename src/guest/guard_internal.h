/* SPDX-License-Identifier: Apache-2.0 */
/* guard_internal.h -- what firn and its guard say to each other: one JSON object on a line.
 *
 *     {"do": "freeze", "ms": 10000, "mounts": ["/a"] or null,
 *      "helper": program of the extension, or null}               firn, once
 *     {"do": "thaw"}                                             firn, once, after "frozen"
 *     {"is": "ready"}
 *     {"is": "frozen", "n": 2, "asked": ns, "at": ns}
 *     {"is": "trying", "ms": 1000}              about to ask for the thaw, and silent so long
 *     {"is": "thawed", "early": bool, "counted": bool, "n": 2, "asked": ns, "at": ns}
 *     {"is": "failed", "error": {...}}          as err_json has it
 *
 * The guard ends after "thawed" and "failed". */
#ifndef GUARD_INTERNAL_H
#define GUARD_INTERNAL_H

#include <jansson.h>

#include "clock.h"
#include "err.h"
#include "line.h"

/* *ret_state as of line.h; takes ${what}. */
struct err *guard_say(struct line *l, json_t *what, struct deadline by,
    enum line_state *ret_state) must_use;

/* *ret is NULL when none came, as *ret_state says, or when it was no object: LINE_LONG. */
struct err *guard_hear(struct line *l, struct deadline by, json_t **ret,
    enum line_state *ret_state) must_use;

/* Its member ${name}, "" when it has none; and 0. */
const char *guard_word(const json_t *o, const char *name);
int64_t guard_integer(const json_t *o, const char *name);

#endif
