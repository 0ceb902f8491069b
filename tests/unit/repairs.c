/* SPDX-License-Identifier: Apache-2.0 */
/* Each article of the catalogue that can repair something, on a model of the machine that has
 * its cause: the cause is verified, repaired with consent, proved by the operation that
 * failed; and where the operation works no more whatever is done, all is taken back.  Articles
 * that can repair and have no machine here are found. */
#include "check.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "article.h"
#include "catalog.h"
#include "compile.h"
#include "doctor.h"
#include "pattern.h"
#include "runbook.h"
#include "target_mem.h"

#define PLUGINS "C:\\Packages\\Plugins\\Microsoft.Azure.RecoveryServices.VMSnapshot\\"
#define PACKAGE "/var/lib/firn/plugins/Firn.VMSnapshot/1.0.3/"
#define RUNTIME_KEY "HKLM\\SOFTWARE\\Microsoft\\DevDiv\\vc\\Servicing\\12.0\\RuntimeMinimum"

/* ---- machines ---- */

static const struct mem_installer runtime = { .path = PLUGINS "1.0.10\\vcredist2013_x64.exe",
    .needs_service = true, .no_service = 1601,
    .puts = { MEM_SYSTEM32 "msvcr120.dll", MEM_SYSTEM32 "msvcp120.dll" },
    .key = RUNTIME_KEY, .name = "Install" };

static void
without_runtime(struct target *t)
{
    target_mem_service(t, "msiserver", 4);
    target_mem_installer(t, &runtime);
    target_mem_put(t, runtime.path, "installer");
    target_mem_put(t, PLUGINS "1.0.10\\iaasvmprovider.dll", "plug-in");
    target_mem_imports(t, PLUGINS "1.0.10\\iaasvmprovider.dll", "msvcr120.dll");
}

/* One half of the runtime is there. */
static const struct mem_installer other_half = { .path = PLUGINS "1.0.10\\vcredist2013_x64.exe",
    .needs_service = true, .no_service = 1601, .puts = { MEM_SYSTEM32 "msvcp120.dll" },
    .key = RUNTIME_KEY, .name = "Install" };

static void
half_a_runtime(struct target *t)
{
    target_mem_service(t, "msiserver", 3);
    target_mem_installer(t, &other_half);
    target_mem_put(t, other_half.path, "installer");
    target_mem_put(t, MEM_SYSTEM32 "msvcr120.dll", "runtime");
    target_mem_put(t, PLUGINS "1.0.10\\iaasvmprovider.dll", "plug-in");
    target_mem_imports(t, PLUGINS "1.0.10\\iaasvmprovider.dll", "msvcp120.dll");
}

static void
com_disabled(struct target *t)
{
    target_mem_service(t, "msdtc", 3);
    target_mem_service(t, "COMSysApp", 4);
}

static void
coordinator_disabled(struct target *t)
{
    target_mem_service(t, "msdtc", 4);
}

static void
snapshots_disabled(struct target *t)
{
    target_mem_vss(t);
    target_mem_service(t, "VSS", 4);
}

static void
snapshots_hang(struct target *t)
{
    target_mem_vss(t);
    target_mem_hang_vss(t, false);
}

/* It cannot be stopped either: only a restart of the machine helps. */
static void
snapshots_stuck(struct target *t)
{
    target_mem_vss(t);
    target_mem_hang_vss(t, true);
}

static void
own_writer_failed(struct target *t)
{
    target_mem_vss(t);
    target_mem_fail_writer(t, "Registry Writer", false);
}

static void
stop_service(struct target *t, const char *name)
{
    assert_ok(target_service_control(t, name, false, deadline_in_ms(1000)));
}

/* Nor does anything run that needs it. */
static void
no_events(struct target *t)
{
    target_mem_vss(t);
    stop_service(t, "COMSysApp");
    stop_service(t, "SENS");
    target_mem_service(t, "EventSystem", 4);
}

/* A service that others which run need; and one that was stopped by hand. */
static void
needed_writer_failed(struct target *t)
{
    target_mem_vss(t);
    target_mem_needs(t, "SENS", "Winmgmt");
    target_mem_needs(t, "swprv", "Winmgmt");
    target_mem_fail_writer(t, "WMI Writer", false);
}

