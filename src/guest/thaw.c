/* SPDX-License-Identifier: Apache-2.0 */
/* thaw.c -- short attempts, one after the other, until one succeeds.
 *
 * An agent that is still in its freeze answers nothing, and then everything at once: each
 * attempt synchronises anew (qga_link.h), so the first that is answered is the right one.
 * One long wait would do as well for a slow agent, but not for one that was started again. */
#include <poll.h>

#include "codes.h"
#include "qga.h"
#include "thaw.h"

/* One attempt; NULL means that the agent was asked, *ret_frozen what it said. */
static struct err *
attempt(const char *socket, const char *name, struct deadline by, struct qga **agent,
    struct thawed *t, bool *ret_frozen)
{
    unsigned n = 0;

    if (*agent == NULL)
        TRY(qga_open(socket, name, by, agent));
    struct err *e = qga_thaw(*agent, by, &n);
    t->counted = t->counted && e == NULL;
    TRY(e);
    t->n += n;
    return qga_is_frozen(*agent, by, ret_frozen);
}

/* After these nothing more comes over the same connection. */
static bool
needs_new_connection(const struct err *e)
{
    return err_has(e, E_AgentGone) || err_has(e, E_AgentWrong) ||
           err_has(e, E_SystemCallFailed);
}

struct err *
thaw_guest(const char *socket, const char *name, struct deadline by, void (*each)(void *arg),
    void *arg, struct qga **agent, struct thawed *ret)
{
    struct thawed t = { .asked_ns = clock_mono_ns(), .counted = true };
    struct err *last = NULL;
    bool frozen = true;

    for (;;) {
        struct deadline try = deadline_in_ms(THAW_TRY_MS);

        if (each != NULL)
            each(arg);
        err_free(last);
        last = attempt(socket, name, deadline_first(by, try), agent, &t, &frozen);
        t.at_ns = clock_mono_ns();
        if (last == NULL && !frozen)
            break;
        if (last != NULL && needs_new_connection(last)) {
            qga_free(*agent);
            *agent = NULL;
        }
        if (deadline_passed(by))
            return err_because(fail(GuestLeftFrozen, name), last);
        if (!deadline_passed(try))
            (void)poll(NULL, 0, THAW_PAUSE_MS);
    }
    *ret = t;
    return NULL;
}
