/* SPDX-License-Identifier: Apache-2.0 */
/* The calls of jansson that a doctor makes, as two bodies answer them: jansson itself, and the
 * small one of the Windows program.  This file is built once with each. */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

static void
dumps_to(json_t *j, size_t flags, const char *want)
{
    char *s = json_dumps(j, flags);

    assert_non_null(s);
    assert_string_equal(s, want);
    free(s);
    json_decref(j);
}

static void
text_is_the_same(void **state)
{
    json_t *inner = json_array(), *kept = json_string("kept");

    (void)state;
    assert_int_equal(json_array_append_new(inner, json_integer(-7)), 0);
    dumps_to(json_pack("{s:s, s:b, s:i, s:I, s:n, s:o}", "a", "b", "t", 1, "i", -1, "I",
                 (json_int_t)INT64_MIN, "n", "list", inner),
        JSON_COMPACT,
        "{\"a\":\"b\",\"t\":true,\"i\":-1,\"I\":-9223372036854775808,\"n\":null,"
        "\"list\":[-7]}");
    dumps_to(json_pack("{s:{s:i}, s:[ii], s:s?, s:s?, s:o?, s:O}", "o", "x", 1, "l", 1, 2, "no",
                 NULL, "yes", "y", "none", NULL, "kept", kept),
        JSON_INDENT(2),
        "{\n  \"o\": {\n    \"x\": 1\n  },\n  \"l\": [\n    1,\n    2\n  ],\n  \"no\": null,\n"
        "  \"yes\": \"y\",\n  \"none\": null,\n  \"kept\": \"kept\"\n}");
    assert_string_equal(json_string_value(kept), "kept");
    json_decref(kept);
    dumps_to(json_pack("{s:[], s:{}}", "l", "o"), JSON_INDENT(2),
        "{\n  \"l\": [],\n  \"o\": {}\n}");
    dumps_to(json_pack("[s, s]", "\"\\/\b\f\n\r\t\x01\x7f",
                 "gr\xc3\xbc\xc3\x9f \xf0\x9f\x90\xa7"),
        0,
        "[\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\x7f\", "
        "\"gr\xc3\xbc\xc3\x9f \xf0\x9f\x90\xa7\"]");
    dumps_to(json_pack("{s:s, s:s}", "a", "1", "a", "2"), JSON_COMPACT, "{\"a\":\"2\"}");
}

static void
what_cannot_be_is_null(void **state)
{
    json_t *o = json_object(), *a = json_array();
    const json_t *none = NULL;

    (void)state;
    assert_null(json_string(NULL));
    assert_null(json_string("\xff"));
    assert_null(json_string("\xc0\x80"));
    assert_null(json_string("\xed\xa0\x80"));
    assert_null(json_stringn("a\xc3", 2));
    assert_null(json_pack("{s:s}", "a", NULL));
    assert_null(json_pack("{s:s, s:o}", "a", "\xff", "b", json_integer(1)));
    assert_null(json_pack("{s:o}", "a", NULL));
    assert_int_not_equal(json_object_set_new(o, "a", NULL), 0);
    assert_int_not_equal(json_object_set_new(NULL, "a", json_integer(1)), 0);
    assert_int_not_equal(json_object_set_new(o, NULL, json_integer(1)), 0);
    assert_int_not_equal(json_object_set_new(a, "a", json_integer(1)), 0);
    assert_int_not_equal(json_array_append_new(a, NULL), 0);
    assert_int_not_equal(json_array_append_new(NULL, json_integer(1)), 0);
    assert_int_not_equal(json_array_append_new(o, json_integer(1)), 0);
    assert_int_not_equal(json_object_update(o, NULL), 0);
    assert_null(json_object_get(NULL, "a"));
    assert_null(json_object_get(o, "a"));
    assert_null(json_object_get(a, "a"));
    assert_null(json_array_get(a, 0));
    assert_null(json_string_value(NULL));
    assert_null(json_string_value(o));
    assert_int_equal(json_integer_value(NULL), 0);
    assert_int_equal(json_array_size(NULL), 0);
    assert_int_equal(json_array_size(o), 0);
    assert_false(json_is_true(none) || json_is_false(none) || json_is_boolean(none) ||
        json_is_integer(none) || json_is_string(none) || json_is_array(none) ||
        json_is_object(none) || json_is_null(none));
    assert_null(json_deep_copy(NULL));
    assert_null(json_dumps(NULL, 0));
    json_decref(NULL);
    json_decref(o);
    json_decref(a);
}

