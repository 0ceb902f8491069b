/* SPDX-License-Identifier: Apache-2.0 */
/* clock.c -- two clocks, a moment, and the calendar of RFC 3339.
 *
 * The calendar is computed here (days since 1970 by the rule of 400 years): timegm depends
 * on nothing either, but takes months and days that do not exist without a word. */
#include <limits.h>
#include <stdio.h>
#include <time.h>

#include "clock.h"

static int64_t
read_clock(clockid_t id)
{
    struct timespec t;

    (void)clock_gettime(id, &t);
    return (int64_t)t.tv_sec * CLOCK_S + t.tv_nsec;
}

int64_t
clock_mono_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t
clock_real_ns(void)
{
    return read_clock(CLOCK_REALTIME);
}

struct deadline
deadline_never(void)
{
    return (struct deadline){ INT64_MAX };
}

struct deadline
deadline_in_ms(int64_t ms)
{
    int64_t ns, at;

    if (__builtin_mul_overflow(ms, CLOCK_MS, &ns) ||
        __builtin_add_overflow(clock_mono_ns(), ns, &at))
        return deadline_never();
    return (struct deadline){ at };
}

bool
deadline_passed(struct deadline by)
{
    return by.at_ns != INT64_MAX && clock_mono_ns() >= by.at_ns;
}

struct deadline
deadline_first(struct deadline a, struct deadline b)
{
    return a.at_ns < b.at_ns ? a : b;
}

int
deadline_poll_ms(struct deadline by)
{
    if (by.at_ns == INT64_MAX)
        return -1;
    int64_t left = by.at_ns - clock_mono_ns();
    if (left <= 0)
        return 0;
    int64_t ms = (left - 1) / CLOCK_MS + 1;
    return ms > INT_MAX ? INT_MAX : (int)ms;
}

/* Exactly ${n} digits at *s, which moves on. */
static bool
digits(const char **s, unsigned n, int *ret)
{
    int v = 0;

    for (; n > 0; n--, (*s)++) {
        if (**s < '0' || **s > '9')
            return false;
        v = v * 10 + (**s - '0');
    }
    *ret = v;
    return true;
}

static bool
skip(const char **s, const char *any_of)
{
    for (; *any_of != '\0'; any_of++) {
        if (**s == *any_of) {
            (*s)++;
            return true;
        }
    }
    return false;
}

static int
month_days(int year, int month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month - 1] + (month == 2 && leap);
}

/* Days from 1970-01-01; years begin in March, so that the leap day is the last one. */
static int64_t
days_since_1970(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = y / 400, of_era = y % 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static bool
parse_fraction(const char **s, int64_t *ret_ns)
{
    int64_t ns = 0, unit = CLOCK_S / 10;
    int digit;

    *ret_ns = 0;
    if (!skip(s, "."))
        return true;
    if (**s < '0' || **s > '9')
        return false;
    for (; **s >= '0' && **s <= '9'; unit /= 10) {
        if (unit == 0 || !digits(s, 1, &digit))
            return false;
        ns += digit * unit;
    }
    *ret_ns = ns;
    return true;
}

static bool
parse_offset(const char **s, int64_t *ret_s)
{
    bool west = **s == '-';
    int h, min;

    *ret_s = 0;
    if (skip(s, "Zz"))
        return true;
    if (!skip(s, "+-") || !digits(s, 2, &h) || !skip(s, ":") || !digits(s, 2, &min) || h > 23 ||
        min > 59)
        return false;
    *ret_s = (h * 60 + min) * 60 * (west ? -1 : 1);
    return true;
}

bool
clock_parse(const char *s, int64_t *ret_ns)
{
    int year, month, day, h, min, sec;
    int64_t fraction, offset;

    if (!digits(&s, 4, &year) || !skip(&s, "-") || !digits(&s, 2, &month) || !skip(&s, "-") ||
        !digits(&s, 2, &day) || !skip(&s, "Tt ") || !digits(&s, 2, &h) || !skip(&s, ":") ||
        !digits(&s, 2, &min) || !skip(&s, ":") || !digits(&s, 2, &sec) ||
        !parse_fraction(&s, &fraction) || !parse_offset(&s, &offset) || *s != '\0')
        return false;
    /* 60 is a leap second, which no clock here counts */
    if (year < 1678 || year > 2261 || month < 1 || month > 12 || day < 1 ||
        day > month_days(year, month) || h > 23 || min > 59 || sec > 60)
        return false;
    int64_t t = days_since_1970(year, month, day) * 86400 + h * 3600 + min * 60 + sec - offset;
    *ret_ns = t * CLOCK_S + fraction;
    return true;
}

void
clock_duration(char to[CLOCK_DURATION_MAX], int64_t ns)
{
    int64_t s;

    if (ns < 0)
        ns = 0;
    if (ns < 10 * CLOCK_S) {
        int64_t tenths = ns / (CLOCK_S / 10);
        snprintf(to, CLOCK_DURATION_MAX, "%d.%d s", (int)(tenths / 10), (int)(tenths % 10));
        return;
    }
    s = ns / CLOCK_S;
    if (s < 60)
        snprintf(to, CLOCK_DURATION_MAX, "%d s", (int)s);
    else if (s < 3600)
        snprintf(to, CLOCK_DURATION_MAX, "%d min %d s", (int)(s / 60), (int)(s % 60));
    else if (s < 86400)
        snprintf(to, CLOCK_DURATION_MAX, "%d h %d min", (int)(s / 3600), (int)(s / 60 % 60));
    else
        snprintf(to, CLOCK_DURATION_MAX, "%d d %d h", (int)(s / 86400), (int)(s / 3600 % 24));
}
