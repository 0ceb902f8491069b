/* SPDX-License-Identifier: Apache-2.0 */
/* Power is lost after every step of every kind of work, in every way that file systems allow:
 * what firn said was done is there, what it had not finished hurts nobody.
 *
 * At the end the same search is told to overlook one kind of sync after the other, and must
 * find what that costs: a search that finds nothing then would prove nothing before. */
#include "check.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "explore.h"
#include "record.h"
#include "store.h"
#include "world.h"

enum { DISK = 700001, LARGE_DISK = (9 << 20) + 777, ROOM = 256 << 20, STATES_MIN = 2000 };

static unsigned long states_in_all;
static unsigned effort = 1; /* 1: a slow build; 2: check; 16: soak */

/* ---- where ---- */

/* Memory is the fastest disk, where it is large enough. */
static const char *
scratch(void)
{
    static char path[PATH_MAX];
    struct statvfs fs;

    if (path[0] == '\0' && statvfs("/dev/shm", &fs) == 0 && access("/dev/shm", W_OK) == 0 &&
        fs.f_bavail * fs.f_frsize >= ROOM)
        (void)setenv("TMPDIR", "/dev/shm", 1);
    (void)snprintf(path, sizeof(path), "%s", pattern_folder());
    return path;
}

static const char *
new_root(void)
{
    static unsigned number;
    char name[16];

    (void)scratch();
    (void)snprintf(name, sizeof(name), "w%u", number++);
    return pattern_path(name);
}

static struct vault *
opened(struct world *w, const char *key_file)
{
    struct vault *v = NULL;

    assert_ok(world_open(w->root, "one", key_file, &v));
    return v;
}

/* ---- exploring ---- */

static struct explore
look(struct world *w, const struct record *r, size_t from)
{
    return (struct explore){ .record = r, .from = from, .stride = effort == 1 ? 3 : 1,
        .all_below = 64 * effort, .samples = 4 * effort, .seed = 1, .check = world_check,
        .arg = w };
}

static void
must_hold(const char *what, struct world *w, struct record *r, size_t from)
{
    struct explore x = look(w, r, from);

    assert_true(explore_is_complete(r, w->root, scratch()));
    explore(&x, scratch());
    print_message("# %s: %zu steps, %u states, %u bad\n", what, r->nops, x.states, x.losses);
    if (x.losses > 0)
        print_error("%s: %s\n", what, x.why);
    states_in_all += x.states;
    assert_true(x.states > 3);
    assert_int_equal(x.losses, 0);
    record_done(r);
    world_done(w);
}

/* ---- what is recorded ---- */

static void
begin(struct world *w, uint64_t size, uint64_t seed)
{
    world_begin(w, new_root(), size, seed);
    record_begin(w->root);
}

/* A vault with a key file, which opens it quickly. */
static void
begin_with_vault(struct world *w, uint64_t size, uint64_t seed)
{
    struct vault_key id;

    begin(w, size, seed);
    assert_ok(world_init(w));
    struct vault *v = opened(w, NULL);
    assert_ok(world_add_key(w, v, NULL, "key", &id));
    vault_free(v);
}

static void
some_days(struct world *w, unsigned days)
{
    for (unsigned i = 0; i < (effort > 2 ? 3 : 1) * days; i++) {
        struct vault *v = opened(w, "key");

        world_change(w);
        assert_ok(world_backup(w, v, "m"));
        vault_free(v);
    }
}

static void
from_the_first_step(bool tmpfile)
{
    struct record r;
    struct world w;

    record_without_tmpfile(!tmpfile);
    begin_with_vault(&w, DISK, 1);
    some_days(&w, 2);
    record_end(&r);
    must_hold(tmpfile ? "init, a key, two backups" : "the same without O_TMPFILE", &w, &r, 0);
}

static void
a_vault_and_its_points(void **state)
{
    (void)state;
    from_the_first_step(true);
}

static void
a_file_system_without_tmpfile(void **state)
{
    (void)state;
    from_the_first_step(false);
}

static void
several_packs(void **state)
{
    struct record r;
    struct world w;

    (void)state;
    begin_with_vault(&w, LARGE_DISK, 2);
    size_t from = record_mark(0);
    for (uint64_t i = 0; i < w.size; i++)
        w.disk[i] = (uint8_t)rng_next(&w.rng); /* nothing to compress */
    some_days(&w, 1);
    record_end(&r);
    must_hold("a backup of several packs", &w, &r, from);
}

