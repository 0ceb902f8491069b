/* SPDX-License-Identifier: Apache-2.0 */
/* Versions side by side: which is the latest, and in what state each is. */
#include <string.h>

#include "codes.h"
#include "os.h"
#include "package.h"

enum { STATE_MAX = 64 };

static const char *const state_words[] = {
    [PACKAGE_UNKNOWN] = "Unknown",
    [PACKAGE_NOT_INSTALLED] = "NotInstalled",
    [PACKAGE_INSTALLED] = "Installed",
    [PACKAGE_ENABLED] = "Enabled",
    [PACKAGE_FAILED] = "FailedUpgrade",
};

const char *
package_state_word(enum package_state state)
{
    return state_words[state];
}

static struct err *
state_path(const char *folder, char **ret)
{
    auto_free char *settings = NULL;

    TRY(os_join(folder, os_layout.settings_folder, &settings));
    TRY(os_join(settings, "HandlerState", ret));
    return NULL;
}

struct err *
package_state(const char *folder, enum package_state *ret)
{
    auto_free char *path = NULL, *word = NULL;
    size_t len = 0;

    *ret = PACKAGE_UNKNOWN;
    TRY(state_path(folder, &path));
    TRY(os_read(path, STATE_MAX, &word, &len));
    if (word == NULL)
        return NULL;
    word[strcspn(word, "\r\n ")] = '\0';
    for (size_t i = 0; i < sizeof(state_words) / sizeof(state_words[0]); i++)
        if (strcmp(word, state_words[i]) == 0)
            *ret = (enum package_state)i;
    return NULL;
}

struct err *
package_set_state(const char *folder, enum package_state state)
{
    auto_free char *path = NULL, *settings = NULL;

    TRY(os_join(folder, os_layout.settings_folder, &settings));
    TRY(os_make_folder(settings));
    TRY(state_path(folder, &path));
    TRY(os_write(path, state_words[state], strlen(state_words[state])));
    return NULL;
}

/* Does the folder hold an installed version? */
static struct err *
is_usable(const char *folder, bool *ret)
{
    auto_free char *manifest = NULL;
    enum package_state state;
    enum os_kind kind;

    *ret = false;
    TRY(os_kind(folder, &kind));
    if (kind != OS_IS_FOLDER)
        return NULL;
    TRY(os_join(folder, "HandlerManifest.json", &manifest));
    TRY(os_kind(manifest, &kind));
    if (kind != OS_IS_FILE)
        return NULL;
    TRY(package_state(folder, &state));
    *ret = state == PACKAGE_INSTALLED || state == PACKAGE_ENABLED ||
           (state == PACKAGE_UNKNOWN && !os_layout.state_required);
    return NULL;
}

static struct err *
choose(const char *parent, const struct os_names *names, char **ret_folder)
{
    struct dotted best = { { 0 } }, d;

    for (size_t i = 0; i < names->n; i++) {
        auto_free char *folder = NULL;
        bool usable;

        if (!dotted_parse(names->name[i], &d) ||
            (*ret_folder != NULL && dotted_compare(&d, &best) <= 0))
            continue;
        TRY(os_join(parent, names->name[i], &folder));
        TRY(is_usable(folder, &usable));
        if (!usable)
            continue;
        free(*ret_folder);
        *ret_folder = take(folder);
        best = d;
    }
    return NULL;
}

struct err *
package_latest(const char *root, const char *name, char **ret_folder)
{
    auto_free char *parent = NULL, *found = NULL;
    struct os_names names;
    struct err *e;

    *ret_folder = NULL;
    if (!package_name_ok(name))
        return fail(PackageNameRefused, root, name);
    TRY(os_join(root, name, &parent));
    TRY(os_list(parent, &names));
    e = choose(parent, &names, &found);
    os_names_done(&names);
    TRY(e);
    *ret_folder = take(found);
    return NULL;
}

struct err *
package_root(const char *given, char **ret)
{
    if (given == NULL) {
        TRY(os_env("FIRN_PLUGINS", ret));
        given = *ret == NULL ? os_layout.root : NULL;
    }
    if (given != NULL)
        *ret = strdup(given);
    if (*ret == NULL)
        return fail(OutOfMemory);
    for (char *s = *ret; *s != '\0'; s++)
        if (*s == '\\' && os_layout.program_suffix[0] != '\0')
            *s = '/';
    return NULL;
}
