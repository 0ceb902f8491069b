/* SPDX-License-Identifier: Apache-2.0 */
/* virt_xml.c -- libvirt's XML of a domain, for restored disks.
 *
 * A disk that the point has gets its source anew, whatever it was; one that can be written to
 * and that the point does not have is taken out, since it would be the old domain's.  The XML
 * is read without a document type, so that nothing in it stands for something else. */
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <stdio.h>
#include <string.h>

#include "codes.h"
#include "machine_internal.h"

static bool
is(const xmlNode *n, const char *name)
{
    return n->type == XML_ELEMENT_NODE && strcmp((const char *)n->name, name) == 0;
}

/* The first of its children of that name; NULL: none. */
static xmlNode *
child(const xmlNode *n, const char *name)
{
    for (xmlNode *c = n->children; c != NULL; c = c->next)
        if (is(c, name))
            return c;
    return NULL;
}

/* "" when there is none; to be freed by xmlFree. */
static char *
attribute(const xmlNode *n, const char *name)
{
    xmlChar *value = n != NULL ? xmlGetNoNsProp(n, (const xmlChar *)name) : NULL;

    return (char *)(value != NULL ? value : xmlStrdup((const xmlChar *)""));
}

static void
set_attribute(xmlNode *n, const char *name, const char *value)
{
    (void)xmlUnsetProp(n, (const xmlChar *)name);
    (void)xmlNewProp(n, (const xmlChar *)name, (const xmlChar *)value);
}

static void
set_text(xmlNode *n, const char *text)
{
    xmlNodeSetContent(n, (const xmlChar *)"");
    (void)xmlNodeAddContent(n, (const xmlChar *)text);
}

static void
take_out(xmlNode *n)
{
    xmlUnlinkNode(n);
    xmlFreeNode(n);
}

static void
take_out_children(xmlNode *n, const char *name)
{
    for (xmlNode *c; (c = child(n, name)) != NULL;)
        take_out(c);
}

static void
check_path(struct qemu *q, const char *what, const char *path)
{
    if (path[0] == '/' && access(path, F_OK) != 0)
        qemu_warn(q, fail(MachinePathMissing, q->p->machine, what, path));
}

/* ---- disks ---- */

static struct machine_disk *
find_disk(const struct qemu *q, const char *target, const char *file, const char *dev)
{
    for (size_t i = 0; i < q->p->ndisks; i++) {
        struct machine_disk *d = &q->p->disks[i];
        bool same = (d->drive != NULL && strcmp(d->drive, target) == 0) ||
                    (d->drive == NULL && strcmp(d->name, target) == 0) ||
                    (d->file != NULL && d->file[0] != '\0' &&
                        (strcmp(d->file, file) == 0 || strcmp(d->file, dev) == 0));

        if (same && !d->flash && !d->used)
            return d;
    }
    return NULL;
}

static void
become(xmlNode *disk, struct machine_disk *d)
{
    xmlNode *driver = child(disk, "driver"), *source;

    take_out_children(disk, "source");
    take_out_children(disk, "backingStore");
    take_out_children(disk, "mirror");
    take_out_children(disk, "auth"); /* the old place of both; the copy is no secret's */
    take_out_children(disk, "encryption");
    set_attribute(disk, "type", "file");
    source = xmlNewChild(disk, NULL, (const xmlChar *)"source", NULL);
    if (source != NULL)
        set_attribute(source, "file", d->path);
    if (driver == NULL)
        driver = xmlNewChild(disk, NULL, (const xmlChar *)"driver", NULL);
    if (driver != NULL) {
        set_attribute(driver, "name", "qemu");
        set_attribute(driver, "type", d->format);
    }
    d->used = true;
}

static void
disk(struct qemu *q, xmlNode *n)
{
    char *device = attribute(n, "device"), *target = attribute(child(n, "target"), "dev");
    char *file = attribute(child(n, "source"), "file");
    char *dev = attribute(child(n, "source"), "dev");
    struct machine_disk *d = find_disk(q, target, file, dev);

    if (d != NULL) {
        become(n, d);
    } else if (strcmp(device, "cdrom") == 0 || strcmp(device, "floppy") == 0 ||
               child(n, "readonly") != NULL) {
        check_path(q, target, file);
    } else if (child(n, "source") != NULL) {
        qemu_warn(q, fail(MachineDiskAbsent, q->p->machine, target));
        take_out(n);
    }
    xmlFree(device);
    xmlFree(target);
    xmlFree(file);
    xmlFree(dev);
}

