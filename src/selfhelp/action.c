/* SPDX-License-Identifier: Apache-2.0 */
/* How it works: a value is checked when it is set, against the type that the table gives its
 * parameter; so whatever holds an action holds only values that a target may be given.  What
 * depends on two parameters (the data of a registry value on its type) is checked when all
 * are there.
 *
 * Only libc and text.c are used: build tools lint the articles with this file. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "action.h"
#include "text.h"

const struct action_kind *
action_find(const char *name)
{
    for (size_t i = 0; i < action_kinds_len; i++)
        if (strcmp(action_kinds[i].name, name) == 0)
            return &action_kinds[i];
    return NULL;
}

static int
param_index(const struct action_kind *kind, const char *name)
{
    for (int i = 0; i < ACTION_PARAMS_MAX && kind->param[i].name != NULL; i++)
        if (strcmp(kind->param[i].name, name) == 0)
            return i;
    return -1;
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool
is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int
hex_digit(char c)
{
    if (is_digit(c))
        return c - '0';
    if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))
        return (c | 0x20) - 'a' + 10;
    return -1;
}

/* ---- types ---- */

static bool
number_of(const char *s, uint64_t *ret)
{
    unsigned base = 10;
    uint64_t n = 0;

    if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
        base = 16;
        s += 2;
    }
    if (*s == '\0')
        return false;
    for (; *s != '\0'; s++) {
        int digit = hex_digit(*s);

        if (digit < 0 || (unsigned)digit >= base || __builtin_mul_overflow(n, base, &n) ||
            __builtin_add_overflow(n, (unsigned)digit, &n))
            return false;
    }
    *ret = n;
    return true;
}

/* One name of a path between ${s} and ${end}. */
static bool
component_ok(const char *s, const char *end, bool windows)
{
    static const size_t latest = sizeof(ACTION_LATEST) - 1;
    size_t len = (size_t)(end - s);

    if (len == 0 || len > 255 || (len == 2 && memcmp(s, "..", 2) == 0))
        return false;
    if (len == latest && memcmp(s, ACTION_LATEST, latest) == 0)
        return true;
    for (const char *c = s; c < end; c++)
        if (strchr(windows ? "<>:\"|?*/" : "<>*?", *c) != NULL)
            return false;
    return true;
}

static bool
path_ok(const char *s)
{
    bool windows = is_letter(s[0]) && s[1] == ':' && s[2] == '\\';
    char sep = windows ? '\\' : '/';

    if (!windows && s[0] != '/')
        return false;
    s += windows ? 3 : 1;
    while (*s != '\0') {
        const char *end = strchr(s, sep);

        if (end == NULL)
            return component_ok(s, s + strlen(s), windows);
        if (!component_ok(s, end, windows))
            return false;
        s = end + 1;
    }
    return true;
}

static bool
key_ok(const char *s)
{
    static const char *const roots[] = { "HKLM", "HKCU", "HKCR", "HKU", "HKCC" };
    const char *name = strchr(s, '\\');
    bool known = false;

    if (name == NULL)
        return false;
    for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++)
        known = known ||
            (strlen(roots[i]) == (size_t)(name - s) &&
                memcmp(roots[i], s, (size_t)(name - s)) == 0);
    if (!known)
        return false;
    do {
        const char *end = strchr(++name, '\\');
        size_t len = end == NULL ? strlen(name) : (size_t)(end - name);

        if (len == 0 || len > 255 || memchr(name, '<', len) != NULL ||
            memchr(name, '>', len) != NULL)
            return false;
        name = end;
    } while (name != NULL);
    return true;
}

static bool
word_ok(const char *s, const char *words)
{
    size_t len = strlen(s);

    if (strchr(s, '|') != NULL)
        return false;
    for (const char *w = words; len > 0 && (w = strstr(w, s)) != NULL; w += len)
        if ((w == words || w[-1] == '|') && (w[len] == '|' || w[len] == '\0'))
            return true;
    return false;
}

static bool
address_ok(const char *s)
{
    static const char *const schemes[] = { "http://", "https://", "mailto:" };

    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
        if (strncasecmp(s, schemes[i], strlen(schemes[i])) == 0)
            return s[strlen(schemes[i])] != '\0' && strpbrk(s, " \t\"<>") == NULL;
    return false;
}

