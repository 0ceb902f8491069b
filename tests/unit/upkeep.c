/* SPDX-License-Identifier: Apache-2.0 */
/* The extension put into a guest, by the real agent with this machine as its guest, and
 * packages in a folder of the test.  Between the two stands a proxy that does one thing wrong,
 * with each request in turn; the agent is killed in the middle; the program that is sent
 * answers nonsense.
 *
 * The package's program is a line of shell that runs the real one, so that a package is small
 * and what happens in the guest is real. */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "digest.h"
#include "monitor_proxy.h"
#include "pattern.h"
#include "peer.h"
#include "qga.h"
#include "real_agent.h"
#include "upkeep.h"

enum { OPENING = 4 /* requests before anything is sent that can be done again */ };

static char agent_sock[200], proxy_sock[200], root[200], incoming[200], package[200];
static bool have_agent;

/* ---- a package ---- */

static void
write_file(const char *path, const char *text, mode_t mode)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static void
add_file(char *list, size_t size, const char *name, const char *text, bool run)
{
    char path[300], sum[DIGEST_HEX];
    size_t len = strlen(list);

    snprintf(path, sizeof(path), "%s/%s", package, name);
    write_file(path, text, run ? 0755 : 0644);
    digest_hex(text, strlen(text), sum);
    snprintf(list + len, size - len,
        "%s\"%s\": {\"size\": %zu, \"sha256\": \"%s\", \"run\": %s}", len > 0 ? ", " : "", name,
        strlen(text), sum, run ? "true" : "false");
}

static const char *
machine(void)
{
#if defined(__aarch64__)
    return "linux-aarch64";
#else
    return "linux-x86_64";
#endif
}

/* A package of that version whose program is ${script}. */
static void
make_package(const char *version, const char *script)
{
    char list[2000] = "", text[2600], path[300];

    pattern_remove(package);
    assert_int_equal(mkdir(package, 0755), 0);
    snprintf(path, sizeof(path), "%s/bin", package);
    assert_int_equal(mkdir(path, 0755), 0);
    add_file(list, sizeof(list), "HandlerManifest.json", "[]", false);
    add_file(list, sizeof(list), "bin/data", "some bytes", false);
    add_file(list, sizeof(list), "bin/firn-extension", script, true);
    snprintf(text, sizeof(text), "{\"schema\": 1, \"name\": \"Firn.VMSnapshot\", \"version\": "
        "\"%s\", \"platform\": \"%s\", \"files\": {%s}}\n", version, machine(), list);
    snprintf(path, sizeof(path), "%s/firn-package.json", package);
    write_file(path, text, 0644);
}

static const char *
real_program(void)
{
    static char script[400];

    snprintf(script, sizeof(script), "#!/bin/sh\nexec '%s' \"$@\"\n", getenv("FIRN_EXTENSION"));
    return script;
}

/* ---- a guest ---- */

static struct err *
open_at(void *arg, struct deadline by, struct qga **ret)
{
    return qga_open(arg, "web1", by, ret);
}

static struct upkeep
guest(char *sock)
{
    return (struct upkeep){ .vm = "web1", .open = open_at, .arg = sock, .root = root,
        .incoming = incoming };
}

static struct err *
install(char *sock)
{
    struct upkeep u = guest(sock);
    struct upkeep_installed i = { .bytes = 0 };
    struct err *e = upkeep_install(&u, package, &i);

    if (e == NULL)
        assert_string_equal(i.package, "Firn.VMSnapshot");
    upkeep_installed_done(&i);
    return e;
}

/* Is that version in force, and could it do its work? */
static void
assert_in_force(const char *version)
{
    struct upkeep u = guest(agent_sock);
    json_t *said = NULL;

    assert_ok(upkeep_status(&u, NULL, &said));
    const json_t *p = json_array_get(json_object_get(said, "packages"), 0);
    assert_string_equal(json_string_value(json_object_get(p, "active")), version);
    assert_ok(upkeep_judge("web1", p));
    json_decref(said);
}

