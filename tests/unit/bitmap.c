/* SPDX-License-Identifier: Apache-2.0 */
/* Points made by what a disk's bitmap names: they bring back the disk, they cost what
 * changed, and whatever is wrong with the bitmap is said and leads to a whole read; and when
 * a bitmap lies, the audit finds it, and says which points may suffer from it. */
#include "check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "backup_world.h"
#include "source_fault.h"

enum { BLOCK = 65536, DAYS = 5, SEEDS = 8, MOST = 12 << 20 };

/* ---- a machine whose disks have bitmaps ---- */

struct machine {
    struct world w;
    struct vault_key newest;
    bool has_newest;
    uint64_t reads;       /* requests for the sources in the last backup */
    struct chain then[WORLD_DISKS], keep[WORLD_DISKS];
    const struct source_fault *plan;
    struct err *broke;    /* of the first disk, for the next backup */
    bool goes_on;
    const uint8_t *lie;   /* what the first disk calls changed, when not the truth */
    bool lied;            /* then points are not what the disk was */
    unsigned audit_percent;
};

static void
machine_open(struct machine *m, uint64_t seed)
{
    memset(m, 0, sizeof(*m));
    world_open(&m->w, seed, BLOCK);
    for (size_t i = 0; i < WORLD_DISKS; i++)
        m->keep[i] = (struct chain){ .bitmap = (char *)"firn-b", .persistent = true,
            .granularity = 4096 };
}

static void
machine_close(struct machine *m)
{
    for (size_t i = 0; i < WORLD_DISKS; i++)
        chain_done(&m->then[i]);
    world_close(&m->w);
}

static void
forget_changes(struct made_disk *d)
{
    memset(d->changed, 0, d->size / SOURCE_MEM_HOLE / 8 + 1);
}

static void
open_disk(struct machine *m, size_t i, struct backup_disk *to)
{
    static const struct source_fault none = { .kind = SOURCE_FAULT_DELAY, .call = 1 };
    struct made_disk *d = &m->w.disk[i];
    struct source *s = NULL;

    assert_ok(source_mem_new(m->w.name[i], d->data, d->size, d->holes, &s));
    source_mem_changes(s, i == 0 && m->lie != NULL ? m->lie : d->changed);
    assert_ok(source_fault_new(s, m->plan != NULL ? m->plan : &none, 1, &s));
    *to = (struct backup_disk){ .name = m->w.name[i], .spec = m->w.name[i], .source = s,
        .chain = &m->keep[i], .goes_on = m->goes_on };
    if (m->has_newest && (i > 0 || m->broke == NULL)) {
        to->since = &m->newest;
        to->then = &m->then[i];
    }
    if (i == 0)
        to->broke = take(m->broke);
}

static void
note_point(struct machine *m, const struct vault_point *p)
{
    if (!m->lied)
        world_remember(&m->w, p);
    m->newest = p->id;
    m->has_newest = true;
    for (size_t i = 0; i < p->ndisks; i++) {
        chain_done(&m->then[i]);
        assert_ok(chain_read(&p->disks[i], &m->then[i]));
        if (!m->goes_on)
            forget_changes(&m->w.disk[i]);
    }
}

static struct err *
back_up(struct machine *m, struct vault_point **ret)
{
    struct backup_options o = { .machine = "web", .audit_percent = m->audit_percent,
        .warn = world_warn, .arg = &m->w };
    struct backup_disk disks[WORLD_DISKS];
    struct vault_point *p = NULL;

    err_free(take(m->w.warning));
    for (size_t i = 0; i < m->w.ndisks; i++)
        open_disk(m, i, &disks[i]);
    struct err *e = backup_run(m->w.v, disks, m->w.ndisks, &o, &p);
    m->reads = 0;
    for (size_t i = 0; i < m->w.ndisks; i++) {
        m->reads += source_fault_reads(disks[i].source);
        source_free(disks[i].source);
        err_free(disks[i].broke);
    }
    if (e == NULL)
        note_point(m, p);
    if (ret != NULL && e == NULL)
        *ret = p;
    else
        vault_point_free(p);
    return e;
}