static void
objects_are_filled_and_joined(void **state)
{
    json_t *o = json_object(), *copy, *other, *one;
    const char *name;
    size_t n = 0;

    (void)state;
    assert_int_equal(json_object_set_new(o, "z", json_integer(1)), 0);
    assert_int_equal(json_object_set_new(o, "a", json_true()), 0);
    assert_int_equal(json_object_set_new(o, "z", json_integer(2)), 0);
    other = json_pack("{s:s, s:[b]}", "a", "changed", "m", 0);
    assert_int_equal(json_object_update(o, other), 0);
    assert_int_equal(json_object_update_new(o, other), 0);
    json_object_foreach(o, name, one) {
        static const char *const order[] = { "z", "a", "m" };

        assert_non_null(one);
        assert_string_equal(name, order[n++]);
    }
    assert_int_equal(n, 3);
    copy = json_deep_copy(o);
    assert_true(json_equal(copy, o));
    assert_int_equal(json_object_set_new(copy, "z", json_integer(3)), 0);
    assert_false(json_equal(copy, o));
    assert_int_equal(json_integer_value(json_object_get(o, "z")), 2);
    assert_int_equal(json_object_del(copy, "a"), 0);
    assert_int_equal(json_object_del(copy, "m"), 0);
    assert_int_not_equal(json_object_del(copy, "a"), 0);
    assert_int_equal(json_object_size(copy), 1);
    assert_int_equal(json_integer_value(json_object_get(copy, "z")), 3);
    json_decref(copy);
    other = json_pack("{s:[b], s:i, s:s}", "m", 0, "z", 2, "a", "changed");
    assert_true(json_equal(o, other)); /* in another order */
    assert_false(json_equal(o, NULL));
    json_decref(other);
    json_decref(o);
}

static void
reads(const char *text)
{
    json_t *j = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

    assert_non_null(j);
    dumps_to(j, JSON_COMPACT, text);
}

static void
what_is_written_is_read(void **state)
{
    static const char *const bad[] = { "", " ", "{", "[1", "{\"a\"}", "{\"a\":}", "[1,]",
        "[01]",
        "{\"a\":1,\"a\":2}", "[\"\xff\"]", "[\"\\ud800\"]", "[\"a\nb\"]", "[nul]", "[1] x", "7",
        "\"s\"", "{'a':1}", "[\"\\x\"]" };
    json_t *j;

    (void)state;
    reads("[]");
    reads("{}");
    reads("{\"a\":[1,-2,true,false,null,\"\\u0001\\n\\\"\"],\"\":{\"b\":\"gr\xc3\xbc\"}}");
    reads("[9223372036854775807,-9223372036854775808,0]");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_null(json_loads(bad[i], JSON_REJECT_DUPLICATES, NULL));
    j = json_loads(" { \"a\" : \"\\u00e9\\ud83d\\udc27\\/\" } ", JSON_REJECT_DUPLICATES, NULL);
    dumps_to(j, JSON_COMPACT, "{\"a\":\"\xc3\xa9\xf0\x9f\x90\xa7/\"}");
    j = json_loads("7", JSON_DECODE_ANY, NULL);
    assert_int_equal(json_integer_value(j), 7);
    dumps_to(j, JSON_ENCODE_ANY, "7");
    dumps_to(json_loads("\"s\"", JSON_DECODE_ANY, NULL), JSON_ENCODE_ANY, "\"s\"");
    assert_null(json_loads("word", JSON_DECODE_ANY, NULL));
    j = json_loads("[1.5]", 0, NULL);
    assert_false(json_is_integer(json_array_get(j, 0)) || json_is_null(json_array_get(j, 0)));
    dumps_to(json_deep_copy(j), JSON_COMPACT, "[1.5]");
    json_decref(j);
    assert_null(json_loadb("[1]x", 4, JSON_REJECT_DUPLICATES, NULL));
    j = json_loadb("[1]x", 3, JSON_REJECT_DUPLICATES, NULL);
    dumps_to(j, JSON_COMPACT, "[1]");
}

static void
references_are_counted(void **state)
{
    json_t *s = json_string("shared"), *a, *b;

    (void)state;
    a = json_pack("{s:O}", "s", s);
    b = json_pack("[O, O]", s, s);
    json_decref(a);
    assert_string_equal(json_string_value(json_array_get(b, 1)), "shared");
    json_decref(b);
    assert_ptr_equal(json_incref(s), s);
    json_decref(s);
    assert_string_equal(json_string_value(s), "shared");
    json_decref(s);
    json_decref(json_incref(json_null()));
    json_decref(json_true());
    assert_true(json_is_true(json_true()) && json_is_false(json_false()));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_the_same),
        cmocka_unit_test(what_cannot_be_is_null),
        cmocka_unit_test(objects_are_filled_and_joined),
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(references_are_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
