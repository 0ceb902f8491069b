/* SPDX-License-Identifier: Apache-2.0 */
/* rehearsal_vm.c -- the looks at the machine, the moment, and the way out of it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "chain.h"
#include "codes.h"
#include "number.h"
#include "rehearsal_internal.h"
#include "text.h"

enum { COPY_LEN = 1 << 20, AGENT_MS = 10000 };

/* No backup has this tag, since it is no hex: so what a backup tracks is never ours. */
static const char TAG[] = "rehearsal";

struct err *
rehearse_machine(struct rehearsing *r)
{
    char size[TEXT_SIZE_MAX];
    uint64_t total = 0;

    struct err *e = job_machine_open(r->o, &r->m);
    const char *name = r->name;
    if (e == NULL)
        e = job_machine_name(r->o, &r->m, &name);
    if (e != NULL && (rehearsing_ends(e) || err_has(e, E_UsageWrong)))
        return e;
    if (e != NULL)
        return rehearsing_say(r, REHEARSAL_FAILS, e, "cannot be asked");
    r->name = name;
    r->has |= HAS_MACHINE;
    if (r->m.r->off)
        r->unwanted |= HAS_RUNNING;
    else
        r->has |= HAS_RUNNING;
    r->unwanted &= ~(unsigned)HAS_AGENT; /* libvirt knows whether there is one */
    if (r->m.agent == NULL)
        r->unwanted |= HAS_AGENT;
    size_t n = running_ndisks(r->m.r);
    r->sources = calloc(n, sizeof(*r->sources));
    if (r->sources == NULL)
        return fail(OutOfMemory);
    for (size_t i = 0; i < n; i++)
        total += running_disk(r->m.r, i)->size;
    (void)text_size(size, total);
    return rehearsing_say(r, REHEARSAL_OK, NULL, "%s answers; %zu disk%s of %s", name, n,
        n == 1 ? "" : "s", size);
}

/* ---- room for the copy ---- */

/* Scratch files and filters are made in one step, which looks at the threads first. */
struct err *
rehearse_threads(struct rehearsing *r)
{
    r->unprepared = running_prepare(r->m.r);
    if (r->unprepared != NULL && rehearsing_ends(r->unprepared))
        return take(r->unprepared);
    if (err_has(r->unprepared, E_VmIothread))
        return rehearsing_say(r, REHEARSAL_FAILS, take(r->unprepared),
            "a disk has one, which this QEMU cannot bear");
    if (r->unprepared == NULL)
        r->has |= HAS_PLACE;
    return rehearsing_say(r, REHEARSAL_OK, NULL, "none that this QEMU cannot bear");
}

struct err *
rehearse_scratch(struct rehearsing *r)
{
    if (r->unprepared != NULL)
        return rehearsing_say(r, REHEARSAL_FAILS, take(r->unprepared),
            "the copy could not begin");
    if ((r->has & HAS_PLACE) == 0)
        return rehearsing_say(r, REHEARSAL_IMPOSSIBLE, NULL, "not possible: see I/O threads");
    return rehearsing_say(r, REHEARSAL_OK, NULL,
        "there is room, and QEMU opened a file for each disk");
}

struct err *
rehearse_bitmaps(struct rehearsing *r)
{
    struct err *e = running_track(r->m.r, TAG);

    if (e != NULL && rehearsing_ends(e))
        return e;
    if (e != NULL)
        return rehearsing_say(r, REHEARSAL_FAILS, e, "cannot be made");
    for (size_t i = 0; i < running_ndisks(r->m.r); i++) {
        const struct running_disk *d = running_disk(r->m.r, i);

        if (!d->begun)
            TRY(rehearsing_say(r, REHEARSAL_WEAKER, fail(DiskUntracked, r->name, d->name),
                "%s: none", d->name));
        else
            TRY(rehearsing_say(r, REHEARSAL_OK, NULL, "%s: %s", d->name,
                d->persistent ? "in the image"
                              : "in QEMU's memory, so after a stop the disk is read whole"));
    }
    return NULL;
}

/* ---- the moment ---- */

static struct err *
cut(void *arg, struct deadline by)
{
    struct rehearsing *r = arg;

    return running_cut(r->m.r, by);
}

