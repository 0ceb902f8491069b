/* SPDX-License-Identifier: Apache-2.0 */
/* check.h -- what every unit test includes first: cmocka, the codes, and how to expect them.
 *
 * cmocka has a macro fail() of its own; ours is the one of err.h. */
#ifndef CHECK_H
#define CHECK_H

/* cmocka needs these four before it */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#undef fail

#include "codes.h"

/* Under these a limit on addresses ends the program itself. */
#if defined(__SANITIZE_ADDRESS__)
#define HAS_ASAN 1
#elif defined(__SANITIZE_THREAD__)
#define HAS_TSAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ASAN 1
#elif __has_feature(thread_sanitizer)
#define HAS_TSAN 1
#endif
#endif

static inline void
check_failed(const char *file, int line, const char *what, int code, const char *expected)
{
    print_error("%s: code %d, not %s\n", what, code, expected);
    _fail(file, line); /* what fail() of cmocka does */
}

static inline void
check_line(void *to, const char *text)
{
    (void)to;
    print_message("# %s\n", text);
}

/* The call must work; its failure is printed. */
#define assert_ok(call) \
    do { \
        struct err *check_e_ = (call); \
        int check_code_ = err_code(check_e_); \
        err_print(check_e_, true, check_line, NULL); \
        err_free(check_e_); \
        if (check_code_ != 0) \
            check_failed(__FILE__, __LINE__, #call, check_code_, "none"); \
    } while (0)

/* The call must fail with ${expected} as its outermost code. */
#define assert_fails(call, expected) \
    do { \
        struct err *check_e_ = (call); \
        int check_code_ = err_code(check_e_); \
        if (check_code_ != (expected) && check_e_ != NULL) \
            err_print(check_e_, true, check_line, NULL); \
        err_free(check_e_); \
        if (check_code_ != (expected)) \
            check_failed(__FILE__, __LINE__, #call, check_code_, #expected); \
    } while (0)

#endif
