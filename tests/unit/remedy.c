/* SPDX-License-Identifier: Apache-2.0 */
/* Each kind of action, on the model: not so -> recorded -> applied -> so by another look ->
 * undone, exactly, also twice, and also when the answer of any call was lost. */
#include "check.h"

#include <string.h>

#include "codes.h"
#include "remedy.h"
#include "runtimes.h"
#include "target_fault.h"
#include "target_mem.h"

#define PACKAGE "C:\\Packages\\Plugins\\P\\"
#define RUNTIME_KEY "HKLM\\SOFTWARE\\Microsoft\\DevDiv\\vc\\Servicing\\12.0\\RuntimeMinimum"

static const struct mem_installer good = { .path = PACKAGE "1.0.10\\vcredist2013_x64.exe",
    .needs_service = true, .no_service = 1601,
    .puts = { MEM_SYSTEM32 "msvcr120.dll", MEM_SYSTEM32 "msvcp120.dll" },
    .key = RUNTIME_KEY, .name = "Install" };

static struct target *
machine(enum action_os os)
{
    struct target *t = NULL;

    assert_ok(target_mem_new(os, "model", &t));
    if (os == ACTION_LINUX) {
        target_mem_offer(t, "libx1", "1.2-3", "/usr/lib/libx.so.1");
        target_mem_offer(t, "/opt/p/liby1_2.0_amd64.deb", "2.0", "/usr/lib/liby.so.1");
        target_mem_put(t, "/opt/p/liby1_2.0_amd64.deb", "deb");
        target_mem_unit(t, "apt.timer", UNIT_MASKED, false);
        target_mem_unit(t, "agent.service", UNIT_ENABLED, true);
        target_mem_package(t, "qemu-guest-agent", "1:7.2+dfsg-7+deb12u7");
    } else {
        target_mem_service(t, "msiserver", 4);
        target_mem_service(t, "vss", 3);
        target_mem_installer(t, &good);
    }
    target_mem_put(t, os == ACTION_LINUX ? "/etc/a.conf" : "C:\\a.conf",
        "# \xe2\x80\x98x\xe2\x80\x99\n[A]\nk = 1\n\n[B]\nk=2\n");
    target_mem_put(t, os == ACTION_LINUX ? "/etc/a.json" : "C:\\a.json",
        "{\"a\": {\"timeout\": 30}, \"b\": true}");
    target_mem_put(t, os == ACTION_LINUX ? "/etc/quoted" : "C:\\quoted",
        "say \xe2\x80\x9chello\xe2\x80\x9d");
    return t;
}

static void
parse(const char *line, struct action *ret)
{
    enum action_fault f = action_parse(line, ret, NULL);

    if (f != ACTION_OK)
        print_error("%s: %s\n", line, action_fault_text(f));
    assert_int_equal(f, ACTION_OK);
    assert_true(action_complete(ret));
}

static enum remedy_state
look(struct target *t, const char *line)
{
    struct remedy_look l = { 0 };
    struct action a;

    parse(line, &a);
    assert_ok(remedy_look(t, &a, deadline_in_ms(1000), &l));
    assert_non_null(l.observed);
    enum remedy_state s = l.state;

    remedy_look_done(&l);
    action_done(&a);
    return s;
}

