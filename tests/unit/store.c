/* SPDX-License-Identifier: Apache-2.0 */
/* Every body of a store keeps the same promises; and the one that fails on purpose fails as
 * it is told. */
#include "check.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "pattern.h"
#include "store.h"
#include "store_conformance.h"
#include "store_fault.h"

enum { NAMES = 40 };

static struct store *
mem(void)
{
    struct store *s = NULL;

    assert_ok(store_mem_new(&s));
    return s;
}

static struct store *
wrapped(const struct store_fault *plan, size_t n, uint64_t seed)
{
    struct store *s = mem();

    assert_ok(store_fault_new(s, plan, n, seed, &s));
    return s;
}

/* ---- conformance ---- */

static void
memory_conforms(void **state)
{
    auto_ptr(store) s = mem();

    (void)state;
    store_conformance(s);
}

static void
a_folder_conforms(void **state)
{
    auto_ptr(store) s = NULL;

    (void)state;
    assert_ok(store_dir_open(pattern_path("conforms"), true, &s));
    store_conformance(s);
}

static void
wrapped_without_faults_conforms(void **state)
{
    auto_ptr(store) s = wrapped(NULL, 0, 1);

    (void)state;
    store_conformance(s);
    assert_true(store_fault_calls(s) > 100);
    assert_int_equal(store_fault_struck(s), 0);
}

/* What only takes time or changes an order breaks no promise. */
static void
harmless_faults_conform(void **state)
{
    static const struct store_fault plan[] = {
        { .kind = STORE_FAULT_REORDER, .call = 1, .onwards = true },
        { .kind = STORE_FAULT_DELAY, .per_mille = 100, .delay_ms = 1 },
        { .kind = STORE_FAULT_THROTTLE, .per_mille = 1000, .bytes_per_s = UINT64_C(4) << 30 },
    };
    auto_ptr(store) s = NULL;

    (void)state;
    assert_ok(store_dir_open(pattern_path("harmless"), true, &s));
    assert_ok(store_fault_new(s, plan, 3, 7, &s));
    store_conformance(s);
    assert_true(store_fault_struck(s) > 100);
}

/* ---- faults ---- */

static void
fails_as_the_number_says(void **state)
{
    static const struct {
        int number, code;
    } cases[] = { { ENOSPC, E_StoreFull }, { EDQUOT, E_StoreFull },
        { EROFS, E_StorePermission },
        { EACCES, E_StorePermission }, { ETIMEDOUT, E_StoreUnreachable },
        { EIO, E_StoreIoFailed } };
    bool yes;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct store_fault plan = { .kind = STORE_FAULT_ERROR, .call = 1,
            .number = cases[i].number };
        auto_ptr(store) s = wrapped(&plan, 1, 1);

        assert_fails(store_put(s, "a", "x", 1, &yes), cases[i].code);
        assert_ok(store_put(s, "a", "x", 1, &yes));
        assert_true(yes); /* the first try did nothing */
        assert_int_equal(store_fault_struck(s), 1);
    }
}

static void
every_call_can_fail(void **state)
{
    static const struct store_fault plan = { .kind = STORE_FAULT_ERROR, .call = 1,
        .onwards = true, .number = EIO };
    static const char *const folder = "a";
    auto_ptr(store) s = wrapped(&plan, 1, 1);
    uint64_t len;
    char buf[1];
    size_t n;
    bool yes;

    (void)state;
    assert_fails(store_put(s, "a/b", "x", 1, &yes), E_StoreIoFailed);
    assert_fails(store_get(s, "a/b", 0, buf, 1, &n, &yes), E_StoreIoFailed);
    assert_fails(store_stat(s, "a/b", &len, &yes), E_StoreIoFailed);
    assert_fails(store_list(s, "a", NULL, NULL), E_StoreIoFailed);
    assert_fails(store_barrier(s, &folder, 1), E_StoreIoFailed);
    assert_fails(store_replace(s, "a/b", "x", 1), E_StoreIoFailed);
    assert_fails(store_remove(s, "a/b", &yes), E_StoreIoFailed);
    assert_int_equal(store_fault_struck(s), 7);
}

static void
a_script_means_some_calls_only(void **state)
{
    static const struct store_fault plan = { .kind = STORE_FAULT_ERROR, .number = ENOSPC,
        .calls = STORE_CALL_PUT | STORE_CALL_BARRIER, .folder = "packs", .call = 2 };
    static const char *const folders[] = { "runs", "packs/00" };
    auto_ptr(store) s = wrapped(&plan, 1, 1);
    bool yes;

    (void)state;
    assert_ok(store_put(s, "packs/1", "x", 1, &yes));
    assert_ok(store_put(s, "runs/1", "x", 1, &yes));
    assert_ok(store_barrier(s, folders, 1));
    assert_fails(store_barrier(s, folders, 2), E_StoreFull);
    assert_ok(store_barrier(s, folders, 2));
    assert_ok(store_put(s, "packs/2", "x", 1, &yes));
}

