/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "codes.h"
#include "machine_plan.h"
#include "qargs.h"

/* Of QEMU 5 to 9. */
static const char *const alone[] = { "S", "s", "daemonize", "nographic", "enable-kvm",
    "no-reboot", "no-shutdown", "nodefaults", "no-user-config", "nodefconfig", "snapshot",
    "no-acpi", "no-hpet", "usb", "version", "h", "help", "full-screen", "alt-grab",
    "ctrl-grab", "no-quit", "no-frame", "sdl", "curses", "portrait", "no-fd-bootchk",
    "win2k-hack", "only-migratable", "singlestep", "one-insn-per-tb", "semihosting",
    "old-param", "enable-sync-profile", "xen-attach", "xen-domid-restrict", "mem-prealloc",
    "preconfig", "perfmap", "jitdump", "enable-fips" };

static bool
is_alone(const char *option)
{
    for (size_t i = 0; i < sizeof(alone) / sizeof(alone[0]); i++)
        if (strcmp(alone[i], option) == 0)
            return true;
    return false;
}

bool
qarg_is(const struct qarg *a, const char *option)
{
    return !a->gone && strcmp(a->option, option) == 0;
}

struct err *
qarg_set(struct qarg *a, const char *option, const char *value)
{
    char *name = strdup(option), *copy = strdup(value);

    if (name == NULL || copy == NULL) {
        free(name);
        free(copy);
        return fail(OutOfMemory);
    }
    free(a->option);
    free(a->value);
    a->option = name;
    a->value = copy;
    return NULL;
}

/* ${value} may be NULL. */
static struct err *
append(struct qargs *q, const char *option, const char *value)
{
    struct qarg *more = realloc(q->arg, (q->n + 1) * sizeof(*more));

    if (more == NULL)
        return fail(OutOfMemory);
    q->arg = more;
    more[q->n] = (struct qarg){ .option = strdup(option) };
    if (value != NULL)
        more[q->n].value = strdup(value);
    q->n++;
    return more[q->n - 1].option == NULL || (value != NULL && more[q->n - 1].value == NULL) ?
               fail(OutOfMemory) : NULL;
}

struct err *
qargs_add(struct qargs *q, const char *option, const char *value)
{
    return append(q, option, value);
}

static struct err *
parse(const char *at, const char *end, const char *machine, struct qargs *q)
{
    q->program = strdup(at);
    if (q->program == NULL)
        return fail(OutOfMemory);
    for (at += strlen(at) + 1; at < end; at += strlen(at) + 1) {
        if (q->n == MACHINE_ARGS_MAX)
            return fail(DefinitionUnclear, machine, "QEMU has more than 8192 arguments");
        if (at[0] != '-') {
            TRY(append(q, "", at));
            continue;
        }
        const char *option = at + 1 + (at[1] == '-'), *next = at + strlen(at) + 1;
        bool has = next < end && !is_alone(option);

        TRY(append(q, option, has ? next : NULL));
        if (has)
            at = next;
    }
    return NULL;
}

struct err *
qargs_parse(struct view args, const char *machine, struct qargs *ret)
{
    const char *text = (const char *)args.data;
    struct qargs q = { 0 };

    if (args.len > MACHINE_LEN_MAX)
        return fail(DefinitionUnclear, machine, "QEMU's arguments are longer than 1 MiB");
    if (args.len < 2 || text[args.len - 1] != '\0' || text[0] == '\0')
        return fail(DefinitionUnclear, machine, "what is kept are no arguments of a program");
    struct err *e = parse(text, text + args.len, machine, &q);
    if (e == NULL)
        *ret = q;
    else
        qargs_done(&q);
    return e;
}

void
qargs_print(const struct qargs *q, struct text *to)
{
    text_add(to, q->program, strlen(q->program) + 1);
    for (size_t i = 0; i < q->n; i++) {
        const struct qarg *a = &q->arg[i];

        if (a->gone)
            continue;
        if (a->option[0] != '\0') {
            text_str(to, "-");
            text_add(to, a->option, strlen(a->option) + 1);
        }
        if (a->value != NULL)
            text_add(to, a->value, strlen(a->value) + 1);
    }
}

void
qargs_done(struct qargs *q)
{
    for (size_t i = 0; i < q->n; i++) {
        free(q->arg[i].option);
        free(q->arg[i].value);
    }
    free(q->arg);
    free(q->program);
    *q = (struct qargs){ 0 };
}
