/* SPDX-License-Identifier: Apache-2.0 */
/* The index against a model of it: every home that was put is found and no other, whatever
 * is damaged, forged, merged or taken away. */
#include "check.h"

#include "index_model.h"
#include "pool.h"

/* ---- lookups ---- */

static void
what_was_put_is_found(void **state)
{
    static const uint64_t lens[] = { 1, 2, 101, 102, 103, 204, 205, 5000 };
    enum { N = sizeof lens / sizeof lens[0] };
    struct fixture *f = *state;
    struct told t;
    struct index *x = open_index(f, f->keys, 0, &t);

    all_have(x, 0, 10, 0, 0);
    assert_int_equal(index_npacks(x), 0);
    uint64_t from = 0;
    for (unsigned b = 0; b < N; b++, from += 10000)
        put_batch(x, from, from + lens[b], b);
    for (int again = 0; again < 3; again++) {
        uint64_t at = 0;

        for (unsigned b = 0; b < N; b++, at += 10000) {
            all_have(x, at, at + lens[b], 1, N);
            all_have(x, at + lens[b], at + lens[b] + 50, 0, N);
        }
        assert_int_equal(index_nruns(x), N);
        assert_int_equal(t.n, 0);
        index_free(x);
        x = open_index(f, f->keys, again == 0 ? 1 : 0, &t); /* the least cache, the default */
    }
    index_free(x);
}

static void
every_home_counts(void **state)
{
    struct fixture *f = *state;
    struct told t;
    struct index *x = open_index(f, f->keys, 0, &t);

    for (unsigned b = 0; b < 5; b++)
        put_batch(x, 100 * b, 1000, b);
    for (uint64_t n = 0; n < 1000; n++)
        assert_int_equal(homes(x, n, 5, false), n / 100 < 4 ? n / 100 + 1 : 5);
    index_free(x);
}

/* More homes of one id than a page has entries. */
static void
homes_go_on_in_the_next_page(void **state)
{
    enum { N = 350 };
    struct fixture *f = *state;
    struct index_new e[N + 2];
    struct index_pack packs[PACKS];
    struct index_home h;
    struct told t;
    struct index *x = open_index(f, f->keys, 0, &t);
    struct vault_id id;
    bool seen[N] = { false }, found;

    memset(e, 0, sizeof e);
    memset(id.b, 0x55, sizeof id.b);
    for (unsigned i = 0; i < N; i++) {
        e[i].id = id;
        e[i].frame = (uint16_t)i;
    }
    e[N + 1].id.b[0] = 0xff;
    packs_of(0, packs);
    assert_ok(index_put_run(x, e, N + 2, packs, PACKS));
    for (unsigned i = 0; i < N; i++) {
        assert_ok(index_find(x, &id, i, &h, &found));
        assert_true(found && h.frame < N && !seen[h.frame]);
        seen[h.frame] = true;
    }
    assert_ok(index_find(x, &id, N, &h, &found));
    assert_false(found);
    id.b[31]++;
    assert_ok(index_find(x, &id, 0, &h, &found));
    assert_false(found);
    memset(id.b, 0, sizeof id.b);
    assert_ok(index_find(x, &id, 0, &h, &found));
    assert_true(found);
    index_free(x);
}

/* A walk meets each entry once, ascending. */
static void
a_walk_sees_all(void **state)
{
    struct fixture *f = *state;
    struct told t;
    struct index *x = open_index(f, f->keys, 0, &t);
    struct vault_id last = { { 0 } }, id;
    struct index_home h, again;
    bool found;

    put_batch(x, 0, 777, 0);
    assert_int_equal(index_entries(x, 0), 777);
    for (uint32_t i = 0; i < 777; i++) {
        assert_ok(index_entry(x, 0, i, &id, &h));
        assert_true(memcmp(last.b, id.b, sizeof id.b) < 0);
        assert_ok(index_find(x, &id, 0, &again, &found));
        assert_true(found && again.run == 0 && again.entry == i && again.pack == h.pack &&
            again.frame == h.frame && again.slot == h.slot && again.what == h.what);
        last = id;
    }
    index_free(x);
}

