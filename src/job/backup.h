/* SPDX-License-Identifier: Apache-2.0 */
/* backup.h -- disks that are open go into a vault that is open, as one recovery point.
 *
 * What job_backup does when names, passphrase and sources are dealt with.  Memory is 1 MiB
 * for each worker and what the vault keeps, whatever the size of the disks.  A failure lists
 * nothing; a conflict with a collector or another writer (class vault.conflict) starts the
 * whole backup anew, up to BACKUP_RETRIES times. */
#ifndef BACKUP_H
#define BACKUP_H

#include "chain.h"
#include "job.h"
#include "source.h"

struct store;

enum { BACKUP_RETRIES = 3, BACKUP_PROGRESS_MS = 100 };

struct backup_disk {
    char *name;             /* in the point */
    const char *spec;       /* what the user named, borrowed */
    struct source *source;

    /* Of a source that tells changes: the point since which it does; NULL: none, read it
     * whole.  What that point kept of the disk. */
    const struct vault_key *since;
    const struct chain *then;
    /* Why there is none, though the newest point keeps a bitmap (chain_broke); the backup
     * takes it, and keeps its code for further attempts. */
    struct err *broke;
    const char *broke_code;
    /* What the new point keeps, NULL: nothing; dirty is filled in.  goes_on: its bitmap is the
     * one by which the source tells changes.  Otherwise it begins with the point. */
    const struct chain *chain;
    bool goes_on;
    struct chain_facts about; /* what else the point says of it; whoever filled it frees it */
};

/* Bytes that belong to the point beside its disks (definition.h). */
struct backup_aside {
    char *name; /* in the point, as a disk's */
    uint8_t *data;
    size_t len;
    struct chain_facts facts;
};

struct backup_options {
    const char *machine;
    enum vault_consistency consistency; /* 0: crash */
    const struct vault_fact *facts;     /* of the point */
    size_t nfacts;
    const struct backup_aside *asides;
    size_t nasides; /* with the disks at most VAULT_DISKS_MAX */
    const char *changed; /* list of changed blocks, for one disk; NULL: none */
    bool reread;
    unsigned audit_percent; /* of each disk that is read by its bitmap; 0: AUDIT_PERCENT */
    /* The vault's points as of just now, for whoever has read them: spares the first attempt
     * another look.  NULL: none. */
    const struct vault_points *points;
    struct store *patient; /* store_patient.h, told when an attempt begins; NULL: none */
    enum vault_compression compression;
    bool gentle; /* worker threads give way to others: a machine runs beside them */
    void (*progress)(void *arg, const struct job_progress *p);
    void (*warn)(void *arg, struct err *warning);
    void *arg;
};

/* ${v} was opened with at least two lanes: one for each worker and the last for this thread. */
struct err *backup_run(struct vault *v, struct backup_disk *disks, size_t ndisks,
    const struct backup_options *o, struct vault_point **ret) must_use;

/* "[NAME=]SOURCE": the disk's name (freed by the caller) and what to open (borrowed from
 * ${text}).  UsageWrong. */
struct err *backup_name(const char *text, char **ret_name, const char **ret_spec) must_use;

#endif
