/* SPDX-License-Identifier: Apache-2.0 */
/* world_check.c -- is a state of the world as firn promised?
 *
 * What was promised is there.  What was under way is there whole or not at all.  Nothing is
 * damaged, and the vault takes a new point as if nothing had happened. */
#include "check.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "backup.h"
#include "explore.h"
#include "pool.h"
#include "rebuild.h"
#include "sink.h"
#include "source.h"
#include "store.h"
#include "world.h"

struct judge {
    const struct world *w;
    const char *folder;
    size_t at;
    char *why;
    struct vault *v;
    struct pool *pool;
    int warning; /* a code that should not have come */
    struct vault_point *fresh; /* made by the judge */
};

/* ---- telling ---- */

static bool
wrong(struct judge *j, const char *what)
{
    (void)snprintf(j->why, EXPLORE_WHY_MAX, "%s", what);
    return false;
}

static void
take_line(void *to, const char *text)
{
    char *why = to;
    size_t len = strlen(why);

    (void)snprintf(why + len, EXPLORE_WHY_MAX - len, "%s; ", text);
}

/* Ends ${e}. */
static bool
worked(struct judge *j, const char *what, struct err *e)
{
    if (e == NULL)
        return true;
    (void)snprintf(j->why, EXPLORE_WHY_MAX, "%s: ", what);
    err_print(e, false, take_line, j->why);
    err_free(e);
    return false;
}

static bool
holds_now(const struct judge *j, const struct promise *p)
{
    return p->at <= j->at;
}

static bool
is_promised(const struct judge *j, enum promise_kind kind)
{
    for (unsigned i = 0; i < j->w->npromises; i++)
        if (j->w->promise[i].kind == kind && holds_now(j, &j->w->promise[i]))
            return true;
    return false;
}

static bool
may_be_damaged(const struct judge *j)
{
    return j->w->damaged && !is_promised(j, PROMISE_MENDED);
}

static void
keep_warning(void *arg, struct err *warning)
{
    struct judge *j = arg;

    if (err_code(warning) != E_ObjectMended || !may_be_damaged(j))
        j->warning = err_code(warning);
    err_free(warning);
}

/* ---- points ---- */

static bool
restores(struct judge *j, const struct vault_point *p, const uint8_t *data, uint64_t size)
{
    auto_free uint8_t *to = malloc(size + 1);
    auto_ptr(sink) sink = NULL;
    uint64_t written = 0;

    if (p->ndisks != 1 || p->disks[0].size != size)
        return wrong(j, "a point has another disk");
    memset(to, 0x5a, size);
    struct err *e = sink_mem_new(to, size, &sink);
    if (e == NULL)
        e = rebuild_disk(&(struct rebuild){ .vault = j->v, .pool = j->pool,
            .disk = &p->disks[0], .sink = sink }, &written);
    if (!worked(j, "a listed point does not restore", e))
        return false;
    return memcmp(to, data, size) == 0 || wrong(j, "a point restores to other bytes");
}

static const struct vault_point *
listed(const struct vault_points *points, const struct vault_key *id)
{
    for (size_t i = 0; i < points->n; i++)
        if (memcmp(&points->items[i]->id, id, sizeof(*id)) == 0)
            return points->items[i];
    return NULL;
}

