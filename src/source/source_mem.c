/* SPDX-License-Identifier: Apache-2.0 */
/* source_mem.c -- a disk in memory. */
#include <assert.h>
#include <string.h>

#include "codes.h"
#include "source_body.h"

struct mem {
    struct source s;
    const uint8_t *data, *holes, *changed;
};

static struct err *
mem_read(struct source *s, unsigned lane, uint64_t off, void *buf, size_t len)
{
    struct mem *m = (struct mem *)s;

    (void)lane;
    memcpy(buf, m->data + off, len);
    return NULL;
}

static bool
is_set(const uint8_t *bits, uint64_t off)
{
    uint64_t unit = off / SOURCE_MEM_HOLE;

    return bits != NULL && (bits[unit / 8] >> (unit % 8) & 1) != 0;
}

/* How far what ${bits} says at ${off} goes. */
static uint64_t
run_of(const uint8_t *bits, uint64_t off, uint64_t size)
{
    bool set = is_set(bits, off);
    uint64_t end = off;

    do
        end = (end / SOURCE_MEM_HOLE + 1) * SOURCE_MEM_HOLE;
    while (end < size && is_set(bits, end) == set);
    return (end < size ? end : size) - off;
}

static struct err *
mem_extent(struct source *s, uint64_t off, enum source_extent *ret_kind, uint64_t *ret_len)
{
    struct mem *m = (struct mem *)s;

    *ret_kind = is_set(m->holes, off) ? SOURCE_HOLE : SOURCE_DATA;
    *ret_len = run_of(m->holes, off, s->size);
    return NULL;
}

static struct err *
mem_changed(struct source *s, uint64_t off, bool *ret_changed, uint64_t *ret_len)
{
    struct mem *m = (struct mem *)s;

    *ret_changed = is_set(m->changed, off);
    *ret_len = run_of(m->changed, off, s->size);
    return NULL;
}

static struct err *
mem_unwritten(struct source *s, const struct source_stamp *then, bool *ret_same)
{
    (void)s;
    (void)then;
    *ret_same = false;
    return NULL;
}

static struct err *
mem_check(struct source *s)
{
    (void)s;
    return NULL;
}

static void
mem_free(struct source *s)
{
    free(s);
}

static const struct source_vtable mem_calls = {
    .read = mem_read,
    .extent = mem_extent,
    .changed = mem_changed,
    .unwritten = mem_unwritten,
    .check = mem_check,
    .free = mem_free,
};

struct err *
source_mem_new(const char *name, const void *data, uint64_t size, const uint8_t *holes,
    struct source **ret)
{
    struct mem *m = calloc(1, sizeof(*m));

    if (m == NULL)
        return fail(OutOfMemory);
    auto_ptr(source) s = &m->s;
    TRY(source_init(s, &mem_calls, name));
    s->size = size;
    s->lanes = SOURCE_LANES_MAX;
    m->data = data;
    m->holes = holes;
    *ret = take(s);
    return NULL;
}

void
source_mem_changes(struct source *s, const uint8_t *changed)
{
    assert(s->call == &mem_calls);
    ((struct mem *)s)->changed = changed;
    s->tells_changes = true;
}