/* Enough runs that the next backup merges them. */
static void
merged_runs(void **state)
{
    struct record r;
    struct world w;

    (void)state;
    begin_with_vault(&w, 3 * 65536, 3);
    some_days(&w, 8);
    size_t from = record_mark(0);
    some_days(&w, 2);
    record_end(&r);
    must_hold("backups that merge runs", &w, &r, from);
}

/* ---- two at once ---- */

struct writer {
    pthread_t thread;
    struct world w; /* promises of its own, the same folder */
    struct vault *v;
    struct err *failed;
};

static void *
write_points(void *arg)
{
    struct writer *t = arg;

    for (int i = 0; i < 2 && t->failed == NULL; i++) {
        world_change(&t->w);
        t->failed = world_backup(&t->w, t->v, "m");
    }
    return NULL;
}

/* Bring the promises of ${from} to ${to}. */
static void
take_promises(struct world *to, struct world *from)
{
    for (unsigned i = 0; i < from->npromises; i++)
        to->promise[to->npromises++] = from->promise[i];
    from->npromises = 0;
    free(from->disk);
}

static void
begin_writer(struct writer *t, const struct world *w, uint64_t seed)
{
    memset(t, 0, sizeof(*t));
    t->w.rng.state = seed;
    t->w.size = w->size;
    t->w.disk = malloc(w->size);
    memcpy(t->w.disk, w->disk, w->size);
    (void)snprintf(t->w.root, sizeof(t->w.root), "%s", w->root);
    assert_ok(world_open(w->root, NULL, "key", &t->v));
}

static void
both_write(uint64_t seed)
{
    struct writer t[2];
    struct record r;
    struct world w;

    begin_with_vault(&w, DISK, seed);
    some_days(&w, 1);
    size_t from = record_mark(0);
    for (unsigned i = 0; i < 2; i++)
        begin_writer(&t[i], &w, i);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&t[i].thread, NULL, write_points, &t[i]), 0);
    for (unsigned i = 0; i < 2; i++)
        pthread_join(t[i].thread, NULL);
    for (unsigned i = 0; i < 2; i++) {
        assert_ok(t[i].failed);
        vault_free(t[i].v);
        take_promises(&w, &t[i].w);
    }
    record_end(&r);
    must_hold("two writers at once", &w, &r, from);
}

static void
two_writers_at_once(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 2 * effort; seed++)
        both_write(seed);
}

static void
interrupt(void *arg)
{
    struct writer *t = arg;

    t->failed = world_backup(&t->w, t->v, "m");
}

/* While one writer is before its n-th sync, another backs up the same blocks, which it finds
 * in packs whose names nobody has made durable yet. */
static void
one_within_the_other(unsigned n, unsigned *ret_syncs)
{
    struct writer other;
    struct record r;
    struct world w;
    char what[64];

    begin_with_vault(&w, 4 * 65536, 5);
    begin_writer(&other, &w, 1);
    struct vault *v = opened(&w, "key");
    size_t from = record_mark(0);
    unsigned before = record_syncs();
    record_before_sync(n, interrupt, &other);
    assert_ok(world_backup(&w, v, "m"));
    record_before_sync(0, NULL, NULL);
    *ret_syncs = record_syncs() - before;
    vault_free(v);
    assert_ok(other.failed);
    vault_free(other.v);
    take_promises(&w, &other.w);
    record_end(&r);
    (void)snprintf(what, sizeof(what), "another backup before sync %u", n);
    must_hold(what, &w, &r, from);
}

static void
a_writer_within_another(void **state)
{
    unsigned last = 1, syncs = 0;

    (void)state;
    for (unsigned n = 1; n <= last; n += effort > 2 ? 1 : effort > 1 ? 3 : 7) {
        one_within_the_other(n, &syncs);
        last = n == 1 ? syncs / 2 : last; /* about what one of the two asks for */
    }
}

/* ---- keys, repair, restore ---- */

static void
keys_come_and_go(void **state)
{
    struct vault_key second, third;
    struct promise *gone;
    struct record r;
    struct world w;

    (void)state;
    begin_with_vault(&w, 65536, 6);
    some_days(&w, 1);
    size_t from = record_mark(0);
    struct vault *v = opened(&w, "key");
    assert_ok(world_add_key(&w, v, "two", NULL, &second));
    assert_ok(world_add_key(&w, v, NULL, "key2", &third));
    gone = &w.promise[w.npromises++];
    *gone = (struct promise){ .kind = PROMISE_NO_KEY, .at = SIZE_MAX };
    gone->secret = w.promise[w.npromises - 3].secret;
    assert_string_equal(gone->secret, "two");
    assert_ok(vault_slot_remove(v, &second));
    gone->at = record_mark(w.npromises - 1);
    vault_free(v);
    record_end(&r);
    w.check_keys = true;
    must_hold("keys added and removed", &w, &r, from);
}

