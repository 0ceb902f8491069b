/* SPDX-License-Identifier: Apache-2.0 */
/* QEMU's monitor: a scripted one that misbehaves in every way, and the real
 * qemu-storage-daemon. */
#include "check.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "line.h"
#include "pattern.h"
#include "peer.h"
#include "proc.h"
#include "qmp.h"

enum { PATIENT_MS = 20000,
    HASTY_MS = 60,
    START_MS = 20000 };

#define GREETING \
    ">{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 9, \"minor\": 2, \"major\": 7}, " \
    "\"package\": \"Debian\"}, \"capabilities\": [\"oob\"]}}\r"
#define HELLO GREETING, "<qmp_capabilities", ">{\"return\": {}, \"id\": $ID}\r"

static struct deadline
patient(void)
{
    return deadline_in_ms(PATIENT_MS);
}

static struct deadline
hasty(void)
{
    return deadline_in_ms(HASTY_MS);
}

/* A monitor that follows ${script}. */
static struct qmp *
monitor(struct peer *p, const char *const script[])
{
    const char *sock = pattern_path("qmp");
    struct qmp *q = NULL;

    peer_start(p, sock, script);
    assert_ok(qmp_open(sock, "web1", patient(), &q));
    return q;
}

/* What opening such a monitor gives; it must end by ${by}. */
static struct err *
opened(const char *const script[], struct deadline by)
{
    const char *sock = pattern_path("qmp");
    struct qmp *q = NULL;
    struct peer p;

    peer_start(&p, sock, script);
    struct err *e = qmp_open(sock, "web1", by, &q);
    assert_true((e == NULL) == (q != NULL));
    qmp_free(q);
    peer_stop(&p);
    return e;
}

static void
a_command_and_its_answer(void **state)
{
    const char *const script[] = { HELLO, "<query-status",
        ">{\"return\": {\"running\": true}, \"id\": $ID}", "<\"arguments\":{\"x\":1}",
        "}\r\n \t\r\n{\"return\": [1, 2], \"id\"", ">: $ID}", ".", NULL };
    struct peer p;
    auto_ptr(qmp) q = monitor(&p, script);
    json_auto_t *status = NULL, *list = NULL, *x = json_pack("{s:i}", "x", 1);

    (void)state;
    assert_int_equal(qmp_version(q).major, 7);
    assert_int_equal(qmp_version(q).minor, 2);
    assert_int_equal(qmp_version(q).micro, 9);
    assert_ok(qmp_execute(q, "query-status", NULL, patient(), &status));
    assert_true(json_is_true(json_object_get(status, "running")));
    assert_ok(qmp_execute(q, "something", x, patient(), &list));
    assert_int_equal(json_array_size(list), 2);
    qmp_free(take(q));
    peer_stop(&p);
}

static void
refusals_are_codes(void **state)
{
    const char *const script[] = { HELLO, "<a",
        ">{\"error\": {\"class\": \"GenericError\", \"desc\": \"no \\u001b[31mroom\"}, "
        "\"id\": $ID}",
        "<b",
        ">{\"error\": {\"class\": \"CommandNotFound\", \"desc\": \"what?\"}, \"id\": $ID}",
        "<c", ">{\"error\": {\"class\": \"Novel\", \"desc\": \"\"}, \"id\": $ID}", ".", NULL };
    struct peer p;
    auto_ptr(qmp) q = monitor(&p, script);

    (void)state;
    struct err *e = qmp_execute(q, "a", NULL, patient(), NULL);
    assert_int_equal(err_code(e), E_QmpRefused);
    assert_int_equal(err_os_kind(e), OS_QMP);
    assert_int_equal(err_os_number(e), ERR_QMP_GENERIC);
    assert_non_null(strstr(err_message(e), "no \\x1b[31mroom"));
    err_free(e);
    assert_fails(qmp_execute(q, "b", NULL, patient(), NULL), E_QmpCommandMissing);
    e = qmp_execute(q, "c", NULL, patient(), NULL);
    assert_int_equal(err_code(e), E_QmpRefused);
    assert_int_equal(err_os_kind(e), OS_NONE);
    err_free(e);
    qmp_free(take(q));
    peer_stop(&p);
}

