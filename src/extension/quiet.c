/* SPDX-License-Identifier: Apache-2.0 */
/* Each plug-in is a host process with a pipe each way.  A failed script is a warning where
 * its configuration says that the backup goes on. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "codes.h"
#include "foreign.h"
#include "package.h"
#include "probe.h"
#include "quiet.h"
#include "run.h"
#include "script.h"

enum { DIED_MS = 1000 }; /* for the end of one that hears nothing */

struct served {
    const struct package_plugin *plugin;
    struct run *run;
    bool at_rest; /* quiesce was asked for */
};

struct quiet {
    struct served served[QUIET_PACKAGES_MAX * PACKAGE_PLUGINS_MAX];
    size_t n;
    struct scripts *scripts;
    bool post_due;
    struct err *passed_over; /* how a script failed all the same; NULL: none did */
    struct doc_out steps; /* a list, open */
};

static void
note(struct quiet *q, const char *step, const char *name, const char *result,
    const char *words)
{
    doc_open(&q->steps, NULL, '{');
    doc_put_string(&q->steps, "step", step);
    doc_put_string(&q->steps, "name", name);
    doc_put_string(&q->steps, "result", result);
    if (words != NULL)
        doc_put_string(&q->steps, "words", words);
    doc_close(&q->steps, '}');
}

/* Takes ${e}: a host that hears nothing has ended, mostly. */
static struct err *
not_told(struct served *s, struct err *e)
{
    bool ended = false;
    uint32_t status = 0;
    struct err *bad = run_wait(s->run, deadline_in_ms(DIED_MS), &ended, &status);

    if (bad != NULL || !ended)
        return err_also(e, bad);
    return err_because(fail(PluginDied, s->plugin->name, (int64_t)status), e);
}

/* One line there, one back; *ret_words is freed by the caller.  *ret_number is 0 when it is
 * done, else the plug-in's own number. */
static struct err *
ask(struct served *s, const char *line, struct deadline by, int64_t *ret_number,
    char **ret_words)
{
    auto_free char *answer = NULL;
    auto_ptr(doc) d = NULL;
    bool ended, done = false;
    uint32_t status = 0;

    struct err *e = line != NULL ? run_tell(s->run, line) : NULL;
    if (e != NULL)
        return not_told(s, e);
    TRY(run_line(s->run, by, &answer));
    if (answer == NULL) {
        TRY(run_wait(s->run, by, &ended, &status));
        if (ended)
            return fail(PluginDied, s->plugin->name, (int64_t)status);
        return fail(PluginTooSlow, s->plugin->name);
    }
    TRY(doc_parse("the answer of a plug-in's host", answer, strlen(answer), &d));
    (void)doc_bool(doc_get(doc_root(d), line != NULL ? "done" : "usable"), &done);
    *ret_number = 0;
    if (!done && (!doc_int(doc_get(doc_root(d), "number"), ret_number) || *ret_number == 0))
        *ret_number = -1;
    *ret_words = strdup(doc_string(doc_get(doc_root(d), "words"), ""));
    return *ret_words == NULL ? fail(OutOfMemory) : NULL;
}

static struct err *
start_plugin(struct served *s, const struct package *p, const struct package_plugin *g,
    const char *host, struct deadline by)
{
    auto_free char *path = NULL, *words = NULL;
    int64_t number;

    TRY(package_verify_file(p, g->file, &path));
    const char *arguments[] = { "serve", path, NULL };
    struct run_options o = { .program = host, .arguments = arguments, .talk = true,
        .survives = true };
    s->plugin = g;
    TRY(run_start(&o, &s->run));
    TRY(ask(s, NULL, by, &number, &words));
    if (number != 0)
        return fail(PluginUnloadable, g->name, words, 0);
    return NULL;
}

/* What a plug-in said, for the variables of its failure. */
struct said {
    const char *plugin, *words;
};

/* The plug-in is the application's, and this the machine that it runs in. */
static const char *
said_fact(void *arg, const char *name)
{
    const struct said *s = arg;

    return strcmp(name, "vm") == 0      ? "this machine"
           : strcmp(name, "why") == 0      ? s->words
           : strcmp(name, "database") == 0 ? s->plugin
                                           : NULL;
}

/* The code that a plug-in names by ${number}, or 0. */
static int
code_of(int64_t number)
{
    static const int ours[] = { E_PostgresqlLoginRefused, E_PostgresqlRightMissing,
        E_PostgresqlCheckpointSlow, E_PostgresqlNotDurable, E_PostgresqlFilesElsewhere,
        E_PostgresqlSilent, E_PostgresqlNotReady, E_PostgresqlConnectionsFull,
        E_PostgresqlLibraryMissing };
    const struct foreign *f = number >= QUIET_DATABASE_FIRST && number <= QUIET_DATABASE_LAST
        ? foreign_status((int)number) : NULL;

    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
        if (ours[i] == number)
            return ours[i];
    return f != NULL ? f->code : 0;
}

/* Such a failure has a name of its own. */
static struct err *
not_quiesced(const struct served *s, int64_t number, const char *words)
{
    struct err *e = fail(PluginQuiesceFailed, s->plugin->name, words), *known;
    struct said said = { s->plugin->name, words };
    int code = code_of(number);

    if (code == 0)
        return e;
    const struct err_site at = ERR_SITE;

    known = err_of_data(code, &at, said_fact, &said);
    return err_because(known, e);
}

