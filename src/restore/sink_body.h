/* SPDX-License-Identifier: Apache-2.0 */
/* sink_body.h -- the bodies of a sink, for sink_open alone, and what they share. */
#ifndef SINK_BODY_H
#define SINK_BODY_H

#include "sink.h"

/* Fill the common part; the vtable is set, and sink_free works from here on. */
struct err *sink_init(struct sink *s, const struct sink_vtable *call, const char *name,
    uint64_t size) must_use;

/* What there is at the destination. */
enum sink_there { SINK_NOTHING, SINK_FILE, SINK_DEVICE };

/* A new raw file, or (in_place) one that exists, or a device. */
struct err *sink_raw_open(const char *path, uint64_t size, enum sink_there there,
    const struct sink_options *options, struct sink **ret) must_use;
struct err *sink_qcow2_open(const char *path, uint64_t size, enum sink_there there,
    const struct sink_options *options, struct sink **ret) must_use;
struct err *sink_stream_open(int fd, uint64_t size, struct sink **ret) must_use;

/* The code for a failed open, write or sync of ${path}, by errno. */
struct err *sink_open_failed(const char *path, int number) must_use;
struct err *sink_write_failed(const char *path, uint64_t off, uint64_t len,
    int number) must_use;

/* RestoreTargetBusy when somebody has the file open for writing.  When that cannot be told,
 * nobody has. */
struct err *sink_check_writers(const char *path) must_use;

#endif
