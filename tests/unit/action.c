/* SPDX-License-Identifier: Apache-2.0 */
/* The table of actions keeps its promises, and an action survives being text. */
#include "check.h"

#include <string.h>

#include "action.h"
#include "auto.h"

static void
table_is_sound(void **state)
{
    (void)state;
    for (size_t i = 0; i < action_kinds_len; i++) {
        const struct action_kind *k = &action_kinds[i];

        print_message("# %s\n", k->name);
        assert_ptr_equal(action_find(k->name), k); /* no name twice */
        assert_non_null(k->about);
        if (k->risk == RISK_READ)
            assert_true(k->undo == NULL && k->fixed == NULL);
        else
            assert_true((k->undo == NULL) != (k->fixed == NULL));
        assert_int_equal(k->person, strncmp(k->name, "person.", 7) == 0);
        for (int p = 0; k->param[p].name != NULL; p++) {
            assert_in_range(p, 0, ACTION_PARAMS_MAX - 1);
            assert_int_equal(k->param[p].words != NULL, k->param[p].type == PARAM_WORD);
        }
    }
    assert_null(action_find("windows.registry"));
    assert_null(action_find(""));
}

/* Each line is what action_text gives back. */
static const char *const whole[] = {
    "windows.service.start_type service=msiserver want=3",
    "windows.registry.set key=HKLM\\SOFTWARE\\Firn name=A type=sz data=True",
    "windows.registry.set key=\"HKLM\\SOFTWARE\\Two Words\" name=A type=dword data=0x10",
    "windows.registry.set key=HKLM\\S name=A type=sz data=\"\"",
    "windows.registry.set key=HKLM\\S name=A type=sz data=\"a \\\"b\\\" \\\\\"",
    "windows.registry.set key=HKLM\\S name=A type=binary data=00ffA1",
    "windows.registry.is key=HKLM\\S name=A data=3 not=4",
    "windows.registry.is key=HKLM\\S\\{01234567-89AB-CDEF-0123-456789ABCDEF} name=A",
    ("windows.installer.run path=C:\\Plugins\\A.B\\<latest>\\setup.exe "
     "args=\"/quiet /norestart\""),
    "windows.installer.run path={installer}",
    "windows.installer.register",
    "file.rename from=/etc/a to=/etc/a.old",
    "file.convert path=/etc/a.conf to=utf-8",
    "machine.wait seconds=60",
    "person.open address=https://example.org/a?b=c",
    "person.do text=\"turn it off and on again\"",
};

static void
text_survives(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++) {
        struct action a, b;
        auto_free char *text = NULL;

        print_message("# %s\n", whole[i]);
        assert_int_equal(action_parse(whole[i], &a, NULL), ACTION_OK);
        text = action_text(&a);
        assert_string_equal(text, whole[i]);
        assert_true(action_copy(&b, &a));
        assert_true(action_equal(&a, &b));
        action_done(&a);
        action_done(&b);
    }
}

static const struct {
    const char *line;
    enum action_fault fault;
} broken[] = {
    { "", ACTION_EMPTY },
    { "  \t", ACTION_EMPTY },
    { "windows.service.stat service=x want=running", ACTION_UNKNOWN_KIND },
    { "Windows.service.state service=x want=running", ACTION_UNKNOWN_KIND },
    { "rm -rf /", ACTION_UNKNOWN_KIND },
    { "machine.wait", ACTION_PARAM_MISSING },
    { "machine.wait seconds=", ACTION_VALUE_WRONG },
    { "machine.wait seconds=-1", ACTION_VALUE_WRONG },
    { "machine.wait seconds=0x", ACTION_VALUE_WRONG },
    { "machine.wait seconds=99999999999999999999999", ACTION_VALUE_WRONG },
    { "machine.wait seconds=1 seconds=2", ACTION_PARAM_TWICE },
    { "machine.wait minutes=1", ACTION_UNKNOWN_PARAM },
    { "machine.wait 5", ACTION_SYNTAX },
    { "machine.wait =5", ACTION_SYNTAX },
    { "machine.wait seconds=\"5", ACTION_SYNTAX },
    { "machine.wait seconds=\"5\"6", ACTION_SYNTAX },
    { "machine.wait seconds=5\"6\"", ACTION_SYNTAX },
    { "person.do text=\"a\\", ACTION_SYNTAX },
    { "person.do text=a\x1b[2J", ACTION_VALUE_WRONG },
    { "person.do text=a\xff", ACTION_VALUE_WRONG },
    { "person.do text=\"two\nlines\"", ACTION_VALUE_WRONG },
    { "person.open address=javascript:alert(1)", ACTION_VALUE_WRONG },
    { "person.open address=https://", ACTION_VALUE_WRONG },
    { "windows.service.start_type service=x want=5", ACTION_VALUE_WRONG },
    { "windows.service.start_type service=x want=2|3", ACTION_VALUE_WRONG },
    { "windows.service.start_type service=\" x\" want=2", ACTION_VALUE_WRONG },
    { "windows.registry.absent key=HKLM", ACTION_VALUE_WRONG },
    { "windows.registry.absent key=HKLM\\", ACTION_VALUE_WRONG },
    { "windows.registry.absent key=HKLM\\a\\\\b", ACTION_VALUE_WRONG },
    { "windows.registry.absent key=HKLMX\\a", ACTION_VALUE_WRONG },
    { "windows.registry.absent key=HKLM\\<Name>", ACTION_VALUE_WRONG },
    { "windows.registry.absent key=HKEY_LOCAL_MACHINE\\a", ACTION_VALUE_WRONG },
    { "windows.registry.set key=HKLM\\S name=A type=dword data=x", ACTION_VALUE_WRONG },
    { "windows.registry.set key=HKLM\\S name=A type=dword data=4294967296",
        ACTION_VALUE_WRONG },
    { "windows.registry.set key=HKLM\\S name=A type=binary data=abc", ACTION_VALUE_WRONG },
    { "windows.registry.is key=HKLM\\S name=A type=dword not=x", ACTION_VALUE_WRONG },
    { "file.exists path=setup.exe", ACTION_VALUE_WRONG },
    { "file.exists path=C:setup.exe", ACTION_VALUE_WRONG },
    { "file.exists path=C:\\a\\..\\b", ACTION_VALUE_WRONG },
    { "file.exists path=/a/../b", ACTION_VALUE_WRONG },
    { "file.exists path=C:\\a\\*.exe", ACTION_VALUE_WRONG },
    { "file.exists path=C:\\a\\<version>\\b", ACTION_VALUE_WRONG },
    { "file.exists path=C:\\a\\v<latest>\\b", ACTION_VALUE_WRONG },
    { "file.exists path=C:\\a\\\\b", ACTION_VALUE_WRONG },
    { "file.exists path=", ACTION_VALUE_WRONG },
};

