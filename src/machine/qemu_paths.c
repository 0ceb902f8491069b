/* SPDX-License-Identifier: Apache-2.0 */
/* qemu_paths.c -- what the arguments name beside disks: files that QEMU reads, which are named
 * from the root from here on; sockets, logs and the like that it makes, which go into the
 * machine's folder; and what belongs to the host. */
#include <stdio.h>
#include <string.h>

#include "codes.h"
#include "machine_internal.h"

enum { TWINS_MAX = 100 }; /* names that are tried for one file */

enum how {
    NEEDED,   /* a file that must be there */
    SEARCHED, /* one that QEMU also looks for among its own */
    MADE      /* one that QEMU makes */
};

struct rule {
    const char *option, *key; /* key NULL: the whole value */
    enum how how;
};
static const struct rule rules[] = {
    { "kernel", NULL, NEEDED }, { "initrd", NULL, NEEDED }, { "dtb", NULL, NEEDED },
    { "cdrom", NULL, NEEDED }, { "fda", NULL, NEEDED }, { "fdb", NULL, NEEDED },
    { "pflash", NULL, NEEDED }, { "readconfig", NULL, NEEDED }, { "bios", NULL, SEARCHED },
    { "L", NULL, SEARCHED }, { "pidfile", NULL, MADE }, { "D", NULL, MADE },
    { "fw_cfg", "file", NEEDED }, { "smbios", "file", NEEDED }, { "fsdev", "path", NEEDED },
    { "virtfs", "path", NEEDED }, { "object", "filename", NEEDED },
    { "object", "file", NEEDED }, { "object", "dir", NEEDED },
    { "device", "romfile", SEARCHED }, { "device", "file", NEEDED },
    { "tpmdev", "path", NEEDED }, { "drive", "file", NEEDED },
    { "drive", "file.filename", NEEDED },
    { "blockdev", "filename", NEEDED }, { "blockdev", "file.filename", NEEDED },
    { "chardev", "logfile", MADE },
};

static const char *const channels[] = { "qmp", "qmp-pretty", "monitor", "serial", "parallel",
    "debugcon", "gdb", "vnc" };

/* ---- files ---- */

struct err *
qemu_absolute(const struct qemu *q, const char *path, char **ret)
{
    if (strncmp(path, "file:", 5) == 0)
        path += 5;
    if (path[0] == '/' || q->p->was == NULL)
        *ret = strdup(path);
    else if (asprintf(ret, "%s/%s", q->p->was, path) < 0)
        *ret = NULL;
    return *ret != NULL ? NULL : fail(OutOfMemory);
}

struct err *
qemu_same_file(const struct qemu *q, const char *a, const char *b, bool *ret)
{
    auto_free char *one = NULL, *two = NULL;

    TRY(qemu_absolute(q, a, &one));
    TRY(qemu_absolute(q, b, &two));
    *ret = strcmp(one, two) == 0;
    return NULL;
}

/* Is it no file, but an address that QEMU connects to? */
static bool
is_address(const char *path)
{
    size_t scheme = strspn(path, "abcdefghijklmnopqrstuvwxyz+-0123456789");

    return (scheme > 0 && path[scheme] == ':' && strncmp(path, "file:", 5) != 0) ||
           path[0] == '\0';
}

static struct err *
needed(struct qemu *q, const struct qarg *a, const char *path, bool searched, char **ret)
{
    auto_free char *absolute = NULL;

    if (is_address(path))
        return NULL;
    TRY(qemu_absolute(q, path, &absolute));
    bool there = access(absolute, F_OK) == 0;
    if (!there && searched)
        return NULL;
    if (!there)
        qemu_warn(q, fail(MachinePathMissing, q->p->machine, a->option, absolute));
    if (strcmp(absolute, path) != 0)
        *ret = take(absolute);
    return NULL;
}

static bool
is_disk_of(const struct machine_plan *p, const char *path)
{
    for (size_t i = 0; i < p->ndisks; i++)
        if (strcmp(p->disks[i].path, path) == 0)
            return true;
    return false;
}

