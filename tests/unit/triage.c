/* SPDX-License-Identifier: Apache-2.0 */
/* An operation that fails for one reason after another: each is a cause of its own, at most
 * three have a turn, none has two, consent and budgets are those of the whole run, what did not
 * help is undone, what helped stays, and "repaired" is said only of what works. */
#include "check.h"

#include <stdio.h>
#include <string.h>

#include "article.h"
#include "chance.h"
#include "compile.h"
#include "journals.h"
#include "runbook.h"
#include "target_fault.h"
#include "target_mem.h"
#include "text.h"

enum { CAUSES = 6 };

#define KEY(i) "HKLM\\SOFTWARE\\Test\\C" #i

static const char *const codes[CAUSES] = { "VssServiceBad", "DtcBroken", "ComServiceBroken",
    "VssFailed", "GuestMemoryShort", "ComMemoryQuota" };
static const char *const keys[CAUSES] = { KEY(0), KEY(1), KEY(2), KEY(3), KEY(4), KEY(5) };

static const char *const installers[CAUSES] = { "C:\\i\\0.exe", "C:\\i\\1.exe",
    "C:\\i\\2.exe", "C:\\i\\3.exe", "C:\\i\\4.exe", "C:\\i\\5.exe" };

/* What the article of a cause does about it. */
enum remedy { SETS, SETS_ANOTHER, INSTALLS, INSTALLER_FAILS, RESTARTS, OVERRIDES, NO_PROBE,
    REMEDIES };

struct chain {
    struct target *t;
    struct plan *plan[CAUSES];
    struct runbook_candidate item[CAUSES];
    enum remedy remedy[CAUSES];
    bool bad_before[CAUSES];
    bool has_plan[CAUSES]; /* .find knows it */
    size_t order[CAUSES];  /* in which the operation meets them */
    bool wraps;            /* the code is the reason of another failure */
    bool whims;            /* the operation fails by chance, whatever is so */
    uint64_t chance;
    unsigned consent;
    struct kill_at kill;
};

/* ---- articles and machines ---- */

static void
step(struct text *t, const char *when, const char *action)
{
    text_fmt(t, "* Do it.\n\n  ```action %s\n  %s\n  ```\n\n", when, action);
}

static struct plan *
article_of(size_t i, enum remedy how)
{
    struct text t = { 0 };
    struct article *a = NULL;
    struct plan *p = NULL;
    char line[512];

    text_fmt(&t, "<properties\n pageTitle=\"%s\"\n/>\n# %s\n\n", codes[i], codes[i]);
    if (how != NO_PROBE)
        text_fmt(&t, "## **Probe**\n\n* Is it so?\n\n  ```probe\n  windows.registry.is key=%s "
                     "name=Good data=1\n  ```\n\n", keys[i]);
    text_str(&t, "## **Recommended Steps**\n\n");
    (void)snprintf(line, sizeof(line), "windows.registry.set key=%s name=Tried type=dword "
                                       "data=%zu", keys[i], i);
    if (how != NO_PROBE)
        step(&t, "", line);
    (void)snprintf(line, sizeof(line), "windows.registry.set key=%s name=Good type=dword "
                                       "data=1", keys[i]);
    if (how == SETS || how == RESTARTS)
        step(&t, "", line);
    (void)snprintf(line, sizeof(line), "windows.installer.run path=%s", installers[i]);
    if (how == INSTALLS || how == INSTALLER_FAILS)
        step(&t, "", line);
    if (how == RESTARTS || how == INSTALLER_FAILS)
        step(&t, "", "machine.restart");
    (void)snprintf(line, sizeof(line), "override.set key=%s name=Skip type=sz data=True",
        keys[i]);
    if (how == OVERRIDES)
        step(&t, "", line);
    if (how == NO_PROBE)
        text_str(&t, "* Ask who knows.\n");
    assert_int_equal(article_parse(t.s, t.len, &a), ARTICLE_OK);
    assert_ok(compile_article(a, NULL, &p));
    article_free(a);
    text_done(&t);
    return p;
}

static void
shuffle(struct chain *w, uint64_t *s)
{
    for (size_t i = 0; i < CAUSES; i++)
        w->order[i] = i;
    for (size_t i = CAUSES; i > 1; i--) {
        size_t j = below(s, (uint32_t)i), keep = w->order[j];

        w->order[j] = w->order[i - 1];
        w->order[i - 1] = keep;
    }
}

