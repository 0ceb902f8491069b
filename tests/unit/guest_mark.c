/* SPDX-License-Identifier: Apache-2.0 */
/* Markers of guests that may be frozen: which are acted on, and that nothing that lies in
 * their folder does harm. */
#include "check.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake_agent.h"
#include "guest_mark.h"
#include "pattern.h"

enum { LONG_MS = 60000 };

struct fixture {
    struct fake_agent agent;
    char socket[200], folder[200];
    int warnings, last;
};

static void
take_warning(void *arg, struct err *warning)
{
    struct fixture *f = arg;

    f->warnings++;
    f->last = err_code(warning);
    err_free(warning);
}

static int
set_up(void **state)
{
    static struct fixture f;
    char *path = NULL;

    memset(&f, 0, sizeof(f));
    snprintf(f.socket, sizeof(f.socket), "%s", pattern_path("agent"));
    snprintf(f.folder, sizeof(f.folder), "%s", pattern_path("state/firn/frozen"));
    assert_ok(guest_mark_path(&path)); /* makes the folder */
    assert_memory_equal(path, f.folder, strlen(f.folder));
    free(path);
    fake_agent_start(&f.agent, f.socket);
    *state = &f;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;

    fake_agent_stop(&f->agent);
    pattern_remove(f->folder);
    return 0;
}

static unsigned
markers(const struct fixture *f)
{
    DIR *d = opendir(f->folder);
    const struct dirent *e;
    unsigned n = 0;

    while (d != NULL && (e = readdir(d)) != NULL)
        n += e->d_name[0] != '.';
    if (d != NULL)
        closedir(d);
    return n;
}

static void
put(const struct fixture *f, const char *name, const char *text)
{
    char path[300];

    snprintf(path, sizeof(path), "%s/%s", f->folder, name);
    FILE *to = fopen(path, "w");
    assert_non_null(to);
    assert_true(fputs(text, to) >= 0);
    fclose(to);
}

/* A marker with these owners and this boot. */
static void
put_marker(const struct fixture *f, const char *socket, const char *boot, const char *firn,
    const char *guard)
{
    char text[2048];

    snprintf(text, sizeof(text),
        "{\"schema\": 1, \"socket\": \"%s\", \"machine\": \"web1\", \"boot\": \"%s\", "
        "\"deadline\": 1, \"firn\": %s, \"guard\": %s}",
        socket, boot, firn, guard);
    put(f, "1-1.frozen", text);
}

static void
of_another_boot(void **state)
{
    struct fixture *f = *state;

    f->agent.s->frozen = 2;
    put_marker(f, f->socket, "another", "{}", "{}");
    guest_mark_thaw_stale(take_warning, f);
    assert_int_equal(f->agent.s->frozen, 0);
    assert_int_equal(f->last, E_GuestThawedLate);
    assert_int_equal(markers(f), 0);
    guest_mark_thaw_stale(take_warning, f);
    assert_int_equal(f->warnings, 1);
}

static void
of_a_guest_that_is_thawed(void **state)
{
    struct fixture *f = *state;

    put_marker(f, f->socket, "another", "{}", "{}");
    guest_mark_thaw_stale(take_warning, f);
    assert_int_equal(f->warnings, 0);
    assert_int_equal(markers(f), 0);
}

static void
of_a_machine_that_is_off(void **state)
{
    struct fixture *f = *state;

    put_marker(f, pattern_path("nobody"), "another", "{}", "{}");
    guest_mark_thaw_stale(take_warning, f);
    assert_int_equal(f->warnings, 0);
    assert_int_equal(markers(f), 0);
}

