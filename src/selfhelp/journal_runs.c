/* SPDX-License-Identifier: Apache-2.0 */
/* journal_runs.c -- the folder of all runs: which have no end, and which may go.
 *
 * A folder may hold any number of files, so names go by one at a time and only the newest few
 * are remembered, in a heap whose root is the oldest of them.  Whether a run has ended stands
 * in its last line, so the end of the file is all that is read of most. */
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "codes.h"
#include "journal.h"
#include "journal_internal.h"
#include "record.h"

enum { TAIL_MAX = 4096 /* bytes; the line of an end is shorter */ };

static const char runs[] = ".jsonl", bundles[] = ".json";

bool
journal_is_id(const char *s, size_t len)
{
    return len == JOURNAL_ID_LEN && strspn(s, "0123456789abcdef") >= JOURNAL_ID_LEN;
}

void
journal_ids_free(char **ids)
{
    for (size_t i = 0; ids != NULL && ids[i] != NULL; i++)
        free(ids[i]);
    free(ids);
}

/* ---- the newest few ---- */

struct newest {
    char (*id)[JOURNAL_ID_LEN + 1]; /* a heap: none is newer than those below it */
    size_t n, most;
};

static void
swap(struct newest *h, size_t i, size_t j)
{
    char keep[JOURNAL_ID_LEN + 1];

    memcpy(keep, h->id[i], sizeof(keep));
    memcpy(h->id[i], h->id[j], sizeof(keep));
    memcpy(h->id[j], keep, sizeof(keep));
}

static void
sift_up(struct newest *h, size_t i)
{
    for (; i > 0 && strcmp(h->id[i], h->id[(i - 1) / 2]) < 0; i = (i - 1) / 2)
        swap(h, i, (i - 1) / 2);
}

static void
sift_down(struct newest *h)
{
    for (size_t i = 0, next; 2 * i + 1 < h->n; i = next) {
        next = 2 * i + 1;
        if (next + 1 < h->n && strcmp(h->id[next + 1], h->id[next]) < 0)
            next++;
        if (strcmp(h->id[i], h->id[next]) <= 0)
            return;
        swap(h, i, next);
    }
}

static bool
is_full(const struct newest *h)
{
    return h->n == h->most;
}

/* Would it be one of them? */
static bool
is_new(const struct newest *h, const char *id)
{
    return !is_full(h) || strcmp(id, h->id[0]) > 0;
}

static void
remember(struct newest *h, const char *id)
{
    size_t at = is_full(h) ? 0 : h->n++;

    memcpy(h->id[at], id, JOURNAL_ID_LEN + 1);
    if (at == 0)
        sift_down(h);
    else
        sift_up(h, at);
}

static struct err *
newest_init(struct newest *h, size_t most)
{
    *h = (struct newest){ .id = calloc(most, sizeof(*h->id)), .most = most };
    return h->id == NULL ? fail(OutOfMemory) : NULL;
}

/* ---- single files ---- */

/* The id of a file with this ending, or false. */
static bool
id_of(const char *name, const char *ending, char ret[JOURNAL_ID_LEN + 1])
{
    if (strlen(name) != JOURNAL_ID_LEN + strlen(ending) ||
        strcmp(name + JOURNAL_ID_LEN, ending) != 0 || !journal_is_id(name, JOURNAL_ID_LEN))
        return false;
    memcpy(ret, name, JOURNAL_ID_LEN);
    ret[JOURNAL_ID_LEN] = '\0';
    return true;
}

/* NULL: it is gone, alive or cannot be opened. */
static struct err *
hold(const char *folder, const char *id, const char *ending, struct record **ret)
{
    auto_free char *path = NULL;
    enum record_state state;

    if (asprintf(&path, "%s/%s%s", folder, id, ending) < 0)
        return fail(OutOfMemory);
    struct err *e = record_open(path, ret, &state);

    if (err_code(e) == E_OutOfMemory)
        return e;
    err_free(e);
    return NULL;
}

/* Is the last whole line the end of a run? */
static struct err *
has_end(struct record *r, bool *ret)
{
    auto_free char *tail = NULL;
    uint64_t off = 0;
    size_t len = 0;

    *ret = false;
    TRY(record_tail(r, TAIL_MAX, &tail, &len, &off));
    if (tail == NULL || len == 0 || tail[len - 1] != '\n')
        return NULL;
    tail[len - 1] = '\0';
    const char *last = strrchr(tail, '\n');

    if (last == NULL && off > 0)
        return NULL;
    json_t *o = json_loads(last == NULL ? tail : last + 1, JSON_REJECT_DUPLICATES, NULL);

    *ret = json_is_string(json_object_get(o, "end"));
    json_decref(o);
    return NULL;
}

/* Has the run an end?  One that cannot be looked at counts as such. */
static struct err *
is_over(const char *folder, const char *id, bool *ret)
{
    auto_ptr(record) r = NULL;

    *ret = true;
    TRY(hold(folder, id, runs, &r));
    if (r == NULL)
        return NULL;
    struct err *e = has_end(r, ret);

    if (err_code(e) == E_OutOfMemory)
        return e;
    err_free(e);
    return NULL;
}

/* ---- runs without an end ---- */

/* A walk over the folder. */
struct walk {
    const char *folder, *target, *ending;
    struct newest newest;
    int64_t now_s; /* or the second from which on runs are wanted */
    struct err *failed;
};

static struct err *
look_at(struct walk *w, const char *id)
{
    auto_ptr(journal) j = NULL;
    bool over;

    TRY(is_over(w->folder, id, &over));
    if (over || !is_new(&w->newest, id))
        return NULL;
    struct err *e = journal_open(w->folder, id, &j);

    if (err_code(e) == E_OutOfMemory)
        return e;
    err_free(e); /* it is alive, or damaged */
    if (j != NULL && j->outcome == NULL && strcmp(j->target, w->target) == 0)
        remember(&w->newest, id);
    return NULL;
}

