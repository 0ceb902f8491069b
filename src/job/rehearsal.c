/* SPDX-License-Identifier: Apache-2.0 */
/* rehearsal.c -- the table of looks.
 *
 * They are made in the order of a backup: a passphrase is asked for before the machine is
 * touched, and the agent is let go of before the guard of the freeze takes its one connection.
 * A look that fails in a way that is about this machine says so in a line and returns NULL. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codes.h"
#include "rehearsal_internal.h"
#include "stop.h"

static const struct look {
    const char *name;
    unsigned needs;
    struct err *(*run)(struct rehearsing *r);
} looks[] = {
    { "vault", HAS_VAULT, rehearse_vault },
    { "machine", 0, rehearse_machine },
    { "vault write", HAS_VAULT | HAS_MACHINE, rehearse_vault_write },
    { "agent", HAS_AGENT, rehearse_agent },
    { "commands", HAS_AGENT, rehearse_commands },
    { "clock", HAS_AGENT, rehearse_clock },
    { "extension", HAS_AGENT | HAS_PROGRAMS, rehearse_extension },
    { "mounts", HAS_AGENT, rehearse_mounts },
    { "scripts", HAS_AGENT | HAS_PROGRAMS, rehearse_scripts },
    { "I/O threads", HAS_MACHINE | HAS_RUNNING, rehearse_threads },
    { "scratch", HAS_MACHINE | HAS_RUNNING, rehearse_scratch },
    { "bitmaps", HAS_RUNNING | HAS_PLACE, rehearse_bitmaps },
    { "freeze", HAS_RUNNING | HAS_PLACE, rehearse_freeze },
    { "copy", HAS_RUNNING | HAS_MOMENT, rehearse_copy },
    { "vault room", HAS_VAULT | HAS_RUNNING | HAS_MOMENT, rehearse_vault_room },
};
enum { LOOKS = sizeof(looks) / sizeof(looks[0]) };

/* These looks find out whether there is what they need. */
static bool
finds_out(const struct look *l)
{
    return l->run == rehearse_vault || l->run == rehearse_agent;
}

static const struct missing {
    unsigned what;
    const char *unwanted, *words;
} missing[] = {
    { HAS_VAULT, "no vault was named: --vault or FIRN_VAULT", "the vault cannot be used" },
    { HAS_MACHINE, NULL, "the machine cannot be asked" },
    { HAS_AGENT, "there is none, or none was named: qmp:SOCKET,qga=SOCKET",
        "the agent does not answer" },
    { HAS_RUNNING, "the machine is off: its images are read as they are",
        "the machine cannot be asked" },
    { HAS_PROGRAMS, NULL, "the agent may not run programs" },
    { HAS_PLACE, NULL, "no scratch files stand ready" },
    { HAS_MOMENT, NULL, "the disks were not held still" },
};

/* ---- lines ---- */

const char *
rehearsal_word(enum rehearsal_result result)
{
    static const char *const words[] = { [REHEARSAL_OK] = "ok", [REHEARSAL_WEAKER] = "weaker",
        [REHEARSAL_FAILS] = "fails", [REHEARSAL_IMPOSSIBLE] = "impossible",
        [REHEARSAL_SKIPPED] = "skipped" };

    return words[result];
}

struct err *
rehearsing_say(struct rehearsing *r, enum rehearsal_result result, struct err *error,
    const char *format, ...)
{
    struct rehearsal *out = r->out;
    char *seen = NULL;
    va_list args;

    va_start(args, format);
    int n = vasprintf(&seen, format, args);
    va_end(args);
    if (n < 0) {
        err_free(error);
        return fail(OutOfMemory);
    }
    out->weaker += result == REHEARSAL_WEAKER;
    out->fails += result == REHEARSAL_FAILS;
    if (out->n == REHEARSAL_ROWS_MAX) { /* more than anybody reads lines of: it counts alone */
        err_free(error);
        free(seen);
        return NULL;
    }
    out->rows[out->n++] = (struct rehearsal_row){ .look = r->look, .seen = seen,
        .result = result, .error = error };
    return NULL;
}