/* One line of visible text, as long as it may be. */
static bool
line_ok(const char *s)
{
    size_t len = strlen(s);

    if (len > ACTION_VALUE_MAX)
        return false;
    while (*s != '\0') {
        size_t n = text_visible(s);

        if (n == 0)
            return false;
        s += n;
    }
    return true;
}

static bool
value_ok(const struct action_param *p, const char *s)
{
    char variable[ACTION_VARIABLE_MAX];
    size_t len = strlen(s);
    uint64_t n;

    if (!line_ok(s))
        return false;
    if (action_variable(s, variable) != NULL)
        return true; /* checked when it is filled */
    switch (p->type) {
    case PARAM_TEXT:
        return true;
    case PARAM_NUMBER:
        return number_of(s, &n);
    case PARAM_PATH:
        return path_ok(s);
    case PARAM_KEY:
        return key_ok(s);
    case PARAM_NAME:
        return len > 0 && s[0] != ' ' && s[len - 1] != ' ';
    case PARAM_WORD:
        return word_ok(s, p->words);
    case PARAM_ADDRESS:
        return address_ok(s);
    }
    return false;
}

/* Is ${data} what a registry value of ${type} can hold? */
static bool
data_ok(const char *type, const char *data)
{
    uint64_t n;
    size_t len = 0;

    if (strcmp(type, "dword") == 0)
        return number_of(data, &n) && n <= UINT32_MAX;
    if (strcmp(type, "qword") == 0)
        return number_of(data, &n);
    if (strcmp(type, "binary") != 0)
        return true;
    while (hex_digit(data[len]) >= 0)
        len++;
    return data[len] == '\0' && len % 2 == 0;
}

static bool
consistent(const struct action *a)
{
    static const char *const typed[] = { "data", "not" };
    const char *type = action_get(a, "type");
    char variable[ACTION_VARIABLE_MAX];

    for (size_t i = 0; type != NULL && i < sizeof(typed) / sizeof(typed[0]); i++) {
        const char *data = action_get(a, typed[i]);

        if (data != NULL && action_variable(data, variable) == NULL && !data_ok(type, data))
            return false;
    }
    return true;
}

/* ---- values ---- */

void
action_init(struct action *a, const struct action_kind *kind)
{
    *a = (struct action){ .kind = kind };
}

static enum action_fault
put(struct action *a, int i, const char *value)
{
    char *copy;

    if (!value_ok(&a->kind->param[i], value))
        return ACTION_VALUE_WRONG;
    copy = strdup(value);
    if (copy == NULL)
        return ACTION_NO_MEMORY;
    free(a->value[i]);
    a->value[i] = copy;
    return ACTION_OK;
}

enum action_fault
action_put(struct action *a, const char *param, const char *value)
{
    int i = param_index(a->kind, param);

    return i < 0 ? ACTION_UNKNOWN_PARAM : put(a, i, value);
}

bool
action_set(struct action *a, const char *param, const char *value)
{
    return action_put(a, param, value) == ACTION_OK;
}

const char *
action_get(const struct action *a, const char *param)
{
    int i = param_index(a->kind, param);

    return i < 0 ? NULL : a->value[i];
}

bool
action_number(const struct action *a, const char *param, uint64_t *ret)
{
    const char *s = action_get(a, param);

    return s != NULL && number_of(s, ret);
}

/* The first required parameter that is not given, or NULL. */
static const struct action_param *
missing(const struct action *a)
{
    for (int i = 0; i < ACTION_PARAMS_MAX && a->kind->param[i].name != NULL; i++)
        if (a->kind->param[i].required && a->value[i] == NULL)
            return &a->kind->param[i];
    return NULL;
}

bool
action_complete(const struct action *a)
{
    char variable[ACTION_VARIABLE_MAX];

    for (int i = 0; i < ACTION_PARAMS_MAX; i++)
        if (a->value[i] != NULL && action_variable(a->value[i], variable) != NULL)
            return false;
    return missing(a) == NULL && consistent(a);
}

bool
action_equal(const struct action *a, const struct action *b)
{
    if (a->kind != b->kind)
        return false;
    for (int i = 0; i < ACTION_PARAMS_MAX; i++) {
        if ((a->value[i] == NULL) != (b->value[i] == NULL))
            return false;
        if (a->value[i] != NULL && strcmp(a->value[i], b->value[i]) != 0)
            return false;
    }
    return true;
}

