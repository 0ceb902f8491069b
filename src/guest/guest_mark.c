/* SPDX-License-Identifier: Apache-2.0 */
/* guest_mark.c -- one JSON document for each window.
 *
 * Who made it is known by process number and start time (two processes never have both alike
 * in one boot) and by the boot id of this host.  A stopped guard still has the agent's only
 * connection, so it is killed before anything else: by a pidfd that was opened before its
 * start time was compared, so that it can be nobody else. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "codes.h"
#include "json_read.h"
#include "guest_mark.h"
#include "number.h"
#include "qga.h"
#include "state.h"
#include "thaw.h"
#include "write_all.h"

enum { BOOT_ID_MAX = 64, STAT_MAX = 1024, START_FIELD = 22, DEPTH_MAX = 4, VALUES_MAX = 64 };

static const char SUFFIX[] = ".frozen";

/* ---- processes ---- */

static bool
read_small(const char *path, char *to, size_t room)
{
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, to, room - 1);

    to[n > 0 ? n : 0] = '\0';
    return n > 0;
}

static void
boot_id(char to[BOOT_ID_MAX])
{
    if (!read_small("/proc/sys/kernel/random/boot_id", to, BOOT_ID_MAX))
        snprintf(to, BOOT_ID_MAX, "unknown");
    to[strcspn(to, "\n")] = '\0';
}

/* The start time of a process in ticks since the boot, and its state; 0: there is none. */
static uint64_t
started(int pid, char *ret_state)
{
    char path[64], text[STAT_MAX], *at;
    uint64_t start = 0;

    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    if (!read_small(path, text, sizeof(text)) || (at = strrchr(text, ')')) == NULL)
        return 0;
    *ret_state = at[1] == ' ' ? at[2] : '?';
    at += 2; /* field 3 begins here */
    for (int field = 3; field < START_FIELD && at != NULL; field++)
        at = (at = strchr(at, ' ')) == NULL ? NULL : at + 1;
    if (at == NULL)
        return 0;
    at[strcspn(at, " \n")] = '\0';
    return number_parse(at, &start) ? start : 0;
}

/* ---- writing ---- */

static struct err *
folder(char **ret)
{
    auto_free char *state = NULL, *path = NULL;

    TRY(state_folder(&state));
    if (asprintf(&path, "%s/frozen", state) < 0)
        return fail(OutOfMemory);
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return fail(FileUnwritable, path);
    *ret = take(path);
    return NULL;
}

static struct err *
sync_folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    auto_free char *name = strndup(path, (size_t)(slash - path));

    if (name == NULL)
        return fail(OutOfMemory);
    auto_fd int fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0)
        return fail(FileUnwritable, name);
    return NULL;
}

/* A name that nobody has, in the folder of ${len} bytes. */
static struct err *
name_in(const char *folder_name, size_t len, char **ret)
{
    char *path;

    if (asprintf(&path, "%.*s/%d-%lld%s", (int)len, folder_name, (int)getpid(),
            (long long)clock_mono_ns(), SUFFIX) < 0)
        return fail(OutOfMemory);
    *ret = path;
    return NULL;
}

struct err *
guest_mark_path(char **ret)
{
    auto_free char *in = NULL;

    TRY(folder(&in));
    return name_in(in, strlen(in), ret);
}

static struct err *
owner_json(int pid, json_t **ret)
{
    char state;

    return json_build("a process", ret, "{s:i, s:I}", "pid", pid, "start",
        (json_int_t)started(pid, &state));
}

/* Under another name first: a marker that can be seen is whole. */
static struct err *
write_whole(const char *path, const char *text, size_t len)
{
    auto_free char *fresh = NULL;

    if (asprintf(&fresh, "%s.new", path) < 0)
        return fail(OutOfMemory);
    auto_fd int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || !write_all(fd, text, len) || fsync(fd) != 0 ||
        rename(fresh, path) != 0) {
        struct err *e = fail(FileUnwritable, path);
        (void)unlink(fresh);
        return e;
    }
    return sync_folder_of(path);
}

struct err *
guest_mark_write(const char *path, const struct guest_mark *m)
{
    json_auto_t *firn = NULL, *guard = NULL, *doc = NULL;
    char boot[BOOT_ID_MAX];

    boot_id(boot);
    TRY(owner_json(m->firn, &firn));
    TRY(owner_json(m->guard, &guard));
    TRY(json_build(m->machine, &doc, "{s:i, s:s, s:s, s:s?, s:s, s:I, s:O, s:O}", "schema",
        1, "socket", m->socket, "machine", m->machine, "helper", m->helper, "boot", boot,
        "deadline", (json_int_t)m->by.at_ns, "firn", firn, "guard", guard));
    auto_free char *text = json_dumps(doc, JSON_INDENT(1));
    if (text == NULL)
        return fail(OutOfMemory);
    return write_whole(path, text, strlen(text));
}

bool
guest_mark_stands(const char *path)
{
    return access(path, F_OK) == 0;
}

struct err *
guest_mark_remove(const char *path)
{
    if (unlink(path) != 0 && errno != ENOENT)
        return fail(FileUnwritable, path);
    return sync_folder_of(path);
}

/* ---- reading ---- */

struct owner {
    int pid;
    uint64_t start;
};

static bool
read_owner(const json_t *o, struct owner *ret)
{
    const json_t *pid = json_object_get(o, "pid"), *start = json_object_get(o, "start");

    if (!json_is_integer(pid) || !json_is_integer(start) || json_integer_value(pid) <= 1 ||
        json_integer_value(pid) > INT32_MAX || json_integer_value(start) <= 0)
        return false;
    ret->pid = (int)json_integer_value(pid);
    ret->start = (uint64_t)json_integer_value(start);
    return true;
}

