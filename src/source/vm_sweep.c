/* SPDX-License-Identifier: Apache-2.0 */
/* vm_sweep.c -- take out of a machine what a run of firn put in.
 *
 * It goes by what QEMU says is there, never by what was done: so it serves for a run that
 * ended well, for one that failed half-way, and for one whose firn was killed.  The order is
 * from the readers down: exports, access nodes, then (for all disks at once) the filters go
 * out of the guest's way, then its devices get their own nodes back, then the rest. */
#include <libgen.h>
#include <stdio.h>
#include <string.h>

#include "codes.h"
#include "json_read.h"
#include "line.h"
#include "vm_internal.h"

enum { CONNECT_MS = 2000 };

/* Is somebody listening at the run's socket?  Only QEMU can: firn never does. */
static bool
serves(const char *folder)
{
    struct line *l = NULL;
    char *path = NULL;

    if (folder == NULL || asprintf(&path, "%s/nbd", folder) < 0)
        return false;
    struct err *e = line_connect(path, deadline_in_ms(CONNECT_MS), &l);
    bool is = e == NULL;
    line_free(l);
    err_free(e);
    free(path);
    return is;
}

/* An export's id is "firn-RUN-eN", made like a node's name. */
static bool
has_exports(const json_t *exports, const char *run)
{
    char start[VM_NODE_MAX];
    size_t i;
    json_t *export;

    snprintf(start, sizeof(start), "firn-%s-", run);
    json_array_foreach(exports, i, export)
    {
        const char *id = vm_text(export, "id");
        if (id != NULL && strncmp(id, start, strlen(start)) == 0)
            return true;
    }
    return false;
}

/* The server is ours alone, and ends with all its exports. */
static struct err *
end_server(struct vm *vm, const char *run, const char *folder)
{
    json_auto_t *exports = NULL;

    TRY(vm_do(vm, "query-block-exports", &exports, NULL));
    if (has_exports(exports, run) || serves(folder))
        TRY(vm_do(vm, "nbd-server-stop", NULL, NULL));
    return NULL;
}

/* Every node of the run of this kind: call, join what fails. */
static struct err *
each_node(struct vm *vm, const struct vm_graph *g, const char *run, enum vm_kind wanted,
    struct err *(*call)(struct vm *vm, const struct vm_graph *g, const char *node, void *arg),
    void *arg)
{
    struct err *e = NULL;
    const char *node;

    for (size_t i = 0; !vm_is_lost(e) && vm_graph_node(g, i, &node); i++) {
        char of[SCRATCH_RUN_LEN + 1];
        enum vm_kind kind;
        size_t disk;

        if (node != NULL && vm_node_parse(node, of, &kind, &disk) && kind == wanted &&
            strcmp(of, run) == 0)
            e = err_also(e, call(vm, g, node, arg));
    }
    return e;
}

static struct err *
delete_node(struct vm *vm, const struct vm_graph *g, const char *node, void *arg)
{
    (void)g;
    (void)arg;
    TRY(vm_do(vm, "blockdev-del", NULL, "{s:s}", "node-name", node));
    return NULL;
}

/* What the guest's device used before firn came: below the filter, if there is one. */
static const char *
own_node(const struct vm_graph *g, const char *pass)
{
    char run[SCRATCH_RUN_LEN + 1];
    enum vm_kind kind;
    size_t disk;
    const char *below = vm_graph_child(g, pass, "file");

    if (below != NULL && vm_node_parse(below, run, &kind, &disk))
        below = vm_graph_child(g, below, "file");
    return below;
}

static struct err *
add_way_back(struct vm *vm, const struct vm_graph *g, const char *node, void *arg)
{
    json_t *list = arg, *entry = NULL;
    const char *below = own_node(g, node);

    (void)vm;
    if (below == NULL)
        return NULL;
    TRY(json_build(node, &entry, "{s:s, s:s, s:s}", "driver", "raw", "node-name", node, "file",
        below));
    return json_array_append_new(list, entry) != 0 ? fail(OutOfMemory) : NULL;
}

/* In one step, as they came in. */
static struct err *
bypass_filters(struct vm *vm, const struct vm_graph *g, const char *run)
{
    json_auto_t *list = json_array();

    if (list == NULL)
        return fail(OutOfMemory);
    TRY(each_node(vm, g, run, VM_PASS, add_way_back, list));
    if (json_array_size(list) > 0)
        TRY(vm_do(vm, "blockdev-reopen", NULL, "{s:O}", "options", list));
    return NULL;
}

static struct err *
give_back(struct vm *vm, const struct vm_graph *g, const char *node, void *arg)
{
    const json_t *devices = arg, *device;
    const char *own = own_node(g, node);
    size_t i;

    json_array_foreach(devices, i, device)
    {
        const char *uses = vm_text(json_object_get(device, "inserted"), "node-name");
        const char *path = vm_text(device, "qdev");
        if (own != NULL && path != NULL && uses != NULL && strcmp(uses, node) == 0)
            TRY(vm_do(vm, "qom-set", NULL, "{s:s, s:s, s:s}", "path", path, "property",
                "drive", "value", own));
    }
    return NULL;
}

