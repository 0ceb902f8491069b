/* SPDX-License-Identifier: Apache-2.0 */
/* How something is set up is no remedy, wherever the same words would be one. */
#include "check.h"

#include "plan_rows.h"

#define STEP "1. Run `systemctl restart smbd`.\n"
#define PLAN "[always] linux.unit.state unit=smbd want=restarted\n"

/* Texts without the header of self-help. */
static const struct row setups[] = {
    { "# Install and configure components\n\n" STEP, "", "no-remedy" },
    { "# Demo\n\n## Set up the service\n\n" STEP, "", "no-remedy" },
    { "# Installation\n\n## Restart the service\n\n" STEP, "", "no-remedy" },
    { "# Getting started\n\nYou need 2 GiB of memory.\n\n" STEP, "", "no-remedy" },
};

static const struct row remedies[] = {
    { STEP, PLAN, NULL },
    { "# Restart the service\n\n" STEP, PLAN, NULL },
    { "# Set the value\n\n" STEP, PLAN, NULL },
    { "# The backup fails with error 5\n\n## Install the agent\n\n" STEP, PLAN, NULL },
    { "# Demo\n\n## Resolution\n\n### Configure the service\n\n" STEP, PLAN, NULL },
    { "# Configure the daemon\n\nThe agent cannot connect.\n\n" STEP, PLAN, NULL },
    { "The agent is not ready.\n\n# Upgrade the agent\n\n" STEP, PLAN, NULL },
    /* a section of its own beside the set-up */
    { "# Demo\n\n## Installation\n\nUnpack it.\n\n## Restart the service\n\n" STEP, PLAN,
        NULL },
};

static void
check_bare(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        auto_ptr(plan) p = plan_of(rows[i].text, strlen(rows[i].text));
        auto_free char *text = plan_text(p, true);

        if (strcmp(text, rows[i].plan) != 0)
            print_error("row %zu\n", i + 1);
        assert_string_equal(text, rows[i].plan);
        assert_true(rows[i].ambiguity == NULL || plan_has(p, rows[i].ambiguity));
    }
}

static void
a_set_up_is_for_a_person(void **state)
{
    (void)state;
    check_bare(setups, sizeof setups / sizeof setups[0]);
}

static void
with_the_header_it_is_always_a_remedy(void **state)
{
    static const struct row rows[] = { { "## Install the service\n\n" STEP, PLAN, NULL } };

    (void)state;
    CHECK(rows);
}

static void
what_went_wrong_makes_it_a_remedy(void **state)
{
    (void)state;
    check_bare(remedies, sizeof remedies / sizeof remedies[0]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_set_up_is_for_a_person),
        cmocka_unit_test(what_went_wrong_makes_it_a_remedy),
        cmocka_unit_test(with_the_header_it_is_always_a_remedy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
