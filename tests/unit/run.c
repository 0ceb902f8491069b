/* SPDX-License-Identifier: Apache-2.0 */
/* Children of the extension: their output, their end, talking with them. */
#include "check.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "run.h"

static struct run *
started(const struct run_options *o)
{
    struct run *r = NULL;

    assert_ok(run_start(o, &r));
    return r;
}

static struct run *
shell(const char *script)
{
    const char *arguments[] = { "-c", script, NULL };

    return started(&(struct run_options){ .program = "/bin/sh", .arguments = arguments });
}

static uint32_t
exit_of(struct run *r)
{
    uint32_t status = 0;
    bool ended;

    assert_ok(run_wait(r, deadline_in_ms(20000), &ended, &status));
    assert_true(ended);
    return status;
}

static void
both_outputs_are_one(void **state)
{
    auto_ptr(run) r = shell("echo out; echo err >&2; cat; exit 7");

    (void)state;
    assert_int_equal(exit_of(r), 7);
    assert_string_equal(run_output(r), "out\nerr\n");
}

static void
all_of_much_output_is_read(void **state)
{
    auto_ptr(run) r = shell("head -c 1000000 /dev/zero | tr '\\0' x && exit 3");

    (void)state;
    assert_int_equal(exit_of(r), 3);
    assert_int_equal(strlen(run_output(r)), RUN_OUTPUT_MAX);
}

static void
a_service_that_it_leaves_does_not_hold_us(void **state)
{
    auto_ptr(run) r = shell("sleep 20 & echo $!");
    struct deadline by = deadline_in_ms(15000);
    int number = 0;

    (void)state;
    assert_int_equal(exit_of(r), 0);
    assert_false(deadline_passed(by));
    assert_int_equal(sscanf(run_output(r), "%d", &number), 1);
    assert_int_equal(kill(number, 0), 0); /* it lives on */
    assert_int_equal(kill(number, SIGKILL), 0);
}

static void
environment_and_folder(void **state)
{
    const char *env[] = { "FIRN_TEST=a b", "PATH=/bin:/usr/bin", NULL };
    const char *arguments[] = { "-c", "echo $FIRN_TEST; pwd; echo $PATH", NULL };
    auto_ptr(run) r = started(&(struct run_options){ .program = "/bin/sh",
        .arguments = arguments, .env = env, .folder = "/usr" });

    (void)state;
    assert_int_equal(exit_of(r), 0);
    assert_string_equal(run_output(r), "a b\n/usr\n/bin:/usr/bin\n");
}

static void
talking(void **state)
{
    const char *script = "while read l; do echo \"[$l]\"; echo x >&2; done";
    const char *arguments[] = { "-c", script, NULL };
    auto_ptr(run) r = started(&(struct run_options){ .program = "/bin/sh",
        .arguments = arguments, .talk = true });
    auto_free char *one = NULL, *two = NULL, *none = NULL;

    (void)state;
    assert_ok(run_tell(r, "a"));
    assert_ok(run_line(r, deadline_in_ms(20000), &one));
    assert_string_equal(one, "[a]");
    assert_ok(run_tell(r, "b c"));
    assert_ok(run_line(r, deadline_in_ms(20000), &two));
    assert_string_equal(two, "[b c]");
    assert_ok(run_line(r, deadline_in_ms(1), &none));
    assert_null(none);
}

static void
what_cannot_start(void **state)
{
    struct run *r = NULL;
    struct err *e = run_start(&(struct run_options){ .program = "/tmp/firn-none" }, &r);

    (void)state;
    assert_int_equal(err_code(e), E_ChildFailed);
    err_free(e);
    assert_null(r);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_outputs_are_one),
        cmocka_unit_test(all_of_much_output_is_read),
        cmocka_unit_test(a_service_that_it_leaves_does_not_hold_us),
        cmocka_unit_test(environment_and_folder),
        cmocka_unit_test(talking),
        cmocka_unit_test(what_cannot_start),
    };

    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
