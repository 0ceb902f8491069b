/* SPDX-License-Identifier: Apache-2.0 */
/* What stands around an action: headings above it, the words that lead to it, the sentences
 * beside it.  Each of these has to be understood too, be harmless by its form, or be a step of
 * its own; else what it reaches is for a person.
 *
 * Reach: a heading reaches all below it; words that lead to a list or to code reach that; a
 * sentence before the first action of its section reaches the section; one beside an action
 * reaches the item or paragraph; one after it, in a paragraph of its own, reaches what stands
 * before it, and all of the section when it speaks of the procedure. */
#include <stdio.h>
#include <string.h>

#include "compile_internal.h"
#include "utf8.h"

static const char surroundings[] = "surroundings";

enum { BOLD_LEVEL = 7 }; /* the level of a heading that is only a bold line */

/* ---- reach ---- */

/* What is not understood is all of ${s}, or its word ${at}. */
static struct why
why_of(const struct sentence *s, size_t at)
{
    size_t from = at < s->nwords ? s->word[at].from : s->from, to = s->to;
    struct why w;
    size_t n = 0;

    for (size_t i = from; i < to && n < WHY_MAX - 1; i++) {
        char x = s->f->s[i];

        x = x == FLAT_SOFT || x == FLAT_HARD || (unsigned char)x < ' ' ? ' ' : x;
        if (x != ' ' || (n > 0 && w.text[n - 1] != ' '))
            w.text[n++] = x;
    }
    n = utf8_whole(w.text, n);
    while (n > 0 && w.text[n - 1] == ' ')
        n--;
    w.text[n] = '\0';
    return w;
}

static char *
explain(const struct why *w)
{
    struct text t = { 0 };

    text_fmt(&t, "firn does not know what this limits: %s", w->text);
    return t.s;
}

/* Steps that came before, back to unit ${unit} of the section, are for a person after all:
 * those that change something, or ${all}. */
static void
reach_back(struct compiler *c, size_t unit, const struct sentence *s, bool all)
{
    struct why why = why_of(s, SIZE_MAX);
    auto_free char *text = explain(&why);

    for (size_t i = c->plan->nsteps; i > 0; i--) {
        struct plan_step *p = &c->plan->steps[i - 1];

        if (c->place[i - 1].section != c->around.nsection || c->place[i - 1].unit < unit)
            return;
        if (plan_step_runs(p) && (all || p->action.kind->risk != RISK_READ ||
                action_is(&p->action, "machine.wait")))
            step_leave(c, p, surroundings, text);
    }
}

/* ... and those of all sections. */
static void
reach_all(struct compiler *c, const struct sentence *s)
{
    struct why why = why_of(s, SIZE_MAX);
    auto_free char *text = explain(&why);

    for (size_t i = 0; i < c->plan->nsteps; i++) {
        struct plan_step *p = &c->plan->steps[i];

        if (plan_step_runs(p) && p->action.kind->risk != RISK_READ)
            step_leave(c, p, surroundings, text);
    }
}

/* The last unit of the section that has steps; 0: none has. */
static size_t
last_unit(const struct compiler *c)
{
    size_t n = c->plan->nsteps;

    while (n > 0 && c->place[n - 1].passive)
        n--;
    return n > 0 && c->place[n - 1].section == c->around.nsection ? c->place[n - 1].unit : 0;
}

static void
set_lead(struct compiler *c, const struct sentence *s)
{
    const struct article_block *at = c->around.lead_block;

    if (c->around.lead.text[0] != '\0' && c->around.lead_keeps &&
        at->kind == ARTICLE_ITEM && at->level < c->block->level)
        return; /* what it stands in reaches further */
    c->around.lead = why_of(s, SIZE_MAX);
    c->around.lead_block = c->block;
    c->around.lead_back = takes_back(s);
    c->around.lead_keeps = c->around.lead_keeps && at == c->block;
    /* "Edit the file as below:" is done with the code that follows it */
    c->around.lead_ends = is_order(s, 0) && !tells_to_run(s) && !sets_place(s) &&
        !limits(s, LIMITS_SECTION) && !has_word(s, 0, s->nwords, "each|every|both|all|steps");
}

/* All of the section above level ${level} is for a person from now on. */
static void
set_level(struct compiler *c, const struct why *why, long level)
{
    if (c->around.section.text[0] != '\0' && c->around.section_level < level)
        return; /* one that reaches further is there */
    c->around.section = *why;
    c->around.section_level = level;
}

