/* SPDX-License-Identifier: Apache-2.0 */
/* Readers of Linux commands: systemctl, service, apt, dpkg, iconv. */
#include <string.h>
#include <strings.h>

#include "compile_internal.h"

enum { NAMES_MAX = 12 }; /* of one command */

/* A unit, package or version name: it starts with a letter or a digit, and holds no blank, no
 * path, and nothing of a shell. */
static bool
is_name(const struct arg *a)
{
    char first = a->len > 0 ? a->s[0] : '\0';

    if (!((first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z') ||
            (first >= '0' && first <= '9')))
        return false;
    for (size_t i = 0; i < a->len; i++)
        if (strchr("/\\|&;<>*?()'\"=#, ", a->s[i]) != NULL)
            return false;
    return typographic(a->s, a->len) == NULL;
}

static const struct unit_verb {
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

static const struct unit_verb *
unit_verb(const struct argv *v, size_t i)
{
    for (size_t k = 0; k < sizeof(unit_verbs) / sizeof(unit_verbs[0]); k++)
        if (arg_is(v, i, unit_verbs[k].verbs))
            return &unit_verbs[k];
    return NULL;
}

static size_t
unit_len(const struct arg *a)
{
    return a->len > 8 && strncasecmp(a->s + a->len - 8, ".service", 8) == 0 ? a->len - 8
                                                                            : a->len;
}

/* Is argument ${i} a unit that this may be done to?  If not, *ret_problem may say why. */
static bool
unit_fits(const struct argv *v, size_t i, const struct unit_verb *u, const char **ret_problem)
{
    const struct arg *a = &v->a[i];

    *ret_problem = NULL;
    if (arg_is_open(a))
        *ret_problem = "placeholder";
    else if (service_protects(a->s, unit_len(a)) &&
        in_list(u->value, strlen(u->value), "stopped|disabled"))
        *ret_problem = "disables-security";
    return *ret_problem == NULL && is_name(a);
}

/* What is done to the unit of argument ${i}; it stands for arguments [from, to). */
static void
unit(struct finds *l, const struct argv *v, size_t i, const struct unit_verb *u, size_t from,
    size_t to)
{
    struct find *f = argv_part(l, v, from, to, u->kind);

    if (f == NULL)
        return;
    find_put(l, f, "unit", v->a[i].s, unit_len(&v->a[i]));
    find_put(l, f, u->param, u->value, strlen(u->value));
    f->look = strcmp(u->kind, "linux.unit.is") == 0;
}

/* How many arguments from ${i} on are names, up to the end of the command; 0: something else
 * follows.  In prose it is one, since words may follow. */
static size_t
names(const struct argv *v, size_t i)
{
    size_t n = 0;

    do {
        if (i + n >= v->n || n == NAMES_MAX || !is_name(&v->a[i + n]) ||
            arg_is(v, i + n, "systemctl|sudo")) /* two commands that lost their line's end */
            return 0;
        n++;
    } while (!argv_ends(v, i + n));
    return n == 1 || v->c->whole ? n : 0;
}

size_t
command_systemctl(struct finds *l, const struct argv *v)
{
    bool now = arg_is(v, 1, "--now") || arg_is(v, 2, "--now");
    const struct unit_verb *u = unit_verb(v, arg_is(v, 1, "--now") ? 2 : 1);
    size_t first = now ? 3 : 2, n = names(v, first);
    const char *why = NULL;

    if (v->n < 2)
        return 0;
    if (n == 0 && v->n > first && arg_is_open(&v->a[first]) && u != NULL && !now)
        return argv_person(l, v, "placeholder", NULL);
    if (u == NULL || n == 0 ||
        (now && (n > 1 || strcmp(u->kind, "linux.unit.enabled") != 0 ||
                    strcmp(u->value, "unmasked") == 0)))
        return v->c->whole || v->c->asked ? argv_person(l, v, NULL, NULL) : 0;
    for (size_t k = 0; k < n; k++)
        if (!unit_fits(v, first + k, u, &why))
            return argv_person(l, v, why, NULL);
    if (now) { /* "enable --now X" is two things: the words before X stand for the first */
        unit(l, v, first, u, 0, first);
        unit(l, v, first, &unit_verbs[strcmp(u->value, "enabled") == 0 ? 0 : 1], first,
            first + 1);
        return first + 1;
    }
    for (size_t k = 0; k < n; k++)
        unit(l, v, first + k, u, k == 0 ? 0 : first + k, first + k + 1);
    return first + n;
}

size_t
command_service(struct finds *l, const struct argv *v)
{
    const struct unit_verb *u = unit_verb(v, 2);
    const char *why = NULL;

    if (v->n < 3 || v->a[0].last || v->a[1].last || !argv_ends(v, 3) ||
        (!v->c->whole && !v->c->asked))
        return 0;
    if (u == NULL || !arg_is(v, 2, "start|stop|restart|reload-or-restart|force-reload|status"))
        return v->c->whole ? argv_person(l, v, NULL, NULL) : 0;
    if (!unit_fits(v, 1, u, &why))
        return argv_person(l, v, why, NULL);
    unit(l, v, 1, u, 0, 3);
    return 3;
}

/* ---- packages ---- */

static size_t
package(struct finds *l, const struct argv *v, size_t i, const char *kind)
{
    bool file = v->a[i].s[0] == '/' || (v->a[i].len > 2 && strncmp(v->a[i].s, "./", 2) == 0);
    size_t n = names(v, i);

    for (size_t k = 0; k < (n > 0 ? n : 1); k++)
        if (arg_is_open(&v->a[i + k]))
            return argv_person(l, v, "placeholder", NULL);
    if (n == 0)
        return argv_person(l, v, file && argv_ends(v, i + 1) ? "path-relative" : NULL, NULL);
    for (size_t k = 0; k < n; k++) {
        struct find *f = argv_part(l, v, k == 0 ? 0 : i + k, i + k + 1, kind);

        if (f != NULL)
            find_put(l, f, "name", v->a[i + k].s, v->a[i + k].len);
    }
    return i + n;
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
