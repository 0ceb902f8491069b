/* SPDX-License-Identifier: Apache-2.0 */
/* Readers of Windows commands.  Each understands one program's arguments in full, or makes
 * the command one for a person and says why. */
#include <string.h>
#include <strings.h>

#include "compile_internal.h"

/* ---- reg ---- */

struct reg_args {
    const struct arg *key, *name, *type, *data;
    bool all, force, odd;
    size_t n;
};

static void
reg_read(const struct argv *v, struct reg_args *r)
{
    size_t i = 3;

    r->key = &v->a[2];
    while (i < v->n && !v->a[i - 1].last && v->a[i].len > 1 && v->a[i].s[0] == '/') {
        const struct arg **value = arg_is(v, i, "/v") ? &r->name
            : arg_is(v, i, "/t")                      ? &r->type
            : arg_is(v, i, "/d")                      ? &r->data
                                                      : NULL;

        if (value != NULL && i + 1 < v->n) {
            r->odd = r->odd || *value != NULL;
            *value = &v->a[i + 1];
            i += 2;
            continue;
        }
        r->force = r->force || arg_is(v, i, "/f");
        r->all = r->all || arg_is(v, i, "/va|/ve");
        r->odd = r->odd || !arg_is(v, i, "/f|/va|/ve|/reg:64");
        i++;
    }
    r->n = i;
}

static const char *
reg_type(const struct arg *a)
{
    static const struct {
        const char *said, *type;
    } types[] = { { "REG_SZ", "sz" }, { "REG_DWORD", "dword" }, { "REG_QWORD", "qword" },
        { "REG_EXPAND_SZ", "expand_sz" }, { "REG_MULTI_SZ", "multi_sz" },
        { "REG_BINARY", "binary" } };

    if (a == NULL)
        return "sz"; /* what reg add takes */
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (text_equal(a->s, a->len, types[i].said))
            return types[i].type;
    return NULL;
}

static size_t
reg_add(struct finds *l, const struct argv *v, const struct reg_args *r, const char *key)
{
    const char *type = reg_type(r->type);
    auto_free char *name = NULL, *data = NULL;
    struct find *f;

    if (r->name == NULL || r->data == NULL || type == NULL || r->all)
        return argv_person(l, v, NULL, NULL);
    if (arg_is_open(r->name) || has_placeholder(r->data->s, r->data->len))
        return argv_person(l, v, "placeholder", NULL);
    name = strndup(r->name->s, r->name->len);
    data = strndup(r->data->s, r->data->len);
    if (name == NULL || data == NULL) {
        l->no_memory = true;
        return v->n;
    }
    f = argv_find(l, v, r->n, "windows.registry.set");
    if (f != NULL)
        registry_set(l, f, key, name, type, data);
    return r->n;
}

static size_t
reg_one_value(struct finds *l, const struct argv *v, const struct reg_args *r,
    const char *key, const char *kind)
{
    struct find *f;

    if (strncmp(key, "HKLM\\", 5) != 0)
        return argv_person(l, v, NULL, NULL);
    if (r->name == NULL || r->all || r->type != NULL || r->data != NULL)
        return argv_person(l, v, strcmp(kind, "windows.registry.delete") == 0 ? "destroys"
                                                                              : NULL, NULL);
    if (arg_is_open(r->name))
        return argv_person(l, v, "placeholder", NULL);
    f = argv_find(l, v, r->n, kind);
    if (f == NULL)
        return r->n;
    find_put(l, f, "key", key, strlen(key));
    find_put(l, f, "name", r->name->s, r->name->len);
    f->look = strcmp(kind, "windows.registry.is") == 0;
    return r->n;
}

