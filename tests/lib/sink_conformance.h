/* SPDX-License-Identifier: Apache-2.0 */
/* sink_conformance.h -- what every body of a sink must do.
 *
 * A pattern is written in random order by one thread per lane, in pieces that meet at odd
 * places; zeros by sink_zero or, where the sink is fresh, not at all.  A sequential sink gets
 * it in order from one thread. */
#ifndef SINK_CONFORMANCE_H
#define SINK_CONFORMANCE_H

#include "sink.h"

/* Write ${data} of ${s}'s size with ${lanes} threads and finish.  What can be read back
 * before the end is compared on the way. */
void sink_conformance(struct sink *s, const uint8_t *data, unsigned lanes);

#endif
