/* SPDX-License-Identifier: Apache-2.0 */
/* show.h -- a recovery point as JSON, and pieces of text about it. */
#ifndef SHOW_H
#define SHOW_H

#include <jansson.h>

#include "vault.h"

/* A string that may not be UTF-8, as JSON can hold it; null for NULL. */
json_t *show_string(const char *s);

/* {id, machine, time, consistency, verified, ...}; NULL when memory is short. */
json_t *show_point_json(const struct vault_point *p);

/* "crash", "filesystem", "application". */
const char *show_consistency(enum vault_consistency c);

/* The sum of its disks' sizes. */
uint64_t show_point_size(const struct vault_point *p);

#endif
