/* SPDX-License-Identifier: Apache-2.0 */
/* source_conformance.c -- see the header. */
#include "check.h"

#include <pthread.h>
#include <string.h>

#include "pattern.h"
#include "source_conformance.h"

enum { READ_MAX = 1024 * 1024, RANDOM_READS = 60 };

/* Failures in threads are handed over as text: cmocka's assertions work on one thread only. */
struct reader {
    pthread_t thread;
    struct source *s;
    const uint8_t *data;
    unsigned lane;
    struct err *failed;
    bool differs;
    uint64_t at;
};

static void *
read_at_random(void *arg)
{
    struct reader *r = arg;
    struct rng rng = { 77 + r->lane };
    uint8_t *buf = malloc(READ_MAX);

    for (int i = 0; i < RANDOM_READS && r->failed == NULL && !r->differs; i++) {
        uint64_t off = rng_below(&rng, r->s->size + 1), left = r->s->size - off;
        uint64_t most = rng_below(&rng, 2) == 0 ? 4096 : READ_MAX;
        size_t len = (size_t)rng_below(&rng, (left < most ? left : most) + 1);
        memset(buf, 0xa5, len);
        r->failed = source_read(r->s, r->lane, off, buf, len);
        r->differs = r->failed == NULL && memcmp(buf, r->data + off, len) != 0;
        r->at = off;
    }
    free(buf);
    return NULL;
}

static void
lanes_read_together(struct source *s, const uint8_t *data)
{
    struct reader readers[SOURCE_LANES_MAX];
    unsigned n = s->lanes < 8 ? s->lanes : 8;

    for (unsigned i = 0; i < n; i++) {
        readers[i] = (struct reader){ .s = s, .data = data, .lane = i };
        assert_int_equal(pthread_create(&readers[i].thread, NULL, read_at_random, &readers[i]),
            0);
    }
    for (unsigned i = 0; i < n; i++)
        pthread_join(readers[i].thread, NULL);
    for (unsigned i = 0; i < n; i++) {
        assert_ok(readers[i].failed);
        if (readers[i].differs)
            print_error("lane %u differs at %llu\n", i, (unsigned long long)readers[i].at);
        assert_false(readers[i].differs);
    }
}

static void
reads_in_order(struct source *s, const uint8_t *data, size_t step)
{
    auto_free uint8_t *buf = malloc(step);

    for (uint64_t off = 0; off < s->size; off += step) {
        size_t len = s->size - off < step ? (size_t)(s->size - off) : step;
        assert_ok(source_read(s, 0, off, buf, len));
        assert_memory_equal(buf, data + off, len);
    }
    assert_ok(source_read(s, 0, s->size, buf, 0));
}

static bool
all_zero(const uint8_t *data, uint64_t len)
{
    for (uint64_t i = 0; i < len; i++) {
        if (data[i] != 0)
            return false;
    }
    return true;
}

static void
extents_cover(struct source *s, const uint8_t *data, uint64_t min_holes)
{
    uint64_t off = 0, holes = 0;

    while (off < s->size) {
        enum source_extent kind;
        uint64_t len = 0;
        assert_ok(source_extent(s, off, &kind, &len));
        assert_true(len >= 1 && len <= s->size - off);
        if (kind == SOURCE_HOLE) {
            assert_true(all_zero(data + off, len));
            holes += len;
        }
        off += len;
    }
    assert_int_equal(off, s->size);
    assert_true(holes >= min_holes);
}

static void
extents_from_anywhere(struct source *s, const uint8_t *data)
{
    struct rng rng = { 5 };

    for (int i = 0; i < RANDOM_READS && s->size > 0; i++) {
        uint64_t off = rng_below(&rng, s->size), len = 0;
        enum source_extent kind;
        assert_ok(source_extent(s, off, &kind, &len));
        assert_true(len >= 1 && len <= s->size - off);
        if (kind == SOURCE_HOLE)
            assert_true(all_zero(data + off, len));
    }
}

/* From any position the same is told, and as far. */
static void
changes_from_anywhere(struct source *s)
{
    struct rng rng = { 6 };

    for (int i = 0; i < RANDOM_READS && s->size > 0; i++) {
        uint64_t off = rng_below(&rng, s->size), at = 0, len = 0, tail = 0;
        bool changed = false, same = false;
        assert_ok(source_changed(s, off, &changed, &len));
        assert_true(len >= 1 && len <= s->size - off);
        at = off + rng_below(&rng, len);
        assert_ok(source_changed(s, at, &same, &tail));
        assert_true(same == changed);
    }
}

uint64_t
source_conformance_changes(struct source *s, const uint8_t *before, const uint8_t *data,
    uint64_t most)
{
    uint64_t off = 0, sum = 0;

    assert_true(s->tells_changes);
    while (off < s->size) {
        bool changed = false;
        uint64_t len = 0;
        assert_ok(source_changed(s, off, &changed, &len));
        assert_true(len >= 1 && len <= s->size - off);
        if (changed)
            sum += len;
        else
            assert_memory_equal(before + off, data + off, len);
        off += len;
    }
    assert_int_equal(off, s->size);
    assert_true(sum <= most);
    return sum;
}

void
source_conformance(struct source *s, const uint8_t *data, uint64_t size, uint64_t min_holes)
{
    assert_int_equal(s->size, size);
    assert_true(s->lanes >= 1 && s->lanes <= SOURCE_LANES_MAX);
    reads_in_order(s, data, READ_MAX);
    reads_in_order(s, data, 12345);
    lanes_read_together(s, data);
    extents_cover(s, data, min_holes);
    extents_from_anywhere(s, data);
    if (s->tells_changes) {
        changes_from_anywhere(s);
        (void)source_conformance_changes(s, data, data, size);
    }
    assert_ok(source_check(s));
    assert_ok(source_check(s));
}
