/* SPDX-License-Identifier: Apache-2.0 */
/* How it works: sentences come in the order of the text.  Each is read for its label and its
 * condition, then all finders look at the rest; what they found goes into the plan under the
 * condition that holds.
 *
 * A sentence that announces a command ("run the command below and retry") waits for it: what
 * it says of the command itself is dropped, a retry comes after it.  Statements that say half
 * (a key alone, a list of values) are completed from what was said before. */
#include <string.h>

#include "compile_internal.h"

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

/* "Restart X if the issue persists": the condition behind; *ret_at is the word it starts at,
 * or how many words there are. */
static void
behind(struct compiler *c, const struct sentence *s, const struct finds *l,
    struct cond *ret, size_t *ret_at)
{
    enum scope scope;

    *ret_at = s->nwords;
    for (size_t i = 1; i + 1 < s->nwords && l->n > 0; i++) {
        if (s->word[i].from >= l->find[l->n - 1].to && moment_behind(s, i)) {
            cond_text(c, s, i, s->nwords, ret);
            *ret_at = i;
            return;
        }
        if (!word_is(s, i, "if|unless") || s->word[i].from < l->find[0].from ||
            (i > 0 && word_is(s, i - 1, "see|check|verify|determine|confirm|even|as")) ||
            (i > 1 && word_is(s, i - 2, "check|verify")))
            continue;
        for (size_t k = 0; k < l->n; k++)
            if (s->word[i].from < l->find[k].to && !l->find[k].action.kind->person)
                return; /* inside a find */
        if (word_is(s, i, "unless"))
            cond_text(c, s, i, s->nwords, ret);
        else
            cond_of(c, s, i + 1, s->nwords, ret, &scope);
        if (ret->when != PLAN_ALWAYS)
            *ret_at = i;
        return;
    }
}

/* A retry that its own sentence puts at the end of all steps. */
static bool
at_the_end(const struct sentence *s, const struct find *f)
{
    return action_is(&f->action, "operation.retry") &&
        has_word(s, 0, s->nwords, "below|following|mentioned") &&
        has_word(s, 0, s->nwords, "steps|step|actions|troubleshooting|guidelines") &&
        !has_word(s, 0, s->nwords, "command|commands");
}

/* The block that comes next; NULL: none. */
static const struct article_block *
next_block(const struct compiler *c)
{
    const struct article_block *b = c->block + 1, *end = c->a->blocks + c->a->nblocks;

    while (b < end && b->kind == ARTICLE_BLANK)
        b++;
    return b < end ? b : NULL;
}

/* Nothing stands behind the sentence in its block. */
static bool
ends_block(const struct sentence *s)
{
    size_t i = s->to;

    while (i < s->f->len && flat_is_blank(s->f->s[i]))
        i++;
    return !s->code && i == s->f->len;
}

static bool
is_code(const struct compiler *c, const struct article_block *b)
{
    return b->kind == ARTICLE_FENCE || b->kind == ARTICLE_INDENTED || block_is_code(c, b);
}

/* Does the text end with a colon? */
static bool
flat_leads(const struct flat *f)
{
    size_t end = f->len;

    while (end > 0 && flat_is_blank(f->s[end - 1]))
        end--;
    return end > 0 && f->s[end - 1] == ':';
}

/* It leads to what comes: to what its colon announces, to the items below its own, or to the
 * code that does what it says ("Restart the service."). */
static bool
leads_on(const struct compiler *c, const struct sentence *s)
{
    const struct article_block *next = next_block(c);

    if (next == NULL || s->code)
        return false;
    if (s->from == 0 && c->block->kind == ARTICLE_ITEM && is_code(c, next) && flat_leads(s->f))
        return true; /* "Free the port.  Run this command:" */
    return ends_block(s) &&
        (sentence_ends(s, ':') ||
            (next->kind == ARTICLE_ITEM && c->block->kind == ARTICLE_ITEM &&
                next->level > c->block->level) ||
            (is_code(c, next) && word_is(s, 0, "disable|enable|reboot|restart|start|stop")));
}

/* A list, code or a part with a heading stands behind it, and may say how it is done. */
static bool
opens_more(const struct compiler *c, const struct sentence *s)
{
    const struct article_block *next = next_block(c);
    const char *t = next == NULL ? NULL : (const char *)c->a->bytes + next->inner.off;

    return next != NULL && ends_block(s) && c->block->kind != ARTICLE_ITEM &&
        (next->kind == ARTICLE_ITEM || next->kind == ARTICLE_HEADING || is_code(c, next) ||
            (next->kind == ARTICLE_PARAGRAPH && next->inner.len > 0 && *t == '*'));
}

