/* SPDX-License-Identifier: Apache-2.0 */
/* record.c -- see the header.
 *
 * Files and folders are known by their inode; one that is created gets a new node, so that
 * an inode that the file system uses again is not mistaken.  One lock is held over each
 * recorded call and its note, so that the record has the order in which things happened. */
#include "check.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record.h"

int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __real_openat64(int dir, const char *path, int flags, ...);
int __wrap_openat64(int dir, const char *path, int flags, ...);
ssize_t __real_write(int fd, const void *data, size_t len);
ssize_t __wrap_write(int fd, const void *data, size_t len);
ssize_t __real_pwrite64(int fd, const void *data, size_t len, off64_t off);
ssize_t __wrap_pwrite64(int fd, const void *data, size_t len, off64_t off);
int __real_ftruncate64(int fd, off64_t len);
int __wrap_ftruncate64(int fd, off64_t len);
int __real_fallocate64(int fd, int mode, off64_t off, off64_t len);
int __wrap_fallocate64(int fd, int mode, off64_t off, off64_t len);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_linkat(int from_dir, const char *from, int dir, const char *to, int flags);
int __wrap_linkat(int from_dir, const char *from, int dir, const char *to, int flags);
int __real_renameat(int from_dir, const char *from, int dir, const char *to);
int __wrap_renameat(int from_dir, const char *from, int dir, const char *to);
int __real_renameat2(int from_dir, const char *from, int dir, const char *to, unsigned flags);
int __wrap_renameat2(int from_dir, const char *from, int dir, const char *to, unsigned flags);
int __real_mkdir(const char *path, mode_t mode);
int __wrap_mkdir(const char *path, mode_t mode);
int __real_mkdirat(int dir, const char *path, mode_t mode);
int __wrap_mkdirat(int dir, const char *path, mode_t mode);
int __real_unlink(const char *path);
int __wrap_unlink(const char *path);
int __real_unlinkat(int dir, const char *path, int flags);
int __wrap_unlinkat(int dir, const char *path, int flags);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct record now;
static size_t op_room, node_room;
static bool recording, no_tmpfile, filling, onwards;
static dev_t device;
static const char *forgotten;
static unsigned syncs, wanted_sync, needed, refused, refuse_at;
static void (*before_sync)(void *arg);
static void *before_sync_arg;

/* ---- the record; with the lock held ---- */

static void *
more(void *items, size_t n, size_t *room, size_t len)
{
    if (n < *room)
        return items;
    *room = *room ? 2 * *room : 256;
    items = realloc(items, *room * len);
    assert_non_null(items);
    return items;
}

static struct record_op *
note(enum record_kind kind, int node)
{
    now.op = more(now.op, now.nops, &op_room, sizeof(*now.op));
    struct record_op *op = &now.op[now.nops++];
    *op = (struct record_op){ .kind = kind, .node = node, .target = NO_NODE };
    return op;
}

static int
add_node(const struct stat *st, int folder, const char *name)
{
    char path[PATH_MAX] = "";

    now.node = more(now.node, now.nnodes, &node_room, sizeof(*now.node));
    if (S_ISDIR(st->st_mode) && now.nnodes > 0)
        (void)snprintf(path, sizeof(path), "%s%s%s", now.node[folder].path,
            folder == RECORD_ROOT ? "" : "/", name);
    now.node[now.nnodes] = (struct record_node){ .ino = st->st_ino,
        .is_folder = S_ISDIR(st->st_mode), .path = strdup(path) };
    return (int)now.nnodes++;
}

static int
find_node(const struct stat *st)
{
    for (size_t i = now.nnodes; st->st_dev == device && i-- > 0;)
        if (now.node[i].ino == st->st_ino)
            return (int)i;
    return NO_NODE;
}

static int
node_of_fd(int fd)
{
    struct stat st;

    return recording && fstat(fd, &st) == 0 ? find_node(&st) : NO_NODE;
}

