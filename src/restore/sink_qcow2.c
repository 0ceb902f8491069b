/* SPDX-License-Identifier: Apache-2.0 */
/* sink_qcow2.c -- a qcow2 image, written through a qemu-nbd of our own.
 *
 * A new image: qemu-img makes it empty in a file that has no name yet, qemu-nbd serves it,
 * every lane writes through a connection of its own, and when qemu-nbd has closed the image
 * the file is synced and gets its name.  In place: the image's own size is changed first
 * when it is too small and last when it is too large, so that nothing is cut before the
 * rest was written. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "codes.h"
#include "newfile.h"
#include "proc.h"
#include "qemu_nbd.h"
#include "sink_body.h"

enum { SECTOR = 512, TOOL_MS = 120 * 1000, CLOSE_MS = 300 * 1000 };

struct qcow2 {
    struct sink s;
    struct newfile *new; /* NULL: in place */
    struct qemu_nbd *server;
    struct nbd_link *link;
    uint64_t image_size;
    bool replace;
};

static struct qcow2 *
qcow2_of(struct sink *s)
{
    return (struct qcow2 *)s;
}

/* The image's size for this disk. */
static uint64_t
whole_sectors(uint64_t size)
{
    return div_up(size, SECTOR) * SECTOR;
}

/* Run qemu-img.  Its words tell what went wrong; a full file system does not have to be
 * guessed from them. */
static struct err *
run_tool(const struct qcow2 *q, const char *const argv[])
{
    auto_free char *words = NULL;
    int status = 0;

    TRY(proc_run(argv, deadline_in_ms(TOOL_MS), &status, &words));
    if (status != 0)
        return err_because(fail(ImageUnusable, q->s.name, "qcow2", words),
            fail(ChildFailed, argv[0], status));
    return NULL;
}

static struct err *
create_image(struct qcow2 *q)
{
    auto_free char *tool = NULL;
    char size[32];

    TRY(qemu_tool_find("qemu-img", &tool));
    TRY(newfile_begin(q->s.name, &q->new));
    snprintf(size, sizeof(size), "%" PRIu64, whole_sectors(q->s.size));
    const char *argv[] = { tool, "create", "-q", "-f", "qcow2", newfile_path(q->new), size,
        NULL };
    TRY(run_tool(q, argv));
    return NULL;
}

static struct err *
resize_image(struct qcow2 *q, bool shrink)
{
    auto_free char *tool = NULL, *path = NULL;
    char size[32];
    size_t room = strlen(q->s.name) + 3;

    TRY(qemu_tool_find("qemu-img", &tool));
    path = malloc(room);
    if (path == NULL)
        return fail(OutOfMemory);
    /* so that no name is taken for an option or a protocol */
    snprintf(path, room, "%s%s", q->s.name[0] == '/' ? "" : "./", q->s.name);
    snprintf(size, sizeof(size), "%" PRIu64, whole_sectors(q->s.size));
    const char *grow_argv[] = { tool, "resize", "-q", "-f", "qcow2", path, size, NULL };
    const char *shrink_argv[] = { tool, "resize", "-q", "--shrink", "-f", "qcow2", path, size,
        NULL };
    TRY(run_tool(q, shrink ? shrink_argv : grow_argv));
    return NULL;
}

static struct err *
serve(struct qcow2 *q, const struct sink_options *o)
{
    unsigned lanes = o->lanes < NBD_LINK_LANES_MAX ? o->lanes : NBD_LINK_LANES_MAX;
    struct qemu_nbd_options options = { .format = "qcow2", .writable = true, .lanes = lanes,
        .run_dir = o->run_dir };
    const char *path = q->new != NULL ? newfile_path(q->new) : q->s.name;
    struct err *e = qemu_nbd_open(path, q->s.name, &options, &q->server);

    if (err_code(e) == E_ImageInUse)
        return err_because(fail(RestoreTargetBusy, q->s.name), e);
    TRY(e);
    q->link = qemu_nbd_link(q->server);
    q->image_size = nbd_link_size(q->link);
    return NULL;
}

static struct err *
stop_serving(struct qcow2 *q)
{
    struct err *e = qemu_nbd_finish(q->server, deadline_in_ms(CLOSE_MS));

    qemu_nbd_free(q->server);
    q->server = NULL;
    q->link = NULL;
    if (e != NULL)
        return err_because(fail(RestoreWriteFailed, q->s.name, 0, (int64_t)q->s.size), e);
    return NULL;
}