/* The levels that were asked for and that nothing stands in the way of; "" when there is
 * none. */
static void
possible_levels(const struct rehearsing *r, struct text *to)
{
    bool thaws = (r->has & HAS_THAW) != 0, agent = thaws && (r->has & HAS_FREEZE) != 0;
    const struct {
        enum vault_consistency level;
        const char *word;
        bool can;
    } levels[] = {
        { VAULT_APPLICATION, "application", r->at_rest && (r->linux_guest ? thaws : agent) },
        { VAULT_FILESYSTEM, "filesystem",
            thaws && (r->extended || (agent && !r->unsafe_order)) },
        { VAULT_CRASH, "crash", true },
    };

    text_str(to, "");
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
        if (levels[i].can && moment_allows(r->o->consistency, levels[i].level))
            text_fmt(to, "%s%s", to->len > 0 ? "," : "", levels[i].word);
}

static int64_t
fact_us(const struct moment *m, const char *name)
{
    uint64_t ns;

    for (size_t i = 0; i < m->facts.n; i++)
        if (strcmp(m->facts.f[i].name, name) == 0 && number_parse(m->facts.f[i].value, &ns))
            return (int64_t)(ns / 1000);
    return 0;
}

static const char *
fact(const struct moment *m, const char *name)
{
    for (size_t i = 0; i < m->facts.n; i++)
        if (strcmp(m->facts.f[i].name, name) == 0)
            return m->facts.f[i].value;
    return "";
}

static struct err *
say_moment(struct rehearsing *r)
{
    static const char *const words[] = { [VAULT_CRASH] = "crash",
        [VAULT_FILESYSTEM] = "file-system", [VAULT_APPLICATION] = "application" };
    struct moment *m = &r->moment;
    int64_t qemu_us = fact_us(m, "window.snapshot_ns");
    enum rehearsal_result result = REHEARSAL_OK;
    struct err *why = take(m->weaker);

    /* what stood in the way may have a line of its own already */
    const struct err *cause = why != NULL ? err_cause(why) : NULL;
    if (cause != NULL && rehearsing_told(r, err_code(cause))) {
        err_free(why);
        why = NULL;
    }
    if (why != NULL)
        result = REHEARSAL_WEAKER;
    if (m->level == VAULT_CRASH)
        return rehearsing_say(r, result, why, "crash-consistent: the guest was not held; "
            "QEMU took %" PRId64 ".%" PRId64 " ms", qemu_us / 1000, qemu_us / 100 % 10);
    int64_t frozen_us = fact_us(m, "window.frozen_ns"), own_us = fact_us(m, "window.own_ns");
    return rehearsing_say(r, result, why, "%s-consistent: %s file systems held for %" PRId64
        ".%" PRId64 " ms, of which QEMU took %" PRId64 ".%" PRId64 " and firn %" PRId64
        ".%" PRId64 "; thawed by %s", words[m->level], fact(m, "window.filesystems"),
        frozen_us / 1000, frozen_us / 100 % 10, qemu_us / 1000, qemu_us / 100 % 10,
        own_us / 1000, own_us / 100 % 10, fact(m, "window.held"));
}

static void
drop(void *arg, struct err *warning)
{
    (void)arg; /* the look at the extension has told it */
    err_free(warning);
}

struct err *
rehearse_freeze(struct rehearsing *r)
{
    struct moment_options o = { .agent = r->m.agent, .machine = r->name, .prepared = true,
        .cut = cut, .warn = drop, .arg = r };
    struct text levels = { 0 };

    qga_free(take(r->qga)); /* the guard needs its one connection */
    possible_levels(r, &levels);
    if (levels.no_memory)
        return fail(OutOfMemory);
    bool none = levels.len == 0 && r->m.agent != NULL;
    o.levels = none ? "crash" : levels.len > 0 ? levels.s : NULL;
    struct err *e = moment_hold(&o, &r->moment);
    text_done(&levels);
    if (e != NULL && rehearsing_ends(e))
        return e;
    if (e != NULL)
        return rehearsing_say(r, REHEARSAL_FAILS, e, "the disks could not be held still");
    r->has |= HAS_MOMENT;
    e = moment_resumed(&o, &r->moment);
    if (e != NULL)
        TRY(rehearsing_say(r, REHEARSAL_WEAKER, e, "applications may not have gone on"));
    if (r->moment.stuck != NULL)
        TRY(rehearsing_say(r, REHEARSAL_FAILS, take(r->moment.stuck),
            "the guest may be frozen still"));
    if (none)
        return rehearsing_say(r, REHEARSAL_IMPOSSIBLE, NULL, "not possible at a level that "
            "is asked for; without the guest QEMU held its disks still");
    return say_moment(r);
}

