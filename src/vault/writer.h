/* SPDX-License-Identifier: Apache-2.0 */
/* writer.h -- one session that writes a point: what writer.c (session and commit),
 * writer_blocks.c (frames) and writer_map.c (maps) share.
 *
 * The order of steps is firn-vault(5), WRITING. */
#ifndef WRITER_H
#define WRITER_H

#include "fresh.h"
#include "packer.h"
#include "vault_internal.h"

/* When a session rests there is room left for what is on its way into the table by then. */
enum { FOLDERS = 256, REST_AT = FRESH_MAX - FRESH_MAX / 8 };

/* The level of a map that is being made: ids that wait for their node. */
struct map_level {
    struct vault_id id[VAULT_FANOUT];
    unsigned n;
};

struct vault_disk_writer {
    struct vault_writer *w;
    struct vault_disk disk;
    uint64_t nspans, at; /* spans in all, and given so far */
    bool shared;         /* the whole map is the parent's */
    struct map_level level[HEIGHT_MAX + 1]; /* [i]: ids of level i - 1; [0] is not used */
};

struct vault_writer {
    struct vault *v;
    struct packer *packer;
    enum vault_compression compression;
    struct fresh *fresh;
    struct vault_point *point; /* grows to what is committed */
    uint8_t previous[32];      /* hash of this writer's last point, or zeros */
    uint64_t new_bytes;        /* atomic */
    bool folder[FOLDERS];      /* packs/HH that the point refers to; atomic */
    bool broken;               /* a call failed: nothing may be listed; atomic */
    struct vault_disk_writer *disk; /* under way */
    uint8_t nodes[NODE_FRAME_LEN];  /* new nodes that wait for their frame */
    uint32_t node_entry[NODE_FRAME_MAX];
    unsigned nnodes;
};

/* Seal ${nslots} new blocks or nodes, ${len} bytes at ${data}, as one frame. */
struct err *writer_emit(struct vault_writer *w, struct lane *l, enum packer_line line,
    const uint8_t *data, size_t len, const uint32_t *entry, size_t nslots) must_use;

/* Frames of what lanes have gathered. */
struct err *writer_emit_pending(struct vault_writer *w, struct lane *l) must_use;
struct err *writer_emit_nodes(struct vault_writer *w) must_use;

/* A home of something that the point refers to. */
void writer_refers(struct vault_writer *w, const struct index_home *home);

#endif
