/* SPDX-License-Identifier: Apache-2.0 */
/* How it works: blocks in the order of the file, each flattened and cut into sentences for
 * the flow.  What is no procedure is left out: the issue description, symptoms and causes,
 * tables, sections of documents.  Only when nothing else is there are the documents read too,
 * because then they are all that the article has. */
#include <string.h>
#include <strings.h>

#include "codes.h"
#include "compile_internal.h"

enum { FENCE_LINES_MAX = 4096, SENTENCE_WORDS = 64 };

static bool
is_documents(const struct article_section *s)
{
    static const char *const names[] = { "document", "reference", "additional", "see also",
        "more information", "related", "feedback", "frequently asked", "learn more",
        "further reading", "resources" };

    if (s->title == NULL)
        return false;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcasestr(s->title, names[i]) != NULL)
            return true;
    return false;
}

/* What went wrong, and why: nothing there is to be done. */
static bool
is_story(const struct article_section *s)
{
    static const char *const names[] = { "symptom", "symptoms", "cause", "causes", "root cause",
        "problem", "problem description", "issue description", "error message",
        "error messages", "background" };

    size_t len = s->title != NULL ? strcspn(s->title, ":") : 0;

    for (size_t i = 0; len > 0 && i < sizeof(names) / sizeof(names[0]); i++)
        if (text_equal(s->title, len, names[i]))
            return true;
    return false;
}

/* ---- what the article is about ---- */

static bool
mentions(const char *value, const char *word)
{
    return value != NULL && strcasestr(value, word) != NULL;
}

static bool
about_backup(const struct article *a)
{
    static const char *const fields[] = { "pageTitle", "description", "infoBubbleText",
        "service", "resource", "articleId", "diagnosticScenario" };

    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        const char *v = article_value(a, fields[i]);

        if (mentions(v, "backup") || mentions(v, "recoveryservices") || mentions(v, "firn"))
            return true;
    }
    if (mentions(a->title, "backup"))
        return true;
    for (size_t i = 0; i < a->nblocks; i++) {
        struct article_span s = a->blocks[i].inner;

        if (a->blocks[i].in_issue &&
            memmem(a->bytes + s.off, s.len, "backup", 6) != NULL)
            return true;
    }
    return false;
}

/* ---- blocks ---- */

static void
sentences(struct compiler *c, const struct flat *f, struct sentence kind, bool heading)
{
    struct word *word = malloc(SENTENCE_WORDS_MAX * sizeof(*word));
    size_t lines = 0;

    if (word == NULL) {
        c->no_memory = true;
        return;
    }
    for (size_t from = 0; from < f->len && !c->no_memory && lines < FENCE_LINES_MAX; lines++) {
        bool raw = kind.code;
        size_t to = sentence_end(f, from, raw);
        struct sentence s = kind;

        s.f = f;
        s.about = c->about;
        s.from = from;
        s.to = to;
        s.word = word;
        s.nwords = sentence_words(f, from, to, word, SENTENCE_WORDS_MAX);
        if (s.nwords > 0) {
            if (!raw) {
                s.from = word[0].from - (word[0].before != 0 && word[0].from > from);
                /* longer than anybody writes: what lies beyond is not looked at */
                if (s.nwords == SENTENCE_WORDS_MAX)
                    s.to = word[s.nwords - 1].to;
            }
            flow_sentence(c, &s, heading);
        }
        from = to + (to < f->len && (f->s[to] == FLAT_HARD || f->s[to] == FLAT_SOFT));
        if (to == s.from && from == to)
            from++;
    }
    free(word);
}

bool
flat_is_bold_line(const struct flat *f)
{
    if (f->len == 0 || f->len > 120 || command_starts(f->s, f->len))
        return false;
    for (size_t i = 0; i < f->len; i++)
        if ((f->mark[i] & FLAT_BOLD) == 0 && f->s[i] != ' ' && f->s[i] != FLAT_HARD &&
            f->s[i] != ':' && f->s[i] != FLAT_SOFT)
            return false;
    return true;
}

