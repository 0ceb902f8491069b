/* SPDX-License-Identifier: Apache-2.0 */
/* audit.c -- the order of a round, and what is kept of it.
 *
 * The order is a permutation by a Feistel network over the next even number of bits; numbers
 * beyond the last unit are sent round again until they fall below it.  It needs no table,
 * whatever the disk's size, and the facts hold only key and position. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "audit.h"
#include "codes.h"
#include "number.h"

enum { ROUNDS = 6, FACT_TEXT = 64, SMALL_BLOCKS = 65536, REQUEST = 1 << 20 };

static const char fact_round[] = "audit.round", fact_begun[] = "audit.begun";
static const char fact_since[] = "audit.since", fact_suspect[] = "audit.suspect";

/* ---- order ---- */

uint64_t
audit_unit_blocks(uint64_t nblocks, uint64_t block_len)
{
    return nblocks < SMALL_BLOCKS ? 1 : REQUEST / block_len;
}

/* The finalizer of SplitMix64: each bit of the input changes half of the output. */
static uint64_t
mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static uint64_t
shuffle(uint64_t key, unsigned half_bits, uint64_t x)
{
    uint64_t mask = (UINT64_C(1) << half_bits) - 1, left = x >> half_bits, right = x & mask;

    for (unsigned r = 0; r < ROUNDS; r++) {
        uint64_t next = left ^ (mix(key + r * UINT64_C(0x9e3779b97f4a7c15) + right) & mask);

        left = right;
        right = next;
    }
    return left << half_bits | right;
}

uint64_t
audit_place(uint64_t key, uint64_t n, uint64_t i)
{
    unsigned half_bits = 1;

    while (UINT64_C(1) << 2 * half_bits < n)
        half_bits++;
    do
        i = shuffle(mix(key), half_bits, i);
    while (i >= n);
    return i;
}

/* ---- facts ---- */

static bool
parse_time(const char *text, int64_t *ret)
{
    uint64_t ns;

    if (text == NULL || !number_parse(text, &ns) || ns > INT64_MAX)
        return false;
    *ret = (int64_t)ns;
    return true;
}

/* "KEY NEXT" in hex; false when it is not that. */
static bool
parse_pair(const char *text, uint64_t *ret_a, uint64_t *ret_b,
    bool (*parse)(const char *, uint64_t *))
{
    char first[FACT_TEXT];
    size_t len = text != NULL ? strcspn(text, " ") : 0;

    if (len == 0 || len >= sizeof(first) || text[len] == '\0')
        return false;
    memcpy(first, text, len);
    first[len] = '\0';
    return parse(first, ret_a) && parse(text + len + 1, ret_b);
}

static struct err *
draw_key(uint64_t *ret)
{
    if (getrandom(ret, sizeof(*ret), 0) != (ssize_t)sizeof(*ret))
        return fail(SystemCallFailed, "getrandom");
    return NULL;
}

/* A disk that was read whole proves itself.  One that was not and says nothing proves
 * nothing. */
struct err *
audit_begin(const struct vault_point *parent, const struct vault_disk *of, struct audit *ret)
{
    bool whole = chain_fact(of, "chain.read") == NULL;
    struct audit a = { .begun_ns = parent->time_ns, .since_ns = whole ? parent->time_ns : 0 };

    if (!whole && parse_pair(chain_fact(of, fact_round), &a.key, &a.next, number_parse_hex) &&
        parse_time(chain_fact(of, fact_begun), &a.begun_ns)) {
        if (!parse_time(chain_fact(of, fact_since), &a.since_ns))
            a.since_ns = 0;
    } else {
        a.begun_ns = parent->time_ns;
        a.next = 0;
        TRY(draw_key(&a.key));
    }
    a.proved_ns = a.since_ns;
    *ret = a;
    return NULL;
}

__attribute__((format(printf, 3, 4))) static struct err *
add(struct chain_facts *to, const char *name, const char *format, ...)
{
    char text[FACT_TEXT];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    TRY(chain_facts_add(to, name, text));
    return NULL;
}

struct err *
audit_facts(const struct audit *a, int64_t until_ns, struct chain_facts *to)
{
    TRY(add(to, "audit.blocks", "%" PRIu64, a->checked));
    if (a->wrong > 0) { /* the disk was read whole then: a new round begins with the next */
        TRY(add(to, fact_suspect, "%" PRId64 " %" PRId64, a->proved_ns, until_ns));
        return NULL;
    }
    TRY(add(to, fact_round, "%" PRIx64 " %" PRIx64, a->key, a->next));
    TRY(add(to, fact_begun, "%" PRId64, a->begun_ns));
    TRY(add(to, fact_since, "%" PRId64, a->since_ns));
    return NULL;
}

/* ---- suspects ---- */

static bool
suspected_by(const struct vault_disk *later, int64_t time_ns)
{
    uint64_t since, until;

    return later != NULL &&
           parse_pair(chain_fact(later, fact_suspect), &since, &until, number_parse) &&
           time_ns >= 0 && (uint64_t)time_ns > since && (uint64_t)time_ns <= until;
}

bool
audit_suspects(const struct vault_points *points, const struct vault_point *p,
    const char *disk)
{
    const struct vault_disk *d = vault_point_disk(p, disk);

    if (d == NULL || chain_fact(d, "chain.read") == NULL)
        return false; /* it was read whole */
    for (size_t i = 0; i < points->n; i++)
        if (strcmp(points->items[i]->machine, p->machine) == 0 &&
            suspected_by(vault_point_disk(points->items[i], disk), p->time_ns))
            return true;
    return false;
}
