/* SPDX-License-Identifier: Apache-2.0 */
/* json_small_write.c -- values from a format, and values as text. */
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include "auto.h"
#include "jansson.h"
#include "text.h"

/* ---- from a format ---- */

struct packing {
    const char *s;
    va_list args;
    bool bad; /* what still comes is read and freed, as it was handed over */
};

static json_t *pack_value(struct packing *p);

static char
peek(struct packing *p)
{
    p->s += strspn(p->s, " ,:");
    return *p->s;
}

static bool
eat(struct packing *p, char c)
{
    if (peek(p) != c)
        return false;
    p->s++;
    return true;
}

static json_t *
pack_members(struct packing *p, json_t *to, char end)
{
    while (!eat(p, end) && *p->s != '\0') {
        const char *name = NULL;

        if (json_is_object(to) || end == '}') {
            p->s++; /* the s of the name */
            name = va_arg(p->args, const char *);
        }
        json_t *one = pack_value(p);
        int bad = end == '}' ? json_object_set_new(to, name, one)
                             : json_array_append_new(to, one);

        p->bad = p->bad || bad != 0;
    }
    return to;
}

static json_t *
pack_string(struct packing *p)
{
    const char *s = va_arg(p->args, const char *);

    if (*p->s == '?') {
        p->s++;
        if (s == NULL)
            return json_null();
    }
    return json_string(s);
}

static json_t *
pack_given(struct packing *p, bool keep)
{
    json_t *j = va_arg(p->args, json_t *);

    if (keep)
        (void)json_incref(j);
    if (*p->s == '?') {
        p->s++;
        if (j == NULL)
            return json_null();
    }
    return j;
}

static json_t *
pack_value(struct packing *p)
{
    char c = peek(p);

    if (c != '\0')
        p->s++;
    switch (c) {
    case '{':
        return pack_members(p, json_object(), '}');
    case '[':
        return pack_members(p, json_array(), ']');
    case 's':
        return pack_string(p);
    case 'o':
        return pack_given(p, false);
    case 'O':
        return pack_given(p, true);
    case 'n':
        return json_null();
    case 'b':
        return json_boolean(va_arg(p->args, int));
    case 'i':
        return json_integer(va_arg(p->args, int));
    case 'I':
        return json_integer(va_arg(p->args, json_int_t));
    default:
        p->bad = true;
        return NULL;
    }
}

json_t *
json_pack(const char *format, ...)
{
    struct packing p = { .s = format };
    json_t *j;

    va_start(p.args, format);
    j = pack_value(&p);
    va_end(p.args);
    if (p.bad) {
        json_decref(j);
        return NULL;
    }
    return j;
}

/* ---- as text ---- */

static void
put_string(struct text *t, const char *s)
{
    static const char plain[] = "\"\\\b\f\n\r\t", letter[] = "\"\\bfnrt";

    text_str(t, "\"");
    for (; *s != '\0'; s++) {
        const char *at = strchr(plain, *s);

        if (at != NULL)
            text_fmt(t, "\\%c", letter[at - plain]);
        else if ((unsigned char)*s < 0x20)
            text_fmt(t, "\\u%04X", (unsigned)(unsigned char)*s);
        else
            text_add(t, s, 1);
    }
    text_str(t, "\"");
}

static void
put_break(struct text *t, size_t flags, unsigned depth, bool between)
{
    size_t indent = flags & 0x1f;

    if (indent == 0) {
        if (between && (flags & JSON_COMPACT) == 0)
            text_str(t, " ");
        return;
    }
    text_str(t, "\n");
    for (size_t i = 0; i < indent * depth; i++)
        text_str(t, " ");
}

static void put_value(struct text *t, const json_t *j, size_t flags, unsigned depth);

static void
put_array(struct text *t, const json_t *j, size_t flags, unsigned depth)
{
    size_t n = json_array_size(j);

    text_str(t, "[");
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            text_str(t, ",");
        put_break(t, flags, depth + 1, i > 0);
        put_value(t, json_array_get(j, i), flags, depth + 1);
    }
    if (n > 0)
        put_break(t, flags, depth, false);
    text_str(t, "]");
}

static void
put_object(struct text *t, const json_t *j, size_t flags, unsigned depth)
{
    const char *name;
    json_t *one;
    bool follows = false;

    text_str(t, "{");
    json_object_foreach(j, name, one) {
        if (follows)
            text_str(t, ",");
        put_break(t, flags, depth + 1, follows);
        follows = true;
        put_string(t, name);
        text_str(t, (flags & JSON_COMPACT) != 0 ? ":" : ": ");
        put_value(t, one, flags, depth + 1);
    }
    if (follows)
        put_break(t, flags, depth, false);
    text_str(t, "}");
}

static void
put_value(struct text *t, const json_t *j, size_t flags, unsigned depth)
{
    switch (json_kind(j)) {
    case JSON_NULL:
        text_str(t, "null");
        return;
    case JSON_FALSE:
        text_str(t, "false");
        return;
    case JSON_TRUE:
        text_str(t, "true");
        return;
    case JSON_INTEGER:
        text_fmt(t, "%lld", json_integer_value(j));
        return;
    case JSON_REAL:
        text_str(t, json_real_text(j));
        return;
    case JSON_STRING:
        put_string(t, json_string_value(j));
        return;
    case JSON_ARRAY:
        put_array(t, j, flags, depth);
        return;
    case JSON_OBJECT:
        put_object(t, j, flags, depth);
        return;
    }
}

char *
json_dumps(const json_t *j, size_t flags)
{
    bool whole = json_is_array(j) || json_is_object(j);
    struct text t = { 0 };

    if (j == NULL || (!whole && (flags & JSON_ENCODE_ANY) == 0))
        return NULL;
    put_value(&t, j, flags, 0);
    if (t.no_memory)
        text_done(&t);
    return t.s;
}
