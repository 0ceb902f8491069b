/* SPDX-License-Identifier: Apache-2.0 */
/* Armour on any bytes: heads, cell tables and parity say what an object is before any key
 * does.  What is taken off lies within the object; mending stays within it, and what it calls
 * mended can be taken off or has a foreign head only. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "armour.h"
#include "armour_parity.h"
#include "codes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 1 << 20 };

static void
take_off(const uint8_t *object, size_t len, enum armour_kind kind)
{
    struct view body;
    struct err *e = armour_take_off("object", object, len, kind, NULL, &body);

    if (e == NULL)
        assert(body.len > 0 && body.data >= object && body.data + body.len <= object + len);
    err_free(e);
}

/* A head whose checksum is made right, so that its numbers are looked at. */
static void
with_right_crc(uint8_t *head)
{
    struct armour_head h;
    bool newer;

    put_le(head + ARMOUR_HEAD - 4, armour_crc(head, ARMOUR_HEAD - 4), 4);
    if (armour_head_read(head, &h, &newer)) {
        assert(h.shape.body_len > 0 && h.shape.total > h.shape.body_len);
        assert(h.shape.k >= 1 && h.shape.k <= ARMOUR_SHARDS_MAX);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t len = 0;
    uint32_t cells;
    bool ok;

    if (size > MOST)
        return 0;
    for (int kind = KIND_HEADER; kind <= KIND_MAX; kind++)
        take_off(data, size, (enum armour_kind)kind);
    if (size >= ARMOUR_HEAD) {
        uint8_t head[ARMOUR_HEAD];

        memcpy(head, data, sizeof(head));
        with_right_crc(head);
    }
    if (!armour_true_len(data, size, &len) || len > MOST)
        return 0;
    uint8_t *object = calloc(1, len);
    assert(object != NULL);
    memcpy(object, data, size < len ? size : len);
    struct err *e = armour_mend(object, len, &cells, &ok);
    if (e == NULL && ok)
        take_off(object, len, KIND_DATA_PACK);
    err_free(e);
    free(object);
    return 0;
}
