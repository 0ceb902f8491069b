/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever a disk looks like and whatever a day does to it, each point brings back the bytes
 * that it was made from: disks and changes by chance, checked against the disks themselves.
 * And what fails on the way lists nothing. */
#include "check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backup_world.h"
#include "changed.h"
#include "source_fault.h"

enum { DISKS = WORLD_DISKS, DAYS = 4, SEEDS = 6, MOST = 6 << 20 };

/* ---- backup and restore ---- */

static struct err *
back_up_by(struct world *w, const struct backup_options *o, const struct source_fault *plan,
    uint64_t *ret_stored)
{
    struct backup_disk disks[DISKS] = { { 0 } };
    struct vault_point *p = NULL;

    for (size_t i = 0; i < w->ndisks; i++) {
        disks[i] = (struct backup_disk){ .name = w->name[i], .spec = w->name[i] };
        assert_ok(source_mem_new(w->name[i], w->disk[i].data, w->disk[i].size,
            w->disk[i].holes, &disks[i].source));
        if (plan != NULL)
            assert_ok(source_fault_new(disks[i].source, plan, 1, &disks[i].source));
    }
    struct err *e = backup_run(w->v, disks, w->ndisks, o, &p);
    for (size_t i = 0; i < w->ndisks; i++)
        source_free(disks[i].source);
    if (e == NULL) {
        world_remember(w, p);
        *ret_stored = p->stored_bytes;
    }
    vault_point_free(p);
    return e;
}

static struct err *
back_up(struct world *w, const char *machine, const char *changed,
    const struct source_fault *plan)
{
    const struct backup_options o = { .machine = machine, .changed = changed,
        .warn = world_warn, .arg = w };
    uint64_t stored;

    return back_up_by(w, &o, plan, &stored);
}

/* ---- tests ---- */

static void
days(uint64_t seed, unsigned block_len)
{
    struct world w;
    const char *list = pattern_path("changed");

    print_message("# seed %" PRIu64 ", blocks of %u\n", seed, block_len);
    world_open(&w, seed, block_len);
    world_make_disks(&w, 1 + seed % DISKS, MOST);
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
    world_check_points(&w);
    world_check_whole(&w);
    world_close(&w);
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
    world_open(&w, 77, 65536);
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
    world_check_points(&w);
    world_close(&w);
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
    world_open(&w, 5, 65536);
    w.ndisks = 1;
    disk_make(&w.rng, 9 << 20, &w.disk[0]);
    memset(w.disk[0].holes, 0, (9 << 20) / 4096 / 8);
    for (size_t i = 0; i < 4; i++) {
        assert_fails(back_up(&w, "m", NULL, &plans[i]), codes[i]);
        world_check_points(&w); /* none */
    }
    assert_ok(back_up(&w, "m", NULL, NULL));
    world_check_points(&w);
    world_check_whole(&w);
    world_close(&w);
}

/* Words by chance from a few: text that compresses, the harder the better. */
static void
make_text(struct rng *rng, struct made_disk *d)
{
    static const char *const words[] = { "the ", "guest ", "is ", "quiet, ", "its disk ",
        "holds ", "twelve ", "blocks of ", "sixteen ", "pages. " };

    for (uint64_t at = 0; at < d->size;) {
        const char *word = words[rng_below(rng, sizeof(words) / sizeof(*words))];
        size_t n = strlen(word);

        n = n < d->size - at ? n : (size_t)(d->size - at);
        memcpy(d->data + at, word, n);
        at += n;
    }
    memset(d->holes, 0, d->size / 4096 / 8);
}

/* However hard it is compressed, the bytes come back; harder takes less room; and what was
 * stored one way is not stored again another way. */
static void
compressions(void **state)
{
    static const char *const names[] = { "off", "fast", "normal", "best" };
    uint64_t room[4];

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct backup_options o = { .machine = "m", .warn = world_warn };
        struct world w;

        world_open(&w, 9, 65536);
        o.arg = &w;
        w.ndisks = 1;
        disk_make(&w.rng, 4 << 20, &w.disk[0]);
        make_text(&w.rng, &w.disk[0]);
        o.compression = vault_compression_of(names[i]);
        assert_ok(back_up_by(&w, &o, NULL, &room[i]));
        for (size_t k = 0; k < 4; k++) {
            uint64_t more;

            o.compression = vault_compression_of(names[k]);
            assert_ok(back_up_by(&w, &o, NULL, &more));
            assert_int_equal(more, 0);
        }
        world_check_points(&w);
        world_check_whole(&w);
        world_close(&w);
    }
    assert_true(room[0] >= 4 << 20);
    for (size_t i = 1; i < 4; i++)
        assert_true(room[i] < room[i - 1]);
    assert_int_equal(vault_compression_of("quick"), VAULT_COMPRESSION_NORMAL);
    assert_int_equal(vault_compression_of(NULL), VAULT_COMPRESSION_NORMAL);
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
        cmocka_unit_test(compressions),
        cmocka_unit_test(disk_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