static void
set_section(struct compiler *c, const struct sentence *s)
{
    struct why why = why_of(s, SIZE_MAX);

    set_level(c, &why, c->around.now - c->around.frame);
}

/* Does what an item of a list says hold for the items after it, too? */
static bool
reaches_on(const struct sentence *s)
{
    return sets_place(s) || leaves_system(s) || word_is(s, s->nwords - 1, "there") ||
        has_word(s, 0, s->nwords,
            "log|login|connect|switch|procedure|steps|following|below|rest|order|each|every|"
            "temporarily|skip|continue|here|alone|article|guide|gone|leave|leaving|reading|"
            "ticket");
}

/* A sentence that limits something, and is no heading and leads to nothing. */
static void
limit(struct compiler *c, const struct sentence *s)
{
    size_t unit = last_unit(c);
    bool item = c->block->kind == ARTICLE_ITEM;
    bool mention = has_word(s, 0, s->nwords,
            "not|never|no|only|except|unless|instead|otherwise|leave|skip|omit|if|when|before|"
            "after|without|already|don't|doesn't|isn't|aren't|cannot|can't|should|back|undo|"
            "revert|again|need|needed|needs|require|requires|required|first|forbidden|allowed|"
            "approval|excluded|exempt") &&
        (mentions_step(c, s) || speaks_of(c, s));
    bool all = has_word(s, 0, s->nwords, "procedure|steps|above|commands|changes") ||
        has_phrase(s, 0, s->nwords, "this step");
    bool spares = has_word(s, 0, s->nwords, "leave|skip|omit") && sets_place(s);

    if (unit == 0 && (!item || all || reaches_on(s) || c->around.frame)) {
        if (c->around.frame && (all || names_role(s) || names_kind(s)))
            reach_all(c, s);
        set_section(c, s);
        return;
    }
    c->around.unit = why_of(s, SIZE_MAX);
    if (item ? reaches_on(s)
             : sets_place(s) &&
                has_word(s, 0, s->nwords, "steps|following|below|procedure|commands"))
        set_section(c, s);
    if (unit == 0)
        return;
    if (unit == c->around.nunit || all || mention || spares ||
        has_word(s, 0, s->nwords,
            "instead|leave|skip|otherwise|back|undo|revert|excluded|exempt|themselves|first|"
            "beforehand|prior") ||
        (!item && has_word(s, 0, s->nwords, "it|this|these|them|those|only")))
        reach_back(c, all || mention || spares ? 0 : unit, s, all);
}

void
around_unclear(struct compiler *c, const struct sentence *s)
{
    c->around.unit = why_of(s, SIZE_MAX);
}

void
around_said(struct compiler *c, const struct sentence *s)
{
    c->said = why_of(s, SIZE_MAX);
}

void
around_scope(struct compiler *c, const struct sentence *s, bool back)
{
    set_section(c, s);
    if (back)
        reach_back(c, 0, s, true);
}

bool
around_introduces(const struct compiler *c)
{
    return last_unit(c) == 0;
}

bool
around_aside(const struct compiler *c)
{
    return c->around.way.text[0] != '\0' ||
        (c->around.lead.text[0] != '\0' && c->around.lead_back);
}

void
around_offer(struct compiler *c, const struct sentence *s)
{
    set_lead(c, s);
    c->around.lead_ends = false;
    c->around.lead_keeps = true;
    if (c->block->kind != ARTICLE_ITEM)
        c->around.way = why_of(s, SIZE_MAX);
}

void
around_markup(struct compiler *c, const char *s, size_t len)
{
    struct why why = { "" };
    size_t n = utf8_whole(s, len < WHY_MAX - 1 ? len : WHY_MAX - 1);

    for (size_t i = 0; i < n; i++)
        why.text[i] = (unsigned char)s[i] < ' ' ? ' ' : s[i];
    set_level(c, &why, c->around.now);
}

void
around_all(struct compiler *c, const struct sentence *s)
{
    struct why why = why_of(s, SIZE_MAX);

    reach_all(c, s);
    set_level(c, &why, -1);
}

void
around_ways(struct compiler *c, const struct sentence *s)
{
    struct why why = why_of(s, SIZE_MAX);

    set_level(c, &why, c->around.now - 1);
}

