/* SPDX-License-Identifier: Apache-2.0 */
/* vm_cut.c -- before the moment, the moment, and the disks as they were at it. */
#include <stdio.h>
#include <string.h>

#include "codes.h"
#include "json_read.h"
#include "source_body.h"
#include "vm_internal.h"

enum { SNAPSHOT_LOST_MARGIN = 4 << 20 }; /* a file system with less free is full */

/* ---- before ---- */

/* Up to 8.2, and in 7.2 from 7.2.14 on, QEMU aborts when the last reader of an NBD export
 * leaves whose disk is handled by an I/O thread. */
enum { IOTHREAD_SAFE_MAJOR = 9 };

/* The string property of an object; *ret is NULL when it has no such property. */
static struct err *
property(struct vm *vm, const char *path, const char *name, json_t **ret)
{
    struct err *e = vm_do(vm, "qom-get", ret, "{s:s, s:s}", "path", path, "property", name);

    if (err_code(e) == E_QmpRefused) {
        err_free(e);
        *ret = NULL;
        return NULL;
    }
    return e;
}

/* The thread of the device itself (virtio-blk) or of the controller whose bus it is on. */
static struct err *
thread_of(struct vm *vm, const char *device, json_t **ret)
{
    json_auto_t *bus = NULL;

    TRY(property(vm, device, "iothread", ret));
    if (*ret != NULL)
        return NULL;
    TRY(property(vm, device, "parent_bus", &bus));
    auto_free char *controller = strdup(json_is_string(bus) ? json_string_value(bus) : "");
    if (controller == NULL)
        return fail(OutOfMemory);
    char *last = strrchr(controller, '/');
    if (last == NULL || last == controller)
        return NULL;
    *last = '\0';
    TRY(property(vm, controller, "iothread", ret));
    return NULL;
}

static struct err *
check_threads(struct vm *vm)
{
    if (qmp_version(vm->qmp).major >= IOTHREAD_SAFE_MAJOR)
        return NULL;
    for (size_t i = 0; i < vm->is.ndisks; i++) {
        json_auto_t *thread = NULL;

        TRY(thread_of(vm, vm->is.disks[i].device, &thread));
        const char *name = json_string_value(thread);
        if (name != NULL && name[0] != '\0')
            return fail(VmIothread, vm->socket, vm->is.disks[i].name);
    }
    return NULL;
}

static struct err *
add_scratch(struct vm *vm, size_t i)
{
    char node[VM_NODE_MAX];
    auto_free char *path = NULL;

    TRY(scratch_file(&vm->scratch, i, vm->is.disks[i].size, &path));
    vm_node_name(node, vm->scratch.run, VM_SCRATCH, i);
    struct err *e = vm_do(vm, "blockdev-add", NULL, "{s:s, s:s, s:s}", "driver", "file",
        "node-name", node, "filename", path);
    if (err_code(e) == E_QmpRefused)
        return err_because(fail(VmScratchDenied, vm->socket, vm->scratch.where), e);
    return e;
}

static struct err *
add_pass(struct vm *vm, size_t i)
{
    char node[VM_NODE_MAX];

    vm_node_name(node, vm->scratch.run, VM_PASS, i);
    TRY(vm_do(vm, "blockdev-add", NULL, "{s:s, s:s, s:s}", "driver", "raw", "node-name", node,
        "file", vm->is.disks[i].node));
    TRY(vm_do(vm, "qom-set", NULL, "{s:s, s:s, s:s}", "path", vm->is.disks[i].device,
        "property", "drive", "value", node));
    return NULL;
}

/* A copy that cannot be kept in time must not cost the guest its write. */
static struct err *
add_filter(struct vm *vm, size_t i)
{
    char node[VM_NODE_MAX], scratch[VM_NODE_MAX];

    vm_node_name(node, vm->scratch.run, VM_FILTER, i);
    vm_node_name(scratch, vm->scratch.run, VM_SCRATCH, i);
    TRY(vm_do(vm, "blockdev-add", NULL, "{s:s, s:s, s:s, s:s, s:s, s:i}", "driver",
        "copy-before-write", "node-name", node, "file", vm->is.disks[i].node, "target", scratch,
        "on-cbw-error", "break-snapshot", "cbw-timeout", VM_WRITE_MS / 1000));
    return NULL;
}

/* The failure of a command that QEMU refused, by its name here. */
static struct err *
refused(const struct vm *vm, struct err *e)
{
    if (err_code(e) == E_QmpRefused || err_code(e) == E_QmpCommandMissing)
        return err_because(fail(VmSnapshotFailed, vm->socket), e);
    return e;
}

static struct err *
add_nodes(struct vm *vm)
{
    for (size_t i = 0; i < vm->is.ndisks; i++) {
        TRY(add_scratch(vm, i));
        TRY(add_pass(vm, i));
        TRY(add_filter(vm, i));
    }
    return NULL;
}

