/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of the result are put together as they are found and assembled at the end.  It stops
 * at the first prerequisite that cannot be had: what comes after would run installers for a
 * backup that fails anyway. */
#include <string.h>

#include "codes.h"
#include "outcome.h"
#include "package.h"
#include "prepare.h"
#include "prerequisite.h"
#include "probe.h"
#include "quiet.h"
#include "script.h"

struct making {
    struct package *package;
    char *host;
    struct deadline by;
    bool look, applications, skipped, reboot;
    struct doc_out prerequisites, plugins; /* lists, open */
    char *code, *message, *facts;          /* of the failure, NULL while there is none */
};

static struct err *
set_failure(struct making *m, const char *code, const char *message, const char *facts)
{
    m->code = strdup(code);
    m->message = strdup(message);
    m->facts = strdup(facts);
    return m->code == NULL || m->message == NULL || m->facts == NULL ? fail(OutOfMemory) :
                                                                       NULL;
}

/* Does any plug-in need it? */
static bool
is_required(const struct package *p, const struct package_prerequisite *q)
{
    for (size_t i = 0; i < p->nplugins; i++)
        for (size_t k = 0; k < p->plugins[i].nrequires; k++)
            if (p->plugins[i].requires[k] == q)
                return true;
    return false;
}

static struct err *
check_prerequisite(struct making *m, const struct package_prerequisite *q)
{
    struct prerequisite_result r = { 0 };
    struct err *e = NULL;

    TRY(prerequisite_prepare(m->package, q, m->host, m->look, m->by, &r));
    doc_put_json(&m->prerequisites, NULL, r.json);
    m->skipped = m->skipped || r.state == PREREQUISITE_SKIPPED;
    m->reboot = m->reboot || r.reboot;
    if (r.state == PREREQUISITE_MISSING)
        e = set_failure(m, r.code, r.message, r.facts);
    prerequisite_result_done(&r);
    return e;
}

static struct err *
check_plugin(struct making *m, const struct package_plugin *g)
{
    auto_free char *path = NULL;
    auto_ptr(doc) d = NULL;

    TRY(package_verify_file(m->package, g->file, &path));
    TRY(probe_plugin(m->host, g->name, path, m->by, &d));
    doc_put_value(&m->plugins, NULL, doc_root(d));
    return m->applications ? quiet_ready(m->package, g, m->host, m->by) : NULL;
}

static struct err *
check_all(struct making *m, const char *folder)
{
    TRY(package_open(folder, &m->package));
    TRY(package_verify(m->package));
    TRY(probe_host(&m->host));
    for (size_t i = 0; i < m->package->nprerequisites && m->code == NULL; i++)
        if (is_required(m->package, &m->package->prerequisites[i]))
            TRY(check_prerequisite(m, &m->package->prerequisites[i]));
    for (size_t i = 0; i < m->package->nplugins && m->code == NULL; i++)
        TRY(check_plugin(m, &m->package->plugins[i]));
    if (m->code == NULL)
        TRY(script_check());
    return NULL;
}

/* An error becomes the result; it is freed. */
static struct err *
failure_of(struct making *m, struct err *e)
{
    auto_free char *facts = NULL, *message = NULL;
    struct err *bad = outcome_facts(e, &facts);

    if (bad == NULL)
        bad = outcome_message(e, &message);
    if (bad == NULL)
        bad = set_failure(m, err_id(e), message, facts);
    err_free(e);
    return bad;
}

static void
put_warnings(struct doc_out *o, const struct making *m)
{
    doc_open(o, "warnings", '[');
    if (m->reboot)
        doc_put_string(o, NULL, "an installer asks for a reboot");
    if (m->skipped)
        doc_put_string(o, NULL,
            "a check was skipped by a persistent key: nothing was proved or repaired by that");
    doc_close(o, ']');
}

static const char *const result_words[] = {
    [PREPARE_READY] = "ready", [PREPARE_SKIPPED] = "skipped", [PREPARE_FAILED] = "failed"
};

static struct err *
assemble(struct making *m, struct prepare *p)
{
    auto_free char *prerequisites = NULL, *plugins = NULL;
    struct doc_out o = { 0 };

    doc_close(&m->prerequisites, ']');
    doc_close(&m->plugins, ']');
    TRY(doc_out_take(&m->prerequisites, &prerequisites));
    TRY(doc_out_take(&m->plugins, &plugins));
    doc_open(&o, NULL, '{');
    doc_put_int(&o, "schema", 1);
    doc_put_string(&o, "result", result_words[p->result]);
    doc_put_string(&o, "code", m->code);
    doc_put_string(&o, "message", p->message);
    doc_put_json(&o, "facts", m->facts != NULL ? m->facts : "{}");
    if (m->package != NULL) {
        doc_open(&o, "package", '{');
        doc_put_string(&o, "name", m->package->name);
        doc_put_string(&o, "version", m->package->version);
        doc_put_string(&o, "folder", m->package->folder);
        doc_put_string(&o, "digest", m->package->digest);
        doc_close(&o, '}');
    } else {
        doc_put_string(&o, "package", NULL);
    }
    doc_put_json(&o, "prerequisites", prerequisites);
    doc_put_json(&o, "plugins", plugins);
    put_warnings(&o, m);
    doc_close(&o, '}');
    TRY(doc_out_take(&o, &p->json));
    return NULL;
}

static struct err *
finish(struct making *m, struct prepare **ret)
{
    auto_ptr(prepare) p = calloc(1, sizeof(*p));

    if (p == NULL)
        return fail(OutOfMemory);
    p->result = m->code != NULL ? PREPARE_FAILED :
                m->skipped      ? PREPARE_SKIPPED :
                                  PREPARE_READY;
    p->code = strdup(m->code != NULL ? m->code : "");
    p->message = strdup(m->message != NULL ? m->message :
                        m->skipped         ? "ready, with a check skipped by a persistent key" :
                                             "ready");
    if (p->code == NULL || p->message == NULL)
        return fail(OutOfMemory);
    TRY(assemble(m, p));
    *ret = take(p);
    return NULL;
}

struct err *
prepare_run(const char *folder, unsigned how, struct deadline by, struct prepare **ret)
{
    struct making m = { .look = (how & PREPARE_LOOK) != 0,
        .applications = (how & PREPARE_APPLICATIONS) != 0, .by = by };
    struct err *e;

    doc_open(&m.prerequisites, NULL, '[');
    doc_open(&m.plugins, NULL, '[');
    e = check_all(&m, folder);
    if (e != NULL && err_code(e) != E_OutOfMemory)
        e = failure_of(&m, e);
    if (e == NULL)
        e = finish(&m, ret);
    doc_out_done(&m.prerequisites);
    doc_out_done(&m.plugins);
    package_free(m.package);
    free(m.host);
    free(m.code);
    free(m.message);
    free(m.facts);
    return e;
}

void
prepare_free(struct prepare *p)
{
    if (p == NULL)
        return;
    free(p->code);
    free(p->message);
    free(p->json);
    free(p);
}
