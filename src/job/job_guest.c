/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "codes.h"
#include "guest_prepare.h"
#include "job_guest.h"
#include "qga.h"

static const char scheme[] = "qga:";

static void
pass_on(void *arg, struct err *warning)
{
    const struct job *j = arg;

    if (j->warn != NULL)
        j->warn(j->arg, warning);
    else
        err_free(warning);
}

struct err *
job_guest_prepare(const struct job *j, const char *target, const char *vm)
{
    auto_ptr(qga) g = NULL;

    if (strncmp(target, scheme, strlen(scheme)) != 0 || target[strlen(scheme)] == '\0')
        return fail(UsageWrong, "--guest takes qga:SOCKET, the socket of a guest agent");
    TRY(qga_open(target + strlen(scheme), vm, deadline_in_ms(JOB_GUEST_CONNECT_MS), &g));
    return guest_prepare(g, deadline_in_ms((int64_t)GUEST_PREPARE_S * 1000), pass_on,
        (void *)(uintptr_t)j);
}
