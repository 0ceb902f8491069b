/* SPDX-License-Identifier: Apache-2.0 */
/* bytes.h -- borrowed bytes, checked arithmetic, and the cursors that encode and decode
 * everything that is stored.  Numbers on disk are little-endian.
 *
 * A reader never runs past its end: after a short read it is bad, gives zeros, and stays
 * bad, so that a parser can read a whole structure and ask once (rd_ok).  A writer has a
 * fixed room; running past it is a defect of the caller and asserted. */
#ifndef BYTES_H
#define BYTES_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Bytes that somebody else owns. */
struct view {
    const uint8_t *data;
    size_t len;
};

static inline bool
add_ok(uint64_t a, uint64_t b, uint64_t *ret)
{
    return !__builtin_add_overflow(a, b, ret);
}

static inline bool
mul_ok(uint64_t a, uint64_t b, uint64_t *ret)
{
    return !__builtin_mul_overflow(a, b, ret);
}

static inline uint64_t
div_up(uint64_t a, uint64_t b)
{
    return a / b + (a % b != 0);
}

static inline void
put_le(uint8_t *to, uint64_t v, unsigned nbytes)
{
    for (unsigned i = 0; i < nbytes; i++)
        to[i] = (uint8_t)(v >> (8 * i));
}

static inline uint64_t
get_le(const uint8_t *from, unsigned nbytes)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < nbytes; i++)
        v |= (uint64_t)from[i] << (8 * i);
    return v;
}

struct rd {
    const uint8_t *data;
    size_t len, pos;
    bool bad;
};

static inline struct rd
rd_from(const void *data, size_t len)
{
    return (struct rd){ data, len, 0, false };
}

static inline size_t
rd_left(const struct rd *r)
{
    return r->bad ? 0 : r->len - r->pos;
}

/* The next ${n} bytes, or NULL when there are not as many. */
static inline const uint8_t *
rd_bytes(struct rd *r, size_t n)
{
    if (r->bad || n > r->len - r->pos) {
        r->bad = true;
        return NULL;
    }
    r->pos += n;
    return r->data + r->pos - n;
}

static inline uint64_t
rd_le(struct rd *r, unsigned nbytes)
{
    const uint8_t *p = rd_bytes(r, nbytes);

    return p != NULL ? get_le(p, nbytes) : 0;
}

static inline uint8_t rd_u8(struct rd *r) { return (uint8_t)rd_le(r, 1); }
static inline uint16_t rd_u16(struct rd *r) { return (uint16_t)rd_le(r, 2); }
static inline uint32_t rd_u32(struct rd *r) { return (uint32_t)rd_le(r, 4); }
static inline uint64_t rd_u64(struct rd *r) { return rd_le(r, 8); }

static inline void
rd_copy(struct rd *r, void *to, size_t n)
{
    const uint8_t *p = rd_bytes(r, n);

    if (p != NULL)
        memcpy(to, p, n);
    else
        memset(to, 0, n);
}

/* Everything was there and nothing is left over. */
static inline bool
rd_ended(const struct rd *r)
{
    return !r->bad && r->pos == r->len;
}

struct wr {
    uint8_t *data;
    size_t room, len;
};

static inline struct wr
wr_to(void *data, size_t room)
{
    return (struct wr){ data, room, 0 };
}

static inline uint8_t *
wr_room(struct wr *w, size_t n)
{
    assert(n <= w->room - w->len);
    w->len += n;
    return w->data + w->len - n;
}

static inline void
wr_bytes(struct wr *w, const void *p, size_t n)
{
    if (n > 0)
        memcpy(wr_room(w, n), p, n);
}

static inline void
wr_zero(struct wr *w, size_t n)
{
    if (n > 0)
        memset(wr_room(w, n), 0, n);
}

static inline void wr_u8(struct wr *w, uint8_t v) { put_le(wr_room(w, 1), v, 1); }
static inline void wr_u16(struct wr *w, uint16_t v) { put_le(wr_room(w, 2), v, 2); }
static inline void wr_u32(struct wr *w, uint32_t v) { put_le(wr_room(w, 4), v, 4); }
static inline void wr_u64(struct wr *w, uint64_t v) { put_le(wr_room(w, 8), v, 8); }

/* 2 * n + 1 characters go to ${to}: lower-case hex and a NUL. */
void bytes_to_hex(const void *data, size_t n, char *to);

/* Exactly 2 * n hex digits (either case) and then a NUL; false otherwise. */
bool bytes_from_hex(const char *hex, void *to, size_t n);

/* Is every byte zero? */
bool bytes_are_zero(const void *data, size_t n);

#endif
