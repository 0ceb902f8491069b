/* SPDX-License-Identifier: Apache-2.0 */
/* fresh.c -- an array of entries and an open-addressed table of their numbers.
 *
 * Ids are keyed hashes, so their first bytes serve as the hash; the table is at most half
 * full.  One lock: a megabyte of blocks takes it three times. */
#include <assert.h>
#include <pthread.h>
#include <string.h>

#include "bytes.h"
#include "codes.h"
#include "fresh.h"

enum { FIRST = 1024 };

struct fresh {
    pthread_mutex_t lock;
    struct index_new *entry;
    size_t n, room;   /* room is a power of two */
    uint32_t *table;  /* 2 * room numbers + 1; 0: free */
};

static size_t
home_of(const struct fresh *f, const struct vault_id *id)
{
    return get_le(id->b, 8) & (2 * f->room - 1);
}

/* Where ${id} is or would be in the table. */
static size_t
find(const struct fresh *f, const struct vault_id *id)
{
    size_t mask = 2 * f->room - 1, at = home_of(f, id);

    while (f->table[at] != 0 &&
        memcmp(&f->entry[f->table[at] - 1].id, id, sizeof(*id)) != 0)
        at = (at + 1) & mask;
    return at;
}

static struct err *
grow(struct fresh *f)
{
    size_t room = f->room ? 2 * f->room : FIRST;
    struct index_new *more = realloc(f->entry, room * sizeof(*more));

    if (more == NULL)
        return fail(OutOfMemory);
    f->entry = more;
    uint32_t *table = calloc(2 * room, sizeof(*table));
    if (table == NULL)
        return fail(OutOfMemory);
    free(f->table);
    f->table = table;
    f->room = room;
    for (size_t i = 0; i < f->n; i++)
        f->table[find(f, &f->entry[i].id)] = (uint32_t)i + 1;
    return NULL;
}

struct err *
fresh_new(struct fresh **ret)
{
    auto_ptr(fresh) f = calloc(1, sizeof(*f));

    if (f == NULL)
        return fail(OutOfMemory);
    pthread_mutex_init(&f->lock, NULL);
    TRY(grow(f));
    *ret = take(f);
    return NULL;
}

void
fresh_free(struct fresh *f)
{
    if (f == NULL)
        return;
    pthread_mutex_destroy(&f->lock);
    free(f->entry);
    free(f->table);
    free(f);
}

void
fresh_look(struct fresh *f, const struct vault_id *ids, size_t n, uint64_t *unknown)
{
    assert(n <= 64);
    pthread_mutex_lock(&f->lock);
    for (size_t i = 0; i < n; i++)
        if ((*unknown >> i & 1) != 0 && f->table[find(f, &ids[i])] != 0)
            *unknown &= ~(1ULL << i);
    pthread_mutex_unlock(&f->lock);
}

static struct err *
claim(struct fresh *f, const struct vault_id *id, uint8_t what, uint32_t *ret_entry,
    bool *ret_mine)
{
    size_t at = find(f, id);

    *ret_mine = f->table[at] == 0;
    if (!*ret_mine) {
        *ret_entry = f->table[at] - 1;
        return NULL;
    }
    if (f->n == FRESH_MAX)
        return fail(InternalError, "a session gathered more new ids than a run can hold");
    if (f->n == f->room) {
        TRY(grow(f));
        at = find(f, id);
    }
    f->entry[f->n] = (struct index_new){ .id = *id, .pack = UINT32_MAX, .what = what };
    *ret_entry = (uint32_t)f->n++;
    f->table[at] = (uint32_t)f->n;
    return NULL;
}

struct err *
fresh_claim(struct fresh *f, const struct vault_id *id, uint8_t what, uint32_t *ret_entry,
    bool *ret_mine)
{
    pthread_mutex_lock(&f->lock);
    struct err *e = claim(f, id, what, ret_entry, ret_mine);
    pthread_mutex_unlock(&f->lock);
    return e;
}

void
fresh_placed(struct fresh *f, const uint32_t *entry, size_t n, uint32_t pack, uint16_t frame)
{
    pthread_mutex_lock(&f->lock);
    for (size_t i = 0; i < n; i++) {
        struct index_new *e = &f->entry[entry[i]];

        e->pack = pack;
        e->frame = frame;
        e->slot = (uint8_t)i;
    }
    pthread_mutex_unlock(&f->lock);
}

struct index_new *
fresh_entries(struct fresh *f, size_t *ret_n)
{
    *ret_n = f->n;
    return f->entry;
}

size_t
fresh_count(struct fresh *f)
{
    pthread_mutex_lock(&f->lock);
    size_t n = f->n;
    pthread_mutex_unlock(&f->lock);
    return n;
}

void
fresh_clear(struct fresh *f)
{
    f->n = 0;
    memset(f->table, 0, 2 * f->room * sizeof(*f->table));
}
