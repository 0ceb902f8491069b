/* SPDX-License-Identifier: Apache-2.0 */
/* os.h on Linux.  A file is replaced by writing another one beside it, making that durable,
 * and renaming it; a tree is removed through open folders, so that nobody can put a link in
 * its way. */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "auto.h"
#include "bytes.h"
#include "codes.h"
#include "os.h"
#include "text.h"
#include "write_all.h"

enum { STEP_MS = 20, BLOCK = 64 * 1024, CONFIG_MAX = 64 * 1024 };

const struct os_layout os_layout = {
#if defined(__x86_64__)
    .platform = "linux-x86_64",
#elif defined(__aarch64__)
    .platform = "linux-aarch64",
#else
    .platform = "linux-other",
#endif
    .root = "/var/lib/firn/plugins",
    .settings_folder = "config",
    .status_folder = "status",
    .heartbeat_file = "heartbeat.log",
    .program_suffix = "",
    .config = "/etc/firn",
    .state_required = true,
};

struct os_lock {
    int fd;
};

struct err *
os_env(const char *name, char **ret)
{
    const char *v = getenv(name);

    *ret = NULL;
    if (v == NULL || *v == '\0')
        return NULL;
    *ret = strdup(v);
    return *ret == NULL ? fail(OutOfMemory) : NULL;
}

struct err *
os_self(char **ret)
{
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

    if (n < 0)
        return fail(FileUnreadable, "/proc/self/exe");
    path[n] = '\0';
    *ret = strdup(path);
    return *ret == NULL ? fail(OutOfMemory) : NULL;
}

struct err *
os_kind(const char *path, enum os_kind *ret)
{
    struct stat st;

    if (lstat(path, &st) != 0) {
        if (errno != ENOENT && errno != ENOTDIR)
            return fail(FileUnreadable, path);
        *ret = OS_IS_ABSENT;
        return NULL;
    }
    if (S_ISDIR(st.st_mode))
        *ret = OS_IS_FOLDER;
    else if (S_ISLNK(st.st_mode) || (S_ISREG(st.st_mode) && st.st_nlink > 1))
        *ret = OS_IS_LINK;
    else
        *ret = S_ISREG(st.st_mode) ? OS_IS_FILE : OS_IS_OTHER;
    return NULL;
}

/* *ret_fd = -1 when there is no such file. */
static struct err *
open_regular(const char *path, int *ret_fd, uint64_t *ret_len)
{
    struct stat st;
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);

    *ret_fd = -1;
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? NULL : fail(FileUnreadable, path);
    if (fstat(fd, &st) != 0)
        return fail(FileUnreadable, path);
    if (!S_ISREG(st.st_mode))
        return fail(InputInvalid, path, "it is not a regular file");
    *ret_len = (uint64_t)st.st_size;
    *ret_fd = take_fd(fd);
    return NULL;
}

/* Up to ${len} bytes; fewer only at the end of the file. */
static ssize_t
read_full(int fd, void *to, size_t len)
{
    size_t n = 0;

    while (n < len) {
        ssize_t r = read(fd, (char *)to + n, len - n);

        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return -1;
        if (r == 0)
            break;
        n += (size_t)r;
    }
    return (ssize_t)n;
}

struct err *
os_read(const char *path, size_t max, char **ret, size_t *ret_len)
{
    auto_fd int fd = -1;
    uint64_t len;
    ssize_t n;

    *ret = NULL;
    TRY(open_regular(path, &fd, &len));
    if (fd < 0)
        return NULL;
    if (len > max)
        return fail(InputInvalid, path, "it is too long");
    auto_free char *s = malloc((size_t)len + 1);
    if (s == NULL)
        return fail(OutOfMemory);
    n = read_full(fd, s, (size_t)len);
    if (n < 0)
        return fail(FileUnreadable, path);
    s[n] = '\0';
    *ret = take(s);
    *ret_len = (size_t)n;
    return NULL;
}

/* Make the entries of the folder that ${path} lies in durable. */
static struct err *
sync_folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    auto_free char *dir = slash == NULL || slash == path ?
                              strdup(slash == NULL ? "." : "/") :
                              strndup(path, (size_t)(slash - path));
    if (dir == NULL)
        return fail(OutOfMemory);
    auto_fd int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0)
        return fail(FileUnwritable, dir);
    return NULL;
}