/* ---- whom to deduplicate against ---- */

static struct keys *
other_writer(struct fixture *f)
{
    static const char *const machines[] = { "web1" };
    struct keys *w = NULL;

    assert_ok(keys_export_writer(f->store, f->keys, at(f, "writer"), machines, 1));
    assert_ok(open_writer(f, "writer", &w));
    assert_ok(keys_cert_put(f->store, w));
    return w;
}

static bool
has(struct index *x, uint64_t n)
{
    struct vault_id id = id_of(n);
    struct index_home h;
    bool found;

    assert_ok(index_has(x, &id, &h, &found));
    return found;
}

static void
others_are_read_but_not_shared(void **state)
{
    struct fixture *f = *state;
    auto_ptr(keys) w = other_writer(f);
    struct told t;
    struct index *x = open_index(f, w, 0, &t);

    put_batch(x, 0, 200, 0);
    assert_true(has(x, 5));
    assert_false(has(x, 200));
    index_free(x);
    x = open_index(f, f->keys, 0, &t);
    assert_int_equal(t.n, 0);
    all_have(x, 0, 200, 1, 1);
    assert_false(has(x, 5));
    put_batch(x, 5, 6, 1);
    assert_true(has(x, 5));
    assert_false(has(x, 6));
    index_free(x);
    f->keys->trust_group = true;
    x = open_index(f, f->keys, 0, &t);
    assert_true(has(x, 6));
    index_free(x);
    assert_ok(keys_revoke(f->store, f->keys,
        &(struct keys_revoked){ .writer = w->cert->writer }));
    x = open_index(f, f->keys, 0, &t);
    assert_false(has(x, 6));
    all_have(x, 6, 200, 1, 1);
    index_free(x);
}

static void
tombed_packs_count_as_absent(void **state)
{
    struct fixture *f = *state;
    struct index_pack packs[PACKS];
    struct told t;
    struct index *x = open_index(f, f->keys, 0, &t);
    unsigned tombed = 0;

    index_tomb(x, id_of(1).b); /* of a pack that nobody names */
    put_batch(x, 0, 500, 0);
    put_batch(x, 400, 500, 1);
    packs_of(0, packs);
    index_tomb(x, packs[3].hash);
    for (uint64_t n = 0; n < 400; n++) {
        bool gone = entry_of(n, 0).pack == 3;

        assert_int_equal(has(x, n), !gone);
        assert_int_equal(homes(x, n, 2, false), 1); /* still there for readers */
        tombed += gone;
    }
    assert_true(tombed > 10 && tombed < 390);
    for (uint64_t n = 400; n < 500; n++)
        assert_true(has(x, n)); /* the other home will do */
    index_free(x);
}

/* Another writer names the same packs with other lengths and kinds, in a run that may be
 * listed first: what is said of them elsewhere stands. */
static void
lies_about_packs_spoil_nothing(void **state)
{
    struct fixture *f = *state;
    auto_ptr(keys) w = other_writer(f);
    struct told t;

    for (unsigned round = 0; round < 6; round++) {
        struct index_pack packs[PACKS];
        struct index_new lie = entry_of(5000 + round, 0);
        struct index *x = open_index(f, round % 2 == 0 ? w : f->keys, 0, &t);

        packs_of(0, packs);
        for (unsigned i = 0; i < PACKS; i++) {
            packs[i].body_len += round % 3;
            packs[i].kind = round % 3 == 2 ? KIND_MAP_PACK : packs[i].kind;
        }
        for (lie.pack = 0; lie.pack < PACKS; lie.pack++) {
            struct index_new e = lie; /* one of each, so that all are named */
            assert_ok(index_put_run(x, &e, 1, packs, PACKS));
        }
        if (round == 3)
            put_batch(x, 0, 200, 0);
        index_free(x);
    }
    struct index *x = open_index(f, f->keys, 0, &t);
    struct index_pack packs[PACKS];
    all_have(x, 0, 200, 1, 1);
    packs_of(0, packs);
    for (unsigned i = 0; i < PACKS; i++)
        index_tomb(x, packs[i].hash);
    for (uint64_t n = 0; n < 200; n++)
        assert_false(has(x, n));
    for (unsigned round = 0; round < 6; round++)
        assert_false(has(x, 5000 + round)); /* under any name */
    index_free(x);
}

