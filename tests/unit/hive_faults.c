/* SPDX-License-Identifier: Apache-2.0 */
/* A change to a hive with each call to the system failing, once and from then on, and with a
 * kill at each: the hive's name stands for the old bytes or the new ones, both whole; a change
 * that was reported as done is there; nothing that a killed run left keeps the next from
 * working, also within the same second; a copy of the old one is whole or not there. */
#include "check.h"

#include <fcntl.h>
#include <glob.h>
#include <hivex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hive_file.h"
#include "hive_maker.h"
#include "proc.h"
#include "windows_maker.h"

#define MSISERVER "ControlSet001\\Services\\msiserver"

static struct {
    bool on, from_then_on, kill;
    unsigned nth, calls;
} fault;

static bool
fails(int number)
{
    if (!fault.on)
        return false;
    fault.calls++;
    if (fault.calls != fault.nth && !(fault.from_then_on && fault.calls > fault.nth))
        return false;
    if (fault.kill)
        (void)raise(SIGKILL);
    errno = number;
    return true;
}

#define WRAP(type, name, params, args, bad, number) \
    type __real_##name params; \
    type __wrap_##name params; \
    type __wrap_##name params { return fails(number) ? (bad) : __real_##name args; }

WRAP(void *, malloc, (size_t n), (n), NULL, ENOMEM)
WRAP(void *, calloc, (size_t n, size_t size), (n, size), NULL, ENOMEM)
WRAP(void *, realloc, (void *p, size_t n), (p, n), NULL, ENOMEM)
WRAP(char *, strdup, (const char *s), (s), NULL, ENOMEM)
WRAP(ssize_t, pread64, (int fd, void *p, size_t n, off_t off), (fd, p, n, off), -1, EIO)
WRAP(ssize_t, pwrite64, (int fd, const void *p, size_t n, off_t off), (fd, p, n, off), -1,
    ENOSPC)
WRAP(int, fsync, (int fd), (fd), -1, EIO)
WRAP(int, fchown, (int fd, uid_t u, gid_t g), (fd, u, g), -1, EIO)
WRAP(int, renameat, (int a, const char *b, int c, const char *d), (a, b, c, d), -1, EIO)
WRAP(int, memfd_create, (const char *n, unsigned f), (n, f), -1, EMFILE)
WRAP(int, fstat64, (int fd, struct stat *st), (fd, st), -1, EIO)
WRAP(int, flock, (int fd, int how), (fd, how), -1, ENOLCK)
WRAP(int, hivex_commit, (hive_h *h, const char *to, int flags), (h, to, flags), -1, ENOTSUP)
WRAP(int, hivex_node_set_value,
    (hive_h *h, hive_node_h node, const hive_set_value *v, int flags), (h, node, v, flags), -1,
    EINVAL)

int __real_openat64(int folder, const char *name, int flags, mode_t mode);
int __wrap_openat64(int folder, const char *name, int flags, mode_t mode);

int
__wrap_openat64(int folder, const char *name, int flags, mode_t mode)
{
    return fails(EACCES) ? -1 : __real_openat64(folder, name, flags, mode);
}

struct disk {
    char folder[64], file[80];
    int fd;
    uint8_t *old;
    size_t len;
};

static void
put(const char *path, const void *bytes, size_t len)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

static void
reset(struct disk *d)
{
    char log[100];

    put(d->file, d->old, d->len);
    for (int i = 1; i <= 2; i++) {
        (void)snprintf(log, sizeof log, "%s.LOG%d", d->file, i);
        put(log, "log", 3);
    }
}

/* Each log that was copied has its hive beside it. */
static void
copies_are_whole(const struct disk *d)
{
    char pattern[100];
    glob_t g;

    (void)snprintf(pattern, sizeof pattern, "%s/SYSTEM.firn-*.LOG*", d->folder);
    if (glob(pattern, 0, NULL, &g) == GLOB_NOMATCH)
        return;
    for (size_t i = 0; i < g.gl_pathc; i++) {
        *strstr(g.gl_pathv[i], ".LOG") = '\0';
        assert_int_equal(access(g.gl_pathv[i], F_OK), 0);
    }
    globfree(&g);
}

