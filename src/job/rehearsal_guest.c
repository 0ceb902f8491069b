/* SPDX-License-Identifier: Apache-2.0 */
/* rehearsal_guest.c -- the looks at the agent, and at what it can tell of the guest. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "codes.h"
#include "guest_hooks.h"
#include "guest_prepare.h"
#include "guest_rule.h"
#include "rehearsal_internal.h"
#include "text.h"

enum { AGENT_MS = 10000, LOOK_MS = 30000, PREPARE_MS = 120 * 1000, CLOCK_MOST_S = 60 };

/* ---- the agent ---- */

static void
pass_over(void *arg, const char *command, bool allowed)
{
    (void)arg;
    (void)command;
    (void)allowed;
}

/* Connect, and see that nothing is frozen: that is asked first, since a frozen agent calls most
 * of its commands forbidden. */
static struct err *
connect_agent(struct rehearsing *r, struct deadline by, char version[QGA_NAME_MAX])
{
    const struct qga_os *os;
    bool frozen = false;

    TRY(qga_open(r->m.agent, r->name, by, &r->qga));
    struct err *e = qga_is_frozen(r->qga, by, &frozen);
    if (err_has(e, E_AgentCommandForbidden) || err_has(e, E_AgentCommandMissing)) {
        err_free(e); /* the look at its commands tells */
        e = NULL;
    }
    TRY(e);
    if (frozen)
        return fail(GuestFrozen, r->name, "guest-fsfreeze-freeze");
    TRY(qga_commands(r->qga, by, version, pass_over, NULL));
    e = qga_os(r->qga, by, &os);
    r->linux_guest = e == NULL && os->family != QGA_WINDOWS;
    if (e != NULL && rehearsing_ends(e))
        return e;
    err_free(e); /* an agent of before it could tell */
    return NULL;
}

struct err *
rehearse_agent(struct rehearsing *r)
{
    char version[QGA_NAME_MAX] = "";
    int64_t began_ns = clock_mono_ns();

    struct err *e = connect_agent(r, deadline_in_ms(AGENT_MS), version);
    if (e != NULL && rehearsing_ends(e))
        return e;
    if (e != NULL) {
        qga_free(take(r->qga));
        return rehearsing_say(r, rehearsing_without(r, VAULT_FILESYSTEM), e,
            "cannot be used");
    }
    r->has |= HAS_AGENT;
    return rehearsing_say(r, REHEARSAL_OK, NULL, "version %s answers in %" PRId64 " ms",
        version, (clock_mono_ns() - began_ns) / CLOCK_MS);
}

/* ---- its commands ---- */

/* What a backup or a look needs of it.  level 0: a look alone. */
static const struct wanted {
    const char *command;
    enum vault_consistency level;
    unsigned gives;
} wanted[] = {
    { "guest-fsfreeze-status", VAULT_FILESYSTEM, HAS_THAW },
    { "guest-fsfreeze-freeze", VAULT_FILESYSTEM, HAS_FREEZE },
    { "guest-fsfreeze-thaw", VAULT_FILESYSTEM, HAS_THAW },
    { "guest-exec", VAULT_APPLICATION, HAS_PROGRAMS },
    { "guest-exec-status", VAULT_APPLICATION, HAS_PROGRAMS },
    { "guest-file-open", 0, HAS_FILES },
    { "guest-file-read", 0, HAS_FILES },
    { "guest-file-close", 0, HAS_FILES },
};

static struct err *
ask_command(struct rehearsing *r, const struct wanted *w, unsigned *lost, unsigned *said)
{
    enum qga_may may;

    TRY(qga_may(r->qga, w->command, deadline_in_ms(AGENT_MS), &may));
    if (may == QGA_MAY)
        return NULL;
    *lost |= w->gives;
    ++*said;
    struct err *e = may == QGA_FORBIDDEN ? fail(AgentCommandForbidden, r->name, w->command)
                                         : fail(AgentCommandMissing, r->name, w->command);
    return rehearsing_say(r, w->level == 0 ? REHEARSAL_OK : rehearsing_without(r, w->level), e,
        "%s is %s", w->command, may == QGA_FORBIDDEN ? "forbidden" : "missing");
}

struct err *
rehearse_commands(struct rehearsing *r)
{
    unsigned lost = 0, said = 0;
    struct err *e = NULL;

    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]) && e == NULL; i++)
        e = ask_command(r, &wanted[i], &lost, &said);
    if (e != NULL && rehearsing_ends(e))
        return e;
    if (e != NULL)
        return rehearsing_say(r, rehearsing_without(r, VAULT_FILESYSTEM), e,
            "cannot be told");
    r->has |= (HAS_THAW | HAS_FREEZE | HAS_PROGRAMS | HAS_FILES) & ~lost;
    if (said > 0)
        return NULL;
    return rehearsing_say(r, REHEARSAL_OK, NULL, "all that a backup needs are allowed");
}

