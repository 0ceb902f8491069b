/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <stdio.h>
#include <string.h>

#include "article.h"
#include "compile.h"
#include "runbook.h"
#include "windows_conformance.h"

enum { PATIENT_MS = 120000 };

const char *windows_journals;

#define KEY "HKLM\\SOFTWARE\\Firn Test"

struct deadline
windows_patient(void)
{
    return deadline_in_ms(PATIENT_MS);
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

void
windows_values_keep_their_bytes(void **state)
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

/* After the values. */
void
windows_only_empty_keys_go(void **state)
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

void
windows_start_is(struct target *t, const char *name, uint32_t start)
{
    struct target_service s = { 0 };
    bool found = false;

    assert_ok(target_service_get(t, name, &s, &found));
    assert_true(found);
    assert_int_equal(s.start, start);
    target_service_done(&s);
}

/* The service of the mission's failure: switched off it does not start. */
void
windows_installer_service(void **state)
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
    windows_start_is(t, "msiserver", 4);
    struct err *e = target_service_control(t, "msiserver", true, windows_patient());
    assert_int_equal(err_code(e), E_TargetRefused);
    assert_int_equal(err_arg(e, 2)->num, 1058); /* by the number of Windows */
    err_free(e);
    assert_ok(target_service_set_start(t, "msiserver", 3));
    assert_ok(target_service_control(t, "msiserver", true, windows_patient()));
    assert_ok(target_service_get(t, "msiserver", &s, &found));
    assert_int_equal(s.state, SERVICE_IS_RUNNING);
    target_service_done(&s);
    /* it runs already */
    assert_ok(target_service_control(t, "msiserver", true, windows_patient()));
    assert_ok(target_service_control(t, "msiserver", false, windows_patient()));
}

void
windows_services_are_made(void **state)
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
    assert_non_null(s.depends);
    assert_string_equal(s.depends[0], "RpcSs");
    assert_null(s.depends[1]);
    target_service_done(&s);
    e = target_service_create(t, "firn-test", &want);
    assert_int_equal(err_arg(e, 2)->num, 1073);
    assert_fails(e, E_TargetRefused);

    char other[] = "C:\\windows\\system32\\msiexec.exe", called[] = "Another";
    const struct target_service change = { .type = 0x20, .start = 4, .error_control = 1,
        .image = other, .display = called, .account = account };
    e = target_service_configure(t, "firn-none", &change);
    assert_int_equal(err_arg(e, 2)->num, 1060);
    assert_fails(e, E_TargetRefused);
    assert_ok(target_service_configure(t, "firn-test", &change));
    assert_ok(target_service_get(t, "firn-test", &s, &found));
    assert_true(found);
    assert_int_equal(s.type, 0x20);
    assert_int_equal(s.start, 4);
    assert_int_equal(s.error_control, 1);
    assert_string_equal(s.image, other);
    assert_string_equal(s.display, called);
    target_service_done(&s);
}

/* A service of tests, which needs the two others (NULL: none). */
static void
make_service(struct target *t, const char *name, const char *one, const char *two)
{
    char *needs[] = { (char *)(uintptr_t)one, (char *)(uintptr_t)two, NULL };
    char image[] = "C:\\firn\\test-service.exe C:\\firn\\services.log";
    const struct target_service s = { .type = 0x10, .start = 3, .error_control = 1,
        .image = image, .account = (char[]){ "LocalSystem" }, .depends = needs };

    assert_ok(target_service_create(t, name, &s));
}

static void
control(struct target *t, const char *name, bool run)
{
    assert_ok(target_service_control(t, name, run, windows_patient()));
}

static void
restart(struct target *t)
{
    static const char text[] = "<properties\n pageTitle=\"VssServiceBad\"\n/>\n"
        "# VssServiceBad\n\n## **Probe**\n\n* Is it so?\n\n  ```probe\n"
        "  windows.registry.is key=HKLM\\SOFTWARE\\FirnRun name=Good data=1\n  ```\n\n"
        "## **Recommended Steps**\n\n* Restart.\n\n  ```action\n"
        "  windows.service.state service=firna want=restarted\n  ```\n\n"
        "* Set it.\n\n  ```action\n"
        "  windows.registry.set key=HKLM\\SOFTWARE\\FirnRun name=Good type=dword data=1\n"
        "  ```\n";
    const struct runbook_policy policy = { .apply = true, .journals = windows_journals,
        .consent = 1U << RISK_CONFIG | 1U << RISK_SERVICE };
    struct runbook_candidate c = { .code = "VssServiceBad" };
    auto_ptr(runbook_report) r = NULL;
    struct article *a = NULL;
    struct plan *p = NULL;

    assert_int_equal(article_parse(text, sizeof(text) - 1, &a), ARTICLE_OK);
    assert_ok(compile_article(a, NULL, &p));
    c.plan = p;
    assert_ok(runbook_run(t, &c, 1, &policy, &r));
    assert_int_equal(r->outcome, RUNBOOK_REPAIRED);
    assert_string_equal(r->rows[0].change,
        "the service is running -> the service is restarted; FirnC and FirnB, which need it "
        "and run, are stopped before it and started again after it");
    assert_string_equal(r->rows[0].result,
        "done; FirnC and FirnB, which need it, were stopped and started again");
    plan_free(p);
    article_free(a);
}

/* C needs B and B needs A; D, which needs A, does not run.  What the services wrote down
 * themselves is what happened. */
void
windows_dependents(void **state)
{
    static const char want[] = "FirnA runs\nFirnB runs\nFirnC runs\n"
        "FirnC stops\nFirnB stops\nFirnA stops\nFirnA runs\nFirnB runs\nFirnC runs\n";
    struct target *t = *state;
    auto_free void *log = NULL;
    bool found = false;
    size_t len = 0;

    make_service(t, "FirnA", NULL, NULL);
    make_service(t, "FirnB", "FirnA", NULL);
    make_service(t, "FirnC", "FirnB", "RpcSs");
    make_service(t, "FirnD", "FirnA", NULL);
    control(t, "FirnA", true);
    control(t, "FirnB", true);
    control(t, "FirnC", true);
    restart(t);
    assert_ok(target_file_read(t, "C:\\firn\\services.log", &log, &len, &found));
    assert_true(found);
    assert_int_equal(len, sizeof(want) - 1);
    assert_memory_equal(log, want, len);
    control(t, "FirnC", false);
    control(t, "FirnB", false);
    control(t, "FirnA", false);
}

void
windows_files(void **state)
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
    assert_ok(target_file_list(t, "C:\\windows\\system32\\drivers\\etc", &list, &found));
    if (found)
        target_names_free(list);
}

void
windows_programs(void **state)
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
    assert_fails(target_run(t, slow, deadline_in_ms(1000), &code, NULL), E_DeadlinePassed);
    assert_ok(target_run(t, seven, windows_patient(), &code, NULL));
    assert_int_equal(code, 0xc0000005); /* all 32 bits */
    assert_fails(target_run(t, missing, windows_patient(), &code, NULL), E_TargetRefused);
    assert_ok(target_space_free(t, "C:\\users", &bytes));
    assert_true(bytes > 0);
    assert_ok(target_installer_busy(t, &busy, &who));
    assert_false(busy);
    assert_ok(target_load(t, "kernel32.dll", windows_patient(), &l));
    assert_true(l.loads);
    target_load_done(&l);
    assert_ok(target_load(t, "firn-nowhere.dll", windows_patient(), &l));
    assert_false(l.loads);
    assert_int_equal(l.error, 126);
    target_load_done(&l);
}
