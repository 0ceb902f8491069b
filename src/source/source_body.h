/* SPDX-License-Identifier: Apache-2.0 */
/* source_body.h -- the bodies of a source, for source_open and for bodies that are made of
 * others. */
#ifndef SOURCE_BODY_H
#define SOURCE_BODY_H

#include "source.h"

/* Fill the common part; the vtable is set, and source_free works from here on. */
struct err *source_init(struct source *s, const struct source_vtable *call,
    const char *name) must_use;

/* A file or block device as it is.  ${check_magic}: SourceFormatUnclear when its first
 * bytes are those of an image. */
struct err *source_raw_open(const char *path, unsigned lanes, bool check_magic,
    struct source **ret) must_use;

/* ${bitmap} may be NULL, here and below. */
struct err *source_nbd_open(const char *uri, const char *bitmap, unsigned lanes,
    struct source **ret) must_use;

/* An export of a server that listens at the local socket ${path}.  ${name} is for messages. */
struct err *source_nbd_socket(const char *path, const char *export, const char *bitmap,
    unsigned lanes, const char *name, struct source **ret) must_use;

/* ${format} as qemu names it. */
struct err *source_image_open(const char *path, const char *format,
    const struct source_options *options, struct source **ret) must_use;

/* The format whose magic ${head} (the first ${len} bytes of a file) has, NULL for none. */
const char *source_magic(const uint8_t *head, size_t len);

/* Give a failure to open ${path} its code. */
struct err *source_open_failed(const char *path, int number) must_use;

#endif
