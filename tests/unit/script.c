/* SPDX-License-Identifier: Apache-2.0 */
/* Pre and post scripts: who could have had a hand in them, what they get, when they end. */
#include "check.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "script.h"

static char dir[64], config[96], pre[96], out[96];

static void
put(const char *path, const char *text, mode_t mode)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static void
configure(const char *more)
{
    char text[600];

    (void)snprintf(text, sizeof(text), "{\"preScriptLocation\":\"%s\"%s%s}", pre,
        *more != '\0' ? "," : "", more);
    put(config, text, 0600);
}

static int
fresh(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof(dir), "/tmp/firn-test-XXXXXX");
    if (mkdtemp(dir) == NULL)
        return 1;
    (void)snprintf(config, sizeof(config), "%s/config.json", dir);
    (void)snprintf(pre, sizeof(pre), "%s/pre", dir);
    (void)snprintf(out, sizeof(out), "%s/out", dir);
    configure("");
    put(pre, "#!/bin/sh\nexit 0\n", 0700);
    return setenv("FIRN_SCRIPT_CONFIG", config, 1);
}

static int
cleared(void **state)
{
    char command[128];

    (void)state;
    (void)snprintf(command, sizeof(command), "rm -rf %s", dir);
    return system(command);
}

static void
run_pre(int expected, bool expected_warning)
{
    auto_ptr(scripts) s = NULL;
    bool warned = !expected_warning;

    assert_ok(script_open(&s));
    assert_non_null(s);
    if (expected == 0) {
        assert_ok(script_run_pre(s, &warned));
        assert_int_equal(warned, expected_warning);
    } else {
        assert_fails(script_run_pre(s, &warned), expected);
    }
}

static void
nothing_is_configured(void **state)
{
    struct scripts *s = NULL;

    (void)state;
    assert_int_equal(unlink(config), 0);
    assert_ok(script_open(&s));
    assert_null(s);
}

static void
exit_codes(void **state)
{
    (void)state;
    run_pre(0, false);
    put(pre, "#!/bin/sh\nexit 2\n", 0700);
    run_pre(0, true);
    put(pre, "#!/bin/sh\nexit 1\n", 0700);
    run_pre(E_ScriptFailed, false);
    put(pre, "exit 3\n", 0700);
    run_pre(E_ScriptFailed, false);
}

/* Does the check say that it cannot be started, with these words? */
static void
cannot_start(const char *text, size_t len, const char *words)
{
    FILE *f = fopen(pre, "w");

    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
    struct err *e = script_check();
    assert_int_equal(err_code(e), E_ScriptUnstartable);
    if (strstr(err_message(e), words) == NULL)
        print_error("%s\n", err_message(e));
    assert_non_null(strstr(err_message(e), words));
    assert_non_null(strstr(err_message(e), pre));
    err_free(e);
}

static void
what_the_system_could_not_start(void **state)
{
    static const struct {
        const char *text, *words;
    } bad[] = {
        { "#!/no/such\n", "/no/such is not there" },
        { "#! \t/no/such -x\nexit 0\n", "/no/such is not there" },
        { "#!/no/such", "/no/such is not there" },
        { "#!/etc/passwd\n", "/etc/passwd cannot be executed" },
        { "#!/bin\n", "/bin cannot be executed" },
        { "#!\nexit 0\n", "names no interpreter" },
        { "#!  \nexit 0\n", "names no interpreter" },
        { "#!/bin/sh\r\nexit 0\r\n", "carriage return" },
        { "#!/bin/sh -e\r\nexit 0\r\n", "carriage return" },
        { "#!/usr/bin/env no-such-program\n", "\"no-such-program\"" },
        { "#!/usr/bin/env sh -e\n", "\"sh -e\"" }, /* one word to env */
        { "#!/usr/bin/env -S no-such-program -x\n", "\"no-such-program\"" },
    };
    static const char binary[] = "\xca\xfe\xba\xbe\0\0\0\x34";
    char line[400];

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        cannot_start(bad[i].text, strlen(bad[i].text), bad[i].words);
    cannot_start(binary, sizeof(binary) - 1, "neither a text nor a program");
    memset(line, 'x', sizeof(line));
    memcpy(line, "#!/", 3);
    cannot_start(line, sizeof(line), "longer than the system reads");
}

