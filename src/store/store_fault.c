/* SPDX-License-Identifier: Apache-2.0 */
/* store_fault.c -- match each call against the plan, then do what the plan says around it.
 *
 * One lock guards the counts, the chance and the names that were put last; it is never held
 * while the inner store works or a delay is waited for. */
#include <assert.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>

#include "codes.h"
#include "store_fault.h"

struct fault {
    struct store store;
    struct store *inner;
    struct store_fault plan[STORE_FAULTS_MAX];
    uint64_t seen[STORE_FAULTS_MAX]; /* calls that the entry means */
    size_t nplan;
    pthread_mutex_t lock;
    uint64_t chance, calls, struck;
    char newest[STORE_FAULT_NEWEST][STORE_NAME_MAX + 1];
    unsigned put; /* names go round in newest */
};

/* What befalls one call. */
struct strike {
    bool wait, fail, lose, reorder, cut, duplicate, stale;
    int number;
    uint64_t delay_ms, bytes_per_s, chance;
};

/* ---- the plan ---- */

/* splitmix64; with the lock held */
static uint64_t
next_chance(struct fault *f)
{
    uint64_t z = f->chance += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static unsigned
calls_of(enum store_fault_kind kind)
{
    switch (kind) {
    case STORE_FAULT_THROTTLE:
        return STORE_CALL_PUT | STORE_CALL_REPLACE | STORE_CALL_GET;
    case STORE_FAULT_REORDER:
    case STORE_FAULT_STALE:
        return STORE_CALL_LIST;
    case STORE_FAULT_SHORT:
        return STORE_CALL_GET;
    case STORE_FAULT_DUPLICATE:
        return STORE_CALL_PUT;
    case STORE_FAULT_ERROR:
    case STORE_FAULT_LOST:
    case STORE_FAULT_DELAY:
        return ~0U;
    }
    return 0;
}

static bool
strikes(struct fault *f, size_t i, unsigned call, const char *name)
{
    const struct store_fault *p = &f->plan[i];

    if ((calls_of(p->kind) & call) == 0 || (p->calls != 0 && (p->calls & call) == 0))
        return false;
    if (p->folder != NULL && strncmp(name, p->folder, strlen(p->folder)) != 0)
        return false;
    uint64_t number = ++f->seen[i];
    if (p->call == 0)
        return next_chance(f) % 1000 < p->per_mille;
    return number == p->call || (p->onwards && number > p->call);
}

static void
add_strike(struct strike *s, const struct store_fault *p)
{
    if (p->kind == STORE_FAULT_DELAY) {
        s->wait = true;
        s->delay_ms += p->delay_ms;
        return;
    }
    if (p->kind == STORE_FAULT_THROTTLE) {
        s->wait = true;
        s->bytes_per_s = p->bytes_per_s;
        return;
    }
    if (s->fail || s->lose || s->reorder || s->cut || s->duplicate || s->stale)
        return;
    s->number = p->number;
    s->fail = p->kind == STORE_FAULT_ERROR;
    s->lose = p->kind == STORE_FAULT_LOST;
    s->reorder = p->kind == STORE_FAULT_REORDER;
    s->cut = p->kind == STORE_FAULT_SHORT;
    s->duplicate = p->kind == STORE_FAULT_DUPLICATE;
    s->stale = p->kind == STORE_FAULT_STALE;
}

static struct err *
failure(const char *call, const char *name, int number)
{
    if (number == ENOSPC || number == EDQUOT)
        return err_with_os(fail(StoreFull, name), number);
    if (number == EACCES || number == EPERM || number == EROFS)
        return err_with_os(fail(StorePermission, name), number);
    if (number == ENOENT || number == ETIMEDOUT || number == EHOSTUNREACH)
        return err_with_os(fail(StoreUnreachable, name), number);
    if (number == ENOTCONN)
        return err_with_os(fail(StoreAway, call, name), number);
    return err_with_os(fail(StoreIoFailed, call, name), number);
}

static const char *
call_name(unsigned call)
{
    static const char *const names[] = { "put", "get", "stat", "list", "barrier", "replace",
        "remove" };

    return names[__builtin_ctz(call)];
}

/* Before the inner call: waits, and fails when the plan says so. */
static struct err *
before(struct fault *f, unsigned call, const char *name, uint64_t len, struct strike *ret)
{
    struct strike s = { 0 };

    pthread_mutex_lock(&f->lock);
    f->calls++;
    bool any = false;
    for (size_t i = 0; i < f->nplan; i++)
        if (strikes(f, i, call, name)) {
            add_strike(&s, &f->plan[i]);
            any = true;
        }
    f->struck += any;
    s.chance = next_chance(f);
    pthread_mutex_unlock(&f->lock);
    if (s.bytes_per_s > 0)
        s.delay_ms += len * 1000 / s.bytes_per_s;
    if (s.wait)
        (void)poll(NULL, 0, s.delay_ms < INT32_MAX ? (int)s.delay_ms : INT32_MAX);
    *ret = s;
    return s.fail ? failure(call_name(call), name, s.number) : NULL;
}

static struct err *
after(const struct strike *s, unsigned call, const char *name)
{
    return s->lose ? failure(call_name(call), name, s->number) : NULL;
}

/* ---- calls that change something ---- */

static uint64_t
total(const struct store_piece *pieces, size_t npieces)
{
    uint64_t len = 0;

    for (size_t i = 0; i < npieces; i++)
        len += pieces[i].len;
    return len;
}

static void
note_put(struct fault *f, const char *name)
{
    pthread_mutex_lock(&f->lock);
    char *to = f->newest[f->put++ % STORE_FAULT_NEWEST];
    memcpy(to, name, strlen(name) + 1);
    pthread_mutex_unlock(&f->lock);
}

static struct err *
fault_put(struct store *s, const char *name, const struct store_piece *pieces, size_t npieces,
    bool *ret_new)
{
    struct fault *f = (struct fault *)s;
    struct strike strike;
    bool fresh = false;

    TRY(before(f, STORE_CALL_PUT, name, total(pieces, npieces), &strike));
    TRY(store_put_pieces(f->inner, name, pieces, npieces, &fresh));
    if (fresh)
        note_put(f, name);
    TRY(after(&strike, STORE_CALL_PUT, name));
    *ret_new = fresh && !strike.duplicate;
    return NULL;
}

static struct err *
fault_replace(struct store *s, const char *name, const struct store_piece *pieces,
    size_t npieces)
{
    struct fault *f = (struct fault *)s;
    struct strike strike;

    TRY(before(f, STORE_CALL_REPLACE, name, total(pieces, npieces), &strike));
    TRY(f->inner->call->replace(f->inner, name, pieces, npieces));
    return after(&strike, STORE_CALL_REPLACE, name);
}

static struct err *
fault_remove(struct store *s, const char *name, bool *ret_found)
{
    struct fault *f = (struct fault *)s;
    struct strike strike;
    bool found = false;

    TRY(before(f, STORE_CALL_REMOVE, name, 0, &strike));
    TRY(store_remove(f->inner, name, &found));
    TRY(after(&strike, STORE_CALL_REMOVE, name));
    *ret_found = found;
    return NULL;
}

/* A barrier is meant when any of its folders is. */
static struct err *
fault_barrier(struct store *s, const char *const *folders, size_t nfolders)
{
    struct fault *f = (struct fault *)s;
    struct strike strike;
    size_t meant = 0;

    for (size_t i = 0; i < nfolders; i++)
        for (size_t j = 0; j < f->nplan; j++)
            if (f->plan[j].folder != NULL &&
                strncmp(folders[i], f->plan[j].folder, strlen(f->plan[j].folder)) == 0)
                meant = i;
    const char *name = nfolders == 0 ? "" : folders[meant];
    TRY(before(f, STORE_CALL_BARRIER, name, 0, &strike));
    TRY(store_barrier(f->inner, folders, nfolders));
    return after(&strike, STORE_CALL_BARRIER, name);
}

/* ---- calls that ask ---- */

static struct err *
fault_get(struct store *s, const char *name, uint64_t off, void *buf, size_t len,
    size_t *ret_len, bool *ret_found)
{
    struct fault *f = (struct fault *)s;
    struct strike strike;
    bool found = false;
    size_t n = 0;

    TRY(before(f, STORE_CALL_GET, name, len, &strike));
    TRY(store_get(f->inner, name, off, buf, len, &n, &found));
    TRY(after(&strike, STORE_CALL_GET, name));
    *ret_found = found;
    if (found)
        *ret_len = strike.cut && n > 0 ? (size_t)(strike.chance % n) : n;
    return NULL;
}

static struct err *
fault_stat(struct store *s, const char *name, uint64_t *ret_len, bool *ret_found)
{
    struct fault *f = (struct fault *)s;
    struct strike strike;
    bool found = false;
    uint64_t len = 0;

    TRY(before(f, STORE_CALL_STAT, name, 0, &strike));
    TRY(store_stat(f->inner, name, &len, &found));
    TRY(after(&strike, STORE_CALL_STAT, name));
    *ret_found = found;
    if (found)
        *ret_len = len;
    return NULL;
}

/* ---- listing ---- */

struct listed {
    uint64_t len, key;
    char name[STORE_NAME_MAX + 1];
};

struct listing {
    struct fault *f;
    struct strike *strike;
    struct listed *items;
    size_t n, room;
};

static bool
is_newest(struct fault *f, const char *name)
{
    bool found = false;

    pthread_mutex_lock(&f->lock);
    for (unsigned i = 0; i < STORE_FAULT_NEWEST; i++)
        found |= strcmp(f->newest[i], name) == 0;
    pthread_mutex_unlock(&f->lock);
    return found;
}

static struct err *
gather(void *arg, const char *name, uint64_t len)
{
    struct listing *l = arg;

    if (l->strike->stale && is_newest(l->f, name))
        return NULL;
    if (l->n == l->room) {
        size_t room = l->room ? 2 * l->room : 64;
        struct listed *more = realloc(l->items, room * sizeof(*more));

        if (more == NULL)
            return fail(OutOfMemory);
        l->items = more;
        l->room = room;
    }
    struct listed *item = &l->items[l->n++];
    item->len = len;
    memcpy(item->name, name, strlen(name) + 1);
    pthread_mutex_lock(&l->f->lock);
    item->key = next_chance(l->f);
    pthread_mutex_unlock(&l->f->lock);
    return NULL;
}

static int
by_chance(const void *a, const void *b)
{
    const struct listed *x = a, *y = b;

    return (x->key > y->key) - (x->key < y->key);
}

static struct err *
list_otherwise(struct listing *l, const char *folder, store_list_fn *each, void *arg)
{
    TRY(store_list(l->f->inner, folder, gather, l));
    if (l->n > 0 && l->strike->reorder)
        qsort(l->items, l->n, sizeof(*l->items), by_chance);
    for (size_t i = 0; i < l->n; i++)
        TRY(each(arg, l->items[i].name, l->items[i].len));
    return NULL;
}

static struct err *
fault_list(struct store *s, const char *folder, store_list_fn *each, void *arg)
{
    struct fault *f = (struct fault *)s;
    struct strike strike;
    struct listing l = { .f = f, .strike = &strike };

    TRY(before(f, STORE_CALL_LIST, folder, 0, &strike));
    if (strike.reorder || strike.stale) {
        struct err *e = list_otherwise(&l, folder, each, arg);
        free(l.items);
        TRY(e);
    } else {
        TRY(store_list(f->inner, folder, each, arg));
    }
    return after(&strike, STORE_CALL_LIST, folder);
}

/* ---- making ---- */

static void
fault_free(struct store *s)
{
    struct fault *f = (struct fault *)s;

    store_free(f->inner);
    pthread_mutex_destroy(&f->lock);
    free(f);
}

static const struct store_vtable fault_calls = {
    .put = fault_put,
    .get = fault_get,
    .stat = fault_stat,
    .list = fault_list,
    .barrier = fault_barrier,
    .replace = fault_replace,
    .remove = fault_remove,
    .free = fault_free,
};

struct err *
store_fault_new(struct store *inner, const struct store_fault *plan, size_t n, uint64_t seed,
    struct store **ret)
{
    struct fault *f = calloc(1, sizeof(*f));

    assert(n <= STORE_FAULTS_MAX);
    if (f == NULL)
        return fail(OutOfMemory);
    f->store.call = &fault_calls;
    f->store.place = inner->place;
    f->inner = inner;
    f->chance = seed;
    f->nplan = n;
    if (n > 0)
        memcpy(f->plan, plan, n * sizeof(plan[0]));
    pthread_mutex_init(&f->lock, NULL);
    *ret = &f->store;
    return NULL;
}

uint64_t
store_fault_calls(struct store *s)
{
    struct fault *f = (struct fault *)s;

    pthread_mutex_lock(&f->lock);
    uint64_t n = f->calls;
    pthread_mutex_unlock(&f->lock);
    return n;
}

uint64_t
store_fault_struck(struct store *s)
{
    struct fault *f = (struct fault *)s;

    pthread_mutex_lock(&f->lock);
    uint64_t n = f->struck;
    pthread_mutex_unlock(&f->lock);
    return n;
}
