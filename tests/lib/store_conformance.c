/* SPDX-License-Identifier: Apache-2.0 */
/* store_conformance.c -- see the header. */
#include "check.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "pattern.h"
#include "store_conformance.h"

enum { MANY = 150, RACERS = 6, RACES = 30, LARGE = (9 << 20) + 4321 };

/* ---- small steps ---- */

static void
put_new(struct store *s, const char *name, const char *text)
{
    bool fresh = false;

    assert_ok(store_put(s, name, text, strlen(text), &fresh));
    assert_true(fresh);
}

static void
holds(struct store *s, const char *name, const void *data, size_t len)
{
    auto_free uint8_t *got = NULL;
    uint64_t size = 0;
    size_t n = 0;
    bool found = false;

    assert_ok(store_get_all(s, name, LARGE, &got, &n, &found));
    assert_true(found);
    assert_int_equal(n, len);
    assert_memory_equal(got, data, len);
    found = false;
    assert_ok(store_stat(s, name, &size, &found));
    assert_true(found);
    assert_int_equal(size, len);
}

static void
is_absent(struct store *s, const char *name)
{
    uint64_t size = 77;
    size_t n = 77;
    char buf[4];
    bool found = true;

    assert_ok(store_stat(s, name, &size, &found));
    assert_false(found);
    found = true;
    assert_ok(store_get(s, name, 0, buf, sizeof(buf), &n, &found));
    assert_false(found);
}

/* ---- putting ---- */

static void
gives_a_name_once(struct store *s)
{
    bool fresh = true;

    is_absent(s, "top");
    put_new(s, "top", "first");
    assert_ok(store_put(s, "top", "second, and longer", 18, &fresh));
    assert_false(fresh);
    holds(s, "top", "first", 5);
    put_new(s, "a/b/c/d", "deep");
    holds(s, "a/b/c/d", "deep", 4);
    put_new(s, "a/b/c/e", "beside it");
    holds(s, "a/b/c/e", "beside it", 9);
}

static void
joins_pieces(struct store *s)
{
    const struct store_piece pieces[] = { { "one ", 4 }, { NULL, 0 }, { "two ", 4 },
        { "three", 5 } };
    bool fresh = false;

    assert_ok(store_put_pieces(s, "pieces/4", pieces, 4, &fresh));
    assert_true(fresh);
    holds(s, "pieces/4", "one two three", 13);
    assert_ok(store_put_pieces(s, "pieces/0", NULL, 0, &fresh));
    assert_true(fresh);
    holds(s, "pieces/0", "", 0);
}

/* Longer than one write; once on a boundary of memory, once not. */
static void
takes_large_ones(struct store *s)
{
    size_t room = (LARGE / STORE_ALIGN + 1) * STORE_ALIGN;
    uint8_t *memory = aligned_alloc(STORE_ALIGN, room);
    auto_free uint8_t *data = pattern_new(9, LARGE, NULL);
    bool fresh = false;

    assert_non_null(memory);
    memcpy(memory, data, LARGE);
    assert_ok(store_put(s, "large/even", memory, LARGE, &fresh));
    assert_true(fresh);
    holds(s, "large/even", data, LARGE);
    assert_ok(store_put(s, "large/odd", data + 1, LARGE - 1, &fresh));
    holds(s, "large/odd", data + 1, LARGE - 1);
    free(memory);
}

/* ---- reading ---- */

static void
cuts_ranges_short(struct store *s)
{
    static const struct {
        uint64_t off;
        size_t len, want;
    } ranges[] = { { 0, 10, 10 }, { 0, 0, 0 }, { 3, 4, 4 }, { 9, 1, 1 }, { 9, 2, 1 },
        { 10, 1, 0 }, { 10, 0, 0 }, { 11, 5, 0 }, { UINT64_C(1) << 40, 5, 0 },
        { INT64_MAX, 5, 0 }, { UINT64_MAX, 5, 0 }, { UINT64_MAX - 4, 5, 0 } };

    static const char digits[] = "0123456789";

    put_new(s, "ranges", digits);
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        char buf[16] = "................";
        bool found = false;
        size_t n = 99;

        assert_ok(store_get(s, "ranges", ranges[i].off, buf, ranges[i].len, &n, &found));
        assert_true(found);
        assert_int_equal(n, ranges[i].want);
        if (n > 0)
            assert_memory_equal(buf, &digits[ranges[i].off], n);
        assert_int_equal(buf[n], '.');
    }
}

