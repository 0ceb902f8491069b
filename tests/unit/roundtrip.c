/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever a disk looks like and whatever a day does to it, each point brings back the bytes
 * that it was made from: disks and changes by chance, checked against the disks themselves.
 * And what fails on the way lists nothing. */
#include "check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backup.h"
#include "changed.h"
#include "disk_maker.h"
#include "pool.h"
#include "rebuild.h"
#include "secret.h"
#include "sink.h"
#include "source.h"
#include "source_fault.h"
#include "store.h"
#include "vault.h"

enum { LANES = 3, DISKS = 2, DAYS = 4, SEEDS = 6, MOST = 6 << 20, KEPT = 16 };

/* ---- a vault ---- */

struct world {
    struct vault *v;
    struct pool *pool;
    struct rng rng;
    struct err *warning; /* the last one */
    char *name[DISKS];
    struct made_disk disk[DISKS];
    size_t ndisks;
    struct kept {        /* what a point was made from */
        struct vault_key id;
        uint8_t *data[DISKS];
        uint64_t size[DISKS];
        size_t ndisks;
    } kept[KEPT];
    size_t nkept;
};

static void
keep_warning(void *arg, struct err *warning)
{
    struct world *w = arg;

    err_free(w->warning);
    w->warning = warning;
}

static char names[DISKS][4] = { "vda", "vdb" };

static void
open_world(struct world *w, uint64_t seed, unsigned block_len)
{
    struct vault_params params = { .block_len = block_len, .kdf_mib = 8 };
    auto_ptr(secret) passphrase = NULL;
    struct vault_unlock unlock;
    struct vault_key id;
    struct store *s = NULL;

    memset(w, 0, sizeof(*w));
    w->rng.state = seed;
    assert_ok(secret_copy("snow", 4, &passphrase));
    unlock = (struct vault_unlock){ .passphrase = passphrase };
    assert_ok(store_mem_new(&s));
    assert_ok(vault_init(s, &params, passphrase, &id));
    assert_ok(vault_open(s, &unlock, LANES, &w->v));
    vault_on_warning(w->v, keep_warning, w);
    assert_ok(pool_new(LANES - 1, &w->pool));
    for (size_t i = 0; i < DISKS; i++)
        w->name[i] = names[i];
}

static void
make_disks(struct world *w, size_t n)
{
    w->ndisks = n;
    for (size_t i = 0; i < n; i++)
        disk_make(&w->rng, disk_size(&w->rng, vault_block_len(w->v), MOST), &w->disk[i]);
}

static void
close_world(struct world *w)
{
    for (size_t i = 0; i < w->nkept; i++)
        for (size_t j = 0; j < w->kept[i].ndisks; j++)
            free(w->kept[i].data[j]);
    for (size_t i = 0; i < w->ndisks; i++)
        disk_done(&w->disk[i]);
    err_free(w->warning);
    pool_free(w->pool);
    vault_free(w->v);
}

static void
remember(struct world *w, const struct vault_point *p)
{
    struct kept *k = &w->kept[w->nkept++];

    assert_true(w->nkept <= KEPT);
    k->id = p->id;
    k->ndisks = w->ndisks;
    for (size_t i = 0; i < w->ndisks; i++) {
        k->size[i] = w->disk[i].size;
        k->data[i] = malloc(k->size[i] + 1);
        assert_non_null(k->data[i]);
        memcpy(k->data[i], w->disk[i].data, k->size[i]);
    }
}

/* ---- backup and restore ---- */

static struct err *
back_up(struct world *w, const char *machine, const char *changed,
    const struct source_fault *plan)
{
    struct backup_options o = { .machine = machine, .changed = changed, .warn = keep_warning,
        .arg = w };
    struct backup_disk disks[DISKS] = { { 0 } };
    struct vault_point *p = NULL;

    for (size_t i = 0; i < w->ndisks; i++) {
        disks[i] = (struct backup_disk){ .name = w->name[i], .spec = w->name[i] };
        assert_ok(source_mem_new(w->name[i], w->disk[i].data, w->disk[i].size,
            w->disk[i].holes, &disks[i].source));
        if (plan != NULL)
            assert_ok(source_fault_new(disks[i].source, plan, 1, &disks[i].source));
    }
    struct err *e = backup_run(w->v, disks, w->ndisks, &o, &p);
    for (size_t i = 0; i < w->ndisks; i++)
        source_free(disks[i].source);
    if (e == NULL)
        remember(w, p);
    vault_point_free(p);
    return e;
}

