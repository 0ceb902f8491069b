/* SPDX-License-Identifier: Apache-2.0 */
/* backup_aside.c -- bytes that belong to a point beside its disks, as small disks of it.
 *
 * They are in memory already, so there is no pipe; and they count as no bytes that were read
 * of a disk. */
#include <string.h>

#include "backup_internal.h"
#include "bytes.h"
#include "codes.h"

static struct err *
write_span(struct vault_writer *w, unsigned lane, size_t block_len,
    const struct backup_aside *a, size_t off, struct vault_id *ids)
{
    auto_free uint8_t *block = calloc(1, block_len);

    if (block == NULL)
        return fail(OutOfMemory);
    for (size_t i = 0; i < VAULT_FANOUT && off < a->len; i++, off += block_len) {
        size_t len = a->len - off < block_len ? a->len - off : block_len;

        memcpy(block, a->data + off, len);
        memset(block + len, 0, block_len - len);
        TRY(vault_write_blocks(w, lane, block, 1, &ids[i]));
    }
    return NULL;
}

struct err *
backup_aside(struct backup *b, struct vault_writer *w, const struct backup_aside *a)
{
    size_t block_len = vault_block_len(b->v), span_len = block_len * VAULT_FANOUT;
    const struct vault_disk about = { .facts = a->facts.f, .nfacts = a->facts.n };
    struct vault_disk_writer *d = NULL;

    TRY(vault_disk_begin(w, a->name, a->len, &d));
    for (size_t off = 0; off < a->len; off += span_len) {
        struct vault_id ids[VAULT_FANOUT] = { 0 };

        if (vault_writer_wants_rest(w))
            TRY(vault_writer_rest(w));
        TRY(write_span(w, vault_lanes(b->v) - 1, block_len, a, off, ids));
        TRY(vault_disk_span(d, ids));
    }
    return vault_disk_end(d, &about);
}
