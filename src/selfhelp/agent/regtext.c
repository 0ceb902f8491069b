/* SPDX-License-Identifier: Apache-2.0 */
/* regtext.c -- a reader that goes through the whole text once and keeps what was asked for.
 *
 * The text becomes UTF-8 first.  A value stands on a line, which goes on after a backslash at
 * its end; a string may hold line ends itself, so the reader follows quotes, not lines. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "codes.h"
#include "regtext.h"
#include "text.h"

static const char HEAD[] = "Windows Registry Editor Version 5.00\r\n\r\n";
static const char LONG_ROOT[] = "HKEY_LOCAL_MACHINE";

struct reader {
    const char *s; /* the rest */
    const char *key;
    struct regtext_key *look;
    const char *name; /* wanted; NULL: none */
    struct target_value *value;
    bool *found;
    bool here, bad, no_memory;
};

/* ---- reading ---- */

static void
skip_blank(struct reader *r)
{
    r->s += strspn(r->s, " \t\r\n");
}

static void
skip_line(struct reader *r)
{
    r->s += strcspn(r->s, "\n");
}

/* Does ${s} (${len} bytes, "HKEY_LOCAL_MACHINE\...") name ${key} ("HKLM\...")?  *ret_below:
 * it names a key directly below. */
static bool
names_key(const char *s, size_t len, const char *key, bool *ret_below)
{
    const size_t root = sizeof(LONG_ROOT) - 1, tail = strlen(key) - 4;

    *ret_below = false;
    if (len < root + tail || strncasecmp(s, LONG_ROOT, root) != 0 ||
        strncasecmp(s + root, key + 4, tail) != 0)
        return false;
    s += root + tail;
    len -= root + tail;
    if (len == 0)
        return true;
    *ret_below = len > 1 && s[0] == '\\' && memchr(s + 1, '\\', len - 1) == NULL;
    return false;
}

static void
read_key(struct reader *r)
{
    size_t len = strcspn(r->s, "\r\n");
    bool below;

    if (len < 2 || r->s[len - 1] != ']') {
        r->bad = true;
        return;
    }
    r->here = names_key(r->s + 1, len - 2, r->key, &below);
    r->look->there |= r->here || below;
    r->look->nkeys += below;
    r->s += len;
}

/* A text in quotes, to ${to} unless NULL. */
static void
read_quoted(struct reader *r, struct text *to)
{
    const char *s = r->s + 1;

    for (; *s != '"' && *s != '\0'; s++) {
        if (*s == '\\' && (s[1] == '\\' || s[1] == '"'))
            s++;
        if (to != NULL)
            text_add(to, s, 1);
    }
    r->bad |= *s != '"';
    r->s = *s == '"' ? s + 1 : s;
}

/* Two hex digits, commas, and line ends after backslashes. */
static void
read_hex(struct reader *r, struct text *to)
{
    uint8_t byte;

    for (;;) {
        r->s += strspn(r->s, " \t,");
        if (r->s[0] == '\\' && (r->s[1] == '\r' || r->s[1] == '\n')) {
            r->s++;
            skip_blank(r);
            continue;
        }
        char pair[3] = { r->s[0], r->s[0] != '\0' ? r->s[1] : '\0', '\0' };
        if (!bytes_from_hex(pair, &byte, 1))
            return;
        text_add(to, (const char *)&byte, 1);
        if (to->len > TARGET_VALUE_MAX) {
            r->bad = true;
            return;
        }
        r->s += 2;
    }
}