bool
action_copy(struct action *to, const struct action *from)
{
    struct action copy = { .kind = from->kind };

    for (int i = 0; i < ACTION_PARAMS_MAX; i++) {
        if (from->value[i] == NULL)
            continue;
        copy.value[i] = strdup(from->value[i]);
        if (copy.value[i] == NULL) {
            action_done(&copy);
            return false;
        }
    }
    *to = copy;
    return true;
}

void
action_done(struct action *a)
{
    for (int i = 0; i < ACTION_PARAMS_MAX; i++)
        free(a->value[i]);
    *a = (struct action){ 0 };
}

/* ---- variables ---- */

const char *
action_variable(const char *value, char ret[ACTION_VARIABLE_MAX])
{
    while ((value = strchr(value, '{')) != NULL) {
        size_t n = 0;

        value++;
        while ((value[n] >= 'a' && value[n] <= 'z') || value[n] == '_' ||
            (n > 0 && is_digit(value[n])))
            n++;
        if (n == 0 || n >= ACTION_VARIABLE_MAX || value[n] != '}')
            continue;
        memcpy(ret, value, n);
        ret[n] = '\0';
        return value + n + 1;
    }
    return NULL;
}

static enum action_fault
fill_one(struct action *a, int i, const char *(*find)(void *arg, const char *name), void *arg)
{
    char name[ACTION_VARIABLE_MAX];
    const char *from = a->value[i], *next;
    enum action_fault f = ACTION_OK;
    struct text t = { 0 };

    while (f == ACTION_OK && (next = action_variable(from, name)) != NULL) {
        const char *known = find(arg, name);

        /* what a variable brings is never looked at for variables of its own */
        if (known == NULL)
            f = ACTION_VARIABLE_UNKNOWN;
        else if (action_variable(known, name) != NULL)
            f = ACTION_VALUE_WRONG;
        else {
            text_add(&t, from, (size_t)(next - from) - strlen(name) - 2);
            text_str(&t, known);
        }
        from = next;
    }
    if (f == ACTION_OK)
        text_str(&t, from);
    if (f == ACTION_OK)
        f = t.no_memory ? ACTION_NO_MEMORY : put(a, i, t.s);
    text_done(&t);
    return f;
}

enum action_fault
action_fill(struct action *a, const char *(*find)(void *arg, const char *name), void *arg)
{
    char name[ACTION_VARIABLE_MAX];

    for (int i = 0; i < ACTION_PARAMS_MAX; i++) {
        enum action_fault f = ACTION_OK;

        if (a->value[i] != NULL && action_variable(a->value[i], name) != NULL)
            f = fill_one(a, i, find, arg);
        if (f != ACTION_OK)
            return f;
    }
    return consistent(a) ? ACTION_OK : ACTION_VALUE_WRONG;
}

/* ---- text ---- */

static const char *
skip_blanks(const char *s)
{
    while (*s == ' ' || *s == '\t')
        s++;
    return s;
}

/* Read a value at ${s} into ${t}; NULL when its quote is not closed or something follows. */
static const char *
read_value(const char *s, struct text *t)
{
    if (*s != '"') {
        size_t n = strcspn(s, " \t\"");

        text_add(t, s, n);
        return s[n] == '"' ? NULL : s + n;
    }
    for (s++; *s != '"'; s++) {
        if (s[0] == '\\' && (s[1] == '"' || s[1] == '\\'))
            s++;
        if (*s == '\0')
            return NULL;
        text_add(t, s, 1);
    }
    s++;
    return *s == '\0' || *s == ' ' || *s == '\t' ? s : NULL;
}

/* Read one name=value; *s moves on. */
static enum action_fault
read_param(const char **s, struct action *a)
{
    size_t n = strcspn(*s, "= \t\"");
    struct text name = { 0 }, value = { 0 };
    enum action_fault f = ACTION_OK;
    const char *end = NULL;
    int i = -1;

    if (n == 0 || (*s)[n] != '=')
        return ACTION_SYNTAX;
    text_add(&name, *s, n);
    text_str(&value, "");
    end = read_value(*s + n + 1, &value);
    if (name.no_memory || value.no_memory)
        f = ACTION_NO_MEMORY;
    else if (end == NULL)
        f = ACTION_SYNTAX;
    else if ((i = param_index(a->kind, name.s)) < 0)
        f = ACTION_UNKNOWN_PARAM;
    else if (a->value[i] != NULL)
        f = ACTION_PARAM_TWICE;
    else
        f = put(a, i, value.s);
    text_done(&name);
    text_done(&value);
    if (f == ACTION_OK)
        *s = end;
    return f;
}

