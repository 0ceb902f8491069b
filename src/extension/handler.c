/* SPDX-License-Identifier: Apache-2.0 */
/* Reading what the agent wrote. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "codes.h"
#include "handler.h"
#include "number.h"
#include "os.h"

enum { SEQUENCE_DIGITS = 12 };

static struct err *
path_of(const char *folder, const char *name, char **ret)
{
    TRY(os_join(folder, name, ret));
    return NULL;
}

/* A folder that the environment names, else the platform's in the version's own: a link there
 * is nobody's word, and what is written must stay in the version. */
static struct err *
folder_of(const struct handler *h, const struct doc_value *env, const char *name,
    const char *otherwise, char **ret)
{
    const char *v = doc_string(doc_get(env, name), NULL);
    enum os_kind kind;

    if (v == NULL || *v == '\0') {
        TRY(path_of(h->folder, otherwise, ret));
        TRY(os_kind(*ret, &kind));
        return kind == OS_IS_LINK ? fail(PackageLinkRefused, h->folder, otherwise) : NULL;
    }
    *ret = strdup(v);
    return *ret == NULL ? fail(OutOfMemory) : NULL;
}

static struct err *
read_environment(struct handler *h, const char *path, struct doc **ret)
{
    auto_free char *bytes = NULL;
    size_t len = 0;
    struct err *e;

    *ret = NULL;
    TRY(os_read(path, HANDLER_FILE_MAX, &bytes, &len));
    if (bytes == NULL)
        return NULL;
    e = doc_parse("HandlerEnvironment.json", bytes, len, ret);
    if (e != NULL)
        return err_because(fail(HandlerEnvironmentInvalid, h->folder), e);
    if (doc_kind(doc_get(doc_first(doc_root(*ret)), "handlerEnvironment")) != DOC_OBJECT)
        return fail(HandlerEnvironmentInvalid, h->folder);
    return NULL;
}

static struct err *
open_with(const char *folder, const char *name, bool agents, struct handler **ret)
{
    auto_free char *path = NULL;
    auto_ptr(doc) d = NULL;
    const struct doc_value *env = NULL;
    auto_ptr(handler) h = calloc(1, sizeof(*h));

    if (h == NULL)
        return fail(OutOfMemory);
    h->folder = strdup(folder);
    h->name = strdup(name);
    if (h->folder == NULL || h->name == NULL)
        return fail(OutOfMemory);
    TRY(path_of(folder, "HandlerEnvironment.json", &path));
    if (agents)
        TRY(read_environment(h, path, &d));
    if (d != NULL)
        env = doc_get(doc_first(doc_root(d)), "handlerEnvironment");
    TRY(folder_of(h, env, "configFolder", os_layout.settings_folder, &h->settings_folder));
    TRY(folder_of(h, env, "statusFolder", os_layout.status_folder, &h->status_folder));
    TRY(folder_of(h, env, "heartbeatFile", os_layout.heartbeat_file, &h->heartbeat));
    *ret = take(h);
    return NULL;
}

struct err *
handler_open(const char *folder, const char *name, struct handler **ret)
{
    return open_with(folder, name, true, ret);
}

struct err *
handler_open_own(const char *folder, const char *name, struct handler **ret)
{
    return open_with(folder, name, false, ret);
}

void
handler_free(struct handler *h)
{
    if (h == NULL)
        return;
    free(h->folder);
    free(h->name);
    free(h->settings_folder);
    free(h->status_folder);
    free(h->heartbeat);
    free(h);
}

/* "12.settings" is 12. */
static bool
sequence_of(const char *name, int64_t *ret)
{
    char digits[SEQUENCE_DIGITS + 1];
    size_t n = strspn(name, "0123456789");
    uint64_t v;

    if (n == 0 || n > SEQUENCE_DIGITS || strcmp(name + n, ".settings") != 0)
        return false;
    memcpy(digits, name, n);
    digits[n] = '\0';
    if (!number_parse(digits, &v))
        return false;
    *ret = (int64_t)v;
    return true;
}

