/* SPDX-License-Identifier: Apache-2.0 */
/* vault_internal.h -- what the files behind vault.h share: the vault itself, its lanes, and
 * how frames and nodes are found and opened. */
#ifndef VAULT_INTERNAL_H
#define VAULT_INTERNAL_H

#include <pthread.h>
#include <zstd.h>

#include "armour.h"
#include "bytes.h"
#include "index.h"
#include "keys.h"
#include "keys_internal.h"
#include "pack.h"
#include "seal.h"
#include "store.h"
#include "vault.h"

enum {
    LANE_NODE_FRAMES = 4,      /* opened frames of map nodes that a lane keeps */
    NODE_FRAME_LEN = NODE_FRAME_MAX * NODE_LEN,
    FRAME_BLOCKS_MAX = VAULT_FRAME_LEN / VAULT_BLOCK_MIN,
    HEIGHT_MAX = 8,
};

struct node_frame {
    uint8_t *data;
    size_t len;
    uint32_t pack;
    uint16_t frame;
    bool valid;
    uint64_t used; /* when it was used last, for choosing the one to drop */
};

/* What one thread works with; buffers come with their first use. */
struct lane {
    struct seal *seal; /* ids: blocks of this vault, nodes of node_writer */
    bool have_node_key;
    struct vault_key node_writer;
    ZSTD_CCtx *cctx;
    ZSTD_DCtx *dctx;
    uint8_t *raw;    /* VAULT_FRAME_LEN: blocks on their way in, or an opened frame */
    uint8_t *packed; /* VAULT_FRAME_LEN + SEAL_TAG: compressed or sealed */
    bool dull;       /* the last frame did not shrink */
    size_t npending; /* blocks in raw that are not in a frame yet */
    uint32_t pending[FRAME_BLOCKS_MAX]; /* their entries in the writer's table */
    bool open;       /* raw holds the frame that is named by ... */
    uint32_t open_pack;
    uint16_t open_frame;
    size_t open_len;
    struct node_frame node[LANE_NODE_FRAMES];
    uint64_t clock;
};

struct packs; /* packs.h */
struct vault {
    struct store *store;
    struct keys *keys;
    unsigned nlanes;     /* as asked for; one more is the vault's own */
    struct lane *lane;
    struct index *index; /* opened when first needed */
    struct packs *packs; /* opened packs, by the index's numbers */
    pthread_mutex_t index_lock; /* guards opening the index */
    pthread_mutex_t lock;       /* guards warn */
    vault_warn_fn *warn;
    void *warn_arg;
};

/* ---- lanes ---- */

/* The lane of the vault's own, for whoever works on behalf of all lanes. */
struct lane *vault_own_lane(struct vault *v);
struct err *lane_for_writing(struct lane *l) must_use;
struct err *lane_for_reading(struct lane *l) must_use;
/* Make SEAL_NODE mean the nodes of ${writer}; KeyCannotRead when its maps are not ours. */
struct err *lane_use_writer(struct vault *v, struct lane *l,
    const struct vault_key *writer) must_use;
/* Forget what was opened: the index has new numbers. */
void lane_forget(struct lane *l);

/* ---- the vault ---- */

void vault_warning(struct vault *v, struct err *warning);
/* Open the index if it is not. */
struct err *vault_need_index(struct vault *v) must_use;
/* Read the list of runs again; all numbers of packs become new.  Nobody else may read. */
struct err *vault_reopen_index(struct vault *v) must_use;

/* ---- frames ---- */

/* Open frame ${frame} of pack number ${pack} into ${to} (room for ${room}). *ret_len: bytes,
 * *ret_slots: blocks or nodes in it.  ${packed} has room for a sealed frame. */
struct frame_buffers {
    uint8_t *packed;
    size_t packed_room;
    uint8_t *to;
    size_t room;
};
struct err *frame_open(struct vault *v, struct lane *l, uint32_t pack, uint16_t frame,
    const struct frame_buffers *b, size_t *ret_len) must_use;

/* ---- maps ---- */

/* How many levels the map of a disk with ${nblocks} has. */
unsigned map_height(uint64_t nblocks);
/* Ids of the children of node ${id}, which must be of ${level}; read through its homes until
 * one proves to be it.  *ret = NULL when none does (*ret_why tells why of the last). */
struct err *map_node(struct vault *v, struct lane *l, const struct vault_id *id,
    unsigned level, const uint8_t **ret_ids, struct err **ret_why) must_use;
/* The id of the node of ${level} that covers child position ${at} (in nodes of that level). */
struct err *map_find(struct vault *v, struct lane *l, const struct vault_disk *disk,
    unsigned level, uint64_t at, struct vault_id *ret) must_use;

bool id_is_zero(const struct vault_id *id);

#endif
