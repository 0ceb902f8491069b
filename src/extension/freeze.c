/* SPDX-License-Identifier: Apache-2.0 */
/* freeze.c -- the process that freezes, and the one that asks for the thaw. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "auto.h"
#include "codes.h"
#include "freeze_internal.h"

enum { WATCH_SILENT_MS = 2000 }; /* then a watchdog counts as stopped */

static const char THIS[] = "this machine";

/* ---- what a killed run has left ---- */

static bool
has_device(const struct freeze_list *l, const struct freeze_mount *m)
{
    for (unsigned i = 0; i < l->n; i++)
        if (l->item[i].major == m->major && l->item[i].minor == m->minor)
            return true;
    return false;
}

/* What is mounted now of ${marked}, wherever. */
static struct err *
still_mounted(const struct freeze_list *marked, struct freeze_list *ret)
{
    unsigned n = 0;

    TRY(freeze_list_read("/proc/self/mountinfo", NULL, ret));
    for (unsigned i = 0; i < ret->n; i++)
        if (has_device(marked, &ret->item[i]))
            ret->item[n++] = ret->item[i];
    ret->n = n;
    return freeze_list_open(ret);
}

static struct err *
thaw_marked(const char *marker, struct freeze_ended *ret)
{
    auto_free struct freeze_shared *s = calloc(1, sizeof(*s));
    auto_free struct freeze_list *marked = calloc(1, sizeof(*marked));

    if (s == NULL || marked == NULL)
        return fail(OutOfMemory);
    TRY(freeze_mark_read(marker, marked, &ret->rescued));
    if (!ret->rescued)
        return NULL;
    TRY(still_mounted(marked, &s->list));
    for (unsigned i = 0; i < s->list.n; i++)
        s->state[i] = FREEZE_FREEZING; /* it may be frozen */
    freeze_thaw_all(s, true);
    freeze_list_close(&s->list);
    for (unsigned i = 0; i < s->list.n; i++) {
        ret->thawed += s->state[i] == FREEZE_THAWED;
        ret->stuck += s->state[i] == FREEZE_STUCK;
    }
    if (ret->stuck == 0)
        (void)unlink(marker);
    return NULL;
}

/* ---- freezing ---- */

static struct err *
prepare(const struct freeze_options *o, struct freeze_shared *s)
{
    TRY(freeze_list_read(o->mountinfo != NULL ? o->mountinfo : "/proc/self/mountinfo", o->only,
        &s->list));
    if (s->list.n == 0)
        return fail(FreezeEmpty, THIS);
    return freeze_list_open(&s->list);
}

/* The state that the answer to FIFREEZE means. */
static enum freeze_state
state_after(int result, int number)
{
    if (result == 0)
        return FREEZE_FROZEN;
    if (number == EBUSY)
        return FREEZE_OTHERS;
    if (number == EOPNOTSUPP || number == ENOTTY)
        return FREEZE_UNABLE;
    return FREEZE_FAILED;
}

/* One after the other; system calls and shared memory only.  False: one failed, or it is over.
 */
static bool
freeze_all(struct freeze_shared *s)
{
    for (unsigned i = 0; i < s->list.n && !s->over; i++) {
        freeze_note(s, i, FREEZE_FREEZING, 0);
        int result = freeze_calls.freeze(s->list.item[i].fd);
        int number = result == 0 ? 0 : errno;
        enum freeze_state state = state_after(result, number);
        freeze_note(s, i, state, number);
        if (state == FREEZE_FAILED)
            return false;
    }
    return !s->over;
}

/* Tell the watchdog; true when it holds all that was frozen. */
static bool
hand_over(int pair, bool all)
{
    char byte = all ? FREEZE_DONE : FREEZE_UNDO;

    if (send(pair, &byte, 1, MSG_NOSIGNAL) != 1)
        return false;
    while (read(pair, &byte, 1) == 1)
        if (byte == FREEZE_HELD)
            return true;
    return false; /* it has thawed, and ended */
}

static struct err *
why_not(const struct freeze_shared *s, int64_t deadline_ms)
{
    for (unsigned i = 0; i < s->list.n; i++)
        if (s->number[i] != 0 && s->state[i] == FREEZE_FAILED)
            return err_with_os(fail(FreezeFailed, THIS, s->list.item[i].path), s->number[i]);
    if (s->late)
        return fail(FreezeTimeout, THIS, (deadline_ms + 999) / 1000);
    return fail(FreezeLost, THIS); /* somebody asked for the thaw, or ended the watchdog */
}

static void
summarise(const struct freeze_shared *s, struct freeze_begun *ret)
{
    for (unsigned i = 0; i < s->list.n; i++) {
        ret->frozen += s->state[i] == FREEZE_FROZEN;
        ret->unable += s->state[i] == FREEZE_UNABLE;
        ret->others += s->state[i] == FREEZE_OTHERS;
        if (s->state[i] == FREEZE_OTHERS && ret->other[0] == '\0')
            memcpy(ret->other, s->list.item[i].path, sizeof(ret->other));
    }
}

