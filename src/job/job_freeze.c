/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "guard.h"
#include "job_freeze.h"
#include "guest_mark.h"
#include "virt_link.h"

bool
job_freeze_helper(int argc, char *const *argv, int *ret_status)
{
    if (argc >= 2 && strcmp(argv[1], GUARD_VERB) == 0)
        *ret_status = guard_main(argc - 2, argv + 2);
    else if (argc >= 2 && strcmp(argv[1], VIRT_VERB) == 0)
        *ret_status = virt_main(argc - 2, argv + 2);
    else
        return false;
    return true;
}

void
job_freeze_rescue(void (*warn)(void *arg, struct err *warning), void *arg)
{
    guest_mark_thaw_stale(warn, arg);
}