/* "The key must be deleted.", and code comes that does it. */
static bool
done_by_code(const struct compiler *c, const struct sentence *s)
{
    const struct article_block *next = next_block(c);

    return s->code || (next != NULL && ends_block(s) && is_code(c, next));
}

/* Code comes behind a sentence that has no end, and all that it asks for itself is for a
 * person: "Restart the daemon:" is the code in words, and no step besides. */
static bool
leads_to_code(const struct compiler *c, const struct sentence *s, const struct finds *l)
{
    const struct article_block *next = next_block(c);

    if (next == NULL || !ends_block(s) || sentence_ends(s, '.') || !is_code(c, next))
        return false;
    for (size_t i = 0; i < l->n; i++)
        if (!action_is(&l->find[i].action, "person.do"))
            return false;
    return true;
}

static void
put_finds(struct compiler *c, const struct sentence *s, struct finds *l,
    const struct cond *cond, bool wait)
{
    auto_free char *text = words_of(s);
    bool opens = opens_more(c, s);

    if (text == NULL) {
        c->no_memory = true;
        return;
    }
    for (size_t i = 0; i < l->n; i++) {
        struct find *f = &l->find[i];
        struct article_span span = span_of(c, s->f, f->from, f->to);

        if (f->what >= FIND_KEY && !complete_key(c, l, f))
            continue;
        f->asks = !around_aside(c) && find_asks(f, s, opens);
        f->idle = f->idle || around_aside(c) ||
            find_is_idle(f, s, c->block->kind != ARTICLE_ITEM);
        f->leads = leads_on(c, s);
        if (wait) {
            flow_hold(c, f, span, text, cond);
        } else if (at_the_end(s, f) && !c->has_last) {
            c->last = (struct held){ .find = *f, .span = span, .text = strdup(text) };
            *f = (struct find){ 0 };
            c->has_last = true;
            c->no_memory = c->no_memory || c->last.text == NULL;
        } else {
            flow_emit(c, f, span, text, cond);
        }
    }
}

/* What stood before the rest of a sentence. */
struct before {
    bool condition, label;
};

