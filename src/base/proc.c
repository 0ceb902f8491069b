/* SPDX-License-Identifier: Apache-2.0 */
/* proc.c -- fork, a fixed list of calls, exec.
 *
 * Everything that allocates is done before the fork; between fork and exec the child makes
 * system calls only, since another thread may have held any lock.  A pipe that closes on
 * exec tells the parent whether exec worked.  posix_spawn was not used: it can neither set
 * the parent-death signal nor put the child's own number into LISTEN_PID.
 *
 * Output goes to sealed memory files that cannot grow: a child that prints without end gets
 * an error for it and neither fills a disk nor waits for a reader.  The position of such a
 * file, which parent and child share, tells how much there is. */
#include <assert.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "codes.h"
#include "proc.h"

enum {
    FD_LISTEN = 3,  /* where the protocol of LISTEN_FDS begins; or the program */
    FD_STATUS = 4,  /* the child's end of the status pipe */
    FD_ABOVE = 10,  /* all of the parent's, so that moving them around cannot collide */
    POLL_STEP_MS = 5,
    LISTEN_PID_DIGITS = 20
};

static const char LISTEN_PID[] = "LISTEN_PID=";

struct proc {
    char *program;
    pid_t pid;
    int pidfd; /* -1: the kernel has none */
    int out, words;
    bool ended;
    int status;
};

/* What the child needs, all made before the fork. */
struct start {
    const char *path;
    char *const *argv;
    char **env;
    char listen_pid[sizeof(LISTEN_PID) + LISTEN_PID_DIGITS];
    int in, out, words, third, status; /* third: becomes FD_LISTEN, -1: nothing does */
    bool by_fd;                        /* third is the program */
    bool survives;
    const char *folder;
    int max_fd;
    pid_t parent;
};

static void
write_listen_pid(struct start *s)
{
    char digits[LISTEN_PID_DIGITS];
    unsigned long v = (unsigned long)getpid();
    size_t n = 0, at = sizeof(LISTEN_PID) - 1;

    do
        digits[n++] = (char)('0' + v % 10);
    while ((v /= 10) > 0);
    while (n > 0)
        s->listen_pid[at++] = digits[--n];
    s->listen_pid[at] = '\0';
}

static void
close_above(int first, int max_fd)
{
    if (syscall(SYS_close_range, (unsigned)first, ~0U, 0U) == 0)
        return;
    for (int fd = first; fd < max_fd; fd++)
        (void)close(fd);
}

static void
default_signals(void)
{
    struct sigaction act = { .sa_handler = SIG_DFL };
    sigset_t none;

    for (int sig = 1; sig < NSIG; sig++)
        (void)sigaction(sig, &act, NULL);
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Only calls that are safe after a fork in a program with threads. */
static _Noreturn void
run_child(struct start *s)
{
    (void)setpgid(0, 0);
    bool ready = s->survives ||
                 (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == s->parent);

    default_signals();
    ready = ready && dup2(s->in, STDIN_FILENO) >= 0 && dup2(s->out, STDOUT_FILENO) >= 0 &&
            dup2(s->words, STDERR_FILENO) >= 0 &&
            dup3(s->status, FD_STATUS, O_CLOEXEC) >= 0;
    if (ready && s->third > 0)
        ready = dup2(s->third, FD_LISTEN) >= 0;
    else
        (void)close(FD_LISTEN);
    ready = ready && (s->folder == NULL || chdir(s->folder) == 0);
    if (ready) {
        close_above(FD_STATUS + 1, s->max_fd);
        write_listen_pid(s);
        if (s->by_fd)
            (void)syscall(SYS_execveat, FD_LISTEN, "", s->argv, s->env, AT_EMPTY_PATH);
        else
            (void)execve(s->path, s->argv, s->env);
    }
    int number = errno;
    (void)!write(ready ? FD_STATUS : s->status, &number, sizeof(number));
    _exit(127);
}

static struct err *
find_in(const char *path, size_t len, const char *name, char **ret)
{
    char full[PATH_MAX];
    struct stat st;

    /* an empty part of PATH means the current folder, which is not searched */
    if (len == 0 || len + strlen(name) + 2 > sizeof(full))
        return NULL;
    snprintf(full, sizeof(full), "%.*s/%s", (int)len, path, name);
    /* a folder of that name may be searched, which access() takes for run */
    if (stat(full, &st) != 0 || !S_ISREG(st.st_mode) || access(full, X_OK) != 0)
        return NULL;
    *ret = strdup(full);
    return *ret == NULL ? fail(OutOfMemory) : NULL;
}

struct err *
proc_find(const char *name, char **ret_path)
{
    const char *path = getenv("PATH");

    *ret_path = NULL;
    if (strchr(name, '/') != NULL) {
        if (access(name, X_OK) != 0)
            return NULL;
        *ret_path = strdup(name);
        return *ret_path == NULL ? fail(OutOfMemory) : NULL;
    }
    if (path == NULL)
        path = "/usr/local/bin:/usr/bin:/bin";
    for (;;) {
        size_t len = strcspn(path, ":");
        TRY(find_in(path, len, name, ret_path));
        if (*ret_path != NULL || path[len] == '\0')
            return NULL;
        path += len + 1;
    }
}

/* A memory file of fixed size: what is written beyond it fails. */
static int
words_file(void)
{
    auto_fd int fd = memfd_create("firn-words", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || ftruncate(fd, PROC_WORDS_MAX) != 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK) != 0)
        return -1;
    return fcntl(fd, F_DUPFD_CLOEXEC, FD_ABOVE);
}

