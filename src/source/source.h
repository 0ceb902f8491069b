/* SPDX-License-Identifier: Apache-2.0 */
/* source.h -- a disk to read.
 *
 * A source has a size that does not change while it is open, tells which ranges hold data,
 * and reads.  Reads may come from several threads at once, each with a lane number of its
 * own below source_lanes(): a body that keeps one connection per reader uses the lane to
 * choose it.  A source never changes the disk.
 *
 * A read beyond what the disk holds by now (it shrank), an I/O error or a peer that went
 * away is a failure that names the byte range: SourceShrank, SourceReadFailed,
 * SourceVanished.  */
#ifndef SOURCE_H
#define SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auto.h"
#include "err.h"

struct source;

/* What tells that a file was not written since it was last read.  Times are nanoseconds
 * since 1970.  known: it is a raw file on a local file system, and when it was opened nobody
 * could write to it (a read lease was granted): pages that a writer has dirtied already can
 * change again without a new mtime. */
struct source_stamp {
    bool known;
    uint64_t dev, inode, size;
    int64_t mtime_ns, ctime_ns;
    int64_t read_start_ns; /* when the read that made the point began */
};

enum source_extent { SOURCE_DATA, SOURCE_HOLE };

struct source_vtable {
    struct err *(*read)(struct source *s, unsigned lane, uint64_t off, void *buf, size_t len);
    struct err *(*extent)(struct source *s, uint64_t off, enum source_extent *ret_kind,
        uint64_t *ret_len);
    struct err *(*changed)(struct source *s, uint64_t off, bool *ret_changed,
        uint64_t *ret_len); /* NULL where tells_changes is never set */
    struct err *(*unwritten)(struct source *s, const struct source_stamp *then, bool *ret_same);
    struct err *(*check)(struct source *s);
    void (*free)(struct source *s);
};

/* The first member of every body. */
struct source {
    const struct source_vtable *call;
    char *name;      /* what the user typed, for messages */
    uint64_t size;   /* bytes; any value, also 0 and not a multiple of anything */
    unsigned lanes;  /* readers that may work at the same time, at least 1 */
    bool busy;       /* somebody had it open for writing, or holds the device, when it was
                      * opened: what is read may mix states of the disk */
    struct source_stamp stamp;
    bool tells_changes; /* see source_changed */
};

/* How a source is opened. */
struct source_options {
    unsigned lanes;     /* readers wanted; 0 means 1 */
    const char *format; /* "raw", "qcow2", "vmdk", "vhdx", "vdi", "vpc"; NULL: by suffix */
    const char *bitmap; /* dirty bitmap by which the source tells changes; NULL: none */
    const char *run_dir; /* where private sockets are made; NULL: $XDG_RUNTIME_DIR or /tmp */
};

/* Open what the user named: a file, a block device, an image (by suffix .qcow2 .vmdk .vhdx
 * .vdi .vhd, or options.format), nbd://host[:port][/export] or nbd+unix:///export?socket=path
 * (nbds for TLS).  ${options} may be NULL.  An image is served by qemu-nbd, which the kernel
 * ends when the thread that called this ends; a backing file that it names is read with it,
 * wherever that is.  A file without a known suffix whose first bytes are an image format's is
 * refused (SourceFormatUnclear): a guest can write such bytes to a raw disk.  A dirty bitmap
 * that the source does not have is SourceBitmapMissing. */
struct err *source_open(const char *spec, const struct source_options *options,
    struct source **ret) must_use;

/* What source_open would make of ${spec}: "nbd", or the format's name, "raw" among them.
 * ${format} as in the options. */
const char *source_kind(const char *spec, const char *format);

/* Read exactly ${len} bytes at ${off}; off + len <= size. */
struct err *source_read(struct source *s, unsigned lane, uint64_t off, void *buf,
    size_t len) must_use;

/* What begins at ${off} (< size) and how far it goes: data, or a hole that reads as zeros.
 * A body that cannot tell says data to the end.  *ret_len is at least 1. */
struct err *source_extent(struct source *s, uint64_t off, enum source_extent *ret_kind,
    uint64_t *ret_len) must_use;

/* Where s->tells_changes: was what begins at ${off} (< size) written since a moment that
 * whoever opened the source knows, the one at which its dirty bitmap began?  And how far this
 * goes; *ret_len is at least 1.  Zeroing and discarding count as writing.  The answer is as
 * good as whoever kept the bitmap: something that changes the disk beside it is not seen. */
struct err *source_changed(struct source *s, uint64_t off, bool *ret_changed,
    uint64_t *ret_len) must_use;

/* Nothing has written to the disk since ${then}: same device, inode, size, mtime and ctime,
 * ctime at least two seconds older than then->read_start_ns, and a read lease was granted,
 * so that no writer and no shared mapping exists.  When in doubt *ret_same is false. */
struct err *source_unwritten(struct source *s, const struct source_stamp *then,
    bool *ret_same) must_use;

/* After the last read: the disk still has the size that it had (SourceShrank, SourceGrew)
 * and its server lives.  A file that was replaced under its name meanwhile is no failure:
 * the old one was read to its end. */
struct err *source_check(struct source *s) must_use;

/* Accepts NULL.  Ends whatever was started to serve the source. */
void source_free(struct source *s);
DEFINE_AUTO(source);

/* A source over memory that the caller keeps, for tests: ${holes} (may be NULL) is a
 * bitmap with one bit per 4096 bytes, set where there is a hole. */
struct err *source_mem_new(const char *name, const void *data, uint64_t size,
    const uint8_t *holes, struct source **ret) must_use;

/* Let a source over memory tell changes: ${changed} (kept by the caller) is a bitmap as that
 * of the holes.  It is told as it is, true or not. */
void source_mem_changes(struct source *s, const uint8_t *changed);

enum { SOURCE_LANES_MAX = 64, SOURCE_MEM_HOLE = 4096 };

#endif
