/* SPDX-License-Identifier: Apache-2.0 */
/* json_read.h -- JSON from outside, read within limits that are checked before anything of it
 * is built.
 *
 * jansson alone would follow any depth to its own limit and spend some forty bytes of memory
 * on each byte of "[1,1,1,...". */
#ifndef JSON_READ_H
#define JSON_READ_H

#include <jansson.h>
#include <stdarg.h>

#include "bytes.h"
#include "err.h"

struct json_limits {
    size_t bytes; /* of the whole text */
    unsigned depth; /* objects and arrays within each other */
    size_t values; /* names and values, each for itself */
};

enum { JSON_WHY_MAX = 200 };

/* One object or array, and blanks around it.  When it is none, or beyond ${limits}, *ret is
 * NULL and ${why} (JSON_WHY_MAX bytes) says so, in text that fits a terminal; that is no
 * failure.  A name that stands twice in one object is refused.  The caller owns *ret. */
struct err *json_read(struct view text, const struct json_limits *limits, char *why,
    json_t **ret) must_use;

/* The member ${name} of an object, "" when it has none that is a string. */
static inline const char *
json_word(const json_t *object, const char *name)
{
    const char *s = json_string_value(json_object_get(object, name));

    return s != NULL ? s : "";
}

/* As json_pack.  InputInvalid about ${what} when a string is not UTF-8, which JSON cannot
 * hold. */
struct err *json_build(const char *what, json_t **ret, const char *format, ...) must_use;
struct err *json_vbuild(const char *what, json_t **ret, const char *format,
    va_list args) must_use;

#endif
