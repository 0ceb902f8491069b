/* SPDX-License-Identifier: Apache-2.0 */
/* source.c -- choose the body by what the user named, and check each call's arguments.
 *
 * The format of a file comes from the user or from its suffix, never from its contents:
 * these belong to the guest. */
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "codes.h"
#include "source_body.h"

static const struct {
    const char *suffix, *format;
} suffixes[] = {
    { ".raw", "raw" },
    { ".qcow2", "qcow2" },
    { ".vmdk", "vmdk" },
    { ".vhdx", "vhdx" },
    { ".vdi", "vdi" },
    { ".vhd", "vpc" },
};

static const char *const nbd_schemes[] = { "nbd://", "nbds://", "nbd+unix://",
    "nbds+unix://" };

static bool
is_nbd(const char *spec)
{
    for (size_t i = 0; i < sizeof(nbd_schemes) / sizeof(nbd_schemes[0]); i++) {
        if (strncasecmp(spec, nbd_schemes[i], strlen(nbd_schemes[i])) == 0)
            return true;
    }
    return false;
}

static const char *
format_by_suffix(const char *path)
{
    size_t len = strlen(path);

    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        size_t n = strlen(suffixes[i].suffix);
        if (len > n && strcasecmp(path + len - n, suffixes[i].suffix) == 0)
            return suffixes[i].format;
    }
    return NULL;
}

static struct err *
check_format(const char *format)
{
    char why[160];

    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        if (strcmp(format, suffixes[i].format) == 0)
            return NULL;
    }
    snprintf(why, sizeof(why),
        "'%.40s' is no format of a disk; there are raw, qcow2, vmdk, vhdx, vdi and vpc",
        format);
    return fail(UsageWrong, why);
}

/* Magic numbers of images, by their offset. */
const char *
source_magic(const uint8_t *head, size_t len)
{
    static const struct {
        size_t off, n;
        const char *bytes, *format;
    } magics[] = {
        { 0, 4, "QFI\xfb", "qcow2" },
        { 0, 4, "KDMV", "vmdk" },
        { 0, 4, "COWD", "vmdk" },
        { 0, 21, "# Disk DescriptorFile", "vmdk" },
        { 0, 8, "vhdxfile", "vhdx" },
        { 0, 8, "conectix", "vpc" },
        { 64, 4, "\x7f\x10\xda\xbe", "vdi" },
    };

    for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
        if (magics[i].off + magics[i].n <= len &&
            memcmp(head + magics[i].off, magics[i].bytes, magics[i].n) == 0)
            return magics[i].format;
    }
    return NULL;
}

struct err *
source_open_failed(const char *path, int number)
{
    errno = number;
    switch (number) {
    case ENOENT:
    case ENOTDIR:
        return fail(SourceMissing, path);
    case EACCES:
    case EPERM:
        return fail(SourcePermission, path);
    default:
        return fail(FileUnreadable, path);
    }
}

struct err *
source_init(struct source *s, const struct source_vtable *call, const char *name)
{
    s->call = call;
    s->lanes = 1;
    s->name = strdup(name);
    return s->name == NULL ? fail(OutOfMemory) : NULL;
}

const char *
source_kind(const char *spec, const char *format)
{
    if (is_nbd(spec))
        return "nbd";
    if (format == NULL)
        format = format_by_suffix(spec);
    return format != NULL ? format : "raw";
}

struct err *
source_open(const char *spec, const struct source_options *options, struct source **ret)
{
    static const struct source_options plain = { 0 };
    const struct source_options *o = options != NULL ? options : &plain;
    unsigned lanes = o->lanes > 0 ? o->lanes : 1;

    assert(lanes <= SOURCE_LANES_MAX);
    if (o->format != NULL)
        TRY(check_format(o->format));
    if (is_nbd(spec)) {
        TRY(source_nbd_open(spec, o->bitmap, lanes, ret));
        return NULL;
    }
    const char *format = o->format != NULL ? o->format : format_by_suffix(spec);
    if (format != NULL && strcmp(format, "raw") != 0)
        TRY(source_image_open(spec, format, o, ret));
    else if (o->bitmap != NULL) /* it would have to lie somewhere */
        return fail(SourceBitmapMissing, spec, o->bitmap);
    else
        TRY(source_raw_open(spec, lanes, format == NULL, ret));
    return NULL;
}

struct err *
source_read(struct source *s, unsigned lane, uint64_t off, void *buf, size_t len)
{
    assert(lane < s->lanes && off <= s->size && len <= s->size - off);
    if (len > 0)
        TRY(s->call->read(s, lane, off, buf, len));
    return NULL;
}

struct err *
source_extent(struct source *s, uint64_t off, enum source_extent *ret_kind, uint64_t *ret_len)
{
    assert(off < s->size);
    TRY(s->call->extent(s, off, ret_kind, ret_len));
    assert(*ret_len >= 1 && *ret_len <= s->size - off);
    return NULL;
}

struct err *
source_changed(struct source *s, uint64_t off, bool *ret_changed, uint64_t *ret_len)
{
    assert(s->tells_changes && off < s->size);
    TRY(s->call->changed(s, off, ret_changed, ret_len));
    assert(*ret_len >= 1 && *ret_len <= s->size - off);
    return NULL;
}

struct err *
source_unwritten(struct source *s, const struct source_stamp *then, bool *ret_same)
{
    if (!then->known || !s->stamp.known) {
        *ret_same = false;
        return NULL;
    }
    TRY(s->call->unwritten(s, then, ret_same));
    return NULL;
}

struct err *
source_check(struct source *s)
{
    TRY(s->call->check(s));
    return NULL;
}

void
source_free(struct source *s)
{
    if (s == NULL)
        return;
    int kept = errno;
    free(s->name);
    s->call->free(s);
    errno = kept;
}
