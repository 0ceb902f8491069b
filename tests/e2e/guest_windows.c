/* SPDX-License-Identifier: Apache-2.0 */
/* usage: guest-windows SOCKET PREFIX -- what a target does in a Windows guest, by a guest agent
 * that runs its commands in the Wine prefix. */
#include "check.h"

#include <stdio.h>
#include <string.h>

#include "target_guest.h"

enum { PATIENT_MS = 120000 };

#define KEY "HKLM\\SOFTWARE\\Firn Test"
#define SERVICE_KEY "HKLM\\SYSTEM\\CurrentControlSet\\Services\\firn-test"

static const char *sock;

static struct deadline
patient(void)
{
    return deadline_in_ms(PATIENT_MS);
}

static int
connect_guest(void **state)
{
    const struct target_guest_options options = { .name = "win1",
        .plugin_host = "C:\\firn\\firn-plugin-host.exe" };
    struct target *t = NULL;

    assert_ok(target_guest_open(sock, &options, patient(), &t));
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
assert_value(struct target *t, const char *name, uint32_t type, const void *data, size_t len)
{
    struct target_value v = { 0 };
    bool found = false;

    assert_ok(target_reg_get(t, KEY, name, &v, &found));
    assert_true(found);
    assert_int_equal(v.type, type);
    assert_int_equal(v.len, len);
    if (len > 0)
        assert_memory_equal(v.data, data, len);
    target_value_done(&v);
}

static void
values_keep_their_bytes(void **state)
{
    static uint8_t wide[] = { 0xfc, 0, 0x3d, 0xd8, 0xbe, 0xdc, '"', 0, '\\', 0, 0, 0 };
    static uint8_t bytes[] = { 0, 1, 0xff, 0x7f, '\r', '\n', 0 };
    static uint8_t list[] = { 'a', 0, 0, 0, 'b', 0, 0, 0, 0, 0 };
    const struct target_value values[] = { { TARGET_REG_SZ, wide, sizeof(wide) },
        { TARGET_REG_EXPAND_SZ, wide, sizeof(wide) },
        { TARGET_REG_BINARY, bytes, sizeof(bytes) },
        { TARGET_REG_DWORD, bytes, 4 }, { TARGET_REG_MULTI_SZ, list, sizeof(list) },
        { TARGET_REG_QWORD, list, 8 }, { TARGET_REG_BINARY, bytes, 0 } };
    static const char *const names[] = { "plain", "", "od\\d \"one\" %PATH%",
        "\xc3\xbc\xe2\x82\xac" };
    struct target *t = *state;
    struct target_value v = { 0 };
    bool found = true;

    assert_ok(target_reg_key(t, KEY, &found));
    assert_false(found);
    assert_ok(target_reg_get(t, KEY, "plain", &v, &found));
    assert_false(found);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        const char *name = names[i % 4];
        assert_ok(target_reg_set(t, KEY, name, &values[i]));
        assert_value(t, name, values[i].type, values[i].data, values[i].len);
    }
    assert_ok(target_reg_key(t, "hklm\\software\\FIRN test", &found));
    assert_true(found);
    assert_ok(target_reg_get(t, KEY, "another", &v, &found));
    assert_false(found);
}

