/* SPDX-License-Identifier: Apache-2.0 */
/* image_bitmap.h -- what qemu-img says of a disk image that nobody uses: its size, and one of
 * the dirty bitmaps in it. */
#ifndef IMAGE_BITMAP_H
#define IMAGE_BITMAP_H

#include <stdbool.h>
#include <stdint.h>

#include "bytes.h"
#include "err.h"

enum {
    IMAGE_BITMAP_BYTES_MAX = 64 * 1024,
    IMAGE_BITMAP_DEPTH_MAX = 16,
    IMAGE_BITMAP_VALUES_MAX = 8192,
    IMAGE_BITMAP_MS = 60 * 1000
};

struct image_bitmap {
    uint64_t size;        /* of the disk, bytes */
    bool found;           /* the image has a bitmap of this name, and the rest is its: */
    bool recording;       /* what is written to the disk goes into it */
    bool in_use;          /* the image was not closed: it is inconsistent */
    uint64_t granularity; /* bytes for each bit */
};

/* Ask about ${bitmap} of the image at ${path}; ${name} is for messages.  Only reads, and not
 * at all while another process may write to it (ImageInUse).  ImageToolMissing, ImageUnusable
 * with qemu-img's own words. */
struct err *image_bitmap_ask(const char *path, const char *name, const char *format,
    const char *bitmap, struct image_bitmap *ret) must_use;

/* What ${text}, the JSON of qemu-img info, says.  *ret_ok = false: it is none. */
struct err *image_bitmap_parse(struct view text, const char *bitmap, struct image_bitmap *ret,
    bool *ret_ok) must_use;

#endif