struct err *
vm_prepare(struct running *r)
{
    struct vm *vm = vm_of(r);
    uint64_t total = 0;

    TRY(check_threads(vm));
    for (size_t i = 0; i < vm->is.ndisks; i++)
        if (!add_ok(total, vm->is.disks[i].size, &total))
            return fail(QmpWrong, vm->socket, "its disks are larger than a number can say");
    TRY(scratch_make(&vm->scratch));
    TRY(scratch_room(&vm->scratch, total));
    vm->began = true;
    return refused(vm, add_nodes(vm));
}

/* ---- the moment ---- */

static struct err *
list_filters(const struct vm *vm, json_t *list)
{
    for (size_t i = 0; i < vm->is.ndisks; i++) {
        char pass[VM_NODE_MAX], filter[VM_NODE_MAX];
        json_t *entry = NULL;

        vm_node_name(pass, vm->scratch.run, VM_PASS, i);
        vm_node_name(filter, vm->scratch.run, VM_FILTER, i);
        TRY(json_build(pass, &entry, "{s:s, s:s, s:s}", "driver", "raw", "node-name", pass,
            "file", filter));
        if (json_array_append_new(list, entry) != 0)
            return fail(OutOfMemory);
    }
    return NULL;
}

struct err *
vm_cut(struct running *r, struct deadline by)
{
    struct vm *vm = vm_of(r);
    json_auto_t *list = json_array(), *arguments = NULL;

    if (list == NULL)
        return fail(OutOfMemory);
    TRY(list_filters(vm, list));
    TRY(json_build("blockdev-reopen", &arguments, "{s:O}", "options", list));
    TRY(refused(vm, qmp_execute(vm->qmp, "blockdev-reopen", arguments, by, NULL)));
    vm->cut = true;
    return NULL;
}

/* ---- after it ---- */

static struct err *
socket_path(const struct vm *vm, char **ret)
{
    if (asprintf(ret, "%s/nbd", vm->scratch.path) < 0) {
        *ret = NULL;
        return fail(OutOfMemory);
    }
    return NULL;
}

/* A machine has one server.  The folder is one that only QEMU's user can enter. */
static struct err *
start_server(struct vm *vm)
{
    auto_free char *path = NULL;

    if (vm->serves)
        return NULL;
    TRY(socket_path(vm, &path));
    struct err *e = vm_do(vm, "nbd-server-start", NULL, "{s:{s:s, s:{s:s}}}", "addr", "type",
        "unix", "data", "path", path);
    if (err_code(e) == E_QmpRefused)
        return err_because(fail(VmServerTaken, vm->socket), e);
    TRY(e);
    vm->serves = true;
    return NULL;
}

static struct err *
add_export(struct vm *vm, const char *access, const struct running_disk *d, const char *copy)
{
    json_auto_t *arguments = NULL;

    TRY(json_build(access, &arguments, "{s:s, s:s, s:s, s:s, s:b}", "id", access, "type", "nbd",
        "node-name", access, "name", access, "writable", 0));
    if (copy != NULL) {
        json_t *bitmaps = NULL;

        TRY(json_build(copy, &bitmaps, "[{s:s, s:s}]", "node", d->tracked, "name", copy));
        if (json_object_set_new(arguments, "bitmaps", bitmaps) != 0)
            return fail(OutOfMemory);
    }
    TRY(qmp_execute(vm->qmp, "block-export-add", arguments, vm_command_by(vm), NULL));
    return NULL;
}

/* ${copy}: of the bitmap, NULL: none. */
static struct err *
export(struct vm *vm, size_t i, const char *copy)
{
    char access[VM_NODE_MAX], filter[VM_NODE_MAX];

    vm_node_name(access, vm->scratch.run, VM_ACCESS, i);
    vm_node_name(filter, vm->scratch.run, VM_FILTER, i);
    TRY(vm_do(vm, "blockdev-add", NULL, "{s:s, s:s, s:s}", "driver", "snapshot-access",
        "node-name", access, "file", filter));
    TRY(add_export(vm, access, &vm->is.disks[i], copy));
    return NULL;
}

/* A machine that does not let its bitmap be copied lets its disk be read. */
static struct err *
copy_bitmap(struct vm *vm, struct running_disk *d)
{
    struct err *e = d->since != NULL ? vm_bitmap_copy(vm, d, d->since) : NULL;

    if (err_code(e) != E_QmpRefused)
        return refused(vm, e);
    d->since = NULL;
    d->untold = e;
    return NULL;
}

