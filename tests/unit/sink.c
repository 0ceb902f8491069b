/* SPDX-License-Identifier: Apache-2.0 */
/* Sinks: memory, files, loop devices, standard output, qcow2; in place; what is refused; what
 * a failed restore leaves behind: nothing. */
#include "check.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <linux/loop.h>

#include "pattern.h"
#include "proc.h"
#include "sink_conformance.h"

enum { MIB = 1 << 20 };

/* linked with --wrap=openat64 and --wrap=renameat2 */
static bool plain_file_system;
int __real_openat64(int dir, const char *path, int flags, mode_t mode);
int __wrap_openat64(int dir, const char *path, int flags, mode_t mode);
int __real_renameat2(int from, const char *old, int to, const char *name, unsigned flags);
int __wrap_renameat2(int from, const char *old, int to, const char *name, unsigned flags);

int
__wrap_openat64(int dir, const char *path, int flags, mode_t mode)
{
    if (plain_file_system && (flags & O_TMPFILE) == O_TMPFILE) {
        errno = EOPNOTSUPP;
        return -1;
    }
    return __real_openat64(dir, path, flags, mode);
}

int
__wrap_renameat2(int from, const char *old, int to, const char *name, unsigned flags)
{
    if (plain_file_system && flags != 0) {
        errno = EINVAL;
        return -1;
    }
    return __real_renameat2(from, old, to, name, flags);
}

static const uint64_t sizes[] = { 0, 1, 511, 512, 4096, 65537, 3 * MIB + 513 };
enum { NSIZES = sizeof(sizes) / sizeof(sizes[0]) };

static struct sink *
opened(const char *dest, uint64_t size, struct sink_options options)
{
    struct sink *s = NULL;

    options.run_dir = pattern_folder();
    assert_ok(sink_open(dest, size, &options, &s));
    return s;
}

static void
assert_file_is(const char *path, const uint8_t *data, uint64_t size)
{
    uint64_t got_size;
    auto_free uint8_t *got = pattern_from_file(path, &got_size);

    assert_int_equal(got_size, size);
    assert_memory_equal(got, data, size);
}

/* Names in the test's folder, hidden ones too. */
static size_t
count_files(void)
{
    DIR *d = opendir(pattern_folder());
    size_t n = 0;

    assert_non_null(d);
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d))
        n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    closedir(d);
    return n;
}

static int
run(const char *const argv[], char **ret_words)
{
    int status = -1;

    assert_ok(proc_run(argv, deadline_in_ms(60000), &status, ret_words));
    return status;
}

static void
assert_qcow2_is(const char *image, const uint8_t *data, uint64_t size)
{
    const char *raw = pattern_path("expected.raw");
    const char *compare[] = { "qemu-img", "compare", "-f", "raw", "-F", "qcow2", raw, image,
        NULL };
    const char *check[] = { "qemu-img", "check", "-f", "qcow2", image, NULL };

    pattern_to_file(raw, data, size, NULL);
    assert_int_equal(run(compare, NULL), 0);
    assert_int_equal(run(check, NULL), 0);
    unlink(raw);
}

static void
memory(void **state)
{
    (void)state;
    for (size_t i = 0; i < NSIZES; i++) {
        auto_free uint8_t *data = pattern_new(i, sizes[i], NULL);
        auto_free uint8_t *to = malloc(sizes[i] + 1);
        auto_ptr(sink) s = NULL;
        memset(to, 0x5a, sizes[i]);
        assert_ok(sink_mem_new(to, sizes[i], &s));
        sink_conformance(s, data, 4);
        assert_memory_equal(to, data, sizes[i]);
    }
}

static void
new_raw_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < NSIZES; i++) {
        auto_free uint8_t *data = pattern_new(10 + i, sizes[i], NULL);
        const char *path = pattern_path("new.raw");
        struct sink *s = opened(path, sizes[i], (struct sink_options){ .lanes = 4 });
        assert_true(s->fresh && !s->readable && !s->sequential);
        assert_int_equal(access(path, F_OK), -1);
        sink_conformance(s, data, 4);
        sink_free(s);
        assert_file_is(path, data, sizes[i]);
        unlink(path);
        assert_int_equal(count_files(), 0);
    }
}

