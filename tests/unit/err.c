/* SPDX-License-Identifier: Apache-2.0 */
/* Errors as values: numbers kept from before the arguments, chains, classes, limits. */
#include "check.h"

static const char *
clobber_errno(const char *path)
{
    errno = EBADF;
    return path;
}

static void
errno_is_kept_from_before_the_arguments(void **state)
{
    struct err *e;

    (void)state;
    errno = ENOENT;
    e = fail(FileUnreadable, clobber_errno("/a/b"));
    assert_int_equal(err_code(e), E_FileUnreadable);
    assert_int_equal(err_os_kind(e), OS_ERRNO);
    assert_int_equal(err_os_number(e), ENOENT);
    assert_string_equal(err_message(e), "/a/b cannot be read");
    errno = EAGAIN;
    err_free(e);
    assert_int_equal(errno, EAGAIN);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errno_is_kept_from_before_the_arguments),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