static void
check_disk(struct world *w, const struct vault_disk *d, const uint8_t *data, bool in_place)
{
    auto_free uint8_t *to = malloc(d->size + 1);
    auto_ptr(sink) sink = NULL;
    uint64_t written = 0;

    /* in place: half of it is right already */
    memset(to, 0x5a, d->size);
    memcpy(to, data, d->size / 2);
    assert_ok(sink_mem_new(to, d->size, &sink));
    assert_ok(rebuild_disk(&(struct rebuild){ .vault = w->v, .pool = w->pool, .disk = d,
        .sink = sink, .keep_equal = in_place }, &written));
    assert_ok(sink_finish(sink));
    assert_memory_equal(to, data, d->size);
    if (in_place)
        assert_true(written <= d->size - d->size / 2 + (1 << 20));
}

static void
check_points(struct world *w)
{
    auto_ptr(vault_points) points = NULL;
    char hex[2 * VAULT_KEY_LEN + 1];

    assert_ok(vault_points(w->v, &points));
    assert_int_equal(points->n, w->nkept);
    for (size_t i = 0; i < w->nkept; i++) {
        const struct kept *k = &w->kept[i];
        const struct vault_point *p;

        vault_key_hex(&k->id, hex);
        assert_ok(vault_points_find(points, hex, &p));
        assert_int_equal(p->ndisks, k->ndisks);
        for (size_t d = 0; d < k->ndisks; d++) {
            assert_int_equal(p->disks[d].size, k->size[d]);
            check_disk(w, &p->disks[d], k->data[d], (i + d) % 2 == 0);
        }
    }
}

static void
check_whole(struct world *w)
{
    struct vault_check c = { .data = true };
    auto_ptr(vault_report) report = NULL;

    assert_ok(vault_verify(w->v, &c, &report));
    assert_int_equal(report->ndamaged, 0);
}

/* ---- tests ---- */

static void
days(uint64_t seed, unsigned block_len)
{
    struct world w;
    const char *list = pattern_path("changed");

    print_message("# seed %" PRIu64 ", blocks of %u\n", seed, block_len);
    open_world(&w, seed, block_len);
    make_disks(&w, 1 + seed % DISKS);
    assert_ok(back_up(&w, "web", NULL, NULL));
    for (unsigned day = 0; day < DAYS; day++) {
        for (size_t i = 0; i < w.ndisks; i++)
            disk_change(&w.rng, &w.disk[i]);
        bool by_list = w.ndisks == 1 && day % 2 == 0;
        disk_list_changes(&w.rng, &w.disk[0], block_len, list);
        assert_ok(back_up(&w, "web", by_list ? list : NULL, NULL));
        assert_null(w.warning);
    }
    /* another machine with the same disks stores nothing new of them */
    assert_ok(back_up(&w, "mail", NULL, NULL));
    check_points(&w);
    check_whole(&w);
    close_world(&w);
}

static void
round_trips(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        for (unsigned block_len = VAULT_BLOCK_MIN; block_len <= VAULT_BLOCK_MAX; block_len *= 2)
            days(seed * 1000 + block_len / 1024 + seed, block_len);
}

/* A list that cannot be used costs time, never blocks; and the point says so. */
static void
lists_that_do_not_fit(void **state)
{
    const char *list = pattern_path("changed");
    auto_ptr(vault_points) points = NULL;
    struct world w;

    (void)state;
    open_world(&w, 77, 65536);
    w.ndisks = 1;
    disk_make(&w.rng, 5 << 20, &w.disk[0]);
    disk_list_changes(&w.rng, &w.disk[0], 65536, list);
    assert_ok(back_up(&w, "m", list, NULL)); /* no parent */
    assert_int_equal(err_code(w.warning), E_ChangedListUnused);
    disk_done(&w.disk[0]);
    disk_make(&w.rng, 6 << 20, &w.disk[0]); /* another size */
    assert_ok(back_up(&w, "m", list, NULL));
    assert_ok(vault_points(w.v, &points));
    assert_int_equal(points->items[0]->nfacts, 1);
    assert_int_equal(points->items[1]->nfacts, 1);
    assert_string_equal(points->items[1]->facts[0].name, "ChangedListUnused");
    check_points(&w);
    close_world(&w);
}