void
around_title(struct compiler *c)
{
    const char *t = c->a->title, *only = t != NULL ? strcasestr(t, " only") : NULL;

    c->around.nunit = 1;
    if (only != NULL && strchr(" )]:", only[5]) != NULL) {
        snprintf(c->around.below.text, WHY_MAX, "%s", only + 1);
        c->around.below.text[utf8_whole(c->around.below.text,
            strlen(c->around.below.text))] = '\0';
    }
}

void
around_block(struct compiler *c, const struct article_block *b)
{
    const struct article_block *at = c->around.lead_block;
    bool unit = b->kind == ARTICLE_ITEM || b->kind == ARTICLE_HEADING ||
        (b->kind == ARTICLE_PARAGRAPH && b->level == 0 && !block_is_code(c, b));

    if (unit && b->kind != ARTICLE_ITEM)
        c->around.way.text[0] = '\0';
    if (unit) {
        c->around.nunit++;
        c->around.unit.text[0] = '\0';
        c->around.before.text[0] = '\0';
    }
    if (at == NULL)
        return;
    if (unit && b->kind == ARTICLE_PARAGRAPH && c->around.lead.text[0] != '\0' &&
        at->kind == ARTICLE_PARAGRAPH)
        c->ended = c->around.lead; /* its list may go on below */
    if (c->around.lead_ends && b != at && b->kind == ARTICLE_PARAGRAPH && b->level > 0 &&
        b->level <= at->level && !block_is_code(c, b))
        c->around.lead.text[0] = '\0';
    if (at->kind == ARTICLE_ITEM || at->level > 0
            ? b->kind == ARTICLE_ITEM && b->level <= at->level
            : unit && b->kind != ARTICLE_ITEM)
        c->around.lead.text[0] = '\0';
}

void
around_heading(struct compiler *c, const struct sentence *s, bool read)
{
    long level = c->block->kind == ARTICLE_HEADING ? (long)c->block->level : BOLD_LEVEL;
    bool first = c->around.nsection == 0 && heading_is_alone(c, s);
    bool plain = !names_way(s) && (read || heading_is_plain(s, first));

    if (has_word(s, 0, s->nwords, "exception|exceptions"))
        reach_all(c, s);

    c->around.lead.text[0] = '\0';
    c->around.before.text[0] = '\0';
    c->around.now = level;
    if (level <= c->around.section_level)
        c->around.section.text[0] = '\0';
    c->around.nsection++;
    c->around.frame = heading_is_frame(s);
    plain = !scope_other_way(c, s, level) && plain;
    if (c->around.below.text[0] != '\0' && level > c->around.level)
        return;
    c->around.below = plain ? (struct why){ "" } : why_of(s, SIZE_MAX);
    c->around.level = level;
}

static bool
any_runs(const struct finds *l)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->find[i].action.kind != NULL && !l->find[i].action.kind->person)
            return true;
    return false;
}

/* Leave all that would run to a person. */
static void
leave(struct finds *l, const struct sentence *s, const struct why *why)
{
    auto_free char *text = explain(why);

    l->no_memory = l->no_memory || text == NULL;
    for (size_t i = l->n; i > 0; i--) {
        struct find *f = &l->find[i - 1];

        if (f->action.kind == NULL || f->action.kind->person)
            continue;
        find_person(l, f, f->command ? "person.command" : "person.do", s->f->s + f->from,
            f->to - f->from);
        f->what = FIND_ACTION;
        find_note(l, f, surroundings, text);
    }
}

/* A fact that could take nothing from an action. */
static bool
denies_nothing(const struct sentence *s)
{
    return !has_word(s, 0, s->nwords,
        "not|no|nor|never|none|cannot|can't|don't|doesn't|isn't|aren't|won't|wasn't|hasn't|"
        "forbidden|excluded|exempt|need|needs|needed|necessary|require|requires|required|"
        "already|unless|without|should|"
        "must|but|however|risk|loss|lost|fail|fails|break|breaks|stop|stops");
}

/* What is left of "If it asks again, protection has never been resumed" asks for nothing. */
static bool
case_of_fact(const struct sentence *s)
{
    return tells_fact(s) && !has_word(s, 0, s->nwords,
        "only|skip|done|enough|finished|continue|no|need|needed|necessary|apply|leave|that|it|"
        "section|article|not|doesn't");
}

