/* SPDX-License-Identifier: Apache-2.0 */
/* json_small.c -- values with a count of references, in arrays that grow.
 *
 * Depth is bounded by what doc.h reads (DOC_DEPTH_MAX) and by what the program builds, so that
 * freeing and copying may recurse. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "doc.h"
#include "jansson.h"
#include "text.h"

struct member {
    char *name; /* NULL in an array */
    json_t *value;
};

struct json_t {
    enum json_kind kind;
    size_t references; /* 0: a constant */
    json_int_t number;
    char *string; /* of a real, how it is spelled */
    struct member *members;
    size_t n, room;
};

static json_t constants[] = { { .kind = JSON_NULL }, { .kind = JSON_FALSE },
    { .kind = JSON_TRUE } };

enum json_kind
json_kind(const json_t *j)
{
    return j == NULL ? JSON_NULL : j->kind;
}

json_t *
json_null(void)
{
    return &constants[0];
}

json_t *
json_false(void)
{
    return &constants[1];
}

json_t *
json_true(void)
{
    return &constants[2];
}

json_t *
json_boolean(int truth)
{
    return truth ? json_true() : json_false();
}

static json_t *
new_value(enum json_kind kind)
{
    json_t *j = calloc(1, sizeof(*j));

    if (j != NULL) {
        j->kind = kind;
        j->references = 1;
    }
    return j;
}

json_t *
json_integer(json_int_t n)
{
    json_t *j = new_value(JSON_INTEGER);

    if (j != NULL)
        j->number = n;
    return j;
}

json_t *
json_array(void)
{
    return new_value(JSON_ARRAY);
}

json_t *
json_object(void)
{
    return new_value(JSON_OBJECT);
}

/* A byte that no terminal should see is fine for JSON; one that is no UTF-8 is not. */
static bool
is_utf8(const char *s)
{
    while (*s != '\0') {
        unsigned char c = (unsigned char)*s;
        size_t n = c < 0x80 ? 1 : text_visible(s);

        if (n == 0 && c == 0xc2 && ((unsigned char)s[1] & 0xe0) == 0x80)
            n = 2; /* U+0080 to U+009F */
        if (n == 0)
            return false;
        s += n;
    }
    return true;
}

json_t *
json_stringn(const char *s, size_t len)
{
    json_t *j;

    if (s == NULL)
        return NULL;
    j = new_value(JSON_STRING);
    if (j == NULL)
        return NULL;
    j->string = calloc(1, len + 1);
    if (j->string != NULL)
        memcpy(j->string, s, len);
    if (j->string == NULL || memchr(s, '\0', len) != NULL || !is_utf8(j->string)) {
        json_decref(j);
        return NULL;
    }
    return j;
}

json_t *
json_string(const char *s)
{
    return s == NULL ? NULL : json_stringn(s, strlen(s));
}

static json_t *
real(const char *spelled)
{
    json_t *j = json_string(spelled);

    if (j != NULL)
        j->kind = JSON_REAL;
    return j;
}

json_t *
json_incref(json_t *j)
{
    if (j != NULL && j->references > 0)
        j->references++;
    return j;
}

void
json_decref(json_t *j)
{
    if (j == NULL || j->references == 0 || --j->references > 0)
        return;
    for (size_t i = 0; i < j->n; i++) {
        free(j->members[i].name);
        json_decref(j->members[i].value);
    }
    free(j->members);
    free(j->string);
    free(j);
}

json_int_t
json_integer_value(const json_t *j)
{
    return json_is_integer(j) ? j->number : 0;
}

const char *
json_string_value(const json_t *j)
{
    return json_is_string(j) ? j->string : NULL;
}

const char *
json_real_text(const json_t *j)
{
    return json_kind(j) == JSON_REAL ? j->string : NULL;
}

/* ---- arrays and objects ---- */

/* Takes ${name} and ${value}. */
static int
append(json_t *to, char *name, json_t *value)
{
    if (to->n == to->room) {
        size_t room = to->room == 0 ? 8 : 2 * to->room;
        struct member *grown = realloc(to->members, room * sizeof(*grown));

        if (grown == NULL) {
            free(name);
            json_decref(value);
            return -1;
        }
        to->members = grown;
        to->room = room;
    }
    to->members[to->n++] = (struct member){ name, value };
    return 0;
}

size_t
json_array_size(const json_t *j)
{
    return json_is_array(j) ? j->n : 0;
}

json_t *
json_array_get(const json_t *j, size_t i)
{
    return i < json_array_size(j) ? j->members[i].value : NULL;
}

int
json_array_append_new(json_t *array, json_t *j)
{
    if (!json_is_array(array) || j == NULL || j == array) {
        json_decref(j);
        return -1;
    }
    return append(array, NULL, j);
}

size_t
json_object_size(const json_t *j)
{
    return json_is_object(j) ? j->n : 0;
}

bool
json_object_at(const json_t *j, size_t i, const char **ret_name, json_t **ret)
{
    if (i >= json_object_size(j))
        return false;
    *ret_name = j->members[i].name;
    *ret = j->members[i].value;
    return true;
}

static struct member *
find(const json_t *j, const char *name)
{
    for (size_t i = 0; name != NULL && i < json_object_size(j); i++)
        if (strcmp(j->members[i].name, name) == 0)
            return &j->members[i];
    return NULL;
}