/* The folder that ${path} lies in, and its last part; NO_NODE when it is not recorded. */
static int
locate(int dir, const char *path, const char **ret_name)
{
    char folder[PATH_MAX] = ".";
    size_t len = strlen(path);
    struct stat st;

    if (!recording)
        return NO_NODE;
    while (len > 1 && path[len - 1] == '/')
        len--;
    const char *slash = memrchr(path, '/', len);
    *ret_name = slash == NULL ? path : slash + 1;
    if (slash == path)
        (void)snprintf(folder, sizeof(folder), "/");
    else if (slash != NULL)
        (void)snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
    return fstatat(dir, folder, &st, 0) == 0 ? find_node(&st) : NO_NODE;
}

static void
note_name(int folder, const char *name, int target)
{
    struct record_op *op = note(RECORD_NAME, folder);
    size_t len = strcspn(name, "/");

    op->target = target;
    op->name = strndup(name, len);
    assert_non_null(op->name);
}

static void
note_write(int node, uint64_t off, const void *data, size_t len)
{
    struct record_op *op = note(RECORD_WRITE, node);

    op->off = off;
    op->len = len;
    op->data = malloc(len + 1);
    assert_non_null(op->data);
    memcpy(op->data, data, len);
}

/* ---- a full disk ---- */

static bool
no_room(void)
{
    if (!filling)
        return false;
    needed++;
    if (refuse_at == 0 || needed < refuse_at || (needed > refuse_at && !onwards))
        return false;
    refused++;
    errno = ENOSPC;
    return true;
}

/* ---- the calls ---- */

#define LOCKED(call) \
    ({ \
        pthread_mutex_lock(&lock); \
        __typeof__(call) r_ = (call); \
        int kept_ = errno; \
        pthread_mutex_unlock(&lock); \
        errno = kept_; \
        r_; \
    })

static int
do_open(int dir, const char *path, int flags, mode_t mode)
{
    bool nameless = (flags & O_TMPFILE) == O_TMPFILE;
    bool creates = nameless || (flags & O_CREAT) != 0;
    struct stat st;

    if (nameless && no_tmpfile) {
        errno = EOPNOTSUPP;
        return -1;
    }
    bool there = !creates || (!nameless && fstatat(dir, path, &st, 0) == 0);
    if (!there && no_room())
        return -1;
    int fd = __real_openat64(dir, path, flags, mode);
    if (fd < 0 || !recording || fstat(fd, &st) != 0 || st.st_dev != device)
        return fd;
    if (there) {
        if ((flags & O_TRUNC) != 0 && find_node(&st) != NO_NODE)
            note(RECORD_SIZE, find_node(&st));
        return fd;
    }
    const char *name = "";
    int folder = nameless ? NO_NODE : locate(dir, path, &name);
    if (nameless)
        add_node(&st, RECORD_ROOT, "");
    else if (folder != NO_NODE)
        note_name(folder, name, add_node(&st, folder, name));
    return fd;
}

int
__wrap_open64(const char *path, int flags, ...)
{
    va_list args;

    va_start(args, flags);
    mode_t mode = (flags & (O_CREAT | __O_TMPFILE)) != 0 ? va_arg(args, mode_t) : 0;
    va_end(args);
    return LOCKED(do_open(AT_FDCWD, path, flags, mode));
}

int
__wrap_openat64(int dir, const char *path, int flags, ...)
{
    va_list args;

    va_start(args, flags);
    mode_t mode = (flags & (O_CREAT | __O_TMPFILE)) != 0 ? va_arg(args, mode_t) : 0;
    va_end(args);
    return LOCKED(do_open(dir, path, flags, mode));
}

static ssize_t
do_write(int fd, const void *data, size_t len)
{
    int node = node_of_fd(fd);
    off_t off = node == NO_NODE ? 0 : lseek(fd, 0, SEEK_CUR);

    if (no_room())
        return -1;
    ssize_t n = __real_write(fd, data, len);
    if (n > 0 && node != NO_NODE)
        note_write(node, (uint64_t)off, data, (size_t)n);
    return n;
}

ssize_t
__wrap_write(int fd, const void *data, size_t len)
{
    return LOCKED(do_write(fd, data, len));
}

