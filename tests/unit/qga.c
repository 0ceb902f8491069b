/* SPDX-License-Identifier: Apache-2.0 */
/* The guest agent's commands: a scripted agent that answers oddly, and the real qemu-ga, with
 * this machine as its guest.
 *
 * The real one may neither freeze nor shut down: it would be this machine. */
#include "check.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "number.h"
#include "pattern.h"
#include "peer.h"
#include "proc.h"
#include "qga.h"
#include "real_agent.h"
#include "stop.h"

enum { PATIENT_MS = 30000,
    HASTY_MS = 100 };

#define SYNC "<guest-sync-delimited", ">\xff{\"return\": $SYNC}"
#define GIVES(value) ">{\"return\": " value ", \"id\": $ID}"
#define REFUSES(words) \
    ">{\"error\": {\"class\": \"GenericError\", \"desc\": \"" words "\"}, \"id\": $ID}"

static struct deadline
patient(void)
{
    return deadline_in_ms(PATIENT_MS);
}

/* ---- a scripted agent ---- */

static struct qga *
scripted(struct peer *p, const char *const script[])
{
    const char *sock = pattern_path("fake");
    struct qga *g = NULL;

    peer_start(p, sock, script);
    assert_ok(qga_open(sock, "web1", patient(), &g));
    return g;
}

static void
end_script(struct peer *p, struct qga *g)
{
    qga_free(g);
    peer_stop(p);
}

static struct err *
run_true(struct qga *g, struct deadline by)
{
    const struct qga_program p = { .path = "true" };
    struct qga_result r = { 0 };

    struct err *e = qga_run(g, &p, by, &r);
    qga_result_done(&r);
    return e;
}

static void
bytes_are_not_text(void **state)
{
    const char *const args[] = { "a\tb", "\xc3\xbc", NULL };
    const struct qga_program program = { .path = "x.exe", .args = args };
    const char *const script[] = { SYNC, "<\"arg\":[\"a\\tb\",\"\xc3\xbc\"]",
        GIVES("{\"pid\": 9}"),
        "<\"pid\":9", GIVES("{\"exited\": false}"), "<\"pid\":9",
        GIVES("{\"exited\": true, \"exitcode\": 3221225477, \"out-data\": \"gf8A\", "
              "\"err-data\": \"\", \"out-truncated\": true}"),
        "<\"pid\":9", REFUSES("no such pid"), ".", NULL };
    struct qga_result r = { 0 };
    struct peer p;
    struct qga *g = scripted(&p, script);

    (void)state;
    assert_ok(qga_run(g, &program, patient(), &r));
    assert_true(r.exit == 0xc0000005);
    assert_int_equal(r.out_len, 3);
    assert_memory_equal(r.out, "\x81\xff\0", 4);
    assert_int_equal(r.err_len, 0);
    assert_true(r.cut);
    qga_result_done(&r);
    end_script(&p, g);
}

/* A program that nobody asked after had the same number before, twice. */
static void
the_last_of_a_number_is_ours(void **state)
{
    const struct qga_program program = { .path = "x" };
    const char *const script[] = { SYNC, "<guest-exec", GIVES("{\"pid\": 9}"), "<\"pid\":9",
        GIVES("{\"exited\": true, \"exitcode\": 0, \"out-data\": \"b2xk\"}"), "<\"pid\":9",
        GIVES("{\"exited\": true, \"exitcode\": 0, \"err-data\": \"b2xk\"}"), "<\"pid\":9",
        GIVES("{\"exited\": false}"), "<\"pid\":9",
        GIVES("{\"exited\": true, \"exitcode\": 7, \"out-data\": \"bmV3\"}"), "<\"pid\":9",
        REFUSES("no such pid"), ".", NULL };
    struct qga_result r = { 0 };
    struct peer p;
    struct qga *g = scripted(&p, script);

    (void)state;
    assert_ok(qga_run(g, &program, patient(), &r));
    assert_int_equal(r.exit, 7);
    assert_int_equal(r.out_len, 3);
    assert_memory_equal(r.out, "new", 3);
    assert_int_equal(r.err_len, 0);
    qga_result_done(&r);
    end_script(&p, g);
}

