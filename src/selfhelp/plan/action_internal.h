/* SPDX-License-Identifier: Apache-2.0 */
/* action_internal.h -- what the files of action.h share: the types of parameters, and
 * parameters by their place in the kind. */
#ifndef ACTION_INTERNAL_H
#define ACTION_INTERNAL_H

#include "action.h"

/* ---- types (action_type.c) ---- */

/* Is ${s} of the type of ${p}?  One with {variables} is checked when they are filled. */
bool action_value_ok(const struct action_param *p, const char *s);
/* Is ${data} what a registry value of ${type} can hold? */
bool action_data_ok(const char *type, const char *data);

/* ---- parameters (action.c) ---- */

/* -1: the kind has none of that name. */
int action_param_index(const struct action_kind *kind, const char *name);
/* Set parameter ${i}; after a fault it is as it was. */
enum action_fault action_put_at(struct action *a, int i, const char *value);
/* The first required parameter that is not given, or NULL. */
const struct action_param *action_missing(const struct action *a);
/* What is typed by another parameter is of that type. */
bool action_consistent(const struct action *a);

#endif
