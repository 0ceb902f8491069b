/* SPDX-License-Identifier: Apache-2.0 */
/* What a library says of itself is read as it was made, and from one that is cut or changed
 * anywhere nothing is read beyond its end (the sanitizers look on). */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "pe.h"
#include "pe_maker.h"
#include "text.h"

static bool
note(void *arg, const char *library, const char *symbol, uint16_t ordinal)
{
    (void)ordinal;
    text_fmt(arg, "%s%s;", symbol == NULL ? "" : " ", symbol == NULL ? library : symbol);
    return true;
}

static void
test_read(void **state)
{
    static const uint16_t machines[] = { PE_AMD64, PE_I386, PE_ARM64 };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct pe_spec spec = { .machine = machines[i], .exports = "zeta,alpha,mu",
            .imports = "MSVCR120.dll:malloc,free;KERNEL32.dll:Sleep",
            .version = { 12, 0, 40660, 7 } };
        size_t len;
        uint8_t *file = pe_make(&spec, &len);
        struct text t = { 0 };
        uint16_t version[4];
        struct pe p;

        assert_true(pe_open((struct view){ file, len }, &p));
        assert_int_equal(p.machine, machines[i]);
        assert_int_equal(p.bits64, machines[i] != PE_I386);
        assert_true(pe_imports(&p, note, &t));
        assert_string_equal(t.s, "MSVCR120.dll; malloc; free;KERNEL32.dll; Sleep;");
        assert_true(pe_exports(&p, "alpha") && pe_exports(&p, "mu") && pe_exports(&p, "zeta"));
        assert_false(pe_exports(&p, "beta") || pe_exports(&p, "") || pe_exports(&p, "zz"));
        assert_true(pe_version(&p, version));
        assert_memory_equal(version, spec.version, sizeof version);
        text_done(&t);
        free(file);
    }
}

static void
test_nothing_in_it(void **state)
{
    struct pe_spec spec = { 0 };
    size_t len;
    uint8_t *file = pe_make(&spec, &len);
    struct text t = { 0 };
    uint16_t version[4];
    struct pe p;

    (void)state;
    assert_true(pe_open((struct view){ file, len }, &p));
    assert_true(pe_imports(&p, note, &t));
    assert_null(t.s);
    assert_false(pe_exports(&p, "x"));
    assert_false(pe_version(&p, version));
    free(file);
}

static void
use(const uint8_t *data, size_t len)
{
    struct text t = { 0 };
    uint16_t version[4];
    struct pe p;

    if (!pe_open((struct view){ data, len }, &p))
        return;
    (void)pe_imports(&p, note, &t);
    (void)pe_exports(&p, "alpha");
    (void)pe_version(&p, version);
    text_done(&t);
}

static void
test_cut_and_changed(void **state)
{
    struct pe_spec spec = { .imports = "A.dll:x", .exports = "alpha,mu",
        .version = { 1, 2, 3, 4 } };
    size_t len;
    uint8_t *file = pe_make(&spec, &len);
    struct pe p;

    (void)state;
    for (size_t n = 0; n < len; n++) {
        uint8_t *copy = malloc(n == 0 ? 1 : n);

        assert_non_null(copy);
        memcpy(copy, file, n);
        use(copy, n);
        assert_int_equal(pe_open((struct view){ copy, n }, &p), n >= 368); /* all heads */
        free(copy);
    }
    for (size_t i = 0; i < len; i++) {
        uint8_t old = file[i];

        for (unsigned bit = 0; bit < 8; bit++) {
            file[i] = old ^ (uint8_t)(1U << bit);
            use(file, len);
        }
        file[i] = 0xff;
        use(file, len);
        file[i] = old;
    }
    free(file);
}

/* Names that never end, and a table that points to itself. */
static void
test_endless(void **state)
{
    struct pe_spec spec = { .imports = "A.dll:x" };
    size_t len;
    uint8_t *file = pe_make(&spec, &len);
    struct text t = { 0 };
    struct pe p;

    (void)state;
    memset(file + 0x400, 'A', len - 0x400);
    assert_true(pe_open((struct view){ file, len }, &p));
    assert_false(pe_imports(&p, note, &t));
    text_done(&t);
    free(file);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_nothing_in_it),
        cmocka_unit_test(test_cut_and_changed),
        cmocka_unit_test(test_endless),
    };

    return cmocka_run_group_tests_name("pe", tests, NULL, NULL);
}
