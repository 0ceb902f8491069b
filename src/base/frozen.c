/* SPDX-License-Identifier: Apache-2.0 */
#include <stdatomic.h>

#include "frozen.h"

static atomic_bool held;

void
frozen_begin(void)
{
    held = true;
}

void
frozen_end(void)
{
    held = false;
}

bool
frozen_now(void)
{
    return atomic_load_explicit(&held, memory_order_relaxed);
}
