/* SPDX-License-Identifier: Apache-2.0 */
/* qemu_names.c -- a machine that is to run beside the one that it was: another name, UUID and
 * network addresses, and no port of the host that the other listens on. */
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "codes.h"
#include "machine_internal.h"

enum { UUID_LEN = 16, MAC_LEN = 6 };

static struct err *
random_bytes(uint8_t *to, size_t len)
{
    if (getrandom(to, len, 0) != (ssize_t)len)
        return fail(SystemCallFailed, "getrandom");
    return NULL;
}

struct err *
machine_new_uuid(char to[MACHINE_UUID_TEXT])
{
    char hex[2 * UUID_LEN + 1];
    uint8_t b[UUID_LEN];

    TRY(random_bytes(b, sizeof(b)));
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    bytes_to_hex(b, sizeof(b), hex);
    snprintf(to, MACHINE_UUID_TEXT, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12,
        hex + 16, hex + 20);
    return NULL;
}

struct err *
machine_new_mac(const char *was, char to[MACHINE_MAC_TEXT])
{
    unsigned maker[3] = { 0x52, 0x54, 0x00 }, own[3];
    uint8_t b[3];
    char end;

    if (was != NULL && sscanf(was, "%2x:%2x:%2x:%2x:%2x:%2x%c", &maker[0], &maker[1],
                           &maker[2], &own[0], &own[1], &own[2], &end) != MAC_LEN) {
        maker[0] = 0x52;
        maker[1] = 0x54;
        maker[2] = 0x00;
    }
    TRY(random_bytes(b, sizeof(b)));
    snprintf(to, MACHINE_MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", maker[0] & 0xff,
        maker[1] & 0xff, maker[2] & 0xff, b[0], b[1], b[2]);
    return NULL;
}

static struct err *
give_mac(struct qemu *q, struct qarg *a, struct qopt *o, const char *key)
{
    const char *was = qopt_get(o, key), *id = qopt_get(o, "id");
    char mac[MACHINE_MAC_TEXT];

    TRY(machine_new_mac(was, mac));
    qemu_changed(q, "the network address of %s%s%s is %s", id != NULL ? id : a->option,
        was != NULL ? ", was " : "", was != NULL ? was : "", mac);
    return qopt_set(o, key, mac);
}

static struct err *
device(struct qemu *q, struct qarg *a, struct qopt *o, bool *ret)
{
    if (qopt_get(o, "netdev") == NULL && qopt_get(o, "mac") == NULL)
        return NULL;
    *ret = true;
    return give_mac(q, a, o, "mac");
}

/* Ports that lead into the guest are the other machine's. */
static struct err *
network(struct qemu *q, struct qarg *a, struct qopt *o, bool *ret)
{
    const char *type = qopt_get(o, "type");

    for (const char *port; (port = qopt_get(o, "hostfwd")) != NULL; *ret = true) {
        qemu_changed(q, "no port of the host leads into the guest, was %s", port);
        qopt_drop(o, "hostfwd");
    }
    if (type == NULL || strcmp(type, "none") == 0 || qarg_is(a, "netdev"))
        return NULL;
    *ret = true;
    return give_mac(q, a, o, qarg_is(a, "nic") ? "mac" : "macaddr");
}

static struct err *
name(struct qemu *q, struct qopt *o, bool *ret)
{
    const char *was = qopt_get(o, "guest");

    qemu_changed(q, "the name is %s%s%s", q->p->name, was != NULL ? ", was " : "",
        was != NULL ? was : "");
    *ret = true;
    return qopt_set(o, "guest", q->p->name);
}

static struct err *
firmware(struct qopt *o, const char *uuid, bool *ret)
{
    if (qopt_get(o, "uuid") == NULL)
        return NULL;
    *ret = true;
    return qopt_set(o, "uuid", uuid);
}

static struct err *
each(struct qemu *q, struct qarg *a, const char *uuid)
{
    static const char *const options[][2] = { { "name", "guest" }, { "device", "driver" },
        { "netdev", "type" }, { "nic", "type" }, { "net", "type" }, { "smbios", NULL } };
    struct err *e = NULL;
    struct qopt o = { 0 };
    bool is = false, changed = false;
    size_t i = 0;

    while (i < sizeof(options) / sizeof(options[0]) && !qarg_is(a, options[i][0]))
        i++;
    if (i == sizeof(options) / sizeof(options[0]))
        return NULL;
    TRY(qemu_parse(a, options[i][1], &o, &is));
    if (is && i == 0)
        e = name(q, &o, &changed);
    else if (is && i == 1)
        e = device(q, a, &o, &changed);
    else if (is && i == 5)
        e = firmware(&o, uuid, &changed);
    else if (is)
        e = network(q, a, &o, &changed);
    if (e == NULL && changed)
        e = qemu_put(a, &o);
    qopt_done(&o);
    return e;
}

static struct err *
new_name(struct qemu *q)
{
    struct text t = { 0 };

    for (size_t i = 0; i < q->args.n; i++)
        if (qarg_is(&q->args.arg[i], "name"))
            return NULL;
    text_str(&t, "guest=");
    qopt_escape(&t, q->p->name);
    struct err *e = t.no_memory ? fail(OutOfMemory) : qargs_add(&q->args, "name", t.s);
    text_done(&t);
    qemu_changed(q, "the name is %s", q->p->name);
    return e;
}

/* A guest that was put back in time is told so. */
static struct err *
new_generation(struct qemu *q, struct qarg *a)
{
    struct qopt o = { 0 };
    bool is = false;
    struct err *e = NULL;

    TRY(qemu_parse(a, "driver", &o, &is));
    const char *driver = is ? qopt_get(&o, "driver") : NULL;
    if (driver != NULL && strcmp(driver, "vmgenid") == 0) {
        e = qopt_set(&o, "guid", "auto");
        if (e == NULL)
            e = qemu_put(a, &o);
        qemu_changed(q, "the generation id is new");
    }
    qopt_done(&o);
    return e;
}

struct err *
qemu_names(struct qemu *q)
{
    char uuid[MACHINE_UUID_TEXT];

    for (size_t i = 0; i < q->args.n; i++)
        if (qarg_is(&q->args.arg[i], "device"))
            TRY(new_generation(q, &q->args.arg[i]));
    if (q->p->name == NULL)
        return NULL;
    TRY(machine_new_uuid(uuid));
    for (size_t i = 0; i < q->args.n; i++) {
        struct qarg *a = &q->args.arg[i];

        TRY(each(q, a, uuid));
        if (!qarg_is(a, "uuid"))
            continue;
        qemu_changed(q, "the UUID is %s, was %s", uuid, a->value != NULL ? a->value : "");
        TRY(qarg_set(a, "uuid", uuid));
    }
    return new_name(q);
}