struct err *
qemu_made(struct qemu *q, const char *path, char **ret)
{
    static const char *const ours[] = { "machine.sh", "machine.args", "machine.xml" };
    const char *slash = strrchr(path, '/'), *base = slash != NULL ? slash + 1 : path;
    bool taken = false;

    for (size_t i = 0; i < q->was.n; i++)
        if (strcmp(q->was.s[i], path) == 0) {
            *ret = strdup(q->made.s[i]);
            return *ret != NULL ? NULL : fail(OutOfMemory);
        }
    if (base[0] == '\0' || strcmp(base, ".") == 0 || strcmp(base, "..") == 0)
        base = "file";
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
        taken = taken || strcmp(base, ours[i]) == 0;
    for (size_t k = q->made.n + 1; *ret == NULL; k++) {
        int n = !taken ? asprintf(ret, "%s/%s", q->p->folder, base)
                       : asprintf(ret, "%s/%s-%zu", q->p->folder, base, k);

        if (n < 0) {
            *ret = NULL;
            return fail(OutOfMemory);
        }
        if (k > q->made.n + TWINS_MAX)
            return fail(DefinitionUnclear, q->p->machine, "too many files of it have one name");
        if (!is_disk_of(q->p, *ret) && !strings_has(&q->made, *ret))
            break;
        taken = true;
        free(*ret);
        *ret = NULL;
    }
    TRY(strings_add(&q->was, path));
    return strings_add(&q->made, *ret);
}

static struct err *
place(struct qemu *q, const struct qarg *a, const char *path, enum how how, char **ret)
{
    if (how == MADE)
        return qemu_made(q, path, ret);
    return needed(q, a, path, how == SEARCHED, ret);
}

/* ---- channels ---- */

/* "unix:PATH,server=on", "file:PATH", "pipe:PATH". */
static struct err *
channel(struct qemu *q, struct qarg *a)
{
    static const char *const kinds[] = { "unix:", "file:", "pipe:" };
    auto_free char *path = NULL, *to = NULL;
    struct text t = { 0 };
    size_t k = 0, skip, len;

    while (k < 3 && strncmp(a->value, kinds[k], 5) != 0)
        k++;
    if (k == 3) {
        if (q->p->name != NULL && (strncmp(a->value, "tcp:", 4) == 0 ||
                                      strncmp(a->value, "telnet:", 7) == 0 ||
                                      (qarg_is(a, "vnc") && strcmp(a->value, "none") != 0))) {
            auto_free char *words = qemu_words(a);
            qemu_warn(q, fail(MachinePortShared, q->p->machine, words));
        }
        return NULL;
    }
    skip = strlen(kinds[k]);
    len = k == 1 ? strlen(a->value + skip) : strcspn(a->value + skip, ",");
    path = strndup(a->value + skip, len);
    if (path == NULL)
        return fail(OutOfMemory);
    TRY(qemu_made(q, path, &to));
    text_str(&t, kinds[k]);
    if (k == 1)
        text_str(&t, to);
    else
        qopt_escape(&t, to);
    text_str(&t, a->value + skip + len);
    struct err *e = t.no_memory ? fail(OutOfMemory) : qarg_set(a, a->option, t.s);
    text_done(&t);
    return e;
}

/* A socket that QEMU listens at is made; one that it connects to is somebody's. */
static struct err *
chardev(struct qemu *q, struct qarg *a, struct qopt *o, bool *ret)
{
    const char *backend = qopt_get(o, "backend"), *path = qopt_get(o, "path");
    auto_free char *to = NULL;

    if (backend == NULL)
        return NULL;
    bool server = qopt_is_on(o, "server");
    if (q->p->name != NULL && qopt_get(o, "port") != NULL && server) {
        auto_free char *words = qemu_words(a);
        qemu_warn(q, fail(MachinePortShared, q->p->machine, words));
    }
    if (path == NULL)
        return NULL;
    bool makes = strcmp(backend, "file") == 0 || strcmp(backend, "pipe") == 0 ||
                 (strcmp(backend, "socket") == 0 && server);
    TRY(place(q, a, path, makes ? MADE : NEEDED, &to));
    if (to == NULL)
        return NULL;
    *ret = true;
    return qopt_set(o, "path", to);
}