size_t
command_reg(struct finds *l, const struct argv *v)
{
    struct reg_args r = { 0 };
    const char *why = NULL;
    auto_free char *key = NULL;
    size_t n;

    if (!arg_is(v, 1, "add|delete|query|load|unload|import|export|save|restore|copy") ||
        v->n < 3)
        return 0;
    if (!arg_is(v, 1, "add|delete|query"))
        return argv_person(l, v, "loaded-hive", "hives and files are for a person");
    reg_read(v, &r);
    if (r.odd || !argv_ends(v, r.n))
        return argv_person(l, v, NULL, NULL);
    key = registry_key(r.key->s, r.key->len, &why);
    if (key == NULL)
        return argv_person(l, v, why, NULL);
    if (arg_is(v, 1, "add"))
        return reg_add(l, v, &r, key);
    if (arg_is(v, 1, "query"))
        return reg_one_value(l, v, &r, key, "windows.registry.is");
    if (r.name != NULL) {
        auto_free char *name = strndup(r.name->s, r.name->len);

        if (name != NULL && registry_protects(key, name, NULL))
            return argv_person(l, v, "disables-security", NULL);
    }
    n = reg_one_value(l, v, &r, key, "windows.registry.delete");
    return n;
}

/* ---- services ---- */

char *
service_named(const struct arg *a, const char **ret_why)
{
    const char *known = service_known(a->s, a->len);

    *ret_why = NULL;
    if (arg_is_open(a))
        *ret_why = "placeholder";
    else if (typographic(a->s, a->len) != NULL)
        *ret_why = "typographic";
    if (*ret_why != NULL)
        return NULL;
    if (known != NULL)
        return strdup(known);
    if (memchr(a->s, ' ', a->len) != NULL) /* a display name that is not in the list */
        return NULL;
    for (size_t i = 0; i < a->len; i++)
        if (strchr("/\\,;:|&=()'", a->s[i]) != NULL)
            return NULL;
    return strndup(a->s, a->len);
}

static size_t
service_state(struct finds *l, const struct argv *v, size_t name, size_t n, const char *want)
{
    const char *why;
    auto_free char *service = NULL;
    struct find *f;

    service = service_named(&v->a[name], &why);
    if (service == NULL)
        return argv_person(l, v, why, NULL);
    if (strcmp(want, "stopped") == 0 && service_protects(v->a[name].s, v->a[name].len))
        return argv_person(l, v, "disables-security", NULL);
    f = argv_find(l, v, n, "windows.service.state");
    if (f != NULL) {
        find_put(l, f, "service", service, strlen(service));
        find_put(l, f, "want", want, strlen(want));
    }
    return n;
}

size_t
command_net(struct finds *l, const struct argv *v)
{
    size_t n = 3;

    if (arg_is(v, 1, "use|user|localgroup|share|view|time|session|accounts|group|computer") &&
        v->c->whole)
        return argv_person(l, v, NULL, NULL);
    if (!arg_is(v, 1, "start|stop") || v->n < 3 || v->a[1].last)
        return 0;
    /* a display name of several words without quotes: only in code is it surely all of it */
    if (v->c->whole && v->n > 3 && !arg_is(v, 3, "/y|/yes"))
        return argv_person(l, v, NULL, NULL);
    n += arg_is(v, 3, "/y|/yes") && !v->a[2].last;
    if (!v->c->whole && !v->c->asked && !argv_ends(v, n))
        return 0;
    if (!argv_ends(v, n))
        return argv_person(l, v, NULL, NULL);
    return service_state(l, v, 2, n, arg_is(v, 1, "start") ? "running" : "stopped");
}

static size_t
sc_config(struct finds *l, const struct argv *v)
{
    static const struct {
        const char *said, *want;
    } starts[] = { { "auto", "2" }, { "automatic", "2" }, { "demand", "3" },
        { "disabled", "4" } };
    const struct arg *start = NULL;
    const char *want = NULL, *why;
    auto_free char *service = NULL;
    size_t n = 0, skip = 0;
    struct find *f;

    if (v->n > 4 && arg_is(v, 3, "start=")) {
        start = &v->a[4];
        n = 5;
    } else if (v->n > 3 && v->a[3].len > 6 && strncasecmp(v->a[3].s, "start=", 6) == 0) {
        start = &v->a[3];
        skip = 6;
        n = 4;
    }
    for (size_t i = 0; start != NULL && i < sizeof(starts) / sizeof(starts[0]); i++)
        if (text_equal(start->s + skip, start->len - skip, starts[i].said))
            want = starts[i].want;
    if (want == NULL || !argv_ends(v, n))
        return argv_person(l, v, NULL, NULL);
    service = service_named(&v->a[2], &why);
    if (service == NULL)
        return argv_person(l, v, why, NULL);
    if (want[0] == '4' && service_protects(v->a[2].s, v->a[2].len))
        return argv_person(l, v, "disables-security", NULL);
    f = argv_find(l, v, n, "windows.service.start_type");
    if (f != NULL) {
        find_put(l, f, "service", service, strlen(service));
        find_put(l, f, "want", want, 1);
    }
    return n;
}

