/* SPDX-License-Identifier: Apache-2.0 */
/* bytes.c -- hex, and the test for zeros.
 *
 * The zero test ors 512 bytes at a time without a branch in between, which compilers turn
 * into vector code, and leaves at the first stretch that is not zero: data blocks cost one
 * stretch, zero blocks run at memory speed. */
#include "bytes.h"

void
bytes_to_hex(const void *data, size_t n, char *to)
{
    static const char digit[] = "0123456789abcdef";
    const uint8_t *p = data;

    for (size_t i = 0; i < n; i++) {
        to[2 * i] = digit[p[i] >> 4];
        to[2 * i + 1] = digit[p[i] & 15];
    }
    to[2 * n] = '\0';
}

static int
digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool
bytes_from_hex(const char *hex, void *to, size_t n)
{
    uint8_t *p = to;

    for (size_t i = 0; i < n; i++) {
        int high = digit_value(hex[2 * i]);
        int low = high < 0 ? -1 : digit_value(hex[2 * i + 1]);

        if (low < 0)
            return false;
        p[i] = (uint8_t)(high << 4 | low);
    }
    return hex[2 * n] == '\0';
}

bool
bytes_are_zero(const void *data, size_t n)
{
    enum { STRETCH = 512 };
    const uint8_t *p = data;

    for (; n >= STRETCH; p += STRETCH, n -= STRETCH) {
        uint64_t any = 0;

        for (size_t i = 0; i < STRETCH; i += 8) {
            uint64_t v;

            memcpy(&v, p + i, 8);
            any |= v;
        }
        if (any != 0)
            return false;
    }
    for (size_t i = 0; i < n; i++)
        if (p[i] != 0)
            return false;
    return true;
}
