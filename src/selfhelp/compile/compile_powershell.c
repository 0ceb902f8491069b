/* SPDX-License-Identifier: Apache-2.0 */
/* Readers of PowerShell's cmdlets for services and registry values.
 *
 * Only literals are understood: every parameter must be of a closed list and its value plain
 * text or quoted text.  Whatever PowerShell would compute (variables, expressions, lists,
 * wildcards) makes the command one for a person, and so does another machine. */
#include <string.h>

#include "compile_internal.h"

enum { PARAMS_MAX = 10 };

/* The parameters of one call. */
struct call {
    const char *const *known; /* names in lower case; a * before it: a switch */
    const struct arg *value[PARAMS_MAX];
    bool odd, elsewhere;
    size_t n; /* arguments that belong to it */
};

/* A value that means just what it says. */
static bool
is_literal(const struct arg *a)
{
    if (a->quoted)
        return memchr(a->s, '*', a->len) == NULL && memchr(a->s, '?', a->len) == NULL;
    for (size_t i = 0; i < a->len; i++)
        if (strchr("(){}[]@,*?<>#'", a->s[i]) != NULL)
            return false;
    return a->len > 0;
}

static bool
is_parameter(const struct arg *a)
{
    return !a->quoted && a->len > 1 && a->s[0] == '-' && (a->s[1] | 0x20) >= 'a' &&
        (a->s[1] | 0x20) <= 'z';
}

/* Which known parameter argument ${a} names; PARAMS_MAX: none. */
static size_t
named(const struct call *c, const struct arg *a)
{
    for (size_t i = 0; c->known[i] != NULL; i++) {
        const char *name = c->known[i] + (c->known[i][0] == '*');

        if (text_equal(a->s + 1, a->len - 1, name))
            return i;
    }
    return PARAMS_MAX;
}

/* ${first}: the parameter that a value without a name belongs to, PARAMS_MAX: none may. */
static void
call_read(const struct argv *v, struct call *c, size_t first)
{
    size_t i = 1;

    while (i < v->n && (i == 1 || !v->a[i - 1].last) && !c->odd) {
        size_t at = first;

        if (is_parameter(&v->a[i])) {
            at = named(c, &v->a[i]);
            c->elsewhere |= text_equal(v->a[i].s, v->a[i].len, "-computername");
            c->odd = at == PARAMS_MAX;
            i++;
            if (c->odd || c->known[at][0] == '*')
                continue;
            c->odd = i >= v->n || v->a[i - 1].last;
        } else if (at == PARAMS_MAX || c->value[at] != NULL) {
            break; /* the command is over, or it is odd: argv_ends tells */
        }
        if (c->odd || i >= v->n)
            break;
        c->odd = c->value[at] != NULL || !is_literal(&v->a[i]) ||
            (is_parameter(&v->a[i]) && !v->a[i].quoted);
        c->value[at] = &v->a[i++];
    }
    c->n = i;
    c->odd |= !argv_ends(v, i);
}

static size_t
to_a_person(struct finds *l, const struct argv *v, const struct call *c)
{
    return argv_person(l, v, c->elsewhere ? "other-machine" : NULL, NULL);
}

/* In running words a cmdlet is a command only where one is asked for. */
static bool
is_meant(const struct argv *v)
{
    return v->c->whole || v->c->asked;
}

/* ---- services ---- */

/* The service of -Name, or of -DisplayName where that is known; NULL: for a person. */
static char *
service_of(const struct arg *name, const struct arg *display, const char **ret_why)
{
    const char *known;

    *ret_why = NULL;
    if ((name == NULL) == (display == NULL))
        return NULL;
    if (name != NULL)
        return service_named(name, ret_why);
    known = service_known(display->s, display->len);
    return known == NULL ? NULL : strdup(known);
}

static size_t
state(struct finds *l, const struct argv *v, const char *want)
{
    static const char *const known[] = { "name", "displayname", "*force", "*passthru", NULL };
    struct call c = { .known = known };
    const char *why = NULL;
    auto_free char *service = NULL;
    struct find *f;

    if (!is_meant(v))
        return 0;
    call_read(v, &c, 0);
    if (c.odd)
        return to_a_person(l, v, &c);
    service = service_of(c.value[0], c.value[1], &why);
    if (service == NULL)
        return argv_person(l, v, why, NULL);
    if (strcmp(want, "stopped") == 0 && service_protects(service, strlen(service)))
        return argv_person(l, v, "disables-security", NULL);
    f = argv_find(l, v, c.n, "windows.service.state");
    if (f != NULL) {
        find_put(l, f, "service", service, strlen(service));
        find_put(l, f, "want", want, strlen(want));
    }
    return c.n;
}

size_t
command_start_service(struct finds *l, const struct argv *v)
{
    return state(l, v, "running");
}

size_t
command_stop_service(struct finds *l, const struct argv *v)
{
    return state(l, v, "stopped");
}

size_t
command_restart_service(struct finds *l, const struct argv *v)
{
    return state(l, v, "restarted");
}

