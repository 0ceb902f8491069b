/* SPDX-License-Identifier: Apache-2.0 */
/* The conversation with a guest agent: it begins in the middle of another one, loses its
 * thread and finds it, and meets agents that are old, hostile, or on their way out. */
#include "check.h"

#include <string.h>

#include "pattern.h"
#include "peer.h"
#include "qga_link.h"

enum { PATIENT_MS = 20000,
    HASTY_MS = 80 };

#define SYNC "<\xff{\"execute\":\"guest-sync-delimited\"", ">\xff{\"return\": $SYNC}"
#define REFUSES(words) \
    ">{\"error\": {\"class\": \"CommandNotFound\", \"desc\": \"" words "\"}, \"id\": $ID}"

#define DEEP "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"
#define NO ">{\"error\": {\"class\": \"GenericError\", \"desc\": \"no\"}"

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

static struct qga_link *
linked(struct peer *p, const char *const script[])
{
    const char *sock = pattern_path("ga");
    struct qga_link *l = NULL;

    peer_start(p, sock, script);
    assert_ok(qga_link_open(sock, "web1", patient(), &l));
    return l;
}

static struct err *
opened(const char *const script[], struct deadline by)
{
    const char *sock = pattern_path("ga");
    struct qga_link *l = NULL;
    struct peer p;

    peer_start(&p, sock, script);
    struct err *e = qga_link_open(sock, "web1", by, &l);
    qga_link_free(l);
    peer_stop(&p);
    return e;
}

static struct err *
ask(struct qga_link *l, const char *command, struct deadline by)
{
    return qga_link_ask(l, command, NULL, QGA_REPLY_MAX, by, NULL);
}

static void
what_was_left_over_is_dropped(void **state)
{
    const char *const script[] = { "<guest-sync-delimited",
        "}\"buf-b64\": \"AAAA\"}}\r\n{\"return\": {}}\n\xff\xff",
        ">{\"return\": 12}", /* an earlier client's synchronisation */
        ">\xff{\"return\": \"x\"}", ">\xff{\xff", /* and nonsense of its own */
        ">\xff{\"return\": $SYNC}", "<guest-ping", ">{\"return\": {}, \"id\": $ID}", ".",
        NULL };
    struct peer p;
    auto_ptr(qga_link) l = linked(&p, script);

    (void)state;
    assert_ok(ask(l, "guest-ping", patient()));
    qga_link_free(take(l));
    peer_stop(&p);
}

static void
agents_that_do_not_open(void **state)
{
    const char *const says_nothing[] = { ".", NULL };
    const char *const without_mark[] = { "<sync", ">{\"return\": $SYNC}", ".", NULL };
    const char *const other_number[] = { "<sync", ">\xff{\"return\": 1}", ".", NULL };
    const char *const leaves[] = { "<sync", "!", NULL };
    const char *const marks[] = { "<sync", "~\xff{}\n", ".", NULL };
    auto_ptr(qga_link) l = NULL;

    (void)state;
    assert_fails(opened(says_nothing, hasty()), E_AgentSilent);
    assert_fails(opened(without_mark, hasty()), E_AgentSilent);
    assert_fails(opened(other_number, hasty()), E_AgentSilent);
    assert_fails(opened(marks, hasty()), E_AgentSilent);
    assert_fails(opened(leaves, patient()), E_AgentGone);
    assert_fails(qga_link_open(pattern_path("none"), "web1", patient(), &l),
        E_AgentUnreachable);
}

/* 256 MiB of anything but an answer. */
static void
an_agent_that_only_talks(void **state)
{
    const char *const floods[] = { "<sync", "~all work and no play ", NULL };

    (void)state;
    assert_fails(opened(floods, deadline_in_ms(60000)), E_AgentWrong);
}

static void
after_silence_it_synchronises(void **state)
{
    const char *const script[] = { SYNC, "<slow", "<guest-sync-delimited",
        ">{\"return\": \"slow, without an id, as an old agent\"}", ">\xff{\"return\": $SYNC}",
        "<quick", ">{\"return\": \"quick\"}", ".", NULL };
    struct peer p;
    auto_ptr(qga_link) l = linked(&p, script);
    json_auto_t *value = NULL;

    (void)state;
    assert_fails(ask(l, "slow", hasty()), E_AgentSilent);
    assert_ok(qga_link_ask(l, "quick", NULL, QGA_REPLY_MAX, patient(), &value));
    assert_string_equal(json_string_value(value), "quick");
    qga_link_free(take(l));
    peer_stop(&p);
}

