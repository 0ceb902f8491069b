/* SPDX-License-Identifier: Apache-2.0 */
/* Errors as values: numbers kept from before the arguments, chains, classes, limits, and
 * what is left of all that when memory is short. */
#include "check.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "auto.h"
#include "err_json.h"

static _Thread_local int calloc_fails;

/* linked with --wrap=calloc */
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);

void *
__wrap_calloc(size_t n, size_t size)
{
    if (calloc_fails > 0) {
        errno = ENOMEM;
        return NULL;
    }
    return __real_calloc(n, size);
}

static const char *
clobber_errno(const char *path)
{
    errno = EBADF;
    return path;
}

static struct err *
no_memory(void)
{
    struct err *e;

    calloc_fails = 1;
    e = fail(InternalError, "never seen");
    calloc_fails = 0;
    return e;
}

static void
errno_is_kept_from_before_the_arguments(void **state)
{
    struct err *e;

    (void)state;
    errno = ENOENT;
    e = fail(FileUnreadable, clobber_errno("/a/b"));
    assert_int_equal(err_code(e), E_FileUnreadable);
    assert_int_equal(err_os_kind(e), OS_ERRNO);
    assert_int_equal(err_os_number(e), ENOENT);
    assert_string_equal(err_message(e), "/a/b cannot be read");
    errno = EAGAIN;
    err_free(e);
    assert_int_equal(errno, EAGAIN);
}

static void
a_stale_errno_does_not_decorate(void **state)
{
    struct err *e;

    (void)state;
    errno = ENOENT;
    e = fail(DeadlinePassed, "x");
    assert_int_equal(err_os_kind(e), OS_NONE);
    err_free(e);
    errno = 0;
    e = fail(FileUnreadable, "x");
    assert_int_equal(err_os_kind(e), OS_NONE);
    e = err_with_os(e, EIO);
    assert_int_equal(err_os_kind(e), OS_ERRNO);
    assert_int_equal(err_os_number(e), EIO);
    err_free(e);
}

static struct err *
inner(void)
{
    return fail(ChildFailed, "qemu-img", 127);
}

static struct err *
outer(void)
{
    TRY(inner());
    return NULL;
}

static void
places_are_noted_on_the_way(void **state)
{
    struct err *e = outer();

    (void)state;
    assert_int_equal(err_nsites(e), 2);
    assert_string_equal(err_site(e, 0)->func, "inner");
    assert_string_equal(err_site(e, 1)->func, "outer");
    for (int i = 0; i < 2 * ERR_MAX_SITES; i++)
        e = err_via(e, "f.c", i, "f");
    assert_int_equal(err_nsites(e), ERR_MAX_SITES);
    assert_int_equal(err_nargs(e), 2);
    assert_string_equal(err_arg(e, 0)->str, "qemu-img");
    assert_null(err_arg(e, 1)->str);
    assert_int_equal(err_arg(e, 1)->num, 127);
    err_free(e);
}

static void
classes_decide(void **state)
{
    struct err *e = err_because(fail(ChildFailed, "x", 1), fail(DeadlinePassed, "y"));

    (void)state;
    assert_true(err_is(e, C_host));
    assert_true(err_is(e, C_host_program));
    assert_true(err_is(e, C_host_resource)); /* the cause */
    assert_false(err_is(e, C_host_io));
    assert_false(err_is(e, C_internal));
    assert_false(err_is(NULL, C_host));
    assert_true(err_has(e, E_DeadlinePassed));
    assert_false(err_has(e, E_UsageWrong));
    assert_string_equal(err_class(e), "host.program");
    assert_int_equal(err_exit_status(e), 1);
    assert_int_equal(err_retry(e), RETRY_AFTER_REPAIR);
    assert_int_equal(err_severity(e), SEVERITY_ERROR);
    e = err_because(e, fail(InternalError, "z"));
    assert_int_equal(err_code(e), E_ChildFailed);
    assert_int_equal(err_exit_status(e), 70); /* a defect anywhere is a defect */
    err_free(e);
    e = fail(UsageWrong, "no");
    assert_int_equal(err_exit_status(e), 2);
    assert_int_equal(err_retry(e), RETRY_NEVER);
    err_free(e);
    assert_int_equal(err_exit_status(NULL), 0);
    assert_int_equal(err_code(NULL), E_NONE);
}

static void
foreign_text_is_made_harmless(void **state)
{
    struct err *e = fail(FileUnreadable, "a\x1b[2J\n\xff\xc2\x9b\xc3\xa4{path}");

    (void)state;
    assert_string_equal(err_message(e),
        "a\\x1b[2J\\x0a\\xff\\xc2\\x9b\xc3\xa4{path} cannot be read");
    assert_string_equal(err_arg(e, 0)->str, "a\x1b[2J\n\xff\xc2\x9b\xc3\xa4{path}");
    err_free(e);
    e = fail(FileUnreadable, NULL);
    assert_string_equal(err_message(e), " cannot be read");
    err_free(e);
}

