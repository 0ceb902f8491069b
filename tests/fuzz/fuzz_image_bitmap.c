/* SPDX-License-Identifier: Apache-2.0 */
/* What qemu-img says of a foreign image: asked for the bitmap "b".  What is taken is within
 * its limits; a bitmap that is not found has no state. */
#include <assert.h>
#include <stdint.h>

#include "codes.h"
#include "image_bitmap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct image_bitmap b = { .size = 77 };
    bool ok = false;
    struct err *e = image_bitmap_parse((struct view){ data, size }, "b", &b, &ok);

    assert(e == NULL || err_code(e) == E_OutOfMemory);
    err_free(e);
    if (!ok)
        assert(b.size == 77 && !b.found && !b.recording); /* untouched */
    else if (!b.found)
        assert(!b.recording && !b.in_use && b.granularity == 0);
    return 0;
}