static void
zeros_take_no_room(void **state)
{
    auto_free uint8_t *block = pattern_new(2, 65536, NULL);
    const char *path = pattern_path("sparse.raw");
    uint64_t size = (uint64_t)64 << 30;
    struct stat st;

    (void)state;
    struct sink *s = opened(path, size, (struct sink_options){ 0 });
    assert_ok(sink_write(s, 0, size - 65536, block, 65536));
    assert_ok(sink_write(s, 0, 1 << 30, block, 65536));
    assert_ok(sink_zero(s, 0, 1 << 30, 65536));
    assert_ok(sink_zero(s, 0, 4096, (uint64_t)1 << 31));
    assert_ok(sink_finish(s));
    sink_free(s);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, size);
    assert_true(st.st_blocks * 512 <= 2 * 65536);
    assert_int_equal(st.st_mode & 0777, 0600);
    unlink(path);
}

static void
what_is_not_finished_is_not_there(void **state)
{
    static const char *const names[] = { "half.raw", "half.qcow2" };
    uint8_t byte = 1;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const char *path = pattern_path(names[i]);
        struct sink *s = opened(path, MIB, (struct sink_options){ .lanes = 2 });
        assert_ok(sink_write(s, 0, 5, &byte, 1));
        assert_int_equal(access(path, F_OK), -1);
        sink_free(s);
        assert_int_equal(count_files(), 0);
        pattern_to_file(path, &byte, 1, NULL); /* replaced only by a whole one */
        s = opened(path, MIB, (struct sink_options){ .force = true });
        assert_ok(sink_write(s, 0, 5, &byte, 1));
        sink_free(s);
        assert_file_is(path, &byte, 1);
        unlink(path);
        assert_int_equal(count_files(), 0);
    }
}

/* Killed in the middle: neither a file nor a server is left. */
static void
killed_in_the_middle(void **state)
{
    static const char *const names[] = { "half.raw", "half.qcow2" };
    int ends[2];
    char byte;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(pipe2(ends, 0), 0);
        pid_t child = fork();
        if (child == 0) {
            struct sink_options options = { .lanes = 2, .run_dir = pattern_folder() };
            struct sink *s = NULL;
            struct err *e = sink_open(pattern_path(names[i]), MIB, &options, &s);
            if (e == NULL)
                e = sink_write(s, 0, 0, "x", 1);
            (void)!write(ends[1], e == NULL ? "y" : "n", 1);
            pause();
            _exit(0);
        }
        assert_int_equal(read(ends[0], &byte, 1), 1);
        assert_int_equal(byte, 'y');
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, NULL, 0), child);
        close(ends[0]);
        close(ends[1]);
        assert_int_equal(count_files(), 0);
    }
}

static void
what_exists_is_kept(void **state)
{
    static const char *const names[] = { "there.raw", "there.qcow2" };
    struct sink_options force = { .force = true, .run_dir = pattern_folder() };
    auto_free uint8_t *data = pattern_new(3, MIB, NULL);
    struct sink *s = NULL;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const char *path = pattern_path(names[i]);
        pattern_to_file(path, data, 100, NULL);
        assert_fails(sink_open(path, MIB, NULL, &s), E_RestoreTargetExists);
        assert_file_is(path, data, 100);
        s = opened(path, MIB, force);
        sink_conformance(s, data, 1);
        sink_free(s);
        if (i == 0)
            assert_file_is(path, data, MIB);
        else
            assert_qcow2_is(path, data, MIB);
        unlink(path);
        /* somebody else was faster */
        s = opened(path, MIB, (struct sink_options){ .run_dir = pattern_folder() });
        pattern_to_file(path, data, 7, NULL);
        assert_fails(sink_finish(s), E_RestoreTargetExists);
        sink_free(s);
        s = NULL;
        assert_file_is(path, data, 7);
        unlink(path);
    }
    assert_int_equal(count_files(), 0);
}

