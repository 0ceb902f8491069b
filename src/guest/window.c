/* SPDX-License-Identifier: Apache-2.0 */
/* window.c -- the table of steps, and the ladder of levels around it.
 *
 * A level is one way through the table.  Whether the guest was held still all the time is not
 * taken on trust: the agent's count of what it thawed must be the count of what it froze
 * (where its answer was not lost), and the snapshot must have ended before the request to thaw
 * went out, by whomever. */
#include <string.h>

#include "codes.h"
#include "freezer.h"
#include "frozen.h"
#include "guard.h"
#include "guest_mark.h"
#include "guest_prepare.h"
#include "guest_rule.h"
#include "qga.h"
#include "stop.h"
#include "thaw.h"
#include "window.h"

enum step_id { PREPARE, PRE, FREEZE, HOLD, THAW, POST, END };

struct window {
    const struct window_options *o;
    int64_t prepare_ms, freeze_ms, thaw_ms;
    enum window_level level;
    struct deadline by; /* of the step */

    char *marker;
    struct guest_extension helper; /* with a program when that freezes */
    bool helped;                   /* the last level was tried by it */
    bool agent_only;               /* it could not, and is not asked again */
    struct guard *guard;
    bool guarded;      /* it is for the guard to thaw */
    bool guard_failed; /* it is for us, and the guard is in the way */
    struct guard_frozen frozen;

    bool taken, refused; /* the snapshot: made; its call failed */
    int64_t began_ns, ended_ns;

    enum window_held held;
    struct thawed thawed;
    struct err *stuck;
    char *resumes; /* the extension that the snapshot's applications came to rest by */
};

/* What applications may take to come to rest. */
static int64_t
rest_ms(const struct window *w)
{
    return w->helper.program != NULL ? GUARD_REST_MS : 0;
}

/* ---- the steps ---- */

static struct err *
prepare(struct window *w)
{
    return freezer_find(w->o, w->level, w->agent_only, w->prepare_ms, &w->helper);
}

static struct err *
pre(struct window *w)
{
    const struct window_options *o = w->o;

    /* whoever finds the marker may be elsewhere */
    auto_free char *whole = realpath(o->socket, NULL);

    TRY(stop_check());
    TRY(guest_mark_path(&w->marker));
    TRY(guard_start(o->guard, o->socket, o->machine, w->marker, w->by, &w->guard));
    const struct guest_mark m = { .socket = whole != NULL ? whole : o->socket,
        .machine = o->machine,
        .helper = w->helper.program,
        .by = deadline_in_ms(w->freeze_ms + rest_ms(w)),
        .firn = getpid(),
        .guard = guard_number(w->guard) };
    return guest_mark_write(w->marker, &m);
}

static struct err *
freeze(struct window *w)
{
    const struct guard_freeze how = { .mounts = w->o->mounts, .helper = w->helper.program,
        .applications = w->level == WINDOW_APPLICATION,
        .with = (const char *const *)w->helper.with, .ms = w->freeze_ms };
    struct err *e = guard_freeze(w->guard, &how, w->by, &w->frozen);

    w->guarded = e == NULL;
    if (err_has(e, E_GuestLeftFrozen)) /* it goes on trying */
        w->stuck = err_also(w->stuck, fail(GuestLeftFrozen, w->o->machine));
    else if (e != NULL) /* the guard removes it when nothing is frozen, before it says so */
        w->guard_failed = guest_mark_stands(w->marker);
    TRY(e);
    return w->frozen.n > 0 ? NULL : fail(FreezeEmpty, w->o->machine);
}

/* The end of the snapshot's time. */
static struct deadline
snapshot_by(const struct window *w)
{
    int64_t margin = w->freeze_ms / 5 < WINDOW_MARGIN_MS ? w->freeze_ms / 5 : WINDOW_MARGIN_MS;

    if (!w->guarded)
        return deadline_in_ms(w->freeze_ms);
    return (struct deadline){ w->frozen.asked_ns + (w->freeze_ms - margin) * CLOCK_MS };
}

static struct err *
hold(struct window *w)
{
    struct deadline by = snapshot_by(w);

    TRY(stop_check());
    if (deadline_passed(by)) /* this process was stopped, or the agent was slow */
        return fail(FreezeTimeout, w->o->machine, (w->freeze_ms + 999) / 1000);
    w->began_ns = clock_mono_ns();
    if (w->guarded)
        frozen_begin();
    struct err *e = w->o->snapshot(w->o->arg, by);
    frozen_end();
    w->ended_ns = clock_mono_ns();
    w->taken = e == NULL;
    w->refused = e != NULL;
    return e;
}