static void
chain_make(struct chain *w, uint64_t seed, enum remedy most)
{
    uint64_t s = seed * 2 + 1;

    *w = (struct chain){ .chance = seed };
    assert_ok(target_mem_new(ACTION_WINDOWS, "chain", &w->t));
    target_mem_service(w->t, "msiserver", 3);
    for (size_t i = 0; i < CAUSES; i++) {
        struct mem_installer in = { .key = keys[i], .name = "Good" };

        w->remedy[i] = (enum remedy)below(&s, (uint32_t)most + 1);
        w->bad_before[i] = below(&s, 2) == 0;
        w->has_plan[i] = below(&s, 8) != 0;
        w->plan[i] = article_of(i, w->remedy[i]);
        w->item[i] = (struct runbook_candidate){ .code = codes[i], .plan = w->plan[i] };
        if (!w->bad_before[i] || w->remedy[i] != INSTALLS)
            target_mem_set_number(w->t, keys[i], "Good", !w->bad_before[i]);
        in.path = installers[i];
        in.script[0] = w->remedy[i] == INSTALLER_FAILS ? 1603 : 0;
        in.nscript = 1;
        target_mem_installer(w->t, &in);
    }
    shuffle(w, &s);
    w->wraps = below(&s, 3) == 0;
    w->whims = below(&s, 4) == 0;
    w->consent = below(&s, 3) != 0 ? ~0U : below(&s, 256);
}

static void
chain_done(struct chain *w)
{
    for (size_t i = 0; i < CAUSES; i++)
        plan_free(w->plan[i]);
    target_free(w->t);
}

static bool
has(struct chain *w, size_t i, const char *name)
{
    struct target_value v = { 0 };
    uint64_t n = 0;
    bool found;

    assert_ok(target_reg_get(w->t, keys[i], name, &v, &found));
    if (found && v.type == TARGET_REG_DWORD)
        assert_true(target_value_number(&v, &n));
    bool yes = found && (v.type != TARGET_REG_DWORD || n != 0);

    target_value_done(&v);
    return yes;
}

static struct err *
failure_of(size_t i)
{
    switch (i) {
    case 0:
        return fail(VssServiceBad, "chain");
    case 1:
        return fail(DtcBroken, "chain");
    case 2:
        return fail(ComServiceBroken, "chain");
    case 3:
        return fail(VssFailed, "chain");
    case 4:
        return fail(GuestMemoryShort, "chain");
    default:
        return fail(ComMemoryQuota, "chain");
    }
}

/* The first reason that is still there; CAUSES: it works. */
static size_t
reason(struct chain *w)
{
    for (size_t i = 0; i < CAUSES; i++)
        if (!has(w, w->order[i], "Good") && !has(w, w->order[i], "Skip"))
            return w->order[i];
    return CAUSES;
}

static struct err *
retry(void *arg, struct deadline by, struct err **ret_why)
{
    struct chain *w = arg;
    size_t i = w->whims ? below(&w->chance, CAUSES + 1) : reason(w);

    (void)by;
    *ret_why = NULL;
    if (i == CAUSES)
        return NULL;
    *ret_why = failure_of(i);
    if (w->wraps)
        *ret_why = err_because(fail(VssShadowLost, "chain", "C:"), *ret_why);
    return NULL;
}

static struct err *
find(void *arg, const char *code, const struct err *why, const struct runbook_candidate **ret)
{
    struct chain *w = arg;

    *ret = NULL;
    for (size_t i = 0; i < CAUSES; i++)
        if (w->has_plan[i] && strcmp(codes[i], code) == 0)
            *ret = &w->item[i];
    if (*ret != NULL && why != NULL)
        assert_string_equal(err_id(why), code); /* its own facts, not those of the outer one */
    return NULL;
}

static struct err *
written(void *arg)
{
    struct chain *w = arg;

    return kill_line(&w->kill);
}

static struct runbook_report *
run(struct chain *w, size_t first, size_t n, bool apply, struct err **ret_e)
{
    struct runbook_policy p = { .apply = apply, .consent = w->consent, .retry = retry,
        .find = find, .written = written, .arg = w, .journals = journals, .bundles = journals };
    struct runbook_report *r = NULL;
    struct target *t = w->kill.fault != NULL ? w->kill.fault : w->t;
    struct err *e = runbook_run(t, &w->item[first], n, &p, &r);

    if (ret_e != NULL)
        *ret_e = e;
    else
        assert_ok(e);
    return r;
}