/* The sentence has a condition, which is read: what does the rest of it limit? */
static void
beside_condition(struct compiler *c, const struct sentence *s, bool introduces)
{
    if (sentence_ends(s, ':') &&
        (sets_place(s) || has_word(s, 0, s->nwords, "temporarily|temporary")))
        set_lead(c, s);
    if (has_word(s, 0, s->nwords, "before|beforehand|first") && !introduces)
        reach_back(c, last_unit(c), s, false);
    if (leads_away(s) && !case_of_fact(s) &&
        !has_phrase(s, 0, s->nwords, "ignore the message")) {
        limit(c, s);
        if (c->block->kind != ARTICLE_ITEM || leaves_procedure(s))
            set_section(c, s);
    }
}

/* It speaks of itself, of the article, or of what an action does. */
static bool
tells_of_itself(const struct sentence *s)
{
    return tells_effect(s) || is_reference(s) || is_precaution(s) || tells_entry(s) ||
        (tells_subject(s) && !has_number(s) && !names_distribution(s));
}

/* It is no sentence, but names a case or a role: what comes is meant for that. */
static bool
names_case(struct compiler *c, const struct sentence *s, bool introduces)
{
    bool item = item_is_case(c, s);

    if (item)
        set_lead(c, s);
    else if (introduces && names_role(s))
        limit(c, s);
    return item || (introduces && names_role(s));
}

/* No action was found in the sentence: what does it say of those around it? */
static void
beside(struct compiler *c, const struct sentence *whole, bool conditional, bool label)
{
    static const struct finds none;
    struct sentence s = without_mark(whole);
    bool introduces = last_unit(c) == 0;
    bool marked = s.nwords < whole->nwords;
    bool alone = c->block->kind == ARTICLE_ITEM && last_unit(c) != c->around.nunit;

    if (s.nwords == 0 || (marked && unaccounted(&s, &none, s.nwords) == SIZE_MAX))
        return;
    if (conditional) {
        beside_condition(c, &s, introduces);
        return;
    }
    if (names_case(c, &s, introduces))
        return;
    if (tells_of_itself(&s) || (introduces && is_imprint(&s)))
        return;
    if (is_fork(&s)) {
        c->around.unit = why_of(&s, SIZE_MAX);
        return;
    }
    if (word_is(&s, 0, "either") && is_verb(&s, 1)) { /* "or do as follows" */
        limit(c, &s);
        set_section(c, &s);
        return;
    }
    if ((sentence_leads(&s) || tells_to_run(&s) ||
            (has_word(&s, 0, s.nwords, "following|follows") &&
                word_is(&s, 0, "after|as|at|before|by|during|each|every|for|from|in|on|once|"
                               "until|when|while|with|without"))) && !tells_command(&s))
        set_lead(c, &s);
    if (sentence_leads(&s))
        return;
    if (!introduces && !alone && has_word(&s, 0, s.nwords, "first|beforehand")) {
        limit(c, &s);
        return;
    }
    if (harmless_order(&s, alone) || tells_problem(&s) || forbids(c, &s) || takes_back(&s) ||
        (label && !limits(&s, LIMITS_HEADING)))
        return;
    if (!marked && tells_fact(&s) && !(introduces && names_distribution(&s)) &&
        (introduces ||
            (!has_word(&s, 0, s.nwords, "only") &&
                (denies_nothing(&s) ||
                    (last_unit(c) != c->around.nunit && !mentions_step(c, &s) &&
                        !speaks_of(c, &s))))))
        return;
    if (introduces && !marked && !c->around.frame && c->block->kind != ARTICLE_ITEM &&
        !limits(&s, LIMITS_SECTION) && !is_verb(&s, 0) &&
        !names_distribution(&s) && !(names_kind(&s) && word_is(&s, 0, "at|for|in|on")))
        return;
    if (last_unit(c) != c->around.nunit && !limits(&s, LIMITS_ACTION) &&
        !is_verb(&s, 0) && !names_kind(&s) && !speaks_of(c, &s) &&
        !word_is(&s, 0, "this|that|it|these|those|on|in|for|at|with|from|during"))
        return;
    limit(c, &s);
}

static bool
asks(const struct why *w)
{
    size_t n = strlen(w->text);

    return n > 0 && w->text[n - 1] == '?';
}

