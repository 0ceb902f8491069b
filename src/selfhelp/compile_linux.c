/* SPDX-License-Identifier: Apache-2.0 */
/* Readers of Linux commands: systemctl, service, apt, dpkg, iconv. */
#include <string.h>
#include <strings.h>

#include "compile_internal.h"

/* A unit, package or version name: no blank, no path, no option. */
static bool
is_name(const struct arg *a)
{
    if (a->len == 0 || a->s[0] == '-')
        return false;
    for (size_t i = 0; i < a->len; i++)
        if (strchr("/\\|&;<>*?()'\"=, ", a->s[i]) != NULL)
            return false;
    return typographic(a->s, a->len) == NULL;
}

static size_t
unit(struct finds *l, const struct argv *v, size_t i, size_t n, const char *kind,
    const char *param, const char *value)
{
    const struct arg *a = &v->a[i];
    size_t len = a->len;
    struct find *f;

    if (arg_is_open(a))
        return argv_person(l, v, "placeholder", NULL);
    if (!is_name(a))
        return argv_person(l, v, NULL, NULL);
    if (len > 8 && strncasecmp(a->s + len - 8, ".service", 8) == 0)
        len -= 8;
    if (service_protects(a->s, len) && in_list(value, strlen(value), "stopped|disabled"))
        return argv_person(l, v, "disables-security", NULL);
    f = argv_find(l, v, n, kind);
    if (f != NULL) {
        find_put(l, f, "unit", a->s, len);
        find_put(l, f, param, value, strlen(value));
        f->look = strcmp(kind, "linux.unit.is") == 0;
    }
    return n;
}

static const struct {
    const char *verbs, *kind, *param, *value;
} unit_verbs[] = {
    { "start", "linux.unit.state", "want", "running" },
    { "stop", "linux.unit.state", "want", "stopped" },
    { "restart|reload-or-restart|force-reload", "linux.unit.state", "want", "restarted" },
    { "enable", "linux.unit.enabled", "want", "enabled" },
    { "disable", "linux.unit.enabled", "want", "disabled" },
    { "unmask", "linux.unit.enabled", "want", "unmasked" },
    { "status|is-active", "linux.unit.is", "state", "active" },
    { "is-enabled", "linux.unit.is", "state", "enabled" },
};

size_t
command_systemctl(struct finds *l, const struct argv *v)
{
    size_t n = 3;

    if (v->n < 2)
        return 0;
    for (size_t i = 0; v->n > 2 && i < sizeof(unit_verbs) / sizeof(unit_verbs[0]); i++) {
        if (!arg_is(v, 1, unit_verbs[i].verbs))
            continue;
        if (!argv_ends(v, n))
            break;
        return unit(l, v, 2, n, unit_verbs[i].kind, unit_verbs[i].param, unit_verbs[i].value);
    }
    return v->c->whole || v->c->asked ? argv_person(l, v, NULL, NULL) : 0;
}

size_t
command_service(struct finds *l, const struct argv *v)
{
    if (v->n < 3 || v->a[0].last || v->a[1].last || !argv_ends(v, 3) ||
        (!v->c->whole && !v->c->asked))
        return 0;
    for (size_t i = 0; i < 3; i++)
        if (arg_is(v, 2, unit_verbs[i].verbs))
            return unit(l, v, 1, 3, unit_verbs[i].kind, unit_verbs[i].param,
                unit_verbs[i].value);
    if (arg_is(v, 2, "status"))
        return unit(l, v, 1, 3, "linux.unit.is", "state", "active");
    return v->c->whole ? argv_person(l, v, NULL, NULL) : 0;
}

/* ---- packages ---- */

static size_t
package(struct finds *l, const struct argv *v, size_t i, const char *kind)
{
    bool file = v->a[i].s[0] == '/' || (v->a[i].len > 2 && strncmp(v->a[i].s, "./", 2) == 0);
    struct find *f;

    if (arg_is_open(&v->a[i]))
        return argv_person(l, v, "placeholder", NULL);
    if (!argv_ends(v, i + 1))
        return argv_person(l, v, NULL, NULL); /* several at once */
    if (file || !is_name(&v->a[i]))
        return argv_person(l, v, file ? "path-relative" : NULL, NULL);
    f = argv_find(l, v, i + 1, kind);
    if (f != NULL)
        find_put(l, f, "name", v->a[i].s, v->a[i].len);
    return i + 1;
}

size_t
command_apt(struct finds *l, const struct argv *v)
{
    bool fix = false, only = false, odd = false;
    size_t i = 1, verb = 0;

    for (; i < v->n && (i == 1 || !v->a[i - 1].last); i++) {
        if (v->a[i].s[0] != '-') {
            if (verb != 0)
                break;
            verb = i;
            continue;
        }
        fix = fix || arg_is(v, i, "-f|--fix-broken");
        only = only || arg_is(v, i, "--only-upgrade");
        odd = odd || !arg_is(v, i, "-f|--fix-broken|--only-upgrade|-y|--yes|-qq|-q|"
                                   "--assume-yes|--no-install-recommends");
    }
    if (verb == 0 || !arg_is(v, verb, "install|upgrade|update|remove|purge|autoremove|"
                                      "dist-upgrade|full-upgrade|reinstall|list|show|clean"))
        return 0;
    if (arg_is(v, verb, "remove|purge|autoremove"))
        return argv_person(l, v, "destroys", NULL);
    if (odd || !arg_is(v, verb, "install|upgrade"))
        return argv_person(l, v, NULL, NULL);
    if (i < v->n && !v->a[i - 1].last && !argv_ends(v, i))
        return package(l, v, i,
            only || arg_is(v, verb, "upgrade") ? "linux.package.upgrade"
                                               : "linux.package.install");
    if (!fix || !arg_is(v, verb, "install"))
        return argv_person(l, v, NULL, NULL); /* everything, or nothing */
    (void)argv_find(l, v, i, "linux.package.fix");
    return i;
}

size_t
command_dpkg(struct finds *l, const struct argv *v)
{
    struct find *f;

    if (v->n < 2 || v->a[0].last)
        return 0;
    if (arg_is(v, 1, "--configure") && arg_is(v, 2, "-a|--pending") && argv_ends(v, 3)) {
        (void)argv_find(l, v, 3, "linux.package.configure");
        return 3;
    }
    if (arg_is(v, 1, "-r|-P|--remove|--purge"))
        return argv_person(l, v, "destroys", NULL);
    if (!arg_is(v, 1, "-i|--install") || v->n < 3 || !argv_ends(v, 3))
        return v->c->whole ? argv_person(l, v, NULL, NULL) : 0;
    if (has_placeholder(v->a[2].s, v->a[2].len))
        return argv_person(l, v, "placeholder", NULL);
    if (v->a[2].s[0] != '/')
        return argv_person(l, v, "path-relative", NULL);
    f = argv_find(l, v, 3, "linux.package.install_file");
    if (f != NULL)
        find_put(l, f, "path", v->a[2].s, v->a[2].len);
    return 3;
}

/* It writes to its standard output: as it stands in articles it repairs nothing. */
size_t
command_iconv(struct finds *l, const struct argv *v)
{
    bool written = false;

    if (v->n < 3)
        return 0;
    for (size_t i = 1; i < v->n; i++)
        written = written || arg_is(v, i, "-o|--output");
    return argv_person(l, v, written ? NULL : "print-only", NULL);
}
