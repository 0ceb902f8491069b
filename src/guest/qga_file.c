/* SPDX-License-Identifier: Apache-2.0 */
/* qga_file.c -- files of the guest, in chunks.
 *
 * What was written is read back and compared with what it was made from: that needs no
 * program in the guest, and no hash says more than the bytes.  The same comparison, made
 * first, finds how far an earlier transfer came. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "codes.h"
#include "json_read.h"
#include "qga_internal.h"
#include "write_all.h"

enum { CLOSE_MS = 5000 };

struct remote {
    struct qga *g;
    const char *path;
    struct deadline by;
    json_int_t handle;
};

static struct err *
failed(const struct remote *f, struct err *e)
{
    if (err_code(e) != E_AgentRefused)
        return e;
    return err_because(fail(GuestFileFailed, qga_name(f->g), f->path), e);
}

static struct err *
open_remote(struct qga *g, const char *path, const char *mode, struct deadline by,
    struct remote *ret)
{
    json_auto_t *arguments = NULL, *value = NULL;
    struct remote f = { g, path, by, 0 };

    TRY(json_build(path, &arguments, "{s:s, s:s}", "path", path, "mode", mode));
    TRY(failed(&f, qga_ask(g, "guest-file-open", arguments, by, &value)));
    if (!json_is_integer(value))
        return qga_odd(g, "guest-file-open");
    f.handle = json_integer_value(value);
    *ret = f;
    return NULL;
}

/* One that failed is closed too, within a time of its own; ${e} is how the work went. */
static struct err *
close_remote(struct remote *f, struct err *e)
{
    json_auto_t *arguments = NULL;
    struct deadline by = e == NULL ? f->by : deadline_in_ms(CLOSE_MS);

    if (err_code(e) == E_AgentGone || err_code(e) == E_AgentWrong)
        return e; /* there is nobody to tell */
    struct err *second = json_build(f->path, &arguments, "{s:I}", "handle", f->handle);
    if (second == NULL)
        second = failed(f, qga_ask(f->g, "guest-file-close", arguments, by, NULL));
    return err_also(e, second);
}

static struct err *
read_piece(const struct remote *f, size_t max, struct qga_piece *ret)
{
    json_auto_t *arguments = NULL, *value = NULL;
    bool ok;

    TRY(json_build(f->path, &arguments, "{s:I, s:I}", "handle", f->handle, "count",
        (json_int_t)max));
    TRY(failed(f, qga_ask(f->g, "guest-file-read", arguments, f->by, &value)));
    TRY(qga_decode_piece(value, max, ret, &ok));
    return ok ? NULL : qga_odd(f->g, "guest-file-read");
}

/* All of ${data}, in as many steps as the guest needs.  A request that QEMU's socket takes only
 * a part of at once libvirt begins to send anew, behind that part: so each is small. */
static struct err *
write_piece(const struct remote *f, struct view data)
{
    while (data.len > 0) {
        json_auto_t *arguments = NULL, *value = NULL;
        auto_free char *text = NULL;
        struct view part = { data.data, data.len < QGA_SENT ? data.len : QGA_SENT };

        TRY(qga_encode(part, &text));
        TRY(json_build(f->path, &arguments, "{s:I, s:s}", "handle", f->handle, "buf-b64",
            text));
        TRY(failed(f, qga_ask(f->g, "guest-file-write", arguments, f->by, &value)));
        json_int_t n = json_integer_value(json_object_get(value, "count"));
        if (n <= 0 || (uint64_t)n > part.len)
            return qga_odd(f->g, "guest-file-write");
        data.data += n;
        data.len -= (size_t)n;
    }
    return NULL;
}

static struct err *
rewind_remote(const struct remote *f)
{
    json_auto_t *arguments = NULL;

    TRY(json_build(f->path, &arguments, "{s:I, s:i, s:i}", "handle", f->handle, "offset", 0,
        "whence", 0));
    return failed(f, qga_ask(f->g, "guest-file-seek", arguments, f->by, NULL));
}

static struct err *
flush_remote(const struct remote *f)
{
    json_auto_t *arguments = NULL;

    TRY(json_build(f->path, &arguments, "{s:I}", "handle", f->handle));
    return failed(f, qga_ask(f->g, "guest-file-flush", arguments, f->by, NULL));
}

/* Up to ${len} bytes of a local file at ${off}; fewer only at its end. */
static struct err *
read_local(int fd, uint64_t off, uint8_t *to, size_t len, size_t *ret_len)
{
    size_t got = 0;

    while (got < len) {
        ssize_t n = pread(fd, to + got, len - got, (off_t)(off + got));
        if (n < 0 && errno != EINTR)
            return fail(FileUnreadable, "the file to be copied");
        if (n == 0)
            break;
        if (n > 0)
            got += (size_t)n;
    }
    *ret_len = got;
    return NULL;
}

/* How far do they agree, from the start of both?  *ret_whole: the guest's file ended there,
 * so it is a beginning of ours, or all of it. */
