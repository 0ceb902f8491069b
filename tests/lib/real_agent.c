/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <unistd.h>

#include "auto.h"
#include "pattern.h"
#include "proc.h"
#include "real_agent.h"

enum { START_MS = 20000 };

static struct proc *agent;

bool
real_agent_start(const char *sock)
{
    const char *argv[] = { "qemu-ga", "-m", "unix-listen", "-p", sock, "-t", pattern_folder(),
        "-l", pattern_path("ga.log"), "-b",
        "guest-fsfreeze-freeze,guest-fsfreeze-freeze-list,guest-fsfreeze-thaw,guest-fstrim,"
        "guest-shutdown,guest-suspend-disk,guest-suspend-ram,guest-suspend-hybrid,"
        "guest-set-time,guest-set-user-password,guest-set-vcpus",
        NULL };
    struct deadline by = deadline_in_ms(START_MS);
    auto_free char *path = NULL;

    assert_ok(proc_find("qemu-ga", &path));
    if (path == NULL)
        return false;
    (void)unlink(sock);
    assert_ok(proc_start(argv, NULL, &agent));
    while (!pattern_listens(sock) && !deadline_passed(by)) {
        bool ended = false;
        int status;

        assert_ok(proc_wait(agent, deadline_in_ms(5), &ended, &status));
        assert_false(ended);
    }
    return true;
}

void
real_agent_stop(void)
{
    proc_free(agent);
    agent = NULL;
}