/* A first line that only names a language, where the fence itself names none. */
static struct article_span
without_language(const struct article *a, const struct article_block *b)
{
    struct article_span s = b->inner;
    const char *t = (const char *)a->bytes + s.off;
    const char *nl = memchr(t, '\n', s.len);
    size_t n = nl == NULL ? 0 : (size_t)(nl - t), skip = n + 1;

    while (n > 0 && (t[n - 1] == ' ' || t[n - 1] == '\r' || t[n - 1] == '\t'))
        n--;
    if (b->info.len > 0 || n == 0 ||
        !in_list(t, n, "console|cmd|bash|sh|shell|powershell|dos|batch|bat|text|output|code"))
        return s;
    s.off += skip;
    s.len -= skip;
    s.line++;
    s.column = 1;
    return s;
}

/* A program with branches, or one that acts inside another system: its lines are no steps of
 * their own. */
static bool
is_script(const struct flat *f)
{
    for (size_t i = 0; i < f->len;) {
        size_t end = i, n;

        while (end < f->len && f->s[end] != FLAT_HARD)
            end++;
        while (i < end && f->s[i] == ' ')
            i++;
        for (n = i; n < end && f->s[n] != ' ' && f->s[n] != '(' && f->s[n] != ';'; n++)
            ;
        if (in_list(f->low + i, n - i,
                "if|for|while|do|then|else|elif|fi|done|function|foreach|case|goto|@echo|try|"
                "param|chroot|ssh|docker|kubectl|}|{|until|select|#!/bin/bash|#!/bin/sh"))
            return true;
        if (n - i == 3 && strncmp(f->low + i, "set", 3) == 0 &&
            memchr(f->s + i, '=', end - i) != NULL)
            return true;
        i = end + 1;
    }
    return false;
}

static bool
starts_with_prompt(const struct flat *f, size_t from, size_t to)
{
    return to - from > 2 &&
        (strncmp(f->s + from, "$ ", 2) == 0 || strncmp(f->s + from, "# ", 2) == 0 ||
            strncmp(f->low + from, "ps ", 3) == 0 ||
            (f->s[from + 1] == ':' && f->s[from + 2] == '\\' &&
                memchr(f->s + from, '>', to - from) != NULL));
}

/* Also the first line of a file for the registry editor. */
static bool
is_comment(const struct flat *f, size_t from, size_t to)
{
    return f->s[from] == '#' || f->s[from] == ';' || strncmp(f->s + from, "//", 2) == 0 ||
        strncmp(f->s + from, "::", 2) == 0 ||
        (to - from > 3 && strncmp(f->low + from, "rem ", 4) == 0) ||
        strncmp(f->low + from, "windows registry editor", 23) == 0 ||
        strncmp(f->low + from, "regedit4", 8) == 0;
}

/* Has the code a command that no form covers?  Then its other lines alone would be half of
 * what is meant.  Where some lines begin with a prompt, those without one are output. */
static bool
has_unknown(struct compiler *c, const struct flat *f, bool shell)
{
    struct word word[64];
    bool prompts = false, unknown = false, known;

    for (int pass = 0; pass < 2 && !unknown; pass++)
        for (size_t i = 0, end; i < f->len && !unknown; i = end + 1) {
            struct sentence s = { .f = f, .code = true, .shell = shell, .word = word };
            struct finds l = { 0 };

            end = sentence_end(f, i, true);
            while (i < end && f->s[i] == ' ')
                i++;
            prompts = prompts || starts_with_prompt(f, i, end);
            if (pass == 0 || i == end || (prompts && !starts_with_prompt(f, i, end)) ||
                (!prompts && is_comment(f, i, end)))
                continue;
            s.from = i;
            s.to = end;
            s.nwords = sentence_words(f, i, end, word, sizeof(word) / sizeof(word[0]));
            if (s.nwords == 0)
                continue;
            find_all(c, &l, &s);
            known = l.n > 0;
            c->no_memory = c->no_memory || l.no_memory;
            finds_done(&l);
            unknown = !known;
        }
    return unknown;
}