static void
lengths_are_bounded(void **state)
{
    char *big = malloc(100001);
    struct err *e;

    (void)state;
    assert_non_null(big);
    memset(big, 1, 100000);
    big[100000] = '\0';
    e = fail(InputInvalid, big, big);
    free(big);
    assert_int_equal(strlen(err_arg(e, 0)->str), ERR_MAX_STRING);
    assert_int_equal(strlen(err_arg(e, 1)->str), ERR_MAX_STRING);
    assert_in_range(strlen(err_message(e)), ERR_MAX_STRING, 4 * ERR_MAX_STRING);
    err_free(e);
}

static void
a_long_chain_keeps_both_ends(void **state)
{
    struct err *e = fail(DeadlinePassed, "first");
    size_t n = 0;
    const struct err *last;

    (void)state;
    for (int i = 0; i < 1000; i++)
        e = err_because(fail(InputInvalid, "step", "later"), e);
    e = err_because(fail(UsageWrong, "end"), e);
    for (last = e; err_cause(last) != NULL; last = err_cause(last))
        n++;
    assert_int_equal(n + 1, ERR_MAX_CHAIN);
    assert_int_equal(err_code(e), E_UsageWrong);
    assert_int_equal(err_code(last), E_DeadlinePassed);
    err_free(e);
}

static void
joined_failures_are_bounded_and_freed(void **state)
{
    struct err *e = NULL;
    size_t n = 0;

    (void)state;
    for (int i = 0; i < 1000; i++)
        e = err_also(e, fail(InputInvalid, "a", "b"));
    for (const struct err *a = err_next(e); a != NULL; a = err_next(a))
        n++;
    assert_int_equal(n + 1, ERR_MAX_TREE);
    err_free(e);
    e = NULL;
    for (int i = 0; i < 200; i++) { /* deep by turns: no stack for each level */
        e = err_because(fail(ChildFailed, "x", 1), e);
        e = err_also(fail(DeadlinePassed, "y"), e);
    }
    err_free(e);
    assert_null(err_also(NULL, NULL));
    assert_null(err_because(NULL, NULL));
}

static void
without_memory_there_is_still_a_code(void **state)
{
    struct err *e = no_memory();

    (void)state;
    assert_int_equal(err_code(e), E_OutOfMemory);
    assert_string_equal(err_id(e), "OutOfMemory");
    assert_string_equal(err_class(e), "host.resource");
    assert_true(strlen(err_message(e)) > 0);
    assert_int_equal(err_nargs(e), 0);
    assert_int_equal(err_nsites(e), 0);
    e = err_via(e, "f.c", 1, "f");
    e = err_with_os(e, 5);
    assert_int_equal(err_os_kind(e), OS_NONE);
    e = err_because(e, fail(DeadlinePassed, "x"));
    e = err_also(e, fail(DeadlinePassed, "x"));
    assert_null(err_cause(e));
    assert_null(err_next(e));
    err_free(e);
    err_free(e); /* it is a constant */
}

static void
the_constant_may_stand_in_many_chains(void **state)
{
    struct err *a = err_because(fail(DeadlinePassed, "x"), no_memory());
    struct err *b = err_also(fail(ChildFailed, "x", 1), no_memory());

    (void)state;
    assert_true(err_has(a, E_OutOfMemory));
    a = err_because(a, fail(UsageWrong, "dropped: nothing causes a lack of memory"));
    assert_false(err_has(a, E_UsageWrong));
    b = err_also(b, fail(InputInvalid, "a", "b"));
    b = err_also(b, no_memory());
    b = err_also(b, err_also(fail(InternalError, "c"), no_memory()));
    assert_int_equal(err_code(err_next(b)), E_InputInvalid);
    assert_int_equal(err_code(err_next(err_next(b))), E_InternalError);
    assert_int_equal(err_code(err_next(err_next(err_next(b)))), E_OutOfMemory);
    assert_null(err_next(err_next(err_next(err_next(b)))));
    err_free(a);
    err_free(b);
}

struct lines {
    size_t n;
    char line[8][256];
};

static void
keep_line(void *to, const char *text)
{
    struct lines *l = to;

    assert_in_range(l->n, 0, 7);
    (void)snprintf(l->line[l->n++], sizeof(l->line[0]), "%s", text);
}

