/* SPDX-License-Identifier: Apache-2.0 */
/* Disks behind NBD: good servers, servers that die, refuse, fall silent or talk nonsense;
 * and images that firn has served by a qemu-nbd of its own. */
#include "check.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "bytes.h"
#include "clock.h"
#include "nbd_liar.h"
#include "nbd_link.h"
#include "pattern.h"
#include "proc.h"
#include "source_body.h"
#include "source_conformance.h"

enum { MIB = 1 << 20, START_MS = 20000, MAX_ARGS = 24 };

static bool
installed(const char *program)
{
    auto_free char *path = NULL;

    assert_ok(proc_find(program, &path));
    return path != NULL;
}

/* Start a server that makes ${sock}, and wait until it accepts. */
static struct proc *
serve(const char *sock, const char *const argv[])
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct deadline by = deadline_in_ms(START_MS);
    struct proc *p = NULL;

    unlink(sock);
    snprintf(address.sun_path, sizeof(address.sun_path), "%.100s", sock);
    assert_ok(proc_start(argv, NULL, &p));
    while (!deadline_passed(by)) {
        auto_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
            return p;
        poll(NULL, 0, 2);
    }
    auto_free char *words = NULL;
    assert_ok(proc_words(p, &words));
    print_error("%s: %s\n", argv[0], words);
    assert_true(false);
    return p;
}

/* nbdkit on the file disk.raw of the test's folder, with these filters and arguments. */
static struct proc *
serve_nbdkit(const char *const more[])
{
    static char file[4400];
    const char *sock = pattern_path("sock");
    const char *argv[MAX_ARGS] = { "nbdkit", "--foreground", "--unix", sock };
    size_t n = 4;

    for (; *more != NULL && (*more)[0] == '-'; more++)
        argv[n++] = *more;
    snprintf(file, sizeof(file), "file=%s", pattern_path("disk.raw"));
    argv[n++] = "file";
    argv[n++] = file;
    for (; *more != NULL; more++)
        argv[n++] = *more;
    assert_true(n < MAX_ARGS);
    return serve(sock, argv);
}

static const char *
uri(void)
{
    static char text[4500];

    snprintf(text, sizeof(text), "nbd+unix:///?socket=%s", pattern_path("sock"));
    return text;
}

static struct source *
opened(const char *spec, unsigned lanes)
{
    struct source_options options = { .lanes = lanes, .run_dir = pattern_folder() };
    struct source *s = NULL;

    assert_ok(source_open(spec, &options, &s));
    return s;
}

static uint8_t *
make_disk(uint64_t seed, uint64_t size)
{
    uint8_t *holes = NULL, *data = pattern_new(seed, size, &holes);

    pattern_to_file(pattern_path("disk.raw"), data, size, holes);
    free(holes);
    return data;
}

static void
qemu_nbd_serves(void **state)
{
    static const uint64_t sizes[] = { 512, 4 * MIB, 65536 + 512 };
    const char *sock = pattern_path("sock"), *disk = pattern_path("disk.raw");
    const char *argv[] = { "qemu-nbd", "-t", "-r", "-e", "8", "-f", "raw", "-k", sock, disk,
        NULL };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        auto_free uint8_t *data = make_disk(i, sizes[i]);
        auto_ptr(proc) server = serve(sock, argv);
        assert_non_null(server);
        auto_ptr(source) s = opened(uri(), 4);
        assert_int_equal(s->lanes, 4);
        source_conformance(s, data, sizes[i], i == 1 ? 100000 : 0);
    }
}

/* qemu-nbd counts in sectors: the last one is filled with zeros. */
static void
qemu_nbd_rounds_up(void **state)
{
    uint64_t size = 100001, rounded = 100352;
    const char *sock = pattern_path("sock"), *disk = pattern_path("disk.raw");
    const char *argv[] = { "qemu-nbd", "-t", "-r", "-f", "raw", "-k", sock, disk, NULL };
    auto_free uint8_t *data = make_disk(8, size);
    auto_free uint8_t *padded = calloc(1, rounded);

    (void)state;
    memcpy(padded, data, size);
    auto_ptr(proc) server = serve(sock, argv);
    assert_non_null(server);
    auto_ptr(source) s = opened(uri(), 1);
    source_conformance(s, padded, rounded, 0);
}