static struct err *
write_new(const char *path, const char *bytes, size_t len)
{
    auto_fd int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);

    if (fd < 0 || !write_all(fd, bytes, len) || fsync(fd) != 0)
        return fail(FileUnwritable, path);
    return NULL;
}

struct err *
os_write(const char *path, const char *bytes, size_t len)
{
    struct text beside = { 0 };
    struct err *e;

    text_fmt(&beside, "%s.%ld.new", path, (long)getpid());
    if (beside.no_memory)
        return fail(OutOfMemory);
    auto_free char *name = beside.s;
    e = write_new(name, bytes, len);
    if (e == NULL && rename(name, path) != 0)
        e = fail(FileUnwritable, path);
    if (e != NULL) {
        (void)unlink(name);
        return e;
    }
    TRY(sync_folder_of(path));
    return NULL;
}

struct err *
os_digest(const char *path, char ret_hex[DIGEST_HEX], uint64_t *ret_len)
{
    auto_fd int fd = -1;
    uint8_t sum[DIGEST_BYTES];
    struct digest d;
    uint64_t len;
    ssize_t n;

    TRY(open_regular(path, &fd, &len));
    if (fd < 0)
        return err_with_os(fail(FileUnreadable, path), ENOENT);
    auto_free char *block = malloc(BLOCK);
    if (block == NULL)
        return fail(OutOfMemory);
    digest_init(&d);
    while ((n = read_full(fd, block, BLOCK)) > 0)
        digest_add(&d, block, (size_t)n);
    if (n < 0)
        return fail(FileUnreadable, path);
    *ret_len = d.len;
    digest_end(&d, sum);
    bytes_to_hex(sum, sizeof(sum), ret_hex);
    return NULL;
}

struct err *
os_copy(const char *from, const char *to, bool run)
{
    auto_fd int in = -1;
    uint64_t len;
    ssize_t n;

    TRY(open_regular(from, &in, &len));
    if (in < 0)
        return err_with_os(fail(FileUnreadable, from), ENOENT);
    auto_fd int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
        run ? 0755 : 0644);
    auto_free char *block = malloc(BLOCK);
    if (block == NULL)
        return fail(OutOfMemory);
    if (out < 0)
        return fail(FileUnwritable, to);
    while ((n = read_full(in, block, BLOCK)) > 0)
        if (!write_all(out, block, (size_t)n))
            return fail(FileUnwritable, to);
    if (n < 0)
        return fail(FileUnreadable, from);
    if (fsync(out) != 0)
        return fail(FileUnwritable, to);
    return NULL;
}

static int
by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool
is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static struct err *
add_names(const char *folder, DIR *dir, struct os_names *to)
{
    struct dirent *d;

    for (errno = 0; (d = readdir(dir)) != NULL; errno = 0) {
        if (is_dots(d->d_name))
            continue;
        if (to->n == OS_NAMES_MAX)
            return fail(InputInvalid, folder, "it holds too many files");
        char **grown = realloc(to->name, (to->n + 1) * sizeof(*grown));
        if (grown == NULL)
            return fail(OutOfMemory);
        to->name = grown;
        to->name[to->n] = strdup(d->d_name);
        if (to->name[to->n++] == NULL)
            return fail(OutOfMemory);
    }
    return errno != 0 ? fail(FileUnreadable, folder) : NULL;
}

struct err *
os_list(const char *folder, struct os_names *ret)
{
    struct os_names names = { 0 };
    struct err *e;
    DIR *dir = opendir(folder);

    *ret = names;
    if (dir == NULL)
        return errno == ENOENT || errno == ENOTDIR ? NULL : fail(FileUnreadable, folder);
    e = add_names(folder, dir, &names);
    (void)closedir(dir);
    if (e != NULL) {
        os_names_done(&names);
        return e;
    }
    if (names.n > 0)
        qsort(names.name, names.n, sizeof(names.name[0]), by_bytes);
    *ret = names;
    return NULL;
}