static void
writer_failed(struct target *t)
{
    target_mem_vss(t);
    target_mem_fail_writer(t, "SqlServerWriter", false);
}

static void
writer_stays_failed(struct target *t)
{
    target_mem_vss(t);
    target_mem_fail_writer(t, "SqlServerWriter", true);
}

static void
library_missing(struct target *t)
{
    target_mem_offer(t, PACKAGE "libx1_1.0_all.deb", "1.0", "/usr/lib/libx.so.1");
    target_mem_put(t, PACKAGE "libx1_1.0_all.deb", "deb");
}

static void
no_client_library(struct target *t)
{
    target_mem_offer(t, "libpq5", "15.8-0", "/usr/lib/libpq.so.5");
}

static void
somebody_installs(struct target *t)
{
    library_missing(t);
    target_mem_busy_ms(t, 90 * 1000);
}

static void
byte_order_mark(struct target *t)
{
    target_mem_put(t, "/etc/backup.conf", "\xef\xbb\xbf[a]\nwords=x\n");
}

static void
agent_is_old(struct target *t)
{
    target_mem_package(t, "qemu-guest-agent", "1:2.8-1");
    target_mem_offer(t, "qemu-guest-agent", "1:7.2+dfsg-7", NULL);
}

static const struct sick {
    const char *code;
    enum action_os os;
    void (*make)(struct target *t);
    const char *variable[3][2];
    /* what was done stays: an older version cannot be had again, and where there was a sign of
     * the product nothing of it is uninstalled */
    bool no_undo;
} sick[] = {
    { "ExtensionVCRedistInstallationFailure", ACTION_WINDOWS, without_runtime, { { 0 } },
        false },
    { "ExtensionRuntimeMismatch", ACTION_WINDOWS, half_a_runtime, { { 0 } }, true },
    { "ComServiceBroken", ACTION_WINDOWS, com_disabled, { { 0 } }, false },
    { "DtcBroken", ACTION_WINDOWS, coordinator_disabled, { { 0 } }, false },
    { "VssServiceBad", ACTION_WINDOWS, snapshots_disabled, { { 0 } }, false },
    { "VssServiceBad", ACTION_WINDOWS, snapshots_hang, { { 0 } }, false },
    { "VssServiceBad", ACTION_WINDOWS, snapshots_stuck, { { 0 } }, false },
    { "VssFailed", ACTION_WINDOWS, own_writer_failed, { { 0 } }, false },
    { "VssFailed", ACTION_WINDOWS, no_events, { { 0 } }, false },
    { "VssWriterBad", ACTION_WINDOWS, writer_failed,
        { { "writer", "SqlServerWriter" }, { "service", "SQLWriter" } }, false },
    { "VssWriterBad", ACTION_WINDOWS, writer_stays_failed,
        { { "writer", "SqlServerWriter" }, { "service", "SQLWriter" } }, false },
    { "VssWriterBad", ACTION_WINDOWS, needed_writer_failed,
        { { "writer", "WMI Writer" }, { "service", "Winmgmt" } }, false },
    { "PluginSharedLibraryMissing", ACTION_LINUX, library_missing,
        { { "library", "libx.so.1" }, { "installer", "libx1_1.0_all.deb" } }, false },
    { "PostgresqlLibraryMissing", ACTION_LINUX, no_client_library,
        { { "why", "it is not there" } }, false },
    { "GuestInstallerBusy", ACTION_LINUX, somebody_installs,
        { { "library", "libx.so.1" }, { "installer", "libx1_1.0_all.deb" } }, false },
    { "FreezeConfigEncoding", ACTION_LINUX, byte_order_mark,
        { { "path", "/etc/backup.conf" } }, false },
    { "GuestAgentOutdated", ACTION_LINUX, agent_is_old, { { "needed", "5.2" } }, true },
};
enum { SICK = sizeof(sick) / sizeof(sick[0]) };

static const char *
variable(void *arg, const char *name)
{
    const struct sick *s = arg;

    for (size_t i = 0; i < 3 && s->variable[i][0] != NULL; i++)
        if (strcmp(s->variable[i][0], name) == 0)
            return s->variable[i][1];
    return strcmp(name, "vm") == 0 ? "model" : NULL;
}