static void
raw_in_place(void **state)
{
    static const uint64_t before[] = { 0, 100, 65537, 5 * MIB };

    (void)state;
    for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
        for (size_t k = 0; k < NSIZES; k++) {
            auto_free uint8_t *old = pattern_new(70 + i, before[i], NULL);
            auto_free uint8_t *data = pattern_new(80 + k, sizes[k], NULL);
            const char *path = pattern_path("place.raw");
            uint8_t buf[64];
            pattern_to_file(path, old, before[i], NULL);
            struct sink *s = opened(path, sizes[k], (struct sink_options){ .in_place = true });
            assert_true(s->readable && !s->fresh);
            if (before[i] >= sizeof(buf) && sizes[k] >= sizeof(buf)) {
                assert_ok(sink_read(s, 0, 0, buf, sizeof(buf)));
                assert_memory_equal(buf, old, sizeof(buf));
            }
            sink_conformance(s, data, 3);
            sink_free(s);
            assert_file_is(path, data, sizes[k]);
        }
    }
    unlink(pattern_path("place.raw"));
    struct sink *s = opened(pattern_path("anew.raw"), 10, (struct sink_options){
                                                              .in_place = true });
    assert_true(s->fresh);
    assert_ok(sink_finish(s));
    sink_free(s);
    unlink(pattern_path("anew.raw"));
}

static void
new_qcow2(void **state)
{
    (void)state;
    for (size_t i = 0; i < NSIZES; i++) {
        auto_free uint8_t *data = pattern_new(20 + i, sizes[i], NULL);
        const char *path = pattern_path("new.qcow2");
        struct sink *s = opened(path, sizes[i], (struct sink_options){ .lanes = 4 });
        assert_int_equal(access(path, F_OK), -1);
        sink_conformance(s, data, 4);
        sink_free(s);
        assert_qcow2_is(path, data, sizes[i]);
        unlink(path);
        assert_int_equal(count_files(), 0);
    }
}

static void
qcow2_in_place(void **state)
{
    static const char *const before[] = { "512", "1000448", "8M" };
    uint64_t size = 3 * MIB + 513;
    auto_free uint8_t *data = pattern_new(40, size, NULL);
    const char *path = pattern_path("place.qcow2");

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        const char *create[] = { "qemu-img", "create", "-q", "-f", "qcow2", path, before[i],
            NULL };
        const char *fill[] = { "qemu-io", "-f", "qcow2", "-c", "write -P 0x77 0 512", path,
            NULL };
        uint8_t buf[512];
        assert_int_equal(run(create, NULL), 0);
        assert_int_equal(run(fill, NULL), 0);
        struct sink *s = opened(path, size, (struct sink_options){ .in_place = true,
                                                .lanes = 3 });
        assert_ok(sink_read(s, 1, 0, buf, sizeof(buf)));
        assert_int_equal(buf[0], 0x77);
        assert_int_equal(buf[511], 0x77);
        sink_conformance(s, data, 3);
        sink_free(s);
        assert_qcow2_is(path, data, size);
    }
    unlink(path);
}

static int
attach_loop(const char *path, char *ret_device, size_t room)
{
    auto_fd int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    auto_fd int file = open(path, O_RDWR | O_CLOEXEC);
    int number = control < 0 ? -1 : ioctl(control, LOOP_CTL_GET_FREE);

    if (file < 0 || number < 0)
        return -1;
    snprintf(ret_device, room, "/dev/loop%d", number);
    auto_fd int loop = open(ret_device, O_RDWR | O_CLOEXEC);
    struct loop_config config = { .fd = (uint32_t)file,
        .info = { .lo_flags = LO_FLAGS_AUTOCLEAR } };
    if (loop < 0 || ioctl(loop, LOOP_CONFIGURE, &config) != 0)
        return -1;
    return take_fd(loop);
}

static void
a_block_device(void **state)
{
    uint64_t room = 4 * MIB, size = 3 * MIB + 513;
    auto_free uint8_t *old = pattern_new(60, room, NULL), *data = pattern_new(61, size, NULL);
    struct sink_options options = { .lanes = 4 };
    struct sink *s = NULL;
    char device[64];

    (void)state;
    pattern_to_file(pattern_path("loop.img"), old, room, NULL);
    auto_fd int loop = attach_loop(pattern_path("loop.img"), device, sizeof(device));
    if (loop < 0)
        skip();
    assert_fails(sink_open(device, room + 1, NULL, &s), E_RestoreTargetTooSmall);
    options.format = SINK_QCOW2;
    assert_fails(sink_open(device, size, &options, &s), E_UsageWrong);
    options.format = SINK_BY_SUFFIX;
    s = opened(device, size, options);
    assert_true(s->readable && !s->fresh);
    sink_conformance(s, data, 4);
    sink_free(s);
    memcpy(old, data, size);
    auto_free uint8_t *got = malloc(room);
    assert_int_equal(pread(loop, got, room, 0), room);
    assert_memory_equal(got, old, room);
    unlink(pattern_path("loop.img"));
}