/* Fork the watchdog, freeze, and leave what is frozen to it. */
static struct err *
freeze_watched(const struct freeze_options *o, struct freeze_shared *s, int listening,
    struct freeze_begun *ret)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return fail_call("socketpair");
    auto_fd int ours = ends[0], theirs = ends[1];
    s->began_ns = clock_mono_ns();
    s->deadline_ns = s->began_ns + o->deadline_ms * CLOCK_MS;
    TRY(freeze_mark_write(s));
    pid_t watchdog = fork();
    if (watchdog < 0) {
        struct err *e = fail_call("fork");
        (void)unlink(s->marker);
        return e;
    }
    if (watchdog == 0) {
        (void)close(take_fd(ours));
        freeze_watch(s, theirs, listening, o);
    }
    (void)close(take_fd(theirs));
    (void)mlockall(MCL_CURRENT | MCL_FUTURE);
    bool all = freeze_all(s);
    struct freeze_begun begun = { 0 };
    summarise(s, &begun);
    bool held = hand_over(ours, all && begun.frozen > 0);
    (void)munlockall();
    if (held) {
        *ret = begun;
        return NULL;
    }
    (void)waitpid(watchdog, NULL, 0);
    if (all && begun.frozen == 0)
        return fail(FreezeEmpty, THIS);
    return why_not(s, o->deadline_ms);
}

/* Our files alone: the list is the watchdog's too, and so are their numbers. */
static void
discard(struct freeze_shared *s)
{
    for (unsigned i = 0; i < s->list.n; i++)
        if (s->list.item[i].fd >= 0)
            (void)close(s->list.item[i].fd);
    (void)munmap(s, sizeof(*s));
}

struct err *
freeze_begin(const struct freeze_options *o, struct freeze_begun *ret)
{
    struct freeze_ended before = { 0 };
    auto_fd int listening = -1;

    struct freeze_shared *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
        MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (s == MAP_FAILED)
        return fail(OutOfMemory);
    struct err *e = freeze_mark_path(s->marker);
    if (e == NULL)
        e = freeze_listen(s->marker, &listening);
    if (e == NULL && listening < 0)
        e = fail(GuestOperationRunning, THIS);
    if (e == NULL)
        e = thaw_marked(s->marker, &before);
    if (e == NULL)
        e = prepare(o, s);
    if (e == NULL)
        e = freeze_watched(o, s, listening, ret);
    discard(s);
    return e;
}

/* ---- thawing ---- */

static bool
read_answer(int fd, struct deadline by, char *to, size_t room)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };
    size_t n = 0;

    while (n + 1 < room && poll(&p, 1, deadline_poll_ms(by)) == 1) {
        ssize_t more = read(fd, to + n, room - 1 - n);
        if (more <= 0)
            break;
        n += (size_t)more;
        if (to[n - 1] == '\n')
            break;
    }
    to[n] = '\0';
    return n > 0 && to[n - 1] == '\n';
}

static bool
take_answer(const char *answer, struct freeze_ended *r)
{
    long long ns = 0;
    int late = 0;

    if (sscanf(answer, "%10u %10u %10u %d %lld", &r->thawed, &r->lost, &r->stuck, &late,
            &ns) != 5)
        return false;
    r->held = r->thawed > 0 && r->lost == 0 && late == 0;
    r->held_ns = ns;
    return true;
}

/* It has not answered: it is stopped, or hangs.  When it is gone the marker counts. */
static void
kill_watchdog(int pid, struct deadline by)
{
    auto_fd int fd = (int)syscall(SYS_pidfd_open, pid, 0U);
    struct pollfd p = { .fd = fd, .events = POLLIN };

    if (fd < 0)
        return;
    (void)syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0U);
    (void)poll(&p, 1, deadline_poll_ms(by));
}

struct err *
freeze_end(struct deadline by, struct freeze_ended *ret)
{
    char marker[FREEZE_NAME_MAX], answer[FREEZE_ANSWER_MAX];
    struct freeze_ended r = { 0 };
    auto_fd int fd = -1;
    int pid = 0;

    TRY(freeze_mark_path(marker));
    TRY(freeze_connect(marker, &fd, &pid));
    if (fd < 0 ||
        !read_answer(fd, deadline_first(by, deadline_in_ms(WATCH_SILENT_MS)), answer,
            sizeof(answer)) ||
        !take_answer(answer, &r)) {
        if (fd >= 0)
            kill_watchdog(pid, by);
        TRY(thaw_marked(marker, &r));
    }
    *ret = r;
    return NULL;
}
