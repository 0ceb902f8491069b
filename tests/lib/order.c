/* SPDX-License-Identifier: Apache-2.0 */
/* A plug-in that writes down what it is asked, and of which package it is, which is the name of
 * the folder three above its own: a line "quiesce Firn.Some" at the end of the file that
 * FIRN_TEST_ORDER names.  Where a file of that name with ".Firn.Some" behind it exists, that
 * package's does not come to rest. */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "firn-plugin.h"

/* <root>/<package>/<version>/bin/order.so */
static int
own_package(char to[256])
{
    char path[1024], *at;
    Dl_info self;

    if (dladdr((const void *)&firn_plugin_describe, &self) == 0 ||
        strlen(self.dli_fname) >= sizeof(path))
        return 0;
    memcpy(path, self.dli_fname, strlen(self.dli_fname) + 1);
    for (int up = 0; up < 3; up++) {
        at = strrchr(path, '/');
        if (at == NULL)
            return 0;
        *at = '\0';
    }
    at = strrchr(path, '/');
    return at != NULL && snprintf(to, 256, "%s", at + 1) < 256;
}

static int
note(const char *what, char *words, size_t size)
{
    const char *file = getenv("FIRN_TEST_ORDER");
    char package[256], refuse[1024];
    FILE *f = file != NULL && own_package(package) ? fopen(file, "a") : NULL;

    if (f == NULL)
        return ENOENT;
    (void)fprintf(f, "%s %s\n", what, package);
    if (fclose(f) != 0)
        return EIO;
    (void)snprintf(refuse, sizeof(refuse), "%s.%s", file, package);
    if (strcmp(what, "quiesce") != 0 || access(refuse, F_OK) != 0)
        return 0;
    (void)snprintf(words, size, "it was told not to");
    return EBUSY;
}

static int
quiesce(uint32_t deadline_ms, char *words, size_t size)
{
    (void)deadline_ms;
    return note("quiesce", words, size);
}

static int
resume(uint32_t deadline_ms, char *words, size_t size)
{
    (void)deadline_ms;
    return note("resume", words, size);
}

FIRN_PLUGIN_EXPORT const struct firn_plugin *
firn_plugin_describe(void)
{
    static const struct firn_plugin plugin = { FIRN_PLUGIN_ABI, sizeof(plugin), "order", "1.0",
        "writes down what it is asked", quiesce, resume, NULL };

    return &plugin;
}
