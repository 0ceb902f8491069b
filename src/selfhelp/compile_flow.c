/* SPDX-License-Identifier: Apache-2.0 */
/* How it works: sentences come in the order of the text.  Each is read for its label and its
 * condition, then all finders look at the rest; what they found goes into the plan under the
 * condition that holds.
 *
 * Three things keep the plan equal for equal procedures.  A sentence that announces a command
 * ("run the command below and retry") waits for it: what it says of the command itself is
 * dropped, a retry comes after it.  Two halves become one step: stop and start, unregister
 * and register.  What is said twice is done once. */
#include <string.h>
#include <strings.h>

#include "compile_internal.h"

static bool
is_kind(const struct action *a, const char *kind)
{
    return a->kind != NULL && strcmp(a->kind->name, kind) == 0;
}

static struct plan_step *
step(struct compiler *c, size_t number)
{
    return &c->plan->steps[number - 1];
}

void
compiler_note(struct compiler *c, const char *id, struct plan_step *s,
    struct article_span span, const char *text)
{
    struct plan *p = c->plan;

    for (size_t i = 0; text == NULL && plan_ambiguities[i].id != NULL; i++)
        if (strcmp(plan_ambiguities[i].id, id) == 0)
            text = plan_ambiguities[i].about;
    for (size_t i = 0; i < p->nambiguities; i++)
        if (strcmp(p->ambiguities[i].id, id) == 0 &&
            strcmp(p->ambiguities[i].step, s != NULL ? s->id : "") == 0)
            return;
    if (p->nambiguities < PLAN_AMBIGUITIES_MAX &&
        plan_add_ambiguity(p, id, s, span, text) == NULL)
        c->no_memory = true;
}

/* ---- what two steps make together ---- */

static bool
same_condition(const struct plan_step *s, const struct cond *cond)
{
    char of[PLAN_ID_MAX] = "";

    if (s->when != cond->when)
        return false;
    if (cond->of != 0)
        snprintf(of, sizeof(of), "%u", (unsigned)cond->of);
    if (s->when == PLAN_IF)
        return cond->text != NULL && s->when_text != NULL &&
            strcmp(s->when_text, cond->text) == 0;
    return strcmp(s->of, of) == 0;
}

static void
stretch(struct plan_step *s, struct article_span span)
{
    if (span.off >= s->span.off)
        s->span.len = span.off + span.len - s->span.off;
}

/* The last step has become the same as an earlier one under the same condition: one of them
 * is enough. */
static void
drop_twin(struct compiler *c)
{
    struct plan_step *s = step(c, c->plan->nsteps), *twin = NULL;

    for (size_t i = c->plan->nsteps - 1; twin == NULL && i > 0; i--) {
        struct plan_step *t = step(c, i);

        if (strcmp(t->action.kind->name, "operation.retry") == 0)
            return;
        if (action_equal(&t->action, &s->action) && t->when == s->when &&
            strcmp(t->of, s->of) == 0 && s->when != PLAN_IF)
            twin = t;
    }
    if (twin == NULL)
        return;
    for (size_t i = 1; i < c->plan->nsteps; i++)
        if (strcmp(step(c, i)->of, s->id) == 0)
            memcpy(step(c, i)->of, twin->id, sizeof(twin->id));
    for (size_t i = 0; i < c->plan->nambiguities; i++)
        if (strcmp(c->plan->ambiguities[i].step, s->id) == 0)
            memcpy(c->plan->ambiguities[i].step, twin->id, sizeof(twin->id));
    action_done(&s->action);
    free(s->text);
    free(s->when_text);
    c->plan->nsteps--;
}