static bool
is_key(const struct vault_key *a, const struct vault_key *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

/* A point that nobody knows by its id may be one whose backup failed as the last thing that
 * it did.  It is listed, so it must be whole. */
static bool
is_of_a_failed_backup(struct judge *j, const struct vault_point *p)
{
    for (unsigned i = 0; i < j->w->npromises; i++) {
        const struct promise *q = &j->w->promise[i];

        if (q->kind == PROMISE_POINT && !holds_now(j, q) && q->data != NULL &&
            restores(j, p, q->data, q->size))
            return true;
    }
    return false;
}

static bool
listed_is_right(struct judge *j, const struct vault_point *p)
{
    if (j->fresh != NULL && is_key(&p->id, &j->fresh->id))
        return true;
    for (unsigned i = 0; i < j->w->npromises; i++) {
        const struct promise *q = &j->w->promise[i];

        if (q->kind == PROMISE_POINT && is_key(&p->id, &q->point))
            return restores(j, p, q->data, q->size);
    }
    return is_of_a_failed_backup(j, p) || wrong(j, "a point is listed that nobody made");
}

static bool
points_are_right(struct judge *j)
{
    auto_ptr(vault_points) points = NULL;

    if (!worked(j, "points cannot be listed", vault_points(j->v, &points)))
        return false;
    for (size_t i = 0; i < points->n; i++)
        if (!listed_is_right(j, points->items[i]))
            return false;
    for (unsigned i = 0; i < j->w->npromises; i++) {
        const struct promise *p = &j->w->promise[i];

        if (p->kind == PROMISE_POINT && holds_now(j, p) && listed(points, &p->point) == NULL)
            return wrong(j, "a committed point is not listed");
    }
    return true;
}

/* The second copy of a header or a key slot may be missing while it is made or removed: the
 * first one serves, and repair writes it again. */
static bool
is_half_made(const struct judge *j, const char *object)
{
    bool under_way = false;

    for (unsigned i = 0; i < j->w->npromises; i++) {
        const struct promise *p = &j->w->promise[i];

        under_way |= (p->kind == PROMISE_KEY || p->kind == PROMISE_NO_KEY) && !holds_now(j, p);
    }
    return strncmp(object, "firn.vault", 10) == 0
        ? !is_promised(j, PROMISE_VAULT)
        : strncmp(object, "slots/", 6) == 0 && under_way;
}

static bool
nothing_is_damaged(struct judge *j)
{
    bool repair = may_be_damaged(j) || is_half_made(j, "firn.vault") ||
        is_half_made(j, "slots/");
    struct vault_check c = { .data = true, .repair = repair };
    auto_ptr(vault_report) report = NULL;

    if (!worked(j, "verify fails", vault_verify(j->v, &c, &report)))
        return false;
    for (size_t i = 0; i < report->ndamaged; i++) {
        const struct vault_damage *d = &report->damaged[i];

        if (d->repaired && (may_be_damaged(j) || is_half_made(j, d->object)))
            continue;
        (void)snprintf(j->why, EXPLORE_WHY_MAX, "verify finds damage: %s (%s), %zu hits",
            d->object, err_id(d->why), d->nhits);
        return false;
    }
    return true;
}

/* A disk that is mostly as one of the last points; only its own bytes are new. */
static bool
takes_a_new_point(struct judge *j)
{
    struct backup_options o = { .machine = "m", .warn = keep_warning, .arg = j };
    auto_free uint8_t *data = malloc(j->w->size + 1);
    char name[] = "vda";
    struct backup_disk disk = { .name = name, .spec = name };

    memcpy(data, j->w->disk, j->w->size);
    for (uint64_t i = 100000; i < 101000 && i < j->w->size; i++)
        data[i] ^= 0x77;
    struct err *e = source_mem_new("vda", data, j->w->size, NULL, &disk.source);
    if (e == NULL)
        e = backup_run(j->v, &disk, 1, &o, &j->fresh);
    source_free(disk.source);
    return worked(j, "a new backup fails", e) && restores(j, j->fresh, data, j->w->size);
}

/* ---- keys, and what was restored ---- */

/* Was the removal of this key at least begun? */
static bool
is_being_removed(const struct judge *j, const struct promise *key)
{
    for (unsigned i = 0; i < j->w->npromises; i++)
        if (j->w->promise[i].kind == PROMISE_NO_KEY && key->secret != NULL &&
            j->w->promise[i].secret == key->secret)
            return true;
    return false;
}

static bool
opens(struct judge *j, const struct promise *p)
{
    auto_ptr(vault) v = NULL;
    struct err *e = world_open(j->folder, p->secret, p->key_file, &v);
    bool opened = e == NULL;

    err_free(e);
    return opened;
}

static bool
keys_are_right(struct judge *j)
{
    for (unsigned i = 0; i < j->w->npromises; i++) {
        const struct promise *p = &j->w->promise[i];

        if (p->kind == PROMISE_NO_KEY && holds_now(j, p) && opens(j, p))
            return wrong(j, "a removed key opens the vault");
        if (p->kind == PROMISE_KEY && holds_now(j, p) && !is_being_removed(j, p) &&
            !opens(j, p))
            return wrong(j, "a key does not open the vault");
    }
    return true;
}

static bool
file_is(const char *path, const uint8_t *data, uint64_t size)
{
    auto_free uint8_t *got = NULL;
    uint64_t n = 0;

    got = pattern_from_file(path, &n);
    return n == size && memcmp(got, data, n) == 0;
}

/* The file is the last that was promised, or one under way since, or not there yet. */
static bool
restored_is_right(struct judge *j)
{
    const struct promise *last = NULL;
    char path[PATH_MAX];
    bool any = false, fits = false;
    struct stat st;

    (void)snprintf(path, sizeof(path), "%s/out.raw", j->folder);
    bool there = stat(path, &st) == 0;
    for (unsigned i = 0; i < j->w->npromises; i++) {
        const struct promise *p = &j->w->promise[i];

        if (p->kind != PROMISE_RESTORED)
            continue;
        any = true;
        if (holds_now(j, p)) {
            last = p;
            fits = false; /* what was before is gone for good */
        }
        fits |= there && file_is(path, p->data, p->size);
    }
    if (!any)
        return true;
    if (!there)
        return last == NULL || wrong(j, "a restored file is gone");
    return fits || wrong(j, "a restored file is not whole");
}

/* ---- the whole ---- */

/* No vault was promised: then one can be made, or what is there is told. */
static bool
can_begin_anew(struct judge *j, int code)
{
    struct world again = { .size = 0 };

    if (code != E_VaultMissing && code != E_StoreUnreachable) {
        (void)snprintf(j->why, EXPLORE_WHY_MAX, "half a vault gives code %d", code);
        return false;
    }
    (void)snprintf(again.root, sizeof(again.root), "%s", j->folder);
    struct err *e = world_init(&again);
    if (err_code(e) == E_VaultRemains) { /* a person must look, and is told so */
        err_free(e);
        return true;
    }
    if (!worked(j, "init cannot be run again", e))
        return false;
    return worked(j, "a new vault does not open", world_open(j->folder, "one", NULL, &j->v)) &&
        takes_a_new_point(j);
}

/* By a key that must open it if any does; a key file costs least. */
static struct err *
open_vault(struct judge *j)
{
    const struct promise *best = NULL;

    for (unsigned i = 0; i < j->w->npromises; i++) {
        const struct promise *p = &j->w->promise[i];

        if (p->kind == PROMISE_KEY && !is_being_removed(j, p) &&
            (best == NULL || (holds_now(j, p) && p->key_file != NULL)))
            best = p;
    }
    return world_open(j->folder, best->secret, best->key_file, &j->v);
}

static bool
judge(struct judge *j)
{
    struct err *e = open_vault(j);

    if (e != NULL && !is_promised(j, PROMISE_VAULT)) {
        int code = err_code(e);

        err_free(e);
        return can_begin_anew(j, code);
    }
    if (!worked(j, "the vault does not open", e))
        return false;
    vault_on_warning(j->v, keep_warning, j);
    if (!points_are_right(j) || !nothing_is_damaged(j) || !takes_a_new_point(j) ||
        !points_are_right(j) || !restored_is_right(j))
        return false;
    if (j->w->check_keys && !keys_are_right(j))
        return false;
    if (j->warning != 0)
        (void)snprintf(j->why, EXPLORE_WHY_MAX, "a warning with code %d", j->warning);
    return j->warning == 0;
}

bool
world_check(void *arg, const char *folder, size_t at, char *why)
{
    struct judge j = { .w = arg, .folder = folder, .at = at, .why = why };

    if (!worked(&j, "no threads", pool_new(WORLD_LANES - 1, &j.pool)))
        return false;
    bool right = judge(&j);
    vault_point_free(j.fresh);
    vault_free(j.v);
    pool_free(j.pool);
    return right;
}