static const struct {
    enum action_os os;
    const char *line;
    bool stays; /* undo leaves something, and says so */
    bool again; /* never so already: a restart */
} changes[] = {
    { ACTION_WINDOWS, "windows.registry.set key=HKLM\\SOFTWARE\\A\\B name=n type=sz data=x",
        false, false },
    { ACTION_WINDOWS, "windows.registry.set key=HKLM\\SOFTWARE\\A name=n type=dword data=0x10",
        false, false },
    { ACTION_WINDOWS,
        "windows.registry.set key=HKLM\\SOFTWARE\\A name=n type=multi_sz data=a\\0b", false,
        false },
    { ACTION_WINDOWS,
        "windows.registry.set key=" MEM_MSISERVER_KEY " name=Start type=dword data=3", false,
        false },
    { ACTION_WINDOWS, "windows.registry.delete key=" MEM_MSISERVER_KEY " name=Start", false,
        false },
    { ACTION_WINDOWS,
        "override.set key=HKLM\\SOFTWARE\\Microsoft\\BcdrAgentPersistentKeys "
        "name=IsVCRedistInstalled type=sz data=True",
        false, false },
    { ACTION_WINDOWS, "windows.short_names want=1", false, false },
    { ACTION_WINDOWS, "windows.service.start_type service=msiserver want=3", false, false },
    { ACTION_WINDOWS, "windows.service.state service=vss want=running", false, false },
    { ACTION_WINDOWS, "windows.service.state service=vss want=restarted", false, true },
    { ACTION_WINDOWS, "windows.installer.register", false, false },
    { ACTION_WINDOWS, "file.convert path=C:\\quoted to=ascii", false, false },
    { ACTION_WINDOWS, "file.rename from=C:\\quoted to=C:\\quoted.old", false, false },
    { ACTION_WINDOWS, "file.copy from=C:\\quoted to=C:\\a.conf", false, false },
    { ACTION_WINDOWS, "file.copy from=C:\\quoted to=C:\\new", false, false },
    { ACTION_LINUX, "config.set file=/etc/a.conf format=ini section=A key=k value=5", false,
        false },
    { ACTION_LINUX, "config.set file=/etc/a.conf format=ini section=A key=new value=5", false,
        false },
    { ACTION_LINUX, "config.set file=/etc/a.conf format=ini section=C key=k value=5", false,
        false },
    { ACTION_LINUX, "config.set file=/etc/a.json format=json section=a key=timeout value=60",
        false, false },
    { ACTION_LINUX, "config.set file=/etc/none.json format=json section=a.b key=c value=d",
        false, false },
    { ACTION_LINUX, "linux.package.install name=libx1", false, false },
    { ACTION_LINUX, "linux.package.install_file path=/opt/p/liby1_2.0_amd64.deb", false,
        false },
    { ACTION_LINUX, "linux.unit.enabled unit=apt.timer want=unmasked", false, false },
    { ACTION_LINUX, "linux.unit.enabled unit=agent.service want=disabled", false, false },
    { ACTION_LINUX, "linux.unit.state unit=agent.service want=stopped", false, false },
    { ACTION_LINUX, "linux.unit.state unit=agent.service want=restarted", false, true },
};
enum { CHANGES = sizeof(changes) / sizeof(changes[0]) };

/* Packages are recorded by the name in the file; the model installs under the path. */
static struct target *
prepared(size_t i)
{
    struct target *t = machine(changes[i].os);

    if (strstr(changes[i].line, "name=n type=multi_sz") != NULL)
        target_mem_set_text(t, "HKLM\\SOFTWARE\\A", "n", "old");
    return t;
}

static void
changes_are_applied_and_undone(void **state)
{
    (void)state;
    for (size_t i = 0; i < CHANGES; i++) {
        auto_ptr(target) t = prepared(i);
        auto_free char *before = target_mem_dump(t), *change = NULL;
        struct remedy_done done = { 0 };
        json_t *record = NULL;
        struct action a;

        parse(changes[i].line, &a);
        assert_int_equal(look(t, changes[i].line), REMEDY_NOT);
        assert_ok(remedy_change(t, &a, deadline_in_ms(1000), &change));
        assert_non_null(strstr(change, "->") != NULL ? change : a.kind->about);
        assert_ok(remedy_record(t, &a, &record));
        auto_free char *same = target_mem_dump(t);

        assert_string_equal(before, same);
        assert_ok(remedy_apply(t, &a, record, deadline_in_ms(1000), &done));
        assert_int_equal(done.end, REMEDY_DONE);
        remedy_done_done(&done);
        if (!changes[i].again && strstr(changes[i].line, "install_file") == NULL)
            assert_int_equal(look(t, changes[i].line), REMEDY_HOLDS);
        for (int twice = 0; twice < 2; twice++) {
            char *kept = NULL;

            assert_ok(remedy_undo(t, &a, record, deadline_in_ms(1000), &kept));
            assert_int_equal(kept != NULL, changes[i].stays);
            free(kept);
            if (strstr(changes[i].line, "install_file") != NULL)
                break;
            auto_free char *after = target_mem_dump(t);

            if (strcmp(before, after) != 0)
                print_error("%s\n", changes[i].line);
            assert_string_equal(before, after);
        }
        json_decref(record);
        action_done(&a);
    }
}