/* Each is the answer to the first question after guest-exec. */
static void
odd_answers(void **state)
{
    static const char *const odd[] = { GIVES("{}"), GIVES("{\"exited\": 1}"),
        GIVES("{\"exited\": true, \"exitcode\": \"0\"}"),
        GIVES("{\"exited\": true, \"out-data\": 7}"),
        GIVES("{\"exited\": true, \"out-data\": \"A\"}"),
        GIVES("{\"exited\": true, \"out-data\": \"%%%%\"}"),
        GIVES("{\"exited\": true, \"err-data\": \"AAA=AAA=\"}"), GIVES("[]"), GIVES("null") };

    (void)state;
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        const char *const script[] = { SYNC, "<guest-exec", GIVES("{\"pid\": 4}"),
            "<guest-exec-status", odd[i], ".", NULL };
        struct peer p;
        struct qga *g = scripted(&p, script);

        struct err *e = run_true(g, patient());
        if (err_code(e) != E_AgentWrong)
            print_error("after %s\n", odd[i]);
        assert_fails(e, E_AgentWrong);
        end_script(&p, g);
    }
}

static void
odd_answers_to_others(void **state)
{
    const char *const script[] = { SYNC, "<guest-exec", GIVES("{\"pid\": -1}"), "<guest-exec",
        GIVES("{\"pid\": \"1\"}"), "<guest-info", GIVES("{}"), "<osinfo", GIVES("7"),
        "<fsfreeze-status", GIVES("\"gefroren\""), "<fsfreeze-thaw", GIVES("-1"), "<fsinfo",
        GIVES("[{\"mountpoint\": \"/\", \"type\": \"ext4\"}]"), "<file-open", GIVES("{}"), ".",
        NULL };
    struct peer p;
    struct qga *g = scripted(&p, script);
    const struct qga_os *os;
    struct qga_fs *list;
    enum qga_may may;
    uint8_t *data;
    unsigned n;
    size_t len;
    bool frozen;

    (void)state;
    assert_fails(run_true(g, patient()), E_AgentWrong);
    assert_fails(run_true(g, patient()), E_AgentWrong);
    assert_fails(qga_may(g, "guest-exec", patient(), &may), E_AgentWrong);
    assert_fails(qga_os(g, patient(), &os), E_AgentWrong);
    assert_fails(qga_is_frozen(g, patient(), &frozen), E_AgentWrong);
    assert_fails(qga_thaw(g, patient(), &n), E_AgentWrong);
    assert_fails(qga_filesystems(g, patient(), &list, &len), E_AgentWrong);
    assert_fails(qga_read_file(g, "/x", 9, patient(), &data, &len), E_AgentWrong);
    end_script(&p, g);
}

/* Pieces that lie about their length, or are larger than what was asked for. */
static void
odd_pieces(void **state)
{
    static const char *const odd[] = {
        GIVES("{\"count\": 2, \"buf-b64\": \"AAAA\", \"eof\": true}"),
        GIVES("{\"count\": 0, \"buf-b64\": \"\", \"eof\": false}"), /* would never end */
        GIVES("{\"count\": 3, \"buf-b64\": \"AAAA\"}"), GIVES("{\"count\": 3, \"eof\": true}")
    };

    (void)state;
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        const char *const script[] = { SYNC, "<guest-file-open", GIVES("1000"),
            "<guest-file-read", odd[i], ".", NULL };
        struct peer p;
        struct qga *g = scripted(&p, script);
        uint8_t *data = NULL;
        size_t len;

        assert_fails(qga_read_file(g, "/x", 100, patient(), &data, &len), E_AgentWrong);
        assert_null(data);
        end_script(&p, g);
    }
}

