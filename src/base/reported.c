/* SPDX-License-Identifier: Apache-2.0 */
/* What is missing in the answer is empty in the failure. */
#include <string.h>

#include "codes.h"
#include "reported.h"

static const char *
string_of(const json_t *object, const char *name)
{
    const char *s = json_string_value(json_object_get(object, name));

    return s != NULL ? s : "";
}

struct err *
reported_failure(const char *vm, const char *package, const json_t *answer)
{
    const json_t *facts = json_object_get(answer, "facts");
    const char *code = string_of(answer, "code");

    if (strcmp(code, "ExtensionVCRedistInstallationFailure") == 0)
        return fail(ExtensionVCRedistInstallationFailure, vm, string_of(facts, "runtime"),
            (int64_t)json_integer_value(json_object_get(facts, "exit")));
    if (strcmp(code, "PluginSharedLibraryMissing") == 0)
        return fail(PluginSharedLibraryMissing, vm, string_of(facts, "runtime"),
            string_of(facts, "library"), string_of(facts, "installer"));
    if (strcmp(code, "FreezeConfigEncoding") == 0)
        return fail(FreezeConfigEncoding, vm, string_of(facts, "path"));
    return fail(ExtensionNotReady, vm, package, code, string_of(answer, "message"));
}
