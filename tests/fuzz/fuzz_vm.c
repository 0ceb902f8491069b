/* SPDX-License-Identifier: Apache-2.0 */
/* What a machine says of its drives, whatever it is: a JSON array of its block graph, its block
 * nodes and its drives.  The disks that come of it have names that are fit for files and differ
 * from each other; names of nodes are read as they were written. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "codes.h"
#include "json_read.h"
#include "text.h"
#include "vm_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct json_limits limits = { 1 << 20, 32, 1 << 16 };

static void
check_name(const struct vm *vm, size_t i)
{
    const char *name = vm->is.disks[i].name;

    assert(name[0] != '\0' && name[0] != '/' && strcmp(name, "..") != 0);
    assert(strlen(name) <= RUNNING_NAME_MAX && strchr(name, '/') == NULL);
    for (const char *at = name; *at != '\0'; at += text_visible(at))
        assert(text_visible(at) > 0);
    for (size_t k = 0; k < i; k++)
        assert(strcmp(name, vm->is.disks[k].name) != 0);
}

static void
check_nodes(const struct vm_graph *g)
{
    const char *node;

    for (size_t i = 0; vm_graph_node(g, i, &node); i++) {
        char run[SCRATCH_RUN_LEN + 1], again[VM_NODE_MAX];
        enum vm_kind kind;
        size_t disk;

        if (node == NULL)
            continue;
        assert(vm_graph_has(g, node));
        (void)vm_graph_child(g, node, "file");
        if (!vm_node_parse(node, run, &kind, &disk))
            continue;
        vm_node_name(again, run, kind, disk);
        assert(strncmp(again, node, strlen("firn-") + SCRATCH_RUN_LEN + 2) == 0);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_auto_t *all = NULL;
    struct vm_view v = { 0 };
    char why[JSON_WHY_MAX];
    char socket[] = "socket";
    struct vm vm = { .socket = socket, .scratch = { .fd = -1 } };

    struct err *e = json_read((struct view){ data, size }, &limits, why, &all);
    assert(e == NULL || err_code(e) == E_OutOfMemory);
    err_free(e);
    v.nodes = json_array_get(all, 1);
    if (all == NULL || !vm_graph_take(json_array_get(all, 0), &v.graph))
        return 0;
    check_nodes(&v.graph);
    e = vm_list_drives(&vm, &v, json_array_get(all, 2));
    assert(e == NULL || err_code(e) == E_QmpWrong || err_code(e) == E_OutOfMemory);
    err_free(e);
    for (size_t i = 0; i < vm.is.ndisks; i++)
        check_name(&vm, i);
    for (size_t i = 0; i < vm.is.ndisks; i++)
        running_disk_done(&vm.is.disks[i]);
    free(vm.is.disks);
    return 0;
}