/* Can it still thaw?  Not when it is dead, or stopped. */
static bool
is_able(const json_t *o)
{
    struct owner w;
    char state;

    if (!read_owner(o, &w) || started(w.pid, &state) != w.start)
        return false;
    return strchr("TtZX", state) == NULL;
}

static void
kill_owner(const json_t *o)
{
    struct owner w;
    char state;

    if (!read_owner(o, &w))
        return;
    auto_fd int fd = (int)syscall(SYS_pidfd_open, w.pid, 0U);
    if (fd >= 0 && started(w.pid, &state) == w.start)
        (void)syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0U);
}

static bool
is_stale(const json_t *doc)
{
    const char *boot = json_string_value(json_object_get(doc, "boot"));
    struct deadline over = { json_integer_value(json_object_get(doc, "deadline")) };
    char now[BOOT_ID_MAX];

    boot_id(now);
    if (boot == NULL || strcmp(boot, now) != 0)
        return true;
    if (over.at_ns < INT64_MAX - GUEST_MARK_OVER_MS * CLOCK_MS)
        over.at_ns += GUEST_MARK_OVER_MS * CLOCK_MS;
    return deadline_passed(over) || (!is_able(json_object_get(doc, "firn")) &&
                                        !is_able(json_object_get(doc, "guard")));
}

static struct err *
read_marker(const char *path, json_t **ret)
{
    const struct json_limits limits = { GUEST_MARK_FILE_MAX, DEPTH_MAX, VALUES_MAX };
    char text[GUEST_MARK_FILE_MAX + 1], why[JSON_WHY_MAX];
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));

    *ret = NULL;
    if (fd < 0 && errno == ENOENT)
        return NULL; /* its window has just ended */
    if (n < 0)
        return fail(FileUnreadable, path);
    TRY(json_read((struct view){ (const uint8_t *)text, (size_t)n }, &limits, why, ret));
    return NULL;
}

/* ---- thawing ---- */

/* The machine is off: what was in its memory is gone. */
static bool
is_off(const struct err *e)
{
    for (; e != NULL; e = err_cause(e))
        if (err_os_kind(e) == OS_ERRNO &&
            (err_os_number(e) == ECONNREFUSED || err_os_number(e) == ENOENT))
            return true;
    return false;
}

/* *ret_n is how many file systems were still frozen. */
static struct err *
thaw_marked(const char *path, const struct thaw_guest *g, unsigned *ret_n)
{
    struct deadline by = deadline_in_ms(GUEST_MARK_THAW_MS);
    auto_ptr(qga) agent = NULL;
    struct thawed t = { 0 };

    struct err *e = qga_open(g->socket, g->name,
        deadline_first(by, deadline_in_ms(GUEST_MARK_THAW_MS / 2)), &agent);
    if (e != NULL && is_off(e)) {
        err_free(e);
        return guest_mark_remove(path);
    }
    err_free(e); /* it may answer later */
    TRY(thaw_guest(g, by, NULL, NULL, &agent, &t));
    *ret_n = t.n;
    return guest_mark_remove(path);
}

/* Under a name of ours: then no other call thaws it too, and whoever made it and is continued
 * sees that it is gone (before the guest goes on).  Should we die, the next call finds it. */
static struct err *
claim(const char *path, char **ret)
{
    auto_free char *own = NULL;

    TRY(name_in(path, (size_t)(strrchr(path, '/') - path), &own));
    if (rename(path, own) != 0)
        return fail(FileUnwritable, path);
    *ret = take(own);
    return NULL;
}

static struct err *
rescue(const char *path, const struct thaw_guest *g, unsigned *ret_n)
{
    auto_free char *own = NULL;

    TRY(claim(path, &own));
    return thaw_marked(own, g, ret_n);
}

static void
deal_with(const char *path, void (*warn)(void *arg, struct err *warning), void *arg)
{
    json_auto_t *doc = NULL;
    unsigned n = 0;

    struct err *e = read_marker(path, &doc);
    if (e != NULL) {
        warn(arg, e);
        return;
    }
    if (doc == NULL || !is_stale(doc))
        return;
    const struct thaw_guest g = {
        .socket = json_string_value(json_object_get(doc, "socket")),
        .name = json_string_value(json_object_get(doc, "machine")),
        .helper = json_string_value(json_object_get(doc, "helper")) };
    if (g.socket == NULL || g.name == NULL)
        return; /* none of ours */
    kill_owner(json_object_get(doc, "guard"));
    e = rescue(path, &g, &n);
    if (e != NULL)
        warn(arg, e);
    else if (n > 0)
        warn(arg, fail(GuestThawedLate, g.name, (int64_t)n));
}

static bool
is_marker(const char *name)
{
    size_t len = strlen(name);

    return len > strlen(SUFFIX) && strcmp(name + len - strlen(SUFFIX), SUFFIX) == 0;
}

void
guest_mark_thaw_stale(void (*warn)(void *arg, struct err *warning), void *arg)
{
    auto_free char *state = NULL, *in = NULL;
    const struct dirent *d;
    int n = 0;

    struct err *e = state_folder_find(&state);
    if (e != NULL || state == NULL || asprintf(&in, "%s/frozen", state) < 0) {
        err_free(e); /* whoever needs the folder will say so */
        return;
    }
    DIR *dir = opendir(in);
    while (dir != NULL && n < GUEST_MARK_COUNT_MAX && (d = readdir(dir)) != NULL) {
        auto_free char *path = NULL;

        if (!is_marker(d->d_name) || asprintf(&path, "%s/%s", in, d->d_name) < 0)
            continue;
        deal_with(path, warn, arg);
        n++;
    }
    if (dir != NULL)
        (void)closedir(dir);
}
