/* SPDX-License-Identifier: Apache-2.0 */
/* Hives are read as they were described, whatever is broken in one is found, and every
 * change is seen by the comparison. */
#include "check.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hive_maker.h"
#include "regf_diff.h"
#include "regf_format.h"

static const char system_text[] =
    "[Select]\nCurrent = dword:1\nDefault = dword:1\n"
    "[ControlSet001\\Services\\msiserver]\n"
    "Start = dword:4\nType = dword:0x10\n"
    "ImagePath = expand:%systemroot%\\system32\\msiexec.exe /V\n"
    "DependOnService = multi:rpcss|http\n"
    "@ = sz:unnamed\n"
    "Empty = hex:\nThree = hex:01 02 03\n"
    "Long = fill:16345\nEdge = fill:16344\nLonger = fill:50000\n"
    "\xc3\x9c" "ber = sz:\xe2\x82\xac\n"
    "[ControlSet001\\Services\\\xd0\x90\xf0\x9f\x98\x80]\nStart = dword:2\n";

struct made {
    uint8_t *data;
    size_t len;
    struct regf r;
};

static void
make(struct made *m, const char *text)
{
    unsigned line;

    assert_true(hive_make(text, "SYSTEM", &m->data, &m->len, &line));
    assert_ok(regf_open((struct view){ m->data, m->len }, "SYSTEM", &m->r));
}

static void
test_read(void **state)
{
    struct made m;
    uint32_t key, number = 0;
    struct regf_value v;
    struct text t = { 0 };
    uint8_t *data;

    (void)state;
    make(&m, system_text);
    assert_int_equal(regf_find(&m.r, ""), m.r.root);
    assert_int_equal(regf_find(&m.r, "nothing"), 0);
    assert_int_equal(regf_find(&m.r, "Select\\nothing"), 0);
    key = regf_find(&m.r, "controlset001\\SERVICES\\MsiServer");
    assert_int_not_equal(key, 0);
    assert_int_equal(key, regf_find(&m.r, "\\ControlSet001\\\\Services\\msiserver\\"));
    assert_int_equal(regf_key(&m.r, key).nvalues, 11);
    assert_int_equal(regf_key(&m.r, key).security.len, 96);
    assert_true(regf_find_dword(&m.r, "ControlSet001\\Services\\msiserver", "start", &number));
    assert_int_equal(number, 4);
    assert_false(regf_find_dword(&m.r, "ControlSet001\\Services\\msiserver", "ImagePath",
        &number));
    assert_true(regf_find_value(&m.r, key, "", &v));
    assert_true(regf_find_value(&m.r, key, "empty", &v) && v.len == 0 && v.type == 3);
    assert_true(regf_find_value(&m.r, key, "\xc3\xbc" "BER", &v));
    assert_false(regf_find_value(&m.r, key, "\xc3\xbc" "BE", &v));
    assert_false(regf_find_value(&m.r, key, "\xff" "BER", &v));
    data = malloc(v.len);
    assert_non_null(data);
    regf_value_data(&m.r, &v, data);
    regf_utf16_text(&t, data, v.len);
    assert_string_equal(t.s, "\xe2\x82\xac");
    text_done(&t);
    free(data);
    assert_true(regf_find_value(&m.r, key, "ImagePath", &v) && v.type == 2);
    assert_true(regf_find_dword(&m.r, "ControlSet001\\Services\\\xd0\x90\xf0\x9f\x98\x80",
        "Start", &number));
    free(m.data);
}

static void
test_long_values(void **state)
{
    static const struct {
        const char *name;
        size_t len;
    } value[] = { { "Long", 16345 }, { "Edge", 16344 }, { "Longer", 50000 } };
    struct made m;
    uint32_t key;

    (void)state;
    make(&m, system_text);
    key = regf_find(&m.r, "ControlSet001\\Services\\msiserver");
    for (size_t i = 0; i < 3; i++) {
        struct regf_value v;
        uint8_t *data = malloc(50000);

        assert_non_null(data);
        assert_true(regf_find_value(&m.r, key, value[i].name, &v));
        assert_int_equal(v.len, value[i].len);
        regf_value_data(&m.r, &v, data);
        for (size_t at = 0; at < v.len; at++)
            assert_int_equal(data[at], (uint8_t)(at * 7 + at / 251));
        assert_true(regf_value_is(&m.r, &v, (struct view){ data, v.len }));
        data[v.len - 1] ^= 1;
        assert_false(regf_value_is(&m.r, &v, (struct view){ data, v.len }));
        free(data);
    }
    free(m.data);
}

static void
test_many_keys(void **state)
{
    struct text t = { 0 };
    struct made m;
    uint32_t *keys, services;

    (void)state;
    for (int i = 0; i < 3000; i++)
        text_fmt(&t, "[a\\key%d]\nn = dword:%d\n", i, i);
    make(&m, t.s);
    services = regf_find(&m.r, "a");
    assert_int_equal(regf_key(&m.r, services).nchildren, 3000);
    keys = calloc(3000, sizeof *keys);
    assert_non_null(keys);
    regf_children(&m.r, services, keys);
    for (int i = 0; i < 3000; i++) {
        char path[32];
        uint32_t number = 0;

        (void)snprintf(path, sizeof path, "A\\KEY%d", i);
        assert_true(regf_find_dword(&m.r, path, "N", &number));
        assert_int_equal(number, i);
        assert_int_not_equal(keys[i], 0);
    }
    free(keys);
    free(m.data);
    text_done(&t);
}

