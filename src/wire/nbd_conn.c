/* SPDX-License-Identifier: Apache-2.0 */
/* nbd_conn.c -- libnbd's asynchronous calls, each driven to its end before its deadline.
 *
 * libnbd's plain calls wait for ever, so none of them is used that talks to the server.
 * An export is chosen in a step of its own (opt mode), because only then a wrong address
 * and a wrong export name can be told apart. */
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <libnbd.h>

#include "auto.h"
#include "codes.h"
#include "nbd_conn.h"

enum {
    GOODBYE_MS = 1000,
    MIN_SIZE_MAX = 64 * 1024, /* the largest alignment that the protocol allows */
    MAX_SIZE_UNSAID = 32 * 1024 * 1024
};

static bool
is_lost(struct nbd_conn *c)
{
    return nbd_aio_is_dead(c->h) != 0 || nbd_aio_is_closed(c->h) != 0;
}

/* libnbd's last words on this thread, without the name of its function. */
static const char *
last_words(void)
{
    const char *words = nbd_get_error();
    const char *colon = words != NULL ? strstr(words, ": ") : NULL;

    if (words == NULL)
        return "no reason given";
    return colon != NULL && strncmp(words, "nbd_", 4) == 0 ? colon + 2 : words;
}

/* The connection is of no use any more; why, libnbd says. */
static struct err *
lost(struct nbd_conn *c)
{
    int number = nbd_get_errno();
    struct err *e = number == EPROTO || number == EINVAL || number == EOVERFLOW ?
                        fail(NbdServerWrong, c->name, last_words()) :
                        err_with_os(fail(NbdServerGone, c->name), number);

    c->dead = true;
    return e;
}

static struct err *
silent(struct nbd_conn *c)
{
    c->dead = true;
    errno = 0;
    return err_because(fail(NbdServerGone, c->name), fail(DeadlinePassed, c->name));
}

/* One step of the conversation. */
static struct err *
step(struct nbd_conn *c, struct deadline by)
{
    int got = nbd_poll(c->h, deadline_poll_ms(by));

    if (got < 0) {
        if (nbd_get_errno() == EINTR && !is_lost(c))
            return NULL;
        return lost(c);
    }
    if (got == 0 && deadline_passed(by))
        return silent(c);
    return NULL;
}

static int
opt_answered(void *arg, int *error)
{
    struct nbd_conn *c = arg;

    c->opt_done = true;
    c->opt_errno = *error;
    return 0;
}

static const char *
export_name(struct nbd_conn *c, char **ret_owned)
{
    *ret_owned = nbd_get_export_name(c->h);
    return *ret_owned != NULL ? *ret_owned : "";
}

static struct err *
choose_export(struct nbd_conn *c, struct deadline by)
{
    nbd_completion_callback answered = { .callback = opt_answered, .user_data = c };
    auto_free char *owned = NULL;

    if (nbd_aio_opt_go(c->h, answered) < 0)
        return lost(c);
    while (!c->opt_done && !is_lost(c))
        TRY(step(c, by));
    if (c->opt_done && c->opt_errno == ENOENT)
        return fail(NbdExportMissing, c->name, export_name(c, &owned));
    if (c->opt_done && c->opt_errno != 0 && !is_lost(c))
        return err_with_os(fail(NbdServerRefused, c->name, "opening the export"),
            c->opt_errno);
    while (!is_lost(c) && nbd_aio_is_ready(c->h) == 0)
        TRY(step(c, by));
    return is_lost(c) ? lost(c) : NULL;
}

static bool
is_power_of_two(int64_t v)
{
    return v > 0 && (v & (v - 1)) == 0;
}

/* The sizes that requests may have; what the server leaves unsaid has its usual value. */
static struct err *
learn_sizes(struct nbd_conn *c, struct nbd_export *x)
{
    int64_t size = nbd_get_size(c->h);
    int64_t min = nbd_get_block_size(c->h, LIBNBD_SIZE_MINIMUM);
    int64_t max = nbd_get_block_size(c->h, LIBNBD_SIZE_MAXIMUM);

    if (size < 0)
        return fail(NbdServerWrong, c->name, last_words());
    if (min <= 0)
        min = 1;
    if (max <= 0)
        max = MAX_SIZE_UNSAID;
    if (!is_power_of_two(min) || min > MIN_SIZE_MAX || max < min)
        return fail(NbdServerWrong, c->name, "the block sizes it gives make no sense");
    x->size = (uint64_t)size;
    x->min = (uint32_t)min;
    x->max = max > MAX_SIZE_UNSAID ? MAX_SIZE_UNSAID : (uint32_t)max;
    return NULL;
}

