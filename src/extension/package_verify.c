/* SPDX-License-Identifier: Apache-2.0 */
/* The folder is walked and each thing in it looked up in the manifest; then each file of the
 * manifest is read.  What the handler keeps there itself (settings, status ...) is data that
 * is never loaded, and is left out by name, at the top only; but it is no link either, since
 * what is written there must stay in the folder. */
#include <string.h>

#include "codes.h"
#include "os.h"
#include "package.h"

static bool
is_state(const char *name, size_t len)
{
    static const char *const names[] = { PACKAGE_MANIFEST, "HandlerEnvironment.json",
        "heartbeat.log", "mrseq", "config", "status", "RuntimeSettings", "Status", "events" };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strlen(names[i]) == len && memcmp(name, names[i], len) == 0)
            return true;
    return false;
}

/* What a verb writes there just now, or one did not finish that was killed, is its own, too. */
static bool
is_own(const char *name)
{
    size_t len = strlen(name);

    return is_state(name, len) || (os_is_unfinished(name, &len) && is_state(name, len));
}

/* Is some file of the manifest below the folder ${name}? */
static bool
holds_files(const struct package *p, const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < p->nfiles; i++)
        if (strncmp(p->files[i].name, name, len) == 0 && p->files[i].name[len] == '/')
            return true;
    return false;
}

static struct err *walk(const struct package *p, const char *below);

static struct err *
check_own(const struct package *p, const char *name)
{
    auto_free char *path = NULL;
    enum os_kind kind;

    TRY(os_join(p->folder, name, &path));
    TRY(os_kind(path, &kind));
    if (kind == OS_IS_LINK || kind == OS_IS_OTHER)
        return fail(PackageLinkRefused, p->folder, name);
    return NULL;
}

static struct err *
check_entry(const struct package *p, const char *name)
{
    auto_free char *path = NULL;
    enum os_kind kind;

    TRY(os_join(p->folder, name, &path));
    TRY(os_kind(path, &kind));
    switch (kind) {
    case OS_IS_LINK:
    case OS_IS_OTHER:
        return fail(PackageLinkRefused, p->folder, name);
    case OS_IS_FOLDER:
        if (!holds_files(p, name))
            return fail(PackageFileUnlisted, p->folder, name);
        TRY(walk(p, name)); /* as deep as the manifest's names, which have a limit */
        break;
    case OS_IS_FILE:
        if (package_file(p, name) == NULL)
            return fail(PackageFileUnlisted, p->folder, name);
        break;
    case OS_IS_ABSENT: /* gone since it was listed: its own check finds it */
        break;
    }
    return NULL;
}

/* What lies in the folder ${below} of the package; "" is the package itself. */
static struct err *
walk(const struct package *p, const char *below)
{
    auto_free char *folder = NULL;
    struct os_names names;
    struct err *e = NULL;

    TRY(os_join(p->folder, below, &folder));
    TRY(os_list(folder, &names));
    for (size_t i = 0; e == NULL && i < names.n; i++) {
        auto_free char *name = NULL;

        if (*below == '\0')
            e = is_own(names.name[i]) ? check_own(p, names.name[i]) :
                                        check_entry(p, names.name[i]);
        else if ((e = os_join(below, names.name[i], &name)) == NULL)
            e = check_entry(p, name);
    }
    os_names_done(&names);
    return e;
}

static struct err *
check_bytes(const struct package *p, const struct package_file *f, char **ret_path)
{
    auto_free char *path = NULL;
    char sum[DIGEST_HEX];
    enum os_kind kind;
    uint64_t len;

    TRY(os_join(p->folder, f->name, &path));
    TRY(os_kind(path, &kind));
    if (kind == OS_IS_ABSENT)
        return fail(PackageFileMissing, p->folder, f->name);
    if (kind != OS_IS_FILE)
        return fail(PackageLinkRefused, p->folder, f->name);
    TRY(os_digest(path, sum, &len));
    if (len != f->len || strcasecmp(sum, f->sha256) != 0)
        return fail(PackageFileChanged, p->folder, f->name);
    if (ret_path != NULL)
        *ret_path = take(path);
    return NULL;
}

struct err *
package_verify(const struct package *p)
{
    for (size_t i = 0; i < p->nfiles; i++) {
        size_t top = strcspn(p->files[i].name, "/");

        if (is_state(p->files[i].name, top))
            return fail(PackageNameRefused, p->folder, p->files[i].name);
    }
    TRY(walk(p, ""));
    for (size_t i = 0; i < p->nfiles; i++)
        TRY(check_bytes(p, &p->files[i], NULL));
    return NULL;
}

struct err *
package_verify_file(const struct package *p, const char *name, char **ret_path)
{
    const struct package_file *f = package_file(p, name);

    if (f == NULL)
        return fail(PackageFileUnlisted, p->folder, name);
    TRY(check_bytes(p, f, ret_path));
    return NULL;
}