/* Stop, then start: restart. */
static bool
join_service(struct compiler *c, const struct find *f, struct article_span span)
{
    static const char *const kinds[] = { "windows.service.state", "linux.unit.state" };
    struct plan_step *s;

    if (c->plan->nsteps == 0)
        return false;
    s = step(c, c->plan->nsteps);
    for (size_t i = 0; i < 2; i++) {
        const char *subject = i == 0 ? "service" : "unit";

        if (!is_kind(&f->action, kinds[i]) || !is_kind(&s->action, kinds[i]) ||
            strcasecmp(action_get(&s->action, subject), action_get(&f->action, subject)) != 0 ||
            strcmp(action_get(&s->action, "want"), "stopped") != 0 ||
            strcmp(action_get(&f->action, "want"), "running") != 0)
            continue;
        c->no_memory = c->no_memory || !action_set(&s->action, "want", "restarted");
        stretch(s, span);
        drop_twin(c);
        return true;
    }
    return false;
}

/* Unregister, then register: the one action. */
static bool
join_installer(struct compiler *c, struct find *f, struct article_span span)
{
    struct plan_step *s;

    if (f->what != FIND_REGISTER || c->plan->nsteps == 0)
        return false;
    s = step(c, c->plan->nsteps);
    if (!is_kind(&s->action, "person.command") ||
        strstr(action_get(&s->action, "text"), "/") == NULL ||
        strcasestr(action_get(&s->action, "text"), "msiexec") == NULL ||
        strcasestr(action_get(&s->action, "text"), "/unreg") == NULL)
        return false;
    action_done(&s->action);
    s->action = f->action;
    f->action = (struct action){ 0 };
    stretch(s, span);
    /* its other half has come */
    for (size_t i = 0; i < c->plan->nambiguities; i++) {
        struct plan_ambiguity *a = &c->plan->ambiguities[i];

        if (strcmp(a->step, s->id) != 0 || strcmp(a->id, "unregister-alone") != 0)
            continue;
        free(a->text);
        memmove(a, a + 1, (c->plan->nambiguities - i - 1) * sizeof(*a));
        c->plan->nambiguities--;
        s->ambiguities--;
        break;
    }
    for (size_t i = 0; i < f->nnotes; i++)
        compiler_note(c, f->note[i].id, s, s->span, f->note[i].text);
    return true;
}

/* Has the same been said before, under the same condition? */
static bool
said_before(const struct compiler *c, const struct find *f, const struct cond *cond)
{
    bool often = is_kind(&f->action, "operation.retry") ||
        is_kind(&f->action, "machine.restart") || is_kind(&f->action, "machine.wait");

    for (size_t i = c->plan->nsteps; i > 0; i--) {
        const struct plan_step *s = &c->plan->steps[i - 1];

        if (action_equal(&s->action, &f->action) && same_condition(s, cond))
            return true;
        if (often || is_kind(&s->action, "operation.retry"))
            return false;
    }
    return false;
}

/* ---- steps ---- */

/* The person's way and firn's way are alternatives: firn's has the condition. */
static void
turn_alternative(struct compiler *c, struct plan_step *s)
{
    struct plan_step *base = NULL;

    if (s->when == PLAN_ALTERNATIVE)
        base = plan_find(c->plan, s->of);
    if (base == NULL || plan_step_runs(base) || !plan_step_runs(s) ||
        base->when == PLAN_ALTERNATIVE)
        return;
    s->when = base->when;
    memcpy(s->of, base->of, sizeof(s->of));
    s->when_text = take(base->when_text);
    base->when = PLAN_ALTERNATIVE;
    memcpy(base->of, s->id, sizeof(base->of));
}

static void
notes(struct compiler *c, const struct find *f, struct plan_step *s)
{
    for (size_t i = 0; i < f->nnotes; i++)
        compiler_note(c, f->note[i].id, s, s->span, f->note[i].text);
    if (s->when == PLAN_ALTERNATIVE) {
        struct plan_step *base = plan_find(c->plan, s->of);

        compiler_note(c, "alternatives", base != NULL ? base : s,
            base != NULL ? base->span : s->span, NULL);
    }
    if ((s->when == PLAN_FAILED || s->when == PLAN_UNSOLVED) &&
        c->sentence != c->cond_sentence && !c->cond_leads && c->scope == SCOPE_GROUP)
        compiler_note(c, "conditional-sibling", s, s->span, NULL);
}

