/* SPDX-License-Identifier: Apache-2.0 */
/* number.h -- numbers that people type, and times as they read them. */
#ifndef NUMBER_H
#define NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/* Decimal digits and nothing else; false when it is no number or does not fit. */
bool number_parse(const char *s, uint64_t *ret);

/* As number_parse, for hex digits of either case, without a prefix. */
bool number_parse_hex(const char *s, uint64_t *ret);

/* As number_parse, with an optional K, M, G or T (powers of 1024, "KiB" and the like too). */
bool number_parse_size(const char *s, uint64_t *ret);

enum { NUMBER_TIME_MAX = 40 };

/* Nanoseconds since 1970 as RFC 3339 in UTC, "2025-03-01T12:00:00Z"; a fraction of a second
 * is left out.  A time that a calendar cannot hold is shown as the nearest that it can. */
void number_time(char to[NUMBER_TIME_MAX], int64_t ns);

#endif
