/* SPDX-License-Identifier: Apache-2.0 */
/* Which package goes into a guest. */
#include <string.h>

#include "codes.h"
#include "dotted.h"
#include "os.h"
#include "package.h"
#include "upkeep_internal.h"

/* Of the folders of versions in ${parent} the highest that holds a package. */
static struct err *
highest(const char *parent, char **ret)
{
    struct dotted best = { { 0 } }, d;
    struct os_names names;
    struct err *e;

    TRY(os_list(parent, &names));
    for (size_t i = 0; i < names.n; i++) {
        auto_free char *folder = NULL, *manifest = NULL;
        enum os_kind kind = OS_IS_ABSENT;

        if (!dotted_parse(names.name[i], &d) ||
            (*ret != NULL && dotted_compare(&d, &best) <= 0))
            continue;
        e = os_join(parent, names.name[i], &folder);
        if (e == NULL)
            e = os_join(folder, PACKAGE_MANIFEST, &manifest);
        if (e == NULL)
            e = os_kind(manifest, &kind);
        if (e != NULL) {
            os_names_done(&names);
            return e;
        }
        if (kind != OS_IS_FILE)
            continue;
        free(*ret);
        *ret = take(folder);
        best = d;
    }
    os_names_done(&names);
    return NULL;
}

/* Where firn's own packages are: beside a firn that was built and not installed, else where
 * they are installed, seen from firn itself, so that all of it can be moved. */
static struct err *
own_packages(char **ret)
{
    auto_free char *self = NULL, *beside = NULL;
    enum os_kind kind;

    TRY(os_env("FIRN_PACKAGES", ret));
    if (*ret != NULL)
        return NULL;
    TRY(os_self(&self));
    char *slash = strrchr(self, '/');
    if (slash != NULL)
        *slash = '\0';
    TRY(os_join(self, "packages", &beside));
    TRY(os_kind(beside, &kind));
    if (kind == OS_IS_FOLDER) {
        *ret = take(beside);
        return NULL;
    }
    if (FIRN_PACKAGES_AT[0] != '/')
        return os_join(self, FIRN_PACKAGES_AT, ret);
    *ret = strdup(FIRN_PACKAGES_AT);
    return *ret != NULL ? NULL : fail(OutOfMemory);
}

struct err *
upkeep_find(const char *given, const char *platform, char **ret)
{
    auto_free char *own = NULL, *manifest = NULL, *system = NULL, *parent = NULL;
    enum os_kind kind;

    *ret = NULL;
    if (given == NULL)
        TRY(own_packages(&own));
    given = given != NULL ? given : own;
    TRY(os_join(given, PACKAGE_MANIFEST, &manifest));
    TRY(os_kind(manifest, &kind));
    if (kind == OS_IS_FILE) {
        *ret = strdup(given);
        return *ret != NULL ? NULL : fail(OutOfMemory);
    }
    TRY(os_join(given, platform, &system));
    TRY(os_join(system, UPKEEP_PACKAGE, &parent));
    TRY(highest(parent, ret));
    return *ret != NULL ? NULL : fail(ExtensionPackageMissing, platform, given);
}