size_t
command_sc(struct finds *l, const struct argv *v)
{
    const char *why;
    auto_free char *service = NULL;
    struct find *f;

    if (v->n < 3 || !arg_is(v, 1, "config|start|stop|query|qc|queryex|delete|create|sdset|"
                                  "failure|description|sdshow|triggerinfo|control|pause"))
        return v->c->whole && v->n > 1 && v->a[1].len > 2 && v->a[1].s[0] == '\\'
            ? argv_person(l, v, "other-machine", NULL)
            : 0;
    if (v->c->shell && v->a[0].len == 2) /* there sc writes files */
        return argv_person(l, v, NULL, NULL);
    if (arg_is(v, 1, "config"))
        return sc_config(l, v);
    if (arg_is(v, 1, "delete"))
        return argv_person(l, v, "destroys", NULL);
    if (!arg_is(v, 1, "start|stop|query|qc|queryex") || !argv_ends(v, 3))
        return argv_person(l, v, NULL, NULL);
    if (arg_is(v, 1, "start|stop"))
        return service_state(l, v, 2, 3, arg_is(v, 1, "start") ? "running" : "stopped");
    service = service_named(&v->a[2], &why);
    if (service == NULL)
        return argv_person(l, v, why, NULL);
    f = argv_find(l, v, 3, "windows.service.is");
    if (f != NULL) {
        find_put(l, f, "service", service, strlen(service));
        f->look = true;
    }
    return 3;
}

/* ---- software ---- */

/* A full path of a file with this suffix, without anything to fill in. */
static bool
is_full_path(const struct arg *a, const char *suffix)
{
    size_t n = strlen(suffix);

    return a->len > 3 + n && a->s[1] == ':' && a->s[2] == '\\' &&
        strncasecmp(a->s + a->len - n, suffix, n) == 0 && !has_placeholder(a->s, a->len);
}

static size_t
msiexec_install(struct finds *l, const struct argv *v)
{
    const struct arg *path = &v->a[2];
    struct find *f;
    size_t n = 3;

    if (has_placeholder(path->s, path->len))
        return argv_person(l, v, "placeholder", NULL);
    if (!is_full_path(path, ".msi"))
        return argv_person(l, v, "path-relative", NULL);
    while (n < v->n && !v->a[n - 1].last && v->a[n].len > 1 && v->a[n].s[0] == '/') {
        if (arg_is(v, n, "/q|/qn|/quiet|/qb|/passive|/norestart"))
            n++;
        else if (v->a[n].len > 1 && (v->a[n].s[1] | 0x20) == 'l' && n + 1 < v->n)
            n += 2; /* a log file */
        else
            return argv_person(l, v, NULL, NULL);
    }
    if (!argv_ends(v, n))
        return argv_person(l, v, NULL, NULL);
    f = argv_find(l, v, n, "windows.msi.install");
    if (f != NULL)
        find_put(l, f, "path", path->s, path->len);
    return n;
}

size_t
command_msiexec(struct finds *l, const struct argv *v)
{
    struct find *f;
    bool off = arg_is(v, 1, "/unregister|/unreg|/unregserver");

    if (v->n < 2 || v->a[0].last)
        return 0;
    if (off || arg_is(v, 1, "/register|/regserver")) {
        if (!argv_ends(v, 2))
            return argv_person(l, v, NULL, NULL);
        f = argv_find(l, v, 2, "windows.installer.register");
        if (f == NULL)
            return 2;
        f->what = off ? FIND_UNREGISTER : FIND_REGISTER;
        if (arg_is(v, 1, "/register"))
            find_note(l, f, "register-switch", NULL);
        return 2;
    }
    if (arg_is(v, 1, "/x|/uninstall"))
        return argv_person(l, v, "destroys", NULL);
    if (arg_is(v, 1, "/i|/package") && v->n > 2)
        return msiexec_install(l, v);
    return v->c->whole ? argv_person(l, v, NULL, NULL) : 0;
}

