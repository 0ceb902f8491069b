/* SPDX-License-Identifier: Apache-2.0 */
/* vm_list.c -- the disks of a machine, as query-block tells them.
 *
 * A disk is what a guest's device can write to: drives that are empty or read-only are left
 * out (nothing changes on them, and they are installation media or shared), and so is the
 * firmware's flash.  All that is named here comes from the machine's owner, but goes into
 * file names and to terminals. */
#include <stdio.h>
#include <string.h>

#include "codes.h"
#include "vm_internal.h"

enum { DEPTH_MAX = 64 }; /* of nodes upon each other */

static const char peripheral[] = "/machine/peripheral/";

static struct err *
copy(const char *s, char **ret)
{
    *ret = strdup(s != NULL ? s : "");
    return *ret == NULL ? fail(OutOfMemory) : NULL;
}

/* ---- names ---- */

/* The device's id in "/machine/peripheral/ID/virtio-backend"; *ret_len 0: it has none. */
static const char *
device_id(const char *path, size_t *ret_len)
{
    size_t n = strlen(peripheral);

    *ret_len = 0;
    if (strncmp(path, peripheral, n) != 0)
        return path;
    *ret_len = strcspn(path + n, "/");
    return path + n;
}

static struct err *
name_disk(const struct vm *vm, const json_t *drive, struct running_disk *d)
{
    const char *backend = vm_text(drive, "device");
    size_t len;
    const char *id = device_id(d->device, &len);

    if (len == 0 && backend != NULL && backend[0] != '\0') {
        id = backend;
        len = strlen(id);
    }
    if (len == 0 && d->node[0] != '#') {
        id = d->node;
        len = strlen(id);
    }
    if (len == 0) {
        id = "disk";
        len = strlen(id);
    }
    return running_name_disk(&vm->is, id, len, d);
}

/* ---- what there is ---- */

enum what { IS_DISK, IS_FLASH, IS_GONE };

/* A device that was just unplugged has gone: for a moment the list of drives still has it. */
static struct err *
look_at_device(struct vm *vm, const char *path, enum what *ret)
{
    json_auto_t *type = NULL;
    struct err *e = vm_do(vm, "qom-get", &type, "{s:s, s:s}", "path", path, "property", "type");

    if (err_code(e) == E_QmpRefused && err_os_number(e) == ERR_QMP_DEVICE_NOT_FOUND) {
        err_free(e);
        *ret = IS_GONE;
        return NULL;
    }
    TRY(e);
    const char *name = json_string_value(type);
    bool flash = name != NULL && strncmp(name, "cfi.pflash", strlen("cfi.pflash")) == 0;
    *ret = flash ? IS_FLASH : IS_DISK;
    return NULL;
}

static const json_t *
find_node(const struct vm_view *v, const char *name)
{
    size_t i;
    json_t *node;

    json_array_foreach(v->nodes, i, node)
    {
        const char *is = vm_text(node, "node-name");
        if (is != NULL && strcmp(is, name) == 0)
            return node;
    }
    return NULL;
}

/* Passes on what is read and written, and keeps no bitmaps of its own. */
static bool
is_filter(const json_t *node)
{
    static const char *const filters[] = { "throttle", "copy-on-read", "preallocate" };
    const char *driver = vm_text(node, "drv");

    for (size_t i = 0; driver != NULL && i < sizeof(filters) / sizeof(filters[0]); i++)
        if (strcmp(driver, filters[i]) == 0)
            return true;
    return false;
}

/* Below the filters on top, or below everything. */
static const json_t *
behind(const struct vm_view *v, const char *name, bool all)
{
    const json_t *node = find_node(v, name);

    for (unsigned depth = 0; node != NULL && depth < DEPTH_MAX; depth++) {
        const char *below = all || is_filter(node) ? vm_graph_child(&v->graph, name, "file")
                                                   : NULL;
        const json_t *next = below != NULL ? find_node(v, below) : NULL;
        if (next == NULL)
            break;
        node = next;
        name = below;
    }
    return node;
}