static bool
read_by_bitmap(const struct vault_point *p, size_t disk)
{
    return chain_fact(&p->disks[disk], "chain.read") != NULL;
}

/* ---- tests ---- */

static void
days(uint64_t seed)
{
    struct machine m;

    print_message("# seed %" PRIu64 "\n", seed);
    machine_open(&m, seed);
    m.goes_on = seed % 2 == 0;
    world_make_disks(&m.w, 1 + seed % WORLD_DISKS, MOST);
    assert_ok(back_up(&m, NULL));
    for (unsigned day = 0; day < DAYS; day++) {
        struct vault_point *p = NULL;

        for (size_t i = 0; i < m.w.ndisks; i++)
            disk_change(&m.w.rng, &m.w.disk[i]);
        assert_ok(back_up(&m, &p));
        assert_null(m.w.warning);
        for (size_t i = 0; i < m.w.ndisks; i++)
            assert_true(read_by_bitmap(p, i));
        vault_point_free(p);
    }
    world_check_points(&m.w);
    world_check_whole(&m.w);
    machine_close(&m);
}

static void
each_day_comes_back(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        days(seed);
}

/* One disk of ${size} random bytes without holes. */
static void
plain_disk(struct machine *m, uint64_t size)
{
    struct made_disk *d = &m->w.disk[m->w.ndisks++];

    disk_make(&m->w.rng, size, d);
    memset(d->holes, 0, size / SOURCE_MEM_HOLE / 8 + 1);
    for (uint64_t i = 0; i + 8 <= size; i += 8)
        memcpy(d->data + i, &(uint64_t){ rng_next(&m->w.rng) }, 8);
}

static void
write_at(struct made_disk *d, uint64_t off)
{
    d->data[off]++;
    d->changed[off / SOURCE_MEM_HOLE / 8] |= (uint8_t)(1 << off / SOURCE_MEM_HOLE % 8);
}

/* Twice the disk costs the same, twice the change twice as much. */
static void
cost_follows_the_change(void **state)
{
    static const unsigned written[] = { 0, 1, 10, 40 };

    (void)state;
    for (uint64_t mib = 16; mib <= 64; mib *= 4) {
        struct machine m;

        machine_open(&m, mib);
        plain_disk(&m, mib << 20);
        assert_ok(back_up(&m, NULL));
        assert_true(m.reads >= mib);
        for (size_t i = 0; i < sizeof(written) / sizeof(written[0]); i++) {
            struct vault_point *p = NULL;

            for (unsigned k = 0; k < written[i]; k++) /* each in a block of its own */
                write_at(&m.w.disk[0], (uint64_t)k * 3 * BLOCK + 5000);
            assert_ok(back_up(&m, &p));
            assert_int_equal(m.reads, written[i] + AUDIT_LEAST);
            assert_int_equal(p->read_bytes, (uint64_t)written[i] * BLOCK);
            assert_int_equal(p->new_bytes, (uint64_t)written[i] * BLOCK);
            vault_point_free(p);
        }
        world_check_points(&m.w);
        machine_close(&m);
    }
}

/* The bitmap is not used, the point says why, and holds the disk. */
static void
expect_whole(struct machine *m, int code, const char *name)
{
    struct vault_point *p = NULL;

    assert_ok(back_up(m, &p));
    assert_int_equal(err_code(m->w.warning), code);
    assert_true(err_is(m->w.warning, C_job_weaker));
    assert_int_equal(p->nfacts, 1);
    assert_string_equal(p->facts[0].name, name);
    assert_string_equal(p->facts[0].value, "vda");
    assert_false(read_by_bitmap(p, 0));
    assert_true(p->read_bytes >= m->w.disk[0].size);
    vault_point_free(p);
    world_check_points(&m->w);
}

