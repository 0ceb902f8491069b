/* SPDX-License-Identifier: Apache-2.0 */
/* vault.h -- recovery points in a deduplicating, encrypted vault: all that others see.
 *
 * A vault lies in a store (store.h) and is opened with a passphrase, a key file or a writer
 * key file.  A recovery point is a value: written once, visible by one atomic step (its
 * commit), never changed.  firn-vault(5) gives every byte.
 *
 * Threads: a struct vault and a struct vault_writer may be used by several threads at once;
 * calls with a lane take one that no other thread uses at that moment (0 to lanes - 1). */
#ifndef VAULT_H
#define VAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auto.h"
#include "err.h"
#include "secret.h"

struct store;
struct vault;
struct vault_writer;
struct vault_disk_writer;

enum {
    VAULT_LANES_MAX = 64,
    VAULT_ID_LEN = 32,     /* of a block or a map node */
    VAULT_KEY_LEN = 16,    /* of a vault, session, point, slot or writer id */
    VAULT_BLOCK_MIN = 16384,
    VAULT_BLOCK_MAX = 131072,
    VAULT_FRAME_LEN = 1 << 20,
    VAULT_FANOUT = 64,     /* ids in a map node */
    VAULT_DISKS_MAX = 256,
    VAULT_NAME_MAX = 128,  /* bytes of a machine's or disk's name */
};

struct vault_key {
    uint8_t b[VAULT_KEY_LEN];
};
struct vault_id {
    uint8_t b[VAULT_ID_LEN];
};

/* ---- making and opening ---- */

struct vault_params {
    unsigned block_len;  /* 16, 32, 64 or 128 KiB; 0 means 64 KiB */
    bool trust_group;    /* deduplicate against every writer's entries, not only own ones */
    uint32_t kdf_mib;    /* Argon2id memory, 8 to 4096; 0 means 32 */
    const char *label;   /* for people, may be NULL */
};

/* Make a vault in an empty store; firn.vault is written last.  VaultExists when there is
 * one already. */
struct err *vault_init(struct store *s, const struct vault_params *params,
    const struct secret *passphrase, struct vault_key *ret_id) must_use;

/* What opens a vault: exactly one is given. */
struct vault_unlock {
    const struct secret *passphrase;
    const char *key_file;    /* made by vault_slot_add_key_file */
    const char *writer_file; /* made by vault_export_writer */
};

enum vault_can {
    VAULT_CAN_WRITE = 1, /* has a writer's signing key and certificate */
    VAULT_CAN_READ = 2,  /* has the data key: can restore */
    VAULT_CAN_OWN = 4,   /* has the root key: keys, certificates, revocations */
};

/* Open with ${lanes} lanes (1 to VAULT_LANES_MAX).  Takes ${s} (freed with the vault, also
 * when this fails).  VaultMissing, VaultFormatNewer, VaultHeaderDamaged, VaultKeyWrong ... */
struct err *vault_open(struct store *s, const struct vault_unlock *unlock, unsigned lanes,
    struct vault **ret) must_use;

unsigned vault_can(const struct vault *v);
const struct vault_key *vault_key(const struct vault *v);
unsigned vault_block_len(const struct vault *v);
unsigned vault_lanes(const struct vault *v);
const char *vault_label(const struct vault *v);
void vault_free(struct vault *v);
DEFINE_AUTO(vault);

/* Tell of something weaker than asked for; takes the error value. */
typedef void vault_warn_fn(void *arg, struct err *warning);
void vault_on_warning(struct vault *v, vault_warn_fn *warn, void *arg);

/* ---- keys ---- */

struct vault_slot {
    struct vault_key id;
    bool is_passphrase, has_root, has_data;
    int64_t created_ns;
    char label[VAULT_NAME_MAX + 1];
};

struct err *vault_slots(struct vault *v, struct vault_slot **ret, size_t *ret_n) must_use;
/* Needs VAULT_CAN_OWN. */
struct err *vault_slot_add(struct vault *v, const struct secret *passphrase, const char *label,
    struct vault_key *ret) must_use;
struct err *vault_slot_add_key_file(struct vault *v, const char *path, const char *label,
    struct vault_key *ret) must_use;
/* KeySlotLast when it is the only one.  A copy of the vault made earlier still opens with
 * the removed slot. */
struct err *vault_slot_remove(struct vault *v, const struct vault_key *id) must_use;
/* Write a writer key file for the named machines ("*": all), mode 0600. */
struct err *vault_export_writer(struct vault *v, const char *path, const char *const *machines,
    size_t nmachines) must_use;

/* ---- points ---- */

enum vault_consistency { VAULT_CRASH = 1, VAULT_FILESYSTEM = 2, VAULT_APPLICATION = 3 };

/* A named fact that later versions may add to a disk or a point. */
struct vault_fact {
    char *name, *value;
};