static void
sentence_rest(struct compiler *c, const struct sentence *s, const struct cond *own,
    bool has_own, struct before before)
{
    struct finds l = { 0 }, none = { 0 }; /* what a passive says may limit something, too */
    struct cond trail = { 0 };
    size_t to = s->nwords;
    bool command, wait, walk, passive;
    const struct cond *cond = has_own ? own : &c->cond;

    if (word_is(s, 0, "or|alternatively|alternately") ||
        (s->nwords > 0 && s->word[0].before == '(' && word_is(s, 0, "or")))
        c->alternative = true;
    find_all(c, &l, s);
    pair_finds(&l, s);
    walk = !has_own && walk_read(c, &l, s);
    passive = !walk && !done_by_code(c, s) && l.n == 0 && find_passive(&l, s);
    if (!has_own)
        behind(c, s, &l, &trail, &to);
    if (trail.when == PLAN_IF)
        cond_join(c, &trail, &c->cond);
    if (!walk || finds_command(&l))
        around_sentence(c, passive ? &none : &l, s, to, before.condition, before.label);
    scope_item(c, s, &l, before.condition);
    if (!s->code)
        c->around.cond_unit = has_own ? c->around.nunit : 0;
    command = finds_command(&l);
    if (c->nheld > 0 && !command)
        flow_release(c, c->in_commands);
    c->in_commands = c->nheld > 0 && command;
    wait = !command && !s->code && (announces_command(s, 0) || leads_to_code(c, s, &l));
    for (size_t i = 0; walk && i < l.n; i++) {
        l.find[i].walk = true; /* what it leads to is the step */
        l.find[i].idle = !walk_edits(s) && !l.find[i].command;
    }
    put_finds(c, s, &l, to < s->nwords ? &trail : cond, wait);
    if (!s->code) {
        (void)announces_keys(c, s);
        c->sample = has_word(s, 0, s->nwords,
                        "example|output|outputs|sample|syntax|format|template|e.g|displayed") &&
            (announces_command(s, 0) || (s->nwords > 0 && s->word[s->nwords - 1].after == ':'));
    }
    if (trail.when == PLAN_IF && !command && s->word[s->nwords - 1].after == ':')
        flow_cond(c, &trail, SCOPE_NESTED); /* "Restart them if they hang:" */
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

/* The sentence without its condition, which is read: what does it hold for? */
static void
conditional(struct compiler *c, const struct sentence *s, const struct sentence *then,
    struct cond *cond, bool failure, bool label)
{
    const struct before before = { true, label };
    long a, b;

    if (then->nwords > 0 && labels_named(then, 0, then->nwords, &a, &b) &&
        has_word(then, 0, then->nwords, "try|perform|follow|do|complete|proceed|go") &&
        then->f->nlinks == 0) {
        flow_release(c, c->in_commands);
        c->forward_from = a; /* "then try steps 2 and 3", which come below */
        c->forward_to = b;
        c->forward_of = 0;
    } else if (failure) {
        bool leads;

        flow_release(c, c->in_commands);
        flow_cond(c, cond, SCOPE_GROUP);
        sentence_rest(c, then, NULL, false, before);
        leads = c->plan->nsteps == 0 || then->nwords == 0 ||
            s->word[s->nwords - 1].after == ':';
        c->cond_leads = leads;
    } else if (then->nwords == 0 || s->word[s->nwords - 1].after == ':' ||
        word_is(s, s->nwords - 1, "run|execute|type|enter|use|following|follows") ||
        has_phrase(then, 0, then->nwords, "these steps") || cond->stays) {
        flow_release(c, c->in_commands);
        if (cond->stays)
            flow_stay(c, cond);
        else
            flow_cond(c, cond, SCOPE_NESTED);
        if (then->nwords > 0)
            sentence_rest(c, then, NULL, false, before);
    } else {
        sentence_rest(c, then, cond, true, before);
    }
    cond_done(cond);
}

void
flow_title(struct compiler *c, const struct sentence *s)
{
    struct cond cond = { 0 };
    const char *os = NULL;
    size_t from = 0, to = s->nwords;
    bool named = s->nwords > 0 &&
        (names_platform(s, true, &os) || (from = platform_behind(s, &os)) > 0);

    if (!named && (from = headed_if(s)) > 0)
        cond_text(c, s, from, to, &cond);
    else if (named ? os == NULL : title_limits(s, &from, &to, &os))
        cond_text(c, s, from, to, &cond);
    if (os != NULL) /* only what no kind says itself: a restart */
        c->title = (struct cond){ .when = cond.when, .text = take(cond.text) };
    else
        flow_head(c, &cond);
    cond_done(&cond);
}

/* A heading only says when. */
static void
flow_headline(struct compiler *c, const struct sentence *s, const struct sentence *rest)
{
    struct cond cond = { 0 };
    enum scope scope = SCOPE_SENTENCE;
    const char *os = NULL;
    bool has = false;
    size_t first = rest->nwords, from = 0;
    struct sentence head = *s;

    if (names_platform(rest, true, &os))
        cond_text(c, rest, 0, rest->nwords, &cond);
    else if ((from = platform_behind(rest, &os)) == 0)
        first = cond_read(c, rest, &cond, &scope, &has);
    if (from > 0) {
        head.nwords -= rest->nwords - from;
        head.to = rest->word[from - 1].to;
        if (os == NULL || c->around.nsection > 0) /* a title "... in Windows" says no more */
            cond_text(c, rest, from, rest->nwords, &cond);
    }
    if (!has && cond.when == PLAN_ALWAYS &&
        (c->around.nsection > 0 || !heading_is_alone(c, s)) && rest->from == s->from &&
        !heading_is_plain(s, false) && heading_tells_case(s)) {
        cond_text(c, rest, 0, rest->nwords, &cond);
        first = rest->nwords;
    }
    if (from == 0 && !has && cond.when == PLAN_ALWAYS && (from = headed_if(rest)) > 0) {
        head.nwords -= rest->nwords - from + 1;
        head.to = rest->word[from - 2].to;
        cond_text(c, rest, from, rest->nwords, &cond);
    }
    cond.os = os;
    cond.stays = false;
    around_heading(c, &head, from == 0 && cond.when == PLAN_IF && first >= rest->nwords);
    flow_head(c, &cond);
    if (cond.when != PLAN_ALWAYS) { /* of a failure */
        flow_release(c, c->in_commands);
        flow_cond(c, &cond, SCOPE_GROUP);
        c->cond_leads = true;
    }
}

/* May a condition in words stand with the one that holds?  With a step's failure it may not: no
 * step has both. */
static bool
takes_condition(const struct compiler *c)
{
    return c->cond.when == PLAN_ALWAYS || c->cond.when == PLAN_IF;
}

/* A note beside the steps. */
static void
quoted(struct compiler *c, const struct sentence *s)
{
    struct finds none = { 0 };

    if (s->code || !walk_read(c, &none, s) || none.n > 0)
        around_sentence(c, &(struct finds){ 0 }, s, s->nwords, false, false);
    finds_done(&none);
}

/* "Ubuntu:", "To install it on Ubuntu, do this:", "This page shows it for Ubuntu.": it names
 * the system of what comes, and says no more. */
static bool
names_system(struct compiler *c, const struct sentence *rest)
{
    struct cond cond = { 0 };
    const char *os = NULL;
    size_t first = 0, to = 0;

    if (takes_condition(c) &&
        (names_platform(rest, false, &os) ||
            (first = platform_in_purpose(rest, &to, &os)) > 0)) {
        cond_text(c, rest, first, first > 0 ? to : rest->nwords, &cond);
        cond.os = os;
        cond.platform = true;
        flow_release(c, c->in_commands);
        flow_stay(c, &cond);
        return true;
    }
    if (tells_subject(rest) && (first = platform_behind(rest, &os)) > 0) {
        if (os == NULL) /* all of the section is about it */
            cond_text(c, rest, first, rest->nwords, &cond);
        flow_head(c, &cond);
        return true;
    }
    return false;
}

/* The sentence has the condition ${cond}, which is taken: it ends before word ${first}. */
static void
under_condition(struct compiler *c, const struct sentence *s, const struct sentence *rest,
    struct cond *cond, size_t first, bool failure, bool label)
{
    struct sentence then = from_word(rest, first);
    bool text = cond->when == PLAN_IF;
    bool answers = text && in_list(cond->text, strlen(cond->text), "no|not|so|yes");

    if (answers)
        cond_answer(c, cond);
    if (text && c->block->kind == ARTICLE_PARAGRAPH)
        c->around.case_section = c->around.nsection + 1;
    if (text && (c->cond.stays || c->scope == SCOPE_HEADING || c->cond_block != c->block))
        cond_join(c, cond, &c->cond);
    if (text && !takes_condition(c))
        around_unclear(c, s);
    conditional(c, s, &then, cond, failure, label);
    if (answers) /* for how much of what follows? */
        around_unclear(c, s);
}

static void
read_sentence(struct compiler *c, const struct sentence *s, bool heading)
{
    bool has = false, option = false;
    long label = 0;
    size_t skip = s->code ? 0 : label_read(s, heading, &label, &option), first = 0;
    struct sentence rest = from_word(s, skip);
    struct cond cond = { 0 };
    enum scope scope = SCOPE_SENTENCE;
    const char *os = NULL;

    c->sentence++;
    if (c->block->kind == ARTICLE_QUOTE) {
        quoted(c, s);
        return;
    }
    if (skip > 0)
        flow_group(c, label, option);
    if (heading) {
        flow_headline(c, s, &rest);
        return;
    }
    if (is_listed_name(c, &rest) || scope_symptom(c, s))
        return;
    if (!s->code) {
        choice_read(c, &rest);
        if (names_system(c, &rest))
            return;
        if ((takes_condition(c) && (first = platform_at(&rest, &os)) > 0) ||
            (first = manner_at(&rest)) > 0) {
            cond_text(c, &rest, 0, first, &cond);
            cond.os = os;
            has = true;
        } else {
            first = cond_read(c, &rest, &cond, &scope, &has);
        }
        scope_sentence(c, s, &rest, &cond, has ? first : SIZE_MAX);
    }
    if (has && cond.when == PLAN_IF && scope_wish(c, &rest, first)) {
        flow_head(c, &cond);
        cond_done(&cond);
        return;
    }
    if (has)
        under_condition(c, s, &rest, &cond, first, scope == SCOPE_GROUP, skip > 0);
    else if (rest.nwords > 0) /* "perform Step 1" alone says nothing */
        sentence_rest(c, &rest, NULL, false, (struct before){ false, skip > 0 });
}

void
flow_sentence(struct compiler *c, const struct sentence *s, bool heading)
{
    read_sentence(c, s, heading);
    if (!s->code)
        around_said(c, s);
}
