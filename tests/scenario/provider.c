/* SPDX-License-Identifier: Apache-2.0 */
/* iaasvmprovider.dll -- a plug-in that, like the provider of the mission's extension, is
 * linked against the Visual C++ 2013 runtime: without it the loader refuses it. */
#include <windows.h>

#include "firn-plugin.h"

__declspec(dllimport) int _purecall(void);
__declspec(dllimport) void _Thrd_yield(void);

BOOL WINAPI
DllMain(HINSTANCE module, DWORD reason, void *reserved)
{
    (void)module;
    (void)reason;
    (void)reserved;
    return TRUE;
}

static int
yield(uint32_t deadline_ms, char *words, size_t words_size)
{
    (void)deadline_ms;
    (void)words;
    (void)words_size;
    _Thrd_yield();
    return _purecall();
}

const struct firn_plugin *
firn_plugin_describe(void)
{
    static const struct firn_plugin plugin = {
        .abi = FIRN_PLUGIN_ABI,
        .size = sizeof(struct firn_plugin),
        .name = "iaasvmprovider",
        .version = "1.0",
        .about = "a snapshot provider that needs the Visual C++ 2013 runtime",
        .quiesce = yield,
        .resume = yield,
    };

    return &plugin;
}