static void
nbdkit_serves_any_size(void **state)
{
    static const uint64_t sizes[] = { 0, 1, 511, 100001, 3 * MIB };
    const char *const none[] = { NULL };

    (void)state;
    if (!installed("nbdkit"))
        skip();
    for (size_t i = 0; i < 5; i++) {
        auto_free uint8_t *data = make_disk(20 + i, sizes[i]);
        auto_ptr(proc) server = serve_nbdkit(none);
        assert_non_null(server);
        auto_ptr(source) s = opened(uri(), 3);
        assert_int_equal(s->lanes, 3);
        source_conformance(s, data, sizes[i], i == 4 ? 100000 : 0);
    }
}

static void
a_server_that_wants_aligned_requests(void **state)
{
    const char *const more[] = { "--filter=blocksize-policy", "blocksize-minimum=4096",
        "blocksize-preferred=65536", "blocksize-maximum=131072",
        "blocksize-error-policy=error", NULL };
    uint64_t size = 2 * MIB;
    auto_free uint8_t *data = make_disk(31, size);

    (void)state;
    if (!installed("nbdkit"))
        skip();
    auto_ptr(proc) server = serve_nbdkit(more);
    assert_non_null(server);
    auto_ptr(source) s = opened(uri(), 2);
    source_conformance(s, data, size, 50000);
}

static void
a_server_of_one_connection_that_tells_nothing(void **state)
{
    const char *const more[] = { "--filter=noextents", "--filter=multi-conn",
        "multi-conn-mode=disable", NULL };
    uint64_t size = 2 * MIB;
    auto_free uint8_t *data = make_disk(32, size);

    (void)state;
    if (!installed("nbdkit"))
        skip();
    auto_ptr(proc) server = serve_nbdkit(more);
    assert_non_null(server);
    auto_ptr(source) s = opened(uri(), 4);
    assert_int_equal(s->lanes, 4); /* they share the connection */
    source_conformance(s, data, size, 0);
}

/* The counts of the log's lines "... Read id=1 offset=0x0 count=0x40000 ...". */
static unsigned
largest_read(const char *log)
{
    char line[400];
    unsigned largest = 0, n;
    FILE *f = fopen(log, "re");

    assert_non_null(f);
    while (fgets(line, sizeof(line), f) != NULL) {
        const char *count = strstr(line, " count=0x");
        if (strstr(line, " Read id=") != NULL && count != NULL &&
            sscanf(count, " count=0x%x", &n) == 1 && n > largest)
            largest = n;
    }
    fclose(f);
    return largest;
}

/* What serves a guest, too, is not asked for much at a time. */
static void
a_running_machine_is_asked_in_small_requests(void **state)
{
    static char logfile[4400];
    const char *log = pattern_path("log"), *sock = pattern_path("sock");
    const char *const more[] = { "--filter=log", logfile, NULL };
    uint64_t size = 3 * MIB;
    auto_free uint8_t *data = make_disk(34, size), *buf = malloc(size);

    (void)state;
    if (!installed("nbdkit"))
        skip();
    snprintf(logfile, sizeof(logfile), "logfile=%s", log);
    for (int small = 0; small < 2; small++) {
        auto_ptr(proc) server = serve_nbdkit(more);
        auto_ptr(source) s = NULL;

        (void)server; /* ends with this round */
        if (small)
            assert_ok(source_nbd_socket(sock, "", NULL, 1, "vda", &s));
        else
            s = opened(uri(), 1);
        assert_ok(source_read(s, 0, 0, buf, MIB));
        assert_ok(source_read(s, 0, MIB, buf + MIB, size - MIB));
        assert_memory_equal(buf, data, size);
        assert_int_equal(largest_read(log), small ? 256 * 1024 : 2 * MIB);
        unlink(log);
    }
}