static struct plan *
plan_of(const struct catalog_entry *e, const struct sick *s)
{
    struct article *a = NULL;
    struct plan *p = NULL;

    assert_int_equal(article_parse(e->text, e->text_len, &a), ARTICLE_OK);
    assert_ok(compile_article(a, NULL, &p));
    article_free(a);
    if (s != NULL)
        assert_ok(plan_fill(p, variable, (void *)(uintptr_t)s));
    return p;
}

/* ---- running ---- */

struct operation {
    struct target *t;
    const struct sick *s;
    const struct plan *plan;
    bool never; /* fails whatever is done */
};

/* It works when what its article looks at is well. */
static struct err *
operation(void *arg, struct deadline by, struct err **ret_why)
{
    struct operation *o = arg;
    struct remedy_look l = { 0 };
    const struct err_site at = ERR_SITE;

    *ret_why = NULL;
    assert_ok(remedy_look(o->t, &o->plan->probes[0].action, by, &l));
    bool well = l.state == REMEDY_HOLDS && !o->never;

    remedy_look_done(&l);
    if (!well)
        *ret_why = err_of_data(err_number(o->s->code), &at, variable,
            (void *)(uintptr_t)o->s);
    return NULL;
}

static struct runbook_report *
run(struct operation *o, bool apply, bool never)
{
    const struct runbook_candidate c = { .code = o->s->code, .plan = o->plan };
    const struct runbook_policy policy = { .apply = apply, .retry = operation, .arg = o,
        .consent = 1U << RISK_CONFIG | 1U << RISK_SERVICE | 1U << RISK_INSTALL |
            1U << RISK_RESTART | (never ? 1U << RISK_OVERRIDE : 0U),
        .journals = pattern_folder() };
    struct runbook_report *r = NULL;

    o->never = never;
    assert_ok(runbook_run(o->t, &c, 1, &policy, &r));
    return r;
}

/* For make failures: what the model showed of a code. */
static void
record(const char *code, const char *stage)
{
    const char *path = getenv("FIRN_FAILURES");
    FILE *f = path == NULL ? NULL : fopen(path, "a");

    if (f == NULL)
        return;
    (void)fprintf(f, "%s\t%s\tmodel\n", code, stage);
    (void)fclose(f);
}

static void
begin(struct operation *o, const struct sick *s)
{
    *o = (struct operation){ .s = s, .plan = plan_of(catalog_find(s->code), s) };
    assert_ok(target_mem_new(s->os, "model", &o->t));
    s->make(o->t);
}

static void
end(struct operation *o)
{
    plan_free((struct plan *)(uintptr_t)o->plan);
    target_free(o->t);
}

static void
assert_outcome(const struct sick *s, const struct runbook_report *r, enum runbook_outcome want)
{
    if (r->outcome == want)
        return;
    print_error("%s: %s, not %s (%s)\n", s->code, runbook_outcome_name(r->outcome),
        runbook_outcome_name(want), r->blocked != NULL ? r->blocked : "");
    for (size_t i = 0; i < r->nrows; i++)
        print_error("  %s: %s: %s\n", r->rows[i].action,
            r->rows[i].probe != NULL ? r->rows[i].probe : "",
            r->rows[i].result != NULL ? r->rows[i].result : "");
    assert_int_equal(r->outcome, want);
}

/* A repair starts what its article says; it leaves nothing stopped that ran before. */
static void
assert_all_run_again(struct target *t, const char *before)
{
    auto_free char *lines = strdup(before);
    char *save = NULL, *name;

    assert_non_null(lines);
    for (char *l = strtok_r(lines, "\n", &save); l != NULL; l = strtok_r(NULL, "\n", &save)) {
        bool ran = strncmp(l, "service ", 8) == 0 && strstr(l, " state 1") != NULL;

        name = ran ? strtok(l + 8, " ") : NULL;
        if (ran && !target_mem_runs(t, name))
            print_error("%s runs no more\n", name);
        assert_true(!ran || target_mem_runs(t, name));
    }
}

