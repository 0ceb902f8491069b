/* SPDX-License-Identifier: Apache-2.0 */
/* image_bitmap.c -- the image is foreign, and names in it are: what qemu-img prints is read as
 * anything from outside. */
#include <string.h>

#include "codes.h"
#include "json_read.h"
#include "proc.h"
#include "image_bitmap.h"
#include "qemu_nbd.h"

/* ---- reading ---- */

static bool
has_flag(const json_t *bitmap, const char *flag)
{
    const json_t *flags = json_object_get(bitmap, "flags");

    for (size_t i = 0; i < json_array_size(flags); i++) {
        const char *is = json_string_value(json_array_get(flags, i));

        if (is != NULL && strcmp(is, flag) == 0)
            return true;
    }
    return false;
}

static const json_t *
find_bitmap(const json_t *root, const char *name)
{
    const json_t *data = json_object_get(json_object_get(root, "format-specific"), "data");
    const json_t *all = json_object_get(data, "bitmaps");

    for (size_t i = 0; i < json_array_size(all); i++) {
        const json_t *b = json_array_get(all, i);
        const char *is = json_string_value(json_object_get(b, "name"));

        if (is != NULL && strcmp(is, name) == 0)
            return b;
    }
    return NULL;
}

/* False where it is no whole number from 0 on. */
static bool
read_number(const json_t *in, const char *name, uint64_t *ret)
{
    const json_t *number = json_object_get(in, name);

    if (!json_is_integer(number) || json_integer_value(number) < 0)
        return false;
    *ret = (uint64_t)json_integer_value(number);
    return true;
}

static bool
read_root(const json_t *root, const char *name, struct image_bitmap *ret)
{
    struct image_bitmap b = { 0 };
    const json_t *bitmap = find_bitmap(root, name);

    if (!read_number(root, "virtual-size", &b.size))
        return false;
    if (bitmap != NULL) {
        b.found = true;
        b.recording = has_flag(bitmap, "auto");
        b.in_use = has_flag(bitmap, "in-use");
        if (!read_number(bitmap, "granularity", &b.granularity))
            return false;
    }
    *ret = b;
    return true;
}

struct err *
image_bitmap_parse(struct view text, const char *bitmap, struct image_bitmap *ret, bool *ret_ok)
{
    static const struct json_limits limits = { .bytes = IMAGE_BITMAP_BYTES_MAX,
        .depth = IMAGE_BITMAP_DEPTH_MAX, .values = IMAGE_BITMAP_VALUES_MAX };
    char why[JSON_WHY_MAX];
    json_t *root = NULL;

    TRY(json_read(text, &limits, why, &root));
    *ret_ok = root != NULL && read_root(root, bitmap, ret);
    json_decref(root);
    return NULL;
}

/* ---- asking ---- */

/* qemu-img ended; did it say what was asked for? */
static struct err *
hear(struct proc *p, const char *path, const char *name, const char *format, int status,
    const char *bitmap, struct image_bitmap *ret)
{
    auto_free char *output = NULL, *words = NULL;
    bool ok = false;

    TRY(proc_words(p, &words));
    TRY(proc_output(p, &output));
    if (status == 0)
        TRY(image_bitmap_parse((struct view){ (const uint8_t *)output, strlen(output) }, bitmap,
            ret, &ok));
    if (ok)
        return NULL;
    errno = 0;
    struct err *e = fail(ChildFailed, "qemu-img", status);
    if (qemu_lock_held(path, false))
        return err_because(fail(ImageInUse, name), e);
    return err_because(fail(ImageUnusable, name, format,
        status == 0 ? "what qemu-img info says makes no sense" : words), e);
}

struct err *
image_bitmap_ask(const char *path, const char *name, const char *format, const char *bitmap,
    struct image_bitmap *ret)
{
    auto_free char *tool = NULL, *image = NULL;
    auto_ptr(proc) p = NULL;
    bool ended = false;
    int status = 0;

    TRY(qemu_tool_find("qemu-img", &tool));
    TRY(qemu_image_options(path, format, &image));
    const char *argv[] = { tool, "info", "--output=json", "--image-opts", image, NULL };
    TRY(proc_start(argv, NULL, &p));
    TRY(proc_wait(p, deadline_in_ms(IMAGE_BITMAP_MS), &ended, &status));
    if (!ended)
        return fail(DeadlinePassed, "qemu-img");
    TRY(hear(p, path, name, format, status, bitmap, ret));
    return NULL;
}