/* What reaches the sentence from around it; NULL: nothing. */
static const struct why *
reaches(const struct compiler *c, bool conditional)
{
    const struct why *const all[] = { &c->around.unit, &c->around.lead, &c->around.way,
        &c->around.section, &c->around.below };

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (all[i]->text[0] != '\0' &&
            /* "Is it running?": what has a condition of its own answers that */
            !(conditional && all[i] == &c->around.below && asks(all[i])))
            return all[i];
    return NULL;
}

/* A clause that the sentence before it goes on with. */
static bool
behind_semicolon(const struct sentence *s)
{
    size_t i = s->from;

    while (i > 0 && s->f->s[i - 1] == ' ')
        i--;
    return i > 0 && s->f->s[i - 1] == ';';
}

/* "If X, do this.  Then do that.": that may be meant under the condition too. */
static bool
goes_on(const struct compiler *c, const struct finds *l, const struct sentence *s)
{
    if (word_is(s, 0, "then|afterwards|and|also") && c->around.cond_unit > 0 &&
        c->around.cond_unit + 1 == c->around.nunit)
        return true;
    return c->around.cond_unit == c->around.nunit &&
        (s->code || behind_semicolon(s) ||
            word_is(s, 0, "then|also|next|afterwards|and|finally|now") ||
            has_word(s, 0, s->nwords, "it|its|them|this") ||
            (l->n > 0 && l->find[0].command && l->find[0].from == s->from));
}

/* All finds stand before word ${i}, and one of them runs. */
static bool
ends_before(const struct finds *l, const struct sentence *s, size_t i)
{
    for (size_t k = 0; k < l->n; k++)
        if (l->find[k].to > s->word[i].from)
            return false;
    return any_runs(l);
}

/* "Or move the folder.", and a list: all of the list is that other way. */
static bool
offers_another_way(const struct compiler *c, const struct sentence *s)
{
    return !s->code && c->block->kind == ARTICLE_PARAGRAPH && c->block->level == 0 &&
        word_is(s, 0, "or|alternatively|alternately") && !announces_command(s, 0);
}

void
around_sentence(struct compiler *c, struct finds *l, const struct sentence *s, size_t to,
    bool conditional, bool label)
{
    const struct why *why = reaches(c, conditional);
    size_t at = s->code ? SIZE_MAX : unaccounted(s, l, to);
    struct why own = at != SIZE_MAX ? why_of(s, at) : (struct why){ "" };

    if (at != SIZE_MAX && ends_before(l, s, at) && orders_besides(s, at)) {
        size_t end = s->word[s->nwords - 1].to;
        struct find *f = find_new(l, s->word[at].from, end, "person.do");

        if (f != NULL)
            find_person(l, f, "person.do", s->f->s + f->from, end - f->from);
        own.text[0] = '\0';
        at = SIZE_MAX;
    }
    if (s->code && c->around.before.text[0] != '\0')
        why = &c->around.before;
    else if (!conditional && goes_on(c, l, s))
        own = why_of(s, SIZE_MAX);
    if (own.text[0] != '\0')
        why = &own;
    if (!conditional && !s->code && is_order(s, 0) && leaves_system(s))
        set_section(c, s);
    if (!s->code)
        c->around.before = at != SIZE_MAX && !tells_effect(s) && !tells_command(s) &&
                !is_reference(s) && !is_precaution(s) &&
                !(tells_fact(s) && !conditional && s->f->s[s->to - 1] == '.')
            ? own
            : (struct why){ "" };
    if (!s->code && c->block->kind == ARTICLE_PARAGRAPH && sets_place(s))
        c->around.case_section = c->around.nsection + 1;
    if (!conditional && leads_in_case(s, c->around.case_section == c->around.nsection + 1))
        around_offer(c, s);
    if (!any_runs(l)) {
        if (offers_another_way(c, s))
            c->around.way = why_of(s, SIZE_MAX);
        else if (at != SIZE_MAX)
            beside(c, s, conditional, label);
        else if (s->code && l->n == 0)
            scope_comment(c, s);
        return;
    }
    if (why != NULL)
        leave(l, s, why);
    if (at == SIZE_MAX || (sentence_leads(s) && tells_command(s)))
        return;
    c->around.unit = why_of(s, SIZE_MAX);
    if (sentence_leads(s))
        set_lead(c, s);
    if ((word_is(s, 0, "on|from|at") && sets_place(s)) ||
        (!finds_command(l) && has_word(s, 0, s->nwords, "order|each|following|steps")))
        set_section(c, s);
}
