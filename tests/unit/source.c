/* SPDX-License-Identifier: Apache-2.0 */
/* Sources that need no server: memory, files, loop devices, faults; what is refused; what
 * tells that a file was not written. */
#include "check.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <linux/loop.h>

#include "clock.h"
#include "pattern.h"
#include "proc.h"
#include "source_conformance.h"
#include "source_fault.h"

static const uint64_t sizes[] = { 0, 1, 511, 512, 513, 4095, 65536, 1000001, 5 << 20 };
enum { NSIZES = sizeof(sizes) / sizeof(sizes[0]) };

static uint64_t
hole_bytes(const uint8_t *holes, uint64_t size)
{
    uint64_t sum = 0;

    for (uint64_t off = 0; off < size; off += PATTERN_BLOCK) {
        if (pattern_is_hole(holes, off))
            sum += size - off < PATTERN_BLOCK ? size - off : PATTERN_BLOCK;
    }
    return sum;
}

static struct source *
opened(const char *path, unsigned lanes)
{
    struct source_options options = { .lanes = lanes };
    struct source *s = NULL;

    assert_ok(source_open(path, &options, &s));
    return s;
}

/* A file of one run of random bytes. */
static const char *
small_file(const char *name, uint64_t size)
{
    const char *path = pattern_path(name);
    auto_free uint8_t *data = calloc(1, size + 1);
    struct rng rng = { size };

    for (uint64_t i = 0; i < size; i++)
        data[i] = (uint8_t)rng_next(&rng);
    pattern_to_file(path, data, size, NULL);
    return path;
}

static void
memory(void **state)
{
    (void)state;
    for (size_t i = 0; i < NSIZES; i++) {
        auto_free uint8_t *holes = NULL, *data = pattern_new(i, sizes[i], &holes);
        auto_ptr(source) s = NULL;
        assert_ok(source_mem_new("m", data, sizes[i], holes, &s));
        source_conformance(s, data, sizes[i], hole_bytes(holes, sizes[i]));
    }
}

/* Some of the disk is written and noted; a bitmap need not be exact. */
static void
memory_that_tells_changes(void **state)
{
    (void)state;
    for (size_t i = 1; i < NSIZES; i++) {
        uint64_t units = (sizes[i] - 1) / SOURCE_MEM_HOLE + 1;
        auto_free uint8_t *before = pattern_new(i, sizes[i], NULL);
        auto_free uint8_t *data = malloc(sizes[i]), *changed = calloc(1, units / 8 + 1);
        auto_ptr(source) s = NULL;
        struct source *inner = NULL;
        const struct source_fault none = { .kind = SOURCE_FAULT_DELAY, .call = 1 };
        memcpy(data, before, sizes[i]);
        for (uint64_t u = 0; u < units; u += 7) {
            data[u * SOURCE_MEM_HOLE] ^= 1;
            changed[u / 8] |= (uint8_t)(1 << u % 8);
        }
        assert_ok(source_mem_new("m", data, sizes[i], NULL, &inner));
        assert_false(inner->tells_changes);
        source_mem_changes(inner, changed);
        assert_ok(source_fault_new(inner, &none, 1, &s));
        source_conformance(s, data, sizes[i], 0);
        uint64_t told = source_conformance_changes(s, before, data,
            ((units - 1) / 7 + 1) * SOURCE_MEM_HOLE);
        assert_true(told >= (units - 1) / 7 + 1);
    }
}

static void
changes_that_are_not_told(void **state)
{
    const struct source_fault plan[] = {
        { .kind = SOURCE_FAULT_UNTOLD, .call = 2, .number = EINVAL },
        { .kind = SOURCE_FAULT_VANISH, .off = 0, .len = 1 },
    };
    uint8_t data[5000] = { 0 }, changed[1] = { 1 }, byte;
    struct source *inner = NULL;
    auto_ptr(source) s = NULL;
    bool is = false;
    uint64_t len = 0;

    (void)state;
    assert_ok(source_mem_new("m", data, sizeof(data), NULL, &inner));
    source_mem_changes(inner, changed);
    assert_ok(source_fault_new(inner, plan, 2, &s));
    assert_ok(source_changed(s, 0, &is, &len));
    assert_true(is && len == SOURCE_MEM_HOLE);
    assert_fails(source_changed(s, 0, &is, &len), E_SourceReadFailed);
    assert_ok(source_changed(s, SOURCE_MEM_HOLE, &is, &len));
    assert_true(!is && len == sizeof(data) - SOURCE_MEM_HOLE);
    assert_fails(source_read(s, 0, 0, &byte, 1), E_SourceVanished);
    assert_fails(source_changed(s, 0, &is, &len), E_SourceVanished);
}