static void
a_late_answer_is_not_the_next_one(void **state)
{
    const char *const script[] = { HELLO, "<slow", "<quick",
        ">{\"return\": \"slow\", \"id\": 2}", ">{\"return\": \"quick\", \"id\": $ID}", ".",
        NULL };
    struct peer p;
    auto_ptr(qmp) q = monitor(&p, script);
    json_auto_t *value = NULL;

    (void)state;
    assert_fails(qmp_execute(q, "slow", NULL, hasty(), NULL), E_QmpSilent);
    assert_ok(qmp_execute(q, "quick", NULL, patient(), &value));
    assert_string_equal(json_string_value(value), "quick");
    qmp_free(take(q));
    peer_stop(&p);
}

static void
events_come_in_order(void **state)
{
    const char *const script[] = { HELLO, "<x", ">{\"event\": \"STOP\"}",
        ">{\"return\": {}, \"id\": $ID}", ">{\"event\": \"RESUME\"}", "}{\"event\":", ".",
        NULL };
    struct peer p;
    auto_ptr(qmp) q = monitor(&p, script);
    json_auto_t *first = NULL, *second = NULL;
    json_t *none = NULL;

    (void)state;
    assert_ok(qmp_execute(q, "x", NULL, patient(), NULL));
    assert_ok(qmp_event(q, patient(), &first));
    assert_string_equal(json_string_value(json_object_get(first, "event")), "STOP");
    assert_ok(qmp_event(q, patient(), &second));
    assert_string_equal(json_string_value(json_object_get(second, "event")), "RESUME");
    assert_ok(qmp_event(q, hasty(), &none)); /* half a line is no event */
    assert_null(none);
    assert_int_equal(qmp_events_lost(q), 0);
    qmp_free(take(q));
    peer_stop(&p);
}

/* 300 small ones, then some of 300 KiB: the newest are there, the others are counted. */
static void
events_are_bounded(void **state)
{
    enum { SMALL = 300,
        LARGE = 5,
        LARGE_LEN = 300 * 1024 };
    const char *script[SMALL + LARGE + 8] = { HELLO, "<x" };
    auto_free char *large = calloc(1, LARGE_LEN + 64);
    size_t n = 4, left = 0;
    struct peer p;

    (void)state;
    snprintf(large, LARGE_LEN, ">{\"event\": \"");
    memset(large + strlen(large), 'A', LARGE_LEN);
    memcpy(large + strlen(large), "\"}", 3);
    for (size_t i = 0; i < SMALL; i++)
        script[n++] = ">{\"event\": \"SMALL\"}";
    for (size_t i = 0; i < LARGE; i++)
        script[n++] = large;
    script[n++] = ">{\"return\": {}, \"id\": $ID}";
    script[n++] = ".";
    auto_ptr(qmp) q = monitor(&p, script);
    assert_ok(qmp_execute(q, "x", NULL, patient(), NULL));
    for (;; left++) {
        json_auto_t *event = NULL;
        assert_ok(qmp_event(q, deadline_in_ms(0), &event));
        if (event == NULL)
            break;
    }
    assert_int_equal(left, 3); /* of 300 KiB there are three in a MiB */
    assert_int_equal(qmp_events_lost(q), SMALL + LARGE - 3);
    qmp_free(take(q));
    peer_stop(&p);
}

static void
other_greetings(void **state)
{
    const char *const human[] = { ">QEMU 7.2.9 monitor - type 'help' for more information",
        ".", NULL };
    const char *const other[] = { ">{\"QMP\": {\"version\": 1}}", ".", NULL };
    const char *const list[] = { ">[]", ".", NULL };
    const char *const leaves[] = { "!", NULL };
    const char *const half[] = { "}{\"QMP\": {\"vers", ".", NULL };
    const char *const says_nothing[] = { ".", NULL };
    const char *const negative[] = { ">{\"QMP\": {\"version\": {\"qemu\": {\"micro\": -1, "
                                     "\"minor\": 2, \"major\": 7}}}}",
        ".", NULL };

    (void)state;
    assert_fails(opened(human, patient()), E_QmpWrong);
    assert_fails(opened(other, patient()), E_QmpWrong);
    assert_fails(opened(list, patient()), E_QmpWrong);
    assert_fails(opened(negative, patient()), E_QmpWrong);
    assert_fails(opened(leaves, patient()), E_QmpGone);
    assert_fails(opened(half, hasty()), E_QmpSilent);
    assert_fails(opened(says_nothing, hasty()), E_QmpSilent);
}