/* After values_keep_their_bytes. */
static void
only_empty_keys_go(void **state)
{
    struct target *t = *state;
    bool found = true;

    assert_fails(target_reg_delete_key(t, KEY), E_TargetRefused);
    assert_ok(target_reg_delete(t, KEY, "plain"));
    assert_ok(target_reg_delete(t, KEY, "plain")); /* what is not there is fine */
    assert_ok(target_reg_delete(t, KEY, ""));
    assert_ok(target_reg_delete(t, KEY, "od\\d \"one\" %PATH%"));
    assert_ok(target_reg_delete(t, KEY, "\xc3\xbc\xe2\x82\xac"));
    assert_ok(target_reg_delete_key(t, KEY));
    assert_ok(target_reg_key(t, KEY, &found));
    assert_false(found);
    assert_ok(target_reg_delete_key(t, KEY));
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

static void
assert_start(struct target *t, const char *name, uint32_t start)
{
    struct target_service s = { 0 };
    bool found = false;

    assert_ok(target_service_get(t, name, &s, &found));
    assert_true(found);
    assert_int_equal(s.start, start);
    target_service_done(&s);
}

/* The service of the mission's failure: switched off it does not start. */
static void
the_installer_service(void **state)
{
    struct target *t = *state;
    struct target_service s = { 0 };
    bool found = false;

    assert_ok(target_service_get(t, "msiserver", &s, &found));
    assert_true(found && !s.marked);
    assert_int_equal(s.start, 3);
    assert_non_null(strstr(s.image, "msiexec"));
    assert_int_equal(s.state, SERVICE_IS_STOPPED);
    target_service_done(&s);
    assert_ok(target_service_set_start(t, "msiserver", 4));
    assert_start(t, "msiserver", 4);
    struct err *e = target_service_control(t, "msiserver", true, patient());
    assert_int_equal(err_code(e), E_TargetRefused);
    assert_int_equal(err_arg(e, 2)->num, 1058); /* by the number of Windows */
    err_free(e);
    assert_ok(target_service_set_start(t, "msiserver", 3));
    assert_ok(target_service_control(t, "msiserver", true, patient()));
    assert_ok(target_service_get(t, "msiserver", &s, &found));
    assert_int_equal(s.state, SERVICE_IS_RUNNING);
    target_service_done(&s);
    assert_ok(target_service_control(t, "msiserver", true, patient())); /* runs already */
    assert_ok(target_service_control(t, "msiserver", false, patient()));
}

static void
services_are_made(void **state)
{
    char image[] = "C:\\windows\\system32\\msiexec.exe /V", display[] = "A test of \xc3\xbc";
    char account[] = "LocalSystem", on[] = "RpcSs", *depends[] = { on, NULL };
    const struct target_service want = { .type = 0x10, .start = 2, .error_control = 2,
        .image = image, .display = display, .account = account, .depends = depends };
    struct target *t = *state;
    struct target_service s = { 0 };
    bool found = true;

    assert_ok(target_service_get(t, "firn-test", &s, &found));
    assert_false(found);
    struct err *e = target_service_set_start(t, "firn-test", 3);
    assert_int_equal(err_code(e), E_TargetRefused);
    assert_int_equal(err_arg(e, 2)->num, 1060);
    err_free(e);
    assert_ok(target_service_create(t, "firn-test", &want));
    assert_ok(target_service_get(t, "firn-test", &s, &found));
    assert_true(found);
    assert_int_equal(s.type, 0x10);
    assert_int_equal(s.start, 2);
    assert_int_equal(s.error_control, 2);
    assert_string_equal(s.image, image);
    assert_string_equal(s.display, display);
    assert_string_equal(s.account, account);
    assert_string_equal(s.depends[0], "RpcSs");
    assert_null(s.depends[1]);
    target_service_done(&s);
    e = target_service_create(t, "firn-test", &want);
    assert_int_equal(err_arg(e, 2)->num, 1073);
    assert_fails(e, E_TargetRefused);
}

static void
files(void **state)
{
    static const char path[] = "C:\\Program Files (x86)\\a b.txt";
    static const char other[] = "C:\\users\\x.bin";
    struct target *t = *state;
    auto_free void *data = NULL;
    char **list = NULL;
    size_t len = 0;
    bool found = true;

    assert_ok(target_file_read(t, path, &data, &len, &found));
    assert_false(found);
    assert_ok(target_file_write(t, path, "one\0two", 7));
    assert_ok(target_file_write(t, path, "three", 5));
    assert_ok(target_file_read(t, path, &data, &len, &found));
    assert_true(found);
    assert_int_equal(len, 5);
    assert_memory_equal(data, "three", 5);
    assert_ok(target_file_rename(t, path, other));
    assert_ok(target_exists(t, "c:\\USERS\\X.bin", &found));
    assert_true(found);
    assert_ok(target_exists(t, path, &found));
    assert_false(found);
    assert_fails(target_file_rename(t, path, other), E_TargetRefused);
    assert_fails(target_file_write(t, "C:\\windows", "x", 1), E_TargetRefused);
    assert_ok(target_file_delete(t, other));
    assert_ok(target_file_delete(t, other));
    assert_ok(target_file_list(t, "C:\\nothing", &list, &found));
    assert_false(found);
    /* what cmd.exe would take for something else never reaches it */
    assert_fails(target_file_list(t, "C:\\a&calc", &list, &found), E_TargetCannot);
    assert_fails(target_file_write(t, "C:\\%PATH%", "x", 1), E_TargetCannot);
}

static void
programs(void **state)
{
    const char *const seven[] = { "C:\\windows\\system32\\cmd.exe", "/c", "exit", "-1073741819",
        NULL };
    const char *const missing[] = { "C:\\no\\such.exe", NULL };
    /* one that starts another, which never ends */
    const char *const slow[] = { "C:\\windows\\system32\\cmd.exe", "/c",
        "C:\\windows\\system32\\cmd.exe", "/c", "C:\\firn\\wait.bat", NULL };
    struct target *t = *state;
    struct target_load l = { 0 };
    uint64_t bytes = 0;
    uint32_t code = 0;
    bool busy = true;
    char *who = NULL;

    assert_ok(target_file_write(t, "C:\\firn\\wait.bat", ":again\r\n@goto again\r\n", 22));
    struct err *e = target_run(t, slow, deadline_in_ms(1000), &code, NULL);
    assert_true(err_has(e, E_GuestProgramOverdue));
    assert_null(err_next(e)); /* and it was ended */
    assert_null(err_next(err_cause(e)));
    assert_fails(e, E_DeadlinePassed);
    assert_ok(target_run(t, seven, patient(), &code, NULL));
    assert_int_equal(code, 0xc0000005); /* all 32 bits */
    assert_fails(target_run(t, missing, patient(), &code, NULL), E_TargetRefused);
    assert_ok(target_space_free(t, "C:\\users", &bytes));
    assert_true(bytes > 0);
    assert_ok(target_installer_busy(t, &busy, &who));
    assert_false(busy);
    assert_ok(target_load(t, "kernel32.dll", patient(), &l));
    assert_true(l.loads);
    target_load_done(&l);
    assert_ok(target_load(t, "firn-nowhere.dll", patient(), &l));
    assert_false(l.loads);
    assert_int_equal(l.error, 126);
    target_load_done(&l);
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
    assert_ok(target_restart(t, patient()));
    assert_ok(target_boot_id(t, &after));
    assert_string_not_equal(before, after);
    assert_start(t, "msiserver", 4); /* now the service manager has seen it too */
    assert_ok(target_service_set_start(t, "msiserver", 3));
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_it_can),
        cmocka_unit_test(values_keep_their_bytes),
        cmocka_unit_test(only_empty_keys_go),
        cmocka_unit_test(exports_are_tried_again),
        cmocka_unit_test(the_installer_service),
        cmocka_unit_test(services_are_made),
        cmocka_unit_test(files),
        cmocka_unit_test(programs),
        cmocka_unit_test(a_restart),
    };

    if (argc != 3)
        return 2;
    sock = argv[1];
    return cmocka_run_group_tests(tests, connect_guest, leave_guest);
}
