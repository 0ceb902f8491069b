/* SPDX-License-Identifier: Apache-2.0 */
/* The disk is full at the n-th call that needs room, for every n (in check, for many), once
 * and from then on, in each kind of work.  The failure says that the disk is full; nothing is
 * listed that is not whole; what was there restores; and with room again the next one works.
 *
 * tests/e2e/full.sh does the same with file systems that are really full. */
#include "check.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "explore.h"
#include "record.h"
#include "store.h"
#include "world.h"

enum { DISK = 5 * 65536 + 99, CALLS_MAX = 2000, TRIES = 24 };

struct work {
    const char *name;
    struct err *(*act)(struct world *w, struct vault *v);
    bool no_vault, damaged, restores;
};

/* ---- kinds of work ---- */

static struct err *
make_vault(struct world *w, struct vault *v)
{
    (void)v;
    return world_init(w);
}

static struct err *
back_up(struct world *w, struct vault *v)
{
    world_change(w);
    return world_backup(w, v, "m");
}

static struct err *
add_keys(struct world *w, struct vault *v)
{
    struct vault_key id;

    TRY(world_add_key(w, v, NULL, "key2", &id));
    TRY(world_add_key(w, v, "two", NULL, &id));
    return NULL;
}

static struct err *
restore(struct world *w, struct vault *v)
{
    unsigned last = w->npromises - 1;

    assert_int_equal(w->promise[last].kind, PROMISE_POINT);
    TRY(world_restore(w, v, last, false));
    TRY(world_restore(w, v, last, true));
    return NULL;
}

/* ---- one try ---- */

static struct err *
spoil(void *arg, const char *name, uint64_t len)
{
    const struct world *w = arg;
    char path[PATH_MAX];

    (void)len;
    (void)snprintf(path, sizeof(path), "%s/v/%s", w->root, name);
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, "damage", 6, 1200), 6);
    close(fd);
    return NULL;
}

static void
damage(struct world *w)
{
    static const char *const folders[] = { "packs", "runs", "points", "slots" };
    char path[PATH_MAX];
    struct store *s;

    (void)snprintf(path, sizeof(path), "%s/v", w->root);
    assert_ok(store_dir_open(path, false, &s));
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
        assert_ok(store_list(s, folders[i], spoil, w));
    store_free(s);
    w->damaged = true;
}

static void
begin(const struct work *k, struct world *w, struct vault **ret)
{
    struct vault_key id;

    world_begin(w, pattern_path("w"), DISK, 11);
    *ret = NULL;
    if (k->no_vault)
        return;
    assert_ok(world_init(w));
    assert_ok(world_open(w->root, "one", NULL, ret));
    assert_ok(world_add_key(w, *ret, NULL, "key", &id));
    assert_ok(world_backup(w, *ret, "m"));
    if (k->damaged)
        damage(w);
    vault_free(*ret);
    assert_ok(world_open(w->root, NULL, "key", ret));
}

static void
code_is_right(const struct work *k, unsigned n, const struct err *e)
{
    bool right = err_has(e, E_StoreFull) || (k->restores && err_has(e, E_RestoreTargetFull)) ||
        (err_has(e, E_FileUnwritable) && err_os_number(e) == ENOSPC);

    if (!right) {
        print_error("%s, call %u:\n", k->name, n);
        err_print(e, true, check_line, NULL);
    }
    assert_true(right);
    assert_int_equal(err_exit_status(e), 1);
}

/* How many calls needed room; *ret_refused how many got none.  ${n} = 0: all got it. */
static unsigned
try_once(const struct work *k, unsigned n, bool onwards, unsigned *ret_refused)
{
    char why[EXPLORE_WHY_MAX] = "";
    struct vault *v = NULL;
    struct world w;

    begin(k, &w, &v);
    record_fill_disk(n, onwards);
    struct err *e = k->act(&w, v);
    unsigned calls = record_empty_disk(ret_refused);
    if (e != NULL)
        code_is_right(k, n, e);
    assert_true(e == NULL || *ret_refused > 0);
    err_free(e);
    vault_free(v);
    if (!world_check(&w, w.root, 0, why)) {
        print_error("%s, call %u%s: %s\n", k->name, n, onwards ? " and on" : "", why);
        assert_true(false);
    }
    world_done(&w);
    return calls;
}

static void
sweep(const struct work *k)
{
    unsigned refused = 0, calls = try_once(k, 0, false, &refused), tries = 0;
    unsigned want = getenv("FIRN_SOAK") != NULL ? CALLS_MAX
        : getenv("FIRN_SLOW_BUILD") != NULL     ? TRIES / 3
                                                : TRIES;

    assert_int_equal(refused, 0);
    assert_true(calls >= 5 && calls < CALLS_MAX);
    unsigned step = calls / want + 1;
    for (int onwards = 0; onwards < 2; onwards++)
        for (unsigned n = 1; n <= calls; n += step, tries++) {
            unsigned made = try_once(k, n, onwards == 1, &refused);
            /* threads that come to their packs in another order may need fewer */
            assert_true(refused > 0 || made < n);
        }
    print_message("# %s: %u calls need room, %u tries\n", k->name, calls, tries);
}

/* ---- tests ---- */

static void
init(void **state)
{
    (void)state;
    sweep(&(struct work){ .name = "init", .act = make_vault, .no_vault = true });
}

static void
backup(void **state)
{
    (void)state;
    sweep(&(struct work){ .name = "backup", .act = back_up });
}

static void
keys(void **state)
{
    (void)state;
    sweep(&(struct work){ .name = "key add", .act = add_keys });
}

static void
repair(void **state)
{
    (void)state;
    sweep(&(struct work){ .name = "verify --repair", .act = world_repair, .damaged = true });
}

static void
restoring(void **state)
{
    (void)state;
    sweep(&(struct work){ .name = "restore", .act = restore, .restores = true });
}

static void
without_tmpfile(void **state)
{
    (void)state;
    record_without_tmpfile(true);
    sweep(&(struct work){ .name = "backup without O_TMPFILE", .act = back_up });
    sweep(&(struct work){ .name = "restore without O_TMPFILE", .act = restore,
        .restores = true });
    record_without_tmpfile(false);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(init),
        cmocka_unit_test(backup),
        cmocka_unit_test(keys),
        cmocka_unit_test(repair),
        cmocka_unit_test(restoring),
        cmocka_unit_test(without_tmpfile),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
