/* SPDX-License-Identifier: Apache-2.0 */
/* seen_codes.c -- which codes do the tests provoke?
 *
 * With -Dseen_codes=true the linker puts this in front of err_new in every program of a
 * build.  Each process appends the number of a code that it gives for the first time to the
 * file $FIRN_SEEN_CODES, a line each; tools/check tells which never came.  The kernel is
 * called directly, so that tests that fail, count or record calls do not notice. */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "err.h"

enum { CODES_MAX = 10000 };

static atomic_bool seen[CODES_MAX];

struct err *__real_err_new(int code, const struct err_site *at, const struct err_arg *args,
    size_t nargs);
struct err *__wrap_err_new(int code, const struct err_site *at, const struct err_arg *args,
    size_t nargs);

static void
note(int code)
{
    const char *path = getenv("FIRN_SEEN_CODES");
    char line[16];

    if (path == NULL)
        return;
    long fd = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (fd < 0)
        return;
    int n = snprintf(line, sizeof(line), "%d\n", code);
    (void)syscall(SYS_write, fd, line, n);
    (void)syscall(SYS_close, fd);
}

struct err *
__wrap_err_new(int code, const struct err_site *at, const struct err_arg *args, size_t nargs)
{
    int saved = errno;

    if (code > 0 && code < CODES_MAX && !atomic_exchange(&seen[code], true))
        note(code);
    errno = saved;
    return __real_err_new(code, at, args, nargs);
}
