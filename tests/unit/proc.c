/* SPDX-License-Identifier: Apache-2.0 */
/* Child programs: what they get, what they leave, and that they end. */
#include "check.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "proc.h"

static struct proc *
started(const char *const argv[])
{
    struct proc *p = NULL;

    assert_ok(proc_start(argv, NULL, &p));
    return p;
}

static int
exit_of(struct proc *p)
{
    bool ended = false;
    int status = -1;

    assert_ok(proc_wait(p, deadline_in_ms(20000), &ended, &status));
    assert_true(ended);
    return status;
}

static void
status_and_words(void **state)
{
    const char *argv[] = { "sh", "-c", "echo out; echo one >&2; echo two >&2; exit 7", NULL };
    auto_ptr(proc) p = started(argv);
    auto_free char *words = NULL, *output = NULL;

    (void)state;
    assert_int_equal(exit_of(p), 7);
    assert_int_equal(exit_of(p), 7);
    assert_ok(proc_words(p, &words));
    assert_string_equal(words, "one\ntwo");
    assert_ok(proc_output(p, &output));
    assert_string_equal(output, "out");
}

static void
a_signal_is_128_and_its_number(void **state)
{
    const char *argv[] = { "sh", "-c", "kill -9 $$", NULL };
    auto_ptr(proc) p = started(argv);

    (void)state;
    assert_int_equal(exit_of(p), 128 + SIGKILL);
}

static void
arguments_reach_it_unchanged(void **state)
{
    const char *argv[] = { "printf", "%s|", "$HOME `id`", "a b", "", "\"'\\", NULL };
    auto_ptr(proc) p = started(argv);
    auto_free char *output = NULL;

    (void)state;
    assert_int_equal(exit_of(p), 0);
    assert_ok(proc_output(p, &output));
    assert_string_equal(output, "$HOME `id`|a b||\"'\\|");
}

static void
what_cannot_start(void **state)
{
    const char *missing[] = { "firn-no-such-program", NULL };
    const char *folder[] = { "/tmp", NULL };
    char script[] = "/tmp/firn-test-XXXXXX";
    struct proc *p = NULL;
    char *path = script;

    (void)state;
    assert_ok(proc_find("firn-no-such-program", &path));
    assert_null(path);
    assert_fails(proc_start(missing, NULL, &p), E_ChildFailed);
    assert_fails(proc_start(folder, NULL, &p), E_ChildFailed);
    /* executable, but of no format that the kernel knows */
    int fd = mkstemp(script);
    assert_true(fd >= 0 && write(fd, "\x01\x02\x03", 3) == 3 && fchmod(fd, 0700) == 0);
    close(fd);
    const char *garbage[] = { script, NULL };
    struct err *e = proc_start(garbage, NULL, &p);
    unlink(script);
    assert_int_equal(err_code(e), E_ChildFailed);
    assert_int_equal(err_os_number(err_cause(e)), ENOEXEC);
    err_free(e);
    assert_null(p);
}

/* PATH may lead to a folder of the program's name: /usr/lib/<triplet>/nbdkit is one. */
static void
a_folder_is_not_a_program(void **state)
{
    char dir[] = "/tmp/firn-test-XXXXXX", inner[64], path[4096];
    auto_free char *found = NULL;
    auto_free char *old = strdup(getenv("PATH"));

    (void)state;
    assert_non_null(old);
    assert_non_null(mkdtemp(dir));
    snprintf(inner, sizeof(inner), "%s/sh", dir);
    snprintf(path, sizeof(path), "%s:%s", dir, old);
    assert_int_equal(mkdir(inner, 0755), 0);
    assert_int_equal(setenv("PATH", path, 1), 0);
    struct err *e = proc_find("sh", &found);
    assert_int_equal(setenv("PATH", old, 1), 0);
    assert_int_equal(rmdir(inner) | rmdir(dir), 0);
    assert_ok(e);
    assert_non_null(found);
    assert_string_not_equal(found, inner);
}

static void
it_gets_no_file_of_ours(void **state)
{
    const char *argv[] = { "sh", "-c", "ls /proc/$$/fd", NULL };
    auto_fd int leak = open("/dev/null", O_RDONLY); /* not closed on exec */
    auto_fd int high = fcntl(leak, F_DUPFD, 200);
    auto_ptr(proc) p = started(argv);
    auto_free char *output = NULL;

    (void)state;
    assert_true(high >= 200);
    assert_int_equal(exit_of(p), 0);
    assert_ok(proc_output(p, &output));
    assert_string_equal(output, "0\n1\n2");
}

