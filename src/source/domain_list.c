/* SPDX-License-Identifier: Apache-2.0 */
/* domain_list.c -- the disks of a machine, as libvirt's XML has them, its checkpoints, and the
 * chip that its firmware writes to.
 *
 * A checkpoint that can be used tells how much its bitmap names; one whose bitmap was lost, or
 * not saved when QEMU ended, does not. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "codes.h"
#include "domain_internal.h"
#include "number.h"
#include "source.h"

static const char agent_channel[] = "org.qemu.guest_agent.0", dac[] = "dac";

static bool
is(const char *s, const char *word)
{
    return s != NULL && strcmp(s, word) == 0;
}

static struct err *
copy(const char *s, char **ret)
{
    *ret = strdup(s != NULL ? s : "");
    return *ret == NULL ? fail(OutOfMemory) : NULL;
}

/* ---- the machine ---- */

bool
domain_has_agent(const struct xml_node *domain)
{
    const struct xml_node *c = xml_first(xml_first(domain, "devices"), "channel");

    while (c != NULL && !is(xml_attr(xml_first(c, "target"), "name"), agent_channel))
        c = xml_again(c);
    return c != NULL;
}

/* "+64055:+64055", by number in a machine that is on. */
static bool
read_label(const char *label, struct ucred *ret)
{
    const char *colon = strchr(label, ':');
    char user[24];
    uint64_t uid, gid;

    if (label[0] != '+' || colon == NULL || colon[1] != '+' ||
        (size_t)(colon - label) >= sizeof(user))
        return false;
    memcpy(user, label + 1, (size_t)(colon - label) - 1);
    user[colon - label - 1] = '\0';
    if (!number_parse(user, &uid) || !number_parse(colon + 2, &gid) || uid > UINT32_MAX ||
        gid > UINT32_MAX)
        return false;
    *ret = (struct ucred){ .uid = (uid_t)uid, .gid = (gid_t)gid };
    return true;
}

bool
domain_user(const struct xml_node *domain, struct ucred *ret)
{
    const struct xml_node *s = xml_first(domain, "seclabel");

    while (s != NULL && !is(xml_attr(s, "model"), dac))
        s = xml_again(s);
    const struct xml_node *label = xml_first(s, "label");
    return label != NULL && read_label(xml_text(label), ret);
}

/* ---- bitmaps ---- */

/* The disk of that name in a checkpoint's XML, if it has a bitmap of the checkpoint's name. */
static const struct xml_node *
disk_in(const struct xml *checkpoint, const char *name, const char *disk)
{
    const struct xml_node *d = xml_first(xml_first(xml_root(checkpoint), "disks"), "disk");

    while (d != NULL && !is(xml_attr(d, "name"), disk))
        d = xml_again(d);
    bool has = is(xml_attr(d, "checkpoint"), "bitmap") && is(xml_attr(d, "bitmap"), name);
    return has ? d : NULL;
}

static struct err *
add_bitmap(const json_t *checkpoint, const char *target, struct running_disk *d)
{
    const char *name = json_string_value(json_object_get(checkpoint, "name"));
    const char *text = json_string_value(json_object_get(checkpoint, "xml"));
    auto_ptr(xml) x = NULL;

    if (name == NULL || text == NULL)
        return NULL;
    TRY(xml_read(text, &x));
    const struct xml_node *in = x != NULL ? disk_in(x, name, target) : NULL;
    if (in == NULL)
        return NULL;
    struct running_bitmap *b = &d->bitmaps[d->nbitmaps];
    *b = (struct running_bitmap){ .name = strdup(name), .persistent = true, .recording = true,
        .inconsistent = xml_attr(in, "size") == NULL };
    if (b->name == NULL)
        return fail(OutOfMemory);
    d->nbitmaps++;
    return NULL;
}

static struct err *
list_bitmaps(const json_t *checkpoints, const char *target, struct running_disk *d)
{
    size_t i;
    json_t *one;

    d->bitmaps = calloc(json_array_size(checkpoints) + 1, sizeof(*d->bitmaps));
    if (d->bitmaps == NULL)
        return fail(OutOfMemory);
    json_array_foreach(checkpoints, i, one)
        TRY(add_bitmap(one, target, d));
    return NULL;
}

