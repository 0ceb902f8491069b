/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes from the other side of a socket: as lines with a limit, and as replies of a
 * monitor or an agent.  No line is over its limit or holds its end; no byte is lost or made
 * up; a dialogue ends with a reply or a code, never with a wait.
 *
 * The first byte chooses, the second is the limit in steps of eight. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "codes.h"
#include "dialog.h"
#include "line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BY_MS = 20000,
    AT_MOST = 64 * 1024 };

/* The reading end of a socket at whose other end ${data} was sent, and then no more. */
static int
sent(const uint8_t *data, size_t size)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        abort();
    if (size > 0 && send(ends[1], data, size, MSG_NOSIGNAL) != (ssize_t)size)
        abort();
    close(ends[1]);
    return ends[0];
}

static void
must_work(struct err *e)
{
    assert(e == NULL || err_code(e) == E_OutOfMemory);
    err_free(e);
}

static void
fuzz_lines(const uint8_t *data, size_t size, size_t max)
{
    struct deadline by = deadline_in_ms(BY_MS);
    enum line_state state = LINE_WHOLE;
    auto_ptr(line) l = NULL;
    size_t at = 0;

    must_work(line_from_fd(sent(data, size), &l));
    while (state == LINE_WHOLE || state == LINE_LONG) {
        struct view got = { 0 };
        must_work(line_next(l, max, by, &got, &state));
        assert(state != LINE_LATE);
        if (state == LINE_LONG) /* some of it is dropped: find the place again */
            return;
        if (state != LINE_WHOLE)
            break;
        assert(got.len <= max && got.len < size - at);
        assert(memcmp(got.data, data + at, got.len) == 0 && data[at + got.len] == '\n');
        assert(got.len == 0 || memchr(got.data, '\n', got.len) == NULL);
        at += got.len + 1;
    }
    assert(at == size || memchr(data + at, '\n', size - at) == NULL);
}

static void
fuzz_skip(const uint8_t *data, size_t size)
{
    struct deadline by = deadline_in_ms(BY_MS);
    const uint8_t *mark = size > 0 ? memchr(data, 0xff, size) : NULL;
    enum line_state state = LINE_WHOLE;
    auto_ptr(line) l = NULL;

    must_work(line_from_fd(sent(data, size), &l));
    must_work(line_skip_past(l, 0xff, AT_MOST, by, &state));
    assert(state == (mark != NULL ? LINE_WHOLE : LINE_CLOSED));
    if (mark == NULL)
        return;
    struct view got = { 0 };
    must_work(line_next(l, AT_MOST, by, &got, &state));
    if (state == LINE_WHOLE)
        assert(memcmp(got.data, mark + 1, got.len) == 0);
}

static struct err *
unreachable(const char *name)
{
    return fail(QmpUnreachable, name);
}

static struct err *
silent(const char *name, const char *what)
{
    return fail(QmpSilent, name, what);
}

static struct err *
gone(const char *name, const char *what)
{
    return fail(QmpGone, name, what);
}

static struct err *
wrong(const char *name, const char *why)
{
    for (const char *s = why; *s != '\0'; s++)
        assert((unsigned char)*s >= ' ' && *s != 0x7f);
    return fail(QmpWrong, name, why);
}

static struct err *
on_event(void *arg, json_t *event, size_t len)
{
    size_t *n = arg;

    assert(json_is_object(event) && len > 0);
    *n += 1;
    return NULL;
}

static void
fuzz_reply(const uint8_t *data, size_t size, size_t max, bool agent)
{
    static const struct dialog_failures failures = { unreachable, silent, gone, wrong };
    struct dialog_refusal no = { 0 };
    struct dialog d = { .ids_may_lack = agent, .last_id = 1 };
    json_t *value = NULL;
    size_t nevents = 0;

    if (!agent) {
        d.event = on_event;
        d.event_arg = &nevents;
    }
    must_work(dialog_over(&d, sent(data, size), "it", &failures));
    struct err *e = dialog_reply(&d, "x", max, deadline_in_ms(BY_MS), &value, &no);
    assert(err_code(e) != E_QmpSilent);
    assert((e == NULL && !no.refused) == (value != NULL));
    assert(e == NULL || value == NULL);
    for (const char *s = no.words; *s != '\0'; s++)
        assert((unsigned char)*s >= ' ');
    json_decref(value);
    err_free(e);
    dialog_done(&d);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > AT_MOST)
        return 0;
    size_t max = 8 * (size_t)data[1];
    switch (data[0] % 4) {
    case 0:
        fuzz_lines(data + 2, size - 2, max);
        break;
    case 1:
        fuzz_skip(data + 2, size - 2);
        break;
    default:
        fuzz_reply(data + 2, size - 2, 16 * max, data[0] % 4 == 3);
    }
    return 0;
}
