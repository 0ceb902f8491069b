/* SPDX-License-Identifier: Apache-2.0 */
/* qemu.c -- the arguments of a QEMU, for restored disks.
 *
 * Block nodes are replaced whole, from the node that the guest's device uses down to the file:
 * the restored disk has no backing file, perhaps another format, and must by no means lead to
 * an image of the old machine.  What is not understood stays as it was. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "codes.h"
#include "machine_internal.h"
#include "proc.h"

enum { WORDS_MAX = 400 };

struct err *
strings_add(struct strings *l, const char *s)
{
    char **more = realloc(l->s, (l->n + 1) * sizeof(*more));

    if (more == NULL)
        return fail(OutOfMemory);
    l->s = more;
    more[l->n] = strdup(s);
    return more[l->n++] != NULL ? NULL : fail(OutOfMemory);
}

bool
strings_has(const struct strings *l, const char *s)
{
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->s[i], s) == 0)
            return true;
    return false;
}

void
strings_done(struct strings *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->s[i]);
    free(l->s);
}

void
qemu_changed(const struct qemu *q, const char *format, ...)
{
    struct text t = { 0 };
    va_list args;
    char *raw;

    va_start(args, format);
    if (vasprintf(&raw, format, args) < 0)
        raw = NULL;
    va_end(args);
    if (raw != NULL)
        text_inline(&t, raw);
    if (q->p->changed != NULL)
        q->p->changed(q->p->arg, t.no_memory ? NULL : t.s);
    text_done(&t);
    free(raw);
}

void
qemu_warn(const struct qemu *q, struct err *e)
{
    if (q->p->warn != NULL)
        q->p->warn(q->p->arg, e);
    else
        err_free(e);
}

char *
qemu_words(const struct qarg *a)
{
    struct text t = { 0 };

    text_fmt(&t, "%s%s%s%.*s", a->option[0] != '\0' ? "-" : "", a->option,
        a->value != NULL ? " " : "", WORDS_MAX, a->value != NULL ? a->value : "");
    return t.s;
}

struct err *
qemu_parse(const struct qarg *a, const char *implied, struct qopt *ret, bool *ret_is)
{
    *ret_is = false;
    return a->value != NULL ? qopt_parse(a->value, implied, ret, ret_is) : NULL;
}

struct err *
qemu_put(struct qarg *a, const struct qopt *o)
{
    struct text t = { 0 };

    qopt_print(o, &t);
    if (t.no_memory) {
        text_done(&t);
        return fail(OutOfMemory);
    }
    free(a->value);
    a->value = t.s != NULL ? t.s : strdup("");
    return a->value != NULL ? NULL : fail(OutOfMemory);
}

/* What belongs to one run alone, and what is another run's state. */
static void
drop_states(struct qemu *q)
{
    static const char *const states[] = { "incoming", "loadvm", "writeconfig" };

    for (size_t i = 0; i < q->args.n; i++)
        for (size_t k = 0; k < sizeof(states) / sizeof(states[0]); k++)
            if (qarg_is(&q->args.arg[i], states[k])) {
                q->args.arg[i].gone = true;
                qemu_changed(q, "-%s was left out", states[k]);
            }
}

void
machine_warn_of_unused(struct qemu *q)
{
    for (size_t i = 0; i < q->p->ndisks; i++)
        if (!q->p->disks[i].used)
            qemu_warn(q, fail(MachineDiskUnused, q->p->machine, q->p->disks[i].name,
                             q->p->disks[i].path));
}

/* Found by its name, or where it was. */
static struct err *
program(struct qemu *q)
{
    auto_free char *found = NULL, *absolute = NULL;

    if (strchr(q->args.program, '/') != NULL && q->args.program[0] != '/') {
        TRY(qemu_absolute(q, q->args.program, &absolute));
        free(q->args.program);
        q->args.program = take(absolute);
    }
    TRY(proc_find(q->args.program, &found));
    if (found == NULL || access(found, X_OK) != 0)
        qemu_warn(q, fail(MachinePathMissing, q->p->machine, "program", q->args.program));
    return NULL;
}

static struct err *
rewrite(struct qemu *q)
{
    TRY(program(q));
    for (size_t i = 0; i < q->p->ndisks; i++)
        q->p->disks[i].used = false;
    drop_states(q);
    TRY(qemu_blocks(q));
    TRY(qemu_drives(q));
    TRY(qemu_paths(q));
    TRY(qemu_names(q));
    machine_warn_of_unused(q);
    return NULL;
}

struct err *
machine_of_qemu(struct view args, const struct machine_plan *p, struct text *ret)
{
    struct qemu q = { .p = p };
    struct err *e = qargs_parse(args, p->machine, &q.args);

    if (e == NULL)
        e = rewrite(&q);
    if (e == NULL) {
        qargs_print(&q.args, ret);
        e = ret->no_memory ? fail(OutOfMemory) : NULL;
    }
    qargs_done(&q.args);
    strings_done(&q.absent);
    strings_done(&q.made);
    strings_done(&q.was);
    return e;
}
