/* SPDX-License-Identifier: Apache-2.0 */
/* runbook_after.c -- a procedure of which a person does a part.
 *
 *   1. stop the service   2. (a person's) delete its files   3. [after:2] start it
 *
 *   run       1 --> 3 waits for 2 --> asked: yes --> 3 --> proof, or undone
 *                                 \-> no, or nobody there: blocked; the journal says what it
 *                                     waits for, and 1 stays as it is
 *   go on     1 is looked at --> 2 is said to be done --> 3 --> proof, or undone
 *   anything else            --> blocked, since it would find a machine half way
 *   undo                     --> as for any journal
 *
 * It is one run with one journal however often it waits, so that one id takes all of it back.
 * Killed while it does something, it is undone by the next run like any other; killed while it
 * waits, it waits.
 *
 * What was done before the person's turn and does not hold any more is done again, with one
 * exception: a state that a later step of the plan leaves again was for the person's step.
 * When that is done, so has this: a service that the person has started is not stopped. */
#include <string.h>

#include "codes.h"
#include "runbook_internal.h"

enum step_turn *
run_turn(struct run *r, const struct plan_step *s)
{
    return &r->turn[s - r->c->plan->steps];
}

void
run_add_command(const struct run *r, struct text *t)
{
    if (r->policy->command != NULL) {
        text_str(t, r->policy->command);
        return;
    }
    text_str(t, "firn doctor ");
    text_shell(t, r->t->name);
}

void
run_add_source(const struct run *r, struct text *t)
{
    if (r->c == r->first && r->policy->source != NULL)
        text_str(t, r->policy->source);
    else
        text_shell(t, r->c->code);
}

/* ---- what a person says ---- */

static struct err *
say(struct run *r, const char *id)
{
    auto_free char *before = take(r->said);

    return run_set(&r->said, "%s%s%s", before != NULL ? before : "",
        before != NULL && *before != '\0' ? "," : "", id);
}

/* A list of ids is added. */
static struct err *
say_all(struct run *r, const char *ids)
{
    for (const char *s = ids; s != NULL && *s != '\0';) {
        size_t len = strcspn(s, ",");
        char id[PLAN_ID_MAX] = "";

        if (len < sizeof(id))
            memcpy(id, s, len);
        if (!plan_ids_have(r->said, id))
            TRY(say(r, id));
        s += len + (s[len] == ',');
    }
    return NULL;
}

static struct err *
tell_row(struct run *r, const struct plan_step *s, const char *result)
{
    struct runbook_row *row = run_row(r, s);

    return row == NULL ? NULL : run_set(&row->result, "%s", result);
}

struct err *
run_take_persons(struct run *r, const struct plan_step *s, bool due)
{
    const struct plan_step *of = plan_find(r->c->plan, s->of);
    enum step_turn *turn = run_turn(r, s), before = of == NULL ? TURN_NONE : *run_turn(r, of);

    *turn = !due ? TURN_LEFT_OUT : plan_ids_have(r->said, s->id) ? TURN_WORKED : TURN_YOURS;
    /* whether its condition holds is not known while what it hangs on waits */
    if (before == TURN_LATER || (s->when == PLAN_AFTER && before == TURN_YOURS))
        *turn = TURN_LATER;
    if (*turn == TURN_LEFT_OUT)
        return NULL;
    return tell_row(r, s, *turn == TURN_WORKED ? "done, as a person says" : "for a person");
}

/* ---- what a person is told ---- */

static const char *
words_of(const struct plan_step *s)
{
    return s->text != NULL && *s->text != '\0' ? s->text : s->action.value[0];
}

static void
add_step(struct text *t, const struct plan_step *s, const char *after)
{
    const char *words = words_of(s);
    size_t len = words == NULL ? 0 : strlen(words);

    text_fmt(t, "step %s%s: %s%s", s->id, after, words == NULL ? "" : words,
        len > 0 && strchr(".!?", words[len - 1]) != NULL ? "" : ".");
}

/* "step 1 failed; step 2 is yours: Empty the folder. Then step 3: ..." up to ${of}: steps of a
 * person's that stand before it without one of firn's between them are part of it. */
static void
add_what(struct run *r, const struct plan_step *of, struct text *t)
{
    const struct plan_step *all = r->c->plan->steps, *s = of;

    for (const struct plan_step *one = all; one < of; one++)
        if (*run_turn(r, one) == TURN_FAILED)
            text_fmt(t, "step %s failed; ", one->id);
    while (s > all && *run_turn(r, s - 1) == TURN_YOURS)
        s--;
    add_step(t, s, " is yours");
    for (; s < of; s++) {
        text_str(t, " Then ");
        add_step(t, s + 1, "");
    }
}