static void
it_reads_nothing_and_prints_without_end(void **state)
{
    const char *argv[] = { "sh", "-c", "cat; yes >&2; echo $? >&2; echo end", NULL };
    auto_ptr(proc) p = started(argv);
    auto_free char *words = NULL, *output = NULL;

    (void)state;
    assert_int_equal(exit_of(p), 0);
    assert_ok(proc_words(p, &words));
    assert_true(strlen(words) > PROC_WORDS_MAX / 2 && strlen(words) <= PROC_WORDS_MAX);
    assert_ok(proc_output(p, &output));
    assert_string_equal(output, "end");
}

static void
a_deadline_passes(void **state)
{
    const char *argv[] = { "sleep", "60", NULL };
    auto_ptr(proc) p = started(argv);
    bool ended = true;
    int status = -1;

    (void)state;
    assert_ok(proc_wait(p, deadline_in_ms(20), &ended, &status));
    assert_false(ended);
    assert_int_equal(status, -1);
    assert_fails(proc_run(argv, deadline_in_ms(20), &status, NULL), E_DeadlinePassed);
    proc_end(p);
    assert_int_equal(exit_of(p), 128 + SIGTERM);
}

static void
a_stubborn_one_is_killed_with_its_children(void **state)
{
    /* both ignore SIGTERM; the write end of the pipe closes when the last of them is gone */
    const char *argv[] = { "sh", "-c", "trap '' TERM; sleep 61 & echo up >&2; sleep 62", NULL };
    struct proc *p = NULL;
    int ends[2];
    char byte;

    (void)state;
    assert_int_equal(pipe(ends), 0);
    struct proc_options options = { .stdout_fd = ends[1] };
    assert_ok(proc_start(argv, &options, &p));
    close(ends[1]);
    for (;;) {
        auto_free char *words = NULL;
        assert_ok(proc_words(p, &words));
        if (strcmp(words, "up") == 0)
            break;
        poll(NULL, 0, 1);
    }
    proc_free(p);
    struct pollfd fd = { .fd = ends[0], .events = POLLIN };
    assert_int_equal(poll(&fd, 1, 20000), 1);
    assert_int_equal(read(ends[0], &byte, 1), 0);
    close(ends[0]);
}

static void
it_dies_with_us(void **state)
{
    int ends[2];
    char byte;

    (void)state;
    assert_int_equal(pipe(ends), 0);
    pid_t middle = fork();
    if (middle == 0) {
        const char *argv[] = { "sleep", "63", NULL };
        struct proc_options options = { .stdout_fd = ends[1] };
        struct proc *p = NULL;
        struct err *e = proc_start(argv, &options, &p);
        _exit(e == NULL ? 3 : 4); /* as if killed: nothing is freed */
    }
    close(ends[1]);
    int status;
    assert_int_equal(waitpid(middle, &status, 0), middle);
    assert_int_equal(WEXITSTATUS(status), 3);
    struct pollfd fd = { .fd = ends[0], .events = POLLIN };
    assert_int_equal(poll(&fd, 1, 20000), 1);
    assert_int_equal(read(ends[0], &byte, 1), 0);
    close(ends[0]);
}

static void
it_gets_a_listening_socket(void **state)
{
    const char *argv[] = { "sh", "-c",
        "[ $LISTEN_PID = $$ ] && [ $LISTEN_FDS = 1 ] && [ -S /proc/$$/fd/3 ] && echo $LC_ALL",
        NULL };
    auto_fd int listening = socket(AF_UNIX, SOCK_STREAM, 0);
    struct proc_options options = { .listen_fd = listening };
    auto_ptr(proc) p = NULL;
    auto_free char *output = NULL;

    (void)state;
    assert_ok(proc_start(argv, &options, &p));
    assert_int_equal(exit_of(p), 0);
    assert_ok(proc_output(p, &output));
    assert_string_equal(output, "C");
}

static void
it_starts_with_plain_signals(void **state)
{
    /* SIGPIPE is ignored in firn and must not be in its children */
    const char *argv[] = { "sh", "-c", "yes | head -n1 >/dev/null; kill -PIPE $$", NULL };

    (void)state;
    signal(SIGPIPE, SIG_IGN);
    auto_ptr(proc) p = started(argv);
    signal(SIGPIPE, SIG_DFL);
    assert_int_equal(exit_of(p), 128 + SIGPIPE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status_and_words),
        cmocka_unit_test(a_signal_is_128_and_its_number),
        cmocka_unit_test(arguments_reach_it_unchanged),
        cmocka_unit_test(what_cannot_start),
        cmocka_unit_test(a_folder_is_not_a_program),
        cmocka_unit_test(it_gets_no_file_of_ours),
        cmocka_unit_test(it_reads_nothing_and_prints_without_end),
        cmocka_unit_test(a_deadline_passes),
        cmocka_unit_test(a_stubborn_one_is_killed_with_its_children),
        cmocka_unit_test(it_dies_with_us),
        cmocka_unit_test(it_gets_a_listening_socket),
        cmocka_unit_test(it_starts_with_plain_signals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