static struct err *
learn(struct nbd_conn *c, struct nbd_export *ret)
{
    struct nbd_export x = { 0 };

    TRY(learn_sizes(c, &x));
    x.multi_conn = nbd_can_multi_conn(c->h) == 1;
    for (int i = 0; i < NBD_CONTEXTS; i++)
        x.tells[i] = c->context[i] != NULL && nbd_can_meta_context(c->h, c->context[i]) == 1;
    x.can_zero = nbd_can_zero(c->h) == 1;
    x.can_flush = nbd_can_flush(c->h) == 1;
    x.writable = nbd_is_read_only(c->h) == 0;
    *ret = x;
    return NULL;
}

/* Only what the address says is used: no file of this machine that an address might name
 * (keys, say), no other kind of transport. */
static bool
configure(struct nbd_conn *c, const struct nbd_address *to)
{
    for (int i = 0; i < NBD_CONTEXTS; i++)
        if (c->context[i] != NULL && nbd_add_meta_context(c->h, c->context[i]) != 0)
            return false;
    return nbd_set_opt_mode(c->h, true) == 0 &&
           (to->export == NULL || nbd_set_export_name(c->h, to->export) == 0) &&
           nbd_set_uri_allow_transports(c->h,
               LIBNBD_ALLOW_TRANSPORT_TCP | LIBNBD_ALLOW_TRANSPORT_UNIX) == 0 &&
           nbd_set_uri_allow_local_file(c->h, false) == 0;
}