struct err *
quiet_ready(const struct package *p, const struct package_plugin *g, const char *host,
    struct deadline by)
{
    struct served s = { 0 };
    auto_free char *words = NULL;
    char line[64];
    int64_t number = 0;
    struct err *e;

    by = deadline_first(by, deadline_in_ms(QUIET_READY_MS));
    e = start_plugin(&s, p, g, host, by);
    (void)snprintf(line, sizeof(line), "ready %d", deadline_poll_ms(by));
    if (e == NULL)
        e = ask(&s, line, by, &number, &words);
    if (e == NULL && number != 0)
        e = not_quiesced(&s, number, words);
    run_free(s.run);
    return e;
}

static struct err *
quiesce_plugin(struct quiet *q, struct served *s, struct deadline by)
{
    auto_free char *words = NULL;
    char line[64];
    int64_t number;

    by = deadline_first(by, deadline_in_ms(QUIET_PLUGIN_MS));
    (void)snprintf(line, sizeof(line), "quiesce %d %d", deadline_poll_ms(by), QUIET_HOLD_MS);
    s->at_rest = true;
    TRY(ask(s, line, by, &number, &words));
    note(q, "quiesce", s->plugin->name, number == 0 ? "done" : "failed", words);
    return number == 0 ? NULL : not_quiesced(s, number, words);
}

static struct err *
resume_plugin(struct quiet *q, struct served *s)
{
    struct deadline by = deadline_in_ms(QUIET_PLUGIN_MS);
    auto_free char *words = NULL;
    char line[64];
    int64_t number;

    if (!s->at_rest)
        return NULL;
    s->at_rest = false;
    (void)snprintf(line, sizeof(line), "resume %d", QUIET_PLUGIN_MS);
    TRY(ask(s, line, by, &number, &words));
    note(q, "resume", s->plugin->name, number == 0 ? "done" : "failed", words);
    return number == 0 ? NULL : fail(PluginResumeFailed, s->plugin->name, words);
}

static struct err *
run_script(struct quiet *q, bool pre)
{
    bool warned = false;
    const char *step = pre ? "pre-script" : "post-script";
    struct err *e;

    if (q->scripts == NULL)
        return NULL;
    e = pre ? script_run_pre(q->scripts, &warned) : script_run_post(q->scripts, &warned);
    note(q, step, "", e != NULL ? err_message(e) : warned ? "warning" : "done", NULL);
    if (e == NULL || !script_goes_on(q->scripts))
        return e;
    q->passed_over = err_also(q->passed_over, e);
    return NULL;
}

static struct err *
start_plugins(struct quiet *q, const struct package *p, const char *host, struct deadline by)
{
    for (size_t i = 0; i < p->nplugins; i++)
        TRY(start_plugin(&q->served[q->n++], p, &p->plugins[i], host, by));
    return NULL;
}

static struct err *
begin(struct quiet *q, struct package *const *packages, size_t n, struct deadline by)
{
    auto_free char *host = NULL;

    TRY(probe_host(&host));
    TRY(script_open(&q->scripts));
    for (size_t i = 0; i < n; i++)
        TRY(start_plugins(q, packages[i], host, by));
    q->post_due = true;
    TRY(run_script(q, true));
    for (size_t i = 0; i < q->n; i++)
        TRY(quiesce_plugin(q, &q->served[i], by));
    return NULL;
}

struct err *
quiet_begin(struct package *const *packages, size_t n, struct deadline by, struct quiet **ret)
{
    auto_ptr(quiet) q = calloc(1, sizeof(*q));
    struct err *e;

    assert(n <= QUIET_PACKAGES_MAX);
    if (q == NULL)
        return fail(OutOfMemory);
    doc_open(&q->steps, NULL, '[');
    e = begin(q, packages, n, by);
    if (e != NULL)
        return err_also(e, quiet_end(q));
    *ret = take(q);
    return NULL;
}

struct err *
quiet_end(struct quiet *q)
{
    struct err *e = NULL;

    for (size_t i = q->n; i > 0; i--)
        e = err_also(e, resume_plugin(q, &q->served[i - 1]));
    if (q->post_due)
        e = err_also(e, run_script(q, false));
    q->post_due = false;
    return e;
}

struct err *
quiet_passed_over(struct quiet *q)
{
    return take(q->passed_over);
}

void
quiet_report(const struct quiet *q, struct doc_out *o, const char *name)
{
    struct text t = { 0 };

    text_str(&t, q->steps.text.s != NULL ? q->steps.text.s : "[");
    text_str(&t, "]");
    if (t.no_memory)
        o->text.no_memory = true;
    else
        doc_put_json(o, name, t.s);
    text_done(&t);
}

void
quiet_free(struct quiet *q)
{
    if (q == NULL)
        return;
    err_free(quiet_end(q));
    for (size_t i = 0; i < q->n; i++)
        run_free(q->served[i].run);
    scripts_free(q->scripts);
    err_free(q->passed_over);
    doc_out_done(&q->steps);
    free(q);
}