/* The n-th call fails, before or after it took effect; undo from the record brings back all. */
static void
any_lost_answer_can_be_undone(void **state)
{
    (void)state;
    for (size_t i = 0; i < CHANGES; i++)
        for (uint64_t n = 1; n < 60; n++)
            for (int kind = 0; kind < 2; kind++) {
                auto_ptr(target) t = prepared(i);
                auto_ptr(target) f = NULL;
                auto_free char *before = target_mem_dump(t), *kept = NULL;
                struct target_fault plan = { .call = n,
                    .kind = kind == 0 ? TARGET_FAULT_BEFORE : TARGET_FAULT_AFTER };
                struct remedy_done done = { 0 };
                json_t *record = NULL;
                struct action a;

                if (strstr(changes[i].line, "install_file") != NULL)
                    continue;
                parse(changes[i].line, &a);
                assert_ok(remedy_record(t, &a, &record));
                assert_ok(target_fault_new(t, &plan, &f));
                struct err *e = remedy_apply(f, &a, record, deadline_in_ms(1000), &done);

                remedy_done_done(&done);
                bool last = e == NULL && target_fault_calls(f) < n;

                err_free(e);
                assert_ok(remedy_undo(t, &a, record, deadline_in_ms(1000), &kept));
                auto_free char *after = target_mem_dump(t);

                if (strcmp(before, after) != 0)
                    print_error("%s, call %u\n", changes[i].line, (unsigned)n);
                assert_string_equal(before, after);
                json_decref(record);
                action_done(&a);
                if (last) {
                    n = 60;
                    break;
                }
            }
}

/* Between a change and its undoing a person wrote to the file: what the person wrote stays. */
static void
what_others_wrote_stays(void **state)
{
    static const struct {
        const char *params, *before, *since, *after;
        bool kept;
    } cases[] = {
        { "format=conf key=k value=5", "k=1\n", "k=5\nmine=1\n", "k=1\nmine=1\n", false },
        { "format=conf key=k value=5", "a=1\n", "#x\na=1\nk=5\nmine=1", "#x\na=1\nmine=1",
            false },
        { "format=conf key=k value=5", NULL, "mine=1\nk=5", "mine=1\n", false },
        { "format=conf key=k value=5", "k=1\n", "k=7\n", "k=7\n", true },
        { "format=conf key=k value=5", "k=1\n", "", "k=1\n", false }, /* a torn write */
        { "format=conf key=k value=5", "k=1\n", "k=5", "k=1\n", false },
        { "format=ini section=s key=k value=5", "[r]\nk=5\n[s]\nk = 1\n",
            "[r]\nk=5\n[s]\nmine=1\nk = 5\n", "[r]\nk=5\n[s]\nmine=1\nk = 1\n", false },
        { "format=json section=s key=k value=5", "{\"s\": {\"k\": 1}}",
            "{\"s\": {\"k\": 5}, \"mine\": 1}",
            "{\n    \"s\": {\n        \"k\": 1\n    },\n    \"mine\": 1\n}\n", false },
        { "format=json key=k value=5", "{}", "{\"k\": 5, \"mine\": 1}",
            "{\n    \"mine\": 1\n}\n", false },
        { "format=json key=k value=5", NULL, "{\"mine\": 1}", "{\"mine\": 1}", true },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        auto_ptr(target) t = machine(ACTION_LINUX);
        auto_free char *kept = NULL, *line = NULL;
        auto_free void *now = NULL;
        struct remedy_done done = { 0 };
        json_t *record = NULL;
        struct action a;
        size_t len;
        bool found;

        assert_true(asprintf(&line, "config.set file=/etc/own %s", cases[i].params) > 0);
        parse(line, &a);
        if (cases[i].before != NULL)
            assert_ok(target_file_write(t, "/etc/own", cases[i].before,
                strlen(cases[i].before)));
        assert_ok(remedy_record(t, &a, &record));
        assert_ok(remedy_apply(t, &a, record, deadline_in_ms(1000), &done));
        assert_ok(target_file_write(t, "/etc/own", cases[i].since, strlen(cases[i].since)));
        assert_ok(remedy_undo(t, &a, record, deadline_in_ms(1000), &kept));
        assert_ok(target_file_read(t, "/etc/own", &now, &len, &found));
        assert_true(found);
        if (len != strlen(cases[i].after) || memcmp(now, cases[i].after, len) != 0)
            print_error("case %zu: \"%.*s\"\n", i, (int)len, (const char *)now);
        assert_int_equal(len, strlen(cases[i].after));
        assert_memory_equal(now, cases[i].after, len);
        assert_int_equal(kept != NULL, cases[i].kept);
        remedy_done_done(&done);
        json_decref(record);
        action_done(&a);
    }
}