static const char *
start_type(const struct arg *a)
{
    return a == NULL ? NULL
        : text_equal(a->s, a->len, "automatic") || text_equal(a->s, a->len, "auto") ? "2"
        : text_equal(a->s, a->len, "manual")                                       ? "3"
        : text_equal(a->s, a->len, "disabled")                                     ? "4"
                                                                                   : NULL;
}

/* Set-Service with one of -StartupType and -Status: both at once are two steps. */
size_t
command_set_service(struct finds *l, const struct argv *v)
{
    static const char *const known[] = { "name", "startuptype", "status", "*passthru", NULL };
    struct call c = { .known = known };
    const char *why = NULL, *want, *status = NULL;
    auto_free char *service = NULL;
    struct find *f;

    if (!is_meant(v))
        return 0;
    call_read(v, &c, 0);
    want = start_type(c.value[1]);
    if (c.value[2] != NULL)
        status = text_equal(c.value[2]->s, c.value[2]->len, "running") ? "running"
            : text_equal(c.value[2]->s, c.value[2]->len, "stopped")    ? "stopped"
                                                                       : NULL;
    if (c.odd || (want == NULL) == (status == NULL) ||
        (c.value[1] != NULL && c.value[2] != NULL))
        return to_a_person(l, v, &c);
    service = service_of(c.value[0], NULL, &why);
    if (service == NULL)
        return argv_person(l, v, why, NULL);
    if (((want != NULL && want[0] == '4') || (status != NULL && status[0] == 's')) &&
        service_protects(service, strlen(service)))
        return argv_person(l, v, "disables-security", NULL);
    f = argv_find(l, v, c.n,
        want != NULL ? "windows.service.start_type" : "windows.service.state");
    if (f != NULL) {
        find_put(l, f, "service", service, strlen(service));
        find_put(l, f, "want", want != NULL ? want : status,
            strlen(want != NULL ? want : status));
    }
    return c.n;
}

/* ---- registry values ---- */

static const char *const item_params[] = { "path", "name", "value", "type", "propertytype",
    "*force", NULL };
enum { ITEM_PATH, ITEM_NAME, ITEM_VALUE, ITEM_TYPE, ITEM_PROPERTY_TYPE };

/* The type that is said; *ret_known = false when it is said and none of the list. */
static const char *
value_type(const struct call *c, bool *ret_known)
{
    static const struct {
        const char *said, *type;
    } types[] = { { "string", "sz" }, { "dword", "dword" }, { "qword", "qword" },
        { "expandstring", "expand_sz" } };
    const struct arg *a =
        c->value[ITEM_TYPE] != NULL ? c->value[ITEM_TYPE] : c->value[ITEM_PROPERTY_TYPE];

    *ret_known = true;
    for (size_t i = 0; a != NULL && i < sizeof(types) / sizeof(types[0]); i++)
        if (text_equal(a->s, a->len, types[i].said))
            return types[i].type;
    *ret_known = a == NULL;
    return NULL;
}

static bool
is_left_open(const struct arg *a)
{
    return has_placeholder(a->s, a->len) || name_is_generic(a->s, a->len);
}

/* Set-ItemProperty keeps the type that a value has, New-ItemProperty makes a string. */
static void
put_value(struct finds *l, struct find *f, const struct call *c, const char *key,
    const char *type, bool makes)
{
    auto_free char *name = strndup(c->value[ITEM_NAME]->s, c->value[ITEM_NAME]->len);
    auto_free char *data = strndup(c->value[ITEM_VALUE]->s, c->value[ITEM_VALUE]->len);
    bool sure = true;

    if (name == NULL || data == NULL) {
        l->no_memory = true;
        return;
    }
    if (type == NULL)
        type = makes ? "sz" : registry_guess(name, data, &sure);
    if (!sure && c->value[ITEM_VALUE]->quoted)
        find_note(l, f, "value-type-missing", NULL);
    registry_set(l, f, key, name, type, data);
}

static size_t
set_item(struct finds *l, const struct argv *v, bool makes)
{
    struct call c = { .known = item_params };
    const char *why = NULL, *type;
    auto_free char *key = NULL;
    struct find *f;
    bool known;

    if (!is_meant(v))
        return 0;
    call_read(v, &c, PARAMS_MAX);
    type = value_type(&c, &known);
    if (c.odd || !known || c.value[ITEM_PATH] == NULL || c.value[ITEM_NAME] == NULL ||
        c.value[ITEM_VALUE] == NULL)
        return to_a_person(l, v, &c);
    if (is_left_open(c.value[ITEM_NAME]) ||
        has_placeholder(c.value[ITEM_VALUE]->s, c.value[ITEM_VALUE]->len))
        return argv_person(l, v, "placeholder", NULL);
    key = registry_key(c.value[ITEM_PATH]->s, c.value[ITEM_PATH]->len, &why);
    if (key == NULL)
        return argv_person(l, v, why, NULL);
    f = argv_find(l, v, c.n, "windows.registry.set");
    if (f != NULL)
        put_value(l, f, &c, key, type, makes);
    return c.n;
}

size_t
command_set_item(struct finds *l, const struct argv *v)
{
    return set_item(l, v, false);
}

size_t
command_new_item(struct finds *l, const struct argv *v)
{
    return set_item(l, v, true);
}
