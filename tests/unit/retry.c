/* SPDX-License-Identifier: Apache-2.0 */
/* What is tried again, how often, how long between; no test waits: the clock is the test's. */
#include "check.h"

#include <stdio.h>
#include <string.h>

#include "pattern.h"
#include "pool.h"
#include "retry.h"
#include "store.h"
#include "store_conformance.h"
#include "store_fault.h"
#include "store_patient.h"

/* ---- a clock, and what is told ---- */

struct world {
    int64_t wait[256];
    unsigned waits, told;
    int64_t least_s, number;
    bool interrupt;
};

static struct err *
note_wait(void *arg, int64_t ms)
{
    struct world *w = arg;

    assert_true(w->waits < 256);
    w->wait[w->waits++] = ms;
    return w->interrupt ? fail(Interrupted) : NULL;
}

static void
note_told(void *arg, struct err *noted)
{
    struct world *w = arg;

    assert_int_equal(err_code(noted), E_TriedAgain);
    assert_non_null(err_cause(noted));
    w->told++;
    err_free(noted);
}

static void
begin(struct retry *r, struct world *w, unsigned most)
{
    retry_init(r, &(struct retry_options){ .most = most, .tell = note_told, .wait = note_wait,
        .arg = w });
}

static struct err *
busy(void)
{
    return fail(QmpSilent, "a server", "a command");
}

static bool
has_also(const struct err *e, int code)
{
    for (; e != NULL; e = err_next(e))
        if (err_code(e) == code)
            return true;
    return false;
}

/* ---- the rules ---- */

static void
only_what_is_transient(void **state)
{
    struct world w = { 0 };
    struct retry r;

    (void)state;
    begin(&r, &w, RETRY_USUAL);
    assert_fails(retry_after(&r, 0, fail(StoreFull, "packs/1")), E_StoreFull);
    assert_fails(retry_after(&r, 0, fail(UsageWrong, "x")), E_UsageWrong);
    assert_int_equal(w.waits, 0);
    assert_ok(retry_after(&r, 0, busy()));
    /* the first word in the chain that says anything counts */
    assert_ok(retry_after(&r, 1, err_because(fail(QuiesceWeaker, "a", "b", "c"), busy())));
    assert_fails(retry_after(&r, 2, err_because(fail(FreezeLost, "web1"), busy())),
        E_FreezeLost);
    assert_int_equal(w.waits, 2);
    retry_done(&r);
}

static void
waits_grow_and_end(void **state)
{
    struct world w = { 0 };
    struct retry r;
    struct err *e;

    (void)state;
    begin(&r, &w, RETRY_USUAL);
    while ((e = retry_after(&r, retry_seen(&r), busy())) == NULL)
        ;
    assert_int_equal(err_code(e), E_QmpSilent);
    assert_true(has_also(e, E_TriesSpent));
    err_free(e);
    assert_int_equal(w.waits, RETRY_USUAL);
    assert_int_equal(w.told, RETRY_USUAL);
    for (unsigned i = 0; i < w.waits; i++) {
        int64_t whole = i < 5 ? RETRY_FIRST_MS << i : RETRY_LONGEST_MS;
        assert_in_range(w.wait[i], whole * 3 / 4, whole);
    }
    e = retry_after(&r, retry_seen(&r), busy()); /* it stays so, and is told once */
    assert_int_equal(err_code(e), E_QmpSilent);
    assert_false(has_also(e, E_TriesSpent));
    err_free(e);
    retry_worked(&r); /* a success opens a new row */
    assert_ok(retry_after(&r, retry_seen(&r), busy()));
    retry_done(&r);
}

static void
all_waits_have_a_bound(void **state)
{
    struct world w = { 0 };
    struct retry r;
    struct err *e;
    int64_t all = 0;

    (void)state;
    begin(&r, &w, 3);
    while ((e = retry_after(&r, retry_seen(&r), busy())) == NULL)
        retry_worked(&r);
    assert_int_equal(err_code(e), E_QmpSilent);
    err_free(e);
    for (unsigned i = 0; i < w.waits; i++)
        all += w.wait[i];
    assert_in_range(all, 3 * RETRY_LONGEST_MS - RETRY_FIRST_MS, 3 * RETRY_LONGEST_MS);
    retry_done(&r);
}

