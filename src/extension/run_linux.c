/* SPDX-License-Identifier: Apache-2.0 */
/* run.h over proc.h, with a pipe for the output.
 *
 * The watcher is forked twice, so that it is nobody's child, in a session of its own.  It
 * holds the reading end of a pipe whose writing end nobody but the extension has: the pipe
 * ends with the extension, however it ended.  While it has not ended its process number is
 * its own, so the watcher may kill by it.  Through the pipe the watcher also learns which
 * groups of children there are, and ends those that the extension left behind: the kernel
 * ends only the first process of each with the extension. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "codes.h"
#include "number.h"
#include "proc.h"
#include "run.h"
#include "text.h"

enum {
    STATUS_UNKNOWN = 255, /* of a child that is another's */
    STEP_MS = 5,      /* where the kernel cannot tell of a child's end */
    FD_WATCHED = 3,   /* the watcher's end of the pipe */
    GROUPS_MAX = 16,  /* of children at one time; the extension has far fewer */
    LEFTOVER_MS = 200 /* for output that is still on its way when a child has ended */
};

struct run {
    struct proc *proc;
    int in, out; /* -1: closed */
    struct text kept;
    size_t line_at; /* where the next line begins */
    bool ended, told; /* told: the watcher was, of its beginning */
    int status;
    pid_t parent; /* only that one can wait for it, and no copy of it, as a watchdog is */
};

static int to_watcher = -1; /* for as long as this process lives: that is its purpose */

/* ${number} > 0: that group has begun; < 0: it has ended. */
static void
tell_watcher(int32_t number)
{
    /* a watcher that is gone cannot be told, and the pipe is never full of so few numbers */
    if (to_watcher >= 0 && number != 0)
        (void)!write(to_watcher, &number, sizeof(number));
}

static struct err *
make_pipe(int *ret_read, int *ret_write)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) != 0)
        return fail_call("pipe2");
    *ret_read = ends[0];
    *ret_write = ends[1];
    return NULL;
}

static struct err *
start(struct run *r, const struct run_options *o, const char *const argv[])
{
    struct proc_options po = { .program_fd = o->program_fd, .given_fd = o->given_fd,
        .folder = o->folder, .env = o->env, .survives = o->survives };
    auto_fd int in = -1, out = -1;

    if (o->talk) {
        TRY(make_pipe(&in, &r->in));
        po.stdin_fd = in;
    }
    TRY(make_pipe(&r->out, &out));
    po.stdout_fd = out;
    po.words_fd = o->talk ? 0 : out;
    TRY(proc_start(argv, &po, &r->proc));
    r->parent = getpid();
    r->told = !o->survives;
    if (r->told)
        tell_watcher(proc_number(r->proc));
    return NULL;
}

struct err *
run_start(const struct run_options *o, struct run **ret)
{
    const char *argv[RUN_ARGUMENTS_MAX + 2] = { o->program };
    auto_ptr(run) r = calloc(1, sizeof(*r));

    if (r == NULL)
        return fail(OutOfMemory);
    r->in = r->out = -1;
    for (size_t i = 0; o->arguments != NULL && o->arguments[i] != NULL; i++) {
        if (i == RUN_ARGUMENTS_MAX)
            return fail(InputInvalid, o->program, "it is given too many arguments");
        argv[i + 1] = o->arguments[i];
    }
    TRY(start(r, o, argv));
    *ret = take(r);
    return NULL;
}

struct err *
run_tell(struct run *r, const char *line)
{
    struct text t = { 0 };
    bool good;

    text_fmt(&t, "%s\n", line);
    if (t.no_memory)
        return fail(OutOfMemory);
    /* a line is shorter than a pipe, so this does not wait for the child */
    good = write(r->in, t.s, t.len) == (ssize_t)t.len;
    text_done(&t);
    return good ? NULL : fail(SystemCallFailed, "write");
}

/* Read what is there.  Closes the pipe at its end. */
static struct err *
drain(struct run *r)
{
    char block[4096];
    ssize_t n = read(r->out, block, sizeof(block));

    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return NULL;
    if (n <= 0) {
        (void)close(take_fd(r->out));
        return NULL;
    }
    size_t room = RUN_OUTPUT_MAX - r->kept.len;
    text_add(&r->kept, block, (size_t)n < room ? (size_t)n : room);
    return r->kept.no_memory ? fail(OutOfMemory) : NULL;
}

/* Has it ended?  That of another is known by the end of its output. */
static struct err *
look_for_end(struct run *r)
{
    if (r->parent == getpid())
        return proc_wait(r->proc, deadline_in_ms(0), &r->ended, &r->status);
    r->ended = r->out < 0;
    r->status = STATUS_UNKNOWN;
    return NULL;
}

/* Wait until there is output, the child ends, or the deadline comes. */
static struct err *
step(struct run *r, struct deadline by)
{
    int pidfd = r->parent == getpid() ? proc_pollfd(r->proc) : -1;
    struct pollfd fds[2] = { { .fd = r->out, .events = POLLIN },
        { .fd = r->ended ? -1 : pidfd, .events = POLLIN } };

    if (r->out < 0 && r->parent != getpid()) /* nothing is left to wait for */
        return look_for_end(r);
    if (pidfd < 0 && !r->ended && r->parent == getpid())
        by = deadline_first(by, deadline_in_ms(STEP_MS));
    if (poll(fds, 2, deadline_poll_ms(by)) < 0 && errno != EINTR)
        return fail(SystemCallFailed, "poll");
    if (fds[0].revents != 0)
        TRY(drain(r));
    if (!r->ended)
        TRY(look_for_end(r));
    return NULL;
}

