/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <string.h>

#include "article.h"
#include "catalog.h"
#include "chance.h"
#include "compile.h"
#include "runbook_world.h"
#include "target_mem.h"
#include "text.h"

#define FOLDER "C:\\Packages\\Plugins\\Microsoft.Azure.RecoveryServices.VMSnapshot\\"
#define PROVIDER FOLDER "1.0.10000.0\\iaasvmprovider.dll"
#define KEYS "HKLM\\SOFTWARE\\Microsoft\\BcdrAgentPersistentKeys"
#define RUNTIME_KEY "HKLM\\SOFTWARE\\Microsoft\\DevDiv\\vc\\Servicing\\12.0\\RuntimeMinimum"

static const char *
variable(void *arg, const char *name)
{
    (void)arg;
    return strcmp(name, "library") == 0 ? "libx.so.1" : strcmp(name, "package") == 0 ? "libx1"
                                                                                     : NULL;
}

struct plan *
world_plan(const char *code)
{
    const struct catalog_entry *e = catalog_find(code);
    struct article *a = NULL;
    struct plan *p = NULL;

    assert_non_null(e);
    assert_int_equal(article_parse(e->text, e->text_len, &a), ARTICLE_OK);
    assert_ok(compile_article(a, NULL, &p));
    assert_ok(plan_fill(p, variable, NULL));
    article_free(a);
    return p;
}

/* ---- Windows ---- */

static const uint32_t scripts[][3] = { { 0 }, { 0 }, { 0 }, { 3010 }, { 1641 }, { 1638 },
    { 1603, 0 }, { MEM_HANGS, 0 }, { 1602 }, { 1625 }, { 1619 }, { 1632 }, { 4711, 0 },
    { 1603 }, { MEM_HANGS }, { 0x80070666 }, { 740 }, { 1603, 1603, 0 } };
static const size_t script_lens[] = { 1, 1, 1, 1, 1, 1, 2, 2, 1, 1, 1, 1, 2, 1, 1, 1, 1, 3 };
static const uint32_t no_service[] = { 1601, 1603, 0x80070641, 0x80070422, 1719 };

static void
make_service(struct world *w, uint64_t *s)
{
    struct target *t = w->t;
    uint32_t kind = below(s, 10);

    w->service_was_there = true;
    target_mem_service(t, "msiserver", kind < 3 ? 3 : kind == 3 ? 2 : 4);
    if (kind == 7)
        target_mem_set_number(t, MEM_MSISERVER_KEY, "Start", 3); /* not seen by the manager */
    if (kind == 8) {
        target_mem_remove_service(t, "msiserver");
        w->service_was_there = false;
    }
    if (kind == 9) {
        struct target_service old = { .type = 0x10, .start = 3, .error_control = 1,
            .image = (char[]){ "C:\\evil.exe" }, .account = (char[]){ "LocalSystem" } };

        target_mem_remove_service(t, "msiserver");
        assert_ok(target_service_create(t, "msiserver", &old));
    }
    if (w->service_was_there && below(s, 8) == 0) {
        target_mem_hold_service(t, "msiserver");
        w->service_held = true;
    }
    w->manager_refuses = below(s, 10) == 0;
    if (w->manager_refuses)
        target_mem_refuse_service(t, 5);
    if (below(s, 5) == 0) {
        target_mem_break_msi(t);
        w->broken_registration = true;
    }
}

