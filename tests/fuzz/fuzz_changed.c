/* SPDX-License-Identifier: Apache-2.0 */
/* A list of changed blocks from any bytes: the first three say how many blocks the disk has
 * (the third is a shift).  What is taken names no block beyond the disk, the two ways to ask
 * agree, and what is refused is InputInvalid. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "changed.h"
#include "codes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const struct changed *c, uint64_t nblocks)
{
    uint64_t at = changed_next(c, 0);

    for (unsigned i = 0; i < 1000 && at < nblocks; i++) {
        assert((changed_mask(c, at / 64 * 64) >> (at % 64) & 1) != 0);
        at = changed_next(c, at + 1);
    }
    assert(at <= nblocks && changed_next(c, nblocks) == nblocks);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct changed *c = NULL;
    char path[64];

    if (size < 3)
        return 0;
    uint64_t nblocks = (uint64_t)(data[0] | data[1] << 8) << (data[2] % 32);
    int fd = memfd_create("list", MFD_CLOEXEC);
    assert(fd >= 0 && write(fd, data + 3, size - 3) == (ssize_t)(size - 3));
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    struct err *e = changed_read(path, nblocks, &c);
    close(fd);
    assert(e == NULL || err_code(e) == E_InputInvalid || err_code(e) == E_OutOfMemory);
    if (e == NULL)
        check(c, nblocks);
    err_free(e);
    changed_free(c);
    return 0;
}
