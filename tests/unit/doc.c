/* SPDX-License-Identifier: Apache-2.0 */
/* JSON: what is read, what is refused, and that what is written reads the same. */
#include "check.h"

#include <stdio.h>
#include <string.h>

#include "doc.h"

static struct doc *
read_doc(const char *s)
{
    struct doc *d = NULL;

    assert_ok(doc_parse("a test", s, strlen(s), &d));
    return d;
}

/* As it comes out again, without blanks; freed by the caller. */
static char *
rewritten(const char *s)
{
    auto_ptr(doc) d = read_doc(s);
    struct doc_out o = { 0 };
    char *text = NULL;

    doc_put_value(&o, NULL, doc_root(d));
    assert_ok(doc_out_take(&o, &text));
    return text;
}

static void
what_is_read_is_written(void **state)
{
    static const struct {
        const char *in, *out;
    } rows[] = {
        { "null", "null" }, { " true ", "true" }, { "false", "false" }, { "0", "0" },
        { "-0", "-0" }, { "-12.5e+3", "-12.5e+3" }, { "\"\"", "\"\"" },
        { "[]", "[]" }, { "{}", "{}" }, { "[1,[2,[]],{}]", "[1,[2,[]],{}]" },
        { "\xef\xbb\xbf{\"a\" : [ 1 , 2 ] }", "{\"a\":[1,2]}" },
        { "\"\\u0041\\u00e9\\ud83d\\ude00\"", "\"A\xc3\xa9\xf0\x9f\x98\x80\"" },
        { "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
            "\"\\\"\\\\/\\u0008\\u000c\\n\\r\\t\"" },
        { "{\"a\":{\"a\":1},\"b\":\"x\"}", "{\"a\":{\"a\":1},\"b\":\"x\"}" },
        { "\"\x7f\"", "\"\\u007f\"" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        auto_free char *once = rewritten(rows[i].in), *twice = rewritten(once);

        assert_string_equal(once, rows[i].out);
        assert_string_equal(twice, once);
    }
}

static void
what_is_refused(void **state)
{
    static const char *const bad[] = { "", " ", "nul", "tru", "+1", "01", "1.", ".5", "1e",
        "1e+",
        "-", "'a'", "[", "[1", "[1,", "[1,]", "[1 2]", "{", "{\"a\"", "{\"a\":", "{\"a\":1",
        "{\"a\":1,}", "{a:1}", "{\"a\" 1}", "{1:2}", "]", "1 2", "{} x", "\"", "\"a",
        "\"\\\"", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\u0000\"",
        "\"\\ud800\"", "\"\\ud800\\u0041\"", "\"\\udc00\"", "\"\n\"", "\"\t\"", "\"\xff\"",
        "\"\xc0\x80\"", "\"\xed\xa0\x80\"", "\"\xc3\"", "{\"a\":1,\"a\":2}",
        "{\"a\":1,\"\\u0061\":2}", "\xef\xbb\xbf", "NaN", "Infinity", "/**/1" };
    struct doc *d = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_fails(doc_parse("a test", bad[i], strlen(bad[i]), &d), E_InputInvalid);
    /* NUL is no blank and no end */
    assert_fails(doc_parse("a test", "1\0", 2, &d), E_InputInvalid);
    assert_fails(doc_parse("a test", "\"\0\"", 3, &d), E_InputInvalid);
    assert_null(d);
}

static void
limits(void **state)
{
    struct text t = { 0 };
    struct doc *d = NULL;

    (void)state;
    for (int depth = DOC_DEPTH_MAX; depth <= DOC_DEPTH_MAX + 1; depth++) {
        for (int i = 0; i < depth; i++)
            text_str(&t, "[");
        for (int i = 0; i < depth; i++)
            text_str(&t, "]");
        if (depth == DOC_DEPTH_MAX)
            doc_free(read_doc(t.s));
        else
            assert_fails(doc_parse("a test", t.s, t.len, &d), E_InputInvalid);
        text_done(&t);
    }
    for (int extra = 0; extra <= 1; extra++) {
        text_str(&t, "[0");
        for (int i = 2; i < DOC_VALUES_MAX + extra; i++)
            text_str(&t, ",0");
        text_str(&t, "]");
        if (extra == 0)
            doc_free(read_doc(t.s));
        else
            assert_fails(doc_parse("a test", t.s, t.len, &d), E_InputInvalid);
        text_done(&t);
    }
    for (int extra = 0; extra <= 1; extra++) {
        text_str(&t, "{");
        for (int i = 0; i < DOC_NAMES_MAX + extra; i++)
            text_fmt(&t, "%s\"%d\":0", i > 0 ? "," : "", i);
        text_str(&t, "}");
        if (extra == 0)
            doc_free(read_doc(t.s));
        else
            assert_fails(doc_parse("a test", t.s, t.len, &d), E_InputInvalid);
        text_done(&t);
    }
    auto_free char *blanks = malloc(DOC_BYTES_MAX + 1);
    assert_non_null(blanks);
    memset(blanks, ' ', DOC_BYTES_MAX + 1);
    blanks[0] = '1';
    assert_fails(doc_parse("a test", blanks, DOC_BYTES_MAX + 1, &d), E_InputInvalid);
    assert_ok(doc_parse("a test", blanks, DOC_BYTES_MAX, &d));
    doc_free(d);
}

static void
questions(void **state)
{
    auto_ptr(doc) d = read_doc("{\"s\":\"x\",\"n\":-5,\"big\":9223372036854775807,"
                               "\"bigger\":9223372036854775808,\"f\":1.0,\"t\":true,"
                               "\"l\":[1,2,3],\"z\":null}");
    const struct doc_value *r = doc_root(d), *v;
    int64_t n = 1, sum = 0;
    bool b = false;

    (void)state;
    assert_string_equal(doc_string(doc_get(r, "s"), "no"), "x");
    assert_string_equal(doc_string(doc_get(r, "n"), "no"), "no");
    assert_string_equal(doc_string(doc_get(doc_get(r, "s"), "deeper"), "no"), "no");
    assert_true(doc_int(doc_get(r, "n"), &n) && n == -5);
    assert_true(doc_int(doc_get(r, "big"), &n) && n == INT64_MAX);
    assert_false(doc_int(doc_get(r, "bigger"), &n) || doc_int(doc_get(r, "f"), &n) ||
                 doc_int(doc_get(r, "s"), &n) || doc_int(NULL, &n));
    assert_true(doc_bool(doc_get(r, "t"), &b) && b);
    assert_false(doc_bool(doc_get(r, "n"), &b));
    assert_int_equal(doc_kind(doc_get(r, "z")), DOC_NULL);
    assert_int_equal(doc_kind(doc_get(r, "absent")), DOC_ABSENT);
    assert_int_equal(doc_count(r), 8);
    for (v = doc_first(doc_get(r, "l")); v != NULL; v = doc_next(v)) {
        assert_true(doc_int(v, &n));
        sum += n;
    }
    assert_int_equal(sum, 6);
    assert_string_equal(doc_name(doc_first(r)), "s");
    assert_null(doc_first(doc_get(r, "s")));
}

static void
bytes_that_are_no_text(void **state)
{
    struct doc_out o = { 0 };
    auto_free char *text = NULL;
    auto_ptr(doc) d = NULL;

    (void)state;
    doc_open(&o, NULL, '{');
    doc_put_string(&o, "a\x01", "\xff\x1b[2J");
    doc_put_string(&o, "none", NULL);
    doc_close(&o, '}');
    assert_ok(doc_out_take(&o, &text));
    assert_string_equal(text, "{\"a\\u0001\":\"\\\\xff\\u001b[2J\",\"none\":null}");
    d = read_doc(text);
    assert_string_equal(doc_string(doc_get(doc_root(d), "a\x01"), ""), "\\xff\x1b[2J");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_read_is_written),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(limits),
        cmocka_unit_test(questions),
        cmocka_unit_test(bytes_that_are_no_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
