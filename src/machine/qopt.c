/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "codes.h"
#include "json_read.h"
#include "machine_plan.h"
#include "qopt.h"

enum { DEPTH_MAX = 16, KEY_MAX = 256 };

static const struct json_limits limits = { MACHINE_LEN_MAX, DEPTH_MAX, 4096 };

void
qopt_done(struct qopt *o)
{
    for (size_t i = 0; i < o->n; i++) {
        free(o->item[i].key);
        free(o->item[i].value);
    }
    free(o->item);
    json_decref(o->json);
    *o = (struct qopt){ 0 };
}

/* ${key} and ${value} are taken.  *ret_fits = false: there are too many. */
static struct err *
add(struct qopt *o, char *key, char *value, enum qopt_form form, bool *ret_fits)
{
    struct qopt_item *more = NULL;

    *ret_fits = o->n < MACHINE_ITEMS_MAX;
    if (*ret_fits && key != NULL && value != NULL)
        more = realloc(o->item, (o->n + 1) * sizeof(*more));
    if (more == NULL) {
        free(key);
        free(value);
        return *ret_fits ? fail(OutOfMemory) : NULL;
    }
    o->item = more;
    more[o->n++] = (struct qopt_item){ key, value, form };
    return NULL;
}

/* ---- JSON ---- */

static struct err *flatten(struct qopt *o, const json_t *value, const char *key,
    bool *ret_fits);

static struct err *
flatten_member(struct qopt *o, const json_t *value, const char *in, const char *name,
    bool *ret_fits)
{
    char key[KEY_MAX];

    if (snprintf(key, sizeof(key), "%s%s%s", in, in[0] != '\0' ? "." : "", name) >= KEY_MAX) {
        *ret_fits = false;
        return NULL;
    }
    return flatten(o, value, key, ret_fits);
}

static struct err *
flatten(struct qopt *o, const json_t *value, const char *key, bool *ret_fits)
{
    char number[32];
    const char *name, *text = "";
    json_t *member;
    size_t i;

    if (json_is_object(value)) {
        json_object_foreach((json_t *)value, name, member)
            if (*ret_fits)
                TRY(flatten_member(o, member, key, name, ret_fits));
        return NULL;
    }
    if (json_is_array(value)) {
        json_array_foreach(value, i, member) {
            snprintf(number, sizeof(number), "%zu", i);
            if (*ret_fits)
                TRY(flatten_member(o, member, key, number, ret_fits));
        }
        return NULL;
    }
    if (json_is_string(value))
        text = json_string_value(value);
    else if (json_is_boolean(value))
        text = json_is_true(value) ? "on" : "off";
    else if (json_is_integer(value)) {
        snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(value));
        text = number;
    }
    return add(o, strdup(key), strdup(text), QOPT_PAIR, ret_fits);
}

static struct err *
parse_json(const char *text, struct qopt *o, bool *ret_is)
{
    char why[JSON_WHY_MAX];

    TRY(json_read((struct view){ (const uint8_t *)text, strlen(text) }, &limits, why,
        &o->json));
    *ret_is = json_is_object(o->json);
    return *ret_is ? flatten(o, o->json, "", ret_is) : NULL;
}

/* The object in which the last part of ${key} is a member; NULL: none. */
static json_t *
json_holder(json_t *at, const char *key, const char **ret_last)
{
    for (;;) {
        const char *dot = strchr(key, '.');
        char part[KEY_MAX];

        if (dot == NULL || json_object_get(at, key) != NULL) {
            *ret_last = key;
            return json_is_object(at) ? at : NULL;
        }
        if ((size_t)(dot - key) >= sizeof(part))
            return NULL;
        memcpy(part, key, (size_t)(dot - key));
        part[dot - key] = '\0';
        at = json_object_get(at, part);
        key = dot + 1;
    }
}

/* ---- the other form ---- */

/* Up to the next single comma, undoubled. */
static char *
next_item(const char **at)
{
    char *item = malloc(strlen(*at) + 1), *to = item;
    const char *s = *at;

    if (item == NULL)
        return NULL;
    for (; *s != '\0'; s++) {
        if (*s == ',' && s[1] != ',')
            break;
        if (*s == ',')
            s++;
        *to++ = *s;
    }
    *to = '\0';
    *at = *s == ',' ? s + 1 : s;
    return item;
}

