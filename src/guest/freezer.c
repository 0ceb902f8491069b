/* SPDX-License-Identifier: Apache-2.0 */
#include "codes.h"
#include "freezer.h"
#include "guest_mounts.h"
#include "guest_prepare.h"
#include "qga.h"

enum { LOOK_MS = 5000 }; /* for what is good to know, and may be left */

/* ---- file systems ---- */

/* Would the agent's own freeze come to an end?  Where it tells nothing, it is believed. */
static struct err *
check_order(const struct window_options *o, struct qga *g, struct deadline by)
{
    const struct guest_mount *below, *unsafe;
    struct guest_mounts l = { 0 };

    if (o->mounts != NULL)
        return NULL;
    TRY(guest_mounts_read(g, by, &l));
    unsafe = guest_mounts_unsafe(&l, &below);
    struct err *e = unsafe == NULL ? NULL
        : fail(MountOrderUnsafe, o->machine, unsafe->point, below->point);
    guest_mounts_done(&l);
    return e;
}

/* Did the agent refuse to look, or to let us look?  Then it freezes as it is. */
static bool
is_refusal(const struct err *e)
{
    return err_has(e, E_AgentCommandForbidden) || err_has(e, E_AgentCommandMissing) ||
           err_has(e, E_AgentRefused) || err_has(e, E_GuestProgramUnstarted);
}

/* The extension, where there is one in a Linux guest, freezes with a watchdog of its own there,
 * and by what lies on what; else the agent does. */
static struct err *
choose(const struct window_options *o, struct qga *g, bool agent_only, struct deadline by,
    struct guest_extension *ret)
{
    const struct qga_os *os;

    TRY(qga_os(g, by, &os));
    if (os->family == QGA_WINDOWS)
        return NULL;
    if (!agent_only) {
        struct err *e = guest_extension(g, by, ret);

        if (e != NULL && !is_refusal(e))
            return e;
        err_free(e); /* without the extension the agent freezes alone */
    }
    return ret->program != NULL ? NULL : check_order(o, g, by);
}

static struct err *
for_file_systems(const struct window_options *o, bool agent_only, int64_t ms,
    struct guest_extension *ret)
{
    struct deadline by = deadline_in_ms(ms < LOOK_MS ? ms : LOOK_MS);
    auto_ptr(qga) g = NULL;

    struct err *e = qga_open(o->socket, o->machine, by, &g);
    if (e == NULL)
        e = choose(o, g, agent_only, by, ret);
    if (e == NULL || err_has(e, E_MountOrderUnsafe) || err_has(e, E_OutOfMemory))
        return e;
    err_free(e); /* what else is wrong with the agent the guard will meet, and tell */
    return NULL;
}

/* ---- applications ---- */

static void
ignore_warning(void *arg, struct err *warning)
{
    (void)arg;
    err_free(warning); /* who called did not want it */
}

/* On Windows the agent's freeze brings them to rest, by VSS; elsewhere the extension does, and
 * freezes then.  What it needs is looked at first. */
static struct err *
for_applications(const struct window_options *o, int64_t ms, struct guest_extension *ret)
{
    struct deadline by = deadline_in_ms(ms);
    auto_ptr(qga) g = NULL;
    const struct qga_os *os;

    TRY(qga_open(o->socket, o->machine, by, &g));
    TRY(qga_os(g, by, &os));
    if (!o->prepared)
        TRY(guest_prepare(g, deadline_in_ms((int64_t)GUEST_PREPARE_S * 1000),
            o->warn != NULL ? o->warn : ignore_warning, o->arg));
    if (os->family == QGA_WINDOWS)
        return NULL;
    TRY(guest_extension(g, deadline_in_ms(ms), ret));
    return ret->program != NULL ? NULL : fail(ApplicationsNotQuiesced, o->machine);
}

struct err *
freezer_find(const struct window_options *o, enum window_level level, bool agent_only,
    int64_t ms, struct guest_extension *ret)
{
    return level == WINDOW_FILESYSTEM ? for_file_systems(o, agent_only, ms, ret)
                                      : for_applications(o, ms, ret);
}
