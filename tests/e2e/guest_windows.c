/* SPDX-License-Identifier: Apache-2.0 */
/* usage: guest-windows SOCKET PREFIX -- what a target does in a Windows guest, by a guest agent
 * that runs its commands in the Wine prefix. */
#include "check.h"

#include <stdio.h>
#include <string.h>

#include "pattern.h"
#include "target_guest.h"
#include "windows_conformance.h"

static const char *sock;

static int
connect_guest(void **state)
{
    const struct target_guest_options options = { .name = "win1",
        .plugin_host = "C:\\firn\\firn-plugin-host.exe" };
    struct target *t = NULL;

    assert_ok(target_guest_open(sock, &options, windows_patient(), &t));
    *state = t;
    return 0;
}

static int
leave_guest(void **state)
{
    target_free(*state);
    return 0;
}

static void
what_it_can(void **state)
{
    struct target *t = *state;

    assert_int_equal(t->os, ACTION_WINDOWS);
    assert_true(t->bits64);
    assert_int_equal(t->can,
        TARGET_REGISTRY | TARGET_SERVICES | TARGET_FILES | TARGET_PROGRAMS | TARGET_LIBRARIES |
            TARGET_RESTART);
    assert_null(t->cannot[0]);
}

static void
hold_exports(struct target *t, const char *how_many)
{
    assert_ok(target_file_write(t, "C:\\firn\\held", how_many, strlen(how_many)));
}

/* A scanner that has the file of the last export still open is waited for; one that stays is
 * told by the number of reg.exe, and a key that is not there stays a key that is not there. */
static void
exports_are_tried_again(void **state)
{
    static const char versions[] = "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion";
    struct target *t = *state;
    bool found = false;

    hold_exports(t, "2");
    assert_ok(target_reg_key(t, versions, &found));
    assert_true(found);
    hold_exports(t, "3");
    struct err *e = target_reg_key(t, versions, &found);
    assert_int_equal(err_code(e), E_TargetRefused);
    assert_int_equal(err_arg(e, 2)->num, 1);
    err_free(e);
    hold_exports(t, "1");
    assert_ok(target_reg_key(t, "HKLM\\SOFTWARE\\No such\\key", &found));
    assert_false(found);
    hold_exports(t, "0");
}

/* What cmd.exe would take for something else never reaches it. */
static void
odd_names_stay_outside(void **state)
{
    struct target *t = *state;
    char **list = NULL;
    bool found;

    assert_fails(target_file_list(t, "C:\\a&calc", &list, &found), E_TargetCannot);
    assert_fails(target_file_write(t, "C:\\%PATH%", "x", 1), E_TargetCannot);
}

/* What ran too long was ended, and it is said. */
static void
overdue_programs_are_ended(void **state)
{
    const char *const slow[] = { "C:\\windows\\system32\\cmd.exe", "/c",
        "C:\\firn\\wait.bat", NULL };
    struct target *t = *state;
    uint32_t code = 0;

    assert_ok(target_file_write(t, "C:\\firn\\wait.bat", ":again\r\n@goto again\r\n", 22));
    struct err *e = target_run(t, slow, deadline_in_ms(1000), &code, NULL);
    assert_true(err_has(e, E_GuestProgramOverdue));
    assert_null(err_next(e));
    assert_null(err_next(err_cause(e)));
    assert_fails(e, E_DeadlinePassed);
}

/* What was written is there afterwards, and the machine is another one. */
static void
a_restart(void **state)
{
    struct target *t = *state;
    struct target_value v = { 0 };
    auto_free char *before = NULL, *after = NULL;

    assert_ok(target_value_of_number(TARGET_REG_DWORD, 4, &v));
    assert_ok(target_reg_set(t, "HKLM\\SYSTEM\\CurrentControlSet\\Services\\msiserver", "Start",
        &v));
    target_value_done(&v);
    assert_ok(target_boot_id(t, &before));
    assert_ok(target_restart(t, windows_patient()));
    assert_ok(target_boot_id(t, &after));
    assert_string_not_equal(before, after);
    windows_start_is(t, "msiserver", 4); /* now the service manager has seen it too */
    assert_ok(target_service_set_start(t, "msiserver", 3));
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_it_can),
        WINDOWS_CONFORMANCE,
        cmocka_unit_test(exports_are_tried_again),
        cmocka_unit_test(odd_names_stay_outside),
        cmocka_unit_test(overdue_programs_are_ended),
        cmocka_unit_test(a_restart),
    };

    if (argc != 3)
        return 2;
    sock = argv[1];
    windows_journals = pattern_folder();
    return cmocka_run_group_tests(tests, connect_guest, leave_guest);
}
