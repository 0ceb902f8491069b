/* SPDX-License-Identifier: Apache-2.0 */
/* sweep.h -- one job again and again, each time with another call that fails.
 *
 * With FIRN_SOAK every call fails by its number, once and from then on.  Else every place
 * (faults.h) does, and when there are more of them than a check has time for, as many as
 * spread over all of them; how many is printed. */
#ifndef SWEEP_H
#define SWEEP_H

#include "faults.h"
#include "kept.h"

struct sweep {
    const char *name;
    void (*before)(struct kept *k);        /* may be NULL */
    struct err *(*run)(struct kept *k);
    void (*after)(struct kept *k, bool worked); /* what must hold then */
    unsigned kinds;
    unsigned most; /* runs of each kind and way in a check; 0: SWEEP_MOST */
};

enum { SWEEP_MOST = 250 };

/* After each run: it worked, or failed with a code that is no defect of firn's; files in
 * pattern_folder(), descriptors and children are as before; then after. */
void sweep(struct kept *k, const struct sweep *s);

/* Where the files of tests are to lie: in memory, if it can be, for they are synced some ten
 * thousand times. */
void sweep_in_memory(void);

#endif
