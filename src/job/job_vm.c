/* SPDX-License-Identifier: Apache-2.0 */
/* job_vm.c -- a running machine, from its monitor to a listed point.
 *
 * The vault is opened first, and a passphrase asked for, so that nothing waits for a person
 * once the machine has been touched.  However the copy ends, the machine is left as it was
 * found: what could not be taken out of it is a warning when the point is there, and goes
 * beside the failure when it is not. */
#include <stdio.h>
#include <string.h>

#include "backup.h"
#include "codes.h"
#include "job_guest.h"
#include "job_vm.h"
#include "source.h"
#include "vm.h"

enum { CUT_MS = 10 * 1000 };

static const char scheme[] = "qmp:", agent[] = ",qga=";

/* A list of names as it was given, "vda,vdb". */
struct names {
    char *text;
    const char *name[VM_DISKS_MAX];
    size_t n;
};

struct vm_backup {
    const struct job *j;
    const struct job_backup *o;
    char *monitor;
    const char *agent; /* within monitor; NULL: none */
    struct names only, except;
    struct vm *vm;
    struct backup_disk *disks;
    size_t ndisks;
};

bool
job_vm_is(const char *source)
{
    return strncmp(source, scheme, strlen(scheme)) == 0;
}

/* ---- what was asked for ---- */

static struct err *
parse_source(struct vm_backup *b, const char *source)
{
    b->monitor = strdup(source + strlen(scheme));
    if (b->monitor == NULL)
        return fail(OutOfMemory);
    char *rest = strstr(b->monitor, agent);
    if (rest != NULL) {
        *rest = '\0';
        b->agent = rest + strlen(agent);
    }
    if (b->monitor[0] == '\0' || (b->agent != NULL && b->agent[0] == '\0'))
        return fail(UsageWrong, "a running machine is qmp:SOCKET or qmp:SOCKET,qga=SOCKET");
    return NULL;
}

static struct err *
parse_names(const char *list, struct names *ret)
{
    char *rest, *name;

    if (list == NULL)
        return NULL;
    ret->text = strdup(list);
    if (ret->text == NULL)
        return fail(OutOfMemory);
    rest = ret->text;
    while ((name = strsep(&rest, ",")) != NULL) {
        if (name[0] == '\0' || ret->n == VM_DISKS_MAX)
            return fail(UsageWrong, "--disk and --exclude-disk take names of disks, with "
                                    "commas between them");
        ret->name[ret->n++] = name;
    }
    return NULL;
}

static struct err *
check_usage(const struct job_backup *o)
{
    if (o->nsources != 1)
        return fail(UsageWrong, "a running machine is a recovery point of its own: give it as "
                                "the only SOURCE");
    if (o->changed != NULL)
        return fail(UsageWrong, "--changed lists the blocks of a file or a device; a running "
                                "machine knows itself what changed");
    if (o->format != NULL)
        return fail(UsageWrong, "--format is for files; a running machine knows the formats of "
                                "its disks");
    return NULL;
}

/* ---- the copy ---- */

static struct err *
machine_name(const struct vm_backup *b, const char **ret)
{
    *ret = b->o->machine != NULL ? b->o->machine : vm_name(b->vm);
    if (*ret == NULL)
        return fail(UsageWrong, "QEMU was started without -name, so the machine needs one: "
                                "--machine NAME");
    return NULL;
}

static struct err *
open_disks(struct vm_backup *b, unsigned lanes)
{
    size_t n = vm_ndisks(b->vm);

    b->disks = calloc(n, sizeof(*b->disks));
    if (b->disks == NULL)
        return fail(OutOfMemory);
    for (; b->ndisks < n; b->ndisks++) {
        const struct vm_disk *from = vm_disk(b->vm, b->ndisks);
        struct backup_disk *to = &b->disks[b->ndisks];

        TRY(vm_source(b->vm, b->ndisks, lanes, &to->source));
        to->spec = from->device;
        to->name = strdup(from->name);
        if (to->name == NULL) {
            source_free(to->source);
            return fail(OutOfMemory);
        }
    }
    return NULL;
}

static void
close_disks(struct vm_backup *b)
{
    for (size_t i = 0; i < b->ndisks; i++) {
        source_free(b->disks[i].source);
        free(b->disks[i].name);
    }
    free(b->disks);
    b->disks = NULL;
    b->ndisks = 0;
}

static struct err *
copy(struct vm_backup *b, struct vault *v, const char *machine, struct vault_point **ret)
{
    const struct job *j = b->j;
    struct backup_options options = { .machine = machine, .reread = b->o->reread,
        .progress = j->progress, .warn = j->warn, .arg = j->arg };
    int64_t cut_ns;

    TRY(vm_prepare(b->vm));
    TRY(vm_cut(b->vm, deadline_in_ms(CUT_MS), &cut_ns));
    TRY(open_disks(b, vault_lanes(v) - 1));
    return backup_run(v, b->disks, b->ndisks, &options, ret);
}

/* The point is there, or ${e}; either way the machine gets everything back. */
static struct err *
leave(struct vm_backup *b, struct err *e)
{
    if (e != NULL)
        e = vm_why(b->vm, e);
    close_disks(b);
    struct err *left = vm_close(b->vm);
    if (left == NULL || e != NULL)
        return err_also(e, left);
    if (b->j->warn != NULL)
        b->j->warn(b->j->arg, left);
    else
        err_free(left);
    return NULL;
}

static struct err *
run(struct vm_backup *b, struct vault_point **ret)
{
    struct vm_options options = { .scratch = b->o->scratch };
    auto_ptr(vault) v = NULL;
    const char *machine;

    TRY(check_usage(b->o));
    TRY(parse_source(b, b->o->sources[0]));
    TRY(parse_names(b->o->disks, &b->only));
    TRY(parse_names(b->o->except_disks, &b->except));
    TRY(job_open(b->j, &v));
    if ((vault_can(v) & VAULT_CAN_WRITE) == 0)
        return fail(KeyCannotWrite);
    options.only = b->only.name;
    options.nonly = b->only.n;
    options.except = b->except.name;
    options.nexcept = b->except.n;
    TRY(vm_open(b->monitor, &options, &b->vm));
    TRY(machine_name(b, &machine));
    if (b->o->guest != NULL)
        TRY(job_guest_prepare(b->j, b->o->guest, machine));
    return leave(b, copy(b, v, machine, ret));
}

struct err *
job_vm_backup(const struct job *j, const struct job_backup *o, struct vault_point **ret)
{
    struct vm_backup b = { .j = j, .o = o };
    struct err *e = run(&b, ret);

    close_disks(&b);
    vm_free(b.vm);
    free(b.only.text);
    free(b.except.text);
    free(b.monitor);
    return e;
}