/* ---- firmware and kernel ---- */

static void
nvram(struct qemu *q, xmlNode *n)
{
    for (size_t i = 0; i < q->p->ndisks; i++) {
        struct machine_disk *d = &q->p->disks[i];

        if (!d->flash || d->used)
            continue;
        (void)xmlUnsetProp(n, (const xmlChar *)"type");
        (void)xmlUnsetProp(n, (const xmlChar *)"format");
        set_text(n, d->path);
        d->used = true;
        return;
    }
    qemu_warn(q, fail(MachineDiskAbsent, q->p->machine, "nvram"));
    take_out(n);
}

static void
system_part(struct qemu *q, xmlNode *os)
{
    static const char *const files[] = { "loader", "kernel", "initrd", "dtb" };
    xmlNode *vars = child(os, "nvram");

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        xmlNode *n = child(os, files[i]);
        xmlChar *path = n != NULL ? xmlNodeGetContent(n) : NULL;

        if (path != NULL)
            check_path(q, files[i], (const char *)path);
        xmlFree(path);
    }
    if (vars != NULL)
        nvram(q, vars);
}

/* ---- devices ---- */

static struct err *
interface(struct qemu *q, xmlNode *n)
{
    xmlNode *mac = child(n, "mac");
    char *was = attribute(mac, "address"), *type = attribute(n, "type");
    char to[MACHINE_MAC_TEXT];
    struct err *e = NULL;

    if (strcmp(type, "hostdev") == 0)
        qemu_warn(q, fail(MachinePartOfHost, q->p->machine, "interface hostdev"));
    if (q->p->name != NULL && mac != NULL)
        e = machine_new_mac(was, to);
    if (q->p->name != NULL && mac != NULL && e == NULL) {
        set_attribute(mac, "address", to);
        qemu_changed(q, "a network address is %s, was %s", to, was);
    }
    if (q->p->name != NULL)
        take_out_children(n, "target"); /* the host's end: libvirt names another */
    xmlFree(was);
    xmlFree(type);
    return e;
}

/* A fixed port of the host is the old domain's. */
static void
graphics(struct qemu *q, xmlNode *n)
{
    char *autoport = attribute(n, "autoport"), *port = attribute(n, "port");

    if (q->p->name != NULL && strcmp(autoport, "yes") != 0 && port[0] != '\0') {
        qemu_changed(q, "libvirt chooses the display's port, was %s", port);
        (void)xmlUnsetProp(n, (const xmlChar *)"port");
        (void)xmlUnsetProp(n, (const xmlChar *)"tlsPort");
        set_attribute(n, "autoport", "yes");
    }
    xmlFree(autoport);
    xmlFree(port);
}

/* The file that ${n} names moves to the machine's folder. */
static struct err *
move(struct qemu *q, xmlNode *n, const char *name)
{
    char *path = attribute(n, name);
    auto_free char *to = NULL;
    struct err *e = path[0] != '\0' ? qemu_made(q, path, &to) : NULL;

    if (to != NULL)
        set_attribute(n, name, to);
    xmlFree(path);
    return e;
}

/* Sockets and ports at which QEMU listens, and files that it writes what the guest says to:
 * libvirt chooses where the sockets of channels lie. */
static struct err *
character_device(struct qemu *q, xmlNode *n)
{
    xmlNode *source = child(n, "source"), *log = child(n, "log");
    char *mode = attribute(source, "mode"), *type = attribute(n, "type");
    bool bound = strcmp(mode, "bind") == 0, at_path = strcmp(type, "unix") == 0;
    struct err *e = NULL;

    if (bound && at_path && is(n, "channel"))
        take_out(source);
    else if ((bound && at_path) || strcmp(type, "file") == 0)
        e = move(q, source, "path");
    else if (bound && q->p->name != NULL)
        qemu_warn(q, fail(MachinePortShared, q->p->machine, (const char *)n->name));
    if (e == NULL && log != NULL)
        e = move(q, log, "file");
    xmlFree(mode);
    xmlFree(type);
    return e;
}