static const struct action_kind *
read_kind(const char *s, size_t len)
{
    for (size_t i = 0; i < action_kinds_len; i++)
        if (strlen(action_kinds[i].name) == len && memcmp(action_kinds[i].name, s, len) == 0)
            return &action_kinds[i];
    return NULL;
}

enum action_fault
action_parse(const char *line, struct action *ret, size_t *ret_at)
{
    struct action a = { 0 };
    const char *s = skip_blanks(line);
    size_t len = strcspn(s, " \t");
    enum action_fault f = ACTION_OK;

    if (strlen(line) > ACTION_LINE_MAX)
        f = ACTION_SYNTAX;
    else if (len == 0)
        f = ACTION_EMPTY;
    else if ((a.kind = read_kind(s, len)) == NULL)
        f = ACTION_UNKNOWN_KIND;
    else
        s = skip_blanks(s + len);
    while (f == ACTION_OK && *s != '\0') {
        f = read_param(&s, &a);
        if (f == ACTION_OK)
            s = skip_blanks(s);
    }
    if (f == ACTION_OK && missing(&a) != NULL)
        f = ACTION_PARAM_MISSING;
    if (f == ACTION_OK && !consistent(&a))
        f = ACTION_VALUE_WRONG;
    if (f == ACTION_OK)
        *ret = a;
    else if (a.kind != NULL)
        action_done(&a);
    if (ret_at != NULL)
        *ret_at = (size_t)(s - line);
    return f;
}

static void
put_value(struct text *t, const char *s)
{
    if (*s != '\0' && strpbrk(s, " \t\"") == NULL) {
        text_str(t, s);
        return;
    }
    text_str(t, "\"");
    for (; *s != '\0'; s++) {
        if (*s == '"' || (*s == '\\' && (s[1] == '\\' || s[1] == '"' || s[1] == '\0')))
            text_str(t, "\\");
        text_add(t, s, 1);
    }
    text_str(t, "\"");
}

char *
action_text(const struct action *a)
{
    struct text t = { 0 };

    text_str(&t, a->kind->name);
    for (int i = 0; i < ACTION_PARAMS_MAX; i++) {
        if (a->value[i] == NULL)
            continue;
        text_fmt(&t, " %s=", a->kind->param[i].name);
        put_value(&t, a->value[i]);
    }
    if (!t.no_memory)
        return t.s;
    text_done(&t);
    return NULL;
}

const char *
action_fault_text(enum action_fault f)
{
    static const char *const text[] = {
        [ACTION_OK] = "nothing is wrong",
        [ACTION_NO_MEMORY] = "not enough memory",
        [ACTION_EMPTY] = "there is no action",
        [ACTION_UNKNOWN_KIND] = "there is no such kind of action",
        [ACTION_UNKNOWN_PARAM] = "this kind of action has no such parameter",
        [ACTION_PARAM_TWICE] = "the parameter is given twice",
        [ACTION_PARAM_MISSING] = "a parameter that the action needs is missing",
        [ACTION_VALUE_WRONG] = "the value is not of its parameter's type",
        [ACTION_SYNTAX] = "not of the form name=value",
        [ACTION_VARIABLE_UNKNOWN] = "the value of a variable is not known",
    };

    return text[f];
}

static const char *const risk_name[RISK_COUNT] = {
    [RISK_READ] = "read",       [RISK_CONFIG] = "config",     [RISK_SERVICE] = "service",
    [RISK_INSTALL] = "install", [RISK_RESTART] = "restart",   [RISK_OVERRIDE] = "override",
    [RISK_DATA] = "data",
};

const char *
action_risk_name(enum action_risk risk)
{
    return risk_name[risk];
}

bool
action_risk_parse(const char *name, enum action_risk *ret)
{
    for (int i = 0; i < RISK_COUNT; i++)
        if (strcmp(risk_name[i], name) == 0) {
            *ret = (enum action_risk)i;
            return true;
        }
    return false;
}
