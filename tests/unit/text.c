/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes in words, and what may reach a terminal. */
#include "check.h"

#include <string.h>

#include "proc.h"
#include "text.h"
#include "utf8.h"

static void
sizes_in_words(void **state)
{
    static const struct {
        uint64_t bytes;
        const char *words;
    } t[] = {
        { 0, "0 bytes" }, { 1, "1 byte" }, { 17, "17 bytes" }, { 1023, "1023 bytes" },
        { 1024, "1 KiB" }, { 1536, "1.5 KiB" }, { 65536, "64 KiB" },
        { 1048575, "1023.9 KiB" }, { (uint64_t)1 << 20, "1 MiB" },
        { 3435973837, "3.2 GiB" }, { (uint64_t)1 << 50, "1 PiB" },
        { UINT64_MAX, "15.9 EiB" },
    };
    char words[TEXT_SIZE_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        assert_int_equal(text_size(words, t[i].bytes), strlen(t[i].words));
        assert_string_equal(words, t[i].words);
    }
}

static void
what_is_visible(void **state)
{
    static const struct {
        const char *s;
        size_t n;
    } t[] = {
        { "", 0 }, { "a", 1 }, { "\x7f", 0 }, { "\x1b", 0 }, { "\n", 0 },
        { "\xc3\xa4", 2 }, { "\xc2\x9b", 0 }, { "\xc2\xa0", 2 }, { "\xe2\x82\xac", 3 },
        { "\xf0\x9f\x8d\xa6", 4 }, { "\xc3", 0 }, { "\xe2\x82", 0 }, { "\x80", 0 },
        { "\xc0\x80", 0 }, { "\xe0\x80\x80", 0 }, { "\xed\xa0\x80", 0 },
        { "\xf4\x90\x80\x80", 0 }, { "\xff", 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
        assert_int_equal(text_visible(t[i].s), t[i].n);
}

static void
a_string_grows(void **state)
{
    struct text t = { 0 };

    (void)state;
    for (int i = 0; i < 1000; i++)
        text_fmt(&t, "%d,", i % 10);
    text_add(&t, "", 0);
    text_escaped(&t, "a\x1b\n\xff");
    assert_false(t.no_memory);
    assert_int_equal(t.len, 2000 + 10);
    assert_int_equal(strlen(t.s), t.len);
    assert_string_equal(t.s + 2000, "a\\x1b\n\\xff");
    text_done(&t);
    assert_null(t.s);
    text_inline(&t, "\nb\tc\r");
    assert_non_null(strstr(t.s, " b c\\x0d"));
    text_done(&t);
}

/* What sh makes of the word is what was meant, byte for byte. */
static void
sh_reads(const char *word)
{
    struct text t = { 0 };
    int status = -1;

    text_str(&t, "[ x");
    text_shell(&t, word);
    text_str(&t, " = x\"$1\" ]");
    assert_false(t.no_memory);
    const char *const argv[] = { "sh", "-c", t.s, "sh", word, NULL };

    assert_ok(proc_run(argv, deadline_in_ms(60000), &status, NULL));
    assert_int_equal(status, 0);
    for (const char *s = t.s; *s != '\0'; s += text_visible(s))
        assert_true(text_visible(s) > 0); /* and it may stand on a terminal */
    text_done(&t);
}

static void
words_for_a_shell(void **state)
{
    static const char *const words[] = { "", "plain", "/a/b c/d", "it's", "'", "''", "\"",
        "$HOME", "`id`", "$(id)", "a\\b", "\\", "*", "~", "#x", "a;b", "a&b|c>d<e", "!",
        "{a,b}", "-n", "--x=%s", "%", "\t", "a\nb", "\x1b[31m", "\xff\xfe",
        "-\x01%s\\'$(id)\"`id`",
        "\xc3\xa4", "a\n\n'b\x07", "qga:/run/a b's/ga" };
    char all[256];

    (void)state;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        sh_reads(words[i]);
    for (int c = 1; c < 256; c++)
        all[c - 1] = (char)c;
    all[255] = '\0';
    sh_reads(all);
    for (int c = 1; c < 256; c++)
        if (c != '\n')
            sh_reads((char[]){ (char)c, '\0' });
}

/* Command substitution would drop the newline: another notation, for shells that know it. */
static void
a_word_that_ends_a_line(void **state)
{
    struct text t = { 0 };

    (void)state;
    text_shell(&t, "it's\n");
    assert_string_equal(t.s, "$'it\\047s\\012'");
    text_done(&t);
}

/* Of every length, at its first and its last character. */
static void
characters(void **state)
{
    static const struct {
        uint32_t c;
        const char *bytes;
    } cases[] = {
        { 0x01, "\x01" },
        { 0x7f, "\x7f" },
        { 0x80, "\xc2\x80" },
        { 0x7ff, "\xdf\xbf" },
        { 0x800, "\xe0\xa0\x80" },
        { 0x20ac, "\xe2\x82\xac" },
        { 0xffff, "\xef\xbf\xbf" },
        { 0x10000, "\xf0\x90\x80\x80" },
        { 0x10ffff, "\xf4\x8f\xbf\xbf" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char got[UTF8_MAX + 1] = { 0 };

        assert_int_equal(utf8_put(got, cases[i].c), strlen(cases[i].bytes));
        assert_string_equal(got, cases[i].bytes);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_in_words),
        cmocka_unit_test(what_is_visible),
        cmocka_unit_test(characters),
        cmocka_unit_test(a_string_grows),
        cmocka_unit_test(words_for_a_shell),
        cmocka_unit_test(a_word_that_ends_a_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