static void
it_dies_in_the_middle(void **state)
{
    const char *const script[] = { SYNC, "<\"mode\":\"a+b\"", GIVES("5"), "<guest-file-seek",
        GIVES("{\"position\": 0, \"eof\": false}"), "<guest-file-read",
        GIVES("{\"count\": 0, \"buf-b64\": \"\", \"eof\": true}"), "<guest-file-write",
        "}{\"return\": {\"cou", "!", NULL };
    const struct view data = { (const uint8_t *)"some", 4 };
    struct peer p;
    struct qga *g = scripted(&p, script);

    (void)state;
    assert_fails(qga_write_file(g, "/x", data, patient()), E_AgentGone);
    end_script(&p, g);
}

#define STILL_RUNS "{\"return\": {\"exited\": false}, \"id\": $ID}"

/* The Windows way to end a program, and one that cannot be ended. */
static void
what_cannot_be_ended_is_said(void **state)
{
    const char *const script[] = { SYNC, "<guest-exec", GIVES("{\"pid\": 77}"),
        "*" STILL_RUNS, "<osinfo",
        GIVES("{\"id\": \"mswindows\", \"version-id\": \"2019\"}"),
        "<\"/PID\",\"77\",\"/T\",\"/F\"", REFUSES("no"), ".", NULL };
    struct peer p;
    struct qga *g = scripted(&p, script);

    (void)state;
    struct err *e = run_true(g, deadline_in_ms(HASTY_MS));
    assert_int_equal(err_code(e), E_GuestProgramOverdue);
    assert_non_null(err_next(e));
    assert_int_equal(err_code(err_next(e)), E_GuestProgramUnstarted);
    err_free(e);
    end_script(&p, g);
}

static void
freeze_and_thaw(void **state)
{
    const char *const script[] = { SYNC, "<\"guest-fsfreeze-freeze\"", GIVES("2"),
        "<fsfreeze-status", GIVES("\"frozen\""), "<guest-fsfreeze-thaw", GIVES("2"),
        "<fsfreeze-status", GIVES("\"thawed\""), "<\"mountpoints\":[\"/a\",\"/b\"]",
        REFUSES("failed to freeze /b: Device or resource busy"), ".", NULL };
    const char *const mounts[] = { "/a", "/b", NULL };
    struct peer p;
    struct qga *g = scripted(&p, script);
    unsigned n = 0;
    bool frozen = false;

    (void)state;
    assert_ok(qga_freeze(g, NULL, patient(), &n));
    assert_int_equal(n, 2);
    assert_ok(qga_is_frozen(g, patient(), &frozen));
    assert_true(frozen);
    assert_ok(qga_thaw(g, patient(), &n));
    assert_ok(qga_is_frozen(g, patient(), &frozen));
    assert_false(frozen);
    struct err *e = qga_freeze(g, mounts, patient(), &n);
    assert_non_null(strstr(err_message(e), "Device or resource busy"));
    assert_fails(e, E_AgentRefused);
    end_script(&p, g);
}

static void
the_boot_id_of_windows(void **state)
{
    const char *const script[] = { SYNC, "<osinfo", GIVES("{\"id\": \"mswindows\"}"),
        "<reg.exe", GIVES("{\"pid\": 1}"), "<status",
        /* "    BootId    REG_DWORD    0x2a" */
        GIVES("{\"exited\": true, \"exitcode\": 0, \"out-data\": "
              "\"DQogICAgQm9vdElkICAgIFJFR19EV09SRCAgICAweDJhDQo=\"}"),
        "<status", REFUSES("no such pid"), "<reg.exe", GIVES("{\"pid\": 2}"), "<status",
        GIVES("{\"exited\": true, \"exitcode\": 1}"), "<status", REFUSES("no such pid"), ".",
        NULL };
    struct peer p;
    struct qga *g = scripted(&p, script);
    char id[QGA_BOOT_ID_MAX];

    (void)state;
    assert_ok(qga_boot_id(g, patient(), id));
    assert_string_equal(id, "boot-2a");
    assert_fails(qga_boot_id(g, patient(), id), E_GuestProgramFailed);
    end_script(&p, g);
}

static void
names_must_be_utf8(void **state)
{
    const char *const script[] = { SYNC, ".", NULL };
    const struct qga_program program = { .path = "\xff" };
    struct qga_result r;
    struct peer p;
    struct qga *g = scripted(&p, script);

    (void)state;
    assert_fails(qga_run(g, &program, patient(), &r), E_InputInvalid);
    end_script(&p, g);
}

