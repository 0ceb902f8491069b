/* SPDX-License-Identifier: Apache-2.0 */
/* Points made by what a disk's bitmap names: they bring back the disk, they cost what
 * changed, and whatever is wrong with the bitmap is said and leads to a whole read. */
#include "check.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

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
    struct backup_options o = { .machine = "web", .warn = world_warn, .arg = &m->w };
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
            assert_int_equal(m.reads, written[i]);
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
    assert_int_equal(m.reads, 1);
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_day_comes_back),
        cmocka_unit_test(cost_follows_the_change),
        cmocka_unit_test(broken_chains),
        cmocka_unit_test(a_bitmap_that_somebody_cleared),
        cmocka_unit_test(disks_come_and_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