static void
a_device_in_use(void **state)
{
    const char *image = pattern_path("fs.img"), *dir = pattern_path("mnt");
    const char *mkfs[] = { "/sbin/mkfs.ext4", "-q", "-F", image, "4M", NULL };
    struct sink *s = NULL;
    char device[64];

    (void)state;
    if (access("/sbin/mkfs.ext4", X_OK) != 0 || run(mkfs, NULL) != 0)
        skip();
    auto_fd int loop = attach_loop(image, device, sizeof(device));
    if (loop < 0 || mkdir(dir, 0700) != 0)
        skip();
    if (mount(device, dir, "ext4", 0, NULL) != 0) {
        rmdir(dir);
        skip();
    }
    struct err *e = sink_open(device, MIB, NULL, &s);
    int code = err_code(e);
    err_free(e);
    umount(dir);
    rmdir(dir);
    unlink(image);
    assert_int_equal(code, E_RestoreTargetBusy);
}

static void
a_file_in_use(void **state)
{
    struct sink_options in_place = { .in_place = true }, force = { .force = true };
    const char *path = pattern_path("used.raw");
    uint8_t byte = 9;
    struct sink *s = NULL;

    (void)state;
    pattern_to_file(path, &byte, 1, NULL);
    auto_fd int writer = open(path, O_RDWR | O_CLOEXEC);
    assert_fails(sink_open(path, 10, &in_place, &s), E_RestoreTargetBusy);
    assert_fails(sink_open(path, 10, &force, &s), E_RestoreTargetBusy);
    close(take_fd(writer));
    auto_fd int reader = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(reader >= 0);
    assert_ok(sink_open(path, 10, &in_place, &s));
    sink_free(s);
    unlink(path);
}

static void
what_is_no_place_for_a_disk(void **state)
{
    const char *fifo = pattern_path("fifo"), *sock = pattern_path("sock");
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct sink *s = NULL;

    (void)state;
    assert_fails(sink_open(pattern_folder(), 1, NULL, &s), E_RestoreTargetNotDisk);
    assert_fails(sink_open(pattern_path("new/"), 1, NULL, &s), E_RestoreTargetNotDisk);
    assert_fails(sink_open(pattern_path("no/such.raw"), 1, NULL, &s), E_RestoreFolderMissing);
    assert_fails(sink_open(pattern_path("no/such.qcow2"), 1, NULL, &s),
        E_RestoreFolderMissing);
    assert_fails(sink_open("", 1, NULL, &s), E_RestoreTargetNotDisk);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_fails(sink_open(fifo, 1, NULL, &s), E_RestoreTargetNotDisk);
    snprintf(address.sun_path, sizeof(address.sun_path), "%.100s", sock);
    auto_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_fails(sink_open(sock, 1, NULL, &s), E_RestoreTargetNotDisk);
    assert_fails(sink_open("/dev/null", 1, NULL, &s), E_RestoreTargetNotDisk);
    unlink(fifo);
    unlink(sock);
    assert_null(s);
}

/* The code that ${dest} gives to a user without rights. */
static int
code_as_nobody(const char *dest, struct sink_options options)
{
    int ends[2], code = -1;

    assert_int_equal(pipe2(ends, 0), 0);
    pid_t child = fork();
    if (child == 0) {
        struct sink *s = NULL;
        struct err *e = setgid(65534) == 0 && setuid(65534) == 0 ?
                            sink_open(dest, 10, &options, &s) : NULL;
        code = err_code(e);
        err_free(e);
        sink_free(s);
        (void)!write(ends[1], &code, sizeof(code));
        _exit(0);
    }
    assert_int_equal(read(ends[0], &code, sizeof(code)), sizeof(code));
    assert_int_equal(waitpid(child, NULL, 0), child);
    close(ends[0]);
    close(ends[1]);
    return code;
}

