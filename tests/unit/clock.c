/* SPDX-License-Identifier: Apache-2.0 */
/* Times as they are written, durations in words, deadlines. */
#include "check.h"

#include <limits.h>
#include <time.h>

#include "clock.h"

static void
times_parse(void **state)
{
    static const struct {
        const char *text;
        bool ok;
        int64_t s, ns;
    } cases[] = {
        { "1970-01-01T00:00:00Z", true, 0, 0 },
        { "2024-02-29T12:00:00Z", true, 1709208000, 0 },
        { "2025-03-01T12:00:00.5Z", true, 1740830400, 500000000 },
        { "2025-03-01T12:00:00.123456789+02:00", true, 1740823200, 123456789 },
        { "2025-03-01t12:00:00z", true, 1740830400, 0 },
        { "2025-03-01 12:00:00-00:30", true, 1740832200, 0 },
        { "1969-12-31T23:59:59Z", true, -1, 0 },
        { "2000-02-29T00:00:00Z", true, 951782400, 0 },
        { "2016-12-31T23:59:60Z", true, 1483228800, 0 },
        { "1900-02-29T00:00:00Z", false, 0, 0 },
        { "2025-02-29T00:00:00Z", false, 0, 0 },
        { "2025-00-01T00:00:00Z", false, 0, 0 },
        { "2025-13-01T00:00:00Z", false, 0, 0 },
        { "2025-04-31T00:00:00Z", false, 0, 0 },
        { "2025-04-30T24:00:00Z", false, 0, 0 },
        { "2025-04-30T23:60:00Z", false, 0, 0 },
        { "2025-04-30T23:00:00", false, 0, 0 },
        { "2025-04-30T23:00:00.Z", false, 0, 0 },
        { "2025-04-30T23:00:00.1234567890Z", false, 0, 0 },
        { "2025-04-30T23:00:00+24:00", false, 0, 0 },
        { "2025-04-30T23:00:00Z ", false, 0, 0 },
        { "1677-01-01T00:00:00Z", false, 0, 0 },
        { "2262-01-01T00:00:00Z", false, 0, 0 },
        { "", false, 0, 0 },
        { "2025", false, 0, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t got = 42, want = cases[i].ok ? cases[i].s * CLOCK_S + cases[i].ns : 42;
        if (clock_parse(cases[i].text, &got) != cases[i].ok || got != want)
            print_error("%s: %lld\n", cases[i].text, (long long)got);
        assert_int_equal(got, want);
    }
}

static void
every_day_agrees_with_the_c_library(void **state)
{
    (void)state;
    for (int64_t day = -100000; day < 100000; day += 13) {
        time_t t = (time_t)(day * 86400 + 3723);
        struct tm tm;
        char text[64];
        int64_t got;

        assert_non_null(gmtime_r(&t, &tm));
        assert_true(strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) > 0);
        assert_true(clock_parse(text, &got));
        assert_int_equal(got, (int64_t)t * CLOCK_S);
    }
}

static void
durations(void **state)
{
    static const struct {
        int64_t ns;
        const char *text;
    } cases[] = {
        { -5, "0.0 s" },
        { 449 * CLOCK_MS, "0.4 s" },
        { 9999 * CLOCK_MS, "9.9 s" },
        { 12 * CLOCK_S, "12 s" },
        { 80 * CLOCK_S, "1 min 20 s" },
        { 3 * 3600 * CLOCK_S + 5 * 60 * CLOCK_S, "3 h 5 min" },
        { 52 * 3600 * CLOCK_S, "2 d 4 h" },
        { INT64_MAX, "106751 d 23 h" },
    };
    char text[CLOCK_DURATION_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        clock_duration(text, cases[i].ns);
        assert_string_equal(text, cases[i].text);
    }
}

static void
deadlines(void **state)
{
    (void)state;
    assert_int_equal(deadline_poll_ms(deadline_never()), -1);
    assert_false(deadline_passed(deadline_never()));
    assert_true(deadline_passed(deadline_in_ms(0)));
    assert_int_equal(deadline_poll_ms(deadline_in_ms(-1000)), 0);
    int left = deadline_poll_ms(deadline_in_ms(5000));
    assert_true(left > 4000 && left <= 5000);
    assert_int_equal(deadline_poll_ms(deadline_in_ms(INT64_MAX)), -1);
    assert_int_equal(deadline_poll_ms(deadline_in_ms(INT64_C(1) << 40)), INT_MAX);
    struct deadline soon = deadline_in_ms(1);
    assert_int_equal(deadline_first(soon, deadline_never()).at_ns, soon.at_ns);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_parse),
        cmocka_unit_test(every_day_agrees_with_the_c_library),
        cmocka_unit_test(durations),
        cmocka_unit_test(deadlines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