static void
prepare(struct nbd_conn *c)
{
    pthread_condattr_t monotonic;

    pthread_mutex_init(&c->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&c->moved, &monotonic);
    pthread_condattr_destroy(&monotonic);
    c->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

struct err *
nbd_conn_open(struct nbd_conn *c, const struct nbd_address *to, struct deadline by,
    struct nbd_export *ret)
{
    prepare(c);
    if (c->wake < 0)
        return fail_call("eventfd");
    c->h = nbd_create();
    if (c->h == NULL || !configure(c, to))
        return fail(OutOfMemory);
    int started = to->uri != NULL ? nbd_aio_connect_uri(c->h, to->uri) :
                                    nbd_aio_connect_unix(c->h, to->socket);
    if (started < 0)
        return err_with_os(fail(NbdUnreachable, c->name, last_words()), nbd_get_errno());
    while (nbd_aio_is_connecting(c->h) != 0) {
        struct err *e = step(c, by);
        if (e != NULL)
            return err_because(fail(NbdUnreachable, c->name, "the connection failed"), e);
    }
    if (nbd_aio_is_negotiating(c->h) != 0)
        TRY(choose_export(c, by));
    if (is_lost(c))
        return lost(c);
    TRY(learn(c, ret));
    return NULL;
}

struct extents {
    const struct nbd_conn *c;
    const struct nbd_request *r;
    bool ended;
};

/* The bit of an extent's flags that says it. */
static uint32_t
flag_of(enum nbd_context context)
{
    static const uint32_t flags[] = { [NBD_ZEROS] = LIBNBD_STATE_ZERO,
        [NBD_DIRTY] = 1 /* NBD_STATE_DIRTY of QEMU's docs/interop/nbd.txt */ };

    return flags[context];
}

/* Called once per context that was agreed on; the request is about one of them. */
static int
got_extents(void *arg, const char *context, uint64_t off, uint32_t *entries, size_t n,
    int *error)
{
    struct extents *x = arg;

    (void)error;
    if (strcmp(context, x->c->context[x->r->context]) != 0 || off != x->r->off)
        return 0;
    for (size_t i = 0; i + 1 < n && !x->ended; i += 2)
        x->ended = !x->r->extent(x->r->extent_arg, entries[i],
            (entries[i + 1] & flag_of(x->r->context)) != 0);
    return 0;
}

static int64_t
send_request(struct nbd_conn *c, const struct nbd_request *r, struct extents *x)
{
    nbd_completion_callback none = { .callback = NULL };
    nbd_extent_callback extents = { .callback = got_extents, .user_data = x };

    switch (r->verb) {
    case NBD_READ:
        return nbd_aio_pread(c->h, r->in, r->len, r->off, none, 0);
    case NBD_WRITE:
        return nbd_aio_pwrite(c->h, r->out, r->len, r->off, none, 0);
    case NBD_ZERO:
        return nbd_aio_zero(c->h, r->len, r->off, none, 0);
    case NBD_FLUSH:
        return nbd_aio_flush(c->h, none, 0);
    case NBD_EXTENTS:
        return nbd_aio_block_status(c->h, r->len, r->off, extents, none, 0);
    }
    abort(); /* there is no other verb */
}

static const char *
verb_words(enum nbd_verb verb)
{
    static const char *const words[] = { "reading", "writing", "zeroing", "flushing",
        "telling what is allocated" };

    return words[verb];
}

/* ---- requests that are under way together ----
 *
 * libnbd does nothing by itself: somebody must wait for the socket and tell it.  nbd_poll
 * would keep the handle locked meanwhile, so that nobody else could ask.  So the first of
 * those who wait does it by poll(2) without any lock and wakes the others; when its own
 * request is answered, another one takes over. */

/* Let who drives the connection look anew at what it waits for. */
static void
wake(struct nbd_conn *c)
{
    uint64_t one = 1;

    if (c->driven)
        (void)!write(c->wake, &one, sizeof(one));
}

static short
events_of(unsigned direction)
{
    return (short)(((direction & LIBNBD_AIO_DIRECTION_READ) != 0 ? POLLIN : 0) |
                   ((direction & LIBNBD_AIO_DIRECTION_WRITE) != 0 ? POLLOUT : 0));
}

/* Others may have asked meanwhile, and libnbd waits for something else now. */
static struct err *
notify(struct nbd_conn *c, short got)
{
    short wanted = events_of(nbd_aio_get_direction(c->h));
    bool ended = (got & (POLLERR | POLLNVAL | POLLHUP)) != 0;
    int status = 0;

    if (ended) /* reading tells why */
        got |= POLLIN;
    if ((got & wanted & POLLIN) != 0)
        status = nbd_aio_notify_read(c->h);
    else if ((got & wanted & POLLOUT) != 0)
        status = nbd_aio_notify_write(c->h);
    else if (ended) {
        c->dead = true;
        errno = 0;
        return fail(NbdServerGone, c->name);
    }
    return status < 0 ? lost(c) : NULL;
}

static struct err *
drive(struct nbd_conn *c, struct deadline by)
{
    struct pollfd fds[2] = {
        { .fd = nbd_aio_get_fd(c->h), .events = events_of(nbd_aio_get_direction(c->h)) },
        { .fd = c->wake, .events = POLLIN },
    };
    uint64_t count;

    c->driven = true;
    pthread_mutex_unlock(&c->lock);
    int got = poll(fds, 2, deadline_poll_ms(by));
    pthread_mutex_lock(&c->lock);
    c->driven = false;
    pthread_cond_broadcast(&c->moved);
    if (got > 0 && fds[1].revents != 0)
        (void)!read(c->wake, &count, sizeof(count));
    return got > 0 && !c->dead ? notify(c, fds[0].revents) : NULL;
}

static void
wait_for_others(struct nbd_conn *c, struct deadline by)
{
    struct timespec at = { .tv_sec = by.at_ns / CLOCK_S, .tv_nsec = by.at_ns % CLOCK_S };

    (void)pthread_cond_timedwait(&c->moved, &c->lock, &at);
}

static struct err *
answered(struct nbd_conn *c, const struct nbd_request *r)
{
    int number = nbd_get_errno();

    if (is_lost(c) || number == ESHUTDOWN || number == ENOTCONN || number == EPROTO)
        return lost(c);
    return err_with_os(fail(NbdServerRefused, c->name, verb_words(r->verb)), number);
}

static struct err *
ask_locked(struct nbd_conn *c, const struct nbd_request *r)
{
    struct deadline by = deadline_in_ms(c->silence_ms);
    struct extents x = { .c = c, .r = r };

    errno = 0;
    if (c->dead || c->h == NULL)
        return fail(NbdServerGone, c->name);
    int64_t cookie = send_request(c, r, &x);
    if (cookie < 0)
        return lost(c);
    wake(c);
    for (;;) {
        if (c->dead) {
            errno = 0;
            return fail(NbdServerGone, c->name);
        }
        int done = nbd_aio_command_completed(c->h, (uint64_t)cookie);
        if (done != 0)
            return done > 0 ? NULL : answered(c, r);
        if (deadline_passed(by))
            return silent(c);
        if (c->driven)
            wait_for_others(c, by);
        else
            TRY(drive(c, by));
    }
}

struct err *
nbd_conn_ask(struct nbd_conn *c, const struct nbd_request *r)
{
    pthread_mutex_lock(&c->lock);
    struct err *e = ask_locked(c, r);
    if (c->dead) { /* nobody is answered any more */
        wake(c);
        pthread_cond_broadcast(&c->moved);
    }
    pthread_mutex_unlock(&c->lock);
    TRY(e);
    return NULL;
}

void
nbd_conn_done(struct nbd_conn *c)
{
    struct deadline by = deadline_in_ms(GOODBYE_MS);

    if (c->h != NULL && !c->dead && nbd_aio_is_ready(c->h) == 1 &&
        nbd_aio_disconnect(c->h, 0) == 0) {
        while (!is_lost(c) && !deadline_passed(by)) {
            if (nbd_poll(c->h, deadline_poll_ms(by)) <= 0)
                break;
        }
    }
    if (c->h != NULL)
        nbd_close(c->h);
    c->h = NULL;
    if (c->wake >= 0)
        (void)close(c->wake);
    pthread_cond_destroy(&c->moved);
    pthread_mutex_destroy(&c->lock);
}
