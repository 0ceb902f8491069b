/* SPDX-License-Identifier: Apache-2.0 */
/* job.h -- what a person asks firn to do: the one place where sources, vault, restore and
 * policy meet.  The command line and the dashboard call these and print what comes back. */
#ifndef JOB_H
#define JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "vault.h"

/* How far a long job is.  total is 0 when it is not known. */
struct job_progress {
    const char *stage; /* "reading vda", "writing", "checking" */
    uint64_t done, total; /* bytes */
    uint64_t fresh; /* bytes that the vault did not have */
};

/* What every job needs. */
struct job {
    const char *vault;           /* path of the vault */
    const char *passphrase_file; /* NULL: ask at the terminal */
    const char *key_file;        /* NULL, or a slot's key file */
    const char *writer_file;     /* NULL, or a writer key file */
    unsigned threads;            /* 0: one for each processor, at most 16 */
    unsigned retries;            /* backup: how often in a row what fails for a while is
                                  * waited for (retry.h); 0: not at all */
    void (*progress)(void *arg, const struct job_progress *p); /* may be NULL */
    void (*warn)(void *arg, struct err *warning); /* takes the warning */
    void *arg;
};

struct job_init {
    unsigned block_len;
    bool trust_group;
    uint32_t kdf_mib;
    const char *label;
};
struct err *job_init(const struct job *j, const struct job_init *o,
    struct vault_key *ret_id) must_use;

/* How many threads the job may use, 1 to VAULT_LANES_MAX. */
unsigned job_threads(const struct job *j);

/* Open the vault as the job says; the passphrase is asked for where it must be. */
struct err *job_open(const struct job *j, struct vault **ret) must_use;

struct target;
struct runbook_report;

/* What a backup may repair by itself when it fails (cure.h). */
struct job_cure {
    unsigned consent; /* doctor_consent */
    /* What was looked at and done; arg is the job's.  May be NULL. */
    struct err *(*report)(void *arg, struct target *t, struct runbook_report *r);
};

struct job_backup {
    const char *const *sources; /* "[NAME=]SOURCE" */
    size_t nsources;
    const char *machine; /* NULL: the first disk's name */
    const char *format;  /* of the sources; NULL: by suffix */
    const char *guest;   /* whose extension is asked first, qga:SOCKET, vm:NAME; NULL: none */
    const char *connect; /* the libvirt that has vm:NAME; NULL: the system's */
    const struct job_cure *cure; /* in that guest, or a running machine's; NULL: nothing */
    const char *changed; /* file that lists changed blocks; NULL: read everything */
    bool reread;         /* read also what nothing has written to */
    unsigned audit_percent; /* of a disk that its bitmap calls clean; 0: the default */
    enum vault_compression compression; /* of what the vault does not have */
    const char *bitmap;  /* dirty bitmap of the images or exports; NULL: the newest point's */
    /* For a running machine, qmp:SOCKET[,qga=SOCKET], which is the only source then: */
    const char *disks;        /* names with commas between them; NULL: all */
    const char *except_disks; /* NULL: none */
    const char *scratch;      /* folder for what the guest overwrites; NULL: firn's own */
    const char *consistency;  /* "application,filesystem,crash", or some of it; NULL: all */
};

/* Remove the scratch files of runs that were killed and whose machines are gone, too, from
 * where they lie without job_backup.scratch.  What cannot be removed stays. */
void job_sweep(void);

/* The socket of the guest agent in the SOURCE of a running machine, borrowed from it; NULL: it
 * is none, or names none. */
const char *job_machine_agent(const char *source);

struct err *job_backup(const struct job *j, const struct job_backup *o,
    struct vault_point **ret) must_use;

/* Was the disk of the point made by a bitmap that a later point of ${points} found wrong? */
bool job_point_suspect(const struct vault_points *points, const struct vault_point *p,
    const char *disk);

/* What ${d} is of a point: NULL, a disk of the machine; else the kind of its definition
 * ("qemu-arguments", "libvirt-xml"), or "nvram", what its firmware keeps. */
const char *job_disk_part(const struct vault_disk *d);

/* How many disks the machine has in the point. */
size_t job_point_ndisks(const struct vault_point *p);

/* Of one machine, or of all (NULL). */
struct err *job_points(const struct job *j, const char *machine,
    struct vault_points **ret) must_use;

struct job_restore {
    const char *point; /* id, prefix, machine, "latest" */
    const char *dest;  /* one disk: file, device or "-"; several, or a machine: a folder;
                        * NULL: a folder with the name of ${as} */
    const char *as;    /* a machine of this name, with UUID and network addresses of its own;
                        * NULL: as it was */
    const char *disk;  /* NULL: all */
    const char *format; /* "raw", "qcow2"; NULL: by suffix */
    bool in_place, force;
};
struct job_restored {
    uint64_t disks, bytes, written; /* bytes of disk, bytes written to the target */
    struct vault_key point;
    const char *definition; /* the file that makes a machine of the disks ("machine.sh"); NULL:
                             * none */
    char **changed;         /* what is not as it was, a line of words for each */
    size_t nchanged;
};
/* In a folder the point's definition comes with the disks, last of all and whole: a restore
 * that was killed leaves none.  DefinitionMissing with ${as} where the point has none. */
struct err *job_restore(const struct job *j, const struct job_restore *o,
    struct job_restored *ret) must_use;
void job_restored_done(struct job_restored *r);

struct job_verify {
    const char *point; /* NULL: the whole vault */
    bool data, repair;
};
/* What was found is in the report; damage is no failure of this call. */
struct err *job_verify(const struct job *j, const struct job_verify *o,
    struct vault_report **ret) must_use;
/* VaultDamaged when the report names damage that was not repaired. */
struct err *job_verify_remains(const struct vault_report *r) must_use;

#endif
