/* SPDX-License-Identifier: Apache-2.0 */
/* chain_look.c -- what the kernel says; each answer is one line of text. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "chain_look.h"
#include "codes.h"

enum { LINE_MAX_LEN = 1024, START_FIELD = 22 };

__attribute__((format(printf, 2, 3))) static struct err *
print(char **to, const char *format, ...)
{
    va_list args;
    char *made;

    va_start(args, format);
    int n = vasprintf(&made, format, args);
    va_end(args);
    if (n < 0)
        return fail(OutOfMemory);
    free(*to);
    *to = made;
    return NULL;
}

/* The first line of a file of the kernel's; "" when there is none. */
static void
first_line(const char *path, char line[LINE_MAX_LEN])
{
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, line, LINE_MAX_LEN - 1);

    line[n > 0 ? n : 0] = '\0';
    line[strcspn(line, "\n")] = '\0';
}

struct err *
chain_look_image(const char *path, struct chain *to)
{
    auto_free char *real = realpath(path, NULL);
    struct statx st;

    if (real == NULL)
        return NULL;
    TRY(print(&to->image, "%s", real));
    if (statx(AT_FDCWD, real, 0, STATX_TYPE | STATX_INO | STATX_BTIME, &st) != 0 ||
        !S_ISREG(st.stx_mode) || (st.stx_mask & STATX_INO) == 0)
        return NULL;
    if ((st.stx_mask & STATX_BTIME) == 0)
        TRY(print(&to->file, "%" PRIu64, (uint64_t)st.stx_ino));
    else
        TRY(print(&to->file, "%" PRIu64 " born %" PRId64 ".%09" PRIu32, (uint64_t)st.stx_ino,
            (int64_t)st.stx_btime.tv_sec, st.stx_btime.tv_nsec));
    return NULL;
}

/* Its name may hold blanks and parentheses, so the fields are counted after the last. */
static const char *
start_of(const char *stat)
{
    const char *at = strrchr(stat, ')');

    for (int field = 2; at != NULL && field < START_FIELD; field++) {
        at = strchr(at, ' ');
        at = at != NULL ? at + 1 : NULL;
    }
    return at;
}

struct err *
chain_look_process(pid_t pid, struct chain *to)
{
    char path[64], line[LINE_MAX_LEN];

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    first_line(path, line);
    const char *start = start_of(line);
    if (start != NULL)
        TRY(print(&to->process, "%d started at tick %.*s", (int)pid, (int)strcspn(start, " "),
            start));
    return NULL;
}

struct err *
chain_look_host(struct chain *to)
{
    char line[LINE_MAX_LEN];

    first_line("/proc/sys/kernel/random/boot_id", line);
    if (line[0] != '\0')
        TRY(print(&to->boot, "%s", line));
    first_line("/etc/machine-id", line);
    if (line[0] != '\0')
        TRY(print(&to->host, "%s", line));
    return NULL;
}
