/* SPDX-License-Identifier: Apache-2.0 */
/* libc_win32.h -- calls of the C library that firn makes everywhere and Windows' lacks, as
 * glibc has them.  The build includes it into every file of the Windows programs. */
#ifndef LIBC_WIN32_H
#define LIBC_WIN32_H

#include <stddef.h>

char *strndup(const char *s, size_t most);
void *memmem(const void *in, size_t in_len, const void *what, size_t len);
char *strcasestr(const char *in, const char *what);

#endif