/* ---- what must be so ---- */

#define expect(what) \
    do { \
        if (!(what)) { \
            print_error("seed %llu: outcome %s, note %s, blocked %s: %s\n", \
                (unsigned long long)seed, runbook_outcome_name(r->outcome), \
                r->note != NULL ? r->note : "", r->blocked != NULL ? r->blocked : "", #what); \
            show(r); \
            journals_empty(journals); \
            _fail(__FILE__, __LINE__); \
        } \
    } while (0)

static void
show(const struct runbook_report *r)
{
    for (size_t k = 0; k <= r->nearlier; k++) {
        const struct runbook_row *rows = k < r->nearlier ? r->earlier[k].rows : r->rows;
        size_t n = k < r->nearlier ? r->earlier[k].nrows : r->nrows;

        print_error("  %s: %s\n", k < r->nearlier ? r->earlier[k].code
                : r->cause != NULL ? r->cause : "none",
            k < r->nearlier ? r->earlier[k].end : r->undone ? "undone" : "");
        for (size_t i = 0; i < n; i++)
            print_error("    %s: %s\n", rows[i].action,
                rows[i].result != NULL ? rows[i].result : "");
    }
}

static size_t
number_of(const char *code)
{
    size_t i = 0;

    while (i < CAUSES && strcmp(codes[i], code) != 0)
        i++;
    return i;
}

/* No code twice, over all that had a turn. */
static bool
all_differ(const struct runbook_report *r)
{
    unsigned seen = 0;
    size_t n = r->nearlier + (r->cause != NULL) + r->nruled_out + r->nnot_looked_at;

    for (size_t i = 0; i < r->nearlier; i++)
        seen |= 1U << number_of(r->earlier[i].code);
    if (r->cause != NULL)
        seen |= 1U << number_of(r->cause);
    for (size_t i = 0; i < r->nruled_out; i++)
        seen |= 1U << number_of(r->ruled_out[i].code);
    for (size_t i = 0; i < r->nnot_looked_at; i++)
        seen |= 1U << number_of(r->not_looked_at[i].code);
    return (size_t)__builtin_popcount(seen) == n;
}

/* Did the report say that what was done for this cause stays? */
static bool
is_kept(const struct runbook_report *r, size_t i)
{
    for (size_t k = 0; k < r->nearlier; k++)
        if (strcmp(r->earlier[k].code, codes[i]) == 0)
            return strncmp(r->earlier[k].end, "repaired", 8) == 0;
    return r->cause != NULL && strcmp(r->cause, codes[i]) == 0 &&
        (r->outcome == RUNBOOK_REPAIRED || r->outcome == RUNBOOK_MASKED ||
            (r->note != NULL && strstr(r->note, "is repaired;") != NULL) ||
            (r->outcome == RUNBOOK_BLOCKED && !r->undone));
}

/* What an installer of a product that firn does not know has installed stays, and its row says
 * so. */
static bool
says_left(const struct runbook_report *r)
{
    for (size_t k = 0; k <= r->nearlier; k++) {
        const struct runbook_row *rows = k < r->nearlier ? r->earlier[k].rows : r->rows;
        size_t n = k < r->nearlier ? r->earlier[k].nrows : r->nrows;

        for (size_t i = 0; i < n; i++)
            if (rows[i].result != NULL && strstr(rows[i].result, "; left as it is: ") != NULL)
                return true;
    }
    return false;
}

static void
check_end(struct chain *w, uint64_t seed, const struct runbook_report *r)
{
    expect(r->nearlier + (r->cause != NULL) <= RUNBOOK_CAUSES);
    expect(all_differ(r));
    expect(r->installs <= RUNBOOK_INSTALLS);
    expect(r->restarts <= RUNBOOK_RESTARTS);
    expect(r->overrides <= 1);
    expect(r->outcome != RUNBOOK_REPAIRED || w->whims || reason(w) == CAUSES);
    expect(r->outcome != RUNBOOK_MASKED || w->whims || reason(w) == CAUSES);
    expect(r->outcome != RUNBOOK_BLOCKED || r->blocked != NULL);
    expect(r->outcome != RUNBOOK_ESCALATED || access(r->bundle, R_OK) == 0);
    for (size_t i = 0; i < CAUSES; i++) {
        bool kept = is_kept(r, i);

        expect(kept || !has(w, i, "Tried"));
        expect(kept || has(w, i, "Good") != w->bad_before[i] ||
            (w->remedy[i] == INSTALLS && says_left(r)));
        expect(!has(w, i, "Skip") || r->outcome == RUNBOOK_MASKED);
        if (kept && r->outcome == RUNBOOK_REPAIRED)
            expect(has(w, i, "Good"));
    }
    if ((w->consent & 1U << RISK_CONFIG) == 0)
        for (size_t i = 0; i < CAUSES; i++)
            expect(!has(w, i, "Tried"));
    expect((w->consent & 1U << RISK_INSTALL) != 0 || target_mem_installs(w->t) == 0);
    expect((w->consent & 1U << RISK_RESTART) != 0 || target_mem_restarts(w->t) == 0);
}

/* ---- tests ---- */

static void
every_chain_ends_well(void **state)
{
    unsigned long outcomes[6] = { 0 }, turns[RUNBOOK_CAUSES + 1] = { 0 }, kept = 0, undone = 0;

    (void)state;
    for (uint64_t seed = 0; seed < journals_times(4000); seed++) {
        struct chain chain, *w = &chain;

        chain_make(w, seed, REMEDIES - 1);
        auto_ptr(runbook_report) r = run(w, seed % CAUSES, seed % 3 == 0 ? 1
                : CAUSES - seed % CAUSES, true, NULL);

        check_end(w, seed, r);
        outcomes[r->outcome]++;
        turns[r->nearlier + (r->cause != NULL)]++;
        for (size_t i = 0; i < r->nearlier; i++) {
            kept += strncmp(r->earlier[i].end, "repaired", 8) == 0;
            undone += r->earlier[i].undone;
        }
        chain_done(w);
        journals_empty(journals);
    }
    for (int i = 1; i < 6; i++) {
        print_message("# %-10s %lu\n", runbook_outcome_name((enum runbook_outcome)i),
            outcomes[i]);
        assert_true(outcomes[i] > 0);
    }
    for (int i = 0; i <= RUNBOOK_CAUSES; i++) {
        print_message("# %d causes treated: %lu\n", i, turns[i]);
        assert_true(turns[i] > 0);
    }
    print_message("# earlier ones kept %lu, undone %lu\n", kept, undone);
    assert_true(kept > 0 && undone > 0);
}

/* One reason after another, each with a remedy that helps: up to three are repaired in a run,
 * the rest by the next. */
static void
a_chain_is_repaired(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < journals_times(400); seed++) {
        struct chain chain, *w = &chain;
        size_t bad = 0, first;

        chain_make(w, seed, SETS);
        w->whims = false;
        w->consent = 1U << RISK_CONFIG;
        for (size_t i = 0; i < CAUSES; i++) {
            w->has_plan[i] = true;
            bad += w->bad_before[i];
        }
        first = reason(w);
        if (first < CAUSES) {
            auto_ptr(runbook_report) r = run(w, first, 1, true, NULL);

            check_end(w, seed, r);
            expect(r->outcome == (bad <= RUNBOOK_CAUSES ? RUNBOOK_REPAIRED
                                                        : RUNBOOK_ESCALATED));
            expect(r->nearlier + 1 == (bad < RUNBOOK_CAUSES ? bad : RUNBOOK_CAUSES));
            expect(bad <= RUNBOOK_CAUSES || strstr(r->note, "run firn doctor again") != NULL);
            if (bad > RUNBOOK_CAUSES) {
                runbook_report_free(take(r));
                r = run(w, reason(w), 1, true, NULL);
                expect(r->outcome == RUNBOOK_REPAIRED);
            }
            expect(reason(w) == CAUSES);
        }
        chain_done(w);
        journals_empty(journals);
    }
}