static bool
installer_service_exists(struct target *t)
{
    struct target_service s = { 0 };
    bool found;

    assert_ok(target_service_get(t, "msiserver", &s, &found));
    target_service_done(&s);
    return found;
}

/* One failed call never leaves the installer service missing, whichever call it is. */
static void
installer_service_is_never_left_missing(void **state)
{
    (void)state;
    for (uint64_t n = 1; n < 30; n++)
        for (int kind = 0; kind < 2; kind++) {
            auto_ptr(target) t = machine(ACTION_WINDOWS);
            auto_ptr(target) f = NULL;
            struct target_fault plan = { .call = n,
                .kind = kind == 0 ? TARGET_FAULT_BEFORE : TARGET_FAULT_AFTER };
            struct remedy_done done = { 0 };
            json_t *record = NULL;
            struct action a;

            parse("windows.installer.register", &a);
            assert_ok(remedy_record(t, &a, &record));
            assert_ok(target_fault_new(t, &plan, &f));
            err_free(remedy_apply(f, &a, record, deadline_in_ms(1000), &done));
            remedy_done_done(&done);
            assert_true(installer_service_exists(t));
            json_decref(record);
            action_done(&a);
        }
}

static void
held_service_is_made_again_after_a_restart(void **state)
{
    auto_ptr(target) t = machine(ACTION_WINDOWS);
    struct remedy_done done = { 0 };
    json_t *record = NULL;
    struct action a;
    char *kept = NULL;

    (void)state;
    parse("windows.installer.register", &a);
    target_mem_hold_service(t, "msiserver");
    assert_ok(remedy_record(t, &a, &record));
    assert_ok(remedy_apply(t, &a, record, deadline_in_ms(1000), &done));
    assert_int_equal(done.end, REMEDY_AFTER_RESTART);
    remedy_done_done(&done);
    assert_int_equal(look(t, "windows.installer.register"), REMEDY_NOT);
    assert_ok(target_restart(t, deadline_in_ms(1000)));
    assert_false(installer_service_exists(t));
    assert_ok(remedy_undo(t, &a, record, deadline_in_ms(1000), &kept));
    free(kept);
    assert_true(installer_service_exists(t));
    json_decref(record);
    action_done(&a);
}

static struct remedy_done
install(struct target *t, json_t **ret_record)
{
    struct remedy_done done = { 0 };
    struct action a;

    parse("windows.installer.run path=" PACKAGE "<latest>\\vcredist2013_x64", &a);
    assert_ok(remedy_record(t, &a, ret_record));
    assert_ok(remedy_apply(t, &a, *ret_record, deadline_in_ms(1000), &done));
    action_done(&a);
    free(done.words);
    done.words = NULL;
    return done;
}