static int
begin(void **state)
{
    struct disk *d = calloc(1, sizeof *d);
    unsigned line;

    if (d == NULL)
        return 1;
    (void)snprintf(d->folder, sizeof d->folder, "/tmp/firn-hive.XXXXXX");
    assert_non_null(mkdtemp(d->folder));
    (void)snprintf(d->file, sizeof d->file, "%s/SYSTEM", d->folder);
    d->fd = open(d->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(d->fd >= 0);
    assert_true(hive_make(windows_system_text(WINDOWS_BROKEN), "SYSTEM", &d->old, &d->len,
        &line));
    *state = d;
    return 0;
}

static int
end(void **state)
{
    struct disk *d = *state;
    const char *const rm[] = { "rm", "-rf", d->folder, NULL };
    int status;

    assert_ok(proc_run(rm, deadline_in_ms(10000), &status, NULL));
    (void)close(d->fd);
    free(d->old);
    free(d);
    return 0;
}

static struct err *
change(const struct disk *d)
{
    static uint8_t three[4] = { 3 };
    struct hive_edit e = { HIVE_SET, MSISERVER, "Start", { TARGET_REG_DWORD, three, 4 } };
    auto_ptr(hive_file) f = NULL;

    TRY(hive_file_open(d->fd, "SYSTEM", d->file, &f));
    TRY(hive_file_edit(f, &e, 1));
    return NULL;
}

/* What the name stands for: 4, or 3 with nothing else changed (hive_edit has proved that). */
static uint32_t
start_now(const struct disk *d)
{
    auto_ptr(hive_file) f = NULL;
    uint32_t number = 0;

    assert_ok(hive_file_open(d->fd, "SYSTEM", d->file, &f));
    assert_true(regf_find_dword(hive_file_regf(f), MSISERVER, "Start", &number));
    assert_true(number == 3 || number == 4);
    return number;
}

static void
sweep(struct disk *d)
{
    const char *const clean[] = { "find", d->folder, "-name", "SYSTEM.*", "-delete", NULL };
    int status;

    assert_ok(proc_run(clean, deadline_in_ms(10000), &status, NULL));
}

static bool library_refused; /* a failure of libhivex was told by its code */

/* Returns how many calls there are. */
static unsigned
fail_each(struct disk *d, bool from_then_on)
{
    for (unsigned n = 1;; n++) {
        struct err *e;
        uint32_t now;

        reset(d);
        memset(&fault, 0, sizeof fault);
        fault.nth = n;
        fault.from_then_on = from_then_on;
        fault.on = true;
        e = change(d);
        fault.on = false;
        now = start_now(d);
        if (e == NULL)
            assert_int_equal(now, 3);
        else
            assert_int_not_equal(err_code(e), E_InternalError);
        copies_are_whole(d);
        library_refused |= err_has(e, E_HiveEditFailed);
        err_free(e);
        sweep(d);
        if (fault.calls < n)
            return n - 1;
    }
}

static void
test_fail_once(void **state)
{
    unsigned calls = fail_each(*state, false);

    print_message("# %u calls, each failed\n", calls);
    assert_true(calls > 40);
    assert_true(library_refused);
}

static void
test_fail_from_then_on(void **state)
{
    assert_true(fail_each(*state, true) > 40);
}

static void
test_kill(void **state)
{
    struct disk *d = *state;
    unsigned old = 0, new = 0;

    for (unsigned n = 1;; n++) {
        int status;
        pid_t child;

        reset(d);
        memset(&fault, 0, sizeof fault);
        fault.nth = n;
        fault.kill = true;
        child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            fault.on = true;
            _exit(change(d) == NULL ? 0 : 1);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        if (start_now(d) == 3)
            new++;
        else
            old++;
        if (WIFEXITED(status)) {
            assert_int_equal(WEXITSTATUS(status), 0);
            break;
        }
        assert_int_equal(WTERMSIG(status), SIGKILL);
        /* what it left is in nobody's way */
        assert_ok(change(d));
        assert_int_equal(start_now(d), 3);
        sweep(d);
    }
    print_message("# %u kills left the old hive, %u the new one\n", old, new);
    assert_true(old > 30 && new > 3);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_fail_once, begin, end),
        cmocka_unit_test_setup_teardown(test_fail_from_then_on, begin, end),
        cmocka_unit_test_setup_teardown(test_kill, begin, end),
    };

    return cmocka_run_group_tests_name("hive_faults", tests, NULL, NULL);
}