/* ---- the real one ---- */

static const char *agent_sock;

static int
start_agent(void **state)
{
    static char sock[200];

    (void)state;
    snprintf(sock, sizeof(sock), "%s", pattern_path("ga"));
    if (real_agent_start(sock))
        agent_sock = sock;
    return 0;
}

static int
stop_agent(void **state)
{
    (void)state;
    real_agent_stop();
    return 0;
}

static struct qga *
real(void)
{
    struct qga *g = NULL;

    if (agent_sock == NULL) {
        print_message("# no qemu-ga here (package qemu-guest-agent)\n");
        skip();
    }
    assert_ok(qga_open(agent_sock, "this machine", patient(), &g));
    return g;
}

static void
count_command(void *arg, const char *command, bool allowed)
{
    int *seen = arg;

    if (strcmp(command, "guest-exec") == 0)
        *seen += allowed ? 1 : 100;
    if (strcmp(command, "guest-shutdown") == 0)
        *seen += allowed ? 100 : 10;
}

static void
what_it_may(void **state)
{
    auto_ptr(qga) g = real();
    char version[QGA_NAME_MAX];
    enum qga_may may;
    unsigned n = 7;
    int seen = 0;

    (void)state;
    assert_ok(qga_ping(g, patient()));
    assert_ok(qga_commands(g, patient(), version, count_command, &seen));
    assert_int_equal(seen, 11);
    assert_true(strlen(version) >= 3);
    assert_ok(qga_may(g, "guest-exec", patient(), &may));
    assert_int_equal(may, QGA_MAY);
    assert_ok(qga_may(g, "guest-exec-everything", patient(), &may));
    assert_int_equal(may, QGA_LACKS);
    /* both are refused for certain before they are tried */
    assert_ok(qga_may(g, "guest-fsfreeze-freeze", patient(), &may));
    assert_int_equal(may, QGA_FORBIDDEN);
    struct err *e = qga_freeze(g, NULL, patient(), &n);
    assert_non_null(strstr(err_message(e), "guest-fsfreeze-freeze"));
    assert_fails(e, E_AgentCommandForbidden);
    assert_int_equal(n, 7);
    assert_ok(qga_may(g, "guest-shutdown", patient(), &may));
    assert_int_equal(may, QGA_FORBIDDEN);
    assert_fails(qga_shutdown(g, QGA_REBOOT, patient()), E_AgentCommandForbidden);
    assert_ok(qga_ping(g, patient()));
}

static void
the_machine(void **state)
{
    auto_ptr(qga) g = real();
    char id[QGA_BOOT_ID_MAX], expected[64] = "";
    const struct qga_os *os;
    auto_free struct qga_fs *list = NULL;
    struct utsname u;
    bool frozen = true;
    size_t n = 0;

    (void)state;
    assert_int_equal(uname(&u), 0);
    assert_ok(qga_os(g, patient(), &os));
    assert_int_equal(os->family, QGA_LINUX);
    assert_string_equal(os->kernel, u.release);
    auto_fd int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    assert_int_equal(read(fd, expected, 36), 36);
    assert_ok(qga_boot_id(g, patient(), id));
    assert_string_equal(id, expected);
    assert_ok(qga_is_frozen(g, patient(), &frozen));
    assert_false(frozen);
    assert_ok(qga_filesystems(g, patient(), &list, &n));
    for (size_t i = 0; i < n; i++)
        assert_true(list[i].mountpoint[0] == '/' && list[i].type[0] != '\0');
}

static void
a_second_client_waits(void **state)
{
    auto_ptr(qga) g = real();
    struct qga *second = NULL;

    (void)state;
    assert_fails(qga_open(agent_sock, "this machine", deadline_in_ms(HASTY_MS), &second),
        E_AgentSilent);
    assert_ok(qga_ping(g, patient()));
}