static void
make_windows(struct world *w, uint64_t *s)
{
    struct target *t = w->t;
    uint32_t script = below(s, sizeof(scripts) / sizeof(scripts[0]));
    struct mem_installer i = { .path = FOLDER "1.0.10000.0\\vcredist2013_x64.exe",
        .needs_service = true, .no_service = no_service[below(s, 5)], .no_database = 1603,
        .nscript = script_lens[script],
        .puts = { MEM_SYSTEM32 "msvcr120.dll", MEM_SYSTEM32 "msvcp120.dll" },
        .key = RUNTIME_KEY, .name = "Install" };

    make_service(w, s);
    memcpy(i.script, scripts[script], sizeof(scripts[script]));
    if (below(s, 12) != 0)
        target_mem_installer(t, &i);
    target_mem_put(t, FOLDER "1.0.9120.0\\vcredist2013_x64.exe", "MZ old");
    target_mem_put(t, FOLDER "junk\\x", "");
    target_mem_put(t, PROVIDER, "MZ");
    target_mem_imports(t, PROVIDER, "msvcr120.dll");
    switch (below(s, 12)) {
    case 0: /* healthy */
        target_mem_put(t, MEM_SYSTEM32 "msvcr120.dll", "MZ");
        target_mem_put(t, MEM_SYSTEM32 "msvcp120.dll", "MZ");
        target_mem_set_number(t, RUNTIME_KEY, "Install", 1);
        break;
    case 1: /* there, and does not load */
        target_mem_put(t, MEM_SYSTEM32 "msvcr120.dll", "MZ bad");
        target_mem_break_library(t, "msvcr120.dll", below(s, 2) == 0 ? 193 : 127);
        w->product_was_there = true;
        break;
    case 2: /* the key outlived the file */
        w->product_was_there = true;
        target_mem_set_number(t, RUNTIME_KEY, "Install", 1);
        break;
    case 3: /* a private copy beside the plug-in */
        target_mem_put(t, FOLDER "1.0.10000.0\\msvcr120.dll", "MZ");
        break;
    default:
        break;
    }
    if (below(s, 8) == 0)
        target_mem_set_text(t, KEYS, "IsVCRedistInstalled", "True");
    if (below(s, 6) == 0)
        target_mem_busy_ms(t, below(s, 3) == 0 ? 3600 * 1000 : 90 * 1000);
    if (below(s, 8) == 0)
        target_mem_want_restart(t);
}

/* ---- Linux ---- */

static void
make_linux(struct world *w, uint64_t *s)
{
    struct target *t = w->t;
    static const uint32_t codes[][2] = { { 0, 0 }, { 0, 0 }, { 0, 0 }, { 100, 0 },
        { 100, 100 }, { MEM_HANGS, 0 } };

    target_mem_put(t, "/var/lib/firn/plugins/P/1.0/plugin.so", "ELF");
    target_mem_imports(t, "plugin.so", "libx.so.1");
    if (below(s, 8) != 0)
        target_mem_offer(t, "libx1", "1.2-3", "/usr/lib/libx.so.1");
    target_mem_package_script(t, codes[below(s, 6)], 2);
    if (below(s, 3) == 0)
        target_mem_interrupt_packages(t);
    if (below(s, 6) == 0)
        target_mem_busy_ms(t, below(s, 3) == 0 ? 3600 * 1000 : 90 * 1000);
    target_mem_unit(t, "packagekit.service",
        below(s, 6) == 0 ? UNIT_MASKED : UNIT_ENABLED, false);
    target_mem_packages_need_unit(t, "packagekit.service");
    switch (below(s, 8)) {
    case 0:
        target_mem_put(t, "/usr/lib/libx.so.1", "ELF");
        break;
    case 1: /* installed by a package of another name, and broken */
        target_mem_put(t, "/usr/lib/libx.so.1", "ELF 32");
        target_mem_break_library(t, "libx.so.1", TARGET_LOAD_CLASS);
        break;
    default:
        break;
    }
}

