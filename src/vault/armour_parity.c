/* SPDX-License-Identifier: Apache-2.0 */
/* armour_parity.c -- parity over columns of cells, by ISA-L.
 *
 * Data cell i lies in shard i / columns and column i % columns.  As shard s is the stretch
 * of cells s * columns .. (s + 1) * columns - 1, ISA-L can work on whole shards at once,
 * except that the last shards may be cut short: cells beyond ncells are zeros that are not
 * stored.  Making therefore treats the columns in two groups: those in which the last data
 * cell is stored everywhere, and the rest, each a call of its own with fewer sources. */
#include <isa-l/erasure_code.h>

#include "armour_parity.h"

enum { K = ARMOUR_SHARDS_MAX, P = ARMOUR_PARITY };

/* Shards that have a stored cell in ${column}. */
static uint32_t
sources_of(const struct armour_shape *s, uint32_t column)
{
    return column < s->ncells ? (s->ncells - 1 - column) / s->columns + 1 : 0;
}

void
armour_parity_make(const uint8_t *body, const struct armour_shape *s, uint8_t *parity)
{
    uint8_t matrix[(K + P) * K], tables[32 * K * P];
    uint8_t *source[K], *row[P];

    gf_gen_cauchy1_matrix(matrix, (int)(s->k + P), (int)s->k);
    for (uint32_t column = 0; column < s->columns;) {
        uint32_t n = sources_of(s, column), upto = column;
        uint8_t rows[P * K];

        while (upto < s->columns && sources_of(s, upto) == n)
            upto++;
        size_t len = (size_t)(upto - column) * s->cell;
        for (uint32_t i = 0; i < n; i++)
            source[i] = (uint8_t *)(uintptr_t)body +
                ((size_t)i * s->columns + column) * s->cell;
        for (uint32_t r = 0; r < P; r++) {
            row[r] = parity + ((size_t)r * s->columns + column) * s->cell;
            memcpy(rows + (size_t)r * n, matrix + (size_t)(s->k + r) * s->k, n);
        }
        ec_init_tables((int)n, P, rows, tables);
        ec_encode_data((int)len, (int)n, P, tables, source, row);
        column = upto;
    }
}

/* ---- mending ---- */

struct mending {
    uint8_t *object;
    struct armour_shape shape;
    const uint8_t *table; /* a copy that agrees with its own checksum */
    uint32_t mended;
};

static uint8_t *
cell_at(const struct mending *m, uint64_t number)
{
    return m->object + m->shape.body_off + number * m->shape.cell;
}

static bool
cell_good(const struct mending *m, uint64_t number)
{
    return get_le(m->table + 4 * number, 4) == armour_crc(cell_at(m, number), m->shape.cell);
}

/* Recompute the ${nlost} <= P lost cells of one column.  ${lost} are rows 0 .. k + P - 1,
 * ascending.  Decode: the rows of the matrix that survive, inverted, give the data; lost
 * parity is then made again from it. */
static bool
mend_column(struct mending *m, uint32_t column, const uint32_t *lost, uint32_t nlost)
{
    const struct armour_shape *s = &m->shape;
    uint8_t matrix[(K + P) * K], kept[K * K], inverse[K * K], rows[P * K], tables[32 * K * P];
    uint8_t *source[K], *target[P];
    static const uint8_t zeros[ARMOUR_CELL_LARGE];
    uint32_t nkept = 0, k = s->k, stored = sources_of(s, column);

    gf_gen_cauchy1_matrix(matrix, (int)(k + P), (int)k);
    for (uint32_t r = 0, l = 0; r < k + P && nkept < k; r++) {
        if (l < nlost && lost[l] == r) {
            l++;
            continue;
        }
        memcpy(kept + (size_t)nkept * k, matrix + (size_t)r * k, k);
        if (r < k)
            source[nkept] = r < stored ? cell_at(m, (uint64_t)r * s->columns + column)
                                       : (uint8_t *)(uintptr_t)zeros;
        else
            source[nkept] = cell_at(m, s->ncells + (uint64_t)(r - k) * s->columns + column);
        nkept++;
    }
    if (nkept < k || gf_invert_matrix(kept, inverse, (int)k) != 0)
        return false;
    for (uint32_t l = 0; l < nlost; l++) {
        uint8_t *to = rows + (size_t)l * k;

        if (lost[l] < k) {
            memcpy(to, inverse + (size_t)lost[l] * k, k);
            target[l] = cell_at(m, (uint64_t)lost[l] * s->columns + column);
            continue;
        }
        /* parity = its row of the matrix, times the inverse */
        for (uint32_t j = 0; j < k; j++) {
            uint8_t sum = 0;

            for (uint32_t i = 0; i < k; i++)
                sum ^= gf_mul(matrix[(size_t)lost[l] * k + i], inverse[(size_t)i * k + j]);
            to[j] = sum;
        }
        target[l] =
            cell_at(m, s->ncells + (uint64_t)(lost[l] - k) * s->columns + column);
    }
    ec_init_tables((int)k, (int)nlost, rows, tables);
    ec_encode_data((int)s->cell, (int)k, (int)nlost, tables, source, target);
    m->mended += nlost;
    return true;
}