static void
errors_at_a_range(void **state)
{
    char file_option[4400];
    const char *options[] = { "--filter=error", "error-pread=EIO", "error-pread-rate=100%",
        file_option, NULL };
    const char *trigger = pattern_path("trigger");
    uint64_t size = 2 * MIB;
    auto_free uint8_t *data = make_disk(33, size);
    uint8_t buf[4096];

    (void)state;
    if (!installed("nbdkit"))
        skip();
    snprintf(file_option, sizeof(file_option), "error-pread-file=%s", trigger);
    auto_ptr(proc) server = serve_nbdkit(options);
    assert_non_null(server);
    auto_ptr(source) s = opened(uri(), 2);
    assert_ok(source_read(s, 0, 65536, buf, sizeof(buf)));
    pattern_to_file(trigger, data, 0, NULL);
    struct err *e = source_read(s, 1, 65536, buf, sizeof(buf));
    unlink(trigger);
    assert_int_equal(err_code(e), E_SourceReadFailed);
    assert_int_equal(err_os_number(e), EIO);
    assert_true(err_has(e, E_NbdServerRefused));
    assert_non_null(strstr(err_message(e), "65536"));
    err_free(e);
    /* the connection lives */
    assert_ok(source_read(s, 1, 65536, buf, sizeof(buf)));
    assert_memory_equal(buf, data + 65536, sizeof(buf));
    assert_ok(source_check(s));
}

static void
a_server_that_is_killed(void **state)
{
    const char *const none[] = { NULL };
    uint64_t size = 2 * MIB;
    free(make_disk(34, size));
    uint8_t buf[4096];

    (void)state;
    if (!installed("nbdkit"))
        skip();
    struct proc *server = serve_nbdkit(none);
    auto_ptr(source) s = opened(uri(), 2);
    assert_ok(source_read(s, 0, 65536, buf, sizeof(buf)));
    proc_free(server);
    assert_fails(source_read(s, 0, 65536, buf, sizeof(buf)), E_SourceVanished);
    assert_fails(source_read(s, 0, 65536, buf, sizeof(buf)), E_SourceVanished);
    assert_fails(source_read(s, 1, 65536, buf, sizeof(buf)), E_SourceVanished);
    assert_fails(source_check(s), E_SourceVanished);
    uint64_t len;
    enum source_extent kind;
    assert_fails(source_extent(s, 0, &kind, &len), E_SourceVanished);
}

struct slow_read {
    struct source *s;
    struct err *failed;
};

static void *
read_slowly(void *arg)
{
    struct slow_read *r = arg;
    uint8_t buf[4096];

    r->failed = source_read(r->s, 0, 65536, buf, sizeof(buf));
    return NULL;
}

static void
a_server_that_dies_in_the_middle_of_a_read(void **state)
{
    const char *const more[] = { "--filter=delay", "delay-read=30", NULL };
    free(make_disk(35, 2 * MIB));
    pthread_t thread;

    (void)state;
    if (!installed("nbdkit"))
        skip();
    struct proc *server = serve_nbdkit(more);
    auto_ptr(source) s = opened(uri(), 1);
    struct slow_read r = { .s = s };
    assert_int_equal(pthread_create(&thread, NULL, read_slowly, &r), 0);
    poll(NULL, 0, 50); /* most likely under way by then; before it, the code is the same */
    proc_free(server);
    pthread_join(thread, NULL);
    assert_int_equal(err_code(r.failed), E_SourceVanished);
    err_free(r.failed);
}