static ssize_t
do_pwrite(int fd, const void *data, size_t len, off64_t off)
{
    int node = node_of_fd(fd);

    if (no_room())
        return -1;
    ssize_t n = __real_pwrite64(fd, data, len, off);
    if (n > 0 && node != NO_NODE)
        note_write(node, (uint64_t)off, data, (size_t)n);
    return n;
}

ssize_t
__wrap_pwrite64(int fd, const void *data, size_t len, off64_t off)
{
    return LOCKED(do_pwrite(fd, data, len, off));
}

static int
do_truncate(int fd, off64_t len)
{
    int node = node_of_fd(fd);
    int bad = __real_ftruncate64(fd, len);

    if (bad == 0 && node != NO_NODE)
        note(RECORD_SIZE, node)->off = (uint64_t)len;
    return bad;
}

int
__wrap_ftruncate64(int fd, off64_t len)
{
    return LOCKED(do_truncate(fd, len));
}

/* Holes in recorded files would need a step of their own; the callers can do without. */
int
__wrap_fallocate64(int fd, int mode, off64_t off, off64_t len)
{
    pthread_mutex_lock(&lock);
    bool recorded = node_of_fd(fd) != NO_NODE;
    pthread_mutex_unlock(&lock);
    if (!recorded)
        return __real_fallocate64(fd, mode, off, len);
    errno = EOPNOTSUPP;
    return -1;
}

static bool
is_forgotten(int node)
{
    const struct record_node *n = &now.node[node];

    if (forgotten == NULL)
        return false;
    if (strcmp(forgotten, "*") == 0)
        return !n->is_folder;
    return n->is_folder && strncmp(n->path, forgotten, strlen(forgotten)) == 0 &&
        (forgotten[0] != '\0' || n->path[0] == '\0');
}

static int
do_sync(int fd)
{
    int node = node_of_fd(fd);

    if (no_room())
        return -1;
    int bad = __real_fsync(fd);
    if (bad == 0 && node != NO_NODE && !is_forgotten(node))
        note(RECORD_SYNC, node);
    return bad;
}

int
__wrap_fsync(int fd)
{
    void (*call)(void *arg) = NULL;

    pthread_mutex_lock(&lock);
    if (recording && ++syncs == wanted_sync) {
        call = before_sync;
        wanted_sync = 0;
    }
    pthread_mutex_unlock(&lock);
    if (call != NULL)
        call(before_sync_arg);
    return LOCKED(do_sync(fd));
}

static int
do_link(int from_dir, const char *from, int dir, const char *to, int flags)
{
    const char *name = NULL;
    struct stat st;
    int folder = locate(dir, to, &name);

    if (no_room())
        return -1;
    int bad = __real_linkat(from_dir, from, dir, to, flags);
    if (bad == 0 && folder != NO_NODE && fstatat(dir, to, &st, AT_SYMLINK_NOFOLLOW) == 0)
        note_name(folder, name, find_node(&st));
    return bad;
}

int
__wrap_linkat(int from_dir, const char *from, int dir, const char *to, int flags)
{
    return LOCKED(do_link(from_dir, from, dir, to, flags));
}

/* Two steps, which a loss of power may part: the new name, and the old one gone. */
static int
do_rename(int from_dir, const char *from, int dir, const char *to, unsigned flags)
{
    const char *name = NULL, *old = NULL;
    struct stat st;
    int folder = locate(dir, to, &name), old_folder = locate(from_dir, from, &old);

    if (no_room())
        return -1;
    int bad = flags == 0 ? __real_renameat(from_dir, from, dir, to)
                         : __real_renameat2(from_dir, from, dir, to, flags);
    if (bad == 0 && folder != NO_NODE && fstatat(dir, to, &st, AT_SYMLINK_NOFOLLOW) == 0)
        note_name(folder, name, find_node(&st));
    if (bad == 0 && old_folder != NO_NODE)
        note_name(old_folder, old, NO_NODE);
    return bad;
}

int
__wrap_renameat(int from_dir, const char *from, int dir, const char *to)
{
    return LOCKED(do_rename(from_dir, from, dir, to, 0));
}

