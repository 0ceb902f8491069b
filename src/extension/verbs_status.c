/* SPDX-License-Identifier: Apache-2.0 */
/* The verb status: what lies below the root, which version of each package counts, what its
 * files say, and whether prepare would work.  It looks and changes nothing: no installer runs,
 * no status file is written. */
#include <stdio.h>
#include <string.h>

#include "codes.h"
#include "handler.h"
#include "os.h"
#include "package.h"
#include "prepare.h"
#include "verbs.h"

enum { STATUS_S = 120, STATUS_PACKAGES = 8, STATUS_VERSIONS = 64 };

/* The versions of one package, lowest first. */
struct versions {
    const char *name[STATUS_VERSIONS];
    struct dotted dotted[STATUS_VERSIONS];
    size_t n;
};

static void
sort_in(struct versions *v, const char *name)
{
    struct dotted d;
    size_t at;

    if (!dotted_parse(name, &d))
        return; /* a folder of another name stands beside the versions */
    if (v->n == STATUS_VERSIONS)
        return; /* nobody keeps so many; the one in force is told beside the list */
    for (at = v->n++; at > 0 && dotted_compare(&v->dotted[at - 1], &d) > 0; at--) {
        v->name[at] = v->name[at - 1];
        v->dotted[at] = v->dotted[at - 1];
    }
    v->name[at] = name;
    v->dotted[at] = d;
}

/* What its manifest says, or why that cannot be read. */
static struct err *
put_manifest(struct doc_out *o, const char *folder)
{
    auto_ptr(package) p = NULL;
    struct err *e = package_open(folder, &p);

    if (err_code(e) == E_OutOfMemory)
        return e;
    doc_put_string(o, "digest", p != NULL ? p->digest : NULL);
    doc_open(o, "plugins", '[');
    for (size_t i = 0; p != NULL && i < p->nplugins; i++)
        doc_put_string(o, NULL, p->plugins[i].name);
    doc_close(o, ']');
    doc_put_string(o, "problem", e != NULL ? err_message(e) : NULL);
    err_free(e);
    return NULL;
}

static struct err *
put_files(struct doc_out *o, const char *folder, const char *package)
{
    auto_ptr(handler) h = NULL;
    int64_t sequence;
    char file[32];

    TRY(handler_open(folder, package, &h));
    TRY(handler_sequence(h, &sequence));
    (void)snprintf(file, sizeof(file), "%lld", (long long)sequence);
    TRY(handler_heartbeat_put(h, o, "heartbeat"));
    TRY(handler_status_put(h, file, o, "last"));
    TRY(handler_status_put(h, HANDLER_PREPARE_FILE, o, "prepared"));
    return NULL;
}

static struct err *
put_version(struct doc_out *o, const char *parent, const char *package, const char *version,
    const char *active)
{
    auto_free char *folder = NULL;
    enum package_state state;

    TRY(os_join(parent, version, &folder));
    TRY(package_state(folder, &state));
    doc_open(o, NULL, '{');
    doc_put_string(o, "version", version);
    doc_put_string(o, "folder", folder);
    doc_put_string(o, "state", package_state_word(state));
    doc_put_bool(o, "active", active != NULL && strcmp(folder, active) == 0);
    TRY(put_manifest(o, folder));
    TRY(put_files(o, folder, package));
    doc_close(o, '}');
    return NULL;
}

static struct err *
put_versions(struct doc_out *o, const char *parent, const char *package,
    const struct versions *v, const char *active)
{
    doc_open(o, "versions", '[');
    for (size_t i = 0; i < v->n; i++)
        TRY(put_version(o, parent, package, v->name[i], active));
    doc_close(o, ']');
    return NULL;
}

static struct err *
put_look(struct doc_out *o, const char *active, struct deadline by)
{
    auto_ptr(prepare) p = NULL;

    if (active != NULL)
        TRY(prepare_run(active, PREPARE_LOOK | PREPARE_APPLICATIONS, by, &p));
    doc_put_json(o, "look", p != NULL ? p->json : "null");
    return NULL;
}