enum rehearsal_result
rehearsing_without(const struct rehearsing *r, enum vault_consistency level)
{
    bool wanted = false, below = false;

    for (int is = VAULT_CRASH; is <= VAULT_APPLICATION; is++) {
        bool allowed = moment_allows(r->o->consistency, (enum vault_consistency)is);

        wanted |= allowed && is >= (int)level;
        below |= allowed && is < (int)level;
    }
    return !wanted ? REHEARSAL_OK : below ? REHEARSAL_WEAKER : REHEARSAL_FAILS;
}

bool
rehearsing_ends(const struct err *e)
{
    return err_has(e, E_OutOfMemory) || err_has(e, E_Interrupted);
}

bool
rehearsing_told(const struct rehearsing *r, int code)
{
    for (size_t i = 0; i < r->out->n; i++)
        if (err_has(r->out->rows[i].error, code))
            return true;
    return false;
}

/* ---- the looks ---- */

static struct err *
say_missing(struct rehearsing *r, unsigned what)
{
    for (size_t i = 0; i < sizeof(missing) / sizeof(missing[0]); i++) {
        const struct missing *m = &missing[i];

        if ((what & m->what) == 0)
            continue;
        if ((r->unwanted & m->what) != 0) { /* said once */
            bool said = (r->said_unwanted & m->what) != 0;

            r->said_unwanted |= m->what;
            return said ? NULL
                        : rehearsing_say(r, REHEARSAL_SKIPPED, NULL, "%s", m->unwanted);
        }
        return rehearsing_say(r, REHEARSAL_IMPOSSIBLE, NULL, "not possible: %s", m->words);
    }
    return NULL;
}

static struct err *
look(struct rehearsing *r, const struct look *l)
{
    unsigned lacks = l->needs & ~(finds_out(l) ? ~r->unwanted : r->has);

    TRY(stop_check());
    r->look = l->name;
    return lacks != 0 ? say_missing(r, lacks) : l->run(r);
}

static struct err *
look_at_all(struct rehearsing *r)
{
    struct err *e = NULL;

    for (size_t i = 0; i < LOOKS && e == NULL; i++)
        e = look(r, &looks[i]);
    r->look = "end";
    return err_also(e, rehearse_end(r));
}

/* ---- all of it ---- */

static struct err *
parse(struct rehearsing *r)
{
    if (r->o->nsources != 1 || !job_machine_is(r->o->sources[0]))
        return fail(UsageWrong, "what is rehearsed is the backup of one running machine");
    TRY(job_machine_parse(r->o, &r->m));
    r->unwanted = (r->m.agent == NULL ? HAS_AGENT : 0U) |
        (r->j->vault == NULL ? HAS_VAULT : 0U);
    r->name = r->o->machine != NULL ? r->o->machine : r->o->sources[0];
    return NULL;
}

static struct err *
rehearse(struct rehearsing *r)
{
    r->out = calloc(1, sizeof(*r->out));
    if (r->out == NULL)
        return fail(OutOfMemory);
    r->out->rows = calloc(REHEARSAL_ROWS_MAX, sizeof(*r->out->rows));
    if (r->out->rows == NULL)
        return fail(OutOfMemory);
    TRY(parse(r));
    TRY(look_at_all(r));
    r->out->machine = strdup(r->name);
    return r->out->machine != NULL ? NULL : fail(OutOfMemory);
}

bool
job_can_rehearse(const char *source)
{
    return job_machine_is(source);
}

struct err *
job_rehearse(const struct job *j, const struct job_backup *o, struct rehearsal **ret)
{
    struct rehearsing r = { .j = j, .o = o };
    struct err *e = rehearse(&r);

    if (e == NULL)
        *ret = take(r.out);
    rehearsal_free(r.out);
    err_free(r.unprepared);
    moment_done(&r.moment);
    qga_free(r.qga);
    job_machine_done(&r.m);
    vault_points_free(r.points);
    vault_free(r.vault);
    return e;
}

void
rehearsal_free(struct rehearsal *r)
{
    if (r == NULL)
        return;
    for (size_t i = 0; i < r->n; i++) {
        free(r->rows[i].seen);
        err_free(r->rows[i].error);
    }
    free(r->rows);
    free(r->machine);
    free(r);
}
