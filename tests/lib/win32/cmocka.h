/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka.h -- as much of cmocka as tests on Windows use, since mingw-w64 comes without it: a
 * failed assertion ends its test, and the output is TAP. */
#ifndef CMOCKA_H
#define CMOCKA_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct CMUnitTest {
    const char *name;
    void (*run)(void **state);
};
#define cmocka_unit_test(f) { #f, f }

static jmp_buf cmocka_back;

__attribute__((noreturn, unused)) static void
_fail(const char *file, int line)
{
    (void)printf("# %s:%d: it does not hold\n", file, line);
    (void)fflush(stdout);
    longjmp(cmocka_back, 1);
}

#define print_message(...) ((void)printf(__VA_ARGS__))
#define print_error(...) ((void)(printf("# "), printf(__VA_ARGS__)))

#define assert_true(c) \
    do { \
        if (!(c)) { \
            print_error("%s\n", #c); \
            _fail(__FILE__, __LINE__); \
        } \
    } while (0)
#define assert_false(c) assert_true(!(c))
#define assert_null(p) assert_true((p) == NULL)
#define assert_non_null(p) assert_true((p) != NULL)
#define assert_int_equal(a, b) \
    do { \
        long long a_ = (long long)(a), b_ = (long long)(b); \
        if (a_ != b_) { \
            print_error("%s is %lld, not %lld\n", #a, a_, b_); \
            _fail(__FILE__, __LINE__); \
        } \
    } while (0)
#define assert_string_equal(a, b) \
    do { \
        const char *a_ = (a), *b_ = (b); \
        if (strcmp(a_, b_) != 0) { \
            print_error("%s is %s, not %s\n", #a, a_, b_); \
            _fail(__FILE__, __LINE__); \
        } \
    } while (0)
#define assert_string_not_equal(a, b) assert_true(strcmp(a, b) != 0)
#define assert_memory_equal(a, b, len) assert_true(memcmp(a, b, len) == 0)

#define cmocka_run_group_tests(tests, set_up, tear_down) \
    cmocka_run(tests, sizeof(tests) / sizeof((tests)[0]), set_up, tear_down)

__attribute__((unused)) static int
cmocka_run(const struct CMUnitTest *tests, size_t n, int (*set_up)(void **state),
    int (*tear_down)(void **state))
{
    static void *state;
    static volatile int failed;

    (void)printf("1..%u\n", (unsigned)n);
    if (setjmp(cmocka_back) != 0 || (set_up != NULL && set_up(&state) != 0)) {
        (void)printf("Bail out! it could not be set up\n");
        return 1;
    }
    for (volatile size_t i = 0; i < n; i++) {
        bool bad = setjmp(cmocka_back) != 0;

        if (!bad)
            tests[i].run(&state);
        failed += bad;
        (void)printf("%s %u - %s\n", bad ? "not ok" : "ok", (unsigned)i + 1, tests[i].name);
        (void)fflush(stdout);
    }
    if (tear_down != NULL && setjmp(cmocka_back) == 0)
        (void)tear_down(&state);
    return failed;
}

#endif
