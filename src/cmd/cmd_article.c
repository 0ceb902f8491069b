/* SPDX-License-Identifier: Apache-2.0 */
/* firn article: read articles from anywhere, and say what firn understands of them.
 *
 * Files are read one by one and shown at once, so that a folder of many thousands takes the
 * memory of one.  A file that cannot be read does not keep the others from it: its failure is
 * kept, joined to the first one, and ends the command when all have had their turn. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "article.h"
#include "article_file.h"
#include "cmd.h"
#include "codes.h"
#include "compile.h"
#include "lint.h"
#include "stop.h"
#include "text.h"

enum { DEPTH_MAX = 32, NAMES_MAX = 200000 };

struct reading {
    struct cmd *c;
    size_t articles, steps, runs, lost, errors;
    struct err *failed;
};

/* ---- one article as JSON ---- */

static json_t *
header_json(const struct article *a)
{
    json_t *list = json_array();

    for (size_t i = 0; list != NULL && i < a->nfields; i++)
        if (json_array_append_new(list,
                json_pack("{s:s, s:s}", "name", a->fields[i].name, "value",
                    a->fields[i].value)) != 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

static json_t *
blocks_json(const struct article *a)
{
    json_t *list = json_array();

    for (size_t i = 0; list != NULL && i < a->nblocks; i++) {
        const struct article_block *b = &a->blocks[i];
        json_t *o = json_object();

        if (json_array_append_new(list, o) != 0 ||
            json_object_set_new(o, "kind",
                json_string(article_kind_name(b->kind))) != 0 ||
            json_object_set_new(o, "span", plan_span_json(b->span)) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *
codes_json(const struct article_codes *codes)
{
    json_t *list = json_array();

    for (size_t i = 0; list != NULL && i < codes->n; i++)
        if (json_array_append_new(list,
                json_pack("{s:s, s:s}", "code", codes->code[i].code, "source",
                    codes->code[i].source)) != 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

static struct err *
show_json(struct cmd *c, const char *file, const struct article *a, const struct plan *p,
    const struct article_codes *codes, const struct lint *l)
{
    json_t *plan = NULL, *ambiguities = NULL, *lint = NULL, *doc;

    TRY(plan_json(p, &plan, &ambiguities));
    err_free(lint_json(l, &lint)); /* NULL makes the pack below fail */
    doc = json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:b}", "file", file, "header",
        header_json(a), "codes", codes_json(codes), "blocks", blocks_json(a), "plan", plan,
        "ambiguities", ambiguities, "lint", lint, "remedy_lost", p->remedy_lost);
    return cmd_stream(c, doc);
}

/* ---- one article as text ---- */

static void
show_step(struct cmd *c, const struct plan_step *s)
{
    auto_free char *condition = plan_condition(s), *action = action_text(&s->action);

    cmd_say(c, "  %-3s %-9s %s\n", s->id,
        plan_step_runs(s) ? action_risk_name(s->action.kind->risk) : "person",
        action != NULL ? action : "");
    if (s->when != PLAN_ALWAYS)
        cmd_say(c, "      when %s\n", condition != NULL ? condition : "");
}

static void
show_text(struct cmd *c, const char *file, const struct article *a, const struct plan *p,
    const struct article_codes *codes, const struct lint *l, bool lint)
{
    cmd_say(c, "%s: %s\n", file, a->title != NULL ? a->title : "(no title)");
    if (codes->n > 0)
        cmd_say(c, "  code %s (from %s)\n", codes->code[0].code, codes->code[0].source);
    if (p->remedy_lost)
        cmd_say(c, "  The remedy is lost: the article only refers to another page. An earlier "
                   "version of it may hold the steps.\n");
    for (size_t i = 0; i < p->nprobes; i++)
        show_step(c, &p->probes[i]);
    for (size_t i = 0; i < p->nsteps; i++)
        show_step(c, &p->steps[i]);
    for (size_t i = 0; i < p->nambiguities; i++) {
        const struct plan_ambiguity *m = &p->ambiguities[i];

        cmd_say(c, "  unclear, line %u%s%s: %s (%s)\n", m->span.line,
            m->step[0] != '\0' ? ", step " : "", m->step, m->text, m->id);
    }
    for (size_t i = 0; i < l->n; i++)
        if (lint || l->finding[i].severity != ARTICLE_NOTE)
            cmd_say(c, "  %s:%u:%u: %s (%s)\n", file, l->finding[i].span.line,
                l->finding[i].span.column, l->finding[i].text, l->finding[i].id);
}

/* ---- lint ---- */

/* "firn verify --data [POINT]": the command, then its options. */
static bool
command_exists(void *arg, const char *line, const char **ret_why)
{
    auto_free char *copy = strdup(line);
    char *rest = NULL, *words[3] = { NULL };
    const struct cmd_command *command;
    size_t n = 0;

    (void)arg;
    if (copy == NULL)
        return true;
    for (char *w = strtok_r(copy, " ", &rest); w != NULL && n < 3;
        w = strtok_r(NULL, " ", &rest))
        if (w[0] != '-' || n == 0)
            words[n++] = w;
    *ret_why = "firn has no such command";
    if (n < 2)
        return true;
    command = options_command(words[1], words[2]);
    if (command == NULL) /* "firn key" is no command, its subcommands are */
        return n == 2 && options_command(words[1], "list") != NULL;
    *ret_why = "the command has no such option";
    for (const char *o = strstr(line, " --"); o != NULL; o = strstr(o + 1, " --")) {
        size_t len = strcspn(o + 3, " =`]");
        bool found = len == 0;

        for (int i = 0; i < OPT_COUNT; i++)
            found = found || (((command->options >> i) & 1) != 0 &&
                                 strlen(cmd_options[i].name) == len &&
                                 strncmp(cmd_options[i].name, o + 3, len) == 0);
        if (!found)
            return false;
    }
    return true;
}

/* ---- reading ---- */

static struct err *
show(struct reading *r, const char *path, const struct article *a)
{
    const char *base = strrchr(path, '/') != NULL ? strrchr(path, '/') + 1 : path;
    auto_ptr(plan) p = NULL;
    struct article_codes codes = { 0 };
    static struct lint lint; /* large; one article at a time */
    bool rules = r->c->o.set[OPT_LINT];
    struct err *e;

    TRY(compile_article(a, base, &p));
    TRY(compile_codes(a, base, &codes));
    e = lint_article(a, p, command_exists, NULL, &lint);
    if (e == NULL) {
        r->articles++;
        r->lost += p->remedy_lost;
        r->errors += lint.errors;
        r->steps += p->nsteps;
        for (size_t i = 0; i < p->nsteps; i++)
            r->runs += plan_step_runs(&p->steps[i]);
        article_file_judge(r->c, path, a);
        if (r->c->json)
            e = show_json(r->c, path, a, p, &codes, &lint);
        else if (!rules || lint.errors > 0 || r->c->o.nargs > 1 || lint.n > 0)
            show_text(r->c, path, a, p, &codes, &lint, rules);
        lint_done(&lint);
    }
    article_codes_done(&codes);
    return e;
}

static struct err *
one_file(struct reading *r, const char *path)
{
    struct article *a = NULL;
    struct err *e;

    TRY(article_file_read(path, &a));
    e = show(r, path, a);
    article_free(a);
    return e;
}

/* What fails with one file is kept; only a want of memory and a stop end all. */
static struct err *
keep(struct reading *r, struct err *e)
{
    if (e == NULL || err_has(e, E_OutOfMemory) || err_has(e, E_OutputFailed))
        return e;
    r->failed = err_also(r->failed, e);
    return NULL;
}

static bool
is_article_name(const char *name)
{
    const char *dot = strrchr(name, '.');

    return dot != NULL && dot != name && (strcmp(dot, ".md") == 0 || strcmp(dot, ".txt") == 0);
}

static int
by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
names_free(char **names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(names[i]);
    free(names);
}

/* The names in a folder, sorted; those that start with a dot are left out. */
static struct err *
list(const char *path, char ***ret, size_t *ret_n)
{
    DIR *dir = opendir(path);
    char **names = NULL;
    size_t n = 0, room = 0;
    bool ok = true;

    if (dir == NULL)
        return fail(FileUnreadable, path);
    for (struct dirent *d; ok && n < NAMES_MAX && (d = readdir(dir)) != NULL;) {
        char **grown = names;

        if (d->d_name[0] == '.')
            continue;
        if (n == room) {
            room = room == 0 ? 64 : room * 2;
            grown = realloc(names, room * sizeof(*names));
        }
        ok = grown != NULL;
        if (!ok)
            break;
        names = grown;
        names[n] = strdup(d->d_name);
        ok = names[n] != NULL;
        n += ok;
    }
    (void)closedir(dir);
    if (!ok) {
        names_free(names, n);
        return fail(OutOfMemory);
    }
    qsort(names, n, sizeof(*names), by_name);
    *ret = names;
    *ret_n = n;
    return NULL;
}

static struct err *
walk(struct reading *r, const char *path, unsigned depth)
{
    char **names = NULL;
    struct err *e = NULL;
    size_t n = 0;

    TRY(list(path, &names, &n));
    for (size_t i = 0; e == NULL && i < n; i++) {
        struct text full = { 0 };
        struct stat st;

        if (stop_requested()) {
            e = fail(Interrupted);
            break;
        }
        text_fmt(&full, "%s%s%s", path, path[strlen(path) - 1] == '/' ? "" : "/", names[i]);
        if (full.no_memory)
            e = fail(OutOfMemory);
        else if (lstat(full.s, &st) != 0)
            e = keep(r, fail(FileUnreadable, full.s));
        else if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX)
            e = keep(r, walk(r, full.s, depth + 1));
        else if (S_ISREG(st.st_mode) && is_article_name(names[i]))
            e = keep(r, one_file(r, full.s));
        text_done(&full);
    }
    names_free(names, n);
    return e;
}

struct err *
cmd_article(struct cmd *c)
{
    struct reading r = { .c = c };
    struct err *e = NULL;

    cmd_stream_begin(c, "articles");
    for (unsigned i = 0; e == NULL && i < c->o.nargs; i++) {
        struct stat st;

        if (stat(c->o.args[i], &st) != 0)
            e = keep(&r, fail(FileUnreadable, c->o.args[i]));
        else if (S_ISDIR(st.st_mode))
            e = keep(&r, walk(&r, c->o.args[i], 0));
        else
            e = keep(&r, one_file(&r, c->o.args[i]));
    }
    if (e == NULL && r.articles != 1 && (r.articles > 0 || r.failed == NULL))
        cmd_say(c, "%zu articles, %zu steps, %zu of them for firn; remedy lost in %zu\n",
            r.articles, r.steps, r.runs, r.lost);
    if (e == NULL && c->o.set[OPT_LINT] && r.errors > 0)
        r.failed = err_also(fail(ArticleWrong, (int64_t)r.errors), r.failed);
    if (e != NULL)
        return err_also(e, r.failed);
    return r.failed;
}