/* A cause that is ruled out leads to what the operation really fails with. */
static void
a_wrong_guess_leads_on(void **state)
{
    unsigned long led = 0;

    (void)state;
    for (uint64_t seed = 0; seed < journals_times(400); seed++) {
        struct chain chain, *w = &chain;
        size_t first, guess = seed % CAUSES;

        chain_make(w, seed, SETS);
        w->whims = false;
        w->consent = 1U << RISK_CONFIG;
        first = reason(w);
        if (first < CAUSES && !w->bad_before[guess]) {
            auto_ptr(runbook_report) r = run(w, guess, 1, true, NULL);

            check_end(w, seed, r);
            expect(r->nruled_out > 0 && strcmp(r->ruled_out[0].code, codes[guess]) == 0);
            expect((r->cause != NULL) == w->has_plan[first]);
            led += r->cause != NULL;
        }
        chain_done(w);
        journals_empty(journals);
    }
    assert_true(led > 0);
}

static void
a_plan_goes_on_to_nothing(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < journals_times(200); seed++) {
        struct chain chain, *w = &chain;

        chain_make(w, seed, REMEDIES - 1);
        auto_free char *before = target_mem_dump(w->t);
        auto_ptr(runbook_report) r = run(w, 0, CAUSES, false, NULL);
        auto_free char *after = target_mem_dump(w->t);

        assert_string_equal(before, after);
        expect(r->nearlier == 0 && !r->retried);
        expect(r->outcome != RUNBOOK_FOUND || r->cause != NULL);
        chain_done(w);
    }
}