static void
why_a_command_is_not_there(void **state)
{
    const char *const script[] = { SYNC,
        /* frozen, whatever the words are */
        "<guest-exec", REFUSES("est gel\xc3\xa9"), "<guest-fsfreeze-status",
        ">{\"return\": \"frozen\", \"id\": $ID}",
        /* forbidden */
        "<guest-exec", REFUSES("no"), "<guest-fsfreeze-status",
        ">{\"return\": \"thawed\", \"id\": $ID}", "<guest-info",
        ">{\"return\": {\"version\": \"9\", \"supported_commands\": [7, {\"name\": "
        "\"guest-exec\", \"enabled\": false}]}, \"id\": $ID}",
        /* unknown; one that does not freeze at all */
        "<guest-new", REFUSES("no"), "<guest-fsfreeze-status", REFUSES("no"), "<guest-info",
        ">{\"return\": {\"supported_commands\": []}, \"id\": $ID}",
        /* refused for no reason that can be found */
        "<guest-exec", REFUSES("moody"), "<guest-fsfreeze-status", REFUSES("no"),
        "<guest-info", REFUSES("no"), ".", NULL };
    struct peer p;
    auto_ptr(qga_link) l = linked(&p, script);

    (void)state;
    assert_fails(ask(l, "guest-exec", patient()), E_GuestFrozen);
    struct err *e = ask(l, "guest-exec", patient());
    assert_non_null(strstr(err_message(e), "guest-exec"));
    assert_fails(e, E_AgentCommandForbidden);
    assert_fails(ask(l, "guest-new", patient()), E_AgentCommandMissing);
    e = ask(l, "guest-exec", patient());
    assert_non_null(strstr(err_message(e), "moody"));
    assert_int_equal(err_os_number(e), ERR_QMP_COMMAND_NOT_FOUND);
    assert_fails(e, E_AgentRefused);
    qga_link_free(take(l));
    peer_stop(&p);
}

static void
replies_have_limits(void **state)
{
    static const char *const lines[] = { "~{\"return\": \"",
        ">{\"return\": " DEEP "}",
        ">{\"return\": \"\xff\"}", ">\xff{\"return\": {}}", ">{\"event\": \"NONE\"}", ">null" };

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        const char *const script[] = { SYNC, "<x", lines[i], ".", NULL };
        struct peer p;
        auto_ptr(qga_link) l = linked(&p, script);

        assert_fails(qga_link_ask(l, "x", NULL, 65536, patient(), NULL), E_AgentWrong);
        qga_link_free(take(l));
        peer_stop(&p);
    }
}

static struct err *
told(const char *answer, struct deadline by)
{
    const char *const script[] = { SYNC, "<guest-shutdown", "<guest-ping", answer, ".", NULL };
    struct peer p;
    struct qga_link *l = linked(&p, script);

    struct err *e = qga_link_tell(l, "guest-shutdown", NULL, by);
    qga_link_free(l);
    peer_stop(&p);
    return e;
}

/* guest-shutdown is request 2 here, guest-ping 3. */
static void
no_answer_is_consent(void **state)
{
    (void)state;
    assert_ok(told(">{\"return\": {}, \"id\": 3}", patient()));
    assert_ok(told(">{\"return\": {}}", patient())); /* an old agent's ping */
    assert_ok(told("!", patient()));
    assert_ok(told(".", hasty()));
    assert_fails(told(NO ", \"id\": 2}\n{\"return\": {}, \"id\": 3}", patient()),
        E_AgentRefused);
    assert_fails(told(NO "}\n{\"return\": {}}", patient()), E_AgentRefused);
}

static void
a_pause_ends_with_the_connection(void **state)
{
    const char *const script[] = { SYNC, "!", NULL };
    struct peer p;
    auto_ptr(qga_link) l = linked(&p, script);

    (void)state;
    struct deadline by = patient();
    assert_ok(qga_link_pause(l, by));
    assert_false(deadline_passed(by));
    assert_fails(ask(l, "guest-ping", patient()), E_AgentGone);
    qga_link_free(take(l));
    peer_stop(&p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_left_over_is_dropped),
        cmocka_unit_test(agents_that_do_not_open),
        cmocka_unit_test(an_agent_that_only_talks),
        cmocka_unit_test(after_silence_it_synchronises),
        cmocka_unit_test(why_a_command_is_not_there),
        cmocka_unit_test(replies_have_limits),
        cmocka_unit_test(no_answer_is_consent),
        cmocka_unit_test(a_pause_ends_with_the_connection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