static void
code_block(struct compiler *c, const struct article_block *b)
{
    struct article_span span =
        b->kind == ARTICLE_FENCE ? without_language(c->a, b) : b->inner;
    const char *info = (const char *)c->a->bytes + b->info.off;
    size_t word = 0;
    bool shell;
    struct flat f;

    while (word < b->info.len && info[word] != ' ' && info[word] != '\r')
        word++;
    shell = in_list(info, word, "powershell|ps|ps1|pwsh|azurepowershell");
    if (in_list(info, word, "json|sql|output|xml|yaml|ini|kusto|csharp|python|javascript"))
        return;
    flat_init(&f, c->a, span, true);
    if (!f.no_memory)
        sentences(c, &f,
            (struct sentence){ .code = true, .shell = shell,
                .script = is_script(&f) || has_managers(&f) || c->sample ||
                    has_unknown(c, &f, shell) },
            false);
    c->no_memory = c->no_memory || f.no_memory;
    flat_done(&f);
}

static void
text_block(struct compiler *c, const struct article_block *b)
{
    bool heading = b->kind == ARTICLE_HEADING;
    struct flat f;

    if (b->kind == ARTICLE_PARAGRAPH)
        scope_markup(c, b);
    flat_init(&f, c->a, b->inner, false);
    if (!f.no_memory) {
        if (b->kind == ARTICLE_PARAGRAPH && b->level == 0 && flat_is_bold_line(&f))
            heading = true;
        if (heading)
            flow_group(c, 0, false);
        sentences(c, &f, (struct sentence){ 0 }, heading);
    }
    c->no_memory = c->no_memory || f.no_memory;
    flat_done(&f);
}

/* The title names no step; the system that it ends with is a condition of all. */
static void
title(struct compiler *c, const struct article_block *b)
{
    struct word word[64];
    struct flat f;

    c->block = b;
    flat_init(&f, c->a, b->inner, false);
    if (!f.no_memory) {
        struct sentence s = { .f = &f, .to = f.len, .word = word };

        s.nwords = sentence_words(&f, 0, f.len, word, sizeof(word) / sizeof(word[0]));
        flow_title(c, &s);
    }
    c->no_memory = c->no_memory || f.no_memory;
    flat_done(&f);
}

static bool
has_ticks(const struct article *a, const struct article_block *b)
{
    const unsigned char *s = a->bytes + b->inner.off;
    size_t i = 0;

    while (i < b->inner.len && (s[i] == ' ' || s[i] == '\t'))
        i++;
    return i < b->inner.len && (s[i] == '`' || s[i] == '*');
}

bool
block_is_code(const struct compiler *c, const struct article_block *b)
{
    const unsigned char *s = c->a->bytes + b->inner.off;
    size_t len = b->inner.len;

    while (len > 0 && strchr(" \t\r\n.", s[len - 1]) != NULL)
        len--;
    return len > 2 && s[0] == '`' && s[len - 1] == '`';
}

static void
block(struct compiler *c, const struct article_block *b)
{
    flow_block(c, b);
    switch (b->kind) {
    case ARTICLE_HEADING:
    case ARTICLE_PARAGRAPH:
    case ARTICLE_ITEM:
    case ARTICLE_QUOTE:
        text_block(c, b);
        break;
    case ARTICLE_INDENTED: /* people indent code that is marked as code besides */
        if (has_ticks(c->a, b))
            text_block(c, b);
        else
            code_block(c, b);
        break;
    case ARTICLE_FENCE:
        code_block(c, b);
        break;
    default:
        break;
    }
}

/* Nothing in it is to be done, but it may say for whom the steps are, which are elsewhere. */
static void
aside_block(struct compiler *c, const struct article_block *b)
{
    struct word word[SENTENCE_WORDS];
    struct flat f;

    if (b->kind != ARTICLE_PARAGRAPH && b->kind != ARTICLE_ITEM && b->kind != ARTICLE_QUOTE)
        return;
    c->block = b;
    flat_init(&f, c->a, b->inner, false);
    for (size_t from = 0, to; from < f.len && !f.no_memory; from = to + 1) {
        struct sentence s = { .f = &f, .from = from, .word = word };

        to = sentence_end(&f, from, false);
        s.to = to;
        s.nwords = sentence_words(&f, from, to, word, SENTENCE_WORDS);
        if (s.nwords > 0 && tells_of_steps(&s))
            around_all(c, &s);
    }
    c->no_memory = c->no_memory || f.no_memory;
    flat_done(&f);
}