/* Put ${f} into the plan; its action is taken. */
static void
emit(struct compiler *c, struct find *f, struct article_span span, const char *text,
    const struct cond *cond)
{
    bool leading = c->alternative || f->alternative;
    struct cond at = *cond;
    struct plan_step *s;

    if (c->plan->nsteps >= PLAN_STEPS_MAX || f->action.kind == NULL)
        return;
    if (!leading && (join_service(c, f, span) || join_installer(c, f, span)))
        return;
    if (said_before(c, f, cond)) {
        c->alternative = false;
        return;
    }
    if (leading && c->plan->nsteps > 0) {
        size_t base = c->plan->nsteps;

        while (step(c, base)->when == PLAN_ALTERNATIVE &&
            strcmp(step(c, base)->of, step(c, base)->id) < 0 && base > 1 &&
            plan_find(c->plan, step(c, base)->of) != NULL)
            base = (size_t)(plan_find(c->plan, step(c, base)->of) - c->plan->steps) + 1;
        at = (struct cond){ .when = PLAN_ALTERNATIVE, .of = base };
    }
    c->alternative = false;
    s = plan_add(c->plan, false, &f->action);
    if (s == NULL) {
        c->no_memory = true;
        return;
    }
    s->when = at.when;
    if (at.when == PLAN_IF) {
        s->when_text = strdup(at.text != NULL ? at.text : "");
        c->no_memory = c->no_memory || s->when_text == NULL;
    } else if (at.of != 0) {
        snprintf(s->of, sizeof(s->of), "%u", (unsigned)at.of);
    }
    s->confidence = f->confidence;
    s->span = span;
    s->text = strdup(text);
    c->no_memory = c->no_memory || s->text == NULL;
    notes(c, f, s);
    turn_alternative(c, s);
}

/* An unregistering alone deletes the installer service: shown, and joined when its other
 * half follows. */
static void
half_installer(struct finds *l, struct find *f, const struct flat *flat)
{
    if (f->what != FIND_UNREGISTER)
        return;
    find_person(l, f, "person.command", flat->s + f->from, f->to - f->from);
    f->command = true;
    find_note(l, f, "unregister-alone", NULL);
}

/* ---- sentences that wait ---- */

static void
held_done(struct held *h)
{
    struct finds l = { .n = 1 };

    l.find[0] = h->find;
    finds_done(&l);
    free(h->text);
    cond_done(&h->cond);
    *h = (struct held){ 0 };
}

/* Emit what waits.  ${came}: the command that it spoke of has come, so what it said about
 * that is dropped. */
static void
release(struct compiler *c, bool came)
{
    for (size_t i = 0; i < c->nheld; i++) {
        struct held *h = &c->held[i];
        bool later = is_kind(&h->find.action, "operation.retry") ||
            is_kind(&h->find.action, "machine.restart");

        if (!came || later)
            emit(c, &h->find, h->span, h->text, &h->cond);
        held_done(h);
    }
    c->nheld = 0;
    c->in_commands = false;
}

static void
hold(struct compiler *c, struct find *f, struct article_span span, const char *text,
    const struct cond *cond)
{
    struct held *h;

    if (c->nheld == SENTENCE_FINDS_MAX)
        return;
    h = &c->held[c->nheld++];
    *h = (struct held){ .find = *f, .span = span, .text = strdup(text) };
    *f = (struct find){ 0 };
    c->no_memory = c->no_memory || h->text == NULL || !cond_copy(&h->cond, cond);
}

/* ---- groups ---- */

static void
set_cond(struct compiler *c, struct cond *cond, enum scope scope)
{
    cond_done(&c->cond);
    c->cond = *cond;
    *cond = (struct cond){ 0 };
    c->scope = scope;
    c->cond_sentence = c->sentence;
    c->cond_block = c->block;
    c->cond_leads = false;
}

static void
forget(struct compiler *c)
{
    free(take(c->pending_data));
    free(take(c->pending_key));
}