/* "(2):" or ":" after "hex". */
static uint32_t
read_type(struct reader *r)
{
    uint32_t type = TARGET_REG_BINARY;

    if (*r->s == '(') {
        size_t n = strspn(r->s + 1, "0123456789abcdefABCDEF");

        type = 0;
        for (size_t i = 1; i <= n && n <= 8; i++) {
            char c = r->s[i];
            type = type << 4 |
                (uint32_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
        }
        r->bad |= n == 0 || n > 8 || r->s[n + 1] != ')';
        r->s += n + 1 + (r->s[n + 1] == ')');
    }
    r->bad |= *r->s != ':';
    r->s += *r->s == ':';
    return type;
}

static void
read_dword(struct reader *r, struct text *to)
{
    uint8_t digits[4], little[4];
    char hex[9];

    snprintf(hex, sizeof(hex), "%.8s", r->s);
    if (!bytes_from_hex(hex, digits, 4)) {
        r->bad = true;
        return;
    }
    for (size_t i = 0; i < 4; i++)
        little[i] = digits[3 - i];
    text_add(to, (const char *)little, 4);
    r->s += 8;
}

static void
keep(struct reader *r, uint32_t type, struct text *data)
{
    if (data->no_memory)
        r->no_memory = true;
    if (r->bad || r->no_memory || *r->found)
        return;
    *r->value = (struct target_value){ type, (uint8_t *)data->s, data->len };
    if (data->s == NULL) /* a value may be empty; its pointer is not */
        r->value->data = calloc(1, 1);
    r->no_memory = r->value->data == NULL;
    *r->found = !r->no_memory;
    *data = (struct text){ 0 };
}

static void
keep_text(struct reader *r, const struct text *s)
{
    struct target_value v = { 0 };

    if (r->bad || *r->found)
        return;
    struct err *e = target_value_of_text(TARGET_REG_SZ, s->s != NULL ? s->s : "", &v);
    r->no_memory |= err_has(e, E_OutOfMemory);
    r->bad |= e != NULL;
    if (e == NULL) {
        *r->value = v;
        *r->found = true;
    }
    err_free(e);
}

/* What follows the name of a value. */
static void
read_data(struct reader *r, bool wanted)
{
    struct text data = { 0 };

    if (*r->s == '"') {
        read_quoted(r, wanted ? &data : NULL);
        if (wanted)
            keep_text(r, &data);
    } else if (strncasecmp(r->s, "dword:", 6) == 0) {
        r->s += 6;
        read_dword(r, &data);
        if (wanted)
            keep(r, TARGET_REG_DWORD, &data);
    } else if (strncasecmp(r->s, "hex", 3) == 0) {
        r->s += 3;
        uint32_t type = read_type(r);
        read_hex(r, &data);
        if (wanted)
            keep(r, type, &data);
    } else {
        r->bad = true;
    }
    r->no_memory |= data.no_memory;
    text_done(&data);
}

static void
read_value(struct reader *r)
{
    struct text name = { 0 };

    if (*r->s == '@')
        r->s++;
    else
        read_quoted(r, &name);
    const char *is = name.s != NULL ? name.s : "";
    bool wanted = r->here && r->name != NULL && strcasecmp(is, r->name) == 0;
    r->no_memory |= name.no_memory;
    text_done(&name);
    r->look->nvalues += r->here;
    if (*r->s++ != '=') {
        r->s--;
        r->bad = true;
        return;
    }
    read_data(r, wanted);
}

static void
read_all(struct reader *r)
{
    while (!r->bad && !r->no_memory) {
        skip_blank(r);
        if (*r->s == '\0')
            return;
        if (*r->s == '[')
            read_key(r);
        else if (*r->s == '@' || *r->s == '"')
            read_value(r);
        else if (*r->s == ';')
            skip_line(r);
        else
            r->bad = true;
    }
}

/* The text behind its first line, as UTF-8. */
static bool
open_text(struct view file, char **ret)
{
    const struct target_value all = { TARGET_REG_SZ, (uint8_t *)(uintptr_t)file.data,
        file.len };
    const size_t head = sizeof(HEAD) - 1 - 4; /* without the line ends behind it */
    static const char mark[] = "\xef\xbb\xbf";
    char *s;

    if (file.len % 2 != 0 || !target_value_text(&all, &s))
        return false;
    char *from = strncmp(s, mark, 3) == 0 ? s + 3 : s;
    if (strncmp(from, HEAD, head) == 0)
        memmove(s, from + head, strlen(from + head) + 1);
    else
        s[0] = '\0';
    *ret = s;
    return true;
}

static struct err *
read_file(struct view file, struct reader *r, bool *ret_ok)
{
    char *text = NULL;

    *ret_ok = false;
    if (!open_text(file, &text) || text[0] == '\0') {
        free(text);
        return NULL;
    }
    r->s = text;
    read_all(r);
    free(text);
    if (r->no_memory)
        return fail(OutOfMemory);
    *ret_ok = !r->bad;
    return NULL;
}

struct err *
regtext_look(struct view file, const char *key, struct regtext_key *ret, bool *ret_ok)
{
    struct regtext_key look = { 0 };
    struct reader r = { .key = key, .look = &look };

    TRY(read_file(file, &r, ret_ok));
    *ret = look;
    return NULL;
}

struct err *
regtext_value(struct view file, const char *key, const char *name, struct target_value *ret,
    bool *ret_found, bool *ret_ok)
{
    struct regtext_key look = { 0 };
    struct target_value v = { 0 };
    bool found = false;
    struct reader r = { .key = key, .look = &look, .name = name, .value = &v, .found = &found };

    struct err *e = read_file(file, &r, ret_ok);
    if (e != NULL || !*ret_ok || !found) {
        target_value_done(&v);
        *ret_found = false;
        return e;
    }
    *ret = v;
    *ret_found = true;
    return NULL;
}

/* ---- writing ---- */

static void
add_name(struct text *t, const char *name)
{
    if (name[0] == '\0') {
        text_str(t, "@");
        return;
    }
    text_str(t, "\"");
    for (; *name != '\0'; name++) {
        if (*name == '"' || *name == '\\')
            text_str(t, "\\");
        text_add(t, name, 1);
    }
    text_str(t, "\"");
}

static void
add_value(struct text *t, const struct target_value *v)
{
    text_fmt(t, "hex(%x):", v->type);
    for (size_t i = 0; i < v->len; i++)
        text_fmt(t, i == 0 ? "%02x" : i % 32 == 0 ? ",\\\r\n  %02x"
                                                  : ",%02x",
            v->data[i]);
}

/* UTF-8 to what Windows imports.  What is ASCII (nearly all) takes the short way. */
static struct err *
encode(const struct text *t, uint8_t **ret, size_t *ret_len)
{
    enum { PIECE = 2048 };
    uint8_t *to = malloc(2 * t->len + 2);
    size_t n = 2, end;

    if (to == NULL)
        return fail(OutOfMemory);
    put_le(to, 0xfeff, 2);
    for (size_t at = 0; at < t->len; at = end) {
        struct target_value v = { 0 };
        for (end = at + PIECE; end < t->len && ((uint8_t)t->s[end] & 0xc0) == 0x80;)
            end++;
        if (end > t->len)
            end = t->len;
        auto_free char *piece = strndup(t->s + at, end - at);
        struct err *e = piece == NULL ? fail(OutOfMemory) : NULL;
        if (e == NULL)
            e = target_value_of_text(TARGET_REG_SZ, piece, &v);
        if (e != NULL) {
            free(to);
            return e;
        }
        memcpy(to + n, v.data, v.len - 2);
        n += v.len - 2;
        target_value_done(&v);
    }
    *ret = to;
    *ret_len = n;
    return NULL;
}

struct err *
regtext_write(const char *key, const char *name, const struct target_value *v, uint8_t **ret,
    size_t *ret_len)
{
    struct text t = { 0 };

    text_str(&t, HEAD);
    text_fmt(&t, name == NULL ? "[-%s%s]\r\n" : "[%s%s]\r\n", LONG_ROOT, key + 4);
    if (name != NULL) {
        add_name(&t, name);
        text_str(&t, "=");
        if (v != NULL)
            add_value(&t, v);
        else
            text_str(&t, "-");
        text_str(&t, "\r\n");
    }
    struct err *e = t.no_memory ? fail(OutOfMemory) : encode(&t, ret, ret_len);
    text_done(&t);
    return e;
}
