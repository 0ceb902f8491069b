/* SPDX-License-Identifier: Apache-2.0 */
/* Workers: tasks and their failures, and those that give way to other threads. */
#include "check.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "codes.h"
#include "pool.h"

enum { TASKS = 50, WORKERS = 3, NOBODY = 65534, LESS_THAN_IT_HAS = 1 << 20 };

struct seen {
    struct pool_task task;
    unsigned worker;
    int nice;
};

static struct err *
look(struct pool_task *t, unsigned worker)
{
    struct seen *s = (struct seen *)t;

    s->worker = worker;
    s->nice = getpriority(PRIO_PROCESS, (id_t)gettid());
    return (t->arg != NULL) ? fail(OutOfMemory) : NULL;
}

static void
run_tasks(struct pool *p, int nice)
{
    struct seen s[TASKS] = { 0 };

    assert_int_equal(pool_workers(p), WORKERS);
    for (int i = 0; i < TASKS; i++) {
        s[i].task.run = look;
        s[i].task.arg = i % 7 == 0 ? p : NULL;
        pool_submit(p, &s[i].task);
    }
    for (int i = 0; i < TASKS; i++) {
        struct err *e = pool_wait(p, &s[i].task);

        assert_int_equal(err_code(e), i % 7 == 0 ? E_OutOfMemory : 0);
        err_free(e);
        assert_true(s[i].worker < WORKERS);
        assert_int_equal(s[i].nice, nice);
    }
}

static void
workers_are_as_the_process(void **state)
{
    int nice = getpriority(PRIO_PROCESS, 0);
    auto_ptr(pool) p = NULL;

    (void)state;
    assert_ok(pool_new(WORKERS, &p));
    run_tasks(p, nice);
}

static void
gentle_workers_give_way_and_nobody_else(void **state)
{
    int nice = getpriority(PRIO_PROCESS, 0), theirs = nice + POOL_GENTLE;
    auto_ptr(pool) p = NULL;

    (void)state;
    assert_ok(pool_new_gentle(WORKERS, &p));
    run_tasks(p, theirs < 19 ? theirs : 19);
    assert_int_equal(getpriority(PRIO_PROCESS, (id_t)gettid()), nice);
}

#if !defined(HAS_ASAN) && !defined(HAS_TSAN)
/* What a child that wants more threads than it may have gets for it. */
static int
refused_in_child(bool threads, rlim_t most)
{
    const struct rlimit low = { most, most };
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        struct pool *p = NULL;

        if (setrlimit(threads ? RLIMIT_NPROC : RLIMIT_AS, &low) != 0)
            _exit(0);
        if (threads && getuid() == 0 && setuid(NOBODY) != 0)
            _exit(0); /* root has no such limit */
        _exit(err_code(pool_new(WORKERS, &p)));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}
#endif

/* pthread_create calls both the same. */
static void
memory_and_a_limit_are_told_apart(void **state)
{
    (void)state;
#if defined(HAS_ASAN) || defined(HAS_TSAN)
    skip(); /* address space cannot be limited under it */
#else
    assert_int_equal(refused_in_child(false, LESS_THAN_IT_HAS), E_OutOfMemory);
    assert_int_equal(refused_in_child(true, 1), E_SystemCallFailed);
#endif
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_and_a_limit_are_told_apart), /* before stacks are kept */
        cmocka_unit_test(workers_are_as_the_process),
        cmocka_unit_test(gentle_workers_give_way_and_nobody_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