/* "...; when it is done, go on with: firn doctor local --article=F --apply --done=2" */
static void
add_how(struct run *r, const struct plan_step *of, struct text *t)
{
    const struct runbook_policy *p = r->policy;

    text_str(t, " When that is done, go on with: ");
    run_add_command(r, t);
    text_str(t, " ");
    run_add_source(r, t);
    text_fmt(t, " %s --done=%s%s%s", p->options != NULL ? p->options : "--apply",
        r->said != NULL ? r->said : "", r->said != NULL && *r->said != '\0' ? "," : "", of->id);
}

/* ---- waiting ---- */

static struct err *is_done(struct run *r, const struct plan_step *of, bool *ret);

static bool
is_said_there(const struct journal_person *p, const char *step, const char *done,
    const char *what)
{
    return p != NULL && strcmp(p->step, step) == 0 && strcmp(p->done, done) == 0 &&
        strcmp(p->what, what) == 0;
}

struct err *
run_note_wait(struct run *r, const struct plan_step *of, const char *what)
{
    const char *words = words_of(of), *done = r->said != NULL ? r->said : "";
    auto_free char *boot = NULL;

    if (r->j == NULL || is_said_there(journal_person(r->j), of->id, done, what))
        return NULL;
    TRY(run_boot_id(r, &boot));
    const struct journal_person p = { of->id, words == NULL ? "" : words, done, what, boot,
        r->restart_due };

    return journal_wait_person(r->j, &p);
}

/* The time that a person takes is none of the run's. */
static bool
ask(struct run *r, const char *what)
{
    int64_t from = target_now_ns(r->t);
    bool yes = r->policy->ask_done != NULL && r->policy->ask_done(r->policy->arg, what);

    r->until_ns += target_now_ns(r->t) - from;
    return yes;
}

/* It is a person's turn with ${of}. */
static struct err *
wait_for(struct run *r, const struct plan_step *of)
{
    struct text what = { 0 }, all = { 0 };
    struct err *e;

    add_what(r, of, &what);
    text_str(&all, what.s != NULL ? what.s : "");
    add_how(r, of, &all);
    e = what.no_memory || all.no_memory ? fail(OutOfMemory) : run_note_wait(r, of, all.s);
    if (e == NULL && ask(r, what.s)) {
        *run_turn(r, of) = TURN_WORKED;
        e = say(r, of->id);
        if (e == NULL)
            e = tell_row(r, of, "done, as a person says");
    } else if (e == NULL) {
        r->waits = of;
        e = run_set(&r->r->waits, "%s", of->id);
        if (e == NULL)
            e = run_set(&r->r->blocked, "%s", all.s);
    }
    text_done(&what);
    text_done(&all);
    return e;
}

/* Has a person done ${of}?  Those that it is after itself come first. */
static struct err *
is_done(struct run *r, const struct plan_step *of, bool *ret)
{
    enum step_turn *turn = run_turn(r, of);

    if (*turn == TURN_LATER)
        TRY(run_come(r, of));
    /* what else a person must allow or do comes first: it stands before this step */
    if (*turn == TURN_YOURS && r->r->blocked == NULL)
        TRY(wait_for(r, of));
    *ret = *turn == TURN_WORKED;
    return NULL;
}

struct err *
run_come(struct run *r, const struct plan_step *s)
{
    const struct plan_step *of = plan_find(r->c->plan, s->of);
    bool done, due = true;

    TRY(is_done(r, of, &done));
    r->halted = *run_turn(r, of) == TURN_YOURS || *run_turn(r, of) == TURN_LATER;
    if (done && s->when != PLAN_AFTER)
        TRY(run_is_due(r, s, &due));
    return done ? run_take_persons(r, s, due) : NULL;
}

struct err *
run_tell_waiting(struct run *r, const struct plan_step *s)
{
    const struct plan_step *end = r->c->plan->steps + r->c->plan->nsteps;

    for (; s < end; s++)
        if (plan_step_runs(s))
            TRY(tell_row(r, s, "waits for a person"));
    return NULL;
}

struct err *
run_await(struct run *r, const struct plan_step *s, bool *ret)
{
    const struct plan_step *of = plan_find(r->c->plan, s->of);

    *ret = false;
    if (!plan_after_fits(r->c->plan, s))
        return NULL; /* nobody can say it */
    TRY(is_done(r, of, ret));
    r->halted = *run_turn(r, of) == TURN_YOURS || *run_turn(r, of) == TURN_LATER;
    return r->halted ? run_tell_waiting(r, s) : NULL;
}