static void
permission(void **state)
{
    const char *path = pattern_path("mine.raw");

    (void)state;
    if (getuid() != 0)
        skip();
    pattern_to_file(path, (const uint8_t *)"x", 1, NULL);
    assert_int_equal(chmod(pattern_folder(), 0755), 0);
    assert_int_equal(code_as_nobody(pattern_path("new.raw"), (struct sink_options){ 0 }),
        E_RestoreTargetPermission);
    assert_int_equal(code_as_nobody(pattern_path("new.qcow2"), (struct sink_options){ 0 }),
        E_RestoreTargetPermission);
    assert_int_equal(code_as_nobody(path, (struct sink_options){ .in_place = true }),
        E_RestoreTargetPermission);
    unlink(path);
}

static void
a_limit_on_files(void **state)
{
    const char *path = pattern_path("large.raw");
    struct rlimit was, small;
    struct sink *s = NULL;

    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    small = was;
    small.rlim_cur = MIB;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    struct err *e = sink_open(path, 2 * MIB, NULL, &s);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    assert_int_equal(err_code(e), E_RestoreFileTooLarge);
    err_free(e);
    assert_fails(sink_open(path, UINT64_MAX, NULL, &s), E_RestoreFileTooLarge);
    assert_fails(sink_open(path, INT64_MAX, NULL, &s), E_RestoreFileTooLarge);
    assert_int_equal(count_files(), 0);
}

static int
fill_until_it_fails(struct sink *s)
{
    auto_free uint8_t *data = pattern_new(90, MIB, NULL);
    struct rng r = { 3 };
    struct err *e = NULL;

    for (uint64_t off = 0; off < s->size && e == NULL; off += MIB) {
        for (size_t i = 0; i < MIB; i += 512)
            data[i] = (uint8_t)rng_next(&r);
        e = sink_write(s, 0, off, data, MIB);
    }
    if (e == NULL)
        e = sink_finish(s);
    int code = err_code(e);
    err_free(e);
    return code;
}

static void
a_full_disk(void **state)
{
    static const char *const names[] = { "mnt/full.raw", "mnt/full.qcow2" };
    const char *dir = pattern_path("mnt");

    (void)state;
    assert_int_equal(mkdir(dir, 0700), 0);
    if (mount("tmpfs", dir, "tmpfs", 0, "size=4m") != 0) {
        rmdir(dir);
        skip();
    }
    for (size_t i = 0; i < 2; i++) {
        struct sink *s = opened(pattern_path(names[i]), 16 * MIB, (struct sink_options){ 0 });
        assert_int_equal(fill_until_it_fails(s), E_RestoreTargetFull);
        sink_free(s);
    }
    DIR *d = opendir(dir);
    int n = 0;
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d))
        n++;
    closedir(d);
    umount(dir);
    rmdir(dir);
    assert_int_equal(n, 2);
}

/* Some file systems know no files without a name, some no rename that spares what is there. */
static void
a_file_system_without_nameless_files(void **state)
{
    auto_free uint8_t *data = pattern_new(91, MIB, NULL);

    (void)state;
    plain_file_system = true;
    for (int i = 0; i < 4; i++) {
        const char *path = pattern_path(i % 2 == 0 ? "a.raw" : "a.qcow2");
        struct sink *s = opened(path, MIB, (struct sink_options){ .force = i >= 2 });
        assert_int_equal(count_files(), i < 2 ? i + 1 : 3); /* one has a hidden name */
        sink_conformance(s, data, 2);
        sink_free(s);
        if (i % 2 == 0)
            assert_file_is(path, data, MIB);
        else
            assert_qcow2_is(path, data, MIB);
    }
    assert_int_equal(count_files(), 2);
    struct sink *s = opened(pattern_path("b.raw"), MIB, (struct sink_options){ 0 });
    sink_free(s);
    s = opened(pattern_path("b.raw"), MIB, (struct sink_options){ 0 });
    pattern_to_file(pattern_path("b.raw"), data, 7, NULL);
    assert_fails(sink_finish(s), E_RestoreTargetExists);
    sink_free(s);
    plain_file_system = false;
    assert_file_is(pattern_path("b.raw"), data, 7);
    assert_int_equal(count_files(), 3);
    unlink(pattern_path("a.raw"));
    unlink(pattern_path("a.qcow2"));
    unlink(pattern_path("b.raw"));
}