static void
nonsense_is_a_code(void **state)
{
    static const struct {
        const char *line;
        int code;
    } cases[] = {
        { ">{\"return\": {}}", E_QmpWrong }, /* no id */
        { ">{\"return\": {}, \"id\": \"1\"}", E_QmpSilent }, /* somebody else's */
        { ">{\"id\": $ID}", E_QmpWrong }, /* neither reply nor event */
        { ">{\"error\": \"no\", \"id\": $ID}", E_QmpWrong }, /* no class */
        { ">{\"event\": 1}", E_QmpWrong },
        { ">{\"return\": {}, \"return\": 1, \"id\": $ID}", E_QmpWrong },
        { ">{\"return\": \"\\u0000\", \"id\": $ID}", E_QmpWrong },
        { ">{\"return\": \"\xc3(\", \"id\": $ID}", E_QmpWrong }, /* no UTF-8 */
        { ">{\"return\": 1e999, \"id\": $ID}", E_QmpWrong },
        { "}{\"return\": {}, \"id\": $ID}", E_QmpSilent }, /* no end of line */
        { "~[", E_QmpWrong }, /* deep, and too long */
        { "~\n", E_QmpSilent }, /* blank lines for ever */
        { "~{\"event\": \"X\"}\n", E_QmpSilent }, /* events for ever */
        { "~{\"return\": {}, \"id\": 0}\n", E_QmpSilent }, /* old answers for ever */
        { "!", E_QmpGone },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *const script[] = { HELLO, "<x", cases[i].line, ".", NULL };
        struct peer p;
        auto_ptr(qmp) q = monitor(&p, script);
        struct deadline by = cases[i].code == E_QmpSilent ? deadline_in_ms(200) : patient();

        struct err *e = qmp_execute(q, "x", NULL, by, NULL);
        if (err_code(e) != cases[i].code)
            print_error("after %s\n", cases[i].line);
        assert_fails(e, cases[i].code);
        qmp_free(take(q));
        peer_stop(&p);
    }
}

static void
too_deep_and_too_many(void **state)
{
    enum { DEEP = 100 * 1000,
        MANY = 300 * 1000 };
    auto_free char *deep = calloc(1, DEEP + 2), *many = calloc(1, 2 * MANY + 8);

    (void)state;
    deep[0] = '>';
    memset(deep + 1, '[', DEEP);
    memcpy(many, ">{\"a\":[1", 8);
    for (size_t i = 0; i < MANY - 8; i++)
        memcpy(many + 8 + 2 * i, ",1", 3);
    for (int i = 0; i < 2; i++) {
        const char *const script[] = { HELLO, "<x", i == 0 ? deep : many, ".", NULL };
        struct peer p;
        auto_ptr(qmp) q = monitor(&p, script);

        assert_fails(qmp_execute(q, "x", NULL, patient(), NULL), E_QmpWrong);
        qmp_free(take(q));
        peer_stop(&p);
    }
}

/* One that does not read, and one that takes no connection. */
static void
who_does_not_read(void **state)
{
    const char *sock = pattern_path("qmp");
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    auto_fd int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    auto_free char *large = calloc(1, 4 << 20);
    enum line_state sent = LINE_WHOLE;
    auto_ptr(line) l = NULL;

    (void)state;
    unlink(sock);
    snprintf(address.sun_path, sizeof(address.sun_path), "%.100s", sock);
    assert_int_equal(bind(listening, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listening, 0), 0);
    assert_ok(line_connect(sock, patient(), &l));
    assert_ok(line_send(l, large, 4 << 20, hasty(), &sent));
    assert_int_equal(sent, LINE_LATE);
    /* the queue of those who wait is full now */
    line_free(take(l));
    struct err *e = NULL;
    struct line *more[8] = { 0 };
    for (size_t i = 0; e == NULL && i < 8; i++)
        e = line_connect(sock, hasty(), &more[i]);
    assert_fails(e, E_DeadlinePassed);
    for (size_t i = 0; i < 8; i++)
        line_free(more[i]);
}