/* QEMU may name a file from the folder in which it was started. */
static struct err *
image_path(const struct vm *vm, const json_t *leaf, const json_t *inserted, char **ret)
{
    const char *file = vm_text(leaf, "file");
    pid_t pid = vm_process(&vm->is);

    if (file == NULL || strncmp(file, "json:", 5) == 0)
        return copy(vm_text(inserted, "file"), ret);
    if (file[0] == '/' || pid == 0)
        return copy(file, ret);
    if (asprintf(ret, "/proc/%d/cwd/%s", (int)pid, file) < 0) {
        *ret = NULL;
        return fail(OutOfMemory);
    }
    return NULL;
}

static struct err *
fill_disk(const struct vm *vm, const struct vm_view *v, const json_t *drive,
    struct running_disk *d)
{
    const json_t *inserted = json_object_get(drive, "inserted");
    const json_t *size = json_object_get(json_object_get(inserted, "image"), "virtual-size");

    if (!json_is_integer(size) || json_integer_value(size) < 0)
        return fail(QmpWrong, vm->socket, "a disk has no size");
    d->size = (uint64_t)json_integer_value(size);
    TRY(copy(vm_text(drive, "qdev"), &d->device));
    TRY(copy(vm_text(drive, "device"), &d->drive));
    TRY(copy(vm_text(inserted, "node-name"), &d->node));
    const json_t *tracked = behind(v, d->node, false);
    TRY(copy(tracked != NULL ? vm_text(tracked, "node-name") : d->node, &d->tracked));
    TRY(vm_bitmap_list(tracked, d));
    const json_t *leaf = behind(v, d->node, true);
    const char *file = vm_text(leaf, "file");
    TRY(copy(file != NULL ? file : vm_text(inserted, "file"), &d->file));
    TRY(image_path(vm, leaf, inserted, &d->image));
    TRY(name_disk(vm, drive, d));
    return NULL;
}

static struct err *
add_disk(struct vm *vm, const struct vm_view *v, const json_t *drive)
{
    const json_t *inserted = json_object_get(drive, "inserted");
    struct running_disk d = { 0 };

    if (inserted == NULL || vm_text(drive, "qdev") == NULL ||
        vm_text(inserted, "node-name") == NULL ||
        json_is_true(json_object_get(inserted, "ro")))
        return NULL;
    if (vm->is.ndisks == RUNNING_DISKS_MAX)
        return fail(QmpWrong, vm->socket, "it has more than 256 disks");
    struct err *e = fill_disk(vm, v, drive, &d);
    if (e == NULL)
        vm->is.disks[vm->is.ndisks++] = d;
    else
        running_disk_done(&d);
    return e;
}

struct err *
vm_list_drives(struct vm *vm, const struct vm_view *v, const json_t *drives)
{
    size_t i;
    json_t *drive;

    vm->is.disks = calloc(RUNNING_DISKS_MAX, sizeof(*vm->is.disks));
    if (vm->is.disks == NULL)
        return fail(OutOfMemory);
    json_array_foreach(drives, i, drive)
        TRY(add_disk(vm, v, drive));
    return NULL;
}

static struct err *
read_drives(struct vm *vm, struct vm_view *v)
{
    json_auto_t *drives = NULL;

    TRY(vm_do(vm, "query-named-block-nodes", &v->nodes, "{s:b}", "flat", 1));
    TRY(vm_graph_read(vm, &v->graph));
    TRY(vm_do(vm, "query-block", &drives, NULL));
    TRY(vm_list_drives(vm, v, drives));
    return NULL;
}

static struct err *
part_others(struct vm *vm)
{
    for (size_t i = 0; i < vm->is.ndisks;) {
        enum what what = IS_DISK;

        TRY(look_at_device(vm, vm->is.disks[i].device, &what));
        if (what == IS_DISK) {
            i++;
            continue;
        }
        if (what == IS_FLASH && vm->is.nflash < RUNNING_FLASH_MAX)
            vm->is.flash[vm->is.nflash++] = vm->is.disks[i];
        else
            running_disk_done(&vm->is.disks[i]);
        vm->is.ndisks--;
        memmove(&vm->is.disks[i], &vm->is.disks[i + 1],
            (vm->is.ndisks - i) * sizeof(*vm->is.disks));
    }
    return NULL;
}

struct err *
vm_list(struct vm *vm, const struct running_options *o)
{
    struct vm_view v = { 0 };
    struct err *e = read_drives(vm, &v);

    vm_graph_done(&v.graph);
    json_decref(v.nodes);
    TRY(e);
    TRY(part_others(vm));
    return running_choose(&vm->is, o, vm->socket);
}
