/* SPDX-License-Identifier: Apache-2.0 */
/* qemu_nbd.h -- a disk image served by a qemu-nbd of our own.
 *
 * firn makes the listening socket, in a folder that only its user may enter, hands it to
 * qemu-nbd and connects; then socket and folder are removed, so that nobody else can
 * connect and nothing is left behind.  qemu-nbd ends with its last connection, and the
 * kernel kills it when the thread that opened it ends.  The format is always given: qemu
 * never guesses.  An image that names a backing file is served with it, wherever that is,
 * so open images of trusted origin only.
 *
 * ImageToolMissing, ImageInUse (another process may write it), SourceBitmapMissing,
 * ImageUnusable with the server's own words. */
#ifndef QEMU_NBD_H
#define QEMU_NBD_H

#include <stdbool.h>

#include "auto.h"
#include "clock.h"
#include "err.h"
#include "nbd_link.h"

struct qemu_nbd;

struct qemu_nbd_options {
    const char *format;  /* as qemu names it: "qcow2", "vmdk", "vhdx", "vdi", "vpc" */
    bool writable;
    unsigned lanes;      /* connections wanted, 0 means 1 */
    const char *bitmap;  /* dirty bitmap of the image that is exported, too; NULL: none */
    const char *run_dir; /* NULL: $XDG_RUNTIME_DIR or /tmp */
};

/* ${name} is for messages, ${path} is what qemu-nbd opens. */
struct err *qemu_nbd_open(const char *path, const char *name,
    const struct qemu_nbd_options *options, struct qemu_nbd **ret) must_use;

/* Borrowed. */
struct nbd_link *qemu_nbd_link(struct qemu_nbd *q);

/* Has the server ended?  Then *ret_why (unless NULL) is ChildFailed, for the caller to own. */
bool qemu_nbd_ended(struct qemu_nbd *q, struct err **ret_why);

/* Close the connections and wait until the server has closed the image.  The link is gone
 * afterwards. */
struct err *qemu_nbd_finish(struct qemu_nbd *q, struct deadline by) must_use;

/* Accepts NULL. */
void qemu_nbd_free(struct qemu_nbd *q);
DEFINE_AUTO(qemu_nbd);

/* Find a program of QEMU's: ImageToolMissing when it is not installed. */
struct err *qemu_tool_find(const char *program, char **ret_path) must_use;

/* What names the image for --image-opts, "driver=qcow2,file.driver=file,file.filename=PATH":
 * by its parts no name can be taken for a protocol.  A comma within the name is doubled.
 * Freed by the caller. */
struct err *qemu_image_options(const char *path, const char *format, char **ret) must_use;

/* Does another process hold QEMU's lock on the file, to write it or (with ${any}) at all? */
bool qemu_lock_held(const char *path, bool any);

#endif
