/* SPDX-License-Identifier: Apache-2.0 */
/* utf8.h -- characters as the bytes of UTF-8.  It stands alone: what reads articles is part of
 * the build's own tools, too. */
#ifndef UTF8_H
#define UTF8_H

#include <stddef.h>
#include <stdint.h>

enum { UTF8_MAX = 4 }; /* bytes of one character */

/* Put ${c}, which is below 0x110000, to ${to}; returns how many bytes that took, no more of
 * which are touched. */
static inline size_t
utf8_put(char *to, uint32_t c)
{
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const uint8_t first[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

    for (size_t i = n - 1; i > 0; i--, c >>= 6)
        to[i] = (char)(0x80 | (c & 0x3f));
    to[0] = (char)(first[n] | c);
    return n;
}

/* How many of the ${n} bytes at ${s} are of whole characters, where the last one may be cut. */
static inline size_t
utf8_whole(const char *s, size_t n)
{
    size_t k = n, needs;

    while (k > 0 && n - k < UTF8_MAX - 1 && ((uint8_t)s[k - 1] & 0xc0) == 0x80)
        k--;
    if (k == 0 || (uint8_t)s[k - 1] < 0xc0)
        return n;
    needs = (uint8_t)s[k - 1] < 0xe0 ? 2 : (uint8_t)s[k - 1] < 0xf0 ? 3 : 4;
    return n - (k - 1) < needs ? k - 1 : n;
}

#endif