static void
raw_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < NSIZES; i++) {
        auto_free uint8_t *holes = NULL, *data = pattern_new(100 + i, sizes[i], &holes);
        const char *path = pattern_path("disk.raw");
        pattern_to_file(path, data, sizes[i], holes);
        auto_ptr(source) s = opened(path, 3);
        assert_int_equal(s->lanes, 3);
        assert_false(s->busy);
        /* the file system may have given a block of its own to the end of the file */
        uint64_t holes_now = hole_bytes(holes, sizes[i]);
        source_conformance(s, data, sizes[i], holes_now > 65536 ? holes_now - 65536 : 0);
    }
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
    uint64_t size = 3 << 20;
    auto_free uint8_t *data = pattern_new(9, size, NULL);
    char device[64];

    (void)state;
    pattern_to_file(pattern_path("loop.img"), data, size, NULL);
    auto_fd int loop = attach_loop(pattern_path("loop.img"), device, sizeof(device));
    if (loop < 0)
        skip();
    auto_ptr(source) s = opened(device, 2);
    source_conformance(s, data, size, 0);
    assert_false(s->stamp.known);
    bool same = true;
    struct source_stamp then = s->stamp;
    then.known = true;
    assert_ok(source_unwritten(s, &then, &same));
    assert_false(same);
}

static void
what_is_no_disk(void **state)
{
    struct source *s = NULL;
    const char *fifo = pattern_path("fifo"), *sock = pattern_path("sock");
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    char under_file[4400];

    (void)state;
    assert_fails(source_open(pattern_path("nothing"), NULL, &s), E_SourceMissing);
    snprintf(under_file, sizeof(under_file), "%s/x", small_file("plain", 10));
    assert_fails(source_open(under_file, NULL, &s), E_SourceMissing);
    assert_fails(source_open("", NULL, &s), E_SourceMissing);
    assert_fails(source_open(pattern_folder(), NULL, &s), E_SourceIsFolder);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_fails(source_open(fifo, NULL, &s), E_SourceNotDisk);
    snprintf(address.sun_path, sizeof(address.sun_path), "%.100s", sock);
    auto_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_fails(source_open(sock, NULL, &s), E_SourceNotDisk);
    assert_fails(source_open("/dev/zero", NULL, &s), E_SourceNotDisk);
    struct source_options options = { .format = "ext4" };
    assert_fails(source_open(fifo, &options, &s), E_UsageWrong);
    options = (struct source_options){ .bitmap = "b" }; /* a raw file has no place for one */
    assert_fails(source_open(small_file("plain", 10), &options, &s), E_SourceBitmapMissing);
    assert_null(s);
}