bool
run_owes(const struct run *r, const struct plan_step *s)
{
    const struct plan_step *of = plan_find(r->c->plan, s->of);

    return s->when == PLAN_AFTER && plan_after_fits(r->c->plan, s) &&
        r->turn[of - r->c->plan->steps] == TURN_WORKED;
}

/* ---- going on ---- */

static bool
is_same(const struct action *a, const struct action *b)
{
    if (a->kind != b->kind)
        return false;
    for (int i = 0; i < ACTION_PARAMS_MAX; i++)
        if ((a->value[i] == NULL) != (b->value[i] == NULL) ||
            (a->value[i] != NULL && strcmp(a->value[i], b->value[i]) != 0))
            return false;
    return true;
}

/* A service around that of the step; it is no step itself. */
static bool
is_around(const struct journal_entry *e)
{
    return json_object_get(e->before, "for") != NULL;
}

/* Is ${c}'s plan the one that the run had? */
static bool
is_of(const struct journal *j, const struct runbook_candidate *c)
{
    const struct journal_person *p = journal_person(j);
    const struct plan_step *of = plan_find(c->plan, p->step);
    const char *words = of == NULL ? NULL : words_of(of);

    if (strcasecmp(journal_code(j), c->code) != 0 || of == NULL || !of->action.kind->person ||
        strcmp(words == NULL ? "" : words, p->text) != 0 ||
        journal_entries(j) > RUN_CHANGES_MAX)
        return false;
    for (size_t i = 0; i < journal_entries(j); i++) {
        const struct journal_entry *e = journal_entry(j, i);
        const struct plan_step *s = plan_find(c->plan, e->step);

        if (*e->step != '\0' && !is_around(e) &&
            (s == NULL || !is_same(&s->action, &e->action)))
            return false;
    }
    return true;
}

struct err *
run_meet(struct run *r, struct journal **j, const struct runbook_candidate *c, size_t n,
    bool *ret)
{
    bool changed = false;

    *ret = false;
    for (size_t i = 0; i < n && r->open == NULL; i++) {
        if (is_of(*j, &c[i])) {
            r->open = take(*j);
            r->open_c = &c[i];
            *ret = true;
            return NULL;
        }
        changed = changed || strcasecmp(journal_code(*j), c[i].code) == 0;
    }
    return run_tell_open(r, *j, changed);
}

/* What an earlier part of the run did counts as this one's. */
static void
count_past(struct run *r)
{
    for (size_t i = 0; i < journal_entries(r->j); i++) {
        const struct journal_entry *e = journal_entry(r->j, i);
        bool override = e->action.kind->risk == RISK_OVERRIDE && !e->undone;

        r->applied[r->napplied++] = (struct applied){ .entry = i, .undone = e->undone,
            .down = is_around(e) && e->result != NULL &&
                strncmp(e->result, "failed", 6) == 0 };
        r->r->installs += run_is_install(&e->action);
        r->r->overrides += e->action.kind->risk == RISK_OVERRIDE;
        r->overridden = r->overridden || override;
    }
    r->past = r->napplied;
}

/* It has taken effect if the machine has been started since. */
static struct err *
take_restart(struct run *r, const struct journal_person *p)
{
    auto_free char *now = NULL;

    if (!p->restart_due)
        return NULL;
    TRY(run_boot_id(r, &now));
    r->restart_due = now == NULL || p->boot == NULL || strcmp(now, p->boot) == 0;
    return NULL;
}

struct err *
run_go_on(struct run *r)
{
    memset(r->turn, 0, sizeof(r->turn));
    free(take(r->said));
    r->waits = r->refused = NULL;
    r->halted = false;
    r->past = 0;
    r->under_way = r->policy->apply && r->c->done != NULL;
    TRY(say_all(r, r->c->done));
    if (r->open == NULL || r->c != r->open_c)
        return NULL;
    r->under_way = true;
    r->j = take(r->open);
    journal_watch(r->j, r->policy->written, r->policy->arg);
    TRY(say_all(r, journal_person(r->j)->done));
    TRY(take_restart(r, journal_person(r->j)));
    TRY(run_set(&r->r->journal, "%s", journal_id(r->j)));
    count_past(r);
    return NULL;
}

static bool
has_same(const struct action *a, const struct action *b, const char *name)
{
    const char *one = action_get(a, name), *other = action_get(b, name);

    return one == other || (one != NULL && other != NULL && strcmp(one, other) == 0);
}

