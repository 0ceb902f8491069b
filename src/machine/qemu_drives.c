/* SPDX-License-Identifier: Apache-2.0 */
/* qemu_drives.c -- -drive, its short forms, and the devices of drives and nodes that are left
 * out. */
#include <stdio.h>
#include <string.h>

#include "codes.h"
#include "machine_internal.h"

/* What a drive says of its device and of how it is served, and not of its image. */
static const char *const stay[] = { "if", "index", "bus", "unit", "media", "id", "node-name",
    "cache", "cache.direct", "cache.no-flush", "cache.writeback", "aio", "discard",
    "detect-zeroes", "werror", "rerror", "readonly", "read-only", "copy-on-read", "serial",
    "group" };

/* Drives by the place that the option is for. */
static const struct {
    const char *option, *drive;
} short_forms[] = {
    { "hda", "index=0,media=disk" },
    { "hdb", "index=1,media=disk" },
    { "hdc", "index=2,media=disk" },
    { "hdd", "index=3,media=disk" },
    { "", "index=0,media=disk" },
    { "pflash", "if=pflash" },
    { "sd", "if=sd" },
    { "mtdblock", "if=mtd" },
};

static struct err *
find_disk(const struct qemu *q, const char *file, const char *id, const char *node,
    struct machine_disk **ret)
{
    for (size_t i = 0; i < q->p->ndisks && *ret == NULL; i++) {
        struct machine_disk *d = &q->p->disks[i];
        bool same = (id != NULL && d->drive != NULL && strcmp(id, d->drive) == 0) ||
                    (node != NULL && d->node != NULL && strcmp(node, d->node) == 0);

        if (!same && file != NULL && d->file != NULL)
            TRY(qemu_same_file(q, file, d->file, &same));
        if (same && !d->used)
            *ret = d;
    }
    return NULL;
}

static bool
stays(const char *key)
{
    for (size_t i = 0; i < sizeof(stay) / sizeof(stay[0]); i++)
        if (strcmp(stay[i], key) == 0)
            return true;
    return strncmp(key, "throttling.", strlen("throttling.")) == 0 ||
           strncmp(key, "bps", 3) == 0 || strncmp(key, "iops", 4) == 0;
}

static struct err *
become(struct qarg *a, const struct qopt *o, struct machine_disk *d)
{
    struct text start = { 0 };
    auto_free char *value = NULL;

    for (size_t i = 0; i < o->n; i++) {
        if (!stays(o->item[i].key))
            continue;
        text_fmt(&start, "%s%s=", start.len > 0 ? "," : "", o->item[i].key);
        qopt_escape(&start, o->item[i].value);
    }
    if (start.s == NULL)
        text_str(&start, "");
    d->used = true;
    struct err *e = start.no_memory ? fail(OutOfMemory)
                                    : qemu_disk_value(start.s, "file", "format", d, &value);
    text_done(&start);
    TRY(e);
    return qarg_set(a, "drive", value);
}

/* A disk that the point does not have; nothing may lead to its image. */
static struct err *
leave_out(struct qemu *q, struct qarg *a, const char *id, const char *file)
{
    a->gone = true;
    if (id != NULL)
        return strings_add(&q->absent, id);
    qemu_warn(q, fail(MachineDiskAbsent, q->p->machine, file));
    return NULL;
}

static struct err *
drive(struct qemu *q, struct qarg *a, const struct qopt *o)
{
    const char *file = qopt_get(o, "file"), *media = qopt_get(o, "media");
    const char *id = qopt_get(o, "id"), *node = qopt_get(o, "node-name");
    struct machine_disk *d = NULL;

    if (file == NULL)
        file = qopt_get(o, "file.filename");
    if (file == NULL)
        return NULL;
    TRY(find_disk(q, file, id, node, &d));
    if (d != NULL)
        return become(a, o, d);
    if ((media != NULL && strcmp(media, "cdrom") == 0) || qopt_is_on(o, "readonly") ||
        qopt_is_on(o, "read-only") || strncmp(file, "null-", 5) == 0)
        return NULL;
    return leave_out(q, a, id, file);
}

static struct err *
short_form(struct qemu *q, struct qarg *a, const char *as)
{
    struct machine_disk *d = NULL;
    auto_free char *value = NULL;

    if (a->value == NULL)
        return NULL;
    TRY(find_disk(q, a->value, NULL, NULL, &d));
    if (d == NULL) /* flash that was not written to is the firmware itself */
        return qarg_is(a, "pflash") ? NULL : leave_out(q, a, NULL, a->value);
    d->used = true;
    TRY(qemu_disk_value(as, "file", "format", d, &value));
    return qarg_set(a, "drive", value);
}

static struct err *
each_drive(struct qemu *q, struct qarg *a)
{
    struct qopt o = { 0 };
    bool is = false;

    for (size_t i = 0; i < sizeof(short_forms) / sizeof(short_forms[0]); i++)
        if (qarg_is(a, short_forms[i].option))
            return short_form(q, a, short_forms[i].drive);
    if (qarg_is(a, "drive"))
        TRY(qemu_parse(a, NULL, &o, &is));
    struct err *e = is ? drive(q, a, &o) : NULL;
    qopt_done(&o);
    return e;
}

/* ---- devices of what is left out ---- */

static struct err *
device(struct qemu *q, struct qarg *a, const struct qopt *o)
{
    const char *is = qopt_get(o, "drive"), *id = qopt_get(o, "id");

    if (is == NULL || !strings_has(&q->absent, is))
        return NULL;
    a->gone = true;
    qemu_warn(q, fail(MachineDiskAbsent, q->p->machine, id != NULL ? id : is));
    return NULL;
}

static struct err *
machine(struct qemu *q, struct qarg *a, struct qopt *o)
{
    static const char *const chips[] = { "pflash0", "pflash1" };

    for (size_t i = 0; i < sizeof(chips) / sizeof(chips[0]); i++) {
        const char *is = qopt_get(o, chips[i]);

        if (is == NULL || !strings_has(&q->absent, is))
            continue;
        qemu_warn(q, fail(MachineDiskAbsent, q->p->machine, is));
        qopt_drop(o, chips[i]);
        TRY(qemu_put(a, o));
    }
    return NULL;
}

static struct err *
each_user(struct qemu *q, struct qarg *a)
{
    struct qopt o = { 0 };
    bool is_device = qarg_is(a, "device"), is = false;
    struct err *e = NULL;

    if (is_device || qarg_is(a, "machine") || qarg_is(a, "M"))
        TRY(qemu_parse(a, is_device ? "driver" : "type", &o, &is));
    if (is)
        e = is_device ? device(q, a, &o) : machine(q, a, &o);
    qopt_done(&o);
    return e;
}

struct err *
qemu_drives(struct qemu *q)
{
    for (size_t i = 0; i < q->args.n; i++)
        TRY(each_drive(q, &q->args.arg[i]));
    for (size_t i = 0; q->absent.n > 0 && i < q->args.n; i++)
        TRY(each_user(q, &q->args.arg[i]));
    return NULL;
}
