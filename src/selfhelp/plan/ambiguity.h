/* SPDX-License-Identifier: Apache-2.0 */
/* ambiguity.h -- what the text of an article may leave open or get wrong: a closed list, from
 * which a part of firn-article(5) is made. */
#ifndef AMBIGUITY_H
#define AMBIGUITY_H

struct plan_ambiguity_id {
    const char *id, *about; /* one line for people */
};

extern const struct plan_ambiguity_id plan_ambiguities[]; /* ends with { NULL } */

#endif