static struct err *
devices(struct qemu *q, xmlNode *all)
{
    for (xmlNode *n = all->children, *next; n != NULL; n = next) {
        next = n->next;
        if (is(n, "disk"))
            disk(q, n);
        else if (is(n, "interface"))
            TRY(interface(q, n));
        else if (is(n, "graphics"))
            graphics(q, n);
        else if (is(n, "channel") || is(n, "serial") || is(n, "console") || is(n, "parallel"))
            TRY(character_device(q, n));
        else if (is(n, "hostdev"))
            qemu_warn(q, fail(MachinePartOfHost, q->p->machine, "hostdev"));
    }
    return NULL;
}

/* ---- the domain ---- */

/* What the firmware says of the machine repeats the UUID, and libvirt wants both alike. */
static void
firmware_uuid(xmlNode *domain, const char *id)
{
    xmlNode *info = child(domain, "sysinfo");
    xmlNode *part = info != NULL ? child(info, "system") : NULL;

    for (xmlNode *n = part != NULL ? part->children : NULL; n != NULL; n = n->next) {
        char *name = attribute(n, "name");

        if (is(n, "entry") && strcmp(name, "uuid") == 0)
            set_text(n, id);
        xmlFree(name);
    }
}

static struct err *
names(struct qemu *q, xmlNode *domain)
{
    xmlNode *name = child(domain, "name"), *uuid = child(domain, "uuid");
    xmlNode *generation = child(domain, "genid");
    char id[MACHINE_UUID_TEXT];

    (void)xmlUnsetProp(domain, (const xmlChar *)"id");
    if (generation != NULL) {
        TRY(machine_new_uuid(id));
        set_text(generation, id);
    }
    if (q->p->name == NULL)
        return NULL;
    set_text(name, q->p->name);
    qemu_changed(q, "the name is %s, was %s", q->p->name, q->p->machine);
    TRY(machine_new_uuid(id));
    if (uuid != NULL)
        set_text(uuid, id);
    else
        uuid = xmlNewChild(domain, NULL, (const xmlChar *)"uuid", (const xmlChar *)id);
    firmware_uuid(domain, id);
    qemu_changed(q, "the UUID is %s", id);
    return uuid != NULL ? NULL : fail(OutOfMemory);
}

static struct err *
rewrite(struct qemu *q, const xmlDoc *doc)
{
    xmlNode *domain = xmlDocGetRootElement(doc);

    if (domain == NULL || !is(domain, "domain") || child(domain, "name") == NULL ||
        child(domain, "devices") == NULL)
        return fail(DefinitionUnclear, q->p->machine, "it is no domain of libvirt");
    if (doc->intSubset != NULL || doc->extSubset != NULL)
        return fail(DefinitionUnclear, q->p->machine, "its XML has a document type");
    for (size_t i = 0; i < q->p->ndisks; i++)
        q->p->disks[i].used = false;
    TRY(names(q, domain));
    if (child(domain, "os") != NULL)
        system_part(q, child(domain, "os"));
    TRY(devices(q, child(domain, "devices")));
    machine_warn_of_unused(q);
    return NULL;
}

struct err *
machine_of_domain(struct view xml, const struct machine_plan *p, struct text *ret)
{
    struct qemu q = { .p = p };
    xmlChar *made = NULL;
    int len = 0;

    if (xml.len == 0 || xml.len > MACHINE_LEN_MAX)
        return fail(DefinitionUnclear, p->machine, "its XML is empty, or longer than 1 MiB");
    xmlDoc *doc = xmlReadMemory((const char *)xml.data, (int)xml.len, NULL, NULL,
        XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    if (doc == NULL)
        return fail(DefinitionUnclear, p->machine, "it is no XML");
    struct err *e = rewrite(&q, doc);
    if (e == NULL) {
        xmlDocDumpMemoryEnc(doc, &made, &len, "UTF-8");
        if (made != NULL)
            text_add(ret, (const char *)made, (size_t)len);
        e = made == NULL || ret->no_memory ? fail(OutOfMemory) : NULL;
    }
    xmlFree(made);
    xmlFreeDoc(doc);
    strings_done(&q.made);
    strings_done(&q.was);
    return e;
}
