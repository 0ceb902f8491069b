/* SPDX-License-Identifier: Apache-2.0 */
/* Changes to a hive by a firn that was built without libhivex: what is as asked for already
 * stays, anything else is refused by its code. */
#include "check.h"

#include <stdlib.h>

#include "hive_edit.h"
#include "hive_maker.h"

static void
only_what_is_there_already(void **state)
{
    static uint8_t three[4] = { 3 };
    const struct hive_edit set = { HIVE_SET, "a\\b", "x", { TARGET_REG_DWORD, three, 4 } };
    const struct hive_edit gone = { HIVE_DELETE, "a\\b", "y", { 0 } };
    uint8_t *file, *ret = NULL;
    size_t len, ret_len = 0;
    bool changed = true;
    unsigned line;
    struct regf r;

    (void)state;
    assert_true(hive_make("[a\\b]\nx = dword:4\n", "SYSTEM", &file, &len, &line));
    const struct view all = { file, len };
    assert_ok(regf_open(all, "SYSTEM", &r));
    assert_ok(hive_edit(all, &r, &gone, 1, &ret, &ret_len, &changed));
    assert_false(changed);
    assert_fails(hive_edit(all, &r, &set, 1, &ret, &ret_len, &changed), E_HiveSupportMissing);
    assert_null(ret);
    free(file);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_is_there_already),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
