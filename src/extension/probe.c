/* SPDX-License-Identifier: Apache-2.0 */
/* Each library has a child of its own, so that one that crashes its child is known by
 * name. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "codes.h"
#include "os.h"
#include "probe.h"
#include "run.h"

struct err *
probe_host(char **ret)
{
    auto_free char *self = NULL, *given = NULL;
    struct text t = { 0 };
    enum os_kind kind;
    char *slash;

    TRY(os_env("FIRN_PLUGIN_HOST", &given));
    if (given != NULL) {
        *ret = take(given);
        return NULL;
    }
    TRY(os_self(&self));
    slash = strrchr(self, '/');
    if (slash != NULL)
        slash[1] = '\0';
    text_fmt(&t, "%sfirn-plugin-host%s", slash != NULL ? self : "", os_layout.program_suffix);
    if (t.no_memory)
        return fail(OutOfMemory);
    auto_free char *path = t.s;
    TRY(os_kind(path, &kind));
    if (kind == OS_IS_ABSENT)
        return fail(PluginHostFailed, path, "it is not there");
    *ret = take(path);
    return NULL;
}

/* What the host says; *ret = NULL when it crashed or hung, with ${reason} saying which. */
static struct err *
ask(const char *host, const char *verb, const char *what, struct deadline by, struct doc **ret,
    const char **reason)
{
    const char *arguments[] = { verb, what, NULL };
    struct run_options o = { .program = host, .arguments = arguments, .talk = true };
    auto_ptr(run) r = NULL;
    auto_free char *line = NULL;
    bool ended;
    uint32_t status = 0;
    struct err *e;

    by = deadline_first(by, deadline_in_ms(PROBE_MS));
    e = run_start(&o, &r);
    if (e != NULL)
        return err_because(fail(PluginHostFailed, host, "it could not be started"), e);
    TRY(run_line(r, by, &line));
    TRY(run_wait(r, by, &ended, &status));
    if (line == NULL) {
        *ret = NULL;
        *reason = ended ? "crashed" : "hung";
        return NULL;
    }
    e = doc_parse("the answer of firn-plugin-host", line, strlen(line), ret);
    return e == NULL ? NULL : err_because(fail(PluginHostFailed, host, "it gave no answer"), e);
}

static void
put_lost(struct doc_out *o, const char *name, const char *reason)
{
    doc_open(o, NULL, '{');
    doc_put_string(o, "library", name);
    doc_put_bool(o, "loaded", false);
    doc_put_int(o, "number", 0);
    doc_put_string(o, "reason", reason);
    doc_put_string(o, "words", "");
    doc_put_string(o, "path", "");
    doc_put_string(o, "version", "");
    doc_close(o, '}');
}

static struct err *
probe_one(const char *host, const char *name, struct deadline by, struct doc_out *o,
    bool *ret_loaded)
{
    auto_ptr(doc) d = NULL;
    const struct doc_value *one;
    const char *reason = "";

    *ret_loaded = false;
    TRY(ask(host, "load", name, by, &d, &reason));
    if (d == NULL) {
        put_lost(o, name, reason);
        return NULL;
    }
    one = doc_first(doc_get(doc_root(d), "libraries"));
    if (doc_kind(one) != DOC_OBJECT)
        return fail(PluginHostFailed, host, "it gave no answer");
    (void)doc_bool(doc_get(one, "loaded"), ret_loaded);
    doc_put_value(o, NULL, one);
    return NULL;
}

struct err *
probe_libraries(const char *host, const char *const names[], size_t n, struct deadline by,
    struct doc **ret, bool *ret_all)
{
    struct doc_out o = { 0 };
    auto_free char *text = NULL;
    struct err *e = NULL;
    bool all = true, one;

    doc_open(&o, NULL, '{');
    doc_open(&o, "libraries", '[');
    for (size_t i = 0; e == NULL && i < n; i++) {
        e = probe_one(host, names[i], by, &o, &one);
        all = all && one;
    }
    doc_close(&o, ']');
    doc_close(&o, '}');
    if (e == NULL)
        e = doc_out_take(&o, &text);
    doc_out_done(&o);
    TRY(e);
    TRY(doc_parse("the answers of firn-plugin-host", text, strlen(text), ret));
    *ret_all = all;
    return NULL;
}

struct err *
probe_library(const char *host, const char *library, struct deadline by, struct doc **ret)
{
    struct doc_out o = { 0 };
    auto_free char *text = NULL;
    auto_ptr(doc) d = NULL;
    const char *reason = "";
    struct err *e = NULL;
    bool loaded;

    if (strpbrk(library, "/\\") == NULL) {
        e = probe_one(host, library, by, &o, &loaded);
    } else {
        TRY(ask(host, "describe", library, by, &d, &reason));
        if (d != NULL) {
            *ret = take(d);
            return NULL;
        }
        put_lost(&o, library, reason);
    }
    if (e == NULL)
        e = doc_out_take(&o, &text);
    doc_out_done(&o);
    TRY(e);
    TRY(doc_parse("the answer of firn-plugin-host", text, strlen(text), ret));
    return NULL;
}

/* Why it was not loaded, in words for the message. */
static struct err *
unloadable(const char *name, const struct doc_value *v)
{
    int64_t number = 0;
    const char *words = doc_string(doc_get(v, "words"), "");
    char why[1200];

    (void)doc_int(doc_get(v, "number"), &number);
    (void)snprintf(why, sizeof(why), "%s%s%s", doc_string(doc_get(v, "reason"), ""),
        *words != '\0' ? ": " : "", words);
    return fail(PluginUnloadable, name, why, number);
}

struct err *
probe_plugin(const char *host, const char *name, const char *path, struct deadline by,
    struct doc **ret)
{
    auto_ptr(doc) d = NULL;
    const char *reason = "";
    bool loaded = false, usable = false;
    int64_t abi = 0, host_abi = 0;

    TRY(ask(host, "describe", path, by, &d, &reason));
    if (d == NULL)
        return fail(PluginUnloadable, name, reason, 0);
    (void)doc_bool(doc_get(doc_root(d), "loaded"), &loaded);
    (void)doc_bool(doc_get(doc_root(d), "usable"), &usable);
    (void)doc_int(doc_get(doc_root(d), "abi"), &abi);
    (void)doc_int(doc_get(doc_root(d), "host_abi"), &host_abi);
    if (!loaded)
        return unloadable(name, doc_root(d));
    if (!usable)
        return fail(PluginAbiWrong, name, abi, host_abi);
    *ret = take(d);
    return NULL;
}
