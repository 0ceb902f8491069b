/* SPDX-License-Identifier: Apache-2.0 */
/* vm_bitmap.c -- what was written since when: one bitmap from each listed point on.
 *
 *     point 1            point 2            point 3
 *        |---- firn-T-1 -----|                       read by the backup that makes point 2
 *                            |---- firn-T-2 ----|    ... and point 3
 *
 * The older bitmap goes on recording until the next point is listed, and what is read is a
 * copy of it: so a backup that fails, or is killed, leaves it as good as it was. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "codes.h"
#include "vm_internal.h"

/* ---- which there are ---- */

static bool
is_true(const json_t *o, const char *key)
{
    return json_is_true(json_object_get(o, key));
}

struct err *
vm_bitmap_list(const json_t *node, struct running_disk *d)
{
    const json_t *list = json_object_get(node, "dirty-bitmaps");
    size_t i, n = json_array_size(list);
    json_t *is;

    if (n > VM_BITMAPS_MAX)
        n = VM_BITMAPS_MAX;
    d->bitmaps = calloc(n + 1, sizeof(*d->bitmaps));
    if (d->bitmaps == NULL)
        return fail(OutOfMemory);
    json_array_foreach(list, i, is)
    {
        json_int_t granularity = json_integer_value(json_object_get(is, "granularity"));
        const char *name = vm_text(is, "name");
        struct running_bitmap *b = &d->bitmaps[d->nbitmaps];

        if (name == NULL || d->nbitmaps == n)
            continue;
        *b = (struct running_bitmap){ .name = strdup(name),
            .granularity = granularity > 0 ? (uint64_t)granularity : 0,
            .persistent = is_true(is, "persistent"), .recording = is_true(is, "recording"),
            .inconsistent = is_true(is, "inconsistent") };
        if (b->name == NULL)
            return fail(OutOfMemory);
        d->nbitmaps++;
    }
    return NULL;
}

/* ---- the one that begins ---- */

static struct err *
begin(struct vm *vm, const struct running_disk *d, bool persistent)
{
    TRY(vm_do(vm, "block-dirty-bitmap-add", NULL, "{s:s, s:s, s:b, s:i}", "node", d->tracked,
        "name", vm->track, "persistent", persistent ? 1 : 0, "granularity",
        RUNNING_GRANULARITY));
    return NULL;
}

/* In the image where its format can, else in memory, else not at all. */
static struct err *
begin_somehow(struct vm *vm, struct running_disk *d)
{
    struct err *e = begin(vm, d, true);

    d->persistent = e == NULL;
    if (err_code(e) == E_QmpRefused) {
        err_free(e);
        e = begin(vm, d, false);
    }
    d->begun = e == NULL;
    d->granularity = RUNNING_GRANULARITY;
    if (err_code(e) == E_QmpRefused) {
        err_free(e);
        return NULL;
    }
    return e;
}

struct err *
vm_track(struct running *r, const char *tag)
{
    struct vm *vm = vm_of(r);

    assert(vm->began && !vm->cut);
    snprintf(vm->tag, sizeof(vm->tag), "%s", tag);
    snprintf(vm->track, sizeof(vm->track), "firn-%s-%s", vm->tag, vm->scratch.run);
    for (size_t i = 0; i < vm->is.ndisks; i++)
        TRY(begin_somehow(vm, &vm->is.disks[i]));
    return NULL;
}

const char *
vm_track_name(const struct running *r)
{
    const struct vm *vm = (const struct vm *)r;

    return vm->track;
}

static struct err *
remove_bitmap(struct vm *vm, const char *node, const char *name)
{
    TRY(vm_do(vm, "block-dirty-bitmap-remove", NULL, "{s:s, s:s}", "node", node, "name", name));
    return NULL;
}

/* ---- the copy that is read ---- */

void
vm_bitmap_copy_name(char to[VM_NODE_MAX], const char *run)
{
    snprintf(to, VM_NODE_MAX, "firn-copy-%.*s", SCRATCH_RUN_LEN, run);
}

struct err *
vm_bitmap_copy(struct vm *vm, const struct running_disk *d, const char *name)
{
    const struct running_bitmap *of = running_disk_bitmap(d, name);
    char copy[VM_NODE_MAX];

    assert(of != NULL);
    vm_bitmap_copy_name(copy, vm->scratch.run);
    TRY(vm_do(vm, "block-dirty-bitmap-add", NULL, "{s:s, s:s, s:b, s:I}", "node", d->tracked,
        "name", copy, "disabled", 1, "granularity", (json_int_t)of->granularity));
    TRY(vm_do(vm, "block-dirty-bitmap-merge", NULL, "{s:s, s:s, s:[s]}", "node", d->tracked,
        "target", copy, "bitmaps", name));
    return NULL;
}

/* ---- taking them out ---- */

/* What goes: these two names (NULL: none), and what begins with ${start} but is not ${but}. */
struct going {
    const char *copy, *more, *start, *but;
};

static bool
is_same(const char *name, const char *with)
{
    return with != NULL && strcmp(name, with) == 0;
}

static bool
goes(const struct going *g, const char *name)
{
    if (is_same(name, g->copy) || is_same(name, g->more))
        return true;
    return g->start != NULL && strncmp(name, g->start, strlen(g->start)) == 0 &&
           !is_same(name, g->but);
}

static struct err *
sweep_node(struct vm *vm, const json_t *node, const struct going *g)
{
    const char *node_name = vm_text(node, "node-name");
    struct err *e = NULL;
    size_t i;
    json_t *bitmap;

    json_array_foreach(json_object_get(node, "dirty-bitmaps"), i, bitmap)
    {
        const char *name = vm_text(bitmap, "name");
        if (name != NULL && node_name != NULL && goes(g, name))
            e = err_also(e, remove_bitmap(vm, node_name, name));
    }
    return e;
}

/* Of every node: one that no device uses any more may have been a disk. */
static struct err *
sweep_nodes(struct vm *vm, const void *arg)
{
    const struct going *g = arg;
    json_auto_t *nodes = NULL;
    struct err *e = NULL;
    size_t i;
    json_t *node;

    TRY(vm_do(vm, "query-named-block-nodes", &nodes, "{s:b}", "flat", 1));
    json_array_foreach(nodes, i, node)
        e = err_also(e, sweep_node(vm, node, g));
    return e;
}

struct err *
vm_bitmap_sweep(struct vm *vm, const char *run, const char *more)
{
    char copy[VM_NODE_MAX];
    const struct going g = { .copy = copy, .more = more };

    vm_bitmap_copy_name(copy, run);
    return sweep_nodes(vm, &g);
}

struct err *
vm_keep(struct running *r)
{
    struct vm *vm = vm_of(r);
    char start[RUNNING_TAG_MAX + 8], kept[sizeof(vm->track)];
    const struct going g = { .start = start, .but = kept };

    snprintf(start, sizeof(start), "firn-%s-", vm->tag);
    memcpy(kept, vm->track, sizeof(kept));
    vm->track[0] = '\0'; /* vm_close leaves it */
    return vm_clean(vm, sweep_nodes, &g);
}
