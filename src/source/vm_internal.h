/* SPDX-License-Identifier: Apache-2.0 */
/* vm_internal.h -- what the files behind vm.h share. */
#ifndef VM_INTERNAL_H
#define VM_INTERNAL_H

#include <jansson.h>

#include "qmp.h"
#include "scratch.h"
#include "vm.h"

enum {
    VM_NODE_MAX = 32,  /* bytes of a node's name in QEMU, with the NUL */
    VM_RUNS_MAX = 64   /* of dead runs that are cleaned up at a time */
};

/* What stands in the machine for one disk, from the guest's device downwards:
 *
 *     device -> pass -> (before the moment) node
 *                    -> (after it) filter -> node
 *                                         -> scratch
 *               access -> filter, exported
 */
enum vm_kind { VM_SCRATCH = 's', VM_PASS = 'p', VM_FILTER = 'c', VM_ACCESS = 'a' };

struct vm {
    struct running is;
    struct qmp *qmp; /* NULL: lost, to be opened anew */
    char *socket;
    int64_t command_ms;
    struct scratch scratch;
    bool began; /* something of ours may be in the machine */
    bool cut, serves;
    bool exported[RUNNING_DISKS_MAX];
    char track[RUNNING_TAG_MAX + SCRATCH_RUN_LEN + 8]; /* the bitmap that began; "": none */
    char tag[RUNNING_TAG_MAX + 1];
};

static inline struct vm *
vm_of(struct running *r)
{
    return (struct vm *)r;
}

/* ---- vm.c ---- */

/* Run a command; ${format} and what follows as for json_pack, NULL: no arguments.  ${ret} may
 * be NULL. */
struct err *vm_do(struct vm *vm, const char *command, json_t **ret, const char *format,
    ...) must_use;

void vm_node_name(char to[VM_NODE_MAX], const char *run, enum vm_kind kind, size_t disk);

/* Is ${node} the name of a node of ours?  Then its run, kind and disk. */
bool vm_node_parse(const char *node, char run[SCRATCH_RUN_LEN + 1], enum vm_kind *ret_kind,
    size_t *ret_disk);

/* Clean up by ${call}, twice when the connection is lost meanwhile: VmNotClean, or NULL where
 * the machine has gone and everything with it. */
struct err *vm_clean(struct vm *vm, struct err *(*call)(struct vm *vm, const void *arg),
    const void *arg) must_use;

/* After ${e} (NULL is fine) the connection serves no more, or not for what was asked last. */
bool vm_is_lost(const struct err *e);

/* End the connection and make a new one. */
struct err *vm_reconnect(struct vm *vm) must_use;
struct deadline vm_command_by(const struct vm *vm);

pid_t vm_process(const struct running *r);

/* A member that is a string, else NULL. */
const char *vm_text(const json_t *o, const char *key);

/* ---- vm_bitmap.c ---- */

/* The bitmaps of a node, as query-named-block-nodes describes it. */
struct err *vm_bitmap_list(const json_t *node, struct running_disk *d) must_use;

/* A copy of bitmap ${name} as it is now, which does not record.  One for a disk. */
struct err *vm_bitmap_copy(struct vm *vm, const struct running_disk *d,
    const char *name) must_use;
void vm_bitmap_copy_name(char to[VM_NODE_MAX], const char *run);

/* Remove the copies of a run, and ${more} (unless NULL) of every node. */
struct err *vm_bitmap_sweep(struct vm *vm, const char *run, const char *more) must_use;

struct err *vm_track(struct running *r, const char *tag) must_use;
const char *vm_track_name(const struct running *r);
struct err *vm_keep(struct running *r) must_use;

/* ---- vm_cut.c ---- */

struct err *vm_prepare(struct running *r) must_use;
struct err *vm_cut(struct running *r, struct deadline by) must_use;
struct err *vm_source(struct running *r, size_t i, unsigned lanes,
    struct source **ret) must_use;
struct err *vm_flash_read(struct running *r, size_t i, struct deadline by, void *to) must_use;
struct err *vm_why(struct running *r, struct err *e) must_use;

/* ---- vm_graph.c ---- */

/* QEMU's block nodes and what they stand on. */
struct vm_graph {
    json_t *graph;
    const json_t *nodes, *edges;
};

struct err *vm_graph_read(struct vm *vm, struct vm_graph *ret) must_use;
/* ${graph} is the reply to x-debug-query-block-graph, and belongs to *ret; false, and it does
 * not, when it has another form. */
bool vm_graph_take(json_t *graph, struct vm_graph *ret);
void vm_graph_done(struct vm_graph *g);

/* The name of node number ${i}, NULL for what is no node of the block layer; false beyond the
 * last. */
bool vm_graph_node(const struct vm_graph *g, size_t i, const char **ret);

bool vm_graph_has(const struct vm_graph *g, const char *node);

/* What ${node} stands on by its child ${child} ("file", "target"); NULL: nothing. */
const char *vm_graph_child(const struct vm_graph *g, const char *node, const char *child);

/* ---- vm_list.c ---- */

/* Fill vm->is.disks with those that ${o} chooses. */
struct err *vm_list(struct vm *vm, const struct running_options *o) must_use;

/* What is needed to look behind a drive: the reply to query-named-block-nodes, and the
 * graph. */
struct vm_view {
    json_t *nodes;
    struct vm_graph graph;
};

/* Fill the disks, where there are none yet, from the reply to query-block, flash included. */
struct err *vm_list_drives(struct vm *vm, const struct vm_view *v,
    const json_t *drives) must_use;

/* ---- vm_sweep.c ---- */

/* Remove everything in the machine that belongs to ${run}, whose folder is ${folder} (NULL:
 * not known), and the bitmap ${bitmap} (NULL: none).  Goes on after a failure. */
struct err *vm_sweep(struct vm *vm, const char *run, const char *folder,
    const char *bitmap) must_use;

/* Remove what dead runs left; VmBusy when one lives. */
struct err *vm_sweep_dead(struct vm *vm) must_use;

#endif