/* ---- damage ---- */

/* A bad byte anywhere costs nothing. */
static void
one_bad_byte_is_mended(void **state)
{
    struct fixture *f = *state;
    struct told t;
    struct index *x = open_index(f, f->keys, 0, &t);
    auto_names l = { 0 };
    size_t len, step = 0;

    put_batch(x, 0, 300, 0);
    index_free(x);
    run_names(f, &l);
    free(get(f->store, l.names[0], &len));
    for (size_t i = 0; i < len; i += 61 + step++ % 7) {
        flip(f->store, l.names[0], i);
        x = open_index(f, f->keys, 0, &t);
        all_have(x, 0, 300, 1, 1);
        index_free(x);
        flip(f->store, l.names[0], i);
    }
}

/* What cannot be mended is left out and told of; the rest is read. */
static void
a_lost_run_is_left_out(void **state)
{
    struct fixture *f = *state;
    struct told t;
    struct index *x = open_index(f, f->keys, 0, &t);
    auto_names l = { 0 };

    put_batch(x, 0, 300, 0);
    run_names(f, &l);
    put_batch(x, 300, 600, 1);
    index_free(x);
    ruin(f->store, l.names[0]);
    x = open_index(f, f->keys, 0, &t);
    assert_int_equal(t.n, 1);
    assert_string_equal(t.last, l.names[0]);
    all_have(x, 0, 300, 0, 2);
    all_have(x, 300, 600, 1, 2);
    index_free(x);
}

/* Its head is whole, its pages are not: no wrong home, and nothing else suffers. */
static void
lost_pages_give_no_homes(void **state)
{
    struct fixture *f = *state;
    struct told t;
    struct index *x = open_index(f, f->keys, 0, &t);
    auto_names l = { 0 };
    struct armour_shape shape;
    size_t len, found = 0;

    put_batch(x, 0, 3000, 0);
    index_free(x);
    run_names(f, &l);
    auto_free uint8_t *data = get(f->store, l.names[0], &len);
    assert_true(armour_shape(get_le(data + 24, 8), &shape));
    /* 12 of the 30 pages, more than parity gives back */
    memset(data + shape.body_off + 4096 * 4, 0xaa, 4096 * 12);
    assert_ok(store_replace(f->store, l.names[0], data, len));
    x = open_index(f, f->keys, 0, &t);
    for (uint64_t n = 0; n < 3000; n++)
        found += homes(x, n, 1, false);
    assert_true(found > 1000 && found < 2200);
    index_free(x);
}

/* ---- forgeries: whoever holds the store can make good armour ---- */

static size_t
rearm(struct fixture *f, const char *name, void (*change)(uint8_t *body, size_t len))
{
    struct object o = object_of(f, name, KIND_RUN);
    auto_free uint8_t *body = malloc(o.body.len);
    size_t len = o.body.len;

    assert_non_null(body);
    memcpy(body, o.body.data, len);
    object_done(&o);
    change(body, len);
    set_body(f->store, name, KIND_RUN, &f->keys->vault, body, len);
    return len;
}

static void
swap_pages(uint8_t *body, size_t len)
{
    uint8_t page[4096];

    memcpy(page, body + len - 3 * 4096, 4096);
    memcpy(body + len - 3 * 4096, body + len - 4 * 4096, 4096);
    memcpy(body + len - 4 * 4096, page, 4096);
}

