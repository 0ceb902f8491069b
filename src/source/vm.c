/* SPDX-License-Identifier: Apache-2.0 */
/* vm.c -- the life of a connection to a machine, and what the other files ask of it.
 *
 * How all disks come to stand still at one moment.  QEMU's transaction can start backup jobs
 * together, but such a job fails the guest's own write when its scratch file is full, since
 * only a filter that is made by hand can be told to break the snapshot instead
 * (on-cbw-error); and no transaction takes a filter in.  So before the moment, and one disk
 * after the other, each device gets a raw node that passes everything through to the node it
 * had, and a filter is made that nobody uses yet.  The moment is one blockdev-reopen of all
 * raw nodes, which drains all disks, puts each one on its filter, and lets them go on: in 3 to
 * 6 ms for four disks of an idle QEMU 7.2.  On the way back the same is done in reverse.
 *
 * Bitmaps need no such moment: one that begins a little earlier, or is looked at a little
 * later, says of more blocks that they changed, never of fewer. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "codes.h"
#include "json_read.h"
#include "number.h"
#include "vm_internal.h"

enum { NEEDS_MAJOR = 7, NEEDS_MINOR = 1 };

struct deadline
vm_command_by(const struct vm *vm)
{
    return deadline_in_ms(vm->command_ms);
}

struct err *
vm_reconnect(struct vm *vm)
{
    qmp_free(take(vm->qmp));
    return qmp_open(vm->socket, vm->socket, vm_command_by(vm), &vm->qmp);
}

struct err *
vm_do(struct vm *vm, const char *command, json_t **ret, const char *format, ...)
{
    json_auto_t *arguments = NULL;
    va_list args;

    if (format != NULL) {
        va_start(args, format);
        struct err *e = json_vbuild(command, &arguments, format, args);
        va_end(args);
        TRY(e);
    }
    if (vm->qmp == NULL)
        TRY(vm_reconnect(vm));
    TRY(qmp_execute(vm->qmp, command, arguments, vm_command_by(vm), ret));
    return NULL;
}

const char *
vm_text(const json_t *o, const char *key)
{
    return json_string_value(json_object_get(o, key));
}

void
vm_node_name(char to[VM_NODE_MAX], const char *run, enum vm_kind kind, size_t disk)
{
    snprintf(to, VM_NODE_MAX, "firn-%.*s-%c%u", SCRATCH_RUN_LEN, run, (char)kind,
        (unsigned)disk);
}

bool
vm_node_parse(const char *node, char run[SCRATCH_RUN_LEN + 1], enum vm_kind *ret_kind,
    size_t *ret_disk)
{
    static const char prefix[] = "firn-";
    const char *id = node + strlen(prefix), *rest;
    uint64_t disk;

    if (strncmp(node, prefix, strlen(prefix)) != 0 ||
        strspn(id, "0123456789abcdef") != SCRATCH_RUN_LEN)
        return false;
    rest = id + SCRATCH_RUN_LEN;
    if (rest[0] != '-' || rest[1] == '\0' || strchr("spca", rest[1]) == NULL ||
        !number_parse(rest + 2, &disk) || disk >= RUNNING_DISKS_MAX)
        return false;
    snprintf(run, SCRATCH_RUN_LEN + 1, "%.*s", SCRATCH_RUN_LEN, id);
    *ret_kind = (enum vm_kind)rest[1];
    *ret_disk = (size_t)disk;
    return true;
}

static struct err *
check_version(const struct vm *vm)
{
    struct qmp_version v = qmp_version(vm->qmp);
    char is[40];

    if (v.major > NEEDS_MAJOR || (v.major == NEEDS_MAJOR && v.minor >= NEEDS_MINOR))
        return NULL;
    snprintf(is, sizeof(is), "%u.%u.%u", v.major, v.minor, v.micro);
    return fail(VmTooOld, vm->socket, is);
}

static struct err *
learn_name(struct vm *vm)
{
    json_auto_t *reply = NULL;

    TRY(vm_do(vm, "query-name", &reply, NULL));
    const char *name = vm_text(reply, "name");
    if (name != NULL && name[0] != '\0') {
        vm->is.name = strdup(name);
        if (vm->is.name == NULL)
            return fail(OutOfMemory);
    }
    return NULL;
}

bool
vm_is_lost(const struct err *e)
{
    for (; e != NULL; e = err_next(e))
        if (err_has(e, E_QmpGone) || err_has(e, E_QmpWrong) || err_has(e, E_QmpSilent))
            return true;
    return false;
}

struct err *
vm_clean(struct vm *vm, struct err *(*call)(struct vm *vm, const void *arg), const void *arg)
{
    struct err *e = call(vm, arg);

    if (e != NULL && vm_is_lost(e)) {
        err_free(e);
        e = vm_reconnect(vm);
        if (e == NULL)
            e = call(vm, arg);
    }
    if (err_code(e) == E_QmpUnreachable) {
        err_free(e);
        return NULL;
    }
    return e == NULL ? NULL : err_because(fail(VmNotClean, vm->socket), e);
}

static struct err *
sweep_own(struct vm *vm, const void *arg)
{
    (void)arg;
    return vm_sweep(vm, vm->scratch.run, vm->scratch.path,
        vm->track[0] != '\0' ? vm->track : NULL);
}

static struct err *
close_vm(struct running *r)
{
    struct vm *vm = vm_of(r);
    struct err *e = NULL;

    if (vm->began)
        e = vm_clean(vm, sweep_own, NULL);
    if (e == NULL) {
        vm->began = false;
        scratch_remove(&vm->scratch);
    }
    return e;
}

pid_t
vm_process(const struct running *r)
{
    const struct vm *vm = (const struct vm *)r;
    struct ucred qemu;

    return vm->qmp != NULL && qmp_peer(vm->qmp, &qemu) ? qemu.pid : 0;
}

static void
free_vm(struct running *r)
{
    struct vm *vm = vm_of(r);

    if (!vm->began)
        scratch_remove(&vm->scratch);
    scratch_done(&vm->scratch);
    qmp_free(vm->qmp);
    free(vm->socket);
}

static const struct running_body body = { .prepare = vm_prepare, .track = vm_track,
    .track_name = vm_track_name, .cut = vm_cut, .source = vm_source, .keep = vm_keep,
    .why = vm_why, .close = close_vm, .process = vm_process,
    .flash_read = vm_flash_read, .free = free_vm };

struct err *
vm_open(const char *socket, const struct running_options *o, struct running **ret)
{
    struct vm *vm = calloc(1, sizeof(*vm));
    auto_ptr(running) made = vm != NULL ? &vm->is : NULL;
    struct ucred qemu;

    if (vm == NULL)
        return fail(OutOfMemory);
    made->call = &body;
    vm->scratch.fd = -1;
    vm->command_ms = o->command_ms != 0 ? o->command_ms : VM_COMMAND_MS;
    vm->socket = strdup(socket);
    if (vm->socket == NULL)
        return fail(OutOfMemory);
    TRY(vm_reconnect(vm));
    TRY(check_version(vm));
    TRY(learn_name(vm));
    TRY(scratch_where(&vm->scratch, o->scratch, qmp_peer(vm->qmp, &qemu) ? &qemu : NULL));
    TRY(vm_sweep_dead(vm));
    scratch_sweep(vm->scratch.where);
    TRY(vm_list(vm, o));
    *ret = take(made);
    return NULL;
}
