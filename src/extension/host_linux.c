/* SPDX-License-Identifier: Apache-2.0 */
/* host.h by dlopen.  The loader has no numbers, only words, which are those of the C locale
 * here; the reason is read from them. */
#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "host.h"

static enum host_reason
reason_of(const char *words)
{
    static const struct {
        const char *words;
        enum host_reason reason;
    } known[] = {
        { "cannot open shared object file: No such file", HOST_MISSING },
        { "cannot open shared object file", HOST_REFUSED },
        { "' not found (required by", HOST_VERSION },
        { "undefined symbol", HOST_SYMBOL },
        { "wrong ELF class", HOST_FORMAT },
        { "invalid ELF header", HOST_FORMAT },
        { "file too short", HOST_FORMAT },
        { "cannot map", HOST_REFUSED },
        { "failed to map", HOST_REFUSED },
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strstr(words, known[i].words) != NULL)
            return known[i].reason;
    return HOST_OTHER;
}

void
host_load(const char *library, bool system, struct host_library *ret)
{
    struct link_map *map = NULL;
    const char *words;

    (void)system; /* a name without a slash is searched, a path is not */
    ret->handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (ret->handle == NULL) {
        words = dlerror();
        (void)snprintf(ret->words, sizeof(ret->words), "%s", words != NULL ? words : "");
        ret->reason = reason_of(ret->words);
        return;
    }
    ret->reason = HOST_LOADED;
    if (dlinfo(ret->handle, RTLD_DI_LINKMAP, &map) == 0 && map->l_name != NULL)
        (void)snprintf(ret->path, sizeof(ret->path), "%s", map->l_name);
}

void *
host_symbol(const struct host_library *l, const char *name)
{
    return dlsym(l->handle, name);
}

int
host_own_output(void)
{
    int fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 10);

    if (fd < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
        return -1;
    (void)signal(SIGPIPE, SIG_IGN); /* the extension may be gone when a resume is due */
    return fd;
}

void
host_end_in(uint32_t seconds)
{
    (void)alarm(seconds);
}

int
host_line(char *to, unsigned long size, uint32_t deadline_ms)
{
    struct deadline by = deadline_in_ms(deadline_ms);
    struct pollfd fd = { .fd = STDIN_FILENO, .events = POLLIN };
    unsigned long n = 0;

    for (;;) {
        char c;

        if (poll(&fd, 1, deadline_poll_ms(by)) == 0)
            return 0;
        if (read(STDIN_FILENO, &c, 1) != 1 || n + 1 == size)
            return -1;
        if (c == '\n')
            break;
        to[n++] = c;
    }
    to[n] = '\0';
    return 1;
}

int
main(int argc, char **argv)
{
    return host_main(argc, argv);
}