static void
a_server_that_falls_silent(void **state)
{
    const char *const more[] = { "--filter=delay", "delay-read=30", NULL };
    struct nbd_link_options options = { .silence_ms = 50 };
    free(make_disk(36, 2 * MIB));
    auto_ptr(nbd_link) link = NULL;
    uint8_t buf[4096];

    (void)state;
    if (!installed("nbdkit"))
        skip();
    auto_ptr(proc) server = serve_nbdkit(more);
    assert_non_null(server);
    assert_ok(nbd_link_open_uri(uri(), "slow", &options, &link));
    struct err *e = nbd_link_read(link, 0, 0, buf, sizeof(buf));
    assert_int_equal(err_code(e), E_NbdServerGone);
    assert_true(err_has(e, E_DeadlinePassed));
    err_free(e);
    assert_fails(nbd_link_read(link, 0, 0, buf, sizeof(buf)), E_NbdServerGone);
}

static void
addresses_that_lead_nowhere(void **state)
{
    const char *const picky[] = { "--filter=exportname", "exportname=known",
        "exportname-strict=true", NULL };
    free(make_disk(37, MIB));
    struct source *s = NULL;
    char spec[4500];

    (void)state;
    unlink(pattern_path("sock"));
    assert_fails(source_open(uri(), NULL, &s), E_NbdUnreachable);
    assert_fails(source_open("nbd://localhost:1/x", NULL, &s), E_NbdUnreachable);
    assert_fails(source_open("nbd://no-such-host.invalid/", NULL, &s), E_NbdUnreachable);
    assert_fails(source_open("nbd+unix:///", NULL, &s), E_NbdUnreachable);
    assert_fails(source_open("nbds://localhost/?tls-psk-file=/etc/passwd", NULL, &s),
        E_NbdUnreachable);
    if (!installed("nbdkit"))
        skip();
    auto_ptr(proc) server = serve_nbdkit(picky);
    assert_non_null(server);
    snprintf(spec, sizeof(spec), "nbd+unix:///other?socket=%s", pattern_path("sock"));
    struct err *e = source_open(spec, NULL, &s);
    assert_int_equal(err_code(e), E_NbdExportMissing);
    assert_non_null(strstr(err_message(e), "'other'"));
    err_free(e);
    snprintf(spec, sizeof(spec), "nbd+unix:///known?socket=%s", pattern_path("sock"));
    assert_ok(source_open(spec, NULL, &s));
    source_free(s);
}

/* What a bitmap that is no good says is never taken for "unchanged". */
static void
expect_of_dirty_liar(enum nbd_nonsense kind)
{
    struct nbd_link_options options = { .connect_ms = 2000, .silence_ms = 2000,
        .bitmap = "b" };
    auto_ptr(nbd_link) link = NULL;
    bool dirty = false;
    uint64_t len = 0;

    assert_ok(nbd_link_open_uri(uri(), "liar", &options, &link));
    struct err *e = nbd_link_dirty(link, 4096, &dirty, &len);
    int code = err_code(e);
    err_free(e);
    if (kind == NBD_DIRTY_TOO_LONG)
        assert_true(code == 0 && dirty && len == 65536 - 4096);
    else if (kind == NBD_DIRTY_REFUSED)
        assert_int_equal(code, E_NbdServerRefused);
    else
        assert_true(code == E_NbdServerWrong || code == E_NbdServerGone);
}

