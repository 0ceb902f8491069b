/* SPDX-License-Identifier: Apache-2.0 */
/* A machine that is well must not be told a cause, however it is set up; one that has a fault
 * is told that one and no other.  All articles of the catalogue are looked at. */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog.h"
#include "doctor.h"
#include "target_mem.h"

#define PLUGIN \
    "C:\\Packages\\Plugins\\Microsoft.Azure.RecoveryServices.VMSnapshot\\1.0.9120.0\\"
#define VSSADMIN MEM_SYSTEM32 "vssadmin.exe"
#define WRITERS(state) "Writer name: 'System Writer'\r\n   State: [1] Stable\r\n" \
    "Writer name: 'Registry Writer'\r\n   State: [" state "] ...\r\n"

enum extension { NO_EXTENSION, WHOLE, NO_RUNTIME, MISMATCH };

struct setup {
    uint32_t msdtc, comsysapp, vss; /* start types */
    const char *writers;
    uint32_t vssadmin; /* how it ends */
    enum extension extension;
    const char *cause; /* NULL: it is well */
};

static void
make_extension(struct target *t, enum extension e)
{
    if (e == NO_EXTENSION)
        return;
    target_mem_put(t, PLUGIN "iaasvmprovider.dll", "MZ");
    target_mem_put(t, PLUGIN "vcredist2013_x64.exe", "MZ");
    target_mem_imports(t, PLUGIN "iaasvmprovider.dll", "msvcr120.dll");
    if (e == NO_RUNTIME)
        return;
    target_mem_put(t, MEM_SYSTEM32 "msvcr120.dll", "MZ");
    target_mem_put(t, MEM_SYSTEM32 "msvcp120.dll", "MZ");
    if (e == MISMATCH)
        target_mem_break_library(t, PLUGIN "iaasvmprovider.dll", 127);
}

static struct target *
machine(const struct setup *s)
{
    struct target *t = NULL;

    assert_ok(target_mem_new(ACTION_WINDOWS, "model", &t));
    target_mem_service(t, "MSDTC", s->msdtc);
    target_mem_service(t, "COMSysApp", s->comsysapp);
    target_mem_service(t, "VSS", s->vss);
    target_mem_service(t, "msiserver", 3);
    target_mem_program(t, VSSADMIN, s->vssadmin, s->writers);
    make_extension(t, s->extension);
    return t;
}

/* Does looking by this code (NULL: by all) name a cause? */
static struct runbook_report *
examine(struct target *t, const char *code)
{
    struct runbook_policy p = { .apply = false };
    struct doctor_causes causes = { 0 };
    struct runbook_report *r = NULL;

    assert_ok(doctor_causes(t, code, NULL, NULL, NULL, &causes));
    assert_ok(runbook_run(t, causes.item, causes.n, &p, &r));
    for (size_t i = 0; i < r->nrows; i++)
        r->rows[i].step = NULL; /* what it borrows goes now */
    doctor_causes_done(&causes);
    return r;
}

static void
a_machine_that_is_well(void **state)
{
    static const uint32_t starts[] = { 2, 3 };
    static const char *const writers[] = { WRITERS("1"), WRITERS("5"), WRITERS("2") };
    static const enum extension extensions[] = { NO_EXTENSION, WHOLE };
    unsigned step = getenv("FIRN_SLOW_BUILD") != NULL ? 11 : 1, n = 0;
    size_t ruled_out = 0, open = 0;

    (void)state;
    for (unsigned i = 0; i < 2 * 2 * 2 * 3 * 2; i += step, n++) {
        const struct setup s = { starts[i & 1], starts[i >> 1 & 1], starts[i >> 2 & 1],
            writers[i / 8 % 3], 0, extensions[i / 24], NULL };
        auto_ptr(target) t = machine(&s);
        auto_ptr(runbook_report) r = examine(t, NULL);

        if (r->cause != NULL)
            print_error("%u: %s: %s\n", i, r->cause, r->observed);
        assert_null(r->cause);
        assert_int_equal(r->outcome, RUNBOOK_HEALTHY);
        ruled_out += r->nruled_out;
        open += r->nnot_looked_at;
        for (size_t c = 0; c < catalog_table_len; c++) {
            auto_ptr(runbook_report) one = examine(t, catalog_table[c].id);

            if (one->cause != NULL)
                print_error("%u: %s: %s\n", i, one->cause, one->observed);
            assert_null(one->cause);
        }
    }
    print_message("# ruled out %zu, not looked at %zu\n", ruled_out, open);
    assert_true(ruled_out > n * 4 && open > 0);
}

static void
each_fault_is_named(void **state)
{
    static const struct setup setups[] = {
        { 4, 3, 3, WRITERS("1"), 0, WHOLE, "DtcBroken" },
        { 3, 4, 3, WRITERS("1"), 0, WHOLE, "ComServiceBroken" },
        { 3, 3, 3, "", 2, WHOLE, "VssServiceBad" },
        { 3, 3, 3, WRITERS("8"), 0, WHOLE, "VssFailed" },
        { 3, 3, 3, WRITERS("1"), 0, NO_RUNTIME, "ExtensionVCRedistInstallationFailure" },
        { 3, 3, 3, WRITERS("1"), 0, MISMATCH, "ExtensionRuntimeMismatch" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(setups) / sizeof(setups[0]); i++) {
        auto_ptr(target) t = machine(&setups[i]);
        auto_ptr(runbook_report) r = examine(t, setups[i].cause);
        auto_ptr(runbook_report) all = examine(t, NULL);

        assert_non_null(r->cause);
        assert_string_equal(r->cause, setups[i].cause);
        assert_int_equal(r->outcome, RUNBOOK_FOUND);
        assert_non_null(all->cause);
        for (size_t c = 0; c < catalog_table_len; c++) { /* and no other, but for VSS' own */
            auto_ptr(runbook_report) one = examine(t, catalog_table[c].id);
            bool same = one->cause == NULL || strcmp(one->cause, setups[i].cause) == 0 ||
                (setups[i].vssadmin != 0 && strcmp(one->cause, "VssFailed") == 0);

            if (!same)
                print_error("%s is told as %s: %s\n", setups[i].cause, one->cause,
                    one->observed);
            assert_true(same);
        }
    }
}

/* What an article takes for granted is looked at first, and is what rules it out. */
static void
a_premise_rules_out(void **state)
{
    const struct setup s = { 3, 3, 3, WRITERS("1"), 0, NO_EXTENSION, NULL };
    auto_ptr(target) t = machine(&s);
    auto_ptr(runbook_report) r = examine(t, "ExtensionVCRedistInstallationFailure");

    (void)state;
    assert_int_equal(r->outcome, RUNBOOK_HEALTHY);
    assert_int_equal(r->nruled_out, 1);
    assert_non_null(strstr(r->ruled_out[0].probe, "file.exists"));
    assert_string_equal(r->ruled_out[0].observed, "it is not there");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_machine_that_is_well),
        cmocka_unit_test(each_fault_is_named),
        cmocka_unit_test(a_premise_rules_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
