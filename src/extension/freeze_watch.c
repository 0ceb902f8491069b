/* SPDX-License-Identifier: Apache-2.0 */
/* freeze_watch.c -- the watchdog: waits for one of three things, and thaws.
 *
 * Until the last file system is thawed it makes system calls only: it was forked from a
 * process that may have held a lock, and everything that it needs is open and in memory. */
#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "freeze_internal.h"

enum { GRACE_MS = 200 };

static int
call_freeze(int fd)
{
    return ioctl(fd, FIFREEZE, 0);
}

static int
call_thaw(int fd)
{
    return ioctl(fd, FITHAW, 0);
}

struct freeze_calls freeze_calls = { call_freeze, call_thaw };

void
freeze_note(struct freeze_shared *s, unsigned mount, enum freeze_state state, int number)
{
    unsigned n = atomic_fetch_add(&s->events, 1);

    s->ring[n % FREEZE_RING] = (struct freeze_event){ .at_ns = clock_mono_ns(),
        .mount = (int16_t)mount, .state = (int8_t)state, .number = number };
    s->number[mount] = number;
    s->state[mount] = (int)state;
}

static void
thaw_one(struct freeze_shared *s, unsigned i, bool was_frozen)
{
    if (freeze_calls.thaw(s->list.item[i].fd) == 0)
        freeze_note(s, i, FREEZE_THAWED, 0);
    else if (errno == EINVAL) /* it is not frozen */
        freeze_note(s, i, was_frozen ? FREEZE_LOST : FREEZE_OPEN, 0);
    else
        freeze_note(s, i, FREEZE_STUCK, errno);
}

void
freeze_thaw_all(struct freeze_shared *s, bool also_freezing)
{
    for (unsigned i = s->list.n; i > 0; i--) {
        int state = s->state[i - 1];

        if (state == FREEZE_FROZEN)
            thaw_one(s, i - 1, true);
        else if (state == FREEZE_FREEZING && also_freezing)
            thaw_one(s, i - 1, false);
    }
}

struct watch {
    struct freeze_shared *s;
    pid_t freezer;
    int pair, listening, client; /* -1: there is none, or no more */
    bool back; /* the one that freezes is in no call for it, and will make none */
    bool held;
};

/* A byte of the process that freezes, 0 when it has ended; after any it is back. */
static char
hear(struct watch *w)
{
    char byte = 0;

    if (read(w->pair, &byte, 1) != 1) {
        (void)close(w->pair);
        w->pair = -1;
        byte = 0;
    }
    w->back = true;
    return byte;
}

static void
answer(int fd, const char *bytes, size_t len)
{
    if (fd >= 0)
        (void)!send(fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Wait for the pair or a client; false when the deadline came first. */
static bool
wait_for(struct watch *w, short *ret_pair, short *ret_listening)
{
    struct pollfd p[2] = { { .fd = w->pair, .events = POLLIN },
        { .fd = w->listening, .events = POLLIN } };
    struct deadline by = { w->s->deadline_ns };

    while (poll(p, 2, deadline_poll_ms(by)) <= 0)
        if (deadline_passed(by))
            return false;
    *ret_pair = p[0].revents;
    *ret_listening = p[1].revents;
    return true;
}

/* Who may ask for the thaw: the same user, and root.  Anybody can connect. */
static bool
take_client(struct watch *w)
{
    struct ucred who = { .uid = (uid_t)-1 };
    socklen_t len = sizeof(who);

    w->client = accept(w->listening, NULL, NULL);
    if (w->client < 0)
        return false;
    if (getsockopt(w->client, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 &&
        (who.uid == 0 || who.uid == geteuid()))
        return true;
    (void)close(w->client);
    w->client = -1;
    return false;
}

/* Until the deadline, or until somebody asks for the thaw: the process that freezes (it failed,
 * or ended before it was done), or a client. */
static void
hold(struct watch *w)
{
    short pair, listening;

    while (wait_for(w, &pair, &listening)) {
        if (pair != 0) {
            char byte = hear(w);

            if (byte == FREEZE_UNDO || (byte == 0 && !w->held))
                return;
            w->held = true;
            answer(w->pair, &(char){ FREEZE_HELD }, 1);
        }
        if (listening != 0 && take_client(w))
            return;
    }
    w->s->late = 1;
}

/* Wait for the one that freezes: it may be within a call that nothing can end, or stopped. */
static void
wait_until_back(struct watch *w)
{
    struct pollfd p = { .fd = w->pair, .events = POLLIN };

    answer(w->pair, &(char){ FREEZE_OVER }, 1);
    if (!w->back && poll(&p, 1, GRACE_MS) == 0)
        (void)kill(w->freezer, SIGKILL);
    if (!w->back)
        (void)hear(w);
}

static unsigned
count(const struct freeze_shared *s, enum freeze_state state)
{
    unsigned n = 0;

    for (unsigned i = 0; i < s->list.n; i++)
        n += s->state[i] == (int)state;
    return n;
}

static void
report(struct watch *w, int64_t thawed_ns)
{
    const struct freeze_shared *s = w->s;
    char line[FREEZE_ANSWER_MAX];

    int n = snprintf(line, sizeof(line), "%u %u %u %d %lld\n", count(s, FREEZE_THAWED),
        count(s, FREEZE_LOST), count(s, FREEZE_STUCK), s->late != 0,
        (long long)(thawed_ns - s->began_ns));
    answer(w->client, line, (size_t)n);
}

/* Be on its own: of no terminal, with no pipe that somebody waits for the end of, and the one
 * whose number clients of the socket are told. */
static void
stand_alone(int listening)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    static const int unheeded[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGALRM };

    for (size_t i = 0; i < sizeof(unheeded) / sizeof(unheeded[0]); i++)
        (void)signal(unheeded[i], SIG_IGN);
    (void)setsid();
    for (int fd = 0; fd < 3 && null >= 0; fd++)
        (void)dup2(null, fd);
    (void)listen(listening, 4);
    (void)mlockall(MCL_CURRENT); /* locks are not inherited */
}

_Noreturn void
freeze_watch(struct freeze_shared *s, int pair, int listening, const struct freeze_options *o)
{
    struct watch w = { .s = s, .pair = pair, .listening = listening, .client = -1,
        .freezer = getppid() };

    stand_alone(listening);
    hold(&w);
    s->over = 1;
    freeze_thaw_all(s, false);
    wait_until_back(&w);
    freeze_thaw_all(s, true);
    int64_t thawed_ns = clock_mono_ns();
    if (count(s, FREEZE_STUCK) == 0)
        (void)unlink(s->marker);
    if (o->thawed == NULL)
        (void)close(listening); /* the next one can begin */
    else /* nobody is to ask any more, but the name stays taken until applications go on */
        (void)shutdown(listening, SHUT_RDWR);
    report(&w, thawed_ns);
    if (o->thawed != NULL)
        o->thawed(o->arg);
    _exit(0);
}