/* What it lets pass runs, and by whom. */
static void
what_the_system_starts(void **state)
{
    static const char *const good[] = { "", "exit 2\n", "# a remark\nexit 2\n",
        "#!/bin/sh\nexit 2\n", "#! /bin/sh -e\nfalse\n", "#!/usr/bin/env sh\nexit 2\n",
        "#!/usr/bin/env -S sh -e\nexit 2\n" };
    static const int code[] = { 0, 0, 0, 0, E_ScriptFailed, 0, 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        put(pre, good[i], 0700);
        assert_ok(script_check());
        run_pre(code[i], i != 0);
    }
}

/* A program is started by its loader; ours has one that is there. */
static void
what_a_program_needs(void **state)
{
    FILE *f = fopen("/proc/self/exe", "r");
    char *bytes;
    struct stat st;

    (void)state;
    assert_non_null(f);
    assert_int_equal(fstat(fileno(f), &st), 0);
    bytes = malloc((size_t)st.st_size);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, (size_t)st.st_size, f), st.st_size);
    assert_int_equal(fclose(f), 0);
    f = fopen(pre, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, (size_t)st.st_size, f), st.st_size);
    assert_int_equal(fclose(f), 0);
    assert_ok(script_check());
    char *loader = memmem(bytes, (size_t)st.st_size, "/ld-", 4);
    assert_non_null(loader);
    loader[1] = 'X';
    cannot_start(bytes, (size_t)st.st_size, "the loader that it needs");
    free(bytes);
}

/* The shell reads the file that was checked, and gets the same words and surroundings. */
static void
the_shell_gets_what_an_interpreter_gets(void **state)
{
    char text[256], line[128] = "";
    auto_ptr(scripts) s = NULL;
    bool warned;

    (void)state;
    (void)snprintf(text, sizeof(text),
        "echo \"$0 $1 $# $FIRN_SCRIPT\" > %s; read x || exit 2\n", out);
    put(pre, text, 0700);
    configure("\"preScriptParams\":[\"a  b\",\"c\"]");
    assert_ok(script_open(&s));
    assert_int_equal(unlink(pre), 0);
    put(pre, "exit 1\n", 0700);
    assert_ok(script_run_pre(s, &warned));
    assert_true(warned); /* it has nothing to read */
    FILE *f = fopen(out, "r");
    assert_non_null(f);
    assert_non_null(fgets(line, sizeof(line), f));
    assert_int_equal(fclose(f), 0);
    (void)snprintf(text, sizeof(text), "/dev/fd/3 a  b 2 %s\n", pre);
    assert_string_equal(line, text);
}

/* Every failure of a script says whether the backup may go on. */
static void
failures_say_what_the_configuration_says(void **state)
{
    static const struct {
        const char *script, *more, *rule;
        int code;
    } table[] = {
        { "exit 1\n", "", "true", E_ScriptFailed },
        { "exit 1\n", "\"continueBackupOnFailure\":true", "true", E_ScriptFailed },
        { "exit 1\n", "\"continueBackupOnFailure\":false", "false", E_ScriptFailed },
        { "sleep 60\n", "\"continueBackupOnFailure\":false,\"timeoutInSeconds\":1", "false",
            E_ScriptTooSlow },
        { "#!/no/such\n", "\"continueBackupOnFailure\":false", "false", E_ScriptUnstartable },
        { NULL, "\"continueBackupOnFailure\":false", "false", E_ScriptMissing },
        { NULL, "", "true", E_ScriptMissing },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        auto_ptr(scripts) s = NULL;
        bool warned;

        (void)unlink(pre);
        if (table[i].script != NULL)
            put(pre, table[i].script, 0700);
        configure(table[i].more);
        struct err *e = script_open(&s);
        if (e == NULL)
            e = script_run_pre(s, &warned);
        assert_int_equal(err_code(e), table[i].code);
        const struct err_arg *last = err_arg(e, err_nargs(e) - 1);
        assert_string_equal(last->name, "goes_on");
        assert_string_equal(last->str, table[i].rule);
        err_free(e);
    }
}

