/* SPDX-License-Identifier: Apache-2.0 */
/* store_conformance.h -- what every body of a store must do.
 *
 * Asks each promise of store.h: put if absent (also by many threads at once), lists that
 * show all that was put, ranges cut short at an object's end, replacing, removing, names
 * that are refused.  Ends the test by cmocka's assertions. */
#ifndef STORE_CONFORMANCE_H
#define STORE_CONFORMANCE_H

#include "store.h"

/* ${s} is empty, and holds some objects afterwards. */
void store_conformance(struct store *s);

#endif