/* What a test breaks, and what must be said of it. */
static void
expect(const struct made *m, size_t len, int code)
{
    uint8_t *copy = malloc(len == 0 ? 1 : len); /* exactly as long, for the sanitizers */
    struct regf r;

    assert_non_null(copy);
    memcpy(copy, m->data, len);
    assert_fails(regf_open((struct view){ copy, len }, "SYSTEM", &r), code);
    free(copy);
}

static void
test_base_block(void **state)
{
    struct made m;

    (void)state;
    make(&m, system_text);
    expect(&m, 0, E_HiveForeign);
    expect(&m, 4095, E_HiveForeign);
    expect(&m, 4096, E_HiveDamaged);
    expect(&m, m.len - 1, E_HiveDamaged);
    m.data[508] ^= 1;
    expect(&m, m.len, E_HiveDirty);
    m.data[508] ^= 1;
    m.data[4]++;
    expect(&m, m.len, E_HiveDirty);
    hive_make_checksum(m.data);
    expect(&m, m.len, E_HiveDirty);
    m.data[8]++;
    hive_make_checksum(m.data);
    assert_ok(regf_open((struct view){ m.data, m.len }, "SYSTEM", &m.r));
    m.data[24] = 7;
    hive_make_checksum(m.data);
    expect(&m, m.len, E_HiveForeign);
    m.data[24] = 5;
    m.data[0] = 'R';
    hive_make_checksum(m.data);
    expect(&m, m.len, E_HiveForeign);
    m.data[0] = 'r';
    put_le(m.data + BASE_BINS_LEN, 0xfffff000, 4);
    hive_make_checksum(m.data);
    expect(&m, m.len, E_HiveDamaged);
    free(m.data);
}

/* A hive of few keys with each 32-bit word, one after the other, replaced by each of some
 * numbers: it is refused, or it can be read and compared without harm (the sanitizers look on).
 * Circles and cells with two owners are among these. */
static bool
never(void *arg, const struct regf_diff *d)
{
    (void)arg;
    (void)d;
    return true;
}

static void
test_every_word(void **state)
{
    static const uint32_t number[] = { 0, 1, 0x20, 0xffffffff, 0x80000000, 0x7fffffff,
        0xfffffff8, 0x10000, 0xfff8 };
    struct made m;
    unsigned refused = 0, taken = 0;

    (void)state;
    make(&m, "[a\\b]\nx = sz:some text\n[a\\c]\ny = fill:17000\n[d]\nz = dword:1\n");
    for (size_t at = REGF_BASE; at + 4 <= m.len; at += 4) {
        uint32_t old = (uint32_t)get_le(m.data + at, 4);

        if (at > REGF_BASE + 1500 && at < m.len - 600 && at % 256 != 0)
            continue; /* most of it is what fill: made, which has no meaning */
        for (size_t i = 0; i < sizeof number / sizeof number[0] + 2; i++) {
            struct regf r;
            struct err *e;

            put_le(m.data + at,
                i < sizeof number / sizeof number[0] ? number[i] : old + 8 * (i % 2) - 4, 4);
            e = regf_open((struct view){ m.data, m.len }, "SYSTEM", &r);
            if (e == NULL) {
                taken++;
                assert_ok(regf_diff(&m.r, &r, never, NULL, NULL));
            } else {
                refused++;
                assert_int_equal(err_code(e), E_HiveDamaged);
                err_free(e);
            }
        }
        put_le(m.data + at, old, 4);
    }
    assert_true(refused > 500 && taken > 500);
    free(m.data);
}

static void
test_circles(void **state)
{
    struct made m;
    uint32_t a, list;

    (void)state;
    make(&m, "[a\\b]\nx = dword:1\n");
    a = regf_find(&m.r, "a");
    list = regf_u32(&m.r, a, NK_CHILDREN);
    put_le(m.data + REGF_BASE + list + 4 + LIST_ITEMS, a, 4); /* a is below a */
    expect(&m, m.len, E_HiveDamaged);
    put_le(m.data + REGF_BASE + list + 4 + LIST_ITEMS, m.r.root, 4);
    expect(&m, m.len, E_HiveDamaged);
    free(m.data);
}

