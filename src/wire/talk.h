/* SPDX-License-Identifier: Apache-2.0 */
/* talk.h -- what processes of firn's own say to each other: one JSON object on a line. */
#ifndef TALK_H
#define TALK_H

#include <jansson.h>

#include "clock.h"
#include "err.h"
#include "line.h"

/* *ret_state as of line.h; takes ${what}. */
struct err *talk_say(struct line *l, json_t *what, struct deadline by,
    enum line_state *ret_state) must_use;

/* A line of at most ${max} bytes.  *ret is NULL when none came, as *ret_state says, or when it
 * was no object: LINE_LONG. */
struct err *talk_hear(struct line *l, size_t max, struct deadline by, json_t **ret,
    enum line_state *ret_state) must_use;

/* Its member ${name}, "" when it has none; and 0. */
const char *talk_word(const json_t *o, const char *name);
int64_t talk_integer(const json_t *o, const char *name);

#endif