size_t
command_regsvr32(struct finds *l, const struct argv *v)
{
    bool off = false;
    struct find *f;
    size_t i = 1;

    while (i < v->n && v->a[i].len > 1 && v->a[i].s[0] == '/') {
        off = off || arg_is(v, i, "/u");
        if (!arg_is(v, i, "/s|/u"))
            return argv_person(l, v, NULL, NULL);
        i++;
    }
    if (i >= v->n)
        return 0;
    if (has_placeholder(v->a[i].s, v->a[i].len))
        return argv_person(l, v, "placeholder", NULL);
    if (!is_full_path(&v->a[i], ".dll") && !is_full_path(&v->a[i], ".ocx"))
        return v->c->whole || v->c->asked ? argv_person(l, v, "path-relative", NULL) : 0;
    if (!argv_ends(v, i + 1))
        return argv_person(l, v, NULL, NULL);
    f = argv_find(l, v, i + 1,
        off ? "windows.library.unregister" : "windows.library.register");
    if (f != NULL)
        find_put(l, f, "path", v->a[i].s, v->a[i].len);
    return i + 1;
}

size_t
command_vssadmin(struct finds *l, const struct argv *v)
{
    struct find *f;

    if (v->n < 2)
        return 0;
    if (arg_is(v, 1, "delete"))
        return argv_person(l, v, "destroys", NULL);
    if (!arg_is(v, 1, "list") || !arg_is(v, 2, "writers|providers") || !argv_ends(v, 3))
        return v->c->whole ? argv_person(l, v, NULL, NULL) : 0;
    f = argv_find(l, v, 3,
        arg_is(v, 2, "writers") ? "windows.vss.writers" : "windows.vss.providers");
    if (f != NULL)
        f->look = true;
    return 3;
}

size_t
command_fsutil(struct finds *l, const struct argv *v)
{
    bool short_names = arg_is(v, 1, "8dot3name") && arg_is(v, 2, "set");
    struct find *f;
    size_t i = 3;

    if (arg_is(v, 1, "behavior") && arg_is(v, 2, "set") && arg_is(v, 3, "disable8dot3")) {
        short_names = true;
        i = 4;
    }
    if (!short_names || !arg_is(v, i, "0|1|2|3") || !argv_ends(v, i + 1))
        return v->c->whole || v->c->asked ? argv_person(l, v, NULL, NULL) : 0;
    f = argv_find(l, v, i + 1, "windows.short_names");
    if (f != NULL)
        find_put(l, f, "want", v->a[i].s, 1);
    return i + 1;
}

/* ---- restart ---- */

size_t
command_shutdown(struct finds *l, const struct argv *v)
{
    bool again = false, odd = false;
    size_t i = 1;

    for (; i < v->n && !v->a[i - 1].last && (v->a[i].s[0] == '/' || v->a[i].s[0] == '-'); i++) {
        again = again || arg_is(v, i, "/r|-r");
        odd = odd || !arg_is(v, i, "/r|-r|/t|-t|/f|-f");
        if (arg_is(v, i, "/t|-t") && i + 1 < v->n) {
            i++; /* half a minute to log off is no delay that somebody plans with */
            odd = odd || v->a[i].len > 2 || (v->a[i].len == 2 && v->a[i].s[0] > '3');
        }
    }
    if (i == 1)
        return 0;
    i += again && arg_is(v, i, "now|+0");
    if (!again || odd || !argv_ends(v, i))
        return argv_person(l, v, NULL, NULL);
    (void)argv_find(l, v, i, "machine.restart");
    return i;
}

size_t
command_restart(struct finds *l, const struct argv *v)
{
    if (!v->c->whole) /* "reboot" is an English word */
        return 0;
    if (!argv_ends(v, 1) && !(arg_is(v, 1, "-force") && argv_ends(v, 2)))
        return argv_person(l, v, NULL, NULL);
    (void)argv_find(l, v, v->n, "machine.restart");
    return v->n;
}
