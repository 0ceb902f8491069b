/* SPDX-License-Identifier: Apache-2.0 */
/* number.h says what.  Nothing here looks at the locale. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bytes.h"
#include "number.h"

/* Digits from ${s} on; *ret_end is behind the last one. */
static bool
digits(const char *s, uint64_t *ret, const char **ret_end)
{
    uint64_t v = 0;
    const char *p = s;

    for (; *p >= '0' && *p <= '9'; p++)
        if (!mul_ok(v, 10, &v) || !add_ok(v, (uint64_t)(*p - '0'), &v))
            return false;
    *ret = v;
    *ret_end = p;
    return p > s;
}

bool
number_parse(const char *s, uint64_t *ret)
{
    uint64_t v;
    const char *end;

    if (!digits(s, &v, &end) || *end != '\0')
        return false;
    *ret = v;
    return true;
}

bool
number_parse_hex(const char *s, uint64_t *ret)
{
    size_t n = strspn(s, "0123456789abcdefABCDEF");
    uint64_t v = 0;

    if (n == 0 || n > 16 || s[n] != '\0')
        return false;
    for (; *s != '\0'; s++)
        v = v << 4 | (uint64_t)(*s <= '9' ? *s - '0' : (*s | 0x20) - 'a' + 10);
    *ret = v;
    return true;
}

bool
number_parse_size(const char *s, uint64_t *ret)
{
    static const char unit[] = "KMGT";
    uint64_t v;
    const char *end, *at;

    if (!digits(s, &v, &end))
        return false;
    if (*end != '\0') {
        char letter = *end >= 'a' && *end <= 'z' ? (char)(*end - 'a' + 'A') : *end;

        at = strchr(unit, letter);
        if (at == NULL || (end[1] != '\0' && strcmp(end + 1, "iB") != 0) ||
            !mul_ok(v, UINT64_C(1) << (10 * (at - unit + 1)), &v))
            return false;
    }
    *ret = v;
    return true;
}

void
number_time(char to[NUMBER_TIME_MAX], int64_t ns)
{
    time_t s = (time_t)(ns / 1000000000 - (ns % 1000000000 < 0));
    struct tm tm;

    if (gmtime_r(&s, &tm) == NULL)
        memset(&tm, 0, sizeof(tm));
    (void)snprintf(to, NUMBER_TIME_MAX, "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900,
        tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
}