static void
what_others_could_change(void **state)
{
    static const mode_t bad_script[] = { 0600, 0710, 0701, 0770, 0777, 0740 };
    static const mode_t bad_config[] = { 0640, 0604, 0700, 0660 };
    char link_path[96];

    (void)state;
    for (size_t i = 0; i < sizeof(bad_script) / sizeof(bad_script[0]); i++) {
        assert_int_equal(chmod(pre, bad_script[i]), 0);
        assert_fails(script_check(), E_ScriptOpen);
    }
    assert_int_equal(chmod(pre, 0500), 0);
    assert_ok(script_check());
    for (size_t i = 0; i < sizeof(bad_config) / sizeof(bad_config[0]); i++) {
        assert_int_equal(chmod(config, bad_config[i]), 0);
        assert_fails(script_check(), E_ScriptConfigOpen);
    }
    assert_int_equal(chmod(config, 0400), 0);
    assert_ok(script_check());
    /* a folder above */
    assert_int_equal(chmod(dir, 0720), 0);
    assert_fails(script_check(), E_ScriptConfigOpen);
    assert_int_equal(chmod(dir, 0700), 0);
    /* a second name */
    (void)snprintf(link_path, sizeof(link_path), "%s/second", dir);
    assert_int_equal(link(pre, link_path), 0);
    assert_fails(script_check(), E_ScriptOpen);
    assert_int_equal(unlink(link_path), 0);
    assert_ok(script_check());
}

static void
another_owner(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(chown(pre, 12345, 0), 0);
    assert_fails(script_check(), E_ScriptOpen);
    assert_int_equal(chown(pre, 0, 12345), 0); /* the group has no rights, so it may be any */
    assert_ok(script_check());
    assert_int_equal(chown(dir, 12345, 0), 0);
    assert_fails(script_check(), E_ScriptConfigOpen);
}

static void
links_and_odd_paths(void **state)
{
    char real[96];

    (void)state;
    (void)snprintf(real, sizeof(real), "%s/real", dir);
    assert_int_equal(rename(pre, real), 0);
    assert_fails(script_check(), E_ScriptMissing);
    assert_int_equal(symlink(real, pre), 0);
    assert_fails(script_check(), E_ScriptOpen);
    assert_int_equal(unlink(pre), 0);
    /* a link in the middle */
    (void)snprintf(pre, sizeof(pre), "%s/folder/real", dir);
    (void)snprintf(out, sizeof(out), "%s/folder", dir);
    assert_int_equal(symlink(dir, out), 0);
    configure("");
    assert_fails(script_check(), E_ScriptOpen);
    (void)snprintf(pre, sizeof(pre), "%s/../%s/real", dir, strrchr(dir, '/') + 1);
    configure("");
    assert_fails(script_check(), E_ScriptOpen);
    (void)snprintf(pre, sizeof(pre), "relative");
    configure("");
    assert_fails(script_check(), E_ScriptOpen);
    (void)snprintf(pre, sizeof(pre), "%s", dir);
    configure("");
    assert_fails(script_check(), E_ScriptOpen);
}

/* What runs is what was checked, also when the path leads elsewhere by then. */
static void
the_checked_file_runs(void **state)
{
    auto_ptr(scripts) s = NULL;
    char text[256], line[64] = "";
    bool warned;
    FILE *f;

    (void)state;
    (void)snprintf(text, sizeof(text), "#!/bin/sh\necho \"checked $1 $# $FIRN_SCRIPT\" > %s\n",
        out);
    put(pre, text, 0700);
    configure("\"preScriptParams\":[\"a  b\",\"\"]");
    assert_ok(script_open(&s));
    assert_int_equal(unlink(pre), 0);
    put(pre, "#!/bin/sh\nexit 1\n", 0700);
    assert_ok(script_run_pre(s, &warned));
    f = fopen(out, "r");
    assert_non_null(f);
    assert_non_null(fgets(line, sizeof(line), f));
    assert_int_equal(fclose(f), 0);
    (void)snprintf(text, sizeof(text), "checked a  b 1 %s\n", pre);
    assert_string_equal(line, text);
}