/* What the failure of the link means for the restore. */
static struct err *
explain(struct qcow2 *q, uint64_t off, uint64_t len, struct err *e)
{
    struct err *why = NULL;
    int number = (int)err_os_number(e);

    if (err_code(e) == E_NbdServerGone) {
        number = 0;
        if (qemu_nbd_ended(q->server, &why))
            e = err_also(e, why);
    }
    return err_because(sink_write_failed(q->s.name, off, len, number), e);
}

static struct err *
qcow2_write(struct sink *s, unsigned lane, uint64_t off, const void *buf, size_t len)
{
    struct qcow2 *q = qcow2_of(s);
    struct err *e = nbd_link_write(q->link, lane, off, buf, len);

    return e == NULL ? NULL : explain(q, off, len, e);
}

static struct err *
qcow2_zero(struct sink *s, unsigned lane, uint64_t off, uint64_t len)
{
    struct qcow2 *q = qcow2_of(s);
    struct err *e = nbd_link_zero(q->link, lane, off, len);

    return e == NULL ? NULL : explain(q, off, len, e);
}

static struct err *
qcow2_read(struct sink *s, unsigned lane, uint64_t off, void *buf, size_t len)
{
    struct qcow2 *q = qcow2_of(s);
    struct err *e = nbd_link_read(q->link, lane, off, buf, len);

    if (e == NULL)
        return NULL;
    errno = (int)err_os_number(e);
    return err_because(fail(RestoreReadBackFailed, s->name, (int64_t)off, (int64_t)len), e);
}

/* The image may end with part of a sector that the disk does not have. */
static struct err *
zero_tail(struct qcow2 *q)
{
    uint64_t end = whole_sectors(q->s.size);

    if (!q->s.fresh && end > q->s.size)
        TRY(qcow2_zero(&q->s, 0, q->s.size, end - q->s.size));
    return NULL;
}

static struct err *
qcow2_finish(struct sink *s)
{
    struct qcow2 *q = qcow2_of(s);

    TRY(zero_tail(q));
    struct err *e = nbd_link_flush(q->link);
    if (e != NULL)
        return explain(q, 0, s->size, e);
    TRY(stop_serving(q));
    if (q->new != NULL)
        TRY(newfile_commit(q->new, q->replace));
    else if (q->image_size > whole_sectors(s->size))
        TRY(resize_image(q, true));
    return NULL;
}

static void
qcow2_free(struct sink *s)
{
    struct qcow2 *q = qcow2_of(s);

    qemu_nbd_free(q->server);
    newfile_free(q->new);
    free(q);
}

static const struct sink_vtable qcow2_calls = {
    .write = qcow2_write,
    .zero = qcow2_zero,
    .read = qcow2_read,
    .finish = qcow2_finish,
    .free = qcow2_free,
};

static struct err *
open_new(struct qcow2 *q, const struct sink_options *o)
{
    TRY(create_image(q));
    TRY(serve(q, o));
    q->s.fresh = true;
    return NULL;
}

static struct err *
open_in_place(struct qcow2 *q, const struct sink_options *o)
{
    TRY(serve(q, o));
    if (q->image_size < whole_sectors(q->s.size)) {
        TRY(stop_serving(q));
        TRY(resize_image(q, false));
        TRY(serve(q, o));
    }
    q->s.readable = true;
    return NULL;
}

struct err *
sink_qcow2_open(const char *path, uint64_t size, enum sink_there there,
    const struct sink_options *options, struct sink **ret)
{
    struct qcow2 *q = calloc(1, sizeof(*q));

    if (q == NULL)
        return fail(OutOfMemory);
    auto_ptr(sink) s = &q->s;
    q->replace = options->force;
    TRY(sink_init(s, &qcow2_calls, path, size));
    if (there == SINK_FILE && options->in_place)
        TRY(open_in_place(q, options));
    else
        TRY(open_new(q, options));
    if (q->image_size < whole_sectors(size))
        return fail(RestoreTargetTooSmall, path, (int64_t)size, (int64_t)q->image_size);
    *ret = take(s);
    return NULL;
}
