/* SPDX-License-Identifier: Apache-2.0 */
/* plan_rows.h -- tables of what firn reads in a text: the text of some steps, and the plan of
 * those that run. */
#ifndef PLAN_ROWS_H
#define PLAN_ROWS_H

#include "plan_text.h"

struct row {
    const char *text, *plan;
    const char *ambiguity; /* must be there; NULL: not asked */
};

/* Every row is tried, so that one run shows all that is wrong. */
static inline void
check_rows(const struct row *rows, size_t n)
{
    size_t wrong = 0;

    for (size_t i = 0; i < n; i++) {
        auto_ptr(plan) p = plan_of_body(rows[i].text);
        auto_free char *text = plan_text(p, true);

        if (strcmp(text, rows[i].plan) != 0) {
            print_error("# %s\n#   gives    %s\n#   and not  %s\n", rows[i].text, text,
                rows[i].plan);
            wrong++;
        } else if (rows[i].ambiguity != NULL && !plan_has(p, rows[i].ambiguity)) {
            print_error("# %s\n#   lacks %s\n", rows[i].text, rows[i].ambiguity);
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
}
#define CHECK(rows) check_rows(rows, sizeof rows / sizeof rows[0])

#endif