static void
refuses_what_is_too_long(struct store *s)
{
    uint8_t *data = NULL;
    bool found;
    size_t n;

    assert_fails(store_get_all(s, "ranges", 9, &data, &n, &found), E_StoreObjectTooLarge);
    assert_null(data);
    assert_ok(store_get_all(s, "ranges", 10, &data, &n, &found));
    free(data);
}

static void
a_folder_is_no_object(struct store *s)
{
    is_absent(s, "a");
    is_absent(s, "a/b");
    is_absent(s, "top/below");
    is_absent(s, "nowhere/at/all");
}

/* ---- listing ---- */

struct seen {
    unsigned times[MANY], others;
    uint64_t bytes;
};

static struct err *
note_seen(void *arg, const char *name, uint64_t len)
{
    struct seen *seen = arg;
    unsigned x, y;
    char end;

    if (sscanf(name, "many/%u/%u%c", &x, &y, &end) == 2 && x * 10 + y < MANY)
        seen->times[x * 10 + y]++;
    else
        seen->others++;
    seen->bytes += len;
    return NULL;
}

static void
lists_all(struct store *s)
{
    struct seen seen = { .others = 0 };
    char name[32], text[MANY + 1];
    uint64_t bytes = 0;
    bool fresh;

    memset(text, 'x', sizeof(text));
    for (unsigned i = 0; i < MANY; i++) {
        (void)snprintf(name, sizeof(name), "many/%u/%u", i / 10, i % 10);
        assert_ok(store_put(s, name, text, i, &fresh));
        bytes += i;
    }
    put_new(s, "many.not", "a name that only begins alike");
    assert_ok(store_list(s, "many", note_seen, &seen));
    for (unsigned i = 0; i < MANY; i++)
        assert_int_equal(seen.times[i], 1);
    assert_int_equal(seen.others, 0);
    assert_int_equal(seen.bytes, bytes);
    memset(&seen, 0, sizeof(seen));
    assert_ok(store_list(s, "many/3", note_seen, &seen));
    for (unsigned i = 0; i < MANY; i++)
        assert_int_equal(seen.times[i], i / 10 == 3);
    assert_int_equal(seen.others, 0);
    assert_ok(store_list(s, "nowhere", note_seen, &seen));
    assert_ok(store_list(s, "nowhere/at/all", note_seen, &seen));
    assert_int_equal(seen.others, 0);
}

struct lister {
    struct store *s;
    unsigned left, calls;
};

static struct err *
stop_listing(void *arg, const char *name, uint64_t len)
{
    struct lister *l = arg;

    (void)len;
    l->calls++;
    return --l->left == 0 ? fail(StoreNameInvalid, name) : NULL;
}

static struct err *
remove_listed(void *arg, const char *name, uint64_t len)
{
    struct lister *l = arg;
    bool found = false;

    (void)len;
    l->calls++;
    TRY(store_remove(l->s, name, &found));
    assert_true(found);
    return NULL;
}

static void
listing_lets_others_work(struct store *s)
{
    struct lister l = { .s = s, .left = 3 };
    struct seen seen = { .others = 0 };

    assert_fails(store_list(s, "many", stop_listing, &l), E_StoreNameInvalid);
    assert_int_equal(l.calls, 3);
    l.calls = 0;
    assert_ok(store_list(s, "many", remove_listed, &l));
    assert_int_equal(l.calls, MANY);
    assert_ok(store_list(s, "many", note_seen, &seen));
    assert_int_equal(seen.others + seen.times[0] + seen.times[77], 0);
    holds(s, "many.not", "a name that only begins alike", 29);
}

/* ---- replacing, removing, making durable ---- */

static void
replaces(struct store *s)
{
    char buf[5];
    bool found;
    size_t n;

    put_new(s, "old/one", "before");
    assert_ok(store_get(s, "old/one", 0, buf, sizeof(buf), &n, &found)); /* may stay open */
    assert_ok(store_replace(s, "old/one", "afterwards", 10));
    holds(s, "old/one", "afterwards", 10);
    assert_ok(store_replace(s, "old/one", "x", 1));
    holds(s, "old/one", "x", 1);
}

