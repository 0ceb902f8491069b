/* SPDX-License-Identifier: Apache-2.0 */
/* Holding file systems still, with calls for it that are played: each may fail, or hang.  The
 * file systems are tmpfs in a mount namespace of the test's own, under names of devices; no
 * call here freezes anything.  The real calls are in tests/e2e/freeze.sh. */
#include "check.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "auto.h"
#include "freeze_internal.h"
#include "pattern.h"

enum { MOUNTS = 3, PATIENT_MS = 20000, LONG_MS = 20000, SHORT_MS = 300, ORDER_MAX = 64 };

/* What the played calls do, seen by all processes. */
struct played {
    dev_t device[MOUNTS];
    _Atomic int frozen[MOUNTS], number[MOUNTS]; /* number: errno of FIFREEZE */
    _Atomic int hangs; /* 1 + the one whose FIFREEZE waits for go */
    _Atomic int order_n;
    char order[ORDER_MAX]; /* "abcCBA": frozen, thawed */
    _Atomic int code, done, frozen_n, others;
};

static struct played *played;
static int began[2], go[2]; /* a FIFREEZE that hangs has begun; may go on */
static char names[MOUNTS][128];

static int
which(int fd)
{
    struct stat st;

    assert_int_equal(fstat(fd, &st), 0);
    for (int i = 0; i < MOUNTS; i++)
        if (played->device[i] == st.st_dev)
            return i;
    abort(); /* never another one */
}

static void
note(char letter)
{
    played->order[played->order_n++ % ORDER_MAX] = letter;
}

static int
play_freeze(int fd)
{
    int i = which(fd);
    char byte;

    if (played->hangs == i + 1) {
        sigset_t all;

        sigfillset(&all); /* as a call that nothing interrupts, KILL excepted */
        sigprocmask(SIG_BLOCK, &all, NULL);
        (void)!write(began[1], "b", 1);
        while (read(go[0], &byte, 1) != 1)
            continue;
    }
    if (played->number[i] != 0 || played->frozen[i]) {
        errno = played->number[i] != 0 ? played->number[i] : EBUSY;
        return -1;
    }
    played->frozen[i] = 1;
    note((char)('a' + i));
    return 0;
}

static int
play_thaw(int fd)
{
    int i = which(fd);

    if (!played->frozen[i]) {
        errno = EINVAL;
        return -1;
    }
    played->frozen[i] = 0;
    note((char)('A' + i));
    return 0;
}

/* ---- the stage ---- */

static bool
apart(void)
{
    int flags = geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER;

    return unshare(flags) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

static bool
mount_all(void)
{
    char source[32];
    struct stat st;

    for (int i = 0; i < MOUNTS; i++) {
        snprintf(names[i], sizeof(names[i]), "%s", pattern_path((char[]){ 'm',
            (char)('a' + i), '\0' }));
        snprintf(source, sizeof(source), "/dev/played-%c", 'a' + i);
        if (mkdir(names[i], 0700) != 0 || mount(source, names[i], "tmpfs", 0, NULL) != 0 ||
            stat(names[i], &st) != 0)
            return false;
        played->device[i] = st.st_dev;
    }
    const char *run = pattern_path("run");
    setenv("FIRN_RUN", run, 1);
    return mkdir(run, 0700) == 0 && mount("run", run, "tmpfs", 0, NULL) == 0;
}

static int
begin_test(void **state)
{
    dev_t device[MOUNTS];

    (void)state;
    memcpy(device, played->device, sizeof(device));
    memset(played, 0, sizeof(*played));
    memcpy(played->device, device, sizeof(device));
    assert_int_equal(pipe2(began, O_CLOEXEC), 0);
    assert_int_equal(pipe2(go, O_CLOEXEC), 0);
    return 0;
}

static int
end_test(void **state)
{
    (void)state;
    while (waitpid(-1, NULL, 0) > 0) /* watchdogs end by themselves */
        continue;
    for (int i = 0; i < 2; i++) {
        close(began[i]);
        close(go[i]);
    }
    return 0;
}

static const char *
marker(void)
{
    return pattern_path("run/firn-extension.frozen");
}

/* The three alone: whatever else this machine has is none of a test's business. */
static struct freeze_options
options(int64_t ms)
{
    static const char *only[MOUNTS + 1];

    for (int i = 0; i < MOUNTS; i++)
        only[i] = names[i];
    return (struct freeze_options){ .only = only, .deadline_ms = ms };
}

static int
frozen(void)
{
    int n = 0;

    for (int i = 0; i < MOUNTS; i++)
        n += played->frozen[i];
    return n;
}

static void
becomes(int n)
{
    struct deadline by = deadline_in_ms(PATIENT_MS);

    while (frozen() != n) {
        assert_false(deadline_passed(by));
        (void)poll(NULL, 0, 1);
    }
}

/* freeze_begin in a process of its own, as the verb is. */
static pid_t
freezer(int64_t ms)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    struct freeze_options o = options(ms);
    struct freeze_begun b = { 0 };
    struct err *e = freeze_begin(&o, &b);
    played->code = err_code(e);
    played->frozen_n = (int)b.frozen;
    played->others = (int)b.others;
    played->done = 1;
    err_free(e);
    _exit(0);
}