static void
found_repaired_and_proved(void **state)
{
    (void)state;
    for (size_t i = 0; i < SICK; i++) {
        struct operation o;

        begin(&o, &sick[i]);
        auto_free char *before = target_mem_dump(o.t);
        auto_ptr(runbook_report) look = run(&o, false, false);
        auto_free char *after = target_mem_dump(o.t);

        assert_outcome(&sick[i], look, RUNBOOK_FOUND);
        assert_string_equal(look->cause, sick[i].code);
        assert_string_equal(before, after);
        record(sick[i].code, "verified");
        auto_ptr(runbook_report) r = run(&o, true, false);

        assert_outcome(&sick[i], r, RUNBOOK_REPAIRED);
        if (r->restarts == 0)
            assert_all_run_again(o.t, before);
        assert_true(r->retried);
        assert_null(r->why);
        record(sick[i].code, "repaired");
        record(sick[i].code, "proved");
        auto_ptr(runbook_report) again = run(&o, true, false);

        assert_outcome(&sick[i], again, RUNBOOK_HEALTHY);
        end(&o);
    }
}

static void
what_does_not_help_is_taken_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < SICK; i++) {
        struct operation o;

        begin(&o, &sick[i]);
        auto_free char *before = target_mem_dump(o.t);
        auto_ptr(runbook_report) r = run(&o, true, true);
        auto_free char *after = target_mem_dump(o.t);

        assert_outcome(&sick[i], r, RUNBOOK_ESCALATED);
        if (!sick[i].no_undo) {
            assert_true(r->undone);
            assert_string_equal(before, after);
            record(sick[i].code, "undone");
        }
        end(&o);
    }
}

static bool
can_repair(const struct plan *p)
{
    bool looks = p->nprobes > 0 && !p->probes[0].action.kind->person;

    for (size_t i = 0; looks && i < p->nsteps; i++)
        if (p->steps[i].action.kind->risk != RISK_READ && !p->steps[i].action.kind->person)
            return true;
    return false;
}

static bool
is_here(const char *code)
{
    for (size_t i = 0; i < SICK; i++)
        if (strcmp(sick[i].code, code) == 0)
            return true;
    return false;
}

/* A code may have several machines. */
static size_t
codes_here(void)
{
    size_t n = 0;

    for (size_t i = 0; i < SICK; i++) {
        size_t first = 0;

        while (strcmp(sick[first].code, sick[i].code) != 0)
            first++;
        n += first == i;
    }
    return n;
}

static void
every_repair_is_here(void **state)
{
    size_t repairs = 0;

    (void)state;
    for (size_t i = 0; i < catalog_table_len; i++) {
        struct plan *p = plan_of(&catalog_table[i], NULL);
        bool can = can_repair(p);

        plan_free(p);
        if (!can)
            continue;
        repairs++;
        if (!is_here(catalog_table[i].id))
            print_error("%s repairs something and has no machine here\n", catalog_table[i].id);
        assert_true(is_here(catalog_table[i].id));
    }
    assert_true(repairs >= codes_here());
}

/* ---- a writer's service ---- */

static size_t
facts_of_a_writer(void *arg, const char *code, struct err_arg ret[ERR_MAX_ARGS])
{
    if (strcmp(code, "VssWriterBad") != 0)
        return 0;
    ret[0] = (struct err_arg){ .name = "writer", .str = arg };
    ret[1] = (struct err_arg){ .name = "service", .str = "?" };
    return 2;
}

/* A failure names the writer alone: its service is known, or nothing is restarted. */
static void
a_writers_service_is_known(void **state)
{
    static const struct {
        const char *writer, *service;
    } all[] = { { "SqlServerWriter", "SQLWriter" }, { "system writer", "CryptSvc" },
        { "Registry Writer", "VSS" }, { "NTDS", NULL }, { "?", NULL } };
    struct target *t = NULL;

    (void)state;
    assert_ok(target_mem_new(ACTION_WINDOWS, "model", &t));
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        struct doctor_facts facts = { facts_of_a_writer, (void *)(uintptr_t)all[i].writer };
        struct doctor_causes causes = { 0 };

        assert_ok(doctor_causes(t, "VssWriterBad", NULL, NULL, &facts, &causes));
        const struct plan_step *first = &causes.item[0].plan->steps[0];

        assert_int_equal(plan_step_runs(first), all[i].service != NULL);
        if (all[i].service != NULL)
            assert_string_equal(action_get(&first->action, "service"), all[i].service);
        doctor_causes_done(&causes);
    }
    target_free(t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(found_repaired_and_proved),
        cmocka_unit_test(what_does_not_help_is_taken_back),
        cmocka_unit_test(every_repair_is_here),
        cmocka_unit_test(a_writers_service_is_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
