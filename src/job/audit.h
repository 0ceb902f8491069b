/* SPDX-License-Identifier: Apache-2.0 */
/* audit.h -- does a disk's dirty bitmap tell the truth?
 *
 * Whoever keeps a bitmap can lose a write, and then point after point holds a block that is
 * long out of date.  So each backup that goes by a bitmap reads some of the blocks that the
 * bitmap calls clean, and holds them against the newest point: 1 % of the disk and at least
 * 64 blocks, chosen by chance, but never the same again before all were chosen.  So a bitmap
 * that has lost many writes is found at once, and one that has lost a single write within a
 * round of 100 backups at the latest.
 *
 * One block that differs: the points since the round before are suspect (they hold what was
 * read by this bitmap), and the disk is read whole in the same backup.
 *
 * Where a round stands is kept in facts of the disk, see firn-vault(5). */
#ifndef AUDIT_H
#define AUDIT_H

#include "backup_internal.h"

enum {
    AUDIT_PERCENT = 1,  /* unless told otherwise */
    AUDIT_LEAST = 64,   /* blocks */
    AUDIT_BATCH = 4096  /* units whose order is that of the disk */
};

/* Where the round of a disk stands. */
struct audit {
    uint64_t key;      /* by which its order was drawn */
    uint64_t next;     /* how many of its units were read */
    int64_t begun_ns;  /* the point that was the newest when it began */
    int64_t since_ns;  /* and the round before: points after that are proved by nothing more */
    /* since_ns as the backup began, for a round may end in it after something was found */
    int64_t proved_ns;
    uint64_t checked;  /* blocks that this backup has audited */
    uint64_t wrong;    /* of them: they differ from the newest point */
};

/* A disk is audited in units, of one block while it is small, else of as many as are read in
 * one request: a multiple of it divides a span. */
uint64_t audit_unit_blocks(uint64_t nblocks, uint64_t block_len);

/* Unit number ${i} of a round over ${n}: for each key another order of all of them. */
uint64_t audit_place(uint64_t key, uint64_t n, uint64_t i);

/* Where the round stands after ${of}, a disk of ${parent}; a new one where it says nothing. */
struct err *audit_begin(const struct vault_point *parent, const struct vault_disk *of,
    struct audit *ret) must_use;

/* Read the next part of the round, but for what ${changed} lists. */
struct err *audit_run(struct backup *b, const struct backup_disk *disk,
    const struct vault_point *parent, const struct vault_disk *of,
    const struct changed *changed, struct audit *a) must_use;

/* Where the round stands now; or, when something was wrong, which points are suspect: those
 * after proved_ns and not after ${until_ns}. */
struct err *audit_facts(const struct audit *a, int64_t until_ns,
    struct chain_facts *to) must_use;

/* Is the disk of the point suspect, by what a later point of ${points} says? */
bool audit_suspects(const struct vault_points *points, const struct vault_point *p,
    const char *disk);

#endif
