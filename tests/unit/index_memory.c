/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that runs out anywhere in opening, asking, writing, merging and checking the index
 * gives a code, leaks nothing (under ASan), and leaves runs that are none or whole. */
#include "check.h"

#include "faults.h"
#include "index.h"
#include "keys_fixture.h"

/* ${run} until no allocation is left to fail; a failure has a code, and then ${after}. */
static void
exhaust(struct fixture *f, struct err *(*run)(struct fixture *f),
    void (*after)(struct fixture *f, bool worked))
{
    for (int way = 0; way < 2; way++) {
        for (unsigned long n = 1;; n++) {
            faults_begin(&(struct fault_plan){ .kinds = FAULT_MEMORY,
                .from_then_on = way == 1, .n = n });
            struct err *e = run(f);
            unsigned long calls = faults_end(NULL);
            bool worked = e == NULL;
            int code = err_code(e);

            err_free(e);
            if (!worked)
                assert_true(code > 0);
            after(f, worked);
            if (calls < n)
                break;
            assert_true(n < 5000);
        }
    }
}

static struct index_new
entry(unsigned n)
{
    struct index_new e = { .pack = n % 3, .frame = (uint16_t)n };

    memset(e.id.b, (int)(n % 251), sizeof e.id.b);
    put_le(e.id.b, n * 0x9e3779b9U, 4);
    return e;
}

enum { ENTRIES = 150, MERGED = 12 };

static struct err *
put(struct index *x, unsigned from)
{
    struct index_new e[ENTRIES];
    struct index_pack packs[3] = { { .kind = KIND_DATA_PACK, .body_len = 100 },
        { .kind = KIND_MAP_PACK, .body_len = 200 },
        { .kind = KIND_DATA_PACK, .body_len = 300 } };

    for (unsigned i = 0; i < ENTRIES; i++)
        e[i] = entry(from + i);
    for (unsigned i = 0; i < 3; i++)
        packs[i].hash[0] = (uint8_t)(from + i);
    return index_put_run(x, e, ENTRIES, packs, 3);
}

static struct err *
work(struct fixture *f)
{
    auto_ptr(index) x = NULL;
    uint64_t objects = 0, bytes = 0;
    struct index_home h;
    bool found = false;

    TRY(index_open(f->store, f->keys, 1, NULL, NULL, &x));
    TRY(put(x, 0));
    for (unsigned i = 0; i < ENTRIES; i++) {
        struct index_new e = entry(i);

        TRY(index_find(x, &e.id, 0, &h, &found));
        assert_true(found);
    }
    for (unsigned i = 1; i < MERGED; i++)
        TRY(put(x, i * ENTRIES));
    TRY(index_merge(x));
    return index_check(f->store, f->keys, false, NULL, NULL, &objects, &bytes);
}

/* What lies there is whole; then it goes, so that the next try begins anew. */
static void
runs_are_whole(struct fixture *f, bool worked)
{
    auto_ptr(index) x = NULL;
    auto_names l = { 0 };
    uint64_t objects = 0, bytes = 0;
    struct index_home h;
    bool found = false;

    assert_ok(index_open(f->store, f->keys, 0, NULL, NULL, &x));
    assert_ok(index_check(f->store, f->keys, false, NULL, NULL, &objects, &bytes));
    for (unsigned i = 0; worked && i < MERGED * ENTRIES; i++) {
        struct index_new e = entry(i);

        assert_ok(index_find(x, &e.id, 0, &h, &found));
        assert_true(found && h.frame == (uint16_t)i);
    }
    assert_ok(names_list(f->store, "runs", &l));
    assert_true(!worked || l.n > MERGED);
    for (size_t i = 0; i < l.n; i++)
        drop(f->store, l.names[i]);
}

static void
indexing_survives(void **state)
{
    exhaust(*state, work, runs_are_whole);
}

static struct err *
read_mended(struct fixture *f)
{
    auto_ptr(index) x = NULL;
    struct index_home h;
    bool found = false;

    TRY(index_open(f->store, f->keys, 0, NULL, NULL, &x));
    for (unsigned i = 0; i < ENTRIES; i++) {
        struct index_new e = entry(i);

        TRY(index_find(x, &e.id, 0, &h, &found));
        assert_true(found);
    }
    return NULL;
}

static void
nothing_after(struct fixture *f, bool worked)
{
    (void)f;
    (void)worked;
}

static void
mending_survives(void **state)
{
    struct fixture *f = *state;
    auto_names l = { 0 };
    struct index *x = NULL;
    size_t len;

    assert_ok(index_open(f->store, f->keys, 0, NULL, NULL, &x));
    assert_ok(put(x, 0));
    index_free(x);
    assert_ok(names_list(f->store, "runs", &l));
    free(get(f->store, l.names[0], &len));
    flip(f->store, l.names[0], len / 2);
    exhaust(f, read_mended, nothing_after);
    flip(f->store, l.names[0], len / 2);
    flip(f->store, l.names[0], 5);
    exhaust(f, read_mended, nothing_after);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        keys_test(indexing_survives),
        keys_test(mending_survives),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
