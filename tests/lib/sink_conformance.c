/* SPDX-License-Identifier: Apache-2.0 */
/* sink_conformance.c -- see the header. */
#include "check.h"

#include <pthread.h>
#include <string.h>

#include "bytes.h"
#include "pattern.h"
#include "sink_conformance.h"

enum { PIECE_MAX = 200000, LANES_MAX = 16 };

struct piece {
    uint64_t off;
    size_t len;
};

struct plan {
    struct sink *s;
    const uint8_t *data;
    struct piece *pieces;
    size_t n;
    unsigned lanes;
};

struct writer {
    pthread_t thread;
    const struct plan *plan;
    unsigned lane;
    struct err *failed;
    bool differs;
};

static void
cut_in_pieces(struct plan *p, struct rng *r)
{
    p->pieces = calloc((size_t)(p->s->size / 512) + 2, sizeof(p->pieces[0]));
    for (uint64_t off = 0; off < p->s->size;) {
        uint64_t left = p->s->size - off;
        /* mostly whole blocks as a restore writes them, sometimes odd bits */
        uint64_t len = rng_below(r, 4) == 0 ? 512 + rng_below(r, PIECE_MAX) : 65536;
        if (len > left)
            len = left;
        p->pieces[p->n++] = (struct piece){ off, (size_t)len };
        off += len;
    }
}

static void
shuffle(struct plan *p, struct rng *r)
{
    for (size_t i = p->n; i > 1; i--) {
        size_t j = (size_t)rng_below(r, i);
        struct piece t = p->pieces[j];
        p->pieces[j] = p->pieces[i - 1];
        p->pieces[i - 1] = t;
    }
}

static struct err *
put_piece(const struct plan *p, unsigned lane, const struct piece *piece)
{
    const uint8_t *data = p->data + piece->off;

    if (!bytes_are_zero(data, piece->len))
        TRY(sink_write(p->s, lane, piece->off, data, piece->len));
    else if (!p->s->fresh || piece->off % 3 == 0)
        TRY(sink_zero(p->s, lane, piece->off, piece->len));
    return NULL;
}

static struct err *
read_back(const struct plan *p, unsigned lane, const struct piece *piece, bool *ret_differs)
{
    auto_free uint8_t *buf = malloc(piece->len);

    TRY(sink_read(p->s, lane, piece->off, buf, piece->len));
    *ret_differs = memcmp(buf, p->data + piece->off, piece->len) != 0;
    return NULL;
}

static void *
write_lane(void *arg)
{
    struct writer *w = arg;
    const struct plan *p = w->plan;

    for (size_t i = w->lane; i < p->n && w->failed == NULL && !w->differs; i += p->lanes) {
        w->failed = put_piece(p, w->lane, &p->pieces[i]);
        if (w->failed == NULL && p->s->readable)
            w->failed = read_back(p, w->lane, &p->pieces[i], &w->differs);
    }
    return NULL;
}

void
sink_conformance(struct sink *s, const uint8_t *data, unsigned lanes)
{
    struct rng r = { 11 + s->size };
    struct plan p = { .s = s, .data = data, .lanes = s->sequential ? 1 : lanes };
    struct writer w[LANES_MAX] = { 0 };

    assert_true(lanes >= 1 && lanes <= LANES_MAX);
    cut_in_pieces(&p, &r);
    if (!s->sequential)
        shuffle(&p, &r);
    for (unsigned i = 0; i < p.lanes; i++) {
        w[i].plan = &p;
        w[i].lane = i;
        assert_int_equal(pthread_create(&w[i].thread, NULL, write_lane, &w[i]), 0);
    }
    for (unsigned i = 0; i < p.lanes; i++)
        pthread_join(w[i].thread, NULL);
    free(p.pieces);
    for (unsigned i = 0; i < p.lanes; i++) {
        assert_ok(w[i].failed);
        assert_false(w[i].differs);
    }
    assert_ok(sink_finish(s));
}
