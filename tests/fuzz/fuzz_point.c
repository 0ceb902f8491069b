/* SPDX-License-Identifier: Apache-2.0 */
/* A point from any bytes: with a first byte of 0 what everybody can read of it, else what its
 * seal holds.  What is taken keeps the limits and encodes to the same bytes again. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codes.h"
#include "point.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
fuzz_head(struct view body)
{
    uint8_t again[POINT_HEAD];
    struct wr w = wr_to(again, sizeof(again));
    struct point_head h;

    if (!point_head_read(body, &h))
        return;
    assert(h.sealed.len <= POINT_SEALED_MAX && h.signature.len == SEAL_SIGNATURE);
    assert(h.signed_part.len + SEAL_SIGNATURE == body.len);
    point_head_write(&w, &h);
    assert(memcmp(again, body.data, sizeof(again)) == 0);
}

static void
fuzz_sealed(struct view plain)
{
    auto_ptr(vault_point) p = NULL;
    auto_free uint8_t *again = NULL;
    struct err *e = point_decode(plain, &p);
    size_t len = 0;

    assert(e == NULL || err_code(e) == E_OutOfMemory);
    err_free(e);
    if (p == NULL)
        return;
    assert(p->ndisks <= VAULT_DISKS_MAX && p->nfacts <= POINT_FACTS_MAX);
    e = point_encode(p, 0, &again, &len);
    assert(e == NULL && len == plain.len && memcmp(again, plain.data, len) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    if (data[0] == 0)
        fuzz_head((struct view){ data + 1, size - 1 });
    else
        fuzz_sealed((struct view){ data + 1, size - 1 });
    return 0;
}