/* ---- the host ---- */

static bool
is_of_host(const struct qarg *a, const struct qopt *o)
{
    const char *driver = qopt_get(o, "driver"), *type = qopt_get(o, "type");

    for (size_t i = 0; i < o->n; i++)
        if (strcmp(o->item[i].key, "fd") == 0 || strcmp(o->item[i].key, "fds") == 0 ||
            strcmp(o->item[i].key, "vhostfd") == 0 || strcmp(o->item[i].key, "vhostfds") == 0)
            return true;
    if (qarg_is(a, "device"))
        return driver != NULL && (strncmp(driver, "vfio-", 5) == 0 ||
                                     strcmp(driver, "usb-host") == 0 ||
                                     strcmp(driver, "scsi-generic") == 0);
    if (qarg_is(a, "netdev") || qarg_is(a, "nic"))
        return type != NULL && (strcmp(type, "tap") == 0 || strcmp(type, "bridge") == 0 ||
                                   strncmp(type, "vhost-", 6) == 0);
    return false;
}

/* ---- each option ---- */

static const char *
implied_of(const struct qarg *a)
{
    static const char *const keys[][2] = { { "device", "driver" }, { "netdev", "type" },
        { "nic", "type" }, { "chardev", "backend" }, { "object", "qom-type" },
        { "fw_cfg", "name" }, { "fsdev", "fsdriver" }, { "virtfs", "fsdriver" },
        { "tpmdev", "type" }, { "blockdev", "driver" } };

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (qarg_is(a, keys[i][0]))
            return keys[i][1];
    return NULL;
}

static struct err *
by_rules(struct qemu *q, struct qarg *a, struct qopt *o, bool *ret)
{
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        const char *path = rules[i].key != NULL && qarg_is(a, rules[i].option) ?
                               qopt_get(o, rules[i].key) : NULL;
        auto_free char *to = NULL;

        if (path == NULL || is_disk_of(q->p, path))
            continue;
        TRY(place(q, a, path, rules[i].how, &to));
        if (to == NULL)
            continue;
        TRY(qopt_set(o, rules[i].key, to));
        *ret = true;
    }
    return NULL;
}

static struct err *
parts(struct qemu *q, struct qarg *a, struct qopt *o)
{
    bool changed = false;

    if (is_of_host(a, o)) {
        auto_free char *words = qemu_words(a);
        qemu_warn(q, fail(MachinePartOfHost, q->p->machine, words));
    }
    TRY(by_rules(q, a, o, &changed));
    if (qarg_is(a, "chardev"))
        TRY(chardev(q, a, o, &changed));
    return changed ? qemu_put(a, o) : NULL;
}

static struct err *
whole(struct qemu *q, struct qarg *a, bool *ret)
{
    for (size_t i = 0; i < sizeof(channels) / sizeof(channels[0]); i++)
        if (qarg_is(a, channels[i])) {
            *ret = true;
            return channel(q, a);
        }
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        auto_free char *to = NULL;

        if (rules[i].key != NULL || !qarg_is(a, rules[i].option))
            continue;
        *ret = true;
        TRY(place(q, a, a->value, rules[i].how, &to));
        return to != NULL ? qarg_set(a, a->option, to) : NULL;
    }
    return NULL;
}

struct err *
qemu_paths(struct qemu *q)
{
    for (size_t i = 0; i < q->args.n; i++) {
        struct qarg *a = &q->args.arg[i];
        struct qopt o = { 0 };
        bool done = false, is = false;

        if (a->gone || a->value == NULL)
            continue;
        TRY(whole(q, a, &done));
        if (done || qarg_is(a, "append"))
            continue;
        TRY(qemu_parse(a, implied_of(a), &o, &is));
        struct err *e = is ? parts(q, a, &o) : NULL;
        qopt_done(&o);
        TRY(e);
    }
    return NULL;
}