static void more_entries(uint8_t *body, size_t len) { (void)len; body[68]++; }
static void vouch(uint8_t *body, size_t len) { (void)len; body[64] = 1; }
static void other_fence(uint8_t *body, size_t len) { (void)len; body[184]++; }
static void other_signature(uint8_t *body, size_t len) { (void)len; body[150]++; }
static void other_writer_id(uint8_t *body, size_t len) { (void)len; body[20]++; }
static void many_superseded(uint8_t *body, size_t len) { (void)len; body[84] = 3; }
static void reserved(uint8_t *body, size_t len) { (void)len; body[86] = 1; }

static void
forged_runs_do_not_count(void **state)
{
    static void (*const changes[])(uint8_t *, size_t) = { more_entries, vouch, other_fence,
        other_signature, other_writer_id, many_superseded, reserved };
    struct fixture *f = *state;
    struct told t;
    struct index *x = open_index(f, f->keys, 0, &t);
    auto_names l = { 0 };
    size_t len;

    put_batch(x, 0, 300, 0);
    index_free(x);
    run_names(f, &l);
    auto_free uint8_t *good = get(f->store, l.names[0], &len);
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        assert_ok(store_replace(f->store, l.names[0], good, len));
        (void)rearm(f, l.names[0], changes[i]);
        x = open_index(f, f->keys, 0, &t);
        assert_int_equal(t.n, 1);
        assert_true(t.code == E_ObjectForeign || t.code == E_ObjectDamaged);
        all_have(x, 0, 300, 0, 1);
        index_free(x);
    }
}

static void
swapped_pages_give_no_wrong_homes(void **state)
{
    struct fixture *f = *state;
    struct told t;
    struct index *x = open_index(f, f->keys, 0, &t);
    auto_names l = { 0 };
    size_t found = 0;

    put_batch(x, 0, 500, 0);
    index_free(x);
    run_names(f, &l);
    (void)rearm(f, l.names[0], swap_pages);
    x = open_index(f, f->keys, 0, &t);
    for (uint64_t n = 0; n < 500; n++)
        found += homes(x, n, 1, false);
    assert_true(found > 100 && found < 400);
    index_free(x);
}

static void
runs_of_another_vault_do_not_count(void **state)
{
    struct vault_params p = { .kdf_mib = KDF_MIB };
    struct fixture *f = *state;
    auto_ptr(store) s = NULL;
    auto_ptr(keys) k = NULL;
    auto_names l = { 0 };
    struct told t;
    struct index *x = NULL;
    size_t len;

    assert_ok(store_mem_new(&s));
    assert_ok(keys_create(s, &p, f->pass, &k));
    assert_ok(index_open(s, k, 0, tell, &t, &x));
    put_batch(x, 0, 300, 0);
    index_free(x);
    assert_ok(names_list(s, "runs", &l));
    auto_free uint8_t *data = get(s, l.names[0], &len);
    set(f->store, l.names[0], data, len);
    x = open_index(f, f->keys, 0, &t);
    assert_int_equal(t.n, 1);
    assert_int_equal(t.code, E_ObjectForeign);
    all_have(x, 0, 300, 0, 1);
    index_free(x);
    /* and in this vault's armour */
    struct object o = { 0 };
    bool found;
    assert_ok(object_read(s, l.names[0], KIND_RUN, NULL, 1 << 18, &o, &found));
    set_body(f->store, l.names[0], KIND_RUN, &f->keys->vault, o.body.data, o.body.len);
    object_done(&o);
    x = open_index(f, f->keys, 0, &t);
    assert_int_equal(t.n, 1);
    all_have(x, 0, 300, 0, 1);
    index_free(x);
}

/* ---- merging ---- */

enum { RUNS = 20, RUN_LEN = 300 };