static void
write_list(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void
lists_by_hand(void **state)
{
    static const char *const wrong[] = { "x\n", "1\n-2\n", "1 2\n", "100\n", "0x1\n", "1\r2\n",
        "99999999999999999999999\n", "18446744073709551616\n", "1\n2\n1e3" };
    const char *list = pattern_path("list");
    struct changed *c = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        write_list(list, wrong[i]);
        assert_fails(changed_read(list, 100, &c), E_InputInvalid);
    }
    assert_fails(changed_read("/nonexistent/list", 100, &c), E_FileUnreadable);
    write_list(list, "70\n3\r\n\n99\n3\n64");
    assert_ok(changed_read(list, 100, &c));
    assert_int_equal(changed_next(c, 0), 3);
    assert_int_equal(changed_next(c, 4), 64);
    assert_int_equal(changed_next(c, 71), 99);
    assert_int_equal(changed_next(c, 100), 100);
    assert_true(changed_mask(c, 0) == 8);
    assert_true(changed_mask(c, 64) == (1 | 1 << 6 | UINT64_C(1) << 35));
    changed_free(c);
    /* of a disk beyond what the bitmap holds, more counts as changed, never less */
    write_list(list, "1099511627775\n5\n");
    assert_ok(changed_read(list, UINT64_C(1) << 40, &c));
    assert_true(changed_next(c, 0) <= 5);
    assert_true((changed_mask(c, 0) >> 5 & 1) != 0);
    assert_true(changed_next(c, UINT64_C(1) << 39) <= (UINT64_C(1) << 40) - 1);
    changed_free(c);
}

static void
failures_list_nothing(void **state)
{
    const struct source_fault plans[] = {
        { .kind = SOURCE_FAULT_ERROR, .off = 3 << 20, .len = 1, .number = EIO },
        { .kind = SOURCE_FAULT_VANISH, .call = 2 },
        { .kind = SOURCE_FAULT_SHRINK, .call = 1, .size = 4096 },
        { .kind = SOURCE_FAULT_GROW, .call = 1, .size = 100 << 20 },
    };
    const int codes[] = { E_SourceReadFailed, E_SourceVanished, E_SourceShrank, E_SourceGrew };
    struct world w;

    (void)state;
    open_world(&w, 5, 65536);
    w.ndisks = 1;
    disk_make(&w.rng, 9 << 20, &w.disk[0]);
    memset(w.disk[0].holes, 0, (9 << 20) / 4096 / 8);
    for (size_t i = 0; i < 4; i++) {
        assert_fails(back_up(&w, "m", NULL, &plans[i]), codes[i]);
        check_points(&w); /* none */
    }
    assert_ok(back_up(&w, "m", NULL, NULL));
    check_points(&w);
    check_whole(&w);
    close_world(&w);
}

static void
disk_names(void **state)
{
    static const struct {
        const char *text, *name, *spec;
    } good[] = {
        { "/vm/web1.qcow2", "web1", "/vm/web1.qcow2" },
        { "disk", "disk", "disk" },
        { ".raw", ".raw", ".raw" },
        { "root=/vm/a.raw", "root", "/vm/a.raw" },
        { "/vm/a=b.raw", "a=b", "/vm/a=b.raw" },
        { "./a=b", "a=b", "./a=b" },
        { "/dev/vg/lv.1", "lv.1", "/dev/vg/lv.1" },
        { "nbd://host/export", "export", "nbd://host/export" },
        { "nbd+unix:///x?socket=/run/s", "x", "nbd+unix:///x?socket=/run/s" },
        { "d=nbd://host", "d", "nbd://host" },
    };
    static const char *const bad[] = { "", "/", "a=", ".=x", "..=x", "a\n=x", "\xff=x" };
    const char *spec;

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        auto_free char *name = NULL;

        assert_ok(backup_name(good[i].text, &name, &spec));
        assert_string_equal(name, good[i].name);
        assert_string_equal(spec, good[i].spec);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char *name = NULL;

        assert_fails(backup_name(bad[i], &name, &spec), E_UsageWrong);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trips),
        cmocka_unit_test(lists_that_do_not_fit),
        cmocka_unit_test(lists_by_hand),
        cmocka_unit_test(failures_list_nothing),
        cmocka_unit_test(disk_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