int
__wrap_renameat2(int from_dir, const char *from, int dir, const char *to, unsigned flags)
{
    return LOCKED(do_rename(from_dir, from, dir, to, flags));
}

static int
do_mkdir(int dir, const char *path, mode_t mode)
{
    const char *name = NULL;
    struct stat st;
    int folder = locate(dir, path, &name);

    if (faccessat(dir, path, F_OK, 0) != 0 && no_room())
        return -1;
    int bad = __real_mkdirat(dir, path, mode);
    if (bad == 0 && folder != NO_NODE && fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) == 0)
        note_name(folder, name, add_node(&st, folder, name));
    return bad;
}

int
__wrap_mkdir(const char *path, mode_t mode)
{
    return LOCKED(do_mkdir(AT_FDCWD, path, mode));
}

int
__wrap_mkdirat(int dir, const char *path, mode_t mode)
{
    return LOCKED(do_mkdir(dir, path, mode));
}

static int
do_unlink(int dir, const char *path, int flags)
{
    const char *name = NULL;
    int folder = locate(dir, path, &name);
    int bad = __real_unlinkat(dir, path, flags);

    if (bad == 0 && folder != NO_NODE)
        note_name(folder, name, NO_NODE);
    return bad;
}

int
__wrap_unlink(const char *path)
{
    return LOCKED(do_unlink(AT_FDCWD, path, 0));
}

int
__wrap_unlinkat(int dir, const char *path, int flags)
{
    return LOCKED(do_unlink(dir, path, flags));
}

/* ---- beginning and ending ---- */

void
record_begin(const char *root)
{
    struct stat st;

    assert_int_equal(stat(root, &st), 0);
    pthread_mutex_lock(&lock);
    now = (struct record){ 0 };
    op_room = node_room = 0;
    device = st.st_dev;
    add_node(&st, RECORD_ROOT, "");
    recording = true;
    syncs = wanted_sync = 0;
    pthread_mutex_unlock(&lock);
}

void
record_end(struct record *ret)
{
    pthread_mutex_lock(&lock);
    recording = no_tmpfile = false;
    forgotten = NULL;
    *ret = now;
    now = (struct record){ 0 };
    pthread_mutex_unlock(&lock);
}

void
record_done(struct record *r)
{
    for (size_t i = 0; i < r->nops; i++) {
        free(r->op[i].data);
        free(r->op[i].name);
    }
    for (size_t i = 0; i < r->nnodes; i++)
        free(r->node[i].path);
    free(r->op);
    free(r->node);
    *r = (struct record){ 0 };
}

size_t
record_mark(unsigned number)
{
    size_t at = 0;

    pthread_mutex_lock(&lock);
    if (recording) {
        note(RECORD_MARK, NO_NODE)->off = number;
        at = now.nops;
    }
    pthread_mutex_unlock(&lock);
    return at;
}

void
record_without_tmpfile(bool yes)
{
    no_tmpfile = yes;
}

void
record_forget_syncs(const char *prefix)
{
    forgotten = prefix;
}

void
record_before_sync(unsigned n, void (*fn)(void *arg), void *arg)
{
    pthread_mutex_lock(&lock);
    before_sync = fn;
    before_sync_arg = arg;
    wanted_sync = n == 0 ? 0 : syncs + n;
    pthread_mutex_unlock(&lock);
}

unsigned
record_syncs(void)
{
    pthread_mutex_lock(&lock);
    unsigned n = syncs;
    pthread_mutex_unlock(&lock);
    return n;
}

void
record_fill_disk(unsigned n, bool from_then_on)
{
    pthread_mutex_lock(&lock);
    filling = true;
    onwards = from_then_on;
    refuse_at = n;
    needed = refused = 0;
    pthread_mutex_unlock(&lock);
}

unsigned
record_empty_disk(unsigned *ret_refused)
{
    pthread_mutex_lock(&lock);
    filling = false;
    unsigned n = needed;
    if (ret_refused != NULL)
        *ret_refused = refused;
    pthread_mutex_unlock(&lock);
    return n;
}
