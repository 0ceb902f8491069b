/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions as wording carries them: "if that fails", "if steps 1 and 2 do not help", "if
 * you still have trouble with the installation", "for every writer that is not stable".
 *
 * A condition that speaks of failure holds to the end of its group, because people write the
 * next steps beside it and not below it; another one holds for its sentence, or, when the
 * sentence only leads to a list, for what is nested below. */
#include <string.h>

#include "compile_internal.h"

/* A condition of this length gets no more parts, only the sign that there are some. */
enum { LONG_TEXT = 1000 };

void
cond_done(struct cond *c)
{
    free(c->text);
    *c = (struct cond){ 0 };
}

bool
cond_copy(struct cond *to, const struct cond *from)
{
    *to = *from;
    if (from->text != NULL) {
        to->text = strdup(from->text);
        return to->text != NULL;
    }
    return true;
}

size_t
unsolved_after(const struct compiler *c, size_t from, size_t to)
{
    for (size_t i = to; i >= from && i > 0; i--)
        if (action_is(&c->plan->steps[i - 1].action, "operation.retry"))
            return i;
    while (to > from && c->plan->steps[to - 1].when == PLAN_ALTERNATIVE)
        to--;
    return to >= from ? to : 0;
}

static size_t
last_install(const struct compiler *c)
{
    for (size_t i = c->plan->nsteps; i > 0; i--)
        if (c->plan->steps[i - 1].action.kind->risk == RISK_INSTALL)
            return i;
    return 0;
}

static bool
number_word(const struct sentence *s, size_t i, long *ret)
{
    const struct word *w;
    long n = 0;

    if (i >= s->nwords)
        return false;
    w = &s->word[i];
    if (w->to == w->from || w->to - w->from > 2)
        return false;
    for (size_t k = w->from; k < w->to; k++) {
        if (s->f->s[k] < '0' || s->f->s[k] > '9')
            return false;
        n = n * 10 + (s->f->s[k] - '0');
    }
    *ret = n;
    return n > 0;
}

size_t
label_read(const struct sentence *s, bool heading, long *ret_label, bool *ret_option)
{
    bool step = word_is(s, 0, "step");
    char after;

    *ret_option = word_is(s, 0, "method|option|solution|workaround|approach|alternative");
    if ((!step && !*ret_option) || !number_word(s, 1, ret_label))
        return 0;
    after = s->word[1].after;
    if (s->nwords == 2 || heading || (after != 0 && strchr(":.)", after) != NULL))
        return 2;
    return word_is(s, 2, "-|\xe2\x80\x93|\xe2\x80\x94") ? 3 : 0;
}

bool
labels_named(const struct sentence *s, size_t from, size_t to, long *ret_first, long *ret_last)
{
    for (size_t i = from; i < to; i++) {
        long n;

        if (!word_is(s, i, "step|steps") || !number_word(s, i + 1, &n))
            continue;
        *ret_first = *ret_last = n;
        for (size_t k = i + 2; k < to && k < i + 12; k++) {
            if (number_word(s, k, &n)) {
                *ret_first = n < *ret_first ? n : *ret_first;
                *ret_last = n > *ret_last ? n : *ret_last;
            } else if (!word_is(s, k, "and|or|to|through|-|&|step|steps")) {
                break;
            }
        }
        return true;
    }
    return false;
}

/* The last step of the group of ${label}; 0 when there is no such group. */
static size_t
group_end(const struct compiler *c, long label, size_t *ret_first)
{
    for (int pass = 0; pass < 2; pass++, label += NUMBERED)
        for (size_t i = c->ngroups; i > 0; i--) {
            if (c->group[i - 1].label != label)
                continue;
            *ret_first = c->group[i - 1].first;
            for (size_t k = i; k < c->ngroups; k++)
                if (c->group[k].label < NUMBERED ||
                    (label > NUMBERED && c->group[k].label > label))
                    return c->group[k].first - 1;
            return c->plan->nsteps;
        }
    return 0;
}

static bool
fails(const struct sentence *s, size_t from, size_t to)
{
    return has_word(s, from, to,
               "fail|fails|failed|failing|failure|error|errors|issue|issues|problem|problems|"
               "trouble|unsuccessful|unable|cannot|can't|unresolved|persist|persists|persisted|"
               "continue|continues|still|remains|recurs|reoccurs|unsolved") ||
        (has_word(s, from, to, "not|doesn't|didn't|don't") &&
            has_word(s, from, to,
                "resolve|resolved|help|work|fix|fixed|succeed|succeeds|successful|solve|solved|"
                "complete|completed"));
}