struct vault_disk {
    char *name;
    uint64_t size;
    unsigned height; /* levels of the map; 0 for a disk of 0 bytes */
    struct vault_id root;
    struct vault_key map_writer; /* whose map it is */
    bool stamped; /* the next four tell a file that nothing wrote to */
    uint64_t dev, inode;
    int64_t mtime_ns, ctime_ns, read_start_ns;
    char *source; /* what was read, for people */
    struct vault_fact *facts;
    size_t nfacts;
};

struct vault_point {
    struct vault_key id; /* = the session's; 32 hex digits in text */
    struct vault_key parent; /* zero: none */
    struct vault_key writer;
    uint64_t seq;
    char *machine;
    int64_t time_ns;
    enum vault_consistency consistency;
    uint64_t read_bytes, new_bytes, stored_bytes;
    int64_t verified_ns; /* newest check of every byte; 0: never */
    struct vault_disk *disks;
    size_t ndisks;
    struct vault_fact *facts;
    size_t nfacts;
    uint8_t hash[32]; /* of the object, what the writer's next point names */
};

struct vault_points {
    struct vault_point **items; /* oldest first */
    size_t n;
};

/* All listed points that can be read with this key and that are not forgotten.  A point
 * that is there but damaged or not believable is left out and warned of. */
struct err *vault_points(struct vault *v, struct vault_points **ret) must_use;

/* Find by id, by a unique prefix of it of at least 4 digits, by machine name (its newest),
 * or "latest".  Borrowed from ${points}.  PointMissing, PointAmbiguous. */
struct err *vault_points_find(const struct vault_points *points, const char *text,
    const struct vault_point **ret) must_use;
/* The newest of a machine, or NULL. */
const struct vault_point *vault_points_newest(const struct vault_points *points,
    const char *machine);
/* Its disk of that name, or NULL; ${p} may be NULL. */
const struct vault_disk *vault_point_disk(const struct vault_point *p, const char *name);
void vault_points_free(struct vault_points *p);
DEFINE_AUTO(vault_points);

void vault_key_hex(const struct vault_key *k, char to[2 * VAULT_KEY_LEN + 1]);

/* ---- writing a point ---- */

/* How hard new blocks are compressed (zstd, whole frames).  Blocks that a vault has already
 * stay as they are stored, so points that were made differently share them.  Reading takes
 * any. */
enum vault_compression {
    VAULT_COMPRESSION_NORMAL, /* level 3 */
    VAULT_COMPRESSION_FAST,   /* level -5: a quarter of the time, four tenths more room */
    VAULT_COMPRESSION_BEST,   /* level 12: five times the time, a fourteenth less room */
    VAULT_COMPRESSION_OFF,
};

/* By its name: off, fast, normal, best.  Of any other and of NULL it is normal. */
enum vault_compression vault_compression_of(const char *name);

struct vault_backup {
    const char *machine;
    enum vault_consistency consistency;
    const struct vault_point *parent; /* NULL: none */
    enum vault_compression compression;
    bool gentle; /* the threads that put packs give way to others (pool_new_gentle) */
};

/* Begin a session: puts sessions/S, then looks at tombs, runs and forgets.  No other call on
 * ${v} may be under way.  KeyCannotWrite; WriterMachineDenied when the certificate does not
 * name the machine; ParentGone. */
struct err *vault_backup_begin(struct vault *v, const struct vault_backup *b,
    struct vault_writer **ret) must_use;

/* Ids of ${nblocks} whole blocks at ${data}, storing those that the vault does not have.
 * An all-zero block has the zero id and stores nothing. */
struct err *vault_write_blocks(struct vault_writer *w, unsigned lane, const uint8_t *data,
    size_t nblocks, struct vault_id *ret_ids) must_use;

/* Begin a disk.  ${name} is unique in the point.  Spans (of VAULT_FANOUT blocks) are given
 * in order, each exactly once, by one thread. */
struct err *vault_disk_begin(struct vault_writer *w, const char *name, uint64_t size,
    struct vault_disk_writer **ret) must_use;
/* The next span's VAULT_FANOUT ids; ids beyond the disk are zero. */
struct err *vault_disk_span(struct vault_disk_writer *d, const struct vault_id *ids) must_use;
/* The next ${n} spans are all zero. */
struct err *vault_disk_zero_spans(struct vault_disk_writer *d, uint64_t n) must_use;
/* May ${of}'s map be shared?  Only a disk of the same size in a map of the same writer. */
bool vault_disk_can_share(const struct vault_disk_writer *d, const struct vault_disk *of);
/* The next ${n} spans are as in the parent's disk ${of}; cheap: its nodes are shared. */
struct err *vault_disk_same_spans(struct vault_disk_writer *d, const struct vault_disk *of,
    uint64_t n) must_use;
/* The whole disk is as in the parent: no span was or is given. */
struct err *vault_disk_same(struct vault_disk_writer *d, const struct vault_disk *of) must_use;
/* Finish the disk.  ${about} gives source, stamp and facts (copied; may be NULL).  A disk
 * writer belongs to its vault_writer and is freed by vault_disk_end or with it. */
struct err *vault_disk_end(struct vault_disk_writer *d,
    const struct vault_disk *about) must_use;

