/* SPDX-License-Identifier: Apache-2.0 */
/* dotted.h says what; nine digits always fit. */
#include <stddef.h>

#include "dotted.h"

bool
dotted_parse(const char *s, struct dotted *ret)
{
    struct dotted d = { { 0 } };
    size_t n = 0;

    for (;; s++) {
        unsigned digits = 0;

        if (n == DOTTED_PARTS)
            return false;
        for (; *s >= '0' && *s <= '9'; s++) {
            if (++digits > 9)
                return false;
            d.part[n] = d.part[n] * 10 + (uint32_t)(*s - '0');
        }
        if (digits == 0)
            return false;
        n++;
        if (*s != '.')
            break;
    }
    if (*s != '\0' || n < 2)
        return false;
    *ret = d;
    return true;
}

int
dotted_compare(const struct dotted *a, const struct dotted *b)
{
    for (size_t i = 0; i < DOTTED_PARTS; i++)
        if (a->part[i] != b->part[i])
            return a->part[i] < b->part[i] ? -1 : 1;
    return 0;
}