static void
run_shell(struct qga *g, const char *script, const char *const *env, const char *input,
    struct qga_result *r)
{
    const char *const args[] = { "-c", script, "sh", "$HOME `id`", NULL };
    const struct qga_program p = { .path = "/bin/sh", .args = args, .env = env,
        .input = { (const uint8_t *)input, input != NULL ? strlen(input) : 0 } };

    assert_ok(qga_run(g, &p, patient(), r));
}

static void
programs(void **state)
{
    const char *const env[] = { "COLOUR=blue", "PATH=/usr/bin:/bin", NULL };
    const struct qga_program missing = { .path = "/nonexistent/program" };
    struct qga_result r = { 0 };
    auto_ptr(qga) g = real();

    (void)state;
    run_shell(g, "printf '%s|%s|' \"$COLOUR\" \"$1\"; cat; printf '\\377\\0' >&2; exit 7", env,
        "in", &r);
    assert_int_equal(r.exit, 7);
    assert_int_equal(r.signal, 0);
    assert_string_equal((char *)r.out, "blue|$HOME `id`|in");
    assert_int_equal(r.err_len, 2);
    assert_memory_equal(r.err, "\377\0", 3);
    assert_false(r.cut);
    qga_result_done(&r);
    run_shell(g, "kill -9 $$", NULL, NULL, &r);
    assert_int_equal(r.signal, SIGKILL);
    qga_result_done(&r);
    struct err *e = qga_run(g, &missing, patient(), &r);
    assert_true(err_has(e, E_AgentRefused));
    assert_fails(e, E_GuestProgramUnstarted);
}

static void
much_output_is_cut(void **state)
{
    struct qga_result r = { 0 };
    auto_ptr(qga) g = real();

    (void)state;
    run_shell(g, "head -c 20000000 /dev/zero", NULL, NULL, &r);
    assert_true(r.cut);
    assert_int_equal(r.out_len, 16 << 20);
    qga_result_done(&r);
}

/* Gone, or dead and waiting for somebody who wants to know. */
static bool
is_gone(const char *pid)
{
    char path[64], text[256] = "";

    snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
        return true;
    return strncmp(strrchr(text, ')'), ") Z", 3) == 0;
}

/* The processes that ${path} lists: all of them gone?  Returns how many they are. */
static size_t
gone_of(const char *path)
{
    char text[256] = "", *line = text, *end;
    size_t n = 0;

    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
        return 0;
    for (; (end = strchr(line, '\n')) != NULL; line = end + 1, n++) {
        *end = '\0';
        assert_true(is_gone(line));
    }
    return n;
}

/* A program, its child and its grandchild, which ignore every polite signal.  On a slow
 * machine it gets more time to start them. */
static void
what_takes_too_long_is_ended(void **state)
{
    const char *list = pattern_path("pids");
    const char *const args[] = { "-c",
        "trap '' TERM INT HUP; echo $$ > \"$1\"; "
        "sh -c 'echo $$ >> \"$1\"; sleep 1000 & echo $! >> \"$1\"; wait' sh \"$1\"; sleep 1000",
        "sh", list, NULL };
    const struct qga_program p = { .path = "sh", .args = args };
    struct qga_result r = { 0 };
    auto_ptr(qga) g = real();
    size_t n = 0;

    (void)state;
    for (int64_t ms = 100; n < 3 && ms < PATIENT_MS; ms *= 2) {
        assert_fails(qga_run(g, &p, deadline_in_ms(ms), &r), E_GuestProgramOverdue);
        n = gone_of(list);
    }
    assert_int_equal(n, 3);
}

static void
an_interruption_ends_it(void **state)
{
    const char *const args[] = { "1000", NULL };
    struct qga_program p = { .path = "sleep", .args = args, .may_stop = true };
    struct qga_result r = { 0 };
    auto_ptr(qga) g = real();

    (void)state;
    stop_request(); /* for good: the last test of this program */
    struct err *e = qga_run(g, &p, patient(), &r);
    assert_null(err_next(e));
    assert_fails(e, E_Interrupted);
    assert_ok(run_true(g, patient())); /* what may not be interrupted is not */
}