static bool
each_run(void *arg, const char *name)
{
    struct walk *w = arg;
    char id[JOURNAL_ID_LEN + 1];

    if (id_of(name, runs, id))
        w->failed = look_at(w, id);
    return w->failed == NULL;
}

static int
newest_first(const void *a, const void *b)
{
    return strcmp(*(char *const *)b, *(char *const *)a);
}

static struct err *
copy_ids(const struct newest *h, char ***ret)
{
    char **ids = calloc(h->n + 1, sizeof(*ids));

    for (size_t i = 0; ids != NULL && i < h->n; i++)
        if ((ids[i] = strdup(h->id[i])) == NULL) {
            journal_ids_free(ids);
            ids = NULL;
        }
    if (ids == NULL)
        return fail(OutOfMemory);
    qsort(ids, h->n, sizeof(*ids), newest_first);
    *ret = ids;
    return NULL;
}

struct err *
journal_unfinished(const char *folder, const char *target, char ***ret)
{
    struct walk w = { .folder = folder, .target = target };
    struct err *e;

    TRY(newest_init(&w.newest, JOURNAL_UNFINISHED_MAX));
    e = record_list(folder, each_run, &w);
    if (e == NULL)
        e = w.failed;
    if (e == NULL)
        e = copy_ids(&w.newest, ret);
    free(w.newest.id);
    return e;
}

/* ---- runs of the last days ---- */

/* The seconds at which the run began, which its id begins with. */
static int64_t
began_s(const char *id)
{
    int64_t s = 0;

    for (int i = 0; i < 8; i++)
        s = s << 4 | (id[i] <= '9' ? id[i] - '0' : id[i] - 'a' + 10);
    return s;
}

/* Those with an id of the future are of a clock that was wrong, and count. */
static bool
each_recent(void *arg, const char *name)
{
    struct walk *w = arg;
    char id[JOURNAL_ID_LEN + 1];

    if (id_of(name, runs, id) && began_s(id) >= w->now_s && is_new(&w->newest, id))
        remember(&w->newest, id);
    return true;
}

/* *ret is NULL when it is for another target or code, or cannot be opened. */
static struct err *
open_for(const struct walk *w, const char *id, const char *code, struct journal **ret)
{
    auto_ptr(journal) j = NULL;
    struct err *e = journal_open(w->folder, id, &j);

    *ret = NULL;
    if (err_code(e) == E_OutOfMemory)
        return e;
    err_free(e); /* alive, or damaged: it tells nothing */
    if (j != NULL && strcmp(j->target, w->target) == 0 && strcasecmp(j->code, code) == 0)
        *ret = take(j);
    return NULL;
}

struct err *
journal_recent(const char *folder, const char *target, const char *code, unsigned days,
    bool (*each)(void *arg, const struct journal *j), void *arg)
{
    struct walk w = { .folder = folder, .target = target,
        .now_s = clock_real_ns() / CLOCK_S - days * INT64_C(86400) };
    char **ids = NULL;
    bool more = true;

    TRY(newest_init(&w.newest, JOURNAL_RECENT_MAX));
    struct err *e = record_list(folder, each_recent, &w);

    if (e == NULL)
        e = copy_ids(&w.newest, &ids);
    free(w.newest.id);
    for (size_t i = 0; e == NULL && more && ids[i] != NULL; i++) {
        auto_ptr(journal) j = NULL;

        e = open_for(&w, ids[i], code, &j);
        more = e != NULL || j == NULL || each(arg, j);
    }
    journal_ids_free(ids);
    return e;
}

/* ---- what may go ---- */

/* A run that is alive, has no end, or is damaged stays, however old it is.  What cannot be
 * removed now goes another time. */
static struct err *
drop(struct walk *w, const char *id)
{
    auto_ptr(record) r = NULL;
    bool ended = true;

    TRY(hold(w->folder, id, w->ending, &r));
    if (r == NULL)
        return NULL;
    struct err *e = w->ending == runs ? has_end(r, &ended) : NULL;

    if (e == NULL && ended)
        e = record_remove(take(r));
    if (err_code(e) == E_OutOfMemory)
        return e;
    err_free(e);
    return NULL;
}

static bool
each_is_counted(void *arg, const char *name)
{
    struct walk *w = arg;
    char id[JOURNAL_ID_LEN + 1];

    if (id_of(name, w->ending, id) && is_new(&w->newest, id))
        remember(&w->newest, id);
    return true;
}

static bool
each_may_go(void *arg, const char *name)
{
    struct walk *w = arg;
    char id[JOURNAL_ID_LEN + 1];

    if (!id_of(name, w->ending, id))
        return true;
    bool old = began_s(id) + JOURNAL_KEPT_DAYS * INT64_C(86400) < w->now_s;

    if (old || (is_full(&w->newest) && strcmp(id, w->newest.id[0]) < 0))
        w->failed = drop(w, id);
    return w->failed == NULL;
}

static struct err *
prune(const char *folder, const char *ending)
{
    struct walk w = { .folder = folder, .ending = ending,
        .now_s = clock_real_ns() / CLOCK_S };
    struct err *e;

    TRY(newest_init(&w.newest, JOURNAL_KEPT_MAX));
    e = record_list(folder, each_is_counted, &w);
    if (e == NULL)
        e = record_list(folder, each_may_go, &w);
    if (e == NULL)
        e = w.failed;
    free(w.newest.id);
    return e;
}

struct err *
journal_prune(const char *folder)
{
    TRY(prune(folder, runs));
    TRY(prune(folder, bundles));
    return NULL;
}