static struct index *
with_many_runs(struct fixture *f, struct told *t, struct names *before)
{
    struct index *x = open_index(f, f->keys, 0, t);

    for (unsigned b = 0; b < RUNS; b++)
        put_batch(x, 100 * b, 100 * b + RUN_LEN, b);
    put_batch(x, 0, RUN_LEN, 0); /* all of these a second time */
    run_names(f, before);
    assert_int_equal(before->n, RUNS + 1);
    return x;
}

static void
all_homes_are_there(struct index *x)
{
    for (uint64_t n = 0; n < 100 * RUNS + 200; n++) {
        unsigned first = n < 200 ? 0 : (unsigned)(n / 100 - 2);
        unsigned last = n / 100 < RUNS ? (unsigned)(n / 100) : RUNS - 1;

        assert_int_equal(homes(x, n, RUNS, false), last - first + 1);
    }
}

static void
merging_keeps_every_home(void **state)
{
    struct fixture *f = *state;
    auto_names before = { 0 }, after = { 0 };
    struct told t;
    struct index *x = with_many_runs(f, &t, &before);

    assert_ok(index_merge(x));
    all_homes_are_there(x);
    index_free(x);
    run_names(f, &after);
    assert_true(after.n > before.n); /* what was merged stays for those who read it */
    x = open_index(f, f->keys, 0, &t);
    assert_int_equal(t.n, 0);
    all_homes_are_there(x);
    assert_ok(index_merge(x)); /* nothing is left to do */
    index_free(x);
    for (size_t i = 0; i < before.n; i++)
        drop(f->store, before.names[i]);
    x = open_index(f, f->keys, 0, &t);
    assert_true(index_nruns(x) == after.n - before.n);
    all_homes_are_there(x);
    index_free(x);
}

/* The merged run is lost before the old ones were collected: they count again. */
static void
a_lost_merge_costs_nothing(void **state)
{
    struct fixture *f = *state;
    auto_names before = { 0 }, after = { 0 };
    struct told t;
    struct index *x = with_many_runs(f, &t, &before);

    assert_ok(index_merge(x));
    index_free(x);
    run_names(f, &after);
    for (size_t i = 0; i < after.n; i++)
        if (!in(&before, after.names[i]))
            ruin(f->store, after.names[i]);
    x = open_index(f, f->keys, 0, &t);
    assert_true(t.n > 0);
    for (uint64_t n = 0; n < 100 * RUNS + 200; n++)
        assert_true(homes(x, n, RUNS, true) >= 1);
    index_free(x);
}

static void
only_own_runs_are_merged(void **state)
{
    struct fixture *f = *state;
    auto_ptr(keys) w = other_writer(f);
    auto_names before = { 0 }, after = { 0 };
    struct told t;
    struct index *x = with_many_runs(f, &t, &before);

    index_free(x);
    x = open_index(f, w, 0, &t);
    assert_ok(index_merge(x));
    index_free(x);
    run_names(f, &after);
    assert_int_equal(after.n, before.n);
}

/* ---- verify ---- */

struct wrong {
    unsigned n, mended;
    char last[STORE_NAME_MAX];
};

static struct err *
note_wrong(void *arg, const char *run, bool mended, struct err *why)
{
    struct wrong *w = arg;

    w->n++;
    w->mended += mended;
    (void)snprintf(w->last, sizeof w->last, "%s", run);
    err_free(why);
    return NULL;
}

static struct wrong
check_runs(struct fixture *f, bool repair, uint64_t want)
{
    uint64_t objects = 0, bytes = 0;
    struct wrong w = { 0 };

    assert_ok(index_check(f->store, f->keys, repair, note_wrong, &w, &objects, &bytes));
    assert_int_equal(objects, want);
    assert_true(bytes >= objects);
    return w;
}