/* Run ${data} through "-" with standard output being ${fd}. */
static int
stream_code(int fd, const uint8_t *data, uint64_t size)
{
    int status;

    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        struct sink *s = NULL;
        signal(SIGPIPE, SIG_IGN);
        dup2(fd, STDOUT_FILENO);
        struct err *e = sink_open("-", size, NULL, &s);
        for (uint64_t off = 0; e == NULL && off < size; off += 65536) {
            size_t len = size - off < 65536 ? (size_t)(size - off) : 65536;
            e = off % 131072 == 0 ? sink_write(s, 0, off, data + off, len) :
                                    sink_zero(s, 0, off, len);
        }
        if (e == NULL)
            e = sink_finish(s);
        int code = err_code(e);
        err_free(e);
        sink_free(s);
        _exit(code == 0 ? 0 : code == E_RestoreOutputClosed ? 1 : code == E_UsageWrong ? 2 : 3);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static void
standard_output(void **state)
{
    uint64_t size = MIB + 77;
    auto_free uint8_t *data = pattern_new(95, size, NULL);
    const char *path = pattern_path("out.raw");
    int ends[2];

    (void)state;
    for (uint64_t off = 65536; off < size; off += 131072)
        memset(data + off, 0, size - off < 65536 ? (size_t)(size - off) : 65536);
    auto_fd int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_int_equal(stream_code(fd, data, size), 0);
    assert_file_is(path, data, size);
    unlink(path);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    close(ends[0]);
    assert_int_equal(stream_code(ends[1], data, size), 1);
    close(ends[1]);
    auto_fd int terminal = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (terminal >= 0)
        assert_int_equal(stream_code(terminal, data, size), 2);
    struct sink_options qcow2 = { .format = SINK_QCOW2 };
    struct sink *s = NULL;
    assert_fails(sink_open("-", 1, &qcow2, &s), E_UsageWrong);
}

/* Whoever stops the server in the middle gets a code, and no file. */
static void
a_server_that_is_killed(void **state)
{
    struct sink *s = opened(pattern_path("gone.qcow2"), MIB, (struct sink_options){ 0 });
    char self[32];
    const char *kill_it[] = { "pkill", "-KILL", "-P", self, "qemu-nbd", NULL };
    struct err *e = NULL;

    (void)state;
    snprintf(self, sizeof(self), "%d", (int)getpid());
    if (run(kill_it, NULL) != 0) {
        sink_free(s);
        skip();
    }
    for (int i = 0; i < 1000 && e == NULL; i++)
        e = sink_write(s, 0, 0, "x", 1);
    assert_int_equal(err_code(e), E_RestoreWriteFailed);
    assert_true(err_has(e, E_NbdServerGone));
    err_free(e);
    assert_fails(sink_finish(s), E_RestoreWriteFailed);
    sink_free(s);
    assert_int_equal(count_files(), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory),
        cmocka_unit_test(new_raw_files),
        cmocka_unit_test(zeros_take_no_room),
        cmocka_unit_test(what_is_not_finished_is_not_there),
        cmocka_unit_test(killed_in_the_middle),
        cmocka_unit_test(what_exists_is_kept),
        cmocka_unit_test(raw_in_place),
        cmocka_unit_test(new_qcow2),
        cmocka_unit_test(qcow2_in_place),
        cmocka_unit_test(a_block_device),
        cmocka_unit_test(a_device_in_use),
        cmocka_unit_test(a_file_in_use),
        cmocka_unit_test(what_is_no_place_for_a_disk),
        cmocka_unit_test(permission),
        cmocka_unit_test(a_limit_on_files),
        cmocka_unit_test(a_full_disk),
        cmocka_unit_test(a_file_system_without_nameless_files),
        cmocka_unit_test(standard_output),
        cmocka_unit_test(a_server_that_is_killed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
