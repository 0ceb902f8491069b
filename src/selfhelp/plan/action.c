/* SPDX-License-Identifier: Apache-2.0 */
/* How it works: a value is checked when it is set, against the type that the table gives its
 * parameter; so whatever holds an action holds only values that a target may be given.  What
 * depends on two parameters (the data of a registry value on its type) is checked when all
 * are there. */
#include <stdlib.h>
#include <string.h>

#include "action_internal.h"
#include "text.h"

const struct action_kind *
action_find(const char *name)
{
    for (size_t i = 0; i < action_kinds_len; i++)
        if (strcmp(action_kinds[i].name, name) == 0)
            return &action_kinds[i];
    return NULL;
}

int
action_param_index(const struct action_kind *kind, const char *name)
{
    for (int i = 0; i < ACTION_PARAMS_MAX && kind->param[i].name != NULL; i++)
        if (strcmp(kind->param[i].name, name) == 0)
            return i;
    return -1;
}

bool
action_consistent(const struct action *a)
{
    static const char *const typed[] = { "data", "not" };
    const char *type = action_get(a, "type");
    char variable[ACTION_VARIABLE_MAX];

    for (size_t i = 0; type != NULL && i < sizeof(typed) / sizeof(typed[0]); i++) {
        const char *data = action_get(a, typed[i]);

        if (data != NULL && action_variable(data, variable) == NULL &&
            !action_data_ok(type, data))
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

enum action_fault
action_put_at(struct action *a, int i, const char *value)
{
    char *copy;

    if (!action_value_ok(&a->kind->param[i], value))
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
    int i = action_param_index(a->kind, param);

    return i < 0 ? ACTION_UNKNOWN_PARAM : action_put_at(a, i, value);
}

bool
action_set(struct action *a, const char *param, const char *value)
{
    return action_put(a, param, value) == ACTION_OK;
}

const char *
action_get(const struct action *a, const char *param)
{
    int i = action_param_index(a->kind, param);

    return i < 0 ? NULL : a->value[i];
}

bool
action_number(const struct action *a, const char *param, uint64_t *ret)
{
    const char *s = action_get(a, param);

    return s != NULL && action_number_of(s, ret);
}

const struct action_param *
action_missing(const struct action *a)
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
    return action_missing(a) == NULL && action_consistent(a);
}

bool
action_is(const struct action *a, const char *kind)
{
    return a->kind != NULL && strcmp(a->kind->name, kind) == 0;
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
            (n > 0 && value[n] >= '0' && value[n] <= '9'))
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
    if (f == ACTION_OK && t.no_memory)
        f = ACTION_NO_MEMORY;
    else if (f == ACTION_OK) /* nor may it make one with what stands around it */
        f = action_variable(t.s, name) != NULL ? ACTION_VALUE_WRONG : action_put_at(a, i, t.s);
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
    return action_consistent(a) ? ACTION_OK : ACTION_VALUE_WRONG;
}

/* ---- risks ---- */

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