/* The table of new ids is full: let all calls of vault_write_blocks end, then call
 * vault_writer_rest before the next one.  It puts what was gathered, so that memory stays
 * bounded however much is new. */
bool vault_writer_wants_rest(struct vault_writer *w);
struct err *vault_writer_rest(struct vault_writer *w) must_use;

/* Numbers so far, for progress: bytes of new blocks and bytes that they take stored. */
void vault_writer_stats(struct vault_writer *w, uint64_t *ret_new, uint64_t *ret_stored);

/* Give the point a fact of its own. */
struct err *vault_backup_fact(struct vault_writer *w, const char *name,
    const char *value) must_use;

/* Make everything durable, then list the point.  The only way to keep it.
 * SessionAborted: a collector took the session for dead; begin anew. */
struct err *vault_backup_commit(struct vault_writer *w, uint64_t read_bytes,
    struct vault_point **ret) must_use;
void vault_point_free(struct vault_point *p);
DEFINE_AUTO(vault_point);

/* Accepts NULL.  Without a commit, nothing of the point is visible. */
void vault_writer_free(struct vault_writer *w);
DEFINE_AUTO(vault_writer);

/* ---- before the first point ---- */

enum { VAULT_TRIAL_LEN = 1 << 20, VAULT_TRIAL_NAME = 64 };

struct vault_trial {
    bool read;        /* what was written could be read again, and was the same */
    bool removed;     /* nothing stays of it; false: this credential may not remove ... */
    char name[VAULT_TRIAL_NAME]; /* ... this object, which the next trial with the same key
                                    tries to remove again */
    int64_t write_ns;
};

/* Could a point of ${machine} be written now?  Writes VAULT_TRIAL_LEN random bytes, reads them
 * back and removes them; that a credential may do neither of the last two is no failure.
 * KeyCannotWrite, WriterMachineDenied, StoreUnfit, and failures of the store. */
struct err *vault_try(struct vault *v, const char *machine, struct vault_trial *ret) must_use;

/* ---- reading a point ---- */

/* The ids of span number ${span} (VAULT_FANOUT blocks) of a disk.  *ret_zero: all of it is
 * zeros and ids are not filled. */
struct err *vault_read_span(struct vault *v, unsigned lane, const struct vault_disk *disk,
    uint64_t span, struct vault_id *ret_ids, bool *ret_zero) must_use;

/* From ${span} on, how many spans are zero without looking at each: skips whole empty
 * subtrees.  0 when ${span} is not empty. */
struct err *vault_zero_spans(struct vault *v, unsigned lane, const struct vault_disk *disk,
    uint64_t span, uint64_t *ret_n) must_use;

/* Where a block lies; compares for sorting, so that each frame is opened once. */
struct vault_place {
    uint32_t pack; /* private number */
    uint16_t frame;
    uint8_t slot;
};
/* *ret_found = false: no home is known.  ${nth} 0 is the first home; more homes of the
 * same id follow. */
struct err *vault_locate(struct vault *v, const struct vault_id *id, unsigned nth,
    struct vault_place *ret, bool *ret_found) must_use;

/* Open the frame that ${place} names into the lane's buffer: *ret_data is borrowed until
 * the lane's next call; block number slot begins at slot * block_len.  Needs
 * VAULT_CAN_READ.  A damaged pack is mended in memory where its parity can do it, with a
 * warning.  FrameDamaged, ObjectMissing, KeyCannotRead. */
struct err *vault_read_frame(struct vault *v, unsigned lane, const struct vault_place *place,
    const uint8_t **ret_data, size_t *ret_nblocks) must_use;

/* Does ${data} (one block) have this id? */
struct err *vault_block_is(struct vault *v, unsigned lane, const uint8_t *data,
    const struct vault_id *id, bool *ret_is) must_use;

/* ---- proving and mending ---- */

struct vault_range {
    uint64_t off, len;
};
struct vault_damage {
    char *object;   /* name in the store */
    bool repaired;
    struct err *why;
    struct vault_hit {
        struct vault_key point;
        char *machine, *disk;
        struct vault_range *ranges; /* ascending, not touching */
        size_t nranges;
    } *hits; /* what listed points lose by it; none when it is, or can be, mended */
    size_t nhits;
};
struct vault_report {
    uint64_t points, objects, bytes, blocks;
    struct vault_damage *damaged;
    size_t ndamaged;
    struct err *unnoted; /* why what proved whole could not be noted as verified; NULL */
};
struct vault_check {
    const struct vault_point *point; /* NULL: the whole vault */
    bool data, repair;
    void (*progress)(void *arg, uint64_t done, uint64_t total);
    void *arg;
};

/* Check structure (every point's signature, map, and that each block has a home that is
 * there in its right length); with data also every byte of every frame.  A damage is not a
 * failure of this call: it is in the report.  With data and a key that may sign, what
 * proved whole is noted as verified; a store that refuses that is none of its failures. */
struct err *vault_verify(struct vault *v, const struct vault_check *c,
    struct vault_report **ret) must_use;
void vault_report_free(struct vault_report *r);
DEFINE_AUTO(vault_report);

#endif