static bool
persists(const struct sentence *s, size_t from, size_t to)
{
    return has_word(s, from, to,
               "persist|persists|persisted|still|continue|continues|remains|recurs|reoccurs|"
               "again|unresolved|unsolved") ||
        (has_word(s, from, to, "not|doesn't|didn't|don't") &&
            has_word(s, from, to, "resolve|resolved|help|work|fix|fixed|solve|solved"));
}

/* Does it say more than that something failed?  Then all of it is the condition. */
static bool
says_more(const struct sentence *s, size_t from, size_t to)
{
    for (size_t i = from; i < to;) {
        size_t n = 0;

        if (service_at(s, i, &n) != NULL && n > 0) {
            i += n;
            continue;
        }
        if (!is_number(s, i) &&
            !word_is(s, i,
                "a|above|again|all|an|and|any|are|backup|backups|been|both|can't|cannot|"
                "command|commands|complete|completed|completes|continue|continues|did|didn't|"
                "do|does|doesn't|don't|during|encounter|error|errors|executing|experience|"
                "experiencing|extension|face|fail|failed|failing|fails|failure|fix|fixed|"
                "following|get|have|help|helped|in|install|installation|installed|installer|"
                "installing|is|issue|issues|it|its|job|machine|method|method|no|not|of|"
                "operation|or|our|persist|persisted|persists|previous|problem|problems|reboot|"
                "rebooting|recurs|remains|reoccurs|resolve|resolved|restart|restarting|retry|"
                "running|same|see|service|service's|services|setup|snapshot|solve|solved|step|"
                "steps|still|succeed|succeeds|successful|that|the|these|this|through|to|"
                "trouble|trying|unable|unresolved|unsolved|unsuccessful|vm|vss|was|were|with|"
                "work|works|writer|writers|you|your"))
            return true;
        i++;
    }
    return false;
}

void
cond_text(struct compiler *c, const struct sentence *s, size_t from, size_t to,
    struct cond *ret)
{
    size_t a = s->word[from].from, b = s->word[to - 1].to;
    struct text t = { 0 };

    if (s->f->s[b] == ')' && memchr(s->f->s + a, '(', b - a) != NULL)
        b++;
    ret->when = PLAN_IF;
    for (size_t i = a; i < b; i++) {
        char x = s->f->s[i];

        if (x == FLAT_SOFT || x == FLAT_HARD)
            x = ' ';
        if (x != ' ' || (t.len > 0 && t.s[t.len - 1] != ' '))
            text_add(&t, &x, 1);
    }
    if (t.no_memory || t.s == NULL) {
        c->no_memory = true;
        text_done(&t);
        return;
    }
    ret->text = t.s;
}

/* ${cond} has the words ${t}, which is taken; false: memory is short, and it keeps its own. */
static bool
reword(struct compiler *c, struct cond *cond, struct text *t)
{
    if (t->no_memory) {
        c->no_memory = true;
        text_done(t);
        return false;
    }
    free(cond->text);
    cond->text = t->s;
    return true;
}

void
cond_join(struct compiler *c, struct cond *cond, const struct cond *outer)
{
    static const char more[] = "; \xe2\x80\xa6";
    struct text t = { 0 };
    size_t n;

    if (outer->when != PLAN_IF)
        return;
    n = strlen(outer->text);
    if (n < LONG_TEXT)
        text_fmt(&t, "%s; %s", outer->text, cond->text);
    else /* a paragraph of nothing else costs no more than its length */
        text_fmt(&t, "%s%s", outer->text,
            strcmp(outer->text + n - strlen(more), more) == 0 ? "" : more);
    if (reword(c, cond, &t))
        cond->os = NULL;
}

void
cond_answer(struct compiler *c, struct cond *cond)
{
    struct text t = { 0 };

    if (c->said.text[0] == '\0')
        return;
    text_fmt(&t, "%s (%s)", cond->text, c->said.text);
    (void)reword(c, cond, &t);
}

void
cond_of(struct compiler *c, const struct sentence *s, size_t from, size_t to,
    struct cond *ret, enum scope *ret_scope)
{
    size_t n = c->plan->nsteps, first = 1, end;
    long a, b;

