/* SPDX-License-Identifier: Apache-2.0 */
/* json_read.c -- count first, then parse.
 *
 * The count knows nothing of JSON but strings and brackets.  In a text that is JSON it gives
 * the true depth, and no fewer values than there are; in one that is not, the parser stops
 * at the first fault and has built no more than was counted up to there. */
#include <stdarg.h>
#include <stdio.h>

#include "codes.h"
#include "json_read.h"
#include "text.h"

struct count {
    unsigned depth, deepest;
    size_t values;
    bool in_string;
};

static void
count_text(struct view text, struct count *c)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t byte = text.data[i];

        if (c->in_string && byte == '\\')
            i++;
        else if (byte == '"')
            c->in_string = !c->in_string;
        if (c->in_string)
            continue;
        if (byte == '[' || byte == '{') {
            c->values++;
            if (++c->depth > c->deepest)
                c->deepest = c->depth;
        } else if (byte == ',' || byte == ':') {
            c->values++;
        } else if ((byte == ']' || byte == '}') && c->depth > 0) {
            c->depth--;
        }
    }
}

static bool
within(struct view text, const struct json_limits *limits, char *why)
{
    struct count c = { 0 };

    if (text.len > limits->bytes) {
        snprintf(why, JSON_WHY_MAX, "it has more than %zu bytes", limits->bytes);
        return false;
    }
    count_text(text, &c);
    if (c.deepest > limits->depth)
        snprintf(why, JSON_WHY_MAX, "it is nested more than %u deep", limits->depth);
    else if (c.values > limits->values)
        snprintf(why, JSON_WHY_MAX, "it has more than %zu values", limits->values);
    else
        return true;
    return false;
}

/* The parser's words may quote the text. */
static struct err *
explain(const json_error_t *error, char *why)
{
    struct text t = { 0 };

    text_inline(&t, error->text);
    if (t.no_memory) {
        text_done(&t);
        return fail(OutOfMemory);
    }
    snprintf(why, JSON_WHY_MAX, "it is no JSON, at byte %d: %.150s", error->position,
        t.len > 0 ? t.s : "");
    text_done(&t);
    return NULL;
}

struct err *
json_read(struct view text, const struct json_limits *limits, char *why, json_t **ret)
{
    json_error_t error = { 0 };

    if (!within(text, limits, why)) {
        *ret = NULL;
        return NULL;
    }
    json_t *parsed = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES,
        &error);
    if (parsed == NULL) {
        if (json_error_code(&error) == json_error_out_of_memory)
            return fail(OutOfMemory);
        TRY(explain(&error, why));
    }
    *ret = parsed;
    return NULL;
}

struct err *
json_vbuild(const char *what, json_t **ret, const char *format, va_list args)
{
    json_error_t error = { 0 };
    json_t *built = json_vpack_ex(&error, 0, format, args);

    if (built == NULL && json_error_code(&error) == json_error_invalid_utf8)
        return fail(InputInvalid, what, "a text in it is not UTF-8");
    if (built == NULL)
        return fail(OutOfMemory);
    *ret = built;
    return NULL;
}

struct err *
json_build(const char *what, json_t **ret, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    struct err *e = json_vbuild(what, ret, format, args);
    va_end(args);
    return e;
}