/* In a child without root's rights: 0 when the code is the expected one. */
static int
code_as_nobody(const char *path, const char *format, int expected)
{
    struct source_options options = { .format = format };
    pid_t child = fork();
    int status;

    if (child == 0) {
        struct source *s = NULL;
        struct err *e = setgid(65534) == 0 && setuid(65534) == 0 ?
                            source_open(path, &options, &s) : NULL;
        int code = err_code(e);
        err_free(e);
        source_free(s);
        _exit(code == expected ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static void
permission(void **state)
{
    const char *path = small_file("secret.raw", 4096);

    (void)state;
    if (getuid() != 0)
        skip();
    assert_int_equal(chmod(pattern_folder(), 0755), 0);
    assert_int_equal(code_as_nobody(path, "raw", E_SourcePermission), 0);
    assert_int_equal(code_as_nobody(path, "qcow2", E_SourcePermission), 0);
}

static void
images_are_not_guessed(void **state)
{
    static const struct {
        const char *bytes;
        size_t off, n, size;
    } cases[] = {
        { "QFI\xfb", 0, 4, 65536 },
        { "KDMV", 0, 4, 65536 },
        { "vhdxfile", 0, 8, 65536 },
        { "conectix", 0, 8, 65536 },
        { "conectix", 65536 - 512, 8, 65536 },
        { "\x7f\x10\xda\xbe", 64, 4, 65536 },
        { "# Disk DescriptorFile", 0, 21, 21 },
    };
    struct source_options raw = { .format = "raw" };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        auto_free uint8_t *data = calloc(1, cases[i].size);
        struct source *s = NULL;
        memcpy(data + cases[i].off, cases[i].bytes, cases[i].n);
        const char *path = pattern_path("disk.img"), *sure = pattern_path("disk.raw");
        pattern_to_file(path, data, cases[i].size, NULL);
        pattern_to_file(sure, data, cases[i].size, NULL);
        assert_fails(source_open(path, NULL, &s), E_SourceFormatUnclear);
        assert_ok(source_open(path, &raw, &s));
        source_free(s);
        assert_ok(source_open(sure, NULL, &s));
        source_free(s);
    }
}

static void
a_file_that_is_cut(void **state)
{
    const char *path = small_file("cut.raw", 100000);
    auto_ptr(source) s = opened(path, 1);
    uint8_t buf[4096];

    (void)state;
    assert_ok(source_read(s, 0, 90000, buf, sizeof(buf)));
    assert_int_equal(truncate(path, 50000), 0);
    struct err *e = source_read(s, 0, 49000, buf, sizeof(buf));
    assert_int_equal(err_code(e), E_SourceShrank);
    assert_non_null(strstr(err_message(e), "100000"));
    assert_non_null(strstr(err_message(e), "50000"));
    err_free(e);
    assert_fails(source_check(s), E_SourceShrank);
    assert_int_equal(truncate(path, 100001), 0);
    assert_fails(source_check(s), E_SourceGrew);
    assert_int_equal(truncate(path, 100000), 0);
    assert_ok(source_check(s));
}

static void
a_file_that_is_replaced(void **state)
{
    const char *path = small_file("disk.raw", 70000);
    auto_ptr(source) s = opened(path, 1);
    uint64_t size;
    auto_free uint8_t *before = pattern_from_file(path, &size);
    auto_free uint8_t *got = malloc(size);

    (void)state;
    assert_int_equal(rename(small_file("other", 5), path), 0);
    assert_ok(source_read(s, 0, 0, got, size));
    assert_memory_equal(got, before, size);
    assert_ok(source_check(s));
}

/* The file as it would be after ${seconds} of rest: the stamp of a backup that began then. */
static struct source_stamp
rested(const struct source *s, int64_t seconds)
{
    struct source_stamp stamp = s->stamp;

    stamp.read_start_ns = stamp.ctime_ns + seconds * CLOCK_S;
    return stamp;
}

static bool
is_unwritten(const char *path, const struct source_stamp *then)
{
    auto_ptr(source) s = opened(path, 1);
    bool same = false;

    assert_ok(source_unwritten(s, then, &same));
    return same;
}

/* A clock that is ahead would make every stamp come from the future: wait until it is past. */
static void
wait_until(int64_t real_ns)
{
    while (clock_real_ns() <= real_ns)
        usleep(10000);
}

static void
unwritten(void **state)
{
    const char *path = small_file("rest.raw", 300000);
    auto_ptr(source) s = opened(path, 1);
    struct source_stamp then = rested(s, 2);

    (void)state;
    if (!s->stamp.known)
        skip(); /* a file system without leases */
    assert_false(s->busy);
    wait_until(then.read_start_ns);
    assert_true(is_unwritten(path, &then));
    struct source_stamp hasty = then, other = then, ahead = then;
    hasty.read_start_ns -= 1;
    assert_false(is_unwritten(path, &hasty));
    ahead.read_start_ns += 3600 * CLOCK_S;
    assert_false(is_unwritten(path, &ahead));
    other.inode++;
    assert_false(is_unwritten(path, &other));
    other = then;
    other.mtime_ns++;
    assert_false(is_unwritten(path, &other));
    other = then;
    other.known = false;
    assert_false(is_unwritten(path, &other));
    /* a new mtime set back by hand still leaves a new ctime */
    struct timespec times[2] = { { 0, UTIME_OMIT },
        { (time_t)(then.mtime_ns / CLOCK_S), (long)(then.mtime_ns % CLOCK_S) } };
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    assert_false(is_unwritten(path, &then));
}

static void
writers_are_noticed(void **state)
{
    const char *path = small_file("open.raw", 300000);
    struct source_stamp then;

    (void)state;
    {
        auto_ptr(source) s = opened(path, 1);
        if (!s->stamp.known)
            skip();
        then = rested(s, 2);
    }
    wait_until(then.read_start_ns);
    assert_true(is_unwritten(path, &then));
    auto_fd int writer = open(path, O_RDWR | O_CLOEXEC);
    {
        auto_ptr(source) s = opened(path, 1);
        assert_true(s->busy);
        assert_false(s->stamp.known);
    }
    assert_false(is_unwritten(path, &then));
    void *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, writer, 0);
    assert_true(map != MAP_FAILED);
    close(take_fd(writer));
    assert_false(is_unwritten(path, &then)); /* the mapping alone */
    munmap(map, 4096);
    assert_true(is_unwritten(path, &then));
    /* a reader does no harm */
    auto_fd int reader = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(reader >= 0);
    assert_true(is_unwritten(path, &then));
}

/* A writer that comes while the lease is held must neither kill us nor be kept waiting. */
static void *
open_again_and_again(void *arg)
{
    for (int i = 0; i < 2000; i++) {
        int fd = open(arg, O_WRONLY | O_CLOEXEC);
        if (fd >= 0)
            close(fd);
    }
    return NULL;
}

static void
a_lease_harms_nobody(void **state)
{
    char path[4400];
    pid_t child;
    int status = 0;

    (void)state;
    snprintf(path, sizeof(path), "%s", small_file("lease.raw", 4096));
    child = fork();
    if (child == 0) {
        open_again_and_again(path);
        _exit(0);
    }
    while (waitpid(child, &status, WNOHANG) == 0) {
        auto_ptr(source) s = opened(path, 1);
        struct source_stamp then = rested(s, 2);
        bool same;
        then.known = s->stamp.known = true;
        assert_ok(source_unwritten(s, &then, &same));
    }
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void
faults(void **state)
{
    const struct source_fault plan[] = {
        { .kind = SOURCE_FAULT_DELAY, .call = 1, .delay_ms = 20 },
        { .kind = SOURCE_FAULT_ERROR, .off = 5000, .len = 1, .number = EIO },
        { .kind = SOURCE_FAULT_ERROR, .call = 4, .number = ENXIO },
        { .kind = SOURCE_FAULT_GROW, .call = 5, .size = 200000 },
        { .kind = SOURCE_FAULT_SHRINK, .call = 6, .size = 3000 },
        { .kind = SOURCE_FAULT_VANISH, .call = 8 },
    };
    auto_free uint8_t *data = pattern_new(3, 100000, NULL);
    struct source *inner = NULL;
    auto_ptr(source) s = NULL;
    uint8_t buf[4096];

    (void)state;
    assert_ok(source_mem_new("m", data, 100000, NULL, &inner));
    assert_ok(source_fault_new(inner, plan, sizeof(plan) / sizeof(plan[0]), &s));
    int64_t before = clock_mono_ns();
    assert_ok(source_read(s, 0, 0, buf, sizeof(buf)));
    assert_true(clock_mono_ns() - before >= 19 * CLOCK_MS);
    struct err *e = source_read(s, 0, 4096, buf, sizeof(buf));
    assert_int_equal(err_code(e), E_SourceReadFailed);
    assert_int_equal(err_os_number(e), EIO);
    err_free(e);
    assert_ok(source_read(s, 0, 5001, buf, sizeof(buf)));
    assert_fails(source_read(s, 0, 0, buf, 1), E_SourceReadFailed);
    assert_ok(source_check(s));
    assert_ok(source_read(s, 0, 0, buf, 1));
    assert_fails(source_check(s), E_SourceGrew);
    assert_ok(source_read(s, 0, 0, buf, 3000));
    assert_fails(source_read(s, 0, 0, buf, 3001), E_SourceShrank);
    assert_fails(source_check(s), E_SourceShrank);
    assert_fails(source_read(s, 0, 0, buf, 1), E_SourceVanished);
    assert_fails(source_read(s, 0, 50000, buf, 1), E_SourceVanished);
    assert_fails(source_check(s), E_SourceVanished);
    assert_int_equal(source_fault_reads(s), 9);
}

static void
a_faultless_wrapper_conforms(void **state)
{
    auto_free uint8_t *holes = NULL, *data = pattern_new(4, 1000001, &holes);
    const struct source_fault none = { .kind = SOURCE_FAULT_DELAY, .call = 1 };
    struct source *inner = NULL;
    auto_ptr(source) s = NULL;

    (void)state;
    assert_ok(source_mem_new("m", data, 1000001, holes, &inner));
    assert_ok(source_fault_new(inner, &none, 1, &s));
    source_conformance(s, data, 1000001, hole_bytes(holes, 1000001));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory),
        cmocka_unit_test(memory_that_tells_changes),
        cmocka_unit_test(changes_that_are_not_told),
        cmocka_unit_test(raw_files),
        cmocka_unit_test(a_block_device),
        cmocka_unit_test(what_is_no_disk),
        cmocka_unit_test(permission),
        cmocka_unit_test(images_are_not_guessed),
        cmocka_unit_test(a_file_that_is_cut),
        cmocka_unit_test(a_file_that_is_replaced),
        cmocka_unit_test(unwritten),
        cmocka_unit_test(writers_are_noticed),
        cmocka_unit_test(a_lease_harms_nobody),
        cmocka_unit_test(faults),
        cmocka_unit_test(a_faultless_wrapper_conforms),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
