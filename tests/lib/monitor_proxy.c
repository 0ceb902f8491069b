/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "monitor_proxy.h"

enum { LINE_ROOM = 1 << 20, EVENTS = 3000, TURN_MS = 5, LONG_LINE = 9 << 20 };

/* One direction: what came and is no whole line yet. */
struct half {
    int fd;
    char *buf;
    size_t len;
};

struct talk {
    struct proxy *p;
    struct half client, real;
    long long spoil; /* the id whose answer is spoilt; -1: none */
};

static struct sockaddr_un
address(const char *path)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };

    assert_true(strlen(path) < sizeof(a.sun_path));
    memcpy(a.sun_path, path, strlen(path));
    return a;
}

static bool
put(int fd, const char *from, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, from, len, MSG_NOSIGNAL);

        if (n <= 0)
            return false;
        from += n;
        len -= (size_t)n;
    }
    return true;
}

static bool
say(int fd, const char *text)
{
    return put(fd, text, strlen(text));
}

static long long
id_of(const char *line)
{
    const char *at = strstr(line, "\"id\":");
    long long id = -1;

    if (at != NULL)
        (void)sscanf(at + 5, " %lld", &id);
    return id;
}

static bool
refuse(int fd, long long id)
{
    char text[160];

    snprintf(text, sizeof(text), "{\"error\": {\"class\": \"GenericError\", \"desc\": "
                                 "\"the test says no\"}, \"id\": %lld}\r\n", id);
    return say(fd, text);
}

/* A command from firn; false ends the connection. */
static bool
pass_command(struct talk *t, char *line, size_t len)
{
    struct proxy *p = t->p;

    if (++p->seen != p->nth)
        return put(t->real.fd, line, len);
    p->fired = true;
    switch (p->wrong) {
    case PROXY_DROPS:
        return true;
    case PROXY_CLOSES:
        return false;
    case PROXY_REFUSES:
        return refuse(t->client.fd, id_of(line));
    default:
        t->spoil = id_of(line);
        return put(t->real.fd, line, len);
    }
}

static bool
flood(int fd)
{
    for (int i = 0; i < EVENTS; i++)
        if (!say(fd, "{\"event\": \"JOB_STATUS_CHANGE\", \"data\": {\"id\": \"x\"}}\r\n"))
            return false;
    return true;
}

static bool
oversize(int fd)
{
    static const char dots[64 * 1024] = { [0 ... 65535] = '.' };

    (void)say(fd, "{\"return\": \"");
    for (size_t sent = 0; sent < LONG_LINE; sent += sizeof(dots))
        if (!put(fd, dots, sizeof(dots)))
            return false;
    return true;
}

/* What QEMU says; false ends the connection. */
static bool
pass_answer(struct talk *t, char *line, size_t len)
{
    int fd = t->client.fd;

    if (t->spoil < 0 || id_of(line) != t->spoil)
        return put(fd, line, len);
    t->spoil = -1;
    switch (t->p->wrong) {
    case PROXY_MUTES:
        return true;
    case PROXY_HALVES:
        (void)put(fd, line, len / 2);
        return false;
    case PROXY_RENAMES:
        return say(fd, "{\"return\": {}, \"id\": 123456789}\r\n");
    case PROXY_BABBLES:
        return say(fd, "welcome to the machine\r\n");
    case PROXY_FLOODS:
        return flood(fd) && put(fd, line, len);
    default:
        return oversize(fd);
    }
}

/* Everything that came, line by line. */
static bool
turn(struct talk *t, struct half *from, bool (*pass)(struct talk *t, char *line, size_t len))
{
    ssize_t n = recv(from->fd, from->buf + from->len, LINE_ROOM - 1 - from->len, 0);
    size_t done = 0;

    if (n <= 0)
        return false;
    from->len += (size_t)n;
    from->buf[from->len] = '\0';
    for (char *end; (end = strchr(from->buf + done, '\n')) != NULL;) {
        size_t len = (size_t)(end + 1 - (from->buf + done));
        char kept = end[1];

        end[1] = '\0';
        bool goes_on = pass(t, from->buf + done, len);
        end[1] = kept;
        if (!goes_on)
            return false;
        done += len;
    }
    memmove(from->buf, from->buf + done, from->len - done + 1);
    from->len -= done;
    return true;
}

static void
serve(struct proxy *p, int client)
{
    struct sockaddr_un a = address(p->real);
    struct talk t = { .p = p, .client = { .fd = client }, .spoil = -1 };

    t.real.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    t.client.buf = malloc(LINE_ROOM);
    t.real.buf = malloc(LINE_ROOM);
    bool goes_on = connect(t.real.fd, (struct sockaddr *)&a, sizeof(a)) == 0;
    while (goes_on) {
        struct pollfd both[] = { { t.client.fd, POLLIN, 0 }, { t.real.fd, POLLIN, 0 } };

        (void)poll(both, 2, -1);
        if (both[0].revents != 0)
            goes_on = turn(&t, &t.client, pass_command);
        if (goes_on && both[1].revents != 0)
            goes_on = turn(&t, &t.real, pass_answer);
    }
    (void)close(t.real.fd);
    (void)close(client);
    free(t.client.buf);
    free(t.real.buf);
}

static void *
run(void *arg)
{
    struct proxy *p = arg;

    while (!p->over) {
        struct pollfd one = { p->listening, POLLIN, 0 };

        if (poll(&one, 1, TURN_MS) != 1)
            continue;
        int client = accept4(p->listening, NULL, NULL, SOCK_CLOEXEC);
        if (client >= 0)
            serve(p, client);
    }
    return NULL;
}

void
proxy_start(struct proxy *p, const char *path, const char *real, enum proxy_wrong wrong,
    unsigned nth)
{
    struct sockaddr_un a = address(path);

    *p = (struct proxy){ .real = real, .wrong = wrong, .nth = nth };
    (void)unlink(path);
    p->listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(p->listening, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(listen(p->listening, 8), 0);
    assert_int_equal(pthread_create(&p->thread, NULL, run, p), 0);
}

bool
proxy_stop(struct proxy *p)
{
    p->over = true;
    pthread_join(p->thread, NULL);
    (void)close(p->listening);
    return p->fired;
}