static int
file_of(const char *name, const uint8_t *data, uint64_t len)
{
    const char *path = pattern_path(name);

    pattern_to_file(path, data, len, NULL);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static void
assert_file(const char *name, const uint8_t *data, uint64_t len)
{
    uint64_t got = 0;
    auto_free uint8_t *is = pattern_from_file(pattern_path(name), &got);

    assert_int_equal(got, len);
    assert_memory_equal(is, data, len);
}

static void
files_there_and_back(void **state)
{
    enum { LEN = 1500000 };
    auto_free uint8_t *data = pattern_new(7, LEN, NULL);
    auto_fd int fd = file_of("local", data, LEN);
    auto_fd int back = file_of("back", data, 0);
    const char *there = pattern_path("there");
    auto_ptr(qga) g = real();

    (void)state;
    assert_ok(qga_push(g, fd, there, patient()));
    assert_file("there", data, LEN);
    assert_ok(qga_pull(g, there, back, LEN, patient()));
    assert_file("back", data, LEN);
    /* it goes on where it broke off ... */
    assert_int_equal(truncate(there, 700001), 0);
    assert_ok(qga_push(g, fd, there, patient()));
    assert_file("there", data, LEN);
    /* ... and replaces what is another file, or a longer one */
    data[1000000] ^= 1;
    assert_int_equal(pwrite(fd, data + 1000000, 1, 1000000), 1);
    assert_ok(qga_push(g, fd, there, patient()));
    assert_file("there", data, LEN);
    assert_int_equal(ftruncate(fd, 10), 0);
    assert_ok(qga_push(g, fd, there, patient()));
    assert_file("there", data, 10);
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_ok(qga_push(g, fd, there, patient()));
    assert_file("there", data, 0);
}

static void
files_that_fail(void **state)
{
    const struct view some = { (const uint8_t *)"some bytes", 10 };
    auto_ptr(qga) g = real();
    auto_fd int fd = file_of("short", some.data, 0);
    uint8_t *data = NULL;
    size_t len = 0;

    (void)state;
    assert_fails(qga_write_file(g, pattern_path("no/folder"), some, patient()),
        E_GuestFileFailed);
    assert_fails(qga_write_file(g, "/dev/full", some, patient()), E_GuestFileFailed);
    assert_fails(qga_write_file(g, "/dev/null", some, patient()), E_GuestFileDiffers);
    assert_fails(qga_read_file(g, pattern_path("none"), 10, patient(), &data, &len),
        E_GuestFileFailed);
    /* another text each time that it is read */
    assert_fails(qga_pull(g, "/proc/sys/kernel/random/uuid", fd, 100, patient()),
        E_GuestFileDiffers);
    assert_ok(qga_write_file(g, pattern_path("ten"), some, patient()));
    assert_fails(qga_read_file(g, pattern_path("ten"), 9, patient(), &data, &len),
        E_GuestFileTooLarge);
    assert_ok(qga_read_file(g, pattern_path("ten"), 10, patient(), &data, &len));
    assert_int_equal(len, 10);
    assert_string_equal((char *)data, "some bytes");
    free(data);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_not_text),
        cmocka_unit_test(the_last_of_a_number_is_ours),
        cmocka_unit_test(odd_answers),
        cmocka_unit_test(odd_answers_to_others),
        cmocka_unit_test(odd_pieces),
        cmocka_unit_test(it_dies_in_the_middle),
        cmocka_unit_test(what_cannot_be_ended_is_said),
        cmocka_unit_test(freeze_and_thaw),
        cmocka_unit_test(the_boot_id_of_windows),
        cmocka_unit_test(names_must_be_utf8),
        cmocka_unit_test(what_it_may),
        cmocka_unit_test(the_machine),
        cmocka_unit_test(a_second_client_waits),
        cmocka_unit_test(programs),
        cmocka_unit_test(much_output_is_cut),
        cmocka_unit_test(what_takes_too_long_is_ended),
        cmocka_unit_test(files_there_and_back),
        cmocka_unit_test(files_that_fail),
        cmocka_unit_test(an_interruption_ends_it),
    };

    return cmocka_run_group_tests(tests, start_agent, stop_agent);
}