/* Killed after the k-th line of its journals, wherever it had gone on to. */
static void
a_chain_may_be_killed(void **state)
{
    unsigned long killed = 0;

    (void)state;
    for (uint64_t seed = 0; seed < journals_times(120); seed++)
        for (unsigned after = 1; after < 64; after++) {
            struct target_fault never = { 0 };
            struct chain chain, *w = &chain;
            struct err *e = NULL;

            chain_make(w, seed, OVERRIDES);
            assert_ok(target_fault_new(w->t, &never, &w->kill.fault));
            w->kill.after = after;
            auto_ptr(runbook_report) r = run(w, seed % CAUSES, 1, true, &e);
            bool was_killed = e != NULL;

            err_free(e);
            target_free(w->kill.fault);
            w->kill.fault = NULL;
            if (was_killed) {
                killed++;
                r = run(w, seed % CAUSES, 1, true, NULL);
                expect(r->finished != NULL);
                expect(r->installs <= RUNBOOK_INSTALLS && all_differ(r));
                expect(r->outcome != RUNBOOK_REPAIRED || w->whims || reason(w) == CAUSES);
                for (size_t i = 0; i < CAUSES; i++) /* half a repair is none */
                    expect(!has(w, i, "Tried") || is_kept(r, i) || has(w, i, "Good"));
            }
            chain_done(w);
            journals_empty(journals);
            if (!was_killed)
                break;
        }
    print_message("# killed and taken up %lu times\n", killed);
    assert_true(killed > 50);
}

/* What cannot be looked at is told apart from what is ruled out, and why. */
static void
what_was_not_looked_at(void **state)
{
    struct chain chain, *w = &chain;
    uint64_t seed = 0;
    json_t *doc;

    (void)state;
    chain_make(w, 0, SETS);
    for (size_t i = 0; i < CAUSES; i++)
        target_mem_set_number(w->t, keys[i], "Good", 1);
    plan_free(w->plan[2]);
    w->item[2].plan = w->plan[2] = article_of(2, NO_PROBE);
    w->item[4].unseen = "there is no way to look";
    auto_ptr(runbook_report) r = run(w, 0, CAUSES, false, NULL);

    expect(r->outcome == RUNBOOK_BLOCKED && strstr(r->blocked, codes[2]) != NULL);
    expect(strstr(r->blocked, codes[4]) == NULL);
    expect(r->nruled_out == CAUSES - 2 && r->nnot_looked_at == 2);
    assert_string_equal(r->not_looked_at[0].code, codes[2]);
    assert_string_equal(r->not_looked_at[0].observed, "it has no probe");
    assert_string_equal(r->not_looked_at[1].observed, "there is no way to look");
    assert_ok(runbook_json(r, &doc));
    assert_int_equal(json_array_size(json_object_get(doc, "ruled_out")), CAUSES - 2);
    assert_int_equal(json_array_size(json_object_get(doc, "not_looked_at")), 2);
    json_decref(doc);
    runbook_report_free(take(r));

    w->item[2].unseen = "nor here"; /* nobody expects it then: the rest is well */
    r = run(w, 0, CAUSES, false, NULL);
    expect(r->outcome == RUNBOOK_HEALTHY && r->nnot_looked_at == 2);
    chain_done(w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_chain_ends_well),
        cmocka_unit_test(a_chain_is_repaired),
        cmocka_unit_test(a_wrong_guess_leads_on),
        cmocka_unit_test(a_plan_goes_on_to_nothing),
        cmocka_unit_test(a_chain_may_be_killed),
        cmocka_unit_test(what_was_not_looked_at),
    };

    return cmocka_run_group_tests(tests, journals_set_up, journals_tear_down);
}