static void
none_and_interrupted(void **state)
{
    struct world w = { .interrupt = true };
    struct retry r;

    (void)state;
    begin(&r, &w, 0);
    assert_fails(retry_after(&r, 0, busy()), E_QmpSilent);
    assert_int_equal(w.waits, 0);
    retry_done(&r);
    begin(&r, &w, 5);
    assert_fails(retry_after(&r, 0, busy()), E_Interrupted);
    retry_done(&r);
}

/* ---- a store that is away for a while ---- */

static struct store *
patient(struct store *inner, struct retry *r)
{
    struct store *s = NULL;

    assert_ok(store_patient_new(inner,
        &(struct store_patient_options){ .retry = r, .path = "v" }, &s));
    return s;
}

static struct store *
faulty(const struct store_fault *plan, size_t n)
{
    struct store *s = NULL;

    assert_ok(store_mem_new(&s));
    assert_ok(store_fault_new(s, plan, n, 5, &s));
    return s;
}

static void
patience_keeps_the_promises(void **state)
{
    static const struct store_fault plan[] = {
        { .kind = STORE_FAULT_ERROR, .calls = ~(unsigned)STORE_CALL_LIST, .per_mille = 200,
            .number = ENOTCONN },
        { .kind = STORE_FAULT_LOST, .calls = STORE_CALL_BARRIER | STORE_CALL_STAT,
            .per_mille = 100, .number = ENOTCONN },
    };
    struct world w = { 0 };
    struct retry r;

    (void)state;
    begin(&r, &w, RETRY_MOST);
    auto_ptr(store) whole = patient(faulty(NULL, 0), &r);
    store_conformance(whole);
    auto_ptr(store) s = patient(faulty(plan, 2), &r);
    for (unsigned i = 0; i < 50; i++) {
        char name[32], got[8] = "";
        bool fresh = false, found = false;
        size_t len;

        snprintf(name, sizeof(name), "runs/%u", i);
        assert_ok(store_put(s, name, name, 6, &fresh));
        assert_true(fresh);
        assert_ok(store_put(s, name, "other", 5, &fresh));
        assert_false(fresh);
        assert_ok(store_get(s, name, 0, got, sizeof(got), &len, &found));
        assert_true(found && len == 6 && memcmp(got, name, 6) == 0);
        retry_worked(&r);
    }
    assert_true(r.waits > 10);
    retry_done(&r);
}

/* The answer is lost: the object is found to be the caller's own. */
static void
a_lost_answer_is_no_other_caller(void **state)
{
    static const struct store_fault plan[] = { { .kind = STORE_FAULT_LOST,
        .calls = STORE_CALL_PUT, .call = 1, .number = ENOTCONN } };
    struct world w = { 0 };
    bool fresh = false;
    struct retry r;

    (void)state;
    begin(&r, &w, RETRY_USUAL);
    auto_ptr(store) s = patient(faulty(plan, 1), &r);
    assert_ok(store_put(s, "points/1", "mine", 4, &fresh));
    assert_true(fresh);
    assert_int_equal(w.told, 1);
    retry_done(&r);
}

static struct err *
count(void *arg, const char *name, uint64_t len)
{
    (void)name;
    (void)len;
    ++*(unsigned *)arg;
    return NULL;
}

/* What lay there before the mount was another one. */
struct places {
    struct store *next;
    unsigned asked;
};

static struct err *
look(void *arg, struct store *s, struct store **ret)
{
    struct places *p = arg;

    (void)s;
    p->asked++;
    if (p->asked < 3)
        return fail(StoreUnreachable, "v");
    *ret = p->next;
    p->next = NULL;
    return NULL;
}

