/* SPDX-License-Identifier: Apache-2.0 */
/* Steps: persistent key, load test, installer, load test.  An installer that finds another
 * installation in its way has done nothing, so it is tried again when the other is over; where
 * dpkg stays locked that is the failure, whatever the manifest calls it: only waiting helps. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "codes.h"
#include "exitcode.h"
#include "os.h"
#include "prerequisite.h"
#include "probe.h"
#include "run.h"

/* One go at a prerequisite. */
struct attempt {
    const struct package *p;
    const struct package_prerequisite *q;
    struct doc *probe;
    bool loaded, same; /* all libraries; and of one version where that is wanted */
    bool look; /* run no installer */
    bool ran;
    int64_t runs;
    bool started;  /* else start_number says why not */
    int64_t start_number;
    uint32_t exit_code;
    enum exit_class class;
    char words[PREREQUISITE_WORDS + 1];
    char who[OS_WHO_MAX]; /* another installer, which it waited for; "": there was none */
    char *key_text; /* what the persistent key says, NULL when it is not set */
};

static const char *const state_words[] = {
    [PREREQUISITE_PRESENT] = "present",
    [PREREQUISITE_INSTALLED] = "installed",
    [PREREQUISITE_SKIPPED] = "skipped",
    [PREREQUISITE_MISSING] = "missing",
};

const char *
prerequisite_state_word(enum prerequisite_state state)
{
    return state_words[state];
}

static bool
of_one_version(const struct doc_value *libraries)
{
    const char *first = NULL;

    for (const struct doc_value *v = doc_first(libraries); v != NULL; v = doc_next(v)) {
        const char *version = doc_string(doc_get(v, "version"), "");

        if (first != NULL && strcmp(first, version) != 0)
            return false;
        first = version;
    }
    return true;
}

static struct err *
test(struct attempt *a, const char *host, struct deadline by)
{
    doc_free(a->probe);
    a->probe = NULL;
    TRY(probe_libraries(host, a->q->library, a->q->nlibraries, by, &a->probe, &a->loaded));
    a->same = !a->q->same_version ||
              of_one_version(doc_get(doc_root(a->probe), "libraries"));
    return NULL;
}

/* The manifest's own table comes before that of the kind. */
static enum exit_class
classify(const struct package_prerequisite *q, uint32_t code, const char *words)
{
    char number[16];
    int class;

    (void)snprintf(number, sizeof(number), "%" PRIu32, code);
    if (package_exit_class(doc_string(doc_get(q->exit_codes, number), ""), &class))
        return (enum exit_class)class;
    if (q->kind == PACKAGE_WINDOWS)
        return exitcode_class(code, words);
    if (q->kind == PACKAGE_DPKG)
        return exitcode_class_dpkg(code, words);
    return code == 0 ? EXIT_OK : EXIT_UNKNOWN;
}

/* The end of what it printed: that is where it says what went wrong. */
static void
keep_words(struct attempt *a, const char *output)
{
    size_t n = strlen(output);

    if (n > PREREQUISITE_WORDS)
        output += n - PREREQUISITE_WORDS;
    (void)snprintf(a->words, sizeof(a->words), "%s", output);
}

/* A Debian package is no program: apt-get installs it, whole or not at all, where dpkg would
 * leave one half there whose dependencies are missing; also again, where its files are lost. */
struct command {
    const char *program;
    const char *argument[PACKAGE_ARGUMENTS_MAX + 16];
};

static const char *const debian_env[] = { "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive", NULL };

static bool
is_debian_package(const struct package_prerequisite *q)
{
    size_t n = strlen(q->installer);

    return q->kind == PACKAGE_DPKG && n > 4 && strcmp(q->installer + n - 4, ".deb") == 0;
}

static void
make_command(const struct package_prerequisite *q, const char *path, struct command *ret)
{
    static const char *const first[] = { "-q", "-y", "--no-remove", "-o",
        "DPkg::Lock::Timeout=0", "-o", "Dpkg::Options::=--force-confdef", "-o",
        "Dpkg::Options::=--force-confold", "--reinstall" };
    size_t n = 0;

    *ret = (struct command){ .program = path };
    if (!is_debian_package(q)) {
        memcpy(ret->argument, q->argument, sizeof(q->argument));
        return;
    }
    ret->program = "/usr/bin/apt-get";
    for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++)
        ret->argument[n++] = first[i];
    for (size_t i = 0; q->argument[i] != NULL; i++)
        ret->argument[n++] = q->argument[i];
    ret->argument[n++] = "install";
    ret->argument[n++] = "--";
    ret->argument[n] = path;
}