void
world_make(struct world *w, enum action_os os, uint64_t seed)
{
    static const unsigned consents[] = { ~0U, ~0U, ~0U, ~0U, 0,
        1U << RISK_CONFIG | 1U << RISK_SERVICE, 1U << RISK_SERVICE | 1U << RISK_INSTALL,
        1U << RISK_SERVICE | 1U << RISK_INSTALL | 1U << RISK_RESTART, 1U << RISK_INSTALL,
        1U << RISK_INSTALL | 1U << RISK_OVERRIDE, 1U << RISK_OVERRIDE };
    uint64_t s = seed * 2 + (os == ACTION_LINUX);
    uint32_t how;

    *w = (struct world){ .os = os };
    w->code = os == ACTION_WINDOWS ? "ExtensionVCRedistInstallationFailure"
                                   : "PluginSharedLibraryMissing";
    w->plan = world_plan(w->code);
    assert_ok(target_mem_new(os, "model", &w->t));
    if (os == ACTION_WINDOWS)
        make_windows(w, &s);
    else
        make_linux(w, &s);
    how = below(&s, 12);
    w->operation = how < 8 ? OP_CHECKS : how < 10 ? OP_WRONG_CHECK : how == 10 ? OP_NEVER
                                                                                : OP_OTHER;
    w->consent = consents[below(&s, sizeof(consents) / sizeof(consents[0]))];
    w->order = below(&s, 3) == 0 ? RUNBOOK_ARTICLE : RUNBOOK_SAFE;
    how = below(&s, 16);
    w->machine_dies = how == 0;
    target_mem_restart_is(w->t, how == 0 ? MEM_RESTART_NEVER_BACK
            : how == 1 ? MEM_RESTART_SAME_BOOT : MEM_RESTARTS);
}

void
world_done(struct world *w)
{
    plan_free(w->plan);
    target_free(w->t);
    *w = (struct world){ 0 };
}

/* ---- what is so ---- */

static bool
loads(struct target *t, const char *library)
{
    struct target_load l = { 0 };

    assert_ok(target_load(t, library, deadline_in_ms(1000), &l));
    bool yes = l.loads;

    target_load_done(&l);
    return yes;
}

bool
world_loads(struct world *w)
{
    return loads(w->t, w->os == ACTION_WINDOWS ? "msvcr120.dll" : "libx.so.1");
}

bool
world_override_is_set(struct world *w)
{
    struct target_value v = { 0 };
    bool found = false;

    if (w->os == ACTION_WINDOWS)
        assert_ok(target_reg_get(w->t, KEYS, "IsVCRedistInstalled", &v, &found));
    target_value_done(&v);
    return found;
}

bool
world_service_exists(struct world *w)
{
    struct target_service v = { 0 };
    bool found;

    if (w->os == ACTION_LINUX)
        return true;
    assert_ok(target_service_get(w->t, "msiserver", &v, &found));
    target_service_done(&v);
    return found;
}

static bool
plugin_loads(struct world *w)
{
    return loads(w->t, w->os == ACTION_WINDOWS ? PROVIDER
                                               : "/var/lib/firn/plugins/P/1.0/plugin.so");
}

bool
world_works(struct world *w)
{
    bool check = w->operation != OP_WRONG_CHECK && world_loads(w);

    return w->operation != OP_NEVER && w->operation != OP_OTHER &&
        (check || world_override_is_set(w)) && plugin_loads(w);
}

struct err *
world_retry(void *arg, struct deadline by, struct err **ret_why)
{
    struct world *w = arg;

    (void)by;
    *ret_why = NULL;
    if (world_works(w))
        return NULL;
    if (w->operation == OP_OTHER && plugin_loads(w))
        *ret_why = fail(VssWriterBad, "model", "Registry Writer", "none");
    else if (w->os == ACTION_WINDOWS)
        *ret_why = fail(ExtensionVCRedistInstallationFailure, "model", "VC++ 2013", 1601);
    else
        *ret_why = fail(PluginSharedLibraryMissing, "model", "plugin.so", "libx.so.1", "libx1");
    return NULL;
}

char *
world_dump(struct world *w)
{
    auto_free char *all = NULL;
    struct text kept = { 0 };
    char *save = NULL;

    target_mem_restart_is(w->t, MEM_RESTARTS);
    assert_ok(target_restart(w->t, deadline_in_ms(1000)));
    all = target_mem_dump(w->t);
    for (char *line = strtok_r(all, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save))
        if (strncmp(line, "interrupted", 11) != 0)
            text_fmt(&kept, "%s\n", line);
    return kept.s;
}
