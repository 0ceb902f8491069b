/* SPDX-License-Identifier: Apache-2.0 */
/* firn article: read articles from anywhere, and say what firn understands of them.
 *
 * A pool's workers read; the articles are shown one after another, in the order of their
 * names.  Only a few are in hand at a time, so that a folder of many thousands takes the memory
 * of these.  A file that cannot be read does not keep the others from it: its failure is kept,
 * joined to the first one, and ends the command when all have had their turn. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "article_file.h"
#include "article_reading.h"
#include "article_show.h"
#include "cmd.h"
#include "codes.h"
#include "pool.h"
#include "stop.h"
#include "text.h"

enum { DEPTH_MAX = 32, NAMES_MAX = 200000, WORKERS_MAX = 8, IN_HAND = 2 * WORKERS_MAX };
_Static_assert(DEPTH_MAX == 32 && NAMES_MAX == 200000, "the words below say so");

struct reading {
    struct cmd *c;
    struct pool *pool;
    struct article_reading *hand[IN_HAND]; /* a ring: n of them, oldest at first */
    size_t first, n;
    size_t articles, steps, runs, lost, errors, unread;
    struct err *failed;
};

/* ---- in order ---- */

static struct err *
show(struct reading *r, const struct article_reading *a)
{
    bool rules = r->c->o.set[OPT_LINT];

    r->articles++;
    r->lost += a->plan->remedy_lost;
    r->errors += a->lint.errors;
    r->steps += a->plan->nsteps;
    for (size_t i = 0; i < a->plan->nsteps; i++)
        r->runs += plan_step_runs(&a->plan->steps[i]);
    article_file_judge(r->c, a->path, a->article);
    if (a->as_json)
        return cmd_stream(r->c, a->json);
    if (!rules || r->c->o.nargs > 1 || a->lint.n > 0)
        article_say(r->c, a, rules);
    return ferror(r->c->out) ? fail(OutputFailed) : NULL; /* nobody reads on */
}

/* What fails with one file is kept; only a want of memory and a stop end all. */
static struct err *
keep(struct reading *r, struct err *e)
{
    if (e == NULL || err_has(e, E_OutOfMemory) || err_has(e, E_OutputFailed) ||
        err_has(e, E_Interrupted))
        return e;
    r->failed = err_also(r->failed, e);
    r->unread++;
    return NULL;
}

/* The oldest in hand has its turn. */
static struct err *
next(struct reading *r)
{
    auto_ptr(article_reading) a = r->hand[r->first];
    struct err *e;

    r->first = (r->first + 1) % IN_HAND;
    r->n--;
    e = pool_wait(r->pool, &a->task);
    if (e == NULL)
        e = show(r, a);
    return keep(r, e);
}

/* All in hand are given up. */
static void
drop(struct reading *r)
{
    for (; r->n > 0; r->n--) {
        auto_ptr(article_reading) a = r->hand[r->first];

        err_free(pool_wait(r->pool, &a->task));
        r->first = (r->first + 1) % IN_HAND;
    }
}

/* All in hand have their turn. */
static struct err *
all(struct reading *r)
{
    while (r->n > 0)
        TRY(next(r));
    return NULL;
}

/* ${e} is of a file that comes after those in hand. */
static struct err *
then(struct reading *r, struct err *e)
{
    struct err *before = all(r);

    return before != NULL ? err_also(before, e) : keep(r, e);
}

static struct err *
begin(struct reading *r, const char *path)
{
    struct article_reading *a;

    if (r->n == 2 * (size_t)pool_workers(r->pool))
        TRY(next(r));
    TRY(article_reading_new(path, r->c->json, &a));
    r->hand[(r->first + r->n++) % IN_HAND] = a;
    pool_submit(r->pool, &a->task);
    return NULL;
}

/* ---- folders ---- */

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

struct names {
    char **name;
    size_t n, room;
};

static void
names_done(struct names *names)
{
    for (size_t i = 0; i < names->n; i++)
        free(names->name[i]);
    free(names->name);
}

