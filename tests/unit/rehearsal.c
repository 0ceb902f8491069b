/* SPDX-License-Identifier: Apache-2.0 */
/* What the findings of a rehearsal come to.  (That they are found: tests/e2e/rehearsal.sh and
 * rehearsal_guest.sh.) */
#include "check.h"

#include <stdlib.h>

#include "codes.h"
#include "rehearsal_internal.h"

/* A guest can have more file systems than a table has rows. */
static void
what_has_no_row_counts(void **state)
{
    struct rehearsal *out = calloc(1, sizeof(*out));
    struct rehearsing r = { .out = out, .look = "mounts" };

    (void)state;
    out->rows = calloc(REHEARSAL_ROWS_MAX, sizeof(*out->rows));
    for (unsigned i = 0; i < REHEARSAL_ROWS_MAX; i++)
        assert_ok(rehearsing_say(&r, REHEARSAL_WEAKER,
            fail(MountNotFrozen, "web1", "/stick", "vfat"), "/stick is not held still"));
    assert_ok(rehearsing_say(&r, REHEARSAL_WEAKER, NULL, "one more"));
    assert_ok(rehearsing_say(&r, REHEARSAL_FAILS, fail(GuestLeftFrozen, "web1"), "the end"));
    assert_ok(rehearsing_say(&r, REHEARSAL_OK, NULL, "nothing"));
    assert_int_equal(out->n, REHEARSAL_ROWS_MAX);
    assert_int_equal(out->weaker, REHEARSAL_ROWS_MAX + 1);
    assert_int_equal(out->fails, 1);
    assert_true(rehearsing_told(&r, E_MountNotFrozen));
    rehearsal_free(out);
}

static void
a_level_that_cannot_be_had(void **state)
{
    static const struct {
        const char *asked;
        enum vault_consistency level;
        enum rehearsal_result is;
    } cases[] = {
        { NULL, VAULT_APPLICATION, REHEARSAL_WEAKER },
        { NULL, VAULT_FILESYSTEM, REHEARSAL_WEAKER },
        { "crash", VAULT_APPLICATION, REHEARSAL_OK },
        { "crash", VAULT_FILESYSTEM, REHEARSAL_OK },
        { "filesystem,crash", VAULT_APPLICATION, REHEARSAL_OK },
        { "filesystem,crash", VAULT_FILESYSTEM, REHEARSAL_WEAKER },
        { "filesystem", VAULT_FILESYSTEM, REHEARSAL_FAILS },
        { "application,filesystem", VAULT_APPLICATION, REHEARSAL_WEAKER },
        { "application", VAULT_FILESYSTEM, REHEARSAL_FAILS },
        { "application", VAULT_APPLICATION, REHEARSAL_FAILS },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct job_backup o = { .consistency = cases[i].asked };
        const struct rehearsing r = { .o = &o };

        print_message("# case %zu\n", i);
        assert_int_equal(rehearsing_without(&r, cases[i].level), cases[i].is);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_has_no_row_counts),
        cmocka_unit_test(a_level_that_cannot_be_had),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
