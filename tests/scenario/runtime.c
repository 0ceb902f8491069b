/* SPDX-License-Identifier: Apache-2.0 */
/* Stand-ins for msvcr120.dll and msvcp120.dll: libraries of those names with one function
 * each of the real ones, so that a plug-in which imports them loads where they are, and gives
 * error 126 where they are not.  They hold no code of the Visual C++ runtime. */
#include <windows.h>

BOOL WINAPI
DllMain(HINSTANCE module, DWORD reason, void *reserved)
{
    (void)module;
    (void)reason;
    (void)reserved;
    return TRUE;
}

#ifdef RUNTIME_R
/* the real one ends the process: nobody is ever meant to call it */
__declspec(dllexport) int
_purecall(void)
{
    return 0;
}
#else
__declspec(dllexport) void
_Thrd_yield(void)
{
    Sleep(0);
}
#endif
