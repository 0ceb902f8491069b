/* SPDX-License-Identifier: Apache-2.0 */
/* What every target promises (names, versions, values), and that the model machine behaves
 * as Windows does where remedies depend on it. */
#include "check.h"

#include <string.h>

#include "exitcode.h"
#include "target.h"
#include "target_fault.h"
#include "target_mem.h"

#define RUNTIME MEM_SYSTEM32 "msvcr120.dll"
#define INSTALLER "C:\\Packages\\Plugins\\P\\1.0.10000\\vcredist2013_x64.exe"

static struct target *
windows(void)
{
    struct target *t = NULL;

    assert_ok(target_mem_new(ACTION_WINDOWS, "model", &t));
    target_mem_service(t, "msiserver", 3);
    target_mem_installer(t, &(struct mem_installer){ .path = INSTALLER, .needs_service = true,
        .no_service = 1601, .puts = { RUNTIME } });
    return t;
}

static uint32_t
run(struct target *t, const char *path, const char *arg)
{
    const char *argv[] = { path, arg, NULL };
    uint32_t code = UINT32_MAX;
    struct err *e = target_run(t, argv, deadline_in_ms(1000), &code, NULL);

    if (err_code(e) == E_DeadlinePassed)
        code = MEM_HANGS;
    else
        assert_int_equal(err_code(e), 0);
    err_free(e);
    return code;
}

static uint32_t
registry_start(struct target *t)
{
    struct target_value v = { 0 };
    bool found = false;
    uint64_t n = 99;

    assert_ok(target_reg_get(t, MEM_MSISERVER_KEY, "Start", &v, &found));
    if (found)
        assert_true(target_value_number(&v, &n));
    target_value_done(&v);
    return (uint32_t)n;
}

/* 99: there is none. */
static uint32_t
manager_start(struct target *t)
{
    struct target_service s = { 0 };
    bool found;
    uint32_t start = 99;

    assert_ok(target_service_get(t, "MsiServer", &s, &found));
    if (found)
        start = s.start;
    target_service_done(&s);
    return start;
}

static bool
loads(struct target *t, const char *library)
{
    struct target_load l = { 0 };

    assert_ok(target_load(t, library, deadline_in_ms(1000), &l));
    bool yes = l.loads;

    target_load_done(&l);
    return yes;
}

static void
names_are_checked(void **state)
{
    auto_ptr(target) t = windows();
    struct target_value v = { 0 };
    struct target_load l = { 0 };
    bool found;
    void *data;
    size_t len;
    static const char *const keys[] = { "", "HKLM", "HKLM\\", "HKCU\\X", "HKLM\\\\X",
        "HKLM\\X\\", "HKLM\\a\nb" };
    static const char *const paths[] = { "", "C:\\a\\..\\b", "..\\b", "C:\\a\\..",
        "C:/a/../b", "C:\\a\tb" };
    static const char *const words[] = { "", "-x", "a b", "a;b", "$(x)", "a'b" };

    (void)state;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        assert_fails(target_reg_get(t, keys[i], "x", &v, &found), E_InputInvalid);
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        assert_fails(target_file_read(t, paths[i], &data, &len, &found), E_InputInvalid);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        assert_fails(target_load(t, words[i], deadline_in_ms(1), &l), E_InputInvalid);
    assert_fails(target_service_set_start(t, "msiserver", 5), E_InputInvalid);
    assert_fails(target_service_set_start(t, "a\\b", 3), E_InputInvalid);
    assert_ok(target_file_read(t, "C:\\a..b\\...", &data, &len, &found));
    assert_false(found);
}

static void
what_cannot_be_done_is_said(void **state)
{
    auto_ptr(target) t = windows();
    char *version;
    bool found;

    (void)state;
    assert_fails(target_package_version(t, "libc6", &version, &found), E_TargetCannot);
    t->can &= ~(unsigned)TARGET_PROGRAMS;
    assert_fails(target_run(t, (const char *[]){ INSTALLER, NULL }, deadline_in_ms(1),
                     &(uint32_t){ 0 }, NULL),
        E_TargetCannot);
}

