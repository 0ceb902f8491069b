/* SPDX-License-Identifier: Apache-2.0 */
/* Merging runs that are full: parts that divide the ids, and every home still found,
 * whatever is lost or damaged on the way. */
#include "check.h"

#include "index_model.h"

/* Full runs become parts that divide the ids; some ids have homes in two of them. */
enum { FULL = 8, FULL_LEN = INDEX_RUN_ENTRIES - 1000, FULL_STEP = FULL_LEN - 3000 };

static struct index *
with_full_runs(struct fixture *f, struct told *t, struct names *before)
{
    struct index *x = open_index(f, f->keys, 0, t);

    for (unsigned b = 0; b < FULL; b++)
        put_batch(x, (uint64_t)FULL_STEP * b, (uint64_t)FULL_STEP * b + FULL_LEN, b);
    run_names(f, before);
    assert_int_equal(before->n, FULL);
    return x;
}

/* Of every 997th id, which is enough to meet each page. */
static void
full_runs_are_found(struct index *x, bool twins)
{
    for (uint64_t n = 0; n < (uint64_t)FULL_STEP * FULL + 3000; n += 997) {
        uint64_t b = n / FULL_STEP, in_run = n % FULL_STEP;
        unsigned want = b == 0 || b == FULL || in_run >= 3000 ? 1 : 2;
        unsigned has = homes(x, n, FULL, twins);

        assert_true(twins ? has >= want : has == want);
    }
    for (uint64_t n = 0; n < 1000; n++)
        assert_int_equal(homes(x, UINT32_MAX + n, FULL, false), 0);
}

static void
full_runs_are_divided_by_id(void **state)
{
    struct fixture *f = *state;
    auto_names before = { 0 }, after = { 0 }, again = { 0 };
    struct told t;
    struct index *x = with_full_runs(f, &t, &before);

    assert_ok(index_merge(x));
    full_runs_are_found(x, false);
    assert_ok(index_merge(x)); /* nothing is left to do */
    index_free(x);
    run_names(f, &after);
    assert_int_equal(after.n, 2 * FULL);
    x = open_index(f, f->keys, 0, &t);
    full_runs_are_found(x, false);
    assert_ok(index_merge(x));
    index_free(x);
    run_names(f, &again);
    assert_int_equal(again.n, after.n);
    for (size_t i = 0; i < before.n; i++)
        drop(f->store, before.names[i]);
    x = open_index(f, f->keys, 0, &t);
    assert_int_equal(t.n, 0);
    full_runs_are_found(x, false);
    index_free(x);
}

/* Whichever part is lost: while the old runs are there, no home is. */
static void
a_lost_part_costs_nothing(void **state)
{
    struct fixture *f = *state;
    auto_names before = { 0 }, after = { 0 };
    struct told t;
    struct index *x = with_full_runs(f, &t, &before);

    assert_ok(index_merge(x));
    index_free(x);
    run_names(f, &after);
    for (size_t i = 0, lost = 0; i < after.n && lost < 3; i++) {
        size_t len;

        if (in(&before, after.names[i]))
            continue;
        auto_free uint8_t *kept = get(f->store, after.names[i], &len);
        drop(f->store, after.names[i]);
        x = open_index(f, f->keys, 0, &t);
        full_runs_are_found(x, true);
        index_free(x);
        set(f->store, after.names[i], kept, len);
        lost++;
    }
}

/* A run that cannot be read whole is not merged, and the others are, once. */
static void
a_damaged_run_is_left_out_of_a_merge(void **state)
{
    struct fixture *f = *state;
    auto_names before = { 0 }, after = { 0 }, again = { 0 };
    struct told t;
    size_t len;

    index_free(with_full_runs(f, &t, &before));
    struct index *x = open_index(f, f->keys, 0, &t);
    auto_free uint8_t *bad = get(f->store, before.names[3], &len);
    memset(bad + len / 2, 0xa5, len / 8);
    set(f->store, before.names[3], bad, len);
    assert_ok(index_merge(x));
    index_free(x);
    run_names(f, &after);
    assert_int_equal(after.n, 2 * FULL - 1);
    x = open_index(f, f->keys, 0, &t);
    assert_ok(index_merge(x));
    index_free(x);
    run_names(f, &again);
    assert_int_equal(again.n, after.n);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        keys_test(full_runs_are_divided_by_id),
        keys_test(a_lost_part_costs_nothing),
        keys_test(a_damaged_run_is_left_out_of_a_merge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