struct victims {
    char name[8][STORE_NAME_MAX + 1];
    unsigned n;
};

static struct err *
take_victim(void *arg, const char *name, uint64_t len)
{
    struct victims *v = arg;

    if (len > 1500 && v->n < 8)
        memcpy(v->name[v->n++], name, strlen(name) + 1);
    return NULL;
}

/* A little of each object goes bad where it lies. */
static void
damage(struct world *w)
{
    static const char *const folders[] = { "packs", "runs", "points", "sessions", "slots",
        "certs" };
    struct victims victims = { .n = 0 };
    char path[PATH_MAX];
    struct store *s;

    (void)snprintf(path, sizeof(path), "%s/v", w->root);
    assert_ok(store_dir_open(path, false, &s));
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
        assert_ok(store_list(s, folders[i], take_victim, &victims));
    store_free(s);
    assert_true(victims.n >= 6);
    for (unsigned i = 0; i <= victims.n; i++) {
        (void)snprintf(path, sizeof(path), "%s/v/%s", w->root,
            i < victims.n ? victims.name[i] : "firn.vault");
        int fd = open(path, O_WRONLY);
        assert_true(fd >= 0);
        assert_int_equal(pwrite(fd, "damage", 6, 1200), 6);
        assert_int_equal(fsync(fd), 0);
        close(fd);
    }
    w->damaged = true;
}

static void
repairs(void **state)
{
    struct record r;
    struct world w;

    (void)state;
    begin_with_vault(&w, 5 * 65536, 7);
    some_days(&w, 1);
    damage(&w);
    size_t from = record_mark(0);
    struct vault *v = opened(&w, "key");
    assert_ok(world_repair(&w, v));
    vault_free(v);
    record_end(&r);
    must_hold("verify --repair", &w, &r, from);
}

static void
restored_files(bool tmpfile)
{
    struct record r;
    struct world w;

    record_without_tmpfile(!tmpfile);
    begin_with_vault(&w, 3 * 65536 + 17, 8);
    some_days(&w, 2);
    size_t from = record_mark(0);
    struct vault *v = opened(&w, "key");
    unsigned last = w.npromises - 1;
    assert_int_equal(w.promise[last].kind, PROMISE_POINT);
    assert_ok(world_restore(&w, v, last, false));
    assert_ok(world_restore(&w, v, last - 1, true));
    vault_free(v);
    record_end(&r);
    must_hold(tmpfile ? "restore, and restore --force" : "the same without O_TMPFILE", &w, &r,
        from);
}

static void
restores(void **state)
{
    (void)state;
    restored_files(true);
    restored_files(false);
}

/* ---- does the search find anything? ---- */

static void
must_be_found(const char *syncs, const char *what)
{
    struct record r;
    struct world w;

    record_forget_syncs(syncs);
    begin_with_vault(&w, 65536, 9);
    some_days(&w, 1);
    struct vault *v = opened(&w, "key");
    assert_ok(world_restore(&w, v, w.npromises - 1, false));
    vault_free(v);
    record_end(&r);
    struct explore x = look(&w, &r, 0);
    x.losses_max = 1;
    explore(&x, scratch());
    print_message("# without syncs of %s: %s\n", what, x.losses > 0 ? x.why : "nothing");
    assert_true(x.losses > 0);
    record_done(&r);
    world_done(&w);
}

static void
the_search_finds_missing_syncs(void **state)
{
    (void)state;
    must_be_found("v/packs", "packs/");
    must_be_found("v/runs", "runs/");
    must_be_found("v/points", "points/");
    must_be_found("v/slots", "slots/");
    must_be_found("*", "files");
    must_be_found("", "the folder above the vault");
}

static void
enough_was_explored(void **state)
{
    (void)state;
    print_message("# %lu states explored in all\n", states_in_all);
    assert_true(effort == 1 || states_in_all >= STATES_MIN);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_vault_and_its_points),
        cmocka_unit_test(a_file_system_without_tmpfile),
        cmocka_unit_test(several_packs),
        cmocka_unit_test(merged_runs),
        cmocka_unit_test(two_writers_at_once),
        cmocka_unit_test(a_writer_within_another),
        cmocka_unit_test(keys_come_and_go),
        cmocka_unit_test(repairs),
        cmocka_unit_test(restores),
        cmocka_unit_test(the_search_finds_missing_syncs),
        cmocka_unit_test(enough_was_explored),
    };

    effort = getenv("FIRN_SOAK") != NULL ? 16 : getenv("FIRN_SLOW_BUILD") != NULL ? 1 : 2;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
