/* SPDX-License-Identifier: Apache-2.0 */
/* nbd_liar.c -- newstyle negotiation with structured replies, from the protocol's text. */
#include "check.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "auto.h"
#include "nbd_liar.h"

static void
be(uint8_t *to, uint64_t v, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        to[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
}

static uint64_t
from_be(const uint8_t *p, unsigned n)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < n; i++)
        v = v << 8 | p[i];
    return v;
}

static bool
get(int fd, void *to, size_t len)
{
    return len == 0 || recv(fd, to, len, MSG_WAITALL) == (ssize_t)len;
}

static void
put(int fd, const void *from, size_t len)
{
    (void)!send(fd, from, len, MSG_NOSIGNAL);
}

static void
reply_option(int fd, uint32_t option, uint32_t type, const uint8_t *data, uint32_t len)
{
    uint8_t head[20];

    be(head, 0x3e889045565a9, 8);
    be(head + 8, option, 4);
    be(head + 12, type, 4);
    be(head + 16, len, 4);
    put(fd, head, sizeof(head));
    put(fd, data, len);
}

static void
reply_export(int fd, const struct nbd_liar *l, uint32_t option)
{
    uint8_t info[14] = { 0 };

    be(info, 0, 2); /* NBD_INFO_EXPORT: size and flags */
    be(info + 2, l->kind == NBD_HUGE_EXPORT ? UINT64_MAX : l->size, 8);
    be(info + 10, 1 | 2, 2); /* has flags, read-only */
    reply_option(fd, option, 3, info, 12);
    if (l->kind == NBD_ODD_BLOCK_SIZE || l->kind == NBD_MIN_OVER_MAX) {
        be(info, 3, 2); /* NBD_INFO_BLOCK_SIZE */
        be(info + 2, l->kind == NBD_ODD_BLOCK_SIZE ? 1000 : 65536, 4);
        be(info + 6, 65536, 4);
        be(info + 10, l->kind == NBD_ODD_BLOCK_SIZE ? 65536 : 4096, 4);
        reply_option(fd, option, 3, info, 14);
    }
    reply_option(fd, option, 1, NULL, 0);
}

/* ${data}: length and name of the export, number of names, length and name of each. */
static void
agree_on_contexts(int fd, const uint8_t *data, uint32_t len)
{
    uint32_t at = 4 + (uint32_t)from_be(data, 4);
    uint64_t n = from_be(data + at, 4);
    uint8_t context[1200];

    at += 4;
    for (uint64_t i = 1; i <= n; i++) {
        uint32_t name = (uint32_t)from_be(data + at, 4);

        assert_true(name <= sizeof(context) - 4 && at + 4 + name <= len);
        be(context, i, 4);
        memcpy(context + 4, data + at + 4, name);
        reply_option(fd, 10, 4, context, 4 + name);
        at += 4 + name;
    }
}

/* Until an export is chosen; false when the client left. */
static bool
talk_options(int fd, const struct nbd_liar *l)
{
    uint8_t head[16], data[4096];

    for (;;) {
        if (!get(fd, head, 16))
            return false;
        uint32_t option = (uint32_t)from_be(head + 8, 4), len = (uint32_t)from_be(head + 12, 4);
        if (len > sizeof(data) || !get(fd, data, len))
            return false;
        switch (option) {
        case 8: /* structured replies: yes */
            reply_option(fd, option, 1, NULL, 0);
            break;
        case 10: /* each that is asked for, numbered from 1 on */
            agree_on_contexts(fd, data, len);
            reply_option(fd, option, 1, NULL, 0);
            break;
        case 6: /* info */
        case 7: /* go */
            reply_export(fd, l, option);
            if (option == 7)
                return true;
            break;
        default:
            reply_option(fd, option, 0x80000001, NULL, 0);
        }
    }
}

static void
reply_part(int fd, bool last, uint16_t type, const uint8_t *cookie, const void *data,
    uint32_t len)
{
    uint8_t head[20];

    be(head, 0x668e33ef, 4);
    be(head + 4, last, 2);
    be(head + 6, type, 2);
    memcpy(head + 8, cookie, 8);
    be(head + 16, len, 4);
    put(fd, head, sizeof(head));
    put(fd, data, len);
}

static void
reply_chunk(int fd, uint16_t type, const uint8_t *cookie, const void *data, uint32_t len)
{
    reply_part(fd, true, type, cookie, data, len);
}

