/* SPDX-License-Identifier: Apache-2.0 */
/* stop.h -- a person or the system asked this process to end.
 *
 * The signal handler calls stop_request; every loop of a long job asks stop_check once in a
 * while and hands its failure up as any other, so that children end, scratch files go and
 * nothing half-made stays. */
#ifndef STOP_H
#define STOP_H

#include <stdbool.h>

#include "err.h"

/* May be called from a signal handler. */
void stop_request(void);

bool stop_requested(void);

/* Interrupted after stop_request, else NULL. */
struct err *stop_check(void) must_use;

#endif
