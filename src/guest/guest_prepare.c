/* SPDX-License-Identifier: Apache-2.0 */
/* How it works: one listing finds every copy of the program, <root>/<package>/<version>/bin/.
 * Of each package the highest version by number is asked; which of its versions is the one
 * in force, the extension itself knows best, so it is only told the package. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "auto.h"
#include "codes.h"
#include "dotted.h"
#include "guest_prepare.h"
#include "json_read.h"
#include "qga.h"
#include "reported.h"
#include "text.h"

enum { PATH_LEN = 1024, FIND_MS = 30000, ANSWER_DEPTH = 32, ANSWER_VALUES = 16384,
    EXIT_USAGE = 2 };

/* Where the extension lives, and what lists the copies of its program there. */
struct place {
    const char *root, *program, *host;
    char slash;
    const char *finder;
    const char *const *args;
};

static const char *const windows_args[] = { "/d", "/c", "dir", "/b", "/s", "/a-d",
    "C:\\Packages\\Plugins\\firn-extension.exe", NULL };
static const char *const linux_args[] = { "/var/lib/firn/plugins", "-mindepth", "4",
    "-maxdepth", "4", "-type", "f", "-name", "firn-extension", NULL };

static const struct place windows_place = { "C:\\Packages\\Plugins\\", "firn-extension.exe",
    "firn-plugin-host.exe", '\\', "C:\\Windows\\System32\\cmd.exe", windows_args };
static const struct place linux_place = { "/var/lib/firn/plugins/", "firn-extension",
    "firn-plugin-host", '/', "/usr/bin/find", linux_args };

/* The latest copy of one package. */
struct copy {
    char *package, *path;
    struct dotted version;
};

struct copies {
    struct copy item[GUEST_PREPARE_PACKAGES];
    size_t n;
};

static void
copies_done(struct copies *c)
{
    for (size_t i = 0; i < c->n; i++) {
        free(c->item[i].package);
        free(c->item[i].path);
    }
}

/* ---- finding ---- */

/* ${line} is <root><package>/<version>/bin/<program>: *ret_package is the package's name, to be
 * freed, or NULL when the line is something else. */
static struct err *
package_of(const struct place *p, const char *line, char **ret_package,
    struct dotted *ret_version)
{
    const char *rest, *version, *bin, *program;
    char dotted[64];

    *ret_package = NULL;
    if (strncasecmp(line, p->root, strlen(p->root)) != 0)
        return NULL;
    rest = line + strlen(p->root);
    version = strchr(rest, p->slash);
    bin = version != NULL ? strchr(version + 1, p->slash) : NULL;
    program = bin != NULL ? strchr(bin + 1, p->slash) : NULL;
    if (program == NULL || strcasecmp(program + 1, p->program) != 0 || version == rest ||
        (size_t)(bin - version) > sizeof(dotted))
        return NULL;
    memcpy(dotted, version + 1, (size_t)(bin - version - 1));
    dotted[bin - version - 1] = '\0';
    if (!dotted_parse(dotted, ret_version))
        return NULL; /* a folder of another name stands beside the versions */
    *ret_package = strndup(rest, (size_t)(version - rest));
    return *ret_package != NULL ? NULL : fail(OutOfMemory);
}

static struct err *
keep_latest(struct copies *c, const char *package, const char *path,
    const struct dotted *version)
{
    struct copy *at = NULL;

    for (size_t i = 0; i < c->n && at == NULL; i++)
        if (strcasecmp(c->item[i].package, package) == 0)
            at = &c->item[i];
    if (at != NULL && dotted_compare(&at->version, version) >= 0)
        return NULL;
    if (at == NULL && c->n == GUEST_PREPARE_PACKAGES)
        return NULL;
    auto_free char *new_path = strdup(path);
    if (at == NULL) {
        auto_free char *name = strdup(package);
        if (name == NULL || new_path == NULL)
            return fail(OutOfMemory);
        at = &c->item[c->n++];
        at->package = take(name);
    }
    if (new_path == NULL)
        return fail(OutOfMemory);
    free(at->path);
    at->path = take(new_path);
    at->version = *version;
    return NULL;
}

static struct err *
copies_read(const struct place *p, char *lines, struct copies *ret)
{
    char *rest = lines, *line;
    size_t n = 0;

    while ((line = strsep(&rest, "\r\n")) != NULL && n < GUEST_PREPARE_VERSIONS) {
        auto_free char *package = NULL;
        struct dotted version;

        if (*line == '\0' || strlen(line) >= PATH_LEN)
            continue;
        n++;
        TRY(package_of(p, line, &package, &version));
        if (package != NULL)
            TRY(keep_latest(ret, package, line, &version));
    }
    return NULL;
}

/* A finder that finds nothing ends with a number other than 0: that is no failure. */
static struct err *
find_copies(struct qga *g, const struct place *p, struct deadline by, struct copies *ret)
{
    struct qga_program finder = { .path = p->finder, .args = p->args };
    struct qga_result r = { 0 };
    struct err *e;

    TRY(qga_run(g, &finder, deadline_first(by, deadline_in_ms(FIND_MS)), &r));
    e = r.out != NULL ? copies_read(p, (char *)r.out, ret) : NULL;
    qga_result_done(&r);
    return e;
}

/* ---- asking ---- */

static const char *
string_of(const json_t *object, const char *name)
{
    const char *s = json_string_value(json_object_get(object, name));

    return s != NULL ? s : "";
}