struct err *
vm_source(struct running *r, size_t i, unsigned lanes, struct source **ret)
{
    struct vm *vm = vm_of(r);
    struct running_disk *d = &vm->is.disks[i];
    auto_free char *path = NULL;
    char name[VM_NODE_MAX], copy[VM_NODE_MAX];

    assert(vm->cut);
    vm_bitmap_copy_name(copy, vm->scratch.run);
    TRY(start_server(vm));
    if (!vm->exported[i]) {
        TRY(copy_bitmap(vm, d));
        TRY(refused(vm, export(vm, i, d->since != NULL ? copy : NULL)));
        vm->exported[i] = true;
    }
    TRY(socket_path(vm, &path));
    vm_node_name(name, vm->scratch.run, VM_ACCESS, i);
    TRY(source_nbd_socket(path, name, d->since != NULL ? copy : NULL, lanes, d->name, ret));
    return NULL;
}

/* An export of the chip's own node.  It goes with the server. */
static struct err *
export_flash(struct vm *vm, size_t i, struct deadline by, char *ret_name)
{
    json_auto_t *arguments = NULL;

    snprintf(ret_name, VM_NODE_MAX, "firn-%s-f%u", vm->scratch.run, (unsigned)i);
    TRY(json_build(ret_name, &arguments, "{s:s, s:s, s:s, s:s, s:b}", "id", ret_name, "type",
        "nbd", "node-name", vm->is.flash[i].node, "name", ret_name, "writable", 0));
    TRY(refused(vm, qmp_execute(vm->qmp, "block-export-add", arguments, by, NULL)));
    return NULL;
}

/* By QEMU itself, whatever the format and the owner of its file. */
struct err *
vm_flash_read(struct running *r, size_t i, struct deadline by, void *to)
{
    struct vm *vm = vm_of(r);
    auto_free char *path = NULL;
    auto_ptr(source) s = NULL;
    char name[VM_NODE_MAX];

    assert(vm->cut);
    TRY(start_server(vm));
    TRY(export_flash(vm, i, by, name));
    TRY(socket_path(vm, &path));
    TRY(source_nbd_socket(path, name, NULL, 1, r->flash[i].name, &s));
    if (s->size != r->flash[i].size)
        return fail(QmpWrong, vm->socket, "the firmware's flash has two sizes");
    TRY(source_read(s, 0, 0, to, (size_t)s->size));
    return NULL;
}

/* ---- when reading failed ---- */

/* QEMU refuses to read a broken snapshot with EACCES, which NBD passes on as EINVAL; a disk
 * that is broken gives EIO. */
static bool
says_broken(const struct err *e)
{
    for (const struct err *at = e; at != NULL; at = err_cause(at))
        if (err_code(at) == E_NbdServerRefused)
            return err_os_number(at) == EINVAL || err_os_number(at) == EACCES;
    return false;
}

/* Can the first bytes of disk ${i} be read?  The old connection does not tell: when QEMU's
 * answer about a bitmap fails half-way, it ends. */
static struct err *
try_reading(struct vm *vm, size_t i)
{
    auto_free char *path = NULL;
    auto_ptr(source) s = NULL;
    char name[VM_NODE_MAX];
    uint8_t byte;

    if (vm->is.disks[i].size == 0)
        return NULL;
    vm_node_name(name, vm->scratch.run, VM_ACCESS, i);
    TRY(socket_path(vm, &path));
    TRY(source_nbd_socket(path, name, NULL, 1, vm->is.disks[i].name, &s));
    TRY(source_read(s, 0, 0, &byte, 1));
    return NULL;
}

static bool
is_broken(struct vm *vm)
{
    bool broken = false;

    for (size_t i = 0; i < vm->is.ndisks && !broken; i++) {
        struct err *e = try_reading(vm, i);

        broken = says_broken(e);
        err_free(e);
    }
    return broken;
}

struct err *
vm_why(struct running *r, struct err *e)
{
    struct vm *vm = vm_of(r);
    json_auto_t *status = NULL;
    uint64_t there = 0;

    if (!err_has(e, E_SourceReadFailed) && !err_has(e, E_SourceVanished))
        return e;
    struct err *now = vm_do(vm, "query-status", &status, NULL);
    if (err_code(now) == E_QmpGone) {
        err_free(now);
        now = vm_reconnect(vm);
    }
    if (err_code(now) == E_QmpUnreachable)
        return err_because(fail(VmGone, vm->socket), err_also(e, now));
    if (now != NULL || !is_broken(vm))
        return err_also(e, now);
    now = scratch_free_bytes(&vm->scratch, &there);
    if (now != NULL)
        return err_also(e, now);
    if (there < SNAPSHOT_LOST_MARGIN)
        return err_because(fail(VmScratchFull, vm->scratch.where), e);
    return err_because(fail(VmSnapshotBroken, vm->socket, vm->scratch.where), e);
}