static struct err *
give_all_back(struct vm *vm, const struct vm_graph *g, const char *run)
{
    json_auto_t *devices = NULL;

    TRY(vm_do(vm, "query-block", &devices, NULL));
    return each_node(vm, g, run, VM_PASS, give_back, devices);
}

/* One step after the other, also past what QEMU refuses. */
static struct err *
take_out(struct vm *vm, const struct vm_graph *g, const char *run, const char *bitmap)
{
    static const enum vm_kind rest[] = { VM_PASS, VM_FILTER, VM_SCRATCH };
    struct err *e = vm_bitmap_sweep(vm, run, bitmap);

    if (!vm_is_lost(e))
        e = err_also(e, each_node(vm, g, run, VM_ACCESS, delete_node, NULL));
    if (!vm_is_lost(e))
        e = err_also(e, bypass_filters(vm, g, run));
    if (!vm_is_lost(e))
        e = err_also(e, give_all_back(vm, g, run));
    for (size_t i = 0; !vm_is_lost(e) && i < sizeof(rest) / sizeof(rest[0]); i++)
        e = err_also(e, each_node(vm, g, run, rest[i], delete_node, NULL));
    return e;
}

struct err *
vm_sweep(struct vm *vm, const char *run, const char *folder, const char *bitmap)
{
    struct vm_graph g = { 0 };
    struct err *e = end_server(vm, run, folder);

    if (!vm_is_lost(e))
        e = err_also(e, vm_graph_read(vm, &g));
    if (g.graph != NULL)
        e = err_also(e, take_out(vm, &g, run, bitmap));
    vm_graph_done(&g);
    return e;
}

/* ---- what others left ---- */

struct dead {
    char run[SCRATCH_RUN_LEN + 1];
    char *folder; /* where its scratch files lie; NULL: it has none any more */
};

static void
add_dead(struct dead *dead, size_t *n, const char *run)
{
    for (size_t i = 0; i < *n; i++)
        if (strcmp(dead[i].run, run) == 0)
            return;
    if (*n < VM_RUNS_MAX)
        snprintf(dead[(*n)++].run, sizeof(dead->run), "%s", run);
}

static void
find_runs(const struct vm_graph *g, struct dead *dead, size_t *n)
{
    const char *node;

    for (size_t i = 0; vm_graph_node(g, i, &node); i++) {
        char run[SCRATCH_RUN_LEN + 1];
        enum vm_kind kind;
        size_t disk;

        if (node != NULL && vm_node_parse(node, run, &kind, &disk))
            add_dead(dead, n, run);
    }
}

/* The folder of ${path} when it is one of ${run}. */
static struct err *
folder_of(const char *path, const char *run, char **ret)
{
    auto_free char *copy = strdup(path);
    char name[VM_NODE_MAX];

    if (copy == NULL)
        return fail(OutOfMemory);
    char *folder = dirname(copy);
    snprintf(name, sizeof(name), "/firn-%s", run);
    size_t len = strlen(folder), n = strlen(name);
    if (folder[0] != '/' || len < n || strcmp(folder + len - n, name) != 0)
        return NULL;
    *ret = strdup(folder);
    return *ret == NULL ? fail(OutOfMemory) : NULL;
}

static struct err *
find_folders(struct vm *vm, struct dead *dead, size_t n)
{
    json_auto_t *nodes = NULL;
    size_t i, disk;
    json_t *node;

    TRY(vm_do(vm, "query-named-block-nodes", &nodes, "{s:b}", "flat", 1));
    json_array_foreach(nodes, i, node)
    {
        const char *name = vm_text(node, "node-name"), *file = vm_text(node, "file");
        char run[SCRATCH_RUN_LEN + 1];
        enum vm_kind kind;

        if (name == NULL || file == NULL || !vm_node_parse(name, run, &kind, &disk) ||
            kind != VM_SCRATCH)
            continue;
        for (size_t k = 0; k < n; k++)
            if (dead[k].folder == NULL && strcmp(dead[k].run, run) == 0)
                TRY(folder_of(file, run, &dead[k].folder));
    }
    return NULL;
}

static struct err *
sweep_one(struct vm *vm, const struct dead *d)
{
    struct scratch f = { .fd = -1 };
    bool lives = false;

    if (d->folder != NULL)
        TRY(scratch_owner(d->folder, &lives, &f));
    if (lives)
        return fail(VmBusy, vm->socket, d->folder);
    struct err *e = vm_sweep(vm, d->run, d->folder, NULL);
    if (e == NULL)
        scratch_remove(&f);
    scratch_done(&f);
    return e;
}

struct err *
vm_sweep_dead(struct vm *vm)
{
    struct dead dead[VM_RUNS_MAX] = { 0 };
    struct vm_graph g = { 0 };
    size_t n = 0;

    TRY(vm_graph_read(vm, &g));
    find_runs(&g, dead, &n);
    vm_graph_done(&g);
    struct err *e = n > 0 ? find_folders(vm, dead, n) : NULL;
    for (size_t i = 0; i < n; i++) {
        if (e == NULL)
            e = sweep_one(vm, &dead[i]);
        free(dead[i].folder);
    }
    return e;
}