static char *
next_line(struct run *r)
{
    char *begin, *end;

    if (r->kept.s == NULL)
        return NULL;
    begin = r->kept.s + r->line_at;
    end = memchr(begin, '\n', r->kept.len - r->line_at);
    if (end == NULL)
        return NULL;
    r->line_at += (size_t)(end - begin) + 1;
    return strndup(begin, (size_t)(end - begin));
}

struct err *
run_line(struct run *r, struct deadline by, char **ret)
{
    *ret = NULL;
    for (;;) {
        *ret = next_line(r);
        if (*ret != NULL || r->out < 0 || deadline_passed(by))
            return NULL;
        TRY(step(r, by));
    }
}

struct err *
run_wait(struct run *r, struct deadline by, bool *ret_ended, uint32_t *ret_exit)
{
    struct deadline rest = deadline_never();

    while (!r->ended && !deadline_passed(by))
        TRY(step(r, by));
    /* the pipe ends with the last who holds it, which may be a service that was started */
    if (r->ended)
        rest = deadline_in_ms(LEFTOVER_MS);
    while (r->ended && r->out >= 0 && !deadline_passed(rest))
        TRY(step(r, rest));
    *ret_ended = r->ended;
    if (r->ended)
        *ret_exit = (uint32_t)r->status;
    return NULL;
}

const char *
run_output(const struct run *r)
{
    return r->kept.s != NULL ? r->kept.s : "";
}

void
run_free(struct run *r)
{
    if (r == NULL)
        return;
    int number = r->proc != NULL && r->told ? proc_number(r->proc) : 0;

    if (r->in >= 0)
        (void)close(r->in);
    proc_free(r->proc);
    tell_watcher(-number);
    if (r->out >= 0)
        (void)close(r->out);
    text_done(&r->kept);
    free(r);
}

/* In the grandchild: only calls that are safe there. */
static _Noreturn void
become_watcher(const char *const argv[], int pipe_end)
{
    int null = open("/dev/null", O_RDWR);

    if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0 ||
        dup2(pipe_end, FD_WATCHED) < 0 || fcntl(FD_WATCHED, F_SETFD, 0) != 0)
        _exit(127);
    (void)syscall(SYS_close_range, (unsigned)FD_WATCHED + 1, ~0U, 0U);
    (void)execv(argv[0], (char *const *)(uintptr_t)argv);
    _exit(127);
}

/* The number of the watched, for the watcher's environment. */
static const char VARIABLE[] = "FIRN_WATCHED";

struct err *
run_watcher(const char *const argv[])
{
    char number[24];
    int read_end = -1, write_end = -1, status;

    TRY(make_pipe(&read_end, &write_end));
    (void)snprintf(number, sizeof(number), "%ld", (long)getpid());
    if (setenv(VARIABLE, number, 1) != 0)
        return fail(OutOfMemory);
    pid_t middle = fork();
    if (middle == 0) {
        if (setsid() < 0)
            _exit(127);
        pid_t watcher = fork();
        if (watcher == 0)
            become_watcher(argv, read_end);
        _exit(watcher < 0 ? 127 : 0);
    }
    int number_of_fork = errno;
    (void)close(read_end);
    if (middle < 0 || waitpid(middle, &status, 0) != middle || status != 0) {
        (void)close(write_end);
        return err_with_os(fail(SystemCallFailed, "fork"), number_of_fork);
    }
    to_watcher = write_end;
    return NULL;
}

static int32_t groups[GROUPS_MAX]; /* in the watcher: children of the watched; 0: free */

static void
note_group(int32_t number)
{
    int32_t from = number > 0 ? 0 : -number, to = number > 0 ? number : 0;

    for (size_t i = 0; i < GROUPS_MAX; i++) {
        if (groups[i] == from) {
            groups[i] = to;
            return;
        }
    }
}

static void
end_groups(void)
{
    for (size_t i = 0; i < GROUPS_MAX; i++)
        if (groups[i] > 1)
            (void)kill(-groups[i], SIGKILL);
}

bool
run_watched_wait(struct deadline by)
{
    struct pollfd fd = { .fd = FD_WATCHED, .events = POLLIN };
    int32_t number;

    for (;;) {
        int n = poll(&fd, 1, deadline_poll_ms(by));

        if (n == 0 && deadline_passed(by))
            return false;
        if (n == 0 || (n < 0 && errno == EINTR))
            continue;
        if (n < 0 || read(FD_WATCHED, &number, sizeof(number)) != sizeof(number)) {
            end_groups();
            return true;
        }
        note_group(number);
    }
}

void
run_watched_end(void)
{
    const char *s = getenv(VARIABLE);
    uint64_t number;

    if (s == NULL || !number_parse(s, &number) || number < 2 || number > INT32_MAX)
        return;
    (void)kill((pid_t)number, SIGKILL);
    (void)run_watched_wait(deadline_in_ms(PROC_GRACE_MS));
}