/* One range for each context: number, length, flags. */
static void
reply_extents(int fd, const struct nbd_liar *l, const uint8_t *cookie)
{
    uint8_t data[12];
    bool only = l->kind < NBD_DIRTY_UNTOLD || l->kind > NBD_NONSENSES; /* no bitmap */

    be(data, 1, 4);
    be(data + 4, l->kind == NBD_EMPTY_EXTENT ? 0 : only ? 0xffffffff : 65536, 4);
    be(data + 8, 3, 4);
    if (only || l->kind == NBD_DIRTY_UNTOLD) {
        reply_chunk(fd, 5, cookie, data, sizeof(data));
        return;
    }
    if (l->kind == NBD_DIRTY_REFUSED) {
        be(data, 22, 4); /* EINVAL, and no words */
        be(data + 4, 0, 2);
        reply_chunk(fd, 0x8001, cookie, data, 6);
        return;
    }
    reply_part(fd, false, 5, cookie, data, sizeof(data));
    be(data, 2, 4);
    be(data + 4, l->kind == NBD_DIRTY_EMPTY ? 0 : 0xffffffff, 4);
    be(data + 8, 1, 4);
    reply_chunk(fd, 5, cookie, data, sizeof(data));
}

static void
reply_request(int fd, const struct nbd_liar *l, const uint8_t *request)
{
    uint8_t data[8192] = { 0 }, cookie[8];
    uint64_t off = from_be(request + 16, 8);
    uint32_t len = (uint32_t)from_be(request + 24, 4);

    memcpy(cookie, request + 8, 8);
    if (l->kind == NBD_WRONG_COOKIE)
        cookie[0] ^= 0xff;
    if (from_be(request + 6, 2) == 7) { /* block status */
        reply_extents(fd, l, cookie);
        return;
    }
    if (len > 4096)
        len = 4096;
    be(data, off, 8);
    if (l->kind == NBD_READ_TOO_LONG)
        len += 512;
    if (l->kind == NBD_HALF_A_READ) {
        uint8_t head[20] = { 0 };
        be(head, 0x668e33ef, 4);
        be(head + 4, 1, 2);
        be(head + 6, 1, 2);
        memcpy(head + 8, cookie, 8);
        be(head + 16, 8 + len, 4);
        put(fd, head, sizeof(head));
        put(fd, data, 8 + len / 2);
        shutdown(fd, SHUT_RDWR);
        return;
    }
    reply_chunk(fd, 1, cookie, data, 8 + len);
}

/* False when the client left. */
static bool
gather(int fd, const struct nbd_liar *l)
{
    uint8_t request[NBD_GATHERED][28];

    for (int i = 0; i < NBD_GATHERED; i++)
        if (!get(fd, request[i], sizeof(request[i])))
            return false;
    for (int i = NBD_GATHERED - 1; i >= 0 && l->kind == NBD_GATHERS; i--)
        reply_request(fd, l, request[i]);
    return true;
}

static void *
lie(void *arg)
{
    const struct nbd_liar *l = arg;
    uint8_t greeting[18], flags[4], request[28];
    bool gathers = l->kind == NBD_GATHERS || l->kind == NBD_GATHERS_AND_DIES;
    auto_fd int fd = accept(l->listening, NULL, NULL);

    if (fd < 0 || l->kind == NBD_CLOSES_AT_ONCE)
        return NULL;
    if (l->kind == NBD_SILENT_GREETING) {
        (void)!get(fd, flags, 4); /* until the client leaves */
        return NULL;
    }
    memcpy(greeting, l->kind == NBD_GARBAGE_GREETING ? "HTTP/1.1" : "NBDMAGIC", 8);
    memcpy(greeting + 8, "IHAVEOPT", 8);
    be(greeting + 16, 3, 2);
    put(fd, greeting, sizeof(greeting));
    if (!get(fd, flags, 4) || !talk_options(fd, l))
        return NULL;
    if (gathers && (!gather(fd, l) || l->kind == NBD_GATHERS_AND_DIES))
        return NULL;
    while (get(fd, request, sizeof(request)) && from_be(request + 6, 2) != 2)
        reply_request(fd, l, request);
    return NULL;
}

void
nbd_liar_start(struct nbd_liar *l, enum nbd_nonsense kind, const char *sock)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    l->kind = kind;
    l->size = 65536;
    unlink(sock);
    snprintf(address.sun_path, sizeof(address.sun_path), "%.100s", sock);
    l->listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(l->listening, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(l->listening, 1), 0);
    assert_int_equal(pthread_create(&l->thread, NULL, lie, l), 0);
}

void
nbd_liar_stop(struct nbd_liar *l)
{
    pthread_join(l->thread, NULL);
    close(l->listening);
}