struct err *
handler_sequence(const struct handler *h, int64_t *ret)
{
    auto_free char *env = NULL;
    struct os_names names;
    int64_t best = 0, one;
    uint64_t v;

    TRY(os_env("ConfigSequenceNumber", &env));
    if (env != NULL && strlen(env) <= SEQUENCE_DIGITS && number_parse(env, &v)) {
        *ret = (int64_t)v;
        return NULL;
    }
    TRY(os_list(h->settings_folder, &names));
    for (size_t i = 0; i < names.n; i++)
        if (sequence_of(names.name[i], &one) && one > best)
            best = one;
    os_names_done(&names);
    *ret = best;
    return NULL;
}

struct err *
handler_settings_parse(const char *path, const char *bytes, size_t len,
    struct handler_settings *ret)
{
    auto_ptr(doc) d = NULL;
    const struct doc_value *list, *settings, *deadline;
    struct err *e;

    *ret = (struct handler_settings){ .deadline_s = HANDLER_ENABLE_S };
    if (len == 0)
        return NULL;
    e = doc_parse("the settings", bytes, len, &d);
    if (e != NULL)
        return err_because(fail(SettingsInvalid, path, "they are no JSON that can be used"), e);
    list = doc_get(doc_root(d), "runtimeSettings");
    if (doc_kind(list) != DOC_ARRAY)
        return fail(SettingsInvalid, path, "there is no list runtimeSettings");
    settings = doc_get(doc_get(doc_first(list), "handlerSettings"), "publicSettings");
    deadline = doc_get(settings, "deadlineSeconds");
    if (deadline != NULL && (!doc_int(deadline, &ret->deadline_s) || ret->deadline_s < 1 ||
                                ret->deadline_s > HANDLER_ENABLE_MAX_S))
        return fail(SettingsInvalid, path, "deadlineSeconds is from 1 to 3600");
    return NULL;
}

struct err *
handler_settings(const struct handler *h, int64_t sequence, struct handler_settings *ret)
{
    auto_free char *path = NULL, *bytes = NULL;
    char name[40];
    size_t len = 0;

    (void)snprintf(name, sizeof(name), "%" PRId64 ".settings", sequence);
    TRY(path_of(h->settings_folder, name, &path));
    TRY(os_read(path, HANDLER_FILE_MAX, &bytes, &len));
    TRY(handler_settings_parse(path, bytes, len, ret));
    return NULL;
}

struct err *
handler_done(const struct handler *h, int64_t *ret)
{
    auto_free char *path = NULL, *text = NULL;
    size_t len = 0;
    uint64_t v;

    *ret = -1;
    TRY(path_of(h->folder, "mrseq", &path));
    TRY(os_read(path, 64, &text, &len));
    if (text == NULL)
        return NULL;
    text[strcspn(text, "\r\n ")] = '\0';
    if (strlen(text) <= SEQUENCE_DIGITS && number_parse(text, &v))
        *ret = (int64_t)v;
    return NULL;
}

struct err *
handler_set_done(const struct handler *h, int64_t sequence)
{
    auto_free char *path = NULL;
    char text[32];

    TRY(path_of(h->folder, "mrseq", &path));
    int n = snprintf(text, sizeof(text), "%" PRId64, sequence);
    TRY(os_write(path, text, (size_t)n));
    return NULL;
}

struct err *
handler_forget(const struct handler *h)
{
    auto_free char *path = NULL;
    struct os_names names;
    struct err *e = NULL;

    TRY(path_of(h->folder, "mrseq", &path));
    TRY(os_remove(path));
    TRY(os_list(h->status_folder, &names));
    for (size_t i = 0; e == NULL && i < names.n; i++) {
        auto_free char *file = NULL;
        size_t n = strlen(names.name[i]);

        if (n < 8 || strcmp(names.name[i] + n - 7, ".status") != 0)
            continue;
        e = path_of(h->status_folder, names.name[i], &file);
        if (e == NULL)
            e = os_remove(file);
    }
    os_names_done(&names);
    return e;
}