static void
fresh(void)
{
    if (!have_agent) {
        print_message("# no qemu-ga here (package qemu-guest-agent)\n");
        skip();
    }
    pattern_remove(root);
    pattern_remove(incoming);
}

/* ---- the tests ---- */

static void
there_and_gone(void **state)
{
    struct upkeep u = guest(agent_sock);
    struct upkeep_removed r = { .was_there = true };
    json_t *said = NULL;

    (void)state;
    fresh();
    assert_fails(upkeep_status(&u, NULL, &said), E_ExtensionMissing);
    make_package("1.0.1", real_program());
    assert_ok(install(agent_sock));
    assert_in_force("1.0.1");
    assert_int_equal(access(incoming, F_OK), -1);
    make_package("1.0.10", real_program());
    assert_ok(install(agent_sock));
    assert_in_force("1.0.10");
    assert_fails(upkeep_status(&u, "Acme.Other", &said), E_ExtensionMissing);
    assert_ok(upkeep_remove(&u, "Firn.VMSnapshot", &r));
    assert_true(r.was_there);
    assert_int_equal(r.versions, 2);
    assert_int_equal(access(root, F_OK), -1);
    assert_ok(upkeep_remove(&u, "Firn.VMSnapshot", &r));
    assert_false(r.was_there);
}

/* One request goes wrong; false: there are not that many. */
static bool
one_wrong(enum proxy_wrong wrong, unsigned nth, unsigned *to_the_end)
{
    struct proxy p;

    fresh();
    proxy_start(&p, proxy_sock, agent_sock, wrong, nth);
    struct err *e = install(proxy_sock);
    bool fired = proxy_stop(&p);
    bool ended_well = e == NULL;
    assert_true(ended_well || err_is(e, C_guest) || err_is(e, C_extension));
    if (e != NULL)
        print_message("# way %d, request %u:\n", (int)wrong, nth);
    err_print(e, true, check_line, NULL);
    err_free(e);
    *to_the_end += fired && ended_well;
    assert_true(ended_well || nth <= OPENING || wrong == PROXY_REFUSES);
    assert_ok(install(agent_sock));
    assert_in_force("1.0.1");
    assert_int_equal(access(incoming, F_OK), -1);
    return fired;
}

/* Whatever breaks, the same call goes on, or the next one does. */
static void
each_request_goes_wrong(void **state)
{
    static const enum proxy_wrong ways[] = { PROXY_CLOSES, PROXY_HALVES, PROXY_REFUSES,
        PROXY_BABBLES };
    unsigned step = getenv("FIRN_SOAK") != NULL ? 1 : 7, tried = 0, well = 0;

    (void)state;
    fresh();
    make_package("1.0.1", real_program());
    for (unsigned w = 0; w < sizeof(ways) / sizeof(ways[0]); w++)
        for (unsigned n = 1 + w % step; one_wrong(ways[w], n, &well); n += step)
            tried++;
    print_message("# %u requests went wrong, %u installations came through\n", tried, well);
    assert_true(well > tried / 2);
}

struct killing {
    char *sock;
    unsigned told;
};

static struct err *
open_killing(void *arg, struct deadline by, struct qga **ret)
{
    struct killing *k = arg;

    return qga_open(k->sock, "web1", by, ret);
}

static void
kill_agent(void *arg, const char *stage, uint64_t done, uint64_t total)
{
    struct killing *k = arg;

    (void)stage, (void)done, (void)total;
    if (++k->told != 2 && k->told != 5)
        return;
    real_agent_stop();
    assert_true(real_agent_start(agent_sock));
}

static void
the_agent_dies_in_the_middle(void **state)
{
    struct killing k = { .sock = agent_sock };
    struct upkeep u = guest(agent_sock);
    struct upkeep_installed i = { .bytes = 0 };

    (void)state;
    fresh();
    u.open = open_killing;
    u.progress = kill_agent;
    u.arg = &k;
    make_package("1.0.1", real_program());
    assert_ok(upkeep_install(&u, package, &i));
    assert_true(k.told > 5);
    upkeep_installed_done(&i);
    assert_in_force("1.0.1");
}

