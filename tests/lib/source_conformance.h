/* SPDX-License-Identifier: Apache-2.0 */
/* source_conformance.h -- what every body of a source must do.
 *
 * Reads in order and at random, with one thread per lane; extents that cover the disk
 * without gap or overlap, from any position; holes that read as zeros; changes, where the
 * source tells them, that cover the disk and say the same from any position; a check that
 * passes.  Ends the test by cmocka's assertions. */
#ifndef SOURCE_CONFORMANCE_H
#define SOURCE_CONFORMANCE_H

#include "source.h"

/* ${data} is what the disk of ${size} bytes must hold.  ${min_holes}: at least this many
 * bytes must be reported as holes. */
void source_conformance(struct source *s, const uint8_t *data, uint64_t size,
    uint64_t min_holes);

/* The source tells changes: where it says that nothing was written, the disk is as ${before};
 * and it says so of all but ${most} bytes.  Returns how many bytes it calls changed. */
uint64_t source_conformance_changes(struct source *s, const uint8_t *before,
    const uint8_t *data, uint64_t most);

#endif