/* Lexical order and time order are both wrong; junk is no version. */
static void
latest_is_by_number(void **state)
{
    auto_ptr(target) t = windows();
    auto_free char *path = NULL, *none = NULL;

    (void)state;
    target_mem_put(t, "C:\\Packages\\Plugins\\P\\1.0.9120\\vcredist2013_x64.exe", "MZ");
    target_mem_put(t, "C:\\Packages\\Plugins\\P\\1.0.9120.bak\\x", "");
    target_mem_put(t, "C:\\Packages\\Plugins\\P\\99-old\\x", "");
    target_mem_put(t, "C:\\Packages\\Plugins\\P\\zz\\x", "");
    assert_ok(target_latest(t, "C:\\Packages\\Plugins\\P\\<LatestVersion>\\x", &none));
    assert_string_equal(none, "C:\\Packages\\Plugins\\P\\<LatestVersion>\\x");
    free(take(none));
    assert_ok(target_latest(t, "C:\\Packages\\Plugins\\P\\<latest>\\vcredist2013_x64.exe",
        &path));
    assert_string_equal(path, INSTALLER);
    free(take(path));
    /* what an update left behind has a higher number, and is no package */
    target_mem_put(t, "C:\\Packages\\Plugins\\P\\1.0.10000\\HandlerManifest.json", "[]");
    target_mem_put(t, "C:\\Packages\\Plugins\\P\\1.0.99999\\left.log", "");
    assert_ok(target_latest(t, "C:\\Packages\\Plugins\\P\\<latest>\\vcredist2013_x64.exe",
        &path));
    assert_string_equal(path, INSTALLER);
    assert_ok(target_latest(t, "C:\\Nowhere\\<latest>\\x", &none));
    assert_null(none);
}

static void
versions_compare(void **state)
{
    int order;

    (void)state;
    assert_true(target_version_compare("1.0.9120", "1.0.10000", &order));
    assert_int_equal(order, -1);
    assert_true(target_version_compare("1.0", "1.0.0.0", &order));
    assert_int_equal(order, 0);
    assert_true(target_version_compare("2", "1.9.9.9", &order));
    assert_int_equal(order, 1);
    assert_false(target_version_compare("1..0", "1", &order));
    assert_false(target_version_compare("", "1", &order));
    assert_false(target_version_compare("1.0-beta", "1", &order));
    assert_false(target_version_compare("99999999999999999999", "1", &order));
}

static void
texts_survive(void **state)
{
    static const char *const all[] = { "", "True", "h\xc3\xa9llo", "\xf0\x9f\x98\x80 x",
        "\xe2\x82\xac" };
    static const uint8_t half[] = { 0x3d, 0xd8 }, odd[] = { 0x41, 0, 0x42 };

    (void)state;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        struct target_value v = { 0 };
        char *s = NULL;

        assert_ok(target_value_of_text(TARGET_REG_SZ, all[i], &v));
        assert_true(target_value_text(&v, &s));
        assert_string_equal(s, all[i]);
        free(s);
        target_value_done(&v);
    }
    struct target_value v = { TARGET_REG_SZ, (uint8_t *)half, 2 };
    char *s = NULL;

    assert_false(target_value_text(&v, &s));
    v = (struct target_value){ TARGET_REG_SZ, (uint8_t *)odd, 3 };
    assert_false(target_value_text(&v, &s));
    assert_fails(target_value_of_text(TARGET_REG_SZ, "\xff", &v), E_InputInvalid);
    assert_fails(target_value_of_text(TARGET_REG_SZ, "\xed\xa0\x80", &v), E_InputInvalid);
    assert_fails(target_value_of_number(TARGET_REG_DWORD, UINT64_C(1) << 32, &v),
        E_InputInvalid);
}

/* An edit of the registry counts after a restart, a change through the manager at once. */
static void
registry_and_manager_are_two_views(void **state)
{
    auto_ptr(target) t = windows();

    (void)state;
    target_mem_service(t, "msiserver", 4);
    assert_int_equal(run(t, INSTALLER, "/install"), 1601);
    target_mem_set_number(t, MEM_MSISERVER_KEY, "Start", 3);
    assert_int_equal(registry_start(t), 3);
    assert_int_equal(manager_start(t), 4);
    assert_int_equal(run(t, INSTALLER, "/install"), 1601);
    assert_ok(target_restart(t, deadline_in_ms(1000)));
    assert_int_equal(manager_start(t), 3);
    assert_int_equal(run(t, INSTALLER, "/install"), 0);
    assert_true(loads(t, "msvcr120.dll"));

    target_mem_service(t, "msiserver", 4);
    assert_ok(target_service_set_start(t, "msiserver", 3));
    assert_int_equal(registry_start(t), 3);
    assert_int_equal(manager_start(t), 3);
}

