/* SPDX-License-Identifier: Apache-2.0 */
/* The machine is target_local.h's. */
#include <signal.h>

#include "machine.h"
#include "stop.h"
#include "target_local.h"

struct err *
machine_open(struct target **ret)
{
    return target_local_open(NULL, "local", ret);
}

static void
on_signal(int number)
{
    (void)number;
    stop_request();
}

/* The second one ends the process at once: the journal is for that. */
void
machine_hear_stop(void)
{
    static const int ends[] = { SIGINT, SIGTERM, SIGHUP };
    const struct sigaction act = { .sa_handler = on_signal,
        .sa_flags = SA_RESTART | (int)SA_RESETHAND };
    struct sigaction now;

    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
        if (sigaction(ends[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
            (void)sigaction(ends[i], &act, NULL); /* nohup stays what it is */
}
