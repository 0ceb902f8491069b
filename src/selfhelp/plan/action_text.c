/* SPDX-License-Identifier: Apache-2.0 */
/* Actions as text: one line, a kind and name=value. */
#include <string.h>

#include "action_internal.h"
#include "text.h"

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
    else if ((i = action_param_index(a->kind, name.s)) < 0)
        f = ACTION_UNKNOWN_PARAM;
    else if (a->value[i] != NULL)
        f = ACTION_PARAM_TWICE;
    else
        f = action_put_at(a, i, value.s);
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
    if (f == ACTION_OK && action_missing(&a) != NULL)
        f = ACTION_PARAM_MISSING;
    if (f == ACTION_OK && !action_consistent(&a))
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