/* The word of the mission's document deletes the service and does not bring it back. */
static void
msiexec_register_is_a_trap(void **state)
{
    auto_ptr(target) t = windows();

    (void)state;
    assert_int_equal(run(t, MEM_SYSTEM32 "msiexec.exe", "/UNREGISTER"), 0);
    assert_int_equal(run(t, MEM_SYSTEM32 "msiexec.exe", "/REGISTER"), 1);
    assert_int_equal(manager_start(t), 99);
    assert_int_equal(registry_start(t), 99);
    assert_int_equal(run(t, MEM_SYSTEM32 "msiexec.exe", "/regserver"), 0);
    assert_int_equal(manager_start(t), 3);

    target_mem_hold_service(t, "msiserver");
    assert_int_equal(run(t, MEM_SYSTEM32 "msiexec.exe", "/unregister"), 0);
    assert_int_equal(run(t, MEM_SYSTEM32 "msiexec.exe", "/regserver"), 1);
    assert_ok(target_restart(t, deadline_in_ms(1000)));
    assert_int_equal(manager_start(t), 99);
}

static void
installers_follow_their_script(void **state)
{
    auto_ptr(target) t = windows();

    (void)state;
    target_mem_installer(t, &(struct mem_installer){ .path = INSTALLER, .needs_service = true,
        .script = { MEM_HANGS, 1603, 3010 }, .nscript = 3, .puts = { RUNTIME } });
    target_mem_busy_ms(t, 5000);
    assert_int_equal(run(t, INSTALLER, "/install"), 1618);
    assert_ok(target_wait(t, 5000));
    assert_int_equal(run(t, INSTALLER, "/install"), MEM_HANGS);
    assert_int_equal(run(t, INSTALLER, "/install"), 1603);
    assert_int_equal(run(t, INSTALLER, "/install"), 3010);
    assert_false(loads(t, "msvcr120.dll"));
    assert_ok(target_restart(t, deadline_in_ms(1000)));
    assert_true(loads(t, "msvcr120.dll"));
    assert_int_equal(target_mem_installs(t), 4);
    assert_int_equal(run(t, INSTALLER, "/uninstall"), 0);
    assert_false(loads(t, "msvcr120.dll"));
}

/* A private copy beside the library that asks serves it alone. */
static void
libraries_import(void **state)
{
    auto_ptr(target) t = windows();

    (void)state;
    target_mem_put(t, "C:\\p\\provider.dll", "MZ");
    target_mem_imports(t, "provider.dll", "msvcr120.dll");
    assert_false(loads(t, "C:\\p\\provider.dll"));
    target_mem_put(t, "C:\\p\\msvcr120.dll", "MZ");
    assert_true(loads(t, "C:\\p\\provider.dll"));
    assert_false(loads(t, "msvcr120.dll"));
    target_mem_put(t, RUNTIME, "MZ");
    assert_true(loads(t, "msvcr120.dll"));
    target_mem_break_library(t, "msvcr120.dll", 193);
    assert_false(loads(t, "msvcr120.dll"));
}

static void
faults_strike(void **state)
{
    auto_ptr(target) m = windows();
    auto_ptr(target) before = NULL;
    auto_ptr(target) after = NULL;
    struct target_fault plan = { .call = 2, .kind = TARGET_FAULT_BEFORE };

    (void)state;
    target_mem_service(m, "msiserver", 4);
    assert_ok(target_fault_new(m, &plan, &before));
    assert_int_equal(manager_start(before), 4);
    assert_fails(target_service_set_start(before, "msiserver", 3), E_TargetRefused);
    assert_int_equal(manager_start(before), 4);

    plan = (struct target_fault){ .call = 1, .onwards = true, .kind = TARGET_FAULT_AFTER };
    assert_ok(target_fault_new(m, &plan, &after));
    assert_fails(target_service_set_start(after, "msiserver", 3), E_TargetRefused);
    assert_int_equal(manager_start(m), 3);
    target_fault_cut(after);
    assert_fails(target_service_set_start(after, "msiserver", 4), E_TargetRefused);
    assert_int_equal(manager_start(m), 3);
    assert_int_equal(target_fault_calls(after), 2);
}

