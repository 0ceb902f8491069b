/* SPDX-License-Identifier: Apache-2.0 */
/* vm_graph.c -- which block node stands on which.
 *
 * QEMU's stable commands do not tell; x-debug-query-block-graph has told since 4.0 in the same
 * words.  Where it is missing or has changed, no backup begins. */
#include <string.h>

#include "codes.h"
#include "vm_internal.h"

bool
vm_graph_take(json_t *graph, struct vm_graph *ret)
{
    const json_t *nodes = json_object_get(graph, "nodes");
    const json_t *edges = json_object_get(graph, "edges");

    if (!json_is_array(nodes) || !json_is_array(edges))
        return false;
    *ret = (struct vm_graph){ graph, nodes, edges };
    return true;
}

struct err *
vm_graph_read(struct vm *vm, struct vm_graph *ret)
{
    json_auto_t *graph = NULL;

    TRY(vm_do(vm, "x-debug-query-block-graph", &graph, NULL));
    if (!vm_graph_take(graph, ret))
        return fail(QmpWrong, vm->socket, "its block graph has another form");
    take(graph);
    return NULL;
}

void
vm_graph_done(struct vm_graph *g)
{
    json_decref(g->graph);
    *g = (struct vm_graph){ 0 };
}

static bool
is_block_node(const json_t *node)
{
    const char *type = vm_text(node, "type");

    return type != NULL && strcmp(type, "block-driver") == 0;
}

bool
vm_graph_node(const struct vm_graph *g, size_t i, const char **ret)
{
    const json_t *node = json_array_get(g->nodes, i);

    *ret = node != NULL && is_block_node(node) ? vm_text(node, "name") : NULL;
    return node != NULL;
}

static const json_t *
find_name(const struct vm_graph *g, const char *name)
{
    size_t i;
    json_t *node;

    json_array_foreach(g->nodes, i, node)
    {
        const char *is = vm_text(node, "name");
        if (is != NULL && is_block_node(node) && strcmp(is, name) == 0)
            return node;
    }
    return NULL;
}

static const char *
find_id(const struct vm_graph *g, const json_t *id)
{
    size_t i;
    json_t *node;

    json_array_foreach(g->nodes, i, node)
    {
        if (is_block_node(node) && json_equal(json_object_get(node, "id"), id))
            return vm_text(node, "name");
    }
    return NULL;
}

bool
vm_graph_has(const struct vm_graph *g, const char *node)
{
    return find_name(g, node) != NULL;
}

const char *
vm_graph_child(const struct vm_graph *g, const char *node, const char *child)
{
    const json_t *id = json_object_get(find_name(g, node), "id");
    size_t i;
    json_t *edge;

    json_array_foreach(g->edges, i, edge)
    {
        const char *is = vm_text(edge, "name");
        if (is != NULL && strcmp(is, child) == 0 &&
            json_equal(json_object_get(edge, "parent"), id))
            return find_id(g, json_object_get(edge, "child"));
    }
    return NULL;
}
