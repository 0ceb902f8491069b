/* SPDX-License-Identifier: Apache-2.0 */
/* One flag for the process, since signals are sent to processes. */
#include <stdatomic.h>

#include "codes.h"
#include "stop.h"

static atomic_bool requested;

void
stop_request(void)
{
    atomic_store_explicit(&requested, true, memory_order_relaxed);
}

bool
stop_requested(void)
{
    return atomic_load_explicit(&requested, memory_order_relaxed);
}

struct err *
stop_check(void)
{
    return __builtin_expect(stop_requested(), 0) ? fail(Interrupted) : NULL;
}