/* ---- disks ---- */

static struct err *
ask_size(struct domain *d, struct running_disk *disk)
{
    json_auto_t *answer = NULL;

    TRY(domain_ask(d, "size", json_pack("{s:s}", "disk", disk->device),
        "ask for the size of a disk of", &answer));
    disk->size = (uint64_t)json_integer_value(json_object_get(answer, "bytes"));
    return NULL;
}

static struct err *
fill(struct domain *d, const struct xml_node *from, struct running_disk *disk)
{
    const struct xml_node *source = xml_first(from, "source");
    const char *target = xml_attr(xml_first(from, "target"), "dev");
    const char *file = xml_attr(source, "file"), *dev = xml_attr(source, "dev");
    const char *format = xml_attr(xml_first(from, "driver"), "type");

    TRY(copy(target, &disk->device));
    TRY(copy(target, &disk->drive));
    TRY(copy(file != NULL ? file : dev, &disk->file));
    TRY(copy(disk->file, &disk->image));
    TRY(copy(format != NULL ? format : "raw", &disk->format));
    TRY(running_name_disk(&d->is, disk->device, strlen(disk->device), disk));
    TRY(ask_size(d, disk));
    TRY(list_bitmaps(json_object_get(d->look, "checkpoints"), target, disk));
    return NULL;
}

static bool
is_disk(const struct xml_node *d)
{
    const char *device = xml_attr(d, "device");

    return (device == NULL || is(device, "disk") || is(device, "lun")) &&
           xml_first(d, "readonly") == NULL && xml_first(d, "source") != NULL &&
           xml_attr(xml_first(d, "target"), "dev") != NULL;
}

static struct err *
add_disk(struct domain *d, const struct xml_node *from)
{
    struct running_disk disk = { 0 };

    if (d->is.ndisks == RUNNING_DISKS_MAX)
        return fail(LibvirtRefused, d->is.name, "list the disks of", "it has more than 256");
    struct err *e = fill(d, from, &disk);
    if (e == NULL)
        d->is.disks[d->is.ndisks++] = disk;
    else
        running_disk_done(&disk);
    return e;
}

/* ---- firmware ---- */

/* What QEMU writes to the chip is in its file at once.  One whose file cannot be opened has no
 * size, and domain_flash_read says why; but a machine that was never on has none yet. */
static struct err *
add_flash(struct domain *d)
{
    const struct xml_node *nvram = xml_find(xml_root(d->xml), "os/nvram");
    const struct xml_node *source = xml_first(nvram, "source");
    struct running_disk *chip = &d->is.flash[0];
    auto_ptr(source) s = NULL;

    if (nvram == NULL)
        return NULL;
    const char *path = source != NULL ? xml_attr(source, "file") : xml_text(nvram);
    const char *format = xml_attr(nvram, "format");
    if (d->is.off && path != NULL && access(path, F_OK) != 0)
        return NULL;
    d->is.nflash = 1;
    TRY(copy("nvram", &chip->name));
    TRY(copy(path, &chip->file));
    TRY(copy(format != NULL ? format : "raw", &chip->format));
    struct err *e = domain_flash_open(chip, &s);
    if (e == NULL)
        chip->size = s->size;
    err_free(e); /* whoever reads it meets this again, and tells */
    return NULL;
}

struct err *
domain_list(struct domain *d, const struct running_options *o)
{
    const struct xml_node *devices = xml_first(xml_root(d->xml), "devices");
    const struct xml_node *at = xml_first(devices, "disk");

    d->is.disks = calloc(RUNNING_DISKS_MAX, sizeof(*d->is.disks));
    if (d->is.disks == NULL)
        return fail(OutOfMemory);
    for (; at != NULL; at = xml_again(at))
        if (is_disk(at))
            TRY(add_disk(d, at));
    TRY(add_flash(d));
    return running_choose(&d->is, o, d->is.name);
}