static char *
undo_install(struct target *t, const json_t *record)
{
    struct action a;
    char *kept = NULL;

    parse("windows.installer.run path=" PACKAGE "<latest>\\vcredist2013_x64", &a);
    assert_ok(remedy_undo(t, &a, record, deadline_in_ms(1000), &kept));
    action_done(&a);
    return kept;
}

/* Exit codes, the newest folder, the missing ".exe", and who had installed it. */
static void
installers_run(void **state)
{
    auto_ptr(target) t = machine(ACTION_WINDOWS);
    json_t *record = NULL;

    (void)state;
    target_mem_put(t, PACKAGE "1.0.9\\vcredist2013_x64.exe", "MZ");
    auto_free char *before = target_mem_dump(t);
    struct remedy_done done = install(t, &record);

    assert_int_equal(done.end, REMEDY_FAILED);
    assert_int_equal(done.exit, 1601);
    assert_int_equal(done.class, EXIT_SERVICE);
    json_decref(record);
    assert_ok(target_service_set_start(t, "msiserver", 3));
    done = install(t, &record);
    assert_int_equal(done.end, REMEDY_DONE);
    assert_int_equal(look(t, "windows.library.loads name=msvcr120.dll"), REMEDY_HOLDS);
    target_mem_busy_ms(t, 60000); /* a killed run's installer is still at work: undo waits */
    assert_null(undo_install(t, record));
    assert_int_equal(look(t, "windows.library.loads name=msvcr120.dll"), REMEDY_NOT);
    assert_ok(target_service_set_start(t, "msiserver", 4));
    auto_free char *after = target_mem_dump(t);

    assert_string_equal(before, after);
    json_decref(record);

    /* somebody had put the twin there: undo keeps its hands off */
    target_mem_service(t, "msiserver", 3);
    target_mem_put(t, MEM_SYSTEM32 "msvcp120.dll", "MZ");
    done = install(t, &record);
    assert_int_equal(done.end, REMEDY_DONE);
    auto_free char *kept = undo_install(t, record);

    assert_non_null(kept);
    assert_int_equal(look(t, "windows.library.loads name=msvcr120.dll"), REMEDY_HOLDS);
    json_decref(record);
}

static void
probes_tell_what_they_see(void **state)
{
    auto_ptr(target) w = machine(ACTION_WINDOWS);
    auto_ptr(target) l = machine(ACTION_LINUX);

    (void)state;
    assert_int_equal(look(w, "windows.service.is service=msiserver start=3"), REMEDY_NOT);
    target_mem_set_number(w, MEM_MSISERVER_KEY, "Start", 3);
    assert_int_equal(look(w, "windows.service.is service=msiserver start=3"), REMEDY_NOT);
    assert_ok(target_restart(w, deadline_in_ms(1000)));
    assert_int_equal(look(w, "windows.service.is service=msiserver start=3"), REMEDY_HOLDS);
    assert_int_equal(look(w, "windows.service.is service=nobody"), REMEDY_NOT);
    assert_int_equal(look(w, "windows.restart.not_pending"), REMEDY_HOLDS);
    target_mem_want_restart(w);
    assert_int_equal(look(w, "windows.restart.not_pending"), REMEDY_NOT);
    assert_int_equal(look(w, "windows.registry.is key=" MEM_MSISERVER_KEY
                             " name=Start data=3 not=4"), REMEDY_HOLDS);
    assert_int_equal(look(w, "windows.registry.is key=" MEM_MSISERVER_KEY
                             " name=Start not=3"), REMEDY_NOT);
    assert_int_equal(look(w, "windows.registry.absent key=HKLM\\SOFTWARE\\Nothing"),
        REMEDY_HOLDS);
    assert_int_equal(look(w, "linux.package.ready"), REMEDY_UNKNOWN);
    assert_int_equal(look(l, "linux.package.installed name=qemu-guest-agent version=7.2"),
        REMEDY_HOLDS);
    assert_int_equal(look(l, "version.at_least component=qemu-guest-agent version=7.10"),
        REMEDY_NOT);
    assert_int_equal(look(l, "linux.package.ready"), REMEDY_HOLDS);
    target_mem_interrupt_packages(l);
    assert_int_equal(look(l, "linux.package.ready"), REMEDY_NOT);
    assert_int_equal(look(l, "file.encoding path=/etc/quoted want=utf-8"), REMEDY_HOLDS);
    assert_int_equal(look(l, "file.encoding path=/etc/quoted want=ascii"), REMEDY_NOT);
    assert_int_equal(look(l, "config.is file=/etc/a.conf format=ini section=B key=k value=2"),
        REMEDY_HOLDS);
    assert_int_equal(look(l, "config.is file=/etc/a.json format=json key=b value=true"),
        REMEDY_HOLDS);
    assert_int_equal(look(l, "space.at_least path=/var bytes=1048576"), REMEDY_HOLDS);
    assert_int_equal(look(l, "person.do text=x"), REMEDY_UNKNOWN);
}