    *ret = (struct cond){ 0 };
    *ret_scope = SCOPE_GROUP;
    /* "because it is disabled", "with error 1058" */
    if (to <= from || n == 0 || c->cond.stays || c->heading.when == PLAN_IF ||
        says_more(s, from, to) ||
        has_phrase(s, from, to, "with error") || !fails(s, from, to)) {
        *ret_scope = SCOPE_SENTENCE;
        if (to > from)
            cond_text(c, s, from, to, ret);
        return;
    }
    if (labels_named(s, from, to, &a, &b) && (end = group_end(c, b, &first)) > 0) {
        (void)group_end(c, a, &first);
        ret->when = PLAN_UNSOLVED;
        ret->of = unsolved_after(c, first, end);
    } else if (has_word(s, from, to,
                   "install|installing|installation|installer|setup|installed") &&
        last_install(c) > 0) {
        ret->when = PLAN_FAILED;
        ret->of = last_install(c);
    } else if (persists(s, from, to) ||
        has_word(s, from, to, "backup|operation|snapshot|job|retry")) {
        ret->when = PLAN_UNSOLVED;
        ret->of = unsolved_after(c, 1, n);
    } else if (has_word(s, from, to, "fail|fails|failed|unsuccessful|unable|not|doesn't") &&
        has_word(s, from, to, "that|this|it|above|previous|command|step|steps|both")) {
        bool retry = action_is(&c->plan->steps[n - 1].action, "operation.retry");

        ret->when = retry ? PLAN_UNSOLVED : PLAN_FAILED;
        ret->of = n;
    } else {
        *ret_scope = SCOPE_SENTENCE;
        cond_text(c, s, from, to, ret);
    }
    if (ret->when != PLAN_IF && ret->of == 0)
        *ret = (struct cond){ 0 };
}

/* Where the condition that starts at word ${i} ends: at "then", or at a comma or colon, of
 * which that counts after which an instruction starts ("If A, B or C, do D"). */
static size_t
cond_end(const struct sentence *s, size_t i, size_t *ret_rest)
{
    size_t comma = SIZE_MAX;
    bool verb = false;

    if (word_is(s, i, "no|not|so|yes") && (is_verb(s, i + 1) || is_order(s, i + 1))) {
        *ret_rest = i + 1; /* "If not check whether ..." */
        return i + 1;
    }
    for (size_t k = i; k < s->nwords; k++) {
        verb = verb || (comma != SIZE_MAX && is_verb(s, k));
        if (word_is(s, k, "then") && k > i && !verb) {
            *ret_rest = k + 1;
            return k;
        }
        if (s->word[k].after != ',' && s->word[k].after != ':')
            continue;
        comma = comma == SIZE_MAX ? k + 1 : comma;
        if (is_verb(s, k + 1) || word_is(s, k + 1, "please|you")) {
            comma = k + 1;
            break;
        }
    }
    if (comma == SIZE_MAX) { /* "If the above fails try ..." */
        for (size_t k = i + 2; k < s->nwords; k++)
            if (is_verb(s, k) && word_is(s, k - 1,
                                     "fails|fail|failed|persists|needed|required|exists|error|"
                                     "issue|installation|problem|work|help|again|stopped"))
                comma = k;
    }
    *ret_rest = comma == SIZE_MAX ? s->nwords : comma;
    return *ret_rest;
}

/* "Once both have finished, ...", "Start it if it is stopped: COMMAND". */
static size_t
moment_read(struct compiler *c, const struct sentence *s, size_t start, struct cond *ret,
    enum scope *ret_scope, bool *ret_has)
{
    size_t from = start, end = moment_at(s, start);

    *ret_scope = SCOPE_NESTED;
    if (end > 0) {
        cond_text(c, s, start, end, ret);
        ret->stays = true;
    } else if ((end = cond_within(s, &from)) > 0) {
        cond_text(c, s, from + word_is(s, from, "if"), end, ret);
        *ret_scope = SCOPE_SENTENCE;
    }
    *ret_has = end > 0;
    return end;
}

size_t
cond_read(struct compiler *c, const struct sentence *s, struct cond *ret,
    enum scope *ret_scope, bool *ret_has)
{
    size_t start = 0, rest = 0, end;

    *ret_has = false;
    *ret = (struct cond){ 0 };
    while (word_is(s, start, "note|important|tip|and|but|however|or|so"))
        start++;
    if (words_are(s, start, "for instance") > 0 || words_are(s, start, "for example") > 0)
        start += 2;
    if (word_is(s, start, "for") && word_is(s, start + 1, "each|every|any|all")) {
        size_t n = c->plan->nsteps;

        while (n > 0 && strcmp(c->plan->steps[n - 1].action.kind->name,
                            "windows.vss.writers") != 0)
            n--;
        end = cond_end(s, start, &rest);
        if (n == 0 || !has_word(s, start, end, "writer|writers"))
            return 0;
        *ret = (struct cond){ .when = PLAN_EACH, .of = n };
        *ret_scope = SCOPE_GROUP;
        *ret_has = true;
        return rest;
    }
    if (words_are(s, start, "in case") > 0)
        start += 2 + word_is(s, start + 2, "of|that");
    else if (word_is(s, start, "if"))
        start++;
    else
        return moment_read(c, s, start, ret, ret_scope, ret_has);
    end = cond_end(s, start, &rest);
    *ret_has = end > start;
    cond_of(c, s, start, end, ret, ret_scope);
    return rest;
}