static void
printing_says_it_all(void **state)
{
    struct err *e = fail(FileUnreadable, "/x");
    struct lines l = { 0 };

    (void)state;
    e = err_with_os(e, ENOENT);
    e = err_because(fail(ChildFailed, "p", 2), e);
    e = err_also(e, err_because(fail(DeadlinePassed, "d"), no_memory()));
    err_print(e, false, keep_line, &l);
    assert_int_equal(l.n, 4);
    assert_string_equal(l.line[0], "p ended with status 2 (ChildFailed, 7)");
    assert_string_equal(l.line[1], "  also: d took too long (DeadlinePassed, 8)");
    assert_string_equal(l.line[2], "  because: Memory ran out (OutOfMemory, 1)");
    assert_string_equal(l.line[3],
        "because: /x cannot be read (FileUnreadable, 2): No such file or directory");
    l.n = 0;
    err_print(e, true, keep_line, &l);
    assert_int_equal(l.n, 7);
    assert_non_null(strstr(l.line[1], "  at "));
    assert_non_null(strstr(l.line[1], "printing_says_it_all"));
    l.n = 0;
    err_print(NULL, true, keep_line, &l);
    assert_int_equal(l.n, 0);
    err_free(e);
}

static void
json_has_every_part(void **state)
{
    struct err *e = err_with_os(fail(FileUnreadable, "/x\xff"), EIO);
    json_t *j, *cause;
    const char *code, *path, *kind, *message;
    int number, os, n;

    (void)state;
    e = err_because(fail(ChildFailed, "p", 2), e);
    e = err_also(e, fail(DeadlinePassed, "d"));
    j = err_json(e);
    assert_int_equal(0, json_unpack(j,
        "{s:{s:s, s:i, s:s, s:s, s:{s:s, s:i}, s:n, s:o, s:[{}]}}", "error",
        "code", &code, "number", &number, "class", &path, "message", &message,
        "facts", "program", &kind, "exit", &n, "os", "cause", &cause, "also"));
    assert_string_equal(code, "ChildFailed");
    assert_int_equal(number, 7);
    assert_int_equal(n, 2);
    assert_int_equal(0, json_unpack(cause, "{s:s, s:{s:s}, s:{s:s, s:i}, s:n, s:[]}", "code",
        &code, "facts", "path", &path, "os", "kind", &kind, "number", &os, "cause", "also"));
    assert_string_equal(code, "FileUnreadable");
    assert_string_equal(path, "/x\\xff");
    assert_string_equal(kind, "errno");
    assert_int_equal(os, EIO);
    json_decref(j);
    j = err_json_warning(e);
    assert_int_equal(json_object_size(j), 4);
    assert_int_equal(0, json_unpack(j, "{s:s, s:i, s:s, s:{s:s}}", "code", &code, "number",
        &number, "message", &message, "facts", "program", &path));
    json_decref(j);
    err_free(e);
}

static void *
make_many(void *arg)
{
    size_t *wrong = arg;

    for (int i = 0; i < 5000; i++) {
        struct err *e = i % 3 == 0 ? no_memory() : fail(FileUnreadable, "/x");

        e = err_also(err_because(fail(DeadlinePassed, "y"), e), no_memory());
        *wrong += !err_has(e, i % 3 == 0 ? E_OutOfMemory : E_FileUnreadable);
        err_free(e);
    }
    return NULL;
}

static void
threads_share_nothing(void **state)
{
    pthread_t thread[4];
    size_t wrong[4] = { 0 };

    (void)state;
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, make_many, &wrong[i]), 0);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(thread[i], NULL), 0);
        assert_int_equal(wrong[i], 0);
    }
}

/* One sentence has the system's words and the causes, as the printed lines have. */
static void
one_sentence(void **state)
{
    struct err *e = err_with_os(fail(FileUnwritable, "SYSTEM"), ENOSPC);

    (void)state;
    e = err_because(fail(DeadlinePassed, "y"), e);
    auto_free char *first = strdup(err_message(e)), *told = err_sentence(e);
    assert_non_null(first);
    assert_non_null(told);
    assert_memory_equal(told, first, strlen(first));
    assert_string_equal(told + strlen(first),
        "; because: SYSTEM cannot be written: No space left on device");
    err_free(e);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errno_is_kept_from_before_the_arguments),
        cmocka_unit_test(a_stale_errno_does_not_decorate),
        cmocka_unit_test(places_are_noted_on_the_way),
        cmocka_unit_test(one_sentence),
        cmocka_unit_test(classes_decide),
        cmocka_unit_test(foreign_text_is_made_harmless),
        cmocka_unit_test(lengths_are_bounded),
        cmocka_unit_test(a_long_chain_keeps_both_ends),
        cmocka_unit_test(joined_failures_are_bounded_and_freed),
        cmocka_unit_test(without_memory_there_is_still_a_code),
        cmocka_unit_test(the_constant_may_stand_in_many_chains),
        cmocka_unit_test(printing_says_it_all),
        cmocka_unit_test(json_has_every_part),
        cmocka_unit_test(threads_share_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