static void
expect_of_liar(enum nbd_nonsense kind)
{
    static const int at_open[] = {
        [NBD_GARBAGE_GREETING] = E_NbdUnreachable,
        [NBD_SILENT_GREETING] = E_NbdUnreachable,
        [NBD_CLOSES_AT_ONCE] = E_NbdUnreachable,
        [NBD_HUGE_EXPORT] = E_NbdServerWrong,
    };
    struct nbd_link_options options = { .connect_ms = 300, .silence_ms = 2000 };
    auto_ptr(nbd_link) link = NULL;
    uint8_t buf[4096];
    bool zero;
    uint64_t len = 0;
    struct err *e = nbd_link_open_uri(uri(), "liar", &options, &link);
    int code = err_code(e);

    err_free(e);
    assert_true(kind < NBD_DIRTY_UNTOLD);
    if (kind <= NBD_HUGE_EXPORT) {
        assert_int_equal(code, at_open[kind]);
        return;
    }
    if (kind == NBD_ODD_BLOCK_SIZE || kind == NBD_MIN_OVER_MAX) {
        /* libnbd may refuse what makes no sense, or leave it out; if used, it must work */
        assert_true(code == 0 || code == E_NbdServerWrong || code == E_NbdServerGone);
        if (code == 0)
            assert_ok(nbd_link_read(link, 0, 100, buf, 50));
        return;
    }
    assert_int_equal(code, 0);
    if (kind == NBD_EMPTY_EXTENT || kind == NBD_EXTENT_TOO_LONG) {
        e = nbd_link_extent(link, 4096, &zero, &len);
        code = err_code(e);
        err_free(e);
        if (kind == NBD_EMPTY_EXTENT)
            assert_true(code == E_NbdServerWrong || code == E_NbdServerGone);
        else
            assert_true(code == 0 && zero && len == 65536 - 4096);
        return;
    }
    e = nbd_link_read(link, 0, 0, buf, sizeof(buf));
    code = err_code(e);
    err_free(e);
    assert_true(code == E_NbdServerWrong || code == E_NbdServerGone);
}

static void
servers_that_talk_nonsense(void **state)
{
    (void)state;
    for (int kind = 0; kind < NBD_NONSENSES; kind++) {
        struct nbd_liar l;
        nbd_liar_start(&l, (enum nbd_nonsense)kind, pattern_path("sock"));
        print_message("# nonsense %d\n", kind);
        if (kind >= NBD_DIRTY_UNTOLD)
            expect_of_dirty_liar((enum nbd_nonsense)kind);
        else
            expect_of_liar((enum nbd_nonsense)kind);
        nbd_liar_stop(&l);
    }
}

struct together {
    pthread_t thread;
    struct nbd_link *link;
    unsigned lane;
    uint8_t buf[4096];
    struct err *failed;
};

static void *
read_together(void *arg)
{
    struct together *t = arg;

    memset(t->buf, 0xa5, sizeof(t->buf));
    t->failed = nbd_link_read(t->link, t->lane, t->lane * 4096, t->buf, sizeof(t->buf));
    return NULL;
}

/* The server answers nobody before all have asked, over the one connection that there is. */
static void
ask_together(enum nbd_nonsense kind, int code)
{
    struct nbd_link_options options = { .lanes = NBD_GATHERED, .connect_ms = START_MS,
        .silence_ms = START_MS };
    struct together t[NBD_GATHERED] = { 0 };
    auto_ptr(nbd_link) link = NULL;
    struct nbd_liar l;

    nbd_liar_start(&l, kind, pattern_path("sock"));
    assert_ok(nbd_link_open_uri(uri(), "one", &options, &link));
    assert_int_equal(nbd_link_lanes(link), NBD_GATHERED);
    for (unsigned i = 0; i < NBD_GATHERED; i++) {
        t[i].link = link;
        t[i].lane = i;
        assert_int_equal(pthread_create(&t[i].thread, NULL, read_together, &t[i]), 0);
    }
    for (unsigned i = 0; i < NBD_GATHERED; i++)
        pthread_join(t[i].thread, NULL);
    for (unsigned i = 0; i < NBD_GATHERED; i++) {
        assert_int_equal(err_code(t[i].failed), code);
        assert_true(code != 0 || t[i].buf[0] == 0);
        err_free(t[i].failed);
    }
    if (code != 0)
        assert_fails(nbd_link_read(link, 0, 0, t[0].buf, 1), code);
    nbd_link_free(take(link));
    nbd_liar_stop(&l);
}

static void
requests_are_under_way_together(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        ask_together(NBD_GATHERS, 0);
        ask_together(NBD_GATHERS_AND_DIES, E_NbdServerGone);
    }
}

