/* SPDX-License-Identifier: Apache-2.0 */
/* last.h -- the last failure, kept between runs: `firn explain` fills an article's variables
 * from it, and `firn doctor` retries the command that it came from.
 *
 * It is a convenience: where it cannot be kept or read, everything else works as without. */
#ifndef LAST_H
#define LAST_H

#include <jansson.h>

#include "auto.h"
#include "err.h"

struct last;

/* Keep ${e} and the command that gave it.  Wrong usage is not kept: there is nothing to
 * repair. */
void last_keep(int argc, char *const *argv, const struct err *e);

/* *ret is NULL when there is none that can be read. */
struct err *last_load(struct last **ret) must_use;
void last_free(struct last *l);
DEFINE_AUTO(last);

/* The variables with which the failure, or one of its causes, had this code; borrowed.
 * Returns how many there are, at most ERR_MAX_ARGS; 0 also when it was another failure. */
size_t last_args(const struct last *l, const char *code, struct err_arg ret[ERR_MAX_ARGS]);

/* The outermost code; borrowed. */
const char *last_code(const struct last *l);

/* The arguments behind the program's name, ending with NULL, and the folder in which it ran;
 * borrowed. */
const char *const *last_command(const struct last *l, size_t *ret_n, const char **ret_folder);

/* When it was, RFC 3339; borrowed. */
const char *last_time(const struct last *l);

#endif