static void
forward(struct compiler *c, long label)
{
    struct cond cond = { .when = PLAN_UNSOLVED };

    if (label < c->forward_from || label > c->forward_to || c->plan->nsteps == 0)
        return;
    if (c->forward_of == 0)
        c->forward_of = unsolved_after(c, 1, c->plan->nsteps);
    cond.of = c->forward_of;
    set_cond(c, &cond, SCOPE_GROUP);
    c->cond_leads = true; /* it was said, only elsewhere */
}

static void
open_group(struct compiler *c, long label)
{
    if (c->ngroups == GROUPS_MAX)
        return;
    c->group[c->ngroups].label = label;
    c->group[c->ngroups++].first = c->plan->nsteps + 1;
}

static void
end_group(struct compiler *c)
{
    release(c, c->in_commands);
    if (c->has_last) {
        emit(c, &c->last.find, c->last.span, c->last.text, &c->last.cond);
        held_done(&c->last);
        c->has_last = false;
    }
}

void
flow_group(struct compiler *c, long label, bool option)
{
    struct cond cond = { 0 };
    size_t before = c->ngroups > 0 ? c->group[c->ngroups - 1].first : 0;

    if (c->has_last && label > 1) { /* "complete all steps and retry": not yet */
        release(c, c->in_commands);
    } else {
        end_group(c);
    }
    forget(c);
    if (option && label > 1 && before > 0 && before <= c->plan->nsteps)
        cond = (struct cond){ .when = PLAN_ALTERNATIVE, .of = before };
    set_cond(c, &cond, SCOPE_GROUP);
    c->cond_leads = true;
    if (label > 0) {
        open_group(c, label);
        forward(c, label);
    }
}

void
flow_number(struct compiler *c, long number)
{
    open_group(c, NUMBERED + number);
    forward(c, number);
}

void
flow_block(struct compiler *c, const struct article_block *b)
{
    const struct article_block *at = c->cond_block;
    struct cond none = { 0 };

    c->block = b;
    if (c->scope != SCOPE_NESTED || at == NULL)
        return;
    if (at->kind == ARTICLE_ITEM
            ? b->kind == ARTICLE_ITEM && b->level <= at->level
            : b->kind == ARTICLE_PARAGRAPH && b->level == 0)
        set_cond(c, &none, SCOPE_GROUP);
}

void
flow_end(struct compiler *c)
{
    end_group(c);
    forget(c);
    cond_done(&c->cond);
}

/* ---- one sentence ---- */

/* Does it speak of a command that follows? */
static bool
announces(const struct sentence *s, size_t from)
{
    bool command = has_word(s, from, s->nwords, "command|commands|cmdlet|script");
    bool ahead = has_word(s, from, s->nwords, "below|following|these");
    size_t last = s->nwords - 1;

    return s->nwords > 0 &&
        (word_is(s, last, "run|execute|type|enter|command|commands|running|executing") ||
            (command && ahead) ||
            (s->word[last].after == ':' &&
                (command ||
                    has_word(s, from, s->nwords, "run|running|execute|executing|using"))));
}

static int
by_place(const void *a, const void *b)
{
    const struct find *x = a, *y = b;

    return x->from < y->from ? -1 : x->from > y->from;
}

/* Order the finds, leave out what lies inside a command or another find, and mark "or". */
static void
arrange(struct finds *l, const struct sentence *s)
{
    qsort(l->find, l->n, sizeof(l->find[0]), by_place);
    for (size_t i = 0; i + 1 < l->n;) {
        struct find *a = &l->find[i], *b = &l->find[i + 1];

        if (b->from >= a->to)
            i++;
        else
            find_drop(l, b->command && !a->command ? i : i + 1);
    }
    for (size_t i = 1; i < l->n; i++)
        for (size_t k = 0; k < s->nwords; k++)
            if (s->word[k].from >= l->find[i - 1].to && s->word[k].to <= l->find[i].from &&
                word_is(s, k, "or"))
                l->find[i].alternative = true;
}

/* A sentence with a command: what prose says before it is about it, and a retry that stands
 * before it ("run this and retry: ...") is meant after it. */
