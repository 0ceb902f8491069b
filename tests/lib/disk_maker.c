/* SPDX-License-Identifier: Apache-2.0 */
/* disk_maker.c -- see the header. */
#include "check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "disk_maker.h"

enum { UNIT = 4096, RUN_MAX = 96, CHANGES_MAX = 12 };

static uint64_t
units(const struct made_disk *d)
{
    return (d->size + UNIT - 1) / UNIT;
}

static void
set_bits(uint8_t *map, uint64_t from, uint64_t n, bool on)
{
    for (uint64_t i = from; i < from + n; i++) {
        uint8_t bit = (uint8_t)(1 << (i % 8));

        map[i / 8] = on ? (uint8_t)(map[i / 8] | bit) : (uint8_t)(map[i / 8] & ~bit);
    }
}

uint64_t
disk_size(struct rng *r, uint64_t block_len, uint64_t most)
{
    uint64_t span = block_len * 64;
    const uint64_t sizes[] = { 0, 1, block_len - 1, block_len, block_len + 1, span - 1, span,
        span + 1, rng_below(r, most), rng_below(r, most), rng_below(r, most) / 512 * 512 };

    return sizes[rng_below(r, sizeof(sizes) / sizeof(sizes[0]))];
}

/* Write ${n} units of one kind; bytes that the last one lacks stay out. */
static void
fill_run(struct rng *r, struct made_disk *d, uint64_t from, uint64_t n)
{
    uint64_t off = from * UNIT, len = n * UNIT, kind = rng_below(r, 6);
    uint64_t other = d->size > 0 ? rng_below(r, d->size) : 0;

    if (d->size - off < len)
        len = d->size - off;
    set_bits(d->holes, from, n, kind == 0);
    switch (kind) {
    case 0: /* hole */
    case 1: /* zeros that are there */
        memset(d->data + off, 0, len);
        break;
    case 2: /* the same again and again */
        memset(d->data + off, (int)rng_below(r, 255) + 1, len);
        break;
    case 3: /* a copy from elsewhere, shifted against the grid */
        if (d->size - other < len)
            len = d->size - other;
        memmove(d->data + off, d->data + other, len);
        break;
    case 4: /* a copy on the grid */
        other = other / UNIT * UNIT;
        if (d->size - other < len)
            len = d->size - other;
        memmove(d->data + off, d->data + other, len);
        break;
    default:
        for (uint64_t i = 0; i < len; i++)
            d->data[off + i] = (uint8_t)rng_next(r);
    }
}

void
disk_make(struct rng *r, uint64_t size, struct made_disk *ret)
{
    struct made_disk d = { .size = size };
    uint64_t run;

    d.data = calloc(1, size + 1);
    d.holes = calloc(1, units(&d) / 8 + 1);
    d.changed = calloc(1, units(&d) / 8 + 1);
    assert_true(d.data != NULL && d.holes != NULL && d.changed != NULL);
    for (uint64_t at = 0; at < units(&d); at += run) {
        run = 1 + rng_below(r, RUN_MAX);
        if (run > units(&d) - at)
            run = units(&d) - at;
        fill_run(r, &d, at, run);
    }
    *ret = d;
}

void
disk_change(struct rng *r, struct made_disk *d)
{
    uint64_t n = rng_below(r, CHANGES_MAX);

    for (uint64_t i = 0; i < n && d->size > 0; i++) {
        uint64_t at = rng_below(r, units(d)), run = 1 + rng_below(r, RUN_MAX);

        if (run > units(d) - at)
            run = units(d) - at;
        fill_run(r, d, at, run);
        set_bits(d->changed, at, run, true);
    }
}

void
disk_list_changes(struct rng *r, struct made_disk *d, uint64_t block_len, const char *path)
{
    uint64_t per = block_len / UNIT, nblocks = (d->size + block_len - 1) / block_len;
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    /* from somewhere in the middle, and around */
    uint64_t first = rng_below(r, nblocks);
    for (uint64_t i = 0; i < nblocks; i++) {
        uint64_t block = (first + i) % nblocks;
        bool touched = false;

        for (uint64_t u = block * per; u < (block + 1) * per && u < units(d); u++)
            touched = touched || (d->changed[u / 8] >> (u % 8) & 1) != 0;
        if (touched)
            assert_true(fprintf(f, "%" PRIu64 "%s", block, i % 3 == 0 ? "\r\n" : "\n") > 0);
    }
    assert_int_equal(fclose(f), 0);
    memset(d->changed, 0, units(d) / 8 + 1);
}

void
disk_done(struct made_disk *d)
{
    free(d->data);
    free(d->holes);
    free(d->changed);
}