/* Does ${b} lead further what ${a} does?  Of a file of settings that is the setting. */
static bool
leads_on(const struct action *a, const struct action *b)
{
    return run_same_thing(a, b) &&
        (!action_is(a, "config.set") || (has_same(a, b, "section") && has_same(a, b, "key")));
}

/* Is there a step of a person's that is done, and behind it one that leads further what ${s}
 * did? */
static bool
has_served(const struct run *r, const struct plan_step *s)
{
    const struct plan *p = r->c->plan;
    bool person = false;

    for (const struct plan_step *one = s + 1; one < p->steps + p->nsteps; one++) {
        person = person ||
            (one->action.kind->person && plan_ids_have(r->said, one->id));
        if (person && leads_on(&s->action, &one->action))
            return true;
    }
    return false;
}

static bool
was_done(const struct run *r, const struct plan_step *s, const struct action *a)
{
    for (size_t i = 0; s != NULL && i < r->past; i++) {
        const struct journal_entry *e = journal_entry(r->j, i);

        if (!e->undone && !is_around(e) && strcmp(e->step, s->id) == 0 &&
            is_same(&e->action, a) && e->result != NULL && strncmp(e->result, "done", 4) == 0)
            return true;
    }
    return false;
}

struct err *
run_was_done(struct run *r, const struct plan_step *s, const struct action *a, bool *ret,
    char **ret_told)
{
    bool seen = run_is_looked_at(a) && !run_is_register(a);

    *ret = was_done(r, s, a) && (!seen || has_served(r, s));
    return *ret ? run_set(ret_told, "not needed: it was done before the person's turn") : NULL;
}

/* ---- how the machine looks at the end ---- */

/* Has its turn gone by without its condition? */
static bool
was_not_due(const struct run *r, const struct plan_step *s)
{
    const struct plan *p = r->c->plan;
    const struct plan_step *of = plan_find(p, s->of);
    enum step_turn turn = r->turn[s - p->steps];
    enum step_turn before = of == NULL ? TURN_NONE : r->turn[of - p->steps];

    return turn == TURN_LEFT_OUT && ((s->when == PLAN_AFTER && before == TURN_LEFT_OUT) ||
        (s->when == PLAN_FAILED && before != TURN_FAILED));
}

/* The last step that sets what the naming probe of an article of prose is about. */
static const struct plan_step *
last_word(const struct run *r)
{
    const struct plan *p = r->c->plan;

    if (!r->has_naming || p->nprobes > 0 || !plan_has_after(p))
        return NULL;
    for (size_t i = p->nsteps; i > 0; i--)
        if (plan_step_runs(&p->steps[i - 1]) && !was_not_due(r, &p->steps[i - 1]) &&
            leads_on(&r->naming, &p->steps[i - 1].action))
            return &p->steps[i - 1];
    return NULL;
}

bool
run_passes(const struct run *r)
{
    const struct plan_step *s = last_word(r);

    return s != NULL && !is_same(&s->action, &r->naming);
}

struct err *
run_pass(struct run *r)
{
    const struct plan_step *s = last_word(r);

    if (!r->passing || s == NULL)
        return NULL;
    r->passing = false;
    action_done(&r->naming);
    if (!action_copy(&r->naming, &s->action))
        return fail(OutOfMemory);
    if (r->ntreated == 0) /* an earlier run is looked at */
        return NULL;
    struct action *kept = &r->treated[r->ntreated - 1].naming;

    action_done(kept);
    return action_copy(kept, &s->action) ? NULL : fail(OutOfMemory);
}

struct err *
run_tell_proof(struct run *r)
{
    const struct plan *p = r->c->plan;
    const struct plan_step *rest = NULL;
    struct text t = { 0 };

    for (const struct plan_step *s = p->steps; s < p->steps + p->nsteps; s++) {
        const struct runbook_row *row = run_row(r, s);

        if (plan_step_runs(s) && row != NULL && row->result != NULL)
            rest = NULL;
        else if (rest == NULL && s->action.kind->person && s->when == PLAN_ALWAYS &&
            *run_turn(r, s) != TURN_WORKED)
            rest = s;
    }
    text_fmt(&t, "start %sthe operation again: that proves it",
        r->t->offline ? "the machine, then " : "");
    if (rest != NULL) {
        text_str(&t, "; the article goes on, and this is not done: ");
        add_step(&t, rest, " is yours");
    }
    struct err *e = t.no_memory ? fail(OutOfMemory) : run_set(&r->r->note, "%s", t.s);

    text_done(&t);
    return e;
}