static void
removes(struct store *s)
{
    bool found = true;

    put_new(s, "old/two", "to go");
    holds(s, "old/two", "to go", 5);
    assert_ok(store_remove(s, "old/two", &found));
    assert_true(found);
    is_absent(s, "old/two");
    assert_ok(store_remove(s, "old/two", &found));
    assert_false(found);
    assert_ok(store_remove(s, "nowhere/two", &found));
    assert_false(found);
    put_new(s, "old/two", "another");
    holds(s, "old/two", "another", 7);
}

static void
barriers(struct store *s)
{
    static const char *const folders[] = { "a/b", "", "many", "nowhere", "pieces" };

    assert_ok(store_barrier(s, folders, 5));
    assert_ok(store_barrier(s, NULL, 0));
}

/* ---- names ---- */

static void
refuses_names(struct store *s)
{
    static const char *const bad[] = { "", "/", "/a", "a/", "a//b", ".", "..", "a/..", "a/../b",
        ".hidden", "a/.hidden", "A", "a b", "a\n", "a\\b", "\xc3\xa9", "a/b/c/d/e", "a*" };
    char name[STORE_NAME_MAX + 2];
    bool yes;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_fails(store_put(s, bad[i], "x", 1, &yes), E_StoreNameInvalid);
        assert_fails(store_get(s, bad[i], 0, NULL, 0, NULL, &yes), E_StoreNameInvalid);
        assert_fails(store_remove(s, bad[i], &yes), E_StoreNameInvalid);
        assert_fails(store_replace(s, bad[i], "x", 1), E_StoreNameInvalid);
        assert_fails(store_list(s, bad[i], note_seen, NULL), E_StoreNameInvalid);
        if (*bad[i] != '\0')
            assert_fails(store_barrier(s, &bad[i], 1), E_StoreNameInvalid);
    }
    memset(name, 'n', sizeof(name));
    name[STORE_NAME_MAX + 1] = '\0';
    assert_fails(store_put(s, name, "x", 1, &yes), E_StoreNameInvalid);
    name[STORE_NAME_MAX] = '\0';
    put_new(s, name, "the longest");
    holds(s, name, "the longest", 11);
}

/* ---- many at once ---- */

struct racer {
    pthread_t thread;
    struct store *s;
    unsigned number, won[RACES];
    struct err *failed;
    bool torn;
};

/* What racer ${number} puts; its length tells it as well. */
static size_t
race_bytes(unsigned number, uint8_t to[8192])
{
    memset(to, (int)('a' + number), 8192);
    return 4096 + number * 100;
}

static struct err *
race_once(struct racer *r, unsigned race)
{
    uint8_t mine[8192], got[8192];
    char name[32];
    bool fresh = false, found = false;
    size_t n = 0;

    (void)snprintf(name, sizeof(name), "race/%u/it", race);
    size_t len = race_bytes(r->number, mine);
    TRY(store_put(r->s, name, mine, len, &fresh));
    r->won[race] = fresh;
    TRY(store_get(r->s, name, 0, got, sizeof(got), &n, &found));
    if (!found || n == 0 || n != race_bytes(got[0] - 'a', mine) || memcmp(got, mine, n) != 0)
        r->torn = true;
    return NULL;
}

static void *
race(void *arg)
{
    struct racer *r = arg;

    for (unsigned i = 0; i < RACES && r->failed == NULL; i++)
        r->failed = race_once(r, i);
    return NULL;
}

static void
one_of_many_wins(struct store *s)
{
    struct racer racers[RACERS];

    memset(racers, 0, sizeof(racers));
    for (unsigned i = 0; i < RACERS; i++) {
        racers[i].s = s;
        racers[i].number = i;
        assert_int_equal(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
    }
    for (unsigned i = 0; i < RACERS; i++)
        pthread_join(racers[i].thread, NULL);
    for (unsigned i = 0; i < RACERS; i++) {
        assert_ok(racers[i].failed);
        assert_false(racers[i].torn);
    }
    for (unsigned j = 0; j < RACES; j++) {
        unsigned winners = 0;

        for (unsigned i = 0; i < RACERS; i++)
            winners += racers[i].won[j];
        assert_int_equal(winners, 1);
    }
}

void
store_conformance(struct store *s)
{
    gives_a_name_once(s);
    joins_pieces(s);
    takes_large_ones(s);
    cuts_ranges_short(s);
    refuses_what_is_too_long(s);
    a_folder_is_no_object(s);
    lists_all(s);
    listing_lets_others_work(s);
    replaces(s);
    removes(s);
    barriers(s);
    refuses_names(s);
    one_of_many_wins(s);
}
