/* SPDX-License-Identifier: Apache-2.0 */
/* sink.h -- where a restored disk goes.
 *
 * Writes come from several threads, each with its lane number, in any order, unless the
 * sink is sequential: then from one thread, each write where the last one ended.  What is
 * never written reads as zeros where fresh is true; else the caller zeroes it with
 * sink_zero.  sink_finish makes the result durable and is the only way to keep it: a sink
 * that is freed without it removes the file that it made.
 *
 * A file is made without a name (or, where the file system cannot do that, under a hidden
 * one beside it) and gets its name when it is whole.  In place nothing is undone: after a
 * failure the destination holds a mixture.
 *
 * The process must ignore SIGPIPE and SIGXFSZ, or these end it instead of giving a code. */
#ifndef SINK_H
#define SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auto.h"
#include "err.h"

struct sink;

struct sink_vtable {
    struct err *(*write)(struct sink *s, unsigned lane, uint64_t off, const void *buf,
        size_t len);
    struct err *(*zero)(struct sink *s, unsigned lane, uint64_t off, uint64_t len);
    struct err *(*read)(struct sink *s, unsigned lane, uint64_t off, void *buf, size_t len);
    struct err *(*finish)(struct sink *s);
    void (*free)(struct sink *s);
};

/* The first member of every body. */
struct sink {
    const struct sink_vtable *call;
    char *name;
    uint64_t size;
    bool sequential; /* standard output */
    bool fresh;      /* unwritten ranges read as zeros */
    bool readable;   /* sink_read works: what is there already can be kept */
};

enum sink_format { SINK_BY_SUFFIX, SINK_RAW, SINK_QCOW2 };

struct sink_options {
    enum sink_format format;
    bool in_place;  /* write into an existing file or device, keep what is equal */
    bool force;     /* overwrite an existing file */
    unsigned lanes; /* writers, 0 means 1 */
    const char *run_dir;
};

/* ${dest}: a file (raw, sparse; or qcow2 by suffix or format), a block device, or "-" for
 * standard output.  Without a format the suffix of another one is UsageWrong.  A file that
 * exists is refused (RestoreTargetExists) without in_place or force; a device must be at
 * least ${size} long (RestoreTargetTooSmall) and not in use; what it has beyond ${size}
 * stays.  in_place on a file that does not exist makes it.  qcow2 has sizes of whole 512
 * bytes: a disk of another size ends with zeros there.  The qemu-nbd that writes qcow2 ends
 * with the thread that called this. */
struct err *sink_open(const char *dest, uint64_t size, const struct sink_options *options,
    struct sink **ret) must_use;

struct err *sink_write(struct sink *s, unsigned lane, uint64_t off, const void *buf,
    size_t len) must_use;
struct err *sink_zero(struct sink *s, unsigned lane, uint64_t off, uint64_t len) must_use;
struct err *sink_read(struct sink *s, unsigned lane, uint64_t off, void *buf,
    size_t len) must_use;
struct err *sink_finish(struct sink *s) must_use;

/* Accepts NULL.  Without sink_finish before it, what the sink created is removed. */
void sink_free(struct sink *s);
DEFINE_AUTO(sink);

enum { SINK_LANES_MAX = 64 };

/* A sink into memory that the caller keeps (${size} bytes), for tests. */
struct err *sink_mem_new(void *data, uint64_t size, struct sink **ret) must_use;

#endif