static void
run_tool(const char *const argv[])
{
    auto_free char *words = NULL;
    int status = -1;

    assert_ok(proc_run(argv, deadline_in_ms(60000), &status, &words));
    if (status != 0)
        print_error("%s: %s\n", argv[0], words);
    assert_int_equal(status, 0);
}

static const char *
make_image(const char *format, const char *name)
{
    const char *image = pattern_path(name);
    /* a vhd has the size of a geometry unless it is told otherwise */
    const char *more = strcmp(format, "vpc") == 0 ? "-oforce_size=on" : "-p";
    const char *argv[] = { "qemu-img", "convert", more, "-f", "raw", "-O", format,
        pattern_path("disk.raw"), image, NULL };

    run_tool(argv);
    return image;
}

/* Nothing of ours is left in the folder for sockets. */
static void
assert_no_leftovers(void)
{
    const char *argv[] = { "find", pattern_folder(), "-mindepth", "1", "-name", "firn-*",
        NULL };
    auto_ptr(proc) p = NULL;
    auto_free char *output = NULL;
    bool ended;
    int status;

    assert_ok(proc_start(argv, NULL, &p));
    assert_ok(proc_wait(p, deadline_never(), &ended, &status));
    assert_ok(proc_output(p, &output));
    assert_string_equal(output, "");
}

static void
images(void **state)
{
    static const char *const formats[][2] = { { "qcow2", "a.qcow2" }, { "vmdk", "b.vmdk" },
        { "vhdx", "c.vhdx" }, { "vdi", "d.VDI" },
        { "vpc", "e.vhd" }, { "qcow2", "odd name,=;:\".qcow2" } };
    uint64_t size = 4 * MIB;
    auto_free uint8_t *data = make_disk(50, size);

    (void)state;
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        const char *image = make_image(formats[i][0], formats[i][1]);
        auto_ptr(source) s = opened(image, 3);
        assert_false(s->stamp.known);
        source_conformance(s, data, size, i == 0 ? 65536 : 0);
        assert_no_leftovers();
    }
}

static void
an_image_by_format_and_relative_path(void **state)
{
    uint64_t size = 2 * MIB;
    auto_free uint8_t *data = make_disk(51, size);
    struct source_options options = { .format = "qcow2", .run_dir = pattern_folder() };
    auto_ptr(source) s = NULL;
    char cwd[4096];

    (void)state;
    make_image("qcow2", "nbd:x");
    assert_non_null(getcwd(cwd, sizeof(cwd)));
    assert_int_equal(chdir(pattern_folder()), 0);
    struct err *e = source_open("nbd:x", &options, &s);
    assert_int_equal(chdir(cwd), 0);
    assert_ok(e);
    source_conformance(s, data, size, 0);
}

static void
images_that_cannot_be_used(void **state)
{
    struct source_options options = { .run_dir = pattern_folder() };
    auto_free uint8_t *data = make_disk(52, MIB);
    const char *image = pattern_path("broken.qcow2");
    struct source *s = NULL;

    (void)state;
    pattern_to_file(image, data, MIB, NULL);
    struct err *e = source_open(image, &options, &s);
    assert_int_equal(err_code(e), E_ImageUnusable);
    assert_true(err_has(e, E_ChildFailed));
    assert_non_null(strstr(err_message(e), "qcow2 format"));
    err_free(e);
    assert_fails(source_open(pattern_path("none.qcow2"), &options, &s), E_SourceMissing);
    assert_int_equal(mkdir(pattern_path("dir.qcow2"), 0700), 0);
    assert_fails(source_open(pattern_path("dir.qcow2"), &options, &s), E_SourceIsFolder);
    rmdir(pattern_path("dir.qcow2"));
    options.run_dir = pattern_path("no-such-folder");
    make_image("qcow2", "good.qcow2");
    assert_fails(source_open(pattern_path("good.qcow2"), &options, &s), E_FileUnwritable);
    assert_no_leftovers();
    assert_null(s);
}

