/* SPDX-License-Identifier: Apache-2.0 */
/* sink_mem.c -- into memory. */
#include <string.h>

#include "codes.h"
#include "sink_body.h"

struct mem {
    struct sink s;
    uint8_t *data;
};

static struct err *
mem_write(struct sink *s, unsigned lane, uint64_t off, const void *buf, size_t len)
{
    (void)lane;
    memcpy(((struct mem *)s)->data + off, buf, len);
    return NULL;
}

static struct err *
mem_zero(struct sink *s, unsigned lane, uint64_t off, uint64_t len)
{
    (void)lane;
    memset(((struct mem *)s)->data + off, 0, (size_t)len);
    return NULL;
}

static struct err *
mem_read(struct sink *s, unsigned lane, uint64_t off, void *buf, size_t len)
{
    (void)lane;
    memcpy(buf, ((struct mem *)s)->data + off, len);
    return NULL;
}

static struct err *
mem_finish(struct sink *s)
{
    (void)s;
    return NULL;
}

static void
mem_free(struct sink *s)
{
    free(s);
}

static const struct sink_vtable mem_calls = {
    .write = mem_write,
    .zero = mem_zero,
    .read = mem_read,
    .finish = mem_finish,
    .free = mem_free,
};

struct err *
sink_mem_new(void *data, uint64_t size, struct sink **ret)
{
    struct mem *m = calloc(1, sizeof(*m));

    if (m == NULL)
        return fail(OutOfMemory);
    auto_ptr(sink) s = &m->s;
    TRY(sink_init(s, &mem_calls, "memory", size));
    s->readable = true;
    m->data = data;
    *ret = take(s);
    return NULL;
}