/* Its owners are at work: this process stands for them. */
static void
of_a_window_that_is_open(void **state)
{
    struct fixture *f = *state;
    const struct guest_mark m = { .socket = f->socket, .machine = "web1",
        .by = deadline_in_ms(LONG_MS), .firn = getpid(), .guard = getpid() };
    char *path = NULL;

    f->agent.s->frozen = 2;
    assert_ok(guest_mark_path(&path));
    assert_ok(guest_mark_write(path, &m));
    assert_true(guest_mark_stands(path));
    guest_mark_thaw_stale(take_warning, f);
    assert_int_equal(f->agent.s->frozen, 2);
    assert_int_equal(f->agent.s->client, 0); /* it was not even asked */
    assert_true(guest_mark_stands(path));
    assert_ok(guest_mark_remove(path));
    assert_ok(guest_mark_remove(path));
    assert_false(guest_mark_stands(path));
    free(path);
}

/* The process number was given to another process since: to this one, which must live. */
static void
of_processes_that_are_others_now(void **state)
{
    struct fixture *f = *state;
    char boot[64] = "", owner[80];
    FILE *id = fopen("/proc/sys/kernel/random/boot_id", "r");

    assert_non_null(id);
    assert_non_null(fgets(boot, sizeof(boot), id));
    fclose(id);
    boot[strcspn(boot, "\n")] = '\0';
    snprintf(owner, sizeof(owner), "{\"pid\": %d, \"start\": 1}", (int)getpid());
    f->agent.s->frozen = 1;
    put_marker(f, f->socket, boot, owner, owner);
    guest_mark_thaw_stale(take_warning, f);
    assert_int_equal(f->agent.s->frozen, 0);
    assert_int_equal(f->last, E_GuestThawedLate);
}

static void
what_cannot_be_thawed_stays(void **state)
{
    struct fixture *f = *state;

    f->agent.s->frozen = 1;
    fake_agent_odd(&f->agent, "fsfreeze-thaw", ODD_REFUSE, INT32_MAX);
    put_marker(f, f->socket, "another", "{}", "{}");
    guest_mark_thaw_stale(take_warning, f);
    assert_int_equal(f->last, E_GuestLeftFrozen);
    assert_int_equal(markers(f), 1);
    /* its name must not grow from call to call */
    DIR *d = opendir(f->folder);
    for (const struct dirent *e = readdir(d); e != NULL; e = readdir(d))
        assert_true(strlen(e->d_name) < 48);
    closedir(d);
    f->agent.s->odd_times = 0;
    guest_mark_thaw_stale(take_warning, f);
    /* which of the two calls' requests did it is not certain */
    assert_int_equal(f->agent.s->frozen, 0);
    assert_int_equal(markers(f), 0);
}

/* None of these is a marker; all of them stay, since they are not ours. */
static void
what_is_no_marker(void **state)
{
    static const char *const odd[] = { "", "{", "{}", "[]", "7", "{\"socket\": \"/x\"}",
        "{\"socket\": 1, \"machine\": 2, \"boot\": 3}",
        "{\"boot\": \"x\", \"socket\": null, \"machine\": \"web1\"}" };
    struct fixture *f = *state;
    static char large[GUEST_MARK_FILE_MAX * 2];
    char name[40], path[300];

    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        snprintf(name, sizeof(name), "odd%zu.frozen", i);
        put(f, name, odd[i]);
    }
    memset(large, '[', sizeof(large) - 1);
    put(f, "large.frozen", large);
    put(f, ".frozen", "{}");
    put(f, "frozen", "{}");
    snprintf(path, sizeof(path), "%s/folder.frozen", f->folder);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof(path), "%s/link.frozen", f->folder);
    assert_int_equal(symlink("/dev/zero", path), 0);
    unsigned n = markers(f);
    guest_mark_thaw_stale(take_warning, f);
    assert_int_equal(markers(f), n);
    assert_int_equal(f->agent.s->client, 0);
    assert_int_equal(f->warnings, 2); /* the folder and the link cannot be read */
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        T(of_another_boot),
        T(of_a_guest_that_is_thawed),
        T(of_a_machine_that_is_off),
        T(of_a_window_that_is_open),
        T(of_processes_that_are_others_now),
        T(what_cannot_be_thawed_stays),
        T(what_is_no_marker),
    };

    setenv("XDG_STATE_HOME", pattern_path("state"), 1);
    return cmocka_run_group_tests_name("guest_mark", tests, NULL, NULL);
}
