/* SPDX-License-Identifier: Apache-2.0 */
/* wide.h -- between UTF-8, which firn speaks, and the 16-bit strings of Windows.  For the
 * Windows bodies only. */
#ifndef WIDE_H
#define WIDE_H

#include <wchar.h>

#include "auto.h"
#include "err.h"

/* The caller frees.  A path has '\' for '/'. */
struct err *wide_from(const char *s, wchar_t **ret) must_use;
struct err *wide_path(const char *path, wchar_t **ret) must_use;
struct err *wide_to(const wchar_t *w, char **ret) must_use;

/* What the program was called with, as main has it elsewhere. */
struct err *wide_arguments(int *ret_argc, char ***ret_argv) must_use;
void wide_arguments_free(int argc, char **argv);

/* A file could not be read or written: the file's failure, and Windows' own number. */
#define WIDE_FAILED(code, path, call) \
    ({ \
        struct err *cause_ = fail(WindowsCallFailed, call); \
        err_because(fail(code, path), cause_); \
    })

#endif