/* ${fd} above those that the child uses; closes nothing. */
static struct err *
lifted(int fd, int *ret)
{
    *ret = fcntl(fd, F_DUPFD_CLOEXEC, FD_ABOVE);
    return *ret < 0 ? fail(SystemCallFailed, "fcntl") : NULL;
}

extern char **environ;

static size_t
count_words(const char *const *words)
{
    size_t n = 0;

    while (words != NULL && words[n] != NULL)
        n++;
    return n;
}

static bool
replaced(const char *var, const char *const *by)
{
    size_t name = strcspn(var, "=") + 1;

    for (size_t i = 0; by != NULL && by[i] != NULL; i++)
        if (strncmp(var, by[i], name) == 0)
            return true;
    return strncmp(var, "LC_ALL=", 7) == 0 || strncmp(var, "LISTEN_", 7) == 0;
}

static struct err *
make_environment(struct start *s, const struct proc_options *o)
{
    static char lc_all[] = "LC_ALL=C", listen_fds[] = "LISTEN_FDS=1";
    size_t n = count_words((const char *const *)environ), more = count_words(o->env);
    size_t kept = 0;

    s->env = calloc(n + more + 4, sizeof(s->env[0]));
    if (s->env == NULL)
        return fail(OutOfMemory);
    for (size_t i = 0; i < n; i++) {
        if (!replaced(environ[i], o->env))
            s->env[kept++] = environ[i];
    }
    for (size_t i = 0; i < more; i++)
        s->env[kept++] = (char *)(uintptr_t)o->env[i];
    s->env[kept++] = lc_all;
    memcpy(s->listen_pid, LISTEN_PID, sizeof(LISTEN_PID));
    if (o->listen_fd > 0) {
        s->env[kept++] = listen_fds;
        s->env[kept++] = s->listen_pid;
    }
    return NULL;
}

/* Fork with all signals blocked, so that no handler of ours runs in the child. */
static struct err *
fork_child(struct start *s, pid_t *ret)
{
    sigset_t all, was;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &was);
    pid_t pid = fork();
    if (pid == 0)
        run_child(s);
    struct err *failed = pid < 0 ? fail_call("fork") : NULL;
    pthread_sigmask(SIG_SETMASK, &was, NULL);
    TRY(failed);
    *ret = pid;
    return NULL;
}

/* Exec worked when the pipe closes with nothing in it; else there is the reason. */
static struct err *
exec_result(struct proc *p, int status)
{
    int number, exit_status;
    ssize_t n;

    do
        n = read(status, &number, sizeof(number));
    while (n < 0 && errno == EINTR);
    p->pidfd = (int)syscall(SYS_pidfd_open, p->pid, 0U);
    if (n == 0)
        return NULL;
    if (n < 0) { /* it may run */
        struct err *failed = fail(SystemCallFailed, "read");
        proc_end(p);
        return failed;
    }
    bool ended;
    struct err *e = proc_wait(p, deadline_never(), &ended, &exit_status);
    if (n == (ssize_t)sizeof(number)) {
        errno = number;
        e = err_also(fail_call("execve"), e);
    }
    return err_because(fail(ChildFailed, p->program, 127), e);
}

