/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "auto.h"
#include "codes.h"
#include "guest_find.h"
#include "json_read.h"
#include "qga.h"

enum { PATH_LEN = 1024, FIND_MS = 30000, LATEST_MS = 30000, DEPTH_MAX = 8, VALUES_MAX = 64 };

static const struct guest_place windows_place = { "C:\\Packages\\Plugins", '\\',
    "firn-extension.exe", "firn-plugin-host.exe", "RuntimeSettings", "Status" };
static const struct guest_place linux_place = { "/var/lib/firn/plugins", '/', "firn-extension",
    "firn-plugin-host", "config", "status" };

const struct guest_place *
guest_place(const struct qga_os *os)
{
    return os->family == QGA_WINDOWS ? &windows_place : &linux_place;
}

void
guest_copies_done(struct guest_copies *c)
{
    for (size_t i = 0; i < c->n; i++) {
        free(c->item[i].package);
        free(c->item[i].path);
    }
    c->n = 0;
}

/* ${line} is <root><package>/<version>/bin/<program>: *ret_package is the package's name, to be
 * freed, or NULL when the line is something else. */
static struct err *
package_of(const struct guest_place *p, const char *root, const char *line, char **ret_package,
    struct dotted *ret_version)
{
    const char *rest, *version, *bin, *program;
    char dotted[64];

    *ret_package = NULL;
    if (strncasecmp(line, root, strlen(root)) != 0 || line[strlen(root)] != p->slash)
        return NULL;
    rest = line + strlen(root) + 1;
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

/* The place of ${package} in the list, which is where it stands or would stand. */
static size_t
place_of(const struct guest_copies *c, const char *package, bool *ret_there)
{
    size_t at = 0;

    while (at < c->n && strcasecmp(c->item[at].package, package) < 0)
        at++;
    *ret_there = at < c->n && strcasecmp(c->item[at].package, package) == 0;
    return at;
}

static struct err *
keep_latest(struct guest_copies *c, const char *package, const char *path,
    const struct dotted *version)
{
    bool there;
    size_t at = place_of(c, package, &there);

    if (there && dotted_compare(&c->item[at].version, version) >= 0)
        return NULL;
    if (!there && c->n == GUEST_FIND_PACKAGES) {
        c->more = true;
        return NULL;
    }
    auto_free char *name = strdup(package), *new_path = strdup(path);
    if (name == NULL || new_path == NULL)
        return fail(OutOfMemory);
    if (there) {
        free(c->item[at].path);
    } else {
        memmove(&c->item[at + 1], &c->item[at], (c->n - at) * sizeof(c->item[0]));
        c->item[at].package = take(name);
        c->n++;
    }
    c->item[at].path = take(new_path);
    c->item[at].version = *version;
    return NULL;
}

static struct err *
copies_read(const struct guest_place *p, const char *root, char *lines,
    struct guest_copies *ret)
{
    char *rest = lines, *line;
    size_t n = 0;

    while ((line = strsep(&rest, "\r\n")) != NULL && n < GUEST_FIND_VERSIONS) {
        auto_free char *package = NULL;
        struct dotted version;

        if (*line == '\0' || strlen(line) >= PATH_LEN)
            continue;
        n++;
        TRY(package_of(p, root, line, &package, &version));
        if (package != NULL)
            TRY(keep_latest(ret, package, line, &version));
    }
    return NULL;
}

/* A finder that finds nothing ends with a number other than 0: that is no failure. */
struct err *
guest_find(struct qga *g, const char *root, struct deadline by, struct guest_copies *ret)
{
    const struct qga_os *os;
    auto_free char *names = NULL;
    struct qga_result r = { 0 };

    *ret = (struct guest_copies){ .n = 0 };
    TRY(qga_os(g, by, &os));
    const struct guest_place *p = guest_place(os);
    root = root != NULL ? root : p->root;
    if (asprintf(&names, "%s%c%s", root, p->slash, p->program) < 0)
        return fail(OutOfMemory);
    const char *const on_windows[] = { "/d", "/c", "dir", "/b", "/s", "/a-d", names, NULL };
    const char *const on_linux[] = { root, "-mindepth", "4", "-maxdepth", "4", "-type", "f",
        "-name", p->program, NULL };
    bool windows = os->family == QGA_WINDOWS;
    const struct qga_program finder = {
        .path = windows ? "C:\\Windows\\System32\\cmd.exe" : "/usr/bin/find",
        .args = windows ? on_windows : on_linux
    };
    TRY(qga_run(g, &finder, deadline_first(by, deadline_in_ms(FIND_MS)), &r));
    struct err *e = r.out != NULL ? copies_read(p, root, (char *)r.out, ret) : NULL;
    qga_result_done(&r);
    if (e != NULL)
        guest_copies_done(ret);
    return e;
}

/* The text ${folder}/bin/<program> with the system's own slashes. */
static struct err *
program_in(const struct guest_place *p, const char *folder, char **ret)
{
    if (asprintf(ret, "%s/bin/%s", folder, p->program) < 0) {
        *ret = NULL;
        return fail(OutOfMemory);
    }
    for (char *s = *ret; *s != '\0'; s++)
        if (*s == '/')
            *s = p->slash;
    return NULL;
}

static struct err *
read_latest(struct qga *g, const struct guest_place *p, const struct qga_result *r, char **ret)
{
    const struct json_limits limits = { GUEST_FIND_ANSWER, DEPTH_MAX, VALUES_MAX };
    char why[JSON_WHY_MAX];
    json_auto_t *answer = NULL;
    const char *folder;

    if (r->exit != 0)
        return NULL; /* no version of it is in force */
    if (r->cut || r->out_len > PATH_LEN)
        return fail(ExtensionAnswerWrong, qga_name(g), "it is too long");
    TRY(json_read((struct view){ r->out, r->out_len }, &limits, why, &answer));
    folder = json_string_value(json_object_get(answer, "folder"));
    if (folder == NULL)
        return fail(ExtensionAnswerWrong, qga_name(g), "it does not say which version counts");
    return program_in(p, folder, ret);
}

struct err *
guest_find_latest(struct qga *g, const char *root, const struct guest_copy *c,
    struct deadline by, char **ret)
{
    const char *args[] = { "latest", c->package, "--json", root != NULL ? "--root" : NULL, root,
        NULL };
    const struct qga_program program = { .path = c->path, .args = args };
    struct qga_result r = { 0 };
    const struct qga_os *os;

    *ret = NULL;
    TRY(qga_os(g, by, &os));
    TRY(qga_run(g, &program, deadline_first(by, deadline_in_ms(LATEST_MS)), &r));
    struct err *e = read_latest(g, guest_place(os), &r, ret);
    qga_result_done(&r);
    return e;
}