static void
has_begun(void)
{
    struct pollfd p = { .fd = began[0], .events = POLLIN };

    assert_int_equal(poll(&p, 1, PATIENT_MS), 1);
}

static void
go_on(void)
{
    assert_int_equal(write(go[1], "g", 1), 1);
}

static void
reap(pid_t pid)
{
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static struct freeze_ended
thaw_now(void)
{
    struct freeze_ended e = { 0 };

    assert_ok(freeze_end(deadline_in_ms(PATIENT_MS), &e));
    assert_int_equal(frozen(), 0);
    return e;
}

/* ---- tests ---- */

static void
frozen_until_asked(void **state)
{
    (void)state;
    reap(freezer(LONG_MS));
    assert_int_equal(played->code, 0);
    assert_int_equal(played->frozen_n, MOUNTS);
    assert_int_equal(frozen(), MOUNTS); /* although the one that froze has ended */
    assert_int_equal(access(marker(), F_OK), 0);
    struct freeze_ended e = thaw_now();
    assert_int_equal(e.thawed, MOUNTS);
    assert_true(e.held);
    assert_true(e.held_ns > 0);
    /* the reverse order: later mounts were frozen first */
    assert_string_equal(played->order, "cbaABC");
    assert_int_not_equal(access(marker(), F_OK), 0);
    e = thaw_now();
    assert_int_equal(e.thawed, 0);
    assert_false(e.held);
    assert_false(e.rescued);
}

static void
thawed_at_the_deadline(void **state)
{
    int64_t began_ns = clock_mono_ns();

    (void)state;
    reap(freezer(SHORT_MS));
    assert_int_equal(played->code, 0);
    becomes(0);
    assert_true(clock_mono_ns() - began_ns >= SHORT_MS * CLOCK_MS);
    struct freeze_ended e = thaw_now();
    assert_false(e.held);
}

/* safefreeze hung in such a call with earlier file systems frozen, and no timer ran yet. */
static void
a_freeze_that_hangs(void **state)
{
    (void)state;
    played->hangs = 1; /* the last to be frozen */
    pid_t pid = freezer(SHORT_MS);
    has_begun();
    becomes(2); /* and their deadline comes while the third hangs */
    becomes(0);
    go_on();
    (void)waitpid(pid, NULL, 0);
    becomes(0);
    while (access(marker(), F_OK) == 0)
        (void)poll(NULL, 0, 1);
    assert_int_equal(frozen(), 0);
}

static void
killed_while_it_freezes(void **state)
{
    (void)state;
    for (int hangs = 1; hangs <= MOUNTS; hangs++) {
        played->hangs = hangs;
        pid_t pid = freezer(LONG_MS);
        has_begun();
        kill(pid, SIGKILL);
        reap(pid);
        becomes(0);
        while (access(marker(), F_OK) == 0) /* long before its deadline */
            (void)poll(NULL, 0, 1);
    }
}

static void
stopped_while_it_freezes(void **state)
{
    (void)state;
    played->hangs = 2;
    pid_t pid = freezer(SHORT_MS);
    has_begun();
    kill(pid, SIGSTOP);
    go_on();
    becomes(0);
    while (access(marker(), F_OK) == 0)
        (void)poll(NULL, 0, 1);
    assert_int_equal(frozen(), 0);
    kill(pid, SIGCONT);
    (void)waitpid(pid, NULL, 0);
}

static void
a_failure_thaws_and_keeps_its_reason(void **state)
{
    (void)state;
    played->number[0] = EIO; /* the last */
    struct freeze_options o = options(LONG_MS);
    struct freeze_begun b;
    struct err *e = freeze_begin(&o, &b);

    assert_int_equal(frozen(), 0);
    assert_int_equal(err_os_number(e), EIO);
    assert_non_null(strstr(err_message(e), names[0]));
    assert_fails(e, E_FreezeFailed);
    assert_string_equal(played->order, "cbBC"); /* nothing else was thawed */
    assert_int_not_equal(access(marker(), F_OK), 0);
}

static void
what_others_froze_stays(void **state)
{
    (void)state;
    played->frozen[1] = 1;
    played->number[2] = EOPNOTSUPP;
    struct freeze_options o = options(LONG_MS);
    struct freeze_begun b = { 0 };

    assert_ok(freeze_begin(&o, &b));
    assert_int_equal(b.frozen, 1);
    assert_int_equal(b.others, 1);
    assert_int_equal(b.unable, 1);
    assert_string_equal(b.other, names[1]);
    struct freeze_ended e = { 0 };
    assert_ok(freeze_end(deadline_in_ms(PATIENT_MS), &e));
    assert_int_equal(e.thawed, 1);
    assert_true(e.held);
    assert_int_equal(played->frozen[1], 1);
    played->frozen[1] = 0;
}

static void
nothing_can_be_frozen(void **state)
{
    (void)state;
    for (int i = 0; i < MOUNTS; i++)
        played->number[i] = EOPNOTSUPP;
    struct freeze_options o = options(LONG_MS);
    struct freeze_begun b;
    assert_fails(freeze_begin(&o, &b), E_FreezeEmpty);
    assert_int_not_equal(access(marker(), F_OK), 0);
}

static void
one_at_a_time(void **state)
{
    struct freeze_options o = options(LONG_MS);
    struct freeze_begun b;

    (void)state;
    reap(freezer(LONG_MS));
    assert_fails(freeze_begin(&o, &b), E_GuestOperationRunning);
    assert_int_equal(frozen(), MOUNTS);
    assert_true(thaw_now().held);
}

/* A child of the test: the watchdog, since the test is a reaper. */
static pid_t
watchdog(void)
{
    char path[64], text[64] = "";

    snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
    auto_fd int fd = open(path, O_RDONLY);
    assert_true(read(fd, text, sizeof(text) - 1) > 0);
    int pid = 0;
    assert_int_equal(sscanf(text, "%d", &pid), 1);
    return pid;
}

static void
goes_on_slowly(void *arg)
{
    char byte;

    (void)arg;
    (void)!write(began[1], "b", 1);
    while (read(go[0], &byte, 1) != 1)
        continue;
}

/* Thawed, but its applications have not gone on yet. */
static void
the_next_one_waits_for_applications(void **state)
{
    struct freeze_options o = options(LONG_MS);
    struct freeze_begun b = { 0 };
    struct freeze_ended e = { 0 };

    (void)state;
    o.thawed = goes_on_slowly;
    assert_ok(freeze_begin(&o, &b));
    pid_t w = watchdog();
    assert_true(thaw_now().held);
    has_begun();
    assert_fails(freeze_begin(&o, &b), E_GuestOperationRunning);
    assert_ok(freeze_end(deadline_in_ms(PATIENT_MS), &e)); /* nobody is kept waiting for it */
    assert_int_equal(e.thawed, 0);
    go_on();
    reap(w);
    o.thawed = NULL;
    assert_ok(freeze_begin(&o, &b));
    assert_true(thaw_now().held);
}

static void
somebody_else_thaws(void **state)
{
    (void)state;
    reap(freezer(LONG_MS));
    played->frozen[1] = 0;
    struct freeze_ended e = thaw_now();
    assert_int_equal(e.lost, 1);
    assert_int_equal(e.thawed, 2);
    assert_false(e.held);
}

/* Both are killed: the next thaw, or the next freeze, finds the marker. */
static void
both_are_killed(void **state)
{
    (void)state;
    reap(freezer(LONG_MS));
    pid_t w = watchdog();
    kill(w, SIGKILL);
    reap(w);
    assert_int_equal(frozen(), MOUNTS);
    struct freeze_ended e = thaw_now();
    assert_true(e.rescued);
    assert_int_equal(e.thawed, MOUNTS);
    assert_false(e.held);
    assert_int_not_equal(access(marker(), F_OK), 0);

    reap(freezer(LONG_MS));
    w = watchdog();
    kill(w, SIGKILL);
    reap(w);
    reap(freezer(LONG_MS));
    assert_int_equal(played->code, 0);
    assert_int_equal(played->frozen_n, MOUNTS); /* thawed first, then frozen */
    assert_true(thaw_now().held);
}

static void
the_watchdog_is_stopped(void **state)
{
    (void)state;
    reap(freezer(LONG_MS));
    kill(watchdog(), SIGSTOP);
    struct freeze_ended e = thaw_now();
    assert_int_equal(e.thawed, MOUNTS);
    assert_true(e.rescued);
}

/* Anybody can connect to the watchdog's socket; only who froze, or root, is heard. */
static void
strangers_cannot_thaw(void **state)
{
    struct freeze_ended e;
    int status = 0;

    (void)state;
    if (geteuid() != 0)
        skip(); /* nobody to be a stranger to: only root may become another user */
    reap(freezer(LONG_MS));
    pid_t pid = fork();
    if (pid == 0) { /* past freeze_end, which refuses by itself */
        int fd = -1, watch = 0;

        if (setuid(65534) != 0)
            _exit(2);
        err_free(freeze_connect(marker(), &fd, &watch));
        _exit(fd >= 0 && read(fd, &fd, 1) == 0 ? 0 : 1); /* it hangs up */
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(frozen(), MOUNTS);
    e = thaw_now();
    assert_true(e.held);
}

static void
it_does_not_heed_requests_to_end(void **state)
{
    static const int requests[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE };

    (void)state;
    reap(freezer(LONG_MS));
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
        kill(watchdog(), requests[i]);
    assert_true(thaw_now().held);
}

/* ---- which file systems ---- */

static void
bind_mounts_are_one(void **state)
{
    const char *twin = pattern_path("twin");
    const char *const only[] = { names[0], twin, NULL };
    struct freeze_list l;

    (void)state;
    assert_int_equal(mkdir(twin, 0700), 0);
    assert_int_equal(mount(names[0], twin, NULL, MS_BIND, NULL), 0);
    struct err *e = freeze_list_read("/proc/self/mountinfo", only, &l);
    assert_int_equal(umount(twin), 0);
    rmdir(twin);
    /* asked for by both names it is one file system, and by one of them too */
    assert_fails(e, E_MountUnopenable);
    assert_ok(freeze_list_read("/proc/self/mountinfo", (const char *const[]){ names[0], NULL },
        &l));
    assert_int_equal(l.n, 1);
}

static void
read_only_and_hidden_are_left_out(void **state)
{
    const char *const only[] = { names[0], NULL };
    struct freeze_list l;

    (void)state;
    assert_int_equal(mount(NULL, names[0], NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
    struct err *e = freeze_list_read("/proc/self/mountinfo", only, &l);
    assert_int_equal(mount(NULL, names[0], NULL, MS_REMOUNT, NULL), 0);
    assert_fails(e, E_MountUnopenable);
    assert_int_equal(mount("hides", names[0], "tmpfs", 0, NULL), 0);
    e = freeze_list_read("/proc/self/mountinfo", only, &l);
    assert_int_equal(umount(names[0]), 0);
    assert_fails(e, E_MountUnopenable);
}

static void
list_of(const char *text, unsigned n)
{
    const char *path = pattern_path("mountinfo");
    struct freeze_list l;
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    fclose(f);
    assert_ok(freeze_list_read(path, NULL, &l));
    assert_int_equal(l.n, n);
}

/* Lines of any form; what would hang is not even looked at. */
static void
odd_lines(void **state)
{
    (void)state;
    list_of("", 0);
    list_of("\n\n x", 0);
    list_of("1 2 8:1 / /x rw shared:1 ext4 /dev/sda1 rw", 0);
    list_of("1 2 8:1 / /nonexistent rw - ext4 /dev/sda1 rw", 0);
    list_of("1 2 8: / /proc rw - ext4 /dev/sda1 rw\n1 2 a:b / / rw - ext4 /dev/b rw", 0);
    list_of("1 2 99999999999:1 / / rw - ext4 /dev/sda1 rw", 0);
    list_of("1 2 0:40 / / rw - nfs server:/x rw\n1 2 0:41 / / rw - fuse.x /dev/fuse rw\n", 0);
    list_of("1 2 8:1 / / rw - ext4 /dev/sda1 ro,x\n1 2 8:1 / / rw - ext4 /dev/sda1 ro", 0);
    list_of("1 2 8:1 / /\\400\\04 rw - ext4 /dev/sda1 rw", 0);
    assert_fails(freeze_list_read("/nonexistent", NULL, &(struct freeze_list){ 0 }),
        E_FileUnreadable);
}

static void
no_mount_point(void **state)
{
    const char *const only[] = { "/etc/passwd", NULL };
    struct freeze_options o = { .only = only, .deadline_ms = LONG_MS };
    struct freeze_begun b;

    (void)state;
    assert_fails(freeze_begin(&o, &b), E_MountUnopenable);
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin_test, end_test)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        T(frozen_until_asked),
        T(thawed_at_the_deadline),
        T(a_freeze_that_hangs),
        T(killed_while_it_freezes),
        T(stopped_while_it_freezes),
        T(a_failure_thaws_and_keeps_its_reason),
        T(what_others_froze_stays),
        T(nothing_can_be_frozen),
        T(one_at_a_time),
        T(the_next_one_waits_for_applications),
        T(somebody_else_thaws),
        T(both_are_killed),
        T(the_watchdog_is_stopped),
        T(strangers_cannot_thaw),
        T(it_does_not_heed_requests_to_end),
        T(bind_mounts_are_one),
        T(read_only_and_hidden_are_left_out),
        T(odd_lines),
        T(no_mount_point),
    };

    freeze_calls = (struct freeze_calls){ play_freeze, play_thaw };
    played = mmap(NULL, sizeof(*played), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
        -1, 0);
    (void)pattern_folder();
    if (played == MAP_FAILED || !apart() || !mount_all()) {
        print_message("1..0 # SKIP needs mount namespaces\n");
        return 0;
    }
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    return cmocka_run_group_tests_name("freeze", tests, NULL, NULL);
}
