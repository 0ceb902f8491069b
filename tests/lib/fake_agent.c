/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "fake_agent.h"

enum { LINE = 65536 };

struct serving {
    struct fake_shared *s;
    int fd, events, go;
    const char *printed; /* by the program that ran last; NULL: none did */
    int exit;
};

static void
event(struct serving *v, char letter)
{
    (void)!write(v->events, &letter, 1);
}

static void
say(struct serving *v, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = send(v->fd, text, len, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        text += n;
        len -= (size_t)n;
    }
}

/* Takes ${o}. */
static void
reply(struct serving *v, json_t *o, json_t *id)
{
    char *text;

    if (id != NULL)
        json_object_set(o, "id", id);
    text = json_dumps(o, JSON_COMPACT);
    say(v, text, strlen(text));
    say(v, "\n", 1);
    free(text);
    json_decref(o);
}

static void
answer(struct serving *v, json_t *value, json_t *id)
{
    reply(v, json_pack("{s:o}", "return", value), id);
}

static void
refuse(struct serving *v, const char *class, json_t *id)
{
    reply(v, json_pack("{s:{s:s, s:s}}", "error", "class", class, "desc", "it may not be"), id);
}

static void
many(struct serving *v, const char *piece, size_t total)
{
    for (size_t n = 0; n < total; n += strlen(piece))
        say(v, piece, strlen(piece));
}

/* The answer ${value}, in the way of ${odd}; false: hang up. */
static bool
answer_oddly(struct serving *v, enum fake_odd odd, json_t *value, json_t *id)
{
    struct pollfd more = { .fd = v->fd, .events = POLLIN };
    json_t *other;

    switch (odd) {
    case ODD_LATE:
        (void)poll(&more, 1, -1);
        break;
    case ODD_MUTE:
    case ODD_DEAF:
        json_decref(value);
        return true;
    case ODD_HALF:
        json_decref(value);
        say(v, "{\"return\": ", 11);
        return true;
    case ODD_OTHER_ID:
        other = json_integer(424242);
        answer(v, value, other);
        json_decref(other);
        return true;
    case ODD_NO_JSON:
        json_decref(value);
        say(v, "gefroren\n", 9);
        return true;
    case ODD_FLOOD:
        json_decref(value);
        many(v, "{\"return\": 3, \"id\": 424242}\n", 1 << 20);
        return true;
    case ODD_OVERSIZED:
        json_decref(value);
        many(v, "[[[[[[[[[[[[[[[[", 5 << 20);
        say(v, "\n", 1);
        return true;
    case ODD_CLOSE:
        json_decref(value);
        return false;
    default:
        break;
    }
    answer(v, value, id);
    return true;
}

static void
wait_for_go(struct serving *v, _Atomic int *flag)
{
    char byte;

    if (atomic_exchange(flag, 0) != 0)
        (void)!read(v->go, &byte, 1);
}

static int
freeze(struct serving *v, int n)
{
    event(v, 'F');
    wait_for_go(v, &v->s->wait_freeze);
    v->s->frozen = n;
    v->s->froze_ns = clock_mono_ns();
    v->s->freezes++;
    event(v, 'f');
    return n;
}

static int
thaw(struct serving *v)
{
    event(v, 'T');
    wait_for_go(v, &v->s->wait_thaw);
    int n = atomic_exchange(&v->s->frozen, 0);
    if (n > 0)
        v->s->thawed_ns = clock_mono_ns();
    v->s->thaws++;
    event(v, 't');
    return n;
}

/* ---- programs in the guest: what finds the extension, and the extension ---- */

#define PLUGINS "/var/lib/firn/plugins/Firn.Fake"

static const char *
resumed(struct serving *v)
{
    v->exit = v->s->resumed[0] == '\0' ? 2 : 0; /* as an older one, which does not know it */
    if (v->s->busy <= 0)
        return v->s->resumed;
    v->s->busy--;
    return "{\"schema\": 1, \"state\": \"busy\"}";
}

