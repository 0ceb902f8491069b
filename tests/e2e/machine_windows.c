/* SPDX-License-Identifier: Apache-2.0 */
/* usage: machine-windows.exe -- what the extension's doctor does to the Windows machine that it
 * is in, by the Win32 API.  It runs in a fresh Wine prefix, with firn-plugin-host.exe and
 * odd.dll, which is no library, and test-service.exe, in C:\firn. */
#include "check.h"

#include <stdio.h>
#include <string.h>

#include "machine.h"
#include "record.h"
#include "record_conformance.h"
#include "state.h"
#include "stop.h"
#include "windows_conformance.h"

static int
open_machine(void **state)
{
    struct target *t = NULL;

    record_in = "C:/firn/records";
    assert_ok(record_folder(record_in));
    windows_journals = "C:/firn/journals";
    assert_ok(record_folder(windows_journals));
    assert_ok(machine_open(&t));
    *state = t;
    return 0;
}

static int
leave_machine(void **state)
{
    target_free(*state);
    return 0;
}

static void
what_it_can(void **state)
{
    struct target *t = *state;
    bool found;

    assert_string_equal(t->name, "local");
    assert_int_equal(t->os, ACTION_WINDOWS);
    assert_true(t->bits64);
    assert_false(t->offline);
    assert_int_equal(t->can,
        TARGET_REGISTRY | TARGET_SERVICES | TARGET_FILES | TARGET_PROGRAMS | TARGET_LIBRARIES);
    assert_non_null(strstr(t->cannot[0], "restart"));
    assert_null(t->cannot[1]);
    assert_fails(target_restart(t, windows_patient()), E_TargetCannot);
    assert_fails(target_package_interrupted(t, &found), E_TargetCannot);
}

/* Calls of one start of the machine agree. */
static void
one_start_has_one_id(void **state)
{
    struct target *t = *state;
    auto_free char *a = NULL, *b = NULL;

    assert_ok(target_boot_id(t, &a));
    assert_ok(target_boot_id(t, &b));
    assert_string_equal(a, b);
    assert_true(strlen(a) > 8);
}

static void
libraries_by_path(void **state)
{
    struct target *t = *state;
    struct target_load l = { 0 };

    assert_ok(target_load(t, "C:\\windows\\system32\\kernel32.dll", windows_patient(), &l));
    assert_true(l.loads && l.error == 0 && l.words == NULL);
    target_load_done(&l);
    assert_ok(target_load(t, "C:\\firn\\nowhere.dll", windows_patient(), &l));
    assert_false(l.loads);
    assert_int_equal(l.error, 126);
    target_load_done(&l);
    assert_ok(target_load(t, "C:\\firn\\odd.dll", windows_patient(), &l));
    assert_false(l.loads);
    assert_int_equal(l.error, 193); /* another form, by the number of Windows */
    assert_string_equal(l.words, "format");
    target_load_done(&l);
}

/* Output of both kinds is kept, arguments arrive whole. */
static void
programs_are_heard(void **state)
{
    const char *const argv[] = { "C:\\windows\\system32\\cmd.exe", "/c", "echo", "a b", "1>&2",
        NULL };
    struct target *t = *state;
    auto_free char *out = NULL;
    uint32_t code = 1;

    assert_ok(target_run(t, argv, windows_patient(), &code, &out));
    assert_int_equal(code, 0);
    assert_non_null(strstr(out, "a b"));
}

/* Not over a file that is there. */
static void
renames_replace_nothing(void **state)
{
    struct target *t = *state;
    auto_free void *data = NULL;
    size_t len = 0;
    bool found = false;

    assert_ok(target_file_write(t, "C:\\firn\\a.txt", "a", 1));
    assert_ok(target_file_write(t, "C:\\firn\\b.txt", "b", 1));
    struct err *e = target_file_rename(t, "C:\\firn\\a.txt", "C:\\firn\\b.txt");
    assert_int_equal(err_arg(e, 2)->num, 183);
    assert_fails(e, E_TargetRefused);
    assert_ok(target_file_read(t, "C:\\firn\\b.txt", &data, &len, &found));
    assert_true(found && len == 1);
    assert_memory_equal(data, "b", 1);
}

/* What the service manager has and what the registry says are two views. */
static void
two_views_of_a_service(void **state)
{
    static const char key[] = "HKLM\\SYSTEM\\CurrentControlSet\\Services\\msiserver";
    struct target *t = *state;
    struct target_value v = { 0 };

    windows_start_is(t, "msiserver", 3);
    assert_ok(target_value_of_number(TARGET_REG_DWORD, 4, &v));
    assert_ok(target_reg_set(t, key, "Start", &v));
    target_value_done(&v);
    windows_start_is(t, "msiserver", 3); /* until the next start of the machine */
    assert_ok(target_service_set_start(t, "msiserver", 3));
}

static void
waits_end_when_asked(void **state)
{
    const char *const slow[] = { "C:\\windows\\system32\\cmd.exe", "/c", "C:\\firn\\wait.bat",
        NULL };
    struct target *t = *state;
    uint32_t code;

    stop_request();
    assert_fails(target_wait(t, 600000), E_Interrupted);
    assert_fails(target_run(t, slow, windows_patient(), &code, NULL), E_Interrupted);
}

/* The folder for journals is made, is the same again, and is closed to others. */
static void
state_has_a_folder(void **state)
{
    auto_free char *a = NULL, *b = NULL;

    (void)state;
    assert_ok(state_folder(&a));
    assert_ok(state_folder(&b));
    assert_string_equal(a, b);
    assert_non_null(strstr(a, "/firn/state"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_it_can),
        WINDOWS_CONFORMANCE,
        cmocka_unit_test(one_start_has_one_id),
        cmocka_unit_test(libraries_by_path),
        cmocka_unit_test(programs_are_heard),
        cmocka_unit_test(renames_replace_nothing),
        cmocka_unit_test(two_views_of_a_service),
        RECORD_CONFORMANCE,
        cmocka_unit_test(state_has_a_folder),
        cmocka_unit_test(waits_end_when_asked), /* the last: it stays asked */
    };

    return cmocka_run_group_tests(tests, open_machine, leave_machine);
}