static struct err *
run_once(struct attempt *a, const char *path, const char *folder, struct deadline by)
{
    struct command c;
    auto_ptr(run) r = NULL;
    bool ended = false;
    struct err *e;

    make_command(a->q, path, &c);
    const struct run_options o = { .program = c.program, .arguments = c.argument,
        .folder = folder, .env = a->q->kind == PACKAGE_DPKG ? debian_env : NULL };

    a->runs++;
    e = run_start(&o, &r);
    if (e != NULL) {
        a->start_number = err_os_number(err_cause(e) != NULL ? err_cause(e) : e);
        a->class = EXIT_CANNOT_START;
        if (a->q->kind == PACKAGE_WINDOWS)
            a->class = exitcode_class((uint32_t)a->start_number, NULL);
        err_free(e);
        return NULL;
    }
    a->started = true;
    TRY(run_wait(r, by, &ended, &a->exit_code));
    keep_words(a, run_output(r));
    a->class = ended ? classify(a->q, a->exit_code, a->words) : EXIT_HUNG;
    return NULL;
}

static struct err *
install(struct attempt *a, const struct package *p, struct deadline by)
{
    auto_free char *path = NULL, *folder = NULL;
    char *slash;

    /* a changed installer is not run: that is no missing runtime but a damaged package */
    TRY(package_verify_file(p, a->q->installer, &path));
    folder = strdup(path);
    if (folder == NULL)
        return fail(OutOfMemory);
    slash = strrchr(folder, '/');
    if (slash != NULL)
        *slash = '\0';
    by = deadline_first(by, deadline_in_ms(a->q->deadline_s * 1000));
    a->ran = true;
    for (;;) {
        TRY(run_once(a, path, folder, by));
        if (a->class != EXIT_BUSY || a->runs == PREREQUISITE_ATTEMPTS ||
            !os_installer_wait(by, a->who) || deadline_passed(by))
            return NULL;
    }
}

static void
put_installer(struct doc_out *o, const struct attempt *a)
{
    doc_open(o, "installer", '{');
    doc_put_string(o, "file", a->q->installer);
    doc_put_int(o, "runs", a->runs);
    if (a->started && a->class != EXIT_HUNG)
        doc_put_int(o, "exit", a->exit_code);
    else
        doc_put_string(o, "exit", NULL);
    doc_put_int(o, "start_number", a->start_number);
    doc_put_string(o, "class", exitcode_class_name(a->class));
    doc_put_string(o, "words", a->words);
    doc_put_string(o, "waited_for", a->who[0] != '\0' ? a->who : NULL);
    doc_close(o, '}');
}

static void
put_all(struct doc_out *o, const struct attempt *a, enum prerequisite_state state)
{
    doc_open(o, NULL, '{');
    doc_put_string(o, "name", a->q->name);
    doc_put_string(o, "title", a->q->title);
    doc_put_string(o, "state", state_words[state]);
    if (a->q->key != NULL) {
        doc_open(o, "override", '{');
        doc_put_string(o, "key", a->q->key);
        doc_put_string(o, "value", a->q->value);
        doc_put_string(o, "text", a->key_text);
        doc_put_bool(o, "set", state == PREREQUISITE_SKIPPED);
        doc_close(o, '}');
    }
    if (a->probe != NULL)
        doc_put_value(o, "probe", doc_get(doc_root(a->probe), "libraries"));
    if (a->ran)
        put_installer(o, a);
    doc_close(o, '}');
}

static const struct doc_value *
first_not_loaded(const struct attempt *a)
{
    const struct doc_value *libraries = doc_get(doc_root(a->probe), "libraries");
    bool loaded;

    for (const struct doc_value *v = doc_first(libraries); v != NULL; v = doc_next(v))
        if (doc_bool(doc_get(v, "loaded"), &loaded) && !loaded)
            return v;
    return NULL;
}

/* The first plug-in that needs it. */
static const char *
needed_by(const struct attempt *a)
{
    for (size_t i = 0; i < a->p->nplugins; i++)
        for (size_t k = 0; k < a->p->plugins[i].nrequires; k++)
            if (a->p->plugins[i].requires[k] == a->q)
                return a->p->plugins[i].name;
    return "";
}

/* The variables of the failure, flat, as an article uses them. */
static void
put_facts(struct doc_out *o, const struct attempt *a)
{
    const struct doc_value *bad = first_not_loaded(a);
    const struct doc_value *libraries = doc_get(doc_root(a->probe), "libraries");
    int64_t number = 0;

    (void)doc_int(doc_get(bad, "number"), &number);
    doc_open(o, NULL, '{');
    doc_put_string(o, "prerequisite", a->q->name);
    doc_put_string(o, "runtime", a->q->title);
    doc_put_string(o, "package", a->q->package);
    doc_put_string(o, "plugin", needed_by(a));
    doc_put_string(o, "library", doc_string(doc_get(bad, "library"), ""));
    doc_put_int(o, "number", number);
    doc_put_string(o, "reason",
        bad != NULL ? doc_string(doc_get(bad, "reason"), "") : "versions differ");
    doc_put_string(o, "words", doc_string(doc_get(bad, "words"), ""));
    doc_open(o, "versions", '{');
    for (const struct doc_value *v = doc_first(libraries); v != NULL; v = doc_next(v))
        doc_put_string(o, doc_string(doc_get(v, "library"), ""),
            doc_string(doc_get(v, "version"), ""));
    doc_close(o, '}');
    doc_put_string(o, "installer", a->q->installer);
    doc_put_int(o, "runs", a->runs);
    if (a->started && a->class != EXIT_HUNG)
        doc_put_int(o, "exit", a->exit_code);
    else
        doc_put_string(o, "exit", NULL);
    doc_put_int(o, "start_number", a->start_number);
    doc_put_string(o, "class", a->ran ? exitcode_class_name(a->class) : "not-run");
    doc_put_string(o, "installer_words", a->words);
    doc_put_string(o, "who", a->who);
    doc_close(o, '}');
}

