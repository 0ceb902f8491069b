/* SPDX-License-Identifier: Apache-2.0 */
/* jansson.h -- as much of jansson's interface as a doctor uses, for the Windows program:
 * mingw-w64 comes without that library.
 *
 * Calls mean what they mean there, with these bounds: texts are read by doc.h, with its limits,
 * and a name twice in one object is refused whatever the flags say; a number that is no integer
 * of 64 bits is kept as it was spelled; names in an object keep their order and are looked for
 * one by one.  tests/unit/json_small.c holds both bodies to the same answers.
 *
 * As there: setters take what they are given, also when they fail; NULL stands for "no such
 * value" and may be asked and given; what is returned new has one reference. */
#ifndef JANSSON_H
#define JANSSON_H

#include <stdbool.h>
#include <stddef.h>

typedef struct json_t json_t;
typedef long long json_int_t;
typedef struct {
    char text[1]; /* no words; kept for the shape of the calls */
} json_error_t;

#define JSON_COMPACT 0x20
#define JSON_INDENT(n) ((size_t)(n) & 0x1f)
#define JSON_ENCODE_ANY 0x200
#define JSON_REJECT_DUPLICATES 0x1
#define JSON_DECODE_ANY 0x4

enum json_kind {
    JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_INTEGER, JSON_REAL, JSON_STRING, JSON_ARRAY,
    JSON_OBJECT
};
/* JSON_NULL also for NULL. */
enum json_kind json_kind(const json_t *j);

#define json_is_null(j) ((j) != NULL && json_kind(j) == JSON_NULL)
#define json_is_true(j) (json_kind(j) == JSON_TRUE)
#define json_is_false(j) ((j) != NULL && json_kind(j) == JSON_FALSE)
#define json_is_boolean(j) (json_is_true(j) || json_is_false(j))
#define json_is_integer(j) (json_kind(j) == JSON_INTEGER)
#define json_is_string(j) (json_kind(j) == JSON_STRING)
#define json_is_array(j) (json_kind(j) == JSON_ARRAY)
#define json_is_object(j) (json_kind(j) == JSON_OBJECT)

json_t *json_null(void);
json_t *json_true(void);
json_t *json_false(void);
json_t *json_boolean(int truth);
json_t *json_integer(json_int_t n);
json_t *json_string(const char *s);
json_t *json_stringn(const char *s, size_t len);
json_t *json_array(void);
json_t *json_object(void);

json_t *json_incref(json_t *j);
void json_decref(json_t *j);
json_t *json_deep_copy(const json_t *j);
int json_equal(const json_t *a, const json_t *b);

json_int_t json_integer_value(const json_t *j);
const char *json_string_value(const json_t *j);
const char *json_real_text(const json_t *j); /* ours: how a real is spelled; NULL for others */

size_t json_array_size(const json_t *j);
json_t *json_array_get(const json_t *j, size_t i);
int json_array_append_new(json_t *array, json_t *j);

size_t json_object_size(const json_t *j);
json_t *json_object_get(const json_t *j, const char *name);
int json_object_set_new(json_t *object, const char *name, json_t *j);
int json_object_set(json_t *object, const char *name, json_t *j);
int json_object_del(json_t *object, const char *name);
int json_object_update(json_t *object, json_t *with);
int json_object_update_new(json_t *object, json_t *with);
/* The ${i}th member, in the order in which they were set; false at the end. */
bool json_object_at(const json_t *j, size_t i, const char **ret_name, json_t **ret);
#define json_object_foreach(object, name, one) \
    for (size_t at_ = 0; json_object_at(object, at_, &(name), &(one)); at_++)

/* s, s?, n, b, i, I, o, o?, O, O?, and objects and arrays of these. */
json_t *json_pack(const char *format, ...);

char *json_dumps(const json_t *j, size_t flags);
json_t *json_loads(const char *s, size_t flags, json_error_t *error);
json_t *json_loadb(const char *s, size_t len, size_t flags, json_error_t *error);

#endif