json_t *
json_object_get(const json_t *j, const char *name)
{
    const struct member *m = find(j, name);

    return m == NULL ? NULL : m->value;
}

int
json_object_set_new(json_t *object, const char *name, json_t *j)
{
    struct member *m = find(object, name);
    char *copy;

    if (!json_is_object(object) || name == NULL || j == NULL || j == object ||
        !is_utf8(name)) {
        json_decref(j);
        return -1;
    }
    if (m != NULL) {
        json_decref(m->value);
        m->value = j;
        return 0;
    }
    copy = strdup(name);
    if (copy == NULL) {
        json_decref(j);
        return -1;
    }
    return append(object, copy, j);
}

int
json_object_set(json_t *object, const char *name, json_t *j)
{
    return json_object_set_new(object, name, json_incref(j));
}

int
json_object_del(json_t *object, const char *name)
{
    struct member *m = find(object, name);

    if (m == NULL)
        return -1;
    free(m->name);
    json_decref(m->value);
    memmove(m, m + 1, (size_t)(object->members + object->n - (m + 1)) * sizeof(*m));
    object->n--;
    return 0;
}

int
json_object_update(json_t *object, json_t *with)
{
    if (!json_is_object(object) || !json_is_object(with))
        return -1;
    for (size_t i = 0; i < with->n; i++)
        if (json_object_set(object, with->members[i].name, with->members[i].value) != 0)
            return -1;
    return 0;
}

int
json_object_update_new(json_t *object, json_t *with)
{
    int bad = json_object_update(object, with);

    json_decref(with);
    return bad;
}

json_t *
json_deep_copy(const json_t *j)
{
    json_t *copy;

    if (j == NULL || j->kind <= JSON_TRUE)
        return j == NULL ? NULL : json_incref((json_t *)(uintptr_t)j);
    if (j->kind == JSON_INTEGER)
        return json_integer(j->number);
    if (j->kind == JSON_STRING)
        return json_string(j->string);
    if (j->kind == JSON_REAL)
        return real(j->string);
    copy = new_value(j->kind);
    for (size_t i = 0; copy != NULL && i < j->n; i++) {
        json_t *value = json_deep_copy(j->members[i].value);
        int bad = j->kind == JSON_ARRAY
            ? json_array_append_new(copy, value)
            : json_object_set_new(copy, j->members[i].name, value);

        if (bad != 0) {
            json_decref(copy);
            return NULL;
        }
    }
    return copy;
}

int
json_equal(const json_t *a, const json_t *b)
{
    if (a == NULL || b == NULL || a->kind != b->kind || a->n != b->n)
        return 0;
    if (a->kind == JSON_INTEGER)
        return a->number == b->number;
    if (a->kind == JSON_STRING || a->kind == JSON_REAL)
        return strcmp(a->string, b->string) == 0;
    for (size_t i = 0; i < a->n; i++) {
        const json_t *other = a->kind == JSON_ARRAY
            ? b->members[i].value
            : json_object_get(b, a->members[i].name);

        if (!json_equal(a->members[i].value, other))
            return 0;
    }
    return 1;
}

/* ---- reading ---- */

static json_t *value_of(const struct doc_value *v);

/* The members of ${v} go to ${to}, which is taken. */
static json_t *
members_of(const struct doc_value *v, json_t *to)
{
    for (const struct doc_value *m = doc_first(v); m != NULL && to != NULL; m = doc_next(m)) {
        json_t *one = value_of(m);
        int bad = json_is_array(to) ? json_array_append_new(to, one)
                                    : json_object_set_new(to, doc_name(m), one);

        if (bad != 0) {
            json_decref(to);
            return NULL;
        }
    }
    return to;
}

static json_t *
value_of(const struct doc_value *v)
{
    int64_t number;
    bool truth = false;

    switch (doc_kind(v)) {
    case DOC_ABSENT:
        return NULL;
    case DOC_NULL:
        return json_null();
    case DOC_BOOL:
        (void)doc_bool(v, &truth);
        return json_boolean(truth);
    case DOC_NUMBER:
        return doc_int(v, &number) ? json_integer(number) : real(doc_number(v));
    case DOC_STRING:
        return json_string(doc_string(v, ""));
    case DOC_ARRAY:
        return members_of(v, json_array());
    case DOC_OBJECT:
        return members_of(v, json_object());
    }
    return NULL;
}

json_t *
json_loadb(const char *s, size_t len, size_t flags, json_error_t *error)
{
    auto_ptr(doc) d = NULL;
    struct err *e = doc_parse("a document", s, len, &d);
    enum doc_kind kind = e != NULL ? DOC_ABSENT : doc_kind(doc_root(d));
    bool fits = (flags & JSON_DECODE_ANY) != 0 || kind == DOC_ARRAY || kind == DOC_OBJECT;

    (void)error;
    err_free(e);
    return kind != DOC_ABSENT && fits ? value_of(doc_root(d)) : NULL;
}

json_t *
json_loads(const char *s, size_t flags, json_error_t *error)
{
    return s == NULL ? NULL : json_loadb(s, strlen(s), flags, error);
}