/* Somebody else holds dpkg's lock. */
static bool
is_locked_out(const struct attempt *a)
{
    return a->q->kind == PACKAGE_DPKG && a->ran && a->class == EXIT_BUSY &&
        a->who[0] != '\0';
}

static struct err *
put_message(const struct attempt *a, char **ret)
{
    const struct doc_value *bad = first_not_loaded(a);
    struct text t = { 0 };

    if (bad != NULL)
        text_fmt(&t, "%s is missing: %s cannot be loaded (%s)", a->q->title,
            doc_string(doc_get(bad, "library"), ""), doc_string(doc_get(bad, "reason"), ""));
    else
        text_fmt(&t, "%s cannot be used: its libraries are of different versions",
            a->q->title);
    if (a->look && a->q->installer != NULL)
        text_fmt(&t, "; its installer %s was not run", a->q->installer);
    else if (!a->ran)
        text_fmt(&t, "; the package has no installer for it");
    else if (is_locked_out(a))
        text_fmt(&t, "; its installer %s waited for %s, which holds the package manager",
            a->q->installer, a->who);
    else if (!a->started)
        text_fmt(&t, "; its installer %s could not be started (%" PRId64 ")",
            a->q->installer, a->start_number);
    else if (a->class == EXIT_HUNG)
        text_fmt(&t, "; its installer %s had to be ended at its deadline", a->q->installer);
    else
        text_fmt(&t, "; its installer %s ended with %" PRIu32 " (%s)", a->q->installer,
            a->exit_code, exitcode_class_name(a->class));
    if (t.no_memory)
        return fail(OutOfMemory);
    *ret = t.s;
    return NULL;
}

static struct err *
work(struct attempt *a, const struct package *p, const char *host, struct deadline by,
    enum prerequisite_state *ret)
{
    if (a->q->key != NULL)
        TRY(os_persistent(a->q->key, a->q->value, &a->key_text));
    *ret = PREREQUISITE_SKIPPED;
    if (a->key_text != NULL && strcasecmp(a->key_text, a->q->data) == 0)
        return NULL;
    TRY(test(a, host, by));
    *ret = PREREQUISITE_PRESENT;
    if (a->loaded && a->same)
        return NULL;
    if (a->q->installer != NULL && !a->look) {
        TRY(install(a, p, by));
        TRY(test(a, host, by));
    }
    *ret = a->loaded && a->same ? PREREQUISITE_INSTALLED : PREREQUISITE_MISSING;
    return NULL;
}

static struct err *
report(const struct attempt *a, enum prerequisite_state state, struct prerequisite_result *ret)
{
    struct doc_out o = { 0 };

    put_all(&o, a, state);
    TRY(doc_out_take(&o, &ret->json));
    ret->state = state;
    ret->reboot = a->ran && (a->class == EXIT_OK_RESTART || a->class == EXIT_RESTARTING);
    if (state != PREREQUISITE_MISSING)
        return NULL;
    ret->code = is_locked_out(a) ? "GuestInstallerBusy" : a->q->failure;
    put_facts(&o, a);
    TRY(doc_out_take(&o, &ret->facts));
    TRY(put_message(a, &ret->message));
    return NULL;
}

struct err *
prerequisite_prepare(const struct package *p, const struct package_prerequisite *q,
    const char *host, bool look, struct deadline by, struct prerequisite_result *ret)
{
    struct attempt a = { .p = p, .q = q, .look = look, .class = EXIT_UNKNOWN };
    struct prerequisite_result result = { 0 };
    enum prerequisite_state state = PREREQUISITE_MISSING;
    struct err *e = work(&a, p, host, by, &state);

    if (e == NULL)
        e = report(&a, state, &result);
    doc_free(a.probe);
    free(a.key_text);
    if (e != NULL) {
        prerequisite_result_done(&result);
        return e;
    }
    *ret = result;
    return NULL;
}

void
prerequisite_result_done(struct prerequisite_result *r)
{
    free(r->json);
    free(r->facts);
    free(r->message);
    *r = (struct prerequisite_result){ 0 };
}