static void
broken_chains(void **state)
{
    const struct source_fault refuses = { .kind = SOURCE_FAULT_UNTOLD, .call = 1,
        .onwards = true, .number = EINVAL };
    struct chain_now now = { .found = false };
    struct machine m;

    (void)state;
    machine_open(&m, 3);
    plain_disk(&m, 3 << 20);
    assert_ok(back_up(&m, NULL));
    write_at(&m.w.disk[0], 70000);
    m.broke = chain_broke(CHAIN_BITMAP_LOST, "vda", &m.then[0], &now);
    expect_whole(&m, E_BitmapLost, "BitmapLost");
    m.plan = &refuses;
    expect_whole(&m, E_ChangesUntold, "ChangesUntold");
    m.plan = NULL;
    /* a point that somebody else made meanwhile */
    m.newest.b[0] ^= 1;
    expect_whole(&m, E_ChangesUnused, "ChangesUnused");
    /* and it goes on by the bitmap after each */
    struct vault_point *p = NULL;
    write_at(&m.w.disk[0], 200000);
    assert_ok(back_up(&m, &p));
    assert_null(m.w.warning);
    assert_true(read_by_bitmap(p, 0));
    assert_int_equal(m.reads, (3 << 20) / BLOCK); /* the others are fewer than an audit */
    assert_int_equal(p->read_bytes, BLOCK);
    vault_point_free(p);
    world_check_points(&m.w);
    machine_close(&m);
}

/* A bitmap that goes on over several points may grow, never shrink. */
static void
a_bitmap_that_somebody_cleared(void **state)
{
    struct machine m;
    struct vault_point *p = NULL;

    (void)state;
    machine_open(&m, 4);
    m.goes_on = true;
    plain_disk(&m, 2 << 20);
    write_at(&m.w.disk[0], 5);
    write_at(&m.w.disk[0], 900000);
    assert_ok(back_up(&m, NULL));
    assert_int_equal(m.then[0].dirty, 2 * SOURCE_MEM_HOLE);
    assert_ok(back_up(&m, &p)); /* both are read again, since the bitmap began before */
    assert_int_equal(p->read_bytes, 2 * BLOCK);
    vault_point_free(p);
    forget_changes(&m.w.disk[0]);
    m.w.disk[0].data[1000000] ^= 1; /* what the old record would have named */
    write_at(&m.w.disk[0], 400000);
    expect_whole(&m, E_BitmapCleared, "BitmapCleared");
    write_at(&m.w.disk[0], 800000);
    assert_ok(back_up(&m, &p));
    assert_null(m.w.warning);
    assert_int_equal(m.then[0].dirty, 2 * SOURCE_MEM_HOLE);
    vault_point_free(p);
    world_check_points(&m.w);
    machine_close(&m);
}

/* A new disk is read whole, one that went is not missed, and neither is worth a warning. */
static void
disks_come_and_go(void **state)
{
    struct machine m;
    struct vault_point *p = NULL;

    (void)state;
    machine_open(&m, 6);
    plain_disk(&m, 2 << 20);
    assert_ok(back_up(&m, NULL));
    plain_disk(&m, 1 << 20);
    write_at(&m.w.disk[0], 5);
    /* what a point keeps of a disk that it does not have is nothing */
    struct err *e = back_up(&m, &p);
    assert_int_equal(err_code(m.w.warning), E_ChangesUnused);
    assert_ok(e);
    assert_true(read_by_bitmap(p, 0) && !read_by_bitmap(p, 1));
    assert_int_equal(p->read_bytes, (1 << 20) + BLOCK);
    vault_point_free(p);
    write_at(&m.w.disk[1], 5);
    assert_ok(back_up(&m, &p));
    assert_null(m.w.warning);
    assert_int_equal(p->read_bytes, BLOCK);
    vault_point_free(p);
    disk_done(&m.w.disk[1]);
    m.w.ndisks = 1;
    assert_ok(back_up(&m, &p));
    assert_null(m.w.warning);
    assert_true(p->ndisks == 1 && p->read_bytes == 0);
    vault_point_free(p);
    world_check_points(&m.w);
    world_check_whole(&m.w);
    machine_close(&m);
}

/* ---- audits ---- */