/* What the child has as its third file, or 0. */
static int
given_file(const struct proc_options *o)
{
    assert((o->listen_fd > 0) + (o->program_fd > 0) + (o->given_fd > 0) <= 1);
    return o->listen_fd > 0 ? o->listen_fd : o->program_fd > 0 ? o->program_fd : o->given_fd;
}

static struct err *
start_with(struct start *s, const struct proc_options *o, struct proc *p)
{
    auto_fd int in = -1, out = -1, words = -1, third = -1, status_in = -1, status_out = -1;
    int ends[2], max_fd, given = given_file(o);
    struct rlimit files;

    auto_fd int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0)
        return fail(FileUnreadable, "/dev/null");
    TRY(lifted(o->stdin_fd > 0 ? o->stdin_fd : null, &in));
    TRY(lifted(o->stdout_fd > 0 ? o->stdout_fd : p->out, &out));
    TRY(lifted(o->words_fd > 0 ? o->words_fd : p->words, &words));
    if (given > 0)
        TRY(lifted(given, &third));
    if (pipe2(ends, O_CLOEXEC) != 0)
        return fail_call("pipe2");
    status_in = ends[0];
    status_out = ends[1];
    auto_fd int status_high = -1;
    TRY(lifted(status_out, &status_high));
    max_fd = getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < INT_MAX ?
                 (int)files.rlim_cur :
                 1024;
    s->in = in;
    s->out = out;
    s->words = words;
    s->third = third;
    s->by_fd = o->program_fd > 0;
    s->folder = o->folder;
    s->survives = o->survives;
    s->status = status_high;
    s->max_fd = max_fd;
    s->parent = getpid();
    TRY(make_environment(s, o));
    TRY(fork_child(s, &p->pid));
    (void)close(take_fd(status_high));
    (void)close(take_fd(status_out));
    return exec_result(p, status_in);
}

struct err *
proc_start(const char *const argv[], const struct proc_options *options, struct proc **ret)
{
    static const struct proc_options plain = { 0 };
    auto_free char *path = NULL;
    struct start s = { 0 };

    if (options == NULL)
        options = &plain;
    auto_ptr(proc) p = calloc(1, sizeof(*p));
    if (p == NULL)
        return fail(OutOfMemory);
    p->pid = p->pidfd = p->out = p->words = -1;
    p->program = strdup(argv[0]);
    if (p->program == NULL)
        return fail(OutOfMemory);
    if (options->program_fd <= 0)
        TRY(proc_find(argv[0], &path));
    if (options->program_fd <= 0 && path == NULL)
        return fail(ChildFailed, argv[0], 127);
    p->out = words_file();
    p->words = words_file();
    if (p->out < 0 || p->words < 0)
        return fail_call("memfd_create");
    s.path = path;
    s.argv = (char *const *)(uintptr_t)argv;
    struct err *e = start_with(&s, options, p);
    free(s.env);
    TRY(e);
    *ret = take(p);
    return NULL;
}

static struct err *
reap(struct proc *p)
{
    int status;
    pid_t pid = waitpid(p->pid, &status, WNOHANG);

    if (pid == 0 || (pid < 0 && errno == EINTR))
        return NULL;
    p->ended = true;
    if (pid < 0) { /* somebody else took its status, or SIGCHLD is ignored */
        p->status = 255;
        return fail(SystemCallFailed, "waitpid");
    }
    p->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return NULL;
}

