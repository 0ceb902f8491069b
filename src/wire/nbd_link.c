/* SPDX-License-Identifier: Apache-2.0 */
/* nbd_link.c -- lanes over connections, and requests cut to size.
 *
 * Cutting: the middle of a range goes straight between the caller's memory and the server.
 * Where the server wants aligned requests, the edges go through a small buffer; an edge that
 * is written is read first, under a lock of its own, because two neighbours may share it. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "codes.h"
#include "nbd_conn.h"
#include "nbd_link.h"
#include "nbd_told.h"

#define ZEROS_CONTEXT "base:allocation"
#define DIRTY_PREFIX "qemu:dirty-bitmap:"

enum { ZERO_REQUEST_MAX = 1024 * 1024 * 1024 };

struct nbd_link {
    char *name;
    struct nbd_export export;
    struct nbd_conn conn[NBD_LINK_LANES_MAX];
    unsigned nconns, lanes;
    uint32_t request_max;
    pthread_mutex_t edge;
    char *dirty_context; /* NULL: none was asked for */
    struct nbd_told told[NBD_CONTEXTS];
};

static struct err *
open_conn(struct nbd_link *l, const struct nbd_address *to,
    const struct nbd_link_options *o, struct deadline by, struct nbd_export *ret)
{
    struct nbd_conn *c = &l->conn[l->nconns++];

    c->name = l->name;
    c->context[NBD_ZEROS] = ZEROS_CONTEXT;
    c->context[NBD_DIRTY] = l->dirty_context;
    c->silence_ms = o->silence_ms > 0 ? o->silence_ms : NBD_LINK_SILENCE_MS;
    TRY(nbd_conn_open(c, to, by, ret));
    return NULL;
}

static struct err *
open_more(struct nbd_link *l, const struct nbd_address *to,
    const struct nbd_link_options *o, struct deadline by)
{
    struct nbd_export x;

    while (l->nconns < o->lanes) {
        TRY(open_conn(l, to, o, by, &x));
        if (x.size != l->export.size || x.min != l->export.min)
            return fail(NbdServerWrong, l->name, "two connections show different disks");
    }
    return NULL;
}

/* QEMU takes the name as it is, so nothing in it can ask for another context. */
static struct err *
name_context(struct nbd_link *l, const char *bitmap)
{
    size_t len = strlen(bitmap);

    if (len == 0 || len > NBD_LINK_BITMAP_MAX)
        return fail(InputInvalid, l->name, "a bitmap's name has 1 to 1023 bytes");
    if (asprintf(&l->dirty_context, DIRTY_PREFIX "%s", bitmap) < 0) {
        l->dirty_context = NULL;
        return fail(OutOfMemory);
    }
    return NULL;
}

static struct err *
link_open(const struct nbd_address *to, const char *name, const struct nbd_link_options *o,
    struct nbd_link **ret)
{
    static const struct nbd_link_options plain = { 0 };

    if (o == NULL)
        o = &plain;
    assert(o->lanes <= NBD_LINK_LANES_MAX);
    struct deadline by = deadline_in_ms(o->connect_ms > 0 ? o->connect_ms :
                                                            NBD_LINK_CONNECT_MS);
    auto_ptr(nbd_link) l = calloc(1, sizeof(*l));
    if (l == NULL)
        return fail(OutOfMemory);
    l->request_max = o->request_max > 0 ? o->request_max : NBD_LINK_REQUEST_MAX;
    pthread_mutex_init(&l->edge, NULL);
    for (int i = 0; i < NBD_CONTEXTS; i++)
        nbd_told_init(&l->told[i], (enum nbd_context)i);
    l->name = strdup(name);
    if (l->name == NULL)
        return fail(OutOfMemory);
    if (o->bitmap != NULL)
        TRY(name_context(l, o->bitmap));
    TRY(open_conn(l, to, o, by, &l->export));
    if (o->bitmap != NULL && !l->export.tells[NBD_DIRTY])
        return fail(SourceBitmapMissing, l->name, o->bitmap);
    if (o->writable && !l->export.writable)
        return fail(NbdServerWrong, l->name, "the export cannot be written");
    l->lanes = o->lanes > 0 ? o->lanes : 1;
    if (l->export.multi_conn)
        TRY(open_more(l, to, o, by));
    *ret = take(l);
    return NULL;
}

