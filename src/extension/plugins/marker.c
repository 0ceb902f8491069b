/* SPDX-License-Identifier: Apache-2.0 */
/* marker -- the smallest plug-in that does something: while its application is at rest a
 * file stands in the file system, so that a snapshot shows in what state it was taken.
 *
 * The file is named by FIRN_MARKER.  Quiescing writes it and makes it durable; resuming
 * removes it.  It is also the model for plug-ins of others: it includes firn-plugin.h and
 * nothing else of firn. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef _WIN32
#include <io.h>
#define DEFAULT_MARKER "C:\\ProgramData\\firn\\at-rest"
#define make_durable(fd) _commit(fd)
#else
#include <unistd.h>
#define DEFAULT_MARKER "/var/lib/firn/at-rest"
#define make_durable(fd) fsync(fd)
#endif

#include "../firn-plugin.h"

static const char *
marker(void)
{
    const char *path = getenv("FIRN_MARKER");

    return path != NULL && *path != '\0' ? path : DEFAULT_MARKER;
}

static int
fails(const char *what, char *words, size_t size)
{
    int number = errno != 0 ? errno : EIO;

    (void)snprintf(words, size, "%s: cannot %s: %s", marker(), what, strerror(number));
    return number;
}

static int
quiesce(uint32_t deadline_ms, char *words, size_t size)
{
    FILE *f = fopen(marker(), "w");
    int bad;

    (void)deadline_ms; /* nothing here waits for anybody */
    if (f == NULL)
        return fails("write", words, size);
    bad = fputs("the applications of this machine are at rest\n", f) < 0 || fflush(f) != 0 ||
          make_durable(fileno(f)) != 0;
    if (bad)
        (void)fails("write", words, size);
    if (fclose(f) != 0 || bad)
        return errno != 0 ? errno : EIO;
#ifndef _WIN32
    sync();
#endif
    return 0;
}

static int
resume(uint32_t deadline_ms, char *words, size_t size)
{
    (void)deadline_ms;
    if (remove(marker()) != 0 && errno != ENOENT)
        return fails("remove", words, size);
    return 0;
}

FIRN_PLUGIN_EXPORT const struct firn_plugin *
firn_plugin_describe(void)
{
    static const struct firn_plugin plugin = {
        .abi = FIRN_PLUGIN_ABI,
        .size = sizeof(plugin),
        .name = "marker",
        .version = "1.0",
        .about = "marks in a file that the machine is at rest",
        .quiesce = quiesce,
        .resume = resume,
    };

    return &plugin;
}
