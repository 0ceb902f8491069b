/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "auto.h"
#include "peer.h"
#include "text.h"

static bool
put(int fd, const void *from, size_t len)
{
    const char *p = from;

    while (len > 0) {
        ssize_t n = send(fd, p, len, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        p += n;
        len -= (size_t)n;
    }
    return true;
}

/* The digits after ${name} in the last request, after the last one of that name if ${last}. */
static void
number_of(const char *said, const char *name, bool last, char to[32])
{
    const char *at = strstr(said, name), *next;

    while (last && at != NULL && (next = strstr(at + 1, name)) != NULL)
        at = next;
    snprintf(to, 32, "%.*s", at == NULL ? 0 : (int)strspn(at + strlen(name), "0123456789"),
        at == NULL ? "" : at + strlen(name));
}

static bool
say(struct peer *p, int fd, const char *text, const char *end)
{
    struct text t = { 0 };
    char id[32], sync[32];

    number_of(p->said, "\"id\":", false, id);
    number_of(p->said, "\"id\":", true, sync);
    while (*text != '\0') {
        bool is_id = strncmp(text, "$ID", 3) == 0, is_sync = strncmp(text, "$SYNC", 5) == 0;
        if (is_id || is_sync)
            text_str(&t, is_id ? id : sync);
        else
            text_add(&t, text, 1);
        text += is_id ? 3 : is_sync ? 5
                                    : 1;
    }
    text_str(&t, end);
    bool sent = put(fd, t.s, t.len);
    text_done(&t);
    return sent;
}

static void
flood(int fd, const char *text)
{
    size_t len = strlen(text), n = 0;
    char block[65536];

    for (; n + len <= sizeof(block); n += len)
        memcpy(block + n, text, len);
    while (put(fd, block, n))
        continue;
}

static bool
hear(struct peer *p, int fd, const char *words)
{
    size_t n = 0;
    char c = 0;

    while (recv(fd, &c, 1, 0) == 1 && c != '\n')
        if (n + 1 < sizeof(p->said))
            p->said[n++] = c;
    p->said[n] = '\0';
    return c == '\n' && strstr(p->said, words) != NULL;
}

static void
wait_for_end(int fd)
{
    char some[4096];

    while (recv(fd, some, sizeof(some), 0) > 0)
        continue;
}

/* Answer every line but that with ${words}. */
static bool
answer_until(struct peer *p, int fd, const char *answer, const char *words)
{
    while (!hear(p, fd, words))
        if (p->said[0] == '\0' || !say(p, fd, answer, "\n"))
            return false;
    return true;
}

/* False when the client left before its time, or said something else. */
static bool
play(struct peer *p, int fd, const char *line, const char *next)
{
    switch (line[0]) {
    case '<':
        return hear(p, fd, line + 1);
    case '*':
        return answer_until(p, fd, line + 1, next + 1);
    case '>':
        return say(p, fd, line + 1, "\n");
    case '}':
        return say(p, fd, line + 1, "");
    case '~':
        flood(fd, line + 1);
        return true;
    case '.':
        wait_for_end(fd);
        return true;
    default:
        return false;
    }
}

static void *
run(void *arg)
{
    struct peer *p = arg;
    auto_fd int fd = accept(p->listening, NULL, NULL);

    for (size_t i = 0; fd >= 0 && p->script[i] != NULL && p->script[i][0] != '!'; i++) {
        if (!play(p, fd, p->script[i], p->script[i + 1])) {
            p->unmet = p->script[i];
            break;
        }
        if (p->script[i][0] == '*')
            i++;
    }
    return NULL;
}

void
peer_start(struct peer *p, const char *path, const char *const script[])
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    *p = (struct peer){ .script = script };
    unlink(path);
    snprintf(address.sun_path, sizeof(address.sun_path), "%.100s", path);
    p->listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(p->listening, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(p->listening, 4), 0);
    assert_int_equal(pthread_create(&p->thread, NULL, run, p), 0);
}

void
peer_stop(struct peer *p)
{
    pthread_join(p->thread, NULL);
    close(p->listening);
    if (p->unmet != NULL)
        print_error("the client did not do as expected at: %s\nit said: %s\n", p->unmet,
            p->said);
    assert_null(p->unmet);
}