static json_t *
start_program(struct serving *v, json_t *arguments)
{
    const char *path = json_string_value(json_object_get(arguments, "path"));
    const char *word = json_string_value(json_array_get(json_object_get(arguments, "arg"), 0));
    bool found = path != NULL && strcmp(path, "/usr/bin/find") == 0;

    if (v->s->prepare[0] == '\0' || path == NULL || word == NULL)
        return NULL;
    v->exit = !found && strcmp(word, "freeze") == 0;
    v->printed = found                   ? PLUGINS "/1.0.0.0/bin/firn-extension\n"
        : strcmp(word, "prepare") == 0 ? v->s->prepare
        : strcmp(word, "freeze") == 0  ? v->s->helper_freeze
        : strcmp(word, "resumed") == 0 ? resumed(v)
                                       : "{\"folder\": \"" PLUGINS "/1.0.0.0\"}";
    return json_pack("{s:i}", "pid", 7);
}

static json_t *
program_status(const struct serving *v)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *s = (const unsigned char *)v->printed;
    size_t len = strlen(v->printed), n = 0;
    char text[800];

    for (size_t i = 0; i < len && n + 5 < sizeof(text); i += 3) {
        unsigned more = len - i > 2 ? 2 : (unsigned)(len - i - 1);
        unsigned bits = (unsigned)s[i] << 16 | (more > 0 ? (unsigned)s[i + 1] << 8 : 0) |
                        (more > 1 ? s[i + 2] : 0);

        for (unsigned k = 0; k < 4; k++)
            text[n++] = k > more + 1 ? '=' : digits[bits >> (18 - 6 * k) & 63];
    }
    text[n] = '\0';
    return json_pack("{s:b, s:i, s:s}", "exited", 1, "exitcode", v->exit, "out-data", text);
}

static json_t *
info(struct serving *v)
{
    static const char *const names[] = { "guest-ping", "guest-fsfreeze-freeze",
        "guest-fsfreeze-freeze-list", "guest-fsfreeze-thaw", "guest-fsfreeze-status",
        "guest-get-osinfo", "guest-exec", "guest-exec-status" };
    json_t *list = json_array();

    size_t n = sizeof(names) / sizeof(names[0]) - (v->s->prepare[0] != '\0' ? 0 : 2);
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_pack("{s:s, s:b}", "name", names[i], "enabled",
                                        !(v->s->no_freeze && strstr(names[i], "-freeze"))));
    return json_pack("{s:s, s:o}", "version", "7.2.0", "supported_commands", list);
}

static json_t *
carry_out(struct serving *v, const char *c, bool really, json_t *arguments)
{
    json_t *list = json_object_get(arguments, "mountpoints");

    if (strcmp(c, "fsfreeze-freeze") == 0)
        return json_integer(really ? freeze(v, v->s->mounts) : 0);
    if (strcmp(c, "fsfreeze-freeze-list") == 0)
        return json_integer(really ? freeze(v, (int)json_array_size(list)) : 0);
    if (strcmp(c, "fsfreeze-thaw") == 0)
        return json_integer(really ? thaw(v) : 0);
    if (strcmp(c, "fsfreeze-status") == 0)
        return json_string(really && v->s->frozen ? "frozen" : "thawed");
    if (strcmp(c, "get-osinfo") == 0)
        return json_pack("{s:s}", "id", "debian");
    if (strcmp(c, "exec") == 0)
        return start_program(v, arguments);
    if (strcmp(c, "exec-status") == 0 && v->printed != NULL)
        return program_status(v);
    if (strcmp(c, "ping") == 0)
        return json_object();
    return strcmp(c, "info") == 0 ? info(v) : NULL;
}

static void
synchronised(struct serving *v, json_t *arguments)
{
    char text[80];

    snprintf(text, sizeof(text), "\xff{\"return\": %lld}\n",
        (long long)json_integer_value(json_object_get(arguments, "id")));
    say(v, text, strlen(text));
}

static enum fake_odd
odd_now(struct serving *v, const char *command)
{
    if (v->s->odd_times <= 0 || strcmp(v->s->odd_command, command) != 0)
        return ODD_NOT;
    v->s->odd_times--;
    return (enum fake_odd)v->s->odd;
}

