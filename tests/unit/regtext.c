/* SPDX-License-Identifier: Apache-2.0 */
/* Registry keys as text: every form that Windows exports, what only looks like one, and that
 * what is written is read again byte by byte. */
#include "check.h"

#include <stdio.h>
#include <string.h>

#include "auto.h"
#include "pattern.h"
#include "regtext.h"

#define HEAD "\xef\xbb\xbfWindows Registry Editor Version 5.00\r\n\r\n"
#define ROOT "[HKEY_LOCAL_MACHINE\\SOFTWARE\\Firn"
#define KEY "HKLM\\SOFTWARE\\Firn"

/* ${s}, which is UTF-8, as a file. */
static struct view
file(const char *s)
{
    static uint8_t bytes[65536];
    struct target_value v = { 0 };

    assert_ok(target_value_of_text(TARGET_REG_SZ, s, &v));
    assert_true(v.len <= sizeof(bytes));
    memcpy(bytes, v.data, v.len);
    struct view is = { bytes, v.len - 2 };
    target_value_done(&v);
    return is;
}

static void
assert_value(const char *text, const char *name, uint32_t type, const void *data, size_t len)
{
    struct target_value v = { 0 };
    bool found = false, ok = false;

    assert_ok(regtext_value(file(text), KEY, name, &v, &found, &ok));
    assert_true(ok && found);
    assert_int_equal(v.type, type);
    assert_int_equal(v.len, len);
    if (len > 0)
        assert_memory_equal(v.data, data, len);
    target_value_done(&v);
}

static const char exported[] =
    HEAD
    ROOT "\\Before]\r\n"
    "\"Start\"=dword:00000009\r\n\r\n"
    ROOT "]\r\n"
    "@=\"own\"\r\n"
    "\"Start\"=dword:0000001f\r\n"
    "\"Text\"=\"C:\\\\a \\\"b\\\" =[x]\r\nsecond line\"\r\n"
    "\"Wide\"=\"\xc3\xbc\xf0\x9f\x92\xbe\"\r\n"
    "\"od\\\\d=\\\"\"=dword:00000001\r\n"
    "\"Bytes\"=hex:01,FF,\\\r\n  00,7f\r\n"
    "\"Expand\"=hex(2):41,00,00,00\r\n"
    "\"Quad\"=hex(b):01,00,00,00,00,00,00,80\r\n"
    "\"Empty\"=hex(0):\r\n"
    "\"Odd\"=hex(ffff0010):aa\r\n\r\n"
    ROOT "\\Sub]\r\n"
    "\"Start\"=dword:00000007\r\n"
    ROOT "\\Sub\\Deeper]\r\n"
    "[HKEY_LOCAL_MACHINE\\SOFTWARE\\Firnish]\r\n"
    "\"Start\"=dword:00000008\r\n";

static void
every_form_is_read(void **state)
{
    (void)state;
    assert_value(exported, "", TARGET_REG_SZ, "o\0w\0n\0\0", 8);
    assert_value(exported, "sTART", TARGET_REG_DWORD, "\x1f\0\0", 4);
    assert_value(exported, "Bytes", TARGET_REG_BINARY, "\x01\xff\0\x7f", 4);
    assert_value(exported, "Expand", TARGET_REG_EXPAND_SZ, "A\0\0", 4);
    assert_value(exported, "Quad", TARGET_REG_QWORD, "\x01\0\0\0\0\0\0\x80", 8);
    assert_value(exported, "Empty", 0, NULL, 0);
    assert_value(exported, "Odd", 0xffff0010, "\xaa", 1);
    assert_value(exported, "od\\d=\"", TARGET_REG_DWORD, "\x01\0\0", 4);
    assert_value(exported, "Wide", TARGET_REG_SZ, "\xfc\0\x3d\xd8\xbe\xdc\0", 8);
}

static void
strings_keep_their_line_ends(void **state)
{
    struct target_value v = { 0 };
    auto_free char *s = NULL;
    bool found = false, ok = false;

    (void)state;
    assert_ok(regtext_value(file(exported), KEY, "Text", &v, &found, &ok));
    assert_true(ok && found);
    assert_true(target_value_text(&v, &s));
    assert_string_equal(s, "C:\\a \"b\" =[x]\r\nsecond line");
    target_value_done(&v);
}