static struct err *
agreement(const struct remote *f, int fd, uint64_t *ret_len, bool *ret_whole)
{
    auto_free uint8_t *local = malloc(QGA_CHUNK);
    uint64_t at = 0;
    bool same = true, eof = false;

    if (local == NULL)
        return fail(OutOfMemory);
    while (same && !eof) {
        struct qga_piece p = { 0 };
        size_t got = 0;

        TRY(read_piece(f, QGA_CHUNK, &p));
        struct err *e = read_local(fd, at, local, p.len, &got);
        same = got == p.len && (got == 0 || memcmp(local, p.data, got) == 0);
        eof = p.eof;
        at += p.len;
        free(p.data);
        TRY(e);
    }
    *ret_len = at;
    *ret_whole = same;
    return NULL;
}

static struct err *
send_rest(const struct remote *f, int fd, uint64_t at)
{
    auto_free uint8_t *local = malloc(QGA_CHUNK);
    size_t got;

    if (local == NULL)
        return fail(OutOfMemory);
    for (;; at += got) {
        TRY(read_local(fd, at, local, QGA_CHUNK, &got));
        if (got == 0)
            break;
        TRY(write_piece(f, (struct view){ local, got }));
    }
    return flush_remote(f);
}

/* Go on with what is there; *ret_done = false when it is something else. */
static struct err *
go_on(const struct remote *f, int fd, bool *ret_done)
{
    uint64_t at;

    TRY(rewind_remote(f));
    TRY(agreement(f, fd, &at, ret_done));
    return *ret_done ? send_rest(f, fd, at) : NULL;
}

/* Is the guest's file exactly ours? */
static struct err *
compare(struct qga *g, int fd, const char *path, struct deadline by)
{
    struct remote f;
    uint8_t byte;
    uint64_t len = 0;
    bool same = false;
    size_t more = 0;

    TRY(open_remote(g, path, "rb", by, &f));
    TRY(close_remote(&f, agreement(&f, fd, &len, &same)));
    if (same)
        TRY(read_local(fd, len, &byte, 1, &more));
    return same && more == 0 ? NULL : fail(GuestFileDiffers, qga_name(g), path);
}

struct err *
qga_push(struct qga *g, int fd, const char *path, struct deadline by)
{
    struct remote f;
    bool done = false;

    TRY(open_remote(g, path, "a+b", by, &f));
    TRY(close_remote(&f, go_on(&f, fd, &done)));
    if (!done) {
        TRY(open_remote(g, path, "w+b", by, &f));
        TRY(close_remote(&f, send_rest(&f, fd, 0)));
    }
    return compare(g, fd, path, by);
}

struct err *
qga_write_file(struct qga *g, const char *path, struct view data, struct deadline by)
{
    auto_fd int fd = memfd_create("firn-push", MFD_CLOEXEC);
    if (fd < 0)
        return fail_call("memfd_create");
    if (!write_all(fd, data.data, data.len))
        return fail(SystemCallFailed, "write");
    return qga_push(g, fd, path, by);
}

static struct err *
write_local(int fd, uint64_t off, struct view data)
{
    while (data.len > 0) {
        ssize_t n = pwrite(fd, data.data, data.len, (off_t)off);
        if (n < 0 && errno != EINTR)
            return fail(FileUnwritable, "the copy of a guest's file");
        if (n > 0) {
            data.data += n;
            data.len -= (size_t)n;
            off += (uint64_t)n;
        }
    }
    return NULL;
}

/* Each piece to ${each}, at most ${max} bytes in all. */
static struct err *
receive(const struct remote *f, uint64_t max,
    struct err *(*each)(void *arg, uint64_t off, struct view data), void *arg)
{
    uint64_t at = 0;
    bool eof = false;

    while (!eof) {
        struct qga_piece p = { 0 };
        struct err *e = NULL;

        TRY(read_piece(f, QGA_CHUNK, &p));
        if (p.len > max - at)
            e = fail(GuestFileTooLarge, qga_name(f->g), f->path, max);
        else
            e = each(arg, at, (struct view){ p.data, p.len });
        eof = p.eof;
        at += p.len;
        free(p.data);
        TRY(e);
    }
    return NULL;
}

static struct err *
piece_to_file(void *arg, uint64_t off, struct view data)
{
    const int *fd = arg;

    return write_local(*fd, off, data);
}

struct err *
qga_pull(struct qga *g, const char *path, int fd, uint64_t max, struct deadline by)
{
    struct remote f;

    TRY(open_remote(g, path, "rb", by, &f));
    TRY(close_remote(&f, receive(&f, max, piece_to_file, &fd)));
    return compare(g, fd, path, by);
}

struct bytes {
    uint8_t *data;
    size_t len;
};

static struct err *
piece_to_memory(void *arg, uint64_t off, struct view data)
{
    struct bytes *b = arg;
    uint8_t *more = realloc(b->data, (size_t)off + data.len + 1);

    if (more == NULL)
        return fail(OutOfMemory);
    if (data.len > 0)
        memcpy(more + off, data.data, data.len);
    b->data = more;
    b->len = (size_t)off + data.len;
    more[b->len] = '\0';
    return NULL;
}

struct err *
qga_read_file(struct qga *g, const char *path, size_t max, struct deadline by, uint8_t **ret,
    size_t *ret_len)
{
    struct bytes b = { NULL, 0 };
    struct remote f;

    TRY(open_remote(g, path, "rb", by, &f));
    struct err *e = close_remote(&f, receive(&f, max, piece_to_memory, &b));
    if (e != NULL) {
        free(b.data);
        return e;
    }
    *ret = b.data;
    *ret_len = b.len;
    return NULL;
}