/* Rows of ${column} that are lost, into ${lost}; more than P of them: P + 1. */
static uint32_t
lost_rows(const struct mending *m, uint32_t column, uint32_t lost[P])
{
    const struct armour_shape *s = &m->shape;
    uint32_t n = 0, stored = sources_of(s, column);

    for (uint32_t r = 0; r < s->k + P; r++) {
        uint64_t number = r < s->k ? (uint64_t)r * s->columns + column
                                   : s->ncells + (uint64_t)(r - s->k) * s->columns + column;
        if ((r < s->k && r >= stored) || cell_good(m, number))
            continue;
        if (n == P)
            return P + 1;
        lost[n++] = r;
    }
    return n;
}

/* A table that agrees with its checksum, from either end. */
static const uint8_t *
good_table(const uint8_t *object, const struct armour_shape *s)
{
    uint64_t nchecked = s->ncells + (uint64_t)P * s->columns;
    const uint8_t *at[] = { object + ARMOUR_HEAD, object + s->tail_off };

    for (size_t i = 0; i < 2; i++)
        if (get_le(at[i] + 4 * nchecked, 4) == armour_crc(at[i], 4 * nchecked))
            return at[i];
    return NULL;
}

static bool
good_head(const uint8_t *object, size_t len, struct armour_head *ret, const uint8_t **ret_at)
{
    bool newer;

    if (len < ARMOUR_HEAD)
        return false;
    if (armour_head_read(object, ret, &newer)) {
        *ret_at = object;
        return true;
    }
    *ret_at = object + len - ARMOUR_HEAD;
    return armour_head_read(*ret_at, ret, &newer);
}

bool
armour_true_len(const uint8_t *object, size_t len, uint64_t *ret_len)
{
    struct armour_head h;
    const uint8_t *at;

    if (!good_head(object, len, &h, &at))
        return false;
    *ret_len = h.shape.total;
    return true;
}

struct err *
armour_mend(uint8_t *object, size_t len, uint32_t *ret_mended, bool *ret_ok)
{
    struct armour_head h;
    const uint8_t *head;
    struct mending m = { .object = object };

    *ret_ok = false;
    *ret_mended = 0;
    if (!good_head(object, len, &h, &head) || h.shape.total != len)
        return NULL;
    m.shape = h.shape;
    m.table = good_table(object, &m.shape);
    if (m.table == NULL)
        return NULL;
    for (uint32_t column = 0; column < m.shape.columns; column++) {
        uint32_t lost[P], n = lost_rows(&m, column, lost);

        if (n > P)
            return NULL;
        if (n > 0 && !mend_column(&m, column, lost, n))
            return NULL;
    }
    size_t table = 4 * (m.shape.ncells + (size_t)P * m.shape.columns) + 4;
    uint8_t kept[ARMOUR_HEAD];

    memcpy(kept, head, sizeof(kept));
    memmove(object + ARMOUR_HEAD, m.table, table);
    memset(object + ARMOUR_HEAD + table, 0, m.shape.body_off - ARMOUR_HEAD - table);
    memcpy(object + m.shape.tail_off, object + ARMOUR_HEAD, table);
    memcpy(object, kept, sizeof(kept));
    memcpy(object + m.shape.tail_off + table, kept, sizeof(kept));
    *ret_mended = m.mended;
    *ret_ok = true;
    return NULL;
}
