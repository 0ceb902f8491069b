/* SPDX-License-Identifier: Apache-2.0 */
/* A plug-in that needs a library which the tests have or have not. */
#include "firn-plugin.h"

int firn_test_runtime(int number);

static int
nothing(uint32_t deadline_ms, char *words, size_t size)
{
    (void)deadline_ms;
    (void)words;
    (void)size;
    return firn_test_runtime(0);
}

FIRN_PLUGIN_EXPORT const struct firn_plugin *
firn_plugin_describe(void)
{
    static const struct firn_plugin plugin = { FIRN_PLUGIN_ABI, sizeof(plugin), "needy", "1.0",
        "needs a library", nothing, nothing, NULL };

    return &plugin;
}
