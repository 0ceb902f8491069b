/* SPDX-License-Identifier: Apache-2.0 */
/* clock.h -- time that only runs forward, the moment by which a wait must end, and times as
 * they are written.
 *
 * Every wait of firn takes a struct deadline.  It is a moment, not a duration, so that one
 * deadline serves a whole chain of waits and none of them starts the count anew.  For the
 * other direction, a time for people to read, see number_time. */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLOCK_S INT64_C(1000000000)
#define CLOCK_MS INT64_C(1000000)

/* Nanoseconds of the monotonic clock: for durations and deadlines, never stored. */
int64_t clock_mono_ns(void);

/* Nanoseconds since 1970: for what is stored and shown. */
int64_t clock_real_ns(void);

/* A moment of the monotonic clock. */
struct deadline {
    int64_t at_ns; /* INT64_MAX: never */
};

struct deadline deadline_never(void);
struct deadline deadline_in_ms(int64_t ms);
bool deadline_passed(struct deadline by);

/* The earlier of two. */
struct deadline deadline_first(struct deadline a, struct deadline b);

/* What is left as poll(2) wants it: -1 for never, 0 when it passed, else milliseconds rounded
 * up. */
int deadline_poll_ms(struct deadline by);

/* A time by RFC 3339 ("2025-03-01T12:00:00Z", with up to nine digits of a second's fraction
 * and any offset) as nanoseconds since 1970; false when it is none, or before 1678 or after
 * 2261, where 64 bits end. */
bool clock_parse(const char *s, int64_t *ret_ns);

enum { CLOCK_DURATION_MAX = 32 };

/* "0.4 s", "12 s", "1 min 20 s", "3 h 5 min", "2 d 4 h". */
void clock_duration(char to[CLOCK_DURATION_MAX], int64_t ns);

#endif
