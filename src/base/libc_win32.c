/* SPDX-License-Identifier: Apache-2.0 */
/* Simple searches: what firn searches through is short, but an article, and there a search
 * for a fence is over at its first byte nearly everywhere. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "libc_win32.h"

char *
strndup(const char *s, size_t most)
{
    size_t len = strnlen(s, most);
    char *copy = malloc(len + 1);

    if (copy == NULL)
        return NULL;
    memcpy(copy, s, len);
    copy[len] = '\0';
    return copy;
}

void *
memmem(const void *in, size_t in_len, const void *what, size_t len)
{
    const char *s = in, *end = s + in_len;

    if (len == 0)
        return (void *)(uintptr_t)in;
    for (; (size_t)(end - s) >= len; s++) {
        s = memchr(s, *(const char *)what, (size_t)(end - s) - len + 1);
        if (s == NULL)
            return NULL;
        if (memcmp(s, what, len) == 0)
            return (void *)(uintptr_t)s;
    }
    return NULL;
}

char *
strcasestr(const char *in, const char *what)
{
    size_t len = strlen(what);

    for (; len > 0 && *in != '\0'; in++)
        if (strncasecmp(in, what, len) == 0)
            break;
    return len > 0 && *in == '\0' ? NULL : (char *)(uintptr_t)in;
}
