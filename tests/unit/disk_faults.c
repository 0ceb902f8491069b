/* SPDX-License-Identifier: Apache-2.0 */
/* Sources, sinks and child programs when the n-th allocation or system call fails, for every
 * n, once and from then on: a code, no file, descriptor or child left behind. */
#include "check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "pattern.h"
#include "sink.h"
#include "source.h"

static atomic_ulong calls;
static unsigned long fail_at; /* 0: never */
static bool from_then_on;

static bool
fails_now(int number)
{
    if (fail_at == 0)
        return false;
    unsigned long call = atomic_fetch_add(&calls, 1) + 1;
    if (call != fail_at && !(from_then_on && call > fail_at))
        return false;
    errno = number;
    return true;
}

/* linked with --wrap for each */
#define WRAP(type, failure, number, name, params, args) \
    type __real_##name params; \
    type __wrap_##name params; \
    type __wrap_##name params { return fails_now(number) ? (failure) : __real_##name args; }

WRAP(void *, NULL, ENOMEM, malloc, (size_t n), (n))
WRAP(void *, NULL, ENOMEM, calloc, (size_t n, size_t size), (n, size))
WRAP(void *, NULL, ENOMEM, realloc, (void *p, size_t n), (p, n))
WRAP(char *, NULL, ENOMEM, strdup, (const char *s), (s))
WRAP(int, -1, EMFILE, open64, (const char *path, int flags, mode_t mode), (path, flags, mode))
WRAP(int, -1, ENOSPC, openat64, (int dir, const char *path, int flags, mode_t mode),
    (dir, path, flags, mode))
WRAP(int, -1, EIO, stat64, (const char *path, struct stat *st), (path, st))
WRAP(int, -1, EIO, fstat64, (int fd, struct stat *st), (fd, st))
WRAP(ssize_t, -1, EIO, pread64, (int fd, void *buf, size_t n, off_t off), (fd, buf, n, off))
WRAP(ssize_t, -1, EIO, pwrite64, (int fd, const void *buf, size_t n, off_t off),
    (fd, buf, n, off))
WRAP(int, -1, ENOSPC, ftruncate64, (int fd, off_t size), (fd, size))
WRAP(int, -1, EIO, fsync, (int fd), (fd))
WRAP(int, -1, ENOSPC, linkat,
    (int from, const char *old, int to, const char *name, int flags),
    (from, old, to, name, flags))
WRAP(int, -1, EIO, renameat, (int from, const char *old, int to, const char *name),
    (from, old, to, name))
WRAP(pid_t, -1, EAGAIN, fork, (void), ())
WRAP(int, -1, EMFILE, pipe2, (int *ends, int flags), (ends, flags))
WRAP(int, -1, EMFILE, memfd_create, (const char *name, unsigned flags), (name, flags))
WRAP(int, -1, EMFILE, socket, (int domain, int type, int protocol), (domain, type, protocol))
WRAP(char *, NULL, EACCES, mkdtemp, (char *name), (name))

static size_t
count_entries(const char *folder)
{
    DIR *d = opendir(folder);
    size_t n = 0;

    assert_non_null(d);
    while (readdir(d) != NULL)
        n++;
    closedir(d);
    return n;
}

/* ${run} until nothing is left to fail.  It makes the file ${made} (or NULL) when it works. */
static void
exhaust(struct err *(*run)(void), const char *made)
{
    size_t files = count_entries(pattern_folder()), fds = count_entries("/proc/self/fd");
    unsigned long n = 0;

    for (int way = 0; way < 2; way++) {
        from_then_on = way == 1;
        for (n = 1;; n++) {
            atomic_store(&calls, 0);
            fail_at = n;
            struct err *e = run();
            fail_at = 0;
            bool worked = e == NULL;
            assert_true(worked || err_code(e) > 0);
            err_free(e);
            if (made != NULL && access(made, F_OK) == 0)
                unlink(made);
            else
                assert_true(made == NULL || !worked);
            assert_int_equal(count_entries(pattern_folder()), files);
            assert_int_equal(count_entries("/proc/self/fd"), fds);
            assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
            if (atomic_load(&calls) < n) {
                assert_true(worked);
                break;
            }
            assert_true(n < 2000);
        }
    }
    print_message("# %lu places\n", n - 1);
}

static const char *spec;

static struct err *
read_it(void)
{
    struct source_options options = { .lanes = 2, .run_dir = pattern_folder() };
    auto_ptr(source) s = NULL;
    enum source_extent kind;
    struct source_stamp then;
    uint8_t buf[5000];
    uint64_t len;
    bool same;

    TRY(source_open(spec, &options, &s));
    then = s->stamp;
    TRY(source_extent(s, 0, &kind, &len));
    TRY(source_read(s, 0, 0, buf, sizeof(buf)));
    TRY(source_read(s, s->lanes - 1, 60000, buf, 5));
    TRY(source_unwritten(s, &then, &same));
    TRY(source_check(s));
    return NULL;
}

static bool in_place, force;

static struct err *
write_it(void)
{
    struct sink_options options = { .lanes = 2, .run_dir = pattern_folder(),
        .in_place = in_place, .force = force };
    auto_ptr(sink) s = NULL;
    uint8_t buf[5000] = { 1 };

    TRY(sink_open(spec, 65536, &options, &s));
    TRY(sink_write(s, 0, 0, buf, sizeof(buf)));
    TRY(sink_write(s, 1, 60000, buf, 5));
    TRY(sink_zero(s, 0, 100, 20000));
    if (s->readable)
        TRY(sink_read(s, 1, 100, buf, 200));
    TRY(sink_finish(s));
    return NULL;
}

static void
sources(void **state)
{
    uint64_t size = 65536;
    auto_free uint8_t *data = pattern_new(1, size, NULL);
    struct sink_options options = { .run_dir = pattern_folder() };
    struct sink *image = NULL;
    char raw[4400];

    (void)state;
    spec = strcpy(raw, pattern_path("disk.raw"));
    pattern_to_file(raw, data, size, NULL);
    exhaust(read_it, NULL);
    unlink(raw);
    spec = strcpy(raw, pattern_path("disk.qcow2"));
    assert_ok(sink_open(raw, size, &options, &image));
    assert_ok(sink_write(image, 0, 0, data, size));
    assert_ok(sink_finish(image));
    sink_free(image);
    exhaust(read_it, NULL);
    unlink(raw);
}

static void
new_files(void **state)
{
    static const char *const names[] = { "new.raw", "new.qcow2" };
    char path[4400];

    (void)state;
    for (int i = 0; i < 4; i++) {
        spec = strcpy(path, pattern_path(names[i % 2]));
        force = i >= 2;
        exhaust(write_it, path);
    }
    force = false;
}

static void
in_place_files(void **state)
{
    char path[4400];

    (void)state;
    spec = strcpy(path, pattern_path("place.raw"));
    pattern_to_file(path, (const uint8_t *)"x", 1, NULL);
    in_place = true;
    exhaust(write_it, NULL);
    in_place = false;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sources),
        cmocka_unit_test(new_files),
        cmocka_unit_test(in_place_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