static void
about_commands(struct finds *l, const struct sentence *s)
{
    size_t first = SIZE_MAX, last = 0;

    for (size_t i = 0; i < l->n; i++)
        if (l->find[i].command) {
            first = first == SIZE_MAX ? i : first;
            last = i;
        }
    if (first == SIZE_MAX || first == 0)
        return;
    for (size_t i = 0; i < first;) {
        struct find f = l->find[i];
        bool later = is_kind(&f.action, "operation.retry") ||
            is_kind(&f.action, "machine.restart");

        if (l->find[first].alternative || is_kind(&f.action, "windows.installer.run")) {
            i++;
            continue;
        }
        if (!later) {
            find_drop(l, i);
        } else if (announces(s, 0)) {
            memmove(&l->find[i], &l->find[i + 1], (last - i) * sizeof(f));
            l->find[last] = f;
        } else {
            i++;
            continue;
        }
        first--;
        last -= !later;
    }
}

/* "Set the following keys to false" waits for the keys. */
static bool
announces_keys(struct compiler *c, const struct sentence *s)
{
    size_t n = s->nwords;

    if (n < 4 || !has_word(s, 0, n, "following|below|these") ||
        !has_word(s, 0, n, "set|change|update|modify") ||
        !has_word(s, 0, n, "key|keys|reg-key|reg-keys|regkeys|value|values|registry|entries"))
        return false;
    for (size_t i = n - 1; i > 1 && i + 3 > n; i--) {
        const struct word *w = &s->word[i];

        if (!word_is(s, i - 1, "to") || name_is_generic(s->f->s + w->from, w->to - w->from))
            continue;
        free(c->pending_data);
        c->pending_data = strndup(s->f->s + w->from, w->to - w->from);
        c->no_memory = c->no_memory || c->pending_data == NULL;
        return true;
    }
    return false;
}

/* Finds of a notation that says only half: false when there is nothing to do with one. */
static bool
complete_key(struct compiler *c, struct finds *l, struct find *f)
{
    const char *key = c->pending_key, *name, *type, *data = c->pending_data;
    auto_free char *k = NULL, *n = NULL, *d = NULL, *t = NULL;
    bool sure = true;

    if (f->what == FIND_HEAD) {
        free(c->pending_key);
        c->pending_key = strdup(action_get(&f->action, "key"));
        c->no_memory = c->no_memory || c->pending_key == NULL;
        return false;
    }
    if (f->what == FIND_VALUE) {
        data = action_get(&f->action, "data");
        type = action_get(&f->action, "type");
    } else {
        key = action_get(&f->action, "key");
        type = NULL;
    }
    name = action_get(&f->action, "name");
    if (key == NULL || name == NULL || data == NULL)
        return false;
    if (type == NULL)
        type = registry_guess(name, data, &sure);
    k = strdup(key);
    n = strdup(name);
    d = strdup(data);
    t = strdup(type);
    if (k == NULL || n == NULL || d == NULL || t == NULL) {
        c->no_memory = true;
        return false;
    }
    action_done(&f->action);
    action_init(&f->action, action_find("windows.registry.set"));
    registry_set(l, f, k, n, t, d);
    if (!sure) {
        find_note(l, f, "value-type-missing", NULL);
        f->confidence = PLAN_INFERRED;
    }
    return true;
}

static struct article_span
span_of(const struct compiler *c, const struct flat *f, size_t from, size_t to)
{
    size_t off = f->at[from], end = to > from ? f->at[to - 1] + 1 : off;

    return article_part(c->a, c->block->span, off, end > off ? end - off : 0);
}

/* The sentence as one line, for people. */
static char *
words_of(const struct sentence *s)
{
    struct text t = { 0 };
    size_t end = s->to - s->from > 600 ? s->from + 600 : s->to;

    while (end < s->to && end > s->from && ((unsigned char)s->f->s[end] & 0xc0) == 0x80)
        end--;
    for (size_t i = s->from; i < end; i++) {
        char x = s->f->s[i];

        x = x == FLAT_SOFT || x == FLAT_HARD ? ' ' : x;
        if (x != ' ' || (t.len > 0 && t.s[t.len - 1] != ' '))
            text_add(&t, &x, 1);
    }
    while (t.len > 0 && t.s[t.len - 1] == ' ')
        t.s[--t.len] = '\0';
    if (t.s == NULL && !t.no_memory)
        text_str(&t, "");
    return t.s;
}