/* The named files of the fuzz target: all but the two whole ones are refused. */
static void
test_named(void **state)
{
    static const char folder[] = "tests/corpus/hive";
    DIR *dir = opendir(folder);
    unsigned whole = 0, refused = 0;

    (void)state;
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        static uint8_t data[1 << 16];
        char path[400];
        struct regf r;
        struct err *bad;
        size_t len;
        FILE *f;

        if (e->d_name[0] == '.')
            continue;
        (void)snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        f = fopen(path, "rb");
        assert_non_null(f);
        len = fread(data, 1, sizeof data, f);
        assert_int_equal(fclose(f), 0);
        if (data[0] != 0) /* as the target does */
            hive_make_checksum(data + 1);
        bad = regf_open((struct view){ data + 1, len - 1 }, e->d_name, &r);
        assert_int_equal(bad == NULL,
            strcmp(e->d_name, "whole") == 0 || strcmp(e->d_name, "pieces") == 0);
        whole += bad == NULL;
        refused += bad != NULL;
        err_free(bad);
    }
    (void)closedir(dir);
    assert_true(whole == 2 && refused >= 25);
}

static void
test_too_deep(void **state)
{
    struct text t = { 0 };
    struct made m;
    unsigned line;

    (void)state;
    text_str(&t, "[");
    for (int i = 0; i < REGF_DEPTH_MAX + 1; i++)
        text_str(&t, "x\\");
    text_str(&t, "]\n");
    assert_true(hive_make(t.s, "SYSTEM", &m.data, &m.len, &line));
    expect(&m, m.len, E_HiveDamaged);
    free(m.data);
    text_done(&t);
}

struct seen {
    struct text t;
};

static bool
note(void *arg, const struct regf_diff *d)
{
    struct seen *s = arg;

    text_fmt(&s->t, "%s: %s [%s]\n", regf_diff_name(d->kind), d->path,
        d->value == NULL ? "-" : d->value);
    return true;
}

static void
expect_diff(const char *old, const char *new, const char *want)
{
    struct made a, b;
    struct seen s = { 0 };
    bool whole = false;

    make(&a, old);
    make(&b, new);
    text_str(&s.t, "");
    assert_ok(regf_diff(&a.r, &b.r, note, &s, &whole));
    assert_true(whole);
    assert_string_equal(s.t.s, want);
    text_done(&s.t);
    free(a.data);
    free(b.data);
}

static void
test_diff(void **state)
{
    (void)state;
    expect_diff(system_text, system_text, "");
    expect_diff("[a]\nx = dword:1\n", "[a]\nx = dword:2\n", "value changed: a [x]\n");
    expect_diff("[a]\nx = dword:1\n", "[a]\nx = hex:01 00 00 00\n", "value changed: a [x]\n");
    expect_diff("[a]\nx = dword:1\n", "[a]\nX = dword:1\n", "value changed: a [X]\n");
    expect_diff("[a]\nx = dword:1\n", "[a]\n", "value removed: a [x]\n");
    expect_diff("[a]\n", "[a]\n@ = dword:1\n", "value added: a []\n");
    expect_diff("[a]\n", "[A]\n", "key changed: a [-]\n");
    expect_diff("[a]\n[c]\n", "[a]\n[b\\x]\ny = dword:1\n[c]\n",
        "key added: b [-]\nkey added: b\\x [-]\nvalue added: b\\x [y]\n");
    expect_diff("[a\\b]\nq = dword:1\n", "[c]\n",
        "key removed: a [-]\nkey removed: a\\b [-]\nvalue removed: a\\b [q]\n"
        "key added: c [-]\n");
    expect_diff("[a]\nx = fill:40000\n", "[a]\nx = fill:40001\n", "value changed: a [x]\n");
}

static void
test_diff_time_and_class(void **state)
{
    struct made a, b;
    struct seen s = { 0 };
    uint32_t key;

    (void)state;
    make(&a, "[k]\nx = dword:1\n[l]\n");
    make(&b, "[k]\nx = dword:1\n[l]\n");
    key = regf_find(&b.r, "k");
    b.data[REGF_BASE + key + 4 + NK_TIME]++;
    key = regf_find(&b.r, "l");
    b.data[REGF_BASE + key + 4 + NK_FLAGS] |= 0x10;
    assert_ok(regf_diff(&a.r, &b.r, note, &s, NULL));
    assert_string_equal(s.t.s, "key touched: k [-]\nkey changed: l [-]\n");
    text_done(&s.t);
    free(a.data);
    free(b.data);
}

static void
test_maker_refuses(void **state)
{
    static const char *const wrong[] = { "[a\n", "nonsense\n", "x = dword:\n", "x = dword:1x\n",
        "x = colour:red\n", "x = hex:0\n", "x = hex:zz\n", "x = fill:abc\n" };

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        uint8_t *data = NULL;
        size_t len;
        unsigned line = 0;

        assert_false(hive_make(wrong[i], "SYSTEM", &data, &len, &line));
        assert_int_equal(line, 1);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_long_values),
        cmocka_unit_test(test_many_keys),
        cmocka_unit_test(test_base_block),
        cmocka_unit_test(test_every_word),
        cmocka_unit_test(test_circles),
        cmocka_unit_test(test_named),
        cmocka_unit_test(test_too_deep),
        cmocka_unit_test(test_diff),
        cmocka_unit_test(test_diff_time_and_class),
        cmocka_unit_test(test_maker_refuses),
    };

    return cmocka_run_group_tests_name("regf", tests, NULL, NULL);
}