/* ---- the clock ---- */

struct err *
rehearse_clock(struct rehearsing *r)
{
    int64_t guest_ns, before_ns = clock_real_ns();

    struct err *e = qga_time(r->qga, deadline_in_ms(AGENT_MS), &guest_ns);
    if (e != NULL && rehearsing_ends(e))
        return e;
    if (e != NULL)
        return rehearsing_say(r, REHEARSAL_IMPOSSIBLE, e, "not possible: it does not tell");
    int64_t after_ns = clock_real_ns(), off_ms = (guest_ns - before_ns) / CLOCK_MS;
    if (guest_ns >= before_ns && guest_ns <= after_ns)
        off_ms = 0;
    else if (guest_ns > after_ns)
        off_ms = (guest_ns - after_ns) / CLOCK_MS;
    if (llabs(off_ms) < (int64_t)CLOCK_MOST_S * 1000)
        return rehearsing_say(r, REHEARSAL_OK, NULL, "%lld.%03lld s %s this host's",
            llabs(off_ms) / 1000, llabs(off_ms) % 1000, off_ms < 0 ? "behind" : "ahead of");
    return rehearsing_say(r, REHEARSAL_WEAKER, fail(GuestClockWrong, r->name, off_ms / 1000),
        "%lld s %s this host's", llabs(off_ms) / 1000, off_ms < 0 ? "behind" : "ahead of");
}

/* ---- scripts ---- */

struct err *
rehearse_scripts(struct rehearsing *r)
{
    size_t n = 0;

    if (!r->linux_guest)
        return rehearsing_say(r, REHEARSAL_OK, NULL, "none: the system's own service freezes");
    struct err *e = guest_hooks_check(r->qga, deadline_in_ms(LOOK_MS), &n);
    if (e != NULL && rehearsing_ends(e))
        return e;
    if (err_has(e, E_FreezeHookOpen))
        return rehearsing_say(r, REHEARSAL_WEAKER, e, "others than root can change one");
    if (e != NULL)
        return rehearsing_say(r, REHEARSAL_IMPOSSIBLE, e,
            "not possible: they cannot be listed");
    if (n == 0)
        return rehearsing_say(r, REHEARSAL_OK, NULL, "the agent has none to run at a freeze");
    return rehearsing_say(r, REHEARSAL_OK, NULL, "%zu of the agent, which only root can change",
        n);
}

/* ---- the extension ---- */

struct listening {
    struct rehearsing *r;
    struct err *failed;
};

static void
hear_warning(void *arg, struct err *warning)
{
    struct listening *l = arg;

    if (l->failed == NULL)
        l->failed = rehearsing_say(l->r, REHEARSAL_WEAKER, warning, "a check was skipped");
    else
        err_free(warning); /* the look has failed, and tells nothing any more */
}

static struct err *
say_not_ready(struct rehearsing *r, struct err *e, const char *names)
{
    if (rehearsing_ends(e))
        return e;
    enum rehearsal_result without = rehearsing_without(r, VAULT_APPLICATION);
    if (without == REHEARSAL_WEAKER && guest_rule_ends(e))
        without = REHEARSAL_FAILS;
    return rehearsing_say(r, without, e, "%s%s",
        names != NULL ? names : "none",
        names != NULL ? " is not ready; a backup would run its installers" : "");
}

static struct err *
look_at_extension(struct rehearsing *r, char **names)
{
    struct listening l = { .r = r };
    bool looked = false;

    TRY(guest_extension_names(r->qga, deadline_in_ms(LOOK_MS), names));
    r->extended = *names != NULL && r->linux_guest;
    struct err *e = guest_prepare_look(r->qga, deadline_in_ms(PREPARE_MS), hear_warning, &l,
        &looked);
    if (l.failed != NULL)
        return err_also(l.failed, e);
    TRY(e);
    if (!looked)
        return rehearsing_say(r, REHEARSAL_IMPOSSIBLE, NULL, "%s: not possible: it cannot look "
            "without installing what is missing", *names);
    r->at_rest = true;
    return rehearsing_say(r, REHEARSAL_OK, NULL, "%s is ready: prerequisites, plug-ins, "
        "scripts", *names);
}

struct err *
rehearse_extension(struct rehearsing *r)
{
    auto_free char *names = NULL;

    struct err *e = look_at_extension(r, &names);
    return e != NULL ? say_not_ready(r, e, names) : NULL;
}
