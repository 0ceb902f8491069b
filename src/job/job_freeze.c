/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "guard.h"
#include "job_freeze.h"
#include "guest_mark.h"

bool
job_freeze_guard(int argc, char *const *argv, int *ret_status)
{
    if (argc < 2 || strcmp(argv[1], GUARD_VERB) != 0)
        return false;
    *ret_status = guard_main(argc - 2, argv + 2);
    return true;
}

void
job_freeze_rescue(void (*warn)(void *arg, struct err *warning), void *arg)
{
    guest_mark_thaw_stale(warn, arg);
}