/* What only looks is no repair, even when the text says so. */
static void
judge(struct finds *l, const struct sentence *s)
{
    bool fix = has_word(s, 0, s->nwords, "fix|fixes|resolve|resolves|repair|repairs|solve") &&
        !has_word(s, 0, s->nwords, "check|verify|see|view|find|list|determine|identify|if");

    for (size_t i = 0; i < l->n; i++) {
        struct find *f = &l->find[i];

        half_installer(l, f, s->f);
        if (s->script && !f->action.kind->person) {
            find_person(l, f, "person.command", s->f->s + f->from, f->to - f->from);
            f->command = true;
            find_note(l, f, "shell-operator", "it is part of a script or of a sample");
        }
        if (f->look && fix) {
            find_person(l, f, f->command ? "person.command" : "person.do",
                s->f->s + f->from, f->to - f->from);
            find_note(l, f, "probe-as-fix", NULL);
        }
    }
}

static void
look(struct compiler *c, struct finds *l, const struct sentence *s)
{
    find_commands(l, s);
    if (!s->code || l->n == 0)
        find_registry(l, s);
    if (!s->code) {
        find_installer(l, s);
        find_download(l, s);
        find_service(l, s);
        find_file(l, s);
        find_machine(l, s, c->about_backup);
        if (l->n == 0 && s->nwords > 0)
            find_person_step(l, s);
    }
    arrange(l, s);
    about_commands(l, s);
    judge(l, s);
}

/* "Restart X if the issue persists": the condition behind. */
static void
behind(struct compiler *c, const struct sentence *s, const struct finds *l,
    struct cond *ret, bool *ret_has)
{
    enum scope scope;

    *ret_has = false;
    for (size_t i = 1; i + 1 < s->nwords && l->n > 0; i++) {
        if (!word_is(s, i, "if|unless") || s->word[i].from < l->find[0].from ||
            (i > 0 && word_is(s, i - 1, "see|check|verify|determine|confirm|even|as")) ||
            (i > 1 && word_is(s, i - 2, "check|verify")))
            continue;
        for (size_t k = 0; k < l->n; k++)
            if (s->word[i].from < l->find[k].to && !l->find[k].action.kind->person)
                return; /* inside a find */
        cond_of(c, s, i + 1, s->nwords, ret, &scope);
        *ret_has = ret->when != PLAN_ALWAYS;
        return;
    }
}

static bool
any_command(const struct finds *l)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->find[i].command)
            return true;
    return false;
}

/* A retry that its own sentence puts at the end of all steps. */
static bool
at_the_end(const struct sentence *s, const struct find *f)
{
    return is_kind(&f->action, "operation.retry") &&
        has_word(s, 0, s->nwords, "below|following|mentioned") &&
        has_word(s, 0, s->nwords, "steps|step|actions|troubleshooting|guidelines") &&
        !has_word(s, 0, s->nwords, "command|commands");
}

static void
put_finds(struct compiler *c, const struct sentence *s, struct finds *l,
    const struct cond *cond, bool wait)
{
    auto_free char *text = words_of(s);

    if (text == NULL) {
        c->no_memory = true;
        return;
    }
    for (size_t i = 0; i < l->n; i++) {
        struct find *f = &l->find[i];
        struct article_span span = span_of(c, s->f, f->from, f->to);

        if (f->what >= FIND_KEY && !complete_key(c, l, f))
            continue;
        if (wait) {
            hold(c, f, span, text, cond);
        } else if (at_the_end(s, f) && !c->has_last) {
            c->last = (struct held){ .find = *f, .span = span, .text = strdup(text) };
            *f = (struct find){ 0 };
            c->has_last = true;
            c->no_memory = c->no_memory || c->last.text == NULL;
        } else {
            emit(c, f, span, text, cond);
        }
    }
}

