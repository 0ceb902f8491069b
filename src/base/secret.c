/* SPDX-License-Identifier: Apache-2.0 */
/* Memory comes from sodium_malloc: locked, between guard pages, wiped when it is freed.  It
 * ends exactly at a guard page, so sizes are rounded up to keep the struct aligned.  What is
 * read from a file or a terminal goes straight there, never through a buffer of stdio. */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "codes.h"
#include "secret.h"
#include "stop.h"

#define LINE_MAX_BYTES 4096

struct err *
secret_new(size_t len, struct secret **ret)
{
    struct secret *s;
    size_t size;

    if (sodium_init() < 0)
        return fail(InternalError, "libsodium cannot be used");
    if (__builtin_add_overflow(len, sizeof(*s) + 15, &size))
        return fail(OutOfMemory);
    s = sodium_malloc(size & ~(size_t)15);
    if (s == NULL)
        return fail(OutOfMemory);
    memset(s, 0, size & ~(size_t)15);
    s->len = len;
    *ret = s;
    return NULL;
}

struct err *
secret_copy(const void *data, size_t len, struct secret **ret)
{
    TRY(secret_new(len, ret));
    if (len > 0)
        memcpy((*ret)->data, data, len);
    return NULL;
}

/* One line from ${fd} to ${line}, byte by byte on a terminal.  *ret_long: it goes on.  An
 * errno, or 0. */
static int
read_line(int fd, struct secret *line, bool *ret_long)
{
    size_t n = 0;

    *ret_long = false;
    while (n < LINE_MAX_BYTES + 1) {
        ssize_t got = read(fd, line->data + n, 1);

        if (got < 0 && errno == EINTR && !stop_requested())
            continue;
        if (got < 0)
            return errno;
        if (got == 0 || line->data[n] == '\n')
            break;
        n++;
    }
    *ret_long = n > LINE_MAX_BYTES;
    line->len = n;
    return 0;
}

struct err *
secret_from_file(const char *path, struct secret **ret)
{
    auto_ptr(secret) line = NULL;
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool too_long;
    int number;

    if (fd < 0)
        return fail(FileUnreadable, path);
    TRY(secret_new(LINE_MAX_BYTES + 1, &line));
    number = read_line(fd, line, &too_long);
    if (number != 0)
        return err_with_os(fail(FileUnreadable, path), number);
    if (too_long)
        return fail(InputInvalid, path, "its first line is longer than 4096 bytes");
    if (line->len == 0)
        return fail(SecretEmpty, path);
    *ret = take(line);
    return NULL;
}

static void
say(int tty, const char *text)
{
    size_t len = strlen(text);

    while (len > 0) {
        ssize_t n = write(tty, text, len);

        if (n <= 0)
            return; /* the answer still counts when the question cannot be shown */
        text += n;
        len -= (size_t)n;
    }
}

/* Ask once; the terminal shows nothing meanwhile and is as before afterwards. */
static struct err *
ask(int tty, const char *prompt, struct secret **ret)
{
    auto_ptr(secret) line = NULL;
    struct termios before, quiet;
    bool too_long;
    int number;

    TRY(secret_new(LINE_MAX_BYTES + 1, &line));
    if (tcgetattr(tty, &before) != 0)
        return fail(SecretMissing);
    quiet = before;
    quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
    quiet.c_lflag |= ICANON;
    say(tty, prompt);
    if (tcsetattr(tty, TCSAFLUSH, &quiet) != 0)
        return fail(SecretMissing);
    number = read_line(tty, line, &too_long);
    (void)tcsetattr(tty, TCSAFLUSH, &before);
    say(tty, "\n");
    TRY(stop_check());
    if (number != 0)
        return err_with_os(fail(FileUnreadable, "/dev/tty"), number);
    if (too_long)
        return fail(InputInvalid, "what was typed", "it is longer than 4096 bytes");
    if (line->len == 0)
        return fail(SecretEmpty, "what was typed");
    *ret = take(line);
    return NULL;
}

struct err *
secret_ask(const char *prompt, bool twice, struct secret **ret)
{
    auto_fd int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    auto_ptr(secret) first = NULL;
    auto_ptr(secret) second = NULL;

    if (tty < 0)
        return fail(SecretMissing);
    TRY(ask(tty, prompt, &first));
    if (twice) {
        TRY(ask(tty, "The same again: ", &second));
        if (first->len != second->len ||
            sodium_memcmp(first->data, second->data, first->len) != 0)
            return fail(SecretDiffers);
    }
    *ret = take(first);
    return NULL;
}

void
secret_free(struct secret *s)
{
    int kept = errno;

    sodium_free(s); /* wipes; accepts NULL */
    errno = kept;
}