static struct err *
add_name(struct names *to, const char *name)
{
    if (to->n == to->room) {
        size_t room = to->room == 0 ? 64 : to->room * 2;
        char **grown = realloc(to->name, room * sizeof(*grown));

        if (grown == NULL)
            return fail(OutOfMemory);
        to->name = grown;
        to->room = room;
    }
    to->name[to->n] = strdup(name);
    if (to->name[to->n] == NULL)
        return fail(OutOfMemory);
    to->n++;
    return NULL;
}

static struct err *
add_all(const char *path, DIR *dir, struct names *to)
{
    const struct dirent *d;

    while (errno = 0, (d = readdir(dir)) != NULL) {
        if (d->d_name[0] == '.')
            continue;
        if (to->n == NAMES_MAX)
            return fail(InputInvalid, path, "it holds more than 200000 names");
        TRY(add_name(to, d->d_name));
    }
    return errno != 0 ? fail(FileUnreadable, path) : NULL;
}

/* The names in a folder, sorted; those that start with a dot are left out. */
static struct err *
list(const char *path, struct names *ret)
{
    struct names all = { 0 };
    DIR *dir = opendir(path);

    if (dir == NULL)
        return fail(FileUnreadable, path);
    struct err *e = add_all(path, dir, &all);

    (void)closedir(dir);
    if (e != NULL) {
        names_done(&all);
        return e;
    }
    if (all.n > 0)
        qsort(all.name, all.n, sizeof(*all.name), by_name);
    *ret = all;
    return NULL;
}

static struct err *walk(struct reading *r, const char *path, unsigned depth) must_use;

/* The entry ${name} of the folder ${path}. */
static struct err *
entry(struct reading *r, const char *path, const char *name, unsigned depth)
{
    struct text full = { 0 };
    struct err *e = NULL;
    struct stat st;

    text_fmt(&full, "%s%s%s", path, path[strlen(path) - 1] == '/' ? "" : "/", name);
    if (full.no_memory)
        e = fail(OutOfMemory);
    else if (lstat(full.s, &st) != 0)
        e = then(r, fail(FileUnreadable, full.s));
    else if (S_ISDIR(st.st_mode))
        e = walk(r, full.s, depth + 1);
    else if (S_ISREG(st.st_mode) && is_article_name(name))
        e = begin(r, full.s);
    text_done(&full);
    return e;
}

static struct err *
walk(struct reading *r, const char *path, unsigned depth)
{
    struct names names = { 0 };
    struct err *e = depth <= DEPTH_MAX ? list(path, &names)
        : fail(InputInvalid, path, "it lies more than 32 folders deep");

    if (e != NULL)
        return then(r, e);
    for (size_t i = 0; e == NULL && i < names.n; i++) {
        e = stop_check();
        if (e == NULL)
            e = entry(r, path, names.name[i], depth);
    }
    names_done(&names);
    return e;
}

static struct err *
read_all(struct reading *r)
{
    const struct options *o = &r->c->o;

    for (unsigned i = 0; i < o->nargs; i++) {
        struct stat st;

        TRY(stop_check());
        if (stat(o->args[i], &st) != 0)
            TRY(then(r, fail(FileUnreadable, o->args[i])));
        else if (S_ISDIR(st.st_mode))
            TRY(walk(r, o->args[i], 0));
        else
            TRY(begin(r, o->args[i]));
    }
    return all(r);
}

struct err *
cmd_article(struct cmd *c)
{
    unsigned cpus = pool_cpus();
    struct reading r = { .c = c };
    struct err *e;

    TRY(pool_new(cpus < WORKERS_MAX ? cpus : WORKERS_MAX, &r.pool));
    cmd_stream_begin(c, "articles");
    e = read_all(&r);
    drop(&r);
    pool_free(r.pool);
    if (r.unread > ERR_MAX_TREE)
        cmd_note(c, "firn: %zu files and folders were not read; only the first %d are named\n",
            r.unread, ERR_MAX_TREE);
    if (e != NULL)
        return err_also(e, r.failed);
    if (r.articles != 1 && (r.articles > 0 || r.failed == NULL))
        cmd_say(c, "%zu articles, %zu step%s, %zu of them for firn; remedy lost in %zu\n",
            r.articles, r.steps, r.steps == 1 ? "" : "s", r.runs, r.lost);
    if (c->o.set[OPT_LINT] && r.errors > 0)
        r.failed = err_also(fail(ArticleWrong, (int64_t)r.errors), r.failed);
    return r.failed;
}