static void
a_round_visits_each_unit_once(void **state)
{
    static const uint64_t sizes[] = { 1, 2, 3, 4, 5, 64, 65, 1000, 4096, 65537 };

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        auto_free uint8_t *seen = calloc(1, sizes[i]);
        uint64_t moved = 0;

        for (uint64_t key = 1; key <= 3; key++) {
            for (uint64_t at = 0; at < sizes[i]; at++) {
                uint64_t unit = audit_place(key, sizes[i], at);
                assert_true(unit < sizes[i]);
                seen[unit]++;
                moved += unit != audit_place(key + 7, sizes[i], at);
            }
            for (uint64_t at = 0; at < sizes[i]; at++)
                assert_int_equal(seen[at], key);
        }
        assert_true(sizes[i] < 64 || moved > sizes[i]); /* keys give other orders */
    }
}

static unsigned
different_blocks(const struct world_kept *then, const struct made_disk *now)
{
    unsigned n = 0;

    for (uint64_t off = 0; off < now->size; off += BLOCK) {
        uint64_t len = now->size - off < BLOCK ? now->size - off : BLOCK;
        n += memcmp(then->data[0] + off, now->data + off, len) != 0;
    }
    return n;
}

/* Every block is audited: exactly those that differ are found, be it that they became holes,
 * zeros or data. */
static void
a_whole_audit_misses_nothing(void **state)
{
    auto_free uint8_t *nothing = calloc(1, MOST / SOURCE_MEM_HOLE / 8 + 1);

    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct machine m;
        struct vault_point *p = NULL;
        char words[64];

        machine_open(&m, seed);
        m.audit_percent = 100;
        m.lie = nothing;
        world_make_disks(&m.w, 1, MOST);
        assert_ok(back_up(&m, NULL));
        disk_change(&m.w.rng, &m.w.disk[0]);
        unsigned different = different_blocks(&m.w.kept[0], &m.w.disk[0]);
        assert_ok(back_up(&m, &p));
        if (different > 0) {
            assert_int_equal(err_code(m.w.warning), E_BitmapFalse);
            snprintf(words, sizeof(words), "checked and %u had changed", different);
            assert_non_null(strstr(err_message(m.w.warning), words));
            assert_string_equal(p->facts[0].name, "BitmapFalse");
        } else {
            assert_null(m.w.warning);
        }
        assert_true(read_by_bitmap(p, 0) == (different == 0));
        vault_point_free(p);
        world_check_points(&m.w);
        world_check_whole(&m.w);
        machine_close(&m);
    }
}

/* Points of the machine, oldest first: is each suspect? */
static void
suspects_are(struct machine *m, size_t from, size_t to)
{
    auto_ptr(vault_points) points = NULL;

    assert_ok(vault_points(m->w.v, &points));
    for (size_t i = 0; i < points->n; i++) {
        bool suspect = audit_suspects(points, points->items[i], "vda");

        if (suspect != (i >= from && i < to))
            print_error("point %zu of %zu\n", i, points->n);
        assert_true(suspect == (i >= from && i < to));
        assert_false(audit_suspects(points, points->items[i], "vdb"));
    }
}

/* A disk of 256 blocks, 64 audited each time: a round is 4 backups.  After ${good} backups
 * one write is hidden.  Returns how many backups were made with the lie, the last of which
 * found it. */
static unsigned
hide_a_write(struct machine *m, unsigned good, uint64_t off)
{
    static const uint8_t nothing[(16 << 20) / SOURCE_MEM_HOLE / 8 + 1];

    plain_disk(m, 16 << 20);
    assert_ok(back_up(m, NULL));
    for (unsigned i = 0; i < good; i++) {
        write_at(&m->w.disk[0], rng_below(&m->w.rng, 16 << 20));
        assert_ok(back_up(m, NULL));
        assert_null(m->w.warning);
    }
    m->w.disk[0].data[off]++;
    m->lie = nothing;
    m->lied = true;
    for (unsigned i = 1;; i++) {
        struct vault_point *p = NULL;

        assert_true(i <= 8); /* the rest of this round and one more */
        assert_ok(back_up(m, &p));
        assert_true(read_by_bitmap(p, 0) == (m->w.warning == NULL));
        if (m->w.warning != NULL) {
            assert_int_equal(err_code(m->w.warning), E_BitmapFalse);
            world_check_disk(&m->w, &p->disks[0], m->w.disk[0].data, false);
            vault_point_free(p);
            return i;
        }
        vault_point_free(p);
    }
}