static void
sentence_rest(struct compiler *c, const struct sentence *s, const struct cond *own,
    bool has_own)
{
    struct finds l = { 0 };
    struct cond trail = { 0 };
    bool has_trail = false, command, wait;
    const struct cond *cond = has_own ? own : &c->cond;

    if (word_is(s, 0, "or|alternatively|alternately") ||
        (s->nwords > 0 && s->word[0].before == '(' && word_is(s, 0, "or")))
        c->alternative = true;
    look(c, &l, s);
    command = any_command(&l);
    if (c->nheld > 0 && !command)
        release(c, c->in_commands);
    c->in_commands = c->nheld > 0 && command;
    wait = !command && !s->code && announces(s, 0);
    if (!has_own)
        behind(c, s, &l, &trail, &has_trail);
    put_finds(c, s, &l, has_trail ? &trail : cond, wait);
    if (!s->code) {
        (void)announces_keys(c, s);
        c->sample = has_word(s, 0, s->nwords,
                        "example|output|outputs|sample|syntax|format|template|e.g|displayed") &&
            (announces(s, 0) || (s->nwords > 0 && s->word[s->nwords - 1].after == ':'));
    }
    c->no_memory = c->no_memory || l.no_memory;
    cond_done(&trail);
    finds_done(&l);
}

/* The sentence from word ${i} on. */
static struct sentence
from_word(const struct sentence *s, size_t i)
{
    struct sentence rest = *s;

    if (i == 0)
        return rest;
    i = i < s->nwords ? i : s->nwords;
    rest.from = i < s->nwords ? s->word[i].from : s->to;
    if (i < s->nwords && s->word[i].before == '"')
        rest.from--;
    rest.word += i;
    rest.nwords -= i;
    return rest;
}

void
flow_sentence(struct compiler *c, const struct sentence *s, bool heading)
{
    struct sentence rest = *s;
    struct cond cond = { 0 };
    enum scope scope = SCOPE_SENTENCE;
    bool has = false, option = false, failure;
    long label = 0, a, b;
    size_t skip = s->code ? 0 : label_read(s, heading, &label, &option), first;

    c->sentence++;
    if (skip > 0) {
        flow_group(c, label, option);
        rest = from_word(s, skip);
    }
    first = s->code ? 0 : cond_read(c, &rest, &cond, &scope, &has);
    failure = has && scope == SCOPE_GROUP;
    if (has) {
        struct sentence then = from_word(&rest, first);

        if (then.nwords > 0 && labels_named(&then, 0, then.nwords, &a, &b) &&
            has_word(&then, 0, then.nwords, "try|perform|follow|do|complete|proceed|go") &&
            rest.f->nlinks == 0) {
            release(c, c->in_commands);
            c->forward_from = a; /* "then try steps 2 and 3", which come below */
            c->forward_to = b;
            c->forward_of = 0;
            cond_done(&cond);
            return;
        }
        if (failure) {
            bool leads;

            release(c, c->in_commands);
            set_cond(c, &cond, SCOPE_GROUP);
            if (!heading)
                sentence_rest(c, &then, NULL, false);
            leads = c->plan->nsteps == 0 || then.nwords == 0 ||
                s->word[s->nwords - 1].after == ':';
            c->cond_leads = leads;
            return;
        }
        if (then.nwords == 0 || s->word[s->nwords - 1].after == ':') {
            release(c, c->in_commands);
            set_cond(c, &cond, SCOPE_NESTED);
            if (then.nwords > 0 && !heading)
                sentence_rest(c, &then, NULL, false);
            return;
        }
        if (!heading)
            sentence_rest(c, &then, &cond, true);
        cond_done(&cond);
        return;
    }
    /* "perform Step 1" alone says nothing */
    if (!heading && rest.nwords > 0)
        sentence_rest(c, &rest, NULL, false);
}