struct err *
nbd_link_open_uri(const char *uri, const char *name, const struct nbd_link_options *options,
    struct nbd_link **ret)
{
    TRY(link_open(&(struct nbd_address){ .uri = uri }, name, options, ret));
    return NULL;
}

struct err *
nbd_link_open_socket(const char *path, const char *name,
    const struct nbd_link_options *options, struct nbd_link **ret)
{
    const char *export = options != NULL && options->export != NULL ? options->export : "";

    TRY(link_open(&(struct nbd_address){ .socket = path, .export = export }, name, options,
        ret));
    return NULL;
}

uint64_t
nbd_link_size(const struct nbd_link *l)
{
    return l->export.size;
}

unsigned
nbd_link_lanes(const struct nbd_link *l)
{
    return l->lanes;
}

static struct nbd_conn *
lane_conn(struct nbd_link *l, unsigned lane)
{
    return &l->conn[lane % l->nconns];
}

/* What of ${off}, ${len} goes into the next request: whole aligned blocks, or else the part
 * of one block (then *ret_edge). */
static size_t
next_piece(const struct nbd_link *l, uint64_t off, size_t len, bool *ret_edge)
{
    uint32_t min = l->export.min, max = l->export.max;
    size_t into = (size_t)(off % min), most;

    if (max > l->request_max)
        max = l->request_max > min ? l->request_max : min;
    most = max / min * min;
    *ret_edge = into != 0 || len < min;
    if (*ret_edge)
        return len < min - into ? len : min - into;
    return len > most ? most : len / min * min;
}

/* The aligned block around an edge; shorter where the disk ends. */
static struct nbd_request
edge_request(const struct nbd_link *l, uint64_t off, void *block)
{
    uint64_t start = off / l->export.min * l->export.min;
    uint64_t len = l->export.size - start;

    if (len > l->export.min)
        len = l->export.min;
    return (struct nbd_request){ .verb = NBD_READ, .off = start, .len = (size_t)len,
        .in = block, .out = block };
}

static struct err *
read_edge(struct nbd_link *l, struct nbd_conn *c, uint64_t off, uint8_t *buf, size_t len)
{
    auto_free uint8_t *block = malloc(l->export.min);
    struct nbd_request r = edge_request(l, off, block);

    if (block == NULL)
        return fail(OutOfMemory);
    TRY(nbd_conn_ask(c, &r));
    memcpy(buf, block + (off - r.off), len);
    return NULL;
}

struct err *
nbd_link_read(struct nbd_link *l, unsigned lane, uint64_t off, void *buf, size_t len)
{
    struct nbd_conn *c = lane_conn(l, lane);
    uint8_t *to = buf;

    while (len > 0) {
        bool edge;
        size_t n = next_piece(l, off, len, &edge);
        struct nbd_request r = { .verb = NBD_READ, .off = off, .len = n, .in = to };
        if (edge)
            TRY(read_edge(l, c, off, to, n));
        else
            TRY(nbd_conn_ask(c, &r));
        off += n;
        to += n;
        len -= n;
    }
    return NULL;
}

static struct err *
write_edge_locked(struct nbd_link *l, struct nbd_conn *c, uint64_t off, const uint8_t *from,
    size_t len)
{
    auto_free uint8_t *block = malloc(l->export.min);
    struct nbd_request r = edge_request(l, off, block);

    if (block == NULL)
        return fail(OutOfMemory);
    TRY(nbd_conn_ask(c, &r));
    memcpy(block + (off - r.off), from, len);
    r.verb = NBD_WRITE;
    TRY(nbd_conn_ask(c, &r));
    return NULL;
}