static void
exit_codes_have_classes(void **state)
{
    static const struct {
        uint32_t code;
        const char *log;
        enum exit_class class;
    } all[] = {
        { 0, NULL, EXIT_OK }, { 3010, NULL, EXIT_OK_RESTART },
        { 0x80070bc2, NULL, EXIT_OK_RESTART }, { 1641, NULL, EXIT_RESTARTING },
        { 0x80070666, NULL, EXIT_NEWER_PRESENT }, { 5100, NULL, EXIT_NEWER_PRESENT },
        { 1618, NULL, EXIT_BUSY }, { 0x80070652, NULL, EXIT_BUSY },
        { 0x80070641, NULL, EXIT_SERVICE }, { 0x80070422, NULL, EXIT_SERVICE },
        { 1603, NULL, EXIT_FATAL }, { 1603, "Error 1719. Le service", EXIT_SERVICE },
        { 1603, "product 117190", EXIT_FATAL }, { 1603, "Error 1310.", EXIT_DENIED },
        { 0x80070642, NULL, EXIT_CANCELLED }, { 1625, NULL, EXIT_POLICY },
        { 0xC0000135, NULL, EXIT_CANNOT_START }, { 0xC000007B, NULL, EXIT_CANNOT_START },
        { (uint32_t)-2147023294, NULL, EXIT_CANCELLED }, { 4711, NULL, EXIT_UNKNOWN },
        { 0x80071234, NULL, EXIT_UNKNOWN }, { 740, NULL, EXIT_DENIED },
    };
    static const int codes[EXIT_CLASS_COUNT] = { /* those that are no failure have none */
        [EXIT_BUSY] = E_InstallerBusy, [EXIT_SERVICE] = E_InstallerServiceOff,
        [EXIT_CANCELLED] = E_InstallerForbidden, [EXIT_POLICY] = E_InstallerForbidden,
        [EXIT_FATAL] = E_InstallerFailed, [EXIT_UNKNOWN] = E_InstallerFailed,
        [EXIT_PACKAGE] = E_InstallerPackageBad, [EXIT_ARGUMENTS] = E_InstallerPackageBad,
        [EXIT_MISSING] = E_InstallerPackageBad, [EXIT_CANNOT_START] = E_InstallerPackageBad,
        [EXIT_SPACE] = E_InstallerSpaceShort, [EXIT_DENIED] = E_InstallerDenied,
        [EXIT_HUNG] = E_InstallerHung };

    (void)state;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (exitcode_class(all[i].code, all[i].log) != all[i].class) {
            print_error("%u is %s\n", all[i].code,
                exitcode_class_name(exitcode_class(all[i].code, all[i].log)));
            _fail(__FILE__, __LINE__);
        }
    for (int c = 0; c < EXIT_CLASS_COUNT; c++) {
        struct err *e = exitcode_error((enum exit_class)c, "setup.exe", 7);

        assert_int_equal(err_code(e), codes[c]);
        assert_non_null(exitcode_class_name((enum exit_class)c));
        err_free(e);
    }
    assert_int_equal(exitcode_next(EXIT_BUSY), NEXT_WAIT_IDLE);
    assert_int_equal(exitcode_class_dpkg(0, "Could not get lock"), EXIT_OK);
    assert_int_equal(exitcode_class_dpkg(100, "E: Could not get lock /x"), EXIT_BUSY);
    assert_int_equal(exitcode_class_dpkg(100, "E: dpkg was interrupted, run"), EXIT_SERVICE);
    assert_int_equal(exitcode_class_dpkg(100, "what?"), EXIT_FATAL);
    assert_int_equal(exitcode_class_dpkg(100, "W: /etc/x (2: No such file or directory)\nE: ?"),
        EXIT_FATAL);
    assert_int_equal(exitcode_class_dpkg(2, "dpkg: x\nW: y\n z: No such file or directory"),
        EXIT_MISSING);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_checked),
        cmocka_unit_test(what_cannot_be_done_is_said),
        cmocka_unit_test(latest_is_by_number),
        cmocka_unit_test(versions_compare),
        cmocka_unit_test(texts_survive),
        cmocka_unit_test(registry_and_manager_are_two_views),
        cmocka_unit_test(msiexec_register_is_a_trap),
        cmocka_unit_test(installers_follow_their_script),
        cmocka_unit_test(libraries_import),
        cmocka_unit_test(faults_strike),
        cmocka_unit_test(exit_codes_have_classes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
