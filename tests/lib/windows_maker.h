/* SPDX-License-Identifier: Apache-2.0 */
/* windows_maker.h -- the parts of a Windows disk that decide whether its backup extension
 * loads, as a folder: both hives, System32, and the extension in several versions.
 *
 * All of it is made up here: the libraries hold imports, exports and a version and no code,
 * the installer is one of them under its name, and the hives hold what the story needs. */
#ifndef WINDOWS_MAKER_H
#define WINDOWS_MAKER_H

#include <stdbool.h>

enum windows_state {
    WINDOWS_HEALTHY, /* the Visual C++ 2013 runtime is there, its installer could run */
    WINDOWS_BROKEN   /* the runtime is missing and the Windows Installer is disabled */
};

#define WINDOWS_PLUGIN "Packages/Plugins/Microsoft.Azure.RecoveryServices.VMSnapshot"
#define WINDOWS_LATEST "1.0.10012.0"
#define WINDOWS_CONFIG "Windows/System32/config"

/* What the hives hold, as hive_maker.h describes it. */
const char *windows_system_text(enum windows_state state);
const char *windows_software_text(enum windows_state state);

/* Make ${folder} and fill it; false (and a word on standard error) when that fails.  It must
 * not be there or be empty. */
bool windows_make(const char *folder, enum windows_state state);

#endif