/* The number of an item as it is shown: lists that are all ones count on. */
static long
item_number(const struct article_block *b, long last_written, long last)
{
    return b->number == 1 && last_written == 1 && last > 0 ? last + 1 : b->number;
}

static void
blocks(struct compiler *c, bool documents)
{
    const struct article *a = c->a;
    size_t section = SIZE_MAX;
    long written = 0, shown = 0;
    bool aside = false; /* nothing in this section is to be done */

    around_title(c);
    for (size_t i = 0; i < a->nblocks && !c->no_memory; i++) {
        const struct article_block *b = &a->blocks[i];

        if (b->kind == ARTICLE_JSON)
            break;
        if (b->kind == ARTICLE_HEADING && b->level == 1 && c->around.nsection == 0 &&
            b->inner.off == a->title_span.off) { /* behind other headings it is one of them */
            title(c, b);
            continue;
        }
        if (b->in_issue)
            continue;
        if (b->section != section) {
            section = b->section;
            aside = is_story(&a->sections[section]) ||
                (!documents && is_documents(&a->sections[section]));
        }
        if (aside) {
            aside_block(c, b);
            continue;
        }
        if (b->kind == ARTICLE_HEADING)
            written = shown = 0;
        if (b->kind == ARTICLE_ITEM && b->level == 1 && b->number > 0) {
            shown = item_number(b, written, shown);
            written = b->number;
            c->block = b;
            flow_number(c, shown);
        }
        block(c, b);
    }
    flow_end(c);
}

static bool
only_links(const struct plan *p)
{
    size_t links = 0;

    for (size_t i = 0; i < p->nsteps; i++) {
        const char *kind = p->steps[i].action.kind->name;

        links += strcmp(kind, "person.open") == 0;
        if (strcmp(kind, "person.open") != 0 && strcmp(kind, "operation.retry") != 0)
            return false;
    }
    return links > 0;
}

/* All of it is for people; ${id} (NULL: no ambiguity) says why. */
static void
for_people(struct compiler *c, const char *id)
{
    for (size_t i = 0; i < c->plan->nsteps; i++) {
        struct plan_step *s = &c->plan->steps[i];

        if (plan_step_runs(s) && !action_is(&s->action, "operation.retry"))
            step_leave(c, s, id, NULL);
    }
}

static bool
has_json(const struct article *a)
{
    return a->nblocks > 0 && a->blocks[a->nblocks - 1].kind == ARTICLE_JSON;
}

bool
compile_is_ours(const struct article *a)
{
    for (size_t i = 0; i < a->nblocks; i++) {
        const struct article_block *b = &a->blocks[i];
        const char *info = (const char *)a->bytes + b->info.off;
        size_t n = 0;

        while (n < b->info.len && info[n] != ' ' && info[n] != '\r')
            n++;
        if (b->kind == ARTICLE_FENCE && in_list(info, n, "action|probe"))
            return true;
    }
    return false;
}

struct err *
compile_article(const struct article *a, const char *file, struct plan **ret)
{
    auto_ptr(plan) plan = calloc(1, sizeof(*plan));
    struct compiler c = { .a = a, .plan = plan };

    if (plan == NULL)
        return fail(OutOfMemory);
    c.about_backup = about_backup(a);
    c.about = article_about(a);
    plan->ours = compile_is_ours(a);
    if (plan->ours) {
        compile_own(&c);
    } else {
        blocks(&c, false);
        if (plan->nsteps == 0 && !has_json(a))
            blocks(&c, true);
        compile_usage(&c);
        compile_subject(&c);
        compile_waits(&c);
        plan->remedy_lost = only_links(plan);
        /* articles of ours that have no fence: what firn does on its own they say in fences,
         * and nowhere else */
        if (article_value(a, "errorNumber") != NULL)
            for_people(&c, NULL);
        if (c.cut) /* a part of a procedure may do harm */
            for_people(&c, "too-long");
    }
    if (!c.no_memory)
        compile_conflicts(&c, file);
    if (c.no_memory)
        return fail(OutOfMemory);
    *ret = take(plan);
    return NULL;
}