static void
another_mount_is_a_new_beginning(void **state)
{
    static const struct store_fault plan[] = { { .kind = STORE_FAULT_ERROR, .call = 2,
        .onwards = true, .number = ENOTCONN } };
    struct places places = { 0 };
    struct world w = { 0 };
    struct store *s = NULL;
    unsigned seen = 0;
    bool fresh = false;
    struct retry r;

    (void)state;
    begin(&r, &w, RETRY_USUAL);
    assert_ok(store_mem_new(&places.next));
    assert_ok(store_patient_new(faulty(plan, 1), &(struct store_patient_options){ .retry = &r,
        .again = look, .arg = &places, .path = "v" }, &s));
    assert_ok(store_put(s, "packs/1", "1", 1, &fresh));
    assert_fails(store_put(s, "packs/2", "2", 1, &fresh), E_StoreReturned);
    assert_int_equal(w.waits, 3);
    assert_fails(store_put(s, "packs/3", "3", 1, &fresh), E_StoreReturned);
    store_patient_begin(s);
    assert_ok(store_list(s, "packs", count, &seen)); /* what was not durable is not there */
    assert_int_equal(seen, 0);
    assert_ok(store_put(s, "packs/2", "2", 1, &fresh));
    assert_true(fresh);
    store_free(s);
    retry_done(&r);
}

/* ---- a listing that breaks in the middle ---- */

struct torn {
    struct store store;
    unsigned calls;
};

static struct err *
torn_list(struct store *s, const char *folder, store_list_fn *each, void *arg)
{
    struct torn *t = (struct torn *)s;

    (void)folder;
    t->calls++;
    TRY(each(arg, "packs/1", 1));
    return t->calls > 1 ? each(arg, "packs/2", 1) : fail(StoreAway, "list", "packs");
}

static void
torn_free(struct store *s)
{
    (void)s;
}

static void
a_torn_listing_is_begun_anew(void **state)
{
    static const struct store_vtable calls = { .list = torn_list, .free = torn_free };
    struct torn t = { .store = { .call = &calls } };
    struct world w = { 0 };
    unsigned seen = 0;
    struct retry r;

    (void)state;
    begin(&r, &w, RETRY_USUAL);
    auto_ptr(store) s = patient(&t.store, &r);
    assert_fails(store_list(s, "packs", count, &seen), E_StoreReturned);
    assert_int_equal(t.calls, 1);
    seen = 0;
    assert_ok(store_list(s, "packs", count, &seen));
    assert_int_equal(seen, 2);
    retry_done(&r);
}

/* ---- many threads, one wait ---- */

enum { THREADS = 8 };

struct putting {
    struct pool_task task; /* first */
    struct store *s;
    unsigned i;
};

static struct err *
put_one(struct pool_task *t, unsigned worker)
{
    struct putting *p = (struct putting *)t;
    char name[32];
    bool fresh = false;

    (void)worker;
    snprintf(name, sizeof(name), "packs/%u", p->i);
    TRY(store_put(p->s, name, name, strlen(name), &fresh));
    return fresh ? NULL : fail(InternalError, "the name was taken");
}

static void
threads_wait_together(void **state)
{
    static const struct store_fault plan[] = {
        { .kind = STORE_FAULT_ERROR, .per_mille = 300, .number = ENOTCONN } };
    struct putting p[64];
    struct world w = { 0 };
    unsigned seen = 0;
    struct retry r;

    (void)state;
    begin(&r, &w, RETRY_MOST);
    auto_ptr(store) s = patient(faulty(plan, 1), &r);
    auto_ptr(pool) pool = NULL;
    assert_ok(pool_new(THREADS, &pool));
    for (unsigned i = 0; i < 64; i++) {
        p[i] = (struct putting){ .task = { .run = put_one }, .s = s, .i = i };
        pool_submit(pool, &p[i].task);
    }
    for (unsigned i = 0; i < 64; i++)
        assert_ok(pool_wait(pool, &p[i].task));
    for (struct err *e = fail(StoreReturned, "v"); e != NULL;) {
        err_free(e);
        seen = 0;
        e = store_list(s, "packs", count, &seen);
    }
    assert_int_equal(seen, 64);
    retry_done(&r);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_is_transient),
        cmocka_unit_test(waits_grow_and_end),
        cmocka_unit_test(all_waits_have_a_bound),
        cmocka_unit_test(none_and_interrupted),
        cmocka_unit_test(patience_keeps_the_promises),
        cmocka_unit_test(a_lost_answer_is_no_other_caller),
        cmocka_unit_test(another_mount_is_a_new_beginning),
        cmocka_unit_test(a_torn_listing_is_begun_anew),
        cmocka_unit_test(threads_wait_together),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
