/* SPDX-License-Identifier: Apache-2.0 */
/* dotted.h -- versions as numbers with dots, "1.0.10000.0".
 *
 * They compare number by number, never as text: 1.0.9120 comes before 1.0.10000.  A missing
 * part is 0, so 1.2 and 1.2.0 are the same version.  What is no version (a letter, an empty
 * part, a sign) is not read as one: folders of other names stand beside those of versions. */
#ifndef DOTTED_H
#define DOTTED_H

#include <stdbool.h>
#include <stdint.h>

enum { DOTTED_PARTS = 6 };

struct dotted {
    uint32_t part[DOTTED_PARTS];
};

/* Two to six parts of up to nine digits; false otherwise. */
bool dotted_parse(const char *s, struct dotted *ret);

/* Below, at or above 0, as strcmp. */
int dotted_compare(const struct dotted *a, const struct dotted *b);

#endif
