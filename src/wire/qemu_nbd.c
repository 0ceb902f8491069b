/* SPDX-License-Identifier: Apache-2.0 */
/* qemu_nbd.c -- start, connect, leave no trace.
 *
 * Because the socket listens before the server runs, there is nothing to wait for or to
 * poll: the connection is queued, and either the server takes it or it dies and the kernel
 * resets the connection.  For that our own end of the listening socket must be closed before
 * we connect. */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "codes.h"
#include "proc.h"
#include "qemu_nbd.h"
#include "text.h"

enum {
    WORDS_WAIT_MS = 2000, /* for the end of a server that gave up */
    /* QEMU locks single bytes of an image: one per permission that it uses, from 100 on,
     * and one per permission that it denies others, from 200 on.  Writing is the second. */
    QEMU_LOCK_FIRST = 100,
    QEMU_LOCK_WRITE = 101,
    QEMU_LOCK_END = 300
};

struct qemu_nbd {
    struct proc *proc;
    struct nbd_link *link;
    char folder[PATH_MAX];
    struct sockaddr_un address;
};

struct err *
qemu_tool_find(const char *program, char **ret_path)
{
    auto_free char *path = NULL;

    TRY(proc_find(program, &path));
    if (path == NULL)
        return fail(ImageToolMissing, program);
    *ret_path = take(path);
    return NULL;
}

struct err *
qemu_image_options(const char *path, const char *format, char **ret)
{
    struct text t = { 0 };
    struct stat st;
    bool device = stat(path, &st) == 0 && S_ISBLK(st.st_mode);

    text_fmt(&t, "driver=%s,file.driver=%s,file.filename=", format,
        device ? "host_device" : "file");
    for (; *path != '\0'; path++)
        text_add(&t, *path == ',' ? ",," : path, *path == ',' ? 2 : 1);
    if (t.no_memory) {
        text_done(&t);
        return fail(OutOfMemory);
    }
    *ret = t.s;
    return NULL;
}

bool
qemu_lock_held(const char *path, bool any)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

    lock.l_start = any ? QEMU_LOCK_FIRST : QEMU_LOCK_WRITE;
    lock.l_len = any ? QEMU_LOCK_END - QEMU_LOCK_FIRST : 1;
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    return fd >= 0 && fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

static void
remove_folder(struct qemu_nbd *q)
{
    if (q->folder[0] == '\0')
        return;
    (void)unlink(q->address.sun_path);
    (void)rmdir(q->folder);
    q->folder[0] = '\0';
}

static struct err *
make_socket(struct qemu_nbd *q, const char *run_dir, int *ret_fd)
{
    if (run_dir == NULL)
        run_dir = getenv("XDG_RUNTIME_DIR");
    if (run_dir == NULL || run_dir[0] == '\0')
        run_dir = "/tmp";
    q->address.sun_family = AF_UNIX;
    if (strlen(run_dir) + sizeof("/firn-XXXXXX/nbd") > sizeof(q->address.sun_path))
        return fail(InputInvalid, run_dir, "the path is too long for a socket in it");
    snprintf(q->folder, sizeof(q->folder), "%s/firn-XXXXXX", run_dir);
    if (mkdtemp(q->folder) == NULL) {
        struct err *e = fail(FileUnwritable, run_dir);
        q->folder[0] = '\0';
        return e;
    }
    snprintf(q->address.sun_path, sizeof(q->address.sun_path), "%.103s/nbd", q->folder);
    auto_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&q->address, sizeof(q->address)) != 0 ||
        listen(fd, NBD_LINK_LANES_MAX) != 0)
        return fail(FileUnwritable, q->address.sun_path);
    *ret_fd = take_fd(fd);
    return NULL;
}

static struct err *
start_server(struct qemu_nbd *q, const char *path, const struct qemu_nbd_options *o)
{
    auto_free char *tool = NULL, *image = NULL;
    auto_fd int listen = -1;
    char shared[32];

    TRY(qemu_tool_find("qemu-nbd", &tool));
    TRY(qemu_image_options(path, o->format, &image));
    TRY(make_socket(q, o->run_dir, &listen));
    snprintf(shared, sizeof(shared), "--shared=%d", NBD_LINK_LANES_MAX);
    const char *argv[] = { tool, shared, o->writable ? "--discard=unmap" : "--read-only",
        "--image-opts", image, o->bitmap != NULL ? "--bitmap" : NULL, o->bitmap, NULL };
    struct proc_options options = { .listen_fd = listen };
    TRY(proc_start(argv, &options, &q->proc));
    return NULL;
}

bool
qemu_nbd_ended(struct qemu_nbd *q, struct err **ret_why)
{
    bool ended = false;
    int status = 0;
    struct err *e = proc_wait(q->proc, deadline_in_ms(0), &ended, &status);

    if (e == NULL && ended)
        e = fail(ChildFailed, "qemu-nbd", status);
    if (ret_why != NULL)
        *ret_why = e;
    else
        err_free(e);
    return ended;
}

/* The server did not come up: it has said why, unless it is still there. */
static struct err *
explain(struct qemu_nbd *q, const char *path, const char *name,
    const struct qemu_nbd_options *o, struct err *e)
{
    auto_free char *words = NULL;
    bool ended = false;
    int status = 0;

    if (!err_has(e, E_NbdServerGone) && !err_has(e, E_NbdUnreachable))
        return e;
    struct err *second = proc_wait(q->proc, deadline_in_ms(WORDS_WAIT_MS), &ended, &status);
    if (second == NULL)
        second = proc_words(q->proc, &words);
    if (second != NULL || !ended)
        return err_also(e, second);
    err_free(e);
    e = fail(ChildFailed, "qemu-nbd", status);
    if (qemu_lock_held(path, o->writable))
        return err_because(fail(ImageInUse, name), e);
    if (o->bitmap != NULL && strstr(words, "itmap '") != NULL)
        return err_because(fail(SourceBitmapMissing, name, o->bitmap),
            err_because(fail(ImageUnusable, name, o->format, words), e));
    return err_because(fail(ImageUnusable, name, o->format, words), e);
}

struct err *
qemu_nbd_open(const char *path, const char *name, const struct qemu_nbd_options *options,
    struct qemu_nbd **ret)
{
    struct nbd_link_options link = { .lanes = options->lanes, .writable = options->writable,
        .bitmap = options->bitmap };

    auto_ptr(qemu_nbd) q = calloc(1, sizeof(*q));
    if (q == NULL)
        return fail(OutOfMemory);
    TRY(start_server(q, path, options));
    struct err *e = nbd_link_open_socket(q->address.sun_path, name, &link, &q->link);
    remove_folder(q);
    if (e != NULL)
        return explain(q, path, name, options, e);
    *ret = take(q);
    return NULL;
}

struct nbd_link *
qemu_nbd_link(struct qemu_nbd *q)
{
    return q->link;
}

struct err *
qemu_nbd_finish(struct qemu_nbd *q, struct deadline by)
{
    bool ended;
    int status = 0;

    nbd_link_free(q->link);
    q->link = NULL;
    TRY(proc_wait(q->proc, by, &ended, &status));
    if (!ended)
        return fail(DeadlinePassed, "qemu-nbd");
    if (status != 0)
        return fail(ChildFailed, "qemu-nbd", status);
    return NULL;
}

void
qemu_nbd_free(struct qemu_nbd *q)
{
    if (q == NULL)
        return;
    int kept = errno;
    remove_folder(q);
    nbd_link_free(q->link);
    proc_free(q->proc);
    free(q);
    errno = kept;
}