/* The same seed gives the same faults, about as many as the rate says. */
static void
a_rate_is_kept_and_repeats(void **state)
{
    static const struct store_fault plan = { .kind = STORE_FAULT_ERROR, .number = EIO,
        .per_mille = 100 };
    bool failed[2][2000];

    (void)state;
    for (int run = 0; run < 2; run++) {
        auto_ptr(store) s = wrapped(&plan, 1, 4711);

        for (int i = 0; i < 2000; i++) {
            uint64_t len;
            bool found;
            struct err *e = store_stat(s, "a", &len, &found);

            failed[run][i] = e != NULL;
            err_free(e);
        }
        assert_true(store_fault_struck(s) > 100 && store_fault_struck(s) < 300);
    }
    assert_memory_equal(failed[0], failed[1], sizeof(failed[0]));
}

static void
lost_answers(void **state)
{
    static const struct store_fault plan[] = {
        { .kind = STORE_FAULT_LOST, .call = 1, .calls = STORE_CALL_PUT, .number = ETIMEDOUT },
        { .kind = STORE_FAULT_DUPLICATE, .call = 3 },
        { .kind = STORE_FAULT_LOST, .call = 1, .calls = STORE_CALL_REMOVE, .number = EIO },
    };
    auto_ptr(store) s = wrapped(plan, 3, 1);
    bool yes = true;

    (void)state;
    assert_fails(store_put(s, "a", "x", 1, &yes), E_StoreUnreachable);
    assert_ok(store_put(s, "a", "x", 1, &yes));
    assert_false(yes); /* it was done */
    assert_ok(store_put(s, "b", "x", 1, &yes));
    assert_false(yes); /* it was not there, but that is the answer */
    assert_fails(store_remove(s, "b", &yes), E_StoreIoFailed);
    assert_ok(store_remove(s, "b", &yes));
    assert_false(yes);
}

static void
short_reads(void **state)
{
    static const struct store_fault plan = { .kind = STORE_FAULT_SHORT, .call = 1 };
    auto_ptr(store) s = wrapped(&plan, 1, 1);
    char buf[10];
    size_t n = 0;
    bool yes;

    (void)state;
    assert_ok(store_put(s, "a", "0123456789", 10, &yes));
    assert_ok(store_get(s, "a", 0, buf, 10, &n, &yes));
    assert_true(yes && n < 10);
    assert_ok(store_get(s, "a", 0, buf, 10, &n, &yes));
    assert_int_equal(n, 10);
}

struct order {
    unsigned n, numbers[NAMES];
};

static struct err *
note_order(void *arg, const char *name, uint64_t len)
{
    struct order *o = arg;

    (void)len;
    assert_int_equal(sscanf(name, "n/%u", &o->numbers[o->n++]), 1);
    return NULL;
}

static void
lists_that_are_stale_or_mixed(void **state)
{
    static const struct store_fault plan[] = {
        { .kind = STORE_FAULT_STALE, .call = 1 },
        { .kind = STORE_FAULT_REORDER, .call = 2, .onwards = true },
    };
    auto_ptr(store) s = wrapped(plan, 2, 1);
    struct order stale = { .n = 0 }, one = { .n = 0 }, two = { .n = 0 };
    char name[16];
    bool yes;

    (void)state;
    for (unsigned i = 0; i < NAMES; i++) {
        (void)snprintf(name, sizeof(name), "n/%u", i);
        assert_ok(store_put(s, name, "x", 1, &yes));
    }
    assert_ok(store_list(s, "n", note_order, &stale));
    assert_int_equal(stale.n, NAMES - STORE_FAULT_NEWEST);
    for (unsigned i = 0; i < stale.n; i++)
        assert_true(stale.numbers[i] < NAMES - STORE_FAULT_NEWEST);
    assert_ok(store_list(s, "n", note_order, &one));
    assert_ok(store_list(s, "n", note_order, &two));
    assert_int_equal(one.n, NAMES);
    assert_int_equal(two.n, NAMES);
    assert_memory_not_equal(one.numbers, two.numbers, sizeof(one.numbers));
}

/* A wait that is asked for is at least waited. */
static void
throttled(void **state)
{
    static const struct store_fault plan = { .kind = STORE_FAULT_THROTTLE, .call = 1,
        .onwards = true, .bytes_per_s = 1 << 20 };
    auto_ptr(store) s = wrapped(&plan, 1, 1);
    auto_free uint8_t *data = pattern_new(1, 64 << 10, NULL);
    int64_t start = clock_mono_ns();
    bool yes;

    (void)state;
    assert_ok(store_put(s, "a", data, 64 << 10, &yes));
    assert_true(clock_mono_ns() - start >= 60 * CLOCK_MS);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_conforms),
        cmocka_unit_test(a_folder_conforms),
        cmocka_unit_test(wrapped_without_faults_conforms),
        cmocka_unit_test(harmless_faults_conform),
        cmocka_unit_test(fails_as_the_number_says),
        cmocka_unit_test(every_call_can_fail),
        cmocka_unit_test(a_script_means_some_calls_only),
        cmocka_unit_test(a_rate_is_kept_and_repeats),
        cmocka_unit_test(lost_answers),
        cmocka_unit_test(short_reads),
        cmocka_unit_test(lists_that_are_stale_or_mixed),
        cmocka_unit_test(throttled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
