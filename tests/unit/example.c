/* SPDX-License-Identifier: Apache-2.0 */
/* The example object of firn-vault(5), EXAMPLE: its bytes, as the page prints them, are what
 * armour makes of its body, and they are taken off again. */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "armour.h"
#include "keys_format.h"

enum { OBJECT_MAX = 4096 };

/* Lines such as "0040  ee 70 ..." between two marks; bytes that stand in none of them are
 * zeros.  The first mark has the length. */
static size_t
read_page(uint8_t to[OBJECT_MAX])
{
    FILE *page = fopen("docs/firn-vault.5", "r");
    char line[256];
    bool inside = false;
    size_t len = 0;

    assert_non_null(page);
    memset(to, 0, OBJECT_MAX);
    while (fgets(line, sizeof(line), page) != NULL) {
        unsigned at = 0, n = 0;
        int used = 0;

        if (sscanf(line, ".\\\" example of %u bytes", &n) == 1) {
            inside = true;
            len = n;
        } else if (strncmp(line, ".\\\" end of the example", 22) == 0) {
            inside = false;
        } else if (inside && sscanf(line, "%4x  %n", &at, &used) == 1 && used > 4) {
            unsigned byte = 0;
            int step = 0;

            for (const char *s = line + used; sscanf(s, "%2x%n", &byte, &step) == 1; s += step)
                to[at++] = (uint8_t)byte;
            assert_true(at <= OBJECT_MAX);
        }
    }
    assert_int_equal(fclose(page), 0);
    return len;
}

static void
the_page_is_right(void **state)
{
    uint8_t page[OBJECT_MAX], *object = NULL;
    struct revoked_body r = { .last_seq = 7 };
    uint8_t body[REVOKED_BODY];
    struct vault_key vault;
    struct view found;
    size_t len = 0;

    (void)state;
    for (uint8_t i = 0; i < 16; i++) {
        vault.b[i] = (uint8_t)(0xa0 + i);
        r.writer.b[i] = (uint8_t)(0x10 + i);
        r.last.b[i] = (uint8_t)(0x20 + i);
    }
    for (uint8_t i = 0; i < SEAL_SIGNATURE; i++)
        r.signature[i] = (uint8_t)(0x40 + i);
    revoked_encode(&r, body);
    assert_ok(armour_wrap(KIND_REVOKED, &vault, body, sizeof(body), &object, &len));
    if (getenv("FIRN_SHOW") != NULL)
        for (size_t i = 0; i < len; i++)
            print_message("%s%02x", i % 16 == 0 ? "\n" : " ", object[i]);
    assert_int_equal(read_page(page), len);
    assert_memory_equal(page, object, len);
    assert_ok(armour_take_off("example", page, len, KIND_REVOKED, &vault, &found));
    assert_int_equal(found.len, sizeof(body));
    assert_memory_equal(found.data, body, sizeof(body));
    free(object);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_is_right),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
