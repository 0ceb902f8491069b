/* SPDX-License-Identifier: Apache-2.0 */
/* A running machine: monitors that misbehave from a script, and a real QEMU behind a proxy
 * that does one thing wrong with the n-th command, for every n.  Whatever happens, the outcome
 * is a code, and the next to come finds or makes the machine as it was. */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "monitor_proxy.h"
#include "pattern.h"
#include "peer.h"
#include "proc.h"
#include "qmp.h"
#include "source.h"
#include "vm.h"

enum { PATIENT_MS = 30000, HASTY_MS = 120, COMMANDS_MAX = 400 };

/* ---- from a script ---- */

#define GREETING(major, minor) \
    ">{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 0, \"minor\": " #minor ", \"major\": " \
    #major "}}, \"capabilities\": []}}"
#define HELLO GREETING(9, 1), "<qmp_capabilities", ">{\"return\": {}, \"id\": $ID}", \
    "<query-name", ">{\"return\": {\"name\": \"web1\"}, \"id\": $ID}"
#define GRAPH "<x-debug-query-block-graph", \
    ">{\"return\": {\"nodes\": [], \"edges\": []}, \"id\": $ID}"
#define NODES "<query-named-block-nodes", ">{\"return\": [], \"id\": $ID}"
#define DRIVE(path, rest) "{\"device\": \"\", \"qdev\": \"" path "\", \"inserted\": {" \
    "\"node-name\": \"#block1\", \"ro\": false, \"image\": {" rest "}}}"
#define TYPE "<qom-get", ">{\"return\": \"virtio-blk-device\", \"id\": $ID}"

/* What opening such a machine gives. */
static struct err *
opened(const char *const script[], struct running **ret)
{
    const char *sock = pattern_path("scripted");
    const struct running_options o = { .scratch = pattern_folder(), .command_ms = HASTY_MS };
    struct peer p;

    peer_start(&p, sock, script);
    struct err *e = vm_open(sock, &o, ret);
    if (e != NULL) /* else it is for vm_free to leave */
        peer_stop(&p);
    else {
        running_free(*ret);
        peer_stop(&p);
    }
    return e;
}

static void
machines_that_cannot_be_used(void **state)
{
    static const struct {
        int code;
        const char *script[24];
    } cases[] = {
        { E_VmTooOld, { GREETING(7, 0), "<qmp_capabilities", ">{\"return\": {}, \"id\": $ID}",
                          "." } },
        { E_VmTooOld, { GREETING(2, 12), "<qmp_capabilities",
                          ">{\"return\": {}, \"id\": $ID}", "." } },
        { E_QmpSilent, { GREETING(9, 1), "<qmp_capabilities", "." } },
        { E_QmpGone, { HELLO, "<x-debug", "}{\"return\": {\"nodes\"", "!" } },
        { E_QmpSilent, { HELLO, "<x-debug", "}{\"return\": {\"nodes\"", "." } },
        { E_QmpSilent, { HELLO, "<x-debug", ">{\"return\": {}, \"id\": 77}", "." } },
        { E_QmpWrong, { HELLO, "<x-debug", "~{\"return\": [1,", NULL } },
        { E_QmpWrong, { HELLO, "<x-debug", ">{\"return\": {}, \"id\": $ID}", "." } },
        { E_QmpWrong, { HELLO, "<x-debug", ">{\"return\": {\"nodes\": [], \"edges\": 5}, "
                        "\"id\": $ID}", "." } },
        { E_VmNoDisks, { HELLO, GRAPH, NODES, GRAPH, "<query-block",
                           ">{\"return\": [], \"id\": $ID}", "." } },
        { E_VmNoDisks, { HELLO, GRAPH, NODES, GRAPH, "<query-block",
                           ">{\"return\": {\"a\": [null, 5, {}]}, \"id\": $ID}", "." } },
        { E_VmNoDisks, { HELLO, GRAPH, NODES, GRAPH, "<query-block",
                           ">{\"return\": [null, 5, {}, {\"qdev\": 7}, [[]]], \"id\": $ID}",
                           "." } },
        { E_QmpWrong, { HELLO, GRAPH, NODES, GRAPH, "<query-block",
                          ">{\"return\": [" DRIVE("/machine/x", "\"virtual-size\": -1")
                          "], \"id\": $ID}", "." } },
        { E_QmpWrong, { HELLO, GRAPH, NODES, GRAPH, "<query-block",
                          ">{\"return\": [" DRIVE("/machine/x", "\"virtual-size\": \"8\"")
                          "], \"id\": $ID}", "." } },
        { E_QmpRefused, { HELLO, GRAPH, NODES, GRAPH, "<query-block",
                            ">{\"return\": [" DRIVE("/machine/x", "\"virtual-size\": 8")
                            "], \"id\": $ID}", "<qom-get",
                            ">{\"error\": {\"class\": \"GenericError\", \"desc\": "
                            "\"no\"}, \"id\": $ID}", "." } },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct running *vm = NULL;

        print_message("# case %zu\n", i);
        assert_fails(opened(cases[i].script, &vm), cases[i].code);
        assert_null(vm);
    }
}