static struct err *
write_edge(struct nbd_link *l, struct nbd_conn *c, uint64_t off, const uint8_t *from,
    size_t len)
{
    pthread_mutex_lock(&l->edge);
    struct err *e = write_edge_locked(l, c, off, from, len);
    pthread_mutex_unlock(&l->edge);
    TRY(e);
    return NULL;
}

struct err *
nbd_link_write(struct nbd_link *l, unsigned lane, uint64_t off, const void *buf, size_t len)
{
    struct nbd_conn *c = lane_conn(l, lane);
    const uint8_t *from = buf;

    while (len > 0) {
        bool edge;
        size_t n = next_piece(l, off, len, &edge);
        struct nbd_request r = { .verb = NBD_WRITE, .off = off, .len = n, .out = from };
        if (edge)
            TRY(write_edge(l, c, off, from, n));
        else
            TRY(nbd_conn_ask(c, &r));
        off += n;
        from += n;
        len -= n;
    }
    return NULL;
}

static struct err *
write_zeros(struct nbd_link *l, unsigned lane, uint64_t off, uint64_t len)
{
    static const uint8_t zeros[64 * 1024];

    while (len > 0) {
        size_t n = len < sizeof(zeros) ? (size_t)len : sizeof(zeros);
        TRY(nbd_link_write(l, lane, off, zeros, n));
        off += n;
        len -= n;
    }
    return NULL;
}

struct err *
nbd_link_zero(struct nbd_link *l, unsigned lane, uint64_t off, uint64_t len)
{
    uint64_t min = l->export.min;
    uint64_t start = div_up(off, min) * min, end = (off + len) / min * min;

    if (!l->export.can_zero || start >= end) {
        TRY(write_zeros(l, lane, off, len));
        return NULL;
    }
    TRY(write_zeros(l, lane, off, start - off));
    while (start < end) {
        uint64_t n = end - start < ZERO_REQUEST_MAX ? end - start : ZERO_REQUEST_MAX;
        struct nbd_request r = { .verb = NBD_ZERO, .off = start, .len = (size_t)n };
        TRY(nbd_conn_ask(lane_conn(l, lane), &r));
        start += n;
    }
    TRY(write_zeros(l, lane, end, off + len - end));
    return NULL;
}

/* With several connections the server promises that a flush on one covers all. */
struct err *
nbd_link_flush(struct nbd_link *l)
{
    struct nbd_request r = { .verb = NBD_FLUSH };

    if (l->export.can_flush)
        TRY(nbd_conn_ask(&l->conn[0], &r));
    return NULL;
}

struct err *
nbd_link_extent(struct nbd_link *l, uint64_t off, bool *ret_zero, uint64_t *ret_len)
{
    assert(off < l->export.size);
    if (!l->export.tells[NBD_ZEROS]) {
        *ret_zero = false;
        *ret_len = l->export.size - off;
        return NULL;
    }
    TRY(nbd_told_find(&l->told[NBD_ZEROS], &l->conn[0], &l->export, off, ret_zero, ret_len));
    return NULL;
}

struct err *
nbd_link_dirty(struct nbd_link *l, uint64_t off, bool *ret_dirty, uint64_t *ret_len)
{
    assert(off < l->export.size && l->export.tells[NBD_DIRTY]);
    TRY(nbd_told_find(&l->told[NBD_DIRTY], &l->conn[0], &l->export, off, ret_dirty, ret_len));
    return NULL;
}

struct err *
nbd_link_ping(struct nbd_link *l)
{
    uint8_t byte;

    if (l->export.size > 0)
        TRY(nbd_link_read(l, 0, 0, &byte, 1));
    return NULL;
}

void
nbd_link_free(struct nbd_link *l)
{
    if (l == NULL)
        return;
    int kept = errno;
    for (unsigned i = 0; i < l->nconns; i++)
        nbd_conn_done(&l->conn[i]);
    pthread_mutex_destroy(&l->edge);
    for (int i = 0; i < NBD_CONTEXTS; i++)
        nbd_told_done(&l->told[i]);
    free(l->dirty_context);
    free(l->name);
    free(l);
    errno = kept;
}