struct err *
os_make_folder(const char *path)
{
    auto_free char *p = strdup(path);

    if (p == NULL)
        return fail(OutOfMemory);
    for (char *s = p + 1;; s++) {
        char c = *s;

        if (c != '/' && c != '\0')
            continue;
        *s = '\0';
        if (mkdir(p, 0755) != 0 && errno != EEXIST)
            return fail(FileUnwritable, p);
        if (c == '\0')
            break;
        *s = c;
    }
    return NULL;
}

struct err *
os_rename(const char *from, const char *to)
{
    if (rename(from, to) != 0)
        return fail(FileUnwritable, to);
    TRY(sync_folder_of(to));
    return NULL;
}

struct err *
os_remove(const char *path)
{
    if (unlink(path) != 0 && errno != ENOENT)
        return fail(FileUnwritable, path);
    return NULL;
}

/* Everything in the open folder, which is closed. */
static bool
empty_folder(int fd, unsigned depth)
{
    DIR *dir = fdopendir(fd);
    struct dirent *d;
    bool good = dir != NULL && depth < OS_DEPTH_MAX;

    if (dir == NULL)
        (void)close(fd);
    while (good && (d = readdir(dir)) != NULL) {
        if (is_dots(d->d_name) || unlinkat(fd, d->d_name, 0) == 0)
            continue;
        int sub = errno != EISDIR && errno != EPERM ?
                      -1 :
                      openat(fd, d->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        good = sub >= 0 && empty_folder(sub, depth + 1) &&
               unlinkat(fd, d->d_name, AT_REMOVEDIR) == 0;
    }
    int kept = errno;
    if (dir != NULL)
        (void)closedir(dir);
    errno = kept;
    return good;
}

struct err *
os_remove_tree(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0 && errno == ENOENT)
        return NULL;
    if (fd < 0 || !empty_folder(fd, 0) || rmdir(path) != 0)
        return fail(FileUnwritable, path);
    return NULL;
}

struct err *
os_lock(const char *path, struct deadline by, struct os_lock **ret)
{
    auto_ptr(os_lock) l = calloc(1, sizeof(*l));

    if (l == NULL)
        return fail(OutOfMemory);
    l->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (l->fd < 0)
        return fail(FileUnwritable, path);
    /* the kernel has no lock with a deadline: ask again in steps */
    while (flock(l->fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return fail(SystemCallFailed, "flock");
        if (deadline_passed(by))
            return fail(HandlerBusy, path);
        (void)poll(NULL, 0, deadline_poll_ms(deadline_first(by, deadline_in_ms(STEP_MS))));
    }
    *ret = take(l);
    return NULL;
}

void
os_lock_free(struct os_lock *l)
{
    if (l == NULL)
        return;
    if (l->fd >= 0)
        (void)close(l->fd);
    free(l);
}

/* The text behind "value =" in the line from ${s} on, or NULL. */
static char *
line_value(const char *s, const char *value)
{
    size_t n = strlen(value), len;

    s += strspn(s, " \t");
    if (strncmp(s, value, n) != 0)
        return NULL;
    s += n;
    s += strspn(s, " \t");
    if (*s != '=')
        return NULL;
    s++;
    s += strspn(s, " \t");
    len = strcspn(s, "\r\n");
    while (len > 0 && (s[len - 1] == ' ' || s[len - 1] == '\t'))
        len--;
    return strndup(s, len);
}

struct err *
os_persistent(const char *key, const char *value, char **ret)
{
    auto_free char *folder = NULL, *path = NULL, *text = NULL;
    size_t len;

    (void)key; /* one file holds what Windows has below several keys */
    *ret = NULL;
    TRY(os_env("FIRN_CONFIG", &folder));
    TRY(os_join(folder != NULL ? folder : os_layout.config, "persistent.conf", &path));
    TRY(os_read(path, CONFIG_MAX, &text, &len));
    for (const char *s = text; s != NULL && *s != '\0';) {
        *ret = line_value(s, value);
        if (*ret != NULL)
            return NULL;
        s += strcspn(s, "\n");
        s += *s == '\n';
    }
    return NULL;
}