static struct err *
put_package(struct doc_out *o, const char *root, const char *package, struct deadline by)
{
    auto_free char *parent = NULL, *active = NULL;
    struct versions v = { .n = 0 };
    struct os_names names;
    struct err *e;

    TRY(os_join(root, package, &parent));
    TRY(package_latest(root, package, &active));
    TRY(os_list(parent, &names));
    for (size_t i = 0; i < names.n; i++)
        sort_in(&v, names.name[i]);
    doc_open(o, NULL, '{');
    doc_put_string(o, "name", package);
    doc_put_string(o, "active", active != NULL ? strrchr(active, '/') + 1 : NULL);
    e = put_versions(o, parent, package, &v, active);
    if (e == NULL)
        e = put_look(o, active, by);
    doc_close(o, '}');
    os_names_done(&names);
    return e;
}

static struct err *
put_packages(struct doc_out *o, const struct call *c, const char *root, struct deadline by)
{
    struct os_names names;
    struct err *e = NULL;
    size_t n = 0;

    TRY(os_list(root, &names));
    doc_open(o, "packages", '[');
    for (size_t i = 0; e == NULL && i < names.n && n < STATUS_PACKAGES; i++) {
        if (!package_name_ok(names.name[i]) ||
            (c->package != NULL && strcmp(c->package, names.name[i]) != 0))
            continue;
        e = put_package(o, root, names.name[i], by);
        n++;
    }
    doc_close(o, ']');
    os_names_done(&names);
    return e;
}

/* The same for people, of the document. */
static void
say_version(struct call *c, const struct doc_value *v)
{
    const struct doc_value *last = doc_get(v, "last");
    bool active = false;

    (void)doc_bool(doc_get(v, "active"), &active);
    text_fmt(&c->out, "  %-12s %s%s\n", doc_string(doc_get(v, "version"), ""),
        doc_string(doc_get(v, "state"), ""), active ? ", in force" : "");
    if (doc_kind(last) == DOC_OBJECT)
        text_fmt(&c->out, "               %s: %s, %s\n",
            doc_string(doc_get(last, "operation"), ""), doc_string(doc_get(last, "status"), ""),
            doc_string(doc_get(last, "message"), ""));
}

static struct err *
say(struct call *c, const char *json)
{
    auto_ptr(doc) d = NULL;
    const struct doc_value *p, *v;

    TRY(doc_parse("the status", json, strlen(json), &d));
    for (p = doc_first(doc_get(doc_root(d), "packages")); p != NULL; p = doc_next(p)) {
        text_fmt(&c->out, "%s\n", doc_string(doc_get(p, "name"), ""));
        for (v = doc_first(doc_get(p, "versions")); v != NULL; v = doc_next(v))
            say_version(c, v);
        text_fmt(&c->out, "  %s\n",
            doc_string(doc_get(doc_get(p, "look"), "message"), "no version is in force"));
    }
    return NULL;
}

struct err *
verb_status(struct call *c)
{
    int64_t s = c->deadline_s > 0 ? c->deadline_s : STATUS_S;
    auto_free char *root = NULL, *text = NULL;
    struct doc_out o = { 0 };
    struct err *e;

    TRY(package_root(c->root, &root));
    doc_open(&o, NULL, '{');
    doc_put_int(&o, "schema", 1);
    doc_put_string(&o, "platform", os_layout.platform);
    doc_put_string(&o, "root", root);
    e = put_packages(&o, c, root, deadline_in_ms(s * 1000));
    doc_close(&o, '}');
    if (e == NULL)
        e = doc_out_take(&o, &text);
    doc_out_done(&o);
    TRY(e);
    if (!c->json)
        return say(c, text);
    text_fmt(&c->out, "%s\n", text);
    return NULL;
}
