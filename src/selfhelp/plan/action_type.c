/* SPDX-License-Identifier: Apache-2.0 */
/* What a parameter of each type may hold. */
#include <string.h>
#include <strings.h>

#include "action_internal.h"
#include "text.h"

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

bool
action_number_of(const char *s, uint64_t *ret)
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

bool
action_value_ok(const struct action_param *p, const char *s)
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
        return action_number_of(s, &n);
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

bool
action_data_ok(const char *type, const char *data)
{
    uint64_t n;
    size_t len = 0;

    if (strcmp(type, "dword") == 0)
        return action_number_of(data, &n) && n <= UINT32_MAX;
    if (strcmp(type, "qword") == 0)
        return action_number_of(data, &n);
    if (strcmp(type, "binary") != 0)
        return true;
    while (hex_digit(data[len]) >= 0)
        len++;
    return data[len] == '\0' && len % 2 == 0;
}