static void
names_are_harmless(void **state)
{
    static const struct {
        const char *path, *name;
    } cases[] = {
        { "/machine/peripheral/vda/virtio-backend", "vda" },
        { "/machine/peripheral/../../etc", ".._" },
        { "/machine/peripheral/a\\u001b[31m", "a_[31m" },
        { "/machine/peripheral/a\\\\b c", "a\\b c" },
        { "/machine/peripheral//x", "disk" },
        { "/machine/peripheral-anon/device[0]", "disk" },
        { "x", "disk" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char drives[512];
        const char *const script[] = { HELLO, GRAPH, NODES, GRAPH, "<query-block", drives, TYPE,
            ".", NULL };
        const struct running_options o = { .scratch = pattern_folder(),
            .command_ms = PATIENT_MS };
        const char *sock = pattern_path("scripted");
        struct running *vm = NULL;
        struct peer p;

        snprintf(drives, sizeof(drives),
            ">{\"return\": [{\"device\": \"\", \"qdev\": \"%s\", \"inserted\": {\"node-name\": "
            "\"#block1\", \"ro\": false, \"image\": {\"virtual-size\": 512}}}], \"id\": $ID}",
            cases[i].path);
        peer_start(&p, sock, script);
        assert_ok(vm_open(sock, &o, &vm));
        assert_string_equal(running_disk(vm, 0)->name, cases[i].name);
        running_free(vm);
        peer_stop(&p);
    }
}

/* ---- a real one ---- */

struct machine {
    struct proc *qemu;
    char *sock, *tool;
};

static void
run_tool(const char *const argv[])
{
    int status = -1;

    assert_ok(proc_run(argv, deadline_in_ms(PATIENT_MS), &status, NULL));
    assert_int_equal(status, 0);
}

static void
start(struct machine *m)
{
    auto_free char *qcow2 = strdup(pattern_path("a.qcow2"));
    auto_free char *raw = strdup(pattern_path("b.raw"));
    char one[512], two[512], qmp[512];
    const char *const make[] = { "qemu-img", "create", "-q", "-f", "qcow2", qcow2, "4M", NULL };
    const char *const make_raw[] = { "qemu-img", "create", "-q", "-f", "raw", raw, "2M", NULL };

    run_tool(make);
    run_tool(make_raw);
    m->sock = strdup(pattern_path("real"));
    snprintf(one, sizeof(one), "driver=qcow2,node-name=one,file.driver=file,file.filename=%s",
        qcow2);
    snprintf(two, sizeof(two), "driver=raw,node-name=two,file.driver=file,file.filename=%s",
        raw);
    snprintf(qmp, sizeof(qmp), "unix:%s,server=on,wait=off", m->sock);
    const char *const argv[] = { m->tool, "-accel", "tcg", "-S", "-M", "q35", "-m", "32",
        "-nodefaults", "-display", "none", "-name", "web1", "-blockdev", one, "-device",
        "virtio-blk-pci,id=vda,drive=one", "-blockdev", two, "-device",
        "virtio-blk-pci,id=vdb,drive=two", "-qmp", qmp, NULL };
    assert_ok(proc_start(argv, NULL, &m->qemu));
    for (struct deadline by = deadline_in_ms(PATIENT_MS); !pattern_listens(m->sock);) {
        bool ended;
        int status;

        assert_false(deadline_passed(by));
        assert_ok(proc_wait(m->qemu, deadline_in_ms(20), &ended, &status));
        assert_false(ended);
    }
}

static int
set_up(void **state)
{
    struct machine *m = calloc(1, sizeof(*m));

    assert_ok(proc_find("qemu-system-x86_64", &m->tool));
    if (m->tool != NULL)
        start(m);
    *state = m;
    return 0;
}

static int
tear_down(void **state)
{
    struct machine *m = *state;

    proc_free(m->qemu);
    free(m->sock);
    free(m->tool);
    free(m);
    return 0;
}

/* Package qemu-system-x86 is not installed everywhere that tests run. */
static void
need_qemu(const struct machine *m)
{
    if (m->tool == NULL)
        skip();
}

/* All that a backup does with a machine; *ret_kept: it came to its end. */
static struct err *
back_up(struct running *vm, bool *ret_kept)
{
    uint8_t block[512];

    TRY(running_prepare(vm));
    TRY(running_track(vm, "test"));
    for (size_t i = 0; i < running_ndisks(vm); i++) {
        const struct running_disk *d = running_disk(vm, i);

        running_since(vm, i, d->nbitmaps > 0 ? d->bitmaps[0].name : NULL);
    }
    TRY(running_cut(vm, deadline_in_ms(PATIENT_MS)));
    for (size_t i = 0; i < running_ndisks(vm); i++) {
        auto_ptr(source) s = NULL;

        TRY(running_source(vm, i, 1, &s));
        TRY(source_read(s, 0, 0, block, sizeof(block)));
    }
    *ret_kept = true;
    return running_keep(vm);
}

/* By that socket, from opening to closing. */
static struct err *
whole(const char *sock, int64_t command_ms)
{
    const struct running_options o = { .scratch = pattern_folder(), .command_ms = command_ms };
    auto_ptr(running) vm = NULL;
    bool kept = false;

    TRY(vm_open(sock, &o, &vm));
    struct err *e = back_up(vm, &kept);
    if (e != NULL && !kept)
        e = running_why(vm, e);
    return err_also(e, running_close(vm));
}

/* Whoever comes next: the guest's devices have their own nodes, and each disk has one bitmap
 * of ours at most that is not for a point any more. */
static void
assert_as_it_was(const struct machine *m)
{
    const struct running_options o = { .scratch = pattern_folder(), .command_ms = PATIENT_MS };
    auto_ptr(running) vm = NULL;
    json_auto_t *nodes = NULL, *exports = NULL;
    auto_ptr(qmp) q = NULL;
    size_t i;
    json_t *node;

    assert_ok(vm_open(m->sock, &o, &vm));
    assert_int_equal(running_ndisks(vm), 2);
    assert_string_equal(running_disk(vm, 0)->node, "one");
    assert_string_equal(running_disk(vm, 1)->node, "two");
    running_free(take(vm));
    assert_ok(qmp_open(m->sock, "web1", deadline_in_ms(PATIENT_MS), &q));
    assert_ok(qmp_execute(q, "query-named-block-nodes", NULL, deadline_in_ms(PATIENT_MS),
        &nodes));
    json_array_foreach(nodes, i, node)
        assert_null(strstr(json_string_value(json_object_get(node, "node-name")), "firn-"));
    assert_ok(qmp_execute(q, "query-block-exports", NULL, deadline_in_ms(PATIENT_MS),
        &exports));
    assert_int_equal(json_array_size(exports), 0);
}

static void
a_whole_backup(void **state)
{
    const struct machine *m = *state;

    need_qemu(m);
    assert_ok(whole(m->sock, PATIENT_MS));
    assert_as_it_was(m);
    assert_ok(whole(m->sock, PATIENT_MS)); /* by the bitmap of the first */
    assert_as_it_was(m);
}

/* Do ${wrong} to every ${step}-th command (to each, with FIRN_SOAK=1); with ${must_work},
 * nothing comes of it. */
static void
spoil(const struct machine *m, enum proxy_wrong wrong, unsigned step, bool must_work)
{
    bool fired = true;
    unsigned n = 1, failed = 0;

    if (getenv("FIRN_SOAK") != NULL)
        step = 1;

    need_qemu(m);
    for (; fired; n += step) {
        auto_free char *sock = strdup(pattern_path("proxy"));
        struct proxy p;

        assert_true(n < COMMANDS_MAX);
        proxy_start(&p, sock, m->sock, wrong, n);
        struct err *e = whole(sock, must_work ? PATIENT_MS : HASTY_MS);
        if (must_work)
            assert_ok(e);
        failed += e != NULL && !must_work;
        if (!must_work)
            err_free(e);
        fired = proxy_stop(&p);
        assert_as_it_was(m);
    }
    print_message("# %u commands, %u failures\n", n - step, failed);
    assert_true(must_work || failed > 0);
}

/* Each in turn, and by their names: what keeps the disks from being held still, and what is
 * left in the machine because it cannot be taken out. */
static void
a_command_that_is_refused(void **state)
{
    const struct machine *m = *state;
    bool fired = true, unheld = false, unclean = false;

    need_qemu(m);
    for (unsigned n = 1; fired; n++) {
        auto_free char *sock = strdup(pattern_path("proxy"));
        struct proxy p;

        assert_true(n < COMMANDS_MAX);
        proxy_start(&p, sock, m->sock, PROXY_REFUSES, n);
        struct err *e = whole(sock, HASTY_MS);
        unheld = unheld || err_code(e) == E_VmSnapshotFailed;
        unclean = unclean || err_code(e) == E_VmNotClean;
        err_free(e);
        fired = proxy_stop(&p);
        assert_as_it_was(m);
    }
    assert_true(unheld);
    assert_true(unclean);
}

#define EACH(name, wrong, step, must_work) \
    static void name(void **state) { spoil(*state, wrong, step, must_work); }

EACH(a_command_that_does_not_arrive, PROXY_DROPS, 1, false)
EACH(an_answer_that_does_not_come, PROXY_MUTES, 2, false)
EACH(half_an_answer, PROXY_HALVES, 3, false)
EACH(a_connection_that_ends, PROXY_CLOSES, 2, false)
EACH(an_answer_to_something_else, PROXY_RENAMES, 9, false)
EACH(an_answer_that_is_nonsense, PROXY_BABBLES, 5, false)
EACH(an_answer_without_end, PROXY_OVERSIZES, 17, false)
EACH(a_flood_of_events, PROXY_FLOODS, 17, true)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(machines_that_cannot_be_used),
        cmocka_unit_test(names_are_harmless),
        cmocka_unit_test_setup_teardown(a_whole_backup, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_command_that_does_not_arrive, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_answer_that_does_not_come, set_up, tear_down),
        cmocka_unit_test_setup_teardown(half_an_answer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_connection_that_ends, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_command_that_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_answer_to_something_else, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_answer_that_is_nonsense, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_answer_without_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_flood_of_events, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