/* ---- the copy ---- */

/* A backup would read what changed since the newest point, where its bitmap is there. */
static struct err *
choose_bitmap(struct rehearsing *r, size_t i, struct chain *then)
{
    const struct running_disk *d = running_disk(r->m.r, i);
    const struct vault_point *newest =
        r->points != NULL ? vault_points_newest(r->points, r->name) : NULL;
    const struct vault_disk *of = vault_point_disk(newest, d->name);

    if (of == NULL || of->size != d->size)
        return NULL;
    TRY(chain_read(of, then));
    const struct running_bitmap *is =
        then->bitmap != NULL ? running_disk_bitmap(d, then->bitmap) : NULL;
    if (is != NULL && is->recording && !is->inconsistent)
        running_since(r->m.r, i, then->bitmap);
    return NULL;
}

static struct err *
read_some(struct rehearsing *r, size_t i, uint8_t *to)
{
    struct chain then = { 0 };

    struct err *e = choose_bitmap(r, i, &then);
    if (e == NULL)
        e = running_source(r->m.r, i, 1, &r->sources[i]);
    chain_done(&then);
    TRY(e);
    uint64_t size = r->sources[i]->size;
    return size == 0 ? NULL
                     : source_read(r->sources[i], 0, 0, to,
                           (size_t)(size < COPY_LEN ? size : COPY_LEN));
}

/* Its bitmap could not be copied. */
static struct err *
say_untold(struct rehearsing *r, size_t i)
{
    const char *name = running_disk(r->m.r, i)->name;
    struct err *e = running_untold(r->m.r, i);

    if (e == NULL)
        return NULL;
    return rehearsing_say(r, REHEARSAL_WEAKER, err_because(fail(ChangesUntold, name), e),
        "%s: not by its bitmap", name);
}

struct err *
rehearse_copy(struct rehearsing *r)
{
    auto_free uint8_t *room = malloc(COPY_LEN);
    size_t n = running_ndisks(r->m.r);

    if (room == NULL)
        return fail(OutOfMemory);
    for (size_t i = 0; i < n; i++) {
        struct err *e = read_some(r, i, room);

        if (e == NULL) {
            TRY(say_untold(r, i));
            continue;
        }
        if (rehearsing_ends(e))
            return e;
        r->has &= ~(unsigned)HAS_MOMENT;
        return rehearsing_say(r, REHEARSAL_FAILS, running_why(r->m.r, e),
            "%s cannot be read", running_disk(r->m.r, i)->name);
    }
    return rehearsing_say(r, REHEARSAL_OK, NULL, "the first MiB of each disk was read");
}

/* ---- the end ---- */

/* Does the agent say that nothing is frozen? */
static struct err *
is_thawed(struct rehearsing *r)
{
    struct deadline by = deadline_in_ms(AGENT_MS);
    bool frozen;

    if ((r->has & HAS_THAW) == 0)
        return NULL;
    if (r->qga == NULL)
        TRY(qga_open(r->m.agent, r->name, by, &r->qga));
    TRY(qga_is_frozen(r->qga, by, &frozen));
    return frozen ? fail(GuestLeftFrozen, r->name) : NULL;
}

struct err *
rehearse_end(struct rehearsing *r)
{
    if (r->m.r == NULL)
        return NULL;
    for (size_t i = 0; r->sources != NULL && i < running_ndisks(r->m.r); i++)
        source_free(r->sources[i]);
    free(take(r->sources));
    struct err *e = err_also(running_close(r->m.r), is_thawed(r));
    if (e != NULL)
        return rehearsing_say(r, REHEARSAL_FAILS, e, "not all could be taken back");
    return rehearsing_say(r, REHEARSAL_OK, NULL, "nothing is left in the machine");
}
