/* SPDX-License-Identifier: Apache-2.0 */
/* reader.c -- blocks by id: where they lie, and the frames that hold them. */
#include <assert.h>
#include <string.h>

#include "codes.h"
#include "vault_internal.h"

struct err *
vault_locate(struct vault *v, const struct vault_id *id, unsigned nth, struct vault_place *ret,
    bool *ret_found)
{
    struct index_home home;
    unsigned skip = 0;
    bool found = false;

    TRY(vault_need_index(v));
    for (unsigned i = 0;; i++) {
        TRY(index_find(v->index, id, i, &home, &found));
        if (!found) {
            *ret_found = false;
            return NULL;
        }
        if (home.what == INDEX_BLOCK && skip++ == nth)
            break;
    }
    *ret = (struct vault_place){ .pack = home.pack, .frame = home.frame,
        .slot = home.slot };
    *ret_found = true;
    return NULL;
}

struct err *
vault_read_frame(struct vault *v, unsigned lane, const struct vault_place *place,
    const uint8_t **ret_data, size_t *ret_nblocks)
{
    struct lane *l = &v->lane[lane];

    assert(lane < v->nlanes && l->npending == 0);
    TRY(vault_need_index(v));
    if (!(l->open && l->open_pack == place->pack && l->open_frame == place->frame)) {
        TRY(lane_for_reading(l));
        l->open = false;
        TRY(frame_open(v, l, place->pack, place->frame,
            &(struct frame_buffers){ l->packed, VAULT_FRAME_LEN + SEAL_TAG, l->raw,
                VAULT_FRAME_LEN }, &l->open_len));
        l->open_pack = place->pack;
        l->open_frame = place->frame;
        l->open = true;
    }
    *ret_data = l->raw;
    *ret_nblocks = l->open_len / v->keys->block_len;
    return NULL;
}

struct err *
vault_block_is(struct vault *v, unsigned lane, const uint8_t *data, const struct vault_id *id,
    bool *ret_is)
{
    struct vault_id is;

    TRY(seal_id(v->lane[lane].seal, SEAL_BLOCK, data, v->keys->block_len, &is));
    *ret_is = memcmp(&is, id, sizeof(is)) == 0;
    return NULL;
}