/* False: hang up. */
static bool
serve_line(struct serving *v, const char *line)
{
    json_t *o = json_loads(line, 0, NULL), *arguments = json_object_get(o, "arguments");
    const char *full = json_string_value(json_object_get(o, "execute"));
    json_t *id = json_object_get(o, "id"), *value;
    bool goes_on = true;

    if (full == NULL || strncmp(full, "guest-", 6) != 0) {
        json_decref(o);
        return true; /* half a request that another one was put before */
    }
    if (strcmp(full, "guest-sync-delimited") == 0) {
        synchronised(v, arguments);
        json_decref(o);
        return true;
    }
    enum fake_odd odd = odd_now(v, full + 6);
    bool really = odd != ODD_REFUSE && odd != ODD_DEAF && odd != ODD_LIE;
    bool forbidden = v->s->no_freeze && strncmp(full, "guest-fsfreeze-freeze", 21) == 0;
    value = odd == ODD_REFUSE || forbidden ? NULL
                                           : carry_out(v, full + 6, really, arguments);
    if (value == NULL)
        refuse(v, odd == ODD_REFUSE ? "GenericError" : "CommandNotFound", id);
    else
        goes_on = answer_oddly(v, odd, value, id);
    json_decref(o);
    return goes_on;
}

/* 0xFF makes it forget what came before. */
static void
serve_client(struct serving *v)
{
    static char line[LINE];
    size_t n = 0;
    char c;

    while (recv(v->fd, &c, 1, 0) == 1) {
        if (c == '\xff')
            n = 0;
        else if (c != '\n' && n + 1 < sizeof(line))
            line[n++] = c;
        if (c != '\n')
            continue;
        line[n] = '\0';
        n = 0;
        if (!serve_line(v, line))
            return;
    }
}

static _Noreturn void
serve(struct serving *v, int listening)
{
    struct ucred who = { 0 };
    socklen_t len;

    for (;;) {
        v->fd = accept(listening, NULL, NULL);
        if (v->fd < 0)
            _exit(1);
        len = sizeof(who);
        (void)getsockopt(v->fd, SOL_SOCKET, SO_PEERCRED, &who, &len);
        v->s->client = who.pid;
        event(v, 'C');
        serve_client(v);
        close(v->fd);
    }
}

void
fake_agent_start(struct fake_agent *a, const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int events[2], go[2], listening;

    unlink(path);
    snprintf(address.sun_path, sizeof(address.sun_path), "%.100s", path);
    listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listening, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listening, 8), 0);
    assert_int_equal(pipe2(events, O_CLOEXEC), 0);
    assert_int_equal(pipe2(go, O_CLOEXEC), 0);
    a->s = mmap(NULL, sizeof(*a->s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
        0);
    assert_true(a->s != MAP_FAILED);
    a->s->mounts = 2;
    a->pid = fork();
    if (a->pid == 0) {
        struct serving v = { .s = a->s, .events = events[1], .go = go[0] };
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        serve(&v, listening);
    }
    close(listening);
    close(events[1]);
    close(go[0]);
    a->events = events[0];
    a->go = go[1];
}

void
fake_agent_odd(struct fake_agent *a, const char *command, enum fake_odd odd, int times)
{
    snprintf(a->s->odd_command, sizeof(a->s->odd_command), "%s", command);
    a->s->odd = (int)odd;
    a->s->odd_times = times;
}

bool
fake_agent_saw(struct fake_agent *a, char letter, int64_t ms)
{
    struct deadline by = deadline_in_ms(ms);
    struct pollfd p = { .fd = a->events, .events = POLLIN };
    char c = 0;

    while (c != letter) {
        if (poll(&p, 1, deadline_poll_ms(by)) != 1 || read(a->events, &c, 1) != 1)
            return false;
    }
    return true;
}

void
fake_agent_go(struct fake_agent *a)
{
    assert_int_equal(write(a->go, "g", 1), 1);
}

void
fake_agent_thaw(struct fake_agent *a)
{
    a->s->frozen = 0;
    a->s->thawed_ns = clock_mono_ns();
}

void
fake_agent_stop(struct fake_agent *a)
{
    kill(a->pid, SIGKILL);
    waitpid(a->pid, NULL, 0);
    close(a->events);
    close(a->go);
    munmap(a->s, sizeof(*a->s));
}