static void
broken_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        struct action a = { 0 };
        size_t at = SIZE_MAX;

        print_message("# %.*s\n", (int)strcspn(broken[i].line, "\n"), broken[i].line);
        assert_int_equal(action_parse(broken[i].line, &a, &at), broken[i].fault);
        assert_null(a.kind);
        assert_true(at <= strlen(broken[i].line));
        assert_non_null(action_fault_text(broken[i].fault));
    }
}

static void
long_is_refused(void **state)
{
    char line[ACTION_LINE_MAX + 16] = "person.do text=";
    struct action a;

    (void)state;
    memset(line + 15, 'x', ACTION_VALUE_MAX);
    assert_int_equal(action_parse(line, &a, NULL), ACTION_OK);
    action_done(&a);
    memset(line + 15, 'x', ACTION_VALUE_MAX + 1);
    assert_int_equal(action_parse(line, &a, NULL), ACTION_VALUE_WRONG);
    memset(line + 15, ' ', sizeof line - 16);
    assert_int_equal(action_parse(line, &a, NULL), ACTION_SYNTAX);
}

static const char *
known(void *arg, const char *name)
{
    (void)arg;
    return strcmp(name, "dir") == 0 ? "C:\\Program Files"
        : strcmp(name, "n") == 0    ? "7"
        : strcmp(name, "evil") == 0 ? "{dir}"
                                    : NULL;
}

static void
variables_are_filled(void **state)
{
    static const struct {
        const char *line, *filled;
        enum action_fault fault;
    } t[] = {
        { "file.exists path={dir}\\a{n}.dll", "file.exists path=\"C:\\Program Files\\a7.dll\"",
            ACTION_OK },
        { "machine.wait seconds={n}", "machine.wait seconds=7", ACTION_OK },
        { "machine.wait seconds={dir}", NULL, ACTION_VALUE_WRONG },
        { "file.exists path={n}", NULL, ACTION_VALUE_WRONG },
        { "file.exists path={evil}", NULL, ACTION_VALUE_WRONG },
        { "file.exists path={other}", NULL, ACTION_VARIABLE_UNKNOWN },
        { "windows.registry.set key=HKLM\\S name=A type=dword data={dir}", NULL,
            ACTION_VALUE_WRONG },
    };

    (void)state;
    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
        struct action a;

        print_message("# %s\n", t[i].line);
        assert_int_equal(action_parse(t[i].line, &a, NULL), ACTION_OK);
        assert_false(action_complete(&a));
        assert_int_equal(action_fill(&a, known, NULL), t[i].fault);
        if (t[i].fault == ACTION_OK) {
            auto_free char *text = action_text(&a);

            assert_string_equal(text, t[i].filled);
            assert_true(action_complete(&a));
        }
        action_done(&a);
    }
}

static void
values_are_set_one_by_one(void **state)
{
    struct action a;
    uint64_t n = 0;

    (void)state;
    action_init(&a, action_find("windows.registry.set"));
    assert_true(action_set(&a, "data", "0x1F"));
    assert_false(action_complete(&a));
    assert_true(action_set(&a, "type", "dword"));
    assert_true(action_set(&a, "name", "Start"));
    assert_int_equal(action_put(&a, "key", "SOFTWARE\\x"), ACTION_VALUE_WRONG);
    assert_int_equal(action_put(&a, "keys", "HKLM\\x"), ACTION_UNKNOWN_PARAM);
    assert_true(action_set(&a, "key", "HKLM\\x"));
    assert_true(action_complete(&a));
    assert_true(action_number(&a, "data", &n));
    assert_int_equal(n, 31);
    assert_false(action_number(&a, "name", &n));
    assert_false(action_number(&a, "nothing", &n));
    assert_string_equal(action_get(&a, "name"), "Start");
    action_done(&a);
    action_done(&a);
}

static void
risks_have_names(void **state)
{
    enum action_risk r = RISK_COUNT;

    (void)state;
    for (int i = 0; i < RISK_COUNT; i++) {
        assert_true(action_risk_parse(action_risk_name((enum action_risk)i), &r));
        assert_int_equal(r, i);
    }
    assert_false(action_risk_parse("all", &r));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_is_sound),
        cmocka_unit_test(text_survives),
        cmocka_unit_test(broken_is_refused),
        cmocka_unit_test(long_is_refused),
        cmocka_unit_test(variables_are_filled),
        cmocka_unit_test(values_are_set_one_by_one),
        cmocka_unit_test(risks_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