static void
where_nobody_listens(void **state)
{
    auto_ptr(qmp) q = NULL;
    char path[200];

    (void)state;
    struct err *e = qmp_open(pattern_path("nothing"), "web1", patient(), &q);
    assert_true(err_has(e, E_SystemCallFailed));
    assert_fails(e, E_QmpUnreachable);
    memset(path, 'a', sizeof(path));
    path[sizeof(path) - 1] = '\0';
    assert_fails(qmp_open(path, "web1", patient(), &q), E_InputInvalid);
}

static struct proc *
storage_daemon(const char *sock)
{
    char chardev[300];
    const char *argv[] = { "qemu-storage-daemon", "--chardev", chardev, "--monitor",
        "chardev=c", "--blockdev", "driver=null-co,node-name=d,size=1048576", NULL };
    struct deadline by = deadline_in_ms(START_MS);
    struct proc *p = NULL;

    snprintf(chardev, sizeof(chardev), "socket,id=c,path=%s,server=on,wait=off", sock);
    assert_ok(proc_start(argv, NULL, &p));
    while (!pattern_listens(sock) && !deadline_passed(by)) {
        int status;
        bool ended = false;
        assert_ok(proc_wait(p, deadline_in_ms(5), &ended, &status));
        assert_false(ended);
    }
    return p;
}

static void
the_real_one(void **state)
{
    const char *sock = pattern_path("qsd");
    auto_free char *tool = NULL;
    json_auto_t *nodes = NULL, *event = NULL, *job = NULL;
    auto_ptr(qmp) q = NULL;
    struct qmp *second = NULL;

    (void)state;
    assert_ok(proc_find("qemu-storage-daemon", &tool));
    if (tool == NULL) {
        print_message("# no qemu-storage-daemon here (package qemu-system-common)\n");
        skip();
    }
    auto_ptr(proc) server = storage_daemon(sock);
    assert_ok(qmp_open(sock, "the daemon", patient(), &q));
    assert_true(qmp_version(q).major >= 5);
    assert_ok(qmp_execute(q, "query-named-block-nodes", NULL, patient(), &nodes));
    assert_int_equal(json_array_size(nodes), 1);
    assert_fails(qmp_execute(q, "query-status-of-nothing", NULL, patient(), NULL),
        E_QmpCommandMissing);
    job = json_pack("{s:s, s:s, s:s}", "job-id", "j", "device", "nothing", "target", "d");
    json_object_set_new(job, "sync", json_string("none"));
    assert_fails(qmp_execute(q, "blockdev-backup", job, patient(), NULL), E_QmpRefused);
    /* a job of its own tells by events how it goes */
    json_auto_t *create = json_pack("{s:s, s:{s:s, s:s, s:i}}", "job-id", "make", "options",
        "driver", "file", "filename", pattern_path("made"), "size", 65536);
    assert_ok(qmp_execute(q, "blockdev-create", create, patient(), NULL));
    assert_ok(qmp_event(q, patient(), &event));
    assert_string_equal(json_string_value(json_object_get(event, "event")),
        "JOB_STATUS_CHANGE");
    /* a second client is taken and never served */
    assert_fails(qmp_open(sock, "the daemon", deadline_in_ms(200), &second), E_QmpSilent);
    proc_end(server);
    assert_fails(qmp_execute(q, "query-named-block-nodes", NULL, patient(), NULL), E_QmpGone);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_and_its_answer),
        cmocka_unit_test(refusals_are_codes),
        cmocka_unit_test(a_late_answer_is_not_the_next_one),
        cmocka_unit_test(events_come_in_order),
        cmocka_unit_test(events_are_bounded),
        cmocka_unit_test(other_greetings),
        cmocka_unit_test(nonsense_is_a_code),
        cmocka_unit_test(too_deep_and_too_many),
        cmocka_unit_test(who_does_not_read),
        cmocka_unit_test(where_nobody_listens),
        cmocka_unit_test(the_real_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