static void
a_lie_is_found_within_a_round(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct machine m;

        machine_open(&m, seed);
        unsigned lies = hide_a_write(&m, 0, (seed * 49 + 3) * BLOCK + 77);
        assert_true(lies <= 4);
        suspects_are(&m, 1, lies); /* all but the first and the one that found it */
        /* and from there on in peace */
        m.lie = NULL;
        for (int i = 0; i < 6; i++) {
            struct vault_point *p = NULL;

            write_at(&m.w.disk[0], rng_below(&m.w.rng, 16 << 20));
            assert_ok(back_up(&m, &p));
            assert_null(m.w.warning);
            world_check_disk(&m.w, &p->disks[0], m.w.disk[0].data, true);
            vault_point_free(p);
        }
        suspects_are(&m, 1, lies);
        machine_close(&m);
    }
}

/* What rounds that ended without a fault have proved is not suspect; what holds the lie is,
 * also when it was found in the backup that ended its round. */
static void
older_rounds_stay_good(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        enum { GOOD = 14 }; /* three rounds, a little more since dirty blocks count */
        struct machine m;
        auto_ptr(vault_points) points = NULL;

        machine_open(&m, 100 + seed);
        unsigned lies = hide_a_write(&m, GOOD, (seed * 31 + 3) * BLOCK + 77);
        assert_ok(vault_points(m.w.v, &points));
        assert_int_equal(points->n, 1 + GOOD + lies);
        for (size_t i = 0; i < points->n; i++) {
            bool is = audit_suspects(points, points->items[i], "vda");
            if (i < 4 || i + 1 == points->n)
                assert_false(is);
            else if (i >= 1 + GOOD)
                assert_true(is);
        }
        machine_close(&m);
    }
}

static void
an_audit_that_cannot_read(void **state)
{
    const struct source_fault plan = { .kind = SOURCE_FAULT_ERROR, .call = 5, .onwards = true,
        .number = EIO };
    struct machine m;

    (void)state;
    machine_open(&m, 9);
    plain_disk(&m, 16 << 20);
    assert_ok(back_up(&m, NULL));
    m.plan = &plan;
    assert_fails(back_up(&m, NULL), E_SourceReadFailed);
    m.plan = NULL;
    world_check_points(&m.w);
    machine_close(&m);
}

/* Facts of a round come from a vault. */
static void
odd_rounds(void **state)
{
    static const char *const odd[] = { "", " ", "1", "1 ", " 1", "x 1", "1 x", "1 2 3", "-1 2",
        "11111111111111111 1", "1 99999999999999999" };
    const struct vault_point parent = { .time_ns = 77 };

    (void)state;
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        struct vault_fact f[] = { { (char *)"chain.read", (char *)"changed" },
            { (char *)"audit.round", (char *)(uintptr_t)odd[i] },
            { (char *)"audit.begun", (char *)"5" }, { (char *)"audit.since", (char *)"4" } };
        struct vault_disk d = { .facts = f, .nfacts = 4 };
        struct audit a;

        assert_ok(audit_begin(&parent, &d, &a));
        assert_true(a.next == 0 && a.begun_ns == 77 && a.since_ns == 0);
        f[1].value = (char *)"a5 3";
        assert_ok(audit_begin(&parent, &d, &a));
        assert_true(a.key == 0xa5 && a.next == 3 && a.begun_ns == 5 && a.since_ns == 4);
        f[3].value = (char *)"-4";
        assert_ok(audit_begin(&parent, &d, &a));
        assert_true(a.since_ns == 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_day_comes_back),
        cmocka_unit_test(cost_follows_the_change),
        cmocka_unit_test(broken_chains),
        cmocka_unit_test(a_bitmap_that_somebody_cleared),
        cmocka_unit_test(disks_come_and_go),
        cmocka_unit_test(a_round_visits_each_unit_once),
        cmocka_unit_test(a_whole_audit_misses_nothing),
        cmocka_unit_test(a_lie_is_found_within_a_round),
        cmocka_unit_test(older_rounds_stay_good),
        cmocka_unit_test(an_audit_that_cannot_read),
        cmocka_unit_test(odd_rounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