static void
without_qemu_nbd(void **state)
{
    char *path = strdup(getenv("PATH"));
    free(make_disk(53, MIB));
    struct source *s = NULL;

    (void)state;
    make_image("qcow2", "good.qcow2");
    setenv("PATH", "/nowhere", 1);
    struct err *e = source_open(pattern_path("good.qcow2"), NULL, &s);
    setenv("PATH", path, 1);
    free(path);
    assert_int_equal(err_code(e), E_ImageToolMissing);
    err_free(e);
}

/* A qemu-nbd that may write stands in for a VM: it holds the same lock. */
static void
an_image_in_use(void **state)
{
    const char *image, *sock = pattern_path("sock");
    free(make_disk(54, MIB));
    struct source_options options = { .run_dir = pattern_folder() };
    struct source *s = NULL;

    (void)state;
    image = make_image("qcow2", "used.qcow2");
    const char *argv[] = { "qemu-nbd", "-t", "-f", "qcow2", "-k", sock, image, NULL };
    auto_ptr(proc) vm = serve(sock, argv);
    assert_non_null(vm);
    assert_fails(source_open(image, &options, &s), E_ImageInUse);
    assert_null(s);
}

/* A qcow2 image of disk.raw with the bitmap "b"; then some of it is written, through a
 * qemu-nbd, zeroed and discarded, and so is ${data}. */
static const char *
make_image_with_bitmap(uint8_t *data, uint64_t size)
{
    struct nbd_link_options options = { .writable = true };
    const char *image = make_image("qcow2", "kept.qcow2"), *sock = pattern_path("sock");
    const char *add[] = { "qemu-img", "bitmap", "--add", image, "b", NULL };
    const char *argv[] = { "qemu-nbd", "-f", "qcow2", "-k", sock, image, NULL };
    auto_ptr(nbd_link) link = NULL;
    bool ended;
    int status = -1;

    run_tool(add);
    auto_ptr(proc) server = serve(sock, argv);
    assert_ok(nbd_link_open_uri(uri(), "image", &options, &link));
    for (uint64_t off = 70000; off + 5000 < size; off += 700000) {
        memset(data + off, 'w', 5000);
        assert_ok(nbd_link_write(link, 0, off, data + off, 5000));
    }
    memset(data + 256 * 1024, 0, 128 * 1024);
    assert_ok(nbd_link_zero(link, 0, 256 * 1024, 128 * 1024));
    nbd_link_free(take(link));
    assert_ok(proc_wait(server, deadline_in_ms(START_MS), &ended, &status));
    assert_true(ended && status == 0);
    return image;
}

static void
an_image_that_tells_changes(void **state)
{
    uint64_t size = 4 * MIB;
    auto_free uint8_t *before = make_disk(56, size), *data = malloc(size);
    struct source_options options = { .bitmap = "b", .lanes = 2, .run_dir = pattern_folder() };
    struct source *none = NULL;
    auto_ptr(source) s = NULL;

    (void)state;
    memcpy(data, before, size);
    const char *image = make_image_with_bitmap(data, size);
    assert_ok(source_open(image, &options, &s));
    source_conformance(s, data, size, 65536);
    uint64_t told = source_conformance_changes(s, before, data, 9 * 65536);
    assert_true(told >= 128 * 1024 + 6 * 5000);
    options.bitmap = "c";
    struct err *e = source_open(image, &options, &none);
    assert_int_equal(err_code(e), E_SourceBitmapMissing);
    assert_non_null(strstr(err_message(e), "'c'"));
    err_free(e);
    assert_null(none);
    assert_no_leftovers();
}

