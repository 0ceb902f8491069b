/* SPDX-License-Identifier: Apache-2.0 */
/* Armour: what is put on comes off, every byte is covered, and parity gives back what the
 * page says it does, in objects of every shape. */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "armour.h"
#include "seal.h"

static const struct vault_key vault = { { 1, 2, 3 } };
static const size_t sizes[] = { 1, 511, 512, 513, 51200, 51201, 65535, 65536, 70000, 409600,
    409601, 1500000 };
enum { NSIZES = sizeof(sizes) / sizeof(sizes[0]) };

static uint8_t *
object_of(size_t body_len, uint8_t **ret_body, size_t *ret_len)
{
    uint8_t *object = NULL;

    *ret_body = malloc(body_len);
    assert_non_null(*ret_body);
    for (size_t i = 0; i < body_len; i++)
        (*ret_body)[i] = (uint8_t)(i * 31 + (i >> 9) * 7 + 1);
    assert_ok(armour_wrap(KIND_POINT, &vault, *ret_body, body_len, &object, ret_len));
    return object;
}

static void
comes_off(const uint8_t *object, size_t len, const uint8_t *body, size_t body_len)
{
    struct view got;

    assert_ok(armour_take_off("x", object, len, KIND_POINT, &vault, &got));
    assert_int_equal(got.len, body_len);
    assert_memory_equal(got.data, body, body_len);
}

static void
what_is_put_on_comes_off(void **state)
{
    (void)state;
    for (int i = 0; i < NSIZES; i++) {
        uint8_t *body;
        size_t len;
        uint8_t *object = object_of(sizes[i], &body, &len);

        comes_off(object, len, body, sizes[i]);
        free(object);
        free(body);
    }
}

static void
another_kind_or_vault_is_foreign(void **state)
{
    const struct vault_key other = { { 9 } };
    uint8_t *body;
    size_t len;
    uint8_t *object = object_of(1000, &body, &len);
    struct view got;

    (void)state;
    assert_fails(armour_take_off("x", object, len, KIND_RUN, &vault, &got), E_ObjectForeign);
    assert_fails(armour_take_off("x", object, len, KIND_POINT, &other, &got), E_ObjectForeign);
    free(object);
    free(body);
}

/* Flip one byte anywhere: it is found and mended to what it was. */
static void
flip_and_mend(size_t body_len, size_t step)
{
    uint8_t *body;
    size_t len;
    uint8_t *object = object_of(body_len, &body, &len);
    struct view got;

    for (size_t at = 0; at < len; at += step) {
        uint32_t mended = 0;
        bool ok = false;

        object[at] ^= 0x40;
        assert_fails(armour_take_off("x", object, len, KIND_POINT, &vault, &got),
            E_ObjectDamaged);
        assert_ok(armour_mend(object, len, &mended, &ok));
        assert_true(ok);
        comes_off(object, len, body, body_len);
    }
    free(object);
    free(body);
}

static void
every_byte_of_a_small_object_is_covered_and_mends(void **state)
{
    (void)state;
    flip_and_mend(700, 1);
}

static void
bytes_of_a_large_object_are_covered_and_mend(void **state)
{
    (void)state;
    flip_and_mend(500000, 3331);
}

/* A run of bad cells as long as two whole rows of columns mends; one cell more in a column
 * does not. */
static void
runs_up_to_the_limit_mend(void **state)
{
    struct armour_shape s;
    uint8_t *body;
    size_t len;
    uint8_t *object = object_of(1500000, &body, &len);
    uint32_t mended;
    bool ok;

    (void)state;
    assert_true(armour_shape(1500000, &s));
    size_t limit = (size_t)ARMOUR_PARITY * s.columns * s.cell;
    for (size_t first = 0; first + limit <= (size_t)s.ncells * s.cell; first += 7 * s.cell) {
        memset(object + s.body_off + first, 0xee, limit);
        assert_ok(armour_mend(object, len, &mended, &ok));
        assert_true(ok);
        comes_off(object, len, body, 1500000);
    }
    memset(object + s.body_off, 0xee, limit + 1);
    assert_ok(armour_mend(object, len, &mended, &ok));
    assert_false(ok);
    free(object);
    free(body);
}

/* Two bad cells in every column, wherever they are. */
static void
scattered_cells_mend(void **state)
{
    struct armour_shape s;
    uint8_t *body;
    size_t len;
    uint8_t *object = object_of(1500000, &body, &len);
    uint32_t mended;
    bool ok;

    (void)state;
    assert_true(armour_shape(1500000, &s));
    for (uint32_t column = 0; column < s.columns; column++) {
        uint32_t one = column * 17 % (s.k - 1), two = (one + 1 + column * 5 % (s.k - 2)) %
            (s.k - 1);

        object[s.body_off + ((size_t)one * s.columns + column) * s.cell + 5] ^= 1;
        object[s.body_off + ((size_t)two * s.columns + column) * s.cell + 9] ^= 1;
    }
    assert_ok(armour_mend(object, len, &mended, &ok));
    assert_true(ok);
    comes_off(object, len, body, 1500000);
    free(object);
    free(body);
}

/* A file that was cut short or grew gets its length from the head or tail that is left. */
static void
lost_ends_mend(void **state)
{
    uint8_t *body;
    size_t len;
    uint8_t *object = object_of(1500000, &body, &len);
    uint64_t is = 0;
    uint32_t mended;
    bool ok;

    (void)state;
    for (size_t cut = 1; cut < 9000; cut += 1111) {
        assert_true(armour_true_len(object, len - cut, &is));
        assert_int_equal(is, len);
        memset(object + len - cut, 0, cut);
        assert_ok(armour_mend(object, len, &mended, &ok));
        assert_true(ok);
        comes_off(object, len, body, 1500000);
    }
    memset(object, 0, 2000);
    assert_true(armour_true_len(object, len, &is));
    assert_int_equal(is, len);
    assert_ok(armour_mend(object, len, &mended, &ok));
    assert_true(ok);
    comes_off(object, len, body, 1500000);
    free(object);
    free(body);
}

static void
a_newer_format_is_told_apart_from_damage(void **state)
{
    uint8_t *body;
    size_t len;
    uint8_t *object = object_of(100, &body, &len);
    struct view got;
    struct armour_head h;
    bool newer;

    (void)state;
    object[8] = 2; /* the version; its checksum is wrong now, so this is damage */
    assert_false(armour_head_read(object, &h, &newer));
    assert_false(newer);
    assert_fails(armour_take_off("x", object, len, KIND_POINT, &vault, &got), E_ObjectDamaged);
    free(object);
    free(body);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_on_comes_off),
        cmocka_unit_test(another_kind_or_vault_is_foreign),
        cmocka_unit_test(every_byte_of_a_small_object_is_covered_and_mends),
        cmocka_unit_test(bytes_of_a_large_object_are_covered_and_mend),
        cmocka_unit_test(runs_up_to_the_limit_mend),
        cmocka_unit_test(scattered_cells_mend),
        cmocka_unit_test(lost_ends_mend),
        cmocka_unit_test(a_newer_format_is_told_apart_from_damage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