static void
verify_finds_and_mends(void **state)
{
    struct fixture *f = *state;
    struct told t;
    struct index *x = open_index(f, f->keys, 0, &t);
    auto_names l = { 0 };
    size_t len, was, step = 0;

    put_batch(x, 0, 300, 0);
    put_batch(x, 300, 600, 1);
    index_free(x);
    run_names(f, &l);
    assert_int_equal(check_runs(f, true, 2).n, 0);
    auto_free uint8_t *good = get(f->store, l.names[0], &len);
    for (size_t i = 0; i < len; i += 997 + step++ % 7) {
        flip(f->store, l.names[0], i);
        struct wrong w = check_runs(f, false, 2);
        assert_int_equal(w.n, 1);
        assert_int_equal(w.mended, 0);
        assert_string_equal(w.last, l.names[0]);
        w = check_runs(f, true, 2);
        assert_int_equal(w.n, 1);
        assert_int_equal(w.mended, 1);
        auto_free uint8_t *now = get(f->store, l.names[0], &was);
        assert_int_equal(was, len);
        assert_memory_equal(now, good, len);
    }
    (void)rearm(f, l.names[1], swap_pages); /* its armour is whole, its name tells */
    assert_int_equal(check_runs(f, true, 2).n, 1);
    ruin(f->store, l.names[0]);
    struct wrong w = check_runs(f, true, 2);
    assert_int_equal(w.n, 2);
    assert_int_equal(w.mended, 0);
}

/* ---- threads ---- */

struct lane_task {
    struct pool_task task;
    struct index *x;
    uint64_t seed;
    unsigned wrong;
};

static struct err *
look_up(struct pool_task *task, unsigned worker)
{
    struct lane_task *l = task->arg;

    (void)worker;
    for (uint64_t i = 0; i < 3000; i++) {
        uint64_t n = mix(l->seed + i) % 4000;
        struct vault_id id = id_of(n);
        struct index_home h;
        bool found;

        TRY(index_find(l->x, &id, 0, &h, &found));
        l->wrong += found != (n < 3000) || (found && !home_is(l->x, &h, n, 0));
        TRY(index_has(l->x, &id, &h, &found));
        l->wrong += found != (n < 3000);
    }
    return NULL;
}

/* Also when what they read has to be mended. */
static void
lanes_look_up_together(void **state)
{
    struct fixture *f = *state;
    auto_ptr(pool) p = NULL;
    auto_names l = { 0 };
    struct lane_task lanes[4];
    struct told t;
    struct index *x = open_index(f, f->keys, 1, &t);

    put_batch(x, 0, 3000, 0);
    index_free(x);
    run_names(f, &l);
    assert_ok(pool_new(4, &p));
    for (int damaged = 0; damaged < 2; damaged++) {
        if (damaged)
            flip(f->store, l.names[0], 4096 * 12 + 5);
        x = open_index(f, f->keys, 1, &t);
        for (unsigned i = 0; i < 4; i++) {
            lanes[i] = (struct lane_task){ .task = { .run = look_up }, .x = x, .seed = i };
            lanes[i].task.arg = &lanes[i];
            pool_submit(p, &lanes[i].task);
        }
        for (unsigned i = 0; i < 4; i++) {
            assert_ok(pool_wait(p, &lanes[i].task));
            assert_int_equal(lanes[i].wrong, 0);
        }
        index_free(x);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        keys_test(what_was_put_is_found),
        keys_test(every_home_counts),
        keys_test(homes_go_on_in_the_next_page),
        keys_test(a_walk_sees_all),
        keys_test(others_are_read_but_not_shared),
        keys_test(tombed_packs_count_as_absent),
        keys_test(lies_about_packs_spoil_nothing),
        keys_test(one_bad_byte_is_mended),
        keys_test(a_lost_run_is_left_out),
        keys_test(lost_pages_give_no_homes),
        keys_test(forged_runs_do_not_count),
        keys_test(swapped_pages_give_no_wrong_homes),
        keys_test(runs_of_another_vault_do_not_count),
        keys_test(merging_keeps_every_home),
        keys_test(a_lost_merge_costs_nothing),
        keys_test(only_own_runs_are_merged),
        keys_test(verify_finds_and_mends),
        keys_test(lanes_look_up_together),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