static void
an_export_that_tells_changes(void **state)
{
    uint64_t size = 4 * MIB;
    auto_free uint8_t *before = make_disk(57, size), *data = malloc(size);
    struct source_options options = { .bitmap = "b", .lanes = 3 };
    struct source *s = NULL;
    char name[NBD_LINK_BITMAP_MAX + 2];

    (void)state;
    memcpy(data, before, size);
    const char *image = make_image_with_bitmap(data, size), *sock = pattern_path("sock");
    const char *argv[] = { "qemu-nbd", "-t", "-r", "-e", "8", "-f", "qcow2", "-B", "b", "-x",
        "vda", "-k", sock, image, NULL };
    auto_ptr(proc) server = serve(sock, argv);
    assert_non_null(server);
    assert_ok(source_nbd_socket(sock, "vda", "b", 3, "web: vda", &s));
    assert_true(s->tells_changes && s->lanes == 3);
    assert_string_equal(s->name, "web: vda");
    source_conformance(s, data, size, 65536);
    (void)source_conformance_changes(s, before, data, 9 * 65536);
    source_free(s);
    assert_ok(source_nbd_socket(sock, "vda", NULL, 1, "web: vda", &s));
    assert_false(s->tells_changes);
    source_free(s);
    s = NULL;
    assert_fails(source_nbd_socket(sock, "vda", "c", 1, "vda", &s), E_SourceBitmapMissing);
    assert_fails(source_nbd_socket(sock, "vdb", "b", 1, "vdb", &s), E_NbdExportMissing);
    assert_fails(source_nbd_socket(sock, "vda", "", 1, "vda", &s), E_InputInvalid);
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    assert_fails(source_nbd_socket(sock, "vda", name, 1, "vda", &s), E_InputInvalid);
    options.bitmap = "b";
    assert_fails(source_open(uri(), &options, &s), E_NbdExportMissing); /* the unnamed one */
    assert_null(s);
}

static void
a_server_without_bitmaps(void **state)
{
    const char *const none[] = { NULL };
    struct source_options options = { .bitmap = "b" };
    free(make_disk(58, MIB));
    struct source *s = NULL;

    (void)state;
    if (!installed("nbdkit"))
        skip();
    auto_ptr(proc) server = serve_nbdkit(none);
    assert_non_null(server);
    assert_fails(source_open(uri(), &options, &s), E_SourceBitmapMissing);
    assert_null(s);
}

static void
many_images_at_once(void **state)
{
    enum { N = 6 };
    uint64_t size = MIB;
    auto_free uint8_t *data = make_disk(55, size);
    struct source *s[N];

    (void)state;
    const char *image = make_image("qcow2", "many.qcow2");
    for (int i = 0; i < N; i++)
        s[i] = opened(image, 2);
    for (int i = 0; i < N; i++) {
        source_conformance(s[i], data, size, 0);
        source_free(s[i]);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(qemu_nbd_serves),
        cmocka_unit_test(qemu_nbd_rounds_up),
        cmocka_unit_test(nbdkit_serves_any_size),
        cmocka_unit_test(a_server_that_wants_aligned_requests),
        cmocka_unit_test(a_server_of_one_connection_that_tells_nothing),
        cmocka_unit_test(a_running_machine_is_asked_in_small_requests),
        cmocka_unit_test(errors_at_a_range),
        cmocka_unit_test(a_server_that_is_killed),
        cmocka_unit_test(a_server_that_dies_in_the_middle_of_a_read),
        cmocka_unit_test(a_server_that_falls_silent),
        cmocka_unit_test(addresses_that_lead_nowhere),
        cmocka_unit_test(servers_that_talk_nonsense),
        cmocka_unit_test(requests_are_under_way_together),
        cmocka_unit_test(images),
        cmocka_unit_test(an_image_by_format_and_relative_path),
        cmocka_unit_test(images_that_cannot_be_used),
        cmocka_unit_test(without_qemu_nbd),
        cmocka_unit_test(an_image_in_use),
        cmocka_unit_test(an_image_that_tells_changes),
        cmocka_unit_test(an_export_that_tells_changes),
        cmocka_unit_test(a_server_without_bitmaps),
        cmocka_unit_test(many_images_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