/* A journal may be forged: no record makes undo crash or touch another thing. */
static void
forged_records_are_refused(void **state)
{
    auto_ptr(target) w = machine(ACTION_WINDOWS);
    auto_free char *before = target_mem_dump(w);
    static const char *const records[] = { "{}", "[]", "{\"key\": 1}",
        ("{\"key\": \"HKLM\\\\SOFTWARE\\\\X\", \"name\": \"n\", \"found\": true, \"type\": 1, "
         "\"data\": \"00\", \"made\": []}"),
        "{\"there\": true}", "{\"path\": \"C:\\\\other\", \"found\": false}",
        "{\"service\": \"vss\", \"manager\": 4}" };

    (void)state;
    for (size_t i = 0; i < CHANGES; i++)
        for (size_t k = 0; k < sizeof(records) / sizeof(records[0]); k++) {
            char *kept = NULL;
            struct action a;

            if (changes[i].os != ACTION_WINDOWS)
                continue;
            json_t *record = json_loads(records[k], 0, NULL);

            parse(changes[i].line, &a);
            assert_fails(remedy_undo(w, &a, record, deadline_in_ms(1000), &kept),
                E_InputInvalid);
            json_decref(record);
            action_done(&a);
        }
    auto_free char *after = target_mem_dump(w);

    assert_string_equal(before, after);
}

static void
what_a_target_cannot_do_is_known_before(void **state)
{
    auto_ptr(target) w = machine(ACTION_WINDOWS);
    auto_free char *why = NULL;
    struct action a;

    (void)state;
    parse("windows.installer.run path=C:\\x.exe", &a);
    assert_true(remedy_can(w, &a, NULL));
    w->can &= ~(unsigned)TARGET_PROGRAMS;
    assert_false(remedy_can(w, &a, &why));
    assert_non_null(strstr(why, "run programs"));
    action_done(&a);
    parse("linux.package.ready", &a);
    assert_false(remedy_can(w, &a, NULL));
    action_done(&a);
}

static void
runtimes_are_known_by_name(void **state)
{
    (void)state;
    assert_string_equal(runtime_find("C:\\a\\VCRedist2013_x64.EXE")->library, "msvcr120.dll");
    assert_string_equal(runtime_find("vcredist2012_x64")->library, "msvcr110.dll");
    assert_null(runtime_find("setup.exe"));
    assert_null(runtime_find(""));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_are_applied_and_undone),
        cmocka_unit_test(any_lost_answer_can_be_undone),
        cmocka_unit_test(what_others_wrote_stays),
        cmocka_unit_test(installer_service_is_never_left_missing),
        cmocka_unit_test(held_service_is_made_again_after_a_restart),
        cmocka_unit_test(installers_run),
        cmocka_unit_test(probes_tell_what_they_see),
        cmocka_unit_test(forged_records_are_refused),
        cmocka_unit_test(what_a_target_cannot_do_is_known_before),
        cmocka_unit_test(runtimes_are_known_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
