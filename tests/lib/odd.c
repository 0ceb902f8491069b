/* SPDX-License-Identifier: Apache-2.0 */
/* A plug-in that goes wrong as FIRN_TEST_ODD says: load, crash, hang, refuse, a number that it
 * refuses with, stay (it does not go on), unready, old (it does not know of ready), or abi (it
 * is of another generation). */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "firn-plugin.h"

static int
is(const char *how)
{
    const char *wanted = getenv("FIRN_TEST_ODD");

    return wanted != NULL && strcmp(wanted, how) == 0;
}

static int
number(void)
{
    const char *wanted = getenv("FIRN_TEST_ODD");
    int n = 0;

    return wanted != NULL && sscanf(wanted, "%9d", &n) == 1 && n != 0 ? n : 5;
}

static int
quiesce(uint32_t deadline_ms, char *words, size_t size)
{
    (void)deadline_ms;
    if (is("crash"))
        (void)raise(SIGKILL);
    while (is("hang"))
        (void)pause();
    if (is("stay"))
        return 0;
    (void)snprintf(words, size, "I do not want to");
    return number();
}

static int
resume(uint32_t deadline_ms, char *words, size_t size)
{
    (void)deadline_ms;
    if (!is("stay"))
        return 0;
    (void)snprintf(words, size, "I like it here");
    return 6;
}

static int
ready(uint32_t deadline_ms, char *words, size_t size)
{
    (void)deadline_ms;
    (void)snprintf(words, size, "I am not ready");
    return is("unready") || is("old") ? 8 : 0;
}

FIRN_PLUGIN_EXPORT const struct firn_plugin *
firn_plugin_describe(void)
{
    static struct firn_plugin plugin = { FIRN_PLUGIN_ABI, sizeof(plugin), "odd", "1.0",
        "goes wrong", quiesce, resume, ready };

    if (is("load"))
        (void)raise(SIGKILL);
    if (is("abi"))
        plugin.abi += 98; /* of another generation */
    if (is("old"))
        plugin.size = offsetof(struct firn_plugin, ready); /* of before there was one */
    return &plugin;
}