/* Past the guard, which is dead or silent: it has the agent's only connection until it is
 * gone. */
static struct err *
thaw_directly(struct window *w, struct thawed *ret)
{
    const struct thaw_guest g = { w->o->socket, w->o->machine, w->helper.program };
    auto_ptr(qga) agent = NULL;

    guard_kill(w->guard);
    w->held = WINDOW_HELD_DIRECT;
    bool stood = guest_mark_stands(w->marker);
    TRY(thaw_guest(&g, w->by, NULL, NULL, &agent, ret));
    /* it may have thawed, but only after we asked it to, or after its deadline */
    int64_t its_ns = w->frozen.asked_ns + w->freeze_ms * CLOCK_MS;
    if (ret->asked_ns > its_ns)
        ret->asked_ns = its_ns;
    if (!stood) /* somebody has thawed, nobody knows when */
        ret->asked_ns = 0;
    ret->counted = false;
    return guest_mark_remove(w->marker);
}

static struct err *
thaw_by_guard(struct window *w, struct thawed *ret)
{
    bool early;

    struct err *e = guard_thaw(w->guard, w->by, ret, &early);
    if (err_code(e) == E_GuardFailed) {
        err_free(e); /* said by what held: WINDOW_HELD_DIRECT */
        return thaw_directly(w, ret);
    }
    if (e == NULL)
        w->held = early ? WINDOW_HELD_GUARD : WINDOW_HELD_FIRN;
    return e;
}

/* Was the guest held still from before the snapshot until after it? */
static struct err *
judge(struct window *w, const struct thawed *t)
{
    bool by_others = t->counted && t->n < w->frozen.n;

    if (by_others)
        w->held = WINDOW_HELD_GUEST;
    if (!w->taken || (!by_others && w->ended_ns <= t->asked_ns))
        return NULL;
    return fail(FreezeLost, w->o->machine);
}

static struct err *
thaw(struct window *w)
{
    struct thawed t = { 0 };
    struct err *e;

    if (!w->guarded && !w->guard_failed)
        return NULL;
    e = w->guarded ? thaw_by_guard(w, &t) : thaw_directly(w, &t);
    if (err_has(e, E_GuestLeftFrozen)) {
        w->stuck = err_also(w->stuck, e); /* what was taken of it is good all the same */
        return NULL;
    }
    TRY(e);
    w->guarded = false;
    w->thawed = t;
    return judge(w, &t);
}

static struct err *
post(struct window *w)
{
    /* one that has nothing left to do must not keep the agent's connection, as it would when
     * it is stopped just then; one that may have something is left alone */
    if (w->guard != NULL && !w->guarded && w->stuck == NULL)
        guard_kill(w->guard);
    guard_free(w->guard);
    w->guard = NULL;
    w->guarded = w->guard_failed = false;
    if (w->marker != NULL && w->stuck == NULL)
        TRY(guest_mark_remove(w->marker));
    return NULL;
}

/* Which step follows, when this one worked and when it failed, and how long it may take. */
static const struct step {
    struct err *(*run)(struct window *w);
    enum step_id next, failed;
    bool freezes; /* as long as the freeze may last, and the thaw after it; else as PREPARE */
} steps[] = {
    [PREPARE] = { prepare, PRE, THAW, false },
    [PRE] = { pre, FREEZE, THAW, false },
    [FREEZE] = { freeze, HOLD, THAW, true },
    [HOLD] = { hold, THAW, THAW, true },
    [THAW] = { thaw, POST, POST, true },
    [POST] = { post, END, END, false },
};

/* One level, from its first step to the end. */
static struct err *
run_level(struct window *w)
{
    enum step_id at = w->level == WINDOW_CRASH ? HOLD : PREPARE;
    struct err *e = NULL;

    w->frozen = (struct guard_frozen){ 0 };
    w->thawed = (struct thawed){ 0 };
    w->held = WINDOW_HELD_NOT;
    while (at != END) {
        const struct step *s = &steps[at];

        w->by = deadline_in_ms(
            s->freezes ? w->freeze_ms + w->thaw_ms + rest_ms(w) : w->prepare_ms);
        struct err *one = s->run(w);
        at = one == NULL ? s->next : s->failed;
        e = err_also(e, one);
    }
    w->helped = w->helper.program != NULL;
    if (w->taken && w->level == WINDOW_APPLICATION)
        w->resumes = take(w->helper.program);
    free(w->marker);
    w->marker = NULL;
    guest_extension_done(&w->helper);
    return e;
}

