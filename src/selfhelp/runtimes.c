/* SPDX-License-Identifier: Apache-2.0 */
/* runtimes.c -- a table.  Installers since 2012 are bundles and take the same arguments; those
 * before are not. */
#include <string.h>

#include "runtimes.h"

#define SERVICING "HKLM\\SOFTWARE\\Microsoft\\DevDiv\\vc\\Servicing\\"
#define SERVICING_32 "HKLM\\SOFTWARE\\WOW6432Node\\Microsoft\\DevDiv\\vc\\Servicing\\"
#define BUNDLE "/install /quiet /norestart", "/uninstall /quiet /norestart"

static const struct runtime known[] = {
    { "vcredist2013_x64", "Visual C++ 2013 runtime (64-bit)", "msvcr120.dll", "msvcp120.dll",
        SERVICING "12.0\\RuntimeMinimum", BUNDLE },
    { "vcredist2013_x86", "Visual C++ 2013 runtime (32-bit)", NULL, NULL,
        SERVICING_32 "12.0\\RuntimeMinimum", BUNDLE },
    { "vcredist2012_x64", "Visual C++ 2012 runtime (64-bit)", "msvcr110.dll", "msvcp110.dll",
        SERVICING "11.0\\RuntimeMinimum", BUNDLE },
    { "vcredist2012_x86", "Visual C++ 2012 runtime (32-bit)", NULL, NULL,
        SERVICING_32 "11.0\\RuntimeMinimum", BUNDLE },
    { "vcredist2010_x64", "Visual C++ 2010 runtime (64-bit)", "msvcr100.dll", "msvcp100.dll",
        "HKLM\\SOFTWARE\\Microsoft\\VisualStudio\\10.0\\VC\\VCRedist\\x64", "/q /norestart",
        "/uninstall /q /norestart" },
};

const struct runtime *
runtime_find(const char *path)
{
    const char *name = path;
    size_t len;

    for (const char *s = path; *s != '\0'; s++)
        if (*s == '\\' || *s == '/')
            name = s + 1;
    len = strlen(name);
    if (len > 4 && (strcasecmp(name + len - 4, ".exe") == 0 ||
                       strcasecmp(name + len - 4, ".msi") == 0))
        len -= 4;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strlen(known[i].installer) == len &&
            strncasecmp(known[i].installer, name, len) == 0)
            return &known[i];
    return NULL;
}
