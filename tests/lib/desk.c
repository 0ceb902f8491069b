/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <stdio.h>
#include <string.h>

#include "desk.h"
#include "target_fault.h"
#include "target_mem.h"

const char *const desk_usual[] = { PROBE, "always | " STOPS, "always | " PERSON,
    "after:2 | " SET("Set"), "after:2 | " STARTS, NULL };

uint32_t
desk_number(struct desk *d, const char *name)
{
    struct target_value v = { 0 };
    bool found;
    uint32_t n;

    assert_ok(target_reg_get(d->t, KEY, name, &v, &found));
    n = found && v.len >= 1 ? v.data[0] : 0;
    target_value_done(&v);
    return n;
}

struct plan *
desk_plan(const char *const lines[])
{
    struct plan *p = calloc(1, sizeof(*p));

    assert_non_null(p);
    for (size_t i = 0; lines[i] != NULL; i++) {
        const char *bar = strstr(lines[i], " | ");
        auto_free char *condition = strndup(lines[i], (size_t)(bar - lines[i]));
        bool probe = strcmp(condition, "probe") == 0;
        struct action a;
        struct plan_step *step;

        assert_int_equal(action_parse(bar + 3, &a, NULL), ACTION_OK);
        step = plan_add(p, probe, &a);
        assert_non_null(step);
        if (!probe)
            assert_true(plan_condition_parse(condition, step));
        step->text = strdup(step->action.kind->person ? "Empty the folder." : "Do it.");
    }
    return p;
}

void
desk_make(struct desk *d, const char *const lines[])
{
    *d = (struct desk){ .consent = ~0U };
    assert_ok(target_mem_new(ACTION_WINDOWS, "model", &d->t));
    target_mem_service(d->t, "Spooler", 2);
    target_mem_service(d->t, "Fax", 2);
    target_mem_needs(d->t, "Fax", "Spooler");
    assert_ok(target_service_control(d->t, "Spooler", true, deadline_in_ms(1000)));
    assert_ok(target_service_control(d->t, "Fax", true, deadline_in_ms(1000)));
    d->plan = desk_plan(lines);
}

void
desk_switch_off(struct desk *d)
{
    d->t->offline = true;
    d->t->can &= ~(unsigned)(TARGET_PROGRAMS | TARGET_RESTART);
}

void
desk_done(struct desk *d)
{
    plan_free(d->plan);
    target_free(d->t);
    journals_empty(journals);
}

void
desk_work(struct desk *d)
{
    target_mem_set_number(d->t, KEY, "Emptied", 1);
}

static struct err *
operation(void *arg, struct deadline by, struct err **ret_why)
{
    struct desk *d = arg;
    bool works = !d->never && desk_number(d, "Emptied") == 1 &&
        desk_number(d, "Set") == 1 && target_mem_runs(d->t, "Fax");

    (void)by;
    *ret_why = works ? NULL : fail(VssServiceBad, "model");
    return NULL;
}

static bool
answer(void *arg, const char *what)
{
    struct desk *d = arg;

    (void)snprintf(d->asked, sizeof(d->asked), "%s", what);
    d->questions++;
    if (*d->answers == '\0')
        return false;
    if (*d->answers == 'y')
        desk_work(d);
    return *d->answers++ == 'y';
}

static struct err *
written(void *arg)
{
    return kill_line(&((struct desk *)arg)->kill);
}

struct runbook_report *
desk_run(struct desk *d)
{
    const struct runbook_candidate c = { .code = CODE, .plan = d->plan, .done = d->done };
    const struct runbook_policy p = { .apply = !d->look, .consent = d->consent,
        .order = d->order, .retry = d->alone ? NULL : operation,
        .ask_done = d->answers != NULL ? answer : NULL, .written = written, .arg = d,
        .options = d->options, .journals = journals, .bundles = journals };
    struct runbook_report *r = NULL;
    struct err *e = runbook_run(d->kill.fault != NULL ? d->kill.fault : d->t, &c, 1, &p, &r);

    if (e != NULL)
        assert_fails(e, E_Interrupted);
    return r;
}

struct runbook_report *
desk_run_killed(struct desk *d, unsigned after)
{
    const struct target_fault never = { 0 };
    struct runbook_report *r;

    d->kill = (struct kill_at){ .after = after };
    assert_ok(target_fault_new(d->t, &never, &d->kill.fault));
    r = desk_run(d);
    target_free(d->kill.fault);
    d->kill = (struct kill_at){ 0 };
    return r;
}

void
desk_is(const struct runbook_report *r, enum runbook_outcome want)
{
    if (r->outcome == want)
        return;
    print_error("%s, blocked: %s, note: %s\n", runbook_outcome_name(r->outcome),
        r->blocked == NULL ? "" : r->blocked, r->note == NULL ? "" : r->note);
    for (size_t i = 0; i < r->nrows; i++)
        print_error("  %s %s | %s\n", r->rows[i].id, r->rows[i].action,
            r->rows[i].result == NULL ? "" : r->rows[i].result);
    assert_int_equal(r->outcome, want);
}

bool
desk_runs(struct desk *d)
{
    return target_mem_runs(d->t, "Spooler") && target_mem_runs(d->t, "Fax");
}

bool
desk_stopped(struct desk *d)
{
    return !target_mem_runs(d->t, "Spooler") && !target_mem_runs(d->t, "Fax");
}
