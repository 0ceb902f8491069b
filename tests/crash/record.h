/* SPDX-License-Identifier: Apache-2.0 */
/* record.h -- what a program asks of the file system, written down call by call.
 *
 * The linker leads all calls that change files (the list is in meson.build) through this
 * layer.  They are done for real; those that touch the recorded folder are also noted as
 * small steps: bytes of a file, its length, one name in one folder, a sync.  From these
 * explore.h makes every state that a loss of power could have left.
 *
 * The same layer can refuse calls as a full disk does, keep O_TMPFILE away as some file
 * systems do, and call back before a sync. */
#ifndef RECORD_H
#define RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum record_kind {
    RECORD_WRITE, /* len bytes at off of a file */
    RECORD_SIZE,  /* a file has off bytes now */
    RECORD_NAME,  /* a name in a folder is target now; NO_NODE: nothing any more */
    RECORD_SYNC,  /* of a file or a folder */
    RECORD_MARK,  /* something was promised: its number is off */
};

enum { RECORD_ROOT = 0, NO_NODE = -1 };

struct record_op {
    enum record_kind kind;
    int node, target;
    uint64_t off;
    size_t len;
    uint8_t *data;
    char *name;
};

/* A file or a folder; never reused. */
struct record_node {
    ino_t ino;
    bool is_folder;
    char *path; /* of a folder, from the root, "" for the root itself */
};

struct record {
    struct record_op *op;
    size_t nops;
    struct record_node *node;
    size_t nnodes;
};

/* Record what happens below ${root}, a folder that is empty. */
void record_begin(const char *root);
void record_end(struct record *ret);
void record_done(struct record *r);

/* Note a promise; returns the place in the record from which on it holds. */
size_t record_mark(unsigned number);

/* Refuse O_TMPFILE. */
void record_without_tmpfile(bool yes);

/* Leave out of the record the syncs of folders whose path begins so ("*": of all files). */
void record_forget_syncs(const char *prefix);

/* Call ${fn} once, before the ${n}th sync from now (1 is the next). */
void record_before_sync(unsigned n, void (*fn)(void *arg), void *arg);
/* How many syncs there were since record_begin. */
unsigned record_syncs(void);

/* ---- a full disk ---- */

/* The ${n}th call from now that needs room finds none (0: no call does, they are counted);
 * with ${onwards} also all after it. */
void record_fill_disk(unsigned n, bool onwards);
/* There is room again; returns how many calls needed room, *ret_refused (may be NULL) how
 * many got none. */
unsigned record_empty_disk(unsigned *ret_refused);

#endif