static struct err *
judge(struct qga *g, const char *package, const struct qga_result *r,
    void (*warn)(void *arg, struct err *warning), void *arg)
{
    const char *vm = qga_name(g), *result;
    const struct json_limits limits = { GUEST_PREPARE_ANSWER, ANSWER_DEPTH, ANSWER_VALUES };
    char why[JSON_WHY_MAX];
    json_t *answer;
    struct err *e = NULL;

    if (r->cut || r->out_len > GUEST_PREPARE_ANSWER)
        return fail(ExtensionAnswerWrong, vm, "it is too long");
    TRY(json_read((struct view){ r->out, r->out_len }, &limits, why, &answer));
    if (answer == NULL)
        return fail(ExtensionAnswerWrong, vm, r->out_len == 0 ? "it is empty" : why);
    result = string_of(answer, "result");
    if (strcmp(result, "failed") == 0)
        e = reported_failure(vm, package, answer);
    else if (strcmp(result, "skipped") == 0)
        warn(arg, fail(ExtensionCheckSkipped, vm, package));
    else if (strcmp(result, "ready") != 0)
        e = fail(ExtensionAnswerWrong, vm, "it does not say whether it is ready");
    json_decref(answer);
    return e;
}

/* How to ask: with ${look} to change nothing, and *looked is false after one that cannot. */
struct asking {
    struct qga *g;
    void (*warn)(void *arg, struct err *warning);
    void *arg;
    bool look, looked;
};

static struct err *
ask(struct asking *q, const struct copy *c, struct deadline by)
{
    const char *const args[] = { "prepare", "--json", "--package", c->package,
        q->look ? "--look" : NULL, NULL };
    struct qga_program program = { .path = c->path, .args = args, .may_stop = true };
    struct qga_result r = { 0 };
    struct err *e = NULL;

    TRY(qga_run(q->g, &program, by, &r));
    if (q->look && r.exit == EXIT_USAGE)
        q->looked = false;
    else
        e = judge(q->g, c->package, &r, q->warn, q->arg);
    qga_result_done(&r);
    return e;
}

static struct err *
ask_all(struct asking *q, struct deadline by)
{
    const struct qga_os *os;
    const struct place *p;
    struct copies copies = { 0 };
    struct err *e;

    TRY(qga_os(q->g, by, &os));
    p = os->family == QGA_WINDOWS ? &windows_place : &linux_place;
    e = find_copies(q->g, p, by, &copies);
    if (e == NULL && copies.n == 0)
        e = fail(ExtensionMissing, qga_name(q->g), p->root);
    for (size_t i = 0; e == NULL && i < copies.n; i++)
        e = ask(q, &copies.item[i], by);
    copies_done(&copies);
    return e;
}

struct err *
guest_prepare(struct qga *g, struct deadline by,
    void (*warn)(void *arg, struct err *warning), void *arg)
{
    struct asking q = { .g = g, .warn = warn, .arg = arg };

    return ask_all(&q, by);
}

struct err *
guest_prepare_look(struct qga *g, struct deadline by,
    void (*warn)(void *arg, struct err *warning), void *arg, bool *ret_looked)
{
    struct asking q = { .g = g, .warn = warn, .arg = arg, .look = true, .looked = true };

    TRY(ask_all(&q, by));
    *ret_looked = q.looked;
    return NULL;
}

/* ---- which there are ---- */

/* "Firn.VMSnapshot 1.0.0.0": the two folders above that of the program. */
static void
add_name(const struct place *p, const struct copy *c, struct text *t)
{
    const char *version = c->path + strlen(p->root) + strlen(c->package) + 1;

    text_fmt(t, "%s%s %.*s", t->len > 0 ? ", " : "", c->package,
        (int)(strchr(version, p->slash) - version), version);
}

struct err *
guest_extension_names(struct qga *g, struct deadline by, char **ret)
{
    const struct qga_os *os;
    struct copies copies = { 0 };
    struct text t = { 0 };

    TRY(qga_os(g, by, &os));
    const struct place *p = os->family == QGA_WINDOWS ? &windows_place : &linux_place;
    struct err *e = find_copies(g, p, by, &copies);
    for (size_t i = 0; e == NULL && i < copies.n; i++)
        add_name(p, &copies.item[i], &t);
    copies_done(&copies);
    if (e == NULL && t.no_memory)
        e = fail(OutOfMemory);
    if (e == NULL)
        *ret = take(t.s);
    text_done(&t);
    return e;
}

struct err *
guest_extension(struct qga *g, struct deadline by, char **ret)
{
    const struct qga_os *os;
    struct copies copies = { 0 };

    *ret = NULL;
    TRY(qga_os(g, by, &os));
    struct err *e = find_copies(g,
        os->family == QGA_WINDOWS ? &windows_place : &linux_place, by, &copies);
    if (e == NULL && copies.n == 1)
        *ret = take(copies.item[0].path);
    copies_done(&copies);
    return e;
}

struct err *
guest_plugin_host(struct qga *g, struct deadline by, char **ret)
{
    const struct qga_os *os;
    const struct place *p;
    struct copies copies = { 0 };
    struct err *e;

    *ret = NULL;
    TRY(qga_os(g, by, &os));
    p = os->family == QGA_WINDOWS ? &windows_place : &linux_place;
    e = find_copies(g, p, by, &copies);
    if (e == NULL && copies.n > 0) {
        const char *path = copies.item[0].path;
        size_t folder = strlen(path) - strlen(p->program);

        *ret = malloc(folder + strlen(p->host) + 1);
        if (*ret == NULL) {
            e = fail(OutOfMemory);
        } else {
            memcpy(*ret, path, folder);
            memcpy(*ret + folder, p->host, strlen(p->host) + 1);
        }
    }
    copies_done(&copies);
    return e;
}
