/* SPDX-License-Identifier: Apache-2.0 */
/* thaw.c -- short attempts, one after the other, until one succeeds.
 *
 * An agent that is still in its freeze answers nothing, and then everything at once: each
 * attempt synchronises anew (qga_link.h), so the first that is answered is the right one.
 * One long wait would do as well for a slow agent, but not for one that was started again. */
#include <poll.h>

#include "codes.h"
#include "guest_helper.h"
#include "qga.h"
#include "thaw.h"

/* When its program is gone, so is what it held: its watchdog has thawed by its deadline. */
static struct err *
attempt_by_helper(const struct thaw_guest *g, struct deadline by, struct qga *agent,
    struct thawed *t, bool *ret_frozen)
{
    unsigned n = 0;

    struct err *e = guest_helper_thaw(agent, g->helper, by, &n);
    if (err_has(e, E_GuestProgramUnstarted)) {
        err_free(e);
        e = NULL;
    }
    t->counted = t->counted && e == NULL;
    TRY(e);
    t->n += n;
    *ret_frozen = false;
    return NULL;
}

/* One attempt; NULL means that the agent was asked, *ret_frozen what it said. */
static struct err *
attempt(const struct thaw_guest *g, struct deadline by, struct qga **agent, struct thawed *t,
    bool *ret_frozen)
{
    unsigned n = 0;

    if (*agent == NULL)
        TRY(qga_open(g->socket, g->name, by, agent));
    if (g->helper != NULL)
        return attempt_by_helper(g, by, *agent, t, ret_frozen);
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

int64_t
thaw_try_ms(const struct thaw_guest *g)
{
    return g->helper != NULL ? THAW_HELPER_MS + QGA_GRACE_MS : THAW_TRY_MS;
}

struct err *
thaw_guest(const struct thaw_guest *g, struct deadline by, void (*each)(void *arg), void *arg,
    struct qga **agent, struct thawed *ret)
{
    int64_t try_ms = g->helper != NULL ? THAW_HELPER_MS : THAW_TRY_MS;
    struct thawed t = { .asked_ns = clock_mono_ns(), .counted = true };
    struct err *last = NULL;
    bool frozen = true;

    for (;;) {
        struct deadline try = deadline_in_ms(try_ms);

        if (each != NULL)
            each(arg);
        err_free(last);
        last = attempt(g, deadline_first(by, try), agent, &t, &frozen);
        t.at_ns = clock_mono_ns();
        if (last == NULL && !frozen)
            break;
        if (last != NULL && needs_new_connection(last)) {
            qga_free(*agent);
            *agent = NULL;
        }
        if (deadline_passed(by))
            return err_because(fail(GuestLeftFrozen, g->name), last);
        if (!deadline_passed(try))
            (void)poll(NULL, 0, THAW_PAUSE_MS);
    }
    *ret = t;
    return NULL;
}