static void
retries_within_its_time(void **state)
{
    char text[256];

    (void)state;
    (void)snprintf(text, sizeof(text),
        "#!/bin/sh\necho x >> %s\n[ $(wc -l < %s) -ge 3 ]\n", out, out);
    put(pre, text, 0700);
    configure("\"preScriptNoOfRetries\":1");
    run_pre(E_ScriptFailed, false);
    assert_int_equal(unlink(out), 0);
    configure("\"preScriptNoOfRetries\":2");
    run_pre(0, false);
}

/* It prints more than a pipe holds, starts another one, and hangs with it. */
static void
it_is_ended_with_all_that_it_started(void **state)
{
    char text[300], byte;

    (void)state;
    assert_int_equal(mkfifo(out, 0600), 0);
    auto_fd int reader = open(out, O_RDONLY | O_NONBLOCK);
    assert_true(reader >= 0);
    (void)snprintf(text, sizeof(text),
        "#!/bin/sh\nexec 9> %s\nhead -c 300000 /dev/zero\necho up >&9\n"
        "sh -c \"trap '' TERM; sleep 60; sleep 60\" &\nsleep 60\n",
        out);
    put(pre, text, 0700);
    configure("\"timeoutInSeconds\":1");
    run_pre(E_ScriptTooSlow, false);
    assert_int_equal(fcntl(reader, F_SETFL, 0), 0);
    /* "up" shows that its output did not hold it; then the end: nobody has the pipe open */
    assert_int_equal(read(reader, &byte, 1), 1);
    while (read(reader, &byte, 1) == 1)
        continue;
}

static void
wrong_configurations(void **state)
{
    static const char *const bad[] = { "", "[]", "{", "{\"timeoutInSeconds\":0}",
        "{\"timeoutInSeconds\":1801}", "{\"timeoutInSeconds\":\"30\"}",
        "{\"preScriptNoOfRetries\":-1}", "{\"preScriptNoOfRetries\":6}",
        "{\"postScriptParams\":{}}", "{\"postScriptParams\":[1]}",
        "{\"continueBackupOnFailure\":1}" };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        put(config, bad[i], 0600);
        assert_fails(script_check(), E_ScriptConfigInvalid);
    }
}

/* Editors that write UTF-16, or a mark before the text: their failure has a repair. */
static void
configurations_of_other_encodings(void **state)
{
    static const char *const bad[] = { "\xff\xfe{", "\xfe\xff", "\xef\xbb\xbf{}" };
    auto_ptr(scripts) s = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        put(config, bad[i], 0600);
        assert_fails(script_check(), E_FreezeConfigEncoding);
    }
    assert_fails(script_parse(config, "{\0}\0", 4, &s), E_FreezeConfigEncoding);
    put(config, "{\"preScriptLocation\":\"/nowhere/\xc3\xa4\"}", 0600);
    assert_fails(script_check(), E_ScriptMissing); /* UTF-8 is none of them */
}

int
main(void)
{
#define SCRIPT_TEST(f) cmocka_unit_test_setup_teardown(f, fresh, cleared)
    const struct CMUnitTest tests[] = {
        SCRIPT_TEST(nothing_is_configured),
        SCRIPT_TEST(exit_codes),
        SCRIPT_TEST(what_the_system_could_not_start),
        SCRIPT_TEST(what_the_system_starts),
        SCRIPT_TEST(what_a_program_needs),
        SCRIPT_TEST(the_shell_gets_what_an_interpreter_gets),
        SCRIPT_TEST(failures_say_what_the_configuration_says),
        SCRIPT_TEST(what_others_could_change),
        SCRIPT_TEST(another_owner),
        SCRIPT_TEST(links_and_odd_paths),
        SCRIPT_TEST(the_checked_file_runs),
        SCRIPT_TEST(retries_within_its_time),
        SCRIPT_TEST(it_is_ended_with_all_that_it_started),
        SCRIPT_TEST(wrong_configurations),
        SCRIPT_TEST(configurations_of_other_encodings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