static void
what_is_there(void **state)
{
    struct regtext_key look = { 0 };
    struct target_value v = { 0 };
    bool found = true, ok = false;

    (void)state;
    assert_ok(regtext_look(file(exported), KEY, &look, &ok));
    assert_true(ok && look.there);
    assert_int_equal(look.nvalues, 10);
    assert_int_equal(look.nkeys, 2);
    assert_ok(regtext_look(file(exported), KEY "\\Sub\\Deeper", &look, &ok));
    assert_true(ok && look.there);
    assert_int_equal(look.nvalues, 0);
    assert_ok(regtext_look(file(exported), KEY "\\None", &look, &ok));
    assert_true(ok && !look.there);
    assert_ok(regtext_value(file(exported), KEY, "Nothing", &v, &found, &ok));
    assert_true(ok && !found);
}

static void
what_is_none_is_said(void **state)
{
    static const char *const odd[] = { "", "MZ", HEAD "[HKEY_LOCAL_MACHINE\\A", HEAD "text",
        HEAD ROOT "]\r\n\"a", HEAD ROOT "]\r\n\"a\"", HEAD ROOT "]\r\n\"a\"=",
        HEAD ROOT "]\r\n\"a\"=dword:1", HEAD ROOT "]\r\n\"a\"=dword:0000000g",
        HEAD ROOT "]\r\n\"a\"=\"open", HEAD ROOT "]\r\n\"a\"=hex(:00",
        HEAD ROOT "]\r\n\"a\"=hex(2",
        HEAD ROOT "]\r\n\"a\"=hex(123456789):00", HEAD ROOT "]\r\n\"a\"=hexagon",
        HEAD ROOT "]\r\n\"a\"=hex:0", HEAD ROOT "]\r\n@x=1" };
    struct target_value v = { 0 };
    bool found, ok;

    (void)state;
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        assert_ok(regtext_value(file(odd[i]), KEY, "a", &v, &found, &ok));
        if (ok)
            print_error("%s\n", odd[i]);
        assert_false(ok);
    }
    /* half a character, and one half of a pair */
    assert_ok(regtext_value((struct view){ (const uint8_t *)"\xff\xfeW", 3 }, KEY, "a", &v,
        &found, &ok));
    assert_false(ok);
    assert_ok(regtext_value((struct view){ (const uint8_t *)"\xff\xfe\x00\xd8", 4 }, KEY, "a",
        &v, &found, &ok));
    assert_false(ok);
}

/* What is written for a value, as an export would show it after the import. */
static void
written_is_read(void **state)
{
    static const char *const names[] = { "", "plain", "od\\d \"one\"", "\xc3\xbc\xe2\x82\xac" };
    struct rng rng = { 7 };

    (void)state;
    for (unsigned i = 0; i < 400; i++) {
        size_t len = rng_below(&rng, i < 390 ? 100 : TARGET_VALUE_MAX + 1);
        auto_free uint8_t *data = malloc(len + 1);
        struct target_value v = { (uint32_t)rng_below(&rng, 12), data, len }, again = { 0 };
        const char *name = names[i % 4];
        auto_free uint8_t *text = NULL;
        size_t text_len = 0;
        bool found = false, ok = false;

        for (size_t k = 0; k < len; k++)
            data[k] = (uint8_t)rng_next(&rng);
        assert_ok(regtext_write(KEY, name, &v, &text, &text_len));
        assert_ok(regtext_value((struct view){ text, text_len }, KEY, name, &again, &found,
            &ok));
        assert_true(ok && found && target_value_equal(&v, &again));
        target_value_done(&again);
    }
}

static void
deletions_are_marked(void **state)
{
    auto_free uint8_t *text = NULL, *key = NULL;
    auto_free char *shown = NULL, *shown_key = NULL;
    size_t len = 0;

    (void)state;
    assert_ok(regtext_write(KEY, "a", NULL, &text, &len));
    assert_true(target_value_text(&(struct target_value){ TARGET_REG_SZ, text, len }, &shown));
    assert_string_equal(shown, HEAD ROOT "]\r\n\"a\"=-\r\n");
    assert_ok(regtext_write(KEY, NULL, NULL, &key, &len));
    assert_true(target_value_text(&(struct target_value){ TARGET_REG_SZ, key, len },
        &shown_key));
    assert_string_equal(shown_key, HEAD "[-HKEY_LOCAL_MACHINE\\SOFTWARE\\Firn]\r\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_is_read),
        cmocka_unit_test(strings_keep_their_line_ends),
        cmocka_unit_test(what_is_there),
        cmocka_unit_test(what_is_none_is_said),
        cmocka_unit_test(written_is_read),
        cmocka_unit_test(deletions_are_marked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