struct err *
proc_wait(struct proc *p, struct deadline by, bool *ret_ended, int *ret_exit)
{
    struct pollfd fd = { .fd = p->pidfd, .events = POLLIN };

    for (;;) {
        if (!p->ended)
            TRY(reap(p));
        if (p->ended || deadline_passed(by))
            break;
        /* without a pidfd (before Linux 5.3, or under valgrind) look now and then */
        struct deadline next = p->pidfd >= 0 ? by :
                                               deadline_first(by, deadline_in_ms(POLL_STEP_MS));
        if (poll(&fd, 1, deadline_poll_ms(next)) < 0 && errno != EINTR)
            return fail(SystemCallFailed, "poll");
    }
    *ret_ended = p->ended;
    if (p->ended)
        *ret_exit = p->status;
    return NULL;
}

int
proc_number(const struct proc *p)
{
    return p->pid;
}

int
proc_pollfd(const struct proc *p)
{
    return p->pidfd;
}

/* Has it ended by then?  Its status stays with the kernel, and with it the number of its
 * process group, which nobody else can get meanwhile. */
static bool
ends_by(const struct proc *p, struct deadline by)
{
    struct pollfd fd = { .fd = p->pidfd, .events = POLLIN };
    siginfo_t info;

    for (;;) {
        info.si_pid = 0;
        if (waitid(P_PID, (id_t)p->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 &&
            errno != EINTR)
            return true;
        if (info.si_pid != 0 || deadline_passed(by))
            return info.si_pid != 0;
        struct deadline next = p->pidfd >= 0 ? by :
                                               deadline_first(by, deadline_in_ms(POLL_STEP_MS));
        (void)poll(&fd, 1, deadline_poll_ms(next));
    }
}

void
proc_end(struct proc *p)
{
    int kept = errno, exit_status;
    bool ended = p->ended;

    if (p->pid <= 0 || ended)
        return;
    (void)kill(-p->pid, SIGTERM);
    (void)ends_by(p, deadline_in_ms(PROC_GRACE_MS));
    /* also when it did end: what it started may be deaf to the request */
    (void)kill(-p->pid, SIGKILL);
    err_free(proc_wait(p, deadline_in_ms(PROC_GRACE_MS), &ended, &exit_status));
    errno = kept;
}

void
proc_kill(struct proc *p)
{
    int kept = errno, exit_status;
    bool ended = p->ended;

    if (p->pid <= 0 || ended)
        return;
    (void)kill(-p->pid, SIGKILL); /* its number is ours until its status was taken */
    err_free(proc_wait(p, deadline_in_ms(PROC_GRACE_MS), &ended, &exit_status));
    errno = kept;
}

static struct err *
read_stream(int fd, char **ret)
{
    off_t len = lseek(fd, 0, SEEK_CUR);

    if (len < 0 || len > PROC_WORDS_MAX)
        len = PROC_WORDS_MAX;
    auto_free char *s = calloc(1, (size_t)len + 1);
    if (s == NULL)
        return fail(OutOfMemory);
    if (pread(fd, s, (size_t)len, 0) != len)
        return fail(SystemCallFailed, "pread");
    /* a child that wrote NUL bytes gets a text that ends there */
    for (size_t n = strlen(s); n > 0 && (s[n - 1] == '\n' || s[n - 1] == '\r'); n--)
        s[n - 1] = '\0';
    *ret = take(s);
    return NULL;
}

struct err *
proc_words(struct proc *p, char **ret)
{
    TRY(read_stream(p->words, ret));
    return NULL;
}

struct err *
proc_output(struct proc *p, char **ret)
{
    TRY(read_stream(p->out, ret));
    return NULL;
}

struct err *
proc_run(const char *const argv[], struct deadline by, int *ret_exit, char **ret_words)
{
    auto_ptr(proc) p = NULL;
    bool ended;
    int status = 0;

    TRY(proc_start(argv, NULL, &p));
    TRY(proc_wait(p, by, &ended, &status));
    if (!ended)
        return fail(DeadlinePassed, argv[0]);
    if (ret_words != NULL)
        TRY(proc_words(p, ret_words));
    *ret_exit = status;
    return NULL;
}

void
proc_leave(struct proc *p)
{
    int kept = errno;
    int fds[] = { p->pidfd, p->out, p->words };
    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
        if (fds[i] >= 0)
            (void)close(fds[i]);
    }
    free(p->program);
    free(p);
    errno = kept;
}

void
proc_free(struct proc *p)
{
    if (p == NULL)
        return;
    proc_end(p);
    proc_leave(p);
}
