/* SPDX-License-Identifier: Apache-2.0 */
/* Versions compare by number; what is no version is none. */
#include "check.h"

#include "dotted.h"

static struct dotted
parsed(const char *s)
{
    struct dotted d;

    assert_true(dotted_parse(s, &d));
    return d;
}

static void
numbers_not_text(void **state)
{
    static const char *const rising[] = { "0.0.0.1", "0.1", "1.0", "1.0.9120.0", "1.0.9120.1",
        "1.0.10000", "1.0.10000.0.1", "1.2", "1.10", "2.0", "10.0", "999999999.0" };

    (void)state;
    for (size_t i = 0; i < sizeof(rising) / sizeof(rising[0]); i++) {
        for (size_t k = 0; k < sizeof(rising) / sizeof(rising[0]); k++) {
            struct dotted a = parsed(rising[i]), b = parsed(rising[k]);
            int order = dotted_compare(&a, &b);

            assert_int_equal(order < 0, i < k);
            assert_int_equal(order > 0, i > k);
        }
    }
}

static void
a_missing_part_is_zero(void **state)
{
    struct dotted a = parsed("1.2"), b = parsed("1.2.0.0"), c = parsed("01.002");

    (void)state;
    assert_int_equal(dotted_compare(&a, &b), 0);
    assert_int_equal(dotted_compare(&a, &c), 0);
}

static void
what_is_no_version(void **state)
{
    static const char *const junk[] = { "", "1", ".", "1.", ".1", "1..2", "1.2.", "1.2a", "a.b",
        "-1.2", "+1.2", "1.-2", " 1.2", "1.2 ", "1,2", "1.2.3.4.5.6.7", "1.1234567890",
        "latest", "1.0.9-old", "1.0/2", "\xef\xbc\x91.0" };
    struct dotted d;

    (void)state;
    for (size_t i = 0; i < sizeof(junk) / sizeof(junk[0]); i++)
        assert_false(dotted_parse(junk[i], &d));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_not_text),
        cmocka_unit_test(a_missing_part_is_zero),
        cmocka_unit_test(what_is_no_version),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