/* ---- the ladder ---- */

static const char *
level_word(enum window_level level)
{
    static const char *const words[] = { [WINDOW_CRASH] = "crash",
        [WINDOW_FILESYSTEM] = "file-system", [WINDOW_APPLICATION] = "application" };

    return words[level];
}

const char *
window_held_word(enum window_held held)
{
    static const char *const words[] = { [WINDOW_HELD_NOT] = "none",
        [WINDOW_HELD_FIRN] = "firn", [WINDOW_HELD_GUARD] = "guard",
        [WINDOW_HELD_DIRECT] = "direct", [WINDOW_HELD_GUEST] = "guest" };

    return words[held];
}

static bool
is_allowed(const struct window *w, enum window_level level)
{
    return (w->o->levels & WINDOW_ALLOW(level)) != 0;
}

/* Go down until a snapshot was made.  *ret_why is what stood in the way of more. */
static struct err *
descend(struct window *w, enum window_level best, struct err **ret_why)
{
    struct err *why = NULL;

    for (w->level = best; w->level >= WINDOW_CRASH; w->level--) {
        if (!is_allowed(w, w->level))
            continue;
        struct err *e = run_level(w);
        if (e == NULL)
            break;
        if (w->refused || stop_requested() || guest_rule_ends(e)) {
            err_free(why);
            return e;
        }
        why = err_also(why, e);
        if (w->helped && w->level == WINDOW_FILESYSTEM && !w->taken && w->stuck == NULL) {
            w->agent_only = true;
            w->level++; /* the same level again, by the agent alone */
            continue;
        }
        if (w->taken && !is_allowed(w, WINDOW_CRASH))
            return why;
        if (w->taken)
            w->level = WINDOW_CRASH;
        if (w->taken)
            break;
    }
    if (w->level < WINDOW_CRASH)
        return why;
    *ret_why = why;
    return NULL;
}

static enum window_level
best_allowed(unsigned levels)
{
    enum window_level best = WINDOW_APPLICATION;

    while (best > WINDOW_CRASH && (levels & WINDOW_ALLOW(best)) == 0)
        best--;
    return best;
}

static void
fill(const struct window *w, struct window_result *r)
{
    r->level = w->level;
    r->frozen = w->frozen.n;
    r->held = w->held;
    r->snapshot_ns = w->ended_ns - w->began_ns;
    r->stuck = w->stuck;
    r->resumes = w->resumes;
    if (w->frozen.n == 0 || w->thawed.at_ns == 0)
        return;
    r->frozen_ns = w->thawed.at_ns - w->frozen.asked_ns;
    if (w->thawed.asked_ns >= w->ended_ns)
        r->own_ns = w->thawed.asked_ns - w->frozen.at_ns - r->snapshot_ns;
}

struct err *
window_run(const struct window_options *o, struct window_result *ret)
{
    enum window_level best = best_allowed(o->levels);
    int64_t ms = o->freeze_ms > 0 ? o->freeze_ms : WINDOW_FREEZE_MS;
    struct window w = { .o = o,
        .prepare_ms = o->prepare_ms > 0 ? o->prepare_ms : WINDOW_PREPARE_MS,
        .freeze_ms = ms < WINDOW_FREEZE_MOST_MS ? ms : WINDOW_FREEZE_MOST_MS,
        .thaw_ms = o->thaw_ms > 0 ? o->thaw_ms : WINDOW_THAW_MS };
    struct err *why = NULL;

    struct err *e = descend(&w, best, &why);
    if (e != NULL) {
        free(w.resumes);
        return err_also(e, w.stuck);
    }
    struct window_result r = { 0 };
    fill(&w, &r);
    if (w.level < best)
        r.weaker = err_because(
            fail(QuiesceWeaker, o->machine, level_word(w.level), level_word(best)), why);
    else
        err_free(why);
    *ret = r;
    return NULL;
}

void
window_result_done(struct window_result *r)
{
    err_free(r->weaker);
    err_free(r->stuck);
    free(r->resumes);
    *r = (struct window_result){ 0 };
}