static void
nobody_answers(void **state)
{
    char nowhere[] = "/nonexistent/agent";

    (void)state;
    make_package("1.0.1", real_program());
    assert_fails(install(nowhere), E_AgentUnreachable);
}

/* A scripted agent of a system that there is no extension for. */
static void
another_system(void **state)
{
    const char *const script[] = { "<guest-sync-delimited", ">\xff{\"return\": $SYNC}",
        "<guest-get-osinfo", ">{\"return\": {\"id\": \"freebsd\"}, \"id\": $ID}", ".", NULL };
    struct peer p;

    (void)state;
    make_package("1.0.1", real_program());
    peer_start(&p, proxy_sock, script);
    assert_fails(install(proxy_sock), E_GuestSystemUnsupported);
    peer_stop(&p);
}

/* The program that was sent says this; the guest is not believed. */
static void
odd_answers(void **state)
{
    static const struct {
        const char *says;
        int code;
    } odd[] = {
        { "exit 0", E_ExtensionAnswerWrong },
        { "exit 70", E_ExtensionAnswerWrong },
        { "echo no json", E_ExtensionAnswerWrong },
        { "echo '[]'", E_ExtensionAnswerWrong },
        { "echo '{}'", E_ExtensionAnswerWrong },
        { "echo '{\"folder\": 7}'", E_ExtensionAnswerWrong },
        { "echo '{\"already\": true}'", E_ExtensionAnswerWrong },
        { "echo '{\"error\": 3}'", E_ExtensionAnswerWrong },
        { "echo '{\"error\": {}}'", E_ExtensionNotReady },
        { "echo '{\"error\": {\"code\": \"VaultKeyWrong\"}}'", E_ExtensionNotReady },
        { "echo '{\"error\": {\"code\": \"PackageOlder\", \"cause\": []}}'", E_PackageOlder },
        { "echo '{\"folder\": \"/nonexistent\"}'", E_GuestProgramUnstarted },
        { "i=0; while [ $i -lt 9999 ]; do echo '[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[['; "
          "i=$((i + 1)); done", E_ExtensionAnswerWrong },
        { "printf '\\377\\376'", E_ExtensionAnswerWrong },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        char script[400];

        fresh();
        snprintf(script, sizeof(script), "#!/bin/sh\n%s\n", odd[i].says);
        make_package("1.0.1", script);
        struct err *e = install(agent_sock);
        if (err_code(e) != odd[i].code)
            print_error("after %s\n", odd[i].says);
        assert_fails(e, odd[i].code);
    }
}

/* A package that is no longer as its manifest says is found in the guest: another program, sent
 * in its place, would not be believed. */
static void
a_file_changes_there(void **state)
{
    char script[600];

    (void)state;
    fresh();
    snprintf(script, sizeof(script), "#!/bin/sh\n[ \"$1\" != activate ] || "
        "echo more >> \"$2/bin/data\"\nexec '%s' \"$@\"\n", getenv("FIRN_EXTENSION"));
    make_package("1.0.1", script);
    assert_fails(install(agent_sock), E_PackageFileChanged);
    make_package("1.0.1", real_program());
    assert_ok(install(agent_sock));
    assert_in_force("1.0.1");
}

static int
set_up(void **state)
{
    (void)state;
    snprintf(agent_sock, sizeof(agent_sock), "%s", pattern_path("ga"));
    snprintf(proxy_sock, sizeof(proxy_sock), "%s", pattern_path("proxy"));
    snprintf(root, sizeof(root), "%s", pattern_path("plugins"));
    snprintf(incoming, sizeof(incoming), "%s", pattern_path("incoming"));
    snprintf(package, sizeof(package), "%s", pattern_path("package"));
    have_agent = real_agent_start(agent_sock);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    real_agent_stop();
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_gone),
        cmocka_unit_test(nobody_answers),
        cmocka_unit_test(another_system),
        cmocka_unit_test(odd_answers),
        cmocka_unit_test(a_file_changes_there),
        cmocka_unit_test(the_agent_dies_in_the_middle),
        cmocka_unit_test(each_request_goes_wrong),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