static struct err *
parse_items(const char *text, const char *implied, struct qopt *o, bool *ret_is)
{
    bool first = true;

    while (*text != '\0' && *ret_is) {
        /* the key ends at the first "=" before any comma, else there is none */
        size_t key_len = strcspn(text, "=,");
        enum qopt_form form = text[key_len] == '='       ? QOPT_PAIR
                              : first && implied != NULL ? QOPT_IMPLIED
                                                         : QOPT_FLAG;
        char *key = NULL, *value;

        if (form == QOPT_PAIR) {
            key = strndup(text, key_len);
            text += key_len + 1;
        }
        value = next_item(&text);
        if (form == QOPT_FLAG) {
            key = value;
            value = strdup("on");
        } else if (form == QOPT_IMPLIED) {
            key = strdup(implied);
        }
        TRY(add(o, key, value, form, ret_is));
        first = false;
    }
    return NULL;
}

struct err *
qopt_parse(const char *text, const char *implied, struct qopt *ret, bool *ret_is)
{
    struct qopt o = { 0 };
    bool is = true;
    struct err *e = text[0] == '{' ? parse_json(text, &o, &is)
                                   : parse_items(text, implied, &o, &is);

    if (e == NULL && is)
        *ret = o;
    else
        qopt_done(&o);
    *ret_is = is;
    return e;
}

/* ---- asking and changing ---- */

const char *
qopt_get(const struct qopt *o, const char *key)
{
    for (size_t i = o->n; i > 0; i--)
        if (strcmp(o->item[i - 1].key, key) == 0)
            return o->item[i - 1].value;
    return NULL;
}

bool
qopt_is_on(const struct qopt *o, const char *key)
{
    const char *value = qopt_get(o, key);

    return value != NULL && (strcmp(value, "on") == 0 || strcmp(value, "yes") == 0 ||
                                strcmp(value, "true") == 0);
}

void
qopt_drop(struct qopt *o, const char *key)
{
    const char *last;
    size_t n = 0;

    for (size_t i = 0; i < o->n; i++) {
        if (strcmp(o->item[i].key, key) != 0) {
            o->item[n++] = o->item[i];
            continue;
        }
        free(o->item[i].key);
        free(o->item[i].value);
    }
    o->n = n;
    json_t *holder = o->json != NULL ? json_holder(o->json, key, &last) : NULL;
    if (holder != NULL)
        (void)json_object_del(holder, last);
}

static struct err *
set_json(struct qopt *o, const char *key, const char *value)
{
    const char *last;
    json_t *holder = json_holder(o->json, key, &last);

    if (holder == NULL)
        return NULL;
    if (json_object_set_new(holder, last, json_string(value)) != 0)
        return fail(InputInvalid, value, "it is not UTF-8, which JSON cannot hold");
    return NULL;
}

struct err *
qopt_set(struct qopt *o, const char *key, const char *value)
{
    bool fits;

    if (o->json != NULL)
        TRY(set_json(o, key, value));
    for (size_t i = 0; i < o->n; i++) {
        struct qopt_item *item = &o->item[i];

        if (strcmp(item->key, key) != 0)
            continue;
        char *copy = strdup(value);
        if (copy == NULL)
            return fail(OutOfMemory);
        free(item->value);
        item->value = copy;
        if (item->form == QOPT_FLAG || strchr(value, '=') != NULL)
            item->form = QOPT_PAIR;
        return NULL;
    }
    TRY(add(o, strdup(key), strdup(value), QOPT_PAIR, &fits));
    return fits ? NULL : fail(InputInvalid, key, "the option has too many parts");
}

/* ---- writing ---- */

void
qopt_escape(struct text *to, const char *value)
{
    for (; *value != '\0'; value++)
        text_add(to, *value == ',' ? ",," : value, *value == ',' ? 2 : 1);
}

void
qopt_print(const struct qopt *o, struct text *to)
{
    if (o->json != NULL) {
        char *s = json_dumps(o->json, JSON_COMPACT);

        if (s == NULL)
            to->no_memory = true;
        else
            text_str(to, s);
        free(s);
        return;
    }
    for (size_t i = 0; i < o->n; i++) {
        const struct qopt_item *item = &o->item[i];

        if (i > 0)
            text_str(to, ",");
        /* without its key, an empty value would be no item at all */
        if (item->form == QOPT_PAIR || (item->form == QOPT_IMPLIED && item->value[0] == '\0')) {
            text_str(to, item->key);
            text_str(to, "=");
        }
        qopt_escape(to, item->form == QOPT_FLAG ? item->key : item->value);
    }
}
